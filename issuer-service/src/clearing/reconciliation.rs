//! Three-way agreement (三方对账): what cards show, what the terminals' journals say, what the ledger holds.
//!
//! Every card that any side names is compared to the fen; every one-sided entry gets a code with its evidence.
//! Owns: the comparison. Never: repairs (`decision`: one person proposes, another decides).
//! Units: fen.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use settlement::agreement::{CardReading, JournalCard, JournalExport};
use settlement::date::BusinessDate;
use settlement::fen::{Fen, FenError};
use settlement::id::{CardIdentifier, TerminalNumber};

use super::ledger_side::LedgerCard;
use crate::lang::Lang;
use crate::output::Show;

/// All sides.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    /// Cards as read; `None` when no file was given.
    pub cards: Option<Vec<CardReading>>,
    /// Journals; `None` when no file was given.
    pub journals: Option<Vec<JournalExport>>,
    /// The centre.
    pub ledger: BTreeMap<CardIdentifier, LedgerCard>,
    /// Terminals with a record in the ledger.
    pub terminals: BTreeSet<TerminalNumber>,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FindingCode {
    /// No card readings were given.
    CardsMissing,
    /// No journals were given.
    JournalsMissing,
    /// A terminal has records at the centre and its journal was not given.
    JournalOfTerminalMissing,
    /// The ledger has an account and the card was not read.
    CardNotRead,
    /// The card was read twice with different balances.
    CardReadTwice,
    /// The ledger knows no such card.
    CardNotInLedger,
    /// Card and ledger differ by a load without outcome.
    LoadOpen,
    /// Card and ledger differ by purchases that were received and not posted.
    PurchaseNotPosted,
    /// People posted or returned a purchase, and its card showed since that it did not pay.
    PurchaseContradicted,
    /// Card and ledger differ by purchases that the journal has and the centre has not received.
    PurchaseNotUploaded,
    /// The journal has a transaction that is not decided.
    JournalUndecided,
    /// Card and ledger differ, and nothing explains it.
    BalanceDiffers,
    /// The journal and the ledger differ in purchases.
    PurchasesDiffer,
    /// The journal and the ledger differ in loads or refunds.
    LoadsDiffer,
}

impl FindingCode {
    /// Who must act, and how.
    #[must_use]
    pub const fn next_action(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::CardsMissing => ("用终端读卡，以 --cards 给出", "read the cards and give them with --cards"),
            Self::JournalsMissing | Self::JournalOfTerminalMissing => {
                ("在终端导出日志，以 --journal 给出", "export the journal at the terminal and give it with --journal")
            }
            Self::CardNotRead => ("读取该卡", "read this card"),
            Self::CardReadTwice => ("重新读取该卡", "read this card again"),
            Self::CardNotInLedger => ("核查该卡来源", "find out where this card comes from"),
            Self::LoadOpen => ("在终端读卡，由卡内序号判定", "read the card at its terminal: its counter decides"),
            Self::PurchaseNotPosted => (
                "用 issuer row propose 处理，另一人复核",
                "look into the record: `issuer row propose`, and another person decides",
            ),
            Self::PurchaseContradicted => (
                "用 issuer row propose --take-back 冲回，另一人复核",
                "`issuer row propose --take-back`, and another person decides",
            ),
            Self::PurchaseNotUploaded => ("在终端上传", "upload at the terminal"),
            Self::JournalUndecided => ("在终端再次插入该卡", "insert this card at the terminal again"),
            Self::BalanceDiffers => ("停用该卡并调查", "stop this card and investigate"),
            Self::PurchasesDiffer | Self::LoadsDiffer => {
                ("逐笔比较终端日志与总账", "compare journal and ledger record by record")
            }
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// One thing that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Code.
    pub code: FindingCode,
    /// Card, when it is about one.
    pub card_identifier: Option<CardIdentifier>,
    /// By how much.
    pub amount_fen: Fen,
    /// What shows it.
    pub evidence: String,
}

/// One card on all sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardAgreement {
    /// Card.
    pub card_identifier: CardIdentifier,
    /// On the chip.
    pub card_fen: Option<Fen>,
    /// Loads and refunds less purchases of all journals.
    pub journal_fen: Option<Fen>,
    /// In the ledger.
    pub ledger_fen: Option<Fen>,
    /// Whether the three are equal.
    pub agrees: bool,
}

