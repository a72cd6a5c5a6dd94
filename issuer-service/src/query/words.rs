//! The answers in words: whole for a screen, short for a voice.
//!
//! Owns: their texts. Never: decides what is told.

use settlement::query::{CardState, LineKind, NewCard};

use super::person::{Answer, HeldCard, Statement};
use crate::benefit::AccountYear;
use crate::lang::Lang;
use crate::output::Show;

impl Show for Answer {
    fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        if !self.is_short {
            let identity = &self.identity;
            let dead = if identity.dead { lang.pick("  已登记死亡", "  dead") } else { "" };
            let (person, number, name, phone) = (identity.person, &identity.number, &identity.name, &identity.phone);
            lines.push(lang.pick(
                format!("人员 {person}  {number}  {name}  {phone}{dead}"),
                format!("person {person}  {number}  {name}  {phone}{dead}"),
            ));
        }
        if let Some(cards) = &self.cards {
            if cards.is_empty() {
                lines.push(lang.pick("没有卡", "no card").to_owned());
            }
            lines.extend(cards.iter().map(|card| card_line(card, self.is_short, lang)));
        }
        if self.tells_progress {
            lines.push(progress(self.new_card.as_ref(), lang));
        }
        if let Some(account) = &self.account {
            lines.extend(statement(account, self.is_short, lang));
        }
        if let Some(years) = self.account_years.as_ref().filter(|_| !self.is_short) {
            lines.extend(years.iter().map(|year| account_year(year, lang)));
        }
        if self.tells_benefits {
            match &self.benefits {
                None => lines.push(
                    lang.pick("中心没有参保缴费数据", "the centre was given no data about contributions").to_owned(),
                ),
                Some(benefits) => {
                    lines.extend(benefits.insurances.iter().map(|line| {
                        let (name, standing) = (line.insurance.names(), line.standing.names());
                        let since =
                            line.since.map(|month| lang.pick(format!("，{month} 起"), format!(" since {month}")));
                        let months = line.months;
                        let Some(as_of) = line.as_of else {
                            let code = line.insurance.code();
                            return lang.pick(
                                format!("  {code} {}: {}", name.0, standing.0),
                                format!("  {code} {}: {}", name.1, standing.1),
                            );
                        };
                        lang.pick(
                            format!(
                                "  {} {}: {}{}，共 {months} 个月（数据截至 {as_of}）",
                                line.insurance.code(),
                                name.0,
                                standing.0,
                                since.clone().unwrap_or_default()
                            ),
                            format!(
                                "  {} {}: {}{}, {months} months (data as of {as_of})",
                                line.insurance.code(),
                                name.1,
                                standing.1,
                                since.unwrap_or_default()
                            ),
                        )
                    }));
                }
            }
        }
        lines.join("\n")
    }
}

/// Chinese and English word for the state of a card.
#[must_use]
pub const fn state_names(state: CardState) -> (&'static str, &'static str) {
    match state {
        CardState::Sealed => ("封存", "sealed"),
        CardState::Normal => ("正常", "normal"),
        CardState::FormalLoss => ("正式挂失", "formal loss"),
        CardState::Locked => ("应用锁定", "locked"),
        CardState::TemporaryLoss => ("临时挂失", "temporary loss"),
        CardState::Cancelled => ("注销", "cancelled"),
    }
}

fn card_line(card: &HeldCard, is_short: bool, lang: Lang) -> String {
    let (zh, en) = state_names(card.view.state);
    let number = &card.card_number;
    if is_short {
        return lang.pick(format!("卡 {number} {zh}"), format!("card {number}: {en}"));
    }
    let until = card.view.valid_until;
    let release = card
        .view
        .release_on
        .map_or_else(String::new, |day| lang.pick(format!("，{day} 自动解除"), format!(", ends by itself on {day}")));
    let listed = if card.view.blacklisted { lang.pick("，在黑名单中", ", on the blacklist") } else { "" };
    lang.pick(
        format!("  卡 {number}  {zh}{release}{listed}  有效期至 {until}"),
        format!("  card {number}  {en}{release}{listed}  valid until {until}"),
    )
}

fn progress(card: Option<&NewCard>, lang: Lang) -> String {
    let Some(card) = card else { return lang.pick("没有在办的新卡", "no new card under way").to_owned() };
    let (zh, en) = card.stage.names();
    let place = card.collect_at.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    lang.pick(format!("新卡: {zh}{place}"), format!("new card: {en}{place}"))
}

fn statement(account: &Statement, is_short: bool, lang: Lang) -> Vec<String> {
    let Statement { opening_fen, spend_fen, closing_fen, interest_fen, .. } = account;
    if is_short {
        return vec![lang.pick(format!("账户余额 {closing_fen} 元"), format!("balance {closing_fen} yuan"))];
    }
    let mut lines: Vec<String> = account
        .lines
        .iter()
        .map(|line| {
            let (zh, en) = line.kind.names();
            let place = line.institution.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
            // A load leads from no balance to another: what went to the card stands behind its name.
            let (amount, loaded) = match line.kind {
                LineKind::Load => ("-".to_owned(), format!(" {}", line.amount_fen)),
                _ => (line.amount_fen.to_string(), String::new()),
            };
            let balance = line.balance_fen.to_string();
            format!("  {}  {amount:>12}  {balance:>12}  {}{loaded}{place}", line.date, lang.pick(zh, en))
        })
        .collect();
    lines.push(lang.pick(format!("期初 {opening_fen}"), format!("opening {opening_fen}")));
    lines.extend(account.inflow.iter().map(|inflow| {
        let ((zh, en), amount) = (inflow.source.names(), inflow.amount_fen);
        lang.pick(format!("  收入 {zh} {amount}"), format!("  in: {en} {amount}"))
    }));
    lines.push(lang.pick(
        format!("  利息 {interest_fen}（卡账户不计息；个人账户的利息见各年度）"),
        format!(
            "  interest {interest_fen} (none on the card account; that of individual accounts stands with their years)"
        ),
    ));
    lines.push(lang.pick(format!("  支出 {spend_fen}"), format!("  spent {spend_fen}")));
    lines.push(lang.pick(format!("期末 {closing_fen}"), format!("closing {closing_fen}")));
    lines
}

fn account_year(year: &AccountYear, lang: Lang) -> String {
    let AccountYear {
        insurance,
        year,
        opening_fen,
        own_fen,
        unit_fen,
        other_fen,
        interest_fen,
        spend_fen,
        closing_fen,
    } = year;
    let (zh, en) = insurance.names();
    lang.pick(
        format!("{zh}个人账户 {year}: 期初 {opening_fen}，个人 {own_fen}，单位 {unit_fen}，其他 {other_fen}，利息 {interest_fen}，支出 {spend_fen}，期末 {closing_fen}"),
        format!("{en} account {year}: opening {opening_fen}, own {own_fen}, unit {unit_fen}, other {other_fen}, interest {interest_fen}, spent {spend_fen}, closing {closing_fen}"),
    )
}
