//! Kiosks: the holder's page over the edge, every item that explains a difference, loss and release without a clerk.

use serde_json::{Value, json};
use settlement::fen::Fen;
use settlement::query::{OverviewAnswer, PendingKind, difference_of};
use settlement::record::{Evidence, Transaction};

use crate::centre::{BATCHES, Card, Centre, LOADS, Terminal, issuer, load, loaded, request};
use crate::decisions::{CONTRADICTED, judged_and_real, upload};
use crate::refunds::refund;
use crate::take_backs::{decided, posted_word};

const HOLDER: &str = "/terminal/v1/holder";
const LOSS: &str = "/terminal/v1/holder/loss";

/// The question of a kiosk with this card in it.
fn question(kiosk: &Terminal, card: &Card, pin: &str, log: &[Value]) -> Value {
    json!({
        "version": 1,
        "terminal": kiosk.number,
        "card_identifier": card.identifier,
        "pin": pin,
        "on_card": { "balance_fen": card.balance, "log": log },
    })
}

fn logged(kind: &str, sequence: u16, amount: u32, terminal: &Terminal) -> Value {
    json!({ "kind": kind, "card_sequence": sequence, "amount_fen": amount, "terminal": terminal.number,
            "date_time": "20260301120000" })
}

/// The page, after its own sums were checked: total is what its parts are, and the items with what they leave are the difference.
fn page(kiosk: &mut Terminal, card: &Card, log: &[Value]) -> OverviewAnswer {
    let body = question(kiosk, card, "verified", log);
    let (status, answer) = kiosk.ask(HOLDER, body);
    assert_eq!(status, 200, "{answer}");
    let page: OverviewAnswer = serde_json::from_value(answer).expect("a page");
    let account = page.account.as_ref().expect("with a PIN");
    let parts = [account.card_fen, account.waiting_fen, account.under_way_fen, account.former_cards_fen];
    assert_eq!(Fen::sum(parts), Ok(account.total_fen));
    let left = difference_of(account.total_fen, Fen::from_card(card.balance), &account.pending);
    assert_eq!(left.ok(), account.unexplained_fen);
    assert_eq!(account.lines.first().map_or(Fen::ZERO, |line| line.balance_fen), account.total_fen, "lines add up");
    page
}

/// Kinds with their part of the difference, and what is left.
fn items(page: &OverviewAnswer) -> (Vec<(PendingKind, i64)>, i64) {
    let account = page.account.as_ref().expect("with a PIN");
    let items = account.pending.iter().map(|item| (item.kind, item.difference_fen.get())).collect();
    (items, account.unexplained_fen.expect("the card told its balance").get())
}

#[test]
fn every_item_that_only_one_side_knows_is_named_and_what_is_left_is_said() {
    let (mut centre, mut shop, mut card) = loaded();
    let mut kiosk = centre.kiosk(2);
    assert_eq!(items(&page(&mut kiosk, &card, &[])), (vec![], 0), "card and centre agree");

    // A purchase that its terminal keeps, one that came without a proof, one that the centre did not take.
    let today = centre.today();
    let kept = card.purchase(&mut shop, today, [3_000, 0, 0]);
    let log = [logged("purchase", 0, 3_000, &shop), logged("load", 0, 50_000, &shop)];
    let told = page(&mut kiosk, &card, &log);
    assert_eq!(items(&told), (vec![(PendingKind::SaleNotUploaded, 3_000)], 0));
    let item = told.account.expect("with a PIN").pending.remove(0);
    assert_eq!(
        (item.institution.as_deref(), item.date.map(|day| day.to_string()).as_deref()),
        (Some("样例药店"), Some("2026-03-01"))
    );
    let body = shop.seal(vec![kept]);
    assert_eq!(shop.send(BATCHES, &body).0, 200);
    assert_eq!(items(&page(&mut kiosk, &card, &log)), (vec![], 0), "uploaded and posted");
    let mut held = card.purchase(&mut shop, today, [500, 0, 0]);
    held.evidence = Evidence::LogOnly;
    let mut forged = card.purchase(&mut shop, today, [700, 0, 0]);
    forged.journal_sequence += 1;
    forged.evidence = Evidence::Answered { tac: settlement::id::Tac([0; 4]), number: None };
    let body = shop.seal(vec![held, forged]);
    assert_eq!(shop.send(BATCHES, &body).0, 200);
    let unposted = PendingKind::SaleNotPosted;
    assert_eq!(items(&page(&mut kiosk, &card, &[])), (vec![(unposted, 500)], 700), "only the card knows the other one");
    let log = [logged("purchase", 2, 700, &shop), logged("purchase", 1, 500, &shop)];
    assert_eq!(items(&page(&mut kiosk, &card, &log)), (vec![(unposted, 700), (unposted, 500)], 0));

    // Money that waits, then a load that the card took and nobody proved.
    centre.allot(1, "100");
    let waiting = (PendingKind::LoadWaiting, 10_000);
    assert_eq!(items(&page(&mut kiosk, &card, &log)).0.last(), Some(&waiting));
    let body = card.init_load(&shop, 2, 10_000);
    let (_, answer) = shop.ask(LOADS, body);
    let under_way = (PendingKind::LoadUnderWay, 10_000);
    assert_eq!(items(&page(&mut kiosk, &card, &log)), (vec![(unposted, 700), (unposted, 500), under_way], 0));
    card.credit(&shop, 2, 10_000, &answer);
    let shown = [logged("load", 1, 10_000, &shop), log[0].clone(), log[1].clone()];
    let unconfirmed = (PendingKind::LoadUnconfirmed, 0);
    assert_eq!(items(&page(&mut kiosk, &card, &shown)), (vec![(unposted, 700), (unposted, 500), unconfirmed], 0));

    let long: Vec<Value> = (0..65).map(|n| logged("purchase", n, 1, &shop)).collect();
    let body = question(&kiosk, &card, "verified", &long);
    assert_eq!(kiosk.ask(HOLDER, body).1["code"], "MESSAGE_MALFORMED");
    centre.stop_server();
}

