//! From untyped values to the typed tree, table by table. Every fault is collected, not only the first: an admin
//! mends a file once.

use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use url::Url;

use crate::model::{BoardId, ChannelId, ForumKey, GuildId, ThreadId};

use super::tree::{Node, Origin, Value};
use super::values::{Reader, Section};
use super::{
    AccountConfig, AccountsConfig, ApiConfig, BridgeConfig, Config, DEFAULT_THANKS, DatabaseConfig,
    DiscordConfig, EngineName, ForumConfig, Layout, Replies, Scope, ServerConfig, SessionKey, Start,
};

impl Reader {
    pub fn config(&mut self, root: Node) -> Config {
        let mut root = self.section("the file", root);
        let discord = root.take("discord");
        let database = root.take("database");
        let server = root.take("server");
        let accounts = root.take("accounts");
        let forums = root.take("forums");
        let bridges = root.take("bridges");
        self.finish(root);
        let discord = self.discord(discord);
        let database = self.database(database);
        let server = self.server(server);
        let accounts = self.accounts(accounts, &server);
        let forums = self.forums(forums);
        let bridges = self.bridges(bridges, &forums);
        Config { discord, database, server, accounts, forums, bridges }
    }

    fn forums(&mut self, node: Option<Node>) -> Vec<ForumConfig> {
        let mut forums: Vec<ForumConfig> = Vec::new();
        for (index, node) in self.list("forums", node).into_iter().enumerate() {
            let origin = node.origin.clone();
            let forum = self.forum(index, node);
            if !forum.key.as_str().is_empty() && forums.iter().any(|other| other.key == forum.key) {
                let what = format!("\"{}\" is the key of an earlier forum too; choose another", forum.key);
                self.fault(&origin, "forums.key", &what);
            }
            forums.push(forum);
        }
        forums
    }

    fn bridges(&mut self, node: Option<Node>, forums: &[ForumConfig]) -> Vec<BridgeConfig> {
        let mut bridges: Vec<BridgeConfig> = Vec::new();
        for (index, node) in self.list("bridges", node).into_iter().enumerate() {
            let origin = node.origin.clone();
            let Some(bridge) = self.bridge(index, node, forums) else { continue };
            let same = |other: &BridgeConfig| {
                other.forum == bridge.forum && other.scope == bridge.scope && other.channel == bridge.channel
            };
            if bridges.iter().any(same) {
                self.fault(&origin, "[[bridges]]", "ties the same two as an earlier one; remove one of them");
            }
            bridges.push(bridge);
        }
        bridges
    }

    fn discord(&mut self, node: Option<Node>) -> DiscordConfig {
        let mut section = self.optional_section("[discord]", node);
        let token = self.secret(&mut section, "token", "token_file");
        if token.is_none() {
            self.fault(
                &section.origin,
                "discord.token",
                "is missing; it is on the application's Bot page (or name a file in token_file)",
            );
        }
        let api_url = self.url(&mut section, "api_url").unwrap_or_else(|| "https://discord.com".to_owned());
        let requests = self.number(&mut section, "requests_per_second", 50, 1..=100_000);
        self.finish(section);
        DiscordConfig {
            token: token.unwrap_or_default(),
            api_url: Url::parse(&api_url).unwrap_or_else(|_| unreachable_url()),
            requests_per_second: u32::try_from(requests).unwrap_or(50),
        }
    }

