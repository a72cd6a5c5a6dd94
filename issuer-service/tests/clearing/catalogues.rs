//! Drug catalogues: taken in by one person, published by another, told to terminals under the centre's signature, in parts.

use serde_json::{Value, json};
use settlement::catalogue::delivery::SignedCatalogue;
use settlement::date::BusinessDate;
use settlement::id::PublicKey;

use crate::centre::{Centre, SIGN_IN, Terminal, signed_in};

const CATALOGUE: &str = "/terminal/v1/catalogue";
const PART: &str = "/terminal/v1/catalogue/part";

const HEAD: &str = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药";

/// A list of so many drugs.
fn list(version: &str, drugs: usize) -> String {
    let row = |number: usize| format!("X{number},阿莫西林胶囊,甲,101,20.00,0,2020-01-01,,否\n");
    format!("# version:{version}\n{HEAD}\n{}", (0..drugs).map(row).collect::<String>())
}

fn file(centre: &Centre, name: &str, text: &str) -> String {
    let path = centre.data().join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn refused(centre: &Centre, operator: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let ran = centre.run(operator, arguments);
    let said: Value = serde_json::from_slice(&ran.stderr).expect("one JSON object");
    (said["code"].as_str().expect("a code").to_owned(), ran.status.code())
}

fn offered(terminal: &mut Terminal, key: &PublicKey) -> Vec<SignedCatalogue> {
    let (status, answer) = terminal.ask(CATALOGUE, json!({ "version": 1, "terminal": terminal.number }));
    assert_eq!(status, 200, "{answer}");
    let signed: Vec<SignedCatalogue> = serde_json::from_value(answer["catalogues"].clone()).expect("catalogues");
    assert!(signed.iter().all(|one| one.open(key, one.issued_at, one.issued_at).is_ok()), "by this centre");
    signed
}

fn part(terminal: &mut Terminal, sequence: u64, offset: usize) -> (u16, Value) {
    let body = json!({ "version": 1, "terminal": terminal.number, "sequence": sequence, "offset": offset });
    terminal.ask(PART, body)
}

#[test]
fn a_catalogue_is_published_by_a_second_person_and_a_terminal_gets_what_was_signed() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    let body = signed_in(&terminal);
    let key = terminal.ask(SIGN_IN, body).1["centre_key"].clone();
    let key: PublicKey = serde_json::from_value(key).expect("a key");
    assert_eq!(offered(&mut terminal, &key), [], "none is published");

    let text = list("2026-1", 12_000);
    let path = file(&centre, "drugs.csv", &text);
    let import = ["catalogue", "import", &path];
    assert_eq!(centre.run("wu", &import).status.code(), Some(3), "the role is missing");
    let taken = centre.ok("ma", &import);
    assert_eq!((&taken["version"], &taken["codes"]), (&json!("2026-1"), &json!(12_000)));
    assert_eq!(refused(&centre, "ma", &import), ("CATALOGUE_EXISTS".to_owned(), Some(3)));
    let broken = file(&centre, "broken.csv", &list("2026-9", 2).replacen("甲", "丁", 1));
    assert_eq!(refused(&centre, "ma", &["catalogue", "import", &broken]), ("CATALOGUE_MALFORMED".to_owned(), Some(1)));
    assert_eq!(offered(&mut terminal, &key), [], "one person's word publishes nothing");
    let publish = ["catalogue", "publish", "2026-1", "--from", "2026-01-01"];
    centre.ok("ma", &["operator", "add", "both", "--role", "clearing", "--role", "approve"]);
    assert_eq!(centre.run("ma", &publish).status.code(), Some(3), "the role is missing");
    let other = file(&centre, "other.csv", &list("2026-2", 2));
    centre.ok("both", &["catalogue", "import", &other]);
    let own = ["catalogue", "publish", "2026-2", "--from", "2099-01-01"];
    assert_eq!(refused(&centre, "both", &own), ("SAME_OPERATOR".to_owned(), Some(3)));
    assert_eq!(centre.ok("both", &publish)["published"]["sequence"], 1);
    assert_eq!(refused(&centre, "wu", &publish), ("CATALOGUE_PUBLISHED".to_owned(), Some(3)));
    let unknown = ["catalogue", "publish", "2026-7", "--from", "2026-01-01"];
    assert_eq!(refused(&centre, "wu", &unknown), ("CATALOGUE_UNKNOWN".to_owned(), Some(2)));
    assert!(centre.ask("UPDATE catalogue SET text = 'x'").is_err(), "a published one is final");

    let [signed] = offered(&mut terminal, &key).try_into().expect("one");
    assert_eq!((signed.sequence, signed.name.as_str()), (1, "2026-1"));
    let mut got = String::new();
    let mut parts = 0;
    loop {
        let (status, answer) = part(&mut terminal, 1, got.len());
        assert_eq!(status, 200, "{answer}");
        let more = answer["part"].as_str().expect("text");
        if more.is_empty() {
            break;
        }
        got.push_str(more);
        parts += 1;
    }
    assert!(parts > 1, "{parts} parts of {} bytes", got.len());
    assert_eq!(signed.fits(&got), Ok(()));
    for (sequence, offset) in [(2, 0), (9, 0), (1, got.find('阿').expect("there") + 1)] {
        assert_eq!(part(&mut terminal, sequence, offset).1["code"], "CATALOGUE_UNKNOWN", "{sequence} {offset}");
    }
    assert_eq!(part(&mut terminal, 1, usize::MAX >> 2).1["part"], "");

    // One for a later day is fetched ahead; one that begins today takes the place of what was.
    centre.ok("wu", &own);
    let numbers = |signed: Vec<SignedCatalogue>| signed.iter().map(|one| one.sequence).collect::<Vec<_>>();
    let ahead = offered(&mut terminal, &key);
    assert_eq!(ahead.last().map(|one| one.valid_from), BusinessDate::parse("2099-01-01").ok());
    assert_eq!(numbers(ahead), [1, 2]);
    let third = file(&centre, "third.csv", &list("2026-3", 1));
    centre.ok("ma", &["catalogue", "import", &third]);
    centre.ok("wu", &["catalogue", "publish", "2026-3", "--from", "2026-02-01"]);
    assert_eq!(numbers(offered(&mut terminal, &key)), [3]);
    let listed = centre.ok("wu", &["catalogue", "list"]);
    assert_eq!((&listed["in_effect"], listed["catalogues"].as_array().map(Vec::len)), (&json!(3), Some(3)));
}
