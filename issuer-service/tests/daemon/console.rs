//! The console in a real browser, with a keyboard alone: people in a file become cards on virtual readers, and one is lost.
//!
//! Owns: the journey, the pictures of the documents (`CONSOLE_PICTURES=1`; `CONSOLE_LOOK=FOLDER` for all of them, larger).

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use browser_driver::Browser;
use card_sim::fault::{Fault, FaultPlan};
use issuer_service::operator::login::totp;

use crate::ask::ask;
use crate::base32::base32;
use crate::bench::{self, Bench};
use crate::remote;

const LOOK: Duration = Duration::from_millis(3);

/// The centre's process, ended with the test.
struct Centre {
    child: Child,
    address: String,
}

impl Centre {
    fn start(bench: &Bench) -> Self {
        let file = bench.folder().join("operators-port");
        let path = file.display().to_string();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0", "--operators-port-file", &path];
        let mut child = bench.issuer(&serve).spawn().expect("the program starts");
        while !file.exists() {
            assert!(child.try_wait().expect("status").is_none(), "the centre does not start");
            std::thread::sleep(LOOK);
        }
        let port = std::fs::read_to_string(&file).expect("port");
        Self { child, address: format!("https://localhost:{}", port.trim()) }
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An operator with a password and a second factor, set up at the centre's machine.
struct Clerk {
    name: &'static str,
    password: String,
    secret: Vec<u8>,
}

fn clerk(bench: &Bench, name: &'static str) -> Clerk {
    let backwards: String = name.chars().rev().collect();
    let (first, password) = (format!("a word to begin with {backwards}"), format!("the own word of {backwards}"));
    let run = |words: &[&str]| {
        let mut command = bench.issuer(words);
        let output = command.env("FIRST", &first).env("OWN", &password).output().expect("the program starts");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["operator", "reset", name, "--initial", "env:FIRST"]);
    run(&["--operator", name, "--password", "env:FIRST", "operator", "password", "--new", "env:OWN"]);
    let told = run(&["--operator", name, "--password", "env:OWN", "operator", "totp"]);
    let secret = told.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret");
    Clerk { name, password, secret: base32(secret) }
}

/// Somebody before the screen who has no mouse.
struct Desk {
    browser: Browser,
}

impl Desk {
    fn until(&mut self, expression: &str) {
        self.browser.until(expression);
    }

    fn press(&mut self, selector: &str) {
        self.browser.tab_to(selector);
        self.browser.key("Enter");
    }

    fn fill(&mut self, selector: &str, text: &str) {
        self.browser.tab_to(selector);
        self.browser.key_with("a", 2);
        self.browser.type_text(text);
    }

    fn room(&mut self, name: &str) {
        self.press(&format!("nav a[href='/console/{name}']"));
        self.at(&format!("/console/{name}"));
    }

    fn at(&mut self, path: &str) {
        self.until(&format!("location.pathname === '{path}' && document.readyState === 'complete'"));
    }

    /// Opens a form that is folded away.
    fn open(&mut self, action: &str) {
        let folded = format!("details:has(form[action='{action}'])");
        self.press(&format!("{folded} > summary"));
        self.until(&format!("document.querySelector(\"{folded}\").open"));
    }

    fn send(&mut self, action: &str) {
        self.press(&format!("form[action='{action}'] button"));
    }

    fn enter(&mut self, clerk: &Clerk) {
        self.at("/console/login");
        self.fill("input[name=operator]", clerk.name);
        self.fill("input[name=password]", &clerk.password);
        self.fill("input[name=code]", &totp::code(&clerk.secret, issuer_service::clock::seconds()));
        self.browser.key("Enter");
        self.at("/console/today");
    }

    fn leave(&mut self) {
        self.press("header form button");
        self.at("/console/login");
    }

    fn says(&mut self, words: &str) {
        let shown = self.browser.text();
        assert!(shown.contains(words), "{words}: {shown}");
    }

    /// Nothing is wider than the window, of a small screen and of a large one, also with every form open; words can be read, every field
    /// has its own; pictures where they are asked for.
    fn look(&mut self, name: &str) {
        for ((width, height), open) in [((1920, 1080), "true"), ((1024, 768), "true"), ((1024, 768), "false")] {
            self.browser.resize(width, height);
            let wide = self.browser.evaluate(&format!(
                "document.querySelectorAll('details').forEach((one) => {{ one.open = {open}; }}), {WIDE}"
            ));
            assert_eq!(wide, serde_json::json!([]), "{name} at {width}x{height}, forms open: {open}");
            let scrolls = self.browser.evaluate("document.documentElement.scrollWidth > innerWidth");
            assert_eq!(scrolls, false, "{name} at {width}x{height}, forms open: {open}");
            let clipped = self.browser.evaluate(CLIPPED);
            assert_eq!(clipped, serde_json::json!([]), "{name} at {width}x{height}: fields that are cut off");
            let pale = self.browser.evaluate(PALE);
            assert_eq!(pale, serde_json::json!([]), "{name}: words that are hard to read");
            if let (Some(folder), "true") = (std::env::var_os("CONSOLE_LOOK"), open) {
                let language = self.browser.evaluate("document.documentElement.lang.slice(0, 2)");
                let picture = format!("{name}-{}-{width}-open.png", language.as_str().unwrap_or_default());
                self.browser.picture(&Path::new(&folder).join(picture), 1.0);
            }
        }
        let bare = self.browser.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')] \
             .filter((one) => !one.labels?.[0]?.textContent.trim()).map((one) => one.outerHTML)",
        );
        assert_eq!(bare, serde_json::json!([]), "{name}: fields without words");
        let language = self.browser.evaluate("document.documentElement.lang.slice(0, 2)");
        let picture = format!("{name}-{}.png", language.as_str().unwrap_or_default());
        if std::env::var_os("CONSOLE_PICTURES").is_some() && PICTURES.contains(&picture.as_str()) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/console");
            self.browser.picture(&folder.join(&picture), 0.75);
        }
        if let Some(folder) = std::env::var_os("CONSOLE_LOOK") {
            self.browser.picture(&Path::new(&folder).join(&picture), 1.0);
        }
    }

