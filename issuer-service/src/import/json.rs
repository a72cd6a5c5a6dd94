//! JSON as rows: an array of objects, or objects one after the other (JSON Lines).
//!
//! Source: RFC 8259; text is UTF-8, or GB 18030 as bureaus send it. Objects are cut from bytes: outside of a string `{` and `}` are brackets and nothing else.
//! Owns: cutting, bounds, getting back into step behind a broken object; numbers as the digits that they stand for.
//! Never: holds more than one object; reads what is nested in a value.
//! Units: objects are counted from 1 in order, broken ones too: a file may have all of them in one line.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};

use encoding_rs::{Encoding, GB18030, UTF_8};

use super::column::Column;
use super::fault::Code;
use super::record::{RECORD_BYTES_MAX, RowFault};
use super::refusal::TableError;
use super::table::{COLUMNS_MAX, Cell, OpenError};
use crate::output::{Entries, Scalar, from_json};

/// Whole numbers of JSON that were fractions or powers are exact up to here: 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Keys under which interfaces answer with rows.
const ENVELOPES: [&[u8]; 5] = [b"data", b"rows", b"list", b"records", b"items"];

/// The objects of a file.
#[derive(Debug)]
pub(super) struct Objects {
    input: BufReader<File>,
    encoding: &'static Encoding,
    /// Objects found so far.
    count: u64,
    position: u64,
    /// An array: an object that begins in another one's line does not end it.
    array: bool,
    /// The array of an object around it: behind its end nothing is read.
    enveloped: bool,
    /// The end of that array was read.
    over: bool,
    /// A line that was looked at and begins the next object.
    pushed: Option<u8>,
    keys: Vec<String>,
    /// A key and another one of its meaning, by place: the second is read where the first says nothing.
    instead: Vec<(usize, usize)>,
}

/// The keys of a file.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// In order of first appearance.
    pub(super) names: Vec<String>,
    /// Which of them stand in one object, by place: each such set once, up to [`SHAPES_MAX`] of them.
    shapes: BTreeSet<Vec<usize>>,
}

/// Sets of keys that are remembered.
const SHAPES_MAX: usize = 1_000;

impl Keys {
    /// Whether two keys stand in one object.
    pub(super) fn together(&self, one: usize, other: usize) -> bool {
        self.shapes.iter().any(|shape| shape.contains(&one) && shape.contains(&other))
    }

    fn add(&mut self, entries: Vec<(String, Scalar)>) {
        let mut shape = Vec::with_capacity(entries.len());
        for (key, _) in entries {
            let known = self.names.iter().position(|known| *known == key);
            shape.push(known.unwrap_or_else(|| {
                self.names.push(key);
                self.names.len() - 1
            }));
        }
        shape.sort_unstable();
        if self.shapes.len() < SHAPES_MAX {
            self.shapes.insert(shape);
        }
    }
}

/// An object's cells in the order of the keys, or why it has none; which object it is.
type Found = (u64, Result<Vec<Cell>, RowFault>);
/// An object's bytes likewise.
type Cut = (u64, Result<Vec<u8>, RowFault>);

impl Objects {
    /// The objects of a file, and the keys that occur in them in order of first appearance.
    pub(super) fn read(file: File, encoding: &'static Encoding) -> Result<(Self, Keys), OpenError> {
        let mut objects = Self::of(file, encoding).map_err(OpenError::Read)?;
        let (mut keys, mut any) = (Keys::default(), false);
        while let Some((_, object)) = objects.next_bytes().map_err(OpenError::Read)? {
            any = true;
            let Ok(entries) = object.and_then(|bytes| entries(&bytes, encoding)) else { continue };
            keys.add(entries);
            if keys.names.len() > COLUMNS_MAX {
                return Err(OpenError::Table(TableError::TooManyColumns));
            }
        }
        if !any {
            return Err(OpenError::Table(TableError::Empty));
        }
        if keys.shapes.is_empty() {
            return Err(OpenError::Table(TableError::NoObject));
        }
        let file = objects.input.into_inner();
        Ok((Self::of(file, encoding).map_err(OpenError::Read)?, keys))
    }

    /// With cells in the order of these keys; of a pair of keys the second is read where the first says nothing.
    pub(super) fn of_keys(mut self, keys: &[String], instead: &[(usize, usize)]) -> Self {
        (self.keys, self.instead) = (keys.to_vec(), instead.to_vec());
        self
    }

