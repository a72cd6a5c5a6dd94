//! `trace decode`: a log of a conversation with cards, explained; `trace redact`: the same, safe to send.
//!
//! Owns: the look of an explanation, which the shell shares. Never: knows what a byte means (`card_profiles::trace`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use card_core::StatusWord;
use card_core::trace::{Entry, Event, Exchange, Junk, JunkReason, Log};
use card_core::wire::{Line, Wire};
use card_profiles::codec;
use card_profiles::trace::cards::{Cards, Sign, Turn, Whose};
use card_profiles::trace::{Decoder, Explained, Label, Part, Side};

use super::profile::Source;
use crate::arguments::{Form, Places};
use crate::exit::Exit;
use crate::output::{Output, printable};
use crate::page::{Page, Value};
use crate::trace::Trace;
use card_counter::clock::Now;
use card_counter::error::TerminalError;
use card_counter::file;
use card_counter::language::{Language, Words};

/// By what a log is read: where the configuration lies, and the profile that was named instead of those of the card's own words.
type By<'a> = (&'a Places, Option<&'a str>);

/// A log and who reads it.
fn opened(file: &Path, (places, profile): By<'_>) -> Result<(Log, Decoder), TerminalError> {
    let log = Log::parse(&text_of(&file::bytes(file, file::BYTES_MAX)?));
    if !log.entries.iter().any(|entry| matches!(entry.event, Event::Exchange(_))) {
        return Err(TerminalError::TraceEmpty { path: file.display().to_string() });
    }
    let decoder = match profile {
        Some(name) => Decoder::with_profile(Source::named(name)?.profile),
        None => Decoder::knowing(&super::catalog_on_paper(places)?),
    };
    Ok((log, decoder))
}

/// `trace redact`: the log of any program as a trace of ours. Lines that are no conversation are left out: nobody knows what is in
/// them.
pub(super) fn redact(output: &Output, file: &Path, by: By<'_>, out: &Path) -> Result<Exit, TerminalError> {
    let (log, decoder) = opened(file, by)?;
    let cards = Cards::of(decoder.clone(), &log.entries);
    let trace = Trace::create_by(out, Now::of_system(), decoder)?;
    let mut turns: BTreeMap<String, usize> = BTreeMap::new();
    let mut reader = "log".to_owned();
    for (index, entry) in log.entries.iter().enumerate() {
        if let Some(turn) = cards.turn(index) {
            turns.insert(reader.clone(), context(turn));
        }
        match &entry.event {
            Event::Reader(name) => reader.clone_from(name),
            event => trace.rewrite(&reader, turns.get(&reader).copied().unwrap_or_default(), event),
        }
    }
    if let Some(failure) = trace.failure() {
        return Err(failure);
    }
    let exchanges = log.entries.iter().filter(|entry| matches!(entry.event, Event::Exchange(_))).count();
    let page = Page::new()
        .with("out", Words::new("已写入", "written"), Value::text(out.display().to_string()))
        .with("exchanges", Words::new("命令", "exchanges"), Value::count(exchanges))
        .with("cards", Words::new("分辨出的卡", "cards told apart"), Value::count(cards.count()))
        .with("left_out_lines", Words::new("略去的行", "lines left out"), Value::count(log.junk.len()));
    output.answer(&page)?;
    Ok(Exit::Ok)
}

/// `trace decode`.
pub(super) fn decode(output: &Output, file: &Path, by: By<'_>) -> Result<Exit, TerminalError> {
    let (log, mut decoder) = opened(file, by)?;
    let cards = Cards::of(decoder.clone(), &log.entries);
    let mut turns: BTreeMap<String, &Turn> = BTreeMap::new();
    let mut reader = String::new();
    let mut wire = Wire::default();
    let mut junk = log.junk.iter().peekable();
    for (index, entry) in log.entries.iter().enumerate() {
        while let Some(line) = junk.next_if(|junk| junk.line < entry.line) {
            tell_junk(output, *line, &mut junk)?;
        }
        if let Some(turn) = cards.turn(index) {
            turns.insert(reader.clone(), turn);
            let last = log.entries.get(turn.exchanges.1).map_or(entry.line, |last| last.line);
            tell_turn(output, turn, (entry.line, last))?;
        }
        let turn = turns.get(&reader).copied();
        decoder.card(turn.map_or(0, context));
        let card = turn.and_then(Turn::card).filter(|_| !cards.is_of_psam(index));
        tell(output, &mut decoder, entry, card, &mut wire)?;
        if let Event::Reader(name) = &entry.event {
            reader.clone_from(name);
        }
    }
    while let Some(line) = junk.next() {
        tell_junk(output, *line, &mut junk)?;
    }
    let page = Page::new()
        .with(
            "event",
            Words::new("合计", "in all"),
            Value::Choice("summary", Words::new("全部对话", "the whole conversation")),
        )
        .with("exchanges", Words::new("命令", "exchanges"), number(wire.exchanges))
        .with("bytes", Words::new("字节", "bytes"), number(wire.bytes))
        .with("millis_9600", Words::new("9600 波特毫秒", "ms at 9600 baud"), number(wire.micros(Line::RESET) / 1000))
        .with("cards", Words::new("分辨出的卡", "cards told apart"), Value::count(cards.count()))
        .with("junk_lines", Words::new("不是对话的行", "lines of no conversation"), Value::count(log.junk.len()));
    output.answer(&page)?;
    Ok(Exit::Ok)
}

