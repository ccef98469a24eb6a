//! Webhooks, and the end points of interactions, which have the shape of a webhook.

use serde_json::{Value, json};

use super::super::draft::{Draft, Way, id_of, thread_name, webhook_name};
use super::super::error::{Form, Refused};
use super::super::permissions::MANAGE_WEBHOOKS;
use super::super::post::Author;
use super::super::state::{FORUM, Id, Webhook};
use super::{Answer, Call, Reply, channels};

const PER_CHANNEL: usize = 15;

pub fn create(call: &mut Call<'_>) -> Answer {
    let channel = call.id(0)?;
    call.require(channel, MANAGE_WEBHOOKS)?;
    if !channels::takes_webhooks(call.state.channel(channel)?) {
        return Err(Refused::code(50024));
    }
    let mut form = Form::default();
    let name = webhook_name(&mut form, "name", call.body["name"].as_str().unwrap_or_default());
    form.finish()?;
    if call.state.webhooks.values().filter(|it| it.channel == channel).count() >= PER_CHANNEL {
        return Err(Refused::code(30007));
    }
    let id = call.state.next_id();
    let webhook = Webhook {
        id,
        channel,
        guild: call.state.guild_of(channel),
        name,
        avatar: call.body["avatar"].as_str().map(super::super::render::picture),
        token: super::super::token(id),
        creator: call.state.bot,
        application: Some(call.state.application),
    };
    call.state.webhooks.insert(id, webhook.clone());
    changed(call, channel);
    Reply::ok(call.state.webhook_json(&webhook, true, true))
}

fn changed(call: &mut Call<'_>, channel: Id) {
    let mut payload = json!({ "channel_id": channel.to_string() });
    call.state.add_guild(&mut payload, channel);
    call.state.emit("WEBHOOKS_UPDATE", Some(channel), payload);
}

/// The token is shown for the application's own webhooks only.
fn shown(call: &Call<'_>, webhook: &Webhook) -> Value {
    call.state.webhook_json(webhook, webhook.application == Some(call.state.application), true)
}

pub fn of_channel(call: &mut Call<'_>) -> Answer {
    let channel = call.id(0)?;
    call.require(channel, MANAGE_WEBHOOKS)?;
    Reply::ok(
        call.state.webhooks.values().filter(|it| it.channel == channel).map(|it| shown(call, it)).collect(),
    )
}

pub fn of_guild(call: &mut Call<'_>) -> Answer {
    let guild = call.id(0)?;
    if call.state.guild_permissions(guild, call.state.bot) & MANAGE_WEBHOOKS == 0 {
        return Err(Refused::code(50013));
    }
    Reply::ok(
        call.state.webhooks.values().filter(|it| it.guild == Some(guild)).map(|it| shown(call, it)).collect(),
    )
}

/// The webhook that the bot may manage.
fn managed(call: &Call<'_>) -> Result<Webhook, Refused> {
    let webhook = call.state.webhooks.get(&call.id(0)?).ok_or_else(|| Refused::code(10015))?;
    call.require(webhook.channel, MANAGE_WEBHOOKS)?;
    Ok(webhook.clone())
}

pub fn get(call: &mut Call<'_>) -> Answer {
    let webhook = managed(call)?;
    Reply::ok(shown(call, &webhook))
}

pub fn update(call: &mut Call<'_>) -> Answer {
    let mut webhook = managed(call)?;
    let mut form = Form::default();
    if let Some(name) = call.body["name"].as_str() {
        webhook.name = webhook_name(&mut form, "name", name);
    }
    form.finish()?;
    if call.body.get("avatar").is_some() {
        webhook.avatar = call.body["avatar"].as_str().map(super::super::render::picture);
    }
    let before = webhook.channel;
    if let Some(channel) = id_of(&call.body["channel_id"]) {
        call.require(channel, MANAGE_WEBHOOKS)?;
        webhook.channel = channel;
        changed(call, before);
    }
    call.state.webhooks.insert(webhook.id, webhook.clone());
    changed(call, webhook.channel);
    Reply::ok(shown(call, &webhook))
}

