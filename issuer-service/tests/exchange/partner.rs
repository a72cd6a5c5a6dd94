//! A centre with people, and a bank and a factory that read and write their files by the published offsets, not by templates.

use std::path::PathBuf;
use std::sync::Arc;

use card_core::security::CityCode;
use encoding_rs::{GB18030, GBK};
use issuer_service::batch::{self, Selection};
use issuer_service::centre::{Centre, DatabaseConfig};
use issuer_service::exchange::failure::ExchangeError;
use issuer_service::exchange::intake::{self, Intake, Outcome};
use issuer_service::exchange::{self, Exported, Order};
use issuer_service::operator::Role;
use issuer_service::person::Details;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::{Field, Fields};
use issuer_service::registry;
use issuer_service::store::StoreError;
use issuer_service::vault::data_keys::DataKeys;

pub(crate) struct Town {
    _folder: tempfile::TempDir,
    pub(crate) centre: Centre,
}

/// A row of the file to the bank, by its published offsets.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) detail: Vec<u8>,
    pub(crate) task: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) sex: Vec<u8>,
    pub(crate) number: Vec<u8>,
}

fn is_rare(name: &str) -> bool {
    card_profiles::text::encode_text(name).is_err()
}

impl Town {
    /// With an approved batch 1 of people of these names; a name that the chip cannot hold was decided on afterwards.
    pub(crate) fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let city = CityCode::parse("513300").expect("digits");
        let (data, database) = (folder.path().join("c"), crate::fresh::fresh().map(DatabaseConfig::at));
        let mut centre = Centre::create(&data, city, "915600000251330051010000", database.as_ref()).expect("centre");
        centre.store.unlock(Arc::new(DataKeys::random().expect("keys"))).expect("unlocked");
        centre
            .store
            .journal(|tx| -> Result<(), StoreError> {
                tx.add_operator("li", &[Role::Capture])?;
                tx.add_operator("wang", &[Role::Approve])?;
                tx.add_operator("sun", &[Role::Station])?;
                names.iter().zip(1..).try_for_each(|(name, row)| {
                    let details = details(if is_rare(name) { "样例" } else { name }, row);
                    let said = Statement {
                        source: 1,
                        at: 1,
                        import: 1,
                        row,
                        details: &details,
                        fields: Fields::ALL,
                        taken_back: Fields::NONE,
                    };
                    registry::upsert(tx, &said).map(|_| ())
                })
            })
            .expect("rows");
        let selection = Selection::Next { county: None, count: 1000 };
        batch::create(&mut centre.store, &selection, Some("li")).expect("made");
        batch::approve(&mut centre.store, 1, Some("wang"), 'A').expect("approved");
        let renamed = names.iter().zip(1..).filter(|(name, _)| is_rare(name));
        centre
            .store
            .journal(|tx| -> Result<(), StoreError> {
                for (name, row) in renamed {
                    let details = details(name, row);
                    let said = Statement {
                        source: 1,
                        at: 2,
                        import: 2,
                        row,
                        details: &details,
                        fields: Fields::ALL,
                        taken_back: Fields::NONE,
                    };
                    let id = registry::upsert(tx, &said)?.id;
                    let mut dossier = tx.dossier(id)?.expect("registered");
                    assert!(dossier.decide(Field::Name, Some(1), 3));
                    tx.put_dossier(id, &dossier)?;
                }
                Ok(())
            })
            .expect("renamed");
        let town = Self { _folder: folder, centre };
        // As if the chip could hold every name: what is looked at here is what the partner's encoding holds.
        town.execute("UPDATE person SET no_card = '' WHERE no_card = 'text'");
        town
    }

    pub(crate) fn export(&mut self, template: &str) -> Result<Exported, ExchangeError> {
        self.export_batch(template, 1)
    }

    pub(crate) fn export_batch(&mut self, template: &str, batch: i64) -> Result<Exported, ExchangeError> {
        let order = Order { template, batch, partner_code: "105", operator: Some("li") };
        exchange::export(&mut self.centre, &order)
    }

    /// The bytes of the file that stands in the folder for partners.
    pub(crate) fn sent(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.place("request").join(name)).expect("the file")
    }

    pub(crate) fn place(&self, place: &str) -> PathBuf {
        self.centre.folder.join("exchange").join(place)
    }

    pub(crate) fn names(&self, place: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.place(place)).expect("folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("entry").file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }

    pub(crate) fn answer(&mut self, name: &str, bytes: &[u8]) -> Intake {
        std::fs::write(self.place("response").join(name), bytes).expect("written");
        intake::take_all(&mut self.centre, None, Some("li")).expect("no failure of ours")
    }

    /// Everything in the database but the audit log.
    pub(crate) fn snapshot(&self) -> Vec<String> {
        let tables = ["batch", "job", "card_number", "card_request", "exchange_row", "exchange_answer", "card"];
        let rows = tables.iter().flat_map(|table| {
            let found = self.ask(&format!("SELECT * FROM {table} ORDER BY 1, 2"));
            found.into_iter().map(move |cells| format!("{table} {}", cells.join("\u{1F}")))
        });
        let files = self.ask("SELECT number, state FROM exchange_file ORDER BY number");
        rows.chain(files.into_iter().map(|cells| cells.join(" "))).collect()
    }

    /// Object and detail of the audit records of acts like this.
    pub(crate) fn records(&self, acts: &str) -> Vec<String> {
        let found = self.ask(&format!("SELECT object, detail FROM audit WHERE act LIKE '{acts}' ORDER BY sequence"));
        found.into_iter().map(|cells| cells.join(" ")).collect()
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.ask(sql)[0][0].parse().expect("a number")
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.ask(sql);
    }

    fn ask(&self, sql: &str) -> Vec<Vec<String>> {
        crate::ask::ask(&self.centre.folder, sql).expect(sql)
    }
}

