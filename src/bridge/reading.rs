//! What the commands may read of the forums, and for whom.
//!
//! A command sees only forums that are bridged to its own guild. What a guest of the forum may read is
//! shown anywhere; what only the bridge's account may read, only in the channel that its board is bridged
//! to, where it is shown anyway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::config::Scope;
use crate::discord::commands::{Asker, Forums, LatestView, Suggestion, ThreadView};
use crate::forum::{Engine, Failure, PageRef, Place};
use crate::model::{Board, BoardId, ForumKey, ThreadId, ThreadPage};

use super::tie::Tie;
use super::{Forum, Heart};

/// The most suggestions that Discord shows.
const SUGGESTIONS: usize = 25;
/// The most threads of one answer.
const THREADS: usize = 15;
/// The most boards that one question reads.
const BOARDS: usize = 6;
/// How often the lists of boards are read again.
const LEARN_EVERY: Duration = Duration::from_secs(3600);
/// How soon after a failure.
const LEARN_AGAIN: Duration = Duration::from_secs(60);

/// Answers the commands.
pub struct Reading {
    heart: Arc<Heart>,
    /// Each forum as a guest reads it.
    guests: HashMap<ForumKey, Arc<dyn Engine>>,
    /// The boards that a guest may see.
    public: Mutex<HashMap<ForumKey, Vec<Board>>>,
}

/// What a person may be shown of a forum.
struct Sight {
    forum: Arc<Forum>,
    guest: Arc<dyn Engine>,
    /// The bridges of this forum to the very channel that was asked in.
    here: Vec<Arc<Tie>>,
}

impl Reading {
    pub fn new(heart: Arc<Heart>, guests: HashMap<ForumKey, Arc<dyn Engine>>) -> Self {
        Self { heart, guests, public: Mutex::default() }
    }

