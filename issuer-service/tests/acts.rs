//! Every command of the program, from its own list: one that only looks changes nothing; one that acts leaves an audit record in
//! the same transaction, and does nothing when the record cannot be written.

#[path = "photo/drawn.rs"]
mod drawn;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use issuer_service::cli::Cli;
use rusqlite::Connection;

/// What a command does.
enum Kind {
    /// Nothing to the database.
    Looks,
    /// Something.
    Acts,
}
use Kind::{Acts, Looks};

/// One operator with every role, one who approves what the other made.
const ONE: &str = "li";
const OTHER: &str = "wang";
const KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// A day at the centre: every command, in an order in which each succeeds.
const DAY: &[(Kind, &str, &str)] = &[
    (Acts, ONE, "operator add zhou --role keys"),
    (Acts, ONE, "operator add qian --role keys"),
    (Looks, ONE, "operator list"),
    (Acts, ONE, "source add bureau"),
    (Looks, ONE, "source list"),
    (Looks, ONE, "source show bureau"),
    (Acts, ONE, "import people.csv"),
    (Acts, ONE, "person import more.csv --source bureau"),
    (Acts, ONE, "person upsert person.json"),
    (Looks, ONE, "person list"),
    (Looks, ONE, "person find"),
    (Looks, ONE, "person show 1"),
    (Acts, ONE, "person show 1 --reveal --reason asked"),
    (Looks, ONE, "person history 1"),
    (Looks, ONE, "person compare registry bureau"),
    (Looks, ONE, "person conflicts"),
    (Acts, ONE, "person merge 1 --take bureau"),
    (Acts, ONE, "person death 4 --on 20260101 --reason seen"),
    (Acts, ONE, "person death 4 --withdraw --reason mistake"),
    (Acts, ONE, "person renumber 2 number.json --because wrong --reason letter"),
    (Looks, ONE, "person orders"),
    (Acts, OTHER, "person approve 1"),
    (Acts, ONE, "person join 4 --into 2 --reason double"),
    (Acts, OTHER, "person reject 2 --reason sisters"),
    (Acts, ONE, "benefit import contributions.csv"),
    (Looks, ONE, "benefit list"),
    (Acts, ONE, "certificate make --person 1 --out certificate.pdf"),
    (Acts, ONE, "certificate print CODE --out again.pdf"),
    (Acts, ONE, "benefit take-back 1"),
    (Looks, ONE, "ticket list"),
    (Acts, ONE, "query person --person 1"),
    (Acts, ONE, "query card --person 1 --channel agent"),
    (Acts, ONE, "query account --person 1"),
    (Acts, ONE, "query insurance --person 1"),
    (Acts, ONE, "query progress --person 1"),
    (Acts, ONE, "query password --person 1 --query-password file:digits"),
    (Acts, ONE, "photo import photos"),
    (Acts, ONE, "photo add 2 photo.jpg"),
    (Looks, ONE, "photo check photo.jpg"),
    (Looks, ONE, "photo show 2"),
    (Acts, ONE, "photo show 2 --out out.jpg --reason asked"),
    (Acts, ONE, "photo remove 2 --reason mistake"),
    (Acts, ONE, "number fill 9"),
    (Acts, ONE, "number block NUMBER --reason word"),
    (Acts, ONE, "number prefix propose Q --reason soon"),
    (Acts, OTHER, "number prefix withdraw Q --reason early"),
    (Acts, ONE, "number prefix propose Q --reason soon"),
    (Acts, OTHER, "number prefix approve Q"),
    (Looks, ONE, "number list"),
    (Acts, ONE, "request new --person 3"),
    (Looks, ONE, "request list"),
    (Looks, ONE, "request show 1"),
    (Acts, ONE, "request withdraw 1 --reason asked"),
    (Acts, ONE, "batch create --persons 1,2"),
    (Acts, ONE, "batch cancel 1"),
    (Acts, ONE, "batch create --persons 1,2,3"),
    (Acts, OTHER, "batch approve 2"),
    (Looks, ONE, "batch list"),
    (Looks, ONE, "batch show 2"),
    (Looks, ONE, "exchange list"),
    (Looks, ONE, "exchange template list"),
    (Looks, ONE, "exchange template show bank-fixed"),
    (Looks, ONE, "exchange template check template.toml"),
    (Acts, ONE, "stock place add S1 --kind station --keeper sun"),
    (Looks, ONE, "stock place list"),
    (Acts, ONE, "stock receive B1 --lot L7 --cards 100"),
    (Acts, ONE, "stock count B1 --cards 98"),
    (Acts, ONE, "stock find --box B1 --cards 1 --reason behind"),
    (Acts, ONE, "stock lose --box B1 --cards 1 --at store --reason nowhere"),
    (Acts, ONE, "stock issue B1 --to S1 --cards 20"),
    (Acts, ONE, "stock damage B1 --at S1 --cards 3 --reason bent"),
    (Acts, ONE, "stock take-back B1 --from S1 --cards 17"),
    (Acts, ONE, "stock condemn --box B1 --cards 3 --reason bent"),
    (Acts, OTHER, "stock destroy D-1"),
    (Acts, ONE, "stock inventory --at store --cards /dev/null --reason yearly"),
    (Looks, ONE, "stock show"),
    (Looks, ONE, "stock history --box B1"),
    (Looks, ONE, "stock check"),
    // Here a station begins card 5 and makes cards 3 and 4: see `station`.
    (Acts, ONE, "batch spoil 2 --job 5"),
    (Looks, ONE, "card list"),
    (Acts, ONE, "stock place add O1 --kind outlet --keeper ma"),
    (Acts, ONE, "stock adopt --batch 2"),
    (Acts, ONE, "stock pack --batch 2 --to O1"),
    (Acts, ONE, "stock unpack P-2"),
    (Acts, ONE, "stock pack --card A1,A2 --to O1"),
    (Acts, ONE, "stock dispatch P-3 --carrier post"),
    (Acts, ONE, "stock accept P-3 --all"),
    (Acts, ONE, "stock due"),
    (Acts, ONE, "stock hand-out A1"),
    (Looks, ONE, "stock receipt A1"),
    (Acts, ONE, "stock take-in A1 --at O1 --reason slip"),
    (Acts, ONE, "stock hand-out A1"),
    (Acts, ONE, "stock send-back --from O1 --card A2 --carrier post"),
    (Acts, ONE, "stock accept P-4 --all"),
    (Acts, ONE, "stock hand-out A2"),
    (Acts, ONE, "card activate A1 A2"),
    (Looks, ONE, "card show A1"),
    (Looks, ONE, "face template list"),
    (Looks, ONE, "face template show back"),
    (Looks, ONE, "face template check front"),
    (Acts, ONE, "face print A1 --side front --out face.png"),
    (Acts, ONE, "card report-loss A1 --temporary --reason lost"),
    (Acts, ONE, "card release A1 --reason found"),
    (Acts, ONE, "card lock A1 --reason why"),
    (Acts, ONE, "card unlock A1 --reason why"),
    (Acts, ONE, "sync load"),
    (Acts, ONE, "sync export"),
    (Looks, ONE, "sync status"),
    (Looks, ONE, "sync list"),
    (Acts, ONE, "pin reset A1 --reason seen"),
    (Acts, OTHER, "pin approve 1"),
    (Looks, ONE, "pin list"),
    (Acts, ONE, "pin withdraw 1 --reason asked"),
    (Acts, ONE, "pin unblock A1 --reason seen"),
    (Acts, ONE, "card update request A1 --item phone --reason wrong"),
    (Looks, ONE, "card update list"),
    (Looks, ONE, "card update items A1"),
    (Acts, ONE, "card update withdraw 1 --reason right"),
    (Acts, ONE, "card cancel A2 --reason damaged"),
    (Acts, ONE, "instant new --person 4 --kind first"),
    (Acts, OTHER, "instant approve 5"),
    (Looks, ONE, "instant list"),
    (Looks, ONE, "instant show 5"),
    (Acts, ONE, "station enrol east --request station.csr"),
    (Looks, ONE, "station certificate east --out east.pem"),
    (Acts, ONE, "station revoke east --reason why"),
    (Looks, ONE, "station list"),
    (Looks, ONE, "station yield"),
    (Looks, ONE, "station holds"),
    (Acts, ONE, "card due"),
    (Looks, ONE, "card history A1"),
    (Looks, ONE, "card states"),
    (Looks, ONE, "states"),
    (Acts, ONE, "institution add H001 --name x --region 513301 --type hospital"),
    (Looks, ONE, "institution list"),
    (Acts, ONE, "terminal add 990000000001 --institution H001 --public-key KEY"),
    (Looks, ONE, "terminal list"),
    (Acts, ONE, "terminal set 990000000001 --purchase-limit 500.00"),
    (Looks, ONE, "terminal certificates"),
    (Looks, ONE, "sale list"),
    (Acts, ONE, "terminal stop 990000000001"),
    (Acts, ONE, "terminal start 990000000001"),
    // Here PSAMs 990000000001 and 2 are at the centre: see `station`.
    (Acts, ONE, "psam handout 990000000001 --institution H001 --holder holder.txt --until 20991231"),
    (
        Acts,
        ONE,
        "psam replace 990000000001 --with 990000000002 --institution H001 --holder holder.txt --until 20991231 --back-by 20991231 --reason worn",
    ),
    (Looks, ONE, "psam list"),
    (Looks, ONE, "psam tasks"),
    (Acts, ONE, "psam return 990000000001"),
    (Acts, ONE, "psam retire 990000000001 --reason worn"),
    (Acts, ONE, "psam lost 990000000002 --reason stolen"),
    (Acts, ONE, "account allot --card 513300D1560000050000000100000000 --amount 5.00"),
    (Acts, OTHER, "account approve 1"),
    (Acts, ONE, "account allot --card 513300D1560000050000000100000000 --amount 5.00"),
    (Acts, OTHER, "account reject 2 --reason asked-twice"),
    (Acts, ONE, "account move-balances"),
    (Looks, ONE, "account requests"),
    (Looks, ONE, "account list"),
    (Looks, ONE, "load list"),
    (Looks, ONE, "terminal sales --open"),
    (Looks, ONE, "row list"),
    (Acts, ONE, "catalogue import drugs.csv"),
    (Acts, OTHER, "catalogue publish 2026-1 --from 2026-01-01"),
    (Looks, ONE, "catalogue list"),
    (Acts, ONE, "blacklist add 513300D1560000050000000100000000 --reason why"),
    (Acts, ONE, "blacklist remove 513300D1560000050000000100000000 --reason why"),
    (Looks, ONE, "blacklist list"),
    (Acts, ONE, "blacklist export --out list.json"),
    (Looks, ONE, "window list"),
    (Looks, ONE, "window show --date TODAY"),
    (Looks, ONE, "statement --institution H001 --date TODAY"),
    (Looks, ONE, "reconcile --date TODAY"),
    (Acts, ONE, "window close --date TODAY"),
    (Looks, ONE, "config show --origin"),
    (Looks, ONE, "self-test"),
    (Looks, ONE, "key list"),
    (Looks, ONE, "key check"),
    (Acts, ONE, "retention set photos --days 400 --reason law"),
    (Looks, ONE, "retention show"),
    (Looks, OTHER, "retention run"),
    (Acts, OTHER, "due"),
    (Looks, ONE, "key data"),
    (Acts, ONE, "key rotate-data"),
    (Acts, ONE, "ceremony start --custodian zhou --custodian qian --threshold 2"),
    (Acts, "zhou", "ceremony contribute --secret file:secret"),
    (Looks, ONE, "ceremony list"),
    (Looks, ONE, "ceremony show 1"),
    (Looks, ONE, "ceremony protocol 1"),
    (Acts, "zhou", "ceremony cancel"),
    (Acts, ONE, "key discard"),
    (Looks, ONE, "operator duties"),
    (Looks, ONE, "api openapi"),
    (Acts, ONE, "operator add head --role manage"),
    (Acts, "head", "operator roles zhou --role audit"),
    (Acts, "head", "client enrol zhou --request client.csr"),
    (Acts, "head", "client revoke zhou --reason why"),
    (Acts, ONE, "client authority --out authority.pem"),
    (Looks, ONE, "client list"),
    (Acts, "head", "operator disable qian --reason left"),
    (Acts, ONE, "audit anchor --reason lost"),
    (Acts, "head", "audit clock --reason checked"),
    (Acts, ONE, "backup create one.backup --backup-passphrase file:secret"),
    (Looks, ONE, "backup verify one.backup --backup-passphrase file:secret"),
    (Looks, ONE, "audit export log.jsonl"),
    (Acts, ONE, "audit checkpoint"),
    (Acts, "head", "operator reset head --initial file:secret"),
    (Acts, "head", "operator password --new file:own --password file:secret"),
    (Acts, "head", "operator totp --password file:own"),
    (Acts, "head", "operator roles zhou --role stock --password file:own"),
    (Looks, ONE, "audit verify"),
];

