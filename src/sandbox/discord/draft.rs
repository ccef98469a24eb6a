//! A message as someone wants it: read from a request body and held against Discord's limits.
//! Source: docs.discord.com, Resources / Message (create, allowed mentions, embed limits) and
//! Components / Reference.

use serde_json::{Value, json};

use super::error::{Form, Refused};
use super::multipart::Upload;
use super::state::{COMPONENTS_V2, EPHEMERAL, Id, SUPPRESS_EMBEDS};

/// What `allowed_mentions` lets through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Allowed {
    pub everyone: bool,
    pub all_users: bool,
    pub all_roles: bool,
    pub users: Vec<Id>,
    pub roles: Vec<Id>,
    pub replied_user: bool,
}

impl Allowed {
    /// What an ordinary message may ping.
    pub fn all() -> Self {
        Self { everyone: true, all_users: true, all_roles: true, replied_user: true, ..Self::default() }
    }

    /// The default of webhooks and interactions.
    pub fn users_only() -> Self {
        Self { all_users: true, ..Self::default() }
    }
}

/// Where a message comes from decides a few limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Bot,
    Webhook,
    Interaction,
}

/// A message that keeps to the limits.
#[derive(Debug, Clone)]
pub struct Draft {
    pub content: String,
    pub embeds: Vec<Value>,
    pub components: Vec<Value>,
    pub flags: u64,
    pub nonce: Option<Value>,
    pub enforce_nonce: bool,
    pub allowed: Allowed,
    pub reply_to: Option<Id>,
    pub must_exist: bool,
    pub files: Vec<Upload>,
}

/// A snowflake from a string or a number.
pub fn id_of(value: &Value) -> Option<Id> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn ids(form: &mut Form, path: &str, value: &Value) -> Vec<Id> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    form.count(path, list.len(), 100);
    let mut found = Vec::new();
    for (index, it) in list.iter().enumerate() {
        match id_of(it) {
            Some(id) => found.push(id),
            None => form.wrong(
                &format!("{path}.{index}"),
                "NUMBER_TYPE_COERCE",
                format!("Value {it} is not snowflake."),
            ),
        }
    }
    found
}

/// Reads `allowed_mentions`; absent or null is the default of the way.
pub fn allowed(form: &mut Form, body: &Value, way: Way) -> Allowed {
    let value = &body["allowed_mentions"];
    if value.is_null() {
        return if way == Way::Bot { Allowed::all() } else { Allowed::users_only() };
    }
    let mut it =
        Allowed { replied_user: value["replied_user"].as_bool().unwrap_or(false), ..Allowed::default() };
    for (index, kind) in value["parse"].as_array().map(Vec::as_slice).unwrap_or_default().iter().enumerate() {
        match kind.as_str() {
            Some("everyone") => it.everyone = true,
            Some("users") => it.all_users = true,
            Some("roles") => it.all_roles = true,
            _ => form.wrong(
                &format!("allowed_mentions.parse.{index}"),
                "BASE_TYPE_CHOICES",
                "Value must be one of ('users', 'roles', 'everyone').",
            ),
        }
    }
    it.users = ids(form, "allowed_mentions.users", &value["users"]);
    it.roles = ids(form, "allowed_mentions.roles", &value["roles"]);
    for (all, list, name) in [(it.all_users, &it.users, "users"), (it.all_roles, &it.roles, "roles")] {
        if all && !list.is_empty() {
            form.wrong(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                format!("parse:[\"{name}\"] and {name}: [ids...] are mutually exclusive."),
            );
        }
    }
    it
}

/// Text fields that Discord takes as strings.
fn text<'a>(form: &mut Form, body: &'a Value, name: &str) -> Option<&'a str> {
    match &body[name] {
        Value::Null => None,
        Value::String(text) => Some(text),
        _ => {
            form.wrong(name, "STRING_TYPE_CONVERT", "Could not interpret value as string.");
            None
        }
    }
}

/// The embeds, as they will be shown.
pub fn embeds(form: &mut Form, body: &Value) -> Vec<Value> {
    let list = body["embeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    form.count("embeds", list.len(), 10);
    let mut total = 0;
    let mut shown = Vec::new();
    for (index, embed) in list.iter().enumerate() {
        let mut check = |field: &str, value: &Value, least: usize, most: usize| {
            if let Some(text) = value.as_str() {
                let text = text.trim();
                total += text.chars().count();
                form.length(&format!("embeds.{index}.{field}"), text, least, most);
            } else if least > 0 {
                form.wrong(
                    &format!("embeds.{index}.{field}"),
                    "BASE_TYPE_REQUIRED",
                    "This field is required",
                );
            }
        };
        check("title", &embed["title"], 0, 256);
        check("description", &embed["description"], 0, 4096);
        check("footer.text", &embed["footer"]["text"], 0, 2048);
        check("author.name", &embed["author"]["name"], 0, 256);
        let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (number, field) in fields.iter().enumerate() {
            check(&format!("fields.{number}.name"), &field["name"], 1, 256);
            check(&format!("fields.{number}.value"), &field["value"], 1, 1024);
        }
        form.count(&format!("embeds.{index}.fields"), fields.len(), 25);
        for field in ["url", "image.url", "thumbnail.url", "author.icon_url", "footer.icon_url"] {
            let value = field.split('.').fold(embed, |value, part| &value[part]);
            if value.as_str().is_some_and(|url| {
                !["http://", "https://", "attachment://"].iter().any(|it| url.starts_with(it))
            }) {
                form.wrong(
                    &format!("embeds.{index}.{field}"),
                    "URL_TYPE_INVALID_URL",
                    "Not a well formed URL.",
                );
            }
        }
        let mut it = json!({ "type": "rich" });
        for (name, value) in embed.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            it[name.as_str()] = without_nulls(value);
        }
        it["type"] = json!("rich");
        shown.push(it);
    }
    if total > 6000 {
        form.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
    shown
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        _ => value.clone(),
    }
}

