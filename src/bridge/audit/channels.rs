//! A bridge's channel and its threads, message by message, beside what the database knows of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::discord::rest::Span;
use crate::discord::{ChannelKind, DiscordError, Message};
use crate::forum::Failure;
use crate::model::{ChannelId, MessageId, PostId, ThreadId, ThreadPage};
use crate::store::{Effect, Origin, Part, PostRow, Priority, Room, StoreError, SubmissionState, ThreadRow};

use super::post::link_of;
use super::report::{Finding, Kind};
use super::{Audit, LITTLE, patiently};
use crate::bridge::Forum;
use crate::bridge::job::{Job, News, ThreadFacts, forum_lane};
use crate::bridge::record::{digest, digest_of, hide};
use crate::bridge::tie::Tie;

/// The most messages that Discord gives at once.
const PAGE: u8 = 100;
/// So many rows of the database at once.
const ROWS: u32 = 200;
/// Second messages of a post are numbered from here: beyond what any post takes up, so that the job that shows it
/// takes them away.
const SURPLUS: u32 = 1_000;
/// What a running bridge has just sent is written down within so many looks.
const LOOKS: u32 = 5;

/// Looks at a channel, for the bridges that lead to it.
pub async fn look(audit: &mut Audit<'_>, ties: &[Arc<Tie>]) -> Result<(), StoreError> {
    let Some(channel) = ties.first().map(|tie| tie.bridge.channel) else { return Ok(()) };
    let heart = audit.heart;
    let webhooks = match patiently(async || heart.discord.own_webhooks(channel).await).await {
        Ok(webhooks) => webhooks.into_iter().map(|webhook| webhook.id).collect(),
        Err(error) => return told(audit, ties, channel, &error),
    };
    let mut places = Vec::new();
    for tie in ties {
        if !tie.threaded() {
            places.push(channel);
        }
        places.extend(heart.store.places(tie.id()).await?);
    }
    let mut busy = false;
    for tie in ties {
        busy |= heart.store.queue(tie.id()).await?.waiting > 0;
    }
    let mut scan = Scan { audit, ties, channel, webhooks, busy };
    if ties.iter().any(|tie| tie.threaded()) {
        match scan.strays(&places).await {
            Ok(strays) => places.extend(strays),
            Err(error) => told(scan.audit, ties, channel, &error)?,
        }
    }
    places.sort_unstable();
    places.dedup();
    for place in places {
        (scan.audit.said)(&format!("Discord: channel {place}"));
        scan.place(place).await?;
    }
    Ok(())
}

fn told(
    audit: &mut Audit<'_>,
    ties: &[Arc<Tie>],
    channel: ChannelId,
    error: &DiscordError,
) -> Result<(), StoreError> {
    for tie in ties {
        audit.blind.insert(tie.id());
        audit.unseen(Some(tie.id()), format!("Channel {channel} can't be looked at: {error}."));
    }
    Ok(())
}

/// A channel that is looked at.
struct Scan<'a, 'b> {
    audit: &'a mut Audit<'b>,
    ties: &'a [Arc<Tie>],
    channel: ChannelId,
    /// The ids of our own webhooks there.
    webhooks: HashSet<u64>,
    /// There were jobs to do when we began: something may have been sent that is not written down yet.
    busy: bool,
}

impl Scan<'_, '_> {
    fn is_ours(&self, message: &Message) -> bool {
        message.webhook.is_some_and(|webhook| self.webhooks.contains(&webhook))
    }

    /// Discord threads of the channel that we seem to have opened and know nothing of.
    async fn strays(&self, known: &[ChannelId]) -> Result<Vec<ChannelId>, DiscordError> {
        let discord = &self.audit.heart.discord;
        let Some(tie) = self.ties.first() else { return Ok(Vec::new()) };
        let Some(guild) = tie.guild() else { return Ok(Vec::new()) };
        let mut threads = patiently(async || discord.active_threads(guild).await).await?;
        threads.extend(patiently(async || discord.archived_threads(self.channel).await).await?);
        let known: HashSet<_> = known.iter().collect();
        threads.retain(|thread| thread.parent == Some(self.channel) && !known.contains(&thread.id));
        let mut strays = Vec::new();
        for thread in threads {
            let ours = if tie.channel.kind == ChannelKind::Forum {
                let first = MessageId(thread.id.0);
                let starter = patiently(async || discord.message(thread.id, first).await).await?;
                starter.is_some_and(|message| self.is_ours(&message))
            } else {
                thread.owner.is_some() && thread.owner == self.audit.heart.me()
            };
            strays.extend(ours.then_some(thread.id));
        }
        Ok(strays)
    }

