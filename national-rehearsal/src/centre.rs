//! The centre itself: each request checked whole, answered, and entered in the books.
//!
//! Source: the national interface; what it leaves open is assumed: a message that comes twice is answered as the first time, the
//! same `msgid` with another body is refused, 2601 of a message that never came is granted and keeps it from coming later.
//! Owns: sessions, messages seen, books, files. Never: HTTP, faults.

use std::collections::BTreeMap;

use settlement::bill::{Bill, BillItem, Price as UnitPrice, SupplyDays};
use settlement::catalogue::Catalogue;
use settlement::fen::Fen;
use settlement::id::{BillId, Digest, DrugCode};
use settlement::national::amounts::{self, Asked, MutualAid};
use settlement::national::envelope::Outcome;
use settlement::national::field::{FieldFault, moment};
use settlement::national::message::{self, Body, CatalogueRow, LineInfo, Nothing, Purchase, SettlementInfo};
use settlement::national::{Amount, Infno, MsgId, Price, Ratio, Reading, Request, Response, Text, Unit};
use settlement::policy::Policy;
use settlement::quantity::Quantity;
use settlement::split::{Line, Split, Terms};
use settlement::{BusinessDate, DateTime};

use crate::books::{Books, Sale};
use crate::person::People;
use crate::{catalogue, statement};

/// Built-in people and drugs.
const PERSONS: &str = include_str!("../data/persons.toml");
const DRUGS: &str = include_str!("../data/drugs.csv");

/// 清算类别 of a pharmacy purchase, 清算方式 by project.
const CLEARING_TYPE: &str = "41";
const CLEARING_WAY: &str = "1";
/// The name under which a catalogue's file is fetched.
const JUST_ASKED: &str = "plc";

/// The centre.
#[derive(Clone, Debug)]
pub struct Centre {
    people: People,
    catalogue: Catalogue,
    policy: Policy,
    unit: Unit,
    pub(crate) books: Books,
    sessions: BTreeMap<String, String>,
    seen: BTreeMap<String, (Digest, Reply)>,
    files: BTreeMap<String, Vec<u8>>,
    issued: u64,
}

/// Data of a rehearsal that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DataFault {
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// `persons.toml`.
    #[error("persons.toml: {}", .0.message())]
    Persons(#[from] toml::de::Error),
    /// `drugs.csv`: number of faults.
    #[error("drugs.csv: {0} faults; sscard catalogue check names them")]
    Drugs(usize),
    /// `policy.toml`: number of faults.
    #[error("policy.toml: {0} faults; sscard policy check names them")]
    Policy(usize),
}

/// What goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An envelope.
    Envelope(String),
    /// The bytes of a file.
    File(Vec<u8>),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: &'static str,
    text: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl From<FieldFault> for Refusal {
    fn from(fault: FieldFault) -> Self {
        Self::new("FIELD", fault.to_string())
    }
}

impl From<settlement::fen::FenError> for Refusal {
    fn from(_: settlement::fen::FenError) -> Self {
        Self::new("AMOUNT_RANGE", "金额超出范围")
    }
}

/// What a request was, for the log: no data of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handled {
    pub(crate) reply: Reply,
    pub(crate) infno: u16,
    pub(crate) msgid: String,
    pub(crate) refused: Option<&'static str>,
}

/// One accepted request.
pub(crate) struct Accepted<'a> {
    pub(crate) request: &'a Request,
    pub(crate) how: Reading,
    pub(crate) now: DateTime,
}

impl Accepted<'_> {
    fn body<B: Body>(&self) -> Result<B, Refusal> {
        B::read(&self.request.input, self.how)
            .map_err(|fault| FieldFault { place: format!("input.{}", fault.place), ..fault }.into())
    }

    fn today(&self) -> BusinessDate {
        self.now.date()
    }
}

impl Centre {
    /// A centre with the built-in people and drugs.
    ///
    /// # Errors
    /// Never: they are tested.
    pub fn built_in(unit: Unit) -> Result<Self, DataFault> {
        Self::of(PERSONS, DRUGS, None, unit)
    }

