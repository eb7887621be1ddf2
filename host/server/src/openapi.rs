//! `GET /openapi.json`: the description of the routes (OpenAPI 3.1), made from the table in [`api`](crate::api).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::Json;
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr,
    Required, ResponseBuilder, Schema,
};

use crate::api::{self, Access, Answer, Body, Named, Operation};

/// The document does not change while the host runs.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(build(&api::table())).unwrap_or_default());

/// `GET /openapi.json`
pub(crate) async fn document() -> Json<&'static Value> {
    Json(&DOCUMENT)
}

const PROBLEM: &str = "Problem";
const BEARER: &str = "bearer";

fn build(table: &[Operation]) -> OpenApi {
    let mut components = ComponentsBuilder::new().schema(PROBLEM, problem()).security_scheme(
        BEARER,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some(
                    "A token with `tenant`, `sub`, `scope`, `iss`, `aud` and `exp`; `openanalyst token` makes one.",
                ))
                .build(),
        ),
    );
    let mut known = BTreeSet::new();
    let mut paths = PathsBuilder::new();
    for operation in table {
        for named in schemas(operation) {
            let parts = named.parts.iter().map(|(name, schema)| (name.clone(), schema.clone()));
            for (name, schema) in parts.chain([(named.name.clone(), named.schema.clone())]) {
                if known.insert(name.clone()) {
                    components = components.schema(name, schema);
                }
            }
        }
        let path = operation.path.replace("{*", "{");
        paths = paths.path(path, PathItem::new(operation.method.clone(), described(operation)));
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("OpenAnalyst")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("A multi-tenant host for sandboxed skills. Tenant and user come from the token and from nothing else. Every error is `application/problem+json` with a stable `code`."))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
                .build(),
        )
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

fn schemas(operation: &Operation) -> Vec<&Named> {
    let body = match &operation.body {
        Body::Json(named) => Some(named),
        Body::None | Body::Package => None,
    };
    let answer = match &operation.answer {
        Answer::One(named) | Answer::Page(_, named) => Some(named),
        _ => None,
    };
    body.into_iter().chain(answer).collect()
}

fn described(operation: &Operation) -> utoipa::openapi::path::Operation {
    let mut built = OperationBuilder::new().operation_id(Some(operation.id)).summary(Some(operation.summary));
    for name in operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        built = built.parameter(
            ParameterBuilder::new()
                .name(name.trim_start_matches('*'))
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text())),
        );
    }
    for (name, meaning) in operation.query {
        built = built.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(*meaning))
                .schema(Some(text())),
        );
    }
    built = match &operation.body {
        Body::None => built,
        Body::Json(named) => built.request_body(Some(
            RequestBodyBuilder::new()
                .content("application/json", ContentBuilder::new().schema(Some(reference(&named.name))).build())
                .required(Some(Required::True))
                .build(),
        )),
        Body::Package => {
            let file = ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
                .build();
            let content = ContentBuilder::new().schema(Some(RefOr::T(Schema::Object(file)))).build();
            built.request_body(Some(
                RequestBodyBuilder::new()
                    .content("application/octet-stream", content)
                    .required(Some(Required::True))
                    .build(),
            ))
        }
    };
    let problem = ResponseBuilder::new()
        .description("What is wrong, and what to do next")
        .content("application/problem+json", ContentBuilder::new().schema(Some(reference(PROBLEM))).build());
    built = built.response(operation.status.to_string(), success(&operation.answer)).response("default", problem);
    if let Access::Needs(scope) | Access::NeedsInHandshake(scope) = operation.access {
        let scopes: [&str; 1] = [scope.as_str()];
        built = built.security(SecurityRequirement::new(BEARER, scopes));
    }
    built.build()
}

fn success(answer: &Answer) -> utoipa::openapi::Response {
    let json = |description: &str, schema: RefOr<Schema>| {
        ResponseBuilder::new()
            .description(description)
            .content("application/json", ContentBuilder::new().schema(Some(schema)).build())
            .build()
    };
    match answer {
        Answer::One(named) => json(&named.name, reference(&named.name)),
        Answer::Page(name, named) => {
            let list = ArrayBuilder::new().items(reference(&named.name));
            let page = ObjectBuilder::new().property(*name, list).required(*name).property("nextCursor", text());
            json("A page", RefOr::T(Schema::Object(page.build())))
        }
        Answer::Json(description) => json(description, RefOr::T(Schema::Object(ObjectBuilder::new().build()))),
        Answer::Empty => ResponseBuilder::new().description("Done").build(),
        Answer::Events => ResponseBuilder::new()
            .description("Events: `id` is the number, `event` the kind, `data` the event")
            .content("text/event-stream", ContentBuilder::new().schema(Some(text())).build())
            .build(),
        Answer::Upgrade => ResponseBuilder::new().description("The connection is a WebSocket now").build(),
    }
}

fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

fn text() -> RefOr<Schema> {
    RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(Type::String).build()))
}

/// RFC 9457, with the members of this host.
fn problem() -> Schema {
    let integer = || ObjectBuilder::new().schema_type(Type::Integer);
    let mut object = ObjectBuilder::new();
    for name in ["type", "title", "detail", "code", "requestId"] {
        object = object.property(name, text()).required(name);
    }
    Schema::Object(object.property("status", integer()).required("status").property("retryAfterMs", integer()).build())
}

/// For the tests of other programs against a running host: method, path, and scope of every route.
#[doc(hidden)]
#[must_use]
pub fn routes() -> Vec<(String, String, Option<String>)> {
    api::table()
        .iter()
        .map(|operation| {
            let scope = match operation.access {
                Access::Public => None,
                Access::Needs(scope) | Access::NeedsInHandshake(scope) => Some(scope.to_string()),
            };
            let method = json!(operation.method).as_str().unwrap_or_default().to_uppercase();
            (method, operation.path.replace("{*", "{"), scope)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_with_its_scope() {
        let document = serde_json::to_value(build(&api::table())).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let mut ids = BTreeSet::new();
        for operation in api::table() {
            let path = operation.path.replace("{*", "{");
            let method = json!(operation.method).as_str().unwrap().to_owned();
            let described = &document["paths"][&path][&method];
            assert_eq!(described["operationId"], operation.id, "{method} {path}");
            assert!(!operation.summary.is_empty() && ids.insert(operation.id), "{path}");
            let security = described["security"][0]["bearer"][0].as_str();
            match operation.access {
                Access::Public => assert_eq!(security, None, "{path}"),
                Access::Needs(scope) | Access::NeedsInHandshake(scope) => {
                    assert_eq!(security, Some(scope.as_str()), "{path}")
                }
            }
        }
        // Every reference leads somewhere.
        let text = document.to_string();
        for part in text.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "there is no schema {name}");
        }
    }
}
