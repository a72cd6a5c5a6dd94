//! 3201 and 3202: the terminal's day against ours.
//!
//! Source: result codes of the interface: 0 even, 1 uneven; 101 the centre has more, 102 the institution, 103 other amounts.
//! Owns: both comparisons, by this side's own reading of the file. Never: mends anything.

use std::collections::BTreeMap;

use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::national::message::{Detail, StatementAnswer, StatementInfo, TotalsRequest};
use settlement::national::statement::{CentreRow, OurRow, Sums, result_file, sums};
use settlement::national::{Amount, Text, archive};

use crate::books::{Books, Sale};
use crate::centre::Refusal;

fn rows(
    books: &Books,
    (from, until): (BusinessDate, BusinessDate),
    belongs: impl Fn(&Sale) -> bool,
    flag: Option<&str>,
) -> Result<Vec<OurRow>, Refusal> {
    if until < from {
        return Err(Refusal::new("DAYS", "对账日期前后颠倒"));
    }
    let rows = books.rows(from, until, belongs)?;
    let is_asked = |row: &OurRow| match flag {
        Some("0") => !row.is_refund,
        Some("1") => row.is_refund,
        _ => true,
    };
    Ok(rows.into_iter().filter(is_asked).collect())
}

fn clears_at(sale: &Sale, optins: &str, clr_type: Option<&str>) -> bool {
    let is = |field: &Option<Text<6>>, wanted: &str| field.as_ref().is_some_and(|text| text.as_str() == wanted);
    is(&sale.info.clr_optins, optins) && clr_type.is_none_or(|wanted| is(&sale.info.clr_type, wanted))
}

/// What 3201 answers.
pub(crate) fn totals(books: &Books, request: &TotalsRequest) -> Result<StatementAnswer, Refusal> {
    let data = &request.data;
    let belongs = |sale: &Sale| {
        sale.insutype == data.insutype.as_str()
            && clears_at(sale, data.setl_optins.as_str(), Some(data.clr_type.as_str()))
    };
    let flag = data.refd_setl_flag.as_ref().map(|flag| flag.as_str());
    let ours = rows(books, (data.stmt_begndate, data.stmt_enddate), belongs, flag)?;
    let theirs =
        Sums { total: data.medfee_sumamt.fen(), funds: data.fund_pay_sumamt.fen(), account: data.acct_pay.fen() };
    let counts = i64::try_from(ours.len()).ok() == Some(data.fixmedins_setl_cnt.get());
    let even = counts && sums(&ours)? == theirs;
    let (result, text) = if even { ("0", "平") } else { ("1", "不平") };
    Ok(StatementAnswer {
        stmtinfo: StatementInfo {
            setl_optins: Some(data.setl_optins.clone()),
            stmt_rslt: Text::new(result),
            stmt_rslt_dscr: Some(Text::new(text)),
        },
    })
}

/// The file that 3202 brings back: what differs.
pub(crate) fn detail(books: &Books, data: &Detail, file: &[u8]) -> Result<String, Refusal> {
    let bad = || Refusal::new("FILE", "明细文件的列不对");
    let text = archive::unpack(file).map_err(|_| bad())?;
    let text = String::from_utf8(text).map_err(|_| bad())?;
    let clr_type = data.clr_type.as_ref().map(|text| text.as_str());
    let belongs = |sale: &Sale| clears_at(sale, data.setl_optins.as_str(), clr_type);
    let flag = data.refd_setl_flag.as_ref().map(|flag| flag.as_str());
    let ours = rows(books, (data.stmt_begndate, data.stmt_enddate), belongs, flag)?;
    let mut missing: BTreeMap<(String, bool), OurRow> =
        ours.into_iter().map(|row| ((row.setl_id.clone(), row.is_refund), row)).collect();
    let mut found = Vec::new();
    let mut total = Fen::ZERO;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [setl_id, mdtrt_id, _, medfee, funds, account, flag] = cells.as_slice() else { return Err(bad()) };
        let amount = |text: &str| Amount::parse(text).map(Amount::fen).map_err(|_| bad());
        let sums = Sums { total: amount(medfee)?, funds: amount(funds)?, account: amount(account)? };
        total = total.plus(sums.total)?;
        let is_refund = *flag == "1";
        let row = |result: &str, msgid: &str, sums| CentreRow {
            setl_id: (*setl_id).to_owned(),
            mdtrt_id: (*mdtrt_id).to_owned(),
            msgid: msgid.to_owned(),
            result: result.to_owned(),
            is_refund,
            memo: String::new(),
            sums,
        };
        match missing.remove(&((*setl_id).to_owned(), is_refund)) {
            None => found.push(row("102", "", Sums::default())),
            Some(ours) if ours.sums != sums => found.push(row("103", &ours.msgid, ours.sums)),
            Some(_) => {}
        }
    }
    if total != data.medfee_sumamt.fen() {
        return Err(Refusal::new("FILE", "明细文件与总额不符"));
    }
    found.extend(missing.into_values().map(|ours| CentreRow {
        setl_id: ours.setl_id,
        mdtrt_id: ours.mdtrt_id,
        msgid: ours.msgid,
        result: "101".to_owned(),
        is_refund: ours.is_refund,
        memo: String::new(),
        sums: ours.sums,
    }));
    Ok(result_file(&found))
}
