//! Software cards in readers of the real PC/SC daemon.
//!
//! `PCSCLITE_CSOCK_NAME` must be set before a process first speaks PC/SC, so each test runs its PC/SC half in a child
//! process: the same test, with the variable set.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use card_core::command::{self, Record};
use card_core::transport::TransportError;
use card_core::transport::pcsc::Readers;
use card_core::{Session, SessionError};
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::image;
use card_sim::reader::control::{self, Reply, Request};
use card_sim::reader::{Farm, ReaderError};

/// Folder of the test, for its child.
const FOLDER: &str = "CARD_SIM_TEST_FOLDER";
const SSSE: &[u8] = b"sx1.sh.\xC9\xE7\xBB\xE1\xB1\xA3\xD5\xCF";
const NOTICE: Duration = Duration::from_secs(5);

fn card_sim(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_card-sim")).args(arguments).output().expect("the program runs")
}

/// In the child: the folder. In the parent: runs `outside` around a child that runs the test named.
fn in_child(test: &str, outside: impl FnOnce(&Path) -> PathBuf, after: impl FnOnce()) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Some(PathBuf::from(folder));
    }
    let folder = tempfile::tempdir().expect("folder");
    let csock = outside(folder.path());
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .env("PCSCLITE_CSOCK_NAME", csock)
        .output()
        .expect("the test runs again");
    after();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && out.contains("1 passed"), "{out}\n{err}");
    None
}

fn make(folder: &Path, name: &str, serial: [u8; 6]) -> PathBuf {
    let path = folder.join(name);
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    image::create(&path, text, serial, &FaultPlan::default()).expect("made");
    path
}

fn open(readers: &Readers, reader: &str) -> Session {
    assert!(readers.wait(reader, true, NOTICE).expect("daemon"), "a card in {reader}");
    Session::new(Box::new(readers.connect(reader).expect("connects")))
}

fn read_version(session: &mut Session) -> Result<Vec<u8>, SessionError> {
    session.send(&command::select_by_name(SSSE))?;
    Ok(session.send(&command::read_record(5, Record::Tag(3), 6))?.data)
}

#[test]
fn the_program_starts_readers_that_any_pcsc_program_sees_and_stops_them() {
    let test = "the_program_starts_readers_that_any_pcsc_program_sees_and_stops_them";
    let folder = std::cell::OnceCell::new();
    let start = |at: &Path| {
        folder.set(at.to_owned()).expect("once");
        let (state, image) = (at.join("state").display().to_string(), at.join("a.card").display().to_string());
        let made = card_sim(&["new", "--profile", "ssc-3.0", "--out", &image, "--serial", "513300000001"]);
        assert!(made.status.success(), "{made:?}");
        let aged = card_sim(&["age", &image, "--left", "5"]);
        assert!(aged.status.success(), "{aged:?}");
        let (_, inside) = image::inspect(Path::new(&image)).expect("an image");
        assert_eq!(inside.account.expect("an account").online_sequence, u16::MAX - 5);
        let started = card_sim(&["reader", "start", "--state", &state, "--slots", "3", &image]);
        let line = String::from_utf8(started.stdout).expect("text");
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        PathBuf::from(line.strip_prefix("export PCSCLITE_CSOCK_NAME=").expect("one line for eval").trim())
    };
    let stop = || {
        let state = folder.get().expect("started").join("state");
        let status = control::status(&state).expect("runs");
        let stopped = card_sim(&["reader", "stop", "--state", &state.display().to_string()]);
        assert!(stopped.status.success() && stopped.stdout.is_empty());
        for pid in [status.server_pid, status.daemon_pid] {
            let running = std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty());
            assert!(!running, "process {pid} still runs");
        }
    };
    let Some(folder) = in_child(test, start, stop) else { return };
    let readers = Readers::establish().expect("daemon");
    let names: Vec<String> = readers.list().expect("list").into_iter().map(|reader| reader.name).collect();
    assert_eq!(names, ["card-sim-0 00 00", "card-sim-0 00 01", "card-sim-1 00 00", "card-sim-1 00 01"]);
    let present: Vec<bool> = readers.list().expect("list").iter().map(|reader| reader.atr.is_some()).collect();
    assert_eq!(present, [true, false, false, false]);

    let mut session = open(&readers, &names[0]);
    assert_eq!(hex::encode_upper(session.atr().expect("ATR").card_factor().expect("factor")), "8660513300000001");
    assert_eq!(read_version(&mut session).expect("reads"), [3, 4, 0, 0, 0, 0]);

    let state = folder.join("state");
    let image = folder.join("a.card");
    assert_eq!(
        control::ask(&state, &Request::Eject { slot: 0 }).expect("pulled"),
        Reply::Done { image: Some(image.clone()) }
    );
    let error = read_version(&mut session).expect_err("the card is gone");
    assert!(matches!(error, SessionError::Transport(TransportError::CardRemoved { .. })), "{error:?}");
    drop(session);

    control::ask(&state, &Request::Insert { slot: 2, image }).expect("put in");
    let mut session = open(&readers, &names[2]);
    assert_eq!(read_version(&mut session).expect("reads").len(), 6);
}

