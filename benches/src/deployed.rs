//! Sequences that deployed drivers and tools send, as they were published.
//!
//! Source: read orders of three drivers (basic read with PSAM, with HSM, by SFI and tag), their PIN and balance commands.
//! Owns: the bytes, and sending them to a software card as they stand. Never: leaves a command out.

use card_core::Command;
use card_core::script::Step;
use card_core::security::KeyName;
use card_core::wire::Wire;
use card_profiles::Profile;
use card_sim::Socket;

use crate::sample::Sample;
use crate::wire_tables::{connect, factors};

/// SELECT of the environment.
const SSSE: &str = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF";

/// A step of a deployed sequence.
#[derive(Clone, Copy)]
pub(crate) enum Sent {
    /// A command in hex; the answer to data is fetched.
    Apdu(&'static str),
    /// A command whose announced answer stays in the card.
    Unfetched(&'static str),
    /// GET CHALLENGE and EXTERNAL AUTHENTICATION.
    Prove(&'static str),
    /// EXTERNAL AUTHENTICATION with two challenges.
    ProveByTwo(&'static str),
}

use Sent::{Apdu, Prove, ProveByTwo, Unfetched};

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

/// Sends a deployed sequence as it stands and checks that the card carries out each step.
pub(crate) fn replay(socket: &Socket, profile: &Profile, sample: &mut Sample, sequence: &[Sent]) -> Wire {
    let (factors, mut session) = (factors(socket), connect(socket));
    for sent in sequence {
        let key = |name: &str| {
            let row = profile.key(&KeyName::new(name)).expect("a key of the profile");
            (profile.key_of_card(row, 1, &factors), row.id)
        };
        let step = match sent {
            Apdu(hex) => Step::Send(parse(hex, true)),
            Unfetched(hex) => Step::Send(parse(hex, false)),
            Prove(name) => Step::Authenticate { key: key(name).0, id: key(name).1 },
            ProveByTwo(name) => Step::AuthenticateByTwo { key: key(name).0, id: key(name).1 },
        };
        let answer = session.perform(&step, Some(&mut sample.keys)).expect("the card answers");
        assert!(answer.sw.is_ok(), "{step:?}: {:?}", answer.sw);
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
