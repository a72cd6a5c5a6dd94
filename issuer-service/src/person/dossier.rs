//! What is known of one person, and who said it when (人员档案).
//!
//! Owns: the value that is held of each field; what each source says now; everything that was held or said before; when a
//! statement changes the value, when it only contradicts it; the bytes of a dossier.
//! Never: the database; a clock; decides between two sources without an operator.
//! Units: instants are seconds since 1970 UTC; in the bytes they count from the first statement.

use serde::{Deserialize, Serialize};

use super::Details;
use super::field::{Field, Fields};

/// Number of a source. [`DECIDED`] is no source but an operator's decision.
pub type SourceId = u32;

/// The source of a value that an operator chose.
pub const DECIDED: SourceId = 0;
/// The source of a value that nobody said: it was made up from the number, and gives way to whatever is said.
pub const INFERRED: SourceId = SourceId::MAX;

/// Layout of the bytes.
const LAYOUT: u8 = 4;
/// The layouts before it, and how many fields each had.
const OLDER: [(u8, usize); 3] = [(1, 8), (2, 9), (3, 10)];
/// Bytes that most dossiers of one source fit into.
const BYTES: usize = 256;

/// One person's dossier.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    number: String,
    /// The name as the source wrote it whose name is held; empty when it wrote it so.
    name_raw: String,
    /// Seconds since 1970 of the first statement.
    begun: u64,
    held: Vec<Held>,
    said: Vec<Said>,
    past: Vec<Past>,
}

/// The value that is held of a field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    value: String,
    source: SourceId,
    at: u64,
}

/// What a source says now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    source: SourceId,
    /// Import and row of its latest news.
    import: u32,
    row: u64,
    words: Vec<Word>,
}

/// What a source says of one field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Word {
    /// Nothing.
    Silent,
    /// The value that is held, since then.
    AsHeld(u64),
    /// Another value, since then; settled when an operator has seen it and kept the one held.
    Other { value: String, at: u64, settled: bool },
}

/// A value that was held, or that a source said, until then.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Past {
    field: u8,
    value: String,
    source: SourceId,
    at: u64,
    until: u64,
}

/// A statement of a source about a person.
#[derive(Clone, Copy)]
pub struct Statement<'a> {
    /// Who says it.
    pub source: SourceId,
    /// When.
    pub at: u64,
    /// In which import, 0 when in none.
    pub import: u32,
    /// In which row.
    pub row: u64,
    /// What is said.
    pub details: &'a Details,
    /// Of which fields; of the others nothing is said.
    pub fields: Fields,
    /// Fields of which the source takes back what it said; none of `fields`.
    pub taken_back: Fields,
}

/// A dossier of one statement, in its texts.
struct First<'a> {
    number: &'a str,
    name_raw: &'a str,
    begun: u64,
    /// Value and source of each field, since the statement.
    held: [(&'a str, SourceId); Field::COUNT],
    said: (SourceId, u32, u64, [Word; Field::COUNT]),
}

/// What a statement came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Fields whose held value changed.
    pub changed: Fields,
    /// Fields of which the source says something new, or nothing any more.
    pub said: Fields,
    /// Fields that the source takes back though it never spoke of them, while a value is held.
    pub unsaid: Fields,
}

/// One line of a field's history, as [`Dossier::history`] gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Field.
    pub field: Field,
    /// Value.
    pub value: &'a str,
    /// Who said it.
    pub source: SourceId,
    /// Since when, seconds since 1970.
    pub since: u64,
    /// What it is now.
    pub standing: Standing,
}

/// What a line of a history is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The value held.
    Held,
    /// Said now, and the value held.
    Agrees,
    /// Said now, another value than the one held, undecided.
    Conflicts,
    /// Said now, another value than the one held, and an operator kept that one.
    Settled,
    /// Held or said until then.
    Past(u64),
}

impl Dossier {
    /// Of a person whom nobody spoke of before.
    #[must_use]
    pub fn begin(statement: &Statement<'_>) -> Self {
        let First { number, name_raw, begun, held, said } = First::of(statement);
        let hold = |(value, source): (&str, SourceId)| Held { value: value.to_owned(), source, at: 0 };
        let (source, import, row, words) = said;
        Self {
            number: number.to_owned(),
            name_raw: name_raw.to_owned(),
            begun,
            held: held.into_iter().map(hold).collect(),
            said: vec![Said { source, import, row, words: words.into() }],
            past: Vec::new(),
        }
    }

