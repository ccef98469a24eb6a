//! The sandbox's Discord agrees with Discord's own description of its API, as far as it goes.

#![cfg(feature = "sandbox")]

mod openapi;

use std::sync::Arc;
use std::time::Duration;

use openapi::OpenApi;
use serde_json::{Value, json};
use serenity::all as s;
use threadbridge::clock::SystemClock;
use threadbridge::sandbox::discord::{Discord, Limits, Options};

struct Bot {
    discord: Discord,
    client: reqwest::Client,
}

impl Bot {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let request = self
            .client
            .request(method.parse().unwrap(), format!("{}/api/v10{path}", self.discord.url()))
            .header("user-agent", "DiscordBot (https://example.org, 1)")
            .header("authorization", format!("Bot {}", self.discord.token()));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        request.send().await.unwrap().json().await.unwrap_or(Value::Null)
    }

    async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).await
    }
}

async fn bot() -> Bot {
    let options = Options { limits: Limits::off(), ..Options::default() };
    let discord = Discord::start(options, Arc::new(SystemClock)).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    Bot { discord, client }
}

#[tokio::test]
async fn what_it_takes_and_answers_is_what_discord_describes() {
    let Some(mut description) = OpenApi::find() else { return };
    let bot = bot().await;
    let discord = &bot.discord;
    let guild = discord.add_guild("Home");
    let news = discord.add_text_channel(guild, "news");
    let board = discord.add_forum_channel(guild, "board", &["solved"]);
    let anna = discord.add_user("Anna");
    let said = discord.say_with_files(anna, news, "hi", None, &[("a.txt", "text/plain", b"a")]).unwrap();
    discord.react(anna, said, "👍").unwrap();

    for path in [
        "/gateway".to_owned(),
        "/gateway/bot".to_owned(),
        "/users/@me".to_owned(),
        "/users/@me/guilds".to_owned(),
        format!("/users/{anna}"),
        "/applications/@me".to_owned(),
        format!("/guilds/{guild}"),
        format!("/guilds/{guild}?with_counts=true"),
        format!("/guilds/{guild}/channels"),
        format!("/guilds/{guild}/roles"),
        format!("/guilds/{guild}/members?limit=10"),
        format!("/guilds/{guild}/members/{anna}"),
        format!("/channels/{board}"),
        format!("/channels/{news}/messages?limit=10"),
        format!("/channels/{news}/messages/{said}"),
        format!("/channels/{news}/messages/{said}/reactions/%F0%9F%91%8D"),
        "/channels/1".to_owned(),
    ] {
        bot.get(&path).await;
    }
    bot.ask("POST", "/users/@me/channels", Some(json!({ "recipient_id": anna.to_string() }))).await;

    let http = s::HttpBuilder::new(discord.token()).proxy(discord.url()).ratelimiter_disabled(true).build();
    http.set_application_id(discord.bot().into());
    let (channel, forum) = (s::ChannelId::new(news), s::ChannelId::new(board));
    let row = || {
        let link = s::CreateButton::new_link("https://forum.example/1").label("Forum");
        vec![s::CreateActionRow::Buttons(vec![s::CreateButton::new("a").label("A"), link])]
    };
    let embed =
        s::CreateEmbed::new().title("t").description("d").url("https://forum.example/").field("n", "v", true);
    let message = s::CreateMessage::new()
        .content("hello")
        .embed(embed.clone())
        .components(row())
        .reference_message((channel, s::MessageId::new(said)))
        .nonce(s::Nonce::String("n1".to_owned()))
        .enforce_nonce(true)
        .allowed_mentions(s::CreateAllowedMentions::new())
        .add_file(s::CreateAttachment::bytes(&b"x"[..], "x.txt"));
    let sent = channel.send_message(&http, message).await.unwrap();
    channel.edit_message(&http, sent.id, s::EditMessage::new().content("better")).await.unwrap();
    sent.react(&http, s::ReactionType::Unicode("✅".to_owned())).await.unwrap();
    channel.delete_reaction(&http, sent.id, None, s::ReactionType::Unicode("✅".to_owned())).await.unwrap();
    let thread = s::CreateThread::new("from a message");
    channel.create_thread_from_message(&http, sent.id, thread).await.unwrap();
    let thread = s::CreateThread::new("alone").kind(s::ChannelType::PublicThread);
    channel.create_thread(&http, thread).await.unwrap();
    let first = s::CreateMessage::new().content("first").allowed_mentions(s::CreateAllowedMentions::new());
    let tag = discord.channel(board).unwrap().tags[0].id;
    let post = s::CreateForumPost::new("post", first).add_applied_tag(s::ForumTagId::new(tag));
    let post = forum.create_forum_post(&http, post).await.unwrap();
    post.id.edit_thread(&http, s::EditThread::new().name("renamed").locked(true)).await.unwrap();
    post.id.edit_thread(&http, s::EditThread::new().archived(true)).await.unwrap();
    forum.get_archived_public_threads(&http, None, None).await.unwrap();
    s::GuildId::new(guild).get_active_threads(&http).await.unwrap();

    for place in [channel, forum] {
        let webhook = place.create_webhook(&http, s::CreateWebhook::new("bridge")).await.unwrap();
        place.webhooks(&http).await.unwrap();
        let mut post = s::ExecuteWebhook::new()
            .username("Roberto")
            .avatar_url("https://forum.example/a.png")
            .content("text")
            .embed(embed.clone())
            .components(row())
            .allowed_mentions(s::CreateAllowedMentions::new());
        if place == forum {
            let token = discord.webhooks(board)[0].token.clone();
            let body =
                json!({ "content": "first", "thread_name": "by webhook", "applied_tags": [tag.to_string()] });
            let opened =
                bot.ask("POST", &format!("/webhooks/{}/{token}?wait=true", webhook.id), Some(body)).await;
            post = post.in_thread(opened["channel_id"].as_str().unwrap().parse::<s::ChannelId>().unwrap());
        }
        let sent = webhook.execute(&http, true, post).await.unwrap().unwrap();
        let edit =
            s::EditWebhookMessage::new().content("changed").allowed_mentions(s::CreateAllowedMentions::new());
        let edit = if place == forum { edit.in_thread(sent.channel_id) } else { edit };
        webhook.edit_message(&http, sent.id, edit).await.unwrap();
        let thread = (place == forum).then_some(sent.channel_id);
        webhook.delete_message(&http, thread, sent.id).await.unwrap();
    }

    let option = s::CreateCommandOption::new(s::CommandOptionType::String, "thread", "Which").required(true);
    let commands = vec![
        s::CreateCommand::new("show").description("Shows").add_option(option.set_autocomplete(true)),
        s::CreateCommand::new("Thank").kind(s::CommandType::Message),
    ];
    s::GuildId::new(guild).set_commands(&http, commands.clone()).await.unwrap();
    s::Command::set_global_commands(&http, commands).await.unwrap();
    s::GuildId::new(guild).get_commands(&http).await.unwrap();

    let asked = discord.command(anna, news, "show", &[("thread", json!("1"))]).unwrap();
    let call = discord.interaction(asked.id).unwrap();
    let callback = format!("/interactions/{}/{}/callback", asked.id, call);
    bot.ask("POST", &format!("{callback}?with_response=true"), Some(json!({ "type": 5 }))).await;
    let hook = format!("/webhooks/{}/{call}", discord.bot());
    bot.ask("PATCH", &format!("{hook}/messages/@original"), Some(json!({ "content": "done" }))).await;
    bot.get(&format!("{hook}/messages/@original")).await;
    bot.ask("POST", &hook, Some(json!({ "content": "more", "flags": 64 }))).await;
    bot.ask("POST", &callback, Some(json!({ "type": 5 }))).await;
    // Refusals have the described shape too.
    bot.ask("POST", &format!("/channels/{news}/messages"), Some(json!({ "content": "x".repeat(2001) })))
        .await;
    bot.ask("DELETE", &format!("/channels/{news}"), None).await;

    let ledger = discord.ledger();
    assert!(ledger.len() >= 50, "{} requests", ledger.len());
    let faults = description.faults(&ledger);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn the_checker_finds_what_is_wrong() {
    let Some(mut description) = OpenApi::find() else { return };
    let bot = bot().await;
    let guild = bot.discord.add_guild("Home");
    let news = bot.discord.add_text_channel(guild, "news");
    let to = format!("/channels/{news}/messages");
    for body in [
        json!({ "content": "x", "contents": "a misspelt field" }),
        json!({ "content": "x", "flags": "64" }),
        json!({ "content": "x", "embeds": [{ "titel": "t" }] }),
    ] {
        bot.discord.clear_ledger();
        bot.ask("POST", &to, Some(body.clone())).await;
        assert_eq!(description.faults(&bot.discord.ledger()).len(), 1, "{body}");
    }
    let mut entry = bot.discord.ledger()[0].clone();
    entry.request = Some(json!({ "content": "x" }));
    entry.answer.as_mut().and_then(Value::as_object_mut).unwrap().remove("author");
    assert_eq!(description.faults(&[entry]).len(), 1, "an answer without its author");
}