#[test]
fn money_of_a_former_card_is_told_and_its_lines_stay_in_the_account() {
    let (centre, mut shop, mut card) = loaded();
    let mut kiosk = centre.kiosk(2);
    let sold = card.purchase(&mut shop, centre.today(), [1_234, 0, 0]);
    assert!(matches!(sold.transaction, Transaction::Purchase { .. }));
    let body = shop.seal(vec![sold]);
    assert_eq!(shop.send(BATCHES, &body).0, 200);
    // Card 2 takes the place of card 1.
    centre.ask("UPDATE card SET state = 'cancelled' WHERE job = 1").expect("moved");
    centre.ask("UPDATE card SET person = 1 WHERE job = 2").expect("moved");
    let new = centre.card(2);
    let told = page(&mut kiosk, &new, &[]);
    assert_eq!(items(&told), (vec![(PendingKind::FormerCard, 48_766)], 0));
    let account = told.account.expect("with a PIN");
    let lines: Vec<_> =
        account.lines.iter().map(|line| (line.kind, line.amount_fen.get(), line.balance_fen.get())).collect();
    use settlement::query::LineKind::{Allotment, Load, Purchase};
    assert_eq!(lines, [(Purchase, -1_234, 48_766), (Load, 50_000, 50_000), (Allotment, 50_000, 50_000)]);
    let line = account.lines.first().expect("the purchase");
    assert_eq!(line.institution.as_deref(), Some("样例药店"));
    assert_eq!(line.original.map(|of| (of.terminal, of.terminal_sequence)), Some((shop.number, 1)));
}

#[test]
fn only_a_kiosk_is_told_and_nothing_about_money_without_a_pin() {
    let (centre, mut shop, card) = loaded();
    let body = question(&shop, &card, "verified", &[]);
    let (status, answer) = shop.ask(HOLDER, body);
    assert_eq!((status, &answer["code"]), (403, &json!("TERMINAL_NOT_KIOSK")));
    let mut kiosk = centre.kiosk(2);
    let body = question(&kiosk, &card, "not_verified", &[]);
    let text = kiosk.numbered(body);
    let (status, answer) = kiosk.send(HOLDER, &text);
    assert_eq!((status, &answer["card"]["state"]), (200, &json!("normal")));
    assert!(answer.get("account").is_none() && answer.get("benefits").is_none(), "{answer}");
    assert_eq!(answer["may"], json!(["report_loss"]));
    let (status, again) = kiosk.send(HOLDER, &text);
    assert_eq!(
        (status, &again["code"]),
        (409, &json!("REQUEST_ID_REUSED")),
        "nobody gets an answer by a letter overheard"
    );
    assert_eq!(
        centre.ask("SELECT DISTINCT body || answer FROM terminal_request WHERE path = '/terminal/v1/holder'"),
        Ok(vec![vec![String::new()]])
    );
    let mut stranger = question(&kiosk, &card, "verified", &[]);
    stranger["card_identifier"] = json!("513300D15600000500000077000000FF");
    assert_eq!(kiosk.ask(HOLDER, stranger).1["code"], "CARD_UNKNOWN");
    // Who looked, through what and at whom is on record; what was seen is not.
    let records = centre.ask("SELECT actor, object, detail FROM audit WHERE act = 'query.holder'").expect("rows");
    let actor = format!("terminal:{}", kiosk.number);
    assert_eq!(records, [[actor, "person 1".to_owned(), "channel=kiosk, card A00000001: card, progress".to_owned()]]);
}

