//! Who may register operators and change what they may do.

use crate::bench::Bench;

fn by<'a>(operator: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    [&["--operator", operator], words].concat()
}

#[test]
fn once_somebody_manages_only_managers_register_operators_and_nobody_raises_themselves() {
    let bench = Bench::new();
    // Nobody manages yet: whoever sits at the machine registers the first.
    bench.done(&["operator", "add", "li", "--role", "capture"]);
    bench.done(&["operator", "add", "head", "--role", "manage"]);
    let add = ["operator", "add", "li2", "--role", "approve"];
    bench.refused(&add, "OPERATOR_NOT_NAMED", 1);
    bench.refused(&by("li", &add), "OPERATOR_ROLE_MISSING", 3);
    bench.refused(&by("nobody", &add), "OPERATOR_UNKNOWN", 2);
    bench.done(&by("head", &["operator", "add", "deputy", "--role", "manage"]));
    for words in [
        &["operator", "roles", "head", "--role", "manage", "--role", "approve"][..],
        &["operator", "disable", "head", "--reason", "left"],
    ] {
        bench.refused(&by("head", words), "OPERATOR_OWN_ROLES", 3);
        bench.refused(&by("li", words), "OPERATOR_ROLE_MISSING", 3);
    }
    bench.done(&by("deputy", &["operator", "roles", "head", "--role", "manage", "--role", "approve"]));
    bench.done(&by("head", &["operator", "roles", "li", "--role", "counter"]));
    bench.refused(&by("li", &["number", "fill", "1"]), "OPERATOR_ROLE_MISSING", 3);
    bench.done(&by("head", &["operator", "disable", "deputy", "--reason", "left"]));
    bench.refused(&by("deputy", &["operator", "roles", "head", "--role", "audit"]), "OPERATOR_DISABLED", 3);
    // A name is one person's for good, and somebody always manages.
    bench.refused(&by("head", &["operator", "add", "deputy", "--role", "stock"]), "OPERATOR_EXISTS", 3);
    for name in ["LI", "Deputy"] {
        bench.refused(&by("head", &["operator", "add", name, "--role", "approve"]), "OPERATOR_EXISTS", 3);
    }
    bench.refused(&by("head", &["operator", "roles", "deputy", "--role", "stock"]), "OPERATOR_UNKNOWN", 2);
    let records = bench.ask("SELECT actor, act FROM audit ORDER BY sequence DESC LIMIT 4");
    assert_eq!(records[0], ["head", "operator.disable"]);
    assert_eq!(records[2], ["deputy", "operator.roles"]);
    bench.done(&["audit", "verify"]);
}

#[test]
fn init_registers_the_first_who_manages_and_the_last_stays() {
    let bench = Bench::empty();
    bench.refused(&[bench.init(), vec!["--manager".into(), "a b".into()]].concat(), "OPERATOR_NAME_INVALID", 1);
    assert!(!bench.data().exists());
    bench.done(&[bench.init(), vec!["--manager".into(), "head".into()]].concat());
    bench.refused(&["operator", "add", "li", "--role", "capture"], "OPERATOR_NOT_NAMED", 1);
    bench.done(&by("head", &["operator", "add", "li", "--role", "capture"]));
    bench.done(&by("head", &["operator", "add", "next", "--role", "manage"]));
    bench.done(&by("next", &["operator", "disable", "head", "--reason", "left"]));
    bench.refused(&by("next", &["operator", "disable", "next", "--reason", "x"]), "OPERATOR_OWN_ROLES", 3);
}

#[test]
fn an_actor_without_a_name_is_the_user_of_the_system_and_not_what_the_environment_says() {
    let bench = Bench::empty();
    let mut command = bench.command(&bench.init());
    command.env("USER", "president").env("LOGNAME", "president");
    assert!(command.output().expect("the program starts").status.success());
    let mut command =
        bench.command(&["operator", "add", "li", "--role", "capture", "--operator", "president\u{1b}[1m"]);
    assert!(command.env("USER", "president").output().expect("the program starts").status.success());
    let actors = bench.ask("SELECT DISTINCT actor FROM audit");
    assert!(
        actors.len() == 1 && actors[0][0].starts_with("local:") && !actors[0][0].contains("president"),
        "{actors:?}"
    );
}
