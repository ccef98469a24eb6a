//! Interactions: a person uses a command, a button or a form, the bot answers.
//! Source: docs.discord.com, Interactions / Receiving and Responding.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Discord;
use super::draft::{Draft, Way};
use super::error::Refused;
use super::multipart::Upload;
use super::post::Author;
use super::state::{EPHEMERAL, Id, LOADING, Message, State};

/// The first answer must come within this.
pub const FIRST_ANSWER: Duration = Duration::from_secs(3);
/// The token is good for this long.
pub const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

/// One interaction, from the first click to its last follow-up.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: Id,
    pub token: String,
    /// 2 command, 3 component, 4 autocomplete, 5 modal.
    pub kind: u64,
    pub user: Id,
    pub channel: Id,
    pub guild: Option<Id>,
    /// The command's full name, or the custom id.
    pub name: String,
    pub since: Instant,
    /// The message whose button was pressed.
    pub source: Option<Id>,
    /// Of a form: the interaction that it was opened by.
    pub opener: Option<Id>,
    /// The type of the first answer: 4 message, 5 deferred, 6 and 7 update, 8 choices, 9 modal.
    pub answered: Option<u64>,
    /// `@original`.
    pub original: Option<Id>,
    pub follow_ups: Vec<Id>,
    pub choices: Vec<Value>,
    pub modal: Option<Value>,
    /// The type that an answering message has.
    pub message_kind: u64,
}

/// What an interaction came to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Discord's callback type: 4 message, 5 deferred message, 6 deferred update, 7 update, 8 choices, 9 modal.
    pub kind: u64,
    /// The message as it is now: the answer, or the message that was updated.
    pub message: Option<Message>,
    pub follow_ups: Vec<Message>,
    /// Autocomplete: name and value.
    pub choices: Vec<(String, Value)>,
    /// The form that is to be filled in: `custom_id`, `title`, `components`.
    pub modal: Option<Value>,
}

impl Answer {
    /// The words of the answer.
    pub fn text(&self) -> &str {
        self.message.as_ref().map_or("", |message| message.content.as_str())
    }

    pub fn ephemeral(&self) -> bool {
        self.message.as_ref().is_some_and(Message::ephemeral)
    }
}

/// A person's hold on an interaction that they started. Deadlines go by the sandbox's clock: on a
/// clock that stands still, waiting for a bot that says nothing never ends.
#[derive(Clone)]
pub struct Interaction {
    pub id: Id,
    pub(super) discord: Discord,
}

impl Discord {
    /// A person's hold on an interaction that they started earlier.
    pub fn begun(&self, id: Id) -> Interaction {
        Interaction { id, discord: self.clone() }
    }
}

impl Interaction {
    /// Waits for the bot's first answer, which may be a deferral.
    ///
    /// # Errors
    /// 10062 when none comes within Discord's three seconds.
    pub async fn first(&self) -> Result<Answer, Refused> {
        self.wait(FIRST_ANSWER, |call, _| call.answered.is_some()).await
    }

    /// Waits for the answer itself: past a deferral, up to the token's 15 minutes.
    ///
    /// # Errors
    /// 10062 when no first answer comes in three seconds, or no word after the deferral in time.
    pub async fn answer(&self) -> Result<Answer, Refused> {
        self.first().await?;
        self.wait(TOKEN_LIFE, |call, state| match call.answered {
            Some(5) => call
                .original
                .and_then(|id| state.messages.get(&id))
                .is_none_or(|message| message.flags & LOADING == 0),
            Some(6) => {
                let source = call.source.and_then(|id| state.messages.get(&id));
                !call.follow_ups.is_empty()
                    || source.is_none_or(|it| it.edited.is_some_and(|at| at >= call_time(call, state)))
            }
            _ => true,
        })
        .await
    }

    /// The answer as it is now, if there is one.
    pub fn now(&self) -> Option<Answer> {
        let state = self.discord.lock();
        let call = state.interactions.get(&self.id)?;
        let message = call.original.or(call.source);
        let message = message.and_then(|id| state.messages.get(&id)).cloned();
        Some(Answer {
            kind: call.answered?,
            message,
            follow_ups: call.follow_ups.iter().filter_map(|id| state.messages.get(id)).cloned().collect(),
            choices: call
                .choices
                .iter()
                .map(|it| (it["name"].as_str().unwrap_or_default().to_owned(), it["value"].clone()))
                .collect(),
            modal: call.modal.clone(),
        })
    }

