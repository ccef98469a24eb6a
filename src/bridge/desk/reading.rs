//! Reading the forum for whoever asks: threads, lists of threads, and suggestions while people type.

use async_trait::async_trait;

use crate::config::Scope;
use crate::discord::commands::asks::{
    Asker, Forums, InfoView, LatestView, MemberView, SearchView, Suggestion, ThreadView, Wanted,
};
use crate::forum::{Engine, Failure, PageRef, Place};
use crate::model::{BoardId, MemberKey, Search, SearchPage, ThreadId, ThreadPage};

use super::{Desk, Sight, bridged_boards, busy, sentence};

/// The most suggestions that Discord shows.
const SUGGESTIONS: usize = 25;
/// The most threads of one answer.
const THREADS: usize = 15;
/// The most boards that one question reads.
const BOARDS: usize = 6;

impl Sight {
    /// Reads as a guest; what a guest may not see is read as the bridge only where it is bridged to.
    pub(super) async fn read(&self, place: &Place, page: Option<u32>) -> Result<ThreadPage, String> {
        match read_with(self.guest.as_ref(), place, page).await {
            Ok(page) => Ok(page),
            Err(refused) => {
                if self.here.is_empty() {
                    return Err(sentence(&refused));
                }
                let read = read_with(self.forum.engine.as_ref(), place, page).await;
                let read = read.map_err(|failure| sentence(&failure))?;
                let thread = read.thread.id.clone().unwrap_or_else(|| ThreadId::new(""));
                if self.here.iter().any(|tie| tie.covers(read.thread.board.id.as_ref(), &thread)) {
                    Ok(read)
                } else {
                    Err("The forum does not show that thread to everyone, so it can't be shown here."
                        .to_owned())
                }
            }
        }
    }

    /// A page as the commands show it.
    fn view(&self, place: Place, page: ThreadPage) -> ThreadView {
        let id = page.thread.id.clone().or(place.thread).unwrap_or_else(|| ThreadId::new(""));
        ThreadView {
            forum: self.forum.key.clone(),
            forum_name: self.forum.key.to_string(),
            url: self.forum.engine.thread_url(&id),
            mirrored: self.bridged.iter().any(|tie| tie.covers(page.thread.board.id.as_ref(), &id)),
            thread: id,
            page,
            post: place.post,
        }
    }
}

async fn read_with(engine: &dyn Engine, place: &Place, page: Option<u32>) -> Result<ThreadPage, Failure> {
    match (page.or(place.page), &place.thread, &place.post) {
        (Some(page), Some(thread), _) => engine.thread(thread, PageRef::Number(page)).await,
        (None, _, Some(post)) => engine.page_with_post(post).await,
        (None, Some(thread), None) => engine.thread(thread, PageRef::Number(1)).await,
        (Some(page), None, Some(post)) => {
            let found = engine.page_with_post(post).await?;
            match &found.thread.id {
                Some(thread) if found.thread.page != page => {
                    engine.thread(thread, PageRef::Number(page)).await
                }
                _ => Ok(found),
            }
        }
        (_, None, None) => Err(Failure::Gone("That address names no thread.".to_owned())),
    }
}

impl Desk {
    /// Those hits that may be shown here; one whose board is not known may not.
    async fn picked(&self, sight: &Sight, found: SearchPage) -> Result<SearchPage, String> {
        let mut hits = Vec::new();
        for hit in found.hits {
            let thread = hit.thread.clone().unwrap_or_else(|| ThreadId::new(""));
            let board = match &hit.board.id {
                Some(board) => Some(board.clone()),
                None => {
                    let row = self.heart.store.thread(&sight.forum.key, &thread).await.map_err(busy)?;
                    row.and_then(|row| row.board)
                }
            };
            if sight.shows(board.as_ref(), &thread) {
                hits.push(hit);
            }
        }
        // How many there are in all would tell of those that are not shown.
        Ok(SearchPage { hits, total: None, ..found })
    }
}

#[async_trait]
impl Forums for Desk {
    async fn thread(
        &self,
        asker: Asker,
        thread: &str,
        forum: Option<&str>,
        page: Option<u32>,
    ) -> Result<ThreadView, String> {
        let sight = self.sight_of(asker, forum, thread).await?;
        let place = sight.place(thread)?;
        let page = sight.read(&place, page).await?;
        Ok(sight.view(place, page))
    }

    async fn info(&self, asker: Asker, thread: &str, forum: Option<&str>) -> Result<InfoView, String> {
        let sight = self.sight_of(asker, forum, thread).await?;
        let mut place = sight.place(thread)?;
        (place.page, place.thread) = match place.thread.take() {
            Some(thread) => (Some(1), Some(thread)),
            None => (None, None),
        };
        let found = sight.read(&place, None).await?;
        let mut view = sight.view(place, found);
        let of_thread = |page| Place { thread: Some(view.thread.clone()), page, ..Place::default() };
        let last = match view.page.thread.pages {
            0 | 1 => None,
            pages => Some(sight.read(&of_thread(Some(pages)), None).await?),
        };
        if view.page.thread.page > 1 {
            view.page = sight.read(&of_thread(Some(1)), None).await?;
        }
        view.post = None;
        Ok(InfoView { first: view, last })
    }

