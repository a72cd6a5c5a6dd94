//! Paying with the medical account (消费), and the card's log of it.
//!
//! Source: purchase pair of LD/T 32.7; output and steps of the driver interface, its positional fields assumed: after the type the
//! terminal, its transaction number, date and time, TAC: what a TAC is verified over.
//! Owns: which purchase a call means, what it answers. Never: sends DEBIT before the terminal's journal has it; pays one call twice:
//! a call with the same card and the same `pPayInfo` is the same purchase, and one that finds another purchase paid sells nothing.

use std::path::Path;

use card_core::security::psam::PurchaseStart;
use card_counter::TerminalError;
use card_counter::check::{self, Rules};
use card_counter::clock::Now;
use card_counter::given_back::GivenBack;
use card_counter::journal::{self, Draft, Entry, Plain, Purchased, Subject};
use card_counter::language::Words;
use card_counter::pay::{self, Offer, Till};
use card_counter::settle::settle;
use card_counter::store::Store;
use card_profiles::Profile;
use card_profiles::account::Amounts;
use card_profiles::place::Place;
use centre_line::http::Way;
use centre_line::online::Asked;
use centre_line::sell::Seller;
use settlement::fen::Fen;
use settlement::id::{BillId, CardIdentifier, Digest, TerminalNumber};
use settlement::journal::State;
use settlement::limits::CLOCK_DIFFERENCE_MAX_S;
use settlement::refund::{Parts, left_of};
use settlement::sale::OnlinePolicy;
use settlement::signing::TerminalKey;

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::output;
use crate::prove::{algorithm, algorithm_of};
use crate::settings::Settings;
use crate::text::{PayInfo, fields};
use crate::value;
use crate::visit::{Next, Step, Visit};

/// What stands before the number that is made of a call.
const BILL: &str = "CALL";

type Outputs = Result<Vec<String>, Failure>;

/// A purchase between its two steps: PREPARED in the journal, and the card knows the amounts.
#[derive(Debug)]
pub(crate) struct Begun {
    store: Store,
    terminal: TerminalNumber,
    offer: Offer,
    policy: OnlinePolicy,
    asked: Option<Asked>,
}

impl Begun {
    /// The second step never came: nothing was sent.
    pub(crate) fn abandon(mut self) -> Result<(), TerminalError> {
        pay::withdraw(&mut self.store, &self.offer, "NO_SECOND_STEP")
    }

    pub(crate) const fn offer(&self) -> &Offer {
        &self.offer
    }
}

/// A purchase that a call asks for, or that was found paid.
enum Wanted<'k> {
    Paid(Box<Entry>),
    Open(Box<Open<'k>>),
}

/// A purchase that may be begun: where it is written down, how it is sold.
struct Open<'k> {
    store: Store,
    draft: Draft,
    policy: OnlinePolicy,
    seller: Seller<'k>,
}

/// `iDoDebit`.
pub(crate) fn debit(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let info = PayInfo::parse(given.text("pPayInfo")?)?;
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        let mut psam = visit.psam()?;
        let store = Store::open_for_money(folder(settings)?, psam.terminal_number())?;
        let mut key = None;
        let Open { mut store, draft, mut seller, .. } = match wanted(visit, store, &info, &mut key)? {
            Wanted::Paid(entry) => return paid(visit, &entry),
            Wanted::Open(open) => *open,
        };
        let rules = visit.tapped.account()?;
        let mut till = Till { psam: &mut psam, rules, date_time: info.date_time };
        let done = seller.sell(&mut visit.tapped, &mut till, (&mut store, &Plain), &draft);
        let _ = seller.tell(&mut store, &done);
        if let Err(TerminalError::CardRefused { sw: card_core::StatusWord::MAC_WRONG, .. }) = &done {
            visit.doubt(&psam);
        }
        paid(visit, &done?)
    })
}

