//! Sequences that deployed drivers and tools send, as they were published.
//!
//! Source: read orders of four programs (basic read with PSAM, with HSM, by SFI and tag, in the current file), their PIN and
//! balance commands, the writes of a personalization tool.
//! Owns: the bytes, and sending them to a software card as they stand; the same forms for files whose commands are not printed.
//! Never: leaves a command out.

use card_core::script::Step;
use card_core::security::KeyName;
use card_core::wire::Wire;
use card_core::{Command, StatusWord};
use card_profiles::Profile;
use card_profiles::access::Right;
use card_profiles::profile::{Ef, EfKind};
use card_sim::Socket;

use crate::sample::Sample;
use crate::wire_tables::{Proofs, connect, factors};

/// SELECT of the environment.
const SSSE: &str = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF";

/// A step of a deployed sequence.
pub(crate) enum Sent {
    /// A command in hex; the answer to data is fetched.
    Apdu(&'static str),
    /// A command whose announced answer stays in the card.
    Unfetched(&'static str),
    /// GET CHALLENGE and EXTERNAL AUTHENTICATION.
    Prove(&'static str),
    /// EXTERNAL AUTHENTICATION with two challenges.
    ProveByTwo(&'static str),
    /// A command in hex that is made of a profile's rows, in a printed form.
    Formed(String),
    /// As [`Prove`], with a key of a profile's row.
    ProveOf(KeyName),
    /// The read of the record behind the last, which ends a file.
    Last(String),
}

use Sent::{Apdu, Formed, Last, Prove, ProveByTwo, ProveOf, Unfetched};

/// A read of a 3.x card with a PSAM, in the order of one driver.
pub(crate) const READ_3_PSAM: &[Sent] = &[
    Apdu(SSSE),
    Unfetched("00A4000002EF05"),
    Apdu("00B207000B"),
    Apdu("00B2030006"),
    Apdu("00B2010012"),
    Prove("RKSSSE"),
    Unfetched("00A4000002EF06"),
    Apdu("00B24E0016"),
    Apdu("00B2090020"),
    Apdu("00B2080014"),
    Unfetched("00A4000002EF05"),
    Apdu("00B2060006"),
    Apdu("00B2050006"),
];
/// A read of a 3.x card with an HSM, in two calls.
pub(crate) const READ_3_HSM: &[Sent] = &[
    Apdu(SSSE),
    Unfetched("00A4000002EF05"),
    Apdu("00B2010012"),
    Apdu("00B2030006"),
    Apdu("00B207000B"),
    Apdu(SSSE),
    Apdu("0084000008"),
    Apdu("0084000008"),
    Apdu("008800001001020304050607080102030405060708"),
    ProveByTwo("RKSSSE"),
    Unfetched("00A4000002EF05"),
    Apdu("00B2050006"),
    Apdu("00B2060006"),
    Unfetched("00A4000002EF06"),
    Apdu("00B2080014"),
    Apdu("00B2090020"),
    Apdu("00B24E0016"),
];
/// A read of a 2.x card by SFI and tag.
pub(crate) const READ_2_SFI: &[Sent] = &[
    Apdu(SSSE),
    Unfetched("00A4000002EF05"),
    Apdu("00B2010412"),
    Apdu("00B2052806"),
    Apdu("00B207280B"),
    Apdu("00B2083014"),
    Apdu("00B2093020"),
    Apdu("00B24E3016"),
    Apdu("00B20A3003"),
    Apdu("00B20B3003"),
    Apdu("00B20D3006"),
    Apdu("00B20C3005"),
];
/// A read of a 2.x card for the eleven fields, in the order of one driver.
pub(crate) const READ_2_DRIVER: &[Sent] = &[
    Apdu(SSSE),
    Unfetched("00A4000002EF05"),
    Apdu("00B207000B"),
    Apdu("00B2030006"),
    Apdu("00B2010012"),
    Unfetched("00A4000002EF06"),
    Apdu("00B24E0016"),
    Apdu("00B2090020"),
    Apdu("00B2080014"),
    Unfetched("00A4000002EF05"),
    Apdu("00B2060006"),
    Apdu("00B2050006"),
];
/// A read of a 2.x card, its number by SFI and six items of the holder's file after SELECT.
pub(crate) const READ_2_CURRENT: &[Sent] = &[
    Apdu(SSSE),
    Apdu("00B2072C0B"),
    Unfetched("00A4020002EF06"),
    Apdu("00B2080014"),
    Apdu("00B2090020"),
    Apdu("00B20A0003"),
    Apdu("00B20B0003"),
    Apdu("00B20C0005"),
    Apdu("00B20D0006"),
];
pub(crate) const PIN_DRIVER: &[Sent] = &[Apdu(SSSE), Apdu("0020000003123456")];
pub(crate) const BALANCE_DRIVER: &[Sent] = &[Apdu(SSSE), Unfetched("00A4000002DF04"), Apdu("B026000104")];

/// Nine items of the two basic files of a 2.x card, by SFI and tag, as a tool for personalization sends them.
pub(crate) const WRITE_2_SFI: &[Sent] = &[
    // What comes before the updates is not printed: the shortest that opens them.
    Unfetched(SSSE),
    Prove("UKSSSE"),
    Apdu("00DC052806050420260301"),
    Apdu("00DC07280B0709413132333435363734"),
    Apdu("00DC0830140812353133333031313938313031303130303158"),
    Apdu("00DC093020091ED5C5C8FD0000000000000000000000000000000000000000000000000000"),
    Apdu("00DC4E30164E140000000000000000000000000000000000000000"),
    Apdu("00DC0A30030A0131"),
    Apdu("00DC0B30030B0101"),
    Apdu("00DC0D30060D0419810101"),
    Apdu("00DC0C30050C03513301"),
];

/// The PIN as drivers send it.
const VERIFY: &str = "0020000003123456";

/// Every file of a card in the forms that programs print for those that they read: SELECT of the directory by FID, SELECT of the
/// file, a record by its tag, instances of one tag and entries of a log by number until there is none, the bytes of a file from
/// 0 on in as few parts as an answer allows. Proofs as each file needs them.
pub(crate) fn full_read(profile: &Profile) -> Vec<Sent> {
    let mut sent = vec![Apdu(SSSE)];
    let mut proofs = Proofs::new(profile);
    for (index, df) in profile.df.iter().enumerate() {
        if index > 0 {
            sent.push(Formed(format!("00A4000002{:04X}", df.fid)));
            proofs.enter();
        }
        for ef in &df.ef {
            sent.extend(proofs.missing(&ef.read).into_iter().map(|right| match right {
                Right::Pin => Apdu(VERIFY),
                Right::Key(name) => ProveOf(name),
            }));
            sent.push(Formed(format!("00A4020002{:04X}", ef.fid)));
            sent.extend(file(ef));
        }
    }
    sent
}

fn file(ef: &Ef) -> Vec<Sent> {
    match ef.kind {
        EfKind::TlvRecords => (1_usize..)
            .zip(&ef.elements)
            .map(|(number, row)| {
                let is_one = |tag: u8| ef.elements.iter().filter(|other| other.tag == Some(tag)).count() == 1;
                let length = usize::from(row.format.length) + 2;
                Formed(match row.tag.filter(|tag| is_one(*tag)) {
                    Some(tag) => format!("00B2{tag:02X}00{length:02X}"),
                    None => format!("00B2{number:02X}04{length:02X}"),
                })
            })
            .collect(),
        // The log of a new card is empty.
        EfKind::Cyclic => vec![Last(format!("00B20104{:02X}", ef.record_length()))],
        EfKind::Transparent => {
            let size = usize::from(ef.size);
            let part = |offset: usize| format!("00B0{offset:04X}{:02X}", (size - offset).min(256) % 256);
            (0..size).step_by(256).map(|offset| Formed(part(offset))).collect()
        }
    }
}

/// Sends a deployed sequence as it stands and checks that the card carries out each step.
pub(crate) fn replay(socket: &Socket, profile: &Profile, sample: &mut Sample, sequence: &[Sent]) -> Wire {
    let (factors, mut session) = (factors(socket), connect(socket));
    for sent in sequence {
        let key = |name: &KeyName| {
            let row = profile.key(name).expect("a key of the profile");
            (profile.key_of_card(row, 1, &factors), row.id)
        };
        let prove = |name: &KeyName| Step::Authenticate { key: key(name).0, id: key(name).1 };
        let step = match sent {
            Apdu(hex) => Step::Send(parse(hex, true)),
            Formed(hex) | Last(hex) => Step::Send(parse(hex, false)),
            Unfetched(hex) => Step::Send(parse(hex, false)),
            Prove(name) => prove(&KeyName::new(name)),
            ProveOf(name) => prove(name),
            ProveByTwo(name) => {
                let (key, id) = key(&KeyName::new(name));
                Step::AuthenticateByTwo { key, id }
            }
        };
        let answer = session.perform(&step, Some(&mut sample.keys)).expect("the card answers");
        let expected = if matches!(sent, Last(_)) { StatusWord::RECORD_NOT_FOUND } else { StatusWord::OK };
        let is_expected = answer.sw == expected || expected.is_ok() && answer.sw.is_ok();
        assert!(is_expected, "{step:?}: {:?}", answer.sw);
    }
    session.wire()
}

/// A command as it is printed: five bytes end with Le, more bring data, whose answer is fetched when there is one.
fn parse(text: &str, fetch: bool) -> Command {
    let bytes: Vec<u8> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect();
    let (header, rest) = bytes.split_first_chunk::<4>().expect("a header");
    let command = Command::new(header[0], header[1], header[2], header[3]);
    match rest {
        [le] => command.with_le(u16::from(*le)),
        [_, data @ ..] if fetch => command.with_data(data).with_le(0),
        [_, data @ ..] => command.with_data(data),
        [] => command,
    }
}
