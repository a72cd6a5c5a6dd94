//! Cards that fail, cards that do not belong, readers that see only bad cards.

use card_sim::Socket;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use issuer_service::batch::{self, JobState};
use issuer_service::station::slot::Slot;

use crate::rig::{Desk, Rig, blank};

pub(crate) fn lemon(serial: u8, after_writes: u64) -> Socket {
    let card = blank(serial);
    card.card().set_faults(FaultPlan::new(vec![Fault::Lemon { after_writes }])).expect("faults");
    card
}

#[test]
fn a_lemon_is_spoilt_with_its_number_and_the_person_gets_another_card_and_number() {
    for after_writes in [0, 1, 7, 40, 90, 150] {
        let rig = Rig::new(2);
        let summary = rig.run(vec![vec![lemon(1, after_writes), blank(2), blank(3)]]).expect("run");
        assert_eq!((summary.made, summary.spoilt, summary.left), (2, 1, 0), "{after_writes}");
        rig.assert_complete(2, 1);
        // The spoilt number is on no sealed card, and the spoilt chip belongs to nobody else.
        let again = "SELECT COUNT(*) FROM card c JOIN card_number n ON n.number = c.card_number
                     WHERE c.state = 'sealed' AND n.state <> 'used'";
        assert_eq!(rig.count(again), 0);
    }
}

#[test]
fn a_spoilt_chip_and_a_made_one_are_refused_when_they_come_again() {
    let rig = Rig::new(2);
    let (bad, good) = (lemon(1, 5), blank(2));
    let summary = rig.run(vec![vec![bad.clone(), good.clone(), bad, good, blank(3)]]).expect("run");
    assert_eq!((summary.made, summary.spoilt, rig.events.count("refused")), (2, 1, 2));
    rig.assert_complete(2, 1);
}

#[test]
fn a_card_of_another_centre_is_refused_untouched() {
    let (first, second) = (Rig::new(1), Rig::new(1));
    let card = blank(1);
    first.run(vec![vec![card.clone()]]).expect("run");
    let before = card.card().inspect();
    let summary = second.run(vec![vec![card.clone(), blank(2)]]).expect("run");
    assert_eq!((summary.made, second.events.count("refused")), (1, 1));
    assert_eq!(card.card().inspect(), before);
}

#[test]
fn another_card_in_place_of_a_pulled_one_is_refused_for_its_job() {
    let rig = Rig::new(1);
    let (card, other) = (blank(1), blank(2));
    let loss = Fault::PowerLoss { at: Trigger::command(60), moment: Moment::After, back_after_ms: None };
    card.card().set_faults(FaultPlan::new(vec![loss])).expect("faults");
    let desk = Swapping { desk: Desk::new(0, vec![card.clone()]), seen: 0, others: vec![card, other.clone()] };
    let summary = rig.run_slots(vec![Box::new(desk)]).expect("run");
    assert_eq!((summary.made, summary.spoilt), (1, 0));
    assert_eq!(rig.events.names(), ["begun", "pulled", "wrong-card", "returned", "made"]);
    assert!(other.card().inspect().keys["SSSE.UKSSSE"].version.is_none(), "the other card is untouched");
}

#[test]
fn a_card_that_is_lost_half_written_is_declared_lost_and_made_again() {
    let mut rig = Rig::new(1);
    let card = blank(1);
    card.card().set_faults(FaultPlan::new(vec![Fault::Mute { at: Trigger::command(50) }])).expect("faults");
    let summary = rig.run(vec![vec![card]]).expect("run");
    assert_eq!((summary.made, summary.left, summary.unfinished.as_slice()), (0, 1, &[1_i64][..]));
    batch::declare_lost(&mut rig.centre.store, 1, 1, Some("sun"), 'A').expect("declared");
    let waiting = rig.centre.store.read(|tx| tx.jobs(1, JobState::Waiting)).expect("jobs");
    assert_eq!(waiting, [2]);
    rig.run(vec![vec![blank(2)]]).expect("run");
    rig.assert_complete(1, 1);
}

/// A desk whose card is swapped for another while the station waits, and put back afterwards.
struct Swapping {
    desk: Desk,
    seen: u32,
    others: Vec<Socket>,
}

impl Slot for Swapping {
    fn name(&self) -> &str {
        self.desk.name()
    }

    fn card(
        &mut self,
        wait: std::time::Duration,
    ) -> Result<Option<Box<dyn card_core::Transport>>, card_core::TransportError> {
        self.seen += 1;
        if self.seen > 1
            && let Some(card) = self.others.pop()
        {
            self.desk = Desk::new(0, vec![card]);
        }
        self.desk.card(wait)
    }

    fn emptied(&mut self, wait: std::time::Duration) -> Result<bool, card_core::TransportError> {
        self.desk.emptied(wait)
    }

    fn next(&mut self, wait: std::time::Duration) -> Result<bool, card_core::TransportError> {
        self.desk.next(wait)
    }

    fn feeds(&self) -> bool {
        false
    }
}

#[test]
fn a_blank_card_of_another_generation_or_algorithm_is_refused_before_anything_is_bound_to_it() {
    for name in ["ssc-1.0", "ssc-2.0", "ssc-2.0-ef0d", "ssc-3.0-sm4"] {
        let rig = Rig::new(1);
        let profile = card_profiles::builtin::builtin(name).expect("built in");
        let transport = card_core::key::Key16::new(card_profiles::rehearsal::TRANSPORT_KEY);
        let card = card_sim::Card::factory(&profile, [0x51, 0x33, 0, 0, 0, 9], &transport).expect("a card");
        let other = Socket::new(card);
        let before = other.card().inspect();
        let summary = rig.run(vec![vec![other.clone(), blank(1)]]).expect("run");
        assert_eq!((summary.made, summary.spoilt, rig.events.count("refused")), (1, 0, 1), "{name}");
        assert_eq!(other.card().inspect(), before, "{name} is untouched");
        assert_eq!(rig.count("SELECT COUNT(*) FROM card"), 1, "{name}");
        assert_eq!(rig.count("SELECT COUNT(*) FROM card_number WHERE state = 'spoilt'"), 0, "{name}");
    }
}
