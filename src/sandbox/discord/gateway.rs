//! The gateway: sessions that live longer than their connections, dispatches with sequence numbers
//! and replay, and the faults that a gateway can have.
//! Source: docs.discord.com, Events / Gateway.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Discord;
use super::permissions::VIEW_CHANNEL;
use super::state::{Id, State};

/// Milliseconds between heartbeats, as Discord asks for.
const HEARTBEAT_MS: u64 = 41_250;
/// Dispatches that a session keeps for a resume.
const REPLAY: usize = 10_000;

const GUILDS: u64 = 1;
const GUILD_WEBHOOKS: u64 = 1 << 5;
const GUILD_MESSAGES: u64 = 1 << 9;
const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
const DIRECT_MESSAGES: u64 = 1 << 12;
const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
pub const MESSAGE_CONTENT: u64 = 1 << 15;
/// Every intent that exists.
const ALL_INTENTS: u64 = ((1 << 17) - 1) | (1 << 20) | (1 << 21) | (1 << 24) | (1 << 25);

/// What a connection is told to do.
enum Order {
    Send(Value),
    Close(u16, &'static str),
}

/// How many shards there are to be, and how sessions may begin.
#[derive(Debug, Clone, Copy)]
pub struct Starts {
    /// What `GET /gateway/bot` recommends.
    pub shards: u64,
    /// So many sessions may begin before the count starts anew; Discord takes its token from a bot that begins more.
    pub total: u64,
    /// How long after the first of them it does.
    pub reset_after: Duration,
    /// So many shards, told apart by `shard % at_once`, may begin at once.
    pub at_once: u64,
    /// How long after one the next of its kind may begin; Discord: five seconds. A client that is too early is told
    /// that its session is invalid. Zero: nobody is.
    pub gap: Duration,
}

impl Default for Starts {
    fn default() -> Self {
        let reset_after = Duration::from_secs(24 * 3600);
        Self { shards: 1, total: 1000, reset_after, at_once: 1, gap: Duration::ZERO }
    }
}

struct Session {
    /// Which part of the guilds it hears of: number, and of how many.
    shard: (u64, u64),
    intents: u64,
    seq: u64,
    /// What was dispatched, for a resume.
    log: VecDeque<Value>,
    /// The connection, and which one: an older one may not speak for the session any more.
    line: Option<(u64, UnboundedSender<Order>)>,
}

/// Faults of the gateway, and all sessions.
#[derive(Default)]
pub struct Sessions {
    sessions: BTreeMap<String, Session>,
    lines: u64,
    /// Every dispatch is sent twice.
    pub duplicate: bool,
    /// So many dispatches change places with the one that follows.
    pub reorder: usize,
    held: HashMap<String, (String, Value)>,
    /// So many dispatches are lost, and no resume brings them back.
    pub drop: usize,
    /// Heartbeats are not answered.
    pub zombie: bool,
    pub identifies: u64,
    pub resumes: u64,
    pub starts: Starts,
    /// Sessions that count, and when they no longer do.
    used: u64,
    fresh: Option<Instant>,
    /// When the last session of each kind began.
    began: HashMap<u64, Instant>,
    /// How often a client was too early.
    pub hasty: u64,
}

impl Session {
    /// Whether it is this shard that hears of a guild; of what is in none, the first does.
    /// Source: docs.discord.com, Events / Gateway, Sharding.
    fn hears(&self, guild: Option<Id>) -> bool {
        let (number, of) = self.shard;
        guild.map_or(0, |guild| (guild >> 22) % of) == number
    }

    fn dispatch(&mut self, event: &str, payload: Value) {
        self.seq += 1;
        let frame = json!({ "op": 0, "t": event, "s": self.seq, "d": payload });
        self.log.push_back(frame.clone());
        if self.log.len() > REPLAY {
            self.log.pop_front();
        }
        self.send(frame);
    }

    fn send(&mut self, frame: Value) {
        if let Some((_, line)) = &self.line
            && line.send(Order::Send(frame)).is_err()
        {
            self.line = None;
        }
    }
}

impl Sessions {
    pub fn new(starts: Starts) -> Self {
        Self { starts, ..Self::default() }
    }

