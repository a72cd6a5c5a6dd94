//! `conform`: the conformance suite on the card in the reader.
//!
//! Owns: which card type, which keys, which cases; the report. Never: judges a card (`card_profiles::conform`).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use card_core::command::Internal;
use card_core::script::{Nonces, Step, StepError};
use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors, MacKey, SecurityError, SecurityModule};
use card_core::tries::{Guard, Secret, TriesBook, TriesLeft};
use card_core::{Session, StatusWord, command};
use card_profiles::CardValues;
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::certificate::Role;
use card_profiles::conform::{Bench, Case, CertificatePins, Effect, Need, Text, cases, in_order};
use card_profiles::own_keys::OwnKeys;
use card_profiles::profile::{CardKind, KeyClass, KeyRow, Profile};
use card_profiles::read::{Reader, Reason};
use card_profiles::recognition::{self, NotRecognised, RulesNotPublic};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::profile::Source;
use super::{Setting, key_file};
use crate::arguments::{ConformArguments, Form};
use crate::conform::report::{Early, Report};
use crate::conform::survey::survey;
use crate::conform::unfinished::{Before, Begun, Noted, Unfinished};
use crate::conform::{Outcome, Runner, Tries, Verdict, interrupted};
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::certificate::secret_of;
use card_counter::error::{CertificateError, Otherwise, ProfileDiffers, TerminalError};
use card_counter::language::Words;
use card_counter::secret::{Pin, SecretSource};
use card_counter::tap::not_read;

/// Terminal number in the transactions of the suite.
const TERMINAL: [u8; 6] = [0x00, 0x00, 0x00, 0x00, 0x00, 0x01];
/// City of a card that names none, where its own keys are given and no factor leads further.
const NO_CITY: &str = "000000";
/// What a purse makes a MAC of, to show that it holds the keys given: a block of either cipher.
const PLAIN: [u8; 16] = [0x5A; 16];

