//! `sscard-driver-server`: the functions of the C library for programs that cannot load it.
//!
//! Owns: address and token from the command line and the environment, the exit code. Never: anything else.

use std::process::ExitCode;

use sscarddriver::output;
use sscarddriver::server::{Address, Server, ServerError};
use zeroize::Zeroizing;

/// The command line or the environment is wrong.
const USAGE: u8 = 1;
/// The address cannot be used.
const STORAGE: u8 = 9;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address] = arguments.as_slice() else {
        output::usage();
        return ExitCode::from(USAGE);
    };
    match open(address) {
        Ok(server) => {
            output::listening(&server.address());
            server.serve();
            ExitCode::SUCCESS
        }
        Err(error) => {
            output::error(&error);
            ExitCode::from(if matches!(error, ServerError::Listen { .. }) { STORAGE } else { USAGE })
        }
    }
}

fn open(address: &str) -> Result<Server, ServerError> {
    let address = Address::parse(address)?;
    let file = std::env::var_os("SSCARD_SERVER_TOKEN_FILE").filter(|name| !name.is_empty());
    let token = match file {
        None => None,
        Some(file) => Some(Zeroizing::new(std::fs::read(file).map_err(|_| ServerError::Token)?)),
    };
    let token = token.map(|token| Zeroizing::new(token.trim_ascii().to_vec()));
    Server::open(&address, token)
}
