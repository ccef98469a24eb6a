//! What the forum remembers: boards, threads, posts, members and who thanked whom. Nothing about
//! HTTP or markup enters here; the rules that a person meets (flood, length, closed) live with the
//! scripts that enforce them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::ledger::Entry;
use super::session::Sessions;

#[derive(Debug, Clone, Serialize)]
pub struct BoardFacts {
    pub id: u64,
    pub name: String,
    pub description: String,
    /// Only staff and the members in `admitted` see it.
    pub private: bool,
    pub admitted: BTreeSet<u64>,
    /// New posts wait for staff.
    pub moderated: bool,
    /// Members read it and can't write there.
    pub read_only: bool,
    /// Threads that used to live here and left a "Moved:" row behind.
    pub signposts: Vec<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ThreadFacts {
    pub id: u64,
    pub board: u64,
    pub title: String,
    pub prefix: Option<String>,
    pub tags: Vec<String>,
    pub closed: bool,
    pub sticky: bool,
    /// Soft-deleted as a whole.
    pub deleted: bool,
    /// In no list, and read by whoever has its address. Discourse alone knows that.
    pub unlisted: bool,
    pub views: u64,
    /// Ids of its posts, oldest first, those that only staff see among them.
    pub posts: Vec<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PostFacts {
    pub id: u64,
    pub thread: u64,
    /// `None` for somebody who is no member (any more).
    pub member: Option<u64>,
    pub name: String,
    pub title: String,
    /// BBCode, as it was sent.
    pub text: String,
    pub at: Timestamp,
    pub edited: Option<EditNote>,
    /// Soft-deleted: staff see a notice in its place.
    pub deleted: bool,
    /// Waits for staff.
    pub awaiting: bool,
    pub attachments: Vec<u64>,
    pub thanks: Vec<ThanksFacts>,
}

impl PostFacts {
    pub fn public(&self) -> bool {
        !self.deleted && !self.awaiting
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct EditNote {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ThanksFacts {
    pub member: u64,
    pub name: String,
    pub at: Timestamp,
}

/// A file with its type, as it goes over the wire.
#[derive(Debug, Clone)]
pub struct File {
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// What a new member brings along. `Default` is an ordinary member who joined today.
#[derive(Clone)]
pub struct NewMember {
    pub name: String,
    pub password: String,
    pub title: String,
    pub location: Option<String>,
    pub avatar: Option<File>,
    /// `None`: today.
    pub joined: Option<Date>,
    /// Sees private boards and deleted posts, edits and deletes everyone's, is never flood-limited.
    pub staff: bool,
    /// Counts from before the forum's memory begins.
    pub past: Past,
    pub signature: String,
}

/// What members added by [`super::Forum::add_member`] sign in with.
pub const DEFAULT_PASSWORD: &str = "correct horse";

impl Default for NewMember {
    fn default() -> Self {
        Self {
            name: String::new(),
            password: DEFAULT_PASSWORD.to_owned(),
            title: "Member".to_owned(),
            location: None,
            avatar: None,
            joined: None,
            staff: false,
            past: Past::default(),
            signature: String::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Past {
    pub posts: u64,
    pub thanks_given: u64,
    pub thanked_times: u64,
    pub thanked_posts: u64,
    pub blog_entries: u64,
    pub rep_power: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct MemberFacts {
    pub id: u64,
    pub name: String,
    pub title: String,
    pub location: Option<String>,
    pub joined: Date,
    pub staff: bool,
    pub banned: Option<String>,
    pub past: Past,
    pub signature: String,
    #[serde(skip)]
    pub avatar: Option<File>,
    /// Raised with each new avatar, as vBulletin's revision in `avatarN_R.gif`.
    pub avatar_revision: u64,
    #[serde(skip)]
    pub(super) credential: super::session::Credential,
    pub ignores: BTreeSet<u64>,
    /// Takes no private messages.
    pub no_mail: bool,
    /// When they last posted anywhere; what flood control counts from.
    #[serde(skip)]
    pub(super) posted_at: Option<Timestamp>,
    #[serde(skip)]
    pub(super) mailed_at: Option<Timestamp>,
    #[serde(skip)]
    pub(super) last_visit: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
pub struct PrivateMessage {
    pub id: u64,
    pub from: u64,
    pub to: u64,
    pub title: String,
    pub text: String,
    pub at: Timestamp,
}

/// A search that was run and waits at `search.php?searchid=N`.
#[derive(Debug, Clone)]
pub struct Search {
    pub hits: Hits,
    pub viewer: Option<u64>,
}

#[derive(Debug, Clone)]
pub enum Hits {
    Threads(Vec<u64>),
    Posts(Vec<u64>),
}

/// The text of a post or thread kept for five minutes against double sending.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub at: Timestamp,
    pub member: Option<u64>,
    /// The thread it answered, or `None` for a new thread.
    pub thread: Option<u64>,
    pub board: u64,
    pub title: String,
    pub text: String,
    pub result: (u64, u64),
}

#[derive(Debug)]
pub(super) struct State {
    pub boards: BTreeMap<u64, BoardFacts>,
    pub threads: BTreeMap<u64, ThreadFacts>,
    pub posts: BTreeMap<u64, PostFacts>,
    pub members: BTreeMap<u64, MemberFacts>,
    pub attachments: HashMap<u64, File>,
    pub mail: Vec<PrivateMessage>,
    pub searches: HashMap<u64, Search>,
    pub sent: Vec<Sent>,
    pub sessions: Sessions,
    pub ledger: Vec<Entry>,
    pub requests: BTreeMap<String, u64>,
    /// How often nothing was sent because the reader had it already.
    pub unchanged: u64,
    pub calls: Vec<super::ledger::ApiCall>,
    /// Which number a post answers, where the software notes that.
    pub answers: HashMap<u64, u64>,
    /// Posts that are only notes of what was done ("closed", "pinned"), where the software keeps those among the posts.
    pub notes: HashSet<u64>,
    pub maintenance: Option<String>,
    /// Raised by each change.
    pub version: u64,
    next: u64,
}

impl State {
    pub fn new() -> Self {
        Self {
            boards: BTreeMap::new(),
            threads: BTreeMap::new(),
            posts: BTreeMap::new(),
            members: BTreeMap::new(),
            attachments: HashMap::new(),
            mail: Vec::new(),
            searches: HashMap::new(),
            sent: Vec::new(),
            sessions: Sessions::default(),
            ledger: Vec::new(),
            requests: BTreeMap::new(),
            unchanged: 0,
            calls: Vec::new(),
            answers: HashMap::new(),
            notes: HashSet::new(),
            maintenance: None,
            version: 0,
            next: 1000,
        }
    }

    pub fn fresh_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub fn touched(&mut self) {
        self.version += 1;
    }

    pub fn member_named(&self, name: &str) -> Option<&MemberFacts> {
        let wanted = name.trim().to_lowercase();
        self.members.values().find(|member| member.name.to_lowercase() == wanted)
    }

    pub fn is_staff(&self, viewer: Option<u64>) -> bool {
        viewer.and_then(|id| self.members.get(&id)).is_some_and(|member| member.staff)
    }

    pub fn sees_board(&self, viewer: Option<u64>, board: u64) -> bool {
        self.boards.get(&board).is_some_and(|board| {
            !board.private || self.is_staff(viewer) || viewer.is_some_and(|id| board.admitted.contains(&id))
        })
    }

    pub fn sees_thread(&self, viewer: Option<u64>, thread: &ThreadFacts) -> bool {
        self.sees_board(viewer, thread.board)
            && (self.is_staff(viewer)
                || (!thread.deleted && thread.posts.first().is_some_and(|id| self.posts[id].public())))
    }

    /// The posts of a thread that this viewer meets on its pages, in order. Staff meet all of them.
    pub fn visible_posts(&self, viewer: Option<u64>, thread: &ThreadFacts) -> Vec<&PostFacts> {
        let staff = self.is_staff(viewer);
        thread
            .posts
            .iter()
            .filter_map(|id| self.posts.get(id))
            .filter(|post| staff || post.public())
            .collect()
    }

    pub fn last_public_post(&self, thread: &ThreadFacts) -> Option<&PostFacts> {
        thread.posts.iter().rev().filter_map(|id| self.posts.get(id)).find(|post| post.public())
    }

    /// A board's threads with the newest post first, stickies before the rest, hidden ones too.
    pub fn all_threads(&self, board: u64) -> Vec<&ThreadFacts> {
        let mut rows: Vec<_> = self.threads.values().filter(|thread| thread.board == board).collect();
        rows.sort_by_key(|thread| {
            let last = self.last_public_post(thread).map(|post| (post.at, post.id));
            (!thread.sticky, std::cmp::Reverse(last))
        });
        rows
    }

    /// Those of them that this viewer sees.
    pub fn board_threads(&self, viewer: Option<u64>, board: u64) -> Vec<&ThreadFacts> {
        let mut rows = self.all_threads(board);
        rows.retain(|thread| self.sees_thread(viewer, thread));
        rows
    }

    pub fn post_count(&self, member: &MemberFacts) -> u64 {
        let own = self.posts.values().filter(|post| post.member == Some(member.id) && post.public());
        member.past.posts + own.count() as u64
    }

    pub fn thanks_given(&self, member: &MemberFacts) -> u64 {
        let given = self.posts.values().flat_map(|post| &post.thanks).filter(|t| t.member == member.id);
        member.past.thanks_given + given.count() as u64
    }

    /// How often a member was thanked, and in how many posts.
    pub fn thanked(&self, member: &MemberFacts) -> (u64, u64) {
        let own = self.posts.values().filter(|p| p.member == Some(member.id) && !p.thanks.is_empty());
        let (times, posts) = own.fold((0, 0), |(times, posts), p| (times + p.thanks.len() as u64, posts + 1));
        (member.past.thanked_times + times, member.past.thanked_posts + posts)
    }

    pub fn add_post(
        &mut self,
        thread: u64,
        member: Option<u64>,
        title: &str,
        text: &str,
        at: Timestamp,
    ) -> u64 {
        let id = self.fresh_id();
        let name = member
            .and_then(|id| self.members.get_mut(&id))
            .map(|member| {
                member.posted_at = Some(at);
                member.name.clone()
            })
            .unwrap_or_else(|| "Guest".to_owned());
        let post = PostFacts {
            id,
            thread,
            member,
            name,
            title: title.to_owned(),
            text: text.to_owned(),
            at,
            edited: None,
            deleted: false,
            awaiting: false,
            attachments: Vec::new(),
            thanks: Vec::new(),
        };
        self.posts.insert(id, post);
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.posts.push(id);
        }
        self.touched();
        id
    }

    pub fn add_thread(
        &mut self,
        board: u64,
        member: Option<u64>,
        title: &str,
        text: &str,
        at: Timestamp,
    ) -> (u64, u64) {
        let id = self.fresh_id();
        let thread = ThreadFacts {
            id,
            board,
            title: title.to_owned(),
            prefix: None,
            tags: Vec::new(),
            closed: false,
            sticky: false,
            deleted: false,
            unlisted: false,
            views: 0,
            posts: Vec::new(),
        };
        self.threads.insert(id, thread);
        let post = self.add_post(id, member, title, text, at);
        (id, post)
    }

    /// Removes a post for good; a thread goes with its last post.
    pub fn remove_post(&mut self, post: u64) {
        let Some(facts) = self.posts.remove(&post) else { return };
        if let Some(thread) = self.threads.get_mut(&facts.thread) {
            thread.posts.retain(|id| *id != post);
            if thread.posts.is_empty() {
                self.remove_thread(facts.thread);
            }
        }
        self.touched();
    }

    pub fn remove_thread(&mut self, thread: u64) {
        if let Some(facts) = self.threads.remove(&thread) {
            for post in facts.posts {
                self.posts.remove(&post);
            }
        }
        for board in self.boards.values_mut() {
            board.signposts.retain(|id| *id != thread);
        }
        self.touched();
    }

    /// Puts a thread's posts in the order of their times, as vBulletin shows them.
    pub fn sort_posts(&mut self, thread: u64) {
        let Some(mut ids) = self.threads.get(&thread).map(|thread| thread.posts.clone()) else { return };
        ids.sort_by_key(|id| (self.posts.get(id).map(|post| post.at), *id));
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.posts = ids;
        }
    }

    /// Threads that share words of the title, the most alike first.
    pub fn similar(&self, viewer: Option<u64>, thread: &ThreadFacts) -> Vec<&ThreadFacts> {
        let words = |title: &str| -> HashSet<String> {
            title
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| word.chars().count() > 1)
                .map(str::to_lowercase)
                .filter(|word| {
                    !matches!(word.as_str(), "the" | "and" | "for" | "with" | "after" | "you" | "an")
                })
                .collect()
        };
        let own = words(&thread.title);
        let mut alike: Vec<_> = self
            .threads
            .values()
            .filter(|other| other.id != thread.id && self.sees_thread(viewer, other))
            .map(|other| (words(&other.title).intersection(&own).count(), other))
            .filter(|(shared, _)| *shared > 0)
            .collect();
        alike.sort_by_key(|(shared, other)| (std::cmp::Reverse(*shared), other.id));
        alike.into_iter().take(5).map(|(_, other)| other).collect()
    }
}