/// Codes of the faults of the only file.
pub(crate) fn codes(intake: &Intake) -> Vec<String> {
    let [file] = &intake.files[..] else { panic!("{intake:?}") };
    let Outcome::Rejected { faults, .. } = &file.outcome else { return vec![format!("{:?}", file.outcome)] };
    faults.iter().map(|fault| format!("{:?}", fault.code)).collect()
}

pub(crate) fn details(name: &str, n: u64) -> Details {
    Details {
        number: format!("51330119900101{n:04}"),
        name: name.to_owned(),
        name_raw: name.to_owned(),
        sex: "2".to_owned(),
        ethnic_group: "04".to_owned(),
        birth_date: "19900101".to_owned(),
        region: "513301".to_owned(),
        address: "示范路1号".to_owned(),
        phone: "19900001234".to_owned(),
        employer: "示范单位".to_owned(),
        name_script: String::new(),
        certificate: String::new(),
        alive: String::new(),
    }
}

/// The rows of a file to the bank: a header of 28 bytes, rows of 589, line feeds.
pub(crate) fn bank_reads(bytes: &[u8]) -> Vec<Asked> {
    let rows = (bytes.len() - 29) / 590;
    assert_eq!(bytes.len(), 29 + rows * 590);
    assert_eq!(&bytes[..29], format!("SH{rows:08}00000589FFFFFFFFFF\n").as_bytes());
    let cell = |row: &[u8], from: usize, length: usize| row[from..from + length].to_vec();
    bytes[29..]
        .chunks(590)
        .map(|row| {
            assert_eq!(row[589], b'\n');
            assert_eq!(&row[539..589], &[b'F'; 50]);
            Asked {
                detail: cell(row, 0, 12),
                task: cell(row, 12, 32),
                name: cell(row, 44, 30),
                sex: cell(row, 74, 1),
                number: cell(row, 77, 18),
            }
        })
        .collect()
}

/// A row of a bank's answer: 316 bytes.
pub(crate) fn bank_row(asked: &Asked, result: u8, reason: &str) -> Vec<u8> {
    let mut row = vec![result];
    row.extend(&asked.detail);
    row.extend(&asked.task);
    row.extend(&asked.name);
    row.extend(&asked.sex);
    row.extend(b"01");
    row.extend(&asked.number);
    let (reason, _, _) = GBK.encode(reason);
    row.extend(reason.iter());
    row.resize(296, b' ');
    row.resize(316, b' ');
    row.push(b'\n');
    row
}

pub(crate) fn bank_file(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut file = format!("RH{:08}00000316FFFFFFFFFF\n", rows.len()).into_bytes();
    file.extend(rows.concat());
    file
}

/// The cells of a delimited file in GB 18030, line by line.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Vec<String>> {
    let (text, lossy) = GB18030.decode_without_bom_handling(bytes);
    assert!(!lossy);
    let cells = |line: &str| line.strip_suffix('|').expect("a separator").split('|').map(str::to_owned).collect();
    text.strip_suffix('\n').expect("a line end").split('\n').map(cells).collect()
}

pub(crate) fn gb18030(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}
