//! Holds what was asked of the sandbox's Discord, and what it answered, against Discord's own OpenAPI
//! description, when that is there.
//!
//! The raw description is too open to catch mistakes, so for requests every object that lists its
//! properties is closed, and rules that span fields are added. Where serenity is right and the
//! description has a hole, the request is put right before it is looked at.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Value, json};
use threadbridge::sandbox::discord::Entry;

pub struct OpenApi {
    /// As Discord publishes it, for answers.
    open: Value,
    /// With closed objects, for requests.
    closed: Value,
    validators: HashMap<String, Option<Validator>>,
}

impl OpenApi {
    /// Reads the description; says so when there is none.
    pub fn find() -> Option<Self> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/spec/discord-openapi.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: no OpenAPI description at {path}");
            return None;
        };
        let open: Value = serde_json::from_str(&text).expect("the description is JSON");
        let mut merged = Vec::new();
        find_merged(&open, &mut merged);
        let mut closed = open.clone();
        if let Some(schemas) = closed["components"]["schemas"].as_object_mut() {
            for (name, schema) in schemas {
                close(schema, merged.contains(&format!("#/components/schemas/{name}")));
            }
        }
        close(&mut closed["paths"], false);
        Some(Self { open, closed, validators: HashMap::new() })
    }

    /// Everything that is wrong with the entries, a line each.
    pub fn faults(&mut self, entries: &[Entry]) -> Vec<String> {
        entries.iter().flat_map(|entry| self.faults_of(entry)).collect()
    }

    fn faults_of(&mut self, entry: &Entry) -> Vec<String> {
        let name = format!("{} {} -> {}", entry.method, entry.path, entry.status);
        if entry.route.is_empty() {
            return vec![format!("{name}: Discord has no such route")];
        }
        let method = entry.method.to_lowercase();
        let at = format!("/paths/{}/{method}", entry.route.replace('~', "~0").replace('/', "~1"));
        let Some(operation) = self.open.pointer(&at).cloned() else {
            return vec![format!("{name}: the description has no {} {}", entry.method, entry.route)];
        };
        let mut faults = self.parameters(&operation, &at, entry);
        // A request that was refused as malformed is meant to be.
        if entry.status != 400 {
            let place = format!("{at}/requestBody/content/application~1json/schema");
            if let Some(body) = entry.request.as_ref().filter(|it| !it.is_null()) {
                let body = mended(body.clone());
                faults.extend(self.against(&place, true, &body));
                faults.extend(across_fields(entry, &body));
            } else if operation["requestBody"]["required"] == true && entry.files == 0 {
                faults.push("a body is required".to_owned());
            }
        }
        let played = entry.fault.is_some();
        if let Some(answer) = entry.answer.as_ref().filter(|_| entry.status != 0 && !played) {
            let status = if operation["responses"].get(entry.status.to_string()).is_some() {
                entry.status.to_string()
            } else if entry.status >= 400 {
                "4XX".to_owned()
            } else {
                faults.push(format!("the description knows no status {}", entry.status));
                return labelled(&name, faults);
            };
            let mut place = format!("{at}/responses/{status}");
            if let Some(other) = self.open.pointer(&place).and_then(|it| it["$ref"].as_str()) {
                place = other.trim_start_matches('#').to_owned();
            }
            let mut answer = answer.clone();
            if entry.status >= 400 {
                faults.extend(wrong_errors(&answer["errors"]));
                answer.as_object_mut().and_then(|it| it.remove("errors"));
            }
            faults.extend(self.against(&format!("{place}/content/application~1json/schema"), false, &answer));
        } else if !played
            && (200..300).contains(&entry.status)
            && operation["responses"].get(entry.status.to_string()).is_none()
        {
            faults.push(format!("the description knows no status {}", entry.status));
        }
        labelled(&name, faults)
    }

    /// Query parameters must be ones that the operation has.
    fn parameters(&self, operation: &Value, at: &str, entry: &Entry) -> Vec<String> {
        let path_item = at.rsplit_once('/').and_then(|(path, _)| self.open.pointer(path));
        let listed =
            [operation["parameters"].as_array(), path_item.and_then(|it| it["parameters"].as_array())];
        let known: Vec<&str> = listed
            .into_iter()
            .flatten()
            .flatten()
            .filter(|it| it["in"] == "query")
            .filter_map(|it| it["name"].as_str())
            .collect();
        let asked =
            entry.query.split('&').filter(|it| !it.is_empty()).map(|it| it.split('=').next().unwrap_or(it));
        // The docs have `with_counts` and the like; the description lists all of ours.
        asked.filter(|it| !known.contains(it)).map(|it| format!("unknown query parameter {it}")).collect()
    }

    fn against(&mut self, place: &str, request: bool, value: &Value) -> Vec<String> {
        let document = if request { &self.closed } else { &self.open };
        let validator = self.validators.entry(format!("{place} {request}")).or_insert_with(|| {
            let schema = document.pointer(place)?;
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": document["components"],
                "allOf": [schema],
            });
            Some(jsonschema::validator_for(&whole).expect("the description is a schema"))
        });
        let side = if request { "request" } else { "answer" };
        match validator {
            Some(validator) => validator
                .iter_errors(value)
                .map(|it| format!("{side}{}: {it:.600}", it.instance_path()))
                .collect(),
            None => vec![format!("{side}: the description has no body here")],
        }
    }
}