    /// One channel or thread, from its oldest message on.
    async fn place(&mut self, place: ChannelId) -> Result<(), StoreError> {
        let heart = self.audit.heart;
        let mut after = MessageId(0);
        // Unknown messages in a row by one author: the parts of one post, if its last line ends them.
        let mut row: Vec<Message> = Vec::new();
        loop {
            let read =
                patiently(async || heart.discord.messages(place, Span::After(after), PAGE).await).await;
            let messages = match read {
                Ok(messages) => messages,
                Err(DiscordError::Gone(_)) if place != self.channel => return self.thread_gone(place).await,
                Err(error) => return told(self.audit, self.ties, place, &error),
            };
            let to = messages.last().map(|message| message.id).filter(|_| messages.len() >= PAGE.into());
            let known = self.known(place, after, to, &messages).await?;
            for message in messages {
                if !self.is_ours(&message) {
                    continue;
                }
                self.audit.report.seen.messages += 1;
                let other = row.last().is_some_and(|last| last.author.name != message.author.name);
                if other || known.contains(&message.id) {
                    self.nameless(place, std::mem::take(&mut row)).await?;
                }
                if known.contains(&message.id) {
                    continue;
                }
                let link = link_of(&message.content).map(str::to_owned);
                row.push(message);
                if let Some(link) = link {
                    self.unknown(place, std::mem::take(&mut row), &link).await?;
                }
            }
            match to {
                Some(to) => after = to,
                None => return self.nameless(place, row).await,
            }
        }
    }

    /// Compares what is known of a stretch of a channel with its messages, and tells which of those are known.
    async fn known(
        &mut self,
        place: ChannelId,
        after: MessageId,
        to: Option<MessageId>,
        messages: &[Message],
    ) -> Result<HashSet<MessageId>, StoreError> {
        let there: HashMap<MessageId, &Message> = messages.iter().map(|it| (it.id, it)).collect();
        let mut known = HashSet::new();
        let mut after = after;
        loop {
            let parts = self.audit.heart.store.parts_after(place, after, ROWS).await?;
            let Some(last) = parts.last().map(|part| part.message) else { return Ok(known) };
            for part in parts {
                if to.is_some_and(|to| part.message > to) {
                    return Ok(known);
                }
                known.insert(part.message);
                let message = there.get(&part.message).copied();
                self.part(part, message).await?;
            }
            after = last;
        }
    }

    async fn part(&mut self, part: Part, message: Option<&Message>) -> Result<(), StoreError> {
        let Some(tie) = self.audit.heart.ties.get(part.bridge) else { return Ok(()) };
        if matches!(part.digest, Part::REMOVED | Part::LEAVING) {
            return Ok(());
        }
        let row = self.row(&tie, &part.post).await?;
        let gone = row.as_ref().is_some_and(|row| row.gone);
        match (part.origin, message) {
            (Origin::Forum, Some(_)) if gone => self.left_over(&tie, &part).await,
            (Origin::Forum, Some(message)) => {
                let said = digest_of(message.content.as_bytes());
                if self.audit.reads && said != part.digest {
                    self.audit.suspect.insert((part.bridge, part.post));
                }
                Ok(())
            }
            // The row is all that is left of it.
            (_, _) if gone => Ok(()),
            (Origin::Forum, None) => self.gone(&tie, part).await,
            (Origin::Discord, None) => self.reply_left(&tie, &part).await,
            (Origin::Discord, Some(_)) if row.is_none() => self.reply_unmet(&tie, &part).await,
            (Origin::Discord, Some(_)) => Ok(()),
        }
    }

    async fn row(&self, tie: &Tie, post: &PostId) -> Result<Option<PostRow>, StoreError> {
        let store = &self.audit.heart.store;
        Ok(store.posts(&tie.bridge.forum, std::slice::from_ref(post)).await?.pop())
    }

    fn forum(&self, tie: &Tie) -> Option<Arc<Forum>> {
        self.audit.heart.forums.get(&tie.bridge.forum).cloned()
    }