    /// The shards that are connected now.
    pub fn shards(&self) -> Vec<u64> {
        let connected = |it: &&Session| it.line.as_ref().is_some_and(|(_, line)| !line.is_closed());
        let mut shards: Vec<u64> = self.sessions.values().filter(connected).map(|it| it.shard.0).collect();
        shards.sort_unstable();
        shards
    }

    /// How many sessions may still begin, and for how long it stays so.
    pub fn left(&mut self, now: Instant) -> (u64, Duration) {
        if self.fresh.is_some_and(|fresh| fresh <= now) {
            (self.used, self.fresh) = (0, None);
        }
        let wait = self.fresh.map_or(self.starts.reset_after, |fresh| fresh - now);
        (self.starts.total.saturating_sub(self.used), wait)
    }

    /// Counts a session that begins. False when it comes too soon after another.
    fn begin(&mut self, shard: u64, now: Instant) -> bool {
        self.identifies += 1;
        self.used += 1;
        self.fresh.get_or_insert(now + self.starts.reset_after);
        let last = self.began.insert(shard % self.starts.at_once.max(1), now);
        let hasty = last.is_some_and(|last| now.duration_since(last) < self.starts.gap);
        self.hasty += u64::from(hasty);
        !hasty
    }

    /// Sessions that have a connection now.
    pub fn connected(&self) -> usize {
        self.sessions
            .values()
            .filter(|it| it.line.as_ref().is_some_and(|(_, line)| !line.is_closed()))
            .count()
    }

    fn each_line(&mut self, order: impl Fn() -> Order) {
        for session in self.sessions.values_mut() {
            if let Some((_, line)) = &session.line {
                let _ = line.send(order());
            }
        }
    }

    /// Asks every client to reconnect and resume.
    pub fn reconnect(&mut self) {
        self.each_line(|| Order::Send(json!({ "op": 7, "d": null, "s": null, "t": null })));
        self.each_line(|| Order::Close(4000, "Reconnect"));
    }

    /// Ends every session: the clients have to identify anew.
    pub fn invalidate(&mut self) {
        self.each_line(|| Order::Send(json!({ "op": 9, "d": false, "s": null, "t": null })));
        self.sessions.clear();
    }

    /// Closes every connection. Without `resumable` the sessions are gone as well.
    pub fn disconnect(&mut self, resumable: bool) {
        if resumable {
            self.each_line(|| Order::Close(4000, "Unknown error."));
        } else {
            self.each_line(|| Order::Close(4009, "Session timed out."));
            self.sessions.clear();
        }
    }

    /// Closes every connection with that code.
    pub fn close(&mut self, code: u16) {
        self.each_line(|| Order::Close(code, ""));
    }

    fn dispatch(&mut self, id: &str, event: &str, payload: Value) {
        if self.drop > 0 {
            self.drop -= 1;
            return;
        }
        let Some(session) = self.sessions.get_mut(id) else { return };
        if let Some((held, first)) = self.held.remove(id) {
            session.dispatch(event, payload);
            session.dispatch(&held, first);
            return;
        }
        if self.reorder > 0 {
            self.reorder -= 1;
            self.held.insert(id.to_owned(), (event.to_owned(), payload));
            return;
        }
        if self.duplicate {
            session.dispatch(event, payload.clone());
        }
        session.dispatch(event, payload);
    }

    /// Sends the last dispatches again, under new numbers.
    pub fn repeat(&mut self, count: usize) {
        for session in self.sessions.values_mut() {
            let skip = session.log.len().saturating_sub(count);
            // A session has one beginning.
            let begins = |frame: &&Value| frame["t"] == "READY" || frame["t"] == "RESUMED";
            let last: Vec<Value> =
                session.log.iter().skip(skip).filter(|frame| !begins(frame)).cloned().collect();
            for frame in last {
                session.dispatch(frame["t"].as_str().unwrap_or_default(), frame["d"].clone());
            }
        }
    }

