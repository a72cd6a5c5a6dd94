//! States of things that stations, partners and operators pass on to each other, and the only moves between them.
//!
//! Owns: how such a table is written, the list of all of them as `issuer states` prints it and `docs/states.md` keeps it.
//! Never: moves anything; `store` does, by guarded updates that take a move from one of these tables.

use std::fmt::Write;

use serde::Serialize;

use crate::batch::{BatchState, JobState, NumberState};
use crate::ceremony::state::CeremonyState;
use crate::exchange::state::{FileState, RowState};
use crate::lang::Lang;
use crate::output::Show;
use crate::peer::CertificateState;
use crate::psam::custody::PsamState;
use crate::request::RequestState;
use crate::stock::StockState;

/// A state and its name in the database.
pub trait State: Copy {
    /// The name.
    fn name(self) -> &'static str;
}

/// A table of states as it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What has these states, also its table in the database: `batch`.
    pub name: &'static str,
    /// The states.
    pub states: &'static [Row],
    /// The only ways between them.
    pub moves: &'static [Way],
}

/// A state of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Name in the database.
    pub name: &'static str,
    /// The Chinese word for it.
    pub zh: &'static str,
    /// What it means.
    pub means: &'static str,
}

/// A move of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// Name of the move.
    pub name: &'static str,
    /// State before.
    pub from: &'static str,
    /// State after.
    pub to: &'static str,
    /// By whom and when.
    pub when: &'static str,
}

/// States of a table and its moves: from, to. There is no other way to change a state.
macro_rules! states {
    ($(#[doc = $doc:literal])* $table:literal $state:ident {
        $($(#[doc = $sdoc:literal])* $s:ident = $name:literal $zh:literal),* $(,)?
     }
     $(#[doc = $mdoc:literal])* $move:ident { $($(#[doc = $vdoc:literal])* $m:ident: $from:ident => $to:ident),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $state { $($(#[doc = $sdoc])* $s),* }

        impl $crate::state::State for $state {
            fn name(self) -> &'static str {
                match self { $(Self::$s => $name),* }
            }
        }

        impl $state {
            /// The table as it is published.
            pub const TABLE: $crate::state::Table = $crate::state::Table {
                name: $table,
                states: &[$($crate::state::Row { name: $name, zh: $zh, means: concat!($($sdoc),*) }),*],
                moves: &[$($crate::state::Way {
                    name: stringify!($m),
                    from: Self::$from.published(),
                    to: Self::$to.published(),
                    when: concat!($($vdoc),*),
                }),*],
            };

            /// The state of a name in the database.
            #[must_use]
            pub fn of_name(name: &str) -> Option<Self> {
                [$(Self::$s),*].into_iter().find(|state| state.published() == name)
            }

            const fn published(self) -> &'static str {
                match self { $(Self::$s => $name),* }
            }
        }

        $(#[doc = $mdoc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $move { $($(#[doc = $vdoc])* $m),* }

        impl $move {
            /// The state before and the state after.
            #[must_use]
            pub const fn ends(self) -> ($state, $state) {
                match self { $(Self::$m => ($state::$from, $state::$to)),* }
            }
        }
    };
}

pub(crate) use states;

/// All tables.
pub const TABLES: &[Table] = &[
    RequestState::TABLE,
    BatchState::TABLE,
    JobState::TABLE,
    NumberState::TABLE,
    crate::card::state::TABLE,
    crate::card::pin::PinOrderState::TABLE,
    crate::card::update::UpdateState::TABLE,
    crate::clearing::sale::SaleState::TABLE,
    StockState::TABLE,
    FileState::TABLE,
    RowState::TABLE,
    PsamState::TABLE,
    crate::clearing::decision::DecisionState::TABLE,
    CeremonyState::TABLE,
    CertificateState::TABLE,
    crate::sync::SyncState::TABLE,
    crate::sync::SyncFileState::TABLE,
    crate::query::ticket::TicketState::TABLE,
    crate::registry::identity::OrderState::TABLE,
];

/// Tables to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tables {
    /// In their order.
    pub tables: Vec<Table>,
}

impl Tables {
    /// All of them, or the one of this name; empty when there is none.
    #[must_use]
    pub fn of(name: Option<&str>) -> Self {
        Self { tables: TABLES.iter().filter(|table| name.is_none_or(|name| table.name == name)).copied().collect() }
    }

    /// The page `docs/states.md`.
    #[must_use]
    pub fn page() -> String {
        let mut page = String::from(
            "# States\n\n\
             Every state that the centre keeps, and the only moves between states. Made from the program's own tables by\n\
             `issuer states --markdown`; a test compares.\n",
        );
        for Table { name, states, moves } in TABLES {
            let _ = write!(page, "\n## {name}\n\n| state | 状态 | means |\n|---|---|---|\n");
            for row in *states {
                let _ = writeln!(page, "| `{}` | {} | {} |", row.name, row.zh, row.means.trim());
            }
            let _ = write!(page, "\n| move | from | to | when |\n|---|---|---|---|\n");
            for way in *moves {
                let _ = writeln!(page, "| {} | `{}` | `{}` | {} |", way.name, way.from, way.to, way.when.trim());
            }
        }
        page
    }
}

/// The Chinese word for a state of a table, or its name.
#[must_use]
pub fn word(table: &Table, name: &str, lang: Lang) -> String {
    let row = table.states.iter().find(|row| row.name == name);
    row.map_or_else(|| name.to_owned(), |row| lang.pick(row.zh, row.name).to_owned())
}

impl Show for Tables {
    fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for Table { name, states, moves } in &self.tables {
            lines.push((*name).to_owned());
            lines.extend(states.iter().map(|row| {
                let means = lang.pick(row.zh, row.means.trim());
                format!("  {:<14} {means}", row.name)
            }));
            lines.extend(moves.iter().map(|way| format!("  {} -> {}  ({})", way.from, way.to, way.name)));
        }
        lines.join("\n")
    }
}
