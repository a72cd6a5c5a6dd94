//! One life of a terminal: it is switched on, the card comes, what is open is settled, the act is done if it is not done yet, and
//! what waits goes to the centre. The next life is the same: that is all that recovery is.
//!
//! Source: the commands of `sscard` (`reader-cli/src/command`); sale, load and refund with the centre are the very functions that
//! those call (`centre_line::sell`, `centre_line::load`).
//! Owns: what comes before them, and habits: what a wrong terminal would do otherwise. Never: moves money itself, judges what came of it.

use std::sync::Arc;

use card_core::Session;
use card_core::security::psam::Psam;
use card_counter::TerminalError;
use card_counter::check::Rules;
use card_counter::clock::Now;
use card_counter::journal::{
    Done, Draft, Entry, EntryNumber, Hand, Journal, Purchased, RefundOrder, RefundState, Sent, Shown, Subject,
};
use card_counter::pay::Till;
use card_counter::refund::{self, Asked};
use card_counter::secret::Pin;
use card_counter::settle::settle;
use card_counter::store::{Commits, Store, StoreError};
use card_counter::tap::{Ask, Tapped, tap};
use card_counter::{journal, pin};
use card_profiles::account::Amounts;
use card_profiles::memory::CardMemory;
use centre_line::http::Centre;
use centre_line::load::{self, Loader};
use centre_line::sell::Seller;
use centre_line::upload;
use issuer_service::http::Desk;
use serde::Serialize;
use settlement::fen::Fen;
use settlement::id::{BillId, CardIdentifier, Digest, TerminalNumber};
use settlement::journal::Event;
use settlement::message::TerminalLimits;
use settlement::record::CardsCode;
use settlement::refund::{Original, RefundAct};
use settlement::sale::OnlinePolicy;
use settlement::signing::TerminalKey;
use settlement::{BusinessDate, DateTime};

use crate::course::{Contact, Course, Party, Wire};
use crate::town::{PIN, Town};

/// What is done with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// `sscard pay`.
    Purchase,
    /// `sscard pay` of a terminal that asks its centre first, and sells without an answer.
    Online,
    /// `sscard pay` of a terminal that sells with its centre's consent only.
    Consent,
    /// The same, and two people at the centre close the sale of which nothing was heard (`issuer sale`) before the terminal comes back.
    Closed,
    /// `sscard pay`, and a supervisor judges wrong (`sscard journal judge`) before the card comes back.
    Judged,
    /// `sscard load`.
    Load,
    /// `sscard refund`.
    Refund,
    /// `sscard refund give --original` at another till of the institution than the one that sold.
    Elsewhere,
    /// `sscard pin change`.
    Pin,
}

/// What a purchase of the proof takes from the account, fen.
pub const PRICE: u32 = 1_250;
/// What a load of the proof puts on it, fen.
pub const TOP_UP: u32 = 7_000;
/// The PIN that the proof's holder wants.
pub const NEW_PIN: &str = "975310";

/// What a terminal does with its journal and with what it finds open: ours, or a wrong one in a test of the proof.
pub trait Habit {
    /// How it writes.
    fn journal<'s>(&self, book: Book<'s>) -> Box<dyn Journal + 's> {
        Box::new(book)
    }

    /// What it does with what is open, before anything else.
    ///
    /// # Errors
    /// [`TerminalError`].
    fn settle(&self, tapped: &mut Tapped<'_>, journal: &mut dyn Journal) -> Result<Vec<Entry>, TerminalError> {
        let rules = tapped.account()?;
        settle(tapped, rules, journal, true)
    }
}

/// The terminal of this house.
#[derive(Clone, Copy, Debug)]
pub struct Ours;

impl Habit for Ours {}

/// What is bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// Its bill.
    pub bill: BillId,
    /// The three amounts.
    pub amounts: Amounts,
}

impl Sale {
    /// The sale of the proof.
    ///
    /// # Errors
    /// Never: its bill is a word.
    pub fn of_proof() -> Result<Self, TerminalError> {
        let amounts = Amounts { personal_account: PRICE, self_paid: 300, pooled_fund: 450 };
        Ok(Self { bill: BillId::parse("B-20260105-0001").map_err(|_| TerminalError::Bug("a word"))?, amounts })
    }
}

