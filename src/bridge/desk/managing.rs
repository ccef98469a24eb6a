//! Bridges for those who have Manage Server. Everything here begins with a [`Manager`] and looks only at
//! bridges whose guild is theirs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::config::{BridgeConfig, DEFAULT_THANKS, Scope, Start};
use crate::discord::commands::asks::{
    BridgeView, Bridges, Manager, NewBridge, ParkedView, Plan, Progress, Standing, StatusView, StoryView,
    Suggestion,
};
use crate::discord::rest::Need;
use crate::discord::{Channel, ChannelKind, DiscordError};
use crate::fence;
use crate::forum::PageRef;
use crate::model::{ChannelId, GuildId};
use crate::store::{Bridge, Effect, Parked, Priority, StoreError};

use super::super::catchup;
use super::super::hear::Gate;
use super::super::inbox;
use super::super::job::{Job, watcher_lane};
use super::super::record::hide;
use super::super::run;
use super::super::why::Story;
use super::{Desk, Sight, busy, sentence};

/// What one message costs at Discord's pace, and one page of the forum at an ordinary gap between requests.
const A_MESSAGE: Duration = Duration::from_millis(500);
const A_PAGE: Duration = Duration::from_millis(1200);
const PAGE: u64 = 20;
const SUGGESTIONS: usize = 25;

impl Desk {
    /// The bridges of the manager's guild, whether or not Discord tells of their channels.
    async fn own_bridges(&self, manager: Manager) -> Result<Vec<Bridge>, String> {
        self.aware(manager.asker()).await?;
        Ok(self.bridges_of(manager.guild()))
    }

    fn bridges_of(&self, guild: GuildId) -> Vec<Bridge> {
        let mut bridges = self.heart.ties.rows();
        bridges.retain(|bridge| match self.heart.ties.get(bridge.id) {
            Some(tie) => tie.guild() == Some(guild),
            None => bridge.guild == Some(guild),
        });
        bridges
    }

    /// The bridge that a manager means, by its number.
    async fn own_bridge(&self, manager: Manager, text: &str) -> Result<Bridge, String> {
        let number = text.trim().parse::<i64>().ok();
        let bridges = self.own_bridges(manager).await?;
        let found = bridges.into_iter().find(|bridge| Some(bridge.id.0) == number);
        found.ok_or_else(|| "There is no such bridge in this server; /bridge list shows them.".to_owned())
    }

    fn view(&self, bridge: &Bridge) -> BridgeView {
        BridgeView {
            id: bridge.id.0,
            forum: bridge.forum.to_string(),
            carries: match &bridge.scope {
                Scope::Board(board) => {
                    let named = self.public_boards(&bridge.forum).into_iter().find(|it| it.id == *board);
                    named.map_or_else(|| format!("board {board}"), |board| board.name)
                }
                Scope::Thread(thread) => format!("thread {thread}"),
            },
            channel: bridge.channel,
            layout: bridge.layout,
            replies: bridge.replies,
            from_file: bridge.from_file,
            paused: bridge.paused,
            tied: self.heart.ties.get(bridge.id).is_some(),
        }
    }

    /// Brings a bridge in memory up to date with its row.
    async fn reload(&self, bridge: &Bridge) -> Result<Bridge, String> {
        self.heart.know().await.map_err(busy)?;
        let fresh = self.heart.ties.rows().into_iter().find(|it| it.id == bridge.id);
        let fresh = fresh.ok_or_else(|| "That bridge was just removed.".to_owned())?;
        if let Some(forum) = self.heart.forums.get(&fresh.forum) {
            forum.nudge.notify_one();
        }
        Ok(fresh)
    }

    /// A bridge goes on: what was held is sent, what went away on the forum meanwhile is taken away, and what it shows is
    /// looked at anew for what was changed.
    async fn make_up(&self, bridge: &Bridge) -> Result<(), StoreError> {
        let store = &self.heart.store;
        let now = store.now().await?;
        let again = Job::LookAgain { forum: bridge.forum.clone() };
        let again = again.queued(watcher_lane(&bridge.forum), Priority::Live, now)?;
        let mut effects = vec![Effect::Reexamine { bridge: bridge.id }, Effect::Enqueue(again)];
        if let Some(tie) = self.heart.ties.get(bridge.id) {
            for (thread, post) in store.outlived(bridge.id).await? {
                effects.push(hide(&tie, &thread, &post, now)?);
            }
        }
        inbox::receive(&self.heart, None, effects).await?;
        store.release().await?;
        self.heart.stir();
        Ok(())
    }

