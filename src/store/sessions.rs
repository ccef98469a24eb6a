//! Signing in to a forum on the bridge's own page: the links to that page, each good once, and what keeps members
//! signed in. That is sealed before it comes here; the store can't read it.

use async_trait::async_trait;

use crate::model::{ForumKey, MemberId, UserId};

use super::db::{Row, Tx, Value};
use super::effects::{self, forum_id, values};
use super::links::{self, Link, Then, WINDOW};
use super::sql::Sql;
use super::{Millis, StoreError};

/// So many links to the page are made for a person within [`WINDOW`].
pub const MOST_PAGES: u64 = 5;

/// What keeps a linked member signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub forum: ForumKey,
    pub person: UserId,
    pub member: MemberId,
    pub sealed: String,
    pub at: Millis,
}

/// A page of the bridge's own on which somebody may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    pub forum: ForumKey,
    pub person: UserId,
    /// What they are called in Discord.
    pub name: String,
    /// A digest of what is in the page's address.
    pub secret: String,
    pub expires: Millis,
}

/// What became of a session that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The person is linked to the member, since now or before.
    Kept(Link),
    /// This person is linked to another member.
    LinkedTo(Link),
    /// The member belongs to somebody else.
    Taken,
}

#[async_trait]
pub trait Sessions: Send + Sync {
    /// Makes a page for a person; an older one of theirs is void. The answer is until when none is made, where there were
    /// too many.
    async fn note_sign_in(&self, page: &SignIn, now: Millis) -> Result<Option<Millis>, StoreError>;

    /// The page of this secret, while it is good.
    async fn waiting_sign_in(&self, secret: &str, now: Millis) -> Result<Option<SignIn>, StoreError>;

    /// The same, and the page is spent with it: of two who come at once one gets it.
    async fn spend_sign_in(&self, secret: &str, now: Millis) -> Result<Option<SignIn>, StoreError>;

    /// Keeps a session in place of an older one, and links its person with its member where they are not.
    async fn keep_session(&self, session: &Session, name: &str, then: Then<'_>) -> Result<Kept, StoreError>;

    async fn session(&self, forum: &ForumKey, person: UserId) -> Result<Option<Session>, StoreError>;

    /// One of the sessions, whosever, to try a key with.
    async fn any_session(&self) -> Result<Option<Session>, StoreError>;

    /// Forgets this person's session, or everybody's. Tells how many there were.
    async fn forget_sessions(&self, whose: Option<(&ForumKey, UserId)>) -> Result<u64, StoreError>;
}

fn session(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        forum: ForumKey(row.text(0)?),
        person: UserId(row.snowflake(1)?),
        member: MemberId(row.text(2)?),
        sealed: row.text(3)?,
        at: row.int(4)?,
    })
}

const WAITING: &str =
    "SELECT f.forum_key, s.person, s.name, s.expires FROM sign_in s JOIN forum f ON f.id = s.forum
    WHERE s.secret = $1 AND s.secret <> '' AND s.expires > $2";

fn sign_in(row: &Row, secret: &str) -> Result<SignIn, StoreError> {
    Ok(SignIn {
        forum: ForumKey(row.text(0)?),
        person: UserId(row.snowflake(1)?),
        name: row.text(2)?,
        secret: secret.to_owned(),
        expires: row.int(3)?,
    })
}

