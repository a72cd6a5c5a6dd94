//! Pages and programs call the driver's functions through `sscard bridge`; recorded calls are made again by `sscard compat`.
//!
//! Source: JSON of the conventional bridge; origins of RFC 6454; the page and its module are those of `docs/bridge`.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use card_calls::{Answers, FUNCTIONS, Kind};
use card_counter::clock::Now;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::judged::{judge, torn};
use crate::shop::{CARD, Shop};
use crate::{cards, certificates};

/// The bridge, ended with the test.
pub(crate) struct Bridge {
    child: Child,
    address: String,
}

impl Bridge {
    pub(crate) fn start(shop: &Shop, arguments: &[&str]) -> Self {
        let mut child = shop
            .sscard(&[&["--format", "json", "bridge", "--listen", "127.0.0.1:0"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("where it listens");
        let page: Value = serde_json::from_str(&line).expect("an answer");
        Self { child, address: page["address"].as_str().expect("an address").to_owned() }
    }

    pub(crate) fn program(&self) -> Caller {
        self.page(None).expect("a program may connect")
    }

    /// A connection as a browser makes it for a page of this origin.
    fn page(&self, origin: Option<&str>) -> Result<Caller, String> {
        let host = self.address.strip_prefix("ws://").expect("a WebSocket");
        let mut request = tungstenite::http::Request::builder()
            .uri(&self.address)
            .header("Host", host)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        let stream = TcpStream::connect(host).expect("listening");
        let connected = tungstenite::client(request.body(()).expect("a request"), stream);
        connected.map(|(socket, _)| Caller(socket)).map_err(|error| error.to_string())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Caller(WebSocket<TcpStream>);

impl Caller {
    fn say(&mut self, text: &str) -> Option<Value> {
        self.0.send(Message::text(text)).ok()?;
        loop {
            match self.0.read().ok()? {
                Message::Text(answer) => return serde_json::from_str(&answer).ok(),
                // Answered by the library, as a browser does.
                Message::Ping(_) => {}
                _ => return None,
            }
        }
    }

    fn call(&mut self, request: &Value) -> Value {
        self.say(&request.to_string()).expect("an answer")
    }

    pub(crate) fn success(&mut self, request: &Value) -> String {
        self.call(request)["success"].as_str().expect("a text").to_owned()
    }
}

#[test]
fn programs_call_with_the_conventional_json_and_rubbish_is_answered_or_ended() {
    let shop = Shop::open();
    let bridge = Bridge::start(&shop, &[]);
    let mut caller = bridge.program();
    let basics = caller.call(&json!({"function": "iReadCardBas", "iType": 3}));
    assert_eq!((basics["functionName"].as_str(), basics["success"].as_str()), (Some("iReadCardBas"), Some("1")));
    let fields: Vec<&str> = basics["pOutInfo"].as_str().expect("a text").split('|').collect();
    assert_eq!((fields.len(), fields[0]), (12, cards::CITY));
    let info = caller.call(&json!({"function": "iGetReaderInfo"}));
    assert_eq!(info["pPsamTermNo"].as_str(), Some("513300000007"));
    for (request, success) in [
        (json!({"function": "iReadCardBas", "iType": "3"}), "1"),
        (json!({"function": "iReadCardBas"}), "-14"),
        (json!({"function": "iReadCardBas", "iType": 9}), "-14"),
        (json!({"function": "iNoSuch"}), "-13"),
        (json!({"function": "iReadCard", "iType": 3, "iAuthType": 2, "pFileAddr": ""}), "-14"),
        (json!({"function": "iDoDebit", "iType": 3, "pPayInfo": "0.1|0.2|20261122101500|"}), "-3001"),
        (json!([1, 2, 3]), "-13"),
        // Longer than one read.
        (json!({"function": "iCheckCard", "iType": 3, "said": "x".repeat(60_000)}), "1"),
    ] {
        assert_eq!(caller.success(&request), success, "{request}");
    }
    assert_eq!(caller.say("not json").expect("an answer")["success"], "-13");
    let long = format!("{{\"function\":\"{}\"}}", "x".repeat(70_000));
    assert!(caller.say(&long).is_none(), "a message that is too long ends the connection");
    assert_eq!(bridge.program().success(&json!({"function": "iCheckCard", "iType": 3})), "1", "the bridge goes on");
}

#[test]
fn a_page_that_dies_in_the_instant_of_its_answer_is_told_at_its_next_call() {
    let shop = Shop::ready();
    let bridge = Bridge::start(&shop, &[]);
    let verify = json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": cards::PIN});
    let now = Now::of_system();
    let pay = |later: i64| {
        let info = format!("10.00|0|0|{}|", now.later(later).date_time());
        json!({"function": "iDoDebit", "iType": 3, "pPayInfo": info})
    };
    let mut page = bridge.program();
    assert_eq!(page.success(&verify), "1");
    page.0.send(Message::text(pay(0).to_string())).expect("sent");
    // The answer has come, and nobody reads it any more.
    page.0.get_ref().peek(&mut [0]).expect("an answer");
    drop(page);
    let mut page = bridge.program();
    for command in ["upload", "day-end"] {
        let listed = shop.run(&[command]).json();
        let row = &listed["program_not_told"][0];
        assert_eq!((&row["entry"], &row["personal_account_fen"]), (&json!("000002"), &json!(1_000)), "{listed}");
        let card = shop.identifier().to_string();
        assert_eq!((row["time"].is_string(), &row["card"]), (true, &json!(format!("****{}", &card[16..24]))));
        assert!(!listed["program_not_told"].to_string().contains(&card), "masked: {listed}");
    }
    assert_eq!(page.success(&verify), "1");
    assert_eq!((page.success(&pay(1)).as_str(), shop.balance()), ("-3006", 49_000), "its retry does not pay twice");
    // Told once; and what was read is told to nobody else.
    for (later, left) in [(2, 48_000), (3, 47_000)] {
        assert_eq!(page.success(&verify), "1");
        assert_eq!((page.success(&pay(later)).as_str(), shop.balance()), ("1", left));
    }
}

#[test]
fn what_a_page_was_not_told_is_handed_over_at_the_counter_without_the_card() {
    let shop = Shop::ready();
    let bridge = Bridge::start(&shop, &[]);
    let (first, second) = (time(0), time(1));
    let mut page = bridge.program();
    assert_eq!(page.success(&json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": cards::PIN})), "1");
    let pay = json!({"function": "iDoDebit", "iType": 3, "pPayInfo": format!("10.00|0|0|{first}|")});
    page.0.send(Message::text(pay.to_string())).expect("sent");
    page.0.get_ref().peek(&mut [0]).expect("an answer");
    drop(page);
    let listed = || shop.run(&["upload"]).json()["program_not_told"].clone();
    assert_eq!(listed()[0]["entry"], "000002");
    shop.farm.eject(CARD).expect("the holder left");
    // What nobody could read was not handed over.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that takes nothing");
    let unheard = shop.sscard(&["driver", "output", "2"]).stdout(full).output().expect("runs");
    assert_ne!(unheard.status.code(), Some(0));
    assert_eq!(listed()[0]["entry"], "000002");
    let handed = shop.run(&["driver", "output", "2"]).json();
    assert_eq!(
        (&handed["code"], &handed["notes"][0]["code"]),
        (&json!(-3006), &json!("PROGRAM_ENTERS_IT")),
        "{handed}"
    );
    assert!(handed["output"].as_str().is_some_and(|output| output.contains(&first)), "{handed}");
    assert_eq!(listed(), Value::Null);
    shop.farm.insert(CARD, &shop.path("person.card")).expect("the card is back");
    let answer = paid(&bridge, &second);
    assert_eq!((&answer["success"], shop.balance()), (&json!("1"), 48_000), "it was told: {answer}");
    // It is what the call itself answered; once more it is said that it was told before.
    let again = shop.run(&["driver", "output", "3"]).json();
    assert_eq!((&again["output"], &again["notes"][0]["code"]), (&answer["pOutInfo"], &json!("TOLD_BEFORE")), "{again}");
    for unknown in ["1", "9", "x"] {
        let refused = shop.run(&["driver", "output", unknown]);
        assert_eq!((refused.status, refused.code().as_str()), (2, "OUTPUT_UNKNOWN"), "{unknown}");
    }
}

#[test]
fn what_a_page_sold_goes_back_with_a_slip_of_who_is_signed_in() {
    let shop = Shop::ready();
    {
        let bridge = Bridge::start(&shop, &[]);
        assert_eq!(paid(&bridge, &time(0))["success"], "1");
    }
    let slip = shop.path("slip.txt");
    let file = slip.display().to_string();
    let given = shop.run_text("zh", &["refund", "give", "2", "--account", "3.00", "--receipt", &file]);
    assert_eq!((given.status, shop.balance()), (0, 49_300), "{}", given.stderr);
    let text = std::fs::read_to_string(&slip).expect("a slip");
    for part in ["医保个人账户退费凭证", "康定演练药店", "R00001", "3.00", "493.00"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let again = shop.run_text("en", &["receipt", "reprint", "3"]);
    assert!(again.status == 0 && again.stdout.contains("** REPRINT 1 **"), "{}{}", again.stdout, again.stderr);
}

#[test]
fn what_a_page_was_not_told_and_went_back_since_is_not_handed_over_as_paid() {
    let shop = Shop::ready();
    let bridge = Bridge::start(&shop, &[]);
    let mut page = bridge.program();
    assert_eq!(page.success(&json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": cards::PIN})), "1");
    let pay = json!({"function": "iDoDebit", "iType": 3, "pPayInfo": format!("10.00|0|0|{}|", time(0))});
    page.0.send(Message::text(pay.to_string())).expect("sent");
    page.0.get_ref().peek(&mut [0]).expect("an answer");
    drop(page);
    drop(bridge);
    let listed = |command: &str| shop.run(&[command]).json();
    let handed = || shop.run(&["driver", "output", "2"]).json();
    let left =
        |handed: &Value| handed["output"].as_str().and_then(|output| output.split('|').rev().nth(1).map(str::to_owned));
    let given = shop.run(&["refund", "give", "2", "--account", "4.00"]);
    assert_eq!((given.status, shop.balance()), (0, 49_400), "{}", given.stderr);
    let page = listed("upload");
    let row = &page["program_not_told"][0];
    assert_eq!(
        (&row["code"], &row["left_fen"], &page["notes"][1]["code"]),
        (&json!(-3006), &json!(600), &json!("GIVEN_BACK")),
        "{page}"
    );
    let given = shop.run(&["refund", "give", "2", "--account", "6.00"]);
    assert_eq!((given.status, shop.balance()), (0, 50_000), "{}", given.stderr);
    let page = listed("day-end");
    let row = &page["program_not_told"][0];
    assert_eq!(
        (&row["code"], &row["left_fen"], &page["notes"][0]["code"]),
        (&json!(-3010), &json!(0), &json!("GIVEN_BACK")),
        "{page}"
    );
    // Another purchase is sold: what went back whole is no earlier purchase.
    let bridge = Bridge::start(&shop, &[]);
    let answer = paid(&bridge, &time(1));
    assert_eq!((&answer["success"], shop.balance()), (&json!("1"), 49_000), "{answer}");
    let handed = handed();
    assert_eq!(
        (&handed["code"], left(&handed).as_deref()),
        (&json!(-3010), Some("000000000000000000000000")),
        "{handed}"
    );
    assert_eq!(listed("upload")["program_not_told"], Value::Null);
}

/// A call that pays 10.00 with this time, its PIN typed before.
fn paid(bridge: &Bridge, time: &str) -> Value {
    let mut page = bridge.program();
    assert_eq!(page.success(&json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": cards::PIN})), "1");
    let answer = page.call(&json!({"function": "iDoDebit", "iType": 3, "pPayInfo": format!("10.00|0|0|{time}|")}));
    // It lives on after its answer.
    page.success(&json!({"function": "iCheckCard", "iType": 3}));
    answer
}

fn time(later: i64) -> String {
    Now::of_system().later(later).date_time().to_string()
}

#[test]
fn what_the_counter_sold_is_told_at_the_counter_and_no_call_sells_before() {
    let shop = Shop::ready();
    let bridge = Bridge::start(&shop, &[]);
    torn(&shop, 0x2C, true);
    assert_eq!(shop.pay(&shop.bill("Z-1", &[("X1", 1, "10.00")])).code(), "UNCERTAIN");
    shop.tap_again();
    for later in [1, 2] {
        let answer = paid(&bridge, &time(later));
        assert_eq!((&answer["success"], shop.balance()), (&json!("-3002"), 49_000), "{answer}");
        let text = answer["pOutInfo"].as_str().expect("a text");
        assert!(text.contains("sscard balance") && !text.contains("10.00"), "nothing of the purchase: {text}");
    }
    let told = shop.run(&["balance"]);
    assert_eq!(told.json()["notes"][0]["code"], "SETTLED", "{}", told.stdout);
    assert_eq!((&paid(&bridge, &time(3))["success"], shop.balance()), (&json!("1"), 48_000), "the counter knows");
}

#[test]
fn a_call_of_which_a_person_judged_wrong_gets_its_output_once_and_the_counter_leaves_it() {
    let shop = Shop::ready();
    let bridge = Bridge::start(&shop, &[]);
    torn(&shop, 0x2C, false);
    let first = time(0);
    assert_eq!(paid(&bridge, &first)["success"], "-3003");
    judge(&shop, "2", true);
    assert_eq!(shop.run(&["balance", "--pin", "env:PIN"]).status, 0);
    let answer = paid(&bridge, &time(1));
    assert_eq!((&answer["success"], shop.balance()), (&json!("-3007"), 50_000), "{answer}");
    let output = answer["pOutInfo"].as_str().expect("a text");
    assert!(output.contains(&first) && output.contains("|000003E80000000000000000|"), "time and amounts: {output}");
    assert!(output.ends_with("||"), "no TAC: {output}");
    assert_eq!((&paid(&bridge, &time(2))["success"], shop.balance()), (&json!("1"), 49_000), "told once");
}

#[test]
fn a_page_is_let_in_by_its_origin_and_never_goes_on_with_anothers_card() {
    let shop = Shop::open();
    let bridge = Bridge::start(&shop, &["--origin", "https://his.example.cn"]);
    let mut page = bridge.page(Some("https://his.example.cn")).expect("on the list");
    for origin in
        ["http://his.example.cn", "https://his.example.cn:8443", "https://his.example.cn.evil.example", "null"]
    {
        assert!(bridge.page(Some(origin)).is_err(), "{origin}");
    }
    let verify = json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": cards::PIN});
    let read = json!({"function": "iReadCard", "iType": 3, "iAuthType": 1, "pFileAddr": "DF01EF05|20|$"});
    assert_eq!(page.success(&verify), "1");
    assert_eq!(page.success(&read), "1", "its own PIN");
    let mut other = bridge.program();
    assert_eq!(other.success(&read), "-13", "the other has no PIN, and nowhere to type one");
    assert_eq!(page.success(&read), "-13", "and the card was let go");
}

#[test]
fn connections_that_say_nothing_shut_nobody_out_who_calls() {
    let shop = Shop::open();
    let bridge = Bridge::start(&shop, &[]);
    let check = json!({"function": "iCheckCard", "iType": 3});
    let mut page = bridge.program();
    assert_eq!(page.success(&check), "1");
    // As many as there is room for, and more: some with a handshake, some without a word.
    let host = bridge.address.strip_prefix("ws://").expect("a WebSocket").to_owned();
    let _silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&host).expect("listening")).collect();
    let _idle: Vec<Caller> = (0..20).map(|_| bridge.program()).collect();
    assert_eq!(bridge.program().success(&check), "1", "another is let in");
    assert_eq!(page.success(&check), "1", "and who called before is still there");
}

#[test]
fn nothing_personal_is_read_without_the_consent_of_the_person_at_the_counter() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::open();
    let (program, asked) = (shop.path("consent"), shop.path("asked"));
    std::fs::write(
        &program,
        format!("#!/bin/sh\necho \"$1 $2 [$3] [$4]\" >>{}\n[ $1 != iDoDebit ]\n", asked.display()),
    )
    .expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("may be run");
    let consent = program.display().to_string();
    let bridge = Bridge::start(&shop, &["--origin", "https://his.example.cn", "--consent", &consent]);
    let mut page = bridge.page(Some("https://his.example.cn")).expect("on the list");
    assert_eq!(page.success(&json!({"function": "iCheckCard", "iType": 3})), "1");
    assert_eq!(page.success(&json!({"function": "iReadCardBas", "iType": 3})), "1");
    let pay = json!({"function": "iDoDebit", "iType": 3, "pPayInfo": "10.00|0.1|0.2|20261122101500|"});
    assert_eq!(page.success(&pay), "-3005");
    // What the site switched off is refused without asking anybody.
    assert_eq!(page.success(&json!({"function": "iReloadPIN", "iType": 3})), "-3011");
    let asked = std::fs::read_to_string(asked).expect("it was asked");
    let card = shop.identifier().to_string();
    let card = format!("****{}", &card[16..24]);
    assert_eq!(
        asked,
        format!(
            "iReadCardBas https://his.example.cn [] [{card}]\n\
             iDoDebit https://his.example.cn [account=10.00 cash=0.10 pool=0.20 total=10.30] [{card}]\n"
        )
    );
}

#[test]
fn the_step_that_debits_is_shown_with_its_amounts_and_its_card() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::ready();
    let card = format!("****{}", &shop.identifier().to_string()[16..24]);
    let (program, asked) = (shop.path("consent"), shop.path("asked"));
    let script = format!("#!/bin/sh\necho \"$1 [$3] [$4]\" >>{}\n[ $1 != iDoDebit_HSM_Step2 ]\n", asked.display());
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("may be run");
    let bridge = Bridge::start(&shop, &["--consent", &program.display().to_string()]);
    let mut page = bridge.program();
    assert_eq!(page.success(&json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": cards::PIN})), "1");
    let pay = format!("10.00|0.1|0.2|{}|", time(0));
    assert_eq!(page.success(&json!({"function": "iDoDebit_HSM_Step1", "iType": 3, "pPayInfo": pay})), "1");
    let key = format!("00000009|{}|00000000|", time(0));
    assert_eq!(page.success(&json!({"function": "iDoDebit_HSM_Step2", "pKey": key})), "-3005");
    let amounts = "account=10.00 cash=0.10 pool=0.20 total=10.30";
    assert_eq!(
        std::fs::read_to_string(asked).expect("it was asked"),
        format!(
            "iPKBVerifyPIN [] [{card}]\niDoDebit_HSM_Step1 [{amounts}] [{card}]\niDoDebit_HSM_Step2 [{amounts}] [{card}]\n"
        )
    );
    drop((page, bridge));
    assert_eq!(shop.balance(), 50_000);
}

#[test]
fn a_page_lets_the_card_sign_and_anyone_verifies_with_its_certificate() {
    let shop = certificates::shop();
    let made = shop.run(&["cert", "generate", "--pin", "env:PIN"]).json();
    let certificate = hex::encode(certificates::certificate(&certificates::key(&made["signing_public_key"]), 400));
    let bridge = Bridge::start(&shop, &[]);
    let mut caller = bridge.program();
    let sign = json!({"function": "PKI_SignData", "pUserPin": cards::PIN, "pInData": "处方一", "iType": 3});
    let signed = caller.call(&sign);
    assert_eq!(signed["success"], "1", "{signed}");
    let verify = |text: &str| {
        json!({"function": "PKI_VerifySign", "pUserPin": "", "pCert": certificate, "pClearText": text,
            "pSignature": signed["pOutInfo"], "iType": 3})
    };
    assert_eq!(caller.success(&verify("处方一")), "1");
    assert_eq!(caller.success(&verify("处方二")), "-3004");
    let wrong = json!({"function": "PKI_SignData", "pUserPin": "000000", "pInData": "处方一", "iType": 3});
    assert_eq!(caller.success(&wrong), "-51");
}

#[test]
fn it_listens_on_this_machine_only() {
    let shop = Shop::open();
    for address in ["0.0.0.0:0", "192.0.2.1:12342", "localhost", ""] {
        let ran = shop.run(&["bridge", "--listen", address]);
        assert_eq!((ran.status, ran.code().as_str()), (9, "LISTEN_FAILED"), "{address:?}");
    }
}

#[test]
fn a_page_in_chromium_reads_the_card() {
    let shop = Shop::open();
    let site = Site::open();
    let bridge = Bridge::start(&shop, &["--origin", &site.origin]);
    let shown = site.visit(&shop, &format!("desk.html?bridge={}", bridge.address));
    let basics = bridge.program().call(&json!({"function": "iReadCardBas", "iType": 3}));
    let fields: Vec<&str> = basics["pOutInfo"].as_str().expect("a text").split('|').collect();
    assert_eq!((shown["name"].as_str(), shown["number"].as_str()), (Some(fields[4]), Some(fields[2])), "{shown}");
    assert_eq!(shown["fault"], "");
    // The same page is no guest of a bridge that does not know its origin.
    let closed = Bridge::start(&shop, &["--origin", "https://elsewhere.example"]);
    let refused = site.visit(&shop, &format!("desk.html?bridge={}", closed.address));
    assert!(refused["fault"].as_str().expect("a text").starts_with("-12 "), "{refused}");
    assert_eq!(refused["name"], "");
}

#[test]
fn the_types_of_the_module_are_those_of_the_table() {
    let mut text = "// Types of sscard-bridge.js. Generated by reader-cli/tests/terminal/bridge.rs; do not edit.\n\n\
        export interface Functions {\n"
        .to_owned();
    for function in FUNCTIONS {
        let inputs: Vec<String> = function
            .inputs()
            .map(|input| match input.kind {
                Kind::Number | Kind::Byte => format!("{}: number", input.name),
                _ if input.name == "pCardInfo" => format!("{}?: string | null", input.name),
                _ => format!("{}: string", input.name),
            })
            .collect();
        let mut outputs: Vec<String> = function.output_names().map(|name| format!("{name}: string")).collect();
        if function.answers == Answers::Number {
            outputs.push("returned: number".to_owned());
        }
        let name = function.name;
        let (inputs, outputs) = (inputs.join("; "), outputs.join("; "));
        let inputs = if inputs.is_empty() { "{}".to_owned() } else { format!("{{ {inputs} }}") };
        writeln!(
            text,
            "  /** {} */\n  {name}: {{ parameters: {inputs}; outputs: {{ {outputs} }} }};",
            function.purpose
        )
        .expect("text grows");
    }
    text += "}\n\n";
    text += include_str!("../support/bridge_classes.d.ts");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bridge/sscard-bridge.d.ts");
    if std::env::var_os("BRIDGE_TYPES").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    assert!(std::fs::read_to_string(&path).expect("checked in") == text, "old; run this test with BRIDGE_TYPES=write");
}

#[test]
fn recorded_calls_are_made_again_and_every_difference_is_shown() {
    let shop = Shop::open();
    let bridge = Bridge::start(&shop, &[]);
    let mut caller = bridge.program();
    let mut record = |request: Value| {
        let answer = caller.call(&request);
        let code = if answer["success"] == "1" {
            json!(0)
        } else {
            json!(answer["success"].as_str().and_then(|text| text.parse::<i64>().ok()))
        };
        let mut line = request;
        line["code"] = code;
        line["pOutInfo"] = answer["pOutInfo"].clone();
        line
    };
    let mut lines = vec![
        record(json!({"function": "iReadCardBas", "iType": 3})),
        record(json!({"function": "iReadCard", "iType": 3, "iAuthType": 2, "pFileAddr": "SSSEEF05|07|$"})),
        record(json!({"function": "iReadCard", "iType": 3, "iAuthType": 2, "pFileAddr": "SSSEEF05|7F|$"})),
        record(json!({"function": "iReadCardBas_HSM_Step1", "iType": 3})),
    ];
    drop(bridge);
    lines.push(json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": "env:PIN", "code": 0, "pOutInfo": ""}));
    // Random numbers differ from call to call.
    let step = lines[3]["pOutInfo"].as_str().expect("a text").split('|').enumerate();
    let starred: Vec<&str> =
        step.map(|(at, field)| if (4..8).contains(&at) && !field.is_empty() { "*" } else { field }).collect();
    lines[3]["pOutInfo"] = json!(starred.join("|"));
    let write = |lines: &[Value]| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(shop.path("calls.jsonl"), format!("# a desk's morning\n\n{text}")).expect("written");
        shop.path("calls.jsonl").display().to_string()
    };
    let same = shop.run(&["compat", &write(&lines)]);
    assert_eq!((same.status, &same.json()["calls"]), (0, &json!(5)), "{}{}", same.stdout, same.stderr);
    let mut changed = lines.clone();
    let basics = changed[0]["pOutInfo"].as_str().expect("a text").replacen(cards::CITY, "440300", 1);
    changed[0]["pOutInfo"] = json!(basics);
    changed[2]["code"] = json!(-27_266);
    let differs = shop.run(&["compat", &write(&changed)]);
    let found = differs.json();
    assert_eq!(differs.status, 7, "{found}");
    let rows: Vec<(i64, &str)> = found["differences"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["line"].as_i64().expect("a number"), row["what"].as_str().expect("a text")))
        .collect();
    assert_eq!(rows, [(3, "pOutInfo [1]"), (5, "code")], "{found}");
    for (line, code) in [
        ("{", "RECORDING_MALFORMED"),
        ("{\"function\":\"iNoSuch\",\"code\":0}", "RECORDING_MALFORMED"),
        ("{\"function\":\"iCheckCard\",\"iType\":3}", "RECORDING_MALFORMED"),
        ("{\"function\":\"iPKBVerifyPIN\",\"iType\":3,\"pPin\":\"864213\",\"code\":0}", "RECORDING_MALFORMED"),
    ] {
        std::fs::write(shop.path("wrong.jsonl"), line).expect("written");
        let ran = shop.run(&["compat", &shop.path("wrong.jsonl").display().to_string()]);
        assert_eq!((ran.status, ran.code().as_str()), (1, code), "{line}");
        assert!(!ran.stderr.contains("864213"), "{}", ran.stderr);
    }
}

/// A web site of the files in `docs/bridge`, and a browser that visits it.
struct Site {
    listener: TcpListener,
    origin: String,
}

impl Site {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        Self { listener, origin }
    }

    /// Opens a page in Chromium, presses its button, and answers what it then shows.
    fn visit(&self, shop: &Shop, page: &str) -> Value {
        let profile = shop.path("chromium").display().to_string();
        let mut browser = Command::new(chromium())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={profile}"))
            .arg(format!("{}/{page}", self.origin))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium starts");
        let shown = loop {
            let (mut stream, _) = self.listener.accept().expect("the browser asks");
            if let Some(shown) = self.serve(&mut stream) {
                break shown;
            }
        };
        browser.kill().expect("it runs");
        let _ = browser.wait();
        shown
    }

    /// Answers one request; what the page shows, when it tells.
    fn serve(&self, stream: &mut TcpStream) -> Option<Value> {
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).ok()? <= 2 {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let name = path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bridge").join(name);
        let (status, kind, content) = match std::fs::read_to_string(&file) {
            // The visitor: presses the button when the page is there, and tells what it shows then.
            Ok(text) if name == "desk.html" => ("200 OK", "text/html", text.replace("</html>", VISITOR)),
            Ok(text) => ("200 OK", "text/javascript", text),
            Err(_) => ("404 Not Found", "text/plain", String::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            content.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(content.as_bytes())).ok()?;
        (name == "shown").then(|| serde_json::from_slice(&body).expect("what the page shows"))
    }
}

const VISITOR: &str = r#"<script type="module">
document.addEventListener("desk-read", () => {
  const text = (id) => document.getElementById(id).textContent;
  fetch("/shown", { method: "POST", body: JSON.stringify({ name: text("name"), number: text("number"), fault: text("fault") }) });
});
document.getElementById("read").click();
</script></html>"#;

fn chromium() -> PathBuf {
    let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = names.into_iter().map(PathBuf::from).find(|path| path.exists());
    found.expect("a browser: apt-get install chromium")
}