    /// A centre with `persons.toml` and `drugs.csv` of a folder, and `policy.toml` if it is there.
    ///
    /// # Errors
    /// [`DataFault`].
    pub fn of_folder(folder: &std::path::Path, unit: Unit) -> Result<Self, DataFault> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path)
                .map_err(|source| DataFault::File { path: path.display().to_string(), source })
        };
        let policy = folder.join("policy.toml").is_file().then(|| read("policy.toml")).transpose()?;
        Self::of(&read("persons.toml")?, &read("drugs.csv")?, policy.as_deref(), unit)
    }

    fn of(persons: &str, drugs: &str, policy: Option<&str>, unit: Unit) -> Result<Self, DataFault> {
        let policy = policy.map(Policy::parse).transpose().map_err(|faults| DataFault::Policy(faults.len()))?;
        Ok(Self {
            people: toml::from_str(persons)?,
            catalogue: Catalogue::parse(drugs).map_err(|faults| DataFault::Drugs(faults.len()))?,
            policy: policy.unwrap_or_default(),
            unit,
            books: Books::default(),
            sessions: BTreeMap::new(),
            seen: BTreeMap::new(),
            files: BTreeMap::new(),
            issued: 0,
        })
    }

    /// The books.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// What a person's account of an insurance holds.
    #[must_use]
    pub fn balance(&self, psn_no: &str, insutype: &str) -> Option<Fen> {
        let person = self.people.persons.iter().find(|person| person.psn_no == psn_no)?;
        person.insurances.iter().find(|row| row.insutype == insutype).map(|row| row.balance)
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, bytes: &[u8], now: DateTime) -> Handled {
        let how = Reading::Strict(self.unit);
        let request = match Request::read(bytes, how) {
            Ok(request) => request,
            Err(fault) => return self.refused((0, String::new()), now, &fault.into()),
        };
        let infno = request.head.infno.as_str().parse().unwrap_or(0);
        let place = (infno, request.head.msgid.as_str().to_owned());
        let digest = Digest::of(bytes);
        match self.seen.get(&place.1) {
            Some((known, reply)) if *known == digest => {
                return Handled { reply: reply.clone(), infno, msgid: place.1, refused: None };
            }
            Some(_) => {
                let refusal = Refusal::new("MSGID_REUSED", "报文ID已用于另一报文");
                return self.refused(place, now, &refusal);
            }
            None => {}
        }
        let handled = match self.carry_out(Infno(infno), &Accepted { request: &request, how, now }) {
            Ok(reply) => Handled { reply, infno, msgid: place.1.clone(), refused: None },
            Err(refusal) => self.refused(place.clone(), now, &refusal),
        };
        self.seen.insert(place.1, (digest, handled.reply.clone()));
        handled
    }

    /// A refusal as it goes back.
    pub(crate) fn refused(&mut self, (infno, msgid): (u16, String), now: DateTime, refusal: &Refusal) -> Handled {
        let text: String = format!("[{}] {}", refusal.code, refusal.text).chars().take(200).collect();
        let outcome = Outcome { infcode: Text::new("-1"), err_msg: Some(Text::new(text)), ..self.outcome(now) };
        let reply = self.envelope(&outcome, &Nothing);
        Handled { reply, infno, msgid, refused: Some(refusal.code) }
    }

    fn outcome(&mut self, now: DateTime) -> Outcome {
        let time = format!("{now}000");
        Outcome {
            infcode: Text::new("0"),
            inf_refmsgid: Some(Text::new(format!("513399{now}{:010}", self.next()))),
            refmsg_time: Some(Text::new(&*time)),
            respond_time: Some(Text::new(time)),
            err_msg: None,
            warn_msg: None,
            signtype: None,
            cainfo: None,
        }
    }

    const fn next(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    fn envelope(&self, outcome: &Outcome, output: &impl Body) -> Reply {
        // What we made of tested data and of a request that was measured fits its rows.
        Reply::Envelope(Response::write(outcome, output, self.unit).unwrap_or_default())
    }

    fn done(&mut self, accepted: &Accepted<'_>, output: &impl Body) -> Reply {
        let outcome = self.outcome(accepted.now);
        self.envelope(&outcome, output)
    }

    fn carry_out(&mut self, infno: Infno, accepted: &Accepted<'_>) -> Result<Reply, Refusal> {
        self.check_head(infno, accepted)?;
        match infno {
            Infno::SIGN_IN => {
                let body: message::SignInRequest = accepted.body()?;
                let sign_no = format!("SIGN{:026}", self.next());
                self.sessions.insert(sign_no.clone(), accepted.request.head.fixmedins_code.as_str().to_owned());
                if body.sign_in.opter_no != Text::new(accepted.request.head.opter.as_str()) {
                    return Err(Refusal::new("OPERATOR", "opter_no 与 opter 不同"));
                }
                let info = message::SignInInfo { sign_no: Text::new(sign_no), sign_time: Some(accepted.now) };
                Ok(self.done(accepted, &message::SignInAnswer { signinoutb: info }))
            }
            Infno::SIGN_OUT => {
                let body: message::SignOutRequest = accepted.body()?;
                let gone = self.sessions.remove(body.sign_out.sign_no.as_str());
                gone.ok_or(Refusal::new("NOT_SIGNED_IN", "没有这个签到编号"))?;
                let info = message::SignOutInfo { sign_time: Some(accepted.now) };
                Ok(self.done(accepted, &message::SignOutAnswer { signoutoutb: info }))
            }
            Infno::PERSON => {
                let body: message::PersonRequest = accepted.body()?;
                let answer = self.people.find(&body.data)?.answer(accepted.today());
                Ok(self.done(accepted, &answer))
            }
            Infno::BENEFIT => {
                let body: message::BenefitRequest = accepted.body()?;
                let answer = self.people.person(body.data.psn_no.as_str())?.benefit(&body.data);
                Ok(self.done(accepted, &answer))
            }
            Infno::TRIAL => {
                let (info, lines, _) = self.priced(&accepted.body()?, accepted)?;
                Ok(self.done(accepted, &message::SettledAnswer { setlinfo: info, detlcutinfo: lines }))
            }
            Infno::SETTLE => self.settle(accepted),
            Infno::CANCEL => self.cancel(accepted),
            Infno::REVERSE => self.reverse(accepted),
            Infno::TOTALS => {
                let answer = statement::totals(&self.books, &accepted.body()?)?;
                Ok(self.done(accepted, &answer))
            }
            Infno::DETAIL => {
                let body: message::DetailRequest = accepted.body()?;
                let theirs = self.files.get(body.data.file_qury_no.as_str());
                let theirs = theirs.ok_or(Refusal::new("FILE_UNKNOWN", "没有这个文件"))?;
                let result = statement::detail(&self.books, &body.data, theirs)?;
                let info = self.keep("result.txt", &result)?;
                Ok(self.done(accepted, &message::FileAnswer { fileinfo: info }))
            }
            Infno::SETTLEMENT_QUERY => {
                let sale = self.sale(&accepted.body::<message::CancelRequest>()?.data)?;
                let answer = message::SettledAnswer { setlinfo: sale.info.clone(), detlcutinfo: sale.lines.clone() };
                Ok(self.done(accepted, &answer))
            }
            Infno::DETAIL_QUERY => {
                let feedetail = self.sale(&accepted.body::<message::CancelRequest>()?.data)?.lines.clone();
                Ok(self.done(accepted, &message::DetailAnswer { feedetail }))
            }
            Infno::UPLOAD => {
                let file = accepted.body::<message::Upload>()?.file;
                let name = self.next_file();
                self.files.insert(name.clone(), file.bytes);
                Ok(self.done(accepted, &message::UploadInfo { file_qury_no: Text::new(name) }))
            }
            Infno::DOWNLOAD => {
                let file = accepted.body::<message::FileRequest>()?.file;
                let found = self.files.get(file.file_qury_no.as_str()).cloned();
                found.map(Reply::File).ok_or(Refusal::new("FILE_UNKNOWN", "没有这个文件"))
            }
            other => self.catalogue(other, accepted),
        }
    }

    /// The outer fields among themselves: the institution in `msgid`, the session.
    fn check_head(&self, infno: Infno, accepted: &Accepted<'_>) -> Result<(), Refusal> {
        let head = &accepted.request.head;
        let institution = head.fixmedins_code.as_str();
        let msgid = MsgId::parse(head.msgid.as_str());
        let msgid = msgid.ok_or(Refusal::new("MSGID", "报文ID应为机构编号 12 位、时间 14 位、顺序号 4 位"))?;
        if msgid.institution() != institution {
            return Err(Refusal::new("MSGID", "报文ID不属于该机构"));
        }
        if !["1", "2", "3"].contains(&head.opter_type.as_str()) {
            return Err(Refusal::new("OPERATOR_TYPE", "opter_type 应为 1、2 或 3"));
        }
        if infno == Infno::SIGN_IN {
            return Ok(());
        }
        let session = head.sign_no.as_ref().and_then(|number| self.sessions.get(number.as_str()));
        if session.is_none_or(|of| of != institution) {
            return Err(Refusal::new("NOT_SIGNED_IN", "没有签到"));
        }
        Ok(())
    }

    /// Prices a purchase for the account of its person.
    fn priced(
        &self,
        purchase: &Purchase,
        accepted: &Accepted<'_>,
    ) -> Result<(SettlementInfo, Vec<LineInfo>, Split), Refusal> {
        let info = &purchase.druginfo;
        let (psn_no, insutype) = (info.psn_no.as_str(), info.insutype.as_str());
        let person = self.people.person(psn_no)?;
        let insurance = person.insurances.iter().find(|row| row.insutype == insutype);
        let insurance = insurance.ok_or(Refusal::new("NOT_INSURED", "人员未参加该险种"))?;
        let split =
            self.split(purchase, if info.acct_used_flag.as_str() == "0" { Fen::ZERO } else { insurance.balance })?;
        let amount = |fen: Fen| Amount::of(fen).map_err(|_| Refusal::new("AMOUNT_RANGE", "金额超出范围"));
        let parts = split.parts;
        let settled = SettlementInfo {
            setl_id: None,
            mdtrt_id: None,
            psn_no: Text::new(psn_no),
            insutype: Some(Text::new(insutype)),
            setl_time: Some(accepted.now),
            medfee_sumamt: amount(parts.amount_fen)?,
            fulamt_ownpay_amt: amount(parts.own_pay_fen)?,
            overlmt_selfpay: amount(parts.over_limit_fen)?,
            preselfpay_amt: amount(parts.first_self_pay_fen)?,
            inscp_scp_amt: amount(parts.in_scope_fen)?,
            act_pay_dedc: Some(Amount::ZERO),
            hifp_pay: Some(amount(split.pooled_fund_fen)?),
            cvlserv_pay: Some(Amount::ZERO),
            hifes_pay: Some(Amount::ZERO),
            hifmi_pay: Some(Amount::ZERO),
            hifob_pay: Some(Amount::ZERO),
            maf_pay: Some(Amount::ZERO),
            oth_pay: Some(Amount::ZERO),
            fund_pay_sumamt: amount(split.pooled_fund_fen)?,
            psn_part_amt: Some(amount(split.personal_account_fen.plus(split.self_paid_fen)?)?),
            acct_pay: amount(split.personal_account_fen)?,
            psn_cash_pay: amount(split.self_paid_fen)?,
            balc: Some(amount(insurance.balance.minus(split.personal_account_fen)?)?),
            acct_mulaid_pay: Some(Amount::ZERO),
            medins_setl_id: Some(Text::new(accepted.request.head.msgid.as_str())),
            clr_optins: Some(Text::new(&*insurance.region)),
            clr_way: Some(Text::new(CLEARING_WAY)),
            clr_type: Some(Text::new(CLEARING_TYPE)),
            refd_setl_flag: Some(Text::new("0")),
        };
        let asked = Asked { psn_no, total: info.medfee_sumamt.fen(), msgid: None, mutual_aid: MutualAid::Inside };
        amounts::check(&settled, &asked).map_err(|error| Refusal::new("AMOUNTS", error.to_string()))?;
        let lines = purchase.drugdetail.iter().zip(&split.lines).map(|(detail, line)| self.line(detail, line, &split));
        Ok((settled, lines.collect::<Result<_, _>>()?, split.clone()))
    }

    fn split(&self, purchase: &Purchase, balance: Fen) -> Result<Split, Refusal> {
        let item = |detail: &message::DrugDetail| {
            let bad = |what: &str| Refusal::new("DETAIL", format!("明细 {}：{what}", detail.feedetl_sn.as_str()));
            let quantity = u64::try_from(detail.cnt.get()).ok().and_then(Quantity::of_ten_thousandths);
            let days = detail.prd_days.and_then(|days| u16::try_from(days.get() / 100).ok()).and_then(SupplyDays::new);
            Ok(BillItem {
                code: DrugCode::parse(detail.med_list_codg.as_str()).map_err(|_| bad("医疗目录编码"))?,
                quantity: quantity.ok_or_else(|| bad("数量"))?,
                unit_price: UnitPrice::of_millionths(detail.pric.get()).ok_or_else(|| bad("单价"))?,
                rx: detail.rxno.as_ref().map(|number| number.as_str().to_owned()),
                days,
            })
        };
        let items = purchase.drugdetail.iter().map(item).collect::<Result<Vec<_>, Refusal>>()?;
        let bill_id = BillId::parse("rehearsal").map_err(|_| Refusal::new("BILL", "单号"))?;
        let day = purchase.druginfo.begntime.date();
        let terms = Terms { catalogue: &self.catalogue, policy: &self.policy, day, earlier: &[] };
        let refused = |error: settlement::split::SplitError| Refusal::new("BILL", error.to_string());
        let split = Split::of(&Bill { bill_id, items }, &terms, balance).map_err(refused)?;
        for (detail, line) in purchase.drugdetail.iter().zip(&split.lines) {
            if detail.det_item_fee_sumamt.fen() != line.parts.amount_fen {
                let text = format!("明细 {}：金额不等于单价乘数量", detail.feedetl_sn.as_str());
                return Err(Refusal::new("DETAIL", text));
            }
        }
        Ok(split)
    }

    fn line(&self, detail: &message::DrugDetail, line: &Line, split: &Split) -> Result<LineInfo, Refusal> {
        let amount = |fen: Fen| Amount::of(fen).map_err(|_| Refusal::new("AMOUNT_RANGE", "金额超出范围"));
        let drug = self.catalogue.find(&line.code, split.business_date);
        let drug = drug.map_err(|_| Refusal::new("BILL", "药品不在目录中"))?;
        let ratio =
            i64::try_from(drug.first_self_pay.ten_thousandths()).ok().and_then(|places| Ratio::new(places).ok());
        Ok(LineInfo {
            feedetl_sn: detail.feedetl_sn.clone(),
            det_item_fee_sumamt: Some(amount(line.parts.amount_fen)?),
            cnt: Some(detail.cnt),
            pric: Some(detail.pric),
            pric_uplmt_amt: drug.price_ceiling.and_then(|ceiling| Price::new(ceiling.get() * 10_000).ok()),
            selfpay_prop: ratio,
            fulamt_ownpay_amt: Some(amount(line.parts.own_pay_fen)?),
            overlmt_amt: Some(amount(line.parts.over_limit_fen)?),
            preselfpay_amt: Some(amount(line.parts.first_self_pay_fen)?),
            inscp_scp_amt: Some(amount(line.parts.in_scope_fen)?),
            chrgitm_lv: Some(Text::new(line.class.to_string())),
            med_chrgitm_type: None,
            bas_medn_flag: None,
            hi_nego_drug_flag: None,
        })
    }

    fn settle(&mut self, accepted: &Accepted<'_>) -> Result<Reply, Refusal> {
        let msgid = accepted.request.head.msgid.as_str();
        if self.books.undone.contains(msgid) {
            return Err(Refusal::new("UNDONE", "该报文已冲正"));
        }
        let purchase: Purchase = accepted.body()?;
        let (mut info, lines, split) = self.priced(&purchase, accepted)?;
        let number = self.next();
        let (setl_id, mdtrt_id) = (format!("SETL{number:020}"), format!("MDTRT{number:020}"));
        (info.setl_id, info.mdtrt_id) = (Some(Text::new(&*setl_id)), Some(Text::new(&*mdtrt_id)));
        let (psn_no, insutype) = (info.psn_no.as_str().to_owned(), purchase.druginfo.insutype.as_str().to_owned());
        let insurance = self.people.insurance(&psn_no, &insutype)?;
        insurance.balance = insurance.balance.minus(split.personal_account_fen)?;
        self.books.sales.push(Sale {
            setl_id,
            mdtrt_id,
            msgid: msgid.to_owned(),
            psn_no,
            insutype,
            day: accepted.today(),
            sums: settlement::national::statement::Sums {
                total: split.parts.amount_fen,
                funds: split.pooled_fund_fen,
                account: split.personal_account_fen,
            },
            is_undone: false,
            refund: None,
            info: info.clone(),
            lines: lines.clone(),
        });
        Ok(self.done(accepted, &message::SettledAnswer { setlinfo: info, detlcutinfo: lines }))
    }

    fn sale(&self, data: &message::Cancel) -> Result<&Sale, Refusal> {
        let is_it = |sale: &&Sale| {
            sale.setl_id == data.setl_id.as_str()
                && sale.mdtrt_id == data.mdtrt_id.as_str()
                && sale.psn_no == data.psn_no.as_str()
                && !sale.is_undone
        };
        self.books.sales.iter().find(is_it).ok_or(Refusal::new("SETTLEMENT_UNKNOWN", "没有这笔结算"))
    }

    fn cancel(&mut self, accepted: &Accepted<'_>) -> Result<Reply, Refusal> {
        let msgid = accepted.request.head.msgid.as_str().to_owned();
        if self.books.undone.contains(&msgid) {
            return Err(Refusal::new("UNDONE", "该报文已冲正"));
        }
        let data = accepted.body::<message::CancelRequest>()?.data;
        let sale = self.sale(&data)?;
        if sale.refund.is_some() {
            return Err(Refusal::new("CANCELLED", "该结算已撤销"));
        }
        let (setl_id, sums) = (sale.setl_id.clone(), sale.sums);
        let refund = format!("REFD{:020}", self.next());
        let found = self.books.sales.iter_mut().find(|sale| sale.setl_id == setl_id);
        let sale = found.ok_or(Refusal::new("SETTLEMENT_UNKNOWN", "没有这笔结算"))?;
        sale.refund = Some((refund.clone(), msgid, accepted.now.date()));
        let mut info = negative(&sale.info)?;
        (info.setl_id, info.refd_setl_flag) = (Some(Text::new(refund)), Some(Text::new("1")));
        info.medins_setl_id = Some(Text::new(accepted.request.head.msgid.as_str()));
        let (psn_no, insutype) = (sale.psn_no.clone(), sale.insutype.clone());
        info.balc = Amount::of(self.give_back(&psn_no, &insutype, sums.account)?).ok();
        Ok(self.done(accepted, &message::CancelAnswer { setlinfo: info }))
    }

    /// What the account holds then.
    fn give_back(&mut self, psn_no: &str, insutype: &str, amount: Fen) -> Result<Fen, Refusal> {
        let insurance = self.people.insurance(psn_no, insutype)?;
        insurance.balance = insurance.balance.plus(amount)?;
        Ok(insurance.balance)
    }

    fn reverse(&mut self, accepted: &Accepted<'_>) -> Result<Reply, Refusal> {
        let data = accepted.body::<message::ReversalRequest>()?.data;
        let (omsgid, psn_no) = (data.omsgid.as_str(), data.psn_no.as_str());
        let infno = data.oinfno.as_str().parse().map(Infno).unwrap_or(Infno(0));
        if !infno.is_reversible() || MsgId::parse(omsgid).is_none() {
            return Err(Refusal::new("NOT_REVERSIBLE", "该交易不能冲正"));
        }
        self.people.person(psn_no)?;
        let moved = match infno {
            Infno::SETTLE => {
                let sale = self.books.sales.iter_mut().find(|sale| sale.msgid == omsgid && !sale.is_undone);
                match sale {
                    Some(sale) if sale.psn_no != psn_no => {
                        return Err(Refusal::new("OTHER_PERSON", "人员与原交易不同"));
                    }
                    Some(sale) if sale.refund.is_some() => {
                        return Err(Refusal::new("CANCELLED", "该结算已撤销"));
                    }
                    Some(sale) => {
                        sale.is_undone = true;
                        Some((sale.insutype.clone(), sale.sums.account))
                    }
                    None => None,
                }
            }
            _ => {
                let of = |sale: &&mut Sale| sale.refund.as_ref().is_some_and(|(_, msgid, _)| msgid == omsgid);
                self.books.sales.iter_mut().find(of).map(|sale| {
                    sale.refund = None;
                    (sale.insutype.clone(), sale.sums.account)
                })
            }
        };
        self.books.undone.insert(omsgid.to_owned());
        if let Some((insutype, account)) = moved {
            let back = if infno == Infno::SETTLE { account } else { Fen::ZERO.minus(account)? };
            self.give_back(psn_no, &insutype, back)?;
        }
        Ok(self.done(accepted, &Nothing))
    }

    fn catalogue(&mut self, infno: Infno, accepted: &Accepted<'_>) -> Result<Reply, Refusal> {
        let none = || Refusal::new("MESSAGE_UNKNOWN", format!("没有交易 {infno}"));
        let row = CatalogueRow::find(infno.0).ok_or_else(none)?;
        if row.is_paged {
            let body: message::PageRequest = accepted.body()?;
            let page = catalogue::page(infno, &self.catalogue, &body.data);
            return Ok(self.done(accepted, &page.unwrap_or_default()));
        }
        accepted.body::<message::VersionRequest>()?;
        let (text, count) = catalogue::file(infno, &self.catalogue).ok_or_else(none)?;
        let mut info = self.keep(&format!("{infno}.txt"), &text)?;
        info.filename = Text::new(JUST_ASKED);
        info.data_cnt =
            i64::try_from(count).ok().and_then(|count| settlement::national::number::Decimal::new(count).ok());
        Ok(self.done(accepted, &message::FileAnswer { fileinfo: info }))
    }

    fn next_file(&mut self) -> String {
        format!("fsi/plc/{:030}", self.next())
    }

    /// Keeps a file, packed as such centres pack them.
    fn keep(&mut self, name: &str, text: &str) -> Result<message::FileInfo, Refusal> {
        let packed = settlement::national::archive::pack(name, text.as_bytes());
        let packed = packed.map_err(|_| Refusal::new("FILE", "文件无法打包"))?;
        let key = self.next_file();
        self.files.insert(key.clone(), packed);
        Ok(message::FileInfo {
            file_qury_no: Text::new(key),
            filename: Text::new(format!("{name}.zip")),
            dld_endtime: None,
            data_cnt: None,
        })
    }

    /// One fen more in the books than was answered.
    pub(crate) fn misbook(&mut self) {
        if let Some(sale) = self.books.sales.last_mut() {
            sale.sums.total = sale.sums.total.plus(Fen::new(1)).unwrap_or(sale.sums.total);
        }
    }
}

/// The amounts of a refund.
fn negative(info: &SettlementInfo) -> Result<SettlementInfo, Refusal> {
    let minus = |amount: Amount| {
        let fen = Fen::ZERO.minus(amount.fen())?;
        Amount::of(fen).map_err(|_| Refusal::new("AMOUNT_RANGE", "金额超出范围"))
    };
    Ok(SettlementInfo {
        medfee_sumamt: minus(info.medfee_sumamt)?,
        fulamt_ownpay_amt: minus(info.fulamt_ownpay_amt)?,
        overlmt_selfpay: minus(info.overlmt_selfpay)?,
        preselfpay_amt: minus(info.preselfpay_amt)?,
        inscp_scp_amt: minus(info.inscp_scp_amt)?,
        fund_pay_sumamt: minus(info.fund_pay_sumamt)?,
        hifp_pay: info.hifp_pay.map(minus).transpose()?,
        psn_part_amt: info.psn_part_amt.map(minus).transpose()?,
        acct_pay: minus(info.acct_pay)?,
        psn_cash_pay: minus(info.psn_cash_pay)?,
        balc: None,
        ..info.clone()
    })
}

/// For the log: when a message came.
pub(crate) fn time(now: DateTime) -> String {
    moment(now)
}
