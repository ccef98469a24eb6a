//! Opening threads on the forum: by a post that a person opens in a bridged Discord forum channel, and by
//! form. The address of the Discord message is the proof of origin here as well ([`actor`]): after a try whose end is
//! not known the board's newest threads are searched for it.

use std::sync::Arc;

use crate::config::{Replies, Scope};
use crate::discord::{ChannelKind, DiscordError, Message};
use crate::forum::{Failure, Opened, PageRef};
use crate::model::{BoardId, ChannelId, MemberId, MessageId, PostId, ThreadId};
use crate::store::{Effect, Millis, Origin, Part, Priority, Room, StoreError, Submission, SubmissionState};

use super::catchup::{self, UNPLACED};
use super::inbox::{self, may_not_speak, placed, spoken};
use super::job::{Job, Lane, Outcome, Spoken};
use super::leases;
use super::outbox::{Halt, Work};
use super::points::Point;
use super::submit::{self, spoken_digest, telling};
use super::tie::Tie;
use super::{Forum, Heart, actor};

/// Titles are cut here: vBulletin's own limit.
const TITLE: usize = 85;

/// The bridge whose forum channel a person opened this post in, if this is its first message, and its title.
async fn opened_here(heart: &Heart, message: &Message) -> Option<(Arc<Tie>, BoardId, String)> {
    // A forum post's first message has the id of its thread.
    if message.id.0 != message.channel.0 {
        return None;
    }
    let channel = match heart.discord.channel(message.channel).await {
        Ok(channel) => channel,
        Err(DiscordError::Gone(_)) => return None,
        Err(error) => {
            tracing::warn!(channel = %message.channel, "can't look up a new Discord thread: {error}");
            return None;
        }
    };
    let parent = channel.parent?;
    heart.ties.of_channel(parent).into_iter().find_map(|tie| match &tie.bridge.scope {
        Scope::Board(board) if tie.threaded() && tie.channel.kind == ChannelKind::Forum => {
            Some((tie.clone(), board.clone(), channel.name.clone()))
        }
        _ => None,
    })
}

/// A message that belongs to no forum thread yet: if it opens one, that is recorded. True when it does.
pub async fn begins(heart: &Heart, message: &Message) -> Result<bool, StoreError> {
    let Some((tie, board, title)) = opened_here(heart, message).await else { return Ok(false) };
    let now = heart.store.now().await?;
    let words = spoken(message);
    let submission = Submission {
        message: message.id,
        bridge: tie.id(),
        // It has none until the forum has taken it.
        thread: ThreadId::new(""),
        channel: message.channel,
        author: message.author.id,
        member: None,
        post: None,
        state: SubmissionState::Queued,
        digest: spoken_digest(&words),
    };
    let mut effects = vec![
        Effect::Watermark { channel: message.channel, message: message.id },
        Effect::Watermark { channel: tie.bridge.channel, message: message.id },
    ];
    match may_not_speak(heart, &tie, message.author.id).await? {
        _ if tie.bridge.replies == Replies::Off => {}
        Some(why) => {
            effects.push(Effect::Submission(Submission { state: SubmissionState::Refused, ..submission }));
            effects.push(telling(message.channel, message.id, Outcome::Failed(why.to_owned()), now)?);
        }
        None => {
            effects.push(Effect::Submission(submission));
            effects.push(open_job(&tie, board, title, words, true, now)?);
        }
    }
    inbox::receive(heart, Some(&format!("m:{}", message.id)), effects).await?;
    Ok(true)
}

/// The first message of a post that has not been opened on the forum was edited: it is tried as it is now.
pub async fn begins_anew(heart: &Heart, message: &Message) -> Result<(), StoreError> {
    let Some((tie, board, title)) = opened_here(heart, message).await else { return Ok(()) };
    let now = heart.store.now().await?;
    let words = spoken(message);
    let effects = vec![
        Effect::Resubmit { message: message.id, digest: spoken_digest(&words) },
        open_job(&tie, board, title, words, true, now)?,
    ];
    inbox::receive(heart, None, effects).await?;
    Ok(())
}

/// The job that opens a thread. `shown`: the Discord thread that it is said in is to show it.
pub fn open_job(
    tie: &Tie,
    board: BoardId,
    title: String,
    spoken: Spoken,
    shown: bool,
    now: Millis,
) -> Result<Effect, StoreError> {
    let forum = &tie.bridge.forum;
    let lane = Lane { name: format!("f:{forum}:new:{board}"), needs: leases::of_forum(forum) };
    let job = Job::Open { bridge: tie.id(), board, title, spoken, shown };
    Ok(Effect::Enqueue(job.queued(lane, Priority::Live, now)?))
}

