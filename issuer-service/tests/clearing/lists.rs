//! The blacklist as it leaves the centre: signed, whole or as what changed, over the edge and as a file.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use settlement::blacklist::{Held, SignedBlacklist};
use settlement::date::DateTime;
use settlement::id::{CardIdentifier, PublicKey};

use crate::centre::{BLACKLIST, Centre, SIGN_IN, Terminal, signed_in};

fn fetch(terminal: &mut Terminal, since: u64) -> SignedBlacklist {
    let ask = json!({ "version": 1, "terminal": terminal.number, "known_sequence": since });
    let (status, answer) = terminal.ask(BLACKLIST, ask);
    assert_eq!(status, 200, "{answer}");
    SignedBlacklist::parse(&answer["list"].to_string()).expect("a list")
}

fn open(list: &SignedBlacklist, key: &Value, held: &Held) -> Held {
    let key = PublicKey::parse(key.as_str().expect("a key")).expect("hex");
    let now = list.issued_at;
    list.open(&key, held, now, now).expect("signed by the centre")
}

#[test]
fn what_changed_since_any_list_leads_to_the_list_that_the_centre_keeps() {
    let mut centre = Centre::with_cards(4);
    centre.serve();
    let mut terminal = centre.terminal(1);
    let body = terminal.numbered(signed_in(&terminal));
    let key = terminal.send(SIGN_IN, &body).1["centre_key"].clone();
    let cards: Vec<CardIdentifier> = (1..=4).map(|n| centre.card(n).identifier).collect();
    let mut held = vec![Held::default()];
    let mut on: BTreeSet<CardIdentifier> = BTreeSet::new();
    for (act, card) in [("add", 0), ("add", 1), ("remove", 0), ("add", 2), ("add", 0), ("remove", 1), ("add", 3)] {
        centre.ok("ma", &["blacklist", act, &cards[card].to_string(), "--reason", "seen"]);
        if act == "add" {
            on.insert(cards[card])
        } else {
            on.remove(&cards[card])
        };
        for earlier in &held {
            let list = fetch(&mut terminal, earlier.sequence);
            assert_eq!(list.since, earlier.sequence);
            assert_eq!(open(&list, &key, earlier).cards, on, "{act} since {}", earlier.sequence);
        }
        held.push(open(&fetch(&mut terminal, 0), &key, &Held::default()));
    }
    assert_eq!(held.len(), 8);
    // A terminal that holds more than this centre has ever given gets the whole list.
    assert_eq!(fetch(&mut terminal, 99).since, 0);
}

#[test]
fn a_file_is_a_whole_list_or_the_one_before_and_says_until_when_it_is_good() {
    let centre = Centre::with_cards(2);
    let file = centre.data().join("list.json");
    let out = file.display().to_string();
    assert_eq!(centre.run("wu", &["blacklist", "export", "--out", &out]).status.code(), Some(3), "not who clears");
    assert!(!file.exists());
    let first = centre.ok("ma", &["blacklist", "export", "--out", &out]);
    assert_eq!((&first["sequence"], &first["cards"]), (&json!(0), &json!(0)));
    let card = centre.card(1).identifier;
    centre.ok("ma", &["blacklist", "add", &card.to_string(), "--reason", "seen"]);
    // Killed between the file aside and its name, the old list stands; the next run goes on as if nothing had been.
    std::fs::write(centre.data().join("list.json.new"), "{\"version\":1,\"cen").expect("half a file");
    let toml = centre.data().join("centre.toml");
    let text = std::fs::read_to_string(&toml).expect("configuration");
    std::fs::write(&toml, text + "\n[blacklist]\nvalid_hours = 5\n").expect("written");
    let exported = centre.ok("ma", &["blacklist", "export", "--out", &out]);
    assert!(!centre.data().join("list.json.new").exists());
    let list = SignedBlacklist::parse(&std::fs::read_to_string(&file).expect("a file")).expect("a list");
    let opened = open(&list, &exported["centre_key"], &Held::default());
    assert_eq!((opened.sequence, opened.cards), (1, BTreeSet::from([card])));
    let hour = |at: DateTime| -> u64 { at.to_string()[8..10].parse().expect("digits") };
    assert_eq!((hour(list.valid_until) + 24 - hour(list.issued_at)) % 24, 5);
    let missing = centre.data().join("nowhere/list.json").display().to_string();
    let refused = centre.run("ma", &["blacklist", "export", "--out", &missing]);
    assert_eq!(refused.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("FILE_NOT_WRITTEN"));
    let since = centre.ok("ma", &["blacklist", "export", "--out", &out, "--since", "1"]);
    assert_eq!((&since["since"], &since["cards"]), (&json!(1), &json!(1)));
}
