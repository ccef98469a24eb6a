//! `/bridge`, for those who have Manage Server: making bridges, pausing and removing them, bringing over
//! what is older, and how they are doing.

use std::time::Duration;

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{
    ChannelId, ComponentInteraction, CreateAutocompleteResponse, EditInteractionResponse, PartialChannel,
    Permissions,
};

use super::answer::{self, Door, Place, sent};
use super::asks::{Bridges, Manager, NewBridge};
use super::bridge_shown as shown;
use super::thread::{complete_board, complete_forum, complete_thread, suggest};
use super::{Context, Data, Refusal};
use crate::config::{Layout, Replies, Start};
use crate::model;

/// How often a backfill's progress is shown, and for how long: Discord takes edits for 15 minutes.
const PROGRESS: Duration = Duration::from_secs(4);
const PROGRESS_SHOWN: u32 = 200;

/// Bridges between the forum and this server (needs Manage Server).
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("add", "list", "pause", "resume", "remove", "backfill", "status", "why"),
    subcommand_required
)]
pub async fn bridge(_: Context<'_>) -> Result<(), Refusal> {
    Ok(())
}

#[derive(Debug, Clone, Copy, poise::ChoiceParameter)]
enum LayoutChoice {
    #[name = "auto"]
    Auto,
    #[name = "threads: each forum thread is a Discord thread"]
    Threads,
    #[name = "feed: every post is a message of the channel"]
    Feed,
}

#[derive(Debug, Clone, Copy, poise::ChoiceParameter)]
enum RepliesChoice {
    #[name = "everyone"]
    Everyone,
    #[name = "linked: those who have linked their forum account"]
    Linked,
    #[name = "off"]
    Off,
}

/// Tie a board or a thread of the forum to a channel.
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "The board to carry"]
    #[autocomplete = "complete_board"]
    #[max_length = 100]
    board: Option<String>,
    #[description = "Or one thread: its address or number"]
    #[autocomplete = "complete_thread"]
    #[max_length = 500]
    thread: Option<String>,
    #[description = "Where to; this channel if you name none"]
    #[channel_types("Text", "News", "Forum")]
    channel: Option<PartialChannel>,
    #[description = "How threads look in Discord"] layout: Option<LayoutChoice>,
    #[description = "Whose messages reach the forum"] replies: Option<RepliesChoice>,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
) -> Result<(), Refusal> {
    let Context::Application(application) = ctx else { return Ok(()) };
    let (channel, may) = match channel {
        Some(channel) => (channel.id, channel.permissions),
        None => here(application.interaction.channel.as_ref(), application.interaction.channel_id),
    };
    let wish = NewBridge {
        forum,
        board,
        thread,
        channel: model::ChannelId(channel.get()),
        person_lacks: lacks(may),
        layout: match layout {
            Some(LayoutChoice::Threads) => Layout::Threads,
            Some(LayoutChoice::Feed) => Layout::Feed,
            Some(LayoutChoice::Auto) | None => Layout::Auto,
        },
        replies: match replies {
            Some(RepliesChoice::Linked) => Replies::Linked,
            Some(RepliesChoice::Off) => Replies::Off,
            Some(RepliesChoice::Everyone) | None => Replies::Everyone,
        },
    };
    answer::command(ctx, true, async move |asker, asked| {
        Ok(shown::added(&asked.bridges.add(Manager::of(asker)?, wish).await?))
    })
    .await
}

/// The channel of an interaction, a thread's parent in its place, and what the person may do there.
fn here(channel: Option<&PartialChannel>, id: ChannelId) -> (ChannelId, Option<Permissions>) {
    let parent = channel.filter(|it| it.thread_metadata.is_some()).and_then(|it| it.parent_id);
    (parent.unwrap_or(id), channel.and_then(|channel| channel.permissions))
}

/// A bridge brings a webhook and other people's words into a channel: whoever makes one must be able to
/// do so by hand. What Discord does not say they may, they may not.
fn lacks(may: Option<Permissions>) -> Vec<&'static str> {
    let may = may.unwrap_or_default();
    let needs =
        [(Permissions::VIEW_CHANNEL, "View Channel"), (Permissions::MANAGE_WEBHOOKS, "Manage Webhooks")];
    needs
        .iter()
        .filter(|(bit, _)| !may.administrator() && !may.contains(*bit))
        .map(|(_, name)| *name)
        .collect()
}

/// List the bridges of this server.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), Refusal> {
    answer::command(ctx, true, async move |asker, asked| {
        Ok(shown::list(&asked.bridges.list(Manager::of(asker)?).await?))
    })
    .await
}

/// Let nothing new cross a bridge until it is resumed.
#[poise::command(slash_command, guild_only)]
async fn pause(
    ctx: Context<'_>,
    #[description = "Which bridge"]
    #[autocomplete = "complete_bridge"]
    #[max_length = 100]
    bridge: String,
) -> Result<(), Refusal> {
    answer::command(ctx, true, async move |asker, asked| {
        let paused = asked.bridges.pause(Manager::of(asker)?, &bridge, true).await?;
        Ok(shown::line("Paused", &paused, "What is posted meanwhile crosses once it is resumed."))
    })
    .await
}

/// Let a paused bridge go on where it stopped.
#[poise::command(slash_command, guild_only)]
async fn resume(
    ctx: Context<'_>,
    #[description = "Which bridge"]
    #[autocomplete = "complete_bridge"]
    #[max_length = 100]
    bridge: String,
) -> Result<(), Refusal> {
    answer::command(ctx, true, async move |asker, asked| {
        let resumed = asked.bridges.pause(Manager::of(asker)?, &bridge, false).await?;
        Ok(shown::line("Resumed", &resumed, "What was posted meanwhile crosses now."))
    })
    .await
}

