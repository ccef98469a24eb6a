//! The floors of the house. Reads which rooms each file of `src/` names, and fails where a room names one that it
//! does not stand on, or where rooms name each other in a circle. `ARCHITECTURE.md` says why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Each room with the rooms that it may name.
const FLOORS: [(&str, &[&str]); 20] = [
    // `model` holds a post's body as a document, and a document names posts and members: one ground.
    ("model", &["markup"]),
    ("markup", &["model"]),
    ("clock", &[]),
    ("fence", &["clock"]),
    ("weakness", &[]),
    ("health", &["model"]),
    ("config", &["model"]),
    ("store", &["model", "markup", "clock", "weakness", "config", "fence", "health"]),
    ("forum", &["model", "markup", "clock", "config", "fence", "health"]),
    ("discord", &["model", "markup", "clock", "weakness", "config", "fence", "health"]),
    (
        "bridge",
        &["model", "markup", "clock", "weakness", "config", "fence", "health", "store", "forum", "discord"],
    ),
    ("server", &["model", "health", "forum", "bridge"]),
    ("read", &["model", "markup", "clock", "config", "forum", "discord"]),
    ("check", &["model", "markup", "clock", "config", "store", "forum", "discord"]),
    ("why", &["model", "clock", "config", "store", "forum", "bridge"]),
    ("audit", &["clock", "config", "health", "store", "forum", "discord", "bridge"]),
    ("app", &["model", "clock", "config", "health", "store", "forum", "discord", "bridge", "server"]),
    ("sandbox", &["model", "clock", "config", "health", "app"]),
    ("progress", &[]),
    (
        "main",
        &[
            "model", "clock", "config", "check", "read", "why", "audit", "bridge", "app", "sandbox", "forum",
            "store",
        ],
    ),
];

/// Parts of the sandbox that stand in for a forum and for Discord: they must not share code with what they test.
const STAND_INS: [&str; 2] = ["src/sandbox/forum", "src/sandbox/discord"];

/// Every file of `src/`, with the room it belongs to.
fn files() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                let room = name.split('/').nth(1).unwrap().trim_end_matches(".rs").to_owned();
                files.push((name, room, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    files
}

/// The rooms that a file names, by path or by `use`. Comments do not count.
fn named(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for start in ["crate::", "threadbridge::"] {
        for (at, _) in code.match_indices(start) {
            let whole_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole_word {
                first_names(&code[at + start.len()..], &mut rooms);
            }
        }
    }
    rooms
}

/// The first name of a path, or of each path in braces.
fn first_names(rest: &str, names: &mut BTreeSet<String>) {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(inside) = rest.strip_prefix('{') else {
        names.insert(word(rest));
        return;
    };
    let mut depth = 0;
    let mut fresh = true;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if c.is_whitespace() => {}
            _ if fresh => {
                names.insert(word(&inside[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
}

#[test]
fn no_room_names_one_that_it_does_not_stand_on() {
    let floors: BTreeMap<_, _> = FLOORS.into_iter().collect();
    let mut faults = Vec::new();
    for (file, room, text) in files() {
        if ["build", "lib"].contains(&room.as_str()) {
            continue;
        }
        let Some(allowed) = floors.get(room.as_str()) else {
            faults
                .push(format!("{file}: the room {room} has no floor; give it one in tests/architecture.rs"));
            continue;
        };
        for name in named(&text).iter().filter(|name| floors.contains_key(name.as_str())) {
            if *name != room && !allowed.contains(&name.as_str()) {
                faults.push(format!("{file}: {room} must not name {name}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_floors_allow_no_circle_but_the_ground() {
    // Whoever has nobody left to stand on is taken away, until nobody is left.
    let mut left: BTreeMap<&str, BTreeSet<&str>> = FLOORS
        .into_iter()
        .map(|(room, allowed)| {
            (room, allowed.iter().copied().filter(|name| (room, *name) != ("model", "markup")).collect())
        })
        .collect();
    while !left.is_empty() {
        let standing: Vec<&str> =
            left.iter().filter(|(_, on)| on.is_empty()).map(|(room, _)| *room).collect();
        assert!(!standing.is_empty(), "these stand on each other in a circle: {:?}", left.keys());
        for room in standing {
            left.remove(room);
            left.values_mut().for_each(|on| {
                on.remove(room);
            });
        }
    }
}

#[test]
fn the_sandbox_does_not_use_what_it_tests() {
    for (file, _, text) in files() {
        if STAND_INS.iter().any(|folder| file.starts_with(folder)) {
            let names = named(&text);
            for name in ["markup", "forum", "discord", "bridge", "store"] {
                assert!(!names.contains(name), "{file} must not name {name}: it would test itself");
            }
        }
    }
}

#[test]
fn only_the_store_speaks_to_the_database() {
    for (file, room, text) in files() {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let speaks = code.clone().any(|line| line.contains("sqlx::"));
        assert!(!speaks || room == "store", "{file}: SQL belongs to the room store");
    }
}

#[test]
fn names_are_found_in_every_form_of_use() {
    for (text, expected) in [
        ("use crate::model::PostId;", vec!["model"]),
        ("use crate::{forum, server::{self, x}, store as s};", vec!["forum", "server", "store"]),
        ("use crate::{\n    a::{b, c},\n    d,\n};", vec!["a", "d"]),
        ("let x = crate::store::open();", vec!["store"]),
        ("use threadbridge::{app, check};", vec!["app", "check"]),
        ("// crate::store\n//! `crate::forum`", vec![]),
        ("$mycrate::store", vec![]),
    ] {
        assert_eq!(named(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }
}
