//! The shapes in which a secret travels, and in which a log might hold it.

use md5::{Digest, Md5};
use sha2::Sha256;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What a secret looks like, as it is and encoded. `core` is the stretch of its own letters and digits, which most
/// encodings leave as they are.
pub fn forms(secret: &str, core: &str) -> Vec<String> {
    assert!(secret.contains(core) && core.len() >= 12, "a secret that is told from any other word");
    let mut forms =
        vec![core.to_owned(), core.replace(' ', "+"), core.replace(' ', "%20"), hex(core.as_bytes())];
    // What Debug makes of bytes.
    let list: Vec<String> = core.bytes().map(|byte| byte.to_string()).collect();
    forms.push(list.join(", "));
    // Wherever it begins within what is encoded.
    for before in 0..3 {
        let padded = [vec![b'x'; before], core.as_bytes().to_vec()].concat();
        let whole = base64(&padded[..padded.len() / 3 * 3]);
        let inner = if before == 0 { whole } else { whole[4..].to_owned() };
        forms.push(inner.replace('+', "-").replace('/', "_"));
        forms.push(inner);
    }
    let latin1: Option<Vec<u8>> = secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    for bytes in [Some(secret.as_bytes().to_vec()), latin1].into_iter().flatten() {
        forms.push(hex(&Md5::digest(&bytes)));
        forms.push(hex(&Sha256::digest(&bytes)));
    }
    forms.sort();
    forms.dedup();
    forms
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whole groups of three bytes.
fn base64(bytes: &[u8]) -> String {
    let group = |three: &[u8]| {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[bits >> shift & 63]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

#[test]
fn a_secret_is_known_in_each_of_its_shapes() {
    let forms = forms("Zoë's cnry0secret0word/1", "cnry0secret0word");
    let known = |text: &str| forms.iter().any(|form| text.contains(form));
    for text in [
        "password=Zo%C3%AB%27s+cnry0secret0word%2F1",
        "{\"password\":\"Zo\\u00eb's cnry0secret0word/1\"}",
        // `user:` and the whole, and other places within a group of three.
        "Basic dXNlcjpab8OrJ3MgY25yeTBzZWNyZXQwd29yZC8x",
        "Basic dXNlcjE6Wm/DqydzIGNucnkwc2VjcmV0MHdvcmQvMQ==",
        "Basic dXNlcjEyOlpvw6sncyBjbnJ5MHNlY3JldDB3b3JkLzE=",
        "[99, 110, 114, 121, 48, 115, 101, 99, 114, 101, 116, 48, 119, 111, 114, 100]",
    ] {
        assert!(known(text), "{text} in {forms:?}");
    }
    assert!(!known("cnry0 secret0word"));
}
