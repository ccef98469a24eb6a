//! One post and the messages that show it on one bridge.

use std::sync::Arc;
use std::time::Duration;

use crate::discord::Outgoing;
use crate::model::{Post, PostId, ThreadId, ThreadPage};
use crate::store::history::{Happened, What};
use crate::store::{BridgeId, Effect, Origin, Part, StoreError};

use super::report::{Finding, Kind};
use super::{Audit, Gone, patiently};
use crate::bridge::Forum;
use crate::bridge::adopt::same_text;
use crate::bridge::job::{Job, News, ThreadFacts};
use crate::bridge::record::{Behind, digest_of};
use crate::bridge::render::{Quoting, render};
use crate::bridge::tie::Tie;
use crate::bridge::watch::QUIETEST;
use crate::bridge::watch::doubt::AWAY;

/// A post that is younger than this is none that the bridge has failed to meet.
const YOUNG: Duration = Duration::from_secs(600);

/// A page of the forum, and what the bridge would do on reading it as if for the first time.
pub struct Read<'a> {
    pub forum: &'a Forum,
    pub thread: &'a ThreadId,
    pub page: &'a ThreadPage,
    pub behind: &'a [Behind],
    pub effects: &'a [Effect],
}

impl Read<'_> {
    /// What the bridge would write to show a post: the job, and what it presumes.
    pub fn showing(&self, bridge: BridgeId, post: &PostId) -> Vec<Effect> {
        self.about(post, |job| matches!(job, Job::Show { bridge: to, .. } if *to == bridge))
            .filter(|effect| match effect {
                Effect::Happened(happened) => happened.bridge.is_none_or(|to| to == bridge),
                _ => true,
            })
            .cloned()
            .collect()
    }

    /// What it would write to take a post away from this bridge.
    pub fn hiding(&self, bridge: BridgeId, post: &PostId) -> Vec<Effect> {
        self.about(post, |job| matches!(job, Job::Hide { bridge: to, .. } if *to == bridge))
            .cloned()
            .collect()
    }

    fn about(&self, post: &PostId, wanted: impl Fn(&Job) -> bool) -> impl Iterator<Item = &Effect> {
        self.effects.iter().filter(move |effect| match effect {
            Effect::Thread(_) => true,
            Effect::Post(row) => row.post == *post,
            Effect::PostGone { post: gone, .. } => gone == post,
            Effect::Follow(follow) => follow.marker == AWAY,
            Effect::Credit(credit) => credit.post == *post,
            Effect::Happened(happened) => happened.post == *post,
            Effect::Enqueue(_) => job_of(effect).is_some_and(|job| {
                wanted(&job)
                    && match &job {
                        Job::Show { post: shown, .. } => shown.id == *post,
                        Job::Hide { post: hidden, .. } => hidden == post,
                        _ => false,
                    }
            }),
            _ => false,
        })
    }

    pub fn address(&self, post: &PostId) -> String {
        self.forum.engine.post_url(self.thread, post)
    }
}

/// The job that an effect queues.
pub fn job_of(effect: &Effect) -> Option<Job> {
    match effect {
        Effect::Enqueue(job) => serde_json::from_value(job.job.clone()).ok(),
        _ => None,
    }
}

