//! The software card from outside: commands in, answers out.

mod access;
mod access_matrix;
mod account;
mod block_protocol;
mod blocking;
mod certificate;
mod environments;
mod faults;
mod images;
mod keys_and_pin;
mod killed;
mod limits;
mod master_file;
mod protocol;
mod psam;
mod purse;
mod purse_authentication;
mod purse_sm4;
mod rig;
mod sm4;
mod sweep;
mod tear;
mod tear_certificate;
mod tear_commands;
mod tear_coverage;
mod tear_purse;
