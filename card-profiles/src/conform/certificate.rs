//! Certificate check (证书): the certificate application is there with its files, and no private key leaves it.

use card_core::command;

use super::workshop::{Workshop, done};
use super::{Act, Area, Expect, Text};
use crate::certificate::CertificateContent;

const AREA: Area = Area::Certificate;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let Some(rules) = &shop.profile.certificate else { return };
    let enter = || {
        let by_name = done(Act::Do(card_core::script::Step::Send(command::select_by_name(&rules.df_name))));
        let by_fid = done(Act::Do(card_core::script::Step::Send(command::select_by_fid(rules.application_fid))));
        [super::Move { act: Act::Reset, expect: Vec::new(), keep: false }, by_name, by_fid]
    };
    let title = Text::new("证书应用可选择", "the certificate application is selected");
    let draft = shop.draft(AREA, "", "selection", title).of_row("certificate").with(enter());
    shop.add(draft.send(command::select_by_name(&rules.application_name), [Expect::Done]));
    for file in &rules.file {
        let size = usize::from(file.size);
        let (what, zh, en, expect) = if file.readable {
            ("read", "可读", "is read", Expect::Length(size.min(0xFA)))
        } else {
            ("read.never", "私钥不能读出", "is a private key and is never read", Expect::Refused)
        };
        let kind = match file.content {
            CertificateContent::PublicKey | CertificateContent::PrivateKey | CertificateContent::Certificate => {
                &file.id
            }
        };
        let title = Text::new(format!("{}：{zh}", file.name), format!("{}: {en}", file.id));
        let draft = shop.draft(AREA, kind, what, title).of_row(format!("certificate.{}", file.id)).with(enter());
        let le = u16::try_from(size.min(0xFA)).unwrap_or_default();
        let draft = draft.send(command::select_by_fid(file.fid), [Expect::Done]);
        shop.add(draft.send(command::read_binary(0, le), [expect]));
    }
}
