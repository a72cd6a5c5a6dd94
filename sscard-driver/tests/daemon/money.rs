//! Money moves through the terminal's one journal, whoever calls: recorded before the card, once for each call.
//!
//! Source: purchase pair of LD/T 32.7; pPayInfo and outputs of the published interface; states of `settlement::journal`.

use std::path::PathBuf;
use std::sync::LazyLock;

use card_counter::clock::Now;
use card_counter::journal::Entry;
use card_counter::store::Store;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use settlement::batch::ChainPosition;
use settlement::blacklist::{Held, Period};
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, InstitutionCode, PublicKey, Signature, StaffNumber, TerminalNumber};
use settlement::journal::State;
use settlement::judgement::{Judgement, Reason};
use settlement::message::{
    AnswerStatus, BatchRequest, Institution, Request as _, SignInAnswer, TerminalLimits, Version1,
};
use settlement::parameters::SignedParameters;
use settlement::record::{Transaction, TransactionRecord};
use settlement::sale::{OnlinePolicy, SaleOutcomeRequest, SaleRequest};
use settlement::tac::{self, NumberVerdict, TacVerdict};

use crate::centre::Centre;
use crate::counter::{Counter, PSAM, ROOT, Torn, Witness, keys, text, third_generation};

pub(crate) const CARD: &str = "513300D156000005000000010A0B0C0D|A12345674|";
/// The time of every call of this run: the terminal's own.
static TIME: LazyLock<String> = LazyLock::new(|| Now::of_system().date_time().to_string());
const PIN: &str = "864213";

/// A counter with card and PSAM, a PIN that may pay, and an enrolled terminal's data folder.
pub(crate) struct Shop {
    pub(crate) counter: Counter,
    pub(crate) data: String,
    pub(crate) entry: String,
    pub(crate) keys: String,
}

impl Shop {
    pub(crate) fn open(enrolled: bool) -> Self {
        let mut counter = Counter::open(2);
        let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
        let psam = counter.card("psam.card", text("psam"), &PSAM);
        counter.insert(0, &card);
        counter.insert(1, &psam);
        let data = counter.folder.path().join("data").display().to_string();
        let entry = counter.pin_entry(&format!("echo {PIN}"));
        let keys = counter.hsm_keys(text("ssc-3.0"));
        let shop = Self { counter, data, entry, keys };
        assert_eq!(shop.codes(&[&format!("iPKBChangePIN\t#3\t123456\t{PIN}")]), [0]);
        if enrolled {
            enrol(&shop.data, &[]);
        }
        shop
    }

    pub(crate) fn calls(&self, calls: &[&str]) -> Vec<(i64, String)> {
        let set = [
            ("SSCARD_DATA", self.data.as_str()),
            ("SSCARD_PIN_ENTRY", self.entry.as_str()),
            ("SSCARD_HSM_KEYS", self.keys.as_str()),
        ];
        self.counter.session(calls, &set)
    }

    pub(crate) fn codes(&self, calls: &[&str]) -> Vec<i64> {
        self.calls(calls).into_iter().map(|(code, _)| code).collect()
    }

    pub(crate) fn states(&self) -> Vec<State> {
        let store = Store::open(self.data.as_ref()).expect("a journal");
        store.entries().expect("entries").into_iter().map(|entry| entry.state).collect()
    }
}

/// What enrolment, sign-in and a blacklist leave in the data folder.
fn enrol(data: &str, blacklisted: &[&str]) {
    told(data, blacklisted, OnlinePolicy::OfflineOnly, 1);
}

/// As [`enrol`], by parameters of this number that say whether the centre is asked.
fn told(data: &str, blacklisted: &[&str], online: OnlinePolicy, parameters: u64) {
    let mut store = Store::open(data.as_ref()).expect("a journal");
    let number = TerminalNumber::parse("513300000001").expect("hex");
    if store.terminal().expect("readable").is_none() {
        store.set_terminal(number).expect("written");
    }
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
    let key = PublicKey(pair.public_key().as_ref().try_into().expect("32 bytes"));
    store.set_centre_key(&key).expect("written");
    let answer = SignInAnswer {
        version: Version1,
        status: AnswerStatus::Created,
        business_date: Now::of_system().date(),
        institution: Institution {
            code: InstitutionCode::parse("H51000").expect("a word"),
            name: "测试医院".to_owned(),
        },
        next_batch_sequence: 1,
        chain: ChainPosition::START,
        parameters: SignedParameters::sign(
            number,
            parameters,
            TerminalLimits {
                purchase_max_fen: Fen::new(10_000),
                card_day_max_fen: Fen::new(20_000),
                card_day_count_max: 60,
                pending_records_max: 60,
                pending_max_fen: Fen::new(100_000),
                blacklist_age_max_hours: 24,
                online,
            },
            (Now::of_system().date_time(), Now::of_system().later(36_000).date_time()),
            key,
            |bytes| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes")),
        ),
        blacklist_sequence: 1,
        catalogue_sequence: 0,
        centre_key: key,
    };
    store.set_sign_in(&answer).expect("written");
    let cards = blacklisted.iter().map(|card| CardIdentifier::parse(card).expect("hex")).collect();
    let now = Now::of_system();
    let period = Period { issued_at: now.date_time(), valid_until: now.later(36_000).date_time() };
    let held = Held { sequence: 1, issued_at: Some(now.date_time()), cards };
    store.set_blacklist(&held, period).expect("written");
}

