//! A personalization station killed with -9 at one moment after the other, and started again until its batch is finished.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use demo::folder::Folder;
use demo::programs::{Answer, Call, Programs};
use demo::readers::Readers;
use demo::registry::Registry;

/// Cards of the batch.
const CARDS: usize = 6;
/// When the station is killed, counted from its start: before it reads a card, while it writes, between two cards.
const KILLED_AFTER_MS: [u64; 9] = [60, 150, 230, 330, 420, 520, 640, 800, 1000];

#[test]
fn a_station_killed_at_many_moments_finishes_every_card_once() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::fresh(&place.path().join("d")).expect("a fresh folder");
    let here = Path::new(env!("CARGO_BIN_EXE_demo")).parent().expect("programs lie in a folder").to_owned();
    let programs = Programs::beside_this(here, &folder.path("log")).expect("the programs are built");
    let issuer = |line: &str| -> Call<'_> {
        programs.call("issuer").arg("--data").arg(folder.text("centre")).words("--format json").words(line)
    };
    issuer("init").ok().expect("a centre");
    issuer("operator add a --role capture --role station").ok().expect("an operator");
    issuer("operator add b --role approve").ok().expect("another operator");
    let registry = Registry::invent(9);
    let file = folder.write("registry.csv", &registry.to_gb18030()).expect("a file");
    issuer("person import --operator a").arg(file).run().expect("runs").with_code(10).expect("some rows refused");
    issuer(&format!("batch create --operator a --count {CARDS}")).ok().expect("a batch");
    issuer("batch approve --operator b 1").ok().expect("approved");

    let blanks = folder.path("blanks");
    let lot = (CARDS + 2).to_string();
    programs
        .call("card-sim")
        .words("new --profile ssc-3.0 --serial 513300AA0001 --count")
        .arg(lot)
        .arg("--out-dir")
        .arg(&blanks)
        .ok()
        .expect("blanks");
    let readers = Readers::start(&programs, &folder, 2, &blanks).expect("readers");
    let stop = StopReaders { programs: &programs, state: folder.text("readers") };

    let run = || {
        let run = issuer("batch run 1 --operator a --wait 5").arg("--feeder").arg(readers.feeder());
        run.arg("--reader").arg(readers.name(0)).arg("--reader").arg(readers.name(1))
    };
    let mut kills = 0;
    for after in KILLED_AFTER_MS {
        let mut running = run().start().expect("a station");
        std::thread::sleep(Duration::from_millis(after));
        if running.ended() {
            break;
        }
        running.kill().expect("killed");
        kills += 1;
    }
    assert!(kills >= 5, "the batch was finished after {kills} kills: the moments come too late to show anything");
    finish(&run);

    let list = issuer("card list --batch 1").ok().expect("cards");
    let cards = list.json().expect("JSON")["cards"].as_array().cloned().expect("a list");
    let made: Vec<_> = cards.iter().filter(|card| card["state"] == "sealed").collect();
    assert_eq!(made.len(), CARDS, "{cards:#?}");
    let distinct = |field: &str| made.iter().map(|card| card[field].to_string()).collect::<BTreeSet<_>>().len();
    for field in ["chip", "person", "card_number", "card_identifier"] {
        assert_eq!(distinct(field), CARDS, "{field}");
    }
    assert_eq!(cards.len(), CARDS, "a killed station spoils no card");
    let batch = issuer("batch show 1").ok().expect("the batch");
    assert_eq!(batch.text("/state").expect("a state"), "finished");
    issuer("audit verify").ok().expect("the audit log holds");

    // Pulled out, every chip holds what its record says.
    readers.eject(&[0, 1]).expect("ejected");
    drop(stop);
    for card in made {
        let chip = card["chip"].as_str().expect("a chip");
        let image =
            images(&blanks).into_iter().find(|image| chip.ends_with(&stem(image))).expect("an image of the chip");
        let shown = programs.call("card-sim").words("--format json show").arg(image).ok().expect("shown").stdout;
        let number = hex::encode_upper(card["card_number"].as_str().expect("a number"));
        assert!(shown.contains(&number) && shown.contains(card["card_identifier"].as_str().expect("an identifier")));
    }
}

/// Runs the station until its batch is finished; a card that was in a reader when the feeder was killed comes with the next run.
fn finish<'a>(run: &dyn Fn() -> Call<'a>) -> Answer {
    let mut last = None;
    for _ in 0..3 {
        let answer = run().run().expect("runs");
        if answer.code == 0 {
            return answer;
        }
        last = Some(answer);
    }
    panic!("the batch does not finish: {last:#?}");
}

fn images(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).expect("blanks").map(|entry| entry.expect("an entry").path()).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

struct StopReaders<'a> {
    programs: &'a Programs,
    state: String,
}

impl Drop for StopReaders<'_> {
    fn drop(&mut self) {
        // Whatever the test found, no daemon outlives it.
        let _ = self.programs.call("card-sim").words("reader stop --state").arg(self.state.clone()).run();
    }
}
