//! One request: sent under the pacer, its outcome told apart into what certainly happened, what
//! certainly did not, and what nobody knows.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::{Rest, parse};
use crate::discord::pacer::{Answer, Hidden, Hold, Route};
use crate::discord::{DiscordError, loopback};
use crate::fence;

/// Discord turns away clients without this form of name.
/// <https://docs.discord.com/developers/reference#user-agent>
fn user_agent() -> String {
    let home = [env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")];
    // Without a home of its own it names none: addresses under "invalid" are nobody's (RFC 2606).
    let home = home.into_iter().find(|url| !url.is_empty()).unwrap_or("https://threadbridge.invalid/");
    format!("DiscordBot ({home}, {})", env!("CARGO_PKG_VERSION"))
}

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(20);

/// A connection that rested longer may be closed from the other side just as it is used.
const IDLE: Duration = Duration::from_secs(30);

/// What is said of a webhook that Discord no longer knows.
pub const NO_WEBHOOK: &str = "the webhook is no longer there";

/// How long to leave Discord alone when it can't be reached or is in trouble.
const TROUBLE: Duration = Duration::from_secs(3);

pub fn client(api_url: &Url) -> Result<reqwest::Client, DiscordError> {
    let builder = reqwest::Client::builder()
        .user_agent(user_agent())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT)
        .pool_idle_timeout(IDLE)
        // A redirect would carry the token elsewhere.
        .redirect(reqwest::redirect::Policy::none());
    // What is on this machine is not reached through a proxy.
    let builder = if loopback(api_url) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| refused(0, format!("the HTTP client could not be set up: {error}")))
}

pub fn base(api_url: &Url) -> Result<Url, DiscordError> {
    if !matches!(api_url.scheme(), "http" | "https") || !api_url.has_host() {
        return Err(refused(0, "discord.api_url must be an http or https address".into()));
    }
    let text = format!("{}/api/v10/", api_url.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|_| refused(0, "discord.api_url is not an address".into()))
}

/// The `Authorization` header of the bot.
pub fn authorization(token: &SecretString) -> Result<SecretString, DiscordError> {
    let header = format!("Bot {}", token.expose_secret().trim());
    HeaderValue::from_str(&header).map_err(|_| DiscordError::Token)?;
    Ok(header.into())
}

/// A request to be made.
pub struct Call {
    route: Route,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// Doing it twice is as good as once.
    repeatable: bool,
    /// The permissions without which Discord says no.
    needs: &'static str,
}

impl Call {
    fn new(
        method: Method,
        template: &'static str,
        major: u64,
        path: impl Into<String>,
        repeatable: bool,
    ) -> Self {
        Self {
            route: Route { method, template, major, hidden: None },
            path: path.into(),
            query: Vec::new(),
            body: None,
            repeatable,
            needs: "",
        }
    }

    pub fn get(template: &'static str, major: u64, path: impl Into<String>) -> Self {
        Self::new(Method::GET, template, major, path, true)
    }

    pub fn put(template: &'static str, major: u64, path: impl Into<String>) -> Self {
        Self::new(Method::PUT, template, major, path, true)
    }

    pub fn patch(template: &'static str, major: u64, path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, template, major, path, true)
    }

    pub fn delete(template: &'static str, major: u64, path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, template, major, path, true)
    }

    /// Posting twice makes two.
    pub fn post(template: &'static str, major: u64, path: impl Into<String>) -> Self {
        Self::new(Method::POST, template, major, path, false)
    }

    pub fn query(mut self, key: &'static str, value: impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn needs(mut self, permissions: &'static str) -> Self {
        self.needs = permissions;
        self
    }

    pub fn hidden(mut self, hidden: Hidden) -> Self {
        self.route.hidden = Some(hidden);
        self
    }
}

