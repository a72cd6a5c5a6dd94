//! What statements, decisions and bytes do to a dossier. All people are invented.

use proptest::prelude::*;

use super::*;

const BUREAU: SourceId = 1;
const POLICE: SourceId = 2;

fn details(name: &str, phone: &str) -> Details {
    Details {
        number: "11010519491231002X".to_owned(),
        name: name.to_owned(),
        name_raw: name.replace('·', "•"),
        sex: "2".to_owned(),
        ethnic_group: String::new(),
        birth_date: "19491231".to_owned(),
        region: "513301".to_owned(),
        address: String::new(),
        phone: phone.to_owned(),
        employer: String::new(),
        name_script: String::new(),
        certificate: String::new(),
        alive: String::new(),
    }
}

fn said(source: SourceId, at: u64, details: &Details) -> Statement<'_> {
    Statement { source, at, import: 1, row: 2, details, fields: Fields::ALL, taken_back: Fields::NONE }
}

fn only(field: Field) -> Fields {
    Fields::NONE.with(field)
}

#[test]
fn the_same_statement_twice_says_nothing_new() {
    let first = details("扎西·多吉", "19900001234");
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &first));
    let before = dossier.clone();
    assert_eq!(dossier.hear(&said(BUREAU, 200, &first)), Heard::default());
    assert!(dossier == before);
    assert_eq!(dossier.details().name_raw, "扎西•多吉");
}

#[test]
fn the_bytes_of_a_first_statement_are_those_of_the_dossier_begun_by_it() {
    let raw_as_held = Details { name_raw: "卓玛".to_owned(), ..details("卓玛", "19900001234") };
    for one in [details("扎西·多吉", "19900001234"), details("扎西·多吉", ""), raw_as_held] {
        for fields in [Fields::ALL, Fields::NONE, only(Field::Phone)] {
            let statement = Statement { fields, row: 70_000, import: 300, ..said(POLICE, 1_800_000_000, &one) };
            assert_eq!(Dossier::first_bytes(&statement), Dossier::begin(&statement).to_bytes());
        }
    }
}

#[test]
fn a_source_changes_what_it_alone_said_and_the_past_remains() {
    let (old, new) = (details("卓玛", "19900001234"), details("卓玛", "19900004321"));
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &old));
    let heard = dossier.hear(&said(BUREAU, 200, &new));
    assert_eq!((heard.changed, dossier.conflicts()), (only(Field::Phone), Fields::NONE));
    assert_eq!(dossier.value(Field::Phone), "19900004321");
    let past: Vec<_> = dossier.history().into_iter().filter(|line| line.field == Field::Phone).collect();
    let told = |line: &Line<'_>| (line.value.to_owned(), line.since, line.standing);
    assert_eq!(
        past.iter().map(told).collect::<Vec<_>>(),
        [("19900004321".to_owned(), 200, Standing::Held), ("19900001234".to_owned(), 100, Standing::Past(200))]
    );
}

#[test]
fn another_source_contradicts_and_changes_nothing() {
    let (ours, theirs) = (details("卓玛", "19900001234"), details("卓玛", "19900004321"));
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &ours));
    let heard = dossier.hear(&said(POLICE, 200, &theirs));
    assert_eq!((heard.changed, dossier.conflicts()), (Fields::NONE, only(Field::Phone)));
    assert_eq!(dossier.value(Field::Phone), "19900001234");
    assert_eq!(dossier.says(POLICE, Field::Phone), Some("19900004321"));
    // The source that contradicts comes round.
    dossier.hear(&said(POLICE, 300, &ours));
    assert_eq!(dossier.conflicts(), Fields::NONE);
}

#[test]
fn a_source_does_not_change_what_another_one_supports() {
    let (old, new) = (details("卓玛", "19900001234"), details("卓玛", "19900004321"));
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &old));
    dossier.hear(&said(POLICE, 150, &old));
    let heard = dossier.hear(&said(BUREAU, 200, &new));
    assert_eq!((heard.changed, heard.said), (Fields::NONE, only(Field::Phone)));
    assert_eq!(dossier.conflicts(), only(Field::Phone));
}

