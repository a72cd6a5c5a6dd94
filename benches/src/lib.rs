//! The measurements of `make bench`: ours against the bare cost of the same work, as ratios of one run.

pub mod measure;
pub mod output;
pub mod tac;