    /// What a new bridge would carry. A guest of the forum must see it: a bridge to what only some may read
    /// is for whoever runs the bot to make.
    async fn scope(&self, sight: &Sight, wish: &NewBridge) -> Result<Scope, String> {
        const HIDDEN: &str = "The forum does not show that to everyone, or has no such thing; a bridge to it can only be made in the configuration file.";
        match (&wish.board, &wish.thread) {
            (Some(board), None) => {
                let board = match sight.forum.engine.recognise(board.trim()).and_then(|place| place.board) {
                    Some(board) => board,
                    None => sight.board(board),
                };
                match sight.guest.board(&board, 1).await {
                    Ok(_) => Ok(Scope::Board(board)),
                    Err(crate::forum::Failure::Gone(_)) => Err(HIDDEN.to_owned()),
                    Err(failure) => Err(sentence(&failure)),
                }
            }
            (None, Some(thread)) => {
                let place = sight.place(thread)?;
                let read = match (&place.thread, &place.post) {
                    (Some(thread), _) => sight.guest.thread(thread, PageRef::Number(1)).await,
                    (None, Some(post)) => sight.guest.page_with_post(post).await,
                    (None, None) => return Err("That address names no thread.".to_owned()),
                };
                match read {
                    Ok(page) => {
                        page.thread.id.or(place.thread).map(Scope::Thread).ok_or_else(|| HIDDEN.to_owned())
                    }
                    Err(crate::forum::Failure::Gone(_)) => Err(HIDDEN.to_owned()),
                    Err(failure) => Err(sentence(&failure)),
                }
            }
            _ => Err("Name a board or a thread, one of the two.".to_owned()),
        }
    }

    /// The channel of this guild that a bridge is to lead to, once nothing is missing there.
    async fn destination(&self, guild: GuildId, wish: &NewBridge) -> Result<Channel, String> {
        let id = wish.channel;
        let channel = self.heart.discord.channel(id).await.map_err(|error| cannot_see(id, &error))?;
        if channel.guild != Some(guild) {
            return Err("That channel is not in this server.".to_owned());
        }
        if !matches!(channel.kind, ChannelKind::Text | ChannelKind::Announcement | ChannelKind::Forum) {
            return Err(format!("A bridge leads to a text, announcement or forum channel; <#{id}> is none."));
        }
        let missing = self.heart.discord.missing(id, &Need::ALL).await;
        let missing = missing.map_err(|error| cannot_see(id, &error))?;
        let bot: Vec<_> = missing.into_iter().map(Need::name).collect();
        let mut lacking = Vec::new();
        if !bot.is_empty() {
            lacking.push(format!("the bot lacks {}", bot.join(", ")));
        }
        if !wish.person_lacks.is_empty() {
            lacking.push(format!("you lack {}", wish.person_lacks.join(", ")));
        }
        if lacking.is_empty() {
            return Ok(channel);
        }
        Err(format!("In <#{id}> {}; nothing was changed.", lacking.join(", and ")))
    }

    /// The guild's things that were given up.
    async fn own_parked(&self, manager: Manager) -> Result<Vec<(Parked, String)>, String> {
        let bridges = self.own_bridges(manager).await?;
        let mut own = Vec::new();
        for parked in self.heart.store.parked().await.map_err(busy)? {
            let Ok(job) = serde_json::from_value::<Job>(parked.job.clone()) else { continue };
            let of_guild = match job.bridge() {
                Some(id) => bridges.iter().any(|bridge| bridge.id == id),
                None => match &job {
                    Job::Thank { forum, post } => {
                        let thanks = self.heart.store.thankers(forum, post).await.map_err(busy)?;
                        thanks.iter().any(|it| bridges.iter().any(|bridge| bridge.id == it.bridge))
                    }
                    _ => false,
                },
            };
            if of_guild {
                own.push((parked, job.describe()));
            }
        }
        Ok(own)
    }
}

fn cannot_see(channel: ChannelId, error: &DiscordError) -> String {
    match error {
        DiscordError::Gone(_) => "That channel is not there.".to_owned(),
        DiscordError::Forbidden(_) => {
            format!("The bot can't see <#{channel}>: give it View Channel there. Nothing was changed.")
        }
        _ => "Discord did not tell about that channel; please try again.".to_owned(),
    }
}