    /// The same in both languages, and back.
    fn look_twice(&mut self, name: &str) {
        for other in ["en", "zh"] {
            self.look(name);
            self.press(&format!("a[lang={other}]"));
            self.until(&format!(
                "document.documentElement.lang.startsWith('{other}') && document.readyState === 'complete'"
            ));
        }
    }
}

/// What stands outside the window; tables scroll in their own frame.
const WIDE: &str = "[...document.querySelectorAll('body *')].filter((one) => !one.closest('.wide, pre') && !one.matches('.skip') \
    && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))";

/// Words whose contrast with what lies behind them is less than WCAG 2.2 asks of small text (AA, 4.5 to 1).
const PALE: &str = "(() => { \
    const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }; \
    const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); \
    const colour = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { rgb: [r, g, b], a }; }; \
    const behind = (one) => { for (let at = one; at; at = at.parentElement) { \
        const { rgb, a } = colour(getComputedStyle(at).backgroundColor); if (a > 0.99) return rgb; } return [255, 255, 255]; }; \
    return [...document.querySelectorAll('body *')].filter((one) => !one.closest('svg, .skip') && one.checkVisibility() \
        && [...one.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())).filter((one) => { \
        const [a, b] = [light(colour(getComputedStyle(one).color).rgb), light(behind(one))]; \
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; }).map((one) => one.outerHTML.slice(0, 90)); })()";

/// Purchases of some days, as uploads would leave them.
const SETTLED: &str = "PRAGMA foreign_keys = OFF;
    INSERT INTO upload_row (terminal, record, batch, window_date, business_date, institution, kind, card, card_sequence, date_time,
        personal_fen, self_paid_fen, pooled_fen, balance_after_fen, hash, outcome, code, received_at)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 119)
    SELECT '513300000001', i, 1, '2026-11-' || (16 + i * (i % 4 + 1) % 5), '2026-11-16', 'H1', 'purchase', 'c' || i, i, '20261116101500',
        1500 + 370 * (i % 9), 0, 0, 0, 'h' || i, CASE WHEN i % 13 = 0 THEN 'REFUSED' ELSE 'ACCEPTED' END,
        CASE WHEN i % 13 = 0 THEN 'TAC_WRONG' END, '' FROM n";

