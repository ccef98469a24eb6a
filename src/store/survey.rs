//! What an audit asks, a little at a time: it goes through everything that is known.

use async_trait::async_trait;

use crate::model::{ChannelId, ForumKey, MessageId, PostId, ThreadId};

use super::db::Value;
use super::effects::values;
use super::rows::part;
use super::sql::Sql;
use super::{BridgeId, Part, StoreError};

#[async_trait]
pub trait Survey: Send + Sync {
    /// The messages in a channel that are known, of any bridge, after this one, in their order.
    async fn parts_after(
        &self,
        channel: ChannelId,
        after: MessageId,
        limit: u32,
    ) -> Result<Vec<Part>, StoreError>;

    /// The channels and Discord threads in which a bridge shows something.
    async fn places(&self, bridge: BridgeId) -> Result<Vec<ChannelId>, StoreError>;

    /// The first post of a thread that this bridge shows, by the number of its id.
    async fn first_shown(
        &self,
        bridge: BridgeId,
        forum: &ForumKey,
        thread: &ThreadId,
    ) -> Result<Option<PostId>, StoreError>;
}

#[async_trait]
impl Survey for Sql {
    async fn parts_after(
        &self,
        channel: ChannelId,
        after: MessageId,
        limit: u32,
    ) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT bridge, post, part, channel, message, digest, from_discord FROM part
                 WHERE channel = $1 AND message > $2 ORDER BY message LIMIT $3",
                values![channel.0, after.0, limit],
            )
            .await?;
        rows.iter().map(part).collect()
    }

    async fn places(&self, bridge: BridgeId) -> Result<Vec<ChannelId>, StoreError> {
        let sql = "SELECT channel FROM part WHERE bridge = $1 AND digest <> $2
                   UNION SELECT channel FROM room WHERE bridge = $1 ORDER BY 1";
        let rows = self.db.rows(sql, values![bridge.0, Part::REMOVED]).await?;
        rows.iter().map(|row| Ok(ChannelId(row.snowflake(0)?))).collect()
    }

    async fn first_shown(
        &self,
        bridge: BridgeId,
        forum: &ForumKey,
        thread: &ThreadId,
    ) -> Result<Option<PostId>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT p.post FROM post p
                 WHERE p.forum = (SELECT id FROM forum WHERE forum_key = $2) AND p.thread = $3
                 AND EXISTS (SELECT 1 FROM part s WHERE s.bridge = $1 AND s.post = p.post)
                 ORDER BY LENGTH(p.post), p.post LIMIT 1",
                values![bridge.0, forum.as_str(), thread.as_str()],
            )
            .await?;
        row.map(|row| Ok(PostId(row.text(0)?))).transpose()
    }
}
