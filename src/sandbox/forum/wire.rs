//! Requests and answers as the scripts see them: GET and POST fields in one bag, as PHP's
//! `$_REQUEST`, read and written in the board's character set.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::Charset;

/// One request.
#[derive(Debug)]
pub(super) struct Call {
    pub post: bool,
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// Fields of the body, then of the query: a form's own fields win.
    fields: Vec<(String, String)>,
    pub cookies: HashMap<String, String>,
    pub agent: String,
    pub address: String,
    pub if_modified_since: Option<String>,
    pub if_none_match: Option<String>,
}

impl Call {
    pub fn new(
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
        address: String,
        charset: Charset,
    ) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let post = *method == Method::POST;
        let mut fields = if post { fields(body, charset) } else { Vec::new() };
        fields.extend(self::fields(query.as_bytes(), charset));
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            post,
            path: path.to_owned(),
            query: query.to_owned(),
            fields,
            cookies,
            agent: text(header::USER_AGENT).unwrap_or_default(),
            address,
            if_modified_since: text(header::IF_MODIFIED_SINCE),
            if_none_match: text(header::IF_NONE_MATCH),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        leading_number(self.get(name)?)
    }

    /// Every value of a repeated field (`forumchoice[]`).
    pub fn numbers(&self, name: &str) -> Vec<u64> {
        let named = self.fields.iter().filter(|(field, _)| field.trim_end_matches("[]") == name);
        named.flat_map(|(_, value)| value.split(',')).filter_map(leading_number).collect()
    }

    pub fn is(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !matches!(value, "" | "0"))
    }

    /// The id in a friendly address: `showthread.php?12-Title/page2` or `showthread.php/12-Title/page2`.
    pub fn friendly_id(&self) -> Option<u64> {
        let rest = self.friendly()?;
        let first = rest.split(['/', '&']).next()?;
        let digits = first.split('-').next()?;
        digits.parse().ok()
    }

    pub fn page(&self) -> Option<usize> {
        if let Some(page) = self.number("page") {
            return usize::try_from(page).ok();
        }
        let rest = self.friendly()?;
        if let Some(page) = rest.rsplit_once("/index").and_then(|(_, page)| page.strip_suffix(".html")) {
            return page.parse().ok();
        }
        rest.split(['/', '&', '?']).find_map(|part| part.strip_prefix("page"))?.parse().ok()
    }

    fn friendly(&self) -> Option<&str> {
        match self.path.split_once(".php/") {
            Some((_, rest)) => Some(rest),
            None if self.query.starts_with(|c: char| c.is_ascii_digit()) => Some(&self.query),
            None => self.path.strip_prefix("/threads/").or_else(|| self.path.strip_prefix("/forums/")),
        }
    }
}

fn leading_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn fields(bytes: &[u8], charset: Charset) -> Vec<(String, String)> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            (decode(&pair[..at], charset), decode(value, charset))
        })
        .collect()
}

fn decode(text: &[u8], charset: Charset) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match (text[at], hex(text.get(at + 1)), hex(text.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            (b'+', ..) => {
                bytes.push(b' ');
                at += 1;
            }
            (byte, ..) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    match charset {
        Charset::Utf8 => String::from_utf8_lossy(&bytes).into_owned(),
        Charset::Windows1252 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned(),
    }
}

impl Charset {
    /// As the page declares it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "ISO-8859-1",
        }
    }

    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Windows1252 => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        }
    }
}

/// One answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn page(charset: Charset, text: &str) -> Self {
        Self::text(&format!("text/html; charset={}", charset.label()), charset, text)
    }

    pub fn xml(charset: Charset, text: &str) -> Self {
        let document = format!("<?xml version=\"1.0\" encoding=\"{}\"?>\n{text}", charset.label());
        Self::text(&format!("text/xml; charset={}", charset.label()), charset, &document)
    }

    pub fn text(content_type: &str, charset: Charset, text: &str) -> Self {
        Self::bytes(content_type, charset.encode(text))
    }

    pub fn bytes(content_type: &str, body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("content-type", content_type.to_owned())], body }
    }

    pub fn redirect(status: u16, to: &str) -> Self {
        Self { status, headers: vec![("location", to.to_owned())], body: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn into_response(self, body: impl FnOnce(Vec<u8>) -> Body) -> Response {
        let mut response = Response::new(body(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        for (name, value) in self.headers {
            if let Ok(value) = header::HeaderValue::from_str(&value) {
                response.headers_mut().append(header::HeaderName::from_static(name), value);
            }
        }
        response
    }
}
