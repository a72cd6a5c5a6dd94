//! The account rows by the algorithm that a card answered.
//!
//! Source: algorithm byte (算法标识) in the answers of INITIALIZE, `Algorithm::of_account`.
//! Owns: the choice. Never: believes the byte: a TAC or MAC1 that does not fit is wrong, whatever the byte says.

use card_core::algorithm::Algorithm;
use card_profiles::account::AccountRules;

use crate::tac::TacError;

/// Profiles of the cards that a centre serves, one for each algorithm.
const PROFILES: [&str; 2] = ["ssc-3.0", "ssc-3.0-sm4"];

/// Account rows, one set for each algorithm.
#[derive(Clone, Debug)]
pub struct Accounts(Vec<AccountRules>);

impl Accounts {
    /// The rows of the built-in profiles.
    ///
    /// # Panics
    /// Never: the profiles are built in, and a test asks for each algorithm.
    #[must_use]
    pub fn builtin() -> Self {
        let account = |name| card_profiles::builtin(name).and_then(|profile| profile.account);
        Self(PROFILES.into_iter().map(|name| account(name).expect("a built-in profile with an account")).collect())
    }

    /// The rows for a card that answered this byte.
    ///
    /// # Errors
    /// [`TacError::Algorithm`] for SSF33, and for an algorithm without rows.
    pub fn of(&self, algorithm: u8) -> Result<&AccountRules, TacError> {
        let public = Algorithm::of_account(algorithm).map_err(|_| TacError::Algorithm(algorithm))?;
        self.0.iter().find(|rules| rules.key_form.rules.algorithm == public).ok_or(TacError::Algorithm(algorithm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::DateTime;
    use crate::fen::Fen;
    use crate::id::{CardRandom, LoadId, Mac, RequestId, Tac, TerminalNumber};
    use crate::load::{check_mac1, mac2};
    use crate::message::{LoadRequest, Version1};
    use crate::record::tests::{load, purchase};
    use crate::record::{Evidence, Transaction, TransactionRecord};
    use crate::tac::tests::key16;
    use crate::tac::{TacVerdict, check};
    use card_core::security::keyring::KeyRing;

    /// One card's own keys: the synthetic card of the purse's SM4 vectors.
    fn card_keys(rules: &AccountRules, record: &TransactionRecord) -> KeyRing {
        let factors = record.card_identifier.factors(record.card_factor).expect("a city");
        let path = card_core::security::KeyRef::of_card(&rules.tac_key, 1, &factors, rules.key_form).path;
        let mut ring = KeyRing::new();
        let own = [
            (&rules.load_key, "7944FB6913F7948E12055B61BBD0B622"),
            (&rules.tac_key, "B32F68211CF45B01F704387ACC8D2FE6"),
        ];
        own.into_iter().for_each(|(name, key)| ring.insert_below(name.clone(), 1, path.clone(), key16(key)));
        ring
    }

    fn sm4() -> AccountRules {
        Accounts::builtin().of(3).expect("SM4").clone()
    }

    #[test]
    fn the_load_of_an_sm4_card_has_the_codes_that_openssl_calculates() {
        let (rules, mut record) = (sm4(), load(1));
        let mut keys = card_keys(&rules, &record);
        let time = DateTime::parse("20250102030405").expect("real");
        let request = LoadRequest {
            version: Version1,
            request_id: RequestId([1; 16]),
            terminal: TerminalNumber::parse("990011223344").expect("hex"),
            load_id: LoadId([2; 16]),
            card_identifier: record.card_identifier,
            card_factor: record.card_factor,
            amount_fen: Fen::new(500),
            balance_fen: Fen::new(1_000),
            card_sequence: 3,
            random: CardRandom::parse("A1B2C3D4").expect("hex"),
            key_version: 1,
            algorithm: 3,
            mac1: Mac::parse("53B85E39").expect("hex"),
            refund: None,
            after: None,
        };
        assert!(check_mac1(&mut keys, &rules, &request).expect("computes"));
        assert_eq!(mac2(&mut keys, &rules, &request, time).expect("computes").to_string(), "EEA0627F");
        record.transaction = Transaction::Load { load_id: request.load_id, amount_fen: request.amount_fen };
        record.balance_after_fen = Fen::new(1_500);
        record.card_sequence = 3;
        record.terminal = request.terminal;
        record.date_time = time;
        record.evidence = Evidence::Answered { tac: Tac::parse("045B663C").expect("hex"), number: None };
        assert_eq!(check(&mut keys, &rules, &record).expect("computes"), TacVerdict::Right);
        let tdes = Accounts::builtin().of(1).expect("3DES").clone();
        assert_eq!(check(&mut keys, &tdes, &record).expect("computes"), TacVerdict::Wrong);
        assert!(!check_mac1(&mut keys, &tdes, &request).expect("computes"));
    }

    #[test]
    fn the_purchase_of_an_sm4_card_has_the_tac_that_openssl_calculates() {
        let (rules, record) = (sm4(), purchase(1));
        let tac = Tac::parse("30CC20CF").expect("hex");
        let record = TransactionRecord { algorithm: 4, evidence: Evidence::Proved { tac, number: None }, ..record };
        let mut keys = card_keys(&rules, &record);
        let verdict = Accounts::builtin().of(record.algorithm).and_then(|rules| check(&mut keys, rules, &record));
        assert_eq!(verdict.expect("computes"), TacVerdict::Right);
        let other = TransactionRecord { algorithm: 1, ..record };
        let verdict = Accounts::builtin().of(other.algorithm).and_then(|rules| check(&mut keys, rules, &other));
        assert_eq!(verdict.expect("computes"), TacVerdict::Wrong);
    }

    #[test]
    fn every_byte_has_the_rows_of_its_algorithm_or_is_refused() {
        let accounts = Accounts::builtin();
        for byte in 0..=u8::MAX {
            let found = accounts.of(byte).map(|rules| rules.key_form.rules.algorithm).ok();
            let expected = match byte {
                2 => None,
                3 | 4 => Some(Algorithm::Sm4),
                _ => Some(Algorithm::Tdes),
            };
            assert_eq!(found, expected, "{byte:02X}");
        }
    }
}