impl Audit<'_> {
    /// Looks at a post that the bridge would show, or (`Changed`) bring up to date where it is shown.
    pub(super) async fn judge(
        &mut self,
        read: &Read<'_>,
        tie: &Arc<Tie>,
        facts: &ThreadFacts,
        post: &Post,
        news: News,
    ) -> Result<(), StoreError> {
        let own = (tie.id(), post.id.clone());
        let parts = self.heart.store.parts(tie.id(), &post.id).await?;
        if parts.first().is_some_and(|part| part.origin == Origin::Discord)
            || (parts.is_empty() && news == News::Changed)
        {
            return Ok(());
        }
        let removed = parts.iter().filter(|part| part.digest == Part::REMOVED).count();
        self.report.seen.removed += u64::from(removed > 0);
        if removed > 0 && removed == parts.len() || self.told.contains(&own) {
            return Ok(());
        }
        if self.waits(tie.id(), &post.id).await? {
            self.report.seen.under_way += 1;
            return Ok(());
        }
        if parts.is_empty() {
            return self.missing(read, tie, post).await;
        }
        let outgoing = render(self.heart, tie, facts, post, &parts, Quoting::Shown).await?;
        if fits(&parts, &outgoing) && !self.suspect.contains(&own) {
            return Ok(());
        }
        let mut said = Vec::new();
        for part in parts.iter().filter(|_| self.reads) {
            if part.digest == Part::REMOVED {
                said.push(None);
                continue;
            }
            match patiently(async || self.heart.discord.message(part.channel, part.message).await).await {
                Ok(Some(message)) => said.push(Some(message.content)),
                // That it is gone is told of with its channel.
                Ok(None) => return Ok(()),
                Err(error) => {
                    let message = part.message;
                    self.unseen(Some(tie.id()), format!("Message {message} can't be looked at: {error}."));
                    return Ok(());
                }
            }
        }
        if self.reads {
            // A quoted post may have come to Discord, or gone, since the message was sent; and the title of a post is
            // shown only where it is not its thread's, which may have been renamed.
            let untitled = Post { title: None, ..post.clone() };
            for post in [post, &untitled] {
                for quoting in [Quoting::Shown, Quoting::Ever, Quoting::Nothing] {
                    let outgoing = render(self.heart, tie, facts, post, &parts, quoting).await?;
                    if says(&said, &outgoing) {
                        return Ok(());
                    }
                }
            }
        }
        let first = parts.first().map(|part| (part.channel, part.message));
        let mut finding = Finding::new(
            Kind::Outdated,
            Some(tie.id()),
            format!("What Discord shows of post {} is not what it says.", read.address(&post.id)),
        )
        .thread(read.thread)
        .post(&post.id);
        if let Some((channel, message)) = first {
            finding = finding.at(channel, Some(message));
        }
        // Whatever was sent, it is not there: each part is sent anew.
        let forgotten = parts.into_iter().filter(|part| part.digest != Part::REMOVED);
        let mut mend: Vec<_> = forgotten.map(|part| Effect::Part(Part { digest: 0, ..part })).collect();
        mend.extend(read.showing(tie.id(), &post.id));
        self.found(finding, Some(mend)).await
    }

    /// A post that the bridge wants and that has no message.
    async fn missing(&mut self, read: &Read<'_>, tie: &Arc<Tie>, post: &Post) -> Result<(), StoreError> {
        let follow = read.behind.iter().find(|b| b.tie.id() == tie.id()).and_then(|b| b.follow.clone());
        let unread = follow.as_ref().is_some_and(|follow| follow.marker.is_empty());
        let last = read.page.posts.iter().filter_map(|post| post.number).max();
        if Behind::new(tie.clone(), follow).wants(post, last) && (unread || self.is_young(read.forum, post)) {
            // The bridge has still to come to it.
            self.report.seen.under_way += 1;
            return Ok(());
        }
        let chapters = self.heart.store.history(&tie.bridge.forum, &post.id).await?;
        let last = |what: What| {
            let own = chapters.iter().filter(|it| it.bridge == Some(tie.id()) && it.what == what);
            own.map(|chapter| chapter.last).max()
        };
        let sent = last(What::Sent);
        if sent.is_some() && last(What::Removed) >= sent {
            self.report.seen.removed += 1;
            return Ok(());
        }
        let showing = read.showing(tie.id(), &post.id);
        self.opened.insert((tie.id(), read.thread.clone()));
        if sent.is_none() || last(What::Withdrawn) >= sent {
            let found = format!("Post {} should be in Discord and is not.", read.address(&post.id));
            let finding = Finding::new(Kind::Missing, Some(tie.id()), found);
            let mend = Some(showing).filter(|_| !self.blind.contains(&tie.id()));
            return self.found(finding.thread(read.thread).post(&post.id), mend).await;
        }
        let found = format!(
            "Post {} was shown once; its message is no longer there, and nobody saw why.",
            read.address(&post.id)
        );
        let removed = Happened {
            forum: tie.bridge.forum.clone(),
            post: post.id.clone(),
            bridge: Some(tie.id()),
            what: What::Removed,
        };
        let finding = Finding::new(Kind::Gone, Some(tie.id()), found).thread(read.thread).post(&post.id);
        self.lost(finding, vec![Effect::Happened(removed)], showing).await
    }

    /// Something that was shown is gone, and only people know whether it was meant so.
    pub(super) async fn lost(
        &mut self,
        finding: Finding,
        keep: Vec<Effect>,
        show: Vec<Effect>,
    ) -> Result<(), StoreError> {
        let finding = finding.mend(
            "if it was deleted on purpose, run --repair --gone keep; to have it shown again, --repair --gone show",
        );
        let mend = match self.wish.gone {
            Some(Gone::Keep) => Some(keep),
            Some(Gone::Show) => Some(show),
            None => None,
        };
        self.found(finding, mend).await
    }

    fn is_young(&self, forum: &Forum, post: &Post) -> bool {
        let limit = YOUNG.max(forum.poll * QUIETEST * 2);
        post.posted_at.is_some_and(|at| {
            Duration::try_from(self.heart.clock.now().duration_since(at)).is_ok_and(|age| age < limit)
        })
    }
}

