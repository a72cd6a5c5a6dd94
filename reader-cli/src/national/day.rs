//! 3201 and 3202 at day end; downloads of lists.
//!
//! Source: totals first, detail only where they differ. Owns: the groups that are compared. Never: mends a difference.

use std::collections::{BTreeMap, BTreeSet};

use card_counter::error::{NationalError, TerminalError};
use settlement::BusinessDate;
use settlement::national::archive;
use settlement::national::message::{
    CatalogueRow, DETAIL, Detail, DetailRequest, PageQuery, PageRequest, TOTALS, Totals, TotalsRequest, UPLOAD, Upload,
    UploadFile, VersionQuery, VersionRequest,
};
use settlement::national::number::Decimal;
use settlement::national::statement::{self, Finding, OurRow, Sums};
use settlement::national::{Amount, Infno, Text};

use super::National;

/// 对账结果: even.
const EVEN: &str = "0";
/// Rows of a page, and pages at most: a list of half a million rows.
const PAGE_ROWS: i64 = 100;
const PAGES_MAX: i64 = 5_000;

/// What is cleared together: 险种, 清算类别, 清算经办机构.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// 险种.
    pub insutype: String,
    /// 清算类别.
    pub clr_type: String,
    /// 清算经办机构.
    pub office: String,
}

/// A day compared.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Day.
    pub day: BusinessDate,
    /// Each group with our sums and count, and whether the centre has the same.
    pub totals: Vec<(Group, Sums, usize, bool)>,
    /// What differs.
    pub findings: Vec<Finding>,
}

impl Compared {
    /// Whether both books are the same.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.totals.iter().all(|(_, _, _, even)| *even) && self.findings.is_empty()
    }
}

