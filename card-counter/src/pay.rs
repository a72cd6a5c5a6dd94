//! Paying: PREPARED → INITIALIZE, PSAM → SENT → DEBIT → MAC2, TAC → CONFIRMED.
//!
//! Source: LD/T 32.7 purchase pair; PSAM `80 70`, `80 72`; states of `settlement::journal`.
//! Owns: the order: nothing goes to the card before the journal has it. Never: sends DEBIT twice, prices a bill.

use card_core::StatusWord;
use card_core::algorithm::{Algorithm, Ssf33};
use card_core::security::SecurityError;
use card_core::security::psam::Psam;
use card_profiles::account::{
    AccountRules, Amounts, Balances, DebitDate, PurchaseStart, TotalsYear, psam_purchase_fields,
};
use settlement::DateTime;
use settlement::fen::Fen;
use settlement::id::{CardRandom, Mac, Tac};
use settlement::journal::Event;
use settlement::record::{Evidence, NumberProof};
use settlement::sale::Sale;

use crate::error::TerminalError;
use crate::journal::{Done, Draft, Entry, EntryNumber, Journal, Sent, Subject};
use crate::tap::{Approached, Tapped};

/// The command that tells what a purchase would meet.
const INITIALIZE: &str = "INITIALIZE FOR PURCHASE";

/// What a purchase works with.
#[derive(Debug)]
pub struct Till<'a> {
    /// PSAM.
    pub psam: &'a mut Psam,
    /// Account rows of the card.
    pub rules: &'a AccountRules,
    /// Date and time of the purchase.
    pub date_time: DateTime,
}

/// Pays. The PIN is verified, the card accepted and settled, the amounts are fixed.
///
/// # Errors
/// [`TerminalError::Uncertain`] when the card did not answer DEBIT: the next tap decides. Any other error: no money moved,
/// except [`TerminalError::MacWrong`] and [`TerminalError::NotRecorded`], which the next tap settles too.
pub fn pay(
    tapped: &mut Tapped<'_>,
    till: &mut Till<'_>,
    journal: &mut dyn Journal,
    draft: &Draft,
) -> Result<Entry, TerminalError> {
    pay_agreed(tapped, till, journal, draft, &mut |_| Ok(()))
}

/// The centre's part where it is asked before the card is debited. `Err`: nothing is paid. Before it answers, nothing has moved.
pub type Consent<'a> = &'a mut dyn FnMut(&Offer) -> Result<(), TerminalError>;

/// As [`pay`], with somebody's consent between INITIALIZE and DEBIT.
///
/// # Errors
/// As [`pay`], and what `consent` says.
pub fn pay_agreed(
    tapped: &mut Tapped<'_>,
    till: &mut Till<'_>,
    journal: &mut dyn Journal,
    draft: &Draft,
    consent: Consent<'_>,
) -> Result<Entry, TerminalError> {
    let offer = offer_agreed(tapped, till.rules, journal, draft, till.date_time, consent)?;
    let factors = [tapped.factors.card, tapped.factors.city];
    let fields = psam_purchase_fields(&offer.start, offer.amounts, till.rules.purchase_type, offer.date_time.to_bcd());
    match till.psam.init_purchase(&till.rules.purchase_key, &fields, factors) {
        Ok(start) => {
            let psam = &mut *till.psam;
            let mut verified = |mac2| psam.credit_purchase(&till.rules.purchase_key, mac2);
            complete(tapped, till.rules, journal, &offer, start, &mut verified)
        }
        Err(error) => {
            let error = TerminalError::from(error);
            withdraw(journal, &offer, error.code().as_str())?;
            Err(error)
        }
    }
}

/// A purchase that the journal has and the card knows the amounts of; nothing has moved.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Its entry, in PREPARED.
    pub number: EntryNumber,
    /// What the card answered to INITIALIZE.
    pub start: PurchaseStart,
    /// The three amounts.
    pub amounts: Amounts,
    /// Date and time that go into DEBIT.
    pub date_time: DateTime,
    balance_after: u32,
}

impl Offer {
    /// What the centre is asked; `None` for a draft that it is not asked about.
    #[must_use]
    pub fn sale(&self, draft: &Draft) -> Option<Sale> {
        let Subject::Purchase { bill_id, bill_hash, sale_id: Some(sale_id), .. } = &draft.subject else { return None };
        Some(Sale {
            sale_id: *sale_id,
            terminal: draft.terminal,
            card_identifier: draft.card_identifier,
            card_factor: draft.card_factor,
            card_sequence: self.start.card_sequence,
            balance_fen: Fen::from_card(self.start.balances.personal_account),
            personal_account_fen: Fen::from_card(self.amounts.personal_account),
            self_paid_fen: Fen::from_card(self.amounts.self_paid),
            pooled_fund_fen: Fen::from_card(self.amounts.pooled_fund),
            bill_id: bill_id.clone(),
            bill_hash: *bill_hash,
            business_date: draft.business_date,
        })
    }
}

