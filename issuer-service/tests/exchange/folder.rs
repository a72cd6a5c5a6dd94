//! Interrupted at every place: the next run finishes, and nothing happens twice.

use std::process::Command;
use std::time::Duration;

use issuer_service::exchange::intake::{self, Outcome};
use issuer_service::exchange::{self, folder::Folder};

use crate::partner::{Town, bank_file, bank_reads, bank_row};

#[test]
fn a_file_recorded_and_not_yet_there_is_put_there_by_the_next_run() {
    let mut town = Town::new(&["样例"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    let bytes = town.sent(&file.name);
    // As a kill between the record and the rename leaves it.
    town.execute("UPDATE exchange_file SET state = 'prepared'");
    std::fs::remove_file(town.place("request").join(&file.name)).expect("removed");
    std::fs::write(town.place("request").join(format!(".{}.part", file.name)), b"half").expect("a draft");
    let folder = Folder::of(&town.centre.folder).expect("folder");
    exchange::complete(&mut town.centre.store, &folder).expect("completed");
    assert_eq!(town.sent(&file.name), bytes);
    assert_eq!(town.names("request"), [file.name]);
    assert_eq!(town.count("SELECT COUNT(*) FROM exchange_file WHERE state = 'sent'"), 1);
}

#[test]
fn a_file_left_in_work_is_taken_up_whether_or_not_it_was_carried_out() {
    let mut town = Town::new(&["样例"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    let asked = bank_reads(&town.sent(&file.name));
    let good = bank_file(&[bank_row(&asked[0], b'0', "")]);
    std::fs::write(town.place("run").join("RH_1_105_1"), &good).expect("left there");
    let intake = intake::take_all(&mut town.centre, None, Some("li")).expect("taken");
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 1, .. }), "{intake:?}");
    // Carried out, then killed before the file was moved.
    std::fs::rename(town.place("archive").join("RH_1_105_1"), town.place("run").join("RH_1_105_1")).expect("back");
    let before = town.snapshot();
    let intake = intake::take_all(&mut town.centre, None, Some("li")).expect("taken");
    assert!(matches!(intake.files[0].outcome, Outcome::Known { accepted: Some(1), .. }), "{intake:?}");
    assert_eq!(town.snapshot(), before);
    assert_eq!(town.names("archive"), ["RH_1_105_1"]);
}

#[test]
fn an_operator_without_the_role_moves_no_file() {
    let mut town = Town::new(&["样例"]);
    town.export("bank-fixed").expect("sent");
    std::fs::write(town.place("response").join("RH_1_105_1"), b"x").expect("there");
    assert!(intake::take_all(&mut town.centre, None, Some("wang")).is_err());
    assert_eq!(town.names("response"), ["RH_1_105_1"]);
    assert_eq!(intake::take_all(&mut town.centre, None, Some("li")).expect("taken").rejected(), 1);
}

#[test]
fn killed_at_many_moments_an_import_is_finished_once() {
    let folder = tempfile::tempdir().expect("folder");
    let issuer = |words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(words.split_whitespace()).env("ISSUER_DATA", folder.path().join("c")).env("LC_ALL", "C.UTF-8");
        command.envs((words == "init").then(crate::fresh::fresh).flatten().map(|url| ("ISSUER_DATABASE", url)));
        command
    };
    let ok = |words: &str| {
        let output = issuer(words).output().expect("runs");
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    ok("init");
    ok("operator add li --role capture");
    ok("operator add wang --role approve");
    let people: String = (1..=40).map(|n| format!("{},样例\n", number(n))).collect();
    std::fs::write(folder.path().join("people.csv"), format!("身份证号,姓名\n{people}")).expect("file");
    ok(&format!("import --operator li {}", folder.path().join("people.csv").display()));
    ok("batch create --operator li --count 40");
    ok("batch approve 1 --operator wang");
    ok("exchange export bank-fixed --batch 1 --partner 105 --operator li");
    let exchange = folder.path().join("c/exchange");
    let sent = std::fs::read_dir(exchange.join("request")).expect("folder").next().expect("a file").expect("entry");
    let asked = bank_reads(&std::fs::read(sent.path()).expect("bytes"));
    let rows: Vec<Vec<u8>> = asked.iter().map(|asked| bank_row(asked, b'0', "")).collect();
    std::fs::write(exchange.join("response/RH_1_105_1"), bank_file(&rows)).expect("answered");
    let mut kills = 0;
    for after_ms in (0..40).map(|step| step * 12) {
        let mut run =
            issuer("exchange import --operator li").stdout(std::process::Stdio::null()).spawn().expect("runs");
        std::thread::sleep(Duration::from_millis(after_ms));
        if run.try_wait().expect("state").is_some() {
            break;
        }
        run.kill().expect("killed");
        run.wait().expect("gone");
        kills += 1;
    }
    assert!(kills >= 3, "finished after {kills} kills: the moments come too late to show anything");
    issuer("exchange import --operator li").output().expect("runs");
    let list = ok("exchange list --format json");
    assert!(list.contains("\"accepted\":40") && list.contains("\"answered\""), "{list}");
    assert!(exchange.join("archive/RH_1_105_1").is_file());
    assert!(std::fs::read_dir(exchange.join("run")).expect("folder").next().is_none());
    ok("audit verify");
}

/// An invented number with its check character.
fn number(n: u32) -> String {
    let digits = format!("51330119900101{n:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = "10X98765432".chars().nth((sum % 11) as usize).expect("eleven");
    format!("{digits}{check}")
}
