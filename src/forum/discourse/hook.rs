//! News that Discourse pushes (`/admin/api/web_hooks`). A delivery is let in when the body carries the right HMAC and is
//! not old; even then it only says where to look: nothing in it is believed. It has names, so that whoever listens
//! knows a repetition.
//! <https://meta.discourse.org/t/49045>

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use crate::clock::Clock;
use crate::forum::{Delivery, News};
use crate::model::{PostId, ThreadId};

/// Discourse tries a failed delivery again for a few hours; what is older than this was kept back by somebody.
const OLDEST: Duration = Duration::from_secs(6 * 3600);

pub struct Hook {
    secret: SecretString,
    clock: Arc<dyn Clock>,
}

/// What of a delivery is looked at.
#[derive(Deserialize)]
struct Body {
    post: Option<Post>,
    topic: Option<Topic>,
    like: Option<Like>,
}

#[derive(Deserialize)]
struct Post {
    id: u64,
    topic_id: u64,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Topic {
    id: u64,
}

#[derive(Deserialize)]
struct Like {
    post: Option<Post>,
}

impl Hook {
    pub fn new(secret: SecretString, clock: Arc<dyn Clock>) -> Self {
        Self { secret, clock }
    }

    /// Where a delivery says that something happened. The error is why it is not listened to.
    pub fn hear(&self, delivery: &Delivery<'_>) -> Result<News, String> {
        let header =
            |name: &str| delivery.header(name).ok_or_else(|| format!("the header {name} is missing"));
        let signature = header("x-discourse-event-signature")?;
        let digest =
            signature.strip_prefix("sha256=").and_then(bytes).ok_or("the signature is not a SHA-256")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes())
            .map_err(|_| "the secret can't be used")?;
        mac.update(delivery.body);
        // Compares in constant time.
        mac.verify_slice(&digest)
            .map_err(|_| "the signature is wrong; is the webhook's secret the same on both sides?")?;

        let event = header("x-discourse-event")?;
        let id = header("x-discourse-event-id")?;
        let body: Body = match event {
            "ping" => Body { post: None, topic: None, like: None },
            _ => serde_json::from_slice(delivery.body).map_err(|_| "the body is not what Discourse sends")?,
        };
        let post = body.post.or(body.like.and_then(|like| like.post));
        self.check_age(event, post.as_ref())?;
        // The id travels outside of what is signed, so the same body under another id is a repetition too.
        let print: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let thread = post.as_ref().map(|post| post.topic_id).or(body.topic.map(|topic| topic.id));
        Ok(News {
            thread: thread.map(|id| ThreadId::new(id.to_string())),
            post: post.map(|post| PostId::new(post.id.to_string())),
            names: vec![format!("id:{id}"), format!("body:{print}")],
        })
    }

    /// Only what was just written or changed carries its own time; the signature covers it.
    fn check_age(&self, event: &str, post: Option<&Post>) -> Result<(), String> {
        if !matches!(event, "post_created" | "post_edited") {
            return Ok(());
        }
        let at = post.and_then(|post| post.updated_at.as_deref()?.parse::<Timestamp>().ok());
        let age = at.map(|at| self.clock.now().duration_since(at));
        match age.map(Duration::try_from) {
            Some(Ok(age)) if age > OLDEST => Err("the delivery is old".to_owned()),
            _ => Ok(()),
        }
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn signed(secret: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
        mac.update(body);
        let digest = mac.finalize().into_bytes();
        format!("sha256={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    fn hear(hook: &Hook, event: &str, id: &str, signature: &str, body: &[u8]) -> Result<News, String> {
        let headers = [
            ("x-discourse-event", event),
            ("x-discourse-event-id", id),
            ("x-discourse-event-signature", signature),
        ];
        let header = |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
        hook.hear(&Delivery::new(&header, body))
    }

    #[test]
    fn only_a_right_fresh_and_recent_delivery_is_heard() {
        let clock = Arc::new(ManualClock::new("2026-05-01T12:00:00Z".parse().expect("a time")));
        let hook = Hook::new("open sesame".to_owned().into(), clock.clone());
        let body = br#"{"post":{"id":41,"topic_id":7,"updated_at":"2026-05-01T11:59:58.000Z","raw":"x"}}"#;
        let right = signed("open sesame", body);
        assert!(
            hear(&hook, "post_created", "1", &signed("wrong", body), body).unwrap_err().contains("secret")
        );
        assert!(hear(&hook, "post_created", "1", "sha256=zz", body).is_err());
        let mut changed = body.to_vec();
        changed[14] = b'2';
        assert!(hear(&hook, "post_created", "1", &right, &changed).is_err());

        let news = hear(&hook, "post_created", "1", &right, body).expect("news");
        assert_eq!(news.post, Some(PostId::new("41")));
        assert_eq!(news.thread, Some(ThreadId::new("7")));
        let again = hear(&hook, "post_created", "2", &right, body).expect("news");
        assert_eq!(news.names[1], again.names[1], "the same body under another id");
        assert_ne!(news.names[0], again.names[0]);
        clock.advance(Duration::from_secs(7 * 3600));
        let other = br#"{"post":{"id":42,"topic_id":7,"updated_at":"2026-05-01T11:59:58.000Z"}}"#;
        let old = hear(&hook, "post_created", "3", &signed("open sesame", other), other).unwrap_err();
        assert!(old.contains("old"), "{old}");
        let like = br#"{"like":{"post":{"id":42,"topic_id":7}}}"#;
        let news = hear(&hook, "post_liked", "4", &signed("open sesame", like), like).expect("news");
        assert_eq!(news.post, Some(PostId::new("42")));
        assert!(hear(&hook, "ping", "5", &signed("open sesame", b"{}"), b"{}").is_ok());
        assert_eq!(
            hear(&hook, "ping", "1", &signed("open sesame", b"{}"), b"{}").expect("it").names[0],
            "id:1"
        );
    }
}
