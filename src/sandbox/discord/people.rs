//! Acting as a person in the client. Every act keeps to what that person may do.

use serde_json::{Value, json};

use super::draft::{self, Draft, Way};
use super::error::{Form, Refused};
use super::interactions::{Call, Interaction};
use super::multipart::Upload;
use super::permissions::*;
use super::state::{FORUM, Id, PINNED, State};
use super::{Discord, render};

impl Discord {
    /// Writes a message in a channel or thread, and waits for nothing.
    ///
    /// # Errors
    /// What Discord would tell the client: 10003, 50001, 50013, 50035, 160005 ...
    pub fn say(&self, user: Id, channel: Id, text: &str, reply_to: Option<Id>) -> Result<Id, Refused> {
        self.say_with_files(user, channel, text, reply_to, &[])
    }

    /// As [`Discord::say`]; the files are name, content type and bytes.
    pub fn say_with_files(
        &self,
        user: Id,
        channel: Id,
        text: &str,
        reply_to: Option<Id>,
        files: &[(&str, &str, &[u8])],
    ) -> Result<Id, Refused> {
        let files = files.iter().zip(0..).map(|((name, kind, bytes), number)| Upload {
            number,
            name: (*name).to_owned(),
            description: None,
            content_type: Some((*kind).to_owned()),
            bytes: bytes.to_vec(),
        });
        let files = files.collect();
        self.with(|state| {
            state.may_write(channel, user)?;
            let mut draft = Draft::read(&json!({ "content": text }), files, Way::Bot)?;
            draft.reply_to = reply_to;
            draft.must_exist = true;
            let it = state.permissions(channel, user);
            draft.allowed.everyone = it & MENTION_EVERYONE != 0;
            state.wake(channel, it & MANAGE_THREADS != 0)?;
            let author = state.author(channel, user);
            state.post(channel, author, draft)
        })
    }

    /// # Errors
    /// 10008, 50005 for someone else's message, 50083 in an archived thread, 50035.
    pub fn edit(&self, user: Id, message: Id, text: &str) -> Result<(), Refused> {
        self.with(|state| {
            let it = state.message(message)?;
            if it.author != user {
                return Err(Refused::code(50005));
            }
            state.must_be_open(it.channel)?;
            state.amend(message, &json!({ "content": text }), Vec::new(), Way::Bot)
        })
    }

    /// Deletes a message as its author or a moderator would.
    ///
    /// # Errors
    /// 10008 when it is not there.
    pub fn delete(&self, message: Id) -> Result<(), Refused> {
        self.with(|state| state.delete_message(message))
    }

    pub fn bulk_delete(&self, channel: Id, messages: &[Id]) {
        self.with(|state| state.delete_messages(channel, messages));
    }

    /// `emoji` is `👍`, or `name:id` for a custom one.
    ///
    /// # Errors
    /// 10008, 50013, 50083 in an archived thread, 30010 for the 21st kind.
    pub fn react(&self, user: Id, message: Id, emoji: &str) -> Result<(), Refused> {
        self.with(|state| {
            let it = state.message(message)?;
            let channel = it.channel;
            let known = it.reactions.iter().any(|reaction| reaction.emoji == emoji);
            state.require(channel, user, READ_MESSAGE_HISTORY | if known { 0 } else { ADD_REACTIONS })?;
            state.must_be_open(channel)?;
            state.add_reaction(message, user, emoji).map(drop)
        })
    }

    /// # Errors
    /// 10008, 10014 when nobody used that emoji.
    pub fn unreact(&self, user: Id, message: Id, emoji: &str) -> Result<(), Refused> {
        self.with(|state| {
            state.must_be_open(state.message(message)?.channel)?;
            state.remove_reaction(message, user, emoji)
        })
    }

    /// Clears all reactions of a message, or those of one emoji, as a moderator would.
    ///
    /// # Errors
    /// 10008.
    pub fn clear_reactions(&self, message: Id, emoji: Option<&str>) -> Result<(), Refused> {
        self.with(|state| state.clear_reactions(message, emoji))
    }