/// One life.
pub struct Life<'a> {
    /// Where.
    pub town: &'a Town,
    /// The centre's desk there.
    pub desk: &'a Desk,
    /// Which of its terminals.
    pub terminal: usize,
    /// Which of its cards.
    pub card: usize,
    /// What befalls it.
    pub course: &'a Arc<Course>,
    /// Whose.
    pub habit: &'a dyn Habit,
    /// The terminal's clock.
    pub date_time: DateTime,
    /// Whether it is not the first: somebody may have been told something in those before.
    pub again: bool,
    /// What the terminal may sell, and whether it asks first.
    pub limits: TerminalLimits,
}

/// Limits that no proof reaches, of a terminal that asks nobody.
pub const WIDE: TerminalLimits = TerminalLimits {
    purchase_max_fen: Fen::new(10_000_000),
    card_day_max_fen: Fen::new(1_000_000_000),
    card_day_count_max: u32::MAX,
    pending_records_max: u32::MAX,
    pending_max_fen: Fen::new(1_000_000_000_000),
    blacklist_age_max_hours: u32::MAX,
    online: OnlinePolicy::OfflineOnly,
};

/// Money that goes back.
#[derive(Clone, Copy, Debug)]
pub struct GivenBack<'a> {
    /// Bill of the purchase; the card's latest here without one.
    pub bill: Option<&'a BillId>,
    /// How many of its refunds were agreed on before this one.
    pub before: usize,
    /// How much.
    pub asked: Asked,
    /// Refund or cancel.
    pub act: RefundAct,
}

