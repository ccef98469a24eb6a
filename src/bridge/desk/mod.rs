//! What answers the commands, and for whom.
//!
//! A command sees only forums that are bridged to its own guild. What a guest of the forum may read is
//! shown anywhere; what only the bridge's account may read, only in the channel that its board is bridged
//! to, where it is shown anyway. What is written goes through the outbox as everything else does.
//!
//! A replica that has just taken over is asked before it has asked Discord and the forums itself. So whoever is
//! asked here sees to it first that the bridges are known as they are by now, and waits a while for what is not
//! known yet; see [`Desk::aware`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Scope;
use crate::discord::commands::asks::Asker;
use crate::forum::{Engine, Failure, Place};
use crate::model::{Board, BoardId, ForumKey, GuildId, PostId, ThreadId};
use crate::store::StoreError;

use super::tie::Tie;
use super::{Forum, Heart};

mod accounts;
mod managing;
mod reading;
mod thanking;
mod writing;

/// How often the lists of boards are read again.
const LEARN_EVERY: Duration = Duration::from_secs(3600);
/// How soon after a failure.
const LEARN_AGAIN: Duration = Duration::from_secs(60);
/// How long a command waits for what this process is about to learn.
const PATIENCE: Duration = Duration::from_secs(10);
/// What people are told then.
const NEW_HERE: &str = "The bridge has only just begun to work here; please try again in a moment.";

/// Answers the commands.
pub struct Desk {
    heart: Arc<Heart>,
    /// Each forum as a guest reads it.
    guests: HashMap<ForumKey, Arc<dyn Engine>>,
    /// The guilds that may bridge each forum, beside those that a bridge leads to.
    invited: HashMap<ForumKey, Vec<GuildId>>,
    /// The boards that a guest may see of each forum, once it was asked.
    public: watch::Sender<HashMap<ForumKey, Vec<Board>>>,
    /// Whoever holds this asks the forums, for all shards.
    learning: tokio::sync::Mutex<()>,
}

/// What a person may be shown of a forum.
struct Sight {
    forum: Arc<Forum>,
    guest: Arc<dyn Engine>,
    /// The bridges of this forum to the very channel that was asked in.
    here: Vec<Arc<Tie>>,
    /// All bridges of this forum to the guild that asks.
    bridged: Vec<Arc<Tie>>,
    public: Vec<Board>,
}

