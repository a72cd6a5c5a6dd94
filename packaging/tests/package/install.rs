//! What the page `install` has an administrator type for a centre, typed as it stands, and then what the units start.
//!
//! Owns: the stand-ins of `apt` and `systemctl`, and of the user `issuer`: `nobody` where the test may be two users, itself elsewhere.
//! Never: leaves its root.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// `nobody`, who owns no folder of the system.
const USER: u32 = 65_534;

/// Until a centre serves.
const UNTIL: Duration = Duration::from_secs(60);

/// Commands of the page's part about a centre.
const COMMANDS_MIN: usize = 18;

const PASSPHRASE: &str = "an invented passphrase\n";

/// The stand-in of `install`: an owner is the test's own user, or `nobody`.
const INSTALL: &str = r#"#!/bin/bash
words=() owner=
while [ $# -gt 0 ]; do
    case $1 in
        -o) owner=$2; shift ;;
        -g) shift ;;
        *) words+=("$1") ;;
    esac
    shift
done
/usr/bin/install "${words[@]}"
if [ -n "$owner" ] && [ "$(id -u)" = 0 ]; then chown 65534:65534 "${words[-1]}"; fi
"#;

/// The stand-in of `runuser -u issuer --`.
const RUNUSER: &str = r#"#!/bin/bash
shift 3
if [ "$(id -u)" = 0 ]; then exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; fi
exec "$@"
"#;

/// What stands for a shell in the part about a centre; what an editor is given is none.
fn commands(page: &str, heading: &str) -> Vec<String> {
    let part = page.split_once(heading).expect("the part").1.split("\n## ").next().expect("a part").to_owned();
    let blocks = part.split("```text\n").skip(1).filter_map(|block| block.split("```").next());
    let typed = blocks.filter(|block| !block.starts_with("systemctl edit")).flat_map(str::lines);
    // A remark differs from language to language.
    typed.map(|line| line.split("  #").next().unwrap_or_default().trim_end().to_owned()).collect()
}

struct Machine {
    root: PathBuf,
    is_root: bool,
}

impl Machine {
    /// The paths of a system, in this root.
    fn here(&self, text: &str) -> String {
        ["/var/lib/issuer", "/etc/", "/usr/bin/issuer"]
            .iter()
            .fold(text.to_owned(), |text, path| text.replace(path, &format!("{}{path}", self.root.display())))
    }

    fn stand_in(&self, name: &str, text: &str) {
        let path = self.root.join("shims").join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("changed");
    }

    /// A program of a unit: `ExecStart` with what systemd puts into it.
    fn starts(&self, unit: &str) -> Vec<Command> {
        let text = fs::read_to_string(self.root.join("usr/lib/systemd/system").join(unit)).expect("a unit");
        let default = fs::read_to_string(self.root.join("etc/default/issuer")).expect("there");
        let serve = "--listen 127.0.0.1:0 --port-file ${ROOT}/ports/plain --tls 127.0.0.1:0 --operators 127.0.0.1:0 \
                     --operators-port-file ${ROOT}/ports/operators";
        let lines = text.lines().filter_map(|line| line.strip_prefix("ExecStart="));
        lines
            .map(|line| {
                let mut line =
                    line.replace("$ISSUER_SERVE", serve).replace("${CREDENTIALS_DIRECTORY}", "${ROOT}/credentials");
                for (name, value) in default.lines().filter_map(|row| row.split_once('=')) {
                    line = line.replace(&format!("${{{name}}}"), value);
                }
                let line = self.here(&line).replace("${ROOT}", &self.root.display().to_string());
                assert!(!line.contains('$'), "{line}");
                let mut command = Command::new(self.root.join("shims/runuser"));
                command.args(["-u", "issuer", "--"]).args(line.split(' '));
                command.env("ISSUER_DATA", self.root.join("var/lib/issuer")).stdin(Stdio::null());
                command
            })
            .collect()
    }

    fn output(&self, unit: &str) -> Vec<Output> {
        self.starts(unit).into_iter().map(|mut command| command.output().expect("starts")).collect()
    }
}

