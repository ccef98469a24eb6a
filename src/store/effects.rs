//! Each [`Effect`] as SQL, within somebody else's transaction.

use std::collections::{BTreeSet, HashMap};

use crate::model::ForumKey;

use super::db::{Tx, Value};
use super::rows::state_name;
use super::{
    Effect, Millis, Origin, Part, StoreError, SubmissionState, history, manage, outbox, people, sessions,
};

/// Binds values of different types.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$(Value::from($value)),*] };
}
pub(super) use values;

/// The number of a forum, given one if it has none.
pub(super) async fn forum_id(tx: &mut Tx, forum: &ForumKey) -> Result<i64, StoreError> {
    const FIND: &str = "SELECT id FROM forum WHERE forum_key = $1";
    if let Some(row) = tx.row(FIND, values![forum.as_str()]).await? {
        return row.int(0);
    }
    tx.run(
        "INSERT INTO forum (forum_key) VALUES ($1) ON CONFLICT (forum_key) DO NOTHING",
        values![forum.as_str()],
    )
    .await?;
    tx.row(FIND, values![forum.as_str()]).await?.ok_or(sqlx::Error::RowNotFound)?.int(0)
}

/// The number of a forum that [`name_forums`] has seen to, within a statement.
macro_rules! forum {
    ($place:literal) => {
        concat!("(SELECT id FROM forum WHERE forum_key = $", $place, ")")
    };
}
pub(super) use forum;

/// Gives every forum of these effects a number, if it has none.
async fn name_forums(tx: &mut Tx, effects: &[Effect]) -> Result<(), StoreError> {
    let forums: BTreeSet<&ForumKey> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Thread(row) => Some(&row.forum),
            Effect::Post(row) => Some(&row.forum),
            Effect::PostGone { forum, .. } => Some(forum),
            Effect::Thanked(thanked) => Some(&thanked.forum),
            Effect::Credit(credit) => Some(&credit.forum),
            Effect::Happened(happened) => Some(&happened.forum),
            _ => None,
        })
        .collect();
    for forum in forums {
        // Looked for first, as a conflict too uses up a number.
        tx.put(
            "INSERT INTO forum (forum_key) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM forum WHERE forum_key = $1)
             ON CONFLICT (forum_key) DO NOTHING",
            values![forum.as_str()],
        )
        .await?;
    }
    Ok(())
}

/// Everything in this order, with the lanes locked that it changes, and their heads chosen anew.
pub async fn carry_out(tx: &mut Tx, effects: &[Effect], now: Millis) -> Result<(), StoreError> {
    let waiting = outbox::waiting(tx, effects).await?;
    outbox::lock(tx, &outbox::lanes(effects, &waiting)).await?;
    for lane in apply(tx, effects, &waiting, now).await? {
        outbox::refresh(tx, &lane).await?;
    }
    Ok(())
}

/// Everything in this order. `waiting` tells in which lane a job waits whose key was used before; the lanes are
/// locked. Gives the lanes that changed, whose heads are to be chosen anew.
pub async fn apply(
    tx: &mut Tx,
    effects: &[Effect],
    waiting: &HashMap<String, String>,
    now: Millis,
) -> Result<BTreeSet<String>, StoreError> {
    name_forums(tx, effects).await?;
    let mut changed = BTreeSet::new();
    for effect in effects {
        match effect {
            Effect::Enqueue(job) => {
                outbox::enqueue(tx, job).await?;
                changed.insert(waiting.get(&job.key).unwrap_or(&job.lane).clone());
            }
            Effect::Cancel { key } => {
                outbox::cancel(tx, key).await?;
                changed.extend(waiting.get(key).cloned());
            }
            Effect::Discard { key } => outbox::discard(tx, key).await?,
            effect => one(tx, effect, now).await?,
        }
    }
    Ok(changed)
}

