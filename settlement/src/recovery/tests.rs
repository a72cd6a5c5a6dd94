//! Every short history of a card after a lost answer, against what truly happened.

use super::*;

const OURS: TerminalNumber = TerminalNumber([0x99, 0, 0, 0, 0, 1]);
const OTHER: TerminalNumber = TerminalNumber([0x99, 0, 0, 0, 0, 2]);
const PURCHASE: u8 = 0x32;
const LOAD: u8 = 0x01;
const TAC: Tac = Tac([0xAA; 4]);
const OTHER_TAC: Tac = Tac([0xBB; 4]);
const MAC2: Mac = Mac([0xCC; 4]);
/// Records that the log file of the model keeps.
const LOG_RECORDS: usize = 4;

/// The little of a card that matters here.
#[derive(Clone, Debug)]
struct Card {
    convention: SequenceConvention,
    offline: u16,
    online: u16,
    balance: u32,
    log: Vec<LogRecord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happens {
    /// The same amount, elsewhere.
    SamePurchase,
    /// A purchase of nothing from the account, elsewhere.
    CashPurchase,
    /// A load of the same amount, elsewhere.
    Load,
}

impl Card {
    fn step(&mut self, kind: Kind, terminal: TerminalNumber, minute: u8, amounts: Amounts) {
        let (counter, transaction_type) = match kind {
            Kind::Purchase => (&mut self.offline, PURCHASE),
            Kind::Load => (&mut self.online, LOAD),
        };
        let before = *counter;
        *counter += 1;
        let sequence = if self.convention == SequenceConvention::Before { before } else { before + 1 };
        match kind {
            Kind::Purchase => self.balance -= amounts.personal_account,
            Kind::Load => self.balance += amounts.personal_account,
        }
        let date_time = [0x20, 0x26, 0x01, 0x02, 0x10, minute, 0];
        self.log.insert(0, LogRecord { sequence, transaction_type, terminal, date_time, amounts });
        self.log.truncate(LOG_RECORDS);
    }

    fn happen(&mut self, what: Happens, minute: u8) {
        match what {
            Happens::SamePurchase => self.step(Kind::Purchase, OTHER, minute, amounts()),
            Happens::CashPurchase => {
                self.step(Kind::Purchase, OTHER, minute, Amounts { self_paid: 100, ..Amounts::default() });
            }
            Happens::Load => self.step(Kind::Load, OTHER, minute, amounts()),
        }
    }

