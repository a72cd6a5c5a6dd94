//! `sign-in`, `sign-out`, `blacklist`, `terminal`: the terminal and its centre.
//!
//! Owns: their answers. Never: touches a card, except the PSAM for its number at `terminal enroll`.

use settlement::blacklist::{ListFault, SignedBlacklist};
use settlement::code::{ErrorCode, Language};
use settlement::id::{PublicKey, RequestId, TerminalNumber};
use settlement::limits::CLOCK_DIFFERENCE_MAX_S;
use settlement::message::{BlacklistRequest, SignInRequest, Version1};
use settlement::sale::OnlinePolicy;
use settlement::signing::TerminalKey;

use super::Setting;
use super::day_end::{told_elsewhere, uploaded_page};
use crate::arguments::{BlacklistCommand, TerminalCommand};
use crate::elsewhere::{self, Extent};
use crate::exit::Exit;
use crate::http::{Centre, Way};
use crate::identity as line;
use crate::page::{Page, Value};
use crate::upload;
use card_counter::clock::Now;
use card_counter::error::{BlacklistError, LineFault, TerminalError};
use card_counter::file::{self, FileKind};
use card_counter::language::Words;
use card_counter::letter::Letter;
use card_counter::store::Store;
use card_counter::terminal as identity;

/// Bytes of the file of a certificate and its authority's.
const CERTIFICATE_BYTES_MAX: u64 = 64 * 1024;

/// The terminal as the centre knows it.
pub(super) struct Office {
    pub(super) store: Store,
    pub(super) key: TerminalKey,
    pub(super) terminal: TerminalNumber,
}

impl Setting<'_> {
    /// The way to the centre.
    pub(super) fn centre(&self) -> Result<Way, TerminalError> {
        let address = self.configuration.centre.as_deref().ok_or_else(|| TerminalError::Configuration {
            place: "centre".to_owned(),
            reason: Words::new(
                "没有中心地址：用 --centre、SSCARD_CENTRE 给出，或在配置文件中写 centre",
                "no centre: give --centre, SSCARD_CENTRE, or `centre` in the configuration file",
            ),
        })?;
        Way::to(address, &self.configuration.data)
    }

    pub(super) fn office(&self) -> Result<Office, TerminalError> {
        let store = Store::open_if_there(&self.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
        let terminal = store.terminal()?.ok_or(TerminalError::NotEnrolled)?;
        let key = identity::key(&self.configuration.data)?;
        Ok(Office { store, key, terminal })
    }
}

