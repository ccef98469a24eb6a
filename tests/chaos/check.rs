//! What must hold once everything is healed and nothing moves any more.

use std::collections::BTreeMap;

use threadbridge::sandbox::forum::{Action, Outcome};

use super::Chaos;
use super::words::{Place, marks};

impl Chaos {
    /// Where the two sides do not say the same.
    pub fn disagreements(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let (discord, threads) = (self.discord(), self.forum().threads(self.board));
        let mut places =
            vec![(discord.threads(self.channel).into_iter().map(|room| room.id).collect::<Vec<_>>(), true)];
        places.extend(self.feed.map(|feed| (vec![feed], false)));
        for (rooms, own) in places {
            let shown: Vec<Vec<String>> = rooms.iter().map(|room| self.mirrored(*room)).collect();
            let mut there = BTreeMap::new();
            for mark in shown.iter().flatten().flat_map(|content| marks(content)) {
                *there.entry(mark).or_insert(0) += 1;
            }
            let mut wanted = BTreeMap::new();
            for post in threads.iter().flat_map(|thread| self.forum().posts(thread.id)) {
                if post.deleted || (own && marks(&post.text).iter().any(|mark| mark.starts_with('d'))) {
                    continue;
                }
                for mark in marks(&post.text) {
                    *wanted.entry(mark).or_insert(0) += 1;
                }
            }
            for (mark, count) in &wanted {
                let found = there.remove(mark).unwrap_or(0);
                if found != *count {
                    faults.push(format!(
                        "I1/I5: {mark} is to be seen {count} times in {rooms:?}, and is {found} times"
                    ));
                }
            }
            faults.extend(there.keys().map(|mark| format!("I5/I8: {mark} is still to be seen in {rooms:?}")));
            for (room, contents) in rooms.iter().zip(&shown) {
                self.check_order(*room, contents, &mut faults);
            }
            if own && rooms.len() != threads.len() {
                faults.push(format!("I1: {} Discord threads for {}", rooms.len(), threads.len()));
            }
        }
        self.check_said(&mut faults);
        self.check_order_of_said(&mut faults);
        self.check_thanks(&mut faults);
        self.check_ledgers(&mut faults);
        faults
    }

    fn mirrored(&self, room: u64) -> Vec<String> {
        let messages = self.discord().messages(room).into_iter();
        messages.filter(|message| message.webhook.is_some()).map(|message| message.content).collect()
    }

    /// I2, for what never went away.
    fn check_order(&self, room: u64, contents: &[String], faults: &mut Vec<String>) {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for content in contents {
            let first = marks(content).into_iter().find(|mark| mark.ends_with(".0;"));
            let Some(post) =
                first.and_then(|mark| self.posts.iter().find(|post| !post.went && post.marked(&mark)))
            else {
                continue;
            };
            let Place::Thread(thread) = post.place else { continue };
            let before = last.insert(thread, post.id).unwrap_or(0);
            if before > post.id {
                faults.push(format!("I2: {} comes after a newer post in {room}", post.mark));
            }
        }
    }

    /// I3 and I5 from Discord to the forum.
    fn check_said(&self, faults: &mut Vec<String>) {
        for said in &self.said {
            let posts = self.thread_of(said).map(|thread| self.forum().posts(thread)).unwrap_or_default();
            let found: Vec<String> = posts
                .iter()
                .filter(|post| !post.deleted)
                .flat_map(|post| marks(&post.text))
                .filter(|mark| said.marked(mark))
                .collect();
            let wanted: Vec<String> =
                if said.gone { Vec::new() } else { vec![format!("{}v{}.0;", said.mark, said.version)] };
            if found != wanted {
                faults.push(format!("I3/I5: of {} the forum has {found:?}, not {wanted:?}", said.mark));
            }
            let marked = self.discord().reactions(said.id).iter().any(|(emoji, _)| emoji == "✅");
            if !said.gone && !marked {
                faults.push(format!("I3: nobody told the author of {} that it arrived", said.mark));
            }
        }
    }

    /// I2 from Discord to the forum: what was said in one Discord thread is on the forum in the order in which it was
    /// said, be it gone by now or not.
    fn check_order_of_said(&self, faults: &mut Vec<String>) {
        for thread in self.forum().threads(self.board) {
            let mut last = 0;
            for mark in self.forum().posts(thread.id).iter().flat_map(|post| marks(&post.text)) {
                let Some(said) = self.said.iter().find(|said| said.marked(&mark)) else { continue };
                if said.id < last {
                    faults.push(format!("I2: {} comes after what was said later on the forum", said.mark));
                }
                last = last.max(said.id);
            }
        }
    }

    /// I4: thanked while anybody's reaction says so.
    fn check_thanks(&self, faults: &mut Vec<String>) {
        let mut wanted: BTreeMap<&str, bool> = BTreeMap::new();
        let rooms = self.discord().threads(self.channel).into_iter().map(|room| room.id).chain(self.feed);
        for message in rooms.flat_map(|room| self.discord().messages(room)) {
            let Some(mark) = marks(&message.content).into_iter().next() else { continue };
            let Some(post) = self.posts.iter().find(|post| post.marked(&mark)) else { continue };
            let thanks = message
                .reactions
                .iter()
                .any(|r| !r.users.is_empty() && ["🙏", "👍"].contains(&r.emoji.as_str()));
            *wanted.entry(&post.mark).or_default() |= thanks;
        }
        for post in self.posts.iter().filter(|post| !post.went && !post.split) {
            let given = self.forum().thanks(post.id).len();
            let wanted = usize::from(wanted.get(post.mark.as_str()).copied().unwrap_or(false));
            if given != wanted {
                faults.push(format!("I4: {} has {given} thanks, not {wanted}", post.mark));
            }
        }
    }

    /// Not even for a moment was anything there twice.
    fn check_ledgers(&self, faults: &mut Vec<String>) {
        let mut sent: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.discord().ledger() {
            if entry.method == "POST" && entry.done && entry.route == "/webhooks/{webhook_id}/{webhook_token}"
            {
                let content =
                    entry.request.unwrap_or_default()["content"].as_str().unwrap_or_default().to_owned();
                let first = marks(&content).into_iter().find(|mark| mark.ends_with(".0;"));
                if let Some((mark, _)) = first.as_deref().and_then(|mark| mark.split_once('v')) {
                    *sent.entry(mark.to_owned()).or_default() += 1;
                }
            }
        }
        let bridges = 1 + usize::from(self.feed.is_some());
        for post in self.posts.iter().filter(|post| !post.went) {
            let count = sent.get(&post.mark).copied().unwrap_or(0);
            if count > bridges {
                faults.push(format!("I1: {} was sent {count} times to {bridges} bridges", post.mark));
            }
        }
        let done = self.forum().ledger().into_iter().filter(|e| e.outcome == Outcome::Done);
        let replies = done.filter(|e| matches!(e.action, Action::Reply | Action::OpenThread)).count();
        if replies > self.said.len() {
            faults.push(format!("I3: {replies} replies and threads for {} messages", self.said.len()));
        }
    }
}