    /// Opens a thread in a text channel, without a message.
    ///
    /// # Errors
    /// 10003, 50013, 50024 in a forum, 50035 for the title.
    pub fn open_thread(&self, user: Id, channel: Id, title: &str) -> Result<Id, Refused> {
        self.with(|state| {
            state.require(channel, user, CREATE_PUBLIC_THREADS)?;
            if state.channel(channel)?.kind == FORUM {
                return Err(Refused::code(50024));
            }
            let mut form = Form::default();
            let name = draft::thread_name(&mut form, "name", &json!(title));
            form.finish()?;
            let id = state.next_id();
            state.open_thread(id, channel, user, name, None, Vec::new())?;
            Ok(id)
        })
    }

    /// Opens a post in a forum channel; the first message has the thread's id.
    ///
    /// # Errors
    /// 10003, 50013, 40067 without a tag where one is required, 50035.
    pub fn forum_post(
        &self,
        user: Id,
        forum: Id,
        title: &str,
        text: &str,
        tags: &[Id],
    ) -> Result<Id, Refused> {
        self.with(|state| {
            state.require(forum, user, SEND_MESSAGES)?;
            if state.channel(forum)?.kind != FORUM {
                return Err(Refused::code(50024));
            }
            let mut form = Form::default();
            let name = draft::thread_name(&mut form, "name", &json!(title));
            form.finish()?;
            let draft = Draft::plain(text)?;
            let id = state.next_id();
            state.open_thread(id, forum, user, name, None, tags.to_vec())?;
            let author = state.author(id, user);
            state.post_as(id, id, author, draft)
        })
    }

    /// # Errors
    /// 10003; 50024 for what is no thread.
    pub fn archive_thread(&self, thread: Id, archived: bool) -> Result<(), Refused> {
        self.change_thread(thread, |it| it.archived = archived)
    }

    /// # Errors
    /// 10003; 50024 for what is no thread.
    pub fn lock_thread(&self, thread: Id, locked: bool) -> Result<(), Refused> {
        self.change_thread(thread, |it| it.locked = locked)
    }

    fn change_thread(&self, id: Id, change: impl FnOnce(&mut super::Thread)) -> Result<(), Refused> {
        self.with(|state| {
            let now = state.now;
            let channel = state.channel_mut(id)?;
            let thread = channel.thread.as_mut().ok_or_else(|| Refused::code(50024))?;
            let before = thread.archived;
            change(thread);
            if thread.archived != before {
                thread.archive_changed = now;
                thread.active = now;
            }
            if thread.archived {
                channel.flags &= !PINNED;
            }
            state.emit_thread(id, "THREAD_UPDATE");
            Ok(())
        })
    }

    /// # Errors
    /// 10003.
    pub fn rename_channel(&self, channel: Id, name: &str) -> Result<(), Refused> {
        self.with(|state| {
            state.channel_mut(channel)?.name = name.to_owned();
            state.emit_channel(channel, "CHANNEL_UPDATE");
            Ok(())
        })
    }

    /// Deletes a channel or thread with all that is in it.
    ///
    /// # Errors
    /// 10003.
    pub fn delete_channel(&self, channel: Id) -> Result<(), Refused> {
        self.with(|state| state.remove_channel(channel).map(drop))
    }

    /// Lets a person use a command whatever it asks for, as a server's settings can, and a client whose list is old.
    pub fn grant_command(&self, user: Id, name: &str) {
        self.with(|state| state.granted.insert((user, name.to_owned())));
    }

    /// Uses a slash command: `thread show`, with its options by name.
    ///
    /// # Errors
    /// 10063 for a command that the application has not registered, 50013 for one that this person
    /// may not use, 50083 in an archived thread, 50035 for options that the client would not send.
    pub fn command(
        &self,
        user: Id,
        channel: Id,
        path: &str,
        options: &[(&str, Value)],
    ) -> Result<Interaction, Refused> {
        self.slash(user, channel, path, options, None)
    }

    /// Types in an option that autocompletes: `focused` is its name, its value what is typed so far.
    ///
    /// # Errors
    /// As [`Discord::command`].
    pub fn autocomplete(
        &self,
        user: Id,
        channel: Id,
        path: &str,
        options: &[(&str, Value)],
        focused: &str,
    ) -> Result<Interaction, Refused> {
        self.slash(user, channel, path, options, Some(focused))
    }