    /// Keeps the lists of boards fresh, so that suggestions never wait for a forum.
    pub async fn learn(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let mut wait = LEARN_EVERY;
            for (key, guest) in &self.guests {
                match guest.boards().await {
                    Ok(boards) => {
                        let mut public = self.public.lock().unwrap_or_else(PoisonError::into_inner);
                        public.insert(key.clone(), boards);
                    }
                    Err(failure) => {
                        tracing::debug!(forum = %key, "guests see no list of boards: {failure}");
                        wait = LEARN_AGAIN;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn public_boards(&self, forum: &ForumKey) -> Vec<Board> {
        self.public.lock().unwrap_or_else(PoisonError::into_inner).get(forum).cloned().unwrap_or_default()
    }

    /// The forum keys that are bridged to a guild.
    fn bridged(&self, asker: Asker) -> Vec<ForumKey> {
        let Some(guild) = asker.guild else { return Vec::new() };
        let mut keys: Vec<_> = self
            .heart
            .ties
            .all()
            .into_iter()
            .filter(|tie| tie.guild() == Some(guild))
            .map(|tie| tie.bridge.forum.clone())
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// The forum that was meant, and what may be seen of it from here.
    async fn sight(&self, asker: Asker, forum: Option<&str>) -> Result<Sight, String> {
        if asker.guild.is_none() {
            return Err("Ask this in a server that a forum is bridged to.".to_owned());
        }
        let keys = self.bridged(asker);
        let key = match forum {
            Some(name) => keys.into_iter().find(|key| key.as_str().eq_ignore_ascii_case(name.trim())),
            None => keys.into_iter().next(),
        };
        let found =
            key.and_then(|key| Some((self.heart.forums.get(&key)?.clone(), self.guests.get(&key)?.clone())));
        let Some((forum, guest)) = found else {
            return Err("No such forum is bridged to this server.".to_owned());
        };
        let room = self.heart.store.room_of_channel(asker.channel).await.map_err(busy)?;
        let here = self
            .heart
            .ties
            .of_forum(&forum.key)
            .into_iter()
            .filter(|tie| {
                tie.bridge.channel == asker.channel
                    || room.as_ref().is_some_and(|room| room.bridge == tie.id())
            })
            .collect();
        Ok(Sight { forum, guest, here })
    }

    /// Which thread and page a person means: an address, an id, or a suggestion's value.
    fn place(sight: &Sight, text: &str) -> Result<Place, String> {
        let text = text.trim().trim_matches(['<', '>']);
        if let Some(place) = sight.forum.engine.recognise(text) {
            return Ok(place);
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Place { thread: Some(ThreadId::new(text)), ..Place::default() });
        }
        Err("That is neither a thread's address on this forum nor its number.".to_owned())
    }
}

impl Sight {
    /// Reads as a guest; what a guest may not see is read as the bridge only where it is bridged to.
    async fn read(&self, place: &Place, page: Option<u32>) -> Result<ThreadPage, String> {
        match read_with(self.guest.as_ref(), place, page).await {
            Ok(page) => Ok(page),
            Err(refused) => {
                if self.here.is_empty() {
                    return Err(sentence(&refused));
                }
                let read = read_with(self.forum.engine.as_ref(), place, page).await;
                let read = read.map_err(|failure| sentence(&failure))?;
                let thread = read.thread.id.clone().unwrap_or_else(|| ThreadId::new(""));
                if self.here.iter().any(|tie| tie.covers(read.thread.board.id.as_ref(), &thread)) {
                    Ok(read)
                } else {
                    Err("The forum does not show that thread to everyone, so it can't be shown here."
                        .to_owned())
                }
            }
        }
    }
}

async fn read_with(engine: &dyn Engine, place: &Place, page: Option<u32>) -> Result<ThreadPage, Failure> {
    match (page.or(place.page), &place.thread, &place.post) {
        (Some(page), Some(thread), _) => engine.thread(thread, PageRef::Number(page)).await,
        (None, _, Some(post)) => engine.page_with_post(post).await,
        (None, Some(thread), None) => engine.thread(thread, PageRef::Number(1)).await,
        (Some(page), None, Some(post)) => {
            let found = engine.page_with_post(post).await?;
            match &found.thread.id {
                Some(thread) if found.thread.page != page => {
                    engine.thread(thread, PageRef::Number(page)).await
                }
                _ => Ok(found),
            }
        }
        (_, None, None) => Err(Failure::Gone("That address names no thread.".to_owned())),
    }
}

/// A failure as the person who asked reads it.
fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::Gone(_) => "The forum has no such thread, or does not show it to everyone.".to_owned(),
        Failure::Later { .. } | Failure::Uncertain { .. } | Failure::Unreadable(_) => {
            "The forum can't be read right now; try again in a minute.".to_owned()
        }
        Failure::SignIn(_) => {
            "The forum does not let the bridge in right now; its admin has to look.".to_owned()
        }
        Failure::Refused(_) | Failure::Unsupported(_) => format!("The forum says no: {failure}"),
    }
}

fn busy(error: crate::store::StoreError) -> String {
    tracing::error!(error = &error as &dyn std::error::Error, "a command can't use the database");
    "Something is wrong with the bridge's database; its admin has to look.".to_owned()
}

#[async_trait]
impl Forums for Reading {
    async fn thread(
        &self,
        asker: Asker,
        thread: &str,
        forum: Option<&str>,
        page: Option<u32>,
    ) -> Result<ThreadView, String> {
        let sight = match forum {
            Some(_) => self.sight(asker, forum).await?,
            // Without a forum, an address tells which one it is of.
            None => {
                let of_address = self.bridged(asker).into_iter().find(|key| {
                    self.heart.forums.get(key).is_some_and(|f| f.engine.recognise(thread).is_some())
                });
                self.sight(asker, of_address.as_ref().map(ForumKey::as_str)).await?
            }
        };
        let place = Self::place(&sight, thread)?;
        let page = sight.read(&place, page).await?;
        let id = page.thread.id.clone().or(place.thread).unwrap_or_else(|| ThreadId::new(""));
        Ok(ThreadView {
            forum: sight.forum.key.clone(),
            forum_name: sight.forum.key.to_string(),
            url: sight.forum.engine.thread_url(&id),
            thread: id,
            page,
            post: place.post,
        })
    }

    async fn latest(
        &self,
        asker: Asker,
        forum: Option<&str>,
        board: Option<&str>,
    ) -> Result<LatestView, String> {
        let sight = self.sight(asker, forum).await?;
        let public = self.public_boards(&sight.forum.key);
        let wanted: Vec<BoardId> = match board {
            Some(text) => {
                let text = text.trim();
                let named = public.iter().find(|b| b.name.eq_ignore_ascii_case(text)).map(|b| b.id.clone());
                vec![named.unwrap_or_else(|| BoardId::new(text))]
            }
            None => bridged_boards(&self.heart, &sight.forum.key, asker),
        };
        let (mut threads, mut name, mut refused) = (Vec::new(), None, None);
        for id in wanted.iter().take(BOARDS) {
            let bridged_here =
                sight.here.iter().any(|tie| matches!(&tie.bridge.scope, Scope::Board(own) if own == id));
            let engine = if bridged_here { &sight.forum.engine } else { &sight.guest };
            match engine.board(id, 1).await {
                Ok(page) => {
                    name = page.board.name.or(name);
                    threads
                        .extend(page.threads.into_iter().filter(|thread| !thread.moved && !thread.deleted));
                }
                Err(failure) => refused = Some(sentence(&failure)),
            }
        }
        if let (true, Some(refused)) = (threads.is_empty(), refused) {
            return Err(refused);
        }
        threads.sort_by_key(|thread| {
            let id = thread.last_post_id.as_ref().and_then(|id| id.as_str().parse::<u64>().ok());
            std::cmp::Reverse((thread.last_post_at, id))
        });
        threads.dedup_by(|a, b| a.id == b.id);
        threads.truncate(THREADS);
        Ok(LatestView {
            forum: sight.forum.key.clone(),
            forum_name: sight.forum.key.to_string(),
            board: board.and(name),
            url: None,
            threads,
        })
    }

    async fn complete_threads(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion> {
        let Ok(sight) = self.sight(asker, forum).await else { return Vec::new() };
        let public = self.public_boards(&sight.forum.key);
        let limit = u32::try_from(SUGGESTIONS * 4).unwrap_or(u32::MAX);
        let rows = self.heart.store.threads_like(&sight.forum.key, words, limit).await.unwrap_or_default();
        rows.into_iter()
            .filter(|row| {
                public.iter().any(|board| row.board.as_ref() == Some(&board.id))
                    || sight.here.iter().any(|tie| tie.covers(row.board.as_ref(), &row.thread))
            })
            .take(SUGGESTIONS)
            .map(|row| Suggestion { name: row.title, value: row.thread.to_string() })
            .collect()
    }

    async fn complete_boards(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion> {
        let Ok(sight) = self.sight(asker, forum).await else { return Vec::new() };
        let words = words.to_lowercase();
        self.public_boards(&sight.forum.key)
            .into_iter()
            .filter(|board| board.name.to_lowercase().contains(&words))
            .take(SUGGESTIONS)
            .map(|board| Suggestion { name: board.name, value: board.id.to_string() })
            .collect()
    }

    async fn complete_forums(&self, asker: Asker, words: &str) -> Vec<Suggestion> {
        let words = words.to_lowercase();
        self.bridged(asker)
            .into_iter()
            .filter(|key| key.as_str().to_lowercase().contains(&words))
            .map(|key| Suggestion { name: key.to_string(), value: key.to_string() })
            .take(SUGGESTIONS)
            .collect()
    }
}

/// The boards of a forum that are bridged to the guild that asks.
fn bridged_boards(heart: &Heart, forum: &ForumKey, asker: Asker) -> Vec<BoardId> {
    let mut boards: Vec<_> = heart
        .ties
        .of_forum(forum)
        .into_iter()
        .filter(|tie| tie.guild() == asker.guild)
        .filter_map(|tie| match &tie.bridge.scope {
            Scope::Board(board) => Some(board.clone()),
            Scope::Thread(_) => None,
        })
        .collect();
    boards.sort();
    boards.dedup();
    boards
}
