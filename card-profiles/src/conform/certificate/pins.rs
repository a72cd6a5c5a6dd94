//! PINs and master key of the certificate application: set up, right, wrong, counted, blocked, changed.
//!
//! Owns: their cases. Never: spends a try that the case does not give back, but where its effect says so.

use card_core::StatusWord;
use card_core::apdu::Command;
use card_core::pin::PinBcd;
use card_core::security::KeyRef;

use super::super::pin::{digits, shifted};
use super::super::workshop::{Draft, done, sw};
use super::super::{Act, Effect, Ending, Expect, Move, Text};
use super::{CertificateWhat, Desk, SHUT};
use crate::certificate::{CertificateAccess, CertificatePin, CertificateRight, PinSetUp, Role};

const MAC_WRONG: [StatusWord; 2] = [StatusWord::MAC_WRONG, StatusWord::SECURE_MESSAGING_WRONG];
/// Row of the master key in ids.
const MASTER: &str = "master-key";

pub(super) fn drafts(desk: &Desk<'_, '_>, access: &CertificateAccess) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let pins = [Role::User, Role::Administrator].map(|role| Pins { desk, role, access, row: desk.rules.pin(role) });
    let stored = desk.rules.set_up == PinSetUp::Store;
    // One PIN may go before the set-up of the other.
    drafts.extend(pins.iter().filter(|_| stored).map(Pins::set_up));
    for pin in &pins {
        drafts.extend(pin.set_up_again().into_iter().filter(|_| stored));
        drafts.extend(pin.tried());
        drafts.extend(pin.blocked());
    }
    drafts.extend(changed(desk, access));
    drafts.extend(master_key(desk, access));
    drafts
}

struct Pins<'d, 'w, 'p> {
    desk: &'d Desk<'w, 'p>,
    role: Role,
    access: &'d CertificateAccess,
    row: &'d CertificatePin,
}