/// Commands that need a reader, a token or a server; the test that holds their record, or why there is none.
const ELSEWHERE: &[(&str, &str)] = &[
    ("init", "makes the database: its first record is init's own"),
    ("batch withdraw", "batch::an_approved_batch_is_withdrawn_until_a_station_begins"),
    ("batch run", "station tear::an_audit_log_that_cannot_be_written_stops_the_card_from_being_called_done"),
    (
        "card update run",
        "station update::without_a_durable_intent_nothing_is_written_and_without_a_durable_outcome_nothing_is_called_done",
    ),
    (
        "batch print",
        "station print::a_card_whose_printing_was_cut_off_is_listed_and_on_record_before_the_printer_has_it",
    ),
    (
        "ticket add",
        "clearing kiosk::a_ticket_is_taken_in_once_answered_and_closed_and_its_words_stand_nowhere_in_the_open",
    ),
    (
        "ticket show",
        "clearing kiosk::a_ticket_is_taken_in_once_answered_and_closed_and_its_words_stand_nowhere_in_the_open",
    ),
    (
        "ticket answer",
        "clearing kiosk::a_ticket_is_taken_in_once_answered_and_closed_and_its_words_stand_nowhere_in_the_open",
    ),
    (
        "ticket close",
        "clearing kiosk::a_ticket_is_taken_in_once_answered_and_closed_and_its_words_stand_nowhere_in_the_open",
    ),
    ("sync import", "life sync::an_answer_that_does_not_fit_changes_nothing"),
    ("sync resend", "life sync::what_a_kill_leaves_is_finished_by_the_next_command"),
    ("sync retry", "life sync::a_row_says_what_the_registry_needs_and_a_refusal_holds_up_that_card_alone"),
    ("sync drop", "life sync::a_row_says_what_the_registry_needs_and_a_refusal_holds_up_that_card_alone"),
    ("instant run", "daemon instant: needs a reader"),
    ("station release", "station care: needs a reader or lot that is held"),
    ("station request", "makes files on a machine without a centre"),
    ("station certify", "remote certificate::who_enrols_does_not_certify_and_a_key_is_certified_once"),
    ("client request", "makes files on a machine without a centre"),
    ("client certify", "api machine::a_program_with_a_certificate_does_what_its_operator_may_until_it_is_revoked"),
    ("station work", "remote cut: its messages leave the records of a run at the centre"),
    ("psam personalize", "daemon psam"),
    ("key export", "daemon token: needs a token that lets keys out"),
    ("ceremony import", "ceremony"),
    ("ceremony finish", "ceremony"),
    ("exchange export", "exchange"),
    ("exchange import", "exchange"),
    ("batch set-aside", "station aside::an_approver_ends_a_waiting_job_by_hand_with_a_reason"),
    ("exchange resend", "exchange"),
    ("exchange abandon", "exchange"),
    ("exchange show", "exchange round::an_answer_moves_each_job_and_the_refused_are_made_again_with_new_numbers"),
    ("backup restore", "backup: makes a database"),
    ("blacklist adopt", "clearing lists: needs a centre that was brought back"),
    ("blacklist release", "clearing lists"),
    ("load propose", "clearing loads: needs a load that a terminal prepared"),
    ("load approve", "clearing loads"),
    ("load reject", "clearing loads"),
    ("row propose", "clearing decisions: needs a record that was not posted"),
    ("row approve", "clearing decisions"),
    ("row reject", "clearing decisions"),
    ("sale propose", "clearing sales: needs a sale that a terminal asked about"),
    ("sale approve", "clearing sales"),
    ("sale reject", "clearing sales"),
    ("terminal enrol", "remote terminal: needs a terminal's request"),
    ("terminal certify", "remote terminal"),
    ("terminal revoke", "remote terminal"),
    ("window explain", "clearing day: needs a difference"),
    ("receipt check", "clearing receipts: it looks, and needs a receipt of a terminal"),
    ("serve", "clearing door: every request of a terminal is an act"),
];

