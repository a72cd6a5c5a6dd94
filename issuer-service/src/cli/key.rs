//! `issuer key …`.

use clap::Subcommand;
use serde::Serialize;

use super::Common;
use crate::audit::Act;
use crate::ceremony::Room;
use crate::error::Error;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::{Output, Show, StepsBar};
use crate::rotation;
use crate::vault::{KeyCheck, passphrase};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the keys of the vault with their check values (校验值).
    List,
    /// Compare the check values of the vault with those recorded when the keys were made; exit code 7 when one differs.
    Check,
    /// Take the keys out of the vault that are on no record (`key check` lists them): what a ceremony that was given up has left.
    Discard,
    /// List the generations of data keys (数据密钥): which one seals, and how many rows each one seals.
    Data,
    /// Seal everything about people under new data keys, find them by new hashes, and destroy the old keys.
    ///
    /// Others work meanwhile, and find everybody. Killed, it goes on when the command is given again. A backup that was taken before
    /// keeps its own keys.
    RotateData,
    /// Wrap a key for another module, under the key EXPORT that both hold; the key must have been brought in exportable.
    Export {
        /// Name of the key.
        name: String,
        /// Its version.
        #[arg(long, default_value_t = 1)]
        version: u8,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::List => {
            let vault = common.vault(&centre, output)?;
            output.show(&vault.check_values(centre.config.city)?);
        }
        Verb::Check => {
            let vault = common.vault(&centre, output)?;
            let found = vault.check_values(centre.config.city)?.keys;
            let site = centre.config.site_keys();
            let (recorded, left, needed) = centre.store.read(|tx| -> Result<_, Error> {
                Ok((tx.recorded_check_values()?, tx.keys_left()?, site.lacking_titles(tx)?))
            })?;
            let check = KeyCheck::compare(recorded, found, &left).needing(needed);
            output.show(&check);
            if !check.agrees() {
                return Ok(Exit::Mismatch);
            }
        }
        Verb::Discard => {
            let passphrase = passphrase::to_open(&centre.folder, common.passphrase.as_ref(), output)?;
            let vault = common.vault_with(&centre, &passphrase, output)?;
            let operator = common.operator.as_deref();
            let mut room = Room { centre: &mut centre, vault: &vault, passphrase: &passphrase, operator };
            let (keys, left) = room.discard()?;
            output.show(&Discarded { keys, left });
        }
        Verb::Data => output.show(&centre.store.read(rotation::generations)?),
        Verb::RotateData => {
            let passphrase = passphrase::to_open(&centre.folder, common.passphrase.as_ref(), output)?;
            let bar = StepsBar::new(output);
            let operator = common.operator.as_deref();
            let rotated = rotation::rotate(&mut centre, &passphrase, operator, rotation::ROWS, &bar);
            bar.finish();
            output.show(&rotated?);
        }
        Verb::Export { name, version } => {
            let vault = common.vault(&centre, output)?;
            let (operator, recorded) = centre.store.read(|tx| -> Result<_, Error> {
                Ok((tx.require(common.operator.as_deref(), Role::Keys)?, tx.recorded_check_values()?))
            })?;
            // The act is on record before the key is out.
            let object = format!("key {name} version {version}");
            centre.store.act(|_| -> Result<_, Error> {
                Ok(((), Act { actor: operator, act: "key.export", object, detail: String::new() }))
            })?;
            let wrapped = vault.export(&name, version, &recorded)?;
            centre.sign_checkpoint(&vault, &common.actor())?;
            output.show(&wrapped);
        }
    }
    Ok(Exit::Ok)
}

/// Keys taken out of the vault.
#[derive(Serialize)]
struct Discarded {
    keys: Vec<String>,
    /// Those that the token does not let go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
}

impl Show for Discarded {
    fn text(&self, lang: Lang) -> String {
        let count = self.keys.len();
        let mut text =
            lang.pick(format!("已取出 {count} 个没有记录的密钥"), format!("{count} keys on no record taken out"));
        self.keys.iter().for_each(|key| text.push_str(&format!("\n{key}")));
        if !self.left.is_empty() {
            let left = self.left.join(", ");
            text.push_str(&lang.pick(
                format!("\n令牌不允许删除: {left}；请用厂商工具删除"),
                format!("\nthe token does not let these go: {left}; destroy them with the maker's tool"),
            ));
        }
        text
    }
}
