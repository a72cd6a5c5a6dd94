//! Power lost before, inside and after every command; the journal failing at every entry; then the run goes on.

use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use issuer_service::station::failure::StationError;

use crate::rig::{Desk, Rig, blank, blank_of_many};
use crate::sweep;

const INSIDE: Moment = Moment::Inside { write: 0, half: true };

/// Commands of a whole personalization.
fn commands() -> u64 {
    let (rig, card) = (Rig::new(1), blank(1));
    let far = u64::from(u32::MAX);
    card.card().set_faults(FaultPlan::new(vec![Fault::Mute { at: Trigger::command(far) }])).expect("faults");
    rig.run(vec![vec![card.clone()]]).expect("run");
    let left = match card.card().faults().faults() {
        [Fault::Mute { at }] => at.nth,
        other => panic!("{other:?}"),
    };
    far - left
}

fn pull(nth: u64, moment: Moment) -> FaultPlan {
    FaultPlan::new(vec![Fault::PowerLoss { at: Trigger::command(nth), moment, back_after_ms: None }])
}

/// All points of a sweep in one database, people and a batch for each: making the tables anew takes a server longer than all the rest.
fn pulled_and_put_back(moment: Moment) {
    let commands = commands();
    assert!(commands > 80, "{commands}");
    let (mut rig, mut made) = (Rig::new(1), 0);
    for nth in (1..=commands).step_by(sweep::stride(1, 8)) {
        if made > 0 {
            rig.again(1);
        }
        made += 1;
        let card = blank_of_many(made);
        card.card().set_faults(pull(nth, moment)).expect("faults");
        // Pulled before it was bound, it counts as never seen and comes again.
        let summary = rig.run(vec![vec![card.clone(), card.clone()]]).expect("run");
        assert_eq!((summary.made, summary.spoilt, summary.left), (1, 0, 0), "{nth} {:?}", rig.events.names());
        rig.assert_complete(made.into(), 0);
        assert!(card.card().inspect().keys.values().all(|key| key.tries_left == 3), "{nth}");
    }
}

#[test]
fn a_card_pulled_before_any_command_and_put_back_is_finished_as_the_same_card() {
    pulled_and_put_back(Moment::Before);
}

#[test]
fn a_card_pulled_inside_any_command_and_put_back_is_finished_as_the_same_card() {
    pulled_and_put_back(INSIDE);
}

#[test]
fn a_card_pulled_after_any_command_and_put_back_is_finished_as_the_same_card() {
    pulled_and_put_back(Moment::After);
}

#[test]
fn a_station_killed_at_any_command_goes_on_with_the_same_card_in_the_next_run() {
    let (mut rig, mut made, commands) = (Rig::new(2), 0, commands());
    for moment in [Moment::Before, INSIDE, Moment::After] {
        for nth in (1..=commands).step_by(sweep::stride(3, 18)) {
            if made > 0 {
                rig.again(2);
            }
            let (card, other) = (blank_of_many(made + 1), blank_of_many(made + 2));
            made += 2;
            card.card().set_faults(pull(nth, moment)).expect("faults");
            // The run ends with the card away: the hopper is empty and the desk does not give it back.
            let first = rig.run_slots(vec![Box::new(Vanishing(Desk::new(0, vec![card.clone()]), 1))]).expect("run");
            assert_eq!(first.made, 0, "{moment:?} {nth}");
            // The other card comes first: it must not take over the job of the one that is away.
            let second = rig.run(vec![vec![other, card]]).expect("run");
            assert_eq!((second.made, second.spoilt, second.left), (2, 0, 0), "{moment:?} {nth}");
            rig.assert_complete(made.into(), 0);
        }
    }
}