    fn slash(
        &self,
        user: Id,
        channel: Id,
        path: &str,
        options: &[(&str, Value)],
        focused: Option<&str>,
    ) -> Result<Interaction, Refused> {
        let kind = if focused.is_some() { 4 } else { 2 };
        let id = self.with(|state| {
            let data = state.slash_data(user, channel, path, options, focused)?;
            let call = state.new_call(kind, user, channel, path, None, 20);
            state.call(call, data)
        })?;
        Ok(Interaction { id, discord: self.clone() })
    }

    /// Uses a command from a message's menu.
    ///
    /// # Errors
    /// 10063, 10008, 50013.
    pub fn message_command(&self, user: Id, message: Id, name: &str) -> Result<Interaction, Refused> {
        let id = self.with(|state| {
            let target = state.message(message)?;
            let channel = target.channel;
            let shown = state.message_json(target, false);
            let command = state.registered(channel, user, name, 3)?;
            let mut data = json!({
                "id": command["id"], "name": name, "type": 3, "target_id": message.to_string(),
                "resolved": { "messages": { message.to_string(): shown } },
            });
            if let Some(guild) = command.get("guild_id") {
                data["guild_id"] = guild.clone();
            }
            let call = state.new_call(2, user, channel, name, None, 23);
            state.call(call, data)
        })?;
        Ok(Interaction { id, discord: self.clone() })
    }

    /// Presses a button, or chooses in a select menu with `values`.
    ///
    /// # Errors
    /// 10008 when this person does not see the message, 50035 when it has no such component or it is disabled.
    pub fn press(
        &self,
        user: Id,
        message: Id,
        custom_id: &str,
        values: &[&str],
    ) -> Result<Interaction, Refused> {
        let id = self.with(|state| {
            let it = state.message(message)?;
            if it.only_for.is_some_and(|seer| seer != user) {
                return Err(Refused::code(10008));
            }
            let found =
                find_component(&it.components, custom_id).filter(|it| it["disabled"] != true).cloned();
            let Some(component) = found else {
                return super::error::wrong(
                    "data.custom_id",
                    "COMPONENT_VALIDATION_FAILED",
                    "Component validation failed",
                );
            };
            let channel = it.channel;
            let mut data = json!({
                "custom_id": custom_id, "component_type": component["type"], "id": component["id"],
            });
            if component["type"] != 2 {
                data["values"] = json!(values);
            }
            let call = state.new_call(3, user, channel, custom_id, Some(message), 0);
            state.call(call, data)
        })?;
        Ok(Interaction { id, discord: self.clone() })
    }

    /// Fills in and sends the form that an interaction was answered with; the fields go by custom id.
    ///
    /// # Errors
    /// 10062 when the interaction was not answered with a form; 50035 for a field that is too short,
    /// too long or missing.
    pub fn submit_modal(&self, from: &Interaction, fields: &[(&str, &str)]) -> Result<Interaction, Refused> {
        let id = self.with(|state| {
            let first = state.interactions.get(&from.id).cloned().ok_or_else(|| Refused::code(10062))?;
            let modal = first.modal.clone().ok_or_else(|| Refused::code(10062))?;
            let mut form = Form::default();
            let mut rows = Vec::new();
            for (index, row) in modal["components"].as_array().into_iter().flatten().enumerate() {
                let input = if row["type"] == 18 { &row["component"] } else { &row["components"][0] };
                let name = input["custom_id"].as_str().unwrap_or_default();
                let value = fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
                let value = value.or_else(|| input["value"].as_str()).unwrap_or_default();
                let required = input["required"].as_bool().unwrap_or(true);
                let least = input["min_length"].as_u64().unwrap_or(u64::from(required));
                let most = input["max_length"].as_u64().unwrap_or(4000);
                if required || !value.is_empty() {
                    let size = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
                    form.length(
                        &format!("data.components.{index}.components.0.value"),
                        value,
                        size(least),
                        size(most),
                    );
                }
                rows.push(json!({
                    "type": 1, "id": index + 1,
                    "components": [{ "type": 4, "id": index + 100, "custom_id": name, "value": value }],
                }));
            }
            form.finish()?;
            let custom_id = modal["custom_id"].as_str().unwrap_or_default();
            let data = json!({ "custom_id": custom_id, "components": rows });
            let call = state.new_call(5, first.user, first.channel, custom_id, first.source, 0);
            state.call(Call { opener: Some(first.id), ..call }, data)
        })?;
        Ok(Interaction { id, discord: self.clone() })
    }
}

