//! What an act was done to, as its record says it: a kind and a number or name.
//!
//! Owns: every kind that a record names. Never: knows people: whom an object is about is looked up where people are (`store::audit`).

/// What an act was done to, as far as people may be concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object<'a> {
    /// A person, by row number.
    Person(i64),
    /// A request for a card.
    Request(i64),
    /// A job.
    Job(i64),
    /// A batch: everybody in it.
    Batch(i64),
    /// A card, by number or identifier.
    Card(&'a str),
    /// A file to a bank, a factory or the holder registry: everybody in it.
    Task(&'a str),
    /// A sale that a terminal asked about: the holder of its card.
    Sale(&'a str),
    /// A record of a terminal, `TERMINAL/RECORD`: the holder of its card.
    Record(&'a str),
    /// A load: the holder of its card.
    Load(&'a str),
    /// What somebody asked or complained of.
    Ticket(i64),
    /// Allotments to holders.
    Allotment(i64),
    /// Nobody in particular.
    Nobody,
}

/// First words of objects that are about nobody in particular; of `batch`, the batches of terminals are, too.
const NOBODY: &[&str] = &[
    "PSAMs",
    "audit log",
    "benefit import",
    "blacklist",
    "box",
    "card number",
    "card of",
    "card numbers",
    "card number prefix",
    "cards",
    "catalogue",
    "centre",
    "ceremony",
    "certificate authority",
    "client",
    "conflicts",
    "data keys",
    "file",
    "holder registry",
    "import",
    "institution",
    "key",
    "lot",
    "operator",
    "people",
    "place",
    "reader",
    "retention",
    "source",
    "station",
    "terminal",
    "vault",
    "window",
];

impl<'a> Object<'a> {
    /// The object of a record; none when it begins with a word that stands in no list here.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let is_nobody =
            |kind: &&str| text.strip_prefix(*kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        if NOBODY.iter().any(is_nobody) {
            return Some(Self::Nobody);
        }
        // A unit of stock says what it is with a colon.
        if text.starts_with("box:") {
            return Some(Self::Nobody);
        }
        let (kind, name) = text.split_once([' ', ':'])?;
        let numbered = |of: fn(i64) -> Self| Some(name.parse().map_or(Self::Nobody, of));
        match kind {
            "person" => numbered(Self::Person),
            "request" => numbered(Self::Request),
            "job" => numbered(Self::Job),
            "batch" => numbered(Self::Batch),
            "ticket" => numbered(Self::Ticket),
            "allotment" => numbered(Self::Allotment),
            "card" => Some(Self::Card(name)),
            "task" => Some(Self::Task(name)),
            "sale" => Some(Self::Sale(name)),
            "record" => Some(Self::Record(name)),
            "load" => Some(Self::Load(name)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_told_from_card_numbers() {
        for (text, object) in [
            ("card A0000002X", Some(Object::Card("A0000002X"))),
            ("card number A0000002X", Some(Object::Nobody)),
            ("cards", Some(Object::Nobody)),
            ("cardboard", None),
            ("card:A0000002X", Some(Object::Card("A0000002X"))),
            ("box:B1", Some(Object::Nobody)),
            ("batch 7", Some(Object::Batch(7))),
            ("batch 990000000001/7", Some(Object::Nobody)),
            ("record 990000000001/7", Some(Object::Record("990000000001/7"))),
            ("task 2026112300000001", Some(Object::Task("2026112300000001"))),
            ("somebody 7", None),
            ("", None),
        ] {
            assert_eq!(Object::parse(text), object, "{text}");
        }
    }
}
