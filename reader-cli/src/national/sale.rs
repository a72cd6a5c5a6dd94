//! 2101, 2102, 2103: a bill tried, settled, cancelled; 5203 and 5204: looked up again.
//!
//! Source: a settlement whose answer is lost, or does not hold, is undone by 2601 before anything else is done with its bill.
//! Owns: the order of these steps. Never: sends 2102 for a bill twice unless nothing of the first stands at the centre.

use card_counter::error::{NationalError, TerminalError};
use card_counter::language::Words;
use card_counter::store::{SaleDraft, Settled, StoredSale};
use settlement::bill::{Bill, BillItem};
use settlement::catalogue::Class;
use settlement::fen::Fen;
use settlement::national::amounts::{self, Cancelled, Contradiction};
use settlement::national::message::{
    CANCEL, Call, Cancel, CancelRequest, DETAIL_QUERY, DrugDetail, DrugInfo, LineInfo, Purchase, SETTLE,
    SETTLEMENT_QUERY, SettledAnswer, SettlementInfo, TRIAL,
};
use settlement::national::number::Decimal;
use settlement::national::state::{Event, State};
use settlement::national::{Amount, Infno, MsgId, Price, Share, Text};
use settlement::receipt::{NationalLine, NationalPaper};
use settlement::split::{Parts, Split, SplitError};

use super::{Failure, Known, National};

/// A bill and whom it is for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Bill.
    pub bill: &'a Bill,
    /// Person.
    pub known: &'a Known,
    /// 险种.
    pub insutype: &'a str,
    /// Whether the personal account pays.
    pub with_account: bool,
    /// Our own split, where there is one: names and classes for the paper.
    pub ours: Option<&'a Split>,
}

/// What a person says of a message without answer.
#[derive(Clone, Copy, Debug)]
pub enum Judged<'a> {
    /// The centre did not carry it out.
    NotDone,
    /// It did, under these names.
    Done {
        /// 结算ID; of a cancellation the refund's.
        setl_id: &'a str,
        /// 就诊ID of a settlement.
        mdtrt_id: Option<&'a str>,
    },
}

/// What the centre made of a bill.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Amounts, checked.
    pub info: SettlementInfo,
    /// Lines.
    pub lines: Vec<LineInfo>,
}

