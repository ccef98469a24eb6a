//! Messages coming to be, changing and going, whoever asked: the one place that stores them and
//! tells the gateway.

use std::time::Duration;

use serde_json::{Value, json};

use super::draft::{Allowed, Draft};
use super::error::Refused;
use super::multipart::Upload;
use super::permissions::MANAGE_THREADS;
use super::render;
use super::state::{
    Attachment, Channel, FORUM, HAS_THREAD, Id, Message, PINNED, PUBLIC_THREAD, REQUIRE_TAG, State, Thread,
};

/// How long an enforced nonce is remembered. Discord says "the past few minutes".
const NONCE_MEMORY: Duration = Duration::from_secs(300);

/// Edits of messages older than an hour that Discord lets through in that hour (30046). Observed.
const LATE_EDITS: usize = 30;

/// Whose message it is.
#[derive(Debug, Clone, Default)]
pub struct Author {
    pub id: Id,
    pub name: String,
    pub avatar_url: Option<String>,
    pub webhook: Option<Id>,
    pub application: Option<Id>,
    pub interaction: Option<Id>,
    /// Ephemeral: only this person sees it.
    pub only_for: Option<Id>,
    /// Overrides the type that a plain message or reply has.
    pub kind: Option<u64>,
}

/// What a message may ping, of what its text mentions.
struct Mentions {
    users: Vec<Id>,
    roles: Vec<Id>,
    everyone: bool,
}

impl State {
    /// The author that a user is.
    pub fn author(&self, channel: Id, user: Id) -> Author {
        Author {
            id: user,
            name: self.name_in(self.guild_of(channel), user),
            avatar_url: self.users.get(&user).and_then(|user| user.avatar_url.clone()),
            ..Author::default()
        }
    }

    fn mentions(&self, text: &str, allowed: &Allowed, replied: Option<Id>) -> Mentions {
        let mut it = Mentions { users: Vec::new(), roles: Vec::new(), everyone: false };
        for part in text.split('<').skip(1) {
            let Some(inner) = part.split_once('>').map(|(inner, _)| inner) else { continue };
            if let Some(id) = inner.strip_prefix("@&").and_then(|id| id.parse::<Id>().ok()) {
                if (allowed.all_roles || allowed.roles.contains(&id)) && !it.roles.contains(&id) {
                    it.roles.push(id);
                }
            } else if let Some(id) =
                inner.strip_prefix('@').and_then(|id| id.trim_start_matches('!').parse().ok())
                && (allowed.all_users || allowed.users.contains(&id))
                && self.users.contains_key(&id)
                && !it.users.contains(&id)
            {
                it.users.push(id);
            }
        }
        if let Some(author) = replied.filter(|id| allowed.replied_user && self.users.contains_key(id))
            && !it.users.contains(&author)
        {
            it.users.push(author);
        }
        it.everyone = allowed.everyone && (text.contains("@everyone") || text.contains("@here"));
        it
    }

    fn store_files(&mut self, channel: Id, files: Vec<Upload>) -> Vec<Attachment> {
        files
            .into_iter()
            .map(|file| {
                let id = self.next_id();
                let name: String = file
                    .name
                    .chars()
                    .map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' })
                    .collect();
                let attachment = Attachment {
                    id,
                    url: format!("{}/attachments/{channel}/{id}/{name}", self.base),
                    name,
                    description: file.description,
                    content_type: file.content_type,
                    size: u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
                };
                self.files.insert(id, file.bytes);
                attachment
            })
            .collect()
    }

    /// Opens an archived thread because someone writes in it; a locked one only for those who
    /// manage threads.
    pub fn wake(&mut self, channel: Id, manages: bool) -> Result<(), Refused> {
        let now = self.now;
        let Some(thread) = self.channel_mut(channel)?.thread.as_mut() else { return Ok(()) };
        if thread.locked && !manages {
            return Err(Refused::code(160005));
        }
        if thread.archived {
            thread.archived = false;
            thread.archive_changed = now;
            thread.active = now;
            self.emit_thread(channel, "THREAD_UPDATE");
        }
        Ok(())
    }