    /// The bytes of what [`Dossier::begin`] gives. Of a person in a file nothing else is needed, mostly.
    ///
    /// # Panics
    /// Never: it is made of texts and numbers.
    #[must_use]
    pub fn first_bytes(statement: &Statement<'_>) -> Vec<u8> {
        let First { number, name_raw, begun, held, said } = First::of(statement);
        let held = held.map(|(value, source)| (value, source, 0_u64));
        let (source, import, row, words) = said;
        let (said, past) = ([(source, import, row, words.as_slice())], <[Past; 0]>::default());
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(LAYOUT);
        let whole = (number, name_raw, begun, held.as_slice(), said.as_slice(), past.as_slice());
        postcard::to_extend(&whole, bytes).expect("texts and numbers serialize")
    }

    /// What stays of a person who was erased: nothing. The row number in it keeps one such dossier apart from another.
    #[must_use]
    pub(crate) fn erased(id: i64) -> Self {
        let blank = || Held { value: String::new(), source: DECIDED, at: 0 };
        let held = Field::ALL.into_iter().map(|_| blank()).collect();
        Self {
            number: format!("erased {id}"),
            name_raw: String::new(),
            begun: 0,
            held,
            said: Vec::new(),
            past: Vec::new(),
        }
    }

    /// Takes a statement in.
    ///
    /// A source changes the value that it alone gave; it fills what nobody knew or said; in all else it contradicts, and an
    /// operator decides. A new name is never taken from a file by itself: the same number with another name is a case for
    /// a person.
    pub fn hear(&mut self, statement: &Statement<'_>) -> Heard {
        let mut heard = Heard::default();
        let now = self.offset(statement.at);
        let who = self.voice(statement.source);
        for field in statement.fields.iter().filter(|field| speaks(statement, *field)) {
            let value = field.of(statement.details);
            if self.word(who, field).is_some_and(|said| said == value) {
                continue;
            }
            self.remember_said(who, field, now);
            heard.said = heard.said.with(field);
            if self.held[field.place()].value == value {
                self.said[who].words[field.place()] = Word::AsHeld(now);
                continue;
            }
            self.said[who].words[field.place()] = Word::Other { value: value.to_owned(), at: now, settled: false };
            let held = &self.held[field.place()];
            let alone = held.source == statement.source && !self.supported(field);
            if held.value.is_empty() || held.source == INFERRED || alone && field != Field::Name {
                self.hold(field, value.to_owned(), statement.source, now);
                heard.changed = heard.changed.with(field);
            }
        }
        for field in statement.taken_back.iter().filter(|field| Field::RETRACTABLE.contains(field)) {
            if matches!(self.said[who].words[field.place()], Word::Silent) {
                if !self.held[field.place()].value.is_empty() {
                    heard.unsaid = heard.unsaid.with(field);
                }
                continue;
            }
            heard.said = heard.said.with(field);
            if self.take_back(who, field, now) {
                heard.changed = heard.changed.with(field);
            }
        }
        if !heard.said.is_empty() {
            (self.said[who].import, self.said[who].row) = (statement.import, statement.row);
        }
        heard
    }

    /// A source takes its word back; whether another value is held now.
    ///
    /// A value that it alone gave goes: the one other value that is said takes its place, otherwise none is held. What another source says
    /// too, or an operator decided, stays.
    fn take_back(&mut self, who: usize, field: Field, now: u64) -> bool {
        let place = field.place();
        let source = self.said[who].source;
        self.remember_said(who, field, now);
        if self.held[place].source != source {
            return false;
        }
        let agrees = |said: &Said| match said.words[place] {
            Word::AsHeld(at) => Some((said.source, at)),
            Word::Silent | Word::Other { .. } => None,
        };
        if let Some((other, at)) = self.said.iter().find_map(agrees) {
            (self.held[place].source, self.held[place].at) = (other, at);
            return false;
        }
        let others = self.said.iter().filter_map(|said| match &said.words[place] {
            Word::Other { value, .. } => Some((value.clone(), said.source)),
            Word::Silent | Word::AsHeld(_) => None,
        });
        let others: Vec<(String, SourceId)> = others.collect();
        let one = others.first().filter(|(first, _)| others.iter().all(|(value, _)| value == first));
        let (value, source) = one.cloned().unwrap_or((String::new(), INFERRED));
        self.hold(field, value, source, now);
        for said in &mut self.said {
            if let Word::Other { settled, .. } = &mut said.words[place] {
                *settled = false;
            }
        }
        true
    }

