//! What the calls are told from outside: readers, device number, size of the caller's buffer, language, where PINs are typed.
//!
//! Owns: the names of variables, the grammar of the settings file, the order variable > file > default.
//! Never: opens a reader.
//!
//! The file is the one named by `SSCARD_DRIVER_CONFIG`; TOML with the keys of [`Settings`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use card_core::security::CityCode;
use card_counter::profile;
use serde::Deserialize;

use crate::code::Language;
use crate::output::{OUT_BYTES_DEFAULT, OUT_BYTES_MAX};

/// How long the holder may take to type a PIN: the default of deployed drivers.
const PIN_WITHIN: Duration = Duration::from_secs(30);

/// How long a card is kept between two calls: an HSM far away, or a person who reads a screen.
const HOLD: Duration = Duration::from_secs(120);

/// Most seconds of either.
const SECONDS_MAX: u64 = 600;

/// Settings of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Reader of the user card: index, name or part of it; any when absent.
    pub reader: Option<String>,
    /// Reader of the PSAM; any when absent.
    pub psam: Option<String>,
    /// 终端设备号, the last field of the output.
    pub device: String,
    /// Bytes of the caller's buffer.
    pub out_bytes: usize,
    /// Language of messages.
    pub language: Language,
    /// The terminal's data folder: its journal, and what was learnt of cards. Without it nothing is paid, and this process
    /// remembers.
    pub data: Option<PathBuf>,
    /// The terminal's city: cards of others do not pay here.
    pub city: Option<CityCode>,
    /// The centre's address: `https://HOST:PORT`, or `http://` of this machine. Whether it is asked before a sale its signed limits say.
    pub centre: Option<String>,
    /// Program that asks the holder for a PIN and prints it; its argument is `verify`, `old`, `new` or `again`.
    pub pin_entry: Option<PathBuf>,
    /// How long the holder may take.
    pub pin_within: Duration,
    /// How long a card is kept between the steps of a function, and after its PIN.
    pub hold: Duration,
    /// Whether the last try of a PIN, and a key that the card refused before, may be tried.
    pub last_try: bool,
    /// Key file marked REHEARSAL, for the functions that stand for an HSM.
    pub hsm_keys: Option<PathBuf>,
    /// Profiles of the site: first digits of the city code, built-in name or file.
    pub regions: BTreeMap<String, String>,
    /// Whether functions that write to cards or put PINs anew may be called.
    pub writes: bool,
    /// Whether callers may send commands of their own to cards and PSAMs: they can spend tries and undo what a function proved.
    pub raw_commands: bool,
    /// Whether functions may hand the digits of a PIN to the caller.
    pub gives_pins: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reader: None,
            psam: None,
            device: String::new(),
            out_bytes: OUT_BYTES_DEFAULT,
            language: Language::default(),
            data: None,
            city: None,
            centre: None,
            pin_entry: None,
            pin_within: PIN_WITHIN,
            hold: HOLD,
            last_try: false,
            hsm_keys: None,
            regions: BTreeMap::new(),
            writes: false,
            raw_commands: false,
            gives_pins: false,
        }
    }
}

/// A setting that cannot be used, with its place.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The settings file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The settings file is not what it should be.
    #[error("{}: {source}", path.display())]
    Grammar {
        /// Path as given.
        path: PathBuf,
        /// Line and what was expected.
        source: Box<toml::de::Error>,
    },
    /// A buffer size that is no number from 1 to 4096.
    #[error("{place}: {given} is no size from 1 to {OUT_BYTES_MAX}")]
    OutBytes {
        /// Variable or key.
        place: &'static str,
        /// What was given.
        given: String,
    },
    /// A value that its setting cannot have.
    #[error("{place}: {given} is not {expected}")]
    Value {
        /// Variable or key.
        place: &'static str,
        /// What was given.
        given: String,
        /// What is expected.
        expected: &'static str,
    },
    /// A key of `[regions]` that is none.
    #[error("regions.{given}: a region is the first one to six digits of a city code")]
    Region {
        /// What was given.
        given: String,
    },
    /// A language that is neither.
    #[error("{place}: {given} is neither zh nor en")]
    Language {
        /// Variable or key.
        place: &'static str,
        /// What was given.
        given: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reader: Option<String>,
    psam: Option<String>,
    device: Option<String>,
    out_bytes: Option<u32>,
    language: Option<String>,
    data: Option<PathBuf>,
    city: Option<String>,
    centre: Option<String>,
    pin_entry: Option<PathBuf>,
    pin_seconds: Option<u64>,
    hold_seconds: Option<u64>,
    last_try: Option<bool>,
    hsm_keys: Option<PathBuf>,
    #[serde(default)]
    regions: BTreeMap<String, String>,
    writes: Option<bool>,
    raw_commands: Option<bool>,
    gives_pins: Option<bool>,
}

