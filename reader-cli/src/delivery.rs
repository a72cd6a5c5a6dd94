//! Fetching what the centre publishes for bills: the drug catalogue, in parts, believed whole.
//!
//! Source: `settlement::catalogue::delivery`.
//! Owns: the order: signatures first, then texts, then all of it is kept at once. Never: prices a bill; keeps half a catalogue.

use settlement::catalogue::Catalogue;
use settlement::catalogue::delivery::{
    CataloguePartRequest, CatalogueRequest, DeliveryFault, SignedCatalogue, no_older,
};
use settlement::id::{RequestId, TerminalNumber};
use settlement::limits::CLOCK_DIFFERENCE_MAX_S;
use settlement::message::{Request as _, Version1};

use crate::http::Centre;
use crate::papers;
use card_counter::clock::Now;
use card_counter::error::{BlacklistError, TerminalError};
use card_counter::store::Store;
use card_counter::terminal;

/// Catalogues that a centre may have ready at a time: the one in effect, and a few that come next.
const CATALOGUES_MAX: usize = 8;

/// Fetches the catalogues of the centre and keeps them; how many texts were fetched. Whatever is wrong: what is held stays.
///
/// # Errors
/// [`TerminalError::Catalogue`], [`TerminalError::Paper`], that the centre does not answer, [`TerminalError::Store`].
pub fn catalogues(
    store: &mut Store,
    centre: &Centre<'_>,
    number: TerminalNumber,
    now: Now,
) -> Result<usize, TerminalError> {
    let key = store.centre_key()?.ok_or(BlacklistError::KeyUnknown)?;
    let request = CatalogueRequest { version: Version1, request_id: RequestId(terminal::random()?), terminal: number };
    let offered = centre.ask(&request)?.catalogues;
    if offered.len() > CATALOGUES_MAX {
        return Err(TerminalError::CentreAnswer { path: CatalogueRequest::PATH });
    }
    let latest = now.later(CLOCK_DIFFERENCE_MAX_S).date_time();
    offered.iter().try_for_each(|one| one.open(&key, now.date_time(), latest))?;
    no_older(&offered, store.catalogues()?.first())?;
    let (mut taken, mut fetched) = (Vec::with_capacity(offered.len()), 0);
    for signed in offered {
        let held = store.catalogue_text(signed.sequence)?.filter(|text| signed.fits(text).is_ok());
        let text = match held {
            Some(text) => text,
            None => {
                fetched += 1;
                whole(centre, number, &signed)?
            }
        };
        taken.push((signed, text));
    }
    store.set_catalogues(&taken)?;
    Ok(fetched)
}

/// The text, part by part: as many bytes as were signed, and no more.
fn whole(centre: &Centre<'_>, number: TerminalNumber, signed: &SignedCatalogue) -> Result<String, TerminalError> {
    let sequence = signed.sequence;
    let mut text = String::new();
    while (text.len() as u64) < signed.bytes {
        let request = CataloguePartRequest {
            version: Version1,
            request_id: RequestId(terminal::random()?),
            terminal: number,
            sequence,
            offset: text.len() as u64,
        };
        let part = centre.ask(&request)?.part;
        if part.is_empty() {
            return Err(DeliveryFault::Altered { sequence }.into());
        }
        text.push_str(&part);
    }
    signed.fits(&text)?;
    // Whatever was signed: what no bill can be priced by does not take the place of what one can.
    let place = format!("catalogue {sequence}");
    Catalogue::parse(&text).map_err(|faults| papers::faulty(place.as_ref(), &faults))?;
    Ok(text)
}
