//! Forms of the console that are refused: what was typed stays, with what is wrong beside it; nobody is sent to a command line.

use issuer_service::clearing::blacklist::{self, BlacklistAct, BlacklistRules};
use issuer_service::console::form::{Entry, Field};
use issuer_service::console::remedy;
use issuer_service::http::console::{Kind, ROUTES};
use issuer_service::operator::Role;
use issuer_service::vault::Vault;
use settlement::id::CardIdentifier;

use crate::office::{In, Office, Told};
use crate::pages::{CSV, form, once, to, with_file};

/// In the language of the page.
fn speaking(who: &In, lang: &str) -> In {
    In { cookie: format!("{}; lang={lang}", who.cookie), ..who.clone() }
}

/// What is typed into a field, so that something of its form cannot be read or is not there.
fn typed(path: &str, field: &Field) -> Option<String> {
    let text = |most: u16| format!("typed {}", field.name).chars().take(most.into()).collect();
    Some(match (field.name, field.entry) {
        (_, Entry::File(_) | Entry::Fixed) => return None,
        ("place", _) => "store".to_owned(),
        ("source", Entry::Pick) => "registry".to_owned(),
        ("template", _) => "bank-fixed".to_owned(),
        ("kind", Entry::Pick) if path.contains("tickets") => "complaint".to_owned(),
        ("subject", Entry::Pick) => "card".to_owned(),
        ("kind", Entry::Pick) => "first".to_owned(),
        ("step", Entry::Pick) => "cancel".to_owned(),
        (_, Entry::Pick) => return None,
        (_, Entry::Line(most) | Entry::Maybe(most)) => text(most),
        (_, Entry::Lines(_) | Entry::MaybeLines(_)) => format!("typed {}\nand <more>", field.name),
        (_, Entry::Count) => "7x".to_owned(),
        (_, Entry::Day) => "2026-13-41".to_owned(),
        (_, Entry::Choice(options)) => options.last().expect("an option").0.to_owned(),
        (_, Entry::Tick) => "yes".to_owned(),
    })
}

/// Whether a page has this in this field.
fn is_kept(page: &str, field: &Field, value: &str) -> bool {
    let shown = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let name = format!("name=\"{}\"", field.name);
    page.split(&name).skip(1).any(|rest| match field.entry {
        Entry::Lines(_) | Entry::MaybeLines(_) => {
            rest.split_once('>').is_some_and(|(_, rest)| rest.starts_with(&format!("{shown}</textarea>")))
        }
        Entry::Choice(_) | Entry::Pick => {
            let options = rest.split("</select>").next().unwrap_or_default();
            options.contains(&format!("value=\"{shown}\" selected"))
        }
        Entry::Tick => rest.split('>').next().is_some_and(|rest| rest.contains("checked")),
        _ => rest.starts_with(&format!(" value=\"{shown}\"")),
    })
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn every_form_that_is_refused_comes_back_with_what_was_typed_and_names_no_command() {
    let mut office = Office::new();
    let all: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != Role::Manage).collect();
    let clerks = [("zh", office.with("li", &all)), ("en", office.with("wang", &all))];
    let acts = || ROUTES.iter().copied().flatten().filter(|route| route.kind == Kind::Acts);
    let mut looked = 0;
    for (lang, who) in &clerks {
        let who = speaking(who, lang);
        for route in acts() {
            let asked = route.form().expect("a form");
            let values: Vec<(&Field, String)> =
                asked.fields.iter().filter_map(|field| Some((field, typed(route.path, field)?))).collect();
            // Whoever is looked for and is not there is no refusal; a place is added as it was typed, and what was counted is what was counted.
            if values.is_empty()
                || ["/console/people", "/console/stock/place", "/console/stock/inventory"].contains(&route.path)
            {
                continue;
            }
            let path = route.path.replace("{number}", "999999").replace("{name}", "A99999999");
            let fields: Vec<String> =
                values.iter().map(|(field, value)| format!("{}={}", field.name, encoded(value))).collect();
            let told = form(&office, &who, &path, &format!("{}&sure=yes&once={}", fields.join("&"), "0".repeat(32)));
            assert!((400..500).contains(&told.status), "{path} in {lang}: {} {}", told.status, told.text);
            assert_eq!(told.text.matches("class=\"problem\"").count(), 1, "{path} in {lang}: {}", told.text);
            let inside =
                told.text.split("<form").find(|one| one.contains("class=\"problem\"")).expect("beside its form");
            for (field, value) in &values {
                assert!(is_kept(inside, field, value), "{path} in {lang} lost {}: {inside}", field.name);
            }
            assert_ne!(once(&told), "0".repeat(32), "mended and sent again it is another form");
            assert!(!remedy::is_typed(&told.text), "{path} in {lang}: {}", told.text);
            assert_eq!(told.text.contains("未办理"), *lang == "zh", "{}", told.text);
            looked += 1;
        }
    }
    assert!(looked >= 80, "{looked} forms");
}

