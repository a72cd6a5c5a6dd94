//! Judging what a card answered.
//!
//! Owns: what earlier answers brought, the difference between expected and seen. Never: shows data of a card, which may be
//! personal: a difference names status words, lengths, tags and sums.
#![warn(clippy::indexing_slicing)]

use card_core::StatusWord;
use card_core::apdu::Protocol;
use card_core::fci::Fci;
use card_core::security::PurchaseStart;

use super::culprit::{Culprit, culprit};
use super::deal::Tail;
use super::{Act, CertificateMemory, CertificateWhat, Deal, Expect, Move, PsamAct, PsamWhat, Start, Text};
use crate::account::{DebitDate, TotalsYear};
use crate::certificate::{CertificateRules, certificate_in, certifies};

/// What came of a move.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Data.
    pub data: Vec<u8>,
    /// Status word.
    pub sw: StatusWord,
    /// Exchanges that it took.
    pub exchanges: u64,
    /// The protocol that it came by.
    pub protocol: Protocol,
    /// What the security module computed for comparison, in the order of the answer: MAC1; TAC and MAC2; a cryptogram.
    pub computed: Vec<Vec<u8>>,
}

/// What earlier moves of a case brought.
#[derive(Debug, Default)]
pub struct Memory {
    /// Challenge of the card, completed with zeros.
    pub challenge: [u8; 16],
    /// Data kept.
    pub kept: Vec<u8>,
    /// The transaction begun.
    pub start: Start,
    /// What the certificate application answered.
    pub certificate: CertificateMemory,
    /// What the PSAM gave for it.
    pub numbered: Option<PurchaseStart>,
    before: Start,
    completion: Vec<u8>,
    /// What completed transactions did to the balance, in fen, and to the overdraw limit.
    moved: [i64; 2],
}

/// Why a case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Place: number of the move, and its command.
    pub place: Box<str>,
    /// What was expected.
    pub expected: Text,
    /// What was seen.
    pub seen: Text,
    /// The key or PIN that card and terminal hold otherwise, where the difference is about one.
    pub key: Option<Box<Culprit>>,
}

impl Memory {
    /// Judges the reply to a move, then remembers what later moves need.
    ///
    /// # Errors
    /// The first difference.
    pub fn judge(&mut self, done: &Move, reply: &Reply) -> Result<(), Difference> {
        if let (Act::Begin(deal), true) = (&done.act, reply.sw.is_ok()) {
            self.before = self.start;
            self.start = deal
                .start(&reply.data)
                .ok_or_else(|| difference(done, length(deal.start_length()), length(reply.data.len()), None))?;
        }
        let debit = matches!(&done.act, Act::AtPsam(PsamAct { what: PsamWhat::Debit { .. }, .. }));
        if (debit || matches!(done.act, Act::Complete { .. })) && reply.sw.is_ok() {
            self.completion.clone_from(&reply.data);
        }
        if let (Act::Complete { deal, .. }, true) = (&done.act, reply.sw.is_ok()) {
            let [balance, limit] = &mut self.moved;
            *(if deal.tail == Tail::Limit { limit } else { balance }) += deal.change;
        }
        if let (Act::Certificate(act), true) = (&done.act, reply.sw.is_ok()) {
            match act.what {
                CertificateWhat::PublicKey { .. } => {
                    self.certificate.public = CertificateRules::public_key(&reply.data).ok();
                }
                CertificateWhat::Open { .. } => {
                    self.certificate.opened = reply.data.as_slice().try_into().unwrap_or_default();
                }
                CertificateWhat::Verify { .. }
                | CertificateWhat::SetUp { .. }
                | CertificateWhat::Generate
                | CertificateWhat::Sign
                | CertificateWhat::Certificate { .. }
                | CertificateWhat::Install { .. } => {}
            }
        }
        for expect in &done.expect {
            let judged = self.check(done, expect, reply);
            let about = |(expected, seen)| difference(done, expected, seen, culprit(done, &self.start, reply));
            judged.map_err(about)?;
        }
        if done.keep {
            self.kept.clone_from(&reply.data);
            // A cyclic file without records: a record of zeros is what may be written.
            let blank = done.expect.iter().find_map(|expect| match expect {
                Expect::RecordOrNone(length) if reply.data.is_empty() => Some(vec![0; *length]),
                _ => None,
            });
            self.kept = blank.unwrap_or_else(|| std::mem::take(&mut self.kept));
        }
        Ok(())
    }

    /// Money, or an overdraw limit, that completed transactions moved and none brought back.
    #[must_use]
    pub fn moved(&self) -> Option<Text> {
        let [balance, limit] = self.moved;
        (balance != 0 || limit != 0).then(|| {
            Text::new(
                format!("余额变动 {balance} 分，透支限额变动 {limit} 分"),
                format!("the balance moved by {balance} fen, the overdraw limit by {limit} fen"),
            )
        })
    }