/// Runs the suite.
pub(super) fn run(setting: &Setting<'_>, arguments: &ConformArguments) -> Result<Exit, TerminalError> {
    let form = arguments.report.as_deref().map(report_form).transpose()?;
    let named = arguments.profile.as_deref().map(Source::named).transpose()?.map(|source| source.profile);
    if let (true, Some(profile)) = (arguments.list, &named) {
        return list(setting, arguments, profile);
    }
    let keys = arguments.keys.as_deref().map(key_file).transpose()?;
    let mut desk = setting.desk()?;
    let is_psam = named.as_ref().is_some_and(|profile| profile.kind == CardKind::Psam);
    let mut session = if is_psam { desk.psam_as_card() } else { desk.card() }?.session;
    let factor = session.atr()?.card_factor().map_err(card_core::SessionError::Atr)?;
    let unfinished = Unfinished::of(&setting.configuration.data, factor);
    let Noted { begun, strange } = unfinished.noted().map_err(|source| unreadable(&unfinished, source))?;
    if !strange.is_empty() {
        say_strange(setting, &unfinished, &strange);
    }
    let (profile, city) = match named {
        Some(profile) => {
            let city = agrees(&mut session, setting, &profile)?;
            (profile, city.or_else(|| begun.iter().find_map(|begun| begun.city)))
        }
        None => match (recognise(&mut session, setting), begun.first()) {
            // An earlier run left it blocked, and knew what it is.
            (Err(TerminalError::CardBlocked { .. }), Some(begun)) if arguments.destructive => {
                (Source::named(&begun.profile)?.profile, begun.city)
            }
            (recognised, _) => recognised?,
        },
    };
    if arguments.list {
        return list(setting, arguments, &profile);
    }
    let repairs = arguments.destructive && !begun.is_empty();
    if !repairs && !begun.is_empty() {
        remind(setting, &begun);
    }
    let mut shut = Vec::new();
    if !repairs {
        shut =
            survey(&mut session, &profile, &chosen(cases(&profile, &unproved(setting)), arguments)?, &setting.catalog)?;
    }
    let pin = arguments.pin.pin.as_ref().map(|source| Pin::read(Some(source), "")).transpose()?;
    let certificate_pins = certificate_pins(arguments, &profile)?;
    let mut tries = Tries { card: factor, memory: setting.card_memory(), consent: arguments.pin.last_try };
    if pin.is_some() {
        if profile.pin.as_ref().is_some_and(|pin| pin.answers_tries)
            && let TriesLeft::Known(left) = session.ask_pin_tries()?
        {
            tries.note(&Secret::Pin, StatusWord::tries_left(left));
        }
        tries.before(&Secret::Pin)?;
    }
    for role in [Role::User, Role::Administrator] {
        certificate_pins.of(role).map_or(Ok(()), |_| tries.before(&secret_of(role)))?;
    }
    let mut own = None;
    let mut psam = None;
    let mut versions = KeyVersions::default();
    let mut factors = city.map(|city| Factors::of(city, factor));
    let module: Option<&mut dyn SecurityModule> = match &keys {
        Some((path, keys)) => {
            let keys = OwnKeys::of(keys, &profile, factor)
                .map_err(|source| TerminalError::KeyFile { path: path.clone(), source })?;
            versions = keys.versions().clone();
            factors = factors.or_else(|| CityCode::parse(NO_CITY).map(|city| Factors::of(city, factor)));
            Some(own.insert(keys))
        }
        // Without the card's city its keys cannot be derived, and wrong ones would spend tries.
        None if factors.is_some() => {
            psam = desk.psam(&profile)?;
            psam.as_mut().map(|psam: &mut Psam| psam as &mut dyn SecurityModule)
        }
        None => None,
    };
    let module = agreed(&mut session, &profile, factors, &versions, module)?;
    let terminal = match profile.kind {
        // MAC1 of a PSAM covers its own number.
        CardKind::User => module.as_deref().and_then(SecurityModule::terminal_number).unwrap_or(TERMINAL),
        CardKind::Psam => terminal_number(&mut session, &profile)?.unwrap_or(TERMINAL),
    };
    let pin_bcd = pin.as_ref().map(|pin| pin.to_bcd().to_vec());
    let bench = Bench {
        means: Means { pin: pin_bcd, factors: factors.filter(|_| module.is_some()), versions },
        certificate_pins,
        terminal,
        moment: setting.now.date_time().to_bcd(),
    };
    let all = cases(&profile, &bench);
    let chosen = in_order(chosen(all.clone(), arguments)?);
    let runner = Runner::new(session, module, (&profile, &bench), arguments.destructive);
    let mut runner = runner.without(&shut).sparing(tries);
    let mut run = Run { setting, unfinished: &unfinished, city, report: Report::new(&profile.name), ended: None };
    let mut unknown = false;
    if repairs {
        unknown = run.bring_back(&begun, &all, &mut runner)?;
        shut = runner.survey(&chosen, &setting.catalog)?;
    }
    if arguments.destructive {
        foretell(setting, &chosen);
    }
    run.carry_out(&chosen, &mut runner, !arguments.case.is_empty())?;
    let Run { report, ended, .. } = run;
    drop(runner);
    drop(psam);
    if let (Some(path), Some(form)) = (&arguments.report, form) {
        write(setting, &report, path, form)?;
    }
    let shown = match setting.output.form {
        Form::Json | Form::Layout => setting.output.file(&report, None),
        Form::Text => setting.output.paper(&report.text(setting.output.language, false)),
    };
    match shown {
        // A report that nobody reads to its end, as with `| head`: how the run ended is told all the same.
        Ok(()) | Err(TerminalError::Output { closed: true }) => {}
        Err(error) => return Err(error),
    }
    match ended {
        Some(error) if report.totals.not_restored > 0 => {
            setting.output.error(&error);
            Ok(Exit::Partly)
        }
        Some(error) => Err(error),
        None if report.totals.failed > 0 => Ok(Exit::Mismatch),
        None if report.totals.not_restored > 0 || !shut.is_empty() || unknown => Ok(Exit::Partly),
        None => Ok(Exit::Ok),
    }
}

/// A run: what came of it so far.
struct Run<'r> {
    setting: &'r Setting<'r>,
    unfinished: &'r Unfinished,
    city: Option<CityCode>,
    report: Report,
    ended: Option<TerminalError>,
}

