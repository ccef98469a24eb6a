//! What an engine remembers of a forum to ask it less. Nothing is wrong without it, so it may be forgotten at any time.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// When there is more than this of a kind, all of it is forgotten.
const MOST: usize = 2_000;

/// Hints of one kind.
#[derive(Debug)]
pub struct Hints<K, V>(HashMap<K, V>);

impl<K, V> Default for Hints<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Hints<K, V> {
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    pub fn insert(&mut self, key: K, value: V) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(key, value);
    }

    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.0.remove(key);
    }
}
