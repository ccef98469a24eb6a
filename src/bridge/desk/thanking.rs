//! Thanks for whoever asks: who gave them and who has the most, from the database; and giving them by
//! command, which counts as a reaction does.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use crate::discord::commands::asks::{Asker, Period, Side, Thanking, TopRow, TopView, WhoView};
use crate::forum::{Place, cannot};
use crate::model::{MessageId, PostId, ThreadId};
use crate::store::people::Tally;
use crate::store::{Effect, Origin, Part, Reaction};

use super::super::inbox::{self, BY_COMMAND, thank_job};
use super::super::tie::Tie;
use super::{Desk, NEW_HERE, Sight, busy};

/// Rows of one answer.
const ROWS: usize = 10;

impl Desk {
    /// The post that a message of this guild shows, and its bridge.
    pub(super) async fn shown(
        &self,
        asker: Asker,
        message: MessageId,
    ) -> Result<(std::sync::Arc<Tie>, Part), String> {
        let aware = self.aware(asker).await?;
        let part = self.heart.store.part_of_message(message).await.map_err(busy)?;
        let own = part.and_then(|part| {
            let tie = self.heart.ties.get(part.bridge)?;
            let here = tie.guild().is_some() && tie.guild() == asker.guild && part.channel == asker.channel;
            here.then_some((tie, part))
        });
        own.ok_or_else(|| if aware { "That message shows no post of a forum." } else { NEW_HERE }.to_owned())
    }

    /// Who thanked for a post that may be shown here.
    async fn who_thanked(&self, asker: Asker, sight: &Sight, post: &PostId) -> Result<WhoView, String> {
        let (store, forum) = (&self.heart.store, &sight.forum);
        let row = store.posts(&forum.key, std::slice::from_ref(post)).await.map_err(busy)?.pop();
        let credit = store.credit(&forum.key, post).await.map_err(busy)?;
        let (Some(row), Some(credit)) = (row, credit) else {
            return self.who_on_page(sight, post).await;
        };
        let board = store.thread(&forum.key, &row.thread).await.map_err(busy)?.and_then(|row| row.board);
        if row.gone || !sight.shows(board.as_ref(), &row.thread) {
            return Err("The forum has no such post, or does not show it to everyone.".to_owned());
        }
        let mut in_discord: Vec<(crate::model::UserId, Option<Timestamp>)> = Vec::new();
        for thanker in store.thankers(&forum.key, post).await.map_err(busy)? {
            let own = self.heart.ties.get(thanker.bridge).is_some_and(|tie| tie.guild() == asker.guild);
            if own && !in_discord.iter().any(|(user, _)| *user == thanker.user) {
                let at = Some(thanker.at).filter(|at| *at > 0);
                in_discord.push((thanker.user, at.and_then(|at| Timestamp::from_millisecond(at).ok())));
            }
        }
        Ok(WhoView {
            forum_name: forum.key.to_string(),
            url: forum.engine.post_url(&row.thread, post),
            author: Some(credit.author),
            on_forum_total: credit.thanks.len() as u64,
            on_forum: credit.thanks,
            in_discord,
        })
    }

    /// Of a post that the bridge has not recorded, what its page tells.
    async fn who_on_page(&self, sight: &Sight, post: &PostId) -> Result<WhoView, String> {
        let place = Place { post: Some(post.clone()), ..Place::default() };
        let page = sight.read(&place, None).await?;
        let thread = page.thread.id.clone().unwrap_or_else(|| ThreadId::new(""));
        let found = page.posts.into_iter().find(|found| found.id == *post);
        let found = found.ok_or_else(|| "The forum has no such post.".to_owned())?;
        Ok(WhoView {
            forum_name: sight.forum.key.to_string(),
            url: sight.forum.engine.post_url(&thread, post),
            author: Some(found.author.name),
            on_forum_total: found.thanks_total.unwrap_or(0).max(found.thanks.len() as u64),
            on_forum: found.thanks,
            in_discord: Vec::new(),
        })
    }
}

#[async_trait]
impl Thanking for Desk {
    async fn who(&self, asker: Asker, post: &str, forum: Option<&str>) -> Result<WhoView, String> {
        let sight = self.sight_of(asker, forum, post).await?;
        let post = sight.post(post)?;
        self.who_thanked(asker, &sight, &post).await
    }

