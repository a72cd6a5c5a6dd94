//! `card-sim new`: cards as a factory delivers them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use card_profiles::lint::lint;
use card_profiles::{Chain, Profile, builtin_text, flatten};
use ring::rand::{SecureRandom, SystemRandom};

use super::arguments::New;
use super::output::Output;
use super::{Failure, image};
use crate::fault::FaultPlan;
use card_profiles::key_file::GivenKeys;

/// City of the demonstration in BCD; a factory prints the city that ordered the lot.
const CITY: [u8; 2] = [0x51, 0x33];

pub(crate) fn make(new: &New, output: &Output) -> Result<(), Failure> {
    let first = Part::read(&new.profile, new.keys.as_deref(), output)?;
    let beside =
        new.beside.as_deref().map(|beside| Part::read(beside, new.beside_keys.as_deref(), output)).transpose()?;
    let environments: Vec<(&str, &GivenKeys)> =
        std::iter::once(&first).chain(&beside).map(|part| (part.text.as_str(), &part.keys)).collect();
    let key_file = new.keys.as_deref().or(new.beside_keys.as_deref());
    let serial = new.serial.unwrap_or_else(|| serial_of(new.seed.unwrap_or_else(random)));
    let images = match (&new.out, &new.out_dir) {
        (Some(path), _) => vec![(path.clone(), serial)],
        (None, Some(folder)) => {
            fs::create_dir_all(folder).map_err(|source| Failure::File { path: folder.clone(), source })?;
            (0..new.count.unwrap_or(1)).map(|index| numbered(folder, serial, index)).collect()
        }
        (None, None) => Vec::new(),
    };
    let mut made = Vec::with_capacity(images.len());
    for (path, serial) in images {
        image::create_of_environments(&path, &environments, serial, &FaultPlan::default())
            .map_err(|error| of_key_file(error, key_file))?;
        made.push((path, hex::encode_upper(serial)));
    }
    output.made(&made);
    Ok(())
}

/// One environment of the card to make.
struct Part {
    text: String,
    keys: GivenKeys,
}

impl Part {
    fn read(profile: &str, keys: Option<&Path>, output: &Output) -> Result<Self, Failure> {
        let chain = profile_text(profile)?;
        // Wrong cards are made on purpose too: said, not refused.
        let found = Profile::parse(&chain).map_err(|error| Failure::Image(image::ImageError::from(error)))?;
        output.contradictions(&lint(&found));
        // Whole, as a card keeps it: the files that it extends are here alone.
        let text = if chain.files().next().is_none() { chain.text().to_owned() } else { flat(&chain)? };
        Ok(Self { text, keys: keys.map_or_else(|| Ok(GivenKeys::default()), given_keys)? })
    }
}

fn flat(chain: &Chain) -> Result<String, Failure> {
    flatten(chain).map_err(|error| Failure::Image(image::ImageError::from(error)))
}

fn given_keys(path: &Path) -> Result<GivenKeys, Failure> {
    let bytes = fs::read(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    GivenKeys::parse_bytes(&zeroize::Zeroizing::new(bytes))
        .map_err(|source| Failure::KeyFile { path: path.to_owned(), source })
}

/// Keys that do not fit the card stand in a file: its name belongs to the refusal.
fn of_key_file(error: image::ImageError, path: Option<&Path>) -> Failure {
    match (error, path) {
        (image::ImageError::Keys(source), Some(path)) => Failure::KeyFile { path: path.to_owned(), source },
        (error, _) => Failure::Image(error),
    }
}

fn profile_text(profile: &str) -> Result<Chain, Failure> {
    if let Some(text) = builtin_text(profile) {
        return Ok(text.to_owned().into());
    }
    let path = Path::new(profile);
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Failure::NoProfile(profile.to_owned()),
        _ => Failure::File { path: PathBuf::from(profile), source },
    })?;
    Ok(Chain::read(text, |base| fs::read_to_string(path.with_file_name(base))))
}

fn numbered(folder: &Path, first: [u8; 6], index: u32) -> (PathBuf, [u8; 6]) {
    let [a, b, rest @ ..] = first;
    let [c, d, e, f] = u32::from_be_bytes(rest).wrapping_add(index).to_be_bytes();
    let serial = [a, b, c, d, e, f];
    (folder.join(format!("{}.card", hex::encode_upper(serial))), serial)
}

fn serial_of(number: u32) -> [u8; 6] {
    let ([a, b], [c, d, e, f]) = (CITY, number.to_be_bytes());
    [a, b, c, d, e, f]
}

/// A number that no other card is likely to have; without random numbers, the first.
fn random() -> u32 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u32::from_be_bytes(bytes),
        Err(_) => 1,
    }
}
