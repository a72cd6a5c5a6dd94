//! 1301 to 1319: the rehearsal's drugs, as files and as pages.
//!
//! Source: columns are general knowledge of the interface; a terminal hands them on as they come. Owns: which list has which rows.

use settlement::catalogue::{Catalogue, Drug};
use settlement::national::Infno;
use settlement::national::message::{PageAnswer, PageQuery};

/// Rows of the list of this number; `None` where the rehearsal has none.
fn rows(infno: Infno, catalogue: &Catalogue) -> Option<Vec<Vec<(String, String)>>> {
    let until = |drug: &Drug| drug.valid_until.map_or_else(String::new, |day| day.to_string());
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let row = |drug: &Drug| -> Option<Vec<(String, String)>> {
        let (code, name) = (drug.code.to_string(), drug.name.clone());
        let period = [pair("begndate", drug.valid_from.to_string()), pair("enddate", until(drug))];
        let own = match infno.0 {
            1301 => vec![pair("med_list_codg", code), pair("drug_genname", name)],
            1312 => vec![
                pair("hilist_code", code),
                pair("hilist_name", name),
                pair("list_type", drug.list_type.code().to_owned()),
                pair("chrgitm_lv", drug.class.to_string()),
            ],
            1316 => vec![pair("med_list_codg", code.clone()), pair("hilist_code", code)],
            1318 => vec![
                pair("hilist_code", code),
                pair("hilist_lmtpric_type", "1".to_owned()),
                pair("hilist_pric_uplmt_amt", drug.price_ceiling?.to_string()),
            ],
            1319 => vec![pair("hilist_code", code), pair("selfpay_prop", drug.first_self_pay.to_string())],
            _ => return None,
        };
        Some(own.into_iter().chain(period).collect())
    };
    matches!(infno.0, 1301 | 1312 | 1316 | 1318 | 1319).then(|| catalogue.drugs().filter_map(row).collect())
}

/// The file of a list: a line a row, columns separated by tabs.
pub(crate) fn file(infno: Infno, catalogue: &Catalogue) -> Option<(String, usize)> {
    let rows = rows(infno, catalogue)?;
    let line =
        |row: &Vec<(String, String)>| row.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("\t") + "\n";
    Some((rows.iter().map(line).collect(), rows.len()))
}

/// A page of a list.
pub(crate) fn page(infno: Infno, catalogue: &Catalogue, query: &PageQuery) -> Option<PageAnswer> {
    let rows = rows(infno, catalogue)?;
    let number = |places: i64| usize::try_from(places).unwrap_or(0).max(1);
    let (page, size) = (number(query.page_num.get()), number(query.page_size.get()));
    let pages = u32::try_from(rows.len().div_ceil(size)).ok();
    Some(PageAnswer { pages, data: rows.into_iter().skip((page - 1) * size).take(size).collect() })
}
