//! PIN (个人口令): right, wrong, counted, blocked, changed, forgotten.

use card_core::StatusWord;
use card_core::apdu::Command;
use card_core::pin::PinBcd;
use card_core::script::Step;
use card_core::secure::SecureCommand;

use super::workshop::{Draft, Workshop, done, read_first, sw};
use super::{Act, Area, Effect, Expect, Move, Text};
use crate::access::Right;
use crate::profile::{Df, KeyClass, PinRow};

const AREA: Area = Area::Pin;

/// A PIN of the same length whose digits all differ: each plus `by`, modulo ten.
pub(super) fn shifted(pin: &[u8], by: u8) -> Vec<u8> {
    let digit = |nibble: u8| if nibble <= 9 { (nibble + by) % 10 } else { nibble };
    pin.iter().map(|byte| digit(byte >> 4) << 4 | digit(byte & 0x0F)).collect()
}

/// BCD as a PIN that is never shown.
pub(super) fn digits(bcd: &[u8]) -> Option<PinBcd> {
    PinBcd::parse(hex::encode_upper(bcd).trim_end_matches('F'))
}

/// CHANGE PIN as this card has it.
pub(super) fn change(shop: &Workshop<'_>, old: &[u8], new: &[u8]) -> Command {
    let mut change = card_core::command::change_pin(old, new);
    change.p2 = shop.profile.purse.as_ref().map_or(0, |purse| purse.pin_id);
    change
}

/// The directory in which the PIN is verified: that of the purse, else the first.
pub(super) fn home<'a>(shop: &Workshop<'a>) -> Option<&'a Df> {
    match &shop.profile.purse {
        Some(purse) => shop.profile.df(&purse.df),
        None => shop.profile.df.first(),
    }
}

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let (Some(row), Some(df)) = (&shop.profile.pin, home(shop)) else { return };
    let pin = shop.pin().to_vec();
    let (wrong, new) = (shifted(&pin, 3), shifted(&pin, 5));
    for draft in drafts(shop, row, df, &pin, &wrong, &new) {
        shop.add(draft);
    }
    if let Some(draft) = blocked(shop, row, df, &wrong) {
        shop.add(draft);
    }
}

fn of(shop: &Workshop<'_>, what: &str, df: &Df, zh: impl Into<String>, en: impl Into<String>) -> Draft {
    shop.draft(AREA, "", what, Text::new(zh, en)).of_row("pin").with(shop.fresh(df))
}

fn tries(left: u8) -> [Expect; 1] {
    [sw(&[StatusWord::tries_left(left)])]
}

fn verified(shop: &Workshop<'_>, df: &Df) -> Vec<Move> {
    let mut moves = shop.fresh(df);
    moves.extend(shop.prove(&Right::Pin));
    moves
}