fn find_component<'a>(components: &'a [Value], custom_id: &str) -> Option<&'a Value> {
    components.iter().find_map(|it| {
        if it["custom_id"] == custom_id {
            return Some(it);
        }
        let inner = it["components"].as_array().and_then(|inner| find_component(inner, custom_id));
        inner.or_else(|| Some(&it["accessory"]).filter(|it| it["custom_id"] == custom_id))
    })
}

impl State {
    /// May `user` write here at all? Locked and archived threads are for [`State::wake`].
    pub fn may_write(&self, channel: Id, user: Id) -> Result<(), Refused> {
        let needs =
            if self.channel(channel)?.thread.is_some() { SEND_MESSAGES_IN_THREADS } else { SEND_MESSAGES };
        self.require(channel, user, needs)
    }

    /// In an archived thread nothing but deleting goes.
    pub fn must_be_open(&self, channel: Id) -> Result<(), Refused> {
        match &self.channel(channel)?.thread {
            Some(thread) if thread.archived => Err(Refused::code(50083)),
            _ => Ok(()),
        }
    }

    fn new_call(
        &self,
        kind: u64,
        user: Id,
        channel: Id,
        name: &str,
        source: Option<Id>,
        message_kind: u64,
    ) -> Call {
        Call {
            id: 0,
            token: String::new(),
            kind,
            user,
            channel,
            guild: self.guild_of(channel),
            name: name.to_owned(),
            since: self.at,
            source,
            opener: None,
            answered: None,
            original: None,
            follow_ups: Vec::new(),
            choices: Vec::new(),
            modal: None,
            message_kind,
        }
    }

    /// A registered command that this person may use here; a guild's own goes before a global one.
    fn registered(&self, channel: Id, user: Id, name: &str, kind: u64) -> Result<Value, Refused> {
        self.require(channel, user, USE_APPLICATION_COMMANDS)?;
        self.must_be_open(channel)?;
        let guild = self.guild_of(channel);
        let found = [guild, None].iter().find_map(|place| {
            let commands = self.commands.get(place)?;
            commands.iter().find(|it| it["name"] == name && it["type"].as_u64().unwrap_or(1) == kind)
        });
        let command = found.ok_or_else(|| Refused::code(10063))?;
        let needs = command["default_member_permissions"].as_str().and_then(|bits| bits.parse::<u64>().ok());
        let has = guild.map_or(u64::MAX, |guild| self.guild_permissions(guild, user));
        let granted = self.granted.contains(&(user, name.to_owned()));
        let guild_only = command["dm_permission"] == false || command["contexts"] == json!([0]);
        match needs {
            _ if granted => Ok(command.clone()),
            _ if guild.is_none() && guild_only => Err(Refused::code(10063)),
            Some(bits) if has != u64::MAX && (bits == 0 || has & bits != bits) => Err(Refused::code(50013)),
            _ => Ok(command.clone()),
        }
    }

