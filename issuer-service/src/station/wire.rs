//! What a station and its centre say to each other at the two ends of a line.
//!
//! Owns: the messages, their bounds. Never: carries a key, or names one that the plan of the job does not name.
//! Units: bytes are hex, upper case; instants are UTC.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::line::{Holder, Rest};
use crate::card::Card;

/// Path of acts and questions; the answer is one object.
pub const ASK_PATH: &str = "/station/v1/ask";
/// Path of prepared data; the answer is one object a line.
pub const JOBS_PATH: &str = "/station/v1/jobs";
/// Most bytes of a message.
pub const MESSAGE_BYTES_MAX: usize = 16_384;
/// Most prepared jobs in one answer.
pub const SHARE_MAX: u32 = 200;
/// Most bytes of an answer: a full share, or the largest photo.
pub const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// Letters of a message's id: 16 bytes in hex.
pub const ID_LENGTH: usize = 32;

/// A message of a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Made by the station: sent again, the message has no second effect. Outcomes of cards are kept before the first send.
    pub id: String,
    /// Operator at the station.
    pub operator: String,
    /// Reader concerned; `-` for none.
    pub reader: String,
    /// What is asked.
    pub ask: Ask,
}

/// Letters of a reader's name, of a reason, of a lot.
const TEXT_MAX: usize = 200;
/// Letters of a key's name, and of the detail of a note: a code, or the name of a directory.
const WORD_MAX: usize = 32;
/// What a station may note of itself; begun, made and spoilt are noted by the centre, with the act.
const EVENTS: [&str; 5] = ["keys", "pulled", "away", "printed", "unprinted"];

impl Message {
    /// Whether its texts are within their bounds.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let plain = |text: &str| text.len() <= TEXT_MAX && !text.chars().any(char::is_control);
        let rest = match &self.ask {
            Ask::Begin { readers, lot, place, .. } => readers.iter().chain(lot).chain(place).all(|text| plain(text)),
            Ask::Bind { lot, place, made, .. } => [lot, place, made].into_iter().flatten().all(|text| plain(text)),
            Ask::Note { event, detail, .. } => EVENTS.contains(&event.as_str()) && is_word(detail),
            Ask::Cryptogram { operation, .. } => operation.is_sound(),
            Ask::Spoil { reason, .. } | Ask::Hold { reason } => plain(reason),
            Ask::Lot { lot, .. } => plain(lot),
            Ask::Finish { read_back, changes, .. } => plain(read_back) && *changes >= 0,
            Ask::Look { .. } | Ask::Jobs { .. } | Ask::Photo { .. } | Ask::Failures | Ask::End { .. } => true,
        };
        let id = self.id.len() == ID_LENGTH && self.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        id && rest && plain(&self.operator) && plain(&self.reader)
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= WORD_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// What a station asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// Begins a run.
    Begin {
        /// Batch.
        batch: i64,
        /// Readers.
        readers: Vec<String>,
        /// Lot of the blank cards.
        lot: Option<String>,
        /// Station of the stock that they were issued to, when there are several.
        place: Option<String>,
        /// SHA-256 of the card type's text: both ends must plan alike.
        profile: String,
    },
    /// Whether there is something to do.
    Look {
        /// Batch.
        batch: i64,
    },
    /// Prepared jobs: those begun by this station, then up to `share` on lease. Behind `after` of the same answer, when
    /// that broke off.
    Jobs {
        /// Batch.
        batch: i64,
        /// Most waiting jobs to be kept for this station.
        share: u32,
        /// Last job received; 0 for none.
        after: i64,
    },
    /// Binds a chip.
    Bind {
        /// Batch.
        batch: i64,
        /// Chip.
        chip: String,
        /// Job on lease.
        job: Option<i64>,
        /// Identifier that a factory wrote.
        made: Option<String>,
        /// Lot of the blank card.
        lot: Option<String>,
        /// Station of the stock that it was issued to, when there are several.
        place: Option<String>,
    },
    /// The photo that is printed on the card of a job.
    Photo {
        /// Job.
        job: i64,
    },
    /// A cryptogram for the card of a job.
    Cryptogram {
        /// Job.
        job: i64,
        /// Which.
        operation: Operation,
    },
    /// A note in the journal.
    Note {
        /// Job.
        job: i64,
        /// Event.
        event: String,
        /// Detail.
        detail: String,
    },
    /// A card was written and read back.
    Finish {
        /// Job.
        job: i64,
        /// Steps carried out.
        steps: usize,
        /// Digest of what was read back.
        read_back: String,
        /// [`Prepared::changes`] of the data that it was made of.
        changes: i64,
        /// Whether it is printed next.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        to_print: bool,
    },
    /// How many cards failed on the reader since its last good one or its release.
    Failures,
    /// A card failed.
    Spoil {
        /// Job.
        job: i64,
        /// Why, as a code.
        reason: String,
    },
    /// Keeps the reader from work.
    Hold {
        /// Why, as a code.
        reason: String,
    },
    /// Whether a lot has become bad.
    Lot {
        /// Lot.
        lot: String,
        /// Per cent of its cards that may fail.
        percent: u64,
    },
    /// Ends a run.
    End {
        /// Batch.
        batch: i64,
    },
}