fn drafts(shop: &Workshop<'_>, row: &PinRow, df: &Df, pin: &[u8], wrong: &[u8], new: &[u8]) -> Vec<Draft> {
    let right = || shop.prove(&Right::Pin);
    let bad = || shop.verify(wrong);
    let mut drafts = vec![of(shop, "right", df, "正确的口令通过校验", "the right PIN is verified").with(right())];
    let mut counted =
        of(shop, "counts", df, "口令错误计数，成功后恢复", "a wrong PIN counts, the right one gives the tries back");
    counted = counted.effect(Effect::Restored).with(right());
    for spent in 1..row.tries {
        counted = counted.send(bad(), tries(row.tries - spent));
    }
    counted = counted.with(right()).send(bad(), tries(row.tries.saturating_sub(1)));
    drafts.push(counted.restore(verified(shop, df)));
    if row.tries > 1 {
        let kept = of(shop, "count-survives-reset", df, "错误计数在复位后保留", "wrong tries are kept over a reset");
        let kept = kept.effect(Effect::Restored).with(right()).send(bad(), tries(row.tries - 1));
        let kept = kept.with(shop.fresh(df)).send(bad(), tries(row.tries.saturating_sub(2)));
        drafts.push(kept.restore(verified(shop, df)));
    }
    if let Some((file_df, ef)) = shop.pin_file().filter(|_| row.tries > 1) {
        let (read, open) = read_first(ef);
        let ends = of(
            shop,
            "wrong-ends-right",
            df,
            "错误的口令使已有权限失效",
            "a wrong PIN ends the right that a right one gave",
        );
        let ends = ends.effect(Effect::Restored).with(right()).with(shop.enter(file_df)).send(read.clone(), [open]);
        let ends = ends.send(bad(), tries(row.tries - 1)).send(read, [sw(&[StatusWord::SECURITY_STATUS])]);
        drafts.push(ends.restore(verified(shop, df)));
    }
    let refused = [StatusWord::WRONG_LENGTH, StatusWord::WRONG_DATA];
    let (short, long) = (usize::from(row.bytes_min) - 1, usize::from(row.bytes_max) + 1);
    if short > 0 {
        let title = ("过短的口令被拒绝且不计数", "too short a PIN is refused and does not count");
        let case = of(shop, "short", df, title.0, title.1).effect(Effect::Restored).with(right());
        let case =
            case.send(shop.verify(&vec![0x11; short]), [sw(&refused)]).send(bad(), tries(row.tries.saturating_sub(1)));
        drafts.push(case.restore(verified(shop, df)));
    }
    let title = ("过长的口令被拒绝且不计数", "too long a PIN is refused and does not count");
    let case = of(shop, "long", df, title.0, title.1).effect(Effect::Restored).with(right());
    let case =
        case.send(shop.verify(&vec![0x11; long]), [sw(&refused)]).send(bad(), tries(row.tries.saturating_sub(1)));
    drafts.push(case.restore(verified(shop, df)));
    let changes =
        of(shop, "change", df, "修改口令：新口令有效，旧口令无效", "a changed PIN is the one that is verified");
    let changes = changes.effect(Effect::Restored).send(change(shop, pin, new), [Expect::Done]).with(shop.fresh(df));
    let changes =
        changes.send(shop.verify(pin), tries(row.tries.saturating_sub(1))).send(shop.verify(new), [Expect::Done]);
    let mut back = shop.fresh(df);
    back.push(done(Act::Do(Step::Send(change(shop, new, pin)))));
    back.extend(right());
    drafts.push(changes.restore(back));
    let guarded = of(shop, "change-needs-old", df, "旧口令错误时不能修改", "no change without the old PIN");
    let guarded = guarded.effect(Effect::Restored).with(right());
    let guarded = guarded.send(change(shop, wrong, new), tries(row.tries.saturating_sub(1))).with(right());
    drafts.push(guarded.restore(verified(shop, df)));
    drafts
}

/// Blocked by wrong tries; brought back by the issuer's keys, where the card type has a way.
fn blocked(shop: &Workshop<'_>, row: &PinRow, df: &Df, wrong: &[u8]) -> Option<Draft> {
    let zh = format!("连续错误 {} 次后口令锁定，正确的口令亦被拒绝", row.tries);
    let en = format!("after {} wrong tries the PIN is blocked, even for the right one", row.tries);
    let mut case = of(shop, "blocked", df, zh, en).effect(Effect::Restored).with(shop.prove(&Right::Pin));
    for spent in 1..=row.tries {
        case = case.send(shop.verify(wrong), tries(row.tries - spent));
    }
    case = case.send(shop.verify(shop.pin()), [sw(&[StatusWord::BLOCKED])]);
    let mut back = shop.fresh(df);
    back.extend(unblock(shop)?);
    back.extend(shop.prove(&Right::Pin));
    Some(case.restore(back))
}

/// What gives the tries of the PIN back; `None` where the profile has no key for it.
fn unblock(shop: &Workshop<'_>) -> Option<Vec<Move>> {
    if let Some(purse) = &shop.profile.purse {
        let key = shop.profile.key(&purse.keys.reload_pin)?;
        let header = purse.commands.reload_pin.header();
        let act = Act::ReloadPin { header, digits: digits(shop.pin())?, key: shop.key(key), wrong: false };
        return Some(vec![done(act)]);
    }
    let first = shop.profile.df.first()?;
    let puk = shop.profile.key_of_class(&first.id, KeyClass::Puk)?;
    let stk = shop.profile.key_of_class(&first.id, KeyClass::Stk)?;
    let secure = SecureCommand::unblock_pin(shop.key(stk));
    Some(vec![
        done(Act::Do(Step::Authenticate { key: shop.key(puk), id: puk.id })),
        done(Act::Do(Step::Secure(secure))),
    ])
}
