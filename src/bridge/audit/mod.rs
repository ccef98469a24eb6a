//! Compares both sides: the forum, the database and Discord, each page by page, and says what is missing, left
//! over or out of date.
//!
//! What should be in Discord is not decided here: each page of the forum goes through [`Reading`], as if the
//! bridge had to record it, and the effects tell what it would do ([`forum`]). The channels are compared with the
//! database ([`channels`]), and one post with its messages in [`post`].
//!
//! It writes to neither side. What it repairs it queues: the same jobs, in the same outbox, that the bridge itself
//! would write, together with what they presume, in one short transaction each. A bridge that runs beside it does
//! them at its next look. Each of those jobs is safe to be done twice, and compares before it changes anything, so
//! that it does not matter should the bridge have had the same thought.
//!
//! [`Reading`]: super::record::Reading

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::discord::{ChannelKind, DiscordError};
use crate::forum::{Account, Failure};
use crate::model::{ForumKey, PostId, ThreadId};
use crate::store::{BridgeId, Effect, Ring, StoreError};

use super::Heart;
use super::job::Job;
use super::points::Point;
use super::tie::Tie;
use super::trouble::CHANNEL_GONE;

mod channels;
mod forum;
mod post;
pub mod report;

use report::{Audited, Finding, Kind, Report, carries};

/// How often a question is asked that got no answer.
const TRIES: u32 = 4;
/// A forum, or Discord, that asks for more patience than this is left for another time.
const PATIENCE: Duration = Duration::from_secs(120);
const LITTLE: Duration = Duration::from_secs(1);

/// What is to be done about messages that are gone for no reason that anybody saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It was meant so: they stay away.
    Keep,
    /// Their posts are shown again.
    Show,
}

/// What an audit is to do besides looking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    pub repair: bool,
    pub gone: Option<Gone>,
}

/// An audit under way.
struct Audit<'a> {
    heart: &'a Heart,
    wish: Wish,
    /// Told of what is being looked at.
    said: &'a dyn Fn(&str),
    report: Report,
    /// Posts of which something was found in their channel: no second fault is made of it.
    told: HashSet<(BridgeId, PostId)>,
    /// Bridges of whose channels not everything could be looked at: what seems to be missing may be there.
    blind: HashSet<BridgeId>,
    /// Posts with a message that does not say what was sent.
    suspect: HashSet<(BridgeId, PostId)>,
    /// Threads of which posts are to be shown again: their Discord threads may have to be opened.
    opened: HashSet<(BridgeId, ThreadId)>,
    /// What people and we wrote is shown to the bot.
    reads: bool,
}

/// Looks at every bridge of the heart's forums. An error means that the database can't be used.
pub async fn run(heart: &Heart, wish: Wish, said: &dyn Fn(&str)) -> Result<Report, StoreError> {
    let mut audit = Audit {
        heart,
        wish,
        said,
        report: Report { repair: wish.repair, ..Report::default() },
        told: HashSet::new(),
        blind: HashSet::new(),
        suspect: HashSet::new(),
        opened: HashSet::new(),
        reads: true,
    };
    if audit.discord().await? {
        audit.parked().await?;
        audit.sign_in().await;
        audit.channels().await?;
        audit.forums().await?;
    }
    if audit.report.findings.iter().any(|finding| finding.repaired)
        && let Err(error) = heart.store.ring(Ring::Work).await
    {
        tracing::debug!("the replicas are not told of work: {error}");
    }
    Ok(audit.report)
}

