//! Holds calls of NodeBB's API, and what the sandbox answered, against NodeBB's official description, when that is
//! there. It is many YAML files that refer to one another.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use threadbridge::sandbox::forum::ApiCall;
use yaml_rust2::{Yaml, YamlLoader};

use crate::described::{close, fits};

/// What the description says in words only, or NodeBB's own pages ask: in whose name a master token acts, in which
/// language refusals are told, pages and their order, and what to search for.
const IN_WORDS: [&str; 11] = [
    "_uid",
    "lang",
    "page",
    "sort",
    "term",
    "in",
    "by",
    "categories",
    "sortBy",
    "sortDirection",
    "searchOnly",
];

struct Description {
    folder: PathBuf,
    read: Value,
    write: Value,
}

/// Everything that is wrong with the calls, a line each.
pub fn faults(calls: &[ApiCall]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/spec/nodebb");
    if !folder.exists() {
        println!("skipped: no description of NodeBB's API at {}", folder.display());
        return Vec::new();
    }
    let (read, write) = (yaml(&folder.join("read.yaml")), yaml(&folder.join("write.yaml")));
    let description = Description { folder, read, write };
    let mut found: Vec<String> = calls.iter().flat_map(|call| description.faults_of(call)).collect();
    found.sort();
    found.dedup();
    found
}

impl Description {
    /// The operation that a call is of, with the file that describes it.
    fn operation(&self, call: &ApiCall) -> Option<(Value, PathBuf)> {
        let (document, path) = match call.path.strip_prefix("/api/v3") {
            Some(rest) => (&self.write, rest),
            None => (&self.read, call.path.as_str()),
        };
        let method = call.method.to_lowercase();
        // What an address ends with may be left out, by the description's word.
        let short = |route: &str| {
            let route = route.trim_end_matches("/{topic_index}").trim_end_matches("/{post_index}");
            route.trim_end_matches("/{slug}").to_owned()
        };
        document["paths"].as_object()?.iter().find_map(|(route, item)| {
            let route = route.trim_end_matches('/');
            let shortened = route.contains("{slug}") && fits(&short(route), path);
            if !shortened && !fits(route, path) {
                return None;
            }
            let file = self.folder.join(item["$ref"].as_str()?);
            let item = yaml(&file);
            item.get(&method).cloned().map(|operation| (operation, file))
        })
    }

    fn faults_of(&self, call: &ApiCall) -> Vec<String> {
        let name = format!("{} {}", call.method, call.path);
        let Some((operation, file)) = self.operation(call) else {
            return vec![format!("{name}: the description has no such route")];
        };
        let mut faults = Vec::new();
        let listed = operation["parameters"].as_array().into_iter().flatten();
        let known: Vec<&str> = listed.filter_map(|parameter| parameter["name"].as_str()).collect();
        let asked = call.query.split('&').filter_map(|pair| pair.split('=').next());
        for asked in asked.filter(|name| !name.is_empty()) {
            if !known.contains(&asked) && !IN_WORDS.contains(&asked) {
                faults.push(format!("{name}: unknown query parameter {asked}"));
            }
        }
        let json_of = |place: &Value| place["content"]["application/json"]["schema"].clone();
        let schema = json_of(&operation["requestBody"]);
        if call.body.is_null() != schema.is_null() && (!call.body.is_null() || call.method != "GET") {
            let wrong = if call.body.is_null() { "a body is wanted" } else { "there is no body here" };
            faults.push(format!("{name}: {wrong}"));
        } else if !schema.is_null() {
            let mut schema = whole(&schema, &file, 0);
            close(&mut schema);
            faults.extend(against(&schema, &call.body).map(|fault| format!("{name}: request{fault}")));
        }
        // Refusals have a form of their own, which the description leaves out.
        let answer = json_of(&operation["responses"][&call.status.to_string()]);
        if (200..300).contains(&call.status) && !answer.is_null() {
            faults.extend(self.answered(&whole(&answer, &file, 0), call).map(|it| format!("{name}: {it}")));
        }
        faults
    }

    /// What the sandbox says is of the described type; it does not say everything.
    fn answered(&self, schema: &Value, call: &ApiCall) -> impl Iterator<Item = String> {
        let mut found = Vec::new();
        types(schema, &call.answer, "", &mut found);
        found.into_iter()
    }
}

fn against(schema: &Value, body: &Value) -> impl Iterator<Item = String> {
    let validator = jsonschema::validator_for(schema).expect("the description is a schema");
    let faults: Vec<String> =
        validator.iter_errors(body).map(|it| format!("{}: {it:.300}", it.instance_path())).collect();
    faults.into_iter()
}

/// Compares the kinds of what both have.
fn types(schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        types(part, value, at, faults);
    }
    let nullable = schema["nullable"] == true;
    let right = match schema["type"].as_str() {
        // Truth values are numbers in some answers of the real server, and ids may be addresses.
        Some("number" | "integer") => value.is_number() || value.is_boolean() || value.is_string(),
        Some("boolean") => value.is_boolean() || value.is_number(),
        Some("string") => value.is_string() || value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    if !right && !(value.is_null() && (nullable || at.is_empty())) && !value.is_null() {
        return faults.push(format!("answer{at} is {value:.80}, and should be {}", schema["type"]));
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        if let Some(schema) = schema["properties"].get(name) {
            types(schema, inner, &format!("{at}/{name}"), faults);
        }
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        types(&schema["items"], inner, &format!("{at}/{index}"), faults);
    }
}

/// A schema with the files that it refers to put in, as deep as answers go.
fn whole(schema: &Value, file: &Path, depth: usize) -> Value {
    if depth > 24 {
        return Value::Null;
    }
    match schema {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let (name, place) = reference.split_once('#').unwrap_or((reference, ""));
                let other = if name.is_empty() {
                    file.to_owned()
                } else {
                    file.parent().expect("a folder").join(name)
                };
                let found = yaml(&other).pointer(place).cloned().unwrap_or_default();
                whole(&found, &other, depth + 1)
            }
            None => {
                let inner = map.iter().map(|(name, value)| (name.clone(), whole(value, file, depth + 1)));
                Value::Object(inner.collect())
            }
        },
        Value::Array(items) => items.iter().map(|item| whole(item, file, depth + 1)).collect(),
        other => other.clone(),
    }
}

fn yaml(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let documents = YamlLoader::load_from_str(&text).expect("the description is YAML");
    documents.first().map_or(Value::Null, json_of)
}

fn json_of(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Hash(map) => {
            let name = |key: &Yaml| match key {
                Yaml::String(name) => name.clone(),
                Yaml::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            };
            Value::Object(map.iter().map(|(key, value)| (name(key), json_of(value))).collect::<Map<_, _>>())
        }
        Yaml::Array(items) => items.iter().map(json_of).collect(),
        Yaml::String(text) => json!(text),
        Yaml::Integer(number) => json!(number),
        Yaml::Real(text) => text.parse::<f64>().map_or(Value::Null, |number| json!(number)),
        Yaml::Boolean(flag) => json!(flag),
        _ => Value::Null,
    }
}
