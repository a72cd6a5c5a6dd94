//! The blacklist as it leaves the centre: signed, whole or as what changed, over the edge and as a file.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use settlement::blacklist::{Held, SignedBlacklist};
use settlement::date::DateTime;
use settlement::id::{CardIdentifier, PublicKey};

use crate::centre::{BLACKLIST, Centre, SIGN_IN, Terminal, issuer, signed_in};

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

/// Brings a backup back into the place of the centre, which is lost.
fn lost_and_restored(centre: &Centre, file: &str, source: &str) -> String {
    let data = centre.data();
    std::fs::rename(&data, data.with_file_name("lost")).expect("moved");
    let restored = Centre::restored(&data, file, source);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let passphrase = "rehearsal.passphrase";
    std::fs::copy(data.with_file_name("lost").join(passphrase), data.join(passphrase)).expect("passphrase");
    String::from_utf8(restored.stdout).expect("text")
}

#[test]
fn a_centre_brought_back_takes_no_card_off_the_lists_of_terminals_and_takes_back_what_they_hold() {
    let mut centre = Centre::with_cards(4);
    let cards: Vec<CardIdentifier> = (1..=4).map(|n| centre.card(n).identifier).collect();
    let add = |card: usize| {
        centre.ok("ma", &["blacklist", "add", &cards[card].to_string(), "--reason", "seen"]);
    };
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(path("secret"), "sixteen invented words\n").expect("passphrase");
    let (file, source) = (path("b"), format!("file:{}", path("secret")));
    let added = issuer(&centre.data(), &["operator", "add", "sun", "--role", "keys", "--role", "manage"]);
    assert!(added.status.success());
    // Until Monday.
    add(0);
    centre.ok("sun", &["backup", "create", &file, "--backup-passphrase", &source]);
    // And after it.
    add(1);
    centre.ok("ma", &["blacklist", "export", "--out", &path("two")]);
    add(2);
    centre.ok("ma", &["blacklist", "remove", &cards[0].to_string(), "--reason", "found"]);
    centre.ok("ma", &["blacklist", "export", "--out", &path("four")]);
    centre.ok("ma", &["blacklist", "export", "--out", &path("changes"), "--since", "1"]);
    centre.ok("ma", &["blacklist", "export", "--out", &path("behind"), "--since", "3"]);
    centre.serve();
    let mut terminal = centre.terminal(1);
    let body = terminal.numbered(signed_in(&terminal));
    let key = terminal.send(SIGN_IN, &body).1["centre_key"].clone();
    let held = open(&fetch(&mut terminal, 0), &key, &Held::default());
    assert_eq!((held.sequence, held.cards.len()), (4, 2));
    centre.kill_server();

    let told = lost_and_restored(&centre, &file, &source);
    let words = ["no blacklist is published", "losses, locks, cancellations", "lost PSAMs", "disabled operators"];
    for word in words.into_iter().chain(["(operator roles)", "(client revoke)"]) {
        assert!(told.contains(word), "{word}: {told}");
    }
    // The terminal is of after the backup.
    centre.serve();
    let mut terminal = centre.terminal(1);
    let body = terminal.numbered(signed_in(&terminal));
    let (status, answer) = terminal.send(SIGN_IN, &body);
    assert_eq!((status, &answer["blacklist_sequence"]), (200, &json!(0)), "nothing newer is there: {answer}");
    let ask = json!({ "version": 1, "terminal": terminal.number, "known_sequence": 4 });
    let (status, answer) = terminal.ask(BLACKLIST, ask);
    assert_eq!((status, &answer["code"]), (503, &json!("BLACKLIST_WITHHELD")), "{answer}");
    let refused = |centre: &Centre, words: &[&str]| -> Value {
        let output = centre.run("ma", words);
        assert_ne!(output.status.code(), Some(0), "{words:?}");
        serde_json::from_slice::<Value>(&output.stderr).expect("an error")["code"].clone()
    };
    assert_eq!(refused(&centre, &["blacklist", "export", "--out", &path("none")]), "BLACKLIST_WITHHELD");
    let tested = issuer(&centre.data(), &["self-test"]);
    let tested = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(tested.contains("look at it BLACKLIST_WITHHELD"), "{tested}");

    // An altered list, another centre's, changes of a list that the backup does not know, one that it knew already.
    let text = std::fs::read_to_string(path("four")).expect("a list");
    std::fs::write(path("altered"), text.replace(&cards[1].to_string(), &cards[3].to_string())).expect("written");
    std::fs::write(path("half"), &text[..100]).expect("written");
    assert_eq!(refused(&centre, &["blacklist", "adopt", &path("altered")]), "BLACKLIST_GAP");
    assert_eq!(refused(&centre, &["blacklist", "adopt", &path("half")]), "FILE_MALFORMED");
    assert_eq!(refused(&centre, &["blacklist", "adopt", &path("behind")]), "BLACKLIST_GAP");
    let stranger = Centre::with_cards(1);
    for _ in 0..2 {
        let card = stranger.card(1).identifier.to_string();
        stranger.ok("ma", &["blacklist", "add", &card, "--reason", "seen"]);
        stranger.ok("ma", &["blacklist", "remove", &card, "--reason", "seen"]);
    }
    stranger.ok("ma", &["blacklist", "export", "--out", &path("foreign")]);
    assert_eq!(refused(&centre, &["blacklist", "adopt", &path("foreign")]), "BLACKLIST_FOREIGN");
    assert_eq!(centre.run("wu", &["blacklist", "adopt", &path("four")]).status.code(), Some(3), "not who clears");

    let adopted = centre.ok("ma", &["blacklist", "adopt", &path("two")]);
    assert_eq!(adopted["taken"][0]["card_identifier"], json!(cards[1].to_string()), "{adopted}");
    // As changes since a list that the backup knows.
    let adopted = centre.ok("ma", &["blacklist", "adopt", &path("changes")]);
    assert_eq!(adopted["taken"][0]["card_identifier"], json!(cards[2].to_string()), "{adopted}");
    assert_eq!(adopted["left"][0]["card_identifier"], json!(cards[0].to_string()), "{adopted}");
    assert_eq!(refused(&centre, &["blacklist", "adopt", &path("four")]), "BLACKLIST_OLDER");
    assert_eq!(refused(&centre, &["blacklist", "adopt", &path("two")]), "BLACKLIST_OLDER");
    let card = cards[3].to_string();
    centre.ok("ma", &["blacklist", "add", &card, "--reason", "reported meanwhile"]);
    assert_eq!(refused(&centre, &["blacklist", "release", "--reason", " "]), "REASON_MISSING");
    let released = centre.ok("ma", &["blacklist", "release", "--reason", "list 4 of the only terminal"]);
    assert_eq!(released["cards"], json!(4));
    assert_eq!(refused(&centre, &["blacklist", "release", "--reason", "again"]), "BLACKLIST_NOT_WITHHELD");
    assert_eq!(refused(&centre, &["blacklist", "adopt", &path("four")]), "BLACKLIST_NOT_WITHHELD");
    // Now the terminal takes a list that has all of them, and a higher number.
    let list = open(&fetch(&mut terminal, 0), &key, &held);
    assert_eq!((list.cards, list.sequence > 10_000), (cards.iter().copied().collect(), true));
    let tested = issuer(&centre.data(), &["self-test"]);
    assert!(!String::from_utf8_lossy(&tested.stdout).contains("BLACKLIST_WITHHELD"));
}

