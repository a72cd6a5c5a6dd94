//! Power lost before, inside and after every command of the certificate application: old or new, or one try spent. The
//! whole memory is compared, private keys included.

use super::certificate::{
    PRIVATE, card, challenge, cryptogram, hashed, installation, key_load, master_key, message, select, signing_card,
    verify_administrator, verify_user,
};
use super::rig::{Rig, blank};
use super::tear_commands::{Case, Prepared, tries, writes};

const GENERATE: &str = "8040000008C0020012C2020013";

fn set_up(command: &str) -> Prepared {
    let mut rig = blank("ssc-3.0");
    select(&mut rig);
    (rig, command.to_owned())
}

/// A try after one was spent, so that a try given back shows.
fn tried(command: &str, key: impl Fn(&Rig) -> [u8; 16]) -> Prepared {
    let mut rig = card();
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("{command}{}", "00".repeat(16))), "63C2");
    challenge(&mut rig);
    let cryptogram = cryptogram(key(&rig));
    (rig, format!("{command}{cryptogram}"))
}

/// One of the commands that install the encryption key, after those before it.
fn installing(nth: usize) -> Prepared {
    let commands = installation();
    let mut rig = signing_card();
    commands.iter().take(nth).for_each(|command| assert!(rig.fetch(command).ends_with("9000")));
    (rig, commands[nth].clone())
}

fn new_administrator_pin() -> Prepared {
    let mut rig = card();
    verify_administrator(&mut rig);
    challenge(&mut rig);
    let command = message(master_key(&rig), "845E010014", &hashed("11223344"));
    (rig, command)
}

fn new_master_key() -> Prepared {
    let mut rig = card();
    challenge(&mut rig);
    let key = master_key(&rig);
    assert_eq!(rig.raw(&format!("0082000010{}", cryptogram(key))), "9000");
    challenge(&mut rig);
    (rig, message(key, "84D4010024", &key_load(*b"NEW MASTER KEY !")))
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        writes("set-up of the user PIN", || set_up("80C4010305C103123456")),
        writes("set-up of the administrator PIN", || set_up("80C4010306C10487654321")),
        writes("set-up of the user PIN, again", || {
            let mut rig = card();
            verify_administrator(&mut rig);
            (rig, "80C4010305C103654321".to_owned())
        }),
        tries("VERIFY of the user PIN", "63C1", || tried("0020018110", |_| hashed("123456"))),
        tries("VERIFY of the administrator PIN", "63C1", || tried("0020010010", |_| hashed("87654321"))),
        tries("EXTERNAL AUTHENTICATION with the master key", "63C1", || tried("0082000010", master_key)),
        writes("GENERATE KEY PAIR, the first", || {
            let mut rig = card();
            verify_user(&mut rig);
            rig.script_random(PRIVATE);
            (rig, GENERATE.to_owned())
        }),
        writes("GENERATE KEY PAIR, another", || {
            let mut rig = signing_card();
            rig.script_random(&"5A".repeat(32));
            (rig, GENERATE.to_owned())
        }),
        writes("INSTALL PUBLIC KEY", || installing(2)),
        writes("INSTALL PRIVATE KEY", || installing(3)),
        writes("UPDATE BINARY of a certificate", || {
            let mut rig = card();
            verify_user(&mut rig);
            assert_eq!(rig.raw("00A40000020018"), "9000");
            (rig, format!("00D602EEFA{}", "30".repeat(250)))
        }),
        tries("CHANGE ADMINISTRATOR PIN", "9302", new_administrator_pin),
        tries("LOAD MASTER KEY", "9302", new_master_key),
    ]
}

/// Commands that write nothing, each where it is carried out.
pub(crate) fn reading() -> Vec<Prepared> {
    let signing = |command: &str| (signing_card(), command.to_owned());
    vec![
        installing(0),
        installing(1),
        signing(&format!("804C000026C2020013C120{}", "11".repeat(32))),
        signing("80C9820008C0020012C2020013"),
        signing("80C9828042"),
    ]
}

#[test]
fn a_command_of_the_certificate_application_leaves_old_or_new_or_costs_a_try() {
    let cases = cases();
    assert!(cases.len() >= 13);
    cases.iter().for_each(Case::tear);
}
