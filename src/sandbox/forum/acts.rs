//! What people do on the forum, without HTTP: the demo page and tests act through here. No flood
//! control and no permissions: whoever calls this is trusted.

use jiff::Timestamp;

use super::session::Credential;
use super::state::{
    BoardFacts, EditNote, File, MemberFacts, NewMember, PostFacts, PrivateMessage, State, ThanksFacts,
    ThreadFacts,
};
use super::{Forum, dates};

/// There is no such thing on this forum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this forum has no {what} {id}")]
pub struct Unknown {
    pub what: &'static str,
    pub id: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Staff still see it, and can bring it back.
    Soft,
    Hard,
}

fn post(state: &mut State, id: u64) -> Result<&mut PostFacts, Unknown> {
    state.posts.get_mut(&id).ok_or(Unknown { what: "post", id })
}

fn thread(state: &mut State, id: u64) -> Result<&mut ThreadFacts, Unknown> {
    state.threads.get_mut(&id).ok_or(Unknown { what: "thread", id })
}

fn board(state: &mut State, id: u64) -> Result<&mut BoardFacts, Unknown> {
    state.boards.get_mut(&id).ok_or(Unknown { what: "board", id })
}

fn member(state: &mut State, id: u64) -> Result<&mut MemberFacts, Unknown> {
    state.members.get_mut(&id).ok_or(Unknown { what: "member", id })
}

impl Forum {
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// An ordinary member with [`super::DEFAULT_PASSWORD`].
    pub fn add_member(&self, name: &str) -> u64 {
        self.register(NewMember { name: name.to_owned(), ..NewMember::default() })
    }

    pub fn register(&self, new: NewMember) -> u64 {
        let now = self.now();
        let joined =
            new.joined.unwrap_or_else(|| now.to_zoned_datetime(self.options().dates.zone.clone()).date());
        self.with(|state| {
            let id = state.members.len() as u64 + 1;
            let facts = MemberFacts {
                id,
                name: new.name,
                title: new.title,
                location: new.location,
                joined,
                staff: new.staff,
                banned: None,
                past: new.past,
                signature: new.signature,
                avatar_revision: u64::from(new.avatar.is_some()),
                avatar: new.avatar,
                credential: Credential::new(&new.password),
                no_mail: false,
                ignores: Default::default(),
                posted_at: None,
                mailed_at: None,
                last_visit: now,
            };
            state.members.insert(id, facts);
            state.touched();
            id
        })
    }

    pub fn add_board(&self, name: &str) -> u64 {
        self.with(|state| {
            let id = state.boards.len() as u64 + 1;
            let facts = BoardFacts {
                id,
                name: name.to_owned(),
                description: String::new(),
                private: false,
                admitted: Default::default(),
                moderated: false,
                read_only: false,
                signposts: Vec::new(),
            };
            state.boards.insert(id, facts);
            state.touched();
            id
        })
    }

    /// The thread's id and its first post's.
    pub fn open_thread(
        &self,
        board: u64,
        member: u64,
        title: &str,
        text: &str,
    ) -> Result<(u64, u64), Unknown> {
        self.open_thread_at(board, member, title, text, self.now())
    }

    pub fn open_thread_at(
        &self,
        board: u64,
        member: u64,
        title: &str,
        text: &str,
        at: Timestamp,
    ) -> Result<(u64, u64), Unknown> {
        self.with(|state| {
            self::board(state, board)?;
            self::member(state, member)?;
            Ok(state.add_thread(board, Some(member), title, text, at))
        })
    }

    pub fn reply(&self, thread: u64, member: u64, text: &str) -> Result<u64, Unknown> {
        self.reply_at(thread, member, text, self.now())
    }

    pub fn reply_at(&self, thread: u64, member: u64, text: &str, at: Timestamp) -> Result<u64, Unknown> {
        self.with(|state| {
            let title = format!("Re: {}", self::thread(state, thread)?.title);
            self::member(state, member)?;
            Ok(state.add_post(thread, Some(member), &title, text, at))
        })
    }

    /// A note among the posts that something was done, as Discourse keeps them.
    pub fn note(&self, thread: u64, member: u64, what: &str) -> Result<u64, Unknown> {
        let at = self.now();
        self.with(|state| {
            self::thread(state, thread)?;
            self::member(state, member)?;
            let note = state.add_post(thread, Some(member), "", what, at);
            state.notes.insert(note);
            Ok(note)
        })
    }

    /// Edits as the post's own author.
    pub fn edit(&self, post: u64, text: &str) -> Result<(), Unknown> {
        let at = self.now();
        self.with(|state| {
            let post = self::post(state, post)?;
            post.text = text.to_owned();
            post.edited = Some(EditNote { by: post.name.clone(), at, reason: String::new() });
            state.touched();
            Ok(())
        })
    }

    /// Deletes a post. A thread whose first post goes softly is hidden with it, as in vBulletin; the
    /// last post to go hard takes the thread along.
    pub fn delete(&self, post: u64, how: Deletion) -> Result<(), Unknown> {
        self.with(|state| {
            let facts = self::post(state, post)?;
            match how {
                Deletion::Soft => facts.deleted = true,
                Deletion::Hard => state.remove_post(post),
            }
            state.touched();
            Ok(())
        })
    }