/// Opens the thread.
pub async fn open(
    work: &Work<'_>,
    (bridge, board): (crate::store::BridgeId, &BoardId),
    title: &str,
    spoken: &Spoken,
    shown: bool,
) -> Result<Vec<Effect>, Halt> {
    let Some((tie, forum)) = submit::place(work, bridge).await? else {
        return Err(Halt::Park("the bridge of this message is no longer there".to_owned()));
    };
    let submission = work.heart.store.submission(spoken.message).await?;
    match &submission {
        Some(it) if it.state == SubmissionState::Withdrawn => return Ok(Vec::new()),
        // The watcher met it on the forum before we heard of it.
        Some(Submission { state: SubmissionState::Posted, thread, post: Some(post), .. }) => {
            let found = (thread.clone(), post.clone());
            return found_there(work, &tie, &forum, spoken, submission, shown, found).await;
        }
        _ => {}
    }
    let title: String = title.chars().take(TITLE).collect();
    let actor = actor::of(work.heart, &forum, spoken.author).await?;
    let sending = submission.as_ref().is_some_and(|it| it.state == SubmissionState::Sending);
    if work.tried_before() || sending {
        // What was written by form has no submission; then it went out in the name that it would go out in now.
        let member = submission.as_ref().map_or_else(|| actor::member(&actor), |it| it.member.clone());
        if let Some(found) = find(&forum, board, &title, spoken, member.as_ref()).await? {
            return found_there(work, &tie, &forum, spoken, submission, shown, found).await;
        }
    }
    if let Some(why) = may_not_speak(work.heart, &tie, spoken.author).await? {
        let mut effects = concluded(submission, SubmissionState::Refused);
        let now = work.heart.store.now().await?;
        effects.push(telling(spoken.channel, spoken.message, spoken.failed(why.to_owned()), now)?);
        return Ok(effects);
    }
    let draft = submit::draft(work, &tie, &forum, &actor, &ThreadId::new(""), spoken).await?;
    let submission = submission.map(|it| Submission {
        digest: spoken_digest(spoken),
        state: SubmissionState::Sending,
        member: actor::member(&actor),
        ..it
    });
    if let Some(submission) = submission.clone() {
        // The watcher may meet it before the answer comes, and its author may edit it.
        work.note(vec![Effect::Submission(submission)]).await?;
    }
    Point::BeforeOpening.reached();
    let opened = forum.engine.open_thread(&actor, board, &title, &draft).await;
    Point::AfterOpening.reached();
    let now = work.heart.store.now().await?;
    let told = match opened {
        Ok(Opened::Live { thread, post }) => {
            let post = match post {
                Some(post) => Some(post),
                None => {
                    let page = forum.engine.thread(&thread, PageRef::Number(1)).await?;
                    page.posts.first().map(|post| post.id.clone())
                }
            };
            let post =
                post.ok_or_else(|| Halt::Uncertain("the forum does not show the thread yet".to_owned()))?;
            return arrived(work, &tie, &forum, spoken, submission, shown, (thread, post)).await;
        }
        Ok(Opened::AwaitingApproval) => {
            let waits = Outcome::Waits("a moderator of the forum has to approve the thread first".to_owned());
            let mut effects = concluded(submission, SubmissionState::AwaitingApproval);
            effects.push(telling(spoken.channel, spoken.message, waits, now)?);
            return Ok(effects);
        }
        Err(failure) if actor::is_signed_out(&failure) => {
            actor::ended(work, &forum, spoken.author).await?;
            return Box::pin(open(work, (bridge, board), &title, spoken, shown)).await;
        }
        Err(Failure::Refused(refusal)) => refusal.message,
        Err(Failure::Gone(_)) => "the board is no longer on the forum".to_owned(),
        Err(Failure::Unsupported(what)) => format!("this forum's software can't {what}"),
        Err(failure) => return Err(failure.into()),
    };
    let mut effects = concluded(submission, SubmissionState::Refused);
    effects.push(telling(spoken.channel, spoken.message, spoken.failed(told), now)?);
    Ok(effects)
}

fn concluded(submission: Option<Submission>, state: SubmissionState) -> Vec<Effect> {
    let conclude = |submission: Submission| {
        // Of what is refused no thread is going to come in anybody's name.
        let member = submission.member.filter(|_| state != SubmissionState::Refused);
        Effect::Submission(Submission { state, member, ..submission })
    };
    submission.map(conclude).into_iter().collect()
}

