//! Each value of each built-in profile text, changed alone: what is made from the text follows, and nothing else does.
//!
//! The table is `relations.txt`. To keep the run short, a row of a directory is judged on a card that has the first
//! directory, the row's own, and of that the files that the row bears on: what a file or key does to another file is seen
//! there, as the outputs are made file by file. Of a text that extends nothing the other directories are not even read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use card_profiles::builtin::names;
use card_profiles::profile::CardKind;
use card_profiles::{Access, Ef, Profile, builtin_text};

use crate::leaves::{Leaf, leaves};
use crate::outputs::Outputs;

/// No other value is taken.
const REFUSED: &str = "REFUSED";

/// The part of a profile that a row bears on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    df: usize,
    /// Files of it that matter.
    files: Vec<usize>,
    certificate: bool,
}

impl Part {
    /// `None`: all of it.
    fn of(profile: &Profile, leaf: &Leaf) -> Option<Self> {
        if leaf.path.starts_with("certificate") {
            return Some(Self { df: 0, files: Vec::new(), certificate: true });
        }
        // A purse has two directories, each of which needs the other: nothing of it can be left out.
        if profile.purse.is_some() {
            return None;
        }
        let account = profile.account.as_ref().map(|rules| rules.df.as_str());
        let id = leaf
            .row
            .df
            .as_deref()
            .or(account.filter(|_| leaf.path.starts_with("account.") && leaf.path != "account.df"))?;
        let df = profile.df.iter().position(|df| df.id == id).filter(|_| profile.kind == CardKind::User)?;
        let names = |rule: &Access, key: &str| rule.to_string().split(' ').any(|word| word == key);
        let matters = |ef: &Ef| match (&leaf.row.ef, &leaf.row.key) {
            _ if account == Some(id) => true,
            (Some(file), _) => ef.id == *file,
            (None, Some(key)) => names(&ef.read, key) || names(&ef.update, key),
            (None, None) => true,
        };
        let files = profile.df[df].ef.iter().enumerate().filter(|(_, ef)| matters(ef)).map(|(index, _)| index);
        Some(Self { df, files: files.collect(), certificate: false })
    }

    fn cut(&self, profile: &mut Profile) {
        let kept = [0, self.df].map(|index| profile.df[index].id.clone());
        let mut numbers = 0..;
        let files = &mut profile.df[self.df].ef;
        files.retain(|_| numbers.next().is_some_and(|number| self.files.contains(&number)));
        let own = profile.df[self.df].clone();
        profile.df.truncate(1);
        if self.df > 0 {
            profile.df[0].ef.clear();
            profile.df.push(own);
        }
        profile.key.retain(|key| kept.contains(&key.df));
        profile.account = profile.account.take().filter(|rules| kept.contains(&rules.df));
        profile.certificate = profile.certificate.take().filter(|_| self.certificate);
    }
}

/// A text with spaces where files and keys of other directories stand: every offset stays, and there is less to read.
fn thinned(text: &str, profile: &Profile, part: &Part) -> String {
    let id = |index: usize| profile.df[index].id.as_str();
    let kept = |df: &str, of_first: bool| df == id(part.df) || of_first && df == id(0);
    let (mut df, mut in_files, mut thin) = ("", false, Vec::with_capacity(text.len()));
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let word = line.trim();
        if word.starts_with("[[") || line.starts_with('[') {
            in_files = word == "[[df.ef]]";
        }
        if word == "[[df]]" {
            let next = lines.peek().map_or("", |next| next.trim());
            df = next
                .strip_prefix("id = \"")
                .and_then(|id| id.strip_suffix('"'))
                .expect("a directory begins with its id");
        }
        let of_key = word.strip_prefix("{ name = ").and_then(|row| row.split("df = \"").nth(1)?.split('"').next());
        let is_other = in_files && !kept(df, false) || of_key.is_some_and(|df| !kept(df, true));
        thin.extend(line.bytes().map(|byte| if is_other && byte != b'\n' { b' ' } else { byte }));
    }
    String::from_utf8(thin).expect("whole lines")
}

/// What a text gives before anything is changed, and the text to change, for each part of it.
type Known = Mutex<BTreeMap<Option<Part>, (Arc<Outputs>, Arc<str>)>>;

/// What changes with another value at `leaf`.
fn changed(profile: &Profile, text: &str, leaf: &Leaf, known: &Known) -> Vec<&'static str> {
    let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let part = Part::of(profile, leaf);
    let found = known().get(&part).cloned();
    let (before, thin) = found.unwrap_or_else(|| {
        let mut base = profile.clone();
        part.iter().for_each(|part| part.cut(&mut base));
        let whole = part.as_ref().filter(|_| profile.base.is_none());
        let thin = whole.map_or_else(|| text.to_owned(), |part| thinned(text, profile, part));
        (Arc::new(Outputs::of(&base)), thin.into())
    });
    known().insert(part.clone(), (Arc::clone(&before), Arc::clone(&thin)));
    for other in leaf.others() {
        let mut after = match Profile::parse(&leaf.replaced(&thin, &other)) {
            Ok(after) => after,
            Err(error) => {
                assert!(error.line >= 1 && error.column >= 1 && !error.message.is_empty(), "{error:?}");
                continue;
            }
        };
        if after.df.len() != profile.df.len() {
            // An overlay that no longer takes a directory out: the whole card is judged.
            return Outputs::of(profile).changed(&after);
        }
        part.iter().for_each(|part| part.cut(&mut after));
        return before.changed(&after);
    }
    vec![REFUSED]
}