pub(crate) fn pay(amounts: &str) -> String {
    format!("iDoDebit\t#3\t{CARD}\t{amounts}|{}|", *TIME)
}

#[test]
fn a_hospital_in_c_reads_writes_pays_and_lists_through_the_terminals_journal() {
    let shop = Shop::open(true);
    let set = [("SSCARD_DATA", shop.data.as_str()), ("SSCARD_PIN_ENTRY", shop.entry.as_str())];
    let answers = shop.counter.compiled("hospital", &[&format!("0.1|0.2|{}|", *TIME)], &set);
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0; 7], "{answers:?}");
    let text = |at: usize| answers.get(at).map_or("", |(_, text)| text.as_str());
    assert_eq!(text(1), "20360104|A12345674|$111111198101011110|$");
    assert_eq!(text(3), "10|$");
    let paid: Vec<&str> = text(5).split('|').collect();
    let [algorithm, key, amounts, kind, terminal, number, time, tac, ""] = paid.as_slice() else {
        panic!("{}", text(5));
    };
    assert_eq!((*algorithm, *key, *kind, *time), ("01", "00B5", "32", TIME.as_str()));
    assert_eq!((*amounts, *terminal, number.len(), tac.len()), ("000000000000000A00000014", "513300000001", 8, 8));
    assert!(text(6).contains("513300000001") && text(6).contains(TIME.as_str()), "{}", text(6));
    assert_eq!(shop.states(), [State::Confirmed]);
}

#[test]
fn the_same_call_is_the_same_purchase_and_another_is_another() {
    let shop = Shop::open(true);
    let answers = shop.calls(&[&pay("0.1|0.2"), &pay("0.1|0.2"), &pay("0.1|0.3")]);
    let [first, again, other] = answers.as_slice() else { panic!("three calls") };
    assert_eq!((first.0, other.0), (0, 0), "{answers:?}");
    assert_eq!(first, again, "the second is answered by the journal");
    assert_ne!(first.1, other.1);
    assert_eq!(shop.states(), [State::Confirmed; 2]);
    let records = shop.calls(&["iReadDebitRecord\t#3"]);
    assert_eq!(records.first().map(|(_, text)| text.matches('|').count()), Some(2), "{records:?}");
}

#[test]
fn what_the_terminal_may_not_do_is_refused_before_the_card_is_debited() {
    let bare = Shop::open(false);
    assert_eq!(bare.codes(&[&pay("0.1|0.2")]), [-3001], "not enrolled");
    let shop = Shop::open(true);
    assert_eq!(shop.codes(&[&pay("1|0.1|0.2")]), [-37_889], "9401: nothing in the account");
    assert_eq!(shop.codes(&[&pay("101|0.1|0.2")]), [-3002], "more than one purchase may take");
    assert_eq!(shop.codes(&[&pay("0|0")]), [-14]);
    for apart in [-86_400, -660, 660, 400 * 86_400] {
        // A date of the caller's choice would dodge the blacklist, or close the card until that year.
        let time = Now::of_system().later(apart).date_time();
        assert_eq!(shop.codes(&[&format!("iDoDebit\t#3\t{CARD}\t0.1|0.2|{time}|")]), [-3009], "{apart} seconds");
    }
    enrol(&shop.data, &["513300D156000005000000010A0B0C0D"]);
    assert_eq!(shop.codes(&[&pay("0.1|0.2")]), [-3002], "blacklisted");
    assert_eq!(shop.codes(&["iReadDebitRecord\t#3"]), [0]);
    assert!(shop.states().iter().all(|state| *state == State::Refused), "{:?}", shop.states());
}

/// A shop whose centre is asked before a sale.
fn asking(online: OnlinePolicy) -> (Shop, Centre) {
    let shop = Shop::open(true);
    card_counter::terminal::make_key(shop.data.as_ref()).expect("a key");
    told(&shop.data, &[], online, 2);
    (shop, Centre::start())
}

