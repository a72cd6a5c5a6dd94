//! People and their photos. What is shown is masked; unmasking is an act with a reason.

use axum::body::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::failure::{ApiError, Fault};
use super::remedy;
use super::{
    AFTER, Acts, Asks, Body, Call, Endpoint, Json, Kind, LIMIT, Looks, Method, Nothing, Parameter, Reason, Slow,
};
use crate::audit::Act;
use crate::error::{Error, Missing};
use crate::import::single::{self, Upserted};
use crate::operator::Role;
use crate::person::Masked;
use crate::photo::intake::{self, Order};
use crate::registry::RegistryError;
use crate::registry::search::{self, By};
use crate::station::content;

/// Characters of what somebody is looked for by, of a name, of an address.
const TEXT_MAX: usize = 200;
/// Characters of a number, a code, a day, a telephone number, as they are typed.
const CODE_MAX: usize = 40;
/// Longest photo.
const PHOTO_BYTES_MAX: usize = super::BODY_BYTES_MAX;

/// A person, masked.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Person {
    /// Row number, by which everything else names the person.
    person_id: i64,
    /// First and last characters of the number.
    number: String,
    /// First character of the name.
    name: String,
    /// First character of the name in the script of the person's own people, as Tibetan; none where nobody said it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name_script: String,
    /// Code of the sex.
    sex: String,
    /// Code of the ethnic group; of one person only.
    #[serde(skip_serializing_if = "Option::is_none")]
    ethnic_group: Option<String>,
    /// Year of birth.
    birth_date: String,
    /// County.
    region: String,
    /// First and last digits of the telephone.
    phone: String,
    /// Why no card can be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_card: Option<&'static str>,
    /// 卡号 of the person's cards, the oldest first; of one person only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    credentials: Vec<String>,
}

/// Several people.
#[derive(Serialize, JsonSchema)]
struct People {
    /// In order of row number.
    people: Vec<Person>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// What somebody is looked for by.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Kind of the text.
    by: SearchBy,
    /// The whole number or the whole name.
    #[schemars(length(max = TEXT_MAX))]
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SearchBy {
    Number,
    Name,
}

/// What a source says about a person. What is not said stays as it is held.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Statement {
    /// The source that says it: `registry`, or one of `issuer source list`.
    #[serde(skip_serializing)]
    #[schemars(length(max = CODE_MAX))]
    source: Option<String>,
    /// 社会保障号码.
    #[schemars(length(max = CODE_MAX))]
    number: String,
    /// 姓名.
    #[schemars(length(max = TEXT_MAX))]
    name: String,
    /// 性别, GB/T 2261.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = CODE_MAX))]
    sex: Option<String>,
    /// 民族, GB/T 3304.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = CODE_MAX))]
    ethnicgroup: Option<String>,
    /// 出生日期, `YYYYMMDD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = CODE_MAX))]
    birthdate: Option<String>,
    /// 行政区划代码.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = CODE_MAX))]
    region: Option<String>,
    /// 地址.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = TEXT_MAX))]
    address: Option<String>,
    /// 联系电话.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = CODE_MAX))]
    phone: Option<String>,
    /// 单位名称.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = TEXT_MAX))]
    employer: Option<String>,
    /// 本民族文字姓名: the name in the script of the person's own people, as Tibetan. It is printed on the card and not in its chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = TEXT_MAX))]
    namescript: Option<String>,
}

impl Statement {
    /// Whether each text is as long as its description says.
    fn is_bounded(&self) -> Result<(), ApiError> {
        let Self { source, number, name, sex, ethnicgroup, birthdate, region, address, phone, employer, namescript } =
            self;
        let codes = [
            ("source", source),
            ("sex", sex),
            ("ethnicgroup", ethnicgroup),
            ("birthdate", birthdate),
            ("region", region),
            ("phone", phone),
        ];
        super::within("number", number, CODE_MAX)?;
        super::within("name", name, TEXT_MAX)?;
        let bounds = codes.map(|(name, text)| (name, text, CODE_MAX)).into_iter();
        let longer = [("address", address), ("employer", employer), ("namescript", namescript)];
        let longer = longer.map(|(name, text)| (name, text, TEXT_MAX));
        for (name, text, most) in bounds.chain(longer) {
            super::within(name, text.as_deref().unwrap_or_default(), most)?;
        }
        Ok(())
    }
}

/// A JPEG.
struct Jpeg(Vec<u8>);

impl Body for Jpeg {
    const TYPE: Option<&'static str> = Some("image/jpeg");
    const BYTES_MAX: usize = PHOTO_BYTES_MAX;

    fn read(bytes: &Bytes) -> Result<Self, ApiError> {
        Ok(Self(bytes.to_vec()))
    }

    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({ "type": "string", "contentMediaType": "image/jpeg" }))
    }
}

/// A person as registered.
#[derive(Serialize, JsonSchema)]
struct Whole {
    /// Field and value, as `person show --reveal` has them.
    person: serde_json::Value,
}

