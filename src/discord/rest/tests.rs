//! Against a small server of our own on loopback that answers what it is told and remembers what it
//! was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::{Need, Rest, Span};
use crate::clock::SystemClock;
use crate::discord::spec;
use crate::discord::{ChannelKind, DiscordError, Outgoing, ThreadPatch, Webhook};
use crate::model::{ChannelId, GuildId, MessageId, UserId};

const TOKEN: &str = "canary.token";

#[derive(Debug, Clone)]
struct Asked {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Value,
}

type Answer = (u16, Vec<(&'static str, String)>, String);

/// A Discord that follows a script, and repeats its last line.
#[derive(Clone)]
struct Discord {
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<VecDeque<Answer>>>,
    rest: Rest,
}

impl Discord {
    async fn new(script: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let discord = Self {
            asked: Arc::default(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            rest: rest(&format!("http://{}", listener.local_addr().unwrap())),
        };
        let app = Router::new().fallback(answer).with_state(discord.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        discord
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn last(&self) -> Asked {
        self.asked().pop().unwrap()
    }
}

async fn answer(
    State(discord): State<Discord>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    discord.asked.lock().unwrap().push(Asked {
        method,
        target: uri.to_string(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let mut script = discord.script.lock().unwrap();
    let (status, headers, body) =
        if script.len() > 1 { script.pop_front() } else { script.front().cloned() }.unwrap();
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn rest(base: &str) -> Rest {
    Rest::new(TOKEN.to_owned().into(), &Url::parse(base).unwrap(), Arc::new(SystemClock)).unwrap()
}

fn says(status: u16, body: Value) -> Answer {
    (status, Vec::new(), body.to_string())
}

fn webhook() -> Webhook {
    Webhook { id: 7, channel: ChannelId(1), token: "canary-hook".to_owned().into() }
}

fn post() -> Outgoing {
    Outgoing { username: "Ephelyon".into(), avatar_url: None, content: "@everyone hello".into() }
}

const SILENT: &str = r#"{"parse":[],"replied_user":false}"#;

#[tokio::test]
async fn a_post_goes_out_under_its_authors_name_and_pings_no_one() {
    let discord = Discord::new([says(200, json!({ "id": "99", "channel_id": "5" }))]).await;
    let outgoing = Outgoing { avatar_url: Some("http://127.0.0.1/a.png".into()), ..post() };
    let id = discord.rest.send(&webhook(), Some(ChannelId(5)), &outgoing).await.unwrap();
    assert_eq!(id, MessageId(99));
    let asked = discord.last();
    assert_eq!(asked.method, Method::POST);
    assert_eq!(asked.target, "/api/v10/webhooks/7/canary-hook?wait=true&thread_id=5");
    assert_eq!(asked.body["username"], "Ephelyon");
    assert_eq!(asked.body["avatar_url"], "http://127.0.0.1/a.png");
    assert_eq!(asked.body["allowed_mentions"].to_string(), SILENT);
    assert_eq!(asked.headers["authorization"], format!("Bot {TOKEN}"));
    let agent = asked.headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("DiscordBot (http") && agent.ends_with(')'), "{agent}");
}

#[tokio::test]
async fn every_way_to_write_words_is_silent() {
    let discord = Discord::new([says(200, json!({ "id": "99", "channel_id": "99" }))]).await;
    let rest = &discord.rest;
    rest.send(&webhook(), None, &post()).await.unwrap();
    rest.open_post(&webhook(), "Title", &[3], &post()).await.unwrap();
    rest.edit(&webhook(), None, MessageId(99), "@here").await.unwrap();
    rest.say(ChannelId(1), Some(MessageId(4)), "@everyone", "nonce").await.unwrap();
    let asked = discord.asked();
    assert_eq!(asked.len(), 4);
    for asked in asked {
        assert_eq!(asked.body["allowed_mentions"].to_string(), SILENT, "{}", asked.target);
    }
}

#[tokio::test]
async fn a_forum_post_names_its_thread_and_tags() {
    let discord = Discord::new([says(200, json!({ "id": "99", "channel_id": "98" }))]).await;
    let opened = discord.rest.open_post(&webhook(), "Title", &[3, 4], &post()).await.unwrap();
    assert_eq!(opened, (ChannelId(98), MessageId(99)));
    let asked = discord.last();
    assert_eq!(asked.body["thread_name"], "Title");
    assert_eq!(asked.body["applied_tags"], json!(["3", "4"]));
    assert!(!asked.target.contains("thread_id"));
}

#[tokio::test]
async fn what_the_bot_says_bears_a_nonce_and_answers_softly() {
    let discord = Discord::new([says(200, json!({ "id": "99" }))]).await;
    discord.rest.say(ChannelId(1), Some(MessageId(4)), "no", "n-1").await.unwrap();
    let body = discord.last().body;
    assert_eq!((&body["nonce"], &body["enforce_nonce"]), (&json!("n-1"), &json!(true)));
    assert_eq!(body["message_reference"], json!({ "message_id": "4", "fail_if_not_exists": false }));
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_no_failure_to_send() {
    for body in [r#"{"id":"99","author":null,"components":null}"#, r#"{"id":99}"#] {
        let discord = Discord::new([(200, vec![], body.to_owned())]).await;
        assert_eq!(discord.rest.send(&webhook(), None, &post()).await.unwrap(), MessageId(99));
    }
    for body in ["", "<html>", "{}", r#"{"id":"x"}"#] {
        let discord = Discord::new([(200, vec![], body.to_owned())]).await;
        let outcome = discord.rest.send(&webhook(), None, &post()).await;
        assert!(matches!(outcome, Err(DiscordError::Uncertain { .. })), "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_429_of_each_kind_is_waited_out_and_the_message_sent_once() {
    let kinds = [
        json!({ "message": "slow", "retry_after": 0.05, "global": false }),
        json!({ "message": "slow", "retry_after": 0.05, "global": true }),
    ];
    for (kind, scope) in kinds.into_iter().zip(["user", "global"]) {
        let refused = (
            429,
            vec![("x-ratelimit-scope", scope.to_owned()), ("retry-after", "1".to_owned())],
            kind.to_string(),
        );
        let script = [refused.clone(), refused, says(200, json!({ "id": "99" }))];
        let discord = Discord::new(script).await;
        assert_eq!(discord.rest.send(&webhook(), None, &post()).await.unwrap(), MessageId(99));
        assert_eq!(discord.asked().len(), 3);
    }
}

#[tokio::test]
async fn a_429_that_outlasts_patience_says_for_how_long() {
    let refused = says(429, json!({ "retry_after": 580.5, "global": false }));
    let discord = Discord::new([refused]).await;
    let patch = ThreadPatch { name: Some("New".into()), ..ThreadPatch::default() };
    let outcome = discord.rest.update_thread(ChannelId(5), &patch).await;
    match outcome {
        Err(DiscordError::Later { after, .. }) => assert!(after > Duration::from_secs(570), "{after:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(discord.asked().len(), 1);
}

#[tokio::test]
async fn a_used_up_window_is_waited_for_and_not_run_into() {
    let headers = |remaining: u32| {
        vec![
            ("x-ratelimit-bucket", "b".to_owned()),
            ("x-ratelimit-limit", "1".to_owned()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-reset-after", "0.2".to_owned()),
        ]
    };
    let discord = Discord::new([(200, headers(0), json!({ "id": "99" }).to_string())]).await;
    let began = std::time::Instant::now();
    for _ in 0..3 {
        discord.rest.send(&webhook(), None, &post()).await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
}

#[tokio::test]
async fn discords_refusals_are_told_apart() {
    let cases = [
        (400, 50083, "Archived"),
        (404, 10003, "Gone"),
        (404, 10008, "Gone"),
        (404, 10015, "Gone"),
        (401, 50027, "Gone"),
        (403, 50013, "Forbidden"),
        (403, 50001, "Forbidden"),
        (401, 0, "Token"),
        (400, 50035, "Refused"),
        (404, 0, "Refused"),
        (500, 0, "Uncertain"),
        (502, 0, "Uncertain"),
    ];
    for (status, code, kind) in cases {
        let discord = Discord::new([says(status, json!({ "code": code, "message": "no" }))]).await;
        let error = discord.rest.send(&webhook(), None, &post()).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(kind), "{status} {code}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn a_refusal_says_which_field_is_wrong_and_which_permission_is_missing() {
    let wrong = json!({ "code": 50035, "message": "Invalid Form Body", "errors": {
        "content": { "_errors": [{ "code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer." }] },
    }});
    let discord =
        Discord::new([says(400, wrong), says(403, json!({ "code": 50013, "message": "no" }))]).await;
    let error = discord.rest.send(&webhook(), None, &post()).await.unwrap_err();
    assert!(error.to_string().contains("content: Must be 2000"), "{error}");
    let error = discord.rest.open_thread(ChannelId(1), "T").await.unwrap_err();
    assert!(error.to_string().contains("Create Public Threads"), "{error}");
}

#[tokio::test]
async fn trouble_at_discord_leaves_only_what_creates_uncertain() {
    let discord = Discord::new([says(503, Value::Null)]).await;
    let rest = &discord.rest;
    assert!(matches!(rest.open_thread(ChannelId(1), "T").await, Err(DiscordError::Uncertain { .. })));
    assert!(matches!(rest.edit(&webhook(), None, MessageId(1), "x").await, Err(DiscordError::Later { .. })));
    assert!(matches!(rest.channel(ChannelId(1)).await, Err(DiscordError::Later { .. })));
}

/// A server that takes a request and answers with these bytes, or with none.
async fn raw(answer: &'static [u8]) -> Rest {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer).await;
        }
    });
    rest(&base)
}

#[tokio::test]
async fn an_answer_that_never_comes_is_uncertain() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"id\":"]
    {
        let rest = raw(answer).await;
        let outcome = rest.send(&webhook(), None, &post()).await;
        match outcome {
            Err(DiscordError::Uncertain { reason }) => assert!(!reason.contains("canary"), "{reason}"),
            other => panic!("{answer:?}: {other:?}"),
        }
        let outcome = rest.react(ChannelId(1), MessageId(2), "✅").await;
        assert!(matches!(outcome, Err(DiscordError::Later { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn no_one_listening_is_later_and_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let outcome = rest(&base).send(&webhook(), None, &post()).await;
    assert!(matches!(outcome, Err(DiscordError::Later { .. })), "{outcome:?}");
}

#[tokio::test]
async fn the_applications_own_webhook_is_found_made_and_forgotten() {
    let me = [says(200, json!({ "id": "11" })), says(200, json!({ "id": "12", "flags": 1 << 19 }))];
    let foreign = json!([
        { "id": "1", "application_id": null, "token": "x" },
        { "id": "2", "application_id": "13" },
    ]);
    let made = json!({ "id": "3", "application_id": "12", "token": "t" });
    let script = me.into_iter().chain([
        says(200, foreign),
        says(200, made.clone()),
        says(404, json!({ "code": 10015, "message": "Unknown Webhook" })),
        says(200, json!([made])),
    ]);
    let discord = Discord::new(script).await;
    let rest = &discord.rest;
    let webhook = rest.webhook(ChannelId(1)).await.unwrap();
    assert_eq!(webhook.id, 3);
    assert_eq!(rest.webhook(ChannelId(1)).await.unwrap().id, 3);
    assert_eq!(discord.asked().len(), 4, "asked once, then remembered");
    assert!(matches!(rest.send(&webhook, None, &post()).await, Err(DiscordError::Gone(_))));
    assert_eq!(rest.webhook(ChannelId(1)).await.unwrap().id, 3);
    assert_eq!(discord.asked().len(), 6);
    assert!(rest.me().await.unwrap().message_content);
}

#[tokio::test]
async fn what_is_gone_already_is_deleted() {
    let discord = Discord::new([says(404, json!({ "code": 10008, "message": "Unknown Message" }))]).await;
    let rest = &discord.rest;
    rest.delete(&webhook(), Some(ChannelId(5)), MessageId(1)).await.unwrap();
    assert_eq!(discord.last().target, "/api/v10/webhooks/7/canary-hook/messages/1?thread_id=5");
    rest.delete_own(ChannelId(1), MessageId(1)).await.unwrap();
    rest.unreact(ChannelId(1), MessageId(1), "✅").await.unwrap();
    assert_eq!(rest.message(ChannelId(1), MessageId(1)).await.unwrap(), None);
    assert!(matches!(rest.edit(&webhook(), None, MessageId(1), "x").await, Err(DiscordError::Gone(_))));
}

#[tokio::test]
async fn a_channel_is_read_back_oldest_first() {
    let message = |id: u64| {
        json!({
            "id": id.to_string(), "channel_id": "1", "type": 19, "content": "hi",
            "author": { "id": "5", "username": "ann", "global_name": "Ann" },
            "webhook_id": "7", "message_reference": { "message_id": "3" },
            "attachments": [{ "id": "1", "filename": "a.png", "url": "http://127.0.0.1/a", "size": 3 }],
            "mentions": [{ "id": "6", "username": "bob", "member": { "nick": "Bobby" } }],
            "reactions": [{ "emoji": { "id": null, "name": "👍" } }, { "emoji": { "id": "9", "name": "ok" } }],
            "edited_timestamp": "2026-01-01T00:00:00+00:00",
        })
    };
    let page = json!([message(30), message(20), { "id": "broken" }]);
    let discord = Discord::new([says(200, page)]).await;
    let messages = discord.rest.messages(ChannelId(1), Span::After(MessageId(10)), 250).await.unwrap();
    assert_eq!(discord.last().target, "/api/v10/channels/1/messages?limit=100&after=10");
    assert_eq!(messages.iter().map(|message| message.id.0).collect::<Vec<_>>(), [20, 30]);
    let message = &messages[0];
    assert_eq!(message.author.name, "Ann");
    assert_eq!((message.webhook, message.reply_to), (Some(7), Some(MessageId(3))));
    assert_eq!(message.mentions, [(UserId(6), "Bobby".to_owned())]);
    assert_eq!(message.reactions, ["👍", "ok:9"]);
    assert!(message.ordinary && message.edited);
    assert_eq!(message.attachments[0].name, "a.png");
}

#[tokio::test]
async fn reactors_are_read_over_all_pages() {
    let page = |ids: std::ops::Range<u64>| {
        says(200, ids.map(|id| json!({ "id": id.to_string() })).collect::<Vec<_>>().into())
    };
    let discord = Discord::new([page(1..101), page(101..151)]).await;
    let users = discord.rest.reactors(ChannelId(1), MessageId(2), "❤️").await.unwrap();
    assert_eq!(users.len(), 150);
    let asked = discord.asked();
    assert_eq!(
        asked[1].target,
        "/api/v10/channels/1/messages/2/reactions/%E2%9D%A4%EF%B8%8F?limit=100&after=100"
    );
    // A page that repeats itself ends the walk.
    let discord = Discord::new([page(1..101)]).await;
    discord.rest.reactors(ChannelId(1), MessageId(2), "ok:9").await.unwrap();
    assert_eq!(discord.asked().len(), 2);
}

#[tokio::test]
async fn threads_are_opened_in_public_patched_and_listed() {
    let discord = Discord::new([says(201, json!({ "id": "55" }))]).await;
    let rest = &discord.rest;
    assert_eq!(rest.open_thread(ChannelId(1), "T").await.unwrap(), ChannelId(55));
    assert_eq!(discord.last().body["type"], 11);
    let patch = ThreadPatch {
        archived: Some(false),
        pinned: Some(true),
        tags: Some(vec![4]),
        ..ThreadPatch::default()
    };
    rest.update_thread(ChannelId(55), &patch).await.unwrap();
    assert_eq!(discord.last().body, json!({ "archived": false, "flags": 2, "applied_tags": ["4"] }));
    rest.update_thread(ChannelId(55), &ThreadPatch::default()).await.unwrap();
    assert_eq!(discord.asked().len(), 2, "an empty patch asks nothing");

    let thread = |id: &str| {
        json!({ "id": id, "type": 11, "name": "T", "parent_id": "1", "owner_id": "8", "thread_metadata":
            { "archived": true, "locked": true, "archive_timestamp": "2026-01-01T00:00:00+00:00" } })
    };
    let pages = [
        says(200, json!({ "threads": [thread("2")], "has_more": true })),
        says(200, json!({ "threads": [thread("3")], "has_more": false })),
    ];
    let discord = Discord::new(pages).await;
    let threads = discord.rest.archived_threads(ChannelId(1)).await.unwrap();
    assert_eq!(threads.len(), 2);
    assert!(threads[0].archived && threads[0].locked && threads[0].kind == ChannelKind::Thread);
    assert!(discord.last().target.contains("before=2026-01-01T00%3A00%3A00%2B00%3A00"));
    let discord = Discord::new([says(200, json!({ "threads": [thread("2")] }))]).await;
    assert_eq!(discord.rest.active_threads(GuildId(1)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_forum_channel_tells_its_tags() {
    let forum = json!({ "id": "1", "type": 15, "guild_id": "2", "name": "forum", "flags": 16,
        "available_tags": [{ "id": "3", "name": "Help" }, { "name": "broken" }] });
    let discord = Discord::new([says(200, forum)]).await;
    let channel = discord.rest.channel(ChannelId(1)).await.unwrap();
    assert_eq!(channel.kind, ChannelKind::Forum);
    assert!(channel.requires_tag);
    assert_eq!(channel.tags, [(3, "Help".to_owned())]);
    assert_eq!(channel.guild, Some(GuildId(2)));
}

#[tokio::test]
async fn an_unreachable_permission_is_named() {
    let script = [
        says(200, json!({ "id": "1", "guild_id": "2" })),
        says(200, json!({ "id": "11", "username": "bot" })),
        says(200, json!({ "id": "12" })),
        says(200, json!({ "owner_id": "9", "roles": [{ "id": "2", "permissions": "1024" }] })),
        says(200, json!({ "roles": [] })),
    ];
    let discord = Discord::new(script).await;
    let missing =
        discord.rest.missing(ChannelId(1), &[Need::ViewChannel, Need::ManageWebhooks]).await.unwrap();
    assert_eq!(missing, [Need::ManageWebhooks]);
}

#[tokio::test]
async fn every_request_is_one_that_discord_describes() {
    let any = json!({ "id": "99", "channel_id": "5", "token": "t", "url": "ws://127.0.0.1", "threads": [] });
    let discord = Discord::new([says(200, any)]).await;
    let rest = &discord.rest;
    let (channel, message) = (ChannelId(5), MessageId(9));
    let avatar = Outgoing { avatar_url: Some("https://127.0.0.1/a".into()), ..post() };
    rest.gateway().await.unwrap();
    rest.webhook(channel).await.unwrap();
    rest.send(&webhook(), Some(channel), &avatar).await.unwrap();
    rest.open_post(&webhook(), "Title", &[3], &post()).await.unwrap();
    rest.edit(&webhook(), Some(channel), message, "words").await.unwrap();
    rest.delete(&webhook(), Some(channel), message).await.unwrap();
    rest.open_thread(channel, "Title").await.unwrap();
    let patch = ThreadPatch {
        name: Some("Title".into()),
        archived: Some(false),
        locked: Some(true),
        pinned: Some(true),
        tags: Some(vec![3]),
    };
    rest.update_thread(channel, &patch).await.unwrap();
    rest.react(channel, message, "✅").await.unwrap();
    rest.unreact(channel, message, "✅").await.unwrap();
    rest.say(channel, Some(message), "words", "nonce").await.unwrap();
    rest.delete_own(channel, message).await.unwrap();
    rest.messages(channel, Span::Around(message), 50).await.unwrap();
    rest.reactors(channel, message, "✅").await.unwrap();
    rest.guild_channels(GuildId(1)).await.unwrap();
    rest.active_threads(GuildId(1)).await.unwrap();
    rest.archived_threads(channel).await.unwrap();
    let definitions = crate::discord::commands::definitions();
    rest.put_commands(12, None, &definitions).await.unwrap();
    rest.put_commands(12, Some(GuildId(1)), &definitions).await.unwrap();
    let asked = discord.asked();
    assert!(asked.len() > 20);
    for asked in asked {
        let path = asked.target.split('?').next().unwrap().trim_start_matches("/api/v10");
        spec::assert_described(&asked.method.as_str().to_lowercase(), path, &asked.body);
    }
}

#[test]
fn an_address_or_token_that_cannot_work_is_refused_before_anything_is_sent() {
    let clock = || Arc::new(SystemClock);
    let ftp = Url::parse("ftp://127.0.0.1").unwrap();
    assert!(Rest::new(TOKEN.to_owned().into(), &ftp, clock()).is_err());
    let good = Url::parse("http://127.0.0.1:1").unwrap();
    let broken = Rest::new("to\nken".to_owned().into(), &good, clock());
    assert!(matches!(broken.err(), Some(DiscordError::Token)));
}
