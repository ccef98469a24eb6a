//! Linking accounts: a one-time code goes to the forum member, and whoever asked for it in Discord brings it
//! back. The database keeps only a digest that is bound to that person, so that nobody else's hands make it
//! worth anything.

use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::discord::commands::asks::{Accounts, Asker, CodeView, LinkView};
use crate::forum::Failure;
use crate::markup::{Block, Doc, Inline};
use crate::model::{ForumKey, Member, MemberKey, UserId};
use crate::store::links::{Asked, Link, NewCode, Tried};
use crate::store::{Effect, Millis, StoreError};

use super::super::job::letter;
use super::super::points::Point;
use super::super::signing;
use super::{Desk, Sight, busy, sentence};

/// How long a code is good for, in milliseconds.
const CODE_LIFE: Millis = 10 * 60 * 1000;
/// Letters and digits that nobody mixes up; 32 of them, so that every byte names one fairly.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 8;

impl Desk {
    async fn link_view(&self, link: &Link) -> Result<LinkView, String> {
        let forum = self.heart.forums.get(&link.forum);
        let session = self.heart.store.session(&link.forum, link.person).await.map_err(busy)?;
        Ok(LinkView {
            forum: link.forum.to_string(),
            member: link.name.clone(),
            url: forum.and_then(|forum| forum.engine.member_url(&link.member, &link.name)),
            since: Timestamp::from_millisecond(link.at).ok(),
            signed_in: session.and_then(|session| Timestamp::from_millisecond(session.at).ok()),
        })
    }

    /// The member that a person claims to be.
    async fn claimed(&self, sight: &Sight, text: &str) -> Result<Member, String> {
        let text = text.trim().trim_matches(['<', '>']);
        let place = sight.forum.engine.recognise(text).and_then(|place| place.member);
        let key = place.map_or_else(|| MemberKey::Name(text.to_owned()), MemberKey::Id);
        match sight.forum.engine.member(&key).await {
            Ok(member) => Ok(member),
            Err(Failure::Gone(_)) => Err("The forum has no such member; check the name.".to_owned()),
            Err(failure) => Err(sentence(&failure)),
        }
    }

    async fn brought_back(
        &self,
        asker: Asker,
        person: &str,
        forum: &ForumKey,
        code: &str,
    ) -> Result<LinkView, String> {
        let store = &self.heart.store;
        let now = store.now().await.map_err(busy)?;
        let digest = bound(forum, asker.user, code);
        let told = format!(
            "Your account is now linked to {person} on Discord (user {}), who gave the code that was sent to you. If that was not you, write to the forum's staff: they can have it taken away.",
            asker.user
        );
        let tell = |link: &Link| told_of(link, "Your account is linked to Discord", &told, now);
        Point::BeforeLink.reached();
        let tried = store.try_code(forum, asker.user, &digest, now, &tell).await.map_err(busy)?;
        Point::AfterLink.reached();
        match tried {
            Tried::Linked(link) => {
                tracing::info!(%forum, user = %asker.user, member = %link.member, "an account was linked");
                self.heart.stir();
                self.link_view(&link).await
            }
            Tried::Wrong { left: 1 } => Err("That is not the code. You have 1 try left.".to_owned()),
            Tried::Wrong { left } => Err(format!("That is not the code. You have {left} tries left.")),
            Tried::Locked { until } => Err(locked(until, now)),
            Tried::None => {
                Err("No code waits for you; it may have been used. Start again with /account link."
                    .to_owned())
            }
            Tried::Expired => {
                Err("That code is older than ten minutes. Start again with /account link.".to_owned())
            }
            Tried::Taken => Err("That member is linked to somebody else by now.".to_owned()),
        }
    }
}