#[test]
fn a_holder_reports_a_loss_and_takes_it_back_with_a_pin_of_their_own() {
    let (mut centre, mut shop, mut card) = loaded();
    let mut kiosk = centre.kiosk(2);
    let body = |kiosk: &Terminal, card: &Card, pin: &str, act: &str| json!({ "version": 1, "terminal": kiosk.number, "card_identifier": card.identifier, "pin": pin, "act": act });
    for pin in ["not_verified", "initial"] {
        let asked = body(&kiosk, &card, pin, "report");
        let (status, answer) = kiosk.ask(LOSS, asked);
        assert_eq!((status, &answer["code"]), (403, &json!("PIN_NOT_VERIFIED")), "{pin}");
    }
    let early = body(&kiosk, &card, "verified", "release");
    let (status, answer) = kiosk.ask(LOSS, early);
    assert_eq!((status, &answer["code"]), (409, &json!("SELF_SERVICE_REFUSED")), "it is not lost");
    let text = {
        let asked = body(&kiosk, &card, "verified", "report");
        kiosk.numbered(asked)
    };
    let (status, lost) = kiosk.send(LOSS, &text);
    assert_eq!(
        (status, &lost["card"]["state"], &lost["may"]),
        (200, &json!("temporary_loss"), &json!(["release"])),
        "{lost}"
    );
    assert!(lost["card"]["release_on"].is_string() && lost["card"]["blacklisted"] == json!(true));
    let (_, again) = kiosk.send(LOSS, &text);
    assert_eq!((&again["status"], &again["card"]), (&json!("exists"), &lost["card"]));
    let init = card.init_load(&shop, 2, 1);
    assert_eq!(shop.ask(LOADS, init).1["code"], "CARD_NOT_ACTIVE", "no terminal gives it money");
    let moves = centre.ok("ma", &["card", "history", "A00000001"]);
    let last = &moves["moves"][0];
    assert_eq!(
        (&last["step"], &last["operator"]),
        (&json!("report-temporary"), &json!(format!("terminal:{}", kiosk.number)))
    );
    let release = body(&kiosk, &card, "verified", "release");
    let (status, back) = kiosk.ask(LOSS, release);
    assert_eq!((status, &back["card"]["state"], &back["card"]["blacklisted"]), (200, &json!("normal"), &json!(false)));
    centre.allot(1, "1");
    load(&mut shop, &mut card, 3, 100);

    // A site may keep it for its clerks.
    centre.configure("[life]\nself_service = []\n");
    centre.stop_server();
    centre.serve();
    kiosk.port = centre.port();
    let asked = body(&kiosk, &card, "verified", "report");
    assert_eq!(kiosk.ask(LOSS, asked).1["code"], "SELF_SERVICE_REFUSED");
    let shown = question(&kiosk, &card, "verified", &[]);
    assert_eq!(kiosk.ask(HOLDER, shown).1["may"], json!([]));
}

const CERTIFICATE: &str = "/terminal/v1/holder/certificate";
const PRINT: &str = "/terminal/v1/holder/certificate/print";
const TICKET: &str = "/terminal/v1/holder/ticket";
/// An invented number with a right check character.
const NUMBER: &str = "513301199001010013";

