//! Access safety (存取安全): a file opens to what its row names, and to nothing less.

use card_core::StatusWord;
use card_core::command::{self, Record};
use card_core::script::Step;

use super::workshop::{Draft, Workshop, done, read_first, sw, write_first};
use super::{Act, Area, Effect, Ending, Expect, Move, Text};
use crate::access::{Access, Right};
use crate::profile::{Df, Ef, EfKind, KeyRow};

const AREA: Area = Area::Access;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    for df in &shop.profile.df {
        for ef in &df.ef {
            reading(shop, df, ef);
            updating(shop, df, ef);
        }
    }
    ending(shop);
}

fn place(df: &Df, ef: &Ef) -> String {
    format!("{}.{}", df.id, ef.id)
}

fn draft(shop: &Workshop<'_>, df: &Df, ef: &Ef, what: &str, zh: &str, en: &str) -> Draft {
    let place = place(df, ef);
    let title = Text::new(format!("{} {place}：{zh}", ef.name), format!("{place}: {en}"));
    shop.draft(AREA, &place, what, title).with(shop.fresh(df))
}

const CLOSED: [StatusWord; 1] = [StatusWord::SECURITY_STATUS];

fn reading(shop: &mut Workshop<'_>, df: &Df, ef: &Ef) {
    let (read, open) = read_first(ef);
    let words = ef.read.to_string();
    match &ef.read {
        Access::Free => {
            let case = draft(shop, df, ef, "read.free", "无需认证即可读", "is read without any proof");
            shop.add(case.send(read, [open]));
            return;
        }
        Access::Never | Access::Mac(_) => {
            let case = draft(shop, df, ef, "read.never", "不允许读", "is never read");
            shop.add(case.send(read, [sw(&CLOSED)]));
            return;
        }
        Access::All(_) | Access::Any(_) => {}
    }
    let zh = format!("未认证不能读（读条件 {words}）");
    let en = format!("is not read without proof (read: {words})");
    let case = draft(shop, df, ef, "read.without-proof", &zh, &en);
    shop.add(case.send(read.clone(), [sw(&CLOSED)]));
    let sets: Vec<Vec<Right>> = match &ef.read {
        Access::Any(rights) => rights.iter().map(|right| vec![right.clone()]).collect(),
        Access::All(rights) => vec![rights.clone()],
        Access::Free | Access::Never | Access::Mac(_) => Vec::new(),
    };
    for rights in sets {
        let (name, kind) = right_words(&rights);
        let (zh, en) = (format!("经 {name} 认证后可读"), format!("is read after the proof of {name}"));
        let case = draft(shop, df, ef, &format!("read.by-{kind}"), &zh, &en);
        shop.add(case.with(shop.proofs(&rights)).send(read.clone(), [open.clone()]));
    }
    if let Access::All(rights) = &ef.read
        && rights.len() > 1
    {
        for right in rights {
            let (name, kind) = right_words(std::slice::from_ref(right));
            let (zh, en) = (format!("仅 {name} 认证不能读"), format!("is not read after {name} alone"));
            let case = draft(shop, df, ef, &format!("read.only-{kind}"), &zh, &en);
            shop.add(case.with(shop.prove(right)).send(read.clone(), [sw(&CLOSED)]));
        }
    }
    if let Some(other) = other_key(shop, df, &ef.read) {
        let name = &other.name;
        let zh = format!("用其他密钥 {name} 认证不能读");
        let en = format!("is not read after the proof of another key, {name}");
        let case = draft(shop, df, ef, "read.other-key", &zh, &en);
        shop.add(case.with(shop.prove(&Right::Key(name.clone()))).send(read, [sw(&CLOSED)]));
    }
}

/// Rights by name, and as kinds of right: `PIN and RK1DF04`, `pin-and-key`.
fn right_words(rights: &[Right]) -> (String, String) {
    let names: Vec<String> = rights.iter().map(ToString::to_string).collect();
    let kinds: Vec<&str> = rights
        .iter()
        .map(|right| match right {
            Right::Pin => "pin",
            Right::Key(_) => "key",
        })
        .collect();
    (names.join(" + "), kinds.join("-and-"))
}

