//! The proof itself, and that it finds what a wrong terminal does.

use card_counter::TerminalError;
use card_counter::journal::{Done, Draft, Entry, EntryNumber, Journal, Sent};
use card_counter::store::StoreError;
use card_counter::tap::Tapped;
use settlement::id::CardIdentifier;
use settlement::journal::Event;
use settlement::record::Evidence;
use tear::clerk::{Act, Book, Habit, Ours, PRICE};
use tear::proof::{Depth, Proof, Row, Totals};

fn proved(act: Act, habit: &dyn Habit, depth: Depth) -> (Totals, Vec<Row>) {
    let mut rows = Vec::new();
    let totals = Proof::of(act, habit, depth).expect("a town").run(&mut |row| {
        rows.push(row.clone());
        Ok(())
    });
    (totals.expect("runs to its end"), rows)
}

/// Points whose name has these words.
fn count(rows: &[Row], words: &str) -> usize {
    rows.iter().filter(|row| row.points.first().is_some_and(|point| point.contains(words))).count()
}

fn holds(act: Act, pairs_min: u64) -> Vec<Row> {
    let (totals, rows) = proved(act, &Ours, Depth::Pairs);
    let broken: Vec<_> = rows.iter().filter(|row| !row.conserved).collect();
    assert!(totals.hold(), "{totals:?}\n{broken:#?}");
    assert_eq!(totals.points, rows.len() as u64, "a pair is told only when it is broken");
    assert!(totals.pairs >= pairs_min && totals.lived < totals.pairs, "{totals:?}");
    rows
}

#[test]
fn a_purchase_torn_anywhere_and_again_anywhere_loses_and_doubles_nothing() {
    let rows = holds(Act::Purchase, 5_000);
    for (words, least) in [
        ("card", 40),
        ("DEBIT FOR PURCHASE: in write", 4),
        ("DEBIT FOR PURCHASE: before write", 4),
        ("PSAM", 20),
        ("INIT SAM FOR PURCHASE", 6),
        ("journal", 8),
        ("PREPARED", 2),
        ("SENT", 2),
        ("CONFIRMED", 2),
        ("centre", 2),
    ] {
        assert!(count(&rows, words) >= least, "{words}: {}", count(&rows, words));
    }
}

#[test]
fn a_purchase_with_the_centre_asked_first_torn_anywhere_loses_and_doubles_nothing_and_leaves_nothing_open() {
    for act in [Act::Online, Act::Consent] {
        // All pairs are a matter of minutes: `make soak`, `sscard tear online`, `sscard tear consent`.
        let (totals, rows) = proved(act, &Ours, Depth::Sample(29));
        let broken: Vec<_> = rows.iter().filter(|row| !row.conserved).collect();
        assert!(totals.hold() && totals.points > 100 && totals.pairs > 200, "{totals:?}\n{broken:#?}");
        assert_eq!(totals.points, rows.len() as u64, "a pair is told only when it is broken");
        for (words, least) in [
            ("/sales: before", 1),
            ("/sales: late", 1),
            ("/sales: after", 1),
            ("/batches: before", 1),
            ("/batches: after", 1),
            ("a letter, or its answer", 6),
            ("DEBIT FOR PURCHASE: in write", 4),
            ("journal", 14),
        ] {
            assert!(count(&rows, words) >= least, "{act:?} {words}: {}", count(&rows, words));
        }
    }
}

#[test]
fn a_load_torn_anywhere_and_again_anywhere_loses_and_doubles_nothing() {
    let rows = holds(Act::Load, 5_000);
    for (words, least) in
        [("CREDIT FOR LOAD", 8), ("/loads: ", 3), ("/loads: late", 1), ("/loads/outcome", 3), ("/loads/quote", 3)]
    {
        assert!(count(&rows, words) >= least, "{words}: {}", count(&rows, words));
    }
}

#[test]
fn a_refund_torn_anywhere_and_again_anywhere_loses_and_doubles_nothing() {
    let rows = holds(Act::Refund, 5_000);
    for (words, least) in
        [("CREDIT FOR LOAD", 8), ("/loads: ", 3), ("/loads: late", 1), ("/loads/outcome", 3), ("agreed", 2)]
    {
        assert!(count(&rows, words) >= least, "{words}: {}", count(&rows, words));
    }
}

#[test]
fn a_change_of_the_pin_torn_anywhere_and_again_anywhere_leaves_a_pin_that_somebody_knows() {
    let rows = holds(Act::Pin, 100);
    assert!(count(&rows, "CHANGE PIN: in write") >= 4);
}