    async fn wait(&self, limit: Duration, done: impl Fn(&Call, &State) -> bool) -> Result<Answer, Refused> {
        let mut changes = self.discord.changes();
        loop {
            changes.mark_unchanged();
            {
                let state = self.discord.lock();
                let call = state.interactions.get(&self.id).ok_or_else(|| Refused::code(10062))?;
                if done(call, &state) {
                    drop(state);
                    return self.now().ok_or_else(|| Refused::code(10062));
                }
                if state.at.saturating_duration_since(call.since) >= limit {
                    return Err(Refused::code(10062));
                }
            }
            // A clock that only tests move cannot wake us, so look again from time to time.
            let _ = tokio::time::timeout(Duration::from_millis(50), changes.changed()).await;
        }
    }
}

/// When the interaction began, on the wall clock of the state.
fn call_time(call: &Call, state: &State) -> jiff::Timestamp {
    let ago = state.at.saturating_duration_since(call.since);
    jiff::SignedDuration::try_from(ago).map_or(state.now, |ago| state.now - ago)
}

impl State {
    /// Starts an interaction and tells the bot. `data` is Discord's `data` of that type.
    pub fn call(&mut self, mut call: Call, data: Value) -> Result<Id, Refused> {
        call.id = self.next_id();
        call.token = super::token(call.id);
        let channel = self.channel(call.channel)?;
        let mut shown = self.channel_json(channel);
        let permissions = self.permissions(call.channel, call.user);
        shown["permissions"] = json!(permissions.to_string());
        let mut payload = json!({
            "id": call.id.to_string(),
            "application_id": self.application.to_string(),
            "type": call.kind,
            "data": data,
            "channel": shown,
            "channel_id": call.channel.to_string(),
            "token": call.token,
            "version": 1,
            "app_permissions": (self.permissions(call.channel, self.bot) & !(1 << 63)).to_string(),
            "locale": "en-GB",
            "entitlements": [],
            "authorizing_integration_owners": {},
            "context": 0,
            "attachment_size_limit": 10 << 20,
        });
        match call.guild.and_then(|guild| Some((guild, self.member_json(guild, call.user)?))) {
            Some((guild, mut member)) => {
                member["permissions"] = json!((permissions & !(1 << 63)).to_string());
                payload["member"] = member;
                payload["guild_id"] = json!(guild.to_string());
                payload["guild_locale"] = json!("en-US");
                payload["guild"] =
                    json!({ "id": guild.to_string(), "locale": "en-US", "features": ["COMMUNITY"] });
                payload["authorizing_integration_owners"] = json!({ "0": guild.to_string() });
            }
            None => {
                payload["user"] = self.user_json(call.user);
                payload["context"] = json!(1);
            }
        }
        if let Some(source) = call.source.and_then(|id| self.messages.get(&id)) {
            payload["message"] = self.message_json(source, false);
        }
        let id = call.id;
        self.interactions.insert(id, call);
        self.emit("INTERACTION_CREATE", None, payload);
        Ok(id)
    }

    fn live(&self, id: Id, token: &str) -> Result<Call, Refused> {
        let call = self.interactions.get(&id).filter(|call| call.token == token);
        let call = call.ok_or_else(|| Refused::code(10062))?;
        let limit = if call.answered.is_some() { TOKEN_LIFE } else { FIRST_ANSWER };
        if call.answered.is_none() && self.at.saturating_duration_since(call.since) > limit {
            return Err(Refused::code(10062));
        }
        Ok(call.clone())
    }

    /// The call that a follow-up token belongs to.
    pub fn call_by_token(&self, application: Id, token: &str) -> Result<Id, Refused> {
        let known = self.interactions.values().find(|call| call.token == token);
        let call = known.filter(|_| application == self.application).ok_or_else(|| Refused::code(10015))?;
        if self.at.saturating_duration_since(call.since) > TOKEN_LIFE {
            return Err(Refused::code(50027));
        }
        if call.answered.is_none() {
            return Err(Refused::code(10015));
        }
        Ok(call.id)
    }

    fn answer_author(&self, call: &Call, ephemeral: bool) -> Author {
        Author {
            application: Some(self.application),
            // Answers carry the application as their webhook, as Discord's do.
            webhook: Some(self.application),
            interaction: Some(call.id),
            only_for: ephemeral.then_some(call.user),
            kind: Some(call.message_kind),
            ..self.author(call.channel, self.bot)
        }
    }

