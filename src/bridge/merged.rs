//! Several Discord messages in one forum post. A forum may put a reply into the post before it, where that is the
//! thread's last, young, and of the same account: two people's words then share a post, and an edit or a removal of
//! one message must keep the other's.
//!
//! The post's parts tell which messages are in it, and what was sent over other bridges, which show the post as the
//! forum's; what they say is asked of Discord.

use std::sync::Arc;

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

/// No forum puts words together that were written further apart than this, in milliseconds.
const NEAR: u64 = 24 * 3_600_000;

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
    async fn draft(&self, tie: &Tie, spoken: &Spoken) -> Result<Draft, Halt> {
        let Self { work, forum, actor, thread, .. } = *self;
        submit::draft(work, tie, forum, actor, thread, spoken).await
    }

    async fn compose(
        &self,
        post: &PostId,
        own: MessageId,
        spoken: Option<&Spoken>,
    ) -> Result<Together, Halt> {
        let Some(mut messages) = self.messages(post, own).await? else { return Ok(Together::Unknown) };
        messages.sort_by_key(|(_, message)| *message);
        let mut blocks = Vec::new();
        let mut others = 0;
        for (tie, message) in messages {
            if message == own {
                if let Some(spoken) = spoken {
                    blocks.extend(self.draft(self.tie, spoken).await?.body.blocks);
                }
                continue;
            }
            let known = self.work.heart.store.submission(message).await?;
            let Some(known) = known.filter(|known| known.state == SubmissionState::Posted) else { continue };
            // One that is gone by now is about to be withdrawn itself.
            let Some(message) = self.work.heart.discord.message(known.channel, message).await? else {
                continue;
            };
            others += 1;
            blocks.extend(self.draft(&tie, &inbox::spoken(&message)).await?.body.blocks);
        }
        if others == 0 {
            return Ok(Together::Alone);
        }
        Ok(Together::Draft(Draft { body: Doc { blocks }, reply_to: None, origin: None }))
    }

    /// The messages that a post was made of, over all bridges of its forum: each shows the others' words as the
    /// forum's. `None` where the post did not begin with one of them.
    async fn messages(
        &self,
        post: &PostId,
        own: MessageId,
    ) -> Result<Option<Vec<(Arc<Tie>, MessageId)>>, Halt> {
        let store = &self.work.heart.store;
        let mut messages = Vec::new();
        let (mut from_forum, mut from_here) = (false, false);
        for tie in self.work.heart.ties.all().into_iter().filter(|tie| tie.bridge.forum == self.forum.key) {
            let parts = store.parts(tie.id(), post).await?;
            from_forum |= tie.id() == self.tie.id() && parts.iter().any(|part| part.origin == Origin::Forum);
            from_here |= parts.iter().any(|part| part.origin == Origin::Discord);
            let parts = parts.into_iter().filter(|part| part.origin == Origin::Discord);
            messages.extend(parts.map(|part| (tie.clone(), part.message)));
            let channel = if tie.threaded() {
                store.room(tie.id(), self.thread).await?.map(|room| room.channel)
            } else {
                Some(tie.bridge.channel)
            };
            let Some(channel) = channel else { continue };
            let near = MessageId(own.milliseconds().saturating_sub(NEAR) << 22);
            for other in store.submissions(tie.id(), channel, near).await? {
                let is_new = messages.iter().all(|(_, message)| *message != other.message);
                if is_new && other.post.as_ref() == Some(post) {
                    messages.push((tie.clone(), other.message));
                }
            }
        }
        Ok((!from_forum || from_here).then_some(messages))
    }
}
