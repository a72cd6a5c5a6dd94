//! Why cards are not moved, told to the one who keeps them.
//!
//! Owns: the errors of stock. Never: repeats what was typed where it may be anything.

use super::place::Kind;
use super::{Holding, StockState, Unit, state_word};
use crate::batch::BatchError;
use crate::card::failure::LifeError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::state::State;
use crate::store::{StoreError, Tx};

/// Why no card was moved.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// There is no such place.
    #[error("there is no such place")]
    PlaceUnknown,
    /// The code belongs to a place of another kind.
    #[error("place {code} is of another kind")]
    PlaceTaken {
        /// Code.
        code: String,
    },
    /// The place is there, with another title or keeper.
    #[error("place {code} is there already, kept by {keeper}")]
    PlaceKnown {
        /// Code.
        code: String,
        /// Who keeps it.
        keeper: String,
    },
    /// The box was not counted.
    #[error("box {name} is not counted")]
    NotCounted {
        /// Name.
        name: String,
    },
    /// The place is of another kind than is needed.
    #[error("place {code} is no {}", wanted.name())]
    PlaceKind {
        /// Code.
        code: String,
        /// Kind needed.
        wanted: Kind,
    },
    /// A name of a place, box or lot cannot be used.
    #[error("the name cannot be used")]
    NameUnfit,
    /// A title or keeper cannot be kept.
    #[error("the text cannot be kept")]
    TextUnfit,
    /// The box came in before.
    #[error("box {name} came in before")]
    BoxKnown {
        /// Name.
        name: String,
    },
    /// Stock knows nothing of a box or card.
    #[error("stock knows nothing of {unit}")]
    UnitUnknown {
        /// Box or card.
        unit: Unit,
    },
    /// A box cannot hold so many.
    #[error("a box holds 1 to {most} cards")]
    TooMany {
        /// The most.
        most: u64,
    },
    /// Fewer cards are there in this state.
    #[error("{unit}: {have} {state} at {place}, {wanted} wanted")]
    NotHeld {
        /// Box or card.
        unit: Unit,
        /// State.
        state: StockState,
        /// Place.
        place: String,
        /// Cards there.
        have: u64,
        /// Cards wanted.
        wanted: u64,
    },
    /// From where the cards are there is no such move.
    #[error("{unit} cannot be moved so from where it is")]
    NoWay {
        /// Box or card.
        unit: Unit,
        /// State and place of what there is of it, as the journal has it; none where it was not looked up.
        at: Vec<(String, String)>,
    },
    /// Cards of a box are there in several states, and none was named.
    #[error("{unit} is at {place} in several states")]
    StateNeeded {
        /// Box.
        unit: Unit,
        /// Place.
        place: String,
        /// The states.
        states: Vec<StockState>,
    },
    /// The card is not out of use.
    #[error("card {number} is not out of use")]
    CardLives {
        /// 卡号.
        number: String,
    },
    /// The card is out of use, or in somebody's hands.
    #[error("card {number} is not sealed")]
    CardOutOfUse {
        /// 卡号.
        number: String,
    },
    /// Nothing is there to be moved so.
    #[error("nothing to do")]
    NothingToDo,
    /// What is said of an agent cannot be kept.
    #[error("the agent cannot be kept")]
    AgentUnfit,
    /// The card was not handed out.
    #[error("there is no receipt")]
    NoReceipt,
    /// The one who filled a sack wants to destroy it.
    #[error("{code} was filled by the same operator")]
    SameHands {
        /// Sack.
        code: String,
    },
    /// The parcel or sack is done with.
    #[error("{code} is closed")]
    Closed {
        /// Parcel or sack.
        code: String,
    },
    /// Blank cards must come from stock, and no lot was named.
    #[error("no lot was named")]
    LotNeeded,
    /// No blank card of the lot is at the station.
    #[error("no blank card of lot {lot} is issued")]
    NothingIssued {
        /// Lot.
        lot: String,
    },
    /// Several stations have cards of the lot.
    #[error("several stations have cards of lot {lot}")]
    StationNeeded {
        /// Lot.
        lot: String,
    },
    /// Reason, holder and card.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// The batch.
    #[error(transparent)]
    Batch(#[from] Box<BatchError>),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StockError {
    /// [`StockError::NoWay`] of what is held so.
    pub(super) fn no_way(held: Holding) -> Self {
        Self::NoWay { unit: held.unit, at: vec![(held.state, held.place)] }
    }

    /// [`StockError::NoWay`] of all that there is of a unit.
    pub(super) fn no_way_for(tx: &Tx<'_>, unit: &Unit) -> Self {
        match tx.holdings(unit) {
            Ok(held) => {
                let at = held.into_iter().map(|held| (held.state, held.place)).collect();
                Self::NoWay { unit: unit.clone(), at }
            }
            Err(error) => error.into(),
        }
    }
}

