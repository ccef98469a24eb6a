//! REST v10: one pipeline for every request. Ledger, planned faults, authorisation and rate limits
//! are here; what each route does is in the modules below, found by [`routes::ROUTES`].

mod applications;
mod channels;
mod guilds;
mod messages;
mod routes;
mod threads;
mod webhooks;

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Path, RawQuery, Request, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::error::Refused;
use super::faults::Fault;
use super::ledger::Entry;
use super::limits::Ask;
use super::line::Scissors;
use super::multipart::{self, Upload};
use super::state::{Id, State};
use super::{Discord, gateway, signed};
use routes::{Auth, ROUTES, Route};

/// A request on its way to a handler.
pub struct Call<'a> {
    pub state: &'a mut State,
    /// What stands for the `{names}` of the route, in order.
    pub params: Vec<String>,
    pub query: HashMap<String, String>,
    pub body: Value,
    pub files: Vec<Upload>,
}

/// What a handler answers.
pub struct Reply {
    status: u16,
    body: Option<Value>,
}

pub type Answer = Result<Reply, Refused>;

impl Reply {
    pub fn ok(body: Value) -> Answer {
        Ok(Self { status: 200, body: Some(body) })
    }

    pub fn created(body: Value) -> Answer {
        Ok(Self { status: 201, body: Some(body) })
    }

    pub fn none() -> Answer {
        Ok(Self { status: 204, body: None })
    }
}

impl Call<'_> {
    pub fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// # Errors
    /// 50035, as Discord words it for an id that is none.
    pub fn id(&self, index: usize) -> Result<Id, Refused> {
        let text = self.param(index);
        text.parse().or_else(|_| {
            super::error::wrong("id", "NUMBER_TYPE_COERCE", format!("Value \"{text}\" is not snowflake."))
        })
    }

    pub fn flag(&self, name: &str) -> bool {
        self.query.get(name).is_some_and(|it| ["true", "True", "1"].contains(&it.as_str()))
    }

    pub fn query_id(&self, name: &str) -> Option<Id> {
        self.query.get(name)?.parse().ok()
    }

    pub fn take_files(&mut self) -> Vec<Upload> {
        std::mem::take(&mut self.files)
    }

    /// The bot must hold every bit in the channel.
    pub fn require(&self, channel: Id, bits: u64) -> Result<(), Refused> {
        self.state.require(channel, self.state.bot, bits)
    }
}

pub fn router(discord: Discord) -> Router {
    Router::new()
        .route("/", get(upgrade))
        .route("/attachments/{channel}/{id}/{name}", get(file))
        .fallback(api)
        .with_state(discord)
}

async fn upgrade(Shared(discord): Shared<Discord>, socket: WebSocketUpgrade) -> Response {
    socket.on_upgrade(move |socket| gateway::serve(discord, socket))
}

