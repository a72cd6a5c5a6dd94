//! The messages: their numbers, their bodies, and the one list of them.
//!
//! Source: message set of the national interface as designated pharmacies use it.
//! Owns: which input belongs to which number and what it is answered with. Rows are in the files beside it.
//! Never: the envelope around a body (`envelope`).

mod catalogue;
mod file;
mod person;
mod sale;
mod session;
mod statement;

use std::marker::PhantomData;

use super::envelope::Infno;
use super::field::{FieldFault, Mark, Reading, Table, Unit};
use super::json::{Json, Members};

pub use catalogue::{FileAnswer, FileInfo, PageAnswer, PageQuery, PageRequest, VersionQuery, VersionRequest};
pub use file::{FileReference, FileRequest, Upload, UploadFile, UploadInfo};
pub use person::{
    BaseInfo, Benefit, BenefitAnswer, BenefitQuery, BenefitRequest, InsuredInfo, PersonAnswer, PersonQuery,
    PersonRequest, Status,
};
pub use sale::{
    Cancel, CancelAnswer, CancelRequest, DetailAnswer, DrugDetail, DrugInfo, LineInfo, Purchase, SettledAnswer,
    SettlementInfo,
};
pub use session::{
    Nothing, Reversal, ReversalRequest, SignIn, SignInAnswer, SignInInfo, SignInRequest, SignOut, SignOutAnswer,
    SignOutInfo, SignOutRequest,
};
pub use statement::{Detail, DetailRequest, StatementAnswer, StatementInfo, Totals, TotalsRequest};

/// `input` of a request or `output` of an answer.
pub trait Body: Sized {
    /// Its nodes.
    const NODES: &'static [NodeRow];

    /// As JSON.
    ///
    /// # Errors
    /// [`FieldFault`] of the first row that does not fit.
    fn write(&self, unit: Unit) -> Result<Json, FieldFault>;

    /// From JSON.
    ///
    /// # Errors
    /// [`FieldFault`] of the first row that does not fit.
    fn read(members: &Members, how: Reading) -> Result<Self, FieldFault>;
}

/// One node of a body.
#[derive(Clone, Copy, Debug)]
pub struct NodeRow {
    /// Name on the wire.
    pub name: &'static str,
    /// 中文名.
    pub label: &'static str,
    /// How sure its name is.
    pub named: Mark,
    /// Its rows.
    pub table: Table,
    /// Whether it is a list of such objects.
    pub is_list: bool,
}

/// A message number with what is asked and what is answered.
#[derive(Clone, Copy, Debug)]
pub struct Call<I, O> {
    /// Number.
    pub infno: Infno,
    bodies: PhantomData<fn(I) -> O>,
}

impl<I: Body, O: Body> Call<I, O> {
    /// A call of this number with these bodies.
    #[must_use]
    pub const fn of(infno: Infno) -> Self {
        Self { infno, bodies: PhantomData }
    }

    const fn row(self, title: (&'static str, &'static str), named: Mark) -> MessageRow {
        MessageRow { infno: self.infno, title, named, input: I::NODES, output: O::NODES }
    }
}

/// 9001.
pub const SIGN_IN: Call<SignInRequest, SignInAnswer> = Call::of(Infno::SIGN_IN);
/// 9002.
pub const SIGN_OUT: Call<SignOutRequest, SignOutAnswer> = Call::of(Infno::SIGN_OUT);
/// 1101.
pub const PERSON: Call<PersonRequest, PersonAnswer> = Call::of(Infno::PERSON);
/// 2001.
pub const BENEFIT: Call<BenefitRequest, BenefitAnswer> = Call::of(Infno::BENEFIT);
/// 2101.
pub const TRIAL: Call<Purchase, SettledAnswer> = Call::of(Infno::TRIAL);
/// 2102.
pub const SETTLE: Call<Purchase, SettledAnswer> = Call::of(Infno::SETTLE);
/// 2103.
pub const CANCEL: Call<CancelRequest, CancelAnswer> = Call::of(Infno::CANCEL);
/// 2601.
pub const REVERSE: Call<ReversalRequest, Nothing> = Call::of(Infno::REVERSE);
/// 3201.
pub const TOTALS: Call<TotalsRequest, StatementAnswer> = Call::of(Infno::TOTALS);
/// 3202.
pub const DETAIL: Call<DetailRequest, FileAnswer> = Call::of(Infno::DETAIL);
/// 5203.
pub const SETTLEMENT_QUERY: Call<CancelRequest, SettledAnswer> = Call::of(Infno::SETTLEMENT_QUERY);
/// 5204.
pub const DETAIL_QUERY: Call<CancelRequest, DetailAnswer> = Call::of(Infno::DETAIL_QUERY);
/// 9101.
pub const UPLOAD: Call<Upload, UploadInfo> = Call::of(Infno::UPLOAD);
/// 9102: answered with the bytes of the file; with an envelope only when it is refused.
pub const DOWNLOAD: Call<FileRequest, Nothing> = Call::of(Infno::DOWNLOAD);

