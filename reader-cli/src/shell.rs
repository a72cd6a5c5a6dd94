//! A card explored as a file system: where the person is, what was proved, what the card answered last.
//!
//! Source: directories and files are rows of the profile, which the card's own issuer data choose.
//! Owns: the acts of the shell, one method each, and what they answer. Never: reads files by itself
//! (`card_profiles::read`), prints, keeps a PIN longer than the shell runs, tries a refused secret again unasked.

pub mod completion;
pub mod editor;
pub mod expectation;
pub mod keys;
pub mod line;
mod update;

use card_core::command;
use card_core::fci::Fci;
use card_core::play::{Script, Skipped};
use card_core::script::Step;
use card_core::security::{Factors, KeyName};
use card_core::tries::Secret;
use card_core::{Command, Response, Session, StatusWord};
use card_profiles::access::Right;
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::profile::KeyRow;
use card_profiles::read::{Outcome, Reader, Reason};
use card_profiles::recognition::{Recognition, recognise};
use card_profiles::{Catalog, Df, Ef, Profile};

use card_counter::error::{ShellError, TerminalError};
use card_counter::secret::Pin;
use card_counter::tap::KEY_VERSION;

use self::keys::Keys;

/// INS of EXTERNAL AUTHENTICATE.
const EXTERNAL_AUTHENTICATE: u8 = 0x82;

/// A card in the shell.
pub struct Shell {
    /// Conversation with the card.
    pub session: Session,
    /// Its profile.
    pub profile: Profile,
    /// What was recognised; `None` when the card says nothing that the profiles know.
    pub recognised: Option<Recognised>,
    /// Directory, by its place in the profile; `None` is above all.
    pub directory: Option<usize>,
    fci: Option<Fci>,
    pin: Option<Pin>,
    /// A read may have left another directory selected than the one shown.
    strayed: bool,
    /// Keys that `auth` proved and no later SELECT has ended.
    proved: Vec<KeyName>,
}

/// What a card says of itself.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// Generation, algorithm, identifier, city.
    pub recognition: Recognition,
    /// 规范版本.
    pub version: String,
}

/// A file as it was read.
#[derive(Debug)]
pub struct Contents {
    /// Values, faults, refusals.
    pub outcome: Outcome,
    /// Data of the answers, one a command.
    pub raw: Vec<Vec<u8>>,
}

impl Shell {
    /// Approaches a card: selects its environment, reads the issuer's data, and chooses the profile unless one is given.
    ///
    /// # Errors
    /// [`TerminalError`] when the card does not answer. A card of no known kind is no error: it has the first profile.
    pub fn open(session: Session, given: Option<Profile>, catalog: &Catalog) -> Result<Self, TerminalError> {
        let chosen = given.is_some();
        let profile = given.unwrap_or_else(|| catalog.first().clone());
        let mut shell = Self {
            session,
            profile,
            recognised: None,
            directory: None,
            fci: None,
            pin: None,
            strayed: false,
            proved: Vec::new(),
        };
        let profile = shell.profile.clone();
        // The issuer's data alone: what comes after is the person's decision.
        let mut reader = Reader::issuer(&profile);
        while let Some(step) = reader.next_step() {
            let answer = shell.session.perform(&step, None)?;
            reader.answer(&answer);
        }
        let outcome = reader.finish();
        if let Ok(card) = recognise(outcome.fci.as_ref(), &outcome.reading.values) {
            let version = outcome.reading.values.text("SSSE.EF05.spec_version").unwrap_or_default().to_owned();
            card_desk::tell_apart(&mut shell.session, *card.identifier.bytes())?;
            shell.recognised = Some(Recognised { recognition: card, version });
            if let Some(profile) = catalog.of_card(&card).filter(|_| !chosen) {
                shell.profile = profile.clone();
            }
        }
        shell.fci = outcome.fci;
        Ok(shell)
    }

    /// FCI of the environment.
    #[must_use]
    pub const fn fci(&self) -> Option<&Fci> {
        self.fci.as_ref()
    }

    /// The directory, where the person is in one.
    #[must_use]
    pub fn current(&self) -> Option<&Df> {
        self.directory.and_then(|index| self.profile.df.get(index))
    }

    /// Goes to a directory, and selects it.
    ///
    /// # Errors
    /// [`ShellError::NoSuchPlace`]; the card's refusal.
    pub fn change_directory(&mut self, name: &str) -> Result<(), TerminalError> {
        if matches!(name, "/" | "..") {
            self.directory = None;
            return Ok(());
        }
        let wanted = name.trim_matches('/').to_uppercase();
        let index = self.profile.df.iter().position(|df| df.id.to_uppercase() == wanted);
        let index = index.ok_or_else(|| ShellError::NoSuchPlace(name.to_owned()))?;
        self.select(index)?;
        self.directory = Some(index);
        Ok(())
    }

