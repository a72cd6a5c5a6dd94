//! Why no card can be made for a registered person (不能制卡的原因).
//!
//! Source: LD/T 32 `an` (a chip holds GBK); notice of twelve ministries 2016 no. 33 (a registry holds all of GB 18030).
//! Owns: the reasons, and which of them a dossier has. Never: says who has a card already, or whose death is recorded (`batch`,
//! `request`).

use card_profiles::text::is_gbk;
use serde::Serialize;

use super::dossier::Dossier;
use super::field::Field;
use super::name::usual_gbk_length;
use super::{Details, code};
use crate::lang::Lang;

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoCard {
    /// Sources differ on the name, and nobody has decided.
    Conflict,
    /// The name, the address or the employer has a character that GBK, and so the chip, cannot hold.
    Text,
    /// A source says that the person has died (AAC060), and nobody has recorded or decided it.
    SaidDead,
    /// The site asks for a photo at this age (`photo_from_age`), and there is none. It follows from the day, and is never stored.
    Photo,
}

impl NoCard {
    /// All.
    pub const ALL: [Self; 4] = [Self::Conflict, Self::Text, Self::SaidDead, Self::Photo];

    /// What a dossier stands in the way of. Before all whether there is somebody to hold the card; then a name in question, since
    /// the decision may mend its characters too.
    #[must_use]
    pub fn of(dossier: &Dossier) -> Option<Self> {
        if dossier.may_be(Field::Alive, code::DEAD) {
            return Some(Self::SaidDead);
        }
        if dossier.conflicts().has(Field::Name) {
            return Some(Self::Conflict);
        }
        on_chip().any(|field| is_lost(dossier.value(field))).then_some(Self::Text)
    }

    /// The same of who was spoken of once: nobody else has said anything that could differ.
    #[must_use]
    pub fn of_first(details: &Details) -> Option<Self> {
        let dead = (details.alive == code::DEAD).then_some(Self::SaidDead);
        dead.or_else(|| Self::fields(details).next().map(|_| Self::Text))
    }

    /// Fields whose text the chip cannot hold.
    pub fn fields(details: &Details) -> impl Iterator<Item = Field> {
        on_chip().filter(|field| is_lost(field.of(details)))
    }

    /// As stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Text => "text",
            Self::SaidDead => "said-dead",
            Self::Photo => "photo",
        }
    }

    /// The reason that is stored so; none for an empty text. A row that is not weighed yet waits for a decision.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "" => None,
            "text" => Some(Self::Text),
            "said-dead" => Some(Self::SaidDead),
            "photo" => Some(Self::Photo),
            _ => Some(Self::Conflict),
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Conflict, Lang::Zh) => "各来源姓名不一致，尚未裁定",
            (Self::Conflict, Lang::En) => "sources differ on the name, undecided",
            (Self::Text, Lang::Zh) => "姓名、地址或单位含芯片（GBK）存不下的字",
            (Self::Text, Lang::En) => "name, address or employer has a character that the chip (GBK) cannot hold",
            (Self::SaidDead, Lang::Zh) => "有来源称已死亡（AAC060），尚未登记或裁定",
            (Self::SaidDead, Lang::En) => {
                "a source says that the person has died (AAC060), neither recorded nor decided"
            }
            (Self::Photo, Lang::Zh) => "缺照片（photo_from_age）",
            (Self::Photo, Lang::En) => "no photo, which is needed at this age (photo_from_age)",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn next(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Conflict, Lang::Zh) => "用 issuer person conflicts 查看，用 issuer person merge 裁定",
            (Self::Conflict, Lang::En) => "see it with `issuer person conflicts`, decide with `issuer person merge`",
            (Self::Text, Lang::Zh) => {
                "登记保留原字。与本人商定卡上用字，用 issuer person upsert 报入，再用 issuer person merge 裁定"
            }
            (Self::Text, Lang::En) => {
                "agree with the person on a form that the chip holds, tell it with `issuer person upsert`, decide with `issuer person merge`; what was registered stays in the history"
            }
            (Self::SaidDead, Lang::Zh) => {
                "核实后用 issuer person death 登记；有误时由来源更正，或用 issuer person merge --field alive 裁定"
            }
            (Self::SaidDead, Lang::En) => {
                "if it is true, record it with `issuer person death`; otherwise the source mends it, or decide with `issuer person merge --field alive`"
            }
            (Self::Photo, Lang::Zh) => "用 issuer photo add 或 issuer photo import 补录照片",
            (Self::Photo, Lang::En) => "take a photo in with `issuer photo add` or `issuer photo import`",
        }
    }
}

/// Fields of which a chip may hold something: not the name in a script that it has no room for.
fn on_chip() -> impl Iterator<Item = Field> {
    Field::ALL.into_iter().filter(|field| *field != Field::NameScript)
}

fn is_lost(text: &str) -> bool {
    usual_gbk_length(text).is_none() && !is_gbk(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_stored_under_its_name() {
        for reason in NoCard::ALL {
            assert_eq!(NoCard::of_name(reason.name()), Some(reason));
        }
        assert_eq!((NoCard::of_name(""), NoCard::of_name("unweighed")), (None, Some(NoCard::Conflict)));
    }
}
