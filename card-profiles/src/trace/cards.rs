//! Several cards of holders in one conversation, told apart where the bytes allow.
//!
//! Source: what names one card: 卡的识别码, 卡号, the serial of a purse; the answer to reset (ISO/IEC 7816-3 8.2).
//! Owns: which card an exchange is with; where that cannot be known. Never: guesses, explains a byte (`tracker`).
//!
//! What a stretch ([`super::stretch`]) reads is compared with what the others read: what differs shows another card, what names a
//! card and is equal the same one. A stretch that says two things of one item holds two cards: its exchanges are nobody's, but
//! those that name their card themselves.

use std::collections::{BTreeMap, BTreeSet};

use card_core::Atr;
use card_core::trace::Entry;

use super::Decoder;
use super::stretch::{Conversation, Facts, Segment, Stretch, conversations};

/// Cards that are counted; what is said with later ones cannot be told apart.
const CARDS_MAX: usize = 64;

/// The item that names a holder, who may have several cards.
const HOLDER: &str = ".social_security_number";

/// Whom an exchange was with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The only card of its reader, or the PSAM.
    Only,
    /// This card, counted from 1 over the whole log.
    Card(usize),
    /// One of several: of these, or of one that did not say its name.
    Unsure(Vec<usize>),
}

/// By what an exchange is a card's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A reset, and no other card since.
    Reset,
    /// A SELECT, and what was read behind it. Where both cards are powered, a log does not show what is said with the other.
    Select,
    /// It names its card itself.
    Itself,
}

/// Exchanges in a row that are one card's, or of which nobody can say that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// First and last of them: places in the log.
    pub exchanges: (usize, usize),
    /// Whose they are.
    pub whose: Whose,
    /// By what.
    pub sign: Sign,
}

impl Turn {
    /// The card that it is of for sure.
    #[must_use]
    pub const fn card(&self) -> Option<usize> {
        match self.whose {
            Whose::Card(card) => Some(card),
            Whose::Only | Whose::Unsure(_) => None,
        }
    }
}

/// The cards of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cards {
    turns: BTreeMap<usize, Turn>,
    psam: BTreeSet<usize>,
}

/// A card that showed itself.
#[derive(Debug, Default)]
struct Known {
    facts: Facts,
    atr: Option<Vec<u8>>,
}

impl Cards {
    /// Reads a log from end to end, with a decoder like the one that is to explain it.
    #[must_use]
    pub fn of(decoder: Decoder, entries: &[Entry]) -> Self {
        let mut known = Vec::new();
        let mut turns = BTreeMap::new();
        let mut psam = BTreeSet::new();
        for conversation in conversations(decoder, entries).values() {
            psam.extend(&conversation.psam);
            for turn in of_reader(&mut known, conversation) {
                turns.insert(turn.exchanges.0, turn);
            }
        }
        Self { turns, psam }
    }

    /// The turn that begins with this entry; there are none where each reader has one card.
    #[must_use]
    pub fn turn(&self, entry: usize) -> Option<&Turn> {
        self.turns.get(&entry)
    }

    /// Whether an exchange is the PSAM's, as far as the whole log says.
    #[must_use]
    pub fn is_of_psam(&self, entry: usize) -> bool {
        self.psam.contains(&entry)
    }

    /// Cards told apart; 0 where each reader has one.
    #[must_use]
    pub fn count(&self) -> usize {
        let cards = self.turns.values().flat_map(|turn| match &turn.whose {
            Whose::Only => Vec::new(),
            Whose::Card(card) => vec![*card],
            Whose::Unsure(cards) => cards.clone(),
        });
        cards.collect::<BTreeSet<usize>>().len()
    }
}

