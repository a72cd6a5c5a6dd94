//! `issuer ceremony …`.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Common, SourceParser};
use crate::ceremony::{Ceremonies, Ceremony, CeremonyError, Protocol, Room, Start};
use crate::error::Error;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::output::{Output, Show};
use crate::vault::{HeldValue, Vault, passphrase};

/// What to do in a key ceremony.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a ceremony: the next version of all keys, those that the present version lacks, or what a backup holds.
    Start {
        /// A custodian, an operator with role keys; once for each.
        #[arg(long = "custodian", value_name = "NAME", required_unless_present = "restore")]
        custodians: Vec<String>,
        /// How many custodians can restore the keys.
        #[arg(long, value_name = "M", default_value_t = 2)]
        threshold: u8,
        /// Add only the keys that the card types of centre.toml need and the present version lacks; no other key changes.
        #[arg(long)]
        missing: bool,
        /// Restore this backup; it names the custodians.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["custodians", "threshold", "missing"])]
        restore: Option<PathBuf>,
    },
    /// Contribute as the custodian who is the operator, each at an own terminal.
    Contribute {
        /// Secret that protects, or opens, the custodian's share: env:NAME or file:PATH; asked for when absent.
        #[arg(long, value_name = "SOURCE", value_parser = SourceParser)]
        secret: Option<passphrase::Source>,
        /// What the custodian adds to the random numbers (dice, coins): env:NAME or file:PATH.
        #[arg(long, value_name = "SOURCE", value_parser = SourceParser)]
        component: Option<passphrase::Source>,
        /// The custodian's share, to restore.
        #[arg(long, value_name = "FILE")]
        share: Option<PathBuf>,
    },
    /// Bring parts of keys from above (母卡分量) as the custodian who is the operator.
    Import {
        /// The parts that this custodian carries.
        #[arg(required_unless_present = "undo")]
        file: Option<PathBuf>,
        /// Take back what this custodian brought of this key.
        #[arg(long, value_name = "KEY", conflicts_with = "file")]
        undo: Option<String>,
        /// Of this lot of the transport key only.
        #[arg(long, value_name = "VERSION", requires = "undo")]
        lot: Option<u8>,
    },
    /// Make or restore the keys and put them into the vault.
    Finish {
        /// Folder for the sealed shares of the custodians.
        #[arg(long, value_name = "DIR")]
        shares: Option<PathBuf>,
    },
    /// Give the open ceremony up.
    Cancel,
    /// List ceremonies.
    List,
    /// Show who contributed to a ceremony.
    Show {
        /// Number.
        number: i64,
    },
    /// Everything on record of a ceremony, with its receipts.
    Protocol {
        /// Number.
        number: i64,
        /// Write a page to print and sign.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    let missing = || Error::from(CeremonyError::NotFound);
    match verb {
        Verb::List => {
            let ceremonies = centre.store.read(|tx| tx.ceremonies())?;
            output.show(&Ceremonies { ceremonies });
        }
        Verb::Show { number } => {
            output.show(&centre.store.read(|tx| tx.ceremony(number))?.ok_or_else(missing)?);
        }
        Verb::Protocol { number, html } => {
            let protocol = centre.store.read(|tx| -> Result<_, Error> {
                let ceremony = tx.ceremony(number)?.ok_or_else(missing)?;
                let keys = tx.check_values_brought(&ceremony)?;
                let receipts = tx.ceremony_receipts(number)?;
                Ok(Protocol { ceremony, keys, receipts, public_key: tx.fact("public_key")?.unwrap_or_default() })
            })?;
            if let Some(path) = html {
                std::fs::write(&path, protocol.html(output.lang()))
                    .map_err(|source| CeremonyError::File { path, source })?;
            }
            output.show(&protocol);
        }
        verb => return work(common, &mut centre, verb, output),
    }
    Ok(Exit::Ok)
}

