//! Custody of PSAMs: who answers for which, replacement, loss, and no move that the table does not have.

#[path = "database/ask.rs"]
mod ask;
#[path = "database/fresh.rs"]
mod fresh;

use std::sync::Arc;

use ask::ask;
use card_core::security::CityCode;
use issuer_service::card::Chip;
use issuer_service::centre::{Centre, DatabaseConfig};
use issuer_service::clock;
use issuer_service::error::Explain;
use issuer_service::lang::Lang;
use issuer_service::operator::Role;
use issuer_service::output::Show;
use issuer_service::psam::custody::{self, HandOut, PsamMove, Replacement};
use issuer_service::psam::{Psam, PsamError, PsamKeys};
use issuer_service::store::StoreError;
use issuer_service::vault::data_keys::DataKeys;

const OLD: &str = "510000000001";
const NEW: &str = "510000000002";
const TO: HandOut<'_> = HandOut { institution: "H001", holder: "样例", due: "20991231" };

struct Site {
    _folder: tempfile::TempDir,
    centre: Centre,
}

/// Two PSAMs at the centre, a terminal with the number of the first that uploaded two purchases and a load.
fn site() -> Site {
    let folder = tempfile::tempdir().expect("folder");
    let city = CityCode::parse("513300").expect("digits");
    let database = fresh::fresh().map(DatabaseConfig::at);
    let mut centre =
        Centre::create(&folder.path().join("c"), city, "915600000251330051010000", database.as_ref()).expect("centre");
    centre.store.unlock(Arc::new(DataKeys::random().expect("keys"))).expect("unlocked");
    let made = centre.store.journal(|tx| -> Result<(), StoreError> {
        tx.add_operator("zhou", &[Role::Keys])?;
        tx.add_operator("li", &[Role::Capture])?;
        for (number, serial) in [(OLD, "01"), (NEW, "02")] {
            let chip = Chip::parse(&format!("81 4D 32 60 86 43 51 00 00 00 {serial}").replace(' ', "")).expect("chip");
            tx.begin_psam(&chip, number, "H001", "zhou", (1, PsamKeys::Hospital))?;
            tx.finish_psam(&chip, PsamMove::Make)?;
        }
        Ok(())
    });
    made.expect("rows");
    let row = |record: i64, kind: &str| {
        format!(
            "INSERT INTO upload_row (terminal, record, batch, window_date, business_date, institution, kind, card,
                 card_sequence, terminal_sequence, date_time, personal_fen, self_paid_fen, pooled_fen, balance_after_fen,
                 hash, outcome, received_at)
             VALUES ('{OLD}', {record}, 1, '2026-03-01', '2026-03-01', 'H001', '{kind}', 'CARD',
                 {record}, {record}, '20260301101112', 1234, 0, 0, 0,
                 'H', 'ACCEPTED', '2026-03-01T00:00:00.000Z');"
        )
    };
    let rows = format!(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO institution VALUES ('H001', 'x', '513301', 'hospital', '');
         INSERT INTO terminal (number, institution, public_key, state, purchase_max_fen, card_day_max_fen,
             pending_records_max, pending_max_fen, blacklist_age_max_hours, next_batch, next_record, previous_hash, created_at)
         VALUES ('{OLD}', 'H001', '{key}', 'active', 1, 1, 1, 1, 1, 1, 1, '{key}', '');
         {}{}{}",
        row(1, "purchase"),
        row(2, "load"),
        row(3, "purchase"),
        key = "00".repeat(32)
    );
    ask(&centre.folder, &rows).expect("rows");
    Site { _folder: folder, centre }
}

impl Site {
    fn psam(&mut self, number: &str) -> Psam {
        self.centre.store.read(|tx| tx.psam_of_terminal(number)).expect("store").expect("a PSAM")
    }

    fn act(&mut self, name: &str, number: &str) -> Result<(), PsamError> {
        let (store, operator) = (&mut self.centre.store, Some("zhou"));
        match name {
            "handout" => custody::hand_out(store, number, &TO, operator).map(drop),
            "return" => custody::take_back(store, number, operator).map(drop),
            "lost" => custody::lose(store, number, "fire", operator).map(drop),
            _ => custody::retire(store, number, "worn out", operator).map(drop),
        }
    }
}

