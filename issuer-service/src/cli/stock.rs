//! `issuer stock …`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::import::single;
use crate::output::Output;
use crate::stock::count::{self, Tally};
use crate::stock::finished::Opening;
use crate::stock::handout::{self, Agent};
use crate::stock::loss::{self, Which};
use crate::stock::place::{self, Kind, Places};
use crate::stock::{self, StockState, Unit, blank, check, finished};

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
    /// 清点: count a box, the first time against its papers, later against the journal; a difference is named and booked.
    Count {
        /// Name of the box.
        name: String,
        /// Cards counted.
        #[arg(long)]
        cards: u64,
        /// Where it is counted: the store, or a station.
        #[arg(long, value_name = "CODE", default_value = stock::STORE)]
        at: String,
        /// What explains a difference; needed when a box is counted again and differs.
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// 盘点: compare the cards with numbers that lie at a place with those that should; differences are named: exit code 10.
    Inventory {
        /// The place.
        #[arg(long, value_name = "CODE")]
        at: String,
        /// File with the numbers of the cards that are there, one a line; - for the standard input.
        #[arg(long, value_name = "FILE")]
        cards: PathBuf,
        /// Book the differences, and why: what is not there is missing, what was missing is found.
        #[arg(long)]
        reason: Option<String>,
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
        /// Which cards of a box, when it has blank, issued or spoilt ones there.
        #[arg(long, value_enum, requires = "name")]
        state: Option<BoxState>,
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
    /// 补登: sealed cards of a batch that were made without stock come into it, at the store.
    Adopt {
        /// The batch.
        #[arg(long, value_name = "NUMBER")]
        batch: i64,
    },
    /// 装箱: pack finished cards into a parcel for an outlet.
    #[command(group = clap::ArgGroup::new("cards").required(true).args(["batch", "card"]))]
    Pack {
        /// The outlet.
        #[arg(long, value_name = "CODE")]
        to: String,
        /// Cards of this batch that lie where they were made, or came back.
        #[arg(long, value_name = "NUMBER")]
        batch: Option<i64>,
        /// Cards by 卡号.
        #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
        card: Vec<String>,
    },
    /// 拆箱: what is in a parcel that has not left goes back to the store.
    Unpack {
        /// The parcel.
        parcel: String,
    },
    /// 发运: a parcel leaves with a carrier.
    Dispatch {
        /// The parcel.
        parcel: String,
        /// Who answers for it on the way.
        #[arg(long)]
        carrier: String,
    },
    /// 接收: open a parcel where it was bound for, or in the store when it came back; differences are named: exit code 10.
    #[command(group = clap::ArgGroup::new("seen").required(true).args(["all", "cards"]))]
    Accept {
        /// The parcel.
        parcel: String,
        /// The carrier could not deliver it: it is opened in the store.
        #[arg(long)]
        undelivered: bool,
        /// All cards that should be in it are in it.
        #[arg(long)]
        all: bool,
        /// File with the numbers of the cards that are in it, one a line; - for the standard input.
        #[arg(long, value_name = "FILE")]
        cards: Option<PathBuf>,
    },
    /// 领卡: hand a card out, with a receipt.
    HandOut {
        /// 卡号.
        card_number: String,
        /// An agent came: file with three lines, certificate type (AAC058), certificate number, name; - for the standard input.
        #[arg(long, value_name = "FILE")]
        agent: Option<PathBuf>,
    },
    /// 收回: a card comes back over the counter. A cancelled one is handed in, to be sent back and destroyed; a sealed one was handed out by
    /// mistake: the hand-out is undone, its receipt is void.
    TakeIn {
        /// 卡号.
        card_number: String,
        /// The outlet or store where it lies from now on.
        #[arg(long, value_name = "CODE")]
        at: String,
        /// Why it came back.
        #[arg(long)]
        reason: String,
    },
    /// Show the receipt of a card that was handed out; an agent is masked.
    Receipt {
        /// 卡号.
        card_number: String,
    },
    /// Do what is due: cards that nobody fetched within the site's days are unclaimed. For a daily timer.
    Due,
    /// 退回: cards of an outlet go back to the store.
    #[command(group = clap::ArgGroup::new("cards").required(true).args(["unclaimed", "card"]))]
    SendBack {
        /// The outlet.
        #[arg(long, value_name = "CODE")]
        from: String,
        /// All that are unclaimed there.
        #[arg(long)]
        unclaimed: bool,
        /// Cards by 卡号.
        #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
        card: Vec<String>,
        /// Who answers for them on the way.
        #[arg(long)]
        carrier: String,
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
    /// Add a station or outlet.
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
        /// The place is there: tell its title or keeper from now on.
        #[arg(long)]
        change: bool,
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

/// State of cards of a box that are looked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BoxState {
    /// 空白在库.
    Blank,
    /// 已领用.
    Issued,
    /// 废卡.
    Spoilt,
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
        Verb::Place(PlaceVerb::Add { code, kind, title, keeper, change }) => {
            let kind = match kind {
                PlaceKind::Store => Kind::Store,
                PlaceKind::Station => Kind::Station,
                PlaceKind::Outlet => Kind::Outlet,
            };
            output.show(&place::keep(store, &code, kind, (&title, &keeper, change), operator)?);
        }
        Verb::Place(PlaceVerb::List) => output.show(&Places { places: store.read(|tx| tx.stock_places())? }),
        Verb::Receive { name, lot, cards } => output.show(&blank::receive(store, &name, &lot, cards, operator)?),
        Verb::Count { name, cards, at, reason } => {
            let tally = Tally { name: &name, at: &at, cards, reason: &reason };
            output.show(&count::count(store, &tally, operator)?);
        }
        Verb::Inventory { at, cards, reason } => {
            let found = count::inventory(store, &at, &numbers(&cards)?, reason.as_deref(), operator)?;
            output.show(&found);
            let agrees = found.missing.is_empty() && found.unexpected.is_empty();
            return Ok(if agrees { Exit::Ok } else { Exit::Partly });
        }
        Verb::Issue { name, to, cards } => output.show(&blank::issue(store, &name, &to, cards, operator)?),
        Verb::TakeBack { name, from, cards } => output.show(&blank::take_back(store, &name, &from, cards, operator)?),
        Verb::Damage { name, at, cards, reason } => {
            output.show(&blank::damage(store, &name, &at, cards, &reason, operator)?);
        }
        Verb::Lose { which, at, state, reason } => {
            let state = state.map(|state| match state {
                BoxState::Blank => StockState::Blank,
                BoxState::Issued => StockState::Issued,
                BoxState::Spoilt => StockState::Spoilt,
            });
            output.show(&loss::lose(store, &which.which(), (&at, state), &reason, operator)?);
        }
        Verb::Find { which, reason } => output.show(&loss::find(store, &which.which(), &reason, operator)?),
        Verb::Condemn { which, reason } => output.show(&loss::condemn(store, &which.which(), &reason, operator)?),
        Verb::Destroy { sack } => output.show(&loss::destroy(store, &sack, operator)?),
        Verb::Adopt { batch } => output.show(&finished::adopt(store, batch, operator)?),
        Verb::Pack { to, batch, card } => {
            let which = batch.map_or(finished::Which::Cards(card), finished::Which::Batch);
            output.show(&finished::pack(store, &which, &to, operator)?);
        }
        Verb::Unpack { parcel } => output.show(&finished::unpack(store, &parcel, operator)?),
        Verb::Dispatch { parcel, carrier } => output.show(&finished::dispatch(store, &parcel, &carrier, operator)?),
        Verb::Accept { parcel, cards, undelivered, .. } => {
            let seen = cards.as_deref().map(numbers).transpose()?;
            let opening = if undelivered { Opening::Undelivered } else { Opening::ThereBound };
            let opened = finished::open(store, &parcel, opening, seen.as_deref(), operator)?;
            output.show(&opened);
            let agrees = opened.missing.is_empty() && opened.unexpected.is_empty();
            return Ok(if agrees { Exit::Ok } else { Exit::Partly });
        }
        Verb::HandOut { card_number, agent } => {
            let agent = agent.as_deref().map(file).transpose()?.map(|text| Agent::parse(&text)).transpose()?;
            if agent.is_some() {
                common.data_keys(&mut centre, output)?;
            }
            output.show(&handout::hand_out(&mut centre.store, &card_number, agent.as_ref(), operator)?);
        }
        Verb::TakeIn { card_number, at, reason } => {
            output.show(&handout::take_in(store, &card_number, &at, &reason, operator)?);
        }
        Verb::Receipt { card_number } => {
            let mut receipt = store.read(|tx| handout::receipt(tx, &card_number))?;
            if receipt.by_agent {
                common.data_keys(&mut centre, output)?;
                receipt = centre.store.read(|tx| handout::receipt(tx, &card_number))?;
            }
            output.show(&receipt);
        }
        Verb::Due => output.show(&finished::lapse(store, centre.config.stock, operator)?),
        Verb::SendBack { from, card, carrier, .. } => {
            output.show(&finished::send_back(store, &from, &card, &carrier, operator)?);
        }
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

/// A file of the counter, within bounds.
fn file(path: &Path) -> Result<Vec<u8>, Error> {
    Ok(single::read(path, || {
        let mut bytes = Vec::new();
        std::io::stdin().take(single::BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes)
    })?)
}

/// Card numbers, one a line.
fn numbers(path: &Path) -> Result<Vec<String>, Error> {
    let text = file(path)?;
    let lines = String::from_utf8_lossy(&text).lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    Ok(lines.into_iter().filter(|line| !line.is_empty()).collect())
}
