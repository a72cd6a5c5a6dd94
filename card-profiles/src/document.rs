//! A profile as a document for people: Markdown with every file, item, key, command and assumption.
//!
//! Owns: the document, made from the same rows as everything else. Never: adds a fact that the profile does not state,
//! but for the editions of code lists.

mod rules;

use std::fmt::Write as _;

use card_core::algorithm::Algorithm;

use crate::assumption::assumptions;
use crate::certificate::CertificateContent;
use crate::codes::LISTS;
use crate::profile::{CardKind, Df, Ef, EfKind, Element, Profile};

/// The document. Table heads in both languages.
#[must_use]
pub fn document(profile: &Profile) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(profile, &mut text);
    text
}

fn write(profile: &Profile, out: &mut String) -> std::fmt::Result {
    writeln!(out, "# {}: {}\n\n{}\n", profile.name, profile.title, profile.source)?;
    if let Some(base) = &profile.base {
        writeln!(out, "Extends `{base}`.\n")?;
    }
    card(profile, out)?;
    options(profile, out)?;
    for df in &profile.df {
        directory(df, out)?;
    }
    code_lists(profile, out)?;
    keys(profile, out)?;
    commands(profile, out)?;
    rules::write(profile, out)?;
    certificates(profile, out)?;
    writeln!(out, "## 假设 Assumptions\n")?;
    for row in assumptions(profile).iter().filter(|row| row.doubt.word() == "assumed") {
        match row.doubt.zh() {
            Some(zh) => writeln!(out, "- {}: {zh} / {}", row.place, row.doubt.text())?,
            None => writeln!(out, "- {}: {}", row.place, row.doubt.text())?,
        }
    }
    Ok(())
}

fn options(profile: &Profile, out: &mut String) -> std::fmt::Result {
    if profile.option.is_empty() {
        return Ok(());
    }
    writeln!(out, "## 可选项 Options\n\n| 名称 name | 说明 title | 所选 choice | 其他 others |\n|---|---|---|---|")?;
    for (name, option) in &profile.option {
        let others = option.choices.keys().filter(|word| **word != option.choice).cloned().collect::<Vec<_>>();
        writeln!(out, "| {name} | {} | {} | {} |", option.title, option.choice, others.join(", "))?;
    }
    writeln!(out)
}

fn card(profile: &Profile, out: &mut String) -> std::fmt::Result {
    let hex = |bytes: &[u8]| hex::encode_upper(bytes);
    writeln!(out, "## 卡片 Card\n\n| 项 item | 值 value |\n|---|---|")?;
    let kind = match profile.kind {
        CardKind::User => "用户卡 user card",
        CardKind::Psam => "PSAM",
    };
    writeln!(out, "| 种类 kind | {kind} |")?;
    if !profile.version.is_empty() {
        writeln!(out, "| 规范版本 version | {} |", profile.version)?;
    }
    let algorithm = match profile.algorithm {
        Algorithm::Tdes => "3DES",
        Algorithm::Sm4 => "SM4",
    };
    writeln!(out, "| 算法 algorithm | {} |", algorithm)?;
    writeln!(out, "| 容量 capacity | {} 字节 bytes |", profile.capacity)?;
    writeln!(out, "| 复位应答 ATR | {} {} + 6 |", hex(&profile.atr.prefix), hex(&profile.atr.maker))?;
    if let Some(pin) = &profile.pin {
        writeln!(out, "| PIN | {}-{} 字节 bytes, {} 次 tries |", pin.bytes_min, pin.bytes_max, pin.tries)?;
    }
    let load = &profile.key_load;
    writeln!(out, "| 密钥装载 key load | {}, 随机数 challenge {} |", hex(&load.command), load.challenge)?;
    if let Some(row) = &profile.blocking {
        let commands = [
            ("应用锁定 APPLICATION BLOCK", &row.application_block),
            ("应用永久锁定 APPLICATION BLOCK for good", &row.application_block_for_good),
            ("应用解锁 APPLICATION UNBLOCK", &row.application_unblock),
            ("卡锁定 CARD BLOCK", &row.card_block),
        ];
        for (name, header) in commands {
            writeln!(out, "| {name} | {}, 随机数 challenge {} |", hex(header), row.challenge)?;
        }
    }
    writeln!(out)
}

