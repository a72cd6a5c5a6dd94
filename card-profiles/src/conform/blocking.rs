//! Blocked states (锁定状态): an application blocked and unblocked, blocked for good, the whole card blocked.

use card_core::StatusWord;
use card_core::command;
use card_core::secure::{Messaging, SecureCommand};
use card_core::security::KeyRef;

use super::workshop::{Draft, Workshop, done, read_first, sw};
use super::{Act, Area, Effect, Ending, Expect, Move, Text};
use crate::approach::select_command;
use crate::profile::{Df, KeyClass};
use crate::purse::BlockedSelect;

const AREA: Area = Area::Blocking;
const WRONG: [StatusWord; 2] = [StatusWord::MAC_WRONG, StatusWord::SECURE_MESSAGING_WRONG];
const SHUT: [StatusWord; 3] =
    [StatusWord::NOT_SUPPORTED, StatusWord::CONDITIONS_OF_USE, StatusWord::APPLICATION_LOCKED];

/// The blocking commands of a card type.
struct Rows {
    block: [u8; 4],
    for_good: [u8; 4],
    unblock: [u8; 4],
    card: [u8; 4],
    challenge: u8,
}

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let Some(rows) = rows(shop) else { return };
    for df in &shop.profile.df {
        if let Some(key) = locking_key(shop, df) {
            for draft in application(shop, &rows, df, &key) {
                shop.add(draft);
            }
        }
    }
    if let Some(draft) = card(shop, &rows) {
        shop.add(draft);
    }
}

fn rows(shop: &Workshop<'_>) -> Option<Rows> {
    if let Some(purse) = &shop.profile.purse {
        let commands = &purse.commands;
        let block = commands.block.header();
        let [cla, ins, p1, _] = block;
        return Some(Rows {
            block,
            for_good: [cla, ins, p1, 0x01],
            unblock: commands.unblock.header(),
            card: commands.block_card.header(),
            challenge: 4,
        });
    }
    let rows = shop.profile.blocking.as_ref()?;
    let header = |bytes: &[u8]| bytes.try_into().ok();
    Some(Rows {
        block: header(&rows.application_block)?,
        for_good: header(&rows.application_block_for_good)?,
        unblock: header(&rows.application_unblock)?,
        card: header(&rows.card_block)?,
        challenge: rows.challenge,
    })
}

/// The key that locks a directory: that of the purse, or its LK.
fn locking_key(shop: &Workshop<'_>, df: &Df) -> Option<KeyRef> {
    let row = match &shop.profile.purse {
        Some(purse) if purse.df == df.id => shop.profile.key(&purse.keys.maintenance),
        Some(_) => None,
        None => shop.profile.key_of_class(&df.id, KeyClass::Lk),
    };
    row.map(|row| shop.key(row))
}

fn secure(rows: &Rows, header: [u8; 4], key: &KeyRef, wrong: bool) -> Vec<Act> {
    let (messaging, bytes) = match rows.challenge {
        0 => (Messaging::Session, 8),
        challenge => (Messaging::Whole { challenge }, challenge),
    };
    vec![Act::Challenge(bytes), Act::Secure { command: SecureCommand::bare(header, key.clone(), messaging), wrong }]
}

