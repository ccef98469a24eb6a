//! What tells a feed's items apart, from one reading to the next and after a restart.
//!
//! An item is named by the id that it gives itself (RSS `guid`, Atom and JSON `id`), else by its link and title. There are
//! feeds whose ids are made anew with each reading: taken at their word, everything would be news each time. So a feed is
//! read twice before its ids are believed, and an item whose id alone has changed since the last reading keeps its name.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use sha2::{Digest, Sha256};
use url::Url;

use super::parse::Item;

/// Bytes of a digest that make a name.
const LENGTH: usize = 8;
/// Parameters of links that tell of who follows them, not of where they lead.
const PASSING: [&str; 7] = ["fbclid", "gclid", "jsessionid", "mc_cid", "phpsessid", "s", "sid"];

/// By what a feed's items are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By their ids; without one by link and title.
    Given,
    /// The ids can't be trusted: by link, title and date.
    Dated,
    /// Nor can the dates: by link, title and words.
    Worded,
}

/// The names of items, in their order. `earlier` is what [`earlier`] said of the last reading.
pub fn names(items: &[Item], naming: Naming, earlier: &HashMap<String, String>) -> Vec<String> {
    let mut ids: HashMap<&str, u32> = HashMap::new();
    for id in items.iter().filter_map(|item| item.id.as_deref()) {
        *ids.entry(id).or_default() += 1;
    }
    // An id that several items have tells none of them apart.
    let own = |item: &Item| item.id.as_deref().filter(|id| ids.get(id) == Some(&1)).map(str::to_owned);
    let mut names: Vec<String> = items.iter().map(|item| name(item, own(item).as_deref(), naming)).collect();
    let old: HashSet<&String> = earlier.values().collect();
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    for (item, name) in items.iter().zip(&mut names) {
        if old.contains(name) {
            continue;
        }
        // New by its name: unless the last reading had the very same under a name that is not there any more.
        let same = prints(item).into_iter().find_map(|print| earlier.get(&print));
        if let Some(same) = same.filter(|same| !taken.contains(*same)) {
            taken.insert(same.clone());
            name.clone_from(same);
        }
    }
    names
}

/// By which names the items of a reading are known again if nothing but their ids changes.
pub fn earlier(items: &[Item], names: &[String]) -> HashMap<String, String> {
    let mut known = HashMap::new();
    let mut twice = HashSet::new();
    for (item, name) in items.iter().zip(names) {
        for print in prints(item) {
            if known.insert(print.clone(), name.clone()).is_some() {
                twice.insert(print);
            }
        }
    }
    known.retain(|print, _| !twice.contains(print));
    known
}

/// Whether the ids of a feed that was read twice can be trusted, by the items that both readings have.
pub fn naming(first: &[Item], again: &[Item]) -> Naming {
    let key = |item: &Item| digest(&["key", &link(item), &item.title]);
    let mut known: HashMap<String, Vec<&Item>> = HashMap::new();
    for item in again {
        known.entry(key(item)).or_default().push(item);
    }
    let pairs: Vec<(&Item, &Item)> = first
        .iter()
        .filter_map(|item| match known.get(&key(item))?.as_slice() {
            [other] => Some((item, *other)),
            _ => None,
        })
        .collect();
    let other_ids = pairs.iter().filter(|(a, b)| a.id != b.id).count();
    // Of one feed in two readings, half of the items can't have been replaced by others of the same title and link.
    if other_ids == 0 || other_ids * 2 < pairs.len() {
        return Naming::Given;
    }
    if pairs.iter().all(|(a, b)| a.at.is_some() && a.at == b.at) { Naming::Dated } else { Naming::Worded }
}

/// Whether a text has the look of a name.
pub fn is_name(text: &str) -> bool {
    text.len() == 1 + 2 * LENGTH
        && text.starts_with('i')
        && text.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit())
}

fn name(item: &Item, id: Option<&str>, naming: Naming) -> String {
    match (naming, id) {
        // Sites move from http to https, and their ids with them.
        (Naming::Given, Some(id)) => digest(&["id", without_scheme(id)]),
        (Naming::Given, None) => digest(&["link", &link(item), &item.title]),
        (Naming::Dated, _) => digest(&["dated", &link(item), &item.title, &date(item)]),
        (Naming::Worded, _) => digest(&["worded", &link(item), &item.title, &item.words]),
    }
}

/// What two readings of one item share, whatever its id.
fn prints(item: &Item) -> Vec<String> {
    let mut prints = Vec::new();
    if item.at.is_some() {
        prints.push(digest(&["at", &link(item), &item.title, &date(item)]));
    }
    if !item.words.is_empty() {
        prints.push(digest(&["says", &link(item), &item.title, &item.words]));
    }
    prints
}

fn date(item: &Item) -> String {
    item.at.map(|at| at.as_millisecond().to_string()).unwrap_or_default()
}

