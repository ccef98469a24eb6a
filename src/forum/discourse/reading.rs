//! Pages of a topic, its end, and who liked what on them.

use crate::forum::Failure;
use crate::model::{Thanks, ThreadId, ThreadPage};

use super::{Discourse, parse, wire};

impl Discourse {
    pub(super) async fn topic(&self, thread: &ThreadId, page: u32) -> Result<wire::Topic, Failure> {
        let name = format!("{thread}.json");
        let number = page.to_string();
        let url = if page <= 1 {
            self.address(&["t", &name], &[])
        } else {
            self.address(&["t", &name], &[("page", &number)])
        };
        let topic: wire::Topic = self.api.read(&url).await?;
        self.state().pages.insert(thread.clone(), parse::pages(&topic));
        Ok(topic)
    }

    /// A page, or the last one where the topic is shorter than that by now.
    pub(super) async fn page(&self, thread: &ThreadId, asked: u32) -> Result<(wire::Topic, u32), Failure> {
        let asked = asked.max(1);
        match self.topic(thread, asked).await {
            Err(Failure::Gone(_)) if asked > 1 => {
                let first = self.topic(thread, 1).await?;
                let pages = parse::pages(&first);
                if pages <= 1 {
                    return Ok((first, 1));
                }
                let last = pages.min(asked);
                Ok((self.topic(thread, last).await?, last))
            }
            other => Ok((other?, asked)),
        }
    }

    pub(super) async fn last_page(&self, thread: &ThreadId) -> Result<(wire::Topic, u32), Failure> {
        let hint = self.state().pages.get(thread).copied().unwrap_or(1);
        let (topic, page) = self.page(thread, hint).await?;
        let pages = parse::pages(&topic);
        if pages == page { Ok((topic, page)) } else { self.page(thread, pages).await }
    }

    /// The page as the model has it, with who liked what on it. An unlisted topic is for those who were given its
    /// address, so to everybody else it is gone.
    pub(super) async fn shown(&self, topic: wire::Topic, page: u32) -> Result<ThreadPage, Failure> {
        if topic.visible == Some(false) {
            return Err(Failure::Gone("the forum does not list the thread".to_owned()));
        }
        let mut likers = parse::Likers::new();
        for post in &topic.post_stream.posts {
            match post.likes() {
                Some(likes) if likes.count > 0 => {
                    likers.insert(post.id, self.likers(post.id, (likes.count, likes.acted)).await?);
                }
                _ => {
                    self.state().likers.remove(&post.id);
                }
            }
        }
        let mut page = parse::thread_page(topic, page, &likers, self.base())?;
        if let Some(board) = &page.thread.board.id {
            page.thread.board.name = self.state().boards.get(board).map(|(name, _)| name.clone());
        }
        Ok(page)
    }

    /// Who liked a post: asked for again only when their number or the bridge's own like changed.
    async fn likers(&self, post: u64, count: (u64, bool)) -> Result<Vec<Thanks>, Failure> {
        if let Some((known, thanks)) = self.state().likers.get(&post)
            && *known == count
        {
            return Ok(thanks.clone());
        }
        let (id, kind) = (post.to_string(), wire::LIKE.to_string());
        let url = self.address(&["post_action_users.json"], &[("id", &id), ("post_action_type_id", &kind)]);
        let thanks = match self.api.read::<wire::Likers>(&url).await {
            Ok(likers) => parse::thanks(likers),
            // Their number is shown to more people than their names.
            Err(Failure::Gone(_) | Failure::Unreadable(_)) => Vec::new(),
            Err(failure) => return Err(failure),
        };
        self.state().likers.insert(post, (count, thanks.clone()));
        Ok(thanks)
    }
}
