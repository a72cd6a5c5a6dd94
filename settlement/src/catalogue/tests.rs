//! Catalogue files, good and faulty.

use super::*;
use proptest::prelude::*;

const HEADER: &str =
    "code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only\n";

/// Invented drugs.
pub(crate) const SMALL: &str = "\
药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药
XA01,阿莫西林胶囊,甲,101,12.50,0,2026-01-01,,是
XB01,复方丹参滴丸,乙,101,30.00,0.10,2026-01-01,2026-06-30,否
XB01,复方丹参滴丸,乙,101,28.00,0.15,2026-07-01,,否
XC01,维生素礼盒,丙,101,,1,2026-01-01,,否
ZY01,当归,乙,102,0.80,0.05,2026-01-01,,否
";

fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).expect("real")
}

#[test]
fn a_code_has_the_price_of_its_day() {
    let catalogue = Catalogue::parse(SMALL).expect("good");
    assert_eq!(catalogue.len(), 4);
    let code = DrugCode::parse("XB01").expect("word");
    let ceiling = |text| catalogue.find(&code, day(text)).map(|drug| drug.price_ceiling);
    assert_eq!(ceiling("2026-06-30"), Ok(Some(Fen::new(3_000))));
    assert_eq!(ceiling("2026-07-01"), Ok(Some(Fen::new(2_800))));
    assert_eq!(ceiling("2025-12-31"), Err(NotSold::NotValidOnDay));
    let unknown = DrugCode::parse("XX").expect("word");
    assert_eq!(catalogue.find(&unknown, day("2026-01-01")), Err(NotSold::NotInCatalogue));
}

#[test]
fn every_fault_of_a_file_comes_at_once_with_row_and_column() {
    let rows = "\
A 1,x,丁,999,-1,2,2026-02-30,x,maybe
A2,阿,甲,101,,0.1,2026-01-01,2025-01-01,是
A3,阿,乙,101,,1,2026-01-01,,是
A4,阿,丙,101,0,0.5,2026-01-01,,是
A5,阿,甲
A6,阿,甲,101,,,2026-01-01,,是
A6,阿,甲,101,,,2026-05-01,,是
";
    let faults = Catalogue::parse(&format!("{HEADER}{rows}")).expect_err("faults");
    let seen: Vec<String> = faults.iter().map(|f| format!("{}:{}", f.row, f.column)).collect();
    assert_eq!(
        seen,
        [
            "2:code",
            "2:class",
            "2:list_type",
            "2:price_ceiling",
            "2:first_self_pay",
            "2:prescription_only",
            "2:valid_from",
            "2:valid_until",
            "3:first_self_pay",
            "3:valid_until",
            "4:first_self_pay",
            "5:price_ceiling",
            "5:first_self_pay",
            "6:code",
            "8:valid_from",
        ]
    );
    let overlap = faults.last().expect("the overlap");
    assert!(overlap.to_string().contains("row 7"), "{overlap}");
}

#[test]
fn periods_may_touch_but_not_share_a_day() {
    let rows = |from| format!("{HEADER}A,x,甲,101,,,2026-01-01,2026-06-30,否\nA,x,甲,101,,,{from},,否\n");
    assert!(Catalogue::parse(&rows("2026-07-01")).is_ok());
    assert!(Catalogue::parse(&rows("2026-06-30")).is_err());
}

#[test]
fn a_header_that_is_not_ours_is_named() {
    let faults = Catalogue::parse("code,code,colour\n").expect_err("header");
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|text| text.contains("column code: the header names the column twice")));
    assert!(texts.iter().any(|text| text.contains("unknown column \"colour\"")));
    assert!(texts.iter().any(|text| text.contains("column class: the header has no such column")));
    assert_eq!(Catalogue::parse(HEADER).expect_err("no rows")[0].problem, Problem::NoRows);
    assert!(Catalogue::parse("").is_err());
}

