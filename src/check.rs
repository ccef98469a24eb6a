//! `threadbridge check`: looks at everything before anything is sent, and says how to mend each fault.

use std::fmt::Write;
use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::Serialize;
use url::Url;

use crate::clock::Clock;
use crate::config::{Config, ForumConfig, Replies, Scope};
use crate::discord::DiscordError;
use crate::discord::rest::{Need, Rest};
use crate::forum::{self, Engine, Failure, PageRef, cannot};
use crate::store;

/// What was looked at, in order.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub what: String,
    pub state: State,
    /// What was found: one sentence.
    pub found: String,
    /// How to mend it, where something is wrong.
    pub mend: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Good,
    /// It works, and could hurt.
    Warning,
    Fault,
}

impl Report {
    pub fn faults(&self) -> usize {
        self.findings.iter().filter(|finding| finding.state == State::Fault).count()
    }

    /// One line a finding, and a line on how to mend it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Finding { what, state, found, mend } in &self.findings {
            let mark = match state {
                State::Good => "ok     ",
                State::Warning => "warning",
                State::Fault => "FAULT  ",
            };
            let _ = writeln!(text, "{mark}  {what}: {found}");
            if let Some(mend) = mend {
                let _ = writeln!(text, "         to mend it: {mend}");
            }
        }
        let _ = match self.faults() {
            0 => writeln!(text, "Nothing stands in the way."),
            1 => writeln!(text, "1 fault."),
            faults => writeln!(text, "{faults} faults."),
        };
        text
    }

    /// `{"ok": bool, "findings": [{"what","state","found","mend"}]}`
    pub fn json(&self) -> String {
        serde_json::json!({ "ok": self.faults() == 0, "findings": self.findings }).to_string()
    }

    fn good(&mut self, what: &str, found: impl Into<String>) {
        self.push(what, State::Good, found.into(), None);
    }

    fn warning(&mut self, what: &str, found: impl Into<String>, mend: &str) {
        self.push(what, State::Warning, found.into(), Some(mend.to_owned()));
    }

    fn fault(&mut self, what: &str, found: impl Into<String>, mend: impl Into<String>) {
        self.push(what, State::Fault, found.into(), Some(mend.into()));
    }

    fn push(&mut self, what: &str, state: State, found: String, mend: Option<String>) {
        self.findings.push(Finding { what: what.to_owned(), state, found, mend });
    }
}

