//! What keeps a page from costing the HTML parser more than linear work.
//!
//! html5ever looks through its stack of open elements at almost every tag, opens unclosed `<b>` and
//! `<font>` again in each block that follows, compares each attribute of a tag with all the others, and
//! merges the attributes of every further `<body>`. Each is harmless on a page and ruinous on a bomb, so
//! one cheap scan follows the parser's stack first. Where it can't know what the parser will do, it
//! believes that more stays open.

/// A page of a forum is rarely a tenth of this.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The largest that were met, front pages of large forums, have 16,000; each costs some 400 bytes of memory.
const MOST_TAGS: usize = 80_000;
/// Elements within one another; pages have some 40.
const MOST_OPEN: usize = 1_000;
/// The open elements at each tag, summed: what searching the parser's stack may cost.
const MOST_SEARCHED: usize = 20_000_000;
/// Unclosed `<b>`, `<font>` and the like at each block's edge, summed: elements that come into being unasked.
const MOST_REOPENED: usize = 100_000;
/// Attributes of one tag, which the parser compares each with each.
const MOST_ATTRIBUTES: usize = 256;
/// Any that the scan can't follow exactly: second bodies, scripts within scripts, CDATA in drawings.
const MOST_ODDITIES: usize = 50;

/// More HTML than a forum's page has: a mistake, or an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page is far larger or deeper than a forum's page can be, so it was not read")]
pub struct TooMuch;

/// Refuses HTML that would cost the parser more than linear time or much memory. One pass over the bytes.
pub fn guard(html: &str) -> Result<(), TooMuch> {
    if html.len() > MOST_BYTES {
        return Err(TooMuch);
    }
    let mut scan = Scan::default();
    let mut at = 0;
    while let Some(found) = html[at..].find('<') {
        at += found + 1;
        at = scan.markup(html, at)?;
        if scan.tags > MOST_TAGS
            || scan.open.len() > MOST_OPEN
            || scan.formatting.len() > MOST_OPEN
            || scan.searched > MOST_SEARCHED
            || scan.reopened > MOST_REOPENED
            || scan.oddities > MOST_ODDITIES
        {
            return Err(TooMuch);
        }
    }
    Ok(())
}

/// An element's name: its first eight letters in lower case, which tell all known ones apart.
type Name = [u8; 8];

const fn name(text: &str) -> Name {
    let mut name = [0; 8];
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() && at < 8 {
        name[at] = bytes[at].to_ascii_lowercase();
        at += 1;
    }
    name
}

fn is_any(of: Name, names: &[&str]) -> bool {
    names.iter().any(|known| name(known) == of)
}

const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
const VOID: [&str; 16] = [
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img", "input",
    "link", "meta", "param", "wbr",
];
/// Elements whose content is text up to their end tag.
const RAW: [&str; 9] =
    ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript"];
/// No end tag reaches through these.
const WALLS: [&str; 11] =
    ["applet", "caption", "html", "table", "td", "th", "marquee", "object", "template", "svg", "math"];
/// End tags of other elements do not reach out of these: they pass through them.
const INLINE: [&str; 12] =
    ["span", "label", "abbr", "q", "sub", "sup", "kbd", "var", "cite", "ins", "del", "bdo"];

/// Elements whose formatting ends with them.
const CELLS: [&str; 7] = ["applet", "caption", "marquee", "object", "td", "template", "th"];
const MARK: Name = [0; 8];

#[derive(Default)]
struct Scan {
    open: Vec<Name>,
    /// The parser's list of active formatting elements; [`MARK`] parts a cell's from those around it.
    formatting: Vec<Name>,
    tags: usize,
    searched: usize,
    reopened: usize,
    oddities: usize,
    /// A drawing has been seen, within which other rules hold.
    foreign: bool,
}

impl Scan {
    /// What follows a `<`; gives the place behind it.
    fn markup(&mut self, html: &str, at: usize) -> Result<usize, TooMuch> {
        let bytes = html.as_bytes();
        let behind = |from: usize, end: &str| html.get(from..)?.find(end).map(|n| from + n + end.len());
        match bytes.get(at) {
            Some(b'!') if html[at..].starts_with("!--") => {
                // The parser's work on comments grows with their square; pages have hundreds of them.
                self.tags += 6;
                if html[at + 3..].starts_with('>') || html[at + 3..].starts_with("->") {
                    return Ok(at + 3);
                }
                Ok(behind_comment(bytes, at + 3))
            }
            Some(b'!' | b'?') => {
                self.oddities += usize::from(self.foreign && html[at..].starts_with("![CDATA["));
                Ok(behind(at, ">").unwrap_or(html.len()))
            }
            Some(b'/') if bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => {
                let end = attributes(bytes, at + 1)?;
                self.close(read_name(bytes, at + 1));
                Ok(end)
            }
            Some(b'/') => Ok(behind(at, ">").unwrap_or(html.len())),
            Some(byte) if byte.is_ascii_alphabetic() => {
                let end = attributes(bytes, at)?;
                let name = read_name(bytes, at);
                self.start(name);
                if is_any(name, &RAW) { Ok(self.raw(html, end, name)) } else { Ok(end) }
            }
            _ => Ok(at),
        }
    }

    fn count(&mut self) {
        self.tags += 1;
        self.searched += self.open.len();
    }

