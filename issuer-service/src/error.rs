//! Why a run failed, told so that the one who can mend it knows what to do.
//!
//! Owns: the sum of all errors; the [`Explain`] trait that each area implements beside its error; the list of codes.
//! Never: holds free text; a code, once published, changes its meaning.

use crate::backup::failure::BackupError;
use crate::batch::BatchError;
use crate::batch::prefix::PrefixError;
use crate::benefit::intake::BenefitError;
use crate::card::failure::LifeError;
use crate::card::update::failure::UpdateError;
use crate::centre::CentreError;
use crate::ceremony::CeremonyError;
use crate::clearing::refusal::ClearingError;
use crate::exchange::failure::ExchangeError;
use crate::exit::Exit;
use crate::face::failure::FaceError;
use crate::http::api::failure::ApiError;
use crate::import::ImportError;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::operator::login::LoginError;
use crate::peer::PeerError;
use crate::photo::failure::PhotoError;
use crate::psam::PsamError;
use crate::query::failure::QueryError;
use crate::query::ticket::TicketError;
use crate::registry::RegistryError;
use crate::registry::identity_failure::IdentityError;
use crate::request::RequestError;
use crate::retention::RetentionError;
use crate::station::failure::StationError;
use crate::stock::StockError;
use crate::store::StoreError;
use crate::sync::failure::SyncError;
use crate::vault::VaultError;

/// What a user is told about an error.
pub trait Explain {
    /// Stable code: `DATABASE_LOCKED`.
    fn code(&self) -> &'static str;
    /// What happened and where.
    fn what(&self, lang: Lang) -> String;
    /// What to do next.
    fn next(&self, lang: Lang) -> &'static str;
    /// How the run ends.
    fn exit(&self) -> Exit;
    /// Whether the same call may succeed later without anything being mended.
    fn retryable(&self) -> bool {
        false
    }
    /// Seconds to wait before the same call is looked at, where that is known.
    fn wait_seconds(&self) -> Option<u64> {
        None
    }
}

/// Any failure of the centre.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data folder.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The key vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A key ceremony.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The registry import.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Who somebody is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Contributions and account years.
    #[error(transparent)]
    Benefit(#[from] BenefitError),
    /// Questions about people.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Tickets.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// Photos.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// Faces of cards.
    #[error(transparent)]
    Face(#[from] FaceError),
    /// Backups.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// How long things are kept.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// Requests.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Batches.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// First letters of card numbers.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The life of a card.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// Changed data of a card already made.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The holder registry.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// Banks and factories.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The personalization station.
    #[error(transparent)]
    Station(#[from] StationError),
    /// Cards as things.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// Certificates of stations.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// A PSAM.
    #[error(transparent)]
    Psam(#[from] PsamError),
    /// Something named does not exist.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// Who acts.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// Whether it is they who act.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// What a program asks for over HTTP.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Money.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
}

impl Error {
    /// The explanation.
    #[must_use]
    pub fn explain(&self) -> &dyn Explain {
        match self {
            Self::Store(error) => error,
            Self::Centre(error) => error,
            Self::Vault(error) => error,
            Self::Ceremony(error) => error,
            Self::Import(error) => error,
            Self::Registry(error) => error,
            Self::Identity(error) => error,
            Self::Benefit(error) => error,
            Self::Query(error) => error,
            Self::Ticket(error) => error,
            Self::Photo(error) => error,
            Self::Face(error) => error,
            Self::Backup(error) => error,
            Self::Retention(error) => error,
            Self::Request(error) => error,
            Self::Batch(error) => error,
            Self::Prefix(error) => error,
            Self::Life(error) => error,
            Self::Update(error) => error,
            Self::Sync(error) => error,
            Self::Exchange(error) => error,
            Self::Station(error) => error,
            Self::Stock(error) => error,
            Self::Peer(error) => error,
            Self::Psam(error) => error,
            Self::Missing(error) => error,
            Self::Operator(error) => error,
            Self::Login(error) => error,
            Self::Api(error) => error,
            Self::Clearing(error) => error,
        }
    }
}

/// Something that was named and does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A person.
    #[error("there is no person {id}")]
    Person {
        /// Row number.
        id: i64,
    },
    /// A card; its number is not repeated, it may be anything.
    #[error("there is no such card")]
    Card,
    /// One of several cards; nothing was done.
    #[error("number {place} of those given is no card")]
    CardAt {
        /// Its place among them, from 1.
        place: usize,
    },
    /// A table of states.
    #[error("there is no such table of states")]
    StateTable,
}

impl Explain for Missing {
    fn code(&self) -> &'static str {
        match self {
            Self::Person { .. } => "PERSON_NOT_FOUND",
            Self::Card | Self::CardAt { .. } => "CARD_NOT_FOUND",
            Self::StateTable => "STATES_NOT_FOUND",
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Person { id } => lang.pick(format!("没有编号为 {id} 的人员"), format!("there is no person {id}")),
            Self::Card => lang.pick("没有这张卡", "there is no such card").to_owned(),
            Self::CardAt { place } => lang.pick(
                format!("所给的第 {place} 个卡号没有这张卡，全部未办"),
                format!("number {place} of those given is no card; nothing was done"),
            ),
            Self::StateTable => lang.pick("没有这张状态表", "there is no such table of states").to_owned(),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Person { .. } => {
                lang.pick("用 issuer person list 查看", "see who there is with `issuer person list`")
            }
            Self::Card | Self::CardAt { .. } => {
                lang.pick("用 issuer card list 查看", "see which cards there are with `issuer card list`")
            }
            Self::StateTable => lang.pick("用 issuer states 查看全部", "see them all with `issuer states`"),
        }
    }

    fn exit(&self) -> Exit {
        Exit::NotFound
    }
}
