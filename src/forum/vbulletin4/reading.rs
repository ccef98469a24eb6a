//! Pages, and what it means that a page is not what was asked for.

use std::sync::atomic::Ordering;

use url::Url;

use crate::forum::client::Page;
use crate::forum::{Engine, Failure};
use crate::model::{Post, PostId, ThreadPage, Visibility};

use super::Vbulletin4;
use super::parse::{self, Context, PageKind};

impl Vbulletin4 {
    /// Reads a page with `read`; where that fails, finds out what the page is.
    pub(super) async fn read<T>(
        &self,
        url: &Url,
        read: impl Fn(&str, &Context) -> Result<T, parse::PageError>,
    ) -> Result<T, Failure> {
        let page = self.session.get(url).await?;
        match read(&page.text, &self.context(&page)) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.instead(&page, &error).await),
        }
    }

    /// What it means that a page is not what was asked for. Only a forum that is plainly up and plainly
    /// says no is believed that something is gone.
    async fn instead(&self, page: &Page, error: &parse::PageError) -> Failure {
        match parse::what_is(&page.text) {
            kind @ (PageKind::Maintenance(_) | PageKind::Challenge) => {
                self.closed(kind.describe("what was asked for"))
            }
            kind @ (PageKind::Empty | PageKind::CutOff) => {
                Failure::Later { after: self.soon, reason: kind.describe("what was asked for") }
            }
            PageKind::Message { text, log_in } => {
                if log_in && self.session.has_account() {
                    return Failure::Later {
                        after: self.soon,
                        reason: "the forum does not know the bridge's account for now".to_owned(),
                    };
                }
                if self.is_up().await {
                    Failure::Gone(text)
                } else {
                    self.closed(format!("the forum says: {text}"))
                }
            }
            _ => Failure::Unreadable(error.to_string()),
        }
    }

    pub(super) fn closed(&self, reason: String) -> Failure {
        self.session.client().closed(&reason);
        Failure::Later { after: self.later, reason }
    }

    /// Whether the front page is a front page: then a refusal was about the one thing asked for.
    async fn is_up(&self) -> bool {
        match self.session.get(self.base()).await {
            Ok(page) => matches!(parse::what_is(&page.text), PageKind::Home | PageKind::Board),
            Err(_) => false,
        }
    }

    /// Whether the front page shows a notice in place of itself.
    pub(super) async fn is_shut(&self) -> bool {
        match self.session.get(self.base()).await {
            Ok(page) => matches!(
                parse::what_is(&page.text),
                PageKind::Maintenance(_) | PageKind::Challenge | PageKind::Message { .. }
            ),
            Err(_) => true,
        }
    }

    pub(super) async fn thread_at(&self, url: &Url) -> Result<ThreadPage, Failure> {
        let page = self.read(url, parse::thread_page).await?;
        self.seen(page.posts.iter().map(|post| &post.id));
        Ok(page)
    }

    pub(super) fn seen<'a>(&self, posts: impl Iterator<Item = &'a PostId>) {
        let newest = posts.filter_map(|post| post.as_str().parse().ok()).max().unwrap_or(0);
        self.newest.fetch_max(newest, Ordering::Relaxed);
    }

    pub(super) async fn post_on_page(&self, id: &PostId) -> Result<(ThreadPage, Post), Failure> {
        let page = self.page_with_post(id).await?;
        let found = page.posts.iter().find(|post| post.id == *id).cloned();
        match found {
            Some(post) if post.visibility == Visibility::Shown => Ok((page, post)),
            _ => Err(Failure::Gone("the post is no longer on the forum".to_owned())),
        }
    }

    pub(super) fn thanked_by_us(&self, post: &Post) -> bool {
        let user = self.session.user();
        post.thanks.iter().any(|thanks| thanks.member_id.as_ref().is_some_and(|id| id.as_str() == user))
    }
}
