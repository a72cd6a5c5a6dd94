//! Contradictions of a certificate application.
//!
//! Source: two key pairs with their certificates, as the tool of the third generation writes them; SM2 keys of 64 and 32 bytes.
//! Owns: what must agree among the rows of `[certificate]`. Never: looks at the rest of the profile, but for names and room.
//! Units: sizes in bytes.

use super::{Findings, Problem, Term, terms};
use crate::certificate::{CertificateContent, CertificateRules};
use crate::profile::Profile;

const PLACE: &str = "certificate";
/// Tag, length and key in a key file.
const PUBLIC_FILE: usize = 66;
const PRIVATE_FILE: usize = 34;

pub(super) fn lint_certificate(profile: &Profile, findings: &mut Findings) {
    let Some(rules) = &profile.certificate else { return };
    let names = [&rules.df_name, &rules.application_name];
    let others = profile.df.iter().map(|df| &df.df_name).filter(|name| !name.is_empty());
    findings.duplicates(PLACE, terms::DF_NAME, others.chain(names).map(hex::encode_upper));
    for name in names {
        let lengths: Vec<usize> = (1..=16).collect();
        findings.range(PLACE, terms::NAME_BYTES, name.len(), &lengths, Term::new("1 到 16", "1 to 16"));
    }
    lint_files(rules, findings);
    lint_pins(rules, findings);
    lint_commands(rules, findings);
    if rules.access.is_none() {
        findings.add(PLACE, Problem::AccessMissing);
    }
    findings.range(PLACE, terms::CHALLENGE_BYTES, rules.challenge.into(), &[4, 8], Term::new("4 或 8", "4 or 8"));
    if rules.user_id.is_empty() || rules.user_id.len() > 8191 {
        let expected = Term::new("1 到 8191：其位长占两字节", "1 to 8191: its length in bits has two bytes");
        findings.add(PLACE, Problem::OutOfRange { what: terms::USER_ID_BYTES, value: rules.user_id.len(), expected });
    }
}

fn lint_files(rules: &CertificateRules, findings: &mut Findings) {
    findings.duplicates(PLACE, terms::FILE_ID, rules.file.iter().map(|file| file.id.clone()));
    findings.duplicates(PLACE, terms::FID, rules.file.iter().map(|file| format!("{:04X}", file.fid)));
    findings.duplicates(PLACE, terms::SFI, rules.file.iter().map(|file| format!("{:02X}", file.fid & 0x1F)));
    for (content, name) in [
        (CertificateContent::PublicKey, "public-key"),
        (CertificateContent::PrivateKey, "private-key"),
        (CertificateContent::Certificate, "certificate"),
    ] {
        let count = rules.file.iter().filter(|file| file.content == content).count();
        if count < 2 {
            findings.add(PLACE, Problem::PairIncomplete { content: name, signs: count == 0 });
        }
    }
    for file in &rules.file {
        let place = format!("{PLACE}.{}", file.id);
        let stated = usize::from(file.size);
        match file.content {
            CertificateContent::PublicKey => findings.sum(&place, terms::SIZE, stated, PUBLIC_FILE),
            CertificateContent::PrivateKey => findings.sum(&place, terms::SIZE, stated, PRIVATE_FILE),
            CertificateContent::Certificate if stated == 0 => {
                findings.add(
                    &place,
                    Problem::OutOfRange {
                        what: terms::SIZE,
                        value: 0,
                        expected: Term::new("容得下一张证书的大小", "room for a certificate"),
                    },
                );
            }
            CertificateContent::Certificate => {}
        }
        if file.readable && file.content == CertificateContent::PrivateKey {
            findings.add(&place, Problem::PrivateReadable);
        }
    }
}

