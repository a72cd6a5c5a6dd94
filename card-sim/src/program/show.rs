//! What `card-sim show` tells of a card: a line for each fact, a table of its keys.
//!
//! Owns: their order and words. Never: shows a key, or a value of a card but its files.

use std::fmt::Write;

use super::text::Lang;
use crate::image::Identity;
use crate::inspection::{Inspection, KeyInspection};

/// Bytes of a run that are written as a number.
const RUN_MIN: usize = 16;

pub(crate) fn inspection(lang: Lang, identity: &Identity, card: &Inspection) -> String {
    let mark = format!("{}: {}\n", lang.pick("标记", "mark"), identity.mark);
    let atr = format!("{}: {}\n", lang.pick("复位信息", "ATR"), card.atr);
    let mut text = mark + &atr + &environment(lang, &identity.given_keys, card);
    for (beside, part) in card.beside.iter().zip(&identity.beside) {
        text += &environment(lang, &part.given_keys, beside);
    }
    text
}

fn environment(lang: Lang, given: &[String], card: &Inspection) -> String {
    let mut text = String::new();
    let mut line = |zh: &str, en: &str, value: String| {
        writeln!(text, "{}: {value}", lang.pick(zh, en)).expect("a String takes any text");
    };
    if let Some(name) = &card.environment {
        line("环境", "environment", name.clone());
    }
    if let Some(pin) = card.pin {
        let initial = if pin.initial { lang.pick(", 初始密码", ", initial") } else { "" };
        line("密码剩余次数", "PIN tries left", format!("{}{initial}", pin.tries_left));
    }
    let yuan = |fen: u32| format!("{}.{:02}", fen / 100, fen % 100);
    if let Some(account) = card.account {
        line("个人账户余额", "personal account", yuan(account.personal_account));
        line("个人自付累计", "self-paid total", format!("{} ({:04X})", yuan(account.self_paid_total), account.year));
        line("统筹累计", "pooled-fund total", format!("{} ({:04X})", yuan(account.pooled_fund_total), account.year));
        line("联机交易序号", "online sequence", account.online_sequence.to_string());
        line("脱机交易序号", "offline sequence", account.offline_sequence.to_string());
    }
    if let Some(purse) = card.purse {
        let sequences = |(online, offline): (u16, u16)| format!("{online}, {offline}");
        line("电子存折余额", "electronic deposit", yuan(purse.deposit));
        line("其中透支限额", "overdraw limit in it", yuan(purse.overdraw_limit));
        line("电子存折联机、脱机交易序号", "deposit sequences, online and offline", sequences(purse.deposit_sequences));
        line("电子钱包余额", "electronic purse", yuan(purse.purse));
        line("电子钱包联机、脱机交易序号", "purse sequences, online and offline", sequences(purse.purse_sequences));
    }
    if let Some(certificates) = &card.certificates {
        let (user, administrator) = (certificates.user_pin, certificates.administrator_pin);
        for (zh, en, pin) in [
            ("证书应用用户 PIN", "certificate user PIN", user),
            ("证书应用管理员 PIN", "certificate administrator PIN", administrator),
        ] {
            let left = format!("{} {}", lang.pick("剩余次数", "tries left"), pin.tries_left);
            line(zh, en, if pin.set_up { left } else { lang.pick("未设置", "not set up").to_owned() });
        }
        for (zh, en, key) in [
            ("签名公钥", "signing key (public half)", &certificates.signing_key),
            ("加密公钥", "encryption key (public half)", &certificates.encryption_key),
        ] {
            line(zh, en, key.clone().unwrap_or_else(|| lang.pick("无", "none").to_owned()));
        }
    }
    if let Some(sequence) = card.terminal_sequence {
        line("终端交易序号", "terminal sequence", sequence.to_string());
    }
    for (what, how) in &card.blocked {
        line("已锁定", "blocked", format!("{} {}", in_words(lang, what), in_words(lang, how)));
    }
    let loaded = card.keys.values().filter(|key| key.version.is_some()).count();
    line("密钥", "keys", format!("{loaded}/{}", card.keys.len()));
    text.push_str(&keys(lang, given, card));
    let mut line = |name: String, value: String| writeln!(text, "{name}: {value}").expect("a String takes any text");
    for (name, pieces) in &card.files {
        for (number, bytes) in (1..).zip(pieces) {
            line(format!("{name}[{number}]"), condensed(bytes));
        }
    }
    text
}

