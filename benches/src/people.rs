//! Invented people as a bureau's file states them.
//!
//! Source: GB 11643-1999 6 (number and its check character); GB/T 2260 (county of 513300).
//! Owns: rows, each person with a number of their own. Never: a person who lives.

use std::fmt::Write as _;

/// The header, nine columns.
const HEADER: &str = "社会保障号码,姓名,性别,民族,出生日期,行政区划代码,常住户口所在地地址,联系电话,单位名称\n";

/// Columns of a row.
pub const COLUMNS: usize = 9;

/// The column with the county.
pub const REGION: usize = 5;

/// Names that are drawn from in turn.
const NAMES: [&str; 6] = ["扎西·多吉", "王试明", "欧阳样芳", "丹增·格桑", "阿依·木呷", "李例强"];

/// Orders a day: the last digit pair of GB 11643 leaves so many people one birthday in one county.
const ORDERS: u32 = 999;

/// The file of people `from` to `from + count`, UTF-8.
#[must_use]
pub fn csv(from: u32, count: u32) -> String {
    let mut text = String::from(HEADER);
    for person in from..from + count {
        line(&mut text, person);
    }
    text
}

fn line(text: &mut String, person: u32) {
    let (day, order) = (person / ORDERS, person % ORDERS + 1);
    let birth = format!("{:04}{:02}{:02}", 1930 + day / 336 % 90, day / 28 % 12 + 1, day % 28 + 1);
    let body = format!("513301{birth}{order:03}");
    let name = NAMES.into_iter().cycle().nth(person as usize % NAMES.len()).unwrap_or_default();
    let (check, sex) = (check(&body), if order % 2 == 1 { 1 } else { 2 });
    writeln!(text, "{body}{check},{name},{sex},04,{birth},513301,示范路{order}号,199{person:08},示例县供销社")
        .expect("a text takes what is written");
}

/// The check character, by a running remainder.
fn check(body: &str) -> char {
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    }
}
