//! A browser's bundle of a page and its files: MHTML, which is mail of several parts.
//! <https://www.rfc-editor.org/rfc/rfc2557>, <https://www.rfc-editor.org/rfc/rfc2045#section-6>

use jiff::Timestamp;
use memchr::memmem;
use url::Url;

/// The page in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub bytes: Vec<u8>,
    /// The `charset` of its `Content-Type`.
    pub charset: Option<String>,
    /// Where it came from.
    pub url: Option<Url>,
    /// When it was saved.
    pub at: Option<Timestamp>,
}

/// No bundle's headers are longer.
const LONGEST_HEAD: usize = 16 * 1024;

/// The first page in a bundle; `None` for what is no bundle, or holds no page.
pub fn open(bytes: &[u8]) -> Option<Page> {
    let (head, rest) = parted(bytes)?;
    let kind =
        field(&head, "content-type").filter(|kind| kind.to_ascii_lowercase().contains("multipart/"))?;
    let boundary = format!("--{}", parameter(kind, "boundary")?);
    let marks: Vec<usize> = memmem::find_iter(rest, boundary.as_bytes()).collect();
    marks.iter().enumerate().find_map(|(index, mark)| {
        let end = marks.get(index + 1).copied().unwrap_or(rest.len());
        let part = rest.get(mark + boundary.len()..end)?;
        let (own, body) = parted(trim_line(part))?;
        let kind =
            field(&own, "content-type").filter(|kind| kind.to_ascii_lowercase().starts_with("text/html"))?;
        let written = field(&own, "content-transfer-encoding").unwrap_or_default().to_ascii_lowercase();
        Some(Page {
            bytes: match written.as_str() {
                "quoted-printable" => quoted(body),
                "base64" => base64(body),
                _ => body.to_vec(),
            },
            charset: parameter(kind, "charset"),
            url: field(&own, "content-location").and_then(|address| Url::parse(address).ok()),
            at: field(&head, "date")
                .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
                .map(|at| at.timestamp()),
        })
    })
}

/// Names in lower case, with their values.
type Fields = Vec<(String, String)>;

/// The fields before the first empty line, each on one line, and what is behind it.
fn parted(bytes: &[u8]) -> Option<(Fields, &[u8])> {
    let early = &bytes[..bytes.len().min(LONGEST_HEAD)];
    let (end, length) = [(b"\r\n\r\n".as_slice(), 4), (b"\n\n".as_slice(), 2)]
        .into_iter()
        .filter_map(|(mark, length)| Some((memmem::find(early, mark)?, length)))
        .min()?;
    let head = std::str::from_utf8(&early[..end]).ok()?;
    let mut fields = Fields::new();
    for line in head.lines() {
        match (line.starts_with([' ', '\t']), fields.last_mut()) {
            (true, Some((_, value))) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {
                let (name, value) = line.split_once(':')?;
                fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }
    Some((fields, &bytes[end + length..]))
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|pair| {
        let (own, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (own.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Without the rest of the boundary's line.
fn trim_line(part: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', part).map_or(0, |at| at + 1);
    &part[end..]
}

fn quoted(body: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        body.get(at).and_then(|byte| char::from(*byte).to_digit(16)).and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        let rest = &body[at + 1..];
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 3;
            }
            // A line that goes on.
            (b'=', ..) if rest.starts_with(b"\r\n") => at += 3,
            (b'=', ..) if rest.starts_with(b"\n") => at += 2,
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

fn base64(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in body {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held).unwrap_or_default());
            bits &= (1 << held) - 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(kind: &str, written: &str, body: &str) -> String {
        format!(
            "From: <Saved by Blink>\r\nDate: Wed, 5 Mar 2014 02:11:39 -0000\r\nMIME-Version: 1.0\r\nContent-Type: \
             multipart/related;\r\n\ttype=\"text/html\";\r\n\tboundary=\"--Mark--\"\r\n\r\n----Mark--\r\nContent-Type: image/png\r\n\r\n\
             x\r\n----Mark--\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {written}\r\nContent-Location: \
             http://forum.example/showthread.php?t=5\r\n\r\n{body}\r\n----Mark----\r\n"
        )
    }

    #[test]
    fn the_page_is_taken_out_of_its_bundle() {
        for (written, body) in [
            ("quoted-printable", "<p id=3D\"a\">caf=C3=A9 =\r\nau lait</p>"),
            ("base64", "PHAgaWQ9ImEiPmNhZsOp\r\nIGF1IGxhaXQ8L3A+"),
            ("binary", "<p id=\"a\">café au lait</p>"),
        ] {
            let page =
                open(bundle("text/html; charset=\"utf-8\"", written, body).as_bytes()).expect("a page");
            let text = String::from_utf8(page.bytes).expect("UTF-8");
            assert_eq!(text.trim_end(), "<p id=\"a\">café au lait</p>", "{written}");
            assert_eq!(page.charset.as_deref(), Some("utf-8"));
            assert_eq!(
                page.url.map(String::from).as_deref(),
                Some("http://forum.example/showthread.php?t=5")
            );
            assert_eq!(page.at.map(|at| at.to_string()).as_deref(), Some("2014-03-05T02:11:39Z"));
        }
        assert_eq!(open(bundle("text/css", "binary", "p {}").as_bytes()), None);
        for none in ["", "<html>\n\n<body>", "Content-Type: multipart/related\n\nx", "a: b\n\n"] {
            assert_eq!(open(none.as_bytes()), None, "{none}");
        }
    }
}
