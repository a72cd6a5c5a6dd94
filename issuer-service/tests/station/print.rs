//! Printing again what a printer did not print: the card in the hopper is the one that is made, its chip is left alone.

use std::time::Duration;

use issuer_service::error::Explain;
use issuer_service::station::hook::Hook;
use issuer_service::station::print;

use crate::rig::{Rig, blank};

fn hook(template: &str) -> Hook {
    Hook { template: template.to_owned(), limit: Duration::from_secs(60), folder: None }
}

#[test]
fn cards_whose_printing_failed_are_printed_again_and_not_made_again() {
    let mut rig = Rig::new(3);
    let folder = tempfile::tempdir().expect("folder");
    let faces = folder.path().join("faces");
    // The second card's printing fails.
    rig.printer = Some(hook(&format!("[ {{job}} != 2 ] && cat > /dev/null && echo {{job}} >> {}", faces.display())));
    let cards: Vec<_> = (1..=3).map(blank).collect();
    let summary = rig.run(vec![cards.clone()]).expect("run");
    assert_eq!((summary.made, summary.unprinted), (3, 1));
    let chips = || cards.iter().map(|card| card.card().inspect()).collect::<Vec<_>>();
    let (before, receipts) = (chips(), rig.count("SELECT COUNT(*) FROM receipt"));
    let store = &mut rig.centre.store;
    let broken = print::batch_again(store, 1, None, &hook("exit 1"), (Some("sun"), None)).expect("tried");
    assert_eq!((broken.printed.len(), broken.unprinted[0].reason), (0, "HOOK_FAILED"));
    let face = folder.path().join("face.json");
    let good = hook(&format!("cat > {}", face.display()));
    let printed = print::batch_again(store, 1, None, &good, (Some("sun"), None)).expect("printed");
    let number = store.read(|tx| tx.job_card_number(2)).expect("a job");
    assert_eq!((printed.printed, printed.unprinted.len()), (vec![number.clone()], 0));
    let text = std::fs::read_to_string(&face).expect("printed");
    let told: serde_json::Value = serde_json::from_str(&text).expect("a face");
    assert_eq!(told["card_number"], number.as_str());
    assert!(print::batch_again(store, 1, None, &good, (Some("sun"), None)).expect("nothing left").printed.is_empty());
    // One that came out badly is named.
    let code = |error: issuer_service::station::failure::StationError| error.code();
    let again = |store: &mut _, why| print::batch_again(store, 1, Some(3), &good, (Some("sun"), why)).map_err(code);
    assert_eq!(again(store, None).err(), Some("REASON_MISSING"));
    assert_eq!(again(store, Some("colours pale")).expect("printed").printed.len(), 1);
    let acts = "SELECT COUNT(*) FROM audit WHERE act = 'card.print' AND actor = 'sun' AND detail =";
    // In the run three, once more by a broken printer and by a good one; one that was printed before.
    assert_eq!(rig.count(&format!("{acts} 'not printed before'")), 5);
    assert_eq!(rig.count(&format!("{acts} 'again: colours pale'")), 1);
    let store = &mut rig.centre.store;
    assert_eq!(
        print::batch_again(store, 1, Some(9), &good, (Some("sun"), None)).map_err(code).err(),
        Some("CARD_NOT_PRINTABLE")
    );
    assert_eq!(
        print::batch_again(store, 1, None, &good, (Some("li"), None)).map_err(code).err(),
        Some("OPERATOR_ROLE_MISSING")
    );
    assert_eq!(chips(), before, "no chip was touched");
    assert_eq!(rig.count("SELECT COUNT(*) FROM receipt"), receipts);
    rig.execute("UPDATE card SET state = 'normal' WHERE job = 3");
    let store = &mut rig.centre.store;
    assert_eq!(
        print::batch_again(store, 1, Some(3), &good, (Some("sun"), None)).map_err(code).err(),
        Some("CARD_NOT_PRINTABLE")
    );
}

