//! `issuer stock …`.

use clap::{Args, Subcommand, ValueEnum};

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::stock::loss::{self, Which};
use crate::stock::place::{self, Kind, Places};
use crate::stock::{self, Unit, blank, check};

/// What to do with cards as things.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Places (地点): stations, outlets, who keeps them.
    #[command(subcommand)]
    Place(PlaceVerb),
    /// 到货: a box of blank cards comes in, as the papers say.
    Receive {
        /// Name of the box, as it says.
        name: String,
        /// Lot of the cards, as the box says.
        #[arg(long)]
        lot: String,
        /// Cards, as the papers say.
        #[arg(long)]
        cards: u64,
    },
    /// 清点: count a box; a difference from the papers is named.
    Count {
        /// Name of the box.
        name: String,
        /// Cards counted.
        #[arg(long)]
        cards: u64,
    },
    /// 领用: blank cards of a box go to a station.
    Issue {
        /// Name of the box.
        name: String,
        /// Code of the station.
        #[arg(long, value_name = "CODE")]
        to: String,
        /// So many; all that are in the box when absent.
        #[arg(long)]
        cards: Option<u64>,
    },
    /// 退库: blank cards come back from a station, counted; those not there are missing.
    TakeBack {
        /// Name of the box.
        name: String,
        /// Code of the station.
        #[arg(long, value_name = "CODE")]
        from: String,
        /// Cards counted.
        #[arg(long)]
        cards: u64,
    },
    /// 报废: blank cards are damaged.
    Damage {
        /// Name of the box.
        name: String,
        /// Where they are.
        #[arg(long, value_name = "CODE", default_value = stock::STORE)]
        at: String,
        /// How many.
        #[arg(long)]
        cards: u64,
        /// How.
        #[arg(long)]
        reason: String,
    },
    /// 短少: cards are looked for and not found.
    Lose {
        /// Which.
        #[command(flatten)]
        which: Chosen,
        /// Where they should be.
        #[arg(long, value_name = "CODE")]
        at: String,
        /// What was looked for, and how.
        #[arg(long)]
        reason: String,
    },
    /// 找回: cards that were missing are found.
    Find {
        /// Which.
        #[command(flatten)]
        which: Chosen,
        /// Where.
        #[arg(long)]
        reason: String,
    },
    /// 装袋待销毁: put cards into a sack; another operator destroys them.
    Condemn {
        /// Which.
        #[command(flatten)]
        which: Chosen,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// 销毁: destroy what is in a sack; not by the operator who filled it.
    Destroy {
        /// The sack.
        sack: String,
    },
    /// Show what is held where, since when, and who keeps it.
    Show {
        /// At this place only, parcels and sacks that are done with included.
        #[arg(long, value_name = "CODE")]
        place: Option<String>,
    },
    /// Show where a box or card is, and how it came there.
    History {
        /// The box or card.
        #[command(flatten)]
        which: One,
    },
    /// Compute what is held anew from the journal and name every difference: exit code 7 when there is one.
    Check,
}

/// What to do with places.
#[derive(Debug, Subcommand)]
pub enum PlaceVerb {
    /// Add a station or outlet, or tell another keeper of it.
    Add {
        /// Code, or `store` for the store itself.
        code: String,
        /// What it is.
        #[arg(long, value_enum)]
        kind: PlaceKind,
        /// What people call it.
        #[arg(long, default_value = "", hide_default_value = true)]
        title: String,
        /// Who answers for what is there.
        #[arg(long)]
        keeper: String,
    },
    /// List places.
    List,
}

/// A place that an operator may add.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PlaceKind {
    /// 库房.
    Store,
    /// 制卡站.
    Station,
    /// 网点.
    Outlet,
}

/// Which cards.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["name", "card"]))]
pub struct Chosen {
    /// Blank or spoilt cards of this box.
    #[arg(long = "box", value_name = "NAME", requires = "cards")]
    name: Option<String>,
    /// How many of the box.
    #[arg(long, conflicts_with = "card", value_parser = clap::value_parser!(u64).range(1..))]
    cards: Option<u64>,
    /// Cards by 卡号.
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    card: Vec<String>,
}

/// A box or a card.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("one").required(true).args(["name", "card"]))]
pub struct One {
    /// A box.
    #[arg(long = "box", value_name = "NAME")]
    name: Option<String>,
    /// A card by 卡号.
    #[arg(long, value_name = "NUMBER")]
    card: Option<String>,
}

impl Chosen {
    fn which(self) -> Which {
        match (self.name, self.cards) {
            (Some(name), Some(cards)) => Which::Blanks { name, cards },
            _ => Which::Cards(self.card),
        }
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    let operator = common.operator.as_deref();
    let store = &mut centre.store;
    match verb {
        Verb::Place(PlaceVerb::Add { code, kind, title, keeper }) => {
            let kind = match kind {
                PlaceKind::Store => Kind::Store,
                PlaceKind::Station => Kind::Station,
                PlaceKind::Outlet => Kind::Outlet,
            };
            output.show(&place::keep(store, &code, kind, (&title, &keeper), operator)?);
        }
        Verb::Place(PlaceVerb::List) => output.show(&Places { places: store.read(|tx| tx.stock_places())? }),
        Verb::Receive { name, lot, cards } => output.show(&blank::receive(store, &name, &lot, cards, operator)?),
        Verb::Count { name, cards } => output.show(&blank::count(store, &name, cards, operator)?),
        Verb::Issue { name, to, cards } => output.show(&blank::issue(store, &name, &to, cards, operator)?),
        Verb::TakeBack { name, from, cards } => output.show(&blank::take_back(store, &name, &from, cards, operator)?),
        Verb::Damage { name, at, cards, reason } => {
            output.show(&blank::damage(store, &name, &at, cards, &reason, operator)?);
        }
        Verb::Lose { which, at, reason } => output.show(&loss::lose(store, &which.which(), &at, &reason, operator)?),
        Verb::Find { which, reason } => output.show(&loss::find(store, &which.which(), &reason, operator)?),
        Verb::Condemn { which, reason } => output.show(&loss::condemn(store, &which.which(), &reason, operator)?),
        Verb::Destroy { sack } => output.show(&loss::destroy(store, &sack, operator)?),
        Verb::Show { place } => output.show(&store.read(|tx| stock::overview(tx, place.as_deref()))?),
        Verb::History { which } => {
            let unit = which.name.map(Unit::Box).or(which.card.map(Unit::Card));
            let unit = unit.expect("the command line asks for one of them");
            output.show(&store.read(|tx| stock::trail(tx, unit))?);
        }
        Verb::Check => {
            let found = store.read(check::check)?;
            output.show(&found);
            return Ok(if found.differences.is_empty() { Exit::Ok } else { Exit::Mismatch });
        }
    }
    Ok(Exit::Ok)
}
