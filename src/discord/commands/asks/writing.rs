//! Writing on the forum by form.

use async_trait::async_trait;

use super::{Asker, not_here};
use crate::model::MessageId;

/// The post that a reply answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub author: Option<String>,
    /// The address of the message that shows it.
    pub message_url: String,
}

/// A form that was filled in to answer a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyForm {
    /// The message that shows the answered post.
    pub answers: MessageId,
    /// The message that shows this reply in Discord.
    pub message: MessageId,
    /// The name that the guild sees.
    pub author_name: String,
    pub text: String,
    /// What of the answered post is quoted; empty for nothing.
    pub quote: String,
}

/// A form that was filled in to open a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenForm {
    pub forum: String,
    pub board: String,
    /// The message that shows it in Discord.
    pub message: MessageId,
    pub author_name: String,
    pub title: String,
    pub text: String,
}

#[async_trait]
pub trait Writing: Send + Sync {
    /// The post that a message shows, if it may be answered from here.
    async fn answered(&self, _: Asker, _message: MessageId) -> Result<Answered, String> {
        not_here()
    }

    /// Takes a reply: from then on it reaches the forum, or its author is told why not.
    async fn reply(&self, _: Asker, _form: ReplyForm) -> Result<(), String> {
        not_here()
    }

    /// The forum's key, a board's id and its name, if this person may open a thread there from here.
    async fn board(
        &self,
        _: Asker,
        _board: &str,
        _forum: Option<&str>,
    ) -> Result<(String, String, String), String> {
        not_here()
    }

    /// Takes a new thread: from then on it reaches the forum, or its author is told why not.
    async fn open(&self, _: Asker, _form: OpenForm) -> Result<(), String> {
        not_here()
    }
}
