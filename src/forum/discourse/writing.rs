//! Who may write, as whom, and what became of it.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::forum::{Actor, Draft, Failure, RefusalKind};
use crate::markup::commonmark;
use crate::model::{MemberId, ThreadId};

use super::api::No;
use super::{Discourse, ORIGIN, parse, wire};

/// A member's name is believed to be still theirs for this long.
const KNOWN_FOR: Duration = Duration::from_secs(300);

impl Discourse {
    /// Who acts must be who was linked.
    pub(super) async fn admit(&self, actor: &Actor) -> Result<(), Failure> {
        if self.api.user().is_none() {
            return Err(Failure::SignIn(
                "the bridge has no account on this forum; set forums.api_key and forums.api_user".to_owned(),
            ));
        }
        let Actor::Member { id, name } = actor else { return Ok(()) };
        if !self.state().for_all {
            return Err(Failure::refused(
                RefusalKind::NoPermission,
                "the bridge's API key is for one account only, so it can't act as another member",
            ));
        }
        self.is_theirs(id, name).await
    }

    /// Names can change hands.
    pub(super) async fn is_theirs(&self, id: &MemberId, name: &str) -> Result<(), Failure> {
        let now = self.clock.monotonic();
        let known = self.state().members.get(id).cloned();
        if known.is_some_and(|(own, at)| own == name && now.saturating_duration_since(at) < KNOWN_FOR) {
            return Ok(());
        }
        let theirs = match self.api.read::<wire::Profile>(&self.api.profile(name)).await {
            Ok(profile) => profile.user.id.to_string() == id.as_str(),
            Err(Failure::Gone(_)) => false,
            Err(failure) => return Err(failure),
        };
        if !theirs {
            return Err(Failure::refused(
                RefusalKind::NoPermission,
                format!("the linked member is no longer called {name} on the forum; link the account again"),
            ));
        }
        self.remember(id.clone(), name.to_owned());
        Ok(())
    }

    pub(super) fn remember(&self, id: MemberId, name: String) {
        let at = self.clock.monotonic();
        self.state().members.insert(id, (name, at));
    }

    pub(super) async fn create(
        &self,
        actor: &Actor,
        body: &Value,
    ) -> Result<Result<wire::Created, No>, Failure> {
        let url = self.address(&["posts.json"], &[]);
        match self.api.send(actor, Method::POST, &url, Some(body)).await? {
            // It was taken, whatever the answer looks like.
            Ok(text) => parse::read(&text)
                .map(Ok)
                .map_err(|failure| Failure::Uncertain { reason: failure.to_string() }),
            Err(no) => Ok(Err(no)),
        }
    }

    /// A no to a reply, with what the topic itself says about why.
    pub(super) async fn no_reply(&self, actor: &Actor, thread: &ThreadId, no: &No) -> Failure {
        let failure = self.api.refused(actor, no).await;
        let unclear = matches!(
            &failure,
            Failure::Refused(refusal) if matches!(refusal.kind, RefusalKind::Other | RefusalKind::NoPermission)
        );
        if unclear {
            match self.topic(thread, 1).await {
                Ok(topic) if topic.closed || topic.archived => {
                    return Failure::refused(RefusalKind::Closed, "the thread is closed on the forum");
                }
                Err(gone @ Failure::Gone(_)) => return gone,
                _ => {}
            }
        }
        failure
    }
}

/// A post as its author would type it.
pub(super) fn raw(draft: &Draft) -> String {
    let words = commonmark::write(&draft.body, commonmark::Flavor::Discourse);
    match &draft.origin {
        Some(origin) => format!("{words}\n\n{}{origin}{}", ORIGIN.0, ORIGIN.1),
        None => words,
    }
}
