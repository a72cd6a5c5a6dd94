//! PSAMs of terminals: made with the keys of their level, handed into custody with a number each.
//!
//! Source: usage byte of a PSAM key (levels left in its high 3 bits); EF15, EF16, EF17, EF1C of the PSAM's layout.
//! Owns: the order to make one, who holds it. Never: knows bytes of a card, gives one terminal number twice.

pub mod custody;
mod environment;
mod keys;

use card_core::command;
use card_core::transport::TransportError;
use card_core::{Command, Response, Session};
use card_profiles::approach::KeyVersions;
use card_profiles::identity::RID;
use card_profiles::plan::{Plan, Target};
use card_profiles::{CardValues, Profile};
use serde::Serialize;
use settlement::id::InstitutionCode;

use self::custody::{PsamMove, PsamState};
pub use self::environment::{Environment, LeftOut};
pub use self::keys::PsamKeys;
use crate::audit::Act;
use crate::card::Chip;
use crate::centre::Config;
use crate::clearing::institution::Institution;
use crate::clock;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::{OperatorError, Role};
use crate::output::Show;
use crate::state::{State, word};
use crate::station::failure::{StationError, transport_code};
use crate::station::writer::{Broken, Writer, refused};
use crate::store::{Store, StoreError, Tx};
use crate::vault::Vault;

/// Index of the purchase key in a PSAM made here: the first of three versions.
const PURCHASE_KEY_INDEX: &str = "01";

/// A PSAM as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Psam {
    /// Chip.
    pub chip: Chip,
    /// 终端机编号: 12 hex digits.
    pub terminal_number: String,
    /// Institution that holds it.
    pub institution: String,
    /// State.
    pub state: String,
    /// Operator who made it.
    pub made_by: String,
    /// Version of its keys.
    pub key_set: u8,
    /// Which keys it holds.
    pub keys: PsamKeys,
    /// Person who answers for it while it is handed out.
    pub holder: Option<String>,
    /// Day on which it is due back, `YYYYMMDD`.
    pub due: Option<String>,
    /// Why it is out of use or lost, once it is.
    pub reason: Option<String>,
    /// Operator who said so.
    pub ended_by: Option<String>,
}

/// All PSAMs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Psams {
    /// In order of terminal number.
    pub psams: Vec<Psam>,
}

/// Which PSAM to make.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// 终端机编号: 12 hex digits.
    pub terminal_number: &'a str,
    /// Institution that gets it.
    pub institution: &'a str,
    /// Which keys it gets; none: those of the institution's kind, or of the PSAM begun before.
    pub keys: Option<PsamKeys>,
    /// Operator who makes it.
    pub operator: Option<&'a str>,
}

