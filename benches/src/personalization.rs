//! Cards personalized a second in this process, against the bare cost of the same cryptography.
//!
//! Owns: the bare loop: for each step of the plan, what module and card must compute, with the same primitives.
//! Never: counts the making of the blank card.

use std::hint::black_box;
use std::time::{Duration, Instant};

use card_core::crypto::{self, Block};
use card_core::key::Key16;
use card_core::script::{KeyLoad, Step};
use card_profiles::plan::Plan;

use crate::measure::{Aim, Row, alternate, timed};
use crate::sample::Sample;

/// Cards in a block of the measurement.
const ROUNDS: u32 = 40;

/// Blocks of the measurement.
const BLOCKS: usize = 11;

/// The row.
///
/// # Panics
/// When a card refuses a step.
#[must_use]
pub fn measure() -> Row {
    let mut sample = Sample::new();
    let plan = sample.plan(sample.blank(0).atr());
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            (0..rounds).fold(Duration::ZERO, |sum, number| {
                let blank = sample.blank(number);
                let start = Instant::now();
                black_box(sample.personalize(blank));
                sum + start.elapsed()
            })
        },
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    bare(black_box(&plan));
                }
            })
        },
    );
    let note = format!(
        "time of a card: plan, {} steps, software card and read-back, against the cryptography of both sides alone",
        plan.steps.len()
    );
    Row::new("one card personalized, in process", "ms", ours * 1e3, bare * 1e3, Aim::AtMost(1.5), &note)
}

/// A number that stands for a challenge.
const CHALLENGE: Block = [1, 2, 3, 4, 5, 6, 7, 8];

/// Cryptography of both sides for each step.
pub(crate) fn bare(plan: &Plan) {
    let root = Key16::new([0x5A; 16]);
    for step in &plan.steps {
        match &step.step {
            Step::Send(_) | Step::Fetch { .. } => {}
            Step::Authenticate { key, .. } | Step::AuthenticateByTwo { key, .. } | Step::CheckCard { key, .. } => {
                let key = derive(&root, &key.path);
                // The module's cryptogram, and the card's own to compare with.
                for _ in 0..2 {
                    black_box(crypto::des_encrypt(&crypto::session_key(&key, CHALLENGE), &CHALLENGE));
                }
            }
            Step::LoadKey(load) => key_load(&root, load),
            Step::Secure(_) | Step::VerifyHashed { .. } | Step::AuthenticateWhole { .. } | Step::ReplaceHashed(_) => {
                unreachable!("a personalization blocks nothing and touches no PIN or certificate")
            }
        }
    }
}

fn key_load(root: &Key16, load: &KeyLoad) {
    let (key, protecting) = (derive(root, &load.key.path), derive(root, &load.protecting.path));
    let bytes = key.expose().get(..load.key.form.length.bytes()).unwrap_or(key.expose());
    let plain = crypto::pad_for_encipherment(&[&load.label[..], bytes].concat(), 8);
    let enciphered = crypto::tdes_encrypt(&protecting, &plain);
    let message = [&[0x84, 0xD4, 0, 0, 0x1C][..], &enciphered].concat();
    // The module's MAC; the card's check of it and its decipherment.
    for _ in 0..2 {
        black_box(crypto::mac_retail(&protecting, CHALLENGE, &message));
    }
    black_box(crypto::tdes_decrypt(&protecting, &enciphered));
}

fn derive(root: &Key16, path: &[Block]) -> Key16 {
    path.iter().fold(root.clone(), |key, factor| crypto::diversify(&key, *factor))
}