/// The agreement of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Through this day.
    pub business_date: BusinessDate,
    /// Cards compared.
    pub cards: usize,
    /// Sum on the chips.
    pub card_balance_total_fen: Fen,
    /// Sum of loads less purchases of the journals.
    pub journal_total_fen: Fen,
    /// Sum of the card accounts.
    pub ledger_balance_total_fen: Fen,
    /// Whether every card agrees on all three sides and nothing else was found.
    pub in_agreement: bool,
    /// What does not agree.
    pub findings: Vec<Finding>,
    /// Every card.
    pub rows: Vec<CardAgreement>,
}

/// Compares the sides.
///
/// # Errors
/// [`FenError::Overflow`] when a sum leaves 64 bits.
pub fn agree(business_date: BusinessDate, sides: &Sides) -> Result<Agreement, FenError> {
    let mut findings = Vec::new();
    let mut find = |code, card_identifier, amount_fen, evidence| {
        findings.push(Finding { code, card_identifier, amount_fen, evidence });
    };
    let mut read = BTreeMap::new();
    match &sides.cards {
        None => find(FindingCode::CardsMissing, None, Fen::ZERO, String::new()),
        Some(readings) => {
            for reading in readings {
                let before = read.insert(reading.card_identifier, reading.balance_fen);
                if before.is_some_and(|before| before != reading.balance_fen) {
                    find(FindingCode::CardReadTwice, Some(reading.card_identifier), Fen::ZERO, String::new());
                }
            }
        }
    }
    let mut journal: BTreeMap<CardIdentifier, JournalCard> = BTreeMap::new();
    match &sides.journals {
        None => find(FindingCode::JournalsMissing, None, Fen::ZERO, String::new()),
        Some(exports) => {
            for card in exports.iter().flat_map(|export| &export.cards) {
                add(&mut journal, card)?;
            }
            for terminal in &sides.terminals {
                if !exports.iter().any(|export| export.terminal == *terminal) {
                    find(FindingCode::JournalOfTerminalMissing, None, Fen::ZERO, terminal.to_string());
                }
            }
        }
    }
    let all: BTreeSet<CardIdentifier> = read.keys().chain(journal.keys()).chain(sides.ledger.keys()).copied().collect();
    let mut rows = Vec::with_capacity(all.len());
    for card in all {
        let on_chip = read.get(&card).copied();
        let in_journal = journal.get(&card);
        let in_ledger = sides.ledger.get(&card);
        let dismissed = in_ledger.map_or(Fen::ZERO, |ledger| ledger.dismissed_fen);
        let journal_fen = in_journal.map(|journal| on_card_by_journal(journal)?.plus(dismissed)).transpose()?;
        let before = findings.len();
        compare(card, on_chip, in_journal, in_ledger, sides, &mut findings)?;
        let ledger_fen = in_ledger.map(|ledger| ledger.balance_fen);
        let agrees = findings.len() == before
            && on_chip.is_some()
            && journal_fen.unwrap_or_default() == on_chip.unwrap_or_default()
            && ledger_fen.unwrap_or_default() == on_chip.unwrap_or_default();
        rows.push(CardAgreement { card_identifier: card, card_fen: on_chip, journal_fen, ledger_fen, agrees });
    }
    let sum = |side: fn(&CardAgreement) -> Option<Fen>| Fen::sum(rows.iter().filter_map(side));
    Ok(Agreement {
        business_date,
        cards: rows.len(),
        card_balance_total_fen: sum(|row| row.card_fen)?,
        journal_total_fen: sum(|row| row.journal_fen)?,
        ledger_balance_total_fen: sum(|row| row.ledger_fen)?,
        in_agreement: findings.is_empty() && rows.iter().all(|row| row.agrees),
        findings,
        rows,
    })
}

/// What the journals say is on the card.
fn on_card_by_journal(card: &JournalCard) -> Result<Fen, FenError> {
    card.loaded_fen.plus(card.refunded_fen)?.minus(card.purchased_fen)
}

