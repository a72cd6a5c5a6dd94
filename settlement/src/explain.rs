//! Errors of this crate for the person at the counter: stable code, what happened, what to do next, in two languages.
//!
//! Owns: the texts. `Display` of each error is its English sentence; here stand the Chinese one and both remedies.
//! Never: knows exit codes; shows more of a file than place and reason.

use crate::bill::BillError;
use crate::catalogue::{CatalogueFault, NotSold, Problem};
use crate::code::Language;
use crate::fen::FenError;
use crate::policy::{PolicyFault, PolicyProblem};
use crate::recovery::Contradiction;
use crate::split::SplitError;

/// An error that a person can act on.
pub trait Explain {
    /// Stable code.
    fn code(&self) -> &'static str;
    /// What happened, and where.
    fn message(&self, language: Language) -> String;
    /// What to do next.
    fn remedy(&self, language: Language) -> &'static str;
}

const fn choose(language: Language, zh: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}

impl Explain for BillError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "BILL_TOO_LARGE",
            Self::Malformed(_) => "BILL_MALFORMED",
            Self::ItemCount(_) => "BILL_ITEM_COUNT",
            Self::Prescription { .. } => "BILL_PRESCRIPTION",
        }
    }

    fn message(&self, language: Language) -> String {
        match (language, self) {
            (Language::En, _) => self.to_string(),
            (Language::Zh, Self::TooLarge(bytes)) => format!("单据有 {bytes} 字节,过大"),
            (Language::Zh, Self::Malformed(error)) => {
                format!("单据格式错误,第 {} 行第 {} 列:{error}", error.line(), error.column())
            }
            (Language::Zh, Self::ItemCount(count)) => format!("单据有 {count} 项,项数不符"),
            (Language::Zh, Self::Prescription { item }) => format!("第 {item} 项:处方号(rx)为空、过长或含控制字符"),
        }
    }

    fn remedy(&self, language: Language) -> &'static str {
        choose(
            language,
            "请在收银系统改正单据后重试,卡未动",
            "mend the bill in the till and try again; the card is untouched",
        )
    }
}

impl Explain for FenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Overflow => "AMOUNT_OVERFLOW",
            Self::NotOnCard(_) => "AMOUNT_NOT_ON_CARD",
            Self::NotYuan => "AMOUNT_MALFORMED",
        }
    }

    fn message(&self, language: Language) -> String {
        match (language, self) {
            (Language::En, _) => self.to_string(),
            (Language::Zh, Self::Overflow) => "金额溢出".into(),
            (Language::Zh, Self::NotOnCard(amount)) => format!("{amount} 元超出卡片可表示的范围(0.00 至 42949672.95)"),
            (Language::Zh, Self::NotYuan) => "不是金额,应为至多两位小数的数字,如 12.50".into(),
        }
    }

    fn remedy(&self, language: Language) -> &'static str {
        choose(language, "请核对金额", "check the amount")
    }
}

