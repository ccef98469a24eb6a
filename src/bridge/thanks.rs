//! Discord to forum: a post is thanked while anybody's reaction says so, and no longer. A linked member thanks for
//! themself where the engine can act for them; everybody else thanks through the bridge's own account, once.
//!
//! The job holds no wish of its own: it asks Discord which reactions there are now and compares them with
//! what was last done on the forum, so that repeated, late and reordered events change nothing.

use std::collections::HashSet;
use std::time::Duration;

use crate::discord::{DiscordError, Message};
use crate::forum::{Actor, Failure, Refusal, RefusalKind};
use crate::model::{ForumKey, MemberId, PostId, UserId};
use crate::store::{Effect, Origin, Reaction, Thanked};

use super::catchup::Trouble;
use super::inbox::{BY_COMMAND, plain_emoji};
use super::job::Outcome;
use super::outbox::{Halt, Work};
use super::points::Point;
use super::submit::telling;
use super::tie::Tie;
use super::{Forum, Heart, actor};

/// A refusal in words that nobody understands is believed after so many more tries, half a minute or so.
const TRIES: u32 = 5;

/// Brings the forum's thanks in line with the reactions.
pub async fn thank(work: &Work<'_>, forum: &ForumKey, post: &PostId) -> Result<Vec<Effect>, Halt> {
    let Some(forum) = work.heart.forums.get(forum) else { return Ok(Vec::new()) };
    let store = &work.heart.store;
    refresh(work, &forum.key, post).await?;
    let given = store.thanked(&forum.key, post).await?;
    let wanted = wanted(work, forum, post, &given).await?;
    // After a try whose end is not known, what was last written down may be wrong: both calls are safe
    // to repeat.
    let repeat = work.tried_before();
    let is_among = |all: &[Thanked], by: &Option<(MemberId, UserId)>| {
        all.iter()
            .any(|other| other.by.as_ref().map(|(member, _)| member) == by.as_ref().map(|(member, _)| member))
    };
    let mut no = No::default();
    let mut changed = false;
    for (thanks, actor) in &wanted {
        if !repeat && is_among(&given, &thanks.by) {
            continue;
        }
        Point::BeforeThank.reached();
        let thanked = forum.engine.thank(actor, post).await;
        Point::AfterThank.reached();
        signed_out(work, forum, thanks, &thanked).await?;
        if no.unless(thanked, work)? {
            changed = true;
            work.note(vec![Effect::Thanked(thanks.clone())]).await?;
        }
    }
    let wanted: Vec<_> = wanted.into_iter().map(|(thanks, _)| thanks).collect();
    // The bridge's own may be there without being known to be.
    let own = Thanked { forum: forum.key.clone(), post: post.clone(), by: None };
    let unknown = (repeat && !is_among(&given, &None)).then_some(own);
    let mut stays = None;
    for thanks in given.into_iter().chain(unknown) {
        if is_among(&wanted, &thanks.by) {
            continue;
        }
        let member = thanks.by.as_ref().map(|(member, _)| member.clone());
        // Whoever may no longer be acted for keeps the thanks that they gave.
        if let Some(actor) = still(work, forum, &thanks).await? {
            Point::BeforeWithdraw.reached();
            let withdrawn = forum.engine.withdraw_thanks(&actor, post).await;
            Point::AfterWithdraw.reached();
            signed_out(work, forum, &thanks, &withdrawn).await?;
            // What people see must not be taken for what the forum has: they are told, and that is the end of it.
            if let Err(Failure::Refused(Refusal { kind: RefusalKind::TooLate, message })) = withdrawn {
                stays.get_or_insert(message);
                work.note(vec![Effect::Thanked(thanks)]).await?;
                continue;
            }
            if !no.unless(withdrawn, work)? {
                continue;
            }
            changed = true;
        }
        work.note(vec![Effect::Unthanked { forum: forum.key.clone(), post: post.clone(), member }]).await?;
    }
    if changed
        && let Some(row) = store.posts(&forum.key, std::slice::from_ref(post)).await?.into_iter().next()
    {
        forum.revisit(row.thread, Some(post.clone()));
    }
    if let Some(why) = stays {
        let told = stay(work, &forum.key, post, &why).await?;
        work.note(told).await?;
    }
    no.end()
}

