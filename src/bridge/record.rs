//! What a thread page means for the database: which posts are new, changed, back or gone, and the
//! jobs that follow. Decides; asks and writes nothing.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::config::Start;
use crate::forum::Account;
use crate::markup::{Block, Inline};
use crate::model::{ForumKey, MessageId, Post, PostId, ThreadId, ThreadPage, ThreadSummary, Visibility};
use crate::store::history::{Happened, What};
use crate::store::people::Credit;
use crate::store::{
    BridgeId, Effect, Follow, Millis, Origin, Part, PostRow, Priority, Room, StoreError, Submission,
    SubmissionState, ThreadRow,
};

use super::job::{Job, News, Outcome, Spoken, ThreadFacts, edit_key, forum_lane};
use super::known::Known;
use super::submit::telling;
use super::tie::Tie;

/// A bridge that has not yet recorded all of a thread.
#[derive(Clone)]
pub struct Behind {
    pub tie: Arc<Tie>,
    pub follow: Option<Follow>,
    /// How much of the thread's posts were made before the bridge was.
    pub since: Since,
}

/// From where on a bridge wants a thread's posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// Every post.
    Beginning,
    /// The last so many of the thread.
    Newest(u32),
    /// Posts after this one. Its number and its time help where ids can't be compared.
    After(Spot),
    /// This post and those after it.
    From(Spot),
}

/// Where in a forum's history a post stands, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spot {
    pub post: Option<PostId>,
    /// Its place in its thread.
    pub number: Option<u32>,
    pub at: Option<Millis>,
}

impl Spot {
    pub fn of(post: &Post) -> Self {
        let at = post.posted_at.map(|at| at.as_millisecond());
        Self { post: Some(post.id.clone()), number: post.number, at }
    }

    /// Whether it comes after one that was seen. Forums number their posts upwards; where ids are not numbers or not
    /// known, the place in the thread decides, and else the time. In doubt it does.
    pub fn is_after(&self, seen: &Self) -> bool {
        let number = |spot: &Self| spot.post.as_ref().and_then(|post| post.as_str().parse::<u64>().ok());
        if let (Some(post), Some(seen)) = (number(self), number(seen)) {
            return post > seen;
        }
        if let (Some(number), Some(seen)) = (self.number, seen.number) {
            return number > seen;
        }
        if let (Some(at), Some(seen)) = (self.at, seen.at) {
            return at > seen;
        }
        self.post.is_none() || self.post != seen.post
    }
}

impl Behind {
    pub fn new(tie: Arc<Tie>, follow: Option<Follow>) -> Self {
        let since = match &follow {
            Some(Follow { last_post: Some(post), last_number, .. }) => {
                Since::After(Spot { post: Some(post.clone()), number: *last_number, at: None })
            }
            // Stock was taken of this thread and none of it is read yet.
            Some(_) => match tie.bridge.start {
                Start::All => Since::Beginning,
                Start::Newest(count) => Since::Newest(count),
                Start::Now => after_baseline(&tie),
            },
            // The thread is younger than the bridge, or was quiet when stock was taken.
            None => after_baseline(&tie),
        };
        Self { tie, follow, since }
    }

    /// The same for a bridge that is to recall, in place of what it has recorded, what of the thread it carries at
    /// all. `first` is the first post of the thread that it shows.
    pub fn anew(tie: Arc<Tie>, follow: Option<Follow>, first: Option<PostId>) -> Self {
        let first = Spot { post: first, ..Spot::default() };
        let since = match (tie.bridge.start, &follow) {
            (Start::All, Some(_)) => Since::Beginning,
            // So many were the newest at the time when it began with the thread.
            (Start::Newest(count), Some(follow)) if follow.last_post.is_none() => Since::Newest(count),
            (Start::Newest(_), Some(_)) if first.post.is_some() && !first.is_after(&baseline(&tie)) => {
                Since::From(first)
            }
            _ => after_baseline(&tie),
        };
        Self { tie, follow, since }
    }

    /// Whether the bridge wants this post. `last` is the number of the thread's last post.
    pub fn wants(&self, post: &Post, last: Option<u32>) -> bool {
        match &self.since {
            Since::Beginning => true,
            Since::Newest(count) => match (post.number, last) {
                (Some(number), Some(last)) => number + count > last,
                _ => true,
            },
            Since::After(seen) => Spot::of(post).is_after(seen),
            Since::From(first) => first.post.as_ref() == Some(&post.id) || Spot::of(post).is_after(first),
        }
    }
}