impl Settings {
    /// Reads the variables through `variable`, then the file that one of them names.
    ///
    /// # Errors
    /// [`SettingError`] with variable, or file and line.
    pub fn load(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let file = set("SSCARD_DRIVER_CONFIG").map_or_else(|| Ok(File::default()), |path| read(Path::new(&path)))?;
        let default = Self::default();
        let out_bytes =
            pair(set("SSCARD_OUT_BYTES"), file.out_bytes.map(|n| n.to_string()), "SSCARD_OUT_BYTES", "out_bytes");
        let language = pair(set("SSCARD_LANG"), file.language, "SSCARD_LANG", "language");
        Ok(Self {
            reader: set("SSCARD_READER").or(file.reader),
            psam: set("SSCARD_PSAM").or(file.psam),
            data: set("SSCARD_DATA").map(PathBuf::from).or(file.data),
            city: pair(set("SSCARD_CITY"), file.city, "SSCARD_CITY", "city")
                .map(|(place, given)| parsed(place, given, "six digits", CityCode::parse))
                .transpose()?,
            centre: set("SSCARD_CENTRE").or(file.centre),
            pin_entry: set("SSCARD_PIN_ENTRY").map(PathBuf::from).or(file.pin_entry),
            pin_within: seconds(set("SSCARD_PIN_SECONDS"), file.pin_seconds, "SSCARD_PIN_SECONDS", "pin_seconds")?
                .unwrap_or(default.pin_within),
            hold: seconds(set("SSCARD_HOLD_SECONDS"), file.hold_seconds, "SSCARD_HOLD_SECONDS", "hold_seconds")?
                .unwrap_or(default.hold),
            last_try: yes(set("SSCARD_LAST_TRY"), file.last_try, "SSCARD_LAST_TRY")?,
            writes: yes(set("SSCARD_WRITES"), file.writes, "SSCARD_WRITES")?,
            raw_commands: yes(set("SSCARD_RAW_COMMANDS"), file.raw_commands, "SSCARD_RAW_COMMANDS")?,
            gives_pins: yes(set("SSCARD_GIVES_PINS"), file.gives_pins, "SSCARD_GIVES_PINS")?,
            hsm_keys: set("SSCARD_HSM_KEYS").map(PathBuf::from).or(file.hsm_keys),
            regions: file.regions,
            device: set("SSCARD_DEVICE").or(file.device).unwrap_or(default.device),
            out_bytes: out_bytes.map_or(Ok(default.out_bytes), |(place, given)| size(place, given))?,
            language: language.map_or(Ok(default.language), |(place, given)| self::language(place, given))?,
        })
    }
}

fn parsed<T>(
    place: &'static str,
    given: String,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, SettingError> {
    parse(&given).ok_or(SettingError::Value { place, given, expected })
}

/// Nothing said is no.
fn yes(variable: Option<String>, key: Option<bool>, name: &'static str) -> Result<bool, SettingError> {
    let given = variable.map(|given| parsed(name, given, "true or false", |text| text.parse().ok())).transpose()?;
    Ok(given.or(key).unwrap_or_default())
}

fn seconds(
    variable: Option<String>,
    key: Option<u64>,
    variable_name: &'static str,
    key_name: &'static str,
) -> Result<Option<Duration>, SettingError> {
    let within = |text: &str| text.parse().ok().filter(|n| (1..=SECONDS_MAX).contains(n)).map(Duration::from_secs);
    pair(variable, key.map(|n| n.to_string()), variable_name, key_name)
        .map(|(place, given)| parsed(place, given, "1 to 600 seconds", within))
        .transpose()
}

fn pair(
    variable: Option<String>,
    key: Option<String>,
    variable_name: &'static str,
    key_name: &'static str,
) -> Option<(&'static str, String)> {
    variable.map(|value| (variable_name, value)).or(key.map(|value| (key_name, value)))
}

fn size(place: &'static str, given: String) -> Result<usize, SettingError> {
    match given.parse() {
        Ok(size) if (1..=OUT_BYTES_MAX).contains(&size) => Ok(size),
        Ok(_) | Err(_) => Err(SettingError::OutBytes { place, given }),
    }
}

fn language(place: &'static str, given: String) -> Result<Language, SettingError> {
    match given.as_str() {
        "zh" => Ok(Language::Zh),
        "en" => Ok(Language::En),
        _ => Err(SettingError::Language { place, given }),
    }
}

fn read(path: &Path) -> Result<File, SettingError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingError::File { path: path.to_owned(), source })?;
    let file: File = toml::from_str(&text)
        .map_err(|source| SettingError::Grammar { path: path.to_owned(), source: Box::new(source) })?;
    let here = path.parent().unwrap_or(Path::new(""));
    let regions = file.regions.into_iter().map(|(region, name)| {
        let name = profile::region_name(here, name);
        if profile::is_region(&region) { Ok((region, name)) } else { Err(SettingError::Region { given: region }) }
    });
    Ok(File { regions: regions.collect::<Result<_, _>>()?, ..file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::load(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(load(&[("SSCARD_READER", "")]).expect("defaults"), Settings::default());
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("driver.toml");
        std::fs::write(&path, "reader = \"A\"\ndevice = \"D1\"\nout_bytes = 2048\n").expect("written");
        let path = path.to_str().expect("a path in UTF-8");
        let settings = load(&[("SSCARD_DRIVER_CONFIG", path), ("SSCARD_READER", "B")]).expect("settings");
        assert_eq!((settings.reader.as_deref(), settings.device.as_str(), settings.out_bytes), (Some("B"), "D1", 2048));
        std::fs::write(path, "readr = \"A\"\n").expect("written");
        let error = load(&[("SSCARD_DRIVER_CONFIG", path)]).expect_err("an unknown key").to_string();
        assert!(error.contains("driver.toml") && error.contains("readr"), "{error}");
    }

    #[test]
    fn sizes_outside_the_buffer_are_refused() {
        for wrong in ["0", "4097", "-1", "many"] {
            assert!(matches!(load(&[("SSCARD_OUT_BYTES", wrong)]), Err(SettingError::OutBytes { .. })), "{wrong}");
        }
        assert_eq!(load(&[("SSCARD_OUT_BYTES", "4096")]).expect("the most").out_bytes, 4096);
    }
}
