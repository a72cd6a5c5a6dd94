//! `card read`, `card check`: what is on the card, and whether this terminal may work with it.
//!
//! Owns: their answers. Never: card commands (`counter`).

use std::cell::RefCell;

use card_core::security::psam::Psam;
use card_core::tries::Guard;
use card_desk::Desk;
use card_profiles::format::FormatKind;
use card_profiles::image::Reading;
use card_profiles::place::Place;
use card_profiles::read::{HOLDER, Reader};
use card_profiles::{Ef, Profile, builtin, codec, recognition};

use super::office::Office;
use super::profile::Source;
use super::{Setting, settle_first};
use crate::arguments::{DumpArguments, PinArguments, ReadArguments};
use crate::dump::{Dump, DumpFault};
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::error::{Code, Otherwise, ProfileDiffers, TerminalError};
use card_counter::language::Words;
use card_counter::read::{self, Keys, Read, Unread};
use card_counter::secret::Pin;
use card_counter::store::Store;
use card_counter::tap::{Ask, Tapped};
use card_counter::{check, pin};
use centre_line::http::Centre;
use centre_line::remote;
use centre_line::sell::Seller;
use settlement::fen::Fen;
use settlement::receipt::MaskedName;

/// `card read`.
pub(super) fn read(setting: &Setting<'_>, arguments: &ReadArguments) -> Result<Exit, TerminalError> {
    let named = files(&arguments.file)?;
    let mut desk = setting.desk()?;
    let mut tapped = setting.tapped(&mut desk)?;
    let (mut store, unavailable) = setting.memory();
    let (verified, refused) = verified(setting, &mut tapped, &arguments.pin)?;
    let notes = unavailable.joined(settle_first(setting, &mut tapped, store.as_mut(), verified)?);
    let needs_psam = arguments.all || !named.is_empty() || tapped.holder_needs_key();
    let (mut psam, stopped) = match needs_psam.then(|| fitting_psam(&mut desk, &mut tapped)) {
        None => (None, None),
        Some(Ok(psam)) => (psam, None),
        Some(Err(error)) => (None, Some(error)),
    };
    let wanted: Vec<(&str, &str)> = match (arguments.all, named.as_slice()) {
        (true, _) => read::all_of(&tapped),
        (false, []) => vec![("SSSE", "EF06")],
        (false, named) => named.iter().map(|(df, ef)| (df.as_str(), ef.as_str())).collect(),
    };
    let keys = Keys { psam: psam.as_mut(), consent: arguments.pin.last_try };
    let mut read = read::files(&mut tapped, &wanted, keys);
    read.lost = read.lost.or(refused);
    let stopped = stopped.or(psam.and_then(|mut psam| why_refused(&mut desk, &mut tapped, &mut psam, &read.unread)));
    answer(setting, &tapped, read, stopped, notes)
}

/// VERIFY, where a PIN was given; whether it was. A PIN that the card no longer takes leaves what needs none, and is told after
/// it; one that is wrong is for the holder to say again.
fn verified(
    setting: &Setting<'_>,
    tapped: &mut Tapped<'_>,
    pin: &PinArguments,
) -> Result<(bool, Option<TerminalError>), TerminalError> {
    match setting.verify_given(tapped, pin) {
        Err(error @ (TerminalError::CardRefused { .. } | TerminalError::PinBlocked)) => Ok((false, Some(error))),
        verified => verified.map(|verified| (verified, None)),
    }
}

/// A card that refused a key of a PSAM that was believed to have its keys is compared with it after all.
fn why_refused(
    desk: &mut Desk<'_>,
    tapped: &mut Tapped<'_>,
    psam: &mut Psam,
    unread: &[Unread],
) -> Option<TerminalError> {
    let refused = |file: &Unread| matches!(file.error.code(), Code::KeyRefused | Code::KeyBlocked);
    if !unread.iter().any(refused) {
        return None;
    }
    match tapped.compare(psam, desk.known()) {
        Ok(Some(false)) => Some(TerminalError::PsamWrong { city: tapped.city }),
        // The refusal itself is told; a card that does not answer any more was told of by the read.
        Ok(Some(true) | None) | Err(_) => None,
    }
}

