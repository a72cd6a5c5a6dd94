//! Account transactions (账户交易): balances, load, purchase and what a purse has besides; numbers, MACs, log and proof.

use std::rc::Rc;

use card_core::StatusWord;
use card_core::command::{self, Record};
use card_core::script::Step;

use super::deals::{ONE, PURSE_DEALS, PurseDeal, account_load, account_purchase, purse_deal};
use super::workshop::{Draft, Workshop, done, sw};
use super::{
    Act, Area, Asked, Deal, Effect, Ending, Expect, Money, Move, Text, TotalsRule, composite, dates, with_psam,
};
use crate::access::{Access, Right};
use crate::account::{AccountRules, Amounts, BalanceKind, DebitDate, YearCoding};
use crate::profile::Df;
use crate::purse::{Purse, PurseRules};

const AREA: Area = Area::Account;

/// Transactions of a card and what surrounds them.
pub(super) struct Till<'a> {
    pub(super) df: &'a Df,
    row: &'static str,
    /// GET BALANCE of what a transaction moves, with its condition.
    balance: (card_core::apdu::Command, Access),
    /// SFI of the log, and bytes of its records.
    pub(super) log: (u8, usize),
    /// What the second half of a transaction asks of its day.
    date: DebitDate,
    /// How the card writes the year of its totals.
    year: YearCoding,
}

/// What surrounds a transaction, so that the money stays what it was.
enum Around {
    /// It takes what this one brought.
    First(Rc<Deal>),
    /// What it brought goes back with this one.
    Back(Rc<Deal>),
}

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let mut drafts = Vec::new();
    if let Some(rules) = &shop.profile.account {
        drafts.extend(of_account(shop, rules).unwrap_or_default());
    }
    if let Some(rules) = &shop.profile.purse {
        drafts.extend(of_purse(shop, rules).unwrap_or_default());
    }
    for draft in drafts {
        shop.add(draft);
    }
}

fn of_account(shop: &Workshop<'_>, rules: &AccountRules) -> Option<Vec<Draft>> {
    let df = shop.profile.df(&rules.df)?;
    let log = shop.profile.ef(&rules.df, &rules.log)?;
    let balance = (rules.get_balance(BalanceKind::PersonalAccount), rules.balance_access.clone());
    let till = Till {
        df,
        row: "account",
        balance,
        log: (log.sfi(), log.record_length()),
        date: rules.debit_date,
        year: rules.totals_year,
    };
    let load = |amount| account_load(shop, rules, amount).map(Rc::new);
    let purchase = |amounts| account_purchase(shop, rules, amounts).map(Rc::new);
    let most = Amounts { personal_account: u32::MAX, ..Amounts::default() };
    let mut drafts = Vec::new();
    for (kind, what, zh) in [
        (BalanceKind::PersonalAccount, "balance.personal", "个人账户余额"),
        (BalanceKind::SelfPaidTotal, "balance.self-paid", "个人自付累计"),
        (BalanceKind::PooledFundTotal, "balance.pooled", "统筹累计"),
    ] {
        let length = usize::from(kind.answer_length());
        let (title, expected) = match &rules.balance_access {
            Access::Never => (Text::new(format!("{zh}不可查询"), format!("{what} is never answered")), Expect::Refused),
            Access::Free | Access::All(_) | Access::Any(_) | Access::Mac(_) => (
                Text::new(format!("{zh}可查询"), format!("{what} is answered with {length} bytes")),
                Expect::Length(length),
            ),
        };
        let draft = till.draft(shop, what, title).with(till.proofs(shop, &rules.balance_access));
        drafts.push(draft.send(rules.get_balance(kind), [expected]));
    }
    let title = Text::new("其他目录中不能查询余额", "no balance is answered in another directory");
    if let Some(other) = shop.profile.df.iter().find(|other| other.id != df.id) {
        let draft = shop.draft(AREA, "", "outside", title).of_row("account").with(shop.fresh(other));
        let draft = draft.with(till.proofs(shop, &rules.balance_access));
        drafts.push(draft.send(rules.get_balance(BalanceKind::PersonalAccount), [Expect::Refused]));
    }
    // A load goes back by a purchase that adds nothing to the totals.
    let back = purchase(Amounts { personal_account: 1, ..Amounts::default() })?;
    drafts.extend(till.common(shop, &load(0)?, &load(1)?, &Around::Back(back)));
    drafts.extend(till.common(shop, &purchase(Amounts::default())?, &purchase(ONE)?, &Around::First(load(1)?)));
    drafts.push(till.insufficient(shop, &purchase(most)?));
    drafts.push(dates::earlier_year(shop, &till, &purchase(Amounts::default())?));
    drafts.push(till.newest_first(shop, &load(1)?, &purchase(ONE)?));
    drafts.push(till.wrapped(shop, &load(0)?));
    let deal = purchase(ONE)?;
    let title = Text::new("消费后年度累计增加", "yearly totals follow a purchase");
    let draft = till.draft(shop, "purchase.totals", title).effect(leaves()).with(till.proofs(shop, &deal.access));
    let zero = purchase(Amounts::default())?;
    let draft = till.done_before(shop, draft, &load(1)?);
    let draft = draft.with(till.proofs(shop, &deal.access));
    let draft = draft.then(Act::Begin(Rc::clone(&deal)), [Expect::Started]);
    let draft = draft.then(Act::Complete { deal: Rc::clone(&deal), wrong: false }, [Expect::Proved]);
    drafts.push(draft.then(Act::Begin(zero), [Expect::Started, Expect::Totals(deal, till.totals())]));
    let totals = purchase(Amounts { personal_account: 0, ..ONE })?;
    drafts.extend(with_psam::drafts(shop, &till, &purchase(Amounts::default())?, &totals));
    drafts.push(till.exhausted(shop, &load(0)?));
    drafts.push(till.exhausted(shop, &purchase(Amounts::default())?));
    let money = till.money(shop, &load(1)?, &purchase(Amounts { personal_account: 1, ..Amounts::default() })?);
    Some(drafts.into_iter().map(|draft| draft.with_money(&money)).collect())
}

