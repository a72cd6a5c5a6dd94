//! A centre that serves stations over TLS on a port of its own, and stations with folders of their own.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use card_sim::Socket;
use issuer_service::centre::{CardType, Cards, Centre};
use issuer_service::http::call::{Caller, Carried, Carrier, Https, Identity};
use issuer_service::http::connection::Limits;
use issuer_service::http::station::{StationDesk, VaultSource};
use issuer_service::http::tls::{self, TlsEdge};
use issuer_service::http::{self};
use issuer_service::lang::Lang;
use issuer_service::peer;
use issuer_service::station::care::Care;
use issuer_service::station::failure::StationError;
use issuer_service::station::line_failure::LineError;
use issuer_service::station::outbox::Outbox;
use issuer_service::station::remote::Remote;
use issuer_service::station::slot::Slot;
use issuer_service::station::{Station, Summary};
use issuer_service::vault::Vault;
use issuer_service::vault::authority::{self, Authority};
use settlement::Accounts;

use crate::rig::{Desk, Events, Rig};

pub(crate) struct Hall {
    pub(crate) rig: Rig,
    pub(crate) authority: Authority,
    pub(crate) base: String,
    runtime: tokio::runtime::Runtime,
}

/// A station's folder and certificate.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Hall {
    /// With an approved batch of `people` people.
    pub(crate) fn new(people: u32) -> Self {
        Self::around(Rig::new(people))
    }

    pub(crate) fn around(rig: Rig) -> Self {
        Self::within(rig, Limits::default())
    }

    /// With an edge of these limits.
    pub(crate) fn within(rig: Rig, limits: Limits) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        let authority = Authority::random("513300").expect("authority");
        let mut hall = Self { rig, authority, base: String::new(), runtime };
        hall.base = hall.door(limits);
        hall
    }

    /// Another process of the centre would serve so: a desk, a connection to the database and a port of its own.
    pub(crate) fn door(&self, limits: Limits) -> String {
        let Self { rig, authority, .. } = self;
        let path = rig.centre.folder.join("copy.vault");
        rig.vault.reseal(&path, "p").expect("sealed");
        let vault = Vault::open_file(&path, "p").expect("opened");
        let source = VaultSource { path, passphrase: "p".to_owned().into() };
        let mut store = rig.centre.connect().expect("store");
        store.unlock(rig.data_keys.clone()).expect("unlocked");
        let desk = Arc::new(StationDesk::new(store, vault, source, rig.centre.config.clone(), Centre::card_profile()));
        let money = rig.centre.connect().expect("store");
        let terminals = Arc::new(http::Desk::new(money, &rig.vault, &rig.centre.config, Accounts::builtin(), Lang::En));
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let config = tls::config(authority, &names).expect("config");
        let port = self.runtime.block_on(async {
            let listener = http::listen("127.0.0.1:0".parse().expect("address")).await.expect("listener");
            let port = listener.local_addr().expect("address").port();
            let edge = TlsEdge::new(listener, config, limits).expect("edge");
            tokio::spawn(http::serve_remote((desk, terminals), edge, limits, std::future::pending()));
            port
        });
        format!("https://127.0.0.1:{port}")
    }

    /// A station that one operator has enrolled and another certified.
    pub(crate) fn place(&mut self, name: &str) -> Place {
        let (key, request) = authority::request("station").expect("request");
        let store = &mut self.rig.centre.store;
        peer::enrol(store, name, &request, Some("sun")).expect("enrolled");
        let asked = peer::Wanted { kind: peer::Kind::Station, name, key: &fingerprint(&request), days: 365 };
        let (_, chain) = peer::certify(store, &self.authority, &asked, Some("zhou")).expect("certified");
        Place { folder: tempfile::tempdir().expect("folder"), chain, key: key.to_string() }
    }

    pub(crate) fn https(&self, place: &Place) -> Https {
        https(&self.base, place)
    }

    /// With answers in this language.
    pub(crate) fn https_in(&self, place: &Place, lang: Lang) -> Https {
        let identity = Identity::read(&place.chain, &place.key).expect("identity");
        Https::new(&self.base, identity, lang).expect("an address")
    }

    pub(crate) fn run(
        &self,
        place: &Place,
        carrier: Box<dyn Carrier>,
        readers: Vec<Vec<Socket>>,
    ) -> Result<Summary, StationError> {
        run(&self.base, &self.rig.events, place, carrier, readers)
    }
}

