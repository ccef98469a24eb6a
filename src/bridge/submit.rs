//! Discord to forum: posts what a person wrote, follows its edits and removal, and tells the person.
//!
//! A reply carries the address of its Discord message ([`actor`] says how). That is its proof of origin: that the
//! forum is asked to take it, and in whose name, is written down first, and after a try whose end is not known the
//! thread's last pages are searched for the address. The watcher knows the post by it.

use std::sync::Arc;
use std::time::Duration;

use crate::discord::DiscordError;
use crate::forum::{Actor, Draft, Failure, PageRef, Posted, Refusal, RefusalKind};
use crate::markup::{Block, Doc, Inline, discord::Names, plain};
use crate::model::{ChannelId, MessageId, Post, PostId, ThreadId};
use crate::store::{
    BridgeId, Effect, Millis, Origin, Part, Priority, StoreError, Submission, SubmissionState,
};
use crate::weakness::Weakness;

use super::files;
use super::inbox::plain_emoji;
use super::job::{Job, Outcome, Spoken, forum_lane, tell_lane};
use super::merged::{self, Together};
use super::outbox::{Halt, Work};
use super::points::Point;
use super::record::{digest_of, happened_gone, hide};
use super::render::message_url;
use super::tie::Tie;
use super::{Forum, actor, ajar, inbox};

/// A person is told that their message waits when it waits longer than this.
const PATIENCE: Duration = Duration::from_secs(15);
/// How much of the answered post is quoted, in characters.
const QUOTE: usize = 300;
/// A forum under load may show a reply so much later than it took it.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How many of a thread's last pages are searched for a reply that may have arrived.
const SEARCHED_PAGES: u32 = 3;

const TICK: &str = "✅";
const WARNING: &str = "⚠️";
const WAITING: &str = "⏳";

/// Posts a reply.
pub async fn reply(
    work: &Work<'_>,
    bridge: BridgeId,
    thread: &ThreadId,
    spoken: &Spoken,
) -> Result<Vec<Effect>, Halt> {
    let Some((tie, forum)) = place(work, bridge).await? else {
        return Err(Halt::Park("the bridge of this message is no longer there".to_owned()));
    };
    let Some(submission) = work.heart.store.submission(spoken.message).await? else { return Ok(Vec::new()) };
    match submission.state {
        SubmissionState::Queued | SubmissionState::Refused | SubmissionState::Sending => {}
        // The watcher met the post on the forum before we heard of it.
        SubmissionState::Posted => {
            let now = work.heart.store.now().await?;
            return Ok(vec![telling(spoken.channel, spoken.message, Outcome::Arrived, now)?]);
        }
        SubmissionState::AwaitingApproval | SubmissionState::Withdrawn => return Ok(Vec::new()),
    }
    if submission.state == SubmissionState::Sending {
        // It may have arrived, in the words of that time: those are noted with it.
        if let Some(post) = find_late(&forum, thread, &submission).await? {
            return arrived(work, submission, post.id).await;
        }
        if moderated(work, &submission).await? {
            return conclude(work, submission, SubmissionState::Refused, spoken.unsure()).await;
        }
    }
    // Perhaps it was different when the message was heard.
    if let Some(why) = inbox::may_not_speak(work.heart, &tie, spoken.author).await? {
        return refused(work, submission, spoken, why.to_owned()).await;
    }
    let actor = actor::of(work.heart, &forum, spoken.author).await?;
    let draft = draft(work, &tie, &forum, &actor, thread, spoken).await?;
    let submission = Submission {
        digest: spoken_digest(spoken),
        state: SubmissionState::Sending,
        member: actor::member(&actor),
        ..submission
    };
    work.note(vec![Effect::Submission(submission.clone())]).await?;
    Point::BeforeReply.reached();
    let posted = forum.engine.reply(&actor, thread, &draft).await;
    Point::AfterReply.reached();
    match posted {
        Ok(Posted::Live { post } | Posted::Merged { post }) => {
            forum.revisit(thread.clone(), Some(post.clone()));
            arrived(work, submission, post).await
        }
        Ok(Posted::Unnamed) => found_or_unsure(work, &forum, thread, submission, spoken).await,
        // Only a try of ours can have said the very same.
        Err(Failure::Refused(Refusal { kind: RefusalKind::Duplicate, message })) => {
            match find(&forum, thread, &submission).await? {
                Some(post) => arrived(work, submission, post.id).await,
                None => conclude(work, submission, SubmissionState::Refused, spoken.failed(message)).await,
            }
        }
        Ok(Posted::AwaitingApproval) => {
            let told = Outcome::Waits("a moderator of the forum has to approve it first".to_owned());
            conclude(work, submission, SubmissionState::AwaitingApproval, told).await
        }
        Err(failure) if actor::is_signed_out(&failure) => {
            // It goes out by the bridge's own account then.
            let queued = Submission { state: SubmissionState::Queued, member: None, ..submission };
            work.note(vec![Effect::Submission(queued)]).await?;
            actor::ended(work, &forum, spoken.author).await?;
            Box::pin(reply(work, bridge, thread, spoken)).await
        }
        Err(Failure::Refused(refusal)) => refused(work, submission, spoken, refusal.message).await,
        Err(Failure::Gone(_)) => {
            refused(work, submission, spoken, "the thread is no longer on the forum".to_owned()).await
        }
        Err(Failure::Unsupported(what)) => {
            refused(work, submission, spoken, format!("this forum's software can't {what}")).await
        }
        Err(failure) => {
            if !matches!(failure, Failure::Uncertain { .. }) {
                // Certainly not done: the next try need not look for it.
                let queued = Submission { state: SubmissionState::Queued, member: None, ..submission };
                work.note(vec![Effect::Submission(queued)]).await?;
            }
            wait_told(work, spoken, &failure).await?;
            Err(failure.into())
        }
    }
}

