//! A new generation of data keys for everything that is sealed in the database, and the end of the one before.
//!
//! ```text
//! file: old + new → database: new seals, both find → rows anew, a few a transaction → database: nothing needs old → file: new
//! ```
//! Source: docs/adr/0033. Owns: the order of the steps, going on where a killed run stopped.
//! Never: destroys a key under which a row is sealed.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::audit::Act;
use crate::centre::Centre;
use crate::error::Error;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::progress::Steps;
use crate::store::rotation::{Sealed, Under};
use crate::store::{StoreError, Tx};
use crate::vault::data_keys::DataKeys;

/// Exclusive work: one rotation at a time.
const WORK: &str = "data-keys";
/// Exclusive work, of milliseconds: a key is destroyed, or a backup is begun and reads the keys.
pub const FILE: &str = "data-keys-file";
/// Rows of one transaction; of photos a part of it.
pub const ROWS: u32 = 500;
/// Fact: how far a rotation is.
const FACT: &str = "data_key_rotation";
/// Rows are being sealed anew.
const RESEALING: &str = "resealing";
/// No row needs the old keys, the file is about to be written without them.
const DESTROYING: &str = "destroying";
/// The old keys are gone, what was sealed under them is about to be removed from the files of the database.
const CLEANING: &str = "cleaning";
/// None is under way.
const REST: &str = "rest";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// Generation that everything is sealed under now.
    pub generation: u8,
    /// Rows sealed anew by this run.
    pub rows: u64,
    /// Whether it went on where another run had stopped.
    pub resumed: bool,
    /// Whether nothing of the rows of before is left in the files of the database.
    pub cleaned: bool,
}

/// Rotates the data keys, or ends a rotation that was interrupted; up to `rows` in one transaction.
///
/// # Errors
/// [`Error`]; given again, it goes on. [`StoreError::DataKeyNeeded`] when rows do not open: then every key is kept.
pub fn rotate(
    centre: &mut Centre,
    passphrase: &str,
    operator: Option<&str>,
    rows: u32,
    steps: &dyn Steps,
) -> Result<Rotated, Error> {
    let actor = centre.store.read(|tx| tx.require(operator, Role::Keys))?;
    let _alone = centre.lock(WORK)?;
    let path = centre.data_keys_path();
    let mut keys = DataKeys::open(&path, passphrase)?;
    // Proves that these keys are those of this database, before anything is made.
    centre.store.unlock(Arc::new(keys.again()?))?;
    let stage = centre.store.read(|tx| tx.fact(FACT))?;
    if stage.as_deref() == Some(CLEANING) {
        let cleaned = clean(centre)?;
        return Ok(Rotated { generation: keys.newest(), rows: 0, resumed: true, cleaned });
    }
    let under_way = matches!(stage.as_deref(), Some(RESEALING | DESTROYING));
    let resumed = under_way || keys.ids().len() > 1;
    if keys.ids().len() == 1 && !under_way {
        keys = keys.with_another()?;
        steps.at(0, 0);
    }
    let generation = keys.newest();
    let act = |act, detail| Act { actor: actor.clone(), act, object: format!("data keys {generation}"), detail };
    if stage.as_deref() != Some(DESTROYING) {
        // From here on every process seals under the new generation, and finds people by both.
        centre.store.act(|tx| -> Result<_, StoreError> {
            tx.seal_under_newest(&keys)?;
            tx.set_fact(FACT, RESEALING)?;
            Ok(((), act("key.rotate-data", if resumed { "resumed" } else { "begun" }.to_owned())))
        })?;
    }
    let done = reseal(centre, rows, steps)?;
    if stage.as_deref() != Some(DESTROYING) {
        centre.store.read(|tx| still_needed(tx, &done.shut))?;
        centre.store.act(|tx| -> Result<_, StoreError> {
            tx.set_fact(FACT, DESTROYING)?;
            Ok((
                (),
                act("key.destroy-data", format!("{} rows sealed anew; generations before it are destroyed", done.rows)),
            ))
        })?;
    }
    steps.at(done.rows, done.rows);
    {
        let _no_backup_begins = centre.lock_waiting(FILE)?;
        keys.with_only(generation)?;
    }
    steps.at(done.rows, done.rows);
    centre.store.journal(|tx| tx.set_fact(FACT, CLEANING))?;
    steps.at(done.rows, done.rows);
    let cleaned = clean(centre)?;
    Ok(Rotated { generation, rows: done.rows, resumed, cleaned })
}

