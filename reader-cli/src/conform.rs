//! Carrying out conformance cases on a card.
//!
//! Source: cases of `card_profiles::conform`.
//! Owns: acts into commands, cryptograms of the security module, verdicts; that a proof which the card refused, and what a final
//! case ended, are not tried again. Never: decides what is right (`conform` of `card-profiles`), skips a case without saying why.

mod acts;
mod certificate;
pub mod report;
mod restoration;
pub mod survey;
pub mod unfinished;

use std::collections::BTreeMap;
use std::io;

use card_core::crypto::Block;
use card_core::security::{KeyRef, MacKey, SecurityError, SecurityModule};
use card_core::session::SessionError;
use card_core::tries::{Guard, Secret};
use card_core::{Session, StatusWord};
use card_counter::certificate::secret_of;
use card_counter::error::TerminalError;
use card_profiles::certificate::Role;
use card_profiles::conform::{
    Bench, Case, Difference, Effect, Ending, Memory, Money, Move, Need, Reply, Series, Text, Use, proof, refuses,
};
use card_profiles::memory::CardMemory;
use card_profiles::{Catalog, Profile};

/// Who carries out cases: one card, and what can prove keys to it.
pub struct Runner<'a> {
    session: Session,
    module: Option<&'a mut dyn SecurityModule>,
    profile: &'a Profile,
    /// What the cases were made with.
    bench: &'a Bench,
    destructive: bool,
    /// Keys that were asked of the module, and whether it can use them so.
    known: Vec<(KeyRef, Use, bool)>,
    /// Proofs that the card refused though they should be right, and directories that it does not open: not tried again, a further
    /// try could block.
    refused: Vec<(Need, StatusWord)>,
    /// What final cases ended, and which.
    ended: Vec<(Ending, String)>,
    /// Transaction numbers left, as the card last told; `None`: it would not tell.
    left: BTreeMap<Series, Option<u32>>,
    /// What is known of the card's tries; without it every proof is tried.
    tries: Option<Tries>,
}

/// Tries of one card.
#[derive(Debug)]
pub struct Tries {
    /// Factor of the card.
    pub card: Block,
    /// What is known of it, and where that is kept.
    pub memory: CardMemory,
    /// Whether the last try of a PIN, or one of a key that the card refused, may be spent.
    pub consent: bool,
}

impl Tries {
    /// Whether a try may be spent.
    ///
    /// # Errors
    /// [`TerminalError::LastTry`].
    pub fn before(&mut self, secret: &Secret) -> Result<(), TerminalError> {
        let guard = Guard { book: &mut self.memory.tries, consent: self.consent };
        let refused = guard.before_try(self.card, secret).err();
        refused.map_or(Ok(()), |refused| {
            Err(TerminalError::LastTry { secret: refused.secret.to_string(), left: refused.left })
        })
    }

    /// Keeps what the card said.
    pub fn note(&mut self, secret: &Secret, sw: StatusWord) {
        self.memory.tries.note(self.card, secret, sw);
        // Whether this can be written must not hide what the card said.
        let _ = self.memory.keep_tries(self.card);
    }
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
    /// Not carried out because the card has too few transaction numbers left: says nothing against it.
    NotRun(Text),
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
    /// What the case builds on is not on the card.
    Absent(Text),
    /// What a record holds could not be noted: nothing may be written over it.
    Unnoted(io::Error),
}

