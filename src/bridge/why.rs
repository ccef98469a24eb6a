//! The story of one post: what was seen of it, what was queued, sent, edited and withdrawn, and where
//! nothing was, why not. The same for a person in Discord and on the command line.

use jiff::Timestamp;

use crate::config::Scope;
use crate::model::{ForumKey, PostId};
use crate::store::history::{Chapter, Standing, What};
use crate::store::{Bridge, BridgeId, Millis, Part, PostRow, Store, StoreError, ThreadRow};

use super::record::Spot;

/// Everything that is known of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    post: PostId,
    row: Option<PostRow>,
    thread: Option<ThreadRow>,
    chapters: Vec<Chapter>,
    parts: Vec<Part>,
    bridges: Vec<Bridge>,
    /// Jobs that are still to be done, by bridge.
    waiting: Vec<(BridgeId, &'static str, Standing)>,
}

/// One line of a story, with its time where it is known.
pub type Line = (Option<Timestamp>, String);

impl Story {
    /// Gathers it, for the bridges that `own` lets through.
    pub async fn of(
        store: &dyn Store,
        forum: &ForumKey,
        post: &PostId,
        own: impl Fn(&Bridge) -> bool,
    ) -> Result<Self, StoreError> {
        let mut bridges = store.bridges().await?;
        bridges.retain(|bridge| bridge.forum == *forum && own(bridge));
        let row = store.posts(forum, std::slice::from_ref(post)).await?.pop();
        let thread = match &row {
            Some(row) => store.thread(forum, &row.thread).await?,
            None => None,
        };
        let mut waiting = Vec::new();
        for bridge in &bridges {
            for (key, what) in
                [("show", "to be shown"), ("edit", "to be changed"), ("hide", "to be withdrawn")]
            {
                if let Some(standing) = store.standing(&format!("{key}:{}:{post}", bridge.id.0)).await? {
                    waiting.push((bridge.id, what, standing));
                }
            }
        }
        Ok(Self {
            post: post.clone(),
            row,
            thread,
            chapters: store.history(forum, post).await?,
            parts: store.parts_of(forum, post).await?,
            bridges,
            waiting,
        })
    }

    /// The story in order: the forum's part first, then bridge by bridge. `name` says where a bridge leads.
    pub fn lines(&self, name: impl Fn(&Bridge) -> String) -> Vec<Line> {
        let mut lines = Vec::new();
        match (&self.row, &self.thread) {
            (None, _) => lines.push((None, "No bridge has recorded this post.".to_owned())),
            (Some(row), Some(thread)) => {
                let title = crate::discord::look::plain(&thread.title);
                lines.push((None, format!("In thread {}: {title}", row.thread)));
            }
            (Some(row), None) => lines.push((None, format!("In thread {}", row.thread))),
        }
        for chapter in self.chapters.iter().filter(|chapter| chapter.bridge.is_none()) {
            lines.extend(told(chapter));
        }
        for bridge in &self.bridges {
            lines.push((None, format!("{}:", name(bridge))));
            lines.extend(self.on(bridge));
        }
        lines
    }

    fn on(&self, bridge: &Bridge) -> Vec<Line> {
        let mut lines = Vec::new();
        for chapter in self.chapters.iter().filter(|chapter| chapter.bridge == Some(bridge.id)) {
            lines.extend(told(chapter));
        }
        let there = |part: &&Part| part.bridge == bridge.id && part.digest != Part::REMOVED;
        let parts: Vec<_> = self.parts.iter().filter(there).collect();
        if let Some(first) = parts.first() {
            let messages = match parts.len() {
                1 => "1 message".to_owned(),
                count => format!("{count} messages"),
            };
            let at =
                format!("shown by {messages}, the first is {} in channel {}", first.message, first.channel);
            lines.push((None, at));
        }
        for (_, what, standing) in self.waiting.iter().filter(|(id, ..)| *id == bridge.id) {
            let reason = standing.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            lines.push(if standing.parked {
                (None, format!("given up: it was {what}{reason}"))
            } else {
                (time(standing.run_at), format!("waits {what} ({} tries so far){reason}", standing.attempts))
            });
        }
        if lines.is_empty() {
            lines.push((None, self.why_not(bridge).to_owned()));
        }
        lines
    }

    /// Why a bridge has done nothing about the post, as far as the database tells.
    fn why_not(&self, bridge: &Bridge) -> &'static str {
        let covered = match (&bridge.scope, &self.row) {
            (_, None) => true,
            (Scope::Thread(own), Some(row)) => *own == row.thread,
            (Scope::Board(own), Some(_)) => {
                self.thread.as_ref().is_some_and(|thread| thread.board.as_ref() == Some(own))
            }
        };
        match &bridge.baseline {
            _ if !covered => "filtered: this bridge carries something else",
            _ if bridge.paused => "not looked at: the bridge is paused",
            None => "not looked at: the bridge has not taken stock of the forum yet",
            Some(baseline)
                if !baseline.as_str().is_empty() && !spot(&self.post).is_after(&spot(baseline)) =>
            {
                "filtered: the post is older than the bridge"
            }
            Some(_) => "not seen: it was not on a page that the bridge has read, or on another board",
        }
    }
}

fn spot(post: &PostId) -> Spot {
    Spot { post: Some(post.clone()), ..Spot::default() }
}

fn told(chapter: &Chapter) -> Vec<Line> {
    let what = match chapter.what {
        What::Seen => "seen on the forum",
        What::Changed => "found changed on the forum",
        What::Echo => "came from Discord, so it is not shown there again",
        What::Queued => "queued",
        What::Sent => "sent",
        What::Edited => "edited in Discord",
        What::Withdrawn => "taken away from Discord",
        What::Removed => "deleted in Discord by somebody, so it stays away",
        What::Gone => "gone from the forum",
    };
    let mut lines = vec![(time(chapter.first), what.to_owned())];
    if chapter.times > 1 {
        let again = format!("{what}, for the {} time", ordinal(chapter.times));
        lines.push((time(chapter.last), again));
    }
    lines
}

fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn time(at: Millis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_read_well() {
        let told: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 113].map(ordinal).to_vec();
        assert_eq!(told, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "113th"]);
    }
}
