//! A centre that was brought back publishes no blacklist until a person says that it may: its own is older than what terminals hold.
//!
//! Source: docs/adr/0096. Owns: when nothing is published, what is taken back out of lists that this centre signed, the word that ends it.
//! Never: takes a card off the list; moves a card (what its holder reported is done again by people).

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use settlement::blacklist::{ListFault, SignedBlacklist};
use settlement::code::ErrorCode;
use settlement::id::{CardIdentifier, PublicKey};

use super::blacklist;
use super::refusal::ClearingError;
use crate::audit::Act;
use crate::card::state::{self, LifeState};
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::word;
use crate::store::counter::Counter;
use crate::store::{Store, StoreError, Tx};

/// Fact of a centre that withholds its list: what the backup knew of, and the newest list that was taken back. Empty: it publishes.
const WITHHELD: &str = "blacklist.withheld";

/// What must be done again in a centre that was brought back, in the order in which it hurts: Chinese, English.
pub const AGAIN: [(&str, &str); 9] = [
    (
        "挂失、锁定、注销（card report-loss、lock、cancel）",
        "losses, locks, cancellations (card report-loss, lock, cancel)",
    ),
    ("死亡登记（person death）", "deaths (person death)"),
    ("遗失的 PSAM（psam lost）", "lost PSAMs (psam lost)"),
    ("停用的终端（terminal stop）", "stopped terminals (terminal stop)"),
    ("停用的操作员（operator disable）", "disabled operators (operator disable)"),
    ("收回的角色（operator roles）", "roles taken away (operator roles)"),
    ("操作员的新口令（operator password）", "new passwords of operators (operator password)"),
    ("撤销的接入程序（client revoke）", "programs shut out (client revoke)"),
    ("吊销的证书（station revoke、terminal revoke）", "revoked certificates (station revoke, terminal revoke)"),
];

/// The same in one sentence.
#[must_use]
pub fn again(lang: Lang) -> String {
    let each: Vec<&str> = AGAIN.iter().map(|(zh, en)| lang.pick(*zh, *en)).collect();
    lang.pick(
        format!("备份之后办理的下列事项须重新办理: {}", each.join("；")),
        format!("what was done since the backup must be done again: {}", each.join("; ")),
    )
}

/// How far a centre that withholds its list has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Newest entry of the backup.
    pub since: u64,
    /// Sequence of the newest list that was taken back; 0 for none.
    pub adopted: u64,
}

/// Whether this centre withholds its list.
///
/// # Errors
/// [`StoreError`].
pub fn withheld(tx: &Tx<'_>) -> Result<Option<Withheld>, StoreError> {
    let parse = |text: String| {
        let (since, adopted) = text.split_once(' ')?;
        Some(Withheld { since: since.parse().ok()?, adopted: adopted.parse().ok()? })
    };
    Ok(tx.fact(WITHHELD)?.and_then(parse))
}

fn keep(tx: &Tx<'_>, Withheld { since, adopted }: Withheld) -> Result<(), StoreError> {
    tx.set_fact(WITHHELD, &format!("{since} {adopted}"))
}

/// From now on nothing is published: the rows are those of a backup. Before numbers are skipped.
///
/// # Errors
/// [`StoreError`].
pub fn withhold(tx: &Tx<'_>) -> Result<(), StoreError> {
    // A backup of a centre that withheld its list already goes back to what that one knew.
    let since = match withheld(tx)? {
        Some(before) => before.since,
        None => tx.blacklist_sequence()?,
    };
    keep(tx, Withheld { since, adopted: 0 })
}

/// Refuses what needs to know who may not pay.
///
/// # Errors
/// [`ErrorCode::BlacklistWithheld`].
pub fn may_publish(tx: &Tx<'_>) -> Result<(), ClearingError> {
    match withheld(tx)? {
        Some(_) => Err(ClearingError::Refused(ErrorCode::BlacklistWithheld)),
        None => Ok(()),
    }
}

/// A card that a list of the lost centre had, and this one does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Card.
    pub card_identifier: CardIdentifier,
    /// 卡号; `None` of a card that this centre does not know.
    pub card_number: Option<String>,
    /// Its state here.
    pub state: Option<String>,
}

/// What was taken back out of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// Sequence of the list.
    pub sequence: u64,
    /// Cards on it.
    pub cards: u64,
    /// Cards that may not pay from now on.
    pub taken: Vec<Listed>,
    /// Cards that may not pay there and here, here only until a loss or a lock ends: it may have become a formal loss since. Nothing was done
    /// with them.
    pub ending: Vec<Listed>,
    /// Cards that may not pay here, and could when the list was signed: nothing was done with them.
    pub left: Vec<Listed>,
}

