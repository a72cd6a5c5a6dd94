//! Terminals over TLS: each with a certificate of its own number, looked at with every letter.

use std::io::Write;

use issuer_service::clearing::institution::{DEFAULT_LIMITS, Institution, InstitutionKind, Terminal, TerminalState};
use issuer_service::http::call::{Caller, Carrier};
use issuer_service::operator::Role;
use issuer_service::peer::{self, Kind, PeerError, Wanted};
use issuer_service::station::wire::{ASK_PATH, Ask, Message};
use issuer_service::store::StoreError;
use issuer_service::vault::authority;
use settlement::batch::ChainPosition;
use settlement::id::{InstitutionCode, TerminalNumber};
use settlement::signing::TerminalKey;
use zeroize::Zeroizing;

use crate::edge::{client, open, rest};
use crate::hall::{Hall, Place, fingerprint};

const SIGN_IN: &str = "/terminal/v1/sign-in";

fn number(n: u8) -> TerminalNumber {
    TerminalNumber([0x99, 0, 0, 0, 0, n])
}

fn key(n: u8) -> TerminalKey {
    TerminalKey::from_seed(&Zeroizing::new([n; 32]))
}

/// A hall whose centre knows a pharmacy with two terminals, and an operator who keeps them.
fn hall() -> Hall {
    let mut hall = Hall::new(1);
    let code = InstitutionCode::parse("P51330100001").expect("a word");
    hall.rig
        .centre
        .store
        .journal(|tx| -> Result<_, StoreError> {
            tx.add_operator("ma", &[Role::Clearing])?;
            tx.add_institution(&Institution {
                code: code.clone(),
                name: "样例药店".to_owned(),
                region: "513301".to_owned(),
                kind: InstitutionKind::Pharmacy,
            })?;
            for n in [1, 2] {
                tx.add_terminal(&Terminal {
                    number: number(n),
                    institution: code.clone(),
                    public_key: key(n).public_key(),
                    state: TerminalState::Active,
                    limits: DEFAULT_LIMITS,
                    parameters: 1,
                    chain: ChainPosition::START,
                    kiosk: false,
                    signed_in_at: None,
                    signed_out_at: None,
                })?;
            }
            Ok(())
        })
        .expect("registered");
    hall
}

/// A terminal's key and certificate, as two people made it.
fn certified(hall: &mut Hall, n: u8) -> Place {
    let (key, request) = authority::request("terminal").expect("request");
    let name = number(n).to_string();
    let store = &mut hall.rig.centre.store;
    peer::enrol_as(store, (Kind::Terminal, &name), &request, Some("ma")).expect("enrolled");
    let wanted = Wanted { kind: Kind::Terminal, name: &name, key: &fingerprint(&request), days: 365 };
    let own = peer::certify(store, &hall.authority, &wanted, Some("ma"));
    assert!(own.is_err(), "the role is missing");
    let (_, chain) = peer::certify(store, &hall.authority, &wanted, Some("zhou")).expect("certified");
    Place { folder: tempfile::tempdir().expect("folder"), chain, key: key.to_string() }
}

