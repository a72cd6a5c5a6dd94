//! A kiosk before its real centre: `issuer serve`, `sscard kiosk`, a card in a virtual reader, somebody who touches a real page.
//!
//! Owns: that what the page shows is what the centre's books say, and that what is touched stands there afterwards.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use browser_driver::Browser;
use card_profiles::builtin_text;
use card_sim::fault::FaultPlan;
use card_sim::image;
use serde_json::Value;

use crate::ask::ask;
use crate::bench::{self, Bench};

const LOOK: Duration = Duration::from_millis(3);
const CATALOGUE: &str = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药\nX1,阿莫西林胶囊,甲,101,20.00,0,2020-01-01,,否\n";

/// A process, ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A hall: a centre that serves, a kiosk's machine with a PSAM in slot 1, and one card of batch 1 in its holder's hands.
struct Hall {
    bench: Bench,
    address: String,
    _centre: Ended,
}

impl Hall {
    fn open() -> Self {
        let bench = Bench::new(2, &[FaultPlan::default()]);
        let psam = bench.folder().join("psam.card");
        image::create(&psam, builtin_text("psam").expect("built in"), [0x51, 0, 0, 0, 0, 9], &FaultPlan::default())
            .expect("image");
        bench.farm().insert(1, &psam).expect("inserted");
        let roles = |names: &[&str]| names.iter().flat_map(|name| ["--role".to_owned(), (*name).to_owned()]).collect();
        let add = |name: &str, names: &[&str]| {
            let roles: Vec<String> = roles(names);
            let words = ["operator", "add", name].into_iter().chain(roles.iter().map(String::as_str));
            bench.ok(&words.collect::<Vec<_>>());
        };
        add("ma", &["clearing"]);
        add("tashi", &["counter"]);
        bench.batch(1);
        assert_eq!(bench.run(&[0]).0, Some(0));
        bench.ok(&[
            "--operator",
            "ma",
            "institution",
            "add",
            "H001",
            "--name",
            "康定市政务服务中心",
            "--region",
            "513301",
            "--type",
            "hospital",
        ]);
        let reader = bench.farm().reader_name(1).expect("slot");
        bench.ok(&[
            "--operator",
            "zhou",
            "psam",
            "personalize",
            "--terminal-number",
            "513301000001",
            "--institution",
            "H001",
            "--reader",
            &reader,
        ]);
        let (centre, address) = serve(&bench);
        let hall = Self { bench, address, _centre: centre };
        let check = format!(
            "receipt-check = \"{}\"\n[kiosk]\nlisten = \"127.0.0.1:0\"\nprinter = \"../printer\"\nprinter-seconds = 1\n",
            hall.address
        );
        std::fs::create_dir_all(hall.data()).expect("folder");
        std::fs::write(hall.data().join("sscard.toml"), check).expect("written");
        hall
    }

    fn data(&self) -> PathBuf {
        self.bench.folder().join("kiosk")
    }

    fn sscard(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_issuer")).with_file_name("sscard"));
        let [card, psam] = [0, 1].map(|slot| self.bench.farm().reader_name(slot).expect("slot"));
        command
            .args(["--lang", "en", "--format", "json"])
            .args(arguments)
            .env("PCSCLITE_CSOCK_NAME", self.bench.farm().csock())
            .env("SSCARD_DATA", self.data())
            .env("SSCARD_CENTRE", &self.address)
            .env("SSCARD_CITY", "513300")
            .env("SSCARD_READER", card)
            .env("SSCARD_PSAM", psam)
            .env("SSCARD_WAIT", "20")
            .env("INITIAL", "123456")
            .env("OWN", "246802")
            .stdin(Stdio::null());
        command
    }