/// A centre that serves one registered holder with a card and two months of medical contributions.
fn insured() -> Centre {
    let mut centre = Centre::with_cards(0);
    centre.ok("local", &["operator", "add", "ka", "--role", "capture", "--role", "counter"]);
    let file = |name: &str, text: String| {
        let path = centre.data().join(name);
        std::fs::write(&path, text).expect("file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let people = file("people.csv", format!("身份证号,姓名,性别,民族,行政区划代码\n{NUMBER},扎西,男,藏族,513301\n"));
    centre.ok("ka", &["import", &people]);
    let row = |month: &str| format!("{NUMBER},310,{month},5000,400,100\n");
    let header = "社会保障号码,险种类型,费款所属期,缴费基数,单位缴费,个人缴费\n";
    let paid = file("paid.csv", [header, &row("202602"), &row("202603")].concat());
    centre.ok("ka", &["benefit", "import", &paid, "--as-of", "2026-03-31"]);
    centre.add_card(1);
    let guides = centre.data().join("public/guides");
    std::fs::create_dir_all(&guides).expect("folder");
    std::fs::write(guides.join("lost.zh.txt"), "怎样挂失\n到自助终端。").expect("page");
    centre.serve();
    centre
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

#[test]
fn a_certificate_is_printed_three_times_a_month_and_checked_line_by_line() {
    let centre = insured();
    let mut kiosk = centre.kiosk(2);
    let card = centre.card(1);
    let shown = question(&kiosk, &card, "initial", &[]);
    let (status, page) = kiosk.ask(HOLDER, shown);
    assert_eq!(status, 200, "{page}");
    let told: Vec<_> = page["benefits"]["insurances"]
        .as_array()
        .expect("five")
        .iter()
        .map(|line| (&line["insurance"], &line["standing"], &line["since"]))
        .collect();
    let (not, none) = (json!("no_data"), Value::Null);
    let codes = ["110", "310", "210", "410", "510"].map(|code| json!(code));
    let (insured, since) = (json!("insured"), json!("2026-02"));
    assert_eq!(
        told,
        [
            (&codes[0], &not, &none),
            (&codes[1], &insured, &since),
            (&codes[2], &not, &none),
            (&codes[3], &not, &none),
            (&codes[4], &not, &none)
        ]
    );
    assert_eq!(page["may"], json!([]), "an initial PIN is changed first");
    let shown = question(&kiosk, &card, "verified", &[]);
    assert_eq!(kiosk.ask(HOLDER, shown).1["may"], json!(["report_loss", "certificate"]));

    let body = |kiosk: &Terminal, pin: &str| json!({ "version": 1, "terminal": kiosk.number, "card_identifier": card.identifier, "pin": pin });
    let asked = body(&kiosk, "initial");
    assert_eq!(code(&kiosk.ask(CERTIFICATE, asked)), (403, "PIN_NOT_VERIFIED"));
    let text = {
        let asked = body(&kiosk, "verified");
        kiosk.numbered(asked)
    };
    let (status, first) = kiosk.send(CERTIFICATE, &text);
    assert_eq!((status, &first["number"], &first["left_this_month"]), (200, &json!(1), &json!(2)), "{first}");
    assert_eq!(
        (&first["name"], &first["citizen_number"], &first["city"]),
        (&json!("扎西"), &json!(NUMBER), &json!("513300"))
    );
    let medical = &first["insurances"][0];
    assert_eq!(
        (&medical["insurance"], &medical["first"], &medical["last"], &medical["months"], &medical["as_of"]),
        (&json!("310"), &json!("2026-02"), &json!("2026-03"), &json!(2), &json!("2026-03-31"))
    );
    assert_eq!(first["insurances"].as_array().map(Vec::len), Some(1), "nothing is certified of which nothing is known");
    let (_, again) = kiosk.send(CERTIFICATE, &text);
    assert_eq!((&again["status"], &again["code"], &again["number"]), (&json!("exists"), &first["code"], &json!(1)));
    for _ in 0..2 {
        let asked = body(&kiosk, "verified");
        assert_eq!(kiosk.ask(CERTIFICATE, asked).0, 200);
    }
    let asked = body(&kiosk, "verified");
    assert_eq!(code(&kiosk.ask(CERTIFICATE, asked)), (409, "CERTIFICATE_LIMIT"));
    let shown = question(&kiosk, &card, "verified", &[]);
    assert_eq!(kiosk.ask(HOLDER, shown).1["may"], json!(["report_loss"]));

    // What a printer did not take does not count; what it took does, and nobody speaks of another kiosk's certificates.
    let print = |kiosk: &Terminal, number: u64, printed: bool| json!({ "version": 1, "terminal": kiosk.number, "number": number, "printed": printed });
    let mut other = centre.kiosk(3);
    let told = print(&other, 3, false);
    assert_eq!(code(&other.ask(PRINT, told)), (409, "SELF_SERVICE_REFUSED"));
    let told = print(&kiosk, 9, false);
    assert_eq!(code(&kiosk.ask(PRINT, told)), (409, "SELF_SERVICE_REFUSED"));
    let told = print(&kiosk, 2, true);
    assert_eq!(kiosk.ask(PRINT, told), (200, json!({ "version": 1, "status": "created" })));
    let asked = body(&kiosk, "verified");
    assert_eq!(code(&kiosk.ask(CERTIFICATE, asked)), (409, "CERTIFICATE_LIMIT"));
    let told = print(&kiosk, 3, false);
    let told = kiosk.numbered(told);
    assert_eq!(kiosk.send(PRINT, &told).1["status"], "created");
    assert_eq!(kiosk.send(PRINT, &told).1["status"], "exists", "told once");
    let asked = body(&kiosk, "verified");
    let (status, fourth) = kiosk.ask(CERTIFICATE, asked);
    assert_eq!((status, &fourth["number"], &fourth["left_this_month"]), (200, &json!(4), &json!(0)), "{fourth}");
    let asked = body(&kiosk, "verified");
    assert_eq!(code(&kiosk.ask(CERTIFICATE, asked)), (409, "CERTIFICATE_LIMIT"));
    let rows =
        centre.ask("SELECT number, printed, unprinted FROM participation_certificate ORDER BY number").expect("rows");
    assert_eq!(rows, [["1", "0", "0"], ["2", "1", "0"], ["3", "0", "1"], ["4", "0", "0"]]);
    let acts = centre.ask("SELECT detail FROM audit WHERE act = 'certificate.print' ORDER BY sequence").expect("rows");
    assert!(
        acts.len() == 2
            && acts[0][0].contains("certificate 2 printed")
            && acts[1][0].contains("certificate 3 not printed"),
        "{acts:?}"
    );
    // What a counter made takes nothing of what a kiosk may.
    centre
        .ask("UPDATE participation_certificate SET channel = 'counter' WHERE number = 4 RETURNING number")
        .expect("rows");
    let asked = body(&kiosk, "verified");
    let (status, fifth) = kiosk.ask(CERTIFICATE, asked);
    assert_eq!((status, &fifth["number"], &fifth["left_this_month"]), (200, &json!(5), &json!(0)), "{fifth}");
    let asked = body(&kiosk, "verified");
    assert_eq!(code(&kiosk.ask(CERTIFICATE, asked)), (409, "CERTIFICATE_LIMIT"));
    // What was printed stands nowhere in the open.
    let path = format!("SELECT body || answer FROM terminal_request WHERE path = '{CERTIFICATE}'");
    assert!(centre.ask(&path).expect("rows").concat().concat().is_empty());

    let get = |path: &str, accept: &str| {
        let (status, body) = request(centre.port(), "GET", path, &[("accept", accept.to_owned())], b"");
        (status, String::from_utf8(body).expect("UTF-8"))
    };
    let printed = first["code"].as_str().expect("a code");
    let (status, genuine) = get(&format!("/certificate/{printed}"), "application/json");
    assert_eq!(status, 200);
    let genuine: Value = serde_json::from_str(&genuine).expect("JSON");
    assert_eq!(
        (&genuine["verdict"], &genuine["number"], &genuine["certified"]["citizen_number"]),
        (&json!("genuine"), &json!(1), &json!("**************0013"))
    );
    // Whoever alters name, standing or months of a print is found out by the check.
    let certified = &genuine["certified"];
    assert_eq!((&certified["name"], &certified["insurances"]), (&json!("扎*"), &first["insurances"]));
    let (status, page) = get(&format!("/CERTIFICATE/{}", printed.replace('-', "").to_lowercase()), "text/html");
    assert!(status == 200 && page.contains("本中心出具的参保证明"), "{page}");
    assert!(page.contains("参保缴费 2026-02 – 2026-03，共 2 个月（数据截至 2026-03-31）"), "{page}");
    for secret in ["扎西", NUMBER, "513301", "19900101"] {
        assert!(!page.contains(secret) && !genuine.to_string().contains(secret), "{secret}");
    }
    assert_eq!(get("/certificate/0000-0000-0000-0000", "text/html").0, 404);
    assert_eq!(get("/certificate/x", "text/html").0, 404);
    let (status, pages) = get("/public/pages", "application/json");
    assert_eq!((status, pages.contains("怎样挂失")), (200, true), "{pages}");
}

#[test]
fn each_insurance_stands_by_data_of_its_own_and_an_import_is_taken_back() {
    let centre = insured();
    let import = |rows: &str, as_of: &str| {
        let path = centre.data().join("more.csv");
        let header = "社会保障号码,险种类型,费款所属期,缴费基数,单位缴费,个人缴费\n";
        std::fs::write(&path, format!("{header}{rows}")).expect("file");
        let path = path.to_str().expect("UTF-8");
        centre.run("ka", &["benefit", "import", path, "--as-of", as_of, "--replace"])
    };
    let told = || {
        let answer = centre.ok("ka", &["query", "insurance", "--person", "1"]);
        let lines = answer["benefits"]["insurances"].as_array().expect("five").clone();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        lines
            .iter()
            .map(|line| format!("{} {} {}", text(&line["insurance"]), text(&line["standing"]), text(&line["as_of"])))
            .collect::<Vec<_>>()
    };
    let row = |insurance: &str, month: &str, base: u32| format!("{NUMBER},{insurance},{month},{base},400,100\n");
    // The pension agency's data end earlier than the medical agency's: nobody is suspended by the other's file.
    assert_eq!(import(&row("110", "202509", 5000), "2025-09-30").status.code(), Some(0));
    let both = ["110 insured 2025-09-30", "310 insured 2026-03-31", "210 no_data -", "410 no_data -", "510 no_data -"];
    assert_eq!(told(), both);
    // A file with a header alone says nothing of anybody; a day that has not come is a mistake.
    assert_eq!(import("", "2026-03-01").status.code(), Some(0));
    assert_eq!(told(), both);
    let ahead = import(&row("110", "202509", 5000), "2036-12-31");
    assert_eq!(ahead.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ahead.stderr).contains("BENEFIT_DAY_AHEAD"));
    // What a file said is taken back, the newest first; what it corrected stands again.
    let bases =
        || centre.ask("SELECT insurance, base_fen FROM contribution WHERE month = '2026-02' ORDER BY 1").expect("rows");
    let before = bases();
    assert_eq!(
        import(&(row("310", "202602", 6000) + &row("210", "202602", 100_000)), "2026-03-01").status.code(),
        Some(0)
    );
    assert_ne!(bases(), before);
    let listed = centre.ok("ka", &["benefit", "list"])["imports"].as_array().expect("imports").clone();
    let numbers: Vec<String> = listed.iter().map(|import| import["number"].to_string()).collect();
    let back = |number: &str| centre.run("ka", &["benefit", "take-back", number]);
    let early = back(&numbers[1]);
    assert_eq!(early.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&early.stderr).contains("BENEFIT_IMPORT_NOT_NEWEST"));
    assert_eq!(centre.ok("ka", &["benefit", "take-back", &numbers[0]])["restored"], json!(1));
    assert_eq!((told(), bases()), (both.map(str::to_owned).to_vec(), before));
    assert_eq!(back(&numbers[0]).status.code(), Some(2), "once");
}

#[test]
fn a_sale_that_comes_late_stands_at_its_day_and_every_part_of_the_account_adds_up() {
    let centre = insured();
    let (mut shop, mut card) = (centre.terminal(1), centre.card(1));
    centre.allot(1, "500");
    load(&mut shop, &mut card, 1, 50_000);
    centre
        .ask("INSERT INTO clearing_window (business_date, state, opened_at) VALUES ('2026-02-28', 'OPEN', '-')")
        .expect("open");
    let yesterday = settlement::date::BusinessDate::parse("2026-02-28").expect("a day");
    let sold = card.purchase(&mut shop, yesterday, [3_000, 0, 0]);
    let body = shop.seal(vec![sold]);
    assert_eq!(shop.send(BATCHES, &body).1["refused"], json!([]));
    let account = |more: &[&str]| {
        let answer = centre.ok("ka", &[&["query", "account", "--card", "A00000001"], more].concat());
        ["opening_fen", "spend_fen", "closing_fen"].map(|name| answer["account"][name].as_i64().expect("fen"))
    };
    assert_eq!(account(&[]), [0, 3_000, 47_000]);
    assert_eq!(account(&["--from", "2026-03-01"]), [-3_000, 0, 47_000]);
    assert_eq!(account(&["--to", "2026-02-28"]), [0, 3_000, -3_000]);
    let mut kiosk = centre.kiosk(2);
    let dates: Vec<_> = page(&mut kiosk, &card, &[])
        .account
        .expect("with a PIN")
        .lines
        .iter()
        .map(|line| line.date.to_string())
        .collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older), "{dates:?}");
}