/// `card authenticate`.
pub(super) fn authenticate(setting: &Setting<'_>, consent: bool) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    let centre = Centre::at(setting.centre()?, &key, terminal);
    let mut desk = setting.desk()?;
    let mut tapped = setting.tapped_asking(&mut desk, Ask::Algorithm)?;
    let opened = remote::authenticate(&mut tapped, (&mut store, &centre), terminal, consent)?;
    let read = read::files_with(&mut tapped, &HOLDER, None, consent);
    if let Some(error) = read.lost.or_else(|| read.unread.into_iter().next().map(|file| file.error)) {
        return Err(error);
    }
    let name = tapped.reading().values.text("SSSE.EF06.name").map(|name| MaskedName::of(name).as_str().to_owned());
    let route = setting.configuration.city.map(|ours| check::Route::of(tapped.city, ours).as_str());
    let page = Page::new()
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(tapped.identifier.to_string()))
        .with("city", Words::new("城市", "city"), Value::text(tapped.city.as_str()))
        .with("route", Words::new("由谁认证", "authenticated by"), Value::maybe(route.map(str::to_owned)))
        .with("genuine", Words::new("真卡", "genuine"), Value::Flag(true))
        .with("key_proved", Words::new("已认证读密钥", "reading key proved"), Value::Flag(opened))
        .with("name", Words::new("姓名", "name"), Value::maybe(name));
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// `card dump`.
pub(super) fn dump(setting: &Setting<'_>, arguments: &DumpArguments) -> Result<Exit, TerminalError> {
    let there = arguments.out.as_ref().filter(|path| !arguments.force && path.symlink_metadata().is_ok());
    if let Some(path) = there {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(TerminalError::File { path: path.display().to_string(), source });
    }
    let mut there = Setting {
        configuration: setting.configuration.clone(),
        catalog: super::catalog(&setting.configuration)?,
        output: setting.output,
        now: setting.now,
        trace: setting.trace.clone(),
        owed: RefCell::default(),
    };
    let found = whole(&mut there, arguments.profile.as_deref(), &arguments.pin);
    setting.owed.replace(there.owed.take());
    let (dump, exit) = found?;
    setting.output.file(&dump, arguments.out.as_deref())?;
    if !dump.unread.is_empty() {
        let files: Vec<String> = dump.unread.iter().map(|file| format!("{} {}", file.place, file.code)).collect();
        let files = files.join(", ");
        let words = Words::of(format!("未能读出的文件:{files}"), format!("files that were not read: {files}"));
        setting.output.remark("PARTLY_READ", &words);
    }
    exit
}

/// Everything that can be read of the card in the reader, and whether the card answered to the end: by the profile `named`, else by that
/// which the card's own data choose.
pub(super) fn whole(
    setting: &mut Setting<'_>,
    named: Option<&str>,
    arguments: &PinArguments,
) -> Result<(Dump, Result<Exit, TerminalError>), TerminalError> {
    let named = named.map(Source::named).transpose()?.map(|source| source.profile);
    if let Some(profile) = &named {
        setting.catalog.take_for_all(profile.clone());
    }
    let setting = &*setting;
    let mut desk = setting.desk()?;
    let mut tapped = match setting.tapped(&mut desk) {
        Ok(tapped) => tapped,
        Err(error) if is_unnamed(&error) || named.is_some() && error.code() == Code::NotSsc => {
            drop(desk);
            return unnamed(setting, named, arguments, &error);
        }
        Err(error) => return Err(error),
    };
    let (_, refused) = verified(setting, &mut tapped, arguments)?;
    // What needs no key is read without a PSAM, and with one that does not fit.
    let fitting = match other_algorithm(&tapped) {
        Some(error) => Err(error),
        None => fitting_psam(&mut desk, &mut tapped),
    };
    let (mut psam, stopped) = match fitting {
        Ok(psam) => (psam, None),
        Err(error) => (None, Some(error)),
    };
    let keys = Keys { psam: psam.as_mut(), consent: arguments.last_try };
    let Read { unread, lost, .. } = read::whole(&mut tapped, keys);
    let wrong_psam = psam.and_then(|mut psam| why_refused(&mut desk, &mut tapped, &mut psam, &unread));
    let atr = tapped.session.atr()?;
    let exit = if unread.is_empty() { Exit::Ok } else { Exit::Partly };
    let code = |file: &Unread| why(file, stopped.as_ref()).code().as_str().to_owned();
    let unread = unread.iter().map(|file| DumpFault { code: code(file), place: file.file.to_string() }).collect();
    let dump = Dump::of(tapped.profile, &tapped.version, atr.bytes(), tapped.reading().clone(), unread);
    Ok((dump, lost.or(refused).or(stopped).or(wrong_psam).map_or(Ok(exit), Err)))
}

