//! E-mail addresses that Cloudflare hides from robots, and names that it takes for such: the page holds
//! "[email protected]", and the text itself in an attribute, from which the reader's browser restores it.

use super::tree::ElementRef;

/// Longer ones are none.
const LONGEST: usize = 1_000;
const PLACE: &str = "/cdn-cgi/l/email-protection#";

/// What an element stands for, if its text is only a stand-in.
pub fn text(element: ElementRef<'_>) -> Option<String> {
    decoded(element.value().attr("data-cfemail")?)
}

/// Whether what this element holds is a stand-in.
pub fn is_stand_in(parent: Option<ElementRef<'_>>) -> bool {
    parent.is_some_and(|parent| text(parent).is_some())
}

/// The address that a hidden `mailto:` link leads to.
pub fn mail_link(href: &str) -> Option<String> {
    // Few addresses have an anchor at all.
    let (_, code) = href.contains('#').then(|| href.split_once(PLACE))??;
    decoded(code).map(|address| format!("mailto:{address}"))
}

/// Pairs of hexadecimal digits; the first byte hides the others.
fn decoded(code: &str) -> Option<String> {
    let code = code.trim();
    if code.len() < 4 || code.len() > LONGEST || !code.is_ascii() {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = code.as_bytes().chunks(2).map(byte).collect::<Option<_>>()?;
    let (key, hidden) = bytes.split_first()?;
    String::from_utf8(hidden.iter().map(|byte| byte ^ key).collect()).ok()
}
