//! Searches: each is kept under a number, and the answer leads there.

use super::super::ledger::{Action, Outcome};
use super::super::page::search;
use super::super::state::{Hits, PostFacts, Search, ThreadFacts};
use super::super::wire::Reply;
use super::{Answer, Stop, Visit, message};

/// vBulletin's own limit of hits.
const HITS: usize = 500;
const NO_MATCH: &str = "Sorry - no matches. Please try some different terms.";

impl Visit<'_> {
    pub(super) fn search(&mut self) -> Answer {
        if let Some(id) = self.call.number("searchid") {
            let found = self.state.searches.get(&id).filter(|search| search.viewer == self.viewer);
            let hits = found.map(|search| search.hits.clone()).ok_or_else(|| {
                message(
                    "Invalid Search specified. If you followed a valid link, please notify the administrator",
                )
            })?;
            return Ok(self.page(&search::results(self, id, &hits, self.call.page().unwrap_or(1))));
        }
        let as_posts = self.call.is("showposts");
        match self.call.text("do") {
            "getnew" => {
                let Some(me) = self.viewer.and_then(|id| self.state.members.get(&id)) else {
                    return Err(Stop::NoPermission);
                };
                let since = me.last_visit;
                self.run(as_posts, "Sorry, there are no new items to view.", |_, post| post.at > since)
            }
            "getdaily" => {
                let days = self.call.number("days").unwrap_or(1).clamp(1, 365) as i64;
                let since = self.now.as_second() - days * 86_400;
                self.run(as_posts, NO_MATCH, |_, post| post.at.as_second() >= since)
            }
            "finduser" => {
                let user = self.call.number("userid").or_else(|| self.call.number("u"));
                self.run(as_posts, NO_MATCH, |_, post| post.member.is_some() && post.member == user)
            }
            "process" => {
                let query = self.call.text("query").to_lowercase();
                let author = self.call.text("searchuser").to_lowercase();
                let (tag, within) =
                    (self.call.text("tag").to_lowercase(), self.call.number("searchthreadid"));
                if query.trim().is_empty() && author.is_empty() && tag.is_empty() {
                    return Err(message(NO_MATCH));
                }
                let titles_only = self.call.is("titleonly");
                let boards = self.call.numbers("forumchoice");
                let as_posts = as_posts || within.is_some();
                self.run(as_posts, NO_MATCH, |thread, post| {
                    let title = thread.title.to_lowercase();
                    let text = post.text.to_lowercase();
                    let says = |word: &str| title.contains(word) || (!titles_only && text.contains(word));
                    query.split_whitespace().all(says)
                        && (author.is_empty() || post.name.to_lowercase() == author)
                        && (tag.is_empty() || thread.tags.iter().any(|own| own.to_lowercase() == tag))
                        && within.is_none_or(|id| id == thread.id)
                        && (boards.is_empty() || boards.contains(&thread.board))
                })
            }
            _ => Err(message(NO_MATCH)),
        }
    }

    fn run(
        &mut self,
        as_posts: bool,
        none: &str,
        wanted: impl Fn(&ThreadFacts, &PostFacts) -> bool,
    ) -> Answer {
        let include = [self.call.numbers("include"), self.call.numbers("forumids")].concat();
        let exclude = self.call.numbers("exclude");
        let mut posts: Vec<&PostFacts> = self
            .state
            .threads
            .values()
            .filter(|thread| self.state.sees_thread(self.viewer, thread))
            .filter(|thread| include.is_empty() || include.contains(&thread.board))
            .filter(|thread| !exclude.contains(&thread.board))
            .flat_map(|thread| {
                let posts = self.state.visible_posts(self.viewer, thread);
                posts.into_iter().map(move |post| (thread, post))
            })
            .filter(|(thread, post)| wanted(thread, post))
            .map(|(_, post)| post)
            .collect();
        posts.sort_by_key(|post| std::cmp::Reverse((post.at, post.id)));
        if posts.is_empty() {
            self.record(Action::Search, None, None, Outcome::Refused(none.to_owned()));
            return Err(message(none));
        }
        let hits = if as_posts {
            Hits::Posts(posts.into_iter().take(HITS).map(|post| post.id).collect())
        } else {
            let mut threads = Vec::new();
            for post in posts {
                if !threads.contains(&post.thread) && threads.len() < HITS {
                    threads.push(post.thread);
                }
            }
            Hits::Threads(threads)
        };
        let id = self.state.fresh_id();
        self.state.searches.insert(id, Search { hits, viewer: self.viewer });
        self.record(Action::Search, None, None, Outcome::Done);
        Ok(Reply::redirect(303, &format!("{}search.php?searchid={id}", self.forum.url())))
    }
}
