//! Which Discord user is which forum member, and the one-time codes that prove it. Each step is one
//! transaction: tries that come at the same time are counted one after another.

use async_trait::async_trait;

use crate::model::{ForumKey, MemberId, UserId};

use super::db::{Row, Tx, Value};
use super::effects::{self, forum_id, values};
use super::sql::Sql;
use super::{Effect, Millis, StoreError, sessions};

/// A wrong code can be given so often before nothing is taken for the rest of [`WINDOW`].
pub const MOST_WRONG: u64 = 5;
/// So many codes are sent to a person, and to a member, within [`WINDOW`].
pub const MOST_CODES: u64 = 3;
/// How long tries and codes are counted, in milliseconds.
pub const WINDOW: Millis = 3600 * 1000;

/// The proven tie between a Discord user and a forum member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub forum: ForumKey,
    pub person: UserId,
    pub member: MemberId,
    /// The member's name when last seen.
    pub name: String,
    pub at: Millis,
}

/// A code about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    pub forum: ForumKey,
    pub person: UserId,
    pub member: MemberId,
    pub name: String,
    /// A digest of the code and of whose it is.
    pub code: String,
    pub expires: Millis,
}

/// Whether a code may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Noted,
    /// This person has a link already.
    LinkedTo(Link),
    /// The member belongs to somebody else.
    Taken,
    /// Too many codes or wrong tries: not before this time.
    Locked {
        until: Millis,
    },
}

/// What a code that was brought back is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    Linked(Link),
    Wrong {
        left: u64,
    },
    Locked {
        until: Millis,
    },
    /// No code waits: none was asked for, or it was used.
    None,
    Expired,
    /// Somebody else proved to be that member in the meantime.
    Taken,
}

/// What follows from a link that is made or taken away, in the same transaction.
pub type Then<'a> = &'a (dyn Fn(&Link) -> Result<Vec<Effect>, StoreError> + Send + Sync);

#[async_trait]
pub trait Links: Send + Sync {
    async fn link(&self, forum: &ForumKey, person: UserId) -> Result<Option<Link>, StoreError>;

    /// Everything that this person is linked to.
    async fn links_of(&self, person: UserId) -> Result<Vec<Link>, StoreError>;

    /// Keeps a code for a person; an older one of theirs is void.
    async fn note_code(&self, code: &NewCode, now: Millis) -> Result<Asked, StoreError>;

    /// The member that a person's waiting code is for, and its digest.
    async fn waiting_code(
        &self,
        forum: &ForumKey,
        person: UserId,
    ) -> Result<Option<(MemberId, String)>, StoreError>;

    /// Takes a code that could not be sent back; it does not count.
    async fn drop_code(&self, forum: &ForumKey, person: UserId) -> Result<(), StoreError>;

    /// Brings a code back. A right one is spent, and the link is made.
    async fn try_code(
        &self,
        forum: &ForumKey,
        person: UserId,
        code: &str,
        now: Millis,
        then: Then<'_>,
    ) -> Result<Tried, StoreError>;

    async fn unlink(
        &self,
        forum: &ForumKey,
        person: UserId,
        now: Millis,
        then: Then<'_>,
    ) -> Result<Option<Link>, StoreError>;
}

const LINK: &str = "SELECT f.forum_key, l.person, l.member, l.name, l.at FROM account_link l
    JOIN forum f ON f.id = l.forum WHERE f.forum_key = $1 AND l.person = $2";

fn link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        forum: ForumKey(row.text(0)?),
        person: UserId(row.snowflake(1)?),
        member: MemberId(row.text(2)?),
        name: row.text(3)?,
        at: row.int(4)?,
    })
}

pub(super) async fn link_in(
    tx: &mut Tx,
    forum: &ForumKey,
    person: UserId,
) -> Result<Option<Link>, StoreError> {
    tx.row(LINK, values![forum.as_str(), person.0]).await?.as_ref().map(link).transpose()
}

#[async_trait]
impl Links for Sql {
    async fn link(&self, forum: &ForumKey, person: UserId) -> Result<Option<Link>, StoreError> {
        let row = self.db.row(LINK, values![forum.as_str(), person.0]).await?;
        row.as_ref().map(link).transpose()
    }

