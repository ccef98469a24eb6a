//! Puts the house together for one run: database, forums, Discord, the heart and the server, and takes
//! it apart again in order. Roof: every room may be named here, no room names it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::bridge::desk::Desk;
use crate::bridge::files::Files;
use crate::bridge::signing::SignIns;
use crate::bridge::vault::Vault;
use crate::bridge::{self, Forum, Heart, actor, leases};
use crate::clock::Clock;
use crate::config::{Config, ForumConfig};
use crate::discord::gateway::{self, Fatal, Gateway};
use crate::discord::rest::{self, Rest};
use crate::discord::{DiscordError, commands};
use crate::health::Health;
use crate::store::{Millis, Store, StoreError};
use crate::{forum, server, store};

/// What is in flight when the process is told to stop may take this long.
const STOP_WITHIN: Duration = Duration::from_secs(8);
/// Discord is asked again where its gateway is after this time.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How long after one shard the next may begin, in milliseconds.
const TURN: Millis = 5_500;
/// How long a shard may take from its turn to its session, in milliseconds.
const BEGINNING: Millis = 8_000;
/// Commands that Discord did not take are offered again after this time.
const REGISTER_AGAIN: Duration = Duration::from_secs(60);
/// How often the outbox is counted for `/metrics`.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Runs the bridge until told to stop. An error is a reason not to run at all, in one sentence with what
/// to do; a forum or a channel that can't be reached is not one.
pub async fn run(config: &Config, clock: Arc<dyn Clock>, stop: CancellationToken) -> anyhow::Result<()> {
    let health = Health::default();
    health.expect(config.forums.iter().map(|forum| forum.key.clone()));
    let server = server::bind(config.server.listen).await?;
    let store = store::open(config.database.url.expose_secret(), clock.clone()).await?;
    health.database(Ok(()));

    let mut forums = Vec::new();
    let (mut guests, mut invited) = (HashMap::new(), HashMap::new());
    for forum in &config.forums {
        let set_up = |config: &ForumConfig| {
            forum::engine(config, clock.clone())
                .with_context(|| format!("the forum \"{}\" can't be set up", forum.key))
        };
        forums.push(Forum::new(forum.key.clone(), set_up(forum)?, forum.poll));
        invited.insert(forum.key.clone(), forum.guilds.clone());
        guests.insert(forum.key.clone(), set_up(&forum.as_guest())?);
    }
    let discord = Rest::new(config.discord.token.clone(), &config.discord.api_url, clock.clone())?;
    discord.allow(config.discord.requests_per_second);
    let heart = Arc::new(Heart::new(
        store.clone(),
        forums,
        discord.clone(),
        clock,
        health.clone(),
        config.server.public_url.clone(),
        vault(config, &*store).await?,
    ));
    store.sync_bridges(&config.bridges).await?;
    // What waited for a paused bridge that is gone by now finds that out.
    store.release().await?;

    let files = Arc::new(Files::new(heart.clone()));
    let pages = Arc::new(SignIns::new(heart.clone()));
    let serving =
        tokio::spawn(server::serve(server, health.clone(), files, pages, heart.clone(), stop.clone()));
    let tasks = bridge::run::start(&heart, &stop);
    tasks.spawn(count(heart.clone(), stop.clone()));
    let desk = Arc::new(Desk::new(heart.clone(), guests, invited));
    let ears = Ears {
        heart: heart.clone(),
        desk,
        token: config.discord.token.clone(),
        api_url: config.discord.api_url.clone(),
    };
    let outcome = tokio::select! {
        () = stop.cancelled() => Ok(()),
        fatal = ears.open(&tasks, &stop) => Err(fatal.into()),
    };
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(STOP_WITHIN, tasks.wait()).await.is_err() {
        tracing::warn!("some work did not end in time; it goes on at the next start");
    } else {
        leases::leave(&heart).await;
    }
    serving.abort();
    store.close().await;
    outcome
}

/// What opens the sessions of members who signed in. Where nobody may, none is kept.
async fn vault(config: &Config, store: &dyn Store) -> anyhow::Result<Option<Vault>> {
    let Some(key) = &config.accounts.sign_in else {
        let forgotten = store.forget_sessions(None).await?;
        if forgotten > 0 {
            tracing::info!(forgotten, "accounts.sign_in is off: the members' sessions are forgotten");
        }
        return Ok(None);
    };
    let vault = Vault::new(key);
    if let Some(any) = store.any_session().await? {
        anyhow::ensure!(vault.open(&any.forum, any.person, &any.sealed).is_some(), actor::WRONG_KEY);
    }
    Ok(Some(vault))
}

