//! Who may do what: every command of the program against every role.

use std::collections::BTreeSet;

use clap::CommandFactory;
use issuer_service::cli::Cli;
use issuer_service::operator::Role;
use issuer_service::operator::duty::{DUTIES, Duties, Duty};
use serde_json::Value;

use crate::bench::Bench;

/// A line for every command that needs a role; what it names need not be there.
const LINES: &[&str] = &[
    "key export SSSE-RK",
    "key rotate-data",
    "key discard",
    "ceremony start --custodian a --custodian b --threshold 2",
    "ceremony contribute --secret file:x",
    "ceremony import x",
    "ceremony finish",
    "ceremony cancel",
    "import x.csv",
    "person import x.csv",
    "person upsert x.json",
    "person renumber 1 x.json --because wrong --reason x",
    "person join 2 --into 1 --reason x",
    "person approve 1",
    "person reject 1 --reason x",
    "person merge 1 --take bureau",
    "person death 1 --on 20260101 --reason seen",
    "benefit import x.csv",
    "benefit take-back 1",
    "photo import x",
    "photo add 1 x.jpg",
    "photo remove 1 --reason x",
    "face print A1 --side front --out x.png",
    "source add x",
    "request new --person 1",
    "request withdraw 1 --reason x",
    "number fill 1",
    "number block A00000018 --reason x",
    "number prefix propose B --reason x",
    "number prefix approve B",
    "number prefix withdraw B --reason x",
    "batch create --persons 1",
    "batch approve 1",
    "batch cancel 1",
    "batch withdraw 1 --reason x",
    "batch run 1 --reader x",
    "batch print 1 --printer x",
    "batch spoil 1 --job 1",
    "batch set-aside 1 --job 1 --reason x",
    "exchange export bank-fixed --batch 1 --partner 1",
    "exchange import",
    "exchange resend 1",
    "exchange abandon 1 --reason x",
    "instant new --person 1 --kind first",
    "instant approve 1",
    "instant run 1 --reader x",
    "station enrol x --request x.csr",
    "station certify x --key x --out x",
    "station revoke x --reason x",
    "station release reader x --reason x",
    "query person --by-number --channel web --query-password env:PATH",
    "query card --by-number --channel web --query-password env:PATH",
    "query account --by-number --channel web --query-password env:PATH",
    "query insurance --by-number --channel web --query-password env:PATH",
    "query progress --by-number --channel web --query-password env:PATH",
    "query password --person 1 --query-password env:PATH",
    "certificate make --person 1 --out x.pdf",
    "certificate print x --out x.pdf",
    "ticket add --kind complaint --subject card",
    "ticket show 1",
    "ticket answer 1",
    "ticket close 1",
    "stock place add S1 --kind station --keeper x",
    "stock receive B1 --lot L1 --cards 1",
    "stock count B1 --cards 1",
    "stock inventory --at O1 --cards x",
    "stock issue B1 --to S1 --cards 1",
    "stock take-back B1 --from S1 --cards 1",
    "stock damage B1 --at S1 --cards 1 --reason x",
    "stock lose --box B1 --cards 1 --at store --reason x",
    "stock find --box B1 --cards 1 --reason x",
    "stock condemn --box B1 --cards 1 --reason x",
    "stock destroy D-1",
    "stock adopt --batch 1",
    "stock pack --batch 1 --to O1",
    "stock unpack P-1",
    "stock dispatch P-1 --carrier x",
    "stock accept P-1 --all",
    "stock hand-out A1",
    "stock due",
    "stock take-in x --at x --reason x",
    "stock send-back --from O1 --card A1 --carrier x",
    "card activate A1",
    "card report-loss A1 --temporary --reason x",
    "card release A1 --reason x",
    "card lock A1 --reason x",
    "card unlock A1 --reason x",
    "card cancel A1 --reason x",
    "card due",
    "card update request A1 --reason x",
    "card update withdraw 1 --reason x",
    "card update run --reader x",
    "sync export",
    "sync import",
    "sync resend 2026010100000001",
    "sync retry 1",
    "sync drop 1 --reason x",
    "sync load",
    "pin reset A1 --reason x",
    "pin unblock A1 --reason x",
    "pin approve 1",
    "pin withdraw 1 --reason x",
    "due",
    "retention set photos --days 400 --reason x",
    "retention run",
    "psam personalize --reader x --terminal-number 990000000001 --institution H001",
    "psam handout 990000000001 --institution H001 --holder x --until 20991231",
    "psam return 990000000001",
    "psam replace 990000000001 --with 990000000002 --institution H001 --holder x --until 20991231 --back-by 20991231 --reason worn",
    "psam lost 990000000001 --reason x",
    "psam retire 990000000001 --reason worn",
    "client enrol x --request x.csr",
    "client certify x --key x --out x",
    "client revoke x --reason x",
    "client authority --out x",
    "audit export x",
    "audit checkpoint",
    "audit anchor --reason x",
    "backup create x.backup --backup-passphrase file:x",
    "institution add H001 --name x --region 513301 --type hospital",
    "terminal add 990000000001 --institution H001 --public-key 0101010101010101010101010101010101010101010101010101010101010101",
    "terminal set 990000000001 --purchase-limit 1.00",
    "terminal stop 990000000001",
    "terminal enrol 990000000001 --request x.csr",
    "terminal certify 990000000001 --key x --out x",
    "terminal revoke 990000000001 --reason x",
    "terminal start 990000000001",
    "account allot --card 513300D1560000050000000100000000 --amount 5.00",
    "account approve 1",
    "account reject 1 --reason x",
    "account move-balances",
    "load propose 01010101010101010101010101010101 --not-credited --reason x",
    "load approve 1",
    "load reject 1 --reason x",
    "row propose 990000000001/1 --dismiss --reason x",
    "row approve 1",
    "row reject 1 --reason x",
    "sale propose 00000000000000000000000000000001 --reason x",
    "sale approve 1",
    "sale reject 1 --reason x",
    "catalogue import x",
    "catalogue publish x --from 2026-01-01",
    "blacklist add 513300D1560000050000000100000000 --reason x",
    "blacklist remove 513300D1560000050000000100000000 --reason x",
    "blacklist export --out x",
    "blacklist adopt x",
    "blacklist release --reason x",
    "window close --date 2026-01-01",
    "window explain --date 2026-01-01 --difference 1 --reason x",
];

