//! `/thread`: reading the forum's threads.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse, ResolvedOption, ResolvedValue};

use super::{Asker, COMPLETION, Context, Refusal, Suggestion, answer, page};
use crate::discord::look;

/// Discord takes 25 suggestions of 100 characters.
const SUGGESTIONS: usize = 25;
const SUGGESTION: usize = 100;

/// Read the forum's threads.
#[poise::command(slash_command, guild_only, subcommands("show", "latest"), subcommand_required)]
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
    let asker = asker(ctx, private.unwrap_or(false));
    let forums = ctx.data().forums.clone();
    answer::give(ctx, asker.private, async move {
        let view = forums.thread(asker, thread.trim(), forum.as_deref(), page).await?;
        Ok(page::thread(&view, page::slice_of(&view), asker.user))
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
    let asker = asker(ctx, private.unwrap_or(false));
    let forums = ctx.data().forums.clone();
    answer::give(ctx, asker.private, async move {
        let view = forums.latest(asker, forum.as_deref(), board.as_deref()).await?;
        Ok(page::latest(&view))
    })
    .await
}

async fn complete_thread(ctx: Context<'_>, words: &str) -> CreateAutocompleteResponse {
    let forum = chosen(ctx, "forum");
    let found = ctx.data().forums.complete_threads(asker(ctx, true), forum.as_deref(), words);
    suggest(tokio::time::timeout(COMPLETION, found).await.unwrap_or_default())
}

async fn complete_board(ctx: Context<'_>, words: &str) -> CreateAutocompleteResponse {
    let forum = chosen(ctx, "forum");
    let found = ctx.data().forums.complete_boards(asker(ctx, true), forum.as_deref(), words);
    suggest(tokio::time::timeout(COMPLETION, found).await.unwrap_or_default())
}

async fn complete_forum(ctx: Context<'_>, words: &str) -> CreateAutocompleteResponse {
    let found = ctx.data().forums.complete_forums(asker(ctx, true), words);
    suggest(tokio::time::timeout(COMPLETION, found).await.unwrap_or_default())
}

fn suggest(suggestions: Vec<Suggestion>) -> CreateAutocompleteResponse {
    let choices = suggestions
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
fn chosen(ctx: Context<'_>, option: &str) -> Option<String> {
    let Context::Application(ctx) = ctx else { return None };
    ctx.args.iter().find(|given| given.name == option).and_then(|given: &ResolvedOption<'_>| {
        match given.value {
            ResolvedValue::String(text) => Some(text.to_owned()),
            ResolvedValue::Autocomplete { value, .. } => Some(value.to_owned()),
            _ => None,
        }
    })
}

fn asker(ctx: Context<'_>, private: bool) -> Asker {
    answer::asker(ctx.guild_id(), ctx.channel_id(), ctx.author().id, private)
}
