//! What a person judged is compared with the card: both ways, for purchase, load and refund, killed at every write of the journal.

use card_counter::TerminalError;
use card_counter::journal::{Entry, EntryNumber, Journal as _, RefundState, Shown, Subject};
use card_counter::pin;
use card_counter::refund::Asked;
use card_counter::secret::Pin;
use card_counter::settle::settle;
use card_counter::store::Store;
use card_counter::verify::verify;
use card_sim::fault::{Fault, Moment, Trigger};
use card_sim::noise::Noise;
use settlement::id::{PublicKey, StaffNumber};
use settlement::journal::{Event, State};
use settlement::judgement::{Judgement, Reason};
use settlement::record::Evidence;

use crate::cards;
use crate::dying::{Death, Dying};
use crate::stand::{OPENING, PRICE, Stand, TOP_UP};

const WRITES_MAX: usize = 6;
/// More purchases than the log of a card has records.
const LOG_AND_MORE: u32 = 32;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Purchase,
    Load,
    Refund,
}

/// What the card did, and what a person says that it did.
#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    did: bool,
    said: bool,
}

fn cases() -> impl Iterator<Item = Case> {
    [Kind::Purchase, Kind::Load, Kind::Refund].into_iter().flat_map(|kind| {
        let all = [(true, false), (false, true), (true, true), (false, false)];
        all.map(|(did, said)| Case { kind, did, said })
    })
}

fn torn(stand: &Stand, ins: u8, did: bool) {
    let moment = if did { Moment::After } else { Moment::Before };
    let at = Trigger::instruction(ins, 1);
    Stand::faults(&stand.card, vec![Fault::PowerLoss { at, moment, back_after_ms: None }]);
}

/// Torn at DEBIT or CREDIT, and judged.
fn judged(case: Case) -> (Stand, Entry) {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let lost = match case.kind {
        Kind::Purchase => stand.purchase(&mut store, |stand| torn(stand, 0x2C, case.did)),
        Kind::Load => stand.load_when(&mut store, TOP_UP, |stand| torn(stand, 0x2A, case.did), |_, answer| Ok(answer)),
        Kind::Refund => {
            let paid = stand.purchase(&mut store, |_| {}).expect("paid");
            let order = stand.agree(&mut store, &paid, Asked::Rest).expect("agreed");
            stand.refund(&mut store, &order, |stand| torn(stand, 0x2A, case.did), |_, answer| Ok(answer))
        }
    };
    assert!(matches!(lost, Err(TerminalError::Uncertain { .. })), "{case:?}: {lost:?}");
    Stand::faults(&stand.card, Vec::new());
    let entry = store.entries().expect("reads").pop().expect("an entry");
    let sent = entry.sent.expect("sent");
    let after = entry.draft.subject.balance_after(sent.balance_before).expect("fits");
    let by = StaffNumber::parse("007").expect("a word");
    let judgement = Judgement { done: case.said, by, reason: Reason::parse("till roll").expect("printable") };
    let entry = store.judge(entry.number, after, &judgement).expect("judged");
    assert_eq!(entry.state, if case.said { State::Confirmed } else { State::Reversed });
    (stand, entry)
}

fn tapped_by(stand: &Stand, death: Option<Death>) -> (Result<Vec<Entry>, TerminalError>, bool) {
    let mut journal = Dying::new(stand.store(), death);
    let mut tapped = stand.tapped().expect("the card is back");
    pin::verify(&mut tapped, &Pin::parse(cards::PIN).expect("pin"), false).expect("right PIN");
    let settled = settle(&mut tapped, stand.account(), &mut journal, true);
    (settled, journal.lived())
}

fn entry(stand: &Stand, of: &Entry) -> Entry {
    stand.store().entry(of.number).expect("kept")
}

/// Every record as it was made first: what may have been signed never changes.
fn records(store: &Store) -> Vec<Evidence> {
    store.finished_after(0).expect("reads").iter().map(|entry| entry.to_record().expect("a record").evidence).collect()
}

