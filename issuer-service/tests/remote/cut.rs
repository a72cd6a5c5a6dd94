//! A day of two stations; a line that breaks before and after every message, and the next run that goes on.

use std::sync::Arc;

use issuer_service::error::Explain;
use issuer_service::exit::Exit;
use issuer_service::station::failure::StationError;
use issuer_service::station::line_failure::LineError;

use crate::hall::{Hall, Lost, Place, Seen, Tapped, https, run};
use crate::rig::blank;
use crate::sweep;

#[test]
fn two_stations_make_a_batch_and_no_card_twice() {
    let mut hall = Hall::new(6);
    let (east, west, third) = (hall.place("east"), hall.place("west"), hall.place("third"));
    let (east, west) = std::thread::scope(|scope| {
        let (base, events) = (&hall.base, &hall.rig.events);
        let work = move |place: &Place, first: u8| {
            let cards = vec![vec![blank(first), blank(first + 1)], vec![blank(first + 2)]];
            run(base, events, place, Box::new(https(base, place)), cards)
        };
        let east = scope.spawn(move || work(&east, 1));
        let west = scope.spawn(move || work(&west, 11));
        (east.join().expect("east").expect("run"), west.join().expect("west").expect("run"))
    });
    assert_eq!((east.spoilt, west.spoilt), (0, 0));
    assert!((1..=3).contains(&east.made) && (1..=3).contains(&west.made), "{east:?} {west:?}");
    // Who found that every job left was on lease to the other ended early.
    let rest = 6 - east.made - west.made;
    let spare: Vec<_> = (21..=26).map(blank).collect();
    let later = hall.run(&third, Box::new(hall.https(&third)), vec![spare]).expect("run");
    assert_eq!((later.made, later.left), (rest, 0));
    let at = |name| hall.rig.count(&format!("SELECT COUNT(*) FROM receipt WHERE body LIKE '%\"station\":\"{name}\"%'"));
    let count = |made: u64| i64::try_from(made).expect("few");
    assert_eq!((at("east"), at("west")), (count(east.made), count(west.made)));
    hall.rig.assert_complete(6, 0);
    let signed = "SELECT COUNT(*) FROM audit_checkpoint c JOIN audit a ON a.sequence = c.sequence AND a.hash = c.hash
                  JOIN audit b ON b.sequence = a.sequence - 1 WHERE a.act = 'audit.checkpoint' AND b.act = 'batch.finish'";
    assert_eq!(hall.rig.count(signed), 1, "the centre signs the end of a batch that was made elsewhere");
    let told = hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'card.make' AND detail LIKE '%at station east'");
    assert_eq!(told, at("east"));
}

#[test]
fn a_line_that_breaks_before_or_after_any_message_leaves_a_card_that_the_next_run_finishes() {
    let mut hall = Hall::new(250);
    let place = hall.place("east");
    let tapped = |cut, seen: &Arc<Seen>| Tapped { line: hall.https(&place), cut, seen: Arc::clone(seen) };
    let seen = Arc::new(Seen::default());
    hall.run(&place, Box::new(tapped(None, &seen)), vec![vec![blank(1)]]).expect("run");
    let messages = seen.count();
    assert!((70..120).contains(&messages), "{messages}");
    let (mut made, mut serial) = (1, 1);
    for lost in [Lost::Before, Lost::After] {
        for at in (1..=messages).step_by(sweep::stride(3, 6)) {
            serial += 1;
            let card = blank_of(serial);
            let seen = Arc::new(Seen::default());
            let first = hall.run(&place, Box::new(tapped(Some((at, lost)), &seen)), vec![vec![card.clone()]]);
            // After the last answer nothing more is asked: a run may end well over a line that has just broken.
            if let Err(error) = &first {
                assert!(matches!(error, StationError::Line(LineError::Unreachable { .. })), "{lost:?} {at} {error}");
                assert_eq!(error.exit(), Exit::Peer);
            }
            let called_made = hall.rig.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'");
            assert!((made..=made + 1).contains(&called_made), "{lost:?} {at}");
            hall.run(&place, Box::new(hall.https(&place)), vec![vec![card.clone()]]).expect("the next run");
            made += 1;
            assert_eq!(hall.rig.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), made, "{lost:?} {at}");
            assert_eq!(hall.rig.count("SELECT COUNT(*) FROM job WHERE state = 'writing'"), 0, "{lost:?} {at}");
            assert!(card.card().inspect().keys.values().all(|key| key.tries_left == 3), "{lost:?} {at}");
            let journal = std::fs::read_to_string(place.path().join("station.journal")).expect("journal");
            let sent = journal.lines().filter(|line| line.starts_with("send ")).count();
            assert_eq!(sent, journal.lines().filter(|line| line.starts_with("done ")).count(), "{journal}");
        }
    }
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM card"), made, "no chip is bound in vain");
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM receipt"), made);
    let files = std::fs::read_dir(place.path().join("receipts")).expect("receipts").count();
    assert_eq!(i64::try_from(files).expect("few"), made, "each receipt came to the station");
}

/// More blank cards than a byte counts.
fn blank_of(serial: u16) -> card_sim::Socket {
    let [high, low] = serial.to_be_bytes();
    let profile = issuer_service::centre::Centre::card_profile();
    let key = card_core::key::Key16::new(card_profiles::rehearsal::TRANSPORT_KEY);
    let card = card_sim::Card::factory(&profile, [0x51, 0x33, 1, 0, high, low], &key);
    card_sim::Socket::new(card.expect("a card of the profile"))
}