/// The forum has the thread: where it was said in a Discord thread of its own, that thread shows it from now on.
async fn arrived(
    work: &Work<'_>,
    tie: &Tie,
    forum: &Forum,
    spoken: &Spoken,
    submission: Option<Submission>,
    shown: bool,
    (thread, post): (ThreadId, PostId),
) -> Result<Vec<Effect>, Halt> {
    let now = work.heart.store.now().await?;
    let mut effects = Vec::new();
    if shown {
        let (bridge, channel) = (tie.id(), spoken.channel);
        effects.push(Effect::Room(Room { bridge, thread: thread.clone(), channel, digest: 0 }));
        effects.push(Effect::Part(Part {
            bridge,
            post: post.clone(),
            part: 0,
            channel,
            message: spoken.message,
            digest: 0,
            origin: Origin::Discord,
        }));
        effects.extend(submission.map(|submission| {
            Effect::Submission(Submission {
                thread: thread.clone(),
                post: Some(post.clone()),
                state: SubmissionState::Posted,
                ..submission
            })
        }));
    }
    effects.push(telling(spoken.channel, spoken.message, Outcome::Arrived, now)?);
    work.note(effects).await?;
    if shown {
        // What was answered before a crash is read; what was heard meanwhile has its place now.
        if work.tried_before() {
            catchup::channel(work.heart, tie, spoken.channel).await?;
        }
        placed(work.heart, spoken.channel, None).await?;
    }
    work.heart.health.replied();
    forum.revisit(thread, Some(post));
    Ok(Vec::new())
}

/// The forum has had the thread for a while, in the words of that time: whether they are still the right ones is seen to.
async fn found_there(
    work: &Work<'_>,
    tie: &Tie,
    forum: &Forum,
    spoken: &Spoken,
    submission: Option<Submission>,
    shown: bool,
    found: (ThreadId, PostId),
) -> Result<Vec<Effect>, Halt> {
    let thread = found.0.clone();
    let mut effects = arrived(work, tie, forum, spoken, submission, shown, found).await?;
    effects.push(inbox::amend_job(tie, &thread, spoken.clone(), work.heart.store.now().await?)?);
    Ok(effects)
}

/// A thread of this title among the board's newest whose first post is what was said in this message.
async fn find(
    forum: &Forum,
    board: &BoardId,
    title: &str,
    spoken: &Spoken,
    member: Option<&MemberId>,
) -> Result<Option<(ThreadId, PostId)>, Halt> {
    submit::signed_in(forum)?;
    let page = forum.engine.board(board, 1).await?;
    for summary in page.threads.iter().filter(|it| it.title.trim() == title.trim() && !it.moved) {
        let page = forum.engine.thread(&summary.id, PageRef::Number(1)).await?;
        if let Some(first) = page.posts.first()
            && actor::holds(forum, first, member, spoken.message).await?
        {
            return Ok(Some((summary.id.clone(), first.id.clone())));
        }
    }
    Ok(None)
}

/// Posts that were opened in a bridged forum channel while nobody looked.
pub async fn missed(
    heart: &Heart,
    tie: &Tie,
    active: &[crate::discord::Channel],
) -> Result<(), super::catchup::Trouble> {
    let parent = tie.bridge.channel;
    let own = active.iter().filter(|thread| thread.parent == Some(parent));
    let newest = own.clone().map(|thread| thread.id.0).max();
    if let Some(seen) = heart.store.watermark(parent).await? {
        // One that was heard of may still have waited to be looked up when the process ended.
        let missed =
            |id: &ChannelId| id.0 > seen.0 || seen.milliseconds() - MessageId(id.0).milliseconds() < UNPLACED;
        let mut fresh: Vec<ChannelId> = own.map(|thread| thread.id).filter(missed).collect();
        fresh.sort_unstable_by_key(|id| id.0);
        for thread in fresh {
            let first = MessageId(thread.0);
            if heart.store.room_of_channel(thread).await?.is_some()
                || heart.store.submission(first).await?.is_some()
            {
                continue;
            }
            let starter = heart.discord.message(thread, first).await?;
            if let Some(starter) = starter.filter(|it| it.ordinary && !it.author.bot && it.webhook.is_none())
            {
                begins(heart, &starter).await?;
            }
        }
    } else {
        // Posts that were there before the bridge was are nobody's business, now or later.
        for thread in own {
            inbox::receive(heart, Some(&format!("m:{}", thread.id)), Vec::new()).await?;
        }
    }
    let message = MessageId(newest.unwrap_or(parent.0));
    inbox::receive(heart, None, vec![Effect::Watermark { channel: parent, message }]).await?;
    Ok(())
}
