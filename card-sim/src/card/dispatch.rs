//! Which part of the card carries out which command.
//!
//! Owns: the table, whole: a request without a line does not compile. Never: looks at the bytes of a command (`door`).

use super::{Answer, Card, Challenge, Stop, psam};
use crate::door::Request;
use crate::model::Model;

impl Card {
    /// Carries out a request; `challenge` and `purchase` are what the command before left for it.
    pub(super) fn run(
        &mut self,
        model: &Model,
        request: Request<'_>,
        challenge: Option<Challenge>,
        purchase: Option<psam::Purchase>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        match request {
            Request::ReadRecord { file, which, le } => self.read_record(model, file, which, le, out),
            Request::ReadBinary { file, offset, le } => self.read_binary(model, file, offset, le, out),
            Request::SelectName(name) => self.select_name(model, name, out),
            Request::SelectFile { fid, kind } => self.select_file(model, fid, kind, out),
            Request::UpdateRecord { file, which, data } => self.update_record(model, file, which, data),
            Request::AppendRecord { file, data } => self.append_record(model, file, data),
            Request::UpdateBinary { file, offset, data } => self.update_binary(model, file, offset, data),
            Request::GetChallenge { le } => self.get_challenge(le, out),
            Request::ExternalAuthenticate { key, auth_plain, version } => {
                self.external_authenticate(model, key, auth_plain, version, challenge)
            }
            Request::InternalAuthenticate { factor_data, version } => {
                self.internal_authenticate(model, factor_data, version, out)
            }
            Request::ProveKey { key, auth } => self.prove_key(model, key, auth, challenge),
            Request::UseKey { what, key, data } => self.use_key(model, what, key, data, out),
            Request::Verify(pin) => self.verify(model, pin),
            Request::ChangePin(data) => self.change_pin(model, data),
            Request::UnblockPin { mac } => self.unblock_pin(model, mac, challenge),
            Request::ReloadPin { enciphered, mac } => self.reload_pin(model, enciphered, mac, challenge),
            Request::LoadKey { enciphered, mac } => self.load_key(model, enciphered, mac, challenge),
            Request::GetBalance { kind, le } => self.get_balance(model, kind, le, out),
            Request::InitLoad { key_index, amount, terminal } => {
                self.init_load(model, key_index, amount, terminal, out)
            }
            Request::CreditLoad { date_time, mac2 } => self.credit_load(model, date_time, mac2, out),
            Request::InitPurchase { key_index, amounts, terminal } => {
                self.init_purchase(model, key_index, amounts, terminal, out)
            }
            Request::DebitPurchase { sequence, date_time, mac1 } => {
                self.debit_purchase(model, sequence, date_time, mac1, out)
            }
            Request::Prove { kind, sequence } => self.prove(model, kind, sequence, out),
            Request::PsamDerive { usage, id, data } => self.psam_derive(model, usage, id, data),
            Request::PsamDeliver { usage, id, data } => self.psam_deliver(model, usage, id, data),
            Request::PsamCipher { cipher, data } => self.psam_cipher(model, cipher, data, out),
            Request::PsamInitPurchase { three_amounts, data } => {
                self.psam_init_purchase(model, three_amounts, data, out)
            }
            Request::PsamCreditPurchase { mac2 } => self.psam_credit_purchase(model, purchase, mac2),
            Request::PsamCode { le } => self.psam_code(model, le, out),
            Request::PurseBegin { begin, key_index, amount, terminal } => {
                self.purse_begin(model, begin, key_index, amount, terminal, out)
            }
            Request::PurseBeginOverdraw { key_index, terminal } => {
                self.purse_begin_overdraw(model, key_index, terminal, out)
            }
            Request::PurseCredit { date_time, mac2 } => self.purse_credit(model, date_time, mac2, out),
            Request::PurseUnload { date_time, mac2 } => self.purse_unload(model, date_time, mac2, out),
            Request::PurseOverdraw { limit, date_time, mac2 } => {
                self.purse_overdraw(model, limit, date_time, mac2, out)
            }
            Request::PurseDebit { sequence, date_time, mac1 } => {
                self.purse_debit(model, sequence, date_time, mac1, out)
            }
            Request::PurseCache { file, which, header, data } => {
                self.purse_cache(model, (file, which), (header, data), challenge)
            }
            Request::PurseBalance { purse, le } => self.purse_balance_of(model, purse, le, out),
            Request::PurseProve { transaction_type, number } => self.purse_prove(model, transaction_type, number, out),
            Request::PurseReloadPin { digits, mac } => self.purse_reload_pin(model, digits, mac),
            Request::PurseUnblockPin(message) => self.purse_unblock_pin(model, message, challenge),
            Request::UpdateBinaryUnderMac { file, offset, message } => {
                self.update_binary_under_mac(model, (file, offset), message, challenge)
            }
            Request::UpdateRecordUnderMac { file, which, message } => {
                self.update_record_under_mac(model, (file, which), message, challenge)
            }
            Request::BlockApplication { for_good, message } => {
                self.block_application(model, for_good, message, challenge)
            }
            Request::UnblockApplication(message) => self.unblock_application(model, message, challenge),
            Request::BlockCard(message) => self.block_card(model, message, challenge),
            Request::Certificate(request) => self.certificate(model, request, challenge, out),
            Request::GetResponse { .. } => unreachable!("answered before anything is dropped"),
        }
    }
}
