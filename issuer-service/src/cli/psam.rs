//! `issuer psam …`.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use card_core::Session;
use card_core::transport::pcsc::Readers;
use clap::{Args, Subcommand};

use super::Common;
use crate::clock;
use crate::error::Error;
use crate::exit::Exit;
use crate::import::single;
use crate::output::Output;
use crate::psam::custody::{self, HandOut, Replacement, ReturnTasks};
use crate::psam::{self, Order, PsamError, PsamKeys};
use crate::station::failure::StationError;
use crate::station::slot::{PcscSlot, Slot};
use card_core::transport::TransportError;

/// What to do with PSAMs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a PSAM of the blank one in a reader.
    Personalize {
        /// The reader, by place in the list, name or part of it.
        #[arg(long)]
        reader: String,
        /// 终端机编号: 12 hex digits.
        #[arg(long, value_name = "HEX12", value_parser = terminal_number)]
        terminal_number: String,
        /// Institution that gets it.
        #[arg(long, value_name = "CODE")]
        institution: String,
        /// Which keys it gets: reading and paying; those and the medical files; every key, new PINs and identities too [default: by
        /// the kind of the institution].
        #[arg(long, value_enum)]
        keys: Option<PsamKeys>,
        /// Seconds to wait for it to be put in.
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        wait: u64,
    },
    /// List PSAMs and who holds them, of a name its first character.
    List {
        /// Whole names; needs an operator with role keys, and goes into the audit log with its reason.
        #[arg(long)]
        reveal: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Hand a PSAM out to an institution.
    Handout {
        /// 终端机编号: 12 hex digits.
        #[arg(value_name = "HEX12", value_parser = terminal_number)]
        number: String,
        /// Who gets it.
        #[command(flatten)]
        to: To,
    },
    /// Take a PSAM back.
    Return {
        /// 终端机编号: 12 hex digits.
        #[arg(value_name = "HEX12", value_parser = terminal_number)]
        number: String,
    },
    /// Put another PSAM in the place of one that is handed out; the old one is to come back.
    Replace {
        /// 终端机编号 of the old one: 12 hex digits.
        #[arg(value_name = "HEX12", value_parser = terminal_number)]
        number: String,
        /// 终端机编号 of the new one: 12 hex digits.
        #[arg(long, value_name = "HEX12", value_parser = terminal_number)]
        with: String,
        /// Who gets it.
        #[command(flatten)]
        to: To,
        /// Day by which the old one must be back.
        #[arg(long, value_name = "YYYYMMDD", value_parser = day)]
        back_by: String,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Declare a PSAM lost: blacklisted for good, its terminal stopped, the transactions that it signed listed.
    Lost {
        /// 终端机编号: 12 hex digits.
        #[arg(value_name = "HEX12", value_parser = terminal_number)]
        number: String,
        /// How it was lost; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Take a PSAM that is at the centre out of use.
    Retire {
        /// 终端机编号: 12 hex digits.
        #[arg(value_name = "HEX12", value_parser = terminal_number)]
        number: String,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// List PSAMs that have to come back.
    Tasks,
}

/// Who gets a PSAM.
#[derive(Debug, Args)]
pub struct To {
    /// Institution.
    #[arg(long, value_name = "CODE")]
    institution: String,
    /// File with the name of who answers for it there, one line; - for the standard input.
    #[arg(long, value_name = "FILE")]
    holder: PathBuf,
    /// Day on which it is due back.
    #[arg(long, value_name = "YYYYMMDD", value_parser = day)]
    until: String,
}

impl To {
    /// The name of who answers for it: no argument, which everybody at the machine could read.
    fn holder(&self) -> Result<String, Error> {
        let bytes = single::read(&self.holder, || {
            let mut bytes = Vec::new();
            std::io::stdin().take(single::BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes)
        })?;
        Ok(String::from_utf8(bytes).map_err(|_| PsamError::HolderUnfit)?.trim().to_owned())
    }

    fn as_hand_out<'a>(&'a self, holder: &'a str) -> HandOut<'a> {
        HandOut { institution: &self.institution, holder, due: &self.until }
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    // Names of those who answer for a PSAM are sealed.
    let mut centre = match verb {
        Verb::Personalize { .. } | Verb::Tasks => common.centre()?,
        _ => common.registry(output)?,
    };
    match verb {
        Verb::Personalize { reader, terminal_number, institution, keys, wait } => {
            let vault = common.vault(&centre, output)?;
            let readers = Readers::establish().map_err(PsamError::from)?;
            let name = readers.choose(&reader).map_err(StationError::from)?.name;
            let mut slot = PcscSlot::new(&name, 0, None).map_err(PsamError::from)?;
            let card = slot.card(Duration::from_secs(wait)).map_err(PsamError::from)?;
            let card = card.ok_or(PsamError::Lost(TransportError::NoCard { reader: name }))?;
            let order = Order {
                terminal_number: &terminal_number,
                institution: &institution,
                keys,
                operator: common.operator.as_deref(),
            };
            let mut session = Session::new(card);
            let made = psam::personalize(&mut centre.store, &centre.config, &vault, &mut session, &order)?;
            centre.sign_checkpoint(&vault, &common.actor())?;
            output.show(&made);
        }
        Verb::Handout { number, to } => {
            let (holder, operator) = (to.holder()?, common.operator.as_deref());
            output.show(&custody::hand_out(&mut centre.store, &number, &to.as_hand_out(&holder), operator)?);
        }
        Verb::Return { number } => {
            output.show(&custody::take_back(&mut centre.store, &number, common.operator.as_deref())?);
        }
        Verb::Replace { number, with, to, back_by, reason } => {
            let holder = to.holder()?;
            let replacement =
                Replacement { with: &with, to: to.as_hand_out(&holder), back_by: &back_by, reason: &reason };
            output.show(&custody::replace(&mut centre.store, &number, &replacement, common.operator.as_deref())?);
        }
        Verb::Lost { number, reason } => {
            output.show(&custody::lose(&mut centre.store, &number, &reason, common.operator.as_deref())?);
        }
        Verb::Retire { number, reason } => {
            output.show(&custody::retire(&mut centre.store, &number, &reason, common.operator.as_deref())?);
        }
        Verb::Tasks => output.show(&centre.store.read(ReturnTasks::of)?),
        Verb::List { reveal: false, .. } => output.show(&centre.store.read(custody::list)?),
        Verb::List { reveal: true, reason } => {
            let reason = reason.unwrap_or_default();
            output.show(&custody::reveal(&mut centre.store, &reason, common.operator.as_deref())?);
        }
    }
    Ok(Exit::Ok)
}

fn terminal_number(text: &str) -> Result<String, &'static str> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() == 6 => Ok(text.to_ascii_uppercase()),
        _ => Err("终端机编号为 12 位十六进制 (6 字节) | a terminal number has 12 hex digits (6 bytes)"),
    }
}

pub(super) fn day(text: &str) -> Result<String, &'static str> {
    clock::parse_compact(text)
        .map(clock::compact)
        .ok_or("应为存在的日期，写作 YYYYMMDD | a day that exists, as YYYYMMDD")
}
