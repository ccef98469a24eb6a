//! vBulletin 4 over its own pages, as a browser would use it: nothing is installed on the forum.
//!
//! [`parse`] turns pages into the model, [`session`] signs in and keeps the security token, [`reading`] fetches pages and
//! [`writing`] sends forms, [`answer`] understands what the forum says to one, [`members`] act for those who signed in
//! themselves, and this file is the [`Engine`].
//!
//! The forum's feed (`external.php`) is not read: it lists threads and not posts, shows what guests may see, and may
//! be an hour old. The front page tells at once which boards have news, and a board's list which threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use super::charset;
use super::client::{Client, Limits, Page, Posted as Sent};
use super::{
    Account, Actor, Capabilities, Draft, Engine, Failure, MemberSession, Opened, PageRef, Place, Posted,
    RefusalKind,
};
use crate::clock::Clock;
use crate::config::ForumConfig;
use crate::markup::{Doc, bbcode};
use crate::model::{
    Board, BoardId, BoardPage, Member, MemberId, MemberKey, PostId, Search, SearchPage, ThreadId, ThreadPage,
    ViewerThanks,
};

mod answer;
mod mail;
mod members;
pub mod parse;
mod reading;
mod searches;
mod session;
mod writing;

use answer::Answer;
use parse::{Context, links};
use searches::Searches;
use session::Session;

/// A page that is cut off or stands for something else now is asked for again after this time at the latest.
const SOON: Duration = Duration::from_secs(30);
/// A forum behind a check for robots, or closed by its people.
const LATER: Duration = Duration::from_secs(60);

/// One forum, seen by one viewer.
pub struct Vbulletin4 {
    session: Session,
    searches: Searches,
    /// The highest number of a post that was seen. The forum counts upwards: what it names after a reply and is not
    /// higher is an older post.
    newest: Arc<AtomicU64>,
    /// Those who signed in themselves.
    members: Mutex<HashMap<MemberId, members::Visitor>>,
    zone: TimeZone,
    clock: Arc<dyn Clock>,
    /// How long a forum in trouble is left alone: no longer than one that is well and quiet.
    soon: Duration,
    later: Duration,
}

impl Vbulletin4 {
    pub fn new(config: &ForumConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let usual = Limits::default();
        Self::with_limits(config, clock, Limits { pause: usual.pause.min(config.poll), ..usual })
    }

    fn with_limits(config: &ForumConfig, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, Failure> {
        let client = Client::new(&config.url, config.min_request_gap, limits, clock.clone())?;
        let later = LATER.min(config.poll * 4);
        let session = Session::new(client, config.account.clone(), clock.clone(), later);
        Ok(Self {
            session,
            searches: Searches::default(),
            newest: Arc::default(),
            members: Mutex::default(),
            zone: config.timezone.clone(),
            clock,
            soon: SOON.min(config.poll),
            later,
        })
    }

    fn base(&self) -> &Url {
        self.session.client().base()
    }

    fn context(&self, page: &Page) -> Context {
        Context { url: page.url.clone(), zone: self.zone.clone(), now: Some(self.clock.now()) }
    }
}

#[async_trait]
impl Engine for Vbulletin4 {
    fn capabilities(&self) -> Capabilities {
        let writes = self.session.has_account();
        Capabilities {
            reply: writes,
            edit: writes,
            delete: writes,
            open_thread: writes,
            thank: writes,
            withdraw_thanks: writes,
            act_as_member: false,
            reply_to: false,
            push: false,
            broadcast: false,
        }
    }

    async fn sign_in(&self) -> Result<Option<Account>, Failure> {
        self.session.sign_in().await
    }

    async fn boards(&self) -> Result<Vec<Board>, Failure> {
        self.read(&self.base().clone(), parse::boards).await
    }

    /// The forum's front page, or where a portal took its place the page behind it.
    async fn overview(&self) -> Result<Option<HashMap<BoardId, String>>, Failure> {
        for url in [self.base().clone(), links::script(self.base(), "forum.php")] {
            let marks = self.read(&url, parse::overview).await?;
            if !marks.is_empty() {
                return Ok(Some(marks));
            }
        }
        Ok(None)
    }