fn add(journal: &mut BTreeMap<CardIdentifier, JournalCard>, card: &JournalCard) -> Result<(), FenError> {
    let Some(known) = journal.get_mut(&card.card_identifier) else {
        journal.insert(card.card_identifier, *card);
        return Ok(());
    };
    known.purchases = known.purchases.saturating_add(card.purchases);
    known.purchased_fen = known.purchased_fen.plus(card.purchased_fen)?;
    known.loads = known.loads.saturating_add(card.loads);
    known.loaded_fen = known.loaded_fen.plus(card.loaded_fen)?;
    known.refunds = known.refunds.saturating_add(card.refunds);
    known.refunded_fen = known.refunded_fen.plus(card.refunded_fen)?;
    known.uncertain = known.uncertain.saturating_add(card.uncertain);
    Ok(())
}

fn compare(
    card: CardIdentifier,
    on_chip: Option<Fen>,
    in_journal: Option<&JournalCard>,
    in_ledger: Option<&LedgerCard>,
    sides: &Sides,
    findings: &mut Vec<Finding>,
) -> Result<(), FenError> {
    let mut find = |code, amount_fen, evidence: String| {
        findings.push(Finding { code, card_identifier: Some(card), amount_fen, evidence });
    };
    let nothing = LedgerCard::default();
    let ledger = in_ledger.unwrap_or(&nothing);
    if in_ledger.is_none() && on_chip.unwrap_or_default() != Fen::ZERO {
        find(FindingCode::CardNotInLedger, on_chip.unwrap_or_default(), String::new());
    }
    if in_journal.is_some_and(|journal| journal.uncertain > 0) {
        find(FindingCode::JournalUndecided, Fen::ZERO, format!("{} undecided", in_journal.map_or(0, |j| j.uncertain)));
    }
    let mut not_uploaded = Fen::ZERO;
    if sides.journals.is_some() {
        let journal = in_journal.copied().unwrap_or(JournalCard {
            card_identifier: card,
            purchases: 0,
            purchased_fen: Fen::ZERO,
            loads: 0,
            loaded_fen: Fen::ZERO,
            refunds: 0,
            refunded_fen: Fen::ZERO,
            uncertain: 0,
        });
        let refused = Fen::sum(ledger.not_posted.iter().map(|row| row.amount_fen))?;
        let contradicted = Fen::sum(ledger.contradicted.iter().map(|row| row.amount_fen))?;
        let received = ledger.purchased_fen.minus(contradicted)?.plus(refused)?.plus(ledger.dismissed_fen)?;
        let evidence = format!(
            "journal {} purchases {}, ledger {} purchases {}, received and not posted {refused}",
            journal.purchases, journal.purchased_fen, ledger.purchases, ledger.purchased_fen
        );
        if journal.purchased_fen > received {
            not_uploaded = journal.purchased_fen.minus(received)?;
            find(FindingCode::PurchaseNotUploaded, not_uploaded, evidence);
        } else if journal.purchased_fen != received {
            find(FindingCode::PurchasesDiffer, received.minus(journal.purchased_fen)?, evidence);
        }
        let open = Fen::sum(ledger.open_loads.iter().map(|load| load.amount_fen))?;
        // A refund comes onto the card as a load does, and an open one is among the open loads.
        let brought = journal.loaded_fen.plus(journal.refunded_fen)?;
        let credited = ledger.loaded_fen.plus(ledger.refunded_fen)?;
        if brought != credited && brought != credited.plus(open)? {
            let evidence = format!(
                "journal {} loads {} and {} refunds {}, ledger {} loads {} and {} refunds {}, open {open}",
                journal.loads,
                journal.loaded_fen,
                journal.refunds,
                journal.refunded_fen,
                ledger.loads,
                ledger.loaded_fen,
                ledger.refunds,
                ledger.refunded_fen
            );
            find(FindingCode::LoadsDiffer, brought.minus(credited)?, evidence);
        }
    }
    for row in &ledger.not_posted {
        find(FindingCode::PurchaseNotPosted, row.amount_fen, format!("{} {}", row.reference, row.code));
    }
    for row in ledger.contradicted.iter().chain(&ledger.disproved) {
        find(FindingCode::PurchaseContradicted, row.amount_fen, row.reference.clone());
    }
    for load in &ledger.open_loads {
        find(FindingCode::LoadOpen, load.amount_fen, load.reference.clone());
    }
    match on_chip {
        None if sides.cards.is_some() && in_ledger.is_some() => {
            find(FindingCode::CardNotRead, ledger.balance_fen, String::new());
        }
        None => {}
        Some(on_chip) => {
            let refused = Fen::sum(ledger.not_posted.iter().map(|row| row.amount_fen))?;
            let wrong = ledger.contradicted.iter().chain(&ledger.disproved);
            let on_card = ledger.balance_fen.plus(Fen::sum(wrong.map(|row| row.amount_fen))?)?;
            let low = on_card.minus(refused)?.minus(not_uploaded)?;
            let high = low.plus(Fen::sum(ledger.open_loads.iter().map(|load| load.amount_fen))?)?;
            let is_known = on_chip == low || on_chip == high || on_chip == ledger.balance_fen;
            if !is_known && in_ledger.is_some() {
                let evidence = format!("card {on_chip}, ledger {}, explained {low} or {high}", ledger.balance_fen);
                find(FindingCode::BalanceDiffers, on_chip.minus(ledger.balance_fen)?, evidence);
            }
        }
    }
    Ok(())
}

