//! Commands of the purses, built from the rows of a profile.
//!
//! Source: a COS manual of PBOC 1.0/2.0, host and POS programs. Owns: data fields and lengths.
//! Never: a CLA, INS, P1 or P2 of its own.

use card_core::apdu::Command;

use super::{Purse, PurseRules, PurseTypes};
use crate::account::CommandRow;

impl PurseRules {
    /// GET BALANCE: 4 bytes.
    #[must_use]
    pub const fn get_balance(&self, purse: Purse) -> Command {
        let row = self.commands.get_balance;
        Command::new(row.cla, row.ins, row.p1, purse.p2()).with_le(4)
    }

    /// INITIALIZE FOR LOAD: key index (1), amount (4), terminal (6); answers 16 bytes as the account's does.
    #[must_use]
    pub fn init_load(&self, purse: Purse, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_load.with_p2(purse.p2()), amount, terminal).with_le(16)
    }

    /// CREDIT FOR LOAD: date and time (7), MAC2 (4); answers TAC (4).
    #[must_use]
    pub fn credit_load(&self, date_time: [u8; 7], mac2: [u8; 4]) -> Command {
        self.commands.credit_load.command([&date_time[..], &mac2].concat()).with_le(4)
    }

    /// INITIALIZE FOR PURCHASE; answers 15 bytes.
    #[must_use]
    pub fn init_purchase(&self, purse: Purse, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_purchase.with_p2(purse.p2()), amount, terminal).with_le(15)
    }

    /// INITIALIZE FOR CASH WITHDRAW; answers 15 bytes.
    #[must_use]
    pub fn init_cash(&self, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_cash, amount, terminal).with_le(15)
    }

    /// INITIALIZE FOR CAPP PURCHASE; answers 15 bytes.
    #[must_use]
    pub fn init_composite(&self, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_composite, amount, terminal).with_le(15)
    }

    /// INITIALIZE FOR UNLOAD; answers 16 bytes.
    #[must_use]
    pub fn init_unload(&self, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_unload, amount, terminal).with_le(16)
    }

    /// DEBIT: terminal sequence (4), date and time (7), MAC1 (4); answers TAC (4), MAC2 (4).
    #[must_use]
    pub fn debit(&self, terminal_sequence: u32, date_time: [u8; 7], mac1: [u8; 4]) -> Command {
        let data = [&terminal_sequence.to_be_bytes()[..], &date_time, &mac1].concat();
        self.commands.debit.command(data).with_le(8)
    }

    /// DEBIT FOR UNLOAD: date and time (7), MAC2 (4); answers MAC3 (4).
    #[must_use]
    pub fn debit_unload(&self, date_time: [u8; 7], mac2: [u8; 4]) -> Command {
        self.commands.debit_unload.command([&date_time[..], &mac2].concat()).with_le(4)
    }

    /// INITIALIZE FOR UPDATE: key index (1), terminal (6); answers 19 bytes.
    #[must_use]
    pub fn init_overdraw(&self, terminal: [u8; 6]) -> Command {
        self.commands.init_overdraw.command([&[self.key_index][..], &terminal].concat()).with_le(19)
    }

    /// UPDATE OVERDRAW LIMIT: limit (3), date and time (7), MAC2 (4); answers TAC (4). The limit's lower 24 bits are sent.
    #[must_use]
    pub fn update_overdraw(&self, limit: u32, date_time: [u8; 7], mac2: [u8; 4]) -> Command {
        let [_, limit @ ..] = limit.to_be_bytes();
        self.commands.update_overdraw.command([&limit[..], &date_time, &mac2].concat()).with_le(4)
    }

    /// GET TRANSACTION PROVE: P2 = transaction type, card sequence (2); answers MAC2 (4), TAC (4).
    #[must_use]
    pub fn prove(&self, transaction_type: u8, card_sequence: u16) -> Command {
        let number = self.prove_sequence.of(card_sequence);
        self.commands.prove.with_p2(transaction_type).command(number.to_be_bytes().to_vec()).with_le(8)
    }

    /// Every transaction type that leaves a proof.
    #[must_use]
    pub const fn transaction_types(&self) -> [u8; 8] {
        let PurseTypes { ed_load, ep_load, unload, cash, ed_purchase, ep_purchase, overdraw, composite } = self.types;
        [ed_load, ep_load, unload, cash, ed_purchase, ep_purchase, overdraw, composite]
    }

    /// The transaction type of a load or purchase.
    #[must_use]
    pub const fn load_type(&self, purse: Purse) -> u8 {
        match purse {
            Purse::Deposit => self.types.ed_load,
            Purse::Purse => self.types.ep_load,
        }
    }

    /// The transaction type of a purchase.
    #[must_use]
    pub const fn purchase_type(&self, purse: Purse) -> u8 {
        match purse {
            Purse::Deposit => self.types.ed_purchase,
            Purse::Purse => self.types.ep_purchase,
        }
    }

    fn initialize(&self, row: CommandRow, amount: u32, terminal: [u8; 6]) -> Command {
        row.command([&[self.key_index][..], &amount.to_be_bytes(), &terminal].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Field, MacFields};
    use crate::builtin;

    fn rules() -> PurseRules {
        builtin("pboc-purse").and_then(|profile| profile.purse).expect("has a purse")
    }

    fn hex_of(command: &Command) -> String {
        hex::encode_upper(command.encode(card_core::apdu::Protocol::T0))
    }

    #[test]
    fn commands_are_those_of_the_manual() {
        let (rules, terminal) = (rules(), [0x66; 6]);
        assert_eq!(hex_of(&rules.init_load(Purse::Purse, 0x10, terminal)), "805000020B0100000010666666666666");
        assert_eq!(hex_of(&rules.init_purchase(Purse::Deposit, 1, terminal)), "805001010B0100000001666666666666");
        assert_eq!(hex_of(&rules.init_cash(1, terminal)), "805002010B0100000001666666666666");
        assert_eq!(hex_of(&rules.init_composite(0, terminal)), "805003020B0100000000666666666666");
        assert_eq!(hex_of(&rules.init_unload(1, terminal)), "805005010B0100000001666666666666");
        assert_eq!(hex_of(&rules.init_overdraw(terminal)), "805004010701666666666666");
        assert_eq!(hex_of(&rules.prove(9, 0x28)), "805A0009020028");
        assert_eq!(hex_of(&rules.get_balance(Purse::Purse)), "805C000204");
        let update = rules.update_overdraw(0x0001_0203, [0x20; 7], [0xAA; 4]);
        assert_eq!(hex_of(&update), "805800000E01020320202020202020AAAAAAAA");
    }

    #[test]
    fn mac_inputs_have_the_fields_of_the_formulas() {
        let fields = MacFields {
            amount: 0x10,
            transaction_type: 2,
            terminal: [0x66; 6],
            date_time: [0x20, 0x24, 0x04, 0x11, 0x21, 0x21, 0x21],
            old_limit: 0x01,
            new_limit: 0x0203,
            ..MacFields::default()
        };
        let mac = rules().mac;
        let of = |rows: &[Field]| hex::encode_upper(fields.input(rows));
        assert_eq!(of(&mac.load_mac1), "000000000000001002666666666666");
        assert_eq!(of(&mac.load_mac2), "000000100266666666666620240411212121");
        assert_eq!(of(&mac.overdraw_mac1), "0000000000000102666666666666");
        assert_eq!(of(&mac.overdraw_mac2), "0002030266666666666620240411212121");
        assert_eq!(of(&mac.purchase_tac), "00000010026666666666660000000020240411212121");
    }
}
