//! A Discord on loopback: REST v10, the gateway, and people who write, react and use commands.
//!
//! State lives in memory behind one lock; nothing here ever speaks to, or listens on, an address
//! other than 127.0.0.1. The room shares no code with `crate::discord`, which it is there to test.
//!
//! [`Discord`] is the handle: start it, build guilds and channels, act as people, look at the facts,
//! and tell it to fail. What it was asked and what it answered is in its ledger.

mod build;
mod draft;
mod error;
mod facts;
mod faults;
mod gateway;
mod interactions;
mod ledger;
mod limits;
mod line;
mod multipart;
mod people;
mod permissions;
mod post;
mod render;
mod rest;
mod signed;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use build::Person;
pub use error::Refused;
pub use faults::Fault;
pub use gateway::{MESSAGE_CONTENT, Starts};
pub use interactions::{Answer, Interaction};
pub use ledger::Entry;
pub use limits::Limits;
pub use permissions::*;
pub use state::{ANNOUNCEMENT, FORUM, PINNED, PUBLIC_THREAD, REQUIRE_TAG, TEXT};
pub use state::{Attachment, Channel, Id, Message, Reaction, Tag, Thread, User, Webhook};

use crate::clock::Clock;
use faults::Faults;
use state::State;

/// How the sandbox's Discord is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// 0 takes any free port.
    pub port: u16,
    pub limits: Limits,
    /// The bot's name.
    pub bot_name: String,
    /// Privileged intents that are switched off in the portal: asking for one closes with 4014.
    pub disallowed_intents: u64,
    pub starts: Starts,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            limits: Limits::default(),
            bot_name: "threadbridge".to_owned(),
            disallowed_intents: 0,
            starts: Starts::default(),
        }
    }
}

/// A running Discord. Clones are the same one.
#[derive(Clone)]
pub struct Discord {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    address: SocketAddr,
    /// Cancelled to close the port and cut every connection; absent while paused.
    lines: Mutex<Option<CancellationToken>>,
}

/// The state, locked, with the time of this moment in it.
struct Guard<'a>(MutexGuard<'a, State>);

impl Deref for Guard<'_> {
    type Target = State;
    fn deref(&self) -> &State {
        &self.0
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.0
    }
}

/// A secret that cannot be guessed from the id alone, long as Discord's are.
fn token(id: Id) -> String {
    std::iter::once(format!("{id:x}")).chain((0..4).map(|_| format!("{:016x}", fastrand::u64(..)))).collect()
}

impl Discord {
    /// Opens the port and begins to serve.
    ///
    /// # Errors
    /// When the port cannot be opened on 127.0.0.1.
    pub async fn start(options: Options, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let mut state = State {
            now: clock.now(),
            at: clock.monotonic(),
            base: format!("http://{address}"),
            token: String::new(),
            bot: 0,
            application: 0,
            guilds: BTreeMap::new(),
            users: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            commands: BTreeMap::new(),
            granted: Default::default(),
            interactions: BTreeMap::new(),
            files: HashMap::new(),
            nonces: HashMap::new(),
            sessions: gateway::Sessions::new(options.starts),
            buckets: limits::Buckets::new(options.limits),
            faults: Faults::default(),
            ledger: Vec::new(),
            disallowed_intents: options.disallowed_intents,
            last_id: 0,
        };
        let bot = state.next_id();
        (state.bot, state.application) = (bot, bot);
        state.token = bot_token(bot);
        state.users.insert(
            bot,
            User { id: bot, name: options.bot_name, display: None, avatar_url: None, bot: true },
        );
        let discord = Self {
            inner: Arc::new(Inner {
                clock,
                state: Mutex::new(state),
                changes: watch::Sender::new(0),
                address,
                lines: Mutex::new(None),
            }),
        };
        discord.listen(listener);
        Ok(discord)
    }

