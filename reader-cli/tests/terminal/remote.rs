//! A card of another city is authenticated by the centre's module; nothing here has its keys.

use serde_json::json;
use settlement::id::PublicKey;
use settlement::message::Request as _;
use settlement::remote::RemoteProofRequest;

use crate::shop::{PSAM, Shop};

/// A city of another province.
const ELSEWHERE: &str = "430200";

#[test]
fn a_card_of_another_city_is_authenticated_by_the_centre_and_its_holder_is_read() {
    let shop = Shop::of_profiles("ssc-3.0", "psam", ELSEWHERE);
    let enrolled = shop.run(&["terminal", "enroll"]).json();
    let key = PublicKey::parse(enrolled["public_key"].as_str().expect("a key")).expect("hex");
    shop.centre.books().key = Some(key);
    assert_eq!(shop.run(&["sign-in"]).status, 0);
    // No PSAM is needed, and none of this city would do.
    shop.farm.eject(PSAM).expect("a slot");
    let ran = shop.run(&["card", "authenticate"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let said = ran.json();
    assert_eq!((&said["genuine"], &said["key_proved"]), (&json!(true), &json!(true)), "{said}");
    assert_eq!((&said["city"], &said["route"], &said["name"]), (&json!(ELSEWHERE), &json!("ministry"), &json!("张*")));
    assert_eq!(shop.centre.books().requests.last(), Some(&RemoteProofRequest::PATH));
    // Keys of another world: to them the card is not genuine, and no try of it is spent.
    shop.centre.books().world = 2;
    let wrong = shop.run(&["card", "authenticate"]);
    assert_eq!((wrong.status, wrong.code().as_str()), (3, "CENTRE_REFUSED"));
    assert!(wrong.stderr.contains("CARD_NOT_GENUINE") || wrong.stderr.contains("genuine"), "{}", wrong.stderr);
    shop.centre.books().world = 1;
    assert_eq!(shop.run(&["card", "authenticate"]).status, 0, "the card is asked as before");
}