async fn file(
    Shared(discord): Shared<Discord>,
    Path((_, id, _)): Path<(u64, u64, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let open = signed::opens(id, &query.unwrap_or_default(), discord.lock().now);
    match discord.file(id).filter(|_| open) {
        Some(bytes) => {
            let state = discord.lock();
            let known = state.messages.values().flat_map(|it| &it.attachments).find(|it| it.id == id);
            let kind = known.and_then(|it| it.content_type.clone()).unwrap_or_default();
            let kind = HeaderValue::from_str(&kind).ok().filter(|it| !it.is_empty());
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            (
                [
                    (header::CONTENT_TYPE, kind),
                    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
                ],
                bytes,
            )
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The largest request that Discord reads.
const MAX_BODY: usize = 25 << 20;

async fn api(
    Shared(discord): Shared<Discord>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let path =
        ["/api/v10", "/api"].iter().find_map(|it| path.strip_prefix(it)).unwrap_or_default().to_owned();
    let text = |name: header::HeaderName| {
        head.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
    };
    let Ok(bytes) = to_bytes(body, MAX_BODY).await else {
        return respond(&Refused::code(40005).into(), &[]);
    };
    let asked = Asked {
        method: head.method.as_str().to_owned(),
        path,
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: text(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE),
        user_agent: text(header::USER_AGENT),
        bytes,
    };
    let Played { reply, headers, fault } = play(&discord, asked);
    discord.changed();
    match fault {
        Some(Fault::DropBeforeCommit | Fault::DropAfterCommit) => {
            scissors.cut();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Some(Fault::BadGateway) => {
            let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";
            (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Some(Fault::SlowAnswer(wait)) => {
            tokio::time::sleep(wait).await;
            respond(&reply, &headers)
        }
        _ => respond(&reply, &headers),
    }
}

struct Asked {
    method: String,
    path: String,
    query: String,
    authorization: String,
    content_type: String,
    user_agent: String,
    bytes: Bytes,
}

struct Played {
    reply: Reply,
    headers: Vec<(&'static str, String)>,
    fault: Option<Fault>,
}

impl From<Refused> for Reply {
    fn from(refused: Refused) -> Self {
        Self { status: refused.status, body: Some(refused.body()) }
    }
}

fn respond(reply: &Reply, headers: &[(&'static str, String)]) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = reply.body.as_ref().map_or(Body::empty(), |body| Body::from(body.to_string()));
    let mut response = (status, body).into_response();
    if reply.body.is_some() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}

/// Finds the route and what stands for its names.
fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    ROUTES.iter().filter(|route| route.method == method).find_map(|route| {
        let names: Vec<&str> = route.path.trim_matches('/').split('/').collect();
        let same = names.len() == parts.len()
            && names.iter().zip(&parts).all(|(name, part)| name.starts_with('{') || name == part);
        let params = names.iter().zip(&parts).filter(|(name, _)| name.starts_with('{'));
        same.then(|| (route, params.map(|(_, part)| decode(part)).collect()))
    })
}

fn decode(part: &str) -> String {
    // `+` is a space in a query only.
    let part = part.replace('+', "%2B");
    url::form_urlencoded::parse(part.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

/// Answers a request and writes it down.
fn play(discord: &Discord, asked: Asked) -> Played {
    let mut state = discord.lock();
    let state = &mut *state;
    let found = find(&asked.method, &asked.path);
    let route = found.as_ref().map_or("", |(route, _)| route.path);
    let mut entry = Entry {
        at: state.now,
        method: asked.method.clone(),
        path: asked.path.clone(),
        query: asked.query.clone(),
        route: route.to_owned(),
        major: None,
        status: 0,
        request: None,
        files: 0,
        answer: None,
        done: false,
        fault: None,
        user_agent: Some(asked.user_agent.clone()).filter(|it| !it.is_empty()),
    };
    let mut fault = state.faults.take(&asked.method, route, &asked.path);
    let mut headers = Vec::new();
    let outcome = match (&fault, found) {
        (
            Some(
                planned @ (Fault::DropBeforeCommit
                | Fault::BadGateway
                | Fault::Status(_)
                | Fault::TooManyRequests { .. }
                | Fault::Refuse(_)),
            ),
            _,
        ) => Ok(refuse_by_plan(planned, &mut headers)),
        (_, None) => Err(Refused::not_found()),
        (_, Some((route, params))) => work(state, &asked, route, params, &mut entry, &mut headers),
    };
    let reply = outcome.unwrap_or_else(Reply::from);
    entry.done = matches!(reply.status, 200..300);
    entry.status = match &fault {
        Some(Fault::DropBeforeCommit | Fault::DropAfterCommit) => 0,
        _ => reply.status,
    };
    entry.answer = reply.body.clone();
    entry.fault = fault.as_ref().map(ToString::to_string);
    if let Some(Fault::BadGateway | Fault::DropBeforeCommit) = fault {
        entry.answer = None;
    }
    if entry.request.is_none() {
        entry.request = multipart::read(&asked.content_type, &asked.bytes).ok().and_then(|(json, _)| json);
    }
    state.ledger.push(entry);
    fault =
        fault.filter(|it| !matches!(it, Fault::Status(_) | Fault::TooManyRequests { .. } | Fault::Refuse(_)));
    Played { reply, headers, fault }
}

fn refuse_by_plan(fault: &Fault, headers: &mut Vec<(&'static str, String)>) -> Reply {
    match fault {
        Fault::TooManyRequests { scope, retry_after } => too_many(scope, *retry_after, headers),
        Fault::Refuse(code) => Refused::code(*code).into(),
        Fault::Status(401) => Refused::unauthorized().into(),
        Fault::Status(status) => Reply {
            status: *status,
            body: Some(json!({ "message": format!("{status}: Sandbox fault"), "code": 0 })),
        },
        _ => Reply { status: 502, body: None },
    }
}

fn too_many(scope: &str, retry_after: f64, headers: &mut Vec<(&'static str, String)>) -> Reply {
    // Discord rounds the header up to whole seconds; the body has the fraction.
    headers.push(("retry-after", format!("{:.0}", retry_after.ceil().max(1.0))));
    headers.push(("x-ratelimit-scope", scope.to_owned()));
    let global = scope == "global";
    if global {
        headers.push(("x-ratelimit-global", "true".to_owned()));
    }
    let message =
        if scope == "shared" { "The resource is being rate limited." } else { "You are being rate limited." };
    let body = json!({ "message": message, "retry_after": (retry_after * 1000.0).ceil() / 1000.0, "global": global });
    Reply { status: 429, body: Some(body) }
}

fn work(
    state: &mut State,
    asked: &Asked,
    route: &'static Route,
    params: Vec<String>,
    entry: &mut Entry,
    headers: &mut Vec<(&'static str, String)>,
) -> Answer {
    let expected = format!("Bot {}", state.token);
    match route.auth {
        Auth::Bot if asked.authorization != expected => return Err(Refused::unauthorized()),
        Auth::Open if !asked.authorization.is_empty() && asked.authorization != expected => {
            return Err(Refused::unauthorized());
        }
        _ => {}
    }
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(asked.query.as_bytes()).into_owned().collect();
    let (body, files) = multipart::read(&asked.content_type, &asked.bytes)?;
    entry.request.clone_from(&body);
    entry.files = files.len();
    let body = body.unwrap_or(Value::Null);

    let first = params.first().cloned().unwrap_or_default();
    // A webhook's token belongs to its major parameter.
    let major = if route.path.starts_with("/webhooks/{webhook_id}/{webhook_token}") {
        params.iter().take(2).cloned().collect::<Vec<_>>().join("/")
    } else {
        first.clone()
    };
    entry.major = Some(first.clone()).filter(|it| !it.is_empty());
    let interaction = route.path.starts_with("/interactions") || first == state.application.to_string();
    let renames = route.path == "/channels/{channel_id}" && asked.method == "PATCH" && {
        let named = |name: &str| {
            body.get(name).is_some_and(|new| {
                let channel = first.parse().ok().and_then(|id: Id| state.channels.get(&id));
                channel.is_some_and(|it| {
                    if name == "name" {
                        *new != it.name.as_str()
                    } else {
                        new.as_str() != it.topic.as_deref()
                    }
                })
            })
        };
        named("name") || named("topic")
    };
    let executes = route.path == "/webhooks/{webhook_id}/{webhook_token}" && asked.method == "POST";
    let hook = first.parse().ok().filter(|_| executes).and_then(|id: Id| state.webhooks.get(&id));
    let webhook_channel =
        hook.map(|hook| query.get("thread_id").and_then(|id| id.parse().ok()).unwrap_or(hook.channel));
    if let Some(rate) = route.rate {
        let bucket = format!("{} {}", asked.method, route.path);
        let ask =
            Ask { bucket: &bucket, major: &major, rate, global: !interaction, renames, webhook_channel };
        let epoch = state.now.as_duration().as_secs_f64();
        let verdict = state.buckets.ask(&ask, state.at, epoch);
        headers.extend(verdict.headers);
        if let Some(wait) = verdict.refused {
            return Ok(too_many(wait.scope, wait.retry_after, headers));
        }
    }
    (route.handler)(&mut Call { state, params, query, body, files })
}
