//! `issuer station …`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Common;
use super::batch::slots;
use crate::centre::{CardType, Centre, CentreError};
use crate::error::Error;
use crate::exit::Exit;
use crate::http::call::{Caller, Https, Identity};
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::output::{Output, Progress, Show};
use crate::peer::{self, Certificates, Kind, PeerError, Wanted};
use crate::station::care::{self, Care, HoldKind, Holds, Yield};
use crate::station::failure::StationError;
use crate::station::hook::Hook;
use crate::station::line_failure::LineError;
use crate::station::outbox::Outbox;
use crate::station::remote::{Delivered, Remote};
use crate::station::wire::SHARE_MAX;
use crate::station::{Station, asked};
use crate::vault::authority::{self, Authority};
use crate::vault::passphrase;

/// What to do with stations. At the centre itself cards are made with `batch run`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what readers and lots yield, and why cards were spoilt.
    Yield {
        /// Of this batch only.
        #[arg(long, value_name = "NUMBER")]
        batch: Option<i64>,
    },
    /// List readers and lots that are held: too many of their cards failed.
    Holds,
    /// Give a reader or a lot back to work, after somebody has looked.
    Release {
        /// What.
        #[arg(value_enum)]
        kind: HoldKind,
        /// Its name.
        name: String,
        /// Remote station that the reader belongs to; none for the centre's own readers, and for lots.
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        station: String,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// At a remote station: make its key, which never leaves the folder, and a certificate request for it.
    Request {
        /// Folder of the station; made when it is not there.
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
    },
    /// At the centre: take a station's request down.
    Enrol {
        /// Name of the station.
        name: String,
        /// The file `station.csr` of the station's folder.
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
    },
    /// At the centre: certify the request that another operator enrolled, once both have compared the key.
    Certify {
        /// Name of the station.
        name: String,
        /// Fingerprint of its key, as the station has read it out.
        #[arg(long, value_name = "FINGERPRINT")]
        key: String,
        /// File for the certificate; it belongs into the station's folder as `station.pem`.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Days that it is valid.
        #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=1825))]
        days: u32,
    },
    /// At the centre: write a station's certificate once more.
    Certificate {
        /// Name of the station.
        name: String,
        /// File for the certificate.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// At the centre: refuse a station from now on; jobs kept for it are free again.
    Revoke {
        /// Name of the station.
        name: String,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List the certificates of stations.
    List,
    /// At a remote station: make cards of a batch; the keys stay at the centre.
    Work(Work),
}

/// Options of `station work`.
#[derive(Debug, Args)]
pub struct Work {
    /// Address of the centre: `https://HOST:PORT`.
    #[arg(long, value_name = "URL", env = "ISSUER_CENTRE")]
    centre: String,
    /// Folder of the station, with `station.key` and `station.pem`; its journal is kept there.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Number of the batch.
    #[arg(long, value_name = "NUMBER")]
    batch: i64,
    /// Type of cards that the centre makes, the first of its row `cards`: a built-in name, or a file with the centre's text.
    #[arg(long, value_name = "PROFILE", default_value = "ssc-3.0")]
    card: String,
    /// A reader, by place in the list, name or part of it; may be given several times.
    #[arg(long = "reader", required = true, env = "ISSUER_READER", value_delimiter = ',')]
    readers: Vec<String>,
    /// Shell command that puts the next card into the reader, as with `batch run --feeder`.
    #[arg(long, value_name = "COMMAND")]
    feeder: Option<String>,
    /// Shell command that prints a card, as with `batch run --printer`.
    #[arg(long, value_name = "COMMAND")]
    printer: Option<String>,
    /// Seconds that feeder and printer may take; then they are ended.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    hook_time: u64,
    /// Write the receipts, signed by the centre, as files here too.
    #[arg(long, value_name = "DIR")]
    receipts: Option<PathBuf>,
    /// Seconds to wait for a card to be put in, or back.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    /// Seconds to try again while the centre does not answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    patience: u64,
    /// Most jobs that the centre keeps for this station at once.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(SHARE_MAX)))]
    share: u32,
    /// Failed cards in a row that stop a reader.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    max_failures: u32,
    /// Failed cards in a row, on all readers together, that stop the station.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    stop_after: u32,
    /// Lot of the blank cards, as the box says.
    #[arg(long, value_name = "NAME")]
    lot: Option<String>,
    /// Station of the stock that the cards were issued to, when there are several.
    #[arg(long = "station", value_name = "CODE")]
    place: Option<String>,
    /// Per cent of a lot's cards that may fail, judged from the fifth failed card on.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=100))]
    lot_failures: u64,
}

/// Files of a station's folder.
const KEY: &str = "station.key";
const CERTIFICATE: &str = "station.pem";
/// Longest file of these.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What `station request` has made.
#[derive(Debug, serde::Serialize)]
pub(super) struct Requested {
    request: PathBuf,
    public_key: String,
}

impl Show for Requested {
    fn text(&self, lang: Lang) -> String {
        let Self { request, public_key } = self;
        let request = request.display();
        lang.pick(
            format!("证书请求 {request}\n  密钥 {public_key}"),
            format!("certificate request {request}\n  key {public_key}"),
        )
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    match verb {
        // These two need no centre on this machine.
        Verb::Request { folder } => {
            output.show(&request(&folder, Kind::Station)?);
            return Ok(Exit::Ok);
        }
        Verb::Work(options) => return work(common, &options, output),
        _ => {}
    }
    let mut centre = common.centre()?;
    let operator = common.operator.as_deref();
    if let Verb::Certify { name, key, out, days } = &verb {
        let wanted = Wanted { kind: Kind::Station, name, key, days: *days };
        return certify(common, &mut centre, &wanted, out, output);
    }
    let store = &mut centre.store;
    match verb {
        Verb::Yield { batch } => output.show(&store.read(|tx| -> Result<_, Error> {
            Ok(Yield {
                readers: tx.reader_yield(batch)?,
                lots: tx.lot_yield(batch)?,
                reasons: tx.spoilt_at_stations(batch)?,
            })
        })?),
        Verb::Release { kind, name, station, reason } => {
            care::release(store, kind, (&station, &name), &reason, operator)?;
            output.show(&Holds { holds: store.read(|tx| tx.holds())? });
        }
        Verb::Holds => output.show(&Holds { holds: store.read(|tx| tx.holds())? }),
        Verb::Enrol { name, request } => {
            let text = read_file(&request).map_err(|source| PeerError::File { path: request, source })?;
            output.show(&peer::enrol(store, &name, &text, operator)?);
        }
        Verb::Certificate { name, out } => {
            let (certificate, chain) = peer::chain(store, &name)?;
            write_new(&out, &chain, 0o644)?;
            output.show(&certificate);
        }
        Verb::Revoke { name, reason } => {
            output.show(&Certificates { certificates: peer::revoke(store, &name, &reason, operator)? });
        }
        Verb::List | Verb::Certify { .. } | Verb::Request { .. } | Verb::Work(_) => {
            output.show(&Certificates { certificates: store.read(|tx| tx.certificates(peer::STATION))? });
        }
    }
    Ok(Exit::Ok)
}

/// Certifies what another operator enrolled.
pub(super) fn certify(
    common: &Common,
    centre: &mut Centre,
    wanted: &Wanted<'_>,
    out: &Path,
    output: &Output,
) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    peer::may_certify(&mut centre.store, wanted, operator)?;
    let authority = authority(common, centre, output)?;
    // The place of the certificate is made sure of before it is given.
    write_new(out, "", 0o644)?;
    let certified = peer::certify(&mut centre.store, &authority, wanted, operator);
    let (certificate, chain) = certified.inspect_err(|_| drop(fs::remove_file(out)))?;
    fs::write(out, &chain).map_err(|source| PeerError::File { path: out.to_owned(), source })?;
    output.show(&certificate);
    Ok(Exit::Ok)
}

/// Writes down the certificate of the centre's authority.
pub(super) fn show_authority(common: &Common, centre: &mut Centre, out: &Path, output: &Output) -> Result<Exit, Error> {
    let authority = authority(common, centre, output)?;
    write_new(out, "", 0o644)?;
    let shown = peer::show_authority(&mut centre.store, &authority, common.operator.as_deref());
    let shown = shown.inspect_err(|_| drop(fs::remove_file(out)))?;
    fs::write(out, authority.pem()).map_err(|source| PeerError::File { path: out.to_owned(), source })?;
    output.show(&shown);
    Ok(Exit::Ok)
}

/// The authority of the centre; one is made, and recorded, when there is none.
fn authority(common: &Common, centre: &mut Centre, output: &Output) -> Result<Authority, Error> {
    let passphrase = passphrase::to_open(&centre.folder, common.passphrase.as_ref(), output)?;
    let path = centre.authority_path();
    let _alone = centre.lock("authority")?;
    if !path.exists() {
        // Who certifies may open the vault: the authority's passphrase is the vault's.
        common.vault_with(centre, &passphrase, output)?;
        let authority = Authority::random(centre.config.city.as_str())?;
        // None is used that the log does not know: the record is there before the file has its name.
        let draft = path.with_extension("authority.new");
        let failed = |source| PeerError::File { path: draft.clone(), source };
        match fs::remove_file(&draft) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(failed(source).into()),
            _ => {}
        }
        let seal = || authority.seal_file(&draft, &passphrase);
        peer::create_authority(&mut centre.store, &authority, common.operator.as_deref(), seal)?;
        let named = fs::rename(&draft, &path).and_then(|()| fs::File::open(&centre.folder)?.sync_all());
        named.map_err(failed)?;
    }
    Ok(Authority::open(&path, &passphrase)?)
}

/// A key and a certificate request for it, in files of this name.
pub(super) fn request(folder: &Path, kind: Kind) -> Result<Requested, PeerError> {
    let failed = |path: &Path, source| PeerError::File { path: path.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| failed(folder, source))?;
    let (key, pem) = authority::request(kind.role())?;
    write_new(&folder.join(format!("{}.key", kind.role())), &key, 0o600)?;
    let request = folder.join(format!("{}.csr", kind.role()));
    write_new(&request, &pem, 0o644)?;
    let public_key = authority::Asked::read(&pem).ok_or(PeerError::RequestMalformed)?.public_key();
    Ok(Requested { request, public_key })
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), PeerError> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|source| PeerError::File { path: path.to_owned(), source })
}