impl Life<'_> {
    /// Lives it: the act, then the upload. What it could not do the next life does.
    ///
    /// # Errors
    /// [`TerminalError`].
    pub fn live(&self, act: Act) -> Result<(), TerminalError> {
        match act {
            Act::Purchase | Act::Online | Act::Consent | Act::Closed | Act::Judged => self.sell(&Sale::of_proof()?)?,
            Act::Load => self.load()?,
            Act::Refund => {
                self.give_back(&GivenBack { bill: None, before: 0, asked: Asked::Rest, act: RefundAct::Refund })?;
            }
            Act::Elsewhere => self.give_back_elsewhere()?,
            Act::Pin => self.change_pin()?,
        }
        self.upload()
    }

    /// As `sscard upload`.
    ///
    /// # Errors
    /// [`TerminalError`].
    pub fn upload(&self) -> Result<(), TerminalError> {
        let mut store = self.store()?;
        upload::upload(&mut store, &self.centre()?, self.key()?).map(drop)
    }

    /// As `sscard pay`: a bill that turns out to be paid is not paid again.
    ///
    /// # Errors
    /// [`TerminalError`].
    pub fn sell(&self, sale: &Sale) -> Result<(), TerminalError> {
        let mut tapped = self.tapped()?;
        let mut psam = self.psam()?;
        let mut store = self.store()?;
        pin::verify_for_transaction(&mut tapped, &Pin::parse(PIN)?, false)?;
        self.settled(&mut tapped, &mut store)?;
        match journal::unpaid(&store.entries()?, &sale.bill) {
            Err(TerminalError::BillPaid { .. }) => return Ok(()),
            unpaid => unpaid?,
        }
        let (amounts, bill_id) = (sale.amounts, sale.bill.clone());
        let psam_number = psam.terminal_number();
        let rules = self.rules()?;
        let mut seller = match rules.limits.online {
            OnlinePolicy::OfflineOnly => Seller::alone(OnlinePolicy::OfflineOnly),
            policy => Seller::asking(policy, self.centre()?, self.store_beside()?),
        };
        seller.accepted(&tapped, &rules, &store)?;
        seller.limited(&tapped, &rules, &store, Fen::from_card(amounts.personal_account))?;
        let account = tapped.account()?;
        let mut till = Till { psam: &mut psam, rules: account, date_time: self.date_time };
        let subject = Subject::Purchase { amounts, bill_id, bill_hash: Digest([7; 32]), sale_id: seller.sale_id()? };
        let draft = self.draft(&tapped, TerminalNumber(psam_number), subject)?;
        let paid = seller.sell(&mut tapped, &mut till, (&mut store, self), &draft);
        let _ = seller.tell(&mut store, &paid);
        paid.map(drop)
    }

    /// The card comes once more: what is open is settled, nothing else happens.
    ///
    /// # Errors
    /// [`TerminalError`].
    pub fn settle(&self) -> Result<(), TerminalError> {
        let mut tapped = self.tapped()?;
        let mut store = self.store()?;
        pin::verify(&mut tapped, &Pin::parse(PIN)?, false)?;
        self.settled(&mut tapped, &mut store)
    }

    /// As `sscard load`: what the centre holds for the card.
    ///
    /// # Errors
    /// [`TerminalError`].
    pub fn load(&self) -> Result<(), TerminalError> {
        let line = self.centre()?;
        let centre = &line;
        let mut tapped = self.tapped()?;
        let mut store = self.store()?;
        let number = store.terminal()?.ok_or(TerminalError::NotEnrolled)?;
        pin::verify(&mut tapped, &Pin::parse(PIN)?, false)?;
        self.settled(&mut tapped, &mut store)?;
        let mut loader = Loader { centre, letters: self.store_beside()?, hand: self };
        match loader.load((&mut tapped, business_date()?), &mut store, number, None) {
            Err(TerminalError::NothingToLoad) => Ok(()),
            loaded => loaded?.1,
        }
    }

    /// As `sscard refund give` and `sscard cancel`, and `sscard refund finish` for one that is open.
    ///
    /// # Errors
    /// [`TerminalError`].
    pub fn give_back(&self, given: &GivenBack<'_>) -> Result<(), TerminalError> {
        let line = self.centre()?;
        let (mut tapped, mut store) = self.to_give_back()?;
        let is_meant = |entry: &&Entry| match &entry.draft.subject {
            Subject::Purchase { bill_id, .. } => given.bill.is_none_or(|bill| bill == bill_id),
            Subject::Load { .. } | Subject::Refund { .. } => false,
        };
        let entries = store.entries_of(&tapped.identifier)?;
        let paid = entries.iter().rfind(is_meant).ok_or(TerminalError::Bug("something was bought"))?;
        let order = match store
            .refunds()?
            .into_iter()
            .filter(|order| order.original == Purchased::Here(paid.number))
            .nth(given.before)
        {
            Some(RefundOrder { state: RefundState::Done | RefundState::Withdrawn, .. }) => {
                return upload::report_outcomes(&mut store, &line).map(drop);
            }
            Some(order) => refund::open(&store, &order.number.to_string())?,
            None => {
                let purchase = match given.act {
                    RefundAct::Refund => refund::purchase(&store, &paid.number.to_string())?,
                    RefundAct::Cancel => refund::latest(&mut tapped, &store, business_date()?)?,
                };
                self.course.say("the refund is agreed on");
                let order = refund::agree(&mut store, &purchase, given.asked, given.act, "");
                self.course.say("a letter, or its answer");
                order?
            }
        };
        let mut loader = Loader { centre: &line, letters: self.store_beside()?, hand: self };
        loader.give_back((&mut tapped, business_date()?), &mut store, &order, None)?.1
    }

    /// As `sscard refund give --original` with the receipt of the card's purchase at the first till, and `sscard refund finish` here.
    fn give_back_elsewhere(&self) -> Result<(), TerminalError> {
        let line = self.centre()?;
        let (mut tapped, mut store) = self.to_give_back()?;
        let original = self.receipt()?;
        let is_of =
            |order: &RefundOrder| matches!(order.original, Purchased::Elsewhere { original: of, .. } if of == original);
        let order = match store.refunds()?.into_iter().find(is_of) {
            Some(RefundOrder { state: RefundState::Done | RefundState::Withdrawn, .. }) => {
                return upload::report_outcomes(&mut store, &line).map(drop);
            }
            Some(order) => refund::open(&store, &order.number.to_string())?,
            None => {
                let told = load::original(&mut store, &line, original, tapped.identifier)?;
                self.course.say("the refund is agreed on");
                let order = refund::agree_elsewhere(&mut store, &tapped, (original, &told), Asked::Rest, "");
                self.course.say("a letter, or its answer");
                order?
            }
        };
        let mut loader = Loader { centre: &line, letters: self.store_beside()?, hand: self };
        loader.give_back((&mut tapped, business_date()?), &mut store, &order, None)?.1
    }

    /// What the receipt of the purchase at the first till names.
    fn receipt(&self) -> Result<Original, TerminalError> {
        let entries = Store::open(&self.town.terminal_folder(0))?.entries()?;
        let is_purchase = |entry: &&Entry| matches!(entry.draft.subject, Subject::Purchase { .. });
        let sent = entries.iter().rfind(is_purchase).and_then(|entry| entry.sent);
        let sent = sent.ok_or(TerminalError::Bug("something was bought"))?;
        Ok(Original { terminal: Town::number(0), terminal_sequence: sent.terminal_sequence })
    }

    /// As `sscard refund finish` for every refund of the card that is open here; what the centre refuses is withdrawn, as by
    /// `sscard refund withdraw`. How many were withdrawn.
    ///
    /// # Errors
    /// [`TerminalError`].
    pub fn finish_refunds(&self) -> Result<u64, TerminalError> {
        let line = self.centre()?;
        let (mut tapped, mut store) = self.to_give_back()?;
        let is_open =
            |order: &RefundOrder| order.state == RefundState::Open && order.card_identifier == tapped.identifier;
        let open: Vec<RefundOrder> = store.refunds()?.into_iter().filter(is_open).collect();
        let mut withdrawn = 0;
        for order in open {
            let mut loader = Loader { centre: &line, letters: self.store_beside()?, hand: self };
            match loader.give_back((&mut tapped, business_date()?), &mut store, &order, None) {
                Err(TerminalError::CentreRefused { code, .. }) => {
                    let order = store.refund(order.number)?.ok_or(TerminalError::Bug("refunds are kept"))?;
                    refund::withdraw(&mut store, &order, code.as_str())?;
                    withdrawn += 1;
                }
                given => given?.1?,
            }
        }
        Ok(withdrawn)
    }

    fn to_give_back(&self) -> Result<(Tapped<'_>, Store), TerminalError> {
        let mut tapped = self.tapped()?;
        let mut store = self.store()?;
        pin::verify(&mut tapped, &Pin::parse(PIN)?, false)?;
        self.settled(&mut tapped, &mut store)?;
        Ok((tapped, store))
    }

    fn rules(&self) -> Result<Rules, TerminalError> {
        // The card was issued today; the time in its commands is the proof's, so that every life is the same.
        let (now, day) = (Now::of_system(), business_date()?);
        Ok(Rules { city: None, day, limits: self.limits, parameters: None, now, clock_back: None, clock_ahead: None })
    }

    /// As `sscard pin change`. A holder who does not know whether it was changed tries the PIN that it had, then the new one: a
    /// right PIN brings all tries back, and whoever was told of a wrong one does not try it again.
    fn change_pin(&self) -> Result<(), TerminalError> {
        let (old, new) = (Pin::parse(PIN)?, Pin::parse(NEW_PIN)?);
        let mut tapped = self.tapped()?;
        if self.again && !self.town.is_told() {
            match pin::verify(&mut tapped, &old, true) {
                Err(TerminalError::PinWrong { .. }) => self.town.tell_holder(),
                verified => verified?,
            }
        }
        if self.town.is_told() {
            pin::verify(&mut tapped, &new, true)
        } else {
            pin::change(&mut tapped, &old, &new, true)
        }
    }

    fn settled(&self, tapped: &mut Tapped<'_>, store: &mut Store) -> Result<(), TerminalError> {
        let mut journal = self.journal(store);
        self.habit.settle(tapped, &mut *journal).map(drop)
    }

    fn tapped(&self) -> Result<Tapped<'_>, TerminalError> {
        let session = Session::new(Box::new(self.power_up(&self.town.cards, self.card, Party::Card)?));
        tap(session, &self.town.shared.catalog, CardMemory::default(), Ask::Nothing)
    }

    fn psam(&self) -> Result<Psam, TerminalError> {
        let session = Session::new(Box::new(self.power_up(&self.town.psams, self.terminal, Party::Psam)?));
        let catalog = &self.town.shared.catalog;
        Ok(Psam::open(session, catalog.psam_of(catalog.first()), catalog.first().psam_keys())?)
    }

    fn power_up(&self, sockets: &[card_sim::Socket], which: usize, party: Party) -> Result<Contact, TerminalError> {
        let socket = sockets.get(which).ok_or(TerminalError::Bug("the town has it"))?;
        Ok(Contact::power_up(socket, party, self.course, self.town.shared.account())?)
    }

    /// The journal, as a program that moves money opens it.
    fn store(&self) -> Result<Store, TerminalError> {
        let mut store = self.store_beside()?;
        self.course.say("what a restart closes");
        store.take_turn()?;
        self.course.say("a letter, or its answer");
        Ok(store)
    }

    fn store_beside(&self) -> Result<Store, TerminalError> {
        let mut store = Store::open(&self.town.terminal_folder(self.terminal))?;
        let commits: Arc<dyn Commits> = Arc::clone(self.course) as _;
        store.watch(&commits)?;
        Ok(store)
    }

    fn centre(&self) -> Result<Centre<'_>, TerminalError> {
        let line = Box::new(Wire::to(self.desk, self.course, &self.town.post));
        Ok(Centre::over(line, self.key()?, Town::number(self.terminal)))
    }

    fn key(&self) -> Result<&TerminalKey, TerminalError> {
        self.town.key(self.terminal).ok_or(TerminalError::NotEnrolled)
    }

    fn draft(&self, tapped: &Tapped<'_>, number: TerminalNumber, subject: Subject) -> Result<Draft, TerminalError> {
        Ok(Draft {
            terminal: number,
            card_identifier: tapped.identifier,
            card_factor: tapped.card_factor(),
            business_date: business_date()?,
            subject,
            paper: String::new(),
        })
    }
}