    /// Sends what was held back to change places, for want of a follower.
    pub fn flush(&mut self) {
        for (id, (event, payload)) in std::mem::take(&mut self.held) {
            if let Some(session) = self.sessions.get_mut(&id) {
                session.dispatch(&event, payload);
            }
        }
    }
}

/// The intent that an event needs; 0 when none. `guild` tells direct messages apart.
fn intent(event: &str, guild: bool) -> u64 {
    match event {
        "INTERACTION_CREATE" => 0,
        "WEBHOOKS_UPDATE" => GUILD_WEBHOOKS,
        _ if event.starts_with("MESSAGE_REACTION") && guild => GUILD_MESSAGE_REACTIONS,
        _ if event.starts_with("MESSAGE_REACTION") => DIRECT_MESSAGE_REACTIONS,
        _ if event.starts_with("MESSAGE_") && guild => GUILD_MESSAGES,
        _ if event.starts_with("MESSAGE_") => DIRECT_MESSAGES,
        _ => GUILDS,
    }
}

impl State {
    /// Tells every session that wants to know, if the bot can see the channel.
    pub fn emit(&mut self, event: &str, channel: Option<Id>, payload: Value) {
        let in_guild = payload.get("guild_id").is_some();
        if let Some(channel) = channel
            && event != "INTERACTION_CREATE"
            && in_guild
            && self.permissions(channel, self.bot) & VIEW_CHANNEL == 0
        {
            return;
        }
        let needed = intent(event, in_guild);
        let guild = super::draft::id_of(&payload["guild_id"]);
        let wanting: Vec<(String, u64)> = self
            .sessions
            .sessions
            .iter()
            .filter(|(_, session)| session.intents & needed == needed && session.hears(guild))
            .map(|(id, session)| (id.clone(), session.intents))
            .collect();
        for (id, intents) in wanting {
            let payload = if intents & MESSAGE_CONTENT == 0 && event.starts_with("MESSAGE_") {
                self.without_content(payload.clone())
            } else {
                payload.clone()
            };
            self.sessions.dispatch(&id, event, payload);
        }
    }

