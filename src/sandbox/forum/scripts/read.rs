//! Scripts that only show: the front page, boards, threads, single posts, print.

use super::super::Links;
use super::super::page::{board, forms, thread};
use super::super::wire::Reply;
use super::{Answer, Stop, Visit, invalid, message};

impl Visit<'_> {
    pub(super) fn home(&self) -> Reply {
        self.page(&board::home(self))
    }

    pub(super) fn forumdisplay(&self) -> Answer {
        let named = self.call.path.strip_prefix("/forums/").and_then(|rest| rest.split('/').next());
        let by_name = || {
            let boards = &self.state.boards;
            let named = named?;
            boards
                .values()
                .find(|board| super::slug(&board.name).eq_ignore_ascii_case(named))
                .map(|board| board.id)
        };
        let id = self.call.number("f").or_else(|| self.call.friendly_id()).or_else(by_name);
        let id = id.ok_or_else(|| invalid("Forum"))?;
        let facts = self.state.boards.get(&id).cloned().ok_or_else(|| invalid("Forum"))?;
        if !self.state.sees_board(self.viewer, id) {
            return Err(Stop::NoPermission);
        }
        Ok(self.page(&board::page(self, &facts, self.call.page().unwrap_or(1))))
    }

    pub(super) fn showthread(&mut self) -> Answer {
        let rewritten = self.read_rewritten();
        if let Some((id, page, None)) = rewritten {
            let facts = self.thread(Some(id))?;
            return Ok(self.show(&facts, page));
        }
        let named = rewritten.and_then(|(_, _, post)| post);
        let post = named.or_else(|| self.call.number("p")).or_else(|| self.call.number("postid"));
        if let Some(post) = post {
            let (facts, post) = self.post(Some(post))?;
            if self.options.links == Links::Rewritten && rewritten.is_none() {
                let to = format!("{}{}", self.forum.url(), self.post_url(&facts, post.id));
                return Ok(Reply::redirect(301, &to));
            }
            let page = self.page_of(self.place(&facts, post.id));
            return Ok(self.show(&facts, page));
        }
        let id = self
            .call
            .number("t")
            .or_else(|| self.call.number("threadid"))
            .or_else(|| self.call.friendly_id());
        let facts = self.thread(id)?;
        match self.call.text("goto") {
            "lastpost" | "newpost" => {
                let posts = self.state.visible_posts(self.viewer, &facts);
                let visit =
                    self.viewer.and_then(|id| self.state.members.get(&id)).map(|member| member.last_visit);
                let wanted = match (self.call.text("goto"), visit) {
                    ("newpost", Some(visit)) => posts.iter().find(|post| post.at > visit).or(posts.last()),
                    _ => posts.last(),
                };
                let post = wanted.map(|post| post.id).ok_or_else(|| invalid("Thread"))?;
                Ok(Reply::redirect(302, &format!("{}{}", self.forum.url(), self.post_url(&facts, post))))
            }
            direction @ ("nextnewest" | "nextoldest") => self.neighbour(&facts, direction == "nextnewest"),
            _ => {
                let page = self.call.page().unwrap_or(1);
                if self.options.links == Links::Rewritten {
                    let to = format!("{}{}", self.forum.url(), self.thread_url(&facts, page));
                    return Ok(Reply::redirect(301, &to));
                }
                Ok(self.show(&facts, page))
            }
        }
    }

    fn show(&mut self, facts: &super::ThreadFacts, page: usize) -> Reply {
        if let Some(thread) = self.state.threads.get_mut(&facts.id) {
            thread.views += 1;
        }
        self.page(&thread::page(self, facts, page))
    }

    fn page_of(&self, place: usize) -> usize {
        place.div_ceil(self.options.posts_per_page.max(1))
    }

    fn neighbour(&mut self, facts: &super::ThreadFacts, newer: bool) -> Answer {
        let last = |t: &super::ThreadFacts| self.state.last_public_post(t).map(|post| (post.at, post.id));
        let own = last(facts);
        let mut others: Vec<_> = self.state.board_threads(self.viewer, facts.board);
        others.retain(|other| {
            other.id != facts.id && if newer { last(other) > own } else { last(other) < own }
        });
        others.sort_by_key(|other| last(other));
        let found = if newer { others.first() } else { others.last() };
        match found.map(|thread| (*thread).clone()) {
            Some(thread) => Ok(self.show(&thread, 1)),
            None if newer => {
                Err(message("There are no threads newer than the previous one you were viewing."))
            }
            None => Err(message("There are no threads older than the previous one you were viewing.")),
        }
    }

    pub(super) fn showpost(&self) -> Answer {
        let (facts, post) = self.post(self.call.number("p").or_else(|| self.call.number("postid")))?;
        let number = self.place(&facts, post.id);
        Ok(self.page(&forms::single_post(self, &facts, &post, number)))
    }

    pub(super) fn printthread(&self) -> Answer {
        let facts = self.thread(self.call.number("t").or_else(|| self.call.friendly_id()))?;
        let per_page =
            self.call.number("pp").map_or(self.options.posts_per_page, |pp| pp.clamp(1, 40) as usize);
        Ok(self.page(&forms::print(self, &facts, per_page, self.call.page().unwrap_or(1))))
    }
}