/// One message, for the list and the document.
#[derive(Clone, Copy, Debug)]
pub struct MessageRow {
    /// Number.
    pub infno: Infno,
    /// What it is for: 中文, English.
    pub title: (&'static str, &'static str),
    /// How sure number and use are.
    pub named: Mark,
    /// Nodes of `input`.
    pub input: &'static [NodeRow],
    /// Nodes of `output`.
    pub output: &'static [NodeRow],
}

/// Every message that this house speaks.
pub const MESSAGES: &[MessageRow] = &[
    SIGN_IN.row(("签到", "sign in"), Mark::H),
    SIGN_OUT.row(("签退", "sign out"), Mark::H),
    PERSON.row(("人员信息获取", "person lookup"), Mark::H),
    BENEFIT.row(("人员待遇享受检查", "benefit check"), Mark::H),
    TRIAL.row(("药店预结算", "pharmacy pre-settlement"), Mark::H),
    SETTLE.row(("药店结算", "pharmacy settlement"), Mark::H),
    CANCEL.row(("药店结算撤销", "settlement cancelled"), Mark::H),
    REVERSE.row(("冲正交易", "reversal of a message without answer"), Mark::H),
    TOTALS.row(("费用结算对总账", "reconciliation of totals"), Mark::H),
    DETAIL.row(("费用结算对明细账", "reconciliation in detail"), Mark::H),
    SETTLEMENT_QUERY.row(("结算信息查询", "settlement query"), Mark::H),
    DETAIL_QUERY.row(("费用明细查询", "fee detail query"), Mark::H),
    UPLOAD.row(("文件上传", "file upload"), Mark::H),
    DOWNLOAD.row(("文件下载", "file download"), Mark::H),
];

/// The catalogue downloads 1301 to 1319; which of them are files and which are pages is general knowledge.
pub const CATALOGUES: &[CatalogueRow] = &[
    version(1301, "西药中成药目录", "western and patent drugs"),
    version(1302, "中药饮片目录", "slices"),
    version(1303, "医疗机构制剂目录", "self-made preparations"),
    paged(1304, "民族药品目录", "ethnic drugs"),
    version(1305, "医疗服务项目目录", "service items"),
    version(1306, "医用耗材目录", "consumables"),
    version(1307, "疾病与诊断目录", "diagnoses"),
    version(1308, "手术操作目录", "operations"),
    version(1309, "门诊慢特病种目录", "chronic and special diseases"),
    version(1310, "按病种付费病种目录", "diseases paid by case"),
    version(1311, "日间手术治疗病种目录", "day surgery"),
    paged(1312, "医保目录信息", "insurance lists"),
    version(1313, "肿瘤形态学目录", "tumour morphology"),
    version(1314, "中医疾病目录", "diseases of Chinese medicine"),
    version(1315, "中医证候目录", "syndromes of Chinese medicine"),
    paged(1316, "医疗目录与医保目录匹配信息", "mapping to the insurance lists"),
    paged(1317, "医药机构目录匹配信息", "mapping of an institution's lists"),
    paged(1318, "医保目录限价信息", "price ceilings"),
    paged(1319, "医保目录先自付比例信息", "own-pay ratios"),
];

/// One download.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueRow {
    /// Number.
    pub infno: Infno,
    /// What it holds: 中文, English.
    pub title: (&'static str, &'static str),
    /// Whether its rows come page by page in answers, instead of in a file.
    pub is_paged: bool,
}

const fn version(number: u16, zh: &'static str, en: &'static str) -> CatalogueRow {
    CatalogueRow { infno: Infno(number), title: (zh, en), is_paged: false }
}

const fn paged(number: u16, zh: &'static str, en: &'static str) -> CatalogueRow {
    CatalogueRow { infno: Infno(number), title: (zh, en), is_paged: true }
}

impl CatalogueRow {
    /// The row of a number.
    #[must_use]
    pub fn find(number: u16) -> Option<&'static Self> {
        CATALOGUES.iter().find(|row| row.infno.0 == number)
    }

    /// The call of a download as a file.
    #[must_use]
    pub const fn by_version(&self) -> Call<VersionRequest, FileAnswer> {
        Call::of(self.infno)
    }

    /// The call of a download by pages.
    #[must_use]
    pub const fn by_page(&self) -> Call<PageRequest, PageAnswer> {
        Call::of(self.infno)
    }
}