    pub fn undelete(&self, post: u64) -> Result<(), Unknown> {
        self.with(|state| {
            self::post(state, post)?.deleted = false;
            state.touched();
            Ok(())
        })
    }

    /// Lets a post that waits for staff appear.
    pub fn approve(&self, post: u64) -> Result<(), Unknown> {
        self.with(|state| {
            self::post(state, post)?.awaiting = false;
            state.touched();
            Ok(())
        })
    }

    /// `false` when this member had already thanked it.
    pub fn thank(&self, post: u64, member: u64) -> Result<bool, Unknown> {
        self.thank_at(post, member, self.now())
    }

    pub fn thank_at(&self, post: u64, member: u64, at: Timestamp) -> Result<bool, Unknown> {
        self.with(|state| {
            let name = self::member(state, member)?.name.clone();
            let post = self::post(state, post)?;
            let new = post.thanks.iter().all(|thanks| thanks.member != member);
            if new {
                post.thanks.push(ThanksFacts { member, name, at });
                state.touched();
            }
            Ok(new)
        })
    }

    /// `false` when there was nothing to take back.
    pub fn withdraw_thanks(&self, post: u64, member: u64) -> Result<bool, Unknown> {
        self.with(|state| {
            let post = self::post(state, post)?;
            let before = post.thanks.len();
            post.thanks.retain(|thanks| thanks.member != member);
            let gone = post.thanks.len() != before;
            if gone {
                state.touched();
            }
            Ok(gone)
        })
    }

    fn change_thread(&self, thread: u64, work: impl FnOnce(&mut ThreadFacts)) -> Result<(), Unknown> {
        self.with(|state| {
            work(self::thread(state, thread)?);
            state.touched();
            Ok(())
        })
    }

