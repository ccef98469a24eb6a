//! serenity's events into ours. What the bridge has no use for is dropped here.

use serenity::all as discord;
use serenity::all::{ChannelType, MessageType, MessageUpdateEvent, PartialMember, ReactionType};

use crate::discord::{Event, File, Message, Person};
use crate::model::{ChannelId, GuildId, MessageId, UserId};

pub fn event(event: discord::Event) -> Option<Event> {
    use discord::Event as E;
    Some(match event {
        E::Ready(event) => Event::Ready { me: UserId(event.ready.user.id.get()) },
        E::Resumed(_) => Event::Resumed,
        E::MessageCreate(event) => Event::Message(message(event.message)),
        E::MessageUpdate(event) => Event::Edited(edited(event)?),
        E::MessageDelete(event) => Event::Deleted {
            channel: channel(event.channel_id),
            messages: vec![MessageId(event.message_id.get())],
        },
        E::MessageDeleteBulk(event) => Event::Deleted {
            channel: channel(event.channel_id),
            messages: event.ids.iter().map(|id| MessageId(id.get())).collect(),
        },
        E::ReactionAdd(event) => Event::Reacted {
            channel: channel(event.reaction.channel_id),
            message: MessageId(event.reaction.message_id.get()),
            user: UserId(event.reaction.user_id?.get()),
            emoji: emoji(&event.reaction.emoji),
        },
        E::ReactionRemove(event) => Event::Unreacted {
            channel: channel(event.reaction.channel_id),
            message: MessageId(event.reaction.message_id.get()),
            user: UserId(event.reaction.user_id?.get()),
            emoji: emoji(&event.reaction.emoji),
        },
        E::ReactionRemoveAll(event) => Event::ReactionsCleared {
            channel: channel(event.channel_id),
            message: MessageId(event.message_id.get()),
            emoji: None,
        },
        E::ReactionRemoveEmoji(event) => Event::ReactionsCleared {
            channel: channel(event.reaction.channel_id),
            message: MessageId(event.reaction.message_id.get()),
            emoji: Some(emoji(&event.reaction.emoji)),
        },
        E::ChannelDelete(event) => Event::ChannelDeleted { channel: channel(event.channel.id) },
        E::ThreadDelete(event) => Event::ChannelDeleted { channel: channel(event.thread.id) },
        E::ThreadCreate(event) if event.thread.kind == ChannelType::PublicThread => Event::ThreadCreated {
            parent: channel(event.thread.parent_id?),
            thread: channel(event.thread.id),
            owner: event.thread.owner_id.map(|id| UserId(id.get())),
            title: event.thread.name,
        },
        _ => return None,
    })
}

/// An emoji as the configuration and REST write it: itself, or `name:id` for one of a guild's own.
fn emoji(emoji: &ReactionType) -> String {
    match emoji {
        ReactionType::Custom { id, name, .. } => format!("{}:{id}", name.as_deref().unwrap_or_default()),
        ReactionType::Unicode(emoji) => emoji.clone(),
        // serenity may learn of more kinds than these.
        _ => String::new(),
    }
}

fn channel(id: discord::ChannelId) -> ChannelId {
    ChannelId(id.get())
}

fn message(message: discord::Message) -> Message {
    Message {
        id: MessageId(message.id.get()),
        channel: channel(message.channel_id),
        guild: message.guild_id.map(|id| GuildId(id.get())),
        author: person(&message.author, message.member.as_deref()),
        webhook: message.webhook_id.map(|id| id.get()),
        content: message.content,
        attachments: message.attachments.into_iter().map(file).collect(),
        reply_to: message.message_reference.and_then(|reference| reply(message.kind, reference)),
        ordinary: ordinary(message.kind),
        mentions: mentions(message.mentions),
        reactions: Vec::new(),
        edited: message.edited_timestamp.is_some(),
    }
}

/// Discord also sends an update when it has looked a link up or a message is pinned; those whose words
/// were never edited bear no date.
fn edited(event: MessageUpdateEvent) -> Option<Message> {
    event.edited_timestamp?;
    let kind = event.kind.unwrap_or_default();
    Some(Message {
        id: MessageId(event.id.get()),
        channel: channel(event.channel_id),
        guild: event.guild_id.map(|id| GuildId(id.get())),
        author: person(&event.author?, event.member.flatten().as_deref()),
        webhook: event.webhook_id.flatten().map(|id| id.get()),
        content: event.content?,
        attachments: event.attachments.unwrap_or_default().into_iter().map(file).collect(),
        reply_to: event.message_reference.flatten().and_then(|reference| reply(kind, reference)),
        ordinary: ordinary(kind),
        mentions: mentions(event.mentions.unwrap_or_default()),
        reactions: Vec::new(),
        edited: true,
    })
}

fn person(user: &discord::User, member: Option<&PartialMember>) -> Person {
    let nick = member.and_then(|member| member.nick.clone());
    named(user, nick)
}

fn named(user: &discord::User, nick: Option<String>) -> Person {
    Person {
        id: UserId(user.id.get()),
        name: nick.or_else(|| user.global_name.clone()).unwrap_or_else(|| user.name.clone()),
        bot: user.bot,
    }
}

fn mentions(users: Vec<discord::User>) -> Vec<(UserId, String)> {
    let named = |user: &discord::User| {
        let person = person(user, user.member.as_deref());
        (person.id, person.name)
    };
    users.iter().map(named).collect()
}

/// A forward and a pin notice also refer to a message; only a reply answers it.
fn reply(kind: MessageType, reference: discord::MessageReference) -> Option<MessageId> {
    (kind == MessageType::InlineReply).then_some(())?;
    reference.message_id.map(|id| MessageId(id.get()))
}

fn ordinary(kind: MessageType) -> bool {
    matches!(kind, MessageType::Regular | MessageType::InlineReply)
}

fn file(attachment: discord::Attachment) -> File {
    File {
        id: attachment.id.get(),
        name: attachment.filename,
        url: attachment.url,
        size: attachment.size.into(),
        content_type: attachment.content_type,
    }
}
