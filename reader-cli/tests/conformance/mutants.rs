//! Deliberately wrong cards, each with the cases that must catch it.

use card_profiles::account::{Field, SequenceConvention};
use card_profiles::profile::KeyClass;

use super::wrong_card::{Link, Wrong, access, bytes, df, done, ef, key, starts};

/// A wrong card.
pub(crate) struct Mutant {
    /// What is wrong.
    pub(crate) what: &'static str,
    /// Profile of the suite.
    pub(crate) profile: &'static str,
    pub(crate) wrong: Wrong,
    /// Cases that must fail.
    pub(crate) caught: &'static [&'static str],
}

const fn rows(
    what: &'static str,
    profile: &'static str,
    caught: &'static [&'static str],
    change: fn(&mut card_profiles::Profile),
) -> Mutant {
    Mutant { what, profile, wrong: Wrong::Rows(change), caught }
}

const fn wire(
    what: &'static str,
    profile: &'static str,
    caught: &'static [&'static str],
    change: fn(&mut Link, &[u8]) -> Vec<u8>,
) -> Mutant {
    Mutant { what, profile, wrong: Wrong::Wire(change), caught }
}

/// The whole table.
pub(crate) fn mutants() -> Vec<Mutant> {
    let mut all = selection_and_records();
    all.extend(access_rules());
    all.extend(keys());
    all.extend(pin());
    all.extend(messages());
    all.extend(account());
    all.extend(blocking_and_protocol());
    all.extend(psam());
    all
}

fn selection_and_records() -> Vec<Mutant> {
    vec![
        rows("FCI with another SFI", "ssc-3.0", &["selection.SSSE.by-name"], |p| df(p, "SSSE").fci_sfi = Some(0x1D)),
        wire("FCI with a wrong name", "ssc-2.0", &["selection.DF03.by-name"], |l, c| l.flip(c, "00A40400", 1)),
        rows("directory under another identifier", "ssc-3.0", &["selection.DF03.by-fid"], |p| {
            df(p, "DF03").fid = 0xDF0E;
        }),
        rows("file under another identifier", "ssc-3.0", &["selection.DF01.EF15.by-fid"], |p| {
            ef(p, "DF01.EF15").fid = 0xEF1E;
        }),
        wire("name compared but for its end", "ssc-3.0", &["selection.unknown-name"], |l, c| {
            l.turn(c, "00A40400", "6A82", "9000")
        }),
        wire("any identifier is selected", "ssc-3.0", &["selection.unknown-file"], |l, c| {
            l.turn(c, "00A40000", "6A82", "9000")
        }),
        Mutant {
            what: "nothing is forgotten at a reset",
            profile: "ssc-3.0",
            wrong: Wrong::NoReset,
            caught: &["selection.reset-forgets", "access.reset-ends-pin", "access.SSSE.EF06.reset-ends-key"],
        },
        rows("records in another order", "ssc-3.0", &["records.DF03.EF06.by-number"], |p| {
            ef(p, "DF03.EF06").elements.swap(0, 1);
        }),
        rows("record missing", "ssc-1.0", &["records.SSSE.EF05.by-number", "records.SSSE.EF05.by-tag"], |p| {
            let file = ef(p, "SSSE.EF05");
            let last = file.elements.pop().expect("a record");
            file.size -= 2 + u16::from(last.format.length);
            file.records -= 1;
        }),
        rows("another tag", "ssc-3.0", &["records.DF02.EF05.by-tag"], |p| {
            ef(p, "DF02.EF05").elements[0].tag = Some(0xEE);
        }),
        rows("record too many", "ssc-3.0", &["records.DF07.EF07.end"], |p| {
            let file = ef(p, "DF07.EF07");
            let mut more = file.elements[0].clone();
            (more.tag, more.id) = (Some(0xEE), "more".into());
            file.size += 2 + u16::from(more.format.length);
            file.records += 1;
            file.elements.push(more);
        }),
        rows("record too short", "ssc-3.0", &["records.DF01.EF05.together"], |p| {
            let file = ef(p, "DF01.EF05");
            file.elements[1].format.length -= 1;
            file.size -= 1;
        }),
        rows("file too short", "ssc-3.0", &["records.SSSE.EF08.size"], |p| ef(p, "SSSE.EF08").size -= 1),
        rows("SFI leads to another file", "ssc-2.0", &["records.SSSE.EF05.by-number"], |p| {
            ef(p, "SSSE.EF05").fid = 0xEF06;
            ef(p, "SSSE.EF06").fid = 0xEF05;
        }),
        rows("no certificate application", "ssc-3.0", &["certificate.selection", "certificate.EF18.read"], |p| {
            p.certificate = None;
        }),
        wire("private key readable", "ssc-3.0", &["certificate.EF13.read.never"], |l, c| {
            let own = l.ask(c);
            if starts(c, "00B0000022") && !done(&own) { [vec![0; 34], vec![0x90, 0x00]].concat() } else { own }
        }),
    ]
}