/// `sign-in`.
pub(super) fn sign_in(setting: &Setting<'_>) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    let centre = Centre::at(setting.centre()?, &key, terminal);
    let request = SignInRequest { version: Version1, request_id: RequestId(identity::random()?), terminal };
    let is_first = store.centre_key()?.is_none();
    let answer = upload::sign_in(&mut store, &centre, &request, setting.now)?;
    let told = elsewhere::ask(&mut store, &centre, terminal, Extent::Whole)?;
    let limits = answer.parameters.limits;
    let page = Page::new()
        .with("business_date", Words::new("业务日", "business date"), Value::text(answer.business_date.to_string()))
        .with("institution_code", Words::new("机构编码", "institution"), Value::text(answer.institution.code.as_str()))
        .with("institution_name", Words::new("机构", "name"), Value::text(&answer.institution.name))
        .with("purchase_max_fen", Words::new("单笔限额", "one purchase"), Value::Money(limits.purchase_max_fen))
        .with("card_day_max_fen", Words::new("单卡日限额", "one card, one day"), Value::Money(limits.card_day_max_fen))
        .with(
            "card_day_count_max",
            Words::new("单卡日笔数", "one card, one day, purchases"),
            Value::Number(i64::from(limits.card_day_count_max)),
        )
        .with("pending_max_fen", Words::new("待传限额", "waiting for upload"), Value::Money(limits.pending_max_fen))
        .with("parameters", Words::new("参数号", "parameters"), number(answer.parameters.sequence))
        .with(
            "parameters_until",
            Words::new("参数有效至", "parameters valid until"),
            Value::text(answer.parameters.valid_until.to_string()),
        )
        .with("blacklist_sequence", Words::new("黑名单号", "blacklist"), number(answer.blacklist_sequence));
    let page = match limits.online {
        OnlinePolicy::OfflineOnly => page,
        policy => page.with("online", Words::new("联机", "online"), Value::text(policy.as_str())),
    };
    let page = match store.blacklist()? {
        Some(list) if list.sequence >= answer.blacklist_sequence => page,
        _ => page.noted(
            "BLACKLIST_OUTDATED",
            Words::new(
                "有新的黑名单:执行 sscard blacklist update",
                "a newer blacklist is there: run sscard blacklist update",
            ),
        ),
    };
    let page = match store.catalogues()?.first() {
        Some(held) if held.sequence >= answer.catalogue_sequence => page,
        None if answer.catalogue_sequence == 0 => page,
        _ => page.noted(
            "CATALOGUE_OUTDATED",
            Words::new(
                "有新的药品目录:执行 sscard catalogue update",
                "a newer drug catalogue is there: run sscard catalogue update",
            ),
        ),
    };
    let page = page.joined(told_elsewhere(&store, Some(told))?);
    let page = match is_first {
        true => page.noted(
            "CENTRE_KEY_TRUSTED",
            Words::of(
                format!("从现在起信任中心公钥 {},请与中心核对", answer.centre_key),
                format!("the centre's key {} is trusted from now on: compare it with the centre", answer.centre_key),
            ),
        ),
        false => page,
    };
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// `sign-out`: what waits is uploaded first.
pub(super) fn sign_out(setting: &Setting<'_>) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    let centre = Centre::at(setting.centre()?, &key, terminal);
    store.take_turn()?;
    let uploaded = upload::upload(&mut store, &centre, &key);
    // The day ends at this till also where the centre did not take everything.
    let answer = upload::sign_out(&mut store, &centre, terminal, setting.now)?;
    let uploaded = uploaded?;
    let day = Value::text(answer.business_date.to_string());
    let page = uploaded_page(&store, &uploaded)?.with("business_date", Words::new("业务日", "business date"), day);
    setting.output.answer(&page)?;
    Ok(if uploaded.refused.is_empty() { Exit::Ok } else { Exit::Partly })
}

/// `blacklist …`.
pub(super) fn blacklist(setting: &Setting<'_>, command: &BlacklistCommand) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    match command {
        BlacklistCommand::Show => {}
        BlacklistCommand::Export { out } => {
            let list = store.signed_blacklist()?.ok_or(TerminalError::BlacklistMissing)?;
            setting.output.new_file(&list.to_text(), out)?;
        }
        BlacklistCommand::Import { file: path } => {
            let text = file::read(path, FileKind::Blacklist)?;
            let list = SignedBlacklist::parse(&text)
                .map_err(|place| BlacklistError::Malformed { path: path.display().to_string(), place })?;
            take_over(setting, &mut store, &list)?;
        }
        BlacklistCommand::Update => {
            let centre = Centre::at(setting.centre()?, &key, terminal);
            let known_sequence = store.blacklist()?.map_or(0, |list| list.sequence);
            let list = match fetch(&mut store, &centre, terminal, known_sequence) {
                // A centre that was brought back does not know what this terminal knows: what is held goes on.
                Err(TerminalError::CentreRefused { code: code @ ErrorCode::BlacklistWithheld, .. })
                    if store.blacklist()?.is_some() =>
                {
                    let ((zh, _), (en, _)) = (code.texts(Language::Zh), code.texts(Language::En));
                    let held = held_page(setting, &store)?.noted(code.as_str(), Words::new(zh, en));
                    setting.output.answer(&held)?;
                    return Ok(Exit::Ok);
                }
                list => list?,
            };
            match take_over(setting, &mut store, &list) {
                // What changed does not lead from here to there: the centre lost something, or this terminal did.
                Err(TerminalError::Blacklist(BlacklistError::List(ListFault::Gap { .. }))) if list.since > 0 => {
                    let whole = fetch(&mut store, &centre, terminal, 0)?;
                    take_over(setting, &mut store, &whole)?;
                }
                taken => taken?,
            }
            upload::compare_clock(&mut store, list.issued_at, setting.now)?;
        }
    }
    setting.output.answer(&held_page(setting, &store)?)?;
    Ok(Exit::Ok)
}

/// The blacklist that is held: sequence, size, age.
fn held_page(setting: &Setting<'_>, store: &Store) -> Result<Page, TerminalError> {
    let list = store.blacklist()?.ok_or(TerminalError::BlacklistMissing)?;
    let issued = Now::of_china(list.period.issued_at).map_or(0, Now::seconds);
    let minutes = (setting.now.seconds() - issued).max(0) / 60;
    Ok(Page::new()
        .with("sequence", Words::new("黑名单号", "sequence"), number(list.sequence))
        .with("cards", Words::new("卡数", "cards"), number(list.cards))
        .with("valid_until", Words::new("有效至", "valid until"), Value::text(list.period.valid_until.to_string()))
        .with("age_minutes", Words::new("已用分钟", "age in minutes"), Value::Number(minutes)))
}

