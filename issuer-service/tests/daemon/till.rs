//! Tills before their real centre: `issuer serve`, `sscard` with two PSAMs of one pharmacy, one card, and a line that loses answers.
//!
//! Owns: that a sale with the centre's consent, its loss, a refund at the other till and the end of the day stand in the centre's books.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use card_profiles::builtin_text;
use card_sim::fault::FaultPlan;
use card_sim::image;
use serde_json::{Value, json};

use crate::ask::ask;
use crate::bench::Bench;

const LOOK: Duration = Duration::from_millis(3);
const CATALOGUE: &str = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药\nX1,阿莫西林胶囊,甲,101,,0,2020-01-01,,否\n";
const NUMBERS: [&str; 2] = ["513301000001", "513301000002"];

/// A process, ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A line to the centre that loses the answers of one path, or carries nothing of another.
struct Wire {
    address: String,
    lost: Arc<Mutex<Lost>>,
}

/// What a line loses.
#[derive(Default)]
struct Lost {
    answers: Option<&'static str>,
    questions: Option<&'static str>,
}

impl Wire {
    fn to(port: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let lost = Arc::new(Mutex::new(Lost::default()));
        let (shared, port) = (Arc::clone(&lost), port.to_owned());
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = carry(stream, &port, &shared);
            }
        });
        Self { address, lost }
    }

    fn lose(&self, path: Option<&'static str>) {
        self.lost.lock().expect("no test panics with it").answers = path;
    }

    fn cut(&self, path: Option<&'static str>) {
        self.lost.lock().expect("no test panics with it").questions = path;
    }
}

/// One question and its answer.
fn carry(mut from: TcpStream, port: &str, lost: &Mutex<Lost>) -> std::io::Result<()> {
    let (mut question, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = from.read(&mut buffer)?;
        question.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&question).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if count == 0 {
                return Ok(());
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        if count == 0 || body.len() >= length.trim().parse().unwrap_or(0) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&question).replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let is_of = |path: Option<&str>| path.is_some_and(|path| text.contains(&format!(" {path} ")));
    let (no_question, no_answer) = {
        let lost = lost.lock().expect("no test panics with it");
        (is_of(lost.questions), is_of(lost.answers))
    };
    if no_question {
        return Ok(());
    }
    let mut to = TcpStream::connect(format!("127.0.0.1:{port}"))?;
    to.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    to.read_to_end(&mut answer)?;
    if no_answer { Ok(()) } else { from.write_all(&answer) }
}

/// A pharmacy: its centre serves, two PSAMs in slots 1 and 2, a card of batch 1 in slot 0 with 500.00 on it.
pub(crate) struct Pharmacy {
    pub(crate) bench: Bench,
    wire: Wire,
    _centre: Ended,
}

impl Pharmacy {
    fn open() -> Self {
        Self::of(Bench::new(3, &[FaultPlan::default()]))
    }

    /// The same with the first card of the hopper in slot 0.
    pub(crate) fn of(bench: Bench) -> Self {
        for (slot, name) in [(1, "one.card"), (2, "two.card")] {
            let (path, serial) =
                (bench.folder().join(name), [0x51, 0, 0, 0, 0, 8 + u8::try_from(slot).expect("small")]);
            let text = builtin_text("psam").expect("built in");
            image::create(&path, text, serial, &FaultPlan::default()).expect("an image");
            bench.farm().insert(slot, &path).expect("inserted");
        }
        bench.ok(&["operator", "add", "ma", "--role", "clearing"]);
        bench.ok(&["operator", "add", "tashi", "--role", "counter"]);
        bench.batch(1);
        assert_eq!(bench.run(&[0]).0, Some(0));
        bench.ok(&[
            "--operator",
            "ma",
            "institution",
            "add",
            "P001",
            "--name",
            "康定演练药店",
            "--region",
            "513301",
            "--type",
            "pharmacy",
        ]);
        let port = bench.folder().join("port");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--port-file", &port.display().to_string()];
        let mut centre = Ended(bench.issuer(&serve).spawn().expect("the program starts"));
        while !port.exists() {
            assert!(centre.0.try_wait().expect("status").is_none(), "the centre does not start");
            std::thread::sleep(LOOK);
        }
        let wire = Wire::to(std::fs::read_to_string(&port).expect("a port").trim());
        std::fs::write(bench.folder().join("drugs.csv"), CATALOGUE).expect("written");
        let pharmacy = Self { bench, wire, _centre: centre };
        pharmacy.begin();
        pharmacy
    }