#[test]
fn a_batch_whose_cards_lose_power_at_random_commands_makes_every_card_once() {
    let commands = commands();
    for seed in 1..=6_u64 {
        let mut draw = seed;
        let mut below = |bound: u64| {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (draw >> 33) % bound
        };
        let rig = Rig::new(12);
        let mut desk = |first: u8| -> Vec<_> {
            let mut cards = Vec::new();
            for serial in first..first + 6 {
                let card = blank(serial);
                let losses = (0..below(4)).map(|_| {
                    let moment =
                        [Moment::Before, INSIDE, Moment::After][usize::try_from(below(3)).expect("below three")];
                    Fault::PowerLoss { at: Trigger::command(1 + below(commands)), moment, back_after_ms: None }
                });
                card.card().set_faults(FaultPlan::new(losses.collect())).expect("faults");
                // Pulled before it was bound, it counts as never seen and comes again.
                cards.extend([card.clone(), card]);
            }
            // In place of cards whose tries of a key the losses used up.
            cards.extend((first + 6..first + 12).map(blank));
            cards
        };
        let summary = rig.run(vec![desk(1), desk(21)]).expect("run");
        assert_eq!((summary.made, summary.left), (12, 0), "seed {seed}: {:?}", rig.events.names());
        let (pulled, spoilt) = (rig.events.count("pulled"), i64::try_from(summary.spoilt).expect("few"));
        assert!(pulled > 0, "seed {seed}: no card lost power");
        assert!(summary.spoilt * 3 <= pulled.try_into().expect("few"), "seed {seed}: a card was given up too early");
        rig.assert_complete(12, spoilt);
    }
}

#[test]
fn a_journal_that_fails_at_any_entry_stops_the_station_and_nothing_is_lost() {
    let whole = Rig::new(1);
    whole.run(vec![vec![blank(1)]]).expect("run");
    let entries = whole.count("SELECT COUNT(*) FROM station_journal");
    // Intent and outcome: what the card can tell by itself is not written down at once.
    assert_eq!(entries, 2);
    for entry in 0..entries {
        let (rig, card) = (Rig::new(1), blank(1));
        rig.refuse("station_journal", &format!("(SELECT COUNT(*) FROM station_journal) = {entry}"));
        let failed = rig.run(vec![vec![card.clone()]]);
        assert!(matches!(failed, Err(StationError::Store(_))), "{entry}");
        rig.take_again();
        if entry == 0 {
            // Without its intent in the journal the card is untouched.
            assert!(card.card().inspect().keys["SSSE.UKSSSE"].version.is_none());
        }
        let summary = rig.run(vec![vec![card]]).expect("run");
        assert_eq!((summary.made, summary.left), (1, 0), "{entry}");
        rig.assert_complete(1, 0);
    }
}

#[test]
fn an_audit_log_that_cannot_be_written_stops_the_card_from_being_called_done() {
    let (rig, card) = (Rig::new(1), blank(1));
    rig.refuse("audit", "NEW.act = 'card.make'");
    assert!(matches!(rig.run(vec![vec![card.clone()]]), Err(StationError::Store(_))));
    assert_eq!(rig.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), 0);
    assert_eq!(rig.count("SELECT COUNT(*) FROM receipt"), 0);
    rig.take_again();
    rig.run(vec![vec![card]]).expect("run");
    rig.assert_complete(1, 0);
}

/// A desk that gives its card so many times.
struct Vanishing(Desk, u32);

impl issuer_service::station::slot::Slot for Vanishing {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn card(
        &mut self,
        wait: std::time::Duration,
    ) -> Result<Option<Box<dyn card_core::Transport>>, card_core::TransportError> {
        self.1 = match self.1.checked_sub(1) {
            Some(left) => left,
            None => return Ok(None),
        };
        self.0.card(wait)
    }

    fn emptied(&mut self, wait: std::time::Duration) -> Result<bool, card_core::TransportError> {
        self.0.emptied(wait)
    }

    fn next(&mut self, wait: std::time::Duration) -> Result<bool, card_core::TransportError> {
        self.0.next(wait)
    }

    fn feeds(&self) -> bool {
        true
    }
}
