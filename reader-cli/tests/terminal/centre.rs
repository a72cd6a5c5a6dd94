//! A centre of a few lines: checks signatures and MACs, answers the messages, can fall silent.
//!
//! Owns: one thread that answers one connection after the other. Never: is the product's centre; it shares only the messages.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use card_core::pin::PinBcd;
use card_core::script::{AUTHENTICATION_PLAIN, TwoChallenges, authentication};
use card_core::secure::SecureCommand;
use card_core::security::{CityCode, Factors, KeyName, KeyRef, SecurityModule as _};
use card_counter::clock::Now;
use card_profiles::profile::{KeyClass, KeyRow};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use settlement::ErrorCode;
use settlement::batch::{ChainPosition, SignedBatch};
use settlement::blacklist::{Period, SignedBlacklist};
use settlement::catalogue::delivery::{
    CatalogueAnswer, CataloguePartAnswer, CataloguePartRequest, CatalogueRequest, Published, SignedCatalogue,
};
use settlement::date::Month;
use settlement::fen::Fen;
use settlement::id::{
    CardChallenge, CardIdentifier, CatalogueVersion, Digest, InstitutionCode, LoadId, PublicKey, SaleId, Signature,
    TerminalNumber,
};
use settlement::judgement::{ContradictionAnswer, ContradictionRequest, ProofAnswer, ProofRequest};
use settlement::message::{
    AnswerStatus, BatchAnswer, BatchRequest, BlacklistAnswer, BlacklistRequest, Institution, LoadAnswer,
    LoadOutcomeAnswer, LoadOutcomeRequest, LoadRequest, QuoteAnswer, QuoteRequest, RefusedRecord, Request,
    SignInAnswer, SignInRequest, SignOutAnswer, SignOutRequest, TerminalLimits, Version1,
};
use settlement::parameters::SignedParameters;
use settlement::pin::{
    CommandBytes, PinAct, PinCommandAnswer, PinCommandRequest, PinOutcome, PinOutcomeAnswer, PinOutcomeRequest,
    PinProofAnswer, PinProofRequest,
};
use settlement::query::{
    CertificateAnswer, CertificateCode, CertificatePrintAnswer, CertificatePrintRequest, CertificateRequest,
    CertifiedInsurance, Insurance, LossAct, LossAnswer, LossRequest, OverviewAnswer, OverviewRequest, SelfService,
    Standing, TicketAnswer, TicketRequest,
};
use settlement::record::TransactionRecord;
use settlement::refund::{
    Elsewhere, ElsewhereAnswer, ElsewhereRequest, Original, OriginalAnswer, OriginalRequest, Parts,
};
use settlement::remote::{Challenges, RemoteProofAnswer, RemoteProofRequest};
use settlement::sale::{Consent, OnlinePolicy, Sale, SaleAnswer, SaleOutcomeAnswer, SaleOutcomeRequest, SaleRequest};
use settlement::tac::{self, NumberVerdict, TacVerdict};
use settlement::{Accounts, BusinessDate, DateTime};

use crate::cards;

/// Why the centre does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It answers.
    None,
    /// It takes the request, does it, and the answer is lost.
    AfterDoing(&'static str),
}

