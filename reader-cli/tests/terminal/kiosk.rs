//! People serve themselves at `sscard kiosk`: in Chromium, with virtual readers, and a clock that the test moves.
//!
//! Source: the pages and limits are those of `reader_cli::kiosk`. Owns: what a person sees and what is left of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdin, Stdio};

use browser_driver::Browser;
use reader_cli::kiosk::screen::{ALARM_EVERY, Place, VISIT_LIMIT};
use serde_json::Value;
use settlement::date::{BusinessDate, Month};
use settlement::fen::Fen;
use settlement::id::TerminalNumber;
use settlement::message::{AnswerStatus, Version1};
use settlement::query::{
    AccountView, Benefits, CardState, CardView, CertificateCode, Insurance, InsuranceLine, LineKind, LogKind, NewCard,
    NewCardStage, OverviewAnswer, PendingItem, PendingKind, Pin, SelfService, Standing, StatementLine,
};
use settlement::refund::Original;

use crate::cards;
use crate::shop::{CARD, Shop};

/// The kiosk, ended with the test.
struct Kiosk {
    child: Child,
    clock: ChildStdin,
    address: String,
}

impl Kiosk {
    fn start(shop: &Shop, arguments: &[&str]) -> Self {
        let told = ["--format", "json", "kiosk", "--listen", "127.0.0.1:0", "--told-clock"];
        let mut child = shop
            .sscard(&[&told, arguments].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("where it listens");
        let page: Value = serde_json::from_str(&line).expect("an answer");
        let clock = child.stdin.take().expect("piped");
        Self { child, clock, address: page["address"].as_str().expect("an address").to_owned() }
    }

    /// So many seconds pass.
    fn pass(&mut self, seconds: u64) {
        writeln!(self.clock, "{}", seconds * 1000).expect("it listens");
    }

    /// The page stands until its last second, and then another does.
    fn over(&mut self, browser: &mut Browser, place: Place, next: Place) {
        let limit = place.limit().expect("it has one");
        self.pass(limit - 1);
        browser.until("document.querySelector('[data-left]').textContent === '1'");
        assert_eq!(browser.evaluate(&format!("{} !== null", on(place))), true, "{}", place.word());
        assert_eq!(browser.evaluate("document.querySelector('footer').classList.contains('late')"), true);
        self.pass(1);
        browser.until(&on(next));
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the page shows this screen.
fn on(screen: Place) -> String {
    format!("document.querySelector('[data-screen={}]')", screen.word())
}

fn enter(browser: &mut Browser, pin: &str) {
    for digit in pin.chars() {
        browser.touch(&format!("[data-act=digit-{digit}]"));
    }
    browser.touch("[data-act=enter]");
}

/// A kiosk that waits for a card, and a browser before it.
fn stand(shop: &Shop, arguments: &[&str]) -> (Kiosk, Browser) {
    shop.farm.eject(CARD).expect("a slot");
    let kiosk = Kiosk::start(shop, arguments);
    let mut browser = Browser::start(1080, 1920);
    browser.visit(&kiosk.address);
    browser.until(&on(Place::Welcome));
    (kiosk, browser)
}

/// Nothing of the screen is cut off in any size, language or size of text; writes pictures where they are asked for.
fn fits(browser: &mut Browser, name: &str) {
    for (width, height) in [(1080, 1920), (1920, 1080), (1024, 768)] {
        browser.resize(width, height);
        for language in ["en", "zh-CN"] {
            browser.touch("[data-act=language]");
            browser.until(&format!("document.querySelector('.room').lang === '{language}'"));
            for large in ["true", "false"] {
                browser.touch("[data-act=large]");
                browser.until(&format!("document.querySelector('[data-act=large]').ariaPressed === '{large}'"));
                let cut = browser.evaluate(CUT);
                assert_eq!(cut, serde_json::json!([]), "{name} {language} {width}x{height}, large {large}");
            }
            let picture = format!("{name}-{}-{width}x{height}", language.get(..2).unwrap_or_default());
            if std::env::var_os("KIOSK_PICTURES").is_some() && PICTURES.contains(&picture.as_str()) {
                let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kiosk");
                browser.picture(&folder.join(format!("{picture}.png")), 0.5);
            }
            if let Some(folder) = std::env::var_os("KIOSK_LOOK") {
                browser.picture(&std::path::Path::new(&folder).join(format!("{picture}.png")), 1.0);
            }
        }
    }
    browser.resize(1080, 1920);
}

/// Pictures of the documents.
const PICTURES: [&str; 6] = [
    "welcome-zh-1080x1920",
    "pin-zh-1080x1920",
    "home-zh-1080x1920",
    "home-en-1920x1080",
    "holder-zh-1024x768",
    "insurances-en-1024x768",
];

/// Elements whose content is wider or higher than they are, or that stand outside the screen.
const CUT: &str = "[...document.querySelectorAll('body, #stage, .room, header, main, footer, main :not([lang=bo])')].filter((one) => { \
    const box = one.getBoundingClientRect(); \
    const outside = box.width > 0 && (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1); \
    return !(one instanceof SVGElement) && (outside || one.scrollHeight > one.clientHeight + 1 && one.clientHeight > 0 \
    && getComputedStyle(one).display !== 'inline' || one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 \
    && getComputedStyle(one).display !== 'inline'); }) \
    .map((one) => `${one.tagName}.${one.className} ${one.scrollWidth}x${one.scrollHeight} in ${one.clientWidth}x${one.clientHeight}`)";

fn insert(shop: &Shop) {
    shop.farm.insert(CARD, &shop.path("person.card")).expect("inserted");
}

#[test]
fn a_person_sees_the_balance_after_the_pin_and_nothing_is_left_when_the_card_is_out() {
    let shop = Shop::ready();
    shop.centre.books().page = Some(page());
    let (_kiosk, mut browser) = stand(&shop, &[]);
    let length = browser.evaluate("history.length");
    insert(&shop);
    browser.until(&on(Place::Pin));
    for digit in cards::PIN.chars().rev() {
        browser.touch(&format!("[data-act=digit-{digit}]"));
    }
    fits(&mut browser, "pin");
    browser.touch("[data-act=enter]");
    browser.until("document.querySelector('.wrong')");
    assert!(browser.text().contains("密码不对，还可试"), "{}", browser.text());
    enter(&mut browser, cards::PIN);
    browser.until(&on(Place::Home));
    // What the centre says stands beside it, with what explains the difference.
    browser.until("document.body.innerText.includes('580.00')");
    let shown = browser.text();
    for text in ["500.00", "+80.00", "消费未上传", "+30.00", "待圈存", "+50.00"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    fits(&mut browser, "home");
    browser.touch("[data-act=open-difference]");
    browser.until(&on(Place::Difference));
    assert!(browser.text().contains("康定仁和药店"), "{}", browser.text());
    fits(&mut browser, "difference");
    browser.touch("[data-act=back]");
    browser.touch("[data-act=open-transactions]");
    browser.until(&on(Place::Transactions));
    assert!(browser.text().contains("+500.00"), "{}", browser.text());
    fits(&mut browser, "transactions");
    browser.touch("[data-act=open-account]");
    browser.until("document.body.innerText.includes('610.00')");
    fits(&mut browser, "account");
    browser.touch("[data-act=complain-1]");
    browser.until(&on(Place::Ticket));
    assert!(browser.text().contains("康定仁和药店") && browser.text().contains("-80.00"), "{}", browser.text());
    fits(&mut browser, "complaint");
    browser.touch("[data-act=back]");
    browser.until("document.body.innerText.includes('610.00')");
    for (function, place) in
        [("insurances", Place::Insurances), ("progress", Place::Progress), ("ticket", Place::Ticket)]
    {
        browser.touch("[data-act=back]");
        browser.touch(&format!("[data-act=open-{function}]"));
        browser.until(&on(place));
        fits(&mut browser, function);
    }
    {
        let books = shop.centre.books();
        let [asked] = books.asked.as_slice() else { panic!("asked once a visit: {}", books.asked.len()) };
        let on_card = asked.on_card.as_ref().expect("what the card says");
        assert_eq!((on_card.balance_fen, asked.pin), (Fen::new(50_000), Pin::Verified));
        // The number of a load is the card's at INITIALIZE: the first.
        assert_eq!(
            on_card.log.iter().map(|one| (one.kind, one.card_sequence)).collect::<Vec<_>>(),
            [(LogKind::Load, 0)]
        );
    }
    browser.touch("[data-act=back]");
    browser.touch("[data-act=open-holder]");
    browser.until(&on(Place::Holder));
    fits(&mut browser, "holder");
    let masked = browser.text();
    assert!(masked.contains("张*") && masked.contains("111111********1110") && !masked.contains("张三"), "{masked}");
    browser.touch("[data-act=reveal]");
    browser.until("document.body.innerText.includes('111111198101011110')");
    let planted = ["张三", "111111198101011110", "500.00", "580.00", "康定仁和药店", cards::PIN];
    // The search finds what is there.
    browser.evaluate("globalThis.kept = document.body.innerText.slice(0); 0");
    assert!(browser.heap().iter().any(|one| one.contains(planted[1])), "the search finds nothing at all");
    browser.evaluate("delete globalThis.kept");

    shop.farm.eject(CARD).expect("a slot");
    browser.until(&on(Place::Welcome));
    let left = browser.evaluate(
        "(async () => ({ html: document.documentElement.outerHTML, cookie: document.cookie, url: location.href, \
         storage: [localStorage.length, sessionStorage.length], caches: (await caches.keys()).length, \
         databases: (await indexedDB.databases()).length, state: history.state, length: history.length, \
         workers: (await navigator.serviceWorker.getRegistrations()).length }))()",
    );
    assert_eq!(left["length"], length);
    for name in ["caches", "databases", "workers"] {
        assert_eq!(left[name], 0, "{name}: {left}");
    }
    assert_eq!((&left["cookie"], &left["storage"]), (&Value::from(""), &serde_json::json!([0, 0])));
    assert!(left["state"].is_null());
    // What the page said of each digit of the PIN: none is left, and the search would find one that is.
    let pressed = |heap: &[String]| -> Vec<String> {
        let is_said =
            |one: &&String| one.split_once(" digit-").is_some_and(|(screen, _)| screen.parse::<u64>().is_ok());
        heap.iter().filter(is_said).cloned().collect()
    };
    browser.evaluate("globalThis.kept = ['12', 'digit-7'].join(' '); kept.charCodeAt(3)");
    assert_eq!(pressed(&browser.heap()), ["12 digit-7"]);
    browser.evaluate("delete globalThis.kept");
    let (html, heap) = (left["html"].as_str().expect("text").to_owned(), browser.heap());
    assert_eq!(pressed(&heap), [] as [String; 0], "digits of the PIN are in the heap");
    for one in planted {
        assert!(!html.contains(one), "{one} is in the page");
        let kept: Vec<&String> = heap.iter().filter(|string| string.contains(one)).collect();
        assert!(kept.is_empty(), "{one} is in the heap: {kept:?}");
    }
    browser.evaluate("setTimeout(() => history.back()); 0");
    browser.until("document.readyState === 'complete'");
    let shown = browser.text();
    assert!(planted.iter().all(|one| !shown.contains(one)), "{shown}");
}

/// What the centre says of the holder: 80.00 more than the card has.
fn page() -> OverviewAnswer {
    let day = |text: &str| BusinessDate::parse(text).expect("a day");
    let item = |kind, fen: i64, institution: Option<&str>| PendingItem {
        kind,
        amount_fen: Fen::new(fen),
        difference_fen: Fen::new(fen),
        date: Some(day("2026-11-20")),
        institution: institution.map(str::to_owned),
    };
    let line = |date: &str, kind, amount: i64, balance: i64, institution: Option<&str>| StatementLine {
        date: day(date),
        kind,
        amount_fen: Fen::new(amount),
        balance_fen: Fen::new(balance),
        institution: institution.map(str::to_owned),
        original: None,
    };
    let insurance = |(at, insurance): (u32, Insurance)| InsuranceLine {
        insurance,
        standing: if at < 3 {
            Standing::Insured
        } else if at == 3 {
            Standing::Suspended
        } else {
            Standing::NoData
        },
        since: (at < 4).then(|| Month::new(2016, 4).expect("a month")),
        months: if at < 4 { 120 - 30 * at } else { 0 },
        as_of: (at < 4).then(|| day("2026-10-31")),
    };
    OverviewAnswer {
        version: Version1,
        status: AnswerStatus::Created,
        card: CardView {
            state: CardState::Normal,
            since: None,
            valid_until: day("2036-01-01"),
            release_on: None,
            blacklisted: false,
            replaced: false,
        },
        new_card: Some(NewCard {
            stage: NewCardStage::Making,
            request: Some(17),
            requested_on: Some(day("2026-11-02")),
            collect_at: Some("康定市政务服务中心".to_owned()),
        }),
        may: vec![SelfService::Certificate, SelfService::ReportLoss],
        account: Some(AccountView {
            card_fen: Fen::new(53_000),
            waiting_fen: Fen::new(5_000),
            under_way_fen: Fen::ZERO,
            former_cards_fen: Fen::ZERO,
            total_fen: Fen::new(58_000),
            pending: vec![
                item(PendingKind::SaleNotUploaded, 3_000, Some("康定仁和药店")),
                item(PendingKind::LoadWaiting, 5_000, None),
            ],
            unexplained_fen: Some(Fen::ZERO),
            lines: vec![
                line("2026-11-20", LineKind::Allotment, 5_000, 58_000, None),
                StatementLine {
                    original: Some(Original {
                        terminal: TerminalNumber([0x51; 6]),
                        terminal_sequence: 4,
                        card_sequence: None,
                    }),
                    ..line("2026-11-12", LineKind::Purchase, -8_000, 53_000, Some("康定仁和药店"))
                },
                line("2026-11-01", LineKind::Allotment, 61_000, 61_000, None),
            ],
        }),
        benefits: Some(Benefits { insurances: (0..).zip(Insurance::ALL).map(insurance).collect() }),
    }
}

#[test]
fn a_loss_is_reported_and_taken_back_a_ticket_gets_its_number_and_an_absent_centre_is_said() {
    let shop = Shop::ready();
    shop.centre.books().page = Some(page());
    let (printer, sheet) = (shop.path("printer"), shop.path("sheet.pdf"));
    std::fs::write(&printer, format!("#!/bin/sh\nexec cat >{}\n", sheet.display())).expect("written");
    std::fs::set_permissions(&printer, std::fs::Permissions::from_mode(0o700)).expect("may be run");
    {
        let (_kiosk, mut browser) = stand(&shop, &["--printer", &printer.display().to_string()]);
        insert(&shop);
        browser.until(&on(Place::Pin));
        enter(&mut browser, cards::PIN);
        browser.touch("[data-act=open-certificate]");
        browser.until(&on(Place::Certificate));
        fits(&mut browser, "certificate");
        browser.touch("[data-act=agree]");
        browser.until("document.body.innerText.includes('证明已打印')");
        fits(&mut browser, "certified");
        let code = CertificateCode::of([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]).to_string();
        assert!(browser.text().contains(&code) && !browser.text().contains("张三"), "{}", browser.text());
        let printed = std::fs::read(&sheet).expect("the printer got it");
        if let Some(folder) = std::env::var_os("KIOSK_LOOK") {
            std::fs::write(std::path::Path::new(&folder).join("certificate.pdf"), &printed).expect("written");
        }
        let has = |needle: &[u8]| printed.windows(needle.len()).any(|window| window == needle);
        // 证 and 张 can be copied out of it: the text stands behind the glyphs.
        assert!(has(b"<8BC1>") && has(b"<5F20>"), "a map back to characters");
        assert!(printed.starts_with(b"%PDF-1.") && printed.len() < 200_000, "{} bytes", printed.len());
        // The centre is told what became of it: what a printer did not take does not count.
        let told = |shop: &Shop, wanted: &[(u64, bool)]| {
            while shop.centre.books().prints != wanted {
                std::thread::yield_now();
            }
        };
        told(&shop, &[(41, true)]);
        std::fs::write(&printer, "#!/bin/sh\nexit 1\n").expect("written");
        browser.touch("[data-act=back]");
        browser.touch("[data-act=open-certificate]");
        browser.until(&on(Place::Certificate));
        browser.touch("[data-act=agree]");
        browser.until("document.body.innerText.includes('打印机没有响应')");
        assert!(browser.text().contains("不计入本月份数"), "{}", browser.text());
        fits(&mut browser, "unprinted");
        told(&shop, &[(41, true), (41, false)]);
        browser.touch("[data-act=back]");
        for said in ["已临时挂失", "已解除挂失"] {
            browser.touch("[data-act=open-loss]");
            browser.until(&on(Place::Loss));
            if said == "已临时挂失" {
                fits(&mut browser, "loss");
            }
            browser.touch("[data-act=agree]");
            browser.until(&format!("document.body.innerText.includes('{said}')"));
            browser.touch("main [data-act=back]");
            browser.until(&on(Place::Home));
        }
        browser.touch("[data-act=open-ticket]");
        browser.touch("[data-act=kind]");
        browser.touch("[data-act=subject-account]");
        browser.until("document.body.innerText.includes('2026001')");
    }
    // The centre is away: what the card says is told, and since when.
    let (_kiosk, mut browser) = stand(&shop, &["--centre", "http://127.0.0.1:1"]);
    insert(&shop);
    browser.until(&on(Place::Pin));
    enter(&mut browser, cards::PIN);
    browser.until("document.body.innerText.includes('中心暂时联系不上')");
    let shown = browser.text();
    assert!(shown.contains("500.00") && shown.contains("上次联系：20") && !shown.contains("580.00"), "{shown}");
    fits(&mut browser, "home-away");
    browser.touch("[data-act=open-insurances]");
    browser.until(&on(Place::Away));
    fits(&mut browser, "away");
    // Asking once more is two screens: that it asks, and that it still has no answer.
    let number = "document.querySelector('[data-screen=away]').dataset.number";
    let before = browser.evaluate(number).as_str().and_then(|text| text.parse::<u64>().ok()).expect("a number");
    browser.touch("[data-act=again]");
    browser.until(&format!("{number} === '{}'", before + 2));
    browser.touch("[data-act=back]");
    browser.touch("[data-act=open-transactions]");
    browser.until(&on(Place::Transactions));
}

#[test]
fn what_the_centre_did_is_said_also_where_the_journal_cannot_note_it() {
    let shop = Shop::ready();
    shop.centre.books().page = Some(page());
    let journal = rusqlite::Connection::open(shop.path("data").join("terminal.db")).expect("the journal");
    journal
        .execute_batch(
            "CREATE TRIGGER no_answer_is_noted BEFORE UPDATE ON letter BEGIN SELECT RAISE(ABORT, 'not written'); END",
        )
        .expect("a trigger");
    drop(journal);
    let (_kiosk, mut browser) = stand(&shop, &[]);
    insert(&shop);
    browser.until(&on(Place::Pin));
    enter(&mut browser, cards::PIN);
    browser.touch("[data-act=open-loss]");
    browser.until(&on(Place::Loss));
    browser.touch("[data-act=agree]");
    browser.until("document.body.innerText.includes('中心和联网的终端拒收此卡')");
    assert_eq!(shop.centre.books().page.as_ref().map(|page| page.card.state), Some(CardState::TemporaryLoss));
}

#[test]
fn each_page_is_left_when_its_time_is_over_and_a_card_that_stays_is_called_for() {
    let shop = Shop::open();
    let texts = shop.path("texts/vacancies");
    std::fs::create_dir_all(&texts).expect("folder");
    for number in 0..7 {
        let text = format!(
            "康定市人民医院招聘护士（第 {number} 号，一年以上经验优先）\n工作地点：康定。\n\n{}",
            "电话联系。".repeat(90)
        );
        std::fs::write(texts.join(format!("{number}.zh.txt")), text).expect("written");
    }
    std::fs::write(texts.join("0.en.txt"), format!("Nurses wanted\nKangding.\n{}", "By telephone. ".repeat(90)))
        .expect("written");
    let (mut kiosk, mut browser) = stand(&shop, &["--pages", &shop.path("texts").display().to_string()]);
    browser.until("document.querySelector('[data-act=titles-vacancies]')");
    fits(&mut browser, "welcome");
    browser.touch("[data-act=titles-vacancies]");
    browser.until(&on(Place::Titles));
    fits(&mut browser, "titles");
    browser.touch("[data-act=text-0]");
    browser.until(&on(Place::Guide));
    fits(&mut browser, "vacancy");
    browser.touch("[data-act=next]");
    browser.until("document.body.innerText.includes('电话联系') && !document.body.innerText.includes('工作地点')");
    browser.touch("[data-act=back]");
    browser.until(&on(Place::Titles));
    browser.touch("[data-act=back]");
    browser.until(&on(Place::Welcome));
    browser.touch("[data-act=guide-1]");
    browser.until(&on(Place::Guide));
    fits(&mut browser, "guide");
    kiosk.over(&mut browser, Place::Guide, Place::Welcome);
    let ways: [(Place, &[&str]); 4] =
        [(Place::Pin, &[]), (Place::Home, &[]), (Place::Holder, &["open-holder"]), (Place::NewPin, &["open-new-pin"])];
    for (place, acts) in ways {
        insert(&shop);
        browser.until(&on(Place::Pin));
        if place != Place::Pin {
            enter(&mut browser, cards::PIN);
            browser.until(&on(Place::Home));
        }
        for act in acts {
            browser.touch(&format!("[data-act={act}]"));
        }
        browser.until(&on(place));
        if place == Place::NewPin {
            fits(&mut browser, "new-pin");
        }
        kiosk.over(&mut browser, place, Place::TakeCard);
        let shown = browser.text();
        assert!(!shown.contains("张") && !shown.contains("0.00"), "{shown}");
        if place == Place::Home {
            fits(&mut browser, "take-card");
            kiosk.pass(Place::TakeCard.limit().expect("limited"));
            browser.until("document.querySelector('.alarm')");
            kiosk.pass(ALARM_EVERY);
        }
        shop.farm.eject(CARD).expect("a slot");
        browser.until(&on(Place::Welcome));
    }
    // Whatever is touched, a visit ends.
    insert(&shop);
    browser.until(&on(Place::Pin));
    for turn in 1..VISIT_LIMIT / 30 {
        kiosk.pass(30);
        // What is touched has reached the kiosk before more time passes: page and clock are two lines to it.
        browser.until("document.querySelector('[data-left]').textContent <= 30");
        browser.touch("[data-act=large]");
        browser.until(&format!("document.querySelector('[data-act=large]').ariaPressed === '{}'", turn % 2 == 1));
        assert_eq!(browser.evaluate(&format!("{} !== null", on(Place::Pin))), true, "after {turn} touches");
    }
    kiosk.pass(30);
    browser.until(&on(Place::TakeCard));
}

#[test]
fn the_keyboard_serves_and_nothing_leaves_the_page() {
    let shop = Shop::open();
    let (_kiosk, mut browser) = stand(&shop, &["--place", "康定市政务服务中心", "--greeting", "བཀྲ་ཤིས་བདེ་ལེགས།"]);
    assert!(browser.text().contains("康定市政务服务中心"));
    // A font of the machine has the script: its letters differ, and a stack is narrower than its letters side by side.
    let widths = browser.evaluate(
        "(() => { const width = (text) => { const one = document.createElement('span'); one.lang = 'bo'; one.textContent = text; \
         one.style.position = 'absolute'; document.body.append(one); const found = one.getBoundingClientRect().width; one.remove(); \
         return found; }; return [width('བཀྲ'), width('བ') + width('ཀ') + width('ར'), width('ཀ'), width('་')]; })()",
    );
    let width = |at: usize| widths[at].as_f64().expect("a width");
    assert!(width(0) < 0.9 * width(1) && width(2) > 1.5 * width(3), "apt-get install fonts-ddc-uchen: {widths}");
    insert(&shop);
    browser.until(&on(Place::Pin));
    for key in ["9", "Backspace"] {
        browser.key(key);
    }
    for (key, modifiers) in [("p", 2), ("l", 2), ("t", 2), ("r", 2), ("ArrowLeft", 1), ("F5", 0), ("F12", 0), ("u", 2)]
    {
        browser.key_with(key, modifiers);
    }
    for _ in 0..40 {
        browser.key("Tab");
        assert_eq!(browser.evaluate("document.activeElement.closest('#stage') !== null"), true);
    }
    browser.evaluate("document.activeElement.blur()");
    for digit in cards::PIN.chars() {
        browser.key(&digit.to_string());
    }
    browser.until("document.querySelector('[data-digits]').dataset.digits === '6'");
    let html = browser.evaluate("document.querySelector('.ask').outerHTML").to_string();
    assert!(!html.contains(cards::PIN), "the page has no digit that was typed");
    browser.key("Enter");
    browser.until(&on(Place::Home));
    for key in ["ArrowDown", "ArrowRight", "Enter"] {
        browser.key(key);
    }
    browser.until("document.querySelector('[data-act=back]')");
    browser.key("Escape");
    browser.until(&on(Place::Home));
    let leaves = "document.querySelectorAll('a, input, textarea, select, form, iframe, object, embed, [contenteditable], [onclick], [style]').length";
    assert_eq!(browser.evaluate(leaves), 0);
    for kind in ["contextmenu", "dragstart", "drop", "selectstart", "copy", "paste", "wheel"] {
        let event = format!(
            "document.querySelector('main').dispatchEvent(new Event('{kind}', {{ bubbles: true, cancelable: true }}))"
        );
        assert_eq!(browser.evaluate(&event), false, "{kind} does what it does elsewhere");
    }
    assert!(browser.asked().is_empty(), "{:?}", browser.asked());
    browser.key("Escape");
    browser.until(&on(Place::TakeCard));
}

#[test]
fn only_the_page_that_was_served_to_this_machine_is_let_in_and_one_at_a_time() {
    let shop = Shop::open();
    let kiosk = Kiosk::start(&shop, &[]);
    let host = kiosk.address.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(&host).expect("it listens");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        // A request without end is not answered at all.
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let get = |path: &str, more: &str| ask(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"));
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let origin = format!("Origin: http://{host}\r\n");
    let page = get("/", "");
    for header in
        ["Cache-Control: no-store", "default-src 'none'", "frame-ancestors 'none'", "Referrer-Policy: no-referrer"]
    {
        assert!(page.contains(header), "{header}");
    }
    let token = page.split("PAGE = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token").to_owned();
    let status = |answer: &str| answer.split(' ').nth(1).unwrap_or_default().to_owned();
    let elsewhere = "GET / HTTP/1.1\r\nHost: kiosk.example\r\n\r\n";
    assert_eq!(status(&ask(elsewhere)), "421");
    assert_eq!(status(&get("/other", "")), "404");
    assert_eq!(status(&ask(&format!("POST / HTTP/1.1\r\nHost: {host}\r\n\r\n"))), "405");
    assert_eq!(status(&ask("rubbish\r\n\r\n")), "400");
    assert_eq!(status(&ask(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(9000)))), "");
    let screen = format!("/screen?{token}");
    for (path, more) in [
        (screen.as_str(), upgrade.to_owned()),
        (&screen, format!("{upgrade}Origin: https://elsewhere.example\r\n")),
        (&screen, format!("{upgrade}Origin: null\r\n")),
        ("/screen?0123", format!("{upgrade}{origin}")),
        ("/screen", format!("{upgrade}{origin}")),
    ] {
        assert_eq!(status(&get(path, &more)), "403", "{path} {more}");
    }
    assert_eq!(status(&get(&screen, &origin)), "426");
    let mut line = TcpStream::connect(&host).expect("it listens");
    line.write_all(format!("GET {screen} HTTP/1.1\r\nHost: {host}\r\n{upgrade}{origin}\r\n").as_bytes()).expect("sent");
    let mut first = [0; 12];
    line.read_exact(&mut first).expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 101");
    assert_eq!(status(&get(&screen, &format!("{upgrade}{origin}"))), "409", "one page at a time");
    for address in ["0.0.0.0:0", "192.0.2.1:12343", "localhost", ""] {
        let ran = shop.run(&["kiosk", "--listen", address]);
        assert_eq!((ran.status, ran.code().as_str()), (9, "LISTEN_FAILED"), "{address:?}");
    }
}
