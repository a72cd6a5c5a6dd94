//! The person registry (人员登记库): the one way in for whatever is said about people.
//!
//! Owns: [`upsert`], which files, requests and operators use alike; what it did; the refusals of the registry's commands.
//! Never: reads a file, decides between two sources.

pub mod comparison;
pub mod identity;
pub mod identity_failure;
pub mod newcomer;
pub mod search;
pub mod source;
pub mod worklist;

use crate::card::update::{self, Origin};
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::person::dossier::{Dossier, Heard, Statement};
use crate::person::field::{Field, Fields};
use crate::person::no_card::NoCard;
use crate::store::{Adder, StoreError, Tx};
use crate::vault::data_keys::Marks;

use newcomer::{Known, Newcomer};

/// What came of a statement about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Row number; 0 for a person who would be registered.
    pub id: i64,
    /// What was done.
    pub done: Done,
    /// Fields on which sources differ now, undecided.
    pub conflicts: Fields,
    /// Why no card can be made.
    pub no_card: Option<NoCard>,
    /// Fields that the source takes back though it never spoke of them: what is held stays.
    pub unsaid: Fields,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The person is registered.
    Created,
    /// Something new is known of the person.
    Changed(Heard),
    /// It was known already.
    Unchanged,
}

/// Takes in what a source says about a person: registers the person, or adds it to what is known.
///
/// # Errors
/// [`StoreError`].
pub fn upsert(tx: &Tx<'_>, statement: &Statement<'_>) -> Result<Outcome, StoreError> {
    match tx.known_by_statement(&statement.details.number, &statement.details.name)? {
        Some(known) => hear(tx, known, statement, true),
        None => register(tx, statement),
    }
}

/// Registers a person whose row was made ready before, under marks that are current; none when the number is registered.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn enter(
    adder: &mut Adder<'_, '_>,
    newcomer: &Newcomer,
    marks: &Marks,
    import: u32,
) -> Result<Option<Outcome>, StoreError> {
    let id = adder.add(newcomer, marks, import)?;
    Ok(id.map(|id| created(id, newcomer.no_card)))
}

/// Registers the person of a statement, whom nobody spoke of before.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is registered.
pub(crate) fn register(tx: &Tx<'_>, statement: &Statement<'_>) -> Result<Outcome, StoreError> {
    let dossier = Dossier::begin(statement);
    Ok(created(tx.add_dossier(&dossier, statement.import)?, NoCard::of(&dossier)))
}

/// What [`enter`] would come to; nothing is written.
pub(crate) const fn rehearse(newcomer: &Newcomer) -> Outcome {
    created(0, newcomer.no_card)
}

const fn created(id: i64, no_card: Option<NoCard>) -> Outcome {
    Outcome { id, done: Done::Created, conflicts: Fields::NONE, no_card, unsaid: Fields::NONE }
}

/// Adds a statement to what is known of its person; without `write`, says what would come of it.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn hear(tx: &Tx<'_>, known: Known, statement: &Statement<'_>, write: bool) -> Result<Outcome, StoreError> {
    let Known { id, mut dossier, .. } = known;
    // Under another number of the person nobody says what that number tells.
    let of_number = Field::OF_NUMBER.into_iter().fold(Fields::NONE, Fields::with);
    let own = dossier.number() == statement.details.number;
    let fields = if own { statement.fields } else { statement.fields.without(of_number) };
    let heard = dossier.hear(&Statement { fields, ..*statement });
    let (conflicts, no_card, unsaid) = (dossier.conflicts(), NoCard::of(&dossier), heard.unsaid);
    if heard.said.is_empty() {
        return Ok(Outcome { id, done: Done::Unchanged, conflicts, no_card, unsaid });
    }
    if write {
        tx.put_dossier(id, &dossier)?;
        update::follow(tx, id, heard.changed.into(), Origin::Registry)?;
    }
    Ok(Outcome { id, done: Done::Changed(heard), conflicts, no_card, unsaid })
}

/// Why a command of the registry did nothing.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No source has this name.
    #[error("there is no source of this name")]
    SourceUnknown,
    /// A source's name or mapping cannot be used.
    #[error("{reason}")]
    SourceMalformed {
        /// Why.
        reason: source::Malformed,
    },
    /// There is no person.
    #[error("there is no person {id}")]
    PersonUnknown {
        /// Row number.
        id: i64,
    },
    /// The source says nothing about that field of that person.
    #[error("the source says nothing about it")]
    NothingSaid {
        /// Row number.
        id: i64,
    },
    /// A field that everybody has cannot be without a value.
    #[error("everybody has a {}", field.key())]
    Everybodys {
        /// Which.
        field: Field,
    },
    /// Unmasked data without a reason.
    #[error("no reason was given")]
    ReasonMissing,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for RegistryError {
    fn code(&self) -> &'static str {
        match self {
            Self::SourceUnknown => "SOURCE_NOT_FOUND",
            Self::SourceMalformed { .. } => "SOURCE_MALFORMED",
            Self::PersonUnknown { .. } => "PERSON_NOT_FOUND",
            Self::NothingSaid { .. } => "SOURCE_SAYS_NOTHING",
            Self::Everybodys { .. } => "FIELD_NOT_WITHOUT_VALUE",
            Self::ReasonMissing => "REASON_MISSING",
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::SourceUnknown => lang.pick("没有这个来源", "there is no source of this name").to_owned(),
            Self::SourceMalformed { reason } => reason.what(lang),
            Self::PersonUnknown { id } => {
                lang.pick(format!("没有编号为 {id} 的人员"), format!("there is no person {id}"))
            }
            Self::NothingSaid { id } => lang.pick(
                format!("该来源没有说过人员 {id} 的这一项，未作改动"),
                format!("the source says nothing about this field of person {id}; nothing was changed"),
            ),
            Self::Everybodys { field } => {
                let name = field.label(lang);
                lang.pick(format!("{name}人人都有，不能裁定为无"), format!("everybody has a {name}: it cannot be none"))
            }
            Self::ReasonMissing => {
                lang.pick("查看未遮盖的数据须说明理由", "unmasked data are shown for a stated reason only").to_owned()
            }
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::SourceUnknown => lang.pick(
                "用 issuer source list 查看，或用 issuer source add 登记",
                "see `issuer source list`, or add it with `issuer source add`",
            ),
            Self::SourceMalformed { reason } => reason.next(lang),
            Self::PersonUnknown { .. } => {
                lang.pick("用 issuer person list 查看", "see who there is with `issuer person list`")
            }
            Self::NothingSaid { .. } => lang
                .pick("用 issuer person history 查看各来源所述", "see what sources say with `issuer person history`"),
            Self::Everybodys { .. } => lang.pick(
                "可裁定为无的有 ethnic_group、region、address、phone、employer、alive、name_script",
                "ethnic_group, region, address, phone, employer, alive and name_script can be none",
            ),
            Self::ReasonMissing => lang.pick("加上 --reason", "add --reason"),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::SourceUnknown | Self::PersonUnknown { .. } => Exit::NotFound,
            Self::SourceMalformed { .. } | Self::ReasonMissing => Exit::Usage,
            Self::NothingSaid { .. } | Self::Everybodys { .. } => Exit::Refused,
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::SourceUnknown
            | Self::SourceMalformed { .. }
            | Self::PersonUnknown { .. }
            | Self::NothingSaid { .. }
            | Self::Everybodys { .. }
            | Self::ReasonMissing => false,
        }
    }
}
