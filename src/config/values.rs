//! Single values of a table, each read as what it must be. What is wrong is noted with its key and its line, and
//! reading goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::tree::{Node, Origin, Value};
use super::unreadable;

/// Reads values and collects what is wrong with them.
pub struct Reader {
    file: String,
    /// Relative paths of secret files start here.
    folder: PathBuf,
    pub faults: Vec<String>,
}

/// A table whose keys are taken one by one; what is left over is unknown.
pub struct Section {
    /// As it is written in the file: `[discord]`, `[[forums]] 2`.
    name: String,
    pub origin: Origin,
    pub keys: BTreeMap<String, Node>,
    known: Vec<&'static str>,
}

impl Section {
    pub fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        self.keys.remove(key)
    }
}

impl Reader {
    pub fn new(file: &Path) -> Self {
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Self { file: file.display().to_string(), folder, faults: Vec::new() }
    }

    pub fn fault(&mut self, origin: &Origin, key: &str, what: &str) {
        self.faults.push(match origin {
            Origin::Line(line) => format!("{} line {line}: {key} {what}", self.file),
            Origin::Variable(name) => format!("environment variable {name}: {key} {what}"),
        });
    }

    pub fn section(&mut self, name: &str, node: Node) -> Section {
        let keys = match node.value {
            Value::Table(keys) => keys,
            other => {
                self.fault(&node.origin, name, &format!("must be a table of keys, not {}", other.kind()));
                BTreeMap::new()
            }
        };
        Section { name: name.to_owned(), origin: node.origin, keys, known: Vec::new() }
    }

    pub fn optional_section(&mut self, name: &str, node: Option<Node>) -> Section {
        let empty = || Node { origin: Origin::Line(1), value: Value::Table(BTreeMap::new()) };
        self.section(name, node.unwrap_or_else(empty))
    }

    pub fn list(&mut self, name: &str, node: Option<Node>) -> Vec<Node> {
        match node {
            None => Vec::new(),
            Some(Node { value: Value::List(items), .. }) => items,
            Some(node) => {
                self.fault(&node.origin, name, &format!("is written as [[{name}]], once for each"));
                Vec::new()
            }
        }
    }

    /// Whatever was not taken is unknown.
    pub fn finish(&mut self, section: Section) {
        for (key, node) in section.keys {
            let near = section.known.iter().min_by_key(|known| distance(known, &key));
            let hint = match near {
                Some(near) if distance(near, &key) <= 2 => format!("did you mean {near}?"),
                _ => format!("{} knows: {}", section.name, section.known.join(", ")),
            };
            self.fault(
                &node.origin,
                &format!("\"{key}\""),
                &format!("is not a key of {}; {hint}", section.name),
            );
        }
    }

    pub fn flag(&mut self, key: &str, node: &Node) -> bool {
        match &node.value {
            Value::Flag(flag) => *flag,
            Value::Text(text) if matches!(node.origin, Origin::Variable(_)) && text == "true" => true,
            Value::Text(text) if matches!(node.origin, Origin::Variable(_)) && text == "false" => false,
            _ => {
                self.fault(&node.origin, key, "must be true or false");
                false
            }
        }
    }

    pub fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) => Some(text.trim().to_owned()),
            other => {
                self.fault(&node.origin, key, &format!("must be text in quotes, not {}", other.kind()));
                None
            }
        }
    }

    /// Ids are text, and people write them as numbers.
    pub fn id(&mut self, key: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::Integer(number) => Some(number.to_string()),
            _ => self.text(key, node).filter(|text| {
                if text.is_empty() {
                    self.fault(&node.origin, key, "is empty");
                }
                !text.is_empty()
            }),
        }
    }

    pub fn required(
        &mut self,
        section: &mut Section,
        key: &'static str,
        what: &str,
    ) -> Option<(Origin, String)> {
        let table = table_of(section);
        match section.take(key) {
            Some(node) => self.text(&format!("{table}.{key}"), &node).map(|text| (node.origin, text)),
            None => {
                self.fault(
                    &section.origin.clone(),
                    &format!("{table}.{key}"),
                    &format!("is missing: {what}"),
                );
                None
            }
        }
    }

    pub fn number(
        &mut self,
        section: &mut Section,
        key: &'static str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        let table = table_of(section);
        let Some(node) = section.take(key) else { return default };
        let number = match &node.value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::Text(text) if matches!(node.origin, Origin::Variable(_)) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| range.contains(number)).unwrap_or_else(|| {
            let what = format!("must be a whole number from {} to {}", range.start(), range.end());
            self.fault(&node.origin, &format!("{table}.{key}"), &what);
            default
        })
    }

    pub fn choice<T: Copy>(
        &mut self,
        section: &mut Section,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let table = table_of(section);
        let node = section.take(key)?;
        let text = self.text(&format!("{table}.{key}"), &node)?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.fault(
                &node.origin,
                &format!("{table}.{key}"),
                &format!("must be one of {}", names.join(", ")),
            );
        }
        found
    }

    pub fn url(&mut self, section: &mut Section, key: &'static str) -> Option<String> {
        let table = table_of(section);
        let node = section.take(key)?;
        let text = self.text(&format!("{table}.{key}"), &node)?;
        match Url::parse(&text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.fault(&node.origin, &format!("{table}.{key}"), "must not hold a user name or password");
                None
            }
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(text),
            _ => {
                let what = "must be an address that begins with https:// (or http://)";
                self.fault(&node.origin, &format!("{table}.{key}"), what);
                None
            }
        }
    }

    /// A secret, or the content of the file that holds it. Never repeated in a fault.
    pub fn secret(
        &mut self,
        section: &mut Section,
        key: &'static str,
        file_key: &'static str,
    ) -> Option<SecretString> {
        let table = table_of(section);
        let (mut inline, mut file) = (section.take(key), section.take(file_key));
        // The environment is laid over the file, whichever of the two ways either uses.
        if let (Some(value), Some(named)) = (&inline, &file) {
            match (&value.origin, &named.origin) {
                (Origin::Variable(_), Origin::Line(_)) => file = None,
                (Origin::Line(_), Origin::Variable(_)) => inline = None,
                _ => {}
            }
        }
        if let (Some(_), Some(file)) = (&inline, &file) {
            let what = format!("and {table}.{key} exclude each other; keep one");
            self.fault(&file.origin, &format!("{table}.{file_key}"), &what);
        }
        if let Some(node) = inline {
            let text = self.text(&format!("{table}.{key}"), &node)?;
            if text.is_empty() {
                self.fault(&node.origin, &format!("{table}.{key}"), "is empty");
                return None;
            }
            return Some(text.into());
        }
        let node = file?;
        let name = self.text(&format!("{table}.{file_key}"), &node)?;
        let path = self.folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Some(text.trim().to_owned().into()),
            Ok(_) => {
                self.fault(&node.origin, &format!("{table}.{file_key}"), "names an empty file");
                None
            }
            Err(error) => {
                let what = format!("can't be read: {}", unreadable(&path, &error));
                self.fault(&node.origin, &format!("{table}.{file_key}"), &what);
                None
            }
        }
    }
}

/// `forums` for a section called `[[forums]] 2`.
fn table_of(section: &Section) -> String {
    section.name.trim_start_matches('[').split(']').next().unwrap_or_default().to_owned()
}

/// How many letters apart two keys are (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