/// A key that was copied before it was destroyed must open nothing: the rows of before go too.
fn clean(centre: &mut Centre) -> Result<bool, Error> {
    let cleaned = centre.store.remove_earlier_rows()?;
    if cleaned {
        centre.store.journal(|tx| tx.set_fact(FACT, REST))?;
    }
    Ok(cleaned)
}

/// Rows sealed anew, and places of those that do not open.
#[derive(Default)]
struct Done {
    rows: u64,
    shut: Vec<String>,
}

fn reseal(centre: &mut Centre, rows: u32, steps: &dyn Steps) -> Result<Done, Error> {
    let mut done = Done::default();
    let total = centre.store.read(|tx| tx.rows_to_reseal())?;
    steps.at(0, total);
    for sealed in Sealed::ALL {
        let mut after = (i64::MIN, i64::MIN);
        loop {
            let begun = Instant::now();
            let some = centre.store.journal(|tx| tx.reseal(sealed, after, sealed.share(rows)))?;
            let Some(some) = some else { break };
            done.rows += some.rows;
            done.shut.extend(some.shut);
            after = some.last;
            steps.at(done.rows, total);
            // Work in the background: others who write get as much of the time.
            std::thread::sleep(begun.elapsed());
        }
    }
    Ok(done)
}

/// Every writer seals under the generation that the database states: what needs no old key now will need none.
fn still_needed(tx: &Tx<'_>, shut: &[String]) -> Result<(), StoreError> {
    match tx.rows_to_reseal()? {
        0 => Ok(()),
        rows => Err(StoreError::DataKeyNeeded { rows, place: shut.first().cloned().unwrap_or_default() }),
    }
}

/// What is sealed under which generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Generations {
    /// Generation that seals.
    pub seals: Option<u8>,
    /// A rotation that was begun and has not ended.
    pub rotating: bool,
    /// Rows of each table.
    pub tables: Vec<Under>,
}

/// Looks at what is sealed under which generation. Needs no key.
///
/// # Errors
/// [`StoreError`].
pub fn generations(tx: &Tx<'_>) -> Result<Generations, StoreError> {
    let stage = tx.fact(FACT)?;
    let rotating = matches!(stage.as_deref(), Some(RESEALING | DESTROYING | CLEANING));
    Ok(Generations { seals: tx.sealing_generation()?, rotating, tables: tx.sealed_under()? })
}

impl Show for Rotated {
    fn text(&self, lang: Lang) -> String {
        let Self { generation, rows, resumed, cleaned } = self;
        let again = if *resumed {
            lang.pick("（接着上次未完成的轮换）", " (an interrupted rotation, ended)")
        } else {
            ""
        };
        let left = if *cleaned {
            ""
        } else {
            lang.pick(
                "\n其他程序正在读数据库，旧的密文还留在日志或空闲页里: 稍后再执行 issuer key rotate-data",
                "\nothers read the database: rows of before are left in its log or free pages; run `issuer key rotate-data` again later",
            )
        };
        lang.pick(
            format!("{rows} 条记录已改用第 {generation} 代数据密钥，以前的已销毁{again}{left}"),
            format!("{rows} rows sealed anew: everything is under generation {generation}, those before it are destroyed{again}{left}"),
        )
    }
}

impl Show for Generations {
    fn text(&self, lang: Lang) -> String {
        let Self { seals, rotating, tables } = self;
        let mut lines = vec![match seals {
            None => lang.pick("还没有数据密钥", "there are no data keys yet").to_owned(),
            Some(seals) => lang
                .pick(format!("第 {seals} 代数据密钥加密新记录"), format!("generation {seals} of the data keys seals")),
        }];
        if *rotating {
            let text = lang.pick(
                "轮换没有完成: 再执行 issuer key rotate-data",
                "a rotation is not finished: run `issuer key rotate-data` again",
            );
            lines.push(text.to_owned());
        }
        lines.extend(tables.iter().map(|under| format!("{:>4}  {:<16} {}", under.generation, under.table, under.rows)));
        lines.join("\n")
    }
}
