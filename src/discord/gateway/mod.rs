//! Discord's gateway: what happens in the guilds, and the commands that people give.
//! <https://docs.discord.com/developers/events/gateway>
//!
//! serenity keeps the connection: it identifies, beats, resumes and connects again. This room starts
//! it at an address that it has checked, turns serenity's events into ours, and puts what can't be
//! mended by trying again into one plain sentence. Nothing is decided here.
//!
//! serenity by itself falls back to the real Discord when it can't learn the gateway's address; here
//! it never gets so far.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serenity::all::{
    ClientBuilder, ConnectionStage, Context, EventHandler, GatewayIntents, ShardId, ShardManager,
};
use serenity::gateway::{GatewayError, ShardStageUpdateEvent};
use serenity::http::HttpBuilder;
use tokio::sync::{Notify, OwnedMutexGuard, mpsc};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::commands::{self, asks::Asked};
use super::rest::Rest;
use super::{DiscordError, Event, loopback};
use crate::clock::Clock;

mod ear;
#[cfg(all(test, feature = "sandbox"))]
mod tests;
mod translate;

use ear::Ear;

/// What the bridge asks Discord to be told. Message content is privileged: without it replies arrive
/// empty. Interactions need no intent.
pub const INTENTS: GatewayIntents = GatewayIntents::GUILDS
    .union(GatewayIntents::GUILD_MESSAGES)
    .union(GatewayIntents::GUILD_MESSAGE_REACTIONS)
    .union(GatewayIntents::MESSAGE_CONTENT);

/// Discord resets the token of a bot that identifies more than 1,000 times a day; a connection that
/// needs this many sessions in this time is given up and tried again after a pause.
const SESSIONS: usize = 6;
const SESSIONS_WINDOW: Duration = Duration::from_secs(300);

const SHORTEST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);

/// How long a connection that is being resumed waits at most.
const DOOR: Duration = Duration::from_millis(100);

/// How often the connection is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long serenity may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// So many of the sessions that Discord lets a bot begin in a day are never used: with the last one gone it would
/// take the token away. <https://docs.discord.com/developers/events/gateway#session-start-limit-object>
const KEPT_BACK: u64 = 10;

/// Told whether the shard is connected, and else why not, each time that changes.
pub type Health = Arc<dyn Fn(Result<(), String>) + Send + Sync>;

const APART: &str = "not connected to Discord";

/// When this shard may begin a session: Discord lets few begin at once, whichever process they are in.
#[async_trait]
pub trait Turns: Send + Sync {
    /// Waits for its turn.
    async fn mine(&self);

    /// It has begun one just now; the next may after five seconds.
    async fn taken(&self);
}

/// Where nobody else begins sessions for the bot, it is always one's turn.
#[async_trait]
impl Turns for () {
    async fn mine(&self) {}

    async fn taken(&self) {}
}

/// What the gateway needs to run.
pub struct Gateway {
    pub token: SecretString,
    /// The base for REST, as in the configuration.
    pub api_url: Url,
    pub rest: Rest,
    pub clock: Arc<dyn Clock>,
    /// Which part of the bot's guilds to hear of, and how many parts there are.
    pub shard: u32,
    pub of: u32,
    /// Where events go. When it is full, the session is given up; the next begins once all of it
    /// was taken, and what was missed is read back then.
    pub events: mpsc::Sender<Event>,
    /// Whom the commands ask.
    pub asked: Asked,
    pub shutdown: CancellationToken,
    pub health: Health,
    pub turns: Arc<dyn Turns>,
}

/// The bridge can't go on: one plain sentence that says why and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fatal(pub String);