/// Whether a card does not say which it is, or not so that it can be understood.
fn is_unnamed(error: &TerminalError) -> bool {
    matches!(
        error,
        TerminalError::CardBlank
            | TerminalError::CardIdentifier
            | TerminalError::CardVersion { .. }
            | TerminalError::CardAnswer { command: "READ RECORD EF05" }
    )
}

/// The keys of a card are not those of a profile of another algorithm.
fn other_algorithm(tapped: &Tapped<'_>) -> Option<TerminalError> {
    let algorithm = tapped.algorithm().ok().filter(|algorithm| *algorithm != tapped.profile.algorithm)?;
    let (profile, otherwise) = (tapped.profile.name.clone(), Otherwise::Algorithm(Some(algorithm.id())));
    Some(ProfileDiffers { profile, otherwise, fitting: Vec::new() }.into())
}

/// What there is on a card that is not recognised, with why as a fault of its identifier: what is free, and what the PIN opens.
fn unnamed(
    setting: &Setting<'_>,
    named: Option<Profile>,
    arguments: &PinArguments,
    error: &TerminalError,
) -> Result<(Dump, Result<Exit, TerminalError>), TerminalError> {
    let mut desk = setting.desk()?;
    let mut session = desk.card()?.session;
    let mut memory = setting.card_memory();
    let mut first = Reader::issuer(setting.catalog.first());
    session.play(&mut first, None, &mut Guard { book: &mut memory.tries, consent: false })?;
    let first = first.finish();
    let stated = &first.reading.values;
    let likely = || builtin(recognition::unnamed_profile(first.fci.as_ref(), stated));
    let profile = named.or_else(likely).ok_or(TerminalError::Bug("it is built in"))?;
    session.reset()?;
    let pin = arguments.pin.as_ref().map(|source| Pin::read(Some(source), "")).transpose()?;
    let pin = pin.map(|pin| pin.to_bcd().to_vec());
    let (reading, Read { unread, lost, .. }) =
        read::unnamed(&mut session, &profile, pin, &mut memory, arguments.last_try, || again(error));
    let code = |error: &TerminalError| error.code().as_str().to_owned();
    let exit = if unread.is_empty() { Exit::Ok } else { Exit::Partly };
    let unread =
        unread.iter().map(|file| DumpFault { code: code(&file.error), place: file.file.to_string() }).collect();
    let version = stated.text("SSSE.EF05.spec_version").unwrap_or_default().to_owned();
    let atr = session.atr()?;
    let mut dump = Dump::of(&profile, &version, atr.bytes(), reading, unread);
    dump.faults.insert(0, DumpFault { place: IDENTIFIER.to_owned(), code: code(error) });
    setting.output.remark(error.code().as_str(), &error.what());
    Ok((dump, lost.map_or(Ok(exit), Err)))
}

/// The same for each file behind a key.
fn again(error: &TerminalError) -> TerminalError {
    match error {
        TerminalError::CardVersion { version } => TerminalError::CardVersion { version: version.clone() },
        TerminalError::CardAnswer { command } => TerminalError::CardAnswer { command },
        TerminalError::CardIdentifier => TerminalError::CardIdentifier,
        _ => TerminalError::CardBlank,
    }
}

/// Where a card says which it is.
const IDENTIFIER: &str = "SSSE.EF05.card_identifier";

/// Why a file was not read: a PSAM that is there and does not fit is not missing.
fn why<'e>(file: &'e Unread, stopped: Option<&'e TerminalError>) -> &'e TerminalError {
    stopped.filter(|_| file.error.code() == Code::PsamMissing).unwrap_or(&file.error)
}

/// The PSAM, if there is one, compared with the card before any try is spent.
pub(super) fn fitting_psam(desk: &mut Desk<'_>, tapped: &mut Tapped<'_>) -> Result<Option<Psam>, TerminalError> {
    // Keys that nobody can compute with need no PSAM.
    if tapped.algorithm().is_err() {
        return Ok(None);
    }
    let Some(mut psam) = desk.psam(tapped.profile)? else { return Ok(None) };
    match tapped.fits(&mut psam, desk.known())? {
        Some(false) => Err(TerminalError::PsamWrong { city: tapped.city }),
        Some(true) | None => Ok(Some(psam)),
    }
}