impl Pins<'_, '_, '_> {
    fn draft(&self, what: &str, zh: &str, en: &str) -> Draft {
        let name = &self.row.name;
        self.desk.draft(word(self.role), what, format!("{name}：{zh}"), format!("{}: {en}", words(self.role)))
    }

    fn verify(&self, pin: PinBcd, expect: Expect) -> Move {
        let act = self.desk.act(CertificateWhat::Verify { role: self.role, pin, before: false });
        Move { act, expect: vec![expect], keep: false }
    }

    fn right(&self) -> Move {
        self.desk.verified(self.role)
    }

    /// A wrong try, after which so many are left.
    fn wrong(&self, left: u8) -> Move {
        self.verify(other(&self.desk.pin(self.role)), sw(&[StatusWord::tries_left(left)]))
    }

    fn back(&self) -> Vec<Move> {
        let mut back = self.desk.enter();
        back.push(self.verify(self.desk.pin(self.role), Expect::Done));
        back
    }

    fn again(&self, expect: Expect) -> Move {
        let act = self.desk.act(CertificateWhat::SetUp { role: self.role, pin: self.desk.pin(self.role) });
        Move { act, expect: vec![expect], keep: false }
    }

    fn set_up(&self) -> Draft {
        let leaves = Text::new(format!("{}已设置", self.row.name), format!("the {} is set up", words(self.role)));
        let draft = self.draft("set-up", "设置后有效", "it is the one that was set up").effect(Effect::Leaves(leaves));
        draft.with([self.desk.set_up(self.role), self.verify(self.desk.pin(self.role), Expect::Done)])
    }

    fn set_up_again(&self) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let again = self.access.set_up_again;
        if again != CertificateRight::Free {
            let draft =
                self.draft("set-up.without-proof", "未认证不能重新设置", "it is not set up again without proof");
            let draft = draft.effect(Effect::Restored).with([self.right()]).with(self.desk.enter());
            drafts.push(draft.with([self.again(sw(&SHUT))]).restore(self.back()));
        }
        if let Some(proof) = self.desk.proof(again) {
            let draft = self.draft("set-up.again", "认证后可重新设置", "it is set up again after the proof for it");
            let draft = draft.effect(Effect::Restored).with([self.right()]).with(proof);
            let draft = draft.with([self.again(Expect::Done), self.verify(self.desk.pin(self.role), Expect::Done)]);
            drafts.push(draft.restore(self.back()));
        }
        drafts
    }

    fn tried(&self) -> Vec<Draft> {
        let tries = self.row.tries;
        let draft = self.draft("pin.right", "正确的 PIN 通过校验", "the right one is verified");
        let mut drafts = vec![draft.with([self.right()])];
        let restored = |what: &str, zh: &str, en: &str| {
            self.draft(what, zh, en).effect(Effect::Restored).with([self.right()]).restore(self.back())
        };
        let counted =
            restored("pin.counts", "错误计数，成功后恢复", "a wrong one counts, the right one gives the tries back");
        let spent = (1..tries).map(|spent| self.wrong(tries - spent));
        drafts.push(counted.with(spent).with([self.right(), self.wrong(tries.saturating_sub(1))]));
        if tries > 2 {
            let zh_en = ("错误计数在复位后保留", "wrong tries are kept over a reset");
            let kept = restored("pin.count-survives-reset", zh_en.0, zh_en.1).with([self.wrong(tries - 1)]);
            drafts.push(kept.with(self.desk.enter()).with([self.wrong(tries - 2)]));
        }
        if tries > 1 {
            let zh_en = ("没有随机数时拒绝且不计数", "without a challenge it is refused and does not count");
            let bare = restored("pin.no-challenge", zh_en.0, zh_en.1).with(self.desk.enter());
            let verify = self.row.verify.command(vec![0; 16]);
            let stale = [StatusWord::CHALLENGE_INVALID, StatusWord::CONDITIONS_OF_USE];
            drafts.push(bare.send(verify, [sw(&stale)]).with([self.wrong(tries - 1)]));
        }
        if let Some(guarded) = self.guarded().filter(|_| tries > 1) {
            let zh_en = ("错误的 PIN 使已有权限失效", "a wrong one ends the right that a right one gave");
            let ends = restored("pin.wrong-ends-right", zh_en.0, zh_en.1);
            drafts.push(ends.with([self.wrong(tries - 1)]).with(guarded.clone()));
            let zh_en = ("复位后须重新校验", "after a reset it must be verified again");
            drafts.push(restored("pin.reset-ends", zh_en.0, zh_en.1).with(self.desk.enter()).with(guarded));
        }
        drafts
    }

    /// A command that this PIN goes before, refused; where the card would carry it out, it changes nothing.
    fn guarded(&self) -> Option<Vec<Move>> {
        let desk = self.desk;
        let signing = desk.proof(self.access.sign).filter(|_| self.goes_before(self.access.sign));
        let refused = |act| Move { act, expect: vec![sw(&SHUT)], keep: false };
        if signing.is_some() {
            let key = desk.public_key(super::WhichPair::Signing);
            return Some(vec![key, refused(desk.act(CertificateWhat::Sign))]);
        }
        self.goes_before(self.access.set_up_again).then(|| {
            let pin = desk.pin(self.role);
            vec![refused(desk.act(CertificateWhat::SetUp { role: self.role, pin }))]
        })
    }

    fn goes_before(&self, right: CertificateRight) -> bool {
        matches!(
            (self.role, right),
            (Role::User, CertificateRight::UserPin) | (Role::Administrator, CertificateRight::AdministratorPin)
        )
    }

    /// Blocked by wrong tries. The administrator brings the holder's PIN back; nobody the administrator's.
    fn blocked(&self) -> Option<Draft> {
        let tries = self.row.tries;
        let stored = self.desk.rules.set_up == PinSetUp::Store;
        let zh_en = ("连续错误后锁定，正确的 PIN 亦被拒绝", "wrong tries block it, even for the right one");
        let draft = self.draft("pin.blocked", zh_en.0, zh_en.1);
        let spent = (1..=tries).map(|spent| self.wrong(tries - spent));
        let last = self.verify(self.desk.pin(self.role), sw(&[StatusWord::BLOCKED]));
        let mended = self.role == Role::User && self.access.set_up_again == CertificateRight::AdministratorPin;
        if mended && stored {
            let mut back = self.desk.enter();
            back.extend([self.desk.verified(Role::Administrator), self.again(Expect::Done)]);
            back.push(self.verify(self.desk.pin(self.role), Expect::Done));
            let administrator = self.desk.verified(Role::Administrator);
            let draft = draft.effect(Effect::Restored).with([administrator, self.right()]);
            return Some(draft.with(spent).with([last]).restore(back));
        }
        let draft = draft.effect(Effect::Final(Ending::CertificatePin(self.role)));
        let draft = if stored { draft.with([self.desk.set_up(self.role)]) } else { draft };
        Some(draft.with([self.right()]).with(spent).with([last]))
    }
}

