//! What the API lets a member do: post, edit, delete, vote, write to one another.

use serde_json::{Value, json};

use super::super::ledger::{Action, Outcome};
use super::super::state::{EditNote, PrivateMessage, ThanksFacts};
use super::{Answer, No, Visit, Yes};

impl Visit<'_> {
    pub fn open(&mut self) -> Answer {
        let board = self.body["cid"].as_u64().unwrap_or_default();
        let checked = self.check_board(board).and_then(|()| {
            if self.body["title"].as_str().unwrap_or_default().trim().chars().count() < 3 {
                let why = "Please enter a longer title. Titles should contain at least 3 character(s).";
                return Err(No::said(why));
            }
            self.check_text()
        });
        self.written(None, board, checked)
    }

    pub fn reply(&mut self, topic: u64) -> Answer {
        let thread = self.state.threads.get(&topic).cloned().ok_or(No::topic())?;
        let checked = self.check_board(thread.board).and_then(|()| {
            if thread.closed && !self.staff() {
                return Err(No::said("Topic locked"));
            }
            if !self.state.sees_thread(self.viewer, &thread) {
                return Err(No::Access);
            }
            let answered = &self.body["toPid"];
            if !answered.is_null() && answered.as_u64().is_none_or(|pid| self.post(pid).is_err()) {
                return Err(No::said("Invalid Post ID"));
            }
            self.check_text()
        });
        self.written(Some(topic), thread.board, checked)
    }

    fn check_board(&self, board: u64) -> Result<(), No> {
        if !self.state.boards.contains_key(&board) {
            return Err(No::said("Category does not exist"));
        }
        let allowed = self.state.sees_board(self.viewer, board) && self.may_write(board) && !self.is_banned();
        if allowed { Ok(()) } else { Err(No::Access) }
    }

    fn check_text(&self) -> Result<(), No> {
        let content = self.body["content"].as_str().unwrap_or_default().trim();
        let (length, least, most) =
            (content.chars().count(), self.options.min_length, self.options.max_length);
        if length < least {
            let why =
                format!("Please enter a longer post. Posts should contain at least {least} character(s).");
            return Err(No::said(why));
        }
        if length > most {
            let why = format!("Please enter a shorter post. Posts can't be longer than {most} character(s).");
            return Err(No::said(why));
        }
        let last = self.viewer.and_then(|id| self.state.members.get(&id)?.posted_at);
        let gap = self.options.flood.as_secs().cast_signed();
        if last.is_some_and(|last| self.now.as_second() - last.as_second() < gap) && !self.staff() {
            let why =
                format!("You can only post once every {gap} second(s) - please wait before posting again");
            return Err(No::said(why));
        }
        Ok(())
    }

    fn written(&mut self, topic: Option<u64>, board: u64, checked: Result<(), No>) -> Answer {
        let action = if topic.is_some() { Action::Reply } else { Action::OpenThread };
        if let Err(no) = checked {
            let why = match &no {
                No::Said(sentence) => sentence.clone(),
                No::Found(what) => (*what).to_owned(),
                No::Access => "no privileges".to_owned(),
            };
            self.record(action, topic, None, Outcome::Refused(why));
            return Err(no);
        }
        let content = self.body["content"].as_str().unwrap_or_default().trim_end().to_owned();
        let title = self.body["title"].as_str().unwrap_or_default().trim().to_owned();
        let (thread, post) = match topic {
            Some(thread) => (thread, self.state.add_post(thread, self.viewer, "", &content, self.now)),
            None => self.state.add_thread(board, self.viewer, &title, &content, self.now),
        };
        if let Some(answered) = self.body["toPid"].as_u64() {
            self.state.answers.insert(post, answered);
        }
        if !self.staff() && self.state.boards.get(&board).is_some_and(|board| board.moderated) {
            if let Some(post) = self.state.posts.get_mut(&post) {
                post.awaiting = true;
            }
            self.record(action, Some(thread), Some(post), Outcome::Awaiting);
            let kind = if topic.is_some() { "reply" } else { "topic" };
            let id = format!("{kind}-{}", self.now.as_millisecond());
            let waits =
                json!({ "id": id, "type": kind, "queued": true, "message": "[[success:post-queued]]" });
            // Only a topic that waits is a 202.
            return Ok(Yes::Queued(waits, if topic.is_some() { 200 } else { 202 }));
        }
        self.record(action, Some(thread), Some(post), Outcome::Done);
        Ok(Yes::Done(match topic {
            Some(_) => json!({ "pid": post, "tid": thread, "uid": self.viewer, "deleted": false,
                "toPid": self.body["toPid"], "timestamp": self.now.as_millisecond() }),
            None => json!({ "tid": thread, "cid": board, "uid": self.viewer, "mainPid": post,
                "title": title, "titleRaw": title }),
        }))
    }

    pub fn edit(&mut self, id: u64) -> Answer {
        let Some(post) = self.state.posts.get(&id).cloned() else {
            // Of what is not there the age is looked at first.
            return Err(No::said("You are only allowed to edit posts for 3600 second(s) after posting"));
        };
        let refused = self.own(id).and_then(|()| {
            let age = self.now.as_second() - post.at.as_second();
            if let Some(limit) = self.options.edit_within.filter(|it| age > it.as_secs().cast_signed()) {
                let seconds = limit.as_secs();
                let why = format!("You are only allowed to edit posts for {seconds} second(s) after posting");
                return Err(No::said(why));
            }
            Ok(())
        });
        if let Err(no) = refused {
            self.record(Action::Edit, Some(post.thread), Some(id), Outcome::Refused("refused".to_owned()));
            return Err(no);
        }
        let content = self.body["content"].as_str().unwrap_or_default().trim_end().to_owned();
        let by = self.viewer.and_then(|id| self.state.members.get(&id)).map(|m| m.name.clone());
        let note = EditNote { by: by.unwrap_or_default(), at: self.now, reason: String::new() };
        if let Some(post) = self.state.posts.get_mut(&id) {
            post.text = content;
            post.edited = Some(note);
        }
        self.record(Action::Edit, Some(post.thread), Some(id), Outcome::Done);
        Ok(Yes::Done(json!({ "pid": id, "tid": post.thread, "uid": post.member })))
    }

    /// Whether the viewer may change a post.
    fn own(&self, id: u64) -> Result<(), No> {
        let (thread, post) = self.post_or_not(id)?;
        if self.staff() {
            return Ok(());
        }
        if thread.closed {
            return Err(No::said("Topic locked"));
        }
        if self.viewer.is_none() || post.member != self.viewer { Err(No::Access) } else { Ok(()) }
    }

    pub fn delete(&mut self, id: u64) -> Answer {
        let (_, post) = self.post_or_not(id)?;
        if post.deleted {
            return Err(No::said("This post has already been deleted"));
        }
        self.own(id)?;
        if let Some(post) = self.state.posts.get_mut(&id) {
            post.deleted = true;
        }
        self.record(Action::Delete, Some(post.thread), Some(id), Outcome::Done);
        Ok(Yes::Done(json!({})))
    }

    pub fn vote(&mut self, id: u64, up: bool) -> Answer {
        let (thread, post) = self.post_or_not(id)?;
        let action = if up { Action::Thank } else { Action::WithdrawThanks };
        let member = self.viewer.and_then(|id| self.state.members.get(&id)).cloned().ok_or(No::Access)?;
        let own = post.member == Some(member.id);
        let why = if post.deleted {
            Some("Post deleted")
        } else {
            own.then_some("You cannot vote on your own post")
        };
        if let Some(why) = why {
            self.record(action, Some(thread.id), Some(id), Outcome::Refused(why.to_owned()));
            return Err(No::said(why));
        }
        if let Some(post) = self.state.posts.get_mut(&id) {
            post.thanks.retain(|thanks| thanks.member != member.id);
            if up {
                post.thanks.push(ThanksFacts { member: member.id, name: member.name, at: self.now });
            }
        }
        self.record(action, Some(thread.id), Some(id), Outcome::Done);
        Ok(Yes::Done(json!({})))
    }

    /// A chat of two has the number of the other, for the sandbox.
    pub fn chat_with(&self, member: u64) -> Answer {
        let known = self.state.mail.iter().any(|mail| Some(mail.from) == self.viewer && mail.to == member);
        Ok(Yes::Done(json!({ "roomId": if known { json!(member) } else { Value::Null } })))
    }

    pub fn open_chat(&mut self) -> Answer {
        let member = self.body["uids"][0].as_u64().and_then(|id| self.state.members.get(&id));
        let member = member.ok_or(No::said("User does not exist"))?;
        if member.no_mail {
            return Err(No::said(
                "This user has restricted their chat messages. They must follow you before you can chat with them",
            ));
        }
        Ok(Yes::Done(json!({ "roomId": member.id, "messageCount": 0, "groupChat": false })))
    }

    pub fn say(&mut self, room: u64) -> Answer {
        let from = self.viewer.ok_or(No::Access)?;
        let text = self.body["message"].as_str().unwrap_or_default().to_owned();
        let id = self.state.fresh_id();
        let at = self.now;
        self.state.mail.push(PrivateMessage { id, from, to: room, title: String::new(), text, at });
        self.record(Action::Mail, None, None, Outcome::Done);
        Ok(Yes::Done(json!({ "mid": id, "roomId": room })))
    }
}
