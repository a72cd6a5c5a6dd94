//! Orders for PINs on a card that this centre made: the software card takes what the centre's keys give, once.

use card_core::command;
use card_core::{Session, StatusWord};
use card_sim::Socket;
use issuer_service::card::failure::LifeError;
use issuer_service::card::pin::{self, Asked};
use issuer_service::card::rule::LifeRules;
use issuer_service::clearing::refusal::ClearingError;
use issuer_service::error::Explain;
use issuer_service::operator::Role;
use issuer_service::store::StoreError;
use settlement::code::ErrorCode;
use settlement::id::{CardChallenge, CardIdentifier, TerminalNumber};
use settlement::pin::{CommandBytes, PinAct, PinOutcome};

use crate::rig::{Rig, blank};

const TERMINAL: TerminalNumber = TerminalNumber([0x99, 0, 0, 0, 0, 1]);
const INITIAL: [u8; 3] = [0x12, 0x34, 0x56];
const CHOSEN: [u8; 3] = [0x97, 0x53, 0x10];

struct Counter {
    rig: Rig,
    socket: Socket,
    number: String,
    card: CardIdentifier,
}

impl Counter {
    /// A made card in its holder's hands, with a PIN that the holder chose and blocked.
    fn new() -> Self {
        let (mut rig, socket) = (Rig::new(1), blank(1));
        rig.run(vec![vec![socket.clone()]]).expect("made");
        rig.execute("UPDATE card SET state = 'normal'");
        let made = rig.centre.store.read(|tx| tx.cards(None)).expect("cards").remove(0);
        let people = |tx: &issuer_service::store::Tx<'_>| -> Result<(), StoreError> {
            tx.add_operator("tashi", &[Role::Counter])?;
            tx.add_operator("both", &[Role::Counter, Role::Approve])
        };
        rig.centre.store.journal(people).expect("operators");
        let card = CardIdentifier::parse(&made.card_identifier.to_string()).expect("hex");
        let counter = Self { rig, socket, number: made.card_number, card };
        let mut session = counter.session();
        assert!(session.send(&command::change_pin(&INITIAL, &CHOSEN)).expect("answers").sw.is_ok());
        while session.send(&command::verify(&[0, 0, 0])).expect("answers").sw != StatusWord::BLOCKED {}
        counter
    }

    fn session(&self) -> Session {
        let mut session = Session::new(Box::new(self.socket.connect().expect("power")));
        let name = hex::decode("7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
        assert!(session.send(&command::select_by_name(&name)).expect("answers").sw.is_ok());
        session
    }

    fn asked(&self, order: i64, challenge: [u8; 8]) -> Asked {
        let order = u64::try_from(order).expect("positive");
        Asked { order, terminal: TERMINAL, card: self.card, challenge: CardChallenge(challenge) }
    }

    fn order(&mut self, act: PinAct) -> i64 {
        let rules = LifeRules::default();
        let (number, store) = (self.number.clone(), &mut self.rig.centre.store);
        let made = pin::make(store, &rules, (&number, act), None, "identity card seen", Some("tashi")).expect("made");
        pin::approve(store, made.number, Some("wang")).expect("approved");
        made.number
    }

    fn prove(&mut self, asked: &Asked) -> Result<CommandBytes, ErrorCode> {
        let mut keys = self.rig.vault.keys();
        let answer = self.rig.centre.store.act(|tx| {
            let (_, command, act) = pin::prove(tx, &mut keys, asked)?;
            Ok((command, act))
        });
        answer.map_err(|error: ClearingError| error.terminal_code())
    }

    fn give(&mut self, asked: &Asked) -> Result<CommandBytes, ErrorCode> {
        let mut keys = self.rig.vault.keys();
        let answer = self.rig.centre.store.act(|tx| pin::give(tx, &mut keys, asked));
        answer.map_err(|error: ClearingError| error.terminal_code())
    }

    /// Carries an order out as a terminal does.
    fn carry_out(&mut self, order: i64, act: PinAct) -> StatusWord {
        let mut session = self.session();
        let asked = self.asked(order, session.challenge().expect("a challenge"));
        let proof = self.prove(&asked).expect("given").command([0x00, 0x82, 0x00, 0x06]).expect("with PUK");
        assert!(session.send(&proof).expect("answers").sw.is_ok());
        let asked = self.asked(order, session.challenge().expect("a challenge"));
        let command = self.give(&asked).expect("given").command(act.header()).expect("its command");
        session.send(&command).expect("answers").sw
    }

    fn verifies(&self, pin: [u8; 3]) -> bool {
        self.session().send(&command::verify(&pin)).expect("answers").sw.is_ok()
    }
}