/// Writes SENT when DEBIT was answered already.
struct Late;

struct LateBook<'s> {
    inner: Book<'s>,
    owed: Option<(EntryNumber, Sent)>,
}

impl LateBook<'_> {
    fn pay(&mut self) -> Result<(), StoreError> {
        self.owed.take().map_or(Ok(()), |(number, sent)| self.inner.send(number, &sent))
    }
}

impl Journal for LateBook<'_> {
    fn prepare(&mut self, draft: &Draft) -> Result<Entry, StoreError> {
        self.inner.prepare(draft)
    }

    fn send(&mut self, number: EntryNumber, sent: &Sent) -> Result<(), StoreError> {
        self.owed = Some((number, *sent));
        Ok(())
    }

    fn confirm(&mut self, number: EntryNumber, event: Event, done: &Done) -> Result<Entry, StoreError> {
        self.pay()?;
        self.inner.confirm(number, event, done)
    }

    fn close(&mut self, number: EntryNumber, event: Event, reason: &str) -> Result<Entry, StoreError> {
        self.pay()?;
        self.inner.close(number, event, reason)
    }

    fn open_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        self.inner.open_of(card)
    }
}

impl Habit for Late {
    fn journal<'s>(&self, book: Book<'s>) -> Box<dyn Journal + 's> {
        Box::new(LateBook { inner: book, owed: None })
    }
}

/// Does not ask the card what it did: it debits again, or believes that it was debited.
struct Blind {
    believes: bool,
}

impl Habit for Blind {
    fn settle(&self, tapped: &mut Tapped<'_>, journal: &mut dyn Journal) -> Result<Vec<Entry>, TerminalError> {
        let open = journal.open_of(&tapped.identifier)?;
        let settled = open.into_iter().map(|entry| {
            let sent = entry.sent.expect("what is open was sent");
            let balance_after = entry.draft.subject.balance_after(sent.balance_before).expect("it was checked");
            let done = Done { balance_after, evidence: Evidence::LogOnly };
            if self.believes {
                journal.confirm(entry.number, Event::ShownDone, &done)
            } else {
                journal.close(entry.number, Event::ShownNotDone, "NOT_DONE")
            }
        });
        Ok(settled.collect::<Result<_, _>>()?)
    }
}

#[test]
fn towns_that_are_called_alike_end_alike() {
    // Of a terminal that loses and doubles, so that the sums say something.
    let blind = Blind { believes: false };
    let sums = |one_by_one: bool| {
        let proof = Proof::of(Act::Purchase, &blind, Depth::Sample(97)).expect("a town");
        let proof = if one_by_one { proof.one_by_one() } else { proof };
        let mut rows = Vec::new();
        let totals = proof.run(&mut |row| {
            rows.push((row.points.clone(), row.verdict, row.stuck.clone()));
            Ok(())
        });
        (totals.expect("runs to its end"), rows)
    };
    let ((short, short_rows), (long, long_rows)) = (sums(false), sums(true));
    assert_eq!((Totals { lived: 0, ..short }, short_rows), (Totals { lived: 0, ..long }, long_rows));
    assert!(long.lived == long.pairs && short.lived < short.pairs / 2 && short.doubled_fen > 0, "{short:?} {long:?}");
}

#[test]
fn a_terminal_that_writes_after_the_debit_is_found_out() {
    let (totals, rows) = proved(Act::Purchase, &Late, Depth::Points);
    assert!(totals.doubled_fen >= i64::from(PRICE) && !totals.hold(), "{totals:?}");
    let row = rows.iter().find(|row| row.verdict.doubled_fen > 0).expect("a row");
    assert_eq!(row.verdict.doubled_fen, i64::from(PRICE), "{row:?}");
    assert_eq!(row.end.card_fen, 50_000 - 2 * i64::from(PRICE), "the holder paid twice: {row:?}");
}

#[test]
fn a_terminal_that_debits_again_without_asking_the_card_is_found_out() {
    let (totals, _) = proved(Act::Purchase, &Blind { believes: false }, Depth::Points);
    assert!(totals.doubled_fen >= i64::from(PRICE), "{totals:?}");
}

#[test]
fn a_terminal_that_believes_that_it_was_paid_is_found_out() {
    let (totals, _) = proved(Act::Purchase, &Blind { believes: true }, Depth::Points);
    assert!(totals.lost_fen >= i64::from(PRICE), "{totals:?}");
}