    /// Stores a message and tells the gateway.
    pub fn post(&mut self, channel: Id, author: Author, draft: Draft) -> Result<Id, Refused> {
        let id = self.next_id();
        self.post_as(id, channel, author, draft)
    }

    /// As [`State::post`], with an id that is already known: a forum thread's first message has the
    /// thread's own.
    pub fn post_as(&mut self, id: Id, channel: Id, author: Author, draft: Draft) -> Result<Id, Refused> {
        if self.channel(channel)?.kind == FORUM {
            return Err(Refused::code(50008));
        }
        let nonce_key = draft.nonce.as_ref().filter(|_| draft.enforce_nonce).map(|nonce| {
            (author.id, format!("{channel}:{}", nonce.as_str().map_or(nonce.to_string(), str::to_owned)))
        });
        if let Some((at, known)) = nonce_key.as_ref().and_then(|key| self.nonces.get(key))
            && self.at.saturating_duration_since(*at) < NONCE_MEMORY
            && self.messages.contains_key(known)
        {
            return Ok(*known);
        }
        let target = draft.reply_to.and_then(|id| self.messages.get(&id)).filter(|it| it.channel == channel);
        if draft.reply_to.is_some() && target.is_none() && draft.must_exist {
            return super::error::wrong(
                "message_reference",
                "MESSAGE_REFERENCE_UNKNOWN_MESSAGE",
                "Unknown message",
            );
        }
        let reply = target.map(|target| (target.id, target.author));
        let mentions = self.mentions(&draft.content, &draft.allowed, reply.map(|(_, author)| author));
        let attachments = self.store_files(channel, draft.files);
        let message = Message {
            id,
            channel,
            author: author.id,
            author_name: author.name,
            avatar_url: author.avatar_url,
            kind: author.kind.unwrap_or(if reply.is_some() { 19 } else { 0 }),
            content: draft.content,
            webhook: author.webhook,
            application: author.application,
            reply_to: reply.map(|(id, _)| id),
            at: self.now,
            edited: None,
            attachments,
            embeds: draft.embeds,
            components: draft.components,
            flags: draft.flags,
            pinned: false,
            nonce: draft.nonce,
            mentions: mentions.users,
            mention_roles: mentions.roles,
            mention_everyone: mentions.everyone,
            reactions: Vec::new(),
            interaction: author.interaction,
            only_for: author.only_for,
            late_edits: Vec::new(),
        };
        if let Some(key) = nonce_key {
            self.nonces.insert(key, (self.at, id));
        }
        let now = self.now;
        let hidden = message.only_for.is_some();
        if let Some(it) = self.channels.get_mut(&channel) {
            it.messages.insert(id);
            if !hidden {
                it.last_message = Some(id);
            }
            if let Some(thread) = it.thread.as_mut() {
                thread.sent += 1;
                thread.active = now;
                if self.users.contains_key(&message.author) {
                    thread.members.insert(message.author);
                }
            }
        }
        self.messages.insert(id, message);
        self.emit_message(id, "MESSAGE_CREATE");
        Ok(id)
    }

    /// Tells the gateway of a new or changed message. Ephemeral ones go to nobody.
    pub fn emit_message(&mut self, id: Id, event: &str) {
        let Some(message) = self.messages.get(&id).filter(|it| it.only_for.is_none()) else { return };
        let mut payload = self.message_json(message, true);
        let (channel, author, webhook) = (message.channel, message.author, message.webhook);
        if let Some(guild) = self.guild_of(channel) {
            payload["guild_id"] = json!(guild.to_string());
            let member = self.guilds.get(&guild).and_then(|guild| guild.members.get(&author));
            if let Some(member) = member.filter(|_| webhook.is_none()) {
                payload["member"] = render::partial_member(member);
            }
        }
        self.emit(event, Some(channel), payload);
    }

