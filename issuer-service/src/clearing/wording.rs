//! What a person is told when an act of clearing is not done: what happened, and what to do next, in two languages.
//!
//! Owns: the sentences. Never: codes (`refusal`), names of people.

use super::refusal::{ClearingError, batch_code, language};
use crate::error::Explain;
use crate::lang::Lang;
use settlement::blacklist::ListFault;
use settlement::code::ErrorCode;
use settlement::explain::Explain as _;

/// What happened, and what to do next.
pub(super) fn texts(error: &ClearingError, lang: Lang) -> (String, &'static str) {
    let row = |zh: String, en: String, zh_next, en_next| (lang.pick(zh, en), lang.pick(zh_next, en_next));
    let look = ("用 list 查看已登记的", "look at what is registered with `list`");
    match error {
        ClearingError::Refused(code) => {
            let (what, next) = code.texts(language(lang));
            (what.to_owned(), next)
        }
        ClearingError::Batch(error) => {
            let (what, next) = batch_code(error).texts(language(lang));
            (format!("{what}: {error}"), next)
        }
        ClearingError::InstitutionExists { code } => {
            row(format!("机构 {code} 已登记"), format!("institution {code} is registered already"), look.0, look.1)
        }
        ClearingError::InstitutionUnknown { code } => row(
            format!("机构 {code} 未登记"),
            format!("institution {code} is not registered"),
            "先用 issuer institution add 登记",
            "register it with `issuer institution add` first",
        ),
        ClearingError::TerminalUnknown { number } => row(
            format!("没有终端 {number}"),
            format!("there is no terminal {number}"),
            "用 issuer terminal list 查看",
            "see issuer terminal list",
        ),
        ClearingError::TerminalExists { number } => {
            row(format!("终端 {number} 已登记"), format!("terminal {number} is registered already"), look.0, look.1)
        }
        ClearingError::CardUnknown { card } => row(
            format!("没有卡 {card}"),
            format!("there is no card {card}"),
            "核对卡的识别码",
            "check the card identifier",
        ),
        ClearingError::CardNotActive { card } => row(
            format!("卡 {card} 不在正常状态"),
            format!("card {card} is not active"),
            "改用持卡人现在的卡",
            "use the card that the holder has now",
        ),
        ClearingError::HolderTwice { card } => row(
            format!("卡 {card} 的持卡人在单中重复"),
            format!("the holder of card {card} stands twice in the request"),
            "去掉一张卡后重新提出；已提出待复核的先退回",
            "ask again without one of the cards; reject the request first where it waits for approval",
        ),
        ClearingError::NothingToAllot => row(
            "没有可划入的卡".to_owned(),
            "there is no card to allot to".to_owned(),
            "用 --batch 或 --card 指明",
            "name cards with --batch or --card",
        ),
        ClearingError::AmountInvalid { amount } => row(
            format!("{amount} 元不能划入"),
            format!("{amount} yuan cannot be allotted"),
            "金额须大于零，且卡能容纳",
            "give an amount above zero that a card can hold",
        ),
        ClearingError::AllotmentUnknown { request } => row(
            format!("没有划入单 {request}"),
            format!("there is no allotment {request}"),
            "用 issuer account list 查看",
            "look at `issuer account list`",
        ),
        ClearingError::SameOperator { operator } => row(
            format!("{operator} 是经办人，不能复核"),
            format!("{operator} made it and may not decide it"),
            "由另一人复核",
            "let another person decide",
        ),
        ClearingError::LoadUnknown { load } => row(
            format!("没有划入 {load}"),
            format!("there is no load {load}"),
            "用 issuer load list 查看",
            "look at `issuer load list`",
        ),
        ClearingError::LoadDecided { load } => row(
            format!("划入 {load} 已有结果"),
            format!("load {load} has its outcome"),
            "用 issuer load list 查看",
            "look at `issuer load list`",
        ),
        ClearingError::LoadAsked { load, number } => row(
            format!("圈存 {load} 已有处理单 {number} 待复核"),
            format!("decision {number} about load {load} waits for another person"),
            "用 issuer load list --open 查看;由另一人复核或退回",
            "look at `issuer load list --open`; another person approves or rejects it",
        ),
        ClearingError::LoadDecisionUnknown { number } => row(
            format!("没有圈存处理单 {number}"),
            format!("there is no decision {number} about a load"),
            "用 issuer load list 查看",
            "look at `issuer load list`",
        ),
        ClearingError::RowUnknown { terminal, record } => row(
            format!("没有未入账的记录 {terminal}/{record}"),
            format!("there is no record {terminal}/{record} that was not posted"),
            "用 issuer row list 查看",
            "look at `issuer row list`",
        ),
        ClearingError::RowDecided { terminal, record, number } => row(
            format!("记录 {terminal}/{record} 已有处理单 {number}"),
            format!("decision {number} is about record {terminal}/{record} already"),
            "用 issuer row list 查看;待复核的由另一人复核或退回",
            "look at `issuer row list`; another person approves or rejects what waits",
        ),
        ClearingError::RowNotTakenBack { terminal, record } => row(
            format!("记录 {terminal}/{record} 不能冲回"),
            format!("record {terminal}/{record} cannot be taken back"),
            "只冲回已入账或退还、而卡内所示相反（或同号的另一条有卡的校验码）的，和已退还或销账、而卡后来给出校验码的",
            "only what was posted or returned is, when its card shows the opposite or another record of its number has the card's own code, and what was returned or dismissed, when its card told its code since",
        ),
        ClearingError::RowProved { terminal, record } => row(
            format!("卡的校验码或前后记录表明记录 {terminal}/{record} 已付款，不能销账"),
            format!(
                "the card's own code, or its records beside it, show that it paid record {terminal}/{record}: it is not dismissed"
            ),
            "卡已付款：入账或退还；同号的另一条没有卡的校验码时，先冲回那一条（row propose --take-back）",
            "the card paid: post or return it; where a record without the code stands under the same number, take that one back first (`row propose --take-back`)",
        ),
        ClearingError::RowUnpostable { terminal, record, code: Some(ErrorCode::DuplicateTerminalSequence) } => row(
            format!(
                "记录 {terminal}/{record} 与已入账的另一笔同终端序号、同卡，不能入账或退还(DUPLICATE_TERMINAL_SEQUENCE)"
            ),
            format!(
                "record {terminal}/{record} has the terminal sequence and the card of one that was posted: it is neither posted nor returned (DUPLICATE_TERMINAL_SEQUENCE)"
            ),
            "两条记录的 MAC2 都在、且表明两个不同的卡内序号，才是两笔消费；这里没有表明。查明是同一笔的，用 --dismiss 销账",
            "they are two purchases where the MAC2 of both shows two numbers of the card, which is not so here; if it turns out to be the same one, --dismiss it",
        ),
        ClearingError::RowUnpostable { terminal, record, code } => row(
            format!("记录 {terminal}/{record} 不能入账或退还({})", code.map_or("", ErrorCode::as_str)),
            format!("record {terminal}/{record} cannot be posted or returned ({})", code.map_or("", ErrorCode::as_str)),
            "记录与卡不符,或卡号、终端序号已有另一笔:核查后用 --dismiss 销账",
            "it contradicts the card, or its numbers went to another sale: look into it, then --dismiss it",
        ),
        ClearingError::SaleNotOpen { sale } => row(
            format!("消费 {sale} 不在已授权未了结的消费之中"),
            format!("sale {sale} is not one that is authorised and open"),
            "用 issuer terminal sales --open 查看",
            "look at `issuer terminal sales --open`",
        ),
        ClearingError::SaleDecided { sale, number } => row(
            format!("消费 {sale} 已有关闭单 {number}"),
            format!("closure {number} is about sale {sale} already"),
            "用 issuer sale list 查看;待复核的由另一人复核或退回",
            "look at `issuer sale list`; another person approves or rejects what waits",
        ),
        ClearingError::DecisionUnknown { number } => row(
            format!("没有处理单 {number}"),
            format!("there is no decision {number} about a record"),
            "用 issuer row list 查看",
            "look at `issuer row list`",
        ),
        ClearingError::CatalogueUnknown { version } => row(
            format!("没有目录 {version}"),
            format!("there is no catalogue {version}"),
            "用 issuer catalogue list 查看",
            "look at `issuer catalogue list`",
        ),
        ClearingError::CatalogueExists { version } => row(
            format!("目录 {version} 已导入"),
            format!("catalogue {version} was taken in before"),
            "改过的目录须用新的版本名",
            "a changed catalogue needs another version",
        ),
        ClearingError::CataloguePublished { version, sequence } => row(
            format!("目录 {version} 已发布,目录号 {sequence}"),
            format!("catalogue {version} was published as number {sequence}"),
            "已发布的不再改动;用新的版本更正",
            "what was published is final: mend it with another version",
        ),
        ClearingError::CatalogueMalformed { faults } => {
            let first = |language| faults.first().map_or_else(String::new, |fault| fault.message(language));
            row(
                format!("目录有 {} 处错误,第一处:{}", faults.len(), first(language(Lang::Zh))),
                format!("the catalogue has {} faults, the first: {}", faults.len(), first(language(Lang::En))),
                "用 sscard catalogue check 查看全部错误",
                "see all of them with `sscard catalogue check`",
            )
        }
        ClearingError::ClosureUnknown { number } => row(
            format!("没有关闭单 {number}"),
            format!("there is no closure {number} of a sale"),
            "用 issuer sale list 查看",
            "look at `issuer sale list`",
        ),
        ClearingError::BlacklistUnchanged { card } => row(
            format!("卡 {card} 的黑名单状态没有变化"),
            format!("the blacklist says so already of card {card}"),
            "用 issuer blacklist list 查看",
            "look at `issuer blacklist list`",
        ),
        ClearingError::BlacklistByState { card } => row(
            format!("卡 {card} 因其状态（挂失、锁定或注销）在黑名单中"),
            format!("card {card} is on the blacklist for its state: lost, locked or cancelled"),
            "先用 issuer card release 或 unlock 改变卡状态，黑名单随之变化",
            "move the card with `issuer card release` or `unlock`; the blacklist follows",
        ),
        ClearingError::ListRefused(fault) => list(*fault, lang),
        ClearingError::BlacklistNotWithheld => row(
            "黑名单正在正常发布".to_owned(),
            "the blacklist is published as usual".to_owned(),
            "只有从备份恢复的中心才需要补入名单",
            "lists are taken back only in a centre that was brought back from a backup",
        ),
        ClearingError::WindowUnknown { date } => row(
            format!("没有业务日 {date}"),
            format!("there is no clearing window {date}"),
            "用 issuer window list 查看",
            "look at `issuer window list`",
        ),
        ClearingError::WindowBefore { earlier } => row(
            format!("业务日 {earlier} 尚未关闭"),
            format!("window {earlier} is not closed"),
            "先关闭较早的业务日",
            "close the earlier window first",
        ),
        ClearingError::WindowState { date, state } => row(
            format!("业务日 {date} 处于 {} 状态", state.name()),
            format!("window {date} is {}", state.name()),
            "用 issuer window list 查看",
            "look at `issuer window list`",
        ),
        ClearingError::DifferenceUnknown { date, number } => row(
            format!("业务日 {date} 没有第 {number} 号差异"),
            format!("window {date} has no difference {number}"),
            "用 issuer window show 查看",
            "look at `issuer window show`",
        ),
        ClearingError::ReasonMissing => row(
            "需要说明原因".to_owned(),
            "a reason is needed".to_owned(),
            "用 --reason 说明",
            "give one with --reason",
        ),
        ClearingError::File { path, source } => row(
            format!("文件 {} 不能读: {source}", path.display()),
            format!("file {} cannot be read: {source}", path.display()),
            "检查路径和权限",
            "check its path and permissions",
        ),
        ClearingError::FileMalformed { path, line, column } => row(
            format!("文件 {} 第 {line} 行第 {column} 列格式不符", path.display()),
            format!("file {} is malformed at line {line} column {column}", path.display()),
            "用终端重新导出",
            "export it from the terminal again",
        ),
        ClearingError::Unwritten { path, source } => row(
            format!("文件 {} 无法写入: {source}", path.display()),
            format!("{} cannot be written: {source}", path.display()),
            "检查文件夹权限和磁盘空间后重试",
            "look at the folder's rights and the space on the disk, then run it again",
        ),
        ClearingError::Listen { address, source } => row(
            format!("不能监听 {address}: {source}"),
            format!("cannot listen on {address}: {source}"),
            "换一个端口",
            "choose another port",
        ),
        ClearingError::NotLoopback { address } => row(
            format!("{address} 不是本机回环地址；没有 TLS 时只允许本机"),
            format!("{address} is not a loopback address; without TLS only this machine may connect"),
            "用 127.0.0.1:端口",
            "use 127.0.0.1:PORT",
        ),
        ClearingError::ReferenceReused { reference } => row(
            format!("记账参考号 {reference} 已用于另一分录"),
            format!("ledger reference {reference} stands for other entries"),
            "这是程序错误，请报告",
            "this is a mistake of the program: report it",
        ),
        ClearingError::Posting(error) => row(
            format!("分录不成立: {error}"),
            format!("no posting: {error}"),
            "这是程序错误，请报告",
            "this is a mistake of the program: report it",
        ),
        ClearingError::Sum(error) => row(
            format!("金额超出范围: {error}"),
            format!("amount out of range: {error}"),
            "核对金额",
            "check the amounts",
        ),
        ClearingError::Tac(error) => row(
            format!("不能计算校验码: {error}"),
            format!("a code cannot be computed: {error}"),
            "检查密钥库和密钥版本",
            "check the vault and its key versions",
        ),
        ClearingError::Operator(error) => (error.what(lang), error.next(lang)),
        ClearingError::Store(error) => (error.what(lang), error.next(lang)),
    }
}

