//! Bringing a centre back, into an empty place.
//!
//! Owns: reading the backup to its end before anything is made; the folder that is filled beside its place and put there at the
//! end; the numbers that are given out no more; what must hold before the centre is one. Never: overwrites; merges two centres.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use settlement::fen::Fen;

use super::archive::{Frame, Reader};
use super::failure::{BackupError, Held, Part};
use super::{Contents, EPOCH, Snapshot};
use crate::audit::Act;
use crate::audit::check::verify;
use crate::centre::{Centre, DatabaseConfig, owner};
use crate::clearing::closing::prove;
use crate::clearing::window::WindowState;
use crate::clearing::withheld::{again, withhold};
use crate::lang::Lang;
use crate::output::Show;
use crate::progress::Steps;
use crate::stock::check::check;
use crate::store::copy::{Origin, Table};
use crate::store::counter::Counter;
use crate::store::{Place, Store, StoreError, Tx};
use crate::vault::VaultError;

/// File of a folder that is being filled, until it stands in its place: the word of this restoration, and the server that gets its database.
pub(super) const MARK: &str = Centre::UNFINISHED;
/// Fact of a database that was filled: the word of the restoration, the gap, and which backup it was.
const FILLED: &str = "restore.of";

/// What to do.
#[derive(Debug)]
pub struct Order<'a> {
    /// The backup.
    pub file: &'a Path,
    /// Its passphrase.
    pub passphrase: &'a str,
    /// Where the centre goes.
    pub folder: &'a Path,
    /// The server that gets its database; a file in the folder when absent.
    pub database: Option<&'a DatabaseConfig>,
    /// How many numbers of each kind the lost centre may have given out since the backup.
    pub gap: u32,
    /// Who acts.
    pub actor: &'a str,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// What the backup held.
    pub contents: Contents,
    /// How often the centre was brought back, this time included.
    pub epoch: u64,
    /// Numbers of each kind that are given out no more.
    pub gap: u32,
    /// What `stock check` says of it: as it was when the backup was taken.
    pub stock_differences: usize,
}

/// Brings a centre back.
///
/// # Errors
/// [`BackupError`]; then there is no centre in the folder, and the database is as it was. Where a run ended behind the filling of the
/// database and before its folder was put in its place, or before it said so, the same order given again ends it;
/// [`BackupError::HalfElsewhere`] for an order that names another database.
pub fn restore(order: &Order<'_>, steps: &dyn Steps) -> Result<Restored, BackupError> {
    let mark = Mark::find(order)?;
    if mark.as_ref().is_none_or(|mark| mark.at != order.folder) {
        free(order.folder)?;
    }
    let contents = Reader::open(order.file, order.passphrase)?.verify()?;
    if let Some(mark) = mark
        && let Some(half) = Half::find(mark, order, &contents)?
    {
        return half.complete(order.folder, contents);
    }
    free(order.folder)?;
    let mut stage = Stage::make(order)?;
    let mut reader = Reader::open(order.file, order.passphrase)?;
    let snapshot = files(&mut reader, &stage.folder)?;
    let config = stage.folder.join(Centre::CONFIG);
    rewrite(&config, order.database)?;
    let place = match order.database {
        Some(server) => server.place()?,
        None => {
            let path = stage.folder.join(Centre::DATABASE);
            private(&path)?;
            Place::File(path)
        }
    };
    let total = contents.tables.iter().map(|table| table.count).sum();
    let epoch = snapshot.epoch + 1;
    let back = |store: &mut Store| -> Result<usize, BackupError> {
        held(store)?;
        // An old backup comes back too; who manages then answers for the clock.
        store.act_under_way(|tx| -> Result<_, BackupError> {
            tx.set_fact(EPOCH, &epoch.to_string())?;
            withhold(tx)?;
            tx.set_fact(FILLED, &format!("{} {} {}", stage.word, order.gap, snapshot.taken_at))?;
            for counter in Counter::ALL {
                tx.raise_floor(counter, order.gap)?;
            }
            let detail = format!("epoch {epoch}, taken at {}, gap {}", snapshot.taken_at, order.gap);
            let (actor, object) = (order.actor.to_owned(), "centre".to_owned());
            Ok(((), Act { actor, act: "backup.restore", object, detail }))
        })?;
        Ok(store.read(check)?.differences.len())
    };
    let origin = Origin { schemas: &snapshot.schemas, tables: &snapshot.tables };
    let told = |done| steps.at(done, total);
    let load = |tx: &Tx<'_>| rows(&mut reader, tx, &snapshot.tables, &told);
    let stock_differences = Store::refill(&place, &stage.folder, origin, load, back)?;
    // What a server keeps now belongs to this folder: nothing of it may go.
    stage.kept = order.database.is_some();
    stage.place(order.folder)?;
    remove_mark(order.folder)?;
    Ok(Restored { contents, epoch, gap: order.gap, stock_differences })
}

fn remove_mark(folder: &Path) -> Result<(), BackupError> {
    let path = folder.join(MARK);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(BackupError::File { path, source }),
        _ => Ok(()),
    }
}

