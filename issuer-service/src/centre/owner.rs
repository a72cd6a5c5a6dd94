//! Whose the folder of a centre is. Root is somebody else there: what root makes in it, its user cannot open.
//!
//! Owns: refusing root in the folder of another; whose a folder is that root makes. Never: guesses a user.

use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::Path;
use std::{fs, io};

use super::CentreError;

/// Users of this machine, a row each: name, password, number.
const USERS: &str = "/etc/passwd";

/// Root is refused in a folder of another user; a folder that is not there yet is nobody's.
///
/// # Errors
/// [`CentreError::OfAnother`].
pub(crate) fn check(folder: &Path) -> Result<(), CentreError> {
    let Ok(data) = fs::metadata(folder) else { return Ok(()) };
    if !is_refused(rustix::process::geteuid().as_raw(), data.uid()) {
        return Ok(());
    }
    let users = fs::read_to_string(USERS).unwrap_or_default();
    Err(CentreError::OfAnother { folder: folder.to_owned(), owner: name(&users, data.uid()) })
}

/// What root has made in `folder` goes to the owner of `place`, whose place it takes; where nothing is there yet, to the owner of the
/// folder in which it will be.
pub(crate) fn give(folder: &Path, place: &Path) -> io::Result<()> {
    match nearest(place) {
        Some(data) if is_refused(rustix::process::geteuid().as_raw(), data.uid()) => {
            give_to(folder, data.uid(), data.gid())
        }
        _ => Ok(()),
    }
}

/// Makes a folder that only its owner can open, and those above it that are not there: of root's they go to the owner of the one that is.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    if fs::metadata(folder).is_ok() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        make(above)?;
    }
    DirBuilder::new().mode(0o700).create(folder)?;
    give(folder, &folder.join(".."))
}

/// The folder itself, or the nearest above it that is there.
fn nearest(place: &Path) -> Option<Metadata> {
    place.ancestors().find_map(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::metadata(folder).ok()
    })
}

fn give_to(path: &Path, user: u32, group: u32) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give_to(&entry?.path(), user, group)?;
        }
    }
    lchown(path, Some(user), Some(group))
}

const fn is_refused(runs_as: u32, owner: u32) -> bool {
    runs_as == 0 && owner != 0
}

/// Name of a user, or the number of one without.
fn name(users: &str, user: u32) -> String {
    let number = user.to_string();
    let mut rows = users.lines().map(|row| row.split(':'));
    let found = rows.find_map(|mut row| row.next().filter(|_| row.nth(1) == Some(number.as_str())));
    found.map_or(number.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_root_makes_where_nothing_is_goes_to_the_owner_of_the_folder_above() {
        if rustix::process::geteuid().as_raw() != 0 {
            return;
        }
        let home = tempfile::tempdir().expect("a folder");
        lchown(home.path(), Some(997), Some(997)).expect("root may");
        let place = home.path().join("a/centre");
        let filled = home.path().join("a/centre.restoring");
        make(&filled).expect("made");
        fs::write(filled.join("file"), "x").expect("written");
        give(&filled, &place).expect("given");
        for path in ["a", "a/centre.restoring", "a/centre.restoring/file"] {
            let data = fs::metadata(home.path().join(path)).expect("there");
            assert_eq!((data.uid(), data.gid()), (997, 997), "{path}");
        }
    }

    #[test]
    fn root_alone_is_refused_and_only_in_the_folder_of_another() {
        assert!(is_refused(0, 997));
        assert!(!is_refused(0, 0) && !is_refused(997, 997) && !is_refused(997, 0));
        let users = "root:x:0:0:root:/root:/bin/bash\nissuer:x:997:997::/var/lib/issuer:/usr/sbin/nologin\n";
        assert_eq!((name(users, 997), name(users, 9)), ("issuer".to_owned(), "9".to_owned()));
    }
}
