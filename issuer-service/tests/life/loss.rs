//! Periods of loss: they end by themselves on their day, not before, once.

use issuer_service::batch::Selection;
use issuer_service::card::life::Moved;
use issuer_service::clock;
use issuer_service::store::StoreError;

use super::desk::{CLERK, Desk, MAKER};

#[test]
fn a_temporary_loss_ends_on_its_day_by_the_due_run_and_the_blacklist_follows() {
    let mut desk = Desk::new(3);
    let numbers: Vec<String> = (1..=3).map(|job| desk.number(job)).collect();
    desk.ok(CLERK, &["card", "activate", "--batch", "1"]);
    for number in &numbers {
        desk.ok(CLERK, &["card", "report-loss", "--temporary", number, "--reason", "lost"]);
    }
    let today = clock::today();
    let shown = desk.ok(CLERK, &["card", "show", &numbers[0]]);
    let week = today.saturating_add(time::Duration::days(7));
    assert_eq!(shown["release_on"].as_str(), Some(clock::compact(week).as_str()));
    assert_eq!(desk.ok(CLERK, &["card", "due"])["cards"].as_array().map(Vec::len), Some(0), "nothing is due");

    let yesterday = today.previous_day().expect("a day");
    let tomorrow = today.next_day().expect("a day");
    let days = [today, yesterday, tomorrow].map(clock::compact);
    for (job, day) in (1..).zip(&days) {
        period_ends_on(&mut desk, job, day);
    }
    // A clock that jumped releases nothing until somebody says that it is right.
    crate::ask::ask(&desk.data(), "UPDATE centre SET value = '1767225600' WHERE name = 'clock_mark'")
        .expect("long ago");
    assert_eq!(desk.refused(CLERK, &["card", "due"], 3), "CLOCK_AHEAD_OF_LOG");
    assert_eq!(desk.refused(CLERK, &["card", "lock", &numbers[2], "--reason", "asked"], 3), "CLOCK_AHEAD_OF_LOG");
    assert_eq!(desk.refused(CLERK, &["card", "due"], 3), "CLOCK_AHEAD_OF_LOG", "no other act leads to it");
    assert_eq!(desk.state(&numbers[0]), "temporary_loss");
    desk.ok(CLERK, &["audit", "clock", "--reason", "three days of feast"]);
    let due = desk.ok(CLERK, &["card", "due"]);
    let released: Vec<&str> =
        due["cards"].as_array().expect("cards").iter().filter_map(|card| card["card_number"].as_str()).collect();
    assert_eq!(released, [numbers[0].as_str(), numbers[1].as_str()]);
    let states: Vec<String> = numbers.iter().map(|number| desk.state(number)).collect();
    assert_eq!(states, ["normal", "normal", "temporary_loss"]);
    assert!(!desk.listed(&numbers[0]) && desk.listed(&numbers[2]));
    assert_eq!(desk.ok(CLERK, &["card", "due"])["cards"].as_array().map(Vec::len), Some(0), "once");
    assert_eq!(desk.refused("ma", &["card", "due"], 3), "OPERATOR_ROLE_MISSING");
}

#[test]
fn a_card_that_expired_while_it_was_lost_is_not_put_into_use_again() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &number]);
    desk.ok(CLERK, &["card", "report-loss", "--temporary", &number, "--reason", "lost"]);
    let yesterday = clock::compact(clock::today().previous_day().expect("a day"));
    crate::ask::ask(&desk.data(), &format!("UPDATE card SET valid_until = '{yesterday}'")).expect("expired");
    assert_eq!(desk.refused(CLERK, &["card", "release", &number, "--reason", "found"], 3), "CARD_EXPIRED");
    period_ends_on(&mut desk, 1, &yesterday);
    assert_eq!(desk.ok(CLERK, &["card", "due"])["cards"].as_array().map(Vec::len), Some(0));
    assert_eq!(desk.state(&number), "temporary_loss");
    assert!(desk.listed(&number));
}

