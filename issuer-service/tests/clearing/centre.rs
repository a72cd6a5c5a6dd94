//! A rehearsal centre with its real server on a free port, invented cards that compute their own codes, and a terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use card_core::security::{KeyRef, MacKey, SecurityModule};
use card_profiles::account::{AccountRules, MacFields, load_seed};
use issuer_service::vault::{Vault, VaultKeys};
use serde_json::{Value, json};
use settlement::Accounts;
use settlement::batch::{ChainPosition, SignedBatch};
use settlement::date::{BusinessDate, DateTime};
use settlement::fen::Fen;
use settlement::id::{BillId, CardFactor, CardIdentifier, CardRandom, Digest, LoadId, Mac, Tac, TerminalNumber};
use settlement::record::{Evidence, NumberProof, Transaction, TransactionRecord};
use settlement::signing::TerminalKey;
use zeroize::Zeroizing;

use crate::fresh::fresh;

pub(crate) const PHARMACY: &str = "P51330100001";

/// When cards of this program buy on this day: by a clock that is a little ahead, and after every load.
static SOON: LazyLock<DateTime> = LazyLock::new(|| issuer_service::clock::china_in(300));

/// A centre in a folder, with three operators, one pharmacy and as many cards as asked.
pub(crate) struct Centre {
    folder: tempfile::TempDir,
    server: Option<Server>,
    pub(crate) keys: VaultKeys,
    pub(crate) rules: AccountRules,
}

struct Server {
    child: Child,
    port: u16,
    said: Arc<Mutex<Vec<String>>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone where a test killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Centre {
    pub(crate) fn with_cards(cards: u8) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("centre");
        assert_eq!(issuer(&data, &["init", "--cards", "ssc-3.0,ssc-3.0-sm4"]).status.code(), Some(0));
        for (name, roles) in [("ma", &["clearing"][..]), ("zhou", &["clearing"]), ("wu", &["approve"])] {
            let roles = roles.iter().flat_map(|role| ["--role", role]);
            let arguments: Vec<&str> = ["operator", "add", name].into_iter().chain(roles).collect();
            assert_eq!(issuer(&data, &arguments).status.code(), Some(0));
        }
        let passphrase = std::fs::read_to_string(data.join("rehearsal.passphrase")).expect("passphrase");
        let vault = Vault::open_file(&data.join("centre.vault"), passphrase.trim_end()).expect("vault");
        let rules = issuer_service::Centre::card_profile().account.expect("account");
        let centre = Self { folder, server: None, keys: vault.keys(), rules };
        (1..=cards).for_each(|n| centre.add_card(n));
        let add = ["institution", "add", PHARMACY, "--name", "样例药店", "--region", "513301", "--type", "pharmacy"];
        centre.ok("ma", &add);
        centre
    }

    /// A card as personalization leaves it.
    pub(crate) fn add_card(&self, n: u8) {
        let card = self.card(n);
        let chip = format!("008131473315{}", card.factor);
        let statements = [
            format!(
                "INSERT INTO person VALUES ({n}, X'{n:032}', X'00', '513301', 0, 1, X'00', 1, '', '', '') ON CONFLICT DO NOTHING"
            ),
            "INSERT INTO batch VALUES (1, 'finished', NULL, 'li', 'wu', '', '', '') ON CONFLICT DO NOTHING".to_owned(),
            format!("INSERT INTO card_number VALUES ('A{n:08}', {n}, 'used', '')"),
            format!("INSERT INTO job VALUES ({n}, 1, {n}, 'A{n:08}', 'done', '')"),
            format!(
                "INSERT INTO card VALUES ('{chip}', {n}, {n}, 'A{n:08}', '{}', 'ssc-3.0', '20260101', '20360101', 'normal', '')",
                card.identifier
            ),
        ];
        for statement in statements {
            self.ask(&statement).expect("row");
        }
    }