/// The turns of one reader; none where it has one card.
fn of_reader(known: &mut Vec<Known>, conversation: &Conversation) -> Vec<Turn> {
    let mut found: Vec<Vec<Found>> = Vec::new();
    let mut silent = 0;
    for segment in &conversation.segments {
        let is_silent = |segment: &Segment| segment.stretches.is_empty() && !segment.is_of_psam;
        let lone = silent == 0 && !segment.is_of_psam && segment.stretches.first().is_some_and(|first| first.begins);
        let atr = segment.atr.as_ref().filter(|atr| lone && Atr::parse(atr).is_ok_and(|atr| atr.is_unique()));
        // One reset that nothing followed is the PSAM's, where there is one.
        let others = silent > usize::from(!conversation.psam.is_empty());
        found.push(of_segment(known, segment, atr, others));
        silent = if is_silent(segment) { silent + 1 } else { 0 };
    }
    let all = found.iter().flatten();
    let cards: BTreeSet<usize> =
        all.clone().flat_map(|found| found.card.iter().chain(found.own.values()).copied()).collect();
    if cards.len() < 2 && !all.clone().any(|found| found.is_mixed) {
        return Vec::new();
    }
    let mut turns: Vec<Turn> = Vec::new();
    for (segment, found) in conversation.segments.iter().zip(&found) {
        for (stretch, found) in segment.stretches.iter().zip(found) {
            for at in &stretch.exchanges {
                let (whose, sign) = whose(known, &cards, stretch, found, *at);
                match turns.last_mut().filter(|turn| turn.whose == whose && turn.sign == sign) {
                    Some(turn) => turn.exchanges.1 = *at,
                    None => turns.push(Turn { exchanges: (*at, *at), whose, sign }),
                }
            }
        }
    }
    turns
}

/// What is known of a stretch.
#[derive(Debug)]
struct Found {
    card: Option<usize>,
    sign: Sign,
    is_mixed: bool,
    /// Exchanges that name their card themselves, in a stretch of several.
    own: BTreeMap<usize, usize>,
}

impl Found {
    const fn of(card: Option<usize>, sign: Sign) -> Self {
        Self { card, sign, is_mixed: false, own: BTreeMap::new() }
    }

    fn mixed(known: &mut Vec<Known>, stretch: &Stretch) -> Self {
        let own = stretch.named.iter().filter_map(|(at, named)| Some((*at, of_name(known, named)?))).collect();
        Self { card: None, sign: Sign::Select, is_mixed: true, own }
    }
}

fn of_segment(known: &mut Vec<Known>, segment: &Segment, atr: Option<&Vec<u8>>, others: bool) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut here: Vec<usize> = Vec::new();
    for stretch in &segment.stretches {
        let is_mixed = stretch.is_mixed
            || here.iter().filter_map(|card| of_number(known, *card)).any(|card| is_torn(&card.facts, &stretch.facts));
        let atr = atr.filter(|_| here.is_empty());
        let one = match is_mixed {
            true => Found::mixed(known, stretch),
            false => Found::of(place(known, stretch, atr), Sign::Select),
        };
        let cards =
            one.card.iter().chain(one.own.values()).filter(|card| !here.contains(card)).collect::<BTreeSet<_>>();
        here.extend(cards);
        found.push(one);
    }
    let is_mixed = found.iter().any(|found| found.is_mixed);
    if let ([card], false, false) = (here.as_slice(), is_mixed, others) {
        // Nobody else spoke since the reset.
        for (found, stretch) in found.iter_mut().zip(&segment.stretches) {
            if let Some(one) = known.get_mut(card - 1).filter(|one| !differs(&one.facts, &stretch.facts)) {
                *found = Found::of(Some(*card), Sign::Reset);
                one.learn(stretch);
            }
        }
    } else {
        // Where several speak, a record that its file cannot have is another card's.
        for (found, stretch) in found.iter_mut().zip(&segment.stretches).filter(|(_, stretch)| stretch.is_odd) {
            *found = Found::mixed(known, stretch);
        }
    }
    found
}

