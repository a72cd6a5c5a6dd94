//! `issuer query …`: what people ask about themselves, put by a clerk, an agent, or the program of a telephone line.

use clap::{Args, Subcommand};
use settlement::date::BusinessDate;

use super::Common;
use crate::centre::Centre;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::query::door::{self, Put};
use crate::query::person::{self, Part};
use crate::query::{Asker, Channel, Clerk, password};
use crate::vault::passphrase::Source;

/// What is asked.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// A person: masked identity, cards, a new card under way.
    Person(Whom),
    /// The cards of a person.
    Card(Whom),
    /// The account: opening, inflow by source, interest, spend, closing, and its lines; years of individual accounts.
    Account {
        /// Whom.
        #[command(flatten)]
        whom: Whom,
        /// First day.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = BusinessDate::parse)]
        from: Option<BusinessDate>,
        /// Last day.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = BusinessDate::parse)]
        to: Option<BusinessDate>,
    },
    /// The five insurances: insured, suspended or not insured.
    Insurance(Whom),
    /// How far the new card of a person is.
    Progress(Whom),
    /// Give a person a query password for telephone and web, chosen at the counter: 6 to 12 digits.
    Password {
        /// Row number of the person.
        #[arg(long, value_name = "ID")]
        person: i64,
        /// Where it is: env:NAME or file:PATH.
        #[arg(long, value_name = "SOURCE")]
        query_password: Source,
    },
}

/// Whom a question is about, and how it came.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true).args(["person", "card", "by_number"]))]
pub struct Whom {
    /// Row number of the person.
    #[arg(long, value_name = "ID")]
    person: Option<i64>,
    /// 卡号 of a card of the person.
    #[arg(long, value_name = "NUMBER")]
    card: Option<String>,
    /// The social security number stands on the standard input.
    #[arg(long)]
    by_number: bool,
    /// What the question came through; web and voice need number and query password, and are answered short.
    #[arg(long, value_enum, default_value = "counter")]
    channel: Channel,
    /// Query password of the person, for web and voice: env:NAME or file:PATH.
    #[arg(long, value_name = "SOURCE")]
    query_password: Option<Source>,
    /// Unmasked; needs an operator who may capture data.
    #[arg(long, requires = "reason")]
    reveal: bool,
    /// Why; goes into the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.registry(output)?;
    let (whom, part) = match verb {
        Verb::Person(whom) => (whom, Part::Person),
        Verb::Card(whom) => (whom, Part::Cards),
        Verb::Account { whom, from, to } => (whom, Part::Account { from, to }),
        Verb::Insurance(whom) => (whom, Part::Insurance),
        Verb::Progress(whom) => (whom, Part::Progress),
        Verb::Password { person, query_password } => {
            let text = query_password.read()?;
            password::set(&mut centre.store, person, &text, Clerk::of(common.operator.as_deref()))?;
            output.notice("查询密码已设定", "the query password is set");
            return Ok(Exit::Ok);
        }
    };
    let answer = ask(common, &mut centre, &whom, part)?;
    output.show(&answer);
    Ok(Exit::Ok)
}

/// The answer, with its record.
fn ask(common: &Common, centre: &mut Centre, whom: &Whom, part: Part) -> Result<person::Answer, Error> {
    let rules = centre.config.benefits;
    let asker = Asker::new(whom.channel, common.actor());
    let password =
        whom.query_password.as_ref().filter(|_| whom.channel.proves_itself()).map(Source::read).transpose()?;
    let number = whom.by_number.then(typed_number);
    let about = match (&number, whom.person, &whom.card) {
        (Some(number), ..) => person::Whom::Number(number),
        (None, Some(person), _) => person::Whom::Person(person),
        (None, None, card) => person::Whom::Card(card.as_deref().unwrap_or_default()),
    };
    let reveal = whom.reveal.then(|| whom.reason.as_deref().unwrap_or_default());
    let password = password.as_ref().map(|password| password.as_str());
    let put = Put { whom: about, password, parts: &[part], reveal, operator: common.operator.as_deref() };
    Ok(door::put(&mut centre.store, rules, &asker, &put)?)
}

/// The first line of the standard input: arguments are seen by everybody on the machine.
fn typed_number() -> String {
    Output::input_lines().next().map(|line| line.trim().to_ascii_uppercase()).unwrap_or_default()
}