/// Remove a bridge. What it brought over stays in Discord.
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Which bridge"]
    #[autocomplete = "complete_bridge"]
    #[max_length = 100]
    bridge: String,
) -> Result<(), Refusal> {
    answer::command(ctx, true, async move |asker, asked| {
        let gone = asked.bridges.remove(Manager::of(asker)?, &bridge).await?;
        Ok(shown::line("Removed", &gone, "What it brought over stays in Discord."))
    })
    .await
}

/// Bring over posts that are older than a bridge.
#[poise::command(slash_command, guild_only)]
async fn backfill(
    ctx: Context<'_>,
    #[description = "Which bridge"]
    #[autocomplete = "complete_bridge"]
    #[max_length = 100]
    bridge: String,
    #[description = "How many of the newest posts of each thread; all if you name no number"]
    #[min = 1]
    #[max = 1_000_000]
    posts: Option<u32>,
) -> Result<(), Refusal> {
    let depth = posts.map_or(Start::All, Start::Newest);
    answer::command(ctx, true, async move |asker, asked| {
        Ok(shown::plan(&asked.bridges.plan(Manager::of(asker)?, &bridge, depth).await?))
    })
    .await
}

/// Show how a bridge is doing, or all of them.
#[poise::command(slash_command, guild_only)]
async fn status(
    ctx: Context<'_>,
    #[description = "Which bridge; all if you name none"]
    #[autocomplete = "complete_bridge"]
    #[max_length = 100]
    bridge: Option<String>,
) -> Result<(), Refusal> {
    answer::command(ctx, true, async move |asker, asked| {
        Ok(shown::status(&asked.bridges.status(Manager::of(asker)?, bridge.as_deref()).await?))
    })
    .await
}

/// Tell what happened to a post of the forum.
#[poise::command(slash_command, guild_only)]
async fn why(
    ctx: Context<'_>,
    #[description = "The post's address or number"]
    #[max_length = 500]
    post: String,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
) -> Result<(), Refusal> {
    answer::command(ctx, true, async move |asker, asked| {
        Ok(shown::story(&asked.bridges.why(Manager::of(asker)?, &post, forum.as_deref()).await?))
    })
    .await
}

async fn complete_bridge(ctx: Context<'_>, words: &str) -> CreateAutocompleteResponse {
    suggest(ctx, async |asker| match Manager::of(asker) {
        Ok(manager) => ctx.data().asked.bridges.complete_bridges(manager, words).await,
        Err(_) => Vec::new(),
    })
    .await
}

/// The button under a page of a thread.
pub async fn mirror_here(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let mut parts = press.data.custom_id.splitn(3, '|').skip(1);
    let (Some(forum), Some(thread)) = (parts.next(), parts.next()) else { return };
    let (channel, may) = here(press.channel.as_ref(), press.channel_id);
    let wish = NewBridge {
        forum: Some(forum.to_owned()),
        board: None,
        thread: Some(thread.to_owned()),
        channel: model::ChannelId(channel.get()),
        person_lacks: lacks(may),
        layout: Layout::Auto,
        replies: Replies::Everyone,
    };
    let (door, bridges) = (Door::Press(press), data.asked.bridges.clone());
    let question = async move { Ok(shown::added(&bridges.add(Manager::of(door.asker(true))?, wish).await?)) };
    answer::give(http, door, Place::New { private: true }, question).await;
}

/// The button under a backfill's preview. Its answer tells how far it is until it is done.
pub async fn backfill_begins(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let mut parts = press.data.custom_id.split('|').skip(1);
    let (Some(bridge), Some(depth)) = (parts.next(), parts.next()) else { return };
    let depth = depth.parse().map_or(Start::All, Start::Newest);
    let (door, bridges) = (Door::Press(press), data.asked.bridges.clone());
    let manager = match Manager::of(door.asker(true)) {
        Ok(manager) => manager,
        Err(reason) => return answer::refuse(http, door, reason).await,
    };
    let begun = bridges.backfill(manager, bridge, depth).await;
    let ok = begun.is_ok();
    let question = async move {
        let begun = begun?;
        Ok(shown::line("Bringing over", &begun, "Older posts follow.").components(Vec::new()))
    };
    answer::give(http, door, Place::Same, question).await;
    if ok {
        progress(http, door, &*bridges, manager, bridge).await;
    }
}

async fn progress(
    http: &serenity::Http,
    door: Door<'_>,
    bridges: &dyn Bridges,
    manager: Manager,
    bridge: &str,
) {
    let mut told = String::new();
    for _ in 0..PROGRESS_SHOWN {
        let Ok(progress) = bridges.progress(manager, bridge).await else { return };
        let text = shown::progress(&progress);
        if text != told {
            sent(door.edit(http, EditInteractionResponse::new().content(text.clone())).await);
            told = text;
        }
        if progress.done() {
            return;
        }
        tokio::time::sleep(PROGRESS).await;
    }
}

/// The buttons of what was given up.
pub async fn unpark(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let mut parts = press.data.custom_id.split('|').skip(1);
    let (Some(Ok(id)), Some(act)) = (parts.next().map(str::parse), parts.next()) else { return };
    let (door, bridges, retry) = (Door::Press(press), data.asked.bridges.clone(), act == "retry");
    let question = async move {
        let manager = Manager::of(door.asker(true))?;
        let done = bridges.unpark(manager, id, retry).await?;
        let status = bridges.status(manager, None).await?;
        Ok::<CreateReply, Refusal>(shown::status(&status).content(done))
    };
    answer::give(http, door, Place::Same, question).await;
}