impl Explain for SplitError {
    fn code(&self) -> &'static str {
        match self {
            Self::Bill(error) => error.code(),
            Self::NotSold { why: NotSold::NotInCatalogue, .. } => "DRUG_NOT_IN_CATALOGUE",
            Self::NotSold { why: NotSold::NotValidOnDay, .. } => "DRUG_NOT_VALID",
            Self::PrescriptionMissing { .. } => "PRESCRIPTION_MISSING",
            Self::OverQuantity { .. } => "QUANTITY_LIMIT",
            Self::OverSupply { .. } => "SUPPLY_LIMIT",
            Self::SupplyDaysMissing { .. } => "SUPPLY_DAYS_MISSING",
            Self::Nothing { .. } => "LINE_IS_ZERO",
            Self::BalanceShort { .. } => "BALANCE_SHORT",
            Self::Amount(error) => error.code(),
            Self::Identity(_) => "SPLIT_IDENTITY",
        }
    }

    fn message(&self, language: Language) -> String {
        match (language, self) {
            (_, Self::Bill(error)) => error.message(language),
            (_, Self::Amount(error)) => error.message(language),
            (Language::En, _) => self.to_string(),
            (Language::Zh, Self::NotSold { item, code, why: NotSold::NotInCatalogue }) => {
                format!("第 {item} 项,编码 {code}:目录中没有")
            }
            (Language::Zh, Self::NotSold { item, code, why: NotSold::NotValidOnDay }) => {
                format!("第 {item} 项,编码 {code}:业务日期不在有效期内")
            }
            (Language::Zh, Self::PrescriptionMissing { item, code }) => {
                format!("第 {item} 项,编码 {code}:处方药,单据未写处方号(rx)")
            }
            (Language::Zh, Self::OverQuantity { item, code, max, days, bought }) => {
                format!("第 {item} 项,编码 {code}:{days} 天内限量 {max},此前已购 {bought}")
            }
            (Language::Zh, Self::OverSupply { item, code, max, on_hand }) => {
                format!("第 {item} 项,编码 {code}:用药天数上限 {max} 天,余药尚可用 {on_hand} 天")
            }
            (Language::Zh, Self::SupplyDaysMissing { item, code }) => {
                format!("第 {item} 项,编码 {code}:限用药天数,单据未写用药天数(days)")
            }
            (Language::Zh, Self::Nothing { item }) => format!("第 {item} 项:金额为 0.00"),
            (Language::Zh, Self::BalanceShort { needed, balance }) => {
                format!("账户余额 {balance} 元,需要 {needed} 元")
            }
            (Language::Zh, Self::Identity(identity)) => format!("金额不平:{identity}"),
        }
    }

    fn remedy(&self, language: Language) -> &'static str {
        match self {
            Self::Bill(error) => error.remedy(language),
            Self::Amount(error) => error.remedy(language),
            Self::NotSold { .. } => choose(
                language,
                "请更新药品目录,或将该项改为现金销售",
                "update the catalogue, or sell this item for cash outside the card",
            ),
            Self::PrescriptionMissing { .. } => {
                choose(language, "请登记处方号后重试", "enter the prescription's number and try again")
            }
            Self::OverQuantity { .. } | Self::OverSupply { .. } => choose(
                language,
                "请减少数量,或待此前所购用完后再购",
                "sell less, or wait until what was bought before is used up",
            ),
            Self::SupplyDaysMissing { .. } => {
                choose(language, "请在收银系统填写用药天数后重试", "enter the days of supply in the till and try again")
            }
            Self::Nothing { .. } => choose(language, "请核对数量和单价", "check quantity and unit price"),
            Self::BalanceShort { .. } => {
                choose(language, "请改用其他方式支付,或先划入账户", "pay otherwise, or load the account first")
            }
            Self::Identity(_) => {
                choose(language, "程序错误,请保留单据并报告", "a fault of this program: keep the bill and report it")
            }
        }
    }
}

impl Explain for PolicyFault {
    fn code(&self) -> &'static str {
        match self.problem {
            PolicyProblem::Syntax(_) => "POLICY_SYNTAX",
            PolicyProblem::RowMissing(_) => "POLICY_ROW_MISSING",
            PolicyProblem::RowUnknown(_) => "POLICY_ROW_UNKNOWN",
            PolicyProblem::Format(_) => "POLICY_FORMAT",
            PolicyProblem::Name => "POLICY_NAME",
            PolicyProblem::NotOneOf { .. } | PolicyProblem::NotWord { .. } | PolicyProblem::Twice { .. } => {
                "POLICY_WORD"
            }
            PolicyProblem::NotShare(_) => "POLICY_SHARE",
            PolicyProblem::NotFlag(_) => "POLICY_FLAG",
            PolicyProblem::NotTexts(_) => "POLICY_LIST",
        }
    }

    fn message(&self, language: Language) -> String {
        if language == Language::En {
            return self.to_string();
        }
        let quoted = |words: &[&str]| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join("、");
        let problem = match &self.problem {
            PolicyProblem::Syntax(message) => format!("不是 TOML 文本:{message}"),
            PolicyProblem::RowMissing(row) => format!("缺少 {row}"),
            PolicyProblem::RowUnknown(row) => format!("没有 {row} 这一项"),
            PolicyProblem::Format(format) => format!("format:不认识政策格式 {format},应为 1"),
            PolicyProblem::Name => "name:应为 1 至 64 个字符,不含控制字符".into(),
            PolicyProblem::NotOneOf { row, found, words } => {
                format!("{row}:{found:?} 不在可选值 {} 之中", quoted(words))
            }
            PolicyProblem::NotWord { row, words } => format!("{row}:应为加引号的 {} 之一", quoted(words)),
            PolicyProblem::Twice { row, word } => format!("{row}:\"{word}\" 出现了两次"),
            PolicyProblem::NotShare(row) => format!("{row}:应为加引号的 \"0\" 至 \"1\",至多四位小数"),
            PolicyProblem::NotFlag(row) => format!("{row}:应为 true 或 false"),
            PolicyProblem::NotTexts(row) => format!("{row}:应为文本列表,可为 []"),
        };
        format!("第 {} 行第 {} 列:{problem}", self.line, self.column)
    }

    fn remedy(&self, language: Language) -> &'static str {
        choose(
            language,
            "请改正政策文件;各项含义见 docs/policy.md",
            "mend the policy; docs/policy.md explains each row",
        )
    }
}

