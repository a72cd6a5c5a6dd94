//! Where the terminal finds its readers, its centre and its data.
//!
//! Owns: the order argument > environment > configuration file > default, and the file's grammar (TOML).
//! Never: opens a reader or the journal.
//!
//! The file is the one named by `--config` or `SSCARD_CONFIG`; else `sscard.toml` in the data folder, if it is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use card_core::security::CityCode;
use card_core::transport::pcsc::Interface;
use serde::Deserialize;
use settlement::receipt::Paper;

use crate::arguments::Places;
use crate::kiosk::settings::{KioskFile, KioskSettings};
use crate::national::settings::{NationalFile, NationalSettings};
use card_counter::error::TerminalError;
use card_counter::file::{self, FileKind};
use card_counter::language::Words;
use card_counter::profile;
use card_profiles::said;

/// Name of the configuration file in the data folder.
const FILE_NAME: &str = "sscard.toml";

/// What the terminal works with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// Reader with the card.
    pub reader: Option<String>,
    /// Reader with the PSAM.
    pub psam: Option<String>,
    /// Address of the centre.
    pub centre: Option<String>,
    /// Data folder.
    pub data: PathBuf,
    /// City that this terminal serves.
    pub city: Option<CityCode>,
    /// How long to wait for a card.
    pub wait: Duration,
    /// How the card is reached.
    pub interface: Interface,
    /// Profiles of the site: first digits of the city code, built-in name or file.
    pub regions: BTreeMap<String, String>,
    /// Who stands at the counter.
    pub operator: String,
    /// Drug catalogue.
    pub catalogue: Option<PathBuf>,
    /// Payment policy.
    pub policy: Option<PathBuf>,
    /// Paper of the receipt printer.
    pub paper: Paper,
    /// Address at which anyone checks receipts; it stands before the code in their QR.
    pub receipt_check: Option<String>,
    /// Font that images and documents of receipts are drawn with.
    pub font: Option<PathBuf>,
    /// The national centre.
    pub national: Option<NationalSettings>,
    /// The kiosk.
    pub kiosk: KioskSettings,
}

/// The configuration file: every key optional, no other keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reader: Option<String>,
    psam: Option<String>,
    centre: Option<String>,
    data: Option<PathBuf>,
    city: Option<String>,
    wait: Option<u16>,
    interface: Option<String>,
    #[serde(default)]
    regions: BTreeMap<String, String>,
    operator: Option<String>,
    catalogue: Option<PathBuf>,
    policy: Option<PathBuf>,
    paper: Option<u16>,
    #[serde(rename = "receipt-check")]
    receipt_check: Option<String>,
    font: Option<PathBuf>,
    national: Option<NationalFile>,
    kiosk: Option<KioskFile>,
}

impl Configuration {
    /// Whether there is a place where a configuration may be: named, or in a data folder.
    #[must_use]
    pub fn is_anywhere(places: &Places, variable: impl Fn(&str) -> Option<String>) -> bool {
        places.config.is_some() || places.data.is_some() || default_folder(&variable).is_some()
    }

    /// Joins arguments (which already hold the environment) with the configuration file and the defaults.
    ///
    /// # Errors
    /// [`TerminalError::Configuration`] with file and line; a file that was named and is not there is an error too.
    pub fn load(places: &Places, variable: impl Fn(&str) -> Option<String>) -> Result<Self, TerminalError> {
        let default = default_folder(&variable);
        let beside = places.data.clone().or_else(|| default.clone()).map(|folder| folder.join(FILE_NAME));
        let (path, file) = match (&places.config, beside) {
            (Some(named), _) => (Some(named.clone()), read(named)?),
            (None, Some(beside)) if beside.is_file() => (Some(beside.clone()), read(&beside)?),
            (None, _) => (None, File::default()),
        };
        let here = path.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        let data =
            places.data.clone().or_else(|| file.data.map(|data| here.join(data))).or(default).ok_or_else(|| {
                TerminalError::Configuration {
                    place: "SSCARD_DATA".to_owned(),
                    reason: Words::new(
                        "没有数据目录：用 --data、SSCARD_DATA 或 HOME 给出",
                        "no data folder: give --data, SSCARD_DATA or HOME",
                    ),
                }
            })?;
        let interface = given(&places.interface).or(file.interface).map(|text| interface(&text)).transpose()?;
        let regions = file.regions.into_iter().map(|(region, name)| region_profile(&here, region, name));
        let regions = regions.collect::<Result<_, _>>()?;
        let city = given(&places.city).or(file.city).map(|text| city(&text)).transpose()?;
        Ok(Self {
            file: path,
            reader: given(&places.reader).or(file.reader),
            psam: given(&places.psam).or(file.psam),
            centre: given(&places.centre).or(file.centre),
            data,
            city,
            wait: Duration::from_secs(places.wait.or(file.wait).unwrap_or(0).into()),
            interface: interface.unwrap_or_default(),
            regions,
            operator: given(&places.operator).or(file.operator).unwrap_or_else(|| "-".to_owned()),
            catalogue: file.catalogue.map(|path| here.join(path)),
            policy: file.policy.map(|path| here.join(path)),
            paper: file.paper.map_or(Ok(Paper::Mm80), paper)?,
            receipt_check: file.receipt_check.map(receipt_check).transpose()?,
            font: file.font.map(|path| here.join(path)),
            national: file.national.map(NationalSettings::of).transpose()?,
            kiosk: file.kiosk.map_or_else(|| Ok(KioskSettings::default()), |kiosk| KioskSettings::of(kiosk, &here))?,
        })
    }
}

/// A variable that is set to nothing is not set.
fn given(value: &Option<String>) -> Option<String> {
    value.clone().filter(|text| !text.is_empty())
}