async fn one(tx: &mut Tx, effect: &Effect, now: Millis) -> Result<(), StoreError> {
    match effect {
        Effect::Baseline { bridge, post, at } => {
            tx.put(
                "UPDATE bridge SET baseline = $2, baseline_at = $3 WHERE id = $1",
                values![bridge.0, post.as_str(), *at],
            )
            .await?;
            manage::changed(tx).await?;
        }
        Effect::Follow(follow) => {
            tx.put(
                "INSERT INTO follow (bridge, thread, marker, last_post, last_number) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (bridge, thread) DO UPDATE SET marker = excluded.marker,
                 last_post = excluded.last_post, last_number = excluded.last_number",
                values![
                    follow.bridge.0,
                    follow.thread.as_str(),
                    follow.marker.as_str(),
                    follow.last_post.as_ref().map(|post| post.as_str()),
                    follow.last_number.map(i64::from),
                ],
            )
            .await?;
        }
        Effect::Thread(row) => {
            tx.put(
                concat!(
                    "INSERT INTO thread (forum, thread, board, title, folded) VALUES (",
                    forum!(1),
                    ", $2, $3, $4, $5) ON CONFLICT (forum, thread) DO UPDATE SET board = excluded.board,
                     title = excluded.title, folded = excluded.folded"
                ),
                values![
                    row.forum.as_str(),
                    row.thread.as_str(),
                    row.board.as_ref().map(|board| board.as_str()),
                    row.title.as_str(),
                    row.title.to_lowercase(),
                ],
            )
            .await?;
        }
        Effect::Post(row) => {
            tx.put(
                concat!(
                    "INSERT INTO post (forum, post, thread, digest, gone) VALUES (",
                    forum!(1),
                    ", $2, $3, $4, $5) ON CONFLICT (forum, post) DO UPDATE SET thread = excluded.thread,
                     digest = excluded.digest, gone = excluded.gone"
                ),
                values![row.forum.as_str(), row.post.as_str(), row.thread.as_str(), row.digest, row.gone],
            )
            .await?;
        }
        Effect::Reexamine { bridge } => {
            tx.put(
                "UPDATE post SET digest = 0 WHERE forum = (SELECT forum FROM bridge WHERE id = $1)
                 AND post IN (SELECT post FROM part WHERE bridge = $1)",
                values![bridge.0],
            )
            .await?;
        }
        Effect::PostGone { forum, post } => {
            tx.put(
                concat!("UPDATE post SET gone = 1 WHERE forum = ", forum!(1), " AND post = $2"),
                values![forum.as_str(), post.as_str()],
            )
            .await?;
        }
        Effect::Part(part) => {
            tx.put(
                "INSERT INTO part (bridge, post, part, channel, message, digest, from_discord)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (bridge, post, part) DO UPDATE SET channel = excluded.channel,
                 message = excluded.message, digest = excluded.digest, from_discord = excluded.from_discord",
                values![
                    part.bridge.0,
                    part.post.as_str(),
                    part.part,
                    part.channel.0,
                    part.message.0,
                    part.digest,
                    part.origin == Origin::Discord,
                ],
            )
            .await?;
        }
        Effect::DropParts { bridge, post, from } => {
            tx.put(
                "DELETE FROM part WHERE bridge = $1 AND post = $2 AND part >= $3",
                values![bridge.0, post.as_str(), *from],
            )
            .await?;
        }
        Effect::Room(room) => {
            tx.put(
                "INSERT INTO room (bridge, thread, channel, digest) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (bridge, thread) DO UPDATE SET channel = excluded.channel, digest = excluded.digest",
                values![room.bridge.0, room.thread.as_str(), room.channel.0, room.digest],
            )
            .await?;
        }
        Effect::Removed { message } => {
            let rows = tx
                .rows(
                    "UPDATE part SET digest = $2 WHERE message = $1 AND from_discord = 0 AND digest NOT IN ($2, $3)
                     AND NOT EXISTS (SELECT 1 FROM outbox o
                         WHERE o.job_key = 'hide:' || CAST(part.bridge AS TEXT) || ':' || part.post)
                     RETURNING bridge, post, (SELECT forum FROM bridge b WHERE b.id = part.bridge)",
                    values![message.0, Part::REMOVED, Part::LEAVING],
                )
                .await?;
            for row in rows {
                let (bridge, post, forum) = (row.int(0)?, row.text(1)?, row.int(2)?);
                history::note(tx, forum, &post, bridge, history::What::Removed, now).await?;
            }
        }
        Effect::DropRoom { bridge, thread } => {
            tx.put(
                "UPDATE part SET digest = $3 WHERE bridge = $1 AND channel IN
                 (SELECT channel FROM room WHERE bridge = $1 AND thread = $2)",
                values![bridge.0, thread.as_str(), Part::REMOVED],
            )
            .await?;
            tx.put("DELETE FROM room WHERE bridge = $1 AND thread = $2", values![bridge.0, thread.as_str()])
                .await?;
        }
        Effect::Submission(submission) => {
            tx.put(
                "INSERT INTO submission (message, bridge, thread, channel, author, post, state, digest, member)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (message) DO UPDATE SET thread = excluded.thread, post = excluded.post, state = excluded.state,
                 digest = excluded.digest, member = excluded.member",
                values![
                    submission.message.0,
                    submission.bridge.0,
                    submission.thread.as_str(),
                    submission.channel.0,
                    submission.author.0,
                    submission.post.as_ref().map(|post| post.as_str()),
                    state_name(submission.state),
                    submission.digest,
                    submission.member.as_ref().map(|member| member.as_str()),
                ],
            )
            .await?;
        }
        Effect::Resubmit { message, digest } => {
            let (queued, refused) =
                (state_name(SubmissionState::Queued), state_name(SubmissionState::Refused));
            tx.put(
                "UPDATE submission SET state = $2, digest = $4 WHERE message = $1 AND state IN ($2, $3)",
                values![message.0, queued, refused, *digest],
            )
            .await?;
        }
        Effect::Reaction(reaction) => {
            tx.put(
                "INSERT INTO reaction (message, person, emoji, bridge, post, at) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (message, person, emoji) DO NOTHING",
                values![
                    reaction.message.0,
                    reaction.user.0,
                    reaction.emoji.as_str(),
                    reaction.bridge.0,
                    reaction.post.as_str(),
                    now,
                ],
            )
            .await?;
        }
        Effect::DropReaction { message, user, emoji } => {
            tx.put(
                "DELETE FROM reaction WHERE message = $1 AND person = $2 AND emoji = $3",
                values![message.0, user.0, emoji.as_str()],
            )
            .await?;
        }
        Effect::DropReactions { message, emoji: Some(emoji) } => {
            tx.put(
                "DELETE FROM reaction WHERE message = $1 AND emoji = $2",
                values![message.0, emoji.as_str()],
            )
            .await?;
        }
        Effect::DropReactions { message, emoji: None } => {
            tx.put("DELETE FROM reaction WHERE message = $1", values![message.0]).await?;
        }
        Effect::Thanked(thanked) => {
            let (member, person) =
                thanked.by.as_ref().map_or(("", 0), |(member, user)| (member.as_str(), user.0));
            tx.put(
                concat!(
                    "INSERT INTO thanked (forum, post, member, person) VALUES (",
                    forum!(1),
                    ", $2, $3, $4) ON CONFLICT (forum, post, member) DO UPDATE SET person = excluded.person"
                ),
                values![thanked.forum.as_str(), thanked.post.as_str(), member, person],
            )
            .await?;
        }
        Effect::Unthanked { forum, post, member } => {
            let member = member.as_ref().map_or("", |member| member.as_str());
            tx.put(
                concat!("DELETE FROM thanked WHERE forum = ", forum!(1), " AND post = $2 AND member = $3"),
                values![forum.as_str(), post.as_str(), member],
            )
            .await?;
        }
        Effect::EndSession { forum, person } => {
            sessions::end(tx, forum, *person).await?;
        }
        Effect::Watermark { channel, message } => {
            tx.put(
                "INSERT INTO watermark (channel, message) VALUES ($1, $2)
                 ON CONFLICT (channel) DO UPDATE SET message = excluded.message
                 WHERE watermark.message < excluded.message",
                values![channel.0, message.0],
            )
            .await?;
        }
        Effect::Credit(credit) => people::apply(tx, credit).await?,
        Effect::Happened(happened) => history::apply(tx, happened, now).await?,
        // See [`apply`].
        Effect::Enqueue(_) | Effect::Cancel { .. } | Effect::Discard { .. } => {}
    }
    Ok(())
}
