//! Servers that are wrong, distrusted, shared by two writers, or killed under an import.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::own::{Authority, Server};
use serde_json::Value;

/// A folder for centres, and the server's password in a file.
struct Site {
    folder: tempfile::TempDir,
    server: Server,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().expect("a folder"), server: Server::start() };
        site.file("password", "invented");
        site
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    }

    fn centre(&self) -> PathBuf {
        self.folder.path().join("centre")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(["--lang", "en", "--format", "json", "--data"]).arg(self.centre()).args(words);
        command.stdin(Stdio::null()).env_remove("ISSUER_DATABASE");
        command
    }

    fn say(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("the program starts")
    }

    fn init(&self, url: &str, options: &[&str]) -> Output {
        let password = format!("file:{}", self.folder.path().join("password").display());
        let words = ["init", "--database", url, "--database-password", &password];
        self.say(&[&words, options].concat())
    }

    /// Exit code and error code.
    fn refusal(&self, output: &Output) -> (Option<i32>, String) {
        let text = String::from_utf8_lossy(&output.stderr);
        let error: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("an error object, not {text}"));
        assert!(!text.contains("invented"), "the password: {text}");
        assert!(error["what"].is_string() && error["next"].is_string());
        (output.status.code(), error["code"].as_str().expect("code").to_owned())
    }

    fn refused(&self, url: &str, options: &[&str]) -> (Option<i32>, String) {
        let refused = self.refusal(&self.init(url, options));
        assert!(!self.centre().exists(), "a server that refuses leaves no folder behind: {refused:?}");
        refused
    }

    fn count(&self, table: &str) -> u64 {
        self.server.ask("centre", &format!("SELECT COUNT(*) FROM {table}"))[0].parse().expect("a count")
    }
}

