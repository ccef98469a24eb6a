//! Pages of a topic or a category, and where in them a post is.

use crate::forum::{Actor, Failure};
use crate::model::{BoardId, PostId, Thanks, ThreadId, ThreadPage};

use super::{Nodebb, links, parse, wire};

impl Nodebb {
    async fn topic(&self, thread: &ThreadId, page: u32) -> Result<wire::Topic, Failure> {
        let number = page.max(1).to_string();
        // Accounts can be set to see the newest posts first.
        let query = [("page", number.as_str()), ("sort", "oldest_to_newest")];
        let topic: wire::Topic = self.api.read(&["api", "topic", thread.as_str()], &query).await?;
        self.api.made_for_us(topic.logged_in).await?;
        self.state().pages.insert(thread.clone(), parse::pages(&topic));
        Ok(topic)
    }

    pub(super) async fn category(&self, board: &BoardId, page: u32) -> Result<wire::CategoryPage, Failure> {
        let number = page.to_string();
        let query = [("page", number.as_str()), ("sort", "recently_replied")];
        let list: wire::CategoryPage = self.api.read(&["api", "category", board.as_str()], &query).await?;
        self.api.made_for_us(list.logged_in).await?;
        Ok(list)
    }

    /// A page, or the last one where the topic is shorter than that by now. Past the end there is an empty page, or none
    /// where the forum is set to have pages.
    pub(super) async fn page(&self, thread: &ThreadId, asked: u32) -> Result<(wire::Topic, u32), Failure> {
        let asked = asked.max(1);
        let (topic, page) = match self.topic(thread, asked).await {
            Err(Failure::Gone(_)) if asked > 1 => (self.topic(thread, 1).await?, 1),
            other => (other?, asked),
        };
        let last = parse::pages(&topic);
        if page == asked && asked <= last || page == last {
            return Ok((topic, page));
        }
        let last = last.min(asked);
        Ok((self.topic(thread, last).await?, last))
    }

    pub(super) async fn last_page(&self, thread: &ThreadId) -> Result<(wire::Topic, u32), Failure> {
        let hint = self.state().pages.get(thread).copied().unwrap_or(1);
        let (topic, page) = self.page(thread, hint).await?;
        let pages = parse::pages(&topic);
        if pages == page { Ok((topic, page)) } else { self.page(thread, pages).await }
    }

    /// The page as the model has it, with who up-voted what on it.
    pub(super) async fn shown(&self, topic: wire::Topic, page: u32) -> Result<ThreadPage, Failure> {
        let mut voters = parse::Voters::new();
        for post in topic.posts.iter().flatten() {
            if post.upvotes > 0 && !post.deleted {
                let known = self.voters(&post.pid, (post.upvotes, post.upvoted)).await?;
                voters.insert(post.pid.clone(), known);
            } else {
                self.state().voters.remove(&post.pid);
            }
        }
        parse::thread_page(topic, page, &voters, self.base())
    }

    /// Who up-voted a post: asked for again only when their number or the bridge's own vote changed. Their number is
    /// shown to more people than their names, and early in version 3 the names are not shown at all.
    async fn voters(&self, post: &str, count: (u64, bool)) -> Result<Vec<Thanks>, Failure> {
        if let Some((known, thanks)) = self.state().voters.get(post)
            && *known == count
        {
            return Ok(thanks.clone());
        }
        let voters: Result<wire::Voters, Failure> =
            self.api.read_as(&Actor::Bridge, &["posts", post, "voters"]).await;
        let thanks = match voters {
            Ok(voters) => parse::thanks(voters),
            Err(Failure::Gone(_)) => {
                let few = self.api.read_as(&Actor::Bridge, &["posts", post, "upvoters"]).await;
                match few {
                    Ok(few) => parse::thanks_by_name(few),
                    Err(Failure::Gone(_) | Failure::Unreadable(_)) => Vec::new(),
                    Err(failure) => return Err(failure),
                }
            }
            Err(Failure::Unreadable(_)) => Vec::new(),
            Err(failure) => return Err(failure),
        };
        self.state().voters.insert(post.to_owned(), (count, thanks.clone()));
        Ok(thanks)
    }

    pub(super) async fn per_page(&self) -> Result<u32, Failure> {
        if let Some(known) = self.state().per_page {
            return Ok(known);
        }
        let config: wire::Config = self.api.read(&["api", "config"], &[]).await?;
        let found = u32::try_from(config.posts_per_page).ok().filter(|number| *number > 0);
        let found = found.unwrap_or(links::PER_PAGE);
        self.state().per_page = Some(found);
        Ok(found)
    }

    /// The topic that a post is in, and its place there, from 1. The first post is always the first.
    pub(super) async fn place(&self, post: &PostId) -> Result<(ThreadId, u32), Failure> {
        let path: String = self.api.read(&["api", "post", post.as_str()], &[]).await?;
        // `/topic/12/a-title/3`; without the number it is the first.
        let path = path.split('?').next().unwrap_or_default();
        let segments = path.split('/').skip_while(|segment| *segment != "topic").collect::<Vec<_>>();
        match segments.as_slice() {
            ["topic", thread, _, index] => {
                let index = index.parse().map_err(|_| misplaced(path))?;
                Ok((ThreadId::new(*thread), index))
            }
            ["topic", thread, ..] => Ok((ThreadId::new(*thread), 1)),
            _ => Err(misplaced(path)),
        }
    }
}

fn misplaced(path: &str) -> Failure {
    Failure::Unreadable(format!("the forum names a strange place for a post: {path:.100}"))
}
