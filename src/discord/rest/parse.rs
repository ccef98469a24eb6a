//! Discord's JSON in. Takes what the bridge needs and passes over the rest: an unknown or missing
//! field is never a failure.

use serde_json::Value;

use crate::discord::{Channel, ChannelKind, File, Message, Person};
use crate::model::{ChannelId, GuildId, MessageId, UserId};

/// A snowflake: text, though some servers write a number.
pub fn id(value: &Value) -> Option<u64> {
    value.as_str().map_or_else(|| value.as_u64(), |text| text.parse().ok())
}

pub fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

pub fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    value.as_array().into_iter().flatten().filter_map(read).collect()
}

pub fn channel(value: &Value) -> Option<Channel> {
    let flags = value["flags"].as_u64().unwrap_or(0);
    let state = &value["thread_metadata"];
    Some(Channel {
        id: ChannelId(id(&value["id"])?),
        guild: id(&value["guild_id"]).map(GuildId),
        kind: match value["type"].as_u64() {
            Some(0) => ChannelKind::Text,
            Some(5) => ChannelKind::Announcement,
            // A media channel is a forum of pictures.
            Some(15 | 16) => ChannelKind::Forum,
            Some(10..=12) => ChannelKind::Thread,
            _ => ChannelKind::Other,
        },
        name: text(&value["name"]).unwrap_or_default(),
        parent: id(&value["parent_id"]).map(ChannelId),
        tags: list(&value["available_tags"], |tag| Some((id(&tag["id"])?, text(&tag["name"])?))),
        requires_tag: flags & (1 << 4) != 0,
        archived: state["archived"].as_bool().unwrap_or(false),
        locked: state["locked"].as_bool().unwrap_or(false),
        owner: id(&value["owner_id"]).map(UserId),
        last_message: id(&value["last_message_id"]).map(MessageId),
    })
}

pub fn message(value: &Value) -> Option<Message> {
    let kind = value["type"].as_u64().unwrap_or(0);
    Some(Message {
        id: MessageId(id(&value["id"])?),
        channel: ChannelId(id(&value["channel_id"])?),
        guild: id(&value["guild_id"]).map(GuildId),
        author: person(&value["author"], &value["member"])?,
        webhook: id(&value["webhook_id"]),
        content: text(&value["content"]).unwrap_or_default(),
        attachments: list(&value["attachments"], file),
        reply_to: (kind == 19)
            .then(|| id(&value["message_reference"]["message_id"]).map(MessageId))
            .flatten(),
        // Default and reply: https://docs.discord.com/developers/resources/message#message-object-message-types
        ordinary: matches!(kind, 0 | 19),
        mentions: list(&value["mentions"], |user| {
            let person = person(user, &user["member"])?;
            Some((person.id, person.name))
        }),
        reactions: list(&value["reactions"], |reaction| emoji(&reaction["emoji"])),
        edited: value["edited_timestamp"].is_string(),
    })
}

fn person(user: &Value, member: &Value) -> Option<Person> {
    let name = [&member["nick"], &user["global_name"], &user["username"]]
        .into_iter()
        .find_map(|name| text(name).filter(|name| !name.is_empty()));
    Some(Person {
        id: UserId(id(&user["id"])?),
        name: name.unwrap_or_default(),
        bot: user["bot"].as_bool().unwrap_or(false),
    })
}

/// An emoji as the configuration writes it: itself, or `name:id` for one of a guild's own.
fn emoji(value: &Value) -> Option<String> {
    let name = text(&value["name"]);
    match id(&value["id"]) {
        Some(id) => Some(format!("{}:{id}", name.unwrap_or_default())),
        None => name,
    }
}

fn file(value: &Value) -> Option<File> {
    Some(File {
        id: id(&value["id"])?,
        name: text(&value["filename"]).unwrap_or_default(),
        url: text(&value["url"])?,
        size: value["size"].as_u64().unwrap_or(0),
        content_type: text(&value["content_type"]),
    })
}

/// Discord's own words on what is wrong, with the field where it names one:
/// `{message, errors: {path: {_errors: [{message}]}}}`.
pub fn complaint(body: &Value) -> Option<String> {
    let message = text(&body["message"])?;
    let mut details = Vec::new();
    let mut open = vec![(String::new(), &body["errors"])];
    while let Some((path, value)) = open.pop() {
        for (key, inner) in value.as_object().into_iter().flatten() {
            if key == "_errors" {
                let words = list(inner, |error| text(&error["message"])).join(" ");
                details.push(format!("{path}: {words}"));
            } else if path.len() < 100 {
                open.push((if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, inner));
            }
        }
    }
    details.truncate(5);
    Some(if details.is_empty() { message } else { format!("{message}: {}", details.join("; ")) })
}
