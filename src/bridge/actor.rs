//! In whose name something is done on a forum, and by what a post is known that was written so.
//!
//! A linked person writes and thanks as themself where the engine can; everybody else does so through the bridge's own
//! account, with their name in the post. A link may end, and with it the right to act as that member: what was written
//! before stays theirs and can no longer be changed from here.
//!
//! I1 and I3 need a proof of origin that outlives a lost answer: it must name the one message that the post came from,
//! so that the same words said twice are two posts. So every post carries the address of its message: seen, in the
//! attribution or a last small line, or unseen where the forum can keep it so ([`Engine::keeps_origin`]). It counts only
//! in a post by the very member as whom the message was sent.
//!
//! [`Engine::keeps_origin`]: crate::forum::Engine::keeps_origin

use crate::forum::{Actor, Failure};
use crate::model::{MemberId, MessageId, Post, UserId};
use crate::store::{StoreError, Submission};

use super::outbox::Halt;
use super::record::{carries, links, message_of_link};
use super::{Forum, Heart};

/// A post may bear a time that is so much too early, in milliseconds: forums' clocks differ, and some are set to another
/// time zone than the bridge was told.
const CLOCKS: i64 = 24 * 3_600_000;
/// Where snowflakes begin, in Unix milliseconds.
/// <https://docs.discord.com/developers/reference#snowflakes>
const SNOWFLAKES: i64 = 1_420_070_400_000;

/// In whose name this person acts now.
pub async fn of(heart: &Heart, forum: &Forum, person: UserId) -> Result<Actor, Halt> {
    let Some(link) = heart.store.link(&forum.key, person).await? else { return Ok(Actor::Bridge) };
    if forum.account().is_none() {
        // Only then does the engine know what it can do.
        forum.engine.sign_in().await?;
    }
    Ok(match forum.engine.capabilities().act_as_member {
        true => Actor::Member { id: link.member, name: link.name },
        false => Actor::Bridge,
    })
}

/// In whose name a message went to the forum, as long as the bridge may still act for them; else why it may not.
pub async fn who_wrote(
    heart: &Heart,
    forum: &Forum,
    submission: &Submission,
) -> Result<Result<Actor, String>, StoreError> {
    let Some(member) = &submission.member else { return Ok(Ok(Actor::Bridge)) };
    let link = heart.store.link(&forum.key, submission.author).await?;
    Ok(match link.filter(|link| link.member == *member) {
        Some(link) => Ok(Actor::Member { id: link.member, name: link.name }),
        None => Err("it was posted in the name of a member whom you are no longer linked to; change it on the forum, \
                     or link your account again"
            .to_owned()),
    })
}

/// The member of an actor.
pub fn member(actor: &Actor) -> Option<MemberId> {
    match actor {
        Actor::Bridge => None,
        Actor::Member { id, .. } => Some(id.clone()),
    }
}

/// Whether a post is, or holds, what was said in this message, which went out in this member's name (`None`: by the
/// bridge's own account).
pub async fn holds(
    forum: &Forum,
    post: &Post,
    member: Option<&MemberId>,
    message: MessageId,
) -> Result<bool, Failure> {
    let Some(member) = member else { return Ok(carries(post, forum.account().as_ref(), message)) };
    if post.author.id.as_ref() != Some(member) {
        return Ok(false);
    }
    if links(post).any(|own| own == message) {
        return Ok(true);
    }
    let said = i64::try_from(message.milliseconds()).unwrap_or(0) + SNOWFLAKES;
    if !forum.engine.keeps_origin() || post.posted_at.is_some_and(|at| at.as_millisecond() < said - CLOCKS) {
        return Ok(false);
    }
    match forum.engine.origin(&post.id).await {
        Ok(origin) => Ok(origin.as_deref().and_then(message_of_link) == Some(message)),
        Err(Failure::Gone(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}