#[test]
fn a_card_whose_printing_was_cut_off_is_listed_and_on_record_before_the_printer_has_it() {
    let mut rig = Rig::new(1);
    let folder = tempfile::tempdir().expect("folder");
    let seen = folder.path().join("seen");
    rig.printer = Some(hook(&format!("cat > {}", seen.display())));
    assert_eq!(rig.run(vec![vec![blank(1)]]).expect("run").made, 1);
    let before =
        "SELECT COUNT(*) FROM station_journal n JOIN station_journal p ON p.job = n.job AND p.sequence > n.sequence
         WHERE n.event = 'to-print' AND p.event = 'printed'";
    assert_eq!(rig.count(before), 1);
    // Killed while the printer ran: how it ended is on no record.
    rig.execute("DELETE FROM station_journal WHERE event = 'printed'");
    let readers = rig.centre.store.read(|tx| tx.reader_yield(Some(1))).expect("yield");
    assert_eq!(readers.iter().map(|reader| reader.unprinted).sum::<u64>(), 1);
    let good = hook("cat > /dev/null");
    let printed = print::batch_again(&mut rig.centre.store, 1, None, &good, (Some("sun"), None)).expect("printed");
    assert_eq!(printed.printed.len(), 1);
}

/// Where faces lie, wherever other temporary files go.
const ROOM: &str = "/dev/shm";

/// The space of process numbers of this process, as the folders are called by it.
fn space() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").expect("a link");
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect()
}

/// Files of faces that lie about.
fn left() -> usize {
    let own = format!("issuer-face-{}-{}-", space(), std::process::id());
    let names = std::fs::read_dir(ROOM).expect("a folder").filter_map(Result::ok).map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with(&own)).count()
}

#[test]
fn what_a_killed_process_left_of_faces_goes_when_a_run_with_a_printer_begins_and_no_other_ones() {
    let mut rig = Rig::new(1);
    rig.printer = Some(hook("cat > /dev/null"));
    // No process has such a number; another container's may.
    let folder =
        |space: &str| std::path::Path::new(ROOM).join(format!("issuer-face-{space}-4194305-{}", std::process::id()));
    let (own, others) = (folder(&space()), folder("1"));
    for folder in [&own, &others] {
        std::fs::create_dir_all(folder).expect("folder");
        std::fs::write(folder.join("back.png"), "a face").expect("written");
    }
    // No card comes, and none is printed.
    rig.run(vec![Vec::new()]).expect("run");
    let left = (own.exists(), others.exists());
    std::fs::remove_dir_all(&others).expect("removed");
    assert_eq!(left, (false, true));
}

#[test]
fn a_printer_gets_the_face_as_files_that_are_its_own_and_gone_when_it_has_ended() {
    let mut rig = Rig::new(1);
    crate::photo::take(&mut rig, 1, 4_096);
    let folder = tempfile::tempdir().expect("folder");
    let out = folder.path().display().to_string();
    rig.printer = Some(hook(&format!(
        "cat > /dev/null; cp {{back.png}} {{front.pdf}} {out} && stat -c %a $(dirname {{back.png}}) > {out}/mode && echo {{back.png}} > {out}/path"
    )));
    assert_eq!(rig.run(vec![vec![blank(1)]]).expect("run").unprinted, 0);
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("copied");
    assert!(read("back.png").starts_with(b"\x89PNG") && read("front.pdf").starts_with(b"%PDF"));
    assert_eq!(String::from_utf8_lossy(&read("mode")).trim(), "700");
    let path = String::from_utf8_lossy(&read("path")).trim().to_owned();
    assert!(path.ends_with("/back.png") && !std::path::Path::new(&path).exists(), "{path}");
    let number = rig.centre.store.read(|tx| tx.job_card_number(1)).expect("a job");
    assert!(!path.contains(&number), "{path}");
    assert_eq!(left(), 0);
    // The template of the site is the one that is drawn: one that cannot be says so, and nothing is started.
    let templates = folder.path().join("templates/face");
    std::fs::create_dir_all(&templates).expect("folder");
    std::fs::write(templates.join("back.svg"), "<svg/>").expect("template");
    let mark = folder.path().join("ran");
    let site =
        Hook { folder: Some(folder.path().to_owned()), ..hook(&format!("touch {}; : {{back.png}}", mark.display())) };
    let store = &mut rig.centre.store;
    let told = print::batch_again(store, 1, Some(1), &site, (Some("sun"), Some("torn"))).expect("tried");
    assert_eq!((told.unprinted[0].reason, mark.exists(), left()), ("HOOK_FACE_UNDRAWN", false, 0));
    // Of a command that fails, or is ended, nothing is left either.
    for command in ["exit 1; : {front.png}", "sleep 600; : {front.png}"] {
        let slow = Hook { limit: Duration::from_millis(300), ..hook(command) };
        let told = print::batch_again(store, 1, Some(1), &slow, (Some("sun"), Some("torn"))).expect("tried");
        assert_eq!((told.printed.len(), left()), (0, 0), "{command}");
    }
}