fn application(shop: &Workshop<'_>, rows: &Rows, df: &Df, key: &KeyRef) -> Vec<Draft> {
    let right = |header| secure(rows, header, key, false).into_iter().map(done).collect::<Vec<Move>>();
    let wrong = |header| {
        let mut moves: Vec<Move> = secure(rows, header, key, true).into_iter().map(done).collect();
        if let Some(last) = moves.last_mut() {
            last.expect = vec![sw(&WRONG)];
        }
        moves
    };
    let of = |what: &str, zh: String, en: String| {
        shop.draft(AREA, &df.id, what, Text::new(zh, en)).of_row(format!("key {}", key.name)).with(shop.fresh(df))
    };
    // A command that a blocked application must refuse, whatever it would answer otherwise.
    let (refused, _) = match df.ef.first() {
        Some(ef) => read_first(ef),
        None => (command::read_binary(0, 1), Expect::Refused),
    };
    let select = || select_command(shop.profile, df);
    let answers = [StatusWord::SELECTED_INVALID, StatusWord::NOT_SUPPORTED, StatusWord::OK];
    // What a purse answers its row says; other cards may answer as one source or another has it.
    let blocked = match shop.profile.purse.as_ref().map(|purse| purse.blocked_select) {
        Some(BlockedSelect::Fci) => vec![StatusWord::SELECTED_INVALID],
        Some(BlockedSelect::Refused) => vec![StatusWord::NOT_SUPPORTED],
        None => answers.to_vec(),
    };
    let mut drafts = Vec::new();
    let (zh, en) =
        (format!("{} 锁定后不可用，解锁后恢复", df.id), format!("{} is shut while blocked and opens again", df.id));
    let case = of("temporary", zh, en).effect(Effect::Restored).with(right(rows.block));
    let mut case = case.send(refused.clone(), [sw(&SHUT)]);
    // The block outlives a reset.
    for reached in shop.fresh(df).into_iter().rev().skip(1).rev() {
        case = case.with([reached]);
    }
    let case = case.send(select(), [sw(&blocked)]).send(refused.clone(), [sw(&SHUT)]);
    let case = case.with(right(rows.unblock)).then(Act::Reset, []).with(shop.enter(df));
    let mut back: Vec<Move> = shop.fresh(df);
    if let Some(last) = back.last_mut() {
        last.expect = vec![sw(&answers)];
    }
    // Unblocking what is open is refused; a block before makes the way back the same from every state.
    back.extend(right(rows.block));
    back.extend(right(rows.unblock));
    drafts.push(case.restore(back.clone()));
    let zh = format!("{} 的锁定命令 MAC 错误时不执行", df.id);
    let en = format!("{} is not blocked with a wrong MAC", df.id);
    let case = of("wrong-mac", zh, en).effect(Effect::Restored).with(wrong(rows.block)).then(Act::Reset, []);
    drafts.push(case.with(shop.enter(df)).restore(back));
    let first = shop.profile.df.first().is_some_and(|first| first.id == df.id);
    let shut = Ending::Directory { id: df.id.clone(), first };
    let (zh, en) = (format!("{} 永久锁定后不能解锁", df.id), format!("{} blocked for good does not open again", df.id));
    let case = of("for-good", zh, en).effect(Effect::Final(shut)).with(right(rows.for_good)).send(refused, [sw(&SHUT)]);
    let mut again = right(rows.unblock);
    if let Some(last) = again.last_mut() {
        last.expect = vec![Expect::Refused];
    }
    drafts.push(case.with(again));
    drafts
}

fn card(shop: &Workshop<'_>, rows: &Rows) -> Option<Draft> {
    let (df, row) = match &shop.profile.purse {
        Some(purse) => (shop.profile.df(&purse.df)?, shop.profile.key(&purse.keys.maintenance)?),
        None => {
            let df = shop.profile.df.first()?;
            (df, shop.profile.key_of_class(&df.id, KeyClass::Bk)?)
        }
    };
    let title = Text::new("卡片锁定后拒绝一切命令", "a blocked card refuses every command");
    let draft =
        shop.draft(AREA, "", "card", title).of_row(format!("key {}", row.name)).effect(Effect::Final(Ending::Card));
    let moves = secure(rows, rows.card, &shop.key(row), false).into_iter().map(done);
    let draft = draft.with(shop.fresh(df)).with(moves).then(Act::Reset, []);
    let first = shop.profile.df.first()?;
    Some(draft.send(select_command(shop.profile, first), [sw(&SHUT)]).send(command::get_challenge(8), [sw(&SHUT)]))
}
