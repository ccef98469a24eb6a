//! Asking Discourse's API, and what its refusals mean. An API key says that a request is let in, `Api-Username` as
//! whom: the bridge's own account, or with a key for all users any member.
//! <https://docs.discourse.org/>, <https://meta.discourse.org/t/296032> (limits)

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{links, parse, wire};
use crate::clock::Clock;
use crate::config::ForumConfig;
use crate::forum::client::{Client, Limits, Page};
use crate::forum::{Actor, Failure, RefusalKind};

/// Whoever stands in the way of the API (a check for robots, a proxy) is left alone for this long.
const LATER: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(10);

pub struct Api {
    client: Client,
    user: Option<String>,
}

/// Discourse said no.
#[derive(Debug, Clone)]
pub struct No {
    pub status: u16,
    /// In the forum's language.
    pub message: String,
}

impl Api {
    pub fn new(config: &ForumConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(api) = &config.api {
            let mut key = HeaderValue::from_str(api.key.expose_secret()).map_err(|_| {
                Failure::SignIn(
                    "forums.api_key holds characters that no API key has; copy it again".to_owned(),
                )
            })?;
            key.set_sensitive(true);
            headers.insert("api-key", key);
            headers.insert("api-username", username(api.user.as_deref().unwrap_or_default())?);
        }
        let client = Client::new(&config.url, config.min_request_gap, Limits::default(), clock)?;
        let user = config.api.as_ref().and_then(|api| api.user.clone());
        Ok(Self { client: client.with_headers(headers).with_patience(patience), user })
    }

    pub fn base(&self) -> &Url {
        self.client.base()
    }

    /// The account that the bridge is; `None` for a guest.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Reads as the bridge. What the forum does not show is gone, as long as it still knows the bridge.
    pub async fn read<T: DeserializeOwned>(&self, url: &Url) -> Result<T, Failure> {
        match answer(self.client.get(url).await?)? {
            Ok(text) => parse::read(&text),
            Err(no) => Err(self.meaning(&no).await),
        }
    }

    /// The same as whoever acts.
    pub async fn read_as<T: DeserializeOwned>(&self, actor: &Actor, url: &Url) -> Result<T, Failure> {
        match self.send(actor, Method::GET, url, None).await? {
            Ok(text) => parse::read(&text),
            Err(no) => Err(self.meaning(&no).await),
        }
    }

