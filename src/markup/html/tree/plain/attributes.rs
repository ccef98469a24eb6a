//! What a tag is made of: its name, and attributes with their values.

use memchr::{memchr, memchr2};

use super::super::{Attribute, KEY, Name, Span, key, short};
use super::{Reading, space};

/// Of one tag.
const MOST_ATTRIBUTES: usize = 64;

/// What ends a name.
const ENDS_NAME: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        ends[byte] = matches!(byte as u8, b' ' | b'\n' | b'\t' | b'\x0c' | b'/' | b'>');
        byte += 1;
    }
    ends
};

impl Reading<'_> {
    pub(super) fn tag_name(&mut self, from: usize) -> (Name, usize) {
        self.name(from, |byte| ENDS_NAME[usize::from(byte)])
    }

    /// Reads attributes up to the tag's end, and gives the place behind it.
    pub(super) fn attributes(&mut self, mut at: usize) -> Option<usize> {
        let first = self.html.attributes.len();
        let bytes = self.source.as_bytes();
        loop {
            while space(*bytes.get(at)?) || bytes[at] == b'/' {
                at += 1;
            }
            if bytes[at] == b'>' {
                return Some(at + 1);
            }
            // Anything else, be it a forgotten quote, is part of the name.
            let (name, behind) = self.name(at, |byte| ENDS_NAME[usize::from(byte)] || byte == b'=');
            at = behind;
            while space(*bytes.get(at)?) {
                at += 1;
            }
            let mut value = Span { from: 0, to: 0 };
            if bytes[at] == b'=' {
                at += 1;
                while space(*bytes.get(at)?) {
                    at += 1;
                }
                value = match bytes[at] {
                    quote @ (b'"' | b'\'') => {
                        let from = at + 1;
                        let mut to = from + memchr2(quote, b'&', &bytes[from..])?;
                        let plain = bytes[to] == quote;
                        if !plain {
                            to += memchr(quote, &bytes[to..])?;
                        }
                        at = to + 1;
                        match plain {
                            true => Span { from: short(from), to: short(to) },
                            false => self.resolved(from, to, true)?,
                        }
                    }
                    b'>' => return None,
                    _ => {
                        let from = at;
                        while !space(*bytes.get(at)?) && bytes[at] != b'>' {
                            at += 1;
                        }
                        self.resolved(from, at, true)?
                    }
                };
            }
            if self.html.attributes.len() - first >= MOST_ATTRIBUTES {
                return None;
            }
            // The first of a name counts.
            let known = self.html.attributes[first..].iter().any(|own| self.is_same(own.name, name));
            if !known {
                self.html.attributes.push(Attribute { name, value });
            }
        }
    }

    /// A name, in lower case, and the place behind it; whatever stands at its beginning is part of it.
    fn name(&mut self, from: usize, ends: impl Fn(u8) -> bool) -> (Name, usize) {
        let bytes = &self.source.as_bytes()[from..];
        let length = bytes.iter().skip(1).position(|byte| ends(*byte)).map_or(bytes.len(), |rest| rest + 1);
        let (name, to) = (&bytes[..length], from + length);
        if name.iter().any(u8::is_ascii_uppercase) {
            let lower = self.source[from..to].to_ascii_lowercase();
            return (Name { span: self.keep(&lower), key: key(lower.as_bytes()) }, to);
        }
        let key = match bytes.first_chunk() {
            // What stands behind the name is shifted out.
            Some(first) if length < KEY => u64::from_be_bytes(*first) >> (8 * (KEY - length)),
            _ => key(name),
        };
        (Name { span: Span { from: short(from), to: short(to) }, key }, to)
    }

    #[inline]
    pub(super) fn is_same(&self, a: Name, b: Name) -> bool {
        let like = a.key == b.key && a.span.len() == b.span.len();
        like && (a.span.len() <= KEY || self.at(a.span) == self.at(b.span))
    }
}
