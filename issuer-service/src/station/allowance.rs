//! What a station may ask of the keys: the operations of the plan of one job's card, and no others.
//!
//! Owns: the list, made of the centre's own plan; carrying one of them out. Never: takes a key, a factor of its derivation or a
//! form from the message: they are the plan's.

use card_core::crypto::Block;
use card_core::script::{AUTHENTICATION_PLAIN, KeyLoad, Step};
use card_core::security::{KeyRef, SecurityModule};
use card_profiles::Profile;
use card_profiles::plan::{ControlKeyState, Plan, PlanError};

use super::book;
use super::line::Order;
use super::wire::{Answer, Operation};
use crate::vault::VaultKeys;

/// Runs of a whole plan that the cryptograms of one card suffice for (assumed): a card that comes off more often is bad.
const RUNS_MAX: usize = 32;

/// The operations of one card.
pub struct Allowance {
    authenticate: Vec<KeyRef>,
    load: Vec<KeyLoad>,
}

/// Why an operation is not carried out.
#[derive(Debug)]
pub enum Denied {
    /// It is not in the plan, or its bytes are not such.
    NotInPlan,
    /// The keys.
    Security(card_core::security::SecurityError),
}

impl Allowance {
    /// Of the card of an order: its plan, and the probes of a card that was interrupted.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn of(profile: &Profile, order: &Order) -> Result<Self, PlanError> {
        let mut target = book::target(order);
        let mut steps = Plan::personalize(profile, &order.values, &target)?.steps;
        for df in &profile.df {
            steps.extend(Plan::probe(profile, &df.id, &target)?.steps);
        }
        // A directory that has its keys is entered with them.
        for df in &profile.df {
            target.control.set(&df.id, ControlKeyState::Production);
        }
        steps.extend(Plan::personalize(profile, &order.values, &target)?.steps);
        let mut allowance = Self { authenticate: Vec::new(), load: Vec::new() };
        for step in steps {
            match step.step {
                Step::Authenticate { key, .. } if !allowance.authenticate.contains(&key) => {
                    allowance.authenticate.push(key);
                }
                Step::LoadKey(load) if !allowance.load.contains(&load) => allowance.load.push(load),
                _ => {}
            }
        }
        Ok(allowance)
    }

    /// Most cryptograms for the card.
    #[must_use]
    pub fn most(&self) -> i64 {
        i64::try_from((self.authenticate.len() + self.load.len()) * RUNS_MAX).unwrap_or(i64::MAX)
    }

    /// Whether an operation is one of them.
    #[must_use]
    pub fn holds(&self, operation: &Operation) -> bool {
        match operation {
            Operation::Authenticate { data, .. } => {
                self.authenticated(operation).is_some() && block(data) == Some(AUTHENTICATION_PLAIN)
            }
            Operation::Wrap { .. } => self.loaded(operation).is_some(),
        }
    }

    /// Carries out an operation that is one of them.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn carry_out(&self, keys: &mut VaultKeys, operation: &Operation) -> Result<Answer, Denied> {
        match operation {
            Operation::Authenticate { factor, data, .. } => {
                let key = self.authenticated(operation).ok_or(Denied::NotInPlan)?;
                let (Some(factor), Some(AUTHENTICATION_PLAIN)) = (block(factor), block(data)) else {
                    return Err(Denied::NotInPlan);
                };
                let made = keys.authentication_cryptogram(key, factor, AUTHENTICATION_PLAIN);
                let bytes = hex::encode_upper(made.map_err(Denied::Security)?);
                Ok(Answer::Cryptogram { bytes, mac: String::new() })
            }
            Operation::Wrap { iv, .. } => {
                let load = self.loaded(operation).ok_or(Denied::NotInPlan)?;
                let iv = block(iv).ok_or(Denied::NotInPlan)?;
                let made = keys.wrap(&load.key, &load.protecting, load.command_header(), load.label, iv);
                let made = made.map_err(Denied::Security)?;
                Ok(Answer::Cryptogram { bytes: hex::encode_upper(made.enciphered), mac: hex::encode_upper(made.mac) })
            }
        }
    }

    fn authenticated(&self, operation: &Operation) -> Option<&KeyRef> {
        let Operation::Authenticate { key, version, .. } = operation else { return None };
        self.authenticate.iter().find(|known| known.name.as_str() == key && known.version == *version)
    }

    fn loaded(&self, operation: &Operation) -> Option<&KeyLoad> {
        let Operation::Wrap { key, version, protecting, protecting_version, command, header, .. } = operation else {
            return None;
        };
        let same = |known: &KeyRef, name: &String, version: u8| known.name.as_str() == name && known.version == version;
        self.load.iter().find(|known| {
            same(&known.key, key, *version)
                && same(&known.protecting, protecting, *protecting_version)
                && hex::encode_upper(known.command_header()) == *command
                && hex::encode_upper(known.label) == *header
        })
    }
}

fn block(text: &str) -> Option<Block> {
    hex::decode(text).ok()?.try_into().ok()
}

impl std::fmt::Debug for Allowance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { authenticate, load } = self;
        write!(f, "Allowance({} keys, {} loads)", authenticate.len(), load.len())
    }
}