fn access_rules() -> Vec<Mutant> {
    vec![
        rows("EF06 free on a card of the third generation", "ssc-3.0", &["access.SSSE.EF06.read.without-proof"], |p| {
            ef(p, "SSSE.EF06").read = access("free");
        }),
        rows("issuer data behind the PIN", "ssc-3.0", &["access.SSSE.EF05.read.free"], |p| {
            ef(p, "SSSE.EF05").read = access("PIN");
        }),
        rows("key where the PIN suffices", "ssc-3.0", &["access.DF01.EF05.read.by-pin"], |p| {
            ef(p, "DF01.EF05").read = access("RK1DF01");
        }),
        rows("PIN where the key suffices", "ssc-3.0", &["access.DF01.EF05.read.by-key"], |p| {
            ef(p, "DF01.EF05").read = access("PIN");
        }),
        rows("closed to PIN and key together", "ssc-3.0", &["access.DF03.EF07.read.by-pin-and-key"], |p| {
            ef(p, "DF03.EF07").read = access("never");
        }),
        rows("open to the PIN alone", "ssc-3.0", &["access.DF03.EF07.read.only-pin"], |p| {
            ef(p, "DF03.EF07").read = access("PIN");
        }),
        rows("open to the key alone", "ssc-3.0", &["access.DF04.EF05.read.only-key"], |p| {
            ef(p, "DF04.EF05").read = access("RK1DF04");
        }),
        rows("open to another key of the directory", "ssc-3.0", &["access.DF07.EF05.read.other-key"], |p| {
            ef(p, "DF07.EF05").read = access("RK1DF07 or RK2DF07");
        }),
        rows("update without proof", "ssc-3.0", &["access.DF01.EF07.update.without-proof"], |p| {
            ef(p, "DF01.EF07").update = access("free");
        }),
        rows("log writable from outside", "ssc-3.0", &["access.DF04.EF08.update.without-proof"], |p| {
            ef(p, "DF04.EF08").update = access("PIN");
        }),
        rows("updated by another key", "ssc-3.0", &["access.DF02.EF05.update.by-key"], |p| {
            ef(p, "DF02.EF05").update = access("UK2DF02");
        }),
        wire("update answered and not done", "ssc-3.0", &["access.DF03.EF05.update.by-key"], |l, c| {
            l.swallow(c, "00DC", "9000")
        }),
        wire("PIN forgotten when a directory is selected", "ssc-3.0", &["access.selection-keeps-pin"], |l, c| {
            if starts(c, "00A40000") {
                let _ = l.ask(&bytes("0020000003999999"));
            }
            l.ask(c)
        }),
        wire(
            "rights kept when another directory is selected",
            "ssc-3.0",
            &["access.DF01.EF05.selection-ends-key"],
            |l, c| {
                if starts(c, "0082") {
                    let own = l.ask(c);
                    l.count = u8::from(done(&own));
                    return own;
                }
                if l.last.is_empty()
                    || c == bytes("00A404000F7378312E73682EC9E7BBE1B1A3D5CF") && l.last.starts_with(&bytes("00B2"))
                {
                    // The way back to the environment within a case, not the start of one.
                    return if l.count == 1 { bytes("9000") } else { l.ask(c) };
                }
                if starts(c, "00A4") && l.count == 1 && l.last.starts_with(&bytes("00A4")) {
                    bytes("9000")
                } else {
                    l.ask(c)
                }
            },
        ),
    ]
}

