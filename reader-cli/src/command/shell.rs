//! `shell`: a card explored as a file system, by a person or by a script.
//!
//! Owns: the loop over lines and the answers' look. Never: what an act does (`crate::shell`), what a line means (`shell::line`).

use std::io::IsTerminal as _;
use std::path::Path;

use card_core::Response;
use card_core::trace::Exchange;
use card_core::tries::{Secret, TriesLeft};
use card_profiles::image::CardValues;
use card_profiles::profile::EfKind;
use card_profiles::trace::{Decoder, Side};
use card_profiles::{Df, Ef, Place, codec};

use super::card::Unit;
use super::profile::Source;
use super::{Setting, trace};
use crate::arguments::{Form, ShellArguments};
use crate::exit::Exit;
use crate::page::{Page, Value};
use crate::shell::editor::Keyboard;
use crate::shell::keys::Keys;
use crate::shell::line::{self, Act, COMMANDS};
use crate::shell::{Shell, expectation};
use card_counter::error::ShellError;
use card_counter::error::TerminalError;
use card_counter::file::{self, FileKind};
use card_counter::language::{Language, Words};
use card_counter::secret::{Pin, SecretSource};

/// The shell at work.
struct Work<'a> {
    setting: &'a Setting<'a>,
    shell: Shell,
    keys: Keys<'a>,
    reader: String,
    allow_update: bool,
    /// Follows what is selected, to explain raw commands.
    decoder: Decoder,
    /// Last answer to a raw command or a challenge.
    last: Option<Response>,
    /// Values read so far, for `expect`.
    values: CardValues,
}

/// `shell`.
pub(super) fn run(setting: &Setting<'_>, arguments: &ShellArguments) -> Result<Exit, TerminalError> {
    let given = arguments.profile.as_deref().map(Source::named).transpose()?.map(|source| source.profile);
    let script = match &arguments.script {
        Some(path) => {
            let place = path.display().to_string();
            Some((place, file::read(path, FileKind::Script)?))
        }
        None if std::io::stdin().is_terminal() => None,
        None => {
            let place = "-".to_owned();
            let text = file::read(Path::new(&place), FileKind::Script)?;
            Some((place, text))
        }
    };
    let mut desk = setting.desk()?;
    let held = desk.card()?;
    let mut shell = Shell::open(held.session, given, &setting.catalog)?;
    let mut keys = Keys::new(desk, setting.card_memory());
    // What needs no key can be explored all the same.
    if let Err(error) = keys.fit(&mut shell) {
        let (what, place) = (error.what(), error.place());
        let told =
            |what: &str, place: &str| if place.is_empty() { what.to_owned() } else { format!("{what}: {place}") };
        let words = Words::of(told(&what.zh, &place.zh), told(&what.en, &place.en));
        setting.output.remark(error.code().as_str(), &words);
    }
    let decoder = Decoder::with_profile(shell.profile.clone());
    let mut work = Work {
        setting,
        shell,
        keys,
        reader: held.reader,
        allow_update: arguments.allow_update,
        decoder,
        last: None,
        values: CardValues::new(),
    };
    match script {
        Some((place, text)) => work.script(&place, &text),
        None => work.person(),
    }
}