    /// The invented card `n` of this centre, empty.
    pub(crate) fn card(&self, n: u8) -> Card {
        Card {
            identifier: CardIdentifier::parse(&format!("513300D156000005000000{n:02X}00000000")).expect("hex"),
            factor: CardFactor::parse(&format!("86505133000000{n:02X}")).expect("hex"),
            balance: 0,
            online: 0,
            offline: 0,
            keys: self.keys.clone(),
            rules: self.rules.clone(),
            algorithm: 0,
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("centre")
    }

    /// What stands in the database, or does not go into it.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        crate::ask::ask(&self.data(), sql)
    }

    pub(crate) fn run(&self, operator: &str, arguments: &[&str]) -> Output {
        let all: Vec<&str> = ["--format", "json", "--operator", operator].iter().chain(arguments).copied().collect();
        issuer(&self.data(), &all)
    }

    /// Brings a backup back into another folder, onto a server of the tests if there is one.
    pub(crate) fn restored(folder: &Path, file: &str, passphrase: &str) -> Output {
        let words = ["--lang", "en", "backup", "restore", file, "--backup-passphrase", passphrase, "--data"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(words).arg(folder).env_remove("ISSUER_DATABASE").stdin(Stdio::null());
        command.envs(fresh().map(|url| ("ISSUER_DATABASE", url))).output().expect("the program starts")
    }

    /// Runs a command that must succeed; its JSON.
    pub(crate) fn ok(&self, operator: &str, arguments: &[&str]) -> Value {
        let output = self.run(operator, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }

    /// Allots and approves `yuan` for the holder of card `n`.
    pub(crate) fn allot(&self, n: u8, yuan: &str) {
        let card = self.card(n).identifier.to_string();
        let request = self.ok("ma", &["account", "allot", "--card", &card, "--amount", yuan]);
        self.ok("wu", &["account", "approve", &request["request"].to_string()]);
    }

    /// The server, whose lines nobody reads.
    pub(crate) fn serve_unheard(&mut self, stderr: Stdio) {
        let (mut child, file) = self.start(stderr);
        let port = loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if let Ok(port) = text.trim().parse() {
                break port;
            }
            assert!(child.try_wait().expect("a child").is_none(), "ended");
            std::thread::sleep(Duration::from_millis(10));
        };
        self.server = Some(Server { child, port, said: Arc::default() });
    }

    fn start(&self, stderr: Stdio) -> (Child, PathBuf) {
        let file = self.folder.path().join("port");
        let child = Command::new(env!("CARGO_BIN_EXE_issuer"))
            .args(["--lang", "en", "--data"])
            .arg(self.data())
            .args(["serve", "--listen", "127.0.0.1:0", "--port-file"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("the server starts");
        (child, file)
    }

    pub(crate) fn serve(&mut self) {
        let (mut child, file) = self.start(Stdio::piped());
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let line = lines.next().unwrap_or_default();
        assert!(line.contains("listening on http://127.0.0.1:"), "{line}");
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        std::thread::spawn(move || lines.for_each(|line| kept.lock().expect("whole").push(line)));
        let port = std::fs::read_to_string(&file).expect("port file").trim().parse().expect("a port");
        self.server = Some(Server { child, port, said });
    }

    /// What the server has written down so far, once that is `lines` lines.
    pub(crate) fn written(&self, lines: usize) -> Vec<String> {
        let server = self.server.as_ref().expect("running");
        for _ in 0..200 {
            let said = server.said.lock().expect("whole").clone();
            if said.len() >= lines {
                return said;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{lines} lines: {:?}", server.said.lock().expect("whole"))
    }

    /// kill -9: no handler runs.
    pub(crate) fn kill_server(&mut self) {
        drop(self.server.take());
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop_server(&mut self) -> Option<i32> {
        let mut server = self.server.take().expect("running");
        let id = server.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        server.child.wait().expect("ended").code()
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.as_ref().expect("running").port
    }

    /// Registers a terminal with a key of its own.
    pub(crate) fn terminal(&self, n: u8) -> Terminal {
        self.registered(n, PHARMACY, &[])
    }

    /// The same, of an institution of its own.
    pub(crate) fn terminal_elsewhere(&self, n: u8) -> Terminal {
        let other = "P51330100009";
        self.ok("ma", &["institution", "add", other, "--name", "另一药店", "--region", "513301", "--type", "pharmacy"]);
        self.registered(n, other, &[])
    }

    /// The same, of a kiosk.
    pub(crate) fn kiosk(&self, n: u8) -> Terminal {
        self.registered(n, PHARMACY, &["--kiosk"])
    }

    /// Adds rows to the configuration.
    pub(crate) fn configure(&self, rows: &str) {
        let path = self.data().join("centre.toml");
        let text = std::fs::read_to_string(&path).expect("configuration");
        std::fs::write(&path, text + rows).expect("written");
    }

    /// Adds rows that stand in no table.
    pub(crate) fn configure_above(&self, rows: &str) {
        let path = self.data().join("centre.toml");
        let text = std::fs::read_to_string(&path).expect("configuration");
        std::fs::write(&path, rows.to_owned() + &text).expect("written");
    }

    fn registered(&self, n: u8, institution: &str, more: &[&str]) -> Terminal {
        let key = TerminalKey::from_seed(&Zeroizing::new([n; 32]));
        let number = TerminalNumber([0x99, 0, 0, 0, 0, n]);
        let public_key = key.public_key().to_string();
        let add = ["terminal", "add", &number.to_string(), "--institution", institution, "--public-key", &public_key];
        self.ok("ma", &[&add, more].concat());
        Terminal { number, key, chain: ChainPosition::START, port: self.port(), ids: u128::from(n) << 64, psam: 0 }
    }

    /// Runs a command with a text on its standard input.
    pub(crate) fn told(&self, operator: &str, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_issuer"))
            .args(["--lang", "en", "--data"])
            .arg(self.data())
            .args(["--format", "json", "--operator", operator])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that refuses its arguments does not read its input.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("ended")
    }

    /// Balance of a ledger account.
    pub(crate) fn balance(&self, account: &str) -> i64 {
        let list = self.ok("ma", &["account", "list", "--prefix", account]);
        list["sum_fen"].as_i64().expect("a sum")
    }

    pub(crate) fn today(&self) -> BusinessDate {
        let windows = self.ok("ma", &["window", "list"]);
        let last = windows["windows"].as_array().and_then(|list| list.last()).expect("a window");
        BusinessDate::parse(last["business_date"].as_str().expect("text")).expect("real")
    }

    pub(crate) fn write(&self, name: &str, value: &Value) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, value.to_string()).expect("file");
        path.to_str().expect("UTF-8").to_owned()
    }
}

pub(crate) fn issuer(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "en", "--data"])
        .arg(data)
        .args(arguments)
        .envs(arguments.contains(&"init").then(fresh).flatten().map(|url| ("ISSUER_DATABASE", url)))
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// A card's account with its counters: what a chip does, without the chip.
pub(crate) struct Card {
    pub(crate) identifier: CardIdentifier,
    pub(crate) factor: CardFactor,
    pub(crate) balance: u32,
    pub(crate) online: u16,
    pub(crate) offline: u16,
    keys: VaultKeys,
    rules: AccountRules,
    algorithm: u8,
}

impl Card {
    /// The same card, speaking another algorithm.
    pub(crate) fn speaking(self, algorithm: u8) -> Self {
        let rules = Accounts::builtin().of(algorithm).expect("public").clone();
        Self { rules, algorithm, ..self }
    }

    /// Body of `/loads` without ids: INITIALIZE FOR LOAD.
    pub(crate) fn init_load(&mut self, terminal: &Terminal, load: u8, amount: u32) -> Value {
        let random = [load, 2, 3, 4];
        let input = self.load_fields(terminal, amount).input(&self.rules.mac.load_mac1);
        let mac1 = self.mac(MacKey::Session(load_seed(random, self.online)), &self.rules.load_key.clone(), &input);
        json!({
            "version": 1,
            "terminal": terminal.number,
            "load_id": LoadId([load; 16]),
            "card_identifier": self.identifier,
            "card_factor": self.factor,
            "amount_fen": amount,
            "balance_fen": self.balance,
            "card_sequence": self.online,
            "random": hex::encode_upper(random),
            "key_version": 1,
            "algorithm": self.algorithm,
            "mac1": Mac(mac1),
        })
    }

    /// CREDIT FOR LOAD: the card checks MAC2 and answers its TAC.
    pub(crate) fn credit(&mut self, terminal: &Terminal, load: u8, amount: u32, answer: &Value) -> Tac {
        let date_time = DateTime::parse(answer["date_time"].as_str().expect("text")).expect("real");
        let fields = MacFields { date_time: date_time.to_bcd(), ..self.load_fields(terminal, amount) };
        let session = MacKey::Session(load_seed([load, 2, 3, 4], self.online));
        let mac2 = self.mac(session, &self.rules.load_key.clone(), &fields.input(&self.rules.mac.load_mac2));
        assert_eq!(answer["mac2"], json!(Mac(mac2)), "the card accepts MAC2");
        let tac = self.mac(MacKey::Tac, &self.rules.tac_key.clone(), &fields.input(&self.rules.mac.load_tac));
        self.balance += amount;
        self.online += 1;
        Tac(tac)
    }

    /// A purchase with the TAC of this card.
    pub(crate) fn purchase(&mut self, terminal: &mut Terminal, date: BusinessDate, fen: [u32; 3]) -> TransactionRecord {
        self.balance -= fen[0];
        terminal.psam += 1;
        let day = date.to_string().replace('-', "");
        let mut record = TransactionRecord {
            journal_sequence: terminal.chain.next_record,
            terminal: terminal.number,
            card_identifier: self.identifier,
            card_factor: self.factor,
            card_sequence: self.offline,
            transaction: Transaction::Purchase {
                terminal_sequence: terminal.psam,
                personal_account_fen: Fen::from_card(fen[0]),
                self_paid_fen: Fen::from_card(fen[1]),
                pooled_fund_fen: Fen::from_card(fen[2]),
                bill_id: BillId::parse(&format!("B-{}", terminal.psam)).expect("word"),
                bill_hash: Digest([7; 32]),
                sale_id: None,
            },
            balance_after_fen: Fen::from_card(self.balance),
            date_time: DateTime::parse(&format!("{day}235959")).expect("real").min(*SOON),
            business_date: date,
            key_version: 1,
            algorithm: self.algorithm,
            evidence: Evidence::LogOnly,
            judgement: None,
        };
        self.offline += 1;
        self.sign(&mut record);
        record
    }

    /// Puts the right TAC on a record, and what shows its number.
    pub(crate) fn sign(&mut self, record: &mut TransactionRecord) {
        let tac = settlement::tac::compute(&mut self.keys, &self.rules, record).expect("computes");
        let is_purchase = matches!(record.transaction, Transaction::Purchase { .. });
        record.evidence = Evidence::Answered { tac, number: is_purchase.then(|| self.number(record)) };
    }

    /// MAC2 of a purchase with a random of this card.
    pub(crate) fn number(&mut self, record: &TransactionRecord) -> NumberProof {
        let random = CardRandom(self.factor.0[4..].try_into().expect("4 bytes"));
        let mac2 = settlement::tac::compute_mac2(&mut self.keys, &self.rules, record, random).expect("computes");
        NumberProof { random, mac2 }
    }

    fn load_fields(&self, terminal: &Terminal, amount: u32) -> MacFields {
        MacFields {
            amount,
            balance_before: self.balance,
            balance_after: self.balance + amount,
            transaction_type: self.rules.load_type,
            terminal: terminal.number.0,
            card_sequence: self.online,
            ..MacFields::default()
        }
    }

    fn mac(&mut self, kind: MacKey, name: &card_core::security::KeyName, input: &[u8]) -> [u8; 4] {
        let factors = self.identifier.factors(self.factor).expect("city");
        self.keys.mac(&KeyRef::of_card(name, 1, &factors, self.rules.key_form), kind, [0; 8], input).expect("computes")
    }
}

/// A terminal with a tiny HTTP client.
pub(crate) struct Terminal {
    pub(crate) number: TerminalNumber,
    pub(crate) key: TerminalKey,
    pub(crate) chain: ChainPosition,
    pub(crate) port: u16,
    pub(crate) psam: u32,
    ids: u128,
}

impl Terminal {
    /// Sends a body under a new request id.
    pub(crate) fn ask(&mut self, path: &str, body: Value) -> (u16, Value) {
        let body = self.numbered(body);
        self.send(path, &body)
    }

    /// The body with a new request id.
    pub(crate) fn numbered(&mut self, mut body: Value) -> String {
        self.ids += 1;
        body["request_id"] = format!("{:032X}", self.ids).into();
        body.to_string()
    }

    /// Signs and sends a body as it is.
    pub(crate) fn send(&self, path: &str, body: &str) -> (u16, Value) {
        let signature = self.key.sign_request("POST", path, body.as_bytes()).to_string();
        let headers = [("x-terminal", self.number.to_string()), ("x-signature", signature)];
        let (status, text) = request(self.port, "POST", path, &headers, body.as_bytes());
        (status, serde_json::from_slice(&text).expect("every answer is JSON"))
    }

    /// Seals records into the next batch; the body of its upload. The chain moves on.
    pub(crate) fn seal(&mut self, records: Vec<TransactionRecord>) -> String {
        let batch = SignedBatch::seal(&self.key, self.number, &self.chain, records).expect("whole");
        self.chain = batch.next_position();
        self.numbered(json!({ "version": 1, "batch": batch }))
    }
}

pub(crate) const SIGN_IN: &str = "/terminal/v1/sign-in";
pub(crate) const BLACKLIST: &str = "/terminal/v1/blacklist";
pub(crate) const QUOTE: &str = "/terminal/v1/loads/quote";
pub(crate) const LOADS: &str = "/terminal/v1/loads";
pub(crate) const OUTCOME: &str = "/terminal/v1/loads/outcome";
pub(crate) const BATCHES: &str = "/terminal/v1/batches";

/// Body of `/loads/outcome`.
pub(crate) fn outcome(terminal: &Terminal, load: u8, outcome: &str, tac: Option<Tac>, balance: u32) -> Value {
    let mut body = json!({
        "version": 1,
        "terminal": terminal.number,
        "load_id": LoadId([load; 16]),
        "outcome": outcome,
        "balance_after_fen": balance,
    });
    if let Some(tac) = tac {
        body["tac"] = json!(tac);
    }
    body
}

/// A whole load that works.
pub(crate) fn load(terminal: &mut Terminal, card: &mut Card, id: u8, amount: u32) {
    let (status, answer) = {
        let body = card.init_load(terminal, id, amount);
        terminal.ask(LOADS, body)
    };
    assert_eq!(status, 200, "{answer}");
    let tac = card.credit(terminal, id, amount, &answer);
    let body = outcome(terminal, id, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
}

/// One HTTP/1.1 request on its own connection.
pub(crate) fn request(port: u16, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    let host = ("host", "localhost".to_owned());
    let headers = Some(&host).filter(|_| headers.iter().all(|(name, _)| *name != "host")).into_iter().chain(headers);
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("head");
    // The server may refuse a large body before it has all come.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an answer with a head");
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer[end + 4..].to_vec())
}

pub(crate) fn signed_in(terminal: &Terminal) -> Value {
    json!({ "version": 1, "terminal": terminal.number })
}

pub(crate) fn codes(answer: &Value) -> Vec<String> {
    let refused = answer["refused"].as_array().expect("a list");
    refused.iter().map(|row| row["code"].as_str().expect("a code").to_owned()).collect()
}

/// A centre, its terminal and a card with 500.00 yuan on it.
pub(crate) fn loaded() -> (Centre, Terminal, Card) {
    let mut centre = Centre::with_cards(2);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    load(&mut terminal, &mut card, 1, 50_000);
    (centre, terminal, card)
}

pub(crate) fn renumber(records: &mut [TransactionRecord], terminal: &Terminal) {
    for (number, record) in (terminal.chain.next_record..).zip(records) {
        record.journal_sequence = number;
    }
}