/// `iDoDebit_HSM_Step1`.
pub(crate) fn step1(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let info = PayInfo::parse(given.text("pPayInfo")?)?;
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        let (mut store, number) = Store::open_enrolled(folder(settings)?)?;
        store.take_turn()?;
        let mut key = None;
        let Open { mut store, draft, policy, mut seller } = match wanted(visit, (store, number), &info, &mut key)? {
            // Its second step was lost on the way: there is nothing for an HSM to compute any more.
            Wanted::Paid(entry) => {
                visit.told.push(entry.number);
                return Err(earlier_paid(visit, &entry, None)?);
            }
            Wanted::Open(open) => *open,
        };
        let rules = visit.tapped.account()?;
        let offer = seller.begin(&mut visit.tapped, rules, &mut store, &draft, info.date_time)?;
        let key = visit.tapped.profile.key(&rules.purchase_key);
        let answer = output::fields([
            algorithm(&visit.tapped).as_str(),
            key.and_then(|row| row.hsm.first()).map(String::as_str).unwrap_or_default(),
            &hex::encode_upper(offer.start.random),
            &hex::encode_upper(offer.start.card_sequence.to_be_bytes()),
            &hex::encode_upper(offer.amounts.to_bytes()),
            &format!("{:02X}", rules.purchase_type),
            &number.to_string(),
            &info.date_time.to_string(),
        ]);
        visit.debit = Some(Begun { store, terminal: number, offer, policy, asked: seller.asked() });
        visit.keep = Some(Next::Step2(Step::Debit));
        Ok(vec![answer])
    })
}

/// `iDoDebit_HSM_Step2`: `"0000"+seq|日期时间|MAC1|`.
pub(crate) fn step2(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let (mut held, ()) = calls.next_step(|next| matches!(next, Next::Step2(Step::Debit)).then_some(()))?;
    let Some(mut begun) = held.debit.take() else { return Err(Failure::NoStep("Step1")) };
    let start = match hsm_answer(given.text("pKey"), &begun.offer) {
        Ok(start) => start,
        Err(failure) => {
            begun.abandon()?;
            calls.learn(held);
            return Err(failure);
        }
    };
    let answer = (|| {
        let rules = held.tapped.account()?;
        // MAC2 can be checked by who has the key: the HSM's side verifies the TAC, as the centre does.
        let mut unchecked = |_| Ok(true);
        let Begun { store, terminal, offer, policy, asked } = &mut begun;
        let (folder, terminal) = (folder(settings)?, *terminal);
        let key = Seller::key(*policy, folder).unwrap_or(None);
        // Where the way to the centre is gone since the first step, the record goes with the next upload.
        let line = Seller::of(*policy, way(settings, folder), key.as_ref(), (folder, terminal));
        let mut seller = line.unwrap_or(Seller::alone(*policy));
        let card = (&mut held.tapped, rules);
        let paid = seller.finish(card, store, (offer, *asked), start, &mut unchecked);
        let _ = seller.tell(store, &paid);
        let paid = paid?;
        calls.told.push(paid.number);
        receipt(&held.tapped, &paid)
    })();
    calls.learn(held);
    answer
}

/// `iReadDebitRecord`.
pub(crate) fn records(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.pin()?;
        let rules = visit.tapped.account()?;
        let missing = TerminalError::ApplicationMissing { df: rules.df.clone() };
        let ef = visit.tapped.profile.ef(&rules.df, &rules.log).ok_or(missing)?;
        let log = [(rules.df.as_str(), rules.log.as_str())];
        let read = card_counter::read::files(&mut visit.tapped, &log, card_counter::read::Keys::default());
        if let Some(error) = read.lost.or_else(|| read.unread.into_iter().next().map(|file| file.error)) {
            return Err(error.into());
        }
        let values = &visit.tapped.reading().values;
        let written = |record: &&card_profiles::read::CyclicRecord| record.bytes.iter().any(|byte| *byte != 0);
        let numbers = read.records.iter().filter(written).filter_map(|record| record.place.record);
        let file = Place::file(&rules.df, &rules.log);
        let shown: Vec<String> =
            numbers.map(|number| value::record(values, &file.clone().record(number), ef)).collect();
        Ok(vec![output::fields(output::newest(&shown, visit.settings.out_bytes).iter().map(String::as_str))])
    })
}