fn keys() -> Vec<Mutant> {
    vec![
        rows("key under another id", "ssc-3.0", &["keys.UK1DF01.right"], |p| key(p, "UK1DF01").id = 0x9F),
        rows("other number of tries", "ssc-3.0", &["keys.UK2DF01.counts"], |p| key(p, "UK2DF01").tries = 5),
        wire("tries of a key never fewer", "ssc-2.0", &["keys.UKSSSE.counts"], |l, c| {
            l.turn(c, "00820004", "63C1", "63C2")
        }),
        wire("key version ignored", "ssc-3.0-sm4", &["keys.UK1DF01.version"], |l, c| {
            let mut command = c.to_vec();
            if starts(c, "0082") && c.len() == 22 {
                command[21] = 1;
            }
            l.ask(&command)
        }),
        wire("key accepted after it is blocked", "ssc-3.0", &["keys.UK1DF07.blocked"], |l, c| {
            l.turn(c, "0082", "6983", "9000")
        }),
        rows("maintenance key proves a right", "ssc-3.0", &["keys.STKSSSE.not-for-proof"], |p| {
            key(p, "STKSSSE").class = KeyClass::Uk;
        }),
        wire("card does not hold IRK", "ssc-3.0", &["keys.IRK.internal"], |l, c| l.flip(c, "0088", 1)),
        wire("the same challenge again and again", "ssc-3.0", &["keys.challenge.fresh"], |l, c| {
            if !starts(c, "0084000008") {
                return l.ask(c);
            }
            let own = l.ask(c);
            if l.kept.is_empty() {
                l.kept = own;
            }
            l.kept.clone()
        }),
        wire("no challenge of 4 bytes", "ssc-3.0", &["keys.challenge.lengths"], |l, c| {
            l.swallow(c, "0084000004", "6700")
        }),
        wire("challenge serves twice", "ssc-3.0", &["keys.challenge.once"], |l, c| {
            if starts(c, "0082") && l.last == c { bytes("9000") } else { l.ask(c) }
        }),
        wire("challenge outlives other commands", "ssc-3.0", &["keys.challenge.next"], |l, c| {
            l.turn(c, "0082", "6984", "9000")
        }),
        wire("unknown key id accepted", "ssc-3.0", &["keys.unknown"], |l, c| l.turn(c, "0082", "6A88", "9000")),
    ]
}

fn pin() -> Vec<Mutant> {
    vec![
        rows("another PIN", "ssc-3.0", &["pin.right"], |p| {
            "654321".clone_into(&mut p.pin.as_mut().expect("a PIN").initial);
        }),
        rows("other number of PIN tries", "ssc-3.0", &["pin.counts"], |p| p.pin.as_mut().expect("a PIN").tries = 5),
        wire("wrong PIN does not count", "ssc-3.0", &["pin.counts"], |l, c| l.turn(c, "0020", "63C1", "63C2")),
        wire("tries not given back after success", "ssc-1.0", &["pin.counts"], |l, c| {
            let own = l.ask(c);
            if !starts(c, "0020") || own.first() != Some(&0x63) {
                return own;
            }
            l.count = l.count.max(2) + 1;
            vec![0x63, 0xC0 | (5_u8.saturating_sub(l.count))]
        }),
        wire("tries given back by a reset", "ssc-3.0", &["pin.count-survives-reset"], |l, c| {
            let own = l.ask(c);
            let first = l.kept != l.resets.to_be_bytes();
            if starts(c, "0020") && own.first() == Some(&0x63) {
                l.kept = l.resets.to_be_bytes().to_vec();
                return if first { bytes("63C2") } else { own };
            }
            own
        }),
        wire("right kept after a wrong PIN", "ssc-3.0", &["pin.wrong-ends-right"], |l, c| {
            if starts(c, "0020") && !starts(c, "0020000003123456") { bytes("63C2") } else { l.ask(c) }
        }),
        wire("length of the PIN not checked", "ssc-3.0", &["pin.short", "pin.long"], |l, c| {
            l.turn(c, "0020", "6700", "63C2")
        }),
        wire("PIN change answered and not done", "ssc-3.0", &["pin.change"], |l, c| l.swallow(c, "805E0100", "9000")),
        wire("PIN changed without the old one", "ssc-3.0", &["pin.change-needs-old"], |l, c| {
            l.turn(c, "805E0100", "63C2", "9000")
        }),
        wire("PIN accepted after it is blocked", "ssc-3.0", &["pin.blocked"], |l, c| l.turn(c, "0020", "6983", "9000")),
    ]
}

