//! Asking NodeBB, and as whom. A token is one account's, or it is a master token: then every request says in `_uid` in
//! whose name it is made, which may be any member's.
//!
//! Three traps are dealt with here. A token that the forum does not know (any more) is no error where guests may read:
//! the answer is a guest's. A token of one account takes no notice of `_uid`. And an answer brings the cookie of a
//! session that belongs to whoever acted, so cookies are not kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{links, parse, verdict::verdict, wire};
use crate::clock::Clock;
use crate::config::ForumConfig;
use crate::forum::client::{Client, Limits, Page};
use crate::forum::{Actor, Failure, RefusalKind};

/// Whoever stands in the way of the API (a check for robots, a proxy) is left alone for this long.
const LATER: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(10);
/// Refusals are understood by their words, so they are asked for in this language.
const LANGUAGE: &str = "en-GB";

pub struct Api {
    client: Client,
    /// Comes without the token.
    stranger: Client,
    has_token: bool,
    /// The account that a master token is to be used for, by its number or its name.
    wanted: Option<String>,
    identity: Mutex<Option<Identity>>,
}

/// The account that the bridge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub uid: String,
    pub name: String,
    /// It can be anybody.
    pub master: bool,
}

/// NodeBB said no.
#[derive(Debug, Clone)]
pub struct No {
    pub status: u16,
    pub message: String,
}

