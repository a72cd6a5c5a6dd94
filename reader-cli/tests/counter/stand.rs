//! A counter for tests: card, PSAM, journal folder, and the centre's part of a load.

use card_core::Session;
use card_core::security::psam::Psam;
use card_counter::TerminalError;
use card_counter::journal::{Draft, Entry, EntryNumber, Journal, RefundOrder, Subject};
use card_counter::load::load;
use card_counter::pay::{Till, pay};
use card_counter::pin;
use card_counter::refund::{self, Asked};
use card_counter::secret::Pin;
use card_counter::settle::settle;
use card_counter::store::Store;
use card_counter::tap::{Ask, Tapped, tap};
use card_profiles::Catalog;
use card_profiles::account::{AccountRules, Amounts};
use card_profiles::memory::CardMemory;
use card_sim::Socket;
use card_sim::fault::{Fault, FaultPlan};
use settlement::fen::Fen;
use settlement::id::{BillId, CardIdentifier, Digest, LoadId, RequestId, TerminalNumber};
use settlement::journal::State;
use settlement::message::{AnswerStatus, LoadAnswer, LoadRequest, Version1};
use settlement::refund::RefundAct;
use settlement::{BusinessDate, DateTime};

use crate::{blanks, cards};

/// What the account holds before each test.
pub(crate) const OPENING: u32 = 50_000;
/// What each purchase takes from it.
pub(crate) const PRICE: u32 = 1_250;
/// What each load puts on it.
pub(crate) const TOP_UP: u32 = 7_000;

/// The counter.
pub(crate) struct Stand {
    pub(crate) card: Socket,
    pub(crate) psam: Socket,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) catalog: Catalog,
    bills: u32,
}

impl Stand {
    /// A card with 500.00 yuan and a terminal that sold nothing yet.
    pub(crate) fn new() -> Self {
        let mut stand = Self {
            card: blanks::user_card(1, 1),
            psam: blanks::psam_card(1),
            folder: tempfile::tempdir().expect("folder"),
            catalog: Catalog::builtin(),
            bills: 0,
        };
        let mut store = stand.store();
        let loaded = stand.load(&mut store, OPENING, |_, answer| Ok(answer));
        assert_eq!(loaded.expect("loaded").state, State::Confirmed);
        stand
    }

    /// The journal, as a program that starts opens it.
    pub(crate) fn store(&self) -> Store {
        let mut store = Store::open(self.folder.path()).expect("opens");
        store.take_turn().expect("nobody else sells here");
        store
    }

    /// The rows of the card's account.
    pub(crate) fn account(&self) -> &AccountRules {
        self.catalog.first().account.as_ref().expect("an account")
    }