pub fn delete(call: &mut Call<'_>) -> Answer {
    let webhook = managed(call)?;
    call.state.webhooks.remove(&webhook.id);
    changed(call, webhook.channel);
    Reply::none()
}

/// The webhook that the token of the path opens.
fn opened(call: &Call<'_>) -> Result<Webhook, Refused> {
    let webhook = call.state.webhooks.get(&call.id(0)?).ok_or_else(|| Refused::code(10015))?;
    if webhook.token == call.param(1) { Ok(webhook.clone()) } else { Err(Refused::code(50027)) }
}

pub fn get_by_token(call: &mut Call<'_>) -> Answer {
    let webhook = opened(call)?;
    Reply::ok(call.state.webhook_json(&webhook, true, false))
}

pub fn delete_by_token(call: &mut Call<'_>) -> Answer {
    let webhook = opened(call)?;
    call.state.webhooks.remove(&webhook.id);
    changed(call, webhook.channel);
    Reply::none()
}

/// The interaction, when the path names the application instead of a webhook.
fn interaction(call: &Call<'_>) -> Result<Option<Id>, Refused> {
    let id = call.id(0)?;
    if id != call.state.application {
        return Ok(None);
    }
    call.state.call_by_token(id, call.param(1)).map(Some)
}

pub fn execute(call: &mut Call<'_>) -> Answer {
    if let Some(from) = interaction(call)? {
        let files = call.take_files();
        let id = call.state.follow_up(from, &call.body, files)?;
        return Reply::ok(call.state.message_json(call.state.message(id)?, true));
    }
    let webhook = opened(call)?;
    let body = call.body.clone();
    let mut form = Form::default();
    let name = body["username"].as_str().map(|name| webhook_name(&mut form, "username", name));
    let avatar_url = body["avatar_url"].as_str().filter(|it| !it.is_empty());
    if avatar_url.is_some_and(|it| url::Url::parse(it).is_err() || it.len() > 2048) {
        form.wrong("avatar_url", "URL_TYPE_INVALID_URL", "Not a well formed URL.");
    }
    let thread_title =
        body["thread_name"].as_str().map(|_| thread_name(&mut form, "thread_name", &body["thread_name"]));
    form.finish()?;
    let files = call.take_files();
    let mut draft = Draft::read(&body, files, Way::Webhook)?;
    draft.nonce = None;
    // Components of a webhook that no application owns are shown only on request.
    if webhook.application.is_none() && !call.flag("with_components") {
        draft.components.clear();
    }
    let author = Author {
        id: webhook.id,
        name: name.unwrap_or_else(|| webhook.name.clone()),
        avatar_url: avatar_url.map(str::to_owned),
        webhook: Some(webhook.id),
        application: webhook.application,
        ..Author::default()
    };
    let forum = call.state.channel(webhook.channel)?.kind == FORUM;
    let thread = call.query_id("thread_id");
    let channel = match (thread, thread_title) {
        (Some(_), Some(_)) => return Err(Refused::code(220_002)),
        (None, None) if forum => return Err(Refused::code(220_001)),
        (None, Some(_)) if !forum => return Err(Refused::code(220_003)),
        (None, Some(title)) => {
            let tags: Vec<Id> =
                body["applied_tags"].as_array().into_iter().flatten().filter_map(id_of).collect();
            let id = call.state.next_id();
            call.state.open_thread(id, webhook.channel, webhook.id, title, None, tags)?;
            call.state.post_as(id, id, author, draft)?;
            return answer(call, id);
        }
        (Some(thread), None) => {
            let known = call.state.channel(thread)?;
            if known.parent != Some(webhook.channel) || known.thread.is_none() {
                return Err(Refused::code(10003));
            }
            // A webhook manages nothing: a locked thread is shut for it.
            call.state.wake(thread, false)?;
            thread
        }
        (None, None) => webhook.channel,
    };
    let id = call.state.post(channel, author, draft)?;
    answer(call, id)
}

