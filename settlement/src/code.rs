//! Stable codes of what the centre answers when it does not do as asked, with two texts each.
//!
//! Source: refusal taxonomies of municipal interfaces (no such terminal, duplicate packet, blacklist, overdraft, …).
//! Owns: the list, the texts, whether sending again can help.
//! Never: knows HTTP status codes (the centre's `http/`) or exit codes (each program's one file).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Language of texts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// 中文.
    #[default]
    Zh,
    /// English.
    En,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $retry:literal, $zh:literal, $zh_next:literal, $en:literal, $en_next:literal;)*) => {
        /// Why the centre did not do as asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that this program does not know: the centre is newer.
            Unknown,
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)* Self::Unknown];

            /// Its spelling in messages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown => "UNKNOWN",
                }
            }

            /// From its spelling.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                match text {
                    $($code => Self::$name,)*
                    _ => Self::Unknown,
                }
            }

            /// Whether the same request may succeed later without anyone changing it.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self {
                    $(Self::$name => $retry,)*
                    Self::Unknown => false,
                }
            }

            /// Whether the centre says nothing of what was asked: it cannot now, or something there is broken.
            #[must_use]
            pub const fn is_no_word(self) -> bool {
                self.retryable() || matches!(self, Self::CentreDefect)
            }

            /// Whether it is the centre's last word about the sale or load that a letter is about: it knows another outcome, has
            /// nothing to say of it, or looks into what does not fit itself. Any other refusal is about who asks or how, and the
            /// same letter may be taken later.
            #[must_use]
            pub const fn ends_a_word(self) -> bool {
                matches!(
                    self,
                    Self::SaleAlreadyDecided
                        | Self::LoadAlreadyDecided
                        | Self::LoadUnknown
                        | Self::RequestIdReused
                        | Self::TacWrong
                        | Self::Mac2Wrong
                        | Self::RecordContradictory
                )
            }

            /// What happened, and what to do next.
            #[must_use]
            pub const fn texts(self, language: Language) -> (&'static str, &'static str) {
                match (self, language) {
                    $((Self::$name, Language::Zh) => ($zh, $zh_next), (Self::$name, Language::En) => ($en, $en_next),)*
                    (Self::Unknown, Language::Zh) => ("中心返回了本程序不认识的代码", "请升级终端程序"),
                    (Self::Unknown, Language::En) => {
                        ("the centre answered a code that this program does not know", "update the terminal's program")
                    }
                }
            }
        }
    };
}

