//! What stands on the cards themselves, beside what the centre says of them.
//!
//! Owns: two cards with one number, cards with data that the centre knows nothing of, made cards that lack something.
//! Never: opens a card to write.

use std::collections::BTreeMap;

use card_sim::image;

use crate::failure::Failure;
use crate::life::files;
use crate::place::Place;
use crate::store::{Books, Findings, Known};

/// File that holds number and identifier.
const ISSUER_FILE: &str = "SSSE.EF05";

/// One card.
struct Seen {
    atr: String,
    /// Keys that it holds.
    keys: usize,
    issuer: String,
    blocked: bool,
}

/// Looks into every card of the place.
///
/// # Errors
/// [`Failure`].
pub fn findings(place: &Place) -> Result<Findings, Failure> {
    let known = Books::open(&place.centre())?.cards()?;
    let cards = look(place)?;
    // There are spare cards, which are blank; and a made card has as many keys as every other.
    let blank = cards.iter().map(|card| card.keys).min().unwrap_or_default();
    let whole = cards.iter().map(|card| card.keys).max().unwrap_or_default();
    let (mut findings, mut numbers) = (Findings::default(), BTreeMap::<&str, u64>::new());
    for card in &cards {
        for record in known.iter().filter(|record| card.holds(record)) {
            *numbers.entry(&record.number).or_default() += 1;
        }
        findings.orphans += u64::from(match known.iter().find(|record| card.atr.contains(&record.chip)) {
            Some(record) if record.state == "sealed" => !card.holds(record) || card.keys != whole || card.blocked,
            Some(_) => false,
            None => card.keys != blank,
        });
    }
    findings.double += numbers.values().map(|cards| cards - 1).sum::<u64>();
    let sealed = known.iter().filter(|record| record.state == "sealed");
    findings.lost += sealed.filter(|record| !numbers.contains_key(record.number.as_str())).count() as u64;
    Ok(findings)
}

fn look(place: &Place) -> Result<Vec<Seen>, Failure> {
    let mut folders = vec![place.out()];
    folders.extend((0..).map(|reader| place.hopper(reader)).take_while(|hopper| hopper.is_dir()));
    let mut cards = Vec::new();
    for folder in folders {
        for path in files(&folder)? {
            let (identity, card) = image::inspect(&path)?;
            cards.push(Seen {
                atr: identity.atr,
                keys: card.keys.values().filter(|key| key.version.is_some()).count(),
                issuer: card.files.get(ISSUER_FILE).map(|records| records.concat()).unwrap_or_default(),
                blocked: card.keys.values().any(|key| key.tries_left == 0),
            });
        }
    }
    Ok(cards)
}

impl Seen {
    fn holds(&self, record: &Known) -> bool {
        self.issuer.contains(&hex::encode_upper(&record.number))
            && self.issuer.contains(&record.identifier.to_uppercase())
    }
}