/// Certainly not done, in nobody's name: no post is going to come of it unless it is tried anew.
async fn refused(
    work: &Work<'_>,
    submission: Submission,
    spoken: &Spoken,
    why: String,
) -> Result<Vec<Effect>, Halt> {
    let submission = Submission { member: None, ..submission };
    conclude(work, submission, SubmissionState::Refused, spoken.failed(why)).await
}

/// The forum took it without saying where. What it does not show even after a while may wait for a
/// moderator, or bear no link any more: sent once more it might be there twice, so the person is asked.
async fn found_or_unsure(
    work: &Work<'_>,
    forum: &Forum,
    thread: &ThreadId,
    submission: Submission,
    spoken: &Spoken,
) -> Result<Vec<Effect>, Halt> {
    match find_late(forum, thread, &submission).await? {
        Some(post) => arrived(work, submission, post.id).await,
        None => conclude(work, submission, SubmissionState::Refused, spoken.unsure()).await,
    }
}

/// Whether replies in this thread are known to wait for a moderator: then one that is not to be seen may
/// have arrived all the same.
async fn moderated(work: &Work<'_>, submission: &Submission) -> Result<bool, Halt> {
    let store = &work.heart.store;
    let others = store.submissions(submission.bridge, submission.channel, MessageId(0)).await?;
    Ok(others
        .iter()
        .any(|other| other.thread == submission.thread && other.state == SubmissionState::AwaitingApproval))
}

