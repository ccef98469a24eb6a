//! Puts the house together for one run: database, forums, Discord, the heart and the server, and takes
//! it apart again in order. Roof: every room may be named here, no room names it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::bridge::desk::Desk;
use crate::bridge::files::Files;
use crate::bridge::{self, Forum, Heart};
use crate::clock::Clock;
use crate::config::{Config, ForumConfig};
use crate::discord::commands;
use crate::discord::gateway::{self, Gateway};
use crate::discord::rest::Rest;
use crate::health::Health;
use crate::{forum, server, store};

/// What is in flight when the process is told to stop may take this long.
const STOP_WITHIN: Duration = Duration::from_secs(6);
/// How long the connection to Discord may take to end.
const GOODBYE: Duration = Duration::from_secs(4);
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
    let heart = Arc::new(Heart::new(
        store.clone(),
        forums,
        discord.clone(),
        clock.clone(),
        health.clone(),
        config.server.public_url.clone(),
    ));
    let bridges = store.sync_bridges(&config.bridges).await?;

    let (events, received) = mpsc::channel(1_024);
    let files = Arc::new(Files::new(heart.clone()));
    let serving =
        tokio::spawn(server::serve(server, health.clone(), files, heart.forums.clone(), stop.clone()));
    let tasks = bridge::run::start(&heart, bridges, received, &stop);
    tasks.spawn(count(heart.clone(), stop.clone()));
    let desk = Arc::new(Desk::new(heart.clone(), guests, invited));
    tasks.spawn(desk.clone().learn(stop.clone()));
    tasks.spawn(register_commands(discord.clone(), stop.clone()));
    let mut connected = tokio::spawn(gateway::run(Gateway {
        token: config.discord.token.clone(),
        api_url: config.discord.api_url.clone(),
        rest: discord,
        clock,
        events,
        asked: commands::asks::Asked::all(desk),
        shutdown: stop.clone(),
        health: Arc::new(move |connected| {
            health.gateway(if connected { Ok(()) } else { Err("not connected to Discord".to_owned()) });
        }),
    }));

    let ended = tokio::select! {
        () = stop.cancelled() => None,
        ended = &mut connected => Some(ended),
    };
    let open = ended.is_none();
    let outcome = match ended {
        None => Ok(()),
        Some(Ok(Ok(()))) if stop.is_cancelled() => Ok(()),
        Some(Ok(Ok(()))) => Err(anyhow::anyhow!("the connection to Discord ended")),
        Some(Ok(Err(error))) => Err(error.into()),
        Some(Err(_)) => Err(anyhow::anyhow!("the connection to Discord broke down")),
    };
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(STOP_WITHIN, tasks.wait()).await.is_err() {
        tracing::warn!("some work did not end in time; it goes on at the next start");
    }
    if open && tokio::time::timeout(GOODBYE, &mut connected).await.is_err() {
        connected.abort();
    }
    serving.abort();
    store.close().await;
    outcome
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
