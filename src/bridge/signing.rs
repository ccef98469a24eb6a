//! Signing in to a forum on the bridge's own page, so that the bridge can act as a member where the forum has no other
//! way. A page is made for one person in Discord, for ten minutes and one try. Of what is typed there only the forum's
//! session is kept, sealed; the password goes to the forum and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use url::Url;

use crate::forum::Failure;
use crate::model::{ForumKey, UserId};
use crate::store::links::Link;
use crate::store::sessions::{Kept, Session, SignIn};
use crate::store::{Effect, Millis, StoreError};

use super::Heart;
use super::job::letter;

/// How long a page is good for, in milliseconds.
const PAGE_LIFE: Millis = 10 * 60 * 1000;
/// Forums lock an address out after a few wrong passwords, and the bridge with it: so many are tried within [`CALM`],
/// whoever's they are.
const MOST_WRONG: usize = 3;
const CALM: Duration = Duration::from_secs(16 * 60);

/// Answers the page.
pub struct SignIns {
    heart: Arc<Heart>,
    wrong: Mutex<HashMap<ForumKey, Vec<Instant>>>,
}

/// What the page says before anything is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The forum's address without its scheme.
    pub forum: String,
    /// Who in Discord it is for.
    pub person: String,
    pub user: UserId,
}

/// Why nobody was signed in: one sentence for whoever sits before the page.
#[derive(Debug, thiserror::Error)]
pub enum Turned {
    #[error(
        "This page was used, or is older than ten minutes. Ask for a new one in Discord: /account signin."
    )]
    Gone,
    #[error("{0}")]
    No(String),
    #[error("Something is wrong with the bridge's database; its admin has to look.")]
    Store(#[from] StoreError),
}

impl SignIns {
    pub fn new(heart: Arc<Heart>) -> Self {
        Self { heart, wrong: Mutex::default() }
    }

