//! How answers reach the person: at once, or announced and then filled in; a failure only to them.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use poise::serenity_prelude as serenity;
use poise::{CreateReply, FrameworkError};
use serenity::{
    CommandInteraction, ComponentInteraction, CreateAllowedMentions, CreateInteractionResponse,
    CreateInteractionResponseFollowup, CreateInteractionResponseMessage, EditInteractionResponse, Http,
    Member, ModalInteraction, PartialChannel, Permissions,
};

use super::asks::{Asked, Asker};
use super::{Context, Data, PROMPT, Refusal};
use crate::discord::look;
use crate::model::{ChannelId, GuildId, MessageId, UserId};

/// The longest that anyone is kept waiting; Discord would take an answer for 15 minutes.
const PATIENCE: Duration = Duration::from_secs(60);

/// An interaction that waits for its answer.
#[derive(Clone, Copy)]
pub enum Door<'a> {
    Command(&'a CommandInteraction),
    Press(&'a ComponentInteraction),
    Form(&'a ModalInteraction),
}

/// Where the answer is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a message of its own.
    New { private: bool },
    /// In place of the message whose button was pressed.
    Same,
}

/// The same call on whichever interaction it is.
macro_rules! on {
    ($door:expr, $it:ident => $call:expr) => {
        match $door {
            Door::Command($it) => $call,
            Door::Press($it) => $call,
            Door::Form($it) => $call,
        }
    };
}

impl Door<'_> {
    /// Who asks. What Discord does not say they may do, they may not.
    pub fn asker(self, private: bool) -> Asker {
        let (guild, channel, user) = on!(self, it => (it.guild_id, it.channel_id, it.user.id));
        let (member, place): (Option<&Member>, Option<&PartialChannel>) = match self {
            Door::Command(it) => (it.member.as_deref(), it.channel.as_ref()),
            Door::Press(it) => (it.member.as_ref(), it.channel.as_ref()),
            Door::Form(it) => (it.member.as_ref(), it.channel.as_ref()),
        };
        let may = member.and_then(|member| member.permissions).unwrap_or_default();
        let in_thread = place.is_some_and(|channel| channel.thread_metadata.is_some());
        let writing =
            if in_thread { Permissions::SEND_MESSAGES_IN_THREADS } else { Permissions::SEND_MESSAGES };
        let all = may.administrator();
        Asker {
            guild: guild.map(|id| GuildId(id.get())),
            channel: ChannelId(channel.get()),
            user: UserId(user.get()),
            private,
            may_write: all || may.contains(writing),
            manages: all || may.manage_guild(),
        }
    }

    /// The name that the guild sees.
    pub fn name(self) -> String {
        let (member, user): (Option<&Member>, &serenity::User) = match self {
            Door::Command(it) => (it.member.as_deref(), &it.user),
            Door::Press(it) => (it.member.as_ref(), &it.user),
            Door::Form(it) => (it.member.as_ref(), &it.user),
        };
        let nick = member.and_then(|member| member.nick.clone());
        nick.or_else(|| user.global_name.clone()).unwrap_or_else(|| user.name.clone())
    }

    pub async fn respond(
        self,
        http: &Http,
        response: CreateInteractionResponse,
    ) -> Result<(), serenity::Error> {
        on!(self, it => it.create_response(http, response).await)
    }

    pub async fn edit(self, http: &Http, edit: EditInteractionResponse) -> Result<(), serenity::Error> {
        on!(self, it => it.edit_response(http, edit).await.map(drop))
    }

    pub async fn delete(self, http: &Http) -> Result<(), serenity::Error> {
        on!(self, it => it.delete_response(http).await)
    }

    /// The message that holds the answer.
    pub async fn message(self, http: &Http) -> Result<MessageId, serenity::Error> {
        on!(self, it => it.get_response(http).await.map(|message| MessageId(message.id.get())))
    }

    /// Tells the person, and only them, beside the answer.
    pub async fn whisper(self, http: &Http, reason: String) -> Result<(), serenity::Error> {
        let words = CreateInteractionResponseFollowup::new()
            .content(reason)
            .ephemeral(true)
            .allowed_mentions(CreateAllowedMentions::new());
        on!(self, it => it.create_followup(http, words).await.map(drop))
    }
}

/// Answers a command: in time, or with a word that the answer is on its way.
pub async fn command<Q>(
    ctx: Context<'_>,
    private: bool,
    question: impl FnOnce(Asker, Asked) -> Q,
) -> Result<(), Refusal>
where
    Q: Future<Output = Result<CreateReply, Refusal>> + Send,
{
    let Context::Application(application) = ctx else { return Ok(()) };
    let door = Door::Command(application.interaction);
    let question = question(door.asker(private), ctx.data().asked.clone());
    give(&ctx.serenity_context().http, door, Place::New { private }, question).await;
    Ok(())
}