codes! {
    /// The body is no message of this version.
    MessageMalformed = "MESSAGE_MALFORMED", false,
        "报文格式错误", "请升级终端程序,或联系中心",
        "the message is malformed", "update the terminal's program, or ask the centre";
    /// The body is larger than allowed.
    MessageTooLarge = "MESSAGE_TOO_LARGE", false,
        "报文过大", "请分批上传",
        "the message is too large", "upload in smaller batches";
    /// No such path.
    PathUnknown = "PATH_UNKNOWN", false,
        "中心没有这个接口", "请检查中心地址和终端程序版本",
        "the centre has no such endpoint", "check the centre's address and the terminal's version";
    /// No signature, or one that does not fit.
    SignatureWrong = "SIGNATURE_WRONG", false,
        "签名不符", "请在中心重新登记本终端的公钥",
        "the signature does not fit", "register this terminal's public key at the centre again";
    /// No such terminal.
    TerminalUnknown = "TERMINAL_UNKNOWN", false,
        "终端未登记", "请在中心登记本终端",
        "the terminal is not registered", "register the terminal at the centre";
    /// The terminal was stopped.
    TerminalStopped = "TERMINAL_STOPPED", false,
        "终端已停用", "请联系中心",
        "the terminal was stopped", "ask the centre";
    /// The centre made the PSAM of the terminal's number and it is lost, came back, is out of use, or is another institution's.
    PsamNotInUse = "PSAM_NOT_IN_USE", false,
        "按中心登记,这张 PSAM 不在本机构使用(遗失、已交回、停用、作废或属于另一机构)", "停止收款,请联系中心 (issuer psam list)",
        "by the centre's books this PSAM is not in use at the institution: lost, back, out of use, spoilt or another one's", "sell nothing with it; ask the centre (issuer psam list)";
    /// Same id, another body.
    RequestIdReused = "REQUEST_ID_REUSED", false,
        "请求号已用于另一内容", "请勿改动已发送的请求,新请求用新号",
        "the request id was used with another body", "never change a request that was sent; a new one needs a new id";
    /// No such card.
    CardUnknown = "CARD_UNKNOWN", false,
        "中心没有这张卡", "请核对发卡地区,或联系发卡机构",
        "the centre does not know this card", "check the issuing region, or ask the issuer";
    /// Lost, cancelled or not yet active.
    CardNotActive = "CARD_NOT_ACTIVE", false,
        "卡状态不正常", "请持卡人到经办机构办理",
        "the card is not active", "send the holder to the social security office";
    /// On the blacklist.
    CardBlacklisted = "CARD_BLACKLISTED", false,
        "卡在黑名单中", "不得交易,请持卡人到经办机构办理",
        "the card is on the blacklist", "do not sell; send the holder to the social security office";
    /// The centre was brought back and does not know yet who may not pay.
    BlacklistWithheld = "BLACKLIST_WITHHELD", true,
        "中心从备份恢复后尚未重新发布黑名单", "保留本终端的黑名单继续使用,稍后再更新",
        "the centre was brought back from a backup and publishes no blacklist yet", "this terminal keeps the list that it has; update later";
    /// Nothing waits to be loaded.
    LoadNothingPending = "LOAD_NOTHING_PENDING", false,
        "没有可划入的金额", "无需处理",
        "nothing waits to be loaded", "nothing to do";
    /// The holder owes more than waits to be loaded.
    LoadOwed = "LOAD_OWED", false,
        "持卡人有欠款,没有可划入的金额", "下次划入先抵扣欠款;欠款金额见自助机,或在经办机构查询",
        "the holder owes money: nothing waits to be loaded", "the next allotment covers it first; a kiosk or the social security office tells how much";
    /// The amount differs from what waits.
    LoadAmountDiffers = "LOAD_AMOUNT_DIFFERS", false,
        "划入金额与中心不符", "请重新查询金额",
        "the amount differs from what waits to be loaded", "ask for the amount again";
    /// Another load of the same card has no outcome yet.
    LoadUnresolved = "LOAD_UNRESOLVED", false,
        "该卡有未确认的划入", "请先在原终端处理上一笔划入",
        "another load of this card has no outcome yet", "settle that load at its terminal first";
    /// The card has taken another load since it began this one.
    LoadOutdated = "LOAD_OUTDATED", false,
        "卡已完成更晚的划入,这一笔已作废", "重新插卡,从头再做",
        "the card has taken a later load: this one is void", "insert the card again and begin anew";
    /// No such load.
    LoadUnknown = "LOAD_UNKNOWN", false,
        "中心没有这笔划入", "请联系中心",
        "the centre does not know this load", "ask the centre";
    /// Another outcome was reported before.
    LoadAlreadyDecided = "LOAD_ALREADY_DECIDED", false,
        "这笔划入已有另一结果", "请联系中心核对",
        "another outcome of this load was reported before", "ask the centre to compare";
    /// No such purchase was posted.
    RefundOriginalUnknown = "REFUND_ORIGINAL_UNKNOWN", false,
        "中心没有入账的原交易", "请先上传再退费;仍不行请联系中心",
        "the centre has posted no such purchase", "upload first, then refund again; if it stays so, ask the centre";
    /// People at the centre decided that the card did not pay it, or gave its money to the holder.
    RefundOriginalVoid = "REFUND_ORIGINAL_VOID", false,
        "中心已判定原交易未付款,或已退还持卡人", "不再退费;有疑问请联系中心",
        "people at the centre decided that the card did not pay it, or gave the money to its holder", "nothing goes back any more; ask the centre if in doubt";
    /// Two purchases of this card have this number of the terminal.
    RefundOriginalAmbiguous = "REFUND_ORIGINAL_AMBIGUOUS", false,
        "这张卡在该终端有两笔同一终端序号的消费", "按小票写全:终端/终端序号/卡序号(如 513301000001/0000A5C3/0004)",
        "two purchases of this card have this number of the terminal", "name it with the card's number behind, as on the receipt: 513301000001/0000A5C3/0004";
    /// Another card paid.
    RefundOtherCard = "REFUND_OTHER_CARD", false,
        "原交易不是用这张卡付的", "请插入付款的那张卡",
        "another card paid the purchase", "insert the card that paid";
    /// Another institution sold.
    RefundElsewhere = "REFUND_ELSEWHERE", false,
        "原交易不是本机构的", "请到售出的机构退费",
        "another institution sold it", "the holder goes to the institution that sold it";
    /// More than is left of the purchase.
    RefundTooMuch = "REFUND_TOO_MUCH", false,
        "退费超过原交易的可退金额", "核对已退金额;退费未完成的先完成或撤回",
        "more is asked than is left of the purchase", "compare with the refunds that there were; finish or withdraw open ones";
    /// No longer the latest purchase of the card, or its day is over, or a part was refunded.
    CancelTooLate = "CANCEL_TOO_LATE", false,
        "只能撤销该卡当日最后一笔未退费的交易", "请改用退费",
        "only the card's latest purchase of the day, of which nothing was refunded, is cancelled", "refund it instead";
    /// MAC1 of the card is wrong.
    Mac1Wrong = "MAC1_WRONG", false,
        "卡的 MAC1 不符", "卡可能是伪造的或密钥版本不符,请联系发卡机构",
        "MAC1 of the card is wrong", "the card may be forged or of another key version; ask the issuer";
    /// TAC wrong.
    TacWrong = "TAC_WRONG", false,
        "TAC 不符", "不予入账,由中心核查",
        "the TAC is wrong", "not posted; the centre looks into it";
    /// The number of the card is not the one that its MAC2 was made for.
    Mac2Wrong = "MAC2_WRONG", false,
        "MAC2 不符,卡交易序号不可信", "不予入账,由中心核查",
        "MAC2 does not fit: the card gave this purchase another number", "not posted; the centre looks into it";
    /// The centre cannot compute with the card's algorithm.
    AlgorithmUnsupported = "ALGORITHM_UNSUPPORTED", false,
        "中心不能核验该卡算法的交易", "不予入账;请联系中心,由能用该算法的密码机核验",
        "the centre cannot check cards of this algorithm", "not posted; ask the centre for a security module that has the algorithm";
    /// There is no TAC: only counter, balance and log show the transaction.
    TacMissing = "TAC_MISSING", false,
        "没有 TAC", "由中心按卡内日志核查",
        "there is no TAC", "the centre looks into it with the card's log";
    /// There is no TAC: a person at the terminal judged that the card did it.
    RecordJudged = "RECORD_JUDGED", false,
        "没有 TAC,终端主管判定卡已执行", "由中心核查后处理",
        "there is no TAC: a supervisor at the terminal judged that the card did it", "the centre looks into it and decides";
    /// Its time is ahead of the centre's clock by more than the centre allows.
    RecordAhead = "RECORD_AHEAD", false,
        "记录的时间晚于中心时钟", "校准终端时钟并重新签到;由中心核查后处理",
        "the record's time is ahead of the centre's clock", "set the terminal's clock and sign in; the centre looks into it and decides";
    /// Same terminal and terminal sequence.
    DuplicateTerminalSequence = "DUPLICATE_TERMINAL_SEQUENCE", false,
        "终端交易序号与这张卡已入账的一笔相同,校验码未表明是另一笔", "不予入账,由中心核查",
        "a posted purchase of this card has this terminal sequence, and the codes do not show that this is another one", "not posted; the centre looks into it";
    /// Same card and card sequence.
    DuplicateCardSequence = "DUPLICATE_CARD_SEQUENCE", false,
        "卡交易序号重复", "不予入账,由中心核查",
        "the card sequence was used before", "not posted; the centre looks into it";
    /// No such record of this terminal, or it is another one.
    RecordUnknown = "RECORD_UNKNOWN", false,
        "中心没有这条记录", "先执行 sscard upload;仍不行请联系中心核对",
        "the centre knows no such record of this terminal", "run sscard upload first; if it stays so, ask the centre to compare";
    /// No such catalogue.
    CatalogueUnknown = "CATALOGUE_UNKNOWN", false,
        "中心没有这个药品目录", "请重新执行 sscard catalogue update",
        "the centre publishes no such catalogue", "run sscard catalogue update again";
    /// Amounts and balances of a record contradict each other.
    RecordContradictory = "RECORD_CONTRADICTORY", false,
        "记录自相矛盾", "不予入账,由中心核查",
        "the record contradicts itself", "not posted; the centre looks into it";
    /// Above what the terminal or the card may spend.
    LimitExceeded = "LIMIT_EXCEEDED", false,
        "超过终端或单卡限额", "不予入账,由中心核查",
        "above the limit of the terminal or of the card", "not posted; the centre looks into it";
    /// The sale was told as not done, or its record is there.
    SaleAlreadyDecided = "SALE_ALREADY_DECIDED", false,
        "这笔消费已有结果", "请重新收款;仍不行请联系中心核对",
        "the outcome of this sale was reported before", "sell again; if it stays so, ask the centre to compare";
    /// Two people closed the sale before its record came.
    SaleClosed = "SALE_CLOSED", false,
        "这笔消费在终端上传之前已由中心关闭", "由中心核查后处理",
        "the centre closed this sale before its record came", "the centre looks into it and decides";
    /// The terminal's certificate is not known, or belongs to something else.
    LineCertificateUnknown = "LINE_CERTIFICATE_UNKNOWN", false,
        "线路证书不是终端的", "执行 sscard terminal request,请中心签发终端证书",
        "the certificate of the line is no terminal's", "run sscard terminal request and have the centre certify it";
    /// The terminal's certificate was revoked.
    LineCertificateRevoked = "LINE_CERTIFICATE_REVOKED", false,
        "线路证书已吊销", "请联系中心;执行 sscard terminal request 重新申请",
        "the certificate of the line was revoked", "ask the centre; run sscard terminal request for a new one";
    /// The terminal's certificate is past its end.
    LineCertificateExpired = "LINE_CERTIFICATE_EXPIRED", false,
        "线路证书已过期", "执行 sscard terminal request,请中心重新签发",
        "the certificate of the line is past its end", "run sscard terminal request and have the centre certify it anew";
    /// The certificate is another terminal's.
    LineCertificateElsewhere = "LINE_CERTIFICATE_ELSEWHERE", false,
        "线路证书是另一终端的", "在本终端执行 sscard terminal request,请中心签发",
        "the certificate of the line is another terminal's", "run sscard terminal request at this terminal";
    /// The card says that it has more than was ever put on it.
    BalanceBeyondLedger = "BALANCE_BEYOND_LEDGER", false,
        "卡内金额多于中心账上金额", "不得交易,请持卡人到经办机构核查",
        "the card pays more than the centre ever put on it", "do not sell; send the holder to the social security office";
    /// No such order for a PIN.
    PinOrderUnknown = "PIN_ORDER_UNKNOWN", false,
        "中心没有这张密码工单", "核对工单号",
        "the centre knows no such order for a PIN", "check the number of the order";
    /// Not approved, withdrawn, or used.
    PinOrderState = "PIN_ORDER_STATE", false,
        "密码工单未复核、已撤回或已使用", "请柜员查看工单,需要时另开一张",
        "the order for the PIN is not approved, withdrawn or used", "ask the counter; it makes another one where needed";
    /// Past its time.
    PinOrderLapsed = "PIN_ORDER_LAPSED", false,
        "密码工单已过期", "请柜员另开一张",
        "the order for the PIN is past its time", "ask the counter for another one";
    /// For another card or another terminal.
    PinOrderElsewhere = "PIN_ORDER_ELSEWHERE", false,
        "密码工单是另一张卡或另一终端的", "插入工单上的卡,或到工单指定的终端办理",
        "the order for the PIN is for another card or terminal", "insert the card of the order, or go to its terminal";
    /// The terminal is no kiosk.
    TerminalNotKiosk = "TERMINAL_NOT_KIOSK", false,
        "本终端未登记为自助终端", "查询和自助办理请到自助终端;若本机是自助终端,请中心重新登记 (terminal add --kiosk)",
        "this terminal is not registered as a kiosk", "ask at a kiosk; if this is one, the centre registers it so (terminal add --kiosk)";
    /// No PIN that the holder chose was verified.
    PinNotVerified = "PIN_NOT_VERIFIED", false,
        "须先验证本人设置的密码", "请输入密码;仍为初始密码的,请先修改",
        "the holder's own PIN must be verified first", "enter the PIN; change it first while it is the initial one";
    /// The card's state or the site does not allow it.
    SelfServiceRefused = "SELF_SERVICE_REFUSED", false,
        "该卡目前不能自助办理此项业务", "请持有效证件到经办机构办理",
        "this cannot be done without a clerk for this card now", "go to the social security office with an identity document";
    /// The centre was given no data about contributions.
    BenefitsUnknown = "BENEFITS_UNKNOWN", false,
        "中心没有参保缴费数据", "请到经办机构查询",
        "the centre was given no data about contributions", "ask at the social security office";
    /// As many certificates this month as the site allows.
    CertificateLimit = "CERTIFICATE_LIMIT", false,
        "本月打印参保证明的次数已满", "请下月再打印,或到经办机构办理",
        "no more certificates of participation this month", "come again next month, or go to the social security office";
    /// No such purchase of this holder.
    TransactionUnknown = "TRANSACTION_UNKNOWN", false,
        "中心没有该持卡人的这笔交易", "请从交易明细中选择",
        "the centre knows no such purchase of this holder", "choose it from the list of transactions";
    /// No such institution.
    InstitutionUnknown = "INSTITUTION_UNKNOWN", false,
        "没有这个医药机构", "核对机构编号",
        "there is no such institution", "check its code";
    /// The business day is closed.
    WindowClosed = "WINDOW_CLOSED", false,
        "业务日已关闭", "请重新签到,由中心转入下一业务日",
        "the business day is closed", "sign in again; the centre counts it on the next day";
    /// Batches or records never arrived, or came twice.
    BatchGap = "BATCH_GAP", false,
        "批次或记录不连续", "请从中心期望的批次起重新上传",
        "batches or records are missing or repeated", "upload again from the batch that the centre expects";
    /// Hash, sums or signature of the batch are wrong.
    BatchAltered = "BATCH_ALTERED", false,
        "批次内容与摘要或签名不符", "请联系中心,勿改动终端数据",
        "the batch does not fit its hash, sums or signature", "ask the centre; do not touch the terminal's data";
    /// The centre cannot write.
    StoreUnavailable = "STORE_UNAVAILABLE", true,
        "中心暂时不能写入", "记录已保留,稍后自动再传",
        "the centre cannot write at the moment", "the record is kept; it is sent again later";
    /// Something at the centre is broken, and people there have to mend it; nobody says whether it was done.
    CentreDefect = "CENTRE_DEFECT", false,
        "中心出现故障", "记录已保留;请联系中心,由中心按日志处理",
        "something at the centre is broken", "the record is kept; tell the centre, whose log has the cause";
    /// The card's own proof is not what its keys make.
    CardNotGenuine = "CARD_NOT_GENUINE", false,
        "卡的内部认证不符,不是真卡", "请勿受理,并报告发卡机构",
        "the card's own proof is wrong: it is not genuine", "do not accept it, and tell the issuer";
    /// The vault is locked, or a key is missing.
    KeysUnavailable = "KEYS_UNAVAILABLE", true,
        "中心密钥不可用", "请联系中心",
        "the centre's keys are not available", "ask the centre";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Never fails on an unknown code: a newer centre's refusal is still a refusal.
impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_reads_back_and_has_two_texts_in_two_languages() {
        let spellings: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(spellings.len(), ErrorCode::ALL.len(), "no two codes share a spelling");
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), *code);
            let ((zh, zh_next), (en, en_next)) = (code.texts(Language::Zh), code.texts(Language::En));
            assert!(!zh.is_ascii() && !zh_next.is_ascii() && !en_next.is_empty() && en.is_ascii(), "{code}");
        }
        assert_eq!(ErrorCode::parse("NEW_IN_2030"), ErrorCode::Unknown);
    }
}
