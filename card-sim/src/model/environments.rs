//! The environments of a card: one on most, several on a PSAM that answers sx1 and sx3.
//!
//! Source: published driver sequences, which select the environment of the card's algorithm by name.
//! Owns: that each lies behind the one before it, what they share, their memory at the factory.
//! Never: chooses one (`card::select`).
//! Units: addresses and lengths in bytes.

use std::sync::Arc;

use card_core::key::Key16;
use card_profiles::Profile;
use card_profiles::key_file::{ApplicationSerial, Slot};
use card_profiles::profile::CardKind;

use super::{Model, ModelError, Places, Shared};
use crate::memory::DATA_START;

/// At least one; the first is current after a reset.
#[derive(Clone, Debug)]
pub(crate) struct Environments(Vec<Arc<Model>>);

impl Environments {
    /// Lays profiles out, one behind the other. What the `shared_files` of a later one name lies with the first's.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn of(profiles: &[&Profile]) -> Result<Self, ModelError> {
        let several = profiles.len() > 1;
        let mut models: Vec<Arc<Model>> = Vec::with_capacity(profiles.len());
        for profile in profiles {
            if several && profile.kind != CardKind::Psam {
                return Err(ModelError::NotBeside(profile.name.clone()));
            }
            let name = profile.df.first().map_or(&[][..], |df| &df.df_name);
            if several && models.iter().any(|model| model.dfs.first().is_some_and(|df| df.name == name)) {
                return Err(ModelError::SameEnvironment(hex::encode_upper(name)));
            }
            let place = match (models.first(), models.last()) {
                (Some(first), Some(last)) => Places { next: last.size, shared: shared(first, profile)? },
                _ => Places { next: DATA_START, shared: Shared::new() },
            };
            models.push(Arc::new(Model::placed(profile, place)?));
        }
        assert!(!models.is_empty(), "a card has an environment");
        Ok(Self(models))
    }

    /// The one that is current after a reset.
    pub(crate) fn first(&self) -> &Arc<Model> {
        &self.0[0]
    }

    /// All, the first first.
    pub(crate) fn all(&self) -> &[Arc<Model>] {
        &self.0
    }

    /// The first besides `current` that SELECT by this name finds something of; none when `current` has it itself.
    pub(crate) fn named(&self, current: &Model, name: &[u8]) -> Option<&Arc<Model>> {
        if current.has_name(name) { None } else { self.0.iter().find(|model| model.has_name(name)) }
    }

    /// Bytes of the memory in an image of `layout`.
    pub(crate) fn size_in(&self, layout: u32) -> usize {
        let last = &self.0[self.0.len() - 1];
        if layout == 1 { last.blocks } else { last.size }
    }

    /// The memory of a card as a factory delivers it. `keys` are those of each environment, `serials` the application serials of
    /// its purse.
    pub(crate) fn factory(
        &self,
        profiles: &[&Profile],
        transport_key: &Key16,
        card_factor: [u8; 8],
        keys: &[Vec<Slot>],
        serials: &[Option<ApplicationSerial>],
    ) -> Vec<u8> {
        let mut memory = vec![0; self.size_in(super::LAYOUT)];
        for (index, (model, profile)) in self.0.iter().zip(profiles).enumerate() {
            let keys = keys.get(index).map_or(&[][..], Vec::as_slice);
            let serial = serials.get(index).copied().flatten();
            model.fill(&mut memory, profile, transport_key, card_factor, keys, serial);
        }
        memory
    }
}

/// Where the files of `first` lie that the environment of `profile` shares.
fn shared(first: &Model, profile: &Profile) -> Result<Shared, ModelError> {
    let files = first.dfs.iter().flat_map(|df| df.efs.iter().map(move |ef| (format!("{}.{}", df.id, ef.id), ef)));
    let files: Shared = files.map(|(id, ef)| (id, (ef.address, ef.bytes()))).collect();
    let place = |id: &String| {
        let file = files.get(id).ok_or_else(|| ModelError::NoSuchFile(id.clone()))?;
        Ok((id.clone(), *file))
    };
    profile.psam.shared_files.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::builtin;

    fn made(change: impl FnOnce(&mut Profile)) -> Result<Environments, ModelError> {
        let [first, mut second] = ["psam", "psam-sx3"].map(|name| builtin(name).expect("built in"));
        change(&mut second);
        Environments::of(&[&first, &second])
    }

    #[test]
    fn environments_lie_behind_each_other_but_for_the_files_that_they_share() {
        let both = made(|_| {}).expect("a PSAM");
        let [first, second] = both.all() else { panic!("two") };
        assert_eq!(first.size, second.keys[0].address);
        let psam = |model: &Model| model.psam.as_ref().map(|psam| (psam.terminal, psam.sequence)).expect("a PSAM");
        assert_eq!(psam(first).0, psam(second).0, "one terminal number");
        assert!(psam(second).1 >= first.size, "its own transaction number");
        let own = made(|second| second.psam.shared_files.clear()).expect("a PSAM");
        let [first, second] = own.all() else { panic!("two") };
        assert!(psam(second).0 >= first.size && psam(first).0 < first.size);
        assert_eq!(own.size_in(super::super::LAYOUT), both.size_in(super::super::LAYOUT) + 15 + 6);
    }

    #[test]
    fn what_cannot_be_told_apart_or_shared_is_no_card() {
        let named =
            |second: &mut Profile| second.df[0].df_name = builtin("psam").expect("built in").df[0].df_name.clone();
        assert!(matches!(made(named), Err(ModelError::SameEnvironment(_))));
        let shares = |file: &str| {
            let file = file.to_owned();
            move |second: &mut Profile| second.psam.shared_files = vec![file]
        };
        assert!(matches!(made(shares("MF.EF20")), Err(ModelError::NoSuchFile(_))));
        let longer = |second: &mut Profile| second.df[0].ef[0].size += 1;
        assert!(matches!(made(longer), Err(ModelError::Size(_))));
        let small = |second: &mut Profile| second.capacity = 2_048;
        assert!(matches!(made(small), Err(ModelError::Capacity { .. })), "the first takes room too");
        let user = builtin("ssc-3.0").expect("built in");
        let psam = builtin("psam-sx3").expect("built in");
        assert!(matches!(Environments::of(&[&user, &psam]), Err(ModelError::NotBeside(_))));
    }
}