fn lint_pins(rules: &CertificateRules, findings: &mut Findings) {
    let ids = [&rules.user_pin, &rules.administrator_pin].map(|pin| format!("{:02X}", pin.id));
    findings.duplicates(PLACE, terms::PIN_ID, ids.into_iter());
    for pin in [&rules.user_pin, &rules.administrator_pin] {
        let place = format!("{PLACE}.{}", pin.name);
        findings.range(
            &place,
            terms::DIGIT_BYTES,
            pin.bytes.into(),
            &[0, 2, 3, 4, 5, 6],
            Term::new("2 到 6，0 表示不限", "2 to 6, or 0 for any"),
        );
        findings.tries(&place, pin.tries);
    }
    findings.tries(PLACE, rules.master_tries);
    let commands = &rules.commands;
    let same_header = commands.set_user_pin == commands.set_administrator_pin;
    if same_header && (0..=6).any(|bytes| rules.user_pin.fits(bytes) && rules.administrator_pin.fits(bytes)) {
        findings.add(PLACE, Problem::PinsAlike);
    }
}

/// Every command has header bytes of its own; the set-up of both PINs may share them.
fn lint_commands(rules: &CertificateRules, findings: &mut Findings) {
    let verify = [&rules.user_pin, &rules.administrator_pin].map(|pin| ("VERIFY", pin.verify));
    let shared = rules.commands.set_user_pin;
    let rows = rules.commands.rows().into_iter().chain(verify);
    let rows = rows.filter(|(name, row)| *row != shared || *name == "SET USER PIN" || !name.starts_with("SET"));
    findings.duplicates(PLACE, terms::COMMAND, rows.map(|(_, row)| hex::encode_upper(row.header())));
}

#[cfg(test)]
mod tests {
    use crate::lint::tests::each_is_found;

    /// One change of the built-in text, and a word of the finding that it must bring.
    const CHANGES: [(&str, &str, &str); 18] = [
        ("{ id = 0x81, name", "{ id = 0x01, name", "certificate: PIN id 01 is used twice"),
        ("fid = \"0013\"", "fid = \"0012\"", "certificate: FID 0012 is used twice"),
        ("fid = \"0013\"", "fid = \"0032\"", "certificate: SFI 12 is used twice"),
        ("id = \"EF13\"", "id = \"EF12\"", "certificate: file id EF12 is used twice"),
        ("size = 66,   readable = true", "size = 65,   readable = true", "certificate.EF12: size is stated as 65"),
        ("size = 34,   readable", "size = 32,   readable", "certificate.EF13: size is stated as 32, the rows give 34"),
        ("size = 1020", "size = 0", "certificate.EF18: size is 0"),
        ("readable = false", "readable = true", "certificate.EF13: a private key that can be read"),
        (
            "content = \"certificate\"",
            "content = \"public-key\"",
            "certificate: certificate.certificate of the pair that deciphers does not exist",
        ),
        ("access = { generate", "# { generate", "certificate: no row says what must be proved before its commands"),
        ("application_name = \"5353", "application_name = \"53535353535353535353", "bytes of a DF name is 20"),
        ("df_name = \"504B492EC9E7BBE1B1A3D5CF\"", "df_name = \"D15600000500\"", "DF name D15600000500 is used twice"),
        (
            "administrator_pin = { id = 0x01, name = \"管理员 PIN\", bytes = 4",
            "administrator_pin = { id = 0x01, name = \"管理员 PIN\", bytes = 3",
            "set-up of both PINs",
        ),
        ("bytes = 3, tries = 3", "bytes = 7, tries = 3", "certificate.用户 PIN: bytes of the digits is 7"),
        ("bytes = 3, tries = 3", "bytes = 3, tries = 16", "certificate.用户 PIN: tries is 16"),
        ("challenge = 8\nmaster_tries = 3", "challenge = 6\nmaster_tries = 0", "certificate: tries is 0"),
        (
            "sign                     = { cla = 0x80, ins = 0x4C",
            "sign                     = { cla = 0x80, ins = 0x40",
            "certificate: command 80400000 is used twice",
        ),
        ("user_id = \"1234567812345678\"", "user_id = \"\"", "certificate: bytes of user_id is 0"),
    ];

    #[test]
    fn every_contradiction_of_a_certificate_application_is_found() {
        each_is_found("ssc-3.0", &CHANGES);
    }
}