/// Whether these messages are what was last sent, as far as the database knows.
fn fits(parts: &[Part], outgoing: &[Outgoing]) -> bool {
    parts.len() == outgoing.len()
        && parts.iter().zip(outgoing).all(|(part, message)| {
            part.digest == Part::REMOVED || part.digest == digest_of(message.content.as_bytes())
        })
}

/// Whether Discord shows these messages; `None` stands for one that somebody deleted.
fn says(said: &[Option<String>], outgoing: &[Outgoing]) -> bool {
    said.len() == outgoing.len()
        && said.iter().zip(outgoing).all(|(said, message)| {
            said.as_deref().is_none_or(|said| same_text(&untitled(said), &untitled(&message.content)))
        })
}

/// A message without what its last line says of the thread's title (some addresses hold it, too) and of the time of an
/// edit: what was sent stays when a thread is renamed, or a post is edited to the same words.
fn untitled(text: &str) -> String {
    let (before, last) =
        text.trim_end().rsplit_once('\n').map_or(("", text), |(before, last)| (before, last));
    match last.strip_prefix("-# [").and_then(|line| line.rsplit_once("](<")) {
        Some((_, rest)) => {
            let rest = rest.split_once(">)").map_or(rest, |(_, rest)| rest);
            let rest = rest.split_once(" · edited <t:").map_or(rest, |(rest, _)| rest);
            format!("{before}\n-# {rest}")
        }
        None => text.to_owned(),
    }
}

/// The address in the last line of a message: that of the post whose end it is.
pub fn link_of(text: &str) -> Option<&str> {
    let last = text.trim_end().rsplit('\n').next()?;
    let (_, rest) = last.strip_prefix("-# [")?.rsplit_once("](<")?;
    rest.split_once(">)").map(|(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::{link_of, untitled};

    #[test]
    fn the_last_line_names_the_post() {
        let text = "Words.\n-# [A \\[b\\] \\(c #32](<https://forum.example/?p=32#post32>) · 1 thanks: Ann";
        assert_eq!(link_of(text), Some("https://forum.example/?p=32#post32"));
        assert_eq!(link_of("-# [#1](<https://f.example/1>)\n"), Some("https://f.example/1"));
        assert_eq!(link_of("-# on the forum"), None);
        assert_eq!(link_of("[#1](<https://f.example/1>)"), None);
        assert_eq!(untitled(text), untitled(&text.replace("\\(c", "another")));
        assert_ne!(untitled(text), untitled(&text.replace("1 thanks", "2 thanks")));
        assert_ne!(untitled(text), untitled(&text.replace("Words", "Other words")));
    }
}
