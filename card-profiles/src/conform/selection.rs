//! Selection (应用选择): every directory and file is found by its name and number, and nothing else is.

use card_core::StatusWord;
use card_core::command;
use card_core::fci::{AlgorithmId, Fci};
use card_core::script::Step;

use super::workshop::{Workshop, read_first, sw};
use super::{Act, Area, Expect, Text};
use crate::access::Access;
use crate::profile::{Df, EfKind, MfEnvironment, Profile};

const AREA: Area = Area::Selection;
/// Identifier of the MF.
const MF: u16 = 0x3F00;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let profile = shop.profile;
    for (index, df) in profile.df.iter().enumerate() {
        by_name(shop, df, index == 0);
        let title = Text::new(
            format!("按文件标识符 {:04X} 选择 {}", df.fid, df.name),
            format!("{} is selected by its identifier {:04X}", df.id, df.fid),
        );
        let draft = shop.draft(AREA, &df.id, "by-fid", title).with(shop.fresh(df));
        shop.add(draft.send(command::select_by_fid(df.fid), [Expect::Done]));
        for ef in &df.ef {
            let place = format!("{}.{}", df.id, ef.id);
            let title = Text::new(
                format!("按文件标识符 {:04X} 选择 {}", ef.fid, ef.name),
                format!("{place} is selected by its identifier {:04X}", ef.fid),
            );
            let draft = shop.draft(AREA, &place, "by-fid", title).with(shop.fresh(df));
            shop.add(draft.send(command::select_by_fid(ef.fid), [Expect::Done]));
        }
    }
    mf(shop);
    unknown(shop);
    reset(shop);
}

fn by_name(shop: &mut Workshop<'_>, df: &Df, first: bool) {
    if df.df_name.is_empty() {
        return;
    }
    let name = hex::encode_upper(&df.df_name);
    let title = Text::new(
        format!("按名称 {name} 选择 {}，返回的 FCI 符合描述", df.name),
        format!("{} is selected by its name {name} and answers its FCI", df.id),
    );
    let algorithm = first.then(|| algorithm_of(shop.profile)).flatten();
    // A purse answers its public data instead of an SFI.
    let purse = shop.profile.purse.as_ref().is_some_and(|purse| purse.df == df.id);
    let fci = Fci { df_name: df.df_name.clone(), sfi: df.fci_sfi.filter(|_| !purse), algorithm };
    let enter = shop.fresh(df);
    let draft = shop.draft(AREA, &df.id, "by-name", title).with(enter);
    shop.add(draft.send(command::select_by_name(&df.df_name).with_le(0), [Expect::Fci(fci)]));
}

/// An MF that is not a row of its own: it is the environment itself, or another's without files of ours.
fn mf(shop: &mut Workshop<'_>) {
    let (Some(mf), Some(df)) = (&shop.profile.mf, shop.profile.df.first()) else { return };
    let (zh, en, fci) = match mf.environment {
        MfEnvironment::Itself => ("3F00 即应用环境", "3F00 is the environment itself", environment(shop.profile, df)),
        MfEnvironment::Below => {
            let fci = Fci { df_name: mf.df_name.clone(), ..Fci::default() };
            ("3F00 可选择，其下没有应用环境的文件", "3F00 is selected and has no file of the environment", fci)
        }
    };
    let draft = shop.draft(AREA, "", "mf", Text::new(zh, en)).of_row("mf").with(shop.fresh(df));
    let draft = draft.send(command::select_by_fid(MF).with_le(0), [Expect::Fci(fci)]);
    let draft = match (mf.environment, df.ef.first()) {
        (MfEnvironment::Below, Some(ef)) => {
            let none = [StatusWord::FILE_NOT_FOUND, StatusWord::NO_CURRENT_FILE];
            draft.send(read_first(ef).0, [sw(&none)]).with(shop.enter(df))
        }
        (MfEnvironment::Below, None) | (MfEnvironment::Itself, _) => draft,
    };
    shop.add(draft);
}

/// What the first directory answers.
fn environment(profile: &Profile, df: &Df) -> Fci {
    Fci { df_name: df.df_name.clone(), sfi: df.fci_sfi, algorithm: algorithm_of(profile) }
}

/// The algorithm that a card of this profile names in the FCI of its first directory.
#[must_use]
pub fn algorithm_of(profile: &Profile) -> Option<AlgorithmId> {
    profile.version.starts_with('3').then(|| profile.algorithm.id())
}

fn unknown(shop: &mut Workshop<'_>) {
    let Some(df) = shop.profile.df.first() else { return };
    if let Some((last, rest)) = df.df_name.split_last() {
        let name = [rest, &[last ^ 1]].concat();
        let title = Text::new("名称相近的应用不存在", "a name that differs in one bit selects nothing");
        let draft = shop.draft(AREA, "", "unknown-name", title).of_row(&df.id).with(shop.fresh(df));
        shop.add(draft.send(command::select_by_name(&name), [sw(&[StatusWord::FILE_NOT_FOUND])]));
    }
    let title = Text::new("不存在的文件标识符不能选择", "an identifier that no row has selects nothing");
    let draft = shop.draft(AREA, "", "unknown-file", title).of_row(&df.id).with(shop.fresh(df));
    shop.add(draft.send(command::select_by_fid(free_fid(shop.profile)), [sw(&[StatusWord::FILE_NOT_FOUND])]));
}

/// An identifier that no row has.
fn free_fid(profile: &Profile) -> u16 {
    let taken = |fid: &u16| profile.df.iter().any(|df| df.fid == *fid || df.ef.iter().any(|ef| ef.fid == *fid));
    (0xEF60..0xEFFF).find(|fid| !taken(fid)).unwrap_or(0xEFFE)
}

fn reset(shop: &mut Workshop<'_>) {
    let free = |df: &&Df| df.ef.iter().any(|ef| ef.read == Access::Free);
    let Some(df) = shop.profile.df.iter().find(free) else { return };
    let Some(ef) = df.ef.iter().find(|ef| ef.read == Access::Free) else { return };
    let title = Text::new("复位后不再有当前文件", "after a reset no file is current");
    let current = match ef.kind {
        EfKind::TlvRecords | EfKind::Cyclic => command::read_record(0, command::Record::Number(1), 0),
        EfKind::Transparent => command::read_binary(0, 1),
    };
    let place = format!("{}.{}", df.id, ef.id);
    let draft = shop.draft(AREA, "", "reset-forgets", title).of_row(place).with(shop.fresh(df));
    let draft = draft.send(command::select_by_fid(ef.fid), [Expect::Done]);
    let draft = draft.then(Act::Do(Step::Send(current.clone())), [Expect::Done]).then(Act::Reset, []);
    shop.add(draft.send(current, [Expect::Refused]));
}