    async fn who_of(&self, asker: Asker, message: MessageId) -> Result<WhoView, String> {
        let (tie, part) = self.shown(asker, message).await?;
        let sight = self.sight(asker, Some(tie.bridge.forum.as_str())).await?;
        self.who_thanked(asker, &sight, &part.post).await
    }

    async fn top(
        &self,
        asker: Asker,
        forum: Option<&str>,
        period: Period,
        side: Side,
    ) -> Result<TopView, String> {
        let sight = self.sight(asker, forum).await?;
        let days = match period {
            Period::Week => Some(7),
            Period::Month => Some(30),
            Period::All => None,
        };
        let now = self.heart.clock.now();
        let (store, key) = (&self.heart.store, &sight.forum.key);
        let tallies = match side {
            Side::Forum => {
                let today = TimeZone::UTC.to_datetime(now).date();
                let since = days.and_then(|days| today.checked_sub(i64::from(days).days()).ok());
                store.thanks_on_forum(key, since.map(|day| day.to_string()).as_deref()).await
            }
            Side::Discord => {
                let span = days.map_or(0, |days| i64::from(days) * 24 * 3_600_000);
                let since = if span == 0 { 0 } else { now.as_millisecond() - span };
                store.thanks_in_discord(key, since).await
            }
        };
        let own: Vec<Tally> = tallies
            .map_err(busy)?
            .into_iter()
            .filter(|tally| match tally.bridge {
                Some(bridge) => self.heart.ties.get(bridge).is_some_and(|tie| tie.guild() == asker.guild),
                None => true,
            })
            .filter(|tally| sight.shows(tally.board.as_ref(), &ThreadId::new("")))
            .collect();
        let (rows, total) = ranked(own);
        let authors = rows.len() as u64;
        let rows = rows.into_iter().take(ROWS).collect();
        Ok(TopView { forum_name: key.to_string(), period, side, rows, total, authors })
    }

    async fn thank(&self, asker: Asker, message: MessageId, on: bool) -> Result<String, String> {
        let (tie, part) = self.shown(asker, message).await?;
        if part.origin == Origin::Discord {
            return Err("That message was written here; thank its author here, too.".to_owned());
        }
        self.able(&tie.bridge.forum, cannot::THANK)?;
        if tie.bridge.thanks.is_empty() {
            return Err("Thanks don't cross over this bridge.".to_owned());
        }
        let (store, forum) = (&self.heart.store, &tie.bridge.forum);
        let author = store.credit(forum, &part.post).await.map_err(busy)?.map(|credit| credit.author);
        let author = author.as_deref().map_or("the author".to_owned(), crate::discord::look::plain);
        // On the first message of the post, so that the same person counts once however long it is.
        let parts = store.parts(part.bridge, &part.post).await.map_err(busy)?;
        let message = parts.first().map_or(message, |first| first.message);
        let effect = if on {
            let (bridge, post, user) = (tie.id(), part.post.clone(), asker.user);
            Effect::Reaction(Reaction { bridge, post, message, user, emoji: BY_COMMAND.to_owned() })
        } else {
            Effect::DropReaction { message, user: asker.user, emoji: BY_COMMAND.to_owned() }
        };
        let job = thank_job(&self.heart, &tie, &part.post).await.map_err(busy)?;
        inbox::receive(&self.heart, None, vec![effect, job]).await.map_err(busy)?;
        Ok(if on {
            format!("You thank {author}. The forum shows it in a moment.")
        } else {
            format!("You no longer thank {author} by command; your reactions still count.")
        })
    }
}

/// Adds up over boards and bridges; the most first.
fn ranked(tallies: Vec<Tally>) -> (Vec<TopRow>, u64) {
    let mut sums: HashMap<String, TopRow> = HashMap::new();
    for tally in tallies {
        let row = sums.entry(tally.key).or_insert(TopRow { name: tally.author.clone(), thanks: 0 });
        row.thanks += tally.count;
        row.name = row.name.clone().max(tally.author);
    }
    let total = sums.values().map(|row| row.thanks).sum();
    let mut rows: Vec<_> = sums.into_values().collect();
    rows.sort_by(|a, b| b.thanks.cmp(&a.thanks).then_with(|| a.name.cmp(&b.name)));
    (rows, total)
}