/// The letter of a terminal, as it goes over a line: a sign-in, signed with its key.
fn letter(n: u8, id: u8) -> String {
    let terminal = number(n);
    let body = format!(r#"{{"version":1,"request_id":"{id:032X}","terminal":"{terminal}"}}"#);
    let signature = key(n).sign_request("POST", SIGN_IN, body.as_bytes());
    format!(
        "POST {SIGN_IN} HTTP/1.1\r\nHost: localhost\r\nX-Terminal: {terminal}\r\nX-Signature: {signature}\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What the centre answers to a letter that comes over this certificate's line.
fn told(hall: &Hall, place: &Place, letter: &str) -> String {
    let mut line = match open(hall, &client(hall, place)) {
        Ok(line) => line,
        Err(error) => return error.to_string(),
    };
    // A line that is refused may be gone before the letter is.
    let _ = line.write_all(letter.as_bytes());
    rest(&mut line)
}

#[test]
fn a_terminal_signs_in_over_its_own_certificate_and_over_no_other() {
    let mut hall = hall();
    let (one, two) = (certified(&mut hall, 1), certified(&mut hall, 2));
    let station = hall.place("east");
    let answer = told(&hall, &one, &letter(1, 1));
    assert!(answer.contains("HTTP/1.1 200") && answer.contains("样例药店"), "{answer}");
    // The signature is right; the line is another terminal's.
    let answer = told(&hall, &two, &letter(1, 2));
    assert!(answer.contains("HTTP/1.1 401") && answer.contains("LINE_CERTIFICATE_ELSEWHERE"), "{answer}");
    let answer = told(&hall, &station, &letter(1, 3));
    assert!(answer.contains("HTTP/1.1 401") && answer.contains("LINE_CERTIFICATE_UNKNOWN"), "{answer}");
    // The certificate is right; the signature is another terminal's.
    let forged = letter(2, 4).replace(&format!("X-Terminal: {}", number(2)), &format!("X-Terminal: {}", number(1)));
    let answer = told(&hall, &one, &forged);
    assert!(answer.contains("SIGNATURE_WRONG"), "{answer}");
    // A terminal is no station.
    let ask = Message {
        id: format!("{:032X}", 9),
        operator: "sun".to_owned(),
        reader: "desk 0".to_owned(),
        ask: Ask::Look { batch: 1 },
    };
    let carried = hall.https(&one).carry(ASK_PATH, &Caller::text(&ask)).expect("an answer");
    assert!(carried.status == 401 && carried.lines.concat().contains("STATION_UNKNOWN"), "{:?}", carried.lines);
}

#[test]
fn revoked_ended_and_foreign_certificates_are_told_apart_and_a_new_one_works_beside_the_old() {
    let mut hall = hall();
    let old = certified(&mut hall, 1);
    let new = certified(&mut hall, 1);
    for (place, id) in [(&old, 1), (&new, 2)] {
        assert!(told(&hall, place, &letter(1, id)).contains("HTTP/1.1 200"), "renewed while the old one lasts");
    }
    // It ends while its connection is open.
    let mut line = open(&hall, &client(&hall, &old)).expect("opened");
    hall.rig
        .execute("UPDATE certificate SET valid_until = '2020-01-01T00:00:00Z' WHERE role = 'terminal' AND number = 1");
    line.write_all(letter(1, 3).as_bytes()).expect("sent");
    let answer = rest(&mut line);
    assert!(answer.contains("LINE_CERTIFICATE_EXPIRED"), "{answer}");
    assert!(told(&hall, &new, &letter(1, 4)).contains("HTTP/1.1 200"), "the other is not touched");
    // TLS itself refuses what has ended, and what another authority made.
    let late = Place::expired(&hall.authority);
    let answer = told(&hall, &late, &letter(1, 5));
    assert!(!answer.contains("HTTP/1.1 200") && !answer.contains("业务日"), "{answer}");
    let stranger = authority::Authority::random("513300").expect("authority");
    let answer = told(&hall, &Place::expired(&stranger), &letter(1, 6));
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    peer::revoke_as(&mut hall.rig.centre.store, (Kind::Terminal, &number(1).to_string()), "stolen", Some("ma"))
        .expect("revoked");
    let answer = told(&hall, &new, &letter(1, 7));
    assert!(answer.contains("LINE_CERTIFICATE_REVOKED"), "{answer}");
}

#[test]
fn only_registered_terminals_are_enrolled() {
    let mut hall = hall();
    let (_, request) = authority::request("terminal").expect("request");
    for name in ["990000000077", "99000000000A1", "east"] {
        let enrolled = peer::enrol_as(&mut hall.rig.centre.store, (Kind::Terminal, name), &request, Some("ma"));
        assert!(matches!(enrolled, Err(PeerError::TerminalUnknown { .. })), "{name}: {enrolled:?}");
    }
    let by_station = (Kind::Terminal, &*number(1).to_string());
    assert!(peer::enrol_as(&mut hall.rig.centre.store, by_station, &request, Some("sun")).is_err(), "the role");
}