fn leaves(command: &clap::Command, path: &str, into: &mut BTreeSet<String>) {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let path = format!("{path} {}", below.get_name());
        if below.get_subcommands().next().is_none() {
            into.insert(path.trim().to_owned());
        }
        leaves(below, &path, into);
    }
}

#[test]
fn the_day_and_the_list_beside_it_hold_every_command_of_the_program() {
    let mut known = BTreeSet::new();
    leaves(&Cli::command(), "", &mut known);
    let is_named = |line: &str, leaf: &str| line == leaf || line.starts_with(&format!("{leaf} "));
    let missing: Vec<&String> = known
        .iter()
        .filter(|leaf| {
            !DAY.iter().any(|(_, _, line)| is_named(line, leaf)) && !ELSEWHERE.iter().any(|(name, _)| name == leaf)
        })
        .collect();
    assert!(missing.is_empty(), "no row says what these do to the audit log: {missing:?}");
    assert!(ELSEWHERE.iter().all(|(name, why)| known.contains(*name) && !why.is_empty()));
}

fn issuer(folder: &Path, operator: &str, line: &str) -> Output {
    let number = card_profiles::identity::card_number("A0000001").expect("a number");
    let day = issuer_service::clock::business_today().to_string();
    let code: String = Connection::open(folder.join("centre/centre.db"))
        .and_then(|centre| centre.query_row("SELECT code FROM participation_certificate", [], |row| row.get(0)))
        .unwrap_or_default();
    let words = line.split(' ').map(|word| match word {
        "CODE" => &code,
        "KEY" => KEY,
        "TODAY" => &day,
        "NUMBER" => &number,
        word => word,
    });
    Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "en", "--data", "centre", "--operator", operator])
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// Every row of every table but the audit log and the attempts to log in, which count before they are looked at; and how many records
/// the log has.
fn rows(raw: &Connection) -> (String, i64) {
    let mut tables = raw
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT IN ('audit', 'login_failure') ORDER BY name")
        .expect("tables");
    let names: Vec<String> =
        tables.query_map((), |row| row.get(0)).expect("names").map(|name| name.expect("text")).collect();
    let mut all = String::new();
    for name in names {
        let mut find = raw.prepare(&format!("SELECT * FROM {name} ORDER BY 1, 2")).expect("a table");
        let columns = find.column_count();
        let mut found = find.query(()).expect("rows");
        while let Some(row) = found.next().expect("a row") {
            let cells: Vec<String> =
                (0..columns).map(|column| format!("{:?}", row.get_ref(column).expect("cell"))).collect();
            all += &format!("{name} {}\n", cells.join(" "));
        }
    }
    (all, raw.query_row("SELECT COUNT(*) FROM audit", (), |row| row.get(0)).expect("count"))
}