/// Where what is selected is kept: of a card that speaks alone by its number, of several that speak at once together.
fn context(turn: &Turn) -> usize {
    turn.card().filter(|_| turn.sign != Sign::Itself).unwrap_or_default()
}

/// The text of a log: UTF-8, or UTF-16 as programs of Windows write it, with its mark or without.
fn text_of(bytes: &[u8]) -> String {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => units(rest, u16::from_be_bytes),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => units(bytes, u16::from_le_bytes),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => units(bytes, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).into_owned(),
    }
}

/// Where another card speaks, or it cannot be said which one does.
fn tell_turn(output: &Output, turn: &Turn, (line, last): (usize, usize)) -> Result<(), TerminalError> {
    let numbers = |cards: &[usize], or: &str| cards.iter().map(ToString::to_string).collect::<Vec<_>>().join(or);
    let (word, words, cards) = match &turn.whose {
        Whose::Only => return Ok(()),
        Whose::Card(card) => {
            let (zh, en) = match turn.sign {
                Sign::Reset => ("复位之后的卡", "the card that was reset"),
                Sign::Select => (
                    "按此处的选择及其后读出的数据；两卡若同时上电，记录不能显示其间对另一卡的命令",
                    "by this SELECT and what was read behind it; a command for another card that is powered too does not show",
                ),
                Sign::Itself => ("由应答中的卡号或识别码", "its answer names it"),
            };
            ("card", Words::of(format!("第 {card} 张卡：{zh}"), format!("card {card}: {en}")), vec![*card])
        }
        Whose::Unsure(cards) => {
            let lines = if last == line { line.to_string() } else { format!("{line}-{last}") };
            let (zh, en) = match cards.as_slice() {
                [] => ("不计数的卡".to_owned(), "one that is not counted".to_owned()),
                _ => {
                    let (zh, en) = (numbers(cards, " 或 "), numbers(cards, " or "));
                    (format!("第 {zh} 张，或未说明身份的卡"), format!("card {en}, or one that did not say its name"))
                }
            };
            let words = Words::of(
                format!("第 {lines} 行：无法分辨是哪一张卡（{zh}）；以下数据不归于任何一张"),
                format!(
                    "lines {lines}: which card this is cannot be told ({en}); the data are of none of them for sure"
                ),
            );
            ("card_unknown", words, cards.clone())
        }
    };
    let sign = match (&turn.whose, turn.sign) {
        (Whose::Only | Whose::Unsure(_), _) => None,
        (Whose::Card(_), Sign::Reset) => Some("RESET"),
        (Whose::Card(_), Sign::Select) => Some("SELECT"),
        (Whose::Card(_), Sign::Itself) => Some("ANSWER"),
    };
    let page = event(line, word, Words::new("卡", "card"))
        .with("last_line", Words::new("末行", "last line"), Value::count(last))
        .with("cards", Words::new("卡", "cards"), Value::Texts(cards.iter().map(ToString::to_string).collect()))
        .with("by", Words::new("依据", "by"), Value::maybe(sign))
        .with("remark", Words::new("说明", "remark"), Value::Words(words.clone()));
    show(output, &page, || format!("{line:>5}  # {}\n", words.text(output.language)))
}

fn tell(
    output: &Output,
    decoder: &mut Decoder,
    entry: &Entry,
    card: Option<usize>,
    wire: &mut Wire,
) -> Result<(), TerminalError> {
    match &entry.event {
        Event::Reader(name) => {
            decoder.reader(name);
            let page = event(entry.line, "reader", Words::new("读卡器", "reader")).with(
                "reader",
                Words::new("读卡器", "reader"),
                Value::text(name),
            );
            show(output, &page, || format!("@ {}\n", printable(name)))
        }
        Event::Reset(atr) => {
            decoder.reset(atr);
            let atr = hex::encode_upper(atr);
            let page = event(entry.line, "reset", Words::new("复位", "reset")).with(
                "atr",
                Words::new("复位应答", "ATR"),
                Value::text(&atr),
            );
            show(output, &page, || format!("{:>5}  = {atr}\n", entry.line))
        }
        Event::Exchange(exchange) => {
            let explained = decoder.exchange(&exchange.command, exchange.answer.as_deref());
            *wire = *wire + explained.wire;
            let card = card.map_or(Value::Absent, Value::count);
            let page = page(entry.line, exchange, &explained).with("card", Words::new("卡", "card"), card);
            show(output, &page, || format!("{:>5}  {}", entry.line, text(output.language, exchange, &explained)))
        }
    }
}