/// Why a PSAM was not made.
#[derive(Debug, thiserror::Error)]
pub enum PsamError {
    /// The card is no PSAM of this scheme.
    #[error("the card is no social security PSAM: {reason}")]
    NotPsam {
        /// What it answered.
        reason: String,
    },
    /// It has a terminal number already.
    #[error("the PSAM is not blank")]
    NotBlank,
    /// Chip or terminal number belongs to another PSAM.
    #[error("chip or terminal number {terminal_number} belongs to another PSAM")]
    Taken {
        /// The number.
        terminal_number: String,
    },
    /// No PSAM has this terminal number.
    #[error("there is no PSAM of terminal {terminal_number}")]
    NotFound {
        /// The number.
        terminal_number: String,
    },
    /// Nobody registered the institution.
    #[error("institution {code} is not registered")]
    Institution {
        /// Its code as given.
        code: String,
    },
    /// The PSAM is in another state than the act needs.
    #[error("the PSAM of terminal {terminal_number} is {state}")]
    State {
        /// The number.
        terminal_number: String,
        /// Its state.
        state: String,
    },
    /// The PSAM was begun with other keys than the order names.
    #[error("the PSAM of terminal {terminal_number} was begun with the keys {}", .keys.name())]
    KeysDiffer {
        /// The number.
        terminal_number: String,
        /// Those that it has.
        keys: PsamKeys,
    },
    /// The PSAM was made for another institution and holds more keys than this one's kind gets.
    #[error("the PSAM of terminal {terminal_number} holds the keys {}, more than {institution} gets", .keys.name())]
    KeysTooMany {
        /// The number.
        terminal_number: String,
        /// Those that it has.
        keys: PsamKeys,
        /// Who was to get it.
        institution: String,
    },
    /// The PSAM is to come back already.
    #[error("the PSAM of terminal {terminal_number} is to come back already")]
    ReturnOpen {
        /// The number.
        terminal_number: String,
    },
    /// The day by which it is due is over.
    #[error("{day} is over")]
    DayOver {
        /// The day, `YYYYMMDD`.
        day: String,
    },
    /// No reason was given.
    #[error("no reason was given")]
    ReasonMissing,
    /// The name of who answers for it is no line of text.
    #[error("the name of who answers for it is no line of text")]
    HolderUnfit,
    /// The PSAM failed and is spoilt.
    #[error("the PSAM failed: {reason}")]
    Failed {
        /// Code of the failure.
        reason: String,
    },
    /// A PSAM that was made before failed while an environment was added: what it has stays as it was.
    #[error("the environment was not added: {reason}")]
    NotAdded {
        /// Code of the failure.
        reason: String,
    },
    /// It was pulled, or the reader failed; it can be resumed.
    #[error(transparent)]
    Lost(#[from] TransportError),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The vault, the profile or the database.
    #[error(transparent)]
    Station(#[from] StationError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A PSAM just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// It, as recorded.
    #[serde(flatten)]
    pub psam: Psam,
    /// Its environments: those written, and those left out.
    pub environments: Vec<Environment>,
}

/// Makes a PSAM of the blank one, or finishes the one begun, in the session: every environment for which it has room, whose cards are
/// the site's, and whose keys the vault has. One that was made before and is at the centre gets the environments that it lacks.
///
/// # Errors
/// [`PsamError`]; after [`PsamError::Lost`] call again with the same order.
pub fn personalize(
    store: &mut Store,
    config: &Config,
    vault: &Vault,
    session: &mut Session,
    order: &Order<'_>,
) -> Result<Made, PsamError> {
    let (operator, institution) = store.read(|tx| -> Result<_, PsamError> {
        let operator = tx.require(order.operator, Role::Keys)?;
        Ok((operator, registered(tx, order.institution)?))
    })?;
    let not_psam = |reason: &str| PsamError::NotPsam { reason: reason.to_owned() };
    let atr = session.atr().map_err(|_| not_psam("ATR"))?;
    let chip = Chip::of(atr.historical()).ok_or_else(|| not_psam("ATR"))?;
    let known = store.read(|tx| tx.psam(&chip))?;
    let keys = keys_for(known.as_ref(), order, &institution)?;
    if let Some(made) = known.as_ref().filter(|psam| is_of(psam, order) && psam.state != PsamState::Writing.name()) {
        return add(store, config, vault, session, made, &operator);
    }
    let resumed = known.as_ref().is_some_and(|psam| psam.state == PsamState::Writing.name());
    let begun_before = known.is_some();
    let key_set = match known.filter(|_| resumed) {
        Some(psam) => psam.key_set,
        None => store.read(|tx| tx.current_key_set())?.unwrap_or(Vault::FIRST_VERSION),
    };
    let environments = environment::look(session, config, vault, key_set)?;
    environment::require_keys(vault, config, &environments, (keys, key_set))?;
    if !begun_before {
        for cards in environment::written(&environments) {
            require_blank(session, &config.psam_of(cards))?;
        }
    }
    let begun = store.journal(|tx| {
        // It bears the day on which it is made.
        tx.log_is_whole()?;
        tx.clock_holds()?;
        tx.begin_psam(&chip, order.terminal_number, order.institution, &operator, (key_set, keys))
    });
    begun.map_err(|error| match error {
        StoreError::Conflict { .. } => PsamError::Taken { terminal_number: order.terminal_number.to_owned() },
        error => error.into(),
    })?;
    let values = values(config, &chip, order.terminal_number);
    let mut target = Target::blank(chip.factors(config.city), config.transport_lot);
    target.versions = KeyVersions::all(key_set);
    let told = format!("{}, keys {}", environment::told(&environments), keys.name());
    let mut write_all = || {
        environment::written(&environments).try_for_each(|cards| {
            write(vault, session, &keys.narrow(config.psam_of(cards)), target.clone(), &values, resumed)
        })
    };
    match write_all() {
        Ok(()) => {
            let psam = end(store, &chip, order, &operator, PsamMove::Make, "psam.make", told)?;
            Ok(Made { psam, environments })
        }
        Err(Broken::Lost(error)) => Err(error.into()),
        Err(Broken::Station(error)) => Err(error.into()),
        Err(Broken::Bad(reason)) => {
            end(store, &chip, order, &operator, PsamMove::Spoil, "psam.spoil", reason.clone())?;
            Err(PsamError::Failed { reason })
        }
    }
}

/// Whether an order names a PSAM that is there, so that nothing but its environments can be meant.
fn is_of(psam: &Psam, order: &Order<'_>) -> bool {
    psam.terminal_number == order.terminal_number
        && psam.institution == order.institution
        && psam.state != PsamState::Spoilt.name()
}

/// Which keys the PSAM of an order gets. One that was begun has those with which it was begun.
fn keys_for(known: Option<&Psam>, order: &Order<'_>, institution: &Institution) -> Result<PsamKeys, PsamError> {
    let of_kind = PsamKeys::of(institution.kind);
    let Some(psam) = known.filter(|psam| psam.terminal_number == order.terminal_number) else {
        return Ok(order.keys.unwrap_or(of_kind));
    };
    let terminal_number = psam.terminal_number.clone();
    if order.keys.is_some_and(|given| given != psam.keys) {
        return Err(PsamError::KeysDiffer { terminal_number, keys: psam.keys });
    }
    if psam.institution != order.institution && psam.keys.is_wider_than(of_kind) {
        let institution = order.institution.to_owned();
        return Err(PsamError::KeysTooMany { terminal_number, keys: psam.keys, institution });
    }
    Ok(psam.keys)
}

/// Adds to a PSAM at the centre the environments that it lacks, under the present keys. What it has is not touched, and it stays what it
/// was until they are there: a PSAM that is pulled meanwhile is finished by the same order.
fn add(
    store: &mut Store,
    config: &Config,
    vault: &Vault,
    session: &mut Session,
    made: &Psam,
    operator: &str,
) -> Result<Made, PsamError> {
    let terminal_number = made.terminal_number.clone();
    if made.state != PsamState::InCustody.name() {
        return Err(PsamError::State { terminal_number, state: made.state.clone() });
    }
    let key_set = store.read(|tx| tx.current_key_set())?.unwrap_or(Vault::FIRST_VERSION);
    let environments = environment::look_again(session, config, vault, key_set)?;
    environment::require_keys(vault, config, &environments, (made.keys, key_set))?;
    let told = format!("{}, keys {}, key version {key_set}", environment::told(&environments), made.keys.name());
    let act =
        |act, detail| Act { actor: operator.to_owned(), act, object: format!("terminal {terminal_number}"), detail };
    store.act(|tx| -> Result<_, PsamError> {
        in_custody(tx, &made.chip)?;
        Ok(((), act("psam.add_begin", told.clone())))
    })?;
    let values = values(config, &made.chip, &terminal_number);
    let mut target = Target::blank(made.chip.factors(config.city), config.transport_lot);
    target.versions = KeyVersions::all(key_set);
    // One that was pulled half-way has some of its keys.
    let done = environment::written(&environments).try_for_each(|cards| {
        write(vault, session, &made.keys.narrow(config.psam_of(cards)), target.clone(), &values, true)
    });
    match done {
        Ok(()) => {
            let psam = store.act_under_way(|tx| -> Result<_, PsamError> {
                Ok((in_custody(tx, &made.chip)?, act("psam.add", told)))
            })?;
            Ok(Made { psam, environments })
        }
        Err(Broken::Lost(error)) => Err(error.into()),
        Err(Broken::Station(error)) => Err(error.into()),
        Err(Broken::Bad(reason)) => Err(PsamError::NotAdded { reason }),
    }
}

/// A PSAM that is at the centre.
fn in_custody(tx: &Tx<'_>, chip: &Chip) -> Result<Psam, PsamError> {
    let found = tx.psam(chip)?.ok_or_else(|| PsamError::NotFound { terminal_number: chip.as_str().to_owned() })?;
    if found.state == PsamState::InCustody.name() {
        return Ok(found);
    }
    Err(PsamError::State { terminal_number: found.terminal_number, state: found.state })
}

fn end(
    store: &mut Store,
    chip: &Chip,
    order: &Order<'_>,
    operator: &str,
    by: PsamMove,
    act: &'static str,
    detail: String,
) -> Result<Psam, PsamError> {
    store.act_under_way(|tx| {
        tx.finish_psam(chip, by)?;
        let psam =
            tx.psam(chip)?.ok_or_else(|| PsamError::NotFound { terminal_number: order.terminal_number.to_owned() })?;
        let object = format!("terminal {}", order.terminal_number);
        Ok((psam, Act { actor: operator.to_owned(), act, object, detail }))
    })
}

fn write(
    vault: &Vault,
    session: &mut Session,
    profile: &Profile,
    mut target: Target,
    values: &CardValues,
    resumed: bool,
) -> Result<(), Broken> {
    let mut writer = Writer { session, keys: Box::new(vault.keys()) };
    if resumed {
        writer.find_control_keys(profile, &mut target, |_| Ok(()))?;
    }
    let plan = Plan::personalize(profile, values, &target).map_err(StationError::from)?;
    writer.carry_out(&plan, |_, _, _| Ok(())).map(drop)
}

/// Sends a command to what may be no PSAM at all.
fn sent(session: &mut Session, command: &Command) -> Result<Response, PsamError> {
    match session.send(command).map_err(Broken::from) {
        Ok(answer) => Ok(answer),
        Err(Broken::Lost(error)) => Err(error.into()),
        Err(Broken::Bad(reason)) => Err(PsamError::NotPsam { reason }),
        Err(Broken::Station(error)) => Err(error.into()),
    }
}

/// A PSAM from the factory has zeros for its terminal number.
fn require_blank(session: &mut Session, profile: &Profile) -> Result<(), PsamError> {
    let sent = |session: &mut Session, command| match sent(session, &command)? {
        answer if answer.sw.is_ok() => Ok(answer),
        answer => Err(PsamError::NotPsam { reason: refused(Some(&answer)) }),
    };
    let environment = profile.df.first().map(|df| df.df_name.clone()).unwrap_or_default();
    sent(session, command::select_by_name(&environment))?;
    let number = sent(session, command::read_binary_sfi(0x16, 0, 6))?.data;
    let blank = number.iter().all(|byte| *byte == 0) || number.iter().all(|byte| *byte == 0xFF);
    if blank { Ok(()) } else { Err(PsamError::NotBlank) }
}

/// The public files of a PSAM. Issuer and receiver are RID and city; the fields' inner form is not published (assumed).
fn values(config: &Config, chip: &Chip, terminal_number: &str) -> CardValues {
    let today = clock::today();
    let issuer = hex::encode_upper([&RID[..], &config.city.to_bcd()].concat());
    let serial = format!("0000{}", hex::encode_upper(chip.factor()));
    let (start, end) = (clock::compact(today), clock::compact(clock::years_later(today, config.valid_years)));
    let mut values = CardValues::new();
    for (place, value) in [
        ("MF.EF15.serial", serial.as_str()),
        ("MF.EF15.version", "01"),
        ("MF.EF16.terminal_number", terminal_number),
        ("DF01.EF17.purchase_key_index", PURCHASE_KEY_INDEX),
        ("DF01.EF17.application_issuer", &issuer),
        ("DF01.EF17.application_receiver", &issuer),
        ("DF01.EF17.start_date", &start),
        ("DF01.EF17.expiry_date", &end),
        ("DF01.EF1C.purchase_key_index", PURCHASE_KEY_INDEX),
    ] {
        values.set(place, value).expect("places are written above");
    }
    values
}

impl Show for Psam {
    fn text(&self, lang: Lang) -> String {
        let Self { chip, terminal_number, institution, state, made_by, key_set, keys, holder, due, reason, ended_by } =
            self;
        let keys = keys.word(lang);
        let held = match (holder, due) {
            (Some(holder), Some(due)) => {
                let late =
                    if *due < clock::compact(clock::today()) { lang.pick("，已逾期", ", OVERDUE") } else { "" };
                lang.pick(format!("，{holder} 保管至 {due}{late}"), format!(", held by {holder} until {due}{late}"))
            }
            // It was lost with whoever had it.
            (Some(holder), None) => lang.pick(format!("，最后由 {holder} 保管"), format!(", last held by {holder}")),
            (None, _) => String::new(),
        };
        let ended = match (reason, ended_by) {
            (Some(reason), Some(by)) => lang.pick(format!("（{by}: {reason}）"), format!(" ({by}: {reason})")),
            _ => String::new(),
        };
        let (chip, state) = (chip.as_str(), word(&PsamState::TABLE, state, lang));
        lang.pick(
            format!("终端机 {terminal_number}，机构 {institution}，{state}{held}{ended}，{keys}密钥第 {key_set} 版，制作 {made_by}，芯片 {chip}"),
            format!(
                "terminal {terminal_number}, institution {institution}, {state}{held}{ended}, {keys} keys of version {key_set}, made by {made_by}, chip {chip}"
            ),
        )
    }
}

impl Show for Made {
    fn text(&self, lang: Lang) -> String {
        let mut text = self.psam.text(lang);
        for environment in &self.environments {
            text.push('\n');
            text.push_str(&environment.text(lang));
        }
        text
    }
}

/// An institution that is registered: nobody else answers for a PSAM.
fn registered(tx: &Tx<'_>, code: &str) -> Result<Institution, PsamError> {
    let known = InstitutionCode::parse(code).ok().map(|code| tx.institution(&code)).transpose()?.flatten();
    known.ok_or_else(|| PsamError::Institution { code: code.to_owned() })
}

impl Show for Psams {
    fn text(&self, lang: Lang) -> String {
        self.psams.iter().map(|psam| psam.text(lang)).collect::<Vec<_>>().join("\n")
    }
}

impl Explain for PsamError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotPsam { .. } => "NOT_A_PSAM",
            Self::NotBlank => "PSAM_NOT_BLANK",
            Self::Taken { .. } => "PSAM_TAKEN",
            Self::NotFound { .. } => "PSAM_NOT_FOUND",
            Self::Institution { .. } => "INSTITUTION_UNKNOWN",
            Self::State { .. } => "PSAM_STATE",
            Self::KeysDiffer { .. } => "PSAM_KEYS_DIFFER",
            Self::KeysTooMany { .. } => "PSAM_KEYS_TOO_MANY",
            Self::ReturnOpen { .. } => "PSAM_RETURN_OPEN",
            Self::DayOver { .. } => "DAY_OVER",
            Self::ReasonMissing => "REASON_MISSING",
            Self::HolderUnfit => "PSAM_HOLDER_UNFIT",
            Self::Failed { .. } => "PSAM_FAILED",
            Self::NotAdded { .. } => "PSAM_NOT_ADDED",
            Self::Lost(error) => transport_code(error),
            Self::Operator(error) => error.code(),
            Self::Station(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NotPsam { reason } => lang.pick(
                format!("读写器中的卡不是社会保障 PSAM ({reason})"),
                format!("the card in the reader is no social security PSAM ({reason})"),
            ),
            Self::NotBlank => lang.pick("此 PSAM 已有终端机编号", "this PSAM has a terminal number already").to_owned(),
            Self::Taken { terminal_number } => lang.pick(
                format!("芯片或终端机编号 {terminal_number} 已属于另一 PSAM"),
                format!("the chip or terminal number {terminal_number} belongs to another PSAM"),
            ),
            Self::NotFound { terminal_number } => {
                lang.pick(format!("没有编号为 {terminal_number} 的 PSAM"), self.to_string())
            }
            Self::Institution { code } => lang.pick(format!("机构 {code} 未登记"), self.to_string()),
            Self::State { terminal_number, state } => {
                let state = word(&PsamState::TABLE, state, lang);
                lang.pick(format!("PSAM {terminal_number} 的状态是“{state}”，不能办理"), self.to_string())
            }
            Self::KeysDiffer { terminal_number, keys } => {
                let keys = keys.word(lang);
                lang.pick(format!("PSAM {terminal_number} 是按“{keys}”密钥开始制作的，未作改动"), self.to_string())
            }
            Self::KeysTooMany { terminal_number, keys, institution } => {
                let keys = keys.word(lang);
                lang.pick(
                    format!("PSAM {terminal_number} 存有“{keys}”密钥，多于机构 {institution} 应有的，未发出"),
                    self.to_string(),
                )
            }
            Self::ReturnOpen { terminal_number } => {
                lang.pick(format!("PSAM {terminal_number} 已在等待交回"), self.to_string())
            }
            Self::DayOver { day } => {
                lang.pick(format!("{day} 已过，未作改动"), format!("{day} is over; nothing was changed"))
            }
            Self::HolderUnfit => {
                lang.pick("保管人姓名须为一行 UTF-8 文字", "who answers for it is one line of UTF-8 text").to_owned()
            }
            Self::ReasonMissing => lang.pick("没有说明原因", "no reason was given").to_owned(),
            Self::Failed { reason } => lang
                .pick(format!("PSAM 制作失败，已作废: {reason}"), format!("the PSAM failed and is spoilt: {reason}")),
            Self::NotAdded { reason } => lang.pick(
                format!("环境没有加成，PSAM 原有的环境照旧: {reason}"),
                format!("the environment was not added, those that the PSAM has serve as before: {reason}"),
            ),
            Self::Lost(error) if error.card_lost() => {
                lang.pick(format!("PSAM 没有应答: {}", error.zh()), format!("the PSAM did not answer: {error}"))
            }
            Self::Lost(error) => {
                lang.pick(format!("读写器出错: {}", error.zh()), format!("the reader failed: {error}"))
            }
            Self::Operator(error) => error.what(lang),
            Self::Station(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotPsam { .. } | Self::NotBlank | Self::Failed { .. } => {
                lang.pick("换一张空白 PSAM", "put in a blank PSAM")
            }
            Self::NotAdded { .. } => lang.pick(
                "再运行一次同一命令；仍不成功时用 issuer psam retire 停用，另做一张",
                "run the same command once more; if it fails again, take the PSAM out of use with `issuer psam retire` and make another",
            ),
            Self::KeysDiffer { .. } => lang.pick(
                "去掉 --keys 再运行一次，按原来的密钥做完；要换密钥，另做一张",
                "run it again without --keys, which finishes it with those keys; for others make another PSAM",
            ),
            Self::KeysTooMany { .. } => lang.pick(
                "用 issuer psam personalize 为该机构另做一张",
                "make one for this institution with `issuer psam personalize`",
            ),
            Self::HolderUnfit => lang.pick("改正 --holder 所指的文件", "mend the file named with --holder"),
            Self::ReasonMissing => lang.pick("加上 --reason 原因", "add --reason TEXT"),
            Self::Institution { .. } => {
                lang.pick("先用 issuer institution add 登记", "register it with `issuer institution add` first")
            }
            Self::DayOver { .. } => lang.pick("写今天或以后的日期", "name today or a later day"),
            Self::ReturnOpen { .. } => lang.pick("用 issuer psam tasks 查看", "see `issuer psam tasks`"),
            Self::Taken { .. } | Self::NotFound { .. } | Self::State { .. } => {
                lang.pick("用 issuer psam list 查看", "see who holds it with `issuer psam list`")
            }
            Self::Lost(error) if error.card_lost() => {
                lang.pick("放回同一张 PSAM，重新运行同一命令", "put the same PSAM back and run the same command again")
            }
            Self::Lost(_) => lang.pick(
                "检查读写器和 PC/SC 服务，再运行同一命令",
                "check the reader and the PC/SC daemon, then run the same command again",
            ),
            Self::Operator(error) => error.next(lang),
            Self::Station(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotPsam { .. } | Self::Failed { .. } | Self::NotAdded { .. } => Exit::Card,
            Self::NotBlank
            | Self::Taken { .. }
            | Self::State { .. }
            | Self::KeysDiffer { .. }
            | Self::KeysTooMany { .. }
            | Self::ReturnOpen { .. } => Exit::Refused,
            Self::NotFound { .. } | Self::Institution { .. } => Exit::NotFound,
            Self::DayOver { .. } | Self::ReasonMissing | Self::HolderUnfit => Exit::Usage,
            Self::Lost(error) if error.card_lost() => Exit::Card,
            Self::Lost(_) => Exit::Reader,
            Self::Operator(error) => error.exit(),
            Self::Station(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