/// Where history ends for a bridge.
fn baseline(tie: &Tie) -> Spot {
    let post = tie.bridge.baseline.clone().filter(|post| !post.as_str().is_empty());
    Spot { post, number: None, at: tie.bridge.baseline_at }
}

fn after_baseline(tie: &Tie) -> Since {
    Since::After(baseline(tie))
}

/// A digest of everything that Discord shows of a post. Its author is left out: a message's name and
/// face can't be changed once it is sent.
pub fn digest(post: &Post) -> i64 {
    let names: Vec<&str> = post.thanks.iter().map(|thanks| thanks.name.as_str()).collect();
    let shown = (&post.title, &post.body, &post.attachments, names, post.thanks_total);
    digest_of(&serde_json::to_vec(&shown).unwrap_or_default())
}

/// The first eight bytes of a SHA-256.
pub fn digest_of(bytes: &[u8]) -> i64 {
    let hash = Sha256::digest(bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(first)
}

/// The Discord message that a post of the bridge's own account carries, by the link in its attribution.
pub fn origin_message(post: &Post, account: Option<&Account>) -> Option<MessageId> {
    if !is_own(post, account) {
        return None;
    }
    post.body.blocks.iter().take(2).find_map(jump_link)
}

/// Whether a post of the bridge's own account carries this message: a forum may have put several into one post.
pub fn carries(post: &Post, account: Option<&Account>, message: MessageId) -> bool {
    is_own(post, account) && links(post).any(|own| own == message)
}

/// The messages that a post links to.
pub fn links(post: &Post) -> impl Iterator<Item = MessageId> {
    post.body.blocks.iter().filter_map(jump_link)
}

fn is_own(post: &Post, account: Option<&Account>) -> bool {
    let Some(account) = account else { return false };
    match (&post.author.id, &account.id) {
        (Some(author), Some(own)) => author == own,
        _ => post.author.name.eq_ignore_ascii_case(&account.name),
    }
}

/// The first link to a Discord message in a paragraph; quotes are no attribution.
fn jump_link(block: &Block) -> Option<MessageId> {
    fn inlines(content: &[Inline]) -> Option<MessageId> {
        content.iter().find_map(|inline| match inline {
            Inline::Link { url, .. } => message_of_link(url),
            Inline::Bold(c)
            | Inline::Italic(c)
            | Inline::Underline(c)
            | Inline::Strike(c)
            | Inline::Spoiler(c) => inlines(c),
            _ => None,
        })
    }
    match block {
        Block::Paragraph(content) | Block::Small(content) => inlines(content),
        _ => None,
    }
}

/// The message that a link of the form `https://discord.com/channels/GUILD/CHANNEL/MESSAGE` names.
pub fn message_of_link(url: &str) -> Option<MessageId> {
    let path = url.strip_prefix("https://discord.com/channels/")?;
    let mut parts = path.split('/');
    let (_, _, message) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then(|| message.parse().ok()).flatten()
}

/// The stretch of a thread that a bridge has recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// What is not after this post is history; `None` where that can't be told.
    pub after: Option<PostId>,
    pub to: PostId,
}

impl Followed {
    /// Whether a post that nobody knew belongs to what was followed: it was approved late, came back, or
    /// came along when threads were merged.
    fn holds(&self, post: &PostId) -> bool {
        let number = |post: &PostId| post.as_str().parse::<u64>().ok();
        let (Some(after), Some(post), Some(to)) = (&self.after, number(post), number(&self.to)) else {
            return false;
        };
        post < to && (after.as_str().is_empty() || number(after).is_some_and(|after| post > after))
    }
}

/// A page of a thread, about to be recorded.
pub struct Reading<'a> {
    pub forum: &'a ForumKey,
    pub thread: &'a ThreadId,
    pub page: &'a ThreadPage,
    pub summary: Option<&'a ThreadSummary>,
    /// Every bridge that carries this thread.
    pub ties: &'a [Arc<Tie>],
    /// Those of them that have something to catch up with.
    pub behind: &'a [Behind],
    pub marker: &'a str,
    pub priority: Priority,
}

