//! Numbers of messages: institution, moment, sequence, each given out once.
//!
//! Source: `msgid` of the national interface. Owns: which number is free. Never: forgets one that was given out.

use rusqlite::Connection;
use settlement::DateTime;
use settlement::national::MsgId;
use settlement::national::envelope::InstitutionNumber;

use crate::clock::Now;

/// Seconds that a number may lie ahead of the clock, when those of this second are used up.
const AHEAD_MAX_S: i64 = 3_600;

/// Which numbers are this terminal's: several of one institution share its 12 characters, each with its own sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// 定点医药机构编号.
    pub institution: InstitutionNumber,
    /// First sequence.
    pub first: u16,
    /// Last sequence, at most 9999.
    pub last: u16,
}

/// The first number of this moment, or of the next that has one left.
pub(super) fn free(connection: &Connection, numbering: &Numbering, now: Now) -> rusqlite::Result<Option<MsgId>> {
    let mut newest = connection.prepare_cached("SELECT max(msgid) FROM message WHERE msgid >= ?1 AND msgid <= ?2")?;
    for ahead in 0..AHEAD_MAX_S {
        let at: DateTime = now.later(ahead).date_time();
        let id = |sequence| MsgId::of(&numbering.institution, at, sequence);
        let (Some(first), Some(last)) = (id(numbering.first), id(numbering.last)) else { return Ok(None) };
        let used: Option<String> = newest.query_row([first.as_str(), last.as_str()], |row| row.get(0))?;
        let sequence = match used.as_deref().map(|msgid| msgid.get(26..).and_then(|digits| digits.parse::<u16>().ok()))
        {
            None => Some(numbering.first),
            Some(used) => used.map(|used| used + 1).filter(|next| *next <= numbering.last),
        };
        if let Some(sequence) = sequence {
            return Ok(id(sequence));
        }
    }
    Ok(None)
}
