//! The chain: what each record must be, given the one before.
//!
//! Source: docs/audit.md; SHA-256 (FIPS 180-4), Ed25519 (RFC 8032).
//! Owns: the rules, the verdict. Never: reads a file or a database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ring::digest::{Context, SHA256};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;

use crate::anchor::Lines;

/// A record as it is written down.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    pub(crate) sequence: i64,
    pub(crate) recorded_at: String,
    pub(crate) actor: String,
    pub(crate) act: String,
    pub(crate) object: String,
    pub(crate) detail: String,
    pub(crate) previous: String,
    pub(crate) hash: String,
}

/// A signed head.
#[derive(Debug, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) sequence: i64,
    pub(crate) hash: String,
    pub(crate) signed_at: String,
    pub(crate) signature: String,
}

/// Why the log cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of an export is none.
    #[error("{}: line {line} is no line of an export", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// The database's log has something in it, and cannot be read where nothing may be written.
    #[error("{}: a part of the database is in it and cannot be read in a folder that is read-only", path.display())]
    LogUnread {
        /// The log.
        path: PathBuf,
    },
    /// The database was written while it was read without a lock.
    #[error("{}: written while it was read", path.display())]
    Overtaken {
        /// The file.
        path: PathBuf,
    },
    /// The file is no database of a centre.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        source: Box<dyn std::error::Error>,
    },
}

/// Why a record does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A position is missing or comes twice.
    Gap,
    /// The hash of the record before is another one.
    Unchained,
    /// The content gives another hash.
    Altered,
    /// A checkpoint has another hash.
    CheckpointDiffers,
    /// There is a signature and no key to check it with.
    KeyMissing,
    /// The signature is not the centre's.
    SignatureWrong,
    /// It says that it was signed, and there is no checkpoint of it.
    CheckpointMissing,
    /// A checkpoint or the anchor knows of it, and it is not there.
    CutOff,
    /// The anchor has another hash, or none.
    AnchorDiffers,
    /// The anchor has seen another one committed: the log was cut off and went on.
    Replaced,
    /// The anchor has a line that is none.
    AnchorBroken,
    /// It was signed when somebody looked, and is not.
    Unsigned,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Records read.
    pub(crate) records: u64,
    /// Checkpoints that hold.
    pub(crate) checkpoints: u64,
    /// The last record that a checkpoint signs.
    pub(crate) signed_until: i64,
    /// Whether there was an anchor.
    pub(crate) anchored: bool,
    /// Whether the key came from elsewhere than the log.
    pub(crate) key_pinned: bool,
    /// The first record that is more than a minute earlier than one before it.
    pub(crate) clock_back: Option<i64>,
    /// The first record that does not hold.
    pub(crate) first_bad: Option<(i64, Reason)>,
}

/// A walk along the log.
#[derive(Debug)]
pub(crate) struct Walk {
    key: Vec<u8>,
    anchor: Option<Lines>,
    checkpoints: BTreeMap<i64, Checkpoint>,
    last: (i64, String),
    /// Latest minute of the records so far.
    latest: i64,
    verdict: Verdict,
}

impl Walk {
    pub(crate) fn new(public_key: Option<String>, anchor: Option<Lines>) -> Self {
        let verdict = Verdict {
            records: 0,
            checkpoints: 0,
            signed_until: 0,
            anchored: anchor.is_some(),
            key_pinned: public_key.is_some(),
            clock_back: None,
            first_bad: None,
        };
        let key = public_key.map(|text| hex::decode(text).unwrap_or_default()).unwrap_or_default();
        Self { key, anchor, checkpoints: BTreeMap::new(), last: (0, "0".repeat(64)), latest: 0, verdict }
    }

    /// The key that the log names; one from paper stays.
    pub(crate) fn key(&mut self, text: &str) {
        if !self.verdict.key_pinned {
            self.key = hex::decode(text).unwrap_or_default();
        }
    }

    /// A checkpoint; all come before the first record.
    pub(crate) fn checkpoint(&mut self, checkpoint: Checkpoint) {
        self.checkpoints.insert(checkpoint.sequence, checkpoint);
    }

    /// The next record; `false` when there is no need to go on.
    pub(crate) fn record(&mut self, record: &Record) -> bool {
        self.verdict.records += 1;
        let (last, hash) = (self.last.0, std::mem::take(&mut self.last.1));
        let bad = if record.sequence != last + 1 {
            // What is missing is named, not what stands in its place.
            Some((last + 1, Reason::Gap))
        } else {
            self.judge(record, &hash).map(|reason| (record.sequence, reason))
        };
        let minute = minute(&record.recorded_at);
        if minute + 1 < self.latest {
            self.verdict.clock_back.get_or_insert(record.sequence);
        }
        self.latest = self.latest.max(minute);
        self.last = (record.sequence, record.hash.clone());
        self.verdict.first_bad = bad;
        bad.is_none()
    }

    fn judge(&mut self, record: &Record, before: &str) -> Option<Reason> {
        if record.previous != before {
            return Some(Reason::Unchained);
        }
        if digest(record) != record.hash {
            return Some(Reason::Altered);
        }
        if let Some(checkpoint) = self.checkpoints.remove(&record.sequence) {
            if checkpoint.hash != record.hash {
                return Some(Reason::CheckpointDiffers);
            }
            if self.key.is_empty() {
                return Some(Reason::KeyMissing);
            }
            let Checkpoint { sequence, hash, signed_at, signature } = checkpoint;
            let message = format!("issuer audit checkpoint\n{sequence}\n{hash}\n{signed_at}\n");
            let signature = hex::decode(signature).unwrap_or_default();
            if UnparsedPublicKey::new(&ED25519, &self.key).verify(message.as_bytes(), &signature).is_err() {
                return Some(Reason::SignatureWrong);
            }
            self.verdict.checkpoints += 1;
            self.verdict.signed_until = sequence;
        } else if record.act == "audit.checkpoint" {
            return Some(Reason::CheckpointMissing);
        }
        if self.anchor.as_ref().is_some_and(|anchor| anchor.replaces(record.sequence)) {
            return Some(Reason::Replaced);
        }
        let known = self.anchor.as_ref().is_none_or(|anchor| anchor.allows(record.sequence, &record.hash));
        (!known).then_some(Reason::AnchorDiffers)
    }

