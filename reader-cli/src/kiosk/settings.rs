//! `[kiosk]` of the configuration file.
//!
//! Owns: its keys and defaults; that arguments win over them. Never: opens anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use card_counter::error::TerminalError;
use card_counter::language::Words;
use serde::Deserialize;

use super::press::PRINT_WITHIN;
use crate::arguments::KioskArguments;

/// Where the page is served when nothing says another address.
const LISTEN: &str = "127.0.0.1:12343";
/// A greeting in Tibetan.
const GREETING: &str = "བཀྲ་ཤིས་བདེ་ལེགས།";
/// Seconds that a printing program may be given: less than its page may stand.
const PRINT_SECONDS: std::ops::RangeInclusive<u64> = 1..=50;

/// The table as written: every key optional, no other keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KioskFile {
    listen: Option<String>,
    place: Option<String>,
    greeting: Option<String>,
    printer: Option<PathBuf>,
    printer_seconds: Option<u64>,
    pages: Option<PathBuf>,
}

/// What a kiosk works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KioskSettings {
    /// Address of this machine.
    pub listen: String,
    /// Where it stands, under the title.
    pub place: String,
    /// A label in a third language on the first page.
    pub greeting: String,
    /// Program that prints.
    pub printer: Option<PathBuf>,
    /// How long that may take.
    pub printer_within: Duration,
    /// Folder of public texts.
    pub pages: Option<PathBuf>,
}

impl Default for KioskSettings {
    fn default() -> Self {
        Self {
            listen: LISTEN.to_owned(),
            place: String::new(),
            greeting: GREETING.to_owned(),
            printer: None,
            printer_within: PRINT_WITHIN,
            pages: None,
        }
    }
}

impl KioskSettings {
    /// Reads the table; files are named as seen from the configuration file.
    ///
    /// # Errors
    /// [`TerminalError::Configuration`].
    pub fn of(file: KioskFile, here: &Path) -> Result<Self, TerminalError> {
        let default = Self::default();
        if file.printer_seconds.is_some_and(|seconds| !PRINT_SECONDS.contains(&seconds)) {
            return Err(TerminalError::Configuration {
                place: "kiosk.printer-seconds".to_owned(),
                reason: Words::new("应为 1 到 50 秒", "1 to 50 seconds"),
            });
        }
        Ok(Self {
            listen: file.listen.unwrap_or(default.listen),
            place: file.place.unwrap_or_default(),
            greeting: file.greeting.unwrap_or(default.greeting),
            printer: file.printer.map(|path| here.join(path)),
            printer_within: file.printer_seconds.map_or(default.printer_within, Duration::from_secs),
            pages: file.pages.map(|path| here.join(path)),
        })
    }

    /// The same where arguments say nothing else.
    #[must_use]
    pub fn with(&self, arguments: &KioskArguments) -> Self {
        Self {
            listen: arguments.listen.clone().unwrap_or_else(|| self.listen.clone()),
            place: arguments.place.clone().unwrap_or_else(|| self.place.clone()),
            greeting: arguments.greeting.clone().unwrap_or_else(|| self.greeting.clone()),
            printer: arguments.printer.clone().or_else(|| self.printer.clone()),
            printer_within: self.printer_within,
            pages: arguments.pages.clone().or_else(|| self.pages.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fills_what_arguments_leave_open_and_files_stand_beside_it() {
        let file: KioskFile =
            toml::from_str("place = \"Hall\"\nprinter = \"print.sh\"\nprinter-seconds = 5\n").expect("a table");
        let settings = KioskSettings::of(file, Path::new("/etc/sscard")).expect("settings");
        assert_eq!((settings.listen.as_str(), settings.greeting.as_str()), (LISTEN, GREETING));
        assert_eq!(settings.printer.as_deref(), Some(Path::new("/etc/sscard/print.sh")));
        assert_eq!(settings.printer_within, Duration::from_secs(5));
        let arguments = KioskArguments {
            listen: Some("127.0.0.1:1".to_owned()),
            place: None,
            greeting: Some(String::new()),
            printer: None,
            pages: Some(PathBuf::from("texts")),
            told_clock: false,
        };
        let both = settings.with(&arguments);
        assert_eq!((both.listen.as_str(), both.place.as_str(), both.greeting.as_str()), ("127.0.0.1:1", "Hall", ""));
        assert_eq!((both.printer, both.pages), (settings.printer, Some(PathBuf::from("texts"))));
        for wrong in ["printer-seconds = 0", "printer-seconds = 51"] {
            let file: KioskFile = toml::from_str(wrong).expect("a table");
            assert!(KioskSettings::of(file, Path::new("")).is_err(), "{wrong}");
        }
        assert!(toml::from_str::<KioskFile>("printr = \"x\"").is_err());
    }
}
