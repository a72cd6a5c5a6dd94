//! Carrying out conformance cases on a card.
//!
//! Source: cases of `card_profiles::conform`.
//! Owns: acts into commands, cryptograms of the security module, verdicts. Never: decides what is right (`conform` of
//! `card-profiles`), skips a case without saying why.

pub mod report;

use card_core::apdu::{Command, Response};
use card_core::script::{Step, StepError};
use card_core::security::{KeyRef, MacKey, SecurityError, SecurityModule};
use card_core::session::SessionError;
use card_core::{Session, StatusWord, command};
use card_profiles::conform::{
    Act, Case, Deal, Difference, Effect, Expect, Memory, Move, Need, Reply, Start, Text, Use, altered,
};

/// Who carries out cases: one card, and what can prove keys to it.
pub struct Runner<'a> {
    session: Session,
    module: Option<&'a mut dyn SecurityModule>,
    has_pin: bool,
    destructive: bool,
    /// Keys that were asked of the module, and whether it can use them so.
    known: Vec<(KeyRef, Use, bool)>,
    /// Proofs that the card refused though they should be right: not tried again, a further try could block.
    refused: Vec<(Need, StatusWord)>,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed(Difference),
    /// Not carried out.
    Skipped(Text),
}

/// A case that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How.
    pub verdict: Verdict,
    /// What could not be brought back.
    pub unrestored: Option<Difference>,
}

/// Why an act brought no reply.
enum Stop {
    /// Card or reader: nothing more can be asked.
    Lost(SessionError),
    /// The card is not what it must be.
    Different(Difference),
    /// The security module cannot.
    Module(SecurityError),
}

impl From<SessionError> for Stop {
    fn from(error: SessionError) -> Self {
        Self::Lost(error)
    }
}

impl From<SecurityError> for Stop {
    fn from(error: SecurityError) -> Self {
        Self::Module(error)
    }
}

impl<'a> Runner<'a> {
    /// On a card. Cases that write, spend tries or block are carried out only when `destructive`.
    #[must_use]
    pub const fn new(
        session: Session,
        module: Option<&'a mut dyn SecurityModule>,
        has_pin: bool,
        destructive: bool,
    ) -> Self {
        Self { session, module, has_pin, destructive, known: Vec::new(), refused: Vec::new() }
    }

    /// Carries out a case; `chosen` when it was asked for by its id, which a final case needs.
    ///
    /// # Errors
    /// [`SessionError`] when card or reader do not answer any more: what the case left behind is not known.
    pub fn run(&mut self, case: &Case, chosen: bool) -> Result<Outcome, SessionError> {
        if let Some(reason) = self.obstacle(case, chosen) {
            return Ok(Outcome { verdict: Verdict::Skipped(reason), unrestored: None });
        }
        let mut memory = Memory::default();
        let verdict = match self.carry_out(&case.moves, &mut memory) {
            Ok(()) => Verdict::Passed,
            Err(Stop::Different(difference)) => Verdict::Failed(difference),
            Err(Stop::Module(error)) => Verdict::Skipped(module_refused(&error)),
            Err(Stop::Lost(error)) => return Err(error),
        };
        let unrestored = match self.carry_out(&case.restore, &mut memory) {
            Ok(()) => None,
            Err(Stop::Different(difference)) => Some(difference),
            Err(Stop::Module(error)) => Some(Difference {
                place: case.id.clone(),
                expected: Text::new("恢复原状", "what was before"),
                seen: module_refused(&error),
            }),
            Err(Stop::Lost(error)) => return Err(error),
        };
        Ok(Outcome { verdict, unrestored })
    }

