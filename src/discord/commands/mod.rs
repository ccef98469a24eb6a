//! The commands that people give in Discord, one file a group.
//!
//! What they need of the forums they ask through [`Forums`]; the answer decides what may be shown to
//! whom. Every command answers within Discord's three seconds or says that it is at work, and every
//! failure is one plain sentence that only the person who asked can see.
//! <https://docs.discord.com/developers/interactions/application-commands>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use poise::serenity_prelude as serenity;
use serde_json::Value;
use url::Url;

use super::loopback;
use crate::model::{ChannelId, ForumKey, GuildId, PostId, ThreadId, ThreadPage, ThreadSummary, UserId};

mod answer;
mod page;
#[cfg(test)]
mod tests;
mod thread;

/// Discord waits three seconds for a first answer; one that takes longer than this is announced.
const PROMPT: Duration = Duration::from_millis(1800);

/// Discord gives autocompletion three seconds and people give it less.
const COMPLETION: Duration = Duration::from_millis(1500);

/// Who asks, and where the answer is going to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    pub guild: Option<GuildId>,
    pub channel: ChannelId,
    pub user: UserId,
    /// Only the person who asks is going to see the answer.
    pub private: bool,
}

/// One page of a thread, as the commands show it.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadView {
    pub forum: ForumKey,
    /// The forum's name for people.
    pub forum_name: String,
    pub thread: ThreadId,
    /// The thread's own address.
    pub url: String,
    pub page: ThreadPage,
    /// The post that was asked for, where one was.
    pub post: Option<PostId>,
}

/// The threads of a board with the newest posts.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestView {
    pub forum: ForumKey,
    pub forum_name: String,
    /// The board, where one was asked for.
    pub board: Option<String>,
    pub url: Option<String>,
    /// The newest first.
    pub threads: Vec<ThreadSummary>,
}

/// One suggestion while a person types: what they read, and what the command is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub name: String,
    pub value: String,
}

/// What the commands ask of the forums. An error is one plain sentence for the person who asked.
/// Whoever implements it shows no more than `asker` may see where they may see it.
#[async_trait]
pub trait Forums: Send + Sync {
    /// A page of a thread, found by an address of any style, an id or a suggestion's value. Without a
    /// page, the one that the address names, or the first.
    async fn thread(
        &self,
        asker: Asker,
        thread: &str,
        forum: Option<&str>,
        page: Option<u32>,
    ) -> Result<ThreadView, String>;

    /// The threads with the newest posts, on one board or all bridged boards.
    async fn latest(
        &self,
        asker: Asker,
        forum: Option<&str>,
        board: Option<&str>,
    ) -> Result<LatestView, String>;

    /// Threads whose title holds these words. Must be quick: no question to a forum.
    async fn complete_threads(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion>;

    /// Boards whose name holds these words. Must be quick too.
    async fn complete_boards(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion>;

    /// The forums that may be asked from here.
    async fn complete_forums(&self, asker: Asker, words: &str) -> Vec<Suggestion>;
}

/// What poise hands to every command.
pub struct Data {
    forums: Arc<dyn Forums>,
}

/// Why a command has no answer, for the person who gave it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

type Context<'a> = poise::Context<'a, Data, Refusal>;
type Command = poise::Command<Data, Refusal>;

/// All commands.
fn commands() -> Vec<Command> {
    vec![thread::thread()]
}

/// The commands as Discord is told of them, for `Rest::put_commands`.
pub fn definitions() -> Value {
    let mut commands = commands();
    poise::framework::set_qualified_names(&mut commands);
    let definitions = poise::builtins::create_application_commands(&commands);
    plainly(serde_json::to_value(definitions).unwrap_or_default())
}

/// Without the fields that serenity writes where Discord's description has none: `false` for what is off,
/// empty lists, and whole numbers written as fractions.
fn plainly(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(plainly).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, value)| {
                let off =
                    matches!(name.as_str(), "autocomplete" | "required") && *value == Value::Bool(false);
                !off && !value.as_array().is_some_and(Vec::is_empty)
            })
            .map(|(name, value)| (name, plainly(value)))
            .collect(),
        Value::Number(number) => match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < 9e15 => {
                Value::from(whole as i64)
            }
            _ => Value::Number(number),
        },
        other => other,
    }
}

/// What answers the commands, for the gateway.
pub fn framework(forums: Arc<dyn Forums>) -> poise::Framework<Data, Refusal> {
    poise::Framework::builder()
        .options(poise::FrameworkOptions {
            commands: commands(),
            on_error: |error| Box::pin(answer::apologise(error)),
            event_handler: |framework, event| Box::pin(answer::pressed(framework, event)),
            // Nothing that a forum says can ping anyone.
            allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
            initialize_owners: false,
            ..poise::FrameworkOptions::default()
        })
        .setup(|_, _, _| Box::pin(async move { Ok(Data { forums }) }))
        .build()
}

/// The HTTP client that answers interactions: with a time limit, as Discord's own is three seconds.
pub fn http_client(api_url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none());
    if loopback(api_url) { builder.no_proxy().build() } else { builder.build() }
}
