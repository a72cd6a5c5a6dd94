//! The audit log (审计日志): every act, in order, chained by hashes, its head signed from time to time.
//!
//! Source: chain as in RFC 6962's idea of an append-only log, here a plain chain; SHA-256; Ed25519 (RFC 8032).
//! Owns: what a record holds, its hash, checkpoints, verification.
//! Never: holds personal data or keys; is written apart from the act that it records.

pub mod anchor;
pub mod check;
pub mod export;
pub(crate) mod object;
pub mod text;

use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Serialize;

use anchor::{Expected, Finding};

use crate::clock;
use crate::lang::Lang;
use crate::output::Show;

/// Seconds by which a record may be earlier than one before it without being told.
const CLOCK_BACK: u64 = 60;
/// The act whose record is the head that a checkpoint signs.
pub(crate) const CHECKPOINT_ACT: &str = "audit.checkpoint";

/// Who did what to which object. No personal data: objects are numbers of rows, not of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Operator, or `local:USER` where no operator is needed.
    pub actor: String,
    /// Verb: `person.import`.
    pub act: &'static str,
    /// What it was done to: `batch 3`.
    pub object: String,
    /// Counts and states.
    pub detail: String,
}

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Position, from 1, without gaps.
    pub sequence: i64,
    /// UTC instant.
    pub recorded_at: String,
    /// See [`Act`].
    pub actor: String,
    /// See [`Act`].
    pub act: String,
    /// See [`Act`].
    pub object: String,
    /// See [`Act`].
    pub detail: String,
    /// Hash of the record before, hex.
    pub previous: String,
    /// Hash of this record, hex.
    pub hash: String,
}

/// Records that are looked for: each part is how it begins, and may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// See [`Act`].
    pub actor: String,
    /// See [`Act`].
    pub act: String,
    /// See [`Act`].
    pub object: String,
}

/// A signed head of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// Last record covered.
    pub sequence: i64,
    /// Its hash, hex.
    pub hash: String,
    /// UTC instant.
    pub signed_at: String,
    /// Ed25519 signature of [`Checkpoint::message`], hex.
    pub signature: String,
}

/// Result of [`Verifier`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Records read.
    pub records: u64,
    /// Checkpoints that hold.
    pub checkpoints: u64,
    /// Last record that a checkpoint signs: who can write the database and the anchor can make anew what stands behind it.
    pub signed_until: Option<i64>,
    /// Whether the end of the log was compared with its anchor.
    pub anchored: bool,
    /// First record that is more than a minute earlier than one before it: the clock was set back, or an operator answered for that.
    pub clock_back: Option<i64>,
    /// First record that does not hold, if any.
    pub first_bad: Option<Bad>,
}

/// A record that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Its position.
    pub sequence: i64,
    /// Why.
    pub reason: Reason,
}

/// Why a record does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its position does not follow the one before: records are missing.
    Gap,
    /// It does not name the hash of the record before.
    Unchained,
    /// Its content is not what was hashed.
    Altered,
    /// A checkpoint covers it with another hash.
    CheckpointDiffers,
    /// The signature of its checkpoint is not the centre's.
    SignatureWrong,
    /// It says that a checkpoint was made here, and there is none.
    CheckpointMissing,
    /// A checkpoint covers it, or the anchor knows it, and it is not there: the end was cut off.
    CutOff,
    /// The anchor has another hash of it.
    AnchorDiffers,
    /// The anchor does not know it: it was not written by this program.
    Unanchored,
    /// The anchor saw another record of this number committed before: the log was cut off here and went on.
    Replaced,
    /// The log is anchored and the file is not there; or a line of it is none of ours.
    AnchorBroken,
    /// It was signed when somebody looked, and is not.
    Unsigned,
}

impl Record {
    /// Hash of the record that comes before the first.
    pub const GENESIS: &'static str = "0000000000000000000000000000000000000000000000000000000000000000";

    /// The record that follows `previous`.
    #[must_use]
    pub fn following(previous: Option<(i64, String)>, recorded_at: String, act: &Act) -> Self {
        let (last, previous) = previous.unwrap_or_else(|| (0, Self::GENESIS.to_owned()));
        let mut record = Self {
            sequence: last + 1,
            recorded_at,
            actor: act.actor.clone(),
            act: act.act.to_owned(),
            object: act.object.clone(),
            detail: act.detail.clone(),
            previous,
            hash: String::new(),
        };
        record.hash = record.computed_hash();
        record
    }

