//! `issuer init`.

use std::path::{Path, PathBuf};

use card_core::security::CityCode;
use card_core::security::keyring::KeyRing;
use clap::{Args, ValueEnum};

use super::{Common, SourceParser, local};
use crate::audit::Act;
use crate::centre::{CardType, Cards, Centre, CentreError, DatabaseConfig, Issuer, card_type};
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::{Operator, OperatorError, Role};
use crate::output::Output;
use crate::vault::data_keys::DataKeys;
use crate::vault::passphrase::Source;
use crate::vault::pkcs11::{Token, TokenConfig};
use crate::vault::{KeyStore, Kind, Vault, VaultError, passphrase};

/// Options of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// City that issues: 6 digits of GB/T 2260.
    #[arg(long, value_parser = city, default_value = "513300")]
    city: CityCode,
    /// 初始化机构编号: 24 hex digits; made from the city when absent.
    #[arg(long, value_parser = institution)]
    institution: Option<String>,
    /// First letter of the card numbers made here; it never changes.
    #[arg(long, value_name = "LETTER", value_parser = prefix, default_value = "A")]
    card_number_prefix: char,
    /// Where the upper keys are kept.
    #[arg(long, value_enum, default_value = "software")]
    vault: Where,
    /// PKCS#11 library of the security module.
    #[arg(long, value_name = "FILE", required_if_eq("vault", "pkcs11"))]
    module: Option<PathBuf>,
    /// Label of the token in the module.
    #[arg(long, value_name = "LABEL", required_if_eq("vault", "pkcs11"))]
    token: Option<String>,
    /// Keys brought into the token may be exported wrapped; otherwise they never leave it.
    #[arg(long, requires = "module")]
    extractable: bool,
    /// The keys above those of the city, which PSAMs get, are brought into the token too, so that PSAMs can be made.
    #[arg(long, requires = "module")]
    psam_keys: bool,
    /// Database of a PostgreSQL server: postgres://USER@HOST:PORT/NAME; a file in the data folder when absent.
    #[arg(long, value_name = "URL", env = "ISSUER_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Where the password of the database is: env:NAME or file:PATH.
    #[arg(long, value_name = "SOURCE", value_parser = SourceParser, requires = "database")]
    database_password: Option<Source>,
    /// PEM file of the certificates that vouch for the server; needed when it is another machine.
    #[arg(long, value_name = "FILE", requires = "database")]
    database_ca: Option<PathBuf>,
    /// Types of the site's cards, which have keys here and are served by its PSAMs; the first is made. Names of built-in profiles, or
    /// files, which are copied into the folder.
    #[arg(long, value_delimiter = ',', value_name = "PROFILE", default_value = "ssc-3.0")]
    cards: Vec<String>,
    /// Types of the PSAMs that serve them, where they are not the built-in ones: names or files, as for the cards.
    #[arg(long, value_delimiter = ',', value_name = "PROFILE")]
    psams: Vec<String>,
    /// First operator: may register the others. Without one anybody at this machine may, until there is one.
    #[arg(long, value_name = "NAME")]
    manager: Option<String>,
    /// A centre for real cards: no keys are made; they come from `issuer ceremony`.
    #[arg(long)]
    production: bool,
}

/// Where the upper keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Where {
    /// In the sealed file of the vault.
    Software,
    /// In a PKCS#11 token.
    Pkcs11,
}

