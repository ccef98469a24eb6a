//! Forum to Discord: makes the messages of a post what the forum says it is.
//!
//! A post is sent part by part, and each part is written down before the next is sent. After a try whose end is
//! not known, a message that is already there is adopted ([`adopt`]), so that nothing is sent twice.

use crate::discord::look;
use crate::discord::rest::NO_WEBHOOK;
use crate::discord::{ChannelKind, DiscordError, Outgoing, Webhook};
use crate::model::{ChannelId, MessageId, Post, PostId, ThreadId};
use crate::store::history::{Happened, What};
use crate::store::{BridgeId, Effect, Origin, Part, PostRow, Room};

use super::dress::tags;
use super::job::{News, Outcome, ThreadFacts, edit_key, show_key};
use super::outbox::{Halt, Work};
use super::points::Point;
use super::record::digest_of;
use super::render::{Quoting, render};
use super::tie::Tie;
use super::trouble::{ready, trouble};
use super::{adopt, ajar, catchup, inbox, submit};

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
    if !parts.is_empty() && parts.iter().all(|part| part.digest == Part::REMOVED) {
        return Ok(Vec::new());
    }
    // It went away while it waited. What an earlier try may have sent is brought to light, to be removed.
    let gone = known(work, &tie, &post.id).await?.is_some_and(|row| row.gone);
    if gone && !work.tried_before() {
        return Ok(Vec::new());
    }
    ready(work, &tie)?;
    let outgoing = render(work.heart, &tie, thread, post, &parts, Quoting::Shown).await?;
    let delivered = if gone {
        unearth(work, &tie, thread, post, &parts, &outgoing).await
    } else {
        deliver(work, &tie, thread, post, &parts, &outgoing).await
    };
    match delivered {
        Ok(effects) => {
            if tie.release() {
                tracing::info!(bridge = bridge.0, channel = %tie.bridge.channel, "the channel can be used again");
            }
            work.heart.health.delivered(outgoing.len());
            Ok(effects)
        }
        Err(Problem::Halt(halt)) => Err(halt),
        Err(Problem::Discord(error)) => {
            // What was sent of it just now, and went with its Discord thread, is sent anew.
            let anew = parts.is_empty().then_some(&post.id);
            Err(trouble(work, &tie, (&thread.id, anew), error).await?)
        }
    }
}

async fn known(work: &Work<'_>, tie: &Tie, post: &PostId) -> Result<Option<PostRow>, Halt> {
    let rows = work.heart.store.posts(&tie.bridge.forum, std::slice::from_ref(post)).await?;
    Ok(rows.into_iter().next())
}

/// Writes down which parts of a post an earlier try has sent, and sends nothing.
async fn unearth(
    work: &Work<'_>,
    tie: &Tie,
    thread: &ThreadFacts,
    post: &Post,
    parts: &[Part],
    outgoing: &[Outgoing],
) -> Result<Vec<Effect>, Problem> {
    let webhook = webhook(work, tie).await?;
    let mut effects = Vec::new();
    let mut opened = None;
    if tie.threaded() {
        opened = work.heart.store.room(tie.id(), &thread.id).await?.map(|room| room.channel);
        if opened.is_none()
            && tie.channel.kind == ChannelKind::Forum
            && let Some(first) = outgoing.first()
        {
            let title = look::thread_title(thread.prefix.as_deref(), &thread.title);
            opened = adopt::thread(work, tie, &title, Some((&webhook, first))).await?;
            if let Some(channel) = opened {
                effects.push(Effect::Room(room(tie, thread, channel)));
            }
        }
        if opened.is_none() {
            return Ok(effects);
        }
    }
    let target = Target { webhook, thread: opened };
    for (number, message) in (0_u32..).zip(outgoing) {
        if parts.iter().any(|part| part.part == number) {
            continue;
        }
        if let Some(found) = adopt::message(work, tie, (&target.webhook, target.channel()), message).await? {
            let digest = digest_of(message.content.as_bytes());
            effects.push(Effect::Part(part(tie, post, number, target.channel(), found, digest)));
        }
    }
    Ok(effects)
}