#[test]
fn an_order_unblocks_the_pin_that_the_holder_chose_or_puts_the_initial_one_back() {
    for (act, works, fails) in [(PinAct::Unblock, CHOSEN, INITIAL), (PinAct::Reset, INITIAL, CHOSEN)] {
        let mut counter = Counter::new();
        assert!(!counter.verifies(CHOSEN), "blocked");
        let order = counter.order(act);
        assert!(counter.carry_out(order, act).is_ok(), "{act:?}");
        assert!(counter.verifies(works) && !counter.verifies(fails), "{act:?}");
        let number = u64::try_from(order).expect("positive");
        for known in [false, true] {
            let settled = counter.rig.centre.store.act(|tx| pin::settle(tx, number, TERMINAL, PinOutcome::Done));
            assert_eq!(settled.map_err(|error: ClearingError| error.terminal_code()), Ok(known));
        }
        let settled = counter.rig.centre.store.act(|tx| pin::settle(tx, number, TERMINAL, PinOutcome::Refused));
        let refused = settled.map_err(|error: ClearingError| error.terminal_code());
        assert_eq!(refused, Err(ErrorCode::PinOrderState), "an end is final");
    }
}

#[test]
fn a_command_is_given_for_one_card_to_one_terminal_in_time() {
    let mut counter = Counter::new();
    let order = counter.order(PinAct::Unblock);
    let good = counter.asked(order, [7; 8]);
    let other_card = Asked { card: CardIdentifier([0x51; 16]), ..good };
    let cases = [
        (Asked { order: 99, ..good }, ErrorCode::PinOrderUnknown),
        (Asked { order: u64::MAX, ..good }, ErrorCode::PinOrderUnknown),
        (other_card, ErrorCode::PinOrderElsewhere),
    ];
    for (asked, code) in cases {
        assert_eq!(counter.prove(&asked).err(), Some(code));
        assert_eq!(counter.give(&asked).err(), Some(code));
    }
    counter.rig.execute("UPDATE pin_order SET terminal = '990000000002'");
    assert_eq!(counter.give(&good).err(), Some(ErrorCode::PinOrderElsewhere));
    counter.rig.execute("UPDATE pin_order SET terminal = NULL");
    for state in ["temporary_loss", "formal_loss", "cancelled"] {
        counter.rig.execute(&format!("UPDATE card SET state = '{state}'"));
        assert_eq!(counter.give(&good).err(), Some(ErrorCode::CardNotActive), "{state}");
    }
    counter.rig.execute("UPDATE card SET state = 'locked'");
    let until = counter.rig.text("SELECT valid_until FROM pin_order");
    counter.rig.execute("UPDATE pin_order SET valid_until = '2026-01-01T00:00:00.000Z'");
    assert_eq!(counter.give(&good).err(), Some(ErrorCode::PinOrderLapsed));
    counter.rig.execute(&format!("UPDATE pin_order SET valid_until = '{until}'"));
    // A record that cannot be written: the command is not given, and not used up.
    counter.rig.refuse("audit", "NEW.act = 'pin.give'");
    assert!(counter.give(&good).is_err());
    counter.rig.take_again();
    assert!(counter.give(&good).is_ok());
    // Its answer may be lost: the same terminal asks again for the same card, nobody else, and not for ever.
    assert!(counter.prove(&good).is_ok() && counter.give(&good).is_ok());
    let stranger = Asked { terminal: TerminalNumber([0x99, 0, 0, 0, 0, 2]), ..good };
    assert_eq!(counter.give(&stranger).err(), Some(ErrorCode::PinOrderElsewhere));
    let other_card = Asked { card: CardIdentifier([0x51; 16]), ..good };
    assert_eq!(counter.give(&other_card).err(), Some(ErrorCode::PinOrderElsewhere));
    counter.rig.execute("UPDATE pin_order SET valid_until = '2026-01-01T00:00:00.000Z'");
    assert_eq!(counter.give(&good).err(), Some(ErrorCode::PinOrderLapsed));
    counter.rig.execute(&format!("UPDATE pin_order SET valid_until = '{until}'"));
    counter.rig.execute("UPDATE card SET state = 'formal_loss'");
    assert_eq!(counter.give(&good).err(), Some(ErrorCode::CardNotActive));
    counter.rig.execute("UPDATE card SET state = 'normal'");
    let number = u64::try_from(order).expect("positive");
    let settled = counter.rig.centre.store.act(|tx| pin::settle(tx, number, TERMINAL, PinOutcome::Done));
    assert_eq!(settled.map_err(|error: ClearingError| error.terminal_code()), Ok(false));
    assert_eq!(counter.give(&good).err(), Some(ErrorCode::PinOrderState), "never behind its outcome");
    assert_eq!(counter.prove(&good).err(), Some(ErrorCode::PinOrderState));
    let given = "SELECT COUNT(*) FROM audit WHERE act IN ('pin.give', 'pin.give-again')";
    assert_eq!(counter.rig.count(given), 2, "each time is on record");
}

