//! The same forum behind another face: Discourse's JSON API, as its description and its web client have it. A key for
//! all users lets the caller be any member by `Api-Username`; what a member may not see is 404, what they may not do
//! 403, and what is wrong with a text 422.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ledger::{Action, ApiCall, Entry, Outcome};
use super::plain::{decoded, topic_page};
use super::state::{PostFacts, State, ThreadFacts};
use super::wire::Reply;
use super::{Charset, Forum, Options};

mod cook;
mod show;
mod write;

pub(super) use cook::{cooked, from_bbcode};

/// What the forum's admin gives to the bridge.
pub const API_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// Every Discourse has this member; its id is -1.
const SYSTEM: &str = "system";

/// One request on its way through the API.
struct Visit<'a> {
    options: &'a Options,
    state: &'a mut State,
    now: Timestamp,
    viewer: Option<u64>,
    query: HashMap<String, String>,
    body: Value,
}

/// Why a request is not done.
struct No {
    status: u16,
    kind: Option<&'static str>,
    message: String,
    /// Seconds, where only patience is asked for.
    wait: Option<u64>,
}

type Answer = Result<Value, No>;

impl No {
    fn found() -> Self {
        let message = "The requested URL or resource could not be found.".to_owned();
        Self { status: 404, kind: Some("not_found"), message, wait: None }
    }

    fn access() -> Self {
        let message = "You are not permitted to view the requested resource.".to_owned();
        Self { status: 403, kind: Some("invalid_access"), message, wait: None }
    }

    fn text(message: impl Into<String>) -> Self {
        Self { status: 422, kind: None, message: message.into(), wait: None }
    }

    fn patience(seconds: u64) -> Self {
        let message = format!(
            "You’ve performed this action too many times. Please wait {seconds} seconds before trying again."
        );
        Self { status: 429, kind: Some("rate_limit"), message, wait: Some(seconds) }
    }

    fn body(&self) -> Value {
        let mut body = json!({ "errors": [self.message] });
        if let Some(kind) = self.kind {
            body["error_type"] = json!(kind);
        }
        if let Some(seconds) = self.wait {
            body["extras"] = json!({ "wait_seconds": seconds });
        }
        body
    }
}

/// What came in.
pub(super) struct Asked<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

pub(super) fn answer(forum: &Forum, asked: &Asked<'_>) -> Reply {
    let Asked { method, path, query, headers, body } = *asked;
    if *method == Method::GET && !path.ends_with(".json") {
        return page(forum, path);
    }
    let header = |name: &str| headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let pairs: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    forum.with(|state| {
        let viewer = admit(forum.options(), state, header("api-key"), header("api-username"));
        let outcome = viewer.and_then(|viewer| {
            let mut visit = Visit {
                options: forum.options(),
                state,
                now: forum.now(),
                viewer,
                query: pairs,
                body: body.clone(),
            };
            visit.dispatch(method, path, header("api-username") == Some(SYSTEM))
        });
        let (status, answer, wait) = match outcome {
            Ok(answer) => (200, answer, None),
            Err(no) => (no.status, no.body(), no.wait),
        };
        state.calls.push(ApiCall {
            method: method.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
            body,
            status,
            answer: answer.clone(),
        });
        let mut reply = Reply::text("application/json; charset=utf-8", Charset::Utf8, &answer.to_string());
        reply.status = status;
        match wait {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    })
}

/// Whom a key and a name stand for; without a key it is a guest.
fn admit(options: &Options, state: &State, key: Option<&str>, name: Option<&str>) -> Result<Option<u64>, No> {
    let Some(key) = key else { return Ok(None) };
    let name = name.unwrap_or_default();
    if key != API_KEY {
        return Err(No::access());
    }
    if name == SYSTEM {
        return if options.api_key_for_all { Ok(None) } else { Err(No::access()) };
    }
    let member = state.member_named(name).ok_or_else(No::access)?;
    // A key for one account is the first member's.
    if member.banned.is_some() || !options.api_key_for_all && member.id != 1 {
        return Err(No::access());
    }
    Ok(Some(member.id))
}

impl Visit<'_> {
    fn dispatch(&mut self, method: &Method, path: &str, system: bool) -> Answer {
        let path = path.trim_start_matches('/').trim_end_matches(".json");
        let segments: Vec<String> = path.split('/').map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["u", name]) => self.profile(name, system),
            ("GET", ["u", name, "summary"]) => self.summary(name),
            ("GET", ["search"]) => Ok(self.search()),
            ("GET", ["latest"]) => Ok(self.list(None)),
            ("GET", ["categories"]) => Ok(self.categories()),
            ("GET", ["c", _, id, "l", "latest"]) => self.category(number(id)?),
            ("GET", ["t", id]) => self.topic(number(id)?),
            ("GET", ["posts", id]) => self.one_post(number(id)?),
            ("GET", ["post_action_users"]) => self.likers(),
            ("POST", ["posts"]) => self.create(),
            ("PUT", ["posts", id]) => self.edit(number(id)?),
            ("DELETE", ["posts", id]) => self.delete(number(id)?),
            ("POST", ["post_actions"]) => self.like(),
            ("DELETE", ["post_actions", id]) => self.unlike(number(id)?),
            _ => Err(No::found()),
        }
    }

    fn record(&mut self, action: Action, thread: Option<u64>, post: Option<u64>, outcome: Outcome) {
        self.state.ledger.push(Entry { at: self.now, member: self.viewer, action, thread, post, outcome });
        self.state.touched();
    }

    fn thread(&self, id: u64) -> Result<ThreadFacts, No> {
        let thread = self.state.threads.get(&id).filter(|thread| self.state.sees_thread(self.viewer, thread));
        thread.cloned().ok_or_else(No::found)
    }

    fn post(&self, id: u64) -> Result<(ThreadFacts, PostFacts), No> {
        let post = self.state.posts.get(&id).ok_or_else(No::found)?;
        if !post.public() && !self.state.is_staff(self.viewer) {
            return Err(No::found());
        }
        Ok((self.thread(post.thread)?, post.clone()))
    }

    fn staff(&self) -> bool {
        self.state.is_staff(self.viewer)
    }

    fn may_write(&self, board: u64) -> bool {
        let board = self.state.boards.get(&board);
        self.viewer.is_some() && (self.staff() || board.is_some_and(|board| !board.read_only))
    }

    fn may_reply(&self, thread: &ThreadFacts) -> bool {
        self.may_write(thread.board) && (self.staff() || !thread.closed)
    }
}

fn number(text: &str) -> Result<u64, No> {
    text.parse().map_err(|_| No::found())
}

/// What a browser meets: a topic's words, for whoever follows a link. Guests' view.
fn page(forum: &Forum, path: &str) -> Reply {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if let ["letter_avatar", member, ..] = segments.as_slice() {
        let member = member.parse().ok().and_then(|id: u64| forum.state().members.get(&id)?.avatar.clone());
        if let Some(face) = member {
            return Reply::bytes(face.content_type, face.bytes);
        }
    }
    let ids = segments.iter().filter_map(|segment| segment.parse::<u64>().ok());
    let state = forum.state();
    let thread = match (segments.first(), ids.clone().next()) {
        (Some(&"p"), Some(post)) => state.posts.get(&post).map(|post| post.thread),
        (Some(&"t"), Some(id)) => Some(id),
        _ => None,
    };
    drop(state);
    topic_page(forum, thread, cooked, ("Discourse", "Oops! That page doesn’t exist or is private."))
}
