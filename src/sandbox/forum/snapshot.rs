//! Everything that the demo page needs to show of the forum, as one JSON value.

use serde_json::{Value, json};

use super::state::{PostFacts, State};
use super::{Face, Forum};
use super::{bbcode, discourse, nodebb};

impl Forum {
    /// Boards, threads, posts (BBCode and rendered HTML), thanks and members, staff's view.
    pub fn snapshot(&self) -> Value {
        let now = self.now();
        let base = self.url();
        let state = self.state();
        let boards: Vec<Value> = state
            .boards
            .values()
            .map(|board| {
                let threads: Vec<Value> = state
                    .all_threads(board.id)
                    .into_iter()
                    .map(|thread| {
                        let posts: Vec<Value> = thread
                            .posts
                            .iter()
                            .filter_map(|id| state.posts.get(id))
                            .enumerate()
                            .map(|(at, post)| self.post_value(&state, post, at + 1, now, &base))
                            .collect();
                        json!({
                            "id": thread.id,
                            "url": match self.options().face {
                                Face::Vbulletin4 => format!("{base}showthread.php?t={}", thread.id),
                                Face::Discourse | Face::Feed(_) => format!("{base}t/{}", thread.id),
                                Face::Nodebb => format!("{base}topic/{}", thread.id),
                            },
                            "title": thread.title,
                            "prefix": thread.prefix,
                            "tags": thread.tags,
                            "closed": thread.closed,
                            "sticky": thread.sticky,
                            "deleted": thread.deleted,
                            "may_reply": !thread.closed && !thread.deleted && !board.read_only,
                            "last_post_at": state.last_public_post(thread).map(|post| post.at),
                            "posts": posts,
                        })
                    })
                    .collect();
                json!({
                    "id": board.id,
                    "url": match self.options().face {
                        Face::Vbulletin4 => format!("{base}forumdisplay.php?f={}", board.id),
                        Face::Discourse => format!("{base}c/category/{}", board.id),
                        Face::Feed(kind) => format!("{base}feeds/{}.{}", board.id, kind.ending()),
                        Face::Nodebb => format!("{base}category/{}", board.id),
                    },
                    "name": board.name,
                    "description": board.description,
                    "private": board.private,
                    "moderated": board.moderated,
                    "read_only": board.read_only,
                    "threads": threads,
                })
            })
            .collect();
        let members: Vec<Value> = state
            .members
            .values()
            .map(|member| {
                json!({
                    "id": member.id,
                    "name": member.name,
                    "title": member.title,
                    "location": member.location,
                    "joined": super::dates::month(member.joined),
                    "staff": member.staff,
                    "banned": member.banned,
                    "posts": state.post_count(member),
                    "thanks_given": state.thanks_given(member),
                    "thanks_received": state.thanked(member).0,
                    "avatar_url": member.avatar.as_ref().map(|_| match self.options().face {
                        Face::Vbulletin4 | Face::Feed(_) => {
                            format!("{base}image.php?u={}&dateline={}", member.id, member.avatar_revision)
                        }
                        Face::Discourse => format!("{base}letter_avatar/{}/96/1.png", member.id),
                        Face::Nodebb => format!("{base}assets/faces/{}", member.id),
                    }),
                })
            })
            .collect();
        json!({
            "title": self.options().title,
            "url": base,
            "markdown": matches!(self.options().face, Face::Discourse | Face::Nodebb),
            "version": state.version,
            "maintenance": state.maintenance,
            "boards": boards,
            "members": members,
        })
    }

    fn post_value(
        &self,
        state: &State,
        post: &PostFacts,
        number: usize,
        now: jiff::Timestamp,
        base: &str,
    ) -> Value {
        json!({
            "id": post.id,
            "number": number,
            "url": match self.options().face {
                Face::Vbulletin4 => format!("{base}showthread.php?p={0}#post{0}", post.id),
                Face::Discourse => format!("{base}p/{}", post.id),
                Face::Feed(_) => format!("{base}t/{}", post.thread),
                Face::Nodebb => format!("{base}post/{}", post.id),
            },
            "member": post.member,
            "author": post.name,
            "bbcode": post.text,
            "html": match self.options().face {
                Face::Vbulletin4 | Face::Feed(_) => bbcode::to_html(&post.text, base),
                Face::Discourse => discourse::cooked(&post.text),
                Face::Nodebb => nodebb::cooked(&post.text),
            },
            "at": post.at,
            "at_text": self.options().dates.line(post.at, now),
            "edited_at": post.edited.as_ref().map(|note| note.at),
            "deleted": post.deleted,
            "awaiting": post.awaiting,
            "attachments": post.attachments.iter().filter_map(|id| {
                let file = state.attachments.get(id)?;
                Some(json!({"id": id, "name": file.name, "url": format!("{base}attachment.php?attachmentid={id}")}))
            }).collect::<Vec<_>>(),
            "thanks": post.thanks.iter().map(|thanks| json!({
                "member": thanks.member, "name": thanks.name, "at": thanks.at,
            })).collect::<Vec<_>>(),
        })
    }
}
