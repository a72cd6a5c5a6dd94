//! Logging in and out over HTTP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Asks, Call, Endpoint, Json, Looks, Method, Nothing};
use crate::clock;
use crate::error::Error;
use crate::http::session::{cookie, no_cookie};
use crate::operator::login::{self, password::CHARACTERS_MAX};

/// Who wants to be let in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// Name of the operator.
    #[schemars(length(max = 32))]
    operator: String,
    /// Password.
    #[schemars(length(max = CHARACTERS_MAX))]
    password: String,
    /// The present code of the second factor.
    #[schemars(length(max = 6), regex(pattern = "^[0-9]{6}$"))]
    code: String,
}

/// Who is in.
#[derive(Serialize, JsonSchema)]
struct In {
    /// Name of the operator.
    operator: String,
    /// Roles.
    roles: Vec<String>,
    /// What each request that changes something carries in the header `x-csrf-token`; none for a machine with a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// When the session ends, whatever happens in it: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// Nobody is.
#[derive(Serialize, JsonSchema)]
struct Out {
    /// `logged-out`.
    status: &'static str,
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Post,
        path: "/api/v1/session",
        asks: Asks::Nothing,
        id: "logIn",
        says: "Logs an operator in: the answer sets the session's cookie.",
        parameters: &[],
        work: &Looks(log_in),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/session",
        asks: Asks::Session,
        id: "session",
        says: "Says who is logged in.",
        parameters: &[],
        work: &Looks(who),
    },
    Endpoint {
        method: Method::Delete,
        path: "/api/v1/session",
        asks: Asks::Session,
        id: "logOut",
        says: "Logs out.",
        parameters: &[],
        work: &Looks(log_out),
    },
];

fn log_in(call: &mut Call<'_>, Json(body): Json<Login>) -> Result<In, Error> {
    let Login { operator, password, code } = body;
    let password = Zeroizing::new(password);
    let begun = login::log_in(call.store, &operator, (&password, &code), call.from)?;
    call.set_cookie(cookie(&begun.token, call.desk.is_secure()));
    let until = Some(clock::instant(begun.entered.until));
    let operator = begun.entered.operator;
    Ok(In { operator: operator.name, roles: operator.roles, csrf: Some(login::csrf(&begun.token)), until })
}

fn who(call: &mut Call<'_>, _: Nothing) -> Result<In, Error> {
    let session = call.session()?;
    let operator = session.operator().clone();
    let until = session.until().map(clock::instant);
    Ok(In { operator: operator.name, roles: operator.roles, csrf: session.csrf(), until })
}

fn log_out(call: &mut Call<'_>, _: Nothing) -> Result<Out, Error> {
    let session = call.session()?.clone();
    session.end(call.store)?;
    call.set_cookie(no_cookie(call.desk.is_secure()));
    Ok(Out { status: "logged-out" })
}
