//! Certificate check (证书): the certificate application is there with its files; its PINs, its master key and its key pairs do
//! what their rows say, and no private key leaves it.
//!
//! Source: rows of the profile, each from one or two programs; where they leave an answer open, each sensible one is accepted.
//! Owns: cases about files; what the cases of PINs and keys share. Never: sends, computes.

mod act;
mod pairs;
mod pins;

use std::rc::Rc;

use card_core::StatusWord;
use card_core::command;
use card_core::pin::PinBcd;
use card_core::script::Step;
use card_core::security::{KeyName, KeyRef};

pub use act::{CertificateAct, CertificateMemory, CertificateWhat, WhichPair};

use super::workshop::{Draft, Workshop, done, sw};
use super::{Act, Area, Effect, Expect, Move, Text};
use crate::certificate::{
    CertificateAccess, CertificateContent, CertificateFile, CertificateRight, CertificateRules, MASTER_KEY, Role,
};

const AREA: Area = Area::Certificate;
const SHUT: [StatusWord; 1] = [StatusWord::SECURITY_STATUS];
/// Bytes of a file that a case writes.
const PART: u16 = 0x20;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let Some(rules) = &shop.profile.certificate else { return };
    let mut drafts = Vec::new();
    let desk = Desk { shop, rules: Rc::new(rules.clone()) };
    drafts.push(desk.selection());
    drafts.extend(rules.file.iter().map(|file| desk.reading(file)));
    if let Some(access) = &rules.access {
        drafts.extend(pins::drafts(&desk, access));
        drafts.extend(pairs::drafts(&desk, access));
        drafts.extend(rules.file.iter().flat_map(|file| desk.writing(file, access)));
    }
    for draft in drafts {
        shop.add(draft);
    }
}

/// Where the cases of the application are made.
struct Desk<'w, 'p> {
    shop: &'w Workshop<'p>,
    rules: Rc<CertificateRules>,
}

impl Desk<'_, '_> {
    /// Starts a case, in the application. `row` and `what` as in [`Workshop::draft`].
    fn draft(&self, row: &str, what: &str, zh: impl Into<String>, en: impl Into<String>) -> Draft {
        let of = if row.is_empty() { "certificate".to_owned() } else { format!("certificate.{row}") };
        self.shop.draft(AREA, row, what, Text::new(zh, en)).of_row(of).with(self.enter())
    }

    /// Reset, and the application selected.
    fn enter(&self) -> Vec<Move> {
        let select = self.rules.select().map(|command| done(Act::Do(Step::Send(command))));
        [Move { act: Act::Reset, expect: Vec::new(), keep: false }].into_iter().chain(select).collect()
    }

    fn act(&self, what: CertificateWhat) -> Act {
        Act::Certificate(CertificateAct { rules: Rc::clone(&self.rules), what })
    }

    /// A PIN that must be right; where it was never set up, the case is not carried out.
    fn verified(&self, role: Role) -> Move {
        done(self.act(CertificateWhat::Verify { role, pin: self.pin(role), before: true }))
    }

    fn pin(&self, role: Role) -> PinBcd {
        self.shop.certificate_pin(self.rules.pin(role), role)
    }

    /// The public key of a pair; where there is none, the case is not carried out.
    fn public_key(&self, pair: WhichPair) -> Move {
        done(self.act(CertificateWhat::PublicKey { pair, before: true }))
    }

    /// The PIN as it is given, unless the card has one: then the set-up is refused and nothing changes.
    fn set_up(&self, role: Role) -> Move {
        let act = self.act(CertificateWhat::SetUp { role, pin: self.pin(role) });
        Move { act, expect: vec![sw(&[StatusWord::OK, StatusWord::SECURITY_STATUS])], keep: false }
    }

    fn master_key(&self) -> KeyRef {
        let version = self.shop.bench.means.versions.of(&KeyName::new(MASTER_KEY));
        self.rules.master_key_of_card(version, self.shop.card_factor())
    }