/// The administrator's PIN is changed under the master key.
fn changed(desk: &Desk<'_, '_>, access: &CertificateAccess) -> Vec<Draft> {
    let role = Role::Administrator;
    let Some(proof) = desk.proof(access.change_administrator_pin) else { return Vec::new() };
    let (old, new) = (desk.pin(role), other(&desk.pin(role)));
    let change = |pin: &PinBcd, expect| {
        let step = desk.rules.change_administrator_pin(desk.master_key(), pin.clone());
        Move { act: Act::Do(step), expect: vec![expect], keep: false }
    };
    let verify = |pin: &PinBcd, expect| {
        let act = desk.act(CertificateWhat::Verify { role, pin: pin.clone(), before: false });
        Move { act, expect: vec![expect], keep: false }
    };
    let left = sw(&[StatusWord::tries_left(desk.rules.administrator_pin.tries.saturating_sub(1))]);
    let of = |what: &str, zh: &str, en: &str| desk.draft(word(role), what, zh, en);
    let draft =
        of("change", "管理员 PIN 经主控密钥修改后有效", "the administrator's PIN is changed under the master key");
    let draft = draft.effect(Effect::Restored).with([desk.verified(role)]).with(proof.clone());
    let draft = draft.with([change(&new, Expect::Done)]).with(desk.enter());
    let draft = draft.with([verify(&old, left), verify(&new, Expect::Done)]);
    // The way back asks for the new PIN, then has the old one again.
    let mut back = desk.enter();
    back.push(verify(&new, Expect::Done));
    back.extend(proof.iter().filter(|_| access.change_administrator_pin == CertificateRight::MasterKey).cloned());
    back.extend([change(&old, Expect::Done), verify(&old, Expect::Done)]);
    let mut drafts = vec![draft.restore(back)];
    let (zh, en) = ("MAC 错误时不修改管理员 PIN", "the administrator's PIN is not changed with a wrong MAC");
    let draft = of("change.wrong-mac", zh, en).effect(Effect::Restored).with([desk.verified(role)]).with(proof);
    let draft = draft.with(forged(desk, desk.rules.commands.change_administrator_pin.command(vec![0; 20])));
    drafts.push(draft.with([verify(&old, Expect::Done)]).restore(proved(desk)));
    if access.change_administrator_pin != CertificateRight::Free {
        let (zh, en) = ("未认证不能修改管理员 PIN", "the administrator's PIN is not changed without proof");
        drafts.push(of("change.without-proof", zh, en).with([change(&old, sw(&SHUT))]));
    }
    drafts
}