/// What stations do between two commands, put there by hand.
fn station(raw: &Connection, next: &str) {
    match next {
        "batch spoil 2 --job 5" => {
            let numbers = "UPDATE job SET card_number = NULL WHERE number IN (3, 4);
                 INSERT INTO card_number VALUES ('A1', 9000001, 'used', ''), ('A2', 9000002, 'used', '');
                 UPDATE job SET card_number = 'A' || (number - 2) WHERE number IN (3, 4);
                 UPDATE batch SET state = 'running' WHERE number = 2; UPDATE job SET state = 'writing' WHERE number = 5;";
            raw.execute_batch(numbers).expect("numbers");
            for (job, identifier, state) in [(3, 1, "sealed"), (4, 2, "sealed"), (5, 3, "writing")] {
                if state == "sealed" {
                    raw.execute("UPDATE job SET state = 'done' WHERE number = ?1", [job]).expect("job");
                }
                raw.execute_batch(&format!(
                    "INSERT INTO card VALUES ('00813147331586505133000000{job:02}', {job}, {job} - 2,
                         (SELECT card_number FROM job WHERE number = {job}), '513300D15600000500000{identifier:03}00000000', 'ssc-3.0',
                         '20260101', '20990101', '{state}', '')"
                ))
                .expect("card");
            }
        }
        "psam handout 990000000001 --institution H001 --holder holder.txt --until 20991231" => {
            let psams = "INSERT INTO psam (chip, terminal_number, institution, state, made_by, changed_at)
                 VALUES ('00813147331586509900000000000001', '990000000001', 'H001', 'in_custody', 'zhou', ''), ('00813147331586509900000000000002', '990000000002', 'H001', 'in_custody', 'zhou', '')";
            raw.execute_batch(psams).expect("psams");
        }
        _ => {}
    }
}

