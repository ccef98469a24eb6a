//! What an earlier try has sent, found in Discord before anything is sent again. Webhooks know no nonce, so after a try
//! whose end is not known the channel is read back.

use crate::discord::rest::Span;
use crate::discord::{Outgoing, Webhook};
use crate::model::{ChannelId, MessageId};
use crate::weakness::Weakness;

use super::mirror::Problem;
use super::outbox::Work;
use super::tie::Tie;

/// Messages are read back in pages of this size, the most that Discord gives.
const READ_BACK: u8 = 100;
/// So many pages, from the newest back, when nothing of ours is known in the channel: what an earlier try
/// sent is not older than that try.
const MOST_READ_BACK: u32 = 20;

/// After a try whose end is not known: a Discord thread with this title that shows no forum thread yet
/// and, in a forum channel, whose starter is this very message.
pub async fn thread(
    work: &Work<'_>,
    tie: &Tie,
    title: &str,
    starter: Option<(&Webhook, &Outgoing)>,
) -> Result<Option<ChannelId>, Problem> {
    let (true, Some(guild)) = (work.tried_before(), tie.guild()) else { return Ok(None) };
    if Weakness::ReadBack.is_there() {
        return Ok(None);
    }
    let me = work.heart.discord.me().await?.user;
    for thread in work.heart.discord.active_threads(guild).await? {
        if thread.parent != Some(tie.bridge.channel)
            || thread.name != title
            || work.heart.store.room_of_channel(thread.id).await?.is_some()
        {
            continue;
        }
        let own = match starter {
            None => thread.owner == Some(me),
            Some((webhook, first)) => work
                .heart
                .discord
                .message(thread.id, MessageId(thread.id.0))
                .await?
                .is_some_and(|m| m.webhook == Some(webhook.id) && same_text(&m.content, &first.content)),
        };
        if own {
            return Ok(Some(thread.id));
        }
    }
    Ok(None)
}

/// After a try whose end is not known: a message that is already in the channel, sent by our webhook
/// with these very words, and not yet written down.
pub async fn message(
    work: &Work<'_>,
    tie: &Tie,
    (webhook, channel): (&Webhook, ChannelId),
    message: &Outgoing,
) -> Result<Option<MessageId>, Problem> {
    if !work.tried_before() || Weakness::ReadBack.is_there() {
        return Ok(None);
    }
    let last = work.heart.store.last_parts(tie.id(), channel, 1).await?;
    let known = last.first().map_or(MessageId(0), |part| part.message);
    let mut span = Span::Newest;
    for _ in 0..MOST_READ_BACK {
        let read = work.discord().messages(channel, span, READ_BACK).await?;
        for found in read.iter().filter(|found| found.id > known) {
            if found.webhook == Some(webhook.id)
                && same_text(&found.content, &message.content)
                && work.heart.store.part_of_message(found.id).await?.is_none()
            {
                return Ok(Some(found.id));
            }
        }
        match read.first() {
            Some(first) if first.id > known && read.len() >= usize::from(READ_BACK) => {
                span = Span::Before(first.id);
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Discord trims what it stores.
pub fn same_text(stored: &str, sent: &str) -> bool {
    stored.trim() == sent.trim()
}
