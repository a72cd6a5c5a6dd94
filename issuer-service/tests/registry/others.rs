//! People without a citizen number: officers, holders of permits, foreigners. All are invented.

use serde_json::Value;

use crate::bureau::{Bureau, counts, faults, issuer, json, notes};

const HEADER: &str = "证件号码,姓名,性别,出生日期,行政区划代码,民族,证件类型,国籍";
const ROWS: [&str; 8] = [
    "GA1234567,JOHN SMITH,男,1980-03-02,513301,,外国护照,英国",
    "军字第0012345号,样例,1,19850101,513301,汉族,军官证,",
    "H1234567801,陈样例,2,19900101,513301,01,港澳居民来往内地通行证,中国",
    "M12345678,何样例,2,19900102,513301,01,05,MAC",
    "01234567,林样例,1,19900103,513301,01,台胞证,",
    "CAN110078102501,ANNE MARTIN,女,19781025,513301,,07,CAN",
    "830000199001010018,黄样例,1,19900101,513301,01,台湾居民居住证,",
    "911826198502030060,MARY BROWN,女,19850203,513301,,07,826",
];

/// With the check character that fits behind 17 digits.
fn rows() -> Vec<String> {
    let fitted = |row: &&str| {
        let (number, rest) = row.split_once(',').expect("a row");
        let body = number.get(..17).filter(|body| body.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(body) = body else { return (*row).to_owned() };
        let check = card_profiles::identity::citizen_check(body).expect("digits");
        format!("{body}{check},{rest}")
    };
    ROWS.iter().map(fitted).collect()
}

fn file(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

fn told(report: &Value) -> Vec<(u64, String)> {
    faults(report).into_iter().map(|(row, _, code)| (row, code)).collect()
}

#[test]
fn people_with_other_certificates_are_registered_once_found_and_shown() {
    let bureau = Bureau::new();
    let report = bureau.import(file(&rows()));
    assert_eq!(counts(&report), [8, 0, 0], "{report}");
    assert_eq!(counts(&bureau.import(file(&rows()))), [0, 0, 8]);
    // A renewed permit is the same person; so is a number that was made from a certificate.
    let again = ["H12345678,陈样例,2,19900101,513301,01,04,", "gbr0ga1234567,JOHN SMITH,1,19800302,513301,,08,GBR"];
    let report = bureau.import(file(&again.map(str::to_owned)));
    assert_eq!(counts(&report), [0, 0, 2], "{report}");
    for (number, id) in [("GBR0GA1234567", 1), ("HKG0H12345678", 3), ("TWN001234567", 5), ("CAN0110078102501", 6)] {
        let found = bureau.say(&["person", "find"], &format!("{number}\n"));
        assert_eq!(found["people"][0]["id"], id, "{number}");
    }
    let shown = json(&issuer(&bureau.data(), &["person", "show", "1", "--format", "json"]));
    let text = shown.to_string();
    assert!(text.contains("08 GBR") && !text.contains("1234567"), "{text}");
    let revealed = ["person", "show", "1", "--reveal", "--reason", "letter 1", "--format", "json"];
    let text = json(&issuer(&bureau.data(), &revealed)).to_string();
    assert!(text.contains("GBR0GA1234567") && text.contains("08 GA1234567 GBR"), "{text}");
    let history = json(&issuer(&bureau.data(), &["person", "history", "1", "--format", "json"])).to_string();
    assert!(history.contains("certificate") && !history.contains("1234567"), "{history}");
}

#[test]
fn a_new_passport_of_somebody_known_is_pointed_at_and_no_reason_holds_the_old_one() {
    let bureau = Bureau::new();
    assert_eq!(counts(&bureau.import(file(&rows()[..1]))), [1, 0, 0]);
    let renewed = "{\"number\":\"GB7654321\",\"name\":\"JOHN SMITH\",\"sex\":\"1\",\"birth_date\":\"19800302\",\
                   \"certificate_type\":\"08\",\"nationality\":\"GBR\"}";
    let upserted = bureau.say(&["person", "upsert"], renewed);
    assert_eq!((&upserted["outcome"], &upserted["alike"]), (&"created".into(), &1.into()));
    let report = bureau.import(file(&[rows()[0].replace("GA1234567", "GC1111111")]));
    assert!(notes(&report).contains(&"PERSON_ALIKE".to_owned()), "{report}");
    for reason in ["card of GB 7654-321 lost", "gbr0gb7654321"] {
        let refused = bureau.told(&["person", "show", "2", "--reveal", "--reason", reason], "");
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(error.contains("REASON_UNFIT"), "{reason}: {error}");
    }
}

#[test]
fn a_site_says_by_which_certificates_it_registers() {
    let bureau = Bureau::new();
    let path = bureau.data().join("centre.toml");
    let text = std::fs::read_to_string(&path).expect("configuration");
    std::fs::write(&path, format!("{text}\n[people]\ncertificates = [\"04\"]\n")).expect("written");
    let report = bureau.import(file(&rows()));
    let codes: Vec<String> = told(&report).into_iter().map(|(row, code)| format!("{row} {code}")).collect();
    let unsupported = |row: u64| format!("{row} CERTIFICATE_TYPE_UNSUPPORTED");
    assert_eq!(codes, [unsupported(2), unsupported(3), unsupported(5), unsupported(6), unsupported(7), unsupported(9)]);
    std::fs::write(&path, format!("{text}\n[people]\ncertificates = [\"09\"]\n")).expect("written");
    let refused = issuer(&bureau.data(), &["person", "list"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("02 to 08"), "{refused:?}");
}
