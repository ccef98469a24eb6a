//! Messages, reactions and pins.

use serde_json::{Value, json};

use super::super::draft::{Draft, Way, id_of};
use super::super::error::Refused;
use super::super::permissions::*;
use super::super::post::Author;
use super::super::state::{FORUM, Id, Message};
use super::{Answer, Call, Reply};

fn shown(call: &Call<'_>, id: Id) -> Answer {
    Reply::ok(call.state.message_json(call.state.message(id)?, true))
}

pub fn list(call: &mut Call<'_>) -> Answer {
    let channel = call.id(0)?;
    call.require(channel, 0)?;
    let limit = match call.query.get("limit").map(|it| it.parse::<usize>()) {
        None => 50,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => {
            return super::super::error::wrong(
                "limit",
                "NUMBER_TYPE_MAX",
                "int value should be between 1 and 100.",
            );
        }
    };
    let state = &*call.state;
    if call.require(channel, READ_MESSAGE_HISTORY).is_err() {
        return Reply::ok(json!([]));
    }
    let ids = &state.channel(channel)?.messages;
    let visible = |id: &&Id| state.messages.get(id).is_some_and(|it| it.only_for.is_none());
    let half = limit / 2;
    let mut picked: Vec<Id> = if let Some(after) = call.query_id("after") {
        ids.range(after.saturating_add(1)..).filter(visible).take(limit).copied().collect()
    } else if let Some(before) = call.query_id("before") {
        ids.range(..before).rev().filter(visible).take(limit).copied().collect()
    } else if let Some(around) = call.query_id("around") {
        let older = ids.range(..around).rev().filter(visible).take(half);
        older.chain(ids.range(around..).filter(visible).take(limit - half)).copied().collect()
    } else {
        ids.iter().rev().filter(visible).take(limit).copied().collect()
    };
    picked.sort_unstable_by(|a, b| b.cmp(a));
    Reply::ok(
        picked
            .iter()
            .filter_map(|id| state.messages.get(id))
            .map(|it| state.message_json(it, true))
            .collect(),
    )
}

pub fn get(call: &mut Call<'_>) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, READ_MESSAGE_HISTORY)?;
    call.state.message_in(channel, id)?;
    shown(call, id)
}

pub fn create(call: &mut Call<'_>) -> Answer {
    let channel = call.id(0)?;
    call.require(channel, 0)?;
    if call.state.channel(channel)?.kind == FORUM {
        return Err(Refused::code(50008));
    }
    let bot = call.state.bot;
    call.state.may_write(channel, bot)?;
    let files = call.take_files();
    if !files.is_empty() {
        call.require(channel, ATTACH_FILES)?;
    }
    let mut draft = Draft::read(&call.body, files, Way::Bot)?;
    let has = call.state.permissions(channel, bot);
    draft.allowed.everyone &= has & MENTION_EVERYONE != 0;
    if draft.reply_to.is_some() {
        call.require(channel, READ_MESSAGE_HISTORY)?;
    }
    call.state.wake(channel, has & MANAGE_THREADS != 0)?;
    let author = call.state.author(channel, bot);
    let id = call.state.post(channel, author, draft)?;
    shown(call, id)
}

pub fn update(call: &mut Call<'_>) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, 0)?;
    let message = call.state.message_in(channel, id)?;
    let own = message.author == call.state.bot;
    let only_flags = call.body.as_object().is_some_and(|it| it.keys().all(|key| key == "flags"));
    let moderates = only_flags && call.require(channel, MANAGE_MESSAGES).is_ok();
    if !own && !moderates {
        return Err(Refused::code(50005));
    }
    call.state.must_be_open(channel)?;
    must_be_unlocked(call, channel)?;
    let files = call.take_files();
    call.state.amend(id, &call.body, files, Way::Bot)?;
    shown(call, id)
}

/// In a locked thread only those who manage threads may still change messages.
fn must_be_unlocked(call: &Call<'_>, channel: Id) -> Result<(), Refused> {
    let locked = call.state.channel(channel)?.thread.as_ref().is_some_and(|it| it.locked);
    if locked && call.require(channel, MANAGE_THREADS).is_err() { Err(Refused::code(160005)) } else { Ok(()) }
}

pub fn delete(call: &mut Call<'_>) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, 0)?;
    if call.state.message_in(channel, id)?.author != call.state.bot {
        call.require(channel, MANAGE_MESSAGES)?;
    }
    call.state.delete_message(id)?;
    Reply::none()
}

pub fn bulk_delete(call: &mut Call<'_>) -> Answer {
    let channel = call.id(0)?;
    call.require(channel, MANAGE_MESSAGES)?;
    let ids: Vec<Id> = call.body["messages"].as_array().into_iter().flatten().filter_map(id_of).collect();
    if !(2..=100).contains(&ids.len()) {
        return Err(Refused::code(50016));
    }
    let now = call.state.now;
    let old = |it: &&Message| now.duration_since(it.at).as_secs() > 14 * 86_400;
    if ids.iter().filter_map(|id| call.state.messages.get(id)).any(|it| old(&it)) {
        return Err(Refused::code(50034));
    }
    call.state.delete_messages(channel, &ids);
    Reply::none()
}

