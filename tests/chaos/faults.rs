//! What goes wrong.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{Connection, Executor, SqliteConnection};
use threadbridge::sandbox::discord;
use threadbridge::sandbox::forum::Lasts;

use super::Chaos;

/// The gateway itself slows down when it needs more sessions than this in a few minutes.
const SESSIONS: u32 = 4;

impl Chaos {
    /// Something breaks.
    pub async fn break_something(&mut self) {
        self.faults += 1;
        let times = self.rng.usize(1..3);
        match self.rng.u8(..16) {
            0..=4 => {
                let fault = match self.rng.u8(..7) {
                    0 => discord::Fault::TooManyRequests { scope: "user".into(), retry_after: 0.2 },
                    1 => discord::Fault::TooManyRequests { scope: "global".into(), retry_after: 0.2 },
                    2 => discord::Fault::Status(500),
                    3 => discord::Fault::DropBeforeCommit,
                    4 => discord::Fault::SlowAnswer(Duration::from_millis(400)),
                    _ => discord::Fault::DropAfterCommit,
                };
                let (method, place) = [
                    (Some("POST"), "/webhooks"),
                    (Some("PATCH"), "/webhooks"),
                    (Some("DELETE"), "/webhooks"),
                    (None, "/channels"),
                    (None, ""),
                ][self.rng.usize(..5)];
                self.discord().fault(method, place, fault, times);
            }
            5..=8 => {
                let fault = [
                    "status 500",
                    "status 503",
                    "maintenance",
                    "cloudflare",
                    "cut 3000",
                    "garbage",
                    "drop-before-answer",
                    "drop-after-commit",
                    "drop-after-commit",
                    "drop-after-commit",
                    "expire-sessions",
                    "sign-out",
                    "stale-tokens",
                ][self.rng.usize(..13)];
                let place = [
                    "/showthread.php",
                    "/forumdisplay.php",
                    "/newreply.php",
                    "/editpost.php",
                    "/post_thanks.php",
                ][self.rng.usize(..5)];
                let lasts = Lasts::Times(u32::try_from(times).unwrap_or(1));
                self.forum().fail_at(place, fault.parse().expect("a fault"), lasts);
            }
            9 => self.discord().disconnect(true),
            10 if self.sessions < SESSIONS => {
                self.sessions += 1;
                match self.rng.u8(..3) {
                    0 => self.discord().invalid_session(),
                    1 => self.discord().disconnect(false),
                    _ => {
                        // What is lost is lost until there is a new session.
                        self.discord().drop_events(3);
                        self.deed();
                        self.deed();
                        self.discord().drop_events(0);
                        self.discord().disconnect(false);
                    }
                }
            }
            10 => self.discord().reconnect(),
            11 => match self.rng.u8(..3) {
                0 => self.discord().reorder_events(1),
                1 => self.discord().repeat_events(5),
                _ => {
                    let on = self.rng.bool();
                    self.discord().duplicate_events(on);
                }
            },
            12 => {
                if self.locked.take().is_none()
                    && let Ok(mut other) = SqliteConnection::connect(&self.folder.database()).await
                    && other.execute("PRAGMA busy_timeout = 100; BEGIN IMMEDIATE").await.is_ok()
                {
                    self.locked = Some(other);
                }
            }
            13 => {
                let days = [-1, 1][self.rng.usize(..2)];
                self.clock.0.fetch_add(days * 24 * 3600, Ordering::SeqCst);
            }
            14 => {
                if self.rng.bool() {
                    self.discord().pause();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    self.discord().resume().await.expect("the port is free");
                } else {
                    self.forum().pause().await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    self.forum().resume().await.expect("the port is free");
                }
            }
            _ => {
                if self.rng.u8(..4) == 0 {
                    self.bridge.stop().await;
                } else {
                    self.bridge.kill();
                }
                self.sessions = 0;
            }
        }
    }

    pub fn heal(&mut self) {
        self.locked = None;
        self.discord().clear_faults();
        self.discord().duplicate_events(false);
        self.discord().reorder_events(0);
        self.discord().drop_events(0);
        self.forum().heal();
        self.bridge.keep();
    }
}
