//! The description of the API for programs: `issuer-service/openapi.json`, also served.
//!
//! Source: OpenAPI 3.1, whose schemas are JSON Schema 2020-12. Owns: how rows of [`ENDPOINTS`](super::ENDPOINTS) become paths. Never: says what no
//! row says. `codes.txt` holds every code of the program's errors; a test compares it with them.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{Asks, Call, Endpoint, Kind, Looks, Method, Nothing, Parameter, asking};
use crate::error::Error;
use crate::http::problem::ApiProblemBody;
use crate::operator::duty;

/// Every code of a problem.
pub(super) const CODES: &str = include_str!("codes.txt");

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    method: Method::Get,
    path: "/api/v1/openapi.json",
    asks: Asks::Nothing,
    id: "openapi",
    says: "This description.",
    parameters: &[],
    work: &Looks(served),
}];

fn served(_: &mut Call<'_>, _: Nothing) -> Result<Value, Error> {
    Ok(description())
}

/// The text of `openapi.json`.
///
/// # Panics
/// Never: a description serializes.
#[must_use]
pub fn text() -> String {
    serde_json::to_string_pretty(&description()).expect("a description serializes") + "\n"
}

fn description() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ApiProblemBody>();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in super::ENDPOINTS.iter().copied().flatten() {
        let work = endpoint.work;
        let (body, answer) = (work.body(&mut generator), work.answer(&mut generator));
        // Events are lines of text; the line `data` of each holds what is described.
        let (media, answer) = if work.goes_on() {
            (
                "text/event-stream",
                json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": answer }),
            )
        } else {
            ("application/json", json!(answer))
        };
        let room = endpoint.path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default();
        let status = if work.acts() { "201" } else { "200" };
        let mut parameters: Vec<Value> = in_path(endpoint.path);
        parameters.extend(endpoint.parameters.iter().map(in_query));
        let mut said = json!({
            "operationId": endpoint.id,
            "tags": [room.trim_end_matches(".json")],
            "summary": endpoint.says,
            "responses": {
                status: { "description": "Done.", "content": { media: { "schema": answer } } },
                "default": {
                    "description": "Refused.",
                    "headers": { "retry-after": {
                        "schema": { "type": "integer" }, "description": "With 429 and 503: seconds after which to come back.",
                    } },
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "security": security(endpoint),
        });
        if work.acts() {
            parameters.push(json!({
                "name": super::KEY_HEADER, "in": "header", "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$" },
                "description": "The same request with the same key is done once, and answered again for seven days.",
            }));
            said["responses"]["201"]["headers"] = json!({ "location": {
                "schema": { "type": "string" }, "description": "Where it is asked for, if it has an address of its own.",
            } });
            said["responses"]["200"] = json!({
                "headers": { "idempotency-replayed": {
                    "schema": { "const": "true" }, "description": "An earlier request with the same key did it.",
                } },
                "description": "Done before.", "content": { media: { "schema": said["responses"]["201"]["content"][media]["schema"] } },
            });
        }
        if asking::FOR_OPERATORS.contains(&endpoint.id) {
            parameters.push(json!({
                "name": asking::BEHALF_HEADER, "in": "header",
                "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,32}$", "maxLength": 32 },
                "description": "Name of the operator for whom a program of the channel `counter` or `agent` asks: needed there, refused elsewhere. \
                                The channel itself is the certificate's.",
            }));
        }
        if let Asks::Duty(command) = endpoint.asks {
            said["x-command"] = json!(command.trim_end_matches(" --own").trim_end_matches(" --behalf"));
            if let Some(roles) = duty::roles_at_a_door(command) {
                said["x-roles"] = roles.iter().map(|role| role.name()).collect();
            }
        }
        if !parameters.is_empty() {
            said["parameters"] = json!(parameters);
        }
        if let (Some(kind), Some(schema)) = (work.takes().0, body) {
            said["requestBody"] = json!({ "required": true, "content": { kind: { "schema": schema } } });
        }
        let methods = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        methods[endpoint.method.name().to_lowercase()] = said;
    }
    let mut schemas: Map<String, Value> = generator.take_definitions(true);
    if let Some(code) = schemas.get_mut("Problem").and_then(|schema| schema.pointer_mut("/properties/code")) {
        code["enum"] = CODES.lines().collect();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Issuance centre of the social security card",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Resources about cards have the names of OSIA CMS 1.0. An act answers with what it was done to; the thing itself is asked for under its address.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-issuer", "description": "Set by logging in; without TLS its name is `issuer`." },
                "token": { "type": "apiKey", "in": "header", "name": crate::http::session::CSRF_HEADER, "description": "What logging in answers as `csrf`." },
                "certificate": { "type": "mutualTLS", "description": "A certificate of the centre's authority for a program." },
            },
        },
    })
}

/// Who may: a session, with its token where something changes, or a program's certificate.
fn security(endpoint: &Endpoint) -> Value {
    match (endpoint.asks, endpoint.method) {
        (Asks::Nothing, _) => json!([]),
        (_, Method::Get) => json!([{ "session": [] }, { "certificate": [] }]),
        _ => json!([{ "session": [], "token": [] }, { "certificate": [] }]),
    }
}

fn in_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let number = json!({ "type": "integer", "format": "int64", "minimum": 0 });
        let schema = if name == "number" { number } else { json!({ "type": "string", "maxLength": super::NAME_MAX }) };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    };
    names.map(parameter).collect()
}

fn in_query(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Number(most) => json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": most }),
        Kind::Count(most) => json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": most }),
        Kind::Text(most) => json!({ "type": "string", "maxLength": most }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
    };
    json!({ "name": parameter.name, "in": "query", "schema": schema, "description": parameter.says })
}
