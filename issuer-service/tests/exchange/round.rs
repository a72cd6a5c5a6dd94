//! There and back: sent, answered, taken in, made again.

use issuer_service::batch::{self, Selection};
use issuer_service::exchange::failure::ExchangeError;
use issuer_service::exchange::intake::{self, Outcome};
use issuer_service::exchange::{self, told};
use issuer_service::lang::Lang;
use issuer_service::output::Show;
use issuer_service::person::Details;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::Fields;
use issuer_service::registry;
use issuer_service::store::StoreError;
use proptest::prelude::*;

use crate::partner::{Town, bank_file, bank_reads, bank_row, codes, details, gb18030, lines};

#[test]
fn the_bank_reads_what_was_meant_at_the_published_offsets() {
    let mut town = Town::new(&["扎西·多吉", "样例"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    assert!(file.name.starts_with("SH_1_000000000000105_20"), "{}", file.name);
    let bytes = town.sent(&file.name);
    let rows = bank_reads(&bytes);
    assert_eq!(rows[0].detail, b"000000000001");
    assert_eq!(rows[1].detail, b"000000000002");
    assert_eq!(rows[0].task, format!("{:<32}", file.task).into_bytes());
    assert_eq!(rows[0].name, [&hex::decode("D4FACEF7A1A4B6E0BCAA").expect("hex")[..], &[b' '; 20]].concat());
    assert_eq!((&rows[0].sex[..], &rows[0].number[..]), (&b"2"[..], &b"513301199001010001"[..]));
    // Certificate type, nation, nationality, birthplace, birth, mobile.
    assert_eq!(&bytes[29 + 75..29 + 77], b"01");
    assert_eq!(&bytes[29 + 95..29 + 125], b"04CHN5133011990010119900001234");
}

#[test]
fn an_answer_moves_each_job_and_the_refused_are_made_again_with_new_numbers() {
    let mut town = Town::new(&["样例", "样例二", "样例三"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    let asked = bank_reads(&town.sent(&file.name));
    let rows = [bank_row(&asked[2], b'0', ""), bank_row(&asked[0], b'0', ""), bank_row(&asked[1], b'3', "证件过期")];
    let intake = town.answer("RH_1_105_20260301083000", &bank_file(&rows));
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 2, refused: 1, .. }), "{intake:?}");
    assert_eq!(town.names("archive"), ["RH_1_105_20260301083000"]);
    assert!(town.names("response").is_empty() && town.names("run").is_empty() && town.names("bad").is_empty());
    assert!(town.names("request").is_empty(), "what is answered is fetched no more");
    assert_eq!(town.count("SELECT COUNT(*) FROM job WHERE number = 2 AND state = 'spoilt'"), 1);
    assert_eq!(town.count("SELECT COUNT(*) FROM card_number WHERE state = 'spoilt'"), 1);
    assert_eq!(town.count("SELECT COUNT(*) FROM card_request WHERE state = 'open' AND person = 2"), 1);
    // Who was refused and why: masked, and in full for a reason.
    let masked = town.centre.store.read(|tx| told::told(tx, &file.task)).expect("told");
    let row = &masked.rows[1];
    assert_eq!((row.line, row.job, row.person, row.state.as_str()), (2, 2, 2, "refused"));
    assert_eq!((row.result.as_str(), row.words.as_str()), ("3", "****"));
    assert_eq!((masked.rows[0].state.as_str(), masked.rows[0].result.as_str()), ("accepted", "0"));
    let mut reveal = |reason, operator| told::reveal(&mut town.centre.store, &file.task, reason, Some(operator));
    assert!(matches!(reveal(" ", "li"), Err(ExchangeError::ReasonMissing)));
    assert!(matches!(reveal("the bank asks", "wang"), Err(ExchangeError::Operator(_))));
    let whole = reveal("the bank asks", "li").expect("told");
    assert_eq!(whole.rows[1].words, "证件过期");
    assert!(whole.text(Lang::En).contains("job 2, person 2, card number"), "{}", whole.text(Lang::En));
    assert!(whole.text(Lang::Zh).contains("结果 3，说明 证件过期"), "{}", whole.text(Lang::Zh));
    assert_eq!(town.records("exchange.reveal"), [format!("task {} the bank asks", file.task)]);

    let remade = batch::create(&mut town.centre.store, &Selection::Refused(1), Some("li")).expect("made again");
    assert_eq!((remade.number, remade.cards), (2, 1));
    batch::approve(&mut town.centre.store, 2, Some("wang"), 'A').expect("approved");
    let again = town.centre.store.read(|tx| tx.job_card_number(4)).expect("number");
    let first = town.centre.store.read(|tx| tx.job_card_number(2)).expect("number");
    assert_ne!(again, first);
    assert_eq!(town.count("SELECT COUNT(*) FROM card_number WHERE state = 'spoilt'"), 1);
    let nobody = batch::create(&mut town.centre.store, &Selection::Refused(1), Some("li"));
    assert!(matches!(nobody, Err(batch::BatchError::NobodyLeft { .. })));
    let second = town.export_batch("bank-fixed", 2).expect("sent").file.expect("a file");
    assert_eq!((second.rows, second.task == file.task), (1, false));
}

#[test]
fn a_batch_whose_people_are_all_refused_is_finished() {
    let mut town = Town::new(&["样例"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    let asked = bank_reads(&town.sent(&file.name));
    town.answer("RH_1_105_1", &bank_file(&[bank_row(&asked[0], b'1', "无此证件")]));
    assert_eq!(town.count("SELECT COUNT(*) FROM batch WHERE state = 'finished'"), 1);
}

#[test]
fn a_row_that_the_partner_cannot_read_is_left_out_and_named_never_mangled() {
    let long = "长".repeat(16);
    let mut town = Town::new(&["样例", "王\u{20BB7}", "\u{4DAE}", &long]);
    let exported = town.export("bank-fixed").expect("sent");
    let out: Vec<_> = exported.left_out.iter().map(|out| (out.job, out.code, out.character.as_deref())).collect();
    let expected = [(2, "NOT_ENCODABLE", Some("U+20BB7")), (3, "NOT_ENCODABLE", Some("U+4DAE")), (4, "TOO_LONG", None)];
    assert_eq!(out, expected);
    let bytes = town.sent(&exported.file.expect("a file").name);
    assert_eq!(bank_reads(&bytes).len(), 1);
    assert!(!bytes.contains(&b'?'));
    // A partner that reads GB 18030 gets all three that were left out.
    let file = town.export("bank-delimited").expect("sent").file.expect("a file");
    let names: Vec<String> = lines(&town.sent(&file.name)).into_iter().map(|cells| cells[4].clone()).collect();
    assert_eq!(names, ["王\u{20BB7}", "\u{4DAE}", &long]);
}

#[test]
fn nobody_is_asked_about_a_card_that_cannot_be_made_and_an_answer_sets_it_aside() {
    let mut town = Town::new(&["样例", "样例二", "样例三"]);
    town.execute("UPDATE person SET no_card = 'conflict' WHERE id = 2");
    let exported = town.export("bank-fixed").expect("sent");
    let out: Vec<_> = exported.left_out.iter().map(|out| (out.job, out.person, out.code)).collect();
    assert_eq!(out, [(2, 2, "NO_CARD")]);
    let asked = bank_reads(&town.sent(&exported.file.expect("a file").name));
    assert_eq!(asked.len(), 2);
    // The other two: one is disputed while the bank is asked, and refused by nobody.
    town.execute("UPDATE person SET no_card = 'conflict' WHERE id = 1");
    let rows: Vec<Vec<u8>> = asked.iter().map(|asked| bank_row(asked, b'0', "")).collect();
    let intake = town.answer("RH_1_105_1", &bank_file(&rows));
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 2, refused: 0, .. }), "{intake:?}");
    assert_eq!(town.count("SELECT COUNT(*) FROM job WHERE state = 'spoilt' AND number IN (1, 2)"), 2);
    assert_eq!(town.count("SELECT COUNT(*) FROM job WHERE state = 'waiting'"), 1);
    assert_eq!(town.records("job.set-aside"), ["job 1 conflict, person 1", "job 2 conflict, person 2"]);
}