    /// An operator decides that nothing is known of a field: whatever was said of it is settled. `false` of a field that everybody has.
    pub fn clear(&mut self, field: Field, at: u64) -> bool {
        if !Field::RETRACTABLE.contains(&field) {
            return false;
        }
        let now = self.offset(at);
        if !self.value(field).is_empty() {
            self.hold(field, String::new(), DECIDED, now);
        }
        self.settle(field);
        true
    }

    /// The person has another number, which tells sex and birth date, and from now on this certificate or none: an operator decided it.
    /// What sources said of these is settled. What changed.
    pub fn renumber(&mut self, details: &Details, at: u64) -> Fields {
        let now = self.offset(at);
        self.number.clone_from(&details.number);
        let mut changed = Fields::NONE;
        for field in Field::OF_NUMBER {
            let value = field.of(details);
            if self.value(field) != value {
                self.hold(field, value.to_owned(), DECIDED, now);
                changed = changed.with(field);
            }
            self.settle(field);
        }
        changed
    }

    /// A row that gave way has this number from now on, and nothing else of it changes.
    pub(crate) fn take_number(&mut self, number: String) {
        self.number = number;
    }

    /// What another row says of the same person: a source that is silent here speaks by it, what a source says here was said by it before.
    /// Of the number and what it tells nothing is taken over.
    pub fn absorb(&mut self, other: &Self, at: u64) {
        let now = self.offset(at);
        let fields = || Field::ALL.into_iter().filter(|field| !Field::OF_NUMBER.contains(field));
        for said in &other.said {
            let who = self.voice(said.source);
            for field in fields() {
                let place = field.place();
                let (value, since) = match &said.words[place] {
                    Word::Silent => continue,
                    Word::AsHeld(since) => (&other.held[place].value, *since),
                    Word::Other { value, at, .. } => (value, *at),
                };
                let (value, since) = (value.clone(), self.offset(other.begun + since));
                match &self.said[who].words[place] {
                    Word::Silent if self.held[place].value == value => {
                        self.said[who].words[place] = Word::AsHeld(since);
                    }
                    Word::Silent => {
                        self.said[who].words[place] = Word::Other { value: value.clone(), at: since, settled: false };
                        let held = &self.held[place];
                        if held.value.is_empty() || held.source == INFERRED {
                            self.hold(field, value, said.source, now);
                        }
                    }
                    Word::AsHeld(_) | Word::Other { .. } => {
                        let past = Past { field: field as u8, value, source: said.source, at: since, until: now };
                        self.past.push(past);
                    }
                }
            }
        }
        for past in &other.past {
            let Past { field, source, .. } = *past;
            let (at, until) = (self.offset(other.begun + past.at), self.offset(other.begun + past.until));
            self.past.push(Past { field, value: past.value.clone(), source, at, until });
        }
    }

    fn settle(&mut self, field: Field) {
        for said in &mut self.said {
            if let Word::Other { settled, .. } = &mut said.words[field.place()] {
                *settled = true;
            }
        }
    }

    /// AAC002 社会保障号码.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// An operator decides: `choose` names the source whose value is to be held, or none to keep the one held. Every other
    /// statement about the field is settled. `false` when that source says nothing of it.
    pub fn decide(&mut self, field: Field, choose: Option<SourceId>, at: u64) -> bool {
        let now = self.offset(at);
        if let Some(source) = choose {
            let Some(who) = self.said.iter().position(|said| said.source == source) else { return false };
            match &self.said[who].words[field.place()] {
                Word::Silent => return false,
                Word::AsHeld(_) => {}
                Word::Other { value, .. } => {
                    let value = value.clone();
                    self.hold(field, value, DECIDED, now);
                    if field == Field::Name {
                        self.name_raw.clear();
                    }
                }
            }
        }
        self.settle(field);
        true
    }

