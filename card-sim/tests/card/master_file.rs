//! The MF of a social security card, as the rows of its profile have it.

use card_core::key::Key16;
use card_sim::Card;

use super::rig::{Rig, SERIAL, TRANSPORT, blank, in_socket, keyed};

const FCI: &str = "6F10840E315041592E5359532E44444630319000";
const SSSE: &str = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF";

/// A factory's card of `ssc-2.0` whose text is changed.
fn card_with(change: impl Fn(&str) -> String) -> Rig {
    let text = card_profiles::flatten(card_profiles::builtin_text("ssc-2.0").expect("built in")).expect("flat");
    let changed = change(&text);
    assert_ne!(changed, text);
    let profile = card_profiles::Profile::parse(&changed).expect("a profile");
    in_socket("ssc-2.0", Card::factory(&profile, SERIAL, &Key16::new(TRANSPORT)).expect("a card"))
}

#[test]
fn the_mf_answers_as_on_the_published_card_and_deployed_ways_from_it_work() {
    for profile in ["ssc-1.0", "ssc-2.0", "ssc-3.0", "ssc-3.0-sm4"] {
        let mut rig = blank(profile);
        assert_eq!(rig.fetch("00A40000023F00"), FCI, "{profile}: directly after a reset");
        assert_eq!(rig.sw("00A4000002DDF1")[..2], *"61", "{profile}: SSSE by its identifier");
        assert_eq!(rig.sw("00A4000002EF05"), "9000", "{profile}");
        assert_eq!(rig.fetch("00A40000023F00"), FCI, "{profile}: from inside SSSE");
        assert_eq!(rig.sw("00A4000002EF05"), "6A82", "{profile}: the files of SSSE are not its");
        assert_eq!(rig.sw(SSSE)[..2], *"61", "{profile}");
        assert_eq!(rig.sw("00A4000002EF05"), "9000", "{profile}: SSSE by its name");
        assert_eq!(rig.fetch("00A404000E315041592E5359532E4444463031"), FCI, "{profile}: by its name");
        assert_eq!(rig.sw("00A40100023F00"), "6112", "{profile}: a directory");
        assert_eq!(rig.sw("00A40200023F00"), "6A82", "{profile}: no data file");
    }
}

#[test]
fn in_the_mf_there_is_no_file_no_key_and_no_account() {
    let mut rig = blank("ssc-3.0");
    for way in ["", "00A40000023F00"] {
        if !way.is_empty() {
            assert_eq!(rig.sw("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"), "611E");
            assert_eq!(rig.sw(way), "6112");
        }
        for (command, sw) in [
            ("00B201040B", "6986"),
            ("00B2012C0B", "6A82"),
            ("00B0850001", "6A82"),
            ("00A4000002DF01", "6A82"),
            ("0020000003123456", "6A88"),
            ("B026000104", "6985"),
        ] {
            assert_eq!(rig.sw(command), sw, "{way} {command}");
        }
    }
}

#[test]
fn selecting_the_mf_ends_the_rights_of_directories_and_not_those_of_the_environment() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert!(rig.authenticate("RKSSSE").sw.is_ok());
    rig.verify_pin();
    rig.select("DF04");
    assert!(rig.authenticate("RK1DF04").sw.is_ok());
    assert_eq!(rig.sw("00B2012C0A"), "9000");
    assert_eq!(rig.sw("00A40000023F00"), "6112");
    rig.select("SSSE");
    assert_eq!(rig.sw("00B2013414"), "9000", "RKSSSE lasts until reset");
    rig.select("DF04");
    assert_eq!(rig.sw("00B2012C0A"), "6982", "RK1DF04 ended");
}

#[test]
fn where_the_environment_is_the_mf_it_is_current_after_a_reset() {
    let mut rig = card_with(|text| text.replacen("environment = \"below\"", "environment = \"itself\"", 1));
    let ssse = "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E9000";
    assert_eq!(rig.sw("00A4000002EF05"), "9000", "SSSE is current");
    assert_eq!(rig.fetch("00A40000023F00"), ssse);
    assert_eq!(rig.sw("00A4000002DF01")[..2], *"61");
    assert_eq!(rig.fetch("00A40000023F00"), ssse, "and from inside a directory");
    assert_eq!(rig.sw("00B2012C12"), "9000");
}

#[test]
fn an_mf_without_a_name_is_not_selected_by_an_empty_one() {
    let mut rig = card_with(|text| text.replacen("df_name = \"315041592E5359532E4444463031\"", "df_name = \"\"", 1));
    assert_eq!(rig.fetch("00A40000023F00"), "6F009000", "by its identifier");
    rig.select("SSSE");
    // P1 04 without a name, with Lc and without.
    assert_eq!([rig.sw("00A40400"), rig.sw("00A4040000")], ["6700", "6700"]);
    assert_eq!(rig.sw("00B2012C12"), "9000", "SSSE is current");
}

#[test]
fn a_card_without_the_row_knows_no_mf() {
    // As images of older programs, which hold their profile, have none.
    let mut rig = card_with(|text| {
        let start = text.find("[mf]").expect("the row");
        let end = start
            + text[start..].find("\n\n").or_else(|| text[start + 4..].find("\n[").map(|at| at + 4)).expect("its end");
        [&text[..start], &text[end..]].concat()
    });
    assert_eq!([rig.sw("00A40000023F00"), rig.sw("00B2012C12")], ["6A82", "6986"]);
}
