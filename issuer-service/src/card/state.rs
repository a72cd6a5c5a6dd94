//! States of a card after it is made (卡应用状态, AAZ502), and the moves between them: the one table.
//!
//! Source: AAZ502 as a deployed system codes it; the moves are inferred from city notices on loss, release and replacement.
//! Owns: the states, the moves, who may make them, what they need. A site may only take moves away (`rule`).
//! Never: moves a card (`life`), knows a database.

use serde::Serialize;

use crate::batch::CardState;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;

/// State of a card that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LifeState {
    /// 封存: made, not yet handed out.
    Sealed,
    /// 正常.
    Normal,
    /// 正式挂失.
    FormalLoss,
    /// 应用锁定.
    Locked,
    /// 临时挂失.
    TemporaryLoss,
    /// 注销: out of use, for ever.
    Cancelled,
}

impl LifeState {
    /// All, in order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Sealed, Self::Normal, Self::FormalLoss, Self::Locked, Self::TemporaryLoss, Self::Cancelled];

    /// Name in the database and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Normal => "normal",
            Self::FormalLoss => "formal_loss",
            Self::Locked => "locked",
            Self::TemporaryLoss => "temporary_loss",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a name; `None` for a card that is still being made, or failed.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// AAZ502.
    #[must_use]
    pub const fn code(self) -> char {
        match self {
            Self::Sealed => '0',
            Self::Normal => '1',
            Self::FormalLoss => '2',
            Self::Locked => '3',
            Self::TemporaryLoss => '4',
            Self::Cancelled => '9',
        }
    }

    /// Chinese name.
    #[must_use]
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Sealed => "封存",
            Self::Normal => "正常",
            Self::FormalLoss => "正式挂失",
            Self::Locked => "应用锁定",
            Self::TemporaryLoss => "临时挂失",
            Self::Cancelled => "注销",
        }
    }

    /// What it means, with its code.
    const fn meaning(self) -> &'static str {
        match self {
            Self::Sealed => "AAZ502 0: made, not yet handed out.",
            Self::Normal => "AAZ502 1: in its holder's hands, works.",
            Self::FormalLoss => "AAZ502 2: lost until a new card is activated.",
            Self::Locked => "AAZ502 3: may not work for now.",
            Self::TemporaryLoss => "AAZ502 4: lost for the period of the site.",
            Self::Cancelled => "AAZ502 9: out of use for ever.",
        }
    }

    /// English name.
    #[must_use]
    pub const fn english(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Normal => "normal",
            Self::FormalLoss => "formal loss",
            Self::Locked => "locked",
            Self::TemporaryLoss => "temporary loss",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether terminals must refuse the card: it stands on the blacklist. A sealed card was never in anybody's hands.
    #[must_use]
    pub const fn is_listed(self) -> bool {
        match self {
            Self::FormalLoss | Self::Locked | Self::TemporaryLoss | Self::Cancelled => true,
            Self::Sealed | Self::Normal => false,
        }
    }
}

/// What is done to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// 启用: handed out.
    Activate,
    /// 临时挂失.
    ReportTemporary,
    /// 正式挂失.
    ReportFormal,
    /// 解挂 of a temporary loss.
    Release,
    /// The period of a temporary loss is over.
    Expire,
    /// 解挂 of a formal loss.
    Revoke,
    /// 应用锁定.
    Lock,
    /// 应用解锁.
    Unlock,
    /// 注销.
    Cancel,
    /// The holder died.
    Death,
    /// 补换: the successor was activated.
    Replace,
}

impl Step {
    /// All.
    pub const ALL: [Self; 11] = [
        Self::Activate,
        Self::ReportTemporary,
        Self::ReportFormal,
        Self::Release,
        Self::Expire,
        Self::Revoke,
        Self::Lock,
        Self::Unlock,
        Self::Cancel,
        Self::Death,
        Self::Replace,
    ];

