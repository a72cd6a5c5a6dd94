//! PSAM: derived keys encipher as they must, purchases are numbered, MAC2 is checked.

use std::rc::Rc;

use card_core::StatusWord;
use card_core::algorithm::Algorithm;
use card_core::apdu::Command;
use card_core::command;
use card_core::crypto::{Block, KeyForm, KeyLength};
use card_core::script::Step;
use card_core::security::KeyRef;

use super::deal::{CARD, Shape, Tail};
use super::workshop::{Draft, Workshop, done, sw};
use super::{Act, Area, Deal, Effect, Ending, Expect, Series, Text};
use crate::access::Access;
use crate::account::{CommandRow, Field, MacFields};
use crate::approach::select_command;
use crate::profile::{Df, KeyClass, KeyRow};
use crate::purse::FactorOrder;

const AREA: Area = Area::Psam;
/// Factors in the cases, from the top of the hierarchy down.
const FACTORS: [Block; 3] = [[0x11; 8], [0x22; 8], [0x33; 8]];
const RANDOM: Block = [0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8];
const DATA: Block = [1, 2, 3, 4, 5, 6, 7, 8];
/// A day before every clock.
const LONG_OVER: [u8; 4] = [0x19, 0x99, 0x12, 0x31];
/// Type of a key in its usage byte: 6 MAC, 7 encipherment, 8 both.
const TYPE: u8 = 0x1F;

/// What a PSAM is asked for with a derived key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsamCipher {
    /// A block enciphered.
    Block,
    /// A MAC.
    Mac,
}

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let Some(df) = shop.profile.df.get(1) else { return };
    let mut drafts = Vec::new();
    for row in shop.profile.key.iter().filter(|row| row.df == df.id && row.class != KeyClass::Mk) {
        match row.usage & TYPE {
            7 | 8 if row.class != KeyClass::Stk => drafts.push(works(shop, df, row, PsamCipher::Block)),
            // What it serves for is the MAC of messages.
            6 | 8 if row.class == KeyClass::Stk => drafts.push(works(shop, df, row, PsamCipher::Mac)),
            _ => {}
        }
    }
    let title = Text::new("未分散密钥不能加密", "no encipherment before a key is derived");
    let draft = shop.draft(AREA, "", "not-derived", title).of_row("commands").with(shop.fresh(df));
    drafts.push(draft.send(command::psam_encipher(&block(shop, DATA)), [Expect::Refused]));
    let title = Text::new("不存在的密钥不能分散", "a key that no row has is not derived");
    let draft = shop.draft(AREA, "", "unknown-key", title).of_row("commands").with(shop.fresh(df));
    let unknown = command::psam_derive(0x08, 0xFE, &block(shop, RANDOM));
    drafts.push(draft.send(unknown, [sw(&[StatusWord::KEY_NOT_FOUND, StatusWord::KEY_INDEX])]));
    let rows = shop.profile.key.iter().filter(|row| row.df == df.id && row.class == KeyClass::Dpk);
    drafts.extend(rows.flat_map(|row| purchases(shop, df, row)));
    drafts.extend(exhausted(shop, df));
    drafts.extend(locked(shop, df));
    drafts.extend(expired(shop, df));
    for draft in drafts {
        shop.add(draft);
    }
}

/// 8 bytes as the algorithm's block.
fn block(shop: &Workshop<'_>, half: Block) -> Vec<u8> {
    shop.profile.rules().authentication_block(half)
}

/// The stored key with the factors of its level, top first; and the factors in the order of the wire.
fn levels(shop: &Workshop<'_>, row: &KeyRow) -> (KeyRef, Vec<Block>) {
    let levels = shop.profile.levels_left(row);
    let path: Vec<Block> = FACTORS.iter().copied().cycle().take(levels).collect();
    let wire = match shop.profile.psam.factor_order {
        FactorOrder::CardFirst => path.iter().rev().copied().collect(),
        FactorOrder::CardLast => path.clone(),
    };
    let key = shop.key(row);
    // STK of a 3DES card has 8 bytes: the left half of what the levels give.
    let short = row.class == KeyClass::Stk && shop.profile.algorithm == Algorithm::Tdes;
    let form = KeyForm { length: if short { KeyLength::Eight } else { key.form.length }, ..key.form };
    (KeyRef { path, form, ..key }, wire)
}

