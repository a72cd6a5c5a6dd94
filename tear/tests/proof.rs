//! The proof itself, and that it finds what a wrong terminal does.

use std::sync::Arc;

use card_core::Session;
use card_core::script::TwoChallenges;
use card_counter::TerminalError;
use card_counter::given_back::GivenBack;
use card_counter::journal::{Done, Draft, Entry, EntryNumber, Journal, Purchased, Sent, Shown, Subject};
use card_counter::read::files_with;
use card_counter::remote;
use card_counter::store::{Store, StoreError};
use card_counter::tap::{Ask, Tapped, tap};
use card_profiles::memory::CardMemory;
use card_profiles::profile::KeyClass;
use card_profiles::read::HOLDER;
use centre_line::http::Centre;
use centre_line::remote::authenticate;
use settlement::DateTime;
use settlement::fen::Fen;
use settlement::id::{CardChallenge, CardIdentifier, RequestId};
use settlement::journal::Event;
use settlement::message::Version1;
use settlement::record::Evidence;
use settlement::refund::{Parts, RefundAct};
use settlement::remote::{Challenges, ReadingKey, RemoteProofRequest};
use tear::clerk::{Act, Book, Habit, Life, Ours, PRICE, WIDE};
use tear::course::{Course, Wire};
use tear::proof::{Depth, Proof, Row, Totals};
use tear::town::Town;

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

fn holds(act: Act, depth: Depth, pairs_min: u64) -> Vec<Row> {
    let (totals, rows) = proved(act, &Ours, depth);
    let broken: Vec<_> = rows.iter().filter(|row| !row.conserved).collect();
    assert!(totals.hold(), "{totals:?}\n{broken:#?}");
    assert_eq!(totals.points, rows.len() as u64, "a pair is told only when it is broken");
    assert!(totals.pairs >= pairs_min && totals.lived < totals.pairs, "{totals:?}");
    rows
}