fn line_of(command: &str) -> Option<&'static str> {
    LINES.iter().copied().find(|line| *line == command || line.starts_with(&format!("{command} ")))
}

fn leaves(command: &clap::Command, path: &str, into: &mut BTreeSet<String>) {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let path = format!("{path} {}", below.get_name()).trim().to_owned();
        if below.get_subcommands().next().is_none() {
            into.insert(path.clone());
        }
        leaves(below, &path, into);
    }
}

/// What the program says to a command: its code, if it is refused.
fn code(bench: &Bench, operator: Option<&str>, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut command = bench.command(&words);
    command.env_remove("ISSUER_OPERATOR");
    if let Some(name) = operator {
        command.args(["--operator", name]);
    }
    let output = command.output().expect("the program starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(64), "{line}: {told}");
    let last: Option<Value> = told.lines().last().and_then(|line| serde_json::from_str(line).ok());
    assert!(output.status.success() || last.is_some(), "{line}: {told}");
    last.map(|error| error["code"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
}

#[test]
fn every_command_of_the_program_stands_once_in_the_table() {
    let mut known = BTreeSet::new();
    leaves(&Cli::command(), "", &mut known);
    let table: BTreeSet<String> = DUTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(table.len(), DUTIES.len(), "a command stands there twice");
    assert_eq!(table, known);
}

#[test]
fn the_page_of_duties_is_what_the_program_makes() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/duties.md");
    assert!(
        std::fs::read_to_string(page).expect("docs/duties.md") == Duties::page(),
        "issuer operator duties --markdown"
    );
}

#[test]
fn every_command_refuses_whoever_has_not_one_of_its_roles() {
    let bench = Bench::new();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Manage) {
        bench.done(&["operator", "add", role.name(), "--role", role.name()]);
    }
    let all: Vec<&str> = Role::ALL.iter().flat_map(|role| ["--role", role.name()]).collect();
    bench.done(&["operator", "add", "manage", "--role", "manage"]);
    bench.done(&[&["operator", "add", "gone", "--operator", "manage"][..], &all].concat());
    bench.done(&["operator", "disable", "gone", "--reason", "left", "--operator", "manage"]);
    let mut tried = 0;
    for (command, duty) in DUTIES {
        let Duty::Needs(roles) = duty else { continue };
        let line = line_of(command).unwrap_or_else(|| panic!("no line for {command}"));
        for (operator, expected) in
            [(None, "OPERATOR_NOT_NAMED"), (Some("nobody"), "OPERATOR_UNKNOWN"), (Some("gone"), "OPERATOR_DISABLED")]
        {
            assert_eq!(code(&bench, operator, line), expected, "{line}");
        }
        for role in Role::ALL {
            // These wait for readers, which this machine may have.
            if roles.contains(&role) && ["batch run", "instant run", "psam personalize"].contains(command) {
                continue;
            }
            let said = code(&bench, Some(role.name()), line);
            assert_eq!(said == "OPERATOR_ROLE_MISSING", !roles.contains(&role), "{line} by {}: {said}", role.name());
            tried += 1;
        }
    }
    assert!(tried > 600, "{tried}");
}

#[test]
fn the_readme_names_an_operator_in_every_line_that_needs_one() {
    let page = include_str!("../../README.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("issuer ")).collect();
    let mut acts = 0;
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().take_while(|word| *word != "#").collect();
        let operator = words.iter().position(|word| *word == "--operator");
        // What stands between the options before a command and its own.
        let mut before = 1;
        while words.get(before).is_some_and(|word| word.starts_with("--")) {
            before += 2;
        }
        let said = words.get(before..).unwrap_or_default().join(" ");
        let named = |(name, _): &&(&str, Duty)| said == **name || said.starts_with(&format!("{name} "));
        let Some((name, duty)) = DUTIES.iter().filter(named).max_by_key(|(name, _)| name.len()) else {
            panic!("no command of the program: {line}");
        };
        if matches!(duty, Duty::Needs(_)) {
            acts += 1;
            assert!(operator.is_some(), "{name} needs an operator: {line}");
        }
    }
    assert!(lines.len() > 45 && acts > 20, "{} lines, {acts} acts", lines.len());
}
