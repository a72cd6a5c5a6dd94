//! Changed data on cards already made: what changed is written, nothing else, torn at every command and every durable write.

use card_core::command;
use card_core::pin::PinBcd;
use card_core::{Session, StatusWord};
use card_profiles::memory::CardMemory;
use card_sim::Socket;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use issuer_service::card::life;
use issuer_service::card::state::Step;
use issuer_service::card::update::failure::UpdateError;
use issuer_service::card::update::item::{Item, Items};
use issuer_service::card::update::work::{self, Carried, Work};
use issuer_service::card::update::{self, CardUpdate, Origin};
use issuer_service::error::Explain;
use issuer_service::lang::Lang;
use issuer_service::operator::Role;
use issuer_service::output::Show;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::{Field, Fields};
use issuer_service::photo::intake::{self, Order};
use issuer_service::photo::rules::Rules;
use issuer_service::photo::stored::Stored;
use issuer_service::registry;
use issuer_service::registry::worklist::{self, Choice, Take};
use issuer_service::store::{StoreError, Tx};

use crate::drawn::photo;
use crate::rig::{Rig, blank};

/// GBK by hand: the table of the program is not asked.
const NAME: [(&str, &str); 3] = [
    ("样例", "D1F9C0FD"),
    ("扎西多吉", "D4FACEF7B6E0BCAA"),
    (
        "样例·多吉·格桑·次仁·洛桑·丹增·边巴",
        "D1F9C0FDA1A4B6E0BCAAA1A4B8F1C9A3A1A4B4CEC8CAA1A4C2E5C9A3A1A4B5A4D4F6A1A4B1DFB0CD",
    ),
];
const ADDRESS: [(&str, &str); 3] =
    [("", ""), ("新路2号", "D0C2C2B732BAC5"), ("新路2号新路2号", "D0C2C2B732BAC5D0C2C2B732BAC5")];

const INSIDE: Moment = Moment::Inside { write: 0, half: true };

struct Counter {
    rig: Rig,
    socket: Socket,
    number: String,
    memory: CardMemory,
}

impl Counter {
    /// A made card in its holder's hands.
    fn new() -> Self {
        let (mut rig, socket) = (Rig::new(1), blank(1));
        rig.run(vec![vec![socket.clone()]]).expect("made");
        rig.execute("UPDATE card SET state = 'normal'");
        let number = rig.centre.store.read(|tx| tx.cards(None)).expect("cards").remove(0).card_number;
        let clerk = |tx: &Tx<'_>| tx.add_operator("tashi", &[Role::Counter]);
        rig.centre.store.journal(clerk).expect("operator");
        Self { rig, socket, number, memory: CardMemory::default() }
    }

    /// The bureau says something else of the person, and an operator decides for it.
    fn change(&mut self, fields: Fields, edit: impl Fn(&mut issuer_service::person::Details)) {
        let store = &mut self.rig.centre.store;
        store
            .journal(|tx| -> Result<(), StoreError> {
                let mut details = tx.person(1)?.expect("registered").details;
                edit(&mut details);
                let said = Statement {
                    source: 1,
                    at: 2,
                    import: 1,
                    row: 1,
                    details: &details,
                    fields,
                    taken_back: Fields::NONE,
                };
                registry::upsert(tx, &said)?;
                let open = tx.dossier(1)?.expect("registered").conflicts();
                if !open.is_empty() {
                    worklist::merge(tx, 1, Choice { fields: open, take: Take::Source(1) }).expect("decided");
                }
                Ok(())
            })
            .expect("changed");
    }

    fn person(&mut self, n: usize) {
        let fields = Fields::NONE.with(Field::Name).with(Field::Address).with(Field::Phone);
        self.change(fields, |details| {
            details.name = NAME[n].0.to_owned();
            details.name_raw.clone_from(&details.name);
            // An empty field says nothing: an address stays until another one is known.
            details.address = ADDRESS[n.max(1)].0.to_owned();
            details.phone = format!("1390000000{n}");
        });
    }

    fn photo(&mut self, tint: u8) {
        let order = Order { rules: &Rules::default(), chip_bytes: 4_096, actor: "li", lang: Lang::En };
        intake::add(&mut self.rig.centre.store, &order, 1, photo(tint)).expect("taken");
    }