    fn slash_data(
        &self,
        user: Id,
        channel: Id,
        path: &str,
        options: &[(&str, Value)],
        focused: Option<&str>,
    ) -> Result<Value, Refused> {
        let mut words = path.split_whitespace();
        let command = self.registered(channel, user, words.next().unwrap_or_default(), 1)?;
        let mut resolved = json!({});
        let mut level = &command["options"];
        let mut chain = Vec::new();
        for word in words {
            let found = level.as_array().into_iter().flatten().find(|it| it["name"] == word);
            let sub = found.filter(|it| matches!(it["type"].as_u64(), Some(1 | 2)));
            let sub = sub.ok_or_else(|| Refused::code(10063))?;
            chain.push((word, sub["type"].clone()));
            level = &sub["options"];
        }
        let specs = level.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut form = Form::default();
        let mut given = Vec::new();
        for (name, value) in options {
            let Some(spec) = specs.iter().find(|it| it["name"] == *name) else {
                form.wrong(name, "APPLICATION_COMMAND_OPTIONS_UNKNOWN", "The command has no such option.");
                continue;
            };
            let typing = focused == Some(*name);
            if !typing {
                check_option(&mut form, name, spec, value);
            }
            self.resolve(&mut resolved, spec, value, user);
            let mut it = json!({ "name": name, "type": spec["type"], "value": value });
            if typing {
                it["focused"] = json!(true);
            }
            given.push(it);
        }
        if focused.is_none() {
            for spec in specs
                .iter()
                .filter(|it| it["required"] == true && !options.iter().any(|(name, _)| it["name"] == *name))
            {
                form.wrong(
                    spec["name"].as_str().unwrap_or_default(),
                    "BASE_TYPE_REQUIRED",
                    "This option is required.",
                );
            }
        }
        form.finish()?;
        for (name, kind) in chain.into_iter().rev() {
            given = vec![json!({ "name": name, "type": kind, "options": given })];
        }
        let mut data = json!({ "id": command["id"], "name": command["name"], "type": 1, "options": given });
        if let Some(guild) = command.get("guild_id") {
            data["guild_id"] = guild.clone();
        }
        if resolved.as_object().is_some_and(|it| !it.is_empty()) {
            data["resolved"] = resolved;
        }
        Ok(data)
    }

    /// Adds what an option's id stands for.
    fn resolve(&self, resolved: &mut Value, spec: &Value, value: &Value, user: Id) {
        let Some(id) = draft::id_of(value) else { return };
        let key = id.to_string();
        match spec["type"].as_u64() {
            Some(6 | 9) if self.users.contains_key(&id) => {
                resolved["users"][&key] = self.user_json(id);
                if let Some(member) = self.guilds.values().find_map(|guild| guild.members.get(&id)) {
                    let mut member = render::partial_member(member);
                    member["permissions"] = json!("0");
                    resolved["members"][&key] = member;
                }
            }
            Some(7) => {
                if let Some(channel) = self.channels.get(&id) {
                    let mut shown = self.channel_json(channel);
                    let may = self.permissions(channel.id, user) & !(1 << 63);
                    shown["permissions"] = json!(may.to_string());
                    resolved["channels"][&key] = shown;
                }
            }
            Some(8 | 9) => {
                let role = self.guilds.values().flat_map(|guild| &guild.roles).find(|role| role.id == id);
                if let Some(role) = role {
                    resolved["roles"][&key] = render::role(role);
                }
            }
            _ => {}
        }
    }
}

/// What the client itself would not let a person send.
fn check_option(form: &mut Form, name: &str, spec: &Value, value: &Value) {
    let fits = match spec["type"].as_u64() {
        Some(3) => value.is_string(),
        Some(4) => value.is_i64() || value.is_u64(),
        Some(5) => value.is_boolean(),
        Some(10) => value.is_number(),
        _ => draft::id_of(value).is_some(),
    };
    if !fits {
        form.wrong(name, "BASE_TYPE_BAD_TYPE", "The value is of the wrong type.");
    }
    if let Some(text) = value.as_str().filter(|_| spec["type"] == 3) {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let (least, most) =
            (spec["min_length"].as_u64().unwrap_or(0), spec["max_length"].as_u64().unwrap_or(6000));
        if length < least || length > most {
            form.wrong(
                name,
                "BASE_TYPE_BAD_LENGTH",
                format!("Must be between {least} and {most} in length."),
            );
        }
    }
    if let Some(number) = value.as_f64() {
        let below = spec["min_value"].as_f64().is_some_and(|least| number < least);
        if below || spec["max_value"].as_f64().is_some_and(|most| number > most) {
            form.wrong(name, "NUMBER_TYPE_RANGE", "The number is out of range.");
        }
    }
    let choices = spec["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !choices.is_empty() && !choices.iter().any(|choice| &choice["value"] == value) {
        form.wrong(name, "BASE_TYPE_CHOICES", "The value is none of the choices.");
    }
}