#[test]
fn a_card_that_loses_power_in_a_command_is_reported_removed_and_comes_back() {
    let test = "a_card_that_loses_power_in_a_command_is_reported_removed_and_comes_back";
    let farm = std::cell::RefCell::new(None);
    let start = |folder: &Path| {
        let image = make(folder, "a.card", [0x51, 0x33, 0, 0, 0, 2]);
        let started = Farm::start(&folder.join("state"), 1).expect("starts");
        started.insert(0, &image).expect("put in");
        let loss =
            Fault::PowerLoss { at: Trigger::instruction(0x20, 1), moment: Moment::After, back_after_ms: Some(1000) };
        started.set_faults(0, FaultPlan::new(vec![loss])).expect("set");
        let csock = started.csock().to_owned();
        farm.replace(Some(started));
        csock
    };
    if in_child(test, start, || drop(farm.take())).is_none() {
        return;
    }
    let readers = Readers::establish().expect("daemon");
    let mut session = open(&readers, "card-sim-0 00 00");
    read_version(&mut session).expect("reads");
    let error = session.send(&command::verify(&[0x99, 0x99, 0x99])).expect_err("power is lost");
    assert!(matches!(error, SessionError::Transport(TransportError::CardRemoved { .. })), "{error:?}");
    drop(session);

    let mut session = open(&readers, "card-sim-0 00 00");
    read_version(&mut session).expect("reads");
    let answer = session.send(&command::verify(&[0x99, 0x99, 0x99])).expect("answers");
    assert_eq!(answer.sw.tries(), Some(1), "the first wrong PIN was counted before power was lost");
}

#[test]
fn a_card_that_is_away_for_less_than_a_look_of_the_daemon_comes_back() {
    let test = "a_card_that_is_away_for_less_than_a_look_of_the_daemon_comes_back";
    let farm = std::cell::RefCell::new(None);
    let start = |folder: &Path| {
        let image = make(folder, "a.card", [0x51, 0x33, 0, 0, 0, 4]);
        let started = Farm::start(&folder.join("state"), 1).expect("starts");
        started.insert(0, &image).expect("put in");
        let losses = [50, 100, 200, 400].into_iter().zip(1..).map(|(ms, nth)| Fault::PowerLoss {
            at: Trigger::instruction(0x84, nth),
            moment: Moment::Before,
            back_after_ms: Some(ms),
        });
        started.set_faults(0, FaultPlan::new(losses.collect())).expect("set");
        let csock = started.csock().to_owned();
        farm.replace(Some(started));
        csock
    };
    if in_child(test, start, || drop(farm.take())).is_none() {
        return;
    }
    let readers = Readers::establish().expect("daemon");
    for away in [50, 100, 200, 400] {
        let mut session = open(&readers, "card-sim-0 00 00");
        let error = session.send(&command::get_challenge(8)).expect_err("power is lost");
        assert!(matches!(error, SessionError::Transport(_)), "{away} ms: {error:?}");
        drop(session);
        let mut session = open(&readers, "card-sim-0 00 00");
        assert_eq!(read_version(&mut session).expect("reads").len(), 6, "{away} ms");
    }
}

