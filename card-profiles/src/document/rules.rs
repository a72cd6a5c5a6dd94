//! The rules of a profile for people: algorithm, MF, account, purses, PSAM, row by row with its value.
//!
//! Owns: what each row is called, in Chinese and English. Never: leaves a row out that changes what a card does.

use std::fmt::Write as _;

use card_core::algorithm::Named;

use crate::access::Access;
use crate::account::{AccountRules, DebitDate, Field, SequenceConvention, YearCoding};
use crate::profile::{MfEnvironment, Profile};
use crate::purse::{BlockedSelect, FactorOrder, PurseRules};

/// A row: its key in the profile text, what it says in Chinese and English, its value.
type Row = (&'static str, &'static str, String);

pub(super) fn write(profile: &Profile, out: &mut String) -> std::fmt::Result {
    table("算法规则 Algorithm rules", &algorithm(profile), out)?;
    table("主文件 MF", &mf(profile), out)?;
    if let Some(rules) = &profile.account {
        table("账户规则 Account rules", &account(rules), out)?;
    }
    if let Some(rules) = &profile.purse {
        table("钱包规则 Purse rules", &purse(rules), out)?;
    }
    if profile.psam_names().is_some() {
        table("PSAM 规则 PSAM rules", &psam(profile), out)?;
    }
    Ok(())
}

fn table(title: &str, rows: &[Row], out: &mut String) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "## {title}\n\n| 行 row | 含义 meaning | 值 value |\n|---|---|---|")?;
    for (key, meaning, value) in rows {
        writeln!(out, "| {key} | {meaning} | {value} |")?;
    }
    writeln!(out)
}

fn algorithm(profile: &Profile) -> Vec<Row> {
    let rules = profile.rules();
    let version = rules.key_version_byte.map_or_else(|| "—".to_owned(), |byte| format!("{byte:02X}"));
    vec![
        ("authentication", "认证所用密钥 key of an authentication", name(rules.authentication)),
        ("key_version_byte", "认证数据后的密钥版本字节 key version byte after the data", version),
        (
            "algorithm_byte",
            "交易初始化应答的算法标识 algorithm byte that INITIALIZE answers",
            format!("{:02X}", profile.algorithm_byte()),
        ),
        (
            "authentication_filling",
            "认证分组的填充 filling of a block in authentication",
            name(rules.authentication_filling),
        ),
        (
            "transaction_filling",
            "交易过程密钥的填充 filling of the seed of a transaction",
            name(rules.transaction_filling),
        ),
        ("cryptogram", "认证密文取哪 8 字节 which 8 bytes are sent", name(rules.cryptogram)),
        ("message_mac", "报文 MAC 取哪 4 字节 which 4 bytes are the MAC of a message", name(rules.message_mac)),
        (
            "transaction_mac",
            "交易 MAC 取哪 4 字节 which 4 bytes are the MAC of a transaction",
            name(rules.transaction_mac),
        ),
        ("tac_key", "TAC 所用密钥 key of the TAC", name(rules.tac_key)),
    ]
}

fn mf(profile: &Profile) -> Vec<Row> {
    profile
        .mf
        .iter()
        .flat_map(|row| {
            let place = match row.environment {
                MfEnvironment::Below => "在 MF 之下 below it",
                MfEnvironment::Itself => "即 MF the MF itself",
            };
            let name = if row.df_name.is_empty() { "—".to_owned() } else { hex::encode_upper(&row.df_name) };
            [
                ("environment", "环境的位置 where the environment lies", place.to_owned()),
                ("df_name", "3F00 的名称 name in the FCI of 3F00", name),
            ]
        })
        .collect()
}

