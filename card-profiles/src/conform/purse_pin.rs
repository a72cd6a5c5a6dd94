//! RELOAD PIN of a purse (口令重装), authenticated by DRPK.

use card_core::StatusWord;

use super::pin::{digits, shifted};
use super::workshop::{Draft, Workshop, done, sw};
use super::{Act, Area, Effect, Expect, Text};
use crate::access::Right;

const AREA: Area = Area::Messaging;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    for draft in drafts(shop).unwrap_or_default() {
        shop.add(draft);
    }
}

fn drafts(shop: &Workshop<'_>) -> Option<Vec<Draft>> {
    let purse = shop.profile.purse.as_ref()?;
    let row = shop.profile.key(&purse.keys.reload_pin)?;
    let df = shop.profile.df(&purse.df)?;
    let new = shifted(shop.pin(), 5);
    let reload = |bcd: &[u8], wrong| {
        let header = purse.commands.reload_pin.header();
        Some(Act::ReloadPin { header, digits: digits(bcd)?, key: shop.key(row), wrong })
    };
    let of = |what: &str, zh: &str, en: &str| {
        let draft = shop.draft(AREA, "", what, Text::new(zh, en)).of_row(format!("key {}", row.name));
        draft.effect(Effect::Restored).with(shop.fresh(df))
    };
    let mut back = shop.fresh(df);
    back.push(done(reload(shop.pin(), false)?));
    back.extend(shop.prove(&Right::Pin));
    let works = of("reload-purse-pin", "重装口令后新口令有效", "a reloaded PIN is the one that is verified");
    let works = works.then(reload(&new, false)?, [Expect::Done]).send(shop.verify(&new), [Expect::Done]);
    let guarded = of("reload-purse-pin.wrong-mac", "MAC 错误时不重装口令", "no reload with a wrong MAC");
    let guarded = guarded.then(reload(&new, true)?, [sw(&[StatusWord::MAC_WRONG, StatusWord::SECURE_MESSAGING_WRONG])]);
    let guarded = guarded.with(shop.prove(&Right::Pin));
    Some(vec![works.restore(back.clone()), guarded.restore(back)])
}
