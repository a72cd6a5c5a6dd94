//! A PSAM made on the daemon lets a terminal into a card made there.

use card_core::Session;
use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors, KeyName, SecurityModule};
use card_profiles::{builtin, builtin_text};
use card_sim::Socket;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::image;
use card_sim::memory::Durability;

use crate::bench::Bench;

const PERSONALIZE: [&str; 8] =
    ["--operator", "zhou", "psam", "personalize", "--terminal-number", "510000000001", "--institution", "H001"];

fn bench_with_psam(faults: FaultPlan) -> (Bench, std::path::PathBuf) {
    let bench = Bench::new(2, &[FaultPlan::default()]);
    let path = bench.folder().join("psam.card");
    image::create(&path, builtin_text("psam").expect("built in"), [0x51, 0, 0, 0, 0, 9], &faults).expect("image");
    bench.farm().insert(1, &path).expect("inserted");
    let reader = bench.farm().reader_name(1).expect("slot");
    let unknown = bench.output(&[&PERSONALIZE[..], &["--reader", &reader]].concat());
    let error = String::from_utf8_lossy(&unknown.stderr);
    assert!(unknown.status.code() == Some(2) && error.contains("INSTITUTION_UNKNOWN"), "{error}");
    bench.ok(&["operator", "add", "clerk", "--role", "clearing"]);
    let add = ["institution", "add", "H001", "--name", "样例医院", "--region", "513301", "--type", "hospital"];
    bench.ok(&[&["--operator", "clerk"], &add[..]].concat());
    (bench, path)
}

fn personalize(bench: &Bench) -> (Option<i32>, String) {
    let reader = bench.farm().reader_name(1).expect("slot");
    let output = bench.output(&[&PERSONALIZE[..], &["--reader", &reader]].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_psam_made_here_opens_a_card_made_here() {
    let (bench, path) = bench_with_psam(FaultPlan::default());
    bench.batch(1);
    assert_eq!(bench.run(&[0]).0, Some(0));
    let (code, error) = personalize(&bench);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM psam WHERE state = 'in_custody'"), 1);
    assert_eq!(personalize(&bench).0, Some(3), "a PSAM is made once");
    for slot in [0, 1] {
        bench.farm().eject(slot).expect("ejected");
    }
    opens_a_card(&path, &bench.image(1));
}

/// A terminal with the PSAM in the first file proves itself to the card in the second, made at 513300.
pub(crate) fn opens_a_card(psam: &std::path::Path, card: &std::path::Path) {
    let socket = |path: &std::path::Path| Socket::new(image::open(path, Durability::Process).expect("image"));
    let card = Session::new(Box::new(socket(card).connect().expect("card")));
    let psam = Session::new(Box::new(socket(psam).connect().expect("psam")));
    let (ssc, psam_profile) = (builtin("ssc-3.0").expect("built in"), builtin("psam").expect("built in"));
    let names = psam_profile.psam_names().expect("names");
    let mut psam = Psam::open(psam, &names, ssc.psam_keys()).expect("a PSAM");
    assert_eq!(hex::encode_upper(psam.terminal_number()), "510000000001");
    let factor = card.atr().and_then(|atr| Ok(atr.card_factor()?)).expect("factor");
    let factors = Factors::of(CityCode::parse("513300").expect("digits"), factor);
    let key = ssc.key_of_card(ssc.key(&KeyName::new("RKSSSE")).expect("a key"), 1, &factors);
    let mut card = card;
    let select = card_core::command::select_by_name(&ssc.df("SSSE").expect("df").df_name);
    assert!(card.send(&select).expect("answer").sw.is_ok());
    let challenge = card.challenge().expect("challenge");
    let plain = [1, 2, 3, 4, 5, 6, 7, 8];
    let auth = psam.authentication_cryptogram(&key, challenge, plain).expect("cryptogram");
    let answer = card.send(&card_core::command::external_authenticate(0x0A, auth, plain)).expect("answer");
    assert!(answer.sw.is_ok(), "{answer:?}");
    let read = card_core::command::read_record(6, card_core::command::Record::Tag(0x08), 20);
    assert_eq!(card.send(&read).expect("answer").data.len(), 20);
}

#[test]
fn a_psam_pulled_half_way_is_finished_by_the_same_command() {
    for nth in [5, 60, 110] {
        let loss = Fault::PowerLoss { at: Trigger::command(nth), moment: Moment::After, back_after_ms: Some(50) };
        let (bench, path) = bench_with_psam(FaultPlan::new(vec![loss]));
        let (code, error) = personalize(&bench);
        assert_eq!(code, Some(4), "{nth}: {error}");
        // The daemon looks for cards every 400 ms: a command that comes before it has seen the PSAM leave and come back is told the same.
        let again = (0..5)
            .map(|_| personalize(&bench))
            .find(|(code, error)| *code != Some(4) || !error.contains("EXCHANGE_BROKEN"));
        let (code, error) = again.expect("it comes to an end");
        assert_eq!(code, Some(0), "{nth}: {error}");
        let (_, inspection) = image::inspect(&path).expect("image");
        let (later, first): (Vec<_>, Vec<_>) =
            inspection.keys.iter().partition(|(name, _)| ["DF01.DPK v2", "DF01.DPK v3"].contains(&name.as_str()));
        assert!(first.iter().all(|(_, key)| key.version == Some(1) && key.tries_left == 3), "{nth}");
        assert!(later.len() == 2 && later.iter().all(|(_, key)| key.version.is_none()), "{nth}: no such versions yet");
    }
}
