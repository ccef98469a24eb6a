//! The same forum behind another face: NodeBB 4's JSON, as its description has it and as real servers of versions 3 and
//! 4 were heard to answer. `/api/` shows what pages show; `/api/v3/` writes. A master token stands for whomever `_uid`
//! names. Nearly every refusal is a 400 with a sentence, in English only for those who ask for it (`lang`); a page that
//! is not for the viewer is a 401 to guests and a 403 to members; a token that is not known makes a guest.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::discourse::Asked;
use super::ledger::{Action, ApiCall, Entry, Outcome};
use super::plain::{decoded, topic_page};
use super::state::{PostFacts, State, ThreadFacts};
use super::wire::Reply;
use super::{Charset, Forum, Options};

mod cook;
mod show;
mod write;

pub(super) use cook::{cooked, from_bbcode};

/// What the forum's admin gives to the bridge: a master token, or where [`Options::api_key_for_all`] says no the first
/// member's own.
pub const TOKEN: &str = "5a0b1c2d-3e4f-4a5b-8c6d-7e8f90a1b2c3";

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
enum No {
    /// There is no such thing.
    Found(&'static str),
    /// It is not for the viewer.
    Access,
    /// A sentence, in English.
    Said(String),
}

/// A page's JSON, or what `/api/v3/` did.
enum Yes {
    Page(Value),
    Done(Value),
    Queued(Value, u16),
}

type Answer = Result<Yes, No>;

impl No {
    fn said(sentence: impl Into<String>) -> Self {
        Self::Said(sentence.into())
    }

    fn topic() -> Self {
        Self::Found("Topic does not exist")
    }

