//! Transaction codes (TAC) checked a second, against bare 3DES.
//!
//! Owns: the bare loop, written with the `des` crate alone: three levels of diversification from the national key, the
//! fold, the CBC-MAC over as many blocks as the record has.
//! Never: checks a TAC that is wrong; both ways must agree before the clock starts.

use std::hint::black_box;

use card_core::crypto::Block;
use card_core::key::Key16;
use card_core::security::KeyName;
use card_core::security::keyring::KeyRing;
use des::cipher::{Array, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use settlement::date::{BusinessDate, DateTime};
use settlement::fen::Fen;
use settlement::id::{BillId, CardFactor, CardIdentifier, Digest, Tac, TerminalNumber};
use settlement::record::{Evidence, Transaction, TransactionRecord};
use settlement::tac::{self, TacVerdict};

use crate::measure::{Aim, Row, alternate, timed};

/// An invented national key.
const NATIONAL: [u8; 16] = *b"bench\x00national\x00k";

/// Records in a block of the measurement.
const ROUNDS: u32 = 2_000;

/// Blocks of the measurement.
const BLOCKS: usize = 15;

/// The row.
///
/// # Panics
/// When ours and the bare loop compute different codes: one of them is wrong.
#[must_use]
pub fn measure() -> Row {
    let profile = card_profiles::builtin("ssc-3.0").expect("built in");
    let rules = profile.account.expect("the card has an account");
    let mut ring = KeyRing::new();
    ring.insert(KeyName::new(rules.tac_key.as_str()), 1, Key16::new(NATIONAL));
    let mut record = record();
    let transaction_type = rules.purchase_type;
    let input = record.mac_fields(transaction_type).expect("amounts of a card").input(&rules.mac.purchase_tac);
    let path = record.card_identifier.factors(record.card_factor).expect("a city").path();
    let computed = tac::compute(&mut ring, &rules, &record).expect("the key is there");
    assert_eq!(computed.0, bare(&path, &input), "both ways compute the same code");
    record.evidence = Evidence::Answered { tac: computed, number: None };
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    let verdict = tac::check(&mut ring, &rules, black_box(&record)).expect("the key is there");
                    assert_eq!(verdict, TacVerdict::Right);
                }
            })
        },
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    black_box(bare(black_box(&path), black_box(&input)));
                }
            })
        },
    );
    let note = format!(
        "bare: 3 diversifications, fold, CBC-MAC of {} bytes, keys and input ready; ours takes the record and a key ring",
        input.len()
    );
    Row::new("TACs verified", "1/s", 1.0 / ours, 1.0 / bare, Aim::AtLeast(0.8), &note)
}

/// An invented purchase.
fn record() -> TransactionRecord {
    TransactionRecord {
        journal_sequence: 1,
        terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
        card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
        card_factor: CardFactor::parse("8650430200000013").expect("hex"),
        card_sequence: 7,
        transaction: Transaction::Purchase {
            terminal_sequence: 0xA5C3,
            personal_account_fen: Fen::new(250),
            self_paid_fen: Fen::new(100),
            pooled_fund_fen: Fen::ZERO,
            bill_id: BillId::parse("B-1").expect("a word"),
            bill_hash: Digest([7; 32]),
            sale_id: None,
        },
        balance_after_fen: Fen::new(750),
        date_time: DateTime::parse("20250102030405").expect("a date"),
        business_date: BusinessDate::parse("2025-01-02").expect("a date"),
        key_version: 1,
        algorithm: 1,
        judgement: None,
        evidence: Evidence::Answered { tac: Tac([0; 4]), number: None },
    }
}

fn bare(path: &[Block; 3], input: &[u8]) -> [u8; 4] {
    let key = path.iter().fold(NATIONAL, |key, factor| {
        let cipher = TdesEde2::new(&Array::from(key));
        let mut left = Array::from(*factor);
        let mut right = Array::from(factor.map(|byte| !byte));
        cipher.encrypt_block(&mut left);
        cipher.encrypt_block(&mut right);
        let mut derived = [0; 16];
        derived.iter_mut().zip(left.into_iter().chain(right)).for_each(|(slot, byte)| *slot = byte);
        derived
    });
    let (left, right) = key.split_at(8);
    let mut folded = [0; 8];
    folded.iter_mut().zip(left.iter().zip(right)).for_each(|(slot, (left, right))| *slot = left ^ right);
    let cipher = Des::new(&Array::from(folded));
    let mut state = Array::from([0_u8; 8]);
    let mut whole = input.chunks_exact(8);
    for chunk in &mut whole {
        state.iter_mut().zip(chunk).for_each(|(slot, byte)| *slot ^= byte);
        cipher.encrypt_block(&mut state);
    }
    state.iter_mut().zip(whole.remainder().iter().chain(&[0x80])).for_each(|(slot, byte)| *slot ^= byte);
    cipher.encrypt_block(&mut state);
    let [a, b, c, d, ..] = <[u8; 8]>::from(state);
    [a, b, c, d]
}
