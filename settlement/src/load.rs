//! The MACs of an online load: the centre checks the card's MAC1 and answers with MAC2.
//!
//! Source: PBOC: SESLK = `3DES(DLK, random ‖ sequence ‖ 8000)`; fields are rows of the profile's account.
//! Owns: which key and which bytes. Never: decides whether money waits; holds a key.

use card_core::security::{MacKey, SecurityModule};
use card_profiles::account::{AccountRules, MacFields, load_seed};

use crate::date::DateTime;
use crate::fen::Fen;
use crate::id::Mac;
use crate::message::LoadRequest;
use crate::tac::{TacError, ZERO_IV, card_key, equal};

/// Whether MAC1 shows that this card made this INITIALIZE FOR LOAD.
///
/// # Errors
/// [`TacError`] when it cannot be computed.
pub fn check_mac1(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    request: &LoadRequest,
) -> Result<bool, TacError> {
    let fields = fields(rules, request)?;
    let computed = mac(module, rules, request, &fields.input(&rules.mac.load_mac1))?;
    Ok(equal(&request.mac1.0, &computed.0))
}

/// MAC2, with which the card accepts the load at `date_time`.
///
/// # Errors
/// [`TacError`] when it cannot be computed.
pub fn mac2(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    request: &LoadRequest,
    date_time: DateTime,
) -> Result<Mac, TacError> {
    let fields = MacFields { date_time: date_time.to_bcd(), ..fields(rules, request)? };
    mac(module, rules, request, &fields.input(&rules.mac.load_mac2))
}

/// Balance that the card shows once the load is on it.
///
/// # Errors
/// [`TacError::Amount`] when no card could hold it.
pub fn balance_after(request: &LoadRequest) -> Result<Fen, TacError> {
    Ok(Fen::from_card(request.balance_fen.plus(request.amount_fen)?.to_card()?))
}

fn fields(rules: &AccountRules, request: &LoadRequest) -> Result<MacFields, TacError> {
    Ok(MacFields {
        amount: request.amount_fen.to_card()?,
        balance_before: request.balance_fen.to_card()?,
        balance_after: balance_after(request)?.to_card()?,
        transaction_type: rules.load_type,
        terminal: request.terminal.0,
        card_sequence: request.card_sequence,
        ..MacFields::default()
    })
}

fn mac(
    module: &mut dyn SecurityModule,
    rules: &AccountRules,
    request: &LoadRequest,
    input: &[u8],
) -> Result<Mac, TacError> {
    let key = card_key(rules, &rules.load_key, request.key_version, request.card_identifier, request.card_factor)?;
    let seed = load_seed(request.random.0, request.card_sequence);
    Ok(Mac(module.mac(&key, MacKey::Session(seed), ZERO_IV, input)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CardFactor, CardIdentifier, CardRandom, LoadId, RequestId, TerminalNumber};
    use crate::message::Version1;
    use crate::tac::tests::{OneCard, key16, rules};

    fn request(amount: i64, sequence: u16, random: &str, terminal: &str, mac1: &str) -> LoadRequest {
        LoadRequest {
            version: Version1,
            request_id: RequestId([1; 16]),
            terminal: TerminalNumber::parse(terminal).expect("hex"),
            load_id: LoadId([2; 16]),
            card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
            card_factor: CardFactor([3; 8]),
            amount_fen: Fen::new(amount),
            balance_fen: Fen::ZERO,
            card_sequence: sequence,
            random: CardRandom::parse(random).expect("hex"),
            key_version: 1,
            algorithm: 1,
            mac1: Mac::parse(mac1).expect("hex"),
            refund: None,
            after: None,
        }
    }

    #[test]
    fn the_load_of_a_real_card_is_reproduced() {
        let rules = AccountRules { load_type: 2, ..rules() };
        let mut card = OneCard(key16("3F3F3F3F3F3F3F3F1122334455667788"));
        let request = request(16, 0, "4E066548", "666666666666", "0D39ADBB");
        assert!(check_mac1(&mut card, &rules, &request).expect("computes"));
        let time = DateTime::parse("20240411212121").expect("real");
        assert_eq!(mac2(&mut card, &rules, &request, time).expect("computes").to_string(), "097E98FE");
    }

    #[test]
    fn the_load_of_a_published_example_is_reproduced() {
        let mut card = OneCard(key16("11223344556677888877665544332211"));
        let mut request = request(0x1000, 0, "11223344", "001122334455", "2988AE5A");
        assert!(check_mac1(&mut card, &rules(), &request).expect("computes"));
        let time = DateTime::parse("20111221214822").expect("real");
        assert_eq!(mac2(&mut card, &rules(), &request, time).expect("computes").to_string(), "3A845BF0");
        request.balance_fen = Fen::new(1);
        assert!(!check_mac1(&mut card, &rules(), &request).expect("computes"));
    }

    #[test]
    fn a_load_that_no_card_could_hold_is_an_error() {
        let mut full = request(1, 0, "11223344", "001122334455", "2988AE5A");
        full.balance_fen = Fen::from_card(u32::MAX);
        assert!(matches!(balance_after(&full), Err(TacError::Amount(_))));
    }
}
