//! What the forum says to a form. vBulletin answers with status 200 whatever happens: a redirect when it
//! was done, the form again with errors above it, or a message page. Shapes decide first; phrases of the
//! default English style, and numbers, tell the kinds of refusal apart.

use std::time::Duration;

use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::parse::{self, PageKind};
use crate::forum::RefusalKind;
use crate::forum::client::Page;

/// The forum's answer to a form.
#[derive(Debug)]
pub enum Answer {
    /// An HTTP redirect: done, and where it is to be seen.
    Moved(Url),
    /// A page that redirects: done.
    Redirected {
        target: String,
        awaiting: bool,
    },
    /// The thread itself, at once.
    Shown,
    Refused(Verdict),
    /// Neither a yes nor a no.
    Unclear(String),
}

/// A no, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Flood control: the time until the next post is taken.
    Wait(Duration),
    SignedOut,
    StaleToken,
    Banned(String),
    Gone(String),
    /// The forum as a whole takes nothing now.
    Closed(String),
    No(RefusalKind, String),
}

pub fn read(page: &Page) -> Answer {
    let text = &page.text;
    match parse::what_is(text) {
        PageKind::Redirect { target, text } => {
            let lower = text.to_lowercase();
            if ["duplicate", "doppelt", "bereits"].iter().any(|word| lower.contains(word)) {
                return Answer::Refused(Verdict::No(
                    RefusalKind::Duplicate,
                    "the very same text was posted a moment ago".to_owned(),
                ));
            }
            let words =
                ["approv", "moderat", "freigeschaltet", "freigabe", "validé", "kiểm duyệt", "aprobad"];
            Answer::Redirected { target, awaiting: words.iter().any(|word| lower.contains(word)) }
        }
        PageKind::FormErrors(errors) => Answer::Refused(verdict(&errors.join(" "))),
        PageKind::Message { log_in: true, .. } => Answer::Refused(Verdict::SignedOut),
        PageKind::Message { text, .. } => Answer::Refused(verdict(&text)),
        kind @ (PageKind::Maintenance(_) | PageKind::Challenge) => {
            Answer::Refused(Verdict::Closed(kind.describe("an answer")))
        }
        PageKind::Thread => Answer::Shown,
        // The add-on for thanks answers a refusal with nothing at all.
        PageKind::Empty => Answer::Unclear("the forum answered with an empty page".to_owned()),
        other => Answer::Unclear(other.describe("an answer to a form")),
    }
}

/// Understands a refusal in words. Where no phrase is known, the forum's own sentence is passed on.
pub fn verdict(text: &str) -> Verdict {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let numbers: Vec<u64> =
        lower.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    let seconds = has(&["second", "sekunde", "segundo", "secondi", "giây"]);
    if let (true, true, Some(wait)) =
        (seconds, has(&["wait", "again", "warten", "erneut", "attendre", "esperar"]), numbers.last())
    {
        return Verdict::Wait(Duration::from_secs((*wait).clamp(1, 3_600)));
    }
    if has(&["security token", "token has expired", "sicherheitstoken"]) {
        return Verdict::StaleToken;
    }
    if has(&["session timed out", "you are not logged in", "nicht angemeldet"]) {
        return Verdict::SignedOut;
    }
    if has(&["you have been banned", "wurden gesperrt"]) {
        return Verdict::Banned(format!("the forum has banned the bridge's account: {text}"));
    }
    if has(&["invalid thread", "invalid post", "invalid forum", "no thread specified", "ungültige"]) {
        return Verdict::Gone("the forum has no such thread or post".to_owned());
    }
    let no = |kind, message: &str| Verdict::No(kind, message.to_owned());
    if has(&["thread is closed", "geschlossen"]) {
        return no(RefusalKind::Closed, "the thread is closed on the forum");
    }
    if has(&["duplicate"]) {
        return no(RefusalKind::Duplicate, "the very same text was posted a moment ago");
    }
    if has(&["too short"]) {
        let least = numbers
            .last()
            .map_or(String::new(), |least| format!(": the forum wants at least {least} characters"));
        return Verdict::No(RefusalKind::TooShort, format!("the message is too short{least}"));
    }
    if has(&["too long"]) {
        let most = numbers
            .last()
            .map_or(String::new(), |most| format!(": the forum takes at most {most} characters"));
        return Verdict::No(RefusalKind::TooLong, format!("the message is too long{most}"));
    }
    if has(&["image"]) && has(&["maximum"]) {
        return no(RefusalKind::TooManyImages, "the message has more pictures than the forum allows");
    }
    if has(&["only edit messages for", "minutes after"]) {
        return no(RefusalKind::TooLate, "the forum's time for editing this post is over");
    }
    if has(&["do not have permission", "keine berechtigung", "keine rechte", "n'avez pas les droits"]) {
        return no(RefusalKind::NoPermission, "the bridge's account may not do that on this forum");
    }
    let short: String = text.chars().take(300).collect();
    Verdict::No(RefusalKind::Other, format!("the forum says: {short}"))
}