impl National<'_> {
    /// What a bill would come to.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn trial(&mut self, asked: &Asked<'_>) -> Result<Outcome, TerminalError> {
        let insured = asked.known.insurance(asked.insutype)?;
        let (purchase, total) = self.purchase(asked)?;
        let answer = self.ask(TRIAL, &purchase, insured.region.as_deref(), &asked.known.values())?;
        let checked = self.check(&answer.setlinfo, &asked.known.psn_no, total, None);
        match checked {
            Ok(()) => Ok(Outcome { info: answer.setlinfo, lines: answer.detlcutinfo }),
            Err(identity) => Err(NationalError::Amounts { infno: Infno::TRIAL, identity, undone: false }.into()),
        }
    }

    /// Settles a bill.
    ///
    /// # Errors
    /// [`NationalError::BillSettled`], [`NationalError::Open`]; [`NationalError::Reversed`] when the answer was lost and the
    /// settlement undone, [`NationalError::Unanswered`] when that is still to be done; [`NationalError::Amounts`];
    /// [`NationalError::Refused`].
    pub fn settle(&mut self, asked: &Asked<'_>) -> Result<(StoredSale, Outcome), TerminalError> {
        let region = asked.known.insurance(asked.insutype)?.region.clone();
        let (purchase, total) = self.purchase(asked)?;
        // What does not fit a field is said before a settlement is begun.
        let numbering = self.settings.numbering.clone();
        let trial_number = MsgId::of(&numbering.institution, self.now.date_time(), numbering.first);
        if let Some(msgid) = trial_number {
            self.letter(Infno::SETTLE, &msgid, &purchase, region.as_deref())?;
        }
        let draft = SaleDraft {
            bill_id: &asked.bill.bill_id,
            psn_no: &asked.known.psn_no,
            insutype: asked.insutype,
            region: region.as_deref(),
            total,
        };
        let (number, msgid) = self.store.begin_sale(&draft, &numbering, self.now)?;
        let answer = self.ask_as(SETTLE, &msgid, &purchase, region.as_deref(), &asked.known.values());
        let sale = self.store.sale(number)?;
        let answer: SettledAnswer = match answer {
            Ok(answer) => answer,
            Err(Failure::Refused(error)) => return Err(self.refused(&sale, error)?),
            Err(Failure::Lost(TerminalError::National(error))) => return Err(self.unbelieved(&sale, &error)?),
            Err(Failure::Lost(error)) => return Err(error),
        };
        let info = answer.setlinfo;
        let checked = self.check(&info, &asked.known.psn_no, total, Some(msgid.as_str()));
        let said = checked.and_then(|()| said(&info, self.now.date(), 1));
        let said = match said {
            Ok(said) => Settled { paper: Some(self.paper(&info, lines(asked, &answer.detlcutinfo))?), ..said },
            Err(identity) => {
                let told = self.lost(&sale)?;
                return Err(contradicted(Infno::SETTLE, identity, &told));
            }
        };
        self.store.settled(&sale, &said)?;
        Ok((self.store.sale(number)?, Outcome { info, lines: answer.detlcutinfo }))
    }

    /// Cancels the settlement of a bill.
    ///
    /// # Errors
    /// [`NationalError::Unknown`] unless it is settled; otherwise as [`Self::settle`].
    pub fn cancel(&mut self, bill: &str) -> Result<StoredSale, TerminalError> {
        let sale = self.settled_sale(bill)?;
        let data = self.named(&sale)?;
        let numbering = self.settings.numbering.clone();
        let msgid = self.store.begin_cancel(&sale, &numbering, self.now)?;
        let input = CancelRequest { data };
        let answer = self.ask_as(CANCEL, &msgid, &input, sale.region.as_deref(), &[&sale.psn_no]);
        let cancelling = self.store.sale(sale.number)?;
        let info = match answer {
            Ok(answer) => answer.setlinfo,
            Err(Failure::Refused(error)) => return Err(self.refused(&cancelling, error)?),
            Err(Failure::Lost(TerminalError::National(error))) => return Err(self.unbelieved(&cancelling, &error)?),
            Err(Failure::Lost(error)) => return Err(error),
        };
        let sums = sale.sums();
        let asked = Cancelled {
            psn_no: &sale.psn_no,
            mdtrt_id: sale.ids.as_ref().map_or("", |(_, mdtrt_id)| mdtrt_id.as_str()),
            msgid: msgid.as_str(),
            sums: [sums.total, sums.funds, sums.account],
        };
        let known = self.store.known_settlements()?;
        let checked = amounts::check_cancelled(&info, &asked, |setl_id| known.contains(setl_id));
        let said = checked.and_then(|()| said(&info, self.now.date(), -1));
        match said {
            Ok(said) => {
                let said = Settled { paper: Some(self.paper(&info, Vec::new())?), ..said };
                self.store.settled(&cancelling, &said)?;
                Ok(self.store.sale(sale.number)?)
            }
            Err(identity) => {
                let told = self.lost(&cancelling)?;
                Err(contradicted(Infno::CANCEL, identity, &told))
            }
        }
    }

    /// An answer that did not come, or does not hold: the settlement is uncertain, and 2601 is tried at once. The answer is what is
    /// told; an error is one of the journal.
    fn lost(&mut self, sale: &StoredSale) -> Result<TerminalError, TerminalError> {
        self.store.move_sale(sale, Event::AnswerLost, None)?;
        let sale = self.store.sale(sale.number)?;
        let Some((infno, msgid)) = sale.unanswered().map(|(infno, msgid)| (infno, msgid.to_owned())) else {
            return Ok(TerminalError::Bug("a settlement without answer is uncertain"));
        };
        let bill = sale.bill_id.clone();
        Ok(match self.undo(&sale, infno, &msgid) {
            Ok(_) => NationalError::Reversed { infno, bill, msgid }.into(),
            Err(Failure::Refused(TerminalError::National(NationalError::Refused { .. }))) => {
                NationalError::Open { bill, msgid }.into()
            }
            Err(Failure::Lost(TerminalError::National(_))) => NationalError::Unanswered { infno, bill, msgid }.into(),
            Err(failure) => return Err(failure.into()),
        })
    }

    /// As [`Self::lost`]; what an answer that came says against itself is told with it.
    fn unbelieved(&mut self, sale: &StoredSale, error: &NationalError) -> Result<TerminalError, TerminalError> {
        let told = self.lost(sale)?;
        Ok(match error {
            NationalError::Amounts { infno, identity, .. } => contradicted(*infno, *identity, &told),
            _ => told,
        })
    }

    /// A refusal. One that is not known to mean that nothing was done may come from a gateway whose own time was up: it is undone as
    /// an answer that is lost. What never left is over. The answer is what is told.
    fn refused(&mut self, sale: &StoredSale, error: TerminalError) -> Result<TerminalError, TerminalError> {
        let TerminalError::National(NationalError::Refused { infno, code, text, .. }) = error else {
            self.store.move_sale(sale, Event::Refused, None)?;
            return Ok(error);
        };
        if self.settings.refusals.contains(&code) {
            self.store.move_sale(sale, Event::Refused, None)?;
            return Ok(NationalError::Refused { infno, code, text, undone: false }.into());
        }
        Ok(match self.lost(sale)? {
            TerminalError::National(NationalError::Reversed { .. }) => {
                NationalError::Refused { infno, code, text, undone: true }.into()
            }
            open => open,
        })
    }

    /// A person noted the centre's word of a message that was neither answered nor undone. That a settlement stands is believed when
    /// the centre shows it by the names that the person gives (5203), and it is this one.
    ///
    /// # Errors
    /// [`NationalError::Unknown`] unless a message of the bill is open; [`NationalError::Amounts`] when the centre shows another one.
    pub fn judge(&mut self, bill: &str, judged: Judged<'_>, reason: &str) -> Result<State, TerminalError> {
        let sale = self.store.sale_of_bill(bill)?.filter(|sale| sale.state.undoes().is_some());
        let sale = sale.map_or_else(|| Err(self.unknown(bill)), Ok)?;
        let said = match (judged, sale.state) {
            (Judged::NotDone, _) => return Ok(self.store.move_sale(&sale, Event::JudgedNotDone, Some(reason))?),
            (Judged::Done { setl_id, mdtrt_id: Some(mdtrt_id) }, State::Uncertain) => {
                let psn_no = Text::new(&*sale.psn_no);
                let data = Cancel { psn_no, setl_id: Text::new(setl_id), mdtrt_id: Text::new(mdtrt_id) };
                let region = sale.region.clone();
                let asked = CancelRequest { data };
                let info = self.ask(SETTLEMENT_QUERY, &asked, region.as_deref(), &[&sale.psn_no])?.setlinfo;
                let checked = self.check(&info, &sale.psn_no, sale.total, Some(&sale.settle_msgid));
                let said = checked.and_then(|()| said(&info, self.now.date(), 1));
                let wrong =
                    |identity| NationalError::Amounts { infno: SETTLEMENT_QUERY.infno, identity, undone: false };
                said.map_err(wrong)?
            }
            // A cancellation has no message that shows it; its sums are the sale's.
            (Judged::Done { setl_id, mdtrt_id: None }, State::CancelUncertain) => Settled {
                setl_id: setl_id.to_owned(),
                mdtrt_id: sale.ids.clone().map(|(_, mdtrt_id)| mdtrt_id).unwrap_or_default(),
                day: self.now.date(),
                paid: sale.paid.unwrap_or_default(),
                clearing: sale.clearing.clone(),
                paper: None,
            },
            (Judged::Done { .. }, state) => {
                let visit = if state == State::Uncertain { "--visit" } else { "--settlement" };
                return Err(TerminalError::Configuration {
                    place: visit.to_owned(),
                    reason: Words::new(
                        "结算要给出 --settlement 和 --visit,撤销只给出 --settlement",
                        "a settlement is named by --settlement and --visit, a cancellation by --settlement alone",
                    ),
                });
            }
        };
        self.store.judged_done(&sale, &said, reason)
    }

    /// The settlement of a bill as the centre has it, and where its sums differ from ours.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn look_up(&mut self, bill: &str) -> Result<(StoredSale, SettlementInfo), TerminalError> {
        let (sale, answer) = self.query(SETTLEMENT_QUERY, bill)?;
        Ok((sale, answer.setlinfo))
    }

    /// The lines of a settlement as the centre has them.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn lines(&mut self, bill: &str) -> Result<Vec<LineInfo>, TerminalError> {
        self.query(DETAIL_QUERY, bill).map(|(_, answer)| answer.feedetail)
    }

    fn query<O: settlement::national::message::Body>(
        &mut self,
        call: Call<CancelRequest, O>,
        bill: &str,
    ) -> Result<(StoredSale, O), TerminalError> {
        let sale = self.store.sale_of_bill(bill)?.filter(|sale| sale.ids.is_some());
        let sale = sale.map_or_else(|| Err(self.unknown(bill)), Ok)?;
        let data = self.named(&sale)?;
        let answer = self.ask(call, &CancelRequest { data }, sale.region.as_deref(), &[&sale.psn_no])?;
        Ok((sale, answer))
    }

    fn settled_sale(&self, bill: &str) -> Result<StoredSale, TerminalError> {
        let sale = self.store.sale_of_bill(bill)?.filter(|sale| sale.state == State::Settled);
        sale.map_or_else(|| Err(self.unknown(bill)), Ok)
    }

    fn unknown(&self, bill: &str) -> TerminalError {
        match self.store.sale_of_bill(bill) {
            Ok(sale) => {
                let state = sale.map(|sale| sale.state.as_str());
                NationalError::Unknown { bill: bill.to_owned(), state }.into()
            }
            Err(error) => error.into(),
        }
    }

    fn named(&self, sale: &StoredSale) -> Result<Cancel, TerminalError> {
        let (setl_id, mdtrt_id) = sale.ids.clone().ok_or_else(|| self.unknown(&sale.bill_id))?;
        Ok(Cancel { psn_no: Text::new(&*sale.psn_no), setl_id: Text::new(setl_id), mdtrt_id: Text::new(mdtrt_id) })
    }

    fn check(&self, info: &SettlementInfo, psn_no: &str, total: Fen, msgid: Option<&str>) -> Result<(), Contradiction> {
        let asked = amounts::Asked { psn_no, total, msgid, mutual_aid: self.settings.mutual_aid };
        amounts::check(info, &asked)
    }

    /// What is kept for the paper of an answer.
    fn paper(&self, info: &SettlementInfo, lines: Vec<NationalLine>) -> Result<String, TerminalError> {
        let parts = match lines.is_empty() {
            true => Parts::default(),
            false => Parts {
                amount_fen: info.medfee_sumamt.fen(),
                own_pay_fen: info.fulamt_ownpay_amt.fen(),
                over_limit_fen: info.overlmt_selfpay.fen(),
                first_self_pay_fen: info.preselfpay_amt.fen(),
                in_scope_fen: info.inscp_scp_amt.fen(),
            },
        };
        let (operator, at) = (self.operator.to_owned(), self.now.date_time());
        let paper = NationalPaper { operator, at, balance_after: info.balc.map(Amount::fen), parts, lines };
        serde_json::to_string(&paper).map_err(|_| TerminalError::Bug("a paper has a JSON form"))
    }

    /// A bill as the interface has it, and its sum.
    fn purchase(&self, asked: &Asked<'_>) -> Result<(Purchase, Fen), TerminalError> {
        let at = self.now.date_time();
        let too_large = |fault: settlement::fen::FenError| refused(&SplitError::Amount(fault));
        let range = || too_large(settlement::fen::FenError::Overflow);
        let mut drugdetail = Vec::with_capacity(asked.bill.items.len());
        let mut total = Fen::ZERO;
        for (index, item) in asked.bill.items.iter().enumerate() {
            let quantity = item.quantity.ten_thousandths();
            let amount = item.unit_price.of(item.quantity).map_err(too_large)?;
            total = total.plus(amount).map_err(too_large)?;
            let days = item.days.and_then(|days| Decimal::new(i64::from(days.get()) * 100).ok());
            drugdetail.push(DrugDetail {
                feedetl_sn: Text::new((index + 1).to_string()),
                rxno: item.rx.as_deref().map(Text::new),
                rx_circ_flag: Some(Text::new(if item.rx.is_some() { "1" } else { "0" })),
                fee_ocur_time: at,
                med_list_codg: Text::new(item.code.as_str()),
                medins_list_codg: Text::new(item.code.as_str()),
                det_item_fee_sumamt: Amount::of(amount).map_err(|_| range())?,
                cnt: i64::try_from(quantity).ok().and_then(|places| Share::new(places).ok()).ok_or_else(range)?,
                pric: Price::new(item.unit_price.millionths()).map_err(|_| range())?,
                sin_dos_dscr: None,
                used_frqu_dscr: None,
                prd_days: days,
                medc_way_dscr: None,
                bilg_dr_codg: None,
                bilg_dr_name: None,
                tcmdrug_used_way: None,
            });
        }
        let (kind, number) = &asked.known.certificate;
        let druginfo = DrugInfo {
            psn_no: Text::new(&*asked.known.psn_no),
            mdtrt_cert_type: Text::new(*kind),
            mdtrt_cert_no: number.as_deref().map(Text::new),
            begntime: at,
            medfee_sumamt: Amount::of(total).map_err(|_| range())?,
            invono: None,
            insutype: Text::new(asked.insutype),
            dise_codg: None,
            dise_name: None,
            acct_used_flag: Text::new(if asked.with_account { "1" } else { "0" }),
            med_type: Text::new(&*self.settings.purchase_type),
        };
        Ok((Purchase { druginfo, drugdetail }, total))
    }
}

