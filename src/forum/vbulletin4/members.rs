//! Members who signed in themselves, so that the bridge acts in their sessions: vBulletin has no other way to post as
//! somebody. Each is a visitor of their own, in one queue with the bridge's own account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::Vbulletin4;
use super::session::{BANNED, LOCKED, Session};
use crate::config::AccountConfig;
use crate::forum::{Actor, Engine, Failure, MemberSession, RefusalKind};
use crate::model::{MemberId, MemberKey};

/// A member's session as it was handed to us, and who acts by it.
pub(super) struct Visitor {
    secret: SecretString,
    engine: Arc<Vbulletin4>,
}

impl Vbulletin4 {
    /// Who acts: `None` is the bridge's own account.
    pub(super) fn acting(&self, actor: &Actor) -> Result<Option<Arc<Self>>, Failure> {
        let Actor::Member { id, .. } = actor else { return Ok(None) };
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        match members.get(id) {
            Some(visitor) => Ok(Some(visitor.engine.clone())),
            None => Err(Failure::Unsupported("act as a member who has not signed in")),
        }
    }

    /// The same forum, for another visitor.
    fn beside(&self, session: Session) -> Self {
        Self {
            session,
            searches: super::Searches::default(),
            newest: self.newest.clone(),
            members: Mutex::default(),
            zone: self.zone.clone(),
            clock: self.clock.clone(),
            soon: self.soon,
            later: self.later,
        }
    }

    pub(super) async fn let_in(&self, name: &str, password: &SecretString) -> Result<MemberSession, Failure> {
        let client = self.session.client().beside();
        let account = AccountConfig { username: name.to_owned(), password: password.clone() };
        let session = Session::new(client, Some(account), self.clock.clone(), self.later);
        let signed_in = session.sign_in().await.map_err(|failure| match failure {
            Failure::SignIn(reason) if reason.starts_with(LOCKED) => Failure::Later {
                after: super::session::LOCKED_OUT,
                reason: "the forum takes no log-in from here for a quarter of an hour".to_owned(),
            },
            Failure::SignIn(reason) if reason.starts_with(BANNED) => {
                Failure::refused(RefusalKind::NoPermission, "the forum has banned that account")
            }
            Failure::SignIn(_) => Failure::refused(
                RefusalKind::NoPermission,
                "the forum does not accept that name or that password",
            ),
            failure => failure,
        })?;
        let id = signed_in.and_then(|account| account.id).filter(|id| id.as_str() != "0");
        let id = id.ok_or_else(|| Failure::Unreadable("the forum does not say who signed in".to_owned()))?;
        // What was typed may be written otherwise than the name is.
        let name = self.member(&MemberKey::Id(id.clone())).await?.name;
        let cookies = serde_json::to_string(&session.client().cookies.all())
            .map_err(|_| Failure::Unreadable("the forum's cookies can't be kept".to_owned()))?;
        Ok(MemberSession { member: id, name, secret: cookies.into() })
    }

    pub(super) fn carry_on(&self, member: &MemberId, secret: &SecretString) -> Result<(), Failure> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if members.get(member).is_some_and(|it| it.secret.expose_secret() == secret.expose_secret()) {
            return Ok(());
        }
        let cookies: BTreeMap<String, String> = serde_json::from_str(secret.expose_secret())
            .map_err(|_| Failure::Unreadable("a member's session is none of this forum".to_owned()))?;
        let client = self.session.client().beside();
        client.cookies.set(cookies);
        let session = Session::of_member(client, member.clone(), self.clock.clone(), self.later);
        let engine = Arc::new(self.beside(session));
        members.insert(member.clone(), Visitor { secret: secret.clone(), engine });
        Ok(())
    }

    pub(super) fn let_go(&self, member: &MemberId) {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).remove(member);
    }
}
