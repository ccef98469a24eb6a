//! What a person can do on the page, on either side.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::discord::{self, Discord};
use crate::sandbox::forum::{Deletion, Forum};
use crate::sandbox::stage::Stage;

/// Ids travel as text: Discord's are too long for a browser's numbers.
#[derive(Debug, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Wish {
    OpenThread {
        board: u64,
        member: u64,
        title: String,
        text: String,
    },
    Post {
        thread: u64,
        member: u64,
        text: String,
    },
    EditPost {
        post: u64,
        text: String,
    },
    DeletePost {
        post: u64,
    },
    Thank {
        post: u64,
        member: u64,
        on: bool,
    },
    Close {
        thread: u64,
        on: bool,
    },
    Stick {
        thread: u64,
        on: bool,
    },
    Say {
        channel: String,
        user: String,
        text: String,
        reply_to: Option<String>,
    },
    Edit {
        message: String,
        user: String,
        text: String,
    },
    Delete {
        message: String,
    },
    React {
        message: String,
        user: String,
        emoji: String,
        on: bool,
    },
    Command {
        channel: String,
        user: String,
        path: String,
        options: Vec<(String, Value)>,
    },
    Complete {
        channel: String,
        user: String,
        path: String,
        options: Vec<(String, Value)>,
        focused: String,
    },
    Press {
        message: String,
        user: String,
        custom_id: String,
    },
    /// A command from a message's menu.
    Menu {
        message: String,
        user: String,
        name: String,
    },
    /// A form that an interaction was answered with, filled in.
    Submit {
        interaction: String,
        fields: Vec<(String, String)>,
    },
    ForumPost {
        channel: String,
        user: String,
        title: String,
        text: String,
    },
    /// Takes the forum away, or gives it back.
    ForumDown {
        on: bool,
    },
    /// The next messages to Discord fail.
    DiscordFails,
}

/// Does it. The error is a sentence for whoever clicked.
pub async fn perform(stage: &Stage, wish: Wish) -> Result<Value, String> {
    let (forum, discord): (&Forum, &Discord) = (&stage.forum, &stage.discord);
    let none = Ok(json!({}));
    match wish {
        Wish::OpenThread { board, member, title, text } => {
            let (thread, _) =
                forum.open_thread(board, member, &filled(&title)?, &filled(&text)?).map_err(say)?;
            Ok(json!({ "thread": thread }))
        }
        Wish::Post { thread, member, text } => {
            let post = forum.reply(thread, member, &filled(&text)?).map_err(say)?;
            Ok(json!({ "post": post }))
        }
        Wish::EditPost { post, text } => forum.edit(post, &filled(&text)?).map_err(say).and(none),
        Wish::DeletePost { post } => forum.delete(post, Deletion::Hard).map_err(say).and(none),
        Wish::Thank { post, member, on: true } => forum.thank(post, member).map_err(say).and(none),
        Wish::Thank { post, member, on: false } => forum.withdraw_thanks(post, member).map_err(say).and(none),
        Wish::Close { thread, on } => {
            if on { forum.close(thread) } else { forum.reopen(thread) }.map_err(say).and(none)
        }
        Wish::Stick { thread, on } => {
            if on { forum.stick(thread) } else { forum.unstick(thread) }.map_err(say).and(none)
        }
        Wish::Say { channel, user, text, reply_to } => {
            let reply_to = reply_to.map(|id| number(&id)).transpose()?;
            let id =
                discord.say(number(&user)?, number(&channel)?, &filled(&text)?, reply_to).map_err(say)?;
            Ok(json!({ "message": id.to_string() }))
        }
        Wish::Edit { message, user, text } => {
            discord.edit(number(&user)?, number(&message)?, &filled(&text)?).map_err(say).and(none)
        }
        Wish::Delete { message } => discord.delete(number(&message)?).map_err(say).and(none),
        Wish::React { message, user, emoji, on } => {
            let (user, message) = (number(&user)?, number(&message)?);
            let done = if on {
                discord.react(user, message, &emoji)
            } else {
                discord.unreact(user, message, &emoji)
            };
            done.map_err(say).and(none)
        }
        Wish::Command { channel, user, path, options } => {
            let options = values(&options);
            let asked = discord.command(number(&user)?, number(&channel)?, &path, &options).map_err(say)?;
            answer(&asked).await
        }
        Wish::Complete { channel, user, path, options, focused } => {
            let options = values(&options);
            let asked = discord.autocomplete(number(&user)?, number(&channel)?, &path, &options, &focused);
            let answer = asked.map_err(say)?.first().await.map_err(say)?;
            Ok(json!({ "choices": answer.choices }))
        }
        Wish::Press { message, user, custom_id } => {
            let pressed = discord.press(number(&user)?, number(&message)?, &custom_id, &[]).map_err(say)?;
            answer(&pressed).await
        }
        Wish::Menu { message, user, name } => {
            let asked = discord.message_command(number(&user)?, number(&message)?, &name).map_err(say)?;
            answer(&asked).await
        }
        Wish::Submit { interaction, fields } => {
            let fields: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            let opened = discord.begun(number(&interaction)?);
            answer(&discord.submit_modal(&opened, &fields).map_err(say)?).await
        }
        Wish::ForumPost { channel, user, title, text } => {
            let (title, text) = (filled(&title)?, filled(&text)?);
            let post =
                discord.forum_post(number(&user)?, number(&channel)?, &title, &text, &[]).map_err(say)?;
            Ok(json!({ "channel": post.to_string() }))
        }
        Wish::ForumDown { on: true } => {
            forum.pause().await;
            none
        }
        Wish::ForumDown { on: false } => forum.resume().await.map_err(say).and(none),
        Wish::DiscordFails => {
            discord.fault(Some("POST"), "/webhooks", discord::Fault::Status(503), 3);
            none
        }
    }
}

async fn answer(asked: &discord::Interaction) -> Result<Value, String> {
    let answer = asked.answer().await.map_err(say)?;
    Ok(json!({
        "interaction": asked.id.to_string(),
        "modal": answer.modal,
        "ephemeral": answer.ephemeral(),
        "message": answer.message.as_ref().map(|message| json!({
            "id": message.id.to_string(),
            "content": message.content,
            "embeds": message.embeds,
            "components": message.components,
        })),
    }))
}

fn values(options: &[(String, Value)]) -> Vec<(&str, Value)> {
    options.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
}

fn filled(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("There is nothing written yet.".to_owned()),
        text => Ok(text.to_owned()),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no id."))
}

fn say(error: impl std::fmt::Display) -> String {
    error.to_string()
}