/// A key that can be proved in this directory and that the condition does not name.
fn other_key<'p>(shop: &Workshop<'p>, df: &Df, access: &Access) -> Option<&'p KeyRow> {
    let named = |row: &KeyRow| access.rights().contains(&Right::Key(row.name.clone()));
    let fits = |row: &&KeyRow| row.df == df.id && shop.authenticates(row) && !named(row);
    shop.profile.key.iter().find(fits)
}

fn updating(shop: &mut Workshop<'_>, df: &Df, ef: &Ef) {
    let (read, _) = read_first(ef);
    let header = write_first(ef);
    let write = |altered| Act::Write { header, altered, mac: None };
    let words = ef.update.to_string();
    // What is there is written again, so that a card that does not refuse keeps its content.
    if let Some(way) = shop.way(&ef.read) {
        let refusal: &[StatusWord] = match ef.update {
            Access::Mac(_) => &[StatusWord::SECURE_MESSAGING_MISSING, StatusWord::SECURITY_STATUS],
            Access::Free | Access::Never | Access::All(_) | Access::Any(_) => &CLOSED,
        };
        if ef.update != Access::Free && !way.iter().any(|right| ef.update.rights().contains(right)) {
            let zh = format!("仅有读权限不能更新（更新条件 {words}）");
            let en = format!("is not updated with the right to read alone (update: {words})");
            let case = draft(shop, df, ef, "update.without-proof", &zh, &en).with(shop.proofs(&way));
            shop.add(filled(case, ef, &read).then(write(false), [sw(refusal)]));
        }
    }
    let Some(rights) = shop.way(&ef.update) else { return };
    let (name, _) = right_words(&rights);
    let zh = format!("经 {name} 认证后可更新，读回一致");
    let en = format!("is updated after the proof of {name}, and reads back as written");
    let Some(way) = shop.way(&ef.read) else { return };
    let case = draft(shop, df, ef, "update.by-key", &zh, &en).with(shop.proofs(&way));
    let case = case.with(shop.proofs(&rights));
    if ef.kind == EfKind::Cyclic {
        let leaves = Text::new("循环文件多一条记录", "one more record in the cyclic file");
        let case = filled(case.effect(Effect::Leaves(leaves)), ef, &read);
        shop.add(case.then(write(false), [Expect::Done]).send(read, [Expect::Same]));
        shop.add(wrapped(shop, df, ef, [way, rights]));
        return;
    }
    let case = filled(case.effect(Effect::Restored), ef, &read).then(write(true), [Expect::Done]);
    let case = case.send(read, [Expect::Altered]);
    let mut back = shop.fresh(df);
    back.extend(shop.proofs(&rights));
    back.push(done(write(false)));
    shop.add(case.restore(back));
}

/// One record more than a cyclic file has room for: the oldest is gone. Nothing of what was there stays.
fn wrapped(shop: &Workshop<'_>, df: &Df, ef: &Ef, [way, rights]: [Vec<Right>; 2]) -> Draft {
    let (read, header) = (read_first(ef).0, write_first(ef));
    let write = |altered| Act::Write { header, altered, mac: None };
    let (zh, en) = ("写满后最旧记录被覆盖", "loses its oldest record when it is full");
    let case = draft(shop, df, ef, "update.wrap", zh, en).effect(Effect::Final(Ending::Content));
    let case = case.with(shop.proofs(&way)).with(shop.proofs(&rights));
    let mut case = filled(case, ef, &read).then(write(true), [Expect::Done]);
    for _ in 1..ef.records {
        case = case.then(write(false), [Expect::Done]);
    }
    let le = u16::try_from(ef.record_length()).unwrap_or(u16::MAX);
    let oldest = command::read_record(ef.sfi(), Record::Number(ef.records), le);
    let case = case.send(oldest.clone(), [Expect::Altered]).then(write(false), [Expect::Done]);
    let beyond = command::read_record(ef.sfi(), Record::Number(ef.records.saturating_add(1)), le);
    case.send(oldest, [Expect::Same]).send(beyond, [sw(&[StatusWord::RECORD_NOT_FOUND])])
}