/// As [`offer`], then somebody's consent; without it the offer is withdrawn.
///
/// # Errors
/// As [`offer`], and what `consent` says: no money moved, and the entry is closed.
pub fn offer_agreed(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    draft: &Draft,
    date_time: DateTime,
    consent: Consent<'_>,
) -> Result<Offer, TerminalError> {
    let offer = offer(tapped, rules, journal, draft, date_time)?;
    match consent(&offer) {
        Ok(()) => Ok(offer),
        Err(error) => {
            withdraw(journal, &offer, error.code().as_str())?;
            Err(error)
        }
    }
}

/// The first half: PREPARED, then INITIALIZE, which changes nothing on the card.
///
/// # Errors
/// [`TerminalError`]: no money moved, and the entry is closed.
pub fn offer(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    draft: &Draft,
    date_time: DateTime,
) -> Result<Offer, TerminalError> {
    tapped.algorithm()?;
    let amounts = draft.subject.amounts();
    let number = journal.prepare(draft)?.number;
    let ready = before_debit(tapped, rules, amounts, draft.terminal.0, date_time).and_then(|start| {
        let after = draft.subject.balance_after(start.balances.personal_account);
        after.map(|after| (start, after)).ok_or(TerminalError::BalanceInsufficient)
    });
    match ready {
        Ok((start, balance_after)) => Ok(Offer { number, start, amounts, date_time, balance_after }),
        Err(error) => {
            let event = if refused_by_card(&error) { Event::CardRefused } else { Event::Abandoned };
            journal.close(number, event, error.code().as_str())?;
            Err(error)
        }
    }
}

/// The offer is not taken up: nothing was sent.
///
/// # Errors
/// [`TerminalError::Store`]: a restart closes the entry.
pub fn withdraw(journal: &mut dyn Journal, offer: &Offer, reason: &str) -> Result<(), TerminalError> {
    journal.close(offer.number, Event::Abandoned, reason)?;
    Ok(())
}

/// The second half: SENT, DEBIT with what the PSAM or the HSM computed, CONFIRMED. `verified` says whether MAC2 is right.
///
/// # Errors
/// As [`pay`].
pub fn complete(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    offer: &Offer,
    psam: card_core::security::psam::PurchaseStart,
    verified: &mut dyn FnMut([u8; 4]) -> Result<bool, SecurityError>,
) -> Result<Entry, TerminalError> {
    let Offer { number, start, date_time, balance_after, .. } = *offer;
    let sent = Sent {
        balance_before: start.balances.personal_account,
        card_sequence: start.card_sequence,
        terminal_sequence: psam.terminal_sequence,
        date_time,
        random: CardRandom(start.random),
        key_version: start.key_version,
        algorithm: start.algorithm,
        mac: Mac(psam.mac1),
    };
    journal.send(number, &sent)?;
    let evidence = debit(tapped, rules, journal, number, &sent, verified)?;
    let done = Done { balance_after, evidence };
    journal
        .confirm(number, Event::CardAnswered, &done)
        .map_err(|source| TerminalError::NotRecorded { id: number.to_string(), source })
}

/// INITIALIZE, and whether DEBIT could follow it: nothing here changes the card.
fn before_debit(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    amounts: Amounts,
    terminal: [u8; 6],
    date_time: DateTime,
) -> Result<PurchaseStart, TerminalError> {
    tapped.select(&rules.df)?;
    let start = initialize(tapped, rules, amounts, terminal)?;
    acceptable(rules, &start.balances, amounts, date_time)?;
    Ok(start)
}

