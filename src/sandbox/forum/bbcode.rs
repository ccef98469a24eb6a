//! BBCode as vBulletin 4 turns it into HTML, written from its pages; not the bridge's own markup code,
//! which it is here to test. Everything that is not a known, closed tag is text and is escaped.
//!
//! Linear in practice and without recursion: open tags live on a stack of at most [`DEPTH`].

use maud::PreEscaped;

const DEPTH: usize = 60;
/// Bytes of a tag with its option; longer ones are text, so that a million `[` are read once each.
const TAG_LENGTH: usize = 512;

/// The board's smilies: what is typed, the picture's name, its title.
pub(super) const SMILIES: &[(&str, &str, &str)] = &[
    (":)", "smile", "Smile"),
    (":(", "frown", "Frown"),
    (";)", "wink", "Wink"),
    (":D", "biggrin", "Big Grin"),
    (":p", "tongue", "Stick Out Tongue"),
    (":o", "redface", "Embarrassment"),
    (":confused:", "confused", "Confused"),
    (":cool:", "cool", "Cool"),
    (":rolleyes:", "rolleyes", "Roll Eyes (Sarcastic)"),
];

/// Escapes as `htmlspecialchars_uni` does: numeric entities, in which a windows-1252 board keeps what
/// its character set lacks, stay as they are.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '&' if is_numeric_entity(&text[at..]) => out.push('&'),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// [`escape`] for use inside `maud` markup.
pub(super) fn esc(text: &str) -> PreEscaped<String> {
    PreEscaped(escape(text))
}

fn is_numeric_entity(text: &str) -> bool {
    let digits = text.strip_prefix("&#").map_or("", |rest| rest.split(';').next().unwrap_or(""));
    !digits.is_empty()
        && digits.len() < 8
        && digits.bytes().all(|b| b.is_ascii_digit())
        && text[2 + digits.len()..].starts_with(';')
}

/// An opened tag that waits for its end.
struct Open {
    name: &'static str,
    /// Where its HTML begins in the output, and how long that is.
    at: usize,
    len: usize,
    /// What was typed: goes back into the output if the tag is never closed.
    typed: String,
    close: &'static str,
}

struct Writer<'a> {
    out: String,
    stack: Vec<Open>,
    base: &'a str,
}

/// Renders a post's text. Links into the forum begin with `base` (empty where `<base href>` rules).
pub(super) fn to_html(text: &str, base: &str) -> String {
    let mut writer = Writer { out: String::with_capacity(text.len() * 2), stack: Vec::new(), base };
    let text = text.replace("\r\n", "\n");
    let mut rest = text.as_str();
    while let Some(at) = rest.find('[') {
        writer.text(&rest[..at]);
        rest = &rest[at..];
        rest = match Tag::read(rest) {
            Some((tag, after)) => writer.tag(&tag, after),
            None => {
                writer.out.push('[');
                &rest[1..]
            }
        };
    }
    writer.text(rest);
    while let Some(open) = writer.stack.pop() {
        writer.undo(open);
    }
    writer.out
}

/// The text that counts for the minimum length: no tags, no quotes.
pub(super) fn stripped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut quotes = 0usize;
    while let Some(at) = rest.find('[') {
        if quotes == 0 {
            out.push_str(&rest[..at]);
        }
        rest = &rest[at..];
        match Tag::read(rest) {
            Some((tag, after)) => {
                if tag.name == "quote" {
                    quotes = if tag.closing { quotes.saturating_sub(1) } else { quotes + 1 };
                }
                rest = after;
            }
            None => {
                if quotes == 0 {
                    out.push('[');
                }
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// Images and smilies in a text, as vBulletin counts them: by what it renders.
pub(super) fn count_images(text: &str) -> usize {
    // Typed quotation marks are escaped, so only pictures of the post's own carry this attribute.
    to_html(text, "").matches(" border=\"0\" ").count()
}

struct Tag {
    name: String,
    option: Option<String>,
    closing: bool,
    typed: String,
}

impl Tag {
    /// Reads `[name]`, `[name=option]` or `[/name]` at the start of `text`.
    fn read(text: &str) -> Option<(Self, &str)> {
        let end = text.bytes().take(TAG_LENGTH).position(|byte| byte == b']')?;
        let inside = &text[1..end];
        if inside.contains(['[', '\n']) {
            return None;
        }
        let (closing, inside) = match inside.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, inside),
        };
        let (name, option) = match inside.split_once('=') {
            Some((name, option)) => (name, Some(option.trim().trim_matches(['"', '\'']).to_owned())),
            None => (inside, None),
        };
        let name = name.to_ascii_lowercase();
        let known = name == "*" || (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()));
        known.then(|| (Self { name, option, closing, typed: text[..=end].to_owned() }, &text[end + 1..]))
    }
}