    fn listen(&self, listener: TcpListener) {
        let all = CancellationToken::new();
        let lines = line::Lines { listener, all: all.clone() };
        let app = rest::router(self.clone()).into_make_service_with_connect_info::<line::Scissors>();
        let until = all.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = axum::serve(lines, app).into_future() => {}
                () = until.cancelled() => {}
            }
        });
        *self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner) = Some(all);
    }

    /// `http://127.0.0.1:PORT`: what `discord.api_url` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.lock().token.clone()
    }

    /// The bot's user, and its application: Discord gives both the same id.
    pub fn bot(&self) -> Id {
        self.lock().bot
    }

    /// Closes the port for good and cuts every connection.
    pub fn stop(&self) {
        self.pause();
    }

    /// Goes down: the port is closed and every connection is cut. State and sessions stay.
    pub fn pause(&self) {
        if let Some(all) = self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner).take() {
            all.cancel();
        }
    }

    /// Comes back on the same port after [`Discord::pause`].
    ///
    /// # Errors
    /// When something else has taken the port meanwhile.
    pub async fn resume(&self) -> io::Result<()> {
        if self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let mut tries = 0;
        let listener = loop {
            match TcpListener::bind(self.inner.address).await {
                Ok(listener) => break listener,
                // The old listener is dropped by its task, which may not have run yet.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < 100 => {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error),
            }
        };
        self.listen(listener);
        Ok(())
    }

    /// Counts up with everything that happens.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    fn changed(&self) {
        self.inner.changes.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> Guard<'_> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.inner.clock.now();
        state.at = self.inner.clock.monotonic();
        state.sweep();
        Guard(state)
    }

    /// Does something to the state and tells the watchers.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let done = act(&mut self.lock());
        self.changed();
        done
    }

    /// Plays a fault on the next `times` requests of that method (`None`: any) whose route
    /// (`/channels/{channel_id}/messages`) or path holds `place`.
    pub fn fault(&self, method: Option<&str>, place: &str, fault: Fault, times: usize) {
        self.lock().faults.plan(method, place, fault, times);
    }

    /// How many planned faults have not struck yet.
    pub fn faults_left(&self) -> usize {
        self.lock().faults.left()
    }

    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    pub fn set_limits(&self, limits: Limits) {
        self.lock().buckets = limits::Buckets::new(limits);
    }

    /// Closes every gateway connection; resumable (4000), or with the sessions gone (4009).
    pub fn disconnect(&self, resumable: bool) {
        self.with(|state| state.sessions.disconnect(resumable));
    }

    /// Closes every gateway connection with that code.
    pub fn close_gateway(&self, code: u16) {
        self.with(|state| state.sessions.close(code));
    }

    /// Op 9, not resumable: the client has to identify anew.
    pub fn invalid_session(&self) {
        self.with(|state| state.sessions.invalidate());
    }

    /// Op 7: the client has to reconnect and resume.
    pub fn reconnect(&self) {
        self.with(|state| state.sessions.reconnect());
    }

    /// Sends every dispatch twice from now on, or no longer.
    pub fn duplicate_events(&self, on: bool) {
        self.with(|state| state.sessions.duplicate = on);
    }

    /// The next `count` dispatches change places with the one that follows each. 0 sends what waits.
    pub fn reorder_events(&self, count: usize) {
        self.with(|state| {
            state.sessions.reorder = count;
            if count == 0 {
                state.sessions.flush();
            }
        });
    }

    /// Sends the last `count` dispatches of every session once more.
    pub fn repeat_events(&self, count: usize) {
        self.with(|state| state.sessions.repeat(count));
    }

    /// Loses the next `count` dispatches; no resume brings them back.
    pub fn drop_events(&self, count: usize) {
        self.with(|state| state.sessions.drop = count);
    }

    /// Heartbeats are not answered any more, or again.
    pub fn zombie(&self, on: bool) {
        self.with(|state| state.sessions.zombie = on);
    }

    /// Changes the bot's token, as its owner would in the portal.
    pub fn reset_token(&self) -> String {
        self.with(|state| {
            state.token = bot_token(state.bot);
            state.sessions.disconnect(false);
            state.token.clone()
        })
    }
}

/// Three parts, the first of which is the id in base 64: libraries look at the shape.
fn bot_token(bot: Id) -> String {
    format!("{}.{}.{}", base64(bot.to_string().as_bytes()), &token(bot)[16..22], &token(bot)[16..54])
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |n: u32| char::from(DIGITS[(n & 63) as usize]);
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let n = chunk.iter().fold(0, |n, byte| n << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            (0..=chunk.len()).map(move |place| digit(n >> (18 - 6 * place)))
        })
        .collect()
}
