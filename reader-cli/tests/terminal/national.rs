//! The card in a reader pays at the national centre: what it says of itself goes into 1101, the centre finds its holder.
//!
//! Never: another command of `national` (tests/national).

use national_rehearsal::{Centre, FaultPlan, Running};
use settlement::fen::Fen;
use settlement::national::Unit;

use crate::shop::{PSAM, Shop};

/// As the invented card of `cards::holder` has them.
const CARD_NUMBER: &str = "A12345674";
const CITIZEN: &str = "111111198101011110";
const PERSON: &str = "51339900000000000000000009";

/// A national centre that knows one person, by this card and this name.
fn centre(shop: &Shop, name: &str) -> Running {
    let folder = shop.path("national");
    std::fs::create_dir_all(&folder).expect("made");
    let person = format!(
        "[[person]]\npsn_no = \"{PERSON}\"\ncertno = \"{CITIZEN}\"\nname = \"{name}\"\ncard_number = \"{CARD_NUMBER}\"\n\
         card_sn = \"{}\"\ne_credential = \"E\"\nsex = \"1\"\nbirth = \"1981-01-01\"\n\
         [[person.insured]]\ninsutype = \"310\"\npsn_type = \"11\"\nregion = \"513399\"\nbalance = \"100.00\"\n",
        shop.identifier()
    );
    std::fs::write(folder.join("persons.toml"), person).expect("written");
    std::fs::copy(shop.path("drugs.csv"), folder.join("drugs.csv")).expect("copied");
    let centre = Centre::of_folder(&folder, Unit::Characters).expect("readable");
    let address = "127.0.0.1:0".parse().expect("an address");
    let running = Running::start(address, centre, FaultPlan::default(), |_| {}).expect("listens");
    let text = format!(
        "[national]\naddress = \"{}/fsi/api\"\ninstitution = \"P51399000001\"\ninstitution-name = \"桥头药房\"\n\
         region = \"513399\"\nreceiver = \"TERM\"\nclerk = \"007\"\nmac = \"M\"\nip = \"I\"\n",
        running.address()
    );
    std::fs::create_dir_all(shop.path("data")).expect("made");
    std::fs::write(shop.path("data").join("sscard.toml"), text).expect("written");
    running
}

#[test]
fn a_card_in_the_reader_finds_its_holder_and_pays() {
    let shop = Shop::open();
    let centre = centre(&shop, "张三");
    let bill = shop.bill("B-1", &[("X1", 1, "12.50")]);
    let ok = |arguments: &[&str]| {
        let ran = shop.run(&[&["national"], arguments].concat());
        assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.json()
    };
    ok(&["sign-in"]);
    assert_eq!(ok(&["person", "--card"])["insured"][0]["balance_fen"], 10_000);
    assert_eq!(ok(&["settle", &bill, "--card"])["account_fen"], 1_250);
    assert_eq!(centre.centre().balance(PERSON, "310").expect("there"), Fen::new(8_750));
    assert_eq!(ok(&["day-end"])["even"], true);
    // Without a PSAM the card's number and identifier are enough.
    shop.farm.eject(PSAM).expect("a slot");
    assert_eq!(ok(&["person", "--card"])["insured"][0]["balance_fen"], 8_750);
    shop.farm.eject(0).expect("a slot");
    assert_eq!(shop.run(&["national", "person", "--card"]).code(), "NO_CARD");
}
