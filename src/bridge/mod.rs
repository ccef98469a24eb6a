//! The heart: the only room that knows both sides.
//!
//! [`watch`] asks a forum what is new and [`record`]s it; [`hear`] and [`inbox`] take what happens in Discord.
//! Both write jobs into the outbox in the same transaction as the fact itself. [`outbox`] does the jobs,
//! lane by lane: [`mirror`] for Discord, [`submit`] and [`thanks`] for the forum. No SQL, no HTTP and no
//! markup of an engine may enter here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use url::Url;

use crate::clock::Clock;
use crate::discord::rest::Rest;
use crate::forum::{Account, Engine, News};
use crate::health::Health;
use crate::model::{ForumKey, PostId, ThreadId, UserId};
use crate::store::{Effect, Priority, Store, StoreError};

pub mod actor;
mod adopt;
pub mod ajar;
pub mod audit;
pub mod catchup;
pub mod desk;
pub mod dress;
pub mod files;
pub mod hear;
pub mod inbox;
pub mod job;
pub mod known;
pub mod leases;
mod merged;
pub mod mirror;
pub mod opening;
pub mod outbox;
pub mod points;
pub mod record;
mod render;
pub mod run;
pub mod signing;
pub mod submit;
pub mod thanks;
pub mod tie;
mod trouble;
pub mod unplaced;
pub mod vault;
pub mod watch;
pub mod why;

use catchup::ReadBack;
use job::{Job, watcher_lane};
use leases::Leases;
use tie::Ties;
use unplaced::Unplaced;
use vault::Vault;

/// What every part of the heart holds on to.
pub struct Heart {
    pub store: Arc<dyn Store>,
    pub forums: HashMap<ForumKey, Arc<Forum>>,
    pub discord: Rest,
    pub ties: Ties,
    pub clock: Arc<dyn Clock>,
    pub health: Health,
    pub unplaced: Unplaced,
    /// The channels in which nothing can have been missed since the session began.
    pub read_back: ReadBack,
    pub leases: Leases,
    /// Where the forum's readers reach this process, if they do.
    pub public_url: Option<Url>,
    /// Opens the sessions of members who signed in, where they may.
    pub vault: Option<Vault>,
    /// There may be a job to do.
    pub wake: Notify,
    /// Others may want to know that there is a job to do.
    pub bell: Notify,
    /// The bridges may have changed, or there are channels to look up.
    pub bridges: Notify,
    learning: tokio::sync::Mutex<()>,
    me: Mutex<Option<UserId>>,
}

/// A forum that is watched.
pub struct Forum {
    pub key: ForumKey,
    pub engine: Arc<dyn Engine>,
    /// The shortest time between two looks at a board.
    pub poll: Duration,
    account: Mutex<Option<Account>>,
    asked: Mutex<Vec<(ThreadId, Option<PostId>)>>,
    /// The forum pushed news that no look has followed yet, and whether its pushes can be relied on.
    pushed: AtomicBool,
    pushes: AtomicBool,
    /// What is shown may have changed unseen.
    anew: AtomicBool,
    /// Somebody asked for a page to be read again soon.
    pub nudge: Notify,
}

impl Forum {
    pub fn new(key: ForumKey, engine: Arc<dyn Engine>, poll: Duration) -> Self {
        Self {
            key,
            engine,
            poll,
            account: Mutex::default(),
            asked: Mutex::default(),
            pushed: AtomicBool::new(false),
            pushes: AtomicBool::new(false),
            anew: AtomicBool::new(false),
            nudge: Notify::new(),
        }
    }