#[test]
fn every_act_in_every_state_does_what_the_table_says_and_nothing_else() {
    let ways: [(&str, &[&str]); 4] =
        [("in_custody", &[]), ("handed_out", &["handout"]), ("lost", &["handout", "lost"]), ("retired", &["retire"])];
    let table = [
        ("in_custody", "handout", "handed_out"),
        ("in_custody", "lost", "lost"),
        ("in_custody", "retire", "retired"),
        ("handed_out", "return", "in_custody"),
        ("handed_out", "lost", "lost"),
        ("retired", "lost", "lost"),
    ];
    for (state, way) in ways {
        for act in ["handout", "return", "lost", "retire"] {
            let mut site = site();
            way.iter().for_each(|step| site.act(step, NEW).expect(step));
            assert_eq!(site.psam(NEW).state, state);
            let before = site.psam(NEW);
            let outcome = site.act(act, NEW);
            let expected = table.iter().find(|(from, by, _)| *from == state && *by == act).map(|(_, _, to)| *to);
            match expected {
                Some(to) => {
                    outcome.expect(act);
                    assert_eq!(site.psam(NEW).state, to, "{act} in {state}");
                }
                None => {
                    assert_eq!(outcome.expect_err(act).code(), "PSAM_STATE", "{act} in {state}");
                    assert_eq!(site.psam(NEW), before);
                }
            }
            // Who had one that is lost stays known.
            let (now, was_out) = (site.psam(NEW).state, matches!(state, "handed_out" | "lost"));
            assert_eq!(
                site.psam(NEW).holder.is_some(),
                now == "handed_out" || now == "lost" && was_out,
                "{act} in {state}"
            );
        }
    }
}

#[test]
fn who_answers_for_a_psam_stands_in_the_database_sealed_and_only_while_it_is_out() {
    let mut site = site();
    site.act("handout", OLD).expect("handed out");
    let clear = |site: &Site| {
        let names = "SELECT COUNT(*) FROM psam WHERE holder IS NOT NULL";
        let sealed = "SELECT COUNT(*) FROM psam_custodian WHERE length(name) > 6";
        [names, sealed].map(|sql| ask(&site.centre.folder, sql).expect("count")[0][0].clone())
    };
    assert_eq!(clear(&site), ["0", "1"]);
    assert_eq!(site.psam(OLD).holder.as_deref(), Some("样例"));
    let shown = site.centre.store.read(custody::list).expect("list");
    assert_eq!(shown.psams[0].holder.as_deref(), Some("样*"));
    assert_eq!(custody::reveal(&mut site.centre.store, " ", Some("zhou")).expect_err("why").code(), "REASON_MISSING");
    let role = custody::reveal(&mut site.centre.store, "overdue", Some("li")).expect_err("role").code();
    assert_eq!(role, "OPERATOR_ROLE_MISSING");
    let whole = custody::reveal(&mut site.centre.store, "overdue", Some("zhou")).expect("told");
    assert_eq!(whole.psams[0].holder.as_deref(), Some("样例"));
    let told = ask(&site.centre.folder, "SELECT detail FROM audit WHERE act = 'psam.reveal'").expect("rows");
    assert_eq!(told, [["overdue"]]);
    // Nor is anybody named in the reason of an act.
    let named = custody::lose(&mut site.centre.store, OLD, "样例 lost it", Some("zhou")).expect_err("a name");
    assert_eq!(named.code(), "REASON_UNFIT");
    // Who had one that is lost stays known.
    custody::lose(&mut site.centre.store, OLD, "stolen", Some("zhou")).expect("lost");
    assert_eq!(site.psam(OLD).holder.as_deref(), Some("样例"));
    let mut site = self::site();
    site.act("handout", OLD).expect("handed out");
    // A centre from before has names in clear, until the next hand-out.
    ask(&site.centre.folder, "DELETE FROM psam_custodian; UPDATE psam SET holder = '样例' WHERE state = 'handed_out'")
        .expect("as it was");
    assert_eq!((clear(&site), site.psam(OLD).holder.as_deref()), (["1".into(), "0".into()], Some("样例")));
    site.act("handout", NEW).expect("handed out");
    assert_eq!((clear(&site), site.psam(OLD).holder.as_deref()), (["0".into(), "2".into()], Some("样例")));
    site.act("return", OLD).expect("returned");
    assert_eq!(clear(&site), ["0", "1"]);
}

