//! The sandbox spoken to as serenity speaks to Discord.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use serenity::all as s;
use serenity::futures::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::clock::{ManualClock, SystemClock};

const PATIENCE: Duration = Duration::from_secs(20);

async fn started(limits: Limits) -> (Discord, s::Http) {
    let options = Options { limits, ..Options::default() };
    let discord = Discord::start(options, Arc::new(SystemClock)).await.unwrap();
    let http = http(&discord);
    (discord, http)
}

fn http(discord: &Discord) -> s::Http {
    let http = s::HttpBuilder::new(discord.token()).proxy(discord.url()).ratelimiter_disabled(true).build();
    http.set_application_id(discord.bot().into());
    http
}

fn code<T: std::fmt::Debug>(result: s::Result<T>) -> isize {
    match result.unwrap_err() {
        s::Error::Http(s::HttpError::UnsuccessfulRequest(response)) => response.error.code,
        other => panic!("not a refusal: {other}"),
    }
}

struct Ears(tokio::sync::mpsc::UnboundedSender<s::Event>);

#[serenity::async_trait]
impl s::RawEventHandler for Ears {
    async fn raw_event(&self, _: s::Context, event: s::Event) {
        let _ = self.0.send(event);
    }
}

/// A serenity client that is connected to the sandbox and no other.
async fn connected(discord: &Discord, intents: s::GatewayIntents) -> UnboundedReceiver<s::Event> {
    let http = http(discord);
    assert!(http.get_gateway().await.unwrap().url.starts_with("ws://127.0.0.1:"));
    let (sender, events) = unbounded_channel();
    let mut client =
        s::ClientBuilder::new_with_http(http, intents).raw_event_handler(Ears(sender)).await.unwrap();
    tokio::spawn(async move { client.start().await });
    events
}

async fn next<T>(events: &mut UnboundedReceiver<s::Event>, want: impl Fn(s::Event) -> Option<T>) -> T {
    tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = want(events.recv().await.expect("the gateway lives")) {
                return found;
            }
        }
    })
    .await
    .expect("the event comes")
}

fn created(event: s::Event) -> Option<s::Message> {
    match event {
        s::Event::MessageCreate(it) => Some(it.message),
        _ => None,
    }
}

#[tokio::test]
async fn a_webhook_message_crosses_whole() {
    let (discord, http) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = s::ChannelId::new(discord.add_text_channel(guild, "news"));
    let mut events = connected(&discord, s::GatewayIntents::all()).await;
    let whole = next(&mut events, |event| match event {
        s::Event::GuildCreate(it) => Some(it.guild),
        _ => None,
    })
    .await;
    assert_eq!((whole.id.get(), whole.channels.len()), (guild, 1));

    let webhook = channel.create_webhook(&http, s::CreateWebhook::new("bridge")).await.unwrap();
    assert_eq!(webhook.application_id.map(|id| id.get()), Some(discord.bot()));
    let row = s::CreateActionRow::Buttons(vec![s::CreateButton::new("thanks").label("Thanks")]);
    let post = s::ExecuteWebhook::new()
        .username("Ephelyon")
        .avatar_url("https://forum.example/a.png")
        .content("  hello <@1>  ")
        .allowed_mentions(s::CreateAllowedMentions::new())
        .embed(s::CreateEmbed::new().title("t").field("n", "v", true))
        .components(vec![row])
        .add_file(s::CreateAttachment::bytes(&b"words"[..], "note.txt"));
    let sent = webhook.execute(&http, true, post).await.unwrap().unwrap();
    assert_eq!((sent.content.as_str(), sent.author.name.as_str()), ("hello <@1>", "Ephelyon"));
    assert_eq!(sent.webhook_id, Some(webhook.id));
    assert_eq!((sent.embeds.len(), sent.components.len(), sent.attachments.len()), (1, 1, 1));
    assert_eq!(discord.file(sent.attachments[0].id.get()).as_deref(), Some(&b"words"[..]));
    let heard = next(&mut events, created).await;
    assert_eq!((heard.id, heard.guild_id.map(|id| id.get())), (sent.id, Some(guild)));

    let edit = s::EditWebhookMessage::new().content("changed");
    webhook.edit_message(&http, sent.id, edit).await.unwrap();
    assert_eq!(discord.message(sent.id.get()).unwrap().content, "changed");
    let quiet = webhook.execute(&http, false, s::ExecuteWebhook::new().content("quiet")).await.unwrap();
    assert!(quiet.is_none());
    webhook.delete_message(&http, None, sent.id).await.unwrap();
    assert_eq!(discord.messages(channel.get()).len(), 1);
}