#[test]
fn what_nobody_knew_is_filled_by_whoever_says_it() {
    let first = details("卓玛", "");
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &first));
    let heard = dossier.hear(&said(POLICE, 200, &details("卓玛", "19900004321")));
    assert_eq!((heard.changed, dossier.conflicts()), (only(Field::Phone), Fields::NONE));
    // An empty value afterwards takes nothing away.
    assert_eq!(dossier.hear(&said(POLICE, 300, &first)), Heard::default());
}

#[test]
fn what_was_made_up_gives_way_to_what_is_said() {
    let first = details("卓玛", "");
    let unsaid = Statement { fields: only(Field::Name), ..said(BUREAU, 100, &first) };
    let mut dossier = Dossier::begin(&unsaid);
    assert_eq!(dossier.value(Field::Region), "513301");
    let theirs = Details { region: "513322".to_owned(), ..first.clone() };
    let heard = dossier.hear(&said(POLICE, 200, &theirs));
    assert!(heard.changed.has(Field::Region));
    assert_eq!((dossier.value(Field::Region), dossier.conflicts()), ("513322", Fields::NONE));
}

#[test]
fn a_new_name_is_a_case_for_an_operator_whoever_says_it() {
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &details("卓玛", "")));
    dossier.hear(&said(BUREAU, 200, &details("央金", "")));
    assert_eq!((dossier.value(Field::Name), dossier.conflicts()), ("卓玛", only(Field::Name)));
    assert!(dossier.decide(Field::Name, Some(BUREAU), 300));
    assert_eq!((dossier.value(Field::Name), dossier.conflicts()), ("央金", Fields::NONE));
    assert!(dossier.history().iter().any(|line| line.value == "卓玛" && matches!(line.standing, Standing::Past(_))));
}

#[test]
fn a_decision_settles_what_was_said_and_not_what_will_be_said() {
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &details("卓玛", "19900001234")));
    dossier.hear(&said(POLICE, 200, &details("卓玛", "19900004321")));
    assert!(!dossier.decide(Field::Phone, Some(9), 250) && !dossier.decide(Field::Employer, Some(POLICE), 250));
    assert!(dossier.decide(Field::Phone, None, 300));
    assert_eq!((dossier.conflicts(), dossier.value(Field::Phone)), (Fields::NONE, "19900001234"));
    // Said again: still settled. Something else: a new case.
    dossier.hear(&said(POLICE, 400, &details("卓玛", "19900004321")));
    assert_eq!(dossier.conflicts(), Fields::NONE);
    dossier.hear(&said(POLICE, 500, &details("卓玛", "19900009999")));
    assert_eq!(dossier.conflicts(), only(Field::Phone));
    assert!(dossier.decide(Field::Phone, Some(POLICE), 600));
    assert_eq!((dossier.conflicts(), dossier.value(Field::Phone)), (Fields::NONE, "19900009999"));
    // The file that was right before contradicts the decision only when it changes its mind.
    dossier.hear(&said(BUREAU, 700, &details("卓玛", "19900001234")));
    assert_eq!(dossier.conflicts(), Fields::NONE);
    // Both histories are there.
    let values: Vec<&str> =
        dossier.history().iter().filter(|l| l.field == Field::Phone).map(|line| line.value).collect();
    for value in ["19900001234", "19900004321", "19900009999"] {
        assert!(values.contains(&value), "{value}");
    }
}

