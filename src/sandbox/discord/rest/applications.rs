//! The bot, its application, its commands, and where the gateway is.

use serde_json::{Value, json};

use super::super::error::{Form, Refused};
use super::super::state::Id;
use super::{Answer, Call, Reply};

pub fn gateway(call: &mut Call<'_>) -> Answer {
    Reply::ok(json!({ "url": call.state.base.replacen("http", "ws", 1) }))
}

pub fn gateway_bot(call: &mut Call<'_>) -> Answer {
    let now = call.state.at;
    let (remaining, reset_after) = call.state.sessions.left(now);
    let starts = call.state.sessions.starts;
    Reply::ok(json!({
        "url": call.state.base.replacen("http", "ws", 1),
        "shards": starts.shards,
        "session_start_limit": {
            "total": starts.total,
            "remaining": remaining,
            "reset_after": u64::try_from(reset_after.as_millis()).unwrap_or(u64::MAX),
            "max_concurrency": starts.at_once,
        },
    }))
}

pub fn me(call: &mut Call<'_>) -> Answer {
    let mut user = call.state.user_json(call.state.bot);
    for (name, value) in [
        ("mfa_enabled", json!(true)),
        ("verified", json!(true)),
        ("locale", json!("en-US")),
        ("email", Value::Null),
    ] {
        user[name] = value;
    }
    Reply::ok(user)
}

pub fn user(call: &mut Call<'_>) -> Answer {
    let id = call.id(0)?;
    if !call.state.users.contains_key(&id) {
        return Err(Refused::code(10013));
    }
    Reply::ok(call.state.user_json(id))
}

pub fn application(call: &mut Call<'_>) -> Answer {
    let state = &*call.state;
    let owner = state.guilds.values().next().map_or(state.bot, |guild| guild.owner);
    let name = state.users.get(&state.bot).map_or("", |user| user.name.as_str());
    // The gateway flags say which privileged intents are switched on in the portal.
    let flags: u64 = [(1 << 8, 1 << 12), (1 << 1, 1 << 14), (1 << 15, 1 << 18)]
        .into_iter()
        .filter(|(intent, _)| state.disallowed_intents & intent == 0)
        .map(|(_, flag)| flag << 1)
        .sum();
    Reply::ok(json!({
        "id": state.application.to_string(),
        "name": name,
        "icon": null,
        "description": "",
        "type": null,
        "bot": state.user_json(state.bot),
        "bot_public": false,
        "bot_require_code_grant": false,
        "verify_key": "0".repeat(64),
        "flags": flags,
        "flags_new": flags.to_string(),
        "redirect_uris": [],
        "interactions_endpoint_url": null,
        "role_connections_verification_url": null,
        "owner": state.user_json(owner),
        "approximate_guild_count": state.guilds.len(),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
        "team": null,
    }))
}

type Place = Option<Id>;

fn place(call: &Call<'_>, guild: bool) -> Result<Place, Refused> {
    if call.id(0)? != call.state.application {
        return Err(Refused::code(10002));
    }
    if !guild {
        return Ok(None);
    }
    let guild = call.id(1)?;
    if call.state.guilds.contains_key(&guild) { Ok(Some(guild)) } else { Err(Refused::code(50001)) }
}

pub fn list_commands(call: &mut Call<'_>) -> Answer {
    list(call, false)
}

pub fn list_guild_commands(call: &mut Call<'_>) -> Answer {
    list(call, true)
}

fn list(call: &Call<'_>, guild: bool) -> Answer {
    Reply::ok(json!(call.state.commands.get(&place(call, guild)?).cloned().unwrap_or_default()))
}

pub fn set_commands(call: &mut Call<'_>) -> Answer {
    overwrite(call, false)
}

pub fn set_guild_commands(call: &mut Call<'_>) -> Answer {
    overwrite(call, true)
}

