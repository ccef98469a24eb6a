//! A forum and a Discord side by side, with the configuration that bridges them: what the demo shows and
//! the scenario tests act on.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::discord::{self, Discord};
use super::forum::{self, Face, Forum};
use crate::clock::Clock;
use crate::config::{
    AccountConfig, AccountsConfig, ApiConfig, BridgeConfig, Config, DatabaseConfig, DiscordConfig,
    EngineName, ForumConfig, Layout, Replies, Scope, ServerConfig, Start,
};
use crate::model::{BoardId, ChannelId, ForumKey};

/// The bridge's own account on the forum.
pub const ACCOUNT: &str = "Discord Bridge";
/// What a forum that can push signs its news with.
pub const HOOK_SECRET: &str = "a secret between the two";
/// The forum's key in the configuration.
pub const FORUM: &str = "edu";

/// Both sides, running. Clones are the same stage.
#[derive(Clone)]
pub struct Stage {
    pub forum: Forum,
    pub discord: Discord,
    pub guild: u64,
    pub clock: Arc<dyn Clock>,
}

impl Stage {
    /// Starts both sides, empty but for the bridge's account on the forum and a guild in Discord.
    pub async fn start(
        forum: forum::Options,
        discord: discord::Options,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let forum = Forum::start(forum, clock.clone())?;
        forum.add_member(ACCOUNT);
        let discord = Discord::start(discord, clock.clone()).await?;
        let guild = discord.add_guild("School IT");
        Ok(Self { forum, discord, guild, clock })
    }

    pub fn bridge(&self, board: u64, channel: u64) -> BridgeConfig {
        BridgeConfig {
            forum: ForumKey::new(FORUM),
            scope: Scope::Board(self.board_id(board)),
            channel: ChannelId(channel),
            layout: Layout::Auto,
            replies: Replies::Everyone,
            thanks: ["🙏", "👍", "❤️"].map(str::to_owned).to_vec(),
            start: Start::Now,
        }
    }

    /// What a bridge calls a board of the forum.
    pub fn board_id(&self, board: u64) -> BoardId {
        BoardId::new(match self.forum.options().face {
            Face::Vbulletin4 | Face::Discourse | Face::Nodebb => board.to_string(),
            Face::Feed(kind) => format!("feeds/{board}.{}", kind.ending()),
        })
    }

    /// The configuration of a bridge between the two. Impatient: a look every `poll`, no politeness.
    pub fn config(&self, database: &str, poll: Duration, bridges: Vec<BridgeConfig>) -> io::Result<Config> {
        let face = self.forum.options().face;
        let address = |text: String| Url::parse(&text).map_err(io::Error::other);
        Ok(Config {
            discord: DiscordConfig {
                token: self.discord.token().into(),
                api_url: address(self.discord.url())?,
                requests_per_second: 50,
            },
            database: DatabaseConfig { url: database.to_owned().into() },
            server: ServerConfig { listen: ([127, 0, 0, 1], 0).into(), public_url: None },
            accounts: AccountsConfig::default(),
            forums: vec![ForumConfig {
                key: ForumKey::new(FORUM),
                engine: match face {
                    Face::Vbulletin4 => EngineName::Vbulletin4,
                    Face::Discourse => EngineName::Discourse,
                    Face::Feed(_) => EngineName::Feed,
                    Face::Nodebb => EngineName::Nodebb,
                },
                url: address(self.forum.url())?,
                account: (face == Face::Vbulletin4).then(|| AccountConfig {
                    username: ACCOUNT.to_owned(),
                    password: forum::DEFAULT_PASSWORD.to_owned().into(),
                }),
                api: match face {
                    Face::Vbulletin4 | Face::Feed(_) => None,
                    Face::Discourse => Some(forum::discourse::API_KEY),
                    Face::Nodebb => Some(forum::nodebb::TOKEN),
                }
                .map(|key| ApiConfig { key: key.to_owned().into(), user: Some(ACCOUNT.to_owned()) }),
                hook_secret: (face == Face::Discourse).then(|| HOOK_SECRET.to_owned().into()),
                timezone: self.forum.options().dates.zone.clone(),
                poll,
                min_request_gap: Duration::ZERO,
                guilds: Vec::new(),
            }],
            bridges,
        })
    }
}

/// A folder of its own that goes when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> io::Result<Self> {
        let unique = format!("threadbridge-demo-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// The address of a database in it.
    pub fn database(&self) -> String {
        format!("sqlite://{}", self.0.join("threadbridge.db").display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