fn business_date() -> Result<BusinessDate, TerminalError> {
    BusinessDate::parse("2026-01-05").map_err(|_| TerminalError::Bug("a day"))
}

/// The journal; it says what it is about to write.
pub struct Book<'s> {
    store: &'s mut Store,
    course: &'s Course,
}

impl Book<'_> {
    fn write<T>(&mut self, label: &'static str, work: impl FnOnce(&mut Store) -> T) -> T {
        self.course.say(label);
        let result = work(self.store);
        self.course.say("a letter, or its answer");
        result
    }
}

impl Journal for Book<'_> {
    fn prepare(&mut self, draft: &Draft) -> Result<Entry, StoreError> {
        self.write("PREPARED", |store| store.prepare(draft))
    }

    fn send(&mut self, number: EntryNumber, sent: &Sent) -> Result<(), StoreError> {
        self.write("SENT", |store| store.send(number, sent))
    }

    fn confirm(&mut self, number: EntryNumber, event: Event, done: &Done) -> Result<Entry, StoreError> {
        self.write("CONFIRMED", |store| store.confirm(number, event, done))
    }

    fn close(&mut self, number: EntryNumber, event: Event, reason: &str) -> Result<Entry, StoreError> {
        self.write("closed", |store| store.close(number, event, reason))
    }

    fn contradict(&mut self, number: EntryNumber, against: &str, done: Option<&Done>) -> Result<Entry, StoreError> {
        self.write("contradicted", |store| store.contradict(number, against, done))
    }

    fn note_shown(&mut self, number: EntryNumber, shown: Shown) -> Result<(), StoreError> {
        self.write("compared", |store| store.note_shown(number, shown))
    }

    fn doubted_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        self.store.doubted_of(card)
    }

    fn note_proof(&mut self, number: EntryNumber, code: CardsCode) -> Result<(), StoreError> {
        self.write("proved", |store| store.note_proof(number, code))
    }

    fn open_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        self.store.open_of(card)
    }
}

impl Hand for Life<'_> {
    fn journal<'s>(&'s self, store: &'s mut Store) -> Box<dyn Journal + 's> {
        self.habit.journal(Book { store, course: self.course })
    }
}

impl Act {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::Purchase,
        Self::Online,
        Self::Consent,
        Self::Closed,
        Self::Judged,
        Self::Load,
        Self::Refund,
        Self::Elsewhere,
        Self::Pin,
    ];

    /// Its word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Online => "online",
            Self::Consent => "consent",
            Self::Closed => "closed",
            Self::Judged => "judged",
            Self::Load => "load",
            Self::Refund => "refund",
            Self::Elsewhere => "elsewhere",
            Self::Pin => "pin",
        }
    }
}

impl std::fmt::Debug for Life<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Life").field("terminal", &self.terminal).field("card", &self.card).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Book<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").finish_non_exhaustive()
    }
}