/// Brings a posted reply in line with its edited message.
pub async fn amend(
    work: &Work<'_>,
    bridge: BridgeId,
    thread: &ThreadId,
    spoken: &Spoken,
) -> Result<Vec<Effect>, Halt> {
    let Some((tie, forum)) = place(work, bridge).await? else { return Ok(Vec::new()) };
    let Some(submission) = work.heart.store.submission(spoken.message).await? else { return Ok(Vec::new()) };
    let (Some(post), SubmissionState::Posted) = (&submission.post, submission.state) else {
        return Ok(Vec::new());
    };
    // Events may be repeated, late and in any order: what counts is what the message says now.
    let Some(now) = work.heart.discord.message(spoken.channel, spoken.message).await? else {
        let job = Job::Retract { bridge, thread: thread.clone(), message: spoken.message };
        let lane = forum_lane(&forum.key, thread);
        let queued = job.queued(lane, Priority::Live, work.heart.store.now().await?)?;
        return Ok(vec![Effect::Enqueue(queued)]);
    };
    // What was written by form is shown in a message of the bot's own, which says more than that.
    if now.author.bot || now.webhook.is_some() {
        return Ok(Vec::new());
    }
    let heard = inbox::spoken(&now);
    // The name that the guild knows comes with events only.
    let named = !spoken.author_name.is_empty();
    let author_name = if named { &spoken.author_name } else { &heard.author_name }.clone();
    let spoken = &Spoken { author_name, ..heard };
    let digest = spoken_digest(spoken);
    if submission.digest == digest {
        return Ok(Vec::new());
    }
    let actor = match actor::who_wrote(work.heart, &forum, &submission).await? {
        Ok(actor) => actor,
        Err(why) => return not_amended(work, submission, digest, why).await,
    };
    let draft = match merged::with(work, &tie, &forum, &actor, thread, post, spoken).await? {
        Together::Alone => draft(work, &tie, &forum, &actor, thread, spoken).await?,
        Together::Draft(draft) => draft,
        Together::Unknown => {
            let why = "it put your message into an older post that is not from here".to_owned();
            return not_amended(work, submission, digest, why).await;
        }
    };
    Point::BeforeAmend.reached();
    let edited = forum.engine.edit(&actor, post, &draft).await;
    Point::AfterAmend.reached();
    match edited {
        Ok(()) => {
            forum.revisit(thread.clone(), Some(post.clone()));
            conclude(work, Submission { digest, ..submission }, SubmissionState::Posted, Outcome::Arrived)
                .await
        }
        Err(Failure::Refused(refusal)) => {
            if refusal.kind == RefusalKind::SignedOut {
                actor::ended(work, &forum, submission.author).await?;
            }
            not_amended(work, submission, digest, refusal.message).await
        }
        Err(Failure::Gone(_)) => {
            not_amended(work, submission, digest, "your post is no longer there".to_owned()).await
        }
        // Editing again to the same words changes nothing more: safe to repeat when unsure.
        Err(failure) => Err(failure.into()),
    }
}

/// The post stays as it was; its author is told why, once for each edit.
async fn not_amended(
    work: &Work<'_>,
    submission: Submission,
    digest: i64,
    why: String,
) -> Result<Vec<Effect>, Halt> {
    let submission = Submission { digest, ..submission };
    conclude(work, submission, SubmissionState::Posted, Outcome::EditFailed(why)).await
}

/// Removes a posted reply whose message was deleted. Where the forum put several messages into one post, the others
/// stay.
pub async fn retract(work: &Work<'_>, bridge: BridgeId, message: MessageId) -> Result<Vec<Effect>, Halt> {
    let Some((tie, forum)) = place(work, bridge).await? else { return Ok(Vec::new()) };
    let Some(submission) = work.heart.store.submission(message).await? else { return Ok(Vec::new()) };
    let post = match &submission.post {
        Some(post) => Some(post.clone()),
        None if submission.state == SubmissionState::Sending => {
            find_late(&forum, &submission.thread, &submission).await?.map(|post| post.id)
        }
        None => None,
    };
    let withdrawn = Effect::Submission(Submission {
        state: SubmissionState::Withdrawn,
        post: post.clone(),
        ..submission.clone()
    });
    let Some(post) = &post else { return Ok(vec![withdrawn]) };
    let actor = actor::who_wrote(work.heart, &forum, &submission).await?.map_err(Halt::Park)?;
    let others = merged::without(work, &tie, &forum, &actor, &submission.thread, post, message).await?;
    Point::BeforeRetract.reached();
    let reason = "deleted by its author on Discord";
    let removed = match &others {
        Together::Alone => forum.engine.delete(&actor, post, reason).await,
        Together::Draft(draft) => forum.engine.edit(&actor, post, draft).await,
        // Nothing that others wrote is taken away.
        Together::Unknown => Ok(()),
    };
    Point::AfterRetract.reached();
    match removed {
        Ok(()) | Err(Failure::Gone(_)) => {}
        Err(failure) => {
            if actor::is_signed_out(&failure) {
                actor::ended(work, &forum, submission.author).await?;
            }
            return Err(failure.into());
        }
    }
    if !matches!(others, Together::Alone) {
        forum.revisit(submission.thread.clone(), Some(post.clone()));
        return Ok(vec![withdrawn]);
    }
    let mut effects = vec![
        withdrawn,
        Effect::PostGone { forum: forum.key.clone(), post: post.clone() },
        happened_gone(&forum.key, post),
        Effect::DropParts { bridge, post: post.clone(), from: 0 },
    ];
    // Other bridges may show it as a post of the forum.
    let now = work.heart.store.now().await?;
    for tie in work.heart.ties.of_forum(&forum.key).iter().filter(|tie| tie.id() != bridge) {
        effects.push(hide(tie, &submission.thread, post, now)?);
    }
    Ok(effects)
}

