//! Wrong accounts, purses and PSAMs.

use card_profiles::account::{DebitDate, Field, SequenceConvention};

use super::{Mutant, rows, wire};
use crate::wrong_card::{access, bytes, ef, starts};

pub(super) fn account() -> Vec<Mutant> {
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
        rows(
            "any day taken, an earlier year too",
            "ssc-3.0",
            &["account.load.no-day", "account.purchase.no-day", "account.purchase.earlier-year"],
            |p| p.account.as_mut().expect("an account").debit_date = DebitDate::Any,
        ),
        rows("any day taken by a purse", "pboc-purse", &["account.ed-load.no-day", "account.composite.no-day"], |p| {
            p.purse.as_mut().expect("a purse").debit_date = DebitDate::Any;
        }),
        rows("PIN wanted again after a transaction", "pboc-purse-sm4", &["account.ed-load.pin-after"], |p| {
            p.purse.as_mut().expect("a purse").drops_pin = true;
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
        wire("MAC1 of a PSAM not checked", "ssc-3.0", &["account.purchase.psam.wrong-mac"], |l, c| {
            l.turn(c, "B02C", "9302", "00000000000000009000")
        }),
        wire("MAC2 that no PSAM accepts", "ssc-3.0-sm4", &["account.purchase.psam"], |l, c| l.flip(c, "B02C", 1)),
        wire(
            "transaction numbers start again after the last",
            "ssc-3.0",
            &["account.load.number-end", "account.purchase.number-end"],
            |l, c| {
                let own = l.ask(c);
                let start = if starts(c, "B0280001") { 16 } else { 22 };
                if starts(c, "B028") && own == bytes("9402") { [vec![0; start], bytes("9000")].concat() } else { own }
            },
        ),
        wire("purse without a last number", "pboc-purse", &["account.ed-load.number-end"], |l, c| {
            l.turn(c, "80500001", "9402", &format!("{}9000", "00".repeat(16)))
        }),
        wire("balance gone with the last number", "pboc-purse", &["account.ed-purchase.number-end"], |l, c| {
            if starts(c, "80500101") && l.ask(c) == bytes("9402") {
                l.count = 1;
                return bytes("9402");
            }
            let own = l.ask(c);
            if l.count == 1 && starts(c, "805C") { bytes("000000019000") } else { own }
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
        wire("record of a composite purchase not written", "pboc-purse", &["account.composite.cached"], |l, c| {
            l.swallow(c, "80DC", "9000")
        }),
        wire(
            "record written before the purchase is complete",
            "pboc-purse",
            &["account.composite.cached.not-completed"],
            |l, c| {
                if starts(c, "80DC") {
                    l.kept = [&c[5..], &[0x90, 0x00]].concat();
                }
                if starts(c, "00B2") && !l.kept.is_empty() { l.kept.clone() } else { l.ask(c) }
            },
        ),
        wire("MAC of a record not checked", "purse-mac", &["account.composite.cached.wrong-mac"], |l, c| {
            l.turn(c, "80DC", "9302", "9000")
        }),
        rows("record enciphered where it comes plain", "purse-enciphered", &["account.composite.cached"], |p| {
            p.purse.as_mut().expect("a purse").enciphers_cache = false;
        }),
        wire("record taken without a purchase", "pboc-purse", &["account.composite.cached.not-begun"], |l, c| {
            l.turn(c, "80DC", "6901", "9000")
        }),
        rows("log with room for one entry more", "ssc-3.0", &["account.log.wrap"], |p| {
            let log = ef(p, "DF04.EF08");
            log.size += 28;
            log.records += 1;
        }),
        rows("MAC3 of an unload over other fields", "pboc-purse", &["account.unload.complete"], |p| {
            p.purse.as_mut().expect("a purse").mac.unload_mac3.pop();
        }),
        rows("purchase from the EP with the type of the ED", "pboc-purse", &["account.ep-purchase.complete"], |p| {
            p.purse.as_mut().expect("a purse").types.ep_purchase = 0x08;
        }),
    ]
}

pub(super) fn psam() -> Vec<Mutant> {
    vec![
        wire("PSAM enciphers wrongly", "psam", &["psam.UK1DF04.encipher"], |l, c| l.flip(c, "80FA", 1)),
        wire("MAC of the PSAM wrong", "psam", &["psam.STKSSSE.mac"], |l, c| l.flip(c, "80FA05", 8)),
        wire("terminal numbers start again after the last", "psam-sx3", &["psam.purchase.number-end"], |l, c| {
            l.turn(c, "8070", "9402", "00000000000000009000")
        }),
        wire("PSAM enciphers without a key", "psam", &["psam.not-derived"], |l, c| {
            l.turn(c, "80FA", "6985", "00000000000000009000")
        }),
        wire("PSAM derives a key that it has not", "psam", &["psam.unknown-key"], |l, c| {
            l.turn(c, "BFDE", "6A88", "9000")
        }),
        wire("PSAM numbers every purchase alike", "psam", &["psam.DPK-1.purchase.numbered"], |l, c| {
            let mut own = l.ask(c);
            if starts(c, "8070") && own.len() == 10 {
                own[3] = 1;
            }
            own
        }),
        wire("MAC1 of the PSAM wrong", "psam", &["psam.DPK-1.purchase.mac1"], |l, c| l.flip(c, "8070", 1)),
        wire("right MAC2 refused", "psam-sx3", &["psam.DPK-1.purchase.mac2"], |l, c| l.swallow(c, "8072", "9302")),
        wire("wrong MAC2 accepted", "psam", &["psam.DPK-1.purchase.wrong-mac2"], |l, c| {
            l.turn(c, "8072", "9302", "9000")
        }),
        rows("one wrong MAC2 too many", "psam", &["psam.purchase.locked"], |p| p.psam.wrong_mac2_max += 1),
        wire("a right MAC2 does not forgive", "psam-sx3", &["psam.purchase.locked"], |l, c| {
            let own = l.ask(c);
            l.count = l.count.wrapping_add(u8::from(starts(c, "8072") && own == bytes("9302")));
            if l.count >= 3 && starts(c, "8070") { bytes("9303") } else { own }
        }),
        rows("PSAM without a look at its expiry", "psam", &["psam.purchase.expired"], |p| p.psam.checks_expiry = false),
        wire("PSAM over a day too early", "psam-sx3", &["psam.purchase.expired"], |l, c| {
            if starts(c, "00D697") { l.ask(&[&c[..5], &bytes("19991231")].concat()) } else { l.ask(c) }
        }),
        wire("MAC2 checked twice", "psam", &["psam.DPK-1.purchase.once"], |l, c| l.turn(c, "8072", "6901", "9000")),
    ]
}