#[test]
fn a_partner_is_asked_once_about_a_job_and_one_partner_at_a_time() {
    let mut town = Town::new(&["样例"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    for template in ["bank-fixed", "bank-delimited", "factory-delimited"] {
        assert!(matches!(town.export(template), Err(ExchangeError::NothingToSend { batch: 1 })), "{template}");
    }
    assert!(matches!(town.export("bank-fixed-return"), Err(ExchangeError::Direction { .. })));
    assert!(matches!(town.export("none"), Err(ExchangeError::TemplateUnknown)));
    // Why a file is given up names nobody in it.
    for reason in ["样例 moved away", "样 例 搬走", "call 1990-000 1234"] {
        let named = exchange::abandon(&mut town.centre, &file.task, reason, Some("li"));
        assert!(matches!(named, Err(ExchangeError::Store(StoreError::TextUnfit { .. }))), "{reason}: {named:?}");
    }
    // A bank that never answers is given up; its late answer is refused.
    let asked = bank_reads(&town.sent(&file.name));
    exchange::abandon(&mut town.centre, &file.task, "no answer in a month", Some("li")).expect("given up");
    // Nobody fetches it any more, nor is it put there again.
    assert!(!town.names("request").contains(&file.name));
    let again = exchange::resend(&mut town.centre, &file.task, Some("li"));
    assert!(matches!(again, Err(ExchangeError::FileState { .. })), "{again:?}");
    // As a kill between the record and the removal leaves it.
    std::fs::write(town.place("request").join(&file.name), b"still there").expect("left");
    let late = town.answer("RH_1_105_1", &bank_file(&[bank_row(&asked[0], b'0', "")]));
    assert_eq!(codes(&late), ["NothingSent"]);
    assert!(town.export("bank-delimited").expect("sent").file.is_some());
    assert!(!town.names("request").contains(&file.name));
}

#[test]
fn a_file_sent_again_is_the_same_file_even_when_the_person_has_moved() {
    let mut town = Town::new(&["样例"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    let first = town.sent(&file.name);
    std::fs::remove_file(town.place("request").join(&file.name)).expect("fetched");
    let mut details = crate::partner::details("样例", 1);
    details.sex = "1".to_owned();
    town.centre
        .store
        .journal(|tx| {
            let fields = issuer_service::person::field::Fields::ALL;
            let said = issuer_service::person::dossier::Statement {
                source: 1,
                at: 2,
                import: 2,
                row: 1,
                details: &details,
                fields,
                taken_back: issuer_service::person::field::Fields::NONE,
            };
            issuer_service::registry::upsert(tx, &said).map(|_| ())
        })
        .expect("changed");
    let again = exchange::resend(&mut town.centre, &file.task, Some("li")).expect("sent again");
    assert_eq!(town.sent(&again.name), first);
    // The answer repeats what was sent, not what is known today.
    let asked = bank_reads(&first);
    let intake = town.answer("RH_1_105_1", &bank_file(&[bank_row(&asked[0], b'0', "")]));
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 1, .. }), "{intake:?}");
}

#[test]
fn the_bank_is_told_the_certificate_of_who_has_no_citizen_number_and_answers_with_it() {
    let mut town = Town::new(&["样例"]);
    let foreign = Details {
        number: "GBR0GA1234567".to_owned(),
        ethnic_group: String::new(),
        certificate: "08 GA1234567 GBR".to_owned(),
        ..details("JOHN SMITH", 2)
    };
    town.centre
        .store
        .journal(|tx| -> Result<(), StoreError> {
            let said = Statement {
                source: 1,
                at: 1,
                import: 1,
                row: 2,
                details: &foreign,
                fields: Fields::ALL,
                taken_back: Fields::NONE,
            };
            registry::upsert(tx, &said).map(|_| ())
        })
        .expect("registered");
    let selection = Selection::Next { county: None, count: 1000 };
    batch::create(&mut town.centre.store, &selection, Some("li")).expect("made");
    batch::approve(&mut town.centre.store, 2, Some("wang"), 'A').expect("approved");
    let file = town.export_batch("bank-fixed", 2).expect("sent").file.expect("a file");
    let bytes = town.sent(&file.name);
    assert_eq!(&bytes[29 + 75..29 + 95], b"08GA1234567         ");
    assert_eq!(&bytes[29 + 95..29 + 125], b"  GBR      1990010119900001234", "no ethnic group, no birthplace");
    let mut answer = bank_row(&bank_reads(&bytes)[0], b'0', "");
    answer[76..78].copy_from_slice(b"08");
    let intake = town.answer("RH_2_105_1", &bank_file(&[answer.clone()]));
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 1, .. }), "{intake:?}");
}