    pub(crate) fn tapped(&self) -> Result<Tapped<'_>, TerminalError> {
        let session = Session::new(Box::new(self.card.connect()?));
        tap(session, &self.catalog, CardMemory::default(), Ask::Algorithm)
    }

    pub(crate) fn open_psam(&self) -> Result<Psam, TerminalError> {
        let session = Session::new(Box::new(self.psam.connect()?));
        Ok(Psam::open(session, self.catalog.psam_of(self.catalog.first()), self.catalog.first().psam_keys())?)
    }

    /// Faults from now on.
    pub(crate) fn faults(socket: &Socket, faults: Vec<Fault>) {
        socket.card().set_faults(FaultPlan::new(faults)).expect("a card of this process takes faults");
    }

    fn draft(&self, subject: Subject, card: CardIdentifier, tapped: &Tapped<'_>) -> Draft {
        Draft {
            terminal: TerminalNumber(cards::TERMINAL),
            card_identifier: card,
            card_factor: tapped.card_factor(),
            business_date: BusinessDate::parse("2026-01-02").expect("day"),
            subject,
            paper: String::new(),
        }
    }

    /// One tap: PIN, settle, pay. `ready` is called when DEBIT comes next but a few commands.
    pub(crate) fn purchase(
        &mut self,
        journal: &mut dyn Journal,
        ready: impl FnOnce(&Self),
    ) -> Result<Entry, TerminalError> {
        let amounts = Amounts { personal_account: PRICE, self_paid: 300, pooled_fund: 0 };
        self.purchase_of(journal, amounts, "2026", ready)
    }

    /// As [`Self::purchase`], of these amounts in this year.
    pub(crate) fn purchase_of(
        &mut self,
        journal: &mut dyn Journal,
        amounts: Amounts,
        year: &str,
        ready: impl FnOnce(&Self),
    ) -> Result<Entry, TerminalError> {
        self.bills += 1;
        let bill = BillId::parse(&format!("B-{}", self.bills)).expect("a word");
        let time = DateTime::parse(&format!("{year}01021200{:02}", self.bills % 60)).expect("real");
        let this = &*self;
        let mut psam = this.open_psam()?;
        let mut tapped = this.tapped()?;
        let rules = this.account();
        pin::verify(&mut tapped, &Pin::parse(cards::PIN)?, false)?;
        settle(&mut tapped, rules, journal, true)?;
        let subject = Subject::Purchase { amounts, bill_id: bill, bill_hash: Digest::ZERO, sale_id: None };
        let draft = this.draft(subject, tapped.identifier, &tapped);
        let mut till = Till { psam: &mut psam, rules, date_time: time };
        ready(this);
        pay(&mut tapped, &mut till, journal, &draft)
    }

    /// One tap: PIN, settle, load. `on_the_way` may lose the centre's answer.
    pub(crate) fn load(
        &mut self,
        journal: &mut dyn Journal,
        amount: u32,
        on_the_way: impl FnOnce(&Self, LoadAnswer) -> Result<LoadAnswer, TerminalError>,
    ) -> Result<Entry, TerminalError> {
        self.load_when(journal, amount, |_| {}, on_the_way)
    }

    pub(crate) fn load_when(
        &mut self,
        journal: &mut dyn Journal,
        amount: u32,
        ready: impl FnOnce(&Self),
        on_the_way: impl FnOnce(&Self, LoadAnswer) -> Result<LoadAnswer, TerminalError>,
    ) -> Result<Entry, TerminalError> {
        let drafted = |this: &Self, tapped: &Tapped<'_>, load_id| {
            Ok(this.draft(Subject::Load { load_id, amount }, tapped.identifier, tapped))
        };
        self.bring(journal, &drafted, ready, on_the_way)
    }

    /// A refund is agreed: of a part or of all that is left of a purchase.
    pub(crate) fn agree(
        &self,
        store: &mut Store,
        purchase: &Entry,
        asked: Asked,
    ) -> Result<RefundOrder, TerminalError> {
        refund::agree(store, purchase, asked, RefundAct::Refund, "")
    }

    /// One tap: PIN, settle, one try of a refund. `ready` and `on_the_way` as in a load.
    pub(crate) fn refund(
        &mut self,
        journal: &mut dyn Journal,
        order: &RefundOrder,
        ready: impl FnOnce(&Self),
        on_the_way: impl FnOnce(&Self, LoadAnswer) -> Result<LoadAnswer, TerminalError>,
    ) -> Result<Entry, TerminalError> {
        let drafted = |this: &Self, tapped: &Tapped<'_>, load_id| {
            let store = Store::open(this.folder.path())?;
            refund::draft(&store, tapped, order, BusinessDate::parse("2026-01-03").expect("day"), load_id)
        };
        self.bring(journal, &drafted, ready, on_the_way)
    }

    fn bring(
        &mut self,
        journal: &mut dyn Journal,
        drafted: &dyn Fn(&Self, &Tapped<'_>, LoadId) -> Result<Draft, TerminalError>,
        ready: impl FnOnce(&Self),
        on_the_way: impl FnOnce(&Self, LoadAnswer) -> Result<LoadAnswer, TerminalError>,
    ) -> Result<Entry, TerminalError> {
        self.bills += 1;
        let (number, mut roots) = (self.bills, cards::roots(1));
        let this = &*self;
        let mut tapped = this.tapped()?;
        let rules = this.account();
        pin::verify(&mut tapped, &Pin::parse(cards::PIN)?, false)?;
        settle(&mut tapped, rules, journal, true)?;
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let draft = drafted(this, &tapped, LoadId(id))?;
        let time = DateTime::parse(&format!("202601021100{:02}", number % 60)).expect("real");
        let mut way = Some(on_the_way);
        let mut authorize = |request: &LoadRequest, _: EntryNumber| {
            assert!(settlement::load::check_mac1(&mut roots, rules, request).expect("computes"), "MAC1");
            let mac2 = settlement::load::mac2(&mut roots, rules, request, time).expect("computes");
            let answer = LoadAnswer { version: Version1, status: AnswerStatus::Created, date_time: time, mac2 };
            way.take().expect("asked once")(this, answer)
        };
        ready(this);
        load(&mut tapped, rules, journal, &draft, RequestId(id), &mut authorize)
    }

    /// The card comes back: what was open is settled, nothing else happens.
    pub(crate) fn next_tap(&self) -> Vec<Entry> {
        Self::faults(&self.card, Vec::new());
        Self::faults(&self.psam, Vec::new());
        let mut store = self.store();
        let mut tapped = self.tapped().expect("the card is back");
        pin::verify(&mut tapped, &Pin::parse(cards::PIN).expect("pin"), false).expect("right PIN");
        settle(&mut tapped, self.account(), &mut store, true).expect("the facts decide")
    }

    /// Card money is journal money; nothing is open; every record has a TAC that the centre accepts.
    pub(crate) fn assert_agreement(&self, what: &str) {
        let store = self.store();
        let entries = store.entries().expect("reads");
        let sum = |kind: fn(&Subject) -> bool| -> i64 {
            let confirmed =
                entries.iter().filter(|entry| entry.state == State::Confirmed && kind(&entry.draft.subject));
            confirmed.map(|entry| i64::from(entry.draft.subject.on_card())).sum()
        };
        let loaded = sum(|subject| matches!(subject, Subject::Load { .. } | Subject::Refund { .. }));
        let purchased = sum(|subject| matches!(subject, Subject::Purchase { .. }));
        let account = self.card.card().inspect().account.expect("an account");
        assert_eq!(i64::from(account.personal_account), loaded - purchased, "card and journal, {what}");
        assert!(entries.iter().all(|entry| entry.state.is_final()), "something is open, {what}");
        let mut roots = cards::roots(1);
        for (number, entry) in (1..).zip(store.finished_after(0).expect("reads")) {
            let record = entry.to_record().expect("a record");
            assert_eq!(record.journal_sequence, number, "records without gaps, {what}");
            record.check().expect("consistent");
            assert_eq!(
                settlement::tac::check(&mut roots, self.account(), &record).expect("computes"),
                settlement::tac::TacVerdict::Right,
                "{what}"
            );
        }
        assert!(store.open_for(self).is_empty(), "{what}");
    }
}

trait OpenFor {
    fn open_for(self, stand: &Stand) -> Vec<Entry>;
}

impl OpenFor for Store {
    fn open_for(mut self, stand: &Stand) -> Vec<Entry> {
        let card = stand.tapped().expect("taps").identifier;
        self.open_of(&card).expect("reads")
    }
}

/// Fen as the tests write it.
pub(crate) fn fen(amount: u32) -> Fen {
    Fen::from_card(amount)
}