    /// SHA-256 over every field but the hash, each as `length:bytes`.
    #[must_use]
    pub fn computed_hash(&self) -> String {
        let sequence = self.sequence.to_string();
        let fields = [&self.previous, &sequence, &self.recorded_at, &self.actor, &self.act, &self.object, &self.detail];
        let message: String = fields.iter().map(|field| format!("{}:{field}", field.len())).collect();
        hex::encode_upper(digest(&SHA256, message.as_bytes()))
    }
}

impl Checkpoint {
    /// What the centre signs.
    #[must_use]
    pub fn message(sequence: i64, hash: &str, signed_at: &str) -> Vec<u8> {
        format!("issuer audit checkpoint\n{sequence}\n{hash}\n{signed_at}\n").into_bytes()
    }
}

/// Reads the log in order and stops at the first record that does not hold.
#[derive(Debug)]
pub struct Verifier {
    public_key: Vec<u8>,
    checkpoints: std::collections::BTreeMap<i64, Checkpoint>,
    anchor: Option<Expected>,
    last: Option<(i64, String)>,
    /// Latest time of the records so far, seconds.
    latest: u64,
    verdict: Verdict,
}

impl Verifier {
    /// Verifies against these checkpoints, the centre's public key and the anchor, if the log has one.
    #[must_use]
    pub fn new(public_key: Vec<u8>, checkpoints: Vec<Checkpoint>, anchor: Option<Expected>) -> Self {
        let checkpoints = checkpoints.into_iter().map(|checkpoint| (checkpoint.sequence, checkpoint)).collect();
        let verdict = Verdict { anchored: anchor.is_some(), ..Verdict::none() };
        Self { public_key, checkpoints, anchor, last: None, latest: 0, verdict }
    }

    /// Takes the next record; `false` when it does not hold and reading may stop.
    pub fn take(&mut self, record: &Record) -> bool {
        self.verdict.records += 1;
        let (last, hash) = self.last.take().unwrap_or_else(|| (0, Record::GENESIS.to_owned()));
        let reason = if record.sequence != last + 1 {
            Some(Reason::Gap)
        } else if record.previous != hash {
            Some(Reason::Unchained)
        } else if record.computed_hash() != record.hash {
            Some(Reason::Altered)
        } else {
            let signed = match self.checkpoints.remove(&record.sequence) {
                Some(checkpoint) => self.check(&checkpoint, record),
                None => (record.act == CHECKPOINT_ACT).then_some(Reason::CheckpointMissing),
            };
            signed.or_else(|| self.anchored(record))
        };
        let at = clock::seconds_of(&record.recorded_at);
        if at + CLOCK_BACK < self.latest {
            self.verdict.clock_back.get_or_insert(record.sequence);
        }
        self.latest = self.latest.max(at);
        // A gap is named by the first record that is missing.
        let sequence = if reason == Some(Reason::Gap) { last + 1 } else { record.sequence };
        self.last = Some((record.sequence, record.hash.clone()));
        self.verdict.first_bad = reason.map(|reason| Bad { sequence, reason });
        reason.is_none()
    }

    fn anchored(&self, record: &Record) -> Option<Reason> {
        match self.anchor.as_ref()?.check(record.sequence, &record.hash)? {
            Finding::Differs(_) => Some(Reason::AnchorDiffers),
            Finding::Unanchored(_) => Some(Reason::Unanchored),
            Finding::Missing(_) => Some(Reason::CutOff),
            Finding::Replaced(_) => Some(Reason::Replaced),
            Finding::Malformed(_) => Some(Reason::AnchorBroken),
        }
    }

    fn check(&mut self, checkpoint: &Checkpoint, record: &Record) -> Option<Reason> {
        if checkpoint.hash != record.hash {
            return Some(Reason::CheckpointDiffers);
        }
        let message = Checkpoint::message(checkpoint.sequence, &checkpoint.hash, &checkpoint.signed_at);
        let signature = hex::decode(&checkpoint.signature).unwrap_or_default();
        if UnparsedPublicKey::new(&ED25519, &self.public_key).verify(&message, &signature).is_err() {
            return Some(Reason::SignatureWrong);
        }
        self.verdict.checkpoints += 1;
        self.verdict.signed_until = Some(checkpoint.sequence);
        None
    }

