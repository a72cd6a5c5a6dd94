//! Drug catalogues for terminals (药品目录下发): one person takes a file in, another publishes it from a day on, terminals fetch it signed.
//!
//! A sequence is given out at publishing and only grows; of a day counts the highest that has begun. What was published is final: a mistake
//! is mended by another version.
//!
//! Source: `settlement::catalogue::delivery`, docs/adr/0069. How long a terminal may sell by a catalogue without asking again is assumed.
//! Owns: those rules, what is in effect and what comes next. Never: reads a row of a catalogue (`settlement::catalogue`), knows HTTP.

use serde::Serialize;
use settlement::catalogue::Catalogue;
use settlement::catalogue::delivery::{Published, SignedCatalogue};
use settlement::code::ErrorCode;
use settlement::date::BusinessDate;
use settlement::id::{CatalogueVersion, Digest};
use settlement::limits::CATALOGUE_PART_BYTES;

use super::refusal::ClearingError;
use crate::audit::Act;
use crate::clock;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;
use crate::vault::Signer;

/// Seconds for which a terminal may sell by a catalogue that it does not ask for again: 31 days (assumed).
const VALID_S: u32 = 31 * 24 * 3600;

/// A catalogue as it is listed, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Version.
    pub version: CatalogueVersion,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// Codes in it.
    pub codes: u64,
    /// Bytes of its text.
    pub bytes: u64,
    /// Who took it in.
    pub imported_by: String,
    /// UTC instant.
    pub imported_at: String,
    /// Since when terminals get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<Publication>,
}

/// How a catalogue was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Publication {
    /// Sequence.
    pub sequence: u64,
    /// First day.
    pub valid_from: BusinessDate,
    /// Who.
    pub by: String,
    /// UTC instant.
    pub at: String,
}

/// All catalogues.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogueList {
    /// Those that are not published first, then by sequence.
    pub catalogues: Vec<Listed>,
    /// Sequence of the one in effect today.
    pub in_effect: Option<u64>,
}

/// Takes a catalogue in.
///
/// # Errors
/// [`ClearingError::CatalogueMalformed`] with its first fault, [`ClearingError::CatalogueExists`].
pub fn import(tx: &Tx<'_>, text: &str, operator: &str) -> Result<(Listed, Act), ClearingError> {
    let catalogue =
        Catalogue::parse(text).map_err(|faults| ClearingError::CatalogueMalformed { faults: faults.into() })?;
    let version = catalogue.version().clone();
    if tx.catalogue(&version)?.is_some() {
        return Err(ClearingError::CatalogueExists { version });
    }
    // Written anew: the text says its version, whatever the file said.
    tx.add_catalogue(&version, catalogue.len() as u64, &catalogue.to_csv(), operator)?;
    let act = told(operator, "catalogue.import", &version, format!("{} codes", catalogue.len()));
    Ok((found(tx, &version)?, act))
}

/// Publishes a catalogue from a day on.
///
/// # Errors
/// [`ClearingError::CatalogueUnknown`], [`ClearingError::CataloguePublished`], [`ClearingError::SameOperator`].
pub fn publish(
    tx: &Tx<'_>,
    version: &CatalogueVersion,
    valid_from: BusinessDate,
    operator: &str,
) -> Result<(Listed, Act), ClearingError> {
    let known = found(tx, version)?;
    if let Some(published) = known.published {
        return Err(ClearingError::CataloguePublished { version: version.clone(), sequence: published.sequence });
    }
    if known.imported_by == operator {
        return Err(ClearingError::SameOperator { operator: operator.to_owned() });
    }
    let sequence = tx.publish_catalogue(version, valid_from, operator)?;
    let act = told(operator, "catalogue.publish", version, format!("sequence {sequence} from {valid_from}"));
    Ok((found(tx, version)?, act))
}

/// All of them, and which is in effect today.
///
/// # Errors
/// [`ClearingError::Store`].
pub fn list(tx: &Tx<'_>) -> Result<CatalogueList, ClearingError> {
    let catalogues = tx.catalogues()?;
    let publications = catalogues.iter().filter_map(|one| one.published.as_ref());
    let in_effect = publications.filter(|one| one.has_begun()).map(|one| one.sequence).max();
    Ok(CatalogueList { catalogues, in_effect })
}