#[test]
fn a_card_of_a_profile_that_contradicts_itself_is_made_with_a_word_about_it() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    std::fs::write(at("own.toml"), text.replacen("fid = \"EF06\"", "fid = \"EF05\"", 1)).expect("written");
    let made = card_sim(&["new", "--lang", "en", "--profile", &at("own.toml"), "--out", &at("own.card")]);
    let said = String::from_utf8(made.stderr).expect("text");
    assert!(made.status.success() && said.contains("PROFILE_CONTRADICTS") && said.contains("EF05"), "{said}");
    let usual = card_sim(&["new", "--lang", "en", "--profile", "ssc-3.0", "--out", &at("usual.card")]);
    assert!(usual.status.success() && usual.stderr.is_empty());
}

#[test]
fn several_daemons_run_side_by_side_and_a_card_is_in_one_of_them() {
    let folder = tempfile::tempdir().expect("folder");
    let image = make(folder.path(), "a.card", [0x51, 0x33, 0, 0, 0, 3]);
    let first = Farm::start(&folder.path().join("1"), 2).expect("starts");
    let second = Farm::start(&folder.path().join("2"), 2).expect("starts beside it");
    assert_ne!(first.csock(), second.csock());
    first.insert(0, &image).expect("put in");
    assert!(matches!(first.insert(0, &image), Err(ReaderError::Occupied(0))));
    assert!(matches!(second.insert(0, &image), Err(ReaderError::Image(image::ImageError::InUse(_)))));
    assert_eq!(first.eject(0).expect("slot"), Some(image.clone()));
    second.insert(0, &image).expect("free now");
    assert!(matches!(first.insert(7, &image), Err(ReaderError::NoSuchSlot { slot: 7, slots: 2 })));
}

#[test]
fn the_feeder_takes_each_card_of_the_hopper_once_in_the_order_of_names() {
    let folder = tempfile::tempdir().expect("folder");
    let hopper = folder.path().join("hopper");
    std::fs::create_dir(&hopper).expect("folder");
    let images: Vec<PathBuf> =
        (1..=2_u8).rev().map(|n| make(&hopper, &format!("{n}.card"), [0x51, 0x33, 0, 0, 1, n])).collect();
    let mut farm = Farm::start(&folder.path().join("state"), 1).expect("starts");
    assert!(matches!(farm.next(0), Err(ReaderError::NoHopper)));
    farm.set_hopper(Some(hopper));
    assert_eq!(farm.next(0).expect("fed").as_ref(), images.get(1));
    assert_eq!(farm.next(0).expect("fed").as_ref(), images.first());
    assert_eq!(farm.next(0).expect("empty"), None);
    assert!(farm.status().iter().all(|slot| slot.image.is_none()), "the last card was taken out");
}

#[test]
fn what_a_killed_server_left_behind_is_cleared_away() {
    let folder = tempfile::tempdir().expect("folder");
    let state = folder.path().join("state");
    let text = state.display().to_string();
    assert_eq!(card_sim(&["reader", "status", "--state", &text]).status.code(), Some(5));
    for kill_daemon in [true, false] {
        assert!(card_sim(&["reader", "start", "--state", &text, "--slots", "2"]).status.success());
        let again = card_sim(&["reader", "start", "--state", &text, "--slots", "2"]);
        assert_eq!(again.status.code(), Some(3), "a healthy set is not started twice");
        let status = control::status(&state).expect("runs");
        let victim = if kill_daemon { status.daemon_pid } else { status.server_pid };
        assert!(Command::new("kill").args(["-9", &victim.to_string()]).status().expect("kill").success());
        // The signal is sent; until the process has ended the set counts as healthy.
        while control::status(&state).is_ok_and(|status| status.daemon_runs) {
            std::thread::yield_now();
        }
        let restarted = card_sim(&["reader", "start", "--state", &text, "--slots", "2"]);
        assert!(restarted.status.success(), "{}", String::from_utf8_lossy(&restarted.stderr));
        assert!(card_sim(&["reader", "stop", "--state", &text]).status.success());
        assert!(!state.join("pcscd").exists());
    }
}

