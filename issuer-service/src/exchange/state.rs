//! States of a file sent to a partner, and of each row of it.
//!
//! Owns: the tables. Never: moves anything.

use crate::state::states;

states! {
    /// A file to a partner.
    "exchange_file" FileState {
        /// Recorded; perhaps not yet in the folder for the partner.
        Prepared = "prepared" "待发出",
        /// In the folder for the partner.
        Sent = "sent" "已发出",
        /// The partner's answer is taken in.
        Answered = "answered" "已回盘",
        /// No answer is awaited any more.
        Abandoned = "abandoned" "已放弃",
    }
    /// Moves of a file.
    FileMove {
        /// When it stands in the folder, whole.
        Send: Prepared => Sent,
        /// With the partner's answer.
        Answer: Sent => Answered,
        /// By the operator who captures.
        Abandon: Sent => Abandoned,
    }
}

states! {
    /// A row of a file to a partner.
    "exchange_row" RowState {
        /// The partner is asked.
        Exported = "exported" "已导出",
        /// The account is open, or the card is made.
        Accepted = "accepted" "成功",
        /// The partner refused or failed; the job is spoilt.
        Refused = "refused" "失败",
        /// The file was abandoned.
        Abandoned = "abandoned" "已放弃",
    }
    /// Moves of a row.
    RowMove {
        /// With the partner's answer.
        Accept: Exported => Accepted,
        /// With the partner's answer.
        Refuse: Exported => Refused,
        /// With the file.
        Abandon: Exported => Abandoned,
    }
}