#[async_trait]
impl Sessions for Sql {
    async fn note_sign_in(&self, page: &SignIn, now: Millis) -> Result<Option<Millis>, StoreError> {
        let mut tx = self.begin().await?;
        let forum = forum_id(&mut tx, &page.forum).await?;
        let row = tx
            .row(
                "INSERT INTO sign_in (forum, person, name, secret, expires, asked, until)
                 VALUES ($1, $2, $3, $4, $5, 1, $7)
                 ON CONFLICT (forum, person) DO UPDATE SET name = excluded.name, secret = excluded.secret,
                    expires = excluded.expires,
                    asked = CASE WHEN sign_in.until <= $6 THEN 1 ELSE sign_in.asked + 1 END,
                    until = CASE WHEN sign_in.until <= $6 THEN excluded.until ELSE sign_in.until END
                 RETURNING asked, until",
                values![
                    forum,
                    page.person.0,
                    page.name.as_str(),
                    page.secret.as_str(),
                    page.expires,
                    now,
                    now + WINDOW,
                ],
            )
            .await?
            .ok_or(sqlx::Error::RowNotFound)?;
        if row.int(0)?.unsigned_abs() > MOST_PAGES {
            let until = row.int(1)?;
            tx.rollback().await?;
            return Ok(Some(until));
        }
        tx.commit().await?;
        Ok(None)
    }

    async fn waiting_sign_in(&self, secret: &str, now: Millis) -> Result<Option<SignIn>, StoreError> {
        let row = self.db.row(WAITING, values![secret, now]).await?;
        row.map(|row| sign_in(&row, secret)).transpose()
    }

    async fn spend_sign_in(&self, secret: &str, now: Millis) -> Result<Option<SignIn>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(row) = tx.row(WAITING, values![secret, now]).await? else { return Ok(None) };
        let page = sign_in(&row, secret)?;
        let spent = tx.run("UPDATE sign_in SET secret = '' WHERE secret = $1", values![secret]).await?;
        tx.commit().await?;
        Ok((spent > 0).then_some(page))
    }

    async fn keep_session(&self, session: &Session, name: &str, then: Then<'_>) -> Result<Kept, StoreError> {
        let mut tx = self.begin().await?;
        let forum = forum_id(&mut tx, &session.forum).await?;
        tx.run(
            "INSERT INTO account_link (forum, person, member, name, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
            values![forum, session.person.0, session.member.as_str(), name, session.at],
        )
        .await?;
        let Some(link) = links::link_in(&mut tx, &session.forum, session.person).await? else {
            tx.rollback().await?;
            return Ok(Kept::Taken);
        };
        if link.member != session.member {
            tx.rollback().await?;
            return Ok(Kept::LinkedTo(link));
        }
        tx.run(
            "INSERT INTO forum_session (forum, person, member, sealed, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (forum, person) DO UPDATE SET member = excluded.member, sealed = excluded.sealed,
             at = excluded.at",
            values![forum, session.person.0, session.member.as_str(), session.sealed.as_str(), session.at],
        )
        .await?;
        effects::carry_out(&mut tx, &then(&link)?, session.at).await?;
        tx.commit().await?;
        Ok(Kept::Kept(link))
    }

    async fn session(&self, forum: &ForumKey, person: UserId) -> Result<Option<Session>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT f.forum_key, s.person, s.member, s.sealed, s.at FROM forum_session s
                 JOIN forum f ON f.id = s.forum WHERE f.forum_key = $1 AND s.person = $2",
                values![forum.as_str(), person.0],
            )
            .await?;
        row.as_ref().map(session).transpose()
    }

    async fn any_session(&self) -> Result<Option<Session>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT f.forum_key, s.person, s.member, s.sealed, s.at FROM forum_session s
                 JOIN forum f ON f.id = s.forum ORDER BY s.at DESC LIMIT 1",
                &[],
            )
            .await?;
        row.as_ref().map(session).transpose()
    }

    async fn forget_sessions(&self, whose: Option<(&ForumKey, UserId)>) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let forgotten = match whose {
            Some((forum, person)) => end(&mut tx, forum, person).await?,
            None => tx.run("DELETE FROM forum_session", &[]).await?,
        };
        tx.commit().await?;
        Ok(forgotten)
    }
}

/// Forgets a person's session.
pub(super) async fn end(tx: &mut Tx, forum: &ForumKey, person: UserId) -> Result<u64, StoreError> {
    let forum = forum_id(tx, forum).await?;
    tx.run("DELETE FROM forum_session WHERE forum = $1 AND person = $2", values![forum, person.0]).await
}
