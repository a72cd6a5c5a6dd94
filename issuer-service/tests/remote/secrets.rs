//! Nothing that a station has or hears holds a key: planted keys are looked for in its folder and in everything that went
//! over the line, before TLS and behind it.

use std::path::Path;
use std::sync::Arc;

use card_core::crypto;
use card_core::key::Key16;
use card_core::security::Factors;
use card_core::security::keyring::KeyRing;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use issuer_service::card::Chip;
use issuer_service::centre::Centre;
use issuer_service::vault::{Kind, Vault, key_names, root_key};

use crate::hall::{Hall, Seen, Tapped};
use crate::rig::{Rig, blank};

fn files(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push((path.display().to_string(), std::fs::read(&path).expect("file")));
        }
    }
}

#[test]
fn no_key_of_any_level_is_in_the_folder_of_a_station_or_in_what_it_hears() {
    let mut rig = Rig::new(1);
    let vault = Vault::empty(Kind::Rehearsal, Box::new(KeyRing::new())).expect("vault");
    let mut roots: Vec<[u8; 16]> = Vec::new();
    for (name, number) in key_names(&[Centre::card_profile(), Centre::psam_profile()]).into_iter().zip(1_u8..) {
        let key = std::array::from_fn(|index| u8::try_from(index).expect("small") ^ number.wrapping_mul(37) ^ 0xA5);
        vault.add(root_key(name, Vault::FIRST_VERSION, Key16::new(key))).expect("planted");
        roots.push(key);
    }
    let transport =
        root_key(card_core::security::KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, Key16::new(TRANSPORT_KEY));
    vault.add(transport).expect("planted");
    roots.push(TRANSPORT_KEY);
    rig.vault = vault;
    let mut hall = Hall::around(rig);
    let place = hall.place("east");
    let seen = Arc::new(Seen::default());
    let tapped = Tapped { line: hall.https(&place), cut: None, seen: Arc::clone(&seen) };
    assert_eq!(hall.run(&place, Box::new(tapped), vec![vec![blank(1)]]).expect("run").made, 1);

    let chip = Chip::parse(&hall.rig.text("SELECT chip FROM card")).expect("a chip");
    let Factors { province, city, card } = chip.factors(hall.rig.centre.config.city);
    let mut keys: Vec<[u8; 16]> = roots.clone();
    for root in &roots {
        let mut key = Key16::new(*root);
        for factor in [province, city, card] {
            key = crypto::diversify(&key, factor);
            keys.push(*key.expose());
        }
        // The transport key is diversified by the card alone.
        keys.push(*crypto::diversify(&Key16::new(*root), card).expose());
    }
    let mut found = vec![("the line".to_owned(), seen.texts.lock().expect("texts").concat().into_bytes())];
    files(place.path(), &mut found);
    assert!(found.len() >= 3, "the line, the journal, a receipt");
    let holds = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let number = hall.rig.text("SELECT card_number FROM card");
    assert!(holds(&found[0].1, number.as_bytes()), "the search finds what is there");
    for (place, bytes) in &found {
        let lower = bytes.to_ascii_lowercase();
        for key in &keys {
            // Half a key is a key of a weaker cipher.
            for half in [&key[..8], &key[8..]] {
                assert!(!holds(bytes, half) && !holds(&lower, hex::encode(half).as_bytes()), "a key in {place}");
            }
        }
    }
    // What a person is told about is not kept on the station's disk.
    for (place, bytes) in found.iter().skip(1) {
        assert!(!holds(bytes, "样例".as_bytes()) && !holds(bytes, b"51330119900101"), "a person in {place}");
    }
}
