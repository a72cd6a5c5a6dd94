//! The card types that this terminal knows.
//!
//! Owns: the choice of a profile by the card's specification version. Never: reads a card.

use card_core::security::psam::PsamNames;
use card_profiles::Profile;
use card_profiles::account::AccountRules;

/// Profiles of user cards, and of the PSAM.
#[derive(Debug)]
pub struct Profiles {
    user: Profile,
    psam: PsamNames,
    account: AccountRules,
}

impl Profiles {
    /// The built-in profiles.
    ///
    /// # Panics
    /// Never: both are built in and read by a test.
    #[must_use]
    pub fn builtin() -> Self {
        let user = card_profiles::builtin("ssc-3.0").expect("built in");
        let psam = card_profiles::builtin("psam").and_then(|profile| profile.psam_names()).expect("built in");
        let account = user.account.clone().expect("the built-in card has an account");
        Self { user, psam, account }
    }

    /// Profile with which every card is approached: its names and EF05 are the same in all versions of layout V2.
    #[must_use]
    pub const fn first(&self) -> &Profile {
        &self.user
    }

    /// Profile of a card with this 规范版本: `2…` and `3…` share layout V2 (LD/T 32); others are not supported.
    #[must_use]
    pub fn of_version(&self, version: &str) -> Option<&Profile> {
        matches!(version.chars().next(), Some('2' | '3')).then_some(&self.user)
    }

    /// The medical account.
    #[must_use]
    pub const fn account(&self) -> &AccountRules {
        &self.account
    }

    /// Name of SSSE.
    #[must_use]
    pub fn ssse_name(&self) -> &[u8] {
        self.user.df.first().map_or(&[], |df| &df.df_name)
    }

    /// Names that select the PSAM.
    #[must_use]
    pub fn psam_names(&self) -> PsamNames {
        self.psam.clone()
    }
}