    fn database(&mut self, node: Option<Node>) -> DatabaseConfig {
        let mut section = self.optional_section("[database]", node);
        let url = section.take("url").and_then(|node| {
            let text = self.text("database.url", &node)?;
            let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme));
            if !known {
                let what =
                    "must begin with sqlite:// or postgres://, for example \"sqlite://threadbridge.db\"";
                self.fault(&node.origin, "database.url", what);
            }
            Some(text)
        });
        self.finish(section);
        DatabaseConfig { url: url.unwrap_or_else(|| "sqlite://threadbridge.db".to_owned()).into() }
    }

    fn server(&mut self, node: Option<Node>) -> ServerConfig {
        let mut section = self.optional_section("[server]", node);
        let listen = section.take("listen").and_then(|node| {
            let text = self.text("server.listen", &node)?;
            let listen = text.parse().ok();
            if listen.is_none() {
                self.fault(
                    &node.origin,
                    "server.listen",
                    "must be an address and a port, like \"127.0.0.1:8070\"",
                );
            }
            listen
        });
        let public_url = self.url(&mut section, "public_url");
        self.finish(section);
        ServerConfig {
            listen: listen.unwrap_or_else(|| ([127, 0, 0, 1], 8070).into()),
            public_url: public_url
                .and_then(|url| Url::parse(&format!("{}/", url.trim_end_matches('/'))).ok()),
        }
    }

    fn accounts(&mut self, node: Option<Node>, server: &ServerConfig) -> AccountsConfig {
        let mut section = self.optional_section("[accounts]", node);
        let (origin, on) = match section.take("sign_in") {
            Some(node) => (node.origin.clone(), self.flag("accounts.sign_in", &node)),
            None => (section.origin.clone(), false),
        };
        let key = self.secret(&mut section, "session_key", "session_key_file");
        self.finish(section);
        if !on {
            return AccountsConfig::default();
        }
        if server.public_url.is_none() {
            let what = "needs server.public_url: the address at which people reach the page";
            self.fault(&origin, "accounts.sign_in", what);
        }
        const KEY: &str = "must be 64 hexadecimal digits; `openssl rand -hex 32` makes such a key";
        let sign_in = match key {
            Some(key) => {
                let read = SessionKey::read(key.expose_secret());
                if read.is_none() {
                    self.fault(&origin, "accounts.session_key", KEY);
                }
                read
            }
            None => {
                self.fault(
                    &origin,
                    "accounts.sign_in",
                    &format!("needs accounts.session_key or accounts.session_key_file, which {KEY}"),
                );
                None
            }
        };
        AccountsConfig { sign_in }
    }

    fn forum(&mut self, index: usize, node: Node) -> ForumConfig {
        let mut section = self.section(&format!("[[forums]] {}", index + 1), node);
        let key = self.required(&mut section, "key", "a short name of your choice, like \"edu\"");
        if let Some((origin, key)) = &key
            && (key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        {
            self.fault(&origin.clone(), "forums.key", "may hold letters, digits, - and _ only");
        }
        let known = EngineName::list();
        let engine = self.required(&mut section, "engine", &format!("the forum's software, one of: {known}"));
        let engine = engine.and_then(|(origin, name)| {
            let engine = name.parse().ok();
            if engine.is_none() {
                self.fault(&origin, "forums.engine", &format!("\"{name}\" is not known; there is: {known}"));
            }
            engine
        });
        if let Some(engine) = engine {
            self.foreign_keys(&section, engine);
        }
        let has_url = section.keys.contains_key("url");
        let url = self.url(&mut section, "url");
        if !has_url {
            self.fault(
                &section.origin,
                "forums.url",
                "is missing: the forum's address, like \"https://forum.example/\"",
            );
        }
        let url = folder_of(url.and_then(|url| Url::parse(&url).ok()).unwrap_or_else(unreachable_url));
        let username =
            section.take("username").map(|node| (node.origin.clone(), self.text("forums.username", &node)));
        let password = self.secret(&mut section, "password", "password_file");
        let account = match (username, password) {
            (Some((_, Some(username))), Some(password)) => Some(AccountConfig { username, password }),
            (Some((origin, Some(_))), None) => {
                self.fault(
                    &origin,
                    "forums.username",
                    "is set without forums.password or forums.password_file",
                );
                None
            }
            (None, Some(_)) => {
                self.fault(&section.origin.clone(), "forums.password", "is set without forums.username");
                None
            }
            _ => None,
        };
        let api = self.api(&mut section);
        let hook_secret = self.secret(&mut section, "hook_secret", "hook_secret_file");
        let timezone = section.take("timezone").and_then(|node| {
            let name = self.text("forums.timezone", &node)?;
            let zone = TimeZone::get(&name).ok();
            if zone.is_none() {
                let what = format!("\"{name}\" is no time zone; try one like \"Europe/London\"");
                self.fault(&node.origin, "forums.timezone", &what);
            }
            zone
        });
        let usual = engine.unwrap_or(EngineName::Vbulletin4).poll_seconds();
        let poll = self.number(&mut section, "poll_seconds", usual, 1..=86_400);
        let gap = self.number(&mut section, "min_request_gap_ms", 1000, 0..=600_000);
        let guilds = section.take("guilds").map(|node| self.guilds(node)).unwrap_or_default();
        self.finish(section);
        ForumConfig {
            key: ForumKey::new(key.map_or_else(String::new, |(_, key)| key)),
            engine: engine.unwrap_or(EngineName::Vbulletin4),
            url,
            account,
            api,
            hook_secret,
            timezone: timezone.unwrap_or(TimeZone::UTC),
            poll: Duration::from_secs(poll),
            min_request_gap: Duration::from_millis(gap),
            guilds,
        }
    }

    fn guilds(&mut self, node: Node) -> Vec<GuildId> {
        let items = match &node.value {
            Value::List(items) => items.iter().filter_map(|item| self.text("forums.guilds", item)).collect(),
            Value::Text(text) => text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let ids: Vec<_> =
            items.iter().filter_map(|id| id.parse().ok()).filter(|id: &GuildId| id.0 > 0).collect();
        if ids.len() != items.len() || !matches!(node.value, Value::List(_) | Value::Text(_)) {
            let what = "must be a list of servers' ids, like [\"1122334455667788990\"]: in Discord, right-click the server and Copy Server ID";
            self.fault(&node.origin, "forums.guilds", what);
        }
        ids
    }

    /// Keys that another engine knows and this one would ignore.
    fn foreign_keys(&mut self, section: &Section, engine: EngineName) {
        let own = engine.own_keys();
        let foreign = EngineName::ALL.iter().flat_map(|other| other.own_keys());
        let mut foreign: Vec<&str> = foreign.copied().filter(|key| !own.contains(key)).collect();
        foreign.sort_unstable();
        foreign.dedup();
        for key in foreign {
            if let Some(node) = section.keys.get(key) {
                let has = if own.is_empty() { "no keys of its own".to_owned() } else { own.join(", ") };
                let what = format!("means nothing to {}; it has: {has}", engine.name());
                self.fault(&node.origin, &format!("forums.{key}"), &what);
            }
        }
    }

    /// How an engine with an API is let in: by a key for an account, or by a token that may name its account itself.
    fn api(&mut self, section: &mut Section) -> Option<ApiConfig> {
        let key = self.secret(section, "api_key", "api_key_file");
        let token = self.secret(section, "token", "token_file");
        let user =
            section.take("api_user").map(|node| (node.origin.clone(), self.id("forums.api_user", &node)));
        match (key, token, user) {
            (_, Some(key), user) => Some(ApiConfig { key, user: user.and_then(|(_, user)| user) }),
            (Some(key), None, Some((_, Some(user)))) => Some(ApiConfig { key, user: Some(user) }),
            (Some(_), None, None) => {
                let what = "is missing: the name of the account that the bridge is on the forum";
                self.fault(&section.origin.clone(), "forums.api_user", what);
                None
            }
            (None, None, Some((origin, Some(_)))) => {
                let what =
                    "is set without forums.api_key (for NodeBB: forums.token) or the file that holds it";
                self.fault(&origin, "forums.api_user", what);
                None
            }
            _ => None,
        }
    }

    fn bridge(&mut self, index: usize, node: Node, forums: &[ForumConfig]) -> Option<BridgeConfig> {
        let mut section = self.section(&format!("[[bridges]] {}", index + 1), node);
        let forum = self.required(&mut section, "forum", "the key of one of the forums");
        if let Some((origin, key)) = &forum
            && !forums.iter().any(|forum| forum.key.as_str() == key)
        {
            let keys: Vec<&str> = forums.iter().map(|forum| forum.key.as_str()).collect();
            let what = format!("\"{key}\" is not the key of a forum; there is: {}", keys.join(", "));
            self.fault(origin, "bridges.forum", &what);
        }
        let board = section.take("board").map(|node| (node.origin.clone(), self.id("bridges.board", &node)));
        let thread =
            section.take("thread").map(|node| (node.origin.clone(), self.id("bridges.thread", &node)));
        let scope = match (board, thread) {
            (Some((_, board)), None) => board.map(|id| Scope::Board(BoardId(id))),
            (None, Some((_, thread))) => thread.map(|id| Scope::Thread(ThreadId(id))),
            (Some((origin, _)), Some(_)) => {
                self.fault(&origin, "bridges.board", "and bridges.thread exclude each other; keep one");
                None
            }
            (None, None) => {
                self.fault(
                    &section.origin.clone(),
                    "bridges.board",
                    "is missing: the number in the board's address",
                );
                None
            }
        };
        let channel = match section.take("channel") {
            Some(node) => self.id("bridges.channel", &node).and_then(|text| {
                let channel = text.parse().ok().filter(|channel: &ChannelId| channel.0 > 0);
                if channel.is_none() {
                    let what =
                        "must be a channel's id: in Discord, right-click the channel and Copy Channel ID";
                    self.fault(&node.origin, "bridges.channel", what);
                }
                channel
            }),
            None => {
                let what = "is missing: in Discord, right-click the channel and Copy Channel ID";
                self.fault(&section.origin.clone(), "bridges.channel", what);
                None
            }
        };
        let layout = self.choice(
            &mut section,
            "layout",
            &[("auto", Layout::Auto), ("threads", Layout::Threads), ("feed", Layout::Feed)],
        );
        let replies = self.choice(
            &mut section,
            "replies",
            &[("everyone", Replies::Everyone), ("linked", Replies::Linked), ("off", Replies::Off)],
        );
        let thanks = section.take("thanks").map(|node| self.emoji(node));
        let start = section.take("start").map(|node| self.start(&node));
        self.finish(section);
        Some(BridgeConfig {
            forum: ForumKey::new(forum?.1),
            scope: scope?,
            channel: channel?,
            layout: layout.unwrap_or(Layout::Auto),
            replies: replies.unwrap_or(Replies::Everyone),
            thanks: thanks.unwrap_or_else(|| DEFAULT_THANKS.map(str::to_owned).to_vec()),
            start: start.unwrap_or(Start::Now),
        })
    }

    fn start(&mut self, node: &Node) -> Start {
        let start = match &node.value {
            Value::Text(text) if text == "now" => Some(Start::Now),
            Value::Text(text) if text == "all" => Some(Start::All),
            Value::Text(text) => text.parse().ok().map(Start::Newest),
            Value::Integer(number) => u32::try_from(*number).ok().map(Start::Newest),
            _ => None,
        };
        start.unwrap_or_else(|| {
            let what = "must be \"now\", \"all\" or a number of newest posts of each thread";
            self.fault(&node.origin, "bridges.start", what);
            Start::Now
        })
    }

    fn emoji(&mut self, node: Node) -> Vec<String> {
        let emoji: Vec<String> = match node.value {
            Value::List(items) => items.iter().filter_map(|item| self.text("bridges.thanks", item)).collect(),
            // A variable holds them with commas between.
            Value::Text(text) if matches!(node.origin, Origin::Variable(_)) => {
                text.split(',').map(str::trim).filter(|emoji| !emoji.is_empty()).map(str::to_owned).collect()
            }
            _ => {
                self.fault(&node.origin, "bridges.thanks", "must be a list of emoji, like [\"🙏\", \"👍\"]");
                Vec::new()
            }
        };
        for text in emoji.iter().filter(|text| !is_emoji(text)) {
            let what = format!("has \"{text}\", which is no emoji; write the emoji itself, like \"🙏\"");
            self.fault(&node.origin, "bridges.thanks", &what);
        }
        emoji
    }
}

/// What a page's or a feed's name ends with, and a folder's does not.
const ENDINGS: [&str; 5] = [".php", ".xml", ".rss", ".atom", ".json"];

/// The folder that holds a forum's pages: people copy the address of its front page.
fn folder_of(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path();
    let path = match path.rsplit_once('/') {
        Some((folder, page)) if ENDINGS.iter().any(|ending| page.ends_with(ending)) => format!("{folder}/"),
        _ => format!("{}/", path.trim_end_matches('/')),
    };
    url.set_path(&path);
    url
}

/// Whether this can be a reaction: an emoji itself, or a server's own as `name:id`.
fn is_emoji(text: &str) -> bool {
    let own = |(name, id): (&str, &str)| {
        !name.is_empty() && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
    };
    !text.is_ascii() || text.split_once(':').is_some_and(own)
}

/// Stands in for an address that was faulty; the configuration is refused as a whole then.
fn unreachable_url() -> Url {
    Url::from_str("http://invalid.invalid/").expect("a constant address")
}
