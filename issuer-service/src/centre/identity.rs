//! Whose cards a centre makes (中心标识): stored in its database when it is made, compared whenever it is opened.
//!
//! Owns: what belongs to it, how configuration and database are compared. Never: changes a row that is stored.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};

use super::{Centre, CentreError, Config};
use crate::store::{StoreError, Tx};

/// Fact: 32 hex digits, also in `centre.toml`.
const ID: &str = "centre_id";
/// Facts, in the order of the rows: name of the row, name of the fact.
const ROWS: [(&str, &str); 4] = [
    ("city", "centre_city"),
    ("institution", "centre_institution"),
    ("card_number_prefix", "centre_card_number_prefix"),
    ("profile", "centre_profile"),
];

/// What is stored when a centre is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Which centre it is.
    id: String,
    /// Values of [`ROWS`].
    rows: [String; 4],
}

/// A row that is another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{row} is {found}, and was {stored} when the centre was made")]
pub struct Changed {
    /// Its name in `centre.toml`.
    pub row: &'static str,
    /// Value in the database.
    pub stored: String,
    /// Value now.
    pub found: String,
}

/// A new centre's id: 128 random bits, hex.
pub(super) fn new_id() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::NoRandom)?;
    Ok(hex::encode_upper(bytes))
}

impl Identity {
    /// What the configuration says.
    pub(super) fn of(config: &Config, id: String) -> Self {
        let Config { city, institution, card_number_prefix, .. } = config;
        let profile = Centre::PROFILE.to_owned();
        Self { id, rows: [city.to_string(), institution.to_ascii_uppercase(), card_number_prefix.to_string(), profile] }
    }

    /// Whether a configuration is that of this centre.
    pub(super) fn compare(&self, config: &Config) -> Result<(), CentreError> {
        let now = Self::of(config, config.id.clone().unwrap_or_default());
        if now.id != self.id {
            return Err(CentreError::Foreign);
        }
        for ((row, _), (stored, found)) in ROWS.into_iter().zip(self.rows.iter().zip(now.rows)) {
            if *stored != found {
                return Err(CentreError::IdentityChanged(Changed { row, stored: stored.clone(), found }));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "id {}", self.id)?;
        ROWS.iter().zip(&self.rows).try_for_each(|((row, _), value)| write!(f, " {row} {value}"))
    }
}

impl Tx<'_> {
    /// Whose database this is; `None` for one made before that was stored.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a part of it is gone.
    pub fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let Some(id) = self.fact(ID)? else { return Ok(None) };
        let mut rows = [const { String::new() }; 4];
        for (value, (_, fact)) in rows.iter_mut().zip(ROWS) {
            *value = self.fact(fact)?.ok_or(StoreError::Damaged)?;
        }
        Ok(Some(Identity { id, rows }))
    }

    /// Stores whose database this is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_identity(&self, identity: &Identity) -> Result<(), StoreError> {
        self.set_fact(ID, &identity.id)?;
        ROWS.iter().zip(&identity.rows).try_for_each(|((_, fact), value)| self.set_fact(fact, value))
    }
}
