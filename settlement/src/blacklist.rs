//! The blacklist (黑名单) as it leaves the centre: whole, or as what changed, signed with the centre's key.
//!
//! Source: Ed25519 (RFC 8032), SHA-256; docs/adr/0035.
//! Owns: what the signature covers, and when a terminal may take a list over. Never: asks a clock, stores a list, sends one.
//! Units: times are China's, `YYYYMMDDHHMMSS`; sequences from 1, 0 for no list.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::date::DateTime;
use crate::id::{CardIdentifier, Digest, PublicKey, Signature};
use crate::limits::BLACKLIST_ENTRIES_MAX;
use crate::message::Version1;
use crate::signing;

/// A list, or what changed since an earlier one. The signature covers the whole list that results, so a change that is applied
/// to another list than the centre's is noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBlacklist {
    /// Always 1.
    pub version: Version1,
    /// Who signed.
    pub centre_key: PublicKey,
    /// Sequence of the list that this changes; 0 for a whole list.
    pub since: u64,
    /// Sequence of the list that results.
    pub sequence: u64,
    /// When it was signed.
    pub issued_at: DateTime,
    /// Until when a terminal may sell by it.
    pub valid_until: DateTime,
    /// Cards on the list that results.
    pub cards: u64,
    /// SHA-256 over these cards, in order of their bytes.
    pub digest: Digest,
    /// Cards that came onto it.
    pub added: Vec<CardIdentifier>,
    /// Cards that left it.
    pub removed: Vec<CardIdentifier>,
    /// Signature over sequence, times, number of cards and digest.
    pub signature: Signature,
}

/// When a list was made, and how long it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// When it was signed.
    pub issued_at: DateTime,
    /// Until when a terminal may sell by it.
    pub valid_until: DateTime,
}

/// A list that a terminal holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Its sequence; 0 for none.
    pub sequence: u64,
    /// When it was signed; `None` for none.
    pub issued_at: Option<DateTime>,
    /// Its cards.
    pub cards: BTreeSet<CardIdentifier>,
}

/// A list is not taken over; the one that is held stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Another centre's.
    #[error("the list is of the centre with key {key}")]
    Foreign {
        /// Its key.
        key: PublicKey,
    },
    /// The signature does not fit.
    #[error("the signature of list {sequence} does not fit")]
    Unsigned {
        /// Its sequence.
        sequence: u64,
    },
    /// Older than what is held.
    #[error("list {offered} is older than list {held}")]
    Older {
        /// Its sequence.
        offered: u64,
        /// Sequence of the one that is held.
        held: u64,
    },
    /// Past its time.
    #[error("list {sequence} was valid until {until}")]
    Expired {
        /// Its sequence.
        sequence: u64,
        /// Its last instant.
        until: DateTime,
    },
    /// Signed later than the terminal's clock says it is.
    #[error("list {sequence} was signed at {issued_at}, the clock says {now}")]
    Ahead {
        /// Its sequence.
        sequence: u64,
        /// When.
        issued_at: DateTime,
        /// What the clock says.
        now: DateTime,
    },
    /// The changes do not lead from the list that is held to the one that was signed.
    #[error("the changes since list {since} do not fit list {held}")]
    Gap {
        /// What it changes.
        since: u64,
        /// What is held.
        held: u64,
    },
    /// More cards than a terminal takes.
    #[error("list {sequence} has {cards} cards, {BLACKLIST_ENTRIES_MAX} are allowed")]
    TooLong {
        /// Its sequence.
        sequence: u64,
        /// Its cards.
        cards: u64,
    },
}

/// A text that is no signed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}")]
pub struct NotAList {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl SignedBlacklist {
    /// Reads a file.
    ///
    /// # Errors
    /// [`NotAList`] with the place that is no part of a list of this version.
    pub fn parse(text: &str) -> Result<Self, NotAList> {
        serde_json::from_str(text).map_err(|error| NotAList { line: error.line(), column: error.column() })
    }

    /// The file: one line of JSON.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("every field has a JSON form") + "\n"
    }