    /// Why a case is not carried out.
    fn obstacle(&mut self, case: &Case, chosen: bool) -> Option<Text> {
        match &case.effect {
            Effect::Nothing => {}
            Effect::Restored | Effect::Leaves(_) | Effect::Final if !self.destructive => {
                return Some(Text::new(
                    "会写卡、消耗尝试次数或锁定；加 --destructive 才执行",
                    "it writes, spends tries or blocks; give --destructive to carry it out",
                ));
            }
            Effect::Final if !chosen => {
                return Some(Text::new(
                    "执行后不可恢复；用 --case 指定编号才执行",
                    "it cannot be undone; name it with --case to carry it out",
                ));
            }
            Effect::Restored | Effect::Leaves(_) | Effect::Final => {}
        }
        if let Some((need, sw)) = self.refused.iter().find(|(need, _)| case.needs.contains(need)) {
            let name = need_name(need);
            return Some(Text::new(
                format!("卡片此前拒绝了 {name}（{:04X}），不再尝试", sw.0),
                format!("the card refused {name} before ({:04X}): it is not tried again", sw.0),
            ));
        }
        for need in &case.needs {
            match need {
                Need::Pin if !self.has_pin => {
                    return Some(Text::new("需要口令：加 --pin", "it needs the PIN: give --pin"));
                }
                Need::Key(key, usage) if !self.can_use(key, *usage) => {
                    let (zh, en) = use_words(*usage);
                    return Some(Text::new(
                        format!("需要密钥 {}（{zh}）：安全模块没有或不能这样使用", key.name),
                        format!("it needs {} ({en}): the security module has not, or not for this", key.name),
                    ));
                }
                Need::Pin | Need::Key(..) => {}
            }
        }
        None
    }

    /// Whether the module can use a key so, asked once. A PSAM is asked for a cryptogram; that changes nothing in it.
    fn can_use(&mut self, key: &KeyRef, usage: Use) -> bool {
        if let Some((.., can)) = self.known.iter().find(|(known, used, _)| known == key && *used == usage) {
            return *can;
        }
        let can = self.module.as_deref_mut().is_some_and(|module| {
            let zeros = [0; 8];
            match usage {
                Use::Authenticate => module.authentication_cryptogram(key, zeros, zeros).is_ok(),
                Use::MessageMac => module.mac(key, MacKey::Message(zeros), zeros, &[0]).is_ok(),
                Use::WholeMac => module.mac(key, MacKey::Whole, zeros, &[0]).is_ok(),
                Use::TransactionMac => module.mac(key, MacKey::Session(zeros), zeros, &[0]).is_ok(),
                Use::Tac => module.mac(key, MacKey::Tac, zeros, &[0]).is_ok(),
            }
        });
        self.known.push((key.clone(), usage, can));
        can
    }

    fn carry_out(&mut self, moves: &[Move], memory: &mut Memory) -> Result<(), Stop> {
        for (number, done) in (1..).zip(moves) {
            let numbered = |difference: Difference| {
                Stop::Different(Difference { place: format!("{number}: {}", difference.place), ..difference })
            };
            let reply = self.act(done, memory).map_err(|stop| match stop {
                Stop::Different(difference) => numbered(difference),
                other => other,
            })?;
            let judged = memory.judge(done, &reply);
            if judged.is_err()
                && (reply.sw.tries().is_some() || reply.sw == StatusWord::BLOCKED)
                && let Some(need) = proof(done)
            {
                self.refused.push((need, reply.sw));
            }
            judged.map_err(numbered)?;
        }
        Ok(())
    }