/// Why a list of the time before a restoration is not taken back.
fn list(fault: ListFault, lang: Lang) -> (String, &'static str) {
    let (zh, en, zh_next, en_next) = match fault {
        ListFault::Foreign { key } => (
            format!("名单由公钥 {key} 的中心签发，不是本中心"),
            format!("the list is of the centre with key {key}, not of this one"),
            "用本中心签发的名单",
            "take a list that this centre signed",
        ),
        ListFault::Unsigned { sequence } => (
            format!("名单 {sequence} 的签名不符"),
            format!("the signature of list {sequence} does not fit"),
            "从另一终端重新导出（sscard blacklist export）",
            "take it from another terminal (`sscard blacklist export`)",
        ),
        ListFault::Older { offered, held } => (
            format!("名单 {offered} 不比已知的 {held} 新"),
            format!("list {offered} is no newer than {held}, which is known"),
            "用更新的名单；没有时用 issuer blacklist release 重新发布",
            "take a newer one; when there is none, publish with `issuer blacklist release`",
        ),
        ListFault::TooLong { sequence, cards } => (
            format!("名单 {sequence} 有 {cards} 张卡，超出上限"),
            format!("list {sequence} has {cards} cards, more than a list may have"),
            "用另一份名单",
            "take another list",
        ),
        ListFault::Gap { since, .. }
        | ListFault::Expired { sequence: since, .. }
        | ListFault::Ahead { sequence: since, .. } => (
            format!("名单内容与签名不符，或其所依据的名单 {since} 不在备份中"),
            format!(
                "the cards are not those that were signed, or the backup does not know list {since}, which it changes"
            ),
            "用完整名单（sscard blacklist export）",
            "take a whole list (`sscard blacklist export`)",
        ),
    };
    (lang.pick(zh, en), lang.pick(zh_next, en_next))
}
