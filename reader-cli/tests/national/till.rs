//! A till for tests: a data folder with its configuration, the built program, a centre that fails on demand.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use national_rehearsal::{Centre, FaultPlan, Running, Told};
use serde_json::{Value, json};
use settlement::fen::Fen;
use settlement::national::Unit;

/// Of the rehearsal's people.
pub(crate) const PERSON: &str = "51339900000000000000000001";
pub(crate) const CITIZEN: &str = "513399198001010019";
pub(crate) const NAME: &str = "卓玛措";
pub(crate) const BALANCE: i64 = 100_000;

/// The same drugs as the rehearsal has.
const DRUGS: &str = include_str!("../../../national-rehearsal/data/drugs.csv");

/// Messages that a till may need until it is done: each run sends few.
const RUNS_MAX: usize = 40;

pub(crate) struct Till {
    pub(crate) centre: Running,
    pub(crate) folder: tempfile::TempDir,
    told: Arc<Mutex<Vec<Told>>>,
}

pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    pub(crate) fn code(&self) -> String {
        let line = self.stderr.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(line).unwrap_or_default();
        error["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Till {
    /// A till that was never used.
    pub(crate) fn open() -> Self {
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let ours = Arc::clone(&told);
        let centre = Centre::built_in(Unit::Characters).expect("built in");
        let note = move |message| ours.lock().expect("no test panics with it").push(message);
        let address = "127.0.0.1:0".parse().expect("an address");
        let centre = Running::start(address, centre, FaultPlan::default(), note).expect("listens");
        let till = Self { centre, folder: tempfile::tempdir().expect("folder"), told };
        till.configure("");
        std::fs::write(till.path("drugs.csv"), DRUGS).expect("written");
        std::fs::write(till.path("citizen"), CITIZEN).expect("written");
        till
    }

    /// Signed in.
    pub(crate) fn signed_in() -> Self {
        let till = Self::open();
        till.ok(&["sign-in"]);
        till
    }

    /// Writes the configuration, with further lines of `[national]`.
    pub(crate) fn configure(&self, more: &str) {
        let text = format!(
            "operator = \"店员甲\"\n[national]\naddress = \"{}/fsi/api\"\ninstitution = \"P51399000001\"\n\
             institution-name = \"桥头药房\"\nregion = \"513399\"\nreceiver = \"TERM\"\nclerk = \"007\"\nmac = \"M\"\nip = \"I\"\n{more}",
            self.centre.address()
        );
        std::fs::write(self.path("sscard.toml"), text).expect("written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn faults(&self, lines: &[&str]) {
        let lines = lines.iter().map(|line| line.parse().unwrap_or_else(|error| panic!("{line}: {error}"))).collect();
        self.centre.set_faults(FaultPlan::scripted(lines));
    }

    /// Writes a bill: code, quantity, price.
    pub(crate) fn bill(&self, id: &str, items: &[(&str, &str, &str)]) -> String {
        let items: Vec<Value> = items
            .iter()
            .map(|(code, quantity, price)| json!({"code": code, "quantity": quantity, "unit_price": price}))
            .collect();
        let path = self.path(&format!("{id}.json"));
        std::fs::write(&path, json!({"bill_id": id, "items": items}).to_string()).expect("written");
        path.display().to_string()
    }

    fn command(&self, language: &str, form: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sscard"));
        command
            .env_clear()
            .arg("--data")
            .arg(self.folder.path())
            .args(["--lang", language, "--format", form, "national"])
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// `sscard national …` with `--format json`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_as("en", "json", arguments)
    }

    pub(crate) fn run_as(&self, language: &str, form: &str, arguments: &[&str]) -> Ran {
        let output = self.command(language, form, arguments).output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { status: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command("en", "json", arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs")
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.json()
    }

    /// Settles a bill for the person.
    pub(crate) fn settle(&self, bill: &str) -> Ran {
        self.run(&["settle", bill, "--id", &self.citizen()])
    }

    pub(crate) fn citizen(&self) -> String {
        format!("file:{}", self.path("citizen").display())
    }

    /// Runs it until it succeeds, as a person at a counter would.
    pub(crate) fn until_done(&self, arguments: &[&str]) -> (Value, usize) {
        for attempt in 1..=RUNS_MAX {
            let ran = self.run(arguments);
            match ran.status {
                0 => return (ran.json(), attempt),
                // The centre does not answer, what it said does not hold, or the session is gone with its answer.
                7 | 8 => {}
                3 if ran.code() == "NATIONAL_NOT_SIGNED_IN" => {
                    self.until_done(&["sign-in"]);
                }
                status => panic!("{arguments:?} ended with {status}: {}{}", ran.stdout, ran.stderr),
            }
        }
        panic!("{arguments:?} is not done after {RUNS_MAX} runs")
    }

    /// How many messages of this number arrived.
    pub(crate) fn arrived(&self, infno: u16) -> usize {
        self.told.lock().expect("no test panics with it").iter().filter(|told| told.infno == infno).count()
    }

    pub(crate) fn state(&self, bill: &str) -> String {
        let list = self.ok(&["list"]);
        let rows = list["settlements"].as_array().cloned().unwrap_or_default();
        let newest = rows.iter().rfind(|row| row["bill_id"] == bill);
        newest.and_then(|row| row["state"].as_str()).unwrap_or_default().to_owned()
    }

    pub(crate) fn balance(&self) -> Fen {
        self.centre.centre().balance(PERSON, "310").expect("there")
    }

    /// Not a fen is lost or doubled: what the account paid is what stands, here and there.
    pub(crate) fn assert_conserved(&self) {
        let theirs = self.centre.centre().books().paid_by_account(PERSON).expect("fits");
        assert_eq!(self.balance().get(), BALANCE - theirs.get(), "the centre's account and its sales");
        let list = self.ok(&["list"]);
        assert_eq!(list["open"], 0, "{list}");
        let standing = list["settlements"].as_array().cloned().unwrap_or_default();
        let ours: i64 = standing
            .iter()
            .filter(|row| row["state"] == "SETTLED")
            .map(|row| row["account_fen"].as_i64().expect("an amount"))
            .sum();
        assert_eq!(ours, theirs.get(), "our journal and the centre's sales: {list}");
    }
}