impl Work<'_> {
    fn script(&mut self, place: &str, text: &str) -> Result<Exit, TerminalError> {
        for (number, content) in (1..).zip(text.lines()).filter(|(_, content)| !line::is_blank(content)) {
            match self.line(content) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let number: usize = number;
                    let words =
                        Words::of(format!("脚本 {place} 第 {number} 行"), format!("script {place}, line {number}"));
                    self.answer(&Page::new().noted("SCRIPT_LINE", words))?;
                    return Err(error);
                }
            }
        }
        Ok(Exit::Ok)
    }

    fn person(&mut self) -> Result<Exit, TerminalError> {
        self.info()?;
        let keyboard = Keyboard::open(&self.setting.configuration.data, self.shell.profile.clone());
        let mut keyboard = keyboard.ok_or(TerminalError::Output { closed: false })?;
        loop {
            let here = self.shell.current().map_or("", |df| df.id.as_str());
            let prompt = format!("sscard:/{here}> ");
            let Some(typed) = keyboard.line(&prompt, self.shell.directory) else { return Ok(Exit::Ok) };
            if line::is_blank(&typed) {
                continue;
            }
            if Act::parse(line::split(&typed).0).is_ok_and(|act| act.is_kept(&self.decoder)) {
                keyboard.keep(typed.trim());
            }
            match self.line(&typed) {
                Ok(true) => {}
                Ok(false) => return Ok(Exit::Ok),
                Err(error) => self.setting.output.error(&error),
            }
        }
    }

    /// One line; `false`: leave.
    fn line(&mut self, typed: &str) -> Result<bool, TerminalError> {
        let (typed, expected) = line::split(typed);
        let act = Act::parse(typed)?;
        if act == Act::Exit {
            return Ok(false);
        }
        let is_raw = matches!(act, Act::Apdu { .. });
        let result = self.act(act);
        match expected {
            None => result?,
            Some(expected) if is_raw => {
                result?;
                expectation::answer(expected, self.last.as_ref().ok_or(TerminalError::Bug("an answer was kept"))?)?;
            }
            Some(expected) => {
                let came = result.as_ref().map_or_else(|error| error.code().as_str(), |()| "OK");
                expectation::outcome(expected, came)?;
            }
        }
        Ok(true)
    }

    fn act(&mut self, act: Act) -> Result<(), TerminalError> {
        match act {
            Act::List(directory) => self.list(directory.as_deref()),
            Act::ChangeDirectory(name) => {
                self.shell.change_directory(&name)?;
                self.follow();
                Ok(())
            }
            Act::Show { file, hex } => self.show(&file, hex),
            Act::Records(file) => self.records(&file),
            Act::Tree => self.tree(),
            Act::Info => self.info(),
            Act::Verify { source, last_try } => self.verify(source.as_ref(), last_try),
            Act::Authenticate { key, last_try } => self.authenticate(&key, last_try),
            Act::Challenge(length) => {
                let response = self.shell.session.send(&card_core::command::get_challenge(length))?;
                let page = Page::new()
                    .with(
                        "challenge",
                        Words::new("随机数", "challenge"),
                        Value::Text(hex::encode_upper(&response.data)),
                    )
                    .with("status", Words::new("状态码", "status"), Value::Text(response.sw.to_string()));
                self.last = Some(response);
                self.answer(&page)
            }
            Act::Apdu { bytes, last_try } => self.apdu(bytes, last_try),
            Act::Update { .. } if !self.allow_update => Err(ShellError::ReadOnly.into()),
            Act::Update { place, value } => {
                self.shell.update(&place, &value)?;
                self.follow();
                self.done("written", Words::new("已写入", "written"))
            }
            Act::Expect { place: None, value } => {
                let last = self.last.as_ref().ok_or(ShellError::Usage(Words::new(
                    "expect 状态字须在 apdu 或 challenge 之后",
                    "expect SW comes after apdu or challenge",
                )))?;
                Ok(expectation::answer(&value, last)?)
            }
            Act::Expect { place: Some(place), value } => {
                let came = self.values.get(&place).map(|value| match value {
                    codec::Value::Text(text) => text.to_string(),
                    codec::Value::Number(number) => number.to_string(),
                });
                Ok(expectation::value(&place, &value, came.as_deref())?)
            }
            Act::Reset => {
                self.shell.reset()?;
                self.decoder.reset(&[]);
                self.values = CardValues::new();
                self.done("reset", Words::new("已复位", "reset"))
            }
            Act::Help => self.help(),
            Act::Exit => Ok(()),
        }
    }

    fn answer(&self, page: &Page) -> Result<(), TerminalError> {
        self.setting.output.answer(page)
    }

    fn done(&self, id: &'static str, label: Words) -> Result<(), TerminalError> {
        self.answer(&Page::new().with(id, label, Value::Flag(true)))
    }

    /// Tells the decoder where the card is now.
    fn follow(&mut self) {
        let Some(df) = self.shell.current() else { return };
        let first = self.shell.profile.df.first().map(|df| df.df_name.clone()).unwrap_or_default();
        let command = |command: card_core::Command| command.encode(card_core::apdu::Protocol::T0);
        let selects =
            [command(card_core::command::select_by_name(&first)), command(card_core::command::select_by_fid(df.fid))];
        for select in selects {
            self.decoder.exchange(&select, Some(&[0x90, 0x00]));
        }
    }

    fn list(&self, directory: Option<&str>) -> Result<(), TerminalError> {
        let named = match directory {
            Some("/" | "..") => None,
            Some(name) => {
                let wanted = name.trim_matches('/').to_uppercase();
                let df = self.shell.profile.df.iter().find(|df| df.id.to_uppercase() == wanted);
                Some(df.ok_or_else(|| ShellError::NoSuchPlace(name.to_owned()))?)
            }
            None => self.shell.current(),
        };
        let rows = match named {
            Some(df) => df.ef.iter().map(|ef| file_row(df, ef)).collect(),
            None => self.shell.profile.df.iter().map(directory_row).collect(),
        };
        self.answer(&Page::new().with("entries", Words::new("目录项", "entries"), Value::Table(rows)))
    }

    fn tree(&self) -> Result<(), TerminalError> {
        let files = |df: &Df| df.ef.iter().map(|ef| file_row(df, ef)).collect();
        let page = self.shell.profile.df.iter().fold(Page::new(), |page, df| {
            page.with(df.id.clone(), Words::same(format!("{} {}", df.id, df.name)), Value::Table(files(df)))
        });
        self.answer(&page)
    }

    fn info(&self) -> Result<(), TerminalError> {
        let shell = &self.shell;
        let atr = shell.session.atr().ok();
        let hex = |bytes: &[u8]| Value::Text(hex::encode_upper(bytes));
        let (fci, card) = (shell.fci(), shell.recognised.as_ref());
        let algorithm = fci.and_then(|fci| fci.algorithm).map(|algorithm| format!("{:02X}", algorithm.0));
        let page = Page::new()
            .with("reader", Words::new("读卡器", "reader"), Value::text(&self.reader))
            .with("atr", Words::new("复位应答", "ATR"), atr.as_ref().map_or(Value::Absent, |atr| hex(atr.bytes())))
            .with(
                "historical_bytes",
                Words::new("历史字节", "historical bytes"),
                atr.as_ref().map_or(Value::Absent, |atr| hex(atr.historical())),
            )
            .with("df_name", Words::new("DF 名称", "DF name"), fci.map_or(Value::Absent, |fci| hex(&fci.df_name)))
            .with("algorithm", Words::new("算法标识", "algorithm"), Value::maybe(algorithm))
            .with("profile", Words::new("卡片描述", "profile"), Value::text(&shell.profile.name))
            .with("recognised", Words::new("已识别", "recognised"), Value::Flag(card.is_some()))
            .with("version", Words::new("规范版本", "version"), Value::maybe(card.map(|card| card.version.as_str())))
            .with(
                "issuer_city",
                Words::new("发卡城市", "city"),
                Value::maybe(card.map(|card| card.recognition.city.as_str())),
            )
            .with("psam", Words::new("有 PSAM", "PSAM"), Value::Flag(self.keys.has_psam()));
        self.answer(&page)
    }

    fn help(&self) -> Result<(), TerminalError> {
        let rows = COMMANDS.map(|(name, takes, zh, en)| {
            Page::new()
                .with("command", Words::new("命令", "command"), Value::text(format!("{name} {takes}").trim()))
                .with("text", Words::new("说明", "what it does"), Value::Words(Words::new(zh, en)))
        });
        let page = Page::new().with("commands", Words::new("命令", "commands"), Value::Table(rows.into()));
        self.answer(&page)
    }

    fn show(&mut self, file: &str, hex: bool) -> Result<(), TerminalError> {
        let missing = || ShellError::NoSuchPlace(file.to_owned());
        let (name, record) = match file.strip_suffix(']').and_then(|file| file.split_once('[')) {
            Some((name, number)) => (name, Some(number.parse::<u8>().map_err(|_| missing())?)),
            None => (file, None),
        };
        if record.is_some() && self.shell.file(name)?.1.kind != EfKind::Cyclic {
            return Err(missing().into());
        }
        let mut contents = self.shell.read(name, &mut self.keys)?;
        if let Some(record) = record {
            let index = usize::from(record).checked_sub(1).filter(|index| *index < contents.raw.len());
            contents.raw = vec![contents.raw.swap_remove(index.ok_or_else(missing)?)];
            contents.outcome.reading.faults.retain(|fault| fault.place.record == Some(record));
        }
        let (df, ef) = self.shell.file(name)?;
        let page = if hex {
            let bytes = contents.raw.concat();
            Page::new().with("bytes", Words::new("字节", "bytes"), Value::count(bytes.len())).with(
                "hex",
                Words::new("内容", "contents"),
                Value::Text(hex::encode_upper(bytes)),
            )
        } else {
            let faults = contents.outcome.reading.faults.iter().map(|fault| {
                Page::new()
                    .with("place", Words::new("位置", "place"), Value::text(fault.place.to_string()))
                    .with("code", Words::new("代码", "code"), Value::text(fault.fault.code()))
                    .with(
                        "text",
                        Words::new("说明", "remark"),
                        Value::Words(Words::of(fault.fault.zh(), fault.fault.to_string())),
                    )
            });
            values((df, ef), record, &contents.outcome.reading.values).with(
                "faults",
                Words::new("说明", "remarks"),
                Value::Table(faults.collect()),
            )
        };
        self.values.extend(contents.outcome.reading.values);
        self.answer(&page)
    }

    fn records(&mut self, file: &str) -> Result<(), TerminalError> {
        let contents = self.shell.read(file, &mut self.keys)?;
        let (_, ef) = self.shell.file(file)?;
        let bytes = contents.raw.concat();
        let row = |number: usize, tag: Option<u8>, value: &[u8]| {
            Page::new()
                .with("number", Words::new("记录号", "number"), Value::count(number))
                .with("tag", Words::new("标识", "tag"), Value::maybe(tag.map(|tag| format!("{tag:02X}"))))
                .with("length", Words::new("长度", "length"), Value::count(value.len()))
                .with("hex", Words::new("内容", "contents"), Value::Text(hex::encode_upper(value)))
        };
        let rows: Vec<Page> = match ef.kind {
            EfKind::TlvRecords => (1..)
                .zip(card_core::tlv::items(&bytes).map_while(Result::ok))
                .map(|(number, item)| row(number, Some(item.tag), item.value))
                .collect(),
            EfKind::Cyclic => (1..).zip(&contents.raw).map(|(number, record)| row(number, None, record)).collect(),
            EfKind::Transparent => {
                return Err(ShellError::Usage(Words::new(
                    "此文件没有记录;用 cat 查看",
                    "this file has no records; cat shows it",
                ))
                .into());
            }
        };
        self.values.extend(contents.outcome.reading.values);
        self.answer(&Page::new().with("records", Words::new("记录", "records"), Value::Table(rows)))
    }

    /// Tells the tries left before one is spent, and remembers what the card said.
    fn verify(&mut self, source: Option<&SecretSource>, last_try: bool) -> Result<(), TerminalError> {
        let known = match self.keys.tries_left(&self.shell.session, &Secret::Pin) {
            TriesLeft::Known(left) => Value::Number(left.into()),
            TriesLeft::Unknown => Value::Absent,
        };
        let most = self.shell.profile.pin.as_ref().map_or(Value::Absent, |row| Value::Number(row.tries.into()));
        self.answer(
            &Page::new()
                .with("tries_left_before", Words::new("上次所知剩余次数", "tries left when last known"), known)
                .with("tries_max", Words::new("最多次数", "tries at most"), most),
        )?;
        self.keys.before_try(&self.shell.session, &Secret::Pin, last_try)?;
        let pin = Pin::read(source, self.setting.prompt("密码: ", "PIN: ")).map_err(|error| match error {
            TerminalError::PinNeeded => ShellError::PinSource.into(),
            other => other,
        })?;
        self.shell.verify(pin, &mut self.keys, last_try)?;
        self.done("verified", Words::new("口令正确", "verified"))
    }

    fn authenticate(&mut self, key: &str, last_try: bool) -> Result<(), TerminalError> {
        self.shell.authenticate(key, &mut self.keys, last_try)?;
        self.follow();
        self.done("authenticated", Words::new("已认证", "authenticated"))
    }

    fn apdu(&mut self, command: Vec<u8>, last_try: bool) -> Result<(), TerminalError> {
        let response = self.shell.send(&command, &mut self.keys, last_try)?;
        let answer = [response.data.as_slice(), &response.sw.0.to_be_bytes()].concat();
        let explained = self.decoder.exchange(&command, Some(&answer));
        let raw = hex::encode_upper(&answer);
        let items = explained.parts.iter().filter(|part| part.side == Side::Answer);
        for (place, part) in items.filter_map(|part| Some((part.place.clone()?, part))) {
            if let Some((value, _)) = part.value(&response.data) {
                self.values.insert(place, value);
            }
        }
        let exchange = Exchange { command, answer: Some(answer), micros: None };
        self.last = Some(response);
        match self.setting.output.form {
            Form::Text => {
                let text = trace::text(self.setting.output.language, &exchange, &explained);
                let arrow = match self.setting.output.language {
                    Language::Zh => "应答",
                    Language::En => "answer",
                };
                self.setting.output.paper(&format!("{text}{arrow}: {raw}\n"))
            }
            Form::Json | Form::Layout => {
                let page = Page::new()
                    .with("command", Words::new("命令", "command"), Value::text(&*explained.name.en))
                    .with("answer", Words::new("应答", "answer"), Value::Text(raw));
                self.answer(&page)
            }
        }
    }
}