    fn select(&mut self, index: usize) -> Result<(), TerminalError> {
        let Some(df) = self.profile.df.get(index) else { return Ok(()) };
        let command = match (index, df.df_name.as_slice()) {
            (0, name) if !name.is_empty() => command::select_by_name(name),
            _ => command::select_by_fid(df.fid),
        };
        self.forget_proofs();
        let sw = self.session.send(&command)?.sw;
        self.strayed = false;
        if sw.is_ok() { Ok(()) } else { Err(TerminalError::CardRefused { command: "SELECT", sw }) }
    }

    /// A directory is selected: what was proved in the one before ends, but for what lasts until a reset.
    fn forget_proofs(&mut self) {
        let profile = &self.profile;
        self.proved.retain(|name| profile.key(name).is_some_and(|row| profile.lasts_until_reset(row)));
    }

    /// `EF05` in the current directory, or `DF03.EF05`, `DF03/EF05`.
    ///
    /// # Errors
    /// [`ShellError::NoSuchPlace`].
    pub fn file(&self, name: &str) -> Result<(&Df, &Ef), ShellError> {
        let missing = || ShellError::NoSuchPlace(name.to_owned());
        let (df, ef) = match name.trim_start_matches('/').split_once(['.', '/']) {
            Some((df, ef)) => (df.to_uppercase(), ef),
            None => (self.current().ok_or_else(missing)?.id.to_uppercase(), name),
        };
        let ef = ef.to_uppercase();
        let df = self.profile.df.iter().find(|row| row.id.to_uppercase() == df).ok_or_else(missing)?;
        df.ef.iter().find(|row| row.id.to_uppercase() == ef).map(|ef| (df, ef)).ok_or_else(missing)
    }

    /// Reads a file, with what was proved so far.
    ///
    /// # Errors
    /// [`ShellError`] when it is closed; as [`Keys::fit`] when a key would open it; [`TerminalError`] when the card does not
    /// answer.
    pub fn read(&mut self, name: &str, keys: &mut Keys<'_>) -> Result<Contents, TerminalError> {
        let (df, ef) = self.file(name)?;
        let needs_key = ef.read.rights().iter().any(|right| matches!(right, Right::Key(_)));
        let (df, ef) = (df.id.clone(), ef.id.clone());
        // What the PIN opens is read without a PSAM too.
        let (ready, stopped) = match needs_key.then(|| keys.fit(self)) {
            Some(Ok(ready)) => (ready, None),
            Some(Err(error)) => (false, Some(error)),
            None => (false, None),
        };
        let means = Means {
            pin: self.pin.as_ref().map(|pin| pin.to_bcd().to_vec()),
            factors: self.factors().filter(|_| ready),
            versions: KeyVersions::default(),
        };
        let profile = self.profile.clone();
        let reader = Reader::new(&profile, &[(&df, &ef)], means).after(self.so_far()).sparing(keys.refused());
        let mut kept = Kept { reader, raw: Vec::new(), reads: false };
        let shown = self.current().is_some_and(|current| current.id == df);
        if !shown {
            self.forget_proofs();
        }
        self.strayed = true;
        keys.play(&mut self.session, &mut kept, false)?;
        let Kept { reader, raw, .. } = kept;
        let outcome = reader.finish();
        // What was read to its end left the directory of the file selected, with what was proved for it.
        self.strayed = !shown || !outcome.refusals.is_empty();
        let Some(refusal) = outcome.refusals.first() else { return Ok(Contents { outcome, raw }) };
        match (&refusal.reason, stopped) {
            (Reason::Unproved(Right::Key(_)), Some(error)) => return Err(error),
            (Reason::ProofRefused { right: Right::Pin, .. }, _) => self.pin = None,
            (Reason::ProofRefused { right: Right::Key(key), .. }, _) => keys.refuse(self, key.clone()),
            _ => {}
        }
        Err(ShellError::Closed { place: refusal.place.clone(), reason: refusal.reason.clone() }.into())
    }

    /// What is selected and proved, for a read that goes on from there.
    fn so_far(&self) -> Outcome {
        let mut so_far = Outcome::default();
        if let Some(df) = self.current().filter(|_| !self.strayed) {
            let _ = so_far.state.select(&self.profile, df);
            self.proved.iter().for_each(|name| so_far.state.hold(Right::Key(name.clone())));
        }
        so_far
    }