    /// The person's photo, reduced once: the sweep puts it back many times.
    fn stored(&mut self) -> Stored {
        self.rig.centre.store.read(|tx| tx.photo(1)).expect("store").expect("a photo")
    }

    fn put(&mut self, photo: &Stored) {
        let put = |tx: &Tx<'_>| {
            tx.put_photo(1, photo)?;
            update::follow(tx, 1, Items::PHOTO, Origin::Photo)
        };
        self.rig.centre.store.journal(put).expect("put");
    }

    fn run(&mut self, pin: Option<&str>) -> Result<Carried, UpdateError> {
        let mut work = Work {
            vault: &self.rig.vault,
            reader: "desk",
            operator: Some("tashi"),
            pin: pin.map(|digits| PinBcd::parse(digits).expect("digits")),
            memory: &mut self.memory,
        };
        let transport = self.socket.connect().expect("power");
        work::run(&mut self.rig.centre.store, &mut work, Box::new(transport))
    }

    fn updates(&mut self) -> Vec<CardUpdate> {
        self.rig.centre.store.read(|tx| tx.card_updates(false, 100)).expect("updates")
    }

    fn open(&mut self) -> Option<CardUpdate> {
        self.rig.centre.store.read(|tx| tx.open_card_update(1)).expect("updates")
    }

    /// Records of a file that have a tag, from inside the card.
    fn record(&self, file: &str, tag: &str) -> String {
        let files = self.socket.card().inspect().files;
        files[file].iter().find(|record| record.starts_with(tag)).expect("the record").clone()
    }

    /// The card holds the person as [`Counter::person`] left it, and the numbers that it was made with.
    fn assert_person(&self, n: usize, what: &str) {
        let name = format!("{:0<100}", NAME[n].1);
        // Fifteen whole characters of two bytes fill the name; the rest goes into the extension.
        assert_eq!(self.record("SSSE.EF06", "091E"), format!("091E{}", &name[..60]), "{what}");
        assert_eq!(self.record("SSSE.EF06", "4E14"), format!("4E14{}", &name[60..]), "{what}");
        assert_eq!(self.record("DF01.EF05", "2150"), format!("2150{:0<160}", ADDRESS[n.max(1)].1), "{what}");
        let phone = hex::encode_upper(format!("1390000000{n}"));
        assert_eq!(self.record("DF01.EF06", "280F"), format!("280F{phone:0<30}"), "{what}");
        let number = hex::encode_upper("513301199001010001");
        assert_eq!(self.record("SSSE.EF06", "0812"), format!("0812{number}"), "{what}");
        assert_eq!(self.record("SSSE.EF05", "0709"), format!("0709{}", hex::encode_upper(&self.number)), "{what}");
        let inspection = self.socket.card().inspect();
        assert!(inspection.keys.values().all(|key| key.tries_left == 3), "{what}: a try was spent");
    }
}