    fn start(&mut self, of: Name) {
        self.count();
        self.foreign |= is_any(of, &["svg", "math"]);
        if is_any(of, &["html", "body", "frameset"]) {
            self.oddities += 1;
        }
        if is_any(of, &VOID) {
            return;
        }
        if is_any(of, &FORMATTING) {
            if of == name("a") {
                self.end_formatting(of);
            }
            self.formatting.push(of);
        } else {
            self.reopened += self.formatting.len();
            if is_any(of, &CELLS) {
                self.formatting.push(MARK);
            }
        }
        // Those whose end tag may be left out end the one before them.
        let closes: &[&str] = match &of {
            b"li\0\0\0\0\0\0" => &["li"],
            b"p\0\0\0\0\0\0\0" => &["p"],
            b"td\0\0\0\0\0\0" | b"th\0\0\0\0\0\0" => &["td", "th"],
            b"tr\0\0\0\0\0\0" => &["td", "th", "tr"],
            b"option\0\0" => &["option"],
            b"dt\0\0\0\0\0\0" | b"dd\0\0\0\0\0\0" => &["dt", "dd"],
            _ => &[],
        };
        while let Some(last) = self.open.pop_if(|last| is_any(*last, closes)) {
            self.forget(last);
        }
        if !is_any(of, &RAW) {
            self.open.push(of);
        }
    }

    /// Closes an element if the parser is sure to.
    fn close(&mut self, of: Name) {
        self.count();
        if is_any(of, &FORMATTING) {
            return self.end_formatting(of);
        }
        self.reopened += self.formatting.len();
        let table = is_any(of, &["table", "tr", "td", "th", "tbody", "thead", "tfoot", "caption"]);
        let light = is_any(of, &INLINE);
        let wall = |other: Name| match (table, light) {
            (true, _) => is_any(other, &["table", "html", "template"]),
            (_, true) => !is_any(other, &FORMATTING) && !is_any(other, &INLINE),
            _ => is_any(other, &WALLS),
        };
        let found = self.open.iter().rposition(|other| *other == of || wall(*other));
        if let Some(place) = found.filter(|place| self.open[*place] == of) {
            // Formatting that was open in it stays in the list: it is opened again behind it.
            while self.open.len() > place {
                if let Some(closed) = self.open.pop() {
                    self.forget(closed);
                }
            }
        }
    }

    /// Formatting ends through the blocks that it reaches into, but not through a wall.
    fn end_formatting(&mut self, of: Name) {
        let found = self.open.iter().rposition(|other| *other == of || is_any(*other, &WALLS));
        match found {
            Some(place) if self.open[place] == of => drop(self.open.remove(place)),
            Some(_) if self.open.contains(&of) => return,
            _ => {}
        }
        let listed = self.formatting.iter().rposition(|other| *other == of || *other == MARK);
        if let Some(place) = listed.filter(|place| self.formatting[*place] == of) {
            self.formatting.remove(place);
        }
    }

    /// A cell takes its formatting with it.
    fn forget(&mut self, closed: Name) {
        if is_any(closed, &CELLS) {
            let mark = self.formatting.iter().rposition(|other| *other == MARK);
            self.formatting.truncate(mark.unwrap_or(0));
        }
    }

    /// To the end tag of an element whose content is text.
    fn raw(&mut self, html: &str, at: usize, of: Name) -> usize {
        let bytes = html.as_bytes();
        let mut from = at;
        let mut commented = false;
        while let Some(found) = html[from..].find('<') {
            from += found + 1;
            if bytes.get(from) == Some(&b'/') && read_name(bytes, from + 1) == of {
                return from - 1;
            }
            commented |= html[from..].starts_with("!--");
            if commented && of == name("script") && read_name(bytes, from) == of {
                self.oddities += 1;
            } else if self.foreign && bytes.get(from).is_some_and(u8::is_ascii_alphabetic) {
                // In a drawing these hold elements. Whether this is one can't be known: what opens in here
                // counts, what closes does not.
                self.open.push(read_name(bytes, from));
                if self.open.len() > MOST_OPEN {
                    return html.len();
                }
            }
        }
        html.len()
    }
}

/// Behind the `-->` or `--!>` that ends a comment.
fn behind_comment(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = bytes[at..].windows(2).position(|two| two == b"--") {
        at += found + 2;
        match bytes[at..] {
            [b'>', ..] => return at + 1,
            [b'!', b'>', ..] => return at + 2,
            // The next `--` may share its first sign with this one.
            _ => at -= 1,
        }
    }
    bytes.len()
}

fn read_name(bytes: &[u8], at: usize) -> Name {
    let mut name = [0; 8];
    let letters = bytes
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'>' | b'/' | 0));
    for (slot, byte) in name.iter_mut().zip(letters) {
        *slot = byte.to_ascii_lowercase();
    }
    name
}

/// Past a tag's attributes to behind its `>`, as the parser reads them.
fn attributes(bytes: &[u8], at: usize) -> Result<usize, TooMuch> {
    let end = bytes.len();
    let skip = |mut at: usize, stop: &dyn Fn(u8) -> bool| {
        while at < end && !stop(bytes[at]) {
            at += 1;
        }
        at
    };
    let space = |byte: u8| byte.is_ascii_whitespace();
    let mut at = skip(at, &|byte| space(byte) || matches!(byte, b'/' | b'>'));
    for _ in 0..=MOST_ATTRIBUTES {
        at = skip(at, &|byte| !space(byte) && byte != b'/');
        match bytes.get(at) {
            None => return Ok(end),
            Some(b'>') => return Ok(at + 1),
            Some(_) => {}
        }
        // A name may begin with `=`.
        at = skip(at + 1, &|byte| space(byte) || matches!(byte, b'/' | b'>' | b'='));
        let equals = skip(at, &|byte| !space(byte));
        if bytes.get(equals) != Some(&b'=') {
            continue;
        }
        at = skip(equals + 1, &|byte| !space(byte));
        at = match bytes.get(at) {
            Some(quote @ (b'"' | b'\'')) => skip(at + 1, &|byte| byte == *quote) + 1,
            _ => skip(at, &|byte| space(byte) || byte == b'>'),
        }
        .min(end);
    }
    Err(TooMuch)
}
