//! How answers reach the person: at once, or announced and then filled in; a failure only to them.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use poise::serenity_prelude as serenity;
use poise::{CreateReply, FrameworkError};
use serenity::{
    ComponentInteraction, CreateAllowedMentions, CreateInteractionResponse,
    CreateInteractionResponseFollowup, CreateInteractionResponseMessage, EditInteractionResponse, FullEvent,
    Interaction,
};

use super::page::{self, Lead};
use super::{Asker, Context, Data, PROMPT, Refusal};
use crate::model::{ChannelId, GuildId, UserId};

/// The longest that anyone is kept waiting; Discord would take an answer for 15 minutes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers a command: in time, or with a word that the answer is on its way.
pub async fn give(
    ctx: Context<'_>,
    private: bool,
    question: impl Future<Output = Result<CreateReply, Refusal>> + Send,
) -> Result<(), Refusal> {
    let Context::Application(application) = ctx else { return Ok(()) };
    let mut question = pin!(question);
    if let Ok(answer) = tokio::time::timeout(PROMPT, &mut question).await {
        sent(ctx.send(answer?.ephemeral(private)).await.map(drop));
        return Ok(());
    }
    let deferred = if private { ctx.defer_ephemeral().await } else { ctx.defer().await };
    if deferred.is_err() {
        sent(deferred);
        return Ok(());
    }
    let (http, interaction) = (&ctx.serenity_context().http, application.interaction);
    let edit = EditInteractionResponse::new();
    match patiently(question).await {
        Ok(answer) => {
            let answer = answer.to_slash_initial_response_edit(edit);
            sent(interaction.edit_response(http, answer).await.map(drop));
        }
        Err(Refusal(reason)) if private => {
            sent(interaction.edit_response(http, edit.content(reason)).await.map(drop));
        }
        // The announcement was for everyone, the reason is not.
        Err(Refusal(reason)) => {
            sent(interaction.delete_response(http).await);
            sent(interaction.create_followup(http, whisper_after(reason)).await.map(drop));
        }
    }
    Ok(())
}

/// A button was pressed: the page turns for whoever asked for it; anyone else gets their own.
pub async fn pressed(
    framework: poise::FrameworkContext<'_, Data, Refusal>,
    event: &FullEvent,
) -> Result<(), Refusal> {
    let FullEvent::InteractionCreate { interaction: Interaction::Component(press) } = event else {
        return Ok(());
    };
    let Some(lead) = Lead::read(&press.data.custom_id) else { return Ok(()) };
    let http = &framework.serenity_context.http;
    let own = lead.user.0 == press.user.id.get();
    // A page that only one person sees stays so as it turns.
    let private =
        !own || press.message.flags.is_some_and(|flags| flags.contains(serenity::MessageFlags::EPHEMERAL));
    let asker = asker(press.guild_id, press.channel_id, press.user.id, private);
    let forums = &framework.user_data.forums;
    let mut question = pin!(async {
        let view = forums.thread(asker, &lead.thread, Some(&lead.forum), Some(lead.page)).await?;
        Ok(page::thread(&view, lead.slice, asker.user))
    });
    match tokio::time::timeout(PROMPT, &mut question).await {
        Ok(Ok(answer)) => {
            let message = answer.to_slash_initial_response(CreateInteractionResponseMessage::new());
            let response = if own {
                CreateInteractionResponse::UpdateMessage(message)
            } else {
                CreateInteractionResponse::Message(message.ephemeral(true))
            };
            sent(press.create_response(http, response).await);
        }
        Ok(Err(Refusal(reason))) => {
            let response = CreateInteractionResponse::Message(whisper(reason));
            sent(press.create_response(http, response).await);
        }
        Err(_) => turn_later(http, press, own, patiently(question)).await,
    }
    Ok(())
}

async fn turn_later(
    http: &serenity::Http,
    press: &ComponentInteraction,
    own: bool,
    question: impl Future<Output = Result<CreateReply, Refusal>>,
) {
    let announced = if own { press.defer(http).await } else { press.defer_ephemeral(http).await };
    if announced.is_err() {
        return sent(announced);
    }
    let edit = EditInteractionResponse::new();
    match question.await {
        Ok(answer) => {
            let answer = answer.to_slash_initial_response_edit(edit);
            sent(press.edit_response(http, answer).await.map(drop));
        }
        Err(Refusal(reason)) => {
            sent(press.create_followup(http, whisper_after(reason)).await.map(drop));
        }
    }
}

async fn patiently(
    question: impl Future<Output = Result<CreateReply, Refusal>>,
) -> Result<CreateReply, Refusal> {
    let late = || Refusal("The forum takes too long to answer. Please try again later.".into());
    tokio::time::timeout(PATIENCE, question).await.unwrap_or_else(|_| Err(late()))
}

/// Tells the person, and only them, why there is no answer.
pub async fn apologise(error: FrameworkError<'_, Data, Refusal>) {
    let (reason, ctx) = match error {
        FrameworkError::Command { error, ctx, .. } => (error.0, ctx),
        FrameworkError::ArgumentParse { ctx, error, .. } => {
            tracing::debug!(%error, "a command's option could not be read");
            ("One of the options can't be read. Please check it and try again.".into(), ctx)
        }
        FrameworkError::GuildOnly { ctx, .. } => ("This command only works in a server.".into(), ctx),
        FrameworkError::CommandPanic { ctx, .. } => {
            tracing::error!(command = %ctx.command().qualified_name, "a command failed in an unforeseen way");
            ("Something went wrong here. The bridge's admin can see it in the log.".into(), ctx)
        }
        FrameworkError::SubcommandRequired { ctx } => {
            ("Please choose one of the command's parts.".into(), ctx)
        }
        FrameworkError::CommandStructureMismatch { ctx, .. } => {
            ("This command has changed. Please type it anew.".into(), poise::Context::Application(ctx))
        }
        other => {
            tracing::warn!("a command could not be answered: {other}");
            return;
        }
    };
    let reply = CreateReply::default().content(reason).ephemeral(true);
    sent(ctx.send(reply).await.map(drop));
}

fn whisper(reason: String) -> CreateInteractionResponseMessage {
    CreateInteractionResponseMessage::new()
        .content(reason)
        .ephemeral(true)
        .allowed_mentions(CreateAllowedMentions::new())
}

fn whisper_after(reason: String) -> CreateInteractionResponseFollowup {
    CreateInteractionResponseFollowup::new()
        .content(reason)
        .ephemeral(true)
        .allowed_mentions(CreateAllowedMentions::new())
}

/// An answer that did not get through can't be mended: the interaction is spent.
fn sent(outcome: Result<(), serenity::Error>) {
    if let Err(error) = outcome {
        let reason = match error {
            // The address of an interaction holds its token.
            serenity::Error::Http(serenity::HttpError::UnsuccessfulRequest(answer)) => {
                format!("Discord refused it: {} (code {})", answer.error.message, answer.error.code)
            }
            serenity::Error::Http(_) => "Discord can't be reached".into(),
            other => other.to_string(),
        };
        tracing::warn!("an answer to a command did not get through: {reason}");
    }
}

pub fn asker(
    guild: Option<serenity::GuildId>,
    channel: serenity::ChannelId,
    user: serenity::UserId,
    private: bool,
) -> Asker {
    Asker {
        guild: guild.map(|id| GuildId(id.get())),
        channel: ChannelId(channel.get()),
        user: UserId(user.get()),
        private,
    }
}
