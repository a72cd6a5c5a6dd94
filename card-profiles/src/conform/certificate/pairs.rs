//! Key pairs of the certificate application: made, asked for, used, installed from an envelope.
//!
//! Owns: their cases. A case that replaces a key pair is final. Never: keeps a private key.

use card_core::command;
use card_core::script::Step;

use super::super::workshop::{Draft, done, sw};
use super::super::{Act, Effect, Ending, Expect, Move};
use super::act::{install_steps, installed};
use super::{CertificateWhat, Desk, SHUT, WhichPair};
use crate::certificate::{CertificateAccess, CertificateRight, PinSetUp, PrivateKeyForm, Role};

pub(super) fn drafts(desk: &Desk<'_, '_>, access: &CertificateAccess) -> Vec<Draft> {
    let mut drafts: Vec<Draft> =
        [WhichPair::Signing, WhichPair::Encryption].into_iter().filter_map(|pair| public_key(desk, pair)).collect();
    drafts.extend([WhichPair::Signing, WhichPair::Encryption].map(|pair| certificate(desk, pair)));
    drafts.extend(signing(desk, access));
    drafts.extend(generating(desk, access));
    drafts.extend(installing(desk, access).unwrap_or_default());
    drafts
}

fn acting(desk: &Desk<'_, '_>, what: CertificateWhat, expect: impl IntoIterator<Item = Expect>) -> Move {
    Move { act: desk.act(what), expect: expect.into_iter().collect(), keep: false }
}

fn kept(what: Move) -> Move {
    Move { keep: true, ..what }
}

/// The public key of a pair as the command answers it, which must be there.
fn asked(desk: &Desk<'_, '_>, pair: WhichPair, expect: impl IntoIterator<Item = Expect>) -> Move {
    acting(desk, CertificateWhat::PublicKey { pair, before: false }, expect)
}

/// The file of a public key, read whole.
fn file(desk: &Desk<'_, '_>, pair: WhichPair, expect: Expect) -> Option<[Move; 2]> {
    let row = pair.files(&desk.rules)?.public;
    let read = Act::Do(Step::Send(command::read_binary(0, row.size)));
    let select = done(Act::Do(Step::Send(command::select_by_fid(row.fid))));
    Some([select, Move { act: read, expect: vec![expect], keep: false }])
}

fn public_key(desk: &Desk<'_, '_>, pair: WhichPair) -> Option<Draft> {
    let (zh, en) = ("公钥可读取，与文件一致", "the public key is answered, and its file holds the same");
    let draft = desk.draft(pair.word(), "public-key", zh, en).with([kept(asked_before(desk, pair))]);
    Some(draft.with(file(desk, pair, Expect::Same)?))
}

/// The certificate of a pair is of its public key; where it is not written yet, the case is not carried out.
fn certificate(desk: &Desk<'_, '_>, pair: WhichPair) -> Draft {
    let (zh, en) = ("证书中的公钥即卡片公钥", "the certificate is of the card's public key");
    let draft = desk.draft(pair.word(), "certificate", zh, en).with([asked_before(desk, pair)]);
    draft.with([acting(desk, CertificateWhat::Certificate { pair }, [Expect::Certificate])])
}

fn asked_before(desk: &Desk<'_, '_>, pair: WhichPair) -> Move {
    acting(desk, CertificateWhat::PublicKey { pair, before: true }, [Expect::Point])
}

fn signing(desk: &Desk<'_, '_>, access: &CertificateAccess) -> Vec<Draft> {
    let of =
        |what: &str, zh: &str, en: &str| desk.draft("", what, zh, en).with([asked_before(desk, WhichPair::Signing)]);
    let sign = |expect: Vec<Expect>| acting(desk, CertificateWhat::Sign, expect);
    let mut drafts = Vec::new();
    if let Some(proof) = desk.proof(access.sign) {
        let (zh, en) = ("SM2 签名可用公钥验证", "an SM2 signature is verified with the public key");
        drafts.push(of("sign", zh, en).with(proof.clone()).with([sign(vec![Expect::Signature])]));
        let (zh, en) = ("同一摘要两次签名不同", "two signatures of one digest differ");
        let draft = of("sign.fresh", zh, en).with(proof).with([kept(sign(vec![Expect::Length(64)]))]);
        drafts.push(draft.with([sign(vec![Expect::Length(64), Expect::Other])]));
    }
    if access.sign != CertificateRight::Free {
        let draft = of("sign.without-proof", "未认证不能签名", "nothing is signed without proof");
        drafts.push(draft.with([sign(vec![sw(&SHUT)])]));
    }
    drafts
}