fn overwrite(call: &mut Call<'_>, guild: bool) -> Answer {
    let place = place(call, guild)?;
    let Some(wanted) = call.body.as_array().cloned() else {
        return super::super::error::wrong(
            "",
            "LIST_TYPE_CONVERT",
            "Only iterables may be used in a ListType",
        );
    };
    let of_kind = |kind: u64| wanted.iter().filter(|it| it["type"].as_u64().unwrap_or(1) == kind).count();
    if of_kind(1) > 100 || of_kind(2) > 15 || of_kind(3) > 15 {
        return Err(Refused::code(30032));
    }
    let mut form = Form::default();
    for (index, command) in wanted.iter().enumerate() {
        check(&mut form, &index.to_string(), command);
        let same = |it: &&Value| {
            it["name"] == command["name"]
                && it["type"].as_u64().unwrap_or(1) == command["type"].as_u64().unwrap_or(1)
        };
        if wanted.iter().take(index).any(|it| same(&it)) {
            form.wrong(
                &index.to_string(),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            );
        }
    }
    form.finish()?;
    let before = call.state.commands.remove(&place).unwrap_or_default();
    let kept: Vec<Value> = wanted.iter().map(|it| stored(call, place, it, &before)).collect();
    call.state.commands.insert(place, kept.clone());
    Reply::ok(json!(kept))
}

pub fn create_command(call: &mut Call<'_>) -> Answer {
    create(call, false)
}

pub fn create_guild_command(call: &mut Call<'_>) -> Answer {
    create(call, true)
}

fn create(call: &mut Call<'_>, guild: bool) -> Answer {
    let place = place(call, guild)?;
    let mut form = Form::default();
    let wanted = call.body.clone();
    check(&mut form, "", &wanted);
    form.finish()?;
    let before = call.state.commands.get(&place).cloned().unwrap_or_default();
    let it = stored(call, place, &wanted, &before);
    let commands = call.state.commands.entry(place).or_default();
    commands.retain(|known| known["id"] != it["id"]);
    commands.push(it.clone());
    Reply::created(it)
}

pub fn delete_command(call: &mut Call<'_>) -> Answer {
    delete(call, false)
}

pub fn delete_guild_command(call: &mut Call<'_>) -> Answer {
    delete(call, true)
}

fn delete(call: &mut Call<'_>, guild: bool) -> Answer {
    let place = place(call, guild)?;
    let id = call.id(if guild { 2 } else { 1 })?.to_string();
    let commands = call.state.commands.entry(place).or_default();
    let before = commands.len();
    commands.retain(|it| it["id"] != id.as_str());
    if commands.len() == before { Err(Refused::code(10063)) } else { Reply::none() }
}

/// The command as Discord keeps it; one of the same name and type keeps its id.
fn stored(call: &mut Call<'_>, place: Place, wanted: &Value, before: &[Value]) -> Value {
    let kind = wanted["type"].as_u64().unwrap_or(1);
    let known = before.iter().find(|it| it["name"] == wanted["name"] && it["type"] == kind);
    let id = known.map_or_else(|| json!(call.state.next_id().to_string()), |it| it["id"].clone());
    let mut it = json!({
        "id": id,
        "application_id": call.state.application.to_string(),
        "version": call.state.next_id().to_string(),
        "type": kind,
        "name": wanted["name"],
        "name_localizations": wanted["name_localizations"],
        "description": wanted["description"].as_str().unwrap_or_default(),
        "description_localizations": wanted["description_localizations"],
        "default_member_permissions": wanted["default_member_permissions"],
        "contexts": wanted["contexts"],
        "nsfw": wanted["nsfw"].as_bool().unwrap_or(false),
    });
    if let Some(options) = wanted["options"].as_array().filter(|it| !it.is_empty()) {
        it["options"] = options.iter().map(without_nulls).collect();
    }
    match place {
        Some(guild) => it["guild_id"] = json!(guild.to_string()),
        None => {
            it["dm_permission"] = json!(wanted["dm_permission"].as_bool().unwrap_or(true));
            it["integration_types"] = json!([0]);
        }
    }
    it
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(name, value)| {
                // Discord leaves out what is empty or not so.
                let empty = value.as_array().is_some_and(Vec::is_empty) || **value == json!(false);
                let silent = ["options", "choices", "channel_types", "required", "autocomplete"];
                let left_out = value.is_null() || empty && silent.contains(&name.as_str());
                !left_out
            })
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        _ => value.clone(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// `^[-_'\p{L}\p{N}]{1,32}$`, lower case where there is a lower case.
fn is_command_name(name: &str) -> bool {
    (1..=32).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || "-_'".contains(c))
        && name.to_lowercase() == name
}

