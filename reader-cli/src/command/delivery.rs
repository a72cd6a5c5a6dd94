//! `catalogue update`, `catalogue held`: the drug catalogue that the centre publishes; and which catalogue a bill is priced by.
//!
//! Owns: their answers, the choice of the day's catalogue. Never: fetches by itself (`crate::delivery`), prices a bill.

use settlement::catalogue::Catalogue;

use super::Setting;
use super::office::Office;
use crate::arguments::PayArguments;
use crate::delivery;
use crate::exit::Exit;
use crate::http::Centre;
use crate::page::{Page, Value};
use crate::papers::{self, Papers};
use card_counter::error::TerminalError;
use card_counter::language::Words;
use card_counter::store::Store;

/// `catalogue update`, or only what is held.
pub(super) fn run(setting: &Setting<'_>, fetches: bool) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    let mut fetched = None;
    if fetches {
        let centre = Centre::at(setting.centre()?, &key, terminal);
        fetched = Some(delivery::catalogues(&mut store, &centre, terminal, setting.now)?);
    }
    let rules = setting.rules(Some(&store))?;
    let of_day = store.catalogue_of(rules.day, rules.now.date_time())?;
    let in_effect = of_day.as_ref().and_then(|found| found.as_ref().ok()).map(|one| one.signed.sequence);
    let rows = store.catalogues()?.into_iter().map(|one| {
        let number = i64::try_from(one.sequence).map_or(Value::Absent, Value::Number);
        Page::new()
            .with("sequence", Words::new("目录号", "number"), number)
            .with("version", Words::new("版本", "version"), Value::text(one.name.as_str()))
            .with("valid_from", Words::new("生效", "from"), Value::text(one.valid_from.to_string()))
            .with("valid_until", Words::new("须在此前更新", "renew by"), Value::text(one.valid_until.to_string()))
            .with("in_effect", Words::new("现用", "in effect"), Value::Flag(in_effect == Some(one.sequence)))
    });
    let page = Page::new().with("catalogues", Words::new("药品目录", "catalogues"), Value::Table(rows.collect())).with(
        "fetched",
        Words::new("新取", "fetched"),
        fetched.map_or(Value::Absent, Value::count),
    );
    setting.output.answer(&page)?;
    match of_day {
        None => Ok(Exit::NotFound),
        Some(found) => found.map(|_| Exit::Ok).map_err(TerminalError::from),
    }
}

impl Setting<'_> {
    /// The papers of a sale. The catalogue is the one that is named, on the command line or in the configuration; else the one of the day
    /// that the centre published.
    pub(super) fn papers(&self, arguments: &PayArguments) -> Result<Papers, TerminalError> {
        let named = arguments.catalogue.as_ref().or(self.configuration.catalogue.as_ref());
        let catalogue = match named {
            Some(path) => papers::catalogue(path)?,
            None => self.published()?,
        };
        Papers::read(&self.configuration, arguments, catalogue)
    }

    fn published(&self) -> Result<Catalogue, TerminalError> {
        let none = || TerminalError::Configuration {
            place: "catalogue".to_owned(),
            reason: Words::new(
                "没有药品目录：执行 sscard catalogue update，或用 --catalogue、配置文件中的 catalogue 给出",
                "no drug catalogue: run sscard catalogue update, or give --catalogue, or `catalogue` in the configuration file",
            ),
        };
        let store = Store::open_if_there(&self.configuration.data)?.ok_or_else(none)?;
        let rules = self.rules(Some(&store))?;
        let of_day = store.catalogue_of(rules.day, rules.now.date_time())?.ok_or_else(none)??;
        let sequence = of_day.signed.sequence;
        if let Some(altered) = of_day.instead_of {
            self.output.remark(
                "CATALOGUE_PASSED_OVER",
                &Words::of(
                    format!("第 {altered} 号目录在本机被改过,改用第 {sequence} 号;执行 sscard catalogue update"),
                    format!(
                        "catalogue {altered} was altered here: catalogue {sequence} is used; run sscard catalogue update"
                    ),
                ),
            );
        }
        let place = format!("catalogue {sequence}");
        Catalogue::parse(&of_day.text).map_err(|faults| papers::faulty(place.as_ref(), &faults))
    }
}
