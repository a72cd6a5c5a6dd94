//! The drug catalogue that the centre publishes: fetched in parts, believed whole, sold by from its first day; anything wrong leaves what
//! is held in use.

use serde_json::{Value, json};
use settlement::id::CatalogueVersion;

use crate::shop::{Ran, Shop};

/// X1 for at most this much a unit; class 乙 with this first ratio.
fn text(version: &str, ceiling: &str) -> String {
    let head = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药";
    format!(
        "# version:{version}\n{head}\nX1,阿莫西林胶囊,甲,101,{ceiling},0,2020-01-01,,否\nX2,复方丹参滴丸,乙,101,30.00,0.1,2020-01-01,,否\n"
    )
}

fn publish(shop: &Shop, sequence: u64, from: &'static str, text: String) {
    shop.centre.books().catalogues.push((sequence, from, text));
}

fn sell(shop: &Shop, id: &str, more: &[&str]) -> Ran {
    let bill = shop.bill(id, &[("X1", 1, "10.00")]);
    shop.run(&[&["pay", &bill, "--pin", "env:PIN"], more].concat())
}

fn trial(shop: &Shop) -> Value {
    let ran = sell(shop, "B-T", &["--trial"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    ran.json()["catalogue"].clone()
}

fn update(shop: &Shop) -> Ran {
    shop.run(&["catalogue", "update"])
}

#[test]
fn a_bill_is_priced_by_the_catalogue_of_the_day_that_the_centre_signed() {
    let shop = Shop::ready();
    let none = sell(&shop, "B-0", &[]);
    assert_eq!((none.status, none.code().as_str()), (1, "CONFIGURATION_INVALID"), "{}", none.stderr);
    assert!(none.stderr.contains("catalogue update"), "{}", none.stderr);
    let empty = update(&shop);
    assert_eq!((empty.status, &empty.json()["catalogues"]), (2, &json!([])), "{}", empty.stderr);

    publish(&shop, 1, "2026-01-01", text("2026-1", "4.00"));
    assert!(shop.run(&["sign-in"]).stdout.contains("CATALOGUE_OUTDATED"));
    let taken = update(&shop);
    assert!(!shop.run(&["sign-in"]).stdout.contains("CATALOGUE_OUTDATED"));
    assert_eq!((taken.status, &taken.json()["fetched"]), (0, &json!(1)), "{}", taken.stderr);
    assert_eq!(taken.json()["catalogues"][0]["in_effect"], true);
    assert_eq!(update(&shop).json()["fetched"], 0, "what is held is not fetched again");
    assert_eq!(trial(&shop), "2026-1");
    let sold = sell(&shop, "B-1", &[]);
    assert_eq!((sold.status, &sold.json()["personal_account_fen"]), (0, &json!(400)), "{}", sold.stderr);

    // The business day is 2026-01-02: the next catalogue waits for its own day.
    publish(&shop, 2, "2026-01-03", text("2026-2", "5.00"));
    assert_eq!(update(&shop).json()["fetched"], 1);
    assert_eq!(trial(&shop), "2026-1");
    publish(&shop, 3, "2026-01-02", text("2026-3", "6.00"));
    assert_eq!(update(&shop).status, 0);
    assert_eq!(trial(&shop), "2026-3", "the highest number that has begun");
    let held = shop.run(&["catalogue", "held"]);
    assert_eq!((held.status, held.json_rows("catalogues").len()), (0, 3));
    // A file that is named is the one that counts.
    let named = sell(&shop, "B-T", &["--trial", "--catalogue", &shop.path("drugs.csv").display().to_string()]);
    assert_ne!(named.json()["catalogue"], "2026-3");
    // Without the line what is held is sold by.
    let offline = shop.run(&["--centre", "http://127.0.0.1:9", "catalogue", "update"]);
    assert_eq!((offline.status, offline.code().as_str()), (8, "CENTRE_UNREACHABLE"));
    assert_eq!(trial(&shop), "2026-3");
}

#[test]
fn whatever_is_wrong_with_a_catalogue_leaves_the_one_that_is_held_in_use() {
    let shop = Shop::ready();
    publish(&shop, 5, "2026-01-01", text("2026-5", "4.00"));
    assert_eq!(update(&shop).status, 0);
    publish(&shop, 6, "2026-01-01", text("2026-6", "9.00"));
    let refused = |code: &str, status: i32| {
        let ran = update(&shop);
        assert_eq!((ran.code().as_str(), ran.status), (code, status), "{}", ran.stderr);
        assert_eq!(trial(&shop), "2026-5", "{code}");
        assert_eq!(shop.run(&["catalogue", "held"]).json_rows("catalogues").len(), 1, "{code}");
    };
    shop.centre.books().forge = Some(|one| one.name = CatalogueVersion::parse("free").expect("a word"));
    refused("CATALOGUE_UNSIGNED", 7);
    shop.centre.books().forge = None;
    // Another text on the way: longer, shorter, of the same length.
    let right = text("2026-6", "9.00");
    for wrong in [right.clone() + "X9", right[..right.len() - 1].to_owned(), right.replace("9.00", "1.00")] {
        shop.centre.books().other_text = Some(wrong);
        refused("CATALOGUE_ALTERED", 7);
    }
    shop.centre.books().other_text = None;
    let held = std::mem::take(&mut shop.centre.books().catalogues);
    refused("CATALOGUE_OLDER", 3);
    publish(&shop, 4, "2026-01-01", text("2026-4", "1.00"));
    refused("CATALOGUE_OLDER", 3);
    shop.centre.books().catalogues = vec![(5, "2026-01-01", text("2026-5", "1.00"))];
    refused("CATALOGUE_OLDER", 3);
    // Signed, and no catalogue: nothing can be priced by it.
    shop.centre.books().catalogues = vec![(6, "2026-01-01", "no list".to_owned())];
    refused("CATALOGUE_MALFORMED", 1);
    let seed = std::mem::replace(&mut shop.centre.books().seed, 8);
    shop.centre.books().catalogues = held;
    refused("CATALOGUE_FOREIGN", 3);
    shop.centre.books().seed = seed;
    assert_eq!(update(&shop).status, 0);
    assert_eq!(trial(&shop), "2026-6");
}
