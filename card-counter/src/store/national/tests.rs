use super::*;
use settlement::national::envelope::InstitutionNumber;
use std::collections::BTreeSet;

fn numbering(first: u16, last: u16) -> Numbering {
    let institution = InstitutionNumber::parse("P51339900001").expect("12");
    Numbering { institution, first, last }
}

fn at(seconds: i64) -> Now {
    Now::at(1_767_600_000 + seconds).expect("in range")
}

fn draft<'a>(bill: &'a BillId, psn_no: &'a str) -> SaleDraft<'a> {
    SaleDraft { bill_id: bill, psn_no, insutype: "310", region: Some("513399"), total: Fen::new(100) }
}

#[test]
fn no_number_is_given_out_twice_over_restarts_and_clocks_that_jump() {
    let folder = tempfile::tempdir().expect("folder");
    let mut seen = BTreeSet::new();
    for (round, jump) in [0, 1, -3_600, 0, 86_400, 0, -86_400].into_iter().enumerate() {
        let mut store = NationalStore::open(folder.path()).expect("opened");
        for _ in 0..5 {
            let msgid = store.next_message(&numbering(1, 3), Infno::PERSON, at(jump)).expect("a number");
            assert!(seen.insert(msgid.as_str().to_owned()), "round {round}: {msgid}");
            assert!(("0001"..="0003").contains(&&msgid.as_str()[26..]), "{msgid}");
        }
    }
    assert_eq!(seen.len(), 35);
}

#[test]
fn a_number_has_the_clocks_time_again_after_a_jump() {
    let folder = tempfile::tempdir().expect("folder");
    let mut store = NationalStore::open(folder.path()).expect("opened");
    store.next_message(&numbering(0, 9_999), Infno::PERSON, at(1_000_000)).expect("a number");
    let msgid = store.next_message(&numbering(0, 9_999), Infno::PERSON, at(0)).expect("a number");
    assert_eq!(msgid.at(), Some(at(0).date_time()));
}

#[test]
fn two_tills_of_one_pharmacy_share_no_number() {
    let [one, two] = [(0, 4_999), (5_000, 9_999)].map(|(first, last)| {
        let folder = tempfile::tempdir().expect("folder");
        let mut store = NationalStore::open(folder.path()).expect("opened");
        store.next_message(&numbering(first, last), Infno::PERSON, at(0)).expect("a number")
    });
    assert_ne!(one, two);
}

#[test]
fn a_sale_that_was_sent_is_uncertain_after_a_restart_and_blocks_its_bill_and_its_person() {
    let folder = tempfile::tempdir().expect("folder");
    let bill = BillId::parse("B-1").expect("a word");
    let other = BillId::parse("B-2").expect("a word");
    let mut store = NationalStore::open(folder.path()).expect("opened");
    let (number, msgid) = store.begin_sale(&draft(&bill, "P1"), &numbering(0, 9), at(0)).expect("begun");
    drop(store);
    let mut store = NationalStore::open(folder.path()).expect("opened");
    let sale = store.sale(number).expect("there");
    assert_eq!((sale.state, sale.unanswered()), (State::Uncertain, Some((Infno::SETTLE, msgid.as_str()))));
    assert_eq!(sale.history.len(), 2);
    for (bill, person) in [(&bill, "P2"), (&other, "P1")] {
        let error = store.begin_sale(&draft(bill, person), &numbering(0, 9), at(1)).expect_err("open");
        assert!(matches!(error, TerminalError::National(NationalError::Open { .. })), "{error}");
    }
    store.begin_sale(&draft(&other, "P2"), &numbering(0, 9), at(1)).expect("another person, another bill");
    assert_eq!(store.move_sale(&sale, Event::Reversed, None).ok(), Some(State::Reversed));
    assert!(matches!(store.move_sale(&sale, Event::Reversed, None), Err(StoreError::Moved { .. })), "once");
    store.begin_sale(&draft(&bill, "P1"), &numbering(0, 9), at(2)).expect("free again");
}

#[test]
fn a_settled_bill_is_settled_once_and_cancelled_by_its_own_message() {
    let folder = tempfile::tempdir().expect("folder");
    let bill = BillId::parse("B-1").expect("a word");
    let mut store = NationalStore::open(folder.path()).expect("opened");
    let (number, _) = store.begin_sale(&draft(&bill, "P1"), &numbering(0, 9), at(0)).expect("begun");
    let said = |setl_id: &str| Settled {
        setl_id: setl_id.to_owned(),
        mdtrt_id: "M1".to_owned(),
        day: at(0).date(),
        paid: [Fen::ZERO, Fen::new(90), Fen::new(10)],
        clearing: (Some("513399".to_owned()), Some("41".to_owned())),
        paper: Some(format!("drugs of {setl_id}")),
    };
    let sent = store.sale(number).expect("there");
    assert_eq!(store.settled(&sent, &said("S1")).ok(), Some(State::Settled));
    let error = store.begin_sale(&draft(&bill, "P1"), &numbering(0, 9), at(1)).expect_err("settled");
    assert!(matches!(error, TerminalError::National(NationalError::BillSettled { .. })), "{error}");
    let settled = store.sale(number).expect("there");
    store.begin_cancel(&settled, &numbering(0, 9), at(2)).expect("begun");
    assert!(matches!(store.begin_cancel(&settled, &numbering(0, 9), at(3)), Err(StoreError::Moved { .. })));
    let cancelling = store.sale(number).expect("there");
    assert_eq!(store.settled(&cancelling, &said("R1")).ok(), Some(State::Cancelled));
    let cancelled = store.sale(number).expect("there");
    assert_eq!(cancelled.refund, Some(("R1".to_owned(), at(0).date())));
    let papers = [&settled, &cancelled].map(|sale| store.paper(sale).expect("opens"));
    assert_eq!(papers, [Some("drugs of S1".to_owned()), Some("drugs of R1".to_owned())]);
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(8).any(|window| window == b"drugs of"), "sealed");
    }
    assert_eq!(cancelled.ids, Some(("S1".to_owned(), "M1".to_owned())), "the sale keeps its own");
    assert_eq!(store.days_to_compare(at(0).date()).expect("days"), [at(0).date()]);
    store.compared(at(0).date(), true).expect("noted");
    assert!(store.days_to_compare(at(0).date()).expect("days").is_empty());
}

#[test]
fn a_persons_number_stands_nowhere_in_the_clear_and_does_not_open_with_another_key() {
    let folder = tempfile::tempdir().expect("folder");
    let (bill, planted) = (BillId::parse("B-1").expect("a word"), "51339900000000000000007777");
    let mut store = NationalStore::open(folder.path()).expect("opened");
    let (number, _) = store.begin_sale(&draft(&bill, planted), &numbering(0, 9), at(0)).expect("begun");
    assert_eq!(store.sale(number).expect("there").psn_no, planted);
    assert!(!format!("{:?}", store.sale(number)).contains(planted));
    drop(store);
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(planted.len()).any(|window| window == planted.as_bytes()));
    }
    std::fs::write(folder.path().join("national.key"), "00".repeat(32)).expect("written");
    let error = NationalStore::open(folder.path()).expect_err("another key");
    assert!(matches!(error, TerminalError::Store(StoreError::Corrupt { .. })), "{error}");
}