    /// Both tills work, the holder has a PIN of their own and 500.00 on the card.
    fn begin(&self) {
        for (till, number) in NUMBERS.iter().enumerate() {
            let reader = self.bench.farm().reader_name(till + 1).expect("slot");
            let make =
                ["--operator", "zhou", "psam", "personalize", "--terminal-number", number, "--institution", "P001"];
            self.bench.ok(&[&make[..], &["--reader", &reader]].concat());
            let enrolled = self.ok(till, &["terminal", "enroll"]);
            let key = enrolled["public_key"].as_str().expect("a key");
            let add = ["--operator", "ma", "terminal", "add", number, "--institution", "P001", "--public-key", key];
            self.bench.ok(&add);
            self.ok(till, &["sign-in"]);
            self.ok(till, &["blacklist", "update"]);
        }
        self.bench.ok(&["--operator", "tashi", "card", "activate", &self.one("SELECT card_number FROM card")]);
        let identifier = self.one("SELECT card_identifier FROM card");
        self.bench.ok(&["--operator", "ma", "account", "allot", "--card", &identifier, "--amount", "500.00"]);
        self.bench.ok(&["--operator", "wang", "account", "approve", "1"]);
        self.bench.farm().eject(0).ok();
        self.bench.farm().insert(0, &self.bench.image(1)).expect("inserted");
        self.ok(0, &["pin", "change", "--pin", "env:INITIAL", "--new-pin", "env:OWN"]);
        self.ok(0, &["load"]);
    }

    pub(crate) fn data(&self, till: usize) -> PathBuf {
        self.bench.folder().join(format!("till-{till}"))
    }

    pub(crate) fn sscard(&self, till: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_issuer")).with_file_name("sscard"));
        let [card, psam] = [0, till + 1].map(|slot| self.bench.farm().reader_name(slot).expect("slot"));
        command
            .args(["--lang", "en", "--format", "json"])
            .args(arguments)
            .env("PCSCLITE_CSOCK_NAME", self.bench.farm().csock())
            .env("SSCARD_DATA", self.data(till))
            .env("SSCARD_CENTRE", &self.wire.address)
            .env("SSCARD_CITY", "513300")
            .env("SSCARD_READER", card)
            .env("SSCARD_PSAM", psam)
            .env("SSCARD_WAIT", "20")
            .env("INITIAL", "123456")
            .env("OWN", "246802")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn ok(&self, till: usize, arguments: &[&str]) -> Value {
        let output = self.sscard(till, arguments).output().expect("sscard is built");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("an answer")
    }

    /// The code with which a command ends.
    pub(crate) fn refused(&self, till: usize, arguments: &[&str]) -> String {
        let output = self.sscard(till, arguments).output().expect("sscard is built");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).expect(&said);
        line["code"].as_str().expect("a code").to_owned()
    }