impl Rest {
    /// Makes the request and returns Discord's answer, `Null` where it says nothing readable. A 429 is
    /// waited out here as long as the pacer's patience lasts.
    pub(super) async fn ask(&self, call: Call) -> Result<Value, DiscordError> {
        let url =
            self.base.join(call.path.trim_start_matches('/')).map_err(|_| unreadable("a request's path"))?;
        let authorization = HeaderValue::from_str(self.authorization.expose_secret())
            .map_err(|_| DiscordError::Token)
            .map(|mut value| {
                value.set_sensitive(true);
                value
            })?;
        let deadline = self.pacer.deadline();
        loop {
            let permit = self.pacer.admit(&call.route, self.priority, deadline).await.map_err(held)?;
            if fence::is_up() {
                let reason = "this took too long, and another may have it by now".to_owned();
                return Err(DiscordError::Later { after: Duration::ZERO, reason });
            }
            let mut request = self
                .http
                .request(call.route.method.clone(), url.clone())
                .header(AUTHORIZATION, authorization.clone())
                .query(&call.query);
            if let Some(body) = &call.body {
                request = request.json(body);
            }
            let response = request.send().await.map_err(|error| unanswered(error, call.repeatable))?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            let body = response.bytes().await;
            let bytes = body.as_deref().unwrap_or_default();
            permit.answered(&Answer::read(status, &headers, bytes));
            match status {
                // Not certain to be ours to repeat, but Discord says that nothing was done.
                429 => {}
                200..=299 => match body {
                    Ok(bytes) => return Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
                    Err(error) => return Err(unanswered(error, call.repeatable)),
                },
                500..=599 => return Err(broken(status, call.repeatable)),
                _ => {
                    return Err(failure(
                        status,
                        &serde_json::from_slice(bytes).unwrap_or_default(),
                        call.needs,
                    ));
                }
            }
        }
    }
}

fn held(hold: Hold) -> DiscordError {
    DiscordError::Later { after: hold.after, reason: hold.reason }
}

/// No answer, or half of one. The address is left out of the reason: a webhook's holds its token.
fn unanswered(error: reqwest::Error, repeatable: bool) -> DiscordError {
    let never_sent = error.is_connect() || error.is_builder();
    let reason = if error.is_timeout() {
        "it took too long".to_owned()
    } else if error.is_connect() {
        "Discord can't be reached".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    tracing::debug!(error = %error.without_url(), "a request to Discord failed");
    if never_sent || repeatable {
        DiscordError::Later { after: TROUBLE, reason }
    } else {
        DiscordError::Uncertain { reason }
    }
}

fn broken(status: u16, repeatable: bool) -> DiscordError {
    let reason = format!("Discord has trouble of its own (HTTP {status})");
    if repeatable {
        DiscordError::Later { after: TROUBLE, reason }
    } else {
        DiscordError::Uncertain { reason }
    }
}

/// What a 4xx means: <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>.
fn failure(status: u16, body: &Value, needs: &'static str) -> DiscordError {
    let code = body["code"].as_u64().unwrap_or(0);
    let message = parse::complaint(body).unwrap_or_else(|| format!("HTTP {status}"));
    match (status, code) {
        (_, 50083) => DiscordError::Archived,
        (_, 50027 | 10015) => DiscordError::Gone(NO_WEBHOOK.into()),
        (_, 10003) => DiscordError::Gone("the channel or thread is no longer there".into()),
        (_, 10008) => DiscordError::Gone("the message is no longer there".into()),
        (401, _) => DiscordError::Token,
        (_, 50001) => DiscordError::Forbidden(
            "the bot can't see this channel; give it the permission View Channel there".into(),
        ),
        (_, 160005) => DiscordError::Locked,
        (_, 30007) => DiscordError::Refused {
            code,
            message: "the channel has as many webhooks as Discord allows; delete one".into(),
        },
        (403, _) if needs.is_empty() => {
            DiscordError::Forbidden(format!("the bot may not do this ({message})"))
        }
        (403, _) => {
            DiscordError::Forbidden(format!("the bot lacks a permission in this channel; it needs {needs}"))
        }
        (404, 10000..=10999) => DiscordError::Gone(format!("it is no longer there ({message})")),
        _ => DiscordError::Refused { code: if code == 0 { status.into() } else { code }, message },
    }
}

pub fn refused(code: u64, message: String) -> DiscordError {
    DiscordError::Refused { code, message }
}

/// An answer to a question that changes nothing, and that makes no sense.
pub fn unreadable(what: &str) -> DiscordError {
    DiscordError::Later { after: TROUBLE, reason: format!("Discord's answer does not hold {what}") }
}