fn messages() -> Vec<Mutant> {
    vec![
        wire("no PIN unblock", "ssc-3.0", &["messaging.unblock-pin"], |l, c| l.swallow(c, "84240000", "6A81")),
        wire("PIN unblocked without PUK", "ssc-3.0", &["messaging.unblock-pin.without-proof"], |l, c| {
            l.turn(c, "84240000", "6982", "9000")
        }),
        wire(
            "MAC of PIN commands not checked",
            "ssc-3.0-sm4",
            &["messaging.unblock-pin.wrong-mac", "messaging.reload-pin.wrong-mac"],
            |l, c| l.turn(c, "8424", "9302", "9000"),
        ),
        wire("MAC taken twice", "ssc-3.0", &["messaging.unblock-pin.stale"], |l, c| {
            if starts(c, "8424") && l.last == c { bytes("9000") } else { l.ask(c) }
        }),
        wire("PIN reload answered and not done", "ssc-2.0", &["messaging.reload-pin"], |l, c| {
            l.swallow(c, "84240001", "9000")
        }),
        wire("purse PIN reload answered and not done", "pboc-purse", &["messaging.reload-purse-pin"], |l, c| {
            l.swallow(c, "805E00", "9000")
        }),
        wire("MAC of purse PIN reload not checked", "pboc-purse", &["messaging.reload-purse-pin.wrong-mac"], |l, c| {
            l.turn(c, "805E00", "9302", "9000")
        }),
        wire("update under MAC answered and not done", "pboc-purse", &["messaging.ADF1.EF15.update"], |l, c| {
            l.swallow(c, "04D6", "9000")
        }),
        wire("MAC of updates not checked", "pboc-purse", &["messaging.ADF1.EF15.update.wrong-mac"], |l, c| {
            l.turn(c, "04D6", "9302", "9000")
        }),
    ]
}

