//! Discord to forum: a post is thanked while anybody's reaction says so, and no longer.
//!
//! The job holds no wish of its own: it compares what the reactions say now with what the bridge's
//! account last did, so that a repeated or reordered event changes nothing.

use crate::forum::{Actor, Failure};
use crate::model::{ForumKey, PostId};
use crate::store::Effect;

use super::outbox::{Halt, Work};
use super::points::Point;

/// Brings the forum's thanks in line with the reactions.
pub async fn thank(work: &Work<'_>, forum: &ForumKey, post: &PostId) -> Result<Vec<Effect>, Halt> {
    let Some(forum) = work.heart.forums.get(forum) else { return Ok(Vec::new()) };
    let store = &work.heart.store;
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
        Err(failure) => return Err(failure.into()),
    }
    if let Some(row) = store.posts(&forum.key, std::slice::from_ref(post)).await?.into_iter().next() {
        forum.revisit(row.thread, Some(post.clone()));
    }
    Ok(vec![Effect::Thanked { forum: forum.key.clone(), post: post.clone(), given: wanted }])
}
