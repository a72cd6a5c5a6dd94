//! Charts: bars in SVG, with every number beside its bar and in a table below.
//!
//! Owns: lengths. Never: a number without its text.

use maud::{Markup, html};

/// A bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// The good part.
    pub done: u64,
    /// The bad part, behind it.
    pub failed: u64,
    /// All of it, if there is more than both.
    pub whole: u64,
    /// The numbers in words.
    pub says: String,
}

/// Width of a chart, in its own units.
const WIDTH: u64 = 640;
/// Where bars begin.
const LEFT: u64 = 130;
/// Longest bar.
const LONGEST: u64 = 330;
/// From one bar to the next.
const STEP: u64 = 26;

/// A chart of bars, the longest across the whole width.
#[must_use]
pub fn bars(title: &str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.whole.max(bar.done + bar.failed)).max().unwrap_or(0).max(1);
    let length =
        |count: u64| u64::try_from(u128::from(count) * u128::from(LONGEST) / u128::from(most)).unwrap_or(LONGEST);
    let height = STEP * u64::try_from(bars.len()).unwrap_or(0) + 6;
    html! {
        figure {
            figcaption { (title) }
            svg.chart viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(title) {
                @for (number, bar) in (0_u64..).zip(bars) {
                    @let top = number * STEP + 3;
                    @let (done, failed) = (length(bar.done), length(bar.failed));
                    text x=(LEFT - 8) y=(top + 14) text-anchor="end" { (bar.name) }
                    rect.track x=(LEFT) y=(top) width=(length(bar.whole).max(done + failed)) height="19" {}
                    rect.done x=(LEFT) y=(top) width=(done) height="19" {}
                    rect.failed x=(LEFT + done) y=(top) width=(failed) height="19" {}
                    text x=(LEFT + length(bar.whole).max(done + failed) + 8) y=(top + 14) { (bar.says) }
                }
            }
        }
    }
}