fn account() -> Vec<Mutant> {
    vec![
        wire(
            "balances without data",
            "ssc-3.0",
            &["account.balance.personal", "account.balance.self-paid", "account.balance.pooled"],
            |l, c| l.swallow(c, "B026", "9000"),
        ),
        wire("balance answered in every directory", "ssc-3.0", &["account.outside"], |l, c| {
            l.turn(c, "B026", "6985", "000000009000")
        }),
        wire("INITIALIZE advances the number", "ssc-3.0", &["account.purchase.init"], |l, c| {
            let mut own = l.ask(c);
            if starts(c, "B0280101") && own.len() == 24 {
                l.count = l.count.wrapping_add(1);
                own[15] = own[15].wrapping_add(l.count);
            }
            own
        }),
        rows("purchase without PIN", "ssc-3.0", &["account.purchase.without-proof"], |p| {
            p.account.as_mut().expect("an account").purchase_access = access("free");
        }),
        wire("key index ignored", "ssc-3.0", &["account.load.key-index"], |l, c| {
            let mut command = c.to_vec();
            if starts(c, "B0280001") {
                command[5] = 1;
            }
            l.ask(&command)
        }),
        wire(
            "order of commands not checked",
            "ssc-3.0",
            &["account.purchase.not-begun", "account.purchase.interrupted"],
            |l, c| l.turn(c, "B02C", "6901", "00000000000000009000"),
        ),
        wire("proof of what never was", "ssc-3.0", &["account.purchase.prove.unknown"], |l, c| {
            l.turn(c, "B032", "9406", "00000000000000009000")
        }),
        rows("TAC over other fields", "ssc-3.0", &["account.purchase.complete"], |p| {
            p.account.as_mut().expect("an account").mac.purchase_tac.retain(|field| *field != Field::Type);
        }),
        rows("MAC2 over other fields", "ssc-3.0", &["account.purchase.complete"], |p| {
            p.account.as_mut().expect("an account").mac.purchase_mac2.push(Field::Type);
        }),
        rows("MAC1 of a load over other fields", "ssc-3.0", &["account.load.init"], |p| {
            p.account.as_mut().expect("an account").mac.load_mac1.pop();
        }),
        wire("another key version answered", "ssc-3.0", &["account.purchase.init"], |l, c| l.flip(c, "B0280101", 6)),
        wire("transaction number stands still", "ssc-3.0", &["account.purchase.complete"], |l, c| {
            let mut own = l.ask(c);
            if starts(c, "B0280101") && own.len() == 24 {
                own[14..16].fill(0);
            }
            own
        }),
        wire("balance one fen off", "ssc-3.0", &["account.purchase.interrupted", "account.load.complete"], |l, c| {
            l.flip(c, "B026000104", 1)
        }),
        rows("log numbers one further", "ssc-3.0", &["account.purchase.logged"], |p| {
            p.account.as_mut().expect("an account").sequence_convention = SequenceConvention::After;
        }),
        wire("log not written", "ssc-2.0", &["account.load.logged"], |l, c| l.swallow(c, "00B20144", "6A83")),
        wire("proof in the other order", "ssc-3.0", &["account.purchase.prove"], |l, c| {
            let mut own = l.ask(c);
            if starts(c, "B032") && own.len() == 10 {
                own[..8].rotate_left(4);
            }
            own
        }),
        wire("MAC1 not checked", "ssc-3.0-sm4", &["account.purchase.wrong-mac"], |l, c| {
            l.turn(c, "B02C", "9302", "00000000000000009000")
        }),
        wire("balance not a limit", "ssc-3.0", &["account.purchase.insufficient"], |l, c| {
            l.turn(c, "B0280101", "9401", &format!("{}9000", "00".repeat(22)))
        }),
        wire("log oldest first", "ssc-3.0", &["account.log.order"], |l, c| {
            if starts(c, "00B20244") { l.ask(&[&bytes("00B20144"), &c[4..]].concat()) } else { l.ask(c) }
        }),
        wire("yearly totals stand still", "ssc-3.0", &["account.purchase.totals"], |l, c| {
            let mut own = l.ask(c);
            if starts(c, "B0280101") && own.len() == 24 {
                own[4..14].fill(0);
            }
            own
        }),
        wire(
            "balances of the purse without data",
            "pboc-purse",
            &["account.balance.ed", "account.balance.ep"],
            |l, c| l.swallow(c, "805C", "9000"),
        ),
        rows("balance of the ED without PIN", "pboc-purse", &["account.balance.ed.without-proof"], |p| {
            p.purse.as_mut().expect("a purse").access.ed_balance = access("free");
        }),
        rows("TAC of an overdraw limit with the whole key", "pboc-purse", &["account.overdraw.complete"], |p| {
            p.purse.as_mut().expect("a purse").overdraw_tac_key = card_core::algorithm::TacKey::Whole;
        }),
        wire("overdraw limit never lowered", "pboc-purse", &["account.overdraw.lowered"], |l, c| {
            if starts(c, "80580000") && c[5..8] == [0, 0, 0] { bytes("9401") } else { l.ask(c) }
        }),
        rows("MAC3 of an unload over other fields", "pboc-purse", &["account.unload.complete"], |p| {
            p.purse.as_mut().expect("a purse").mac.unload_mac3.pop();
        }),
        rows("purchase from the EP with the type of the ED", "pboc-purse", &["account.ep-purchase.complete"], |p| {
            p.purse.as_mut().expect("a purse").types.ep_purchase = 0x08;
        }),
    ]
}