/// A case that replaces a pair: on a card that has no PIN yet, it is set up first.
fn replacing(desk: &Desk<'_, '_>, what: &str, zh: &str, en: &str, right: CertificateRight) -> Option<Draft> {
    let draft = desk.draft("", what, zh, en).effect(Effect::Final(Ending::Content));
    let role = match right {
        CertificateRight::UserPin => Some(Role::User),
        CertificateRight::AdministratorPin => Some(Role::Administrator),
        CertificateRight::Free | CertificateRight::Never | CertificateRight::MasterKey => None,
    };
    let set_up = role.filter(|_| desk.rules.set_up == PinSetUp::Store).map(|role| desk.set_up(role));
    Some(draft.with(set_up).with(desk.proof(right)?))
}

fn generating(desk: &Desk<'_, '_>, access: &CertificateAccess) -> Vec<Draft> {
    let pair = WhichPair::Signing;
    let generate = |expect: Expect| acting(desk, CertificateWhat::Generate, [expect]);
    let mut drafts = Vec::new();
    let (zh, en) = ("生成密钥对：每次不同，公钥可验其签名", "a key pair is generated, another each time, and signs");
    if let Some(draft) = replacing(desk, "generate", zh, en, access.generate) {
        let draft = draft.with([generate(Expect::Done), kept(asked(desk, pair, [Expect::Point]))]);
        let draft = draft.with([generate(Expect::Done), asked(desk, pair, [Expect::Point, Expect::Other])]);
        let signs = desk.proof(access.sign).map(|mut proof| {
            proof.push(acting(desk, CertificateWhat::Sign, [Expect::Signature]));
            proof
        });
        drafts.push(draft.with(signs.unwrap_or_default()));
    }
    if access.generate != CertificateRight::Free {
        let (zh, en) = ("未认证不能生成密钥对", "no key pair is generated without proof");
        let draft = desk.draft("", "generate.without-proof", zh, en).effect(Effect::Final(Ending::Content));
        drafts.push(draft.with([generate(sw(&SHUT))]));
    }
    drafts
}

fn installing(desk: &Desk<'_, '_>, access: &CertificateAccess) -> Option<Vec<Draft>> {
    let (signing, encryption) = (WhichPair::Signing, WhichPair::Encryption);
    let proof = desk.proof(access.install)?;
    let open = |foreign, expect: Expect| acting(desk, CertificateWhat::Open { foreign }, [expect]);
    let steps = install_steps(&desk.rules);
    let install = |nth, foreign, expect: Expect| acting(desk, CertificateWhat::Install { nth, foreign }, [expect]);
    let opened = |what: &str, zh: &str, en: &str| {
        let draft = replacing(desk, what, zh, en, access.generate)?;
        let draft = draft.with([acting(desk, CertificateWhat::Generate, [Expect::Done])]);
        let draft = draft.with([asked(desk, signing, [Expect::Point])]).with(proof.clone());
        Some(draft.with([open(false, Expect::Length(16))]))
    };
    let public = [&[0xCA, 0x40][..], installed()?.bytes()].concat();
    let (zh, en) = (
        "数字信封中的加密密钥装入，公钥读回一致",
        "the enveloped encryption key is installed, and its public key answered",
    );
    let draft = opened("install", zh, en)?.with((0..steps).map(|nth| install(nth, false, Expect::Done)));
    let draft = draft.with([asked(desk, encryption, [Expect::Exactly(public.clone())])]);
    let mut drafts = vec![draft.with(file(desk, encryption, Expect::Exactly(public))?)];
    let (zh, en) =
        ("私钥与公钥不成对时不装入", "a private key that does not belong to the public one is not installed");
    let draft = opened("install.other-key", zh, en)?.with((0..steps - 1).map(|nth| install(nth, false, Expect::Done)));
    drafts.push(draft.with([install(steps - 1, true, Expect::Refused)]));
    let of = |what: &str, zh: &str, en: &str| desk.draft("", what, zh, en).with([asked_before(desk, signing)]);
    let draft =
        of("install.foreign", "为其他卡片封装的信封不能打开", "an envelope sealed for another card is not opened");
    drafts.push(draft.with(proof.clone()).with([open(true, Expect::Refused)]));
    if desk.rules.private_key == PrivateKeyForm::Enciphered {
        let (zh, en) = ("未打开信封不能装入密钥", "no key is installed before an envelope is opened");
        drafts.push(of("install.not-opened", zh, en).with(proof).with([install(0, false, Expect::Refused)]));
    }
    if access.install != CertificateRight::Free {
        let draft = of("install.without-proof", "未认证不能打开信封", "no envelope is opened without proof");
        drafts.push(draft.with([open(false, sw(&SHUT))]));
    }
    Some(drafts)
}
