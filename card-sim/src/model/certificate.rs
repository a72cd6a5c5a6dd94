//! Where the certificate application lies in the memory: two directories, its files, its PINs, its master key.
//!
//! Owns: their layout, which right each command asks for. Never: exists on a card whose profile states no access rules.
//! Units: addresses and lengths in bytes.

use card_core::fci::Fci;
use card_core::security::KeyName;
use card_profiles::certificate::{CertificateContent, CertificateFile, CertificateRight, CertificateRules, MASTER_KEY};
use card_profiles::profile::KeyClass;

use super::{DfModel, EfModel, KEY_SLOT, KeyModel, ModelError, Places, Rule, Structure};

/// Rights of the two PINs; keys have the bits below.
pub(crate) const USER_RIGHT: u128 = 1 << 126;
pub(crate) const ADMINISTRATOR_RIGHT: u128 = 1 << 125;
/// A file identifier that no SELECT finds (reserved by ISO/IEC 7816-4): the upper directory is selected by name only.
pub(crate) const NO_FID: u16 = 0xFFFF;
/// Bytes of a PIN slot: set up (1), tries left (1), key (16).
const PIN_SLOT: usize = 18;
/// Tag and length before the key in a key file.
pub(crate) const PUBLIC_HEADER: [u8; 2] = [0xCA, 0x40];
pub(crate) const PRIVATE_HEADER: [u8; 2] = [0xCB, 0x20];

#[derive(Debug)]
pub(crate) struct CertificateModel {
    pub(crate) rules: CertificateRules,
    /// Place of the directory that holds the files.
    pub(crate) df: usize,
    pub(crate) master_key: usize,
    pub(crate) user_pin: CertificatePinModel,
    pub(crate) administrator_pin: CertificatePinModel,
    /// Places of the files that are a pair: public, private.
    pub(crate) pairs: [(usize, usize); 2],
    pub(crate) access: AccessToCertificates,
}

#[derive(Debug)]
pub(crate) struct CertificatePinModel {
    pub(crate) address: usize,
    pub(crate) tries: u8,
    pub(crate) right: u128,
}

#[derive(Debug)]
pub(crate) struct AccessToCertificates {
    pub(crate) generate: Rule,
    pub(crate) install: Rule,
    pub(crate) sign: Rule,
    pub(crate) set_up_again: Rule,
    pub(crate) change_administrator_pin: Rule,
    pub(crate) load_master_key: Rule,
}

/// The rules without what is for people: the card does not hold it.
fn without_words(rules: &CertificateRules) -> CertificateRules {
    let mut rules = CertificateRules { assumed: Vec::new(), file: Vec::new(), ..rules.clone() };
    rules.user_pin.name.clear();
    rules.administrator_pin.name.clear();
    rules
}

/// Adds the application behind the directories of the card.
pub(super) fn model(
    rules: &CertificateRules,
    dfs: &mut Vec<DfModel>,
    keys: &mut Vec<KeyModel>,
    place: &mut Places,
) -> Result<Option<CertificateModel>, ModelError> {
    let Some(access) = rules.access else { return Ok(None) };
    let size = |what: &str| ModelError::Size(format!("certificate.{what}"));
    if !matches!(rules.challenge, 4 | 8) {
        return Err(size("challenge"));
    }
    let (upper, df, master_key) = (dfs.len(), dfs.len() + 1, keys.len());
    keys.push(KeyModel {
        name: KeyName::new(MASTER_KEY),
        df,
        class: KeyClass::Mk,
        version: None,
        id: 0,
        usage: 0,
        form: rules.key_form(),
        tries: rules.master_tries,
        address: place.take(KEY_SLOT),
    });
    let rule = |right: CertificateRight| match right {
        CertificateRight::Free => Rule::Free,
        CertificateRight::Never => Rule::Never,
        CertificateRight::UserPin => Rule::All(USER_RIGHT),
        CertificateRight::AdministratorPin => Rule::All(ADMINISTRATOR_RIGHT),
        CertificateRight::MasterKey => Rule::All(KeyModel::right(master_key)),
    };
    let mut efs = Vec::with_capacity(rules.file.len());
    for file in &rules.file {
        efs.push(EfModel {
            id: file.id.clone(),
            fid: file.fid,
            sfi: u8::try_from(file.fid & 0x1F).expect("five bits"),
            structure: Structure::Transparent,
            read: read_rule(file),
            update: match file.content {
                CertificateContent::Certificate => rule(access.write_certificate),
                CertificateContent::PublicKey | CertificateContent::PrivateKey => Rule::Never,
            },
            address: place.take(file.size.into()),
            size: file.size.into(),
            secret: file.content == CertificateContent::PrivateKey,
        });
    }
    let pair = |place: Option<card_profiles::certificate::CertificatePair<'_>>| {
        let pair = place.ok_or_else(|| ModelError::NoSuchFile("certificate: two key pairs".to_owned()))?;
        if (pair.public.size, pair.private.size) != (66, 34) {
            return Err(size("file: 66 bytes of a public key, 34 of a private one"));
        }
        let find =
            |wanted: &CertificateFile| efs.iter().position(|ef| ef.id == wanted.id).expect("a file of these rows");
        Ok((find(pair.public), find(pair.private)))
    };
    let pairs = [pair(rules.signing())?, pair(rules.encryption())?];
    for (name, fid, efs) in
        [(&rules.df_name, NO_FID, Vec::new()), (&rules.application_name, rules.application_fid, efs)]
    {
        if name.len() > 16 {
            return Err(ModelError::NameTooLong("certificate".to_owned()));
        }
        let fci = Fci { df_name: name.clone(), sfi: None, algorithm: None };
        dfs.push(DfModel {
            id: if dfs.len() == upper { "PKI" } else { "CERT" }.to_owned(),
            fid,
            name: name.clone(),
            fci: fci.encode(),
            control_key: master_key,
            certificates: true,
            efs,
        });
    }
    let mut pin = |tries, right| CertificatePinModel { address: place.take(PIN_SLOT), tries, right };
    Ok(Some(CertificateModel {
        df,
        master_key,
        user_pin: pin(rules.user_pin.tries, USER_RIGHT),
        administrator_pin: pin(rules.administrator_pin.tries, ADMINISTRATOR_RIGHT),
        pairs,
        access: AccessToCertificates {
            generate: rule(access.generate),
            install: rule(access.install),
            sign: rule(access.sign),
            set_up_again: rule(access.set_up_again),
            change_administrator_pin: rule(access.change_administrator_pin),
            load_master_key: rule(access.load_master_key),
        },
        rules: without_words(rules),
    }))
}

/// A private key is never read, whatever its row says.
const fn read_rule(file: &CertificateFile) -> Rule {
    match file.content {
        CertificateContent::PrivateKey => Rule::Never,
        CertificateContent::PublicKey | CertificateContent::Certificate if file.readable => Rule::Free,
        CertificateContent::PublicKey | CertificateContent::Certificate => Rule::Never,
    }
}