impl Api {
    pub fn new(config: &ForumConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let client = |token: Option<HeaderValue>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/html;q=0.5"));
            headers.extend(token.map(|token| (header::AUTHORIZATION, token)));
            let client = Client::new(&config.url, config.min_request_gap, Limits::default(), clock.clone())?;
            Ok::<_, Failure>(client.with_headers(headers).without_cookies())
        };
        let token = match &config.api {
            Some(api) => {
                let token = HeaderValue::from_str(&format!("Bearer {}", api.key.expose_secret()));
                let mut token = token.map_err(|_| {
                    let why = "forums.token holds characters that no token has; copy it again";
                    Failure::SignIn(why.to_owned())
                })?;
                token.set_sensitive(true);
                Some(token)
            }
            None => None,
        };
        Ok(Self {
            stranger: client(None)?,
            has_token: token.is_some(),
            client: client(token)?,
            wanted: config.api.as_ref().and_then(|api| api.user.clone()),
            identity: Mutex::default(),
        })
    }

    pub fn base(&self) -> &Url {
        self.client.base()
    }

    pub fn has_token(&self) -> bool {
        self.has_token
    }

    /// Who the bridge is, as far as it has been asked for; `None` for a guest.
    pub fn known(&self) -> Option<Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who the bridge is; `None` for a guest.
    pub async fn identity(&self) -> Result<Option<Identity>, Failure> {
        match self.known() {
            None if self.has_token => self.introduce().await.map(Some),
            known => Ok(known),
        }
    }

    /// Asks anew who the bridge is to the forum.
    pub async fn introduce(&self) -> Result<Identity, Failure> {
        let identity = self.ask_who().await;
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity.as_ref().ok().cloned();
        identity
    }

    async fn ask_who(&self) -> Result<Identity, Failure> {
        // Guests are answered here as well: only who comes with a master token and does not say as whom is refused.
        let ping = self.url(&["api", "v3", "ping"], &[], None);
        let master = match answer(self.client.get(&ping).await?)? {
            Ok(_) => false,
            Err(No { status: 400, .. }) => true,
            Err(no) => return Err(strange(&no)),
        };
        let wanted = match (&self.wanted, master) {
            (Some(wanted), true) => Some(self.number_of(wanted).await?),
            (None, true) => {
                let why = "the token is a master token, which stands for every member; set forums.api_user to the \
                           account that the bridge is to use";
                return Err(Failure::SignIn(why.to_owned()));
            }
            (_, false) => None,
        };
        let url = self.url(&["api", "self"], &[], wanted.as_deref());
        let profile: Option<wire::Profile> = match answer(self.client.get(&url).await?)? {
            Ok(text) => parse::read(&text)?,
            Err(No { status: 401 | 403, .. }) => None,
            Err(no) => return Err(strange(&no)),
        };
        let Some(profile) = profile.filter(|profile| !matches!(profile.uid.as_str(), "" | "0")) else {
            return Err(Failure::SignIn(match wanted {
                Some(uid) => format!("the forum has no account with the number {uid}; check forums.api_user"),
                None => "the forum does not know the token (any more); check forums.token".to_owned(),
            }));
        };
        let name = parse::unescaped(&profile.username);
        if profile.banned {
            return Err(Failure::SignIn(format!("the forum has banned the account {name}; ask its admins")));
        }
        if let (Some(wanted), false) = (&self.wanted, master)
            && *wanted != profile.uid
            && !wanted.eq_ignore_ascii_case(&name)
        {
            return Err(Failure::SignIn(format!(
                "the token is the account {name}'s, not {wanted}'s; check forums.token and forums.api_user"
            )));
        }
        Ok(Identity { uid: profile.uid, name, master })
    }

    /// The number of the account that the bridge is to use. Names are looked up as a guest would: a master token can
    /// ask only in somebody's name.
    async fn number_of(&self, wanted: &str) -> Result<String, Failure> {
        if wanted.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(wanted.to_owned());
        }
        let url = self.url(&["api", "user", "username", wanted], &[], None);
        match answer(self.stranger.get(&url).await?)? {
            Ok(text) => Ok(parse::read::<wire::Profile>(&text)?.uid),
            Err(No { status: 404, .. }) => {
                let hint = "names are told apart by upper and lower case";
                Err(Failure::SignIn(format!(
                    "the forum has no member {wanted}; check forums.api_user ({hint})"
                )))
            }
            Err(_) => Err(Failure::SignIn(format!(
                "the forum shows its members to nobody who is not signed in; set forums.api_user to the number of \
                 {wanted}'s account, which /api/user/{} shows",
                links::slug_of(wanted)
            ))),
        }
    }

    /// An address of the forum, asked for in English and in the name of `uid`.
    fn url(&self, segments: &[&str], query: &[(&str, &str)], uid: Option<&str>) -> Url {
        let mut url = links::path(self.base(), segments);
        url.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("lang", LANGUAGE)
            .extend_pairs(uid.map(|uid| ("_uid", uid)));
        url
    }

    async fn address(
        &self,
        actor: &Actor,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, Failure> {
        let identity = self.identity().await?;
        let uid = match (&identity, actor) {
            (Some(Identity { master: true, .. }), Actor::Member { id, .. }) => Some(id.as_str()),
            (Some(Identity { master: true, uid, .. }), Actor::Bridge) => Some(uid.as_str()),
            // Its owner would be taken for the member.
            (_, Actor::Member { .. }) => return Err(Failure::Unsupported("act as another member")),
            (_, Actor::Bridge) => None,
        };
        Ok(self.url(segments, query, uid))
    }

    /// Reads as the bridge. What the forum does not show is gone, as long as it still knows the bridge.
    pub async fn read<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let url = self.address(&Actor::Bridge, segments, query).await?;
        let read = match answer(self.client.get(&url).await?)? {
            Ok(text) => parse::read(&text),
            Err(no) => return Err(self.meaning(&no).await),
        };
        let strange = matches!(read, Err(Failure::Unreadable(_)));
        if strange {
            // Whom it has banned the forum sends to its front page.
            self.present().await?;
        }
        read
    }

    /// The same as whoever acts, of the write API.
    pub async fn read_as<T: DeserializeOwned>(&self, actor: &Actor, segments: &[&str]) -> Result<T, Failure> {
        match self.send(actor, Method::GET, segments, None).await? {
            Ok(text) => Ok(parse::read::<wire::Answer<T>>(&text)?.response),
            Err(no) => Err(self.meaning(&no).await),
        }
    }

    /// Does something in somebody's name. Sent once.
    pub async fn send(
        &self,
        actor: &Actor,
        method: Method,
        segments: &[&str],
        body: Option<&Value>,
    ) -> Result<Result<String, No>, Failure> {
        let segments: Vec<&str> = ["api", "v3"].into_iter().chain(segments.iter().copied()).collect();
        let url = self.address(actor, &segments, &[]).await?;
        answer(self.client.call(method, &url, HeaderMap::new(), body).await?)
    }

    /// The forum knows the bridge and its token; a guest is always known.
    pub async fn present(&self) -> Result<(), Failure> {
        if self.has_token { self.introduce().await.map(|_| ()) } else { Ok(()) }
    }

    /// Whether a page was made for the bridge, and not for the guest that it is with a token that has ended.
    pub async fn made_for_us(&self, logged_in: Option<bool>) -> Result<(), Failure> {
        if !self.has_token || logged_in != Some(false) {
            return Ok(());
        }
        self.present().await?;
        Err(Failure::Later { after: SOON, reason: "the forum took the bridge for a guest".to_owned() })
    }

    /// What it means that something can't be read.
    pub async fn meaning(&self, no: &No) -> Failure {
        match no.status {
            404 | 410 => Failure::Gone("the forum has no such thing, or shows it to others only".to_owned()),
            401 | 403 => match self.present().await {
                Ok(()) => Failure::Gone("the forum shows that to others only".to_owned()),
                Err(failure) => failure,
            },
            _ => strange(no),
        }
    }

    /// What it means that something was not done.
    pub async fn refused(&self, actor: &Actor, no: &No) -> Failure {
        match (no.status, actor) {
            (404 | 410, _) => Failure::Gone("the forum has no such thread or post".to_owned()),
            (413, _) => {
                Failure::refused(RefusalKind::TooLong, "the message is longer than the forum's server takes")
            }
            (426, _) => {
                let why = "the forum takes requests over https only; set forums.url to its https address";
                Failure::SignIn(why.to_owned())
            }
            (401 | 403, _) => match (self.present().await, actor) {
                (Err(failure), _) => failure,
                (Ok(()), Actor::Member { name, .. }) => Failure::refused(
                    RefusalKind::NoPermission,
                    format!("the forum does not let {name} do that"),
                ),
                (Ok(()), Actor::Bridge) => Failure::refused(
                    RefusalKind::NoPermission,
                    "the bridge's account may not do that on this forum",
                ),
            },
            _ => verdict(&no.message),
        }
    }
}