/// A row for each key: where it is, version, tries left, and whether it came from a file.
fn keys(lang: Lang, given: &[String], card: &Inspection) -> String {
    let mut given: Vec<&str> = given.iter().map(String::as_str).collect();
    let heads = match lang {
        Lang::Zh => ["名称", "版本", "剩余次数", "来源"],
        Lang::En => ["name", "version", "tries left", "from"],
    };
    let mut rows = vec![heads.map(str::to_owned)];
    for (name, key) in &card.keys {
        let origin = given.iter().position(|given| is_of(given, name, key)).map(|at| given.swap_remove(at));
        let origin = origin.map_or("", |_| lang.pick("文件", "a file"));
        let (version, tries) = match key.version {
            None => (lang.pick("未装入", "not loaded").to_owned(), String::new()),
            Some(version) if key.tries_left == 0 => {
                (version.to_string(), lang.pick("0 已锁定", "0 blocked").to_owned())
            }
            Some(version) => (version.to_string(), key.tries_left.to_string()),
        };
        rows.push([name.clone(), version, tries, origin.to_owned()]);
    }
    // The master key of the certificate application is in no row of the table.
    rows.extend(
        given
            .iter()
            .map(|name| [(*name).to_owned(), String::new(), String::new(), lang.pick("文件", "a file").to_owned()]),
    );
    let wide = |text: &str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let widths: [usize; 4] = std::array::from_fn(|at| rows.iter().map(|row| wide(&row[at])).max().unwrap_or_default());
    let cell = |(text, width): (&String, &usize)| format!("{text}{}", " ".repeat(width - wide(text) + 2));
    let lines = rows.iter().map(|row| row.iter().zip(&widths).map(cell).collect::<String>());
    lines.map(|line| format!("  {}\n", line.trim_end())).collect()
}

/// Whether a key of a file, `UKSSSE version 2`, is the one at `SSSE.UKSSSE` or `DF01.DPK v2`.
fn is_of(given: &str, place: &str, key: &KeyInspection) -> bool {
    let Some((name, version)) = given.split_once(" version ") else { return false };
    let (_, slot) = place.split_once('.').unwrap_or(("", place));
    let slot = slot.split_once(" v").map_or(slot, |(slot, _)| slot);
    slot == name && key.version.is_some_and(|it| it.to_string() == version)
}

/// A word of an inspection; the names of directories have no other.
fn in_words(lang: Lang, word: &str) -> &str {
    match word {
        "card" => lang.pick("卡片", word),
        "purchases" => lang.pick("消费", word),
        "temporarily" => lang.pick("临时", word),
        "for good" => lang.pick("永久", word),
        name => name,
    }
}

/// Hex with long runs of one byte as `00×4096`: an empty photo is a word, not a screen.
fn condensed(hex: &str) -> String {
    let pairs: Vec<&str> = (0..hex.len() / 2).filter_map(|at| hex.get(2 * at..2 * at + 2)).collect();
    let runs = pairs.chunk_by(|a, b| a == b);
    let words = runs.map(|run| if run.len() < RUN_MIN { run.concat() } else { format!(" {}×{} ", run[0], run.len()) });
    words.collect::<String>().trim().replace("  ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::rehearsal::MARK;

    #[test]
    fn an_inspection_tells_the_money_of_a_purse_and_what_is_blocked() {
        let profile = card_profiles::builtin("pboc-purse").expect("built in");
        let card = crate::Card::factory(&profile, [0; 6], &card_core::key::Key16::new([0x11; 16])).expect("a card");
        let mut inside = card.inspect();
        let purse = inside.purse.as_mut().expect("a purse");
        (purse.deposit, purse.overdraw_limit, purse.purse) = (12_345, 5_000, 678);
        (purse.deposit_sequences, purse.purse_sequences) = ((3, 4), (5, 6));
        inside.blocked = [("card", "for good"), ("ADF1", "temporarily"), ("purchases", "for good")]
            .map(|(what, how)| (what.to_owned(), how))
            .into();
        let identity = Identity {
            mark: MARK.to_owned(),
            profile: String::new(),
            atr: String::new(),
            lot: 0,
            given_keys: ["DPK version 1", "MKCERT version 1"].map(str::to_owned).into(),
            beside: Vec::new(),
        };
        inside.keys.insert("ADF1.DPK".to_owned(), KeyInspection { version: Some(1), tries_left: 0 });
        let told = |lang| inspection(lang, &identity, &inside);
        for line in [
            "electronic deposit: 123.45",
            "overdraw limit in it: 50.00",
            "deposit sequences, online and offline: 3, 4",
            "electronic purse: 6.78",
            "purse sequences, online and offline: 5, 6",
            "blocked: card for good",
            "blocked: ADF1 temporarily",
            "blocked: purchases for good",
            "  name              version     tries left  from",
            "  ADF1.DPK          1           0 blocked   a file",
            "  ADF1.DLK          not loaded",
        ] {
            assert!(told(Lang::En).lines().any(|one| one == line), "{line} in {}", told(Lang::En));
        }
        for line in [
            "电子存折余额: 123.45",
            "电子钱包余额: 6.78",
            "已锁定: 卡片 永久",
            "已锁定: ADF1 临时",
            "  ADF1.DPK          1       0 已锁定  文件",
            "  MKCERT version 1                    文件",
        ] {
            assert!(told(Lang::Zh).lines().any(|one| one == line), "{line} in {}", told(Lang::Zh));
        }
    }

    #[test]
    fn long_runs_of_one_byte_are_counted() {
        for (hex, text) in [
            ("", ""),
            ("0504FFFFFFFF", "0504FFFFFFFF"),
            (&"00".repeat(15), &"00".repeat(15)),
            (&"00".repeat(4096), "00×4096"),
            (&format!("0102{}FF", "00".repeat(16)), "0102 00×16 FF"),
            (&format!("{}{}", "AA".repeat(20), "00".repeat(16)), "AA×20 00×16"),
        ] {
            assert_eq!(condensed(hex), text);
        }
    }
}
