//! `issuer ticket …`.

use std::io::Read;

use clap::{Args, Subcommand, ValueEnum};
use settlement::id::{InstitutionCode, TerminalNumber};
use settlement::query::{TicketSubject, TicketText};
use settlement::refund::Original;

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::query::Channel;
use crate::query::ticket::{self, New, TicketError, TicketState, Tickets, TypedKind};

/// Bytes of a text that are read: a thousand characters have at most four each.
const TEXT_BYTES_MAX: u64 = 8 * 1024;

/// What to do with tickets.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take down what somebody tells: their words on the standard input.
    Add(Add),
    /// List tickets, without what was said.
    List {
        /// Only those in this state.
        #[arg(long, value_enum)]
        state: Option<TypedState>,
        /// Behind this number.
        #[arg(long, value_name = "N", default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show what was said; who looked goes into the audit log.
    Show {
        /// Ticket.
        number: i64,
    },
    /// Answer an open ticket: the text on the standard input.
    Answer {
        /// Ticket.
        number: i64,
    },
    /// Close a ticket: one that was answered, or an open one with the reason on the standard input.
    Close {
        /// Ticket.
        number: i64,
        /// Without a last word.
        #[arg(long)]
        silent: bool,
    },
}

/// A ticket to be taken down.
#[derive(Debug, Args)]
pub struct Add {
    /// What it is.
    #[arg(long, value_enum)]
    kind: TypedKind,
    /// What it is about: transaction, institution, account, card, service, kiosk, other.
    #[arg(long, value_parser = ticket::subject)]
    subject: TicketSubject,
    /// How it came.
    #[arg(long, value_enum, default_value = "counter")]
    channel: Channel,
    /// Row number of the person who tells it.
    #[arg(long, value_name = "ID")]
    person: Option<i64>,
    /// Institution that it is about.
    #[arg(long, value_name = "CODE", value_parser = InstitutionCode::parse)]
    institution: Option<InstitutionCode>,
    /// Terminal of the purchase that it is about.
    #[arg(long, value_name = "NUMBER", value_parser = TerminalNumber::parse, requires = "sequence")]
    terminal: Option<TerminalNumber>,
    /// Its terminal sequence.
    #[arg(long, value_name = "N", requires = "terminal")]
    sequence: Option<u32>,
    /// What the card counted, where it has two purchases of that sequence.
    #[arg(long, value_name = "N", requires = "sequence")]
    card_sequence: Option<u16>,
}

/// A state as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TypedState {
    /// 待答复.
    Open,
    /// 已答复.
    Answered,
    /// 已办结.
    Closed,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    match verb {
        Verb::Add(add) => {
            let mut centre = common.registry(output)?;
            let text = text()?;
            let about = add.terminal.zip(add.sequence);
            let new = New {
                kind: add.kind.into(),
                subject: add.subject,
                person: add.person,
                institution: add.institution,
                about: about.map(|(terminal, terminal_sequence)| Original {
                    terminal,
                    terminal_sequence,
                    card_sequence: add.card_sequence,
                }),
                text: Some(&text),
                request: None,
            };
            output.show(&ticket::add(&mut centre.store, add.channel, &new, operator)?);
        }
        Verb::List { state, after, limit } => {
            let mut centre = common.centre()?;
            let state = state.map(|state| match state {
                TypedState::Open => TicketState::Open,
                TypedState::Answered => TicketState::Answered,
                TypedState::Closed => TicketState::Closed,
            });
            output.show(&Tickets { tickets: centre.store.read(|tx| tx.tickets(state, after, limit))? });
        }
        Verb::Show { number } => {
            let mut centre = common.registry(output)?;
            output.show(&ticket::show(&mut centre.store, number, operator)?);
        }
        Verb::Answer { number } => {
            let mut centre = common.registry(output)?;
            let text = text()?;
            output.show(&ticket::settle(&mut centre.store, number, false, Some(&text), operator)?);
        }
        Verb::Close { number, silent } => {
            let mut centre = common.registry(output)?;
            let text = if silent { None } else { Some(text()?) };
            output.show(&ticket::settle(&mut centre.store, number, true, text.as_ref(), operator)?);
        }
    }
    Ok(Exit::Ok)
}

/// What somebody said, from the standard input: arguments are seen by everybody on the machine.
fn text() -> Result<TicketText, TicketError> {
    let mut text = String::new();
    let read = std::io::stdin().take(TEXT_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|_| TicketError::TextUnfit)?;
    TicketText::parse(&text).map_err(|_| TicketError::TextUnfit)
}