fn show(output: &Output, page: &Page, text: impl FnOnce() -> String) -> Result<(), TerminalError> {
    match output.form {
        Form::Text => output.paper(&text()),
        Form::Json | Form::Layout => output.answer(page),
    }
}

/// Lines that follow each other and have the same reason are told together.
fn tell_junk<'a>(
    output: &Output,
    first: Junk,
    others: &mut std::iter::Peekable<impl Iterator<Item = &'a Junk>>,
) -> Result<(), TerminalError> {
    let (code, words) = match first.reason {
        JunkReason::NoTrace => ("NOT_A_CONVERSATION", Words::new("不是对话", "no part of a conversation")),
        JunkReason::NotHex => ("NOT_HEX", Words::new("不是十六进制", "not hexadecimal bytes")),
        JunkReason::AnswerAlone => ("ANSWER_ALONE", Words::new("应答之前没有命令", "an answer without a command")),
        JunkReason::TooLong => ("LINE_TOO_LONG", Words::new("行太长", "longer than any exchange")),
    };
    let mut last = first.line;
    while let Some(next) = others.next_if(|junk| junk.line == last + 1 && junk.reason == first.reason) {
        last = next.line;
    }
    let page = event(first.line, "junk", Words::new("无法使用的行", "lines of no use"))
        .with("last_line", Words::new("末行", "last line"), Value::count(last))
        .with("reason", Words::new("原因", "reason"), Value::Choice(code, words.clone()));
    let lines = if last == first.line { first.line.to_string() } else { format!("{}-{last}", first.line) };
    show(output, &page, || format!("{lines:>5}  ? {}\n", words.text(output.language)))
}

fn event(line: usize, word: &'static str, words: Words) -> Page {
    Page::new().with("line", Words::new("行", "line"), Value::count(line)).with(
        "event",
        Words::new("事件", "event"),
        Value::Choice(word, words),
    )
}

/// One exchange as one object.
fn page(line: usize, exchange: &Exchange, explained: &Explained) -> Page {
    let name = |pair: &Option<(String, String)>| Value::maybe(pair.as_ref().map(|(id, _)| id.as_str()));
    let items = parts(exchange, explained).map(|(part, value)| {
        let side = match part.side {
            Side::Command => Value::Choice("command", Words::new("命令", "command")),
            Side::Answer => Value::Choice("answer", Words::new("应答", "answer")),
        };
        let (value, faults) = value.unwrap_or((Value::Absent, Vec::new()));
        Page::new()
            .with("in", Words::new("位于", "in"), side)
            .with("place", Words::new("位置", "place"), Value::maybe(part.place.as_ref().map(ToString::to_string)))
            .with("name", Words::new("名称", "name"), Value::Words(words(&part.label)))
            .with("value", Words::new("值", "value"), value)
            .with("bytes", Words::new("字节", "bytes"), Value::count(part.range.len()))
            .with("faults", Words::new("说明", "remarks"), Value::Texts(faults))
    });
    let status = explained.status;
    let meaning = status.map_or(Value::Absent, |sw| Value::Words(meaning(sw)));
    event(line, "exchange", Words::new("命令", "exchange"))
        .with("command", Words::new("命令", "command"), Value::text(&*explained.name.en))
        .with("known", Words::new("已知", "known"), Value::Flag(explained.known))
        .with(
            "header",
            Words::new("命令头", "header"),
            Value::maybe((explained.open > 0).then(|| header(Language::En, exchange, explained))),
        )
        .with("profile", Words::new("卡片描述", "profile"), Value::text(&explained.profile))
        .with("directory", Words::new("目录", "directory"), name(&explained.directory))
        .with("file", Words::new("文件", "file"), name(&explained.file))
        .with("items", Words::new("数据", "items"), Value::Table(items.collect()))
        .with("remarks", Words::new("说明", "remarks"), {
            Value::Texts(explained.notes.iter().map(|note| note.en.to_string()).collect())
        })
        .with("status", Words::new("状态码", "status"), Value::maybe(status.map(|sw| sw.to_string())))
        .with("status_text", Words::new("含义", "meaning"), meaning)
        .with(
            "tries_left",
            Words::new("剩余次数", "tries left"),
            status.and_then(|sw| sw.tries()).map_or(Value::Absent, |tries| Value::Number(tries.into())),
        )
        .with("wire_bytes", Words::new("线上字节", "bytes on the wire"), number(explained.wire.bytes))
        .with("micros_9600", Words::new("9600 波特微秒", "us at 9600 baud"), number(explained.wire.micros(Line::RESET)))
        .with("micros_measured", Words::new("实测微秒", "us measured"), exchange.micros.map_or(Value::Absent, number))
}

