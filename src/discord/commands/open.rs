//! `/thread new`: a form that opens a thread on the forum.

use poise::serenity_prelude as serenity;
use serenity::{
    CreateActionRow, CreateInputText, CreateInteractionResponse, CreateInteractionResponseMessage,
    CreateModal, EditInteractionResponse, InputTextStyle, ModalInteraction,
};

use super::answer::{self, Door, sent};
use super::asks::OpenForm;
use super::press::{ID, field};
use super::thread::{complete_board, complete_forum};
use super::{Context, Data, Refusal};
use crate::discord::look;

/// vBulletin's own limit.
const TITLE: u16 = 85;
/// With title and author it must fit into one message.
const WORDS: u16 = 1700;

/// Open a thread on the forum.
#[poise::command(slash_command, guild_only)]
pub async fn new(
    ctx: Context<'_>,
    #[description = "On which board"]
    #[autocomplete = "complete_board"]
    #[max_length = 100]
    board: String,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
) -> Result<(), Refusal> {
    let Context::Application(application) = ctx else { return Ok(()) };
    let door = Door::Command(application.interaction);
    let place = ctx.data().asked.writing.board(door.asker(false), &board, forum.as_deref()).await?;
    let (forum, board, name) = place;
    let id = format!("open|{forum}|{board}");
    if id.len() > ID {
        return Err(Refusal("That board's address is too long for a form.".to_owned()));
    }
    let title = CreateInputText::new(InputTextStyle::Short, "Title", "title").max_length(TITLE);
    let text = CreateInputText::new(InputTextStyle::Paragraph, "Text", "text")
        .placeholder("Discord Markdown: **bold**, > quote, `code`")
        .max_length(WORDS);
    let form = CreateModal::new(id, look::clip(&format!("New thread on {name}"), 45))
        .components(vec![CreateActionRow::InputText(title), CreateActionRow::InputText(text)]);
    sent(door.respond(&ctx.serenity_context().http, CreateInteractionResponse::Modal(form)).await);
    Ok(())
}

/// As with a reply, the answer is shown before it is recorded, so that it has an id.
pub async fn filled_in(http: &serenity::Http, data: &Data, form: &ModalInteraction) {
    let mut parts = form.data.custom_id.splitn(3, '|').skip(1).map(str::to_owned);
    let (Some(forum), Some(board)) = (parts.next(), parts.next()) else { return };
    let door = Door::Form(form);
    let asker = door.asker(false);
    if let Err(reason) = data.asked.writing.board(asker, &board, Some(&forum)).await {
        return answer::refuse(http, door, reason).await;
    }
    let defer = CreateInteractionResponse::Defer(CreateInteractionResponseMessage::new());
    let announced = door.respond(http, defer).await;
    if announced.is_err() {
        return sent(announced);
    }
    let message = match door.message(http).await {
        Ok(message) => message,
        Err(error) => return sent(Err(error)),
    };
    let (title, text, name) = (field(form, "title"), field(form, "text"), door.name());
    let opened = OpenForm {
        forum,
        board,
        message,
        author_name: name.clone(),
        title: title.to_owned(),
        text: text.to_owned(),
    };
    match data.asked.writing.open(asker, opened).await {
        Ok(()) => {
            let name = look::plain(&look::clip(&name, 80));
            let shown = format!("**{name}** opens a thread: **{}**\n{text}", look::plain(title));
            let edit = EditInteractionResponse::new()
                .content(look::clip(&shown, 2000))
                .allowed_mentions(serenity::CreateAllowedMentions::new());
            sent(door.edit(http, edit).await);
        }
        Err(reason) => {
            sent(door.delete(http).await);
            sent(door.whisper(http, reason).await);
        }
    }
}
