//! A centre process and stations that are other processes, at the end of a TLS line: killed again and again, every card once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use card_sim::fault::FaultPlan;

use crate::bench::Bench;

const LOOK: Duration = Duration::from_millis(3);

/// Starts the centre on this port, 0 for a free one, and waits until it answers.
fn centre(bench: &Bench, port: u16) -> (Child, u16) {
    let file = bench.folder().join("tls-port");
    let _ = std::fs::remove_file(&file);
    let (address, path) = (format!("127.0.0.1:{port}"), file.display().to_string());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--tls", &address, "--tls-port-file", &path];
    let mut child = bench.issuer(&serve).spawn().expect("the program starts");
    while !file.exists() {
        assert!(child.try_wait().expect("status").is_none(), "the centre does not start");
        std::thread::sleep(LOOK);
    }
    let port = std::fs::read_to_string(&file).expect("port").trim().parse().expect("a number");
    (child, port)
}

/// A station's folder with its certificate.
pub(crate) fn enrolled(bench: &Bench, name: &str) -> PathBuf {
    let folder = bench.folder().join(name);
    let file = |name: &str| folder.join(name).display().to_string();
    bench.ok(&["station", "request", "--folder", &folder.display().to_string()]);
    bench.ok(&["--operator", "sun", "station", "enrol", name, "--request", &file("station.csr")]);
    let request = std::fs::read_to_string(file("station.csr")).expect("a request");
    let key = issuer_service::vault::authority::Asked::read(&request).expect("a request").public_key();
    bench.ok(&["--operator", "zhou", "station", "certify", name, "--key", &key, "--out", &file("station.pem")]);
    folder
}

fn station(bench: &Bench, folder: &Path, slot: usize, port: u16, patience: &str) -> Command {
    let (url, folder) = (format!("https://localhost:{port}"), folder.display().to_string());
    let (reader, feeder) = (bench.farm().reader_name(slot).expect("slot"), bench.feeder());
    let mut command = bench.issuer(&["--operator", "sun", "station", "work", "--centre", &url, "--folder", &folder]);
    command.args(["--batch", "1", "--reader", &reader, "--feeder", &feeder, "--wait", "20", "--share", "2"]);
    command.args(["--patience", patience]);
    // A station has no data folder of a centre.
    command.env_remove("ISSUER_DATA");
    command
}

fn ended(child: &mut Child) {
    // A process that has ended by itself is as good.
    let _ = child.kill();
    child.wait().expect("ended");
}

#[test]
fn a_centre_and_two_remote_stations_killed_again_and_again_make_every_card_once() {
    // Six are made; of each kill both feeders may have asked for a card already, which the next run lets go unseen.
    let bench = Bench::new(2, &vec![FaultPlan::default(); 6 + 5 * 2]);
    bench.batch(6);
    let folders = [enrolled(&bench, "east"), enrolled(&bench, "west")];
    let (mut server, port) = centre(&bench, 0);
    let journal = || bench.count("SELECT COUNT(*) FROM station_journal");
    let stations = || -> Vec<Child> {
        let start =
            |(slot, folder): (usize, &PathBuf)| station(&bench, folder, slot, port, "60").spawn().expect("starts");
        folders.iter().enumerate().map(start).collect()
    };
    // All are killed once the journal has grown by so many entries; what is done by then differs from run to run.
    for growth in [1, 3, 2, 6, 4] {
        let (before, mut running) = (journal(), stations());
        while journal() < before + growth && running.iter_mut().any(|one| one.try_wait().expect("status").is_none()) {
            std::thread::sleep(LOOK);
        }
        ended(&mut server);
        running.iter_mut().for_each(ended);
        bench.await_feeders();
        let (writing, bound) =
            ("SELECT COUNT(*) FROM card WHERE state = 'writing'", "SELECT COUNT(*) FROM job WHERE state = 'writing'");
        assert_eq!(bench.count(writing), bench.count(bound));
        (server, _) = centre(&bench, port);
    }
    // Now the centre alone is killed, in the middle: the stations wait for it and go on by themselves.
    let (before, running) = (journal(), stations());
    while journal() < before + 2 && bench.count("SELECT COUNT(*) FROM batch WHERE state = 'running'") == 1 {
        std::thread::sleep(LOOK);
    }
    ended(&mut server);
    (server, _) = centre(&bench, port);
    for child in running {
        let output = child.wait_with_output().expect("ended");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 10)), "{told}");
    }
    ended(&mut server);
    bench.assert_complete(6, 0);
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("station.journal")).expect("journal");
        // A card that was begun again has two lines, and one end.
        let named = |word: &str| -> BTreeSet<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix(word)?.split(' ').next());
            lines.map(str::to_owned).collect()
        };
        assert_eq!((named("begun "), named("send ")), (named("ended "), named("done ")), "{text}");
    }
}

#[test]
fn a_station_whose_centre_is_away_ends_with_8_names_the_card_and_finishes_it_when_the_centre_is_back() {
    let bench = Bench::new(1, &[FaultPlan::default()]);
    bench.batch(1);
    let folder = enrolled(&bench, "east");
    let (mut server, port) = centre(&bench, 0);
    let child = station(&bench, &folder, 0, port, "0").spawn().expect("starts");
    while bench.count("SELECT COUNT(*) FROM station_journal") < 2 {
        std::thread::sleep(LOOK);
    }
    ended(&mut server);
    let output = child.wait_with_output().expect("ended");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(8), "{told}");
    assert!(told.contains("CENTRE_UNREACHABLE") && told.contains("the card of job 1 is in doubt"), "{told}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), 0);
    let (mut server, _) = centre(&bench, port);
    let output = station(&bench, &folder, 0, port, "10").output().expect("starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"resumed\""));
    ended(&mut server);
    bench.assert_complete(1, 0);
}