#[test]
fn the_bank_answers_delimited_and_the_factory_after_it() {
    let mut town = Town::new(&["扎西·多吉", "王\u{3402}"]);
    let bank = town.export("bank-delimited").expect("sent").file.expect("a file");
    let mut answer = String::new();
    for cells in lines(&town.sent(&bank.name)) {
        answer += &format!("{}|0||\n", cells.join("|"));
    }
    let long = answer.replacen("|0||", &format!("|1|{}|", "长".repeat(201)), 1);
    assert_eq!(codes(&town.answer("KH_1_20260301_082900_bret.txt", &gb18030(&long))), ["ReasonTooLong"]);
    let intake = town.answer("KH_1_20260301_083000_bret.txt", &gb18030(&answer));
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 2, .. }), "{intake:?}");

    let factory = town.export("factory-delimited").expect("sent").file.expect("a file");
    let rows = lines(&town.sent(&factory.name));
    assert_eq!(rows[0], ["task_id", "data_seq", "client_id", "name", "sex", "cert_no", "card_no", "valid_to"]);
    let head =
        "task_id|card_type|bank_id|recordcount|taskaddr|serid|sername|companyid|company|region_name|street|community|";
    let titles = "task_id|data_seq|client_id|name|sex|cert_no|card_no|ws_certno|bank_card_no|card_id|";
    let answer_of = |banks: [&str; 2]| {
        let mut answer = format!("{head}\n{}|1|105|2|||||||||\n{titles}\n", factory.task);
        for ((cells, card_id), bank) in rows[1..].iter().zip(["513300D15600000500000A0100000000", ""]).zip(banks) {
            answer += &format!("{}||{bank}|{card_id}|\n", cells[..7].join("|"));
        }
        answer
    };
    let name = "F_1_20260301082800_7_工厂_105_银行_d.txt";
    for (second, code) in [
        ("6217000000000006", "BankCardTwice"),
        ("6217000000000015", "BankCardCheck"),
        ("=HYPERLINK(1)", "BankCard"),
        ("13800001234", "BankCard"),
        ("51330119900101001X", "BankCard"),
    ] {
        let lie = answer_of(["6217000000000006", second]);
        assert_eq!(codes(&town.answer(name, &gb18030(&lie))), [code], "{second}");
    }
    // Another person's card in the making has it already.
    town.centre.store.journal(|tx| tx.keep_bank_card(2, "6217000000000006")).expect("kept");
    let answer = answer_of(["6217000000000006", "6217000000000014"]);
    assert_eq!(codes(&town.answer(name, &gb18030(&answer))), ["BankCardTaken"]);
    town.execute("DELETE FROM bank_card");
    let small = answer.replace("00500000A01", "00500000a01");
    let refused = town.answer("F_1_20260301082900_7_工厂_105_银行_d.txt", &gb18030(&small));
    assert_eq!(codes(&refused), ["Identifier"], "letters come back as they are written");
    let intake = town.answer("F_1_20260301083000_7_工厂_105_银行_d.txt", &gb18030(&answer));
    assert!(matches!(intake.files[0].outcome, Outcome::TakenIn { accepted: 1, refused: 1, .. }), "{intake:?}");
    let job = town.centre.store.read(|tx| tx.factory_job(1, "513300D15600000500000A01")).expect("read");
    assert_eq!(job, Some(1));
    // Its card is not for a blank one; nothing else waits.
    assert_eq!(town.centre.store.read(|tx| tx.next_waiting_job(1)).expect("read"), None);
    assert!(town.centre.store.read(|tx| tx.work_left(1)).expect("read"));
    // Numbers of bank cards stand nowhere open.
    for name in ["centre.db", "centre.db-wal"] {
        let bytes = std::fs::read(town.centre.folder.join(name)).unwrap_or_default();
        assert!(!bytes.windows(16).any(|window| window == b"6217000000000006"), "{name}");
    }
    // The number stays with its card when the file is emptied: also one of before it was kept there.
    let kept = |town: &mut Town, job| town.centre.store.read(|tx| tx.bank_card(job)).expect("read");
    assert_eq!((kept(&mut town, 1), kept(&mut town, 2)), (Some("6217000000000006".to_owned()), None));
    town.execute("DELETE FROM bank_card");
    town.centre.store.journal(|tx| tx.forget_exchange(2)).expect("emptied");
    assert_eq!(kept(&mut town, 1).as_deref(), Some("6217000000000006"));
    let told = town.centre.store.read(|tx| exchange::told::told(tx, &factory.task)).expect("told");
    assert_eq!(told.rows[0].bank_card_number, "************0006");
}

