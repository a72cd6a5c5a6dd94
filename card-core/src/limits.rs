//! Every bound on what a card or reader may make us do, each with its reason.
//!
//! Owns: numbers only. A loop over what a card sends takes its bound from here, a call on a reader its time limit.

use std::time::Duration;

use crate::transport::ReaderCall;

/// GET RESPONSE calls for one command. A short answer needs one; one of 256 bytes in blocks of 8 needs 32.
pub const GET_RESPONSE_MAX: usize = 32;

/// Bytes collected for one command: a short Le asks for at most 256 (ISO/IEC 7816-4 5.1).
pub const SHORT_ANSWER_MAX: usize = 256;

/// Bytes of one exchange that a reader can hand over: an extended answer is at most 65,536 bytes of data (ISO/IEC 7816-3).
pub const ANSWER_BYTES_MAX: usize = 65_536;

/// Corrections of Le (`6Cxx`) for one command. A card that corrects twice is not going to agree.
pub const LE_CORRECTIONS_MAX: usize = 1;

/// Data bytes of a short command (ISO/IEC 7816-4 5.1: Lc in one byte).
pub const COMMAND_DATA_MAX: usize = 255;

/// Records read from one file: record numbers run from 1 to 254 (ISO/IEC 7816-4 7.3.1).
pub const RECORDS_MAX: u8 = 254;

/// Historical bytes of an ATR (ISO/IEC 7816-3 8.2.1: K is four bits).
pub const HISTORICAL_BYTES_MAX: usize = 15;

/// Nesting of BER-TLV in an FCI: `6F` → `A5` → `9F0C` → inner items, and one spare.
pub const TLV_DEPTH_MAX: usize = 5;

/// Bytes of an FCI: one short answer. The BER-TLV reader recurses, so the length of its input bounds its depth.
pub const FCI_BYTES_MAX: usize = 256;

/// Readers a PC/SC daemon can hold (pcsc-lite: 16), with room for other daemons.
pub const READERS_MAX: usize = 64;

/// Secrets whose tries a terminal remembers: cards with a wrong try behind them at one counter, in a year.
pub const TRIES_BOOK_MAX: usize = 4096;

/// Characters of a line of a trace: the longest exchange, with blanks between its bytes.
pub const TRACE_LINE_MAX: usize = 3 * (ANSWER_BYTES_MAX + 16);

/// Bytes of a notebook (`notebook`): the fullest book of tries has 4,096 lines of 40 bytes. A larger file is none of ours.
pub const NOTEBOOK_BYTES_MAX: u64 = 1 << 20;

/// Time limits of calls on a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// One exchange. The waiting time of T=0 after reset is about one second a byte, and a card may stretch it; the longest
    /// work of this card, a key pair, takes a few seconds. A reader that takes longer has lost its card.
    pub transmit: Duration,
    /// Power-up, warm reset and disconnecting: an answer to reset takes at most 20,000 etu, 2 s, at each of three voltages.
    pub power: Duration,
    /// Questions to the daemon itself, which answers from its memory.
    pub daemon: Duration,
}

impl CallLimits {
    /// The usual limits.
    pub const USUAL: Self =
        Self { transmit: Duration::from_secs(30), power: Duration::from_secs(10), daemon: Duration::from_secs(5) };

    /// The limit of one call.
    #[must_use]
    pub const fn of(self, call: ReaderCall) -> Duration {
        match call {
            ReaderCall::Transmit => self.transmit,
            ReaderCall::Connect | ReaderCall::Reset => self.power,
            ReaderCall::Establish | ReaderCall::List | ReaderCall::Status | ReaderCall::Wait => self.daemon,
        }
    }
}

/// How long the removal of a card may take to show: pcsc-lite polls a reader every 400 ms.
pub const REMOVAL_NOTICE: Duration = Duration::from_millis(600);

/// One wait for a reader's state inside a longer one, so that a daemon that died or was started again is noticed.
pub const WAIT_SLICE: Duration = Duration::from_secs(1);

/// Pause before a daemon that does not run is asked for again, while a card is waited for.
pub const DAEMON_PAUSE: Duration = Duration::from_millis(200);

/// New connections for one question to a daemon that closes them. One that does not serve this user closes all.
pub const DAEMON_RECONNECTS: usize = 3;