/// Items as the centre split them: by their names and classes, where it or our own catalogue says them.
fn lines(asked: &Asked<'_>, told: &[LineInfo]) -> Vec<NationalLine> {
    let fen = |amount: Option<Amount>| amount.map_or(Fen::ZERO, Amount::fen);
    let line = |(index, item): (usize, &BillItem)| {
        let ours = asked.ours.and_then(|split| split.lines.get(index)).filter(|line| line.code == item.code);
        let told = told.iter().find(|line| line.feedetl_sn.as_str() == (index + 1).to_string());
        let class = told.and_then(|line| class(line.chrgitm_lv.as_ref()?.as_str())).or(ours.map(|line| line.class));
        let amount = || item.unit_price.of(item.quantity).unwrap_or(Fen::ZERO);
        NationalLine {
            name: ours.map_or_else(|| item.code.as_str().to_owned(), |line| line.name.clone()),
            class,
            price: item.unit_price.to_string(),
            quantity: item.quantity.to_string(),
            parts: told.map_or_else(
                || Parts { amount_fen: amount(), ..Parts::default() },
                |line| Parts {
                    amount_fen: line.det_item_fee_sumamt.map_or_else(amount, Amount::fen),
                    own_pay_fen: fen(line.fulamt_ownpay_amt),
                    over_limit_fen: fen(line.overlmt_amt),
                    first_self_pay_fen: fen(line.preselfpay_amt),
                    in_scope_fen: fen(line.inscp_scp_amt),
                },
            ),
        }
    };
    asked.bill.items.iter().enumerate().map(line).collect()
}