/// Notes what a record holds before it is overwritten. Durable when it returns.
pub type Note<'n> = &'n mut dyn FnMut(&[u8]) -> io::Result<()>;

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
    /// On a card, with the means of `bench`. Cases that write, spend tries or block are carried out only when `destructive`.
    #[must_use]
    pub fn new(
        session: Session,
        module: Option<&'a mut dyn SecurityModule>,
        (profile, bench): (&'a Profile, &'a Bench),
        destructive: bool,
    ) -> Self {
        let (known, refused, ended) = (Vec::new(), Vec::new(), Vec::new());
        let (left, tries) = (BTreeMap::new(), None);
        Self { session, module, profile, bench, destructive, known, refused, ended, left, tries }
    }

    /// Spends no try that must not be spent, and keeps what the card says.
    #[must_use]
    pub fn sparing(self, tries: Tries) -> Self {
        Self { tries: Some(tries), ..self }
    }

    /// Directories that are known to be shut: what is in them is not tried.
    #[must_use]
    pub fn without(mut self, shut: &[(String, StatusWord)]) -> Self {
        self.refused.extend(shut.iter().map(|(id, sw)| (Need::Directory(id.clone()), *sw)));
        self
    }

    /// Carries out a case; `chosen` when it was asked for by its id, which a final case needs.
    ///
    /// # Errors
    /// [`SessionError`] when card or reader do not answer any more: what the case left behind is not known.
    pub fn run(&mut self, case: &Case, chosen: bool) -> Result<Outcome, SessionError> {
        self.run_noting(case, chosen, &mut |_| Ok(()))
    }

    /// As [`Self::run`]; what stood in a record goes to `note` before the case writes there.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_noting(&mut self, case: &Case, chosen: bool, note: Note<'_>) -> Result<Outcome, SessionError> {
        if let Some(reason) = self.obstacle(case, chosen) {
            return Ok(Outcome { verdict: Verdict::Skipped(reason), unrestored: None });
        }
        let mut memory = Memory::default();
        let carried = match self.lacking(case) {
            Ok(Some(reason)) => return Ok(Outcome { verdict: Verdict::NotRun(reason), unrestored: None }),
            Ok(None) => self.carry_out_noting(case, &case.moves, &mut memory, note),
            // What a look does is how the case would begin.
            Err(stop) => Err(stop),
        };
        if let (Effect::Final(ending), false) = (&case.effect, matches!(carried, Err(Stop::Absent(_)))) {
            self.ended.push((ending.clone(), case.id.clone()));
        }
        let verdict = match carried {
            Ok(_) => Verdict::Passed,
            Err(Stop::Different(difference)) => Verdict::Failed(difference),
            Err(Stop::Module(error)) => Verdict::Skipped(module_refused(&error)),
            Err(Stop::Unnoted(error)) => Verdict::Skipped(not_noted(&error)),
            Err(Stop::Absent(what)) => return Ok(Outcome { verdict: Verdict::Skipped(what), unrestored: None }),
            Err(Stop::Lost(error)) => return Err(error),
        };
        let way_back = if case.returns_money() && memory.moved().is_none() { &[][..] } else { &case.restore };
        let unrestored = match self.carry_out(case, way_back, &mut memory) {
            Ok(_) => memory.moved().map(|moved| unrestored(case, moved)),
            Err(Stop::Different(difference)) => Some(difference),
            Err(Stop::Module(error)) => Some(unrestored(case, module_refused(&error))),
            Err(Stop::Absent(what)) => Some(unrestored(case, what)),
            Err(Stop::Unnoted(error)) => Some(unrestored(case, not_noted(&error))),
            Err(Stop::Lost(error)) => return Err(error),
        };
        Ok(Outcome { verdict, unrestored })
    }

    /// Which transaction numbers the card lacks for a case; a counter is looked at once, then followed.
    fn lacking(&mut self, case: &Case) -> Result<Option<Text>, Stop> {
        for demand in &case.numbers {
            let left = match self.left.get(&demand.series) {
                Some(left) => *left,
                None => {
                    let mut memory = Memory::default();
                    let answer = self.carry_out(case, &demand.look, &mut memory)?;
                    let left = answer.and_then(|reply| demand.left(reply.sw, &reply.data));
                    self.left.insert(demand.series, left);
                    left
                }
            };
            if let Some(left) = left.filter(|left| *left < demand.count) {
                return Ok(Some(demand.reason(left)));
            }
        }
        Ok(None)
    }

    /// The balance that a case is about to move, or the overdraw limit, in fen, for a run that finds the card as this one left it. `None` when it
    /// moves none, is not carried out, or the card does not say.
    ///
    /// # Errors
    /// [`SessionError`] when card or reader do not answer any more.
    pub fn balance_before(&mut self, case: &Case, chosen: bool) -> Result<Option<u32>, SessionError> {
        match &case.money {
            Some(money) if self.obstacle(case, chosen).is_none() => self.balance(case, money),
            Some(_) | None => Ok(None),
        }
    }

    fn balance(&mut self, case: &Case, money: &Money) -> Result<Option<u32>, SessionError> {
        match self.carry_out(case, &money.look, &mut Memory::default()) {
            Ok(reply) => Ok(reply.and_then(|reply| money.told(&reply.data))),
            Err(Stop::Lost(error)) => Err(error),
            Err(Stop::Different(_) | Stop::Module(_) | Stop::Absent(_) | Stop::Unnoted(_)) => Ok(None),
        }
    }

    /// Whether cases that change the card are carried out.
    #[must_use]
    pub const fn is_destructive(&self) -> bool {
        self.destructive
    }

    /// Which directories are shut; what is in them is not tried.
    ///
    /// # Errors
    /// As [`survey::survey`].
    pub fn survey(&mut self, cases: &[Case], catalog: &Catalog) -> Result<Vec<(String, StatusWord)>, TerminalError> {
        let shut = survey::survey(&mut self.session, self.profile, cases, catalog)?;
        self.refused.extend(shut.iter().map(|(id, sw)| (Need::Directory(id.clone()), *sw)));
        Ok(shut)
    }

    /// Why a case is not carried out.
    fn obstacle(&mut self, case: &Case, chosen: bool) -> Option<Text> {
        match &case.effect {
            Effect::Nothing => {}
            Effect::Restored | Effect::Leaves(_) | Effect::Final(_) if !self.destructive => {
                return Some(Text::new(
                    "会写卡、消耗尝试次数或锁定；加 --destructive 才执行",
                    "it writes, spends tries or blocks; give --destructive to carry it out",
                ));
            }
            Effect::Final(_) if !chosen => {
                return Some(Text::new(
                    "执行后不可恢复；用 --case 指定编号才执行",
                    "it cannot be undone; name it with --case to carry it out",
                ));
            }
            Effect::Restored | Effect::Leaves(_) | Effect::Final(_) => {}
        }
        if let Some((ending, by)) = self.ended.iter().find(|(ending, _)| ending.ends(case)) {
            return Some(ending.reason(by));
        }
        if let Some(reason) = case.needs.iter().find_map(|need| self.refusal(need)) {
            return Some(reason);
        }
        for need in &case.needs {
            match need {
                Need::Pin if self.bench.means.pin.is_none() => return Some(not_given(need, "--pin")),
                Need::CertificatePin(role) if self.bench.certificate_pins.of(*role).is_none() => {
                    let option = match role {
                        Role::User => "--certificate-pin",
                        Role::Administrator => "--administrator-pin",
                    };
                    return Some(not_given(need, option));
                }
                Need::Key(key, usage) if !self.can_use(key, *usage) => {
                    let (zh, en) = use_words(*usage);
                    return Some(Text::new(
                        format!("需要密钥 {}（{zh}）：安全模块没有或不能这样使用", key.name),
                        format!("it needs {} ({en}): the security module has not, or not for this", key.name),
                    ));
                }
                Need::Pin | Need::CertificatePin(_) | Need::Key(..) | Need::Directory(_) => {}
            }
        }
        None
    }

    /// Why a need is not tried again, where the card refused it.
    fn refusal(&self, need: &Need) -> Option<Text> {
        let (_, sw) = self.refused.iter().find(|(refused, _)| refused.is_of(need))?;
        let name = need_name(need);
        Some(match need {
            Need::Directory(_) => Text::new(
                format!("{name} 不能选择（{:04X}），不检测其内容", sw.0),
                format!("{name} cannot be selected ({:04X}): what is in it is not tried", sw.0),
            ),
            Need::Pin | Need::CertificatePin(_) | Need::Key(..) => Text::new(
                format!("卡片此前拒绝了 {name}（{:04X}），不再尝试", sw.0),
                format!("the card refused {name} before ({:04X}): it is not tried again", sw.0),
            ),
        })
    }

    /// Why a try is not spent.
    fn withheld(&mut self, secret: &Secret) -> Option<Text> {
        match self.tries.as_mut()?.before(secret) {
            Err(TerminalError::LastTry { secret, left }) => Some(Text::new(
                format!("{secret} 还可试 {left} 次，未使用；加 --last-try 才尝试"),
                format!("{secret} has {left} tries left, none was spent: give --last-try to try it"),
            )),
            _ => None,
        }
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
                Use::Block => module.encipher_block(key, [0; 16]).is_ok(),
                Use::Message => module.encipher_message(key, &[0]).is_ok(),
                Use::MessageMac => module.mac(key, MacKey::Message(zeros), zeros, &[0]).is_ok(),
                Use::WholeMac => module.mac(key, MacKey::Whole, zeros, &[0]).is_ok(),
                Use::TransactionMac => module.mac(key, MacKey::Session(zeros), zeros, &[0]).is_ok(),
                Use::Tac => module.mac(key, MacKey::Tac, zeros, &[0]).is_ok(),
                // To ask it would spend a number.
                Use::Purchase => module.terminal_number().is_some(),
            }
        });
        self.known.push((key.clone(), usage, can));
        can
    }

    /// The answer to the last move.
    fn carry_out(&mut self, case: &Case, moves: &[Move], memory: &mut Memory) -> Result<Option<Reply>, Stop> {
        self.carry_out_noting(case, moves, memory, &mut |_| Ok(()))
    }

    fn carry_out_noting(
        &mut self,
        case: &Case,
        moves: &[Move],
        memory: &mut Memory,
        note: Note<'_>,
    ) -> Result<Option<Reply>, Stop> {
        let mut last = None;
        for (number, done) in (1..).zip(moves) {
            let numbered = |difference: Difference| {
                Stop::Different(Difference { place: format!("{number}: {}", difference.place).into(), ..difference })
            };
            let proved = proof(done, self.bench);
            if let Some(reason) = proved.as_ref().and_then(|need| self.refusal(need)) {
                return Err(Stop::Absent(reason));
            }
            let secret = proved.as_ref().and_then(secret);
            if let Some(reason) = secret.as_ref().and_then(|secret| self.withheld(secret)) {
                return Err(Stop::Absent(reason));
            }
            let reply = self.act(done, memory).map_err(|stop| match stop {
                Stop::Different(difference) => numbered(difference),
                other => other,
            })?;
            if let Some((tries, secret)) = self.tries.as_mut().zip(secret.as_ref()) {
                tries.note(secret, reply.sw);
            }
            let judged = memory.judge(done, &reply);
            if judged.is_err() {
                let entered = case.entered(self.profile, done).map(Need::Directory);
                let refused = entered.or(proved.filter(|_| refuses(reply.sw)));
                self.refused.extend(refused.map(|need| (need, reply.sw)));
            }
            judged.map_err(numbered)?;
            if done.keep {
                note(&memory.kept).map_err(Stop::Unnoted)?;
            }
            last = Some(reply);
        }
        Ok(last)
    }

    fn module(&mut self) -> Result<&mut dyn SecurityModule, Stop> {
        match self.module.as_deref_mut() {
            Some(module) => Ok(module),
            None => Err(SecurityError::Unsupported { operation: "be there" }.into()),
        }
    }
}

