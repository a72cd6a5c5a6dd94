//! `issuer institution …` and `issuer terminal …`.

use std::path::PathBuf;

use clap::Subcommand;
use settlement::batch::ChainPosition;
use settlement::code::ErrorCode;
use settlement::fen::Fen;
use settlement::id::{InstitutionCode, PublicKey, TerminalNumber};
use settlement::message::TerminalLimits;
use settlement::sale::OnlinePolicy;

use super::{Common, station};
use crate::audit::Act;
use crate::clearing::institution::{
    DEFAULT_LIMITS, Institution, InstitutionKind, Institutions, PARAMETERS_VALID_S, Terminal, TerminalState, Terminals,
};
use crate::clearing::refusal::ClearingError;
use crate::clearing::sale::AskedSales;
use crate::clock;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;
use crate::peer::{self, Certificates, Kind, PeerError, Wanted};
use crate::psam::custody;
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
        /// It is a kiosk: it may ask for the holders of the cards in it.
        #[arg(long)]
        kiosk: bool,
        /// Limits.
        #[command(flatten)]
        limits: LimitOptions,
    },
    /// List terminals.
    List,
    /// Change limits of a terminal; it is told at its next sign-in.
    Set {
        /// Terminal.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
        /// What changes.
        #[command(flatten)]
        limits: LimitChanges,
    },
    /// Refuse a terminal's requests from now on.
    Stop {
        /// Terminal.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
    },
    /// Take down the request for a certificate that a terminal made (`sscard terminal request`).
    Enrol {
        /// Terminal.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
        /// Its file.
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
    },
    /// Certify the request that another operator enrolled, once both have compared the key: its line to `serve --tls`. Earlier
    /// certificates of the terminal stay good until they end or are revoked.
    Certify {
        /// Terminal.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
        /// Fingerprint of its key, as the terminal shows it.
        #[arg(long, value_name = "FINGERPRINT")]
        key: String,
        /// File for the certificate and the authority's, for `sscard terminal certificate`.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Days that it is valid.
        #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=1825))]
        days: u32,
    },
    /// Refuse all certificates of a terminal from now on; the terminal itself stays registered.
    Revoke {
        /// Terminal.
        #[arg(value_parser = TerminalNumber::parse)]
        number: TerminalNumber,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List the certificates of terminals.
    Certificates,
    /// List the sales that terminals asked about before the card was debited.
    Sales {
        /// Only those whose outcome is not known yet.
        #[arg(long)]
        open: bool,
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
    /// Purchases of one card here on one day.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMITS.card_day_count_max, value_parser = clap::value_parser!(u32).range(1..))]
    card_day_count: u32,
    /// Records that may wait for upload.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMITS.pending_records_max)]
    pending_records: u32,
    /// Most that the waiting records may add up to, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan, default_value_t = DEFAULT_LIMITS.pending_max_fen)]
    pending_limit: Fen,
    /// Hours after which the blacklist is too old to sell.
    #[arg(long, value_name = "HOURS", default_value_t = DEFAULT_LIMITS.blacklist_age_max_hours)]
    blacklist_age: u32,
    /// When it asks this centre about a sale: offline-only, online-preferred, online-required.
    #[arg(long, value_name = "WHEN", value_parser = online, default_value_t = DEFAULT_LIMITS.online)]
    online: OnlinePolicy,
}

/// Limits that change, in yuan; what is not named stays.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub struct LimitChanges {
    /// Most that one purchase may take from the account, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan)]
    purchase_limit: Option<Fen>,
    /// Most that one card may spend here on one day, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan)]
    card_day_limit: Option<Fen>,
    /// Purchases of one card here on one day.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    card_day_count: Option<u32>,
    /// Records that may wait for upload.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pending_records: Option<u32>,
    /// Most that the waiting records may add up to, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan)]
    pending_limit: Option<Fen>,
    /// Hours after which the blacklist is too old to sell.
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    blacklist_age: Option<u32>,
    /// When it asks this centre about a sale: offline-only, online-preferred, online-required.
    #[arg(long, value_name = "WHEN", value_parser = online)]
    online: Option<OnlinePolicy>,
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
        TerminalVerb::Add { number, institution, public_key, kiosk, limits } => {
            let terminal = Terminal {
                number,
                institution,
                public_key,
                state: TerminalState::Active,
                limits: limits.limits(),
                parameters: 1,
                chain: ChainPosition::START,
                kiosk,
                signed_in_at: None,
                signed_out_at: None,
            };
            let added = centre.store.act(|tx| -> Result<_, ClearingError> {
                let actor = tx.require(common.operator.as_deref(), Role::Clearing)?;
                let code = &terminal.institution;
                tx.institution(code)?.ok_or_else(|| ClearingError::InstitutionUnknown { code: code.clone() })?;
                if custody::not_in_use_since(tx, number, code)?.is_some() {
                    return Err(ClearingError::Refused(ErrorCode::PsamNotInUse));
                }
                tx.add_terminal(&terminal).map_err(|error| match error {
                    StoreError::Conflict { .. } => ClearingError::TerminalExists { number },
                    error => error.into(),
                })?;
                let kiosk = if kiosk { ", kiosk" } else { "" };
                let detail = format!("institution {} key {public_key}{kiosk}", terminal.institution);
                Ok((terminal, Act { actor, act: "terminal.add", object: format!("terminal {number}"), detail }))
            })?;
            output.show(&added);
        }
        TerminalVerb::List => {
            let terminals = centre.store.read(|tx| tx.terminals())?;
            output.show(&Terminals { terminals });
        }
        TerminalVerb::Set { number, limits } => {
            let changed = centre.store.act(|tx| -> Result<_, ClearingError> {
                let actor = tx.require(common.operator.as_deref(), Role::Clearing)?;
                let terminal = tx.terminal(number)?.ok_or(ClearingError::TerminalUnknown { number })?;
                let after = limits.on(terminal.limits);
                for amount in [after.purchase_max_fen, after.card_day_max_fen, after.pending_max_fen] {
                    if amount <= Fen::ZERO {
                        return Err(ClearingError::AmountInvalid { amount });
                    }
                }
                if after != terminal.limits {
                    tx.set_terminal_limits(&terminal, after, clock::china_in(PARAMETERS_VALID_S))?;
                }
                let terminal = tx.terminal(number)?.ok_or(ClearingError::TerminalUnknown { number })?;
                let detail = format!("parameters {}: {after:?}", terminal.parameters);
                Ok((terminal, Act { actor, act: "terminal.set", object: format!("terminal {number}"), detail }))
            })?;
            output.show(&changed);
        }
        TerminalVerb::Sales { open } => {
            let sales = centre.store.read(|tx| tx.sales(open))?;
            output.show(&AskedSales { sales });
        }
        TerminalVerb::Enrol { number, request } => {
            let text = station::read_file(&request).map_err(|source| PeerError::File { path: request, source })?;
            let named = (Kind::Terminal, &*number.to_string());
            output.show(&peer::enrol_as(&mut centre.store, named, &text, common.operator.as_deref())?);
        }
        TerminalVerb::Certify { number, key, out, days } => {
            let wanted = Wanted { kind: Kind::Terminal, name: &number.to_string(), key: &key, days };
            return station::certify(common, &mut centre, &wanted, &out, output);
        }
        TerminalVerb::Revoke { number, reason } => {
            let named = (Kind::Terminal, &*number.to_string());
            let certificates = peer::revoke_as(&mut centre.store, named, &reason, common.operator.as_deref())?;
            output.show(&Certificates { certificates });
        }
        TerminalVerb::Certificates => {
            output.show(&Certificates { certificates: centre.store.read(|tx| tx.certificates(peer::TERMINAL))? });
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
            card_day_count_max: self.card_day_count,
            pending_records_max: self.pending_records,
            pending_max_fen: self.pending_limit,
            blacklist_age_max_hours: self.blacklist_age,
            online: self.online,
        }
    }
}

impl LimitChanges {
    fn on(&self, limits: TerminalLimits) -> TerminalLimits {
        TerminalLimits {
            purchase_max_fen: self.purchase_limit.unwrap_or(limits.purchase_max_fen),
            card_day_max_fen: self.card_day_limit.unwrap_or(limits.card_day_max_fen),
            card_day_count_max: self.card_day_count.unwrap_or(limits.card_day_count_max),
            pending_records_max: self.pending_records.unwrap_or(limits.pending_records_max),
            pending_max_fen: self.pending_limit.unwrap_or(limits.pending_max_fen),
            blacklist_age_max_hours: self.blacklist_age.unwrap_or(limits.blacklist_age_max_hours),
            online: self.online.unwrap_or(limits.online),
        }
    }
}

fn online(text: &str) -> Result<OnlinePolicy, &'static str> {
    OnlinePolicy::parse(text).ok_or("offline-only, online-preferred or online-required")
}

fn region(text: &str) -> Result<String, &'static str> {
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("行政区划代码为 6 位数字 (GB/T 2260) | a region has 6 digits (GB/T 2260)")
    }
}
