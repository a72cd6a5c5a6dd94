//! `issuer due`.

use serde::Serialize;

use super::Common;
use crate::card::life::{self, CardFiles};
use crate::error::Error;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::output::{Output, Show};
use crate::retention::{self, Removed};
use crate::stock::finished::{self, Moved};

/// What was due.
#[derive(Debug, Serialize)]
struct Done {
    /// Temporary losses whose period was over.
    cards: CardFiles,
    /// Cards that nobody fetched in time.
    stock: Moved,
    /// What was past its period of keeping.
    retention: Removed,
}

/// Everything that a day brings by itself, each as its own command does it: `card due`, `stock due`, `retention run`.
pub(super) fn run(common: &Common, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.registry(output)?;
    let operator = common.operator.as_deref();
    let cards = life::release_due(&mut centre.store, &centre.config.life, operator)?;
    let stock = finished::lapse(&mut centre.store, centre.config.stock, operator)?;
    let retention = retention::run(&mut centre.store, &centre.folder, operator, false)?;
    output.show(&Done { cards, stock, retention });
    Ok(Exit::Ok)
}

impl Show for Done {
    fn text(&self, lang: Lang) -> String {
        [self.cards.text(lang), self.stock.text(lang), self.retention.text(lang)].join("\n")
    }
}