    /// What proves a right; `None` where nothing does.
    fn proof(&self, right: CertificateRight) -> Option<Vec<Move>> {
        Some(match right {
            CertificateRight::Free => Vec::new(),
            CertificateRight::Never => return None,
            CertificateRight::UserPin => vec![self.verified(Role::User)],
            CertificateRight::AdministratorPin => vec![self.verified(Role::Administrator)],
            CertificateRight::MasterKey => vec![done(Act::Do(self.rules.authenticate(self.master_key())))],
        })
    }

    fn selection(&self) -> Draft {
        let draft = self.draft("", "selection", "证书应用可选择", "the certificate application is selected");
        draft.send(command::select_by_name(&self.rules.application_name), [Expect::Done])
    }

    fn reading(&self, file: &CertificateFile) -> Draft {
        let le = file.size.min(0xFA);
        let (what, zh, en, expect) = if file.readable {
            ("read", "可读", "is read", Expect::Length(le.into()))
        } else {
            ("read.never", "私钥不能读出", "is a private key and is never read", Expect::Refused)
        };
        let draft = self.draft(&file.id, what, format!("{}：{zh}", file.name), format!("{}: {en}", file.id));
        let draft = draft.send(command::select_by_fid(file.fid), [Expect::Done]);
        draft.send(command::read_binary(0, le), [expect])
    }

    /// Certificates are written after their proof and by nothing less; a public key by no UPDATE BINARY at all.
    fn writing(&self, file: &CertificateFile, access: &CertificateAccess) -> Vec<Draft> {
        if !file.readable || file.size < PART {
            return Vec::new();
        }
        let select = || done(Act::Do(Step::Send(command::select_by_fid(file.fid))));
        let last = file.size - PART;
        let read = |offset| Act::Do(Step::Send(command::read_binary(offset, PART)));
        let write =
            |offset, altered| Act::Write { header: command::update_binary(offset, &[]).header(), altered, mac: None };
        let of = |what: &str, zh: &str, en: &str| {
            self.draft(&file.id, what, format!("{}：{zh}", file.name), format!("{}: {en}", file.id))
        };
        let whole = [Expect::Length(PART.into())];
        let closed = |what, zh, en, proof: Vec<Move>| {
            let draft = of(what, zh, en).with(proof).with([select()]).keep(read(0), whole.clone());
            draft.then(write(0, false), [sw(&SHUT)])
        };
        let right = match file.content {
            CertificateContent::Certificate => access.write_certificate,
            CertificateContent::PublicKey | CertificateContent::PrivateKey => {
                let proof = self.proof(access.install).unwrap_or_default();
                return vec![closed("write.never", "不能直接改写", "is never written by UPDATE BINARY", proof)];
            }
        };
        let mut drafts = Vec::new();
        if right != CertificateRight::Free {
            drafts.push(closed("write.without-proof", "未认证不能写", "is not written without proof", Vec::new()));
        }
        let Some(proof) = self.proof(right) else { return drafts };
        for (what, offset, zh, en) in [
            ("write", 0, "认证后可写，读回一致", "is written after its proof, and reads back as written"),
            ("write.end", last, "可写至末字节", "is written to its last byte"),
        ] {
            let draft = of(what, zh, en).effect(Effect::Restored).with(proof.clone()).with([select()]);
            let draft = draft.keep(read(offset), whole.clone()).then(write(offset, true), [Expect::Done]);
            let mut back = self.enter();
            back.extend(proof.clone());
            back.extend([select(), done(write(offset, false))]);
            drafts.push(draft.then(read(offset), [Expect::Altered]).restore(back));
        }
        let beyond = [StatusWord::NO_SPACE, StatusWord::WRONG_OFFSET, StatusWord::WRONG_P1P2, StatusWord::WRONG_LENGTH];
        let draft = of("write.beyond", "末尾之外不能写", "is not written beyond its end").with(proof).with([select()]);
        let draft = draft.keep(read(last), whole.clone());
        drafts.push(draft.then(write(last + 1, false), [sw(&beyond)]).then(read(last), [Expect::Same]));
        drafts
    }
}
