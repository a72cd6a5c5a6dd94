//! A made card is loaded and pays: the centre's codes against the software card's own, torn inside the credit.

use card_core::Session;
use card_core::apdu::Command;
use card_core::command;
use card_core::security::{KeyRef, MacKey, SecurityModule};
use card_profiles::account::{AccountRules, Amounts, MacFields, purchase_seed};
use card_sim::Socket;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use issuer_service::audit::Act;
use issuer_service::card::state::{LifeState, Step, find};
use issuer_service::centre::Centre;
use issuer_service::clearing::allotment::{self, AllotmentState};
use issuer_service::clearing::institution::{DEFAULT_LIMITS, Institution, InstitutionKind, Terminal, TerminalState};
use issuer_service::clearing::latest::Latest;
use issuer_service::clearing::ledger::Account;
use issuer_service::clearing::refusal::ClearingError;
use issuer_service::clearing::{load, upload};
use issuer_service::store::Tx;
use settlement::Accounts;
use settlement::batch::{ChainPosition, SignedBatch};
use settlement::date::DateTime;
use settlement::fen::Fen;
use settlement::id::{
    BillId, CardFactor, CardIdentifier, CardRandom, Digest, InstitutionCode, LoadId, Mac, RequestId, Tac,
    TerminalNumber,
};
use settlement::message::{LoadOutcome, LoadOutcomeRequest, LoadRequest, Version1};
use settlement::record::{Evidence, NumberProof, Transaction, TransactionRecord};
use settlement::signing::TerminalKey;
use zeroize::Zeroizing;

use crate::rig::{Rig, blank};

const TERMINAL: TerminalNumber = TerminalNumber([0x99, 0, 0, 0, 0, 1]);
const CREDIT_FOR_LOAD: u8 = 0x2A;

/// A centre with one made card, 500.00 yuan pending, and a registered terminal.
pub(crate) struct Counter {
    pub(crate) rig: Rig,
    socket: Socket,
    rules: AccountRules,
    card: CardIdentifier,
    factor: CardFactor,
    key: TerminalKey,
    /// The load that the centre waits for, as its quote names it.
    open_load: Option<LoadId>,
}

impl Counter {
    fn new() -> Self {
        let (rig, socket) = (Rig::new(1), blank(1));
        rig.run(vec![vec![socket.clone()]]).expect("made");
        Self::of(rig, socket, 0)
    }

    /// Of a rig that has made so many cards before this one.
    pub(crate) fn of(mut rig: Rig, socket: Socket, before: usize) -> Self {
        let made = rig.centre.store.read(|tx| tx.cards(None)).expect("cards").remove(before);
        let key = TerminalKey::from_seed(&Zeroizing::new([1; 32]));
        let code = InstitutionCode::parse("P1").expect("a code");
        let mut counter = Self {
            socket,
            rules: Centre::card_profile().account.expect("account"),
            card: CardIdentifier::parse(&made.card_identifier.to_string()).expect("hex"),
            factor: CardFactor(made.chip.factor()),
            rig,
            key,
            open_load: None,
        };
        let public_key = counter.key.public_key();
        counter.act(|tx| {
            let handed_out = find(Step::Activate, LifeState::Sealed).expect("a move of the table");
            tx.move_card_state(made.job, handed_out)?;
            let kind = InstitutionKind::Pharmacy;
            tx.add_institution(&Institution {
                code: code.clone(),
                name: "样例".into(),
                region: "513301".into(),
                kind,
            })?;
            tx.add_terminal(&Terminal {
                number: TERMINAL,
                institution: code,
                public_key,
                state: TerminalState::Active,
                parameters: 1,
                limits: DEFAULT_LIMITS,
                chain: ChainPosition::START,
                kiosk: false,
                signed_in_at: None,
                signed_out_at: None,
            })?;
            Ok(())
        });
        counter.allot(50_000);
        counter
    }