#[test]
fn a_loss_does_not_end_while_another_card_is_asked_for_because_of_it() {
    let mut desk = Desk::new(2);
    desk.site("formal_loss_revocable = true");
    let [number, other] = [1, 2].map(|job| desk.number(job));
    let lost = ["request", "new", "--person", "1", "--kind", "lost"];
    assert_eq!(desk.ok(MAKER, &["request", "new", "--person", "2", "--kind", "lost"])["state"], "open", "sealed yet");
    desk.ok(CLERK, &["card", "activate", &number]);
    assert_eq!(desk.refused(MAKER, &lost, 3), "REQUEST_LOSS_UNREPORTED");
    desk.ok(CLERK, &["card", "lock", &number, "--reason", "asked"]);
    assert_eq!(desk.refused(MAKER, &lost, 3), "REQUEST_LOSS_UNREPORTED", "unlocked, it would pay");
    desk.ok(CLERK, &["card", "unlock", &number, "--reason", "asked"]);
    desk.ok(CLERK, &["card", "report-loss", "--temporary", &number, "--reason", "lost"]);
    let request = desk.ok(MAKER, &lost)["number"].to_string();
    let yesterday = clock::compact(clock::today().previous_day().expect("a day"));
    period_ends_on(&mut desk, 1, &yesterday);
    let release = ["card", "release", &number, "--reason", "found"];
    let stays = |desk: &mut Desk, when: &str| {
        assert_eq!(desk.ok(CLERK, &["card", "due"])["cards"].as_array().map(Vec::len), Some(0), "{when}");
        assert_eq!(desk.refused(CLERK, &release, 3), "CARD_REPLACEMENT_ASKED", "{when}");
        assert_eq!((desk.state(&number).as_str(), desk.listed(&number)), ("temporary_loss", true), "{when}");
    };
    stays(&mut desk, "asked for");
    desk.ok(MAKER, &["request", "withdraw", &request, "--reason", "found"]);
    desk.ok(CLERK, &release);
    desk.ok(CLERK, &["card", "report-loss", "--temporary", &number, "--reason", "lost"]);
    let again = desk.ok(MAKER, &lost)["number"].as_i64().expect("a number");
    period_ends_on(&mut desk, 1, &yesterday);
    let new = desk.make(&Selection::Requests(vec![again])).remove(0);
    stays(&mut desk, "made and sealed");
    desk.ok(CLERK, &["card", "activate", &new]);
    assert_eq!((desk.state(&number).as_str(), desk.state(&other).as_str()), ("cancelled", "sealed"));
}

#[test]
fn a_locked_card_is_reported_lost_and_a_sealed_one_is_cancelled() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    let report = |kind| ["card", "report-loss", kind, &number, "--reason", "lost in the post"];
    for kind in ["--temporary", "--formal"] {
        assert_eq!(desk.refused(CLERK, &report(kind), 3), "CARD_MOVE_UNKNOWN");
        let told = String::from_utf8_lossy(&desk.run(CLERK, &report(kind)).stderr).into_owned();
        assert!(told.contains("issuer card cancel"), "{told}");
    }
    desk.ok(CLERK, &["card", "activate", &number]);
    desk.ok(CLERK, &["card", "lock", &number, "--reason", "asked"]);
    let told = String::from_utf8_lossy(&desk.run(CLERK, &report("--temporary")).stderr).into_owned();
    assert!(told.contains("report-loss --formal"), "{told}");
    desk.ok(CLERK, &report("--formal"));
    assert_eq!((desk.state(&number).as_str(), desk.listed(&number)), ("formal_loss", true));
}

#[test]
fn a_formal_loss_does_not_end_by_itself_and_is_irrevocable_unless_the_site_says_otherwise() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &number]);
    desk.ok(CLERK, &["card", "report-loss", "--temporary", &number, "--reason", "lost"]);
    period_ends_on(&mut desk, 1, "20260101");
    desk.ok(CLERK, &["card", "report-loss", "--formal", &number, "--reason", "not found"]);
    assert_eq!(desk.ok(CLERK, &["card", "due"])["cards"].as_array().map(Vec::len), Some(0));
    assert_eq!(desk.refused(CLERK, &["card", "release", &number, "--reason", "found"], 3), "CARD_MOVE_REMOVED");
    desk.site("formal_loss_revocable = true");
    desk.ok(CLERK, &["card", "release", &number, "--reason", "found"]);
    assert_eq!(desk.state(&number), "normal");
}

#[test]
fn the_words_at_the_counter_are_chinese_and_english() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &number]);
    for (lang, word) in [("zh", "卡处于“正常”状态，不能解锁"), ("en", "the card is in state normal: it cannot unlock")]
    {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"))
            .args(["--lang", lang, "--operator", CLERK, "--data"])
            .arg(desk.data())
            .args(["card", "unlock", &number, "--reason", "x"])
            .output()
            .expect("the program");
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(told.contains(word) && told.contains("CARD_MOVE_UNKNOWN"), "{told}");
    }
}

/// As if the loss had been reported long ago: its newest move says another day.
fn period_ends_on(desk: &mut Desk, job: i64, day: &str) {
    desk.centre()
        .store
        .journal(|tx| -> Result<(), StoreError> {
            let last = tx.last_card_move(job)?.expect("a move");
            let sequence = tx.next_card_move()?;
            tx.add_card_move(&Moved { sequence, release_on: Some(day.to_owned()), ..last })
        })
        .expect("moved");
}