/// Connects, stays connected and hands on what happens, until it is told to stop. Comes back with an
/// error only when trying again can't help.
pub async fn run(gateway: Gateway) -> Result<(), Fatal> {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let began = gateway.clock.monotonic();
        let outcome = tokio::select! {
            outcome = session(&gateway) => outcome,
            // It sees that for itself; whatever it waits for else is not waited for.
            () = after(&gateway.shutdown, GOODBYE + LOOK) => Ok(()),
        };
        (gateway.health)(Err(APART.to_owned()));
        if gateway.shutdown.is_cancelled() {
            return Ok(());
        }
        let reason = match outcome {
            Ok(()) => "the connection ended".to_owned(),
            Err(Stop::Fatal(fatal)) => return Err(fatal),
            Err(Stop::Again(reason)) => reason,
            Err(Stop::Overrun) => {
                pause = SHORTEST_PAUSE;
                "more has happened than could be written down".to_owned()
            }
        };
        if gateway.clock.monotonic().saturating_duration_since(began) > LONGEST_PAUSE {
            pause = SHORTEST_PAUSE;
        }
        tracing::warn!(seconds = pause.as_secs(), "not connected to Discord: {reason}; trying again");
        let ready = async {
            tokio::time::sleep(pause).await;
            // A session that begins while what was heard still waits would end as the last one did, and each costs one of
            // the day's.
            let _ = gateway.events.reserve_many(gateway.events.max_capacity()).await;
        };
        tokio::select! {
            () = ready => {}
            () = gateway.shutdown.cancelled() => return Ok(()),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn after(stop: &CancellationToken, time: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(time).await;
}

/// Why one stay at the gateway ended.
enum Stop {
    Fatal(Fatal),
    Again(String),
    /// There was no room for what happened.
    Overrun,
}

/// One serenity client for one shard, from its start to its end.
async fn session(gateway: &Gateway) -> Result<(), Stop> {
    let http = HttpBuilder::new(gateway.token.expose_secret())
        .client(commands::http_client(&gateway.api_url).map_err(|error| Stop::Again(error.to_string()))?)
        // serenity honours the address only when it leaves the limits to others.
        .proxy(gateway.api_url.as_str().trim_end_matches('/'))
        .ratelimiter_disabled(true)
        .build();
    let (restless, overrun) = (CancellationToken::new(), CancellationToken::new());
    let watch = Arc::new(Watch {
        clock: gateway.clock.clone(),
        changed: Notify::new(),
        sessions: Mutex::default(),
        restless: restless.clone(),
        turns: gateway.turns.clone(),
    });
    let mut client = ClientBuilder::new_with_http(http, INTENTS)
        .event_handler_arc(watch.clone())
        .raw_event_handler(Ear::new(gateway.events.clone(), overrun.clone()))
        .framework(commands::framework(gateway.asked.clone(), gateway.clock.clone()))
        .await
        .map_err(|error| Stop::Again(plain(&error)))?;
    let manager = client.shard_manager.clone();
    let mut door = Door { address: client.ws_url.clone(), shut: None };
    door.shut().await;
    let outcome = tokio::select! {
        outcome = client.start_shard(gateway.shard, gateway.of) => outcome.map_err(ended),
        never = watch.report(&manager, &gateway.health) => match never {},
        stop = door.keep(gateway, &manager) => Err(stop),
        () = gateway.shutdown.cancelled() => Ok(()),
        () = restless.cancelled() => {
            Err(Stop::Again("the connection broke again and again".into()))
        }
        () = overrun.cancelled() => Err(Stop::Overrun),
    };
    // What serenity may still have queued leads nowhere.
    door.shut().await.clear();
    drop(door);
    if tokio::time::timeout(GOODBYE, manager.shutdown_all()).await.is_err() {
        tracing::debug!("the gateway did not say goodbye in time");
    }
    outcome
}

/// serenity begins sessions by itself, a new one whenever Discord ends the old, and knows nothing of other processes
/// nor of what is left for the day. But for every connection it asks for the address, and waits for it while
/// somebody else has it in hand.
struct Door {
    address: Arc<tokio::sync::Mutex<String>>,
    shut: Option<OwnedMutexGuard<String>>,
}

impl Door {
    async fn shut(&mut self) -> &mut String {
        let guard = match self.shut.take() {
            Some(guard) => guard,
            None => self.address.clone().lock_owned().await,
        };
        self.shut.insert(guard)
    }

    /// Lets one pass, if there is one who waits.
    fn open(&mut self) {
        self.shut = None;
    }

    /// Lets a session begin when it may, and one that is being resumed pass at once. Ends when none may begin.
    async fn keep(&mut self, gateway: &Gateway, manager: &ShardManager) -> Stop {
        loop {
            self.shut().await;
            let runners = manager.runners.lock().await;
            // A shard that begins anew is taken from the list first.
            if runners.contains_key(&ShardId(gateway.shard)) {
                self.open();
                drop(runners);
            } else {
                drop(runners);
                match enter(gateway).await {
                    Ok(address) => *self.shut().await = address,
                    Err(stop) => return stop,
                }
                self.open();
                let begun = async {
                    while !manager.runners.lock().await.contains_key(&ShardId(gateway.shard)) {
                        tokio::time::sleep(DOOR / 4).await;
                    }
                };
                // Where the connection could not be made serenity tries again after a while.
                let _ = tokio::time::timeout(LOOK * 5, begun).await;
            }
            self.shut().await;
            tokio::time::sleep(DOOR).await;
        }
    }
}

/// Waits until a session may begin; tells where.
async fn enter(gateway: &Gateway) -> Result<String, Stop> {
    loop {
        gateway.turns.mine().await;
        let found = gateway.rest.gateway().await.map_err(unable)?;
        let address = checked(&found.url, &gateway.api_url).map_err(Stop::Fatal)?;
        if found.remaining > KEPT_BACK {
            return Ok(address);
        }
        let seconds = found.reset_after / 1000 + 1;
        let reason = format!(
            "Discord lets the bot connect only {} more times today, which are kept back so that it does not take the \
             token away; the bridge connects again in {seconds} s. Look in the log for why it had to connect so often",
            found.remaining
        );
        tracing::error!("{reason}");
        // Whoever looks at the connection itself only sees that there is none, and says that.
        let tell = async {
            loop {
                (gateway.health)(Err(reason.clone()));
                tokio::time::sleep(LOOK * 5).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(seconds), tell).await;
    }
}

/// The address to connect to. A bot that speaks to a Discord on this machine must never reach the
/// real one.
fn checked(found: &Url, api_url: &Url) -> Result<String, Fatal> {
    let secure = match found.scheme() {
        "wss" => true,
        "ws" => false,
        _ => return Err(Fatal(format!("Discord's gateway address {found} is not a WebSocket address"))),
    };
    if loopback(api_url) && !loopback(found) {
        return Err(Fatal(format!(
            "discord.api_url is on this machine but its gateway {found} is not; nothing was connected"
        )));
    }
    if !secure && api_url.scheme() == "https" {
        return Err(Fatal(format!(
            "Discord's gateway address {found} is not encrypted; nothing was connected"
        )));
    }
    Ok(found.to_string())
}

fn unable(error: DiscordError) -> Stop {
    match error {
        DiscordError::Token => Stop::Fatal(Fatal(error.to_string())),
        error => Stop::Again(error.to_string()),
    }
}

fn ended(error: serenity::Error) -> Stop {
    let serenity::Error::Gateway(error) = error else {
        return Stop::Again(plain(&error));
    };
    // Close codes that Discord says not to reconnect after:
    // https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
    Stop::Fatal(Fatal(match error {
        GatewayError::InvalidAuthentication | GatewayError::NoAuthentication => {
            DiscordError::Token.to_string()
        }
        GatewayError::DisallowedGatewayIntents => {
            "Discord does not let the bot read messages; switch on Message Content Intent on the \
             application's Bot page"
                .into()
        }
        GatewayError::InvalidGatewayIntents => "Discord does not know the intents the bot asks for".into(),
        GatewayError::OverloadedShard | GatewayError::InvalidShardData => {
            "Discord wants the bot's servers spread over more connections; start threadbridge again".into()
        }
        other => return Stop::Again(other.to_string()),
    }))
}

/// serenity's words without an address, which might hold a secret.
fn plain(error: &serenity::Error) -> String {
    match error {
        serenity::Error::Http(_) => "Discord can't be reached".into(),
        serenity::Error::Tungstenite(_) => "the WebSocket connection failed".into(),
        other => other.to_string(),
    }
}

/// Keeps an eye on the connection.
struct Watch {
    clock: Arc<dyn Clock>,
    changed: Notify,
    sessions: Mutex<VecDeque<Instant>>,
    restless: CancellationToken,
    turns: Arc<dyn Turns>,
}

#[async_trait]
impl EventHandler for Watch {
    async fn shard_stage_update(&self, _: Context, update: ShardStageUpdateEvent) {
        if update.new == ConnectionStage::Identifying {
            self.identified();
            // serenity begins a new session by itself when Discord ends the old one: others wait for that, too.
            self.turns.taken().await;
        }
        self.changed.notify_one();
    }
}

impl Watch {
    fn identified(&self) {
        let now = self.clock.monotonic();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push_back(now);
        while sessions.front().is_some_and(|first| *first + SESSIONS_WINDOW < now) {
            sessions.pop_front();
        }
        if sessions.len() > SESSIONS {
            self.restless.cancel();
        }
    }

    /// Reports the connection's health for as long as it is polled. serenity tells of most changes; a
    /// shard that it starts anew it does not tell of, so that it is looked at besides.
    async fn report(&self, manager: &ShardManager, health: &Health) -> Infallible {
        let mut told = false;
        loop {
            let healthy = {
                let runners = manager.runners.lock().await;
                runners.values().any(|shard| shard.stage == ConnectionStage::Connected)
            };
            if healthy != told {
                told = healthy;
                health(if healthy { Ok(()) } else { Err(APART.to_owned()) });
            }
            let _ = tokio::time::timeout(LOOK, self.changed.notified()).await;
        }
    }
}
