//! Opening threads, joining them and listing those that sleep.

use serde_json::{Value, json};

use super::super::draft::{Draft, Way, id_of, thread_name};
use super::super::error::{Form, Refused};
use super::super::permissions::*;
use super::super::render::time;
use super::super::state::{FORUM, HAS_THREAD, Id, PRIVATE_THREAD};
use super::{Answer, Call, Reply};

/// Name and auto-archive duration of a thread that is to be.
fn wanted(form: &mut Form, body: &Value) -> (String, Option<u64>) {
    let name = thread_name(form, "name", &body["name"]);
    let minutes = body["auto_archive_duration"].as_u64();
    if minutes.is_some_and(|it| ![60, 1440, 4320, 10_080].contains(&it)) {
        form.wrong(
            "auto_archive_duration",
            "BASE_TYPE_CHOICES",
            "Value must be one of (60, 1440, 4320, 10080).",
        );
    }
    (name, minutes)
}

pub fn create(call: &mut Call<'_>) -> Answer {
    let parent = call.id(0)?;
    call.require(parent, 0)?;
    let channel = call.state.channel(parent)?;
    let (kind, bot) = (channel.kind, call.state.bot);
    if channel.thread.is_some() || channel.guild.is_none() {
        return Err(Refused::code(50024));
    }
    let body = call.body.clone();
    let mut form = Form::default();
    let (name, minutes) = wanted(&mut form, &body);
    if kind != FORUM {
        form.finish()?;
        call.require(parent, CREATE_PUBLIC_THREADS)?;
        // Discord's default here is a private thread, which the sandbox does not have.
        if body["type"].as_u64().unwrap_or(PRIVATE_THREAD) == PRIVATE_THREAD {
            return Err(Refused::code(50013));
        }
        let id = call.state.next_id();
        call.state.open_thread(id, parent, bot, name, minutes, Vec::new())?;
        return Reply::created(call.state.thread_json(call.state.channel(id)?));
    }
    call.require(parent, SEND_MESSAGES)?;
    if !body["message"].is_object() {
        form.wrong("message", "BASE_TYPE_REQUIRED", "This field is required");
    }
    form.finish()?;
    let files = call.take_files();
    let draft = Draft::read(&body["message"], files, Way::Bot)?;
    let tags: Vec<Id> = body["applied_tags"].as_array().into_iter().flatten().filter_map(id_of).collect();
    let id = call.state.next_id();
    call.state.open_thread(id, parent, bot, name, minutes, tags)?;
    let author = call.state.author(id, bot);
    call.state.post_as(id, id, author, draft)?;
    let mut shown = call.state.thread_json(call.state.channel(id)?);
    shown["message"] = call.state.message_json(call.state.message(id)?, true);
    Reply::created(shown)
}

pub fn create_from_message(call: &mut Call<'_>) -> Answer {
    let (parent, message) = (call.id(0)?, call.id(1)?);
    call.require(parent, CREATE_PUBLIC_THREADS)?;
    let channel = call.state.channel(parent)?;
    if channel.thread.is_some() || channel.kind == FORUM {
        return Err(Refused::code(50024));
    }
    let starter = call.state.message_in(parent, message)?;
    if starter.flags & HAS_THREAD != 0 || call.state.channels.contains_key(&message) {
        return Err(Refused::code(160004));
    }
    let mut form = Form::default();
    let (name, minutes) = wanted(&mut form, &call.body);
    form.finish()?;
    let bot = call.state.bot;
    call.state.open_thread(message, parent, bot, name, minutes, Vec::new())?;
    Reply::created(call.state.thread_json(call.state.channel(message)?))
}

/// Archived threads, the last archived first.
pub fn archived(call: &mut Call<'_>) -> Answer {
    let parent = call.id(0)?;
    call.require(parent, READ_MESSAGE_HISTORY)?;
    let limit = call.query.get("limit").and_then(|it| it.parse().ok()).unwrap_or(50usize).clamp(1, 100);
    let before = call.query.get("before");
    let state = &*call.state;
    let mut found: Vec<(String, &super::super::state::Channel)> = state
        .threads_of(parent)
        .filter_map(|it| {
            Some((time(it.thread.as_ref().filter(|thread| thread.archived)?.archive_changed), it))
        })
        .filter(|(at, _)| before.is_none_or(|before| at.as_str() < before.replace('Z', "+00:00").as_str()))
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0));
    let has_more = found.len() > limit;
    found.truncate(limit);
    let joined =
        found.iter().filter(|(_, it)| it.thread.as_ref().is_some_and(|it| it.members.contains(&state.bot)));
    Reply::ok(json!({
        "threads": found.iter().map(|(_, it)| state.channel_json(it)).collect::<Vec<_>>(),
        "members": joined.map(|(_, it)| state.thread_member_json(it.id, state.bot)).collect::<Vec<_>>(),
        "has_more": has_more,
    }))
}

pub fn join(call: &mut Call<'_>) -> Answer {
    membership(call, true)
}

pub fn leave(call: &mut Call<'_>) -> Answer {
    membership(call, false)
}

fn membership(call: &mut Call<'_>, joins: bool) -> Answer {
    let id = call.id(0)?;
    call.require(id, 0)?;
    call.state.must_be_open(id)?;
    let bot = call.state.bot;
    let thread = call.state.channel_mut(id)?.thread.as_mut().ok_or_else(|| Refused::code(50024))?;
    if joins {
        thread.members.insert(bot);
    } else {
        thread.members.remove(&bot);
    }
    Reply::none()
}
