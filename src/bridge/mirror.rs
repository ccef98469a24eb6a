//! Forum to Discord: makes the messages of a post what the forum says it is.
//!
//! A post is sent part by part, and each part is written down before the next is sent. Webhooks know no
//! nonce: after a try whose end is not known, the channel is read back and a message that is already
//! there is adopted, so that nothing is sent twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::discord::look::{self, LookContext};
use crate::discord::rest::Span;
use crate::discord::{ChannelKind, DiscordError, Outgoing, ThreadPatch, Webhook};
use crate::markup::discord::QuoteLinks;
use crate::model::{ChannelId, GuildId, MessageId, Post, PostId, ThreadId};
use crate::store::history::{Happened, What};
use crate::store::{BridgeId, Effect, Origin, Part, Room};

use super::job::{News, Outcome, ThreadFacts};
use super::outbox::{Halt, Work};
use super::points::Point;
use super::record::digest_of;
use super::tie::Tie;
use super::{catchup, inbox, submit};

/// A bridge whose channel can't be used is tried again after this time.
const HOLD: Duration = Duration::from_secs(300);
/// Messages are read back in pages of this size, the most that Discord gives.
const READ_BACK: u8 = 100;

/// Where a post's messages go: a channel, or a Discord thread of it.
struct Target {
    webhook: Webhook,
    thread: Option<ChannelId>,
}

impl Target {
    fn channel(&self) -> ChannelId {
        self.thread.unwrap_or(self.webhook.channel)
    }
}

/// Shows a post, or brings what is shown up to date.
pub async fn show(
    work: &Work<'_>,
    bridge: BridgeId,
    thread: &ThreadFacts,
    post: &Post,
    news: News,
) -> Result<Vec<Effect>, Halt> {
    let Some(tie) = work.tie(bridge).await? else { return Ok(Vec::new()) };
    let parts = work.heart.store.parts(bridge, &post.id).await?;
    let from_discord = parts.first().is_some_and(|part| part.origin == Origin::Discord);
    if from_discord || (news == News::Changed && parts.is_empty()) {
        return Ok(Vec::new());
    }
    ready(work, &tie)?;
    let outgoing = render(work, &tie, thread, post).await?;
    match deliver(work, &tie, thread, post, &parts, &outgoing).await {
        Ok(effects) => {
            if tie.release() {
                tracing::info!(bridge = bridge.0, channel = %tie.bridge.channel, "the channel can be used again");
            }
            work.heart.health.delivered(outgoing.len());
            Ok(effects)
        }
        Err(Problem::Halt(halt)) => Err(halt),
        Err(Problem::Discord(error)) => Err(trouble(work, &tie, &thread.id, error).await?),
    }
}

/// What may stand in the way of a delivery.
enum Problem {
    Halt(Halt),
    Discord(DiscordError),
}

impl From<Halt> for Problem {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Halt(error.into())
    }
}

impl From<DiscordError> for Problem {
    fn from(error: DiscordError) -> Self {
        Self::Discord(error)
    }
}