/// `DF04.EF05` into its parts.
fn files(names: &[String]) -> Result<Vec<(String, String)>, TerminalError> {
    names
        .iter()
        .map(|name| {
            let parts = name.split_once('.').map(|(df, ef)| (df.to_uppercase(), ef.to_uppercase()));
            parts.ok_or_else(|| TerminalError::Configuration {
                place: "--file".to_owned(),
                reason: Words::new("文件写成 DF.EF，如 DF04.EF05", "a file is written DF.EF, as in DF04.EF05"),
            })
        })
        .collect()
}

fn answer(
    setting: &Setting<'_>,
    tapped: &Tapped<'_>,
    read: Read,
    stopped: Option<TerminalError>,
    mut notes: Page,
) -> Result<Exit, TerminalError> {
    let Read { unread, lost, .. } = read;
    let reading = tapped.reading();
    let mut page = values(tapped, reading);
    let faults = reading.faults.iter().map(|fault| {
        row(&fault.place.to_string(), fault.fault.code(), Words::of(fault.fault.zh(), fault.fault.to_string()))
    });
    let missing = unread.iter().map(|file| {
        let error = why(file, stopped.as_ref());
        let (what, next) = (error.what(), error.next());
        let words = Words::of(format!("{};{}", what.zh, next.zh), format!("{}; {}", what.en, next.en));
        row(&file.file.to_string(), error.code().as_str(), words)
    });
    let table: Vec<Page> = faults.chain(missing).collect();
    page = page.with("faults", Words::new("说明", "remarks"), Value::Table(table));
    if let Some(ours) = setting.configuration.city
        && !tapped.is_of(ours)
    {
        notes = notes.noted(
            "FOREIGN_CITY",
            Words::of(
                format!("外地卡:发卡城市 {},本终端 {ours}", tapped.city),
                format!("a card of another city: issued by {}, this terminal serves {ours}", tapped.city),
            ),
        );
    }
    if stopped.is_none() && unread.iter().any(|file| file.error.code() == Code::PsamMissing) {
        notes = notes.noted(
            "PSAM_MISSING",
            Words::new(
                "没有 PSAM:只读了公开的发卡机构数据;插入 PSAM 后可读持卡人信息",
                "no PSAM: only the issuer's data, which are free, were read; insert the PSAM to read the holder's",
            ),
        );
    }
    setting.output.answer(&page.joined(notes))?;
    let exit = if unread.is_empty() { Exit::Ok } else { Exit::Partly };
    lost.or(stopped).or_else(|| worst(unread)).map_or(Ok(exit), Err)
}

/// What the exit code tells of: a refusal that a person must act on, before a file that merely needs more.
fn worst(unread: Vec<Unread>) -> Option<TerminalError> {
    let must_act = |error: &TerminalError| {
        matches!(
            error,
            TerminalError::KeyRefused { .. }
                | TerminalError::KeyBlocked { .. }
                | TerminalError::LastTry { .. }
                | TerminalError::AlgorithmNotPublic
        )
    };
    unread.into_iter().map(|file| file.error).find(must_act)
}

fn row(place: &str, code: &'static str, words: Words) -> Page {
    Page::new()
        .with("place", Words::new("位置", "place"), Value::text(place))
        .with("code", Words::new("代码", "code"), Value::text(code))
        .with("text", Words::new("说明", "remark"), Value::Words(words))
}

/// One item a value, in the order of the profile, with its Chinese name as label.
fn values(tapped: &Tapped<'_>, reading: &Reading) -> Page {
    let page = Page::new();
    let mut ordered: Vec<_> = reading.values.iter().collect();
    ordered.sort_by_key(|(place, _)| rank(tapped, place));
    ordered.into_iter().fold(page, |page, (place, value)| {
        with_value(page, tapped.profile.ef(place.df(), place.ef()), (place, value), Unit::Yuan)
    })
}

/// How amounts are shown to people.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// As money.
    Yuan,
    /// As the number that is written there, with the unit beside its name.
    Fen,
}

