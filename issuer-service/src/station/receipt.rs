//! The receipt of a made card: what was done, signed with the centre's key.
//!
//! Source: Ed25519 (RFC 8032) over the UTF-8 bytes of the body.
//! Owns: what a receipt says, its signature, its file. Never: says who the card is for other than by row number.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::book::By;
use crate::card::Card;
use crate::clock;
use crate::output::json_line;
use crate::vault::Vault;

#[derive(Serialize)]
struct Receipt<'a> {
    format: u32,
    batch: i64,
    #[serde(flatten)]
    card: &'a Card,
    key_version: u8,
    steps: usize,
    /// SHA-256 of what was read back (`read_back`).
    read_back: &'a str,
    operator: &'a str,
    /// The station, when it is not the centre's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<&'a str>,
    reader: &'a str,
    made_at: String,
}

#[derive(Serialize)]
struct Signed<'a> {
    body: &'a str,
    signature: &'a str,
}

/// What was done to the card.
pub(super) struct Done<'a> {
    /// Batch.
    pub(super) batch: i64,
    /// Version of its keys.
    pub(super) key_version: u8,
    /// Steps carried out and verified.
    pub(super) steps: usize,
    /// Digest of what was read back.
    pub(super) read_back: &'a str,
}

/// Body and signature of a receipt.
#[must_use]
pub(super) fn make(vault: &Vault, done: &Done<'_>, card: &Card, by: &By<'_>) -> (String, String) {
    let Done { batch, key_version, steps, read_back } = *done;
    let By { operator, reader, station, .. } = *by;
    let made_at = clock::now();
    let body = json_line(&Receipt {
        format: 1,
        batch,
        card,
        key_version,
        steps,
        read_back,
        operator,
        station,
        reader,
        made_at,
    });
    let signature = hex::encode_upper(vault.sign(body.as_bytes()));
    (body, signature)
}

/// Writes `receipt-JOB.json`, whole or not at all.
pub(super) fn write(folder: &Path, job: i64, body: &str, signature: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let (path, draft) = (folder.join(format!("receipt-{job}.json")), folder.join(format!(".receipt-{job}.json")));
    let mut file = File::create(&draft)?;
    writeln!(file, "{}", json_line(&Signed { body, signature }))?;
    file.sync_all()?;
    fs::rename(draft, path)
}
