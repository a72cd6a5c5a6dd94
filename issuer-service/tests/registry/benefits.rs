//! Contributions and account years: one file, whole or not at all, every fault at once.

use serde_json::{Value, json};

use crate::bureau::{Bureau, HEADER, issuer, json, number, row};
use crate::formats::workbook;

const CONTRIBUTIONS: &str = "社会保障号码,险种类型,费款所属期,缴费基数,单位缴费,个人缴费";
const ACCOUNTS: &str = "社会保障号码,险种类型,年度,期初余额,个人划入,单位划入,其他划入,利息,支出,期末余额";

/// A centre with two registered people.
fn centre() -> Bureau {
    let bureau = Bureau::new();
    let file = bureau.file("people.csv", [HEADER.to_owned(), row(1, "扎西"), row(2, "卓玛")].join("\n"));
    assert_eq!(bureau.run(&file, &[]).status.code(), Some(0));
    bureau
}

fn import(bureau: &Bureau, name: &str, content: impl AsRef<[u8]>, more: &[&str]) -> (Option<i32>, Value) {
    let file = bureau.file(name, content);
    let head = ["--format", "json", "benefit", "import", &file, "--as-of", "2026-03-31"];
    let output = issuer(&bureau.data(), &[&head[..], more].concat());
    (output.status.code(), json(&output))
}

fn counts(report: &Value) -> [i64; 4] {
    ["created", "unchanged", "replaced", "refused"].map(|name| report[name].as_i64().expect("a count"))
}

fn codes(report: &Value) -> Vec<(i64, String)> {
    let faults = report["faults"].as_array().expect("faults");
    faults
        .iter()
        .map(|fault| (fault["row"].as_i64().expect("a row"), fault["code"].as_str().expect("a code").to_owned()))
        .collect()
}

fn rows(bureau: &Bureau, table: &str) -> String {
    let rows = crate::ask::ask(&bureau.data(), &format!("SELECT COUNT(*) FROM {table}")).expect("rows");
    rows.concat().concat()
}

#[test]
fn a_file_of_contributions_is_taken_in_once_or_not_at_all_and_corrected_only_when_told_to() {
    let bureau = centre();
    let (one, other) = (number("19900101", 1), number("19900101", 2));
    let good = format!(
        "{CONTRIBUTIONS}\n{one},310,202601,5000,400,100\n{one},医疗,2026年2月,5000,400,100\n{other},110,2026/3,6000.5,0,480.04\n"
    );
    let faulty =
        format!("{good}{one},310,202601,1,0,0\n{},310,202601,1,0,0\n{other},999,202604,-1,x,\n", number("19900101", 9));
    let (code, report) = import(&bureau, "c.csv", &faulty, &[]);
    assert_eq!((code, counts(&report), &report["import"]), (Some(3), [3, 0, 0, 3], &Value::Null));
    let told = [
        (5, "DUPLICATE_IN_FILE"),
        (6, "PERSON_NOT_FOUND"),
        (7, "INSURANCE_UNKNOWN"),
        (7, "MONTH_AHEAD"),
        (7, "AMOUNT_INVALID"),
        (7, "AMOUNT_INVALID"),
        (7, "VALUE_MISSING"),
    ];
    assert_eq!(codes(&report), told.map(|(row, code)| (row, code.to_owned())));
    assert!(!report.to_string().contains(&number("19900101", 9)), "masked");
    assert_eq!(
        (rows(&bureau, "contribution"), rows(&bureau, "benefit_import")),
        ("0".into(), "0".into()),
        "nothing half"
    );

    let (code, dry) = import(&bureau, "c.csv", &good, &["--dry-run"]);
    assert_eq!((code, counts(&dry), rows(&bureau, "contribution")), (Some(0), [3, 0, 0, 0], "0".into()));
    assert_eq!(counts(&import(&bureau, "c.csv", &good, &[]).1), [3, 0, 0, 0]);
    assert_eq!(counts(&import(&bureau, "c.csv", &good, &[]).1), [0, 3, 0, 0], "once more changes nothing");
    // The same in a workbook.
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let (code, report) = import(&bureau, "c.xlsx", workbook(&good.lines().map(cells).collect::<Vec<_>>()), &[]);
    assert_eq!((code, counts(&report)), (Some(0), [0, 3, 0, 0]), "{report}");

    let other_base = good.replace("202601,5000", "202601,5500");
    let (code, report) = import(&bureau, "c.csv", &other_base, &[]);
    assert_eq!((code, codes(&report)), (Some(3), vec![(2, "BENEFIT_DIFFERS".to_owned())]));
    let (code, report) = import(&bureau, "c.csv", &other_base, &["--replace"]);
    assert_eq!((code, counts(&report)), (Some(0), [0, 2, 1, 0]));
    let known = crate::ask::ask(&bureau.data(), "SELECT base_fen FROM contribution WHERE month = '2026-01'");
    assert_eq!(known, Ok(vec![vec!["550000".to_owned()]]));
    let listed = json(&issuer(&bureau.data(), &["--format", "json", "benefit", "list"]));
    let newest = &listed["imports"][0];
    assert_eq!(
        (&newest["kind"], &newest["as_of"], &newest["rows"]),
        (&json!("contributions"), &json!("2026-03-31"), &json!(3))
    );
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn account_years_add_up_and_open_with_what_the_year_before_closed_with() {
    let bureau = centre();
    let one = number("19900101", 1);
    let years = |opening: &str, closing: &str| {
        format!(
            "{ACCOUNTS}\n{one},310,2025,{opening},600,0,0,0,100,{closing}\n{one},310,2024,0,480,120,0,3.5,103.5,500\n"
        )
    };
    let (code, report) = import(&bureau, "a.csv", years("500", "1000.01"), &[]);
    assert_eq!((code, codes(&report)), (Some(3), vec![(2, "ACCOUNT_SUM_DIFFERS".to_owned())]));
    assert!(report["faults"][0]["message"].as_str().is_some_and(|text| text.contains("1000.00")), "{report}");
    let (code, report) = import(&bureau, "a.csv", years("400", "900"), &[]);
    assert_eq!((code, codes(&report)), (Some(3), vec![(2, "ACCOUNT_OPENING_DIFFERS".to_owned())]));
    assert_eq!(counts(&import(&bureau, "a.csv", years("500", "1000"), &[]).1), [2, 0, 0, 0]);
    let wrong = "INSERT INTO account_year VALUES (1, '110', 2025, 1, 0, 0, 0, 0, 0, 2, 1, 9)";
    assert!(crate::ask::ask(&bureau.data(), wrong).is_err(), "the database refuses it too");

    let neither = bureau.file("n.csv", "社会保障号码,险种类型,年度\n1,310,2025\n");
    let output = issuer(&bureau.data(), &["--format", "json", "benefit", "import", &neither]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("HEADER_MISSING") && told.contains("docs/benefits.md"), "{told}");
}
