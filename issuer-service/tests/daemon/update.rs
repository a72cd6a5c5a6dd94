//! Changed data at a real reader: an import changes people whose cards are made, the program writes the card that is put in.

use card_sim::fault::FaultPlan;
use card_sim::image;
use serde_json::Value;

use crate::bench::Bench;

fn told(bench: &Bench, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = bench.output(&[&["--operator", "tashi"], arguments].concat());
    let text = if output.status.success() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(text);
    (output.status.code(), serde_json::from_str(text.lines().last().expect("a line")).expect("JSON"))
}

#[test]
fn what_an_import_changed_is_written_when_the_card_is_in_a_reader() {
    let bench = Bench::new(1, &[FaultPlan::default()]);
    bench.ok(&["operator", "add", "tashi", "--role", "counter"]);
    bench.batch(1);
    assert_eq!(bench.run(&[0]).0, Some(0));
    let file = bench.folder().join("people.csv");
    let text = std::fs::read_to_string(&file).expect("file").replace("行政区划代码", "行政区划代码,地址");
    std::fs::write(&file, text.replace(",513301\n", ",513322,示范路8号\n")).expect("file");
    bench.ok(&["--operator", "li", "person", "import", file.to_str().expect("path")]);
    let (_, list) = told(&bench, &["card", "update", "list", "--open"]);
    assert_eq!(
        (&list["updates"][0]["state"], list["updates"][0]["items"].to_string()),
        (&"waiting".into(), "[\"region\",\"address\"]".to_owned())
    );
    let number = list["updates"][0]["card_number"].as_str().expect("a number").to_owned();
    let reader = bench.farm().reader_name(0).expect("slot");
    bench.farm().insert(0, &bench.image(1)).ok();
    let toml = bench.folder().join("centre/centre.toml");
    let text = std::fs::read_to_string(&toml).expect("configuration");
    std::fs::write(&toml, format!("{text}\n[life]\nactivate_with_card = true\n")).expect("written");
    assert_eq!(told(&bench, &["card", "activate", &number]).1["code"], "CARD_NOT_SEEN");
    let (exit, card) = told(&bench, &["card", "activate", &number, "--reader", &reader, "--wait", "20"]);
    assert_eq!((exit, &card["state"]), (Some(0), &"normal".into()), "{card}");
    let run = ["card", "update", "run", "--reader", &reader, "--wait", "20"];
    let (exit, error) = told(&bench, &run);
    assert_eq!((exit, &error["code"]), (Some(6), &"PIN_NEEDED".into()), "{error}");
    let pin = bench.folder().join("pin");
    std::fs::write(&pin, "123456\n").expect("file");
    let source = format!("file:{}", pin.display());
    let (exit, done) = told(&bench, &[&run[..], &["--holder-pin", &source]].concat());
    assert_eq!((exit, &done["update"]["state"], &done["written"]), (Some(0), &"done".into(), &3.into()), "{done}");
    let (_, again) = told(&bench, &run);
    assert_eq!((&again["update"], &again["card_number"]), (&Value::Null, &number.as_str().into()));
    bench.farm().eject(0).expect("ejected");
    let (_, inside) = image::inspect(&bench.image(1)).expect("an image");
    assert!(inside.files["DF04.EF05"].contains(&"8403513322".to_owned()));
    assert!(inside.files["DF01.EF05"].iter().any(|record| record.starts_with("2150CABEB7B6C2B738BAC5")));
    bench.ok(&["audit", "verify"]);
}