impl Show for Agreement {
    fn text(&self, lang: Lang) -> String {
        let date = self.business_date;
        let mut lines = vec![lang.pick(
            format!("三方对账  截至 {date}  {} 张卡", self.cards),
            format!("three-way agreement  through {date}  {} cards", self.cards),
        )];
        lines.push(lang.pick(
            format!(
                "  卡内 {}  终端日志 {}  总账 {}",
                self.card_balance_total_fen, self.journal_total_fen, self.ledger_balance_total_fen
            ),
            format!(
                "  cards {}  journals {}  ledger {}",
                self.card_balance_total_fen, self.journal_total_fen, self.ledger_balance_total_fen
            ),
        ));
        for finding in &self.findings {
            let code = serde_name(finding.code);
            let card = finding.card_identifier.map(|card| card.to_string()).unwrap_or_default();
            let next = finding.code.next_action(lang);
            lines.push(format!("  {code}  {card}  {}  {}  → {next}", finding.amount_fen, finding.evidence));
        }
        lines.push(if self.in_agreement {
            lang.pick("  三方一致，分毫不差", "  all three agree to the fen").to_owned()
        } else {
            lang.pick("  不一致", "  NOT in agreement").to_owned()
        });
        lines.join("\n")
    }
}

/// The code's name as it stands in JSON.
fn serde_name(code: FindingCode) -> &'static str {
    match code {
        FindingCode::CardsMissing => "CARDS_MISSING",
        FindingCode::JournalsMissing => "JOURNALS_MISSING",
        FindingCode::JournalOfTerminalMissing => "JOURNAL_OF_TERMINAL_MISSING",
        FindingCode::CardNotRead => "CARD_NOT_READ",
        FindingCode::CardReadTwice => "CARD_READ_TWICE",
        FindingCode::CardNotInLedger => "CARD_NOT_IN_LEDGER",
        FindingCode::LoadOpen => "LOAD_OPEN",
        FindingCode::PurchaseNotPosted => "PURCHASE_NOT_POSTED",
        FindingCode::PurchaseContradicted => "PURCHASE_CONTRADICTED",
        FindingCode::PurchaseNotUploaded => "PURCHASE_NOT_UPLOADED",
        FindingCode::JournalUndecided => "JOURNAL_UNDECIDED",
        FindingCode::BalanceDiffers => "BALANCE_DIFFERS",
        FindingCode::PurchasesDiffer => "PURCHASES_DIFFER",
        FindingCode::LoadsDiffer => "LOADS_DIFFER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clearing::ledger_side::{NotPosted, OpenLoad};

    const TERMINAL: TerminalNumber = TerminalNumber([0x99; 6]);

    fn card(n: u8) -> CardIdentifier {
        CardIdentifier([n; 16])
    }

    fn day() -> BusinessDate {
        BusinessDate::parse("2026-03-01").expect("real")
    }

    fn reading(n: u8, fen: i64) -> CardReading {
        CardReading { card_identifier: card(n), balance_fen: Fen::new(fen), card_sequence: 1 }
    }

    fn journal_card(n: u8, loaded: i64, purchased: i64) -> JournalCard {
        JournalCard {
            card_identifier: card(n),
            purchases: 1,
            purchased_fen: Fen::new(purchased),
            loads: 1,
            loaded_fen: Fen::new(loaded),
            refunds: 0,
            refunded_fen: Fen::ZERO,
            uncertain: 0,
        }
    }

    fn ledger_card(loaded: i64, purchased: i64) -> LedgerCard {
        LedgerCard {
            balance_fen: Fen::new(loaded - purchased),
            loads: 1,
            loaded_fen: Fen::new(loaded),
            purchases: 1,
            purchased_fen: Fen::new(purchased),
            ..LedgerCard::default()
        }
    }

    /// Two cards on which all sides agree: 500.00 loaded, 12.34 and 0.00 spent.
    fn sides() -> Sides {
        Sides {
            cards: Some(vec![reading(1, 48_766), reading(2, 50_000)]),
            journals: Some(vec![JournalExport {
                terminal: TERMINAL,
                cards: vec![journal_card(1, 50_000, 1_234), journal_card(2, 50_000, 0)],
            }]),
            ledger: BTreeMap::from([(card(1), ledger_card(50_000, 1_234)), (card(2), ledger_card(50_000, 0))]),
            terminals: BTreeSet::from([TERMINAL]),
        }
    }

    fn codes(sides: &Sides) -> Vec<(FindingCode, i64)> {
        let agreement = agree(day(), sides).expect("small sums");
        assert!(!agreement.in_agreement, "something was expected to differ");
        agreement.findings.iter().map(|finding| (finding.code, finding.amount_fen.get())).collect()
    }

    fn ledger(sides: &mut Sides) -> &mut LedgerCard {
        sides.ledger.get_mut(&card(1)).expect("card 1")
    }

    fn readings(sides: &mut Sides) -> &mut Vec<CardReading> {
        sides.cards.as_mut().expect("cards")
    }

    fn journals(sides: &mut Sides) -> &mut Vec<JournalExport> {
        sides.journals.as_mut().expect("journals")
    }

    #[test]
    fn three_equal_sides_agree_and_sum_up() {
        let agreement = agree(day(), &sides()).expect("small sums");
        assert!(agreement.in_agreement, "{:?}", agreement.findings);
        let totals =
            [agreement.card_balance_total_fen, agreement.journal_total_fen, agreement.ledger_balance_total_fen];
        assert_eq!(totals, [Fen::new(98_766); 3]);
    }

    #[test]
    fn one_fen_on_one_card_is_found() {
        let mut sides = sides();
        readings(&mut sides)[0].balance_fen = Fen::new(48_767);
        assert_eq!(codes(&sides), [(FindingCode::BalanceDiffers, 1)]);
    }

    #[test]
    fn differences_that_cancel_out_in_the_sums_are_found() {
        let mut sides = sides();
        readings(&mut sides)[0].balance_fen = Fen::new(48_765);
        readings(&mut sides)[1].balance_fen = Fen::new(50_001);
        assert_eq!(codes(&sides), [(FindingCode::BalanceDiffers, -1), (FindingCode::BalanceDiffers, 1)]);
    }

    #[test]
    fn a_missing_side_is_no_agreement() {
        assert_eq!(codes(&Sides { cards: None, ..sides() })[0].0, FindingCode::CardsMissing);
        assert_eq!(codes(&Sides { journals: None, ..sides() })[0].0, FindingCode::JournalsMissing);
        let terminals = BTreeSet::from([TERMINAL, TerminalNumber([1; 6])]);
        assert_eq!(codes(&Sides { terminals, ..sides() }), [(FindingCode::JournalOfTerminalMissing, 0)]);
    }

    #[test]
    fn every_one_sided_entry_has_its_own_code() {
        let mut unread = sides();
        readings(&mut unread).pop();
        assert_eq!(codes(&unread), [(FindingCode::CardNotRead, 50_000)]);
        let mut foreign = sides();
        readings(&mut foreign).push(reading(3, 7));
        assert_eq!(codes(&foreign), [(FindingCode::CardNotInLedger, 7)]);
        let mut twice = sides();
        readings(&mut twice).push(reading(2, 49_999));
        assert_eq!(codes(&twice)[0].0, FindingCode::CardReadTwice);
        let mut not_uploaded = sides();
        *ledger(&mut not_uploaded) = ledger_card(50_000, 1_000);
        assert_eq!(codes(&not_uploaded), [(FindingCode::PurchaseNotUploaded, 234)]);
        let mut invented = sides();
        *ledger(&mut invented) = ledger_card(50_000, 1_235);
        assert_eq!(codes(&invented), [(FindingCode::PurchasesDiffer, 1), (FindingCode::BalanceDiffers, 1)]);
        let mut undecided = sides();
        journals(&mut undecided)[0].cards[0].uncertain = 1;
        assert_eq!(codes(&undecided), [(FindingCode::JournalUndecided, 0)]);
    }

    #[test]
    fn a_refused_purchase_explains_the_card_and_is_still_a_finding() {
        let mut sides = sides();
        *ledger(&mut sides) = LedgerCard {
            not_posted: vec![NotPosted { reference: "T/1".into(), amount_fen: Fen::new(1_234), code: "TAC_WRONG" }],
            ..ledger_card(50_000, 0)
        };
        assert_eq!(codes(&sides), [(FindingCode::PurchaseNotPosted, 1_234)]);
    }

    #[test]
    fn a_refund_is_on_all_three_sides_or_is_found() {
        let mut three = sides();
        readings(&mut three)[0].balance_fen = Fen::new(48_766 + 234);
        let journal = &mut journals(&mut three)[0].cards[0];
        (journal.refunds, journal.refunded_fen) = (1, Fen::new(234));
        let known = ledger(&mut three);
        (known.refunds, known.refunded_fen, known.balance_fen) = (1, Fen::new(234), Fen::new(49_000));
        assert!(agree(day(), &three).expect("small sums").in_agreement);
        let mut unknown = three.clone();
        let known = ledger(&mut unknown);
        (known.refunds, known.refunded_fen, known.balance_fen) = (0, Fen::ZERO, Fen::new(48_766));
        assert_eq!(codes(&unknown), [(FindingCode::LoadsDiffer, 234), (FindingCode::BalanceDiffers, 234)]);
        let mut twice = three;
        ledger(&mut twice).refunded_fen = Fen::new(468);
        assert_eq!(codes(&twice), [(FindingCode::LoadsDiffer, -234)]);
    }

    #[test]
    fn a_card_that_has_what_the_ledger_says_is_never_called_different() {
        let mut sides = sides();
        journals(&mut sides)[0].cards[0].purchased_fen = Fen::new(1_334);
        assert_eq!(codes(&sides), [(FindingCode::PurchaseNotUploaded, 100)]);
        ledger(&mut sides).dismissed_fen = Fen::new(100);
        assert!(agree(day(), &sides).expect("small sums").in_agreement, "taken back, and its till was not told");
    }

    #[test]
    fn an_open_load_explains_the_card_whether_it_reached_it_or_not() {
        for on_chip in [50_000, 60_000] {
            let mut sides = sides();
            readings(&mut sides)[1].balance_fen = Fen::new(on_chip);
            journals(&mut sides)[0].cards[1].loaded_fen = Fen::new(on_chip);
            let open = OpenLoad { reference: "L".into(), amount_fen: Fen::new(10_000) };
            sides.ledger.get_mut(&card(2)).expect("card 2").open_loads.push(open);
            assert_eq!(codes(&sides), [(FindingCode::LoadOpen, 10_000)]);
        }
    }

    #[test]
    fn journals_of_two_terminals_add_up() {
        let mut sides = sides();
        let other = TerminalNumber([1; 6]);
        journals(&mut sides)[0].cards[0].purchased_fen = Fen::new(1_000);
        let cards = vec![journal_card(1, 0, 234)];
        journals(&mut sides).push(JournalExport { terminal: other, cards });
        assert!(agree(day(), &sides).expect("small sums").in_agreement);
    }
}