/// Where an item leads, without what changes with whoever is led.
fn link(item: &Item) -> String {
    let Some(text) = &item.link else { return String::new() };
    let Ok(mut url) = Url::parse(text) else { return text.clone() };
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| {
            let key = key.to_ascii_lowercase();
            !key.starts_with("utm_") && !PASSING.contains(&key.as_str())
        })
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    if kept.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    without_scheme(url.as_str()).to_owned()
}

fn without_scheme(text: &str) -> &str {
    text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text)
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    // A letter first, so that no name is taken for a number.
    let mut name = "i".to_owned();
    for byte in &hash.finalize()[..LENGTH] {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, link: &str, title: &str, at: Option<i64>, words: &str) -> Item {
        Item {
            id: Some(id.to_owned()).filter(|id| !id.is_empty()),
            link: Some(link.to_owned()).filter(|link| !link.is_empty()),
            title: title.to_owned(),
            at: at.map(|second| jiff::Timestamp::from_second(second).expect("a time")),
            words: words.to_owned(),
            ..Item::default()
        }
    }

    fn plain(items: &[Item]) -> Vec<String> {
        names(items, Naming::Given, &HashMap::new())
    }

    #[test]
    fn a_name_stays_when_nothing_that_matters_changes() {
        let pairs = [
            (item("http://a/1", "", "x", None, ""), item("https://a/1", "", "y", Some(5), "z"), true),
            (item("7", "https://a/1", "x", None, ""), item("7", "https://b/2", "y", None, ""), true),
            (
                item("", "https://a/1?utm_source=rss&p=2", "x", None, ""),
                item("", "http://a/1?p=2&fbclid=9", "x", Some(1), "w"),
                true,
            ),
            (item("7", "https://a/1", "x", None, ""), item("8", "https://a/1", "x", None, ""), false),
            (item("", "https://a/1", "x", None, ""), item("", "https://a/1", "y", None, ""), false),
            (item("", "", "x", None, ""), item("", "", "x", None, "w"), true),
        ];
        for (a, b, same) in pairs {
            let (one, other) = (plain(std::slice::from_ref(&a)), plain(std::slice::from_ref(&b)));
            assert_eq!(one == other, same, "{a:?} {b:?}");
            assert!(is_name(&one[0]) && one[0].parse::<u64>().is_err());
        }
    }

    #[test]
    fn an_id_that_all_items_have_is_none() {
        let items = [item("0", "https://a/1", "x", None, ""), item("0", "https://a/2", "y", None, "")];
        let both = plain(&items);
        assert_ne!(both[0], both[1]);
        assert_eq!(both[0], plain(&[item("", "https://a/1", "x", None, "")])[0]);
    }

    #[test]
    fn ids_that_change_with_each_reading_are_not_believed() {
        let read = |salt: &str, second: i64| -> Vec<Item> {
            (0..4)
                .map(|n| {
                    let (link, title) = (format!("https://a/{n}"), format!("Item {n}"));
                    item(&format!("{salt}{n}"), &link, &title, Some(second + n), &format!("words {n}"))
                })
                .collect()
        };
        assert_eq!(naming(&read("a", 0), &read("a", 0)), Naming::Given);
        assert_eq!(naming(&read("a", 0), &read("b", 0)), Naming::Dated);
        assert_eq!(naming(&read("a", 0), &read("b", 60)), Naming::Worded);
        let one_new = [read("a", 0), vec![item("n", "https://a/9", "New", None, "")]].concat();
        assert_eq!(naming(&read("a", 0), &one_new), Naming::Given);
        for (naming, second) in [(Naming::Dated, 0), (Naming::Worded, 60)] {
            let first = names(&read("a", 0), naming, &HashMap::new());
            assert_eq!(first, names(&read("b", second), naming, &HashMap::new()));
        }
    }

    #[test]
    fn what_only_got_another_id_keeps_its_name_and_what_is_new_gets_its_own() {
        let before = [item("a", "https://a/", "Word of the day", Some(1), "oak")];
        let named = plain(&before);
        let known = earlier(&before, &named);
        // The same under another id, by its date or by its words.
        for again in [
            item("b", "https://a/", "Word of the day", Some(1), "oak tree"),
            item("c", "https://a/", "Word of the day", Some(9), "oak"),
        ] {
            assert_eq!(names(&[again], Naming::Given, &known), named);
        }
        let next = item("d", "https://a/", "Word of the day", Some(2), "elm");
        assert_ne!(names(std::slice::from_ref(&next), Naming::Given, &known), named);
        // While the earlier one is still there, another is another, however alike.
        let both = [item("e", "https://a/", "Word of the day", Some(1), "oak"), before[0].clone()];
        let names = names(&both, Naming::Given, &known);
        assert_eq!(names[1], named[0]);
        assert_ne!(names[0], names[1]);
    }
}
