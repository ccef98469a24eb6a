//! *Reply on the forum*: a form, from a message's menu, that answers the post which the message shows.

use poise::serenity_prelude as serenity;
use serenity::{
    CreateActionRow, CreateInputText, CreateInteractionResponse, CreateModal, InputTextStyle,
    ModalInteraction,
};

use super::answer::{self, Door, sent};
use super::asks::ReplyForm;
use super::press::field;
use super::{Context, Data, Refusal};
use crate::discord::look;
use crate::model::MessageId;

/// What is written must fit into one message, with who wrote it and to whom.
const WORDS: u16 = 1700;
const QUOTE: u16 = 300;
const NAME: usize = 80;

/// Answer the post that this message shows, as a post on the forum.
#[poise::command(context_menu_command = "Reply on the forum", guild_only)]
pub async fn reply_on_the_forum(ctx: Context<'_>, message: serenity::Message) -> Result<(), Refusal> {
    let Context::Application(application) = ctx else { return Ok(()) };
    let door = Door::Command(application.interaction);
    let writing = &ctx.data().asked.writing;
    let answered = writing.answered(door.asker(true), MessageId(message.id.get()));
    let answered = answer::for_a_form(answered).await?;
    let title = match answered.author {
        Some(author) => look::clip(&format!("Reply to {author}"), 45),
        None => "Reply on the forum".to_owned(),
    };
    let text = CreateInputText::new(InputTextStyle::Paragraph, "Your reply", "text")
        .placeholder("Discord Markdown: **bold**, > quote, `code`")
        .max_length(WORDS);
    let quote = CreateInputText::new(InputTextStyle::Paragraph, "Quote (empty it to quote nothing)", "quote")
        .value(quotable(&message.content))
        .max_length(QUOTE)
        .required(false);
    let form = CreateModal::new(format!("reply|{}", message.id), title)
        .components(vec![CreateActionRow::InputText(text), CreateActionRow::InputText(quote)]);
    sent(door.respond(&ctx.serenity_context().http, CreateInteractionResponse::Modal(form)).await);
    Ok(())
}

/// The words of a mirrored post, without its small last line and what it quotes itself.
fn quotable(content: &str) -> String {
    let words: Vec<&str> =
        content.lines().filter(|line| !line.starts_with("-# ") && !line.starts_with('>')).collect();
    look::clip(words.join("\n").trim(), usize::from(QUOTE))
}

/// What was written is shown in Discord first, and then recorded.
pub async fn filled_in(http: &serenity::Http, data: &Data, form: &ModalInteraction) {
    let Some(Ok(answers)) = form.data.custom_id.strip_prefix("reply|").map(str::parse::<MessageId>) else {
        return;
    };
    let door = Door::Form(form);
    let asker = door.asker(false);
    let answered = match data.asked.writing.answered(asker, answers).await {
        Ok(answered) => answered,
        Err(reason) => return answer::refuse(http, door, reason).await,
    };
    let Some(message) = answer::blank(http, door).await else { return };
    let (text, quote, name) = (field(form, "text"), field(form, "quote"), door.name());
    let reply = ReplyForm {
        answers,
        message,
        author_name: name.clone(),
        text: text.to_owned(),
        quote: quote.to_owned(),
    };
    let to = answered.author.unwrap_or_else(|| "a post".to_owned());
    let to = look::plain(&look::clip(&to, NAME));
    let name = look::plain(&look::clip(&name, NAME));
    let shown = format!("**{name}** to [{to}](<{}>)\n{text}", answered.message_url);
    answer::fill(http, door, data.asked.writing.reply(asker, reply).await, &shown).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_posts_own_words_are_offered_for_a_quote() {
        let content = "> earlier\nLabel both ends.\n-# [#3](<https://forum.example/>) · 1 thanks: Bob";
        assert_eq!(quotable(content), "Label both ends.");
        assert!(look::units(&quotable(&"long ".repeat(500))) <= 300);
    }
}
