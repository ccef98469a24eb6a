//! The `.php` scripts: who is asking, what they may do, and which script answers. Error pages answer
//! HTTP 200, as vBulletin's do.

use jiff::Timestamp;

use super::fault::Fault;
use super::ledger::{Action, Entry, Outcome};
use super::page::notice;
use super::state::{MemberFacts, PostFacts, State, ThreadFacts};
use super::wire::{Call, Reply};
use super::{Forum, Links, Options};

mod account;
mod feed;
mod files;
mod read;
mod search;
mod thanks;
mod write;

/// One request on its way through the forum.
pub(super) struct Visit<'a> {
    pub forum: &'a Forum,
    pub options: &'a Options,
    pub state: &'a mut State,
    pub call: &'a Call,
    pub viewer: Option<u64>,
    pub now: Timestamp,
    /// The security token that goes into the page.
    pub token: String,
    cookies: Vec<String>,
    /// A fault makes the token that was sent count as expired.
    stale: bool,
}

/// Why a script does not do what it was asked.
pub(super) enum Stop {
    /// A message page.
    Message(String),
    NoPermission,
    /// A member's form came after the session had ended: message and log-in form.
    SessionEnded(&'static str),
    /// The security check failed; the text is the end of vBulletin's sentence.
    Token(&'static str),
}

type Answer = Result<Reply, Stop>;

fn message(text: impl Into<String>) -> Stop {
    Stop::Message(text.into())
}

/// What vBulletin says of an id that it does not know (or does not show).
fn invalid(what: &str) -> Stop {
    message(format!(
        "Invalid {what} specified. If you followed a valid link, please notify the administrator"
    ))
}

pub(super) fn answer(forum: &Forum, call: &Call, fault: Option<&Fault>) -> Reply {
    forum.with(|state| {
        if matches!(fault, Some(Fault::ExpireSessions | Fault::SignOut)) {
            state.sessions.close_all();
        }
        let remember = fault != Some(&Fault::SignOut);
        let mut visit = Visit::arrive(forum, state, call, remember);
        visit.stale = fault == Some(&Fault::StaleTokens);
        let script = visit.script();
        let reply = match visit.dispatch(&script) {
            Ok(reply) => reply,
            Err(stop) => visit.turn_away(&script, stop),
        };
        visit.leave(reply)
    })
}

/// The page of a fault that stands in for the script's own.
pub(super) fn instead(forum: &Forum, call: &Call, fault: &Fault) -> Reply {
    forum.with(|state| {
        let mut visit = Visit::arrive(forum, state, call, true);
        let script = visit.script();
        if *fault == Fault::LoginForm {
            visit.become_guest();
            return visit.turn_away(&script, Stop::NoPermission);
        }
        let text =
            notice::message(&visit, &script, "The forum is down for maintenance. Please try again later.");
        visit.page(&text)
    })
}

impl<'a> Visit<'a> {
    fn arrive(forum: &'a Forum, state: &'a mut State, call: &'a Call, remember: bool) -> Self {
        let now = forum.now();
        let options = forum.options();
        let mut cookies = Vec::new();
        let session = call.cookies.get("bb_sessionhash");
        let mut viewer =
            session.and_then(|hash| state.sessions.member(hash, &call.agent, now, options.session_timeout));
        if viewer.is_none() && remember {
            let id = call.cookies.get("bb_userid").and_then(|id| id.parse::<u64>().ok());
            let member = id.and_then(|id| state.members.get(&id));
            if let (Some(member), Some(password)) = (member, call.cookies.get("bb_password"))
                && member.credential.remember() == *password
            {
                let id = member.id;
                let hash = state.sessions.open(id, &call.agent, now);
                cookies.push(format!("bb_sessionhash={hash}; path=/; HttpOnly"));
                viewer = Some(id);
            }
        }
        let token = state.sessions.token(viewer, now);
        Self { forum, options, state, call, viewer, now, token, cookies, stale: false }
    }

    fn leave(self, mut reply: Reply) -> Reply {
        if reply.headers.iter().any(|(name, value)| *name == "content-type" && value.starts_with("text/html"))
        {
            let second = self.now.as_second();
            for name in ["bb_lastvisit", "bb_lastactivity"] {
                reply = reply.with("set-cookie", format!("{name}={second}; path=/; Max-Age=31536000"));
            }
        }
        for cookie in self.cookies {
            reply = reply.with("set-cookie", cookie);
        }
        reply
    }

    fn become_guest(&mut self) {
        self.viewer = None;
        self.token = "guest".to_owned();
    }

    /// The script's name without `.php`; friendly paths name theirs.
    fn script(&self) -> String {
        let path = self.call.path.trim_start_matches('/');
        match path.split_once(".php") {
            Some((script, _)) => script.to_owned(),
            None if path.starts_with("forums/") && path.contains("/index") => "forumdisplay".to_owned(),
            None if path.starts_with("members/") => "member".to_owned(),
            None if path.starts_with("forums/") && path.ends_with(".html") => "showthread".to_owned(),
            None if path.starts_with("threads/") => "showthread".to_owned(),
            None if path.starts_with("forums/") => "forumdisplay".to_owned(),
            None if path.is_empty() => "index".to_owned(),
            None => path.to_owned(),
        }
    }

    fn dispatch(&mut self, script: &str) -> Answer {
        if let Some(file) = self.static_file(script) {
            return Ok(file);
        }
        if let Some(text) = self.state.maintenance.clone().filter(|_| !self.state.is_staff(self.viewer))
            && script != "login"
        {
            return Err(Stop::Message(text));
        }
        if let Some(reason) = self.viewer.and_then(|id| self.state.members.get(&id)?.banned.clone()) {
            return Err(message(format!(
                "You have been banned for the following reason: {reason}\n\nDate the ban will be lifted: Never"
            )));
        }
        let signing_in = script == "login" && self.call.text("do") == "login";
        if self.call.post
            && !signing_in
            && script != "post_thanks"
            && let Err(stop) = self.check_token()
        {
            self.record_refused_token(script, &stop);
            return Err(stop);
        }
        match script {
            "index" | "forum" => Ok(self.home()),
            "forumdisplay" => self.forumdisplay(),
            "showthread" => self.showthread(),
            "showpost" => self.showpost(),
            "printthread" => self.printthread(),
            "newreply" => self.newreply(),
            "newthread" => self.newthread(),
            "editpost" => self.editpost(),
            "ajax" => self.ajax(),
            "post_thanks" => self.post_thanks(),
            "login" => self.login(),
            "member" => self.member_page(),
            "private" => self.private(),
            "search" => self.search(),
            "external" => self.external(),
            "image" => self.avatar(),
            "attachment" => self.attachment(),
            _ => {
                let mut reply =
                    Reply::page(self.options.charset, "<html><body><h1>Not Found</h1></body></html>");
                reply.status = 404;
                Ok(reply)
            }
        }
    }

    /// Checks the token that came with a form.
    fn check_token(&self) -> Result<(), Stop> {
        if self.stale && self.viewer.is_some() {
            return Err(Stop::Token("the token has expired."));
        }
        self.state.sessions.check(self.call.get("securitytoken"), self.viewer, self.now).map_err(Stop::Token)
    }

    fn record_refused_token(&mut self, script: &str, stop: &Stop) {
        let action = match (script, self.call.text("do")) {
            ("newreply", _) => Action::Reply,
            ("newthread", _) => Action::OpenThread,
            ("editpost", "deletepost") => Action::Delete,
            ("editpost", _) => Action::Edit,
            ("private", _) => Action::Mail,
            _ => return,
        };
        let reason = match stop {
            Stop::Token(end) => (*end).to_owned(),
            _ => String::new(),
        };
        let post = self.call.number("p").or_else(|| self.call.number("postid"));
        self.record(action, self.call.number("t"), post, Outcome::Refused(reason));
    }

    fn turn_away(&mut self, script: &str, stop: Stop) -> Reply {
        let text = match &stop {
            Stop::Message(text) => text.clone(),
            Stop::SessionEnded(text) => (*text).to_owned(),
            Stop::NoPermission => {
                "You do not have permission to perform this action. Please refresh the page and login \
                                   before trying again."
                    .to_owned()
            }
            Stop::Token(end) => format!("Your submission could not be processed because {end}"),
        };
        if script == "ajax" || self.call.is("ajax") {
            return self.xml(&format!("<error>{}</error>", cdata(&text)));
        }
        let page = match stop {
            Stop::Message(text) => notice::message(self, script, &text),
            Stop::NoPermission => notice::no_permission(self, script),
            Stop::SessionEnded(text) => notice::session_ended(self, script, text),
            Stop::Token(_) => notice::lite(
                self,
                &format!(
                    "{text}\n\nIf this occurred unexpectedly, please inform the administrator and describe the action \
                     you performed before you received this error."
                ),
            ),
        };
        self.page(&page)
    }

    fn page(&self, text: &str) -> Reply {
        Reply::page(self.options.charset, text)
    }

    fn xml(&self, text: &str) -> Reply {
        Reply::xml(self.options.charset, text)
    }

    /// After something was done: 303, or the redirect page where the board prefers or must.
    fn done(&self, script: &str, text: &str, to: &str, forced_page: bool) -> Reply {
        let to = format!("{}{to}", self.forum.url());
        if self.options.header_redirects && !forced_page {
            Reply::redirect(303, &to)
        } else {
            self.page(&notice::redirect(self, script, text, &to))
        }
    }

    fn record(&mut self, action: Action, thread: Option<u64>, post: Option<u64>, outcome: Outcome) {
        let entry = Entry { at: self.now, member: self.viewer, action, thread, post, outcome };
        self.state.ledger.push(entry);
        self.state.touched();
    }

    /// The thread that this viewer may see.
    fn thread(&self, id: Option<u64>) -> Result<ThreadFacts, Stop> {
        let id = id.ok_or_else(|| {
            message("No Thread specified. If you followed a valid link, please notify the administrator")
        })?;
        let thread = self.state.threads.get(&id).ok_or_else(|| invalid("Thread"))?;
        if !self.state.sees_board(self.viewer, thread.board) {
            return Err(Stop::NoPermission);
        }
        if !self.state.sees_thread(self.viewer, thread) {
            return Err(invalid("Thread"));
        }
        Ok(thread.clone())
    }

    /// The post that this viewer may see, with its thread.
    fn post(&self, id: Option<u64>) -> Result<(ThreadFacts, PostFacts), Stop> {
        let post = id.and_then(|id| self.state.posts.get(&id)).ok_or_else(|| invalid("Post"))?;
        let thread = self.thread(Some(post.thread))?;
        if !post.public() && !self.state.is_staff(self.viewer) {
            return Err(invalid("Post"));
        }
        Ok((thread, post.clone()))
    }

    /// A post's place in its thread, from 1, as this viewer counts.
    fn place(&self, thread: &ThreadFacts, post: u64) -> usize {
        let posts = self.state.visible_posts(self.viewer, thread);
        posts.iter().position(|other| other.id == post).map_or(1, |at| at + 1)
    }

    pub fn may_reply(&self, thread: &ThreadFacts) -> bool {
        let staff = self.state.is_staff(self.viewer);
        self.may_open_thread(thread.board) && (!thread.closed || staff)
    }

    pub fn may_open_thread(&self, board: u64) -> bool {
        let staff = self.state.is_staff(self.viewer);
        self.viewer.is_some()
            && self.state.sees_board(self.viewer, board)
            && self.state.boards.get(&board).is_some_and(|board| staff || !board.read_only)
    }

    pub fn may_edit(&self, post: &PostFacts) -> bool {
        self.viewer.is_some() && (post.member == self.viewer || self.state.is_staff(self.viewer))
    }

    pub fn thread_url(&self, thread: &ThreadFacts, page: usize) -> String {
        match (self.options.links, page) {
            (Links::Standard, 0 | 1) => format!("showthread.php?t={}", thread.id),
            (Links::Standard, page) => format!("showthread.php?t={}&page={page}", thread.id),
            (Links::Rewritten, 0 | 1) => format!("{}.html", self.rewritten(thread)),
            (Links::Rewritten, page) => format!("{}-{page}.html", self.rewritten(thread)),
            (Links::Basic, 0 | 1) => format!("showthread.php?{}-{}", thread.id, slug(&thread.title)),
            (Links::Basic, page) => {
                format!("showthread.php?{}-{}/page{page}", thread.id, slug(&thread.title))
            }
        }
    }

    /// `forums/board-name/12-title`, before page and ending.
    fn rewritten(&self, thread: &ThreadFacts) -> String {
        let board = self.state.boards.get(&thread.board).map(|board| slug(&board.name)).unwrap_or_default();
        format!("forums/{}/{}-{}", board.to_lowercase(), thread.id, slug(&thread.title).to_lowercase())
    }

    /// The thread, page and post that a rewritten address names. A title may end in a number itself,
    /// so the ending counts only after the whole title.
    fn read_rewritten(&self) -> Option<(u64, usize, Option<u64>)> {
        let name = self.call.path.strip_prefix("/forums/")?.strip_suffix(".html")?.rsplit('/').next()?;
        let id: u64 = name.split('-').next()?.parse().ok()?;
        let thread = self.state.threads.get(&id)?;
        let title = format!("{id}-{}", slug(&thread.title).to_lowercase());
        let ending = name.strip_prefix(&title).unwrap_or("");
        let post = ending.strip_prefix("-post").and_then(|post| post.parse().ok());
        let page = ending.strip_prefix('-').and_then(|page| page.parse().ok()).unwrap_or(1);
        Some((id, page, post))
    }

    pub fn post_url(&self, thread: &ThreadFacts, post: u64) -> String {
        match self.options.links {
            Links::Standard => format!("showthread.php?p={post}#post{post}"),
            Links::Rewritten => format!("{}-post{post}.html#post{post}", self.rewritten(thread)),
            Links::Basic => {
                format!("showthread.php?{}-{}&p={post}#post{post}", thread.id, slug(&thread.title))
            }
        }
    }

    pub fn board_url(&self, board: u64, page: usize) -> String {
        let name = self.state.boards.get(&board).map(|board| slug(&board.name)).unwrap_or_default();
        match (self.options.links, page) {
            (Links::Standard, 0 | 1) => format!("forumdisplay.php?f={board}"),
            (Links::Standard, page) => format!("forumdisplay.php?f={board}&page={page}"),
            (Links::Rewritten, 0 | 1) => format!("forums/{}/", name.to_lowercase()),
            (Links::Rewritten, page) => format!("forums/{}/index{page}.html", name.to_lowercase()),
            (Links::Basic, 0 | 1) => format!("forumdisplay.php?{board}-{name}"),
            (Links::Basic, page) => format!("forumdisplay.php?{board}-{name}/page{page}"),
        }
    }

    pub fn member_url(&self, member: &MemberFacts) -> String {
        match self.options.links {
            Links::Standard => format!("member.php?u={}", member.id),
            Links::Rewritten => format!("members/{}.html", slug(&member.name).to_lowercase()),
            Links::Basic => format!("member.php?{}-{}", member.id, slug(&member.name)),
        }
    }
}

/// A title as friendly addresses carry it.
fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}