/// What the centre knows.
pub(crate) struct Books {
    /// The terminal's key, once registered.
    pub(crate) key: Option<PublicKey>,
    /// What waits for each card.
    pub(crate) pending: BTreeMap<CardIdentifier, Fen>,
    /// Cards that may not pay.
    pub(crate) blacklist: Vec<CardIdentifier>,
    /// Sequence of the list, and the earlier ones as they were.
    pub(crate) sequence: u64,
    pub(crate) earlier: BTreeMap<u64, Vec<CardIdentifier>>,
    /// Limits, their sequence, when they are signed from now and for how long they hold in seconds, and whether somebody raises one on
    /// the way.
    pub(crate) limits: TerminalLimits,
    pub(crate) parameters: u64,
    pub(crate) signed_later_s: i64,
    pub(crate) hold_s: i64,
    /// Whether it is one of before, which says that somebody owes and not how much.
    pub(crate) tells_no_debt: bool,
    pub(crate) raised: bool,
    /// What falsifies a list on its way.
    pub(crate) falsify: Option<fn(&mut SignedBlacklist)>,
    /// What its order for the PIN does; used up by the word of its outcome.
    pub(crate) order: Option<PinAct>,
    /// World of the keys that it makes such commands with.
    pub(crate) world: u8,
    /// What terminals said of such orders.
    pub(crate) pin_outcomes: Vec<PinOutcome>,
    /// Seed of the key that it signs with.
    pub(crate) seed: u8,
    /// Batches taken over.
    pub(crate) batches: Vec<SignedBatch>,
    /// Outcomes of loads.
    pub(crate) outcomes: Vec<LoadOutcomeRequest>,
    /// Whether it finds the code of the next outcome wrong, and the loads of which it did.
    pub(crate) next_tac_wrong: bool,
    pub(crate) tac_wrong: Vec<LoadId>,
    /// The record of which it finds the code wrong, and what terminals told of cards' codes afterwards.
    pub(crate) finds_tac_wrong: Option<u64>,
    pub(crate) proved: Vec<ProofRequest>,
    /// The business date that it names.
    pub(crate) day: &'static str,
    /// Sales that it agreed to, those that it was told were not done, and why it says no.
    pub(crate) sales: Vec<Sale>,
    pub(crate) released: Vec<SaleId>,
    pub(crate) declines: Option<&'static str>,
    /// Whether somebody else signs what it agrees to.
    pub(crate) forged_consent: bool,
    /// How far its clock is ahead when it agrees.
    pub(crate) consents_later_s: i64,
    /// What terminals that signed out said still waits and is open.
    pub(crate) signed_out: Vec<(u64, u64)>,
    /// A purchase of another till of the institution.
    pub(crate) elsewhere: Option<(Original, Parts)>,
    /// What other tills gave back of this one's purchases; a centre of before is not asked.
    pub(crate) given: Option<Vec<Elsewhere>>,
    /// Catalogues: sequence, first day, text; what falsifies one on its way, and another text in the place of its own.
    pub(crate) catalogues: Vec<(u64, &'static str, String)>,
    pub(crate) forge: Option<fn(&mut SignedCatalogue)>,
    pub(crate) other_text: Option<String>,
    /// Records that their card contradicts.
    pub(crate) contradicted: Vec<u64>,
    /// Requests answered, by path.
    pub(crate) requests: Vec<&'static str>,
    /// The holder's page, where it has one; what kiosks said of the card; tickets.
    pub(crate) page: Option<OverviewAnswer>,
    pub(crate) asked: Vec<OverviewRequest>,
    pub(crate) tickets: u64,
    /// What kiosks said of certificates at their printers.
    pub(crate) prints: Vec<(u64, bool)>,
    /// Whose answers are lost.
    pub(crate) silence: Silence,
    /// Path whose answers are no messages.
    pub(crate) garbled: Option<&'static str>,
    answers: BTreeMap<String, (String, String)>,
}

/// A running centre.
pub(crate) struct Centre {
    pub(crate) address: String,
    books: Arc<Mutex<Books>>,
}

impl Centre {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let books = Arc::new(Mutex::new(Books {
            key: None,
            pending: BTreeMap::new(),
            blacklist: Vec::new(),
            sequence: 1,
            earlier: BTreeMap::new(),
            limits: TerminalLimits {
                purchase_max_fen: Fen::new(30_000),
                card_day_max_fen: Fen::new(100_000),
                card_day_count_max: 20,
                pending_records_max: 50,
                pending_max_fen: Fen::new(1_000_000),
                blacklist_age_max_hours: 24,
                online: OnlinePolicy::OfflineOnly,
            },
            parameters: 1,
            signed_later_s: 0,
            hold_s: 7 * 24 * 3600,
            tells_no_debt: false,
            raised: false,
            falsify: None,
            order: None,
            world: 1,
            pin_outcomes: Vec::new(),
            seed: 7,
            batches: Vec::new(),
            outcomes: Vec::new(),
            next_tac_wrong: false,
            tac_wrong: Vec::new(),
            finds_tac_wrong: None,
            proved: Vec::new(),
            day: "2026-01-02",
            sales: Vec::new(),
            released: Vec::new(),
            declines: None,
            forged_consent: false,
            consents_later_s: 0,
            signed_out: Vec::new(),
            elsewhere: None,
            given: None,
            catalogues: Vec::new(),
            forge: None,
            other_text: None,
            contradicted: Vec::new(),
            requests: Vec::new(),
            page: None,
            asked: Vec::new(),
            tickets: 0,
            prints: Vec::new(),
            silence: Silence::None,
            garbled: None,
            answers: BTreeMap::new(),
        }));
        let shared = Arc::clone(&books);
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &shared);
            }
        });
        Self { address, books }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no test panics while it holds the books")
    }
}