fn directory_row(df: &Df) -> Page {
    Page::new()
        .with("id", Words::new("标识", "id"), Value::text(&df.id))
        .with("fid", Words::new("FID", "FID"), Value::Text(format!("{:04X}", df.fid)))
        .with("files", Words::new("文件", "files"), Value::count(df.ef.len()))
        .with("name", Words::new("名称", "name"), Value::text(&df.name))
}

fn file_row(df: &Df, ef: &Ef) -> Page {
    let kind = match ef.kind {
        EfKind::TlvRecords => Value::Choice("tlv-records", Words::new("记录", "records")),
        EfKind::Cyclic => Value::Choice("cyclic", Words::new("循环", "cyclic")),
        EfKind::Transparent => Value::Choice("transparent", Words::new("透明", "transparent")),
    };
    Page::new()
        .with("id", Words::new("标识", "id"), Value::Text(format!("{}.{}", df.id, ef.id)))
        .with("kind", Words::new("结构", "kind"), kind)
        .with("bytes", Words::new("字节", "bytes"), Value::Number(ef.size.into()))
        .with("read", Words::new("读", "read"), Value::Text(ef.read.to_string()))
        .with("update", Words::new("改", "update"), Value::Text(ef.update.to_string()))
        .with("name", Words::new("名称", "name"), Value::text(&ef.name))
}

/// Values in the order of the profile's rows, with their Chinese names; of one record where one is asked for.
fn values((df, ef): (&Df, &Ef), record: Option<u8>, read: &CardValues) -> Page {
    let rank = |place: &Place| {
        let item = ef.elements.iter().position(|row| Some(&*row.id) == place.item_id());
        (place.record, item.unwrap_or(ef.elements.len()))
    };
    let is_here = |place: &Place| {
        (place.df(), place.ef()) == (&df.id, &ef.id) && record.is_none_or(|record| place.record == Some(record))
    };
    let mut ordered: Vec<_> = read.iter().filter(|(place, _)| is_here(place)).collect();
    ordered.sort_by_key(|(place, _)| rank(place));
    ordered
        .into_iter()
        .fold(Page::new(), |page, (place, value)| super::card::with_value(page, Some(ef), (place, value), Unit::Fen))
}