    /// Fields on which a source differs from what is held, undecided.
    #[must_use]
    pub fn conflicts(&self) -> Fields {
        let mut found = Fields::NONE;
        for field in Field::ALL {
            let open = |said: &Said| matches!(&said.words[field.place()], Word::Other { settled: false, .. });
            if self.said.iter().any(open) {
                found = found.with(field);
            }
        }
        found
    }

    /// Sources that say something now.
    pub fn sources(&self) -> impl Iterator<Item = SourceId> {
        self.said.iter().map(|said| said.source)
    }

    /// The row of an import in which a source said what it says now; none when its latest news came otherwise.
    #[must_use]
    pub fn row(&self, source: SourceId, import: u32) -> Option<u64> {
        let said = self.said.iter().find(|said| said.source == source && said.import == import)?;
        Some(said.row)
    }

    /// What a source says of a field now.
    #[must_use]
    pub fn says(&self, source: SourceId, field: Field) -> Option<&str> {
        let who = self.said.iter().position(|said| said.source == source)?;
        self.word(who, field)
    }

    /// What is held.
    #[must_use]
    pub fn details(&self) -> Details {
        let value = |field: Field| self.held[field.place()].value.clone();
        let name = value(Field::Name);
        Details {
            number: self.number.clone(),
            name_raw: if self.name_raw.is_empty() { name.clone() } else { self.name_raw.clone() },
            name,
            sex: value(Field::Sex),
            ethnic_group: value(Field::EthnicGroup),
            birth_date: value(Field::BirthDate),
            region: value(Field::Region),
            address: value(Field::Address),
            phone: value(Field::Phone),
            employer: value(Field::Employer),
            certificate: value(Field::Certificate),
            alive: value(Field::Alive),
            name_script: value(Field::NameScript),
        }
    }

    /// Whether a value is held of a field, or said by a source and undecided.
    #[must_use]
    pub fn may_be(&self, field: Field, value: &str) -> bool {
        let open = |said: &Said| matches!(&said.words[field.place()], Word::Other { value: other, settled: false, .. } if other == value);
        self.value(field) == value || self.said.iter().any(open)
    }

    /// The value held of a field.
    #[must_use]
    pub fn value(&self, field: Field) -> &str {
        &self.held[field.place()].value
    }

    /// Everything that is and was known, by field: the value held, what sources say, the past from new to old.
    #[must_use]
    pub fn history(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        for field in Field::ALL {
            let place = field.place();
            let held = &self.held[place];
            let line = |value, source, at, standing| Line { field, value, source, since: self.begun + at, standing };
            if !held.value.is_empty() {
                lines.push(line(held.value.as_str(), held.source, held.at, Standing::Held));
            }
            for said in &self.said {
                match &said.words[place] {
                    Word::Silent => {}
                    Word::AsHeld(at) if held.source == said.source && held.at == *at => {}
                    Word::AsHeld(at) => lines.push(line(held.value.as_str(), said.source, *at, Standing::Agrees)),
                    Word::Other { value, at, settled } => {
                        let standing = if *settled { Standing::Settled } else { Standing::Conflicts };
                        lines.push(line(value.as_str(), said.source, *at, standing));
                    }
                }
            }
            let past = self.past.iter().rev().filter(|past| usize::from(past.field) == place);
            lines.extend(
                past.map(|past| {
                    line(past.value.as_str(), past.source, past.at, Standing::Past(self.begun + past.until))
                }),
            );
        }
        lines
    }

