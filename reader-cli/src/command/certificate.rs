//! `cert …`: what the certificate application shows, makes and takes.
//!
//! Owns: files in and out, the pages of its answers. Never: an order of card commands (`counter/certificate`).

use std::path::Path;

use card_core::StatusWord;
use card_core::crypto::Sm2PublicKey;
use card_core::security::{KeyName, KeyRef};
use card_profiles::certificate::envelope::Envelope;
use card_profiles::certificate::{CertificateRules, MASTER_KEY, Role};
use card_profiles::key_file::GivenKeys;
use card_profiles::own_keys::OwnKeys;

use super::{Setting, key_file};
use crate::arguments::PinArguments;
use crate::arguments::certificate::{
    CertificateCommand, ChangeArguments, ExportArguments, GenerateArguments, InstallArguments, LoadArguments, Pair,
    SetUpArguments, SignArguments, VerifyArguments,
};
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::certificate::{
    self, Certificates, fingerprint, is_certificate, prove_master_key, rules, secret_of, with_tries_of,
};
use card_counter::error::{CertificateError, TerminalError};
use card_counter::file;
use card_counter::language::Words;
use card_counter::secret::Pin;
use card_counter::tap::Tapped;

/// Most bytes of a file that holds a certificate or an envelope.
const FILE_MAX: u64 = 1 << 16;