fn folder(settings: &Settings) -> Result<&Path, Failure> {
    settings.data.as_deref().ok_or_else(|| TerminalError::NotEnrolled.into())
}

/// Everything before the card is asked for its part: PIN, what an earlier call left open, acceptance, limits.
fn wanted<'k>(
    visit: &mut Visit<'_>,
    till: (Store, TerminalNumber),
    info: &PayInfo,
    key: &'k mut Option<TerminalKey>,
) -> Result<Wanted<'k>, Failure> {
    let (mut store, terminal) = till;
    let rules = Rules::of(Some(&store), visit.settings.city, Now::of_system())?;
    visit.pin_for_transaction()?;
    let account = visit.tapped.account()?;
    settle(&mut visit.tapped, account, &mut store, true)?;
    let bill_id = bill(&visit.tapped.identifier, info)?;
    tell_of_earlier(visit, &store, &bill_id, (terminal, info))?;
    let entries = store.entries_of(&visit.tapped.identifier)?;
    if let Some(entry) = entries.into_iter().find(|entry| entry.pays(&bill_id)) {
        return match given_back(visit, &store, &entry)? {
            Some(failure) => {
                visit.told.push(entry.number);
                Err(failure)
            }
            None => Ok(Wanted::Paid(Box::new(entry))),
        };
    }
    counter_was_told(visit, &store)?;
    is_of_now(info, rules.now)?;
    journal::unpaid(&store.entries_of(&visit.tapped.identifier)?, &bill_id)?;
    check::all_passed(check::card(&visit.tapped, &rules))?;
    let (folder, policy) = (folder(visit.settings)?, rules.limits.online);
    *key = Seller::key(policy, folder)?;
    let mut seller = Seller::of(policy, way(visit.settings, folder), key.as_ref(), (folder, terminal))?;
    seller.accepted(&visit.tapped, &rules, &store)?;
    seller.limited(&visit.tapped, &rules, &store, Fen::from_card(info.amounts.personal_account))?;
    answer_fits(visit, terminal, info)?;
    let draft = Draft {
        terminal,
        card_identifier: visit.tapped.identifier,
        card_factor: visit.tapped.card_factor(),
        business_date: rules.day,
        subject: Subject::Purchase {
            amounts: info.amounts,
            bill_hash: meaning(&visit.tapped.identifier, info),
            bill_id,
            sale_id: seller.sale_id()?,
        },
        paper: String::new(),
    };
    Ok(Wanted::Open(Box::new(Open { store, draft, policy, seller })))
}

/// What became of purchases before this one, and no caller was told: a caller that tries again with another time would pay twice. The
/// marks go when the answer has been handed over.
fn tell_of_earlier(
    visit: &mut Visit<'_>,
    store: &Store,
    bill: &BillId,
    (terminal, info): (TerminalNumber, &PayInfo),
) -> Result<(), Failure> {
    let untold = store.untold_of(&visit.tapped.identifier)?;
    for entry in untold {
        // What came of others is told where they are made.
        if !entry.is_owed_to_a_caller() || entry.pays(bill) {
            continue;
        }
        answer_fits(visit, terminal, info)?;
        let failure = match entry.state {
            // What went back whole is as if it had not been: its program has nothing to enter.
            // A refund that is only agreed may yet be taken back.
            State::Confirmed if GivenBack::is_all_of(&entry, &store.entries_of(&entry.draft.card_identifier)?) => {
                visit.told.push(entry.number);
                continue;
            }
            State::Confirmed => earlier_paid(visit, &entry, left_after_refunds(store, &entry)?)?,
            _ => Failure::EarlierUnpaid { entry: entry.number.to_string(), receipt: output_of(visit, &entry)? },
        };
        visit.told.push(entry.number);
        return Err(failure);
    }
    Ok(())
}

