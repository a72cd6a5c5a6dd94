//! `driver output`: what a call's program was not told, handed over at the counter.
//!
//! Source: docs/adr/0081. Owns: its answer, and that the mark goes after it. Never: what the output says (`card_calls::handover`); a card.

use card_calls::handover::{Handover, Standing};
use card_calls::{Code, handover};

use super::Setting;
use super::day_end::found_by;
use crate::arguments::DriverCommand;
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::journal::EntryNumber;
use card_counter::language::Words;
use card_counter::store::Store;

/// `driver …`.
pub(super) fn run(setting: &Setting<'_>, command: &DriverCommand) -> Result<Exit, TerminalError> {
    let DriverCommand::Output { entry: id } = command;
    let unknown = || TerminalError::OutputUnknown { id: id.clone() };
    let number = id.parse().map(EntryNumber).map_err(|_| unknown())?;
    let mut store = Store::open_if_there(&setting.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
    // No call answers the same meanwhile.
    store.take_turn()?;
    let entry = store.find_entry(number)?.ok_or_else(unknown)?;
    let Handover { standing, output } = handover::of(&setting.catalog, &store, &entry)?.ok_or_else(unknown)?;
    let is_told = !store.untold()?.iter().any(|untold| untold.number == number);
    let page = found_by(&entry)
        .with("code", Words::new("代码", "code"), Value::Number(i64::from(standing.code.0)))
        .with("output", Words::new("输出", "output"), Value::text(output));
    setting.output.answer(&noted(page, standing, is_told))?;
    // A mark that stays is said once more; one that went before its words would be lost with them.
    store.word_given(number)?;
    Ok(Exit::Ok)
}

fn noted(page: Page, standing: Standing, is_told: bool) -> Page {
    let page = match is_told {
        true => page.noted(
            "TOLD_BEFORE",
            Words::new(
                "此前已告知调用程序或已交接;确认程序没有这一笔,再录入",
                "its program was told before, or it was handed over: enter it only where the program does not have it",
            ),
        ),
        false => page,
    };
    match standing {
        Standing { code: Code::EARLIER_UNPAID, .. } => page.noted(
            "JUDGEMENT_CONTRADICTED",
            Words::new(
                "卡未付款,输出中没有 TAC:请补收或收回药品",
                "the card did not pay, and the output has no TAC: take the payment again or the goods back",
            ),
        ),
        Standing { left: Some(_), .. } => page.noted(
            "GIVEN_BACK",
            Words::new(
                "卡已付款，之后已退费或撤销；输出末项为剩余金额：按剩余金额录入，剩余为零的不录入",
                "the card paid, and money went back since; the output's last field is what is left: enter that, and nothing where nothing is left",
            ),
        ),
        Standing { left: None, .. } => page.noted(
            "PROGRAM_ENTERS_IT",
            Words::new(
                "卡已付款:把输出录入调用程序,不要另行收款",
                "the card paid: enter the output in the program that called, take no other payment",
            ),
        ),
    }
}