/// Keeps the first item of a file; of a cyclic file without records, nothing.
fn filled(case: Draft, ef: &Ef, read: &card_core::apdu::Command) -> Draft {
    let expect = match ef.kind {
        EfKind::Cyclic => Expect::RecordOrNone(ef.record_length()),
        EfKind::TlvRecords | EfKind::Transparent => Expect::Done,
    };
    case.keep(Act::Do(Step::Send(read.clone())), [expect])
}

/// What ends a right.
fn ending(shop: &mut Workshop<'_>) {
    if let Some((df, ef)) = shop.pin_file() {
        let (read, open) = read_first(ef);
        let title = Text::new("复位后须重新校验口令", "after a reset the PIN must be verified again");
        let case = shop.draft(AREA, "", "reset-ends-pin", title).of_row(place(df, ef)).with(shop.fresh(df));
        let case = case.with(shop.prove(&Right::Pin)).send(read.clone(), [open.clone()]);
        shop.add(case.with(shop.fresh(df)).send(read.clone(), [sw(&CLOSED)]));
        if let Some(other) = shop.profile.df.iter().find(|other| other.id != df.id) {
            let title = Text::new("选择另一目录后口令仍有效", "the PIN holds when another directory is selected");
            let case = shop.draft(AREA, "", "selection-keeps-pin", title).of_row(place(df, ef)).with(shop.fresh(df));
            let case = case.with(shop.prove(&Right::Pin)).with(shop.enter(other)).with(shop.enter(df));
            shop.add(case.send(read, [open]));
        }
    }
    // A file that one key of its directory opens, or of the environment.
    let by_key = |ef: &Ef, lasting: bool| {
        let opens = |right: &&Right| match right {
            Right::Key(name) => {
                let fits = shop.profile.key(name).is_some_and(|row| shop.profile.lasts_until_reset(row) == lasting);
                fits && ef.read.allows(|held| held == *right)
            }
            Right::Pin => false,
        };
        ef.read.rights().iter().find(opens).cloned()
    };
    let find = |lasting| {
        let of = |df: &'_ Df| df.ef.iter().position(|ef| by_key(ef, lasting).is_some());
        let found = shop.profile.df.iter().filter_map(|df| Some((df, df.ef.get(of(df)?)?))).collect::<Vec<_>>();
        found.into_iter().filter_map(|(df, ef)| Some((df, ef, by_key(ef, lasting)?))).collect::<Vec<_>>()
    };
    let (local, lasting) = (find(false), find(true));
    for (df, ef, right) in local {
        let Some(other) = shop.profile.df.iter().find(|other| other.id != df.id) else { continue };
        let (read, open) = read_first(ef);
        let zh = format!("{right} 认证在选择 {} 后失效", other.id);
        let en = format!("the proof of {right} ends when {} is selected", other.id);
        let case = draft(shop, df, ef, "selection-ends-key", &zh, &en).with(shop.prove(&right));
        let case = case.send(read.clone(), [open]).with(shop.enter(other)).with(shop.enter(df));
        shop.add(case.send(read.clone(), [sw(&CLOSED)]));
    }
    for (df, ef, right) in lasting.into_iter().take(1) {
        let (read, open) = read_first(ef);
        let zh = format!("{right} 认证在复位后失效");
        let en = format!("the proof of {right} ends with a reset");
        let case = draft(shop, df, ef, "reset-ends-key", &zh, &en).with(shop.prove(&right));
        let mut again: Vec<Move> = shop.fresh(df);
        again.push(Move {
            act: Act::Do(Step::Send(command::get_challenge(8))),
            expect: vec![Expect::Done],
            keep: false,
        });
        shop.add(case.send(read.clone(), [open]).with(again).send(read, [sw(&CLOSED)]));
    }
}
