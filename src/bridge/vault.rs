//! Seals what keeps members signed in to a forum, with a key that is never in the database. What is sealed for one
//! person on one forum opens for nobody else: who it is for is part of what is authenticated.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};

use crate::config::SessionKey;
use crate::model::{ForumKey, UserId};

const NONCE: usize = 24;

/// See the module.
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    pub fn new(key: &SessionKey) -> Self {
        Self(XChaCha20Poly1305::new(key.bytes().into()))
    }

    /// Only without the system's randomness is there no answer.
    pub fn seal(&self, forum: &ForumKey, person: UserId, secret: &SecretString) -> Option<String> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let whose = whose(forum, person);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: whose.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(nonce.iter().chain(&sealed).map(|byte| format!("{byte:02x}")).collect())
    }

    /// `None` where it was sealed with another key or for somebody else, or was changed since.
    pub fn open(&self, forum: &ForumKey, person: UserId, sealed: &str) -> Option<SecretString> {
        let bytes = unhex(sealed)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let whose = whose(forum, person);
        let payload = Payload { msg: sealed, aad: whose.as_bytes() };
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let opened = self.0.decrypt(&XNonce::from(nonce), payload).ok()?;
        String::from_utf8(opened).ok().map(SecretString::from)
    }
}

fn whose(forum: &ForumKey, person: UserId) -> String {
    format!("threadbridge session\n{forum}\n{person}")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(key: char) -> Vault {
        Vault::new(&SessionKey::read(&key.to_string().repeat(64)).expect("a key"))
    }

    #[test]
    fn what_is_sealed_opens_for_its_own_person_with_its_own_key_alone() {
        let (edu, ann, bob) = (ForumKey::new("edu"), UserId(1), UserId(2));
        let secret = SecretString::from("bb_sessionhash=canary");
        let sealed = vault('a').seal(&edu, ann, &secret).expect("randomness");
        assert!(!sealed.contains("canary"));
        assert_ne!(
            sealed,
            vault('a').seal(&edu, ann, &secret).expect("randomness"),
            "each has its own nonce"
        );
        let opened = vault('a').open(&edu, ann, &sealed).expect("it opens");
        assert_eq!(opened.expose_secret(), secret.expose_secret());
        let mut changed = sealed.clone();
        changed.replace_range(60..61, if &sealed[60..61] == "0" { "1" } else { "0" });
        for (vault, forum, person, sealed) in [
            (vault('b'), edu.clone(), ann, sealed.as_str()),
            (vault('a'), edu.clone(), bob, sealed.as_str()),
            (vault('a'), ForumKey::new("wow"), ann, sealed.as_str()),
            (vault('a'), edu.clone(), ann, changed.as_str()),
            (vault('a'), edu.clone(), ann, &sealed[..40]),
            (vault('a'), edu.clone(), ann, "é"),
            (vault('a'), edu, ann, ""),
        ] {
            assert!(vault.open(&forum, person, sealed).is_none(), "{forum} {person} {sealed}");
        }
    }
}