#[test]
fn the_same_answer_twice_changes_nothing_and_another_one_is_refused() {
    let mut town = Town::new(&["样例", "样例二"]);
    let file = town.export("bank-fixed").expect("sent").file.expect("a file");
    let asked = bank_reads(&town.sent(&file.name));
    let good = bank_file(&[bank_row(&asked[0], b'0', ""), bank_row(&asked[1], b'0', "")]);
    town.answer("RH_1_105_1", &good);
    let before = town.snapshot();
    let again = town.answer("RH_1_105_2", &good);
    assert!(matches!(again.files[0].outcome, Outcome::Known { accepted: Some(2), .. }), "{again:?}");
    let other = bank_file(&[bank_row(&asked[0], b'0', ""), bank_row(&asked[1], b'1', "")]);
    assert_eq!(codes(&town.answer("RH_1_105_3", &other)), ["NothingSent"]);
    assert_eq!(town.snapshot(), before);
    let path = town.place("archive").join("RH_1_105_1");
    let named = intake::take_file(&mut town.centre, &path, None, Some("li")).expect("read");
    assert!(matches!(named.files[0].outcome, Outcome::Known { .. }), "{named:?}");
}

/// Characters of GBK, of two-byte GB 18030 only, and of four bytes.
const CHARACTERS: [(&str, bool); 12] = [
    ("王", true),
    ("扎", true),
    ("西", true),
    ("·", true),
    ("㙍", false),
    ("镕", true),
    ("\u{4DAE}", false),
    ("\u{3402}", false),
    ("\u{20BB7}", false),
    ("\u{9FB4}", false),
    ("龘", true),
    ("喆", true),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_people_come_back_as_the_bank_decided(
        people in proptest::collection::vec((proptest::collection::vec(0..CHARACTERS.len(), 1..20), any::<bool>()), 1..9)
    ) {
        let names: Vec<String> =
            people.iter().map(|(places, _)| places.iter().map(|place| CHARACTERS[*place].0).collect()).collect();
        let mut town = Town::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let exported = town.export("bank-fixed").expect("sent");
        let fits = |places: &[usize]| places.len() <= 15 && places.iter().all(|place| CHARACTERS[*place].1);
        let expected: Vec<i64> = (1..).zip(&people).filter(|(_, (places, _))| !fits(places)).map(|(job, _)| job).collect();
        let left_out: Vec<i64> = exported.left_out.iter().map(|out| out.job).collect();
        prop_assert_eq!(&left_out, &expected);
        let Some(file) = exported.file else { return Ok(()) };
        let asked = bank_reads(&town.sent(&file.name));
        let decided: Vec<(i64, bool)> = (1..).zip(&people).filter(|(job, _)| !expected.contains(job))
            .map(|(job, (_, accepted))| (job, *accepted)).collect();
        let rows: Vec<Vec<u8>> = asked.iter().zip(&decided)
            .map(|(asked, (_, accepted))| bank_row(asked, if *accepted { b'0' } else { b'9' }, "原因")).collect();
        let intake = town.answer("RH_1_105_1", &bank_file(&rows));
        let yes = decided.iter().filter(|(_, accepted)| *accepted).count();
        let TakenCounts { accepted, refused } = taken(&intake);
        prop_assert_eq!((accepted, refused), (yes, decided.len() - yes));
        for (job, accepted) in decided {
            let state = if accepted { "waiting" } else { "spoilt" };
            let sql = format!("SELECT COUNT(*) FROM job WHERE number = {job} AND state = '{state}'");
            prop_assert_eq!(town.count(&sql), 1);
        }
    }
}

struct TakenCounts {
    accepted: usize,
    refused: usize,
}

fn taken(intake: &intake::Intake) -> TakenCounts {
    match intake.files[0].outcome {
        Outcome::TakenIn { accepted, refused, .. } => TakenCounts {
            accepted: usize::try_from(accepted).expect("small"),
            refused: usize::try_from(refused).expect("small"),
        },
        ref other => panic!("{other:?}"),
    }
}