proptest! {
    #[test]
    fn any_text_is_a_catalogue_or_faults(text in ".{0,300}") {
        let _ = Catalogue::parse(&text);
        if let Err(faults) = Catalogue::parse(&format!("{HEADER}{text}")) {
            prop_assert!(!faults.is_empty());
        }
    }
}

fn sheets(list: &str, ceilings: &str, ratios: &str) -> Result<Catalogue, Vec<CatalogueFault>> {
    let version = CatalogueVersion::parse("2026-07").expect("word");
    Catalogue::of_sheets(version, &Sheets { list, ceilings: Some(ceilings), ratios: Some(ratios) })
}

const LIST: &str = "code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only\n\
B1,x,乙,101,,,2026-01-01,,否\nA1,y,甲,102,5.00,,2026-01-01,2026-12-31,是\n";

#[test]
fn ceilings_and_ratios_change_on_days_of_their_own() {
    let ceilings = "编码见下\n".replace("编码见下", "药品编码,限价,生效日期,失效日期")
        + "B1,30.00,2026-01-01,2026-03-31\nB1,28.00,2026-05-01,\n";
    let ratios = "code,first_self_pay,valid_from,valid_until\nB1,0.1,2026-01-01,2026-05-31\nB1,0.15,2026-06-01,\n";
    let catalogue = sheets(LIST, &ceilings, ratios).expect("good");
    let code = DrugCode::parse("B1").expect("word");
    for (on, ceiling, ratio) in [
        ("2026-01-01", Some(3_000), "0.1"),
        ("2026-03-31", Some(3_000), "0.1"),
        ("2026-04-01", None, "0.1"),
        ("2026-04-30", None, "0.1"),
        ("2026-05-01", Some(2_800), "0.1"),
        ("2026-05-31", Some(2_800), "0.1"),
        ("2026-06-01", Some(2_800), "0.15"),
        ("2030-01-01", Some(2_800), "0.15"),
    ] {
        let drug = catalogue.find(&code, day(on)).expect(on);
        assert_eq!(
            (drug.price_ceiling.map(Fen::get), drug.first_self_pay.to_string().as_str()),
            (ceiling, ratio),
            "{on}"
        );
    }
    assert_eq!(catalogue.drugs().filter(|drug| drug.code == code).count(), 4, "one row a stretch of days");
    // The list may leave the columns of the other files out, but not without those.
    let short = "code,name,class,list_type,valid_from,valid_until,prescription_only\nB1,x,乙,101,2026-01-01,,否\n";
    assert_eq!(sheets(short, &ceilings, ratios).expect("good").drugs().filter(|drug| drug.code == code).count(), 4);
    let version = CatalogueVersion::parse("2026-07").expect("word");
    let alone = Catalogue::of_sheets(version, &Sheets { list: short, ceilings: Some(&ceilings), ratios: None });
    let faults = alone.expect_err("no ratios");
    assert_eq!(faults.iter().map(|fault| fault.column).collect::<Vec<_>>(), ["first_self_pay"]);
    let flat = catalogue.to_csv();
    assert!(flat.starts_with("# version: 2026-07\ncode,name,"), "{flat}");
    let again = Catalogue::parse(&flat).expect("reads back");
    assert!(again.drugs().eq(catalogue.drugs()) && again.version() == catalogue.version());
}