#[test]
fn a_change_of_the_registry_waits_for_the_card_and_is_written_when_it_comes() {
    let mut counter = Counter::new();
    assert_eq!(counter.run(None).expect("nothing waits").update, None);
    let before = counter.socket.card().inspect().files;
    counter.person(1);
    let open = counter.open().expect("asked for by the change itself");
    assert_eq!(open.items.to_text(), "name,address,phone");
    assert_eq!(counter.socket.card().inspect().files, before, "nothing is written before the card is there");
    let carried = counter.run(None).expect("updated");
    assert_eq!((carried.written, carried.update.expect("one").state.as_str()), (3, "done"));
    counter.assert_person(1, "changed");
    let after = counter.socket.card().inspect().files;
    let touched: Vec<&String> =
        after.iter().filter(|(file, records)| before[*file] != **records).map(|(file, _)| file).collect();
    assert_eq!(touched, ["DF01.EF05", "DF01.EF06", "SSSE.EF06"], "and no other file");
    // A long name uses the extension; a short one after it leaves nothing of it.
    counter.person(2);
    counter.run(None).expect("updated");
    counter.assert_person(2, "long");
    counter.person(1);
    counter.run(None).expect("updated");
    counter.assert_person(1, "short again");
    assert_eq!(counter.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'card.update'"), 3);
    let told = counter.rig.count("SELECT COUNT(*) FROM audit WHERE detail LIKE '%扎西%' OR detail LIKE '%1390000%'");
    assert_eq!(told, 0, "no value of a person in the log");
}

#[test]
fn a_card_pulled_at_any_command_holds_the_person_when_it_comes_again() {
    let mut counter = Counter::new();
    // Every command of one update that writes everything, the photo too.
    counter.photo(59);
    let other = counter.stored();
    counter.photo(1);
    counter.run(None).expect("updated");
    let far = u64::from(u32::MAX);
    counter.person(1);
    counter.photo(30);
    let photos = [counter.stored(), other];
    counter.socket.card().set_faults(FaultPlan::new(vec![Fault::Mute { at: Trigger::command(far) }])).expect("faults");
    let carried = counter.run(None).expect("updated");
    let commands = match counter.socket.card().faults().faults() {
        [Fault::Mute { at }] => far - at.nth,
        other => panic!("{other:?}"),
    };
    assert!(carried.written > 8 && commands > 40, "{} written, {commands} commands", carried.written);
    let step = if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() { 5 } else { 1 };
    let mut begun = 0;
    for (turn, nth) in (1..=commands).step_by(step).enumerate() {
        for (place, moment) in [Moment::Before, INSIDE, Moment::After].into_iter().enumerate() {
            // Each time something else than the time before, so that everything is to be written.
            let turn = 3 * turn + place;
            let (n, stored) = (1 + (turn + 1) % 2, &photos[(turn + 1) % 2]);
            counter.person(n);
            counter.put(stored);
            let what = format!("{moment:?} {nth}");
            let loss = Fault::PowerLoss { at: Trigger::command(nth), moment, back_after_ms: None };
            counter.socket.card().set_faults(FaultPlan::new(vec![loss])).expect("faults");
            if let Err(error) = counter.run(None) {
                assert_eq!(error.code(), "CARD_REMOVED", "{what}: {error}");
                let open = counter.open().expect("it stays open");
                begun += usize::from(open.state == "begun");
                counter.run(None).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            counter.assert_person(n, &what);
            let file = hex::decode(counter.socket.card().inspect().files["SSSE.EF08"].concat()).expect("hex");
            let (photo, rest) = file.split_at(stored.chip.len());
            assert!(photo == &stored.chip[..] && rest.iter().all(|byte| *byte == 0), "{what}: the photo");
            assert_eq!(counter.open(), None, "{what}");
        }
    }
    assert!(begun > 20, "only {begun} losses behind the first write");
}

#[test]
fn without_a_durable_intent_nothing_is_written_and_without_a_durable_outcome_nothing_is_called_done() {
    let mut counter = Counter::new();
    counter.person(1);
    let before = counter.socket.card().inspect().files;
    counter.rig.refuse("audit", "NEW.act = 'card.update-begin'");
    assert!(matches!(counter.run(None), Err(UpdateError::Store(_))));
    counter.rig.take_again();
    assert_eq!(counter.socket.card().inspect().files, before);
    assert_eq!(counter.open().expect("open").state, "waiting");
    counter.rig.refuse("audit", "NEW.act = 'card.update'");
    assert!(matches!(counter.run(None), Err(UpdateError::Store(_))));
    counter.rig.take_again();
    assert_eq!(counter.open().expect("open").state, "begun");
    counter.assert_person(1, "written, not recorded");
    let carried = counter.run(None).expect("recorded");
    assert_eq!((carried.written, carried.update.expect("one").state.as_str()), (0, "done"));
}

#[test]
fn a_newer_change_takes_the_place_of_an_older_one_with_its_items() {
    let mut counter = Counter::new();
    counter.change(Fields::NONE.with(Field::Phone), |details| details.phone = "13900000001".to_owned());
    counter.change(Fields::NONE.with(Field::Address), |details| details.address = ADDRESS[1].0.to_owned());
    let updates = counter.updates();
    assert_eq!((updates[1].state.as_str(), updates[0].state.as_str()), ("superseded", "waiting"));
    assert_eq!(updates[0].items.to_text(), "address,phone");
    // The card is pulled behind the first write; a change comes before it is back.
    counter.rig.refuse("audit", "NEW.act = 'card.update'");
    assert!(counter.run(None).is_err());
    counter.rig.take_again();
    counter.person(1);
    let updates = counter.updates();
    assert_eq!((updates[1].state.as_str(), updates[0].state.as_str()), ("superseded", "waiting"));
    counter.run(None).expect("updated");
    counter.assert_person(1, "the newest");
    // What is said again, or of what no card holds, asks for nothing.
    let count = counter.updates().len();
    counter.person(1);
    counter.photo(1);
    counter.run(None).expect("updated");
    assert_eq!(counter.updates().len(), count + 1, "the photo alone");
}

#[test]
fn a_file_that_is_read_with_the_pin_waits_for_the_holder() {
    let mut counter = Counter::new();
    let mut session = Session::new(Box::new(counter.socket.connect().expect("power")));
    let name = hex::decode("7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
    assert!(session.send(&command::select_by_name(&name)).expect("answers").sw.is_ok());
    let changed = session.send(&command::change_pin(&[0x12, 0x34, 0x56], &[0x97, 0x53, 0x10])).expect("answers");
    assert!(changed.sw.is_ok());
    drop(session);
    counter.change(Fields::NONE.with(Field::Region), |details| details.region = "513322".to_owned());
    let before = counter.socket.card().inspect().files;
    assert_eq!(counter.run(None).expect_err("no PIN").code(), "PIN_NEEDED");
    assert_eq!(counter.run(Some("111111")).expect_err("wrong").code(), "PIN_REFUSED");
    assert_eq!(counter.run(Some("111111")).expect_err("wrong").code(), "PIN_REFUSED");
    assert_eq!(counter.run(Some("111111")).expect_err("withheld").code(), "LAST_TRY", "the last try is the holder's");
    assert_eq!(counter.socket.card().inspect().pin.expect("a PIN").tries_left, 1);
    assert_eq!(counter.socket.card().inspect().files, before);
    counter.memory = CardMemory::default();
    counter.run(Some("975310")).expect("updated");
    assert_eq!(counter.record("DF04.EF05", "8403"), "8403513322");
    assert_eq!(counter.record("DF01.EF05", "0E03"), "0E03513322");
    assert_eq!(counter.socket.card().inspect().pin.expect("a PIN").tries_left, 3);
    // One that nobody has fetched has the PIN that it was made with.
    let mut sealed = Counter::new();
    sealed.rig.execute("UPDATE card SET state = 'sealed'");
    sealed.change(Fields::NONE.with(Field::Region), |details| details.region = "513322".to_owned());
    sealed.run(None).expect("updated");
    assert_eq!(sealed.record("DF04.EF05", "8403"), "8403513322");
}

#[test]
fn only_the_recorded_card_in_a_state_that_works_is_written() {
    let mut counter = Counter::new();
    counter.person(1);
    let before = counter.socket.card().inspect().files;
    for state in ["temporary_loss", "formal_loss"] {
        counter.rig.execute(&format!("UPDATE card SET state = '{state}'"));
        assert_eq!(counter.run(None).expect_err(state).code(), "CARD_UPDATE_CARD_STATE");
    }
    counter.rig.execute("UPDATE card SET state = 'normal'");
    counter.rig.execute("UPDATE card SET card_identifier = '513300D1560000050000000100000000'");
    assert_eq!(counter.run(None).expect_err("another identifier").code(), "CARD_DIFFERS");
    let ours = std::mem::replace(&mut counter.socket, blank(7));
    assert_eq!(counter.run(None).expect_err("a stranger").code(), "CARD_UNKNOWN");
    // A blank with the chip of our card: it has none of our keys, and learns nothing.
    counter.socket = blank(1);
    assert_eq!(counter.run(None).expect_err("a blank").code(), "CARD_DIFFERS");
    assert!(counter.socket.card().inspect().files["SSSE.EF06"].iter().all(|record| !record.contains(NAME[1].1)));
    assert_eq!(ours.card().inspect().files, before);
}

#[test]
fn an_operator_asks_for_one_gives_it_up_and_is_told_what_a_card_does_not_take() {
    let mut counter = Counter::new();
    let number = counter.number.clone();
    let store = &mut counter.rig.centre.store;
    let phone = Items::NONE.with(Item::parse("phone").expect("an item"));
    let code = |error: UpdateError| error.code();
    let ask =
        |store: &mut _, operator, reason| update::request(store, &number, phone, reason, Some(operator)).map_err(code);
    assert_eq!(ask(store, "sun", "seen").err(), Some("OPERATOR_ROLE_MISSING"));
    assert_eq!(ask(store, "tashi", " ").err(), Some("REASON_MISSING"));
    let asked = ask(store, "tashi", "phone on the card was wrong").expect("asked");
    assert_eq!((asked.items, asked.asked_by.as_deref()), (phone, Some("tashi")));
    // Everything is right already: nothing is written, and that is recorded.
    let carried = counter.run(None).expect("compared");
    assert_eq!((carried.written, carried.update.expect("one").state.as_str()), (0, "done"));
    let store = &mut counter.rig.centre.store;
    let asked = ask(store, "tashi", "again").expect("asked");
    update::withdraw(store, asked.number, "not needed", Some("tashi")).expect("withdrawn");
    let again = update::withdraw(store, asked.number, "not needed", Some("tashi"));
    assert_eq!(again.map_err(code).err(), Some("CARD_UPDATE_STATE"));
    assert_eq!(update::withdraw(store, 99, "x", Some("tashi")).map_err(code).err(), Some("CARD_UPDATE_UNKNOWN"));
    // A card of a type without the file for it.
    counter.rig.execute("UPDATE card SET profile = 'pboc-purse'");
    let store = &mut counter.rig.centre.store;
    assert_eq!(ask(store, "tashi", "moved").err(), Some("CARD_ITEM_FIXED"));
    counter.rig.execute("UPDATE card SET state = 'cancelled'");
    let store = &mut counter.rig.centre.store;
    assert_eq!(ask(store, "tashi", "moved").err(), Some("CARD_UPDATE_CARD_STATE"));
}

#[test]
fn an_update_ends_with_its_card_and_a_card_that_takes_nothing_is_told_to_need_a_new_one() {
    let mut counter = Counter::new();
    counter.person(1);
    let rules = counter.rig.centre.config.life.clone();
    let order = life::Order { step: Step::Cancel, reason: "damaged", operator: Some("tashi") };
    life::carry_out(&mut counter.rig.centre.store, &rules, &counter.number, &order).expect("cancelled");
    let ended = counter.updates();
    assert_eq!(ended[0].state, "ended");
    counter.person(2);
    assert_eq!(counter.updates(), ended, "a cancelled card is not asked for");
    counter.rig.execute("UPDATE card SET state = 'normal', profile = 'of another program'");
    counter.change(Fields::NONE.with(Field::Phone), |details| details.phone = "13900000009".to_owned());
    let updates = counter.updates();
    assert_eq!((updates.len(), updates[0].state.as_str()), (ended.len() + 1, "fixed"));
    counter.change(Fields::NONE.with(Field::Name), |details| {
        details.name = NAME[0].0.to_owned();
        details.name_raw.clone_from(&details.name);
    });
    assert!(counter.updates()[0].text(Lang::En).contains("issuer request new --kind data-change"));
    assert_eq!(counter.open(), None);
}

#[test]
fn a_refused_key_is_not_tried_again_unasked() {
    let mut counter = Counter::new();
    counter.person(1);
    // The records say another version of the keys than the card has.
    let chip = counter.socket.card().inspect();
    assert!(chip.keys.values().all(|key| key.tries_left == 3));
    let mut memory = CardMemory::default();
    let factor = Session::new(Box::new(counter.socket.connect().expect("power"))).card().expect("a factor");
    let key = card_core::tries::Secret::Key(card_core::security::KeyName::new("UKSSSE"));
    memory.tries.note(factor, &key, StatusWord(0x63C2));
    counter.memory = memory;
    assert_eq!(counter.run(None).expect_err("withheld").code(), "LAST_TRY");
    let open = counter.open().expect("open");
    assert_eq!(open.stopped_by, "LAST_TRY");
    counter.memory = CardMemory::default();
    counter.run(None).expect("updated");
    counter.assert_person(1, "after consent");
}