    /// Applies an edit: only the fields that the body has. Who may is for the caller to decide.
    pub fn amend(
        &mut self,
        id: Id,
        body: &Value,
        files: Vec<Upload>,
        way: super::draft::Way,
    ) -> Result<(), Refused> {
        use super::draft;
        use super::error::Form;
        use super::state::{COMPONENTS_V2, LOADING, SUPPRESS_EMBEDS};

        let mut form = Form::default();
        let before = self.message(id)?.clone();
        let mut after = before.clone();
        if let Some(flags) = body["flags"].as_u64() {
            let switchable = SUPPRESS_EMBEDS;
            after.flags = before.flags & !switchable | flags & (switchable | COMPONENTS_V2);
        }
        after.flags &= !LOADING;
        let v2 = after.flags & COMPONENTS_V2 != 0;
        if let Some(content) = body.get("content") {
            after.content = content.as_str().unwrap_or_default().trim().to_owned();
            form.length("content", &after.content, 0, 2000);
        }
        if body.get("embeds").is_some() {
            after.embeds = draft::embeds(&mut form, body);
        }
        if body.get("components").is_some() {
            after.components = draft::components(&mut form, body, v2);
        }
        if v2 && (!after.content.is_empty() || !after.embeds.is_empty()) {
            form.wrong(
                "flags",
                "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2",
            );
        }
        let allowed = draft::allowed(&mut form, body, way);
        form.finish()?;
        if let Some(kept) = body["attachments"].as_array() {
            let kept: Vec<Id> = kept.iter().filter_map(|it| draft::id_of(&it["id"])).collect();
            after.attachments.retain(|it| kept.contains(&it.id));
        }
        let empty = after.content.is_empty() && after.embeds.is_empty() && after.components.is_empty();
        if empty && after.attachments.is_empty() && files.is_empty() {
            return Err(Refused::code(50006));
        }
        if self.now.duration_since(before.at).as_secs() >= 3600 {
            let at = self.at;
            after.late_edits.retain(|it| at.saturating_duration_since(*it).as_secs() < 3600);
            if after.late_edits.len() >= LATE_EDITS {
                return Err(Refused::code(30046));
            }
            after.late_edits.push(at);
        }
        let fresh = self.store_files(before.channel, draft::describe(body, files));
        after.attachments.extend(fresh);
        if body.get("content").is_some() {
            let replied = before.reply_to.and_then(|id| self.messages.get(&id)).map(|it| it.author);
            let mentions = self.mentions(&after.content, &allowed, replied);
            after.mentions = mentions.users;
            after.mention_roles = mentions.roles;
            after.mention_everyone = mentions.everyone;
            after.edited = Some(self.now);
        } else if after.flags != before.flags
            || body.get("components").is_some()
            || body.get("embeds").is_some()
        {
            after.edited = Some(self.now);
        }
        self.messages.insert(id, after);
        self.emit_message(id, "MESSAGE_UPDATE");
        Ok(())
    }

    /// Deletes a message and tells the gateway.
    pub fn delete_message(&mut self, id: Id) -> Result<(), Refused> {
        let message = self.remove_message(id).ok_or_else(|| Refused::code(10008))?;
        if message.only_for.is_none() {
            let mut payload = json!({ "id": id.to_string(), "channel_id": message.channel.to_string() });
            self.add_guild(&mut payload, message.channel);
            self.emit("MESSAGE_DELETE", Some(message.channel), payload);
        }
        Ok(())
    }

    pub fn delete_messages(&mut self, channel: Id, ids: &[Id]) {
        let gone: Vec<String> = ids
            .iter()
            .filter(|id| self.messages.get(id).is_some_and(|it| it.channel == channel))
            .map(ToString::to_string)
            .collect();
        for id in ids {
            if self.messages.get(id).is_some_and(|it| it.channel == channel) {
                self.remove_message(*id);
            }
        }
        if !gone.is_empty() {
            let mut payload = json!({ "ids": gone, "channel_id": channel.to_string() });
            self.add_guild(&mut payload, channel);
            self.emit("MESSAGE_DELETE_BULK", Some(channel), payload);
        }
    }

    pub fn add_guild(&self, payload: &mut Value, channel: Id) {
        if let Some(guild) = self.guild_of(channel) {
            payload["guild_id"] = json!(guild.to_string());
        }
    }