#[test]
fn a_ticket_is_taken_in_once_answered_and_closed_and_its_words_stand_nowhere_in_the_open() {
    let centre = insured();
    let mut shop = centre.terminal(1);
    let mut kiosk = centre.kiosk(2);
    let mut card = centre.card(1);
    centre.allot(1, "10");
    load(&mut shop, &mut card, 1, 1_000);
    let sold = card.purchase(&mut shop, centre.today(), [300, 0, 0]);
    let sold_as = sold.card_sequence;
    let body = shop.seal(vec![sold]);
    assert_eq!(shop.send(BATCHES, &body).0, 200);
    let said = "价格与公示不符";
    let ticket = json!({
        "version": 1, "terminal": kiosk.number, "card_identifier": card.identifier, "kind": "complaint",
        "subject": "transaction", "about": { "terminal": shop.number, "terminal_sequence": 1 }, "text": said,
    });
    let text = kiosk.numbered(ticket.clone());
    let (status, answer) = kiosk.send(TICKET, &text);
    assert_eq!((status, &answer["status"], &answer["number"]), (200, &json!("created"), &json!(1)), "{answer}");
    assert_eq!(kiosk.send(TICKET, &text).1["status"], json!("exists"));
    let mut unknown = ticket;
    unknown["about"]["terminal_sequence"] = json!(2);
    assert_eq!(code(&kiosk.ask(TICKET, unknown)), (404, "TRANSACTION_UNKNOWN"));

    let listed = centre.ok("ka", &["ticket", "list", "--state", "open"]);
    let found = &listed["tickets"][0];
    assert_eq!(
        (&found["institution"], &found["channel"], &found["person"]),
        (&json!("P51330100001"), &json!("kiosk"), &json!(1))
    );
    assert_eq!(found["about"]["card_sequence"], json!(sold_as), "as on its paper");
    assert_eq!(listed["tickets"].as_array().map(Vec::len), Some(1));
    let add = ["ticket", "add", "--kind", "suggestion", "--subject", "service", "--channel", "agent"];
    assert_eq!(centre.told("ka", &add, "延长服务时间").status.code(), Some(0));
    assert_eq!(centre.told("ka", &add, " ").status.code(), Some(1), "no words");
    assert_eq!(centre.told("ma", &add, "x").status.code(), Some(3), "no role");
    assert_eq!(centre.told("ka", &["ticket", "close", "1"], "").status.code(), Some(1), "an open one needs a reason");
    assert_eq!(centre.told("ka", &["ticket", "answer", "1"], "已核查，已退差价").status.code(), Some(0));
    let shown = centre.ok("ka", &["ticket", "show", "1"]);
    assert_eq!((&shown["state"], &shown["entries"][0]["text"]), (&json!("answered"), &json!(said)));
    assert_eq!(shown["entries"][1]["side"], json!("office"));
    centre.ok("ka", &["ticket", "close", "1", "--silent"]);
    assert_eq!(centre.run("ka", &["ticket", "close", "1", "--silent"]).status.code(), Some(3), "it is closed");
    assert_eq!(centre.run("ka", &["ticket", "show", "9"]).status.code(), Some(2));
    // Words and prints open under new data keys too.
    centre.ok("local", &["operator", "add", "ke", "--role", "keys"]);
    centre.ok("ke", &["key", "rotate-data"]);
    assert_eq!(centre.ok("ka", &["ticket", "show", "1"])["entries"][0]["text"], json!(said));
    let everything = centre.ask("SELECT object || detail FROM audit").expect("rows").concat().concat()
        + &centre.ask("SELECT body || answer FROM terminal_request").expect("rows").concat().concat();
    assert!(!everything.contains("公示"), "words of a ticket");
    assert!(everything.contains("channel=kiosk, complaint about transaction, by person 1"), "{everything}");
}