    async fn board(&self, board: &BoardId, page: u32) -> Result<BoardPage, Failure> {
        let mut read = self.read(&links::board(self.base(), board, page), parse::board_page).await?;
        read.board.id.get_or_insert_with(|| board.clone());
        self.seen(read.threads.iter().filter_map(|thread| thread.last_post_id.as_ref()));
        Ok(read)
    }

    async fn thread(&self, thread: &ThreadId, page: PageRef) -> Result<ThreadPage, Failure> {
        let url = match page {
            PageRef::Number(number) => links::thread(self.base(), thread, Some(number)),
            PageRef::With(post) => return self.page_with_post(&post).await,
            PageRef::Last => {
                let mut url = links::thread(self.base(), thread, None);
                url.query_pairs_mut().append_pair("goto", "lastpost");
                url
            }
        };
        let mut read = self.thread_at(&url).await?;
        read.thread.id.get_or_insert_with(|| thread.clone());
        Ok(read)
    }

    async fn page_with_post(&self, post: &PostId) -> Result<ThreadPage, Failure> {
        let mut url = links::post(self.base(), post);
        url.set_fragment(None);
        self.thread_at(&url).await
    }

    async fn reply(&self, actor: &Actor, thread: &ThreadId, draft: &Draft) -> Result<Posted, Failure> {
        if let Some(member) = self.acting(actor)? {
            return member.reply(&Actor::Bridge, thread, draft).await;
        }
        let message = bbcode::write(&draft.body);
        let answered = draft.reply_to.as_ref().map_or("who cares", PostId::as_str);
        let specified = if draft.reply_to.is_some() { "1" } else { "0" };
        let script = format!("newreply.php?do=postreply&t={thread}");
        let fields = [
            ("do", "postreply"),
            ("t", thread.as_str()),
            ("p", answered),
            ("specifiedpost", specified),
            ("message", &message),
            ("wysiwyg", "0"),
            ("parseurl", "1"),
            ("fromquickreply", "1"),
            ("posthash", ""),
            ("poststarttime", ""),
            ("s", ""),
            ("sbutton", "Post Quick Reply"),
        ];
        let before = self.newest.load(Ordering::Relaxed);
        match self.submit(&script, &fields).await? {
            Answer::Moved(url) => {
                Ok(links::place(&url).post.map_or(Posted::Unnamed, |post| self.posted(post, before)))
            }
            Answer::Redirected { target, awaiting, .. } => {
                let url = self.base().join(&target).unwrap_or_else(|_| self.base().clone());
                Ok(match links::place(&url).post {
                    Some(post) => self.posted(post, before),
                    None if awaiting => Posted::AwaitingApproval,
                    None => Posted::Unnamed,
                })
            }
            Answer::Shown => Ok(Posted::Unnamed),
            Answer::Unclear(reason) => Err(Failure::Uncertain { reason }),
            Answer::Refused(verdict) => Err(self.refused(verdict)),
        }
    }

