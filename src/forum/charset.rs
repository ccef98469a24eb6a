//! Which characters a page's bytes stand for. Old forums say one thing and do another: what calls itself
//! ISO-8859-1 is windows-1252, and what is plainly UTF-8 is UTF-8 whatever it calls itself.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// How far into a page its own declaration is looked for.
const DECLARED_WITHIN: usize = 2_048;

/// A page's text, and the encoding that its forms have to be sent in. `header` is the `charset` of the
/// `Content-Type`, where there is one.
pub fn decode(bytes: &[u8], header: Option<&str>) -> (String, &'static Encoding) {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return (encoding.decode_without_bom_handling(&bytes[length..]).0.into_owned(), encoding);
    }
    let declared = header
        .and_then(|label| Encoding::for_label(label.trim().as_bytes()))
        .or_else(|| in_page(bytes))
        .unwrap_or(WINDOWS_1252);
    if declared != UTF_8 && bytes.iter().any(|byte| *byte >= 0x80) {
        // Text of an 8-bit encoding is hardly ever valid UTF-8 by chance.
        if let Ok(text) = std::str::from_utf8(bytes) {
            return (printable(text.to_owned()), declared);
        }
    }
    let (text, faulty) = declared.decode_without_bom_handling(bytes);
    let (mut lost, mut kept) = (0_usize, 0_usize);
    if declared == UTF_8 && faulty {
        text.chars()
            .filter(|c| !c.is_ascii())
            .for_each(|c| *if c == '\u{fffd}' { &mut lost } else { &mut kept } += 1);
    }
    // What calls itself UTF-8 and is hardly ever.
    let text = if lost > kept { WINDOWS_1252.decode_without_bom_handling(bytes).0 } else { text };
    (printable(text.into_owned()), declared)
}

/// Boards that were once converted as if windows-1252 were ISO-8859-1 hold its quotes and dashes as control characters.
fn printable(text: String) -> String {
    let control = |c: char| matches!(c, '\u{80}'..='\u{9f}');
    if !text.contains(control) {
        return text;
    }
    let byte = |c: char| u8::try_from(u32::from(c)).unwrap_or(b'?');
    let known = |c: char| WINDOWS_1252.decode_without_bom_handling(&[byte(c)]).0.chars().next().unwrap_or(c);
    text.chars().map(|c| if control(c) { known(c) } else { c }).collect()
}

/// `<meta charset>` or `<meta http-equiv>`, or an XML declaration.
fn in_page(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(DECLARED_WITHIN)];
    let head: String = head.iter().map(|byte| (*byte as char).to_ascii_lowercase()).collect();
    let after = head.split("charset=").nth(1).or_else(|| head.split("encoding=").nth(1))?;
    let label = after.trim_start_matches(['"', '\'']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:".contains(c))).unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

/// Percent-encodes a form's value in the forum's encoding; what it can't hold becomes `&#NNN;`.
/// <https://url.spec.whatwg.org/#concept-urlencoded-serializer>
pub fn form_value(text: &str, encoding: &'static Encoding) -> String {
    let bytes = encoding.encode(text).0;
    url::form_urlencoded::byte_serialize(&bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_what_they_are_not_what_they_say() {
        for (bytes, header, text) in [
            (&b"caf\xe9 \x93quoted\x94"[..], Some("ISO-8859-1"), "café “quoted”"),
            ("café".as_bytes(), Some("ISO-8859-1"), "café"),
            (b"<meta charset=\"iso-8859-15\">\xa4", None, "<meta charset=\"iso-8859-15\">€"),
            (b"\xef\xbb\xbfcaf\xc3\xa9", Some("windows-1252"), "café"),
            (b"plain", None, "plain"),
            ("haven\u{92}t".as_bytes(), Some("ISO-8859-1"), "haven’t"),
            ("haven\u{92}t \u{81}".as_bytes(), Some("UTF-8"), "haven’t \u{81}"),
            (b"caf\xe9 \x93quoted\x94", Some("UTF-8"), "café “quoted”"),
            ("né café\u{fffd}".as_bytes(), Some("UTF-8"), "né café\u{fffd}"),
        ] {
            assert_eq!(decode(bytes, header).0, text);
        }
    }

    #[test]
    fn what_a_forum_cannot_hold_becomes_an_entity() {
        assert_eq!(form_value("é ✓", WINDOWS_1252), "%E9+%26%2310003%3B");
        assert_eq!(form_value("✓", UTF_8), "%E2%9C%93");
    }
}
