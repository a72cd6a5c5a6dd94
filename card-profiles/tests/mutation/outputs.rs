//! What is made from a profile, as texts that can be compared.
//!
//! Owns: the list of outputs, comparing them as they are written. Never: judges which of them may change (`fields`).

use std::fmt::{self, Write as _};
use std::rc::Rc;

use card_core::apdu::Protocol;
use card_core::key::Key16;
use card_core::pin::PinBcd;
use card_core::script::Step;
use card_core::security::{CityCode, Factors};
use card_profiles::Profile;
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::assumption::assumptions;
use card_profiles::conform::{Act, Bench, Case, CertificatePins, Deal, Expect, Move, PsamAct, cases};
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

/// The outputs as texts, in the order of [`NAMES`].
#[derive(Debug)]
pub(crate) struct Outputs([String; NAMES.len()]);

impl Outputs {
    pub(crate) fn of(profile: &Profile) -> Self {
        let mut texts = [const { String::new() }; NAMES.len()];
        write_all(profile, &mut |at, what| writeln!(texts[at], "{what}").is_ok());
        Self(texts)
    }

    /// Names of the outputs that another profile gives otherwise.
    pub(crate) fn changed(&self, profile: &Profile) -> Vec<&'static str> {
        let mut rest: [Option<&str>; NAMES.len()] = self.0.each_ref().map(|text| Some(text.as_str()));
        write_all(profile, &mut |at, what| {
            let Some(same) = rest[at] else { return false };
            let mut compared = Compared { rest: same };
            let is_same = writeln!(compared, "{what}").is_ok();
            rest[at] = is_same.then_some(compared.rest);
            is_same
        });
        let differ = rest.iter().zip(NAMES).filter(|(rest, _)| rest.is_none_or(|rest| !rest.is_empty()));
        differ.map(|(_, name)| name).collect()
    }
}

/// Text that must be what is left of another: nothing is kept, and the first difference ends it.
struct Compared<'t> {
    rest: &'t str,
}

impl fmt::Write for Compared<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.rest = self.rest.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// Takes a piece of the output at a place; false when no more of it is wanted.
type Taker<'t> = dyn FnMut(usize, &dyn fmt::Display) -> bool + 't;

/// Writes every output, piece by piece.
fn write_all(profile: &Profile, take: &mut Taker<'_>) {
    let factors = Factors::of(CityCode::parse("513300").expect("six digits"), [0x51, 0x33, 0, 0, 0, 1, 0, 0]);
    match &Plan::personalize(profile, &everything(profile), &Target::blank(factors, TRANSPORT_LOT)) {
        Ok(plan) => plan.steps.iter().for_each(|step| {
            match &step.step {
                Step::Send(command) => take(0, &hex::encode(command.encode(Protocol::T1).as_slice())),
                other => take(0, &format_args!("{other:?}")),
            };
            take(1, &format_args!("{:?} {:?}", step.place, step.expects()));
        }),
        Err(error) => {
            take(0, error);
            take(1, error);
        }
    }
    match Card::factory(profile, SERIAL, &Key16::new(TRANSPORT_KEY)) {
        Ok(card) => take(2, &format_args!("{} {:?}", card.structure(), card.inspect())),
        Err(error) => take(2, &error),
    };
    take(3, &document(profile));
    take(4, &serde_json::to_string(&layout(profile)).expect("JSON"));
    write_cases(profile, factors, take);
    match profile.kind {
        CardKind::User => take(6, &format_args!("{:?}", profile.psam_keys())),
        CardKind::Psam => take(6, &format_args!("{:?} {:?}", profile.psam_names(), profile.psam.factor_order)),
    };
    let mut certificate = profile.certificate.clone();
    if let Some(rules) = &mut certificate {
        rules.assumed.clear();
        rules.file.iter_mut().for_each(|file| (file.assumed, file.confidence) = (None, None));
    }
    take(7, &format_args!("{certificate:?}"));
    take(8, &format_args!("{:?}", assumptions(profile)));
}

/// The conformance cases. A transaction is written once, at its first use, and by its number from then on: it stands in nearly
/// every move of its cases. What a case needs of its numbers follows from its moves.
fn write_cases(profile: &Profile, factors: Factors, take: &mut Taker<'_>) {
    let bench = Bench {
        certificate_pins: CertificatePins { user: PinBcd::parse("314159"), administrator: PinBcd::parse("27182818") },
        means: Means {
            pin: profile.pin.is_some().then(|| vec![0x12, 0x34, 0x56]),
            factors: Some(factors),
            versions: KeyVersions::default(),
        },
        terminal: [0x99, 0x00, 0x11, 0x22, 0x33, 0x44],
        moment: [0x20, 0x26, 0x01, 0x02, 0x03, 0x04, 0x05],
    };
    let mut known: Vec<Rc<Deal>> = Vec::new();
    for case in cases(profile, &bench) {
        // The way back of money is made of transactions that other cases of the same rows have.
        let Case { id, kind, area, title, row, effect, needs, numbers: _, moves, restore, money: _, rewrite: _ } =
            &case;
        if !take(
            5,
            &format_args!("{id} {kind} {area:?} {} {} {row} {effect:?} {needs:?} {}", title.zh, title.en, moves.len()),
        ) {
            return;
        }
        for Move { act, expect, keep } in moves.iter().chain(restore) {
            let mut deal = |deal: &Rc<Deal>, take: &mut Taker<'_>| {
                let number = known.iter().position(|other| Rc::ptr_eq(other, deal)).unwrap_or_else(|| {
                    take(5, &format_args!("{deal:?}"));
                    known.push(Rc::clone(deal));
                    known.len() - 1
                });
                take(5, &number);
            };
            match act {
                Act::Begin(of) | Act::Exhaust(of) => deal(of, take),
                Act::Complete { deal: of, wrong } | Act::Credit { deal: of, wrong } => {
                    deal(of, take);
                    take(5, wrong);
                }
                Act::Prove { deal: of, ahead } => {
                    deal(of, take);
                    take(5, ahead);
                }
                Act::AtPsam(PsamAct { deal: of, what }) => {
                    deal(of, take);
                    take(5, &format_args!("{what:?}"));
                }
                // Bytes as they are sent: quicker than their list.
                Act::Do(Step::Send(command)) => {
                    take(5, &hex::encode(command.encode(Protocol::T1).as_slice()));
                }
                other => {
                    take(5, &format_args!("{other:?}"));
                }
            }
            take(5, &format_args!("{} {keep}", act_name(act)));
            for expect in expect {
                match expect {
                    Expect::Logged(of) => deal(of, take),
                    Expect::Totals(of, rule) => {
                        take(5, &format_args!("{rule:?}"));
                        deal(of, take);
                    }
                    other => {
                        take(5, &format_args!("{other:?}"));
                    }
                }
            }
        }
    }
}

/// What tells acts with a transaction apart.
const fn act_name(act: &Act) -> &'static str {
    match act {
        Act::Begin(_) => "begin",
        Act::Exhaust(_) => "exhaust",
        Act::Complete { .. } => "complete",
        Act::Credit { .. } => "credit",
        Act::Prove { .. } => "prove",
        Act::AtPsam(_) => "at a PSAM",
        Act::Do(Step::Send(command)) if command.is_secret() => "secret",
        _ => "",
    }
}
