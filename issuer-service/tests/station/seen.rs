//! Activation of the card in a reader: it is the one of the records, and the one named, or nothing happens.

use card_core::Session;
use card_sim::Socket;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use issuer_service::card::life;
use issuer_service::card::rule::LifeRules;
use issuer_service::error::Explain;
use issuer_service::operator::Role;
use issuer_service::store::Tx;

use crate::rig::{Rig, blank};

fn activate(rig: &mut Rig, socket: &Socket, number: Option<&str>) -> Result<String, &'static str> {
    let mut session = Session::new(Box::new(socket.connect().expect("power")));
    let (store, rules) = (&mut rig.centre.store, LifeRules::default());
    let file = life::activate_seen(store, &rules, (&mut session, number), "", Some("tashi"));
    file.map(|file| file.card.card_number).map_err(|error| error.code())
}

#[test]
fn the_card_that_is_handed_out_is_the_one_that_is_activated() {
    let mut rig = Rig::new(2);
    let cards: Vec<_> = (1..=2).map(blank).collect();
    rig.run(vec![cards.clone()]).expect("made");
    rig.centre.store.journal(|tx: &Tx<'_>| tx.add_operator("tashi", &[Role::Counter])).expect("operator");
    let numbers: Vec<String> =
        rig.centre.store.read(|tx| tx.cards(None)).expect("cards").into_iter().map(|card| card.card_number).collect();
    let sealed = "SELECT COUNT(*) FROM card WHERE state = 'sealed'";
    // The neighbour's card, a stranger's, and a blank that has the chip of ours.
    assert_eq!(activate(&mut rig, &cards[1], Some(&numbers[0])), Err("CARD_DIFFERS"));
    assert_eq!(activate(&mut rig, &blank(9), None), Err("CARD_UNKNOWN"));
    assert_eq!(activate(&mut rig, &blank(1), None), Err("CARD_DIFFERS"));
    let pulled = Fault::PowerLoss { at: Trigger::command(2), moment: Moment::Before, back_after_ms: None };
    cards[0].card().set_faults(FaultPlan::new(vec![pulled])).expect("faults");
    assert_eq!(activate(&mut rig, &cards[0], None), Err("CARD_REMOVED"));
    assert_eq!(rig.count(sealed), 2, "nothing was activated");
    assert_eq!(activate(&mut rig, &cards[0], Some(&numbers[0])).as_ref(), Ok(&numbers[0]));
    assert_eq!(activate(&mut rig, &cards[1], None).as_ref(), Ok(&numbers[1]), "the card says which it is");
    assert_eq!(rig.count("SELECT COUNT(*) FROM card_move WHERE step = 'activate' AND reason = 'read in a reader'"), 2);
    assert_eq!(activate(&mut rig, &cards[0], None), Err("CARD_MOVE_UNKNOWN"), "once");
}