#[test]
fn a_key_file_that_is_none_makes_no_card() {
    let folder = tempfile::tempdir().expect("folder");
    let (keys, image) = (folder.path().join("keys.toml"), folder.path().join("a.card"));
    for bytes in [&b"mark = \"REHEARSAL\"\n# \xC3\xDC\xD4\xBF\n"[..], b"mark = \"REHEARSAL\"\n"] {
        std::fs::write(&keys, bytes).expect("written");
        let (keys, out) = (keys.display().to_string(), image.display().to_string());
        let made = card_sim(&["new", "--format", "json", "--profile", "psam", "--keys", &keys, "--out", &out]);
        assert_eq!(made.status.code(), Some(3), "{made:?}");
        assert!(String::from_utf8_lossy(&made.stderr).contains("KEY_FILE_MALFORMED"), "{made:?}");
        assert!(!image.exists());
    }
}

#[test]
fn sixteen_cards_in_sixteen_readers_answer_at_once_each_for_itself() {
    let test = "sixteen_cards_in_sixteen_readers_answer_at_once_each_for_itself";
    let farm = std::cell::RefCell::new(None);
    let start = |folder: &Path| {
        let number = |n| u8::try_from(n).expect("sixteen");
        let images: Vec<PathBuf> =
            (0..16).map(|n| make(folder, &format!("{n}.card"), [0x51, 0x33, 0, 0, 16, number(n)])).collect();
        let state = folder.join("state");
        let started = Farm::start_with(&state, 16, &images, card_sim::memory::Durability::Process).expect("starts");
        let csock = started.csock().to_owned();
        farm.replace(Some(started));
        csock
    };
    if in_child(test, start, || drop(farm.take())).is_none() {
        return;
    }
    let readers = Readers::establish().expect("daemon");
    // All are opened at once, by threads that share one way to the daemon, and open before any is read. Nothing may fail
    // before the barrier: who does not come to it stops the others.
    let barrier = std::sync::Barrier::new(16);
    let sessions: Vec<Session> = std::thread::scope(|scope| {
        let opening = |slot: u8| {
            let (readers, barrier) = (&readers, &barrier);
            scope.spawn(move || {
                barrier.wait();
                open(readers, &format!("card-sim-{} 00 {:02X}", slot / 2, slot % 2))
            })
        };
        let threads: Vec<_> = (0..16).map(opening).collect();
        threads.into_iter().map(|thread| thread.join().expect("opens")).collect()
    });
    let threads = (0..16_u8).zip(sessions).map(|(slot, mut session)| {
        std::thread::spawn(move || {
            let factor = session.atr().expect("ATR").card_factor().expect("factor");
            assert_eq!(factor[2..], [0x51, 0x33, 0, 0, 16, slot]);
            for round in 0..40 {
                assert_eq!(read_version(&mut session).expect("reads").len(), 6, "{slot} {round}");
            }
            // Each spends as many tries as its number says: its own and no other's.
            for wrong in 0..=slot % 3 {
                let answer = session.send(&command::verify(&[0x99; 3])).expect("answers");
                assert_eq!(answer.sw.tries(), Some(2 - wrong), "{slot}");
            }
        })
    });
    let ended: Vec<_> = threads.collect::<Vec<_>>().into_iter().map(std::thread::JoinHandle::join).collect();
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
}

#[test]
fn a_line_that_cannot_be_read_is_told_in_the_language_and_shape_that_it_asks_for() {
    let told = |arguments: &[&str]| {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_card-sim")).args(arguments).output().expect("starts");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        String::from_utf8(output.stderr).expect("text")
    };
    assert_eq!(
        told(&["show", "--lang", "zh"]),
        "错误 USAGE: 缺少 <IMAGE>\n  处理: card-sim show --help 列出可用的命令和参数\n"
    );
    let json: serde_json::Value = serde_json::from_str(&told(&["shwo", "--format=json", "--lang=en"])).expect("JSON");
    assert_eq!((&json["code"], &json["what"]), (&"USAGE".into(), &"there is no command shwo (meant show?)".into()));
}
