//! The thanks add-on's `post_thanks.php`, version 7.x: works by GET as well as POST, and refuses AJAX
//! with an empty body.

use super::super::ledger::{Action, Outcome};
use super::super::page::thread;
use super::super::state::ThanksFacts;
use super::{Answer, Stop, Visit};

impl Visit<'_> {
    pub(super) fn post_thanks(&mut self) -> Answer {
        let ajax = self.call.is("using_ajax");
        let result = match self.call.text("do") {
            "post_thanks_add" => self.add_thanks(),
            "post_thanks_remove_user" => self.remove_thanks(),
            _ => Err(Stop::NoPermission),
        };
        match result {
            Ok(post) if ajax => {
                let list =
                    self.state.posts.get(&post).map(|post| thread::thanks_list(self, post).into_string());
                Ok(self.page(&list.unwrap_or_default()))
            }
            Ok(post) => {
                let to = format!("showthread.php?p={post}#post{post}");
                Ok(self.done("post_thanks", "Your thanks have been changed.", &to, false))
            }
            Err(_) if ajax => Ok(self.page("")),
            Err(stop) => Err(stop),
        }
    }

    fn add_thanks(&mut self) -> Result<u64, Stop> {
        let asked = self.call.number("p");
        // The add path checks the token itself, however it is called.
        let allowed = self.check_token().and_then(|()| self.post(asked)).and_then(|(_, post)| {
            let already = post.thanks.iter().any(|thanks| Some(thanks.member) == self.viewer);
            let member = self.viewer.and_then(|id| self.state.members.get(&id)).ok_or(Stop::NoPermission)?;
            if already || post.member == self.viewer {
                return Err(Stop::NoPermission);
            }
            Ok((post, ThanksFacts { member: member.id, name: member.name.clone(), at: self.now }))
        });
        let (post, thanks) = match allowed {
            Ok(allowed) => allowed,
            Err(stop) => {
                self.record(Action::Thank, None, asked, Outcome::Refused("No permission.".to_owned()));
                return Err(stop);
            }
        };
        if let Some(post) = self.state.posts.get_mut(&post.id) {
            post.thanks.push(thanks);
        }
        self.record(Action::Thank, Some(post.thread), Some(post.id), Outcome::Done);
        Ok(post.id)
    }

    fn remove_thanks(&mut self) -> Result<u64, Stop> {
        let asked = self.call.number("p");
        // Only a POST meets vBulletin's own check; the add-on has none here.
        let allowed = if self.call.post { self.check_token() } else { Ok(()) };
        let given = allowed.and_then(|()| self.post(asked)).and_then(|(_, post)| {
            let given = post.thanks.iter().any(|thanks| Some(thanks.member) == self.viewer);
            if given { Ok(post) } else { Err(Stop::NoPermission) }
        });
        match given {
            Ok(post) => {
                let viewer = self.viewer;
                if let Some(post) = self.state.posts.get_mut(&post.id) {
                    post.thanks.retain(|thanks| Some(thanks.member) != viewer);
                }
                self.record(Action::WithdrawThanks, Some(post.thread), Some(post.id), Outcome::Done);
                Ok(post.id)
            }
            Err(stop) => {
                let outcome = Outcome::Refused("No permission.".to_owned());
                self.record(Action::WithdrawThanks, None, asked, outcome);
                Err(stop)
            }
        }
    }
}
