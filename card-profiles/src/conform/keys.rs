//! Key versions (密钥版本): the card has each key of its rows in the version expected, counts wrong tries, and takes a
//! challenge once.

use card_core::StatusWord;
use card_core::algorithm::Authentication;
use card_core::command::{self, Internal};
use card_core::script::{Nonces, Step};

use super::workshop::{Workshop, done, sw};
use super::{Act, Area, Effect, Ending, Expect, Text};
use crate::access::Right;
use crate::profile::{CardKind, KeyClass, KeyRow};

const AREA: Area = Area::Keys;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    for row in &shop.profile.key {
        match () {
            () if shop.authenticates(row) => authenticating(shop, row),
            () if shop.profile.kind == CardKind::User => not_authenticating(shop, row),
            () => {}
        }
    }
    internal(shop);
    internal_whole(shop);
    challenges(shop);
}

fn authenticate(shop: &Workshop<'_>, row: &KeyRow, wrong: bool, other_version: bool) -> Act {
    Act::Authenticate { key: shop.key(row), id: row.id, other_version, wrong }
}

fn authenticating(shop: &mut Workshop<'_>, row: &KeyRow) {
    let Some(df) = shop.home(row) else { return };
    let (name, tries) = (&row.name, row.tries);
    let of = |shop: &Workshop<'_>, what: &str, zh: String, en: String| {
        shop.draft(AREA, name.as_str(), what, Text::new(zh, en)).of_row(format!("key {name}")).with(shop.fresh(df))
    };
    let proof = || shop.prove(&Right::Key(name.clone()));
    let case = of(shop, "right", format!("密钥 {name} 外部认证成功"), format!("{name} is proved"));
    let right = case.with(proof());
    let left = |left: u8| [sw(&[StatusWord::tries_left(left)])];
    let zh = format!("密钥 {name} 认证错误计数，成功后恢复");
    let en = format!("a wrong proof of {name} counts, a right one gives the tries back");
    let case = of(shop, "counts", zh, en).effect(Effect::Restored).with(proof());
    let mut counts = case;
    for spent in 1..tries {
        counts = counts.then(Act::Challenge(8), [Expect::Done]);
        counts = counts.then(authenticate(shop, row, true, false), left(tries - spent));
    }
    let counts = counts.with(proof()).then(Act::Challenge(8), [Expect::Done]);
    let counts = counts.then(authenticate(shop, row, true, false), left(tries - 1));
    let mut back = shop.fresh(df);
    back.extend(proof());
    let counts = counts.restore(back);
    let zh = format!("密钥 {name} 连续错误 {tries} 次后锁定");
    let en = format!("{name} is blocked after {tries} wrong proofs");
    let mut blocked = of(shop, "blocked", zh, en).effect(Effect::Final(Ending::Key(shop.key(row)))).with(proof());
    for spent in 1..=tries {
        blocked = blocked.then(Act::Challenge(8), [Expect::Done]);
        blocked = blocked.then(authenticate(shop, row, true, false), left(tries - spent));
    }
    let blocked = blocked.then(Act::Challenge(8), [Expect::Done]);
    let blocked = blocked.then(authenticate(shop, row, false, false), [sw(&[StatusWord::BLOCKED])]);
    let version = shop.profile.rules().key_version_byte.map(|_| {
        let zh = format!("密钥 {name} 的其他版本不存在");
        let en = format!("another version of {name} is not on the card");
        let case = of(shop, "version", zh, en).then(Act::Challenge(8), [Expect::Done]);
        case.then(authenticate(shop, row, false, true), [sw(&[StatusWord::KEY_NOT_FOUND, StatusWord::KEY_INDEX])])
    });
    for draft in [Some(right), Some(counts), version, Some(blocked)].into_iter().flatten() {
        shop.add(draft);
    }
}

/// A key for another use must not open a file, even by its id.
fn not_authenticating(shop: &mut Workshop<'_>, row: &KeyRow) {
    let Some(df) = shop.home(row) else { return };
    let first = shop.profile.df.first().map(|df| df.id.as_str());
    let seen_as = |other: &KeyRow| shop.authenticates(other) && other.id == row.id;
    let reached = if shop.profile.lasts_until_reset(row) { first } else { Some(row.df.as_str()) };
    let taken = shop.profile.key.iter().any(|other| seen_as(other) && Some(other.df.as_str()) == reached);
    if taken || shop.profile.proves(row) || shop.profile.purse.is_some() {
        return;
    }
    let name = &row.name;
    let zh = format!("密钥 {name}（{:02X}）不用于外部认证", row.id);
    let en = format!("{name} ({:02X}) is not for external authentication", row.id);
    let draft = shop.draft(AREA, name.as_str(), "not-for-proof", Text::new(zh, en)).of_row(format!("key {name}"));
    let draft = draft.with(shop.fresh(df)).then(Act::Challenge(8), [Expect::Done]);
    let act = authenticate(shop, row, false, false);
    shop.add(draft.then(act, [sw(&[StatusWord::KEY_NOT_FOUND, StatusWord::KEY_INDEX, StatusWord::CONDITIONS_OF_USE])]));
}