/// Runs a command.
pub(super) fn run(setting: &Setting<'_>, command: &CertificateCommand) -> Result<Exit, TerminalError> {
    let page = match command {
        CertificateCommand::Show => show(setting),
        CertificateCommand::SetUp(arguments) => set_up(setting, arguments),
        CertificateCommand::VerifyPin(arguments) => verify_pin(setting, arguments),
        CertificateCommand::ChangeAdministratorPin(arguments) => change_administrator_pin(setting, arguments),
        CertificateCommand::LoadMasterKey(arguments) => load_master_key(setting, arguments),
        CertificateCommand::Generate(arguments) => generate(setting, arguments),
        CertificateCommand::Export(arguments) => export(setting, arguments),
        CertificateCommand::Sign(arguments) => sign(setting, arguments),
        CertificateCommand::Install(arguments) => install(setting, arguments),
    }?;
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

fn show(setting: &Setting<'_>) -> Result<Page, TerminalError> {
    let mut tapped = setting.tapped(&mut setting.desk()?)?;
    let page = of_card(&tapped);
    let mut card = open(&mut tapped)?;
    let (signing, encryption) = (card.signing()?, card.encryption()?);
    let (keys, certificates) = (
        [card.public_key(signing)?, card.public_key(encryption)?],
        [card.certificate(signing.certificate)?, card.certificate(encryption.certificate)?],
    );
    let key = |key: Option<Sm2PublicKey>| key.map_or(Value::Absent, |key| key_value(&key));
    let certificate = |certificate: &Option<Vec<u8>>| {
        certificate.as_deref().map_or(Value::Absent, |bytes| Value::text(hex::encode_upper(fingerprint(bytes))))
    };
    let ([signing, encryption], [first, second]) = (keys, &certificates);
    Ok(page
        .with("signing_public_key", Words::new("签名公钥", "signing public key"), key(signing))
        .with("signing_certificate_sm3", Words::new("签名证书 SM3", "signing certificate, SM3"), certificate(first))
        .with("encryption_public_key", Words::new("加密公钥", "encryption public key"), key(encryption))
        .with(
            "encryption_certificate_sm3",
            Words::new("加密证书 SM3", "encryption certificate, SM3"),
            certificate(second),
        ))
}

fn set_up(setting: &Setting<'_>, arguments: &SetUpArguments) -> Result<Page, TerminalError> {
    let PinArguments { pin, last_try } = &arguments.pin;
    let user = Pin::read(pin.as_ref(), setting.prompt("用户 PIN: ", "user PIN: "))?;
    let administrator = arguments.administrator_pin.as_ref();
    let prompt = setting.prompt("管理员 PIN: ", "administrator PIN: ");
    let administrator = administrator.map(|source| Pin::read(Some(source), prompt)).transpose()?;
    let mut tapped = setting.tapped(&mut setting.desk()?)?;
    let rules = rules(&tapped)?;
    let pins = [Some((Role::User, &user)), administrator.as_ref().map(|pin| (Role::Administrator, pin))];
    // The second one is looked at before the first is on the card.
    for (role, pin) in pins.iter().flatten() {
        fits(rules, *role, pin)?;
    }
    open(&mut tapped)?;
    let mut page = of_card(&tapped);
    let mut card = Certificates::selected(&mut tapped.session, rules);
    let was_there = |done: Result<(), TerminalError>| match done {
        Ok(()) => Ok(false),
        Err(TerminalError::CardRefused { sw: StatusWord::SECURITY_STATUS, .. }) => Ok(true),
        Err(error) => Err(error),
    };
    match &administrator {
        None => card.set_up(Role::User, &user)?,
        Some(pin) => {
            let user_there = was_there(card.set_up(Role::User, &user))?;
            let administrator_there = was_there(card.set_up(Role::Administrator, pin))?;
            if user_there || administrator_there {
                let role = Role::Administrator;
                with_tries_of(&secret_of(role), &mut tapped, *last_try, |tapped| {
                    Certificates::selected(&mut tapped.session, rules).verify(role, pin)
                })?;
            }
            match user_there {
                false => {}
                true if arguments.again => {
                    Certificates::selected(&mut tapped.session, rules).set_up(Role::User, &user)?;
                    page = page.noted(
                        "PIN_SET_UP_AGAIN",
                        Words::new(
                            "用户 PIN 此前已设置:凭管理员 PIN 重新设置为所给的",
                            "the user PIN was set up before: it was set up again, to the one given, under the administrator's",
                        ),
                    );
                }
                // What was interrupted between the two goes on; another PIN than the holder's changes nothing.
                true => with_tries_of(&secret_of(Role::User), &mut tapped, *last_try, |tapped| {
                    Certificates::selected(&mut tapped.session, rules).verify(Role::User, &user)
                })?,
            }
        }
    }
    Ok(page.with("user_pin", Words::new("用户 PIN 已设置", "user PIN set up"), Value::Flag(true)).with(
        "administrator_pin",
        Words::new("管理员 PIN 已设置", "administrator PIN set up"),
        Value::Flag(administrator.is_some()),
    ))
}

fn fits(rules: &CertificateRules, role: Role, pin: &Pin) -> Result<(), TerminalError> {
    let row = rules.pin(role);
    match row.fits(pin.as_bcd().expose().len()) {
        true => Ok(()),
        false => Err(CertificateError::CertificatePinLength { role, bytes: row.bytes }.into()),
    }
}

fn verify_pin(setting: &Setting<'_>, arguments: &VerifyArguments) -> Result<Page, TerminalError> {
    let role = if arguments.administrator { Role::Administrator } else { Role::User };
    with_pin(setting, role, &arguments.pin, |_| Ok(()))
        .map(|(page, ())| page.with("verified", Words::new("PIN 正确", "PIN verified"), Value::Flag(true)))
}

fn change_administrator_pin(setting: &Setting<'_>, arguments: &ChangeArguments) -> Result<Page, TerminalError> {
    let keys = key_file(&arguments.keys)?;
    let old = Pin::read(arguments.pin.pin.as_ref(), setting.prompt("管理员 PIN: ", "administrator PIN: "))?;
    let new = Pin::read(arguments.new_pin.as_ref(), setting.prompt("新管理员 PIN: ", "new administrator PIN: "))?;
    let mut tapped = setting.tapped(&mut setting.desk()?)?;
    let (rules, page) = (rules(&tapped)?, of_card(&tapped));
    let (key, mut module) = master_key(&tapped, rules, &keys)?;
    let (role, last_try) = (Role::Administrator, arguments.pin.last_try);
    fits(rules, role, &new)?;
    with_tries_of(&secret_of(role), &mut tapped, last_try, |tapped| open(tapped)?.verify(role, &old))?;
    prove_master_key(&mut tapped, rules, &key, &mut module, last_try)?;
    Certificates::selected(&mut tapped.session, rules).change_administrator_pin(&new, &key, &mut module)?;
    let label = Words::new("管理员 PIN 已修改", "administrator PIN changed");
    Ok(page.with("administrator_pin", label, Value::Flag(true)))
}

fn load_master_key(setting: &Setting<'_>, arguments: &LoadArguments) -> Result<Page, TerminalError> {
    let (keys, new) = (key_file(&arguments.keys)?, key_file(&arguments.new_keys)?);
    let mut tapped = setting.tapped(&mut setting.desk()?)?;
    let (rules, page) = (rules(&tapped)?, of_card(&tapped));
    let (key, mut module) = master_key(&tapped, rules, &keys)?;
    let (path, new) = new;
    let taken = module.take(&key.name, &new, tapped.profile, tapped.factors.card);
    let taken = taken.map_err(|source| TerminalError::KeyFile { path, source })?;
    let name = taken.ok_or_else(|| no_master_key("--new-keys"))?;
    let new = KeyRef { name, version: 1, ..key.clone() };
    open(&mut tapped)?;
    prove_master_key(&mut tapped, rules, &key, &mut module, arguments.last_try)?;
    Certificates::selected(&mut tapped.session, rules).load_master_key(&key, &new, &mut module)?;
    Ok(page.with("master_key", Words::new("主控密钥已更换", "master key replaced"), Value::Flag(true)))
}

/// The card's master key, in a module that holds what the file gives.
fn master_key(
    tapped: &Tapped<'_>,
    rules: &CertificateRules,
    (path, keys): &(String, GivenKeys),
) -> Result<(KeyRef, OwnKeys), TerminalError> {
    let (name, card) = (KeyName::new(MASTER_KEY), tapped.factors.card);
    let fault = |source| TerminalError::KeyFile { path: path.clone(), source };
    let module = OwnKeys::of(keys, tapped.profile, card).map_err(fault)?;
    if !module.has(&name) {
        return Err(no_master_key("--keys"));
    }
    Ok((rules.master_key_of_card(module.versions().of(&name), card), module))
}

fn no_master_key(option: &str) -> TerminalError {
    TerminalError::Configuration {
        place: option.to_owned(),
        reason: Words::of(
            format!("文件中没有 {MASTER_KEY}（证书应用主控密钥）"),
            format!("the file gives no {MASTER_KEY}, the master key of the certificate application"),
        ),
    }
}

fn generate(setting: &Setting<'_>, arguments: &GenerateArguments) -> Result<Page, TerminalError> {
    let (page, key) = with_pin(setting, Role::User, &arguments.pin, |card| card.generate(arguments.replace))?;
    Ok(page.with("signing_public_key", Words::new("签名公钥", "signing public key"), key_value(&key)))
}

fn export(setting: &Setting<'_>, arguments: &ExportArguments) -> Result<Page, TerminalError> {
    let mut tapped = setting.tapped(&mut setting.desk()?)?;
    let page = of_card(&tapped);
    let mut card = open(&mut tapped)?;
    let pair = match arguments.pair {
        Pair::Signing => card.signing()?,
        Pair::Encryption => card.encryption()?,
    };
    if arguments.certificate {
        let certificate = card.certificate(pair.certificate)?;
        let certificate = certificate.ok_or(CertificateError::CardSecretMissing { what: "certificate" })?;
        write(arguments.out.as_deref(), &certificate)?;
        let (label, sm3) = (Words::new("证书 SM3", "certificate, SM3"), hex::encode_upper(fingerprint(&certificate)));
        return Ok(page.with("certificate_sm3", label, Value::text(sm3)));
    }
    let key = card.own_key(pair)?;
    write(arguments.out.as_deref(), key.bytes())?;
    Ok(page.with("public_key", Words::new("公钥", "public key"), key_value(&key)))
}

fn sign(setting: &Setting<'_>, arguments: &SignArguments) -> Result<Page, TerminalError> {
    let message = file::bytes(&arguments.file, file::BYTES_MAX)?;
    let (page, signed) = with_pin(setting, Role::User, &arguments.pin, |card| card.sign(&message))?;
    write(arguments.out.as_deref(), &signed.signature)?;
    Ok(page
        .with("digest", Words::new("摘要", "digest"), Value::text(hex::encode_upper(signed.digest)))
        .with("public_key", Words::new("签名公钥", "public key"), key_value(&signed.public))
        .with("signature", Words::new("签名", "signature"), Value::text(hex::encode_upper(signed.signature)))
        .with("verified", Words::new("验签通过", "verified"), Value::Flag(true)))
}

/// Everything is read and judged before the card is touched.
fn install(setting: &Setting<'_>, arguments: &InstallArguments) -> Result<Page, TerminalError> {
    let what = &arguments.what;
    let certificate = |path: &Option<std::path::PathBuf>| path.as_deref().map(read_certificate).transpose();
    let (signing, encryption) = (certificate(&what.signing_certificate)?, certificate(&what.encryption_certificate)?);
    let envelope = what.envelope.as_deref().map(read_envelope).transpose()?;
    let (page, ()) = with_pin(setting, Role::User, &arguments.pin, |card| {
        if let Some(certificate) = &signing {
            card.install_certificate(card.signing()?, certificate)?;
        }
        if let Some(envelope) = &envelope {
            card.install_envelope(envelope)?;
        }
        if let Some(certificate) = &encryption {
            card.install_certificate(card.encryption()?, certificate)?;
        }
        Ok(())
    })?;
    let flag = |there: bool| Value::Flag(there);
    Ok(page
        .with("signing_certificate", Words::new("签名证书已写入", "signing certificate"), flag(signing.is_some()))
        .with("encryption_key", Words::new("加密密钥已装入", "encryption key"), flag(envelope.is_some()))
        .with(
            "encryption_certificate",
            Words::new("加密证书已写入", "encryption certificate"),
            flag(encryption.is_some()),
        ))
}

/// Verifies a PIN, with the memory of tries, and goes on with what it opens.
fn with_pin<T>(
    setting: &Setting<'_>,
    role: Role,
    arguments: &PinArguments,
    act: impl FnOnce(&mut Certificates<'_>) -> Result<T, TerminalError>,
) -> Result<(Page, T), TerminalError> {
    let pin = Pin::read(arguments.pin.as_ref(), setting.prompt("密码: ", "PIN: "))?;
    let mut tapped = setting.tapped(&mut setting.desk()?)?;
    let page = of_card(&tapped);
    certificate::verify(&mut tapped, role, &pin, arguments.last_try)?;
    // Selecting the application again would end what the PIN opened.
    let rules = rules(&tapped)?;
    let done = act(&mut Certificates::selected(&mut tapped.session, rules))?;
    Ok((page, done))
}

fn open<'t>(tapped: &'t mut Tapped<'_>) -> Result<Certificates<'t>, TerminalError> {
    let rules = rules(tapped)?;
    Certificates::select(&mut tapped.session, rules)
}

fn of_card(tapped: &Tapped<'_>) -> Page {
    let identifier = Value::text(tapped.identifier.to_string());
    Page::new().with("card_identifier", Words::new("卡的识别码", "card"), identifier)
}

fn key_value(key: &Sm2PublicKey) -> Value {
    Value::text(hex::encode_upper(key.bytes()))
}

fn read_certificate(path: &Path) -> Result<Vec<u8>, TerminalError> {
    let bytes = file::bytes(path, FILE_MAX)?;
    if is_certificate(&bytes) {
        Ok(bytes)
    } else {
        Err(CertificateError::CertificateMalformed { path: shown(path) }.into())
    }
}

fn read_envelope(path: &Path) -> Result<Envelope, TerminalError> {
    let text = String::from_utf8_lossy(&file::bytes(path, FILE_MAX)?).into_owned();
    Envelope::parse(&text).map_err(|source| CertificateError::Envelope { path: shown(path), source }.into())
}

fn write(path: Option<&Path>, bytes: &[u8]) -> Result<(), TerminalError> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, bytes).map_err(|source| TerminalError::File { path: shown(path), source })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