/// Shows a person what became of their message: a mark on it, and the reason where there is one.
pub async fn tell(
    work: &Work<'_>,
    channel: ChannelId,
    message: MessageId,
    news: &Outcome,
) -> Result<Vec<Effect>, Halt> {
    let discord = &work.heart.discord;
    let (mark, text) = match news {
        Outcome::Arrived => (Some(TICK), None),
        Outcome::ThanksStay(reason) => {
            (None, Some(format!("The thanks stay on the forum: {}.", reason.trim_end_matches('.'))))
        }
        Outcome::Waits(reason) => (Some(WAITING), Some(format!("Your message waits: {reason}."))),
        Outcome::FormFailed(reason) => {
            let reason = reason.trim_end_matches('.');
            (
                Some(WARNING),
                Some(format!("This did not reach the forum: {reason}. Fill the form in again to try again.")),
            )
        }
        Outcome::EditFailed(reason) => (
            Some(WARNING),
            Some(format!("Your edit did not reach the forum: {}.", reason.trim_end_matches('.'))),
        ),
        Outcome::Failed(reason) => (
            Some(WARNING),
            Some(format!(
                "Your message did not reach the forum: {}. Edit it to try again.",
                reason.trim_end_matches('.')
            )),
        ),
        Outcome::Unsure => (Some(WARNING), Some(unsure("edit your message to send it again"))),
        Outcome::FormUnsure => (Some(WARNING), Some(unsure("fill the form in again"))),
    };
    Point::BeforeTell.reached();
    let mark_it = || async {
        let Some(mark) = mark else { return Ok(()) };
        // What is not there is not asked away: each time would be a refused request.
        let Some(shown) = discord.message(channel, message).await? else { return Ok(()) };
        let is_on = |mark: &str| shown.reactions.iter().any(|own| plain_emoji(own) == plain_emoji(mark));
        for old in [TICK, WARNING, WAITING].into_iter().filter(|old| *old != mark && is_on(old)) {
            discord.unreact(channel, message, old).await?;
        }
        discord.react(channel, message, mark).await
    };
    let told = async {
        ajar::within(discord, channel, mark_it).await?;
        if let Some(text) = &text {
            // The same words about the same message are said once, however often this is tried.
            let nonce = format!("{:x}", digest_of(format!("{message}{text}").as_bytes()));
            ajar::within(discord, channel, || discord.say(channel, Some(message), text, &nonce)).await?;
        }
        Ok(())
    };
    let told = told.await;
    Point::AfterTell.reached();
    match told {
        Ok(()) | Err(DiscordError::Gone(_)) => Ok(Vec::new()),
        // Nobody is waiting for it in a channel that the bot may not speak in; it must not ask for ever.
        Err(error @ (DiscordError::Forbidden(_) | DiscordError::Locked)) => {
            Err(Halt::Park(error.to_string()))
        }
        Err(error) => Err(Halt::from(error)),
    }
}

fn unsure(again: &str) -> String {
    format!(
        "The forum may have taken your message, but does not show it; a moderator may have to approve it first. Look \
         there before you do anything: if it is missing, {again}."
    )
}

/// The effect of telling a person.
pub fn telling(
    channel: ChannelId,
    message: MessageId,
    news: Outcome,
    now: Millis,
) -> Result<Effect, StoreError> {
    let job = Job::Tell { channel, message, news };
    Ok(Effect::Enqueue(job.queued(tell_lane(channel, message), Priority::Live, now)?))
}