/// What a run left in the folder, or in the one beside it.
struct Mark {
    at: PathBuf,
    word: String,
    /// The server that gets the database.
    server: Option<String>,
}

impl Mark {
    fn find(order: &Order<'_>) -> Result<Option<Self>, BackupError> {
        for at in [order.folder.to_owned(), beside(order.folder)?] {
            let Ok(text) = fs::read_to_string(at.join(MARK)) else { continue };
            let mut lines = text.lines().map(str::to_owned);
            let mark = Self { at, word: lines.next().unwrap_or_default(), server: lines.next() };
            // What a server was filled with belongs to this folder: it is not cleared for another one. A folder in its place is a centre.
            return match mark.server {
                Some(server) if order.database.is_none_or(|asked| asked.url != server) && mark.at == order.folder => {
                    Ok(None)
                }
                Some(server) if order.database.is_none_or(|asked| asked.url != server) => {
                    Err(BackupError::HalfElsewhere { folder: mark.at, database: server })
                }
                _ => Ok(Some(mark)),
            };
        }
        Ok(None)
    }

    fn text(word: &str, database: Option<&DatabaseConfig>) -> String {
        [word].into_iter().chain(database.map(|server| server.url.as_str())).flat_map(|line| [line, "\n"]).collect()
    }
}

/// A restoration of this very backup that filled the database and did not put its folder in its place, or did not say so.
struct Half {
    store: Store,
    at: PathBuf,
    gap: u32,
}

impl Half {
    /// Looks into the database; none when it does not belong to the mark.
    fn find(mark: Mark, order: &Order<'_>, contents: &Contents) -> Result<Option<Self>, BackupError> {
        let place = match order.database {
            Some(server) => server.place()?,
            None if mark.at == order.folder => Place::File(order.folder.join(Centre::DATABASE)),
            // A file beside the place is filled anew.
            None => return Ok(None),
        };
        let Some((store, fact)) = Store::filled(&place, &mark.at, FILLED)? else { return Ok(None) };
        let mut parts = fact.splitn(3, ' ');
        let (own, gap, taken_at) = (parts.next(), parts.next().and_then(|gap| gap.parse().ok()), parts.next());
        if mark.word.is_empty() || own != Some(mark.word.as_str()) {
            return Ok(None);
        }
        // It belongs to another backup, which is to be named.
        match (gap, taken_at == Some(contents.taken_at.as_str())) {
            (Some(gap), true) => Ok(Some(Self { store, at: mark.at, gap })),
            _ => Err(StoreError::Inhabited.into()),
        }
    }

    fn complete(mut self, folder: &Path, contents: Contents) -> Result<Restored, BackupError> {
        held(&mut self.store)?;
        if self.at != folder {
            settle(&self.at, folder)?;
        }
        remove_mark(folder)?;
        let (epoch, stock_differences) = self.store.read(|tx| -> Result<_, BackupError> {
            let epoch = tx.fact(EPOCH)?.and_then(|epoch| epoch.parse().ok()).unwrap_or_default();
            Ok((epoch, check(tx)?.differences.len()))
        })?;
        Ok(Restored { contents, epoch, gap: self.gap, stock_differences })
    }
}

/// The folder that is filled, beside its place.
fn beside(place: &Path) -> Result<PathBuf, BackupError> {
    let mut name = place.file_name().ok_or_else(|| BackupError::NotEmpty { folder: place.to_owned() })?.to_owned();
    name.push(".restoring");
    Ok(place.with_file_name(name))
}

/// Puts a filled folder in its place, whole and for good.
fn settle(filled: &Path, place: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::File { path: place.to_owned(), source };
    File::open(filled).and_then(|folder| folder.sync_all()).map_err(failed)?;
    owner::give(filled, place).map_err(failed)?;
    // An empty folder gives way to it, a filled one does not.
    fs::rename(filled, place).map_err(failed)?;
    let above = place.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(above).and_then(|above| above.sync_all()).map_err(failed)
}

/// There is nothing in the folder, or no folder.
fn free(folder: &Path) -> Result<(), BackupError> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(BackupError::NotEmpty { folder: folder.to_owned() }),
    }
}

/// Writes the files of the folder, up to the first table.
fn files<R: io::Read>(reader: &mut Reader<R>, folder: &Path) -> Result<Snapshot, BackupError> {
    let (mut snapshot, mut open): (Option<Snapshot>, Option<(File, PathBuf)>) = (None, None);
    loop {
        match reader.frame()? {
            Frame::File(name) => {
                let path = within(folder, &name)?;
                open = Some((private(&path)?, path));
            }
            Frame::Data(bytes) => {
                let (file, path) = open.as_mut().ok_or_else(|| reader.damaged())?;
                let failed = |source| BackupError::File { path: path.clone(), source };
                file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(failed)?;
            }
            Frame::Snapshot(found) => snapshot = Some(*found),
            // The first table begins the rows.
            Frame::Table(_) => return snapshot.ok_or_else(|| reader.damaged()),
            Frame::Rows(..) | Frame::End(..) => return Err(reader.damaged()),
        }
    }
}