    /// MAC2 of the transaction completed, which stands behind its TAC.
    #[must_use]
    pub fn mac2(&self) -> Option<[u8; 4]> {
        self.completion.split_last_chunk::<4>().filter(|(tac, _)| tac.len() == 4).map(|(_, mac)| *mac)
    }

    fn check(&self, done: &Move, expect: &Expect, reply: &Reply) -> Result<(), (Text, Text)> {
        let (data, sw) = (reply.data.as_slice(), reply.sw);
        let status = || status(sw);
        let check = |holds: bool, expected: Text, seen: Text| if holds { Ok(()) } else { Err((expected, seen)) };
        match expect {
            Expect::Done => check(sw.is_ok(), status_of(StatusWord::OK), status()),
            Expect::Status(words) => {
                let waiting = sw.is_ok() && words.contains(&StatusWord::OK);
                check(waiting || words.contains(&sw), one_of(words), status())
            }
            Expect::Refused => check(!sw.is_ok(), Text::new("拒绝", "a refusal"), status()),
            Expect::Length(expected) => {
                check(sw.is_ok(), length(*expected), status())?;
                check(data.len() == *expected, length(*expected), length(data.len()))
            }
            Expect::Record(tag, bytes) => {
                check(sw.is_ok(), record(*tag, *bytes, usize::from(*bytes) + 2), status())?;
                let (seen_tag, seen_length) = match data {
                    [tag, length, ..] => (*tag, *length),
                    [] | [_] => return Err((record(*tag, *bytes, usize::from(*bytes) + 2), length(data.len()))),
                };
                let whole = data.len() == usize::from(*bytes) + 2;
                check(
                    whole && (seen_tag, seen_length) == (*tag, *bytes),
                    record(*tag, *bytes, usize::from(*bytes) + 2),
                    record(seen_tag, seen_length, data.len()),
                )
            }
            Expect::RecordOrNone(expected) => {
                let none = sw == StatusWord::RECORD_NOT_FOUND;
                check(none || sw.is_ok(), one_of(&[StatusWord::OK, StatusWord::RECORD_NOT_FOUND]), status())?;
                check(none || data.len() == *expected, length(*expected), length(data.len()))
            }
            Expect::Fci(expected) => {
                check(sw.is_ok(), status_of(StatusWord::OK), status())?;
                let seen = Fci::parse(data).map_err(|_| (fci(expected), Text::new("不是 FCI", "no FCI")))?;
                check(seen == *expected, fci(expected), fci(&seen))
            }
            Expect::Point => {
                let expected = || Text::new("SM2 公钥", "an SM2 public key");
                check(sw.is_ok(), expected(), status())?;
                let seen = Text::new("不在曲线上，或其他格式", "no point of the curve, or another form");
                check(CertificateRules::public_key(data).is_ok(), expected(), seen)
            }
            Expect::Signature => {
                let expected = || Text::new("卡片公钥可验证的签名", "a signature by the card's public key");
                check(sw.is_ok(), expected(), status())?;
                let digest = reply.computed.first().and_then(|digest| digest.as_slice().try_into().ok());
                let verified = self.certificate.public.zip(digest);
                let right = verified
                    .is_some_and(|(public, digest)| CertificateRules::signature(&public, &digest, data).is_ok());
                check(right, expected(), Text::new("验签失败", "a signature that does not verify"))
            }
            Expect::Certificate => {
                let expected = || Text::new("含卡片公钥的证书", "a certificate with the card's public key");
                check(sw.is_ok(), expected(), status())?;
                let none = || (expected(), Text::new("不是证书", "no certificate"));
                let certificate = certificate_in(data).ok_or_else(none)?;
                let other = Text::new("其他公钥的证书", "a certificate of another key");
                check(self.certificate.public.is_some_and(|key| certifies(certificate, &key)), expected(), other)
            }
            Expect::Exactly(wanted) => {
                let expected = || Text::new("装入的数据", "the data installed");
                check(sw.is_ok(), expected(), status())?;
                check(data == wanted, expected(), Text::new("不同的数据", "other data"))
            }
            Expect::Same | Expect::Other | Expect::Altered => {
                check(sw.is_ok(), status_of(StatusWord::OK), status())?;
                let (wanted, words) = match expect {
                    Expect::Altered => (altered(&self.kept), Text::new("写入的数据", "the data written")),
                    Expect::Other => (self.kept.clone(), Text::new("与先前不同的数据", "other data than before")),
                    _ => (self.kept.clone(), Text::new("与先前相同的数据", "the same data as before")),
                };
                let same = data == wanted;
                let seen = if same {
                    Text::new("相同的数据", "the same data")
                } else {
                    Text::new("不同的数据", "other data")
                };
                check(same != matches!(expect, Expect::Other), words, seen)
            }
            Expect::Corrected(tag, bytes) => match reply.protocol {
                Protocol::T0 => {
                    let count = |count: u64| Text::new(format!("{count} 次交换"), format!("{count} exchanges"));
                    check(reply.exchanges == 2, count(2), count(reply.exchanges))?;
                    self.check(done, &Expect::Record(*tag, *bytes), reply)
                }
                Protocol::T1 => {
                    let refused = sw == StatusWord::WRONG_LENGTH || sw.sw1() == 0x6C;
                    check(refused || sw.is_ok() && reply.exchanges == 2, status_of(StatusWord::WRONG_LENGTH), status())
                }
            },
            Expect::Started => {
                let expected = |deal: &Deal| {
                    Text::new(
                        format!("密钥版本 {:02X}", deal.key.version),
                        format!("key version {:02X}", deal.key.version),
                    )
                };
                let Act::Begin(deal) = &done.act else { return Ok(()) };
                check(sw.is_ok(), status_of(StatusWord::OK), status())?;
                let seen = self.start.key_version;
                let words = Text::new(format!("密钥版本 {seen:02X}"), format!("key version {seen:02X}"));
                check(seen == deal.key.version, expected(deal), words)?;
                let right = match (self.start.mac1, reply.computed.first()) {
                    (Some(mac), Some(computed)) => computed.as_slice() == mac,
                    (_, None) | (None, _) => true,
                };
                check(right, Text::new("MAC1 正确", "a right MAC1"), Text::new("MAC1 错误", "a wrong MAC1"))
            }
            Expect::Since { balance, sequence } => {
                check(sw.is_ok(), status_of(StatusWord::OK), status())?;
                let moved = i64::from(self.start.balance) - i64::from(self.before.balance);
                let fen = |fen: i64| Text::new(format!("余额变化 {fen} 分"), format!("the balance moved by {fen} fen"));
                check(balance.is_none_or(|wanted| wanted == moved), fen(balance.unwrap_or_default()), fen(moved))?;
                let steps = self.start.sequence.wrapping_sub(self.before.sequence);
                let words = |steps: u16| {
                    Text::new(format!("交易序号增加 {steps}"), format!("the transaction number moved by {steps}"))
                };
                check(sequence.is_none_or(|wanted| wanted == steps), words(sequence.unwrap_or_default()), words(steps))
            }
            Expect::Balance(plus) => {
                check(sw.is_ok(), status_of(StatusWord::OK), status())?;
                let seen = data.first_chunk::<4>().map(|bytes| i64::from(u32::from_be_bytes(*bytes)));
                let wanted = i64::from(self.start.balance) + plus;
                let apart = seen.map_or(0, |seen| seen - wanted);
                check(
                    seen == Some(wanted),
                    Text::new("与初始化一致的余额", "the balance that INITIALIZE says"),
                    Text::new(format!("相差 {apart} 分"), format!("{apart} fen off")),
                )
            }
            Expect::Logged(deal) => {
                check(sw.is_ok(), status_of(StatusWord::OK), status())?;
                let wanted = deal.entry(&self.start);
                let differs = |(wanted, seen): (&Option<u8>, &u8)| wanted.is_some_and(|wanted| wanted != *seen);
                let place = wanted.as_deref().and_then(|wanted| wanted.iter().zip(data).position(differs));
                let seen = place.map_or_else(
                    || length(data.len()),
                    |at| Text::new(format!("第 {at} 字节不同"), format!("byte {at} differs")),
                );
                let holds = wanted.is_none_or(|wanted| wanted.len() == data.len()) && place.is_none();
                check(holds, Text::new("本次交易的明细", "an entry of this transaction"), seen)
            }
            Expect::Proved => {
                check(sw.is_ok(), status_of(StatusWord::OK), status())?;
                self.proved(done, reply)
            }
            Expect::TotalsStay => {
                let totals =
                    |of: &Start| (of.balances.self_paid_total, of.balances.pooled_fund_total, of.balances.year);
                check(
                    totals(&self.before) == totals(&self.start),
                    Text::new("年度累计不变", "the yearly totals of before"),
                    Text::new("年度累计改变", "other yearly totals"),
                )
            }
            Expect::Totals(deal, rule) => {
                let (before, now) = (self.before.balances, self.start.balances);
                let [century, year, ..] = deal.fields(&self.before).date_time;
                let year = u16::from_be_bytes([century, year]);
                let totals = (before.self_paid_total, before.pooled_fund_total);
                let added = |(paid, pooled): (u32, u32)| {
                    let amounts = deal.fields.amounts;
                    (paid.wrapping_add(amounts.self_paid), pooled.wrapping_add(amounts.pooled_fund))
                };
                let (wanted, year) = match rule.year.read(before.year) {
                    TotalsYear::Of(held) if held == year => (added(totals), year),
                    // The terminal's year is before the card's: the card leaves its totals.
                    TotalsYear::Of(held) if held > year && rule.date == DebitDate::Calendar => (totals, held),
                    TotalsYear::Of(_) | TotalsYear::None | TotalsYear::Unreadable(_) => (added((0, 0)), year),
                };
                let right = wanted == (now.self_paid_total, now.pooled_fund_total)
                    && rule.year.read(now.year) == TotalsYear::Of(year);
                check(
                    right,
                    Text::new("年度累计随交易增加", "yearly totals that follow the transaction"),
                    Text::new("年度累计不符", "other yearly totals"),
                )
            }
        }
    }

