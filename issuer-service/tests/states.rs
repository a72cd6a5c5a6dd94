//! The published tables of states: what the page says, what the database takes, and nothing else.

use std::collections::BTreeSet;

use issuer_service::state::{TABLES, Tables};
use issuer_service::store::{Place, Store};

#[test]
fn the_page_of_states_is_made_from_the_tables() {
    let page = include_str!("../../docs/states.md");
    assert_eq!(page.trim_end(), Tables::page().trim_end(), "run `issuer states --markdown > docs/states.md`");
}

#[test]
fn the_database_takes_the_states_of_the_tables_and_no_others() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("centre.db");
    drop(Store::create(&Place::File(path.clone()), folder.path()).expect("store"));
    let raw = rusqlite::Connection::open(path).expect("database");
    for table in TABLES {
        let find = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = $1";
        let sql: String = raw.query_row(find, [table.name], |row| row.get(0)).expect(table.name);
        let (_, list) = sql.split_once("CHECK (state IN (").expect("a list of states");
        let (list, _) = list.split_once(')').expect("its end");
        let taken: BTreeSet<&str> = list.split(',').map(|name| name.trim().trim_matches('\'')).collect();
        let known: BTreeSet<&str> = table.states.iter().map(|row| row.name).collect();
        assert_eq!(taken, known, "{}", table.name);
    }
}

#[test]
fn every_state_but_the_first_is_reached_and_no_move_stays_where_it_is() {
    for table in TABLES {
        let reached: BTreeSet<&str> = table.moves.iter().map(|way| way.to).collect();
        for row in table.states.iter().skip(1) {
            assert!(reached.contains(row.name), "{} {}", table.name, row.name);
        }
        assert!(table.moves.iter().all(|way| way.from != way.to), "{}", table.name);
        assert!(table.states.iter().all(|row| !row.zh.is_empty() && !row.means.trim().is_empty()), "{}", table.name);
    }
}
