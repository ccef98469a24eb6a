//! `/thread new`: a form that opens a thread on the forum.

use poise::serenity_prelude as serenity;
use serenity::{
    CreateActionRow, CreateInputText, CreateInteractionResponse, CreateModal, InputTextStyle,
    ModalInteraction,
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
    let place = ctx.data().asked.writing.board(door.asker(false), &board, forum.as_deref());
    let (forum, board, name) = answer::for_a_form(place).await?;
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

/// What is opened is shown before it is recorded, as a reply is.
pub async fn filled_in(http: &serenity::Http, data: &Data, form: &ModalInteraction) {
    let mut parts = form.data.custom_id.splitn(3, '|').skip(1).map(str::to_owned);
    let (Some(forum), Some(board)) = (parts.next(), parts.next()) else { return };
    let door = Door::Form(form);
    let asker = door.asker(false);
    if let Err(reason) = data.asked.writing.board(asker, &board, Some(&forum)).await {
        return answer::refuse(http, door, reason).await;
    }
    let Some(message) = answer::blank(http, door).await else { return };
    let (title, text, name) = (field(form, "title"), field(form, "text"), door.name());
    let opened = OpenForm {
        forum,
        board,
        message,
        author_name: name.clone(),
        title: title.to_owned(),
        text: text.to_owned(),
    };
    let name = look::plain(&look::clip(&name, 80));
    let shown = format!("**{name}** opens a thread: **{}**\n{text}", look::plain(title));
    answer::fill(http, door, data.asked.writing.open(asker, opened).await, &shown).await;
}