    pub fn emit_thread(&mut self, id: Id, event: &str) {
        let Some(channel) = self.channels.get(&id) else { return };
        let mut payload = self.thread_json(channel);
        if event == "THREAD_CREATE" {
            payload["newly_created"] = json!(true);
        }
        self.emit(event, Some(id), payload);
    }

    pub fn emit_channel(&mut self, id: Id, event: &str) {
        let Some(channel) = self.channels.get(&id) else { return };
        if channel.thread.is_some() {
            self.emit_thread(id, event.replace("CHANNEL", "THREAD").as_str());
        } else {
            let payload = self.channel_json(channel);
            self.emit(event, Some(id), payload);
        }
    }

    /// A new public thread. In a forum its first message has to follow with the same id.
    pub fn open_thread(
        &mut self,
        id: Id,
        parent: Id,
        owner: Id,
        name: String,
        auto_archive: Option<u64>,
        tags: Vec<Id>,
    ) -> Result<(), Refused> {
        let parent = self.channel(parent)?;
        if parent.kind == FORUM {
            if parent.flags & REQUIRE_TAG != 0 && tags.is_empty() {
                return Err(Refused::code(40067));
            }
            check_tags(parent, &tags, self.permissions(parent.id, owner) & MANAGE_THREADS != 0)?;
        }
        let (parent_id, guild) = (parent.id, parent.guild);
        let kind = if parent.kind == super::state::ANNOUNCEMENT {
            super::state::ANNOUNCEMENT_THREAD
        } else {
            PUBLIC_THREAD
        };
        let thread = Thread {
            owner,
            archived: false,
            locked: false,
            auto_archive: auto_archive.unwrap_or(4320),
            archive_changed: self.now,
            created: self.now,
            active: self.now,
            tags,
            sent: 0,
            members: [owner].into_iter().filter(|id| self.users.contains_key(id)).collect(),
        };
        let channel = Channel {
            id,
            guild,
            kind,
            name,
            topic: None,
            parent: Some(parent_id),
            position: 0,
            overwrites: Vec::new(),
            tags: Vec::new(),
            flags: 0,
            slowmode: 0,
            last_message: None,
            thread: Some(thread),
            messages: Default::default(),
        };
        self.channels.insert(id, channel);
        if let Some(starter) = self.messages.get_mut(&id) {
            starter.flags |= HAS_THREAD;
        }
        self.emit_thread(id, "THREAD_CREATE");
        if self.messages.contains_key(&id) {
            self.emit_message(id, "MESSAGE_UPDATE");
        }
        Ok(())
    }

    /// Removes a channel with its threads, messages and webhooks, and tells the gateway.
    pub fn remove_channel(&mut self, id: Id) -> Result<Value, Refused> {
        let channel = self.channel(id)?;
        let shown = self.channel_json(channel);
        let mut payload = shown.clone();
        let event = if channel.thread.is_some() {
            payload = json!({
                "id": shown["id"], "guild_id": shown["guild_id"], "parent_id": shown["parent_id"], "type": shown["type"],
            });
            "THREAD_DELETE"
        } else {
            "CHANNEL_DELETE"
        };
        self.emit(event, Some(id), payload);
        let gone: Vec<Id> = self.threads_of(id).map(|it| it.id).chain([id]).collect();
        for id in gone {
            for message in self.channels.remove(&id).map(|it| it.messages).unwrap_or_default() {
                self.remove_message(message);
            }
            self.webhooks.retain(|_, webhook| webhook.channel != id);
        }
        Ok(shown)
    }