impl Reading<'_> {
    /// The effects of recording this page: one transaction.
    pub fn effects(&self, known: &Known) -> Result<Vec<Effect>, StoreError> {
        let facts = ThreadFacts::new(self.thread, &self.page.thread, self.summary);
        let is_last = self.page.thread.page >= self.page.thread.pages;
        let last_number = self.last_number();
        let mut effects = vec![Effect::Thread(ThreadRow {
            forum: self.forum.clone(),
            thread: self.thread.clone(),
            board: facts.board.clone(),
            title: facts.title.clone(),
        })];

        for post in &self.page.posts {
            let was = known.posts.get(&post.id);
            if post.visibility != Visibility::Shown {
                let withdrawn = matches!(post.visibility, Visibility::Deleted | Visibility::AwaitingApproval);
                if withdrawn && was.is_some_and(|row| !row.gone) {
                    effects.extend(self.gone(&post.id, known.now)?);
                }
                continue;
            }
            let mut wanted: Vec<_> =
                self.behind.iter().filter(|b| b.wants(post, last_number)).map(|b| &b.tie).collect();
            let digest = digest(post);
            let (ties, news) = match was {
                None => {
                    let late =
                        |tie: &&Arc<Tie>| known.followed.get(&tie.id()).is_some_and(|f| f.holds(&post.id));
                    let known_to = |tie: &Arc<Tie>| wanted.iter().any(|other| other.id() == tie.id());
                    let late: Vec<_> = self.ties.iter().filter(late).filter(|tie| !known_to(tie)).collect();
                    wanted.extend(late);
                    if wanted.is_empty() {
                        continue;
                    }
                    (wanted, News::New)
                }
                Some(row) if row.gone => {
                    // An edit from before it went away may still wait: it says what is said no more.
                    for tie in self.ties {
                        effects.push(Effect::Cancel { key: edit_key(tie.id(), &post.id) });
                    }
                    (self.ties.iter().collect(), News::New)
                }
                Some(row) if row.digest != digest || row.thread != *self.thread => {
                    for tie in &wanted {
                        effects.push(self.show(tie, &facts, post, News::New, known.now)?);
                    }
                    (self.ties.iter().collect(), News::Changed)
                }
                Some(_) if wanted.is_empty() => continue,
                Some(_) => (wanted, News::New),
            };
            let origin = known.origins.get(&post.id);
            if let (Some(submission), None) = (origin, was) {
                effects.extend(self.echo(submission, post, known.now)?);
            }
            for tie in ties {
                if origin.is_none_or(|submission| submission.bridge != tie.id()) {
                    effects.push(self.show(tie, &facts, post, news, known.now)?);
                    effects.push(self.happened(&post.id, Some(tie.id()), What::Queued));
                }
            }
            effects.push(Effect::Post(PostRow {
                forum: self.forum.clone(),
                post: post.id.clone(),
                thread: self.thread.clone(),
                digest,
                gone: false,
            }));
            match was {
                None => effects.push(self.happened(&post.id, None, What::Seen)),
                Some(row) if row.digest != digest => {
                    effects.push(self.happened(&post.id, None, What::Changed));
                }
                Some(_) => {}
            }
            effects.push(Effect::Credit(Credit {
                forum: self.forum.clone(),
                post: post.id.clone(),
                author: post.author.name.clone(),
                member: post.author.id.clone(),
                thanks: post.thanks.clone(),
            }));
        }

        for behind in self.behind {
            effects.push(Effect::Follow(self.follow(behind, is_last)));
            if is_last && behind.tie.threaded() {
                let job = Job::Dress { bridge: behind.tie.id(), thread: facts.clone() };
                let lane = behind.tie.lane(self.thread);
                effects.push(Effect::Enqueue(job.queued(lane, self.priority, known.now)?));
            }
        }
        Ok(effects)
    }

    /// A post went away: its messages are withdrawn wherever it was shown.
    pub fn gone(&self, post: &PostId, now: Millis) -> Result<Vec<Effect>, StoreError> {
        let mut effects = vec![
            Effect::PostGone { forum: self.forum.clone(), post: post.clone() },
            happened_gone(self.forum, post),
        ];
        for tie in self.ties {
            effects.push(hide(tie, self.thread, post, now)?);
        }
        Ok(effects)
    }

    /// The number of the thread's last post, as far as this page tells.
    fn last_number(&self) -> Option<u32> {
        let total = self.page.thread.total_results.and_then(|n| u32::try_from(n).ok());
        total.max(self.page.posts.iter().filter_map(|post| post.number).max())
    }

    fn happened(&self, post: &PostId, bridge: Option<BridgeId>, what: What) -> Effect {
        Effect::Happened(Happened { forum: self.forum.clone(), post: post.clone(), bridge, what })
    }

    fn show(
        &self,
        tie: &Tie,
        facts: &ThreadFacts,
        post: &Post,
        news: News,
        now: Millis,
    ) -> Result<Effect, StoreError> {
        let job = Job::Show { bridge: tie.id(), thread: facts.clone(), post: Box::new(post.clone()), news };
        Ok(Effect::Enqueue(job.queued(tie.lane(self.thread), self.priority, now)?))
    }

    /// The post came from Discord: it is tied to the message that it was, and not shown there again.
    fn echo(&self, submission: &Submission, post: &Post, now: Millis) -> Result<Vec<Effect>, StoreError> {
        let withdrawn = submission.state == SubmissionState::Withdrawn;
        let state = if withdrawn { submission.state } else { SubmissionState::Posted };
        let mut effects = vec![
            self.happened(&post.id, Some(submission.bridge), What::Echo),
            Effect::Submission(Submission {
                thread: self.thread.clone(),
                post: Some(post.id.clone()),
                state,
                ..submission.clone()
            }),
            Effect::Part(Part {
                bridge: submission.bridge,
                post: post.id.clone(),
                part: 0,
                channel: submission.channel,
                message: submission.message,
                digest: 0,
                origin: Origin::Discord,
            }),
        ];
        if submission.thread.as_str().is_empty() {
            // It opened the thread: where it was said the thread is shown.
            effects.push(Effect::Room(Room {
                bridge: submission.bridge,
                thread: self.thread.clone(),
                channel: submission.channel,
                digest: 0,
            }));
        }
        let lane = forum_lane(self.forum, &submission.thread);
        let (bridge, thread, message) = (submission.bridge, submission.thread.clone(), submission.message);
        match submission.state {
            // It was deleted in Discord before it appeared.
            SubmissionState::Withdrawn => {
                let job = Job::Retract { bridge, thread, message };
                effects.push(Effect::Enqueue(job.queued(lane, Priority::Live, now)?));
            }
            // Nobody expects it any more: the person is told, and it is looked at for edits.
            SubmissionState::AwaitingApproval | SubmissionState::Refused => {
                effects.push(telling(submission.channel, message, Outcome::Arrived, now)?);
                let spoken = Spoken::unheard(submission);
                let job = Job::Amend { bridge, thread, spoken };
                effects.push(Effect::Enqueue(job.queued(lane, Priority::Live, now)?));
            }
            SubmissionState::Queued | SubmissionState::Sending | SubmissionState::Posted => {}
        }
        Ok(effects)
    }

    fn follow(&self, behind: &Behind, is_last: bool) -> Follow {
        let last = self.page.posts.last();
        let moved_on = last.filter(|last| match &behind.since {
            Since::After(seen) => Spot::of(last).is_after(seen),
            _ => true,
        });
        let (last_post, last_number) = match (moved_on, &behind.since) {
            (Some(last), _) => (Some(last.id.clone()), last.number),
            (None, Since::After(seen)) => (seen.post.clone(), seen.number),
            (None, _) => (None, None),
        };
        Follow {
            bridge: behind.tie.id(),
            thread: self.thread.clone(),
            marker: if is_last { self.marker.to_owned() } else { String::new() },
            last_post,
            last_number,
        }
    }
}

/// The forum no longer shows a post.
pub fn happened_gone(forum: &ForumKey, post: &PostId) -> Effect {
    Effect::Happened(Happened { forum: forum.clone(), post: post.clone(), bridge: None, what: What::Gone })
}

/// Takes a post's messages away from one bridge.
pub fn hide(tie: &Tie, thread: &ThreadId, post: &PostId, now: Millis) -> Result<Effect, StoreError> {
    let job = Job::Hide { bridge: tie.id(), thread: thread.clone(), post: post.clone() };
    Ok(Effect::Enqueue(job.queued(tie.lane(thread), Priority::Live, now)?))
}

#[cfg(test)]
mod tests;