#[test]
fn one_model_answers_clerk_and_telephone_masked_and_every_question_is_on_record() {
    let centre = insured();
    let mut shop = centre.terminal(1);
    let mut card = centre.card(1);
    centre.allot(1, "10");
    load(&mut shop, &mut card, 1, 1_000);
    let sold = card.purchase(&mut shop, centre.today(), [300, 0, 0]);
    let body = shop.seal(vec![sold]);
    assert_eq!(shop.send(BATCHES, &body).0, 200);
    let person = centre.ok("ka", &["query", "person", "--card", "A00000001"]);
    assert_eq!(
        (&person["number"], &person["name"], &person["masked"]),
        (&json!("51**************13"), &json!("扎*"), &json!(true))
    );
    assert_eq!(person["cards"][0]["state"], json!("normal"));
    let account = centre.ok("ka", &["query", "account", "--person", "1"])["account"].clone();
    let parts =
        ["opening_fen", "interest_fen", "spend_fen", "closing_fen"].map(|name| account[name].as_i64().expect("fen"));
    assert_eq!((parts, &account["inflow"][0]["amount_fen"]), ([0, 0, 300, 700], &json!(1_000)));
    // On paper the amounts lead from each balance to the next: a load moves nothing in or out.
    let page = issuer(&centre.data(), &["--operator", "ka", "query", "account", "--person", "1"]).stdout;
    let page = String::from_utf8_lossy(&page).into_owned();
    let lines: Vec<Vec<&str>> = page
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|words: &Vec<&str>| words.len() > 3)
        .collect();
    let shown = |word: &str| {
        lines.iter().find(|words| words.contains(&word)).expect("a line").get(1..3).expect("sums").to_vec()
    };
    assert_eq!(shown("loaded"), ["-", "10.00"], "{page}");
    assert_eq!(
        (shown("purchase"), page.contains("loaded onto the card 10.00")),
        (vec!["-3.00", "7.00"], true),
        "{page}"
    );
    let open = centre.ok("ka", &["query", "person", "--person", "1", "--reveal", "--reason", "asked in writing"]);
    assert_eq!(open["number"], json!(NUMBER));
    assert_eq!(centre.run("ka", &["query", "person", "--person", "1", "--reveal"]).status.code(), Some(1), "no reason");
    assert_eq!(centre.run("ma", &["query", "person", "--person", "1"]).status.code(), Some(3), "no role");
    assert_eq!(centre.run("ka", &["query", "card", "--person", "9"]).status.code(), Some(2));
    // Who looks for somebody and finds nobody is on record as well.
    let lost = ["query", "person", "--by-number"];
    assert_eq!(centre.told("ka", &lost, "513301199001010021").status.code(), Some(2));
    assert_eq!(centre.run("ka", &["query", "card", "--card", "A99999999"]).status.code(), Some(2));
    let looks = "SELECT actor, act, detail FROM audit WHERE object = 'people' ORDER BY sequence";
    let found = "channel=counter, 0 found";
    assert_eq!(centre.ask(looks).expect("rows"), [["ka", "query.person", found], ["ka", "query.card", found]]);

    // The telephone: number and password of the person, five tries.
    let secret = |digits: &str| {
        let path = centre.data().join("digits");
        std::fs::write(&path, digits).expect("file");
        format!("file:{}", path.display())
    };
    let set = |digits: &str| {
        centre.run("ka", &["query", "password", "--person", "1", "--query-password", &secret(digits)]).status.code()
    };
    assert_eq!((set("123456"), set("010013"), set("830512")), (Some(1), Some(1), Some(0)));
    let call = |digits: &str, number: &str| {
        let source = secret(digits);
        let line = ["query", "account", "--by-number", "--channel", "voice", "--query-password", &source];
        let output = centre.told("ka", &line, number);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(call("830512", NUMBER).0, Some(0));
    assert_eq!(call("830512", "513301199001010021").0, Some(6), "a stranger's number");
    assert_eq!(centre.run("ka", &["query", "account", "--person", "1", "--channel", "voice"]).status.code(), Some(1));
    for _ in 0..4 {
        let (status, told) = call("830513", NUMBER);
        assert!(status == Some(6) && told.contains("QUERY_PASSWORD_WRONG"), "{told}");
    }
    // Locked, also for the right one; what is said is what is said of a number that nobody has.
    for (digits, number) in [("830513", NUMBER), ("830512", NUMBER), ("830512", "513301199001010021")] {
        let (status, told) = call(digits, number);
        assert!(status == Some(6) && told.contains("QUERY_PASSWORD_WRONG") && !told.contains("LOCKED"), "{told}");
    }
    let tries = "SELECT detail FROM audit WHERE act = 'query.password' AND object = 'people'";
    assert_eq!(centre.ask(tries).expect("rows"), [["channel=voice, wrong"], ["channel=voice, wrong"]]);
    let tries = "SELECT detail FROM audit WHERE act = 'query.password' AND detail LIKE '%locked' ORDER BY sequence";
    let told = [["channel=voice, wrong, locked"], ["channel=voice, locked"]];
    assert_eq!(centre.ask(tries).expect("rows"), told);
    assert_eq!(set("830599"), Some(0), "another one at the counter opens it");
    assert_eq!(call("830599", NUMBER).0, Some(0));
    let records =
        centre.ask("SELECT detail FROM audit WHERE act LIKE 'query.%' ORDER BY sequence").expect("rows").concat();
    assert!(
        records.contains(&"channel=voice, masked".to_owned())
            && records.contains(&"channel=counter, unmasked: asked in writing".to_owned()),
        "{records:?}"
    );
    assert!(!records.concat().contains(NUMBER) && !records.concat().contains("8305"));
}

