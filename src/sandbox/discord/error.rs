//! What Discord answers when it refuses: `{code, message, errors}`.
//! Source: docs.discord.com, Topics / Opcodes and Status Codes, and Reference / Error Messages.

use serde_json::{Map, Value, json};

/// A refusal, as the HTTP API words it. Also what a person who acts is told.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} (code {code}){}", .errors.as_ref().map(|it| format!(": {it}")).unwrap_or_default())]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// Discord's JSON error code; 0 for the general ones.
    pub code: u64,
    pub message: String,
    /// For 50035: which field, and why.
    pub errors: Option<Value>,
}

impl Refused {
    /// The refusal that Discord gives for a JSON error code.
    pub fn code(code: u64) -> Self {
        let (status, message) = match code {
            10002 => (404, "Unknown Application"),
            10003 => (404, "Unknown Channel"),
            10004 => (404, "Unknown Guild"),
            10007 => (404, "Unknown Member"),
            10008 => (404, "Unknown Message"),
            10011 => (404, "Unknown Role"),
            10013 => (404, "Unknown User"),
            10014 => (400, "Unknown Emoji"),
            10015 => (404, "Unknown Webhook"),
            10062 => (404, "Unknown interaction"),
            10063 => (404, "Unknown application command"),
            30007 => (400, "Maximum number of webhooks reached (15)"),
            30010 => (400, "Maximum number of reactions reached (20)"),
            30032 => (400, "Maximum number of application commands reached (100)"),
            30046 => (429, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
            40005 => (413, "Request entity too large"),
            40060 => (400, "Interaction has already been acknowledged."),
            40067 => (400, "A tag is required to create a forum post in this channel"),
            50001 => (403, "Missing Access"),
            50005 => (403, "Cannot edit a message authored by another user"),
            50006 => (400, "Cannot send an empty message"),
            50008 => (400, "Cannot send messages in a non-text channel"),
            50013 => (403, "Missing Permissions"),
            50016 => (
                400,
                "Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages to delete.",
            ),
            50021 => (403, "Cannot execute action on a system message"),
            50024 => (400, "Cannot execute action on this channel type"),
            50027 => (401, "Invalid Webhook Token"),
            50034 => (400, "You can only bulk delete messages that are under 14 days old."),
            50083 => (400, "Thread is archived"),
            50109 => (400, "The request body contains invalid JSON."),
            160004 => (400, "A thread has already been created for this message"),
            160005 => (403, "Thread is locked"),
            220001 => (400, "Webhooks posted to forum channels must have a thread_name or thread_id"),
            220002 => (400, "Webhooks posted to forum channels cannot have both a thread_name and thread_id"),
            220003 => (400, "Webhooks can only create threads in forum channels"),
            _ => (400, "Bad Request"),
        };
        Self { status, code, message: message.to_owned(), errors: None }
    }

    /// 401 for a missing or wrong bot token.
    pub fn unauthorized() -> Self {
        Self { status: 401, code: 0, message: "401: Unauthorized".to_owned(), errors: None }
    }

    /// 404 for an address that the API does not have.
    pub fn not_found() -> Self {
        Self { status: 404, code: 0, message: "404: Not Found".to_owned(), errors: None }
    }

    pub fn body(&self) -> Value {
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        body
    }
}

/// Collects what is wrong with a form, by the path of the field.
#[derive(Debug, Default)]
pub struct Form {
    errors: Map<String, Value>,
}

impl Form {
    /// `path` is dotted: `embeds.0.title`.
    pub fn wrong(&mut self, path: &str, code: &str, message: impl Into<String>) {
        let mut place = &mut self.errors;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let next = place.entry(part).or_insert_with(|| json!({}));
            let Value::Object(next) = next else { return };
            place = next;
        }
        if let Value::Array(list) = place.entry("_errors").or_insert_with(|| json!([])) {
            list.push(json!({ "code": code, "message": message.into() }));
        }
    }

    /// A text of `least` to `most` characters (Unicode scalar values).
    pub fn length(&mut self, path: &str, text: &str, least: usize, most: usize) {
        let length = text.chars().count();
        if length > most {
            let message = format!("Must be {most} or fewer in length.");
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", message);
        } else if length < least {
            if length == 0 {
                self.wrong(path, "BASE_TYPE_REQUIRED", "This field is required");
            } else {
                let message = format!("Must be between {least} and {most} in length.");
                self.wrong(path, "BASE_TYPE_BAD_LENGTH", message);
            }
        }
    }

    pub fn count(&mut self, path: &str, count: usize, most: usize) {
        if count > most {
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", format!("Must be {most} or fewer in length."));
        }
    }

    pub fn finish(self) -> Result<(), Refused> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Refused {
            status: 400,
            code: 50035,
            message: "Invalid Form Body".to_owned(),
            errors: Some(Value::Object(self.errors)),
        })
    }
}

/// A form with exactly one thing wrong.
pub fn wrong<T>(path: &str, code: &str, message: impl Into<String>) -> Result<T, Refused> {
    let mut form = Form::default();
    form.wrong(path, code, message);
    form.finish().and(Err(Refused::code(0)))
}
