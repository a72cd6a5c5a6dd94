//! Keys on their way to another module: those on record, and no others.

use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, KeyName, SecurityError};
use issuer_service::vault::{EXPORT_KEY_NAME, Exported, Kind, Vault, VaultError, root_key};

fn refused(outcome: Result<Exported, VaultError>, missing: &str, of: u8) {
    match outcome {
        Err(VaultError::Security(SecurityError::KeyNotFound { name, version })) => {
            assert_eq!((name.as_str(), version), (missing, of));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_ceremony_left_behind_neither_goes_out_nor_wraps() {
    let city = CityCode::parse("513300").expect("digits");
    let vault = Vault::empty(Kind::Production, Box::new(KeyRing::new())).expect("vault");
    let add = |name: &str, version: u8, fill: u8| {
        let bytes = std::array::from_fn(|at| fill ^ u8::try_from(at * 37 % 251).expect("a byte"));
        vault.add(root_key(KeyName::new(name), version, Key16::new(bytes))).expect("added");
    };
    add("UKSSSE", 1, 0x9A);
    let before = vault.check_values(city).expect("values").keys;
    add(EXPORT_KEY_NAME, 1, 0x31);
    refused(vault.export("UKSSSE", 1, &before), EXPORT_KEY_NAME, 1);
    let recorded = vault.check_values(city).expect("values").keys;
    let agreed = vault.export("UKSSSE", 1, &recorded).expect("exported");
    assert_eq!((recorded[0].name.as_str(), &recorded[0].national), (EXPORT_KEY_NAME, &agreed.wrapping_check_value));
    add(EXPORT_KEY_NAME, 2, 0x57);
    add("UKSSSE", 2, 0x68);
    assert_eq!(vault.export("UKSSSE", 1, &recorded).expect("exported"), agreed);
    refused(vault.export("UKSSSE", 2, &recorded), "UKSSSE", 2);
    // One of the same version is not the one on record.
    let mut other = recorded;
    other[0].national = Some("000000".to_owned());
    refused(vault.export("UKSSSE", 1, &other), EXPORT_KEY_NAME, 1);
    let all = vault.check_values(city).expect("values").keys;
    assert_ne!(vault.export("UKSSSE", 1, &all).expect("exported").wrapped, agreed.wrapped, "the newest on record");
}