#[async_trait]
impl Bridges for Desk {
    async fn add(&self, manager: Manager, wish: NewBridge) -> Result<BridgeView, String> {
        let address = wish.thread.as_deref().or(wish.board.as_deref()).unwrap_or_default();
        let sight = self.sight_of(manager.asker(), wish.forum.as_deref(), address).await?;
        let channel = self.destination(manager.guild(), &wish).await?;
        let config = BridgeConfig {
            forum: sight.forum.key.clone(),
            scope: self.scope(&sight, &wish).await?,
            channel: wish.channel,
            layout: wish.layout,
            replies: wish.replies,
            thanks: DEFAULT_THANKS.map(str::to_owned).to_vec(),
            start: Start::Now,
        };
        let made = self.heart.store.add_bridge(&config, manager.guild()).await.map_err(busy)?;
        let bridge = made.ok_or("There is such a bridge already; /bridge list shows it.")?;
        tracing::info!(bridge = bridge.id.0, channel = %bridge.channel, by = %manager.asker().user, "a bridge was made");
        run::tie(&self.heart, &bridge, channel).await.map_err(busy)?;
        Ok(self.view(&bridge))
    }

    async fn list(&self, manager: Manager) -> Result<Vec<BridgeView>, String> {
        Ok(self.own_bridges(manager).await?.iter().map(|bridge| self.view(bridge)).collect())
    }

    async fn pause(&self, manager: Manager, bridge: &str, paused: bool) -> Result<BridgeView, String> {
        let bridge = self.own_bridge(manager, bridge).await?;
        self.heart.store.set_paused(bridge.id, paused).await.map_err(busy)?;
        tracing::info!(bridge = bridge.id.0, paused, by = %manager.asker().user, "a bridge was paused or resumed");
        let fresh = self.reload(&bridge).await?;
        self.heart.wake.notify_waiters();
        if !paused {
            self.make_up(&fresh).await.map_err(busy)?;
        }
        if let (false, Some(tie)) = (paused, self.heart.ties.get(fresh.id)) {
            // What was said and thanked meanwhile.
            let heart = self.heart.clone();
            tokio::spawn(fence::carry(fence::held(), async move {
                catchup::bridge(&heart, &tie, &Gate::default(), &CancellationToken::new()).await;
            }));
        }
        Ok(self.view(&fresh))
    }

    async fn remove(&self, manager: Manager, bridge: &str) -> Result<BridgeView, String> {
        let bridge = self.own_bridge(manager, bridge).await?;
        let view = self.view(&bridge);
        if !self.heart.store.remove_bridge(bridge.id).await.map_err(busy)? {
            return Err("That bridge is in the configuration file; it can only be removed there. /bridge pause stops it meanwhile.".to_owned());
        }
        self.heart.know().await.map_err(busy)?;
        // What waited for it to be resumed finds it gone.
        self.heart.store.release().await.map_err(busy)?;
        tracing::info!(bridge = bridge.id.0, by = %manager.asker().user, "a bridge was removed");
        Ok(view)
    }

    async fn plan(&self, manager: Manager, bridge: &str, depth: Start) -> Result<Plan, String> {
        let bridge = self.own_bridge(manager, bridge).await?;
        let forum = self.heart.forums.get(&bridge.forum).ok_or("The forum is no longer configured.")?;
        let wanted = |replies: Option<u64>| match depth {
            Start::Newest(count) => (replies.unwrap_or(0) + 1).min(u64::from(count)),
            Start::All | Start::Now => replies.unwrap_or(0) + 1,
        };
        let (threads, posts, about) = match &bridge.scope {
            Scope::Thread(thread) => {
                let page = forum.engine.thread(thread, PageRef::Last).await.map_err(|it| sentence(&it))?;
                let total = page.thread.total_results.unwrap_or(page.posts.len() as u64);
                (1, wanted(Some(total.saturating_sub(1))), page.thread.total_results.is_none())
            }
            Scope::Board(board) => {
                let page = forum.engine.board(board, 1).await.map_err(|it| sentence(&it))?;
                let own: Vec<_> = page.threads.iter().filter(|it| !it.moved && !it.deleted).collect();
                let posts: u64 = own.iter().map(|thread| wanted(thread.replies)).sum();
                let pages = u64::from(page.pages.max(1));
                (
                    own.len() as u64 * pages,
                    posts * pages,
                    pages > 1 || own.iter().any(|it| it.replies.is_none()),
                )
            }
        };
        let pages = threads + posts / PAGE;
        let takes = (A_MESSAGE * clamped(posts)).max(A_PAGE * clamped(pages));
        Ok(Plan { bridge: self.view(&bridge), depth, threads, posts, about, takes })
    }

    async fn backfill(&self, manager: Manager, bridge: &str, depth: Start) -> Result<BridgeView, String> {
        let bridge = self.own_bridge(manager, bridge).await?;
        if bridge.paused {
            return Err("That bridge is paused; resume it first.".to_owned());
        }
        self.heart.store.set_backfill(bridge.id, depth).await.map_err(busy)?;
        tracing::info!(bridge = bridge.id.0, ?depth, by = %manager.asker().user, "older posts are brought over");
        Ok(self.view(&self.reload(&bridge).await?))
    }