impl Publication {
    fn has_begun(&self) -> bool {
        self.valid_from <= clock::china_now().date()
    }
}

/// What terminals get: the one in effect today, and those published after it that begin later.
fn on_offer(tx: &Tx<'_>) -> Result<Vec<Listed>, ClearingError> {
    let mut offered: Vec<Listed> = tx.catalogues()?.into_iter().filter(|one| one.published.is_some()).collect();
    let begun = |one: &Listed| one.published.as_ref().is_some_and(Publication::has_begun);
    if let Some(first) = offered.iter().rposition(begun) {
        offered.drain(..first);
    }
    Ok(offered)
}

/// What terminals get, signed anew.
///
/// # Errors
/// [`ClearingError::Store`].
pub fn sign(tx: &Tx<'_>, signer: &Signer) -> Result<Vec<SignedCatalogue>, ClearingError> {
    let period = (clock::china_now(), clock::china_in(VALID_S));
    let mut signed = Vec::new();
    for Listed { version, digest, bytes, published, .. } in on_offer(tx)? {
        let Some(Publication { sequence, valid_from, .. }) = published else { continue };
        let published = Published { sequence, name: version, valid_from, bytes, digest };
        signed.push(SignedCatalogue::sign(published, period, signer.public_key(), |bytes| signer.sign(bytes)));
    }
    Ok(signed)
}

/// The newest that terminals get; 0 for none.
///
/// # Errors
/// [`ClearingError::Store`].
pub fn newest(tx: &Tx<'_>) -> Result<u64, ClearingError> {
    let sequences = on_offer(tx)?.into_iter().filter_map(|one| one.published).map(|one| one.sequence);
    Ok(sequences.max().unwrap_or(0))
}

/// A part of a published text from a byte on; empty at its end and beyond.
///
/// # Errors
/// CATALOGUE_UNKNOWN: no such sequence, or a byte inside a character.
pub fn part(tx: &Tx<'_>, sequence: u64, offset: u64) -> Result<String, ClearingError> {
    let unknown = || ClearingError::Refused(ErrorCode::CatalogueUnknown);
    let text = tx.catalogue_text(sequence)?.ok_or_else(unknown)?;
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    let rest = text.get(from..).ok_or_else(unknown)?;
    let most = rest.len().min(CATALOGUE_PART_BYTES);
    let end = (0..=most).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or_default();
    Ok(rest.get(..end).unwrap_or_default().to_owned())
}

fn found(tx: &Tx<'_>, version: &CatalogueVersion) -> Result<Listed, ClearingError> {
    tx.catalogue(version)?.ok_or_else(|| ClearingError::CatalogueUnknown { version: version.clone() })
}

fn told(actor: &str, act: &'static str, version: &CatalogueVersion, detail: String) -> Act {
    Act { actor: actor.to_owned(), act, object: format!("catalogue {version}"), detail }
}

impl Show for Listed {
    fn text(&self, lang: Lang) -> String {
        let Self { version, codes, imported_by, .. } = self;
        let head = lang.pick(
            format!("{version}  {codes} 个编码  导入 {imported_by}"),
            format!("{version}  {codes} codes  taken in by {imported_by}"),
        );
        let rest = match &self.published {
            Some(Publication { sequence, valid_from, by, .. }) => lang.pick(
                format!("目录号 {sequence}  {valid_from} 生效  发布 {by}"),
                format!("number {sequence}  from {valid_from}  published by {by}"),
            ),
            None => lang.pick(
                format!("未发布 → issuer catalogue publish {version} --from YYYY-MM-DD"),
                format!("not published → issuer catalogue publish {version} --from YYYY-MM-DD"),
            ),
        };
        format!("{head}  {rest}")
    }
}

impl Show for CatalogueList {
    fn text(&self, lang: Lang) -> String {
        if self.catalogues.is_empty() {
            return lang.pick("没有药品目录", "there is no drug catalogue").to_owned();
        }
        let line = |one: &Listed| {
            let is_it = one.published.as_ref().is_some_and(|published| Some(published.sequence) == self.in_effect);
            format!("{}{}", one.text(lang), if is_it { lang.pick("  现用", "  in effect") } else { "" })
        };
        self.catalogues.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