    /// Bytes read so far.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// The next object.
    pub(super) fn next_object(&mut self) -> io::Result<Option<Found>> {
        let Some((number, object)) = self.next_bytes()? else { return Ok(None) };
        let encoding = self.encoding;
        let cells = object.and_then(|bytes| entries(&bytes, encoding)).map(|entries| {
            let mut cells = vec![Ok(String::new()); self.keys.len()];
            for (key, value) in entries {
                if let Some(cell) = self.keys.iter().position(|known| *known == key).and_then(|at| cells.get_mut(at)) {
                    *cell = text(value);
                }
            }
            for (key, other) in &self.instead {
                let nothing = |cell: Option<&Cell>| cell.is_none_or(|cell| cell.as_deref().is_ok_and(str::is_empty));
                if nothing(cells.get(*key)) && !nothing(cells.get(*other)) {
                    cells.swap(*key, *other);
                }
            }
            cells
        });
        Ok(Some((number, cells)))
    }

    fn of(mut file: File, encoding: &'static Encoding) -> io::Result<Self> {
        file.rewind()?;
        let mut input = BufReader::with_capacity(1 << 16, file);
        let envelope = envelope(input.fill_buf()?, encoding);
        let position = envelope.unwrap_or(0);
        input.consume(position);
        let (keys, instead, enveloped) = (Vec::new(), Vec::new(), envelope.is_some());
        let position = u64::try_from(position).unwrap_or_default();
        let (array, over, pushed) = (enveloped, false, None);
        Ok(Self { input, encoding, count: 0, position, array, enveloped, over, pushed, keys, instead })
    }

    /// The bytes of the next object. What stands between objects and is neither blank nor comma nor the array's own bracket
    /// is a fault of its own.
    fn next_bytes(&mut self) -> io::Result<Option<Cut>> {
        while !self.over
            && let Some(byte) = self.next_byte()?
        {
            match byte {
                b'{' => {
                    self.count += 1;
                    return Ok(Some((self.count, self.object()?)));
                }
                b']' if self.enveloped => self.over = true,
                b'[' if self.position < 1 << 10 && !self.array => self.array = true,
                b',' | b']' | b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF => {}
                _ => {
                    self.count += 1;
                    while let Some(byte) = self.next_byte()? {
                        if byte == b'\n' || byte == b'{' {
                            self.pushed = (byte == b'{').then_some(byte);
                            break;
                        }
                    }
                    return Ok(Some((self.count, Err(RowFault::NotObject))));
                }
            }
        }
        Ok(None)
    }

    /// Behind the `{` of an object: all of it.
    fn object(&mut self) -> io::Result<Result<Vec<u8>, RowFault>> {
        let (mut bytes, mut too_long) = (vec![b'{'], false);
        let (mut depth, mut quoted, mut escaped, mut line_start) = (1_u32, false, false, false);
        // Behind the first byte of a character of GB 18030 a backslash or a bracket is the second one.
        let (two_bytes, mut second) = (self.encoding == GB18030, false);
        while let Some(byte) = self.next_byte()? {
            // A line end inside a string is no JSON: the string was never closed, and the next line is another matter.
            if quoted && byte == b'\n' {
                return Ok(Err(RowFault::NotObject));
            }
            // In JSON Lines an object that begins a line says that the one before it was cut off.
            if !self.array && line_start && byte == b'{' {
                self.pushed = Some(byte);
                return Ok(Err(RowFault::NotObject));
            }
            line_start = byte == b'\n';
            if bytes.len() < RECORD_BYTES_MAX {
                bytes.push(byte)
            } else {
                too_long = true
            }
            let within = second;
            second = two_bytes && !within && (0x81..=0xFE).contains(&byte);
            if within || second {
                escaped = false;
                continue;
            }
            match (quoted, byte) {
                (true, _) if escaped => escaped = false,
                (true, b'\\') => escaped = true,
                (_, b'"') => quoted = !quoted,
                (false, b'{' | b'[') => depth += 1,
                (false, b'}' | b']') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(if too_long { Err(RowFault::TooLong) } else { Ok(bytes) });
            }
        }
        Ok(Err(RowFault::NotObject))
    }

    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.pushed.take() {
            return Ok(Some(byte));
        }
        let Some(byte) = self.input.fill_buf()?.first().copied() else { return Ok(None) };
        self.input.consume(1);
        self.position += 1;
        Ok(Some(byte))
    }
}