fn city(text: &str) -> Result<CityCode, TerminalError> {
    CityCode::parse(text).ok_or_else(|| TerminalError::Configuration {
        place: "city".to_owned(),
        reason: Words::new("城市为 GB/T 2260 的 6 位数字", "a city is six digits of GB/T 2260"),
    })
}

/// Longest address before a receipt's code: the QR code stays within the paper.
const RECEIPT_CHECK_MAX: usize = 120;

fn receipt_check(address: String) -> Result<String, TerminalError> {
    let is_address = address.starts_with("https://") || address.starts_with("http://");
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic());
    if is_address && is_plain && address.len() <= RECEIPT_CHECK_MAX {
        return Ok(address);
    }
    Err(TerminalError::Configuration {
        place: "receipt-check".to_owned(),
        reason: Words::of(
            format!("应为 https://主机 形式的地址，至多 {RECEIPT_CHECK_MAX} 个普通字符"),
            format!("an address https://HOST of at most {RECEIPT_CHECK_MAX} plain characters is needed"),
        ),
    })
}

fn paper(millimetres: u16) -> Result<Paper, TerminalError> {
    Paper::of_millimetres(millimetres).ok_or_else(|| TerminalError::Configuration {
        place: "paper".to_owned(),
        reason: Words::new("纸宽为 58 或 80（毫米）", "paper is 58 or 80 (millimetres)"),
    })
}

fn interface(text: &str) -> Result<Interface, TerminalError> {
    Interface::named(text).ok_or_else(|| TerminalError::Configuration {
        place: "interface".to_owned(),
        reason: {
            let names = Interface::NAMES.map(|(name, _)| name).join(", ");
            Words::of(format!("接口为其中之一：{names}"), format!("an interface is one of {names}"))
        },
    })
}

/// A region and its profile; a file is named as seen from the configuration file.
fn region_profile(here: &Path, region: String, name: String) -> Result<(String, String), TerminalError> {
    if !profile::is_region(&region) {
        return Err(TerminalError::Configuration {
            place: format!("regions.{region}"),
            reason: Words::new(
                "地区为 GB/T 2260 城市代码的前 1 到 6 位数字",
                "a region is the first one to six digits of a city code of GB/T 2260",
            ),
        });
    }
    Ok((region, profile::region_name(here, name)))
}

/// `$XDG_DATA_HOME/sscard`, else `$HOME/.local/share/sscard` (XDG base directories).
fn default_folder(variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|folder| folder.join(".local").join("share")));
    base.map(|folder| folder.join("sscard"))
}

fn read(path: &Path) -> Result<File, TerminalError> {
    let text = file::read(path, FileKind::Configuration)?;
    toml::from_str(&text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| text.get(..span.start).map_or(1, |head| 1 + head.matches('\n').count()));
        TerminalError::Configuration {
            place: format!("{}:{line}", path.display()),
            reason: Words::of(said::chinese(error.message()), error.message().to_owned()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn arguments_win_over_the_file_and_the_file_over_defaults() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("terminal.toml");
        std::fs::write(&path, "reader = \"from file\"\npsam = \"from file\"\ncity = \"513300\"\ndata = \"d\"\n")
            .expect("file");
        let places = Places { reader: Some("given".to_owned()), config: Some(path), ..Places::default() };
        let configuration = Configuration::load(&places, none).expect("configuration");
        assert_eq!(configuration.reader.as_deref(), Some("given"));
        assert_eq!(configuration.psam.as_deref(), Some("from file"));
        assert_eq!(configuration.data, folder.path().join("d"));
        assert_eq!(configuration.city, CityCode::parse("513300"));
        assert_eq!(configuration.centre, None);
    }

    #[test]
    fn the_file_in_the_data_folder_is_found_without_being_named() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join(FILE_NAME), "centre = \"http://127.0.0.1:1\"\n").expect("file");
        let places = Places { data: Some(folder.path().to_owned()), ..Places::default() };
        let configuration = Configuration::load(&places, none).expect("configuration");
        assert_eq!(configuration.centre.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("terminal.toml");
        std::fs::write(&path, "reader = \"x\"\n\nreaderr = \"y\"\n").expect("file");
        let places = Places { config: Some(path), ..Places::default() };
        let error = Configuration::load(&places, none).expect_err("unknown key");
        assert!(error.to_string().contains("terminal.toml:3"), "{error}");
    }

    #[test]
    fn interface_and_regions_are_checked_where_they_are_written() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("terminal.toml");
        let load = |text: &str| {
            std::fs::write(&path, text).expect("file");
            Configuration::load(
                &Places { config: Some(path.clone()), data: Some(path.clone()), ..Places::default() },
                none,
            )
        };
        let text =
            "interface = \"contactless-first\"\n[regions]\n5133 = \"ssc-2.0-health-relief\"\n51 = \"own.toml\"\n";
        let configuration = load(text).expect("configuration");
        assert_eq!(configuration.interface, Interface::ContactlessFirst);
        assert_eq!(configuration.regions["5133"], "ssc-2.0-health-relief");
        assert_eq!(Path::new(&configuration.regions["51"]), folder.path().join("own.toml"));
        for wrong in ["interface = \"antenna\"", "[regions]\nx = \"ssc-2.0\"", "[regions]\n5133221 = \"ssc-2.0\""] {
            assert!(matches!(load(wrong), Err(TerminalError::Configuration { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_named_file_that_is_not_there_is_an_error() {
        let places = Places { config: Some(PathBuf::from("nowhere.toml")), ..Places::default() };
        assert!(matches!(Configuration::load(&places, none), Err(TerminalError::File { .. })));
    }

    #[test]
    fn without_home_and_data_nothing_is_guessed() {
        assert!(matches!(Configuration::load(&Places::default(), none), Err(TerminalError::Configuration { .. })));
    }
}
