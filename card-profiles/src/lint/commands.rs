//! Commands of one card that the card could not tell apart.
//!
//! Source: LD/T 32.5 and ISO/IEC 7816-4 for the commands that every card has; the others are rows. Owns: which rows share a header.
//! Never: what a command does.

use super::{Findings, Problem, terms};
use crate::profile::Profile;

/// What every card has, by CLA and INS.
const STANDARD: [(&[u8], &[u8], &str); 8] = [
    (&[0x00, 0x80, 0x84], &[0xA4], "SELECT"),
    (&[0x00, 0x80], &[0xC0], "GET RESPONSE"),
    (&[0x00, 0x04], &[0xB2, 0xDC, 0xE2], "READ RECORD, UPDATE RECORD, APPEND RECORD"),
    (&[0x00, 0x04], &[0xB0, 0xD6, 0xD0], "READ BINARY, UPDATE BINARY"),
    (&[0x00], &[0x84], "GET CHALLENGE"),
    (&[0x00], &[0x88], "INTERNAL AUTHENTICATION"),
    (&[0x00], &[0x82], "EXTERNAL AUTHENTICATION"),
    (&[0x00], &[0x20], "VERIFY"),
];

/// A row's place, its header, and how many bytes of it tell it from others.
type Row = (&'static str, Vec<u8>, usize);

pub(super) fn lint_commands(profile: &Profile, findings: &mut Findings) {
    let rows = rows(profile);
    for (place, header, _) in &rows {
        let [cla, ins, ..] = header.as_slice() else { continue };
        let taken = STANDARD.iter().find(|(classes, known, _)| classes.contains(cla) && known.contains(ins));
        if let Some((.., name)) = taken {
            findings.add(*place, Problem::CommandTaken { header: hex::encode_upper(header), name });
        }
    }
    for (index, (place, header, told)) in rows.iter().enumerate() {
        let before = rows.get(..index).unwrap_or_default();
        let is_same = |(_, other, others): &Row| {
            let bytes = *told.min(others);
            other.get(..bytes).is_some_and(|start| header.get(..bytes) == Some(start))
        };
        if before.iter().any(is_same) {
            findings.add(*place, Problem::Duplicate { what: terms::COMMAND, value: hex::encode_upper(header) });
        }
    }
}

fn rows(profile: &Profile) -> Vec<Row> {
    let mut rows: Vec<Row> = vec![("key_load", profile.key_load.command.clone(), 4)];
    if let Some(row) = &profile.blocking {
        let commands =
            [&row.application_block, &row.application_block_for_good, &row.application_unblock, &row.card_block];
        rows.extend(commands.map(|header| ("blocking", header.clone(), 4)));
    }
    // P2 is the type or the purse.
    if let Some(row) = &profile.account {
        let commands = [row.get_balance, row.init_load, row.credit_load, row.init_purchase, row.debit_purchase];
        rows.extend(commands.into_iter().chain(row.prove).map(|command| ("account", command.header().to_vec(), 3)));
    }
    if let Some(row) = &profile.purse {
        let row = &row.commands;
        let commands = [
            row.init_load,
            row.credit_load,
            row.init_purchase,
            row.debit,
            row.init_cash,
            row.init_composite,
            row.init_unload,
            row.debit_unload,
            row.init_overdraw,
            row.update_overdraw,
            row.get_balance,
            row.prove,
            row.change_pin,
            row.reload_pin,
        ];
        rows.extend(commands.map(|command| ("purse", command.header().to_vec(), 3)));
        let whole = [row.update_cache, row.unblock_pin, row.block, row.unblock, row.block_card];
        rows.extend(whole.map(|command| ("purse", command.header().to_vec(), 4)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use crate::lint::tests::each_is_found;

    #[test]
    fn commands_that_the_card_could_not_tell_apart_are_found() {
        each_is_found(
            "ssc-3.0",
            &[
                (
                    "get_balance    = { cla = 0xB0, ins = 0x26",
                    "get_balance    = { cla = 0xB0, ins = 0x28",
                    "account: command B0280001 is used twice",
                ),
                (
                    "get_balance    = { cla = 0xB0, ins = 0x26, p1 = 0x00, p2 = 0x01",
                    "get_balance    = { cla = 0x00, ins = 0xA4, p1 = 0x00, p2 = 0x01",
                    "account: command 00A40001 is SELECT",
                ),
                ("card_block = \"84160000\"", "card_block = \"841E0000\"", "blocking: command 841E0000 is used twice"),
                ("command = \"84D40000\"", "command = \"00A40400\"", "key_load: command 00A40400 is SELECT"),
            ],
        );
    }
}