/// Whether DEBIT can take these amounts on this day, before the PSAM spends a number: a card may say so at DEBIT only, as
/// INITIALIZE has no date.
fn acceptable(
    rules: &AccountRules,
    before: &Balances,
    amounts: Amounts,
    date_time: DateTime,
) -> Result<(), TerminalError> {
    if before.personal_account < amounts.personal_account {
        return Err(TerminalError::BalanceInsufficient);
    }
    let [century, year, ..] = date_time.to_bcd();
    let year = u16::from_be_bytes([century, year]);
    let totals = [before.self_paid_total, before.pooled_fund_total];
    let totals = match rules.totals_year.read(before.year) {
        // A card may refuse it, or leave it out of its totals: a clock that is behind is mended first.
        TotalsYear::Of(held) if rules.debit_date != DebitDate::Any && year < held => {
            return Err(TerminalError::ClockBehindCard { year: format!("{held:04X}") });
        }
        // Totals start from zero with the first purchase of another year. Whether one that cannot be read is another year the
        // card alone knows: it is asked.
        TotalsYear::Of(held) if held != year => [0, 0],
        TotalsYear::None | TotalsYear::Unreadable(_) => [0, 0],
        TotalsYear::Of(_) => totals,
    };
    let fits = |(total, amount): (u32, u32)| total.checked_add(amount).is_some();
    match totals.into_iter().zip([amounts.self_paid, amounts.pooled_fund]).all(fits) {
        true => Ok(()),
        false => Err(TerminalError::YearTotalFull { year: format!("{year:04X}") }),
    }
}

/// INITIALIZE FOR PURCHASE; with amounts of zero it only tells balances and the next number.
///
/// # Errors
/// [`TerminalError::BalanceInsufficient`], [`TerminalError::AlgorithmNotPublic`], [`TerminalError::PsamAlgorithm`], or the
/// card's refusal.
pub fn initialize(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    amounts: Amounts,
    terminal: [u8; 6],
) -> Result<PurchaseStart, TerminalError> {
    let start = start(tapped, rules, amounts, terminal)?;
    same_algorithm(start.algorithm, tapped.profile.algorithm, INITIALIZE)?;
    Ok(start)
}

/// The number of the card's next purchase: a purchase of nothing, which changes nothing, tells it.
///
/// # Errors
/// The card's refusal.
pub fn next_number(card: &mut Approached<'_>, rules: &AccountRules) -> Result<u16, TerminalError> {
    Ok(start(card, rules, Amounts::default(), [0; 6])?.card_sequence)
}

fn start(
    card: &mut Approached<'_>,
    rules: &AccountRules,
    amounts: Amounts,
    terminal: [u8; 6],
) -> Result<PurchaseStart, TerminalError> {
    let answer = card.session.send(&rules.init_purchase(amounts, terminal))?;
    let data = answer.ok().map_err(|sw| match sw {
        StatusWord::AMOUNT_INSUFFICIENT => TerminalError::BalanceInsufficient,
        sw => TerminalError::CardRefused { command: INITIALIZE, sw },
    })?;
    Ok(AccountRules::parse_purchase_start(&data)?)
}

/// Whether the algorithm that the account answered is the one that the card is served with.
pub(super) fn same_algorithm(answered: u8, served: Algorithm, command: &'static str) -> Result<(), TerminalError> {
    match (Algorithm::of_account(answered), served) {
        (Err(Ssf33), _) => Err(TerminalError::AlgorithmNotPublic),
        // The FCI was not asked, because the PSAM at hand serves 3DES only.
        (Ok(Algorithm::Sm4), Algorithm::Tdes) => Err(TerminalError::PsamAlgorithm { readers: Vec::new() }),
        // The FCI names another algorithm than the account: neither is to be trusted.
        (Ok(Algorithm::Tdes), Algorithm::Sm4) => Err(TerminalError::CardAnswer { command }),
        (Ok(Algorithm::Tdes), Algorithm::Tdes) | (Ok(Algorithm::Sm4), Algorithm::Sm4) => Ok(()),
    }
}

/// DEBIT and the check of MAC2; every way out leaves the journal where the table says.
fn debit(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    number: EntryNumber,
    sent: &Sent,
    verified: &mut dyn FnMut([u8; 4]) -> Result<bool, SecurityError>,
) -> Result<Evidence, TerminalError> {
    let command = rules.debit_purchase(sent.terminal_sequence, sent.date_time.to_bcd(), sent.mac.0);
    let data = match tapped.session.send(&command).map(card_core::Response::ok) {
        Ok(Ok(data)) => data,
        Ok(Err(sw)) if is_refusal(sw) => {
            journal.close(number, Event::CardRefused, &sw.to_string())?;
            return Err(match sw {
                StatusWord::AMOUNT_INSUFFICIENT => TerminalError::BalanceInsufficient,
                sw => TerminalError::CardRefused { command: "DEBIT FOR PURCHASE", sw },
            });
        }
        Ok(Err(sw)) => return Err(lost(journal, number, &sw.to_string())),
        Err(error) => return Err(lost(journal, number, TerminalError::from(error).code().as_str())),
    };
    let Ok(proof) = AccountRules::parse_purchase_proof(&data) else {
        return Err(lost(journal, number, "CARD_ANSWER"));
    };
    match verified(proof.mac2) {
        Ok(true) => {
            let number = NumberProof { random: sent.random, mac2: Mac(proof.mac2) };
            Ok(Evidence::Answered { tac: Tac(proof.tac), number: Some(number) })
        }
        Ok(false) => {
            let _ = lost(journal, number, TerminalError::MacWrong.code().as_str());
            Err(TerminalError::MacWrong)
        }
        Err(error) => Err(lost(journal, number, TerminalError::from(error).code().as_str())),
    }
}