#[test]
fn a_replacement_opens_a_return_task_that_the_return_closes() {
    let mut site = site();
    let replaced = |site: &mut Site, number, with| {
        let by = Replacement { with, to: TO, back_by: "20991230", reason: "contacts worn" };
        custody::replace(&mut site.centre.store, number, &by, Some("zhou"))
    };
    assert_eq!(replaced(&mut site, OLD, NEW).expect_err("not handed out").code(), "PSAM_STATE");
    site.act("handout", OLD).expect("handed out");
    assert_eq!(replaced(&mut site, OLD, OLD).expect_err("itself").code(), "PSAM_STATE");
    let task = replaced(&mut site, OLD, NEW).expect("replaced");
    assert_eq!((task.owner.as_str(), task.due.as_str()), ("H001", "20991230"));
    assert_eq!((task.reason.as_str(), task.operator.as_str()), ("contacts worn", "zhou"));
    assert_eq!((site.psam(OLD).state.as_str(), site.psam(NEW).state.as_str()), ("handed_out", "handed_out"));
    let open = |site: &mut Site| site.centre.store.read(|tx| tx.return_tasks()).expect("tasks");
    assert_eq!(open(&mut site), [task]);
    assert_eq!(replaced(&mut site, OLD, NEW).expect_err("handed out").code(), "PSAM_STATE");
    site.act("return", OLD).expect("returned");
    assert!(open(&mut site).is_empty());
}

#[test]
fn what_is_overdue_stands_among_the_tasks_of_the_day() {
    let mut site = site();
    site.act("handout", OLD).expect("handed out");
    let tasks = |site: &mut Site| site.centre.store.read(custody::ReturnTasks::of).expect("tasks");
    assert!(tasks(&mut site).overdue.is_empty());
    let due = |site: &Site, day: &str| {
        ask(&site.centre.folder, &format!("UPDATE psam SET due = '{day}' WHERE terminal_number = '{OLD}'"))
            .expect("row");
    };
    due(&site, &clock::compact(clock::today()));
    assert!(tasks(&mut site).overdue.is_empty(), "it may come back today");
    due(&site, "20260101");
    let late = tasks(&mut site);
    assert_eq!(late.overdue.iter().map(|psam| psam.terminal_number.as_str()).collect::<Vec<_>>(), [OLD]);
    assert!(late.text(Lang::En).contains("20260101, OVERDUE"), "{}", late.text(Lang::En));
    // A task of its own says so once.
    let by = Replacement { with: NEW, to: TO, back_by: "20260102", reason: "worn" };
    if custody::replace(&mut site.centre.store, OLD, &by, Some("zhou")).is_ok() {
        let replaced = tasks(&mut site);
        assert_eq!((replaced.tasks.len(), replaced.overdue.len()), (1, 0));
    }
    site.act("return", OLD).expect("returned");
    assert!(tasks(&mut site).overdue.is_empty());
}

#[test]
fn a_lost_psam_is_blacklisted_its_terminal_stopped_and_its_purchases_listed() {
    let mut site = site();
    site.act("handout", OLD).expect("handed out");
    let loss = custody::lose(&mut site.centre.store, OLD, "stolen", Some("zhou")).expect("declared");
    assert!(loss.terminal_stopped);
    let records: Vec<(u64, i64)> = loss.signed.iter().map(|of| (of.record, of.personal_fen)).collect();
    assert_eq!(records, [(1, 1234), (3, 1234)], "loads are signed by no PSAM");
    let listed = ask(&site.centre.folder, "SELECT terminal_number FROM psam_blacklist").expect("rows");
    assert_eq!(listed, [[OLD]]);
    assert_eq!(ask(&site.centre.folder, "SELECT state FROM terminal").expect("row"), [["stopped"]]);
    let details = ask(&site.centre.folder, "SELECT detail FROM audit").expect("rows").concat();
    assert!(details.iter().any(|text| text.contains("2 transactions signed, terminal stopped")), "{details:?}");
    assert!(!details.iter().any(|text| text.contains("样例")), "no names in the audit log");
}

