//! Who the bridge is on the forum: signing in, noticing that a session ended, and the security token that
//! every form has to carry.
//!
//! vBulletin locks an address out for a quarter of an hour after five wrong passwords, whatever the
//! names, so one refusal ends the trying. Whether somebody is signed in is told by the token, never by
//! a phrase.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use encoding_rs::{Encoding, UTF_8};
use md5::{Digest, Md5};
use secrecy::ExposeSecret;
use url::Url;

use super::parse::{self, PageKind, links};
use crate::clock::Clock;
use crate::config::AccountConfig;
use crate::forum::client::{Client, Page, Posted as Sent};
use crate::forum::{Account, Failure, RefusalKind};
use crate::model::MemberId;

/// Tokens hold for three hours; ours is renewed well before.
const TOKEN_AGE: Duration = Duration::from_secs(2 * 3600);
/// After a refused log-in nothing is tried for this long.
pub const LOCKED_OUT: Duration = Duration::from_secs(16 * 60);
/// How the sentences begin for a locked address and for a banned account.
pub const LOCKED: &str = "the forum has locked log-ins";
pub const BANNED: &str = "the forum has banned the account";

pub struct Session {
    client: Client,
    account: Option<AccountConfig>,
    /// A member who signed in themself: there is no password to sign in with again.
    member: Option<MemberId>,
    clock: Arc<dyn Clock>,
    /// A forum that takes no log-in now is asked again after this time.
    later: Duration,
    state: Mutex<State>,
    /// One log-in at a time.
    door: tokio::sync::Mutex<()>,
}

/// Holds the token: no `Debug`.
struct State {
    user: Option<u64>,
    token: Option<(String, Instant)>,
    refused: Option<(String, Instant)>,
    /// Until then the forum takes no post of ours.
    flood: Option<Instant>,
    encoding: &'static Encoding,
}

impl Session {
    pub fn new(
        client: Client,
        account: Option<AccountConfig>,
        clock: Arc<dyn Clock>,
        later: Duration,
    ) -> Self {
        let state = State { user: None, token: None, refused: None, flood: None, encoding: UTF_8 };
        let (state, door) = (Mutex::new(state), tokio::sync::Mutex::default());
        Self { client, account, member: None, clock, later, state, door }
    }

