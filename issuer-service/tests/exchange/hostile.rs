//! Answers that are not what was asked for: each is refused whole, every fault is told, nothing changes.

use issuer_service::exchange::failure::ExchangeError;
use issuer_service::exchange::intake::{self, Outcome};
use issuer_service::exit::Exit;
use issuer_service::lang::Lang;
use issuer_service::output::Show;

use crate::partner::{Asked, Town, bank_file, bank_reads, bank_row, codes};

fn asked(names: &[&str]) -> (Town, Vec<Asked>) {
    let mut town = Town::new(names);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    let asked = bank_reads(&town.sent(&file.name));
    (town, asked)
}

#[test]
fn every_kind_of_wrong_answer_is_refused_with_its_fault_and_changes_nothing() {
    let (mut town, asked) = asked(&["样例", "样例二"]);
    let good = bank_file(&[bank_row(&asked[0], b'0', ""), bank_row(&asked[1], b'0', "")]);
    let (first, second) = (bank_row(&asked[0], b'0', ""), bank_row(&asked[1], b'0', ""));
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let foreign = Asked { detail: b"000000000009".to_vec(), ..asked[0].clone() };
    let other_task = Asked { task: format!("{:<32}", "2026010100000099").into_bytes(), ..asked[1].clone() };
    let no_task = Asked { task: format!("{:<32}", "2026010100000099").into_bytes(), ..asked[0].clone() };
    let renamed = Asked { name: asked[1].name.clone(), ..asked[0].clone() };
    let row = 29 + 317;
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("another count", with(2, b"00000003"), &["Count"]),
        ("another length", with(10, b"00000317"), &["Head"]),
        ("another header", with(0, b"SH"), &["Head"]),
        ("one row less", bank_file(std::slice::from_ref(&first)), &["RowMissing"]),
        ("a row twice", bank_file(&[first.clone(), second.clone(), second.clone()]), &["RowTwice"]),
        ("a foreign row", bank_file(&[bank_row(&foreign, b'0', ""), second.clone()]), &["RowForeign"]),
        ("a row of another task", bank_file(&[first.clone(), bank_row(&other_task, b'0', "")]), &["Task"]),
        ("no task of ours", bank_file(&[bank_row(&no_task, b'0', ""), second.clone()]), &["Task"]),
        ("another name", bank_file(&[bank_row(&renamed, b'0', ""), second.clone()]), &["Differs"]),
        ("another sex", with(29 + 75, b"1"), &["Differs"]),
        ("another certificate type", with(29 + 76, b"02"), &["Differs"]),
        ("an empty result", with(29, b" "), &["Result"]),
        ("a result of which nothing is known", with(29, b"9"), &["ResultUnknown"]),
        ("half a character", with(29 + 96, b"\xD4"), &["Encoding"]),
        ("a null byte", with(29 + 200, b"\0"), &["Encoding"]),
        ("UTF-8", with(29 + 96, "证".as_bytes()), &["Encoding"]),
        ("no last line end", good[..good.len() - 1].to_vec(), &["CutOff"]),
        ("a cut last row", [&good[..row + 100], b"\n"].concat(), &["Shape"]),
        ("line ends of another system", crlf(&good), &["LineEnds"]),
        ("nothing", Vec::new(), &["Empty"]),
        ("a line end only", b"\n".to_vec(), &["Shape"]),
        ("rows without header", good[29..].to_vec(), &["Head"]),
        ("a row with a letter for a number", with(29 + 1, b"00000000000x"), &["RowForeign"]),
        ("a negative number", with(29 + 1, b"-00000000001"), &["RowForeign"]),
    ];
    let before = town.snapshot();
    for (number, (what, bytes, expected)) in cases.into_iter().enumerate() {
        let intake = town.answer(&format!("RH_1_105_{number}"), &bytes);
        let found = codes(&intake);
        assert!(expected.iter().all(|code| found.iter().any(|found| found == code)), "{what}: {found:?}");
        assert_eq!(town.snapshot(), before, "{what}");
        assert!(town.names("bad").contains(&format!("RH_1_105_{number}")), "{what}");
        assert!(town.names("bad").contains(&format!("RH_1_105_{number}.report.json")), "{what}");
    }
    assert!(town.names("run").is_empty() && town.names("response").is_empty());
    // The good one is still welcome.
    let intake = town.answer("RH_1_105_good", &good);
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 2, refused: 0, .. }), "{intake:?}");
}

fn crlf(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect()
}