#[test]
fn bytes_of_another_layout_or_cut_short_are_no_dossier() {
    let dossier = Dossier::begin(&said(BUREAU, 100, &details("卓玛", "19900001234")));
    let bytes = dossier.to_bytes();
    assert!(Dossier::from_bytes(&bytes).is_some_and(|read| read == dossier));
    for length in 0..bytes.len() {
        assert!(Dossier::from_bytes(&bytes[..length]).is_none(), "{length}");
    }
    assert!(Dossier::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
    for layout in [0, 1, 2, 3, 5] {
        assert!(Dossier::from_bytes(&[&[layout], &bytes[1..]].concat()).is_none(), "{layout}");
    }
}

#[test]
fn dossiers_of_the_layouts_before_are_read_and_hear_of_what_was_added() {
    let dossier = Dossier::begin(&said(BUREAU, 100, &details("卓玛", "19900001234")));
    for (layout, fields) in [(1, 8), (2, 9), (3, 10)] {
        let mut old = dossier.clone();
        old.held.truncate(fields);
        for said in &mut old.said {
            said.words.truncate(fields);
        }
        let bytes = postcard::to_extend(&old, vec![layout]).expect("texts and numbers");
        let mut read = Dossier::from_bytes(&bytes).expect("a layout before");
        assert_eq!((read.number(), read.value(Field::Alive)), (dossier.number(), ""));
        let now = Details {
            certificate: "08 E12345678 GBR".to_owned(),
            alive: "1".to_owned(),
            name_script: "སྒྲོལ་མ".to_owned(),
            ..details("卓玛", "19900001234")
        };
        let heard = read.hear(&said(POLICE, 200, &now)).changed;
        assert_eq!(heard, only(Field::Certificate).with(Field::Alive).with(Field::NameScript), "{layout}");
        assert_eq!((read.details().certificate, read.details().alive), (now.certificate, now.alive));
    }
}

#[test]
fn who_is_said_to_be_dead_by_anybody_may_be_until_it_is_decided() {
    let alive = Details { alive: "1".to_owned(), ..details("卓玛", "") };
    let dead = Details { alive: "2".to_owned(), ..alive.clone() };
    let mut dossier = Dossier::begin(&said(BUREAU, 100, &alive));
    assert!(!dossier.may_be(Field::Alive, "2"));
    dossier.hear(&said(POLICE, 200, &dead));
    assert!(dossier.may_be(Field::Alive, "2") && dossier.value(Field::Alive) == "1");
    assert!(dossier.decide(Field::Alive, None, 300) && !dossier.may_be(Field::Alive, "2"));
    assert!(dossier.decide(Field::Alive, Some(POLICE), 400) && dossier.may_be(Field::Alive, "2"));
}

proptest! {
    /// Whatever is said and decided: the bytes read back, no value that was ever said is lost, and a second hearing of
    /// everybody's last words changes nothing.
    #[test]
    fn no_value_is_lost(acts in proptest::collection::vec((1_u32..4, 0_u8..4, 0_u8..4, 0_u8..6), 1..24)) {
        let phone = |n: u8| if n == 0 { String::new() } else { format!("1990000000{n}") };
        let names = ["甲", "乙", "丙", "丁"];
        let mut at = 100;
        let mut dossier: Option<Dossier> = None;
        let mut last: [Option<Details>; 4] = [const { None }; 4];
        let mut spoken: Vec<(Field, String)> = Vec::new();
        for (source, name, number, decision) in acts {
            at += 10;
            let now = details(names[usize::from(name)], &phone(number));
            match &mut dossier {
                None => dossier = Some(Dossier::begin(&said(source, at, &now))),
                Some(dossier) => {
                    dossier.hear(&said(source, at, &now));
                    match decision {
                        0 => { dossier.decide(Field::Phone, None, at + 1); }
                        1 => { dossier.decide(Field::Phone, Some(source), at + 1); }
                        2 => { dossier.decide(Field::Name, Some(source), at + 1); }
                        _ => {}
                    }
                }
            }
            spoken.extend([Field::Name, Field::Phone].map(|field| (field, field.of(&now).to_owned())));
            if let Some(place) = last.get_mut(source as usize) {
                *place = Some(now);
            }
        }
        let mut dossier = dossier.expect("one act at least");
        prop_assert!(Dossier::from_bytes(&dossier.to_bytes()).is_some_and(|read| read == dossier));
        for (field, value) in spoken.iter().filter(|(_, value)| !value.is_empty()) {
            prop_assert!(dossier.history().iter().any(|line| line.field == *field && line.value == value));
        }
        let before = dossier.clone();
        for (source, details) in (0..).zip(&last) {
            if let Some(details) = details {
                dossier.hear(&said(source, at + 100, details));
            }
        }
        prop_assert!(dossier == before);
    }
}