/// Whose thanks the forum ought to show: of everybody who reacts to the post, each linked member's own where the bridge
/// can act for them, and the bridge's for all the others together. Whoever thanked as a member has thanked, even if
/// their link has ended since.
async fn wanted(
    work: &Work<'_>,
    forum: &Forum,
    post: &PostId,
    given: &[Thanked],
) -> Result<Vec<(Thanked, Actor)>, Halt> {
    let mut people = HashSet::new();
    let mut wanted: Vec<(Thanked, Actor)> = Vec::new();
    for reaction in work.heart.store.reactions(&forum.key, post).await? {
        if !people.insert(reaction.user) {
            continue;
        }
        let actor = actor::of(work.heart, forum, reaction.user).await?;
        let before =
            given.iter().find(|it| it.by.as_ref().is_some_and(|(_, person)| *person == reaction.user));
        let thanks = match (actor::member(&actor), before) {
            (None, Some(before)) => before.clone(),
            (member, _) => {
                let by = member.map(|member| (member, reaction.user));
                Thanked { forum: forum.key.clone(), post: post.clone(), by }
            }
        };
        if !wanted.iter().any(|(other, _)| other.by == thanks.by) {
            wanted.push((thanks, actor));
        }
    }
    Ok(wanted)
}

/// In whose name thanks can be taken back; `None` where the bridge may no longer act for them.
async fn still(work: &Work<'_>, forum: &Forum, thanks: &Thanked) -> Result<Option<Actor>, Halt> {
    let Some((member, person)) = &thanks.by else { return Ok(Some(Actor::Bridge)) };
    let actor = actor::of(work.heart, forum, *person).await?;
    Ok(Some(actor).filter(|actor| actor::member(actor).as_ref() == Some(member)))
}

/// Whose session has ended is from now on one of those for whom the bridge thanks: it is looked at again.
async fn signed_out(
    work: &Work<'_>,
    forum: &Forum,
    thanks: &Thanked,
    outcome: &Result<(), Failure>,
) -> Result<(), Halt> {
    match (outcome, &thanks.by) {
        (Err(failure), Some((_, person))) if actor::is_signed_out(failure) => {
            actor::ended(work, forum, *person).await?;
            Err(Halt::Later(Duration::ZERO, failure.to_string()))
        }
        _ => Ok(()),
    }
}

/// What the forum refuses to one it may allow to the next: so the refusals wait until all were tried.
#[derive(Default)]
struct No {
    /// In words that nobody understands.
    unclear: Option<String>,
    clear: Option<String>,
}

impl No {
    /// Whether it was done.
    fn unless(&mut self, outcome: Result<(), Failure>, work: &Work<'_>) -> Result<bool, Halt> {
        match outcome {
            Ok(()) => return Ok(true),
            Err(Failure::Gone(_)) => {}
            // It may have been done all the same, or the forum was not itself for a moment: the next try looks at the
            // post first.
            Err(Failure::Refused(refusal))
                if refusal.kind == RefusalKind::Other && work.claim.attempts < TRIES =>
            {
                self.unclear.get_or_insert(refusal.message);
            }
            Err(Failure::Refused(refusal)) => {
                self.clear.get_or_insert(refusal.message);
            }
            Err(failure) => return Err(failure.into()),
        }
        Ok(false)
    }

    fn end(self) -> Result<Vec<Effect>, Halt> {
        match (self.unclear, self.clear) {
            (Some(reason), _) => Err(Halt::Uncertain(reason)),
            (None, Some(reason)) => Err(Halt::Park(reason)),
            (None, None) => Ok(Vec::new()),
        }
    }
}

/// Tells where the post is shown that its thanks stay, though nobody's reaction says so any more.
async fn stay(work: &Work<'_>, forum: &ForumKey, post: &PostId, why: &str) -> Result<Vec<Effect>, Halt> {
    let store = &work.heart.store;
    let now = store.now().await?;
    let mut effects = Vec::new();
    for tie in work.heart.ties.all().iter().filter(|tie| tie.bridge.forum == *forum) {
        let parts = store.parts(tie.id(), post).await?;
        let shown =
            parts.first().filter(|part| part.origin == Origin::Forum && !tie.bridge.thanks.is_empty());
        if let Some(part) = shown {
            effects.push(telling(part.channel, part.message, Outcome::ThanksStay(why.to_owned()), now)?);
        }
    }
    Ok(effects)
}

/// Brings what is known of the reactions on a post's messages in line with what Discord says.
async fn refresh(work: &Work<'_>, forum: &ForumKey, post: &PostId) -> Result<(), Halt> {
    let mut effects = Vec::new();
    for tie in work.heart.ties.all().iter().filter(|tie| tie.bridge.forum == *forum) {
        for part in work.heart.store.parts(tie.id(), post).await? {
            // What is thanked while a bridge is paused is looked for when it goes on.
            if part.origin == Origin::Discord || tie.bridge.thanks.is_empty() || tie.bridge.paused {
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