/// One value of a card, with the names of its item and of the item within it, and its record.
pub(super) fn with_value(page: Page, ef: Option<&Ef>, (place, value): (&Place, &codec::Value), amounts: Unit) -> Page {
    let row = ef.and_then(|ef| ef.elements.iter().find(|row| Some(&*row.id) == place.item_id()));
    let inner = row.and_then(|row| row.inner.iter().find(|inner| Some(&*inner.id) == place.inner_id()));
    let id = place.to_string();
    let named = row.and_then(|row| row.name.clone());
    let mut name = match (named, inner.and_then(|inner| inner.name.as_deref())) {
        (Some(name), Some(inner)) => format!("{name}·{inner}"),
        (Some(name), None) if place.inner_id().is_none() => name,
        _ => id.clone(),
    };
    if let Some(record) = place.record {
        name = format!("[{record}] {name}");
    }
    let is_amount =
        inner.or(row).is_some_and(|row| matches!(row.format.kind, FormatKind::CnAmount | FormatKind::BAmount));
    let value = match value {
        codec::Value::Text(text) => Value::text(text.as_str()),
        codec::Value::Number(number) => match i64::try_from(*number) {
            Ok(fen) if is_amount && amounts == Unit::Yuan => Value::Money(Fen::new(fen)),
            Ok(number) => Value::Number(number),
            Err(_) => Value::Absent,
        },
    };
    let mut english = id.clone();
    if is_amount && amounts == Unit::Fen {
        name.push_str("（分）");
        english.push_str(" (fen)");
    }
    page.with(id, Words::of(name, english), value)
}

/// Where the profile has a place: directory, file, record, element.
fn rank(tapped: &Tapped<'_>, place: &Place) -> (usize, usize, Option<u8>, usize) {
    let dfs = &tapped.profile.df;
    let df = dfs.iter().position(|row| row.id.as_str() == place.df()).unwrap_or(dfs.len());
    let efs = dfs.get(df).map_or(&[][..], |row| &row.ef);
    let ef = efs.iter().position(|row| row.id.as_str() == place.ef()).unwrap_or(efs.len());
    let items = efs.get(ef).map_or(&[][..], |row| &row.elements);
    let item = items.iter().position(|row| Some(&*row.id) == place.item_id()).unwrap_or(items.len());
    (df, ef, place.record, item)
}

/// What `pay` looks at with this card at this till; of a till that never began, the card alone.
fn at_till(
    setting: &Setting<'_>,
    tapped: &Tapped<'_>,
    rules: &check::Rules,
    store: Option<&Store>,
) -> Result<Vec<check::Check>, TerminalError> {
    let terminal = store.map(Store::terminal).transpose()?.flatten();
    let (Some(store), Some(terminal)) = (store, terminal) else {
        let mut checks = check::card(tapped, rules);
        checks.push(check::Check { id: "application", refused: tapped.account().err() });
        checks.push(check::Check { id: "terminal", refused: Some(TerminalError::NotEnrolled) });
        return Ok(checks);
    };
    let data = setting.configuration.data.as_path();
    let policy = rules.limits.online;
    let key = Seller::key(policy, data)?;
    let seller = Seller::of(policy, setting.centre(), key.as_ref(), (data, terminal));
    match seller {
        Ok(seller) => seller.checks(tapped, rules, store),
        Err(error) => {
            let mut checks = check::sale(tapped, rules, store, true)?;
            checks.push(check::Check { id: "centre", refused: Some(error) });
            Ok(checks)
        }
    }
}

