//! What descriptions of APIs have in common: routes with names for what varies, and schemas that are too open.

use serde_json::Value;

/// Whether a path is one of a route's: `/t/{id}.json`.
pub fn fits(route: &str, path: &str) -> bool {
    let (route, path): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), path.split('/').collect());
    route.len() == path.len()
        && route.iter().zip(path).all(|(part, segment)| match part.split_once('{') {
            Some((before, rest)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                segment.starts_with(before)
                    && segment.ends_with(after)
                    && segment.len() > before.len() + after.len()
            }
            None => *part == segment,
        })
}

/// What an object does not list it may not have.
pub fn close(schema: &mut Value) {
    if let Some(map) = schema.as_object_mut() {
        if map.get("properties").is_some_and(Value::is_object) {
            map.entry("additionalProperties").or_insert(Value::Bool(false));
        }
        map.values_mut().for_each(close);
    }
}
