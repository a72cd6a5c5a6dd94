//! `bridge`: driver functions for web pages.
//!
//! Owns: its settings, and saying where it listens. Never: the conversation (`bridge`).

use card_calls::Settings;

use super::Setting;
use crate::arguments::BridgeArguments;
use crate::bridge::{Bridge, MESSAGE_BYTES_MAX};
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::language::{Language, Words};

/// `bridge`.
pub(super) fn run(setting: &Setting<'_>, arguments: &BridgeArguments) -> Result<Exit, TerminalError> {
    let BridgeArguments { listen, origin, consent } = arguments.clone();
    let bridge = Bridge { origins: origin.clone(), consent, settings: settings(setting)? };
    let listening = bridge.listen(&listen)?;
    let mut page = Page::new().with("address", Words::new("地址", "address"), Value::text(listening.address())).with(
        "origins",
        Words::new("允许的网页来源", "origins"),
        Value::Texts(origin.clone()),
    );
    if origin.is_empty() {
        page = page.noted(
            "NO_ORIGIN",
            Words::new(
                "未用 --origin 允许任何网页;只有本机程序可以调用",
                "no page may call: none was named with --origin; programs of this machine may",
            ),
        );
    }
    setting.output.answer(&page)?;
    listening.serve();
    Ok(Exit::Ok)
}

/// What the calls are told: the driver's own variables, and where this terminal finds its readers and its data.
pub(super) fn settings(setting: &Setting<'_>) -> Result<Settings, TerminalError> {
    let loaded = Settings::load(|name| std::env::var(name).ok());
    let loaded = loaded.map_err(|error| TerminalError::Configuration {
        place: "SSCARD_*".to_owned(),
        reason: Words::same(error.to_string()),
    })?;
    let Configuration { reader, psam, data, city, centre, regions, .. } = setting.configuration.clone();
    Ok(Settings {
        reader,
        psam,
        data: Some(data),
        city,
        centre,
        regions,
        // Texts in JSON need no buffer of the caller.
        out_bytes: MESSAGE_BYTES_MAX / 2,
        language: match setting.output.language {
            Language::Zh => card_calls::Language::Zh,
            Language::En => card_calls::Language::En,
        },
        ..loaded
    })
}
