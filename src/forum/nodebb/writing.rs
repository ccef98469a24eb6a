//! What is written and voted, and in whose name; and what the forum really did when it says no.

use reqwest::Method;
use serde_json::{Value, json};

use crate::forum::{Actor, Failure, Posted, Refusal, RefusalKind};
use crate::markup::{Block, Doc, commonmark};
use crate::model::{PostId, ThreadId};

use super::api::{Identity, No};
use super::{Nodebb, links, parse, wire};

/// So many of an account's newest posts of a topic are compared with what was just refused.
const COMPARED: usize = 3;

impl Nodebb {
    /// Who acts must be who was linked.
    pub(super) async fn admit(&self, actor: &Actor) -> Result<Identity, Failure> {
        let Some(identity) = self.api.identity().await? else {
            let why = "the bridge has no account on this forum; set forums.token";
            return Err(Failure::SignIn(why.to_owned()));
        };
        let Actor::Member { id, name } = actor else { return Ok(identity) };
        if !identity.master {
            return Err(Failure::refused(
                RefusalKind::NoPermission,
                "the bridge's token is for one account only, so it can't act as another member",
            ));
        }
        let actor = Identity { uid: id.as_str().to_owned(), name: name.clone(), master: true };
        if self.state().members.get(id) == Some(name) {
            return Ok(actor);
        }
        let profile: Result<wire::Profile, Failure> =
            self.api.read(&["api", "user", "uid", id.as_str()], &[]).await;
        let theirs = match profile {
            Ok(profile) => {
                profile.uid == id.as_str() && parse::unescaped(&profile.username).eq_ignore_ascii_case(name)
            }
            Err(Failure::Gone(_)) => false,
            Err(failure) => return Err(failure),
        };
        if !theirs {
            return Err(Failure::refused(
                RefusalKind::NoPermission,
                format!("the linked member is no longer called {name} on the forum; link the account again"),
            ));
        }
        self.state().members.insert(id.clone(), name.clone());
        Ok(actor)
    }

    pub(super) async fn create(
        &self,
        actor: &Actor,
        segments: &[&str],
        body: &Value,
    ) -> Result<Result<wire::Created, No>, Failure> {
        match self.api.send(actor, Method::POST, segments, Some(body)).await? {
            // It was taken, whatever the answer looks like.
            Ok(text) => parse::read::<wire::Answer<wire::Created>>(&text)
                .map(|answer| Ok(answer.response))
                .map_err(|failure| Failure::Uncertain { reason: failure.to_string() }),
            Err(no) => Ok(Err(no)),
        }
    }

    /// What was written must be whose it was meant to be: a token that is no master token (any more) takes everybody for
    /// its owner. Nobody's words stay under another name.
    pub(super) async fn check_author(
        &self,
        meant: &Identity,
        created: &wire::Created,
        post: &str,
    ) -> Result<(), Failure> {
        if created.uid.is_empty() || created.uid == meant.uid {
            return Ok(());
        }
        let taken_back = self.api.send(&Actor::Bridge, Method::DELETE, &["posts", post, "state"], None).await;
        if !matches!(taken_back, Ok(Ok(_))) {
            tracing::warn!(
                post,
                "the forum took somebody else for {}, and the post can't be deleted",
                meant.name
            );
            return Ok(());
        }
        self.api.present().await?;
        Err(Failure::refused(
            RefusalKind::NoPermission,
            format!("the forum took somebody else for {}, so it was taken back", meant.name),
        ))
    }

    /// A no to a reply or an edit, with what the topic itself says about why. `said` is what a reply was to say: a forum
    /// whose add-ons fail says no to what it did.
    pub(super) async fn no_reply(
        &self,
        actor: &Actor,
        thread: &ThreadId,
        no: &No,
        said: Option<(&Identity, &str)>,
    ) -> Result<Posted, Failure> {
        let failure = self.api.refused(actor, no).await;
        let Failure::Refused(Refusal {
            kind: kind @ (RefusalKind::Other | RefusalKind::NoPermission), ..
        }) = &failure
        else {
            return Err(failure);
        };
        let (topic, page) = match self.last_page(thread).await {
            Ok(found) => found,
            Err(gone @ Failure::Gone(_)) => return Err(gone),
            Err(_) => return Err(failure),
        };
        if let (RefusalKind::Other, Some((author, raw))) = (kind, said)
            && let Some(post) = self.already_there(&topic, author, raw).await?
        {
            tracing::warn!(%thread, "the forum refused a post that it took: {failure}");
            return Ok(Posted::Live { post });
        }
        let closed = topic.locked && !topic.privileges.is_staff;
        // A deleted topic is still shown to who opened it.
        parse::thread_page(topic, page, &parse::Voters::new(), self.base())?;
        Err(if closed {
            Failure::refused(RefusalKind::Closed, "the thread is closed on the forum")
        } else {
            failure
        })
    }

    /// The post of this account among a topic's last that says exactly this.
    async fn already_there(
        &self,
        topic: &wire::Topic,
        author: &Identity,
        raw: &str,
    ) -> Result<Option<PostId>, Failure> {
        let own = topic.posts.iter().flatten().rev().filter(|post| post.uid == author.uid && !post.deleted);
        for post in own.take(COMPARED) {
            match self.api.read_as::<wire::Raw>(&Actor::Bridge, &["posts", &post.pid, "raw"]).await {
                Ok(found) if found.content.trim_end() == raw.trim_end() => {
                    return Ok(Some(PostId::new(post.pid.clone())));
                }
                Ok(_) | Err(Failure::Gone(_) | Failure::Unreadable(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }

    /// What the bridge knows of its own vote, read before it is changed.
    async fn single(&self, actor: &Actor, post: &PostId) -> Result<wire::Single, Failure> {
        match self.api.read_as::<wire::Single>(actor, &["posts", post.as_str()]).await {
            Ok(single) if single.deleted => {
                Err(Failure::Gone("the post was deleted on the forum".to_owned()))
            }
            Err(Failure::Gone(_)) => {
                // Gone, or not for everybody: the page knows which.
                self.place(post).await?;
                Err(Failure::refused(
                    RefusalKind::NoPermission,
                    "the forum does not show that post to everybody",
                ))
            }
            other => other,
        }
    }

    pub(super) async fn vote(&self, actor: &Actor, post: &PostId, up: bool) -> Result<(), Failure> {
        self.admit(actor).await?;
        if self.single(actor, post).await?.upvoted == up {
            return Ok(());
        }
        let segments = ["posts", post.as_str(), "vote"];
        let voted = if up {
            self.api.send(actor, Method::PUT, &segments, Some(&json!({ "delta": 1 }))).await?
        } else {
            self.api.send(actor, Method::DELETE, &segments, None).await?
        };
        match voted {
            Ok(_) => Ok(()),
            Err(no) => Err(self.api.refused(actor, &no).await),
        }
    }

    /// The Markdown of a draft. Quotes name their post by its whole address, since a forum may live in a folder.
    pub(super) fn raw(&self, doc: &Doc) -> String {
        let mut doc = doc.clone();
        for block in &mut doc.blocks {
            if let Block::Quote { post: Some(post), url: url @ None, .. } = block {
                *url = Some(links::post(self.base(), post.as_str()).to_string());
            }
        }
        commonmark::write(&doc, commonmark::Flavor::NodeBb)
    }
}

/// An id as the API takes it: ids of what came by federation are text.
pub(super) fn id(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}

/// The post that a reply answers is not there, or not for whoever replies.
pub(super) fn is_about_answered(no: &No) -> bool {
    no.status == 400 && no.message.to_lowercase().contains("invalid post id")
}