/// 收费项目等级, by number or in a character (assumed).
fn class(level: &str) -> Option<Class> {
    match level {
        "01" | "甲" => Some(Class::A),
        "02" | "乙" => Some(Class::B),
        "03" | "丙" => Some(Class::C),
        _ => None,
    }
}

/// Amounts that contradict each other, and whether the settlement was undone for it.
fn contradicted(infno: Infno, identity: Contradiction, told: &TerminalError) -> TerminalError {
    let undone = matches!(told, TerminalError::National(NationalError::Reversed { .. }));
    NationalError::Amounts { infno, identity, undone }.into()
}

fn refused(error: &SplitError) -> TerminalError {
    TerminalError::BillRefused { reason: card_counter::language::Words::explained(error) }
}

/// What is kept of an answer; `sign` is -1 for a refund.
fn said(info: &SettlementInfo, today: settlement::BusinessDate, sign: i64) -> Result<Settled, Contradiction> {
    let id =
        |text: &Option<Text<30>>| text.as_ref().map(|text| text.as_str().to_owned()).filter(|text| !text.is_empty());
    let (setl_id, mdtrt_id) = id(&info.setl_id).zip(id(&info.mdtrt_id)).ok_or(Contradiction::Unnamed)?;
    let paid = [info.fund_pay_sumamt, info.acct_pay, info.psn_cash_pay];
    let word = |text: &Option<Text<6>>| text.as_ref().map(|text| text.as_str().to_owned());
    Ok(Settled {
        setl_id,
        mdtrt_id,
        day: info.setl_time.map_or(today, |at| at.date()),
        paid: paid.map(|amount| Fen::new(amount.get() * sign)),
        clearing: (word(&info.clr_optins), word(&info.clr_type)),
        paper: None,
    })
}
