//! What people ask the centre about themselves, whatever they ask through (查询服务): one model for every channel.
//!
//! A question is an act: who looked, through which channel and at whom stands in the audit log, never what was seen.
//!
//! Owns: the channels; with its folder what each question answers. Never: knows HTTP or SQL; changes what it shows.

pub mod account;
pub mod card;
pub mod certificate;
pub mod difference;
pub mod door;
pub mod failure;
pub mod holder;
pub mod insurance;
pub mod pages;
pub mod paper;
pub mod password;
pub mod person;
pub mod progress;
pub mod service;
pub mod ticket;
pub mod words;

use clap::ValueEnum;
use serde::Serialize;

use crate::audit::Act;
use crate::operator::{OperatorError, Role};
use crate::store::Tx;

/// What somebody asks through (渠道).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// 自助终端: the holder with the card. Nobody types it: a kiosk signs what it asks.
    #[value(skip)]
    Kiosk,
    /// 柜台: a clerk in front of the person.
    Counter,
    /// 网站: the person, by number and query password.
    Web,
    /// 12333 语音: the person, by number and query password.
    Voice,
    /// 12333 人工: an agent for the person on the line.
    Agent,
}

impl Channel {
    /// All.
    pub const ALL: [Self; 5] = [Self::Kiosk, Self::Counter, Self::Web, Self::Voice, Self::Agent];

    /// Name as stored, typed and logged.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kiosk => "kiosk",
            Self::Counter => "counter",
            Self::Web => "web",
            Self::Voice => "voice",
            Self::Agent => "agent",
        }
    }

    /// The channel of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Whether people are not seen there, and prove themselves by number and query password.
    #[must_use]
    pub const fn proves_itself(self) -> bool {
        match self {
            Self::Web | Self::Voice => true,
            Self::Kiosk | Self::Counter | Self::Agent => false,
        }
    }
}

/// Who asks, through what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Through what.
    pub channel: Channel,
    /// Operator, or `terminal:NUMBER`.
    pub actor: String,
    /// The operator for whom a program says that it asks: its certificate proves the program, not the operator.
    pub behalf: Option<String>,
}

impl Asker {
    /// Somebody who asks for themselves.
    #[must_use]
    pub const fn new(channel: Channel, actor: String) -> Self {
        Self { channel, actor, behalf: None }
    }

    /// How each record of it begins.
    #[must_use]
    pub fn head(&self) -> String {
        let behalf = self.behalf.as_ref().map_or_else(String::new, |name| format!(" for {name}"));
        format!("channel={}{behalf}", self.channel.name())
    }

    /// The record of a question about a person.
    #[must_use]
    pub fn act(&self, act: &'static str, person: i64, detail: &str) -> Act {
        let detail = format!("{}, {detail}", self.head());
        Act { actor: self.actor.clone(), act, object: format!("person {person}"), detail }
    }

    /// The record of a question that found nobody.
    #[must_use]
    pub fn act_on_nobody(&self, act: &'static str, detail: &str) -> Act {
        let detail = format!("{}, {detail}", self.head());
        Act { actor: self.actor.clone(), act, object: "people".to_owned(), detail }
    }
}

/// Who does something for people: an operator, or a program of a counter or of agents that names one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clerk<'a> {
    /// The operator, whose role counts.
    pub operator: Option<&'a str>,
    /// The program, which is the actor of what is recorded.
    pub program: Option<&'a str>,
}

impl<'a> Clerk<'a> {
    /// An operator who acts.
    #[must_use]
    pub const fn of(operator: Option<&'a str>) -> Self {
        Self { operator, program: None }
    }

    /// The actor, if the operator may, and how the record goes on when it is a program.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn on_duty(&self, tx: &Tx<'_>, role: Role) -> Result<(String, String), OperatorError> {
        let name = tx.require(self.operator, role)?;
        Ok(match self.program {
            None => (name, String::new()),
            Some(program) => (program.to_owned(), format!(" for {name}")),
        })
    }
}
