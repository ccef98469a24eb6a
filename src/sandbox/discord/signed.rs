//! Addresses of files, signed and good for a day as Discord's are.
//! <https://docs.discord.com/developers/reference#signed-attachment-cdn-urls>

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::state::{Attachment, Id};

const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Attachment {
    /// The address as it is given out now.
    pub fn signed(&self, now: Timestamp) -> String {
        let expires = now.saturating_add(GOOD_FOR).map_or(now, |end| end).as_second();
        let mark = mark(self.id, expires);
        format!("{}?ex={expires:x}&is={:x}&hm={mark}&", self.url, now.as_second())
    }
}

/// Whether this signature opens the file at this time.
pub fn opens(file: Id, query: &str, now: Timestamp) -> bool {
    let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let expires = value("ex").and_then(|hex| i64::from_str_radix(hex, 16).ok());
    expires.is_some_and(|end| end >= now.as_second() && value("hm") == Some(mark(file, end).as_str()))
}

fn mark(file: Id, expires: i64) -> String {
    let digest = Sha256::digest(format!("{file} until {expires}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