/// The emoji of the path: a Unicode one, or `name:id`.
fn emoji(call: &Call<'_>) -> Result<String, Refused> {
    let text = call.param(2);
    let custom =
        text.rsplit_once(':').is_some_and(|(name, id)| !name.is_empty() && id.parse::<u64>().is_ok());
    // A keycap is a digit with something after it; plain ASCII is no emoji.
    let unicode = !text.is_ascii() && text.chars().all(|c| !c.is_ascii() || "#*0123456789".contains(c));
    if custom || unicode { Ok(text.to_owned()) } else { Err(Refused::code(10014)) }
}

pub fn react(call: &mut Call<'_>) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, READ_MESSAGE_HISTORY)?;
    let emoji = emoji(call)?;
    let known = call.state.message_in(channel, id)?.reactions.iter().any(|it| it.emoji == emoji);
    if !known {
        call.require(channel, ADD_REACTIONS)?;
    }
    call.state.must_be_open(channel)?;
    let bot = call.state.bot;
    call.state.add_reaction(id, bot, &emoji)?;
    Reply::none()
}

pub fn unreact(call: &mut Call<'_>) -> Answer {
    let bot = call.state.bot;
    remove_reaction(call, bot)
}

pub fn unreact_user(call: &mut Call<'_>) -> Answer {
    let user = call.id(3)?;
    let channel = call.id(0)?;
    call.require(channel, MANAGE_MESSAGES)?;
    remove_reaction(call, user)
}

fn remove_reaction(call: &mut Call<'_>, user: Id) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, READ_MESSAGE_HISTORY)?;
    let emoji = emoji(call)?;
    call.state.message_in(channel, id)?;
    call.state.must_be_open(channel)?;
    call.state.remove_reaction(id, user, &emoji)?;
    Reply::none()
}

pub fn clear_reactions(call: &mut Call<'_>) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, MANAGE_MESSAGES)?;
    call.state.message_in(channel, id)?;
    call.state.must_be_open(channel)?;
    call.state.clear_reactions(id, None)?;
    Reply::none()
}

pub fn clear_emoji(call: &mut Call<'_>) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, MANAGE_MESSAGES)?;
    let emoji = emoji(call)?;
    call.state.message_in(channel, id)?;
    call.state.must_be_open(channel)?;
    call.state.clear_reactions(id, Some(&emoji))?;
    Reply::none()
}

pub fn reactors(call: &mut Call<'_>) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, READ_MESSAGE_HISTORY)?;
    let emoji = emoji(call)?;
    let limit = call.query.get("limit").and_then(|it| it.parse().ok()).unwrap_or(25usize).clamp(1, 100);
    let after = call.query_id("after").unwrap_or(0);
    let message = call.state.message_in(channel, id)?;
    let mut users =
        message.reactions.iter().find(|it| it.emoji == emoji).map_or_else(Vec::new, |it| it.users.clone());
    users.sort_unstable();
    let users = users.into_iter().filter(|user| *user > after).take(limit);
    Reply::ok(users.map(|user| call.state.user_json(user)).collect::<Value>())
}

pub fn pins(call: &mut Call<'_>) -> Answer {
    let channel = call.id(0)?;
    call.require(channel, READ_MESSAGE_HISTORY)?;
    let state = &*call.state;
    let pinned = state
        .channel(channel)?
        .messages
        .iter()
        .rev()
        .filter_map(|id| state.messages.get(id))
        .filter(|it| it.pinned);
    Reply::ok(pinned.map(|it| state.message_json(it, true)).collect())
}

pub fn pin(call: &mut Call<'_>) -> Answer {
    set_pin(call, true)
}

pub fn unpin(call: &mut Call<'_>) -> Answer {
    set_pin(call, false)
}

fn set_pin(call: &mut Call<'_>, pinned: bool) -> Answer {
    let (channel, id) = (call.id(0)?, call.id(1)?);
    call.require(channel, MANAGE_MESSAGES)?;
    call.state.message_in(channel, id)?;
    call.state.must_be_open(channel)?;
    let message = call.state.message_mut(id)?;
    if message.pinned != pinned {
        message.pinned = pinned;
        call.state.emit_message(id, "MESSAGE_UPDATE");
        if pinned {
            let draft = Draft { reply_to: Some(id), ..Draft::empty() };
            let bot = call.state.bot;
            let author = Author { kind: Some(6), ..call.state.author(channel, bot) };
            call.state.post(channel, author, draft)?;
        }
    }
    Reply::none()
}