pub(super) fn read_file(path: &Path) -> std::io::Result<String> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    fs::read_to_string(path)
}

fn work(common: &Common, options: &Work, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref().ok_or(OperatorError::NotNamed)?;
    let read = |name: &str| {
        let path = options.folder.join(name);
        read_file(&path).map_err(|source| StationError::from(LineError::File { path, source }))
    };
    let identity = Identity::read(&read(CERTIFICATE)?, &zeroize::Zeroizing::new(read(KEY)?));
    let malformed = || LineError::FileMalformed { path: options.folder.join(CERTIFICATE) };
    let identity = identity.ok_or_else(malformed).map_err(StationError::from)?;
    let https = Https::new(&options.centre, identity, output.lang()).map_err(StationError::from)?;
    let outbox = Outbox::open(&options.folder).map_err(StationError::from)?;
    let made = CardType::read_alone(&options.card).map_err(CentreError::from)?;
    let profile = made.profile;
    let patience = Duration::from_secs(options.patience);
    let remote = Remote {
        caller: Arc::new(Caller::new(Box::new(https), &options.centre, patience)),
        outbox: &outbox,
        batch: options.batch,
        operator,
        profile: &made.digest,
        care: Care {
            lot: options.lot.as_deref(),
            station: options.place.as_deref(),
            lot_percent_max: options.lot_failures,
        },
        share: options.share,
        receipts: options.receipts.clone(),
        jobs: std::sync::Mutex::default(),
        said: std::sync::OnceLock::new(),
    };
    let folder = Some(options.folder.clone());
    let limit = Duration::from_secs(options.hook_time);
    let hook = |template: &String| Hook { template: template.clone(), limit, folder: folder.clone() };
    let (feeder, printer) = (options.feeder.as_ref().map(hook), options.printer.as_ref().map(hook));
    let slots = slots(&options.readers, feeder.as_ref())?;
    let progress = Progress::new(output, 0, 0);
    asked::listen();
    let ran = remote.deliver().and_then(|delivered| {
        for one in delivered {
            tell_delivered(output, &one);
        }
        let station = Station {
            centre: &remote,
            profile: &profile,
            batch: options.batch,
            wait: Duration::from_secs(options.wait),
            failures_max: options.max_failures,
            row_max: options.stop_after,
            printer: printer.as_ref(),
            watcher: &progress,
        };
        station.run(slots)
    });
    progress.finish();
    for (job, card) in outbox.in_doubt() {
        let (chip, reader) = (card.chip, card.reader);
        output.notice(
            &format!("任务 {job} 的卡未了结: 芯片 {chip}，读写器 {reader}；放回后再运行"),
            &format!("the card of job {job} is in doubt: chip {chip}, reader {reader}; put it back and run again"),
        );
    }
    let summary = ran?;
    output.show(&summary);
    Ok(if summary.left == 0 && summary.set_aside.is_empty() { Exit::Ok } else { Exit::Partly })
}

fn tell_delivered(output: &Output, one: &Delivered) {
    let job = one.job;
    match one.refused {
        None => output.notice(
            &format!("任务 {job} 的结果已补报中心"),
            &format!("the outcome of job {job} has now reached the centre"),
        ),
        Some(code) if one.kept => output.notice(
            &format!("中心现在不接受任务 {job} 的结果 ({code})；已保留，下次运行再报"),
            &format!("the centre does not take the outcome of job {job} now ({code}); it is kept for the next run"),
        ),
        Some(code @ "STATE_MOVED") => output.notice(
            &format!("中心对任务 {job} 已另有结果 ({code})；发卡前在中心用 batch show 查看"),
            &format!(
                "the centre has another outcome of job {job} ({code}); before the card goes out see `batch show` there"
            ),
        ),
        Some(code) => output.notice(
            &format!("中心拒绝任务 {job} 的结果 ({code})；该卡不得发出"),
            &format!("the centre refuses the outcome of job {job} ({code}); do not hand that card out"),
        ),
    }
}
