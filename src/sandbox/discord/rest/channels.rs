//! Channels and, because Discord has one route for both, changes to threads.

use serde_json::{Value, json};

use super::super::draft::{id_of, thread_name};
use super::super::error::{Form, Refused};
use super::super::permissions::*;
use super::super::post::check_tags;
use super::super::state::{ANNOUNCEMENT, Channel, DM, FORUM, Id, PINNED, REQUIRE_TAG, Tag};
use super::{Answer, Call, Reply};

pub fn get(call: &mut Call<'_>) -> Answer {
    let id = call.id(0)?;
    call.require(id, 0)?;
    let channel = call.state.channel(id)?;
    Reply::ok(if channel.thread.is_some() {
        call.state.thread_json(channel)
    } else {
        call.state.channel_json(channel)
    })
}

pub fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.id(0)?;
    let thread = call.state.channel(id)?.thread.is_some();
    call.require(id, if thread { MANAGE_THREADS } else { MANAGE_CHANNELS })?;
    Reply::ok(call.state.remove_channel(id)?)
}

pub fn typing(call: &mut Call<'_>) -> Answer {
    let id = call.id(0)?;
    let bot = call.state.bot;
    call.state.may_write(id, bot)?;
    Reply::none()
}

pub fn update(call: &mut Call<'_>) -> Answer {
    let id = call.id(0)?;
    call.require(id, 0)?;
    if call.state.channel(id)?.thread.is_some() { update_thread(call, id) } else { update_channel(call, id) }
}

fn update_channel(call: &mut Call<'_>, id: Id) -> Answer {
    call.require(id, MANAGE_CHANNELS)?;
    let body = call.body.clone();
    let mut form = Form::default();
    let mut after = call.state.channel(id)?.clone();
    if body.get("name").is_some() {
        after.name = thread_name(&mut form, "name", &body["name"]);
    }
    if body.get("topic").is_some() {
        after.topic = body["topic"].as_str().map(str::to_owned);
        let most = if after.kind == FORUM { 4096 } else { 1024 };
        form.length("topic", after.topic.as_deref().unwrap_or_default(), 0, most);
    }
    slowmode(&mut form, &body, &mut after);
    if let Some(flags) = body["flags"].as_u64() {
        after.flags = flags & REQUIRE_TAG;
    }
    if let Some(list) = body["available_tags"].as_array().filter(|_| after.kind == FORUM) {
        form.count("available_tags", list.len(), 20);
        after.tags.clear();
        for (index, tag) in list.iter().enumerate() {
            let name = tag["name"].as_str().unwrap_or_default();
            form.length(&format!("available_tags.{index}.name"), name, 1, 20);
            let id = id_of(&tag["id"]).unwrap_or_else(|| call.state.next_id());
            let emoji = tag["emoji_name"].as_str().map(str::to_owned);
            after.tags.push(Tag { id, name: name.to_owned(), moderated: tag["moderated"] == true, emoji });
        }
    }
    if let Some(list) = body["permission_overwrites"].as_array() {
        let bits = |value: &Value| value.as_str().and_then(|it| it.parse().ok()).unwrap_or(0);
        after.overwrites = list
            .iter()
            .filter_map(|it| {
                let (target, kind) = (id_of(&it["id"])?, it["type"].as_u64().unwrap_or(0));
                Some(Overwrite { target, kind, allow: bits(&it["allow"]), deny: bits(&it["deny"]) })
            })
            .collect();
    }
    form.finish()?;
    call.state.channels.insert(id, after);
    call.state.emit_channel(id, "CHANNEL_UPDATE");
    Reply::ok(call.state.channel_json(call.state.channel(id)?))
}

fn slowmode(form: &mut Form, body: &Value, after: &mut Channel) {
    if let Some(seconds) = body["rate_limit_per_user"].as_u64() {
        if seconds > 21_600 {
            form.wrong(
                "rate_limit_per_user",
                "NUMBER_TYPE_MAX",
                "int value should be less than or equal to 21600.",
            );
        }
        after.slowmode = seconds;
    }
}