    /// What `pay` for so many yuan is called with.
    fn bill(&self, id: &str, yuan: &str) -> Vec<String> {
        let item = format!(r#"{{"code": "X1", "quantity": 1, "unit_price": "{yuan}"}}"#);
        let path = self.bench.folder().join(id);
        std::fs::write(&path, format!(r#"{{"bill_id": "{id}", "items": [{item}]}}"#)).expect("written");
        let drugs = self.bench.folder().join("drugs.csv");
        let words =
            ["pay", &path.display().to_string(), "--catalogue", &drugs.display().to_string(), "--pin", "env:OWN"];
        words.map(str::to_owned).to_vec()
    }

    pub(crate) fn pay(&self, till: usize, id: &str, yuan: &str) -> Value {
        let words = self.bill(id, yuan);
        self.ok(till, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn unpaid(&self, till: usize, id: &str, yuan: &str) -> String {
        let words = self.bill(id, yuan);
        self.refused(till, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn one(&self, sql: &str) -> String {
        ask(&self.bench.folder().join("centre"), sql).expect(sql)[0][0].clone()
    }

    /// What a card has, and what the centre's ledger says that it has.
    pub(crate) fn money(&self) -> (Value, String) {
        let balance = self.ok(0, &["balance", "--pin", "env:OWN"]);
        let ledger = self.one("SELECT SUM(amount_fen) FROM entry WHERE account LIKE 'card:%'");
        (balance["balance_fen"].clone(), ledger)
    }

    /// The centre's policy of asking, told at the next sign-in.
    fn told(&self, till: usize, policy: &str, more: &[&str]) {
        let limits = ["--operator", "ma", "terminal", "set", NUMBERS[till], "--online", policy];
        self.bench.ok(&[&limits[..], more].concat());
        assert_eq!(self.ok(till, &["sign-in"])["online"], json!(policy));
    }
}

#[test]
fn sales_are_asked_of_the_real_centre_and_what_is_lost_on_the_line_ends_by_itself() {
    let pharmacy = Pharmacy::open();
    pharmacy.told(0, "online-required", &[]);
    assert_eq!(pharmacy.pay(0, "B-1", "10.00")["centre"], "cleared");
    let states = || {
        let rows =
            ask(&pharmacy.bench.folder().join("centre"), "SELECT state FROM sale ORDER BY state").expect("asked");
        rows.concat().join(" ")
    };
    assert_eq!(states(), "done");

    // Its yes is lost: nothing is sold, and the centre hears that nothing was.
    pharmacy.wire.lose(Some("/terminal/v1/sales"));
    assert_eq!(pharmacy.unpaid(0, "B-2", "11.00"), "ONLINE_REQUIRED");
    assert_eq!(states(), "authorised done");
    pharmacy.wire.lose(None);
    assert_eq!(pharmacy.ok(0, &["upload"])["sales_not_done"], json!(1));
    assert_eq!(states(), "done not_done");

    // The answer to the record is lost: it is sold, and the next sale brings the record again.
    pharmacy.wire.lose(Some("/terminal/v1/batches"));
    assert_eq!(pharmacy.pay(0, "B-3", "12.00")["centre"], "waiting");
    pharmacy.wire.lose(None);
    assert_eq!(pharmacy.pay(0, "B-4", "13.00")["centre"], "cleared");
    assert_eq!(states(), "done done done not_done");

    // A terminal that only prefers to ask sells within its limits when nobody answers; the record clears the sale later.
    pharmacy.told(0, "online-preferred", &[]);
    pharmacy.wire.lose(Some("/terminal/v1/sales"));
    assert_eq!(pharmacy.pay(0, "B-5", "5.00")["centre"], "offline");
    pharmacy.wire.lose(None);
    pharmacy.ok(0, &["upload"]);
    assert_eq!(states(), "done done done done not_done");

    // The centre's own no: more than its limits, and a terminal that it stopped.
    pharmacy.told(0, "online-required", &["--card-day-limit", "45.00"]);
    assert_eq!(pharmacy.unpaid(0, "B-6", "6.00"), "LIMIT_EXCEEDED", "the terminal knows this limit itself");
    pharmacy.told(0, "online-required", &["--card-day-limit", "500.00"]);
    pharmacy.bench.ok(&["--operator", "ma", "terminal", "stop", NUMBERS[0]]);
    assert_eq!(pharmacy.unpaid(0, "B-6", "6.00"), "CENTRE_REFUSED");
    pharmacy.bench.ok(&["--operator", "ma", "terminal", "start", NUMBERS[0]]);
    assert_eq!(pharmacy.pay(0, "B-6", "6.00")["centre"], "cleared");
    assert_eq!(pharmacy.money(), (json!(50_000 - 4_600), "45400".to_owned()));
    assert_eq!(pharmacy.ok(0, &["journal", "verify"])["faults"], json!([]), "every word of the centre is its word");
}

fn back<'a>(reference: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["refund", "give", "--original", reference], more].concat()
}

#[test]
fn what_one_till_sold_the_other_gives_back_once() {
    let pharmacy = Pharmacy::open();
    let sold = pharmacy.pay(0, "B-1", "80.00");
    let entry = sold["entry"].as_str().expect("a number").to_owned();
    let sequence = sold["terminal_sequence"].as_u64().expect("a number");
    let reference = format!("{}/{sequence:08X}", NUMBERS[0]);
    assert_eq!(pharmacy.refused(1, &back(&reference, &[])), "CENTRE_REFUSED", "the centre has not heard of it");
    pharmacy.ok(0, &["upload"]);

    // The first till agrees on the whole, and the centre's yes is lost; it holds the whole from now on, whoever asks.
    pharmacy.wire.lose(Some("/terminal/v1/loads"));
    pharmacy.wire.cut(Some("/terminal/v1/loads/outcome"));
    assert_eq!(pharmacy.refused(0, &["refund", "give", &entry]), "CENTRE_UNREACHABLE");
    pharmacy.wire.lose(None);
    assert_eq!(pharmacy.refused(1, &back(&reference, &["--amount", "1.00"])), "REFUND_AMOUNT");
    // It tells that the card got nothing, and withdraws.
    pharmacy.wire.cut(None);
    pharmacy.ok(0, &["upload"]);
    pharmacy.ok(0, &["refund", "withdraw", "1", "--reason", "the till breaks"]);

    let given = pharmacy.ok(1, &back(&reference, &["--amount", "30.00"]));
    assert_eq!(
        (&given["original"], &given["state"], &given["balance_fen"]),
        (&json!(reference), &json!("DONE"), &json!(45_000))
    );
    // Lost at the other till, and finished there.
    pharmacy.wire.lose(Some("/terminal/v1/loads"));
    assert_eq!(pharmacy.refused(1, &back(&reference, &["--amount", "20.00"])), "CENTRE_UNREACHABLE");
    pharmacy.wire.lose(None);
    assert_eq!(pharmacy.ok(1, &["refund", "finish", "2"])["state"], "DONE");

    // The selling till believes that all of it is left: the centre knows better, and the refund is withdrawn.
    assert_eq!(pharmacy.refused(0, &["refund", "give", &entry]), "CENTRE_REFUSED");
    let rest = pharmacy.ok(0, &["refund", "give", &entry, "--amount", "30.00"]);
    assert_eq!(rest["state"], "DONE");
    assert_eq!(pharmacy.refused(1, &back(&reference, &[])), "REFUND_AMOUNT", "nothing is left");
    for till in [0, 1] {
        pharmacy.ok(till, &["upload"]);
        assert_eq!(pharmacy.ok(till, &["journal", "verify"])["faults"], json!([]));
    }
    assert_eq!(pharmacy.money(), (json!(50_000), "50000".to_owned()), "as if nothing had been sold");
    let credited = "SELECT COUNT(*) FROM load WHERE state = 'CREDITED' AND original_terminal IS NOT NULL";
    assert_eq!(pharmacy.one(credited), "3");

    // The day ends: the centre notes it, and nothing is sold before the next.
    pharmacy.ok(1, &["sign-out"]);
    assert_eq!(pharmacy.unpaid(1, "B-2", "5.00"), "SIGNED_OUT");
    let open = |till: usize| {
        let sql = format!("SELECT COUNT(*) FROM terminal WHERE signed_out_at IS NULL AND number = '{}'", NUMBERS[till]);
        pharmacy.one(&sql)
    };
    assert_eq!((open(0), open(1)), ("1".to_owned(), "0".to_owned()));
    pharmacy.ok(1, &["sign-in"]);
    assert_eq!(open(1), "1");
    pharmacy.pay(1, "B-2", "5.00");
}