/// What may stand in the way of a delivery.
pub enum Problem {
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
    let webhook = webhook(work, tie).await?;
    let mut done = parts.is_empty().then_some(What::Sent);
    let mut parts = parts.to_vec();
    if tie.threaded()
        && let Some(old) = parts.first().map(|part| part.channel)
    {
        // The post was moved to another thread of the forum: it moves along.
        let room = work.heart.store.room(tie.id(), &thread.id).await?;
        if room.is_none_or(|room| room.channel != old) {
            let leaving =
                parts.iter().map(|part| Effect::Part(Part { digest: Part::LEAVING, ..part.clone() }));
            work.note(leaving.collect()).await?;
            remove(work, tie, &webhook, &parts).await?;
            work.note(vec![Effect::DropParts { bridge: tie.id(), post: post.id.clone(), from: 0 }]).await?;
            parts.clear();
        }
    }
    let target = target(work, tie, thread, post, webhook, &mut parts, outgoing).await?;
    for (number, message) in (0_u32..).zip(outgoing) {
        let digest = digest_of(message.content.as_bytes());
        let sent = match parts.iter().find(|part| part.part == number) {
            Some(part) if part.digest == digest || part.digest == Part::REMOVED => continue,
            Some(part) => {
                match edit(work, &target, part, message).await {
                    Ok(()) => part.message,
                    // Our own removal of it was under way when the post grew again.
                    Err(DiscordError::Gone(_))
                        if part.digest == Part::LEAVING && still_there(work, &target).await? =>
                    {
                        send(work, tie, &target, message).await?
                    }
                    // A moderator took it away in Discord: that stays so.
                    Err(DiscordError::Gone(_)) if still_there(work, &target).await? => {
                        work.note(vec![Effect::Removed { message: part.message }]).await?;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => send(work, tie, &target, message).await?,
        };
        let edited = parts.iter().any(|part| part.part == number);
        done = done.or(Some(if edited { What::Edited } else { What::Sent }));
        let shown = Effect::Part(part(tie, post, number, target.channel(), sent, digest));
        let last = number.saturating_add(1) as usize == outgoing.len() && parts.len() <= outgoing.len();
        if last && !work.tried_before() {
            // Written down with the end of the job: one commit less for nearly every post.
            let happened = done.map(|what| happened(tie, &post.id, what));
            return Ok(std::iter::once(shown).chain(happened).collect());
        }
        work.note(vec![shown]).await?;
        inbox::placed(work.heart, target.channel(), Some(sent)).await?;
    }
    if work.tried_before() {
        // Since it was sent, before a crash perhaps, people may have answered. Where that can't be read now, this
        // is tried once more, whatever is written down by then.
        catchup::channel(work.heart, tie, target.channel()).await.map_err(Halt::from)?;
    }
    let kept = u32::try_from(outgoing.len()).unwrap_or(u32::MAX);
    let surplus: Vec<_> = parts.iter().filter(|part| part.part >= kept).collect();
    let leaving = surplus.iter().map(|part| Effect::Part(Part { digest: Part::LEAVING, ..(**part).clone() }));
    if !surplus.is_empty() {
        work.note(leaving.collect()).await?;
    }
    for part in surplus.iter().rev() {
        Point::BeforeRemove.reached();
        let place = (part.channel != tie.bridge.channel).then_some(part.channel);
        work.discord().delete(&target.webhook, place, part.message).await?;
        Point::AfterRemove.reached();
    }
    if work.tried_before() && thread.closed && tie.threaded() {
        // An earlier try may have opened it for a moment.
        ajar::lock(&work.discord(), target.channel()).await?;
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

/// Sends a part, unless an earlier try has.
async fn send(work: &Work<'_>, tie: &Tie, target: &Target, message: &Outgoing) -> Result<MessageId, Problem> {
    if let Some(found) = adopt::message(work, tie, (&target.webhook, target.channel()), message).await? {
        return Ok(found);
    }
    Point::BeforeSend.reached();
    let discord = work.discord();
    let send = || discord.send(&target.webhook, target.thread, message);
    let sent = ajar::within(&discord, target.channel(), send).await;
    Point::AfterSend.reached();
    Ok(sent?)
}

fn room(tie: &Tie, thread: &ThreadFacts, channel: ChannelId) -> Room {
    Room { bridge: tie.id(), thread: thread.id.clone(), channel, digest: 0 }
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
    if tie.channel.kind != ChannelKind::Forum {
        let channel = match adopt::thread(work, tie, &title, None).await? {
            Some(channel) => channel,
            None => {
                Point::BeforeOpenThread.reached();
                let opened = work.discord().open_thread(tie.bridge.channel, &title).await;
                Point::AfterOpenThread.reached();
                opened?
            }
        };
        work.note(vec![
            Effect::Room(room(tie, thread, channel)),
            Effect::Watermark { channel, message: MessageId(channel.0) },
        ])
        .await?;
        if work.tried_before() {
            catchup::channel(work.heart, tie, channel).await.map_err(Halt::from)?;
        }
        inbox::placed(work.heart, channel, None).await?;
        return Ok(Target { webhook, thread: Some(channel) });
    }
    let Some(first) = outgoing.first() else {
        return Err(Halt::Park("the post has nothing to show".to_owned()).into());
    };
    let (channel, message) = match adopt::thread(work, tie, &title, Some((&webhook, first))).await? {
        // A forum post's starter has the id of its thread.
        Some(channel) => (channel, MessageId(channel.0)),
        None => {
            Point::BeforeOpenPost.reached();
            let opened = work.discord().open_post(&webhook, &title, &tags(tie, thread), first).await;
            Point::AfterOpenPost.reached();
            opened?
        }
    };
    let starter = part(tie, post, 0, channel, message, digest_of(first.content.as_bytes()));
    work.note(vec![
        Effect::Room(room(tie, thread, channel)),
        Effect::Part(starter.clone()),
        Effect::Watermark { channel, message },
    ])
    .await?;
    if work.tried_before() {
        // Before what was heard lately: it would overtake what was said while nobody heard.
        catchup::channel(work.heart, tie, channel).await.map_err(Halt::from)?;
    }
    inbox::placed(work.heart, channel, None).await?;
    inbox::placed(work.heart, channel, Some(message)).await?;
    parts.push(starter);
    Ok(Target { webhook, thread: Some(channel) })
}

/// The webhook of the bridge's channel, made if there is none.
async fn webhook(work: &Work<'_>, tie: &Tie) -> Result<Webhook, DiscordError> {
    Point::BeforeWebhook.reached();
    let webhook = work.discord().webhook(tie.bridge.channel).await;
    Point::AfterWebhook.reached();
    webhook
}

async fn edit(work: &Work<'_>, target: &Target, part: &Part, message: &Outgoing) -> Result<(), DiscordError> {
    let discord = work.discord();
    Point::BeforeEdit.reached();
    let edit = || discord.edit(&target.webhook, target.thread, part.message, &message.content);
    let edited = ajar::within(&discord, target.channel(), edit).await;
    Point::AfterEdit.reached();
    edited
}

/// Takes messages away, the last first.
async fn remove(work: &Work<'_>, tie: &Tie, webhook: &Webhook, parts: &[Part]) -> Result<(), DiscordError> {
    for part in parts.iter().rev() {
        let place = (part.channel != tie.bridge.channel).then_some(part.channel);
        Point::BeforeRemove.reached();
        match work.discord().delete(webhook, place, part.message).await {
            Ok(()) => {}
            // The message, or the whole Discord thread, is gone already.
            Err(DiscordError::Gone(what)) if what != NO_WEBHOOK => {}
            Err(error) => return Err(error),
        }
        Point::AfterRemove.reached();
    }
    Ok(())
}

async fn still_there(work: &Work<'_>, target: &Target) -> Result<bool, DiscordError> {
    match work.heart.discord.channel(target.channel()).await {
        Ok(_) => Ok(true),
        Err(DiscordError::Gone(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes a post's messages away.
pub async fn hide(
    work: &Work<'_>,
    bridge: BridgeId,
    thread: &ThreadId,
    post: &PostId,
) -> Result<Vec<Effect>, Halt> {
    let Some(tie) = work.tie(bridge).await? else { return Ok(Vec::new()) };
    // It came back while this waited: what is to be shown then is said by a job of its own. What was begun
    // is ended all the same, for nobody knows how far it went.
    let mut back = false;
    if let Some(row) = known(work, &tie, post).await?
        && !row.gone
        && let Some(now) = work.heart.store.thread(&tie.bridge.forum, &row.thread).await?
    {
        back = tie.covers(now.board.as_ref(), &row.thread);
    }
    if back && !work.tried_before() {
        return Ok(Vec::new());
    }
    // What was given up must not show it later. What waits came since: the post is back.
    let mut effects = vec![
        Effect::Discard { key: show_key(bridge, post) },
        Effect::Discard { key: edit_key(bridge, post) },
    ];
    let parts = work.heart.store.parts(bridge, post).await?;
    let Some(first) = parts.first() else { return Ok(effects) };
    if first.origin == Origin::Discord {
        let now = work.heart.store.now().await?;
        for part in &parts {
            let told = Outcome::Failed("this post was removed from the forum".to_owned());
            effects.push(submit::telling(part.channel, part.message, told, now)?);
        }
        return Ok(effects);
    }
    ready(work, &tie)?;
    let removed = async {
        let webhook = webhook(work, &tie).await?;
        remove(work, &tie, &webhook, &parts).await
    };
    match removed.await {
        Ok(()) => {
            effects.push(Effect::DropParts { bridge, post: post.clone(), from: 0 });
            effects.push(happened(&tie, post, What::Withdrawn));
            Ok(effects)
        }
        Err(error) => Err(trouble(work, &tie, (thread, None), error).await?),
    }
}
