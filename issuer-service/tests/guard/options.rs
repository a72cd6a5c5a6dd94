//! What a site may decide: every option of `centre.toml` stands on the page of the handbook.

use issuer_service::centre::Config;

const TOP: &str = "city = \"513300\"\ninstitution = \"915401025133000000000000\"\n";

/// Options that a table knows, as its refusal of one that it does not know names them.
fn options(table: &str) -> Vec<String> {
    let text = match table {
        "" => format!("{TOP}unheard_of = 1\n"),
        table => format!("{TOP}[{table}]\nunheard_of = 1\n"),
    };
    let refusal = toml::from_str::<Config>(&text).expect_err(table).to_string();
    let expected = refusal.split("expected ").nth(1).unwrap_or_else(|| panic!("{table}: {refusal}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_on_configuration_has_every_option() {
    let pages = [
        include_str!("../../../docs/handbook/configuration.en.md"),
        include_str!("../../../docs/handbook/configuration.zh.md"),
    ];
    let top = options("");
    let tables = [
        "photo",
        "people",
        "benefits",
        "requests",
        "life",
        "stock",
        "blacklist",
        "stations",
        "log",
        "audit",
        "pkcs11",
        "database",
    ];
    for table in tables {
        assert!(top.contains(&table.to_owned()), "{table} of {top:?}");
    }
    // What `init` writes and nobody changes is named in words.
    let fixed = ["id", "city", "institution", "card_number_prefix"];
    let written =
        |page: &str, name: &str| page.contains(&format!("> {name} = ")) || page.contains(&format!("`{name}`"));
    let mut count = 0;
    for page in pages {
        for name in top.iter().filter(|name| !fixed.contains(&name.as_str()) && !tables.contains(&name.as_str())) {
            assert!(written(page, name), "{name}");
            count += 1;
        }
        for table in tables {
            assert!(page.contains(&format!("[{table}]")), "[{table}]");
            for name in options(table) {
                assert!(written(page, &name), "{name} of [{table}]");
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count} options");
}
