//! Commands of the site that feed and print cards: with a time limit, and with nothing secret where others can see it.
//!
//! Owns: places of a template, the environment of a command, starting, the limit, ending it with all that it started.
//! Never: puts a person's data into arguments or environment: they go to the standard input; hands on a variable that is
//! not listed, so that no passphrase or PIN in ours reaches a command of the site.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use crate::lang::Lang;

/// What a shell ends with when there is no such command, or it cannot be executed (POSIX, exit status of commands).
const NOT_RUN: [Option<i32>; 2] = [Some(126), Some(127)];

/// How often a running command is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Variables that a command gets from us, where they are set; `ISSUER_READER` comes besides.
pub const ENVIRONMENT: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "TZ", "LANG", "LC_ALL", "TMPDIR", "PCSCLITE_CSOCK_NAME"];

/// A command of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Shell command with places in braces.
    pub template: String,
    /// How long it may take.
    pub limit: Duration,
    /// Folder of the centre whose templates cards are printed by; the built-in ones where there is none.
    pub folder: Option<PathBuf>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookEnd {
    /// With 0.
    Done,
    /// Otherwise.
    Failed,
    /// It could not be started, or the shell found no such command.
    NotRun,
    /// It took too long and was ended.
    TimedOut,
    /// The card's face could not be drawn for it: it was not started.
    Undrawn,
}

impl HookEnd {
    /// Stable code of a failure; empty when it is done.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "",
            Self::Failed => "HOOK_FAILED",
            Self::NotRun => "HOOK_NOT_RUN",
            Self::TimedOut => "HOOK_TIMED_OUT",
            Self::Undrawn => "HOOK_FACE_UNDRAWN",
        }
    }

    /// What a code of a command means, for people; none for other codes.
    #[must_use]
    pub fn words(code: &str, lang: Lang) -> Option<&'static str> {
        let (zh, en) = match code {
            "HOOK_FAILED" => {
                ("命令以错误结束，错误信息见上", "its command ended with an error; what it said stands above")
            }
            "HOOK_NOT_RUN" => ("命令无法运行，请核对写法", "its command could not be run; look at how it is spelt"),
            "HOOK_TIMED_OUT" => (
                "命令超时已被终止，检查设备，或用 --hook-time 给更多时间",
                "its command took too long and was ended; look at the device, or give more time with --hook-time",
            ),
            "HOOK_FACE_UNDRAWN" => (
                "卡面无法绘制，命令没有运行；用 issuer face template check 查看模板，并核对照片与字体",
                "the card's face could not be drawn and its command was not run; see issuer face template check, photo and fonts",
            ),
            _ => return None,
        };
        Some(lang.pick(zh, en))
    }
}

impl Hook {
    /// Runs it with these places filled in, `reader` in the environment and `input` at its standard input.
    #[must_use]
    pub fn run(&self, reader: &str, places: &[(&str, &str)], input: &[u8]) -> HookEnd {
        let filled = places
            .iter()
            .fold(self.template.clone(), |text, (place, value)| text.replace(&format!("{{{place}}}"), &quoted(value)));
        let child = Command::new("sh")
            .args(["-c", &filled])
            .env_clear()
            .envs(ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("ISSUER_READER", reader)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn();
        let Ok(mut child) = child else { return HookEnd::NotRun };
        if let Some(mut stdin) = child.stdin.take() {
            let input = Zeroizing::new(input.to_vec());
            // Beside the clock: a command that does not read a long input would never let go. One that ends before is no fault.
            std::thread::spawn(move || stdin.write_all(&input));
        }
        self.wait(&mut child)
    }

    fn wait(&self, child: &mut Child) -> HookEnd {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return HookEnd::Done,
                Ok(Some(status)) if NOT_RUN.contains(&status.code()) => return HookEnd::NotRun,
                Ok(Some(_)) | Err(_) => return HookEnd::Failed,
                Ok(None) if start.elapsed() < self.limit => std::thread::sleep(PAUSE),
                Ok(None) => break,
            }
        }
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
        HookEnd::TimedOut
    }
}

/// As one word of the shell, whatever stands in it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(template: &str, limit_ms: u64) -> Hook {
        Hook { template: template.to_owned(), limit: Duration::from_millis(limit_ms), folder: None }
    }

    #[test]
    fn places_are_words_and_the_input_is_what_was_given() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("out").display().to_string();
        let print = hook("{ printf '%s|' {job} {name}; cat; } > {path}", 10_000);
        let end = print.run("r", &[("job", "7"), ("name", "a'; touch x; '"), ("path", &path)], b"data");
        assert_eq!(end, HookEnd::Done);
        assert_eq!(std::fs::read_to_string(path).expect("written"), "7|a'; touch x; '|data");
    }

    #[test]
    fn a_command_gets_the_listed_variables_and_no_other_one() {
        // The runner of the tests sets variables of its own, as a shell with a passphrase would.
        assert!(std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("CARGO")));
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("out").display().to_string();
        assert_eq!(hook("env > {path}", 10_000).run("r 1", &[("path", &path)], b""), HookEnd::Done);
        let text = std::fs::read_to_string(path).expect("written");
        let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        // The last ones are set by shells themselves.
        let known =
            |name: &&str| ENVIRONMENT.contains(name) || ["ISSUER_READER", "PWD", "_", "SHLVL", "OLDPWD"].contains(name);
        assert!(names.iter().all(known), "{names:?}");
        assert!(text.contains("ISSUER_READER=r 1\n") && names.contains(&"PATH"), "{text}");
    }

    #[test]
    fn a_command_that_fails_or_takes_too_long_is_told_and_leaves_nothing_behind() {
        assert_eq!(hook("exit 3", 10_000).run("r", &[], b""), HookEnd::Failed);
        assert_eq!(hook("nosuchcommand", 10_000).run("r", &[], b""), HookEnd::NotRun);
        assert_eq!(hook("/etc/hostname", 10_000).run("r", &[], b""), HookEnd::NotRun);
        let folder = tempfile::tempdir().expect("folder");
        let pid = folder.path().join("pid");
        // The command ends only when it is ended; the limit runs out long after it has started.
        let slow = hook("sh -c 'echo $$ > pid.new; mv pid.new {pid}; sleep 600' & wait", 3_000);
        let template = slow.template.replace("pid.new", &format!("{}.new", pid.display()));
        let slow = Hook { template, ..slow };
        assert_eq!(slow.run("r", &[("pid", pid.to_str().expect("a path"))], b""), HookEnd::TimedOut);
        // What it had started has ended with it.
        let grandchild: i32 = std::fs::read_to_string(pid).expect("started").trim().parse().expect("a number");
        let gone = || rustix::process::test_kill_process(Pid::from_raw(grandchild).expect("a pid")).is_err();
        let zombie =
            || std::fs::read_to_string(format!("/proc/{grandchild}/stat")).is_ok_and(|stat| stat.contains(") Z "));
        // The system ends it when it comes to it.
        while !(gone() || zombie()) {
            std::thread::yield_now();
        }
    }
}