fn assert_the_card_was_right(stand: &Stand, case: Case, judged: &Entry, what: &str) {
    let now = entry(stand, judged);
    let is_right = case.did == case.said;
    assert_eq!(now.state, if case.did { State::Confirmed } else { State::Reversed }, "{what}");
    assert_eq!(now.shown, Some(if is_right { Shown::Agrees } else { Shown::Contradicts }), "{what}");
    assert_eq!(now.judged, judged.judged, "who and why are kept, {what}");
    // A record of a person stays; one that the card proves is made when nobody made one.
    let evidence = now.to_record().map(|record| record.evidence);
    match (case.did, case.said) {
        (_, true) => assert_eq!(evidence, Some(Evidence::Judged), "{what}"),
        (true, false) => assert!(matches!(evidence, Some(Evidence::Proved { .. })), "{what}: {evidence:?}"),
        (false, false) => assert_eq!(evidence, None, "{what}"),
    }
    let record = now.to_record();
    assert_eq!(
        record.and_then(|record| record.judgement),
        if case.did || case.said { now.judged.clone() } else { None }
    );
    let store = stand.store();
    if let Subject::Refund { refund, .. } = now.draft.subject {
        let order = store.refund(refund).expect("reads").expect("kept");
        assert_eq!(order.state, if case.did { RefundState::Done } else { RefundState::Open }, "{what}");
    }
    let on_card = stand.card.card().inspect().account.expect("an account").personal_account;
    let confirmed = store.entries().expect("reads").into_iter().filter(|entry| entry.state == State::Confirmed);
    let sum: i64 = confirmed
        .map(|entry| {
            let amount = i64::from(entry.draft.subject.on_card());
            if matches!(entry.draft.subject, Subject::Purchase { .. }) { -amount } else { amount }
        })
        .sum();
    assert_eq!(i64::from(on_card), sum, "card and journal, {what}");
}

#[test]
fn the_next_tap_sets_right_what_a_person_judged_wrong_and_asks_once() {
    for case in cases() {
        let what = format!("{case:?}");
        let (stand, judged) = judged(case);
        let (settled, _) = tapped_by(&stand, None);
        let changed = settled.expect("the facts decide");
        assert_eq!(changed.len(), usize::from(case.did != case.said), "{what}");
        assert_the_card_was_right(&stand, case, &judged, &what);
        assert!(tapped_by(&stand, None).0.expect("nothing is open").is_empty(), "asked once, {what}");
    }
}

#[test]
fn a_program_killed_at_any_write_of_the_comparison_ends_as_one_that_lived() {
    for case in cases() {
        for nth in 1..WRITES_MAX {
            let mut lived = true;
            for death in [Death::Before(nth), Death::After(nth)] {
                let what = format!("{case:?} {death:?}");
                let (stand, judged) = judged(case);
                lived = tapped_by(&stand, Some(death)).1;
                let before = records(&stand.store());
                tapped_by(&stand, None).0.expect("the facts decide");
                assert!(records(&stand.store()).starts_with(&before), "a record stays as it was, {what}");
                assert_the_card_was_right(&stand, case, &judged, &what);
            }
            if lived {
                assert!(nth > 1, "{case:?}: {nth}");
                break;
            }
        }
    }
}

#[test]
fn a_judgement_that_the_card_can_no_longer_tell_stands() {
    let (mut stand, judged) = judged(Case { kind: Kind::Purchase, did: false, said: true });
    // Purchases elsewhere: its number is another's, and the log has nothing of it any more.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let here = std::mem::replace(&mut stand.folder, elsewhere);
    let mut store = stand.store();
    for _ in 0..LOG_AND_MORE {
        stand.purchase(&mut store, |_| {}).expect("paid");
    }
    drop(store);
    stand.folder = here;
    assert!(tapped_by(&stand, None).0.expect("no reason to stop").is_empty());
    let now = entry(&stand, &judged);
    assert_eq!((now.state, now.shown), (State::Confirmed, Some(Shown::Silent)));
    let on_card = stand.card.card().inspect().account.expect("an account").personal_account;
    assert_eq!(on_card, OPENING - LOG_AND_MORE * PRICE);
}

#[test]
fn a_card_that_pays_elsewhere_after_a_kill_at_any_write_of_the_comparison_is_not_shut_out() {
    for death in [Death::Before(1), Death::After(1), Death::Before(2)] {
        let (mut stand, judged) = judged(Case { kind: Kind::Purchase, did: false, said: true });
        let _ = tapped_by(&stand, Some(death));
        let elsewhere = tempfile::tempdir().expect("a folder");
        let here = std::mem::replace(&mut stand.folder, elsewhere);
        let mut store = stand.store();
        for _ in 0..LOG_AND_MORE {
            stand.purchase(&mut store, |_| {}).expect("paid");
        }
        drop(store);
        stand.folder = here;
        tapped_by(&stand, None).0.unwrap_or_else(|error| panic!("{death:?}: {error}"));
        assert!(!entry(&stand, &judged).state.blocks_card(), "{death:?}");
    }
}