fn directory(df: &Df, out: &mut String) -> std::fmt::Result {
    let name = if df.df_name.is_empty() { String::new() } else { format!(", {}", hex::encode_upper(&df.df_name)) };
    writeln!(out, "## {} {} ({:04X}{name})\n\n主控密钥 control key: {}\n", df.id, df.name, df.fid, df.control_key)?;
    for ef in &df.ef {
        file(ef, out)?;
    }
    Ok(())
}

fn file(ef: &Ef, out: &mut String) -> std::fmt::Result {
    let kind = match ef.kind {
        EfKind::TlvRecords => "记录 TLV records",
        EfKind::Cyclic => "循环 cyclic",
        EfKind::Transparent => "透明 transparent",
    };
    writeln!(out, "### {} {}\n", ef.id, ef.name)?;
    writeln!(out, "| FID | SFI | 结构 kind | 记录 records | 字节 bytes | 读 read | 改 update | 可信度 confidence |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    let listed = ef.size_listed.map_or_else(String::new, |listed| format!(" (listed {listed})"));
    let confidence = ef.confidence.as_deref().unwrap_or("H");
    writeln!(
        out,
        "| {:04X} | {:02X} | {kind} | {} | {}{listed} | {} | {} | {confidence} |\n",
        ef.fid,
        ef.sfi(),
        ef.records,
        ef.size,
        ef.read,
        ef.update
    )?;
    if !ef.elements.is_empty() {
        writeln!(
            out,
            "| 序号 no. | 标识 tag | 名称 name | id | 格式 format | 可信度 confidence |\n|---|---|---|---|---|---|"
        )?;
        for (number, row) in (1..).zip(&ef.elements) {
            element(&format!("{number}"), row, out)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn element(number: &str, row: &Element, out: &mut String) -> std::fmt::Result {
    let tag = row.tag.map_or_else(String::new, |tag| format!("{tag:02X}"));
    let (name, confidence) = (row.name.as_deref().unwrap_or("—"), row.confidence.as_deref().unwrap_or("H"));
    let listed = row.format_listed.map_or_else(String::new, |listed| format!(" (listed {listed})"));
    let fixed = row.value.as_ref().map_or_else(String::new, |value| format!(" = {value}"));
    writeln!(out, "| {number} | {tag} | {name} | {} | {}{listed}{fixed} | {confidence} |", row.id, row.format)?;
    row.inner.iter().try_for_each(|inner| element("", inner, out))
}

/// The code lists whose values stand on this card, with their editions.
/// Lists short enough to stand in a document.
const LISTS_SHOWN: [&str; 4] = ["GB/T 2261.1", "GB/T 2261.2", "GB/T 4658", "GB/T 4762"];

fn code_lists(profile: &Profile, out: &mut String) -> std::fmt::Result {
    let whole = || profile.df.iter().flat_map(|df| &df.ef).flat_map(|ef| &ef.elements);
    let ids = || whole().flat_map(|row| std::iter::once(row).chain(&row.inner)).map(|row| &*row.id);
    let named: Vec<_> = LISTS.iter().filter(|list| ids().any(|id| list.is_of(id))).collect();
    if named.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## 代码表 Code lists\n\n| 标准 standard | 内容 subject | 版本 edition | 代码数 values |\n|---|---|---|---|"
    )?;
    for list in named {
        let ((zh, en), (edition_zh, edition_en)) = (list.subject, list.edition);
        writeln!(out, "| {} | {zh} {en} | {edition_zh} / {edition_en} | {} |", list.standard, list.values())?;
    }
    for list in LISTS_SHOWN.iter().filter_map(|standard| LISTS.iter().find(|list| list.standard == *standard)) {
        if ids().any(|id| list.is_of(id)) {
            let values: Vec<String> = list.rows().map(|(code, name)| format!("{code} {name}")).collect();
            writeln!(out, "\n{} {}: {}", list.standard, list.subject.0, values.join("；"))?;
        }
    }
    writeln!(out)
}

fn keys(profile: &Profile, out: &mut String) -> std::fmt::Result {
    writeln!(out, "## 密钥 Keys\n")?;
    writeln!(
        out,
        "| 名称 name | DF | 用途 purpose | 类 class | id | usage | PSAM | HSM | 字节 bytes | 次数 tries | 可信度 confidence |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|---|")?;
    for key in &profile.key {
        let psam = match (key.psam, key.psam_id) {
            (Some(psam), _) => format!("{:02X} {:02X}", psam.usage, psam.id),
            (None, Some(id)) => format!("— {id:02X}"),
            (None, None) => String::new(),
        };
        let version = key.version.map_or_else(String::new, |version| format!(" v{version}"));
        let class = format!("{:?}", key.class).to_uppercase();
        writeln!(
            out,
            "| {}{version} | {} | {} | {class} | {:02X} | {:02X} | {psam} | {} | {} | {} | {} |",
            key.name,
            key.df,
            key.purpose,
            key.id,
            key.usage,
            key.hsm.join(" "),
            key.length.bytes(),
            key.tries,
            key.confidence.as_deref().unwrap_or("H")
        )?;
        for row in &key.versions {
            let psam = row.psam.map_or_else(String::new, |psam| format!("{:02X} {:02X}", psam.usage, psam.id));
            let (name, version, hsm) = (&key.name, row.version, row.hsm.join(" "));
            writeln!(out, "| {name} v{version} | {} | | | | | {psam} | {hsm} | | | |", key.df)?;
        }
    }
    writeln!(out)
}

fn commands(profile: &Profile, out: &mut String) -> std::fmt::Result {
    let mut rows: Vec<(&str, [u8; 4])> = Vec::new();
    if let Some(rules) = &profile.account {
        rows.extend([
            ("GET BALANCE", rules.get_balance.header()),
            ("INITIALIZE FOR LOAD", rules.init_load.header()),
            ("CREDIT FOR LOAD", rules.credit_load.header()),
            ("INITIALIZE FOR PURCHASE", rules.init_purchase.header()),
            ("DEBIT FOR PURCHASE", rules.debit_purchase.header()),
        ]);
        rows.extend(rules.prove.map(|row| ("GET TRANSACTION PROVE", row.header())));
    }
    if let Some(rules) = &profile.purse {
        let commands = &rules.commands;
        rows.extend([
            ("INITIALIZE FOR LOAD", commands.init_load.header()),
            ("CREDIT FOR LOAD", commands.credit_load.header()),
            ("INITIALIZE FOR PURCHASE", commands.init_purchase.header()),
            ("DEBIT", commands.debit.header()),
            ("INITIALIZE FOR CASH WITHDRAW", commands.init_cash.header()),
            ("INITIALIZE FOR CAPP PURCHASE", commands.init_composite.header()),
            ("UPDATE CAPP DATA CACHE", commands.update_cache.header()),
            ("INITIALIZE FOR UNLOAD", commands.init_unload.header()),
            ("DEBIT FOR UNLOAD", commands.debit_unload.header()),
            ("INITIALIZE FOR UPDATE", commands.init_overdraw.header()),
            ("UPDATE OVERDRAW LIMIT", commands.update_overdraw.header()),
            ("GET BALANCE", commands.get_balance.header()),
            ("GET TRANSACTION PROVE", commands.prove.header()),
            ("CHANGE PIN", commands.change_pin.header()),
            ("RELOAD PIN", commands.reload_pin.header()),
            ("PIN UNBLOCK", commands.unblock_pin.header()),
            ("APPLICATION BLOCK", commands.block.header()),
            ("APPLICATION UNBLOCK", commands.unblock.header()),
            ("CARD BLOCK", commands.block_card.header()),
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "## 账户命令 Account commands\n\n| 命令 command | CLA INS P1 P2 |\n|---|---|")?;
    for (name, header) in rows {
        writeln!(out, "| {name} | {} |", hex::encode_upper(header))?;
    }
    writeln!(out)
}

fn certificates(profile: &Profile, out: &mut String) -> std::fmt::Result {
    let Some(rules) = &profile.certificate else { return Ok(()) };
    let name = |bytes: &[u8]| hex::encode_upper(bytes);
    writeln!(out, "## 证书应用 Certificate application\n")?;
    writeln!(
        out,
        "DDF {}, ADF {} ({:04X}). SM2, 用户标识 user id `{}`.\n",
        name(&rules.df_name),
        name(&rules.application_name),
        rules.application_fid,
        rules.user_id
    )?;
    writeln!(out, "| 文件 file | 名称 name | FID | 内容 content | 字节 bytes | 可读 readable | 可信度 confidence |")?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    for file in &rules.file {
        let content = match file.content {
            CertificateContent::PublicKey => "公钥 public key",
            CertificateContent::PrivateKey => "私钥 private key",
            CertificateContent::Certificate => "证书 certificate",
        };
        let (readable, confidence) = (if file.readable { "是 yes" } else { "否 no" }, file.confidence.as_deref());
        let (id, size, confidence) = (&file.id, file.size, confidence.unwrap_or("H"));
        writeln!(out, "| {id} | {} | {:04X} | {content} | {size} | {readable} | {confidence} |", file.name, file.fid)?;
    }
    writeln!(out, "\n| 命令 command | CLA INS P1 P2 |\n|---|---|")?;
    for pin in [&rules.user_pin, &rules.administrator_pin] {
        let length = if pin.bytes == 0 { "2-6".to_owned() } else { pin.bytes.to_string() };
        let header = name(&pin.verify.header());
        let (name, id, tries) = (&pin.name, pin.id, pin.tries);
        writeln!(out, "| VERIFY {name} {id:02X} ({length} 字节 bytes, {tries} 次 tries) | {header} |")?;
    }
    for (command, row) in rules.commands.rows() {
        writeln!(out, "| {command} | {} |", name(&row.header()))?;
    }
    if let Some(access) = rules.access {
        writeln!(out, "\n| 操作 operation | 条件 condition |\n|---|---|")?;
        for (operation, right) in access.rows() {
            writeln!(out, "| {operation} | {} |", right.text())?;
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;
    use crate::builtin::names;

    #[test]
    fn the_document_names_every_file_item_and_key() {
        for name in names() {
            let profile = builtin(name).expect("built in");
            let text = document(&profile);
            for ef in profile.df.iter().flat_map(|df| &df.ef) {
                assert!(text.contains(&format!("### {} {}", ef.id, ef.name)), "{name}: {}", ef.id);
                assert!(ef.elements.iter().all(|row| text.contains(&format!("| {} |", row.id))), "{name}: {}", ef.id);
            }
            for key in &profile.key {
                let version = key.version.map_or_else(String::new, |version| format!(" v{version}"));
                assert!(text.contains(&format!("| {}{version} | {} |", key.name, key.df)), "{name}: {}", key.name);
            }
            let has_codes = profile.df.iter().any(|df| df.id == "SSSE");
            assert_eq!(text.contains("| GB/T 3304 | 民族 ethnic groups | 1991"), has_codes, "{name}");
            let Some(rules) = &profile.certificate else { continue };
            assert!(rules.file.iter().all(|file| text.contains(&format!("| {} | {} |", file.id, file.name))), "{name}");
            for (command, row) in rules.commands.rows() {
                assert!(text.contains(&format!("| {command} | {} |", hex::encode_upper(row.header()))), "{name}");
            }
            assert!(text.contains("| sign | 用户 PIN user PIN |"), "{name}");
        }
    }
}