    /// VERIFY, and remembers the PIN for later reads when the card accepts it. `consent`: the last try may be spent.
    ///
    /// # Errors
    /// As [`card_counter::pin::verify_unguarded`]; [`TerminalError::LastTry`] before anything is sent.
    pub fn verify(&mut self, pin: Pin, keys: &mut Keys<'_>, consent: bool) -> Result<(), TerminalError> {
        keys.before_try(&self.session, &Secret::Pin, consent)?;
        let result = card_counter::pin::verify_unguarded(&mut self.session, &pin);
        let sw = match &result {
            Ok(()) => StatusWord::OK,
            Err(TerminalError::PinBlocked) => StatusWord::BLOCKED,
            Err(TerminalError::PinWrong { left }) => StatusWord::tries_left(*left),
            Err(_) => return result,
        };
        keys.note(&self.session, &Secret::Pin, sw);
        result?;
        self.pin = Some(pin);
        Ok(())
    }

    /// EXTERNAL AUTHENTICATION with a key that the PSAM derives. The directory of the key is selected first. `consent`: a key
    /// that the card refused before may be tried again.
    ///
    /// # Errors
    /// [`ShellError::NoSuchKey`]; as [`Keys::fit`], no PSAM, [`TerminalError::LastTry`], all before a try is spent; the card's
    /// refusal with the tries left.
    pub fn authenticate(&mut self, name: &str, keys: &mut Keys<'_>, consent: bool) -> Result<(), TerminalError> {
        let wanted = KeyName::new(&name.to_uppercase());
        let provable = |row: &&KeyRow| self.profile.proves(row);
        let row = self.profile.key(&wanted).filter(provable).cloned();
        let row = row.ok_or_else(|| ShellError::NoSuchKey(name.to_owned()))?;
        let factors = self.factors().ok_or(TerminalError::CardBlank)?;
        if !keys.fit(self)? {
            return Err(TerminalError::PsamMissing { readers: Vec::new() });
        }
        let secret = Secret::Key(row.name.clone());
        keys.before_try(&self.session, &secret, consent)?;
        if let Some(index) = self.profile.df.iter().position(|df| df.id == row.df)
            && (self.directory != Some(index) || self.strayed)
            && !self.profile.lasts_until_reset(&row)
        {
            self.select(index)?;
            self.directory = Some(index);
        }
        let step = Step::Authenticate { key: self.profile.key_of_card(&row, KEY_VERSION, &factors), id: row.id };
        let sw = self.session.perform(&step, keys.module())?.sw;
        keys.note(&self.session, &secret, sw);
        match (sw, sw.tries()) {
            (sw, _) if sw.is_ok() => {
                keys.accept();
                self.proved.push(row.name.clone());
                Ok(())
            }
            (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::KeyBlocked { key: row.name.to_string() }),
            (_, Some(left)) => {
                keys.refuse(self, row.name.clone());
                Err(TerminalError::KeyRefused { key: row.name.to_string(), left })
            }
            (sw, None) => Err(TerminalError::CardRefused { command: "EXTERNAL AUTHENTICATION", sw }),
        }
    }

    /// Selects the environment, whatever directory is shown.
    fn select_environment(&mut self) -> Result<(), TerminalError> {
        self.select(0)?;
        self.strayed = true;
        Ok(())
    }

    /// What a raw command spends a try of, if it does.
    fn secret_of(&self, command: &Command) -> Option<Secret> {
        let pin = [command::verify(&[0]), command::change_pin(&[0], &[0])];
        let header = |command: &Command| [command.cla, command.ins, command.p1, command.p2];
        if pin.iter().any(|row| header(row) == header(command)) && !command.data().is_empty() {
            return Some(Secret::Pin);
        }
        let here = self.current().map(|df| df.id.as_str());
        let is = |row: &&KeyRow| {
            row.id == command.p2
                && self.profile.proves(row)
                && (self.profile.lasts_until_reset(row) || Some(row.df.as_str()) == here)
        };
        let row = self.profile.key.iter().find(is).filter(|_| command.ins == EXTERNAL_AUTHENTICATE);
        row.map(|row| Secret::Key(row.name.clone()))
    }

