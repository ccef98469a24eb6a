//! The commands that people give in Discord, one file a group.
//!
//! What they need of the forums and the bridge they ask through the traits in [`asks`]; the answer decides
//! what may be shown to whom. Every command answers within Discord's three seconds or says that it is at
//! work, and every failure is one plain sentence that only the person who asked can see. A button or a
//! form carries all that it needs in its id, so that it works after a restart as well.
//! <https://docs.discord.com/developers/interactions/application-commands>

use std::sync::Arc;
use std::time::Duration;

use poise::serenity_prelude as serenity;
use serde_json::Value;
use url::Url;

use super::loopback;
use crate::clock::Clock;
use crate::fence::{self, Fence};
use crate::model::{GuildId, UserId};

mod account;
mod answer;
pub mod asks;
mod bridge;
mod bridge_shown;
mod chart;
mod fair;
mod info;
mod member;
mod open;
mod page;
mod press;
mod reply;
mod search;
#[cfg(test)]
mod tests;
mod thanks;
mod thread;

use asks::Asked;
use fair::{Fair, Unfair};

/// Discord waits three seconds for a first answer; one that takes longer than this is announced.
const PROMPT: Duration = Duration::from_millis(1800);

/// Discord gives autocompletion three seconds and people give it less.
const COMPLETION: Duration = Duration::from_millis(1500);

/// The colour of an embed's edge: Discord's own blurple.
const EDGE: u32 = 0x58_65_F2;

/// What poise hands to every command.
pub struct Data {
    asked: Asked,
    fair: Fair,
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
    vec![
        thread::thread(),
        account::account(),
        bridge::bridge(),
        member::member(),
        thanks::thanks(),
        thanks::thank_the_poster(),
        thanks::who_thanked(),
        reply::reply_on_the_forum(),
    ]
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

/// What answers the commands, for the gateway. serenity answers each in a task of its own: what it does there, it
/// does by the right that the caller acts by now.
pub fn framework(asked: Asked, clock: Arc<dyn Clock>) -> impl serenity::Framework + 'static {
    Rightful { right: fence::held(), framework: plain_framework(asked, clock) }
}

/// Whoever holds the gateway no longer may still hear of commands, or wake in the middle of one: its right is over
/// then, and nothing is written or sent by it.
struct Rightful {
    right: Option<Arc<Fence>>,
    framework: poise::Framework<Data, Refusal>,
}

#[serenity::async_trait]
impl serenity::Framework for Rightful {
    async fn init(&mut self, client: &serenity::Client) {
        self.framework.init(client).await;
    }

    async fn dispatch(&self, context: serenity::Context, event: serenity::FullEvent) {
        fence::carry(self.right.clone(), self.framework.dispatch(context, event)).await;
    }
}

fn plain_framework(asked: Asked, clock: Arc<dyn Clock>) -> poise::Framework<Data, Refusal> {
    poise::Framework::builder()
        .options(poise::FrameworkOptions {
            commands: commands(),
            on_error: |error| Box::pin(answer::apologise(error)),
            event_handler: |framework, event| Box::pin(press::pressed(framework, event)),
            command_check: Some(|ctx| Box::pin(async move { allowed(ctx) })),
            // Nothing that a forum says can ping anyone.
            allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
            initialize_owners: false,
            ..poise::FrameworkOptions::default()
        })
        .setup(|_, _, _| Box::pin(async move { Ok(Data { asked, fair: Fair::new(clock) }) }))
        .build()
}

/// Whether a person may give another command now. One who was told to wait, and does not, has no answer.
fn allowed(ctx: Context<'_>) -> Result<bool, Refusal> {
    // Suggestions have an allowance of their own.
    if let Context::Application(it) = ctx
        && it.interaction_type == poise::CommandInteractionType::Autocomplete
    {
        return Ok(true);
    }
    let guild = ctx.guild_id().map(|id| GuildId(id.get()));
    match patience(&ctx.data().fair, UserId(ctx.author().id.get()), guild) {
        Ok(()) => Ok(true),
        Err(Some(refusal)) => Err(refusal),
        Err(None) => Ok(false),
    }
}

/// The error is what they are told, if they are told anything.
fn patience(fair: &Fair, user: UserId, guild: Option<GuildId>) -> Result<(), Option<Refusal>> {
    fair.ask(user, guild).map_err(|unfair| match unfair {
        Unfair::Wait(wait) => {
            let seconds = wait.as_secs() + 1;
            Some(Refusal(format!("That is a lot of questions at once. Please try again in {seconds} s.")))
        }
        Unfair::Silence => None,
    })
}

/// The HTTP client that answers interactions: with a time limit, as Discord's own is three seconds.
pub fn http_client(api_url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none());
    if loopback(api_url) { builder.no_proxy().build() } else { builder.build() }
}
