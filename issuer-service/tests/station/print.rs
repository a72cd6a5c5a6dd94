//! Printing again what a printer did not print: the card in the hopper is the one that is made, its chip is left alone.

use std::time::Duration;

use issuer_service::error::Explain;
use issuer_service::station::hook::Hook;
use issuer_service::station::print;

use crate::rig::{Rig, blank};

fn hook(template: &str) -> Hook {
    Hook { template: template.to_owned(), limit: Duration::from_secs(60) }
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
    let broken = print::batch_again(store, 1, None, &hook("exit 1"), Some("sun")).expect("tried");
    assert_eq!((broken.printed.len(), broken.unprinted[0].reason), (0, "HOOK_FAILED"));
    let face = folder.path().join("face.json");
    let good = hook(&format!("cat > {}", face.display()));
    let printed = print::batch_again(store, 1, None, &good, Some("sun")).expect("printed");
    let number = store.read(|tx| tx.job_card_number(2)).expect("a job");
    assert_eq!((printed.printed, printed.unprinted.len()), (vec![number.clone()], 0));
    let text = std::fs::read_to_string(&face).expect("printed");
    let told: serde_json::Value = serde_json::from_str(&text).expect("a face");
    assert_eq!(told["card_number"], number.as_str());
    assert!(print::batch_again(store, 1, None, &good, Some("sun")).expect("nothing left").printed.is_empty());
    // One that came out badly is named.
    assert_eq!(print::batch_again(store, 1, Some(3), &good, Some("sun")).expect("printed").printed.len(), 1);
    let code = |error: issuer_service::station::failure::StationError| error.code();
    assert_eq!(
        print::batch_again(store, 1, Some(9), &good, Some("sun")).map_err(code).err(),
        Some("CARD_NOT_PRINTABLE")
    );
    assert_eq!(
        print::batch_again(store, 1, None, &good, Some("li")).map_err(code).err(),
        Some("OPERATOR_ROLE_MISSING")
    );
    assert_eq!(chips(), before, "no chip was touched");
    assert_eq!(rig.count("SELECT COUNT(*) FROM receipt"), receipts);
    rig.execute("UPDATE card SET state = 'normal' WHERE job = 3");
    let store = &mut rig.centre.store;
    assert_eq!(
        print::batch_again(store, 1, Some(3), &good, Some("sun")).map_err(code).err(),
        Some("CARD_NOT_PRINTABLE")
    );
}
