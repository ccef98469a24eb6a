//! serenity and poise as they are, against a small gateway of our own on loopback.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Fatal, Gateway, LOOK, SHORTEST_PAUSE, checked, run};
use crate::clock::SystemClock;
use crate::discord::commands::asks::{
    Accounts, Asked, Asker, Bridges, Forums, LatestView, Suggestion, Thanking, ThreadView, Writing,
};
use crate::discord::rest::Rest;
use crate::discord::{Event, Person};
use crate::model::{ChannelId, GuildId, MessageId, Permissions, Thread, ThreadPage, UserId};

const LIMIT: Duration = Duration::from_secs(20);

enum Say {
    Event(&'static str, Value),
    Close(u16),
}

/// A Discord with one session.
#[derive(Clone)]
struct Discord {
    base: String,
    gateway_status: u16,
    gateway_url: Option<&'static str>,
    say: mpsc::UnboundedSender<Say>,
    said: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Say>>>,
    calls: Arc<Mutex<Vec<(Method, String, Value)>>>,
    called: Arc<Notify>,
}

impl Discord {
    async fn new(gateway_status: u16, gateway_url: Option<&'static str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (say, said) = mpsc::unbounded_channel();
        let discord = Self {
            base: listener.local_addr().unwrap().to_string(),
            gateway_status,
            gateway_url,
            say,
            said: Arc::new(tokio::sync::Mutex::new(said)),
            calls: Arc::default(),
            called: Arc::default(),
        };
        let app = Router::new().route("/ws/", any(connect)).fallback(rest).with_state(discord.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        discord
    }

    fn event(&self, name: &'static str, data: Value) {
        self.say.send(Say::Event(name, data)).unwrap();
    }

    /// The next call to this path, and its body.
    async fn call(&self, method: Method, path: &str) -> Value {
        let wait = async {
            loop {
                let called = self.called.notified();
                {
                    let mut calls = self.calls.lock().unwrap();
                    if let Some(at) = calls.iter().position(|(m, p, _)| *m == method && p.starts_with(path)) {
                        return calls.remove(at).2;
                    }
                }
                called.await;
            }
        };
        tokio::time::timeout(LIMIT, wait)
            .await
            .unwrap_or_else(|_| panic!("no {method} {path}; there were {:?}", self.calls.lock().unwrap()))
    }
}

async fn rest(State(discord): State<Discord>, method: Method, uri: Uri, body: Bytes) -> Response {
    let ws = discord.gateway_url.map_or_else(|| format!("ws://{}/ws/", discord.base), str::to_owned);
    match uri.path() {
        "/api/v10/gateway" => Json(json!({ "url": ws })).into_response(),
        "/api/v10/gateway/bot" => (
            StatusCode::from_u16(discord.gateway_status).unwrap(),
            Json(json!({ "url": ws, "shards": 1, "session_start_limit":
                { "total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1 } })),
        )
            .into_response(),
        path => {
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let answer = if path.ends_with("/callback") || method == Method::DELETE {
                StatusCode::NO_CONTENT.into_response()
            } else {
                Json(stored("900", "hi")).into_response()
            };
            discord.calls.lock().unwrap().push((method, path.to_owned(), body));
            discord.called.notify_waiters();
            answer
        }
    }
}

/// Stands among the calls for a session that began.
const IDENTIFY: &str = "identify";

async fn connect(State(discord): State<Discord>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| serve(discord, socket))
}

async fn serve(discord: Discord, mut socket: WebSocket) {
    let mut seq = 0;
    let send = |value: Value| Frame::Text(value.to_string().into());
    let hello = json!({ "op": 10, "d": { "heartbeat_interval": 40_000 } });
    if socket.send(send(hello)).await.is_err() {
        return;
    }
    let mut said = discord.said.lock().await;
    loop {
        tokio::select! {
            frame = socket.recv() => {
                let Some(Ok(frame)) = frame else { return };
                let Frame::Text(text) = frame else { continue };
                let payload: Value = serde_json::from_str(&text).unwrap();
                let answer = match payload["op"].as_u64() {
                    Some(1) => json!({ "op": 11 }),
                    Some(2) => {
                        discord.calls.lock().unwrap().push((Method::GET, IDENTIFY.to_owned(), Value::Null));
                        discord.called.notify_waiters();
                        seq += 1;
                        json!({ "op": 0, "t": "READY", "s": seq, "d": {
                            "v": 10, "user": user("1", "bot"), "guilds": [], "session_id": "s",
                            "resume_gateway_url": format!("ws://{}/ws/", discord.base),
                            "application": { "id": "12", "flags": 0 } } })
                    }
                    Some(6) => {
                        seq = payload["d"]["seq"].as_u64().unwrap() + 1;
                        json!({ "op": 0, "t": "RESUMED", "s": seq, "d": {} })
                    }
                    _ => continue,
                };
                if socket.send(send(answer)).await.is_err() {
                    return;
                }
            }
            say = said.recv() => match say {
                Some(Say::Event(name, data)) => {
                    seq += 1;
                    let event = json!({ "op": 0, "t": name, "s": seq, "d": data });
                    if socket.send(send(event)).await.is_err() {
                        return;
                    }
                }
                Some(Say::Close(code)) => {
                    let frame = CloseFrame { code, reason: "".into() };
                    let _ = socket.send(Frame::Close(Some(frame))).await;
                    return;
                }
                None => return,
            },
        }
    }
}

fn user(id: &str, name: &str) -> Value {
    json!({ "id": id, "username": name, "discriminator": "0", "avatar": null, "global_name": null })
}

fn stored(id: &str, content: &str) -> Value {
    json!({
        "id": id, "channel_id": "20", "author": user("5", "ann"), "content": content, "type": 0,
        "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": null, "tts": false, "pinned": false,
        "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
        "components": [],
    })
}

fn member(id: &str) -> Value {
    json!({
        "user": user(id, "ann"), "nick": "Annie", "roles": [], "joined_at": "2026-01-01T00:00:00+00:00",
        "deaf": false, "mute": false, "flags": 0, "permissions": "0",
    })
}

/// One thread of three pages, slow when it is called `slow`.
struct Library;

impl Accounts for Library {}
impl Bridges for Library {}
impl Thanking for Library {}
impl Writing for Library {}

#[async_trait]
impl Forums for Library {
    async fn thread(
        &self,
        asker: Asker,
        thread: &str,
        _: Option<&str>,
        page: Option<u32>,
    ) -> Result<ThreadView, String> {
        if thread.starts_with("slow") {
            tokio::time::sleep(Duration::from_millis(2200)).await;
        }
        if thread.ends_with("missing") {
            return Err("There is no such thread.".into());
        }
        assert_eq!(asker.guild, Some(GuildId(30)));
        Ok(ThreadView {
            forum: "edu".into(),
            forum_name: "Edu".into(),
            thread: "7".into(),
            url: "http://127.0.0.1/t/7".into(),
            page: ThreadPage {
                thread: Thread {
                    title: "Title".into(),
                    page: page.unwrap_or(1),
                    pages: 3,
                    ..Thread::default()
                },
                permissions: Permissions::default(),
                posts: vec![],
            },
            post: None,
            mirrored: true,
        })
    }

    async fn latest(&self, _: Asker, _: Option<&str>, _: Option<&str>) -> Result<LatestView, String> {
        panic!("on purpose")
    }

    async fn complete_threads(&self, _: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion> {
        vec![Suggestion { name: format!("{words} in {}", forum.unwrap_or("any")), value: "7".into() }]
    }

    async fn complete_boards(&self, _: Asker, _: Option<&str>, _: &str) -> Vec<Suggestion> {
        Vec::new()
    }

    async fn complete_forums(&self, _: Asker, _: &str) -> Vec<Suggestion> {
        Vec::new()
    }
}

struct Running {
    events: mpsc::Receiver<Event>,
    healthy: Arc<AtomicBool>,
    shutdown: CancellationToken,
    end: tokio::task::JoinHandle<Result<(), Fatal>>,
}

impl Running {
    fn new(discord: &Discord) -> Self {
        Self::with_room(discord, 16)
    }

    /// With room for so many events that nobody has taken yet.
    fn with_room(discord: &Discord, room: usize) -> Self {
        let api_url = Url::parse(&format!("http://{}", discord.base)).unwrap();
        let token = || secrecy::SecretString::from("a.b.c".to_owned());
        let (sender, events) = mpsc::channel(room);
        let healthy = Arc::new(AtomicBool::new(false));
        let shutdown = CancellationToken::new();
        let gateway = Gateway {
            token: token(),
            rest: Rest::new(token(), &api_url, Arc::new(SystemClock)).unwrap(),
            api_url,
            clock: Arc::new(SystemClock),
            shard: 0,
            of: 1,
            events: sender,
            asked: Asked::all(Arc::new(Library)),
            shutdown: shutdown.clone(),
            health: {
                let healthy = healthy.clone();
                Arc::new(move |now: Result<(), String>| healthy.store(now.is_ok(), Ordering::SeqCst))
            },
            turns: Arc::new(()),
        };
        Self { events, healthy, shutdown, end: tokio::spawn(run(gateway)) }
    }

    async fn event(&mut self) -> Event {
        tokio::time::timeout(LIMIT, self.events.recv()).await.unwrap().unwrap()
    }

    async fn becomes_healthy(&self) {
        let wait = async {
            while !self.healthy.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.unwrap();
    }

    async fn end(self) -> Result<(), Fatal> {
        tokio::time::timeout(LIMIT, self.end).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn what_happens_is_handed_on_through_a_break_in_the_line() {
    let discord = Discord::new(200, None).await;
    let mut running = Running::new(&discord);
    assert_eq!(running.event().await, Event::Ready { me: UserId(1) });

    let mut message = stored("100", "hello");
    message["guild_id"] = "30".into();
    message["member"] = member("5");
    message["webhook_id"] = "77".into();
    message["type"] = 19.into();
    message["message_reference"] = json!({ "type": 0, "message_id": "99", "channel_id": "20" });
    discord.event("MESSAGE_CREATE", message.clone());
    let Event::Message(got) = running.event().await else { panic!() };
    assert_eq!((got.id, got.channel, got.guild), (MessageId(100), ChannelId(20), Some(GuildId(30))));
    assert_eq!(got.author, Person { id: UserId(5), name: "Annie".into(), bot: false });
    assert_eq!((got.reply_to, got.webhook, got.ordinary), (Some(MessageId(99)), Some(77), true));
    running.becomes_healthy().await;

    // A link that was looked up is no edit; new words are.
    discord.event("MESSAGE_UPDATE", message.clone());
    message["edited_timestamp"] = "2026-01-01T00:01:00+00:00".into();
    message["content"] = "hello, all".into();
    discord.event("MESSAGE_UPDATE", message);
    let Event::Edited(got) = running.event().await else { panic!() };
    assert_eq!((got.content.as_str(), got.author.name.as_str()), ("hello, all", "Annie"));

    discord.say.send(Say::Close(4000)).unwrap();
    assert_eq!(running.event().await, Event::Resumed);

    let reaction = |emoji: Value| {
        json!({ "user_id": "5", "channel_id": "20", "message_id": "100", "guild_id": "30",
            "emoji": emoji, "burst": false, "type": 0 })
    };
    let (channel, message, user) = (ChannelId(20), MessageId(100), UserId(5));
    discord.event("MESSAGE_REACTION_ADD", reaction(json!({ "id": null, "name": "🙏" })));
    assert_eq!(running.event().await, Event::Reacted { channel, message, user, emoji: "🙏".into() });
    discord.event("MESSAGE_REACTION_REMOVE", reaction(json!({ "id": "9", "name": "ok" })));
    assert_eq!(running.event().await, Event::Unreacted { channel, message, user, emoji: "ok:9".into() });
    discord.event("MESSAGE_REACTION_REMOVE_ALL", json!({ "channel_id": "20", "message_id": "100" }));
    assert_eq!(running.event().await, Event::ReactionsCleared { channel, message, emoji: None });
    discord.event("MESSAGE_DELETE", json!({ "id": "100", "channel_id": "20" }));
    assert_eq!(running.event().await, Event::Deleted { channel, messages: vec![message] });

    let thread = json!({
        "id": "40", "type": 11, "guild_id": "30", "parent_id": "20", "owner_id": "5", "name": "New",
        "last_message_id": null, "message_count": 0, "member_count": 1, "rate_limit_per_user": 0,
        "flags": 0, "total_message_sent": 0, "newly_created": true,
        "thread_metadata": { "archived": false, "auto_archive_duration": 60, "locked": false,
            "archive_timestamp": "2026-01-01T00:00:00+00:00" },
    });
    discord.event("THREAD_CREATE", thread);
    let created = Event::ThreadCreated {
        parent: channel,
        thread: ChannelId(40),
        owner: Some(user),
        title: "New".into(),
    };
    assert_eq!(running.event().await, created);
    discord.event("THREAD_DELETE", json!({ "id": "40", "guild_id": "30", "parent_id": "20", "type": 11 }));
    assert_eq!(running.event().await, Event::ChannelDeleted { channel: ChannelId(40) });

    running.shutdown.cancel();
    let healthy = running.healthy.clone();
    running.end().await.unwrap();
    assert!(!healthy.load(Ordering::SeqCst));
}

fn said(id: u64) -> Value {
    stored(&id.to_string(), "hello")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_happens_is_handed_on_in_the_order_in_which_it_happened() {
    const MANY: u64 = 2_000;
    let discord = Discord::new(200, None).await;
    let mut running = Running::with_room(&discord, 4_096);
    assert_eq!(running.event().await, Event::Ready { me: UserId(1) });
    for id in 1..=MANY {
        discord.event("MESSAGE_CREATE", said(id));
    }
    for id in 1..=MANY {
        let Event::Message(got) = running.event().await else { panic!() };
        assert_eq!(got.id, MessageId(id));
    }
    running.shutdown.cancel();
    running.end().await.unwrap();
}

#[tokio::test]
async fn more_than_anybody_takes_ends_the_session_so_that_it_is_read_back() {
    let discord = Discord::new(200, None).await;
    let mut running = Running::with_room(&discord, 4);
    assert_eq!(running.event().await, Event::Ready { me: UserId(1) });
    discord.call(Method::GET, IDENTIFY).await;
    for id in 1..=6 {
        discord.event("MESSAGE_CREATE", said(id));
    }
    // As long as nobody takes what there is, no session begins in vain.
    let in_vain = discord.call(Method::GET, IDENTIFY);
    assert!(tokio::time::timeout(SHORTEST_PAUSE + LOOK, in_vain).await.is_err());
    for id in 1..=4 {
        let Event::Message(got) = running.event().await else { panic!() };
        assert_eq!(got.id, MessageId(id));
    }
    // What had no room is not handed on with a gap before it: a new session begins.
    assert_eq!(running.event().await, Event::Ready { me: UserId(1) });
    running.shutdown.cancel();
    running.end().await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_mended_by_trying_again_is_one_plain_sentence() {
    for (code, words) in [(4014, "Message Content Intent"), (4004, "token"), (4013, "intents")] {
        let discord = Discord::new(200, None).await;
        let mut running = Running::new(&discord);
        running.event().await;
        discord.say.send(Say::Close(code)).unwrap();
        let Fatal(sentence) = running.end().await.unwrap_err();
        assert!(sentence.contains(words), "{code}: {sentence}");
    }
    let discord = Discord::new(401, None).await;
    assert!(Running::new(&discord).end().await.unwrap_err().0.contains("token"));
}

#[tokio::test]
async fn a_sandbox_that_names_the_real_gateway_is_refused() {
    let discord = Discord::new(200, Some("wss://gateway.discord.gg")).await;
    let Fatal(sentence) = Running::new(&discord).end().await.unwrap_err();
    assert!(sentence.contains("nothing was connected"), "{sentence}");
}

fn interaction(id: u64, kind: u8, user: &str, data: Value) -> Value {
    json!({
        "id": id.to_string(), "application_id": "12", "type": kind, "data": data, "guild_id": "30",
        "channel": { "id": "20", "type": 0, "name": "general", "permissions": "0" }, "channel_id": "20",
        "member": member(user), "token": "t", "version": 1, "locale": "en-GB", "entitlements": [],
        "app_permissions": "0", "authorizing_integration_owners": {}, "context": 0,
        "attachment_size_limit": 10_485_760,
    })
}

fn command(part: &str, options: Value) -> Value {
    json!({ "id": "60", "name": "thread", "type": 1, "options": [{ "name": part, "type": 1, "options": options }] })
}

fn show(id: u64, thread: &str, private: bool) -> Value {
    let options = json!([
        { "name": "thread", "type": 3, "value": thread },
        { "name": "private", "type": 5, "value": private },
    ]);
    interaction(id, 2, "5", command("show", options))
}

const EPHEMERAL: u64 = 1 << 6;

#[tokio::test]
async fn commands_answer_at_once_or_say_that_they_will() {
    let discord = Discord::new(200, None).await;
    let mut running = Running::new(&discord);
    running.event().await;
    let callback = |id: u64| format!("/api/v10/interactions/{id}/t/callback");

    discord.event("INTERACTION_CREATE", show(1, "7", false));
    let answer = discord.call(Method::POST, &callback(1)).await;
    assert_eq!(answer["type"], 4);
    assert!(answer["data"]["content"].as_str().unwrap().contains("[Title]"), "{answer}");
    assert_eq!(answer["data"]["allowed_mentions"]["parse"], json!([]));
    assert_eq!(answer["data"]["flags"].as_u64().unwrap_or(0) & EPHEMERAL, 0);
    let next = answer["data"]["components"][0]["components"][2]["custom_id"].clone();

    discord.event("INTERACTION_CREATE", show(2, "missing", false));
    let answer = discord.call(Method::POST, &callback(2)).await;
    assert_eq!(
        (&answer["type"], &answer["data"]["content"]),
        (&json!(4), &json!("There is no such thread."))
    );
    assert_eq!(answer["data"]["flags"].as_u64().unwrap() & EPHEMERAL, EPHEMERAL);

    discord.event("INTERACTION_CREATE", show(3, "slow", true));
    let answer = discord.call(Method::POST, &callback(3)).await;
    assert_eq!((&answer["type"], &answer["data"]["flags"]), (&json!(5), &json!(EPHEMERAL)));
    let answer = discord.call(Method::PATCH, "/api/v10/webhooks/12/t/messages/@original").await;
    assert!(answer["content"].as_str().unwrap().contains("[Title]"));

    discord.event("INTERACTION_CREATE", show(4, "slow missing", false));
    assert_eq!(discord.call(Method::POST, &callback(4)).await["type"], 5);
    discord.call(Method::DELETE, "/api/v10/webhooks/12/t/messages/@original").await;
    let answer = discord.call(Method::POST, "/api/v10/webhooks/12/t").await;
    assert_eq!(
        (&answer["content"], &answer["flags"]),
        (&json!("There is no such thread."), &json!(EPHEMERAL))
    );

    // The bridge outlives a mistake of its own.
    discord.event("INTERACTION_CREATE", interaction(5, 2, "5", command("latest", json!([]))));
    let answer = discord.call(Method::POST, &callback(5)).await;
    assert!(answer["data"]["content"].as_str().unwrap().contains("went wrong"), "{answer}");

    let typing = json!([
        { "name": "forum", "type": 3, "value": "edu" },
        { "name": "thread", "type": 3, "value": "ti", "focused": true },
    ]);
    discord.event("INTERACTION_CREATE", interaction(6, 4, "5", command("show", typing)));
    let answer = discord.call(Method::POST, &callback(6)).await;
    assert_eq!(answer["type"], 8);
    assert_eq!(answer["data"]["choices"][0]["name"], "ti in edu");

    let press = |id: u64, user: &str| {
        let mut press = interaction(id, 3, user, json!({ "custom_id": next, "component_type": 2 }));
        press["message"] = stored("900", "hi");
        press
    };
    discord.event("INTERACTION_CREATE", press(7, "5"));
    let answer = discord.call(Method::POST, &callback(7)).await;
    assert_eq!(answer["type"], 7);
    assert!(answer["data"]["content"].as_str().unwrap().contains("page 2 of 3"), "{answer}");
    // Someone else leafs through a copy of their own.
    discord.event("INTERACTION_CREATE", press(8, "6"));
    let answer = discord.call(Method::POST, &callback(8)).await;
    assert_eq!((&answer["type"], &answer["data"]["flags"]), (&json!(4), &json!(EPHEMERAL)));

    running.shutdown.cancel();
    running.end().await.unwrap();
}

#[test]
fn a_sandbox_never_leads_to_the_real_gateway() {
    let url = |text: &str| Url::parse(text).unwrap();
    let sandbox = url("http://127.0.0.1:9000");
    assert!(checked(&url("wss://gateway.discord.gg"), &sandbox).is_err());
    assert!(checked(&url("ws://127.0.0.1.evil.example"), &sandbox).is_err());
    assert!(checked(&url("ws://10.0.0.1:9000"), &sandbox).is_err());
    assert_eq!(checked(&url("ws://127.0.0.1:9001/gw"), &sandbox).unwrap(), "ws://127.0.0.1:9001/gw");
    assert_eq!(checked(&url("ws://[::1]:9001"), &url("http://localhost:1")).unwrap(), "ws://[::1]:9001/");

    let real = url("https://discord.com");
    assert!(checked(&url("wss://gateway.discord.gg"), &real).is_ok());
    assert!(checked(&url("ws://gateway.discord.gg"), &real).is_err());
    assert!(checked(&url("https://gateway.discord.gg"), &real).is_err());
}
