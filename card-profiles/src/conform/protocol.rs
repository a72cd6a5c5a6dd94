//! Protocol errors (协议差错): a command that the standard does not know, or knows otherwise, is refused with its reason.

use card_core::StatusWord;
use card_core::apdu::Command;
use card_core::command::{self, Record};

use super::workshop::{Draft, Workshop, sw};
use super::{Area, Expect, Text};
use crate::profile::{Df, Ef, EfKind};

const AREA: Area = Area::Protocol;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    let Some(df) = shop.profile.df.first() else { return };
    let of = |shop: &Workshop<'_>, what: &str, zh: &str, en: &str| {
        shop.draft(AREA, "", what, Text::new(zh, en)).of_row("commands").with(shop.fresh(df))
    };
    let refused = |draft: Draft, command: Command, words: &[StatusWord]| draft.send(command, [sw(words)]);
    let class = of(shop, "class", "不支持的 CLA", "an unknown class is refused");
    let class = refused(class, Command::new(0xF0, 0x84, 0x00, 0x00).with_le(8), &[StatusWord::CLA_UNKNOWN]);
    let instruction = of(shop, "instruction", "不支持的 INS", "an unknown instruction is refused");
    let erase = Command::new(0x00, 0x0E, 0x00, 0x00).with_data([0; 2]);
    let instruction = refused(instruction, erase, &[StatusWord::INS_UNKNOWN]);
    let select =
        of(shop, "select.parameters", "SELECT 的 P1 错误", "SELECT with a P1 that it does not know is refused");
    let other = Command::new(0x00, 0xA4, 0x7F, 0x00).with_data([0x3F, 0x00]);
    let select = refused(select, other, &[StatusWord::WRONG_P1P2, StatusWord::NOT_SUPPORTED]);
    let challenge = of(shop, "challenge.length", "随机数长度错误", "a challenge of 5 bytes is refused");
    let challenge = refused(challenge, command::get_challenge(5), &[StatusWord::WRONG_LENGTH]);
    let proof = of(shop, "proof.length", "外部认证数据长度错误", "EXTERNAL AUTHENTICATION with 15 bytes is refused");
    let id = shop.profile.key.iter().find(|row| shop.authenticates(row)).map_or(0, |row| row.id);
    let proof = proof.send(command::get_challenge(8), [Expect::Done]);
    let proof = refused(proof, Command::new(0x00, 0x82, 0x00, id).with_data([0; 15]), &[StatusWord::WRONG_LENGTH]);
    let nothing = of(
        shop,
        "response.none",
        "没有待取数据时 GET RESPONSE 被拒绝",
        "GET RESPONSE with nothing to fetch is refused",
    );
    let nothing =
        nothing.send(command::get_challenge(8), [Expect::Done]).send(command::get_response(8), [Expect::Refused]);
    for draft in [class, instruction, select, challenge, proof, nothing] {
        shop.add(draft);
    }
    for df in &shop.profile.df {
        for ef in &df.ef {
            structure(shop, df, ef);
        }
    }
    exact_length(shop);
}

/// A command for another structure of file.
fn structure(shop: &mut Workshop<'_>, df: &Df, ef: &Ef) {
    let Some(way) = shop.way(&ef.read) else { return };
    let place = format!("{}.{}", df.id, ef.id);
    let title = Text::new(
        format!("{place}：命令与文件结构不符被拒绝"),
        format!("{place}: a command for another structure of file is refused"),
    );
    let draft = shop.draft(AREA, &place, "structure", title).with(shop.fresh(df)).with(shop.proofs(&way));
    let command = match ef.kind {
        EfKind::TlvRecords | EfKind::Cyclic => command::read_binary_sfi(ef.sfi(), 0, 1),
        EfKind::Transparent => command::read_record(ef.sfi(), Record::Number(1), 0),
    };
    shop.add(draft.send(command, [sw(&[StatusWord::FILE_STRUCTURE])]));
}

/// Le that is too short: the card names the right one.
fn exact_length(shop: &mut Workshop<'_>) {
    let found = shop.profile.df.iter().find_map(|df| {
        let fits = |ef: &&Ef| ef.kind == EfKind::TlvRecords && shop.way(&ef.read).is_some();
        df.ef.iter().find(fits).map(|ef| (df, ef))
    });
    let Some((df, ef)) = found else { return };
    let (Some(way), Some(element)) = (shop.way(&ef.read), ef.elements.first()) else { return };
    let title = Text::new(
        "Le 过短时以 6Cxx 告知长度（T=1 为 6700）",
        "an Le that is too short is answered with the length (T=0) or refused (T=1)",
    );
    let draft = shop.draft(AREA, "", "le", title).of_row(format!("{}.{}", df.id, ef.id));
    let draft = draft.with(shop.fresh(df)).with(shop.proofs(&way));
    let length = element.format.length;
    let command = command::read_record(ef.sfi(), Record::Number(1), u16::from(length) + 1);
    shop.add(draft.send(command, [Expect::Corrected(element.tag.unwrap_or_default(), length)]));
}