#[test]
fn a_form_that_was_mended_is_carried_out_and_a_session_token_never_comes_back() {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Capture, Role::Counter]);
    with_file(&office, &li, "/console/import", ("file", CSV.as_bytes()), "source=registry");
    let send = |person: &str, once: &str| {
        let fields =
            format!("kind=complaint&subject=card&person={person}&institution=&purchase=&text=a%0D%0Ab&once={once}");
        form(&office, &li, "/console/tickets", &fields)
    };
    let first = once(&office.get(&li, "/console/tickets"));
    let refused = send("x", &first);
    assert!(refused.status == 400 && refused.text.contains("“人员编号”填写不合要求"), "{}", refused.text);
    assert!(
        refused.text.contains("aria-invalid=\"true\" autofocus")
            && refused.text.contains("<details class=\"act\" open>")
    );
    assert!(refused.text.contains(">a\nb</textarea>"), "{}", refused.text);
    let mended = send("2", &once(&refused));
    assert_eq!((mended.status, to(&mended)), (303, "/console/tickets"), "{}", mended.text);
    // The other fields of a file's form stay; of the file its name is said by nobody.
    let told = with_file(&office, &li, "/console/import", ("file", b"\x00\x01"), "source=registry&dry_run=yes");
    assert!(told.status >= 400 && told.text.contains("value=\"yes\" checked"), "{}", told.text);
    assert!(told.text.contains("上传的文件") && told.text.contains("，请重新选择"), "{}", told.text);
    // A form with a wrong token gives nothing back.
    let wrong = In { csrf: "00".to_owned(), ..li.clone() };
    let told = form(&office, &wrong, "/console/tickets", "text=kept+from+others");
    assert!(told.status == 403 && !told.text.contains("kept from others"), "{}", told.text);
}

/// Every page that a session with each role can open.
fn pages(office: &Office, who: &In) -> Vec<(String, Told)> {
    let looks = ROUTES.iter().copied().flatten().filter(|route| route.kind == Kind::Looks);
    let addresses = looks.map(|route| route.path.replace("{number}", "1").replace("{name}", "A00000001"));
    let more = ["allotment", "load", "record", "sale"].map(|of| format!("/console/clearing?of={of}"));
    let told = |path: String| {
        let told = office.get(who, &path);
        (path, told)
    };
    addresses.chain(more).map(told).collect()
}

#[test]
fn no_page_names_a_command_and_codes_have_words() {
    let mut office = Office::new();
    let all: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != Role::Manage).collect();
    let li = office.with("li", &all);
    // One whose address the chip cannot hold, too.
    let text = format!("{CSV}51330119900101003X,尼玛,1,04,19900101,513322,𠮷村,19900001236,\n");
    let told = with_file(&office, &li, "/console/import", ("file", text.as_bytes()), "source=registry");
    assert!(told.text.contains("不能制卡") && !remedy::is_typed(&told.text), "{}", told.text);
    form(&office, &li, "/console/tickets", "kind=complaint&subject=card&person=1&text=x");
    for lang in ["zh", "en"] {
        let who = speaking(&li, lang);
        for (path, told) in pages(&office, &who) {
            let is_page = told.head.contains("text/html");
            assert!(!is_page || !remedy::is_typed(&told.text), "{path} in {lang}: {}", told.text);
        }
        for path in ["/console/nowhere", "/console/people/7/nothing"] {
            let told = office.get(&who, path);
            assert!(told.status == 404 && !remedy::is_typed(&told.text), "{path}: {}", told.text);
        }
    }
    let tickets = office.get(&li, "/console/tickets").text;
    assert!(tickets.contains("柜台") && !tickets.contains(">counter<"), "{tickets}");
    let exchange = office.get(&li, "/console/exchange").text;
    assert!(
        exchange.contains("银行开户文件（定长） bank-fixed") && !exchange.contains("bank-fixed-return"),
        "{exchange}"
    );
    let person = office.get(&li, "/console/people/3").text;
    assert!(person.contains("513322 泸定县") && person.contains("芯片") && person.contains("与本人商定"), "{person}");
    let verdict = form(&office, &li, "/console/audit/verify", "").text;
    assert!(verdict.contains("尚未签名") && !remedy::is_typed(&verdict), "{verdict}");
}

