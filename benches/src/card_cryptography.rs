//! Authentications and purchases a second of the software card, against the bare cost of the same cryptography.
//!
//! Owns: the bare loops, written with the `des` crate and the system's random numbers: what the card must compute, no more.
//! Never: counts the terminal's side: its cryptograms are made while the clock stands.

use std::hint::black_box;
use std::time::{Duration, Instant};

use card_core::apdu::{Command, Protocol};
use card_core::command::{external_authenticate, get_challenge, get_response, select_by_name, verify};
use card_core::crypto::Block;
use card_core::key::Key16;
use card_profiles::Profile;
use card_profiles::account::{AccountRules, Amounts, MacFields, purchase_seed};
use card_profiles::rehearsal::{MARK, TRANSPORT_KEY};
use card_sim::Card;
use card_sim::keys::GivenKeys;
use des::cipher::{Array, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use ring::rand::{SecureRandom, SystemRandom};

use crate::measure::{Aim, Row, alternate, timed};

/// Authentications or purchases in a block of the measurement. Short blocks: one fits between two turns of the scheduler.
/// All blocks together stay below the card's last transaction number.
const ROUNDS: u32 = 100;

/// Blocks of the measurement.
const BLOCKS: usize = 201;

/// Of the bare rate, what the card must reach.
const AIM: f64 = 0.7;

/// An invented key of the card: it updates, pays and signs.
const KEY: [u8; 16] = *b"bench\x00of\x00a\x00card\x00";

/// The initial PIN of the software card, as BCD.
const PIN: [u8; 3] = [0x12, 0x34, 0x56];

/// Both rows.
///
/// # Panics
/// When the card refuses, or computes another MAC than the bare loop.
#[must_use]
pub fn measure() -> Vec<Row> {
    vec![authentications(), purchases()]
}

fn authentications() -> Row {
    let profile = profile();
    let id = profile.key.iter().find(|row| row.name.as_str() == "UKSSSE").expect("the key that updates").id;
    let mut counter = Counter::new(&profile);
    counter.select(&profile, "SSSE");
    let random = SystemRandom::new();
    let plain = [0x11; 8];
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            let mut sum = Duration::ZERO;
            for _ in 0..rounds {
                let challenge = counter.timed(&get_challenge(8), &mut sum);
                let challenge = *challenge.first_chunk().expect("8 bytes");
                let command = external_authenticate(id, cryptogram(challenge, plain), plain);
                assert_eq!(counter.timed(&command, &mut sum), [0x90, 0x00]);
            }
            sum
        },
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    let mut challenge = [0; 8];
                    random.fill(&mut challenge).expect("the system has random numbers");
                    black_box(cryptogram(black_box(challenge), black_box(plain)));
                }
            })
        },
    );
    let note = "GET CHALLENGE and EXTERNAL AUTHENTICATION, the try stored before the comparison and restored after; \
                bare: 8 random bytes, one 3DES session key, one DES block";
    Row::new("external authentications of the card", "1/s", 1.0 / ours, 1.0 / bare, Aim::AtLeast(AIM), note)
}

fn purchases() -> Row {
    let profile = profile();
    let rules = profile.account.clone().expect("the card has an account");
    let mut counter = Counter::new(&profile);
    counter.select(&profile, "DF04");
    assert_eq!(counter.send(&verify(&PIN)), [0x90, 0x00], "the PIN is right");
    let random = SystemRandom::new();
    let purchase = Purchase::invented(&rules);
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            let mut sum = Duration::ZERO;
            for _ in 0..rounds {
                purchase.pay(&mut counter, &rules, &mut sum);
            }
            sum
        },
        |rounds| {
            timed(|| {
                for number in (0_u16..=u16::MAX).cycle().take(rounds.try_into().expect("few")) {
                    let mut challenge = [0; 4];
                    random.fill(&mut challenge).expect("the system has random numbers");
                    black_box(purchase.codes(black_box(challenge), black_box(number)));
                }
            })
        },
    );
    let note = "INITIALIZE, DEBIT and both GET RESPONSEs; balance, totals, number, log and proof stored in one transaction; \
                bare: 4 random bytes, one 3DES session key, MAC1, MAC2 and TAC with the `des` crate";
    Row::new("purchases of the card", "1/s", 1.0 / ours, 1.0 / bare, Aim::AtLeast(AIM), note)
}

fn profile() -> Profile {
    card_profiles::builtin("ssc-3.0").expect("built in")
}

/// A card with known keys, and what it answered last.
struct Counter {
    card: Card,
    answer: Vec<u8>,
}

