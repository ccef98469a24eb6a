//! Character references. The usual ones are read here; whatever is unusual about one is html5ever's to decide.

use memchr::memchr;

use super::whole;

/// Of the names that are known here, and of numbers.
const LONGEST: usize = 8;

/// Puts a text with its references resolved behind another. `None` if that needs the rest of the page.
pub fn decode(text: &str, of_attribute: bool, out: &mut String) -> Option<()> {
    let begun = out.len();
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.starts_with([' ', '\n', '\t', '&']) || rest.is_empty() {
            out.push('&');
            continue;
        }
        let end = rest.bytes().take(LONGEST + 1).position(|byte| byte == b';');
        let Some((c, end)) = end.and_then(|end| Some((known(&rest[..end])?, end))) else {
            return unusual(text, of_attribute, out, begun);
        };
        out.push(c);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(())
}

fn unusual(text: &str, of_attribute: bool, out: &mut String, begun: usize) -> Option<()> {
    out.truncate(begun);
    if text.contains('<') || (of_attribute && text.contains('"')) {
        return None;
    }
    let piece = if of_attribute { format!("<i a=\"{text}\">") } else { format!("<i>{text}") };
    let read = whole::fragment(&piece);
    let root = read.root_element();
    let element = root.child_elements().next()?;
    match of_attribute {
        true => out.push_str(element.value().attr("a")?),
        false => out.extend(element.text()),
    }
    Some(())
}

fn known(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let digits = number.strip_prefix(['x', 'X']);
        let radix = if digits.is_some() { 16 } else { 10 };
        let digits = digits.unwrap_or(number);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let code = u32::from_str_radix(digits, radix).ok().filter(|_| plain)?;
        // Others mean something else than they say.
        return char::from_u32(code).filter(|_| matches!(code, 0x20..=0x7e) || code >= 0xa0);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "raquo" => '»',
        "laquo" => '«',
        "rsaquo" => '›',
        "lsaquo" => '‹',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "middot" => '·',
        "bull" => '•',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "euro" => '€',
        "pound" => '£',
        "times" => '×',
        "deg" => '°',
        _ => return None,
    })
}