/// What two people compare of a request.
pub(crate) fn fingerprint(request: &str) -> String {
    authority::Asked::read(request).expect("a request").public_key()
}

pub(crate) fn https(base: &str, place: &Place) -> Https {
    let identity = Identity::read(&place.chain, &place.key).expect("identity");
    Https::new(base, identity, Lang::En).expect("an address")
}

/// Runs batch 1 at a station over this carrier, as a process that has just started would.
pub(crate) fn run(
    base: &str,
    events: &Events,
    place: &Place,
    carrier: Box<dyn Carrier>,
    readers: Vec<Vec<Socket>>,
) -> Result<Summary, StationError> {
    let outbox = Outbox::open(place.folder.path()).expect("journal");
    let CardType { profile, digest, .. } = CardType::national(Cards::Tdes);
    let remote = Remote {
        caller: Arc::new(Caller::new(carrier, base, Duration::ZERO)),
        outbox: &outbox,
        batch: 1,
        operator: "sun",
        profile: &digest,
        care: Care::default(),
        share: 2,
        receipts: Some(place.folder.path().join("receipts")),
        jobs: Mutex::default(),
        said: OnceLock::new(),
    };
    remote.deliver()?;
    let slots = readers.into_iter().zip(0..).map(|(cards, n)| Box::new(Desk::new(n, cards)) as Box<dyn Slot>);
    let station = Station {
        centre: &remote,
        profile: &profile,
        batch: 1,
        wait: Duration::from_secs(5),
        failures_max: 3,
        row_max: 10,
        printer: None,
        watcher: events,
    };
    station.run(slots.collect())
}

impl Place {
    /// With a certificate of its own authority that ended yesterday.
    pub(crate) fn expired(authority: &Authority) -> Self {
        let (key, request) = authority::request("station").expect("request");
        let asked = authority::Asked::read(&request).expect("a request");
        let chain = authority.certify(asked, "station", "late", -1).expect("certified").chain;
        Self { folder: tempfile::tempdir().expect("folder"), chain, key: key.to_string() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// When a message is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// On its way to the centre.
    Before,
    /// Its answer, on the way back.
    After,
}

/// A line that breaks at one message and stays broken; everything that went over it is kept.
pub(crate) struct Tapped {
    pub(crate) line: Https,
    pub(crate) cut: Option<(usize, Lost)>,
    pub(crate) seen: Arc<Seen>,
}

#[derive(Default)]
pub(crate) struct Seen {
    count: AtomicUsize,
    pub(crate) texts: Mutex<Vec<String>>,
}

impl Seen {
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Carrier for Tapped {
    fn carry(&self, path: &str, body: &str) -> Result<Carried, LineError> {
        let number = self.seen.count.fetch_add(1, Ordering::SeqCst) + 1;
        let gone = || LineError::Unreachable { centre: "a broken line".to_owned() };
        if self.cut.is_some_and(|(at, lost)| number > at || (number == at && lost == Lost::Before)) {
            return Err(gone());
        }
        let carried = self.line.carry(path, body)?;
        let mut texts = self.seen.texts.lock().expect("texts");
        texts.push(body.to_owned());
        texts.extend(carried.lines.iter().cloned());
        if self.cut.is_some_and(|(at, _)| number == at) { Err(gone()) } else { Ok(carried) }
    }
}

/// A line with something that happens at the centre just before it hears a word for the first time.
pub(crate) struct Meddled {
    line: Https,
    word: &'static str,
    happens: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Meddled {
    pub(crate) fn new(line: Https, word: &'static str, happens: impl FnOnce() + Send + 'static) -> Self {
        Self { line, word, happens: Mutex::new(Some(Box::new(happens))) }
    }
}

impl Carrier for Meddled {
    fn carry(&self, path: &str, body: &str) -> Result<Carried, LineError> {
        if body.contains(self.word)
            && let Some(happens) = self.happens.lock().expect("happens").take()
        {
            happens();
        }
        self.line.carry(path, body)
    }
}