    /// Answers with MACs: a completion against what the module computed, a proof against the completion, a cryptogram.
    fn proved(&self, done: &Move, reply: &Reply) -> Result<(), (Text, Text)> {
        let wrong = |zh: &str, en: &str| {
            Err((
                Text::new(format!("{zh}正确"), format!("a right {en}")),
                Text::new(format!("{zh}错误"), format!("a wrong {en}")),
            ))
        };
        let data = reply.data.as_slice();
        match &done.act {
            Act::Complete { deal, .. } => {
                let names = [deal.tac.as_ref().map(|_| ("TAC", "TAC")), deal.mac2.as_ref().map(|_| ("MAC2", "MAC2"))];
                let mut rest = data;
                for ((zh, en), computed) in names.into_iter().flatten().zip(&reply.computed) {
                    let Some((part, left)) = rest.split_first_chunk::<4>() else {
                        return Err((length(usize::from(deal.answer_length())), length(data.len())));
                    };
                    if computed.as_slice() != part {
                        return wrong(zh, en);
                    }
                    rest = left;
                }
                if rest.is_empty() {
                    Ok(())
                } else {
                    Err((length(usize::from(deal.answer_length())), length(data.len())))
                }
            }
            Act::Prove { deal, .. } => {
                let Some((mac, tac)) = data.split_at_checked(4).filter(|_| data.len() == 8) else {
                    return Err((length(8), length(data.len())));
                };
                let (tac_before, mac_before) = match (&deal.tac, &deal.mac2) {
                    (Some(_), Some(_)) => {
                        self.completion.split_at_checked(4).map_or((None, None), |(a, b)| (Some(a), Some(b)))
                    }
                    (Some(_), None) => (Some(self.completion.as_slice()), None),
                    (None, Some(_)) => (None, Some(self.completion.as_slice())),
                    (None, None) => (None, None),
                };
                let right =
                    tac_before.is_none_or(|before| before == tac) && mac_before.is_none_or(|before| before == mac);
                if right { Ok(()) } else { wrong("交易证明", "proof") }
            }
            _ if reply.computed.iter().all(|computed| computed.as_slice() == data) => Ok(()),
            _ => wrong("密文", "cryptogram"),
        }
    }
}