#[test]
fn a_purchase_torn_anywhere_and_again_anywhere_loses_and_doubles_nothing() {
    // All pairs: `make soak`, `sscard tear purchase`.
    let rows = holds(Act::Purchase, Depth::Sample(5), 1_000);
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
    for act in [Act::Online, Act::Consent, Act::Closed] {
        // All pairs are a matter of minutes: `make soak`, `sscard tear online`, `sscard tear consent`.
        let (totals, rows) = proved(act, &Ours, Depth::Sample(131));
        let broken: Vec<_> = rows.iter().filter(|row| !row.conserved).collect();
        assert!(totals.hold() && totals.points > 100 && totals.pairs > 100, "{totals:?}\n{broken:#?}");
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
fn a_purchase_that_somebody_judged_wrong_torn_anywhere_comes_out_as_the_card_has_it() {
    let (totals, rows) = proved(Act::Judged, &Ours, Depth::Sample(41));
    let broken: Vec<_> = rows.iter().filter(|row| !row.conserved).collect();
    assert!(totals.hold() && totals.points > 50 && totals.pairs > 50, "{totals:?}\n{broken:#?}");
}

#[test]
fn a_load_torn_anywhere_and_again_anywhere_loses_and_doubles_nothing() {
    // All pairs: `make soak`, `sscard tear load`.
    let rows = holds(Act::Load, Depth::Sample(7), 500);
    for (words, least) in
        [("CREDIT FOR LOAD", 8), ("/loads: ", 3), ("/loads: late", 1), ("/loads/outcome", 3), ("/loads/quote", 3)]
    {
        assert!(count(&rows, words) >= least, "{words}: {}", count(&rows, words));
    }
}

#[test]
fn a_refund_torn_anywhere_and_again_anywhere_loses_and_doubles_nothing() {
    // All pairs: `make soak`, `sscard tear refund`.
    let rows = holds(Act::Refund, Depth::Sample(7), 500);
    for (words, least) in
        [("CREDIT FOR LOAD", 8), ("/loads: ", 3), ("/loads: late", 1), ("/loads/outcome", 3), ("agreed", 2)]
    {
        assert!(count(&rows, words) >= least, "{words}: {}", count(&rows, words));
    }
}

#[test]
fn a_refund_at_another_till_torn_anywhere_loses_and_doubles_nothing() {
    // All pairs: `make soak`, `sscard tear elsewhere`.
    let (totals, rows) = proved(Act::Elsewhere, &Ours, Depth::Sample(41));
    let broken: Vec<_> = rows.iter().filter(|row| !row.conserved).collect();
    assert!(totals.hold() && totals.points > 80 && totals.pairs > 200, "{totals:?}\n{broken:#?}");
    for (words, least) in [
        ("/refunds/original: before", 1),
        ("/refunds/original: after", 1),
        ("CREDIT FOR LOAD", 8),
        ("/loads: late", 1),
        ("/loads/outcome", 3),
        ("agreed", 2),
    ] {
        assert!(count(&rows, words) >= least, "{words}: {}", count(&rows, words));
    }
    assert!(rows.iter().all(|row| row.end.card_fen == 50_000), "what was sold here came back there");
}

#[test]
fn the_till_that_sold_knows_once_what_another_gave_back_wherever_its_upload_was_torn() {
    let town = Town::found(1, 2, Fen::new(50_000)).expect("a town");
    let lives = |town: &Town, terminal: usize, course: &Arc<Course>, act: Option<Act>| {
        let desk = town.desk().expect("the centre");
        let date_time = DateTime::parse("20260105101101").expect("an instant");
        let (habit, limits) = (&Ours, WIDE);
        let life = Life { town, desk: &desk, terminal, card: 0, course, habit, date_time, again: false, limits };
        match act {
            Some(act) => life.live(act),
            None => life.upload(),
        }
    };
    let whole = || Course::with(&[]);
    lives(&town, 0, &whole(), Some(Act::Load)).expect("loaded");
    lives(&town, 0, &whole(), Some(Act::Purchase)).expect("sold");
    let known = |town: &Town| {
        let store = Store::open(&town.terminal_folder(0)).expect("a journal");
        let entries = store.entries().expect("entries");
        let paid = entries.iter().find(|entry| matches!(entry.draft.subject, Subject::Purchase { .. })).expect("one");
        let card = paid.draft.card_identifier;
        let back = store.refunded(Purchased::Here(paid.number), &card).expect("read");
        let given = GivenBack::of(paid, &entries).map(|given| (given.act, given.total, given.is_whole));
        (back, given, store.spent_by(&card, paid.draft.business_date).expect("read"))
    };
    let price = Fen::new(PRICE.into());
    assert_eq!(known(&town), (Vec::new(), None, (1, price)));
    lives(&town, 1, &whole(), Some(Act::Elsewhere)).expect("given back");
    assert_eq!(known(&town).1, None, "nobody told the till yet");

    let parts = Parts { personal_account: price, self_paid: Fen::new(300), pooled_fund: Fen::new(450) };
    let all = (vec![parts], Some((RefundAct::Refund, Fen::new(2_000), true)), (0, Fen::ZERO));
    let peace = (town.twin().expect("a twin"), whole());
    lives(&peace.0, 0, &peace.1, None).expect("told");
    assert_eq!(known(&peace.0), all);
    lives(&peace.0, 0, &whole(), None).expect("told again");
    assert_eq!(known(&peace.0), all, "each once");
    let points = peace.1.points_from(0);
    assert!(points.len() >= 4, "{points:?}");
    for point in points {
        let town = town.twin().expect("a twin");
        // What it says is the clerk's affair.
        let _ = lives(&town, 0, &Course::with(&[point]), None);
        lives(&town, 0, &whole(), None).expect("told");
        assert_eq!(known(&town), all, "{point:?}");
    }
}

#[test]
fn a_change_of_the_pin_torn_anywhere_and_again_anywhere_leaves_a_pin_that_somebody_knows() {
    let rows = holds(Act::Pin, Depth::Pairs, 100);
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

    fn contradict(&mut self, number: EntryNumber, against: &str, done: Option<&Done>) -> Result<Entry, StoreError> {
        self.inner.contradict(number, against, done)
    }

    fn note_shown(&mut self, number: EntryNumber, shown: Shown) -> Result<(), StoreError> {
        self.inner.note_shown(number, shown)
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
        let proof = Proof::of(Act::Purchase, &blind, Depth::Sample(197)).expect("a town");
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

/// The terminal's own code, a card, and the centre's module with its vault, in one process.
#[test]
fn the_centres_module_opens_a_genuine_card_and_computes_nothing_for_another() {
    let town = Town::found(1, 1, Fen::ZERO).expect("a town");
    let desk = town.desk().expect("a desk");
    let course = Course::with(&[]);
    let line = Box::new(Wire::to(&desk, &course, &town.post));
    let centre = Centre::over(line, town.key(0).expect("a key"), Town::number(0));
    let mut store = Store::open(&town.terminal_folder(0)).expect("a journal");
    let session = Session::new(Box::new(town.cards[0].connect().expect("powers up")));
    let mut tapped = tap(session, &town.shared.catalog, CardMemory::default(), Ask::Algorithm).expect("a card");
    let opened = authenticate(&mut tapped, (&mut store, &centre), Town::number(0), false).expect("genuine");
    assert!(opened);
    let read = files_with(&mut tapped, &HOLDER, None, false);
    assert!(read.lost.is_none() && read.unread.is_empty());
    let (own, proof) = remote::own_proof(&mut tapped).expect("the card answers");
    let key = remote::holder_key(&tapped).expect("a key");
    let two = |two: TwoChallenges| Challenges { plain: CardChallenge(two.plain), factor: CardChallenge(two.factor) };
    let mut id = 0;
    let mut asked = |proof: [u8; 8], name: &str| {
        id += 1;
        let request = RemoteProofRequest {
            version: Version1,
            request_id: RequestId([id; 16]),
            terminal: Town::number(0),
            card_identifier: tapped.identifier,
            card_factor: tapped.card_factor(),
            profile: tapped.profile.name.clone(),
            own: two(own),
            proof: CardChallenge(proof),
            asked: Some(ReadingKey { name: name.to_owned(), challenges: two(own) }),
        };
        match centre.ask(&request) {
            Ok(answer) => answer.result.map_or("nothing", |_| "opened").to_owned(),
            Err(TerminalError::CentreRefused { code, .. }) => code.as_str().to_owned(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(asked(proof, key.as_str()), "opened");
    assert_eq!(asked([0; 8], key.as_str()), "CARD_NOT_GENUINE", "not the card's answer");
    // Keys that write, pay or unblock are no matter of this door, and the card's own proof least of all.
    let rows = &tapped.profile.key;
    let others: Vec<&str> = rows.iter().filter(|row| row.name != key).map(|row| row.name.as_str()).collect();
    assert!(others.len() > 5, "{others:?}");
    let reads =
        |name: &str| rows.iter().any(|row| row.name.as_str() == name && row.class == KeyClass::Rk && row.df == "SSSE");
    for name in others.into_iter().filter(|name| !reads(name)) {
        assert_eq!(asked(proof, name), "KEYS_UNAVAILABLE", "{name}");
    }
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
