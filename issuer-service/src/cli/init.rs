//! `issuer init`.

use clap::Args;

use super::Common;
use crate::audit::Act;
use crate::centre::{Centre, CentreError};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::vault::{Vault, passphrase};
use card_core::security::CityCode;

/// Options of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// City that issues: 6 digits of GB/T 2260.
    #[arg(long, value_parser = city, default_value = "513300")]
    city: CityCode,
    /// 初始化机构编号: 24 hex digits; made from the city when absent.
    #[arg(long, value_parser = institution)]
    institution: Option<String>,
}

pub(super) fn run(common: &Common, init: Init, output: &Output) -> Result<Exit, Error> {
    let folder = common.folder()?;
    let Init { city, institution } = init;
    let profiles = [Centre::card_profile(), Centre::psam_profile()];
    let vault = Vault::rehearsal(&profiles)?;
    let institution = institution.unwrap_or_else(|| default_institution(city));
    let mut centre = Centre::create(folder, city, &institution)?;
    let passphrase = passphrase::to_make(folder, common.passphrase.as_ref(), output)?;
    vault.seal(&centre.vault_path(), &passphrase)?;
    centre.store.act(|tx| -> Result<_, CentreError> {
        tx.set_fact("public_key", &hex::encode_upper(vault.public_key()))?;
        tx.set_fact("vault_kind", &vault.kind().to_string())?;
        let detail = format!("city {city} vault {}", vault.kind());
        Ok(((), Act { actor: common.actor(), act: "centre.init", object: "centre".to_owned(), detail }))
    })?;
    centre.sign_checkpoint(&vault)?;
    output.show(&vault.check_values(city)?);
    Ok(Exit::Ok)
}

/// Prefix of the one published number, city, provincial capital, and 00 for the check byte of unknown rule (assumed).
fn default_institution(city: CityCode) -> String {
    let province: String = city.as_str().chars().take(2).collect();
    format!("9156000002{city}{province}010000")
}

fn city(text: &str) -> Result<CityCode, &'static str> {
    CityCode::parse(text).ok_or("a city code has 6 digits (GB/T 2260)")
}

fn institution(text: &str) -> Result<String, &'static str> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() == 12 => Ok(text.to_ascii_uppercase()),
        _ => Err("an institution number has 24 hex digits (12 bytes)"),
    }
}