    /// A member's own session, which the client's cookies hold.
    pub fn of_member(client: Client, member: MemberId, clock: Arc<dyn Clock>, later: Duration) -> Self {
        Self { member: Some(member), ..Self::new(client, None, clock, later) }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn has_account(&self) -> bool {
        self.account.is_some() || self.member.is_some()
    }

    /// The bridge's own member id as forms want it.
    pub fn user(&self) -> String {
        self.lock().user.unwrap_or(0).to_string()
    }

    /// What the forum's forms are encoded in.
    pub fn encoding(&self) -> &'static Encoding {
        self.lock().encoding
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches a page as the bridge's account; signs in first, and again when the session has ended.
    pub async fn get(&self, url: &Url) -> Result<Page, Failure> {
        if self.account.is_some() && self.lock().user.is_none() {
            self.sign_in().await?;
        }
        let page = self.client.get(url).await?;
        if self.learn(&page) || !self.has_account() {
            return Ok(page);
        }
        if self.member.is_none() {
            self.renew().await?;
        }
        let page = self.client.get(url).await?;
        if self.learn(&page) {
            return Ok(page);
        }
        if self.member.is_some() {
            return Err(signed_out());
        }
        Err(Failure::Later {
            after: self.later,
            reason: "the forum forgets the bridge's log-in at once".to_owned(),
        })
    }

    /// Takes what a page says of its viewer. False when it was shown to a guest.
    pub fn learn(&self, page: &Page) -> bool {
        let head = parse::head(&page.text);
        let mut state = self.lock();
        state.encoding = page.encoding;
        match head.signed_in() {
            Some(true) => {
                if let Some(token) = head.token {
                    state.token = Some((token, self.clock.monotonic()));
                }
                if let Some(user) = head.user.filter(|user| *user > 0) {
                    state.user = Some(user);
                }
                true
            }
            Some(false) => false,
            // A page without a head (an error of the server, a check for robots) says nothing.
            None => true,
        }
    }

    pub async fn sign_in(&self) -> Result<Option<Account>, Failure> {
        let Some(account) = &self.account else { return Ok(None) };
        let _door = self.door.lock().await;
        if self.lock().user.is_none() {
            self.log_in(account).await?;
        }
        Ok(Some(Account {
            id: self.lock().user.map(|id| MemberId::new(id.to_string())),
            name: account.username.clone(),
        }))
    }

    /// Signs in anew.
    pub async fn renew(&self) -> Result<(), Failure> {
        if self.member.is_some() {
            return Err(signed_out());
        }
        let Some(account) = &self.account else {
            return Err(Failure::SignIn(
                "the forum wants a log-in; set forums.username and forums.password".to_owned(),
            ));
        };
        let _door = self.door.lock().await;
        {
            let mut state = self.lock();
            state.token = None;
            state.user = None;
        }
        self.client.cookies.clear();
        self.log_in(account).await
    }

    async fn log_in(&self, account: &AccountConfig) -> Result<(), Failure> {
        let refused = self.lock().refused.clone();
        if let Some((reason, at)) = refused
            && self.clock.monotonic().saturating_duration_since(at) < LOCKED_OUT
        {
            return Err(Failure::SignIn(reason));
        }
        let password = account.password.expose_secret();
        let (plain, utf8) = (md5(&entities(password)), md5(password));
        let fields = [
            ("vb_login_username", account.username.as_str()),
            ("vb_login_password", ""),
            ("vb_login_password_hint", "Password"),
            ("vb_login_md5password", plain.as_str()),
            ("vb_login_md5password_utf", utf8.as_str()),
            ("cookieuser", "1"),
            ("s", ""),
            ("securitytoken", "guest"),
            ("do", "login"),
        ];
        let url = links::script(self.client.base(), "login.php?do=login");
        let sent = match self.client.post(&url, &fields, self.encoding()).await {
            Ok(sent) => sent,
            // A log-in whose answer was lost harms nobody; it is tried again.
            Err(Failure::Uncertain { reason }) => {
                return Err(Failure::Later { after: self.later, reason });
            }
            Err(failure) => return Err(failure),
        };
        let page = match sent {
            Sent::Page(page) => page,
            Sent::Redirect(target) => self.client.get(&target).await?,
        };
        let head = parse::head(&page.text);
        if head.signed_in() == Some(true) {
            self.learn(&page);
            if self.lock().user.is_none() {
                let home = self.client.get(&self.client.base().clone()).await?;
                self.learn(&home);
                self.lock().user.get_or_insert(0);
            }
            self.lock().refused = None;
            return Ok(());
        }
        match parse::what_is(&page.text) {
            kind @ (PageKind::Maintenance(_) | PageKind::Challenge | PageKind::Empty | PageKind::CutOff) => {
                let reason = kind.describe("the log-in");
                self.client.closed(&reason);
                Err(Failure::Later { after: self.later, reason })
            }
            PageKind::Message { text, .. } => {
                let reason = refusal(&text, &account.username);
                self.lock().refused = Some((reason.clone(), self.clock.monotonic()));
                Err(Failure::SignIn(reason))
            }
            other => Err(Failure::Unreadable(other.describe("the forum's answer to a log-in"))),
        }
    }

    /// A token that forms are taken with.
    pub async fn token(&self) -> Result<String, Failure> {
        if !self.has_account() {
            return Err(Failure::SignIn(
                "the bridge has no account on this forum; set forums.username and forums.password".to_owned(),
            ));
        }
        let fresh = |state: &State, now: Instant| {
            let (token, at) = state.token.as_ref()?;
            (now.saturating_duration_since(*at) < TOKEN_AGE).then(|| token.clone())
        };
        if let Some(token) = fresh(&self.lock(), self.clock.monotonic()) {
            return Ok(token);
        }
        self.get(&self.client.base().clone()).await?;
        fresh(&self.lock(), self.clock.monotonic())
            .ok_or_else(|| Failure::Unreadable("the forum's pages carry no security token".to_owned()))
    }

    pub fn forget_token(&self) {
        self.lock().token = None;
    }

    /// The forum wants a pause between posts of one member, wherever they are.
    pub fn flood(&self, wait: Duration) {
        self.lock().flood = Some(self.clock.monotonic() + wait);
    }

    pub fn flood_free(&self) -> Result<(), Failure> {
        let left = self.lock().flood.and_then(|until| until.checked_duration_since(self.clock.monotonic()));
        match left.filter(|left| !left.is_zero()) {
            Some(after) => Err(Failure::Later {
                after,
                reason: format!("the forum takes the next post in {} s", after.as_secs().max(1)),
            }),
            None => Ok(()),
        }
    }
}

fn signed_out() -> Failure {
    Failure::refused(RefusalKind::SignedOut, "the forum no longer knows the session that you signed in with")
}

fn refusal(text: &str, username: &str) -> String {
    let lower = text.to_lowercase();
    if lower.contains("quota") || lower.contains("15 min") {
        format!(
            "{LOCKED} from here for 15 minutes after too many wrong passwords; check forums.username and forums.password"
        )
    } else if lower.contains("banned") || lower.contains("gesperrt") {
        format!("{BANNED} {username}: {text}")
    } else {
        format!(
            "the forum does not accept the name or the password of the account {username}; check forums.username and forums.password"
        )
    }
}

/// As the browser's script does: what Latin-1 can't hold becomes numeric entities before it is digested.
fn entities(password: &str) -> String {
    password
        .chars()
        .map(|c| if (c as u32) > 255 { format!("&#{};", c as u32) } else { c.to_string() })
        .collect()
}

fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