/// Whether the counter was told of its purchases of this card: a mark belongs to who sold, and who pays there and here for one thing
/// pays twice. Nothing else is said of them, and the marks stay.
fn counter_was_told(visit: &Visit<'_>, store: &Store) -> Result<(), Failure> {
    let untold = store.untold_of(&visit.tapped.identifier)?;
    let of_counter =
        |entry: &&Entry| matches!(entry.draft.subject, Subject::Purchase { .. }) && !entry.is_owed_to_a_caller();
    match untold.iter().find(of_counter) {
        Some(entry) => Err(Failure::OwedToCounter { entry: entry.number.to_string() }),
        None => Ok(()),
    }
}

/// With what is left, where something of it went back.
fn earlier_paid(visit: &Visit<'_>, entry: &Entry, left: Option<Amounts>) -> Result<Failure, Failure> {
    let output = output_of(visit, entry)?;
    let receipt = match left {
        Some(left) => within(visit, with_left(&output, left))?,
        None => output,
    };
    Ok(Failure::EarlierPaid { entry: entry.number.to_string(), receipt })
}

/// What a call answers of a paid purchase of which something was agreed to go back: to say "paid" would be wrong. `None`
/// where nothing was.
fn given_back(visit: &Visit<'_>, store: &Store, entry: &Entry) -> Result<Option<Failure>, Failure> {
    let Some(left) = left_after_refunds(store, entry)? else { return Ok(None) };
    let receipt = within(visit, with_left(&output_of(visit, entry)?, left))?;
    Ok(Some(Failure::GivenBack { entry: entry.number.to_string(), receipt }))
}

/// A text that the caller's buffer holds.
fn within(visit: &Visit<'_>, receipt: String) -> Result<String, Failure> {
    let (needed, room) = (output::gbk(&receipt).len() + 1, visit.settings.out_bytes);
    if needed > room { Err(Failure::OutputTooLong { needed, room }) } else { Ok(receipt) }
}

/// What is left of a purchase of which something was agreed to go back, at this till or, as far as the centre told, at another; `None`
/// where nothing was.
///
/// # Errors
/// [`TerminalError::Store`].
pub(crate) fn left_after_refunds(store: &Store, entry: &Entry) -> Result<Option<Amounts>, TerminalError> {
    let back = store.refunded(Purchased::Here(entry.number), &entry.draft.card_identifier)?;
    if back.is_empty() {
        return Ok(None);
    }
    // What was agreed here and another till gave back may be the same money: nothing is left then, and the centre refuses the second.
    let left = left_of(Parts::of_card(entry.draft.subject.amounts()), back).unwrap_or_default();
    left.to_card().map(Some).map_err(|_| TerminalError::Bug("what is left is an amount of a card"))
}

/// The output of a purchase, and what is left of it.
pub(crate) fn with_left(output: &str, left: Amounts) -> String {
    format!("{output}{}|", hex::encode_upper(left.to_bytes()))
}

fn output_of(visit: &Visit<'_>, entry: &Entry) -> Result<String, Failure> {
    Ok(receipt(&visit.tapped, entry)?.pop().unwrap_or_default())
}

/// The way to the centre; a terminal without an address has none.
fn way(settings: &Settings, folder: &Path) -> Result<Way, TerminalError> {
    let address = settings.centre.as_deref().ok_or_else(|| TerminalError::Configuration {
        place: "SSCARD_CENTRE".to_owned(),
        reason: Words::new("未设置中心地址", "the centre's address is not set"),
    })?;
    Way::to(address, folder)
}

/// Whether the caller's time is the terminal's: it stands in the card's code, in its log and in its totals of the year for good, and
/// the centre judges the sale by it.
fn is_of_now(info: &PayInfo, now: Now) -> Result<(), Failure> {
    let wrong = || Failure::Argument { name: "pPayInfo", expected: "YYYYMMDDHHMMSS" };
    let given = Now::of_china(info.date_time).ok_or_else(wrong)?;
    let apart_s = given.seconds().abs_diff(now.seconds());
    if apart_s <= CLOCK_DIFFERENCE_MAX_S.unsigned_abs() { Ok(()) } else { Err(Failure::CallerClock { apart_s }) }
}

