//! `issuer psam …`.

use std::time::Duration;

use card_core::Session;
use card_core::transport::pcsc::Readers;
use clap::Subcommand;

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::psam::{self, Order, PsamError, Psams};
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
        /// Seconds to wait for it to be put in.
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        wait: u64,
    },
    /// List PSAMs and who holds them.
    List,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::Personalize { reader, terminal_number, institution, wait } => {
            let vault = common.vault(&centre, output)?;
            let readers = Readers::establish().map_err(PsamError::from)?;
            let name = readers.choose(&reader).map_err(StationError::from)?.name;
            let mut slot = PcscSlot::new(&name, 0, None).map_err(PsamError::from)?;
            let card = slot.card(Duration::from_secs(wait)).map_err(PsamError::from)?;
            let card = card.ok_or(PsamError::Lost(TransportError::NoCard { reader: name }))?;
            let order = Order {
                terminal_number: &terminal_number,
                institution: &institution,
                operator: common.operator.as_deref(),
            };
            let mut session = Session::new(card);
            let made = psam::personalize(&mut centre.store, &centre.config, &vault, &mut session, &order)?;
            centre.sign_checkpoint(&vault)?;
            output.show(&made);
        }
        Verb::List => output.show(&Psams { psams: centre.store.read(|tx| tx.psams())? }),
    }
    Ok(Exit::Ok)
}

fn terminal_number(text: &str) -> Result<String, &'static str> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() == 6 => Ok(text.to_ascii_uppercase()),
        _ => Err("a terminal number has 12 hex digits (6 bytes)"),
    }
}