/// The TAC of a record is the card's own, by the algorithm that it answered.
pub(crate) fn assert_right(record: &TransactionRecord) {
    let accounts = Accounts::builtin();
    let rules = accounts.of(record.algorithm).expect("an account");
    assert_eq!(tac::check(&mut cards::roots(1), rules, record).expect("computes"), TacVerdict::Right);
    let number = tac::check_number(&mut cards::roots(1), rules, record).expect("computes");
    assert_eq!(number, NumberVerdict::Proved, "{record:?}");
}

fn serve(stream: TcpStream, books: &Mutex<Books>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let mut books = books.lock().expect("books");
    let (status, answer) = match checked(&books, &path, &headers, &body) {
        Ok(()) => books.answer(&path, &body),
        Err(code) => (403, refusal(code)),
    };
    if matches!(books.silence, Silence::AfterDoing(lost) if lost == path) {
        return;
    }
    let answer = if books.garbled.is_some_and(|garbled| garbled == path) { "{}".to_owned() } else { answer };
    drop(books);
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    // A terminal that hung up needs no answer.
    let _ = (&stream).write_all([head.as_bytes(), answer.as_bytes()].concat().as_slice());
}

fn checked(books: &Books, path: &str, headers: &BTreeMap<String, String>, body: &[u8]) -> Result<(), &'static str> {
    let key = books.key.ok_or("TERMINAL_UNKNOWN")?;
    let terminal = headers.get("x-terminal").ok_or("TERMINAL_UNKNOWN")?;
    if *terminal != hex::encode_upper(cards::TERMINAL) {
        return Err("TERMINAL_UNKNOWN");
    }
    let signature = headers.get("x-signature").and_then(|text| Signature::parse(text).ok()).ok_or("SIGNATURE_WRONG")?;
    settlement::signing::verify_request(&key, "POST", path, body, &signature).map_err(|_| "SIGNATURE_WRONG")
}