fn labelled(name: &str, faults: Vec<String>) -> Vec<String> {
    faults.into_iter().map(|fault| format!("{name}: {fault}")).collect()
}

/// Schemas that are a part of another by `allOf` have to stay open.
fn find_merged(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let parts = map.get("allOf").and_then(Value::as_array).into_iter().flatten();
            found.extend(parts.filter_map(|part| part["$ref"].as_str()).map(str::to_owned));
            // The multipart variants merge a body with its files; only the JSON is looked at here.
            let others = map.iter().filter(|(name, _)| *name != "multipart/form-data");
            others.for_each(|(_, value)| find_merged(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| find_merged(value, found)),
        _ => {}
    }
}

fn close(value: &mut Value, merged: bool) {
    match value {
        Value::Object(map) => {
            let listed = map.get("properties").is_some_and(Value::is_object);
            if listed && !merged && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            for (name, value) in map {
                if name == "properties" {
                    // These are names of fields, not of schema keywords.
                    value.as_object_mut().into_iter().flatten().for_each(|(_, it)| close(it, false));
                } else {
                    close(value, name == "allOf");
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| close(value, merged)),
        _ => {}
    }
}

/// Puts right what serenity sends and Discord takes, though the description does not say so.
fn mended(mut body: Value) -> Value {
    fn visit(value: &mut Value) {
        match value {
            Value::Object(map) => {
                let empty = |name: &str, value: &Value| {
                    ["options", "choices", "channel_types"].contains(&name) && *value == json!([])
                };
                map.retain(|name, value| !value.is_null() && !empty(name, value));
                if let Some(Value::Array(files)) = map.get_mut("attachments") {
                    for id in files.iter_mut().filter_map(|it| it.get_mut("id")) {
                        *id = json!(id.as_str().map_or_else(|| id.to_string(), str::to_owned));
                    }
                }
                if map.contains_key("description") || map.contains_key("type") {
                    map.remove("nsfw");
                }
                // The documentation writes permissions as text, and says that it is right where the two differ.
                if let Some(bits) = map.get_mut("default_member_permissions")
                    && let Some(number) = bits.as_str().and_then(|bits| bits.parse::<u64>().ok())
                {
                    *bits = json!(number);
                }
                if let Some(Value::Object(first)) = map.get_mut("message") {
                    first.remove("tts");
                    first.remove("enforce_nonce");
                }
                map.values_mut().for_each(visit);
            }
            Value::Array(list) => list.iter_mut().for_each(visit),
            _ => {}
        }
    }
    visit(&mut body);
    body
}

/// The codes of single fields are words (docs, Reference / Error Messages), where the description has
/// numbers: so these are looked at by hand.
fn wrong_errors(errors: &Value) -> Vec<String> {
    let Some(fields) = errors.as_object() else { return Vec::new() };
    let mut faults = Vec::new();
    for (name, value) in fields {
        match value.as_array().filter(|_| name == "_errors") {
            Some(list) if list.iter().all(|it| it["code"].is_string() && it["message"].is_string()) => {}
            None if value.is_object() => faults.extend(wrong_errors(value)),
            _ => faults.push(format!("answer: no error is written like this: {value}")),
        }
    }
    faults
}

/// What a schema of single fields cannot say.
fn across_fields(entry: &Entry, body: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let messages = entry.method == "POST"
        && (entry.route.ends_with("/messages") || entry.route == "/webhooks/{webhook_id}/{webhook_token}");
    let message = body.get("message").unwrap_or(body);
    let has = |name: &str| match &message[name] {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        other => other.is_object(),
    };
    if (messages || body.get("message").is_some())
        && !["content", "embeds", "components", "sticker_ids", "poll"].iter().any(|it| has(it))
        && entry.files == 0
    {
        faults.push("the message is empty".to_owned());
    }
    if message["content"].as_str().is_some_and(|it| it.chars().count() > 2000) {
        faults.push("content is longer than 2,000 characters".to_owned());
    }
    let size = |it: &Value| it.as_str().map_or(0, |it| it.trim().chars().count());
    let total: usize = message["embeds"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| {
            let fields = it["fields"].as_array().into_iter().flatten();
            let fields: usize = fields.map(|it| size(&it["name"]) + size(&it["value"])).sum();
            size(&it["title"])
                + size(&it["description"])
                + size(&it["footer"]["text"])
                + size(&it["author"]["name"])
                + fields
        })
        .sum();
    if total > 6000 {
        faults.push(format!("the embeds hold {total} characters, more than 6,000"));
    }
    if message["flags"].as_u64().is_some_and(|it| it & (1 << 15) != 0) && (has("content") || has("embeds")) {
        faults.push("components v2 exclude content and embeds".to_owned());
    }
    if let Some(name) = body["username"].as_str() {
        let lower = name.to_lowercase();
        if !(1..=80).contains(&name.chars().count()) || lower.contains("clyde") || lower.contains("discord") {
            faults.push(format!("{name:?} is no name for a webhook"));
        }
    }
    faults
}