/// Where the rows begin in what an interface answers: `{"code": 0, "data": [{…}, …]}`. `None` when the first object is none that has an
/// array of objects under such a key, or is a person by itself. Looked for in the first block of the file.
fn envelope(head: &[u8], encoding: &'static Encoding) -> Option<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let behind_blanks = |at: usize| head.get(at..).map(|rest| at + rest.iter().take_while(|byte| blank(byte)).count());
    let begin = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut at = behind_blanks(begin)?;
    if head.get(at) != Some(&b'{') {
        return None;
    }
    let (mut depth, mut key) = (0_u32, None::<&[u8]>);
    loop {
        match head.get(at)? {
            b'"' => {
                let end = string_end(head, at, encoding == GB18030)?;
                let colon = behind_blanks(end)?;
                if depth == 1 && head.get(colon) == Some(&b':') {
                    let name = head.get(at + 1..end - 1)?;
                    if std::str::from_utf8(name).is_ok_and(|name| Column::of_header(name).is_some()) {
                        return None;
                    }
                    key = Some(name);
                    at = colon + 1;
                } else {
                    at = end;
                }
                continue;
            }
            b'[' if depth == 1 && key.is_some_and(|key| ENVELOPES.contains(&key)) => {
                let first = behind_blanks(at + 1)?;
                return (head.get(first) == Some(&b'{')).then_some(at + 1);
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1).filter(|depth| *depth > 0)?,
            b',' if depth == 1 => key = None,
            _ => {}
        }
        at += 1;
    }
}

/// Behind the string that begins at a place.
fn string_end(head: &[u8], begin: usize, two_bytes: bool) -> Option<usize> {
    let mut at = begin + 1;
    loop {
        match head.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            0x81..=0xFE if two_bytes => at += 2,
            _ => at += 1,
        }
    }
}