impl National<'_> {
    /// Compares a day, and notes whether it was even.
    ///
    /// # Errors
    /// [`TerminalError::National`]: the day stays to be compared.
    pub fn reconcile(&mut self, day: BusinessDate) -> Result<Compared, TerminalError> {
        let groups = self.groups(day)?;
        let mut totals = Vec::new();
        let mut uneven: BTreeSet<(String, String)> = BTreeSet::new();
        for (group, rows) in &groups {
            let sums = sums(rows)?;
            let even = self.compare_totals(day, group, sums, rows.len())?;
            if !even {
                uneven.insert((group.clr_type.clone(), group.office.clone()));
            }
            totals.push((group.clone(), sums, rows.len(), even));
        }
        let mut findings = Vec::new();
        for (clr_type, office) in uneven {
            // 3202 knows no 险种: all of a 清算类别 go together.
            let of = |(group, _): &(&Group, &Vec<OurRow>)| group.clr_type == clr_type && group.office == office;
            let rows: Vec<OurRow> = groups.iter().filter(of).flat_map(|(_, rows)| rows.clone()).collect();
            findings.extend(self.compare_detail(day, (&clr_type, &office), &rows)?);
        }
        let compared = Compared { day, totals, findings };
        self.store.compared(day, compared.is_even())?;
        Ok(compared)
    }

    fn groups(&self, day: BusinessDate) -> Result<BTreeMap<Group, Vec<OurRow>>, TerminalError> {
        let settings = self.settings;
        let usual = Group {
            insutype: settings.insurance.clone(),
            clr_type: settings.clearing_type.clone(),
            office: settings.clearing_office.clone(),
        };
        let mut groups = BTreeMap::from([(usual.clone(), Vec::new())]);
        for sale in self.store.sales()? {
            let rows = sale.rows(day, day).map_err(|_| range())?;
            let (office, clr_type) = sale.clearing.clone();
            let group = Group {
                insutype: sale.insutype,
                clr_type: clr_type.unwrap_or_else(|| usual.clr_type.clone()),
                office: office.unwrap_or_else(|| usual.office.clone()),
            };
            if !rows.is_empty() {
                groups.entry(group).or_default().extend(rows);
            }
        }
        Ok(groups)
    }

    fn compare_totals(
        &mut self,
        day: BusinessDate,
        group: &Group,
        sums: Sums,
        count: usize,
    ) -> Result<bool, TerminalError> {
        let [total, funds, account] = amounts(sums)?;
        let data = Totals {
            insutype: Text::new(&*group.insutype),
            clr_type: Text::new(&*group.clr_type),
            setl_optins: Text::new(&*group.office),
            stmt_begndate: day,
            stmt_enddate: day,
            refd_setl_flag: None,
            medfee_sumamt: total,
            fund_pay_sumamt: funds,
            acct_pay: account,
            fixmedins_setl_cnt: number(count)?,
        };
        let answer = self.ask(TOTALS, &TotalsRequest { data }, None, &[])?;
        Ok(answer.stmtinfo.stmt_rslt.as_str().trim() == EVEN)
    }

    fn compare_detail(
        &mut self,
        day: BusinessDate,
        (clr_type, office): (&str, &str),
        rows: &[OurRow],
    ) -> Result<Vec<Finding>, TerminalError> {
        let name = format!("{}{}.txt", self.settings.numbering.institution.as_str(), day.to_string().replace('-', ""));
        let packed = archive::pack(&name, statement::file(rows).as_bytes());
        let packed = packed.map_err(|_| TerminalError::Bug("a small text is packed"))?;
        let file = UploadFile {
            bytes: packed,
            filename: Text::new(format!("{name}.zip")),
            fixmedins_code: Text::new(self.settings.numbering.institution.as_str()),
        };
        let uploaded = self.ask(UPLOAD, &Upload { file }, None, &[])?;
        let [total, funds, account] = amounts(sums(rows)?)?;
        let data = Detail {
            setl_optins: Text::new(office),
            file_qury_no: uploaded.file_qury_no,
            stmt_begndate: day,
            stmt_enddate: day,
            medfee_sumamt: total,
            fund_pay_sumamt: funds,
            acct_pay: account,
            fixmedins_setl_cnt: number(rows.len())?,
            clr_type: Some(Text::new(clr_type)),
            refd_setl_flag: None,
        };
        let info = self.ask(DETAIL, &DetailRequest { data }, None, &[])?.fileinfo;
        let bytes = self.fetch(info.file_qury_no.as_str(), info.filename.as_str())?;
        let centre = statement::result(&bytes)
            .map_err(|fault| NationalError::File { infno: Infno::DETAIL, what: fault.to_string() })?;
        Ok(statement::classify(rows, &centre))
    }

    /// A list as text: a file as it came, pages as CSV with their names; and how many rows.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn catalogue(
        &mut self,
        list: &CatalogueRow,
        after: &str,
        since: BusinessDate,
    ) -> Result<(String, usize), TerminalError> {
        let infno = list.infno;
        if !list.is_paged {
            let data = VersionQuery { ver: Text::new(after) };
            let info = self.ask(list.by_version(), &VersionRequest { data }, None, &[])?.fileinfo;
            let bytes = self.fetch(info.file_qury_no.as_str(), info.filename.as_str())?;
            let text = String::from_utf8(bytes);
            let text = text.map_err(|_| NationalError::File { infno, what: "UTF-8".to_owned() })?;
            let rows = text.lines().count();
            return Ok((text, rows));
        }
        let mut rows: Vec<Vec<(String, String)>> = Vec::new();
        for page in 1..=PAGES_MAX {
            let of = |places| Decimal::new(places).map_err(|_| range());
            let data = PageQuery { updt_time: since, page_num: of(page)?, page_size: of(PAGE_ROWS)? };
            let answer = self.ask(list.by_page(), &PageRequest { data }, None, &[])?;
            let (count, pages) = (answer.data.len(), answer.pages.map(i64::from));
            rows.extend(answer.data);
            if count == 0 || pages.is_some_and(|pages| page >= pages) {
                break;
            }
        }
        let count = rows.len();
        table(&rows).map(|text| (text, count))
    }
}

/// CSV with every name that a row has, in the order in which they first come.
fn table(rows: &[Vec<(String, String)>]) -> Result<String, TerminalError> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let bug = |_| TerminalError::Bug("rows are written to memory");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&names).map_err(bug)?;
    for row in rows {
        let value = |name: &&str| row.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value.as_str());
        writer.write_record(names.iter().map(value)).map_err(bug)?;
    }
    let bytes = writer.into_inner().map_err(|_| TerminalError::Bug("rows are written to memory"))?;
    String::from_utf8(bytes).map_err(|_| TerminalError::Bug("rows are text"))
}

fn sums(rows: &[OurRow]) -> Result<Sums, TerminalError> {
    statement::sums(rows).map_err(|_| range())
}

fn amounts(sums: Sums) -> Result<[Amount; 3], TerminalError> {
    let of = |fen| Amount::of(fen).map_err(|_| range());
    Ok([of(sums.total)?, of(sums.funds)?, of(sums.account)?])
}

fn number(count: usize) -> Result<Decimal<10, 0>, TerminalError> {
    i64::try_from(count).ok().and_then(|count| Decimal::new(count).ok()).ok_or_else(range)
}

const fn range() -> TerminalError {
    TerminalError::Bug("the sums of a day fit 64 bits")
}
