//! Killing the process behind an image is a power loss of the card.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use card_sim::fault::FaultPlan;
use card_sim::image;
use card_sim::memory::Durability;

use super::account::load;
use super::rig::{Rig, in_socket};

/// Image that the child works on until it is killed.
const IMAGE: &str = "CARD_SIM_KILLED_IMAGE";
const TEST: &str = "killed::a_process_killed_between_loads_leaves_a_whole_number_of_them";

fn rig_of(path: &Path) -> Rig {
    in_socket("ssc-3.0", image::open(path, Durability::Process).expect("free"))
}

#[test]
fn a_process_killed_between_loads_leaves_a_whole_number_of_them() {
    if let Some(path) = std::env::var_os(IMAGE) {
        let mut rig = rig_of(&PathBuf::from(path));
        for (name, value) in [("DLK", "11"), ("DTK", "22")] {
            rig.ring.insert(
                card_core::security::KeyName::new(name),
                1,
                card_core::key::Key16::new([u8::from_str_radix(value, 16).expect("hex"); 16]),
            );
        }
        rig.select("DF04");
        loop {
            assert!(load(&mut rig, 1).ends_with("9000"));
            std::io::stdout().write_all(b".").and_then(|()| std::io::stdout().flush()).expect("the parent listens");
        }
    }
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.card");
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    image::create(&path, text, super::rig::SERIAL, &FaultPlan::default()).expect("made");
    let mut rig = rig_of(&path);
    for name in ["DPK", "DLK", "DTK"] {
        rig.load_value(name, &if name == "DLK" { "11" } else { "22" }.repeat(16));
    }
    drop(rig);
    let mut last = 0;
    for round in 0..24_usize {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args([TEST, "--exact", "--nocapture"])
            .env(IMAGE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the test runs again");
        let mut heard = vec![0; 40 + 7 * round];
        child.stdout.take().expect("piped").read_exact(&mut heard).expect("it works until killed");
        child.kill().expect("SIGKILL");
        child.wait().expect("it ended");
        let inspection = image::inspect(&path).expect("a sound image").1;
        let account = inspection.account.expect("account");
        assert!(account.online_sequence > last, "round {round}");
        assert_eq!(account.personal_account, u32::from(account.online_sequence), "round {round}: one fen a load");
        let newest = inspection.files["DF04.EF08"].first().expect("a record");
        assert_eq!(newest[..4], format!("{:04X}", account.online_sequence - 1), "round {round}: the log goes with it");
        last = account.online_sequence;
    }
}