impl Audit<'_> {
    /// Gets to know the bot and the bridges' channels. False when there is no talking to Discord at all.
    async fn discord(&mut self) -> Result<bool, StoreError> {
        (self.said)("asking Discord about the channels");
        let heart = self.heart;
        match patiently(async || heart.discord.me().await).await {
            Ok(me) => {
                heart.set_me(me.user);
                self.reads = me.message_content;
            }
            Err(error) => {
                self.unseen(None, format!("Discord can't be looked at: {error}"));
                return Ok(false);
            }
        }
        for bridge in heart.store.bridges().await? {
            let mut audited = Audited {
                id: Some(bridge.id.0),
                forum: bridge.forum.to_string(),
                carries: carries(&bridge.scope),
                channel: bridge.channel,
                skipped: None,
            };
            if !heart.forums.contains_key(&bridge.forum) {
                audited.skipped = Some("its forum is not in the configuration".to_owned());
            } else if bridge.paused {
                audited.skipped = Some("it is paused".to_owned());
            } else if bridge.baseline.is_none() {
                audited.skipped =
                    Some("it has not taken stock of the forum yet; it does so when it runs".to_owned());
            } else {
                match patiently(async || heart.discord.channel(bridge.channel).await).await {
                    Ok(channel) if takes_posts(channel.kind) => heart.ties.insert(Tie::new(bridge, channel)),
                    Ok(_) => self.unseen(
                        Some(bridge.id),
                        format!("Channel {} is no text, announcement or forum channel.", bridge.channel),
                    ),
                    Err(DiscordError::Gone(_)) => self.unseen(
                        Some(bridge.id),
                        format!("Channel {} can't be looked at: {CHANNEL_GONE}.", bridge.channel),
                    ),
                    Err(error) => self.unseen(
                        Some(bridge.id),
                        format!("Channel {} can't be looked at: {error}.", bridge.channel),
                    ),
                }
            }
            self.report.bridges.push(audited);
        }
        Ok(true)
    }

    /// Jobs that were given up wait for people; a repair has them tried once more.
    async fn parked(&mut self) -> Result<(), StoreError> {
        for parked in self.heart.store.parked().await? {
            let job = serde_json::from_value::<Job>(parked.job).ok();
            let what = job.as_ref().map_or_else(|| parked.key.clone(), Job::describe);
            let bridge = job.as_ref().and_then(Job::bridge);
            let reason = parked.reason.trim_end_matches('.');
            let mut finding =
                Finding::new(Kind::Parked, bridge, format!("Given up: to {what}, because {reason}.")).mend(
                    "mend what the reason names, then let it be tried again with --repair or /bridge status",
                );
            match &job {
                Some(Job::Show { bridge, thread, post, .. }) => {
                    self.told.insert((*bridge, post.id.clone()));
                    finding = finding.thread(&thread.id).post(&post.id);
                }
                Some(Job::Hide { bridge, thread, post }) => {
                    self.told.insert((*bridge, post.clone()));
                    finding = finding.thread(thread).post(post);
                }
                Some(Job::Dress { thread, .. } | Job::Title { thread, .. }) => {
                    finding = finding.thread(&thread.id)
                }
                _ => {}
            }
            finding.repaired = self.wish.repair && self.heart.store.unpark(parked.id, true).await?;
            self.report.findings.push(finding);
        }
        Ok(())
    }

    async fn channels(&mut self) -> Result<(), StoreError> {
        let ties = self.ties();
        let mut channels: Vec<_> = ties.iter().map(|tie| tie.bridge.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        for channel in channels {
            let own: Vec<_> = ties.iter().filter(|tie| tie.bridge.channel == channel).cloned().collect();
            channels::look(self, &own).await?;
        }
        Ok(())
    }

    /// Signs in to the forums. The bridges of one that does not let us in are not looked at.
    async fn sign_in(&mut self) {
        let heart = self.heart;
        for (key, forum) in &heart.forums {
            if heart.ties.of_forum(key).is_empty() {
                continue;
            }
            (self.said)(&format!("signing in to {key}"));
            match patiently(async || forum.engine.sign_in().await).await {
                // A guest owns no post that could come from Discord.
                Ok(account) => {
                    forum.set_account(account.or(Some(Account { id: None, name: String::new() })));
                }
                Err(failure) => {
                    for tie in heart.ties.of_forum(key) {
                        let found = format!("The forum {key} can't be looked at: {failure}.");
                        self.unseen(Some(tie.id()), found);
                        heart.ties.remove(tie.id());
                    }
                }
            }
        }
    }

    async fn forums(&mut self) -> Result<(), StoreError> {
        let mut keys: Vec<ForumKey> = self.heart.forums.keys().cloned().collect();
        keys.sort();
        for key in keys {
            let Some(forum) = self.heart.forums.get(&key).cloned() else { continue };
            let ties = self.heart.ties.of_forum(&key);
            if !ties.is_empty() {
                forum::look(self, &forum, &ties).await?;
            }
        }
        Ok(())
    }

    fn ties(&self) -> Vec<Arc<Tie>> {
        self.heart.ties.all()
    }

    fn unseen(&mut self, bridge: Option<BridgeId>, found: String) {
        let found = found.replace("..", ".");
        self.report.findings.push(Finding::new(Kind::Unseen, bridge, found));
    }

    /// Tells of a fault, and queues what mends it where that is wished for.
    async fn found(&mut self, mut finding: Finding, mend: Option<Vec<Effect>>) -> Result<(), StoreError> {
        if let Some(effects) = mend.filter(|_| self.wish.repair) {
            self.queue(effects).await?;
            finding.repaired = true;
        }
        self.report.findings.push(finding);
        Ok(())
    }

    /// Leaves to the bridge what it is to do.
    async fn queue(&self, effects: Vec<Effect>) -> Result<(), StoreError> {
        Point::BeforeRecord.reached();
        self.heart.store.apply(None, effects).await?;
        Point::AfterRecord.reached();
        Ok(())
    }

    /// Whether a job of the outbox is about to deal with a post on a bridge.
    async fn waits(&self, bridge: BridgeId, post: &PostId) -> Result<bool, StoreError> {
        for what in ["show", "edit", "hide"] {
            let standing = self.heart.store.standing(&format!("{what}:{}:{post}", bridge.0)).await?;
            if standing.is_some_and(|standing| !standing.parked) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn takes_posts(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::Forum | ChannelKind::Text | ChannelKind::Announcement)
}

/// How long to wait before a question is asked again; `None` where the answer would be the same.
trait Delay {
    fn delay(&self) -> Option<Duration>;
}

impl Delay for Failure {
    fn delay(&self) -> Option<Duration> {
        match self {
            Self::Later { after, .. } => Some(*after),
            Self::Uncertain { .. } => Some(LITTLE),
            _ => None,
        }
    }
}

impl Delay for DiscordError {
    fn delay(&self) -> Option<Duration> {
        match self {
            Self::Later { after, .. } => Some(*after),
            Self::Uncertain { .. } => Some(LITTLE),
            _ => None,
        }
    }
}

/// Asks again after a while what got no answer.
async fn patiently<T, E: Delay>(mut ask: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    let mut tried = 1;
    loop {
        match ask().await {
            Err(error) if tried < TRIES && error.delay().is_some_and(|delay| delay <= PATIENCE) => {
                tokio::time::sleep(error.delay().unwrap_or(LITTLE).max(LITTLE / 4)).await;
                tried += 1;
            }
            answer => return answer,
        }
    }
}