impl Explain for StockError {
    fn code(&self) -> &'static str {
        match self {
            Self::PlaceUnknown => "STOCK_PLACE_NOT_FOUND",
            Self::PlaceTaken { .. } => "STOCK_PLACE_TAKEN",
            Self::PlaceKnown { .. } => "STOCK_PLACE_KNOWN",
            Self::NotCounted { .. } => "STOCK_NOT_COUNTED",
            Self::PlaceKind { .. } => "STOCK_PLACE_KIND",
            Self::NameUnfit => "STOCK_NAME_UNFIT",
            Self::TextUnfit => "STOCK_TEXT_UNFIT",
            Self::BoxKnown { .. } => "STOCK_BOX_KNOWN",
            Self::UnitUnknown { .. } => "STOCK_UNKNOWN",
            Self::TooMany { .. } => "STOCK_TOO_MANY",
            Self::NotHeld { .. } => "STOCK_NOT_HELD",
            Self::NoWay { .. } => "STOCK_NO_MOVE",
            Self::StateNeeded { .. } => "STOCK_STATE_NEEDED",
            Self::CardLives { .. } => "STOCK_CARD_IN_USE",
            Self::CardOutOfUse { .. } => "STOCK_CARD_OUT_OF_USE",
            Self::NothingToDo => "STOCK_NOTHING_TO_DO",
            Self::AgentUnfit => "STOCK_AGENT_UNFIT",
            Self::NoReceipt => "STOCK_NO_RECEIPT",
            Self::SameHands { .. } => "STOCK_SAME_HANDS",
            Self::Closed { .. } => "STOCK_CLOSED",
            Self::LotNeeded => "STOCK_LOT_NEEDED",
            Self::NothingIssued { .. } => "STOCK_NOTHING_ISSUED",
            Self::StationNeeded { .. } => "STOCK_STATION_NEEDED",
            Self::Life(error) => error.code(),
            Self::Batch(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::PlaceUnknown => lang.pick("没有这个地点", "there is no such place").to_owned(),
            Self::PlaceTaken { code } => {
                lang.pick(format!("{code} 已是另一类地点"), format!("{code} is a place of another kind already"))
            }
            Self::PlaceKnown { code, keeper } => lang.pick(
                format!("地点 {code} 已登记，保管人 {keeper}，未作改动"),
                format!("place {code} is there already, kept by {keeper}; nothing was changed"),
            ),
            Self::NotCounted { name } => {
                lang.pick(format!("箱 {name} 尚未清点，不能领用"), format!("box {name} came in and was not counted"))
            }
            Self::PlaceKind { code, wanted } => {
                lang.pick(format!("{code} 不是{}", wanted.text(lang)), format!("{code} is no {}", wanted.text(lang)))
            }
            Self::NameUnfit => {
                lang.pick("这个编号不能使用", "such a name of a place, box or lot cannot be used").to_owned()
            }
            Self::TextUnfit => lang.pick("名称或保管人过长", "title or keeper is too long").to_owned(),
            Self::BoxKnown { name } => {
                lang.pick(format!("箱 {name} 已经到货登记"), format!("box {name} came in before"))
            }
            Self::UnitUnknown { unit } => {
                let unit = unit.words(lang);
                lang.pick(format!("库存中没有{unit}"), format!("stock knows nothing of {unit}"))
            }
            Self::TooMany { most } => {
                lang.pick(format!("一箱为 1 至 {most} 张"), format!("a box holds 1 to {most} cards"))
            }
            Self::NotHeld { unit, state, place, have, wanted } => {
                let (unit, state) = (unit.words(lang), state_word(state.name(), lang));
                lang.pick(
                    format!("{unit}: {state}的只有 {have} 张（{place}），需要 {wanted} 张"),
                    format!("{unit}: {have} {state} at {place}, {wanted} wanted"),
                )
            }
            Self::NoWay { unit, at } => {
                let unit = unit.words(lang);
                let at: Vec<String> =
                    at.iter().map(|(state, place)| format!("{} {place}", state_word(state, lang))).collect();
                let at = if at.is_empty() { String::new() } else { format!(" ({})", at.join(", ")) };
                lang.pick(
                    format!("{unit}目前的状态不能这样办{at}"),
                    format!("{unit} cannot be moved so from where it is{at}"),
                )
            }
            Self::StateNeeded { unit, place, states } => {
                let unit = unit.words(lang);
                let states: Vec<String> = states.iter().map(|state| state_word(state.name(), lang)).collect();
                let states = states.join(", ");
                lang.pick(
                    format!("{unit}在 {place} 有多种状态的卡（{states}）"),
                    format!("{unit} has cards in several states at {place} ({states})"),
                )
            }
            Self::CardLives { number } => {
                lang.pick(format!("卡 {number} 尚未注销"), format!("card {number} is not out of use"))
            }
            Self::CardOutOfUse { number } => lang.pick(
                format!("卡 {number} 不是封存状态"),
                format!("card {number} is not sealed: it is out of use, or activated"),
            ),
            Self::NothingToDo => lang.pick("没有可以这样办理的卡", "no card is there to be moved so").to_owned(),
            Self::AgentUnfit => lang.pick("代领人信息不能使用", "what is said of the agent cannot be kept").to_owned(),
            Self::NoReceipt => lang.pick("此卡没有领卡回执", "the card was not handed out").to_owned(),
            Self::SameHands { code } => lang.pick(
                format!("{code} 由同一操作员装袋，须由另一人销毁"),
                format!("{code} was filled by this operator; another one destroys it"),
            ),
            Self::Closed { code } => lang.pick(format!("{code} 已办结"), format!("{code} is done with")),
            Self::LotNeeded => lang
                .pick(
                    "本地规定空白卡须从库存领用，没有指明批号",
                    "blank cards come from stock here, and no lot was named",
                )
                .to_owned(),
            Self::NothingIssued { lot } => lang.pick(
                format!("该制卡站没有领用批号 {lot} 的空白卡"),
                format!("stock has no blank card of lot {lot} at this station"),
            ),
            Self::StationNeeded { lot } => lang
                .pick(format!("多个制卡站领用了批号 {lot}"), format!("several stations have blank cards of lot {lot}")),
            Self::Life(error) => error.what(lang),
            Self::Batch(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::PlaceUnknown | Self::PlaceKind { .. } => lang.pick(
                "用 issuer stock place list 查看，或用 issuer stock place add 登记",
                "see `issuer stock place list`, or add it with `issuer stock place add`",
            ),
            Self::PlaceTaken { .. } => lang.pick("换一个编号", "choose another code"),
            Self::PlaceKnown { .. } => lang.pick(
                "确要改名或换保管人时加上 --change",
                "add --change if its title or keeper is another one from now on",
            ),
            Self::NotCounted { .. } => {
                lang.pick("先用 issuer stock count 清点", "count it first with `issuer stock count`")
            }
            Self::NameUnfit => lang.pick(
                "用 1 至 40 个字母、数字、- _ . /，不以 - 开头",
                "use 1 to 40 letters, digits, - _ . /, not beginning with -",
            ),
            Self::TextUnfit => lang.pick("写短一些，一行", "write one line of at most 80 characters"),
            Self::BoxKnown { .. } => lang.pick("核对箱上的编号", "compare the name on the box"),
            Self::UnitUnknown { .. } => lang.pick(
                "核对编号；用 issuer stock show 查看库存",
                "compare the name; see what there is with `issuer stock show`",
            ),
            Self::TooMany { .. } => lang.pick("核对数量", "compare the number"),
            Self::NotHeld { .. } | Self::NoWay { .. } | Self::NothingToDo | Self::NoReceipt => lang.pick(
                "用 issuer stock history 查看其去向，再核对实物",
                "see where it went with `issuer stock history`, then look for the cards themselves",
            ),
            Self::StateNeeded { .. } => lang.pick("用 --state 指明是哪一种", "say which with --state"),
            Self::CardLives { .. } => {
                lang.pick("先用 issuer card cancel 注销", "put it out of use first with `issuer card cancel`")
            }
            Self::CardOutOfUse { .. } => {
                lang.pick("用 issuer card show 查看此卡", "see the card with `issuer card show`")
            }
            Self::AgentUnfit => lang.pick(
                "写三行: 证件类型（01 至 08）、证件号码、姓名",
                "write three lines: certificate type (01 to 08), certificate number, name",
            ),
            Self::SameHands { .. } => lang.pick("请另一名操作员办理", "let another operator do it"),
            Self::Closed { .. } => lang.pick("用 issuer stock show 查看", "see it with `issuer stock show --place`"),
            Self::LotNeeded => lang.pick(
                "加上 --lot 批号；规定见 centre.toml 的 [stock]",
                "add --lot NAME; the rule is in [stock] of centre.toml",
            ),
            Self::NothingIssued { .. } => {
                lang.pick("先用 issuer stock issue 领用", "issue a box to the station with `issuer stock issue`")
            }
            Self::StationNeeded { .. } => lang.pick("加上 --station 编号", "name one with --station CODE"),
            Self::Life(error) => error.next(lang),
            Self::Batch(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NameUnfit | Self::TextUnfit | Self::TooMany { .. } | Self::LotNeeded | Self::StationNeeded { .. } => {
                Exit::Usage
            }
            Self::AgentUnfit | Self::StateNeeded { .. } => Exit::Usage,
            Self::PlaceUnknown | Self::UnitUnknown { .. } | Self::NoReceipt => Exit::NotFound,
            Self::PlaceTaken { .. }
            | Self::PlaceKnown { .. }
            | Self::NotCounted { .. }
            | Self::PlaceKind { .. }
            | Self::BoxKnown { .. }
            | Self::NotHeld { .. }
            | Self::NoWay { .. }
            | Self::CardLives { .. }
            | Self::CardOutOfUse { .. }
            | Self::NothingToDo
            | Self::SameHands { .. }
            | Self::Closed { .. }
            | Self::NothingIssued { .. } => Exit::Refused,
            Self::Life(error) => error.exit(),
            Self::Batch(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Life(error) => error.retryable(),
            Self::Batch(error) => error.retryable(),
            Self::Operator(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            _ => false,
        }
    }
}