fn works(shop: &Workshop<'_>, df: &Df, row: &KeyRow, what: PsamCipher) -> Draft {
    let (key, wire) = levels(shop, row);
    let (word, zh, en) = match what {
        PsamCipher::Block => ("encipher", "加密", "enciphers"),
        PsamCipher::Mac => ("mac", "计算的 MAC ", "makes MACs"),
    };
    let title = Text::new(format!("密钥 {} 分散后{zh}正确", row.name), format!("{} is derived and {en}", row.name));
    let draft = shop.draft(AREA, row.name.as_str(), word, title).of_row(format!("key {}", row.name));
    let data = [wire.concat(), block(shop, RANDOM)].concat();
    let draft = draft.with(shop.fresh(df)).send(command::psam_derive(row.usage, row.id, &data), [Expect::Done]);
    draft.then(Act::Encipher { what, key, random: RANDOM, data: DATA }, [Expect::Proved])
}

/// Purchases with one version of the purchase key: a PSAM need not hold every one, and a card names the one that it has.
fn purchases(shop: &Workshop<'_>, df: &Df, row: &KeyRow) -> Vec<Draft> {
    let deal = Rc::new(purchase(shop, row));
    let leaves = || Effect::Leaves(Text::new("终端交易序号前进", "the terminal's transaction number advances"));
    let of = |what: &str, zh: &str, en: &str| {
        let version = row.version.unwrap_or(1);
        let title = Text::new(format!("{zh}（密钥版本 {version}）"), format!("{en} (key version {version})"));
        let draft = shop.draft(AREA, &format!("{}-{version}", row.name), what, title);
        draft.of_row(format!("key {} version {version}", row.name)).effect(leaves()).with(shop.fresh(df))
    };
    let begin = || Act::Begin(Rc::clone(&deal));
    let credit = |wrong| Act::Credit { deal: Rc::clone(&deal), wrong };
    let numbered = of("purchase.numbered", "终端交易序号逐笔加一", "each purchase has the next terminal number");
    let numbered = numbered.then(begin(), [Expect::Length(8)]);
    let numbered = numbered.then(begin(), [Expect::Since { balance: Some(1), sequence: None }]);
    let right = of("purchase.mac2", "正确的 MAC2 通过", "a right MAC2 is accepted");
    let right = right.then(begin(), [Expect::Done]).then(credit(false), [Expect::Done]);
    let wrong = of("purchase.wrong-mac2", "错误的 MAC2 被拒绝", "a wrong MAC2 is refused");
    let wrong = wrong.then(begin(), [Expect::Done]).then(credit(true), [sw(&[StatusWord::MAC_WRONG])]);
    let wrong = wrong.restore([done(begin()), done(credit(false))]);
    let order = [StatusWord::NOT_ACCEPTED, StatusWord::CONDITIONS_OF_USE];
    let once = of("purchase.once", "MAC2 只校验一次", "MAC2 is checked once a purchase");
    let once = once.then(begin(), [Expect::Done]).with([done(credit(false))]).then(credit(false), [sw(&order)]);
    let started = of("purchase.mac1", "MAC1 正确", "MAC1 is right").then(begin(), [Expect::Started]);
    vec![numbered, started, right, wrong, once]
}

/// The terminal's number at its end: no purchase any more, now or later. Where it is far from its end the case is not carried
/// out.
fn exhausted(shop: &Workshop<'_>, df: &Df) -> Option<Draft> {
    let row = shop.profile.key.iter().find(|row| row.df == df.id && row.class == KeyClass::Dpk)?;
    let deal = Rc::new(purchase(shop, row));
    let title = Text::new(
        "终端交易序号用尽后拒绝，不从头计数",
        "when the terminal's numbers are used up a purchase is refused; they do not start again",
    );
    let used_up = [sw(&[StatusWord::COUNTER_MAX])];
    let draft = shop.draft(AREA, "", "purchase.number-end", title).of_row(format!("key {}", row.name));
    let draft = draft.effect(Effect::Final(Ending::Content)).with(shop.fresh(df));
    let draft = draft.then(Act::Exhaust(Rc::clone(&deal)), used_up.clone());
    Some(draft.with(shop.fresh(df)).then(Act::Begin(deal), used_up))
}

/// As many wrong MAC2 in a row as the row allows lock the purchases for good.
fn locked(shop: &Workshop<'_>, df: &Df) -> Option<Draft> {
    let most = Some(shop.profile.psam.wrong_mac2_max).filter(|most| *most > 0)?;
    let row = shop.profile.key.iter().find(|row| row.df == df.id && row.class == KeyClass::Dpk)?;
    let deal = Rc::new(purchase(shop, row));
    let title = Text::new(
        format!("连续 {most} 次错误 MAC2 后消费永久锁定"),
        format!("{most} wrong MAC2 in a row lock the purchases for good"),
    );
    let begin = || Act::Begin(Rc::clone(&deal));
    let credit = |wrong| Act::Credit { deal: Rc::clone(&deal), wrong };
    let draft = shop.draft(AREA, "", "purchase.locked", title).of_row(format!("key {}", row.name));
    let mut draft = draft.effect(Effect::Final(Ending::Key(shop.key(row)))).with(shop.fresh(df));
    // A right one in between begins the count anew.
    for _ in 1..most {
        draft = draft.then(begin(), [Expect::Done]).then(credit(true), [sw(&[StatusWord::MAC_WRONG])]);
    }
    draft = draft.then(begin(), [Expect::Done]).then(credit(false), [Expect::Done]);
    for _ in 0..most {
        draft = draft.then(begin(), [Expect::Done]).then(credit(true), [sw(&[StatusWord::MAC_WRONG])]);
    }
    let shut = [sw(&[StatusWord::APPLICATION_LOCKED])];
    Some(draft.then(begin(), shut.clone()).with(shop.fresh(df)).then(begin(), shut))
}

