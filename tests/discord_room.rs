//! The Discord room against the sandbox's Discord: every REST call it makes, its pace, and its commands.
#![cfg(feature = "sandbox")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use threadbridge::clock::SystemClock;
use threadbridge::discord::commands::asks::{
    Accounts, Asked, Asker, Bridges, Forums, LatestView, Suggestion, Thanking, ThreadView, Writing,
};
use threadbridge::discord::commands::definitions;
use threadbridge::discord::gateway::{Gateway, run};
use threadbridge::discord::rest::{Need, Rest, Span};
use threadbridge::discord::{ChannelKind, DiscordError, Event, Outgoing, ThreadPatch};
use threadbridge::model::{ChannelId, GuildId, MessageId, Permissions, Thread, ThreadPage, UserId};
use threadbridge::sandbox::discord::{Discord, Fault, Limits, Options};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

const LIMIT: Duration = Duration::from_secs(30);

async fn discord(limits: Limits) -> (Discord, Rest) {
    let options = Options { limits, ..Options::default() };
    let discord = Discord::start(options, Arc::new(SystemClock)).await.unwrap();
    let url = Url::parse(&discord.url()).unwrap();
    let rest = Rest::new(discord.token().into(), &url, Arc::new(SystemClock)).unwrap();
    (discord, rest)
}

fn outgoing(content: &str) -> Outgoing {
    Outgoing { username: "Ephelyon".into(), avatar_url: None, content: content.into() }
}

#[tokio::test]
async fn every_call_does_what_it_says() {
    let (discord, rest) = discord(Limits::off()).await;
    let guild = discord.add_guild("Guild");
    let text = ChannelId(discord.add_text_channel(guild, "general"));
    let forum = ChannelId(discord.add_forum_channel(guild, "forum", &["Help"]));

    let me = rest.me().await.unwrap();
    assert_eq!(me.user, UserId(discord.bot()));
    assert!(me.message_content);
    let channels = rest.guild_channels(GuildId(guild)).await.unwrap();
    assert!(channels.iter().any(|channel| channel.id == forum && channel.kind == ChannelKind::Forum));
    assert_eq!(rest.missing(text, &Need::ALL).await.unwrap(), []);

    let webhook = rest.webhook(text).await.unwrap();
    let first = rest.send(&webhook, None, &outgoing("one")).await.unwrap();
    let second = rest.send(&webhook, None, &outgoing("two")).await.unwrap();
    rest.edit(&webhook, None, first, "uno").await.unwrap();
    let messages = rest.messages(text, Span::Newest, 10).await.unwrap();
    let read: Vec<_> = messages.iter().map(|message| (message.id, message.content.as_str())).collect();
    assert_eq!(read, [(first, "uno"), (second, "two")]);
    assert_eq!(messages[0].webhook, Some(webhook.id));
    assert_eq!(messages[0].author.name, "Ephelyon");
    assert_eq!(rest.messages(text, Span::After(first), 10).await.unwrap().len(), 1);
    rest.delete(&webhook, None, second).await.unwrap();
    rest.delete(&webhook, None, second).await.unwrap();
    assert_eq!(rest.message(text, second).await.unwrap(), None);

    rest.react(text, first, "🙏").await.unwrap();
    assert_eq!(rest.reactors(text, first, "🙏").await.unwrap(), [me.user]);
    assert_eq!(rest.message(text, first).await.unwrap().unwrap().reactions, ["🙏"]);
    rest.unreact(text, first, "🙏").await.unwrap();
    let said = rest.say(text, Some(first), "no", "nonce-1").await.unwrap();
    assert_eq!(rest.say(text, Some(first), "no", "nonce-1").await.unwrap(), said);
    rest.delete_own(text, said).await.unwrap();

    let hook = rest.webhook(forum).await.unwrap();
    let tag = rest.channel(forum).await.unwrap().tags[0].0;
    let (post, starter) = rest.open_post(&hook, "A thread", &[tag], &outgoing("start")).await.unwrap();
    assert_eq!(post.0, starter.0);
    let reply = rest.send(&hook, Some(post), &outgoing("reply")).await.unwrap();
    rest.edit(&hook, Some(post), reply, "reply!").await.unwrap();
    let patch = ThreadPatch {
        name: Some("Renamed".into()),
        locked: Some(true),
        pinned: Some(true),
        ..ThreadPatch::default()
    };
    rest.update_thread(post, &patch).await.unwrap();
    let channel = rest.channel(post).await.unwrap();
    assert_eq!((channel.name.as_str(), channel.locked, channel.parent), ("Renamed", true, Some(forum)));
    assert!(rest.active_threads(GuildId(guild)).await.unwrap().iter().any(|thread| thread.id == post));
    let archive = ThreadPatch { archived: Some(true), pinned: Some(false), ..ThreadPatch::default() };
    rest.update_thread(post, &archive).await.unwrap();
    assert_eq!(rest.archived_threads(forum).await.unwrap()[0].id, post);
    assert!(matches!(rest.edit(&hook, Some(post), reply, "late").await, Err(DiscordError::Archived)));

    let thread = rest.open_thread(text, "In the channel").await.unwrap();
    assert_eq!(rest.channel(thread).await.unwrap().kind, ChannelKind::Thread);
    rest.put_commands(me.application, Some(GuildId(guild)), &definitions()).await.unwrap();
    assert_eq!(discord.commands().len(), definitions().as_array().unwrap().len());
    assert_eq!(discord.refused().into_iter().collect::<Vec<_>>(), [(400, 1), (404, 2)]);
}