#[test]
fn all_faults_are_told_with_line_and_column_and_no_cell() {
    let (mut town, asked) = asked(&["样例", "样例二"]);
    let mut file = bank_file(&[bank_row(&asked[0], b' ', ""), bank_row(&asked[1], b'0', "")]);
    file[29 + 317 + 75] = b'1';
    file[29 + 317 + 45] = b'X';
    file[2] = b'9';
    let intake = town.answer("RH_1_105_1", &file);
    let Outcome::Rejected { faults, count } = &intake.files[0].outcome else { panic!("{intake:?}") };
    let told: Vec<_> = faults
        .iter()
        .map(|fault| (fault.line, fault.column.as_deref().unwrap_or("-"), format!("{:?}", fault.code)))
        .collect();
    let expected =
        [(1, "记录数", "Count".to_owned()), (2, "处理结果", "Result".to_owned()), (3, "姓名", "Encoding".to_owned())];
    // A name whose first byte is no lead byte any more may still be text; then it differs, and so does the sex.
    let differs = [
        expected[0].clone(),
        expected[1].clone(),
        (3, "姓名", "Differs".to_owned()),
        (3, "性别", "Differs".to_owned()),
    ];
    assert!(told == expected || told == differs, "{told:?}");
    assert_eq!(*count, u64::try_from(told.len()).expect("small"));
    let report = std::fs::read_to_string(town.place("bad").join("RH_1_105_1.report.json")).expect("report");
    assert!(!report.contains("样例") && !report.contains("51330119900101"), "{report}");
    assert!(report.contains("处理结果为空") && report.contains("the result is empty"), "{report}");
}