impl Explain for CatalogueFault {
    fn code(&self) -> &'static str {
        match self.problem {
            Problem::ColumnMissing => "CATALOGUE_COLUMN_MISSING",
            Problem::ColumnRepeated => "CATALOGUE_COLUMN_REPEATED",
            Problem::ColumnUnknown(_) => "CATALOGUE_COLUMN_UNKNOWN",
            Problem::FieldCount { .. } | Problem::NotCsv => "CATALOGUE_NOT_CSV",
            Problem::TooManyRows => "CATALOGUE_TOO_LONG",
            Problem::NoRows => "CATALOGUE_EMPTY",
            Problem::Version => "CATALOGUE_VERSION",
            Problem::Code => "CATALOGUE_CODE",
            Problem::CodeNotListed => "CATALOGUE_CODE_NOT_LISTED",
            Problem::Name => "CATALOGUE_NAME",
            Problem::Class => "CATALOGUE_CLASS",
            Problem::ListType => "CATALOGUE_LIST_TYPE",
            Problem::Ceiling => "CATALOGUE_CEILING",
            Problem::Ratio | Problem::RatioOfClass | Problem::RatioGap(_) => "CATALOGUE_RATIO",
            Problem::StatedTwice => "CATALOGUE_STATED_TWICE",
            Problem::Quantity | Problem::LimitDays | Problem::SupplyDays => "CATALOGUE_LIMIT",
            Problem::Date => "CATALOGUE_DATE",
            Problem::Period => "CATALOGUE_PERIOD",
            Problem::YesNo => "CATALOGUE_YES_NO",
            Problem::Overlap(_) => "CATALOGUE_OVERLAP",
        }
    }

    fn message(&self, language: Language) -> String {
        if language == Language::En {
            return self.to_string();
        }
        let problem = match &self.problem {
            Problem::ColumnMissing => "表头没有这一列".into(),
            Problem::ColumnRepeated => "表头重复了这一列".into(),
            Problem::ColumnUnknown(name) => format!("不认识的列 {name:?}"),
            Problem::FieldCount { fields, expected } => format!("有 {fields} 个字段,表头有 {expected} 个"),
            Problem::NotCsv => "不是 CSV 文本".into(),
            Problem::TooManyRows => "行数过多".into(),
            Problem::NoRows => "没有数据行".into(),
            Problem::Code => "编码应为 1 至 32 个字母、数字、点、横线或下划线".into(),
            Problem::Version => "版本应为 1 至 32 个字母、数字、点、横线或下划线".into(),
            Problem::CodeNotListed => "目录中没有此编码".into(),
            Problem::RatioGap(day) => format!("乙类自 {day} 起没有先行自付比例"),
            Problem::StatedTwice => "此编码另有专门的行,此处应留空".into(),
            Problem::Quantity => "应为大于 0、至多四位小数的数量,或留空".into(),
            Problem::LimitDays => "有限量时应为 1 至 366 天,无限量时留空".into(),
            Problem::SupplyDays => "应为 1 至 366 天,或留空".into(),
            Problem::Name => "名称为空、过长或含控制字符".into(),
            Problem::Class => "应为甲、乙或丙".into(),
            Problem::ListType => "应为 101、102、103、104、201 或 301".into(),
            Problem::Ceiling => "应为大于 0、至多两位小数的元,或留空".into(),
            Problem::Ratio => "应为 0 至 1、至多四位小数".into(),
            Problem::RatioOfClass => "比例与类别不符:甲为 0,乙小于 1,丙为 1 或留空".into(),
            Problem::Date => "应为真实日期 YYYY-MM-DD".into(),
            Problem::Period => "失效日期早于生效日期".into(),
            Problem::YesNo => "应为 是 或 否".into(),
            Problem::Overlap(row) => format!("与第 {row} 行同一编码的有效期重叠"),
        };
        format!("第 {} 行,列 {}:{problem}", self.row, self.column)
    }

    fn remedy(&self, language: Language) -> &'static str {
        choose(
            language,
            "请改正目录文件后重新装入;原目录仍在使用",
            "mend the file and load it again; the old catalogue stays",
        )
    }
}