fn check(form: &mut Form, path: &str, command: &Value) {
    let name = command["name"].as_str().unwrap_or_default();
    let description = command["description"].as_str().unwrap_or_default();
    match command["type"].as_u64().unwrap_or(1) {
        1 => {
            if !is_command_name(name) {
                form.wrong(
                    &join(path, "name"),
                    "APPLICATION_COMMAND_INVALID_NAME",
                    "Command name is invalid",
                );
            }
            form.length(&join(path, "description"), description, 1, 100);
            options(form, &join(path, "options"), &command["options"], 0);
            if characters(command) > 8000 {
                form.wrong(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)");
            }
        }
        2 | 3 => {
            form.length(&join(path, "name"), name, 1, 32);
            if !description.is_empty() {
                form.wrong(
                    &join(path, "description"),
                    "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED",
                    "Context menu commands cannot have description",
                );
            }
            if command["options"].as_array().is_some_and(|it| !it.is_empty()) {
                form.wrong(
                    &join(path, "options"),
                    "APPLICATION_COMMAND_OPTIONS_NOT_ALLOWED",
                    "Context menu commands cannot have options",
                );
            }
        }
        _ => form.wrong(&join(path, "type"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3}."),
    }
}

/// Name, description and values of the command and all below it.
fn characters(value: &Value) -> usize {
    let own = ["name", "description", "value"]
        .iter()
        .filter_map(|it| value[*it].as_str())
        .map(|it| it.chars().count());
    let below =
        ["options", "choices"].iter().filter_map(|it| value[*it].as_array()).flatten().map(characters);
    own.sum::<usize>() + below.sum::<usize>()
}

fn options(form: &mut Form, path: &str, list: &Value, depth: usize) {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    form.count(path, list.len(), 25);
    let mut optional = false;
    for (index, option) in list.iter().enumerate() {
        let path = format!("{path}.{index}");
        let name = option["name"].as_str().unwrap_or_default();
        if !is_command_name(name) {
            form.wrong(
                &format!("{path}.name"),
                "APPLICATION_COMMAND_INVALID_NAME",
                "Command name is invalid",
            );
        }
        if list.iter().take(index).any(|it| it["name"] == name) {
            form.wrong(&path, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique");
        }
        form.length(
            &format!("{path}.description"),
            option["description"].as_str().unwrap_or_default(),
            1,
            100,
        );
        let kind = option["type"].as_u64().unwrap_or(0);
        let sub = matches!(kind, 1 | 2);
        if !(1..=11).contains(&kind) || sub && depth >= if kind == 2 { 1 } else { 2 } {
            form.wrong(
                &format!("{path}.type"),
                "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                "Sub-command and sub-command group option types are mutually exclusive to all other types",
            );
        }
        if sub {
            let depth = if kind == 1 { 2 } else { 1 };
            options(form, &format!("{path}.options"), &option["options"], depth);
            continue;
        }
        let required = option["required"] == true;
        if required && optional {
            form.wrong(
                &path,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            );
        }
        optional |= !required;
        let choices = option["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        form.count(&format!("{path}.choices"), choices.len(), 25);
        for (number, choice) in choices.iter().enumerate() {
            let path = format!("{path}.choices.{number}");
            form.length(&format!("{path}.name"), choice["name"].as_str().unwrap_or_default(), 1, 100);
            if let Some(value) = choice["value"].as_str() {
                form.length(&format!("{path}.value"), value, 1, 100);
            }
        }
        if option["autocomplete"] == true && !choices.is_empty() {
            form.wrong(
                &path,
                "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
                "Options cannot both have choices and autocomplete",
            );
        }
        for bound in ["min_length", "max_length"] {
            if option[bound].as_u64().is_some_and(|it| it > 6000) {
                form.wrong(
                    &format!("{path}.{bound}"),
                    "NUMBER_TYPE_MAX",
                    "int value should be less than or equal to 6000.",
                );
            }
        }
    }
}