    fn act<T>(&mut self, work: impl FnOnce(&Tx<'_>) -> Result<T, ClearingError>) -> T {
        self.rig.centre.store.journal(work).expect("done")
    }

    fn allot(&mut self, fen: i64) {
        let card = self.card;
        self.act(|tx| {
            let (request, _): (_, Act) = allotment::request(tx, &[card], Fen::new(fen), "ma")?;
            allotment::decide(tx, request.request, AllotmentState::Approved, "wu")
        });
    }

    fn balance(&mut self, account: &Account) -> i64 {
        self.act(|tx| Ok(tx.balance(account)?)).get()
    }

    /// A session in the account's DF.
    fn session(&self) -> Session {
        let mut session = Session::new(Box::new(self.socket.connect().expect("power")));
        for name in ["7378312E73682EC9E7BBE1B1A3D5CF", "D15600000503"] {
            send(&mut session, &command::select_by_name(&hex::decode(name).expect("hex")));
        }
        session
    }

    /// INITIALIZE FOR LOAD at the card; the request for the centre.
    fn init_load(&self, session: &mut Session, id: u8, amount: u32) -> LoadRequest {
        let data = send(session, &self.rules.init_load(amount, TERMINAL.0));
        let start = AccountRules::parse_load_start(&data).expect("16 bytes");
        LoadRequest {
            version: Version1,
            request_id: RequestId([id; 16]),
            terminal: TERMINAL,
            load_id: LoadId([id; 16]),
            card_identifier: self.card,
            card_factor: self.factor,
            amount_fen: Fen::from_card(amount),
            balance_fen: Fen::from_card(start.balance),
            card_sequence: start.card_sequence,
            random: CardRandom(start.random),
            key_version: start.key_version,
            algorithm: start.algorithm,
            mac1: Mac(start.mac1),
            refund: None,
            after: self.open_load,
        }
    }

    /// The centre's MAC2, as the command that the card takes.
    fn authorize(&mut self, request: &LoadRequest) -> Command {
        let (mut keys, accounts) = (self.rig.vault.keys(), Accounts::builtin());
        let (prepared, _) = self.act(|tx| load::prepare(tx, &mut keys, &accounts, request));
        self.open_load = Some(request.load_id);
        self.rules.credit_load(prepared.date_time.to_bcd(), prepared.mac2.0)
    }

    /// A whole load.
    pub(crate) fn load(&mut self, id: u8, amount: u32) {
        let mut session = self.session();
        let request = self.init_load(&mut session, id, amount);
        let credit = self.authorize(&request);
        let tac = AccountRules::parse_load_tac(&send(&mut session, &credit)).expect("4 bytes");
        let outcome = LoadOutcomeRequest {
            version: Version1,
            request_id: RequestId([id; 16]),
            terminal: TERMINAL,
            load_id: request.load_id,
            outcome: LoadOutcome::Credited,
            tac: Some(Tac(tac)),
            balance_after_fen: request.balance_fen.plus(request.amount_fen).expect("small"),
        };
        let (mut keys, accounts) = (self.rig.vault.keys(), Accounts::builtin());
        self.act(|tx| load::outcome(tx, &mut keys, &accounts, &outcome));
        self.open_load = None;
    }

    pub(crate) fn on_chip(&self) -> i64 {
        self.socket.card().inspect().account.expect("an account").personal_account.into()
    }
}

fn send(session: &mut Session, command: &Command) -> Vec<u8> {
    let response = session.send(command).expect("an answer");
    assert!(response.sw.is_ok(), "{:?}", response.sw);
    response.data.clone()
}

#[test]
fn the_codes_of_a_made_card_and_of_the_centre_are_the_same() {
    let mut counter = Counter::new();
    counter.load(1, 50_000);
    let card = Account::Card(counter.card);
    assert_eq!((counter.on_chip(), counter.balance(&card)), (50_000, 50_000));

    let mut session = counter.session();
    send(&mut session, &command::verify(&[0x12, 0x34, 0x56]));
    let amounts = Amounts { personal_account: 1_234, self_paid: 66, pooled_fund: 700 };
    let data = send(&mut session, &counter.rules.init_purchase(amounts, TERMINAL.0));
    let start = AccountRules::parse_purchase_start(&data).expect("22 bytes");
    let date_time = DateTime::parse("20260301101112").expect("real");
    let fields = MacFields {
        amounts,
        transaction_type: counter.rules.purchase_type,
        terminal: TERMINAL.0,
        date_time: date_time.to_bcd(),
        ..MacFields::default()
    };
    let factors = counter.card.factors(counter.factor).expect("a city");
    let key = KeyRef::of_card(&counter.rules.purchase_key, start.key_version, &factors, counter.rules.key_form);
    let seed = MacKey::Session(purchase_seed(start.random, start.card_sequence, 1));
    let input = fields.input(&counter.rules.mac.purchase_mac1);
    let mac1 = counter.rig.vault.keys().mac(&key, seed, [0; 8], &input).expect("MAC1");
    let data = send(&mut session, &counter.rules.debit_purchase(1, date_time.to_bcd(), mac1));
    let proof = AccountRules::parse_purchase_proof(&data).expect("8 bytes");

    let record = TransactionRecord {
        journal_sequence: 1,
        terminal: TERMINAL,
        card_identifier: counter.card,
        card_factor: counter.factor,
        card_sequence: start.card_sequence,
        transaction: Transaction::Purchase {
            terminal_sequence: 1,
            personal_account_fen: Fen::new(1_234),
            self_paid_fen: Fen::new(66),
            pooled_fund_fen: Fen::new(700),
            bill_id: BillId::parse("B-1").expect("word"),
            bill_hash: Digest::ZERO,
            sale_id: None,
        },
        balance_after_fen: Fen::new(counter.on_chip()),
        date_time,
        business_date: date_time.date(),
        key_version: start.key_version,
        algorithm: start.algorithm,
        evidence: Evidence::Answered {
            tac: Tac(proof.tac),
            number: Some(NumberProof { random: CardRandom(start.random), mac2: Mac(proof.mac2) }),
        },
        judgement: None,
    };
    let batch = SignedBatch::seal(&counter.key, TERMINAL, &ChainPosition::START, vec![record]).expect("whole");
    let (mut keys, accounts) = (counter.rig.vault.keys(), Accounts::builtin());
    let (taken, _) = counter.act(|tx| {
        let terminal = tx.terminal(TERMINAL)?.expect("registered");
        let latest = Latest::now(tx, 10)?;
        upload::take(tx, &mut keys, &accounts, &terminal, (RequestId([9; 16]), batch), &latest)
    });
    assert_eq!((taken.accepted, taken.refused.len()), (1, 0), "{:?}", taken.refused);
    assert_eq!((counter.on_chip(), counter.balance(&card)), (48_766, 48_766));
}

#[test]
fn a_load_torn_anywhere_inside_the_credit_is_on_the_card_and_in_the_ledger_or_in_neither() {
    let inside = (0..12).flat_map(|write| [false, true].map(|half| Moment::Inside { write, half }));
    let mut reached = 0;
    for moment in [Moment::Before, Moment::After].into_iter().chain(inside) {
        let mut counter = Counter::new();
        let mut session = counter.session();
        let request = counter.init_load(&mut session, 1, 50_000);
        let credit = counter.authorize(&request);
        let at = Trigger::instruction(CREDIT_FOR_LOAD, 1);
        let fault = Fault::PowerLoss { at, moment, back_after_ms: None };
        counter.socket.card().set_faults(FaultPlan::new(vec![fault])).expect("kept");
        assert!(session.send(&credit).is_err(), "the answer is lost");
        drop(session);
        // The outcome never reaches the centre; the holder comes back with more money pending.
        counter.allot(10_000);
        counter.load(2, 10_000);
        let (card, transit, pending) =
            (Account::Card(counter.card), Account::Transit(counter.card), Account::Pending(1));
        let (ledger, on_chip) = (counter.balance(&card), counter.on_chip());
        assert_eq!((ledger, counter.balance(&transit)), (on_chip, 0), "{moment:?}");
        assert_eq!(ledger + counter.balance(&pending), 60_000, "{moment:?}: nothing is lost, nothing is doubled");
        reached += i64::from(on_chip == 60_000);
    }
    assert!((1..25).contains(&reached), "both ends occur: {reached}");
}