#[async_trait]
impl Accounts for Desk {
    async fn ask(
        &self,
        asker: Asker,
        person: &str,
        member: &str,
        forum: Option<&str>,
    ) -> Result<CodeView, String> {
        let sight = self.sight_of(asker, forum, member).await?;
        let member = self.claimed(&sight, member).await?;
        let key = &sight.forum.key;
        let id = member.id.clone().ok_or("The forum does not say who that member is.")?;
        if sight.forum.account().is_some_and(|own| own.id.as_ref() == Some(&id)) {
            return Err("That is the bridge's own account.".to_owned());
        }
        let code = fresh_code().ok_or("The bridge can't make a code right now; please try again.")?;
        let store = &self.heart.store;
        let now = store.now().await.map_err(busy)?;
        let note = NewCode {
            forum: key.clone(),
            person: asker.user,
            member: id.clone(),
            name: member.name.clone(),
            code: bound(key, asker.user, &code),
            expires: now + CODE_LIFE,
        };
        match store.note_code(&note, now).await.map_err(busy)? {
            Asked::Noted => {}
            Asked::LinkedTo(link) => {
                let name = crate::discord::look::plain(&link.name);
                return Err(format!("You are linked to {name} already; /account unlink takes that away."));
            }
            Asked::Taken => return Err("That member is linked to somebody else.".to_owned()),
            Asked::Locked { until } => return Err(locked(until, now)),
        }
        let view =
            |for_profile| CodeView { forum: key.to_string(), member: member.name.clone(), for_profile };
        let letter = code_letter(person, asker.user, &code);
        Point::BeforeCode.reached();
        let sent = sight.forum.engine.message_member(&id, &member.name, "A code from Discord", &letter).await;
        Point::AfterCode.reached();
        match sent {
            // Should it not have arrived, another can be asked for.
            Ok(()) | Err(Failure::Uncertain { .. }) => Ok(view(None)),
            Err(Failure::Unsupported(_) | Failure::Refused(_)) => Ok(view(Some(code))),
            Err(failure) => {
                store.drop_code(key, asker.user).await.map_err(busy)?;
                Err(match failure {
                    Failure::Later { after, .. } => {
                        let seconds = after.as_secs().max(1);
                        format!(
                            "The forum takes the bridge's next private message in {seconds} s; please try again then."
                        )
                    }
                    failure => sentence(&failure),
                })
            }
        }
    }

    async fn confirm(&self, asker: Asker, person: &str, forum: &str, code: &str) -> Result<LinkView, String> {
        let sight = self.sight(asker, Some(forum)).await?;
        self.brought_back(asker, person, &sight.forum.key, &tidy(code)).await
    }

    async fn look(&self, asker: Asker, person: &str, forum: &str, code: &str) -> Result<LinkView, String> {
        let sight = self.sight(asker, Some(forum)).await?;
        let key = &sight.forum.key;
        let waiting = self.heart.store.waiting_code(key, asker.user).await.map_err(busy)?;
        let (member, digest) = waiting.ok_or("No code waits for you. Start again with /account link.")?;
        if digest != bound(key, asker.user, &tidy(code)) {
            return Err("That code is no longer the one; use the newest, or start again.".to_owned());
        }
        let page = sight.forum.engine.member(&MemberKey::Id(member)).await.map_err(|it| sentence(&it))?;
        let written = [&page.title, &page.location].into_iter().flatten();
        let mut written = written.chain(page.fields.iter().map(|(_, value)| value));
        if !written.any(|text| tidy(text).contains(&tidy(code))) {
            return Err("The code is not in that profile yet.".to_owned());
        }
        self.brought_back(asker, person, key, &tidy(code)).await
    }

    async fn links(&self, asker: Asker) -> Result<Vec<LinkView>, String> {
        self.aware(asker).await?;
        let here = self.bridged(asker);
        let mut views = Vec::new();
        for link in self.heart.store.links_of(asker.user).await.map_err(busy)? {
            if here.contains(&link.forum) {
                views.push(self.link_view(&link).await?);
            }
        }
        Ok(views)
    }

    async fn sign_in(&self, asker: Asker, person: &str, forum: Option<&str>) -> Result<String, String> {
        let sight = self.sight(asker, forum).await?;
        let page = signing::page(&self.heart, &sight.forum.key, asker.user, person).await.map_err(busy)?;
        page.map(String::from)
    }

