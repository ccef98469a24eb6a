//! Holds calls of a forum's API against the software's official description, when that is there.

use serde_json::{Value, json};
use threadbridge::sandbox::forum::ApiCall;

use crate::described::{close, fits};

/// What Discourse's own web client asks and its description leaves out.
const UNDESCRIBED: [(&str, &str); 4] = [
    // Unlike the category's own page its order does not depend on the category's settings.
    ("GET", "/c/{slug}/{id}/l/latest.json"),
    ("GET", "/post_action_users.json"),
    ("GET", "/u/{username}/summary.json"),
    ("DELETE", "/post_actions/{id}.json"),
];

/// What the description has otherwise than the forums answer, by words of the complaint.
const MISDESCRIBED: [&str; 4] = [
    // The number of a post, called a text.
    "/reply_to_post_number",
    // True or nothing, called a text.
    "/more_full_page_results",
    // How many liked a post of a topic, and whether the viewer did, left out.
    "/post_stream/posts/actions_summary: Additional properties",
    // The topics of the posts that were found, left out.
    "('topics' was unexpected)",
];

/// Everything that is wrong with the calls and with what was answered, a line each.
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
    let answer = &operation["responses"][call.status.to_string()]["content"]["application/json"]["schema"];
    // What waits for a moderator has an answer of its own, which is not described.
    if !answer.is_null() && call.answer["action"] != "enqueued" {
        let mut schema = answer.clone();
        open(&mut schema);
        let whole = json!({ "components": document["components"], "allOf": [schema] });
        let validator = jsonschema::validator_for(&whole).expect("the description is a schema");
        let complaints = validator.iter_errors(&call.answer).map(|it| {
            format!("{name}: answer{}: {it:.300}", without_numbers(&it.instance_path().to_string()))
        });
        faults.extend(complaints.filter(|it| !MISDESCRIBED.iter().any(|known| it.contains(known))));
    }
    faults
}

/// The sandbox answers with a part of what a forum does: what is there must be as it is described.
fn open(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("required");
            map.values_mut().for_each(open);
        }
        Value::Array(list) => list.iter_mut().for_each(open),
        _ => {}
    }
}

/// A place in an answer without the places in its lists, so that the same fault is told of once.
fn without_numbers(path: &str) -> String {
    path.split('/').filter(|part| part.parse::<usize>().is_err()).collect::<Vec<_>>().join("/")
}