/// The fields of the form that is sent to this script, as a browser would send them unchanged.
pub fn form(text: &str, script: &str) -> Option<Vec<(String, String)>> {
    crate::markup::html::guard(text).ok()?;
    let page = Html::parse_document(text);
    let forms = Selector::parse("form").ok()?;
    let controls = Selector::parse("input[name], textarea[name], select[name]").ok()?;
    let form = page.select(&forms).find(|form| {
        let action = form.value().attr("action").unwrap_or_default();
        action.contains(script)
            && form.select(&controls).any(|control| control.value().attr("name") == Some("message"))
    })?;
    Some(form.select(&controls).filter_map(field).collect())
}

fn field(control: ElementRef<'_>) -> Option<(String, String)> {
    let element = control.value();
    let name = element.attr("name")?.to_owned();
    let value = element.attr("value").unwrap_or_default().to_owned();
    match element.name() {
        "textarea" => Some((name, control.text().collect())),
        "select" => {
            let options = Selector::parse("option").ok()?;
            let all: Vec<_> = control.select(&options).collect();
            let chosen = all.iter().find(|o| o.value().attr("selected").is_some()).or(all.first())?;
            Some((name, chosen.value().attr("value").unwrap_or_default().to_owned()))
        }
        _ => match element.attr("type").unwrap_or("text") {
            "submit" | "button" | "image" | "reset" | "file" => None,
            "checkbox" | "radio" => element
                .attr("checked")
                .map(|_| (name, if value.is_empty() { "on".to_owned() } else { value })),
            _ => Some((name, value)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_understood() {
        let no = |kind, text: &str| Verdict::No(kind, text.to_owned());
        for (text, expected) in [
            (
                "This forum requires that you wait 30 seconds between posts. Please try again in 12 seconds.",
                Verdict::Wait(Duration::from_secs(12)),
            ),
            ("Sorry! This thread is closed!", no(RefusalKind::Closed, "the thread is closed on the forum")),
            (
                "The message you have entered is too short. Please lengthen your message to at least 10 characters.",
                no(RefusalKind::TooShort, "the message is too short: the forum wants at least 10 characters"),
            ),
            (
                "The text that you have entered is too long (12000 characters). Please shorten it to 10000 characters long.",
                no(RefusalKind::TooLong, "the message is too long: the forum takes at most 10000 characters"),
            ),
            (
                "Your submission could not be processed because a security token was invalid.",
                Verdict::StaleToken,
            ),
            (
                "Your session timed out while you were composing this post and you were logged out.",
                Verdict::SignedOut,
            ),
            (
                "Invalid Thread specified. If you followed a valid link, please notify the administrator",
                Verdict::Gone("the forum has no such thread or post".to_owned()),
            ),
            ("Nur für Gold-Mitglieder", no(RefusalKind::Other, "the forum says: Nur für Gold-Mitglieder")),
        ] {
            assert_eq!(verdict(text), expected, "{text}");
        }
    }

    #[test]
    fn a_form_is_sent_back_as_it_was() {
        let html = r#"<form action="editpost.php?do=updatepost&p=7"><input name="title" value="Old"><input type="checkbox"
            name="signature" value="1" checked><input type="checkbox" name="disablesmilies" value="1"><input type="submit"
            name="sbutton" value="Save"><select name="emailupdate"><option value="9999" selected><option value="0"></select>
            <textarea name="message">words</textarea></form>"#;
        let form = form(html, "editpost.php").expect("a form");
        let names: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(names, ["title=Old", "signature=1", "emailupdate=9999", "message=words"]);
    }
}