fn calls_at(shop: &Shop, centre: &Centre, calls: &[&str]) -> Vec<i64> {
    let set = [
        ("SSCARD_DATA", shop.data.as_str()),
        ("SSCARD_PIN_ENTRY", shop.entry.as_str()),
        ("SSCARD_HSM_KEYS", shop.keys.as_str()),
        ("SSCARD_CENTRE", centre.address.as_str()),
    ];
    shop.counter.session(calls, &set).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn where_consent_is_required_a_call_asks_first_and_tells_at_once() {
    let (shop, centre) = asking(OnlinePolicy::OnlineRequired);
    assert_eq!(shop.codes(&[&pay("0.1|0.2")]), [-14], "no address of a centre");
    assert_eq!(calls_at(&shop, &centre, &[&pay("0.1|0.2")]), [0]);
    assert_eq!(centre.asked(), [SaleRequest::PATH, BatchRequest::PATH]);
    assert_eq!(calls_at(&shop, &centre, &[&pay("0.1|0.2")]), [0], "the same call is the same purchase");
    assert!(centre.asked().is_empty(), "and nobody is asked again");

    centre.said.lock().expect("no panic").declines = Some("CARD_BLACKLISTED");
    assert_eq!(calls_at(&shop, &centre, &[&pay("0.1|0.3")]), [-3002], "its no is final");
    assert_eq!(shop.states(), [State::Confirmed, State::Refused]);
    {
        let mut said = centre.said.lock().expect("no panic");
        (said.declines, said.silent) = (None, true);
    }
    assert_eq!(calls_at(&shop, &centre, &[&pay("0.1|0.3")]), [-3002], "no answer is no consent here");
    assert_eq!(shop.states(), [State::Confirmed, State::Refused, State::Refused]);
    centre.said.lock().expect("no panic").silent = false;
    centre.asked();
    assert_eq!(calls_at(&shop, &centre, &[&pay("0.1|0.3")]), [0]);
    assert_eq!(centre.asked(), [SaleOutcomeRequest::PATH, SaleRequest::PATH, BatchRequest::PATH], "what is owed first");
}

#[test]
fn an_hsm_sale_asks_in_its_first_step_and_what_never_comes_is_told_as_not_done() {
    let (shop, centre) = asking(OnlinePolicy::OnlinePreferred);
    let step1 = format!("iDoDebit_HSM_Step1\t#3\t{CARD}\t0.1|0.2|{}|", *TIME);
    assert_eq!(calls_at(&shop, &centre, &[&step1, "iCheckCard\t#3"]), [0, 0]);
    assert_eq!((centre.asked(), shop.states()), (vec![SaleRequest::PATH.to_owned()], vec![State::Refused]));
    let steps = [step1.as_str(), "iDoDebit_HSM_Step1To2\t{out}", "iDoDebit_HSM_Step2\t{out}"];
    assert_eq!(calls_at(&shop, &centre, &steps), [0; 3]);
    assert_eq!(centre.asked(), [SaleOutcomeRequest::PATH, SaleRequest::PATH, BatchRequest::PATH]);
    assert_eq!(shop.states(), [State::Refused, State::Confirmed]);
    // A centre that does not answer: within the limits of a sale offline it is sold all the same.
    centre.said.lock().expect("no panic").silent = true;
    assert_eq!(calls_at(&shop, &centre, &[&pay("0.1|0.4")]), [0]);
    assert_eq!(shop.states().last(), Some(&State::Confirmed));
}

#[test]
fn the_initial_pin_does_not_pay() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let psam = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(0, &card);
    counter.insert(1, &psam);
    let data = counter.folder.path().join("data").display().to_string();
    enrol(&data, &[]);
    let entry = counter.pin_entry("echo 123456");
    let set = [("SSCARD_DATA", data.as_str()), ("SSCARD_PIN_ENTRY", &entry)];
    let answers = counter.session(&[&pay("0.1|0.2"), "iVerifyPIN\t#3", &pay("0.1|0.2")], &set);
    let codes: Vec<i64> = answers.into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, [-35, 0, -35]);
}

