//! Photos on their way to the card and to the printer.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use issuer_service::centre::Centre;
use issuer_service::lang::Lang;
use issuer_service::photo::intake::{self, Order};
use issuer_service::photo::rules::Rules;
use issuer_service::station::content::photo_bytes;
use issuer_service::station::hook::Hook;

use crate::drawn::photo;
use crate::rig::{Rig, blank};

pub(crate) fn take(rig: &mut Rig, person: i64, chip_bytes: usize) {
    let order = Order { rules: &Rules::default(), chip_bytes, actor: "li", lang: Lang::En };
    let tint = u8::try_from(person).expect("few people");
    let report = intake::add(&mut rig.centre.store, &order, person, photo(tint)).expect("taken");
    assert_eq!((report.created, report.refused), (1, 0));
}

#[test]
fn every_card_holds_the_photo_of_its_own_person_and_none_of_those_who_have_none() {
    let mut rig = Rig::new(3);
    let capacity = photo_bytes(&Centre::card_profile());
    assert_eq!(capacity, 4_096);
    take(&mut rig, 1, capacity);
    // Reduced for a card with a larger file, or none: made anew for this one.
    take(&mut rig, 3, 1 << 16);
    let folder = tempfile::tempdir().expect("folder");
    let printed = folder.path().join("printed");
    let template = format!("cat >> {p}; echo >> {p}", p = printed.display());
    rig.printer = Some(Hook { template, limit: Duration::from_secs(60), folder: None });
    let cards: Vec<_> = (1..=3).map(blank).collect();
    let summary = rig.run(vec![cards.clone()]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.unprinted), (3, 0, 0));
    rig.assert_complete(3, 0);
    let made = rig.centre.store.read(|tx| tx.cards(None)).expect("cards");
    let printed = std::fs::read_to_string(printed).expect("printed");
    for card in &made {
        let socket = cards.iter().find(|socket| {
            let record = &socket.card().inspect().files["SSSE.EF05"][6];
            record.ends_with(&hex::encode_upper(&card.card_number))
        });
        let file = socket.expect("its card").card().inspect().files["SSSE.EF08"].concat();
        let file = hex::decode(file).expect("hex");
        let stored = rig.centre.store.read(|tx| tx.photo(card.person)).expect("store");
        let face: serde_json::Value = printed
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a face"))
            .find(|face| face["card_number"] == card.card_number.as_str())
            .expect("printed");
        match card.person {
            2 => {
                assert!(stored.is_none() && face.get("photo").is_none());
                assert!(file.iter().all(|byte| *byte == 0), "nothing is written where there is no photo");
            }
            person => {
                let expected = stored.expect("a photo").for_chip(capacity).expect("fits");
                assert!(expected.len() > 1_024 && file.starts_with(&expected[..]), "person {person}");
                assert!(file[expected.len()..].iter().all(|byte| *byte == 0));
                let original = photo(u8::try_from(person).expect("few"));
                assert_eq!(face["photo"], STANDARD.encode(original));
            }
        }
    }
}

#[test]
fn a_printer_that_does_not_read_a_long_photo_is_ended_in_time() {
    let hook = Hook { template: "sleep 600".to_owned(), limit: Duration::from_millis(300), folder: None };
    let end = hook.run("r", &[], &vec![b'x'; 1 << 20]);
    assert_eq!(end, issuer_service::station::hook::HookEnd::TimedOut);
}

