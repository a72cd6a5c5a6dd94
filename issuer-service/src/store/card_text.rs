//! Texts of the site's own card types by which cards were made.
//!
//! Owns: one text a name, kept for as long as the centre. Never: knows the texts that are built in from anywhere but the program.

use card_profiles::{Profile, builtin};

use super::engine::OptionalExtension;
use super::{StoreError, Tx};
use crate::centre::CardType;
use crate::clock;

impl Tx<'_> {
    /// Cards are made by this type from now on: its text is kept. `false`: cards were made by another text of this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn take_card_text(&self, made: &CardType) -> Result<bool, StoreError> {
        let Some(text) = &made.text else { return Ok(true) };
        let name = &made.profile.name;
        if let Some(known) = self.card_text_digest(name)? {
            return Ok(known == made.digest);
        }
        self.sql.execute(
            "INSERT INTO card_text (name, digest, text, taken_at) VALUES ($1, $2, $3, $4)",
            (name, &made.digest, text, clock::now()),
        )?;
        Ok(true)
    }

    /// Digest of the text of this name by which cards were made; none for a built-in one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_text_digest(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT digest FROM card_text WHERE name = $1")?;
        Ok(find.query_row([name], |row| row.get(0)).optional()?)
    }

    /// The profile that a card was made by, by its name: built in, or of a text that is kept.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the text kept is no profile any more.
    pub fn profile_of_cards(&self, name: &str) -> Result<Option<Profile>, StoreError> {
        if let Some(profile) = builtin(name) {
            return Ok(Some(profile));
        }
        let mut find = self.sql.prepare("SELECT text FROM card_text WHERE name = $1")?;
        let text: Option<String> = find.query_row([name], |row| row.get(0)).optional()?;
        text.map(|text| Profile::parse(&text).map_err(|_| StoreError::Damaged)).transpose()
    }
}