fn refusal(code: &str) -> String {
    format!(r#"{{"code":"{code}","message":"-","remedy":"-"}}"#)
}

impl Books {
    fn answer(&mut self, path: &str, body: &[u8]) -> (u16, String) {
        match path {
            SignInRequest::PATH => self.once::<SignInRequest>(body, Self::sign_in),
            SignOutRequest::PATH => self.once::<SignOutRequest>(body, Self::sign_out),
            ElsewhereRequest::PATH if self.given.is_some() => self.once::<ElsewhereRequest>(body, Self::given),
            OriginalRequest::PATH => self.once::<OriginalRequest>(body, Self::original),
            BlacklistRequest::PATH => self.once::<BlacklistRequest>(body, Self::blacklist),
            CatalogueRequest::PATH => self.once::<CatalogueRequest>(body, Self::catalogues),
            CataloguePartRequest::PATH => self.once::<CataloguePartRequest>(body, Self::catalogue_part),
            QuoteRequest::PATH => self.once::<QuoteRequest>(body, Self::quote),
            LoadRequest::PATH => self.once::<LoadRequest>(body, Self::load),
            LoadOutcomeRequest::PATH => self.once::<LoadOutcomeRequest>(body, Self::outcome),
            PinProofRequest::PATH => self.once::<PinProofRequest>(body, Self::pin_proof),
            PinCommandRequest::PATH => self.once::<PinCommandRequest>(body, Self::pin_command),
            PinOutcomeRequest::PATH => self.once::<PinOutcomeRequest>(body, Self::pin_outcome),
            RemoteProofRequest::PATH => self.once::<RemoteProofRequest>(body, Self::remote_proof),
            SaleRequest::PATH => self.once::<SaleRequest>(body, Self::sale),
            SaleOutcomeRequest::PATH => self.once::<SaleOutcomeRequest>(body, Self::sale_outcome),
            ContradictionRequest::PATH => self.once::<ContradictionRequest>(body, Self::contradicted),
            ProofRequest::PATH => self.once::<ProofRequest>(body, Self::prove),
            BatchRequest::PATH => self.once::<BatchRequest>(body, Self::batch),
            OverviewRequest::PATH => self.once::<OverviewRequest>(body, Self::overview),
            LossRequest::PATH => self.once::<LossRequest>(body, Self::loss),
            CertificateRequest::PATH => self.once::<CertificateRequest>(body, Self::certificate),
            CertificatePrintRequest::PATH => self.once::<CertificatePrintRequest>(body, Self::certificate_print),
            TicketRequest::PATH => self.once::<TicketRequest>(body, Self::ticket),
            _ => (404, refusal("PATH_UNKNOWN")),
        }
    }

    /// The same id with the same body has the same answer; with another body it is refused.
    fn once<R: Request>(
        &mut self,
        body: &[u8],
        work: impl FnOnce(&mut Self, R) -> Result<R::Answer, &'static str>,
    ) -> (u16, String) {
        let text = String::from_utf8(body.to_vec()).expect("JSON is UTF-8");
        let request: R = serde_json::from_str(&text).expect("a message of this version");
        self.requests.push(R::PATH);
        let id = request.request_id().to_string();
        if let Some((known, answer)) = self.answers.get(&id) {
            return if *known == text { (200, answer.clone()) } else { (409, refusal("REQUEST_ID_REUSED")) };
        }
        match work(self, request) {
            Ok(answer) => {
                let answer = serde_json::to_string(&answer).expect("a message");
                self.answers.insert(id, (text, answer.clone()));
                (200, answer)
            }
            Err(code) => (409, refusal(code)),
        }
    }

    fn overview(&mut self, request: OverviewRequest) -> Result<OverviewAnswer, &'static str> {
        self.asked.push(request);
        self.page.clone().ok_or("CARD_UNKNOWN")
    }

    fn loss(&mut self, request: LossRequest) -> Result<LossAnswer, &'static str> {
        let page = self.page.as_mut().ok_or("CARD_UNKNOWN")?;
        let (state, may) = match request.act {
            LossAct::Report => (settlement::query::CardState::TemporaryLoss, SelfService::Release),
            LossAct::Release => (settlement::query::CardState::Normal, SelfService::ReportLoss),
        };
        page.card.state = state;
        page.may = vec![may];
        let (card, may) = (page.card.clone(), page.may.clone());
        Ok(LossAnswer { version: Version1, status: AnswerStatus::Created, card, may })
    }

    fn certificate(&mut self, _: CertificateRequest) -> Result<CertificateAnswer, &'static str> {
        let insurances = Insurance::ALL.map(|insurance| CertifiedInsurance {
            insurance,
            standing: Standing::Insured,
            first: Month::new(2016, 4).ok(),
            last: Month::new(2026, 10).ok(),
            months: 127,
            as_of: BusinessDate::parse("2026-10-31").expect("a day"),
        });
        Ok(CertificateAnswer {
            version: Version1,
            status: AnswerStatus::Created,
            number: 41,
            code: CertificateCode::of([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
            issued_at: DateTime::parse("20261122101500").expect("a time"),
            city: cards::CITY.to_owned(),
            name: "张三".to_owned(),
            citizen_number: "111111198101011110".to_owned(),
            employer: "康定仁和药店".to_owned(),
            insurances: insurances.to_vec(),
            left_this_month: Some(2),
        })
    }

    fn certificate_print(&mut self, told: CertificatePrintRequest) -> Result<CertificatePrintAnswer, &'static str> {
        self.prints.push((told.number, told.printed));
        Ok(CertificatePrintAnswer { version: Version1, status: AnswerStatus::Created })
    }

    fn ticket(&mut self, _: TicketRequest) -> Result<TicketAnswer, &'static str> {
        self.tickets += 1;
        Ok(TicketAnswer { version: Version1, status: AnswerStatus::Created, number: 2_026_000 + self.tickets })
    }

    fn pin_key(class: KeyClass) -> (KeyRow, KeyRef) {
        let profile = card_profiles::builtin("ssc-3.0").expect("built in");
        let row = profile.key_of_class("SSSE", class).expect("a row").clone();
        let historical = [&profile.atr.maker[..], &cards::serial_of(1)].concat();
        let factor = *historical.last_chunk::<8>().expect("8 bytes");
        let factors = Factors::of(CityCode::parse(cards::CITY).expect("digits"), factor);
        let key = profile.key_of_card(&row, 1, &factors);
        (row, key)
    }

    fn pin_proof(&mut self, request: PinProofRequest) -> Result<PinProofAnswer, &'static str> {
        let act = self.order.ok_or("PIN_ORDER_STATE")?;
        let (row, key) = Self::pin_key(KeyClass::Puk);
        let challenges = TwoChallenges { plain: AUTHENTICATION_PLAIN, factor: request.challenge.0 };
        let command = authentication(&key, row.id, challenges, &mut cards::roots(self.world)).expect("computes");
        let command = CommandBytes::of(&command);
        Ok(PinProofAnswer { version: Version1, status: AnswerStatus::Created, act, command })
    }

    fn pin_command(&mut self, request: PinCommandRequest) -> Result<PinCommandAnswer, &'static str> {
        let act = self.order.ok_or("PIN_ORDER_STATE")?;
        let (_, key) = Self::pin_key(KeyClass::Stk);
        let secure = match act {
            PinAct::Unblock => SecureCommand::unblock_pin(key),
            PinAct::Reset => SecureCommand::reload_pin(key, PinBcd::parse(cards::INITIAL_PIN).expect("digits")),
        };
        let command = secure.command(&mut cards::roots(self.world), request.challenge.0).expect("computes");
        Ok(PinCommandAnswer { version: Version1, status: AnswerStatus::Created, command: CommandBytes::of(&command) })
    }

    fn pin_outcome(&mut self, request: PinOutcomeRequest) -> Result<PinOutcomeAnswer, &'static str> {
        self.order = None;
        self.pin_outcomes.push(request.outcome);
        Ok(PinOutcomeAnswer { version: Version1, status: AnswerStatus::Created })
    }

    fn position(&self) -> ChainPosition {
        self.batches.last().map_or(ChainPosition::START, SignedBatch::next_position)
    }

    fn sign_in(&mut self, _: SignInRequest) -> Result<SignInAnswer, &'static str> {
        Ok(SignInAnswer {
            version: Version1,
            status: AnswerStatus::Created,
            business_date: BusinessDate::parse(self.day).expect("day"),
            institution: Institution {
                code: InstitutionCode::parse("P51330000001").expect("a word"),
                name: "康定演练药店".to_owned(),
            },
            next_batch_sequence: self.position().next_batch,
            chain: self.position(),
            parameters: self.parameters(),
            blacklist_sequence: self.sequence,
            catalogue_sequence: self.catalogues.iter().map(|(sequence, ..)| *sequence).max().unwrap_or(0),
            centre_key: self.signer().1,
        })
    }

    fn parameters(&self) -> SignedParameters {
        let clock = Now::of_system().later(self.signed_later_s);
        let period = (clock.date_time(), clock.later(self.hold_s).date_time());
        let (pair, key) = self.signer();
        let sign = |bytes: &[u8]| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"));
        let terminal = TerminalNumber(cards::TERMINAL);
        let mut parameters = SignedParameters::sign(terminal, self.parameters, self.limits, period, key, sign);
        if self.raised {
            parameters.limits.purchase_max_fen = Fen::new(1_000_000);
        }
        parameters
    }

    fn signer(&self) -> (Ed25519KeyPair, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[self.seed; 32]).expect("any 32 bytes");
        let key = PublicKey(pair.public_key().as_ref().try_into().expect("32 bytes"));
        (pair, key)
    }

    /// The list as it would be sent to a terminal that holds list `since`.
    pub(crate) fn list(&mut self, since: u64) -> SignedBlacklist {
        self.earlier.insert(self.sequence, self.blacklist.clone());
        let then = self.earlier.get(&since).map(|cards| cards.iter().copied().collect()).unwrap_or_default();
        let now = self.blacklist.iter().copied().collect();
        let clock = Now::of_system().later(self.signed_later_s);
        let period = Period { issued_at: clock.date_time(), valid_until: clock.later(72 * 3600).date_time() };
        let (pair, key) = self.signer();
        let sign = |bytes: &[u8]| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"));
        let since = if self.earlier.contains_key(&since) { since } else { 0 };
        SignedBlacklist::sign((since, &then), (self.sequence, &now), period, key, sign)
    }

    /// A list signed `days` ago, good for a second.
    pub(crate) fn list_of_the_past(&mut self, days: i64) -> SignedBlacklist {
        let clock = Now::of_system().later(-days * 24 * 3600);
        let period = Period { issued_at: clock.date_time(), valid_until: clock.later(1).date_time() };
        let (pair, key) = self.signer();
        let sign = |bytes: &[u8]| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"));
        let none = std::collections::BTreeSet::new();
        SignedBlacklist::sign((0, &none), (self.sequence + 100, &none), period, key, sign)
    }

    fn blacklist(&mut self, request: BlacklistRequest) -> Result<BlacklistAnswer, &'static str> {
        let mut list = self.list(request.known_sequence);
        if let Some(falsify) = self.falsify {
            falsify(&mut list);
        }
        Ok(BlacklistAnswer { version: Version1, status: AnswerStatus::Created, list })
    }

    fn catalogues(&mut self, _: CatalogueRequest) -> Result<CatalogueAnswer, &'static str> {
        let clock = Now::of_system();
        let period = (clock.date_time(), clock.later(31 * 24 * 3600).date_time());
        let (pair, key) = self.signer();
        let sign = |bytes: &[u8]| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"));
        let signed = self.catalogues.iter().map(|(sequence, from, text)| {
            let published = Published {
                sequence: *sequence,
                name: CatalogueVersion::parse(&format!("2026-{sequence}")).expect("a word"),
                valid_from: BusinessDate::parse(from).expect("a day"),
                bytes: text.len() as u64,
                digest: Digest::of(text.as_bytes()),
            };
            let mut signed = SignedCatalogue::sign(published, period, key, sign);
            if let Some(forge) = self.forge {
                forge(&mut signed);
            }
            signed
        });
        Ok(CatalogueAnswer { version: Version1, status: AnswerStatus::Created, catalogues: signed.collect() })
    }

    /// In parts of two hundred bytes or a little less.
    fn catalogue_part(&mut self, request: CataloguePartRequest) -> Result<CataloguePartAnswer, &'static str> {
        let known = self.catalogues.iter().find(|(sequence, ..)| *sequence == request.sequence);
        let text = self.other_text.as_ref().or(known.map(|(.., text)| text)).ok_or("CATALOGUE_UNKNOWN")?;
        let rest = text.get(usize::try_from(request.offset).expect("small")..).unwrap_or_default();
        let end = (0..=rest.len().min(200)).rev().find(|end| rest.is_char_boundary(*end)).expect("0 is one");
        let part = rest[..end].to_owned();
        Ok(CataloguePartAnswer { version: Version1, status: AnswerStatus::Created, part })
    }

    fn quote(&mut self, request: QuoteRequest) -> Result<QuoteAnswer, &'static str> {
        let waits = self.pending.get(&request.card_identifier).copied().unwrap_or(Fen::ZERO);
        let owed_fen = (request.to_load && waits < Fen::ZERO).then(|| Fen::new(-waits.get()));
        if owed_fen.is_some() && self.tells_no_debt {
            return Err("LOAD_OWED");
        }
        let amount_fen = waits.max(Fen::ZERO);
        Ok(QuoteAnswer { version: Version1, status: AnswerStatus::Created, amount_fen, open_load: None, owed_fen })
    }

    fn load(&mut self, request: LoadRequest) -> Result<LoadAnswer, &'static str> {
        let accounts = Accounts::builtin();
        let rules = accounts.of(request.algorithm).map_err(|_| "ALGORITHM_UNSUPPORTED")?;
        let mut roots = cards::roots(1);
        if !settlement::load::check_mac1(&mut roots, rules, &request).expect("computes") {
            return Err("MAC1_WRONG");
        }
        let date_time = DateTime::parse("20260102093000").expect("real");
        let mac2 = settlement::load::mac2(&mut roots, rules, &request, date_time).expect("computes");
        Ok(LoadAnswer { version: Version1, status: AnswerStatus::Created, date_time, mac2 })
    }

    fn outcome(&mut self, request: LoadOutcomeRequest) -> Result<LoadOutcomeAnswer, &'static str> {
        if std::mem::take(&mut self.next_tac_wrong) {
            self.tac_wrong.push(request.load_id);
        }
        if self.tac_wrong.contains(&request.load_id) {
            return Err("TAC_WRONG");
        }
        self.outcomes.push(request);
        Ok(LoadOutcomeAnswer { version: Version1, status: AnswerStatus::Created })
    }

    /// As an HSM with the keys of every city computes it.
    fn remote_proof(&mut self, request: RemoteProofRequest) -> Result<RemoteProofAnswer, &'static str> {
        let profile = card_profiles::builtin(&request.profile).ok_or("KEYS_UNAVAILABLE")?;
        let factors = request.card_identifier.factors(request.card_factor).expect("a city");
        let mut roots = cards::roots(self.world);
        let mut computed = |row: &KeyRow, two: Challenges| {
            let key = profile.key_of_card(row, 1, &factors);
            roots.authentication_cryptogram(&key, two.factor.0, two.plain.0).expect("computes")
        };
        let irk = profile.key_of_class("SSSE", KeyClass::Irk).expect("a key");
        if computed(irk, request.own) != request.proof.0 {
            return Err("CARD_NOT_GENUINE");
        }
        let result = request.asked.map(|asked| {
            let row = profile.key(&KeyName::new(&asked.name)).expect("a key");
            CardChallenge(computed(row, asked.challenges))
        });
        Ok(RemoteProofAnswer { version: Version1, status: AnswerStatus::Created, result })
    }

    fn sale(&mut self, request: SaleRequest) -> Result<SaleAnswer, &'static str> {
        if let Some(code) = self.declines {
            return Err(code);
        }
        let (pair, _) = self.signer();
        let sign = |bytes: &[u8]| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"));
        let mut consent = Consent::sign(&request.sale, Now::of_system().later(self.consents_later_s).date_time(), sign);
        if self.forged_consent {
            consent.signature.0[0] ^= 1;
        }
        self.sales.push(request.sale);
        Ok(SaleAnswer { version: Version1, status: AnswerStatus::Created, consent })
    }

    fn sign_out(&mut self, request: SignOutRequest) -> Result<SignOutAnswer, &'static str> {
        self.signed_out.push((request.waiting, request.open));
        let business_date = BusinessDate::parse("2026-01-02").expect("a day");
        Ok(SignOutAnswer { version: Version1, status: AnswerStatus::Created, business_date })
    }

    /// Of what another till sold it knows one purchase.
    fn original(&mut self, request: OriginalRequest) -> Result<OriginalAnswer, &'static str> {
        let (original, paid) = self.elsewhere.ok_or("REFUND_ORIGINAL_UNKNOWN")?;
        if request.original != original {
            return Err("REFUND_ORIGINAL_UNKNOWN");
        }
        Ok(OriginalAnswer { version: Version1, status: AnswerStatus::Created, paid, left: paid })
    }

    fn given(&mut self, _: ElsewhereRequest) -> Result<ElsewhereAnswer, &'static str> {
        let (through, refunds) = (BusinessDate::parse(self.day).expect("day"), self.given.clone().unwrap_or_default());
        Ok(ElsewhereAnswer { version: Version1, status: AnswerStatus::Created, through, refunds, more: false })
    }

    fn sale_outcome(&mut self, request: SaleOutcomeRequest) -> Result<SaleOutcomeAnswer, &'static str> {
        self.released.push(request.sale.sale_id);
        Ok(SaleOutcomeAnswer { version: Version1, status: AnswerStatus::Created })
    }

    fn contradicted(&mut self, request: ContradictionRequest) -> Result<ContradictionAnswer, &'static str> {
        let mut records = self.batches.iter().flat_map(|batch| &batch.records);
        let known = records.find(|record| record.journal_sequence == request.journal_sequence);
        if known.map(TransactionRecord::hash) != Some(request.hash) {
            return Err("RECORD_UNKNOWN");
        }
        self.contradicted.push(request.journal_sequence);
        Ok(ContradictionAnswer { version: Version1, status: AnswerStatus::Created, believed: None })
    }

    fn prove(&mut self, request: ProofRequest) -> Result<ProofAnswer, &'static str> {
        self.proved.push(request);
        Ok(ProofAnswer { version: Version1, status: AnswerStatus::Created })
    }

    fn batch(&mut self, request: BatchRequest) -> Result<BatchAnswer, &'static str> {
        let (key, terminal) = (self.key.expect("registered"), request.batch.terminal);
        let batch = request.batch.verify(&key, terminal, &self.position()).map_err(|_| "BATCH_ALTERED")?.into_batch();
        let numbers = batch.records.iter().map(|record| record.journal_sequence);
        let wrong = numbers.filter(|number| self.finds_tac_wrong == Some(*number));
        let refused: Vec<_> =
            wrong.map(|journal_sequence| RefusedRecord { journal_sequence, code: ErrorCode::TacWrong }).collect();
        let accepted = u32::try_from(batch.records.len() - refused.len()).expect("few");
        self.batches.push(batch);
        let next_batch_sequence = self.position().next_batch;
        Ok(BatchAnswer { version: Version1, status: AnswerStatus::Created, accepted, refused, next_batch_sequence })
    }
}
