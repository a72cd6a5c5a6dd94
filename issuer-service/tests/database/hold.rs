//! Another process that writes: it holds what every writer needs, until it is dropped.

use std::path::Path;

/// Who holds it.
pub(crate) enum Held {
    File(rusqlite::Connection),
    Server(postgres::Client),
}

/// Holds the database of the centre in `folder` against every writer.
pub(crate) fn hold(folder: &Path) -> Held {
    let config = std::fs::read_to_string(folder.join("centre.toml")).expect("a configuration");
    match config.lines().find_map(|line| line.strip_prefix("url = \"")?.strip_suffix('"')) {
        Some(url) => {
            let mut client = postgres::Client::connect(url, postgres::NoTls).expect("the server");
            let lock = "SELECT pg_advisory_lock(hashtextextended(current_schema(), 115944579229042))";
            client.batch_execute(lock).expect("held");
            Held::Server(client)
        }
        None => {
            let connection = rusqlite::Connection::open(folder.join("centre.db")).expect("database");
            connection.execute_batch("BEGIN IMMEDIATE").expect("held");
            Held::File(connection)
        }
    }
}

impl Held {
    /// Lets the others write.
    pub(crate) fn free(self) {
        match self {
            Self::File(connection) => connection.execute_batch("ROLLBACK").expect("freed"),
            Self::Server(client) => client.close().expect("freed"),
        }
    }
}