    /// Whether something is known of the post already, or about to be done.
    async fn passed_over(&mut self, tie: &Tie, post: &PostId) -> Result<bool, StoreError> {
        if self.audit.told.contains(&(tie.id(), post.clone())) {
            return Ok(true);
        }
        let waits = self.audit.waits(tie.id(), post).await?;
        if waits {
            self.audit.report.seen.under_way += 1;
        }
        Ok(waits)
    }

    /// A message of a post that is known to be gone.
    async fn left_over(&mut self, tie: &Tie, part: &Part) -> Result<(), StoreError> {
        if self.passed_over(tie, &part.post).await? {
            return Ok(());
        }
        let Some(row) = self.row(tie, &part.post).await? else { return Ok(()) };
        let address = self.address(tie, &row.thread, &part.post);
        let finding = finding(
            Kind::LeftOver,
            tie,
            part,
            &row.thread,
            format!("Post {address} is still in Discord, though it is gone from the forum."),
        );
        let mend = hide(tie, &row.thread, &part.post, self.audit.heart.store.now().await?)?;
        self.audit.told.insert((tie.id(), part.post.clone()));
        self.audit.found(finding, Some(vec![mend])).await
    }

    fn address(&self, tie: &Tie, thread: &ThreadId, post: &PostId) -> String {
        self.forum(tie).map_or_else(|| post.to_string(), |forum| forum.engine.post_url(thread, post))
    }