/// Looks at the configuration's consequences; unless `offline`, asks Discord and the forums too.
pub async fn run(config: &Config, clock: Arc<dyn Clock>, offline: bool) -> Report {
    let mut report = Report::default();
    report.good(
        "configuration",
        format!("{} and {}", count(config.forums.len(), "forum"), count(config.bridges.len(), "bridge")),
    );
    if config.bridges.is_empty() {
        report.warning("bridges", "there is none, so nothing will cross", "add a [[bridges]] section");
    }
    for forum in &config.forums {
        plain_text_password(&mut report, forum);
    }
    if config.server.public_url.is_none() && config.bridges.iter().any(|it| it.replies != Replies::Off) {
        report.warning(
            "files",
            "pictures that people send in Discord vanish from the forum after about a day",
            "set server.public_url, and let your web server pass its /files/ on to server.listen",
        );
    }
    sign_in_page(&mut report, config);
    database(&mut report, config, clock.clone()).await;
    if offline {
        return report;
    }
    discord(&mut report, config, clock.clone()).await;
    for forum in &config.forums {
        forum_answers(&mut report, config, forum, clock.clone()).await;
    }
    report
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Whether what is sent there crosses a network for all to read.
fn in_the_clear(url: &Url) -> bool {
    let loopback = url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127."));
    url.scheme() == "http" && !loopback
}

fn sign_in_page(report: &mut Report, config: &Config) {
    let Some(public) = config.server.public_url.as_ref().filter(|_| config.accounts.sign_in.is_some()) else {
        return;
    };
    if in_the_clear(public) {
        report.warning(
            "sign-in page",
            "its address is http, so members' passwords cross the network in the clear",
            "let your web server offer it over https, and set server.public_url so",
        );
    } else {
        report.good("sign-in page", format!("members sign in at {public}sign-in/"));
    }
}

fn plain_text_password(report: &mut Report, forum: &ForumConfig) {
    if (forum.account.is_some() || forum.api.is_some()) && in_the_clear(&forum.url) {
        report.warning(
            &format!("forum {}", forum.key),
            "its address is http, so the password or key crosses the network in the clear",
            "use the forum's https address in forums.url",
        );
    }
}

async fn database(report: &mut Report, config: &Config, clock: Arc<dyn Clock>) {
    match store::open(config.database.url.expose_secret(), clock).await {
        Ok(store) => {
            match store.counts().await {
                Ok(counts) => report.good(
                    "database",
                    format!("it opens; {} waiting, {} given up", counts.waiting, counts.parked),
                ),
                Err(error) => report.fault("database", error.to_string(), "see the database's own log"),
            }
            store.close().await;
        }
        Err(error) => report.fault("database", error.to_string(), "set database.url, or mend what it names"),
    }
}

async fn discord(report: &mut Report, config: &Config, clock: Arc<dyn Clock>) {
    let rest = match Rest::new(config.discord.token.clone(), &config.discord.api_url, clock) {
        Ok(rest) => rest,
        Err(error) => {
            return report.fault("Discord", error.to_string(), "set discord.token and discord.api_url");
        }
    };
    match rest.me().await {
        Ok(me) => {
            report.good("Discord token", format!("it belongs to the bot {}", me.name));
            if me.message_content {
                report.good("Discord intents", "the bot may read what people write");
            } else {
                report.fault(
                    "Discord intents",
                    "the bot may not read what people write, so no reply can reach the forum",
                    "switch on Message Content Intent on the application's Bot page",
                );
            }
        }
        Err(error @ DiscordError::Token) => {
            return report.fault(
                "Discord token",
                error.to_string(),
                "copy the token from the application's Bot page",
            );
        }
        Err(error) => {
            return report.fault(
                "Discord",
                error.to_string(),
                "check discord.api_url and the network, then try again",
            );
        }
    }
    for bridge in &config.bridges {
        let what = format!("channel {}", bridge.channel);
        match rest.channel(bridge.channel).await {
            Ok(channel) => match rest.missing(bridge.channel, &Need::ALL).await {
                Ok(missing) if missing.is_empty() => {
                    report.good(&what, format!("#{} can be used", channel.name));
                }
                Ok(missing) => {
                    let names: Vec<_> = missing.iter().map(|need| need.name()).collect();
                    report.fault(
                        &what,
                        format!("in #{} the bot lacks: {}", channel.name, names.join(", ")),
                        "give the bot's role these permissions in the channel's settings",
                    );
                }
                Err(error) => report.fault(&what, error.to_string(), "try again"),
            },
            Err(error) => report.fault(
                &what,
                error.to_string(),
                "check the channel's id in the configuration, and that the bot was invited and may see it",
            ),
        }
    }
}

async fn forum_answers(report: &mut Report, config: &Config, forum: &ForumConfig, clock: Arc<dyn Clock>) {
    let what = format!("forum {}", forum.key);
    let engine = match forum::engine(forum, clock.clone()) {
        Ok(engine) => engine,
        Err(error) => return report.fault(&what, error.to_string(), "mend its section of the configuration"),
    };
    match engine.sign_in().await {
        Ok(Some(account)) => report.good(&what, format!("signed in as {}", account.name)),
        Ok(None) if engine.capabilities().broadcast => unanswerable(report, config, forum),
        Ok(None) => report.warning(
            &what,
            "it is read as a guest, so nothing can be posted or thanked",
            forum.engine.account_keys(),
        ),
        Err(error) => {
            let mend = match error {
                Failure::SignIn(_) => {
                    format!("check {}", forum.engine.account_keys().trim_start_matches("set "))
                }
                Failure::Later { .. } => "check forums.url and the network, then try again".to_owned(),
                _ => "check forums.url, and that forums.engine is the forum's software".to_owned(),
            };
            return report.fault(&what, error.to_string(), mend);
        }
    }
    match engine.lacks().await {
        Ok(lacks) => lacks.iter().for_each(|lack| report.warning(&what, lack.what.as_str(), &lack.mend)),
        Err(error) => report.fault(&what, error.to_string(), "try again"),
    }
    let guest = forum::engine(&forum.as_guest(), clock)
        .ok()
        .filter(|_| forum.account.is_some() || forum.api.is_some());
    for bridge in config.bridges.iter().filter(|bridge| bridge.forum == forum.key) {
        scope_answers(report, &what, engine.as_ref(), &bridge.scope).await;
        if let (Some(guest), Scope::Board(board)) = (&guest, &bridge.scope)
            && let Err(Failure::Gone(_) | Failure::SignIn(_) | Failure::Refused(_)) =
                guest.board(board, 1).await
        {
            report.warning(
                &format!("{what}, board {board}"),
                format!(
                    "guests of the forum may not read it; everybody who reads channel {} will",
                    bridge.channel
                ),
                "make sure that the channel is for the same people as the board",
            );
        }
    }
}

/// Nobody can answer it: a bridge that lets people try lets them down.
fn unanswerable(report: &mut Report, config: &Config, forum: &ForumConfig) {
    let what = format!("forum {}", forum.key);
    report.good(&what, "it is read only: nothing that people write in Discord reaches it");
    let refusal = Failure::Unsupported(cannot::REPLY);
    for bridge in config.bridges.iter().filter(|bridge| bridge.forum == forum.key) {
        if bridge.replies != Replies::Off {
            report.warning(
                &format!("{what}, channel {}", bridge.channel),
                format!("whoever writes there is told each time that {refusal}"),
                "set replies = \"off\" for this bridge: people may talk there, and are not told so",
            );
        }
    }
}

async fn scope_answers(report: &mut Report, what: &str, engine: &dyn Engine, scope: &Scope) {
    let (name, outcome) = match scope {
        Scope::Board(board) => (
            format!("board {board}"),
            engine.board(board, 1).await.map(|page| {
                let name = page.board.name.unwrap_or_else(|| board.to_string());
                format!("\"{name}\" can be read; {} on its first page", count(page.threads.len(), "thread"))
            }),
        ),
        Scope::Thread(thread) => (
            format!("thread {thread}"),
            engine
                .thread(thread, PageRef::Last)
                .await
                .map(|page| format!("\"{}\" can be read", page.thread.title)),
        ),
    };
    match outcome {
        Ok(found) => report.good(&format!("{what}, {name}"), found),
        Err(error) => report.fault(
            &format!("{what}, {name}"),
            error.to_string(),
            "check the id in the configuration, and that the bridge's account may read it",
        ),
    }
}