#[test]
fn a_centre_that_was_brought_back_takes_its_lists_back_and_publishes_again() {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Clearing]);
    assert!(!office.get(&li, "/console/blacklist").text.contains("/console/blacklist/adopt"), "nothing to take back");
    // What the lost centre signed: one card more than the backup knows.
    let passphrase = std::fs::read_to_string(office.data().join("rehearsal.passphrase")).expect("passphrase");
    let vault = Vault::open_file(&office.centre.vault_path(), passphrase.trim_end()).expect("a vault");
    let card = CardIdentifier([0x51; 16]);
    let store = &mut office.centre.store;
    let add = |tx: &issuer_service::store::Tx<'_>| tx.add_blacklist_entry(card, BlacklistAct::Add, "lost", "li");
    store.journal(add).expect("added");
    let list = store.read(|tx| blacklist::sign(tx, &vault.signer(), BlacklistRules::default(), 0)).expect("signed");
    office.ask("DELETE FROM blacklist");
    office.centre.store.journal(|tx| tx.set_fact("blacklist.withheld", "0 0")).expect("withheld");
    let page = office.get(&li, "/console/blacklist").text;
    assert!(page.contains("黑名单尚未发布") && page.contains("<li>死亡登记</li>"), "{page}");
    let junk = with_file(&office, &li, "/console/blacklist/adopt", ("list", b"{}"), "");
    assert!(junk.status >= 400 && junk.text.contains("上传的名单"), "{}", junk.text);
    let text = list.to_text().replace(&card.to_string(), &CardIdentifier([0x52; 16]).to_string());
    let altered = with_file(&office, &li, "/console/blacklist/adopt", ("list", text.as_bytes()), "");
    assert!(altered.status >= 400, "{}", altered.text);
    assert_eq!(office.ask("SELECT COUNT(*) FROM blacklist"), [["0"]]);
    let adopted = with_file(&office, &li, "/console/blacklist/adopt", ("list", list.to_text().as_bytes()), "");
    assert!(adopted.status == 200 && adopted.text.contains("补入 1 张"), "{}", adopted.text);
    let page = office.get(&li, "/console/blacklist").text;
    assert!(page.contains(&card.to_string()) && page.contains("已补入到名单 1"), "{page}");
    let bare = form(&office, &li, "/console/blacklist/release", "reason=+");
    assert!(bare.text.contains("REASON_MISSING"), "{}", bare.text);
    let released = form(&office, &li, "/console/blacklist/release", "reason=list+1+was+taken+back");
    assert!(released.status == 200 && released.text.contains("重新发布"), "{}", released.text);
    assert!(!office.get(&li, "/console/blacklist").text.contains("尚未发布"));
    let acts = office.ask("SELECT act FROM audit WHERE act LIKE 'blacklist.%' ORDER BY sequence");
    assert_eq!(acts, [["blacklist.adopt"], ["blacklist.release"]]);
}

/// A sealed card and its job, as a station leaves them.
fn made(office: &Office, n: u8) {
    for row in [
        format!("INSERT INTO card_number VALUES ('A{n:08}', {n}, 'used', '')"),
        format!("INSERT INTO job VALUES ({n}, 1, {n}, 'A{n:08}', 'done', '')"),
        format!(
            "INSERT INTO card VALUES ('00813147331586505133000000{n:02X}', {n}, {n}, 'A{n:08}', '513300D156000005000000{n:02X}00000000', \
             'ssc-3.0', '20260101', '20360101', 'sealed', '')"
        ),
    ] {
        office.ask(&row);
    }
}