    /// Without the MESSAGE_CONTENT intent the words of others come empty, except in direct messages
    /// and where the bot is mentioned.
    fn without_content(&self, mut payload: Value) -> Value {
        let bot = self.bot.to_string();
        let own = payload["author"]["id"] == bot.as_str()
            || payload["application_id"] == self.application.to_string().as_str();
        let mentioned =
            payload["mentions"].as_array().is_some_and(|all| all.iter().any(|it| it["id"] == bot.as_str()));
        if payload.get("content").is_some() && !own && !mentioned && payload.get("guild_id").is_some() {
            payload["content"] = json!("");
            for list in ["embeds", "attachments", "components"] {
                payload[list] = json!([]);
            }
        }
        payload
    }
}

/// Serves one connection until either side has enough.
pub async fn serve(discord: Discord, mut socket: WebSocket) {
    let (sender, mut orders) = unbounded_channel();
    let mut line = Line { discord, sender, number: 0, session: None, compress: false };
    let hello = json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": HEARTBEAT_MS } });
    if line.write(&mut socket, &hello).await.is_err() {
        return;
    }
    let closing = line.run(&mut socket, &mut orders).await;
    if let Some((code, reason)) = closing {
        let _ = socket.send(Frame::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        // Let the client read the close before the connection goes.
        let _ = tokio::time::timeout(Duration::from_secs(2), async {
            while socket.recv().await.is_some_and(|it| it.is_ok()) {}
        })
        .await;
    }
    line.leave();
}

struct Line {
    discord: Discord,
    sender: UnboundedSender<Order>,
    number: u64,
    session: Option<String>,
    /// Asked for in the identify: dispatches come as zlib streams of their own.
    compress: bool,
}

type Closing = Option<(u16, &'static str)>;

impl Line {
    async fn run(&mut self, socket: &mut WebSocket, orders: &mut UnboundedReceiver<Order>) -> Closing {
        loop {
            tokio::select! {
                order = orders.recv() => match order? {
                    Order::Send(frame) => self.write(socket, &frame).await.ok()?,
                    Order::Close(code, reason) => return Some((code, reason)),
                },
                frame = socket.recv() => {
                    let text = match frame {
                        Some(Ok(Frame::Text(text))) => text.as_str().to_owned(),
                        Some(Ok(Frame::Binary(_))) => return Some((4002, "Error while decoding payload.")),
                        Some(Ok(Frame::Close(frame))) => {
                            self.closed(frame.map_or(1005, |frame| frame.code));
                            return None;
                        }
                        Some(Ok(_)) => continue,
                        Some(Err(_)) | None => return None,
                    };
                    if text.len() > 4096 {
                        return Some((4002, "Error while decoding payload."));
                    }
                    let Ok(payload) = serde_json::from_str::<Value>(&text) else {
                        return Some((4002, "Error while decoding payload."));
                    };
                    match self.heard(&payload) {
                        Ok(answers) => for answer in answers {
                            self.write(socket, &answer).await.ok()?;
                        },
                        Err(closing) => return Some(closing),
                    }
                }
            }
        }
    }

    async fn write(&self, socket: &mut WebSocket, frame: &Value) -> Result<(), ()> {
        let text = frame.to_string();
        let frame = if self.compress {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).map_err(|_| ())?;
            Frame::Binary(encoder.finish().map_err(|_| ())?.into())
        } else {
            Frame::Text(text.into())
        };
        socket.send(frame).await.map_err(|_| ())
    }

    /// What a payload of the client is answered with, or the code that the connection closes with.
    fn heard(&mut self, payload: &Value) -> Result<Vec<Value>, (u16, &'static str)> {
        match payload["op"].as_u64() {
            Some(1) => {
                let zombie = self.discord.lock().sessions.zombie;
                Ok(if zombie {
                    Vec::new()
                } else {
                    vec![json!({ "op": 11, "d": null, "s": null, "t": null })]
                })
            }
            Some(2) if self.session.is_some() => Err((4005, "Already authenticated.")),
            Some(2) => self.identify(&payload["d"]),
            Some(6) => self.resume(&payload["d"]),
            Some(3 | 4 | 8 | 14 | 31) if self.session.is_none() => Err((4003, "Not authenticated.")),
            Some(8) => {
                self.members(&payload["d"]);
                Ok(Vec::new())
            }
            Some(3 | 4 | 14 | 31) => Ok(Vec::new()),
            _ => Err((4001, "Unknown opcode.")),
        }
    }

    fn identify(&mut self, d: &Value) -> Result<Vec<Value>, (u16, &'static str)> {
        let mut state = self.discord.lock();
        if d["token"].as_str().map(|it| it.trim_start_matches("Bot ")) != Some(state.token.as_str()) {
            return Err((4004, "Authentication failed."));
        }
        let Some(intents) = d["intents"].as_u64().filter(|it| it & !ALL_INTENTS == 0) else {
            return Err((4013, "Invalid intent(s)."));
        };
        if intents & state.disallowed_intents != 0 {
            return Err((4014, "Disallowed intent(s)."));
        }
        let shard = match (d["shard"].is_array(), d["shard"][0].as_u64(), d["shard"][1].as_u64()) {
            (false, ..) => (0, 1),
            (true, Some(number), Some(of)) if number < of => (number, of),
            _ => return Err((4010, "Invalid shard.")),
        };
        let now = state.at;
        if state.sessions.left(now).0 == 0 {
            let bot = state.bot;
            state.token = super::bot_token(bot);
            return Err((4004, "Authentication failed."));
        }
        if !state.sessions.begin(shard.0, now) {
            return Ok(vec![json!({ "op": 9, "d": false, "s": null, "t": null })]);
        }
        self.compress = d["compress"].as_bool().unwrap_or(false);
        state.sessions.lines += 1;
        self.number = state.sessions.lines;
        let id = format!("{:032x}", u128::from(state.next_id()));
        let line = Some((self.number, self.sender.clone()));
        let mut session = Session { shard, intents, seq: 0, log: VecDeque::new(), line };
        let own = state.guilds.keys().filter(|id| session.hears(Some(**id)));
        let guilds: Vec<Value> = own.map(|id| json!({ "id": id.to_string(), "unavailable": true })).collect();
        let mut user = state.user_json(state.bot);
        user["verified"] = json!(true);
        user["mfa_enabled"] = json!(true);
        user["email"] = Value::Null;
        let mut ready = json!({
            "v": 10,
            "user": user,
            "guilds": guilds,
            "private_channels": [],
            "session_id": id,
            "session_type": "normal",
            "resume_gateway_url": state.base.replacen("http", "ws", 1),
            "application": { "id": state.application.to_string(), "flags": 0 },
        });
        if d["shard"].is_array() {
            ready["shard"] = d["shard"].clone();
        }
        session.dispatch("READY", ready);
        if intents & GUILDS != 0 {
            for guild in state.guilds.values() {
                if !session.hears(Some(guild.id)) {
                    continue;
                }
                session.dispatch("GUILD_CREATE", state.guild_create_json(guild));
            }
        }
        state.sessions.sessions.insert(id.clone(), session);
        drop(state);
        self.discord.changed();
        self.session = Some(id);
        Ok(Vec::new())
    }

    fn resume(&mut self, d: &Value) -> Result<Vec<Value>, (u16, &'static str)> {
        let mut guard = self.discord.lock();
        let state = &mut *guard;
        if d["token"].as_str().map(|it| it.trim_start_matches("Bot ")) != Some(state.token.as_str()) {
            return Err((4004, "Authentication failed."));
        }
        let invalid = || vec![json!({ "op": 9, "d": false, "s": null, "t": null })];
        let Some(id) = d["session_id"].as_str() else { return Ok(invalid()) };
        let Some(session) = state.sessions.sessions.get_mut(id) else { return Ok(invalid()) };
        let seq = d["seq"].as_u64().unwrap_or(0);
        if seq > session.seq {
            return Err((4007, "Invalid seq."));
        }
        let oldest = session.log.front().and_then(|it| it["s"].as_u64()).unwrap_or(0);
        if seq + 1 < oldest {
            state.sessions.sessions.remove(id);
            return Ok(invalid());
        }
        state.sessions.lines += 1;
        self.number = state.sessions.lines;
        if let Some((_, old)) = session.line.replace((self.number, self.sender.clone())) {
            let _ = old.send(Order::Close(4000, "Resumed elsewhere."));
        }
        let missed: Vec<Value> =
            session.log.iter().filter(|it| it["s"].as_u64().is_some_and(|s| s > seq)).cloned().collect();
        for frame in missed {
            session.send(frame);
        }
        session.dispatch("RESUMED", json!({}));
        state.sessions.resumes += 1;
        self.session = Some(id.to_owned());
        drop(guard);
        self.discord.changed();
        Ok(Vec::new())
    }

    /// Answers a request for guild members.
    fn members(&self, d: &Value) {
        let mut state = self.discord.lock();
        let Some(guild) = super::draft::id_of(&d["guild_id"]).and_then(|id| state.guilds.get(&id)) else {
            return;
        };
        let members: Vec<Value> =
            guild.members.keys().filter_map(|user| state.member_json(guild.id, *user)).collect();
        let mut chunk = json!({
            "guild_id": guild.id.to_string(), "members": members, "chunk_index": 0, "chunk_count": 1, "not_found": [],
        });
        if d["nonce"].is_string() {
            chunk["nonce"] = d["nonce"].clone();
        }
        if let Some(session) = self.session.as_ref().and_then(|id| state.sessions.sessions.get_mut(id)) {
            session.dispatch("GUILD_MEMBERS_CHUNK", chunk);
        }
    }

    /// The client hung up: with 1000 or 1001 the session ends too.
    fn closed(&self, code: u16) {
        if let (1000 | 1001, Some(id)) = (code, &self.session) {
            self.discord.lock().sessions.sessions.remove(id);
        }
    }

    fn leave(&self) {
        let Some(id) = &self.session else { return };
        let mut state = self.discord.lock();
        if let Some(session) = state.sessions.sessions.get_mut(id)
            && session.line.as_ref().is_some_and(|(number, _)| *number == self.number)
        {
            session.line = None;
        }
        drop(state);
        self.discord.changed();
    }
}

impl State {
    /// The bot has joined a guild.
    pub fn emit_guild(&mut self, guild: Id) {
        if let Some(guild) = self.guilds.get(&guild) {
            let payload = self.guild_create_json(guild);
            let own = self.sessions.sessions.iter().filter(|(_, it)| it.hears(Some(guild.id)));
            let ids: Vec<String> = own.map(|(id, _)| id.clone()).collect();
            for id in ids {
                self.sessions.dispatch(&id, "GUILD_CREATE", payload.clone());
            }
        }
    }
}