fn account(rules: &AccountRules) -> Vec<Row> {
    let byte = |value: u8| format!("{value:02X}");
    let mac = &rules.mac;
    vec![
        ("df, log", "目录与明细文件 directory and log", format!("{}.{}", rules.df, rules.log)),
        ("purchase_key", "消费密钥 purchase key", rules.purchase_key.to_string()),
        ("load_key", "划入密钥 load key", rules.load_key.to_string()),
        ("tac_key", "TAC 密钥 TAC key", rules.tac_key.to_string()),
        ("key_index", "密钥索引 key index", byte(rules.key_index)),
        ("purchase_type", "消费交易类型 type of a purchase", byte(rules.purchase_type)),
        ("load_type", "划入交易类型 type of a load", byte(rules.load_type)),
        ("purchase_access", "消费条件 before a purchase", access(&rules.purchase_access)),
        ("load_access", "划入条件 before a load", access(&rules.load_access)),
        ("balance_access", "查询余额条件 before a balance", access(&rules.balance_access)),
        ("sequence_convention", "明细与证明的序号 number in log and proof", sequence(rules.sequence_convention)),
        ("debit_date", "日期检查 day and time", date(rules.debit_date)),
        ("totals_year", "累计年度的编码 coding of the year of totals", coding(rules.totals_year)),
        ("mac.purchase_mac1", "消费 MAC1 MAC1 of a purchase", fields(&mac.purchase_mac1)),
        ("mac.purchase_mac2", "消费 MAC2 MAC2 of a purchase", fields(&mac.purchase_mac2)),
        ("mac.purchase_tac", "消费 TAC TAC of a purchase", fields(&mac.purchase_tac)),
        ("mac.load_mac1", "划入 MAC1 MAC1 of a load", fields(&mac.load_mac1)),
        ("mac.load_mac2", "划入 MAC2 MAC2 of a load", fields(&mac.load_mac2)),
        ("mac.load_tac", "划入 TAC TAC of a load", fields(&mac.load_tac)),
    ]
}

fn purse(rules: &PurseRules) -> Vec<Row> {
    let byte = |value: u8| format!("{value:02X}");
    let (keys, types, rights, mac) = (&rules.keys, &rules.types, &rules.access, &rules.mac);
    let select = match rules.blocked_select {
        BlockedSelect::Fci => "6283 与 FCI 6283 with the FCI",
        BlockedSelect::Refused => "6A81",
    };
    vec![
        ("df", "目录 directory", rules.df.clone()),
        ("public_data, log", "公共数据与明细文件 public data and log", format!("{}, {}", rules.public_data, rules.log)),
        ("logs_ep_purchase", "电子钱包消费记入明细 EP purchases are logged", yes(rules.logs_ep_purchase)),
        ("keys.purchase", "消费密钥 purchase key", keys.purchase.to_string()),
        ("keys.load", "圈存密钥 load key", keys.load.to_string()),
        ("keys.unload", "圈提密钥 unload key", keys.unload.to_string()),
        ("keys.overdraw", "修改透支限额密钥 overdraw key", keys.overdraw.to_string()),
        ("keys.tac", "TAC 密钥 TAC key", keys.tac.to_string()),
        ("keys.maintenance", "应用维护密钥 maintenance key", keys.maintenance.to_string()),
        ("keys.unblock_pin", "口令解锁密钥 PIN unblock key", keys.unblock_pin.to_string()),
        ("keys.reload_pin", "口令重装密钥 PIN reload key", keys.reload_pin.to_string()),
        ("key_index", "密钥索引 key index", byte(rules.key_index)),
        ("pin_id", "口令标识 id of the PIN", byte(rules.pin_id)),
        ("types.ed_load", "电子存折圈存 ED load", byte(types.ed_load)),
        ("types.ep_load", "电子钱包圈存 EP load", byte(types.ep_load)),
        ("types.unload", "圈提 unload", byte(types.unload)),
        ("types.cash", "取现 cash withdrawal", byte(types.cash)),
        ("types.ed_purchase", "电子存折消费 ED purchase", byte(types.ed_purchase)),
        ("types.ep_purchase", "电子钱包消费 EP purchase", byte(types.ep_purchase)),
        ("types.overdraw", "修改透支限额 overdraw limit", byte(types.overdraw)),
        ("types.composite", "复合应用消费 composite purchase", byte(types.composite)),
        ("access.load", "圈存条件 before a load", access(&rights.load)),
        ("access.ed_purchase", "电子存折消费条件 before an ED purchase", access(&rights.ed_purchase)),
        ("access.ep_purchase", "电子钱包消费条件 before an EP purchase", access(&rights.ep_purchase)),
        ("access.cash", "取现条件 before a cash withdrawal", access(&rights.cash)),
        ("access.unload", "圈提条件 before an unload", access(&rights.unload)),
        ("access.overdraw", "修改透支限额条件 before an overdraw limit", access(&rights.overdraw)),
        ("access.ed_balance", "查询电子存折余额条件 before the ED's balance", access(&rights.ed_balance)),
        ("access.ep_balance", "查询电子钱包余额条件 before the EP's balance", access(&rights.ep_balance)),
        ("log_sequence", "明细的序号 number in the log", sequence(rules.log_sequence)),
        ("prove_sequence", "交易证明的序号 number in a proof", sequence(rules.prove_sequence)),
        ("overdraw_tac_key", "透支限额 TAC 的密钥 key of the TAC of a limit", name(rules.overdraw_tac_key)),
        ("drops_pin", "交易后须重新校验口令 a transaction ends the PIN's right", yes(rules.drops_pin)),
        (
            "enciphers_cache",
            "带 MAC 的缓存记录加密 a cached record under MAC is enciphered",
            yes(rules.enciphers_cache),
        ),
        ("debit_date", "日期检查 day and time", date(rules.debit_date)),
        ("blocked_select", "选择已锁定的应用 selecting a blocked application", select.to_owned()),
        ("factors", "分散级数 factors from the root keys to the card's", rules.factors.to_string()),
        ("mac.load_mac1", "圈存 MAC1 MAC1 of a load", fields(&mac.load_mac1)),
        ("mac.load_mac2", "圈存 MAC2 MAC2 of a load", fields(&mac.load_mac2)),
        ("mac.load_tac", "圈存 TAC TAC of a load", fields(&mac.load_tac)),
        ("mac.purchase_mac1", "消费 MAC1 MAC1 of a purchase", fields(&mac.purchase_mac1)),
        ("mac.purchase_mac2", "消费 MAC2 MAC2 of a purchase", fields(&mac.purchase_mac2)),
        ("mac.purchase_tac", "消费 TAC TAC of a purchase", fields(&mac.purchase_tac)),
        ("mac.unload_mac1", "圈提 MAC1 MAC1 of an unload", fields(&mac.unload_mac1)),
        ("mac.unload_mac2", "圈提 MAC2 MAC2 of an unload", fields(&mac.unload_mac2)),
        ("mac.unload_mac3", "圈提 MAC3 MAC3 of an unload", fields(&mac.unload_mac3)),
        ("mac.overdraw_mac1", "透支限额 MAC1 MAC1 of a limit", fields(&mac.overdraw_mac1)),
        ("mac.overdraw_mac2", "透支限额 MAC2 MAC2 of a limit", fields(&mac.overdraw_mac2)),
        ("mac.overdraw_tac", "透支限额 TAC TAC of a limit", fields(&mac.overdraw_tac)),
    ]
}

