//! Cells and rows: a text in its bytes, padded by bytes, and bytes back in their cells.
//!
//! Owns: widths, padding, separators, line ends. Never: knows what a row is about; cuts inside a character.

use super::charset::Charset;
use super::template::{Align, Column, Form, Overflow, Template};

/// Why a text does not go into its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellFault {
    /// The partner's encoding lacks a character.
    NotEncodable(char),
    /// It has more bytes than the cell.
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// Bytes of the cell.
        width: usize,
    },
    /// It holds the separator.
    Separator,
}

/// A text as the bytes of its cell.
///
/// # Errors
/// [`CellFault`].
pub fn encode(template: &Template, column: &Column, text: &str) -> Result<Vec<u8>, CellFault> {
    let charset = template.encoding;
    let mut bytes = charset.encode(text).map_err(CellFault::NotEncodable)?;
    let Some(width) = column.bytes else {
        let splits = template.separator.is_some_and(|separator| text.contains(separator));
        return if splits { Err(CellFault::Separator) } else { Ok(bytes) };
    };
    if bytes.len() > width {
        if column.overflow == Overflow::Refuse {
            return Err(CellFault::TooLong { bytes: bytes.len(), width });
        }
        bytes = cut(charset, text, width);
    }
    let fill = vec![u8::try_from(column.pad).unwrap_or(b' '); width - bytes.len()];
    Ok(match column.align {
        Align::Left => [bytes, fill].concat(),
        Align::Right => [fill, bytes].concat(),
    })
}

/// The text of a cell's bytes, without what fills it up; `None` when they are no text.
#[must_use]
pub fn decode(template: &Template, column: &Column, bytes: &[u8]) -> Option<String> {
    let text = template.encoding.decode(bytes)?;
    Some(match (template.form, column.align) {
        (Form::Delimited, _) => text,
        (Form::Fixed, Align::Left) => text.trim_end_matches(column.pad).to_owned(),
        (Form::Fixed, Align::Right) => text.trim_start_matches(column.pad).to_owned(),
    })
}

/// A row from its cells, with its line end.
#[must_use]
pub fn join(template: &Template, cells: Vec<Vec<u8>>) -> Vec<u8> {
    let separator = template.separator.and_then(|separator| u8::try_from(separator).ok());
    let mut row = Vec::new();
    for cell in cells {
        row.extend(cell);
        row.extend(separator);
    }
    row.push(b'\n');
    row
}

/// The cells of a row without its line end; `None` when their number or the row's length is another one.
///
/// A separator is found between characters only: no trail byte of GB 18030 up to 0x7E is taken for one.
#[must_use]
pub fn split<'a>(template: &Template, columns: &[Column], row: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let mut cells = Vec::with_capacity(columns.len());
    let mut rest = row;
    for column in columns {
        let width = match (column.bytes, template.separator) {
            (Some(width), _) => width,
            (None, separator) => separator_at(rest, u8::try_from(separator?).ok()?)?,
        };
        let (cell, after) = rest.split_at_checked(width)?;
        cells.push(cell);
        rest = if column.bytes.is_some() { after } else { after.get(1..)? };
    }
    rest.is_empty().then_some(cells)
}

/// Where the next separator stands, stepping over two- and four-byte codes.
fn separator_at(bytes: &[u8], separator: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        let first = *bytes.get(at)?;
        if first == separator {
            return Some(at);
        }
        at += match (first, bytes.get(at + 1)) {
            (0x00..=0x80 | 0xFF, _) | (_, None) => 1,
            (_, Some(0x30..=0x39)) => 4,
            (_, Some(0x40..=0xFE)) => 2,
            _ => 1,
        };
    }
}

/// The longest beginning that fits, in whole characters.
fn cut(charset: Charset, text: &str, width: usize) -> Vec<u8> {
    let mut whole = Vec::new();
    for character in text.chars() {
        let code = charset.encode(&character.to_string()).unwrap_or_default();
        if whole.len() + code.len() > width {
            break;
        }
        whole.extend(code);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::template::all;
    use proptest::prelude::*;

    fn template(name: &str) -> Template {
        let folder = tempfile::tempdir().expect("folder");
        all(folder.path()).expect("templates")[name].0.clone()
    }

    #[test]
    fn cells_are_filled_by_bytes_and_never_cut_inside_a_character() {
        let bank = template("bank-fixed");
        let column = |title: &str| bank.columns.iter().find(|column| column.title == title).expect("column").clone();
        let cell = encode(&bank, &column("姓名"), "扎西·多吉").expect("a name");
        assert_eq!((cell.len(), cell.get(..11).map(<[u8]>::last)), (30, Some(Some(&b' '))));
        assert_eq!(encode(&bank, &column("明细号"), "17").expect("a number"), b"000000000017");
        let long = "长".repeat(16);
        assert_eq!(encode(&bank, &column("姓名"), &long), Err(CellFault::TooLong { bytes: 32, width: 30 }));
        assert_eq!(encode(&bank, &column("姓名"), "\u{20BB7}"), Err(CellFault::NotEncodable('\u{20BB7}')));
        let address = encode(&bank, &column("地址"), &format!("1{}", "长".repeat(40))).expect("cut");
        assert_eq!(
            (address.len(), decode(&bank, &column("地址"), &address)),
            (60, Some(format!("1{}", "长".repeat(29))))
        );
        let factory = template("factory-delimited");
        assert_eq!(encode(&factory, &factory.columns[3], "a|b"), Err(CellFault::Separator));
    }

    proptest! {
        #[test]
        fn rows_come_apart_as_they_were_joined(texts in proptest::collection::vec("[^\\p{Cc}|\u{E5E5}]{0,12}", 8)) {
            let template = template("factory-delimited");
            let cells: Vec<Vec<u8>> = template
                .columns
                .iter()
                .zip(&texts)
                .map(|(column, text)| encode(&template, column, text).expect("every character"))
                .collect();
            let row = join(&template, cells);
            let back = split(&template, &template.columns, row.strip_suffix(b"\n").expect("a line")).expect("cells");
            let back: Vec<String> = template
                .columns
                .iter()
                .zip(back)
                .map(|(column, cell)| decode(&template, column, cell).expect("text"))
                .collect();
            prop_assert_eq!(back, texts);
        }

        #[test]
        fn any_bytes_come_apart_or_not_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            for name in ["bank-fixed-return", "factory-delimited-return"] {
                let template = template(name);
                if let Some(cells) = split(&template, &template.columns, &bytes) {
                    prop_assert_eq!(cells.len(), template.columns.len());
                }
            }
        }
    }
}