#[test]
fn what_is_looked_into_is_not_called_unsent_once_the_word_of_its_number_is_taken_back() {
    let (mut centre, mut shop, mut card) = loaded();
    let mut kiosk = centre.kiosk(2);
    let [word, mut real] = judged_and_real(&centre, &mut shop, &mut card);
    let (place, _) = upload(&mut shop, word);
    decided(&centre, &place, "--post");
    real.journal_sequence = shop.chain.next_record;
    let log = [logged("purchase", real.card_sequence, 500, &shop)];
    assert_eq!(upload(&mut shop, real).1, ["DUPLICATE_CARD_SEQUENCE"]);
    decided(&centre, &place, "--take-back");
    assert_eq!(items(&page(&mut kiosk, &card, &log)), (vec![(PendingKind::SaleNotPosted, 500)], 0));
    centre.stop_server();
}

#[test]
fn who_owes_is_told_so_and_what_was_taken_back_is_named_and_neither_spent_nor_income() {
    use settlement::query::LineKind::{Allotment, Load, Purchase, Refund, TakenBack};
    let (mut centre, mut shop, mut card) = loaded();
    let mut kiosk = centre.kiosk(2);
    let (place, word) = posted_word(&centre, &mut shop, &mut card);
    refund(&mut shop, &mut card, 2, 1, [234, 100, 100]);
    assert_eq!(shop.ask(CONTRADICTED, word).0, 200);
    decided(&centre, &place, "--take-back");
    let told = page(&mut kiosk, &card, &[]);
    assert_eq!(items(&told), (vec![(PendingKind::Owed, -234)], 0));
    let account = told.account.expect("with a PIN");
    let lines: Vec<_> = account.lines.iter().map(|line| (line.kind, line.amount_fen.get())).collect();
    let expected =
        [(Refund, -234), (TakenBack, 1_234), (Refund, 234), (Purchase, -1_234), (Load, 50_000), (Allotment, 50_000)];
    assert_eq!(lines, expected);
    for line in account.lines.iter().take(4) {
        assert_eq!(line.institution.as_deref(), Some("样例药店"));
        assert_eq!(line.original.map(|of| (of.terminal, of.terminal_sequence)), Some((shop.number, 1)));
    }
    centre.stop_server();
}
