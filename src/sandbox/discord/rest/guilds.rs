//! Guilds, their channels, roles and members.

use serde_json::{Value, json};

use super::super::error::{Form, Refused};
use super::super::permissions::{MANAGE_CHANNELS, VIEW_CHANNEL};
use super::super::render;
use super::super::state::{ANNOUNCEMENT, FORUM, Guild, TEXT};
use super::{Answer, Call, Reply};

fn guild<'a>(call: &'a Call<'_>) -> Result<&'a Guild, Refused> {
    let guild = call.state.guilds.get(&call.id(0)?).ok_or_else(|| Refused::code(10004))?;
    if guild.members.contains_key(&call.state.bot) { Ok(guild) } else { Err(Refused::code(50001)) }
}

pub fn get(call: &mut Call<'_>) -> Answer {
    let guild = guild(call)?;
    let mut shown = call.state.guild_json(guild);
    if call.flag("with_counts") {
        shown["approximate_member_count"] = json!(guild.members.len());
        shown["approximate_presence_count"] = json!(guild.members.len());
    }
    Reply::ok(shown)
}

pub fn mine(call: &mut Call<'_>) -> Answer {
    let bot = call.state.bot;
    let guilds = call.state.guilds.values().map(|guild| {
        json!({
            "id": guild.id.to_string(), "name": guild.name, "icon": null, "banner": null,
            "owner": guild.owner == bot,
            "permissions": (call.state.guild_permissions(guild.id, bot) & !(1 << 63)).to_string(),
            "features": ["COMMUNITY"],
        })
    });
    Reply::ok(guilds.collect())
}

pub fn channels(call: &mut Call<'_>) -> Answer {
    let guild = guild(call)?.id;
    let channels = call.state.channels.values().filter(|it| it.guild == Some(guild) && it.thread.is_none());
    Reply::ok(channels.map(|it| call.state.channel_json(it)).collect())
}

pub fn create_channel(call: &mut Call<'_>) -> Answer {
    let guild = guild(call)?.id;
    if call.state.guild_permissions(guild, call.state.bot) & MANAGE_CHANNELS == 0 {
        return Err(Refused::code(50013));
    }
    let mut form = Form::default();
    let name = super::super::draft::thread_name(&mut form, "name", &call.body["name"]);
    let kind = call.body["type"].as_u64().unwrap_or(TEXT);
    if ![TEXT, ANNOUNCEMENT, FORUM].contains(&kind) {
        form.wrong("type", "BASE_TYPE_CHOICES", "Value must be one of (0, 5, 15).");
    }
    form.finish()?;
    let id = call.state.add_channel(guild, kind, &name, Vec::new());
    Reply::created(call.state.channel_json(call.state.channel(id)?))
}

pub fn active_threads(call: &mut Call<'_>) -> Answer {
    let guild = guild(call)?.id;
    let state = &*call.state;
    let active: Vec<_> = state
        .channels
        .values()
        .filter(|it| it.guild == Some(guild) && it.thread.as_ref().is_some_and(|thread| !thread.archived))
        .filter(|it| state.permissions(it.id, state.bot) & VIEW_CHANNEL != 0)
        .collect();
    let joined =
        active.iter().filter(|it| it.thread.as_ref().is_some_and(|it| it.members.contains(&state.bot)));
    Reply::ok(json!({
        "threads": active.iter().map(|it| state.channel_json(it)).collect::<Vec<_>>(),
        "members": joined.map(|it| state.thread_member_json(it.id, state.bot)).collect::<Vec<_>>(),
        "has_more": false,
    }))
}

pub fn roles(call: &mut Call<'_>) -> Answer {
    Reply::ok(guild(call)?.roles.iter().map(render::role).collect())
}

pub fn members(call: &mut Call<'_>) -> Answer {
    let guild = guild(call)?;
    let limit = call.query.get("limit").and_then(|it| it.parse().ok()).unwrap_or(1usize).clamp(1, 1000);
    let after = call.query_id("after").unwrap_or(0);
    let members = guild.members.range(after.saturating_add(1)..).take(limit);
    Reply::ok(members.filter_map(|(id, _)| call.state.member_json(guild.id, *id)).collect::<Value>())
}

pub fn member(call: &mut Call<'_>) -> Answer {
    let guild = guild(call)?.id;
    let user = call.id(1)?;
    Reply::ok(call.state.member_json(guild, user).ok_or_else(|| Refused::code(10007))?)
}