fn blocking_and_protocol() -> Vec<Mutant> {
    vec![
        wire("block answered and not done", "ssc-3.0", &["blocking.DF04.temporary"], |l, c| {
            l.swallow(c, "841E0000", "9000")
        }),
        wire("MAC of a block not checked", "ssc-3.0", &["blocking.DF04.wrong-mac"], |l, c| {
            l.turn(c, "841E0000", "9302", "9000")
        }),
        wire("block for good can be undone", "pboc-purse", &["blocking.ADF1.for-good"], |l, c| {
            l.turn(c, "8418", "9303", "9000")
        }),
        wire("card block answered and not done", "ssc-3.0", &["blocking.card"], |l, c| {
            l.swallow(c, "84160000", "9000")
        }),
        wire("unknown class taken for an instruction", "ssc-3.0", &["protocol.class"], |l, c| {
            l.turn(c, "F0", "6E00", "6D00")
        }),
        wire("unknown instruction taken for a class", "ssc-3.0", &["protocol.instruction"], |l, c| {
            l.turn(c, "000E", "6D00", "6E00")
        }),
        wire("P1 of SELECT ignored", "ssc-3.0", &["protocol.select.parameters"], |l, c| {
            l.turn(c, "00A47F", "6A86", "9000")
        }),
        wire("challenge of any length", "ssc-3.0", &["protocol.challenge.length"], |l, c| {
            l.swallow(c, "0084000005", "01020304059000")
        }),
        wire("wrong status for a wrong Lc", "ssc-3.0", &["protocol.proof.length"], |l, c| {
            l.turn(c, "0082", "6700", "6A80")
        }),
        wire("GET RESPONSE answers what there is not", "ssc-3.0", &["protocol.response.none"], |l, c| {
            l.swallow(c, "00C0", "00000000000000009000")
        }),
        wire("Le cut and not corrected", "ssc-3.0", &["protocol.le"], |l, c| {
            let own = l.ask(c);
            if starts(c, "00B2") && own == bytes("6700") { bytes("0110AABB9000") } else { own }
        }),
        wire("structure of a file not checked", "ssc-3.0", &["protocol.SSSE.EF05.structure"], |l, c| {
            l.turn(c, "00B0", "6981", "009000")
        }),
    ]
}

fn psam() -> Vec<Mutant> {
    vec![
        wire("PSAM enciphers wrongly", "psam", &["psam.UK1DF04.encipher"], |l, c| l.flip(c, "80FA", 1)),
        wire("PSAM enciphers without a key", "psam", &["psam.not-derived"], |l, c| {
            l.turn(c, "80FA", "6985", "00000000000000009000")
        }),
        wire("PSAM derives a key that it has not", "psam", &["psam.unknown-key"], |l, c| {
            l.turn(c, "BFDE", "6A88", "9000")
        }),
        wire("PSAM numbers every purchase alike", "psam", &["psam.purchase.numbered"], |l, c| {
            let mut own = l.ask(c);
            if starts(c, "8070") && own.len() == 10 {
                own[3] = 1;
            }
            own
        }),
        wire("MAC1 of the PSAM wrong", "psam", &["psam.purchase.mac1"], |l, c| l.flip(c, "8070", 1)),
        wire("right MAC2 refused", "psam-sx3", &["psam.purchase.mac2"], |l, c| l.swallow(c, "8072", "9302")),
        wire("wrong MAC2 accepted", "psam", &["psam.purchase.wrong-mac2"], |l, c| l.turn(c, "8072", "9302", "9000")),
        wire("MAC2 checked twice", "psam", &["psam.purchase.once"], |l, c| l.turn(c, "8072", "6901", "9000")),
    ]
}
