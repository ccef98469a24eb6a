//! The file and the environment as one tree of untyped values, each of which knows where it was written.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Variables that set keys begin so; parts of a key are separated by two underscores.
pub const PREFIX: &str = "THREADBRIDGE__";

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of the file, from 1.
    Line(usize),
    Variable(String),
}

#[derive(Debug, Clone)]
pub struct Node {
    pub origin: Origin,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub enum Value {
    Table(BTreeMap<String, Node>),
    List(Vec<Node>),
    Text(String),
    Integer(i64),
    Flag(bool),
    /// Something that no key wants: a date, a fraction.
    Other(&'static str),
}

impl Value {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::List(_) => "a list",
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Flag(_) => "true or false",
            Self::Other(kind) => kind,
        }
    }
}

/// Reads a TOML file. The error has the line and what the parser did not understand.
pub fn parse(text: &str) -> Result<Node, String> {
    let lines = Lines::of(text);
    match DeTable::parse(text) {
        Ok(table) => {
            let origin = Origin::Line(1);
            Ok(Node { origin, value: Value::Table(read_table(table.into_inner(), &lines)) })
        }
        Err(error) => {
            let line = error.span().map_or(1, |span| lines.number(span.start));
            Err(format!("line {line}: this is not TOML: {}", error.message()))
        }
    }
}

/// The byte at which each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn number(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }
}

fn read_table(table: DeTable<'_>, lines: &Lines) -> BTreeMap<String, Node> {
    table
        .into_iter()
        .map(|(key, value)| {
            let line = lines.number(key.span().start);
            let mut node = read_value(value, lines);
            node.origin = Origin::Line(line);
            (key.into_inner().into_owned(), node)
        })
        .collect()
}

fn read_value(value: Spanned<DeValue<'_>>, lines: &Lines) -> Node {
    let origin = Origin::Line(lines.number(value.span().start));
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("a number out of range"),
        },
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| read_value(item, lines)).collect()),
        DeValue::Table(table) => Value::Table(read_table(table, lines)),
    };
    Node { origin, value }
}

/// Lays one variable over the tree. `Err` says why it can't be laid.
pub fn overlay(root: &mut Node, variable: &str, text: &str) -> Result<(), String> {
    let path: Vec<String> =
        variable.strip_prefix(PREFIX).unwrap_or(variable).split("__").map(str::to_lowercase).collect();
    let origin = Origin::Variable(variable.to_owned());
    let mut node = root;
    for (depth, part) in path.iter().enumerate() {
        if part.is_empty() {
            return Err(format!("{variable}: a part of the key is missing between underscores"));
        }
        let is_index = part.bytes().all(|byte| byte.is_ascii_digit());
        let empty = || Node { origin: origin.clone(), value: Value::Table(BTreeMap::new()) };
        node = match &mut node.value {
            Value::List(items) if is_index => {
                let index: usize =
                    part.parse().map_err(|_| format!("{variable}: {part} is no place in a list"))?;
                if index > items.len() {
                    return Err(format!(
                        "{variable}: the list has {} entries, so the next is number {}",
                        items.len(),
                        items.len()
                    ));
                }
                if index == items.len() {
                    items.push(empty());
                }
                &mut items[index]
            }
            Value::Table(table) => table.entry(part.clone()).or_insert_with(|| {
                let list =
                    path.get(depth + 1).is_some_and(|next| next.bytes().all(|byte| byte.is_ascii_digit()));
                Node {
                    origin: origin.clone(),
                    value: if list { Value::List(Vec::new()) } else { Value::Table(BTreeMap::new()) },
                }
            }),
            _ => return Err(format!("{variable}: there is no such key in the configuration")),
        };
    }
    *node = Node { origin, value: Value::Text(text.to_owned()) };
    Ok(())
}
