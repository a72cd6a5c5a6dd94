//! One card that can be talked to, however it is reached.
//!
//! Owns: the [`Transport`] trait and its errors. PC/SC, replay and the in-process software card implement it.
//! Never: interprets bytes, retries, waits without bound.

pub mod pcsc;
pub mod replay;

use std::time::Duration;

use crate::apdu::Protocol;

/// A powered card in exclusive use.
pub trait Transport: Send {
    /// Sends one command and appends the card's raw answer (data and SW1-SW2) to `answer`.
    ///
    /// # Errors
    /// [`TransportError`]: whether the card carried out the command is then unknown.
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError>;

    /// Warm reset.
    ///
    /// # Errors
    /// [`TransportError`] when the card does not come back.
    fn reset(&mut self) -> Result<(), TransportError>;

    /// The answer to reset.
    fn atr(&self) -> &[u8];

    /// The protocol in use.
    fn protocol(&self) -> Protocol {
        Protocol::T0
    }
}

/// Why an exchange failed, told apart by who can mend it.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The card was pulled.
    #[error("card removed from {reader}")]
    CardRemoved {
        /// Reader name.
        reader: String,
    },
    /// No card in the reader.
    #[error("no card in {reader}")]
    NoCard {
        /// Reader name.
        reader: String,
    },
    /// The card does not answer.
    #[error("card in {reader} does not answer")]
    CardMute {
        /// Reader name.
        reader: String,
    },
    /// Another program reset the card: selection and authentications are gone.
    #[error("card in {reader} was reset by another program")]
    CardReset {
        /// Reader name.
        reader: String,
    },
    /// Another program holds the card.
    #[error("card in {reader} is in use by another program")]
    InUse {
        /// Reader name.
        reader: String,
    },
    /// The reader is unplugged or unknown.
    #[error("reader {reader} is gone")]
    ReaderGone {
        /// Reader name.
        reader: String,
    },
    /// The PC/SC daemon does not run.
    #[error("the PC/SC daemon (pcscd) is not running")]
    NoService,
    /// A call on the reader did not come back in time. Whether the card carried out the command is unknown, and the reader
    /// is of no use until the call is back.
    #[error("reader {reader} did not come back from {call} in {} ms", limit.as_millis())]
    Timeout {
        /// Reader name; empty for the daemon.
        reader: String,
        /// What was called.
        call: ReaderCall,
        /// Its limit.
        limit: Duration,
    },
    /// An earlier call on the reader has not come back.
    #[error("reader {reader} still hangs in an earlier call")]
    ReaderSick {
        /// Reader name; empty for the daemon.
        reader: String,
    },
    /// Reader and card lost step; the last command may or may not have been carried out.
    #[error("exchange with the card in {reader} broke off")]
    Protocol {
        /// Reader name.
        reader: String,
        /// What the daemon reported.
        source: ::pcsc::Error,
    },
    /// A replayed trace has another command here.
    #[error("trace line {line}: the recorded command differs from the one sent")]
    TraceDiffers {
        /// Line of the trace, from 1.
        line: usize,
    },
    /// A replayed trace has no more commands.
    #[error("trace ends after line {line}, before this command")]
    TraceEnded {
        /// Last line of the trace.
        line: usize,
    },
}

/// A call on a reader, each with its own time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderCall {
    /// Reaching the daemon.
    Establish,
    /// Listing readers.
    List,
    /// Powering a card.
    Connect,
    /// Asking for ATR and protocol.
    Status,
    /// One exchange.
    Transmit,
    /// Warm reset.
    Reset,
    /// Waiting for a card or a reader.
    Wait,
}

impl std::fmt::Display for ReaderCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Establish => "reaching the daemon",
            Self::List => "listing readers",
            Self::Connect => "powering the card",
            Self::Status => "asking for its state",
            Self::Transmit => "an exchange",
            Self::Reset => "a reset",
            Self::Wait => "a wait",
        })
    }
}

impl ReaderCall {
    const fn zh(self) -> &'static str {
        match self {
            Self::Establish => "连接服务",
            Self::List => "列出读卡器",
            Self::Connect => "给卡上电",
            Self::Status => "查询状态",
            Self::Transmit => "交换数据",
            Self::Reset => "复位",
            Self::Wait => "等待",
        }
    }
}

impl TransportError {
    /// The same sentence in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::CardRemoved { reader } => format!("卡已从读卡器 {reader} 取走"),
            Self::NoCard { reader } => format!("读卡器 {reader} 中没有卡"),
            Self::CardMute { reader } => format!("读卡器 {reader} 中的卡没有应答"),
            Self::CardReset { reader } => format!("读卡器 {reader} 中的卡被其他程序复位"),
            Self::InUse { reader } => format!("读卡器 {reader} 中的卡正被其他程序使用"),
            Self::ReaderGone { reader } => format!("读卡器 {reader} 已不在"),
            Self::NoService => "PC/SC 服务 (pcscd) 未运行".to_owned(),
            Self::Timeout { reader, call, limit } => {
                format!("读卡器 {reader} {}超过 {} 毫秒未返回", call.zh(), limit.as_millis())
            }
            Self::ReaderSick { reader } => format!("读卡器 {reader} 仍停在先前的调用中"),
            Self::Protocol { reader, .. } => format!("与读卡器 {reader} 中的卡的交换中断"),
            Self::TraceDiffers { line } => format!("日志第 {line} 行: 所记命令与发出的不同"),
            Self::TraceEnded { line } => format!("日志到第 {line} 行为止, 没有这条命令"),
        }
    }

    /// Whether the same card back in the reader can go on, after its state was read.
    #[must_use]
    pub const fn card_lost(&self) -> bool {
        match self {
            Self::CardRemoved { .. }
            | Self::NoCard { .. }
            | Self::CardMute { .. }
            | Self::CardReset { .. }
            | Self::Protocol { .. } => true,
            Self::InUse { .. }
            | Self::ReaderGone { .. }
            | Self::ReaderSick { .. }
            | Self::Timeout { .. }
            | Self::NoService
            | Self::TraceDiffers { .. }
            | Self::TraceEnded { .. } => false,
        }
    }
}