pub async fn place(work: &Work<'_>, bridge: BridgeId) -> Result<Option<(Arc<Tie>, Arc<Forum>)>, Halt> {
    let Some(tie) = work.tie(bridge).await? else { return Ok(None) };
    let forum = work.heart.forums.get(&tie.bridge.forum).cloned();
    Ok(forum.map(|forum| (tie, forum)))
}

async fn arrived(work: &Work<'_>, submission: Submission, post: PostId) -> Result<Vec<Effect>, Halt> {
    let part = merged::place(work, submission.bridge, &post, submission.message).await?;
    let part = part.map(|part| {
        Effect::Part(Part {
            bridge: submission.bridge,
            post: post.clone(),
            part,
            channel: submission.channel,
            message: submission.message,
            digest: 0,
            origin: Origin::Discord,
        })
    });
    let submission = Submission { post: Some(post), ..submission };
    work.heart.health.replied();
    let mut effects = conclude(work, submission, SubmissionState::Posted, Outcome::Arrived).await?;
    effects.extend(part);
    Ok(effects)
}

async fn conclude(
    work: &Work<'_>,
    submission: Submission,
    state: SubmissionState,
    told: Outcome,
) -> Result<Vec<Effect>, Halt> {
    let now = work.heart.store.now().await?;
    let telling = telling(submission.channel, submission.message, told, now)?;
    Ok(vec![Effect::Submission(Submission { state, ..submission }), telling])
}

/// Tells the person once that their message waits, when it will not be a moment.
async fn wait_told(work: &Work<'_>, spoken: &Spoken, failure: &Failure) -> Result<(), Halt> {
    let long = match failure {
        Failure::Later { after, .. } => *after > PATIENCE,
        Failure::SignIn(_) | Failure::Unreadable(_) => true,
        _ => false,
    };
    // From the fourth try on, a short wait has become a long one.
    if work.claim.attempts == 3 || (long && work.claim.attempts == 0) {
        let now = work.heart.store.now().await?;
        let reason = format!(
            "{}; it is sent as soon as the forum takes it",
            failure.to_string().trim_end_matches('.')
        );
        work.note(vec![telling(spoken.channel, spoken.message, Outcome::Waits(reason), now)?]).await?;
    }
    Ok(())
}

/// As [`find`], for what may still be under way: looks once more after a moment.
async fn find_late(forum: &Forum, thread: &ThreadId, submission: &Submission) -> Result<Option<Post>, Halt> {
    match find(forum, thread, submission).await? {
        None => {
            tokio::time::sleep(LOOK_AGAIN).await;
            find(forum, thread, submission).await
        }
        found => Ok(found),
    }
}

/// Before the forum has said who the bridge is there, none of its posts can be known for its own.
pub fn signed_in(forum: &Forum) -> Result<(), Halt> {
    let reason = "the forum has not been signed in to yet";
    forum.account().map(drop).ok_or_else(|| Halt::Later(Duration::from_secs(1), reason.to_owned()))
}

/// The post that this message became, on the thread's last pages.
async fn find(forum: &Forum, thread: &ThreadId, submission: &Submission) -> Result<Option<Post>, Halt> {
    signed_in(forum)?;
    if Weakness::ReplyReadBack.is_there() {
        return Ok(None);
    }
    let mut page = forum.engine.thread(thread, PageRef::Last).await?;
    for _ in 0..SEARCHED_PAGES {
        let number = page.thread.page;
        for post in page.posts {
            if actor::holds(forum, &post, submission.member.as_ref(), submission.message).await? {
                return Ok(Some(post));
            }
        }
        if number <= 1 {
            break;
        }
        page = forum.engine.thread(thread, PageRef::Number(number - 1)).await?;
    }
    Ok(None)
}

/// A digest of what a person wrote, to see whether an edit changed it. A file's address changes each time
/// that it is asked for, the file does not.
pub fn spoken_digest(spoken: &Spoken) -> i64 {
    let files: Vec<_> = spoken.files.iter().map(|file| (file.id, &file.name)).collect();
    digest_of(&serde_json::to_vec(&(&spoken.content, files)).unwrap_or_default())
}

