//! Wrong certificate applications.

use super::{Mutant, wire};
use crate::wrong_card::{Link, done, starts};

const CARD: &str = "ssc-3.0";

/// A card whose tries are all back after a reset: the first wrong one after it has the count of the first.
fn given_back(link: &mut Link, command: &[u8], verify: &str) -> Vec<u8> {
    let own = link.ask(command);
    if !starts(command, verify) || own.first() != Some(&0x63) {
        return own;
    }
    let first = link.kept != link.resets.to_be_bytes();
    link.kept = link.resets.to_be_bytes().to_vec();
    if first { vec![0x63, 0xC2] } else { own }
}

pub(super) fn pins() -> Vec<Mutant> {
    vec![
        wire("administrator PIN not the one set up", CARD, &["certificate.administrator.set-up"], |l, c| {
            l.turn(c, "00200100", "9000", "63C2")
        }),
        wire("right user PIN of the application refused", CARD, &["certificate.user.pin.right"], |l, c| {
            l.turn(c, "00200181", "9000", "63C2")
        }),
        wire("PIN of the application set up by anyone", CARD, &["certificate.user.set-up.without-proof"], |l, c| {
            l.turn(c, "80C40103", "6982", "9000")
        }),
        wire("PIN of the application never set up again", CARD, &["certificate.user.set-up.again"], |l, c| {
            l.swallow(c, "80C40103", "6982")
        }),
        wire("wrong administrator PIN does not count", CARD, &["certificate.administrator.pin.counts"], |l, c| {
            l.turn(c, "00200100", "63C1", "63C2")
        }),
        wire(
            "tries of the application given back by a reset",
            CARD,
            &["certificate.user.pin.count-survives-reset"],
            |l, c| given_back(l, c, "00200181"),
        ),
        wire(
            "PIN of the application compared without a challenge",
            CARD,
            &["certificate.user.pin.no-challenge"],
            |l, c| l.turn(c, "00200181", "6984", "63C2"),
        ),
        wire(
            "signature whatever was proved",
            CARD,
            &[
                "certificate.user.pin.wrong-ends-right",
                "certificate.user.pin.reset-ends",
                "certificate.sign.without-proof",
            ],
            |l, c| l.turn(c, "804C0000", "6982", &format!("{}9000", "00".repeat(64))),
        ),
        wire("PIN of the application accepted after it is blocked", CARD, &["certificate.user.pin.blocked"], |l, c| {
            l.turn(c, "00200181", "6983", "9000")
        }),
        wire(
            "change of the administrator PIN answered and not done",
            CARD,
            &["certificate.administrator.change"],
            |l, c| l.swallow(c, "845E0100", "9000"),
        ),
        wire(
            "MAC of the application's messages not checked",
            CARD,
            &["certificate.administrator.change.wrong-mac", "certificate.master-key.load.wrong-mac"],
            |l, c| l.turn(c, "84", "9302", "9000"),
        ),
        wire(
            "administrator PIN changed without proof",
            CARD,
            &["certificate.administrator.change.without-proof"],
            |l, c| l.turn(c, "845E0100", "6982", "9000"),
        ),
        wire("master key of the application not there", CARD, &["certificate.master-key.right"], |l, c| {
            l.turn(c, "00820000", "9000", "6A88")
        }),
        wire("tries of the master key never fewer", CARD, &["certificate.master-key.counts"], |l, c| {
            l.turn(c, "00820000", "63C1", "63C2")
        }),
        wire("master key accepted after it is blocked", CARD, &["certificate.master-key.blocked"], |l, c| {
            l.turn(c, "00820000", "6983", "9000")
        }),
        wire("load of a master key answered and not done", CARD, &["certificate.master-key.load"], |l, c| {
            l.swallow(c, "84D40100", "9000")
        }),
        wire("master key loaded without proof", CARD, &["certificate.master-key.load.without-proof"], |l, c| {
            l.turn(c, "84D40100", "6982", "9000")
        }),
    ]
}

pub(super) fn pairs() -> Vec<Mutant> {
    vec![
        wire("public key that is no point", CARD, &["certificate.signing.public-key"], |l, c| l.flip(c, "80C98280", 1)),
        wire("certificate of another key", CARD, &["certificate.signing.certificate"], |l, c| {
            let mut own = l.ask(c);
            if starts(c, "00B00000") && done(&own) {
                own[20] ^= 1;
            }
            own
        }),
        wire("signature by another key", CARD, &["certificate.sign"], |l, c| l.flip(c, "804C0000", 1)),
        wire("one nonce for all signatures", CARD, &["certificate.sign.fresh"], |l, c| {
            let own = l.ask(c);
            if !starts(c, "804C0000") || !done(&own) {
                return own;
            }
            if l.kept.is_empty() {
                l.kept = own;
            }
            l.kept.clone()
        }),
        wire("the same key pair every time", CARD, &["certificate.generate"], |l, c| {
            let own = l.ask(c);
            if !starts(c, "80C98280") || !done(&own) {
                return own;
            }
            if l.kept.is_empty() {
                l.kept = own;
            }
            l.kept.clone()
        }),
        wire("key pair generated without proof", CARD, &["certificate.generate.without-proof"], |l, c| {
            l.turn(c, "80400000", "6982", "9000")
        }),
        wire("public encryption key answered and not installed", CARD, &["certificate.install"], |l, c| {
            l.swallow(c, "80C24000", "9000")
        }),
        wire("any private key installed", CARD, &["certificate.install.other-key"], |l, c| {
            l.turn(c, "80C2C001", "6A80", "9000")
        }),
        wire("envelope of another card opened", CARD, &["certificate.install.foreign"], |l, c| {
            l.turn(c, "804E0001", "6A80", &format!("{}9000", "00".repeat(16)))
        }),
        wire("key taken before an envelope is opened", CARD, &["certificate.install.not-opened"], |l, c| {
            l.turn(c, "804A0210", "6985", "9000")
        }),
        wire("envelope opened without proof", CARD, &["certificate.install.without-proof"], |l, c| {
            l.turn(c, "804E0001", "6982", &format!("{}9000", "00".repeat(16)))
        }),
        wire("certificate answered and not written", CARD, &["certificate.EF18.write"], |l, c| {
            l.swallow(c, "00D60000", "9000")
        }),
        wire("end of a certificate not written", CARD, &["certificate.EF19.write.end"], |l, c| {
            l.swallow(c, "00D603DC", "9000")
        }),
        wire(
            "files of the application open to all",
            CARD,
            &["certificate.EF18.write.without-proof", "certificate.EF12.write.never"],
            |l, c| l.turn(c, "00D6", "6982", "9000"),
        ),
        wire("write beyond the end of a certificate answered", CARD, &["certificate.EF19.write.beyond"], |l, c| {
            l.turn(c, "00D603DD", "6A84", "9000")
        }),
    ]
}