fn psam(profile: &Profile) -> Vec<Row> {
    let rules = &profile.psam;
    let order = match rules.factor_order {
        FactorOrder::CardFirst => "卡片因子在前 the card's first",
        FactorOrder::CardLast => "卡片因子在后 the card's last",
    };
    let levels = rules.purchase_levels.map_or_else(|| "—".to_owned(), |levels| levels.to_string());
    let most = match rules.wrong_mac2_max {
        0 => "不限 no limit".to_owned(),
        most => most.to_string(),
    };
    let code = match rules.authentication_code.as_slice() {
        [] => "—".to_owned(),
        code => hex::encode_upper(code),
    };
    let shared = match rules.shared_files.as_slice() {
        [] => "—".to_owned(),
        files => files.join(" "),
    };
    vec![
        ("factor_order", "分散因子的次序 order of the factors", order.to_owned()),
        ("purchase_levels", "消费接受的因子数 factors that a purchase takes", levels),
        ("wrong_mac2_max", "连续错误 MAC2 的上限 wrong MAC2 in a row", most),
        ("checks_expiry", "过期后拒绝消费 no purchase after the expiry date", yes(rules.checks_expiry)),
        ("checks_start", "启用前拒绝消费 no purchase before the start date", yes(rules.checks_start)),
        ("authentication_code", "安全认证码 security authentication code", code),
        ("shared_files", "两个环境共用的文件 files that both environments share", shared),
    ]
}

/// The word that a profile has for a choice.
fn name<T: Named + PartialEq>(choice: T) -> String {
    let known = T::NAMES.iter().find(|(_, other)| *other == choice);
    known.map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn access(access: &Access) -> String {
    access.to_string()
}

fn yes(is: bool) -> String {
    if is { "是 yes" } else { "否 no" }.to_owned()
}

fn sequence(convention: SequenceConvention) -> String {
    match convention {
        SequenceConvention::Before => "加一之前 before the step",
        SequenceConvention::After => "加一之后 after the step",
    }
    .to_owned()
}

fn coding(coding: YearCoding) -> String {
    match coding {
        YearCoding::Bcd => "四位数字 bcd",
        YearCoding::Binary => "二进制数 binary",
    }
    .to_owned()
}

fn date(rule: DebitDate) -> String {
    match rule {
        DebitDate::Calendar => "检查日历，不检查年份 calendar",
        DebitDate::Checked => "检查 checked",
        DebitDate::Any => "不检查 any",
    }
    .to_owned()
}

fn fields(fields: &[Field]) -> String {
    fields.iter().map(|field| field.word()).collect::<Vec<_>>().join(" ‖ ")
}