    async fn progress(&self, manager: Manager, bridge: &str) -> Result<Progress, String> {
        let bridge = self.own_bridge(manager, bridge).await?;
        let store = &self.heart.store;
        let threads = match bridge.baseline {
            Some(_) => Some(store.unread_count(bridge.id).await.map_err(busy)?),
            None => None,
        };
        Ok(Progress { threads, waiting: store.queue(bridge.id).await.map_err(busy)?.waiting })
    }

    async fn status(&self, manager: Manager, bridge: Option<&str>) -> Result<StatusView, String> {
        let wanted = match bridge {
            Some(bridge) => vec![self.own_bridge(manager, bridge).await?],
            None => self.own_bridges(manager).await?,
        };
        let parts = self.heart.health.parts();
        let mut bridges = Vec::new();
        for bridge in wanted {
            let queue = self.heart.store.queue(bridge.id).await.map_err(busy)?;
            let tie = self.heart.ties.get(bridge.id);
            let mut faults = Vec::new();
            match &tie {
                Some(tie) => {
                    let held = tie.held(self.heart.clock.monotonic());
                    faults.extend(held.map(|(_, reason)| format!("Discord: {reason}")));
                }
                None => faults.push("Discord: the channel can't be reached".to_owned()),
            }
            if let Some(Err(fault)) = parts.get(&format!("forum {}", bridge.forum)) {
                faults.push(format!("The forum: {fault}"));
            }
            faults.extend(queue.reason.map(|reason| format!("Not sent yet: {reason}")));
            bridges.push(Standing {
                bridge: self.view(&bridge),
                waiting: queue.waiting,
                lag: Duration::from_millis(queue.lag.unsigned_abs()),
                threads_unread: self.heart.store.unread_count(bridge.id).await.map_err(busy)?,
                faults,
            });
        }
        let shown: Vec<i64> = bridges.iter().map(|standing| standing.bridge.id).collect();
        let all = bridge.is_none();
        let parked = self.own_parked(manager).await?.into_iter();
        let parked = parked
            .filter(|(parked, _)| {
                let job = serde_json::from_value::<Job>(parked.job.clone()).ok();
                all || job.and_then(|job| job.bridge()).is_some_and(|id| shown.contains(&id.0))
            })
            .map(|(parked, what)| ParkedView { id: parked.id, what, reason: parked.reason })
            .collect();
        Ok(StatusView { bridges, parked })
    }

    async fn unpark(&self, manager: Manager, id: i64, retry: bool) -> Result<String, String> {
        let own = self.own_parked(manager).await?.into_iter().any(|(parked, _)| parked.id == id);
        if !own || !self.heart.store.unpark(id, retry).await.map_err(busy)? {
            return Err("That is no longer given up.".to_owned());
        }
        tracing::info!(id, retry, by = %manager.asker().user, "something given up was taken up again or discarded");
        self.heart.wake.notify_waiters();
        Ok(if retry { "It is tried again." } else { "It is discarded." }.to_owned())
    }

    async fn why(&self, manager: Manager, post: &str, forum: Option<&str>) -> Result<StoryView, String> {
        let sight = self.sight_of(manager.asker(), forum, post).await?;
        let post = sight.post(post)?;
        let own: Vec<_> = self.own_bridges(manager).await?.iter().map(|bridge| bridge.id).collect();
        let store: &Arc<_> = &self.heart.store;
        let story = Story::of(&**store, &sight.forum.key, &post, |bridge| own.contains(&bridge.id)).await;
        let story = story.map_err(busy)?;
        let lines = story.lines(|bridge| {
            let view = self.view(bridge);
            format!("**{} → <#{}>**", crate::discord::look::plain(&view.carries), view.channel)
        });
        let thread = store.posts(&sight.forum.key, std::slice::from_ref(&post)).await.map_err(busy)?.pop();
        let url = thread.map(|row| sight.forum.engine.post_url(&row.thread, &post)).unwrap_or_default();
        Ok(StoryView { url, lines })
    }

    async fn complete_bridges(&self, manager: Manager, words: &str) -> Vec<Suggestion> {
        let words = words.to_lowercase();
        let bridges = self.bridges_of(manager.guild());
        bridges
            .iter()
            .map(|bridge| {
                let view = self.view(bridge);
                let tie = self.heart.ties.get(bridge.id);
                let channel = tie.map_or_else(|| bridge.channel.to_string(), |tie| tie.channel.name.clone());
                let name = format!("{}: {} {} → #{channel}", view.id, view.forum, view.carries);
                Suggestion { name, value: view.id.to_string() }
            })
            .filter(|suggestion| suggestion.name.to_lowercase().contains(&words))
            .take(SUGGESTIONS)
            .collect()
    }
}

fn clamped(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX / 2)
}