    fn terminal(&self, arguments: &[&str]) -> Value {
        let output = self.sscard(arguments).output().expect("sscard is built");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn one(&self, sql: &str) -> String {
        ask(&self.bench.folder().join("centre"), sql).expect(sql)[0][0].clone()
    }

    /// The card is its holder's, with a PIN of their own, 500.00 loaded; 8.00 were paid and uploaded, 12.00 paid and not yet; 80.00
    /// more wait.
    fn live(&self) {
        let card = self.one("SELECT card_number FROM card");
        self.bench.ok(&["--operator", "tashi", "card", "activate", &card]);
        let enrolled = self.terminal(&["terminal", "enroll"]);
        let key = enrolled["public_key"].as_str().expect("a key");
        let add = ["terminal", "add", "513301000001", "--institution", "H001", "--kiosk", "--public-key", key];
        self.bench.ok(&[&["--operator", "ma"], &add[..]].concat());
        self.allot("500.00");
        self.terminal(&["sign-in"]);
        self.terminal(&["blacklist", "update"]);
        self.bench.farm().eject(0).ok();
        self.bench.farm().insert(0, &self.bench.image(1)).expect("inserted");
        self.terminal(&["pin", "change", "--pin", "env:INITIAL", "--new-pin", "env:OWN"]);
        self.terminal(&["load", "--amount", "500.00"]);
        self.allot("80.00");
        let file = |name: &str, text: &str| {
            let path = self.bench.folder().join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let drugs = file("drugs.csv", CATALOGUE);
        for (id, price) in [("B1", "8.00"), ("B2", "12.00")] {
            let item = format!(r#"{{"code": "X1", "quantity": 1, "unit_price": "{price}"}}"#);
            let bill = file(id, &format!(r#"{{"bill_id": "{id}", "items": [{item}]}}"#));
            self.terminal(&["pay", &bill, "--catalogue", &drugs, "--pin", "env:OWN"]);
            if id == "B1" {
                self.terminal(&["upload"]);
            }
        }
        self.bench.farm().eject(0).expect("ejected");

        let number = bench::row(0).split(',').next().expect("a number").to_owned();
        let months =
            ["202608", "202609", "202610"].map(|month| format!("{number},110,{month},5000,800,400\n")).concat();
        let paid = file("paid.csv", &format!("社会保障号码,险种类型,费款所属期,缴费基数,单位缴费,个人缴费\n{months}"));
        self.bench.ok(&["--operator", "li", "benefit", "import", &paid, "--as-of", "2026-10-31"]);
        self.bench.ok(&["--operator", "li", "request", "new", "--person", "1", "--kind", "damaged"]);
    }

    fn allot(&self, amount: &str) {
        let identifier = self.one("SELECT card_identifier FROM card");
        self.bench.ok(&["--operator", "ma", "account", "allot", "--card", &identifier, "--amount", amount]);
        let request = self.one("SELECT COUNT(*) FROM allotment");
        self.bench.ok(&["--operator", "wang", "account", "approve", &request]);
    }
}

fn serve(bench: &Bench) -> (Ended, String) {
    let file = bench.folder().join("port");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--port-file", &file.display().to_string()];
    let mut child = Ended(bench.issuer(&serve).spawn().expect("the program starts"));
    while !file.exists() {
        assert!(child.0.try_wait().expect("status").is_none(), "the centre does not start");
        std::thread::sleep(LOOK);
    }
    let port = std::fs::read_to_string(&file).expect("port");
    (child, format!("http://127.0.0.1:{}", port.trim()))
}

/// Somebody at the screen.
struct Visitor {
    browser: Browser,
}

impl Visitor {
    fn touch(&mut self, act: &str) {
        self.browser.touch(&format!("[data-act={act}]"));
    }

    fn at(&mut self, screen: &str) {
        self.browser.until(&format!("document.querySelector('[data-screen={screen}]')"));
    }

    fn says(&mut self, words: &str) {
        self.browser.until(&format!("document.body.innerText.includes('{words}')"));
    }

    fn back(&mut self) {
        self.touch("back");
        self.at("home");
    }
}

#[test]
fn a_holder_at_a_kiosk_sees_the_centres_books_and_what_is_touched_stands_in_them() {
    let hall = Hall::open();
    hall.live();
    let (printer, sheet) = (hall.bench.folder().join("printer"), hall.bench.folder().join("sheet.pdf"));
    std::fs::write(&printer, format!("#!/bin/sh\nexec cat >{}\n", sheet.display())).expect("written");
    std::fs::set_permissions(&printer, std::fs::Permissions::from_mode(0o700)).expect("may be run");
    let pages = hall.bench.folder().join("centre/public/vacancies");
    std::fs::create_dir_all(&pages).expect("folder");
    std::fs::write(pages.join("cook.zh.txt"), "食堂招厨师\n工作地点：康定。\n\n联系窗口 3。").expect("written");

    let mut kiosk = Ended(hall.sscard(&["kiosk"]).stdout(Stdio::piped()).spawn().expect("it starts"));
    let mut line = String::new();
    BufReader::new(kiosk.0.stdout.take().expect("piped")).read_line(&mut line).expect("where it listens");
    let page: Value = serde_json::from_str(&line).expect("an answer");
    let address = page["address"].as_str().expect("an address").to_owned();

    let mut visitor = Visitor { browser: Browser::start(1080, 1920) };
    visitor.browser.visit(&address);
    visitor.at("welcome");
    // What the centre has for everybody.
    visitor.touch("titles-vacancies");
    visitor.touch("text-0");
    visitor.says("联系窗口 3。");
    visitor.touch("back");
    visitor.at("titles");
    visitor.touch("back");
    visitor.at("welcome");
    hall.bench.farm().insert(0, &hall.bench.image(1)).expect("inserted");
    visitor.at("pin");
    for digit in "246802".chars() {
        visitor.touch(&format!("digit-{digit}"));
    }
    visitor.touch("enter");
    visitor.at("home");
    // 480.00 on the card, 572.00 at the centre: 12.00 that the terminal keeps, and 80.00 that wait.
    visitor.says("572.00");
    for words in ["480.00", "+92.00", "消费未上传", "+12.00", "待圈存", "+80.00"] {
        visitor.says(words);
    }
    visitor.touch("open-difference");
    visitor.at("difference");
    visitor.says("康定市政务服务中心");
    let rest = visitor.browser.evaluate("document.querySelector('td.money.good').innerText");
    assert_eq!(rest, "0.00", "nothing is unexplained");
    visitor.back();
    visitor.touch("open-transactions");
    visitor.at("transactions");
    visitor.touch("open-account");
    visitor.says("572.00");
    let complain = visitor.browser.evaluate("document.querySelector('[data-act^=complain]').dataset.act");
    visitor.touch(complain.as_str().expect("an act"));
    visitor.at("ticket");
    visitor.says("-8.00");
    visitor.touch("agree");
    visitor.says("已登记，编号 1");
    visitor.back();
    let about = "SELECT subject, institution, original_terminal FROM ticket WHERE number = 1";
    let about = ask(&hall.bench.folder().join("centre"), about).expect("asked");
    assert_eq!(about, [["transaction", "H001", "513301000001"]]);
    visitor.touch("open-insurances");
    visitor.at("insurances");
    for words in ["养老", "参保缴费", "2026-10-31", "无数据"] {
        visitor.says(words);
    }
    visitor.back();
    visitor.touch("open-progress");
    visitor.at("progress");
    visitor.says("申请编号 2");
    visitor.back();

    visitor.touch("open-certificate");
    visitor.touch("agree");
    visitor.says("证明已打印");
    let code = visitor.browser.evaluate("document.querySelector('.check').innerText");
    let code = code.as_str().expect("a code").to_owned();
    let printed = std::fs::read(&sheet).expect("the printer got it");
    assert!(printed.starts_with(b"%PDF-1.") && printed.len() > 2_000, "{} bytes", printed.len());
    visitor.back();
    // A printer that hangs: the holder is told, the centre is not held up, and a counter prints it.
    std::fs::write(&printer, "#!/bin/sh\nsleep 600\n").expect("written");
    visitor.touch("open-certificate");
    visitor.touch("agree");
    visitor.says("正在打印");
    visitor.says("打印机没有响应");
    let unprinted = visitor.browser.evaluate("document.querySelector('.check').innerText");
    let unprinted = unprinted.as_str().expect("a code").to_owned();
    assert_ne!(unprinted, code);
    let again = hall.bench.folder().join("again.pdf");
    let print = ["certificate", "print", &unprinted, "--out", &again.display().to_string(), "--check", &hall.address];
    hall.bench.ok(&[&["--operator", "tashi"], &print[..]].concat());
    assert!(std::fs::read(&again).expect("a document").starts_with(b"%PDF-1."));
    visitor.back();
    for (said, state) in [("已临时挂失", "temporary_loss"), ("已解除挂失", "normal")] {
        visitor.touch("open-loss");
        visitor.at("loss");
        visitor.touch("agree");
        visitor.says(said);
        assert_eq!(hall.one("SELECT state FROM card"), state);
        visitor.back();
    }
    visitor.touch("open-ticket");
    visitor.touch("kind");
    visitor.touch("subject-service");
    visitor.says("已登记，编号 2");
    hall.bench.farm().eject(0).expect("ejected");
    visitor.at("welcome");
    assert!(!visitor.browser.text().contains("572.00"));

    // Anybody asks the centre about the print, and sees what was certified.
    visitor.browser.visit(&format!("{}/certificate/{code}", hall.address));
    for words in ["pension", "insured 2026-08", "扎"] {
        visitor.says(words);
    }
    assert!(!visitor.browser.text().contains("扎西"), "masked");

    // All of it is on record, as the kiosk's.
    let acts = "SELECT act FROM audit WHERE actor = 'terminal:513301000001' ORDER BY sequence";
    let acts: Vec<String> =
        ask(&hall.bench.folder().join("centre"), acts).expect("asked").into_iter().map(|row| row[0].clone()).collect();
    for act in ["certificate.issue", "card.report-temporary", "card.release", "ticket.open"] {
        assert!(acts.iter().any(|one| one.contains(act)), "{act} in {acts:?}");
    }
    hall.bench.ok(&["audit", "verify"]);
}
