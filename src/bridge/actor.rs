//! In whose name something is done on a forum, and by what a post is known that was written so.
//!
//! A linked person writes and thanks as themself where the engine can, or where they have signed in; everybody else does so through the bridge's own
//! account, with their name in the post. A link may end, and with it the right to act as that member: what was written
//! before stays theirs and can no longer be changed from here.
//!
//! I1 and I3 need a proof of origin that outlives a lost answer: it must name the one message that the post came from,
//! so that the same words said twice are two posts. So every post carries the address of its message: seen, in the
//! attribution or a last small line, or unseen where the forum can keep it so ([`Engine::keeps_origin`]). It counts only
//! in a post by the very member as whom the message was sent.
//!
//! [`Engine::keeps_origin`]: crate::forum::Engine::keeps_origin

use crate::forum::{Actor, Failure, Refusal, RefusalKind};
use crate::model::{MemberId, MessageId, Post, UserId};
use crate::store::links::Link;
use crate::store::{StoreError, Submission};

use super::outbox::{Halt, Work};
use super::record::{carries, links, message_of_link};
use super::{Forum, Heart, signing};

/// What an admin is told whose key opens nothing.
pub const WRONG_KEY: &str = "accounts.session_key is not the key that the members' sessions in the database were sealed with: put \
                             that key back, or set accounts.sign_in to false once, which forgets them";

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
    let may = forum.engine.capabilities().act_as_member || signed_in(heart, forum, &link).await?;
    Ok(if may { Actor::Member { id: link.member, name: link.name } } else { Actor::Bridge })
}

/// Whether a member signed in themself, and the engine may act by their session.
async fn signed_in(heart: &Heart, forum: &Forum, link: &Link) -> Result<bool, StoreError> {
    let Some(vault) = heart.vault.as_ref().filter(|_| forum.engine.takes_sessions()) else {
        return Ok(false);
    };
    let session = heart.store.session(&forum.key, link.person).await?;
    let Some(session) = session.filter(|session| session.member == link.member) else { return Ok(false) };
    let resumed = match vault.open(&forum.key, link.person, &session.sealed) {
        Some(secret) => forum.engine.resume(&link.member, &secret).map_err(|failure| failure.to_string()),
        None => Err(WRONG_KEY.to_owned()),
    };
    if let Err(why) = &resumed {
        tracing::error!(forum = %forum.key, member = %link.member, "can't act for a member who signed in: {why}");
    }
    Ok(resumed.is_ok())
}

/// The forum says that a member's session has ended: from then on they are as everybody is. They are told once.
pub async fn ended(work: &Work<'_>, forum: &Forum, person: UserId) -> Result<(), Halt> {
    let heart = work.heart;
    let Some(link) = heart.store.link(&forum.key, person).await? else { return Ok(()) };
    forum.engine.forget(&link.member);
    if heart.store.session(&forum.key, person).await?.is_some() {
        tracing::info!(forum = %forum.key, member = %link.member, "a member's session has ended");
        work.note(signing::ended(&link, heart.store.now().await?)?).await?;
    }
    Ok(())
}

/// Whether a failure is that.
pub fn is_signed_out(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(Refusal { kind: RefusalKind::SignedOut, .. }))
}

/// In whose name a message went to the forum, as long as the bridge may still act for them; else why it may not.
pub async fn who_wrote(
    heart: &Heart,
    forum: &Forum,
    submission: &Submission,
) -> Result<Result<Actor, String>, Halt> {
    let Some(member) = &submission.member else { return Ok(Ok(Actor::Bridge)) };
    let actor = of(heart, forum, submission.author).await?;
    if self::member(&actor).as_ref() == Some(member) {
        return Ok(Ok(actor));
    }
    let linked = heart.store.link(&forum.key, submission.author).await?;
    let lost = if linked.is_some_and(|link| link.member == *member) {
        "a member as whom you are no longer signed in; change it on the forum, or sign in again (/account signin)"
    } else {
        "a member whom you are no longer linked to; change it on the forum, or link your account again"
    };
    Ok(Err(format!("it was posted in the name of {lost}")))
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
    match member {
        None => Ok(carries(post, forum.account().as_ref(), message)),
        Some(member) if post.author.id.as_ref() == Some(member) => {
            Ok(named(forum, post, message).await?.contains(&message))
        }
        Some(_) => Ok(false),
    }
}

/// The messages that a member's post names as its origin, seen or unseen; none is older than this one.
pub async fn named(forum: &Forum, post: &Post, oldest: MessageId) -> Result<Vec<MessageId>, Failure> {
    let mut named: Vec<MessageId> = links(post).collect();
    let said = i64::try_from(oldest.milliseconds()).unwrap_or(0) + SNOWFLAKES;
    if forum.engine.keeps_origin() && post.posted_at.is_none_or(|at| at.as_millisecond() >= said - CLOCKS) {
        match forum.engine.origin(&post.id).await {
            Ok(origin) => named.extend(origin.as_deref().and_then(message_of_link)),
            Err(Failure::Gone(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(named)
}