/// What hears Discord: the gateway, shard by shard, wherever this replica holds the lease.
struct Ears {
    heart: Arc<Heart>,
    desk: Arc<Desk>,
    token: SecretString,
    api_url: Url,
}

impl Ears {
    /// Hears until something happens that trying again can't mend.
    async fn open(self, tasks: &TaskTracker, stop: &CancellationToken) -> Fatal {
        let (broken, mut fatal) = mpsc::channel(1);
        let ears = Arc::new(self);
        let found = loop {
            match ears.heart.discord.gateway().await {
                Ok(found) => break found,
                Err(error @ DiscordError::Token) => return Fatal(error.to_string()),
                Err(error) => tracing::warn!("not connected to Discord: {error}; trying again"),
            }
            tokio::time::sleep(ASK_AGAIN).await;
        };
        for shard in 0..found.shards {
            let (ears, found, broken, stop) = (ears.clone(), found.clone(), broken.clone(), stop.clone());
            tasks.spawn(async move {
                let hear = async |over| {
                    if let Err(error) = ears.hear(shard, &found, over).await {
                        let _ = broken.send(error).await;
                    }
                };
                ears.heart.leases.while_held(&leases::of_shard(shard), &stop, hear).await;
            });
        }
        match fatal.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// One shard, for as long as its lease is ours. Whoever has the first one also tells Discord of the commands.
    async fn hear(&self, shard: u32, found: &rest::Gateway, over: CancellationToken) -> Result<(), Fatal> {
        let (events, heard) = mpsc::channel(4_096);
        let (heart, health, part) = (&self.heart, self.heart.health.clone(), leases::of_shard(shard));
        let connected = gateway::run(Gateway {
            token: self.token.clone(),
            api_url: self.api_url.clone(),
            rest: heart.discord.clone(),
            clock: heart.clock.clone(),
            shard,
            of: found.shards,
            events,
            asked: commands::asks::Asked::all(self.desk.clone()),
            shutdown: over.clone(),
            health: Arc::new(move |state| health.shard(&part, state)),
            turns: Arc::new(Turn::new(heart, shard, found.at_once)),
        });
        let taken = async {
            if bridge::run::begin(heart, &over).await {
                bridge::hear::run(heart, heard, shard, found.shards, over.clone()).await;
            }
        };
        let answering = async {
            let registering = async {
                if shard == 0 {
                    register_commands(heart.discord.clone(), over.clone()).await;
                }
            };
            tokio::join!(self.desk.learn(over.clone()), registering);
        };
        let besides = async {
            tokio::join!(taken, answering);
            std::future::pending().await
        };
        // Only the connection says when it is over: it has to take its leave.
        tokio::select! {
            outcome = connected => outcome,
            outcome = besides => outcome,
        }
    }
}

/// A shard's turn to begin a session, by a lease that nobody prolongs: whichever replica the shards are in, one
/// leaves the turn to the next after five seconds.
struct Turn {
    heart: Arc<Heart>,
    name: String,
    holder: String,
}

impl Turn {
    fn new(heart: &Arc<Heart>, shard: u32, at_once: u32) -> Self {
        let name = format!("identify:{}", shard % at_once.max(1));
        let holder = format!("{}:{shard}", heart.leases.holder());
        Self { heart: heart.clone(), name, holder }
    }
}

#[async_trait]
impl gateway::Turns for Turn {
    async fn mine(&self) {
        while !matches!(self.heart.store.take_lease(&self.name, &self.holder, BEGINNING).await, Ok(Some(_))) {
            tokio::time::sleep(ASK_AGAIN / 5).await;
        }
    }

    async fn taken(&self) {
        let store = &self.heart.store;
        let told = async {
            let held = store.renew_leases(&self.holder, TURN).await?;
            if held.is_empty() {
                store.take_lease(&self.name, &self.holder, TURN).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = told.await {
            tracing::debug!("the other replicas are not told that a session began: {error}");
        }
    }
}

/// Tells Discord of the commands, until it has listened.
async fn register_commands(discord: Rest, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let told = async {
            let me = discord.me().await?;
            discord.put_commands(me.application, None, &commands::definitions()).await
        };
        match told.await {
            Ok(_) => return,
            Err(error) => tracing::warn!("Discord does not know the commands yet: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(REGISTER_AGAIN) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Keeps the outbox's figures fresh for `/metrics`.
async fn count(heart: Arc<Heart>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Ok(counts) = heart.store.counts().await {
            heart.health.outbox(counts.waiting, counts.parked, counts.oldest.max(0).cast_unsigned());
        }
        tokio::select! {
            () = tokio::time::sleep(COUNT_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