/// The data with the last bit inverted.
#[must_use]
pub fn altered(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    if let Some(last) = data.last_mut() {
        *last ^= 1;
    }
    data
}

fn difference(done: &Move, expected: Text, seen: Text, key: Option<Box<Culprit>>) -> Difference {
    Difference { place: done.place().into(), expected, seen, key }
}

fn length(bytes: usize) -> Text {
    Text::new(format!("{bytes} 字节"), format!("{bytes} bytes"))
}

fn record(tag: u8, bytes: u8, whole: usize) -> Text {
    Text::new(
        format!("{tag:02X} {bytes:02X} 记录，共 {whole} 字节"),
        format!("a record {tag:02X} {bytes:02X} of {whole} bytes"),
    )
}

fn status(sw: StatusWord) -> Text {
    status_of(sw)
}

fn status_of(sw: StatusWord) -> Text {
    let (zh, en) = sw.meaning().unwrap_or_default();
    Text::new(format!("{:04X} {zh}", sw.0).trim_end(), format!("{:04X} {en}", sw.0).trim_end())
}

fn one_of(words: &[StatusWord]) -> Text {
    let texts: Vec<Text> = words.iter().map(|sw| status_of(*sw)).collect();
    let join = |text: fn(&Text) -> &str, or: &str| texts.iter().map(text).collect::<Vec<_>>().join(or);
    Text::new(join(|text| &text.zh, " 或 "), join(|text| &text.en, " or "))
}

fn fci(fci: &Fci) -> Text {
    let name = hex::encode_upper(&fci.df_name);
    let sfi = fci.sfi.map_or_else(String::new, |sfi| format!(" 88={sfi:02X}"));
    let algorithm = fci.algorithm.map_or_else(String::new, |id| format!(" 86={:02X}", id.0));
    let words = format!("FCI 84={name}{sfi}{algorithm}");
    Text::new(words.clone(), words)
}