#[test]
fn the_batch_that_a_file_name_says_is_named_when_there_is_none() {
    let (mut town, _) = asked(&["样例"]);
    town.answer("RH_9_105_1", b"00\n");
    let report = std::fs::read_to_string(town.place("bad").join("RH_9_105_1.report.json")).expect("report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((&report["faults"][0]["code"], &report["faults"][0]["batch"]), (&"BATCH_UNKNOWN".into(), &9.into()));
    assert!(report["faults"][0]["zh"].as_str().is_some_and(|text| text.ends_with(": 9")), "{report}");
}

#[test]
fn a_long_answer_to_a_batch_that_does_not_exist_names_the_batch() {
    let (mut town, _) = asked(&["样例"]);
    let intake = town.answer("RH_9_105_1", &[b"x".repeat(40_000), b"\n".to_vec()].concat());
    assert!(format!("{intake:?}").contains("BatchUnknown"), "{intake:?}");
}

#[test]
fn a_head_that_does_not_fit_makes_no_file() {
    let (mut town, _) = asked(&["样例", "样例二"]);
    let templates = town.centre.folder.join("templates");
    std::fs::create_dir_all(&templates).expect("folder");
    let write = |width: u8| {
        let text = format!(
            "name = \"own\"\ntitle = \"x\"\npartner = \"factory\"\ndirection = \"export\"\nform = \"fixed\"\nrecord_bytes = 12
            file_name = \"own_{{batch}}_{{time}}\"\nhead = [[{{ title = \"任务\", value = \"task\", bytes = {width} }}]]
            columns = [{{ title = \"a\", value = \"detail\", bytes = 12 }}]"
        );
        std::fs::write(templates.join("own.toml"), text).expect("a template");
    };
    town.execute("UPDATE exchange_row SET state = 'abandoned'");
    write(15);
    let before = town.snapshot();
    let told = town.export("own");
    assert!(matches!(&told, Err(ExchangeError::HeadUnfit { column }) if column == "任务"), "{told:?}");
    assert_eq!(town.snapshot(), before);
    write(16);
    assert_eq!(town.export("own").expect("sent").file.expect("a file").rows, 2);
}

#[test]
fn one_changed_byte_is_refused_unless_it_is_the_partners_own_word() {
    let (mut town, asked) = asked(&["样例"]);
    let good = bank_file(&[bank_row(&asked[0], b'0', "")]);
    let before = town.snapshot();
    let own = |at: usize| at == 29 || (29 + 96..29 + 316).contains(&at);
    for at in (0..good.len()).filter(|at| !own(*at)) {
        let mut file = good.clone();
        file[at] ^= 0x01;
        let intake = town.answer(&format!("RH_1_105_{at}"), &file);
        assert_eq!(intake.rejected(), 1, "byte {at}");
        assert_eq!(town.snapshot(), before, "byte {at}");
    }
}

#[test]
fn a_huge_file_is_refused_without_being_read() {
    let (mut town, _) = asked(&["样例"]);
    for name in ["RH_1_105_1", "whatever.txt"] {
        let path = town.place("response").join(name);
        let file = std::fs::File::create(&path).expect("file");
        file.set_len(40 << 30).expect("a sparse file");
        let intake = intake::take_all(&mut town.centre, None, Some("li")).expect("no failure");
        assert_eq!(codes(&intake), ["TooLong"], "{name}");
        let outside = tempfile::tempdir().expect("folder");
        let path = outside.path().join(name);
        std::fs::File::create(&path).expect("file").set_len(40 << 30).expect("a sparse file");
        let intake = intake::take_file(&mut town.centre, &path, None, Some("li")).expect("no failure");
        assert_eq!(codes(&intake), ["TooLong"], "{name}");
    }
}

#[test]
fn names_that_are_no_answers_are_refused_by_their_name() {
    let (mut town, asked) = asked(&["样例"]);
    let good = bank_file(&[bank_row(&asked[0], b'0', "")]);
    for (name, code) in [("RH_9_105_1", "BatchUnknown"), ("RH_x_105_1", "NameUnknown"), ("SH_1_105_1", "NameUnknown")] {
        assert_eq!(codes(&town.answer(name, &good)), [code], "{name}");
    }
    // A bank cannot answer for a factory.
    assert_eq!(codes(&town.answer("F_1_2_3_4_5_6_d.txt", &good)), ["NothingSent"]);
}

#[test]
fn a_person_who_has_a_card_by_now_refuses_the_file() {
    let (mut town, asked) = asked(&["样例", "样例二"]);
    town.execute(
        "INSERT INTO card_number (number, serial, state, changed_at) VALUES ('B00000131', 900, 'used', '');
         INSERT INTO job (number, batch, person, card_number, state, changed_at) VALUES (90, 1, 2, 'B00000131', 'done', '');
         INSERT INTO card (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at)
         VALUES ('00112233445566778899', 90, 2, 'B00000131', '513300D1560000050000000100000000', 'ssc-3.0', '20260101',
                 '20360101', 'sealed', '')",
    );
    let before = town.snapshot();
    let good = bank_file(&[bank_row(&asked[0], b'0', ""), bank_row(&asked[1], b'0', "")]);
    let intake = town.answer("RH_1_105_1", &good);
    assert_eq!(codes(&intake), ["LiveCard"]);
    assert_eq!(town.snapshot(), before);
}

#[test]
fn a_name_that_nothing_may_repeat_refuses_its_file_and_no_other_one() {
    use std::os::unix::ffi::OsStrExt;
    let (mut town, asked) = asked(&["样例"]);
    let number = "513301199301010007";
    let bad: [&[u8]; 5] = [
        b"KH_513301199301010007_a_bret.txt",
        b"RH_1\nfoo_bar_1",
        &[b'n'; 250],
        b"RH_1_105_\xFF",
        "A_\u{1b}[2J".as_bytes(),
    ];
    let put = |town: &Town, place: &str| {
        for name in bad {
            std::fs::write(town.place(place).join(std::ffi::OsStr::from_bytes(name)), name).expect("written");
        }
    };
    put(&town, "response");
    // What an earlier program left in the middle of its work.
    put(&town, "run");
    let intake = town.answer("RH_1_105_1", &bank_file(&[bank_row(&asked[0], b'0', "")]));
    let (good, refused) = intake.files.split_last().expect("files");
    assert!(matches!(good.outcome, Outcome::TakenIn { accepted: 1, .. }), "{intake:?}");
    assert_eq!((refused.len(), intake.rejected()), (10, 10));
    assert!(town.names("run").is_empty() && town.names("response").is_empty());
    let kept = town.names("bad");
    assert_eq!(kept.iter().filter(|name| name.starts_with("unfit-name") && !name.ends_with(".json")).count(), 10);
    for file in refused {
        assert!(kept.contains(&file.name) && kept.contains(&format!("{}.report.json", file.name)), "{}", file.name);
        let report =
            std::fs::read_to_string(town.place("bad").join(format!("{}.report.json", file.name))).expect("report");
        assert!(report.contains("NAME_UNFIT") && !report.contains(number), "{report}");
    }
    // Every file is still there with what is in it.
    let mut texts: Vec<Vec<u8>> =
        refused.iter().map(|file| std::fs::read(town.place("bad").join(&file.name)).expect("kept")).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 5);
    // One by its path is refused before anything is copied.
    let outside = tempfile::tempdir().expect("folder");
    for name in bad.into_iter().chain([b".hidden".as_slice()]) {
        let path = outside.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(&path, "x").expect("written");
        let refused = intake::take_file(&mut town.centre, &path, None, Some("li"));
        assert!(matches!(refused, Err(ExchangeError::NameUnfit)), "{path:?}: {refused:?}");
    }
    assert!(town.names("run").is_empty());
}

#[test]
fn what_is_no_file_is_named_and_left_and_no_pipe_is_waited_for() {
    let (mut town, asked) = asked(&["样例"]);
    let response = town.place("response");
    let secret = town.centre.folder.join("centre.toml");
    std::os::unix::fs::symlink(&secret, response.join("RH_1_105_0")).expect("a link");
    std::fs::create_dir(response.join("RH_1_105_2")).expect("a folder");
    pipe(&response.join("RH_1_105_3"));
    pipe(&response.join("KH_513301199301010007"));
    let intake = town.answer("RH_1_105_1", &bank_file(&[bank_row(&asked[0], b'0', "")]));
    let left: Vec<&str> = intake
        .files
        .iter()
        .filter(|file| matches!(file.outcome, Outcome::Left { .. }))
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(left, ["unfit-name", "RH_1_105_0", "RH_1_105_2", "RH_1_105_3"], "{intake:?}");
    assert!(intake.files.iter().any(|file| matches!(file.outcome, Outcome::TakenIn { accepted: 1, .. })));
    assert_eq!(intake.exit(), Exit::Partly);
    for (lang, words) in [(Lang::Zh, "不是普通文件"), (Lang::En, "no plain file")] {
        assert_eq!(intake.text(lang).matches(words).count(), 4);
    }
    // Told again until somebody has looked; nothing was read, moved or followed.
    let again = intake::take_all(&mut town.centre, None, Some("li")).expect("no failure");
    assert_eq!((again.files.len(), again.exit()), (4, Exit::Partly));
    assert_eq!(town.names("response").len(), 4);
    assert!(secret.is_file());
    // By its path a pipe is refused at once, and so is a folder.
    let outside = tempfile::tempdir().expect("folder");
    pipe(&outside.path().join("RH_1_105_4"));
    std::fs::create_dir(outside.path().join("RH_1_105_5")).expect("a folder");
    for name in ["RH_1_105_4", "RH_1_105_5"] {
        let intake = intake::take_file(&mut town.centre, &outside.path().join(name), None, Some("li")).expect("told");
        assert_eq!((codes(&intake)[0].as_str(), intake.rejected()), ("NotPlain", 1));
    }
}

fn pipe(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

#[test]
fn what_a_partner_calls_its_files_stays_out_of_the_audit_log() {
    let (mut town, asked) = asked(&["样例"]);
    town.answer("RH_9_王测_1", b"x");
    town.answer("RH_1_王测_1", &bank_file(&[bank_row(&asked[0], b'0', "")]));
    let records = town.records("exchange.%");
    assert_eq!(records.len(), 3);
    assert!(!records.concat().contains("王测"), "{records:?}");
    // Report and record belong together by what the file holds.
    let report = std::fs::read_to_string(town.place("bad").join("RH_9_王测_1.report.json")).expect("report");
    let digest = issuer_service::exchange::sha256(b"x");
    assert!(report.contains(&digest) && records[1].contains(&digest), "{report} {records:?}");
}

#[test]
fn a_second_refused_file_of_a_name_does_not_replace_the_report_of_the_first() {
    let (mut town, _) = asked(&["样例"]);
    for bytes in [b"".as_slice(), b"x"] {
        town.answer("RH_1_105_1", bytes);
    }
    let expected = ["RH_1_105_1", "RH_1_105_1.2", "RH_1_105_1.2.report.json", "RH_1_105_1.report.json"];
    assert_eq!(town.names("bad"), expected);
}

#[test]
fn a_refusal_without_a_word_needs_a_code_that_the_template_lists() {
    let (mut town, asked) = asked(&["样例", "样例二"]);
    let rows = |first, reason| bank_file(&[bank_row(&asked[0], first, reason), bank_row(&asked[1], b'0', "")]);
    assert_eq!(codes(&town.answer("RH_1_105_1", &rows(b'9', ""))), ["ResultUnknown"]);
    let own = issuer_service::exchange::find(&town.centre.folder, "bank-fixed-return").expect("built in");
    let own = issuer_service::exchange::template::Template { refused: vec!["9".to_owned()], ..own };
    std::fs::create_dir_all(town.centre.folder.join("templates")).expect("folder");
    let path = town.centre.folder.join("templates/bank-fixed-return.toml");
    std::fs::write(path, toml::to_string(&own).expect("TOML")).expect("written");
    assert_eq!(codes(&town.answer("RH_1_105_2", &rows(b'8', ""))), ["ResultUnknown"]);
    let intake = town.answer("RH_1_105_3", &rows(b'9', ""));
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 1, refused: 1, .. }), "{intake:?}");
}

#[test]
fn a_row_that_is_not_answered_is_named_by_its_line_and_job_of_the_file_sent() {
    let (mut town, asked) = asked(&["样例", "样例二", "样例三"]);
    let answer = bank_file(std::slice::from_ref(&bank_row(&asked[1], b'0', "")));
    let intake = town.answer("RH_1_105_1", &answer);
    assert_eq!(codes(&intake), ["RowMissing", "RowMissing"]);
    let report = std::fs::read_to_string(town.place("bad").join("RH_1_105_1.report.json")).expect("report");
    assert!(report.contains("line 2 of the file sent, job 1") && report.contains("第 4 行，制卡任务 3"), "{report}");
}