fn update_thread(call: &mut Call<'_>, id: Id) -> Answer {
    let body = call.body.clone();
    let (bot, now) = (call.state.bot, call.state.now);
    let mut after = call.state.channel(id)?.clone();
    let manages = call.require(id, MANAGE_THREADS).is_ok();
    let mut form = Form::default();
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let name = has("name").then(|| thread_name(&mut form, "name", &body["name"]));
    slowmode(&mut form, &body, &mut after);
    let parent = after.parent.and_then(|parent| call.state.channels.get(&parent)).cloned();
    let Some(thread) = after.thread.as_mut() else { return Err(Refused::code(50024)) };
    let archived = body["archived"].as_bool().unwrap_or(thread.archived);
    let owner = thread.owner == bot;
    let only_unarchives =
        body.as_object().is_some_and(|it| it.keys().all(|key| key == "archived")) && !archived;

    // Of an archived thread nothing can be changed unless it is opened in the same request.
    if thread.archived && archived {
        return Err(Refused::code(50083));
    }
    if thread.locked && !manages {
        return Err(if only_unarchives { Refused::code(160005) } else { Refused::code(50013) });
    }
    if !(manages || owner || only_unarchives && call.state.may_write(id, bot).is_ok()) {
        return Err(Refused::code(50013));
    }
    if (has("locked") || has("rate_limit_per_user") || has("flags")) && !manages {
        return Err(Refused::code(50013));
    }
    if let Some(minutes) = body["auto_archive_duration"].as_u64() {
        if ![60, 1440, 4320, 10_080].contains(&minutes) {
            form.wrong(
                "auto_archive_duration",
                "BASE_TYPE_CHOICES",
                "Value must be one of (60, 1440, 4320, 10080).",
            );
        }
        thread.auto_archive = minutes;
        thread.active = now;
    }
    if let Some(list) = body["applied_tags"].as_array() {
        let tags: Vec<Id> = list.iter().filter_map(id_of).collect();
        let Some(forum) = parent.filter(|it| it.kind == FORUM) else { return Err(Refused::code(50024)) };
        if forum.flags & REQUIRE_TAG != 0 && tags.is_empty() {
            return Err(Refused::code(40067));
        }
        let moved: Vec<Id> = tags.iter().filter(|tag| !thread.tags.contains(tag)).copied().collect();
        check_tags(&forum, &tags, true)?;
        check_tags(&forum, &moved, manages)?;
        thread.tags = tags;
    }
    form.finish()?;
    if archived != thread.archived {
        thread.archived = archived;
        thread.archive_changed = now;
        thread.active = now;
    }
    thread.locked = body["locked"].as_bool().unwrap_or(thread.locked);
    if let Some(name) = name {
        after.name = name;
    }
    if let Some(flags) = body["flags"].as_u64() {
        after.flags = flags & PINNED;
        let others: Vec<Id> = after
            .parent
            .into_iter()
            .flat_map(|it| call.state.threads_of(it))
            .filter(|it| it.flags & PINNED != 0 && it.id != id)
            .map(|it| it.id)
            .collect();
        if flags & PINNED != 0 && !others.is_empty() {
            return super::super::error::wrong(
                "flags",
                "MAX_PINNED_THREADS",
                "Maximum number of pinned threads in a forum channel reached (1).",
            );
        }
    }
    if archived {
        after.flags &= !PINNED;
    }
    call.state.channels.insert(id, after);
    call.state.emit_thread(id, "THREAD_UPDATE");
    Reply::ok(call.state.thread_json(call.state.channel(id)?))
}

pub fn open_dm(call: &mut Call<'_>) -> Answer {
    let user = id_of(&call.body["recipient_id"]).filter(|id| call.state.users.contains_key(id));
    let user = user.ok_or_else(|| Refused::code(10013))?;
    let name = user.to_string();
    let known = call.state.channels.values().find(|it| it.kind == DM && it.name == name).map(|it| it.id);
    let id = known.unwrap_or_else(|| {
        let id = call.state.next_id();
        let channel = Channel {
            id,
            guild: None,
            kind: DM,
            name,
            topic: None,
            parent: None,
            position: 0,
            overwrites: Vec::new(),
            tags: Vec::new(),
            flags: 0,
            slowmode: 0,
            last_message: None,
            thread: None,
            messages: Default::default(),
        };
        call.state.channels.insert(id, channel);
        id
    });
    let last = call.state.channel(id)?.last_message.map(|it| it.to_string());
    Reply::ok(json!({
        "id": id.to_string(), "type": DM, "flags": 0, "last_message_id": last,
        "recipients": [call.state.user_json(user)],
    }))
}

/// Channels in which a webhook can sit and threads can be opened.
pub fn takes_webhooks(channel: &Channel) -> bool {
    matches!(channel.kind, super::super::state::TEXT | ANNOUNCEMENT | FORUM)
}
