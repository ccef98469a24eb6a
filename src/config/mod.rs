//! The configuration: one typed tree from one TOML file, over which the environment may lay single
//! keys. Says exactly what is wrong and where; reads secrets from files; knows no other room.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use url::Url;

use crate::model::{BoardId, ChannelId, ForumKey, GuildId, ThreadId};

mod read;
mod tree;
mod values;

/// Everything that `threadbridge run` needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    pub discord: DiscordConfig,
    pub database: DatabaseConfig,
    pub server: ServerConfig,
    pub accounts: AccountsConfig,
    pub forums: Vec<ForumConfig>,
    pub bridges: Vec<BridgeConfig>,
}

/// How people in Discord and members of forums are tied together.
#[derive(Debug, Clone, Default)]
pub struct AccountsConfig {
    /// Set where members may sign in on the bridge's own page: what their sessions are sealed with.
    pub sign_in: Option<SessionKey>,
}

/// A key of 32 bytes that is kept outside the database.
pub struct SessionKey(SecretBox<[u8; 32]>);

impl Clone for SessionKey {
    fn clone(&self) -> Self {
        Self(SecretBox::new(Box::new(*self.bytes())))
    }
}

impl SessionKey {
    /// Reads 64 hexadecimal digits.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.trim().as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(SecretBox::new(Box::new(key))))
    }

    pub fn bytes(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

#[derive(Debug, Clone)]
pub struct DiscordConfig {
    pub token: SecretString,
    /// Base address for REST; the gateway's address comes from `GET /gateway/bot`.
    pub api_url: Url,
    /// What Discord allows the bot as a whole; all replicas together stay below it.
    pub requests_per_second: u32,
}

#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `sqlite://file` or `postgres://user@host/db`; may hold a password.
    pub url: SecretString,
}

#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: std::net::SocketAddr,
    /// The address at which the world reaches `listen`, by a reverse proxy as a rule; ends in a slash.
    pub public_url: Option<Url>,
}

#[derive(Debug, Clone)]
pub struct ForumConfig {
    pub key: ForumKey,
    pub engine: EngineName,
    pub url: Url,
    pub account: Option<AccountConfig>,
    /// How an engine with an API is let in.
    pub api: Option<ApiConfig>,
    /// What the forum signs its pushed news with.
    pub hook_secret: Option<SecretString>,
    pub timezone: TimeZone,
    /// The shortest time between two looks at a board; quiet boards are asked less often.
    pub poll: Duration,
    /// The shortest time between two requests to this forum's host.
    pub min_request_gap: Duration,
    /// Guilds whose managers may bridge this forum from Discord, beside those that a bridge leads to.
    pub guilds: Vec<GuildId>,
}

/// The reactions that thank, unless a bridge names others.
pub const DEFAULT_THANKS: [&str; 3] = ["🙏", "👍", "❤️"];

#[derive(Debug, Clone)]
pub struct AccountConfig {
    pub username: String,
    pub password: SecretString,
}

#[derive(Debug, Clone)]
pub struct ApiConfig {
    pub key: SecretString,
    /// The account that the bridge is, where the key does not say.
    pub user: Option<String>,
}

impl ForumConfig {
    /// The same forum as somebody sees it who has not signed in.
    pub fn as_guest(&self) -> Self {
        Self { account: None, api: None, ..self.clone() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    Vbulletin4,
    Discourse,
    Nodebb,
    Feed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeConfig {
    pub forum: ForumKey,
    pub scope: Scope,
    pub channel: ChannelId,
    pub layout: Layout,
    pub replies: Replies,
    /// The reactions that thank a post's author; empty is off.
    pub thanks: Vec<String>,
    pub start: Start,
}

/// What of a forum a bridge carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    Board(BoardId),
    Thread(ThreadId),
}

/// How a bridge looks in Discord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `Threads` in a Discord forum channel, `Feed` in a text channel.
    Auto,
    /// A Discord thread for each forum thread.
    Threads,
    /// Every post is a message of the channel.
    Feed,
}

/// Whose Discord messages reach the forum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replies {
    Everyone,
    Linked,
    Off,
}

/// How much of what is already on the forum a new bridge brings over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Now,
    All,
    /// So many of the newest posts of each thread.
    Newest(u32),
}

