//! `threadbridge why`: what happened to one post, from the database alone (a feed is asked which item an address is of);
//! a running bridge is not disturbed.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::bail;
use secrecy::ExposeSecret;

use crate::bridge::why::Story;
use crate::clock::Clock;
use crate::config::{Config, Scope};
use crate::{forum, store};

/// The story of the post that this address names. Times are UTC.
pub async fn story(config: &Config, url: &str, clock: Arc<dyn Clock>) -> anyhow::Result<String> {
    for forum in &config.forums {
        let engine = forum::engine(forum, clock.clone())?;
        if engine.capabilities().broadcast {
            // Whose address it is, only what is told now can say.
            for bridge in config.bridges.iter().filter(|bridge| bridge.forum == forum.key) {
                if let Scope::Board(board) = &bridge.scope {
                    let _ = engine.board(board, 1).await;
                }
            }
        }
        let Some(place) = engine.recognise(url.trim()) else { continue };
        let Some(post) = place.post else {
            bail!("{url} names no post; a post's own address has its number, like showthread.php?p=123");
        };
        let store = store::open_to_read(config.database.url.expose_secret(), clock).await?;
        let story = Story::of(&*store, &forum.key, &post, |_| true).await;
        store.close().await;
        let lines = story?.lines(|bridge| {
            let carries = match &bridge.scope {
                Scope::Board(board) => format!("board {board}"),
                Scope::Thread(thread) => format!("thread {thread}"),
            };
            format!("bridge {}, {carries} to channel {}", bridge.id.0, bridge.channel)
        });
        let mut text = format!("Post {post} of forum {}\n", forum.key);
        for (at, line) in lines {
            let at = at.map_or_else(|| " ".repeat(20), |at| format!("{at:.0}"));
            let _ = writeln!(text, "{at}  {line}");
        }
        return Ok(text);
    }
    let keys: Vec<&str> = config.forums.iter().map(|forum| forum.key.as_str()).collect();
    bail!("{url} is no address of a configured forum; there is: {}", keys.join(", "))
}