    /// The first answer.
    pub fn callback(&mut self, id: Id, token: &str, body: &Value, files: Vec<Upload>) -> Result<(), Refused> {
        let mut call = self.live(id, token)?;
        if call.answered.is_some() {
            return Err(Refused::code(40060));
        }
        let kind = body["type"].as_u64().unwrap_or(0);
        let data = &body["data"];
        let fits = match kind {
            4 | 5 => call.kind != 4,
            6 | 7 => call.kind == 3 || call.kind == 5,
            8 => call.kind == 4,
            9 => call.kind == 2 || call.kind == 3,
            _ => false,
        };
        if !fits {
            return super::error::wrong(
                "type",
                "INTERACTION_TYPE_INVALID",
                "This callback type cannot answer this interaction.",
            );
        }
        match kind {
            4 => {
                let draft = Draft::read(data, files, Way::Interaction)?;
                let author = self.answer_author(&call, draft.flags & EPHEMERAL != 0);
                call.original = Some(self.post(call.channel, author, draft)?);
            }
            5 => {
                let ephemeral = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL;
                let draft = Draft { flags: LOADING | ephemeral, ..Draft::empty() };
                let author = self.answer_author(&call, ephemeral != 0);
                call.original = Some(self.post(call.channel, author, draft)?);
            }
            7 => {
                let source = call.source.ok_or_else(|| Refused::code(10008))?;
                self.amend(source, data, files, Way::Interaction)?;
            }
            8 => call.choices = choices(data)?,
            9 => call.modal = Some(modal(data)?),
            _ => {}
        }
        call.answered = Some(kind);
        self.interactions.insert(id, call);
        Ok(())
    }

    /// The message that `@original` stands for.
    pub fn original(&self, call: Id) -> Result<Id, Refused> {
        let call = self.interactions.get(&call).ok_or_else(|| Refused::code(10015))?;
        let original = if matches!(call.answered, Some(6 | 7)) { call.source } else { call.original };
        original.filter(|id| self.messages.contains_key(id)).ok_or_else(|| Refused::code(10008))
    }

    /// A message after the first answer. The first one after a deferral takes the deferral's place.
    pub fn follow_up(&mut self, id: Id, body: &Value, files: Vec<Upload>) -> Result<Id, Refused> {
        let call = self.interactions.get(&id).cloned().ok_or_else(|| Refused::code(10015))?;
        let loading =
            call.original.filter(|id| self.messages.get(id).is_some_and(|it| it.flags & LOADING != 0));
        if let Some(original) = loading {
            self.amend(original, body, files, Way::Interaction)?;
            return Ok(original);
        }
        let draft = Draft::read(body, files, Way::Interaction)?;
        let author = Author { kind: Some(0), ..self.answer_author(&call, draft.flags & EPHEMERAL != 0) };
        let message = self.post(call.channel, author, draft)?;
        if let Some(call) = self.interactions.get_mut(&id) {
            call.follow_ups.push(message);
        }
        Ok(message)
    }
}

fn choices(data: &Value) -> Result<Vec<Value>, Refused> {
    let mut form = super::error::Form::default();
    let list = data["choices"].as_array().cloned().unwrap_or_default();
    form.count("data.choices", list.len(), 25);
    for (index, choice) in list.iter().enumerate() {
        form.length(
            &format!("data.choices.{index}.name"),
            choice["name"].as_str().unwrap_or_default(),
            1,
            100,
        );
        if let Some(value) = choice["value"].as_str() {
            form.length(&format!("data.choices.{index}.value"), value, 1, 100);
        }
    }
    form.finish().map(|()| list)
}

fn modal(data: &Value) -> Result<Value, Refused> {
    let mut form = super::error::Form::default();
    form.length("data.custom_id", data["custom_id"].as_str().unwrap_or_default(), 1, 100);
    form.length("data.title", data["title"].as_str().unwrap_or_default(), 1, 45);
    let rows = data["components"].as_array().map_or(0, Vec::len);
    if !(1..=5).contains(&rows) {
        form.wrong("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
    }
    for (index, row) in data["components"].as_array().into_iter().flatten().enumerate() {
        let input = if row["type"] == 18 { &row["component"] } else { &row["components"][0] };
        let path = format!("data.components.{index}.components.0");
        form.length(&format!("{path}.custom_id"), input["custom_id"].as_str().unwrap_or_default(), 1, 100);
        form.length(&format!("{path}.value"), input["value"].as_str().unwrap_or_default(), 0, 4000);
    }
    form.finish().map(|()| data.clone())
}