    /// After the last record.
    /// The verdict; somebody saw before that the log was signed up to record `signed_from`, 0 when nobody did.
    pub(crate) fn end(mut self, signed_from: i64) -> Verdict {
        if self.verdict.first_bad.is_none() {
            let next = self.last.0 + 1;
            let wanted = self.anchor.as_ref().map_or(0, Lines::last_committed);
            let reason = if self.anchor.as_ref().is_some_and(Lines::is_broken) {
                Some(Reason::AnchorBroken)
            } else if self.anchor.as_ref().is_some_and(|anchor| anchor.replaces_after(self.last.0)) {
                Some(Reason::Replaced)
            } else {
                (wanted >= next || !self.checkpoints.is_empty()).then_some(Reason::CutOff)
            };
            let signed = self.verdict.signed_until;
            let unsigned = (signed < signed_from).then_some((signed + 1, Reason::Unsigned));
            self.verdict.first_bad = reason.map(|reason| (next, reason)).or(unsigned);
        }
        self.verdict
    }
}

/// Minutes since the year 0 of `YYYY-MM-DDThh:mm:ss.mmmZ`, the days counted as a calendar does; 0 for any other text.
fn minute(instant: &str) -> i64 {
    let part = |from: usize, to: usize| instant.get(from..to).and_then(|part| part.parse::<i64>().ok());
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute)) =
        (part(0, 4), part(5, 7), part(8, 10), part(11, 13), part(14, 16))
    else {
        return 0;
    };
    // The year begins in March, so that a leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    (days * 24 + hour) * 60 + minute
}

/// SHA-256 over length, colon and bytes of each field, upper-case hex.
fn digest(record: &Record) -> String {
    let sequence = record.sequence.to_string();
    let mut context = Context::new(&SHA256);
    for field in
        [&record.previous, &sequence, &record.recorded_at, &record.actor, &record.act, &record.object, &record.detail]
    {
        context.update(field.len().to_string().as_bytes());
        context.update(b":");
        context.update(field.as_bytes());
    }
    hex::encode_upper(context.finish())
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::{Checkpoint, Reason, Record, Verdict, Walk, digest, minute};

    /// Verdict on five records of which the third is signed, with a key or without any.
    fn signed_third(with_key: bool, signed_from: i64) -> Verdict {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("random");
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
        let mut records: Vec<Record> = Vec::new();
        for sequence in 1..=5 {
            let text = |text: &str| text.to_owned();
            let mut record = Record {
                sequence,
                recorded_at: text("2026-01-01T00:00:00.000Z"),
                actor: text("a"),
                act: text("test"),
                object: sequence.to_string(),
                detail: String::new(),
                previous: records.last().map_or_else(|| "0".repeat(64), |before| before.hash.clone()),
                hash: String::new(),
            };
            record.hash = digest(&record);
            records.push(record);
        }
        let (sequence, hash, signed_at) = (3, records[2].hash.clone(), "2026-01-01T00:00:00.000Z".to_owned());
        let message = format!("issuer audit checkpoint\n{sequence}\n{hash}\n{signed_at}\n");
        let signature = hex::encode_upper(pair.sign(message.as_bytes()));
        let mut walk = Walk::new(None, None);
        if with_key {
            walk.key(&hex::encode_upper(pair.public_key()));
        }
        walk.checkpoint(Checkpoint { sequence, hash, signed_at, signature });
        for record in &records {
            if !walk.record(record) {
                break;
            }
        }
        walk.end(signed_from)
    }

    #[test]
    fn a_log_is_signed_up_to_its_last_checkpoint_and_without_a_key_nothing_is() {
        let verdict = signed_third(true, 0);
        assert_eq!((verdict.first_bad, verdict.records, verdict.signed_until), (None, 5, 3));
        let keyless = signed_third(false, 0);
        assert_eq!((keyless.first_bad, keyless.signed_until), (Some((3, Reason::KeyMissing)), 0));
    }

    #[test]
    fn a_log_that_is_signed_less_far_than_somebody_saw_does_not_hold() {
        assert_eq!(signed_third(true, 3).first_bad, None);
        for signed_from in [4, 5, 500] {
            assert_eq!(signed_third(true, signed_from).first_bad, Some((4, Reason::Unsigned)), "{signed_from}");
        }
    }

    #[test]
    fn minutes_follow_each_other_over_months_years_and_leap_days() {
        for (before, after) in [
            ("2026-01-31T23:59:00.000Z", "2026-02-01T00:00:00.000Z"),
            ("2026-02-28T23:59:59.999Z", "2026-03-01T00:00:00.000Z"),
            ("2024-02-28T23:59:00.000Z", "2024-02-29T00:00:00.000Z"),
            ("2024-02-29T23:59:00.000Z", "2024-03-01T00:00:00.000Z"),
            ("2026-12-31T23:59:00.000Z", "2027-01-01T00:00:00.000Z"),
            ("2026-04-30T23:59:00.000Z", "2026-05-01T00:00:00.000Z"),
        ] {
            assert_eq!(minute(before) + 1, minute(after), "{before}");
        }
        assert_eq!((minute(""), minute("yesterday, at about noon")), (0, 0));
    }
}
