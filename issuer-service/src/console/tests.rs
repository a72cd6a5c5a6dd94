use super::*;

/// Colours of the style sheet: their names and values.
fn colours() -> Vec<(String, [f64; 3])> {
    let root = STYLE.split(":root {").nth(1).and_then(|text| text.split('}').next()).expect("a root rule");
    let row = |line: &str| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
        let part = |at: usize| u8::from_str_radix(value.get(at..at + 2)?, 16).ok().map(|byte| f64::from(byte) / 255.0);
        Some((name.to_owned(), [part(0)?, part(2)?, part(4)?]))
    };
    root.lines().filter_map(row).collect()
}

/// Contrast of two colours: WCAG 2.2, relative luminance.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let linear = |part: f64| if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
    let light = |[red, green, blue]: [f64; 3]| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    let (one, other) = (light(one), light(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_text_has_a_contrast_of_at_least_4_5_with_its_ground() {
    let colours = colours();
    let value = |name: &str| colours.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name}")).1;
    // The published example: #767676 on white is the lightest grey that passes.
    assert!((contrast([118.0 / 255.0; 3], [1.0; 3]) - 4.54).abs() < 0.01);
    let mut looked = 0;
    for rule in STYLE.split('}').filter(|rule| rule.contains('{')) {
        let variable = |property: &str| {
            let rows = rule.rsplit('{').next()?.split(';').map(str::trim);
            let value = rows.filter_map(|row| row.strip_prefix(property)).next_back()?;
            value.trim().strip_prefix("var(--")?.strip_suffix(')').map(str::to_owned)
        };
        let (text, ground) = (variable("color:"), variable("background:"));
        assert_eq!(text.is_some(), ground.is_some(), "a colour stands with its ground: {rule}");
        if let (Some(text), Some(ground)) = (text, ground) {
            let ratio = contrast(value(&text), value(&ground));
            assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
            looked += 1;
        }
        if let Some(fill) = variable("fill:").filter(|_| rule.contains("text")) {
            assert!(contrast(value(&fill), value("ground")) >= 4.5);
        }
    }
    assert!(looked > 20, "{looked} rules");
    // Borders of fields and bars of charts: 3 to 1.
    for (one, other) in
        [("muted", "ground"), ("deep", "band"), ("bad", "band"), ("link", "ground"), ("on-deep", "deep")]
    {
        assert!(contrast(value(one), value(other)) >= 3.0, "{one} on {other}");
    }
}

#[test]
fn a_tickets_page_names_the_purchase_that_it_is_about() {
    use settlement::query::{TicketKind, TicketSubject};
    let operator = Operator { name: "li".to_owned(), roles: vec!["counter".to_owned()] };
    let bought = crate::query::ticket::Bought {
        reference: "513301000001/0000A5C3".to_owned(),
        date_time: settlement::DateTime::parse("20261122101500").expect("a time"),
        personal_account_fen: settlement::Fen::new(1_250),
        self_paid_fen: settlement::Fen::new(300),
        pooled_fund_fen: settlement::Fen::new(0),
    };
    let ticket = crate::query::ticket::Ticket {
        number: 7,
        kind: TicketKind::Complaint,
        subject: TicketSubject::ALL[0],
        channel: crate::query::Channel::Counter,
        person: None,
        institution: None,
        about: None,
        state: "open".to_owned(),
        opened_at: String::new(),
    };
    let told = |purchase| crate::query::ticket::Told {
        ticket: ticket.clone(),
        institution_name: None,
        purchase,
        entries: Vec::new(),
    };
    for (lang, line) in [
        (Lang::Zh, "交易 513301000001/0000A5C3  2026-11-22 10:15  个人账户 12.50  自付 3.00  统筹 0.00"),
        (Lang::En, "Purchase 513301000001/0000A5C3  2026-11-22 10:15  account 12.50  cash 3.00  pool 0.00"),
    ] {
        let viewer = Viewer {
            operator: &operator,
            once: "",
            csrf: "c5rf",
            lang,
            rehearsal: None,
            city: "513300",
            path: "/console/tickets/7",
            place: "/console/tickets",
            refused: None,
        };
        let page = counter::ticket(&viewer, &told(Some(bought.clone()))).into_string();
        assert!(page.contains(line), "{page}");
        assert!(!counter::ticket(&viewer, &told(None)).into_string().contains(&bought.reference));
    }
}

#[test]
fn a_page_escapes_what_it_shows_and_loads_nothing_from_elsewhere() {
    let operator = Operator { name: "li".to_owned(), roles: vec!["capture".to_owned()] };
    for lang in [Lang::Zh, Lang::En] {
        let viewer = Viewer {
            operator: &operator,
            once: "",
            csrf: "c5rf",
            lang,
            rehearsal: Some(true),
            city: "513300",
            path: "/console/today",
            place: "/console/today",
            refused: None,
        };
        let note = Note::Problem { code: "X", what: "<script>alert(1)</script>".to_owned(), next: "" };
        let bar = chart::Bar { name: "\"><b>".to_owned(), done: 3, failed: 1, whole: 9, says: "3/9".to_owned() };
        let page = viewer.page("t", Some(&note), &chart::bars("a<b", &[bar])).0;
        assert!(!page.contains("<script>") && !page.contains("<b>\""), "{page}");
        assert!(!page.contains("http") && !page.contains("style="), "{page}");
        assert!(page.contains("name=\"csrf\" value=\"c5rf\"") && page.contains("aria-current=\"page\""));
        assert_eq!(page.contains("演练密钥"), lang == Lang::Zh);
    }
}

#[test]
fn bars_are_as_long_as_what_they_count() {
    let bar = |done, failed, whole| chart::Bar { name: "n".to_owned(), done, failed, whole, says: String::new() };
    let chart = chart::bars("t", &[bar(50, 50, 100), bar(0, 0, 200), bar(0, 0, 0)]).0;
    let widths: Vec<&str> = chart.split("width=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(widths, ["165", "82", "82", "330", "0", "0", "0", "0", "0"]);
}

#[test]
fn clerks_read_the_time_of_their_own_clocks() {
    assert_eq!(super::minute("2026-11-23T16:05:59.000Z"), "2026-11-24 00:05");
    assert_eq!(super::minute("2026-11-23T16:05:59Z"), "2026-11-24 00:05");
    assert_eq!((super::minute("").as_str(), super::minute("–").as_str()), ("", "–"));
}
