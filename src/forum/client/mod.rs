//! The polite HTTP client that all engines share. One per forum and viewer.
//!
//! It keeps a gap between requests and honours `Crawl-delay` and `Retry-After`; asks again for what it has
//! only with `If-None-Match`; takes no more bytes than a page can have, packed or unpacked; follows
//! redirects by hand and never off the forum's own origin; and tells "certainly not done" from "perhaps
//! done". It knows no engine.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use encoding_rs::Encoding;
use flate2::read::{GzDecoder, ZlibDecoder};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, redirect};
use url::Url;

use super::{Failure, charset};
use crate::clock::Clock;
use crate::fence;

mod cookies;
mod rest;
mod robots;

pub use cookies::Cookies;
use rest::Rest;

/// How the client introduces itself. vBulletin ties a session to it, so it never changes within a run.
pub const USER_AGENT: &str =
    concat!("threadbridge/", env!("CARGO_PKG_VERSION"), " (forum to Discord bridge; polite reader)");

/// Limits of one client. The defaults suit real forums; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes on the wire, and after unpacking.
    pub wire: usize,
    pub unpacked: usize,
    /// Bytes of the largest page that is kept for a conditional request.
    pub kept: usize,
    pub connect: Duration,
    /// From the request to the last byte of the answer.
    pub whole: Duration,
    /// A forum that is in trouble and names no time is left alone for this long.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wire: 4 * 1024 * 1024,
            unpacked: 8 * 1024 * 1024,
            kept: 256 * 1024,
            connect: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            pause: Duration::from_secs(30),
        }
    }
}

/// A GET is tried so often before a fault of the network or the server is believed.
const TRIES: u32 = 3;
const MOST_REDIRECTS: usize = 5;
/// Pages that came with a validator are kept for a conditional request; so many.
const KEPT_PAGES: usize = 32;
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// A page as it came.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: StatusCode,
    /// Where it came from, after redirects.
    pub url: Url,
    pub text: String,
    /// What forms of this page have to be sent in.
    pub encoding: &'static Encoding,
}

/// What a POST came to, before any redirect is followed.
#[derive(Debug)]
pub enum Posted {
    Page(Page),
    /// The forum sends the browser on: usually the proof that it was done.
    Redirect(Url),
}

/// See the module.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    limits: Limits,
    gap: Duration,
    clock: Arc<dyn Clock>,
    /// Goes with every request, before what a single one adds.
    headers: HeaderMap,
    /// What an answer of 429 says in its body of how long to wait.
    patience: fn(&str) -> Option<Duration>,
    pub cookies: Cookies,
    keeps_cookies: bool,
    /// When the next request may start. Async, so that requests queue up fairly. All visitors of one forum share it.
    turn: Arc<tokio::sync::Mutex<Option<Instant>>>,
    rest: Arc<Mutex<Rest>>,
    crawl_delay: Arc<tokio::sync::Mutex<robots::Delay>>,
    kept: Mutex<HashMap<Url, Kept>>,
}

struct Kept {
    validators: HeaderMap,
    page: Page,
    used: Instant,
}

impl Client {
    pub fn new(base: &Url, gap: Duration, limits: Limits, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .connect_timeout(limits.connect)
            .timeout(limits.whole)
            .pool_max_idle_per_host(2)
            .build()
            .map_err(|error| Failure::Unreadable(format!("the HTTP client can't be set up: {error}")))?;
        Ok(Self {
            http,
            base: base.clone(),
            limits,
            gap,
            clock,
            headers: HeaderMap::new(),
            patience: |_| None,
            cookies: Cookies::default(),
            keeps_cookies: true,
            turn: Arc::default(),
            rest: Arc::new(Mutex::new(Rest::new(limits.pause))),
            crawl_delay: Arc::default(),
            kept: Mutex::default(),
        })
    }

    /// Another visitor of the same forum, in the same queue.
    pub fn beside(&self) -> Self {
        Self {
            http: self.http.clone(),
            base: self.base.clone(),
            limits: self.limits,
            gap: self.gap,
            clock: self.clock.clone(),
            headers: self.headers.clone(),
            patience: self.patience,
            cookies: Cookies::default(),
            keeps_cookies: self.keeps_cookies,
            turn: self.turn.clone(),
            rest: self.rest.clone(),
            crawl_delay: self.crawl_delay.clone(),
            kept: Mutex::default(),
        }
    }

