//! Who wrote a post and who thanked for it, on the forum and in Discord: what the thanks commands count.

use async_trait::async_trait;

use crate::model::{BoardId, ForumKey, MemberId, PostId, Thanks, UserId};

use super::db::{Row, Tx, Value};
use super::effects::{forum, values};
use super::sql::Sql;
use super::{BridgeId, Millis, StoreError};

/// Who wrote a post, and who thanked for it as its page told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    pub forum: ForumKey,
    pub post: PostId,
    pub author: String,
    pub member: Option<MemberId>,
    pub thanks: Vec<Thanks>,
}

/// Somebody in Discord who thanks a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thanker {
    pub bridge: BridgeId,
    pub user: UserId,
    /// 0 when it was not kept.
    pub at: Millis,
}

/// How often one author's posts on one board were thanked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub board: Option<BoardId>,
    /// The bridge over which it was thanked, where it was in Discord.
    pub bridge: Option<BridgeId>,
    /// The same for one author under all names that they have had.
    pub key: String,
    pub author: String,
    pub count: u64,
}

#[async_trait]
pub trait People: Send + Sync {
    async fn credit(&self, forum: &ForumKey, post: &PostId) -> Result<Option<Credit>, StoreError>;

    /// Who thanks a post by reaction or command, each person once a bridge, the earliest first.
    async fn thankers(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Thanker>, StoreError>;

    /// Thanks given on the forum from this day (`YYYY-MM-DD`) on, or ever.
    async fn thanks_on_forum(&self, forum: &ForumKey, since: Option<&str>) -> Result<Vec<Tally>, StoreError>;

    /// Thanks given in Discord from this time on.
    async fn thanks_in_discord(&self, forum: &ForumKey, since: Millis) -> Result<Vec<Tally>, StoreError>;
}

#[async_trait]
impl People for Sql {
    async fn credit(&self, forum: &ForumKey, post: &PostId) -> Result<Option<Credit>, StoreError> {
        let key = values![forum.as_str(), post.as_str()];
        let row = self
            .db
            .row(
                "SELECT c.author, c.member FROM credit c JOIN forum f ON f.id = c.forum
                 WHERE f.forum_key = $1 AND c.post = $2",
                key,
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let thanks = self
            .db
            .rows(
                "SELECT t.name, t.member, t.day FROM thanks t JOIN forum f ON f.id = t.forum
                 WHERE f.forum_key = $1 AND t.post = $2 ORDER BY t.place",
                key,
            )
            .await?;
        let thanks = thanks.iter().map(|row| {
            Ok(Thanks {
                name: row.text(0)?,
                member_id: row.maybe_text(1)?.map(MemberId),
                on: row.maybe_text(2)?.and_then(|day| day.parse().ok()),
            })
        });
        Ok(Some(Credit {
            forum: forum.clone(),
            post: post.clone(),
            author: row.text(0)?,
            member: row.maybe_text(1)?.map(MemberId),
            thanks: thanks.collect::<Result<_, StoreError>>()?,
        }))
    }

    async fn thankers(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Thanker>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT r.bridge, r.person, MIN(r.at) FROM reaction r
                 JOIN bridge b ON b.id = r.bridge JOIN forum f ON f.id = b.forum
                 WHERE f.forum_key = $1 AND r.post = $2 GROUP BY r.bridge, r.person ORDER BY 3, 2",
                values![forum.as_str(), post.as_str()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Thanker {
                    bridge: BridgeId(row.int(0)?),
                    user: UserId(row.snowflake(1)?),
                    at: row.int(2)?,
                })
            })
            .collect()
    }