fn of_purse(shop: &Workshop<'_>, rules: &PurseRules) -> Option<Vec<Draft>> {
    let df = shop.profile.df(&rules.df)?;
    let log = shop.profile.ef(&rules.df, &rules.log)?;
    let till = |purse: Purse| {
        let access = match purse {
            Purse::Deposit => &rules.access.ed_balance,
            Purse::Purse => &rules.access.ep_balance,
        };
        let balance = (rules.get_balance(purse), access.clone());
        Till {
            df,
            row: "purse",
            balance,
            log: (log.sfi(), log.record_length()),
            date: rules.debit_date,
            year: YearCoding::default(),
        }
    };
    let deal = |which, amount| purse_deal(shop, rules, which, amount).map(Rc::new);
    let mut drafts = Vec::new();
    for (purse, what) in [(Purse::Deposit, "balance.ed"), (Purse::Purse, "balance.ep")] {
        let till = till(purse);
        let (command, access) = till.balance.clone();
        let (title, expected) = match &access {
            Access::Never => (Text::new("余额不可查询", "the balance is never answered"), Expect::Refused),
            Access::Free | Access::All(_) | Access::Any(_) | Access::Mac(_) => {
                (Text::new("余额可查询", "the balance is answered with 4 bytes"), Expect::Length(4))
            }
        };
        let draft = till.draft(shop, what, title).with(till.proofs(shop, &access));
        drafts.push(draft.send(command.clone(), [expected]));
        if !access.rights().is_empty() {
            let title = Text::new("未校验口令不能查询余额", "no balance without the proof that its row names");
            let draft = till.draft(shop, &format!("{what}.without-proof"), title);
            drafts.push(draft.send(command, [sw(&[StatusWord::SECURITY_STATUS])]));
        }
    }
    let money = |purse: Purse| {
        let (up, down) = (deal(PurseDeal::Load(purse), 1)?, deal(PurseDeal::Purchase(purse), 1)?);
        Some(till(purse).money(shop, &up, &down))
    };
    // The limit goes back by what it was raised.
    let (raise, lower) = (deal(PurseDeal::Overdraw, 1)?, deal(PurseDeal::Overdraw, -1)?);
    let limit = till(Purse::Deposit).limit(shop, &raise, &lower);
    for which in PURSE_DEALS {
        let till = till(which.purse());
        let around = match which {
            PurseDeal::Load(purse) => Around::Back(deal(PurseDeal::Purchase(purse), 1)?),
            PurseDeal::Overdraw => Around::Back(deal(which, -1)?),
            PurseDeal::Purchase(_) | PurseDeal::Cash | PurseDeal::Composite | PurseDeal::Unload => {
                Around::First(deal(PurseDeal::Load(which.purse()), 1)?)
            }
        };
        let money = money(which.purse())?;
        let common = till.common(shop, &deal(which, 0)?, &deal(which, 1)?, &around);
        drafts.extend(common.into_iter().map(|draft| draft.with_money(&money).with_limit(&limit)));
        if let PurseDeal::Purchase(_) | PurseDeal::Cash | PurseDeal::Unload | PurseDeal::Composite = which {
            drafts.push(till.insufficient(shop, &deal(which, i64::from(u32::MAX))?));
        }
    }
    let purchase = deal(PurseDeal::Purchase(Purse::Deposit), 1)?;
    let newest = till(Purse::Deposit).newest_first(shop, &deal(PurseDeal::Load(Purse::Deposit), 1)?, &purchase);
    drafts.push(newest.with_money(&money(Purse::Deposit)?));
    let composite = composite::drafts(shop, &till(Purse::Purse), rules, &deal).unwrap_or_default();
    let of_purse = money(Purse::Purse)?;
    drafts.extend(composite.into_iter().map(|draft| draft.with_money(&of_purse)));
    let till = till(Purse::Deposit);
    drafts.push(till.wrapped(shop, &deal(PurseDeal::Load(Purse::Deposit), 0)?));
    drafts.extend(pin_after(shop, &till, rules, &deal(PurseDeal::Load(Purse::Deposit), 0)?));
    for which in [PurseDeal::Load(Purse::Deposit), PurseDeal::Purchase(Purse::Deposit)] {
        drafts.push(till.exhausted(shop, &deal(which, 0)?));
    }
    let title = Text::new("透支限额提高后可恢复", "the overdraw limit goes up and down again");
    let draft = till.draft(shop, "overdraw.lowered", title).effect(leaves());
    let draft = till.done_before(shop, draft, &raise);
    drafts.push(till.done_before(shop, draft, &lower).with_limit(&limit));
    Some(drafts)
}