    pub fn close(&self, thread: u64) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.closed = true)
    }

    pub fn reopen(&self, thread: u64) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.closed = false)
    }

    pub fn stick(&self, thread: u64) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.sticky = true)
    }

    pub fn unstick(&self, thread: u64) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.sticky = false)
    }

    pub fn rename(&self, thread: u64, title: &str) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| title.clone_into(&mut thread.title))
    }

    pub fn set_tags(&self, thread: u64, tags: &[&str]) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.tags = tags.iter().map(|&tag| tag.to_owned()).collect())
    }

    pub fn set_prefix(&self, thread: u64, prefix: Option<&str>) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.prefix = prefix.map(str::to_owned))
    }

    /// Hides a whole thread from all but staff.
    pub fn delete_thread(&self, thread: u64) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.deleted = true)
    }

    /// Takes a thread out of all lists, or puts it back.
    pub fn unlist(&self, thread: u64, unlisted: bool) -> Result<(), Unknown> {
        self.change_thread(thread, |thread| thread.unlisted = unlisted)
    }

    /// Moves a thread, leaving a "Moved:" row behind if asked to.
    pub fn move_thread(&self, thread: u64, to: u64, signpost: bool) -> Result<(), Unknown> {
        self.with(|state| {
            self::board(state, to)?;
            let facts = self::thread(state, thread)?;
            let from = std::mem::replace(&mut facts.board, to);
            if signpost && from != to {
                self::board(state, from)?.signposts.push(thread);
            }
            state.touched();
            Ok(())
        })
    }

    /// Puts all posts of `from` into `into`, by time; `from` is gone afterwards.
    pub fn merge(&self, from: u64, into: u64) -> Result<(), Unknown> {
        self.with(|state| {
            self::thread(state, into)?;
            if from == into {
                return Ok(());
            }
            let moved = std::mem::take(&mut self::thread(state, from)?.posts);
            for id in &moved {
                self::post(state, *id)?.thread = into;
            }
            self::thread(state, into)?.posts.extend(moved);
            state.sort_posts(into);
            state.remove_thread(from);
            Ok(())
        })
    }

    /// Takes these posts out of their thread into a new one on the same board; answers its id.
    pub fn split(&self, thread: u64, posts: &[u64], title: &str) -> Result<u64, Unknown> {
        self.with(|state| {
            let facts = self::thread(state, thread)?;
            let mut taken = facts.posts.clone();
            taken.retain(|id| posts.contains(id));
            let mut new = facts.clone();
            if taken.is_empty() {
                return Err(Unknown { what: "post to split off", id: posts.first().copied().unwrap_or(0) });
            }
            facts.posts.retain(|id| !taken.contains(id));
            let emptied = facts.posts.is_empty();
            new.id = state.fresh_id();
            title.clone_into(&mut new.title);
            for id in &taken {
                self::post(state, *id)?.thread = new.id;
            }
            new.posts = taken;
            let id = new.id;
            state.threads.insert(id, new);
            if emptied {
                state.remove_thread(thread);
            }
            state.touched();
            Ok(id)
        })
    }

    fn change_board(&self, board: u64, work: impl FnOnce(&mut BoardFacts)) -> Result<(), Unknown> {
        self.with(|state| {
            work(self::board(state, board)?);
            state.touched();
            Ok(())
        })
    }

    pub fn describe_board(&self, board: u64, text: &str) -> Result<(), Unknown> {
        self.change_board(board, |board| text.clone_into(&mut board.description))
    }

    /// Makes a board private: only staff and those let in see it.
    pub fn hide_board(&self, board: u64) -> Result<(), Unknown> {
        self.change_board(board, |board| board.private = true)
    }

    pub fn show_board(&self, board: u64) -> Result<(), Unknown> {
        self.change_board(board, |board| board.private = false)
    }

    pub fn let_in(&self, board: u64, member: u64) -> Result<(), Unknown> {
        self.change_board(board, |board| {
            board.admitted.insert(member);
        })
    }

    /// New posts on this board wait for staff.
    pub fn moderate_board(&self, board: u64, moderated: bool) -> Result<(), Unknown> {
        self.change_board(board, |board| board.moderated = moderated)
    }

    /// Members read this board and can't write on it.
    pub fn read_only_board(&self, board: u64, read_only: bool) -> Result<(), Unknown> {
        self.change_board(board, |board| board.read_only = read_only)
    }

    /// Bans a member for the reason given, or lifts the ban.
    pub fn ban(&self, member: u64, reason: Option<&str>) -> Result<(), Unknown> {
        self.with(|state| {
            self::member(state, member)?.banned = reason.map(str::to_owned);
            state.touched();
            Ok(())
        })
    }

    /// `who` no longer reads what `whom` writes.
    pub fn ignore(&self, who: u64, whom: u64) -> Result<(), Unknown> {
        self.with(|state| {
            self::member(state, who)?.ignores.insert(whom);
            state.touched();
            Ok(())
        })
    }

    /// Hangs a file on a post; answers its id.
    pub fn attach(&self, post: u64, file: File) -> Result<u64, Unknown> {
        self.with(|state| {
            self::post(state, post)?;
            let id = state.fresh_id();
            state.attachments.insert(id, file);
            self::post(state, post)?.attachments.push(id);
            state.touched();
            Ok(id)
        })
    }

    /// Closes the whole board with this message, or opens it again.
    pub fn maintenance(&self, message: Option<&str>) {
        self.with(|state| {
            state.maintenance = message.map(str::to_owned);
            state.touched();
        });
    }

    pub fn boards(&self) -> Vec<BoardFacts> {
        self.state().boards.values().cloned().collect()
    }

    /// All threads of a board, in the order of its list, hidden ones too.
    pub fn threads(&self, board: u64) -> Vec<ThreadFacts> {
        self.state().all_threads(board).into_iter().cloned().collect()
    }

    pub fn thread(&self, id: u64) -> Option<ThreadFacts> {
        self.state().threads.get(&id).cloned()
    }

    /// All posts of a thread in order, hidden ones too.
    pub fn posts(&self, thread: u64) -> Vec<PostFacts> {
        let state = self.state();
        let ids = state.threads.get(&thread).map(|thread| thread.posts.as_slice()).unwrap_or_default();
        ids.iter().filter_map(|id| state.posts.get(id)).cloned().collect()
    }

    pub fn post(&self, id: u64) -> Option<PostFacts> {
        self.state().posts.get(&id).cloned()
    }

    pub fn thanks(&self, post: u64) -> Vec<ThanksFacts> {
        self.state().posts.get(&post).map(|post| post.thanks.clone()).unwrap_or_default()
    }

    /// A member's inbox, the newest last.
    pub fn mail(&self, member: u64) -> Vec<PrivateMessage> {
        self.with(|state| state.mail.iter().filter(|mail| mail.to == member).cloned().collect())
    }

    /// Gives a member another name, as an administrator would. Posts carry it from then on, old ones as well.
    pub fn rename_member(&self, id: u64, name: &str) -> Result<(), Unknown> {
        self.with(|state| {
            member(state, id)?.name = name.to_owned();
            for post in state.posts.values_mut().filter(|post| post.member == Some(id)) {
                post.name = name.to_owned();
            }
            Ok(())
        })
    }

    /// A member takes another password, which ends their sessions and makes their cookies worthless.
    pub fn change_password(&self, id: u64, password: &str) -> Result<(), Unknown> {
        self.with(|state| {
            member(state, id)?.credential = Credential::new(password);
            state.sessions.close_of(id);
            Ok(())
        })
    }

    /// What a member writes about where they are from: a field of the profile.
    pub fn set_location(&self, id: u64, location: &str) -> Result<(), Unknown> {
        self.with(|state| {
            member(state, id)?.location = Some(location.to_owned());
            Ok(())
        })
    }

    /// Whether a member takes private messages.
    pub fn take_mail(&self, id: u64, takes: bool) -> Result<(), Unknown> {
        self.with(|state| {
            member(state, id)?.no_mail = !takes;
            Ok(())
        })
    }

    pub fn members(&self) -> Vec<MemberFacts> {
        self.state().members.values().cloned().collect()
    }

    /// "Nov 2005", as the page beside a post shows it.
    pub fn joined_text(member: &MemberFacts) -> String {
        dates::month(member.joined)
    }
}
