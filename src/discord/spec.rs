//! Discord's own description of its interface, for tests: whether what we send is something that it
//! describes. It lies beside the repository; where it does not, these checks say so and pass.

use std::sync::OnceLock;

use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/spec/discord-openapi.json");

fn description() -> Option<&'static Value> {
    static DESCRIPTION: OnceLock<Option<Value>> = OnceLock::new();
    let description = DESCRIPTION.get_or_init(|| {
        let text = std::fs::read(FILE).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    });
    if description.is_none() {
        println!("skipped: Discord's description is not at ../shared/spec");
    }
    description.as_ref()
}

/// Panics unless this is a request that Discord describes. `path` has neither `/api/v10` nor a query.
pub fn assert_described(method: &str, path: &str, body: &Value) {
    let Some(description) = description() else { return };
    let paths = description["paths"].as_object().unwrap();
    let operation = paths
        .iter()
        .filter(|(template, operations)| matches(template, path) && operations.get(method).is_some())
        // `/messages/@original` is a path of its own beside `/messages/{message_id}`.
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(_, operations)| &operations[method])
        .unwrap_or_else(|| panic!("Discord does not describe {method} {path}"));
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() {
        assert!(body.is_null(), "{method} {path} takes no body: {body}");
        return;
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": description["components"],
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let body = &as_described(body);
    let complaints: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(complaints.is_empty(), "{method} {path}: {complaints:#?}\n{body:#}");
}

/// The body as the description would have it where the documentation, which Discord says to follow, differs:
/// permissions are bit sets written as text.
/// <https://docs.discord.com/developers/topics/permissions>
fn as_described(body: &Value) -> Value {
    match body {
        Value::Array(items) => items.iter().map(as_described).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let bits = value.as_str().filter(|_| name == "default_member_permissions");
                let number = bits.and_then(|bits| bits.parse::<u64>().ok());
                (name.clone(), number.map_or_else(|| as_described(value), Value::from))
            })
            .collect(),
        other => other.clone(),
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(part, given)| part.starts_with('{') || part == given)
}

#[test]
fn what_discord_does_not_describe_is_noticed() {
    if description().is_none() {
        return;
    }
    for (method, path, body) in [
        ("post", "/webhooks/1/token", json!({ "content": "x".repeat(2001) })),
        ("post", "/webhooks/1/token", json!({ "content": 5 })),
        ("post", "/nowhere", json!({})),
        ("get", "/channels/1", json!({ "a": "body" })),
    ] {
        let noticed = std::panic::catch_unwind(|| assert_described(method, path, &body));
        assert!(noticed.is_err(), "{method} {path}");
    }
}