/// A server that a test has started, ended when the test is.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Types the page, and starts what its last command starts.
pub(super) fn follow(root: &Path, english: &str, chinese: &str) {
    let typed = commands(english, "\n## A centre\n");
    assert_eq!(typed, commands(chinese, "\n## 中心\n"), "one set of commands");
    assert!(typed.len() >= COMMANDS_MIN, "{typed:?}");
    let owner = fs::metadata(root).expect("a root").uid();
    let machine = Machine { root: root.to_owned(), is_root: owner == 0 };
    for folder in ["shims", "etc/default", "var/lib", "credentials", "ports"] {
        fs::create_dir_all(root.join(folder)).expect("made");
    }
    // Another user comes through, and writes the ports.
    fs::set_permissions(root.parent().expect("a folder"), fs::Permissions::from_mode(0o755)).expect("changed");
    fs::set_permissions(root.join("ports"), fs::Permissions::from_mode(0o777)).expect("changed");
    machine.stand_in("install", INSTALL);
    machine.stand_in("runuser", RUNUSER);
    for name in ["apt", "systemctl"] {
        machine.stand_in(name, "#!/bin/sh\nexit 0\n");
    }
    let script = machine.here(&typed.join("\n"));
    let path = format!("{}:{}", root.join("shims").display(), std::env::var("PATH").expect("a path"));
    let mut shell = Command::new("bash");
    shell.args(["-euc", &script]).env("PATH", path).current_dir(root);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    shell.stdin.take().expect("a pipe").write_all(PASSPHRASE.as_bytes()).expect("typed");
    let output = shell.wait_with_output().expect("ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{said}");
    assert!(said.contains("serve.operators") && !said.contains("失败") && !said.contains("FAILED"), "{said}");
    whose(&machine, &root.join("var/lib/issuer"));

    // systemd's credentials: the user's own copies.
    for (from, to) in [("passphrase", "passphrase"), ("daily.password", "daily"), ("auditor.password", "auditor")] {
        let to = root.join("credentials").join(to);
        fs::copy(root.join("etc/issuer").join(from), &to).expect("copied");
        fs::set_permissions(to, fs::Permissions::from_mode(0o644)).expect("changed");
    }
    serves(&machine);
    let authority = root.join("var/lib/issuer/centre.authority");
    let away = root.join("var/lib/issuer/away");
    fs::rename(&authority, &away).expect("moved");
    stays_down(&machine, 2, "AUTHORITY_MISSING");
    fs::rename(&away, &authority).expect("moved");
    fs::write(root.join("credentials/passphrase"), "another passphrase\n").expect("written");
    stays_down(&machine, 7, "VAULT_NOT_OPENED");
}

/// Everything belongs to the centre's user; root is kept out.
fn whose(machine: &Machine, folder: &Path) {
    if !machine.is_root {
        return;
    }
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        assert_eq!(entry.metadata().expect("there").uid(), USER, "{}", entry.path().display());
    }
    let mut root = Command::new(machine.root.join("usr/bin/issuer"));
    root.args(["--lang", "en", "--data"]).arg(folder).args(["operator", "list"]);
    let output = root.output().expect("starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && said.contains("CENTRE_FOLDER_OF_ANOTHER"), "{said}");
    assert!(said.contains("nobody") && said.contains("runuser -u"), "{said}");
}

fn serves(machine: &Machine) {
    let mut commands = machine.starts("issuer.service");
    assert_eq!(commands.len(), 1, "the self-test is part of it");
    let log = fs::File::create(machine.root.join("serve.log")).expect("a file");
    let mut served = Served(commands.remove(0).stdout(Stdio::null()).stderr(log).spawn().expect("starts"));
    let began = Instant::now();
    let port = |name: &str| fs::read_to_string(machine.root.join("ports").join(name)).ok()?.trim().parse::<u16>().ok();
    let (plain, operators) = loop {
        if let (Some(plain), Some(operators)) = (port("plain"), port("operators")) {
            break (plain, operators);
        }
        let log = || fs::read_to_string(machine.root.join("serve.log")).unwrap_or_default();
        assert!(served.0.try_wait().expect("asked").is_none() && began.elapsed() < UNTIL, "{}", log());
        sleep(Duration::from_millis(20));
    };
    let mut line = TcpStream::connect(("127.0.0.1", plain)).expect("connected");
    line.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
    let mut told = String::new();
    line.read_to_string(&mut told).expect("answered");
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    TcpStream::connect(("127.0.0.1", operators)).expect("a door for operators");
    for output in machine.output("issuer-daily.service").into_iter().chain(machine.output("issuer-checkpoint.service"))
    {
        assert!(output.status.success(), "{output:?}");
    }
}

/// A start that only a person can mend ends so that systemd does not try again.
fn stays_down(machine: &Machine, code: i32, word: &str) {
    let text = fs::read_to_string(machine.root.join("usr/lib/systemd/system/issuer.service")).expect("a unit");
    let prevented = text.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus=")).expect("a row");
    assert!(prevented.split(' ').any(|number| number == code.to_string()), "{prevented}");
    let output = machine.output("issuer.service").remove(0);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.code() == Some(code) && said.contains(word), "{:?} {said}", output.status);
}