    /// Name in the database, in output and in the site's configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::ReportTemporary => "report-temporary",
            Self::ReportFormal => "report-formal",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Revoke => "revoke",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Cancel => "cancel",
            Self::Death => "death",
            Self::Replace => "replace",
        }
    }

    /// The command that makes it.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Activate => "card activate",
            Self::ReportTemporary | Self::ReportFormal => "card report-loss",
            Self::Release | Self::Revoke => "card release",
            Self::Expire => "card due",
            Self::Lock => "card lock",
            Self::Unlock => "card unlock",
            Self::Cancel => "card cancel",
            Self::Death => "person death",
            Self::Replace => "card activate",
        }
    }

    /// Name for people.
    #[must_use]
    pub const fn label(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Activate => ("启用", "activate"),
            Self::ReportTemporary => ("临时挂失", "report temporary loss"),
            Self::ReportFormal => ("正式挂失", "report formal loss"),
            Self::Release => ("解除临时挂失", "release"),
            Self::Expire => ("临时挂失到期", "end of temporary loss"),
            Self::Revoke => ("撤销正式挂失", "revoke formal loss"),
            Self::Lock => ("锁定", "lock"),
            Self::Unlock => ("解锁", "unlock"),
            Self::Cancel => ("注销", "cancel"),
            Self::Death => ("持卡人死亡", "death of the holder"),
            Self::Replace => ("补换", "replace"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// What a move needs besides its state, its actor and a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Nothing.
    None,
    /// The holder lives and the card has not expired.
    HolderLives,
    /// The holder lives, the card has not expired, and nobody has asked for another one because it is lost.
    HolderHasIt,
    /// The release period of the site has passed, and nobody has asked for another card because it is lost: `issuer card due`.
    PeriodOver,
    /// The site lets a formal loss be revoked, and no successor is under way or made.
    RevocableAndAlone,
    /// The death of the holder is recorded: `issuer person death`.
    DeathRecorded,
    /// In the transaction that activates the successor.
    SuccessorActivated,
    /// In the transaction that binds the successor to a chip: nobody fetched this one.
    SuccessorBegun,
}

impl Condition {
    const fn label(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::None => ("", ""),
            Self::SuccessorBegun => ("新卡开始制作时", "when a successor is begun at a station"),
            Self::HolderLives => ("持卡人在世，卡未过期", "the holder lives, the card has not expired"),
            Self::HolderHasIt => (
                "持卡人在世，卡未过期，未申请挂失补卡",
                "the holder lives, the card has not expired, no other one was asked for because it is lost",
            ),
            Self::PeriodOver => (
                "挂失期满，未申请挂失补卡 (issuer card due)",
                "the site's period is over, no other card was asked for because it is lost (issuer card due)",
            ),
            Self::RevocableAndAlone => ("本地允许撤销，且未补卡", "the site allows it and no successor was begun"),
            Self::DeathRecorded => {
                ("登记死亡 (issuer person death)", "with the record of the death (issuer person death)")
            }
            Self::SuccessorActivated => ("新卡启用时", "when the successor is activated"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// A move: the only way from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// What is done.
    pub step: Step,
    /// State before.
    pub from: LifeState,
    /// State after.
    pub to: LifeState,
    /// Who may.
    pub role: Role,
    /// Whether the operator must give a reason.
    pub reason_needed: bool,
    /// What else it needs.
    pub condition: Condition,
}

const fn row(
    step: Step,
    from: LifeState,
    to: LifeState,
    role: Role,
    reason_needed: bool,
    condition: Condition,
) -> Move {
    Move { step, from, to, role, reason_needed, condition }
}

/// Every move there is. What is not here cannot happen to a card.
pub const MOVES: &[Move] = {
    use Condition as C;
    use LifeState::{Cancelled, FormalLoss, Locked, Normal, Sealed, TemporaryLoss};
    use Role::{Capture, Counter, Station};
    &[
        row(Step::Activate, Sealed, Normal, Counter, false, C::HolderLives),
        row(Step::ReportTemporary, Normal, TemporaryLoss, Counter, true, C::None),
        row(Step::ReportFormal, Normal, FormalLoss, Counter, true, C::None),
        row(Step::ReportFormal, TemporaryLoss, FormalLoss, Counter, true, C::None),
        row(Step::ReportFormal, Locked, FormalLoss, Counter, true, C::None),
        row(Step::Release, TemporaryLoss, Normal, Counter, true, C::HolderHasIt),
        row(Step::Expire, TemporaryLoss, Normal, Counter, false, C::PeriodOver),
        row(Step::Revoke, FormalLoss, Normal, Counter, true, C::RevocableAndAlone),
        row(Step::Lock, Normal, Locked, Counter, true, C::None),
        row(Step::Unlock, Locked, Normal, Counter, true, C::None),
        row(Step::Cancel, Sealed, Cancelled, Counter, true, C::None),
        row(Step::Cancel, Normal, Cancelled, Counter, true, C::None),
        row(Step::Cancel, FormalLoss, Cancelled, Counter, true, C::None),
        row(Step::Cancel, Locked, Cancelled, Counter, true, C::None),
        row(Step::Cancel, TemporaryLoss, Cancelled, Counter, true, C::None),
        row(Step::Death, Sealed, Cancelled, Capture, true, C::DeathRecorded),
        row(Step::Death, Normal, Cancelled, Capture, true, C::DeathRecorded),
        row(Step::Death, FormalLoss, Cancelled, Capture, true, C::DeathRecorded),
        row(Step::Death, Locked, Cancelled, Capture, true, C::DeathRecorded),
        row(Step::Death, TemporaryLoss, Cancelled, Capture, true, C::DeathRecorded),
        row(Step::Replace, Sealed, Cancelled, Station, false, C::SuccessorBegun),
        row(Step::Replace, Normal, Cancelled, Counter, false, C::SuccessorActivated),
        row(Step::Replace, FormalLoss, Cancelled, Counter, false, C::SuccessorActivated),
        row(Step::Replace, Locked, Cancelled, Counter, false, C::SuccessorActivated),
        row(Step::Replace, TemporaryLoss, Cancelled, Counter, false, C::SuccessorActivated),
    ]
};

/// States and moves of a card as `issuer states` publishes them: in the making, and after.
pub const TABLE: crate::state::Table =
    crate::state::Table { name: CardState::TABLE.name, states: &published::STATES, moves: &published::WAYS };

mod published {
    use super::{CardState, Lang, LifeState, MOVES};
    use crate::state::{Row, Way};

    const MAKING: &[Way] = CardState::TABLE.moves;

    /// Being made, failed, and the life states.
    pub(super) const STATES: [Row; 2 + LifeState::ALL.len()] = {
        let [writing, sealed, spoilt] = CardState::TABLE.states else {
            panic!("a card in the making has three states")
        };
        let mut rows = [*writing, *spoilt, *sealed, *sealed, *sealed, *sealed, *sealed, *sealed];
        let mut place = 0;
        while place < LifeState::ALL.len() {
            let state = LifeState::ALL[place];
            rows[2 + place] = Row { name: state.name(), zh: state.chinese(), means: state.meaning() };
            place += 1;
        }
        rows
    };

    /// The making's, and the life's.
    pub(super) const WAYS: [Way; MAKING.len() + MOVES.len()] = {
        let mut ways = [MAKING[0]; MAKING.len() + MOVES.len()];
        let mut place = 0;
        while place < ways.len() {
            ways[place] = if place < MAKING.len() {
                MAKING[place]
            } else {
                let known = &MOVES[place - MAKING.len()];
                Way {
                    name: known.step.name(),
                    from: known.from.name(),
                    to: known.to.name(),
                    when: known.condition.label(Lang::En),
                }
            };
            place += 1;
        }
        ways
    };
}

/// The move of a step from a state; `None` when there is none.
#[must_use]
pub fn find(step: Step, from: LifeState) -> Option<&'static Move> {
    MOVES.iter().find(|known| known.step == step && known.from == from)
}

/// The table, with what the site took away.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// States.
    pub states: Vec<StateRow>,
    /// Moves.
    pub moves: Vec<MoveRow>,
}

/// One state as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct StateRow {
    /// AAZ502.
    pub code: char,
    /// State.
    pub state: LifeState,
    /// 中文.
    pub chinese: &'static str,
    /// Whether the card stands on the blacklist.
    pub listed: bool,
}