fn not_given(need: &Need, option: &str) -> Text {
    let name = need_name(need);
    Text::new(format!("需要 {name}：加 {option}"), format!("it needs the {name}: give {option}"))
}

/// What a proof spends a try of, where it is a PIN or a key that authenticates.
fn secret(need: &Need) -> Option<Secret> {
    match need {
        Need::Pin => Some(Secret::Pin),
        Need::CertificatePin(role) => Some(secret_of(*role)),
        Need::Key(key, Use::Authenticate) => Some(Secret::Key(key.name.clone())),
        Need::Key(..) | Need::Directory(_) => None,
    }
}

fn need_name(need: &Need) -> String {
    match need {
        Need::Pin => "PIN".to_owned(),
        Need::CertificatePin(Role::User) => "user PIN (certificates)".to_owned(),
        Need::CertificatePin(Role::Administrator) => "administrator PIN (certificates)".to_owned(),
        Need::Key(key, _) if key.version != 1 => format!("{} v{}", key.name, key.version),
        Need::Key(key, _) => key.name.to_string(),
        Need::Directory(id) => id.clone(),
    }
}

/// What a case that card or reader did not let end has left.
#[must_use]
pub fn interrupted(case: &Case) -> Option<Difference> {
    let seen = match (&case.effect, case.restore.is_empty()) {
        (Effect::Nothing, _) => return None,
        (Effect::Leaves(_) | Effect::Restored, _) if case.money.is_some() => Text::new(
            "序号与明细留在卡上；余额与透支限额在再次以 --destructive 检测同一张卡时先恢复",
            "numbers and entries stay; the next run with --destructive on this card brings the balance back first, or the limit",
        ),
        (_, false) if !case.returns_money() || case.overwrites() => Text::new(
            "中断前所做的未恢复；再次以 --destructive 检测同一张卡时先恢复",
            "what was done until then; the next run with --destructive on this card brings it back first",
        ),
        (Effect::Leaves(_) | Effect::Restored, _) => Text::new(
            "中断前所做的可能留在卡上：序号、明细、余额至多差 1 分",
            "what was done until then may stay: numbers, entries, a balance that differs by one fen",
        ),
        (Effect::Final(_), _) => Text::new("此项本不可恢复", "this case cannot be undone at all"),
    };
    Some(unrestored(case, seen))
}

fn unrestored(case: &Case, seen: Text) -> Difference {
    Difference {
        place: case.id.clone().into(), expected: Text::new("恢复原状", "what was before"), seen, key: None
    }
}

const fn use_words(usage: Use) -> (&'static str, &'static str) {
    match usage {
        Use::Authenticate => ("认证", "authentication"),
        Use::Block | Use::Message => ("加密", "encipherment"),
        Use::MessageMac | Use::WholeMac => ("报文 MAC", "MAC of a message"),
        Use::TransactionMac => ("交易 MAC", "MAC of a transaction"),
        Use::Tac => ("TAC", "TAC"),
        Use::Purchase => ("由 PSAM 完成消费，不加 --keys", "purchases with a PSAM, without --keys"),
    }
}

fn not_noted(error: &io::Error) -> Text {
    Text::new(
        format!("不能记下原来的数据，未写：{error}"),
        format!("what the record holds could not be noted, it is not written: {error}"),
    )
}

fn module_refused(error: &SecurityError) -> Text {
    Text::new(format!("安全模块不能完成：{error}"), format!("the security module cannot: {error}"))
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("destructive", &self.destructive).finish_non_exhaustive()
    }
}
