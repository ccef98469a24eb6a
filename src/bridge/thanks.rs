//! Discord to forum: a post is thanked while anybody's reaction says so, and no longer.
//!
//! The job holds no wish of its own: it asks Discord which reactions there are now and compares them with
//! what the bridge's account last did, so that repeated, late and reordered events change nothing.

use std::collections::HashSet;

use crate::discord::{DiscordError, Message};
use crate::forum::{Actor, Failure, Refusal, RefusalKind};
use crate::model::{ForumKey, PostId};
use crate::store::{Effect, Origin, Reaction};

use super::Heart;
use super::catchup::Trouble;
use super::inbox::{BY_COMMAND, plain_emoji};
use super::job::Outcome;
use super::outbox::{Halt, Work};
use super::points::Point;
use super::submit::telling;
use super::tie::Tie;

/// A refusal in words that nobody understands is believed after so many more tries, half a minute or so.
const TRIES: u32 = 5;

/// Brings the forum's thanks in line with the reactions.
pub async fn thank(work: &Work<'_>, forum: &ForumKey, post: &PostId) -> Result<Vec<Effect>, Halt> {
    let Some(forum) = work.heart.forums.get(forum) else { return Ok(Vec::new()) };
    let store = &work.heart.store;
    refresh(work, &forum.key, post).await?;
    let wanted = !store.reactions(&forum.key, post).await?.is_empty();
    let given = store.thanked(&forum.key, post).await?;
    // After a try whose end is not known, what was last written down may be wrong: both calls are safe
    // to repeat.
    if wanted == given && !work.tried_before() {
        return Ok(Vec::new());
    }
    let done = if wanted {
        Point::BeforeThank.reached();
        let thanked = forum.engine.thank(&Actor::Bridge, post).await;
        Point::AfterThank.reached();
        thanked
    } else {
        Point::BeforeWithdraw.reached();
        let withdrawn = forum.engine.withdraw_thanks(&Actor::Bridge, post).await;
        Point::AfterWithdraw.reached();
        withdrawn
    };
    match done {
        Ok(()) => {}
        Err(Failure::Gone(_)) => return Ok(Vec::new()),
        // What people see must not be taken for what the forum has: they are told once, and that is the end of it.
        Err(Failure::Refused(Refusal { kind: RefusalKind::TooLate, message })) if !wanted => {
            return stay(work, &forum.key, post, message).await;
        }
        // It may have been done all the same, or the forum was not itself for a moment: the next try looks at the
        // post first.
        Err(Failure::Refused(refusal))
            if refusal.kind == RefusalKind::Other && work.claim.attempts < TRIES =>
        {
            return Err(Halt::Uncertain(refusal.message));
        }
        Err(failure) => return Err(failure.into()),
    }
    if let Some(row) = store.posts(&forum.key, std::slice::from_ref(post)).await?.into_iter().next() {
        forum.revisit(row.thread, Some(post.clone()));
    }
    Ok(vec![Effect::Thanked { forum: forum.key.clone(), post: post.clone(), given: wanted }])
}

/// Tells where the post is shown that its thanks stay, though nobody's reaction says so any more.
async fn stay(work: &Work<'_>, forum: &ForumKey, post: &PostId, why: String) -> Result<Vec<Effect>, Halt> {
    let store = &work.heart.store;
    let now = store.now().await?;
    let mut effects = vec![Effect::Thanked { forum: forum.clone(), post: post.clone(), given: true }];
    for tie in work.heart.ties.all().iter().filter(|tie| tie.bridge.forum == *forum) {
        let parts = store.parts(tie.id(), post).await?;
        let shown =
            parts.first().filter(|part| part.origin == Origin::Forum && !tie.bridge.thanks.is_empty());
        if let Some(part) = shown {
            effects.push(telling(part.channel, part.message, Outcome::ThanksStay(why.clone()), now)?);
        }
    }
    Ok(effects)
}

/// Brings what is known of the reactions on a post's messages in line with what Discord says.
async fn refresh(work: &Work<'_>, forum: &ForumKey, post: &PostId) -> Result<(), Halt> {
    let mut effects = Vec::new();
    for tie in work.heart.ties.all().iter().filter(|tie| tie.bridge.forum == *forum) {
        for part in work.heart.store.parts(tie.id(), post).await? {
            if part.origin == Origin::Discord || tie.bridge.thanks.is_empty() {
                continue;
            }
            match work.heart.discord.message(part.channel, part.message).await {
                Ok(Some(message)) => effects.extend(changes(work.heart, tie, post, &message).await?),
                // Whoever thanked by a message that is gone has thanked.
                Ok(None) | Err(DiscordError::Gone(_)) => {}
                // Then the events that came have to do.
                Err(DiscordError::Forbidden(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    if !effects.is_empty() {
        work.note(effects).await?;
    }
    Ok(())
}

/// The thanking reactions that came to, or went from, a message since it was last looked at.
pub async fn changes(
    heart: &Heart,
    tie: &Tie,
    post: &PostId,
    message: &Message,
) -> Result<Vec<Effect>, Trouble> {
    let mut now = HashSet::new();
    let takes = !heart.only_tells(&tie.bridge.forum);
    for emoji in message.reactions.iter().filter(|_| takes) {
        if tie.bridge.thanks.iter().any(|own| plain_emoji(own) == plain_emoji(emoji)) {
            for user in heart.discord.reactors(message.channel, message.id, emoji).await? {
                now.insert((user, plain_emoji(emoji)));
            }
        }
    }
    now.retain(|(user, _)| heart.me() != Some(*user));
    let before = heart.store.reactions_on(message.id).await?;
    // Thanks that were given by command are on no message.
    let before: HashSet<_> = before
        .into_iter()
        .filter(|reaction| reaction.emoji != BY_COMMAND)
        .map(|reaction| (reaction.user, reaction.emoji))
        .collect();
    let came = now.difference(&before).cloned().map(|(user, emoji)| {
        Effect::Reaction(Reaction { bridge: tie.id(), post: post.clone(), message: message.id, user, emoji })
    });
    let went = before.difference(&now).cloned().map(|(user, emoji)| Effect::DropReaction {
        message: message.id,
        user,
        emoji,
    });
    Ok(came.chain(went).collect())
}
