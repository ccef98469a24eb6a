//! Writing on the forum by form. A form's reply is recorded as a message's is, under the id of the Discord
//! message that shows it, and takes the same way through the outbox.

use async_trait::async_trait;

use crate::config::Replies;
use crate::discord::commands::asks::{Answered, Asker, ReplyForm, Writing};
use crate::model::MessageId;
use crate::store::{Effect, Submission, SubmissionState};

use super::super::inbox::reply_job;
use super::super::job::Spoken;
use super::super::mirror::message_url;
use super::super::submit::spoken_digest;
use super::super::tie::Tie;
use super::{Desk, busy};

impl Desk {
    /// Whether this person's words may cross over this bridge.
    pub(super) async fn may_speak(&self, asker: Asker, tie: &Tie) -> Result<(), String> {
        if !asker.may_write {
            return Err("You may not write in this channel.".to_owned());
        }
        if tie.bridge.paused {
            return Err("The bridge to the forum is paused; nothing crosses for now.".to_owned());
        }
        match tie.bridge.replies {
            Replies::Everyone => Ok(()),
            Replies::Linked => {
                let link = self.heart.store.link(&tie.bridge.forum, asker.user).await.map_err(busy)?;
                link.map(drop).ok_or_else(|| {
                    "Here only people who have linked their forum account can write to the forum; see /account link."
                        .to_owned()
                })
            }
            Replies::Off => Err("What is written here does not reach the forum.".to_owned()),
        }
    }
}

#[async_trait]
impl Writing for Desk {
    async fn answered(&self, asker: Asker, message: MessageId) -> Result<Answered, String> {
        let (tie, part) = self.shown(asker, message).await?;
        self.may_speak(asker, &tie).await?;
        let credit = self.heart.store.credit(&tie.bridge.forum, &part.post).await.map_err(busy)?;
        let guild = asker.guild.ok_or("This only works in a server.")?;
        Ok(Answered {
            author: credit.map(|credit| credit.author),
            message_url: message_url(guild, part.channel, message),
        })
    }

    async fn reply(&self, asker: Asker, form: ReplyForm) -> Result<(), String> {
        let (tie, part) = self.shown(asker, form.answers).await?;
        self.may_speak(asker, &tie).await?;
        if form.text.trim().is_empty() {
            return Err("There is nothing written yet.".to_owned());
        }
        let store = &self.heart.store;
        let posts = store.posts(&tie.bridge.forum, std::slice::from_ref(&part.post)).await.map_err(busy)?;
        let thread = match posts.into_iter().next() {
            Some(row) => row.thread,
            // A reply to what the watcher has not met on the forum yet.
            None => match store.submission(form.answers).await.map_err(busy)? {
                Some(submission) => submission.thread,
                None => return Err("The forum has that post no longer.".to_owned()),
            },
        };
        let now = store.now().await.map_err(busy)?;
        let spoken = Spoken {
            message: form.message,
            channel: asker.channel,
            author: asker.user,
            author_name: form.author_name,
            content: form.text,
            mentions: Vec::new(),
            files: Vec::new(),
            reply_to: Some(form.answers),
            quote: Some(form.quote),
        };
        let submission = Submission {
            message: form.message,
            bridge: tie.id(),
            thread: thread.clone(),
            channel: asker.channel,
            author: asker.user,
            post: None,
            state: SubmissionState::Queued,
            digest: spoken_digest(&spoken),
        };
        let job = reply_job(&tie, &thread, spoken, now).map_err(busy)?;
        let once = format!("m:{}", form.message);
        self.heart.apply(Some(&once), vec![Effect::Submission(submission), job]).await.map_err(busy)?;
        Ok(())
    }
}