/// A cryptogram that a station asks for. Keys are named; which key of which card that is, the centre's own plan says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// Of an external or internal authentication.
    Authenticate {
        /// Key.
        key: String,
        /// Its version.
        version: u8,
        /// 8 bytes of which the session key is made.
        factor: String,
        /// 8 bytes of plain.
        data: String,
    },
    /// A key under another key, for a key-load command.
    Wrap {
        /// Key.
        key: String,
        /// Its version.
        version: u8,
        /// Protecting key.
        protecting: String,
        /// Its version.
        protecting_version: u8,
        /// CLA INS P1 P2 Lc.
        command: String,
        /// Usage, id, version.
        header: String,
        /// Challenge, 8 bytes.
        iv: String,
    },
}

/// What the centre answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// `created`, or `exists` when the message was known.
    pub status: Status,
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
}

/// Whether a message was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It had its effect now.
    Created,
    /// It had its effect before.
    Exists,
}

/// What the centre answers to one message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// Done.
    Done,
    /// The run has begun.
    Begun {
        /// City, 6 digits.
        city: String,
        /// Lot of the transport key.
        transport_lot: u8,
    },
    /// Whether there is something to do.
    Look {
        /// Whether.
        work_left: bool,
        /// Whether other stations have begun or on lease what is left; a centre of before does not say.
        #[serde(default)]
        elsewhere: bool,
    },
    /// The chip is bound.
    Bound {
        /// Its card.
        card: Box<Card>,
        /// Version of its keys.
        key_version: u8,
    },
    /// The chip belongs to somebody already.
    Taken,
    /// The chip holds an identifier that no factory told.
    NotBlank,
    /// No job waits for a blank card.
    NothingWaits,
    /// The job is not on lease to this station any more, or nobody waits for its card.
    Gone,
    /// Stock has no blank card for this station.
    NoBlanks,
    /// A photo.
    Photo {
        /// JPEG in Base64; none when there is none.
        photo: Option<String>,
    },
    /// A cryptogram: 8 bytes, or the enciphered key.
    Cryptogram {
        /// Bytes.
        bytes: String,
        /// MAC of a wrapped key; empty otherwise.
        mac: String,
    },
    /// A card is made.
    Receipt {
        /// What was signed.
        body: String,
        /// Ed25519 signature of the centre.
        signature: String,
    },
    /// A card is spoilt.
    Spoilt {
        /// Job that follows.
        next_job: i64,
    },
    /// Cards that failed on the reader.
    Failures {
        /// Since its last good one or its release.
        in_a_row: u32,
    },
    /// Whether the lot is bad.
    Lot {
        /// Whether.
        bad: bool,
    },
    /// The run has ended.
    Ended(Rest),
}

/// One line of prepared data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum JobLine {
    /// A job.
    Job(Box<Prepared>),
    /// The last line: all of the answer came.
    End,
}

/// A job with everything that its card needs, but keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Job.
    pub job: i64,
    /// What is written, by place; without what only the chip decides.
    pub values: BTreeMap<String, String>,
    /// Who it is for, as it is printed.
    pub holder: Holder,
    /// Its card, once a chip is bound.
    pub card: Option<Card>,
    /// Version of the card's keys, once a chip is bound.
    pub key_version: u8,
    /// Directories that have their production keys.
    pub keyed: Vec<String>,
    /// How often what goes onto the card had changed since the job was made.
    pub changes: i64,
}

impl Operation {
    /// Whether its names are names, and its bytes as many as there must be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let hex =
            |text: &str, bytes: usize| text.len() == 2 * bytes && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        match self {
            Self::Authenticate { key, factor, data, .. } => is_word(key) && hex(factor, 8) && hex(data, 8),
            Self::Wrap { key, protecting, command, header, iv, .. } => {
                is_word(key) && is_word(protecting) && hex(command, 5) && hex(header, 3) && hex(iv, 8)
            }
        }
    }

    /// The keys named.
    #[must_use]
    pub fn keys(&self) -> String {
        match self {
            Self::Authenticate { key, version, .. } => format!("{key} v{version}"),
            Self::Wrap { key, version, protecting, protecting_version, .. } => {
                format!("{key} v{version} under {protecting} v{protecting_version}")
            }
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A photo may be among them.
        f.write_str("Answer(..)")
    }
}

impl std::fmt::Debug for JobLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Job(prepared) => prepared.fmt(f),
            Self::End => f.write_str("End"),
        }
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("job", &self.job).finish_non_exhaustive()
    }
}