impl Desk {
    pub fn new(
        heart: Arc<Heart>,
        guests: HashMap<ForumKey, Arc<dyn Engine>>,
        invited: HashMap<ForumKey, Vec<GuildId>>,
    ) -> Self {
        Self {
            heart,
            guests,
            invited,
            public: watch::Sender::default(),
            learning: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps the lists of boards fresh, so that suggestions never wait for a forum. Once is enough, however many
    /// shards call it.
    pub async fn learn(&self, stop: CancellationToken) {
        let _turn = tokio::select! {
            turn = self.learning.lock() => turn,
            () = stop.cancelled() => return,
        };
        while !stop.is_cancelled() {
            let mut wait = LEARN_EVERY;
            for (key, guest) in &self.guests {
                match guest.boards().await {
                    Ok(boards) => {
                        self.public.send_modify(|public| drop(public.insert(key.clone(), boards)));
                    }
                    Err(failure) => {
                        tracing::debug!(forum = %key, "guests see no list of boards: {failure}");
                        self.public.send_modify(|public| _ = public.entry(key.clone()).or_default());
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

    /// Says no at once to what can't be done at all, before anybody writes in vain.
    fn able(&self, forum: &ForumKey, what: &'static str) -> Result<(), String> {
        if self.heart.only_tells(forum) { Err(sentence(&Failure::Unsupported(what))) } else { Ok(()) }
    }

    fn public_boards(&self, forum: &ForumKey) -> Vec<Board> {
        self.public.borrow().get(forum).cloned().unwrap_or_default()
    }

    /// Sees to it that the bridges to this guild are known as they are by now. False when Discord has not told of all of
    /// them in time.
    async fn aware(&self, asker: Asker) -> Result<bool, String> {
        self.heart.know().await.map_err(busy)?;
        let Some(guild) = asker.guild else { return Ok(true) };
        Ok(tokio::time::timeout(PATIENCE, self.heart.ties.told_of(guild)).await.is_ok())
    }

    /// The forums that are bridged to a guild, or that it may bridge.
    fn bridged(&self, asker: Asker) -> Vec<ForumKey> {
        let mut keys: Vec<_> = self.own_ties(asker).iter().map(|tie| tie.bridge.forum.clone()).collect();
        let invited =
            self.invited.iter().filter(|(_, guilds)| asker.guild.is_some_and(|own| guilds.contains(&own)));
        keys.extend(invited.map(|(key, _)| key.clone()));
        keys.sort();
        keys.dedup();
        keys
    }

    /// The bridges of the guild that asks, and of no other.
    fn own_ties(&self, asker: Asker) -> Vec<Arc<Tie>> {
        let Some(guild) = asker.guild else { return Vec::new() };
        self.heart.ties.all().into_iter().filter(|tie| tie.guild() == Some(guild)).collect()
    }

    /// The forum that was meant, and what may be seen of it from here.
    async fn sight(&self, asker: Asker, forum: Option<&str>) -> Result<Sight, String> {
        self.sight_of(asker, forum, "").await
    }

    /// As [`Desk::sight`]; without a forum, an address tells which one it is of.
    async fn sight_of(&self, asker: Asker, forum: Option<&str>, address: &str) -> Result<Sight, String> {
        if asker.guild.is_none() {
            return Err("Ask this in a server that a forum is bridged to.".to_owned());
        }
        let until = Instant::now() + PATIENCE;
        let aware = self.aware(asker).await?;
        let keys = self.bridged(asker);
        let address = address.trim().trim_matches(['<', '>']);
        let knows = |key: &&ForumKey| {
            let forum = self.heart.forums.get(*key).filter(|_| !address.is_empty());
            forum.is_some_and(|forum| forum.engine.recognise(address).is_some())
        };
        let key = match forum {
            Some(name) => keys.iter().find(|key| key.as_str().eq_ignore_ascii_case(name.trim())),
            None => keys.iter().find(knows).or(keys.first()),
        };
        let found =
            key.and_then(|key| Some((self.heart.forums.get(key)?.clone(), self.guests.get(key)?.clone())));
        let Some((forum, guest)) = found else {
            return Err(if aware { "No such forum is bridged to this server." } else { NEW_HERE }.to_owned());
        };
        let mut public = self.public.subscribe();
        let asked = public.wait_for(|public| public.contains_key(&forum.key));
        let _ = tokio::time::timeout_at(until, asked).await;
        let room = self.heart.store.room_of_channel(asker.channel).await.map_err(busy)?;
        let mut bridged = self.own_ties(asker);
        bridged.retain(|tie| tie.bridge.forum == forum.key && !tie.bridge.paused);
        let here = bridged
            .iter()
            .filter(|tie| {
                tie.bridge.channel == asker.channel
                    || room.as_ref().is_some_and(|room| room.bridge == tie.id())
            })
            .cloned()
            .collect();
        let public = self.public_boards(&forum.key);
        Ok(Sight { forum, guest, here, bridged, public })
    }
}

impl Sight {
    /// Whether what is on this board may be shown here.
    fn shows(&self, board: Option<&BoardId>, thread: &ThreadId) -> bool {
        self.is_public(board) || self.here.iter().any(|tie| tie.covers(board, thread))
    }

    /// Whether a guest of the forum sees this board.
    fn is_public(&self, board: Option<&BoardId>) -> bool {
        board.is_some_and(|board| self.public.iter().any(|public| public.id == *board))
    }

    /// The board of this name or id, among those that everyone sees; else the text is taken for an id.
    fn board(&self, text: &str) -> BoardId {
        let text = text.trim();
        let named = self.public.iter().find(|board| board.name.eq_ignore_ascii_case(text));
        named.map_or_else(|| BoardId::new(text), |board| board.id.clone())
    }

    /// Which thread and page a person means: an address, an id, or a suggestion's value.
    fn place(&self, text: &str) -> Result<Place, String> {
        let text = text.trim().trim_matches(['<', '>']);
        if let Some(place) = self.forum.engine.recognise(text) {
            return Ok(place);
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Place { thread: Some(ThreadId::new(text)), ..Place::default() });
        }
        Err("That is neither a thread's address on this forum nor its number.".to_owned())
    }

    /// Which post a person means: an address, or an id.
    fn post(&self, text: &str) -> Result<PostId, String> {
        let text = text.trim().trim_matches(['<', '>']);
        let post = match self.forum.engine.recognise(text) {
            Some(place) => place.post,
            None => {
                Some(text).filter(|id| !id.is_empty() && !id.contains(char::is_whitespace)).map(PostId::new)
            }
        };
        post.ok_or_else(|| "That is neither a post's address on this forum nor its number.".to_owned())
    }
}

/// A failure as the person who asked reads it.
fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::Gone(_) => "The forum has no such thread, or does not show it to everyone.".to_owned(),
        Failure::Untold(_) => "That is no longer told of; only what is new is.".to_owned(),
        Failure::Later { .. } | Failure::Uncertain { .. } | Failure::Unreadable(_) => {
            "The forum can't be read right now; try again in a minute.".to_owned()
        }
        Failure::SignIn(_) => {
            "The forum does not let the bridge in right now; its admin has to look.".to_owned()
        }
        Failure::Refused(_) | Failure::Unsupported(_) => format!("The forum says no: {failure}"),
    }
}

fn busy(error: StoreError) -> String {
    if matches!(error, StoreError::LeaseLost) {
        // Another replica hears Discord by now.
        return "The bridge was just handed over to another of its processes; please try again.".to_owned();
    }
    tracing::error!(error = &error as &dyn std::error::Error, "a command can't use the database");
    "Something is wrong with the bridge's database; its admin has to look.".to_owned()
}

/// The boards of a forum that are bridged to the guild that asks.
fn bridged_boards(ties: &[Arc<Tie>], forum: &ForumKey) -> Vec<BoardId> {
    let mut boards: Vec<_> = ties
        .iter()
        .filter(|tie| tie.bridge.forum == *forum)
        .filter_map(|tie| match &tie.bridge.scope {
            Scope::Board(board) => Some(board.clone()),
            Scope::Thread(_) => None,
        })
        .collect();
    boards.sort();
    boards.dedup();
    boards
}