/// A purchase on the last day of the application, and after it.
fn expired(shop: &Workshop<'_>, df: &Df) -> Option<Draft> {
    let row = shop.profile.key.iter().find(|row| row.df == df.id && row.class == KeyClass::Dpk)?;
    let (deal, home) = (Rc::new(purchase(shop, row)), shop.profile.df.first()?);
    let (ef, offset) = df.ef.iter().find_map(|ef| {
        let at = ef.elements.iter().position(|row| &*row.id == "expiry_date")?;
        let before = ef.elements.get(..at)?.iter().map(|row| u16::from(row.format.length)).sum::<u16>();
        Some((ef, before))
    })?;
    let offset = u8::try_from(offset).ok()?;
    let checks = shop.profile.psam.checks_expiry;
    let title = match checks {
        true => Text::new("应用有效日期当天可消费，此后拒绝", "purchases end after the expiry date of the application"),
        false => Text::new("过期后仍可消费", "purchases go on after the expiry date of the application"),
    };
    let open = || {
        let mut moves = shop.fresh(home);
        moves.extend(shop.way(&ef.update).map(|rights| shop.proofs(&rights)).unwrap_or_default());
        moves.push(done(Act::Do(Step::Send(select_command(shop.profile, df)))));
        moves
    };
    let until = |date: &[u8]| command::update_binary_sfi(ef.sfi(), offset, date);
    let begin = || Act::Begin(Rc::clone(&deal));
    let after = if checks { sw(&[StatusWord::CONDITIONS_OF_USE]) } else { Expect::Length(8) };
    let draft = shop.draft(AREA, "", "purchase.expired", title).of_row(format!("{}.{}", df.id, ef.id));
    let draft =
        draft.effect(Effect::Leaves(Text::new("终端交易序号前进", "the terminal's transaction number advances")));
    let draft = draft.with(open());
    let draft = draft.keep(Act::Do(Step::Send(command::read_binary_sfi(ef.sfi(), offset, 4))), [Expect::Length(4)]);
    let draft = draft.send(until(shop.bench.moment.get(..4)?), [Expect::Done]).then(begin(), [Expect::Length(8)]);
    let draft = draft.send(until(&LONG_OVER), [Expect::Done]).then(begin(), [after]);
    let mut back = open();
    let header = until(&LONG_OVER).header();
    back.push(done(Act::Write { header, altered: false, mac: None }));
    Some(draft.restore(back))
}

/// INIT SAM FOR PURCHASE with three amounts. Its answer starts with the terminal number, which stands where a card's balance
/// would.
fn purchase(shop: &Workshop<'_>, row: &KeyRow) -> Deal {
    let (key, wire) = levels(shop, row);
    let (random, sequence) = CARD;
    let mut fields = [&random[..], &sequence.to_be_bytes()].concat();
    fields.extend([0; 12]);
    fields.push(0x32);
    fields.extend(shop.bench.moment);
    fields.extend([row.id, 0x00]);
    let begin: Command = command::psam_init_purchase(&fields, &wire);
    let none = CommandRow { cla: 0x80, ins: 0x72, p1: 0x00, p2: 0x00 };
    Deal {
        word: "sam-purchase",
        name: Text::new("消费", "purchase"),
        access: Access::Free,
        begin,
        shape: Shape::Terminal,
        numbers: Series::Terminal,
        tac_key: key.clone(),
        key,
        fields: MacFields {
            transaction_type: 0x32,
            terminal: shop.bench.terminal,
            date_time: shop.bench.moment,
            card_sequence: sequence,
            ..MacFields::default()
        },
        mac1: Some(vec![Field::Amounts, Field::Type, Field::Terminal, Field::DateTime]),
        sent: vec![Field::Amounts],
        complete: none,
        tail: Tail::Dated,
        tac: None,
        mac2: None,
        change: 0,
        log: None,
        prove: None,
        not_before: None,
    }
}