/// `card check`.
pub(super) fn check(setting: &Setting<'_>, arguments: &PinArguments) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?;
    let mut tapped = setting.tapped(&mut desk)?;
    let (mut store, unavailable) = setting.memory();
    let given = arguments.pin.is_some().then(|| setting.pin(&mut tapped, arguments)).transpose()?;
    // The PIN of delivery is for no transaction: it is not sent.
    let initial = given.as_ref().map(|given| pin::of_transaction(&tapped, given).err());
    let verified = matches!(initial, Some(None));
    if let Some(given) = given.as_ref().filter(|_| verified) {
        pin::verify(&mut tapped, given, arguments.last_try)?;
    }
    let notes = unavailable.joined(settle_first(setting, &mut tapped, store.as_mut(), verified)?);
    let rules = setting.rules(store.as_ref())?;
    let mut checks = at_till(setting, &tapped, &rules, store.as_ref())?;
    if let Some(refused) = initial {
        checks.push(check::Check { id: "pin", refused });
    }
    checks.push(check::Check { id: "algorithm", refused: tapped.algorithm().err() });
    if let Some(application) = checks.iter_mut().find(|check| check.id == "application" && check.refused.is_none()) {
        application.refused = tapped.account().and_then(|rules| tapped.select(&rules.df)).err();
    }
    let ours = store.as_ref().map(Store::terminal).transpose()?.flatten();
    let mut psam_number = None;
    let psam = match fitting_psam(&mut desk, &mut tapped) {
        Ok(Some(psam)) => {
            let number = settlement::id::TerminalNumber(psam.terminal_number());
            psam_number = Some(number.0);
            ours.filter(|ours| *ours != number)
                .map(|ours| TerminalError::PsamDiffers { journal: ours.to_string(), psam: number.to_string() })
        }
        // Said once, under `algorithm`: no PSAM could serve this card.
        Ok(None) if tapped.algorithm().is_err() => Some(TerminalError::AlgorithmNotPublic),
        Ok(None) => Some(TerminalError::PsamMissing { readers: desk.names()? }),
        Err(error) => Some(error),
    };
    // Nothing is begun without a PSAM: that is said first, as every transaction says it.
    let place = if matches!(psam, Some(TerminalError::PsamMissing { .. })) { 0 } else { checks.len() };
    checks.insert(place, check::Check { id: "psam", refused: psam });
    let accepted = checks.iter().all(|check| check.refused.is_none());
    let route = rules.city.map(|ours| check::Route::of(tapped.city, ours)).map_or(Value::Absent, |route| {
        let words = match route {
            check::Route::Here => Words::new("本终端", "this terminal"),
            check::Route::Province => Words::new("省级服务", "the province's service"),
            check::Route::Ministry => Words::new("部级服务", "the ministry's service"),
        };
        Value::Choice(route.as_str(), words)
    });
    let list = store.as_ref().map(Store::blacklist).transpose()?.flatten();
    // What was looked at, said also where it passed.
    let found = |id: &str| match id {
        "version" => Value::text(&tapped.version),
        "class" => Value::text(tapped.issuer_item("card_class")),
        "issuer_city" => Value::text(tapped.city.as_str()),
        "valid_from" => Value::text(tapped.issuer_item("issue_date")),
        "valid_until" => Value::text(tapped.issuer_item("valid_until")),
        "clock" => Value::text(setting.now.date_time().to_string()),
        "blacklist_age" | "blacklist" => list.map_or(Value::Absent, |list| {
            Value::Words(Words::of(
                format!("第 {} 号名单,签署于 {}", list.sequence, list.period.issued_at),
                format!("list {} signed {}", list.sequence, list.period.issued_at),
            ))
        }),
        "application" => tapped.account().map_or(Value::Absent, |rules| Value::text(&rules.df)),
        "psam" => Value::maybe(psam_number.map(|number| settlement::id::TerminalNumber(number).to_string())),
        _ => Value::Absent,
    };
    let rows = checks.iter().map(|check| {
        let refusal = check.refused.as_ref();
        Page::new()
            .with("check", Words::new("检查", "check"), Value::text(check.id))
            .with("passed", Words::new("通过", "passed"), Value::Flag(refusal.is_none()))
            .with("code", Words::new("代码", "code"), Value::maybe(refusal.map(|error| error.code().as_str())))
            .with(
                "detail",
                Words::new("说明", "detail"),
                refusal.map_or_else(|| found(check.id), |error| Value::Words(error.place())),
            )
    });
    let page = Page::new()
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(tapped.identifier.to_string()))
        .with("issuer_city", Words::new("发卡城市", "city"), Value::text(tapped.city.as_str()))
        .with("version", Words::new("规范版本", "version"), Value::text(&tapped.version))
        .with("route", Words::new("认证途径", "authenticated by"), route)
        .with("accepted", Words::new("可以交易", "accepted"), Value::Flag(accepted))
        .with("checks", Words::new("检查项", "checks"), Value::Table(rows.collect()));
    setting.output.answer(&page.joined(notes))?;
    check::all_passed(checks).map(|()| Exit::Ok)
}