    /// The account that the bridge writes as, once it is known.
    pub fn account(&self) -> Option<Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_account(&self, account: Option<Account>) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account;
    }

    /// Asks the watcher to read a thread again now, on the page of this post, because something was
    /// just done there.
    pub fn revisit(&self, thread: ThreadId, post: Option<PostId>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked.iter().any(|(t, p)| *t == thread && *p == post) {
            asked.push((thread, post));
        }
        drop(asked);
        self.nudge.notify_one();
    }

    /// The forum says that there is news: everything is looked at now.
    pub fn told(&self, thread: Option<ThreadId>, post: Option<PostId>) {
        self.pushes.store(true, Ordering::Relaxed);
        self.pushed.store(true, Ordering::Release);
        if let (Some(thread), Some(post)) = (thread, post) {
            self.revisit(thread, Some(post));
        }
        self.nudge.notify_one();
    }

    /// Asks the watcher to begin its slow round anew, which reads what is shown again, the newest first.
    pub fn look_again(&self) {
        self.anew.store(true, Ordering::Release);
        self.nudge.notify_one();
    }

    /// What was asked for and can't be read now is read with the next step, which nobody hurries.
    fn put_back(&self, asked: impl Iterator<Item = (ThreadId, Option<PostId>)>) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).extend(asked);
    }

    fn take_asked(&self) -> Vec<(ThreadId, Option<PostId>)> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Heart {
    pub fn new(
        store: Arc<dyn Store>,
        forums: Vec<Forum>,
        discord: Rest,
        clock: Arc<dyn Clock>,
        health: Health,
        public_url: Option<Url>,
        vault: Option<Vault>,
    ) -> Self {
        let leases = Leases::new(store.shared());
        Self {
            store,
            leases,
            bell: Notify::new(),
            bridges: Notify::new(),
            learning: tokio::sync::Mutex::default(),
            forums: forums.into_iter().map(|forum| (forum.key.clone(), Arc::new(forum))).collect(),
            discord,
            ties: Ties::default(),
            clock,
            health,
            unplaced: Unplaced::default(),
            read_back: ReadBack::default(),
            public_url,
            vault,
            wake: Notify::new(),
            me: Mutex::default(),
        }
    }

    /// The bot's own user, once Discord has said.
    pub fn me(&self) -> Option<UserId> {
        *self.me.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_me(&self, me: UserId) {
        *self.me.lock().unwrap_or_else(PoisonError::into_inner) = Some(me);
    }

    /// Makes sure that the bridges are known as they are by now.
    pub async fn know(&self) -> Result<(), StoreError> {
        let changes = self.store.bridge_changes().await?;
        self.know_as_of(changes).await
    }

    /// Makes sure that they are known as they were after so many changes.
    pub async fn know_as_of(&self, changes: i64) -> Result<(), StoreError> {
        if self.ties.changes() < Some(changes) { self.learn().await } else { Ok(()) }
    }

    /// Reads the bridges anew.
    pub async fn learn(&self) -> Result<(), StoreError> {
        // One after the other, so that what was read later is known in the end.
        let _turn = self.learning.lock().await;
        // What changes after this look is seen by the next.
        let changes = self.store.bridge_changes().await?;
        if self.ties.refresh(self.store.bridges().await?, changes) {
            self.leases.want_channels(self.ties.rows().iter().map(|bridge| bridge.channel));
            self.bridges.notify_one();
            for forum in self.forums.values() {
                forum.nudge.notify_one();
            }
        }
        Ok(())
    }

    /// Takes what a forum pushed, and hands it on to the replica that watches the forum. False when it was here
    /// before, in whichever replica.
    pub async fn pushed(&self, forum: &ForumKey, news: News) -> Result<bool, StoreError> {
        let names: Vec<String> = news.names.iter().map(|name| format!("push:{forum}:{name}")).collect();
        let job = Job::Look { forum: forum.clone(), thread: news.thread, post: news.post };
        let job = job.queued(watcher_lane(forum), Priority::Live, self.store.now().await?)?;
        let fresh = self.store.apply_unheard(&names, vec![Effect::Enqueue(job)]).await?;
        self.wake.notify_waiters();
        self.bell.notify_one();
        Ok(fresh)
    }

    /// Whether nobody can answer what this forum's software tells.
    pub fn only_tells(&self, forum: &ForumKey) -> bool {
        self.forums.get(forum).is_some_and(|forum| forum.engine.capabilities().broadcast)
    }

    /// Writes news from outside, and lets the workers look for what it queued.
    pub async fn apply(&self, once: Option<&str>, effects: Vec<Effect>) -> Result<bool, StoreError> {
        let fresh = self.store.apply(once, effects).await?;
        self.stir();
        Ok(fresh)
    }

    /// Lets the workers, and other replicas, look for a job.
    pub fn stir(&self) {
        self.wake.notify_waiters();
        self.bell.notify_one();
    }
}