/// A line of the table.
struct Relation {
    pattern: &'static str,
    always: BTreeSet<&'static str>,
    sometimes: BTreeSet<&'static str>,
}

fn relations() -> Vec<Relation> {
    let lines = include_str!("relations.txt").lines().filter(|line| !line.starts_with('#'));
    let relation = |line: &'static str| {
        let (pattern, words) = line.split_once(" | ").expect("path | outputs");
        let words = || words.split_whitespace().filter(|word| *word != "-");
        Relation {
            pattern: pattern.trim(),
            always: words().filter(|word| !word.ends_with('?')).collect(),
            sometimes: words().filter_map(|word| word.strip_suffix('?')).collect(),
        }
    };
    lines.map(relation).collect()
}

/// Whether a path fits a pattern, in which `*` is any run of characters.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|path| {
            (0..=path.len()).filter(|at| path.is_char_boundary(*at)).any(|at| fits(rest, &path[at..]))
        }),
    }
}

#[test]
fn each_value_of_each_profile_changes_what_it_should_and_nothing_else() {
    let relations = relations();
    let seen: Mutex<BTreeMap<&str, Vec<BTreeSet<&str>>>> = Mutex::default();
    let wrong: Mutex<BTreeSet<String>> = Mutex::default();
    let mut values = 0;
    for name in names() {
        let text = builtin_text(name).expect("built in");
        let profile = Profile::parse(text).expect("a profile");
        let card = match profile.kind {
            CardKind::Psam => "psam",
            CardKind::User if profile.purse.is_some() => "purse",
            CardKind::User => "user",
        };
        let (leaves, known) = (leaves(text), Mutex::default());
        values += leaves.len();
        let judge = |leaf: &Leaf| {
            let path = format!("{card}:{}", leaf.path);
            let found: BTreeSet<&str> = changed(&profile, text, leaf, &known).into_iter().collect();
            let relation = relations.iter().find(|relation| fits(relation.pattern, &path));
            let as_it_should = relation.is_some_and(|relation| {
                relation.always.is_subset(&found)
                    && found.iter().all(|word| relation.always.contains(word) || relation.sometimes.contains(word))
            });
            if !as_it_should {
                let (line, column) = leaf.position(text);
                let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                wrong.insert(format!("{name} line {line} column {column}: {path}: {found:?}"));
            }
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            relation.iter().for_each(|relation| seen.entry(relation.pattern).or_default().push(found.clone()));
        };
        let judge = &judge;
        let next = AtomicUsize::new(0);
        let work = || while leaves.get(next.fetch_add(1, Ordering::Relaxed)).map(judge).is_some() {};
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    }
    let mut wrong = wrong.into_inner().expect("no thread broke");
    let seen = seen.into_inner().expect("no thread broke");
    // A line that no value needs, or a "?" that is always so or never, says nothing.
    for relation in &relations {
        let sets = seen.get(relation.pattern).map(Vec::as_slice).unwrap_or_default();
        if sets.is_empty() {
            wrong.insert(format!("the table has {}, no text does", relation.pattern));
        }
        for word in &relation.sometimes {
            let times = sets.iter().filter(|set| set.contains(word)).count();
            if times == 0 || times == sets.len() {
                wrong.insert(format!("{}: {word}? in {times} of {} rows", relation.pattern, sets.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {values}:\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
    assert!(values > 5_000, "{values}");
}

#[test]
fn a_value_of_another_type_is_refused_where_it_stands() {
    let mut refused = 0;
    for name in names() {
        let text = builtin_text(name).expect("built in");
        let mut paths = BTreeSet::new();
        for leaf in leaves(text).iter().filter(|leaf| paths.insert(leaf.path.clone())) {
            // The rows of a choice that does not count are read when somebody asks for it.
            let wrong = leaf.replaced(text, leaf.of_another_type());
            let error = Profile::with_other_choices(&wrong).map(drop).expect_err(&leaf.path);
            let (there, found) = (leaf.position(text), (error.line, error.column));
            // What tells a row of an overlay from its neighbours, or takes it out, is missed at the row's own place.
            let of_row = error.message.starts_with("a row names its") || error.message.starts_with("remove = true");
            assert_eq!(error.base, None, "{name}: {error}");
            assert!(found == there || of_row && found < there, "{name} {there:?} {}: {error}", leaf.path);
            refused += 1;
        }
    }
    assert!(refused > 1_000, "{refused}");
}
