//! Acts of the cases, made into commands.
//!
//! Owns: cryptograms of the security module in them, and what it computes for comparison. Never: judges an answer.

use card_core::algorithm::{Algorithm, Authentication};
use card_core::apdu::{Command, Response};
use card_core::command::Internal;
use card_core::script::{Step, StepError};
use card_core::security::{KeyRef, MacKey, SecurityError, SecurityModule};
use card_core::session::SessionError;
use card_core::{StatusWord, command, crypto};
use card_profiles::conform::{
    Act, Culprit, Deal, Difference, Memory, Move, NUMBERS_LEFT_MAX, Need, PsamAct, PsamCipher, PsamWhat, Reply,
    Sealing, Start, Text, altered,
};

use super::{Runner, Stop, need_name};

impl Runner<'_> {
    pub(super) fn act(&mut self, done: &Move, memory: &mut Memory) -> Result<Reply, Stop> {
        let before = self.session.wire().exchanges;
        let mut computed = Vec::new();
        let response = match &done.act {
            Act::Reset => {
                self.session.reset()?;
                Response { data: Vec::new(), sw: StatusWord::OK }
            }
            Act::Lacking(need) => return Err(Stop::Absent(lacking(need))),
            Act::Do(step) => self.step(&done.place(), step)?,
            Act::Challenge(bytes) => self.challenge(*bytes, memory)?,
            Act::Authenticate { key, id, other_version, wrong } => {
                self.authenticate(key, *id, (*other_version, *wrong), memory)?
            }
            Act::Internal { what, key, id } => self.internal(*what, key, *id, &mut computed)?,
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
                if let Some(start) = start {
                    self.left.insert(deal.numbers, Some(deal.numbers_left(&start)));
                }
                if let (Some(start), Some(fields)) = (start, &deal.mac1) {
                    computed.push(self.deal_mac(deal, &start, fields)?);
                }
                response
            }
            Act::Complete { deal, wrong } => {
                let mac = self.deal_mac(deal, &memory.start, &deal.sent)?;
                let completion = deal.completion(&memory.start, as_mac(&mac));
                let response = self.session.send(&if *wrong { wrong_end(completion) } else { completion })?;
                self.took(deal, response.sw);
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
            Act::Encipher { what: PsamCipher::Mac, key, random, data } => {
                let (rules, iv) = (key.form.rules, [0; 8]);
                let padded = crypto::pad(data, rules.algorithm.block());
                let response = self.session.send(&command::psam_mac(&rules.initial_value(iv), &padded))?;
                computed.push(self.module()?.mac(key, MacKey::Message(*random), iv, data)?.to_vec());
                let mac = rules.message_mac_of(&response.data).map(|mac| mac.to_vec());
                Response { data: mac.unwrap_or_default(), ..response }
            }
            Act::Encipher { what: PsamCipher::Block, key, random, data } => {
                let block = key.form.rules.authentication_block(*data);
                let response = self.session.send(&command::psam_encipher(&block))?;
                let cryptogram = self.module()?.authentication_cryptogram(key, *random, *data)?;
                computed.push(cryptogram.to_vec());
                let data = key.form.rules.cryptogram_of(&response.data).map(|block| block.to_vec());
                Response { data: data.unwrap_or_default(), ..response }
            }
            Act::AtPsam(PsamAct { deal, what }) => self.at_psam(deal, *what, memory)?,
            Act::Exhaust(deal) => self.exhaust(deal)?,
            Act::Certificate(act) => self.certificate(act, memory, &mut computed)?,
            Act::Credit { deal, wrong } => {
                self.same_key(deal, &memory.start)?;
                let mac = self.deal_mac(deal, &memory.start, &deal.sent)?;
                let command = command::psam_credit_purchase(as_mac(&mac));
                self.session.send(&if *wrong { wrong_end(command) } else { command })?
            }
        };
        let exchanges = self.session.wire().exchanges - before;
        Ok(Reply { data: response.data, sw: response.sw, exchanges, protocol: self.session.protocol(), computed })
    }

    fn at_psam(&mut self, deal: &Deal, what: PsamWhat, memory: &mut Memory) -> Result<Response, Stop> {
        let key = &deal.key.name;
        match what {
            PsamWhat::Start => {
                let (fields, factors) = deal.for_psam(&memory.start);
                memory.numbered = Some(self.module()?.start_purchase(key, &fields, factors)?);
                Ok(Response { data: Vec::new(), sw: StatusWord::OK })
            }
            PsamWhat::Debit { wrong } => {
                let nothing = SecurityError::Unsupported { operation: "debit without a number" };
                let given = memory.numbered.ok_or(nothing)?;
                let completion = deal.numbered(given.terminal_sequence).completion(&memory.start, given.mac1);
                let response = self.session.send(&if wrong { wrong_end(completion) } else { completion })?;
                self.took(deal, response.sw);
                Ok(response)
            }
            PsamWhat::Check => {
                let nothing = SecurityError::Unsupported { operation: "check what was not answered" };
                let right = self.module()?.check_purchase(key, memory.mac2().ok_or(nothing)?)?;
                Ok(Response { data: Vec::new(), sw: if right { StatusWord::OK } else { StatusWord::MAC_WRONG } })
            }
        }
    }

    /// A number of the transaction is used when its second half is done.
    fn took(&mut self, deal: &Deal, sw: StatusWord) {
        if let Some(Some(left)) = self.left.get_mut(&deal.numbers).filter(|_| sw.is_ok()) {
            *left = left.saturating_sub(1);
        }
    }

    /// Transactions until one is refused, by INITIALIZE or by what completes it.
    fn exhaust(&mut self, deal: &Deal) -> Result<Response, Stop> {
        self.left.remove(&deal.numbers);
        for done in 0..=NUMBERS_LEFT_MAX {
            let begun = self.session.send(&deal.begin)?;
            let Some(start) = begun.sw.is_ok().then(|| deal.start(&begun.data)).flatten() else { return Ok(begun) };
            let left = deal.numbers_left(&start);
            if done == 0 && left > NUMBERS_LEFT_MAX.into() {
                return Err(Stop::Absent(Text::new(
                    format!("交易序号离用尽还有 {left}，只在剩 {NUMBERS_LEFT_MAX} 以内时检测"),
                    format!("its numbers end in {left}: tried only where at most {NUMBERS_LEFT_MAX} are left"),
                )));
            }
            if deal.is_numbered_at_once() {
                continue;
            }
            let mac = self.deal_mac(deal, &start, &deal.sent)?;
            let completed = self.session.send(&deal.completion(&start, as_mac(&mac)))?;
            if !completed.sw.is_ok() {
                return Ok(completed);
            }
        }
        Ok(Response { data: Vec::new(), sw: StatusWord::OK })
    }

    pub(super) fn step(&mut self, place: &str, step: &Step) -> Result<Response, Stop> {
        let different = |expected: Text, seen: Text, key: Option<String>| {
            let key = key.map(|name| Box::new(Culprit(name)));
            Stop::Different(Difference { place: place.into(), expected, seen, key })
        };
        let module = self.module.as_deref_mut().map(|module| module as &mut dyn SecurityModule);
        match self.session.perform(step, module) {
            Ok(response) => Ok(response),
            Err(StepError::Session(SessionError::WrongForm(bytes, _))) => Err(different(
                Text::new("长度正确的应答", "an answer of the right length"),
                Text::new(format!("{bytes} 字节"), format!("{bytes} bytes")),
                None,
            )),
            Err(StepError::Session(error)) => Err(Stop::Lost(error)),
            Err(StepError::Security(error)) => Err(Stop::Module(error)),
            Err(StepError::NoModule(name)) => Err(Stop::Module(SecurityError::KeyNotFound { name, version: 1 })),
            Err(StepError::Challenge(sw)) => Err(different(
                Text::new("随机数", "a challenge"),
                Text::new(format!("{:04X}", sw.0), format!("{:04X}", sw.0)),
                None,
            )),
            Err(StepError::NotGenuine(name)) => Err(different(
                Text::new(format!("持有密钥 {name}"), format!("a card that holds {name}")),
                Text::new("密文错误", "a wrong cryptogram"),
                Some(name.to_string()),
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
        let (challenge, whole) = (first(&memory.challenge), key.form.rules.authentication == Authentication::Whole);
        let plain = if whole { challenge } else { [1, 2, 3, 4, 5, 6, 7, 8] };
        let mut auth = self.module()?.authentication_cryptogram(key, challenge, plain)?;
        if wrong {
            auth = auth.map(|byte| !byte);
        }
        if whole {
            return Ok(self.session.send(&command::external_authenticate_whole(id, auth))?);
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

    /// INTERNAL AUTHENTICATION of a purse on one block; what the key makes of it is computed besides.
    fn internal(
        &mut self,
        what: Internal,
        key: &KeyRef,
        id: u8,
        computed: &mut Vec<Vec<u8>>,
    ) -> Result<Response, Stop> {
        let block: [u8; 16] = std::array::from_fn(|index| u8::try_from(index).unwrap_or_default());
        let plain = block.get(..key.form.rules.algorithm.block()).unwrap_or(&block);
        let module = self.module()?;
        let (sent, expected) = match what {
            Internal::Mac => (plain.to_vec(), module.mac(key, MacKey::Whole, [0; 8], plain)?.to_vec()),
            Internal::Encipher | Internal::Decipher => {
                let enciphered = match key.form.rules.algorithm {
                    Algorithm::Tdes => module.authentication_cryptogram(key, [0; 8], first(&block))?.to_vec(),
                    Algorithm::Sm4 => module.encipher_block(key, block)?.to_vec(),
                };
                let pair = (plain.to_vec(), enciphered);
                if what == Internal::Encipher { pair } else { (pair.1, pair.0) }
            }
        };
        computed.push(expected);
        Ok(self.session.send(&command::internal_authenticate_whole(what, id, &sent))?)
    }

    fn write(
        &mut self,
        [cla, ins, p1, p2]: [u8; 4],
        data: &[u8],
        sealing: Option<&Sealing>,
        memory: &Memory,
    ) -> Result<Response, Stop> {
        let too_long = || Stop::Absent(Text::new("记录长于一条命令", "the record is longer than one command carries"));
        let carrying = |data: &[u8]| Command::carrying([cla, ins, p1, p2], data).ok_or_else(too_long);
        let Some(sealing) = sealing else { return Ok(self.session.send(&carrying(data)?)?) };
        let key = &sealing.key;
        let data = if sealing.enciphered { self.module()?.encipher_message(key, data)? } else { data.to_vec() };
        let lc = u8::try_from(data.len() + 4).map_err(|_| too_long())?;
        let message = [&[cla, ins, p1, p2, lc], data.as_slice()].concat();
        let mac = self.module()?.mac(key, MacKey::Whole, first(&memory.challenge), &message)?;
        let command = carrying(&[data.as_slice(), &mac].concat())?;
        Ok(self.session.send(&if sealing.wrong { wrong_end(command) } else { command })?)
    }

    /// A PSAM whose MAC1 is of another key would take each MAC2 for a wrong one, and lock: none is sent then.
    fn same_key(&mut self, deal: &Deal, start: &Start) -> Result<(), Stop> {
        let (Some(mac1), Some(fields)) = (start.mac1, &deal.mac1) else { return Ok(()) };
        if self.deal_mac(deal, start, fields)? == mac1 {
            return Ok(());
        }
        let name = &deal.key.name;
        Err(Stop::Absent(Text::new(
            format!("PSAM 的 MAC1 不是用所给 {name} 计算的，不再发送 MAC2 以免锁定"),
            format!("MAC1 of the PSAM is not made with the {name} given: no MAC2 is sent, it could lock"),
        )))
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
}

/// Why a move is not carried out whose secret nobody gave.
fn lacking(need: &Need) -> Text {
    let name = need_name(need);
    Text::new(format!("需要 {name}，未给出"), format!("it needs {name}, which is not given"))
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
