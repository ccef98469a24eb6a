//! `/thread`: reading the forum's threads.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse, ResolvedOption, ResolvedValue};

use super::answer::{self, Door};
use super::asks::{Asker, Suggestion};
use super::open::new;
use super::search::search;
use super::{COMPLETION, Context, Refusal, info as facts, page};
use crate::discord::look;

/// Discord takes 25 suggestions of 100 characters.
const SUGGESTIONS: usize = 25;
const SUGGESTION: usize = 100;

/// Read the forum's threads.
#[poise::command(
    slash_command,
    guild_only,
    subcommands("show", "latest", "info", "search", "new"),
    subcommand_required
)]
pub async fn thread(_: Context<'_>) -> Result<(), Refusal> {
    Ok(())
}

/// Show a page of a thread.
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Its address or number, or words of its title"]
    #[autocomplete = "complete_thread"]
    #[max_length = 500]
    thread: String,
    #[description = "Which page"]
    #[min = 1]
    page: Option<u32>,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
    #[description = "Show it only to you"] private: Option<bool>,
) -> Result<(), Refusal> {
    answer::command(ctx, private.unwrap_or(false), async move |asker, asked| {
        let view = asked.forums.thread(asker, thread.trim(), forum.as_deref(), page).await?;
        Ok(page::thread(&view, page::slice_of(&view), asker))
    })
    .await
}

/// List the threads with the newest posts.
#[poise::command(slash_command, guild_only)]
async fn latest(
    ctx: Context<'_>,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
    #[description = "Which board"]
    #[autocomplete = "complete_board"]
    #[max_length = 100]
    board: Option<String>,
    #[description = "Show it only to you"] private: Option<bool>,
) -> Result<(), Refusal> {
    answer::command(ctx, private.unwrap_or(false), async move |asker, asked| {
        let view = asked.forums.latest(asker, forum.as_deref(), board.as_deref()).await?;
        Ok(page::latest(&view))
    })
    .await
}

/// Show what there is to know of a thread.
#[poise::command(slash_command, guild_only)]
async fn info(
    ctx: Context<'_>,
    #[description = "Its address or number, or words of its title"]
    #[autocomplete = "complete_thread"]
    #[max_length = 500]
    thread: String,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
    #[description = "Show it only to you"] private: Option<bool>,
) -> Result<(), Refusal> {
    answer::command(ctx, private.unwrap_or(false), async move |asker, asked| {
        Ok(facts::info(&asked.forums.info(asker, thread.trim(), forum.as_deref()).await?))
    })
    .await
}

pub async fn complete_thread(ctx: Context<'_>, words: &str) -> CreateAutocompleteResponse {
    let forum = chosen(ctx, "forum");
    let asked = |asker| ctx.data().asked.forums.complete_threads(asker, forum.as_deref(), words);
    suggest(ctx, asked).await
}

pub async fn complete_board(ctx: Context<'_>, words: &str) -> CreateAutocompleteResponse {
    let forum = chosen(ctx, "forum");
    let asked = |asker| ctx.data().asked.forums.complete_boards(asker, forum.as_deref(), words);
    suggest(ctx, asked).await
}

pub async fn complete_forum(ctx: Context<'_>, words: &str) -> CreateAutocompleteResponse {
    suggest(ctx, |asker| ctx.data().asked.forums.complete_forums(asker, words)).await
}

/// What is found in time, for those who do not ask too often.
pub async fn suggest<Q>(ctx: Context<'_>, question: impl FnOnce(Asker) -> Q) -> CreateAutocompleteResponse
where
    Q: Future<Output = Vec<Suggestion>>,
{
    let Context::Application(application) = ctx else { return CreateAutocompleteResponse::new() };
    let asker = Door::Command(application.interaction).asker(true);
    if !ctx.data().fair.typing(asker.user) {
        return CreateAutocompleteResponse::new();
    }
    let found = tokio::time::timeout(COMPLETION, question(asker)).await.unwrap_or_default();
    let choices = found
        .into_iter()
        // A value that Discord would cut short names nothing.
        .filter(|suggestion| look::units(&suggestion.value) <= SUGGESTION)
        .map(|suggestion| (look::clip(suggestion.name.trim(), SUGGESTION), suggestion.value))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .take(SUGGESTIONS)
        .map(|(name, value)| AutocompleteChoice::new(name, value))
        .collect();
    CreateAutocompleteResponse::new().set_choices(choices)
}

/// Another option of the same command, as far as it has been filled in.
pub fn chosen(ctx: Context<'_>, option: &str) -> Option<String> {
    let Context::Application(ctx) = ctx else { return None };
    ctx.args.iter().find(|given| given.name == option).and_then(|given: &ResolvedOption<'_>| {
        match given.value {
            ResolvedValue::String(text) => Some(text.to_owned()),
            ResolvedValue::Autocomplete { value, .. } => Some(value.to_owned()),
            _ => None,
        }
    })
}