/// The text up to the end tag, and what follows it.
fn verbatim<'a>(name: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let end = format!("[/{name}]");
    let at = text.to_ascii_lowercase().find(&end)?;
    Some((&text[..at], &text[at + end.len()..]))
}

/// Addresses that a post may link to; anything else stays text.
fn address(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let lower = typed.to_ascii_lowercase();
    if ["http://", "https://", "ftp://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)) {
        Some(typed.to_owned())
    } else if typed.is_empty() || typed.contains(|c: char| c == ':' || c.is_whitespace()) {
        None
    } else {
        Some(format!("http://{typed}"))
    }
}

fn style_word(typed: &str) -> Option<&str> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '#' | ' ' | '-' | ',' | '+');
    (!typed.is_empty() && typed.len() < 40 && typed.chars().all(fine)).then_some(typed)
}

/// vBulletin shows long addresses with their middle left out.
fn shortened(url: &str) -> String {
    let chars: Vec<char> = url.chars().collect();
    if chars.len() <= 55 {
        return url.to_owned();
    }
    let (head, tail) = (&chars[..36], &chars[chars.len() - 14..]);
    format!("{}...{}", head.iter().collect::<String>(), tail.iter().collect::<String>())
}

impl Writer<'_> {
    /// Handles one tag; answers what is left to read.
    fn tag<'t>(&mut self, tag: &Tag, after: &'t str) -> &'t str {
        if tag.closing {
            return self.close(tag, after);
        }
        match tag.name.as_str() {
            "*" => self.item(tag, after),
            "code" | "php" | "html" | "noparse" | "img" | "video" | "attach" => {
                match verbatim(&tag.name, after) {
                    Some((content, left)) => {
                        self.verbatim(&tag.name, content);
                        if matches!(tag.name.as_str(), "code" | "php" | "html") {
                            skip_newline(left)
                        } else {
                            left
                        }
                    }
                    None => self.literal(tag, after),
                }
            }
            "url" | "email" | "thread" | "post" if tag.option.is_none() => match verbatim(&tag.name, after) {
                Some((content, left)) if self.bare_link(&tag.name, content) => left,
                _ => self.literal(tag, after),
            },
            _ => self.open(tag, after),
        }
    }

    fn literal<'t>(&mut self, tag: &Tag, after: &'t str) -> &'t str {
        self.out.push_str(&escape(&tag.typed));
        after
    }

    fn push(&mut self, name: &'static str, typed: &str, html: &str, close: &'static str) {
        let open = Open { name, at: self.out.len(), len: html.len(), typed: typed.to_owned(), close };
        self.out.push_str(html);
        self.stack.push(open);
    }

    fn open<'t>(&mut self, tag: &Tag, after: &'t str) -> &'t str {
        if self.stack.len() >= DEPTH {
            return self.literal(tag, after);
        }
        let option = tag.option.as_deref().unwrap_or_default();
        let simple = |html: &str, close| Some((html.to_owned(), close));
        let (name, opened): (&'static str, Option<(String, &'static str)>) = match tag.name.as_str() {
            "b" => ("b", simple("<b>", "</b>")),
            "i" => ("i", simple("<i>", "</i>")),
            "u" => ("u", simple("<u>", "</u>")),
            "s" => ("s", simple("<s>", "</s>")),
            "sub" => ("sub", simple("<sub>", "</sub>")),
            "sup" => ("sup", simple("<sup>", "</sup>")),
            "highlight" => ("highlight", simple("<span class=\"highlight\">", "</span>")),
            "left" => ("left", simple("<div style=\"text-align: left;\">", "</div>")),
            "center" => ("center", simple("<div style=\"text-align: center;\">", "</div>")),
            "right" => ("right", simple("<div style=\"text-align: right;\">", "</div>")),
            "indent" => ("indent", simple("<blockquote>", "</blockquote>")),
            "table" => ("table", simple("<table class=\"cms_table\">", "</table>")),
            "tr" => ("tr", simple("<tr valign=\"top\">", "</tr>")),
            "td" => ("td", simple("<td>", "</td>")),
            "th" => ("th", simple("<th>", "</th>")),
            "h" => ("h", simple("<h3 class=\"wysiwyg_dm\">", "</h3>")),
            "hr" => ("hr", simple("<hr />", "")),
            "color" => ("color", style_word(option).map(|c| (format!("<font color=\"{c}\">"), "</font>"))),
            "size" => ("size", style_word(option).map(|s| (format!("<font size=\"{s}\">"), "</font>"))),
            "font" => ("font", style_word(option).map(|f| (format!("<font face=\"{f}\">"), "</font>"))),
            "url" => (
                "url",
                address(option).map(|u| (format!("<a href=\"{}\" target=\"_blank\">", escape(&u)), "</a>")),
            ),
            "email" => ("email", Some((format!("<a href=\"mailto:{}\">", escape(option)), "</a>"))),
            "thread" => ("thread", self.inward("showthread.php?t=", option, false)),
            "post" => ("post", self.inward("showthread.php?p=", option, true)),
            "mention" => ("mention", self.mention(option)),
            "list" => ("list", Some(list_markup(option))),
            "quote" => ("quote", Some((self.quote_head(option), "</div></div></div></div>"))),
            "spoiler" => ("spoiler", Some((spoiler_head(option), "</div></div></div>"))),
            _ => return self.literal(tag, after),
        };
        let Some((html, close)) = opened else { return self.literal(tag, after) };
        self.push(name, &tag.typed, &html, close);
        if matches!(name, "quote" | "list" | "table" | "tr" | "spoiler" | "indent") {
            return after.trim_start_matches(['\n', ' ']);
        }
        after
    }

    fn inward(&self, script: &str, id: &str, anchor: bool) -> Option<(String, &'static str)> {
        let id: u64 = id.parse().ok()?;
        let anchor = if anchor { format!("#post{id}") } else { String::new() };
        Some((format!("<a href=\"{}{script}{id}{anchor}\">", self.base), "</a>"))
    }

    fn mention(&self, option: &str) -> Option<(String, &'static str)> {
        let id: u64 = option.parse().ok()?;
        Some((format!("@<b><a href=\"{}member.php?u={id}\" class=\"usertag\">", self.base), "</a></b>"))
    }

    fn close<'t>(&mut self, tag: &Tag, after: &'t str) -> &'t str {
        let Some(at) = self.stack.iter().rposition(|open| open.name == tag.name) else {
            return self.literal(tag, after);
        };
        while self.stack.len() > at + 1 {
            let Some(inner) = self.stack.pop() else { break };
            if inner.name == "li" {
                self.out.push_str(inner.close);
            } else {
                self.undo(inner);
            }
        }
        if let Some(open) = self.stack.pop() {
            self.out.push_str(open.close);
        }
        match tag.name.as_str() {
            "quote" | "list" | "table" | "tr" | "td" | "th" | "spoiler" | "indent" | "hr" | "h" => {
                skip_newline(after)
            }
            _ => after,
        }
    }

    /// `[*]`: ends the item before it and begins one, inside a list only.
    fn item<'t>(&mut self, tag: &Tag, after: &'t str) -> &'t str {
        let Some(list) = self.stack.iter().rposition(|open| matches!(open.name, "list" | "li")) else {
            return self.literal(tag, after);
        };
        while self.stack.len() > list + 1 {
            let Some(inner) = self.stack.pop() else { break };
            self.undo(inner);
        }
        if self.stack[list].name == "li" {
            self.stack.pop();
            self.out.push_str("</li>");
        }
        self.push("li", "[*]", "<li style=\"\">", "</li>");
        after
    }

    /// Turns a tag that was never closed back into what was typed.
    fn undo(&mut self, open: Open) {
        self.out.replace_range(open.at..open.at + open.len, &escape(&open.typed));
    }

    fn quote_head(&self, option: &str) -> String {
        let mut head = String::from(
            "<div class=\"bbcode_container\"><div class=\"bbcode_quote\"><div class=\"quote_container\">\
             <div class=\"bbcode_quote_container\"></div>",
        );
        if option.is_empty() {
            return head + "<div>";
        }
        let (name, post) = match option.rsplit_once(';') {
            Some((name, id)) if id.parse::<u64>().is_ok() => (name, Some(id)),
            _ => (option, None),
        };
        head.push_str(&format!(
            "<div class=\"bbcode_postedby\"><img src=\"{}images/misc/quote_icon.png\" alt=\"Quote\" /> \
             Originally Posted by <strong>{}</strong>",
            self.base,
            escape(name)
        ));
        if let Some(id) = post {
            head.push_str(&format!(
                " <a href=\"{base}showthread.php?p={id}#post{id}\" rel=\"nofollow\"><img class=\"inlineimg\" \
                 src=\"{base}images/buttons/viewpost-right.png\" alt=\"View Post\" /></a>",
                base = self.base
            ));
        }
        head + "</div><div class=\"message\">"
    }

    fn verbatim(&mut self, name: &str, content: &str) {
        let height = 13 * content.lines().count().clamp(1, 30) + 23;
        let code = |what: &str, body: String| {
            format!(
                "<div class=\"bbcode_container\"><div class=\"bbcode_description\">{what}:</div>{body}</div>"
            )
        };
        let trimmed = content.trim_matches('\n');
        let html = match name {
            "code" | "html" => code(
                if name == "code" { "Code" } else { "HTML Code" },
                format!("<pre class=\"bbcode_code\" style=\"height:{height}px;\">{}</pre>", escape(trimmed)),
            ),
            "php" => code(
                "PHP Code",
                format!(
                    "<div class=\"bbcode_code\" style=\"height:{height}px;\"><code><code><span style=\"color: \
                     #000000\">{}</span></code></code></div>",
                    escape(trimmed).replace('\n', "<br />").replace("  ", "&nbsp;&nbsp;")
                ),
            ),
            "img" => match address(content) {
                Some(url) if !content.contains(['\n', '"']) => {
                    format!("<img src=\"{}\" border=\"0\" alt=\"\" />", escape(&url))
                }
                _ => escape(&format!("[img]{content}[/img]")),
            },
            "attach" => match content.trim().parse::<u64>() {
                Ok(id) => format!(
                    "<a href=\"{0}attachment.php?attachmentid={id}\" title=\"Name:  {id}\">Attachment {id}</a>",
                    self.base
                ),
                Err(_) => escape(&format!("[attach]{content}[/attach]")),
            },
            "video" => match address(content) {
                Some(url) => format!("<a href=\"{0}\" target=\"_blank\">{0}</a>", escape(&url)),
                None => escape(content),
            },
            _ => escape(content).replace('\n', "<br />\n"),
        };
        self.out.push_str(&html);
    }

    fn bare_link(&mut self, name: &str, content: &str) -> bool {
        let content = content.trim();
        let opened = match name {
            "url" => {
                address(content).map(|u| (format!("<a href=\"{}\" target=\"_blank\">", escape(&u)), "</a>"))
            }
            "email" => Some((format!("<a href=\"mailto:{}\">", escape(content)), "</a>")),
            "thread" => self.inward("showthread.php?t=", content, false),
            _ => self.inward("showthread.php?p=", content, true),
        };
        let Some((open, close)) = opened else { return false };
        self.out.push_str(&open);
        self.out.push_str(&escape(&shortened(content)));
        self.out.push_str(close);
        true
    }

    /// Plain text: line breaks, smilies, and addresses that become links.
    fn text(&mut self, text: &str) {
        let in_link = self.stack.iter().any(|open| matches!(open.name, "url" | "email" | "thread" | "post"));
        let in_table = self.stack.last().is_some_and(|open| matches!(open.name, "table" | "tr"));
        if in_table && text.trim().is_empty() {
            return;
        }
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.out.push_str("<br />\n");
            }
            let mut rest = line;
            while let Some(at) = rest.find(char::is_whitespace) {
                self.word(&rest[..at], in_link);
                let space = rest[at..].chars().next().map_or(1, char::len_utf8);
                self.out.push_str(&rest[at..at + space]);
                rest = &rest[at + space..];
            }
            self.word(rest, in_link);
        }
    }

    fn word(&mut self, word: &str, in_link: bool) {
        if let Some((_, file, title)) = SMILIES.iter().find(|(typed, ..)| *typed == word) {
            self.out.push_str(&format!(
                "<img src=\"{}images/smilies/{file}.svg\" border=\"0\" alt=\"\" title=\"{title}\" class=\"inlineimg\" />",
                self.base
            ));
            return;
        }
        let lower = word.to_ascii_lowercase();
        let is_url =
            ["http://", "https://", "www."].iter().any(|start| lower.starts_with(start) && word.len() > 10);
        if in_link || !is_url {
            self.out.push_str(&escape(word));
            return;
        }
        let url = word.trim_end_matches(['.', ',', ')', '!', '?', ';', ':']);
        if let Some(href) = address(url) {
            self.out.push_str(&format!(
                "<a href=\"{}\" target=\"_blank\">{}</a>{}",
                escape(&href),
                escape(&shortened(url)),
                escape(&word[url.len()..])
            ));
        }
    }
}