    /// Signs a list. `then` is the list that the receiver holds, with its sequence; an empty one with 0 makes a whole list.
    #[must_use]
    pub fn sign(
        then: (u64, &BTreeSet<CardIdentifier>),
        now: (u64, &BTreeSet<CardIdentifier>),
        period: Period,
        centre_key: PublicKey,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Self {
        let ((since, then), (sequence, now)) = (then, now);
        let cards = now.len() as u64;
        let digest = digest(now);
        let signature = sign(&signed_bytes(sequence, period, cards, digest));
        Self {
            version: Version1,
            centre_key,
            since,
            sequence,
            issued_at: period.issued_at,
            valid_until: period.valid_until,
            cards,
            digest,
            added: now.difference(then).copied().collect(),
            removed: then.difference(now).copied().collect(),
            signature,
        }
    }

    /// The whole list that somebody holds, as it was signed: the signature is over the list that results, however it came.
    #[must_use]
    pub fn whole(held: &Held, period: Period, centre_key: PublicKey, signature: Signature) -> Self {
        Self {
            version: Version1,
            centre_key,
            since: 0,
            sequence: held.sequence,
            issued_at: period.issued_at,
            valid_until: period.valid_until,
            cards: held.cards.len() as u64,
            digest: digest(&held.cards),
            added: held.cards.iter().copied().collect(),
            removed: Vec::new(),
            signature,
        }
    }

    /// The cards of the list that results, whenever it was good: what its centre once signed. `then` is the list with the sequence
    /// [`SignedBlacklist::since`], empty for 0.
    ///
    /// # Errors
    /// [`ListFault`]: another centre's, unsigned, too long, or changes that do not lead to the list that was signed.
    pub fn attested(
        &self,
        key: &PublicKey,
        then: &BTreeSet<CardIdentifier>,
    ) -> Result<BTreeSet<CardIdentifier>, ListFault> {
        let (sequence, since) = (self.sequence, self.since);
        if self.centre_key != *key {
            return Err(ListFault::Foreign { key: self.centre_key });
        }
        let period = Period { issued_at: self.issued_at, valid_until: self.valid_until };
        let bytes = signed_bytes(sequence, period, self.cards, self.digest);
        signing::verify_blacklist(key, &bytes, &self.signature).map_err(|_| ListFault::Unsigned { sequence })?;
        let changes = self.added.len().saturating_add(self.removed.len());
        if self.cards > BLACKLIST_ENTRIES_MAX as u64 || changes > 2 * BLACKLIST_ENTRIES_MAX {
            return Err(ListFault::TooLong { sequence, cards: self.cards });
        }
        let mut cards = then.clone();
        for card in &self.removed {
            cards.remove(card);
        }
        cards.extend(&self.added);
        if cards.len() as u64 != self.cards || digest(&cards) != self.digest {
            return Err(ListFault::Gap { since, held: since });
        }
        Ok(cards)
    }

    /// The list that results, if it may be taken over. `latest` is the clock with what it may be behind.
    ///
    /// # Errors
    /// [`ListFault`]; the list that is held stays.
    pub fn open(&self, key: &PublicKey, held: &Held, now: DateTime, latest: DateTime) -> Result<Held, ListFault> {
        let (sequence, since) = (self.sequence, self.since);
        let gap = ListFault::Gap { since, held: held.sequence };
        let empty = BTreeSet::new();
        let then = match since {
            0 => Ok(&empty),
            since if since == held.sequence => Ok(&held.cards),
            _ => Err(gap),
        };
        // Whose it is comes first, then whether it is in its time, then whether it fits what is held.
        let cards = self.attested(key, then.unwrap_or(&empty));
        if let Err(fault @ (ListFault::Foreign { .. } | ListFault::Unsigned { .. })) = cards {
            return Err(fault);
        }
        if (sequence, Some(self.issued_at)) < (held.sequence, held.issued_at) {
            return Err(ListFault::Older { offered: sequence, held: held.sequence });
        }
        if self.valid_until < now {
            return Err(ListFault::Expired { sequence, until: self.valid_until });
        }
        if self.issued_at > latest {
            return Err(ListFault::Ahead { sequence, issued_at: self.issued_at, now });
        }
        let cards = match cards {
            Err(ListFault::Gap { .. }) => return Err(gap),
            cards => cards?,
        };
        then?;
        Ok(Held { sequence, issued_at: Some(self.issued_at), cards })
    }
}

fn digest(cards: &BTreeSet<CardIdentifier>) -> Digest {
    let bytes: Vec<u8> = cards.iter().flat_map(|card| card.0).collect();
    Digest::of(&bytes)
}

/// What the signature covers. No other signed text of the house begins so.
fn signed_bytes(sequence: u64, period: Period, cards: u64, digest: Digest) -> Vec<u8> {
    let Period { issued_at, valid_until } = period;
    format!("settlement-blacklist-1\n{sequence}\n{issued_at}\n{valid_until}\n{cards}\n{digest}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::TerminalKey;
    use zeroize::Zeroizing;

    fn cards(numbers: &[u8]) -> BTreeSet<CardIdentifier> {
        numbers.iter().map(|n| CardIdentifier([*n; 16])).collect()
    }

    fn at(text: &str) -> DateTime {
        DateTime::parse(text).expect("real")
    }

    fn centre(seed: u8) -> TerminalKey {
        TerminalKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    const NOON: &str = "20260301120000";

    fn signed(then: (u64, &[u8]), now: (u64, &[u8]), issued_at: &str) -> SignedBlacklist {
        let key = centre(1);
        let period = Period { issued_at: at(issued_at), valid_until: at("20260304120000") };
        SignedBlacklist::sign((then.0, &cards(then.1)), (now.0, &cards(now.1)), period, key.public_key(), |bytes| {
            key.sign(bytes)
        })
    }

    fn open(list: &SignedBlacklist, held: &Held, now: &str) -> Result<Held, ListFault> {
        list.open(&centre(1).public_key(), held, at(now), at(now))
    }

    fn held(sequence: u64, numbers: &[u8]) -> Held {
        Held { sequence, issued_at: Some(at("20260301000000")), cards: cards(numbers) }
    }

    #[test]
    fn a_whole_list_and_the_changes_since_any_earlier_one_lead_to_the_same() {
        let now: &[u8] = &[2, 3, 5];
        for (since, then) in [(0, &[][..]), (4, &[1, 2]), (9, &[]), (10, &[2, 3, 5])] {
            let list = signed((since, then), (10, now), NOON);
            let opened = open(&list, &held(since.max(1), then), NOON).expect("taken over");
            assert_eq!((opened.sequence, opened.cards), (10, cards(now)), "since {since}");
        }
        // A whole list needs nothing and replaces everything.
        let opened = open(&signed((0, &[]), (10, now), NOON), &held(7, &[8, 9]), NOON).expect("taken over");
        assert_eq!(opened.cards, cards(now));
    }

    #[test]
    fn changes_that_do_not_fit_what_is_held_are_refused() {
        let list = signed((4, &[1, 2]), (10, &[2, 3]), NOON);
        assert_eq!(open(&list, &held(5, &[1, 2]), NOON), Err(ListFault::Gap { since: 4, held: 5 }));
        // The same number, another list: a centre that was brought back from a backup.
        assert_eq!(open(&list, &held(4, &[1, 2, 9]), NOON), Err(ListFault::Gap { since: 4, held: 4 }));
    }

    #[test]
    fn every_changed_field_is_noticed() {
        let good = signed((4, &[1, 2]), (10, &[2, 3]), NOON);
        let here = held(4, &[1, 2]);
        assert!(open(&good, &here, NOON).is_ok());
        let unsigned = Err(ListFault::Unsigned { sequence: 10 });
        let altered = |alter: fn(&mut SignedBlacklist)| {
            let mut list = good.clone();
            alter(&mut list);
            open(&list, &here, NOON)
        };
        assert_eq!(altered(|list| list.sequence = 11), Err(ListFault::Unsigned { sequence: 11 }));
        assert_eq!(altered(|list| list.issued_at = at("20260301120001")), unsigned);
        assert_eq!(altered(|list| list.valid_until = at("20270304120000")), unsigned);
        assert_eq!(altered(|list| list.cards = 3), unsigned);
        assert_eq!(altered(|list| list.digest.0[0] ^= 1), unsigned);
        assert_eq!(altered(|list| list.signature.0[0] ^= 1), unsigned);
        let gap = Err(ListFault::Gap { since: 4, held: 4 });
        assert_eq!(altered(|list| list.added.clear()), gap);
        assert_eq!(altered(|list| list.removed.clear()), gap);
        assert_eq!(altered(|list| list.added.push(CardIdentifier([7; 16]))), gap);
        assert_eq!(altered(|list| list.since = 0), Err(ListFault::Gap { since: 0, held: 4 }));
        let other = centre(2).public_key();
        let foreign = good.open(&other, &here, at(NOON), at(NOON));
        assert_eq!(foreign, Err(ListFault::Foreign { key: centre(1).public_key() }));
    }

    #[test]
    fn an_older_an_expired_and_a_future_list_are_refused() {
        let list = signed((0, &[]), (10, &[2]), NOON);
        assert_eq!(open(&list, &held(11, &[]), NOON), Err(ListFault::Older { offered: 10, held: 11 }));
        let later = Held { issued_at: Some(at("20260301120001")), ..held(10, &[2]) };
        assert_eq!(open(&list, &later, NOON), Err(ListFault::Older { offered: 10, held: 10 }));
        assert!(open(&list, &held(10, &[2]), NOON).is_ok(), "signed again, it may be used longer");
        let until = at("20260304120000");
        assert!(open(&list, &Held::default(), "20260304120000").is_ok());
        assert_eq!(open(&list, &Held::default(), "20260304120001"), Err(ListFault::Expired { sequence: 10, until }));
        assert!(matches!(open(&list, &Held::default(), "20260301115959"), Err(ListFault::Ahead { .. })));
        assert!(list.open(&centre(1).public_key(), &Held::default(), at("20260301115959"), at(NOON)).is_ok());
    }

    #[test]
    fn what_is_held_is_given_out_again_as_it_was_signed_and_attested_after_its_time() {
        let list = signed((4, &[1, 2]), (10, &[2, 3]), NOON);
        let taken = open(&list, &held(4, &[1, 2]), NOON).expect("taken over");
        let period = Period { issued_at: list.issued_at, valid_until: list.valid_until };
        let key = centre(1).public_key();
        let whole = SignedBlacklist::whole(&taken, period, key, list.signature);
        assert_eq!(
            whole,
            SignedBlacklist {
                since: 0,
                added: vec![CardIdentifier([2; 16]), CardIdentifier([3; 16])],
                removed: Vec::new(),
                ..list.clone()
            }
        );
        assert_eq!(whole.attested(&key, &BTreeSet::new()), Ok(cards(&[2, 3])));
        assert_eq!(list.attested(&key, &cards(&[1, 2])), Ok(cards(&[2, 3])));
        assert_eq!(list.attested(&key, &cards(&[2])), Ok(cards(&[2, 3])), "what is taken off need not have been there");
        assert_eq!(list.attested(&key, &cards(&[9])), Err(ListFault::Gap { since: 4, held: 4 }));
        let other = centre(2).public_key();
        assert_eq!(whole.attested(&other, &BTreeSet::new()), Err(ListFault::Foreign { key }));
        let altered = SignedBlacklist { added: vec![CardIdentifier([2; 16]), CardIdentifier([4; 16])], ..whole };
        assert_eq!(altered.attested(&key, &BTreeSet::new()), Err(ListFault::Gap { since: 0, held: 0 }));
    }

    #[test]
    fn it_is_written_and_read_as_json() {
        let list = signed((4, &[1]), (10, &[2]), NOON);
        assert_eq!(SignedBlacklist::parse(&list.to_text()), Ok(list.clone()));
        let later = list.to_text().replacen("\"version\":1", "\"version\":2", 1);
        for text in ["", "{}", "[]", &later, &list.to_text()[..200]] {
            assert!(SignedBlacklist::parse(text).is_err(), "{text}");
        }
    }
}
