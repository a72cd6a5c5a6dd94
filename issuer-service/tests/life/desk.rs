//! A centre whose cards are made, and the program on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use card_core::security::CityCode;
use card_profiles::identity::CardIdentifier;
use issuer_service::batch::{self, BatchMove, CardMove, CardState, JobMove, JobState, NumberMove, Selection};
use issuer_service::card::{Card, Chip};
use issuer_service::centre::{Centre, DatabaseConfig};
use issuer_service::operator::Role;
use issuer_service::person::Details;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::Fields;
use issuer_service::request::RequestMove;
use issuer_service::state::State;
use issuer_service::store::StoreError;
use issuer_service::vault::data_keys::DataKeys;
use serde_json::Value;

/// At the counter.
pub(crate) const CLERK: &str = "tashi";
/// Who registers people and makes batches.
pub(crate) const MAKER: &str = "li";

const PASSPHRASE: &str = "an invented passphrase";

pub(crate) struct Desk {
    _folder: Option<tempfile::TempDir>,
    centre: Centre,
}

impl Desk {
    /// With `people` people and a sealed card for each: batch 1.
    pub(crate) fn new(people: u32) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let desk = Self::at(&folder.path().join("c"), people);
        Self { _folder: Some(folder), ..desk }
    }

    /// The same in a folder of the caller.
    pub(crate) fn at(folder: &Path, people: u32) -> Self {
        let city = CityCode::parse("513300").expect("digits");
        let database = crate::fresh::fresh().map(DatabaseConfig::at);
        let mut centre = Centre::create(folder, city, "915600000251330051010000", database.as_ref()).expect("centre");
        let keys = DataKeys::random().expect("keys");
        keys.seal_file(&centre.data_keys_path(), PASSPHRASE).expect("sealed");
        std::fs::write(centre.folder.join("rehearsal.passphrase"), format!("{PASSPHRASE}\n")).expect("written");
        centre.store.unlock(Arc::new(keys)).expect("unlocked");
        centre
            .store
            .journal(|tx| -> Result<(), StoreError> {
                tx.add_operator(MAKER, &[Role::Capture])?;
                tx.add_operator("wang", &[Role::Approve])?;
                tx.add_operator(CLERK, &[Role::Counter])?;
                tx.add_operator("ma", &[Role::Clearing])?;
                (1..=people).try_for_each(|n| {
                    let (details, row) = (details(n), u64::from(n));
                    let said = Statement {
                        source: 1,
                        at: 1,
                        import: 1,
                        row,
                        details: &details,
                        fields: Fields::ALL,
                        taken_back: Fields::NONE,
                    };
                    issuer_service::registry::upsert(tx, &said).map(|_| ())
                })
            })
            .expect("rows");
        let mut desk = Self { _folder: None, centre };
        desk.make(&Selection::Next { county: None, count: people });
        desk
    }

    /// A batch of these people, made as a station leaves it.
    pub(crate) fn make(&mut self, selection: &Selection) -> Vec<String> {
        let number = batch::create(&mut self.centre.store, selection, Some(MAKER)).expect("made").number;
        batch::approve(&mut self.centre.store, number, Some("wang"), 'A').expect("approved");
        self.centre
            .store
            .journal(|tx| -> Result<Vec<String>, StoreError> {
                let mut numbers = Vec::new();
                tx.move_batch(number, BatchMove::Start)?;
                for job in tx.jobs(number, JobState::Waiting)? {
                    let card = card(job, tx.job_person(job)?, tx.job_card_number(job)?);
                    tx.add_card(&card)?;
                    tx.move_job(job, JobMove::Bind)?;
                    tx.move_job(job, JobMove::Finish)?;
                    tx.move_card(job, CardMove::Seal)?;
                    tx.move_number_of(job, NumberMove::Use)?;
                    if let Some(request) = tx.request_of_job(job)? {
                        tx.move_request(request.number, RequestMove::Finish)?;
                    }
                    numbers.push(card.card_number);
                }
                tx.move_batch(number, BatchMove::Finish)?;
                Ok(numbers)
            })
            .expect("cards")
    }

    pub(crate) fn centre(&mut self) -> &mut Centre {
        &mut self.centre
    }

    /// Number of the card of job `n`.
    pub(crate) fn number(&mut self, n: i64) -> String {
        self.centre.store.read(|tx| tx.job_card_number(n)).expect("a job")
    }

    /// The state of a card, from the database.
    pub(crate) fn state(&mut self, number: &str) -> String {
        self.centre.store.read(|tx| tx.card_by_number(number)).expect("read").expect("a card").state
    }

    pub(crate) fn audit_records(&mut self) -> u64 {
        let mut records = 0;
        let count = |_: &_| {
            records += 1;
            true
        };
        self.centre.store.read(|tx| tx.audit_records(count)).expect("log");
        records
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.centre.folder.clone()
    }

    /// Adds `[life]` options of the site.
    pub(crate) fn site(&mut self, options: &str) {
        let path = self.data().join("centre.toml");
        let text = std::fs::read_to_string(&path).expect("configuration");
        std::fs::write(&path, format!("{text}\n[life]\n{options}\n")).expect("written");
        self.centre = Centre::open(&self.data()).expect("the configuration is understood");
    }

    pub(crate) fn run(&self, operator: &str, arguments: &[&str]) -> Output {
        issuer(&self.data(), operator, arguments)
    }

    /// Runs a command that must succeed; its JSON.
    pub(crate) fn ok(&self, operator: &str, arguments: &[&str]) -> Value {
        let output = self.run(operator, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }

    /// Runs a command that must be refused with this exit code; its error code.
    pub(crate) fn refused(&self, operator: &str, arguments: &[&str], exit: i32) -> String {
        let output = self.run(operator, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {told}");
        let line = told.lines().last().expect("an error");
        let error: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{arguments:?}: {told}"));
        assert!(!error["next"].as_str().expect("a text").is_empty());
        error["code"].as_str().expect("a code").to_owned()
    }

    pub(crate) fn listed(&self, number: &str) -> bool {
        self.ok(CLERK, &["card", "show", number])["blacklisted"].as_bool().expect("a flag")
    }
}

/// Runs the program on a centre's folder.
pub(crate) fn issuer(data: &Path, operator: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "en", "--format", "json", "--data"])
        .arg(data)
        .args(["--operator", operator])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn card(job: i64, person: i64, card_number: String) -> Card {
    let serial = u8::try_from(job).expect("few");
    let chip = Chip::of(&[0, 0x81, 0x31, 0x47, 0x33, 0x15, 0x86, 0x50, 0x51, 0x33, 0, 0, 0, serial]).expect("14 bytes");
    let card_identifier = CardIdentifier::new(CityCode::parse("513300").expect("digits"), chip.serial(), [serial; 4]);
    Card {
        chip,
        job,
        person,
        card_number,
        card_identifier,
        profile: "ssc-3.0".to_owned(),
        issue_date: "20260101".to_owned(),
        valid_until: "20990101".to_owned(),
        state: CardState::Writing.name().to_owned(),
    }
}

fn details(n: u32) -> Details {
    Details {
        number: format!("51330119900101{n:04}"),
        name: "样例".to_owned(),
        name_raw: "样例".to_owned(),
        sex: "1".to_owned(),
        ethnic_group: "04".to_owned(),
        birth_date: "19900101".to_owned(),
        region: "513301".to_owned(),
        address: String::new(),
        phone: String::new(),
        employer: String::new(),
        name_script: String::new(),
        certificate: String::new(),
        alive: String::new(),
    }
}
