//! What people do on both sides.

use threadbridge::sandbox::forum::Deletion;

use super::Chaos;
use super::words::{Place, Words, marks};

impl Chaos {
    /// One that is still there, of those that may go.
    fn some(&mut self, from: &[Words], may: impl Fn(&Words) -> bool) -> Option<usize> {
        let there: Vec<usize> = (0..from.len()).filter(|n| !from[*n].gone && may(&from[*n])).collect();
        self.rng.choice(there)
    }

    /// The forum thread in which these words are, or are to be.
    pub fn thread_of(&self, words: &Words) -> Option<u64> {
        match &words.place {
            Place::Thread(thread) => Some(*thread),
            Place::Opened { title, .. } => {
                let mut threads = self.stage.forum.threads(self.board).into_iter();
                threads.find(|thread| thread.title == *title).map(|thread| thread.id)
            }
        }
    }

    /// The Discord thread in which a forum thread is shown.
    fn room(&self, thread: u64) -> Option<u64> {
        let first = self.posts.iter().find(|post| post.place == Place::Thread(thread))?;
        let rooms = self.stage.discord.threads(self.channel);
        rooms.into_iter().map(|room| room.id).find(|room| {
            let messages = self.stage.discord.messages(*room).into_iter();
            messages
                .filter_map(|message| marks(&message.content).into_iter().next())
                .any(|it| first.marked(&it))
        })
    }

    /// Somebody writes on the forum.
    fn write(&mut self, thread: Option<u64>) {
        let member = self.members[self.rng.usize(..2)];
        let mut words = Words::new('p', self.posts.len(), Place::Thread(0));
        words.paragraphs = if self.rng.u8(..5) == 0 { self.rng.usize(3..6) } else { 1 };
        words.split = words.paragraphs > 1;
        let text = words.text();
        let thread = match thread {
            Some(thread) => {
                words.id = self.stage.forum.reply(thread, member, &text).expect("a post");
                thread
            }
            None => {
                let title = format!("Thread {}", self.threads.len());
                let opened = self.stage.forum.open_thread(self.board, member, &title, &text);
                let (thread, post) = opened.expect("a thread");
                words.id = post;
                self.threads.push(thread);
                thread
            }
        };
        words.place = Place::Thread(thread);
        self.posts.push(words);
    }

    /// Somebody writes in Discord: where a forum thread is shown, in a post that was opened there, or in a new one.
    fn say(&mut self, thread: u64) {
        let person = self.people[self.rng.usize(..2)];
        let number = self.said.len();
        let opened: Vec<_> = self
            .said
            .iter()
            .filter_map(|said| match &said.place {
                Place::Opened { room, title } if said.id == *room => Some((*room, title.clone())),
                _ => None,
            })
            .collect();
        match self.rng.u8(..10) {
            0 if opened.len() < 3 => {
                let title = format!("Opened {}", opened.len());
                let mut words = Words::new('d', number, Place::Thread(0));
                let posted = self.stage.discord.forum_post(person, self.channel, &title, &words.text(), &[]);
                if let Ok(room) = posted {
                    (words.id, words.place) = (room, Place::Opened { room, title });
                    self.said.push(words);
                }
            }
            1..=3 if !opened.is_empty() => {
                let (room, title) = opened[self.rng.usize(..opened.len())].clone();
                self.say_in(person, room, Words::new('d', number, Place::Opened { room, title }));
            }
            _ => {
                let Some(room) = self.room(thread) else { return };
                self.say_in(person, room, Words::new('d', number, Place::Thread(thread)));
            }
        }
    }

    fn say_in(&mut self, person: u64, room: u64, mut words: Words) {
        if let Ok(id) = self.stage.discord.say(person, room, &words.text(), None) {
            words.id = id;
            self.said.push(words);
        }
    }

    /// Somebody does something.
    pub fn deed(&mut self) {
        if self.threads.is_empty() || (self.threads.len() < 5 && self.rng.u8(..12) == 0) {
            return self.write(None);
        }
        let thread = self.threads[self.rng.usize(..self.threads.len())];
        let person = self.people[self.rng.usize(..2)];
        match self.rng.u8(..20) {
            0..=6 => self.write(Some(thread)),
            7..=8 => {
                let posts = std::mem::take(&mut self.posts);
                let chosen = self.some(&posts, |_| true);
                self.posts = posts;
                if let Some(n) = chosen {
                    let post = &mut self.posts[n];
                    post.version += 1;
                    if post.paragraphs > 1 {
                        post.paragraphs = self.rng.usize(1..7);
                    }
                    let (id, text) = (post.id, self.posts[n].text());
                    self.forum().edit(id, &text).expect("an edit");
                }
            }
            9 => {
                let forum = self.forum();
                let opening = |post: &Words| match post.place {
                    Place::Thread(thread) => forum.posts(thread).first().is_none_or(|p| p.id == post.id),
                    Place::Opened { .. } => true,
                };
                let posts = std::mem::take(&mut self.posts);
                let chosen = self.some(&posts, |post| !opening(post));
                self.posts = posts;
                if let Some(n) = chosen {
                    let how = if self.rng.bool() { Deletion::Hard } else { Deletion::Soft };
                    let post = &mut self.posts[n];
                    (post.gone, post.went) = (true, true);
                    forum.delete(post.id, how).expect("a removal");
                }
            }
            10 => {
                let forum = self.forum();
                let back = self.posts.iter_mut().find(|post| post.gone && forum.post(post.id).is_some());
                if let Some(post) = back {
                    post.gone = false;
                    forum.undelete(post.id).expect("a post");
                }
            }
            11 => {
                let title = format!("Thread renamed {}", self.rng.u8(..));
                self.forum().rename(thread, &title).expect("a thread");
            }
            12..=14 => self.say(thread),
            15 => {
                let said = std::mem::take(&mut self.said);
                let chosen = self.some(&said, |_| true);
                self.said = said;
                if let Some(n) = chosen {
                    self.said[n].version += 1;
                    let (id, text) = (self.said[n].id, self.said[n].text());
                    let author = self.discord().message(id).expect("a message").author;
                    if self.discord().edit(author, id, &text).is_err() {
                        self.said[n].version -= 1;
                    }
                }
            }
            16 => {
                // What opens a thread takes all of it along.
                let opens =
                    |said: &Words| matches!(said.place, Place::Opened { room, .. } if room == said.id);
                let said = std::mem::take(&mut self.said);
                let chosen = self.some(&said, |said| !opens(said));
                self.said = said;
                if let Some(n) = chosen
                    && self.discord().delete(self.said[n].id).is_ok()
                {
                    (self.said[n].gone, self.said[n].went) = (true, true);
                }
            }
            _ => {
                let Some(room) = self.room(thread) else { return };
                let shown = self.discord().messages(room).into_iter().filter(|m| m.webhook.is_some());
                let Some(message) = self.rng.choice(shown.collect::<Vec<_>>()) else { return };
                let emoji = ["🙏", "👍"][self.rng.usize(..2)];
                if self.rng.bool() {
                    let _ = self.discord().react(person, message.id, emoji);
                } else {
                    let _ = self.discord().unreact(person, message.id, emoji);
                }
            }
        }
    }
}