#[test]
fn an_hsm_pays_in_two_steps_and_a_second_step_that_never_comes_moves_nothing() {
    let shop = Shop::open(true);
    let step1 = format!("iDoDebit_HSM_Step1\t#3\t{CARD}\t0.1|0.2|{}|", *TIME);
    let begun = shop.calls(&[&step1, "iCheckCard\t#3"]);
    assert_eq!(begun.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [0, 0], "{begun:?}");
    let fields: Vec<&str> = begun.first().map_or("", |(_, text)| text.as_str()).split('|').collect();
    let [algorithm, key, random, sequence, amounts, kind, terminal, time, ""] = fields.as_slice() else {
        panic!("{fields:?}");
    };
    assert_eq!((*algorithm, *key, random.len(), sequence.len()), ("01", "017F", 8, 4));
    assert_eq!((*amounts, *kind, *terminal, *time), ("000000000000000A00000014", "32", "513300000001", TIME.as_str()));
    assert_eq!(shop.states(), [State::Refused], "abandoned when another function was called");
    let answers = shop.calls(&[&step1, "iDoDebit_HSM_Step1To2\t{out}", "iDoDebit_HSM_Step2\t{out}"]);
    assert_eq!(answers.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [0; 3], "{answers:?}");
    assert_eq!(shop.states(), [State::Refused, State::Confirmed]);
    let wrong = format!("iDoDebit_HSM_Step2\t00000009|{}|00000000|", *TIME);
    let refused = shop.codes(&[&step1.replace("0.1", "0.3"), &wrong]);
    assert_eq!(refused, [0, -37_634], "9302: a wrong MAC1 debits nothing");
    assert_eq!(shop.states(), [State::Refused, State::Confirmed, State::Refused]);
}

#[test]
fn one_terminal_number_by_psam_and_by_hsm_is_two_purchases_whose_codes_show_the_cards_two_numbers() {
    let shop = Shop::open(true);
    let hsm = pay("0.1|0.3").replace("iDoDebit", "iDoDebit_HSM_Step1");
    let steps = [hsm.as_str(), "iDoDebit_HSM_Step1To2\t{out}", "iDoDebit_HSM_Step2\t{out}"];
    // The PSAM counts its own purchases, an HSM's caller gives the card's number: they meet, here at the card's second or third.
    let answers = shop.calls(&[&[pay("0.1|0.2").as_str()], &steps[..], &[&pay("0.1|0.4"), &pay("0.1|0.5")]].concat());
    assert!(answers.iter().all(|(code, _)| *code == 0), "{answers:?}");
    let store = Store::open(shop.data.as_ref()).expect("a journal");
    let records: Vec<_> = store.entries().expect("entries").iter().filter_map(Entry::to_record).collect();
    assert_eq!(records.len(), 4);
    let number = |record: &TransactionRecord| match record.transaction {
        Transaction::Purchase { terminal_sequence, .. } => terminal_sequence,
        Transaction::Load { .. } | Transaction::Refund { .. } => 0,
    };
    let alike = |one: &TransactionRecord| records.iter().filter(|other| number(other) == number(one)).count();
    assert_eq!(records.iter().filter(|record| alike(record) == 2).count(), 2, "{records:?}");
    let profile = card_profiles::builtin("ssc-3.0").expect("built in");
    let rules = profile.account.as_ref().expect("an account");
    let mut keys = keys(&profile, ROOT);
    for record in &records {
        // What the centre pays by: both codes, of each of them.
        assert_eq!(tac::check(&mut keys, rules, record).expect("computed"), TacVerdict::Right, "{record:?}");
        let shown = tac::check_number(&mut keys, rules, record).expect("computed");
        assert_eq!(shown, NumberVerdict::Proved, "{record:?}");
    }
}

/// Calls until the daemon noticed a card.
const CALLS_MAX: u32 = 1_000;

/// A purchase whose card was pulled at DEBIT FOR PURCHASE: nobody knows whether it paid. Gives its image, which is in no reader.
fn torn(shop: &Shop, torn: Torn) -> PathBuf {
    let image = shop.counter.folder.path().join("person.card");
    shop.counter.farm.eject(0).expect("pulled");
    let witness = Witness::torn_at(&shop.counter, 0, &image, Some((&[0xB0, 0x2C], torn)));
    let first = (0..CALLS_MAX).map(|_| shop.codes(&[&pay("0.1|0.2")])).find(|codes| *codes != [-2]);
    assert_eq!(first, Some(vec![-3003]), "{torn:?}: the outcome is unknown");
    assert_eq!(shop.states(), [State::Uncertain]);
    drop(witness);
    image
}

/// The same purchase asked for with another time, once the card is seen: the call, its code and output.
fn retried(shop: &Shop, time: &str) -> (String, i64, String) {
    let retry = format!("iDoDebit\t#3\t{CARD}\t0.1|0.2|{time}|");
    let again = (0..CALLS_MAX)
        .map(|_| shop.calls(&[&retry]))
        .find(|answers| answers.first().is_none_or(|(code, _)| *code != -2));
    let (code, output) = again.expect("the card is back").remove(0);
    (retry, code, output)
}

