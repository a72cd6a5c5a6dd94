//! RELOAD PIN of a purse (口令重装), authenticated by DRPK, and PIN UNBLOCK (口令解锁), enciphered by DPUK.

use card_core::StatusWord;
use card_core::secure::SecureCommand;

use super::pin::{digits, shifted};
use super::workshop::{Draft, Workshop, done, sw};
use super::{Act, Area, Effect, Expect, Move, Text};
use crate::access::Right;

const AREA: Area = Area::Messaging;
/// Bytes of the challenge from which the MAC of PIN UNBLOCK starts.
const CHALLENGE: u8 = 4;

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
    let mut drafts = vec![works.restore(back.clone()), guarded.restore(back.clone())];
    drafts.extend(unblocking(shop, &back).unwrap_or_default());
    Some(drafts)
}

/// PIN UNBLOCK carries the PIN: what it brings is verified after wrong tries blocked the old one.
fn unblocking(shop: &Workshop<'_>, back: &[Move]) -> Option<Vec<Draft>> {
    let purse = shop.profile.purse.as_ref()?;
    let (row, df) = (shop.profile.key(&purse.keys.unblock_pin)?, shop.profile.df(&purse.df)?);
    let (tries, header) = (shop.profile.pin.as_ref()?.tries, purse.commands.unblock_pin.header());
    let (wrong, new) = (shifted(shop.pin(), 3), shifted(shop.pin(), 5));
    let unblock = |bcd: &[u8], wrong| {
        let command = SecureCommand::unblock_purse_pin(header, shop.key(row), digits(bcd)?, CHALLENGE);
        Some([done(Act::Challenge(CHALLENGE)), done(Act::Secure { command, wrong })])
    };
    let blocked = |what: &str, zh: &str, en: &str| {
        let draft = shop.draft(AREA, "", what, Text::new(zh, en)).of_row(format!("key {}", row.name));
        let draft = draft.effect(Effect::Restored).with(shop.fresh(df)).with(shop.prove(&Right::Pin));
        let spent = (1..=tries).map(|spent| (tries - spent, shop.verify(&wrong)));
        spent.fold(draft, |draft, (left, verify)| draft.send(verify, [sw(&[StatusWord::tries_left(left)])]))
    };
    let (zh, en) = ("锁定的口令解锁后为所带新口令", "a blocked PIN is unblocked with the one that is carried");
    let works = blocked("unblock-purse-pin", zh, en).with(unblock(&new, false)?);
    let works = works.send(shop.verify(&new), [Expect::Done]);
    let guarded = blocked("unblock-purse-pin.wrong-mac", "MAC 错误时不解锁", "no unblocking with a wrong MAC");
    let [challenge, mut refused] = unblock(&new, true)?;
    refused.expect = vec![sw(&[StatusWord::MAC_WRONG, StatusWord::SECURE_MESSAGING_WRONG])];
    let guarded = guarded.with([challenge, refused]).send(shop.verify(shop.pin()), [sw(&[StatusWord::BLOCKED])]);
    // A right one gives DPUK its tries back.
    let mut mended = shop.fresh(df);
    mended.extend(unblock(shop.pin(), false)?);
    mended.extend(back.to_vec());
    Some(vec![works.restore(mended.clone()), guarded.restore(mended)])
}