/// Fields and buttons that the frame of their table cuts off.
const CLIPPED: &str = "[...document.querySelectorAll('.wide')].flatMap((frame) => [...frame.querySelectorAll('input:not([type=hidden]), select, button')] \
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > frame.getBoundingClientRect().right + 1)) \
    .map((one) => one.outerHTML.slice(0, 80))";

/// Rooms that are looked at with every role.
const ROOMS: [&str; 11] =
    ["query", "tickets", "requests", "pins", "stock", "exchange", "stations", "keys", "faces", "blacklist", "audit"];

/// Pictures of the documents.
const PICTURES: [&str; 13] = [
    "today-zh.png",
    "today-en.png",
    "import-zh.png",
    "batch-zh.png",
    "batch-en.png",
    "card-zh.png",
    "card-en.png",
    "figures-zh.png",
    "figures-en.png",
    "person-en.png",
    "stock-zh.png",
    "stations-en.png",
    "face-back-zh.png",
];

#[test]
fn clerks_with_a_keyboard_alone_make_a_file_of_people_into_cards_and_report_a_loss() {
    let mut cards = vec![FaultPlan::default(); 7];
    cards[1] = FaultPlan::new(vec![Fault::Lemon { after_writes: 40 }]);
    let bench = Bench::new(2, &cards);
    bench.ok(&["operator", "add", "chen", "--role", "counter", "--role", "audit"]);
    // Whoever certifies a station makes the centre's authority, which the door's certificate is from.
    remote::enrolled(&bench, "north");
    let all = ["station", "stock", "clearing", "audit", "keys", "capture", "counter", "approve"];
    bench.ok(&[["operator", "add", "qian"].as_slice(), &all.map(|role| ["--role", role]).concat()].concat());
    bench.ok(&["operator", "add", "zhao", "--role", "approve"]);
    let [li, wang, zhao, chen, qian] = ["li", "wang", "zhao", "chen", "qian"].map(|name| clerk(&bench, name));
    let centre = Centre::start(&bench);
    let file = bench.folder().join("people.csv");
    let rows: Vec<String> = (0..6).map(bench::row).collect();
    let text = format!("社会保障号码,姓名,性别,民族,出生日期,行政区划代码\n{}\n", rows.join("\n"));
    // One of them has two sexes.
    std::fs::write(&file, text.replacen(",1,04", ",2,04", 1)).expect("file");

    let mut desk =
        Desk { browser: Browser::start_with(1024, 768, &["--ignore-certificate-errors", "--accept-lang=zh-CN"]) };
    desk.browser.listen();
    desk.browser.visit(&format!("{}/console", centre.address));
    desk.at("/console/login");
    desk.until("document.activeElement.name === 'operator'");
    desk.look_twice("login");
    desk.enter(&li);

    // A file of people.
    desk.room("import");
    desk.browser.tab_to("input[type=file]");
    desk.browser.choose_file("input[type=file]", &file);
    desk.send("/console/import");
    desk.until("document.querySelector('main table')");
    desk.says("SEX_DIFFERS");
    desk.look("import");
    let shown = desk.browser.evaluate("document.querySelector('dl.facts').innerText");
    let shown = shown.as_str().unwrap_or_default().to_owned();
    assert!(shown.contains("新登记\n5") && shown.contains("退回的行\n1"), "{shown}");
    assert!(!desk.browser.text().contains(rows[1].split(',').next().expect("a number")), "masked");

    // A photo, and somebody found.
    desk.room("people");
    desk.fill("input[name=text]", rows[0].split(',').next().expect("a number"));
    desk.browser.key("Enter");
    desk.at("/console/people/found");
    desk.press("main a[href^='/console/people/']");
    desk.at("/console/people/1");
    // The arrow back finds the people again, without another search or a question about sending a form.
    desk.browser.evaluate("setTimeout(() => history.back()); 0");
    desk.at("/console/people/found");
    desk.press("main a[href^='/console/people/']");
    desk.at("/console/people/1");
    desk.open("/console/people/1/photo");
    let photo =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/handbook/photos/face.jpg").canonicalize().expect("a photo");
    desk.browser.tab_to("input[name=photo]");
    desk.browser.choose_file("input[name=photo]", &photo);
    desk.send("/console/people/1/photo");
    desk.until("document.body.innerText.includes('358 × 441')");
    desk.look_twice("person");
    desk.open("/console/people/1/photo/show");
    desk.fill("form[action='/console/people/1/photo/show'] input[name=reason]", "两张照片比对");
    desk.send("/console/people/1/photo/show");
    desk.until("document.querySelector('img.likeness')?.naturalWidth === 358");

    // A batch, approved by another.
    desk.room("batches");
    desk.fill("input[name=county]", "513301");
    desk.fill("input[name=count]", "5");
    desk.send("/console/batches");
    desk.at("/console/batches/1");
    assert_eq!(desk.browser.evaluate("document.querySelector(\"form[action$='/approve']\")"), serde_json::Value::Null);
    desk.leave();
    desk.enter(&wang);
    desk.look_twice("today");
    desk.press("main a[href='/console/batches/1']");
    desk.at("/console/batches/1");
    desk.press("form[action='/console/batches/1/approve'] button");
    desk.until("document.querySelector('[data-live]')");
    desk.says("已办理：批准");
    assert_eq!(desk.browser.evaluate("document.querySelector('[data-stale]').hidden"), true);
    // Whose session is over is not shown old progress as if it were new.
    ask(&bench.folder().join("centre"), "DELETE FROM session WHERE operator = 'wang'").expect("ended");
    desk.until("!document.querySelector('[data-stale]').hidden && document.body.innerText.includes('可能已过时')");
    desk.look("stale");
    desk.browser.visit(&format!("{}/console", centre.address));
    desk.enter(&zhao);
    desk.press("main a[href='/console/batches/1']");
    desk.at("/console/batches/1");

    // Its cards are made, and the page says so by itself.
    let mut station = bench.station(&[0, 1]);
    desk.until("document.querySelector('progress').value >= 1 && document.querySelector('progress').value < 5");
    desk.look_twice("batch");
    desk.until("document.body.innerText.includes('5 / 5') && !document.querySelector('[data-live]')");
    assert!(station.wait().expect("ended").success());
    if bench.folder().join("centre/centre.db").exists() {
        ask(&bench.folder().join("centre"), SETTLED).expect("days of a pharmacy");
    }
    desk.room("figures");
    // By county, by cause, and by day where there are days.
    let charts = if bench.folder().join("centre/centre.db").exists() { 3 } else { 2 };
    desk.until(&format!("document.querySelectorAll('svg.chart').length === {charts}"));
    desk.look_twice("figures");
    desk.leave();
    bench.assert_complete(5, 1);

    // One of them is handed out, and lost.
    let number =
        ask(&bench.folder().join("centre"), "SELECT card_number FROM card WHERE person = 3 AND state = 'sealed'");
    let number = number.expect("asked")[0][0].clone();
    desk.enter(&chen);
    desk.room("cards");
    desk.fill("input[name=number]", &number);
    desk.browser.key("Enter");
    let (card, moving) = (format!("/console/cards/{number}"), format!("/console/cards/{number}/move"));
    for (reason, state) in [("柜台领取", "正常"), ("持卡人报失，已核对身份", "临时挂失")] {
        desk.at(&card);
        desk.fill(&format!("form[action='{moving}'] input[name=reason]"), reason);
        desk.send(&moving);
        desk.until(&format!("document.querySelector('main .tag').innerText === '{state}'"));
    }
    desk.says("已办理：临时挂失");
    desk.look_twice("card");
    let moves = "SELECT actor, detail FROM audit WHERE act LIKE 'card.%' ORDER BY sequence DESC LIMIT 1";
    let last = ask(&bench.folder().join("centre"), moves).expect("asked");
    assert_eq!(last[0][0], "chen");
    assert!(last[0][1].contains("持卡人报失"), "{last:?}");

    // What cannot be read is refused: what was typed is there, with what is wrong beside it, and is mended with a few keys.
    desk.room("tickets");
    for (lang, wrong) in [("zh", "“人员编号”填写不合要求"), ("en", "“Row number of the person” cannot be used")]
    {
        let form = "form[action='/console/tickets']";
        desk.open("/console/tickets");
        desk.fill(&format!("{form} input[name=person]"), "3 or so");
        desk.fill(&format!("{form} textarea"), "卡读不出来");
        desk.browser.key("Enter");
        desk.browser.type_text("<second line>");
        desk.send("/console/tickets");
        desk.until(&format!("document.querySelector(\"{form} .problem\")"));
        desk.says(wrong);
        let kept = format!("document.querySelector(\"{form} textarea\").value");
        assert_eq!(desk.browser.evaluate(&kept), "卡读不出来\n<second line>", "{lang}");
        // The keyboard is where it is to be mended.
        desk.until("document.activeElement.name + document.activeElement.value === 'person3 or so'");
        desk.look(&format!("refused-{lang}"));
        desk.open("/console/tickets");
        desk.fill(&format!("{form} input[name=person]"), "3");
        desk.browser.key("Enter");
        desk.until("!document.querySelector('.problem') && document.querySelector('.told')");
        if lang == "zh" {
            desk.press("a[lang=en]");
            desk.until("document.documentElement.lang === 'en' && document.readyState === 'complete'");
        }
    }
    desk.press("a[lang=zh]");
    desk.until("document.documentElement.lang.startsWith('zh') && document.readyState === 'complete'");
    let tickets = ask(&bench.folder().join("centre"), "SELECT COUNT(*) FROM ticket WHERE person = 3").expect("asked");
    assert_eq!(tickets, [["2"]], "each once");
    desk.leave();

    // Every other room, and the face of the card with the photo that came in.
    desk.enter(&qian);
    for room in ROOMS {
        desk.room(room);
        desk.look_twice(room);
    }
    // A template with a name in Tibetan script.
    desk.room("faces");
    desk.press("main a[href='/console/faces?name=4']");
    desk.until("document.images.length === 2 && [...document.images].every((one) => one.naturalWidth > 600)");
    desk.look("face-tibetan");
    let number =
        ask(&bench.folder().join("centre"), "SELECT card_number FROM card WHERE person = 1 AND state = 'sealed'")
            .expect("asked");
    let number = number[0][0].clone();
    desk.browser.visit(&format!("{}/console/cards/{number}", centre.address));
    let face = format!("/console/cards/{number}/face");
    for side in ["back", "front"] {
        desk.open(&face);
        desk.browser.tab_to(&format!("form[action='{face}'] select"));
        desk.browser.key(if side == "back" { "ArrowUp" } else { "ArrowDown" });
        desk.send(&face);
        desk.until("document.querySelector('img.face')?.naturalWidth > 600");
        desk.look(&format!("face-{side}"));
        desk.press(&format!("main a[href='/console/cards/{number}']"));
        desk.at(&format!("/console/cards/{number}"));
    }
    let shown = ask(&bench.folder().join("centre"), "SELECT actor FROM audit WHERE act = 'face.show'").expect("asked");
    assert_eq!(shown, [["qian"], ["qian"]]);

    // What was seen is gone.
    desk.leave();
    desk.browser.evaluate("history.back()");
    desk.at("/console/login");
    assert!(!desk.browser.text().contains(&number));
    // The browser notes both refused forms, and nothing else.
    let refused = |fault: &&String| fault.contains("status of 400") && fault.contains("/console/tickets");
    let (refusals, others): (Vec<&String>, Vec<&String>) = desk.browser.faults().iter().partition(refused);
    assert_eq!((refusals.len(), others), (2, Vec::new()));
    assert_eq!(desk.browser.asked(), [] as [String; 0]);
    let away: Vec<_> = desk
        .browser
        .requests()
        .iter()
        .filter(|one| !one.starts_with(&centre.address) && !one.starts_with("data:"))
        .collect();
    assert!(away.is_empty() && desk.browser.requests().len() > 50, "{away:?}");
}