#[test]
fn a_card_pulled_at_debit_is_settled_by_the_same_call_and_pays_once() {
    for (torn, states) in
        [(Torn::Before, vec![State::Reversed, State::Confirmed]), (Torn::After, vec![State::Confirmed])]
    {
        let shop = Shop::open(true);
        let image = self::torn(&shop, torn);
        let back = Witness::in_slot(&shop.counter, 0, &image);
        let again = (0..CALLS_MAX).map(|_| shop.codes(&[&pay("0.1|0.2")])).find(|codes| *codes != [-2]);
        assert_eq!(again, Some(vec![0]), "{torn:?}: the same call says what the card did, or pays");
        assert_eq!(shop.states(), states, "{torn:?}");
        let records = shop.calls(&["iReadDebitRecord\t#3"]);
        assert_eq!(records.first().map(|(_, text)| text.matches('|').count()), Some(1), "{records:?}");
        drop(back);
    }
}

#[test]
fn a_retry_with_another_time_answers_the_purchase_that_was_paid_and_sells_nothing() {
    let shop = Shop::open(true);
    let image = torn(&shop, Torn::After);
    let back = Witness::in_slot(&shop.counter, 0, &image);
    let time = Now::of_system().later(60).date_time();
    let (retry, code, output) = retried(&shop, &time.to_string());
    assert_eq!(code, -3006, "{output}");
    assert!(output.contains(TIME.as_str()) && !output.contains(&time.to_string()), "the first one's output: {output}");
    assert_eq!(shop.states(), [State::Confirmed], "nothing was sold");
    let same = shop.calls(&[&pay("0.1|0.2")]);
    assert_eq!(same, [(0, output)], "as the same call would have been answered");
    assert_eq!(shop.codes(&[&retry]), [0], "told once: another purchase is another");
    assert_eq!(shop.states(), [State::Confirmed; 2]);
    drop(back);
}

#[test]
fn what_a_supervisor_judged_paid_and_the_card_shows_is_told_to_the_retry_with_another_time() {
    let shop = Shop::open(true);
    let image = torn(&shop, Torn::After);
    {
        let mut store = Store::open(shop.data.as_ref()).expect("a journal");
        let entry = store.entries().expect("entries").remove(0);
        let by = StaffNumber::parse("007").expect("a word");
        let reason = Reason::parse("paid").expect("a reason");
        store.judge(entry.number, 0, &Judgement { done: true, by, reason }).expect("judged");
    }
    let back = Witness::in_slot(&shop.counter, 0, &image);
    let (retry, code, output) = retried(&shop, &Now::of_system().later(60).date_time().to_string());
    assert_eq!(code, -3006, "{output}");
    assert!(output.contains(TIME.as_str()), "the first one's output: {output}");
    assert_eq!(shop.states(), [State::Confirmed], "nothing was sold");
    assert_eq!(shop.codes(&[&retry]), [0], "told once");
    assert_eq!(shop.states(), [State::Confirmed; 2]);
    drop(back);
}

#[test]
fn after_sign_out_a_call_says_so_and_sells_again_after_the_next_sign_in() {
    let shop = Shop::open(true);
    Store::open(shop.data.as_ref()).expect("a journal").set_signed_out(Now::of_system().date_time()).expect("written");
    let set = [("SSCARD_DATA", shop.data.as_str()), ("SSCARD_PIN_ENTRY", &shop.entry), ("SSCARD_LANG", "en")];
    let (code, text) = shop.counter.session(&[&pay("0.1|0.2")], &set).remove(0);
    assert_eq!(code, -3008, "{text}");
    assert!(text.contains("signed out") && text.contains("sscard sign-in"), "{text}");
    enrol(&shop.data, &[]);
    assert_eq!(shop.codes(&[&pay("0.1|0.2")]), [0]);
}

#[test]
fn a_buffer_too_small_for_the_answer_is_refused_before_the_card_pays() {
    let shop = Shop::open(true);
    let set =
        [("SSCARD_DATA", shop.data.as_str()), ("SSCARD_PIN_ENTRY", shop.entry.as_str()), ("SSCARD_OUT_BYTES", "60")];
    let answers = shop.counter.session(&[&pay("0.1|0.2")], &set);
    assert_eq!(answers.first().map(|(code, _)| *code), Some(-42), "{answers:?}");
    assert_eq!(shop.states(), [], "nothing was begun");
    assert_eq!(shop.codes(&[&pay("0.1|0.2")]), [0]);
}
