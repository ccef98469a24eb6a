//! The messages that show a post in a bridge's channel.

use std::collections::HashMap;

use crate::discord::Outgoing;
use crate::discord::look::{self, LookContext};
use crate::markup::discord::QuoteLinks;
use crate::markup::split::Before;
use crate::model::{ChannelId, GuildId, MessageId, Post, PostId};
use crate::store::{Part, StoreError};

use super::Heart;
use super::job::ThreadFacts;
use super::record::digest_of;
use super::tie::Tie;

/// Which quoted posts are linked to their Discord messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Those whose messages are there.
    Shown,
    /// Those, too, whose messages somebody deleted.
    Ever,
    Nothing,
}

/// The messages that show a post.
pub async fn render(
    heart: &Heart,
    tie: &Tie,
    thread: &ThreadFacts,
    post: &Post,
    parts: &[Part],
    quoting: Quoting,
) -> Result<Vec<Outgoing>, StoreError> {
    let mut quoted = HashMap::new();
    if let Some(guild) = tie.guild().filter(|_| quoting != Quoting::Nothing) {
        for id in post.quotes.iter().filter_map(|quote| quote.post_id.as_ref()) {
            if let Some(part) = heart.store.parts(tie.id(), id).await?.first()
                && (part.digest != Part::REMOVED || quoting == Quoting::Ever)
            {
                quoted.insert(id.clone(), message_url(guild, part.channel, part.message));
            }
        }
    }
    let links = Mirrored(quoted);
    let shown: Vec<i64> = (0..)
        .zip(parts)
        .take_while(|(number, part)| part.part == *number)
        .map(|(_, part)| part.digest)
        .collect();
    let several = heart.forums.len() > 1;
    let context = LookContext {
        forum: several.then_some(tie.bridge.forum.as_str()),
        thread_title: &thread.title,
        feed: !tie.threaded(),
        links: &links,
        before: Before { digests: &shown, digest: |text| digest_of(text.as_bytes()) },
    };
    Ok(look::messages(post, &context))
}

/// The Discord messages of quoted posts.
struct Mirrored(HashMap<PostId, String>);

impl QuoteLinks for Mirrored {
    fn message_url(&self, post: &PostId) -> Option<String> {
        self.0.get(post).cloned()
    }
}

/// The address of a Discord message.
pub fn message_url(guild: GuildId, channel: ChannelId, message: MessageId) -> String {
    format!("https://discord.com/channels/{guild}/{channel}/{message}")
}