    /// Sends bytes as they are, in the directory that is shown. `consent`: as of [`Self::verify`] and [`Self::authenticate`],
    /// where they are such a command.
    ///
    /// # Errors
    /// [`ShellError::Usage`] when the bytes are no short command; [`TerminalError::LastTry`] before anything is sent;
    /// [`TerminalError`] when the card does not answer.
    pub fn send(&mut self, bytes: &[u8], keys: &mut Keys<'_>, consent: bool) -> Result<Response, TerminalError> {
        let command = to_command(bytes).ok_or(ShellError::Usage(line::APDU))?;
        let secret = self.secret_of(&command);
        if let Some(secret) = &secret {
            keys.before_try(&self.session, secret, consent)?;
        }
        if let Some(index) = self.directory.filter(|_| self.strayed) {
            self.select(index)?;
        }
        let response = self.session.send(&command)?;
        if let Some(secret) = &secret {
            keys.note(&self.session, secret, response.sw);
        }
        Ok(response)
    }

    /// Resets the card: nothing is selected or proved. What it refused stays known.
    ///
    /// # Errors
    /// [`TerminalError`] when the card does not come back.
    pub fn reset(&mut self) -> Result<(), TerminalError> {
        self.session.reset()?;
        (self.directory, self.pin, self.strayed) = (None, None, false);
        self.proved.clear();
        self.select(0)
    }

    fn factors(&self) -> Option<Factors> {
        let city = self.recognised.as_ref()?.recognition.city;
        let card = self.session.atr().ok()?.card_factor().ok()?;
        Some(Factors::of(city, card))
    }
}

/// A read of which the answers are kept as they came.
struct Kept<'a> {
    reader: Reader<'a>,
    raw: Vec<Vec<u8>>,
    /// Whether the step at hand reads.
    reads: bool,
}

impl Script for Kept<'_> {
    fn next_step(&mut self) -> Option<Step> {
        let step = self.reader.next_step();
        self.reads = step.as_ref().is_some_and(is_read);
        step
    }

    fn secret(&self) -> Option<Secret> {
        self.reader.secret()
    }

    fn answer(&mut self, answer: &Response) {
        if self.reads && answer.sw.is_ok() {
            self.raw.push(answer.data.clone());
        }
        self.reader.answer(answer);
    }

    fn skip(&mut self, why: Skipped) {
        self.reader.skip(why);
    }
}

/// Whether a step reads: READ RECORD or READ BINARY.
fn is_read(step: &Step) -> bool {
    matches!(step, Step::Send(command) if matches!(command.ins, 0xB2 | 0xB0))
}

/// A short command of its bytes.
fn to_command(bytes: &[u8]) -> Option<Command> {
    let [cla, ins, p1, p2, rest @ ..] = bytes else { return None };
    let command = Command::new(*cla, *ins, *p1, *p2);
    match rest {
        [] => Some(command),
        [le] => Some(command.with_le(u16::from(*le))),
        [lc, rest @ ..] if *lc > 0 => {
            let (data, le) = rest.split_at_checked(usize::from(*lc))?;
            let command = command.with_data(data);
            match le {
                [] => Some(command),
                [le] => Some(command.with_le(u16::from(*le))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Secrets and the conversation are not in `Debug`.
impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell")
            .field("profile", &self.profile.name)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_core::transport::replay::Replay;

    #[test]
    fn bytes_become_the_command_that_they_spell() {
        let encoded = |hex: &str| {
            to_command(&hex::decode(hex).expect("hex"))
                .map(|command| hex::encode_upper(command.encode(card_core::apdu::Protocol::T1)))
        };
        for apdu in ["00840000", "0084000008", "00A4000002EF05", "00A4000002EF0500", "00B2010400"] {
            assert_eq!(encoded(apdu).as_deref(), Some(apdu));
        }
        for wrong in ["", "008400", "00A4000003EF05", "00A4000002EF050000", "00A400000000"] {
            assert_eq!(encoded(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_card_of_the_second_generation_has_its_profile_and_an_unknown_one_the_first() {
        let trace = "= 3B6D000000813147318650430200000013\n> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< 6118\n> 00B2012D40\n\
            < 0110430299D156000005000000133A05F2E30201330304322E3030040C9156000002430200430100D505042012100106042022100107094230303030303133319000\n\
            > 00B201355B\n< 6A82";
        // The first profile asks for RKSSSE before EF06: no command goes out for it without a key.
        let until_ef06 = trace.rsplit_once("\n> ").expect("lines").0;
        let open = |trace: &str| {
            Shell::open(Session::new(Box::new(Replay::parse(trace).expect("trace"))), None, &Catalog::builtin())
        };
        let shell = open(until_ef06).expect("opens");
        assert_eq!(shell.profile.name, "ssc-2.0");
        assert_eq!(shell.recognised.as_ref().map(|card| card.version.as_str()), Some("2.00"));
        let other = open("= 3B00\n> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< 6A82").expect("opens");
        assert!(other.recognised.is_none() && other.profile.name == "ssc-3.0");
    }
}