    /// Every request carries these: how an API knows who asks, and that it is to answer in JSON.
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Reads from the body of a 429 how long to wait, where `Retry-After` does not say.
    pub fn with_patience(mut self, patience: fn(&str) -> Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// Comes as a stranger each time: where a request says itself who asks, a session of the one before would only be
    /// mistaken for somebody else's.
    pub fn without_cookies(mut self) -> Self {
        self.keeps_cookies = false;
        self
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Fetches a page, following redirects within the forum.
    pub async fn get(&self, url: &Url) -> Result<Page, Failure> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            self.own(&url)?;
            match self.get_once(&url).await? {
                Posted::Page(page) => return Ok(page),
                Posted::Redirect(next) => url = next,
            }
        }
        Err(Failure::Unreadable("the forum redirects in a circle".to_owned()))
    }

    /// Sends a form, encoded as the forum's pages are. Never sent twice: where no answer came the outcome
    /// is uncertain.
    pub async fn post(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        encoding: &'static Encoding,
    ) -> Result<Posted, Failure> {
        self.own(url)?;
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| {
                format!("{}={}", charset::form_value(name, encoding), charset::form_value(value, encoding))
            })
            .collect();
        self.await_turn().await?;
        if fence::is_up() {
            let reason = "this took too long, and another may have it by now".to_owned();
            return Err(Failure::Later { after: Duration::ZERO, reason });
        }
        let request = self
            .request(Method::POST, url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.join("&"));
        match self.send(request, url).await {
            Ok(answer) => Ok(answer),
            Err(Trouble::NotSent(reason)) => Err(Failure::Later { after: self.limits.pause, reason }),
            Err(Trouble::Busy(after, reason)) => Err(Failure::Later { after, reason }),
            Err(Trouble::Lost(reason)) => Err(Failure::Uncertain { reason }),
            Err(Trouble::Wrong(failure)) => Err(failure),
        }
    }

    /// One request to an API, sent once; whatever the API says to it is an answer. `headers` take the place of the
    /// client's own of the same name.
    pub async fn call(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Option<&serde_json::Value>,
    ) -> Result<Page, Failure> {
        self.own(url)?;
        self.await_turn().await?;
        let reads = method == Method::GET;
        let mut request = self.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.json(body);
        }
        match self.send(request, url).await {
            Ok(Posted::Page(page)) => Ok(page),
            Ok(Posted::Redirect(_)) => Err(Failure::Unreadable(
                "the forum sends the request on to another address; set forums.url to the forum's present address"
                    .to_owned(),
            )),
            Err(Trouble::NotSent(reason)) => Err(Failure::Later { after: self.limits.pause, reason }),
            Err(Trouble::Busy(after, reason)) => Err(Failure::Later { after, reason }),
            Err(Trouble::Lost(reason)) if reads => Err(Failure::Later { after: self.limits.pause, reason }),
            Err(Trouble::Lost(reason)) => Err(Failure::Uncertain { reason }),
            Err(Trouble::Wrong(failure)) => Err(failure),
        }
    }

    async fn get_once(&self, url: &Url) -> Result<Posted, Failure> {
        let mut last = None;
        for attempt in 0..TRIES {
            if attempt > 0 {
                let wait = Duration::from_millis(200 * 4_u64.pow(attempt - 1));
                tokio::time::sleep(wait.mul_f64(1.0 + fastrand::f64() / 2.0)).await;
            }
            self.await_turn().await?;
            let mut request = self.request(Method::GET, url);
            if let Some(validators) = self.validators(url) {
                request = request.headers(validators);
            }
            match self.send(request, url).await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Wrong(failure)) => return Err(failure),
                Err(Trouble::Busy(after, reason)) => {
                    // The forum asked for patience: that is not to be answered with haste.
                    return Err(Failure::Later { after, reason });
                }
                Err(Trouble::NotSent(reason) | Trouble::Lost(reason)) => last = Some(reason),
            }
        }
        Err(Failure::Later {
            after: self.limits.pause,
            reason: last.unwrap_or_else(|| "the forum does not answer".to_owned()),
        })
    }

    fn request(&self, method: Method, url: &Url) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .request(method, url.clone())
            .header(header::ACCEPT_ENCODING, "gzip, deflate")
            .header(header::ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5")
            .headers(self.headers.clone());
        if let Some(cookies) = self.cookies.header() {
            request = request.header(header::COOKIE, cookies);
        }
        request
    }

    async fn send(&self, request: reqwest::RequestBuilder, url: &Url) -> Result<Posted, Trouble> {
        let answer = self.exchange(request, url).await;
        let mut rest = self.rest();
        match &answer {
            Err(Trouble::NotSent(reason) | Trouble::Lost(reason) | Trouble::Busy(_, reason)) => {
                rest.failed(reason, self.clock.monotonic());
            }
            Ok(Posted::Page(page)) if matches!(page.status.as_u16(), 401 | 403) => {
                rest.failed("the forum does not let the bridge in", self.clock.monotonic());
            }
            Ok(_) | Err(Trouble::Wrong(_)) => rest.answered(),
        }
        drop(rest);
        answer
    }

    /// The forum answered that it is closed to everybody for now: all leave it alone for a while.
    pub fn closed(&self, reason: &str) {
        self.rest().closed(reason, self.clock.monotonic());
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, url: &Url) -> Result<Posted, Trouble> {
        let response = request.send().await.map_err(|error| {
            let reason = plain(&error);
            if error.is_connect() || error.is_builder() {
                Trouble::NotSent(reason)
            } else {
                Trouble::Lost(reason)
            }
        })?;
        if self.keeps_cookies {
            self.cookies.take(response.headers());
        }
        let status = response.status();
        let headers = response.headers().clone();
        if status == StatusCode::NOT_MODIFIED
            && let Some(page) = self.kept_page(url)
        {
            return Ok(Posted::Page(page));
        }
        if status.is_redirection() {
            let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok()).ok_or_else(|| {
                Trouble::Wrong(Failure::Unreadable("the forum redirects to nowhere".to_owned()))
            })?;
            self.own(&next).map_err(Trouble::Wrong)?;
            return Ok(Posted::Redirect(next));
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let mut after = retry_after(&headers, self.clock.now());
            if after.is_none() && status == StatusCode::TOO_MANY_REQUESTS {
                let body = self.body(response).await.and_then(|bytes| self.unpack(bytes, &headers));
                after = body.ok().and_then(|body| (self.patience)(&String::from_utf8_lossy(&body)));
            }
            let reason = match status.as_u16() {
                429 => "the forum asks for fewer requests".to_owned(),
                503 => "the forum is closed for maintenance or overloaded".to_owned(),
                code => format!("the forum's server fails (status {code})"),
            };
            // A gateway in front of the forum may have passed the request on before it failed.
            let asked_to_wait = after.is_some() || matches!(status.as_u16(), 429 | 503);
            return Err(if asked_to_wait {
                Trouble::Busy(after.unwrap_or(self.limits.pause).min(LONGEST_PAUSE), reason)
            } else {
                Trouble::Lost(reason)
            });
        }
        let bytes = self.body(response).await?;
        let unpacked = self.unpack(bytes, &headers)?;
        let charset =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(|kind| {
                let (_, label) = kind.split_once("charset=")?;
                Some(label.trim_matches(['"', '\'', ' ', ';']).to_owned())
            });
        let (text, encoding) = charset::decode(&unpacked, charset.as_deref());
        let page = Page { status, url: url.clone(), text, encoding };
        self.keep(url, &headers, &page);
        Ok(Posted::Page(page))
    }

    /// The answer's bytes, no more than may be on the wire.
    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Trouble> {
        let too_large =
            || Trouble::Wrong(Failure::Unreadable("the forum's answer is far larger than a page".to_owned()));
        if response.content_length().is_some_and(|length| length > self.limits.wire as u64) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > self.limits.wire => return Err(too_large()),
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Ok(bytes),
                Err(error) => return Err(Trouble::Lost(plain(&error))),
            }
        }
    }

    fn unpack(&self, bytes: Vec<u8>, headers: &HeaderMap) -> Result<Vec<u8>, Trouble> {
        let coding =
            headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut reader: Box<dyn Read> = match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Box::new(GzDecoder::new(bytes.as_slice())),
            "deflate" => Box::new(ZlibDecoder::new(bytes.as_slice())),
            _ => return Ok(bytes),
        };
        let mut unpacked = Vec::new();
        let limit = self.limits.unpacked as u64;
        match reader.by_ref().take(limit + 1).read_to_end(&mut unpacked) {
            Ok(length) if length as u64 > limit => Err(Trouble::Wrong(Failure::Unreadable(
                "the forum's answer is far larger than a page once it is unpacked".to_owned(),
            ))),
            Ok(_) => Ok(unpacked),
            // Cut off on the way.
            Err(_) => Err(Trouble::Lost("the forum's answer arrived incomplete".to_owned())),
        }
    }

    /// Waits until the gap since the last request has passed. Whoever asks first goes first. A forum that is down is
    /// not waited for.
    async fn await_turn(&self) -> Result<(), Failure> {
        let gap = self.gap.max(self.delay().await);
        let mut turn = self.turn.lock().await;
        let now = self.clock.monotonic();
        if let Some(wait) = turn.and_then(|next| next.checked_duration_since(now)) {
            tokio::time::sleep(wait).await;
        }
        let now = self.clock.monotonic();
        self.rest().may_go(now).map_err(|(after, reason)| Failure::Later { after, reason })?;
        *turn = Some(now + gap);
        Ok(())
    }

    /// The forum's `Crawl-delay`, asked for once a day.
    async fn delay(&self) -> Duration {
        let mut delay = self.crawl_delay.lock().await;
        let now = self.clock.monotonic();
        if !delay.is_fresh(now) {
            let text = match self.base.join("/robots.txt") {
                Ok(url) => match self.request(Method::GET, &url).send().await {
                    Ok(answer) if answer.status().is_success() => self.body(answer).await.ok(),
                    _ => None,
                },
                Err(_) => None,
            };
            let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            *delay = robots::Delay::read(&text, now);
        }
        delay.wait
    }

    /// Only the forum's own origin is ever spoken to; a forum that moved from http to https is the same.
    fn own(&self, url: &Url) -> Result<(), Failure> {
        let port = |url: &Url| url.port().filter(|port| !matches!(port, 80 | 443));
        let upgraded = self.base.scheme() == "http" && url.scheme() == "https";
        let same = (url.scheme() == self.base.scheme() || upgraded)
            && url.host_str() == self.base.host_str()
            && port(url) == port(&self.base)
            && url.username().is_empty();
        if same {
            return Ok(());
        }
        Err(Failure::Unreadable(format!(
            "the forum sends us to another site ({}); set forums.url to the forum's present address",
            url.host_str().unwrap_or("no host")
        )))
    }

    fn validators(&self, url: &Url) -> Option<HeaderMap> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.get_mut(url)?;
        entry.used = self.clock.monotonic();
        Some(entry.validators.clone())
    }

    fn kept_page(&self, url: &Url) -> Option<Page> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(url).map(|kept| kept.page.clone())
    }

    fn keep(&self, url: &Url, headers: &HeaderMap, page: &Page) {
        let mut validators = HeaderMap::new();
        for (from, to) in
            [(header::ETAG, header::IF_NONE_MATCH), (header::LAST_MODIFIED, header::IF_MODIFIED_SINCE)]
        {
            if let Some(value) = headers.get(from).filter(|value| HeaderValue::len(value) < 512) {
                validators.insert(to, value.clone());
            }
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(url);
        if validators.is_empty() || page.status != StatusCode::OK || page.text.len() > self.limits.kept {
            return;
        }
        if kept.len() >= KEPT_PAGES
            && let Some(oldest) = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(url, _)| url.clone())
        {
            kept.remove(&oldest);
        }
        let used = self.clock.monotonic();
        kept.insert(url.clone(), Kept { validators, page: page.clone(), used });
    }
}

/// Why there is no answer.
enum Trouble {
    /// Certainly not received.
    NotSent(String),
    /// Perhaps received and done.
    Lost(String),
    /// Received and not done: the server asks to come later.
    Busy(Duration, String),
    Wrong(Failure),
}

/// What went wrong on the network, without addresses (they may hold tokens).
fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "the forum does not answer in time".to_owned()
    } else if error.is_connect() {
        "the forum can't be reached".to_owned()
    } else {
        "the connection to the forum broke".to_owned()
    }
}

/// `Retry-After` in seconds or as a date.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
fn retry_after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Duration::try_from(at.duration_since(now)).ok()
}

#[cfg(test)]
mod tests;
