//! The cookies of one forum. A forum's prefix is its own choice, so a log-in is found by a name's end; and
//! one answer may clear a cookie and set it again, so they are applied in order.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};

/// More than a forum sets, and less than would hurt.
const MOST: usize = 50;
const LONGEST: usize = 4_096;

/// A jar for a single origin. Holds secrets: no `Debug`.
#[derive(Default)]
pub struct Cookies {
    jar: Mutex<BTreeMap<String, String>>,
}

impl Cookies {
    /// Takes an answer's `Set-Cookie` lines, in their order.
    pub fn take(&self, headers: &HeaderMap) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        for line in headers.get_all(SET_COOKIE) {
            let Ok(line) = line.to_str() else { continue };
            let mut pieces = line.split(';');
            let Some((name, value)) = pieces.next().and_then(|pair| pair.split_once('=')) else { continue };
            let (name, value) = (name.trim(), value.trim());
            let ended = pieces.any(|piece| {
                let piece = piece.trim().to_ascii_lowercase();
                piece == "max-age=0"
                    || piece.starts_with("max-age=-")
                    || piece.contains("expires=thu, 01-jan-1970")
                    || piece.contains("expires=thu, 01 jan 1970")
            });
            if ended || value == "deleted" || value.is_empty() {
                jar.remove(name);
            } else if name.len() + value.len() <= LONGEST && (jar.len() < MOST || jar.contains_key(name)) {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// All there are, by name.
    pub fn all(&self) -> BTreeMap<String, String> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes these in place of what there is.
    pub fn set(&self, jar: BTreeMap<String, String>) {
        *self.jar.lock().unwrap_or_else(PoisonError::into_inner) = jar;
    }

    /// The `Cookie` line to send.
    pub fn header(&self) -> Option<HeaderValue> {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut value = HeaderValue::from_str(&pairs.join("; ")).ok().filter(|_| !pairs.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Forgets everything: the next request comes as a stranger.
    pub fn clear(&self) {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_applied_in_order() {
        let cookies = Cookies::default();
        let mut headers = HeaderMap::new();
        for line in [
            "bb_password=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT",
            "bb_password=x1; path=/",
            "bb_sessionhash=abc; HttpOnly",
        ] {
            headers.append(SET_COOKIE, line.parse().expect("a header"));
        }
        cookies.take(&headers);
        let sent = cookies.header().expect("cookies");
        assert_eq!(sent.to_str().expect("text"), "bb_password=x1; bb_sessionhash=abc");
        assert!(sent.is_sensitive());
        let mut gone = HeaderMap::new();
        gone.append(SET_COOKIE, "bb_sessionhash=; Max-Age=0".parse().expect("a header"));
        cookies.take(&gone);
        assert_eq!(cookies.header().expect("one left"), "bb_password=x1");
        cookies.clear();
        assert!(cookies.header().is_none());
    }
}
