//! Forms, and what the forum makes of them.

use crate::forum::client::Posted as Sent;
use crate::forum::{Failure, Posted, RefusalKind};
use crate::model::PostId;

use super::Vbulletin4;
use super::answer::{self, Answer, Verdict};
use super::parse::links;

impl Vbulletin4 {
    /// Sends a form that writes a post.
    pub(super) async fn submit(&self, script: &str, fields: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.session.flood_free()?;
        match self.send(script, fields).await? {
            // A closed board says so in words of its own, whatever it is asked.
            Answer::Refused(Verdict::No(RefusalKind::Other, reason)) if self.is_shut().await => {
                Err(self.closed(reason))
            }
            Answer::Refused(verdict) => Err(self.refused(verdict)),
            done => Ok(done),
        }
    }

    /// Sends a form; signs in again or takes a fresh token once if the forum asks for it.
    pub(super) async fn send(&self, script: &str, fields: &[(&str, &str)]) -> Result<Answer, Failure> {
        let url = links::script(self.base(), script);
        for attempt in 0..2 {
            let token = self.session.token().await?;
            let mut all = fields.to_vec();
            all.push(("securitytoken", &token));
            let user = self.session.user();
            all.push(("loggedinuser", &user));
            let sent = self.session.client().post(&url, &all, self.session.encoding()).await?;
            let answer = match sent {
                Sent::Redirect(target) => return Ok(Answer::Moved(target)),
                Sent::Page(page) => {
                    self.session.learn(&page);
                    answer::read(&page)
                }
            };
            match answer {
                Answer::Refused(Verdict::SignedOut) if attempt == 0 => self.session.renew().await?,
                Answer::Refused(Verdict::StaleToken) if attempt == 0 => self.session.forget_token(),
                done => return Ok(done),
            }
        }
        Err(Failure::Later {
            after: self.soon,
            reason: "the forum keeps forgetting who the bridge is".to_owned(),
        })
    }

    pub(super) fn refused(&self, verdict: Verdict) -> Failure {
        match verdict {
            Verdict::Wait(after) => {
                self.session.flood(after);
                let seconds = after.as_secs();
                Failure::Later { after, reason: format!("the forum takes the next post in {seconds} s") }
            }
            Verdict::SignedOut | Verdict::StaleToken => Failure::Later {
                after: self.soon,
                reason: "the forum does not know the bridge's account for now".to_owned(),
            },
            Verdict::Closed(reason) => self.closed(reason),
            Verdict::Banned(reason) => Failure::SignIn(reason),
            Verdict::Gone(reason) => Failure::Gone(reason),
            Verdict::No(kind, message) => Failure::refused(kind, message),
        }
    }

    /// The post that the forum names after a reply; `before` is the newest that was known before it was sent.
    pub(super) fn posted(&self, post: PostId, before: u64) -> Posted {
        self.seen(std::iter::once(&post));
        match post.as_str().parse::<u64>() {
            Ok(id) if id <= before => Posted::Merged { post },
            _ => Posted::Live { post },
        }
    }
}
