//! Institutions (定点医药机构) and their terminals, as the centre registers them.
//!
//! Owns: what is registered, the limits of a terminal. Never: checks a signature (`settlement::signing` does).
//! Units: fen.

use clap::ValueEnum;
use serde::Serialize;
use settlement::batch::ChainPosition;
use settlement::fen::{Fen, FenError};
use settlement::id::{InstitutionCode, PublicKey, TerminalNumber};
use settlement::message::TerminalLimits;
use settlement::sale::OnlinePolicy;

use crate::lang::Lang;
use crate::output::Show;

/// What an institution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum InstitutionKind {
    /// 定点药店.
    Pharmacy,
    /// 定点医院.
    Hospital,
}

/// An institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Institution {
    /// Code.
    pub code: InstitutionCode,
    /// Name, for receipts and statements.
    pub name: String,
    /// County or city code of GB/T 2260.
    pub region: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: InstitutionKind,
}

/// Whether a terminal may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// It may.
    Active,
    /// Its requests are refused.
    Stopped,
}

impl TerminalState {
    /// The word for it; in English its name.
    #[must_use]
    pub const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Active, Lang::Zh) => "在用",
            (Self::Stopped, Lang::Zh) => "已停用",
        }
    }
}

/// A terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Terminal {
    /// Number; also in its PSAM.
    pub number: TerminalNumber,
    /// Where it stands.
    pub institution: InstitutionCode,
    /// Key that its requests and batches are checked with.
    pub public_key: PublicKey,
    /// State.
    pub state: TerminalState,
    /// Limits.
    pub limits: TerminalLimits,
    /// Number of these limits; grows with every change.
    pub parameters: u64,
    /// What its next batch must continue.
    pub chain: ChainPosition,
    /// 自助终端: it may ask for the holders of the cards in it.
    pub kiosk: bool,
    /// When it last signed in; UTC instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<String>,
    /// When it signed out since; UTC instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_out_at: Option<String>,
}

/// Limits of a new terminal: a pharmacy's ordinary day with room to spare.
pub const DEFAULT_LIMITS: TerminalLimits = TerminalLimits {
    purchase_max_fen: Fen::new(200_000),
    card_day_max_fen: Fen::new(500_000),
    card_day_count_max: 50,
    pending_records_max: 1_000,
    pending_max_fen: Fen::new(20_000_000),
    blacklist_age_max_hours: 24,
    online: OnlinePolicy::OfflineOnly,
};

/// Seconds for which a terminal may sell by the limits that it was told (assumed): a week without a sign-in.
pub const PARAMETERS_VALID_S: u32 = 7 * 24 * 3600;

/// What a sale may have been made by: the limits of a terminal now, or those that it still held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleLimits {
    /// Most that one purchase may take from the account.
    pub purchase_max_fen: Fen,
    /// Most that one card may spend on one day.
    pub card_day_max_fen: Fen,
    /// Purchases of one card on one day.
    pub card_day_count_max: u32,
}

impl SaleLimits {
    /// Whether a card that bought so often and spent so much on a day may spend so much more.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn allow(self, amount: Fen, bought: u32, spent: Fen) -> Result<bool, FenError> {
        let spent = spent.plus(amount)?;
        Ok(amount <= self.purchase_max_fen && spent <= self.card_day_max_fen && bought < self.card_day_count_max)
    }

    /// The wider of two, limit by limit: which of them the terminal went by, nobody can tell.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            purchase_max_fen: self.purchase_max_fen.max(other.purchase_max_fen),
            card_day_max_fen: self.card_day_max_fen.max(other.card_day_max_fen),
            card_day_count_max: self.card_day_count_max.max(other.card_day_count_max),
        }
    }
}

impl From<TerminalLimits> for SaleLimits {
    fn from(limits: TerminalLimits) -> Self {
        let TerminalLimits { purchase_max_fen, card_day_max_fen, card_day_count_max, .. } = limits;
        Self { purchase_max_fen, card_day_max_fen, card_day_count_max }
    }
}

impl InstitutionKind {
    /// Name as typed and stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pharmacy => "pharmacy",
            Self::Hospital => "hospital",
        }
    }

    /// The word for it; in English its name.
    const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Pharmacy, Lang::Zh) => "定点药店",
            (Self::Hospital, Lang::Zh) => "定点医院",
        }
    }
}

impl TerminalState {
    /// Name as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Stopped => "stopped",
        }
    }
}

impl Show for Institution {
    fn text(&self, lang: Lang) -> String {
        format!("{}  {}  {}  {}", self.code, self.name, self.region, self.kind.word(lang))
    }
}

impl Show for Terminal {
    fn text(&self, lang: Lang) -> String {
        let (number, institution, state, batch) =
            (self.number, &self.institution, self.state.word(lang), self.chain.next_batch);
        let (purchase, day) = (self.limits.purchase_max_fen, self.limits.card_day_max_fen);
        let (count, parameters) = (self.limits.card_day_count_max, self.parameters);
        let kiosk = if self.kiosk { lang.pick("  自助终端", "  kiosk") } else { "" };
        let online = match self.limits.online {
            OnlinePolicy::OfflineOnly => "",
            OnlinePolicy::OnlinePreferred => lang.pick("  联机优先", "  online preferred"),
            OnlinePolicy::OnlineRequired => lang.pick("  必须联机", "  online required"),
        };
        let line = lang.pick(
            format!(
                "{number}  {institution}  {state}  下一批次 {batch}  单笔限额 {purchase}  单卡日限额 {day}  单卡日笔数 {count}  参数 {parameters}{kiosk}"
            ),
            format!(
                "{number}  {institution}  {state}  next batch {batch}  purchase limit {purchase}  card-day limit {day}  \
                 card-day count {count}  parameters {parameters}{kiosk}"
            ),
        );
        let day = match (&self.signed_in_at, &self.signed_out_at) {
            (_, Some(at)) => lang.pick(format!("  已签退 {at}"), format!("  signed out {at}")),
            (Some(at), None) => lang.pick(format!("  签到 {at}"), format!("  signed in {at}")),
            (None, None) => String::new(),
        };
        line + online + &day
    }
}

/// All institutions.
#[derive(Clone, Debug, Serialize)]
pub struct Institutions {
    /// In order of code.
    pub institutions: Vec<Institution>,
}

/// All terminals.
#[derive(Clone, Debug, Serialize)]
pub struct Terminals {
    /// In order of number.
    pub terminals: Vec<Terminal>,
}

impl Show for Institutions {
    fn text(&self, lang: Lang) -> String {
        self.institutions.iter().map(|institution| institution.text(lang)).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Terminals {
    fn text(&self, lang: Lang) -> String {
        self.terminals.iter().map(|terminal| terminal.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