/// One move as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct MoveRow {
    /// The move.
    #[serde(flatten)]
    pub row: Move,
    /// Whether the site allows it.
    pub allowed: bool,
}

impl Table {
    /// The table of a site that allows these moves.
    pub fn of(allows: impl Fn(&Move) -> bool) -> Self {
        let states = LifeState::ALL.into_iter().map(|state| StateRow {
            code: state.code(),
            state,
            chinese: state.chinese(),
            listed: state.is_listed(),
        });
        let moves = MOVES.iter().map(|row| MoveRow { row: *row, allowed: allows(row) });
        Self { states: states.collect(), moves: moves.collect() }
    }

    /// The page of the documentation.
    #[must_use]
    pub fn document() -> String {
        let mut page = String::from(
            "# States of a card\n\nWho moves a card in people's hands, and what it needs, besides [states](states.md). Made from the table of the \
             program (`issuer card states`); compared by a test. A site takes \
             moves away in `[life]` of `centre.toml`\n(`removed = [\"lock\", \"cancel:sealed\"]`), it cannot add any.\n\n\
             | AAZ502 | state | 状态 | on the blacklist |\n|---|---|---|---|\n",
        );
        for state in LifeState::ALL {
            let listed = if state.is_listed() { "yes" } else { "no" };
            page += &format!("| {} | {} | {} | {listed} |\n", state.code(), state.name(), state.chinese());
        }
        page += "\n| step | 动作 | from | to | role | reason | needs |\n|---|---|---|---|---|---|---|\n";
        for Move { step, from, to, role, reason_needed, condition } in MOVES {
            let reason = if *reason_needed { "yes" } else { "" };
            page += &format!(
                "| {} | {} | {} | {} | {} | {reason} | {} |\n",
                step.name(),
                step.label(Lang::Zh),
                from.name(),
                to.name(),
                role.name(),
                condition.label(Lang::En)
            );
        }
        page
    }
}