async fn deliver(
    work: &Work<'_>,
    tie: &Tie,
    thread: &ThreadFacts,
    post: &Post,
    parts: &[Part],
    outgoing: &[Outgoing],
) -> Result<Vec<Effect>, Problem> {
    let webhook = work.heart.discord.webhook(tie.bridge.channel).await?;
    let mut done = parts.is_empty().then_some(What::Sent);
    let mut parts = parts.to_vec();
    let target = target(work, tie, thread, post, webhook, &mut parts, outgoing).await?;
    let mut adopted = false;
    for (number, message) in (0_u32..).zip(outgoing) {
        let digest = digest_of(message.content.as_bytes());
        let sent = match parts.iter().find(|part| part.part == number) {
            Some(part) if part.digest == digest => continue,
            Some(part) => {
                match edit(work, &target, part, message).await {
                    Ok(()) => part.message,
                    // A moderator took it away in Discord: that stays so.
                    Err(DiscordError::Gone(_)) if still_there(work, &target).await? => {
                        let drop =
                            Effect::DropParts { bridge: tie.id(), post: post.id.clone(), from: number };
                        return Ok(vec![drop]);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => match adopt(work, tie, &target, message).await? {
                Some(found) => {
                    adopted = true;
                    found
                }
                None => {
                    Point::BeforeSend.reached();
                    let sent = work.heart.discord.send(&target.webhook, target.thread, message).await?;
                    Point::AfterSend.reached();
                    sent
                }
            },
        };
        let edited = parts.iter().any(|part| part.part == number);
        done = done.or(Some(if edited { What::Edited } else { What::Sent }));
        work.note(vec![Effect::Part(part(tie, post, number, target.channel(), sent, digest))]).await?;
        inbox::placed(work.heart, target.channel(), Some(sent)).await?;
    }
    if adopted {
        // Since it was sent, before a crash perhaps, people may have answered.
        catchup::channel(work.heart, tie, target.channel()).await.map_err(Halt::from)?;
    }
    let kept = u32::try_from(outgoing.len()).unwrap_or(u32::MAX);
    let surplus: Vec<_> = parts.iter().filter(|part| part.part >= kept).collect();
    for part in &surplus {
        work.heart.discord.delete(&target.webhook, target.thread, part.message).await?;
    }
    let mut effects: Vec<_> = done.map(|what| happened(tie, &post.id, what)).into_iter().collect();
    if !surplus.is_empty() {
        effects.push(Effect::DropParts { bridge: tie.id(), post: post.id.clone(), from: kept });
    }
    Ok(effects)
}

fn happened(tie: &Tie, post: &PostId, what: What) -> Effect {
    let forum = tie.bridge.forum.clone();
    Effect::Happened(Happened { forum, post: post.clone(), bridge: Some(tie.id()), what })
}

fn part(tie: &Tie, post: &Post, number: u32, channel: ChannelId, message: MessageId, digest: i64) -> Part {
    Part {
        bridge: tie.id(),
        post: post.id.clone(),
        part: number,
        channel,
        message,
        digest,
        origin: Origin::Forum,
    }
}

/// The place for a post's messages; opens the Discord thread when the forum thread has none yet.
async fn target(
    work: &Work<'_>,
    tie: &Tie,
    thread: &ThreadFacts,
    post: &Post,
    webhook: Webhook,
    parts: &mut Vec<Part>,
    outgoing: &[Outgoing],
) -> Result<Target, Problem> {
    if !tie.threaded() {
        return Ok(Target { webhook, thread: None });
    }
    if let Some(room) = work.heart.store.room(tie.id(), &thread.id).await? {
        return Ok(Target { webhook, thread: Some(room.channel) });
    }
    let title = look::thread_title(thread.prefix.as_deref(), &thread.title);
    let room = |channel| Room { bridge: tie.id(), thread: thread.id.clone(), channel, digest: 0 };
    if tie.channel.kind != ChannelKind::Forum {
        let channel = match unclaimed_thread(work, tie, &title, None).await? {
            Some(channel) => channel,
            None => {
                Point::BeforeOpenThread.reached();
                let opened = work.heart.discord.open_thread(tie.bridge.channel, &title).await?;
                Point::AfterOpenThread.reached();
                opened
            }
        };
        work.note(vec![
            Effect::Room(room(channel)),
            Effect::Watermark { channel, message: MessageId(channel.0) },
        ])
        .await?;
        inbox::placed(work.heart, channel, None).await?;
        return Ok(Target { webhook, thread: Some(channel) });
    }
    let Some(first) = outgoing.first() else {
        return Err(Halt::Park("the post has nothing to show".to_owned()).into());
    };
    let (channel, message) = match unclaimed_thread(work, tie, &title, Some((&webhook, first))).await? {
        // A forum post's starter has the id of its thread.
        Some(channel) => (channel, MessageId(channel.0)),
        None => {
            Point::BeforeOpenPost.reached();
            let opened = work.heart.discord.open_post(&webhook, &title, &tags(tie, thread), first).await?;
            Point::AfterOpenPost.reached();
            opened
        }
    };
    let starter = part(tie, post, 0, channel, message, digest_of(first.content.as_bytes()));
    work.note(vec![
        Effect::Room(room(channel)),
        Effect::Part(starter.clone()),
        Effect::Watermark { channel, message },
    ])
    .await?;
    inbox::placed(work.heart, channel, None).await?;
    inbox::placed(work.heart, channel, Some(message)).await?;
    if work.tried_before() {
        catchup::channel(work.heart, tie, channel).await.map_err(Halt::from)?;
    }
    parts.push(starter);
    Ok(Target { webhook, thread: Some(channel) })
}

/// After a try whose end is not known: a Discord thread with this title that shows no forum thread yet
/// and, in a forum channel, whose starter is this very message.
async fn unclaimed_thread(
    work: &Work<'_>,
    tie: &Tie,
    title: &str,
    starter: Option<(&Webhook, &Outgoing)>,
) -> Result<Option<ChannelId>, Problem> {
    let (true, Some(guild)) = (work.tried_before(), tie.guild()) else { return Ok(None) };
    let me = work.heart.discord.me().await?.user;
    for thread in work.heart.discord.active_threads(guild).await? {
        if thread.parent != Some(tie.bridge.channel)
            || thread.name != title
            || work.heart.store.room_of_channel(thread.id).await?.is_some()
        {
            continue;
        }
        let own = match starter {
            None => thread.owner == Some(me),
            Some((webhook, first)) => work
                .heart
                .discord
                .message(thread.id, MessageId(thread.id.0))
                .await?
                .is_some_and(|m| m.webhook == Some(webhook.id) && same_text(&m.content, &first.content)),
        };
        if own {
            return Ok(Some(thread.id));
        }
    }
    Ok(None)
}

/// After a try whose end is not known: a message that is already in the channel, sent by our webhook
/// with these very words, and not yet written down.
async fn adopt(
    work: &Work<'_>,
    tie: &Tie,
    target: &Target,
    message: &Outgoing,
) -> Result<Option<MessageId>, Problem> {
    if !work.tried_before() {
        return Ok(None);
    }
    let last = work.heart.store.last_parts(tie.id(), target.channel(), 1).await?;
    let mut after = last.first().map_or(MessageId(0), |part| part.message);
    loop {
        let read = work.heart.discord.messages(target.channel(), Span::After(after), READ_BACK).await?;
        for found in &read {
            if found.webhook == Some(target.webhook.id)
                && same_text(&found.content, &message.content)
                && work.heart.store.part_of_message(found.id).await?.is_none()
            {
                return Ok(Some(found.id));
            }
        }
        match read.last() {
            Some(last) if read.len() >= usize::from(READ_BACK) => after = last.id,
            _ => return Ok(None),
        }
    }
}

/// Discord trims what it stores.
fn same_text(stored: &str, sent: &str) -> bool {
    stored.trim() == sent.trim()
}

/// Edits a part, reopening an archived Discord thread first: only sending reopens by itself.
async fn edit(work: &Work<'_>, target: &Target, part: &Part, message: &Outgoing) -> Result<(), DiscordError> {
    let discord = &work.heart.discord;
    Point::BeforeEdit.reached();
    let edited = match discord.edit(&target.webhook, target.thread, part.message, &message.content).await {
        Err(DiscordError::Archived) => {
            let open = ThreadPatch { archived: Some(false), ..ThreadPatch::default() };
            discord.update_thread(target.channel(), &open).await?;
            discord.edit(&target.webhook, target.thread, part.message, &message.content).await
        }
        outcome => outcome,
    };
    Point::AfterEdit.reached();
    edited
}

async fn still_there(work: &Work<'_>, target: &Target) -> Result<bool, DiscordError> {
    match work.heart.discord.channel(target.channel()).await {
        Ok(_) => Ok(true),
        Err(DiscordError::Gone(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn render(
    work: &Work<'_>,
    tie: &Tie,
    thread: &ThreadFacts,
    post: &Post,
) -> Result<Vec<Outgoing>, Halt> {
    let mut quoted = HashMap::new();
    if let Some(guild) = tie.guild() {
        for id in post.quotes.iter().filter_map(|quote| quote.post_id.as_ref()) {
            if let Some(part) = work.heart.store.parts(tie.id(), id).await?.first() {
                quoted.insert(id.clone(), message_url(guild, part.channel, part.message));
            }
        }
    }
    let links = Mirrored(quoted);
    let several = work.heart.forums.len() > 1;
    let context = LookContext {
        forum: several.then_some(tie.bridge.forum.as_str()),
        thread_title: &thread.title,
        feed: !tie.threaded(),
        links: &links,
    };
    Ok(look::messages(post, &context))
}

/// The Discord messages of quoted posts.
struct Mirrored(HashMap<PostId, String>);

impl QuoteLinks for Mirrored {
    fn message_url(&self, post: &PostId) -> Option<String> {
        self.0.get(post).cloned()
    }
}

/// The address of a Discord message.
pub fn message_url(guild: GuildId, channel: ChannelId, message: MessageId) -> String {
    format!("https://discord.com/channels/{guild}/{channel}/{message}")
}

/// Takes a post's messages away.
pub async fn hide(
    work: &Work<'_>,
    bridge: BridgeId,
    thread: &ThreadId,
    post: &PostId,
) -> Result<Vec<Effect>, Halt> {
    let Some(tie) = work.tie(bridge).await? else { return Ok(Vec::new()) };
    let parts = work.heart.store.parts(bridge, post).await?;
    let Some(first) = parts.first() else {
        // Not sent yet: then it need not be.
        return Ok(vec![Effect::Cancel { key: format!("show:{}:{post}", bridge.0) }]);
    };
    if first.origin == Origin::Discord {
        let told = Outcome::Failed("this post was removed from the forum".to_owned());
        return Ok(vec![submit::telling(first.channel, first.message, told, work.heart.store.now().await?)?]);
    }
    ready(work, &tie)?;
    let webhook = match work.heart.discord.webhook(tie.bridge.channel).await {
        Ok(webhook) => webhook,
        Err(error) => return Err(trouble(work, &tie, thread, error).await?),
    };
    Point::BeforeRemove.reached();
    for part in parts.iter().rev() {
        let place = (part.channel != tie.bridge.channel).then_some(part.channel);
        match work.heart.discord.delete(&webhook, place, part.message).await {
            Ok(()) | Err(DiscordError::Gone(_)) => {}
            Err(error) => return Err(trouble(work, &tie, thread, error).await?),
        }
    }
    Point::AfterRemove.reached();
    Ok(vec![Effect::DropParts { bridge, post: post.clone(), from: 0 }, happened(&tie, post, What::Withdrawn)])
}

/// Gives a Discord thread its forum thread's title, tags and state.
pub async fn dress(work: &Work<'_>, bridge: BridgeId, thread: &ThreadFacts) -> Result<Vec<Effect>, Halt> {
    let Some(tie) = work.tie(bridge).await? else { return Ok(Vec::new()) };
    let Some(room) = work.heart.store.room(bridge, &thread.id).await? else { return Ok(Vec::new()) };
    let title = look::thread_title(thread.prefix.as_deref(), &thread.title);
    let tags = tags(&tie, thread);
    let forum = tie.channel.kind == ChannelKind::Forum;
    let digest = digest_of(format!("{title}\n{tags:?}\n{}{}", thread.closed, thread.sticky).as_bytes());
    if room.digest == digest {
        return Ok(Vec::new());
    }
    ready(work, &tie)?;
    let now = match work.heart.discord.channel(room.channel).await {
        Ok(now) => now,
        Err(error) => return Err(trouble(work, &tie, &thread.id, error).await?),
    };
    let mut patch = ThreadPatch {
        // Discord allows two new titles in ten minutes: ask only for a real change.
        name: (now.name != title).then_some(title),
        locked: (now.locked != thread.closed).then_some(thread.closed),
        archived: None,
        pinned: (forum && thread.sticky).then_some(true).or(if forum && room.digest != 0 {
            Some(thread.sticky)
        } else {
            None
        }),
        tags: (forum && !tags.is_empty()).then_some(tags),
    };
    if patch != ThreadPatch::default() {
        patch.archived = now.archived.then_some(false);
        if let Err(error) = work.heart.discord.update_thread(room.channel, &patch).await {
            return Err(trouble(work, &tie, &thread.id, error).await?);
        }
    }
    Ok(vec![Effect::Room(Room { digest, ..room })])
}

/// The channel's tags that the forum thread's prefix and tags name; where the channel insists on a tag
/// and none fits, its first.
fn tags(tie: &Tie, thread: &ThreadFacts) -> Vec<u64> {
    const MOST: usize = 5;
    let wanted = thread.prefix.iter().chain(&thread.tags);
    let mut tags: Vec<u64> = wanted
        .filter_map(|name| tie.channel.tags.iter().find(|(_, tag)| tag.eq_ignore_ascii_case(name.trim())))
        .map(|(id, _)| *id)
        .collect();
    tags.dedup();
    tags.truncate(MOST);
    if tags.is_empty() && tie.channel.requires_tag {
        tags.extend(tie.channel.tags.first().map(|(id, _)| *id));
    }
    tags
}

/// Whether the bridge's channel may be asked now.
fn ready(work: &Work<'_>, tie: &Arc<Tie>) -> Result<(), Halt> {
    match tie.held(work.heart.clock.monotonic()) {
        Some((left, reason)) => Err(Halt::Later(left, reason)),
        None => Ok(()),
    }
}

/// Finds out what is wrong with a channel that can't be used. A Discord thread that somebody deleted is
/// forgotten, so that the next try opens a new one; a channel that is gone or closed to the bot rests.
async fn trouble(
    work: &Work<'_>,
    tie: &Arc<Tie>,
    thread: &ThreadId,
    error: DiscordError,
) -> Result<Halt, Halt> {
    let hold = |reason: String| {
        if tie.hold(work.heart.clock.monotonic() + HOLD, &reason) {
            tracing::error!(bridge = tie.id().0, channel = %tie.bridge.channel, "the bridge rests: {reason}");
        }
        Halt::Later(HOLD, reason)
    };
    Ok(match error {
        DiscordError::Gone(reason) => {
            if let Some(room) = work.heart.store.room(tie.id(), thread).await?
                && matches!(work.heart.discord.channel(room.channel).await, Err(DiscordError::Gone(_)))
            {
                tracing::warn!(bridge = tie.id().0, %thread, "the Discord thread was deleted");
                work.note(vec![Effect::DropRoom { bridge: tie.id(), thread: thread.clone() }]).await?;
                return Ok(Halt::Later(Duration::ZERO, reason));
            }
            match work.heart.discord.channel(tie.bridge.channel).await {
                Err(DiscordError::Gone(_)) => hold("the Discord channel is gone".to_owned()),
                // The webhook was deleted; the next try makes a new one.
                _ => Halt::Later(Duration::ZERO, reason),
            }
        }
        DiscordError::Forbidden(reason) => hold(reason),
        DiscordError::Token => hold(error.to_string()),
        other => other.into(),
    })
}
