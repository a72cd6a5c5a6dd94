//! Questions that the sources answer in more than one way (可选项): each answer is a set of rows.
//!
//! Owns: what is asked, what is chosen. Never: holds a default of its own: the text names its choice (`overlay` puts its rows
//! over the others before anything else is read).

use std::collections::BTreeMap;

use serde::Deserialize;

/// A question, its answers, and the one that counts.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OptionRow {
    /// What is asked, in Chinese.
    pub title: String,
    /// The answer that counts: one of `choices`.
    pub choice: String,
    /// Rows that each answer puts over the others, written as in a text that extends another.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>"))]
    pub choices: BTreeMap<String, toml::Table>,
    /// Which source says what.
    pub assumed: String,
}
