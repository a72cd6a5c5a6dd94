//! What happens at a station, for the people around it.
//!
//! Owns: the events, their words. Never: shows who a card is for.

use serde::Serialize;

use super::hook::HookEnd;
use crate::lang::Lang;
use crate::output::Show;

/// Is told what happens, from several threads.
pub trait Watcher: Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
    /// A step of a card is done.
    fn step(&self, reader: &str, done: usize, total: usize);
}

/// Something that happened at a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event<'a> {
    /// Reader.
    pub reader: &'a str,
    /// Job, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<i64>,
    /// What.
    #[serde(flatten)]
    pub what: What<'a>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What<'a> {
    /// A blank card was bound to the job.
    Begun,
    /// A card that was begun earlier goes on.
    Resumed,
    /// The card was pulled; the station waits for it.
    Pulled,
    /// Another card came while one is waited for.
    WrongCard,
    /// The card is back.
    Returned,
    /// The card did not come back in time; its job stays open.
    NotReturned,
    /// The card is made and verified.
    Made {
        /// 卡号.
        card_number: &'a str,
    },
    /// The card is made; the printer's command failed.
    Unprinted {
        /// Code of the failure.
        reason: &'a str,
    },
    /// The card failed and is spoilt.
    Spoilt {
        /// Why, as a code.
        reason: &'a str,
        /// Job that follows.
        next_job: i64,
    },
    /// A card that cannot be used was put in; nothing was written to it.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// The reader ends.
    ReaderEnded {
        /// Code of the failure.
        reason: &'a str,
    },
}

/// Why a card is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Refusal {
    /// Its answer to reset is not that of a social security card.
    NotSocialSecurityCard,
    /// Its algorithm, or what it lets anybody read, is that of another generation of cards.
    OtherGeneration,
    /// It holds a card identifier already.
    NotBlank,
    /// This centre gave the chip to someone already.
    ChipTaken,
    /// What became known of its person while it was written goes onto no card.
    DataUnfit,
}

impl Show for Event<'_> {
    fn text(&self, lang: Lang) -> String {
        let reader = self.reader;
        let job = self.job.map(|job| lang.pick(format!(" 任务 {job}"), format!(" job {job}"))).unwrap_or_default();
        let what = match &self.what {
            What::Begun => lang.pick("开始写卡", "begun").to_owned(),
            What::Resumed => lang.pick("继续写卡", "resumed").to_owned(),
            What::Pulled => lang.pick("卡被拔出，请放回同一张卡", "card pulled; put the same card back").to_owned(),
            What::WrongCard => {
                lang.pick("不是这张卡，请放回原来的卡", "another card; put the first one back").to_owned()
            }
            What::Returned => lang.pick("卡已放回", "card is back").to_owned(),
            What::NotReturned => {
                lang.pick("卡未放回，任务保留", "card did not come back; its job stays open").to_owned()
            }
            What::Made { card_number } => lang.pick(format!("制成 {card_number}"), format!("made {card_number}")),
            What::Unprinted { reason } => {
                let words = words(reason, lang);
                lang.pick(
                    format!("已制成而未印刷 ({reason}){words}"),
                    format!("made and not printed ({reason}){words}"),
                )
            }
            What::Spoilt { reason, next_job } => lang.pick(
                format!("作废 ({reason})，由任务 {next_job} 重制"),
                format!("spoilt ({reason}), followed by job {next_job}"),
            ),
            What::Refused { reason } => {
                lang.pick(format!("拒绝: {}", reason.text(lang)), format!("refused: {}", reason.text(lang)))
            }
            What::ReaderEnded { reason } => {
                let words = words(reason, lang);
                lang.pick(format!("读写器停用: {reason}{words}"), format!("reader stopped: {reason}{words}"))
            }
        };
        format!("{reader}:{job} {what}")
    }
}

/// What the code of a site's command means.
fn words(code: &str, lang: Lang) -> String {
    HookEnd::words(code, lang).map_or_else(String::new, |words| lang.pick(format!("：{words}"), format!(": {words}")))
}

impl Refusal {
    const fn text(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::NotSocialSecurityCard => ("不是社会保障卡，请换卡", "not a social security card; put in another"),
            Self::OtherGeneration => (
                "是另一代规范或另一算法的空白卡，请换卡",
                "a blank card of another generation or algorithm; put in another",
            ),
            Self::NotBlank => ("不是空白卡，请换卡", "not a blank card; put in another"),
            Self::ChipTaken => ("此芯片已属于某人，请换卡", "this chip belongs to someone already; put in another"),
            Self::DataUnfit => (
                "制卡期间人员资料有变，写不进卡；此卡作废，任务已搁置，请换卡",
                "what became known of the person meanwhile goes onto no card; this one is spoilt, its job set aside; put in another",
            ),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}
