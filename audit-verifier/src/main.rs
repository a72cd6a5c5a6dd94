//! `audit-verifier`: does the audit log of an issuance centre hold? Written from docs/audit.md, without the centre's code.

mod anchor;
mod chain;
mod export;
mod output;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Checks the audit log of an issuance centre (审计日志核验) and names the first record that does not hold.
#[derive(Debug, Parser)]
#[command(name = "audit-verifier", version, group = clap::ArgGroup::new("log").required(true).args(["database", "export"]))]
struct Arguments {
    /// SQLite database of the centre: centre.db.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Export of the log: `issuer audit export FILE`.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Anchor of the log: audit.anchor of the centre's folder. Without it an end that was cut off behind the last checkpoint
    /// is not seen.
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// Public key of the centre, 64 hex digits, from paper. Without it the key that the log itself names is used.
    #[arg(long, value_name = "HEX")]
    public_key: Option<String>,
    /// The record up to which the log was signed when somebody looked, as written down then: less is a log that does not hold.
    #[arg(long, value_name = "N", default_value_t = 0)]
    signed_from: i64,
    /// Chinese or English.
    #[arg(long, value_enum, default_value = "en")]
    lang: output::Lang,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let lang = arguments.lang;
    match verify(arguments) {
        Ok(verdict) => output::verdict(&verdict, lang),
        Err(error) => output::error(&error, lang),
    }
}

fn verify(arguments: Arguments) -> Result<chain::Verdict, chain::Failure> {
    let Arguments { database, export, anchor, public_key, signed_from, .. } = arguments;
    let anchor = anchor.map(|path| anchor::read(&path)).transpose()?;
    let mut walk = chain::Walk::new(public_key, anchor);
    match (database, export) {
        (Some(path), _) => store::walk(&path, &mut walk)?,
        (None, Some(path)) => export::walk(&path, &mut walk)?,
        (None, None) => {}
    }
    Ok(walk.end(signed_from))
}
