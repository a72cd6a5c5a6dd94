//! Days that the second half of a transaction refuses, or takes, as the row `debit_date` says.
//!
//! Source: no source of this card states it; the row is assumed, the cases hold a card to the row.
//! Owns: their cases. Never: says how a transaction is made (`deals`).

use std::rc::Rc;

use card_core::StatusWord;

use super::account::{Till, a, leaves};
use super::workshop::{Draft, Workshop, sw};
use super::{Act, Deal, Effect, Expect, Text};
use crate::account::DebitDate;

/// The 30th of February.
const NO_DAY: [u8; 2] = [0x02, 0x30];

/// A transaction on a day that the calendar has not.
pub(super) fn no_day(shop: &Workshop<'_>, till: &Till<'_>, zero: &Rc<Deal>) -> Draft {
    let (zh, en) = (&zero.name.zh, &zero.name.en);
    let [century, year, _, _, hour, minute, second] = shop.bench.moment;
    let [month, day] = NO_DAY;
    let title = match till.date() {
        DebitDate::Calendar | DebitDate::Checked => Text::new(
            format!("{zh}的日期不存在时拒绝，余额与序号不变"),
            format!("{} on a day that is none is refused; balance and number stay", a(en)),
        ),
        DebitDate::Any => {
            Text::new(format!("{zh}不检查日期"), format!("{} is completed on any day, also one that is none", a(en)))
        }
    };
    let draft = till.of_deal(shop, zero, "no-day", title);
    let on_no_day = zero.dated([century, year, month, day, hour, minute, second]);
    // The day alone is wrong, not the year.
    let on_no_day = Rc::new(Deal { not_before: zero.not_before, ..on_no_day });
    let refused = (till.date() != DebitDate::Any).then_some(StatusWord::WRONG_DATA);
    judged(shop, till, draft, zero, (&on_no_day, refused))
}

/// A purchase of the year before that of the totals.
pub(super) fn earlier_year(shop: &Workshop<'_>, till: &Till<'_>, zero: &Rc<Deal>) -> Draft {
    let title = match till.date() {
        DebitDate::Checked => {
            Text::new("消费日期早于累计年份时拒绝", "a purchase of an earlier year than that of the totals is refused")
        }
        DebitDate::Calendar | DebitDate::Any => {
            Text::new("消费不检查年份", "a purchase of an earlier year than that of the totals is completed")
        }
    };
    let [century, year, rest @ ..] = shop.bench.moment;
    let (century, year) = before(century, year);
    let [month, day, hour, minute, second] = rest;
    let draft = till.done_before(shop, till.of_deal(shop, zero, "earlier-year", title), zero);
    let earlier = Rc::new(zero.dated([century, year, month, day.min(0x28), hour, minute, second]));
    let refused = (till.date() == DebitDate::Checked).then_some(StatusWord::CONDITIONS_OF_USE);
    let draft = judged(shop, till, draft, zero, (&earlier, refused));
    let draft = match till.date() {
        DebitDate::Calendar => draft.expecting(Expect::TotalsStay),
        DebitDate::Checked | DebitDate::Any => draft,
    };
    draft.effect(leaves())
}

fn judged(
    shop: &Workshop<'_>,
    till: &Till<'_>,
    draft: Draft,
    zero: &Rc<Deal>,
    (other, refused): (&Rc<Deal>, Option<StatusWord>),
) -> Draft {
    let proofs = || till.proofs(shop, &zero.access);
    let begin = || Act::Begin(Rc::clone(zero));
    let complete = Act::Complete { deal: Rc::clone(other), wrong: false };
    let since = |sequence| Expect::Since { balance: Some(0), sequence: Some(sequence) };
    let draft = draft.with(proofs()).then(begin(), [Expect::Started]);
    let (draft, steps) = match refused {
        Some(refused) => (draft.effect(Effect::Restored).then(complete, [sw(&[refused])]), 0),
        None => (draft.effect(leaves()).then(complete, [Expect::Proved]), 1),
    };
    draft.with(proofs()).then(begin(), [Expect::Started, since(steps)])
}

/// The year before, in BCD.
fn before(century: u8, year: u8) -> (u8, u8) {
    let less = |byte: u8| if byte & 0x0F == 0 { byte.wrapping_sub(7) } else { byte.wrapping_sub(1) };
    if year == 0 { (less(century), 0x99) } else { (century, less(year)) }
}