impl Run<'_> {
    /// Brings back what earlier runs left on this card; whether there is a case among it that this profile does not make.
    fn bring_back(&mut self, begun: &[Begun], all: &[Case], runner: &mut Runner<'_>) -> Result<bool, TerminalError> {
        let language = self.setting.output.language;
        let mut unknown = false;
        for begun in begun {
            let Some(case) = all.iter().find(|case| case.id == begun.case) else {
                unknown = true;
                say_unknown(self.setting, begun, &self.report.profile);
                continue;
            };
            let left = runner.bring_back(case, &begun.before)?;
            // What cannot be brought back is told once.
            self.unfinished.done(begun).map_err(|source| unreadable(self.unfinished, source))?;
            self.report.bring_back(case, left.as_ref(), language);
        }
        Ok(unknown)
    }

    /// Carries out cases until the card answers no more, or somebody ends the run: the case at hand is brought to its end.
    fn carry_out(&mut self, chosen: &[Case], runner: &mut Runner<'_>, by_id: bool) -> Result<(), TerminalError> {
        let language = self.setting.output.language;
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Without the handler the program ends at once; what it began stands in the notebook all the same.
            let _ = signal_hook::flag::register(signal, Arc::clone(&asked));
        }
        for case in chosen {
            if self.ended.is_none() && asked.load(Ordering::Relaxed) {
                self.end(TerminalError::Interrupted, case);
            }
            if let Some(error) = &self.ended {
                self.report.add(case, &not_reached(error), language);
                continue;
            }
            let leaves_way_back = !case.restore.is_empty() || case.money.is_some();
            let has_way_back = runner.is_destructive() && leaves_way_back && case.effect != Effect::Nothing;
            let balance = if has_way_back { runner.balance_before(case, by_id) } else { Ok(None) };
            let (profile, city, case_id) = (self.report.profile.clone(), self.city, case.id.clone());
            let record = (has_way_back && case.overwrites()).then_some(None);
            let before = Before { balance: *balance.as_ref().unwrap_or(&None), record };
            let mut begun = Begun { profile, city, case: case_id, before };
            let noted = |result: std::io::Result<()>| result.map_err(|source| unreadable(self.unfinished, source));
            let ran = match balance {
                Err(error) => Err((error, None)),
                Ok(_) => {
                    if has_way_back {
                        noted(self.unfinished.begin(&begun))?;
                    }
                    let mut note = |record: &[u8]| match begun.before.record {
                        Some(_) => self.unfinished.note(&mut begun, record),
                        None => Ok(()),
                    };
                    runner.run_noting(case, by_id, &mut note).map_err(|error| (error, interrupted(case)))
                }
            };
            match ran {
                Ok(outcome) => {
                    if has_way_back && outcome.unrestored.is_none() {
                        noted(self.unfinished.done(&begun))?;
                    }
                    self.report.add(case, &outcome, language);
                }
                Err((error, unrestored)) => {
                    let error = TerminalError::from(error);
                    let outcome = Outcome { unrestored, ..not_reached(&error) };
                    self.report.add(case, &outcome, language);
                    self.end(error, case);
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, error: TerminalError, case: &Case) {
        self.report.ended_early = Some(Early {
            code: error.code().as_str().to_owned(),
            case: case.id.clone(),
            reason: error.what().text(self.setting.output.language).to_owned(),
        });
        self.ended = Some(error);
    }
}

/// The notebook of what was begun cannot be read or written: nothing more may begin.
fn unreadable(unfinished: &Unfinished, source: std::io::Error) -> TerminalError {
    let place = unfinished.path().display().to_string();
    TerminalError::Store(card_counter::store::StoreError::Folder { place, source })
}

/// Says which lines of the notebook nobody can act on.
fn say_strange(setting: &Setting<'_>, unfinished: &Unfinished, lines: &[usize]) {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let (path, lines) = (unfinished.path().display(), lines.join(", "));
    let words = Words::of(
        format!("{path} 第 {lines} 行无法辨认：可能有一张卡未恢复；改正或删去该行"),
        format!("{path}, line {lines}: not understood, perhaps a card was not brought back; correct or delete it"),
    );
    setting.output.remark("NOT_RESTORED", &words);
}

/// Says that a case of an earlier run is not brought back in this one.
fn say_unknown(setting: &Setting<'_>, begun: &Begun, profile: &str) {
    let Begun { profile: of, case, .. } = begun;
    let words = Words::of(
        format!("{profile} 没有检测项 {case}，未恢复；用 --profile {of} 再次检测"),
        format!("{profile} makes no case {case}, which was not brought back; run again with --profile {of}"),
    );
    setting.output.remark("NOT_RESTORED", &words);
}

/// Says what an earlier run left on this card.
fn remind(setting: &Setting<'_>, begun: &[Begun]) {
    let cases: Vec<&str> = begun.iter().map(|begun| begun.case.as_str()).collect();
    let cases = cases.join(", ");
    let words = Words::of(
        format!("此前中断的检测尚未恢复：{cases}；加 --destructive 再次检测时先恢复"),
        format!("an earlier run was ended before it brought back: {cases}; a run with --destructive does that first"),
    );
    setting.output.remark("NOT_RESTORED", &words);
}

/// Says, before the first case that changes the card, what will stay on it.
fn foretell(setting: &Setting<'_>, chosen: &[Case]) {
    let mut stays: Vec<(&Text, usize)> = Vec::new();
    for case in chosen {
        let Effect::Leaves(what) = &case.effect else { continue };
        match stays.iter_mut().find(|(other, _)| *other == what) {
            Some((_, count)) => *count += 1,
            None => stays.push((what, 1)),
        }
    }
    if stays.is_empty() {
        return;
    }
    let all = |pick: &dyn Fn(&Text) -> String, unit: &str| {
        stays.iter().map(|(what, count)| format!("{} ({count}{unit})", pick(what))).collect::<Vec<_>>().join("; ")
    };
    let words = Words::of(
        format!("将留在卡上：{}", all(&|text| text.zh.to_string(), " 项")),
        format!("what will stay on the card: {}", all(&|text| text.en.to_string(), " cases")),
    );
    setting.output.remark("LEAVES_TRACES", &words);
}

fn not_reached(error: &TerminalError) -> Outcome {
    let code = error.code().as_str();
    let reason = Text::new(
        format!("未完成：卡片或读卡器不再应答（{code}）"),
        format!("not finished: card or reader answer no more ({code})"),
    );
    Outcome { verdict: Verdict::Skipped(reason), unrestored: None }
}

/// The PINs of the certificate application, as long as its rows say.
fn certificate_pins(arguments: &ConformArguments, profile: &Profile) -> Result<CertificatePins, TerminalError> {
    let read = |source: &Option<SecretSource>, role| {
        let pin = source.as_ref().map(|source| Pin::read(Some(source), "")).transpose()?;
        let Some((pin, rules)) = pin.zip(profile.certificate.as_ref()) else { return Ok(None) };
        let (bcd, row) = (pin.as_bcd(), rules.pin(role));
        match row.fits(bcd.expose().len()) {
            true => Ok(Some(bcd)),
            false => Err(TerminalError::from(CertificateError::CertificatePinLength { role, bytes: row.bytes })),
        }
    };
    Ok(CertificatePins {
        user: read(&arguments.certificate_pin, Role::User)?,
        administrator: read(&arguments.administrator_pin, Role::Administrator)?,
    })
}

/// The cases asked for.
fn chosen(all: Vec<Case>, arguments: &ConformArguments) -> Result<Vec<Case>, TerminalError> {
    if let Some(unknown) = arguments.case.iter().find(|id| all.iter().all(|case| case.id != **id)) {
        return Err(TerminalError::Configuration {
            place: "--case".to_owned(),
            reason: Words::of(
                format!("{unknown}：此卡片描述没有这一检测项；用 --list 查看"),
                format!("{unknown}: the profile makes no such case; --list shows them"),
            ),
        });
    }
    let wanted = |case: &Case| {
        let of_area = arguments.area.is_empty() || arguments.area.contains(&case.area);
        of_area && (arguments.case.is_empty() || arguments.case.contains(&case.id))
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// What cases are made for where no card is known yet.
fn unproved(setting: &Setting<'_>) -> Bench {
    let means = Means { pin: None, factors: None, versions: KeyVersions::default() };
    let certificate_pins = CertificatePins::default();
    Bench { means, certificate_pins, terminal: TERMINAL, moment: setting.now.date_time().to_bcd() }
}

fn list(setting: &Setting<'_>, arguments: &ConformArguments, profile: &Profile) -> Result<Exit, TerminalError> {
    let rows = chosen(cases(profile, &unproved(setting)), arguments)?.into_iter().map(|case| {
        let effect = match &case.effect {
            Effect::Nothing => Value::Choice("nothing", Words::new("无", "nothing")),
            Effect::Restored => Value::Choice("restored", Words::new("恢复", "restored")),
            Effect::Leaves(_) => Value::Choice("leaves", Words::new("留痕", "leaves traces")),
            Effect::Final(_) => Value::Choice("final", Words::new("不可恢复", "final")),
        };
        let stays = match &case.effect {
            Effect::Leaves(what) => Value::Words(Words::of(what.zh.to_string(), what.en.to_string())),
            Effect::Nothing | Effect::Restored | Effect::Final(_) => Value::Absent,
        };
        let mut needs: Vec<String> = Vec::new();
        for need in &case.needs {
            let name = match need {
                Need::Pin => "PIN".to_owned(),
                Need::CertificatePin(Role::User) => "CERT-PIN".to_owned(),
                Need::CertificatePin(Role::Administrator) => "CERT-ADMINISTRATOR-PIN".to_owned(),
                Need::Key(key, _) => key.name.to_string(),
                Need::Directory(_) => continue,
            };
            if !needs.contains(&name) {
                needs.push(name);
            }
        }
        Page::new()
            .with("id", Words::new("编号", "id"), Value::Text(case.id))
            .with("effect", Words::new("影响", "effect"), effect)
            .with("stays", Words::new("留在卡上", "stays on the card"), stays)
            .with("needs", Words::new("需要", "needs"), Value::Texts(needs))
            .with("row", Words::new("依据", "row"), Value::Text(case.row))
            .with("title", Words::new("要求", "title"), Value::Words(Words::of(case.title.zh, case.title.en)))
    });
    let page = Page::new().with("profile", Words::new("卡片描述", "profile"), Value::text(&profile.name)).with(
        "cases",
        Words::new("检测项", "cases"),
        Value::Table(rows.collect()),
    );
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// The city of a card that says which it is, if it says so, before anything is tried on it as one of `named`.
///
/// # Errors
/// [`TerminalError::AlgorithmNotPublic`]; [`TerminalError::ProfileDiffers`] when it states another version than that of `named`.
fn agrees(session: &mut Session, setting: &Setting<'_>, named: &Profile) -> Result<Option<CityCode>, TerminalError> {
    let is_ssc = named.df.first().is_some_and(|df| df.df_name == setting.catalog.ssse_name());
    if named.kind != CardKind::User || !is_ssc {
        return Ok(None);
    }
    let first = first_read(session, setting)?;
    session.reset()?;
    let Ok(card) = recognition::recognise(first.fci.as_ref(), &first.reading.values) else { return Ok(None) };
    card.algorithm(named).map_err(|RulesNotPublic| TerminalError::AlgorithmNotPublic)?;
    if card.generation.is_of(named) {
        return Ok(Some(card.city));
    }
    let version = first.reading.values.text("SSSE.EF05.spec_version").unwrap_or_default().to_owned();
    let fitting = setting.catalog.of_card(&card).map(|profile| profile.name.clone()).into_iter().collect();
    Err(ProfileDiffers { profile: named.name.clone(), otherwise: Otherwise::Version(version), fitting }.into())
}

/// What every card is asked first.
fn first_read(session: &mut Session, setting: &Setting<'_>) -> Result<card_profiles::read::Outcome, TerminalError> {
    let mut book = TriesBook::default();
    let mut reader = Reader::issuer(setting.catalog.first());
    session.play(&mut reader, None, &mut Guard { book: &mut book, consent: false })?;
    Ok(reader.finish())
}

/// The profile of a social security card, by its version, algorithm and region, and its city.
fn recognise(session: &mut Session, setting: &Setting<'_>) -> Result<(Profile, Option<CityCode>), TerminalError> {
    let first = first_read(session, setting)?;
    if let Some(Reason::Refused(sw)) = first.refusals.first().map(|refusal| &refusal.reason) {
        return Err(not_read(&first.state, setting.catalog.first(), *sw));
    }
    let values = &first.reading.values;
    let card = match recognition::recognise(first.fci.as_ref(), values) {
        Ok(card) => card,
        Err(_) if is_blank(values) => return Err(TerminalError::CardBlank),
        Err(NotRecognised::Identifier) if values.text("SSSE.EF05.card_identifier").is_some() => {
            return Err(TerminalError::CardIdentifier);
        }
        Err(NotRecognised::Identifier) => return Err(TerminalError::CardAnswer { command: "READ RECORD EF05" }),
        Err(NotRecognised::Version) => return Err(unknown(values)),
    };
    let profile = setting.catalog.of_card(&card).ok_or_else(|| unknown(values))?;
    // Every proof would be refused.
    card.algorithm(profile).map_err(|RulesNotPublic| TerminalError::AlgorithmNotPublic)?;
    Ok((profile.clone(), Some(card.city)))
}

/// A version of which there is no profile.
fn unknown(values: &CardValues) -> TerminalError {
    TerminalError::CardVersion { version: values.text("SSSE.EF05.spec_version").unwrap_or_default().to_owned() }
}

/// Whether nobody has written what a card is known by.
fn is_blank(values: &CardValues) -> bool {
    let identifier = values.text("SSSE.EF05.card_identifier").unwrap_or_default();
    identifier.bytes().all(|digit| digit == b'0') || identifier.bytes().all(|digit| digit == b'F')
}

/// The module, when its keys are the card's: the card proves its IRK, a purse its key for MACs. That spends no tries.
fn agreed<'m>(
    session: &mut Session,
    profile: &Profile,
    factors: Option<Factors>,
    versions: &KeyVersions,
    module: Option<&'m mut dyn SecurityModule>,
) -> Result<Option<&'m mut dyn SecurityModule>, TerminalError> {
    let Some(module) = module else { return Ok(None) };
    let Some((df, factors)) = profile.df.first().zip(factors).filter(|_| profile.kind == CardKind::User) else {
        return Ok(Some(module));
    };
    let Some(row) = profile.key_of_class(&df.id, KeyClass::Irk) else {
        return purse_agreed(session, profile, &factors, versions, module);
    };
    let key = profile.key_of_card(row, versions.of(&row.name), &factors);
    session.send(&command::select_by_name(&df.df_name))?;
    match session.perform(&Step::CheckCard { key, from: Nonces::Terminal }, Some(&mut *module)) {
        // A card that refuses is for the suite to judge.
        Ok(_) => Ok(Some(module)),
        Err(StepError::NotGenuine(_)) => Err(TerminalError::KeysDiffer),
        Err(StepError::Security(SecurityError::Session(error))) => Err(error.into()),
        Err(StepError::Security(_) | StepError::NoModule(_) | StepError::Challenge(_)) => Ok(Some(module)),
        Err(StepError::Session(error)) => Err(error.into()),
    }
}

/// As [`agreed`], of a purse that makes MACs with a key for them.
fn purse_agreed<'m>(
    session: &mut Session,
    profile: &Profile,
    factors: &Factors,
    versions: &KeyVersions,
    module: &'m mut dyn SecurityModule,
) -> Result<Option<&'m mut dyn SecurityModule>, TerminalError> {
    let makes_macs = |row: &&KeyRow| row.class.serves_internally() == Some(Internal::Mac);
    let row = profile.key.iter().find(makes_macs);
    let Some((row, df)) = row.and_then(|row| Some((row, profile.df(&row.df)?))) else { return Ok(Some(module)) };
    let key = profile.key_of_card(row, versions.of(&row.name), factors);
    let Ok(mac) = module.mac(&key, MacKey::Whole, [0; 8], &PLAIN) else { return Ok(Some(module)) };
    session.send(&command::select_by_name(&df.df_name))?;
    let answer = session.send(&command::internal_authenticate_whole(Internal::Mac, row.id, &PLAIN))?;
    // A card that refuses is for the suite to judge.
    if answer.sw.is_ok() && answer.data != mac { Err(TerminalError::KeysDiffer) } else { Ok(Some(module)) }
}

