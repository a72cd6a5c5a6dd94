//! Measurements of the centre for monitoring: counted anew from the database at every look; requests, and the lines of the log that are lost, by the process.
//!
//! Source: OpenMetrics 1.0 (the text format).
//! Owns: their names and units. Never: a name, number or card; a label that anybody outside can choose.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::clock;
use crate::log;
use crate::station::care::Reason;
use crate::store::{StoreError, Tx};

/// An hour.
const HOUR_S: u32 = 3_600;

/// Measurements that labels tell apart.
type ByLabel = Family<Vec<(&'static str, String)>, Gauge>;

/// The measurements of this moment, as `/metrics` answers them.
///
/// # Errors
/// [`StoreError`].
pub fn text(tx: &Tx<'_>) -> Result<String, StoreError> {
    let mut registry = Registry::with_prefix("issuer");
    cards(tx, &mut registry)?;
    queues(tx, &mut registry)?;
    let head = tx.audit_head()?.map_or(0, |(sequence, _)| sequence);
    put(&mut registry, "audit_records", "Records of the audit log", head);
    let signed = tx.audit_checkpoints()?.last().map_or(0, |checkpoint| checkpoint.sequence);
    put(&mut registry, "audit_unsigned", "Records behind the last signed checkpoint", head.saturating_sub(signed));
    put(&mut registry, "blacklist_sequence", "Sequence of the blacklist as it stands", whole(tx.blacklist_sequence()?));
    put(
        &mut registry,
        "log_lines_lost",
        "Lines of the log that this process could not write",
        whole(log::lines_lost()),
    );
    requests(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).expect("a text takes what is written");
    Ok(text)
}

fn cards(tx: &Tx<'_>, registry: &mut Registry) -> Result<(), StoreError> {
    let made = tx.cards_made_since(&clock::seconds_ago(HOUR_S))?;
    put(registry, "cards_made_last_hour", "Cards that stations finished within the last hour", whole(made));
    let states = ByLabel::default();
    for (state, cards) in tx.cards_by_state()? {
        states.get_or_create(&vec![("state", state)]).set(whole(cards));
    }
    registry.register("cards", "Cards by state of making", states);
    let spoilt = ByLabel::default();
    for Reason { reason, cards } in tx.spoilt_reasons(None)? {
        let code = reason.split(' ').next().unwrap_or_default().to_owned();
        let labels = vec![("code", code), ("status_word", status_word(&reason).to_owned())];
        spoilt.get_or_create(&labels).inc_by(whole(cards));
    }
    registry.register(
        "cards_spoilt",
        "Cards spoilt since the beginning, by code and by the status word of the card",
        spoilt,
    );
    Ok(())
}

fn queues(tx: &Tx<'_>, registry: &mut Registry) -> Result<(), StoreError> {
    let (waiting, oldest) = (ByLabel::default(), ByLabel::default());
    for queue in tx.queues()? {
        let label = vec![("queue", queue.name.to_owned())];
        waiting.get_or_create(&label).set(whole(queue.waiting));
        let age = queue.oldest.map_or(0, |since| clock::seconds().saturating_sub(clock::seconds_of(&since)));
        oldest.get_or_create(&label).set(whole(age));
    }
    registry.register("queue_waiting", "What waits in a queue", waiting);
    registry.register("queue_oldest_seconds", "For how long the first in a queue has waited", oldest);
    Ok(())
}

/// Requests since this process began, by door and by what became of them.
fn requests(registry: &mut Registry) {
    let requests: Family<Vec<(&'static str, String)>, Counter> = Family::default();
    for (edge, outcome, count) in log::requests() {
        requests.get_or_create(&vec![("edge", edge.to_owned()), ("outcome", outcome.to_owned())]).inc_by(count);
    }
    registry.register(
        "requests",
        "Requests since this process began, by door: done, refused, failed, or nobody waited",
        requests,
    );
}

fn put(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The status word in a reason, `none` when the card gave none.
fn status_word(reason: &str) -> &str {
    let is_one = |word: &&str| {
        let hex = word.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
        word.len() == 4 && hex && (word.starts_with('6') || word.starts_with('9'))
    };
    reason.split(|c: char| !c.is_ascii_alphanumeric()).rfind(is_one).unwrap_or("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_word_of_a_reason_is_told_from_other_words() {
        assert_eq!(status_word("CARD_REFUSED 6A84"), "6A84");
        assert_eq!(status_word("READER_GONE"), "none");
        assert_eq!(status_word("record 61 of 2026"), "none");
        assert_eq!(status_word("6581"), "6581");
    }
}