/// What a form is made of. It has to be the first answer, so that nothing can be announced: it comes in time or
/// not at all.
pub async fn for_a_form<T>(question: impl Future<Output = Result<T, String>>) -> Result<T, Refusal> {
    match tokio::time::timeout(PROMPT, question).await {
        Ok(found) => Ok(found?),
        Err(_) => Err(Refusal("That took too long; please try again in a moment.".to_owned())),
    }
}

/// Answers whichever interaction it is.
pub async fn give(
    http: &Http,
    door: Door<'_>,
    place: Place,
    question: impl Future<Output = Result<CreateReply, Refusal>> + Send,
) {
    let mut question = pin!(question);
    if let Ok(answer) = tokio::time::timeout(PROMPT, &mut question).await {
        return match answer {
            Ok(reply) => sent(door.respond(http, response(reply, place)).await),
            Err(Refusal(reason)) => refuse(http, door, reason).await,
        };
    }
    let announcement = match place {
        Place::New { private } => {
            CreateInteractionResponse::Defer(CreateInteractionResponseMessage::new().ephemeral(private))
        }
        Place::Same => CreateInteractionResponse::Acknowledge,
    };
    let announced = door.respond(http, announcement).await;
    if announced.is_err() {
        return sent(announced);
    }
    let late = || Refusal("The forum takes too long to answer. Please try again later.".into());
    let answer = tokio::time::timeout(PATIENCE, question).await.unwrap_or_else(|_| Err(late()));
    let edit = EditInteractionResponse::new();
    match (answer, place) {
        (Ok(reply), _) => sent(door.edit(http, reply.to_slash_initial_response_edit(edit)).await),
        (Err(Refusal(reason)), Place::New { private: true }) => {
            sent(door.edit(http, edit.content(reason)).await);
        }
        // The announcement was for everyone, the reason is not.
        (Err(Refusal(reason)), Place::New { private: false }) => {
            sent(door.delete(http).await);
            sent(door.whisper(http, reason).await);
        }
        (Err(Refusal(reason)), Place::Same) => sent(door.whisper(http, reason).await),
    }
}

fn response(reply: CreateReply, place: Place) -> CreateInteractionResponse {
    let reply = match place {
        Place::New { private } => reply.ephemeral(private),
        Place::Same => reply,
    };
    let message = reply.to_slash_initial_response(CreateInteractionResponseMessage::new());
    match place {
        Place::New { .. } => CreateInteractionResponse::Message(message),
        Place::Same => CreateInteractionResponse::UpdateMessage(message),
    }
}

/// Makes the message that is to show what was written by form, still empty: so it has an id by which the post is
/// known, and what is lost before it is written down is seen to be.
pub async fn blank(http: &Http, door: Door<'_>) -> Option<MessageId> {
    let defer = CreateInteractionResponse::Defer(CreateInteractionResponseMessage::new());
    let message = match door.respond(http, defer).await {
        Ok(()) => door.message(http).await,
        Err(error) => Err(error),
    };
    message.map_err(|error| sent(Err(error))).ok()
}

/// Fills that message once what was written is taken; else it goes away, and the person is told why.
pub async fn fill(http: &Http, door: Door<'_>, taken: Result<(), String>, shown: &str) {
    match taken {
        Ok(()) => {
            let edit = EditInteractionResponse::new()
                .content(look::clip(shown, 2000))
                .allowed_mentions(CreateAllowedMentions::new());
            sent(door.edit(http, edit).await);
        }
        Err(reason) => {
            sent(door.delete(http).await);
            sent(door.whisper(http, reason).await);
        }
    }
}

/// Tells the person, and only them, why there is no answer.
pub async fn refuse(http: &Http, door: Door<'_>, reason: String) {
    let words = CreateInteractionResponseMessage::new()
        .content(reason)
        .ephemeral(true)
        .allowed_mentions(CreateAllowedMentions::new());
    sent(door.respond(http, CreateInteractionResponse::Message(words)).await);
}

/// Tells the person, and only them, why poise could not run their command.
pub async fn apologise(error: FrameworkError<'_, Data, Refusal>) {
    let (reason, ctx) = match error {
        FrameworkError::Command { error, ctx, .. } => (error.0, ctx),
        FrameworkError::CommandCheckFailed { error: Some(error), ctx, .. } => (error.0, ctx),
        // They have been told to wait.
        FrameworkError::CommandCheckFailed { error: None, .. } => return,
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

/// An answer that did not get through can't be mended: the interaction is spent.
pub fn sent(outcome: Result<(), serenity::Error>) {
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
