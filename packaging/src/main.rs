//! Writes man pages and shell completions of `issuer` and `sscard` into a folder, from the definitions of their own arguments.
//!
//! Owns: which programs, which shells, where the files lie below the folder. Never: a sentence about an option.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use clap::{Command, CommandFactory};
use clap_complete::Shell;

fn main() -> ExitCode {
    let folder: Vec<OsString> = env::args_os().skip(1).collect();
    let [folder] = folder.as_slice() else { return ExitCode::from(1) };
    let programs = [issuer_service::cli::Cli::command(), reader_cli::arguments::Arguments::command()];
    match programs.into_iter().try_for_each(|program| pages(program, Path::new(folder))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(9),
    }
}

/// The pages of one program, a page a command, and its completions.
fn pages(program: Command, folder: &Path) -> io::Result<()> {
    let made = |below: &str| -> io::Result<PathBuf> {
        let folder = folder.join(below);
        fs::create_dir_all(&folder).map(|()| folder)
    };
    clap_mangen::generate_to(program.clone(), made("share/man/man1")?)?;
    let name = program.get_name().to_owned();
    for (shell, below) in [
        (Shell::Bash, "share/bash-completion/completions"),
        (Shell::Zsh, "share/zsh/vendor-completions"),
        (Shell::Fish, "share/fish/vendor_completions.d"),
    ] {
        let folder = made(below)?;
        let file = clap_complete::generate_to(shell, &mut program.clone(), &name, &folder)?;
        if shell == Shell::Bash {
            // Looked for by the name of the program.
            fs::rename(file, folder.join(&name))?;
        }
    }
    Ok(())
}
