//! A centre on a database server that is wrong, distrusted, busy, or gone for a while.

#[path = "../database/ask.rs"]
mod ask;
mod batch;
mod own;
#[path = "../station/rig.rs"]
#[expect(dead_code, reason = "the readers that are torn have more to ask of it")]
mod rig;
mod site;

/// The database of the next centre: one of the test's own server.
mod fresh {
    use std::sync::Mutex;

    static NEXT: Mutex<Option<String>> = Mutex::new(None);

    pub(crate) fn use_database(address: String) {
        *NEXT.lock().expect("an address") = Some(address);
    }

    pub(crate) fn fresh() -> Option<String> {
        NEXT.lock().expect("an address").clone()
    }
}