impl FromStr for EngineName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|engine| engine.name() == name).ok_or(())
    }
}

impl EngineName {
    pub const ALL: [Self; 4] = [Self::Vbulletin4, Self::Discourse, Self::Nodebb, Self::Feed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Vbulletin4 => "vbulletin4",
            Self::Discourse => "discourse",
            Self::Nodebb => "nodebb",
            Self::Feed => "feed",
        }
    }

    /// All names, as a sentence lists them.
    pub fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// How a forum of this kind is given an account, in the imperative.
    pub fn account_keys(self) -> &'static str {
        match self {
            Self::Vbulletin4 => "set forums.username and forums.password",
            Self::Discourse => "set forums.api_key and forums.api_user",
            Self::Nodebb => "set forums.token",
            Self::Feed => "use the engine of the forum's own software",
        }
    }

    /// How often a busy board is looked at, in seconds, where the configuration does not say. Few feeds change by the
    /// minute.
    fn poll_seconds(self) -> u64 {
        match self {
            Self::Vbulletin4 | Self::Discourse | Self::Nodebb => 30,
            Self::Feed => 300,
        }
    }

    /// The keys of a forum's section that only some engines use.
    fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Vbulletin4 => &["username", "password", "password_file", "timezone"],
            Self::Discourse => &["api_key", "api_key_file", "api_user", "hook_secret", "hook_secret_file"],
            Self::Nodebb => &["token", "token_file", "api_user"],
            Self::Feed => &[],
        }
    }
}

/// Everything that is wrong with a configuration, a line each.
#[derive(Debug)]
pub struct ConfigErrors(Vec<String>);

impl std::fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// Why a file can't be read, for people.
pub fn unreadable(file: &Path, error: &std::io::Error) -> String {
    let file = file.display();
    match error.kind() {
        ErrorKind::NotFound => format!("there is no file {file}"),
        ErrorKind::PermissionDenied => format!("this user may not read {file}"),
        ErrorKind::IsADirectory => format!("{file} is a folder, not a file"),
        _ => format!("{file} can't be read: {error}"),
    }
}

/// Where the configuration is looked for when neither the flag nor the variable names a file.
const PLACES: [&str; 2] = ["threadbridge.toml", "config/threadbridge.toml"];

impl Config {
    /// Reads the file that `path` names, else `THREADBRIDGE_CONFIG`, else `./threadbridge.toml`, else
    /// `config/threadbridge.toml`, and lays the environment's keys over it. Without any file, the
    /// environment alone may say everything.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut variables: Vec<(String, String)> = environment.collect();
        variables.sort();
        let named = path.map(Path::to_owned).or_else(|| {
            let value = variables.iter().find(|(name, _)| name == "THREADBRIDGE_CONFIG");
            value.filter(|(_, value)| !value.is_empty()).map(|(_, value)| PathBuf::from(value))
        });
        variables.retain(|(name, _)| name.starts_with(tree::PREFIX));
        let found = named.or_else(|| PLACES.iter().map(PathBuf::from).find(|place| place.exists()));
        let text = match &found {
            Some(file) => {
                std::fs::read_to_string(file).map_err(|error| ConfigErrors(vec![unreadable(file, &error)]))?
            }
            None if !variables.is_empty() => String::new(),
            None => {
                return Err(ConfigErrors(vec![format!(
                    "there is no configuration: neither {} nor {} is here; name one with --config",
                    PLACES[0], PLACES[1]
                )]));
            }
        };
        let file = found.unwrap_or_else(|| PathBuf::from("the environment"));
        Self::parse(&text, &file, variables)
    }

    /// The same from text; `file` is for messages and for where secret files are.
    pub fn parse(
        text: &str,
        file: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut root =
            tree::parse(text).map_err(|fault| ConfigErrors(vec![format!("{} {fault}", file.display())]))?;
        let mut reader = values::Reader::new(file);
        for (name, value) in variables {
            if let Err(fault) = tree::overlay(&mut root, &name, &value) {
                reader.faults.push(format!("environment variable {fault}"));
            }
        }
        let config = reader.config(root);
        if reader.faults.is_empty() { Ok(config) } else { Err(ConfigErrors(reader.faults)) }
    }
}