    async fn latest(
        &self,
        asker: Asker,
        forum: Option<&str>,
        board: Option<&str>,
    ) -> Result<LatestView, String> {
        let sight = self.sight(asker, forum).await?;
        let wanted: Vec<BoardId> = match board {
            Some(text) => vec![sight.board(text)],
            None => bridged_boards(&self.own_ties(asker), &sight.forum.key),
        };
        let (mut threads, mut name, mut refused) = (Vec::new(), None, None);
        for id in wanted.iter().take(BOARDS) {
            let bridged_here =
                sight.here.iter().any(|tie| matches!(&tie.bridge.scope, Scope::Board(own) if own == id));
            let engine = if bridged_here { &sight.forum.engine } else { &sight.guest };
            match engine.board(id, 1).await {
                Ok(page) => {
                    name = page.board.name.or(name);
                    threads
                        .extend(page.threads.into_iter().filter(|thread| !thread.moved && !thread.deleted));
                }
                Err(failure) => refused = Some(sentence(&failure)),
            }
        }
        if let (true, Some(refused)) = (threads.is_empty(), refused) {
            return Err(refused);
        }
        threads.sort_by_key(|thread| {
            let id = thread.last_post_id.as_ref().and_then(|id| id.as_str().parse::<u64>().ok());
            std::cmp::Reverse((thread.last_post_at, id))
        });
        threads.dedup_by(|a, b| a.id == b.id);
        threads.truncate(THREADS);
        Ok(LatestView {
            forum: sight.forum.key.clone(),
            forum_name: sight.forum.key.to_string(),
            board: board.and(name),
            url: None,
            threads,
        })
    }

    async fn search(&self, asker: Asker, wanted: Wanted, forum: Option<&str>) -> Result<SearchView, String> {
        let sight = self.sight(asker, forum).await?;
        let search = Search {
            words: wanted.words.clone(),
            author: wanted.author.clone(),
            board: wanted.board.as_deref().map(|board| sight.board(board)),
            page: wanted.page,
        };
        let found = match sight.guest.search(&search).await {
            Ok(found) => found,
            // Some forums let only members search: then what guests see is picked out of what is found.
            Err(Failure::Refused(_) | Failure::Gone(_) | Failure::SignIn(_)) => {
                let found = sight.forum.engine.search(&search).await.map_err(|it| sentence(&it))?;
                self.picked(&sight, found).await?
            }
            Err(failure) => return Err(sentence(&failure)),
        };
        Ok(SearchView {
            forum: sight.forum.key.clone(),
            forum_name: sight.forum.key.to_string(),
            wanted,
            found,
        })
    }

    async fn member(&self, asker: Asker, member: &str, forum: Option<&str>) -> Result<MemberView, String> {
        let sight = self.sight_of(asker, forum, member).await?;
        let text = member.trim().trim_matches(['<', '>']);
        let place = sight.forum.engine.recognise(text).and_then(|place| place.member);
        let key = place.map_or_else(|| MemberKey::Name(text.to_owned()), MemberKey::Id);
        let gone = || "The forum has no such member; check the name.".to_owned();
        let refused = match sight.guest.member(&key).await {
            Ok(member) => return Ok(MemberView { forum_name: sight.forum.key.to_string(), member }),
            Err(Failure::Gone(_)) => return Err(gone()),
            Err(failure) => failure,
        };
        // Where guests see no members, a member does, and nobody but them.
        let linked = self.heart.store.link(&sight.forum.key, asker.user).await.map_err(busy)?.is_some();
        if !matches!(refused, Failure::Refused(_) | Failure::SignIn(_)) {
            return Err(sentence(&refused));
        }
        if !(linked && asker.private) {
            return Err("The forum shows its members only to members. Link your account (/account link), then ask with private.".to_owned());
        }
        match sight.forum.engine.member(&key).await {
            Ok(member) => Ok(MemberView { forum_name: sight.forum.key.to_string(), member }),
            Err(Failure::Gone(_)) => Err(gone()),
            Err(failure) => Err(sentence(&failure)),
        }
    }

    async fn complete_threads(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion> {
        let forums = match forum {
            Some(forum) => vec![forum.to_owned()],
            None => self.bridged(asker).iter().map(ToString::to_string).collect(),
        };
        let limit = u32::try_from(SUGGESTIONS * 4).unwrap_or(u32::MAX);
        let mut found = Vec::new();
        for name in &forums {
            let Ok(sight) = self.sight(asker, Some(name)).await else { continue };
            let rows = self.heart.store.threads_like(&sight.forum.key, words, limit).await;
            let shown = rows.unwrap_or_default().into_iter();
            found.extend(shown.filter(|row| sight.shows(row.board.as_ref(), &row.thread)).map(|row| {
                let of = if forums.len() > 1 { format!(" · {name}") } else { String::new() };
                // The address says which forum is meant as well.
                let value = sight.forum.engine.thread_url(&row.thread);
                Suggestion { name: format!("{}{of}", row.title), value }
            }));
        }
        found.truncate(SUGGESTIONS);
        found
    }

    async fn complete_boards(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion> {
        let Ok(sight) = self.sight(asker, forum).await else { return Vec::new() };
        let words = words.to_lowercase();
        sight
            .public
            .into_iter()
            .filter(|board| board.name.to_lowercase().contains(&words))
            .take(SUGGESTIONS)
            .map(|board| Suggestion { name: board.name, value: board.id.to_string() })
            .collect()
    }

    async fn complete_forums(&self, asker: Asker, words: &str) -> Vec<Suggestion> {
        let words = words.to_lowercase();
        self.bridged(asker)
            .into_iter()
            .filter(|key| key.as_str().to_lowercase().contains(&words))
            .map(|key| Suggestion { name: key.to_string(), value: key.to_string() })
            .take(SUGGESTIONS)
            .collect()
    }
}