impl Explain for Contradiction {
    fn code(&self) -> &'static str {
        match self {
            Self::CounterBackwards => "RECOVERY_COUNTER_BACKWARDS",
            Self::BalanceWithoutCounter => "RECOVERY_BALANCE_WITHOUT_COUNTER",
            Self::ShownWithoutCounter => "RECOVERY_SHOWN_WITHOUT_COUNTER",
            Self::LogAgainstProof => "RECOVERY_LOG_AGAINST_PROOF",
            Self::NoEvidence => "RECOVERY_NO_EVIDENCE",
            Self::BalanceAgainstLog => "RECOVERY_BALANCE_AGAINST_LOG",
            Self::NumberedOtherwise => "RECOVERY_NUMBERED_OTHERWISE",
            Self::Amounts => "RECOVERY_AMOUNTS",
        }
    }

    fn message(&self, language: Language) -> String {
        let zh = match self {
            Self::CounterBackwards => "卡的交易序号变小了",
            Self::BalanceWithoutCounter => "余额变了,卡的交易序号没有变",
            Self::ShownWithoutCounter => "日志或证明显示了该交易,卡的交易序号没有变",
            Self::LogAgainstProof => "卡内日志与证明指向不同的交易",
            Self::NoEvidence => "交易序号变了,日志和证明都不能说明是哪一笔",
            Self::BalanceAgainstLog => "余额与卡内日志不符",
            Self::NumberedOtherwise => "卡内日志的编号方式与卡规格描述不同",
            Self::Amounts => "金额超出卡片可表示的范围",
        };
        match language {
            Language::Zh => zh.into(),
            Language::En => self.to_string(),
        }
    }

    fn remedy(&self, language: Language) -> &'static str {
        choose(
            language,
            "该笔保持未确认,此卡在本终端暂不消费;请主管核对后执行 sscard journal judge",
            "the transaction stays uncertain and the card pays nothing here; a supervisor compares, then runs sscard journal judge",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bill::Bill;
    use crate::catalogue::Catalogue;
    use crate::id::DrugCode;
    use crate::policy::Policy;
    use crate::quantity::Quantity;
    use crate::split::{Amount, Identity};

    fn explained(error: &dyn Explain) {
        let (zh, en) = (error.message(Language::Zh), error.message(Language::En));
        assert!(!zh.is_ascii() && !en.is_empty() && zh != en, "{zh} / {en}");
        let (zh_next, en_next) = (error.remedy(Language::Zh), error.remedy(Language::En));
        assert!(!zh_next.is_ascii() && en_next.is_ascii() && !en_next.is_empty());
        let code = error.code();
        assert!(!code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
    }

    #[test]
    fn every_error_of_the_counter_speaks_two_languages() {
        let code = || DrugCode::parse("XA01").expect("word");
        for error in [
            SplitError::Bill(Bill::parse(b"{").expect_err("cut")),
            SplitError::Bill(BillError::TooLarge(1)),
            SplitError::Bill(BillError::ItemCount(0)),
            SplitError::Bill(BillError::Prescription { item: 1 }),
            SplitError::NotSold { item: 1, code: code(), why: NotSold::NotInCatalogue },
            SplitError::NotSold { item: 1, code: code(), why: NotSold::NotValidOnDay },
            SplitError::PrescriptionMissing { item: 1, code: code() },
            SplitError::OverQuantity {
                item: 1,
                code: code(),
                max: Quantity::parse("2").expect("a quantity"),
                days: 7,
                bought: Amount::from(1),
            },
            SplitError::OverSupply { item: 1, code: code(), max: 30, on_hand: 3 },
            SplitError::SupplyDaysMissing { item: 1, code: code() },
            SplitError::Nothing { item: 1 },
            SplitError::BalanceShort { needed: crate::Fen::new(2), balance: crate::Fen::new(1) },
            SplitError::Amount(FenError::Overflow),
            SplitError::Amount(FenError::NotOnCard(crate::Fen::new(-1))),
            SplitError::Amount(FenError::NotYuan),
            SplitError::Identity(Identity::Payers),
        ] {
            explained(&error);
        }
        for why in [
            Contradiction::CounterBackwards,
            Contradiction::BalanceWithoutCounter,
            Contradiction::ShownWithoutCounter,
            Contradiction::LogAgainstProof,
            Contradiction::NoEvidence,
            Contradiction::BalanceAgainstLog,
            Contradiction::NumberedOtherwise,
            Contradiction::Amounts,
        ] {
            explained(&why);
        }
        let rows = "code,colour\n,\n";
        for text in [
            rows,
            "",
            "code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only\n,,,,x,9,,x,\nA\n",
            "# version: a b\n",
            "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药,限量,限量天数,用药天数上限\nA,x,乙,101,,,2026-01-01,,否,,,\nB,x,甲,101,,,2026-01-01,,否,0,0,0\n",
        ] {
            for fault in Catalogue::parse(text).expect_err("faulty") {
                explained(&fault);
            }
        }
        for text in [
            "x",
            "format = 9\nname = 1\nceiling = 1\nshortfall = \"x\"\npool-share = 1\npool-needs-prescription = 1\nassumed = 1\nx = 1",
            "account-pays = [\"in-scope\", \"in-scope\"]",
        ] {
            for fault in Policy::parse(text).expect_err("faulty") {
                explained(&fault);
            }
        }
    }
}
