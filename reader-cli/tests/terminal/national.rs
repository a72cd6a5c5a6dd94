//! The card in a reader pays at the national centre: what it says of itself goes into 1101, the centre finds its holder.
//!
//! Never: another command of `national` (tests/national).

use national_rehearsal::{Centre, FaultPlan, Running};
use settlement::fen::Fen;
use settlement::national::Unit;
use settlement::receipt::{Book, ReceiptCode};

use crate::shop::{PSAM, Shop};

/// As the invented card of `cards::holder` has them.
const CARD_NUMBER: &str = "A12345674";
const CITIZEN: &str = "111111198101011110";
const PERSON: &str = "51339900000000000000000009";

/// A national centre that knows one person, by this card and this name.
fn centre(shop: &Shop, name: &str) -> Running {
    let folder = shop.path("national");
    std::fs::create_dir_all(&folder).expect("made");
    let person = format!(
        "[[person]]\npsn_no = \"{PERSON}\"\ncertno = \"{CITIZEN}\"\nname = \"{name}\"\ncard_number = \"{CARD_NUMBER}\"\n\
         card_sn = \"{}\"\ne_credential = \"E\"\nsex = \"1\"\nbirth = \"1981-01-01\"\n\
         [[person.insured]]\ninsutype = \"310\"\npsn_type = \"11\"\nregion = \"513399\"\nbalance = \"100.00\"\n",
        shop.identifier()
    );
    std::fs::write(folder.join("persons.toml"), person).expect("written");
    std::fs::copy(shop.path("drugs.csv"), folder.join("drugs.csv")).expect("copied");
    let centre = Centre::of_folder(&folder, Unit::Characters).expect("readable");
    let address = "127.0.0.1:0".parse().expect("an address");
    let running = Running::start(address, centre, FaultPlan::default(), |_| {}).expect("listens");
    let text = format!(
        "[national]\naddress = \"{}/fsi/api\"\ninstitution = \"P51399000001\"\ninstitution-name = \"桥头药房\"\n\
         region = \"513399\"\nreceiver = \"TERM\"\nclerk = \"007\"\nmac = \"M\"\nip = \"I\"\n",
        running.address()
    );
    std::fs::create_dir_all(shop.path("data")).expect("made");
    std::fs::write(shop.path("data").join("sscard.toml"), text).expect("written");
    running
}

#[test]
fn a_card_in_the_reader_finds_its_holder_and_pays() {
    let shop = Shop::open();
    let centre = centre(&shop, "张三");
    let bill = shop.bill("B-1", &[("X1", 1, "12.50")]);
    let ok = |arguments: &[&str]| {
        let ran = shop.run(&[&["national"], arguments].concat());
        assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.json()
    };
    assert_eq!(shop.run(&["terminal", "enroll"]).status, 0, "its key signs codes");
    ok(&["sign-in"]);
    assert_eq!(ok(&["person", "--card"])["insured"][0]["balance_fen"], 10_000);
    assert_eq!(ok(&["settle", &bill, "--card"])["account_fen"], 1_250);
    assert_eq!(centre.centre().balance(PERSON, "310").expect("there"), Fen::new(8_750));
    assert_eq!(ok(&["day-end"])["even"], true);
    papers(&shop);
    // Without a PSAM the card's number and identifier are enough.
    shop.farm.eject(PSAM).expect("a slot");
    assert_eq!(ok(&["person", "--card"])["insured"][0]["balance_fen"], 10_000, "all went back");
    shop.farm.eject(0).expect("a slot");
    assert_eq!(shop.run(&["national", "person", "--card"]).code(), "NO_CARD");
}

/// The settlement B-1 on paper again, its cancellation on paper of both widths, and another one for a printer.
fn papers(shop: &Shop) {
    let listed = shop.run(&["national", "list"]).json();
    let setl_id = listed["settlements"][0]["setl_id"].as_str().expect("an id").to_owned();
    let file = |name: &str| shop.path(name).display().to_string();
    let run = |language: &str, arguments: &[&str]| {
        let ran = shop.run_text(language, &[&["national"], arguments].concat());
        assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    let again = run("zh", &["reprint", "B-1", "--paper", "58", "--receipt", &file("again.txt")]);
    for part in [
        "国家医保结算凭证",
        "** 补打 第1次 **",
        "桥头药房",
        "P51399000001",
        "B-1",
        &setl_id,
        "12.50",
        "类]",
        "12.50 × 1",
        "首次打印时显示",
        "账户余额                   87.50",
        "操作员",
        "终端",
    ] {
        assert!(again.contains(part), "{part}\n{again}");
    }
    assert_eq!(std::fs::read_to_string(file("again.txt")).expect("a file"), again);
    let taken = shop.run(&["national", "cancel", "B-1", "--receipt", &file("again.txt")]);
    assert_eq!(taken.code(), "FILE_MISSING", "before the centre is asked: {}", taken.stderr);
    let cancelled = run("en", &["cancel", "B-1", "--receipt", &file("back.escpos")]);
    assert!(cancelled.contains("Settlement cancelled") && cancelled.contains(&setl_id), "{cancelled}");
    assert!(
        cancelled.contains("Balance") && cancelled.contains("100.00") && !cancelled.contains("Code"),
        "{cancelled}"
    );
    let bytes = std::fs::read(file("back.escpos")).expect("a file");
    assert!(bytes.windows(setl_id.len()).any(|window| window == setl_id.as_bytes()), "for a printer");
    let again = run("zh", &["reprint", "B-1"]);
    assert!(again.contains("撤销凭证") && again.contains("补打 第2次") && again.contains("退现金"), "{again}");
    let bill = shop.bill("B-2", &[("X1", 1, "12.50")]);
    let settled = run("zh", &["settle", &bill, "--card", "--receipt", &file("settled.txt")]);
    let paper = std::fs::read_to_string(file("settled.txt")).expect("a file");
    assert!(paper.contains("国家医保结算凭证") && !paper.contains("补打") && settled.starts_with(&paper), "{settled}");
    assert!(paper.contains("张*") && !paper.contains("张三"), "whose it is, masked: {paper}");
    let code = paper.replace('\n', "");
    let code = code.split("验证码: ").nth(1).and_then(|rest| rest.get(..152)).expect("in letters");
    let code = ReceiptCode::parse(code).expect("a code");
    assert_eq!((code.sold().book, code.sold().personal_account), (Book::National, 1_250));
    for (file_name, head) in [("again.png", &b"\x89PNG"[..]), ("again.pdf", b"%PDF"), ("again.escpos", b"\x1b@")] {
        run("en", &["reprint", "B-2", "--receipt", &file(file_name)]);
        assert!(std::fs::read(file(file_name)).expect("a file").starts_with(head), "{file_name}");
    }
    run("zh", &["cancel", "B-2"]);
    assert_eq!(shop.run(&["national", "reprint", "B-9"]).code(), "NATIONAL_UNKNOWN");
}