/// The steps that need the vault.
fn work(common: &Common, centre: &mut crate::Centre, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let passphrase = passphrase::to_open(&centre.folder, common.passphrase.as_ref(), output)?;
    let vault = match verb {
        Verb::Finish { .. } | Verb::Cancel => common.vault_with(centre, &passphrase, output)?,
        _ => Vault::open_to_sign(&centre.vault_path(), &passphrase)?,
    };
    let mut room = Room { centre, vault: &vault, passphrase: &passphrase, operator: common.operator.as_deref() };
    match verb {
        Verb::Start { custodians, threshold, missing, restore } => {
            let start = Start { custodians: &custodians, threshold, missing, restore: restore.as_deref() };
            output.show(&room.start(&start)?);
        }
        Verb::Contribute { secret, component, share } => {
            let secret = match secret {
                Some(source) => source.read()?,
                None => output.ask(SECRET).ok_or(crate::vault::VaultError::PassphraseMissing)?,
            };
            let typed = component.map_or_else(|| Ok(Zeroizing::default()), |source| source.read())?;
            output.show(&room.contribute(&secret, &typed, share.as_deref())?);
        }
        Verb::Import { file, undo, lot } => {
            let (parts, taken_back) = match (file, undo) {
                (_, Some(key)) => (room.take_back(&key, lot)?, true),
                (file, None) => (room.import(&file.unwrap_or_default())?, false),
            };
            output.show(&Imported { parts, taken_back });
        }
        Verb::Finish { shares } => {
            let (ceremony, written) = room.finish(shares.as_deref())?;
            output.show(&Finished { ceremony, written });
        }
        Verb::Cancel => {
            let (ceremony, left) = room.cancel()?;
            let exit = if left.is_empty() { Exit::Ok } else { Exit::Partly };
            output.show(&Cancelled { ceremony, left });
            return Ok(exit);
        }
        Verb::List | Verb::Show { .. } | Verb::Protocol { .. } => unreachable!("these need no vault"),
    }
    Ok(Exit::Ok)
}

const SECRET: (&str, &str) = ("保管人口令: ", "secret of the custodian: ");

#[derive(Serialize)]
struct Imported {
    parts: usize,
    taken_back: bool,
}

impl Show for Imported {
    fn text(&self, lang: Lang) -> String {
        let Self { parts, taken_back } = self;
        if *taken_back {
            return lang.pick(format!("已收回 {parts} 个分量"), format!("{parts} parts taken back"));
        }
        lang.pick(format!("已导入 {parts} 个分量"), format!("{parts} parts imported"))
    }
}

#[derive(Serialize)]
struct Finished {
    #[serde(flatten)]
    ceremony: Ceremony,
    written: Vec<PathBuf>,
}

impl Show for Finished {
    fn text(&self, lang: Lang) -> String {
        let mut text = self.ceremony.text(lang);
        for path in &self.written {
            text.push_str(&format!("\n{} {}", lang.pick("已写入", "written:"), path.display()));
        }
        text
    }
}

#[derive(Serialize)]
struct Cancelled {
    #[serde(flatten)]
    ceremony: Ceremony,
    /// Keys that the token does not let go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<HeldValue>,
}

impl Show for Cancelled {
    fn text(&self, lang: Lang) -> String {
        let text = self.ceremony.text(lang);
        if self.left.is_empty() {
            return text;
        }
        let keys: Vec<String> = self.left.iter().map(|key| format!("  {}  {}", key.title(), key.check_value)).collect();
        let (left, next) = (
            lang.pick("令牌不允许删除，以下密钥留在令牌中", "the token does not let these keys go:"),
            lang.pick(
                "没有卡片使用它们，今后的仪式跳过这一版本。请保管人用厂商工具删除，或在停用该令牌时一并销毁，并在仪式记录上签注",
                "no card uses them, and later ceremonies pass over their version. Let the custodians destroy them with the maker's tool, or with the token when it goes out of use, and sign that on the protocol",
            ),
        );
        format!("{text}\n{left}\n{}\n{next}", keys.join("\n"))
    }
}