    fn sequence(&self, kind: Kind) -> u16 {
        match kind {
            Kind::Purchase => self.offline,
            Kind::Load => self.online,
        }
    }
}

#[test]
fn an_equal_sale_of_the_same_second_is_not_taken_for_one_that_moved_nothing() {
    for convention in [SequenceConvention::Before, SequenceConvention::After] {
        for kind in [Kind::Purchase, Kind::Load] {
            let mut card = before(convention);
            // The same terminal, second and amounts, one number earlier.
            card.step(kind, OURS, 1, amounts());
            let lost = entry(kind, &card);
            let now = CardNow {
                sequence: card.sequence(kind),
                balance: Fen::from_card(card.balance),
                log: Some(&card.log),
                proof: None,
            };
            assert_eq!(decide(&lost, &now), Decision::NotDone, "{convention:?} {kind:?}");
        }
    }
}

fn amounts() -> Amounts {
    Amounts { personal_account: 250, ..Amounts::default() }
}

fn before(convention: SequenceConvention) -> Card {
    let mut card = Card { convention, offline: 7, online: 7, balance: 10_000, log: Vec::new() };
    card.step(Kind::Purchase, OTHER, 0, amounts());
    card.step(Kind::Load, OTHER, 0, amounts());
    card
}

fn entry(kind: Kind, card: &Card) -> Unanswered {
    Unanswered {
        kind,
        transaction_type: if kind == Kind::Purchase { PURCHASE } else { LOAD },
        convention: card.convention,
        balance_before: Fen::from_card(card.balance),
        card_sequence: card.sequence(kind),
        amounts: amounts(),
        terminal: OURS,
        date_time: DateTime::parse("20260102100100").expect("real"),
    }
}

/// All sequences of at most `length` events.
fn histories(length: usize) -> Vec<Vec<Happens>> {
    let mut all = vec![vec![]];
    let mut last = all.clone();
    for _ in 0..length {
        last = last
            .iter()
            .flat_map(|history| {
                [Happens::SamePurchase, Happens::CashPurchase, Happens::Load]
                    .map(|event| history.iter().copied().chain([event]).collect::<Vec<_>>())
            })
            .collect();
        all.extend(last.clone());
    }
    all
}

/// What PROVE may answer: nothing; our proof or the one of whoever took the number; verified only when ours.
fn proofs(happened: bool, number_used: bool) -> Vec<Option<Proof>> {
    let mut proofs = vec![None];
    if number_used {
        proofs.push(Some(Proof { tac: if happened { TAC } else { OTHER_TAC }, mac2: MAC2, mac2_verified: false }));
        if happened {
            proofs.push(Some(Proof { tac: TAC, mac2: MAC2, mac2_verified: true }));
        }
    }
    proofs
}

#[test]
fn the_decision_is_never_wrong_and_undecided_only_without_evidence() {
    let (mut cases, mut undecided) = (0, 0);
    for convention in [SequenceConvention::Before, SequenceConvention::After] {
        for kind in [Kind::Purchase, Kind::Load] {
            for happened in [false, true] {
                for history in histories(4) {
                    let mut card = before(convention);
                    let entry = entry(kind, &card);
                    if happened {
                        card.step(kind, OURS, 1, amounts());
                    }
                    for (minute, event) in (2..).zip(&history) {
                        card.happen(*event, minute);
                    }
                    let steps = card.sequence(kind) - entry.card_sequence;
                    for log in [Some(&card.log[..]), None] {
                        for proof in proofs(happened, steps > 0) {
                            cases += 1;
                            let now = CardNow {
                                sequence: card.sequence(kind),
                                balance: Fen::from_card(card.balance),
                                log,
                                proof,
                            };
                            let decision = decide(&entry, &now);
                            let context = format!("{kind:?} {convention:?} happened={happened} {history:?} {now:?}");
                            let verified = proof.is_some_and(|proof| proof.mac2_verified);
                            let in_log = log.is_some_and(|log| {
                                log.iter().any(|r| {
                                    r.sequence == number(&entry) && r.transaction_type == entry.transaction_type
                                })
                            });
                            if steps > 0 && !in_log && !verified {
                                undecided += 1;
                                assert_eq!(decision, contradiction(Contradiction::NoEvidence), "{context}");
                                continue;
                            }
                            let expected = match (happened, proof) {
                                (true, Some(_)) => Decision::Done { tac: TAC, mac2: MAC2 },
                                (true, None) => Decision::DoneWithoutTac,
                                (false, _) => Decision::NotDone,
                            };
                            assert_eq!(decision, expected, "{context}");
                        }
                    }
                }
            }
        }
    }
    assert!(cases - undecided > 2_000 && undecided > 100, "{cases} {undecided}");
}

#[test]
fn with_no_other_transaction_between_log_and_counter_decide_alone() {
    for kind in [Kind::Purchase, Kind::Load] {
        let mut card = before(SequenceConvention::Before);
        let entry = entry(kind, &card);
        let look = |card: &Card, proof| {
            let balance = Fen::from_card(card.balance);
            decide(&entry, &CardNow { sequence: card.sequence(kind), balance, log: Some(&card.log), proof })
        };
        assert_eq!(look(&card, None), Decision::NotDone);
        card.step(kind, OURS, 1, amounts());
        assert_eq!(look(&card, None), Decision::DoneWithoutTac);
        let proof = Proof { tac: TAC, mac2: MAC2, mac2_verified: false };
        assert_eq!(look(&card, Some(proof)), Decision::Done { tac: TAC, mac2: MAC2 });
    }
}

#[test]
fn cards_that_contradict_themselves_are_left_to_a_person() {
    let card = before(SequenceConvention::Before);
    let entry = entry(Kind::Purchase, &card);
    let mut done = card.clone();
    done.step(Kind::Purchase, OURS, 1, amounts());
    let mut elsewhere = card.clone();
    elsewhere.step(Kind::Purchase, OTHER, 1, amounts());
    let balance = Fen::from_card(card.balance);
    let verified = Some(Proof { tac: TAC, mac2: MAC2, mac2_verified: true });
    let now = |sequence, balance, log, proof| CardNow { sequence, balance, log: Some(log), proof };
    for (why, now) in [
        (Contradiction::CounterBackwards, now(card.offline - 1, balance, &card.log, None)),
        (Contradiction::BalanceWithoutCounter, now(card.offline, Fen::new(9_999 - 250), &card.log, None)),
        (Contradiction::ShownWithoutCounter, now(card.offline, balance, &done.log, None)),
        (Contradiction::ShownWithoutCounter, now(card.offline, balance, &card.log, verified)),
        (Contradiction::LogAgainstProof, now(done.offline, Fen::from_card(done.balance), &elsewhere.log, verified)),
        (Contradiction::NoEvidence, now(done.offline, Fen::from_card(done.balance), &[], None)),
        (Contradiction::BalanceAgainstLog, now(done.offline, Fen::from_card(done.balance - 1), &done.log, None)),
    ] {
        assert_eq!(decide(&entry, &now), Decision::Contradiction { why }, "{why}");
    }
}

#[test]
fn a_load_that_the_balance_contradicts_is_left_to_a_person() {
    let card = before(SequenceConvention::Before);
    let entry = entry(Kind::Load, &card);
    let mut done = card.clone();
    done.step(Kind::Load, OURS, 1, amounts());
    let look = |card: &Card, balance| {
        let balance = Fen::from_card(balance);
        decide(&entry, &CardNow { sequence: card.online, balance, log: Some(&card.log), proof: None })
    };
    assert_eq!(look(&card, card.balance + 1), contradiction(Contradiction::BalanceWithoutCounter));
    assert_eq!(look(&card, card.balance - 1), Decision::NotDone, "a purchase in between");
    assert_eq!(look(&done, done.balance + 1), contradiction(Contradiction::BalanceAgainstLog));
    assert_eq!(look(&done, done.balance), Decision::DoneWithoutTac);
}

#[test]
fn a_log_record_that_differs_in_anything_is_not_ours() {
    let card = before(SequenceConvention::Before);
    let entry = entry(Kind::Purchase, &card);
    let mut done = card.clone();
    done.step(Kind::Purchase, OURS, 1, amounts());
    let changes: [fn(&mut LogRecord); 4] = [
        |r| r.terminal = OTHER,
        |r| r.date_time[6] ^= 1,
        |r| r.amounts.self_paid = 1,
        |r| r.amounts.personal_account = 249,
    ];
    for change in changes {
        let mut log = done.log.clone();
        change(&mut log[0]);
        let now =
            CardNow { sequence: done.offline, balance: Fen::from_card(done.balance + 1), log: Some(&log), proof: None };
        assert_eq!(decide(&entry, &now), Decision::NotDone);
    }
}

#[test]
fn a_card_that_numbers_otherwise_than_its_profile_is_noticed() {
    for (profile, truth) in [
        (SequenceConvention::Before, SequenceConvention::After),
        (SequenceConvention::After, SequenceConvention::Before),
    ] {
        let mut card = before(truth);
        let entry = Unanswered { convention: profile, ..entry(Kind::Purchase, &card) };
        card.step(Kind::Purchase, OURS, 1, amounts());
        card.step(Kind::Purchase, OTHER, 2, amounts());
        let now = CardNow {
            sequence: card.offline,
            balance: Fen::from_card(card.balance),
            log: Some(&card.log),
            proof: None,
        };
        assert_eq!(decide(&entry, &now), contradiction(Contradiction::NumberedOtherwise));
    }
}
