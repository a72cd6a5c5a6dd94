//! The database of one test: a file in its folder, or a schema of its own on the server that `ISSUER_TEST_POSTGRES`
//! names (see `scripts/with-postgres`). The schema is left to the server, which is thrown away.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// An address for `issuer init --database`; `None` when the test is to use a file.
pub(crate) fn fresh() -> Option<String> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("ISSUER_TEST_POSTGRES").ok()?;
    // Numbers of processes come again while the server keeps what older ones left.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let schema = format!("t{}_{}_{now}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("the server of the tests");
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).expect("a schema");
    Some(format!("{server}&options=-csearch_path%3D{schema}"))
}