    /// Its bytes.
    ///
    /// # Panics
    /// Never: it is made of texts and numbers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(LAYOUT);
        postcard::to_extend(self, bytes).expect("texts and numbers serialize")
    }

    /// Reads its bytes, also those of the layouts before; `None` when they are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (layout, body) = bytes.split_first()?;
        let fields = match *layout {
            LAYOUT => Field::COUNT,
            older => OLDER.iter().find(|(layout, _)| *layout == older)?.1,
        };
        let (mut dossier, rest) = postcard::take_from_bytes::<Self>(body).ok()?;
        let whole = rest.is_empty()
            && dossier.held.len() == fields
            && dossier.said.iter().all(|said| said.words.len() == fields);
        // Of a field that there was not yet nobody said anything.
        let blank = Held { value: String::new(), source: INFERRED, at: 0 };
        dossier.held.resize(Field::COUNT, blank);
        for said in &mut dossier.said {
            said.words.resize(Field::COUNT, Word::Silent);
        }
        whole.then_some(dossier)
    }

    fn offset(&self, at: u64) -> u64 {
        // A clock that was set back gives no instant before the first statement.
        at.saturating_sub(self.begun)
    }

    /// Place of a source's statement, a silent one when it never spoke.
    fn voice(&mut self, source: SourceId) -> usize {
        if let Some(who) = self.said.iter().position(|said| said.source == source) {
            return who;
        }
        self.said.push(Said { source, import: 0, row: 0, words: vec![Word::Silent; Field::COUNT] });
        self.said.len() - 1
    }

    fn word(&self, who: usize, field: Field) -> Option<&str> {
        match &self.said[who].words[field.place()] {
            Word::Silent => None,
            Word::AsHeld(_) => Some(&self.held[field.place()].value),
            Word::Other { value, .. } => Some(value),
        }
    }

    /// Whether any source says now what is held.
    fn supported(&self, field: Field) -> bool {
        self.said.iter().any(|said| matches!(said.words[field.place()], Word::AsHeld(_)))
    }

    /// Moves what a source said of a field into the past.
    fn remember_said(&mut self, who: usize, field: Field, now: u64) {
        let place = field.place();
        let (value, at) = match &self.said[who].words[place] {
            Word::Silent => return,
            Word::AsHeld(at) => (self.held[place].value.clone(), *at),
            Word::Other { value, at, .. } => (value.clone(), *at),
        };
        let source = self.said[who].source;
        self.said[who].words[place] = Word::Silent;
        self.past.push(Past { field: field as u8, value, source, at, until: now });
    }

    /// Holds another value from now on; the former one, and who said it, remain.
    fn hold(&mut self, field: Field, value: String, source: SourceId, now: u64) {
        let place = field.place();
        let former = std::mem::replace(&mut self.held[place], Held { value, source, at: now });
        for said in &mut self.said {
            let word = &mut said.words[place];
            *word = match std::mem::replace(word, Word::Silent) {
                Word::AsHeld(at) => Word::Other { value: former.value.clone(), at, settled: false },
                Word::Other { value, at, .. } if value == self.held[place].value => Word::AsHeld(at),
                other => other,
            };
        }
        let told = |past: &Past| {
            usize::from(past.field) == place
                && past.value == former.value
                && past.source == former.source
                && past.until == now
        };
        if !former.value.is_empty() && former.source != INFERRED && !self.past.iter().any(told) {
            let Held { value, source, at } = former;
            self.past.push(Past { field: field as u8, value, source, at, until: now });
        }
    }
}

impl<'a> First<'a> {
    fn of(statement: &Statement<'a>) -> Self {
        let Statement { source, at, import, row, details, .. } = *statement;
        let hold = |field: Field| (field.of(details), if speaks(statement, field) { source } else { INFERRED });
        let word = |field: Field| if speaks(statement, field) { Word::AsHeld(0) } else { Word::Silent };
        Self {
            number: &details.number,
            name_raw: if details.name_raw == details.name { "" } else { &details.name_raw },
            begun: at,
            held: Field::ALL.map(hold),
            said: (source, import, row, Field::ALL.map(word)),
        }
    }
}

/// An empty value says nothing.
fn speaks(statement: &Statement<'_>, field: Field) -> bool {
    statement.fields.has(field) && !field.of(statement.details).is_empty()
}

impl std::fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Statement({})", self.source)
    }
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({:?}, {:?})", self.field, self.standing)
    }
}

impl std::fmt::Debug for Dossier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dossier(..)")
    }
}

#[cfg(test)]
#[path = "dossier/tests.rs"]
mod tests;
