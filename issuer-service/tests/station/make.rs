//! Cards that nothing happens to.

use card_core::Session;
use card_core::command::{self, Record};
use issuer_service::person::Details;
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::rig::{Rig, blank, details};

#[test]
fn a_batch_is_made_on_two_readers_and_every_card_holds_its_own_person() {
    let rig = Rig::new(6);
    let cards: Vec<_> = (1..=8).map(blank).collect();
    let summary = rig.run(vec![cards[..4].to_vec(), cards[4..].to_vec()]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (6, 0, 0));
    rig.assert_complete(6, 0);
    assert_eq!(
        rig.count("SELECT COUNT(DISTINCT job) FROM registry_sync WHERE event = 'issue' AND state = 'pending'"),
        6
    );
    let mut numbers = Vec::new();
    for card in &cards {
        let inspection = card.card().inspect();
        let record = inspection.files["SSSE.EF06"][0].clone();
        if inspection.keys["SSSE.UKSSSE"].version.is_none() {
            assert!(record.ends_with(&"00".repeat(18)), "an unused card is untouched");
            continue;
        }
        assert!(inspection.keys.values().all(|key| key.version == Some(1)));
        numbers.push(record);
    }
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 6);
}

#[test]
fn a_made_card_answers_with_what_the_centre_recorded() {
    let mut rig = Rig::new(1);
    let socket = blank(1);
    rig.run(vec![vec![socket.clone()]]).expect("run");
    let card = rig.centre.store.read(|tx| tx.cards(None)).expect("cards").pop().expect("one");
    let mut session = Session::new(Box::new(socket.connect().expect("card")));
    let name = hex::decode("7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
    assert!(session.send(&command::select_by_name(&name)).expect("answer").sw.is_ok());
    let mut read = |tag, length| {
        hex::encode_upper(session.send(&command::read_record(5, Record::Tag(tag), length)).expect("answer").data)
    };
    assert_eq!(read(1, 18), format!("0110{}", card.card_identifier));
    assert!(card.card_identifier.to_string().starts_with("513300D15600000500000001"));
    assert_eq!(read(7, 11), format!("0709{}", hex::encode_upper(&card.card_number)));
    assert_eq!(read(5, 6), format!("0504{}", card.issue_date));
    assert_eq!(read(6, 6), format!("0604{}", card.valid_until));
    let year = |date: &str| date.get(..4).and_then(|year| year.parse::<u32>().ok()).expect("year");
    assert_eq!(year(&card.valid_until), year(&card.issue_date) + 10);
}

#[test]
fn a_card_of_somebody_without_a_citizen_number_holds_the_number_made_from_the_certificate_and_no_birthplace() {
    let mut rig = Rig::new(1);
    rig.run(vec![vec![blank(1)]]).expect("run");
    rig.enrol(&[Details {
        number: "GBR0GA1234567".to_owned(),
        name: "JOHN SMITH".to_owned(),
        name_raw: "JOHN SMITH".to_owned(),
        ethnic_group: String::new(),
        certificate: "08 GA1234567 GBR".to_owned(),
        ..details(1)
    }]);
    let card = blank(2);
    let summary = rig.run(vec![vec![card.clone()]]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (1, 0, 0));
    let records = card.card().inspect().files["SSSE.EF06"].clone();
    let padded = |text: &str, length: usize| format!("{}{}", hex::encode_upper(text), "00".repeat(length - text.len()));
    assert_eq!(records[0], format!("0812{}", padded("GBR0GA1234567", 18)));
    assert_eq!(records[1], format!("091E{}", padded("JOHN SMITH", 30)));
    // Ethnic group and birthplace are blank.
    assert_eq!((records[4].as_str(), records[5].as_str()), ("0B01FF", "0C03FFFFFF"));
}

#[test]
fn a_receipt_is_signed_by_the_centre_and_names_nobody() {
    let mut rig = Rig::new(1);
    rig.run(vec![vec![blank(1)]]).expect("run");
    let (body, signature) = rig.centre.store.read(|tx| tx.receipt(1)).expect("store").expect("receipt");
    let key = UnparsedPublicKey::new(&ED25519, rig.vault.public_key());
    key.verify(body.as_bytes(), &hex::decode(signature).expect("hex")).expect("the centre's signature");
    assert!(
        body.contains("\"card_number\":\"A00000011\"") && !body.contains("样例") && !body.contains("51330119900101")
    );
}