/// The card of a stretch: the one that has its name, or a new one where no card known can be it.
fn place(known: &mut Vec<Known>, stretch: &Stretch, atr: Option<&Vec<u8>>) -> Option<usize> {
    let names: Facts = stretch.named.values().flatten().map(|(place, name)| (place.clone(), name.clone())).collect();
    let names = if stretch.written.is_empty() { names } else { named_before(stretch) };
    let is_other = |card: &Known| {
        differs(&card.facts, &stretch.facts) || atr.is_some() && card.atr.is_some() && card.atr.as_ref() != atr
    };
    let is_it =
        |card: &Known| !is_other(card) && (shares(&card.facts, &names) || atr.is_some() && card.atr.as_ref() == atr);
    let all: Vec<usize> = (1..).zip(known.iter()).filter(|(_, card)| is_it(card)).map(|(number, _)| number).collect();
    let card = match all.as_slice() {
        [card] => *card,
        [] if known.len() < CARDS_MAX && known.iter().all(is_other) && (atr.is_some() || !stretch.facts.is_empty()) => {
            known.push(Known::default());
            known.len()
        }
        _ => return None,
    };
    let found = known.get_mut(card - 1)?;
    found.learn(stretch);
    found.atr = found.atr.take().or_else(|| atr.cloned());
    Some(card)
}

/// The card that has this name, or a new one where no card known can have it.
fn of_name(known: &mut Vec<Known>, named: &Facts) -> Option<usize> {
    let all: Vec<usize> =
        (1..).zip(known.iter()).filter(|(_, card)| shares(&card.facts, named)).map(|(number, _)| number).collect();
    match all.as_slice() {
        [card] => Some(*card),
        [] if known.len() < CARDS_MAX && known.iter().all(|card| differs(&card.facts, named)) => {
            known.push(Known { facts: named.clone(), atr: None });
            Some(known.len())
        }
        _ => None,
    }
}

impl Known {
    fn learn(&mut self, stretch: &Stretch) {
        self.facts.retain(|place, _| !stretch.written.iter().any(|file| place.starts_with(file)));
        self.facts.extend(stretch.last.clone());
    }
}

/// Whose an exchange of a stretch is, and by what.
fn whose(known: &[Known], cards: &BTreeSet<usize>, stretch: &Stretch, found: &Found, at: usize) -> (Whose, Sign) {
    if let Some(card) = found.card {
        return (Whose::Card(card), found.sign);
    }
    if let Some(card) = found.own.get(&at) {
        return (Whose::Card(*card), Sign::Itself);
    }
    let differs = |card: usize| of_number(known, card).is_some_and(|card| differs(&card.facts, &stretch.facts));
    let may = |card: &&usize| found.is_mixed || !differs(**card);
    (Whose::Unsure(cards.iter().filter(may).copied().collect()), found.sign)
}

/// A card by its number, from 1.
fn of_number(known: &[Known], card: usize) -> Option<&Known> {
    known.get(card.checked_sub(1)?)
}

/// What a stretch read of names before it wrote.
fn named_before(stretch: &Stretch) -> Facts {
    let is_name = |place: &String| stretch.named.values().any(|named| named.contains_key(place));
    stretch
        .facts
        .iter()
        .filter(|(place, _)| is_name(place))
        .map(|(place, name)| (place.clone(), name.clone()))
        .collect()
}

/// Whether two say different things of one item.
fn differs(one: &Facts, other: &Facts) -> bool {
    other.iter().any(|(place, value)| one.get(place).is_some_and(|known| known != value))
}

/// Whether two say the same of one item.
fn shares(one: &Facts, other: &Facts) -> bool {
    other.iter().any(|(place, value)| one.get(place) == Some(value))
}

/// Whether a stretch has the holder of a card whose other items it has not.
fn is_torn(card: &Facts, stretch: &Facts) -> bool {
    let holder: Facts = stretch
        .iter()
        .filter(|(place, _)| place.ends_with(HOLDER))
        .map(|(place, number)| (place.clone(), number.clone()))
        .collect();
    differs(card, stretch) && shares(card, &holder)
}