    fn act(&mut self, done: &Move, memory: &mut Memory) -> Result<Reply, Stop> {
        let before = self.session.wire().exchanges;
        let mut computed = Vec::new();
        let response = match &done.act {
            Act::Reset => {
                self.session.reset()?;
                Response { data: Vec::new(), sw: StatusWord::OK }
            }
            Act::Do(step) => self.step(done, step)?,
            Act::Challenge(bytes) => self.challenge(*bytes, memory)?,
            Act::Authenticate { key, id, other_version, wrong } => {
                self.authenticate(key, *id, (*other_version, *wrong), memory)?
            }
            Act::Secure { command, wrong } => {
                let challenge = first(&memory.challenge);
                let command = command.command(self.module()?, challenge)?;
                self.session.send(&if *wrong { wrong_end(command) } else { command })?
            }
            Act::ReloadPin { header: [cla, ins, p1, p2], digits, key, wrong } => {
                let mac = self.module()?.mac(key, MacKey::Tac, [0; 8], digits.expose())?;
                let command = Command::new(*cla, *ins, *p1, *p2).with_data([digits.expose(), &mac].concat()).secret();
                self.session.send(&if *wrong { wrong_end(command) } else { command })?
            }
            Act::Write { header, altered: differs, mac } => {
                let data = if *differs { altered(&memory.kept) } else { memory.kept.clone() };
                self.write(*header, &data, mac.as_ref(), memory)?
            }
            Act::Begin(deal) => {
                let response = self.session.send(&deal.begin)?;
                let start = response.sw.is_ok().then(|| deal.start(&response.data)).flatten();
                if let (Some(start), Some(fields)) = (start, &deal.mac1) {
                    computed.push(self.deal_mac(deal, &start, fields)?);
                }
                response
            }
            Act::Complete { deal, wrong } => {
                let mac = self.deal_mac(deal, &memory.start, &deal.sent)?;
                let completion = deal.completion(&memory.start, as_mac(&mac));
                let response = self.session.send(&if *wrong { wrong_end(completion) } else { completion })?;
                if let Some(fields) = &deal.tac {
                    let input = deal.fields(&memory.start).input(fields);
                    computed.push(self.module()?.mac(&deal.tac_key, MacKey::Tac, [0; 8], &input)?.to_vec());
                }
                if let Some(fields) = &deal.mac2 {
                    computed.push(self.deal_mac(deal, &memory.start, fields)?);
                }
                response
            }
            Act::Prove { deal, ahead } => match deal.proof(&memory.start, *ahead) {
                Some(command) => self.session.send(&command)?,
                None => return Err(SecurityError::Unsupported { operation: "ask for a proof" }.into()),
            },
            Act::Encipher { key, random, data } => {
                let block = key.form.rules.authentication_block(*data);
                let response = self.session.send(&command::psam_encipher(&block))?;
                let cryptogram = self.module()?.authentication_cryptogram(key, *random, *data)?;
                computed.push(cryptogram.to_vec());
                let data = key.form.rules.cryptogram_of(&response.data).map(|block| block.to_vec());
                Response { data: data.unwrap_or_default(), ..response }
            }
            Act::Credit { deal, wrong } => {
                let mac = self.deal_mac(deal, &memory.start, &deal.sent)?;
                let command = command::psam_credit_purchase(as_mac(&mac));
                self.session.send(&if *wrong { wrong_end(command) } else { command })?
            }
        };
        let exchanges = self.session.wire().exchanges - before;
        Ok(Reply { data: response.data, sw: response.sw, exchanges, protocol: self.session.protocol(), computed })
    }

    fn step(&mut self, done: &Move, step: &Step) -> Result<Response, Stop> {
        let different =
            |expected: Text, seen: Text| Stop::Different(Difference { place: done.place(), expected, seen });
        let module = self.module.as_deref_mut().map(|module| module as &mut dyn SecurityModule);
        match self.session.perform(step, module) {
            Ok(response) => Ok(response),
            Err(StepError::Session(error)) => Err(Stop::Lost(error)),
            Err(StepError::Security(error)) => Err(Stop::Module(error)),
            Err(StepError::NoModule(name)) => Err(Stop::Module(SecurityError::KeyNotFound { name, version: 1 })),
            Err(StepError::Challenge(sw)) => Err(different(
                Text::new("随机数", "a challenge"),
                Text::new(format!("{:04X}", sw.0), format!("{:04X}", sw.0)),
            )),
            Err(StepError::NotGenuine(name)) => Err(different(
                Text::new(format!("持有密钥 {name}"), format!("a card that holds {name}")),
                Text::new("密文错误", "a wrong cryptogram"),
            )),
        }
    }

    fn challenge(&mut self, bytes: u8, memory: &mut Memory) -> Result<Response, Stop> {
        let response = self.session.send(&command::get_challenge(u16::from(bytes)))?;
        memory.challenge = [0; 16];
        memory.challenge.iter_mut().zip(&response.data).for_each(|(slot, byte)| *slot = *byte);
        Ok(response)
    }