fn ok(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_server_is_known_by_its_certificate_and_its_name_or_nothing_is_sent() {
    let site = Site::new();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (ca, other) = (site.file("ca.pem", &ours.pem()), site.file("other.pem", &theirs.pem()));
    let url = site.server.address("localhost", "centre");
    assert_eq!(site.refused(&url, &["--database-ca", &ca]), (Some(6), "DATABASE_WITHOUT_TLS".to_owned()));
    site.server.show(&ours, "localhost");
    assert_eq!(site.refused(&url, &["--database-ca", &other]), (Some(6), "DATABASE_CERTIFICATE_REFUSED".to_owned()));
    let by_number = site.server.address("127.0.0.1", "centre");
    let refused = site.refused(&by_number, &["--database-ca", &ca]);
    assert_eq!(refused, (Some(6), "DATABASE_CERTIFICATE_REFUSED".to_owned()), "the certificate is for a name");
    assert_eq!(
        site.refused(&url, &[]),
        (Some(6), "DATABASE_ACCESS_REFUSED".to_owned()),
        "it takes nobody in without TLS"
    );
    ok(&site.init(&url, &["--database-ca", &ca]));
    ok(&site.say(&["operator", "add", "li", "--role", "capture"]));
    ok(&site.say(&["audit", "verify"]));
    // Another machine in its place: the name is right, the authority is not; then the authority is right, the name is not.
    let before = site.count("operator");
    for (authority, name) in [(&theirs, "localhost"), (&ours, "elsewhere")] {
        site.server.show(authority, name);
        let refused = site.refusal(&site.say(&["operator", "add", "wang", "--role", "approve"]));
        assert_eq!(refused, (Some(6), "DATABASE_CERTIFICATE_REFUSED".to_owned()), "{name}");
    }
    assert_eq!(site.count("operator"), before);
}

#[test]
fn each_wrong_setting_is_told_by_its_own_code_and_leaves_nothing() {
    let site = Site::new();
    let url = site.server.address("127.0.0.1", "centre");
    let with =
        |name: &str, exit, code: &str| assert_eq!(site.refused(&url, &[]), (Some(exit), code.to_owned()), "{name}");
    site.file("password", "another one");
    with("a wrong password", 6, "DATABASE_ACCESS_REFUSED");
    let none = site.say(&["init", "--database", &url]);
    assert_eq!(site.refusal(&none), (Some(6), "DATABASE_ACCESS_REFUSED".to_owned()), "no password");
    site.file("password", "invented");
    let nowhere = site.server.address("127.0.0.1", "nowhere");
    assert_eq!(site.refused(&nowhere, &[]), (Some(9), "DATABASE_NOT_FOUND".to_owned()));
    let nobody = url.replace("issuer@", "nobody@");
    assert_eq!(site.refused(&nobody, &[]), (Some(6), "DATABASE_ACCESS_REFUSED".to_owned()));

    site.server.ask("centre", "ALTER DATABASE centre SET default_transaction_read_only = on");
    with("a server that takes nothing in", 9, "DATABASE_READ_ONLY");
    site.server.ask("postgres", "ALTER DATABASE centre RESET default_transaction_read_only");
    // An older server says its version in the same words.
    site.server.ask(
        "centre",
        "CREATE SCHEMA old AUTHORIZATION issuer; \
         CREATE FUNCTION old.current_setting(text) RETURNS text LANGUAGE sql AS \
         $$ SELECT CASE $1 WHEN 'server_version_num' THEN '100023' ELSE pg_catalog.current_setting($1) END $$",
    );
    let old = format!("{url}?options=-csearch_path%3Dold%2Cpg_catalog");
    assert_eq!(site.refused(&old, &[]), (Some(9), "DATABASE_TOO_OLD".to_owned()));
    site.server.ask("centre", "REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres");
    with("a user who may make no table", 6, "DATABASE_ACCESS_REFUSED");
    site.server.kill();
    with("a server that is away", 9, "DATABASE_GONE");
    site.server.up();
    site.server.ask("centre", "ALTER SCHEMA public OWNER TO issuer");
    ok(&site.init(&url, &[]));
}

#[test]
fn two_processes_that_write_at_once_wait_for_each_other_and_lose_nothing() {
    let site = Site::new();
    ok(&site.init(&site.server.address("127.0.0.1", "centre"), &[]));
    ok(&site.say(&["operator", "add", "li", "--role", "capture"]));
    let both = |who: &'static str| {
        let site = &site;
        move || {
            for turn in 0..8 {
                ok(&site.say(&["operator", "add", &format!("{who}{turn}"), "--role", "capture"]));
                ok(&site.say(&["number", "fill", "3", "--operator", "li"]));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(both("zhao"));
        scope.spawn(both("qian"));
    });
    assert_eq!((site.count("operator"), site.count("card_number")), (17, 48));
    let serials = site.server.ask("centre", "SELECT MAX(serial) FROM card_number");
    assert_eq!(serials, ["48"], "no number twice, none left out");
    ok(&site.say(&["audit", "verify"]));
}

/// A number of GB 11643 for an invented person.
fn number(order: u32) -> String {
    let body = format!("513301{}{:03}", 19_500_101 + 10_000 * (order / 900), 1 + order % 900);
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    let check = match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    };
    format!("{body}{check}")
}

#[test]
fn a_server_killed_in_the_middle_of_an_import_is_told_and_the_same_command_goes_on() {
    // More than one transaction takes (docs/adr/0048).
    const PEOPLE: u32 = 35_000;
    let site = Site::new();
    ok(&site.init(&site.server.address("127.0.0.1", "centre"), &[]));
    ok(&site.say(&["operator", "add", "li", "--role", "capture"]));
    let rows: Vec<String> = (0..PEOPLE).map(|order| format!("{},甲", number(order))).collect();
    let file = site.file("people.csv", &format!("身份证号,姓名\n{}\n", rows.join("\n")));
    let import = ["import", &file, "--operator", "li"];
    let mut running =
        site.command(&import).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // Each look is a program of its own, which takes its time from the import.
    while site.count("person") == 0 && running.try_wait().expect("a state").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    site.server.kill();
    let stopped = running.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&stopped.stderr);
    let last = text.lines().last().unwrap_or_default();
    assert_eq!(stopped.status.code(), Some(9), "{text}");
    assert!(last.contains("DATABASE_GONE"), "{text}");
    assert_eq!(site.refusal(&site.say(&["person", "list"])), (Some(9), "DATABASE_GONE".to_owned()));
    site.server.up();
    let kept = site.count("person");
    assert!(0 < kept && kept < u64::from(PEOPLE), "{kept} people");
    ok(&site.say(&import));
    assert_eq!(site.count("person"), u64::from(PEOPLE));
    assert_eq!(site.server.ask("centre", "SELECT SUM(accepted) FROM import"), [PEOPLE.to_string()]);
    ok(&site.say(&["audit", "verify"]));
}
