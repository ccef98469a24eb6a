//! Private messages: the forum's own way to reach one member and nobody else.

use super::Vbulletin4;
use super::answer::{Answer, Verdict};
use crate::forum::Failure;
use crate::markup::{Doc, bbcode};

impl Vbulletin4 {
    /// The recipient goes by name: vBulletin 4 knows no other way. A semicolon would name two.
    pub(super) async fn write_letter(&self, name: &str, title: &str, body: &Doc) -> Result<(), Failure> {
        if name.contains(';') {
            return Err(Failure::Unsupported("send a private message to a name with a semicolon"));
        }
        let message = bbcode::write(body);
        let fields = [
            ("do", "insertpm"),
            ("recipients", name),
            ("bccrecipients", ""),
            ("title", title),
            ("message", &message),
            ("wysiwyg", "0"),
            ("parseurl", "1"),
            ("savecopy", "0"),
            ("s", ""),
        ];
        match self.send("private.php?do=insertpm&pmid=", &fields).await? {
            Answer::Moved(_) | Answer::Redirected { .. } | Answer::Shown => Ok(()),
            Answer::Unclear(reason) => Err(Failure::Uncertain { reason }),
            // Its wait between private messages is not the one between posts.
            Answer::Refused(Verdict::Wait(after)) => {
                let seconds = after.as_secs();
                Err(Failure::Later {
                    after,
                    reason: format!("the forum takes the next private message in {seconds} s"),
                })
            }
            Answer::Refused(verdict) => Err(self.refused(verdict)),
        }
    }
}
