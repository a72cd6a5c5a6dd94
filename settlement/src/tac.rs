//! The centre computes again what the card computed: TAC of a record, MAC2 of a purchase, which shows its number.
//!
//! Source: docs/adr/0087; PBOC: TAC = `MAC8(fold(DTK), …)`, MAC2 = `MAC8(SESPK, …)`; fields and keys are rows of the profile's account.
//! Owns: which key and which bytes; comparison in constant time. Never: holds a key; decides what follows from a wrong TAC.

use card_core::crypto::Block;
use card_core::security::{KeyRef, MacKey, SecurityError, SecurityModule};
use card_profiles::account::{AccountRules, purchase_seed};

use crate::code::ErrorCode;
use crate::fen::FenError;
use crate::id::{CardFactor, CardIdentifier, CardRandom, Mac, Tac};
use crate::record::{NumberProof, Transaction, TransactionRecord};

/// What the TAC of a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TacVerdict {
    /// The card made this transaction.
    Right,
    /// It did not, or something in the record was changed.
    Wrong,
    /// The record brings no TAC.
    Missing,
}

/// What is known of the number that a record says the card gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum NumberVerdict {
    /// The card gave this number: by its MAC2, or of a load by its TAC.
    Proved,
    /// It gave another one, or what shows it was changed.
    Wrong,
    /// The record brings nothing that shows it, or nobody here has the purchase key.
    Unproved,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum TacError {
    /// The identifier does not begin with a city code, so there is no way to the card's key.
    #[error("card identifier {0} does not begin with six digits of a city code")]
    NoCity(CardIdentifier),
    /// An amount that no card holds.
    #[error(transparent)]
    Amount(#[from] FenError),
    /// Cards of this algorithm cannot be checked: SSF33 is not public.
    #[error("nothing is known of the account of cards with algorithm {0:02X}")]
    Algorithm(u8),
    /// A load has no MAC2 of the card.
    #[error("only a purchase has a MAC2")]
    NotPurchase,
    /// The module gave no answer.
    #[error(transparent)]
    Security(#[from] SecurityError),
}

impl TacVerdict {
    /// The code for the terminal; `None` when the record may be posted.
    #[must_use]
    pub const fn code(self) -> Option<ErrorCode> {
        match self {
            Self::Right => None,
            Self::Wrong => Some(ErrorCode::TacWrong),
            Self::Missing => Some(ErrorCode::TacMissing),
        }
    }
}

/// Checks the TAC of a record.
///
/// # Errors
/// [`TacError`] when the TAC cannot be computed.
pub fn check(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    record: &TransactionRecord,
) -> Result<TacVerdict, TacError> {
    let Some(claimed) = record.evidence.tac() else { return Ok(TacVerdict::Missing) };
    let computed = compute(module, rules, record)?;
    Ok(if equal(&claimed.0, &computed.0) { TacVerdict::Right } else { TacVerdict::Wrong })
}

/// Checks the number of a record whose TAC is right.
///
/// # Errors
/// [`TacError`] when the module does not answer. A purchase key that is not there, or that the module does not compute with, is
/// [`NumberVerdict::Unproved`].
pub fn check_number(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    record: &TransactionRecord,
) -> Result<NumberVerdict, TacError> {
    let Some(code) = record.evidence.code() else { return Ok(NumberVerdict::Unproved) };
    if !matches!(record.transaction, Transaction::Purchase { .. }) {
        // The TAC of a load covers its number and its balance.
        return Ok(NumberVerdict::Proved);
    }
    let Some(NumberProof { random, mac2 }) = code.number else { return Ok(NumberVerdict::Unproved) };
    match check_mac2(module, rules, record, random, mac2) {
        Ok(true) => Ok(NumberVerdict::Proved),
        Ok(false) => Ok(NumberVerdict::Wrong),
        Err(TacError::Security(
            SecurityError::KeyNotFound { .. }
            | SecurityError::LevelTooLow { .. }
            | SecurityError::Unsupported { .. }
            | SecurityError::Refused { .. }
            | SecurityError::StaysInside { .. },
        )) => Ok(NumberVerdict::Unproved),
        Err(error) => Err(error),
    }
}

/// The TAC that the card must have made for this record.
///
/// The version of the TAC key is assumed to be the version that the card answered for the purchase or load key.
///
/// # Errors
/// [`TacError`].
pub fn compute(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    record: &TransactionRecord,
) -> Result<Tac, TacError> {
    let (transaction_type, fields) = match record.transaction {
        Transaction::Purchase { .. } => (rules.purchase_type, &rules.mac.purchase_tac),
        Transaction::Load { .. } | Transaction::Refund { .. } => (rules.load_type, &rules.mac.load_tac),
    };
    let key = card_key(rules, &rules.tac_key, record.key_version, record.card_identifier, record.card_factor)?;
    let input = record.mac_fields(transaction_type)?.input(fields);
    Ok(Tac(module.mac(&key, MacKey::Tac, ZERO_IV, &input)?))
}

/// Checks the card's MAC2 of a purchase, where the purchase key is at hand (a terminal with a PSAM asks the PSAM instead).
///
/// # Errors
/// [`TacError`].
pub fn check_mac2(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    record: &TransactionRecord,
    random: CardRandom,
    mac2: Mac,
) -> Result<bool, TacError> {
    Ok(equal(&mac2.0, &compute_mac2(module, rules, record, random)?.0))
}

/// The MAC2 that the card must have made for this purchase with this random.
///
/// # Errors
/// [`TacError`].
pub fn compute_mac2(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    record: &TransactionRecord,
    random: CardRandom,
) -> Result<Mac, TacError> {
    let Transaction::Purchase { terminal_sequence, .. } = record.transaction else { return Err(TacError::NotPurchase) };
    let key = card_key(rules, &rules.purchase_key, record.key_version, record.card_identifier, record.card_factor)?;
    let seed = purchase_seed(random.0, record.card_sequence, terminal_sequence);
    let input = record.mac_fields(rules.purchase_type)?.input(&rules.mac.purchase_mac2);
    Ok(Mac(module.mac(&key, MacKey::Session(seed), ZERO_IV, &input)?))
}

/// The transaction MACs of PBOC start from zeros.
pub(crate) const ZERO_IV: Block = [0; 8];

/// The key of the card with this identifier and factor.
pub(crate) fn card_key(
    rules: &AccountRules,
    name: &card_core::security::KeyName,
    version: u8,
    identifier: CardIdentifier,
    factor: CardFactor,
) -> Result<KeyRef, TacError> {
    let factors = identifier.factors(factor).ok_or(TacError::NoCity(identifier))?;
    Ok(KeyRef::of_card(name, version, &factors, rules.key_form))
}

/// Compares without telling by its time where the first difference is.
pub(crate) fn equal(left: &[u8; 4], right: &[u8; 4]) -> bool {
    let difference = left.iter().zip(right).fold(0, |difference, (left, right)| difference | (left ^ right));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::date::DateTime;
    use crate::fen::Fen;
    use crate::id::{LoadId, TerminalNumber};
    use crate::record::Evidence;
    use crate::record::tests::{load, purchase};
    use card_core::crypto;
    use card_core::key::Key16;
    use card_core::security::keyring::KeyRing;
    use card_core::security::{KeyName, WrappedKey};

    /// Holds one card's own key, whatever the path to it: published examples give card keys, not roots.
    pub(crate) struct OneCard(pub(crate) Key16);

    impl SecurityModule for OneCard {
        fn mac(&mut self, _: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
            Ok(match kind {
                MacKey::Whole => crypto::mac_retail(&self.0, iv, message),
                MacKey::Message(seed) | MacKey::Session(seed) => {
                    crypto::mac_des(&crypto::session_key(&self.0, seed), iv, message)
                }
                MacKey::Tac => crypto::mac_des(&self.0.fold(), iv, message),
            })
        }

        fn authentication_cryptogram(&mut self, _: &KeyRef, _: Block, _: Block) -> Result<Block, SecurityError> {
            Err(SecurityError::Unsupported { operation: "authenticate" })
        }

        fn encipher(&mut self, _: &KeyRef, _: Block, _: &[u8]) -> Result<Vec<u8>, SecurityError> {
            Err(SecurityError::Unsupported { operation: "encipher" })
        }

        fn wrap(
            &mut self,
            _: &KeyRef,
            _: &KeyRef,
            _: [u8; 5],
            _: [u8; 3],
            _: Block,
        ) -> Result<WrappedKey, SecurityError> {
            Err(SecurityError::Unsupported { operation: "wrap" })
        }

        fn check_value(&mut self, _: &KeyRef) -> Result<[u8; 3], SecurityError> {
            Ok(crypto::check_value(&self.0))
        }
    }

    pub(crate) fn rules() -> AccountRules {
        card_profiles::builtin("ssc-3.0").expect("built in").account.expect("has an account")
    }

    pub(crate) fn key16(text: &str) -> Key16 {
        Key16::new(hex::decode(text).expect("hex").try_into().expect("16 bytes"))
    }

    #[test]
    fn the_load_tac_of_a_real_card_is_reproduced() {
        let rules = AccountRules { load_type: 0x02, ..rules() };
        let mut record = load(1);
        record.transaction = Transaction::Load { load_id: LoadId([0; 16]), amount_fen: Fen::new(16) };
        record.balance_after_fen = Fen::new(16);
        record.card_sequence = 0;
        record.terminal = TerminalNumber([0x66; 6]);
        record.date_time = DateTime::parse("20240411212121").expect("real");
        record.evidence = Evidence::Answered { tac: Tac::parse("A802863E").expect("hex"), number: None };
        let mut card = OneCard(key16("34343434343434341122334455667788"));
        assert_eq!(check(&mut card, &rules, &record).expect("computes"), TacVerdict::Right);
        record.balance_after_fen = Fen::new(17);
        assert_eq!(check(&mut card, &rules, &record).expect("computes"), TacVerdict::Wrong);
        record.evidence = Evidence::LogOnly;
        assert_eq!(check(&mut card, &rules, &record).expect("nothing to compute"), TacVerdict::Missing);
    }

    #[test]
    fn the_key_is_the_one_of_province_city_and_card() {
        let (rules, record) = (rules(), purchase(1));
        let root = key16("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF");
        let mut vault = KeyRing::new();
        vault.insert(rules.tac_key.clone(), 1, root.clone());
        let card_key = [*b"510000sh", *b"513300sx", record.card_factor.0]
            .iter()
            .fold(root, |key, factor| crypto::diversify(&key, *factor));
        // Province factor: the first two digits of the city code, then zeros.
        let expected = compute(&mut OneCard(card_key), &rules, &record).expect("computes");
        assert_eq!(compute(&mut vault, &rules, &record).expect("computes"), expected);
    }

    #[test]
    fn each_field_of_the_tac_input_matters() {
        let rules = rules();
        let mut card = OneCard(key16("843289534376A8FA2CD1B08472153683"));
        let base = purchase(1);
        let tac = compute(&mut card, &rules, &base).expect("computes");
        let Transaction::Purchase { bill_id, bill_hash, .. } = base.transaction.clone() else { unreachable!() };
        let with = |terminal_sequence, personal, own, pool| TransactionRecord {
            transaction: Transaction::Purchase {
                terminal_sequence,
                personal_account_fen: Fen::new(personal),
                self_paid_fen: Fen::new(own),
                pooled_fund_fen: Fen::new(pool),
                bill_id: bill_id.clone(),
                bill_hash,
                sale_id: None,
            },
            ..base.clone()
        };
        for changed in [
            with(0xA5C4, 250, 100, 0),
            with(0xA5C3, 251, 100, 0),
            with(0xA5C3, 250, 101, 0),
            with(0xA5C3, 250, 100, 1),
            TransactionRecord { terminal: TerminalNumber([1; 6]), ..base.clone() },
            TransactionRecord { date_time: DateTime::parse("20250102030406").expect("real"), ..base.clone() },
        ] {
            assert_ne!(compute(&mut card, &rules, &changed).expect("computes"), tac);
        }
        assert_eq!(compute(&mut card, &rules, &with(0xA5C3, 250, 100, 0)).expect("computes"), tac);
    }

    #[test]
    fn mac2_of_a_purchase_is_checked_with_the_session_key() {
        let rules = rules();
        let key = key16("FDDDBACD60892A46777871F41C45BC9A");
        let session = crypto::session_key(&key, [0x13, 0x57, 0x9B, 0xDF, 0x00, 0x07, 0xA5, 0xC3]);
        let mac2 = Mac(crypto::mac_des(&session, [0; 8], &hex::decode("000000FA0000006400000000").expect("hex")));
        let random = CardRandom([0x13, 0x57, 0x9B, 0xDF]);
        let mut card = OneCard(key);
        assert!(check_mac2(&mut card, &rules, &purchase(1), random, mac2).expect("computes"));
        assert!(!check_mac2(&mut card, &rules, &purchase(1), CardRandom([0; 4]), mac2).expect("computes"));
        assert!(matches!(check_mac2(&mut card, &rules, &load(1), random, mac2), Err(TacError::NotPurchase)));
        // The number of a record is shown by it, and by nothing else.
        let mut verdict = |number, card_sequence| {
            let evidence = Evidence::Answered { tac: Tac([0; 4]), number };
            let record = TransactionRecord { evidence, card_sequence, ..purchase(1) };
            check_number(&mut card, &rules, &record).expect("computes")
        };
        let proof = Some(NumberProof { random, mac2 });
        assert_eq!(verdict(proof, 7), NumberVerdict::Proved);
        assert_eq!(verdict(proof, 8), NumberVerdict::Wrong, "a till that says another number");
        assert_eq!(verdict(None, 7), NumberVerdict::Unproved);
        let record =
            TransactionRecord { evidence: Evidence::Answered { tac: Tac([0; 4]), number: proof }, ..purchase(1) };
        let nobody = check_number(&mut KeyRing::new(), &rules, &record).expect("is no error");
        assert_eq!(nobody, NumberVerdict::Unproved, "a centre without the purchase key");
    }

    #[test]
    fn what_cannot_be_computed_is_an_error_not_a_wrong_tac() {
        let rules = rules();
        let record = TransactionRecord { card_identifier: CardIdentifier([0xAB; 16]), ..purchase(1) };
        assert!(matches!(check(&mut KeyRing::new(), &rules, &record), Err(TacError::NoCity(_))));
        let missing = check(&mut KeyRing::new(), &rules, &purchase(1));
        let Err(TacError::Security(SecurityError::KeyNotFound { name, version: 1 })) = missing else {
            panic!("{missing:?}")
        };
        assert_eq!(name, KeyName::new("DTK"));
    }
}