    /// Does something in somebody's name. Sent once.
    pub async fn send(
        &self,
        actor: &Actor,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<Result<String, No>, Failure> {
        let mut headers = HeaderMap::new();
        if let Actor::Member { name, .. } = actor {
            headers.insert("api-username", username(name)?);
        }
        answer(self.client.call(method, url, headers, body).await?)
    }

    /// Whether the forum knows the bridge and its key, or shows itself to guests.
    pub async fn lets_in(&self) -> Result<bool, Failure> {
        match self.user() {
            Some(user) => {
                let url = self.profile(user);
                match answer(self.client.get(&url).await?)? {
                    Ok(text) => Ok(parse::read::<wire::Profile>(&text)?.user.can_edit),
                    Err(_) => Ok(false),
                }
            }
            None => {
                let url = links::path(self.base(), &["latest.json"]);
                Ok(answer(self.client.get(&url).await?)?.is_ok())
            }
        }
    }

    pub fn profile(&self, name: &str) -> Url {
        links::path(self.base(), &["u", &format!("{name}.json")])
    }

    /// What it means that something can't be read.
    pub async fn meaning(&self, no: &No) -> Failure {
        match no.status {
            404 | 410 => Failure::Gone("the forum has no such thing, or shows it to others only".to_owned()),
            401 | 403 => match self.lets_in().await {
                Ok(true) => Failure::Gone("the forum shows that to others only".to_owned()),
                Ok(false) => self.locked_out(),
                Err(failure) => failure,
            },
            _ => Failure::Unreadable(format!("the forum says: {}", short(&no.message))),
        }
    }

    /// The key or the account is not (any more) what the forum lets in.
    pub fn locked_out(&self) -> Failure {
        Failure::SignIn(match self.user() {
            Some(user) => format!(
                "the forum does not accept the API key for the account {user}; check forums.api_key and forums.api_user"
            ),
            None => "the forum shows nothing to guests; set forums.api_key and forums.api_user".to_owned(),
        })
    }

    /// What it means that something was not done.
    pub async fn refused(&self, actor: &Actor, no: &No) -> Failure {
        match (no.status, actor) {
            (404 | 410, _) => Failure::Gone("the forum has no such thread or post".to_owned()),
            (409, _) => Failure::Later {
                after: SOON,
                reason: "somebody else is just changing the same post".to_owned(),
            },
            (401 | 403, Actor::Member { name, .. }) => {
                Failure::refused(RefusalKind::NoPermission, format!("the forum does not let {name} do that"))
            }
            (401 | 403, Actor::Bridge) => match self.lets_in().await {
                Ok(true) => Failure::refused(
                    RefusalKind::NoPermission,
                    "the bridge's account may not do that on this forum",
                ),
                Ok(false) => self.locked_out(),
                Err(failure) => failure,
            },
            _ => verdict(&no.message),
        }
    }
}

/// How long Discourse asks to be left alone, in the words of its refusal: what stands between may drop `Retry-After`.
fn patience(body: &str) -> Option<Duration> {
    let seconds = serde_json::from_str::<wire::Refused>(body).ok()?.extras?.wait_seconds?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn username(name: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_bytes(name.as_bytes()).map_err(|_| {
        Failure::SignIn(format!("\"{name}\" can't be the name of a member; check forums.api_user"))
    })
}

/// The words of an answer: yes or no. Anything that is not the API's own is neither.
fn answer(page: Page) -> Result<Result<String, No>, Failure> {
    if page.status.is_success() {
        return Ok(Ok(page.text));
    }
    let status = page.status.as_u16();
    match serde_json::from_str::<wire::Refused>(&page.text) {
        Ok(refused) => Ok(Err(No { status, message: refused.errors.join(" ") })),
        // Discourse's own page for an address that it has never heard of.
        Err(_) if page.status == StatusCode::NOT_FOUND && page.text.contains("Discourse") => {
            Ok(Err(No { status, message: String::new() }))
        }
        Err(_) => Err(Failure::Later {
            after: LATER,
            reason: format!("something in front of the forum answers in its place (status {status})"),
        }),
    }
}

/// Understands a refusal in words, by the phrases of the English forum. Where none is known the forum's own sentence
/// is passed on.
pub fn verdict(message: &str) -> Failure {
    let lower = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let number = lower.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse::<u64>().ok());
    if has(&["too long ago"]) {
        return Failure::refused(RefusalKind::TooLate, "the forum's time for editing this post is over");
    }
    if has(&["too similar"]) {
        return Failure::refused(RefusalKind::Duplicate, "the very same text was posted a moment ago");
    }
    if has(&["too short", "is too short"]) {
        let least =
            number.map_or(String::new(), |least| format!(": the forum wants at least {least} characters"));
        return Failure::refused(RefusalKind::TooShort, format!("the message is too short{least}"));
    }
    if has(&["too long", "limited to", "maximum is"]) && has(&["character", "body", "maximum is"]) {
        let most =
            number.map_or(String::new(), |most| format!(": the forum takes at most {most} characters"));
        return Failure::refused(RefusalKind::TooLong, format!("the message is too long{most}"));
    }
    if has(&["embedded media", "images in a post", "image in a post"]) {
        return Failure::refused(
            RefusalKind::TooManyImages,
            "the message has more pictures than the forum allows",
        );
    }
    Failure::refused(RefusalKind::Other, format!("the forum says: {}", short(message)))
}

fn short(message: &str) -> String {
    message.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forum::Refusal;

    #[test]
    fn refusals_are_understood() {
        for (message, kind, words) in [
            (
                "Body is too short (minimum is 20 characters)",
                RefusalKind::TooShort,
                "the message is too short: the forum wants at least 20 characters",
            ),
            (
                "Body is limited to 32000 characters; you entered 40001.",
                RefusalKind::TooLong,
                "the message is too long: the forum takes at most 32000 characters",
            ),
            (
                "Body is too similar to what you recently posted",
                RefusalKind::Duplicate,
                "the very same text was posted a moment ago",
            ),
            (
                "That post was created too long ago. It can no longer be edited or deleted.",
                RefusalKind::TooLate,
                "the forum's time for editing this post is over",
            ),
            (
                "Sorry, new users can only put one embedded media item in a post.",
                RefusalKind::TooManyImages,
                "the message has more pictures than the forum allows",
            ),
            ("Nur Mitglieder", RefusalKind::Other, "the forum says: Nur Mitglieder"),
        ] {
            let Failure::Refused(Refusal { kind: found, message: said }) = verdict(message) else {
                panic!("{message}")
            };
            assert_eq!((found, said.as_str()), (kind, words), "{message}");
        }
    }

    #[test]
    fn the_wait_is_read_from_the_refusal() {
        let body = r#"{"errors":["Slow down."],"error_type":"rate_limit","extras":{"wait_seconds":17,"time_left":"17 seconds"}}"#;
        assert_eq!(patience(body), Some(Duration::from_secs(17)));
        for body in ["", "<html>", r#"{"extras":{}}"#, r#"{"extras":{"wait_seconds":-1}}"#] {
            assert_eq!(patience(body), None, "{body}");
        }
    }

    #[test]
    fn only_the_api_itself_is_believed() {
        let page = |status: u16, text: &str| Page {
            status: StatusCode::from_u16(status).expect("a status"),
            url: Url::parse("http://forum.example/").expect("an address"),
            text: text.to_owned(),
            encoding: encoding_rs::UTF_8,
        };
        assert!(matches!(answer(page(200, "{}")), Ok(Ok(_))));
        let no = r#"{"errors":["Not here."],"error_type":"not_found"}"#;
        assert!(matches!(answer(page(404, no)), Ok(Err(No { status: 404, .. }))));
        assert!(matches!(answer(page(404, "<h1>nginx</h1>")), Err(Failure::Later { .. })));
        assert!(matches!(answer(page(403, "<title>Just a moment...</title>")), Err(Failure::Later { .. })));
    }
}