    fn authenticate(
        &mut self,
        key: &KeyRef,
        id: u8,
        (other_version, wrong): (bool, bool),
        memory: &Memory,
    ) -> Result<Response, Stop> {
        let plain = [1, 2, 3, 4, 5, 6, 7, 8];
        let mut auth = self.module()?.authentication_cryptogram(key, first(&memory.challenge), plain)?;
        if wrong {
            auth = auth.map(|byte| !byte);
        }
        let command = command::external_authenticate(id, auth, plain);
        let version = key.form.rules.key_version_byte;
        let version = if other_version { version.map(|version| version.wrapping_add(1)) } else { version };
        let command = match version {
            Some(version) => command::with_key_version(command, version),
            None => command,
        };
        Ok(self.session.send(&command)?)
    }

    fn write(
        &mut self,
        [cla, ins, p1, p2]: [u8; 4],
        data: &[u8],
        mac: Option<&(KeyRef, bool)>,
        memory: &Memory,
    ) -> Result<Response, Stop> {
        let command = Command::new(cla, ins, p1, p2);
        let Some((key, wrong)) = mac else { return Ok(self.session.send(&command.with_data(data))?) };
        let lc = u8::try_from(data.len() + 4).unwrap_or(u8::MAX);
        let message = [&[cla, ins, p1, p2, lc], data].concat();
        let mac = self.module()?.mac(key, MacKey::Whole, first(&memory.challenge), &message)?;
        let command = command.with_data([data, &mac].concat());
        Ok(self.session.send(&if *wrong { wrong_end(command) } else { command })?)
    }

    fn deal_mac(
        &mut self,
        deal: &Deal,
        start: &Start,
        fields: &[card_profiles::account::Field],
    ) -> Result<Vec<u8>, Stop> {
        let input = deal.fields(start).input(fields);
        Ok(self.module()?.mac(&deal.key, MacKey::Session(deal.seed(start)), [0; 8], &input)?.to_vec())
    }

    fn module(&mut self) -> Result<&mut dyn SecurityModule, Stop> {
        match self.module.as_deref_mut() {
            Some(module) => Ok(module),
            None => Err(SecurityError::Unsupported { operation: "be there" }.into()),
        }
    }
}

/// What a move proves, when it must be right.
fn proof(done: &Move) -> Option<Need> {
    let must_be_right = matches!(done.expect.as_slice(), [Expect::Done]);
    match &done.act {
        _ if !must_be_right => None,
        Act::Do(Step::Send(command)) if command.is_secret() && command.ins == 0x20 => Some(Need::Pin),
        Act::Do(Step::Authenticate { key, .. }) => Some(Need::Key(key.clone(), Use::Authenticate)),
        _ => None,
    }
}

fn need_name(need: &Need) -> String {
    match need {
        Need::Pin => "PIN".to_owned(),
        Need::Key(key, _) => key.name.to_string(),
    }
}

fn first(challenge: &[u8; 16]) -> [u8; 8] {
    challenge.first_chunk().copied().unwrap_or_default()
}

fn as_mac(bytes: &[u8]) -> [u8; 4] {
    bytes.try_into().unwrap_or_default()
}

/// The command with the last byte of its data, part of a MAC, inverted.
fn wrong_end(command: Command) -> Command {
    let mut data = command.data().to_vec();
    if let Some(last) = data.last_mut() {
        *last = !*last;
    }
    command.with_data(data)
}

const fn use_words(usage: Use) -> (&'static str, &'static str) {
    match usage {
        Use::Authenticate => ("认证", "authentication"),
        Use::MessageMac | Use::WholeMac => ("报文 MAC", "MAC of a message"),
        Use::TransactionMac => ("交易 MAC", "MAC of a transaction"),
        Use::Tac => ("TAC", "TAC"),
    }
}

fn module_refused(error: &SecurityError) -> Text {
    Text::new(format!("安全模块不能完成：{error}"), format!("the security module cannot: {error}"))
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("destructive", &self.destructive).finish_non_exhaustive()
    }
}
