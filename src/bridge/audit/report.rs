//! What an audit found, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::config::Scope;
use crate::model::{ChannelId, MessageId, PostId, ThreadId};
use crate::store::BridgeId;

/// Everything that was looked at, and what is wrong with it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether faults were to be mended.
    pub repair: bool,
    pub seen: Seen,
    pub bridges: Vec<Audited>,
    pub findings: Vec<Finding>,
}

/// How much was looked at.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    pub threads: u64,
    pub posts: u64,
    pub messages: u64,
    /// Jobs that are still to be done, or posts that the bridge has still to meet: no faults.
    pub under_way: u64,
    /// Posts whose messages somebody deleted in Discord: they stay away, and are no faults.
    pub removed: u64,
}

/// A bridge that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Audited {
    /// Null for one that never ran.
    pub id: Option<i64>,
    pub forum: String,
    /// `board 12` or `thread 345`.
    pub carries: String,
    pub channel: ChannelId,
    /// Why it was not looked at, where it was not.
    pub skipped: Option<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: Kind,
    /// The bridge that it is about; null where it is about none alone.
    pub bridge: Option<i64>,
    pub thread: Option<ThreadId>,
    pub post: Option<PostId>,
    pub channel: Option<ChannelId>,
    pub message: Option<MessageId>,
    /// One sentence.
    pub found: String,
    /// It is mended, or a job that mends it is queued.
    pub repaired: bool,
    /// What to do about it, where it is not repaired.
    pub mend: Option<String>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A post that should be in Discord and is not.
    Missing,
    /// A post was shown, its message is no longer there, and nobody saw why.
    Gone,
    /// A message does not say what the post says.
    Outdated,
    /// A message whose post is gone from the forum, or not for everyone any more, or not bridged any more.
    LeftOver,
    /// A second message of the same post.
    Doubled,
    /// A message by the bridge's webhook that the database does not know.
    Unknown,
    /// A reply from Discord whose post is no longer on the forum.
    ReplyGone,
    /// A reply from Discord is still on the forum though its message was deleted.
    ReplyLeft,
    /// A Discord thread whose title or state is not its forum thread's.
    Dress,
    /// A job that was given up.
    Parked,
    /// Something that could not be looked at.
    Unseen,
}

impl Finding {
    pub fn new(kind: Kind, bridge: Option<BridgeId>, found: impl Into<String>) -> Self {
        Self {
            kind,
            bridge: bridge.map(|bridge| bridge.0),
            thread: None,
            post: None,
            channel: None,
            message: None,
            found: found.into(),
            repaired: false,
            mend: None,
        }
    }

    pub fn thread(self, thread: &ThreadId) -> Self {
        Self { thread: Some(thread.clone()), ..self }
    }

    pub fn post(self, post: &PostId) -> Self {
        Self { post: Some(post.clone()), ..self }
    }

    pub fn at(self, channel: ChannelId, message: Option<MessageId>) -> Self {
        Self { channel: Some(channel), message, ..self }
    }

    pub fn mend(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }
}

/// What a bridge carries, in words.
pub fn carries(scope: &Scope) -> String {
    match scope {
        Scope::Board(board) => format!("board {board}"),
        Scope::Thread(thread) => format!("thread {thread}"),
    }
}

impl Report {
    /// Nothing is wrong, or all that was is repaired.
    pub fn ok(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired)
    }

    /// Bridge by bridge, in sentences.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for bridge in &self.bridges {
            let Audited { id, forum, carries, channel, .. } = bridge;
            let number = id.map(|id| format!(" {id}")).unwrap_or_default();
            let _ = writeln!(text, "Bridge{number}, {carries} of {forum} to channel {channel}");
            if let Some(why) = &bridge.skipped {
                let _ = writeln!(text, "  not looked at: {why}");
            }
            let own: Vec<_> = self.findings.iter().filter(|it| id.is_some() && it.bridge == *id).collect();
            if own.is_empty() && bridge.skipped.is_none() {
                let _ = writeln!(text, "  nothing is wrong");
            }
            own.into_iter().for_each(|finding| write(&mut text, finding));
        }
        let rest: Vec<_> = self.findings.iter().filter(|it| it.bridge.is_none()).collect();
        if !rest.is_empty() {
            let _ = writeln!(text, "Besides");
            rest.into_iter().for_each(|finding| write(&mut text, finding));
        }
        let Seen { threads, posts, messages, under_way, removed } = &self.seen;
        let _ = writeln!(
            text,
            "Looked at {}, {} and {}.",
            counted(*threads, "thread"),
            counted(*posts, "post"),
            counted(*messages, "Discord message")
        );
        if *under_way > 0 {
            let (what, do_) = (counted(*under_way, "thing"), if *under_way == 1 { "is" } else { "are" });
            let _ = writeln!(
                text,
                "{what} {do_} still under way: the running bridge does that, or the next run."
            );
        }
        if *removed > 0 {
            let what = counted(*removed, "post");
            let _ = writeln!(text, "{what} had a message that somebody deleted in Discord: that stays so.");
        }
        let repaired = self.findings.iter().filter(|finding| finding.repaired).count();
        let wrong = self.findings.len() - repaired;
        if repaired > 0 {
            let _ = writeln!(
                text,
                "Repaired {}: the running bridge does what is queued within moments, or the next run does.",
                counted(repaired as u64, "fault")
            );
        }
        match wrong {
            0 if repaired == 0 => text.push_str("Nothing is missing and nothing is left over.\n"),
            0 => {}
            _ if self.repair => {
                let _ = writeln!(text, "{} left.", counted(wrong as u64, "fault"));
            }
            _ => {
                let _ = writeln!(
                    text,
                    "{}. With --repair, what can be mended is.",
                    counted(wrong as u64, "fault")
                );
            }
        }
        text
    }

    /// `{"ok", "repair", "seen": {..}, "bridges": [..], "findings": [..]}`: [`Seen`], [`Audited`] and [`Finding`] by
    /// the names of their fields; ids are text but for those of bridges.
    pub fn json(&self) -> String {
        let Self { repair, seen, bridges, findings } = self;
        serde_json::json!({
            "ok": self.ok(), "repair": repair, "seen": seen, "bridges": bridges, "findings": findings,
        })
        .to_string()
    }
}

fn write(text: &mut String, finding: &Finding) {
    let Finding { found, mend, repaired, .. } = finding;
    let mark = if *repaired { "repaired" } else { "FAULT   " };
    let _ = writeln!(text, "  {mark}  {found}");
    if let Some(mend) = mend.as_ref().filter(|_| !repaired) {
        let _ = writeln!(text, "            to mend it: {mend}");
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