#[tokio::test]
async fn a_backlog_in_several_channels_meets_no_429() {
    let (discord, rest) = discord(Limits::scaled(0.2)).await;
    let guild = discord.add_guild("Guild");
    let channels: Vec<ChannelId> =
        (0..4).map(|n| ChannelId(discord.add_text_channel(guild, &format!("c{n}")))).collect();
    let lanes = channels.iter().map(|channel| {
        let (rest, channel) = (rest.backfill(), *channel);
        tokio::spawn(async move {
            let webhook = rest.webhook(channel).await.unwrap();
            for n in 0..15 {
                rest.send(&webhook, None, &outgoing(&n.to_string())).await.unwrap();
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    for channel in channels {
        let words: Vec<String> = discord.messages(channel.0).iter().map(|m| m.content.clone()).collect();
        assert_eq!(words, (0..15).map(|n| n.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(discord.refused().get(&429), None);
}

/// One thread that is called `Title`.
struct Library;

impl Accounts for Library {}
impl Bridges for Library {}
impl Thanking for Library {}
impl Writing for Library {}

#[async_trait::async_trait]
impl Forums for Library {
    async fn thread(
        &self,
        _: Asker,
        thread: &str,
        _: Option<&str>,
        page: Option<u32>,
    ) -> Result<ThreadView, String> {
        if thread != "7" {
            return Err("There is no such thread.".into());
        }
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
        Err("Nothing yet.".into())
    }

    async fn complete_threads(&self, _: Asker, _: Option<&str>, words: &str) -> Vec<Suggestion> {
        vec![Suggestion { name: format!("{words}tle"), value: "7".into() }]
    }

    async fn complete_boards(&self, _: Asker, _: Option<&str>, _: &str) -> Vec<Suggestion> {
        Vec::new()
    }

    async fn complete_forums(&self, _: Asker, _: &str) -> Vec<Suggestion> {
        Vec::new()
    }
}

#[tokio::test]
async fn the_gateway_hands_on_and_the_commands_answer() {
    let (discord, rest) = discord(Limits::off()).await;
    let guild = discord.add_guild("Guild");
    let channel = discord.add_text_channel(guild, "general");
    let ann = discord.add_user("ann");
    discord.set_nick(guild, ann, Some("Annie"));
    let me = rest.me().await.unwrap();
    rest.put_commands(me.application, None, &definitions()).await.unwrap();
    let (sender, mut events) = mpsc::channel(16);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(run(Gateway {
        token: discord.token().into(),
        api_url: Url::parse(&discord.url()).unwrap(),
        rest,
        clock: Arc::new(SystemClock),
        shard: 0,
        of: 1,
        events: sender,
        asked: Asked::all(Arc::new(Library)),
        shutdown: shutdown.clone(),
        health: Arc::new(|_| ()),
        turns: Arc::new(()),
    }));
    let mut next = async || tokio::time::timeout(LIMIT, events.recv()).await.unwrap().unwrap();
    assert_eq!(next().await, Event::Ready { me: me.user });

    let said = discord.say(ann, channel, "hello", None).unwrap();
    let Event::Message(message) = next().await else { panic!() };
    assert_eq!((message.id, message.author.name.as_str()), (MessageId(said), "Annie"));
    discord.edit(ann, said, "hello!").unwrap();
    assert!(matches!(next().await, Event::Edited(message) if message.content == "hello!"));
    discord.react(ann, said, "❤️").unwrap();
    assert!(matches!(next().await, Event::Reacted { user, emoji, .. } if user.0 == ann && emoji == "❤️"));
    discord.disconnect(true);
    assert_eq!(next().await, Event::Resumed);
    discord.delete(said).unwrap();
    assert!(matches!(next().await, Event::Deleted { messages, .. } if messages == [MessageId(said)]));

    let shown = discord.command(ann, channel, "thread show", &[("thread", json!("7"))]).unwrap();
    let answer = shown.answer().await.unwrap();
    assert!(format!("{answer:?}").contains("[Title]"), "{answer:?}");
    let refused = discord.command(ann, channel, "thread show", &[("thread", json!("8"))]).unwrap();
    assert!(format!("{:?}", refused.answer().await.unwrap()).contains("There is no such thread."));
    let typed =
        discord.autocomplete(ann, channel, "thread show", &[("thread", json!("Ti"))], "thread").unwrap();
    assert!(format!("{:?}", typed.answer().await.unwrap()).contains("Title"));

    shutdown.cancel();
    tokio::time::timeout(LIMIT, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn faults_are_told_apart() {
    let (discord, rest) = discord(Limits::off()).await;
    let guild = discord.add_guild("Guild");
    let channel = ChannelId(discord.add_text_channel(guild, "general"));
    let webhook = rest.webhook(channel).await.unwrap();
    for (fault, stored) in
        [(Fault::DropAfterCommit, true), (Fault::DropBeforeCommit, false), (Fault::BadGateway, false)]
    {
        discord.fault(Some("POST"), "/webhooks/{webhook_id}/{webhook_token}", fault.clone(), 1);
        let before = discord.messages(channel.0).len();
        let outcome = rest.send(&webhook, None, &outgoing("once")).await;
        assert!(matches!(outcome, Err(DiscordError::Uncertain { .. })), "{fault}: {outcome:?}");
        assert_eq!(discord.messages(channel.0).len() > before, stored, "{fault}");
    }
    // What fails again and again rests, until something comes of it.
    rest.send(&webhook, None, &outgoing("again")).await.unwrap();
    let before = discord.messages(channel.0).len();
    for scope in ["user", "shared", "global"] {
        let fault = Fault::TooManyRequests { scope: scope.into(), retry_after: 0.1 };
        discord.fault(Some("POST"), "/webhooks/{webhook_id}/{webhook_token}", fault, 2);
        rest.send(&webhook, None, &outgoing(scope)).await.unwrap();
    }
    assert_eq!(discord.messages(channel.0).len(), before + 3);
    assert_eq!(discord.faults_left(), 0);
}
