//! What happened and what to do next, in two languages; where it happened: `place`.
//!
//! Owns: the texts of every error code. Never: decides anything; no text holds a PIN, a name or a social number.

use card_profiles::access::Right;
use card_profiles::read::Reason;
use settlement::explain::Explain as _;

use super::shell::ShellError;
use super::{Code, TerminalError, Unsettled};
use crate::check::Route;
use crate::language::{Language, Words};

impl TerminalError {
    /// What happened.
    #[must_use]
    pub fn what(&self) -> Words {
        match self {
            Self::CentreRefused { code, .. } => Words::new(code.texts(Language::Zh).0, code.texts(Language::En).0),
            // Of a key none is tried again, however many are left.
            Self::LastTry { left: 2.., .. }
            | Self::Shell(ShellError::Closed { reason: Reason::Withheld { left: 2.., .. }, .. }) => {
                Words::new("卡以前拒绝过它,未再尝试", "the card refused it before; it was not tried again")
            }
            _ => what(self.code()),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> Words {
        match self {
            Self::CentreRefused { code, .. } => Words::new(code.texts(Language::Zh).1, code.texts(Language::En).1),
            Self::StillOpen { why: Unsettled::Contradiction(why), .. } => {
                Words::new(why.remedy(Language::Zh), why.remedy(Language::En))
            }
            Self::Shell(ShellError::Unproved { acts, .. }) => {
                let acts = acts.join("; ");
                Words::of(format!("先执行 {acts}"), format!("run {acts} first"))
            }
            Self::ForeignCity { city, ours } => match Route::of(*city, *ours) {
                Route::Province => Words::new(
                    "此终端只能读取,不能扣款;由省级服务两步认证(sscard card authenticate)后按省内异地结算(有 [national] 的,sscard national settle 单据 --card)",
                    "this terminal may read it but not debit it; the province's service authenticates it in two steps (sscard card authenticate), settle it as of another city (with [national]: sscard national settle BILL --card)",
                ),
                Route::Here | Route::Ministry => Words::new(
                    "此终端只能读取,不能扣款;由部级服务两步认证(sscard card authenticate)后按跨省异地结算(有 [national] 的,sscard national settle 单据 --card)",
                    "this terminal may read it but not debit it; the ministry's service authenticates it in two steps (sscard card authenticate), settle it as of another province (with [national]: sscard national settle BILL --card)",
                ),
            },
            Self::LimitExceeded { limit } if limit.is_of_upload() => {
                Words::new("先执行 sscard upload", "run sscard upload first")
            }
            Self::NotText { .. } => Words::new("用 UTF-8 编码重新保存该文件", "save the file again as UTF-8"),
            // In the shell a PIN is given by its own command.
            Self::Shell(ShellError::PinSource | ShellError::Closed { reason: Reason::Unproved(Right::Pin), .. }) => {
                Words::new(
                    "先执行 verify env:名称 或 verify file:路径",
                    "run verify env:NAME or verify file:PATH first",
                )
            }
            Self::Shell(ShellError::Closed { reason: Reason::Withheld { right: Right::Key(key), .. }, .. }) => {
                Words::of(
                    format!("确认无误后执行 auth {key} --last-try"),
                    format!("run auth {key} --last-try when you are sure"),
                )
            }
            _ => next(self.code()),
        }
    }
}

fn what(code: Code) -> Words {
    let (zh, en) = match code {
        Code::Usage => ("命令写法不对", "the command line is wrong"),
        Code::ConfigurationInvalid => ("配置有误", "the configuration is wrong"),
        Code::SecretUnreadable => ("读不到口令来源", "the source of the PIN cannot be read"),
        Code::SecretForm => ("密码不能写在命令行上", "a secret must not stand on the command line"),
        Code::FileMissing => ("文件用不了", "a file cannot be used"),
        Code::AddressUnsupported => ("中心地址不受支持", "this centre address is not supported"),
        Code::NoPcscService => ("读卡器服务 (pcscd) 没有运行", "the reader service (pcscd) is not running"),
        Code::NoReader => ("没有连接读卡器", "no reader is attached"),
        Code::ReaderNotFound => ("没有这个名称的读卡器", "no reader has this name"),
        Code::ReaderAmbiguous => ("有多个读卡器符合", "several readers fit"),
        Code::ReaderGone => ("读卡器已断开", "the reader is gone"),
        Code::ReaderHangs => ("读卡器没有响应", "the reader does not come back from a call"),
        Code::ReaderInUse => ("卡正被其他程序使用", "another program uses the card"),
        Code::NoCard => ("读卡器中没有卡", "no card in the reader"),
        Code::CardRemoved => ("卡已被取出", "the card was removed"),
        Code::CardMute => ("卡无应答", "the card does not answer"),
        Code::CardReset => ("卡被其他程序复位", "another program reset the card"),
        Code::ExchangeBroken => ("与卡的通信中断", "the exchange with the card broke off"),
        Code::NotSsc => ("这不是社会保障卡", "this is not a social security card"),
        Code::CardIsPsam => ("这是 PSAM,不是持卡人的卡", "this is a PSAM, not a holder's card"),
        Code::CardBlank => ("空白卡,尚未个人化", "this is a blank card: not personalized"),
        Code::CardIdentifier => ("卡的识别码格式错误", "the card identifier is malformed"),
        Code::CardBlocked => ("卡或应用已锁定", "the card or its application is blocked"),
        Code::ProfileDiffers => ("卡与指定的卡片描述不符", "the card is not of the profile that was named"),
        Code::CardVersion => ("不支持该规范版本的卡", "this version of the card specification is not supported"),
        Code::AlgorithmNotPublic => (
            "卡的密钥规则未公开 (SSF33,或第三代以前的 SM4)",
            "the rules of the card's keys are not public (SSF33, or SM4 before the third generation)",
        ),
        Code::FileUnknown => ("此类卡没有该文件", "cards of this type have no such file"),
        Code::Interrupted => ("运行被中断", "the run was ended"),
        Code::NotReached => ("读到此文件之前卡已无应答", "the card stopped answering before this file was read"),
        Code::ApplicationMissing => ("卡上没有医疗账户应用", "the card has no medical account"),
        Code::CardRefused => ("卡拒绝了命令", "the card refused a command"),
        Code::CardAnswer => ("卡的应答格式不对", "the card's answer has a wrong form"),
        Code::OtherCard => ("这不是原来的那张卡", "this is not the card that the transaction began with"),
        Code::ForeignCity => ("外地卡", "this card was issued by another city"),
        Code::CardNotYetValid => ("卡尚未生效", "the card is not valid yet"),
        Code::CardExpired => ("卡已过有效期", "the card has expired"),
        Code::CardBlacklisted => ("卡在黑名单上", "the card is on the blacklist"),
        Code::BlacklistMissing => ("终端还没有黑名单", "the terminal has no blacklist yet"),
        Code::BlacklistStale => ("黑名单过旧", "the blacklist is too old"),
        Code::BlacklistForeign => ("黑名单是其他中心的", "the blacklist is of another centre"),
        Code::BlacklistUnsigned => {
            ("黑名单的签名不符,内容被改过", "the blacklist was altered: its signature does not fit")
        }
        Code::BlacklistOlder => ("黑名单比终端已有的旧", "the blacklist is older than the terminal's"),
        Code::BlacklistExpired => ("黑名单已过有效期", "the blacklist is past its time"),
        Code::BlacklistAhead => {
            ("黑名单的签发时间晚于终端时钟", "the blacklist was signed later than the clock says it is")
        }
        Code::BlacklistGap => ("黑名单的增量与终端已有的名单接不上", "the changes do not fit the terminal's blacklist"),
        Code::BlacklistTooLong => ("黑名单卡数过多", "the blacklist has too many cards"),
        Code::CatalogueForeign => ("药品目录是其他中心的", "the drug catalogue is of another centre"),
        Code::CatalogueUnsigned => ("药品目录的签名不符", "the signature of the drug catalogue does not fit"),
        Code::CatalogueAltered => ("药品目录被改过", "the drug catalogue was altered"),
        Code::CatalogueOlder => ("药品目录比终端已有的旧", "the drug catalogue is older than the terminal's"),
        Code::CatalogueExpired => ("药品目录须更新", "the drug catalogue has to be renewed"),
        Code::CatalogueAhead => {
            ("药品目录的签发时间晚于终端时钟", "the drug catalogue was signed later than the clock says it is")
        }
        Code::CatalogueTooLong => ("药品目录过大", "the drug catalogue is too long"),
        Code::BlacklistMalformed => ("文件不是签名的黑名单", "the file is no signed blacklist"),
        Code::CentreKeyUnknown => ("终端不知道中心的公钥", "the terminal does not know the centre's key"),
        Code::CentreKeyDiffers => {
            ("中心的公钥与终端信任的不同", "the centre's key is not the one that the terminal trusts")
        }
        Code::CertificatesMissing => ("卡上没有证书应用", "the card has no certificate application"),
        Code::CardSecretMissing => (
            "证书应用中尚无所需的 PIN、密钥对或证书",
            "the certificate application lacks a PIN, key pair or certificate",
        ),
        Code::KeyPairThere => ("卡上已有签名密钥对", "the card has a signing key pair already"),
        Code::CertificatePinLength => ("PIN 位数不对", "the PIN has a wrong number of digits"),
        Code::EnvelopeMalformed => ("数字信封文件格式不对", "the envelope file is malformed"),
        Code::EnvelopeForeign => ("数字信封不是给这张卡的", "the envelope is not for this card"),
        Code::CertificateMalformed => ("证书文件格式不对", "the certificate file is malformed"),
        Code::CertificateTooLong => ("证书超过卡上文件的长度", "the certificate is too long for the card"),
        Code::CertificateForeign => ("证书不是这张卡的密钥的", "the certificate is not that of the card's key"),
        Code::SignatureWrong => ("卡的签名验证不通过", "the card's signature does not verify"),
        Code::PinWrong => ("密码错误", "wrong PIN"),
        Code::PinBlocked => ("密码已锁定", "the PIN is blocked"),
        Code::PinInitial => ("初始密码不能交易", "the initial PIN cannot be used for transactions"),
        Code::PinNewInitial => ("不能改为初始密码", "the PIN may not be changed to the initial one"),
        Code::PinFormat => ("密码应为 4 到 12 位数字", "a PIN has 4 to 12 digits"),
        Code::PinNeeded => ("需要密码", "a PIN is needed"),
        Code::LastTry => ("只剩最后一次机会,未使用", "one try is left; it was not spent"),
        Code::PsamMissing => ("没有 PSAM 卡", "there is no PSAM"),
        Code::PsamAmbiguous => ("有多张 PSAM 卡", "there are several PSAMs"),
        Code::NotPsam => ("PSAM 槽中的卡不是社会保障 PSAM", "the card in the PSAM slot is no social security PSAM"),
        Code::PsamAlgorithm => ("PSAM 不支持此卡的算法", "no PSAM at hand serves the algorithm of this card"),
        Code::PsamSilent => ("PSAM 无应答", "the PSAM does not answer"),
        Code::PsamAnswer => ("PSAM 的应答格式不对", "the PSAM's answer has a wrong form"),
        Code::PsamWrong => ("PSAM 与此卡不匹配", "the PSAM's keys do not fit this card"),
        Code::PsamKeyMissing => ("PSAM 中没有所需密钥", "the PSAM lacks a key"),
        Code::PsamRefused => ("PSAM 拒绝了命令", "the PSAM refused"),
        Code::PsamDiffers => ("PSAM 不属于这个数据目录", "the PSAM does not belong to this data folder"),
        Code::KeyRefused => ("外部认证失败", "the card refused the external authentication"),
        Code::KeyNotTried => {
            ("未尝试:卡拒绝了同一 PSAM 的另一密钥", "not tried: the card refused another key of the same PSAM")
        }
        Code::KeyBlocked => ("卡上的密钥已锁定", "a key of the card is blocked"),
        Code::MacWrong => ("卡的 MAC2 不对", "the card's MAC2 does not verify"),
        Code::BillMalformed => ("账单文件格式不对", "the bill file is malformed"),
        Code::BillRefused => ("账单不符合规则", "the bill breaks a rule"),
        Code::TraceUnwritable => ("跟踪文件写不了", "the trace file cannot be written"),
        Code::ShellCommand => ("没有这个命令,或参数不对", "no such command, or other words than it takes"),
        Code::PlaceUnknown => ("卡片描述中没有这个位置", "the profile has no such place"),
        Code::KeyUnknown => ("卡片描述中没有这个可认证的密钥", "the profile has no such key to authenticate with"),
        Code::FileNeverRead => ("该文件不允许读取", "this file is never read"),
        Code::UpdateUnproved => ("修改此文件须先认证", "this file is written after a proof only"),
        Code::ReadOnly => ("未允许修改卡片", "updates were not allowed"),
        Code::ValueRefused => ("值写不进该数据项", "the value does not go into this item"),
        Code::ReadBackDiffers => ("读回的值与写入的不同", "what was read back is not what was written"),
        Code::ScriptMalformed => ("脚本文件不是文本", "the script is no text"),
        Code::ScriptMismatch => ("结果与脚本的预期不符", "the script expected something else"),
        Code::TraceEmpty => ("文件中没有与卡的对话", "the file holds no conversation with a card"),
        Code::CatalogueMalformed => ("药品目录格式不对", "the catalogue file is malformed"),
        Code::PolicyMalformed => ("支付政策文件格式不对", "the policy file is malformed"),
        Code::ProfileMalformed => ("卡片描述文件格式不对", "the card profile is malformed"),
        Code::ProfileContradicts => {
            ("卡片描述自相矛盾,按它读卡会读错", "the card profile contradicts itself, cards would be read wrong by it")
        }
        Code::PersonMissing => ("名单中没有这张卡的持卡人", "the table has no row of this card's holder"),
        Code::ProfileUnknown => ("没有这个卡片描述", "there is no such card profile"),
        Code::DumpMalformed => ("卡片内容文件格式不对", "the file with card contents is malformed"),
        Code::DumpVersion => {
            ("卡片内容文件是更新的版本", "the file with card contents is of a version that this program does not know")
        }
        Code::KeyFileMalformed => ("密钥文件格式不对", "the key file is malformed"),
        Code::KeyFileNotRehearsal => ("密钥文件没有标明 REHEARSAL", "the key file is not marked REHEARSAL"),
        Code::KeysDiffer => ("所给密钥不是这张卡的密钥", "the keys given are not those of this card"),
        Code::BalanceInsufficient => ("余额不足", "the balance does not suffice"),
        Code::YearTotalFull => ("卡内年度累计已到上限,没有扣款", "the card's yearly totals are full; nothing was paid"),
        Code::ClockBehindCard => (
            "卡内年度累计属于比终端时钟更晚的年份,没有扣款",
            "the card's yearly totals are of a later year than the terminal's clock; nothing was paid",
        ),
        Code::BillPaid => ("该账单已付过", "this bill was paid before"),
        Code::RefundOriginal => ("没有可退的原交易", "there is no such purchase to refund"),
        Code::RefundAmbiguous => {
            ("这张卡有两笔同一终端序号的消费", "two purchases of this card have this number of the terminal")
        }
        Code::RefundUnknown => ("没有这笔退费", "there is no such refund"),
        Code::RefundClosed => ("该退费已结束", "this refund is over"),
        Code::RefundCredited => (
            "中心曾告知卡已收到该退费,不能不再计入",
            "the centre told that the card has this refund: it goes on counting",
        ),
        Code::RefundUndecided => ("该退费可能已到卡上", "this refund may have reached the card"),
        Code::RefundAmount => ("退费金额不对", "this amount cannot be refunded"),
        Code::CancelTooLate => (
            "只能撤销该卡当日最后一笔未退费的消费",
            "only the card's latest purchase of the day, of which nothing was refunded, is cancelled",
        ),
        Code::BillOpen => {
            ("另一张卡可能已付此账单,结果未知", "another card may have paid this bill: its outcome is unknown")
        }
        Code::LimitExceeded => ("超过终端限额", "a limit of the terminal is reached"),
        Code::ParametersForeign => ("参数是其他中心或终端的", "the parameters are of another centre or terminal"),
        Code::ParametersUnsigned => {
            ("参数的签名不符,内容被改过", "the parameters were altered: their signature does not fit")
        }
        Code::ParametersAltered => ("终端数据中的限额被改动过", "the limits in the terminal's data were altered"),
        Code::ParametersOlder => ("参数比终端已有的旧", "the parameters are older than the terminal's"),
        Code::ParametersExpired => ("终端参数已过有效期", "the terminal's parameters are past their time"),
        Code::ParametersAhead => {
            ("参数的签发时间晚于终端时钟", "the parameters were signed later than the clock says it is")
        }
        Code::OnlineRequired => {
            ("中心没有应答,本终端不得脱机收款", "the centre did not answer, and this terminal may not sell without it")
        }
        Code::Uncertain => ("卡上的交易结果未知", "whether the card did the transaction is unknown"),
        Code::StillOpen => ("此卡有一笔未了结的交易", "an earlier transaction of this card is still open"),
        Code::CardRenamed => {
            ("此卡的卡识别码被改写过", "the card's identifier is not the one by which this terminal knew its chip")
        }
        Code::ClockBack => (
            "终端时钟早于日志或中心签署的时间",
            "the terminal's clock is behind its journal or the centre's signed time",
        ),
        Code::ClockDiffers => {
            ("终端时钟与中心相差十分钟以上", "the terminal's clock is more than ten minutes off the centre's")
        }
        Code::SignedOut => ("终端已签退", "the terminal has signed out"),
        Code::NotUndecided => ("这笔交易不待判定", "this transaction waits for no judgement"),
        Code::ChainDiffers => ("终端与中心的上传记录不一致", "terminal and centre disagree on what was uploaded"),
        Code::CentrePlain => ("明文线路只能通往本机", "a line without TLS leads to this machine only"),
        Code::CentreNotTrusted => ("应答的不是本终端的中心", "whoever answers is not this terminal's centre"),
        Code::LineCertificateMissing => ("终端没有线路证书", "the terminal has no certificate for its line"),
        Code::LineAuthorityMissing => {
            ("没有说明全国中心证书的签发者", "nothing says who makes the certificate of the national centre")
        }
        Code::LineCertificateDiffers => ("证书不是本终端的", "the certificate is not this terminal's"),
        Code::LineCertificateMalformed => ("文件不是线路证书", "the file holds no certificate for the line"),
        Code::LineCertificateRefused => {
            ("中心不接受本终端的线路证书", "the centre does not take this terminal's certificate")
        }
        Code::LineCertificateExpired => ("线路证书已过期", "the certificate of the line is past its end"),
        Code::CentreUnreachable => ("中心无应答", "the centre does not answer"),
        Code::CentreAnswer => ("中心的应答格式不对", "the centre's answer has a wrong form"),
        Code::CentreRefused => ("中心拒绝了请求", "the centre refused"),
        Code::CentreBusy => ("中心暂时不能处理", "the centre cannot do it now"),
        Code::NothingToLoad => ("此卡没有待划入的金额", "nothing is waiting to be loaded for this card"),
        Code::LoadOwed => ("持卡人有欠款,没有可划入的金额", "the holder owes money: nothing waits to be loaded"),
        Code::FontMissing => ("没有可用的中文字体", "there is no Chinese font to draw with"),
        Code::FontUnusable => ("此文件不是含中文的轮廓字体", "this file is no outline font with Chinese characters"),
        Code::ReceiptUnwritten => {
            ("交易已完成,小票未能写出", "the transaction is done, its receipt could not be written")
        }
        Code::ListenFailed => ("不能监听此地址", "the address cannot be listened on"),
        Code::RecordingMalformed => ("调用记录格式不对", "the recording of calls is malformed"),
        Code::ReceiptUnknown => ("没有这个小票", "there is no such receipt"),
        Code::OutputUnknown => {
            ("此编号没有驱动函数消费的输出", "no purchase of a driver's call that has an output has this number")
        }
        Code::RehearsalMissing => ("演练程序未安装", "the program for rehearsal is not installed"),
        Code::NationalNotSignedIn => ("尚未在国家医保中心签到", "nobody signed in at the national centre"),
        Code::NationalUnreachable => ("国家医保中心无应答", "the national centre does not answer"),
        Code::NationalUnanswered => {
            ("结算或撤销没有应答,结果未知", "a settlement or cancellation was not answered: its outcome is unknown")
        }
        Code::NationalReversed => {
            ("结算或撤销没有应答,已冲正", "a settlement or cancellation was not answered, and was undone")
        }
        Code::NationalRefused => ("国家医保中心拒绝", "the national centre refused"),
        Code::NationalAnswer => ("国家医保中心的应答读不懂", "the answer of the national centre cannot be read"),
        Code::NationalOtherPerson => {
            ("国家医保中心答的是另一个人", "the national centre answered about another person")
        }
        Code::NationalAmounts => ("国家医保中心的金额自相矛盾", "the amounts of the national centre do not add up"),
        Code::NationalOpen => {
            ("此账单或此人有一笔结果未知的结算", "a settlement of this bill or person has no known outcome")
        }
        Code::NationalBillSettled => ("账单已在国家医保中心结算", "the bill was settled at the national centre"),
        Code::NationalUnknown => ("没有可处理的结算", "there is no such settlement to work on"),
        Code::NationalNotInsured => ("此人没有这一险种", "the person has no such insurance"),
        Code::NationalField => ("要发送的内容不符合字段规定", "what is to be sent does not fit its field"),
        Code::NotEnrolled => ("终端尚未登记", "the terminal is not enrolled"),
        Code::StoreFailed => ("数据目录读写失败", "the data folder cannot be read or written"),
        Code::StoreFull => ("磁盘已满,未做任何事", "the disk is full; nothing was done"),
        Code::StoreBusy => ("日志被其他程序占用", "another program holds the journal"),
        Code::StoreCorrupt => ("日志已损坏", "the journal is damaged"),
        Code::NotRecorded => ("卡上已完成,日志尚未记下", "done on the card, not yet in the journal"),
        Code::OutputFailed => ("标准输出写不进去", "standard output cannot be written"),
        Code::Bug => ("程序内部错误", "a broken invariant of this program"),
    };
    Words::new(zh, en)
}

fn next(code: Code) -> Words {
    let (zh, en) = match code {
        Code::Usage => ("用 --help 查看写法", "see --help"),
        Code::ConfigurationInvalid => ("按提示的位置改正配置", "correct the configuration at the place named"),
        Code::SecretUnreadable => {
            ("设置该变量或文件,内容为一行数字", "set this variable or file to one line of digits")
        }
        Code::SecretForm => ("写成 env:名称、file:路径 或 prompt", "write env:NAME, file:PATH or prompt"),
        Code::ProfileUnknown => (
            "用 sscard profile list 查看内置名称,或给出文件路径",
            "see sscard profile list for the names, or give the path of a file",
        ),
        Code::ProfileContradicts => (
            "用 sscard profile lint 文件 查看全部矛盾,改正后再用;或从配置的 [regions] 中取下",
            "see all of it with sscard profile lint FILE and mend the text, or take it out of [regions] of the configuration",
        ),
        Code::FileMissing => (
            "检查路径和权限;要写的文件已存在的,换一个文件名:已有的不覆盖",
            "check path and permissions; where it is to be written and exists, name another: none is written over",
        ),
        Code::AddressUnsupported => ("写成 https://主机:端口", "write https://HOST:PORT"),
        Code::NoPcscService => ("启动 pcscd,或检查 PCSCLITE_CSOCK_NAME", "start pcscd, or check PCSCLITE_CSOCK_NAME"),
        Code::NoReader => ("接上读卡器", "attach a reader"),
        Code::ReaderNotFound => ("用 sscard readers 查看名称", "see sscard readers for the names"),
        Code::ReaderAmbiguous => ("用 --reader 指定其中一个", "name one of them with --reader"),
        Code::ReaderGone => ("重新接上读卡器", "attach the reader again"),
        Code::ReaderHangs => ("取出卡片，拔下读卡器再接上", "take the card out, unplug the reader and attach it again"),
        Code::ReaderInUse => ("关闭其他程序后再试", "close the other program and try again"),
        Code::NoCard => ("插入社会保障卡", "insert the social security card"),
        Code::CardRemoved | Code::CardMute | Code::CardReset | Code::ExchangeBroken | Code::NotReached => {
            ("请重新插入同一张卡再试", "insert the same card again")
        }
        Code::Interrupted => ("再次运行即可", "run it again"),
        Code::CardIsPsam => {
            ("--reader 指定持卡人的卡,--psam 指定 PSAM", "name the holder's card with --reader, the PSAM with --psam")
        }
        Code::NotSsc => (
            "请插入社会保障卡;电子钱包等其他卡片用 sscard shell --profile 名称 或 conform --profile 名称",
            "insert a social security card; for a purse or another card use sscard shell --profile NAME or conform --profile NAME",
        ),
        Code::CardBlank | Code::CardIdentifier => ("把卡交回发卡机构", "return the card to the issuer"),
        Code::CardBlocked => ("请持卡人到发卡机构解锁", "the holder must have it unblocked by the issuer"),
        Code::ProfileDiffers => (
            "用 --profile 指定符合的卡片描述;sscard profile list 列出全部",
            "name a profile that fits with --profile; sscard profile list shows all",
        ),
        Code::CardVersion | Code::ApplicationMissing => {
            ("请持卡人到发卡机构换卡", "the holder must have it replaced by the issuer")
        }
        Code::AlgorithmNotPublic => (
            "免密钥的数据可读;其余请到有加密机的网点办理",
            "what needs no key can be read; the rest is done where an HSM has this algorithm",
        ),
        Code::FileUnknown => ("用 sscard profile doc 查看文件", "see sscard profile doc for the files"),
        Code::CardRefused | Code::CardAnswer => {
            ("重新插卡再试;仍不行请联系发卡机构", "insert the card again; if it stays so, ask the issuer")
        }
        Code::OtherCard => ("请插入原来的那张卡", "insert the card that the transaction began with"),
        Code::ForeignCity => (
            "此终端只能读取,不能扣款;请走异地结算",
            "this terminal may read it but not debit it; settle it as an out-of-town case",
        ),
        Code::CardNotYetValid | Code::CardExpired => {
            ("请持卡人到发卡机构换卡", "the holder must ask the issuer for a new card")
        }
        Code::CardBlacklisted => ("不要扣款,请持卡人联系发卡机构", "take no money; the holder must ask the issuer"),
        Code::BlacklistMissing | Code::BlacklistStale => {
            ("执行 sscard blacklist update", "run sscard blacklist update")
        }
        Code::BlacklistExpired | Code::BlacklistOlder | Code::BlacklistGap => (
            "执行 sscard blacklist update,或向中心要新的完整名单文件",
            "run sscard blacklist update, or ask the centre for a file with the whole list",
        ),
        Code::BlacklistForeign | Code::BlacklistUnsigned | Code::BlacklistMalformed | Code::BlacklistTooLong => {
            ("不要使用该名单,向中心重新索取", "do not use it; ask the centre for another")
        }
        Code::CatalogueExpired | Code::CatalogueAltered => {
            ("执行 sscard catalogue update", "run sscard catalogue update")
        }
        Code::CatalogueForeign | Code::CatalogueUnsigned | Code::CatalogueOlder | Code::CatalogueTooLong => {
            ("已有的目录照旧使用;请联系中心", "the catalogue that is held stays in use; ask the centre")
        }
        Code::BlacklistAhead | Code::CatalogueAhead => ("校准终端时钟后再试", "set the terminal's clock and try again"),
        Code::CentreKeyUnknown => {
            ("先执行 sscard sign-in 或 terminal trust", "run sscard sign-in or terminal trust first")
        }
        Code::CentreKeyDiffers => (
            "与中心当面核对公钥,确认后执行 sscard terminal trust --replace",
            "compare keys with the centre in person, then run sscard terminal trust --replace",
        ),
        Code::CertificatesMissing => ("请使用第三代社会保障卡", "use a card of the third generation"),
        Code::CardSecretMissing => (
            "依次执行 sscard cert set-up、cert generate、cert install",
            "run sscard cert set-up, cert generate and cert install in this order",
        ),
        Code::KeyPairThere => {
            ("确需更换时加 --replace,原证书随之作废", "add --replace to make another; its certificate is then void")
        }
        Code::CertificatePinLength => ("按提示的位数给出 PIN", "give a PIN of the length named"),
        Code::EnvelopeMalformed | Code::CertificateTooLong => {
            ("请证书中心重新签发", "ask the certificate centre for another one")
        }
        Code::EnvelopeForeign | Code::CertificateForeign => (
            "核对卡与文件是否对应,再请证书中心重新签发",
            "check that card and file belong together, then ask the centre",
        ),
        Code::CertificateMalformed => {
            ("用 openssl x509 -outform DER 转换后再试", "convert it with openssl x509 -outform DER and try again")
        }
        Code::SignatureWrong => ("不要使用该签名,请联系发卡机构", "do not use this signature; ask the issuer"),
        Code::PinWrong => ("请持卡人重新输入", "ask the holder for the PIN again"),
        Code::PinBlocked => ("请持卡人到发卡机构解锁密码", "the holder must have the PIN unblocked by the issuer"),
        Code::PinInitial => ("先执行 sscard pin change", "run sscard pin change first"),
        Code::PinNewInitial => ("请选其他密码", "choose another PIN"),
        Code::PinFormat => ("用 env:名称 或 file:路径 给出数字", "give digits through env:NAME or file:PATH"),
        Code::PinNeeded => ("加上 --pin env:名称 或 file:路径", "add --pin env:NAME or file:PATH"),
        Code::LastTry => ("确认无误后加 --last-try", "add --last-try when you are sure"),
        Code::PsamMissing => ("插入 PSAM,或用 --psam 指定", "insert the PSAM, or name its reader with --psam"),
        Code::PsamAmbiguous => ("用 --psam 指定其中一个", "name one of them with --psam"),
        Code::NotPsam => ("检查 --psam 指向的读卡器", "check which reader --psam names"),
        Code::PsamWrong => ("换上发卡城市的 PSAM", "use a PSAM of the card's issuer"),
        Code::PsamKeyMissing => (
            "换上发卡城市的、存有此密钥的 PSAM;药店的 PSAM 只有读卡和消费的密钥",
            "use a PSAM of the card's issuer that was made with this key; one of a pharmacy reads and pays only",
        ),
        Code::PsamAlgorithm => ("换上支持此卡算法的 PSAM", "use a PSAM that has the card's algorithm"),
        Code::PsamRefused | Code::PsamSilent | Code::PsamAnswer => ("重新插入 PSAM 再试", "insert the PSAM again"),
        Code::PsamDiffers => (
            "换回原来的 PSAM;PSAM 已更换的,先在原目录执行 sscard upload 和 day-end 并保留该目录,再另用 --data 目录",
            "use the PSAM of this folder; where it was replaced, end the old folder first (sscard upload, day-end), keep it, and take another --data folder",
        ),
        Code::KeyRefused | Code::KeyNotTried => {
            ("不要再试:PSAM 与卡的密钥不一致,请联系发卡机构", "do not try again: PSAM and card differ; ask the issuer")
        }
        Code::KeyBlocked => ("请持卡人联系发卡机构", "the holder must ask the issuer"),
        Code::MacWrong => ("保留小票,请中心核对该卡", "keep the receipt and have the centre check this card"),
        Code::BillMalformed
        | Code::CatalogueMalformed
        | Code::PolicyMalformed
        | Code::ProfileMalformed
        | Code::KeyFileMalformed
        | Code::ScriptMalformed
        | Code::DumpMalformed => ("按提示的位置改正文件", "correct the file at the place named"),
        Code::DumpVersion => ("用写出它的版本,或重新读卡", "use the release that wrote it, or dump the card again"),
        Code::TraceUnwritable => (
            "换一个尚不存在的文件名,并检查目录的权限",
            "name a file that does not exist yet, in a folder that can be written",
        ),
        Code::ShellCommand => ("输入 help 查看命令", "type help for the commands"),
        Code::PlaceUnknown => ("用 ls 或 tree 查看", "see ls or tree"),
        Code::UpdateUnproved => ("先认证所列的密钥或密码", "prove the key or PIN named first"),
        Code::KeyUnknown => ("按 Tab 查看密钥名称", "press Tab for the names of keys"),
        Code::FileNeverRead => ("换一个文件", "read another file"),
        Code::ReadOnly => ("用 sscard shell --allow-update 重新进入", "start again with sscard shell --allow-update"),
        Code::ValueRefused => ("按提示改正该值", "correct the value as told"),
        Code::ReadBackDiffers => ("不要再使用此卡,请联系发卡机构", "use this card no more and ask its issuer"),
        Code::ScriptMismatch => ("检查该行,或更正脚本的预期", "look at this line, or correct what it expects"),
        Code::TraceEmpty => (
            "给出 sscard --trace、pcscd --apdu 的记录或十六进制命令行",
            "give a file of sscard --trace, of pcscd --apdu, or hexadecimal lines",
        ),
        Code::PersonMissing => (
            "检查名单中的社会保障号码,或换一份名单",
            "check the social security number in the table, or take another table",
        ),
        Code::KeyFileNotRehearsal => {
            ("只能使用演练密钥；真实卡片请插入 PSAM", "use rehearsal keys only; for a real card insert a PSAM")
        }
        Code::KeysDiffer => (
            "换成这张卡的密钥文件或 PSAM；用错误的密钥会消耗尝试次数，因此没有执行",
            "give the key file or the PSAM of this card; wrong keys would spend tries, so nothing was carried out",
        ),
        Code::BillRefused => (
            "改正账单后再试;若之前的消费已在另一台终端退费,先执行 sscard upload",
            "correct the bill and try again; where another till gave back what was bought before, run sscard upload first",
        ),
        Code::BalanceInsufficient => ("改为现金支付,或先划入", "take cash, or load the account first"),
        Code::YearTotalFull => {
            ("改为现金支付,并请持卡人联系发卡机构核对累计", "take cash, and have the issuer look at the card's totals")
        }
        Code::ClockBehindCard => (
            "核对终端的日期和时间;若正确,请持卡人联系发卡机构",
            "set the terminal's date and time; when they are right, the holder turns to the issuer",
        ),
        Code::BillOpen => (
            "请插入那张卡查明结果;查明之前不要用其他卡或现金收取此账单",
            "insert that card to find out; until then take this bill from no other card and no cash",
        ),
        Code::RefundOriginal => ("用 sscard journal list 查看编号", "see sscard journal list for the ids"),
        Code::RefundAmbiguous => (
            "给日志号,或按小票加上卡序号(…/0000A5C3/0004)",
            "give the entry, or the card's number behind it as on the receipt (such as /0000A5C3/0004)",
        ),
        Code::RefundUnknown | Code::RefundClosed => {
            ("用 sscard refund list --all 查看", "see sscard refund list --all")
        }
        Code::RefundCredited => (
            "请中心补入这笔退费(由办理的终端重新上传);中心再次告知后自动消除",
            "the centre must have it again from the till that gave it; what it tells of again leaves this list",
        ),
        Code::RefundUndecided => {
            ("插入该卡,给出密码,执行 sscard refund finish", "insert the card and run sscard refund finish with its PIN")
        }
        Code::RefundAmount => {
            ("用 sscard refund list --all 核对已退金额", "compare with what went back before: sscard refund list --all")
        }
        Code::CancelTooLate => ("请改用 sscard refund give", "refund it instead: sscard refund give"),
        Code::BillPaid => (
            "用 sscard receipt reprint 补打小票;已撤销或全额退费的,改正后的账单用新单号收款",
            "reprint its receipt with sscard receipt reprint; where it was cancelled or refunded, the corrected bill is paid under a new number",
        ),
        Code::LimitExceeded => ("改为现金支付,或请中心调整限额", "take cash, or have the centre change the limit"),
        Code::ParametersForeign | Code::ParametersUnsigned | Code::ParametersOlder => {
            ("不要采用,请联系中心;终端仍用原有参数", "do not use them and ask the centre; the terminal keeps its own")
        }
        Code::ParametersExpired | Code::ParametersAltered => ("执行 sscard sign-in", "run sscard sign-in"),
        Code::ParametersAhead => ("校准终端时钟后再签到", "set the terminal's clock and sign in again"),
        Code::OnlineRequired => (
            "没有扣款;线路恢复后再收款,用驱动函数的程序改用 sscard pay",
            "nothing was paid: sell again when the line is back; a program of driver functions uses sscard pay instead",
        ),
        Code::Uncertain => (
            "不要收付现金;请把同一张卡再插一次,终端会查明",
            "take no cash and give none; insert the same card again and the terminal will find out",
        ),
        Code::StillOpen => ("请插着卡并给出密码再试", "leave the card in and give its PIN"),
        Code::CardRenamed => (
            "不要扣款,报告中心;发卡机构重新制作过的卡,联机收款由中心认定",
            "take no money and tell the centre; a card that its issuer made anew is paid with where the centre is asked",
        ),
        Code::ClockBack => (
            "校准终端时钟;时钟无误则执行 sscard sign-in",
            "set the terminal's clock; where it is right, run sscard sign-in",
        ),
        Code::ClockDiffers => (
            "校准终端时钟后再收款;时钟无误则执行 sscard sign-in",
            "set the terminal's clock, then sell; where it is right, run sscard sign-in",
        ),
        Code::SignedOut => ("执行 sscard sign-in 后再收款", "run sscard sign-in, then sell"),
        Code::NotUndecided => (
            "用 sscard journal list 查看状态为 UNCERTAIN 或 CONTRADICTED 的",
            "see sscard journal list for those that are UNCERTAIN or CONTRADICTED",
        ),
        Code::CentrePlain => (
            "把中心地址写成 https://,先取得线路证书:sscard terminal request",
            "write the centre's address with https://, and get a certificate first: sscard terminal request",
        ),
        Code::CentreNotTrusted => (
            "核对中心地址和名称;中心更换签发者后须重新取证书",
            "check the centre's address and name; a centre with a new authority certifies its terminals anew",
        ),
        Code::LineAuthorityMissing => (
            "把签发者的证书(PEM)存为文件,在 [national] 中写 authority = \"文件\"",
            "keep the authority's certificate (PEM) in a file and name it in [national]: authority = \"FILE\"",
        ),
        Code::LineCertificateMissing => (
            "执行 sscard terminal request,请中心签发,再执行 sscard terminal certificate 文件",
            "run sscard terminal request, have the centre certify it, then run sscard terminal certificate FILE",
        ),
        Code::LineCertificateDiffers => (
            "取本终端最近一次请求的证书;或重新执行 sscard terminal request",
            "take the certificate of this terminal's latest request; or run sscard terminal request again",
        ),
        Code::LineCertificateMalformed => ("用中心给的文件,不要改动", "use the file that the centre gave, unchanged"),
        Code::LineCertificateRefused | Code::LineCertificateExpired => (
            "执行 sscard terminal request,请中心重新签发",
            "run sscard terminal request and have the centre certify it anew",
        ),
        Code::CentreUnreachable | Code::CentreBusy => {
            ("未丢失任何记录;稍后再执行同一命令", "no record is lost; run the same command later")
        }
        Code::ChainDiffers => {
            ("停止收款,保留数据目录并联系中心", "stop selling, keep the data folder and ask the centre")
        }
        Code::CentreAnswer => ("检查中心地址;记录已保存", "check the centre's address; the record is kept"),
        Code::CentreRefused => ("按代码联系中心", "ask the centre, naming the code"),
        Code::NothingToLoad => ("请持卡人询问参保机构", "the holder may ask the insurance agency"),
        Code::LoadOwed => ("下次划入先抵扣欠款", "the next allotment covers it first"),
        Code::FontMissing => (
            "安装 fonts-wqy-microhei,或在配置文件写 font = \"文件\"",
            "install fonts-wqy-microhei, or write font = \"FILE\" in the configuration file",
        ),
        Code::FontUnusable => ("换一个 TTF、OTF 或 TTC 字体文件", "name another TTF, OTF or TTC file"),
        Code::ReceiptUnwritten => (
            "检查打印机或文件夹,再用 sscard receipt reprint 补打(国家平台结算用 sscard national reprint)",
            "see to the printer or folder, then print it again with sscard receipt reprint (a national settlement with sscard national reprint)",
        ),
        Code::ListenFailed => (
            "用 --listen 换一个本机端口,或结束占用它的程序",
            "choose another port of this machine with --listen, or end the program that has it",
        ),
        Code::RecordingMalformed => ("按 docs/compat.md 修改该行", "mend the line as docs/compat.md says"),
        Code::ReceiptUnknown => ("用 sscard journal list 查看编号", "see sscard journal list for the ids"),
        Code::OutputUnknown => (
            "sscard day-end 列出调用程序未得知的编号",
            "sscard day-end lists the numbers of which their program was not told",
        ),
        Code::RehearsalMissing => (
            "把它放在 sscard 旁边:cargo build --release -p tear",
            "put it beside sscard: cargo build --release -p tear",
        ),
        Code::NationalNotSignedIn => ("先执行 sscard national sign-in", "run sscard national sign-in first"),
        Code::NationalUnreachable => {
            ("检查网络和 [national] address,再次运行", "check the network and [national] address, then run it again")
        }
        Code::NationalUnanswered => (
            "先不要收款或退款;网络恢复后执行 sscard national finish,终端会自动冲正",
            "take and give no money yet; when the network is back run sscard national finish: it is undone by itself",
        ),
        Code::NationalReversed => {
            ("此账单没有结算(撤销没有生效);再次运行即可", "nothing of it stands at the centre; run the same again")
        }
        Code::NationalRefused => (
            "按中心给出的原因处理;签到失效时执行 sscard national sign-in",
            "follow the reason that the centre gives; when the session is over run sscard national sign-in",
        ),
        Code::NationalAnswer => ("稍后再试;仍不行请联系中心", "run it again later; if it stays so, ask the centre"),
        Code::NationalOtherPerson => (
            "核对凭证后再试;仍是如此请联系中心,不要结算",
            "look at the credential and run it again; if it stays so settle nothing, and ask the centre",
        ),
        Code::NationalAmounts => (
            "不要收款;执行 sscard national list 查看,并把此结果告诉中心",
            "take no money; see sscard national list, and tell the centre",
        ),
        Code::NationalOpen => (
            "执行 sscard national finish;中心拒绝冲正时与中心核对,再用 sscard national judge 记下结论",
            "run sscard national finish; when the centre does not undo it, ask there and note the answer with sscard national judge",
        ),
        Code::NationalBillSettled => {
            ("不要再次结算;用 sscard national list 查看", "do not settle it again; see sscard national list")
        }
        Code::NationalUnknown => {
            ("用 sscard national list 查看账单和状态", "see sscard national list for bills and where they stand")
        }
        Code::NationalNotInsured => {
            ("用 --insurance 给出中心列出的险种", "name an insurance that the centre lists with --insurance")
        }
        Code::NationalField => (
            "改正 [national] 或账单中的该项,再次运行",
            "mend that item in [national] or in the bill, then run it again",
        ),
        Code::NotEnrolled => ("先执行 sscard terminal enroll", "run sscard terminal enroll first"),
        Code::StoreFailed => ("检查数据目录的权限和磁盘", "check the folder's permissions and its disk"),
        Code::StoreFull => ("腾出磁盘空间后再试", "free disk space and try again"),
        Code::StoreBusy => ("等其他程序结束后再试", "wait for the other program and try again"),
        Code::StoreCorrupt => {
            ("停止收款,备份数据目录并联系中心", "stop selling, copy the data folder and ask the centre")
        }
        Code::NotRecorded => ("腾出磁盘空间,把同一张卡再插一次", "free disk space and insert the same card again"),
        Code::OutputFailed => {
            ("检查输出的去向;如有交易,日志中已记录", "check where the output goes; a transaction stands in the journal")
        }
        Code::Bug => ("请把命令和输出报告给开发者", "report the command and its output to the developers"),
    };
    Words::new(zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_what_and_next_in_both_languages() {
        for code in Code::ALL {
            for words in [what(*code), next(*code)] {
                assert!(words.zh.chars().any(|c| c as u32 > 0x4E00), "{}", code.as_str());
                assert!(words.en.is_ascii() && !words.en.is_empty(), "{}", code.as_str());
            }
        }
    }
}