    async fn sign_out(&self, asker: Asker, forum: &str) -> Result<LinkView, String> {
        let sight = self.sight(asker, Some(forum)).await?;
        let (store, key) = (&self.heart.store, &sight.forum.key);
        let link = store.link(key, asker.user).await.map_err(busy)?;
        let ended = store.forget_sessions(Some((key, asker.user))).await.map_err(busy)?;
        let link = link.filter(|_| ended > 0).ok_or("You are not signed in to that forum.")?;
        sight.forum.engine.forget(&link.member);
        tracing::info!(forum = %key, user = %asker.user, member = %link.member, "a member signed out");
        self.link_view(&link).await
    }

    async fn unlink(&self, asker: Asker, person: &str, forum: Option<&str>) -> Result<LinkView, String> {
        let sight = self.sight(asker, forum).await?;
        let store = &self.heart.store;
        let now = store.now().await.map_err(busy)?;
        let told = format!("Your account is no longer linked to {person} on Discord (user {}).", asker.user);
        let tell = |link: &Link| told_of(link, "Your account is no longer linked to Discord", &told, now);
        Point::BeforeLink.reached();
        let gone = store.unlink(&sight.forum.key, asker.user, now, &tell).await.map_err(busy)?;
        Point::AfterLink.reached();
        let gone = gone.ok_or("You are not linked to a member of that forum.")?;
        sight.forum.engine.forget(&gone.member);
        tracing::info!(forum = %gone.forum, user = %asker.user, member = %gone.member, "a link was taken away");
        self.heart.stir();
        self.link_view(&gone).await
    }
}

/// Tells a member on the forum, as soon as it takes a private message.
fn told_of(link: &Link, title: &str, text: &str, now: Millis) -> Result<Vec<Effect>, StoreError> {
    Ok(vec![letter(link, title, text, now)?])
}

fn locked(until: Millis, now: Millis) -> String {
    let minutes = ((until - now) / 60_000).max(0) + 1;
    format!("There were too many tries or codes; nothing is taken for {minutes} minutes.")
}

/// From the system's own source of randomness.
fn fresh_code() -> Option<String> {
    let mut bytes = [0_u8; LENGTH];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect())
}

/// As people copy it: any case, with or without the dash.
fn tidy(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// The digest that is kept: worth nothing in anybody else's name or on another forum.
fn bound(forum: &ForumKey, person: UserId, code: &str) -> String {
    let hash = Sha256::digest(format!("{forum}\n{person}\n{code}"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn code_letter(person: &str, user: UserId, code: &str) -> Doc {
    let line = |text: String| Block::Paragraph(vec![Inline::Text(text)]);
    let (first, second) = code.split_at(LENGTH / 2);
    Doc {
        blocks: vec![
            line(format!(
                "{person} on Discord (user {user}) asks to be linked with your account here. If that is you, enter this code in Discord within ten minutes:"
            )),
            Block::Paragraph(vec![Inline::Bold(vec![Inline::Text(format!("{first}-{second}"))])]),
            line(
                "If that is not you, do nothing and give the code to nobody: without it nothing happens."
                    .to_owned(),
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_long_and_easy_to_copy() {
        let (one, two) = (fresh_code().unwrap(), fresh_code().unwrap());
        assert_eq!(one.len(), LENGTH);
        assert_ne!(one, two);
        assert_eq!(tidy(&format!(" {}-{} ", one[..4].to_lowercase(), &one[4..])), one);
    }

    #[test]
    fn a_code_is_bound_to_its_person_and_forum() {
        let digest = |forum: &str, user, code| bound(&forum.into(), UserId(user), code);
        let kept = digest("edu", 1, "ABCDEFGH");
        assert_eq!(kept.len(), 64);
        for other in
            [digest("edu", 2, "ABCDEFGH"), digest("wow", 1, "ABCDEFGH"), digest("edu", 1, "ABCDEFGJ")]
        {
            assert_ne!(kept, other);
        }
    }
}
