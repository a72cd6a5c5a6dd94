//! What single vendors read with functions of their own: the same items, each in a buffer of its own.
//!
//! Source: headers of two vendors; `iReadCardNo` from a Java binding; of `iReadCardInPutPin` the name alone, its parameters assumed.
//! Assumed: 社保机构编号 of `SD_ReadCardInfo` is 发卡地区行政区划; codes (性别, 民族) are those on the card.
//! Owns: which item goes into which buffer. Never: reads otherwise than `iReadCard` does.

use card_counter::secret::Pin;

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::output::{self, OUT_BYTES_MAX};
use crate::read::{self, Proofs};
use crate::refused::Giver;
use crate::settings::Settings;
use crate::text::addresses;
use crate::visit::{Visit, card_number};

/// 自动，先接触: of functions that name no interface.
pub(crate) const ANY: i32 = 3;

type Outputs = Result<Vec<String>, Failure>;

/// The card that a call would find.
pub(crate) fn identifier(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| Ok(vec![visit.tapped.identifier.to_string()]))
}

/// `iReadCardNo`.
pub(crate) fn number(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| {
        Ok(vec![output::fields([card_number(&visit.tapped).as_str()])])
    })
}

/// `iReadCardInPutPin`.
pub(crate) fn read_with_pin(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let proofs = Proofs::of(given.number("iAuthType")?)?;
    let addresses = addresses(given.text("pFileAddr")?)?;
    let pin = Pin::parse(given.text("pPin")?)?;
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        visit.verify(Giver::Program, &pin)?;
        Ok(vec![read::proved(visit, &addresses, proofs, settings.out_bytes)?])
    })
}

/// `iReadCardPublicInfo`.
pub(crate) fn card(calls: &mut Calls, settings: &Settings, _: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, ANY, |visit| {
        let tapped = &visit.tapped;
        let item = |name: &str| tapped.issuer_item(name).to_owned();
        Ok(vec![
            tapped.identifier.to_string(),
            item("card_class"),
            tapped.version.clone(),
            item("initializing_institution"),
            item("issue_date"),
            item("valid_until"),
            card_number(tapped),
            String::new(),
        ])
    })
}

/// `iReadPersonPublicInfo`.
pub(crate) fn person(calls: &mut Calls, settings: &Settings, _: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, ANY, |visit| {
        holder(visit)?;
        let values = &visit.tapped.reading().values;
        let text = |item: &str| values.text(&format!("SSSE.EF06.{item}")).unwrap_or_default().to_owned();
        Ok(vec![
            text("social_security_number"),
            text("name") + &text("name_extension"),
            text("sex"),
            text("ethnic_group"),
            text("birthplace"),
            text("birth_date"),
            String::new(),
        ])
    })
}

/// `iReadMedicareNO`.
pub(crate) fn medical_account(calls: &mut Calls, settings: &Settings, _: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, ANY, |visit| {
        let number = read::proved(visit, &addresses("DF04EF05|87|$")?, Proofs::Keys, OUT_BYTES_MAX)?;
        Ok(vec![number.trim_end_matches(['|', '$']).to_owned(), String::new()])
    })
}

/// `SD_ReadCardInfo`: `sbjgbh~t…~nsbkkh~t…~nyhzh~t…~nsfzhm~t…~nsbm~t…~n`.
pub(crate) fn sd_card(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    given.number("ReaderHandle")?;
    calls.with_card(settings, ANY, |visit| {
        holder(visit)?;
        let values = &visit.tapped.reading().values;
        let person = values.text("SSSE.EF06.social_security_number").unwrap_or_default().to_owned();
        let (city, number) = (visit.tapped.city.as_str().to_owned(), card_number(&visit.tapped));
        let identifier = visit.tapped.identifier.to_string();
        // A card without a bank application has no number there.
        let bank = crate::reader::account_of(visit).unwrap_or_default();
        let rows = [("sbjgbh", city), ("sbkkh", number), ("yhzh", bank), ("sfzhm", person), ("sbm", identifier)];
        Ok(vec![rows.iter().map(|(name, value)| format!("{name}~t{value}~n")).collect()])
    })
}

fn holder(visit: &mut Visit<'_>) -> Result<(), Failure> {
    read::proved(visit, &addresses("SSSEEF06|$")?, Proofs::Keys, OUT_BYTES_MAX).map(drop)
}
