//! `policy …`: the city's rules of who pays what.
//!
//! Owns: the rules in words, all faults of a text at once. Never: edits a policy, prices a bill.

use std::path::Path;

use settlement::explain::Explain as _;
use settlement::fen::Rounding;
use settlement::policy::{BUILT_IN, CeilingOrder, OverQuantity, Part, Policy, PoolRounds, Shortfall};
use settlement::split::reasons_page;

use crate::arguments::PolicyCommand;
use crate::exit::Exit;
use crate::output::Output;
use crate::page::{Page, Value};
use crate::papers;
use card_counter::error::{Paper, TerminalError};
use card_counter::language::{Language, Words};

/// Runs a command about policies.
pub(super) fn run(output: &Output, command: &PolicyCommand) -> Result<Exit, TerminalError> {
    match command {
        PolicyCommand::Show { file, source } => {
            if *source {
                let text =
                    file.as_deref().map_or_else(|| Ok(BUILT_IN.to_owned()), |path| papers::text(Paper::Policy, path));
                output.paper(&text?)?;
            } else {
                let policy = file.as_deref().map_or_else(|| Ok(Policy::default()), papers::policy)?;
                output.answer(&rules(&policy))?;
            }
            Ok(Exit::Ok)
        }
        PolicyCommand::Check { file } => check(output, file),
        PolicyCommand::Reasons => {
            output.paper(&reasons_page())?;
            Ok(Exit::Ok)
        }
    }
}

fn check(output: &Output, path: &Path) -> Result<Exit, TerminalError> {
    let text = papers::text(Paper::Policy, path)?;
    let (faults, assumed) = match Policy::parse(&text) {
        Ok(policy) => (Vec::new(), policy.assumed),
        Err(faults) => (faults, Vec::new()),
    };
    let row = |fault: &settlement::policy::PolicyFault| {
        let number = |number| Value::Number(i64::try_from(number).unwrap_or(i64::MAX));
        Page::new()
            .with("line", Words::new("行", "line"), number(fault.line))
            .with("column", Words::new("列", "column"), number(fault.column))
            .with("code", Words::new("代码", "code"), Value::text(fault.code()))
            .with("text", Words::new("问题", "what"), Value::Words(Words::explained(fault)))
    };
    let mut page = Page::new().with("file", Words::new("文件", "file"), Value::text(path.display().to_string())).with(
        "faults",
        Words::new("错误", "faults"),
        Value::Table(faults.iter().map(row).collect()),
    );
    if let Some(fault) = faults.first() {
        let next = Words::of(fault.remedy(Language::Zh).to_owned(), fault.remedy(Language::En).to_owned());
        page = page.noted("POLICY_MALFORMED", next);
    } else {
        page = page.with("sound", Words::new("可用", "sound"), Value::Flag(true));
    }
    if !assumed.is_empty() {
        let words = Words::of(
            format!("有 {} 项尚未确认:{}", assumed.len(), assumed.join(";")),
            format!("{} rows are not confirmed: {}", assumed.len(), assumed.join("; ")),
        );
        page = page.noted("POLICY_ASSUMED", words);
    }
    output.answer(&page)?;
    Ok(if faults.is_empty() { Exit::Ok } else { Exit::Mismatch })
}

/// Every rule as a sentence; assumed rows are marked.
fn rules(policy: &Policy) -> Page {
    let assumed = policy.assumed_rows();
    let rule = |row: &'static str, words: Words| {
        Page::new()
            .with("row", Words::new("项", "row"), Value::text(row))
            .with("rule", Words::new("规则", "rule"), Value::Words(words))
            .with("confirmed", Words::new("已确认", "confirmed"), Value::Flag(!assumed.contains(&row)))
    };
    let rows = vec![
        rule("ceiling", ceiling(policy.ceiling)),
        rule("account-pays", account(policy)),
        rule("shortfall", shortfall(policy.shortfall)),
        rule("pool-share", pool_share(policy)),
        rule("pool-needs-prescription", prescription(policy.pool_needs_prescription)),
        rule("rounding", rounding(policy.rounding)),
        rule("pool-rounds", pool_rounds(policy.pool_rounds)),
        rule("over-quantity", over_quantity(policy.over_quantity)),
    ];
    Page::new()
        .with("name", Words::new("名称", "name"), Value::text(&policy.name))
        .with("rules", Words::new("规则", "rules"), Value::Table(rows))
        .with("assumed", Words::new("未确认", "assumed"), Value::Texts(policy.assumed.clone()))
}

const fn ceiling(order: CeilingOrder) -> Words {
    match order {
        CeilingOrder::BeforeRatio => Words::new(
            "先减超限价,余额再乘自付比例",
            "what is over the ceiling is cut off first, the ratio is taken of the rest",
        ),
        CeilingOrder::AfterRatio => Words::new(
            "先乘自付比例,余额再计限价",
            "the ratio is taken of the whole line, the rest counts up to the ceiling",
        ),
    }
}

fn account(policy: &Policy) -> Words {
    let words = |part: &Part| match part {
        Part::InScope => Words::new("政策范围内", "in-scope"),
        Part::FirstSelfPay => Words::new("先行自付", "first self-pay"),
        Part::OverLimit => Words::new("超限价", "over-limit"),
        Part::OwnPay => Words::new("全自费", "own-pay"),
    };
    let parts: Vec<Words> = policy.account_pays.iter().map(words).collect();
    if parts.is_empty() {
        return Words::new("个人账户不支付", "the account pays nothing");
    }
    let list = |language, separator: &str| {
        parts.iter().map(|words| words.text(language).to_owned()).collect::<Vec<_>>().join(separator)
    };
    Words::of(
        format!("个人账户支付:{}", list(Language::Zh, "、")),
        format!("the account pays: {}", list(Language::En, ", ")),
    )
}

const fn shortfall(shortfall: Shortfall) -> Words {
    match shortfall {
        Shortfall::Cash => Words::new("账户不足部分付现金", "what the account lacks is paid in cash"),
        Shortfall::Refuse => Words::new("账户不足则不受理", "a short account is refused"),
    }
}

fn pool_share(policy: &Policy) -> Words {
    let share = policy.pool_share;
    Words::of(
        format!("统筹基金支付政策范围内部分的 {share}"),
        format!("the pooled fund pays {share} of the in-scope part"),
    )
}

const fn prescription(needed: bool) -> Words {
    if needed {
        Words::new("统筹须有外配处方", "the pool pays on a circulated prescription only")
    } else {
        Words::new("统筹不要求外配处方", "the pool pays without prescription, too")
    }
}

const fn rounding(rounding: Rounding) -> Words {
    match rounding {
        Rounding::HalfUp => Words::new("分以下四舍五入", "half a fen counts as one"),
        Rounding::HalfEven => Words::new("分以下四舍六入五成双", "half a fen goes to the even neighbour"),
        Rounding::Down => Words::new("分以下舍去", "parts of a fen are dropped"),
    }
}

const fn pool_rounds(rounds: PoolRounds) -> Words {
    match rounds {
        PoolRounds::Bill => Words::new("统筹按整单取整", "the pool's share is rounded once for the bill"),
        PoolRounds::Line => Words::new("统筹按每项取整", "the pool's share is rounded for each line"),
    }
}

const fn over_quantity(over: OverQuantity) -> Words {
    match over {
        OverQuantity::Refuse => Words::new("超量则不受理", "a purchase beyond a limit is refused"),
        OverQuantity::OwnPay => Words::new("超量的一项全自费", "a line beyond a limit is own pay"),
    }
}