#[test]
fn what_the_files_contradict_each_other_in_is_named_with_its_file() {
    let told = |ceilings: &str, ratios: &str| -> Vec<String> {
        let ceilings = format!("code,price_ceiling,valid_from,valid_until\n{ceilings}");
        let ratios = format!("code,first_self_pay,valid_from,valid_until\n{ratios}");
        let faults = sheets(LIST, &ceilings, &ratios).expect_err("faults");
        faults.iter().map(|fault| format!("{:?} {fault}", fault.sheet)).collect()
    };
    assert_eq!(
        told("A1,4.00,2026-01-01,\nZ9,4.00,2026-01-01,\n", "B1,0.1,2026-02-01,2026-03-31\n"),
        [
            "List row 2, column first_self_pay: class 乙 has no ratio from 2026-01-01 on",
            "List row 2, column first_self_pay: class 乙 has no ratio from 2026-04-01 on",
            "List row 3, column price_ceiling: the code has rows of its own for this; leave it empty here",
            "Ceilings row 3, column code: the list has no such code",
        ]
    );
    assert_eq!(
        told("B1,4.00,2026-01-01,2026-02-01\nB1,4.00,2026-02-01,\n", "B1,0.1,2026-01-01,\nA1,0.1,2026-01-01,\n"),
        [
            "Ceilings row 3, column valid_from: another row of this code, row 2, is valid on some of the same days",
            "Ratios row 3, column first_self_pay: the ratio does not fit the class: 0 for 甲, below 1 for 乙, 1 or empty for 丙",
        ]
    );
    assert_eq!(
        told("B1,x,2026-01-01,\n", "B1,0.1,2026-01-01,\n"),
        ["Ceilings row 2, column price_ceiling: write yuan above 0 with at most two decimals, or leave it empty"],
        "what only seems to follow is not told"
    );
}

#[test]
fn a_version_stands_above_the_header_or_is_the_text_s_hash() {
    let named = Catalogue::parse(&format!("\u{FEFF}# version: 2026-07.2\n# any remark\n{SMALL}")).expect("good");
    assert_eq!(named.version().as_str(), "2026-07.2");
    let hashed = |text: &str| Catalogue::parse(text).expect("good").version().to_string();
    assert_eq!(hashed(SMALL), Digest::of(SMALL.as_bytes()).to_string()[..16]);
    assert_ne!(hashed(SMALL), hashed(&SMALL.replace("12.50", "12.60")));
    let fault = &Catalogue::parse(&format!("# version: a b\n{SMALL}")).expect_err("two words")[0];
    assert_eq!((fault.row, &fault.problem), (1, &Problem::Version));
}

#[test]
fn rows_are_counted_as_an_editor_shows_them() {
    let text = format!(
        "# version: 1\n# a remark\n{HEADER}\n\nA1,\"two\nlines\",甲,101,,,2026-01-01,,否\nA2,x,丁,101,,,2026-01-01,,否\n"
    );
    let faults = Catalogue::parse(&text).expect_err("faults");
    let seen: Vec<String> = faults.iter().map(|f| format!("{}:{}", f.row, f.column)).collect();
    assert_eq!(seen, ["6:name", "8:class"]);
}

#[test]
fn limits_stand_in_columns_that_a_list_may_lack() {
    let text = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药,限量,限量天数,用药天数上限\n\
                A1,x,甲,301,,,2026-01-01,,否,2.5,7,30\nA2,x,甲,201,,,2026-01-01,,否,3,,\nA3,x,甲,103,,,2026-01-01,,否,,,\n";
    let catalogue = Catalogue::parse(text).expect("good");
    let of = |code: &str| catalogue.find(&DrugCode::parse(code).expect("word"), day("2026-01-01")).expect("there");
    let quantity = |text| Quantity::parse(text).expect("a quantity");
    assert_eq!(of("A1").quantity_limit, Some(QuantityLimit { max: quantity("2.5"), days: 7 }));
    assert_eq!(of("A1").supply_days_max, SupplyDays::new(30));
    assert_eq!(of("A2").quantity_limit, Some(QuantityLimit { max: quantity("3"), days: 1 }));
    assert!(of("A1").is_limited() && !of("A3").is_limited());
    let faulty = text.replace("2.5,7,30", ",7,367").replace("否,3,,", "否,0,400,");
    let seen: Vec<String> =
        Catalogue::parse(&faulty).expect_err("faults").iter().map(|f| format!("{}:{}", f.row, f.column)).collect();
    assert_eq!(seen, ["2:quantity_days", "2:supply_days_max", "3:quantity_max", "3:quantity_days"]);
}
