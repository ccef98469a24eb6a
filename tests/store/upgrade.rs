//! From each older schema to this one: what the older bridge had written is there, and its jobs are done.

use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};
use threadbridge::config::Scope;
use threadbridge::model::{BoardId, ChannelId, MessageId, ThreadId, UserId};
use threadbridge::store::SubmissionState;

use super::{Place, claim, each, edu, older, post};

/// In the words of the first step, which every later one still takes.
const ROWS: &str = "
    INSERT INTO forum (forum_key) VALUES ('edu');
    INSERT INTO bridge (forum, scope, channel, layout, replies, thanks, start_at, from_file, baseline)
        VALUES (1, 'board:12', 77, 'threads', 'everyone', '[\"🙏\"]', 'now', 1, '5');
    INSERT INTO thread (forum, thread, board, title, folded) VALUES (1, '7', '12', 'Weather', 'weather');
    INSERT INTO post (forum, post, thread, digest, gone) VALUES (1, '8', '7', 1, 0), (1, '9', '7', 1, 0);
    INSERT INTO room (bridge, thread, channel, digest) VALUES (1, '7', 78, 5);
    INSERT INTO part (bridge, post, part, channel, message, digest, from_discord) VALUES (1, '8', 0, 78, 79, 6, 0);
    INSERT INTO submission (message, bridge, thread, channel, author, post, state, digest)
        VALUES (80, 1, '7', 78, 5, '9', 'posted', 3), (81, 1, '7', 78, 5, NULL, 'queued', 4);
    INSERT INTO thanked (forum, post) VALUES (1, '8');
    INSERT INTO watermark (channel, message) VALUES (78, 81);
    INSERT INTO outbox (lane, job_key, seq, priority, run_at, head, job)
        VALUES ('f:edu:7', 'reply:81', 0, 0, 0, 1, '{}'), ('d:1:7', 'show:1:9', 9, 0, 0, 1, '{}');";

async fn write(place: &Place, upto: usize) {
    // As the step that brought it expects: who thanks is told apart since then.
    let thanked = "INSERT INTO thanked (forum, post) VALUES (1, '8');";
    let rows = if upto < 6 {
        ROWS.to_owned()
    } else {
        ROWS.replace(thanked, "INSERT INTO thanked (forum, post, member, person) VALUES (1, '8', '', 0);")
    };
    if place.sqlite {
        let options = SqliteConnectOptions::from_str(&place.url).unwrap().create_if_missing(true);
        let mut database: SqliteConnection = options.connect().await.unwrap();
        older::first(upto, "sqlite").run_direct(None, &mut database, false).await.unwrap();
        database.execute(AssertSqlSafe(rows)).await.unwrap();
        database.close().await.unwrap();
    } else {
        let mut database = PgConnection::connect(&place.url).await.unwrap();
        older::first(upto, "postgres").run_direct(None, &mut database, false).await.unwrap();
        database.execute(AssertSqlSafe(rows)).await.unwrap();
        database.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_an_older_bridge_wrote_is_there_after_the_upgrade() {
    for upto in 1..=older::steps("sqlite").len() {
        each(async |place: Place| {
            write(&place, upto).await;
            let store = place.open().await;
            let bridges = store.bridges().await.unwrap();
            let bridge = &bridges[0];
            assert_eq!((bridges.len(), bridge.channel, &bridge.forum), (1, ChannelId(77), &edu()));
            assert_eq!(bridge.scope, Scope::Board(BoardId::new("12")));
            assert_eq!(bridge.baseline, Some(post("5")));
            let thread = ThreadId::new("7");
            let room = store.room(bridge.id, &thread).await.unwrap().expect("the room");
            assert_eq!(room.channel, ChannelId(78));
            let parts = store.parts(bridge.id, &post("8")).await.unwrap();
            assert_eq!(parts.len(), 1);
            let posted = store.submission(MessageId(80)).await.unwrap().expect("what was posted");
            assert_eq!(
                (posted.state, posted.post, posted.author),
                (SubmissionState::Posted, Some(post("9")), UserId(5))
            );
            assert_eq!(posted.member, None, "it went out by the bridge's own account");
            assert_eq!(store.watermark(ChannelId(78)).await.unwrap(), Some(MessageId(81)));
            // Each job is claimed by whoever has what it needs.
            for (lease, key) in [("channel:77", "show:1:9"), ("forum:edu", "reply:81")] {
                if upto >= 5 {
                    // Rows of a later schema say themselves what they need; these say nothing.
                    continue;
                }
                if !place.sqlite {
                    assert!(
                        store.claim("w", super::LEASE).await.unwrap().is_none(),
                        "{upto}: without {lease}"
                    );
                }
                store.take_lease(lease, "w", super::LEASE).await.unwrap().expect("the lease");
                assert_eq!(claim(&*store).await.key, key, "from step {upto}");
            }
            store.close().await;
        })
        .await;
    }
}