    /// A message that was sent and is not there.
    async fn gone(&mut self, tie: &Tie, part: Part) -> Result<(), StoreError> {
        if self.passed_over(tie, &part.post).await? {
            return Ok(());
        }
        let heart = self.audit.heart;
        let (mut kept, mut shown) = (Vec::new(), Vec::new());
        // What a running bridge did meanwhile is no fault.
        for part in heart.store.parts(tie.id(), &part.post).await? {
            if matches!(part.digest, Part::REMOVED | Part::LEAVING) || part.origin == Origin::Discord {
                continue;
            }
            match patiently(async || heart.discord.message(part.channel, part.message).await).await {
                Ok(None) => {
                    kept.push(Effect::Removed { message: part.message });
                    // The job that shows the post sends it again.
                    shown.push(Effect::Part(Part { digest: Part::LEAVING, ..part }));
                }
                Ok(Some(_)) => {}
                Err(error) => return told(self.audit, self.ties, part.channel, &error),
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        let row = self.row(tie, &part.post).await?;
        let thread = row.map_or_else(|| ThreadId::new(""), |row| row.thread);
        if self.audit.wish.gone == Some(super::Gone::Show)
            && let Some(forum) = self.forum(tie)
            && let Ok((thread, page)) = self.read(&forum, &part.post).await
        {
            shown.extend(self.showing(tie, &thread, &page, &part.post).await?);
        }
        let address = self.address(tie, &thread, &part.post);
        let found = format!(
            "Post {address} was shown in message {}, which is no longer there, and nobody saw why.",
            part.message
        );
        self.audit.told.insert((tie.id(), part.post.clone()));
        self.audit.lost(finding(Kind::Gone, tie, &part, &thread, found), kept, shown).await
    }

    /// A Discord thread that is no longer there, with all that was said in it.
    async fn thread_gone(&mut self, place: ChannelId) -> Result<(), StoreError> {
        let store = self.audit.heart.store.clone();
        let room = store.room_of_channel(place).await?;
        let (mut keep, mut show) = (Vec::new(), Vec::new());
        let (mut after, mut bridge) = (MessageId(0), room.as_ref().map(|room| room.bridge));
        if let Some(Room { bridge, thread, .. }) = &room {
            let dropped = Effect::DropRoom { bridge: *bridge, thread: thread.clone() };
            keep.push(dropped.clone());
            show.push(dropped);
        }
        loop {
            let parts = store.parts_after(place, after, ROWS).await?;
            let Some(last) = parts.last() else { break };
            after = last.message;
            for part in parts {
                bridge = bridge.or(Some(part.bridge));
                if part.origin == Origin::Forum && part.digest != Part::REMOVED {
                    keep.push(Effect::Removed { message: part.message });
                    show.push(Effect::DropParts { bridge: part.bridge, post: part.post.clone(), from: 0 });
                    self.audit.told.insert((part.bridge, part.post));
                }
            }
        }
        let thread = room.map(|room| room.thread);
        let what =
            thread.as_ref().map(|thread| format!(", which shows thread {thread},")).unwrap_or_default();
        let found = format!("Discord thread {place}{what} is no longer there, and nobody saw why.");
        let mut finding = Finding::new(Kind::Gone, bridge, found).at(place, None);
        finding.thread = thread;
        if self.audit.wish.repair && self.audit.wish.gone == Some(super::Gone::Show) {
            // The forum's pages tell what to show.
            self.audit.told.retain(|told| !show.iter().any(|effect| matches!(effect, Effect::DropParts { bridge, post, .. } if told.0 == *bridge && told.1 == *post)));
        }
        self.audit.lost(finding, keep, show).await
    }

    /// A reply whose message was deleted, and whose post is still there as far as is known.
    async fn reply_left(&mut self, tie: &Tie, part: &Part) -> Result<(), StoreError> {
        let heart = self.audit.heart;
        let Some(submission) = heart.store.submission(part.message).await? else { return Ok(()) };
        let waits = heart.store.standing(&format!("retract:{}", part.message)).await?.is_some();
        if submission.state != SubmissionState::Posted || waits {
            return Ok(());
        }
        match patiently(async || heart.discord.message(part.channel, part.message).await).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(()),
            Err(error) => return told(self.audit, self.ties, part.channel, &error),
        }
        let thread = submission.thread;
        let found = format!(
            "Message {} was deleted in Discord, and its post {} is still on the forum.",
            part.message,
            self.address(tie, &thread, &part.post)
        );
        let job = Job::Retract { bridge: tie.id(), thread: thread.clone(), message: part.message };
        let lane = forum_lane(&tie.bridge.forum, &thread);
        let queued = Effect::Enqueue(job.queued(lane, Priority::Live, heart.store.now().await?)?);
        self.audit.found(finding(Kind::ReplyLeft, tie, part, &thread, found), Some(vec![queued])).await
    }

    /// A reply that the forum took and that nobody has met there.
    async fn reply_unmet(&mut self, tie: &Tie, part: &Part) -> Result<(), StoreError> {
        let Some(forum) = self.forum(tie) else { return Ok(()) };
        if self.passed_over(tie, &part.post).await?
            || !matches!(self.read(&forum, &part.post).await, Err(Failure::Gone(_)))
        {
            return Ok(());
        }
        let submission = self.audit.heart.store.submission(part.message).await?;
        let thread = submission.map_or_else(|| ThreadId::new(""), |submission| submission.thread);
        let address = self.address(tie, &thread, &part.post);
        let found = format!("A reply from Discord, post {address}, is no longer on the forum.");
        let row = PostRow {
            forum: forum.key.clone(),
            post: part.post.clone(),
            thread: thread.clone(),
            digest: 0,
            gone: true,
        };
        let hidden = hide(tie, &thread, &part.post, self.audit.heart.store.now().await?)?;
        let mend = vec![Effect::Post(row), hidden];
        self.audit.told.insert((tie.id(), part.post.clone()));
        self.audit.found(finding(Kind::ReplyGone, tie, part, &thread, found), Some(mend)).await
    }

    async fn read(&self, forum: &Forum, post: &PostId) -> Result<(ThreadId, ThreadPage), Failure> {
        let page = patiently(async || forum.engine.page_with_post(post).await).await?;
        let shown =
            page.posts.iter().any(|own| own.id == *post && own.visibility == crate::model::Visibility::Shown);
        match page.thread.id.clone() {
            Some(thread) if shown => Ok((thread, page)),
            _ => Err(Failure::Gone("the page does not show the post".to_owned())),
        }
    }

    /// What brings the messages of a post in line with it, wherever it stands in the forum's history.
    async fn showing(
        &self,
        tie: &Tie,
        thread: &ThreadId,
        page: &ThreadPage,
        post: &PostId,
    ) -> Result<Vec<Effect>, StoreError> {
        let Some(post) = page.posts.iter().find(|own| own.id == *post) else { return Ok(Vec::new()) };
        let facts = ThreadFacts::new(thread, &page.thread, None);
        let forum = tie.bridge.forum.clone();
        let (board, title) = (facts.board.clone(), facts.title.clone());
        let row = PostRow {
            forum: forum.clone(),
            post: post.id.clone(),
            thread: thread.clone(),
            digest: digest(post),
            gone: false,
        };
        let job =
            Job::Show { bridge: tie.id(), thread: facts, post: Box::new(post.clone()), news: News::Changed };
        let queued = job.queued(tie.lane(thread), Priority::Live, self.audit.heart.store.now().await?)?;
        let thread = ThreadRow { forum, thread: thread.clone(), board, title };
        Ok(vec![Effect::Thread(thread), Effect::Post(row), Effect::Enqueue(queued)])
    }

    /// Messages of ours that name no post.
    async fn nameless(&mut self, place: ChannelId, row: Vec<Message>) -> Result<(), StoreError> {
        for message in row {
            if self.was_just_sent(message.id).await? {
                continue;
            }
            let tie =
                self.ties.iter().find(|tie| tie.threaded() == (place != self.channel)).or(self.ties.first());
            let found = format!(
                "Message {} by {} was sent through the bridge's webhook, and nothing is known of it; it names no post.",
                message.id, message.author.name
            );
            let finding = Finding::new(Kind::Unknown, tie.map(|tie| tie.id()), found)
                .at(place, Some(message.id))
                .mend("delete it in Discord, unless somebody needs it");
            self.audit.found(finding, None).await?;
        }
        Ok(())
    }

    /// Whether a running bridge sent it a moment ago and writes it down in this one, or at its next start.
    async fn was_just_sent(&mut self, message: MessageId) -> Result<bool, StoreError> {
        let store = self.audit.heart.store.clone();
        for _ in 0..if self.busy { LOOKS } else { 1 } {
            if store.part_of_message(message).await?.is_some() {
                return Ok(true);
            }
            if self.busy {
                tokio::time::sleep(LITTLE).await;
            }
        }
        self.audit.report.seen.under_way += u64::from(self.busy);
        Ok(self.busy)
    }

    /// Messages of ours that nothing is known of, and whose last line links to a post.
    async fn unknown(&mut self, place: ChannelId, row: Vec<Message>, link: &str) -> Result<(), StoreError> {
        let named = self.ties.iter().find_map(|tie| {
            let forum = self.forum(tie)?;
            let post = forum.engine.recognise(link)?.post?;
            Some((forum, post))
        });
        let Some((forum, post)) = named else { return self.nameless(place, row).await };
        let Some(last) = row.last().map(|message| message.id) else { return Ok(()) };
        let own: Vec<_> = self
            .ties
            .iter()
            .filter(|tie| tie.bridge.forum == forum.key && tie.threaded() == (place != self.channel))
            .cloned()
            .collect();
        for tie in &own {
            if self.passed_over(tie, &post).await? {
                return Ok(());
            }
        }
        // Its job may have ended between two looks.
        if self.audit.heart.store.part_of_message(last).await?.is_some() {
            return Ok(());
        }
        let (thread, page) = match self.read(&forum, &post).await {
            Ok(read) => read,
            Err(Failure::Gone(_)) => {
                let Some(tie) = own.first() else { return self.nameless(place, row).await };
                let room = self.audit.heart.store.room_of_channel(place).await?;
                let thread = room.map_or_else(|| ThreadId::new(""), |room| room.thread);
                return self.not_to_be_shown(tie, place, &row, &thread, &post).await;
            }
            Err(failure) => {
                let found = format!("Post {link} can't be looked at: {failure}.");
                self.audit.unseen(own.first().map(|tie| tie.id()), found);
                self.audit.told.extend(own.iter().map(|tie| (tie.id(), post.clone())));
                return Ok(());
            }
        };
        match own.iter().find(|tie| tie.covers(page.thread.board.id.as_ref(), &thread)) {
            Some(tie) => self.known_post(tie, place, &row, &thread, &page, &post).await,
            None => match own.first() {
                Some(tie) => self.not_to_be_shown(tie, place, &row, &thread, &post).await,
                None => self.nameless(place, row).await,
            },
        }
    }

    /// Nothing is known of the messages of a post that is not to be in Discord: they are made known, to be removed.
    async fn not_to_be_shown(
        &mut self,
        tie: &Tie,
        place: ChannelId,
        row: &[Message],
        thread: &ThreadId,
        post: &PostId,
    ) -> Result<(), StoreError> {
        let taken = self.audit.heart.store.parts(tie.id(), post).await?;
        if are_known(row, &taken) {
            return Ok(());
        }
        let from = taken.iter().map(|part| part.part + 1).max().unwrap_or(0);
        let mut mend = adopted(tie, place, row, post, from, None);
        mend.push(Effect::PostGone { forum: tie.bridge.forum.clone(), post: post.clone() });
        mend.push(hide(tie, thread, post, self.audit.heart.store.now().await?)?);
        let address = self.address(tie, thread, post);
        let found =
            format!("Post {address} is still in Discord, though it is gone from the forum or not bridged.");
        let finding = Finding::new(Kind::LeftOver, Some(tie.id()), found)
            .post(post)
            .at(place, row.first().map(|message| message.id));
        self.audit.told.insert((tie.id(), post.clone()));
        self.audit.found(finding, Some(mend)).await
    }

    /// Nothing is known of the messages of a post that is to be in Discord.
    async fn known_post(
        &mut self,
        tie: &Tie,
        place: ChannelId,
        row: &[Message],
        thread: &ThreadId,
        page: &ThreadPage,
        post: &PostId,
    ) -> Result<(), StoreError> {
        let heart = self.audit.heart;
        let parts = heart.store.parts(tie.id(), post).await?;
        if are_known(row, &parts) {
            return Ok(());
        }
        let mut there = false;
        for part in &parts {
            match patiently(async || heart.discord.message(part.channel, part.message).await).await {
                Ok(found) => there |= found.is_some(),
                Err(DiscordError::Gone(_)) => {}
                Err(error) => return told(self.audit, self.ties, part.channel, &error),
            }
        }
        let address = self.address(tie, thread, post);
        let (kind, found, mut mend) = if there {
            let mend = adopted(tie, place, row, post, SURPLUS, Some(Part::LEAVING));
            (Kind::Doubled, format!("Post {address} is in Discord twice."), mend)
        } else {
            let mut mend = Vec::new();
            if !parts.is_empty() {
                mend.push(Effect::DropParts { bridge: tie.id(), post: post.clone(), from: 0 });
            }
            if tie.threaded() && heart.store.room(tie.id(), thread).await?.is_none() {
                let bridge = tie.id();
                mend.push(Effect::Room(Room { bridge, thread: thread.clone(), channel: place, digest: 0 }));
                let job = Job::Dress { bridge, thread: ThreadFacts::new(thread, &page.thread, None) };
                let queued = job.queued(tie.lane(thread), Priority::Live, heart.store.now().await?)?;
                mend.push(Effect::Enqueue(queued));
            }
            mend.extend(adopted(tie, place, row, post, 0, None));
            (
                Kind::Unknown,
                format!("Post {address} is in Discord, and nothing is known of its message."),
                mend,
            )
        };
        mend.extend(self.showing(tie, thread, page, post).await?);
        let finding = Finding::new(kind, Some(tie.id()), found)
            .thread(thread)
            .post(post)
            .at(place, row.first().map(|message| message.id));
        self.audit.told.insert((tie.id(), post.clone()));
        self.audit.found(finding, Some(mend)).await
    }
}

/// Whether a bridge that runs, or another audit, made these messages known while the forum was asked about their post.
fn are_known(row: &[Message], parts: &[Part]) -> bool {
    parts.iter().any(|part| row.iter().any(|message| message.id == part.message))
}

/// Messages that are made known as the parts of a post, numbered from here.
fn adopted(
    tie: &Tie,
    place: ChannelId,
    row: &[Message],
    post: &PostId,
    from: u32,
    digest: Option<i64>,
) -> Vec<Effect> {
    let part = |(part, message): (u32, &Message)| {
        Effect::Part(Part {
            bridge: tie.id(),
            post: post.clone(),
            part,
            channel: place,
            message: message.id,
            digest: digest.unwrap_or_else(|| digest_of(message.content.as_bytes())),
            origin: Origin::Forum,
        })
    };
    (from..).zip(row).map(part).collect()
}

fn finding(kind: Kind, tie: &Tie, part: &Part, thread: &ThreadId, found: String) -> Finding {
    let mut finding =
        Finding::new(kind, Some(tie.id()), found).post(&part.post).at(part.channel, Some(part.message));
    finding.thread = Some(thread.clone()).filter(|thread| !thread.as_str().is_empty());
    finding
}