/// The reply as the forum gets it: who wrote it and where, unless it is in their own name; what it answers, and the
/// words.
pub async fn draft(
    work: &Work<'_>,
    tie: &Tie,
    forum: &Forum,
    actor: &Actor,
    thread: &ThreadId,
    spoken: &Spoken,
) -> Result<Draft, Halt> {
    let mut blocks = Vec::new();
    let origin = tie.guild().map(|guild| message_url(guild, spoken.channel, spoken.message));
    if let (Some(url), Actor::Bridge) = (origin.clone(), actor) {
        let linked = work.heart.store.link(&forum.key, spoken.author).await?;
        let who = match &linked {
            Some(link) => {
                let name = vec![Inline::Text(link.name.clone())];
                let url = forum.engine.member_url(&link.member, &link.name);
                url.map_or(Inline::Bold(name.clone()), |url| {
                    Inline::Bold(vec![Inline::Link { url, content: name }])
                })
            }
            None => Inline::Bold(vec![Inline::Text(spoken.author_name.clone())]),
        };
        blocks.push(Block::Paragraph(vec![
            who,
            Inline::Text(" via ".to_owned()),
            Inline::Link { url, content: vec![Inline::Text("Discord".to_owned())] },
        ]));
    }
    let answered = match spoken.reply_to {
        Some(message) => work.heart.store.part_of_message(message).await?.map(|part| part.post),
        None => None,
    };
    match (&answered, &spoken.quote) {
        (Some(post), None) if !forum.engine.capabilities().reply_to => {
            blocks.extend(quote(work, forum, thread, post).await?);
        }
        (Some(post), Some(words)) if !words.is_empty() => {
            let credit = work.heart.store.credit(&forum.key, post).await?;
            blocks.push(Block::Quote {
                author: credit.map(|credit| credit.author),
                post: Some(post.clone()),
                url: None,
                content: crate::markup::discord::read(words, &Names::default()).blocks,
            });
        }
        _ => {}
    }
    let names = Names {
        users: spoken.mentions.iter().map(|(id, name)| (id.0, name.clone())).collect(),
        ..Names::default()
    };
    blocks.extend(crate::markup::discord::read(&spoken.content, &names).blocks);
    for file in &spoken.files {
        let url = files::lasting(work.heart.public_url.as_ref(), spoken.message, file);
        let inline = if file.image {
            Inline::Image { url, alt: Some(file.name.clone()) }
        } else {
            Inline::Link { url, content: vec![Inline::Text(file.name.clone())] }
        };
        blocks.push(Block::Paragraph(vec![inline]));
    }
    let origin = match actor {
        Actor::Bridge => None,
        Actor::Member { .. } if forum.engine.keeps_origin() => origin,
        Actor::Member { .. } => {
            blocks.extend(origin.map(|url| {
                let discord = vec![Inline::Text("Discord".to_owned())];
                Block::Small(vec![Inline::Text("via ".to_owned()), Inline::Link { url, content: discord }])
            }));
            None
        }
    };
    Ok(Draft { body: Doc { blocks }, reply_to: answered, origin })
}

/// The answered post in short, unless it is the thread's last and the reply follows it anyway.
async fn quote(
    work: &Work<'_>,
    forum: &Forum,
    thread: &ThreadId,
    post: &PostId,
) -> Result<Option<Block>, Halt> {
    if work.heart.store.newest_post(&forum.key, thread).await?.is_none_or(|newest| newest == *post) {
        return Ok(None);
    }
    let page = match forum.engine.page_with_post(post).await {
        Ok(page) => page,
        Err(Failure::Gone(_)) => return Ok(None),
        Err(failure) => return Err(failure.into()),
    };
    let Some(quoted) = page.posts.into_iter().find(|candidate| candidate.id == *post) else {
        return Ok(None);
    };
    let words = plain::text(&quoted.body);
    let mut short: String = words.chars().take(QUOTE).collect();
    if short.len() < words.len() {
        short.push('…');
    }
    Ok(Some(Block::Quote {
        author: Some(quoted.author.name),
        post: Some(quoted.id),
        url: None,
        content: Doc::text(short).blocks,
    }))
}