    async fn edit(&self, actor: &Actor, post: &PostId, draft: &Draft) -> Result<(), Failure> {
        if let Some(member) = self.acting(actor)? {
            return member.edit(&Actor::Bridge, post, draft).await;
        }
        let mut url = links::script(self.base(), "editpost.php");
        url.query_pairs_mut().append_pair("do", "editpost").append_pair("p", post.as_str());
        let page = self.session.get(&url).await?;
        let form = match answer::form(&page.text, "editpost.php") {
            Some(form) => form,
            None => match answer::read(&page) {
                Answer::Refused(verdict) => return Err(self.refused(verdict)),
                _ => {
                    return Err(Failure::Unreadable(
                        "the forum shows no form to edit the post with".to_owned(),
                    ));
                }
            },
        };
        let message = bbcode::write(&draft.body);
        // Everything that the form held goes back as it was, but for the words.
        let ours = ["do", "p", "postid", "message", "securitytoken", "loggedinuser", "preview", "deletepost"];
        let mut fields: Vec<(&str, &str)> = form
            .iter()
            .filter(|(name, _)| !ours.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        fields.extend([
            ("do", "updatepost"),
            ("p", post.as_str()),
            ("message", message.as_str()),
            ("wysiwyg", "0"),
            ("parseurl", "1"),
        ]);
        let script = format!("editpost.php?do=updatepost&p={post}");
        match self.submit(&script, &fields).await? {
            Answer::Unclear(reason) => Err(Failure::Uncertain { reason }),
            _ => Ok(()),
        }
    }

    async fn delete(&self, actor: &Actor, post: &PostId, reason: &str) -> Result<(), Failure> {
        if let Some(member) = self.acting(actor)? {
            return member.delete(&Actor::Bridge, post, reason).await;
        }
        let (_, found) = match self.post_on_page(post).await {
            Err(Failure::Gone(_)) => return Ok(()),
            other => other?,
        };
        if found.number.is_none_or(|number| number <= 1) {
            let why = "deleting a thread's first post would delete the whole thread";
            return Err(Failure::refused(RefusalKind::Other, why));
        }
        let script = format!("editpost.php?do=deletepost&p={post}");
        let fields = [
            ("do", "deletepost"),
            ("p", post.as_str()),
            ("postid", post.as_str()),
            ("deletepost", "delete"),
            ("reason", reason),
        ];
        self.submit(&script, &fields).await?;
        // The forum sends the browser on whether it deleted or not.
        match self.post_on_page(post).await {
            Err(Failure::Gone(_)) => Ok(()),
            Err(failure) => Err(failure),
            Ok(_) => Err(Failure::refused(
                RefusalKind::NoPermission,
                "the forum does not let the bridge delete this post",
            )),
        }
    }

    async fn open_thread(
        &self,
        actor: &Actor,
        board: &BoardId,
        title: &str,
        draft: &Draft,
    ) -> Result<Opened, Failure> {
        if let Some(member) = self.acting(actor)? {
            return member.open_thread(&Actor::Bridge, board, title, draft).await;
        }
        let message = bbcode::write(&draft.body);
        let script = format!("newthread.php?do=postthread&f={board}");
        let fields = [
            ("do", "postthread"),
            ("f", board.as_str()),
            ("subject", title),
            ("message", &message),
            ("wysiwyg", "0"),
            ("parseurl", "1"),
            ("taglist", ""),
            ("posthash", ""),
            ("poststarttime", ""),
            ("s", ""),
        ];
        let target = match self.submit(&script, &fields).await? {
            Answer::Moved(url) => url,
            Answer::Redirected { target, awaiting: false, .. } => {
                self.base().join(&target).unwrap_or_else(|_| self.base().clone())
            }
            Answer::Redirected { .. } => return Ok(Opened::AwaitingApproval),
            Answer::Shown => {
                return Err(Failure::Uncertain {
                    reason: "the forum did not say where the thread is".to_owned(),
                });
            }
            Answer::Unclear(reason) => return Err(Failure::Uncertain { reason }),
            Answer::Refused(verdict) => return Err(self.refused(verdict)),
        };
        let Place { thread, post, .. } = links::place(&target);
        match (thread, post) {
            (Some(thread), post) => Ok(Opened::Live { thread, post }),
            (None, Some(post)) => match self.page_with_post(&post).await?.thread.id {
                Some(thread) => Ok(Opened::Live { thread, post: Some(post) }),
                None => {
                    Err(Failure::Uncertain { reason: "the forum did not say where the thread is".to_owned() })
                }
            },
            (None, None) => {
                Err(Failure::Uncertain { reason: "the forum did not say where the thread is".to_owned() })
            }
        }
    }

    async fn thank(&self, actor: &Actor, post: &PostId) -> Result<(), Failure> {
        if let Some(member) = self.acting(actor)? {
            return member.thank(&Actor::Bridge, post).await;
        }
        let (_, found) = self.post_on_page(post).await?;
        match found.viewer_thanks {
            ViewerThanks::Given => return Ok(()),
            ViewerThanks::Possible => {}
            ViewerThanks::Unknown if self.thanked_by_us(&found) => return Ok(()),
            ViewerThanks::Unknown => {
                return Err(Failure::refused(
                    RefusalKind::NoPermission,
                    "the forum does not let the bridge thank this post",
                ));
            }
        }
        self.submit("post_thanks.php", &[("do", "post_thanks_add"), ("p", post.as_str())]).await?;
        // A refusal looks like a success here: only the page tells.
        let (_, found) = self.post_on_page(post).await?;
        if found.viewer_thanks == ViewerThanks::Given || self.thanked_by_us(&found) {
            return Ok(());
        }
        Err(Failure::refused(RefusalKind::Other, "the forum did not take the thanks"))
    }

    async fn withdraw_thanks(&self, actor: &Actor, post: &PostId) -> Result<(), Failure> {
        if let Some(member) = self.acting(actor)? {
            return member.withdraw_thanks(&Actor::Bridge, post).await;
        }
        let (_, found) = self.post_on_page(post).await?;
        if found.viewer_thanks != ViewerThanks::Given && !self.thanked_by_us(&found) {
            return Ok(());
        }
        self.submit("post_thanks.php", &[("do", "post_thanks_remove_user"), ("p", post.as_str())]).await?;
        let (_, found) = self.post_on_page(post).await?;
        if found.viewer_thanks == ViewerThanks::Given || self.thanked_by_us(&found) {
            return Err(Failure::refused(
                RefusalKind::Other,
                "the forum does not let the bridge take its thanks back",
            ));
        }
        Ok(())
    }

    fn takes_sessions(&self) -> bool {
        true
    }

    async fn sign_in_member(&self, name: &str, password: &SecretString) -> Result<MemberSession, Failure> {
        self.let_in(name, password).await
    }

    fn resume(&self, member: &MemberId, secret: &SecretString) -> Result<(), Failure> {
        self.carry_on(member, secret)
    }

    fn forget(&self, member: &MemberId) {
        self.let_go(member);
    }

    async fn message_member(
        &self,
        _member: &MemberId,
        name: &str,
        title: &str,
        body: &Doc,
    ) -> Result<(), Failure> {
        self.write_letter(name, title, body).await
    }

    fn member_url(&self, member: &MemberId, _name: &str) -> Option<String> {
        Some(links::member(self.base(), member).to_string())
    }

    async fn search(&self, search: &Search) -> Result<SearchPage, Failure> {
        self.find(search).await
    }

    async fn member(&self, member: &MemberKey) -> Result<Member, Failure> {
        let url = match member {
            MemberKey::Id(id) => links::member(self.base(), id),
            MemberKey::Name(name) => {
                let mut url = links::script(self.base(), "member.php");
                let name = charset::form_value(name, self.session.encoding());
                url.set_query(Some(&format!("username={name}")));
                url
            }
        };
        self.read(&url, parse::member_page).await
    }

    async fn page_at(&self, address: &str) -> Result<ThreadPage, Failure> {
        let elsewhere = || Failure::Gone("this address names no thread of this forum".to_owned());
        let place = self.recognise(address).ok_or_else(elsewhere)?;
        let url = self.base().join(address.trim()).map_err(|_| elsewhere())?;
        match place {
            // Only the forum knows whether the number at the end of such an address is a page.
            Place { thread: Some(_), .. } if links::is_rewritten(&url) => {
                let mut url = Url::parse(&links::cleaned(&url)).unwrap_or(url);
                let anchor = url.fragment().map(str::to_owned);
                url.set_fragment(None);
                let read = self.thread_at(&url).await?;
                // An anchor names a post; the address before it may have been that of another page.
                match (place.post, anchor) {
                    (Some(post), Some(_)) if !read.posts.iter().any(|own| own.id == post) => {
                        self.page_with_post(&post).await
                    }
                    _ => Ok(read),
                }
            }
            Place { post: Some(post), .. } => self.page_with_post(&post).await,
            Place { thread: Some(thread), page, .. } => {
                self.thread(&thread, PageRef::Number(page.unwrap_or(1))).await
            }
            _ => Err(elsewhere()),
        }
    }

    fn post_url(&self, _: &ThreadId, post: &PostId) -> String {
        links::post(self.base(), post).to_string()
    }

    fn thread_url(&self, thread: &ThreadId) -> String {
        links::thread(self.base(), thread, None).to_string()
    }

    fn recognise(&self, url: &str) -> Option<Place> {
        if !url.contains('/') && !url.contains(".php") {
            return None;
        }
        links::recognise(self.base(), url)
    }
}