/// The keys and cells of one object alone; `null` takes a value back.
pub(super) fn one(bytes: &[u8]) -> Result<(Vec<String>, Vec<Cell>), TableError> {
    if bytes.trim_ascii().is_empty() {
        return Err(TableError::Empty);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let entries = entries(bytes, UTF_8).map_err(|_| TableError::NotObject)?;
    // In a file nothing is often written so; who types `null` for one person means it.
    let cell = |value| if matches!(value, Scalar::Nothing) { Err(Code::NotTakenBack) } else { text(value) };
    Ok(entries.into_iter().map(|(key, value)| (key, cell(value))).unzip())
}

fn entries(bytes: &[u8], encoding: &'static Encoding) -> Result<Vec<(String, Scalar)>, RowFault> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or(RowFault::NotObject)?;
    let Entries(entries) = from_json(&text).map_err(|_| RowFault::NotObject)?;
    let twice = entries.iter().enumerate().any(|(at, (key, _))| entries.iter().take(at).any(|(known, _)| known == key));
    if twice { Err(RowFault::KeyTwice) } else { Ok(entries) }
}

/// The text of a value. A number that JSON holds as a power or a fraction is written out when it is exact, and left as the
/// power that it is when digits may be lost, so that the check of its column refuses it by name.
fn text(value: Scalar) -> Cell {
    match value {
        Scalar::Text(text) => Ok(text),
        Scalar::Whole(number) => Ok(number.to_string()),
        Scalar::Real(number) if number.fract() == 0.0 && number.abs() < EXACT_MAX => Ok(format!("{number:.0}")),
        Scalar::Real(number) => Ok(format!("{number:E}")),
        Scalar::Nothing => Ok(String::new()),
        Scalar::Other => Err(Code::NotValue),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn found(text: &[u8]) -> Vec<Found> {
        found_in(text, UTF_8)
    }

    fn found_in(text: &[u8], encoding: &'static Encoding) -> Vec<Found> {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(text).expect("written");
        let (objects, keys) = match Objects::read(file, encoding) {
            Ok(read) => read,
            Err(OpenError::Table(_)) => return Vec::new(),
            Err(OpenError::Read(error)) => panic!("{error}"),
        };
        let mut objects = objects.of_keys(&keys.names, &[]);
        std::iter::from_fn(|| objects.next_object().expect("read")).collect()
    }

    fn texts(text: &str) -> Vec<Vec<String>> {
        let cells = |cells: Vec<Cell>| cells.into_iter().map(|cell| cell.unwrap_or_else(|_| "!".to_owned())).collect();
        found(text.as_bytes()).into_iter().map(|(_, object)| object.map(cells).unwrap_or_default()).collect()
    }

    fn faults(text: &str) -> Vec<(u64, Option<RowFault>)> {
        found(text.as_bytes()).into_iter().map(|(line, object)| (line, object.err())).collect()
    }

    #[test]
    fn an_array_and_lines_give_the_same_rows() {
        let lines = "{\"a\":\"扎西\",\"b\":1}\n{\"b\":2,\"c\":null}\n";
        let array = "\u{FEFF}[\n {\"a\": \"扎西\",\n  \"b\": 1},\n {\"b\":2, \"c\":null}]";
        let expected = [["扎西", "1", ""], ["", "2", ""]];
        assert_eq!(texts(lines), expected);
        assert_eq!(texts(array), expected);
        assert_eq!(faults(array), [(1, None), (2, None)]);
    }

    #[test]
    fn characters_of_gb_18030_whose_second_byte_is_a_bracket_or_a_backslash_stay_whole() {
        let ends = |c: char| GB18030.encode(&c.to_string()).0.last().is_some_and(|byte| b"\\{}[]|".contains(byte));
        let names: Vec<char> = ('\u{4E00}'..='\u{9FA5}').filter(|c| ends(*c)).collect();
        assert!(names.len() > 500, "{}", names.len());
        let text: String = names.iter().chain(&['\u{20BB7}']).map(|c| format!("{{\"姓名\":\"王{c}\"}}\n")).collect();
        let objects = found_in(&GB18030.encode(&text).0, GB18030);
        assert_eq!(objects.len(), names.len() + 1);
        for ((_, object), name) in objects.into_iter().zip(names.iter().chain(&['\u{20BB7}'])) {
            assert_eq!(object.expect("whole"), [Ok(format!("王{name}"))]);
        }
    }

    #[test]
    fn rows_in_the_answer_of_an_interface_are_read_and_nothing_behind_them() {
        let one =
            "{\"code\":0,\"msg\":\"ok \\\" [{\",\"page\":{\"data\":1},\"data\":[{\"a\":1},{\"a\":2}],\"total\":2}";
        assert_eq!(texts(one), [["1"], ["2"]]);
        assert_eq!(texts(&one.replace(',', ",\n").replace('[', "[\n ")), [["1"], ["2"]]);
        assert_eq!(faults(one), [(1, None), (2, None)]);
        // A person with a list, an empty answer, an answer that is no array.
        for other in ["{\"姓名\":\"甲\",\"data\":[{\"a\":1}]}", "{\"data\":[]}", "{\"data\":{\"a\":1}}"] {
            assert_eq!(faults(other), [(1, None)], "{other}");
        }
        let gb = GB18030.encode("{\"msg\":\"王\u{4E97}\",\"rows\":[{\"a\":1}]}").0.into_owned();
        assert_eq!(found_in(&gb, GB18030).len(), 1);
    }

    #[test]
    fn numbers_keep_all_their_digits_or_say_that_they_lost_some() {
        let row =
            texts(r#"{"a":513301199001010010,"b":19900001234.0,"c":5.13301199001010e17,"d":-1,"e":1.5}"#).remove(0);
        assert_eq!(row, ["513301199001010010", "19900001234", "5.1330119900101E17", "-1", "1.5E0"]);
    }

    #[test]
    fn what_is_neither_text_nor_number_spoils_its_cell_only() {
        assert_eq!(texts(r#"{"a":true,"b":{"x":[1]},"c":["y"],"d":"z"}"#), [["!", "!", "!", "z"]]);
    }

    #[test]
    fn a_broken_object_costs_itself_only() {
        let text =
            "{\"a\":1}\n{\"a\":\"open}\n{\"a\":2}\n{\"a\":3\n{\"a\":4}\nnonsense\n{\"a\":5,\"a\":6}\n{\"a\":7}\n";
        let broken = Some(RowFault::NotObject);
        assert_eq!(
            faults(text),
            [
                (1, None),
                (2, broken),
                (3, None),
                (4, broken),
                (5, None),
                (6, broken),
                (7, Some(RowFault::KeyTwice)),
                (8, None)
            ]
        );
        assert_eq!(faults("[{\"a\":1},{\"a\":"), [(1, None), (2, broken)]);
        assert_eq!(faults("[{\"a\":1} x {\"a\":2}]"), [(1, None), (2, broken), (3, None)]);
    }

    #[test]
    fn an_object_of_any_size_is_one_fault() {
        let text = format!("{{\"a\":\"{}\"}}\n{{\"a\":1}}\n{}\n", "x".repeat(1 << 20), "[".repeat(1 << 20));
        assert_eq!(faults(&text)[..2], [(1, Some(RowFault::TooLong)), (2, None)]);
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
        assert_eq!(faults(&deep), [(1, None)]);
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(prop_oneof![
            Just(b'{'), Just(b'}'), Just(b'['), Just(b'"'), Just(b','), Just(b':'), Just(b'\n'), Just(b'\\'), any::<u8>()
        ], 0..300)) {
            let rows = found(&bytes);
            prop_assert!(rows.iter().map(|row| row.0).eq(1..=u64::try_from(rows.len()).expect("few")));
        }
    }
}
