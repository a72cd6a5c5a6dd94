//! Step 6: upload, ledger, closed window, statement, and the three-way agreement.

use std::time::Instant;

use serde_json::{Value, json};

use super::cards::INSTITUTION;
use super::centre::{CHECKER, MAKER};
use super::counter::Takings;
use super::{COUNTER_SLOTS, Stage};
use crate::failure::{Failure, must_be};
use crate::output::words;
use crate::readers::Readers;

impl Stage<'_> {
    pub(super) fn clear(&mut self, readers: &Readers<'_>, takings: &Takings) -> Result<(), Failure> {
        self.step(&words("Clear the day", "日终清算"));
        let began = Instant::now();
        let upload = self.sscard(readers, COUNTER_SLOTS[0], "upload").ok()?;
        let again = self.sscard(readers, COUNTER_SLOTS[0], "upload").ok()?;
        must_be("records that a second upload sends", &again.number("/accepted")?, &0)?;
        let accepted = upload.number("/accepted")?;
        self.done(
            began,
            format!("{accepted} records uploaded; the centre recomputed every TAC and posted them; a second upload changed nothing"),
            format!("上传 {accepted} 条，中心逐笔重算 TAC 并入账；重复上传无变化"),
        );

        let began = Instant::now();
        let date = self.business_date.clone();
        let close = self.issuer("window close --operator").arg(CHECKER).arg("--date").arg(date.clone()).ok()?;
        let statement = self.issuer("statement --institution").arg(INSTITUTION).arg("--date").arg(date.clone()).ok()?;
        must_be("purchases of the statement", &statement.number("/purchases")?, &self.summary.purchases_confirmed)?;
        for (field, expected) in [
            ("/personal_account_fen", takings.personal_fen),
            ("/self_paid_fen", takings.self_paid_fen),
            ("/pooled_fund_fen", takings.pooled_fen),
            ("/payable_fen", takings.personal_fen + takings.pooled_fen),
            ("/ledger_payable_fen", takings.personal_fen + takings.pooled_fen),
        ] {
            must_be(format!("statement {field}"), &statement.number(field)?, &expected)?;
        }
        self.folder.write("reports/window.json", close.stdout.as_bytes())?;
        self.folder.write("reports/statement.json", statement.stdout.as_bytes())?;
        self.summary.cleared_fen = statement.number("/personal_account_fen")?;
        self.summary.pooled_fund_fen = statement.number("/pooled_fund_fen")?;
        self.summary.payable_fen = statement.number("/payable_fen")?;
        self.done(
            began,
            format!("window {date} closed; the pharmacy's statement:"),
            format!("业务日 {date} 关闭；药店对账单:"),
        );
        let shown =
            self.programs.call("issuer").arg("--data").arg(self.folder.text("centre")).words("statement --institution");
        let shown = shown
            .arg(INSTITUTION)
            .arg("--date")
            .arg(date.clone())
            .words("--lang")
            .arg(self.output.language_name())
            .ok()?;
        self.output.quote(shown.stdout.trim_end());

        let began = Instant::now();
        let cards = self.read_back(readers, takings)?;
        let cards = self.folder.write("reports/cards.json", format!("{cards:#}\n").as_bytes())?;
        let journal = self.folder.path("reports/journal.json");
        self.sscard(readers, COUNTER_SLOTS[0], "journal export --out").arg(journal.clone()).ok()?;
        let reconcile =
            self.issuer("reconcile --date").arg(date).arg("--cards").arg(cards).arg("--journal").arg(journal).ok()?;
        self.folder.write("reports/agreement.json", reconcile.stdout.as_bytes())?;
        self.summary.card_balance_total_fen = reconcile.number("/card_balance_total_fen")?;
        self.summary.ledger_balance_total_fen = reconcile.number("/ledger_balance_total_fen")?;
        self.summary.journal_total_fen = reconcile.number("/journal_total_fen")?;
        self.summary.in_agreement = reconcile.json()?["in_agreement"] == true;
        self.check_agreement(takings)?;
        self.done(
            began,
            format!("{} cards read back: cards, terminal journal and ledger agree to the fen", takings.loaded.len()),
            format!("回读 {} 张卡: 卡、终端流水、账务三方相符，分文不差", takings.loaded.len()),
        );

        let began = Instant::now();
        let audit = self.issuer("audit verify --operator").arg(MAKER).ok()?;
        must_be("first bad record of the audit log", &audit.json()?["first_bad"], &Value::Null)?;
        self.done(began, "the audit log's chain and its signed checkpoints hold", "审计日志链和签名校验点完好");
        Ok(())
    }

    /// Balances and counters from all loaded cards, through the readers.
    fn read_back(&self, readers: &Readers<'_>, takings: &Takings) -> Result<Value, Failure> {
        let mut found = Vec::new();
        for group in takings.loaded.chunks(COUNTER_SLOTS.len()) {
            let places: Vec<_> = group.iter().zip(COUNTER_SLOTS).map(|(card, slot)| (slot, card)).collect();
            readers.insert(&places.iter().map(|(slot, card)| (*slot, card.image.clone())).collect::<Vec<_>>())?;
            for (slot, card) in &places {
                let pin = format!("file:{}", self.folder.text("secrets/holder.pin"));
                let answer = self.sscard(readers, *slot, "balance --pin").arg(pin).ok()?;
                let chip = answer.text("/reset_information")?;
                must_be("the card in the reader", &chip.ends_with(&card.serial), &true)?;
                let balance = answer.number("/balance_fen")?;
                must_be(format!("balance of card {}", card.number), &balance, &takings.balances[&card.identifier])?;
                found.push(json!({
                    "card_identifier": card.identifier,
                    "balance_fen": balance,
                    "card_sequence": answer.number("/card_sequence")?,
                }));
            }
            readers.eject(&places.iter().map(|(slot, _)| *slot).collect::<Vec<_>>())?;
        }
        Ok(Value::Array(found))
    }

    /// The programs agree with each other and with what the demo added up by itself.
    fn check_agreement(&self, takings: &Takings) -> Result<(), Failure> {
        let summary = &self.summary;
        let expected: i64 = takings.balances.values().sum();
        must_be("sum on the cards", &summary.card_balance_total_fen, &expected)?;
        must_be("sum in the ledger", &summary.ledger_balance_total_fen, &expected)?;
        must_be("sum in the journal", &summary.journal_total_fen, &expected)?;
        must_be("loaded less cleared", &(summary.loaded_fen - summary.cleared_fen), &expected)?;
        must_be("the centre's own verdict", &summary.in_agreement, &true)
    }
}