/// Without `wait=true` the answer is empty.
fn answer(call: &Call<'_>, id: Id) -> Answer {
    if !call.flag("wait") {
        return Reply::none();
    }
    Reply::ok(call.state.message_json(call.state.message(id)?, true))
}

/// The message of the path, which must be the webhook's own and in the thread that the query names.
fn own_message(call: &Call<'_>) -> Result<Id, Refused> {
    let id = call.id(2)?;
    if let Some(from) = interaction(call)? {
        let call = call
            .state
            .interactions
            .get(&from)
            .filter(|it| it.follow_ups.contains(&id) || it.original == Some(id));
        return call.map(|_| id).ok_or_else(|| Refused::code(10008));
    }
    let webhook = opened(call)?;
    let place = call.query_id("thread_id").unwrap_or(webhook.channel);
    call.state.channel(place)?;
    let message = call.state.message_in(place, id)?;
    if message.webhook == Some(webhook.id) { Ok(id) } else { Err(Refused::code(10008)) }
}

fn show(call: &Call<'_>, id: Id) -> Answer {
    Reply::ok(call.state.message_json(call.state.message(id)?, true))
}

fn amend(call: &mut Call<'_>, id: Id, way: Way) -> Answer {
    let channel = call.state.message(id)?.channel;
    call.state.must_be_open(channel)?;
    if way == Way::Webhook && call.state.channel(channel)?.thread.as_ref().is_some_and(|it| it.locked) {
        return Err(Refused::code(160_005));
    }
    let files = call.take_files();
    call.state.amend(id, &call.body, files, way)?;
    show(call, id)
}

pub fn get_message(call: &mut Call<'_>) -> Answer {
    let id = own_message(call)?;
    show(call, id)
}

pub fn update_message(call: &mut Call<'_>) -> Answer {
    let id = own_message(call)?;
    amend(call, id, Way::Webhook)
}

pub fn delete_message(call: &mut Call<'_>) -> Answer {
    let id = own_message(call)?;
    call.state.delete_message(id)?;
    Reply::none()
}

fn original(call: &Call<'_>) -> Result<Id, Refused> {
    let from = interaction(call)?.ok_or_else(|| Refused::code(10015))?;
    call.state.original(from)
}

pub fn get_original(call: &mut Call<'_>) -> Answer {
    let id = original(call)?;
    show(call, id)
}

pub fn update_original(call: &mut Call<'_>) -> Answer {
    let id = original(call)?;
    amend(call, id, Way::Interaction)
}

pub fn delete_original(call: &mut Call<'_>) -> Answer {
    let id = original(call)?;
    call.state.delete_message(id)?;
    Reply::none()
}

pub fn callback(call: &mut Call<'_>) -> Answer {
    let id = call.id(0)?;
    let token = call.param(1).to_owned();
    let files = call.take_files();
    let body = call.body.clone();
    call.state.callback(id, &token, &body, files)?;
    if !call.flag("with_response") {
        return Reply::none();
    }
    let done = call.state.interactions.get(&id).ok_or_else(|| Refused::code(10062))?;
    let kind = done.answered.unwrap_or(0);
    let message = if kind == 7 { done.source } else { done.original };
    let message = message.and_then(|id| call.state.messages.get(&id));
    let interaction = json!({ "id": id.to_string(), "type": done.kind });
    let mut answer = json!({ "interaction": interaction });
    if let Some(message) = message {
        let about = &mut answer["interaction"];
        about["response_message_id"] = json!(message.id.to_string());
        about["response_message_ephemeral"] = json!(message.ephemeral());
        about["response_message_loading"] = json!(message.flags & super::super::state::LOADING != 0);
        // Discord shows the message only when the callback itself brought its words.
        if matches!(kind, 4 | 7) {
            answer["resource"] = json!({ "type": kind, "message": call.state.message_json(message, true) });
        }
    }
    Reply::ok(answer)
}