    async fn thanks_on_forum(&self, forum: &ForumKey, since: Option<&str>) -> Result<Vec<Tally>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT th.board, COALESCE(c.member, c.author), MAX(c.author), COUNT(*)
                 FROM thanks t JOIN forum f ON f.id = t.forum
                 JOIN credit c ON c.forum = t.forum AND c.post = t.post
                 JOIN post p ON p.forum = t.forum AND p.post = t.post AND p.gone = 0
                 LEFT JOIN thread th ON th.forum = p.forum AND th.thread = p.thread
                 WHERE f.forum_key = $1 AND ($2 = '' OR t.day >= $2)
                 GROUP BY th.board, COALESCE(c.member, c.author)",
                values![forum.as_str(), since.unwrap_or_default()],
            )
            .await?;
        rows.iter().map(|row| tally(row, None)).collect()
    }

    async fn thanks_in_discord(&self, forum: &ForumKey, since: Millis) -> Result<Vec<Tally>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT g.board, g.author_key, MAX(g.author), COUNT(*), g.bridge FROM (
                    SELECT DISTINCT th.board AS board, COALESCE(c.member, c.author) AS author_key,
                           c.author AS author, r.bridge AS bridge, r.person AS person, r.post AS post
                    FROM reaction r JOIN bridge b ON b.id = r.bridge JOIN forum f ON f.id = b.forum
                    JOIN credit c ON c.forum = b.forum AND c.post = r.post
                    JOIN post p ON p.forum = b.forum AND p.post = r.post AND p.gone = 0
                    LEFT JOIN thread th ON th.forum = p.forum AND th.thread = p.thread
                    WHERE f.forum_key = $1 AND r.at >= $2) AS g
                 GROUP BY g.board, g.author_key, g.bridge",
                values![forum.as_str(), since],
            )
            .await?;
        rows.iter().map(|row| tally(row, Some(BridgeId(row.int(4)?)))).collect()
    }
}

fn tally(row: &Row, bridge: Option<BridgeId>) -> Result<Tally, StoreError> {
    Ok(Tally {
        board: row.maybe_text(0)?.map(BoardId),
        bridge,
        key: row.text(1)?,
        author: row.text(2)?,
        count: row.int(3)?.unsigned_abs(),
    })
}

/// Writes down a post's author and its thanks as they are now.
pub(super) async fn apply(tx: &mut Tx, credit: &Credit) -> Result<(), StoreError> {
    let forum = credit.forum.as_str();
    tx.put(
        concat!(
            "INSERT INTO credit (forum, post, author, member) VALUES (",
            forum!(1),
            ", $2, $3, $4) ON CONFLICT (forum, post) DO UPDATE SET author = excluded.author, member = excluded.member"
        ),
        values![
            forum,
            credit.post.as_str(),
            credit.author.as_str(),
            credit.member.as_ref().map(|member| member.as_str()),
        ],
    )
    .await?;
    // A member who took another name is still the one who was linked.
    if let Some(member) = &credit.member {
        tx.put(
            concat!(
                "UPDATE account_link SET name = $3 WHERE forum = ",
                forum!(1),
                " AND member = $2 AND name <> $3"
            ),
            values![forum, member.as_str(), credit.author.as_str()],
        )
        .await?;
    }
    let kept = credit.thanks.len() as u64;
    tx.put(
        concat!("DELETE FROM thanks WHERE forum = ", forum!(1), " AND post = $2 AND place >= $3"),
        values![forum, credit.post.as_str(), kept],
    )
    .await?;
    for (place, thanks) in (0_u64..).zip(&credit.thanks) {
        let day = thanks.on.map(|day| day.to_string());
        tx.put(
            concat!(
                "INSERT INTO thanks (forum, post, place, name, member, day) VALUES (",
                forum!(1),
                ", $2, $3, $4, $5, $6) ON CONFLICT (forum, post, place) DO UPDATE SET name = excluded.name,
                 member = excluded.member, day = excluded.day"
            ),
            values![
                forum,
                credit.post.as_str(),
                place,
                thanks.name.as_str(),
                thanks.member_id.as_ref().map(|member| member.as_str()),
                day.as_deref(),
            ],
        )
        .await?;
    }
    Ok(())
}
