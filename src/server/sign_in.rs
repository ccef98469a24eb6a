//! The page on which a member of a forum signs in. Plain HTML without scripts: it says for whom it is before anything is
//! typed, can't be framed or cached, and takes only a form that it gave out itself.

use std::sync::Arc;

use axum::Form;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::SecretString;
use serde::Deserialize;

use crate::bridge::signing::{Asked, SignIns, Turned};

/// A name, a password and a token, in bytes.
const LARGEST: usize = 8 << 10;
/// Holds the token that the form must bring back.
const COOKIE: &str = "threadbridge_form";

pub fn routes(pages: Arc<SignIns>) -> Router {
    Router::new()
        .route("/sign-in/{secret}", get(page).post(filled_in))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(pages)
}

async fn page(State(pages): State<Arc<SignIns>>, Path(secret): Path<String>) -> Response {
    let asked = match pages.asked(&secret).await {
        Ok(asked) => asked,
        Err(turned) => return turned_away(&turned),
    };
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return turned_away(&Turned::No("Please try again in a moment.".to_owned()));
    }
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut response = html(StatusCode::OK, "Sign in", &form(&asked, &token));
    let secure = if pages.is_safe() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age=600; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What was typed. No `Debug`.
#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

async fn filled_in(
    State(pages): State<Arc<SignIns>>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Response {
    // Only whoever saw the form has the cookie, and no other site can send it.
    if typed.token.is_empty() || cookie(&headers) != Some(&typed.token) || from_elsewhere(&headers) {
        let why =
            "The form did not come from this page. Open the link from Discord again and fill it in there.";
        return html(StatusCode::FORBIDDEN, "Not signed in", &paragraph(why));
    }
    let password = SecretString::from(typed.password);
    match pages.sign_in(&secret, &typed.name, &password).await {
        Ok((member, Asked { forum, person, .. })) => {
            let done = format!(
                "You are signed in to {forum} as {member}. What {person} writes in Discord is posted in that name from now \
                 on. /account unlink in Discord ends it. You can close this page."
            );
            html(StatusCode::OK, "Signed in", &paragraph(&done))
        }
        Err(turned) => turned_away(&turned),
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Browsers say where a form came from.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin")
}

fn turned_away(turned: &Turned) -> Response {
    let status = match turned {
        Turned::Gone => StatusCode::NOT_FOUND,
        Turned::No(_) => StatusCode::FORBIDDEN,
        Turned::Store(error) => {
            tracing::error!(error = error as &dyn std::error::Error, "nobody can sign in");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    html(status, "Not signed in", &paragraph(&turned.to_string()))
}

fn form(asked: &Asked, token: &str) -> String {
    let (forum, person) = (escaped(&asked.forum), escaped(&asked.person));
    format!(
        "<p>This lets <strong>{person}</strong> on Discord (user {user}) write on <strong>{forum}</strong> in your name. \
         If that is not you, close this page.</p>\n\
         <form method=\"post\" autocomplete=\"off\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <p><label>Your name on {forum}<br><input name=\"name\" required maxlength=\"100\" autofocus></label></p>\n\
         <p><label>Your password there<br><input name=\"password\" type=\"password\" required maxlength=\"500\"></label></p>\n\
         <p><button>Sign in</button></p>\n</form>\n\
         <p>The password goes to the forum and is not kept. The bridge keeps the forum's session, encrypted, until you take \
         it back in Discord or change your password.</p>",
        user = asked.user,
    )
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn html(status: StatusCode, title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>body{{font:1rem/1.5 sans-serif;max-width:32rem;\
         margin:3rem auto;padding:0 1rem;color-scheme:light dark}}input:not([type=hidden]){{width:100%;font:inherit}}\
         </style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    (status, headers, page).into_response()
}