    async fn links_of(&self, person: UserId) -> Result<Vec<Link>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT f.forum_key, l.person, l.member, l.name, l.at FROM account_link l
                 JOIN forum f ON f.id = l.forum WHERE l.person = $1 ORDER BY f.forum_key",
                values![person.0],
            )
            .await?;
        rows.iter().map(link).collect()
    }

    async fn note_code(&self, code: &NewCode, now: Millis) -> Result<Asked, StoreError> {
        let mut tx = self.begin().await?;
        let forum = forum_id(&mut tx, &code.forum).await?;
        if let Some(link) = link_in(&mut tx, &code.forum, code.person).await? {
            return Ok(Asked::LinkedTo(link));
        }
        let taken = "SELECT 1 FROM account_link WHERE forum = $1 AND member = $2";
        if tx.row(taken, values![forum, code.member.as_str()]).await?.is_some() {
            return Ok(Asked::Taken);
        }
        // The row is written first, so that two who ask at once are counted one after another.
        let row = tx
            .row(
                "INSERT INTO link_code (forum, person, member, name, code, expires, wrong, asked, until)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, 1, $8)
                 ON CONFLICT (forum, person) DO UPDATE SET
                    member = excluded.member, name = excluded.name, code = excluded.code,
                    expires = excluded.expires,
                    wrong = CASE WHEN link_code.until <= $7 THEN 0 ELSE link_code.wrong END,
                    asked = CASE WHEN link_code.until <= $7 THEN 1 ELSE link_code.asked + 1 END,
                    until = CASE WHEN link_code.until <= $7 THEN excluded.until ELSE link_code.until END
                 RETURNING wrong, asked, until",
                values![
                    forum,
                    code.person.0,
                    code.member.as_str(),
                    code.name.as_str(),
                    code.code.as_str(),
                    code.expires,
                    now,
                    now + WINDOW,
                ],
            )
            .await?
            .ok_or(sqlx::Error::RowNotFound)?;
        let (wrong, asked, until) = (row.int(0)?.unsigned_abs(), row.int(1)?.unsigned_abs(), row.int(2)?);
        let bothered = "SELECT COUNT(*), MIN(until) FROM link_code
                        WHERE forum = $1 AND member = $2 AND person <> $3 AND until > $4";
        let others = tx.row(bothered, values![forum, code.member.as_str(), code.person.0, now]).await?;
        let others = others.ok_or(sqlx::Error::RowNotFound)?;
        if others.int(0)?.unsigned_abs() >= MOST_CODES {
            return Ok(Asked::Locked { until: others.maybe_int(1)?.unwrap_or(until) });
        }
        if wrong >= MOST_WRONG || asked > MOST_CODES {
            return Ok(Asked::Locked { until });
        }
        tx.commit().await?;
        Ok(Asked::Noted)
    }

    async fn waiting_code(
        &self,
        forum: &ForumKey,
        person: UserId,
    ) -> Result<Option<(MemberId, String)>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT c.member, c.code FROM link_code c JOIN forum f ON f.id = c.forum
                 WHERE f.forum_key = $1 AND c.person = $2 AND c.code <> ''",
                values![forum.as_str(), person.0],
            )
            .await?;
        row.map(|row| Ok((MemberId(row.text(0)?), row.text(1)?))).transpose()
    }

    async fn drop_code(&self, forum: &ForumKey, person: UserId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let forum = forum_id(&mut tx, forum).await?;
        let sql = "UPDATE link_code SET code = '', asked = asked - 1 WHERE forum = $1 AND person = $2";
        tx.run(sql, values![forum, person.0]).await?;
        tx.commit().await
    }

    async fn try_code(
        &self,
        forum: &ForumKey,
        person: UserId,
        code: &str,
        now: Millis,
        then: Then<'_>,
    ) -> Result<Tried, StoreError> {
        let mut tx = self.begin().await?;
        let id = forum_id(&mut tx, forum).await?;
        let row = tx
            .row(
                "UPDATE link_code SET wrong = wrong + 1 WHERE forum = $1 AND person = $2 AND code <> ''
                 RETURNING member, name, code, expires, wrong, until",
                values![id, person.0],
            )
            .await?;
        let Some(row) = row else {
            let spent =
                "SELECT until FROM link_code WHERE forum = $1 AND person = $2 AND until > $3 AND wrong >= $4";
            let locked = tx.row(spent, values![id, person.0, now, MOST_WRONG]).await?;
            return Ok(match locked {
                Some(row) => Tried::Locked { until: row.int(0)? },
                None => Tried::None,
            });
        };
        let (member, name, kept) = (row.text(0)?, row.text(1)?, row.text(2)?);
        let (expires, wrong, until) = (row.int(3)?, row.int(4)?.unsigned_abs(), row.int(5)?);
        let void = "UPDATE link_code SET code = '' WHERE forum = $1 AND person = $2";
        if expires <= now {
            tx.run(
                "UPDATE link_code SET code = '', wrong = wrong - 1 WHERE forum = $1 AND person = $2",
                values![id, person.0],
            )
            .await?;
            tx.commit().await?;
            return Ok(Tried::Expired);
        }
        if kept != code {
            let left = MOST_WRONG.saturating_sub(wrong);
            if left == 0 {
                tx.run(void, values![id, person.0]).await?;
            }
            tx.commit().await?;
            return Ok(if left == 0 { Tried::Locked { until } } else { Tried::Wrong { left } });
        }
        let made = tx
            .run(
                "INSERT INTO account_link (forum, person, member, name, at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT DO NOTHING",
                values![id, person.0, member.as_str(), name.as_str(), now],
            )
            .await?;
        tx.run("DELETE FROM link_code WHERE forum = $1 AND person = $2", values![id, person.0]).await?;
        if made == 0 {
            tx.commit().await?;
            return Ok(Tried::Taken);
        }
        let made = Link { forum: forum.clone(), person, member: MemberId(member), name, at: now };
        effects::carry_out(&mut tx, &then(&made)?, now).await?;
        tx.commit().await?;
        Ok(Tried::Linked(made))
    }

    async fn unlink(
        &self,
        forum: &ForumKey,
        person: UserId,
        now: Millis,
        then: Then<'_>,
    ) -> Result<Option<Link>, StoreError> {
        let mut tx = self.begin().await?;
        let id = forum_id(&mut tx, forum).await?;
        let Some(gone) = link_in(&mut tx, forum, person).await? else { return Ok(None) };
        tx.run("DELETE FROM account_link WHERE forum = $1 AND person = $2", values![id, person.0]).await?;
        sessions::end(&mut tx, forum, person).await?;
        effects::carry_out(&mut tx, &then(&gone)?, now).await?;
        tx.commit().await?;
        Ok(Some(gone))
    }
}
