//! Answers that are not what was asked for: each is refused whole, every fault is told, nothing changes.

use issuer_service::exchange::intake::{self, Outcome};

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
