//! Scripts that write: replies, threads, edits, deletions, and their AJAX halves.

use maud::PreEscaped;

use super::super::bbcode::{count_images, escape, stripped};
use super::super::ledger::{Action, Outcome};
use super::super::page::{forms, thread};
use super::super::state::{EditNote, PostFacts, Sent, ThreadFacts};
use super::{Answer, Stop, Visit, cdata, invalid, message};

/// How long vBulletin remembers a text against double sending, in seconds.
const DUPLICATE: i64 = 300;
const TITLE_LENGTH: usize = 85;

impl Visit<'_> {
    pub(super) fn newreply(&mut self) -> Answer {
        match self.call.text("do") {
            "postreply" if self.call.post => self.reply(),
            _ => {
                let quoted = self.call.number("p").map(|id| self.post(Some(id))).transpose()?;
                let facts = match &quoted {
                    Some((facts, _)) => facts.clone(),
                    None => self.thread(self.call.number("t"))?,
                };
                self.check_may_reply(&facts)?;
                let text = match quoted {
                    Some((_, post)) if !self.call.is("noquote") => {
                        format!("[QUOTE={};{}]{}[/QUOTE]\n", post.name, post.id, without_quotes(&post.text))
                    }
                    _ => String::new(),
                };
                Ok(self.reply_form(&facts, text, Vec::new()))
            }
        }
    }

    fn reply_form(&self, facts: &ThreadFacts, text: String, errors: Vec<String>) -> super::Reply {
        let form = forms::Form {
            script: "newreply",
            heading: "Reply to Thread",
            action: format!("newreply.php?do=postreply&t={}", facts.id),
            hidden: vec![
                ("do", "postreply".into()),
                ("t", facts.id.to_string()),
                ("p", self.call.text("p").into()),
            ],
            lines: vec![("title", self.call.text("title").to_owned())],
            message: text,
            errors,
        };
        self.page(&forms::form(self, &form))
    }

    fn check_may_reply(&self, facts: &ThreadFacts) -> Result<(), Stop> {
        if !self.may_open_thread(facts.board) {
            return Err(Stop::NoPermission);
        }
        if facts.closed && !self.state.is_staff(self.viewer) {
            return Err(message("Sorry! This thread is closed!"));
        }
        Ok(())
    }

    fn reply(&mut self) -> Answer {
        let asked = self.call.number("t").or_else(|| {
            let post = self.state.posts.get(&self.call.number("p")?)?;
            Some(post.thread)
        });
        if self.call.is("loggedinuser") && self.viewer.is_none() {
            self.record(Action::Reply, asked, None, Outcome::Refused("Logged out.".to_owned()));
            return Err(Stop::SessionEnded(
                "Your session timed out while you were composing this post and you were logged out. Please log in and \
                 try again.",
            ));
        }
        let facts = match self.thread(asked).and_then(|facts| self.check_may_reply(&facts).map(|()| facts)) {
            Ok(facts) => facts,
            Err(stop) => {
                let reason = match &stop {
                    Stop::Message(text) => text.clone(),
                    _ => "No permission.".to_owned(),
                };
                self.record(Action::Reply, asked, None, Outcome::Refused(reason));
                return Err(stop);
            }
        };
        let text = self.call.text("message").trim().to_owned();
        if let Some(sent) = self.sent_before(Some(facts.id), facts.board, "", &text) {
            let (post, ajax) = (sent.result.1, self.call.is("ajax"));
            let said = "This post is a duplicate of a post that you have posted in the last five minutes.";
            self.record(Action::Reply, Some(facts.id), Some(post), Outcome::Refused(said.to_owned()));
            if ajax {
                return Ok(self.errors_xml(&[said.to_owned()]));
            }
            let to = format!("showthread.php?t={}&goto=newpost", facts.id);
            return Ok(self.done(
                "newreply",
                &format!("{said} You will be redirected to that thread."),
                &to,
                true,
            ));
        }
        let errors = self.text_errors(&text);
        if let Some(first) = errors.first() {
            self.record(Action::Reply, Some(facts.id), None, Outcome::Refused(first.clone()));
            if self.call.is("ajax") {
                return Ok(self.errors_xml(&errors));
            }
            return Ok(self.reply_form(&facts, text, errors));
        }
        if let Some(old) = self.mergeable(&facts) {
            return Ok(self.merge_into(&facts, old, &text));
        }
        let title = if self.call.is("fromquickreply") || self.call.text("title").is_empty() {
            format!("Re: {}", facts.title)
        } else {
            self.call.text("title").to_owned()
        };
        let id = self.state.add_post(facts.id, self.viewer, &title, &text, self.now);
        self.remember(Some(facts.id), facts.board, "", &text, (facts.id, id));
        if self.call.is("openclose")
            && self.state.is_staff(self.viewer)
            && let Some(thread) = self.state.threads.get_mut(&facts.id)
        {
            thread.closed = !thread.closed;
        }
        if self.holds_back(facts.board, id) {
            self.record(Action::Reply, Some(facts.id), Some(id), Outcome::Awaiting);
            let to = self.thread_url(&facts, 1);
            return Ok(self.done("newreply", AWAITING, &to, true));
        }
        self.record(Action::Reply, Some(facts.id), Some(id), Outcome::Done);
        if self.call.is("ajax") {
            return Ok(self.new_posts_xml(facts.id, id, false));
        }
        Ok(self.done(
            "newreply",
            "Thank you for posting! You will now be taken to your post.",
            &self.new_url(&facts, id),
            false,
        ))
    }

    /// The address after posting: the thread with `p=NEW`.
    fn new_url(&self, facts: &ThreadFacts, post: u64) -> String {
        self.post_url(facts, post)
    }

    /// On a moderated board a new post waits, unless staff wrote it.
    fn holds_back(&mut self, board: u64, post: u64) -> bool {
        let moderated = self.state.boards.get(&board).is_some_and(|board| board.moderated);
        let waits = moderated && !self.state.is_staff(self.viewer);
        if let (true, Some(post)) = (waits, self.state.posts.get_mut(&post)) {
            post.awaiting = true;
        }
        waits
    }

    fn mergeable(&self, facts: &ThreadFacts) -> Option<u64> {
        let within = self.options.merge_within.as_secs().cast_signed();
        let last = self.state.last_public_post(facts)?;
        let young = self.now.as_second() - last.at.as_second() < within;
        (within > 0 && young && last.member == self.viewer && facts.posts.first() != Some(&last.id))
            .then_some(last.id)
    }

    fn merge_into(&mut self, facts: &ThreadFacts, old: u64, text: &str) -> super::Reply {
        let now = self.now;
        if let Some(post) = self.state.posts.get_mut(&old) {
            post.text = format!("{}\n\n{text}", post.text);
            post.edited = Some(EditNote { by: post.name.clone(), at: now, reason: String::new() });
        }
        self.remember(Some(facts.id), facts.board, "", text, (facts.id, old));
        self.record(Action::Reply, Some(facts.id), Some(old), Outcome::Merged);
        if self.call.is("ajax") {
            return self.new_posts_xml(facts.id, old, true);
        }
        self.done(
            "newreply",
            "Thank you for posting! You will now be taken to your post.",
            &self.new_url(facts, old),
            false,
        )
    }

    /// The AJAX answer to a reply: every post since the page was loaded, and the new one's id.
    fn new_posts_xml(&self, thread: u64, new: u64, merged: bool) -> super::Reply {
        let since = self.call.number("ajax_lastpost").unwrap_or(u64::MAX).cast_signed();
        let Some(facts) = self.state.threads.get(&thread) else { return self.xml("<postbits></postbits>") };
        let mut xml = String::from("<postbits>\n");
        for (at, post) in self.state.visible_posts(self.viewer, facts).iter().enumerate() {
            let newer = since >= 0 && post.at.as_second() > since;
            if post.id == new || newer {
                let html = thread::postbit(self, facts, post, at + 1).into_string();
                xml.push_str(&format!("<postbit postid=\"{}\">{}</postbit>\n", post.id, cdata(&html)));
            }
        }
        if merged {
            xml.push_str(&format!("<updatepost>{new}</updatepost>\n"));
        }
        xml.push_str(&format!(
            "<time>{}</time>\n<newpostid>{new}</newpostid>\n</postbits>",
            self.now.as_second()
        ));
        self.xml(&xml)
    }

    fn errors_xml(&self, errors: &[String]) -> super::Reply {
        let errors: String = errors.iter().map(|error| format!("<error>{}</error>", cdata(error))).collect();
        self.xml(&format!("<errors>{errors}</errors>"))
    }

    /// Everything wrong with a text and its sender, as the form lists it.
    fn text_errors(&self, text: &str) -> Vec<String> {
        let options = self.options;
        let mut errors = Vec::new();
        let length = text.chars().count();
        if stripped(text).chars().count() < options.min_length {
            errors.push(format!(
                "The message you have entered is too short. Please lengthen your message to at least {} characters.",
                options.min_length
            ));
        } else if length > options.max_length {
            errors.push(format!(
                "The text that you have entered is too long ({length} characters). Please shorten it to {} characters \
                 long.",
                options.max_length
            ));
        }
        let images = if length > options.max_length { 0 } else { count_images(text) };
        if images > options.max_images {
            errors.push(format!(
                "You have included a total of {images} images in your message.  The maximum number that you may include \
                 is {}.  Please correct the problem and then continue again.",
                options.max_images
            ));
        }
        if errors.is_empty() {
            errors.extend(self.flood_error());
        }
        errors
    }

    fn flood_error(&self) -> Option<String> {
        let gap = self.options.flood.as_secs().cast_signed();
        if gap == 0 {
            return None;
        }
        let last = self
            .viewer
            .and_then(|id| self.state.members.get(&id))
            .filter(|member| !member.staff)?
            .posted_at?;
        let left = gap - (self.now.as_second() - last.as_second());
        (left > 0).then(|| {
            format!(
                "This forum requires that you wait {gap} seconds between posts. Please try again in {left} seconds."
            )
        })
    }

    fn sent_before(&mut self, thread: Option<u64>, board: u64, title: &str, text: &str) -> Option<Sent> {
        if !self.options.refuse_duplicates {
            return None;
        }
        let now = self.now.as_second();
        self.state.sent.retain(|sent| now - sent.at.as_second() < DUPLICATE);
        let same = |sent: &&Sent| {
            sent.member == self.viewer
                && sent.thread == thread
                && sent.board == board
                && sent.title == title
                && sent.text == text
        };
        self.state.sent.iter().find(same).cloned()
    }

    fn remember(&mut self, thread: Option<u64>, board: u64, title: &str, text: &str, result: (u64, u64)) {
        let (title, text) = (title.to_owned(), text.to_owned());
        self.state.sent.push(Sent { at: self.now, member: self.viewer, thread, board, title, text, result });
    }

    pub(super) fn newthread(&mut self) -> Answer {
        let board = self.call.number("f").ok_or_else(|| invalid("Forum"))?;
        if !self.state.boards.contains_key(&board) {
            return Err(invalid("Forum"));
        }
        if !self.may_open_thread(board) {
            self.record(Action::OpenThread, None, None, Outcome::Refused("No permission.".to_owned()));
            return Err(Stop::NoPermission);
        }
        let subject = self.call.text("subject").trim().to_owned();
        let text = self.call.text("message").trim().to_owned();
        let tags = self.call.text("taglist").to_owned();
        let mut errors = Vec::new();
        let sending = self.call.post && self.call.text("do") == "postthread";
        if sending {
            if let Some(sent) = self.sent_before(None, board, &subject, &text) {
                let said =
                    "This thread is a duplicate of a thread that you have posted in the last five minutes.";
                let (thread, post) = sent.result;
                self.record(Action::OpenThread, Some(thread), Some(post), Outcome::Refused(said.to_owned()));
                let to = format!("showthread.php?t={thread}");
                let text = format!("{said} You will be redirected to that thread.");
                return Ok(self.done("newthread", &text, &to, true));
            }
            if subject.is_empty() {
                errors.push("You must enter a title / subject for your thread.".to_owned());
            }
            let length = subject.chars().count();
            if length > TITLE_LENGTH {
                errors.push(format!(
                    "The title that you have entered is too long ({length} characters). Please shorten it to \
                     {TITLE_LENGTH} characters long."
                ));
            }
            errors.extend(self.text_errors(&text));
        }
        if !sending || !errors.is_empty() {
            if let Some(first) = errors.first() {
                self.record(Action::OpenThread, None, None, Outcome::Refused(first.clone()));
            }
            let form = forms::Form {
                script: "newthread",
                heading: "Post New Thread",
                action: format!("newthread.php?do=postthread&f={board}"),
                hidden: vec![("do", "postthread".to_owned()), ("f", board.to_string())],
                lines: vec![("subject", subject), ("taglist", tags)],
                message: text,
                errors,
            };
            return Ok(self.page(&forms::form(self, &form)));
        }
        let (id, post) = self.state.add_thread(board, self.viewer, &subject, &text, self.now);
        self.remember(None, board, &subject, &text, (id, post));
        if let Some(thread) = self.state.threads.get_mut(&id) {
            thread.tags =
                tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        }
        if self.holds_back(board, post) {
            self.record(Action::OpenThread, Some(id), Some(post), Outcome::Awaiting);
            let to = self.board_url(board, 1);
            return Ok(self.done("newthread", AWAITING, &to, true));
        }
        self.record(Action::OpenThread, Some(id), Some(post), Outcome::Done);
        let facts = self.thread(Some(id))?;
        Ok(self.done("newthread", "Thank you for posting!", &self.new_url(&facts, post), false))
    }

    /// The post that the viewer may edit now.
    fn editable(&self, id: Option<u64>) -> Result<(ThreadFacts, PostFacts), Stop> {
        let (facts, post) = self.post(id)?;
        if !self.may_edit(&post) {
            return Err(Stop::NoPermission);
        }
        if self.state.is_staff(self.viewer) {
            return Ok((facts, post));
        }
        if facts.closed {
            return Err(message("Sorry! This thread is closed!"));
        }
        let age = self.now.as_second() - post.at.as_second();
        if let Some(limit) = self.options.edit_within.filter(|limit| age > limit.as_secs().cast_signed()) {
            return Err(message(format!(
                "The administrator has specified that you can only edit messages for {} minutes after you have posted. \
                 This limit has expired, so you must contact the administrator to make alterations on your message.",
                limit.as_secs() / 60
            )));
        }
        Ok((facts, post))
    }

    pub(super) fn editpost(&mut self) -> Answer {
        let id = self.call.number("p").or_else(|| self.call.number("postid"));
        let action = match self.call.text("do") {
            "updatepost" if self.call.post => Action::Edit,
            "deletepost" if self.call.post => Action::Delete,
            _ => {
                let (_, post) = self.editable(id)?;
                return Ok(self.edit_form(&post, post.text.clone(), Vec::new()));
            }
        };
        let (facts, post) = match self.editable(id) {
            Ok(found) => found,
            Err(stop) => {
                let reason = match &stop {
                    Stop::Message(text) => text.clone(),
                    _ => "No permission.".to_owned(),
                };
                self.record(action, None, id, Outcome::Refused(reason));
                return Err(stop);
            }
        };
        match action {
            Action::Edit => Ok(self.update(&facts, &post)),
            _ => self.delete(&facts, &post),
        }
    }

    fn edit_form(&self, post: &PostFacts, text: String, errors: Vec<String>) -> super::Reply {
        let reason = post.edited.as_ref().map(|note| note.reason.clone()).unwrap_or_default();
        let form = forms::Form {
            script: "editpost",
            heading: "Edit Post",
            action: format!("editpost.php?do=updatepost&p={}", post.id),
            hidden: vec![("do", "updatepost".to_owned()), ("p", post.id.to_string())],
            lines: vec![("title", post.title.clone()), ("reason", reason)],
            message: text,
            errors,
        };
        self.page(&forms::form(self, &form))
    }

    fn update(&mut self, facts: &ThreadFacts, post: &PostFacts) -> super::Reply {
        let text = self.call.text("message").trim().to_owned();
        let mut errors = self.text_errors(&text);
        // Flood control is for new posts.
        errors.retain(|error| !error.contains("between posts"));
        if let Some(first) = errors.first() {
            self.record(Action::Edit, Some(facts.id), Some(post.id), Outcome::Refused(first.clone()));
            if self.call.is("ajax") {
                return self.errors_xml(&errors);
            }
            return self.edit_form(post, text, errors);
        }
        let (title, reason) = (self.call.text("title").to_owned(), self.call.text("reason").to_owned());
        let by = self
            .viewer
            .and_then(|id| self.state.members.get(&id))
            .map(|m| m.name.clone())
            .unwrap_or_default();
        let (now, ajax) = (self.now, self.call.is("ajax"));
        if let Some(post) = self.state.posts.get_mut(&post.id) {
            post.text = text;
            if !ajax {
                post.title = title;
            }
            post.edited = Some(EditNote { by, at: now, reason });
        }
        self.record(Action::Edit, Some(facts.id), Some(post.id), Outcome::Done);
        if ajax {
            return self.new_posts_xml(facts.id, post.id, true);
        }
        let to = self.post_url(facts, post.id);
        self.done("editpost", "Thank you! Your message has been edited.", &to, false)
    }

    fn delete(&mut self, facts: &ThreadFacts, post: &PostFacts) -> Answer {
        let staff = self.state.is_staff(self.viewer);
        let first = facts.posts.first() == Some(&post.id);
        let how = self.call.text("deletepost");
        if (first || how == "remove") && !staff {
            let outcome = Outcome::Refused("No permission.".to_owned());
            self.record(Action::Delete, Some(facts.id), Some(post.id), outcome);
            return Err(Stop::NoPermission);
        }
        let to_thread = self.thread_url(facts, 1);
        let (done, to) = match (how, first) {
            ("remove", true) => {
                self.state.remove_thread(facts.id);
                (true, self.board_url(facts.board, 1))
            }
            ("remove", false) => {
                self.state.remove_post(post.id);
                (true, to_thread)
            }
            ("delete" | "soft", true) => {
                if let Some(thread) = self.state.threads.get_mut(&facts.id) {
                    thread.deleted = true;
                }
                (true, self.board_url(facts.board, 1))
            }
            ("delete" | "soft", false) => {
                if let Some(post) = self.state.posts.get_mut(&post.id) {
                    post.deleted = true;
                }
                (true, to_thread)
            }
            // Nothing is deleted, yet the answer is the same redirect.
            _ => (false, to_thread),
        };
        let outcome = if done { Outcome::Done } else { Outcome::Refused("Nothing was chosen.".to_owned()) };
        self.record(Action::Delete, Some(facts.id), Some(post.id), outcome);
        Ok(self.done("editpost", "Thank you! The message has been deleted.", &to, false))
    }

    /// `ajax.php`: a fresh token, the source of a post, opening and closing.
    pub(super) fn ajax(&mut self) -> Answer {
        match self.call.text("do") {
            "securitytoken" => {
                if self.viewer.is_none() {
                    return Err(Stop::NoPermission);
                }
                Ok(self.xml(&format!("<securitytoken>{}</securitytoken>", self.token)))
            }
            "quickedit" if !self.options.quick_edit => Ok(self.xml("<disabled>true</disabled>")),
            "quickedit" => {
                let (_, post) =
                    self.editable(self.call.number("postid").or_else(|| self.call.number("p")))?;
                let reason = post.edited.as_ref().map(|note| escape(&note.reason)).unwrap_or_default();
                let area = maud::html! {
                    textarea name="message" id={ "vB_Editor_QE_" (post.id) "_editor" } { "\n" (PreEscaped(escape(&post.text))) }
                };
                Ok(self.xml(&format!(
                    "<quickedit><editor reason=\"{reason}\" parsetype=\"0\" parsesmilies=\"1\" mode=\"0\">{}</editor></quickedit>",
                    cdata(&area.into_string())
                )))
            }
            "updatethreadopen" => {
                let facts = self.thread(self.call.number("threadid").or_else(|| self.call.number("t")))?;
                if !self.state.is_staff(self.viewer) {
                    return Err(Stop::NoPermission);
                }
                let open = matches!(self.call.text("open"), "1" | "true");
                if let Some(thread) = self.state.threads.get_mut(&facts.id) {
                    thread.closed = !open;
                }
                self.record(Action::OpenOrClose, Some(facts.id), None, Outcome::Done);
                Ok(self.xml(&format!("<status>{}</status>", if open { "open" } else { "closed" })))
            }
            _ => Err(Stop::NoPermission),
        }
    }
}

const AWAITING: &str = "Thank you for posting! Your post will not be visible until a moderator has approved it for posting. \
                        You will now be taken back.";

/// vBulletin drops the quotes inside a quoted post.
fn without_quotes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut depth = 0usize;
    while let Some(at) = rest.find('[') {
        let (before, tag) = rest.split_at(at);
        let lower = tag.get(..8.min(tag.len())).unwrap_or("").to_ascii_lowercase();
        if depth == 0 {
            out.push_str(before);
        }
        let end = tag.find(']').map_or(tag.len(), |end| end + 1);
        if lower.starts_with("[quote=") || lower.starts_with("[quote]") {
            depth += 1;
            rest = &tag[end..];
        } else if depth > 0 && lower.starts_with("[/quote]") {
            depth -= 1;
            rest = &tag[end..];
        } else {
            if depth == 0 {
                out.push('[');
            }
            rest = &tag[1..];
        }
    }
    if depth == 0 {
        out.push_str(rest);
    }
    out.trim().to_owned()
}