    /// Adds a reaction; says whether it is new.
    pub fn add_reaction(&mut self, message: Id, user: Id, emoji: &str) -> Result<bool, Refused> {
        let it = self.message_mut(message)?;
        let kinds = it.reactions.len();
        match it.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
            Some(reaction) if reaction.users.contains(&user) => return Ok(false),
            Some(reaction) => reaction.users.push(user),
            None if kinds >= 20 => return Err(Refused::code(30010)),
            None => it.reactions.push(super::state::Reaction { emoji: emoji.to_owned(), users: vec![user] }),
        }
        let (channel, author, webhook) = (it.channel, it.author, it.webhook);
        let mut payload = json!({
            "user_id": user.to_string(),
            "channel_id": channel.to_string(),
            "message_id": message.to_string(),
            "emoji": render::emoji(emoji),
            "burst": false,
            "type": 0,
        });
        if webhook.is_none() {
            payload["message_author_id"] = json!(author.to_string());
        }
        if let Some(guild) = self.guild_of(channel) {
            payload["guild_id"] = json!(guild.to_string());
            if let Some(member) = self.member_json(guild, user) {
                payload["member"] = member;
            }
        }
        self.emit("MESSAGE_REACTION_ADD", Some(channel), payload);
        Ok(true)
    }

    pub fn remove_reaction(&mut self, message: Id, user: Id, emoji: &str) -> Result<(), Refused> {
        let it = self.message_mut(message)?;
        let Some(reaction) = it.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) else {
            return Err(Refused::code(10014));
        };
        let before = reaction.users.len();
        reaction.users.retain(|known| *known != user);
        if reaction.users.len() == before {
            return Ok(());
        }
        it.reactions.retain(|reaction| !reaction.users.is_empty());
        let channel = it.channel;
        let mut payload = json!({
            "user_id": user.to_string(),
            "channel_id": channel.to_string(),
            "message_id": message.to_string(),
            "emoji": render::emoji(emoji),
            "burst": false,
            "type": 0,
        });
        self.add_guild(&mut payload, channel);
        self.emit("MESSAGE_REACTION_REMOVE", Some(channel), payload);
        Ok(())
    }

    /// Clears all reactions, or those of one emoji.
    pub fn clear_reactions(&mut self, message: Id, emoji: Option<&str>) -> Result<(), Refused> {
        let it = self.message_mut(message)?;
        it.reactions.retain(|reaction| emoji.is_some_and(|emoji| reaction.emoji != emoji));
        let channel = it.channel;
        let mut payload = json!({ "channel_id": channel.to_string(), "message_id": message.to_string() });
        self.add_guild(&mut payload, channel);
        match emoji {
            Some(emoji) => {
                payload["emoji"] = render::emoji(emoji);
                self.emit("MESSAGE_REACTION_REMOVE_EMOJI", Some(channel), payload);
            }
            None => self.emit("MESSAGE_REACTION_REMOVE_ALL", Some(channel), payload),
        }
        Ok(())
    }

    /// Archives the threads that nobody has touched for long enough.
    pub fn sweep(&mut self) {
        let now = self.now;
        let idle = |thread: &Thread| {
            let limit = i64::try_from(thread.auto_archive).unwrap_or(i64::MAX).saturating_mul(60);
            !thread.archived && now.duration_since(thread.active).as_secs() >= limit
        };
        let due: Vec<Id> = self
            .channels
            .values()
            .filter(|it| it.flags & PINNED == 0 && it.thread.as_ref().is_some_and(idle))
            .map(|it| it.id)
            .collect();
        for id in due {
            if let Some(thread) = self.channels.get_mut(&id).and_then(|it| it.thread.as_mut()) {
                thread.archived = true;
                thread.archive_changed = now;
            }
            self.emit_thread(id, "THREAD_UPDATE");
        }
    }
}

/// Tags must exist, be at most five, and moderated ones are for those who manage threads.
pub fn check_tags(forum: &Channel, tags: &[Id], manages: bool) -> Result<(), Refused> {
    let mut form = super::error::Form::default();
    form.count("applied_tags", tags.len(), 5);
    for (index, id) in tags.iter().enumerate() {
        match forum.tags.iter().find(|tag| tag.id == *id) {
            None => form.wrong(&format!("applied_tags.{index}"), "UNKNOWN_FORUM_TAG", "Unknown Forum Tag"),
            Some(tag) if tag.moderated && !manages => return Err(Refused::code(50013)),
            Some(_) => {}
        }
    }
    form.finish()
}