#[test]
fn a_supervisor_ends_what_a_journal_of_before_left_contradicted() {
    for (said, then) in [(true, true), (true, false), (false, true), (false, false)] {
        let (stand, judged) = judged(Case { kind: Kind::Purchase, did: !said, said });
        let mut store = stand.store();
        // As a program of before left it that was killed between its two writes.
        let open = store.close(judged.number, Event::Contradicts, "against 007").expect("written");
        assert_eq!(open.state, State::Contradicted);
        let told = store.unreported_contradictions("/terminal/v1/records/contradicted").expect("reads");
        assert_eq!(told.len(), usize::from(said), "the centre is told of a record from now on");
        let by = StaffNumber::parse("008").expect("a word");
        let judgement = Judgement { done: then, by, reason: Reason::parse("card lost").expect("printable") };
        let sent = judged.sent.expect("sent");
        let after = judged.draft.subject.balance_after(sent.balance_before).expect("fits");
        let ended = store.judge(judged.number, after, &judgement).expect("a supervisor may");
        assert_eq!(ended.state, if then { State::Confirmed } else { State::Reversed });
        assert_eq!(ended.record.is_some(), said || then, "a record that was made stays");
        if said {
            assert_eq!(ended.to_record().and_then(|record| record.judgement), judged.judged, "as it was made");
        }
        let key = PublicKey([0; 32]);
        assert!(verify(&store, judged.draft.terminal, &key).expect("reads").faults.is_empty(), "{said} {then}");
    }
}

#[test]
fn without_its_pin_a_judged_card_is_not_held_up() {
    let (stand, judged) = judged(Case { kind: Kind::Purchase, did: true, said: false });
    let mut store = stand.store();
    let mut tapped = stand.tapped().expect("taps");
    assert!(settle(&mut tapped, stand.account(), &mut store, false).expect("left for another tap").is_empty());
    assert_eq!(store.entry(judged.number).expect("kept").shown, None);
}

/// Records of the card of which it is asked for its code at the next tap.
fn doubted(stand: &Stand) -> Vec<EntryNumber> {
    let card = stand.tapped().expect("the card is there").identifier;
    stand.store().doubted_of(&card).expect("reads").iter().map(|entry| entry.number).collect()
}

/// A tap with the PIN that sells nothing, with these faults from then on.
fn asked(stand: &Stand, faults: Vec<Fault>) {
    let mut store = stand.store();
    let mut tapped = stand.tapped().expect("the card is there");
    pin::verify(&mut tapped, &Pin::parse(cards::PIN).expect("pin"), false).expect("right PIN");
    Stand::faults(&stand.card, faults);
    settle(&mut tapped, stand.account(), &mut store, true).expect("nothing is open");
    Stand::faults(&stand.card, Vec::new());
}

#[test]
fn a_spoilt_code_that_the_centre_did_not_see_yet_is_asked_for_before_the_card_forgets_it() {
    let mut stand = Stand::new();
    let mut journal = Dying::misreading(stand.store());
    let spoilt = stand.purchase(&mut journal, |_| {}).expect("MAC2 is right");
    drop(journal);
    assert_eq!(doubted(&stand), [spoilt.number], "nothing was uploaded");
    // GET TRANSACTION PROVE, spoilt as well: each answer differently.
    for seed in 0..12 {
        let seed = Noise::new(seed);
        let spoils = Fault::BitErrors { at: Trigger::instruction(0x32, 1), per_million: 60_000, seed };
        asked(&stand, vec![spoils]);
        assert_eq!(doubted(&stand), [spoilt.number], "what was spoilt on its way is not kept");
    }
    let mut store = stand.store();
    let next = stand.purchase(&mut store, |_| {}).expect("paid");
    drop(store);
    assert_eq!(doubted(&stand), [next.number], "the card told the first one's code before its next DEBIT");
    asked(&stand, Vec::new());
    assert_eq!(doubted(&stand), [next.number], "its record has the card's code: nothing is kept");
}