impl Counter {
    fn new(profile: &Profile) -> Self {
        let row = |name: &str| format!("[[key]]\nname = \"{name}\"\nvalue = \"{}\"\n", hex::encode_upper(KEY));
        let rows: String = ["UKSSSE", "DPK", "DTK"].map(row).concat();
        let keys = GivenKeys::parse(&format!("mark = \"{MARK}\"\n{rows}")).expect("a key file");
        let transport = Key16::new(TRANSPORT_KEY);
        let mut card = Card::with_keys(profile, [0x51, 0x33, 0, 0, 0, 1], &transport, &keys).expect("a card");
        card.power_on().expect("the card comes up");
        Self { card, answer: Vec::with_capacity(258) }
    }

    fn send(&mut self, command: &Command) -> &[u8] {
        let mut unused = Duration::ZERO;
        self.timed(command, &mut unused)
    }

    /// Sends a command, and adds what the card took.
    fn timed(&mut self, command: &Command, sum: &mut Duration) -> &[u8] {
        let bytes = command.encode(Protocol::T0);
        self.answer.clear();
        let start = Instant::now();
        self.card.transmit(&bytes, &mut self.answer).expect("the card answers");
        *sum += start.elapsed();
        &self.answer
    }

    /// Sends a command with data, fetches what it announces.
    fn fetched(&mut self, command: &Command, length: u8, sum: &mut Duration) -> &[u8] {
        assert_eq!(self.timed(command, sum), [0x61, length]);
        self.timed(&get_response(length.into()), sum)
    }

    fn select(&mut self, profile: &Profile, df: &str) {
        let name = &profile.df(df).expect("a directory").df_name;
        assert_eq!(self.send(&select_by_name(name)).first(), Some(&0x61), "{df} is there");
    }
}

/// An invented purchase that the account need not have money for.
struct Purchase {
    fields: MacFields,
    mac1: Vec<u8>,
    mac2: Vec<u8>,
    tac: Vec<u8>,
}

impl Purchase {
    fn invented(rules: &AccountRules) -> Self {
        let fields = MacFields {
            amounts: Amounts { personal_account: 0, self_paid: 1, pooled_fund: 0 },
            transaction_type: rules.purchase_type,
            terminal: [0x51, 0x33, 0, 0, 0, 1],
            terminal_sequence: 7,
            date_time: [0x20, 0x26, 0x01, 0x05, 0x10, 0x11, 0x12],
            ..MacFields::default()
        };
        let input = |rows: &[_]| fields.input(rows);
        let (mac1, mac2) = (input(&rules.mac.purchase_mac1), input(&rules.mac.purchase_mac2));
        Self { fields, mac1, mac2, tac: input(&rules.mac.purchase_tac) }
    }

    /// MAC1, MAC2 and TAC.
    fn codes(&self, random: [u8; 4], card_sequence: u16) -> [[u8; 4]; 3] {
        let session = session_key(purchase_seed(random, card_sequence, self.fields.terminal_sequence));
        let (left, right) = KEY.split_at(8);
        let mut folded = [0; 8];
        folded.iter_mut().zip(left.iter().zip(right)).for_each(|(slot, (left, right))| *slot = left ^ right);
        let (session, tac) = (Des::new(&Array::from(session)), Des::new(&Array::from(folded)));
        [mac(&session, &self.mac1), mac(&session, &self.mac2), mac(&tac, &self.tac)]
    }

    fn pay(&self, counter: &mut Counter, rules: &AccountRules, sum: &mut Duration) {
        let init = rules.init_purchase(self.fields.amounts, self.fields.terminal);
        let start = counter.fetched(&init, 22, sum);
        let start = AccountRules::parse_purchase_start(start.get(..22).expect("22 bytes")).expect("as announced");
        let [mac1, mac2, tac] = self.codes(start.random, start.card_sequence);
        let debit = rules.debit_purchase(self.fields.terminal_sequence, self.fields.date_time, mac1);
        let answer = counter.fetched(&debit, 8, sum);
        assert_eq!(answer, [&tac[..], &mac2, &[0x90, 0x00]].concat(), "both ways compute the same codes");
    }
}

fn session_key(seed: Block) -> Block {
    let mut session = Array::from(seed);
    TdesEde2::new(&Array::from(KEY)).encrypt_block(&mut session);
    session.into()
}

fn cryptogram(challenge: Block, plain: Block) -> Block {
    let mut block = Array::from(plain);
    Des::new(&Array::from(session_key(challenge))).encrypt_block(&mut block);
    block.into()
}

/// CBC-MAC with padding 80 00…, leftmost four bytes.
fn mac(cipher: &Des, message: &[u8]) -> [u8; 4] {
    let mut state = Array::from([0_u8; 8]);
    let mut whole = message.chunks_exact(8);
    for chunk in &mut whole {
        state.iter_mut().zip(chunk).for_each(|(slot, byte)| *slot ^= byte);
        cipher.encrypt_block(&mut state);
    }
    state.iter_mut().zip(whole.remainder().iter().chain(&[0x80])).for_each(|(slot, byte)| *slot ^= byte);
    cipher.encrypt_block(&mut state);
    let [a, b, c, d, ..] = <[u8; 8]>::from(state);
    [a, b, c, d]
}