#[test]
fn a_parcel_that_nobody_took_is_opened_in_the_store_and_a_hand_out_by_mistake_is_undone() {
    let mut office = Office::new();
    let (wu, chen) = (office.with("wu", &[Role::Stock]), office.with("chen", &[Role::Counter]));
    let li = office.with("li", &[Role::Capture]);
    with_file(&office, &li, "/console/import", ("file", CSV.as_bytes()), "source=registry");
    office.ask("INSERT INTO batch VALUES (1, 'finished', NULL, 'li', 'wu', '', '', '')");
    made(&office, 1);
    made(&office, 2);
    let done = |who: &In, path: &str, fields: &str| {
        let told = form(&office, who, path, fields);
        assert!(told.status < 400, "{path} {fields}: {}", told.text);
        told.text
    };
    done(&wu, "/console/stock/place", "code=O1&kind=outlet&title=%E5%8C%97&keeper=chen");
    done(&wu, "/console/stock/adopt", "batch=1");
    done(&wu, "/console/stock/pack", "place=O1&batch=1&numbers=");
    done(&wu, "/console/stock/dispatch", "parcel=P-1&carrier=post");
    done(&wu, "/console/stock/accept", "parcel=P-1&numbers=&undelivered=yes");
    let held = "SELECT state, place FROM stock ORDER BY unit";
    assert_eq!(office.ask(held), [["returned", "store"], ["returned", "store"]]);
    done(&wu, "/console/stock/pack", "place=O1&batch=1&numbers=");
    done(&wu, "/console/stock/dispatch", "parcel=P-2&carrier=post");
    done(&chen, "/console/stock/accept", "parcel=P-2&numbers=");
    let page = |number: u8| office.get(&chen, &format!("/console/cards/A0000000{number}")).text;
    assert!(page(1).contains("网点待领") && !page(1).contains("/take-in"), "{}", page(1));
    done(&chen, "/console/cards/A00000001/hand-out", "agent=");
    assert!(page(1).contains("/console/cards/A00000001/take-in"), "{}", page(1));
    let told = done(&chen, "/console/cards/A00000001/take-in", "place=O1&reason=the+wrong+card");
    assert!(told.contains("收回") && told.contains("作废"), "{told}");
    assert_eq!(office.ask(held), [["at_outlet", "O1"], ["at_outlet", "O1"]]);
}

#[test]
fn activating_a_card_asks_twice_where_the_holders_old_card_ends_with_it() {
    let mut office = Office::new();
    let (chen, li) = (office.with("chen", &[Role::Counter]), office.with("li", &[Role::Capture]));
    with_file(&office, &li, "/console/import", ("file", CSV.as_bytes()), "source=registry");
    office.ask("INSERT INTO batch VALUES (1, 'finished', NULL, 'li', 'wu', '', '', '')");
    made(&office, 1);
    made(&office, 2);
    let activate = |n: u8, more: &str| {
        form(&office, &chen, &format!("/console/cards/A0000000{n}/move"), &format!("step=activate&reason={more}"))
    };
    let state = |n: u8| office.ask(&format!("SELECT state FROM card WHERE card_number = 'A0000000{n}'"))[0][0].clone();
    assert_eq!(activate(1, "").status, 303, "a first card: nothing ends");
    office.ask("UPDATE card SET person = 1 WHERE card_number = 'A00000002'");
    let asked = activate(2, "");
    assert!(asked.status == 200 && asked.text.contains("旧卡随即注销"), "{}", asked.text);
    assert!(asked.text.contains("name=\"sure\"") && asked.text.contains("value=\"activate\""), "{}", asked.text);
    assert_eq!((state(1).as_str(), state(2).as_str()), ("normal", "sealed"), "nothing was done");
    assert_eq!(activate(2, "&sure=yes").status, 303);
    assert_eq!((state(1).as_str(), state(2).as_str()), ("cancelled", "normal"));
}