const COUNTY: Parameter = Parameter { name: "county", kind: Kind::Text(6), says: "Of this county only." };

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Get,
        path: "/api/v1/people",
        asks: Asks::Duty("person list"),
        id: "findPersons",
        says: "Lists people, masked, a page at a time.",
        parameters: &[AFTER, LIMIT, COUNTY],
        work: &Looks(list),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/people",
        asks: Asks::Duty("person upsert"),
        id: "upsertPerson",
        says: "Takes in what a source says about a person: a new one, or a change.",
        parameters: &[],
        work: &Acts(upsert),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/people/search",
        asks: Asks::Duty("person find"),
        id: "searchPersons",
        says: "Finds people by a whole number or name, masked, a page at a time. It stands in the body: addresses are kept by others.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(find),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/people/{number}",
        asks: Asks::Duty("person show"),
        id: "readPerson",
        says: "Shows a person, masked, with the numbers of the cards.",
        parameters: &[],
        work: &Looks(show),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/people/{number}/reveal",
        asks: Asks::Duty("person show --reveal"),
        id: "revealPerson",
        says: "Shows a person unmasked: an act with a reason in the audit log.",
        parameters: &[],
        work: &Looks(reveal),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/people/{number}/photo",
        asks: Asks::Duty("photo add"),
        id: "addPhoto",
        says: "Takes in a person's photo, if it is one that a card can have.",
        parameters: &[],
        work: &Slow(Acts(photo)),
    },
];

impl From<Masked> for Person {
    fn from(masked: Masked) -> Self {
        let Masked { id, number, name, name_script, sex, birth_date, region, phone, no_card, .. } = masked;
        let no_card = no_card.map(crate::person::no_card::NoCard::name);
        Self {
            person_id: id,
            number,
            name,
            name_script,
            sex,
            ethnic_group: None,
            birth_date,
            region,
            phone,
            no_card,
            credentials: Vec::new(),
        }
    }
}

fn list(call: &mut Call<'_>, _: Nothing) -> Result<People, Error> {
    let (after, limit) = call.page();
    let county = call.parameter("county").map(str::to_owned);
    let found = call.store.read(|tx| tx.people(county.as_deref(), after, limit))?;
    let people: Vec<Person> = found.iter().map(|person| Masked::from(person).into()).collect();
    let next = super::next(&people, limit, |person| person.person_id);
    Ok(People { people, next })
}

fn find(call: &mut Call<'_>, Json(search): Json<Search>) -> Result<People, Error> {
    let by = match search.by {
        SearchBy::Number => By::Number,
        SearchBy::Name => By::Name,
    };
    super::within("text", &search.text, TEXT_MAX)?;
    let (desk, operator) = (call.desk, call.operator()?.clone());
    let (after, limit) = call.page();
    let found = desk.search(call.store, &operator, by, search.text, (after, limit))?;
    let next = super::next(&found, limit, |id| *id);
    let people = call.store.read(|tx| search::masked(tx, &found))?;
    Ok(People { people: people.into_iter().map(Person::from).collect(), next })
}

fn show(call: &mut Call<'_>, _: Nothing) -> Result<Person, Error> {
    let id = call.number()?;
    let (person, cards) = call.store.read(|tx| -> Result<_, Error> {
        Ok((tx.person(id)?.ok_or(Missing::Person { id })?, tx.cards_of_person(id)?))
    })?;
    let credentials = cards.into_iter().map(|card| card.card_number).collect();
    let ethnic_group = Some(person.details.ethnic_group.clone());
    Ok(Person { credentials, ethnic_group, ..Masked::from(&person).into() })
}

fn reveal(call: &mut Call<'_>, Json(reason): Json<Reason>) -> Result<Whole, Error> {
    let (id, operator) = (call.number()?, call.operator()?.name.clone());
    let reason = reason.fit()?.to_owned();
    let revealed = call.store.act(|tx| -> Result<_, Error> {
        let actor = tx.require(Some(&operator), Role::Capture)?;
        let person = tx.person(id)?.ok_or(RegistryError::PersonUnknown { id })?;
        let act = Act { actor, act: "person.reveal", object: format!("person {id}"), detail: reason };
        Ok((search::Revealed::from(&person), act))
    })?;
    Ok(Whole { person: serde_json::to_value(&revealed).expect("our own types serialize") })
}

fn upsert(call: &mut Call<'_>, Json(statement): Json<Statement>) -> Result<(), Error> {
    statement.is_bounded()?;
    let (lang, actor) = (call.lang, call.operator()?.name.clone());
    let name = statement.source.as_deref().unwrap_or("registry");
    let source = call.store.read(|tx| tx.source(name))?.ok_or(RegistryError::SourceUnknown)?;
    let site = (call.desk.config.city, call.desk.config.people);
    let text = serde_json::to_vec(&statement).expect("our own types serialize");
    let told = single::upsert(call.store, &text, &source, site, &actor, lang)?;
    if let Upserted::Refused { faults } = told.upserted {
        let fault = |fault: single::Refused| Fault {
            field: fault.column,
            code: fault.code.to_owned(),
            detail: fault.message,
            remedy: remedy::of(fault.code, fault.remedy, lang).to_owned(),
        };
        return Err(ApiError::Faults(faults.into_iter().map(fault).collect()).into());
    }
    Ok(())
}

fn photo(call: &mut Call<'_>, Jpeg(bytes): Jpeg) -> Result<(), Error> {
    let (id, lang, actor) = (call.number()?, call.lang, call.operator()?.name.clone());
    let rules = call.desk.config.photo;
    let chip_bytes = content::photo_bytes(&call.desk.config.made());
    let order = Order { rules: &rules, chip_bytes, actor: &actor, lang };
    let told = intake::add(call.store, &order, id, bytes)?;
    if told.refused > 0 {
        let fault = |fault: &crate::photo::report::Refused| Fault {
            field: "photo".to_owned(),
            code: fault.code.to_owned(),
            detail: fault.message.clone(),
            remedy: remedy::of(fault.code, fault.remedy, lang).to_owned(),
        };
        return Err(ApiError::Faults(told.faults.iter().map(fault).collect()).into());
    }
    // The same photo once more is no act.
    call.untouched = Some(format!("person {id}"));
    Ok(())
}
