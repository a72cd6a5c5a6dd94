//! One citizen at the counter, by the program on a real daemon: killed in the middle, the printer out of paper, the same card.

use std::process::Output;

use card_sim::fault::FaultPlan;

use crate::bench::Bench;

fn counter(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(text.lines().last().expect("a line")).expect("JSON")
}

#[test]
fn a_citizen_at_the_counter_gets_one_card_although_everything_is_interrupted_once() {
    let bench = Bench::new(1, &vec![FaultPlan::default(); 2]);
    bench.batch(1);
    assert_eq!(bench.run(&[0]).0, Some(0), "the card that the citizen has broken");
    let issuer = |operator: &str, line: &[&str]| bench.output(&[&["--operator", operator], line].concat());
    assert!(issuer("li", &["instant", "new", "--person", "1", "--kind", "damaged"]).status.success());
    let reader = bench.farm().reader_name(0).expect("slot");
    let early = issuer("sun", &["instant", "run", "2", "--reader", &reader]);
    assert_eq!(early.status.code(), Some(3), "nobody has approved");
    assert!(issuer("wang", &["instant", "approve", "2"]).status.success());
    bench.farm().eject(0).expect("ejected");
    bench.farm().insert(0, &bench.image(2)).expect("inserted");

    // Killed while the chip is being written.
    let before = bench.count("SELECT COUNT(*) FROM station_journal");
    let run = ["--operator", "sun", "instant", "run", "2", "--reader", &reader];
    let mut child = bench.issuer(&run).spawn().expect("the program starts");
    while bench.count("SELECT COUNT(*) FROM station_journal") < before + 2
        && child.try_wait().expect("status").is_none()
    {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(bench.count("SELECT COUNT(*) FROM card WHERE job = 2"), 1, "its chip is bound");

    // Written to its end; the printer has no paper, which spoils no card.
    let unprinted = bench.output(&[&run[..], &["--printer", "exit 1"]].concat());
    assert_eq!(unprinted.status.code(), Some(10), "{}", String::from_utf8_lossy(&unprinted.stderr));
    let written = counter(&unprinted);
    assert_eq!((&written["next"], written["card_number"].is_string()), (&"printed".into(), true), "{written}");
    for (printer, code) in
        [("exit 3", "HOOK_FAILED"), ("no-such-program", "HOOK_NOT_RUN"), ("sleep 600", "HOOK_TIMED_OUT")]
    {
        let told = bench.output(&[&run[..], &["--printer", printer, "--hook-time", "3"]].concat());
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        let event: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        assert_eq!(told.status.code(), Some(10), "{printer}");
        assert_eq!((&event["event"], &event["reason"], &event["job"]), (&"unprinted".into(), &code.into(), &2.into()));
    }
    let steps = bench.count("SELECT COUNT(*) FROM station_journal");

    let face = bench.folder().join("face.json");
    let printed = bench.output(&[&run[..], &["--printer", &format!("cat > '{}'", face.display())]].concat());
    assert_eq!(printed.status.code(), Some(0), "{}", String::from_utf8_lossy(&printed.stderr));
    assert_eq!(counter(&printed)["next"], "handed-out");
    let face: serde_json::Value = serde_json::from_slice(&std::fs::read(face).expect("printed")).expect("JSON");
    assert_eq!((&face["card_number"], &face["name"]), (&written["card_number"], &"扎西·多吉".into()));
    assert_eq!(
        bench.count("SELECT COUNT(*) FROM station_journal"),
        steps + 2,
        "to the printer and printed, not written again"
    );
    assert_eq!(bench.count("SELECT COUNT(*) FROM card WHERE job = 2 AND state = 'sealed'"), 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM receipt"), 2);
}

#[test]
fn a_feeder_that_hangs_or_is_not_there_is_told_and_is_no_empty_hopper() {
    let bench = Bench::new(1, &[]);
    bench.batch(1);
    let reader = bench.farm().reader_name(0).expect("slot");
    let run = ["--operator", "sun", "batch", "run", "1", "--reader", &reader, "--wait", "1", "--hook-time", "1"];
    let ended = |feeder: &str| {
        let output = bench.output(&[&run[..], &["--feeder", feeder]].concat());
        assert_eq!(output.status.code(), Some(10), "{feeder}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let told = lines.iter().find(|line| line["event"] == "reader-ended").map(|line| line["reason"].clone());
        (lines.last().expect("a summary")["readers"][0]["ended"].clone(), told)
    };
    assert_eq!(ended("sleep 600"), ("feeder-failed".into(), Some("HOOK_TIMED_OUT".into())));
    assert_eq!(ended("no-such-feeder"), ("feeder-failed".into(), Some("HOOK_NOT_RUN".into())));
    assert_eq!(ended("exit 1"), ("no-cards".into(), None));
}