    /// The verdict after the last record.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        let last = self.last.as_ref().map_or(0, |(last, _)| *last);
        if self.verdict.first_bad.is_none() {
            let found = self.anchor.as_ref().and_then(|anchor| anchor.finish(last));
            let reason = match found {
                Some(Finding::Malformed(_)) => Some(Reason::AnchorBroken),
                Some(Finding::Replaced(_)) => Some(Reason::Replaced),
                Some(_) => Some(Reason::CutOff),
                None => (!self.checkpoints.is_empty()).then_some(Reason::CutOff),
            };
            self.verdict.first_bad = reason.map(|reason| Bad { sequence: last + 1, reason });
        }
        self.verdict
    }
}

impl Verdict {
    /// The same, of a log that was seen to be signed up to this record.
    #[must_use]
    pub fn asked(mut self, signed_from: Option<i64>) -> Self {
        let (asked, signed) = (signed_from.unwrap_or(0), self.signed_until.unwrap_or(0));
        if self.first_bad.is_none() && asked > signed {
            self.first_bad = Some(Bad { sequence: signed + 1, reason: Reason::Unsigned });
        }
        self
    }

    /// Of nothing read.
    pub(crate) const fn none() -> Self {
        Self { records: 0, checkpoints: 0, signed_until: None, anchored: false, clock_back: None, first_bad: None }
    }
}

impl Show for Verdict {
    fn text(&self, lang: Lang) -> String {
        let (records, checkpoints) = (self.records, self.checkpoints);
        match self.first_bad {
            None => {
                let anchored = if self.anchored {
                    lang.pick("，末尾与锚文件相符", ", its end agrees with the anchor")
                } else {
                    lang.pick("，没有锚文件，末尾未核对", ", no anchor: its end was not compared")
                };
                let back = self.clock_back.map(|sequence| {
                    lang.pick(
                        format!("\n第 {sequence} 条的时间早于此前的记录: 时钟被拨回过"),
                        format!("\nrecord {sequence} is earlier than one before it: the clock was set back"),
                    )
                });
                let back = back.unwrap_or_default();
                let last = self.signed_until.unwrap_or(0);
                let behind = records.saturating_sub(u64::try_from(last).unwrap_or(0));
                let signed = lang.pick(
                    format!("\n签名到第 {last} 条，其后 {behind} 条尚未签名 (issuer audit checkpoint)"),
                    format!("\nsigned up to record {last}, {behind} behind it not yet (issuer audit checkpoint)"),
                );
                lang.pick(
                    format!("审计日志完整: {records} 条记录, {checkpoints} 个签名检查点{anchored}{signed}{back}"),
                    format!(
                        "audit log holds: {records} records, {checkpoints} signed checkpoints{anchored}{signed}{back}"
                    ),
                )
            }
            Some(Bad { sequence, reason }) => lang.pick(
                format!("审计日志第 {sequence} 条不可信: {}", reason.text(lang)),
                format!("audit record {sequence} does not hold: {}", reason.text(lang)),
            ),
        }
    }
}

