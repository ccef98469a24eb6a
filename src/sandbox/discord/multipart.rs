//! `multipart/form-data`, as far as Discord takes it: `payload_json` and `files[n]`.

use serde_json::Value;

use super::error::Refused;

/// A file that came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The n of `files[n]`.
    pub number: u64,
    pub name: String,
    pub description: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Vec<u8>,
}

/// The JSON and the files of a request body of that content type.
///
/// # Errors
/// 50109 for what is not JSON, or not well-formed multipart.
pub fn read(content_type: &str, body: &[u8]) -> Result<(Option<Value>, Vec<Upload>), Refused> {
    let bad = || Refused::code(50109);
    if !content_type.starts_with("multipart/form-data") {
        if body.is_empty() {
            return Ok((None, Vec::new()));
        }
        return serde_json::from_slice(body).map(|json| (Some(json), Vec::new())).map_err(|_| bad());
    }
    let boundary = content_type.split("boundary=").nth(1).ok_or_else(bad)?.trim_matches('"');
    let mark = format!("--{boundary}");
    let mut json = None;
    let mut files = Vec::new();
    let mut rest = body.get(find(body, mark.as_bytes()).ok_or_else(bad)? + mark.len()..).unwrap_or_default();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, format!("\r\n{mark}").as_bytes()).ok_or_else(bad)?;
        let (part, after) = part.split_at(end);
        rest = after.get(2 + mark.len()..).unwrap_or_default();
        let head_end = find(part, b"\r\n\r\n").ok_or_else(bad)?;
        let head = String::from_utf8_lossy(part.get(..head_end).unwrap_or_default());
        let bytes = part.get(head_end + 4..).unwrap_or_default();
        let header = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        };
        let disposition = header("content-disposition").ok_or_else(bad)?;
        let name = parameter(&disposition, "name").ok_or_else(bad)?;
        if name == "payload_json" {
            json = Some(serde_json::from_slice(bytes).map_err(|_| bad())?);
        } else if let Some(number) = name.strip_prefix("files[").and_then(|it| it.strip_suffix(']')) {
            files.push(Upload {
                number: number.parse().map_err(|_| bad())?,
                name: parameter(&disposition, "filename").unwrap_or_else(|| "unknown".to_owned()),
                description: None,
                content_type: header("content-type"),
                bytes: bytes.to_vec(),
            });
        }
    }
    Ok((json, files))
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

/// A quoted parameter of a header.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_its_json_are_read() {
        let body = b"--xy\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}\r\n\
            --xy\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nline\r\n\r\n--x\r\n--xy--\r\n";
        let (json, files) = read("multipart/form-data; boundary=xy", body).unwrap();
        assert_eq!(json.unwrap()["content"], "hi");
        assert_eq!(files[0].name, "a.txt");
        assert_eq!(files[0].bytes, b"line\r\n\r\n--x");
        assert_eq!(files[0].content_type.as_deref(), Some("text/plain"));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for body in [
            &b""[..],
            b"--xy\r\n",
            b"--xy\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{}",
        ] {
            assert_eq!(read("multipart/form-data; boundary=xy", body).map_err(|it| it.code), Err(50109));
        }
        assert_eq!(read("application/json", b"{").map_err(|it| it.code), Err(50109));
    }
}
