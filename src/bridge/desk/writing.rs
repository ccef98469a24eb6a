//! Writing on the forum by form. A form's reply is recorded as a message's is, under the id of the Discord
//! message that shows it, and takes the same way through the outbox.

use std::sync::Arc;

use async_trait::async_trait;

use crate::config::Scope;
use crate::discord::commands::asks::{Answered, Asker, OpenForm, ReplyForm, Writing};
use crate::forum::cannot;
use crate::model::{BoardId, MessageId};
use crate::store::{Effect, Submission, SubmissionState};

use super::super::inbox::{self, may_not_speak, reply_job};
use super::super::job::Spoken;
use super::super::opening::open_job;
use super::super::render::message_url;
use super::super::submit::spoken_digest;
use super::super::tie::Tie;
use super::{Desk, Sight, busy};

impl Desk {
    /// Whether this person's words may cross over this bridge.
    pub(super) async fn may_speak(&self, asker: Asker, tie: &Tie) -> Result<(), String> {
        if !asker.may_write {
            return Err("You may not write in this channel.".to_owned());
        }
        match may_not_speak(&self.heart, tie, asker.user).await.map_err(busy)? {
            Some(why) => Err(format!("Your words can't reach the forum: {why}.")),
            None => Ok(()),
        }
    }
}

impl Desk {
    /// The board that a thread is to be opened on, and the bridge of this guild that carries it. What only
    /// some may read is written to only from its own channel.
    async fn open_place(
        &self,
        asker: Asker,
        board: &str,
        forum: Option<&str>,
    ) -> Result<(Sight, Arc<Tie>, BoardId), String> {
        let sight = self.sight(asker, forum).await?;
        let board = sight.board(board);
        let carries = |tie: &&Arc<Tie>| tie.bridge.scope == Scope::Board(board.clone());
        let tie = sight
            .here
            .iter()
            .find(carries)
            .or_else(|| sight.bridged.iter().filter(|_| sight.is_public(Some(&board))).find(carries));
        match tie.cloned() {
            Some(tie) => Ok((sight, tie, board)),
            None => Err("That board is not bridged to this server.".to_owned()),
        }
    }
}

/// What was written by form, as jobs carry it.
fn written(asker: Asker, message: MessageId, author_name: String, content: String) -> Spoken {
    Spoken {
        message,
        channel: asker.channel,
        author: asker.user,
        author_name,
        content,
        mentions: Vec::new(),
        files: Vec::new(),
        reply_to: None,
        quote: None,
        form: true,
    }
}

#[async_trait]
impl Writing for Desk {
    async fn answered(&self, asker: Asker, message: MessageId) -> Result<Answered, String> {
        let (tie, part) = self.shown(asker, message).await?;
        self.able(&tie.bridge.forum, cannot::REPLY)?;
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
            reply_to: Some(form.answers),
            quote: Some(form.quote),
            ..written(asker, form.message, form.author_name, form.text)
        };
        let submission = Submission {
            message: form.message,
            bridge: tie.id(),
            thread: thread.clone(),
            channel: asker.channel,
            author: asker.user,
            member: None,
            post: None,
            state: SubmissionState::Queued,
            digest: spoken_digest(&spoken),
        };
        let job = reply_job(&tie, &thread, spoken, now).map_err(busy)?;
        let once = format!("m:{}", form.message);
        inbox::receive(&self.heart, Some(&once), vec![Effect::Submission(submission), job])
            .await
            .map_err(busy)?;
        Ok(())
    }

    async fn board(
        &self,
        asker: Asker,
        board: &str,
        forum: Option<&str>,
    ) -> Result<(String, String, String), String> {
        let (sight, tie, id) = self.open_place(asker, board, forum).await?;
        self.able(&tie.bridge.forum, cannot::OPEN)?;
        self.may_speak(asker, &tie).await?;
        let name =
            sight.public.iter().find(|it| it.id == id).map_or_else(|| id.to_string(), |it| it.name.clone());
        Ok((sight.forum.key.to_string(), id.to_string(), name))
    }

    async fn open(&self, asker: Asker, form: OpenForm) -> Result<(), String> {
        let (_, tie, board) = self.open_place(asker, &form.board, Some(&form.forum)).await?;
        self.may_speak(asker, &tie).await?;
        if form.title.trim().is_empty() || form.text.trim().is_empty() {
            return Err("A thread needs a title and a text.".to_owned());
        }
        let now = self.heart.store.now().await.map_err(busy)?;
        let spoken = written(asker, form.message, form.author_name, form.text);
        // The thread is then shown as any new thread of the board is.
        let job = open_job(&tie, board, form.title.trim().to_owned(), spoken, false, now).map_err(busy)?;
        let once = format!("m:{}", form.message);
        inbox::receive(&self.heart, Some(&once), vec![job]).await.map_err(busy)?;
        Ok(())
    }
}
