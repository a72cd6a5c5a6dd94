//! kill -9 while cards are being written; the next run goes on.

use std::time::Duration;

use card_sim::fault::FaultPlan;

use crate::bench::Bench;

#[test]
fn a_station_killed_again_and_again_makes_every_card_once() {
    // Sixteen are made; of each kill both feeders may have asked for a card already, which the next run lets go unseen.
    let bench = Bench::new(2, &vec![FaultPlan::default(); 16 + 7 * 2]);
    bench.batch(16);
    // Each run is killed once the journal has grown by so many entries; what is done by then differs from run to run.
    for growth in [1, 3, 2, 4, 2, 1, 1] {
        let before = bench.count("SELECT COUNT(*) FROM station_journal");
        let mut station = bench.station(&[0, 1]);
        while bench.count("SELECT COUNT(*) FROM station_journal") < before + growth
            && station.try_wait().expect("status").is_none()
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        station.kill().expect("killed");
        station.wait().expect("ended");
        bench.await_feeders();
        assert_eq!(
            bench.count("SELECT COUNT(*) FROM card WHERE state = 'writing'"),
            bench.count("SELECT COUNT(*) FROM job WHERE state = 'writing'")
        );
    }
    let (code, lines) = bench.run(&[0, 1]);
    let summary = lines.last().expect("summary");
    assert_eq!((code, &summary["left"]), (Some(0), &0.into()), "{lines:?}");
    bench.assert_complete(16, 0);
}

#[test]
fn a_batch_is_run_by_one_process_at_a_time() {
    let bench = Bench::new(1, &vec![FaultPlan::default(); 2]);
    bench.batch(2);
    let mut station = bench.station(&[0]);
    while bench.count("SELECT COUNT(*) FROM station_journal") == 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let (code, _) = bench.run(&[0]);
    assert_eq!(code, Some(9));
    assert!(station.wait().expect("ended").success());
    bench.assert_complete(2, 0);
}
