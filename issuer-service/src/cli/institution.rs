//! `issuer institution …` and `issuer terminal …`.

use clap::Subcommand;
use settlement::batch::ChainPosition;
use settlement::fen::Fen;
use settlement::id::{InstitutionCode, PublicKey, TerminalNumber};
use settlement::message::TerminalLimits;

use super::Common;
use crate::audit::Act;
use crate::clearing::institution::{
    DEFAULT_LIMITS, Institution, InstitutionKind, Institutions, Terminal, TerminalState, Terminals,
};
use crate::clearing::refusal::ClearingError;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;
use crate::store::StoreError;

/// What to do with institutions.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Register an institution.
    Add {
        /// 定点医药机构编号.
        #[arg(value_parser = InstitutionCode::parse)]
        code: InstitutionCode,
        /// Name, for receipts and statements.
        #[arg(long)]
        name: String,
        /// Region: 6 digits of GB/T 2260.
        #[arg(long, value_parser = region)]
        region: String,
        /// What it is.
        #[arg(long = "type", value_enum)]
        kind: InstitutionKind,
    },
    /// List institutions.
    List,
}

/// What to do with terminals.
#[derive(Debug, Subcommand)]
pub enum TerminalVerb {
    /// Register a terminal.
    Add {
        /// 终端机编号: 12 hex digits.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
        /// Institution where it stands.
        #[arg(long, value_name = "CODE", value_parser = InstitutionCode::parse)]
        institution: InstitutionCode,
        /// Its Ed25519 public key: 64 hex digits.
        #[arg(long, value_name = "HEX", value_parser = PublicKey::parse)]
        public_key: PublicKey,
        /// Limits.
        #[command(flatten)]
        limits: LimitOptions,
    },
    /// List terminals.
    List,
    /// Refuse a terminal's requests from now on.
    Stop {
        /// Terminal.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
    },
    /// Let a stopped terminal work again.
    Start {
        /// Terminal.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
    },
}

/// Limits of a terminal, in yuan.
#[derive(Clone, Debug, clap::Args)]
pub struct LimitOptions {
    /// Most that one purchase may take from the account, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan, default_value_t = DEFAULT_LIMITS.purchase_max_fen)]
    purchase_limit: Fen,
    /// Most that one card may spend here on one day, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan, default_value_t = DEFAULT_LIMITS.card_day_max_fen)]
    card_day_limit: Fen,
    /// Records that may wait for upload.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMITS.pending_records_max)]
    pending_records: u32,
    /// Most that the waiting records may add up to, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan, default_value_t = DEFAULT_LIMITS.pending_max_fen)]
    pending_limit: Fen,
    /// Hours after which the blacklist is too old to sell.
    #[arg(long, value_name = "HOURS", default_value_t = DEFAULT_LIMITS.blacklist_age_max_hours)]
    blacklist_age: u32,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::Add { code, name, region, kind } => {
            let institution = Institution { code, name, region, kind };
            let added = centre.store.act(|tx| -> Result<_, ClearingError> {
                let actor = tx.require(common.operator.as_deref(), Role::Clearing)?;
                tx.add_institution(&institution).map_err(|error| match error {
                    StoreError::Conflict { .. } => ClearingError::InstitutionExists { code: institution.code.clone() },
                    error => error.into(),
                })?;
                let object = format!("institution {}", institution.code);
                Ok((institution, Act { actor, act: "institution.add", object, detail: kind.name().to_owned() }))
            })?;
            output.show(&added);
        }
        Verb::List => {
            let institutions = centre.store.read(|tx| tx.institutions())?;
            output.show(&Institutions { institutions });
        }
    }
    Ok(Exit::Ok)
}

pub(super) fn run_terminal(common: &Common, verb: TerminalVerb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        TerminalVerb::Add { number, institution, public_key, limits } => {
            let terminal = Terminal {
                number,
                institution,
                public_key,
                state: TerminalState::Active,
                limits: limits.limits(),
                chain: ChainPosition::START,
            };
            let added = centre.store.act(|tx| -> Result<_, ClearingError> {
                let actor = tx.require(common.operator.as_deref(), Role::Clearing)?;
                let code = &terminal.institution;
                tx.institution(code)?.ok_or_else(|| ClearingError::InstitutionUnknown { code: code.clone() })?;
                tx.add_terminal(&terminal).map_err(|error| match error {
                    StoreError::Conflict { .. } => ClearingError::TerminalExists { number },
                    error => error.into(),
                })?;
                let detail = format!("institution {} key {public_key}", terminal.institution);
                Ok((terminal, Act { actor, act: "terminal.add", object: format!("terminal {number}"), detail }))
            })?;
            output.show(&added);
        }
        TerminalVerb::List => {
            let terminals = centre.store.read(|tx| tx.terminals())?;
            output.show(&Terminals { terminals });
        }
        TerminalVerb::Stop { number } => set_state(common, output, number, TerminalState::Stopped)?,
        TerminalVerb::Start { number } => set_state(common, output, number, TerminalState::Active)?,
    }
    Ok(Exit::Ok)
}

fn set_state(common: &Common, output: &Output, number: TerminalNumber, state: TerminalState) -> Result<(), Error> {
    let mut centre = common.centre()?;
    let terminal = centre.store.act(|tx| -> Result<_, ClearingError> {
        let actor = tx.require(common.operator.as_deref(), Role::Clearing)?;
        tx.set_terminal_state(number, state)?;
        let terminals = tx.terminals()?.into_iter().filter(|terminal| terminal.number == number).collect();
        let object = format!("terminal {number}");
        Ok((Terminals { terminals }, Act { actor, act: "terminal.state", object, detail: state.name().to_owned() }))
    })?;
    output.show(&terminal);
    Ok(())
}

impl LimitOptions {
    const fn limits(&self) -> TerminalLimits {
        TerminalLimits {
            purchase_max_fen: self.purchase_limit,
            card_day_max_fen: self.card_day_limit,
            pending_records_max: self.pending_records,
            pending_max_fen: self.pending_limit,
            blacklist_age_max_hours: self.blacklist_age,
        }
    }
}

fn region(text: &str) -> Result<String, &'static str> {
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("a region has 6 digits (GB/T 2260)")
    }
}