    /// Whether people reach the page over TLS, which the web server before it speaks.
    pub fn is_safe(&self) -> bool {
        self.heart.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Whom a page is for.
    pub async fn asked(&self, secret: &str) -> Result<Asked, Turned> {
        let store = &self.heart.store;
        let page = store.waiting_sign_in(&digest(secret), store.now().await?).await?;
        let page = page.filter(|_| self.heart.vault.is_some()).ok_or(Turned::Gone)?;
        Ok(Asked { forum: self.shown(&page.forum), person: page.name, user: page.person })
    }

    fn shown(&self, forum: &ForumKey) -> String {
        let forum =
            self.heart.forums.get(forum).map(|it| it.engine.thread_url(&crate::model::ThreadId::new("1")));
        let host = forum.and_then(|url| Some(Url::parse(&url).ok()?.host_str()?.to_owned()));
        host.unwrap_or_else(|| "the forum".to_owned())
    }

    /// Signs in with what was typed. The page is spent whatever comes of it. Tells as whom, on which forum.
    pub async fn sign_in(
        &self,
        secret: &str,
        name: &str,
        password: &SecretString,
    ) -> Result<(String, Asked), Turned> {
        let store = &self.heart.store;
        let Some(vault) = &self.heart.vault else { return Err(Turned::Gone) };
        let now = store.now().await?;
        let page = store.spend_sign_in(&digest(secret), now).await?.ok_or(Turned::Gone)?;
        let forum = self.heart.forums.get(&page.forum).ok_or(Turned::Gone)?;
        if !self.calm(&page.forum) {
            let why = "There were too many wrong passwords for this forum just now. Try again in a quarter of an hour.";
            return Err(Turned::No(why.to_owned()));
        }
        let session = match forum.engine.sign_in_member(name.trim(), password).await {
            Ok(session) => session,
            Err(Failure::Refused(refusal)) => {
                self.wrong(&page.forum);
                return Err(Turned::No(format!(
                    "You were not signed in: {}. Ask for a new page in Discord to try again.",
                    refusal.message.trim_end_matches('.')
                )));
            }
            Err(failure) => {
                tracing::warn!(forum = %page.forum, "a member could not be signed in: {failure}");
                let why = "The forum does not take a log-in right now. Ask for a new page in Discord in a few minutes.";
                return Err(Turned::No(why.to_owned()));
            }
        };
        if forum.account().is_some_and(|own| own.id.as_ref() == Some(&session.member)) {
            return Err(Turned::No("That is the bridge's own account.".to_owned()));
        }
        let sealed = vault.seal(&page.forum, page.person, &session.secret);
        let sealed =
            sealed.ok_or_else(|| Turned::No("The bridge can't keep a session right now.".to_owned()))?;
        let kept = Session {
            forum: page.forum.clone(),
            person: page.person,
            member: session.member.clone(),
            sealed,
            at: now,
        };
        let told = format!(
            "{} on Discord (user {}) has signed in with your name and password, so that what they write there is posted \
             here in your name. If that was not you, change your password now: it ends this.",
            page.name, page.person
        );
        let tell = |link: &Link| Ok(vec![letter(link, "You are signed in from Discord", &told, now)?]);
        let link = match store.keep_session(&kept, &session.name, &tell).await? {
            Kept::Kept(link) => link,
            Kept::Taken => {
                return Err(Turned::No("That member is linked to somebody else in Discord.".to_owned()));
            }
            Kept::LinkedTo(other) => {
                return Err(Turned::No(format!(
                    "You are linked to {} on this forum; /account unlink in Discord takes that away.",
                    other.name
                )));
            }
        };
        tracing::info!(forum = %link.forum, user = %link.person, member = %link.member, "a member signed in");
        self.heart.stir();
        let asked = Asked { forum: self.shown(&page.forum), person: page.name, user: page.person };
        Ok((session.name, asked))
    }

    fn calm(&self, forum: &ForumKey) -> bool {
        let now = self.heart.clock.monotonic();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = wrong.entry(forum.clone()).or_default();
        wrong.retain(|at| now.saturating_duration_since(*at) < CALM);
        wrong.len() < MOST_WRONG
    }

    fn wrong(&self, forum: &ForumKey) {
        let now = self.heart.clock.monotonic();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.entry(forum.clone()).or_default().push(now);
    }
}

/// Makes a page for somebody in Discord, and tells its address; the error is one sentence for them.
pub async fn page(
    heart: &Heart,
    forum: &ForumKey,
    person: UserId,
    name: &str,
) -> Result<Result<Url, String>, StoreError> {
    let engine = heart.forums.get(forum).map(|forum| forum.engine.clone());
    let (Some(public), Some(_), Some(engine)) = (&heart.public_url, &heart.vault, engine) else {
        return Ok(Err("Signing in is not switched on here.".to_owned()));
    };
    if engine.capabilities().act_as_member {
        return Ok(Err("You need not sign in to that forum: /account link is enough.".to_owned()));
    }
    if !engine.takes_sessions() {
        return Ok(Err("Nobody can sign in to that forum from here.".to_owned()));
    }
    let mut bytes = [0_u8; 32];
    if getrandom::fill(&mut bytes).is_err() {
        return Ok(Err("The bridge can't make a page right now; please try again.".to_owned()));
    }
    let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let now = heart.store.now().await?;
    let note = SignIn {
        forum: forum.clone(),
        person,
        name: name.to_owned(),
        secret: digest(&secret),
        expires: now + PAGE_LIFE,
    };
    if let Some(until) = heart.store.note_sign_in(&note, now).await? {
        let minutes = ((until - now) / 60_000).max(0) + 1;
        return Ok(Err(format!("You asked for many pages; the next is made in {minutes} minutes.")));
    }
    let mut url = public.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["sign-in", &secret]);
    }
    Ok(Ok(url))
}

/// The session of a member has ended on the forum: it is forgotten, and they are told by the forum's private message.
pub fn ended(link: &Link, now: Millis) -> Result<Vec<Effect>, StoreError> {
    let told = "The forum no longer knows the session by which you were signed in from Discord. What you write there is \
                posted by the bridge's account again; /account signin in Discord signs you in anew.";
    Ok(vec![
        Effect::EndSession { forum: link.forum.clone(), person: link.person },
        letter(link, "You are no longer signed in from Discord", told, now)?,
    ])
}

/// What is kept of a secret.
fn digest(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}
