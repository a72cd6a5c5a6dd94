//! Words for what is stored as a code: channels, why something is on hold, why a card was spoilt, counties, templates.
//!
//! Owns: these words. Never: a state (`state::word`); a code of an error, whose words are its own; an act of the audit log, which is
//! looked for by its code.

use card_profiles::codes;

use super::remedy;
use crate::exchange::template::Template;
use crate::lang::Lang;
use crate::person::no_card::NoCard;
use crate::query::Channel;

/// Where somebody asked or complained.
#[must_use]
pub const fn channel(channel: Channel, lang: Lang) -> &'static str {
    let (zh, en) = match channel {
        Channel::Kiosk => ("自助终端", "kiosk"),
        Channel::Counter => ("柜台", "counter"),
        Channel::Web => ("网站", "website"),
        Channel::Voice => ("12333 语音", "12333, voice"),
        Channel::Agent => ("12333 人工", "12333, agent"),
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// Why a reader, a lot or a card is out: the first word is a code, what follows it a detail. None of a code that has no words.
#[must_use]
pub fn reason(reason: &str, lang: Lang) -> Option<&'static str> {
    let code = reason.split(' ').next().unwrap_or_default();
    let (_, zh, en) = REASONS.iter().find(|(known, ..)| *known == code)?;
    Some(lang.pick(zh, en))
}

const REASONS: &[(&str, &str, &str)] = &[
    ("TOO_MANY_FAILURES", "连续失败过多", "too many failures in a row"),
    ("LOT_BAD", "此批卡失败过多", "too many bad cards in this lot"),
    ("CARD_REFUSED", "卡拒绝了命令", "the card refused a command"),
    ("CARD_CONTENT", "卡内内容与应写的不符", "its content is not what it should be"),
    ("CARD_NOT_GENUINE", "卡的密钥不对", "its keys are not those of its kind"),
    ("CARD_NONSENSE", "卡的应答不合规范", "its answers are against the standard"),
    ("declared", "申报遗失", "declared lost"),
];

/// Why no card can be made for somebody, and what to do about it.
#[must_use]
pub fn no_card(why: NoCard, lang: Lang) -> (&'static str, &'static str) {
    let (code, what) = match (why, lang) {
        (NoCard::Conflict, _) => ("PERSON_NAME_UNDECIDED", why.text(lang)),
        (NoCard::Text, _) => ("PERSON_TEXT_NOT_ON_CHIP", why.text(lang)),
        (NoCard::SaidDead, _) => ("PERSON_SAID_DEAD", why.text(lang)),
        (NoCard::Photo, Lang::Zh) => ("BATCH_PHOTOS_MISSING", "此年龄制卡须有照片"),
        (NoCard::Photo, Lang::En) => ("BATCH_PHOTOS_MISSING", "a photo is needed at this age"),
    };
    (what, remedy::sentence(code, lang))
}

/// A county with its name: `513322 泸定县`; its code alone where that is none in force.
#[must_use]
pub fn county(code: &str) -> String {
    codes::region(code).map_or_else(|| code.to_owned(), |region| format!("{code} {}", region.name))
}

/// What a template is called: its title in Chinese, the words of its name in English.
#[must_use]
pub fn template(template: &Template, lang: Lang) -> String {
    let Template { name, title, .. } = template;
    lang.pick(format!("{title} {name}"), name.replace(['-', '_', '.'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_words_and_what_follows_them_is_no_matter() {
        assert_eq!(reason("CARD_REFUSED 6A80", Lang::Zh), Some("卡拒绝了命令"));
        assert_eq!(reason("declared lost", Lang::En), Some("declared lost"));
        assert_eq!(reason("SOMETHING_ELSE 1", Lang::Zh), None);
        assert_eq!((county("513322").as_str(), county("999999").as_str()), ("513322 泸定县", "999999"));
        for lang in [Lang::Zh, Lang::En] {
            let words = Channel::ALL.map(|one| channel(one, lang));
            assert!(words.iter().enumerate().all(|(at, word)| !words[..at].contains(word)));
        }
    }
}
