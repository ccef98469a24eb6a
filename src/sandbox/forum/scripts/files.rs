//! What is no page: robots.txt, the stylesheet, smilies, avatars, attachments.

use super::super::bbcode::SMILIES;
use super::super::wire::Reply;
use super::{Answer, Stop, Visit, invalid};

const STYLE: &str = include_str!("style.css");

impl Visit<'_> {
    pub(super) fn static_file(&self, path: &str) -> Option<Reply> {
        let svg = |body: String| Some(Reply::bytes("image/svg+xml", body.into_bytes()));
        match path {
            "robots.txt" => {
                let mut text = String::from("User-agent: *\n");
                if let Some(delay) = self.options.crawl_delay {
                    text.push_str(&format!("Crawl-delay: {delay}\n"));
                }
                text.push_str("Disallow: /post_thanks.php\n");
                Some(Reply::bytes("text/plain; charset=utf-8", text.into_bytes()))
            }
            "clientscript/vbulletin_css/main.css" => {
                Some(Reply::bytes("text/css", STYLE.as_bytes().to_vec()))
            }
            _ => {
                let name = path.strip_prefix("images/")?.strip_suffix(".svg")?;
                let smiley =
                    name.strip_prefix("smilies/").filter(|s| SMILIES.iter().any(|(_, file, _)| file == s));
                let mouth = match smiley {
                    Some("frown" | "confused") => "M5 12q3-4 6 0",
                    Some(_) => "M5 10q3 4 6 0",
                    None => "M4 8h8",
                };
                svg(format!(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"16\" height=\"16\"><circle cx=\"8\" cy=\"8\" \
                     r=\"7\" fill=\"#fd6\" stroke=\"#a70\"/><path d=\"M5 5v2m6-2v2{mouth}\" stroke=\"#530\" \
                     fill=\"none\"/></svg>"
                ))
            }
        }
    }

    pub(super) fn avatar(&self) -> Answer {
        let member = self.call.number("u").and_then(|id| self.state.members.get(&id));
        let file = member.and_then(|member| member.avatar.as_ref()).ok_or_else(|| invalid("User"))?;
        Ok(Reply::bytes(file.content_type, file.bytes.clone()).with("cache-control", "max-age=86400"))
    }

    /// Guests get the no-permission page instead of the file, as on most boards.
    pub(super) fn attachment(&self) -> Answer {
        if self.viewer.is_none() {
            return Err(Stop::NoPermission);
        }
        let id = self.call.number("attachmentid").ok_or_else(|| invalid("Attachment"))?;
        let owner = self.state.posts.values().find(|post| post.attachments.contains(&id));
        self.post(owner.map(|post| post.id)).map_err(|_| invalid("Attachment"))?;
        let file = self.state.attachments.get(&id).ok_or_else(|| invalid("Attachment"))?;
        Ok(Reply::bytes(file.content_type, file.bytes.clone()))
    }
}