#[test]
fn a_face_is_written_for_who_prints_on_record_and_its_file_tells_nobody_whose_it_is() {
    use card_face::Side;
    use issuer_service::error::Explain;
    use issuer_service::face::{self, Order};

    let mut rig = Rig::new(2);
    take(&mut rig, 1, photo_bytes(&Centre::card_profile()));
    rig.run(vec![(1..=2).map(blank).collect()]).expect("run");
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    let store = &mut rig.centre.store;
    let cards = store.read(|tx| tx.cards(None)).expect("cards");
    let of = |person: i64| cards.iter().find(|card| card.person == person).expect("made");
    let (with, without) = (&of(1).card_number, &of(2).card_number);
    let print = |store: &mut _, number: &str, name: &str, operator| {
        let order = Order {
            card_number: number,
            side: Side::Back,
            dpi: 300,
            bleed: false,
            out: &path(name),
            operator: Some(operator),
        };
        face::print(store, folder.path(), &order)
    };
    let printed = print(store, with, "one.png", "sun").expect("printed");
    let bytes = std::fs::read(path("one.png")).expect("written");
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() == printed.bytes);
    assert!(std::fs::read(path("pdf")).is_err() && print(store, with, "one.pdf", "sun").is_ok());
    let records = |store: &mut issuer_service::store::Store| {
        let mut details = Vec::new();
        let take = |record: &issuer_service::audit::Record| {
            if record.act == "face.print" {
                details.push(record.detail.clone());
            }
            true
        };
        store.read(|tx| tx.audit_records(take)).expect("records");
        details
    };
    assert_eq!(records(store).len(), 2);
    assert!(records(store)[0].starts_with("back png, template "), "{:?}", records(store));
    // Refused: nothing on record, nothing written.
    let code = |store: &mut _, number: &str, name: &str, operator| {
        let refused = print(store, number, name, operator).expect_err("refused");
        assert!(name == "one.png" || !path(name).exists(), "{name}");
        refused.code()
    };
    assert_eq!(code(store, without, "two.png", "sun"), "FACE_VALUE_MISSING");
    assert_eq!(code(store, with, &format!("{with}.png"), "sun"), "FACE_FILE_TELLS");
    assert_eq!(code(store, with, "one.jpg", "sun"), "FACE_FORM_UNKNOWN");
    assert_eq!(code(store, with, "three.png", "li"), "OPERATOR_ROLE_MISSING");
    assert_eq!(code(store, "A00000000", "three.png", "sun"), "CARD_NOT_FOUND");
    assert_eq!(records(store).len(), 2);
    assert_eq!(code(store, with, "one.png", "sun"), "FACE_NOT_WRITTEN");
    // A site's own template; one that names a file is refused before anything is drawn.
    std::fs::create_dir_all(path("templates/face")).expect("folder");
    let own = Side::Back.built_in().replace("<image data-field", "<image href=\"/etc/hostname\" data-field");
    std::fs::write(path("templates/face/back.svg"), own).expect("written");
    assert_eq!(code(store, with, "three.png", "sun"), "FACE_OUTSIDE");
    let known = face::list(folder.path()).expect("two");
    assert!(known.templates[0].good && !known.templates[1].good && known.templates[1].file.is_some());
    let optional = Side::Back.built_in().replace("data-field=\"photo\"", "data-field=\"photo\" data-optional=\"true\"");
    std::fs::write(path("templates/face/back.svg"), optional).expect("written");
    assert!(print(store, without, "two.png", "sun").is_ok(), "a card may lack its photo where the template says so");
}

#[test]
fn a_changed_photo_or_template_gives_another_face_on_the_screen_and_each_look_is_on_record() {
    use card_face::Side;
    use issuer_service::face;

    let mut rig = Rig::new(1);
    let chip_bytes = photo_bytes(&Centre::card_profile());
    take(&mut rig, 1, chip_bytes);
    rig.run(vec![vec![blank(1)]]).expect("run");
    let folder = tempfile::tempdir().expect("folder");
    let number = rig.centre.store.read(|tx| tx.job_card_number(1)).expect("a job");
    let seen = |rig: &mut Rig| {
        let image = face::show(&mut rig.centre.store, folder.path(), &number, Side::Back, Some("sun")).expect("drawn");
        assert!(image.starts_with(b"\x89PNG"));
        image.to_vec()
    };
    let first = seen(&mut rig);
    assert_eq!(seen(&mut rig), first);
    let order = Order { rules: &Rules::default(), chip_bytes, actor: "li", lang: Lang::En };
    assert_eq!(intake::add(&mut rig.centre.store, &order, 1, photo(9)).expect("taken").refused, 0);
    let other_photo = seen(&mut rig);
    assert_ne!(other_photo, first);
    let templates = folder.path().join("templates/face");
    std::fs::create_dir_all(&templates).expect("folder");
    let own = Side::Back.built_in().replace("#c4dbe6", "#e6c4db");
    std::fs::write(templates.join("back.svg"), own).expect("written");
    assert_ne!(seen(&mut rig), other_photo);
    assert_eq!(rig.count("SELECT COUNT(*) FROM audit WHERE act = 'face.show'"), 4);
}
