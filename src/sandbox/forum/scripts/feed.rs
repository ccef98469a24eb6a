//! `external.php`: the board's threads as RSS, with a guest's eyes only.

use super::super::bbcode::{escape, stripped, to_html};
use super::super::wire::Reply;
use super::{Answer, Visit, cdata};

/// The board option: never more items than this.
const ITEMS: usize = 15;

impl Visit<'_> {
    pub(super) fn external(&self) -> Answer {
        let wanted = self.call.numbers("forumids");
        let by_last_post = self.call.is("lastpost");
        let count = self.call.number("count").map_or(ITEMS, |count| (count as usize).clamp(1, ITEMS));
        let mut items: Vec<_> = self
            .state
            .threads
            .values()
            .filter(|thread| self.state.sees_thread(None, thread))
            .filter(|thread| wanted.is_empty() || wanted.contains(&thread.board))
            .filter_map(|thread| {
                let posts = self.state.visible_posts(None, thread);
                let post = if by_last_post { *posts.last()? } else { *posts.first()? };
                Some((thread, post))
            })
            .collect();
        items.sort_by_key(|(_, post)| std::cmp::Reverse((post.at, post.id)));
        items.truncate(count);

        let newest = items.first().map_or(self.now, |(_, post)| post.at);
        let changed = http_date(newest);
        let tag =
            format!("\"{}-{}\"", self.call.query.len(), items.iter().map(|(_, post)| post.id).sum::<u64>());
        let ttl = self.options.feed_ttl.as_secs();
        let fresh = self.call.if_none_match.as_deref() == Some(tag.as_str())
            || (self.call.if_none_match.is_none()
                && self.call.if_modified_since.as_deref() == Some(&changed));
        let finish = |reply: Reply| {
            reply
                .with("last-modified", changed.clone())
                .with("etag", tag.clone())
                .with("cache-control", format!("max-age={ttl}"))
        };
        if !items.is_empty() && fresh {
            let mut reply = Reply::bytes("text/xml", Vec::new());
            reply.status = 304;
            return Ok(finish(reply));
        }
        let base = self.forum.url();
        let title = escape(&self.options.title);
        let mut xml = format!(
            "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
             xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">\n<channel>\n<title>{title}</title>\n\
             <link>{base}</link>\n<description>{title}</description>\n<language>en</language>\n\
             <lastBuildDate>{}</lastBuildDate>\n<generator>vBulletin</generator>\n<ttl>{}</ttl>\n",
            http_date(self.now),
            ttl.div_ceil(60),
        );
        for (thread, post) in items {
            let board = self.state.boards.get(&thread.board).map(|board| board.name.as_str()).unwrap_or("");
            let text = stripped(&post.text);
            let cut: String = text.chars().take(150).collect();
            let more = if cut.len() < text.len() { "..." } else { "" };
            xml.push_str(&format!(
                "<item>\n<title>{}</title>\n<link>{base}showthread.php?t={id}&amp;goto=newpost</link>\n\
                 <pubDate>{}</pubDate>\n<description>{}</description>\n<content:encoded>{}</content:encoded>\n\
                 <category domain=\"{base}forumdisplay.php?f={}\">{}</category>\n<dc:creator>{}</dc:creator>\n\
                 <guid isPermaLink=\"true\">{base}showthread.php?t={id}</guid>\n</item>\n",
                escape(&thread.title),
                http_date(post.at),
                cdata(&format!("{cut}{more}")),
                cdata(&to_html(&post.text, &base)),
                thread.board,
                escape(board),
                escape(&post.name),
                id = thread.id,
            ));
        }
        xml.push_str("</channel>\n</rss>\n");
        Ok(finish(self.xml(&xml)))
    }
}

/// RFC 9110's date: whole seconds, GMT.
fn http_date(at: jiff::Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