fn internal(shop: &mut Workshop<'_>) {
    let Some(df) = shop.profile.df.first() else { return };
    let Some(row) = shop.profile.key_of_class(&df.id, KeyClass::Irk).filter(|_| shop.profile.kind == CardKind::User)
    else {
        return;
    };
    let title = Text::new("卡片以 IRK 通过内部认证", "the card proves that it holds IRK");
    let draft = shop.draft(AREA, row.name.as_str(), "internal", title).of_row(format!("key {}", row.name));
    let step = Step::CheckCard { key: shop.key(row), from: Nonces::Terminal };
    shop.add(draft.with(shop.fresh(df)).then(Act::Do(step), [Expect::Length(8)]));
}

/// Of a purse: a block enciphered and deciphered, and a MAC, each by the key for it.
fn internal_whole(shop: &mut Workshop<'_>) {
    for row in &shop.profile.key {
        let (Some(what), Some(df)) = (row.class.serves_internally(), shop.home(row)) else { continue };
        let (name, key, id) = (&row.name, shop.key(row), row.id);
        let title = match what {
            Internal::Encipher => Text::new("卡片用内部加密密钥加密", "the card enciphers with its key for it"),
            Internal::Decipher => Text::new("卡片用内部解密密钥解密", "the card deciphers with its key for it"),
            Internal::Mac => Text::new("卡片用内部 MAC 密钥计算 MAC", "the card makes a MAC with its key for it"),
        };
        let draft = shop.draft(AREA, name.as_str(), "internal", title).of_row(format!("key {name}"));
        let act = Act::Internal { what, key, id };
        shop.add(draft.with(shop.fresh(df)).then(act, [Expect::Done, Expect::Proved]));
    }
}

fn challenges(shop: &mut Workshop<'_>) {
    let Some(df) = shop.profile.df.first() else { return };
    let of = |shop: &Workshop<'_>, what: &str, zh: &str, en: &str| {
        shop.draft(AREA, "", what, Text::new(zh, en)).of_row("challenge").with(shop.fresh(df))
    };
    let case = of(shop, "challenge.fresh", "两次随机数不同", "two challenges differ");
    let ask = || Act::Do(Step::Send(command::get_challenge(8)));
    shop.add(case.keep(ask(), [Expect::Length(8)]).then(ask(), [Expect::Length(8), Expect::Other]));
    let case = of(shop, "challenge.lengths", "随机数长度 4 与 8", "challenges of 4 and of 8 bytes");
    let short = Act::Do(Step::Send(command::get_challenge(4)));
    shop.add(case.then(short, [Expect::Length(4)]).then(ask(), [Expect::Length(8)]));
    // On a card that is not of this profile the id may be a key's, which counts a wrong try.
    let case = of(shop, "unknown", "不存在的密钥标识不能认证", "a key id that no row has is not proved");
    let case = case.effect(Effect::Restored);
    let free = (0x10..0x80).find(|id| shop.profile.key.iter().all(|row| row.id != *id)).unwrap_or(0x7F);
    let case = case.then(ask(), [Expect::Done]);
    let refused = [sw(&[StatusWord::KEY_NOT_FOUND, StatusWord::KEY_INDEX])];
    let unknown = match shop.profile.rules().authentication {
        Authentication::Session => command::external_authenticate(free, [0; 8], [0; 8]),
        Authentication::Whole => command::external_authenticate_whole(free, [0; 8]),
    };
    shop.add(case.send(unknown, refused));
    let Some(row) = shop
        .profile
        .key
        .iter()
        .find(|row| shop.authenticates(row) && row.class != KeyClass::Mk)
        .or_else(|| shop.profile.key.iter().find(|row| shop.authenticates(row)))
    else {
        return;
    };
    let Some(home) = shop.home(row) else { return };
    let of = |shop: &Workshop<'_>, what: &str, zh: &str, en: &str| {
        let draft = shop.draft(AREA, "", what, Text::new(zh, en)).of_row(format!("key {}", row.name));
        draft.with(shop.fresh(home))
    };
    let stale = || [sw(&[StatusWord::CHALLENGE_INVALID, StatusWord::CONDITIONS_OF_USE])];
    let case = of(shop, "challenge.once", "随机数只能用一次", "a challenge serves once");
    let case = case.then(Act::Challenge(8), [Expect::Done]).with([done(authenticate(shop, row, false, false))]);
    shop.add(case.then(authenticate(shop, row, false, false), stale()));
    let case = of(shop, "challenge.next", "随机数只对下一条命令有效", "a challenge is good for the next command only");
    let case = case.then(Act::Challenge(8), [Expect::Done]).with(shop.enter(home));
    shop.add(case.then(authenticate(shop, row, false, false), stale()));
}
