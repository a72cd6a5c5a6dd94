//! Backups taken while a station writes cards.

use std::sync::atomic::{AtomicBool, Ordering};

use issuer_service::backup::create::write;
use issuer_service::backup::restore::{Order, restore};
use issuer_service::centre::Centre;
use issuer_service::progress::Quiet;

use crate::rig::{Rig, blank};

#[test]
fn every_backup_of_a_running_batch_brings_back_a_centre_that_holds() {
    let rig = Rig::new(6);
    let (folder, done) = (rig.centre.folder.clone(), AtomicBool::new(false));
    let cards: Vec<_> = (1..=6).map(blank).collect();
    let backups = std::thread::scope(|scope| {
        let (begun, wait) = std::sync::mpsc::channel();
        let taker = scope.spawn({
            let (folder, done) = (&folder, &done);
            move || {
                let mut taken = Vec::new();
                loop {
                    let last = done.load(Ordering::Relaxed);
                    let mut centre = Centre::open(folder).expect("opened");
                    taken.push(write(&mut centre, Vec::new(), "p", &Quiet).expect("a backup").0);
                    // Nobody waits any more once the station is at work.
                    let _ = begun.send(());
                    if last {
                        return taken;
                    }
                }
            }
        });
        wait.recv().expect("one is taken before the first card");
        let summary = rig.run(vec![cards[..3].to_vec(), cards[3..].to_vec()]).expect("run");
        assert_eq!((summary.made, summary.spoilt), (6, 0), "backups keep no station waiting");
        done.store(true, Ordering::Relaxed);
        taker.join().expect("taken")
    });
    let place = tempfile::tempdir().expect("folder");
    let mut before = 0;
    let count = backups.len();
    for (number, bytes) in backups.into_iter().enumerate() {
        let (file, folder) = (place.path().join("b"), place.path().join(format!("c{number}")));
        std::fs::write(&file, bytes).expect("file");
        let order = Order { file: &file, passphrase: "p", folder: &folder, database: None, gap: 10, actor: "sun" };
        restore(&order, &Quiet).expect("a centre that holds");
        let cards = |sql: &str| crate::ask::ask(&folder, sql).expect(sql)[0][0].parse::<i64>().expect("a number");
        let sealed = cards("SELECT COUNT(*) FROM card WHERE state = 'sealed'");
        assert_eq!(sealed, cards("SELECT COUNT(*) FROM receipt"), "backup {number}");
        assert_eq!(sealed, cards("SELECT COUNT(*) FROM audit WHERE act = 'card.make'"), "backup {number}");
        assert!(sealed >= before, "a later backup knows more");
        before = sealed;
    }
    assert!(count >= 2 && before == 6, "{count} backups, the last one of {before} cards");
}
