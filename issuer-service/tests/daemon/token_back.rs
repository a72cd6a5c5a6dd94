//! A token that vanishes under a process that goes on, and what that process finds when it is back.

use std::process::Command;

use card_core::key::Key16;
use card_core::security::keyring::CardKeys;
use card_core::security::{CityCode, Factors, KeyName, SecurityError};
use issuer_service::vault::pkcs11::{Token as Opened, TokenConfig};
use issuer_service::vault::{Held, KeyStore, NewKey, root_key};

use crate::softhsm::{MODULE, PIN, Token};

/// The module takes its configuration from the environment: the test goes on in a process that has it.
const FOLDER: &str = "TOKEN_FOLDER";

fn open() -> Opened {
    let city = CityCode::parse("513300").expect("digits");
    let config = TokenConfig::new(MODULE.into(), "centre".to_owned());
    Opened::open(&config, city, PIN.to_owned().into()).expect("opened")
}

fn key(name: &str, version: u8) -> NewKey {
    root_key(KeyName::new(name), version, Key16::new(*b"an invented key!"))
}

#[test]
fn a_process_goes_on_when_its_token_is_back_and_sees_what_others_brought_meanwhile() {
    let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) else {
        let token = Token::new();
        let name = "token_back::a_process_goes_on_when_its_token_is_back_and_sees_what_others_brought_meanwhile";
        let again = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", name, "--nocapture"])
            .env(FOLDER, token.folder())
            .envs(token.settings())
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&again.stdout).into_owned() + &String::from_utf8_lossy(&again.stderr);
        assert!(again.status.success() && said.contains("1 passed"), "{said}");
        return;
    };
    let mut token = open();
    token.add(key("UKSSSE", 1)).expect("added");
    let factors = Factors::of(CityCode::parse("513300").expect("digits"), [7; 8]);
    let mut of_card = Held { name: KeyName::new("UKSSSE"), version: 1, above: Vec::new() }.reference();
    of_card.path = factors.path().to_vec();
    let before = token.card_key(&of_card).expect("a key").check_value();

    let (here, away) = (folder.join("tokens"), folder.join("away"));
    std::fs::rename(&here, &away).expect("pulled");
    for _ in 0..2 {
        token.look_again();
        assert!(matches!(token.card_key(&of_card), Err(SecurityError::Gone(_))), "not there, and said so each time");
    }
    std::fs::rename(&away, &here).expect("back");
    assert_eq!(token.card_key(&of_card).expect("back").check_value(), before);

    // What another process brings is seen by who looks again, and by nobody else.
    let mut other = open();
    other.add(key("UKSSSE", 2)).expect("added");
    let versions = |token: &mut Opened| token.held().expect("keys").iter().map(|held| held.version).collect::<Vec<_>>();
    assert_eq!(versions(&mut token), [1]);
    token.look_again();
    assert_eq!(versions(&mut token), [1, 2]);

    // One of them begins the library anew: what the other had open is worth nothing, and it does not take one key for another.
    std::fs::rename(&here, &away).expect("pulled");
    other.look_again();
    assert!(matches!(other.card_key(&of_card), Err(SecurityError::Gone(_))));
    std::fs::rename(&away, &here).expect("back");
    assert_eq!(other.card_key(&of_card).expect("back").check_value(), before);
    of_card.version = 2;
    assert_eq!(token.card_key(&of_card).expect("a key").check_value(), before);
    of_card.version = 3;
    assert!(matches!(token.card_key(&of_card), Err(SecurityError::KeyNotFound { .. })));
}
