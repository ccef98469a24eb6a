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
}