#[test]
fn who_looks_changes_nothing_and_who_acts_is_recorded_or_does_nothing() {
    let place = tempfile::tempdir().expect("folder");
    let folder = place.path();
    assert!(issuer(folder, "local", "init").status.success());
    let roles = "--role capture --role approve --role station --role keys --role clearing --role audit --role counter --role stock";
    for name in [ONE, OTHER] {
        assert!(issuer(folder, "local", &format!("operator add {name} {roles}")).status.success());
    }
    // The first opening of the data keys binds the database to them.
    assert!(issuer(folder, ONE, "person list").status.success());
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("file");
    let head = "身份证号,姓名,性别,民族,行政区划代码\n";
    file(
        "people.csv",
        &format!(
            "{head}513301199001010013,扎西,男,藏族,513301\n513301199001010021,央金,女,藏族,513301\n51330119900101003X,尼玛,男,藏族,513301\n"
        ),
    );
    file("more.csv", &format!("{head}513301199001010013,尼玛,男,藏族,513301\n"));
    file("digits", "830512\n");
    file(
        "drugs.csv",
        "# version:2026-1\n药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药\nX1,阿莫西林胶囊,甲,101,20.00,0,2020-01-01,,否\n",
    );
    file(
        "contributions.csv",
        "社会保障号码,险种类型,费款所属期,缴费基数,单位缴费,个人缴费\n513301199001010013,310,202601,5000,400,100\n",
    );
    file("number.json", "{\"number\":\"513301199001017717\"}");
    file("person.json", "{\"number\":\"513301199001010048\",\"name\":\"扎西\"}");
    let shown = issuer(folder, ONE, "--format text exchange template show bank-fixed");
    std::fs::write(folder.join("template.toml"), shown.stdout).expect("a template");
    std::fs::write(folder.join("holder.txt"), "陈店长\n").expect("a name");
    std::fs::create_dir(folder.join("photos")).expect("folder");
    for name in ["photo.jpg", "photos/513301199001010013.jpg"] {
        std::fs::write(folder.join(name), drawn::photo(1)).expect("photo");
    }
    file("secret", "an invented secret\n");
    file("own", "another invented word\n");
    let (_, request) = issuer_service::vault::authority::request("station").expect("request");
    file("station.csr", &request);
    let (_, request) = issuer_service::vault::authority::request("client").expect("request");
    file("client.csr", &request);
    let raw = Connection::open(folder.join("centre/centre.db")).expect("database");
    raw.busy_timeout(std::time::Duration::from_secs(5)).expect("timeout");
    for (kind, operator, line) in DAY {
        station(&raw, line);
        let before = rows(&raw);
        if let Acts = kind {
            let block = "CREATE TRIGGER blocked BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no record'); END";
            raw.execute_batch(block).expect("blocked");
            let refused = issuer(folder, operator, line);
            let told = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(9), "{line}: {told}");
            let after = rows(&raw);
            let changed: Vec<&str> = after.0.lines().filter(|row| !before.0.contains(row)).collect();
            assert!(after == before, "{line}: done without a record: {changed:?}");
            raw.execute_batch("DROP TRIGGER blocked").expect("open again");
        }
        let output = issuer(folder, operator, line);
        let told = [output.stderr, output.stdout].concat();
        let told = String::from_utf8_lossy(&told);
        let after = rows(&raw);
        match kind {
            Looks => {
                assert!(matches!(output.status.code(), Some(0 | 2 | 7)), "{line}: {told}");
                assert!(after == before, "{line}: it only looks, and something changed");
            }
            Acts => {
                assert_eq!(output.status.code(), Some(0), "{line}: {told}");
                assert!(after.1 > before.1, "{line}: no record");
            }
        }
    }
}