impl Reason {
    const fn text(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Gap => ("记录缺失", "the record is missing"),
            Self::Unchained => ("与前一条不相接", "it does not follow from the record before"),
            Self::Altered => ("内容被改动", "its content was altered"),
            Self::CheckpointDiffers => ("与签名检查点不符", "it differs from its signed checkpoint"),
            Self::SignatureWrong => ("检查点签名无效", "the signature of its checkpoint is wrong"),
            Self::CheckpointMissing => ("此处的签名检查点被删除", "the checkpoint that was signed here is missing"),
            Self::CutOff => ("日志末尾被截去", "the end of the log was cut off"),
            Self::AnchorDiffers => ("与锚文件不符", "it differs from its line in the anchor"),
            Self::Unanchored => ("锚文件中没有这一条", "the anchor does not know it"),
            Self::Replaced => (
                "此前已有另一条同号记录: 日志在此被截去后又续写",
                "another record of this number was committed before: the log was cut off here and went on",
            ),
            Self::AnchorBroken => ("锚文件缺失或损坏", "the anchor is missing or damaged"),
            Self::Unsigned => {
                ("此前核验时已有签名，现在没有", "it was signed when the log was looked at before, and is not")
            }
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: usize) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        for n in 0..length {
            let last = records.last().map(|record| (record.sequence, record.hash.clone()));
            let act = Act { actor: "a".into(), act: "test", object: format!("{n}"), detail: String::new() };
            records.push(Record::following(last, "2026-01-01T00:00:00.000Z".into(), &act));
        }
        records
    }

    fn verdict(records: &[Record], checkpoints: Vec<Checkpoint>) -> Verdict {
        let mut verifier = Verifier::new(Vec::new(), checkpoints, None);
        for record in records {
            if !verifier.take(record) {
                break;
            }
        }
        verifier.finish()
    }

    #[test]
    fn an_untouched_chain_holds() {
        assert_eq!(verdict(&chain(5), Vec::new()), Verdict { records: 5, ..Verdict::none() });
    }

    #[test]
    fn a_log_that_is_signed_less_far_than_somebody_saw_does_not_hold() {
        let signed = Verdict { records: 5, signed_until: Some(3), ..Verdict::none() };
        for enough in [None, Some(0), Some(3)] {
            assert_eq!(signed.clone().asked(enough), signed);
        }
        let bad = |verdict: Verdict| verdict.first_bad;
        assert_eq!(bad(signed.clone().asked(Some(4))), Some(Bad { sequence: 4, reason: Reason::Unsigned }));
        assert_eq!(bad(Verdict::none().asked(Some(1))), Some(Bad { sequence: 1, reason: Reason::Unsigned }));
        let altered = Some(Bad { sequence: 2, reason: Reason::Altered });
        assert_eq!(bad(Verdict { first_bad: altered, ..signed }.asked(Some(4))), altered);
    }

    #[test]
    fn times_that_go_back_are_told_and_the_log_holds() {
        let mut records: Vec<Record> = Vec::new();
        for time in ["08:00:00", "08:10:00", "08:09:30", "08:08:59", "08:00:00"] {
            let last = records.last().map(|record| (record.sequence, record.hash.clone()));
            let act = Act { actor: "a".into(), act: "test", object: String::new(), detail: String::new() };
            records.push(Record::following(last, format!("2026-01-01T{time}.000Z"), &act));
        }
        let found = verdict(&records, Vec::new());
        assert_eq!((found.first_bad, found.clock_back), (None, Some(4)));
        assert!(found.text(Lang::En).contains("record 4") && found.text(Lang::Zh).contains("第 4 条"));
    }

    #[test]
    fn a_changed_field_of_any_record_is_named() {
        for n in 0..4 {
            let changes: [fn(&mut Record); 5] = [
                |r| r.actor.push('x'),
                |r| r.act.push('x'),
                |r| r.object.push('x'),
                |r| r.detail.push('x'),
                |r| r.recorded_at.push('x'),
            ];
            for change in changes {
                let mut records = chain(4);
                change(&mut records[n]);
                let bad = verdict(&records, Vec::new()).first_bad.expect("found");
                assert_eq!((bad.sequence, bad.reason), (i64::try_from(n).expect("small") + 1, Reason::Altered));
            }
        }
    }

    #[test]
    fn a_record_rehashed_after_a_change_unchains_the_next() {
        let mut records = chain(3);
        records[1].detail.push('x');
        records[1].hash = records[1].computed_hash();
        assert_eq!(verdict(&records, Vec::new()).first_bad, Some(Bad { sequence: 3, reason: Reason::Unchained }));
    }

    #[test]
    fn a_removed_record_is_a_gap_at_its_place() {
        let mut records = chain(4);
        records.remove(1);
        assert_eq!(verdict(&records, Vec::new()).first_bad, Some(Bad { sequence: 2, reason: Reason::Gap }));
    }

    #[test]
    fn an_end_cut_off_before_a_checkpoint_is_seen() {
        let mut records = chain(4);
        let last = records.pop().expect("four");
        let checkpoint =
            Checkpoint { sequence: last.sequence, hash: last.hash, signed_at: String::new(), signature: String::new() };
        let bad = verdict(&records, vec![checkpoint]).first_bad;
        assert_eq!(bad, Some(Bad { sequence: 4, reason: Reason::CutOff }));
    }
}