/// What the same call has in common: card, amounts, date and time.
fn meaning(card: &CardIdentifier, info: &PayInfo) -> Digest {
    Digest::of(format!("{card}|{}|{}", hex::encode_upper(info.amounts.to_bytes()), info.date_time).as_bytes())
}

/// The number of the purchase: of the same call the same.
fn bill(card: &CardIdentifier, info: &PayInfo) -> Result<BillId, Failure> {
    let digest = meaning(card, info).to_string();
    let number = format!("{BILL}-{}-{}", info.date_time, digest.get(..12).unwrap_or(&digest));
    BillId::parse(&number).map_err(|_| TerminalError::Bug("a number of a call is a word").into())
}

fn paid(visit: &mut Visit<'_>, entry: &Entry) -> Outputs {
    visit.told.push(entry.number);
    receipt(&visit.tapped, entry)
}

/// Whether the caller's buffer holds the answer, known before the card pays: its fields have fixed lengths.
fn answer_fits(visit: &Visit<'_>, terminal: TerminalNumber, info: &PayInfo) -> Result<(), Failure> {
    let sequence = [0; 4];
    let answer = fields_of(
        visit.tapped.profile,
        info.amounts,
        terminal,
        sequence,
        &info.date_time.to_string(),
        &hex::encode(sequence),
    )?;
    let (needed, room) = (output::gbk(&answer).len() + 1, visit.settings.out_bytes);
    if needed > room { Err(Failure::OutputTooLong { needed, room }) } else { Ok(()) }
}

/// `算法|00B5|金额|32|终端机编号|终端交易序号|日期时间|TAC|`.
fn receipt(tapped: &card_counter::tap::Tapped<'_>, entry: &Entry) -> Outputs {
    Ok(vec![answered(tapped.profile, entry)?])
}

/// What a call answers of a purchase, by the rows of its card.
pub(crate) fn answered(profile: &Profile, entry: &Entry) -> Result<String, TerminalError> {
    let sent = entry.sent.ok_or(TerminalError::Bug("what is told was sent"))?;
    let tac = entry.done.and_then(|done| done.evidence.tac()).map(|tac| tac.to_string()).unwrap_or_default();
    let (amounts, sequence) = (entry.draft.subject.amounts(), sent.terminal_sequence.to_be_bytes());
    fields_of(profile, amounts, entry.draft.terminal, sequence, &sent.date_time.to_string(), &tac)
}

fn fields_of(
    profile: &Profile,
    amounts: Amounts,
    terminal: TerminalNumber,
    sequence: [u8; 4],
    date_time: &str,
    tac: &str,
) -> Result<String, TerminalError> {
    let missing = || TerminalError::ApplicationMissing { df: profile.name.clone() };
    let rules = profile.account.as_ref().ok_or_else(missing)?;
    let key = profile.key(&rules.tac_key);
    Ok(output::fields([
        algorithm_of(profile).as_str(),
        key.and_then(|row| row.hsm.first()).map(String::as_str).unwrap_or_default(),
        &hex::encode_upper(amounts.to_bytes()),
        &format!("{:02X}", rules.purchase_type),
        &terminal.to_string(),
        &hex::encode_upper(sequence),
        date_time,
        tac,
    ]))
}

/// What the HSM computed: for this purchase and no other.
fn hsm_answer(key: Result<&str, Failure>, offer: &Offer) -> Result<PurchaseStart, Failure> {
    let key = key?;
    let wrong = || Failure::Argument { name: "pKey", expected: "终端交易序号(8 hex)|日期时间|MAC1(8 hex)|" };
    let fields = fields(key);
    let [sequence, time, mac] = fields.as_slice() else { return Err(wrong()) };
    let bytes = |text: &str| hex::decode(text).ok().and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).ok_or_else(wrong);
    if *time != offer.date_time.to_string() {
        return Err(wrong());
    }
    Ok(PurchaseStart { terminal_sequence: u32::from_be_bytes(bytes(sequence)?), mac1: bytes(mac)? })
}
