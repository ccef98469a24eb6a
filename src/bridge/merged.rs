//! Several Discord messages in one forum post. A forum may put a reply into the post before it, where that is the
//! thread's last, young, and of the same account: two people's words then share a post, and an edit or a removal of
//! one message must keep the other's.
//!
//! The post's parts tell which messages are in it; what they say is asked of Discord.

use crate::forum::{Actor, Draft};
use crate::markup::Doc;
use crate::model::{MessageId, PostId, ThreadId};
use crate::store::{BridgeId, Origin, SubmissionState};

use super::Forum;
use super::inbox;
use super::job::Spoken;
use super::outbox::{Halt, Work};
use super::submit;
use super::tie::Tie;

/// What a post holds besides one message.
pub enum Together {
    /// Nothing: the post is the message's own.
    Alone,
    /// Other messages. This is the whole post anew.
    Draft(Draft),
    /// Words that did not come from here and can't be written anew.
    Unknown,
}

/// Which of a post's parts a message is; `None` where the post was shown in Discord as one from the forum.
pub async fn place(
    work: &Work<'_>,
    bridge: BridgeId,
    post: &PostId,
    message: MessageId,
) -> Result<Option<u32>, Halt> {
    let parts = work.heart.store.parts(bridge, post).await?;
    if let Some(own) = parts.iter().find(|part| part.message == message) {
        return Ok(Some(own.part));
    }
    if parts.iter().any(|part| part.origin == Origin::Forum) {
        return Ok(None);
    }
    Ok(Some(parts.iter().map(|part| part.part + 1).max().unwrap_or(0)))
}

/// The post with this message as it now is.
pub async fn with(
    work: &Work<'_>,
    tie: &Tie,
    forum: &Forum,
    actor: &Actor,
    thread: &ThreadId,
    post: &PostId,
    spoken: &Spoken,
) -> Result<Together, Halt> {
    let whole = Whole { work, tie, forum, actor, thread };
    whole.compose(post, spoken.message, Some(spoken)).await
}

/// The post without this message.
pub async fn without(
    work: &Work<'_>,
    tie: &Tie,
    forum: &Forum,
    actor: &Actor,
    thread: &ThreadId,
    post: &PostId,
    message: MessageId,
) -> Result<Together, Halt> {
    Whole { work, tie, forum, actor, thread }.compose(post, message, None).await
}

/// A post that is written anew, by the account that wrote it: forums put only one member's posts together.
struct Whole<'a> {
    work: &'a Work<'a>,
    tie: &'a Tie,
    forum: &'a Forum,
    actor: &'a Actor,
    thread: &'a ThreadId,
}

impl Whole<'_> {
    async fn draft(&self, spoken: &Spoken) -> Result<Draft, Halt> {
        let Self { work, tie, forum, actor, thread } = *self;
        submit::draft(work, tie, forum, actor, thread, spoken).await
    }

    async fn compose(
        &self,
        post: &PostId,
        own: MessageId,
        spoken: Option<&Spoken>,
    ) -> Result<Together, Halt> {
        let Self { work, tie, .. } = *self;
        let mut parts = work.heart.store.parts(tie.id(), post).await?;
        if parts.iter().any(|part| part.origin == Origin::Forum) {
            return Ok(Together::Unknown);
        }
        parts.sort_by_key(|part| part.message);
        let mut blocks = Vec::new();
        let mut others = 0;
        for part in parts {
            if part.message == own {
                if let Some(spoken) = spoken {
                    blocks.extend(self.draft(spoken).await?.body.blocks);
                }
                continue;
            }
            let known = work.heart.store.submission(part.message).await?;
            if known.is_none_or(|submission| submission.state != SubmissionState::Posted) {
                continue;
            }
            // One that is gone by now is about to be withdrawn itself.
            let Some(message) = work.heart.discord.message(part.channel, part.message).await? else {
                continue;
            };
            others += 1;
            blocks.extend(self.draft(&inbox::spoken(&message)).await?.body.blocks);
        }
        if others == 0 {
            return Ok(Together::Alone);
        }
        Ok(Together::Draft(Draft { body: Doc { blocks }, reply_to: None, origin: None }))
    }
}
