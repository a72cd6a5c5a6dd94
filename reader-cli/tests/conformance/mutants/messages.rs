//! Cards that check messages, blocks and lengths wrongly.

use card_profiles::purse::BlockedSelect;

use super::{Mutant, rows, wire};
use crate::wrong_card::{bytes, starts};

pub(super) fn messages() -> Vec<Mutant> {
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
        wire("purse PIN unblock answered and not done", "pboc-purse", &["messaging.unblock-purse-pin"], |l, c| {
            l.swallow(c, "84240001", "9000")
        }),
        wire(
            "MAC of purse PIN unblock not checked",
            "pboc-purse",
            &["messaging.unblock-purse-pin.wrong-mac"],
            |l, c| l.turn(c, "84240001", "9302", "9000"),
        ),
        wire("update under MAC answered and not done", "pboc-purse", &["messaging.ADF1.EF15.update"], |l, c| {
            l.swallow(c, "04D6", "9000")
        }),
        wire("MAC of updates not checked", "pboc-purse", &["messaging.ADF1.EF15.update.wrong-mac"], |l, c| {
            l.turn(c, "04D6", "9302", "9000")
        }),
    ]
}

pub(super) fn blocking_and_protocol() -> Vec<Mutant> {
    vec![
        wire("block answered and not done", "ssc-3.0", &["blocking.DF04.temporary"], |l, c| {
            l.swallow(c, "841E0000", "9000")
        }),
        wire("MAC of a block not checked", "ssc-3.0", &["blocking.DF04.wrong-mac"], |l, c| {
            l.turn(c, "841E0000", "9302", "9000")
        }),
        rows("blocked purse selected otherwise", "pboc-purse", &["blocking.ADF1.temporary"], |p| {
            p.purse.as_mut().expect("a purse").blocked_select = BlockedSelect::Refused;
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
