//! Places where cards are: the store, stations, outlets, parcels under way, sacks of cards to be destroyed.
//!
//! Owns: their kinds, who keeps them, adding one. Never: moves a card.

use serde::Serialize;

use super::failure::StockError;
use crate::clock;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::store::{Store, Tx};

/// Longest name of a place, box or lot, in characters.
pub(crate) const NAME_MAX: usize = 40;
/// Longest title or keeper, in characters.
const TITLE_MAX: usize = 80;

/// Keeper of the store before anybody is named.
const NOBODY: &str = "-";

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 库房: where boxes arrive; there is one.
    Store,
    /// 制卡站.
    Station,
    /// 网点: hands cards out.
    Outlet,
    /// 箱: finished cards that go to a place.
    Parcel,
    /// 销毁袋: cards that another operator is to destroy.
    Sack,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 5] = [Self::Store, Self::Station, Self::Outlet, Self::Parcel, Self::Sack];

    /// Name as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Station => "station",
            Self::Outlet => "outlet",
            Self::Parcel => "parcel",
            Self::Sack => "sack",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Store, Lang::Zh) => "库房",
            (Self::Station, Lang::Zh) => "制卡站",
            (Self::Outlet, Lang::Zh) => "网点",
            (Self::Parcel, Lang::Zh) => "卡箱",
            (Self::Sack, Lang::Zh) => "销毁袋",
            (kind, Lang::En) => kind.name(),
        }
    }
}

/// A place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Code: `store`, `P-3`.
    pub code: String,
    /// What it is.
    pub kind: Kind,
    /// What people call it.
    pub title: String,
    /// Who answers for what is there.
    pub keeper: String,
    /// Of a parcel: where it goes.
    pub bound_for: Option<String>,
    /// Who made it.
    pub made_by: String,
    /// UTC instant.
    pub made_at: String,
    /// Of a parcel: who accepted it; of a sack: who destroyed what was in it.
    pub closed_by: Option<String>,
}

/// Several places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Places {
    /// In order of code.
    pub places: Vec<Place>,
}

/// Adds a station or an outlet; with `change`, tells another title or keeper of one that is there.
///
/// # Errors
/// [`StockError::PlaceKnown`] when it is there with another title or keeper and is not to be changed.
pub fn keep(
    store: &mut Store,
    code: &str,
    kind: Kind,
    (title, keeper, change): (&str, &str, bool),
    operator: Option<&str>,
) -> Result<Place, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let (title, keeper) = (line(title)?, line(keeper)?);
        match tx.stock_place(code)? {
            None => tx.add_stock_place(&new(code, kind, title, keeper, &actor)?)?,
            Some(known) if known.kind == kind => {
                let title = if title.is_empty() { known.title.as_str() } else { title };
                let same = known.title == title && known.keeper == keeper;
                if !same && !change && known.keeper != NOBODY {
                    return Err(StockError::PlaceKnown { code: known.code, keeper: known.keeper });
                }
                tx.keep_stock_place(code, title, keeper)?;
            }
            Some(_) => return Err(StockError::PlaceTaken { code: code.to_owned() }),
        }
        let detail = format!("{}, kept by {keeper}", kind.name());
        Ok((found(tx, code)?, super::act(tx, actor, "stock.place", format!("place {code}"), &detail)?))
    })
}

/// A place that is about to be added.
pub(super) fn new(code: &str, kind: Kind, title: &str, keeper: &str, maker: &str) -> Result<Place, StockError> {
    Ok(Place {
        code: fit(code)?.to_owned(),
        kind,
        title: title.to_owned(),
        keeper: keeper.to_owned(),
        bound_for: None,
        made_by: maker.to_owned(),
        made_at: clock::now(),
        closed_by: None,
    })
}

/// A name of a place, box or lot: a word of letters, digits, `-`, `_`, `.`, `/`.
///
/// # Errors
/// [`StockError::NameUnfit`].
pub fn fit(name: &str) -> Result<&str, StockError> {
    let holds = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let fits = (1..=NAME_MAX).contains(&name.chars().count()) && !name.starts_with('-') && name.chars().all(holds);
    if fits { Ok(name) } else { Err(StockError::NameUnfit) }
}

/// A title or keeper: one line, not too long.
pub(super) fn line(text: &str) -> Result<&str, StockError> {
    let fits = text.chars().count() <= TITLE_MAX && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(StockError::TextUnfit) }
}

/// The place with a code.
///
/// # Errors
/// [`StockError::PlaceUnknown`].
pub fn found(tx: &Tx<'_>, code: &str) -> Result<Place, StockError> {
    tx.stock_place(code)?.ok_or(StockError::PlaceUnknown)
}

/// The place with a code, which must be of a kind.
///
/// # Errors
/// [`StockError::PlaceUnknown`], [`StockError::PlaceKind`].
pub fn of_kind(tx: &Tx<'_>, code: &str, kind: Kind) -> Result<Place, StockError> {
    let place = found(tx, code)?;
    if place.kind == kind { Ok(place) } else { Err(StockError::PlaceKind { code: place.code, wanted: kind }) }
}

impl Show for Place {
    fn text(&self, lang: Lang) -> String {
        let Self { code, kind, title, keeper, bound_for, closed_by, .. } = self;
        let mut line = format!("{code}  {}", kind.text(lang));
        if !title.is_empty() {
            line += &format!("  {title}");
        }
        if let Some(code) = bound_for {
            line += &lang.pick(format!("，发往 {code}"), format!(", bound for {code}"));
        }
        line += &lang.pick(format!("，保管人 {keeper}"), format!(", kept by {keeper}"));
        if let Some(name) = closed_by {
            line += &match kind {
                Kind::Sack => lang.pick(format!("，{name} 已销毁"), format!(", destroyed by {name}")),
                _ => lang.pick(format!("，{name} 已收"), format!(", accepted by {name}")),
            };
        }
        line
    }
}

impl Show for Places {
    fn text(&self, lang: Lang) -> String {
        self.places.iter().map(|place| place.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
