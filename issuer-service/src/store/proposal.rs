//! What one person asked for in clearing and another decides, of four kinds alike, a page at a time.

use super::engine::{self, Row};
use super::{StoreError, Tx};

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A record that was not posted.
    Record,
    /// A sale whose terminal never came back.
    Sale,
    /// Money for accounts.
    Allotment,
    /// A load or refund whose outcome nobody told.
    Load,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Record, Self::Sale, Self::Allotment, Self::Load];

    /// Name in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "records",
            Self::Sale => "sales",
            Self::Allotment => "allotments",
            Self::Load => "loads",
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Record => {
                "SELECT number, row_terminal || '/' || CAST(row_record AS TEXT), act, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), reason, state, maker, made_at,
                        checker, rejected_why
                 FROM (SELECT number, row_terminal, row_record, act, reason, state, maker, made_at, checker FROM row_decision
                       UNION ALL SELECT taken_number, taken_terminal, taken_record, 'take-back', taken_reason, taken_state,
                              taken_by, taken_at, taken_checker FROM row_take_back) AS decision
                 LEFT JOIN rejection ON rejected_kind = 'row' AND rejected_number = number"
            }
            Self::Sale => {
                "SELECT number, sale_id, 'close', CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), reason, state, maker, made_at, checker,
                        rejected_why FROM sale_closure
                 LEFT JOIN rejection ON rejected_kind = 'sale' AND rejected_number = number"
            }
            Self::Allotment => {
                "SELECT number, CAST(NULL AS TEXT), 'allot', holders, total, CAST(NULL AS TEXT), LOWER(state), maker, made_at, checker, rejected_why
                 FROM (SELECT id AS number, state, maker, made_at, checker,
                              (SELECT COUNT(*) FROM allotment WHERE request = id) AS holders,
                              (SELECT CAST(SUM(amount_fen) AS BIGINT) FROM allotment WHERE request = id) AS total
                       FROM allotment_request) AS asked
                 LEFT JOIN rejection ON rejected_kind = 'allotment' AND rejected_number = number"
            }
            Self::Load => {
                "SELECT number, load_id, act, CAST(NULL AS BIGINT), amount_fen, reason, asked_state, maker, made_at, checker, rejected_why
                 FROM (SELECT number, load_decision.load_id, act, amount_fen + pooled_fen AS amount_fen, reason, load_decision.state AS asked_state,
                              maker, made_at, checker
                       FROM load_decision JOIN load ON load.load_id = load_decision.load_id) AS decision
                 LEFT JOIN rejection ON rejected_kind = 'load' AND rejected_number = number"
            }
        }
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Behind this number, in order.
    After(i64),
    /// Before this one, the newest first.
    Before(i64),
}

/// What was asked for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Number, among those of its kind.
    pub number: i64,
    /// The record (`TERMINAL/NUMBER`), the sale, the load.
    pub about: Option<String>,
    /// `post`, `return`, `dismiss`, `take-back`, `close`, `allot`, `credited`, `not-credited`.
    pub act: String,
    /// Holders who get money; of an allotment.
    pub holders: Option<i64>,
    /// What they all get, or the card in a load, fen.
    pub total_fen: Option<i64>,
    /// Why it was asked for.
    pub reason: Option<String>,
    /// `proposed`, `approved`, `rejected`.
    pub state: String,
    /// Who asked.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
    /// Who decided.
    pub checker: Option<String>,
    /// Why it was rejected.
    pub rejection: Option<String>,
}

impl Tx<'_> {
    /// Those of a kind, a page of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn proposals(&self, kind: Kind, page: Page, limit: u32) -> Result<Vec<Proposal>, StoreError> {
        let (condition, from) = match page {
            Page::After(number) => ("number > $1 ORDER BY number", number),
            Page::Before(number) => ("number < $1 ORDER BY number DESC", number),
        };
        let mut find = self.sql.prepare(&format!("{} WHERE {condition} LIMIT $2", kind.sql()))?;
        Ok(find.query_map((from, limit), proposal)?.collect::<Result<_, _>>()?)
    }
}

fn proposal(row: &Row<'_>) -> engine::Result<Proposal> {
    let state: String = row.get(6)?;
    Ok(Proposal {
        number: row.get(0)?,
        about: row.get(1)?,
        act: row.get(2)?,
        holders: row.get(3)?,
        total_fen: row.get(4)?,
        reason: row.get(5)?,
        // What was asked for is proposed, whatever its own kind calls it.
        state: if state == "requested" { "proposed".to_owned() } else { state },
        maker: row.get(7)?,
        made_at: row.get(8)?,
        checker: row.get(9)?,
        rejection: row.get(10)?,
    })
}
