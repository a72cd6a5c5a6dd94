//! From a request to a certificate: who may, for which key, what is recorded, and how it is had again.

use std::path::Path;
use std::process::{Command, Output};

use issuer_service::operator::Role;
use issuer_service::peer::{self, PeerError, Wanted};
use issuer_service::vault::authority;

use crate::hall::{Hall, fingerprint};

fn request() -> String {
    authority::request("station").expect("request").1
}

#[test]
fn who_enrols_does_not_certify_and_a_key_is_certified_once() {
    let mut hall = Hall::new(1);
    let (first, second) = (request(), request());
    let (key, other) = (fingerprint(&first), fingerprint(&second));
    let store = &mut hall.rig.centre.store;
    let certify = |store: &mut _, name: &str, key: &str, operator: &str| {
        peer::certify(store, &hall.authority, &Wanted { kind: peer::Kind::Station, name, key, days: 1 }, Some(operator))
    };
    assert!(matches!(certify(store, "east", &key, "zhou"), Err(PeerError::NotEnrolled { .. })));
    for rubbish in
        ["", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", &"x".repeat(10_000)]
    {
        assert!(matches!(peer::enrol(store, "east", rubbish, Some("sun")), Err(PeerError::RequestMalformed)));
    }
    assert!(matches!(peer::enrol(store, "ea st", &first, Some("sun")), Err(PeerError::NameInvalid { .. })));
    peer::enrol(store, "east", &first, Some("sun")).expect("enrolled");
    assert!(matches!(peer::enrol(store, "west", &first, Some("sun")), Err(PeerError::KeyKnown)));
    assert!(matches!(certify(store, "east", &key, "sun"), Err(PeerError::Operator(_))));
    store.journal(|tx| tx.add_operator("both", &[Role::Station, Role::Keys])).expect("operator");
    peer::enrol(store, "west", &second, Some("both")).expect("enrolled");
    assert!(matches!(certify(store, "west", &other, "both"), Err(PeerError::MakerIsChecker { .. })));
    hall.rig.refuse("audit", "NEW.act = 'station.certify'");
    let store = &mut hall.rig.centre.store;
    assert!(matches!(certify(store, "east", &key, "zhou"), Err(PeerError::Store(_))));
    hall.rig.take_again();
    assert_eq!(
        hall.rig.count("SELECT COUNT(*) FROM certificate WHERE state = 'certified'"),
        0,
        "no record, no certificate"
    );
}

#[test]
fn the_key_that_two_people_compared_is_certified_and_not_one_that_was_slipped_in_behind_it() {
    let mut hall = Hall::new(1);
    let (compared, slipped) = (request(), request());
    let store = &mut hall.rig.centre.store;
    peer::enrol(store, "east", &compared, Some("sun")).expect("enrolled");
    peer::enrol(store, "east", &slipped, Some("sun")).expect("enrolled");
    let key = fingerprint(&compared);
    let certify = |store: &mut _, key: &str| {
        peer::certify(
            store,
            &hall.authority,
            &Wanted { kind: peer::Kind::Station, name: "east", key, days: 1 },
            Some("zhou"),
        )
    };
    let wrong = [String::new(), key[..16].to_owned(), fingerprint(&request()), "rubbish".to_owned()];
    for wrong in wrong {
        assert!(matches!(certify(store, &wrong), Err(PeerError::KeyDiffers { .. })), "{wrong}");
    }
    // As people write such a number down.
    let written: String =
        key.to_lowercase().as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four) + " ").collect();
    let (certificate, chain) = certify(store, &written).expect("certified");
    assert_eq!(certificate.public_key, key);
    let (again, same) = peer::chain(store, "east").expect("kept");
    assert_eq!((again.number, same), (certificate.number, chain));
    peer::revoke(store, "east", "lost", Some("sun")).expect("revoked");
    assert!(matches!(peer::chain(store, "east"), Err(PeerError::NoCertificate { .. })));
}

#[test]
fn a_key_of_another_kind_is_not_taken() {
    let mut hall = Hall::new(1);
    let store = &mut hall.rig.centre.store;
    for kind in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let key = rcgen::KeyPair::generate_for(kind).expect("key");
        let request = rcgen::CertificateParams::default().serialize_request(&key).and_then(|one| one.pem());
        let enrolled = peer::enrol(store, "east", &request.expect("request"), Some("sun"));
        assert!(matches!(enrolled, Err(PeerError::KeyKind)), "{enrolled:?}");
    }
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM certificate"), 0);
}

fn issuer(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
    command.current_dir(folder).args(["--data", "centre", "--lang", "en"]).args(line.split(' '));
    command.envs(crate::fresh::fresh().filter(|_| line == "init").map(|url| ("ISSUER_DATABASE", url)));
    command.output().expect("the program starts")
}

#[test]
fn the_authority_is_made_for_one_who_may_certify_and_is_recorded() {
    let place = tempfile::tempdir().expect("folder");
    let folder = place.path();
    let ok = |line: &str| {
        let output = issuer(folder, line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let fails = |line: &str, code: &str| {
        let output = issuer(folder, line);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(code), "{line}: {told}");
    };
    ok("init");
    ok("operator add sun --role station");
    ok("operator add zhou --role keys");
    ok("station request --folder east");
    let text = std::fs::read_to_string(folder.join("east/station.csr")).expect("request");
    let key = fingerprint(&text);
    let certify = |operator: &str, key: &str| {
        format!("station certify east --key {key} --out east/station.pem --operator {operator}")
    };
    fails(&certify("zhou", &key), "STATION_NOT_ENROLLED");
    ok("station enrol east --request east/station.csr --operator sun");
    fails(&certify("sun", &key), "OPERATOR_ROLE_MISSING");
    fails(&certify("zhou", "0011"), "STATION_KEY_DIFFERS");
    let path = folder.join("centre/centre.authority");
    assert!(!path.exists() && !folder.join("east/station.pem").exists(), "nothing is made for who may not");
    let ask = |sql: &str| crate::ask::ask(&folder.join("centre"), sql).expect(sql)[0][0].clone();
    assert_eq!(ask("SELECT COUNT(*) FROM audit WHERE act = 'authority.create'"), "0");
    ok(&certify("zhou", &key));
    assert!(path.exists());
    let told = ask("SELECT actor || ' ' || detail FROM audit WHERE act = 'authority.create'");
    let chain = std::fs::read_to_string(folder.join("east/station.pem")).expect("certificate");
    let authority: Vec<_> = rustls::pki_types::pem::PemObject::pem_slice_iter(chain.as_bytes()).collect();
    let authority = authority.into_iter().nth(1).expect("two certificates").expect("PEM");
    assert_eq!(told, format!("zhou certificate {}", authority::fingerprint(&authority)));
    fails("station certificate east --out east/station.pem", "STATION_FILE_FAILED");
    std::fs::remove_file(folder.join("east/station.pem")).expect("lost");
    ok("station certificate east --out east/station.pem");
    assert_eq!(std::fs::read_to_string(folder.join("east/station.pem")).expect("certificate"), chain);
    fails("station certificate west --out west.pem", "STATION_CERTIFICATE_NOT_FOUND");
}