#[test]
fn an_order_whose_command_was_lost_is_carried_out_by_asking_again() {
    for (act, works) in [(PinAct::Unblock, CHOSEN), (PinAct::Reset, INITIAL)] {
        let mut counter = Counter::new();
        let order = counter.order(act);
        // Lost on its way to the terminal; or the card had it, and the terminal died before it knew.
        let mut session = counter.session();
        let asked = counter.asked(order, session.challenge().expect("a challenge"));
        counter.give(&asked).expect("given");
        drop(session);
        assert!(!counter.verifies(works), "{act:?}: the card was not told");
        for _ in 0..2 {
            assert!(counter.carry_out(order, act).is_ok(), "{act:?}");
            assert!(counter.verifies(works), "{act:?}");
        }
        assert_eq!(counter.rig.text("SELECT state FROM pin_order"), "given");
    }
}

#[test]
fn an_order_needs_two_people_unless_the_site_says_otherwise_and_a_card_has_one_at_a_time() {
    let mut counter = Counter::new();
    let (number, rules) = (counter.number.clone(), LifeRules::default());
    let store = &mut counter.rig.centre.store;
    let mut make = |operator, rules: &LifeRules, reason| {
        pin::make(store, rules, (&number, PinAct::Reset), None, reason, Some(operator))
    };
    let code = |error: LifeError| error.code();
    assert_eq!(make("wang", &rules, "seen").map_err(code).err(), Some("OPERATOR_ROLE_MISSING"));
    assert_eq!(make("tashi", &rules, " ").map_err(code).err(), Some("REASON_MISSING"));
    let order = make("both", &rules, "seen").expect("made");
    assert_eq!(make("tashi", &rules, "seen").map_err(code).err(), Some("PIN_ORDER_OPEN"));
    assert_eq!(pin::approve(store, order.number, Some("both")).map_err(code).err(), Some("SAME_OPERATOR"));
    assert_eq!(pin::approve(store, 99, Some("wang")).map_err(code).err(), Some("PIN_ORDER_UNKNOWN"));
    let asked = counter.asked(order.number, [7; 8]);
    assert_eq!(counter.give(&asked).err(), Some(ErrorCode::PinOrderState), "not approved");
    let store = &mut counter.rig.centre.store;
    pin::withdraw(store, order.number, "not needed", Some("tashi")).expect("withdrawn");
    assert_eq!(pin::approve(store, order.number, Some("wang")).map_err(code).err(), Some("PIN_ORDER_STATE"));
    let alone = LifeRules { pin_order_checked: false, pin_order_minutes: 0, ..LifeRules::default() };
    let order = pin::make(store, &alone, (&number, PinAct::Reset), None, "seen", Some("tashi")).expect("made");
    assert_eq!(order.state, "ready");
    counter.rig.execute("UPDATE pin_order SET valid_until = '2026-01-01T00:00:00.000Z' WHERE state = 'ready'");
    let store = &mut counter.rig.centre.store;
    let next = pin::make(store, &alone, (&number, PinAct::Reset), None, "seen", Some("tashi")).expect("made");
    assert_eq!((next.number, next.state.as_str()), (order.number + 1, "ready"), "a lapsed one stands in nobody's way");
    counter.rig.execute("UPDATE card SET state = 'temporary_loss'");
    let store = &mut counter.rig.centre.store;
    let lost = pin::make(store, &rules, (&number, PinAct::Reset), None, "seen", Some("tashi"));
    assert_eq!(lost.map_err(code).err(), Some("PIN_CARD_STATE"));
}