#[tokio::test]
async fn forum_posts_and_threads_follow_the_rules() {
    let (discord, http) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let forum = discord.add_forum_channel(guild, "board", &["solved"]);
    let tag = discord.channel(forum).unwrap().tags[0].id;
    let channel = s::ChannelId::new(forum);
    let webhook = channel.create_webhook(&http, s::CreateWebhook::new("bridge")).await.unwrap();
    let token = discord.webhooks(forum)[0].token.clone();
    let path = format!("/webhooks/{}/{token}", webhook.id);

    let post = |body: Value, query: &'static str| {
        raw(&discord, "POST", format!("{path}?wait=true{query}"), Some(body))
    };
    assert_eq!(post(json!({ "content": "x" }), "").await.1["code"], 220_001);
    assert_eq!(post(json!({ "content": "x", "thread_name": "t" }), "&thread_id=1").await.1["code"], 220_002);
    discord.require_tag(forum, true);
    assert_eq!(post(json!({ "content": "x", "thread_name": "t" }), "").await.1["code"], 40067);
    let (status, opened) =
        post(json!({ "content": "first", "thread_name": "Title", "applied_tags": [tag.to_string()] }), "")
            .await;
    assert_eq!(status, 200, "{opened}");
    let thread: u64 = opened["channel_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(opened["id"], opened["channel_id"]);
    assert_eq!(discord.threads(forum)[0].name, "Title");

    // An archived thread shows, opens again when someone writes, and takes no edit until then.
    let id = s::ChannelId::new(thread);
    let archived = id.edit_thread(&http, s::EditThread::new().archived(true)).await.unwrap();
    assert!(archived.thread_metadata.unwrap().archived);
    let list = channel.get_archived_public_threads(&http, None, None).await.unwrap();
    assert_eq!(list.threads.len(), 1);
    let edit = s::EditWebhookMessage::new().content("y").in_thread(id);
    assert_eq!(code(webhook.edit_message(&http, s::MessageId::new(thread), edit).await), 50083);
    let again = s::ExecuteWebhook::new().content("second").in_thread(id);
    webhook.execute(&http, true, again).await.unwrap();
    assert!(!discord.channel(thread).unwrap().thread.unwrap().archived);
    id.edit_thread(&http, s::EditThread::new().locked(true)).await.unwrap();
    let more = s::ExecuteWebhook::new().content("third").in_thread(id);
    assert_eq!(code(webhook.execute(&http, true, more).await), 160_005);
    assert_eq!(discord.messages(thread).len(), 2);
}