fn master_key(desk: &Desk<'_, '_>, access: &CertificateAccess) -> Vec<Draft> {
    let (rules, tries) = (&desk.rules, desk.rules.master_tries);
    let of = |what: &str, zh: &str, en: &str| desk.draft(MASTER, what, zh, en);
    let right = || done(Act::Do(rules.authenticate(desk.master_key())));
    let wrong = |left| {
        let send = rules.commands.authenticate.command(vec![0; 16]);
        let challenge = done(Act::Challenge(8));
        let expect = vec![sw(&[StatusWord::tries_left(left)])];
        [challenge, Move { act: Act::Do(card_core::script::Step::Send(send)), expect, keep: false }]
    };
    let mut drafts = vec![of("right", "主控密钥认证成功", "the master key is proved").with([right()])];
    let (zh, en) = ("主控密钥认证错误计数，成功后恢复", "a wrong proof counts, a right one gives the tries back");
    let counted = of("counts", zh, en).effect(Effect::Restored).with([right()]);
    let counted = counted.with((1..tries).flat_map(|spent| wrong(tries - spent))).with([right()]);
    drafts.push(counted.with(wrong(tries.saturating_sub(1))).restore(proved(desk)));
    let (zh, en) = ("主控密钥连续错误后锁定", "the master key is blocked after wrong proofs");
    let blocked = of("blocked", zh, en).effect(Effect::Final(Ending::Key(desk.master_key()))).with([right()]);
    let blocked = blocked.with((1..=tries).flat_map(|spent| wrong(tries - spent)));
    drafts.push(blocked.with([expecting(right(), sw(&[StatusWord::BLOCKED]))]));
    let Some((proof, new)) = desk.proof(access.load_master_key).zip(another_key(desk)) else { return drafts };
    let load = |present: &KeyRef, new: &KeyRef| done(Act::Do(rules.load_master_key(present.clone(), new.clone())));
    let prove = |key: &KeyRef| done(Act::Do(rules.authenticate(key.clone())));
    let own = desk.master_key();
    let (zh, en) = ("装入的主控密钥有效，原密钥无效", "a master key that is loaded is the one that is proved");
    let draft = of("load", zh, en).effect(Effect::Restored).with([right()]).with(proof.clone());
    let draft = draft.with([load(&own, &new)]).with(desk.enter());
    let draft = draft.with([expecting(right(), sw(&[StatusWord::tries_left(tries.saturating_sub(1))])), prove(&new)]);
    let mut back = desk.enter();
    back.extend([prove(&new), load(&new, &own), right()]);
    drafts.push(draft.restore(back));
    let (zh, en) = ("MAC 错误时不装入主控密钥", "no master key is loaded with a wrong MAC");
    let draft = of("load.wrong-mac", zh, en).effect(Effect::Restored).with([right()]).with(proof);
    let draft = draft.with(forged(desk, rules.commands.load_master_key.command(vec![0; 36])));
    drafts.push(draft.with([right()]).restore(proved(desk)));
    if access.load_master_key != CertificateRight::Free {
        let (zh, en) = ("未认证不能装入主控密钥", "no master key is loaded without proof");
        drafts.push(of("load.without-proof", zh, en).with([expecting(load(&own, &own), sw(&SHUT))]));
    }
    drafts
}

/// A command whose MAC is zeros, after a challenge.
fn forged(desk: &Desk<'_, '_>, command: Command) -> [Move; 2] {
    let send = Act::Do(card_core::script::Step::Send(command));
    [done(Act::Challenge(desk.rules.challenge)), Move { act: send, expect: vec![sw(&MAC_WRONG)], keep: false }]
}

/// What gives the master key its tries back.
fn proved(desk: &Desk<'_, '_>) -> Vec<Move> {
    let mut back = desk.enter();
    back.push(done(Act::Do(desk.rules.authenticate(desk.master_key()))));
    back
}

/// Another key of 16 bytes that the security module has, to stand in as master key for a while.
fn another_key(desk: &Desk<'_, '_>) -> Option<KeyRef> {
    let row = desk.shop.profile.key.iter().find(|row| row.length == card_core::crypto::KeyLength::Sixteen)?;
    Some(KeyRef { form: desk.rules.key_form(), ..desk.shop.key(row) })
}

fn expecting(done: Move, expect: Expect) -> Move {
    Move { expect: vec![expect], ..done }
}

/// A PIN of the same length whose digits all differ.
fn other(pin: &PinBcd) -> PinBcd {
    digits(&shifted(pin.expose(), 3)).unwrap_or_else(|| pin.clone())
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Administrator => "administrator",
    }
}

const fn words(role: Role) -> &'static str {
    match role {
        Role::User => "user PIN",
        Role::Administrator => "administrator PIN",
    }
}