/// The number of a PSAM, which is part of what its MACs cover.
fn terminal_number(session: &mut Session, profile: &Profile) -> Result<Option<[u8; 6]>, TerminalError> {
    let Some(names) = profile.psam_names() else { return Ok(None) };
    session.send(&command::select_by_name(&names.environment))?;
    let answer = session.send(&command::read_binary_sfi(names.terminal_number_sfi, 0, 6))?;
    Ok(answer.data.as_slice().try_into().ok())
}

/// Form of a report file.
#[derive(Clone, Copy)]
enum ReportForm {
    Text,
    Json,
    Junit,
}

/// By the ending of its name.
fn report_form(path: &Path) -> Result<ReportForm, TerminalError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("txt") => Ok(ReportForm::Text),
        Some("json") => Ok(ReportForm::Json),
        Some("xml") => Ok(ReportForm::Junit),
        Some(_) | None => Err(TerminalError::Configuration {
            place: "--report".to_owned(),
            reason: Words::new(
                "报告文件名以 .txt、.json 或 .xml (JUnit) 结尾",
                "a report ends with .txt, .json or .xml (JUnit)",
            ),
        }),
    }
}

fn write(setting: &Setting<'_>, report: &Report, path: &Path, form: ReportForm) -> Result<(), TerminalError> {
    match form {
        ReportForm::Json => setting.output.file(report, Some(path)),
        ReportForm::Text => setting.output.text_file(&report.text(setting.output.language, true), path),
        ReportForm::Junit => {
            let text = report.junit().map_err(|_| TerminalError::Bug("a report has an XML form"))?;
            setting.output.text_file(&text, path)
        }
    }
}