/// Fills the database; the first table has begun.
fn rows<R: io::Read>(
    reader: &mut Reader<R>,
    tx: &Tx<'_>,
    tables: &[Table],
    told: &dyn Fn(u64),
) -> Result<(), BackupError> {
    let mut table = tables.first().ok_or_else(|| reader.damaged())?.clone();
    let mut done = 0;
    loop {
        match reader.frame()? {
            Frame::Table(next) => table = next,
            Frame::Rows(_, bytes) => {
                done += tx.rows_in(&table, &bytes)?;
                told(done);
            }
            Frame::End(..) => return Ok(()),
            Frame::File(_) | Frame::Data(_) | Frame::Snapshot(_) => return Err(reader.damaged()),
        }
    }
}

/// What must hold before the centre is one.
fn held(store: &mut Store) -> Result<(), BackupError> {
    let not = |what| Err(BackupError::NotHeld { what });
    if verify(store)?.first_bad.is_some() {
        return not(Held::Audit);
    }
    let ledger = store.read(|tx| -> Result<bool, StoreError> {
        let balances = tx.all_balances()?;
        let sum = Fen::sum(balances.iter().map(|(_, balance)| *balance));
        let closed = tx.windows()?.into_iter().filter(|window| window.state == WindowState::Closed);
        Ok(sum == Ok(Fen::ZERO)
            && closed.into_iter().all(|window| {
                prove(tx, window.business_date)
                    .is_ok_and(|proof| proof.holds && Some(proof.content_hash.to_string()) == window.hash)
            }))
    })?;
    if !ledger {
        return not(Held::Ledger);
    }
    if store.read(|tx| tx.cards_agree())? { Ok(()) } else { not(Held::Cards) }
}

/// The rows that name the database: those of the place it is in now. The anchor lies in the folder, whose lost one may still be there.
fn rewrite(config: &Path, database: Option<&DatabaseConfig>) -> Result<(), BackupError> {
    let failed = |source| BackupError::File { path: config.to_owned(), source };
    let text = fs::read_to_string(config).map_err(failed)?;
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        let line = line.trim_start();
        if line.starts_with('[') {
            inside = line.starts_with("[database]") || line.starts_with("[audit]");
        }
        !inside
    });
    let mut text: String = kept.flat_map(|line| [line, "\n"]).collect();
    text.extend(database.map(DatabaseConfig::rows));
    fs::write(config, text).map_err(failed)
}

fn within(folder: &Path, name: &str) -> Result<PathBuf, BackupError> {
    let plain = !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if plain { Ok(folder.join(name)) } else { Err(BackupError::Damaged { part: Part::file(name) }) }
}

/// A new file that only its owner can read, and the folders above it.
fn private(path: &Path) -> Result<File, BackupError> {
    let failed = |source| BackupError::File { path: path.to_owned(), source };
    if let Some(above) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(above).map_err(failed)?;
    }
    File::options().write(true).create_new(true).mode(0o600).open(path).map_err(failed)
}

/// The folder beside its place; when it is dropped unplaced, nothing of it remains, unless a server's database belongs to it.
struct Stage {
    folder: PathBuf,
    /// What the mark and the database have in common.
    word: String,
    kept: bool,
}

impl Stage {
    fn make(order: &Order<'_>) -> Result<Self, BackupError> {
        let folder = beside(order.folder)?;
        let failed = |source| BackupError::File { path: folder.clone(), source };
        if folder.join(MARK).is_file() {
            // A killed run left it.
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        free(&folder)?;
        owner::make(&folder).map_err(failed)?;
        let mut word = [0_u8; 16];
        SystemRandom::new().fill(&mut word).map_err(|_| VaultError::NoRandom)?;
        let word = hex::encode(word);
        let mut mark = private(&folder.join(MARK))?;
        mark.write_all(Mark::text(&word, order.database).as_bytes()).and_then(|()| mark.sync_all()).map_err(failed)?;
        Ok(Self { folder, word, kept: false })
    }

    fn place(mut self, place: &Path) -> Result<(), BackupError> {
        settle(&self.folder, place)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Show for Restored {
    fn text(&self, lang: Lang) -> String {
        let Self { contents, epoch, gap, stock_differences } = self;
        let done = lang.pick(
            format!("中心已恢复，第 {epoch} 次；各类号码各跳过 {gap} 个。审计日志、分类账和卡片核对无误"),
            format!(
                "the centre is back, for the {epoch}. time; {gap} numbers of each kind are skipped. Audit log, ledger and cards hold"
            ),
        );
        let stock = match stock_differences {
            0 => String::new(),
            count => lang.pick(
                format!("\n库存有 {count} 处不符，备份时就是如此: issuer stock check"),
                format!(
                    "\nthe stock differs in {count} places, as it did when the backup was taken: issuer stock check"
                ),
            ),
        };
        let withheld = lang.pick(
            "黑名单暂不发布: 先用 issuer blacklist adopt 补入终端持有的名单，再用 issuer blacklist release 发布",
            "no blacklist is published: take back what terminals hold with `issuer blacklist adopt`, then `issuer blacklist release`",
        );
        format!("{}\n{done}{stock}\n{withheld}\n{}", contents.text(lang), again(lang))
    }
}