#[test]
fn a_loss_reported_again_after_a_restoration_ends_as_any_other_and_one_that_became_formal_is_named() {
    let centre = Centre::with_cards(5);
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(path("secret"), "sixteen invented words\n").expect("passphrase");
    let (file, source) = (path("b"), format!("file:{}", path("secret")));
    for (name, roles) in [("kou", &["--role", "counter"][..]), ("sun", &["--role", "keys", "--role", "manage"])] {
        assert!(issuer(&centre.data(), &[&["operator", "add", name], roles].concat()).status.success());
    }
    let moved = |centre: &Centre, step: &[&str], card: u8| {
        let number = format!("A{card:08}");
        let reason = if step[0] == "activate" { &[][..] } else { &["--reason", "told by telephone"] };
        centre.ok("kou", &[&["card"], step, &[number.as_str()], reason].concat());
    };
    let on = |centre: &Centre| -> BTreeSet<String> {
        let list = centre.ok("ma", &["blacklist", "list"]);
        let each = list["entries"].as_array().expect("entries").iter();
        each.map(|entry| entry["card_identifier"].as_str().expect("a card").to_owned()).collect()
    };
    let cards = |of: &[u8]| of.iter().map(|n| centre.card(*n).identifier.to_string()).collect::<BTreeSet<_>>();
    let temporary = ["report-loss", "--temporary"];
    // On Sunday one is lost for a week; on Monday for good, a second one for a week, a third one is locked, two are listed by hand.
    moved(&centre, &temporary, 1);
    centre.ok("sun", &["backup", "create", &file, "--backup-passphrase", &source]);
    moved(&centre, &["report-loss", "--formal"], 1);
    moved(&centre, &temporary, 2);
    moved(&centre, &["lock"], 3);
    let [fourth, fifth] = [4, 5].map(|card| centre.card(card).identifier.to_string());
    for card in [&fourth, &fifth] {
        centre.ok("ma", &["blacklist", "add", card, "--reason", "seen"]);
    }
    centre.ok("ma", &["blacklist", "export", "--out", &path("list")]);
    lost_and_restored(&centre, &file, &source);

    let adopted = centre.ok("ma", &["blacklist", "adopt", &path("list")]);
    assert_eq!(adopted["taken"].as_array().expect("taken").len(), 4, "{adopted}");
    let ending: Vec<_> =
        adopted["ending"].as_array().expect("named").iter().map(|of| of["card_number"].clone()).collect();
    assert_eq!((ending, &adopted["ending"][0]["state"]), (vec![json!("A00000001")], &json!("temporary_loss")));
    // Reported again as the handbook says, they end as they would have.
    moved(&centre, &temporary, 2);
    moved(&centre, &["lock"], 3);
    assert_eq!(on(&centre), cards(&[1, 2, 3, 4, 5]));
    moved(&centre, &["release"], 2);
    moved(&centre, &["unlock"], 3);
    assert_eq!(on(&centre), cards(&[1, 4, 5]), "nobody has to think of two more words");
    // Somebody remembers that one was listed by hand, and says so; the list is published. What stands on it then stays through a loss.
    let add = ["blacklist", "add", &fourth, "--reason", "seen on Monday"];
    centre.ok("ma", &add);
    assert_eq!(centre.run("ma", &add).status.code(), Some(3), "it is an operator's own now");
    moved(&centre, &temporary, 4);
    moved(&centre, &["release"], 4);
    centre.ok("ma", &["blacklist", "release", "--reason", "the list of the only terminal"]);
    moved(&centre, &temporary, 5);
    moved(&centre, &["release"], 5);
    assert_eq!(on(&centre), cards(&[1, 4, 5]));
    // What nobody reported again stays until somebody takes it off; what was listed by hand here stays through a loss.
    let second = centre.card(2).identifier.to_string();
    centre.ok("ma", &["blacklist", "add", &second, "--reason", "seen"]);
    moved(&centre, &temporary, 2);
    moved(&centre, &["release"], 2);
    assert_eq!(on(&centre), cards(&[1, 2, 4, 5]));
    for card in [&fourth, &fifth] {
        centre.ok("ma", &["blacklist", "remove", card, "--reason", "was a mistake"]);
    }
    assert_eq!(on(&centre), cards(&[1, 2]));
}