    fn post() -> Self {
        Self::Found("Post does not exist")
    }
}

/// Whom a token stands for.
enum Whom {
    Member(u64),
    /// Nobody, who is not there either.
    Nobody,
    Guest,
    /// A master token without a name.
    Unnamed,
}

fn whom(options: &Options, state: &State, token: Option<&str>, uid: Option<&str>) -> Whom {
    match (token, options.api_key_for_all, uid) {
        (Some(TOKEN), true, None) => Whom::Unnamed,
        (Some(TOKEN), true, Some(uid)) => {
            let member = uid.parse().ok().filter(|id| state.members.contains_key(id));
            member.map_or(Whom::Nobody, Whom::Member)
        }
        // `_uid` is not looked at.
        (Some(TOKEN), false, _) => Whom::Member(1),
        _ => Whom::Guest,
    }
}

pub(super) fn answer(forum: &Forum, asked: &Asked<'_>) -> Reply {
    let Asked { method, path, query, headers, body } = *asked;
    let Some(rest) = path.strip_prefix("/api/") else { return page(forum, path) };
    let pairs: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let english = pairs.get("lang").is_some_and(|lang| lang == "en-GB");
    let segments: Vec<String> = rest.split('/').map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let writes = segments.first() == Some(&"v3");
    let (status, said) = if body.is_empty() || serde_json::from_slice::<Value>(body).is_ok() {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        forum.with(|state| {
            let uid = body["_uid"].as_str().map(str::to_owned).or_else(|| {
                body["_uid"].as_u64().map(|id| id.to_string()).or_else(|| pairs.get("_uid").cloned())
            });
            let whom = whom(forum.options(), state, bearer(headers), uid.as_deref());
            let viewer = match whom {
                Whom::Member(id) => Some(id),
                _ => None,
            };
            let outcome = match (&whom, segments.as_slice()) {
                (Whom::Unnamed, _) => Err(No::said(
                    "A master token was received without a corresponding `_uid` in the request body",
                )),
                (Whom::Nobody, ["self"]) => Ok(Yes::Page(Value::Null)),
                _ => {
                    let (options, now) = (forum.options(), forum.now());
                    let query = pairs.clone();
                    let mut visit =
                        Visit { options, state: &mut *state, now, viewer, query, body: body.clone() };
                    visit.dispatch(method, &segments)
                }
            };
            let (status, answer) = told(outcome, writes, english, viewer, path);
            state.calls.push(ApiCall {
                method: method.to_string(),
                path: path.to_owned(),
                query: query.to_owned(),
                body,
                status,
                answer: answer.clone(),
            });
            (status, answer)
        })
    } else {
        (500, status_of("internal-server-error", "Unexpected token in JSON", json!({})))
    };
    let mut reply = Reply::text("application/json; charset=utf-8", Charset::Utf8, &said.to_string());
    reply.status = status;
    // A session of whoever acted, which a careful client does not send back.
    reply.with("set-cookie", "express.sid=s%3Asandbox; Path=/; HttpOnly; SameSite=Lax")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn status_of(code: &str, message: &str, response: Value) -> Value {
    json!({ "status": { "code": code, "message": message }, "response": response })
}

fn told(outcome: Answer, writes: bool, english: bool, viewer: Option<u64>, path: &str) -> (u16, Value) {
    let member = viewer.is_some();
    let translated = |sentence: &str| {
        if english { sentence.to_owned() } else { format!("Das geht nicht ({})", sentence.len()) }
    };
    let place = path.trim_start_matches("/api");
    match outcome {
        Ok(Yes::Page(Value::Object(mut page))) => {
            page.insert("loggedIn".to_owned(), json!(member));
            (200, Value::Object(page))
        }
        Ok(Yes::Page(page)) => (200, page),
        Ok(Yes::Done(response)) => (200, status_of("ok", "OK", response)),
        Ok(Yes::Queued(response, status)) => {
            let code = if status == 202 { ("accepted", "Accepted") } else { ("ok", "OK") };
            (status, status_of(code.0, code.1, response))
        }
        Err(No::Found(what)) if writes => (404, status_of("not-found", &translated(what), json!({}))),
        Err(No::Found(_)) => {
            (404, json!({ "path": place, "title": "[[global:404.title]]", "bodyClass": "" }))
        }
        Err(No::Access) if writes => {
            let why = translated("You do not have enough privileges for this action.");
            (403, status_of("forbidden", &why, json!({})))
        }
        Err(No::Access) if member => (
            403,
            json!({ "path": place, "loggedIn": true, "title": "[[global:403.title]]", "bodyClass": "" }),
        ),
        Err(No::Access) => {
            let why = translated("A valid login session was not found. Please log in and try again.");
            (401, status_of("not-authorised", &why, json!({})))
        }
        Err(No::Said(sentence)) if writes => {
            (400, status_of("bad-request", &translated(&sentence), json!({})))
        }
        Err(No::Said(sentence)) => (500, json!({ "path": place, "error": sentence, "bodyClass": "" })),
    }
}

impl Visit<'_> {
    fn dispatch(&mut self, method: &Method, segments: &[&str]) -> Answer {
        match (method.as_str(), segments) {
            ("GET", ["v3", "ping"]) => Ok(Yes::Done(json!({ "pong": true }))),
            ("GET", ["self"]) => self.own_profile(),
            ("GET", ["config"]) => Ok(Yes::Page(self.config())),
            ("GET", ["recent"]) => Ok(Yes::Page(self.recent())),
            ("GET", ["v3", "categories"]) => Ok(Yes::Done(self.categories())),
            ("GET", ["category", id, ..]) => self.category(number(id)?),
            ("GET", ["topic", id, ..]) => self.topic(number(id)?),
            ("GET", ["post", id]) => self.place(number(id)?),
            ("GET", ["user", "uid", id]) => self.profile(number(id).ok()),
            ("GET", ["user", "username", name]) => {
                let member = self.state.members.values().find(|member| member.name == *name);
                self.profile(Some(member.ok_or(No::Found("User does not exist"))?.id))
            }
            ("GET", ["user", slug]) => {
                let member = self.state.members.values().find(|member| cook::slug(&member.name) == *slug);
                self.profile(Some(member.ok_or(No::Found("User does not exist"))?.id))
            }
            ("GET", ["search"]) => self.search(),
            ("GET", ["v3", "posts", id]) => self.single(number(id)?),
            ("GET", ["v3", "posts", id, "index"]) => self.index(number(id)?),
            ("GET", ["v3", "posts", id, "raw"]) => self.raw(number(id)?),
            ("GET", ["v3", "posts", id, "voters"]) => self.voters(number(id)?),
            ("GET", ["v3", "users", id, "chat"]) => self.chat_with(number(id)?),
            ("POST", ["v3", "topics"]) => self.open(),
            ("POST", ["v3", "topics", id]) => self.reply(number(id)?),
            ("PUT", ["v3", "posts", id]) => self.edit(number(id)?),
            ("DELETE", ["v3", "posts", id, "state"]) => self.delete(number(id)?),
            ("PUT", ["v3", "posts", id, "vote"]) => self.vote(number(id)?, self.body["delta"] == 1),
            ("DELETE", ["v3", "posts", id, "vote"]) => self.vote(number(id)?, false),
            ("POST", ["v3", "chats"]) => self.open_chat(),
            ("POST", ["v3", "chats", room]) => self.say(number(room)?),
            _ => Err(No::Found("Invalid API call")),
        }
    }

    fn record(&mut self, action: Action, thread: Option<u64>, post: Option<u64>, outcome: Outcome) {
        self.state.ledger.push(Entry { at: self.now, member: self.viewer, action, thread, post, outcome });
        self.state.touched();
    }

    fn staff(&self) -> bool {
        self.state.is_staff(self.viewer)
    }

    /// A topic, for those who may see it.
    fn thread(&self, id: u64) -> Result<ThreadFacts, No> {
        let thread = self.state.threads.get(&id).ok_or(No::topic())?;
        if self.state.sees_thread(self.viewer, thread) { Ok(thread.clone()) } else { Err(No::Access) }
    }

    fn post(&self, id: u64) -> Result<(ThreadFacts, PostFacts), No> {
        let post = self.state.posts.get(&id).filter(|post| !post.awaiting).ok_or(No::post())?;
        Ok((self.thread(post.thread)?, post.clone()))
    }

    /// The same for `/api/v3/`, which does not tell one from the other.
    fn post_or_not(&self, id: u64) -> Result<(ThreadFacts, PostFacts), No> {
        self.post(id).map_err(|_| No::post())
    }

    fn may_write(&self, board: u64) -> bool {
        let board = self.state.boards.get(&board);
        self.viewer.is_some() && (self.staff() || board.is_some_and(|board| !board.read_only))
    }

    fn is_banned(&self) -> bool {
        self.viewer.and_then(|id| self.state.members.get(&id)).is_some_and(|member| member.banned.is_some())
    }
}

fn number(text: &str) -> Result<u64, No> {
    text.parse().map_err(|_| No::Found("Invalid API call"))
}

/// What a browser meets: a topic's words, for whoever follows a link. Guests' view.
fn page(forum: &Forum, path: &str) -> Reply {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let id = segments.get(1).and_then(|segment| segment.parse::<u64>().ok());
    if let (["assets", "faces", ..], Some(member)) =
        (segments.as_slice(), segments.get(2).and_then(|it| it.parse::<u64>().ok()))
    {
        let face = forum.state().members.get(&member).and_then(|member| member.avatar.clone());
        if let Some(face) = face {
            return Reply::bytes(face.content_type, face.bytes);
        }
    }
    let state = forum.state();
    let thread = match (segments.first(), id) {
        (Some(&"post"), Some(post)) => state.posts.get(&post).map(|post| post.thread),
        (Some(&"topic"), id) => id,
        _ => None,
    };
    drop(state);
    topic_page(forum, thread, cooked, ("NodeBB", "Not Found"))
}