struct Components<'a> {
    form: &'a mut Form,
    next_id: u64,
    count: usize,
    text: usize,
    custom_ids: Vec<String>,
}

impl Components<'_> {
    fn length(&mut self, path: &str, component: &Value, name: &str, least: usize, most: usize) {
        match component[name].as_str() {
            Some(text) => self.form.length(&format!("{path}.{name}"), text, least, most),
            None if least > 0 => {
                self.form.wrong(&format!("{path}.{name}"), "BASE_TYPE_REQUIRED", "This field is required");
            }
            None => {}
        }
    }

    fn custom_id(&mut self, path: &str, component: &Value) {
        self.length(path, component, "custom_id", 1, 100);
        if let Some(id) = component["custom_id"].as_str() {
            if self.custom_ids.iter().any(|known| known == id) {
                let message = "Component custom id cannot be duplicated";
                self.form.wrong(&format!("{path}.custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message);
            }
            self.custom_ids.push(id.to_owned());
        }
    }

    fn visit(&mut self, path: &str, component: &Value) -> Value {
        self.count += 1;
        let kind = component["type"].as_u64().unwrap_or(0);
        match kind {
            1 => {
                let inner = component["components"].as_array().map_or(0, Vec::len);
                if !(1..=5).contains(&inner) {
                    let message = "Must be between 1 and 5 in length.";
                    self.form.wrong(&format!("{path}.components"), "BASE_TYPE_BAD_LENGTH", message);
                }
            }
            2 => {
                self.length(path, component, "label", 0, 80);
                match component["style"].as_u64() {
                    Some(1..=4) => self.custom_id(path, component),
                    Some(5) => self.length(path, component, "url", 1, 512),
                    Some(6) => {}
                    _ => {
                        let message = "Value must be one of {1, 2, 3, 4, 5, 6}.";
                        self.form.wrong(&format!("{path}.style"), "BASE_TYPE_CHOICES", message);
                    }
                }
                if component["label"].is_null()
                    && component["emoji"].is_null()
                    && component["sku_id"].is_null()
                {
                    let message = "A button must have a label or an emoji";
                    self.form.wrong(path, "BUTTON_COMPONENT_INVALID", message);
                }
            }
            3 | 5..=8 => {
                self.custom_id(path, component);
                self.length(path, component, "placeholder", 0, 150);
                let options = component["options"].as_array().map(Vec::as_slice).unwrap_or_default();
                self.form.count(&format!("{path}.options"), options.len(), 25);
                for (index, option) in options.iter().enumerate() {
                    let path = format!("{path}.options.{index}");
                    self.length(&path, option, "label", 1, 100);
                    self.length(&path, option, "value", 1, 100);
                    self.length(&path, option, "description", 0, 100);
                }
            }
            4 => self.custom_id(path, component),
            9..=14 | 17 | 18 => {
                self.text += component["content"].as_str().map_or(0, |text| text.chars().count());
            }
            _ => {
                let message = "The specified component type is invalid in this context.";
                self.form.wrong(&format!("{path}.type"), "UNION_TYPE_CHOICES", message);
            }
        }
        self.next_id += 1;
        let mut it = without_nulls(component);
        if it["id"].as_u64().is_none_or(|id| id == 0) && it.is_object() {
            it["id"] = json!(self.next_id);
        }
        if let Some(inner) = component["components"].as_array() {
            it["components"] = inner
                .iter()
                .enumerate()
                .map(|(index, inner)| self.visit(&format!("{path}.components.{index}"), inner))
                .collect();
        }
        it
    }
}

/// The components with the ids that Discord gives them.
pub fn components(form: &mut Form, body: &Value, v2: bool) -> Vec<Value> {
    let list = body["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !v2 {
        form.count("components", list.len(), 5);
        for (index, component) in list.iter().enumerate().filter(|(_, it)| it["type"] != 1) {
            let _ = component;
            let message = "Value of field \"type\" must be one of (1,).";
            form.wrong(&format!("components.{index}.type"), "UNION_TYPE_CHOICES", message);
        }
    }
    let mut visit = Components { form, next_id: 0, count: 0, text: 0, custom_ids: Vec::new() };
    let shown: Vec<Value> =
        list.iter().enumerate().map(|(n, it)| visit.visit(&format!("components.{n}"), it)).collect();
    let (count, text) = (visit.count, visit.text);
    if v2 && count > 40 {
        form.wrong("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 40 in length.");
    }
    if v2 && text > 4000 {
        form.wrong(
            "components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            "Component displayable text size exceeds maximum size of 4000",
        );
    }
    shown
}

impl Draft {
    /// Reads a new message.
    ///
    /// # Errors
    /// 50035 with the path of every field that breaks a limit; 50006 when there is nothing to send.
    pub fn read(body: &Value, files: Vec<Upload>, way: Way) -> Result<Self, Refused> {
        let mut form = Form::default();
        // Discord trims what is sent, then counts Unicode scalar values.
        let content = text(&mut form, body, "content").unwrap_or_default().trim().to_owned();
        form.length("content", &content, 0, 2000);
        let flags = body["flags"].as_u64().unwrap_or(0)
            & (SUPPRESS_EMBEDS
                | 1 << 12
                | 1 << 13
                | COMPONENTS_V2
                | if way == Way::Interaction { EPHEMERAL } else { 0 });
        let v2 = flags & COMPONENTS_V2 != 0;
        let embeds = embeds(&mut form, body);
        let components = components(&mut form, body, v2);
        if v2 {
            for (name, there) in [("content", !content.is_empty()), ("embeds", !embeds.is_empty())] {
                if there {
                    form.wrong(
                        name,
                        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                        format!("The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"),
                    );
                }
            }
        }
        let nonce = match &body["nonce"] {
            Value::Null => None,
            Value::String(text) => {
                form.length("nonce", text, 0, 25);
                Some(body["nonce"].clone())
            }
            number if number.is_i64() || number.is_u64() => Some(number.clone()),
            _ => {
                form.wrong("nonce", "NONCE_TYPE_INVALID", "Nonce must be a string or an integer.");
                None
            }
        };
        let stickers = body["sticker_ids"].as_array().map_or(0, Vec::len);
        form.count("sticker_ids", stickers, 3);
        let allowed = allowed(&mut form, body, way);
        let reference = &body["message_reference"];
        let reply_to = id_of(&reference["message_id"]).filter(|_| way == Way::Bot);
        let poll = !body["poll"].is_null();
        form.count("files", files.len(), 10);
        form.finish()?;
        if content.is_empty()
            && embeds.is_empty()
            && components.is_empty()
            && files.is_empty()
            && stickers == 0
            && !poll
        {
            return Err(Refused::code(50006));
        }
        if files.iter().any(|file| file.bytes.len() > 10 << 20) {
            return Err(Refused::code(40005));
        }
        Ok(Self {
            content,
            embeds,
            components,
            flags,
            nonce,
            enforce_nonce: body["enforce_nonce"].as_bool().unwrap_or(false),
            allowed,
            reply_to,
            must_exist: reference["fail_if_not_exists"].as_bool().unwrap_or(true),
            files: describe(body, files),
        })
    }

    /// Nothing at all: the place that a deferred answer keeps.
    pub fn empty() -> Self {
        Self {
            content: String::new(),
            embeds: Vec::new(),
            components: Vec::new(),
            flags: 0,
            nonce: None,
            enforce_nonce: false,
            allowed: Allowed::default(),
            reply_to: None,
            must_exist: false,
            files: Vec::new(),
        }
    }

    /// What a person types.
    pub fn plain(content: &str) -> Result<Self, Refused> {
        Self::read(&json!({ "content": content }), Vec::new(), Way::Bot)
    }
}

/// Gives the files the names and descriptions of the `attachments` field.
pub fn describe(body: &Value, mut files: Vec<Upload>) -> Vec<Upload> {
    for it in body["attachments"].as_array().into_iter().flatten() {
        if let Some(file) = files.iter_mut().find(|file| Some(file.number) == id_of(&it["id"])) {
            if let Some(name) = it["filename"].as_str() {
                file.name = name.to_owned();
            }
            file.description = it["description"].as_str().map(str::to_owned);
        }
    }
    files
}

/// A thread's name: 1 to 100 characters once trimmed.
pub fn thread_name(form: &mut Form, path: &str, value: &Value) -> String {
    let name = value.as_str().unwrap_or_default().trim().to_owned();
    match name.chars().count() {
        0 => form.wrong(path, "BASE_TYPE_REQUIRED", "This field is required"),
        1..=100 => {}
        _ => form.wrong(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."),
    }
    name
}

/// A webhook's name: 1 to 80 characters once trimmed, without `clyde` or `discord`.
pub fn webhook_name(form: &mut Form, path: &str, name: &str) -> String {
    let name = name.trim().to_owned();
    if !(1..=80).contains(&name.chars().count()) {
        form.wrong(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.");
    }
    let lower = name.to_lowercase();
    for word in ["clyde", "discord"].into_iter().filter(|word| lower.contains(word)) {
        form.wrong(path, "USERNAME_INVALID_CONTAINS", format!("Username cannot contain \"{word}\""));
    }
    name
}
