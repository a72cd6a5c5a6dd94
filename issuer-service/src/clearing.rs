//! The centre's money side: terminals, allotments, online loads, uploads, the ledger, the day's close and its proof.
//!
//! Source: PBOC ED/EP transaction flows; double-entry bookkeeping; clearing practice of municipal centres.
//! Owns: every rule about money at the centre. Never: card commands, key bytes, SQL, HTTP.
//! Units: fen.

pub mod allotment;
pub mod blacklist;
pub mod card;
pub mod catalogue;
pub mod closing;
pub mod closure;
pub mod decision;
pub mod institution;
pub mod judgement;
pub mod latest;
pub mod ledger;
pub mod ledger_side;
pub mod load;
pub mod load_decision;
mod neighbours;
pub mod not_posted;
mod number;
pub mod receipt;
pub mod reconciliation;
pub mod refund;
pub mod refusal;
pub mod rejection;
pub mod sale;
pub mod statement;
pub mod succession;
pub mod take_back;
pub mod upload;
pub mod window;
pub mod withheld;
mod wording;
