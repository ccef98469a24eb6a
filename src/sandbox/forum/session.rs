//! Who is asking: passwords, sessions, the cookies that stand for them, and the security tokens that
//! every form carries. Shapes after vBulletin 4: `<unix time>-<40 hex>`, good for three hours.

use std::collections::HashMap;

use jiff::Timestamp;
use md5::Md5;
use sha2::{Digest, Sha256};

/// How long a security token is good for, in seconds.
const TOKEN_LIFE: i64 = 3 * 3600;
/// Failed log-ins from one address that lock it, and for how long (seconds).
const STRIKES: usize = 5;
const LOCKED_FOR: i64 = 15 * 60;

/// A stored password: md5(md5(password) + salt), as vBulletin 3 and 4 keep it.
#[derive(Clone, Default)]
pub(super) struct Credential {
    hash: String,
    salt: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl Credential {
    pub fn new(password: &str) -> Self {
        let salt = random_hex(15);
        Self { hash: md5_hex(&format!("{}{salt}", md5_hex(password))), salt }
    }

    /// Takes the md5 that a browser's script would send.
    pub fn accepts(&self, md5_of_password: &str) -> bool {
        md5_hex(&format!("{}{}", md5_of_password.to_ascii_lowercase(), self.salt)) == self.hash
    }

    /// What the remember-me cookie holds: never the password's own md5.
    pub fn remember(&self) -> String {
        md5_hex(&format!("{}remember", self.hash))
    }
}

#[derive(Debug)]
struct Session {
    member: u64,
    /// A session answers only the browser that opened it.
    agent: String,
    active: Timestamp,
}

#[derive(Debug)]
pub(super) struct Sessions {
    open: HashMap<String, Session>,
    /// Part of every token; a new one makes all older tokens invalid.
    secret: String,
    strikes: HashMap<String, Vec<Timestamp>>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { open: HashMap::new(), secret: random_hex(32), strikes: HashMap::new() }
    }
}

impl Sessions {
    pub fn open(&mut self, member: u64, agent: &str, now: Timestamp) -> String {
        let hash = random_hex(32);
        self.open.insert(hash.clone(), Session { member, agent: agent.to_owned(), active: now });
        hash
    }

    /// The member behind a session cookie; idle sessions end here.
    pub fn member(
        &mut self,
        hash: &str,
        agent: &str,
        now: Timestamp,
        timeout: std::time::Duration,
    ) -> Option<u64> {
        let session = self.open.get_mut(hash)?;
        if now.as_second() - session.active.as_second() > timeout.as_secs().cast_signed() {
            self.open.remove(hash);
            return None;
        }
        (session.agent == agent).then(|| {
            session.active = now;
            session.member
        })
    }

    pub fn close(&mut self, hash: &str) {
        self.open.remove(hash);
    }

    /// Ends every session of a member.
    pub fn close_of(&mut self, member: u64) {
        self.open.retain(|_, session| session.member != member);
    }

    pub fn close_all(&mut self) {
        self.open.clear();
    }

    /// How many members have a session; for "users browsing".
    pub fn members_online(&self) -> Vec<u64> {
        let mut members: Vec<_> = self.open.values().map(|session| session.member).collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    pub fn token(&self, member: Option<u64>, now: Timestamp) -> String {
        match member {
            None => "guest".to_owned(),
            Some(member) => {
                let time = now.as_second();
                format!("{time}-{}", self.seal(member, time))
            }
        }
    }

    fn seal(&self, member: u64, time: i64) -> String {
        let digest = Sha256::digest(format!("{time}/{member}/{}", self.secret));
        hex(&digest)[..40].to_owned()
    }

    /// Checks what a form sent back. The error is the end of vBulletin's sentence.
    pub fn check(
        &self,
        token: Option<&str>,
        member: Option<u64>,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let Some(member) = member else { return Ok(()) };
        let token = token.unwrap_or_default();
        if token.is_empty() {
            return Err("a security token was missing.");
        }
        if token == "guest" {
            return Err("you have logged in since the previous page was loaded.");
        }
        let (time, seal) = token.split_once('-').ok_or("a security token was invalid.")?;
        let time: i64 = time.parse().map_err(|_| "a security token was invalid.")?;
        if seal != self.seal(member, time) {
            return Err("a security token was invalid.");
        }
        if now.as_second().saturating_sub(time) > TOKEN_LIFE {
            return Err("the token has expired.");
        }
        Ok(())
    }

    /// Counts a failed log-in and says how many there were within the hour.
    pub fn strike(&mut self, address: &str, now: Timestamp) -> usize {
        let strikes = self.strikes.entry(address.to_owned()).or_default();
        strikes.retain(|at| now.as_second() - at.as_second() < 3600);
        strikes.push(now);
        strikes.len()
    }

    pub fn locked(&self, address: &str, now: Timestamp) -> bool {
        self.strikes.get(address).is_some_and(|strikes| {
            let recent = strikes.iter().filter(|at| now.as_second() - at.as_second() < 3600).count();
            let last = strikes.iter().max().map_or(i64::MIN, |at| at.as_second());
            recent >= STRIKES && now.as_second() - last < LOCKED_FOR
        })
    }

    pub fn forgive(&mut self, address: &str) {
        self.strikes.remove(address);
    }
}

pub(super) fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random_hex(digits: usize) -> String {
    std::iter::repeat_with(|| fastrand::char('0'..='f'))
        .filter(char::is_ascii_hexdigit)
        .take(digits)
        .collect::<String>()
        .to_ascii_lowercase()
}