impl Show for Table {
    fn text(&self, lang: Lang) -> String {
        let mut lines = vec![lang.pick("AAZ502 状态", "AAZ502 states").to_owned()];
        for StateRow { code, state, listed, .. } in &self.states {
            let listed = if *listed { lang.pick("  在黑名单中", "  on the blacklist") } else { "" };
            lines.push(format!("  {code}  {:<15} {}{listed}", state.name(), state.chinese()));
        }
        lines.push(lang.pick("动作", "moves").to_owned());
        for MoveRow { row, allowed } in &self.moves {
            let Move { step, from, to, role, reason_needed, condition } = row;
            let reason = if *reason_needed { lang.pick("  须有原因", "  with a reason") } else { "" };
            let needs = condition.label(lang);
            let gap = if needs.is_empty() { "" } else { "  " };
            let removed = if *allowed { "" } else { lang.pick("  本地不允许", "  NOT ALLOWED HERE") };
            lines.push(format!(
                "  {:<17} {:<14} → {:<14} {:<8}{reason}{gap}{needs}{removed}",
                step.name(),
                from.name(),
                to.name(),
                role.name()
            ));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_leads_from_a_state_to_one_other_and_nothing_leaves_cancelled() {
        for (index, known) in MOVES.iter().enumerate() {
            assert_ne!(known.from, known.to);
            assert_ne!(known.from, LifeState::Cancelled, "{known:?}");
            assert!(!MOVES[..index].iter().any(|other| (other.step, other.from) == (known.step, known.from)));
        }
        assert!(Step::ALL.into_iter().all(|step| MOVES.iter().any(|known| known.step == step)));
    }

    /// The pairs of the fact sheet: 0→1; 1→4; 4→1; 1,4→2; 2→1; 1→3; 3→1; 1,2,3,4→9; and 0→9 for cards never fetched. Ours (assumed): 3→2, a
    /// locked card that is lost is not put back into use to be reported.
    #[test]
    fn the_pairs_of_states_are_those_of_the_sources() {
        let mut pairs: Vec<String> =
            MOVES.iter().map(|known| format!("{}{}", known.from.code(), known.to.code())).collect();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs, ["01", "09", "12", "13", "14", "19", "21", "29", "31", "32", "39", "41", "42", "49"]);
    }

    #[test]
    fn the_page_on_states_is_made_from_the_table() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/card-states.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, Table::document()).expect("written");
        }
        let page = std::fs::read_to_string(&path).expect("docs/card-states.md");
        assert!(page == Table::document(), "docs/card-states.md is old: run this test with UPDATE_DOCS=1");
    }
}
