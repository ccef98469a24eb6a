//! Searching. The forum keeps the results of a search under a number for a while and lets members search only
//! so often: further pages of the same search are asked for by that number.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use url::Url;

use super::answer::{Answer, Verdict};
use super::parse::{self, PageKind, links};
use super::{LATER, SOON, Sent, Vbulletin4, answer};
use crate::forum::client::Page;
use crate::forum::{Failure, RefusalKind};
use crate::model::{Search, SearchPage};

/// So many searches are remembered.
const KEPT: usize = 16;

/// Where the forum keeps the results of past searches: what was searched for, with page 0, and the address.
#[derive(Default)]
pub struct Searches {
    kept: Mutex<VecDeque<(Search, Url)>>,
}

impl Searches {
    fn find(&self, search: &Search) -> Option<Url> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == search).map(|(_, url)| url.clone())
    }

    fn keep(&self, search: Search, url: Url) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| *known != search);
        kept.push_front((search, url));
        kept.truncate(KEPT);
    }
}

impl Vbulletin4 {
    pub(super) async fn find(&self, search: &Search) -> Result<SearchPage, Failure> {
        let author = search.author.as_deref().unwrap_or_default().trim();
        if search.words.trim().is_empty() && author.is_empty() {
            return Err(Failure::refused(RefusalKind::Other, "a search needs words or an author"));
        }
        let page = search.page.max(1);
        let key = Search { page: 0, ..search.clone() };
        // A first page is asked for anew, for there may be newer posts by now.
        if page > 1
            && let Some(mut url) = self.searches.find(&key)
        {
            url.query_pairs_mut().append_pair("page", &page.to_string());
            let shown = self.session.get(&url).await?;
            if let Ok(read) = parse::search_page(&shown.text, &self.context(&shown)) {
                return Ok(read);
            }
            // The forum has forgotten these results.
        }
        let first = match self.start(search, author).await? {
            Sent::Page(page) => page,
            Sent::Redirect(target) => {
                let results = self.session.get(&target).await?;
                self.searches.keep(key.clone(), target);
                results
            }
        };
        match parse::search_page(&first.text, &self.context(&first)) {
            Ok(read) if page == 1 || read.pages <= 1 && read.hits.is_empty() => Ok(read),
            Ok(read) if page > read.pages => Ok(SearchPage { page, hits: Vec::new(), ..read }),
            Ok(_) => match self.searches.find(&key) {
                Some(mut url) => {
                    url.query_pairs_mut().append_pair("page", &page.to_string());
                    self.read(&url, parse::search_page).await
                }
                None => Err(Failure::Unreadable("the forum does not say where its results are".to_owned())),
            },
            Err(error) => Err(self.no_results(&first, error)),
        }
    }

    /// Asks for the search; the forum leads on to its results.
    async fn start(&self, search: &Search, author: &str) -> Result<Sent, Failure> {
        let url = links::script(self.base(), "search.php?do=process");
        for attempt in 0..2 {
            let token =
                if self.session.has_account() { self.session.token().await? } else { "guest".to_owned() };
            let mut fields = vec![
                ("do", "process"),
                ("type[]", "1"),
                ("contenttypeid", "1"),
                ("showposts", "1"),
                ("query", search.words.trim()),
                ("titleonly", "0"),
                ("searchuser", author),
                ("exactname", "1"),
                ("sortby", "dateline"),
                ("order", "descending"),
                ("searchdate", "0"),
                ("beforeafter", "after"),
                ("s", ""),
                ("securitytoken", token.as_str()),
            ];
            if let Some(board) = &search.board {
                fields.extend([("forumchoice[]", board.as_str()), ("childforums", "1")]);
            }
            let sent = match self.session.client().post(&url, &fields, self.session.encoding()).await {
                // A search changes nothing: one that was lost may be asked again.
                Err(Failure::Uncertain { reason }) => return Err(Failure::Later { after: SOON, reason }),
                other => other?,
            };
            let Sent::Page(page) = sent else { return Ok(sent) };
            self.session.learn(&page);
            match answer::read(&page) {
                // With header redirects switched off the page itself leads on.
                Answer::Redirected { target, .. } => {
                    let target = self.base().join(&target).map_err(|_| {
                        Failure::Unreadable("the forum does not say where its results are".to_owned())
                    })?;
                    return Ok(Sent::Redirect(target));
                }
                Answer::Refused(Verdict::SignedOut) if attempt == 0 && self.session.has_account() => {
                    self.session.renew().await?;
                }
                Answer::Refused(Verdict::StaleToken) if attempt == 0 => self.session.forget_token(),
                _ => return Ok(Sent::Page(page)),
            }
        }
        Err(Failure::Later { after: SOON, reason: "the forum keeps forgetting who the bridge is".to_owned() })
    }

    fn no_results(&self, page: &Page, error: parse::PageError) -> Failure {
        match parse::what_is(&page.text) {
            PageKind::Message { log_in: true, .. } => Failure::refused(
                RefusalKind::NoPermission,
                "the forum does not let the bridge search; it may want an account that may",
            ),
            PageKind::Message { text, .. } => match answer::verdict(&text) {
                Verdict::Wait(after) => Failure::Later {
                    after,
                    reason: format!("the forum takes the next search in {} s", after.as_secs()),
                },
                Verdict::No(kind, message) => Failure::refused(kind, message),
                _ => Failure::refused(RefusalKind::Other, format!("the forum says: {text}")),
            },
            PageKind::FormErrors(errors) => {
                Failure::refused(RefusalKind::Other, format!("the forum says: {}", errors.join(" ")))
            }
            PageKind::Maintenance(_) | PageKind::Challenge => {
                Failure::Later { after: LATER, reason: error.to_string() }
            }
            PageKind::Empty | PageKind::CutOff => Failure::Later { after: SOON, reason: error.to_string() },
            _ => Failure::Unreadable(error.to_string()),
        }
    }
}
