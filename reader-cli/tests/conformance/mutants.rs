//! Deliberately wrong cards, each with the cases that must catch it.

mod certificate;
mod messages;
mod money;

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
    all.extend(messages::messages());
    all.extend(certificate::pins());
    all.extend(certificate::pairs());
    all.extend(money::account());
    all.extend(messages::blocking_and_protocol());
    all.extend(money::psam());
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
        wire("no MF", "ssc-3.0", &["selection.mf"], |l, c| l.swallow(c, "00A40000023F00", "6A82")),
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
            df(p, "DF07").name_places();
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
        rows("no certificate application", "ssc-3.0", &["certificate.selection"], |p| p.certificate = None),
        wire("certificate that nobody reads", "ssc-3.0", &["certificate.EF18.read"], |l, c| {
            l.turn(c, "00B0", "9000", "6982")
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
        rows("cyclic file with room for one record more", "ssc-3.0", &["access.DF02.EF07.update.wrap"], |p| {
            let file = ef(p, "DF02.EF07");
            file.size += 85;
            file.records += 1;
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
        wire(
            "purse does not hold its internal keys",
            "pboc-purse",
            &["keys.DIEK.internal", "keys.DIDK.internal", "keys.DIMK.internal"],
            |l, c| l.flip(c, "0088", 1),
        ),
        rows(
            "purse deciphers where it should encipher",
            "pboc-purse",
            &["keys.DIEK.internal", "keys.DIDK.internal"],
            |p| {
                (key(p, "DIEK").class, key(p, "DIDK").class) = (KeyClass::Idk, KeyClass::Iek);
            },
        ),
        rows("purse proved by another key", "pboc-purse", &["keys.DEAK.right"], |p| {
            (key(p, "DEAK").class, key(p, "DIEK").class) = (KeyClass::Iek, KeyClass::Eak);
        }),
        wire("purse takes any proof", "pboc-purse", &["keys.DEAK.counts", "keys.DEAK.blocked"], |l, c| {
            l.turn(c, "00820001", "63C2", "9000")
        }),
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
