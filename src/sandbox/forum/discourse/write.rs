//! What the API lets a member do: post, edit, delete, like.

use serde_json::{Value, json};

use super::super::ledger::{Action, Outcome};
use super::super::state::{EditNote, PrivateMessage, ThanksFacts};
use super::cook::uncommented;
use super::show::{LIKE, UNDO};
use super::{Answer, No, Visit};

impl Visit<'_> {
    pub fn create(&mut self) -> Answer {
        let raw = self.body["raw"].as_str().unwrap_or_default().trim().to_owned();
        if self.body["archetype"] == "private_message" {
            return self.letter(&raw);
        }
        let topic = self.body["topic_id"].as_u64();
        let action = if topic.is_some() { Action::Reply } else { Action::OpenThread };
        match self.checked(topic, &raw) {
            Ok(board) => Ok(self.written(topic, board, &raw)),
            Err(no) => {
                self.record(action, topic, None, Outcome::Refused(no.message.clone()));
                Err(no)
            }
        }
    }

    /// A private message, to one member or more by name.
    fn letter(&mut self, raw: &str) -> Answer {
        let from = self.viewer.ok_or_else(No::access)?;
        let title = self.body["title"].as_str().unwrap_or_default().trim().to_owned();
        let names = self.body["target_recipients"].as_str().unwrap_or_default().to_owned();
        let mut found = Vec::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match self.state.member_named(name) {
                Some(member) if !member.no_mail => found.push(member.id),
                Some(member) => {
                    let why = format!("Sorry, {} does not accept personal messages.", member.name);
                    self.record(Action::Mail, None, None, Outcome::Refused(why.clone()));
                    return Err(No::text(why));
                }
                None => return Err(No::text(format!("{name} could not be found."))),
            }
        }
        if found.is_empty() {
            return Err(No::text("You must select a valid user."));
        }
        self.check_text(raw)?;
        let id = self.state.fresh_id();
        for to in found {
            let mail =
                PrivateMessage { id, from, to, title: title.clone(), text: raw.to_owned(), at: self.now };
            self.state.mail.push(mail);
        }
        self.record(Action::Mail, None, None, Outcome::Done);
        Ok(json!({ "id": id, "topic_id": id, "post_number": 1, "raw": raw }))
    }

    /// The board on which this may be written.
    fn checked(&self, topic: Option<u64>, raw: &str) -> Result<u64, No> {
        let board = match topic {
            Some(id) => {
                let thread = self.thread(id)?;
                if !self.may_reply(&thread) {
                    return Err(No::text("You are not permitted to view the requested resource."));
                }
                thread.board
            }
            None => {
                let board = self.body["category"].as_u64().unwrap_or_default();
                if !self.state.sees_board(self.viewer, board) || !self.may_write(board) {
                    return Err(No::access());
                }
                if self.body["title"].as_str().unwrap_or_default().trim().chars().count() < 4 {
                    return Err(No::text("Title is too short (minimum is 4 characters)"));
                }
                board
            }
        };
        self.check_text(raw)?;
        self.check_pace()?;
        let own = self.state.posts.values().filter(|post| post.member == self.viewer);
        if own.clone().any(|post| post.text == raw && self.now.as_second() - post.at.as_second() < 300) {
            return Err(No::text("Body is too similar to what you recently posted"));
        }
        Ok(board)
    }

    fn check_text(&self, raw: &str) -> Result<(), No> {
        let (length, least, most) = (raw.chars().count(), self.options.min_length, self.options.max_length);
        if uncommented(raw).trim().chars().count() < least {
            return Err(No::text(format!("Body is too short (minimum is {least} characters)")));
        }
        if length > most {
            return Err(No::text(format!("Body is limited to {most} characters; you entered {length}.")));
        }
        Ok(())
    }

    fn check_pace(&self) -> Result<(), No> {
        let last = self.viewer.and_then(|id| self.state.members.get(&id)?.posted_at);
        let gap = self.options.flood.as_secs().cast_signed();
        let left = last.map_or(0, |last| gap - (self.now.as_second() - last.as_second()));
        if left > 0 && !self.staff() { Err(No::patience(left.unsigned_abs())) } else { Ok(()) }
    }

    fn written(&mut self, topic: Option<u64>, board: u64, raw: &str) -> Value {
        let title = self.body["title"].as_str().unwrap_or_default().trim().to_owned();
        let (thread, post) = match topic {
            Some(thread) => (thread, self.state.add_post(thread, self.viewer, "", raw, self.now)),
            None => self.state.add_thread(board, self.viewer, &title, raw, self.now),
        };
        if let Some(answered) = self.body["reply_to_post_number"].as_u64() {
            self.state.answers.insert(post, answered);
        }
        let action = if topic.is_some() { Action::Reply } else { Action::OpenThread };
        let waits = !self.staff() && self.state.boards.get(&board).is_some_and(|board| board.moderated);
        if waits {
            if let Some(post) = self.state.posts.get_mut(&post) {
                post.awaiting = true;
            }
            self.record(action, Some(thread), Some(post), Outcome::Awaiting);
            return json!({
                "success": true,
                "action": "enqueued",
                "pending_count": 1,
                "pending_post": { "id": post, "raw": raw, "created_at": self.now.to_string() },
            });
        }
        self.record(action, Some(thread), Some(post), Outcome::Done);
        let facts = (self.state.threads.get(&thread).cloned(), self.state.posts.get(&post).cloned());
        match facts {
            (Some(thread), Some(post)) => self.shown(&thread, &post),
            _ => Value::Null,
        }
    }

    /// The post's thread, if the viewer may change the post.
    fn own(&mut self, action: Action, post: u64) -> Result<u64, No> {
        let (thread, facts) = self.post(post)?;
        if self.staff() || self.viewer.is_some() && facts.member == self.viewer && !thread.closed {
            let age = self.now.as_second() - facts.at.as_second();
            if self.options.edit_within.is_some_and(|limit| age > limit.as_secs().cast_signed()) {
                let message = "That post was created too long ago. It can no longer be edited or deleted.";
                self.record(action, Some(thread.id), Some(post), Outcome::Refused(message.to_owned()));
                return Err(No::text(message));
            }
            return Ok(thread.id);
        }
        self.record(action, Some(thread.id), Some(post), Outcome::Refused("invalid_access".to_owned()));
        Err(No::access())
    }

    pub fn edit(&mut self, id: u64) -> Answer {
        let thread = self.own(Action::Edit, id)?;
        let raw = self.body["post"]["raw"].as_str().unwrap_or_default().trim().to_owned();
        self.check_text(&raw)?;
        let by = self.viewer.and_then(|id| self.state.members.get(&id)).map(|m| m.name.clone());
        let note = EditNote { by: by.unwrap_or_default(), at: self.now, reason: String::new() };
        if let Some(post) = self.state.posts.get_mut(&id) {
            post.text = raw;
            post.edited = Some(note);
        }
        self.record(Action::Edit, Some(thread), Some(id), Outcome::Done);
        Ok(json!({ "post": self.one_post(id)? }))
    }

    pub fn delete(&mut self, id: u64) -> Answer {
        let thread = self.own(Action::Delete, id)?;
        let first = self.state.threads.get(&thread).and_then(|thread| thread.posts.first()) == Some(&id);
        if first {
            self.record(
                Action::Delete,
                Some(thread),
                Some(id),
                Outcome::Refused("invalid_access".to_owned()),
            );
            return Err(No::access());
        }
        if let Some(post) = self.state.posts.get_mut(&id) {
            post.deleted = true;
        }
        self.record(Action::Delete, Some(thread), Some(id), Outcome::Done);
        Ok(json!({}))
    }

    pub fn like(&mut self) -> Answer {
        let id = self.body["id"].as_u64().ok_or_else(No::found)?;
        let (thread, post) = self.post(id)?;
        let member =
            self.viewer.and_then(|id| self.state.members.get(&id)).cloned().ok_or_else(No::access)?;
        let again = post.thanks.iter().any(|thanks| thanks.member == member.id);
        if post.member == Some(member.id) || again || self.body["post_action_type_id"] != LIKE {
            self.record(
                Action::Thank,
                Some(thread.id),
                Some(id),
                Outcome::Refused("invalid_access".to_owned()),
            );
            return Err(No::access());
        }
        if let Some(post) = self.state.posts.get_mut(&id) {
            post.thanks.push(ThanksFacts { member: member.id, name: member.name, at: self.now });
        }
        self.record(Action::Thank, Some(thread.id), Some(id), Outcome::Done);
        self.one_post(id)
    }

    pub fn unlike(&mut self, id: u64) -> Answer {
        let (thread, post) = self.post(id)?;
        let theirs =
            post.thanks.iter().find(|thanks| Some(thanks.member) == self.viewer).ok_or_else(No::found)?;
        if self.now.as_second() - theirs.at.as_second() >= UNDO {
            let refused = Outcome::Refused("invalid_access".to_owned());
            self.record(Action::WithdrawThanks, Some(thread.id), Some(id), refused);
            return Err(No::access());
        }
        if let Some(post) = self.state.posts.get_mut(&id) {
            post.thanks.retain(|thanks| Some(thanks.member) != self.viewer);
        }
        self.record(Action::WithdrawThanks, Some(thread.id), Some(id), Outcome::Done);
        self.one_post(id)
    }
}