/// Takes the cards of a list back that this centre signed after the backup was taken: whole, or as changes of a list that the backup knows.
///
/// # Errors
/// [`ClearingError::BlacklistNotWithheld`], [`ClearingError::ListRefused`] for a list of another centre, an altered one, or one that is no newer
/// than what is known.
pub fn adopt(
    store: &mut Store,
    list: &SignedBlacklist,
    key: &PublicKey,
    operator: Option<&str>,
) -> Result<Adopted, ClearingError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Clearing)?;
        let withheld = withheld(tx)?.ok_or(ClearingError::BlacklistNotWithheld)?;
        let then = if list.since == 0 { BTreeSet::new() } else { tx.blacklist_at(list.since)? };
        let cards = list.attested(key, &then)?;
        let held = withheld.since.max(withheld.adopted);
        if list.sequence <= held {
            return Err(ListFault::Older { offered: list.sequence, held }.into());
        }
        let now = tx.blacklist_at(tx.blacklist_sequence()?)?;
        let mut taken = Vec::new();
        for card in cards.difference(&now) {
            blacklist::take_back(tx, *card, list.sequence, &operator)?;
            blacklist::tell_registry(tx, *card)?;
            taken.push(listed(tx, *card)?);
        }
        let both = cards.intersection(&now).map(|card| listed(tx, *card)).collect::<Result<Vec<_>, _>>()?;
        let ending = both.into_iter().filter(|of| of.state.as_deref().is_some_and(ends)).collect();
        let left = now.difference(&cards).map(|card| listed(tx, *card)).collect::<Result<Vec<_>, _>>()?;
        // Terminals take no list with a smaller sequence than they hold.
        if tx.blacklist_sequence()? <= list.sequence {
            tx.given(Counter::Blacklist, i64::try_from(list.sequence).unwrap_or(i64::MAX - 1).saturating_add(1))?;
        }
        keep(tx, Withheld { adopted: list.sequence, ..withheld })?;
        let detail = format!("list {}: {} cards, {} taken back", list.sequence, list.cards, taken.len());
        let act = Act { actor: operator, act: "blacklist.adopt", object: "blacklist".to_owned(), detail };
        Ok((Adopted { sequence: list.sequence, cards: list.cards, taken, ending, left }, act))
    })
}

/// The list is published again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Released {
    /// Its sequence.
    pub sequence: u64,
    /// Cards on it.
    pub cards: u64,
}

/// Publishes again, because somebody says that the list is whole.
///
/// # Errors
/// [`ClearingError::BlacklistNotWithheld`], [`ClearingError::ReasonMissing`].
pub fn release(store: &mut Store, reason: &str, operator: Option<&str>) -> Result<Released, ClearingError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Clearing)?;
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty()).ok_or(ClearingError::ReasonMissing)?;
        let Withheld { since, adopted } = withheld(tx)?.ok_or(ClearingError::BlacklistNotWithheld)?;
        tx.set_fact(WITHHELD, "")?;
        let sequence = tx.blacklist_sequence()?;
        let cards = tx.blacklist_at(sequence)?.len() as u64;
        let detail = format!("sequence {sequence}, {cards} cards, backup {since}, adopted {adopted}: {reason}");
        let act = Act { actor: operator, act: "blacklist.release", object: "blacklist".to_owned(), detail };
        Ok((Released { sequence, cards }, act))
    })
}

/// A list as a file has it.
///
/// # Errors
/// [`ClearingError::File`], [`ClearingError::FileMalformed`].
pub fn read(path: &Path) -> Result<SignedBlacklist, ClearingError> {
    let text = std::fs::read_to_string(path).map_err(|source| ClearingError::File { path: path.to_owned(), source })?;
    SignedBlacklist::parse(&text).map_err(|place| ClearingError::FileMalformed {
        path: path.to_owned(),
        line: place.line,
        column: place.column,
    })
}

/// Whether a card in this state comes off the list without anybody finding it again.
fn ends(state: &str) -> bool {
    matches!(LifeState::of_name(state), Some(LifeState::TemporaryLoss | LifeState::Locked))
}

fn listed(tx: &Tx<'_>, card_identifier: CardIdentifier) -> Result<Listed, StoreError> {
    let known = match card_profiles::identity::CardIdentifier::parse(&card_identifier.to_string()) {
        Some(identifier) => tx.card_by_identifier(&identifier)?,
        None => None,
    };
    let (card_number, state) = known.map(|card| (card.card_number, card.state)).unzip();
    Ok(Listed { card_identifier, card_number, state })
}

impl Show for Adopted {
    fn text(&self, lang: Lang) -> String {
        let Self { sequence, cards, taken, ending, left } = self;
        let mut lines = vec![lang.pick(
            format!("名单 {sequence} 有 {cards} 张卡，补入 {} 张；名单尚未发布", taken.len()),
            format!("list {sequence} has {cards} cards, {} are taken back; nothing is published yet", taken.len()),
        )];
        lines.extend(taken.iter().map(|of| format!("  + {}", of.text(lang))));
        lines.extend(ending.iter().map(|of| {
            let of = of.text(lang);
            lang.pick(
                format!("  ? 该名单中也有，在本中心到期或解锁即止，备份之后可能已正式挂失: {of}"),
                format!(
                    "  ? on that list too; here it ends by itself or is unlocked, and may be a formal loss since: {of}"
                ),
            )
        }));
        lines.extend(left.iter().map(|of| {
            let of = of.text(lang);
            lang.pick(format!("  该名单中没有，未改动: {of}"), format!("  not on that list, nothing was changed: {of}"))
        }));
        lines.join("\n")
    }
}

impl Show for Listed {
    fn text(&self, lang: Lang) -> String {
        let Self { card_identifier, card_number, state } = self;
        match (card_number, state) {
            (Some(number), Some(name)) => {
                let state = word(&state::TABLE, name, lang);
                lang.pick(
                    format!("{card_identifier}  卡 {number}，状态为{state}"),
                    format!("{card_identifier}  card {number}, {state} here"),
                )
            }
            _ => {
                lang.pick(format!("{card_identifier}  本中心没有这张卡"), format!("{card_identifier}  not known here"))
            }
        }
    }
}

impl Show for Released {
    fn text(&self, lang: Lang) -> String {
        let Self { sequence, cards } = self;
        lang.pick(
            format!("黑名单重新发布，序号 {sequence}，共 {cards} 张卡"),
            format!("the blacklist is published again, sequence {sequence}, {cards} cards"),
        )
    }
}
