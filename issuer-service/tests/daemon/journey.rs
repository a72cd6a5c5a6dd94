//! A batch on two readers, with one card pulled and one that is a lemon.

use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::image;

use crate::bench::Bench;

#[test]
fn two_readers_make_a_batch_although_one_card_is_pulled_and_one_is_a_lemon() {
    let sound = FaultPlan::default;
    let pulled = Fault::PowerLoss { at: Trigger::command(70), moment: Moment::After, back_after_ms: Some(300) };
    let cards = [
        sound(),
        FaultPlan::new(vec![pulled]),
        sound(),
        FaultPlan::new(vec![Fault::Lemon { after_writes: 40 }]),
        sound(),
        sound(),
        sound(),
    ];
    let bench = Bench::new(2, &cards);
    bench.batch(5);
    let (code, lines) = bench.run(&[0, 1]);
    assert_eq!(code, Some(0), "{lines:?}");
    let count = |name: &str| lines.iter().filter(|line| line["event"] == name).count();
    assert_eq!((count("begun"), count("spoilt"), count("made")), (6, 1, 5));
    // A busy machine may meet the card again before its contacts rest.
    assert!(count("pulled") >= 1 && count("pulled") == count("returned"), "{lines:?}");
    let summary = lines.last().expect("summary");
    assert_eq!((&summary["made"], &summary["spoilt"], &summary["left"]), (&5.into(), &1.into(), &0.into()));
    bench.assert_complete(5, 1);
    let keyed = (1..=7).filter(|number| {
        let (_, inspection) = image::inspect(&bench.image(*number)).expect("image");
        inspection.keys["DF04.UK2DF04"].version == Some(1)
    });
    assert_eq!(keyed.count(), 5, "five cards have all their keys, the lemon and the unused one have not");
}

#[test]
fn readers_are_chosen_or_refused_before_anything_is_done() {
    let bench = Bench::new(1, &[FaultPlan::default()]);
    bench.batch(1);
    let run = |reader: &str| {
        let output = bench.output(&["--operator", "sun", "batch", "run", "1", "--reader", reader]);
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("an error object");
        (output.status.code(), error["code"].as_str().expect("code").to_owned())
    };
    assert_eq!(run("no such reader"), (Some(2), "READER_NOT_FOUND".to_owned()));
    assert_eq!(run("0,0"), (Some(1), "READER_NAMED_TWICE".to_owned()));
    assert_eq!(bench.count("SELECT COUNT(*) FROM batch WHERE state = 'approved'"), 1);
}
