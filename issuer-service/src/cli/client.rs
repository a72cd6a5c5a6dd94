//! `issuer client …`: programs that ask for an operator.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Common, station};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::peer::{self, Certificates, Kind, PeerError, Wanted};
use crate::query::Channel;

/// What to do with programs that come over the operators' door with a certificate.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Where the program runs: make its key, which never leaves the folder, and a certificate request for it.
    Request {
        /// Folder of the program; made when it is not there.
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
    },
    /// At the centre: take a program's request down, under the name of the operator for whom it asks.
    Enrol {
        /// Name of a registered operator: its roles are the program's.
        name: String,
        /// The file `client.csr` of the program's folder.
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
        /// What it asks about people through; web and voice need the people's query password, counter and agent an operator's name.
        #[arg(long, value_enum)]
        channel: Option<Channel>,
    },
    /// At the centre: certify the request that another operator enrolled, once both have compared the key.
    Certify {
        /// Name of the operator.
        name: String,
        /// Fingerprint of its key, as it was read out.
        #[arg(long, value_name = "FINGERPRINT")]
        key: String,
        /// File for the certificate and the authority's.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Days that it is valid.
        #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=1825))]
        days: u32,
    },
    /// At the centre: refuse a program from now on.
    Revoke {
        /// Name of the operator.
        name: String,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// At the centre: write down the authority's certificate, which browsers and programs are to trust; the authority is made when
    /// there is none.
    Authority {
        /// File for the certificate, PEM.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// List the certificates of programs.
    List,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    if let Verb::Request { folder } = verb {
        output.show(&station::request(&folder, Kind::Client)?);
        return Ok(Exit::Ok);
    }
    let mut centre = common.centre()?;
    let operator = common.operator.as_deref();
    match verb {
        Verb::Certify { name, key, out, days } => {
            let wanted = Wanted { kind: Kind::Client, name: &name, key: &key, days };
            return station::certify(common, &mut centre, &wanted, &out, output);
        }
        Verb::Enrol { name, request, channel } => {
            let text = station::read_file(&request).map_err(|source| PeerError::File { path: request, source })?;
            output.show(&peer::enrol_for(&mut centre.store, (Kind::Client, &name), channel, &text, operator)?);
        }
        Verb::Revoke { name, reason } => {
            let certificates = peer::revoke_as(&mut centre.store, (Kind::Client, &name), &reason, operator)?;
            output.show(&Certificates { certificates });
        }
        Verb::Authority { out } => return station::show_authority(common, &mut centre, &out, output),
        Verb::List | Verb::Request { .. } => {
            output.show(&Certificates { certificates: centre.store.read(|tx| tx.certificates(peer::CLIENT))? });
        }
    }
    Ok(Exit::Ok)
}