pub(super) fn run(common: &Common, init: Init, output: &Output) -> Result<Exit, Error> {
    let folder = common.folder()?;
    let Init {
        city,
        institution,
        card_number_prefix,
        vault: place,
        module,
        token,
        extractable,
        psam_keys,
        production,
        manager,
        cards,
        psams,
        ..
    } = init;
    if let Some(name) = manager.as_ref().filter(|name| !Operator::valid_name(name)) {
        return Err(OperatorError::NameInvalid { name: name.clone() }.into());
    }
    let database = init.database.map(|url| DatabaseConfig {
        url,
        password: init.database_password.map(|source| source.to_string()),
        ca: init.database_ca,
    });
    let token = match (place, module, token) {
        (Where::Pkcs11, Some(module), Some(token)) => {
            Some(TokenConfig { extractable, psam_keys, ..TokenConfig::new(module, token) })
        }
        _ => None,
    };
    let types = CardType::read_all(Path::new(""), &cards, &psams).map_err(CentreError::from)?;
    if token.is_some() && types.iter().any(|found| found.kind == Cards::Sm4) {
        return Err(VaultError::TokenWithoutSm4.into());
    }
    let kind = if production { Kind::Production } else { Kind::Rehearsal };
    if kind == Kind::Production && common.passphrase.is_none() && !output.can_ask() {
        return Err(VaultError::PassphraseMissing.into());
    }
    let store: Box<dyn KeyStore> = match &token {
        Some(config) => Box::new(empty_token(common, config, city, output)?),
        None => Box::new(KeyRing::new()),
    };
    let vault = Vault::empty(kind, store)?;
    let institution = institution.unwrap_or_else(|| default_institution(city));
    let (cards, mut texts) = rows(&cards);
    let (psams, more) = rows(&psams);
    texts.extend(more);
    let issuer =
        Issuer { city, institution: &institution, card_number_prefix, cards: &cards, psams: &psams, texts: &texts };
    let unmanaged = manager.is_none();
    let mut centre = Centre::create_for(folder, &issuer, database.as_ref())?;
    if let Some(config) = &token {
        centre.set_token(config)?;
    }
    let passphrase = passphrase::to_make(folder, common.passphrase.as_ref(), output)?;
    if kind == Kind::Rehearsal {
        vault.add_rehearsal_keys(&centre.config.profiles())?;
    }
    vault.seal(&centre.vault_path(), &passphrase)?;
    DataKeys::random()?.seal_file(&centre.data_keys_path(), &passphrase)?;
    let values = vault.check_values(city)?;
    centre.store.act(|tx| -> Result<_, CentreError> {
        tx.set_fact("public_key", &hex::encode_upper(vault.public_key()))?;
        tx.set_fact("vault_kind", &kind.to_string())?;
        if !values.keys.is_empty() {
            tx.add_key_set(Vault::FIRST_VERSION, kind, &local(), &values.keys)?;
        }
        if let Some(name) = &manager {
            tx.add_operator(name, &[Role::Manage])?;
        }
        let manager = manager.as_ref().map(|name| format!(" manager {name}")).unwrap_or_default();
        let detail = format!("city {city} vault {kind} in {}{manager}", vault.place().name());
        Ok(((), Act { actor: local(), act: "centre.init", object: "centre".to_owned(), detail }))
    })?;
    centre.sign_checkpoint(&vault, &local())?;
    output.show(&values);
    if unmanaged {
        super::operator::unmanaged(output);
    }
    Ok(Exit::Ok)
}

/// The rows of `centre.toml` for these names, and the files among them.
fn rows(names: &[String]) -> (Vec<String>, Vec<PathBuf>) {
    let is_file = |name: &&String| card_profiles::builtin_text(name).is_none();
    let row = |name: &String| {
        let file = Path::new(name).file_name().filter(|_| is_file(&name));
        file.map_or_else(|| name.clone(), |file| file.to_string_lossy().into_owned())
    };
    let files = names.iter().filter(is_file).flat_map(|name| card_type::files_of(Path::new(name)));
    (names.iter().map(row).collect(), files.collect())
}

/// The token; one that holds keys of a centre is not taken for another.
fn empty_token(common: &Common, config: &TokenConfig, city: CityCode, output: &Output) -> Result<Token, VaultError> {
    let mut token = Token::open(config, city, passphrase::pin(common.pin.as_ref(), output)?)?;
    if token.held()?.is_empty() { Ok(token) } else { Err(VaultError::TokenNotEmpty { token: config.token.clone() }) }
}

/// Prefix of the one published number, city, provincial capital, and 00 for the check byte of unknown rule (assumed).
fn default_institution(city: CityCode) -> String {
    let province: String = city.as_str().chars().take(2).collect();
    format!("9156000002{city}{province}010000")
}

fn city(text: &str) -> Result<CityCode, &'static str> {
    CityCode::parse(text).ok_or("城市代码为 6 位数字 (GB/T 2260) | a city code has 6 digits (GB/T 2260)")
}

pub(super) fn prefix(text: &str) -> Result<char, &'static str> {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_uppercase() => Ok(letter),
        _ => Err("卡号以 A 至 Z 的一个字母开头 | a card number begins with a letter from A to Z"),
    }
}

fn institution(text: &str) -> Result<String, &'static str> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() == 12 => Ok(text.to_ascii_uppercase()),
        _ => Err("机构编号为 24 位十六进制 (12 字节) | an institution number has 24 hex digits (12 bytes)"),
    }
}