/// The answer is lost. When not even that can be written the entry stays SENT, and a restart makes it UNCERTAIN.
fn lost(journal: &mut dyn Journal, number: EntryNumber, reason: &str) -> TerminalError {
    let _ = journal.close(number, Event::AnswerLost, reason);
    TerminalError::Uncertain { id: number.to_string() }
}

/// Status words with which a card says that it did nothing. Others, such as a failing memory, leave the outcome open.
///
/// Source: refusals listed for DEBIT and CREDIT in a COS manual, and the ISO/IEC 7816-4 checking errors before execution.
#[must_use]
pub const fn is_refusal(sw: StatusWord) -> bool {
    matches!(
        sw,
        StatusWord::WRONG_LENGTH
            | StatusWord::NOT_ACCEPTED
            | StatusWord::SECURITY_STATUS
            | StatusWord::BLOCKED
            | StatusWord::CONDITIONS_OF_USE
            | StatusWord::WRONG_DATA
            | StatusWord::NOT_SUPPORTED
            | StatusWord::WRONG_P1P2
            | StatusWord::INS_UNKNOWN
            | StatusWord::CLA_UNKNOWN
            | StatusWord::MAC_WRONG
            | StatusWord::APPLICATION_LOCKED
            | StatusWord::AMOUNT_INSUFFICIENT
            | StatusWord::COUNTER_MAX
            | StatusWord::KEY_INDEX
    )
}

const fn refused_by_card(error: &TerminalError) -> bool {
    matches!(error, TerminalError::CardRefused { .. } | TerminalError::BalanceInsufficient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use card_profiles::account::YearCoding;
    use card_profiles::builtin;

    /// What is said of a purchase of 2 fen by the pool on a day of 2026, where the totals are of a year and so many fen.
    fn judged(coding: YearCoding, date: DebitDate, year: u16, pooled_fund_total: u32) -> Result<(), Code> {
        let mut rules = builtin("ssc-3.0").and_then(|profile| profile.account).expect("an account");
        (rules.totals_year, rules.debit_date) = (coding, date);
        let before = Balances { pooled_fund_total, year, ..Balances::default() };
        let amounts = Amounts { pooled_fund: 2, ..Amounts::default() };
        let now = DateTime::parse("20261123163000").expect("a time");
        acceptable(&rules, &before, amounts, now).map_err(|error| error.code())
    }

    #[test]
    fn a_year_that_is_none_is_no_clock_behind_the_card() {
        let (full, calendar) = (u32::MAX - 1, DebitDate::Calendar);
        for (coding, year, total, expected) in [
            (YearCoding::Bcd, 0x2026, 5, Ok(())),
            (YearCoding::Bcd, 0x2027, 5, Err(Code::ClockBehindCard)),
            (YearCoding::Bcd, 0xFFFF, 5, Ok(())),
            (YearCoding::Bcd, 0x0000, 5, Ok(())),
            (YearCoding::Bcd, 0x2FFF, 5, Ok(())),
            (YearCoding::Binary, 2026, 5, Ok(())),
            (YearCoding::Binary, 2027, 5, Err(Code::ClockBehindCard)),
            // Totals of another year end with it; whether those of nobody knows which year do, the card says.
            (YearCoding::Bcd, 0x2026, full, Err(Code::YearTotalFull)),
            (YearCoding::Bcd, 0x2025, full, Ok(())),
            (YearCoding::Bcd, 0xFFFF, full, Ok(())),
            (YearCoding::Binary, 2026, full, Err(Code::YearTotalFull)),
            (YearCoding::Bcd, 2026, full, Ok(())),
        ] {
            assert_eq!(judged(coding, calendar, year, total), expected, "{coding:?} {year:04X} {total}");
        }
        assert_eq!(judged(YearCoding::Bcd, DebitDate::Any, 0x2027, full), Ok(()));
    }
}