#[test]
fn a_psam_half_written_or_spoilt_has_keys_and_can_be_lost() {
    let mut site = site();
    let number = "510000000003";
    let chip = |serial: &str| Chip::parse(&format!("814D3260864351000000{serial}")).expect("chip");
    let begin = |site: &mut Site, serial: &str| {
        let begun = site.centre.store.journal(|tx| {
            tx.begin_psam(&chip(serial), number, "H001", "zhou", (1, PsamKeys::Hospital))?;
            tx.finish_psam(&chip(serial), PsamMove::Spoil)
        });
        begun.expect("a spoilt one");
    };
    begin(&mut site, "0003");
    begin(&mut site, "0004");
    let loss = custody::lose(&mut site.centre.store, number, "stolen", Some("zhou")).expect("declared");
    assert_eq!((loss.psam.state.as_str(), loss.psam.reason.as_deref()), ("lost", Some("stolen")));
    assert_eq!(site.act("lost", number).expect_err("once").code(), "PSAM_STATE");
    // Its number is nobody's any more.
    let anew = |tx: &issuer_service::store::Tx<'_>| {
        tx.begin_psam(&chip("0005"), number, "H001", "zhou", (1, PsamKeys::Hospital))
    };
    assert!(matches!(site.centre.store.journal(anew), Err(StoreError::Conflict { .. })));
    // One that was pulled while it was written.
    let begun = |tx: &issuer_service::store::Tx<'_>| {
        tx.begin_psam(&chip("0006"), "510000000004", "H001", "zhou", (1, PsamKeys::Hospital))
    };
    site.centre.store.journal(begun).expect("begun");
    site.act("lost", "510000000004").expect("declared");
    assert_eq!(site.psam("510000000004").state, "lost");
}

#[test]
fn who_ends_the_use_of_a_psam_says_why_and_both_are_kept() {
    let mut site = site();
    let code = |outcome: Result<(), PsamError>| outcome.expect_err("refused").code();
    for empty in ["", "  "] {
        let store = &mut site.centre.store;
        assert_eq!(code(custody::retire(store, NEW, empty, Some("zhou")).map(drop)), "REASON_MISSING");
        assert_eq!(code(custody::lose(store, NEW, empty, Some("zhou")).map(drop)), "REASON_MISSING");
        let by = Replacement { with: NEW, to: TO, back_by: "20991230", reason: empty };
        assert_eq!(code(custody::replace(store, OLD, &by, Some("zhou")).map(drop)), "REASON_MISSING");
    }
    assert_eq!((site.psam(NEW).state.as_str(), site.psam(NEW).reason), ("in_custody", None));
    custody::retire(&mut site.centre.store, NEW, "contacts worn", Some("zhou")).expect("retired");
    custody::lose(&mut site.centre.store, OLD, "stolen", Some("zhou")).expect("lost");
    let ended = |psam: Psam| (psam.reason.expect("a reason"), psam.ended_by.expect("an operator"));
    assert_eq!(ended(site.psam(NEW)), ("contacts worn".to_owned(), "zhou".to_owned()));
    assert_eq!(ended(site.psam(OLD)), ("stolen".to_owned(), "zhou".to_owned()));
    let details = ask(&site.centre.folder, "SELECT detail FROM audit WHERE act = 'psam.retire'").expect("rows");
    assert_eq!(details, [["contacts worn"]]);
}

#[test]
fn custody_needs_the_role_keys_and_a_psam_that_exists() {
    let mut site = site();
    let by = |site: &mut Site, number, operator| {
        custody::hand_out(&mut site.centre.store, number, &TO, operator).expect_err("refused").code()
    };
    assert_eq!(by(&mut site, OLD, Some("li")), "OPERATOR_ROLE_MISSING");
    assert_eq!(by(&mut site, OLD, None), "OPERATOR_NOT_NAMED");
    assert_eq!(by(&mut site, "510000000009", Some("zhou")), "PSAM_NOT_FOUND");
}

#[test]
fn nothing_is_due_back_by_a_day_that_is_over() {
    let mut site = site();
    let (store, operator) = (&mut site.centre.store, Some("zhou"));
    let past = HandOut { due: "20200101", ..TO };
    assert!(matches!(custody::hand_out(store, OLD, &past, operator), Err(PsamError::DayOver { .. })));
    let nobody = HandOut { institution: "NOBODY", ..TO };
    let unknown = custody::hand_out(store, OLD, &nobody, operator).expect_err("nobody answers for it");
    assert_eq!(unknown.code(), "INSTITUTION_UNKNOWN");
    custody::hand_out(store, OLD, &TO, operator).expect("handed out");
    let late = Replacement { with: NEW, to: TO, back_by: "20200101", reason: "worn" };
    let late = custody::replace(store, OLD, &late, operator);
    assert!(matches!(late, Err(PsamError::DayOver { .. })));
    assert_eq!((site.psam(OLD).state, site.psam(NEW).state), ("handed_out".to_owned(), "in_custody".to_owned()));
}
