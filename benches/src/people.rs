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

/// What names are put together from: a few people bear the same one, as in a register.
const FAMILIES: [&str; 20] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "欧阳",
];
const GIVEN: [&str; 40] = [
    "试", "样", "例", "拟", "虚", "构", "明", "芳", "强", "丽", "静", "敏", "磊", "洋", "艳", "勇", "娟", "涛", "超",
    "秀", "霞", "平", "刚", "英", "华", "玉", "兰", "波", "辉", "红", "鹏", "雪", "梅", "慧", "建", "文", "春", "晓",
    "海", "云",
];

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
    let name = name(person);
    let (check, sex) = (check(&body), if order % 2 == 1 { 1 } else { 2 });
    writeln!(text, "{body}{check},{name},{sex},04,{birth},513301,示范路{order}号,199{person:08},示例县供销社")
        .expect("a text takes what is written");
}

/// Three parts, each in turn at its own pace: neighbours are called differently, and few of them alike.
fn name(person: u32) -> String {
    let part = |parts: &[&'static str], step: u32| {
        parts.get((person / step) as usize % parts.len()).copied().unwrap_or_default()
    };
    [part(&FAMILIES, 1), part(&GIVEN, 7), part(&GIVEN, 11 * 31)].concat()
}

/// The check character, by a running remainder.
fn check(body: &str) -> char {
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    }
}