async fn raw(discord: &Discord, method: &str, path: String, body: Option<Value>) -> (u16, Value) {
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
    let url = format!("{}/api/v10{path}", discord.url());
    let mut request = client
        .request(method.parse().unwrap(), url)
        .header("authorization", format!("Bot {}", discord.token()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn what_breaks_a_limit_is_refused_with_its_place() {
    let (discord, _) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let to = format!("/channels/{channel}/messages");
    let long = "x".repeat(2001);
    let cases = [
        (json!({ "content": long }), 50035, "/errors/content/_errors/0/code"),
        (json!({ "content": "  " }), 50006, ""),
        (json!({ "embeds": [{ "title": "t".repeat(257) }] }), 50035, "/errors/embeds/0/title/_errors/0/code"),
        (
            json!({ "embeds": [{ "description": "d".repeat(4000) }, { "description": "d".repeat(2001) }] }),
            50035,
            "/errors/embeds/_errors/0/code",
        ),
        (
            json!({ "content": "x", "allowed_mentions": { "parse": ["users"], "users": ["1"] } }),
            50035,
            "/errors/allowed_mentions/_errors/0/code",
        ),
        (json!({ "content": "x", "nonce": "n".repeat(26) }), 50035, "/errors/nonce/_errors/0/code"),
        (
            json!({ "content": "x", "components": [{ "type": 1, "components": [{ "type": 2, "style": 1, "label": "x" }] }] }),
            50035,
            "/errors/components/0/components/0/custom_id/_errors/0/code",
        ),
        (
            json!({ "content": "x", "message_reference": { "message_id": "5" } }),
            50035,
            "/errors/message_reference/_errors/0/code",
        ),
    ];
    for (body, code, place) in cases {
        let (status, answer) = raw(&discord, "POST", to.clone(), Some(body.clone())).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{body} {answer}");
        assert!(place.is_empty() || answer.pointer(place).is_some(), "{answer}");
    }
    assert!(discord.messages(channel).is_empty());
    assert_eq!(discord.refused().get(&400), Some(&8));
    for name in ["Clyde the cat", "my DISCORD", "", &"n".repeat(81)] {
        let (_, answer) =
            raw(&discord, "POST", format!("/channels/{channel}/webhooks"), Some(json!({ "name": name })))
                .await;
        assert_eq!(answer["code"], 50035, "{name}");
    }
    for n in 0..16 {
        let (status, answer) =
            raw(&discord, "POST", format!("/channels/{channel}/webhooks"), Some(json!({ "name": "w" })))
                .await;
        assert_eq!(status, if n < 15 { 200 } else { 400 }, "{answer}");
    }
    discord.set_overwrite(channel, guild, 0, SEND_MESSAGES);
    discord.set_bot_permissions(guild, 0);
    assert_eq!(raw(&discord, "POST", to.clone(), Some(json!({ "content": "x" }))).await.1["code"], 50013);
    discord.set_overwrite(channel, guild, 0, VIEW_CHANNEL);
    assert_eq!(raw(&discord, "GET", to, None).await.1["code"], 50001);
}

#[tokio::test]
async fn an_enforced_nonce_returns_the_message_that_is_there() {
    let (discord, _) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let to = format!("/channels/{channel}/messages");
    let body = json!({ "content": "once", "nonce": "p1", "enforce_nonce": true });
    discord.fault(Some("POST"), "/messages", Fault::DropAfterCommit, 1);
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
    let request = client
        .post(format!("{}/api/v10{to}", discord.url()))
        .header("authorization", format!("Bot {}", discord.token()))
        .json(&body);
    assert!(request.send().await.is_err(), "the connection is cut");
    let there = discord.messages(channel);
    assert_eq!(there.len(), 1, "and yet it was stored");
    let (status, again) = raw(&discord, "POST", to, Some(body)).await;
    assert_eq!((status, again["id"].as_str()), (200, Some(there[0].id.to_string().as_str())));
    assert_eq!(discord.messages(channel).len(), 1);
    let entry = discord.ledger()[0].clone();
    assert_eq!((entry.status, entry.done, entry.fault.as_deref()), (0, true, Some("drop-after")));
}

#[tokio::test]
async fn limits_are_told_by_header_and_kept() {
    let clock = Arc::new(ManualClock::new("2026-11-23T12:00:00Z".parse().unwrap()));
    let discord = Discord::start(Options::default(), clock.clone()).await.unwrap();
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let to = format!("/channels/{channel}/messages");
    for _ in 0..5 {
        assert_eq!(raw(&discord, "POST", to.clone(), Some(json!({ "content": "x" }))).await.0, 200);
    }
    let (status, answer) = raw(&discord, "POST", to.clone(), Some(json!({ "content": "x" }))).await;
    assert_eq!((status, &answer["retry_after"], &answer["global"]), (429, &json!(5.0), &json!(false)));
    clock.advance(Duration::from_secs(5));
    assert_eq!(raw(&discord, "POST", to, Some(json!({ "content": "x" }))).await.0, 200);
}

#[tokio::test]
async fn people_act_and_the_bot_hears_of_it() {
    let (discord, http) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let anna = discord.add_user("Anna");
    let mut events = connected(&discord, s::GatewayIntents::all()).await;
    next(&mut events, |event| matches!(event, s::Event::GuildCreate(_)).then_some(())).await;
    let first = s::ChannelId::new(channel).say(&http, "hello").await.unwrap();
    let id = discord
        .say_with_files(anna, channel, "re", Some(first.id.get()), &[("a.png", "image/png", b"png")])
        .unwrap();
    let heard = next(&mut events, |event| created(event).filter(|it| it.id.get() == id)).await;
    assert_eq!(heard.kind, s::MessageType::InlineReply);
    assert_eq!(heard.referenced_message.unwrap().id, first.id);
    assert_eq!(heard.attachments[0].filename, "a.png");
    discord.react(anna, first.id.get(), "🙏").unwrap();
    let reaction = next(&mut events, |event| match event {
        s::Event::ReactionAdd(it) => Some(it.reaction),
        _ => None,
    })
    .await;
    assert_eq!(
        (reaction.user_id.map(|id| id.get()), reaction.emoji.to_string()),
        (Some(anna), "🙏".to_owned())
    );
    let read = s::ChannelId::new(channel).message(&http, first.id).await.unwrap();
    assert_eq!(read.reactions[0].count, 1);
    discord.unreact(anna, first.id.get(), "🙏").unwrap();
    next(&mut events, |event| matches!(event, s::Event::ReactionRemove(_)).then_some(())).await;
    discord.edit(anna, id, "better").unwrap();
    let edited = next(&mut events, |event| match event {
        s::Event::MessageUpdate(it) => Some(it),
        _ => None,
    })
    .await;
    assert_eq!(edited.content.as_deref(), Some("better"));
    discord.delete(id).unwrap();
    next(&mut events, |event| matches!(event, s::Event::MessageDelete(_)).then_some(())).await;
    let forum = discord.add_forum_channel(guild, "board", &[]);
    let thread = discord.forum_post(anna, forum, "Title", "text", &[]).unwrap();
    next(&mut events, |event| {
        matches!(event, s::Event::ThreadCreate(it) if it.thread.id.get() == thread).then_some(())
    })
    .await;
    next(&mut events, |event| created(event).filter(|it| it.id.get() == thread)).await;
    assert!(discord.snapshot()["guilds"][0]["channels"][1]["threads"][0]["name"] == "Title");
}

#[tokio::test]
async fn without_the_intent_the_words_are_empty() {
    let (discord, _) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let anna = discord.add_user("Anna");
    let mut events = connected(&discord, s::GatewayIntents::non_privileged()).await;
    next(&mut events, |event| matches!(event, s::Event::GuildCreate(_)).then_some(())).await;
    discord.say(anna, channel, "secret", None).unwrap();
    assert_eq!(next(&mut events, created).await.content, "");
    discord.say(anna, channel, &format!("<@{}> hi", discord.bot()), None).unwrap();
    assert!(next(&mut events, created).await.content.ends_with("hi"));
}

#[tokio::test]
async fn a_resumed_session_misses_nothing() {
    let (discord, _) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let anna = discord.add_user("Anna");
    let mut events = connected(&discord, s::GatewayIntents::all()).await;
    next(&mut events, |event| matches!(event, s::Event::GuildCreate(_)).then_some(())).await;
    discord.disconnect(true);
    let id = discord.say(anna, channel, "meanwhile", None).unwrap();
    assert_eq!(next(&mut events, created).await.id.get(), id);
    next(&mut events, |event| matches!(event, s::Event::Resumed(_)).then_some(())).await;
    assert_eq!((discord.sessions().1, discord.sessions().2), (1, 1));
}

#[tokio::test]
async fn an_ended_session_begins_anew_and_events_go_astray_on_demand() {
    let (discord, _) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let anna = discord.add_user("Anna");
    let mut events = connected(&discord, s::GatewayIntents::all()).await;
    next(&mut events, |event| matches!(event, s::Event::GuildCreate(_)).then_some(())).await;
    discord.duplicate_events(true);
    let id = discord.say(anna, channel, "twice", None).unwrap();
    assert_eq!(next(&mut events, created).await.id.get(), id);
    assert_eq!(next(&mut events, created).await.id.get(), id);
    discord.duplicate_events(false);
    discord.drop_events(1);
    discord.say(anna, channel, "lost", None).unwrap();
    discord.reorder_events(1);
    let ids = ["early", "late"].map(|text| discord.say(anna, channel, text, None).unwrap());
    // serenity hands every event to a task of its own, so only the set is certain here.
    let mut heard = [next(&mut events, created).await.id.get(), next(&mut events, created).await.id.get()];
    heard.sort_unstable();
    assert_eq!(heard, ids);
    discord.disconnect(false);
    next(&mut events, |event| matches!(event, s::Event::Ready(_)).then_some(())).await;
    assert_eq!((discord.sessions().1, discord.sessions().2), (2, 0));
}

#[tokio::test]
async fn a_wrong_token_and_a_forbidden_intent_are_turned_away() {
    let options = Options { disallowed_intents: MESSAGE_CONTENT, ..Options::default() };
    let discord = Discord::start(options, Arc::new(SystemClock)).await.unwrap();
    let wrong = s::HttpBuilder::new("MTIz.abc.def").proxy(discord.url()).ratelimiter_disabled(true).build();
    assert!(wrong.get_current_user().await.is_err());
    let mut client = s::ClientBuilder::new_with_http(http(&discord), s::GatewayIntents::all()).await.unwrap();
    let error = tokio::time::timeout(PATIENCE, client.start()).await.unwrap().unwrap_err();
    assert!(matches!(error, s::Error::Gateway(s::GatewayError::DisallowedGatewayIntents)), "{error}");
    discord.reset_token();
    let mut client =
        s::ClientBuilder::new_with_http(http(&discord), s::GatewayIntents::non_privileged()).await.unwrap();
    discord.reset_token();
    assert!(tokio::time::timeout(PATIENCE, client.start()).await.unwrap().is_err());
}

#[tokio::test]
async fn a_command_is_answered_deferred_and_by_form() {
    let (discord, http) = started(Limits::off()).await;
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let anna = discord.add_user("Anna");
    let mut events = connected(&discord, s::GatewayIntents::all()).await;
    let show = s::CreateCommandOption::new(s::CommandOptionType::SubCommand, "show", "Shows a thread")
        .add_sub_option(
            s::CreateCommandOption::new(s::CommandOptionType::String, "thread", "Which")
                .required(true)
                .set_autocomplete(true),
        );
    let commands = vec![
        s::CreateCommand::new("thread").description("Threads").add_option(show),
        s::CreateCommand::new("Thank the poster").kind(s::CommandType::Message),
    ];
    let made = s::GuildId::new(guild).set_commands(&http, commands).await.unwrap();
    assert_eq!(made.len(), 2);
    next(&mut events, |event| matches!(event, s::Event::GuildCreate(_)).then_some(())).await;
    let called = |event| match event {
        s::Event::InteractionCreate(it) => Some(it.interaction),
        _ => None,
    };
    assert_eq!(discord.command(anna, channel, "thread hide", &[]).err().map(|it| it.code), Some(10063));
    assert_eq!(discord.command(anna, channel, "thread show", &[]).err().map(|it| it.code), Some(50035));

    let typed =
        discord.autocomplete(anna, channel, "thread show", &[("thread", json!("ru"))], "thread").unwrap();
    let heard = next(&mut events, called).await.autocomplete().unwrap();
    assert_eq!(heard.data.autocomplete().unwrap().value, "ru");
    let choices = s::CreateAutocompleteResponse::new().add_string_choice("Rust", "1");
    heard.create_response(&http, s::CreateInteractionResponse::Autocomplete(choices)).await.unwrap();
    assert_eq!(typed.answer().await.unwrap().choices, [("Rust".to_owned(), json!("1"))]);

    let asked = discord.command(anna, channel, "thread show", &[("thread", json!("1"))]).unwrap();
    let heard = next(&mut events, called).await.command().unwrap();
    assert_eq!((heard.user.id.get(), heard.data.name.as_str()), (anna, "thread"));
    heard.defer_ephemeral(&http).await.unwrap();
    assert_eq!(code(heard.defer(&http).await), 40060);
    let row = s::CreateActionRow::Buttons(vec![s::CreateButton::new("next").label("Next")]);
    heard
        .edit_response(&http, s::EditInteractionResponse::new().content("page 1").components(vec![row]))
        .await
        .unwrap();
    let answer = asked.answer().await.unwrap();
    assert_eq!((answer.text(), answer.ephemeral()), ("page 1", true));
    heard.create_followup(&http, s::CreateInteractionResponseFollowup::new().content("more")).await.unwrap();

    let message = answer.message.unwrap().id;
    let pressed = discord.press(anna, message, "next", &[]).unwrap();
    let heard = next(&mut events, called).await.message_component().unwrap();
    let rows = vec![s::CreateActionRow::InputText(s::CreateInputText::new(
        s::InputTextStyle::Short,
        "Name",
        "name",
    ))];
    let modal = s::CreateModal::new("form", "Who?").components(rows);
    heard.create_response(&http, s::CreateInteractionResponse::Modal(modal)).await.unwrap();
    pressed.answer().await.unwrap();
    assert!(discord.submit_modal(&pressed, &[]).is_err(), "a required field");
    let filled = discord.submit_modal(&pressed, &[("name", "Anna")]).unwrap();
    let heard = next(&mut events, called).await.modal_submit().unwrap();
    assert_eq!(heard.data.custom_id, "form");
    let reply = s::CreateInteractionResponseMessage::new().content("done").ephemeral(true);
    heard.create_response(&http, s::CreateInteractionResponse::Message(reply)).await.unwrap();
    assert_eq!(filled.answer().await.unwrap().text(), "done");

    let post = discord.say(anna, channel, "text", None).unwrap();
    let _thank = discord.message_command(anna, post, "Thank the poster").unwrap();
    let heard = next(&mut events, called).await.command().unwrap();
    assert_eq!(heard.data.resolved.messages.len(), 1);
}

#[tokio::test]
async fn a_late_first_answer_is_unknown() {
    let clock = Arc::new(ManualClock::new("2026-11-23T12:00:00Z".parse().unwrap()));
    let discord =
        Discord::start(Options { limits: Limits::off(), ..Options::default() }, clock.clone()).await.unwrap();
    let http = http(&discord);
    let guild = discord.add_guild("Home");
    let channel = discord.add_text_channel(guild, "news");
    let anna = discord.add_user("Anna");
    let mut events = connected(&discord, s::GatewayIntents::all()).await;
    s::GuildId::new(guild)
        .set_commands(&http, vec![s::CreateCommand::new("ping").description("p")])
        .await
        .unwrap();
    next(&mut events, |event| matches!(event, s::Event::GuildCreate(_)).then_some(())).await;
    let asked = discord.command(anna, channel, "ping", &[]).unwrap();
    let heard = next(&mut events, |event| match event {
        s::Event::InteractionCreate(it) => it.interaction.command(),
        _ => None,
    })
    .await;
    clock.advance(Duration::from_secs(4));
    assert_eq!(code(heard.defer(&http).await), 10062);
    assert_eq!(asked.first().await.err().map(|it| it.code), Some(10062));
}

#[tokio::test]
async fn down_and_back_on_the_same_port() {
    let (discord, http) = started(Limits::off()).await;
    discord.add_guild("Home");
    assert!(http.get_current_user().await.is_ok());
    discord.pause();
    assert!(http.get_current_user().await.is_err());
    discord.resume().await.unwrap();
    assert_eq!(http.get_current_user().await.unwrap().id.get(), discord.bot());
    let mut all = s::ChannelId::new(1).messages_iter(&http).boxed();
    assert!(all.next().await.is_some_and(|it| it.is_err()));
}