fn strange(no: &No) -> Failure {
    let said: String = no.message.chars().take(300).collect();
    Failure::Unreadable(format!("the forum says (status {}): {said}", no.status))
}

/// The words of an answer: yes or no. Anything that is not the forum's own is neither.
fn answer(page: Page) -> Result<Result<String, No>, Failure> {
    if page.status.is_success() {
        return Ok(Ok(page.text));
    }
    let status = page.status.as_u16();
    match serde_json::from_str::<Value>(&page.text) {
        Ok(said) => {
            let refused: Option<wire::Refused> = serde_json::from_value(said.clone()).ok();
            let message = refused.map(|refused| refused.status.message);
            let other = || said["error"].as_str().or(said["title"].as_str()).unwrap_or_default().to_owned();
            Ok(Err(No { status, message: message.unwrap_or_else(other) }))
        }
        // The forum's own word for an address that it has never heard of, to whoever wants no page.
        Err(_) if page.status == StatusCode::NOT_FOUND && page.text.trim() == "Not found" => {
            Ok(Err(No { status, message: String::new() }))
        }
        Err(_) => Err(Failure::Later {
            after: LATER,
            reason: format!("something in front of the forum answers in its place (status {status})"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_forum_itself_is_believed() {
        let page = |status: u16, text: &str| Page {
            status: StatusCode::from_u16(status).expect("a status"),
            url: Url::parse("http://forum.example/").expect("an address"),
            text: text.to_owned(),
            encoding: encoding_rs::UTF_8,
        };
        assert!(matches!(answer(page(200, "{}")), Ok(Ok(_))));
        let no = r#"{"status":{"code":"bad-request","message":"Topic locked"},"response":{}}"#;
        assert!(
            matches!(answer(page(400, no)), Ok(Err(No { status: 400, message })) if message == "Topic locked")
        );
        assert!(matches!(answer(page(401, r#""not-authorized""#)), Ok(Err(No { status: 401, .. }))));
        let page_404 = r#"{"path":"/topic/9","title":"[[global:404.title]]"}"#;
        assert!(matches!(answer(page(404, page_404)), Ok(Err(No { status: 404, .. }))));
        assert!(matches!(answer(page(404, "<h1>nginx</h1>")), Err(Failure::Later { .. })));
        assert!(matches!(answer(page(403, "<title>Just a moment...</title>")), Err(Failure::Later { .. })));
    }
}
