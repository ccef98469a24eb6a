//! Holds calls of a forum's API against the software's official description, when that is there.

use serde_json::{Value, json};
use threadbridge::sandbox::forum::ApiCall;

use crate::described::{close, fits};

/// What Discourse's own web client asks and its description leaves out.
const UNDESCRIBED: [(&str, &str); 3] = [
    // Unlike the category's own page its order does not depend on the category's settings.
    ("GET", "/c/{slug}/{id}/l/latest.json"),
    ("GET", "/post_action_users.json"),
    ("DELETE", "/post_actions/{id}.json"),
];

/// Everything that is wrong with the calls, a line each.
pub fn faults(calls: &[ApiCall]) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/spec/discourse-openapi.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no OpenAPI description at {path}");
        return Vec::new();
    };
    let document: Value = serde_json::from_str(&text).expect("the description is JSON");
    let mut found: Vec<String> = calls.iter().flat_map(|call| faults_of(&document, call)).collect();
    found.sort();
    found.dedup();
    found
}

fn faults_of(document: &Value, call: &ApiCall) -> Vec<String> {
    let name = format!("{} {}", call.method, call.path);
    if UNDESCRIBED.iter().any(|(method, route)| *method == call.method && fits(route, &call.path)) {
        return Vec::new();
    }
    let paths = document["paths"].as_object().expect("paths");
    let method = call.method.to_lowercase();
    let operation = paths.iter().find(|(route, item)| fits(route, &call.path) && item.get(&method).is_some());
    let Some((_, item)) = operation else {
        return vec![format!("{name}: the description has no such route")];
    };
    let operation = &item[&method];
    let mut faults = Vec::new();
    let known: Vec<&str> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    for asked in
        call.query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty())
    {
        // Pages of a topic are described in words only.
        if !known.contains(&asked) && asked != "page" {
            faults.push(format!("{name}: unknown query parameter {asked}"));
        }
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !call.body.is_null() && !schema.is_null() {
        let mut schema = schema.clone();
        close(&mut schema);
        let whole = json!({ "components": document["components"], "allOf": [schema] });
        let validator = jsonschema::validator_for(&whole).expect("the description is a schema");
        faults.extend(
            validator
                .iter_errors(&call.body)
                .map(|it| format!("{name}: request{}: {it:.300}", it.instance_path())),
        );
    } else if !call.body.is_null() {
        faults.push(format!("{name}: the description has no body here"));
    }
    faults
}
