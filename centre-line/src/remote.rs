//! A card of another city, authenticated by the centre's module: Step 1 here, Step 2 there, the proof here.
//!
//! Source: `settlement::remote`.
//! Owns: the order of the two steps. Never: reads the holder's file (`card_counter::read`).

use card_core::script::TwoChallenges;
use card_counter::error::TerminalError;
use card_counter::letter::Letter;
use card_counter::store::Store;
use card_counter::tap::Tapped;
use card_counter::{remote, terminal};
use settlement::id::{CardChallenge, RequestId, TerminalNumber};
use settlement::message::Version1;
use settlement::remote::{Challenges, ReadingKey, RemoteProofRequest};

use crate::http::Centre;

/// The card is genuine, and its holder's file may be read. Whether a key was needed for that.
///
/// # Errors
/// [`TerminalError::CentreRefused`]: the card is not genuine, or nobody there has its keys; [`TerminalError::CentreUnreachable`]; what
/// the card refuses. `consent`: a key that the card refused before may be tried.
pub fn authenticate(
    tapped: &mut Tapped<'_>,
    (store, centre): (&mut Store, &Centre<'_>),
    terminal: TerminalNumber,
    consent: bool,
) -> Result<bool, TerminalError> {
    let (own, proof) = remote::own_proof(tapped)?;
    let key = remote::holder_key(tapped);
    let asked = key.map(|key| remote::challenges(tapped, &key).map(|challenges| (key, challenges))).transpose()?;
    let request = RemoteProofRequest {
        version: Version1,
        request_id: RequestId(terminal::random()?),
        terminal,
        card_identifier: tapped.identifier,
        card_factor: tapped.card_factor(),
        profile: tapped.profile.name.clone(),
        own: as_sent(own),
        proof: CardChallenge(proof),
        asked: asked.as_ref().map(|(key, two)| ReadingKey { name: key.to_string(), challenges: as_sent(*two) }),
    };
    let letter = Letter::of(&request)?;
    store.write_letter(request.request_id, &letter, None)?;
    let answer = centre.send::<RemoteProofRequest>(&letter)?;
    store.letter_answered(request.request_id, "OK")?;
    let Some((key, challenges)) = asked else { return Ok(false) };
    let result = answer.result.ok_or(TerminalError::CentreAnswer { path: letter.path })?;
    remote::prove(tapped, &key, (result.0, challenges.plain), consent)?;
    Ok(true)
}

const fn as_sent(two: TwoChallenges) -> Challenges {
    Challenges { plain: CardChallenge(two.plain), factor: CardChallenge(two.factor) }
}