/// One exchange for people; the first line is to follow what stands before it.
pub(super) fn text(language: Language, exchange: &Exchange, explained: &Explained) -> String {
    let pick = |label: &Label| words(label).text(language).to_owned();
    let place = match (&explained.directory, &explained.file) {
        (Some((df, _)), Some((ef, name))) => format!("  {df}.{ef} {name}"),
        (Some((df, _)), None) => format!("  {df}"),
        _ => String::new(),
    };
    let mut text = format!("{}  {}{place}\n", header(language, exchange, explained), pick(&explained.name));
    for (part, value) in parts(exchange, explained) {
        let shown = match value {
            None => match language {
                Language::Zh => format!("[{} 字节，不显示]", part.range.len()),
                Language::En => format!("[{} bytes, not shown]", part.range.len()),
            },
            Some((value, faults)) => {
                let value = match value {
                    Value::Text(text) => printable(&text),
                    Value::Number(number) => number.to_string(),
                    Value::Money(amount) => amount.to_string(),
                    _ => String::new(),
                };
                if faults.is_empty() { value } else { format!("{value}  ({})", faults.join(", ")) }
            }
        };
        let name = pick(&part.label);
        let name = match (&part.place, language) {
            (Some(place), Language::Zh) if part.label.zh != place.to_string() => format!("{name} {place}"),
            _ => name,
        };
        let _ = writeln!(text, "         {name}: {shown}");
    }
    for note in &explained.notes {
        let _ = writeln!(text, "         * {}", pick(note));
    }
    let status = match explained.status {
        None if language == Language::Zh => "没有应答".to_owned(),
        None => "no answer".to_owned(),
        Some(sw) => {
            format!("{sw} {}", meaning(sw).text(language))
        }
    };
    let millis = explained.wire.micros(Line::RESET);
    let measured = exchange.micros.map(|micros| format!(", {}.{:01} ms", micros / 1000, micros % 1000 / 100));
    let _ = writeln!(
        text,
        "         < {status}  [{} B, {}.{} ms @ 9600{}]",
        explained.wire.bytes,
        millis / 1000,
        millis % 1000 / 100,
        measured.unwrap_or_default()
    );
    text
}

/// What a status word says.
fn meaning(sw: StatusWord) -> Words {
    match (sw.sw1(), sw.meaning()) {
        (0x61, None) => Words::of(format!("还有 {} 字节待取", sw.sw2()), format!("{} bytes to fetch", sw.sw2())),
        (0x6C, None) => Words::of(format!("正确的 Le 为 {}", sw.sw2()), format!("the right Le is {}", sw.sw2())),
        (_, Some((zh, en))) => Words::new(zh, en),
        (_, None) => Words::new("含义未知", "meaning unknown"),
    }
}

type Shown = Option<(Value, Vec<String>)>;

/// The parts that say something, with their values; `None` for what is never shown.
fn parts<'a>(exchange: &'a Exchange, explained: &'a Explained) -> impl Iterator<Item = (&'a Part, Shown)> {
    explained.parts.iter().filter(|part| !part.label.en.is_empty()).map(|part| {
        let bytes = match part.side {
            Side::Command => exchange.command.as_slice(),
            Side::Answer => exchange.answer.as_deref().unwrap_or_default(),
        };
        let value = part.value(bytes).map(|(value, faults)| {
            let value = match value {
                codec::Value::Text(text) => Value::Text(text.into()),
                codec::Value::Number(fen) if is_money(part) => u32::try_from(fen)
                    .map_or_else(|_| number(fen), |fen| Value::Money(settlement::fen::Fen::from_card(fen))),
                codec::Value::Number(plain) => number(plain),
            };
            (value, faults.iter().map(|fault| fault.code().to_owned()).collect())
        });
        (part, value)
    })
}

fn is_money(part: &Part) -> bool {
    use card_profiles::format::FormatKind;
    matches!(part.kind, FormatKind::BAmount | FormatKind::CnAmount)
}

/// CLA INS P1 P2 and Lc or Le; never data, nor what may be data.
fn header(language: Language, exchange: &Exchange, explained: &Explained) -> String {
    match (exchange.command.get(..explained.open), language) {
        (Some([]) | None, Language::Zh) => "[不显示]".to_owned(),
        (Some([]) | None, Language::En) => "[not shown]".to_owned(),
        (Some(open), _) => hex::encode_upper(open),
    }
}

fn words(label: &Label) -> Words {
    Words { zh: label.zh.clone(), en: label.en.clone() }
}

fn number(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Absent, Value::Number)
}