/// Whether the PIN still opens after a whole transaction, as the row says.
fn pin_after(shop: &Workshop<'_>, till: &Till<'_>, rules: &PurseRules, load: &Rc<Deal>) -> Option<Draft> {
    load.access.rights().contains(&Right::Pin).then_some(())?;
    let (title, expected) = if rules.drops_pin {
        let title = Text::new("交易完成后须重新校验口令", "a transaction ends the PIN's right");
        (title, sw(&[StatusWord::SECURITY_STATUS]))
    } else {
        let title = Text::new("交易完成后口令仍有效", "the PIN is still verified after a transaction");
        (title, Expect::Started)
    };
    let draft = till.of_deal(shop, load, "pin-after", title).effect(leaves());
    Some(till.done_before(shop, draft, load).then(Act::Begin(Rc::clone(load)), [expected]))
}

/// What a whole transaction leaves.
pub(super) fn leaves() -> Effect {
    Effect::Leaves(Text::new(
        "余额恢复；交易序号前进，明细增加并挤掉旧记录，年度累计增加，首次遇到新年度时累计重新开始",
        "the balance comes back; transaction numbers advance, the log has new entries in place of its oldest, yearly totals grow, and begin anew where the terminal's year is a new one",
    ))
}

impl Till<'_> {
    /// What the second half of a transaction asks of its day.
    pub(super) const fn date(&self) -> DebitDate {
        self.date
    }

    /// What its yearly totals are held to.
    pub(super) const fn totals(&self) -> TotalsRule {
        TotalsRule { date: self.date, year: self.year }
    }

    fn draft(&self, shop: &Workshop<'_>, what: &str, title: Text) -> Draft {
        shop.draft(AREA, "", what, title).of_row(self.row).with(shop.fresh(self.df))
    }

    /// A case about one transaction.
    pub(super) fn of_deal(&self, shop: &Workshop<'_>, deal: &Deal, what: &str, title: Text) -> Draft {
        shop.draft(AREA, deal.word, what, title).of_row(self.row).with(shop.fresh(self.df))
    }

    pub(super) fn proofs(&self, shop: &Workshop<'_>, access: &Access) -> Vec<super::Move> {
        shop.way(access).map(|rights| shop.proofs(&rights)).unwrap_or_default()
    }

    /// A whole transaction from the reset state.
    pub(super) fn whole(&self, shop: &Workshop<'_>, deal: &Rc<Deal>) -> Vec<super::Move> {
        let complete = Act::Complete { deal: Rc::clone(deal), wrong: false };
        let [begin, complete] = [Act::Begin(Rc::clone(deal)), complete].map(done);
        shop.fresh(self.df).into_iter().chain(self.proofs(shop, &deal.access)).chain([begin, complete]).collect()
    }

    /// How a balance that a case left otherwise is brought back.
    fn money(&self, shop: &Workshop<'_>, up: &Rc<Deal>, down: &Rc<Deal>) -> Rc<Money> {
        let (balance, access) = &self.balance;
        let ask = Act::Do(Step::Send(balance.clone()));
        let mut look: Vec<Move> = shop.fresh(self.df).into_iter().chain(self.proofs(shop, access)).collect();
        look.push(Move { act: ask, expect: vec![Expect::Length(4)], keep: false });
        Rc::new(Money { asks: Asked::Balance, look, up: self.whole(shop, up), down: self.whole(shop, down) })
    }

    /// As [`Self::money`], of the overdraw limit.
    fn limit(&self, shop: &Workshop<'_>, raise: &Rc<Deal>, lower: &Rc<Deal>) -> Rc<Money> {
        let mut look: Vec<Move> = shop.fresh(self.df).into_iter().chain(self.proofs(shop, &raise.access)).collect();
        let expect = vec![Expect::Length(raise.start_length())];
        look.push(Move { act: Act::Begin(Rc::clone(raise)), expect, keep: false });
        Rc::new(Money { asks: Asked::Limit, look, up: self.whole(shop, raise), down: self.whole(shop, lower) })
    }

    /// A whole transaction before the one of the case.
    pub(super) fn done_before(&self, shop: &Workshop<'_>, draft: Draft, deal: &Rc<Deal>) -> Draft {
        let draft = draft.with(self.proofs(shop, &deal.access)).then(Act::Begin(Rc::clone(deal)), [Expect::Started]);
        draft.then(Act::Complete { deal: Rc::clone(deal), wrong: false }, [Expect::Proved])
    }

    /// What every transaction has in common: `zero` moves nothing, `one` one fen.
    fn common(&self, shop: &Workshop<'_>, zero: &Rc<Deal>, one: &Rc<Deal>, around: &Around) -> Vec<Draft> {
        let (zh, en) = (&one.name.zh, &one.name.en);
        let of = |what: &str, title: Text| self.of_deal(shop, one, what, title);
        let proofs = || self.proofs(shop, &one.access);
        let begin = |deal: &Rc<Deal>| Act::Begin(Rc::clone(deal));
        let complete = |deal: &Rc<Deal>, wrong| Act::Complete { deal: Rc::clone(deal), wrong };
        let mut drafts = Vec::new();
        let title =
            Text::new(format!("{zh}初始化不改变余额与序号"), format!("INITIALIZE of {} changes nothing", a(en)));
        let unmoved = Expect::Since { balance: Some(0), sequence: Some(0) };
        let draft = of("init", title).with(proofs()).then(begin(zero), [Expect::Started]);
        drafts.push(draft.then(begin(zero), [Expect::Started, unmoved.clone()]));
        if !one.access.rights().is_empty() {
            let title = Text::new(format!("未认证不能{zh}"), format!("no {en} without the proof that its row names"));
            // A card at the end of its numbers may say so first: how many are left is not asked for, that takes the proof.
            let refused = [StatusWord::SECURITY_STATUS, StatusWord::COUNTER_MAX];
            drafts.push(of("without-proof", title).then(begin(zero), [sw(&refused)]));
        }
        let mut wrong_index = (**zero).clone();
        let data: Vec<u8> =
            wrong_index.begin.data().iter().enumerate().map(|(at, byte)| if at == 0 { 0x7F } else { *byte }).collect();
        wrong_index.begin = wrong_index.begin.clone().with_data(data);
        let title =
            Text::new(format!("{zh}的密钥索引不存在"), format!("{} with an unknown key index is refused", a(en)));
        let refused = [StatusWord::KEY_INDEX, StatusWord::KEY_NOT_FOUND];
        drafts.push(of("key-index", title).with(proofs()).then(begin(&Rc::new(wrong_index)), [sw(&refused)]));
        let out_of_order = || [sw(&[StatusWord::NOT_ACCEPTED, StatusWord::CONDITIONS_OF_USE])];
        let title =
            Text::new(format!("未初始化不能完成{zh}"), format!("no second half of {} without INITIALIZE", a(en)));
        drafts.push(of("not-begun", title).with(proofs()).then(complete(zero, false), out_of_order()));
        let title = Text::new(
            format!("{zh}中间插入其他金融命令后不能完成"),
            format!("another financial command ends {} that was begun", a(en)),
        );
        let (balance, access) = &self.balance;
        let draft = of("interrupted", title)
            .with(self.proofs(shop, access))
            .with(proofs())
            .then(begin(zero), [Expect::Started]);
        let draft = draft.send(balance.clone(), [Expect::Balance(0)]);
        drafts.push(draft.then(complete(zero, false), out_of_order()));
        if let Some(prove) = zero.prove.map(|_| Act::Prove { deal: Rc::clone(zero), ahead: 0x0100 }) {
            let title =
                Text::new(format!("没有发生的{zh}没有证明"), format!("no proof of {} that did not happen", a(en)));
            let draft = of("prove.unknown", title).with(proofs()).then(begin(zero), [Expect::Started]);
            drafts.push(draft.then(prove, [sw(&[StatusWord::MAC_NOT_AVAILABLE])]));
        }
        drafts.extend(self.completed(shop, zero, one, around));
        let title = Text::new(
            format!("{zh}的 MAC 错误时余额与序号不变，交易结束"),
            format!("a wrong MAC ends {}; balance and number stay", a(en)),
        );
        let draft = of("wrong-mac", title).effect(Effect::Restored).with(proofs()).then(begin(zero), [Expect::Started]);
        let draft = draft.then(complete(zero, true), [sw(&[StatusWord::MAC_WRONG])]);
        let draft = draft.then(complete(zero, false), out_of_order());
        drafts.push(draft.with(proofs()).then(begin(zero), [Expect::Started, unmoved]));
        drafts.push(dates::no_day(shop, self, zero));
        drafts
    }

    /// A whole transaction: MACs, balance, number, log entry, proof.
    fn completed(&self, shop: &Workshop<'_>, zero: &Rc<Deal>, one: &Rc<Deal>, around: &Around) -> Vec<Draft> {
        let (zh, en) = (&one.name.zh, &one.name.en);
        let start = |what: &str, title: Text| {
            let draft = self.of_deal(shop, one, what, title).effect(leaves());
            let draft = match around {
                Around::First(first) => self.done_before(shop, draft, first),
                Around::Back(back) => draft.restore(self.whole(shop, back)),
            };
            self.done_before(shop, draft, one)
        };
        let title = Text::new(
            format!("{zh}：MAC 与 TAC 正确，余额变动，序号加一"),
            format!("{}: right MACs and TAC, the balance moves, the number advances by one", a(en)),
        );
        let draft = start("complete", title).with(self.proofs(shop, &zero.access));
        let since = Expect::Since { balance: Some(one.change), sequence: Some(1) };
        let draft = draft.then(Act::Begin(Rc::clone(zero)), [Expect::Started, since]);
        let (balance, access) = &self.balance;
        let draft = draft.with(self.proofs(shop, access)).send(balance.clone(), [Expect::Balance(0)]);
        let mut drafts = vec![draft];
        if one.log.is_some() {
            let title = Text::new(format!("{zh}写入明细"), format!("{} is the newest entry of the log", a(en)));
            let (sfi, length) = self.log;
            let le = u16::try_from(length).unwrap_or_default();
            let read = command::read_record(sfi, Record::Number(1), le);
            let log = shop
                .profile
                .df
                .iter()
                .find(|df| df.id == self.df.id)
                .and_then(|df| df.ef.iter().find(|ef| ef.sfi() == sfi));
            let way = log.map(|ef| self.proofs(shop, &ef.read)).unwrap_or_default();
            drafts.push(start("logged", title).with(way).send(read, [Expect::Logged(Rc::clone(one))]));
        }
        if one.prove.is_some() {
            let title =
                Text::new(format!("{zh}可取交易证明"), format!("the proof of {} is what the card answered", a(en)));
            let prove = |ahead| Act::Prove { deal: Rc::clone(one), ahead };
            let draft = start("prove", title).then(prove(0), [Expect::Proved]);
            // The proof outlives a reset.
            drafts.push(draft.with(shop.fresh(self.df)).then(prove(0), [Expect::Proved]));
        }
        drafts
    }

    fn insufficient(&self, shop: &Workshop<'_>, most: &Rc<Deal>) -> Draft {
        let (zh, en) = (&most.name.zh, &most.name.en);
        let title = Text::new(format!("余额不足不能{zh}"), format!("no {en} beyond the balance"));
        let draft = self.of_deal(shop, most, "insufficient", title).with(self.proofs(shop, &most.access));
        draft.then(Act::Begin(Rc::clone(most)), [sw(&[StatusWord::AMOUNT_INSUFFICIENT])])
    }

    /// A number that reached its end: no transaction any more, now or later, and nothing else lost. Where the number is far
    /// from its end the case is not carried out.
    fn exhausted(&self, shop: &Workshop<'_>, zero: &Rc<Deal>) -> Draft {
        let (zh, en) = (&zero.name.zh, &zero.name.en);
        let title = Text::new(
            format!("{zh}交易序号用尽后拒绝，不从头计数，余额不变"),
            format!("when its numbers are used up {} is refused; they do not start again, the balance stays", a(en)),
        );
        let proofs = || self.proofs(shop, &zero.access);
        let begin = || Act::Begin(Rc::clone(zero));
        let used_up = [sw(&[StatusWord::COUNTER_MAX])];
        let (balance, access) = &self.balance;
        let draft = self.of_deal(shop, zero, "number-end", title).effect(Effect::Final(Ending::Content));
        let draft = draft.with(self.proofs(shop, access));
        let draft = draft.keep(Act::Do(Step::Send(balance.clone())), [Expect::Length(4)]).with(proofs());
        let draft = draft.then(Act::Exhaust(Rc::clone(zero)), used_up.clone());
        let draft = draft.with(self.proofs(shop, access)).send(balance.clone(), [Expect::Same]);
        draft.with(shop.fresh(self.df)).with(proofs()).then(begin(), used_up)
    }

    /// One transaction more than the log has room for: the oldest entry is gone.
    fn wrapped(&self, shop: &Workshop<'_>, zero: &Rc<Deal>) -> Draft {
        let title = Text::new("明细写满后最旧者被覆盖", "a log that is full loses its oldest entry");
        let draft = self.draft(shop, "log.wrap", title);
        let gone = Text::new("明细全部为检测所写", "every entry of the log is of this case");
        let mut draft = draft.effect(Effect::Leaves(gone));
        let (sfi, length) = self.log;
        let le = u16::try_from(length).unwrap_or_default();
        let log = self.df.ef.iter().find(|ef| ef.sfi() == sfi);
        let records = log.map_or(0, |ef| ef.records);
        let way = || log.map(|ef| self.proofs(shop, &ef.read)).unwrap_or_default();
        let read = |number| command::read_record(sfi, Record::Number(number), le);
        draft = self.done_before(shop, draft, zero).with(way());
        draft = draft.keep(Act::Do(Step::Send(read(1))), [Expect::Logged(Rc::clone(zero))]);
        for _ in 1..records {
            draft = self.done_before(shop, draft, zero);
        }
        draft = draft.with(way()).send(read(records), [Expect::Same]);
        draft = self.done_before(shop, draft, zero).with(way()).send(read(records), [Expect::Other]);
        draft.send(read(records.saturating_add(1)), [sw(&[StatusWord::RECORD_NOT_FOUND])])
    }

    /// Two transactions: the newest is record 1, the one before record 2.
    fn newest_first(&self, shop: &Workshop<'_>, load: &Rc<Deal>, purchase: &Rc<Deal>) -> Draft {
        let title =
            Text::new("明细最新者为第 1 条，前一笔为第 2 条", "the newest entry is record 1, the one before record 2");
        let draft = self.draft(shop, "log.order", title).effect(leaves());
        let (sfi, length) = self.log;
        let le = u16::try_from(length).unwrap_or_default();
        let read = |number| command::read_record(sfi, Record::Number(number), le);
        let log = self.df.ef.iter().find(|ef| ef.sfi() == sfi);
        let way = || log.map(|ef| self.proofs(shop, &ef.read)).unwrap_or_default();
        let draft = self.done_before(shop, draft, load).with(way());
        let draft = draft.keep(Act::Do(Step::Send(read(1))), [Expect::Logged(Rc::clone(load))]);
        let draft = self.done_before(shop, draft, purchase).with(way());
        draft.send(read(1), [Expect::Logged(Rc::clone(purchase))]).send(read(2), [Expect::Same])
    }
}

/// A name with its article.
pub(super) fn a(name: &str) -> String {
    let an = name.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O']);
    format!("{} {name}", if an { "an" } else { "a" })
}
