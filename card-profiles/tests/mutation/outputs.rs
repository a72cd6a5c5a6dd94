//! What is made from a profile, as fingerprints that can be compared.
//!
//! Owns: the list of outputs. Never: judges which of them may change (`fields`).

use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Write as _};
use std::hash::Hasher as _;

use card_core::apdu::Protocol;
use card_core::key::Key16;
use card_core::script::Step;
use card_core::security::{CityCode, Factors};
use card_profiles::Profile;
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::assumption::assumptions;
use card_profiles::conform::{Bench, CertificatePins, cases};
use card_profiles::document::document;
use card_profiles::layout::layout;
use card_profiles::plan::{Plan, Target};
use card_profiles::profile::CardKind;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_LOT};
use card_sim::Card;

use crate::rehearsal::{SERIAL, everything};

/// Names of the outputs.
pub(crate) const NAMES: [&str; 9] =
    ["plan", "verifier", "card", "document", "layout", "cases", "psam", "certificate", "doubts"];

/// Fingerprints of the outputs, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outputs([u64; NAMES.len()]);

impl Outputs {
    pub(crate) fn of(profile: &Profile) -> Self {
        let factors = Factors::of(CityCode::parse("513300").expect("six digits"), [0x51, 0x33, 0, 0, 0, 1, 0, 0]);
        let plan = Plan::personalize(profile, &everything(profile), &Target::blank(factors, TRANSPORT_LOT));
        let [mut steps, mut verifier] = [Print::new(), Print::new()];
        match &plan {
            Ok(plan) => plan.steps.iter().for_each(|step| {
                match &step.step {
                    Step::Send(command) => steps.add(&hex::encode(command.encode(Protocol::T1).as_slice())),
                    other => steps.add(&format_args!("{other:?}")),
                }
                verifier.add(&format_args!("{:?} {:?}", step.place, step.expects()));
            }),
            Err(error) => [&mut steps, &mut verifier].into_iter().for_each(|print| print.add(error)),
        }
        let card = match Card::factory(profile, SERIAL, &Key16::new(TRANSPORT_KEY)) {
            Ok(card) => Print::of(&format_args!("{} {:?}", card.structure(), card.inspect())),
            Err(error) => Print::of(&error),
        };
        let bench = Bench {
            certificate_pins: CertificatePins::default(),
            means: Means {
                pin: profile.pin.is_some().then(|| vec![0x12, 0x34, 0x56]),
                factors: Some(factors),
                versions: KeyVersions::default(),
            },
            terminal: [0x99, 0x00, 0x11, 0x22, 0x33, 0x44],
            moment: [0x20, 0x26, 0x01, 0x02, 0x03, 0x04, 0x05],
        };
        let mut certificate = profile.certificate.clone();
        if let Some(rules) = &mut certificate {
            rules.assumed.clear();
            rules.file.iter_mut().for_each(|file| (file.assumed, file.confidence) = (None, None));
        }
        let layout = serde_json::to_string(&layout(profile)).expect("JSON");
        let psam = match profile.kind {
            CardKind::User => format!("{:?}", profile.psam_keys()),
            CardKind::Psam => format!("{:?} {:?}", profile.psam_names(), profile.psam.factor_order),
        };
        Self([
            steps.finish(),
            verifier.finish(),
            card,
            Print::of(&document(profile)),
            Print::of(&layout),
            Print::of(&format_args!("{:?}", cases(profile, &bench))),
            Print::of(&psam),
            Print::of(&format_args!("{certificate:?}")),
            Print::of(&format_args!("{:?}", assumptions(profile))),
        ])
    }

    /// Names of the outputs that differ.
    pub(crate) fn changed(&self, other: &Self) -> Vec<&'static str> {
        let pairs = self.0.iter().zip(&other.0).zip(NAMES);
        pairs.filter(|((left, right), _)| left != right).map(|(_, name)| name).collect()
    }
}

/// What is written to it, to be hashed as one piece: hashing each word by itself takes longer than making it.
struct Print(String);

impl Print {
    fn new() -> Self {
        Self(String::with_capacity(1 << 16))
    }

    fn of(what: &dyn fmt::Display) -> u64 {
        let mut print = Self::new();
        print.add(what);
        print.finish()
    }

    fn add(&mut self, what: &dyn fmt::Display) {
        writeln!(self.0, "{what}").expect("a String takes all");
    }

    fn finish(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.0.as_bytes());
        hasher.finish()
    }
}
