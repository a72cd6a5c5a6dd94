//! Where the holder types a PIN: a program of the site, since the conventional functions take no PIN.
//!
//! Owns: running it, its time, what its end means. Never: shows or logs what it prints; keeps it longer than the call.
//! Units: its argument is `verify`, `old`, `new` or `again`; it prints the digits and a line end; any other status than 0 is
//! "cancelled".

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use card_counter::secret::Pin;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::settings::Settings;

/// Most bytes that are taken of the program.
const LINE_MAX: u64 = 64;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// 请输入密码.
    Verify,
    /// 请输入原密码.
    Old,
    /// 请输入新密码.
    New,
    /// 请再输入一次新密码.
    Again,
}

impl Prompt {
    const fn word(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Old => "old",
            Self::New => "new",
            Self::Again => "again",
        }
    }
}

/// Asks the holder.
pub(crate) fn ask(settings: &Settings, prompt: Prompt) -> Result<Pin, Failure> {
    let program = settings.pin_entry.as_deref().ok_or(Failure::NoPinEntry)?;
    let failed = |source| Failure::PinEntry { program: program.display().to_string(), source };
    let mut child =
        Command::new(program).arg(prompt.word()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut output = child.stdout.take().ok_or(Failure::PinCancelled)?.take(LINE_MAX);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = Zeroizing::new(String::with_capacity(128));
        let read = output.read_to_string(&mut line).map(|_| line);
        // Whoever asked may have given up.
        let _ = tell.send(read);
    });
    let Ok(line) = told.recv_timeout(settings.pin_within) else {
        // It may have ended by itself just now.
        let _ = child.kill();
        let _ = child.wait();
        return Err(Failure::PinTimeout);
    };
    let ended_well = child.wait().map_err(failed)?.success();
    match line {
        Ok(line) if ended_well => Ok(Pin::parse(line.lines().next().unwrap_or_default().trim())?),
        _ => Err(Failure::PinCancelled),
    }
}

/// A new PIN, typed twice.
pub(crate) fn ask_new(settings: &Settings) -> Result<Pin, Failure> {
    let new = ask(settings, Prompt::New)?;
    let again = ask(settings, Prompt::Again)?;
    if *new.to_bcd() == *again.to_bcd() { Ok(new) } else { Err(Failure::PinDiffers) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    fn entry(script: &str) -> (tempfile::TempDir, Settings) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("entry");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("may be run");
        (folder, Settings { pin_entry: Some(path), ..Settings::default() })
    }

    #[test]
    fn what_the_holder_types_or_does_not_type_has_the_published_codes() {
        for (script, code) in
            [("echo 12", -33), ("exit 1", -31), ("echo 123456; exit 1", -31), ("", -33), ("exec sleep 60", -32)]
        {
            let (_folder, mut settings) = entry(script);
            settings.pin_within = Duration::from_millis(if code == -32 { 50 } else { 20_000 });
            let refused = ask(&settings, Prompt::Verify).expect_err(script);
            assert_eq!(refused.code().0, code, "{script:?}: {refused}");
        }
        assert_eq!(ask(&Settings::default(), Prompt::Verify).expect_err("nowhere").code().0, -13);
    }

    #[test]
    fn a_new_pin_is_typed_twice_alike() {
        let (_folder, settings) = entry("echo 654321");
        assert!(ask_new(&settings).expect("typed").is("654321"));
        let (_folder, settings) = entry("[ $1 = new ] && echo 654321 || echo 654322");
        assert_eq!(ask_new(&settings).expect_err("two PINs").code().0, -34);
    }
}
