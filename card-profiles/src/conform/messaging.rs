//! Secure messaging (安全报文): PIN unblock and reload, updates under MAC.

use card_core::StatusWord;
use card_core::script::Step;
use card_core::secure::SecureCommand;
use card_core::security::KeyRef;

use super::pin::{digits, shifted};
use super::workshop::{Draft, Workshop, done, read_first, sw, write_first};
use super::{Act, Area, Effect, Expect, Move, Sealing, Text};
use crate::access::{Access, Right};
use crate::profile::{Df, Ef, EfKind, KeyClass, KeyRow};

const AREA: Area = Area::Messaging;
const WRONG: [StatusWord; 2] = [StatusWord::MAC_WRONG, StatusWord::SECURE_MESSAGING_WRONG];

pub(super) fn cases(shop: &mut Workshop<'_>) {
    for draft in pin_commands(shop).unwrap_or_default() {
        shop.add(draft);
    }
    for df in &shop.profile.df {
        for ef in &df.ef {
            if let Access::Mac(name) = &ef.update
                && let Some(row) = shop.profile.key(name)
            {
                under_mac(shop, df, ef, row);
            }
        }
    }
}

/// UNBLOCK and RELOAD of the social security card: PUK is proved, STK makes the MAC.
fn pin_commands(shop: &Workshop<'_>) -> Option<Vec<Draft>> {
    if shop.profile.purse.is_some() {
        return None;
    }
    shop.profile.pin.as_ref()?;
    let df = shop.profile.df.first()?;
    let puk = shop.profile.key_of_class(&df.id, KeyClass::Puk)?;
    let stk = shop.profile.key_of_class(&df.id, KeyClass::Stk)?;
    let key = || shop.key(stk);
    let proof = || done(Act::Do(Step::Authenticate { key: shop.key(puk), id: puk.id }));
    let of = |what: &str, zh: &str, en: &str| {
        let draft = shop.draft(AREA, "", what, Text::new(zh, en)).of_row(format!("key {}", stk.name));
        draft.effect(Effect::Restored).with(shop.fresh(df))
    };
    let unblock = |wrong| Act::Secure { command: SecureCommand::unblock_pin(key()), wrong };
    // A right command gives STK its tries back.
    let mut mended = shop.fresh(df);
    mended.extend([proof(), Move { act: Act::Challenge(8), expect: vec![Expect::Done], keep: false }]);
    mended.push(done(unblock(false)));
    let challenge = || Act::Challenge(8);
    let works = of("unblock-pin", "PUK 认证后可解锁口令", "the PIN is unblocked after the proof of PUK");
    let works = works.with([proof()]).then(challenge(), [Expect::Done]).then(unblock(false), [Expect::Done]);
    let needs = of("unblock-pin.without-proof", "未经 PUK 认证不能解锁口令", "no unblocking without the proof of PUK");
    let needs = needs.then(challenge(), [Expect::Done]).then(unblock(false), [sw(&[StatusWord::SECURITY_STATUS])]);
    let wrong = of("unblock-pin.wrong-mac", "MAC 错误时不解锁口令", "no unblocking with a wrong MAC");
    let wrong = wrong.with([proof()]).then(challenge(), [Expect::Done]).then(unblock(true), [sw(&WRONG)]);
    let stale = of("unblock-pin.stale", "随机数用过后 MAC 无效", "a MAC is no good once its challenge was used");
    let stale = stale.with([proof()]).then(challenge(), [Expect::Done]).then(unblock(false), [Expect::Done]);
    let stale = stale.then(unblock(false), [Expect::Refused]);
    let new = shifted(shop.pin(), 5);
    let reload =
        |bcd: &[u8], wrong| Some(Act::Secure { command: SecureCommand::reload_pin(key(), digits(bcd)?), wrong });
    let mut back = shop.fresh(df);
    back.extend([proof(), Move { act: challenge(), expect: vec![Expect::Done], keep: false }]);
    back.push(done(reload(shop.pin(), false)?));
    back.extend(shop.prove(&Right::Pin));
    let loads = of("reload-pin", "重装口令后新口令有效", "a reloaded PIN is the one that is verified");
    let loads = loads.with([proof()]).then(challenge(), [Expect::Done]).then(reload(&new, false)?, [Expect::Done]);
    let loads = loads.send(shop.verify(&new), [Expect::Done]);
    let guarded = of("reload-pin.wrong-mac", "MAC 错误时不重装口令", "no reload with a wrong MAC");
    let guarded = guarded.with([proof()]).then(challenge(), [Expect::Done]).then(reload(&new, true)?, [sw(&WRONG)]);
    let guarded = guarded.with(shop.prove(&Right::Pin));
    Some(vec![
        works,
        needs,
        wrong.restore(mended.clone()),
        stale.restore(mended),
        loads.restore(back.clone()),
        guarded.restore(back),
    ])
}

/// A file whose updates carry a MAC.
fn under_mac(shop: &mut Workshop<'_>, df: &Df, ef: &Ef, row: &KeyRow) {
    let Some(way) = shop.way(&ef.read).filter(|_| ef.kind != EfKind::Cyclic) else { return };
    let (read, open) = read_first(ef);
    let key: KeyRef = shop.key(row);
    let [_, ins, p1, p2] = write_first(ef);
    let write = |altered, wrong| Act::Write {
        header: [0x04, ins, p1, p2],
        altered,
        mac: Some(Sealing { key: key.clone(), wrong, enciphered: false }),
    };
    let place = format!("{}.{}", df.id, ef.id);
    let of = |what: &str, zh: String, en: String| {
        let draft = shop.draft(AREA, &place, what, Text::new(zh, en)).effect(Effect::Restored).with(shop.fresh(df));
        draft.with(shop.proofs(&way)).keep(Act::Do(Step::Send(read.clone())), [open.clone()])
    };
    let mut back = shop.fresh(df);
    back.extend([Move { act: Act::Challenge(4), expect: vec![Expect::Done], keep: false }, done(write(false, false))]);
    let zh = format!("{place} 以 {} 的 MAC 更新，读回一致", row.name);
    let en = format!("{place} is updated with a MAC of {}, and reads back as written", row.name);
    let works = of("update", zh, en).then(Act::Challenge(4), [Expect::Done]).then(write(true, false), [Expect::Done]);
    let works = works.send(read.clone(), [Expect::Altered]).restore(back.clone());
    let (zh, en) = (format!("{place} 的 MAC 错误时不更新"), format!("{place} is not updated with a wrong MAC"));
    let wrong = of("update.wrong-mac", zh, en).then(Act::Challenge(4), [Expect::Done]);
    let wrong = wrong.then(write(true, true), [sw(&WRONG)]).send(read.clone(), [Expect::Same]).restore(back);
    shop.add(works);
    shop.add(wrong);
}
