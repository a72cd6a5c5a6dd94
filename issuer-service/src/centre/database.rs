//! `[database]` of `centre.toml`: a database of a PostgreSQL server.
//!
//! Owns: its rows, and where its password is read from. Never: repeats a password, also not one written in the wrong row.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::CentreError;
use crate::store::{Place, Server};
use crate::vault::passphrase::Source;

/// `[database]` of `centre.toml`: a database of a PostgreSQL server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://USER@HOST:PORT/DATABASE`, without password.
    pub url: String,
    /// Where the password is: `env:NAME` or `file:PATH`. Read as text: a refusal must not repeat it, it may be the
    /// password itself.
    #[serde(default)]
    pub password: Option<String>,
    /// PEM file of the certificates that vouch for the server; needed when it is another machine.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

impl DatabaseConfig {
    /// A server that asks for no password.
    #[must_use]
    pub const fn at(url: String) -> Self {
        Self { url, password: None, ca: None }
    }

    pub(crate) fn place(&self) -> Result<Place, CentreError> {
        let read = |source: &String| source.parse::<Source>().ok().and_then(|source| source.read().ok());
        let password = self.password.as_ref().map(|source| read(source).ok_or(CentreError::DatabasePassword));
        let password = password.transpose()?;
        Ok(Place::Server(Box::new(Server::new(&self.url, password.as_ref(), self.ca.as_deref())?)))
    }

    pub(crate) fn rows(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let password = self.password.as_ref().map(|source| format!("password = {}\n", quoted(source)));
        let ca = self.ca.as_ref().map(|path| format!("ca = {}\n", quoted(&path.to_string_lossy())));
        format!("\n[database]\nurl = {}\n{}{}", quoted(&self.url), password.unwrap_or_default(), ca.unwrap_or_default())
    }
}