fn fetch(
    store: &mut Store,
    centre: &Centre<'_>,
    terminal: TerminalNumber,
    known_sequence: u64,
) -> Result<SignedBlacklist, TerminalError> {
    let request_id = RequestId(identity::random()?);
    let request = BlacklistRequest { version: Version1, request_id, terminal, known_sequence };
    let letter = Letter::of(&request)?;
    store.write_letter(request_id, &letter, None)?;
    let answer = centre.send::<BlacklistRequest>(&letter)?;
    store.letter_answered(request_id, "OK")?;
    Ok(answer.list)
}

/// Keeps a list in the place of the one that is held, if its centre signed it and it is no older.
fn take_over(setting: &Setting<'_>, store: &mut Store, list: &SignedBlacklist) -> Result<(), TerminalError> {
    let key = store.centre_key()?.ok_or(BlacklistError::KeyUnknown)?;
    let now = setting.now;
    let opened = list
        .open(&key, &store.held_blacklist()?, now.date_time(), now.later(CLOCK_DIFFERENCE_MAX_S).date_time())
        .map_err(BlacklistError::from)?;
    Ok(store.take_over_blacklist(list, &opened)?)
}

/// `terminal …`.
pub(super) fn terminal(setting: &Setting<'_>, command: &TerminalCommand) -> Result<Exit, TerminalError> {
    let (terminal, key) = match command {
        TerminalCommand::Enroll => {
            let mut desk = setting.desk()?;
            let Some(psam) = desk.any_psam()? else {
                return Err(TerminalError::PsamMissing { readers: desk.names()? });
            };
            let number = TerminalNumber(psam.terminal_number());
            let mut store = Store::open(&setting.configuration.data)?;
            match store.terminal()? {
                None => {
                    let key = identity::make_key(&setting.configuration.data)?;
                    store.set_terminal(number)?;
                    (number, key)
                }
                // Enrolling again shows the same again; only another PSAM is refused.
                Some(known) if known == number => (number, identity::key(&setting.configuration.data)?),
                Some(known) => {
                    return Err(TerminalError::PsamDiffers { journal: known.to_string(), psam: number.to_string() });
                }
            }
        }
        TerminalCommand::Show => {
            let office = setting.office()?;
            (office.terminal, office.key)
        }
        TerminalCommand::Request { out } => {
            let requested = line::request(&setting.configuration.data, setting.office()?.terminal)?;
            setting.output.new_file(&requested.pem, out)?;
            let page = Page::new()
                .with("request", Words::new("证书请求", "request"), Value::text(out.display().to_string()))
                .with("key", Words::new("密钥指纹", "key"), Value::text(requested.key.to_string()));
            setting.output.answer(&page)?;
            return Ok(Exit::Ok);
        }
        TerminalCommand::Certificate { file: path } => {
            let office = setting.office()?;
            let place = path.display().to_string();
            let text = String::from_utf8(file::bytes(path, CERTIFICATE_BYTES_MAX)?)
                .map_err(|_| LineFault::Malformed { path: place.clone() })?;
            line::take_over(&setting.configuration.data, &text, &place)?;
            (office.terminal, office.key)
        }
        TerminalCommand::Trust { key, replace } => {
            let mut office = setting.office()?;
            let key = PublicKey::parse(key).map_err(|error| TerminalError::Configuration {
                place: "KEY".to_owned(),
                reason: Words::of("中心公钥须为 64 位十六进制".to_owned(), error.to_string()),
            })?;
            upload::trust(&mut office.store, &key, *replace)?;
            (office.terminal, office.key)
        }
    };
    let page = Page::new()
        .with("terminal_number", Words::new("终端机编号", "terminal number"), Value::text(terminal.to_string()))
        .with("public_key", Words::new("公钥", "public key"), Value::text(key.public_key().to_string()));
    let trusted = match Store::open_if_there(&setting.configuration.data)? {
        Some(store) => store.centre_key()?,
        None => None,
    };
    let page = match trusted {
        Some(key) => page.with("centre_key", Words::new("中心公钥", "centre's key"), Value::text(key.to_string())),
        None => page,
    };
    let page = match line::load(&setting.configuration.data) {
        Ok(identity) => page.with(
            "line_certificate",
            Words::new("线路证书", "line's certificate"),
            Value::text(identity.fingerprint().to_string()),
        ),
        Err(TerminalError::Line(LineFault::NoCertificate)) => page,
        Err(error) => return Err(error),
    };
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

pub(super) fn number(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Absent, Value::Number)
}
