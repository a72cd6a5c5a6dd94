//! Every endpoint against every role, from the rows that the router is made of.

use std::collections::BTreeMap;

use issuer_service::http::api::{Asks, ENDPOINTS, Endpoint, Method};
use issuer_service::operator::Role;

use crate::office::{In, Office, Told};

/// Who may: `-` everybody, `*` whoever is in, `+` whoever is in and does more than put questions for people elsewhere, else one of these
/// roles. Written by hand, against the table of duties. `query` gets past the gate where a program names an operator, who is looked at
/// behind it: where there is nothing to be read before that, it is refused here already.
const MAY: &str = "
POST   /api/v1/session -
GET    /api/v1/session *
DELETE /api/v1/session *
GET    /api/v1/openapi.json -
GET    /api/v1/people capture counter approve
POST   /api/v1/people capture counter
POST   /api/v1/people/search capture counter approve
GET    /api/v1/people/{number} capture counter approve
POST   /api/v1/people/{number}/reveal capture
POST   /api/v1/people/{number}/photo capture counter
POST   /api/v1/people/{number}/query-password counter query
POST   /api/v1/queries counter capture query
POST   /api/v1/queries/password query
GET    /api/v1/tickets +
POST   /api/v1/tickets counter query
GET    /api/v1/tickets/{number} counter
POST   /api/v1/tickets/{number}/read query
POST   /api/v1/tickets/{number}/answer counter query
POST   /api/v1/tickets/{number}/close counter
GET    /api/v1/credential-requests capture counter approve
POST   /api/v1/credential-requests capture
GET    /api/v1/credential-requests/{number} capture counter approve
POST   /api/v1/credential-requests/{number}/cancel capture
GET    /api/v1/credentials capture counter approve
GET    /api/v1/credentials/{card} capture counter approve station
POST   /api/v1/credentials/{card}/activate counter
POST   /api/v1/credentials/{card}/suspend counter
POST   /api/v1/credentials/{card}/unsuspend counter
POST   /api/v1/credentials/{card}/lock counter
POST   /api/v1/credentials/{card}/unlock counter
POST   /api/v1/credentials/{card}/cancel counter
GET    /api/v1/batches +
POST   /api/v1/batches capture
GET    /api/v1/batches/{number} +
GET    /api/v1/batches/{number}/events +
POST   /api/v1/batches/{number}/approve approve
POST   /api/v1/batches/{number}/cancel capture approve
POST   /api/v1/batches/{number}/withdraw approve
GET    /api/v1/stock +
POST   /api/v1/stock/receive stock
POST   /api/v1/stock/issue stock
GET    /api/v1/stations +
GET    /api/v1/holds +
GET    /api/v1/clearing/records +
GET    /api/v1/clearing/sales +
GET    /api/v1/clearing/allotments +
GET    /api/v1/clearing/loads +
GET    /api/v1/blacklist +
POST   /api/v1/blacklist clearing
GET    /api/v1/operators +
GET    /api/v1/audit audit
";

fn all() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().copied().flatten()
}

fn may() -> BTreeMap<(&'static str, &'static str), Vec<&'static str>> {
    let rows = MAY.trim().lines().map(|line| {
        let mut words = line.split_whitespace();
        let at = (words.next().expect("a method"), words.next().expect("a path"));
        (at, words.collect())
    });
    rows.collect()
}

/// The path with something in its places.
fn filled(path: &str) -> String {
    path.replace("{number}", "999999").replace("{card}", "A99999999").replace("{name}", "nothing")
}

fn tried(office: &Office, endpoint: &Endpoint, who: Option<&In>) -> Told {
    let kind = endpoint.work().takes().0.unwrap_or("text/plain");
    let mut headers = vec![("content-type", kind)];
    if let Some(who) = who {
        headers.extend([("cookie", who.cookie.as_str()), ("x-csrf-token", who.csrf.as_str())]);
    }
    let body: &[u8] = if endpoint.work().takes().0.is_some() { b"{}" } else { b"" };
    office.send(endpoint.method.name(), &filled(endpoint.path), &headers, body)
}

#[test]
fn every_endpoint_stands_in_the_table_of_this_test_and_names_a_command() {
    let table = may();
    let known: Vec<_> = all().map(|endpoint| (endpoint.method.name(), endpoint.path)).collect();
    assert_eq!(known.len(), table.len(), "one row each");
    for at in &known {
        assert!(table.contains_key(at), "{at:?}");
    }
    let mut ids: Vec<&str> = all().map(|endpoint| endpoint.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), known.len());
    for endpoint in all() {
        if let Asks::Duty(command) = endpoint.asks {
            let command = command.split(" --").next().expect("a command");
            let named = issuer_service::operator::duty::DUTIES.iter().any(|(name, _)| *name == command);
            assert!(named, "{command} is no command");
        }
    }
}

#[test]
fn every_endpoint_refuses_whoever_has_not_one_of_its_roles() {
    let mut office = Office::new();
    let mut clerks: Vec<(&str, In)> =
        Role::ALL.iter().map(|role| (role.name(), office.with(role.name(), &[*role]))).collect();
    let table = may();
    // Logging out comes last: it ends the session that the others need.
    let (last, rest): (Vec<_>, Vec<_>) = all().partition(|endpoint| endpoint.id == "logOut");
    let mut tries = 0;
    for endpoint in rest.into_iter().chain(last) {
        let may = &table[&(endpoint.method.name(), endpoint.path)];
        let at = format!("{} {}", endpoint.method.name(), endpoint.path);
        let told = tried(&office, endpoint, None);
        assert_eq!(told.code() == "SESSION_MISSING", may[0] != "-", "{at}: {told:?}");
        for (role, who) in &mut clerks {
            if endpoint.method != Method::Get && may[0] != "-" {
                let bare = In { csrf: String::new(), ..who.clone() };
                assert_eq!(tried(&office, endpoint, Some(&bare)).code(), "SESSION_TOKEN_WRONG", "{at}");
            }
            let told = tried(&office, endpoint, Some(who));
            let open = ["-", "*"].contains(&may[0]) || (may[0] == "+" && *role != "query") || may.contains(role);
            assert_eq!(told.code() == "OPERATOR_ROLE_MISSING", !open, "{at} by {role}: {told:?}");
            assert!(told.status < 500 && !told.code().starts_with("SESSION_"), "{at} by {role}: {told:?}");
            tries += 1;
        }
    }
    assert_eq!(tries, table.len() * Role::ALL.len());
}
