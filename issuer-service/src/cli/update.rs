//! `issuer card update …`.

use std::time::Duration;

use card_core::pin::PinBcd;
use card_profiles::memory::CardMemory;
use clap::Subcommand;

use super::Common;
use super::batch::slots;
use crate::card::update::failure::UpdateError;
use crate::card::update::item::{Item, Items, Standings};
use crate::card::update::work::{self, Work};
use crate::card::update::{self, CardUpdates};
use crate::centre::Centre;
use crate::error::{Error, Missing};
use crate::exit::Exit;
use crate::output::Output;
use crate::station::failure::StationError;
use crate::vault::passphrase::Source;

/// What to do about changed data of cards already made. A change in the registry, or of a photo, asks for an update by itself.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List updates, the newest first.
    List {
        /// Only those that wait or are begun, or need a new card.
        #[arg(long)]
        open: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show what cards take after issue, as the access rules of their profile say.
    Items {
        /// 卡号; the present card type when none is named.
        card_number: Option<String>,
    },
    /// Ask for an update: of everything that the card takes, or of what is named.
    Request {
        /// 卡号.
        card_number: String,
        /// An item; may be given several times.
        #[arg(long = "item", value_name = "NAME", value_parser = Item::parse)]
        items: Vec<Item>,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Give an update up.
    Withdraw {
        /// Its number.
        number: i64,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Carry out what waits for the card in the reader; goes on where it was interrupted.
    Run {
        /// The reader, by place in the list, name or part of it.
        #[arg(long, env = "ISSUER_READER")]
        reader: String,
        /// Seconds to wait for a card.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
        /// Where the holder's PIN comes from, for files that are read with it: prompt, env:NAME or file:PATH.
        #[arg(long, value_name = "SOURCE", value_parser = PinSource::parse)]
        holder_pin: Option<PinSource>,
    },
}

/// Where the holder's PIN comes from; never from the command line.
#[derive(Clone, Debug)]
pub enum PinSource {
    /// Typed without being shown.
    Prompt,
    /// A variable or a file.
    Source(Source),
}

impl PinSource {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let named = "write prompt, env:NAME or file:PATH; a PIN itself is never an argument";
        if text == "prompt" { Ok(Self::Prompt) } else { text.parse().map(Self::Source).map_err(|_| named) }
    }

    fn read(&self, output: &Output) -> Result<PinBcd, Error> {
        let typed = match self {
            Self::Prompt => output.ask(("请持卡人输入口令: ", "the holder's PIN: ")).ok_or(UpdateError::PinNeeded)?,
            Self::Source(source) => source.read()?,
        };
        Ok(PinBcd::parse(&typed).ok_or(UpdateError::PinMalformed)?)
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let reason = match &verb {
        Verb::Request { reason, .. } | Verb::Withdraw { reason, .. } => Some(reason.as_str()),
        _ => None,
    };
    let mut centre = common.centre_told(reason, output)?;
    let operator = common.operator.as_deref();
    let store = &mut centre.store;
    match verb {
        Verb::List { open, limit } => {
            output.show(&CardUpdates { updates: store.read(|tx| tx.card_updates(open, limit))? });
        }
        Verb::Items { card_number: None } => output.show(&Standings::of(&Centre::card_profile())),
        Verb::Items { card_number: Some(number) } => {
            let card = store.read(|tx| tx.card_by_number(&number))?.ok_or(Missing::Card)?;
            let profile = store.read(|tx| tx.profile_of_cards(&card.profile))?.ok_or(Missing::Card)?;
            output.show(&Standings::of(&profile));
        }
        Verb::Request { card_number, items, reason } => {
            let items = items.into_iter().fold(Items::NONE, Items::with);
            output.show(&update::request(store, &card_number, items, &reason, operator)?);
        }
        Verb::Withdraw { number, reason } => output.show(&update::withdraw(store, number, &reason, operator)?),
        Verb::Run { reader, wait, holder_pin } => {
            common.data_keys(&mut centre, output)?;
            let vault = common.vault(&centre, output)?;
            let mut slot = slots(&[reader], None)?.remove(0);
            let transport = slot.card(Duration::from_secs(wait)).map_err(StationError::from)?;
            let transport = transport.ok_or(UpdateError::NoCard)?;
            let pin = holder_pin.map(|source| source.read(output)).transpose()?;
            let mut memory = CardMemory::recall(&centre.folder);
            let mut work = Work { vault: &vault, reader: slot.name(), operator, pin, memory: &mut memory };
            output.show(&work::run(&mut centre.store, &mut work, transport)?);
        }
    }
    Ok(Exit::Ok)
}