fn skip_newline(text: &str) -> &str {
    text.strip_prefix('\n').unwrap_or(text)
}

fn list_markup(option: &str) -> (String, &'static str) {
    match option {
        "1" => ("<ol class=\"decimal\">".to_owned(), "</ol>"),
        "a" => ("<ol class=\"lower-alpha\">".to_owned(), "</ol>"),
        "A" => ("<ol class=\"upper-alpha\">".to_owned(), "</ol>"),
        "i" => ("<ol class=\"lower-roman\">".to_owned(), "</ol>"),
        "I" => ("<ol class=\"upper-roman\">".to_owned(), "</ol>"),
        _ => ("<ul>".to_owned(), "</ul>"),
    }
}

fn spoiler_head(title: &str) -> String {
    let title = if title.is_empty() { "Spoiler".to_owned() } else { format!("Spoiler: {}", escape(title)) };
    format!(
        "<div class=\"bbcode_container spoiler\"><div class=\"bbcode_description\">{title} <input type=\"button\" \
         class=\"button\" value=\"Show\" /></div><div class=\"bbcode_quote\"><div class=\"message\" \
         style=\"display:none\">"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_html_and_the_rest_is_text() {
        let cases = [
            ("[b]a[/b] [i]b[/I]", "<b>a</b> <i>b</i>"),
            ("[b]never closed", "[b]never closed"),
            ("[b][i]x[/b]", "<b>[i]x</b>"),
            ("x[/b] [foo]y[/foo]", "x[/b] [foo]y[/foo]"),
            ("<script>&\"", "&lt;script&gt;&amp;&quot;"),
            ("&#9731; &#x; &amp;", "&#9731; &amp;#x; &amp;amp;"),
            ("a\nb", "a<br />\nb"),
            ("[noparse][b]x[/b][/noparse]", "[b]x[/b]"),
            ("[list][*]a[*]b[/list]", "<ul><li style=\"\">a</li><li style=\"\">b</li></ul>"),
            ("[url=javascript:alert(1)]x[/url]", "[url=javascript:alert(1)]x[/url]"),
            ("[color=red\" onclick=x]y[/color]", "[color=red&quot; onclick=x]y[/color]"),
            ("[url=http://a.example/]x[/url]", "<a href=\"http://a.example/\" target=\"_blank\">x</a>"),
            (
                "see http://a.example/b.",
                "see <a href=\"http://a.example/b\" target=\"_blank\">http://a.example/b</a>.",
            ),
            (
                "[img]http://a.example/i.png[/img]",
                "<img src=\"http://a.example/i.png\" border=\"0\" alt=\"\" />",
            ),
        ];
        for (text, html) in cases {
            assert_eq!(to_html(text, ""), html, "{text}");
        }
    }

    #[test]
    fn quotes_name_their_post() {
        let html = to_html("[QUOTE=Ann;42]hi[/QUOTE]\nyes", "");
        assert!(
            html.contains("Originally Posted by <strong>Ann</strong> <a href=\"showthread.php?p=42#post42\"")
        );
        assert!(html.contains("<div class=\"message\">hi</div></div></div></div>yes"));
        assert!(!to_html("[quote]hi[/quote]", "").contains("bbcode_postedby"));
    }

    #[test]
    fn lengths_and_images_are_counted_as_the_board_does() {
        assert_eq!(stripped("[quote=A;1]long words[/quote] [b]hi[/b]"), "hi");
        assert_eq!(count_images(":) [img]http://a.example/i.png[/img] [quote=A;1]x[/quote]"), 2);
    }

    #[test]
    fn hostile_depth_is_text() {
        let html = to_html(&"[b]".repeat(5_000), "");
        assert_eq!(html, "[b]".repeat(5_000));
    }
}
