//! What the forum says to a form. vBulletin answers with status 200 whatever happens: a redirect when it
//! was done, the form again with errors above it, or a message page. Shapes decide first; phrases of the
//! default English style, and numbers, tell the kinds of refusal apart.

use std::time::Duration;

use crate::markup::html::tree::{ElementRef, Html, Selector};
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
            if any(DUPLICATE, &lower) {
                return Answer::Refused(Verdict::No(
                    RefusalKind::Duplicate,
                    "the very same text was posted a moment ago".to_owned(),
                ));
            }
            Answer::Redirected { target, awaiting: any(AWAITING, &lower) }
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

// What refusals say, in the languages of the boards that we know; parts of words, parted by bars.
const SECONDS: &str =
    "second|sekund|segundo|secondi|giây|секунд|saniye|másodperc|vteřin|ثانية|ثوان|ثانیه|秒|초";
const PATIENCE: &str = "wait|again|warten|erneut|attendre|patient|réessay|esper|intent|attend|riprov|aguard|wacht|opnieuw|chờ|đợi|\
     подожд|повтор|poczek|ponown|vänta|vente|bekle|انتظ|صبر|等";
const DUPLICATE: &str = "duplicate|doppelt|duplikat|bereits|en double|doublon|duplicad|duplicat|dubbel|trùng|повторя|дублик|zduplik|\
     tekrar|重复|重複";
const AWAITING: &str = "approv|moderat|freigeschaltet|freigabe|freigegeben|validé|modér|kiểm duyệt|aprobad|aprovad|goedgekeurd|\
     модератор|проверк|zatwierdz|godkän|godkjen|onay|审核|審核";
const TOKEN: &str = "security token|token|jeton|ключ безопасности|mã bảo mật";
const SIGNED_OUT: &str = "session timed out|not logged in|nicht angemeldet|pas connecté|no has iniciado|no estás identificad|non sei connesso|\
     não está logado|niet ingelogd|chưa đăng nhập|не вошли|не авториз|nie jesteś zalogowan|inte inloggad";
const BANNED: &str = "you have been banned|you are banned|wurden gesperrt|wurdest gesperrt|avez été banni|has sido expulsado|has sido baneado|\
     sei stato bannato|foi banido|bạn đã bị cấm|вы заблокированы|вас забанили|został zbanowan|bent verbannen";
const GONE: &str = "invalid thread|invalid post|invalid forum|no thread specified|no post specified|ungültige|kein thema angegeben|\
     discussion spécifiée|tema no válido|ningún tema|discussione non valida|không có chủ đề|không có diễn đàn|\
     неверная тема|nieprawidłowy temat|ongeldig";
const CLOSED: &str = "thread is closed|geschlossen|fermé|cerrado|chiusa|fechado|gesloten|đã đóng|đã bị đóng|закрыт|zamknięt|stängd|låst|\
     lukket|kapatıl|关闭|關閉";
const TOO_SHORT: &str = "too short|zu kurz|trop court|demasiado cort|muy cort|troppo cort|muito curt|te kort|quá ngắn|слишком корот|\
     za krótk|för kort|for kort|çok kısa|太短";
const TOO_LONG: &str = "too long|zu lang|trop long|demasiado larg|muy larg|troppo lung|muito long|te lang|quá dài|слишком длин|za dług|\
     för lång|for lang|çok uzun|太长|太長";
const PICTURES: &str =
    "image|bilder|grafik|imágen|imagen|immagin|imagens|afbeelding|hình|изображен|obraz|resim|图片";
const MOST: &str = "maximum|höchst|maximal|máxim|massim|tối đa|максим|maks|最多|at most";
const TOO_LATE: &str = "only edit messages for|minutes after|minuten nach|minutes après|minutos después|minuti dopo|phút sau|\
     минут после|minut po";
const NO_PERMISSION: &str = "do not have permission|sufficient privileges|not allowed|keine berechtigung|keine rechte|ausreichenden rechte|\
     pas les droits|n'avez pas|no tienes permiso|no dispones|non hai il permesso|permessi|não tem permissão|\
     geen toestemming|không có quyền|нет прав|недостаточно прав|brak uprawnień|uprawnień|behörighet|yetkiniz|权限";

fn any(parts: &str, lower: &str) -> bool {
    parts.split('|').any(|part| lower.contains(part))
}

/// Understands a refusal in words. Where no phrase is known, the forum's own sentence is passed on.
pub fn verdict(text: &str) -> Verdict {
    let lower = text.to_lowercase();
    let numbers: Vec<u64> =
        lower.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    // "You must wait 30 seconds. Try again in 12 seconds.": the last number is what is left, in any language.
    if let (true, Some(wait)) = (any(SECONDS, &lower), numbers.last())
        && (any(PATIENCE, &lower) || matches!(numbers.as_slice(), [whole, left] if left <= whole))
    {
        return Verdict::Wait(Duration::from_secs((*wait).clamp(1, 3_600)));
    }
    if any(TOKEN, &lower) {
        return Verdict::StaleToken;
    }
    if any(SIGNED_OUT, &lower) {
        return Verdict::SignedOut;
    }
    if any(BANNED, &lower) {
        return Verdict::Banned(format!("the forum has banned the bridge's account: {text}"));
    }
    if any(GONE, &lower) {
        return Verdict::Gone("the forum has no such thread or post".to_owned());
    }
    let no = |kind, message: &str| Verdict::No(kind, message.to_owned());
    let limit = |words: &str| {
        numbers.last().map_or(String::new(), |number| format!(": the forum {words} {number} characters"))
    };
    if any(TOO_SHORT, &lower) {
        return no(RefusalKind::TooShort, &format!("the message is too short{}", limit("wants at least")));
    }
    if any(TOO_LONG, &lower) {
        return no(RefusalKind::TooLong, &format!("the message is too long{}", limit("takes at most")));
    }
    if any(PICTURES, &lower) && any(MOST, &lower) {
        return no(RefusalKind::TooManyImages, "the message has more pictures than the forum allows");
    }
    if any(TOO_LATE, &lower) {
        return no(RefusalKind::TooLate, "the forum's time for editing this post is over");
    }
    if any(CLOSED, &lower) {
        return no(RefusalKind::Closed, "the thread is closed on the forum");
    }
    if any(DUPLICATE, &lower) {
        return no(RefusalKind::Duplicate, "the very same text was posted a moment ago");
    }
    if any(NO_PERMISSION, &lower) {
        return no(RefusalKind::NoPermission, "the bridge's account may not do that on this forum");
    }
    let short: String = text.chars().take(300).collect();
    Verdict::No(RefusalKind::Other, format!("the forum says: {short}"))
}

/// The fields of the form that is sent to this script, as a browser would send them unchanged.
pub fn form(text: &str, script: &str) -> Option<Vec<(String, String)>> {
    let page = Html::parse_document(text).ok()?;
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

    fn page(body: &str) -> Page {
        let text = format!(
            "<html id=\"vbulletin_html\"><head><script>var THIS_SCRIPT = \"newreply\";</script></head><body>{body}</body></html>"
        );
        let url = Url::parse("https://forum.example/newreply.php").expect("an address");
        Page { status: reqwest::StatusCode::OK, url, text, encoding: encoding_rs::UTF_8 }
    }

    fn message(text: &str) -> Page {
        page(&format!("<div class=\"standard_error\"><div class=\"blockrow restore\">{text}</div></div>"))
    }

    #[test]
    fn refusals_are_understood() {
        let no = |kind, text: &str| Verdict::No(kind, text.to_owned());
        let closed = || no(RefusalKind::Closed, "the thread is closed on the forum");
        let short = |n| {
            no(
                RefusalKind::TooShort,
                &format!("the message is too short: the forum wants at least {n} characters"),
            )
        };
        let long = |n| {
            no(
                RefusalKind::TooLong,
                &format!("the message is too long: the forum takes at most {n} characters"),
            )
        };
        let images = || no(RefusalKind::TooManyImages, "the message has more pictures than the forum allows");
        let late = || no(RefusalKind::TooLate, "the forum's time for editing this post is over");
        let twice = || no(RefusalKind::Duplicate, "the very same text was posted a moment ago");
        let forbidden =
            || no(RefusalKind::NoPermission, "the bridge's account may not do that on this forum");
        let gone = || Verdict::Gone("the forum has no such thread or post".to_owned());
        let wait = |seconds| Verdict::Wait(Duration::from_secs(seconds));
        for (text, expected) in [
            ("This forum requires that you wait 30 seconds between posts. Please try again in 12 seconds.", wait(12)),
            ("Sie können nur alle 30 Sekunden einen Beitrag schreiben. Bitte warten Sie noch 12 Sekunden.", wait(12)),
            ("Ce forum exige un délai de 30 secondes entre les messages. Réessayez dans 12 secondes.", wait(12)),
            ("Diễn đàn yêu cầu chờ 30 giây giữa các bài. Thử lại sau 12 giây.", wait(12)),
            ("Zwischen Xyz 30 Sekunden, 12 Sekunden.", wait(12)),
            ("Sorry! This thread is closed!", closed()),
            ("Dieses Thema ist geschlossen.", closed()),
            ("Désolé ! Cette discussion est fermée.", closed()),
            (
                "The message you have entered is too short. Please lengthen your message to at least 10 characters.",
                short(10),
            ),
            ("Der von Ihnen eingegebene Text ist zu kurz. Bitte erweitern Sie ihn auf mindestens 10 Zeichen.", short(10)),
            (
                "The text that you have entered is too long (12000 characters). Please shorten it to 10000 characters long.",
                long(10_000),
            ),
            ("Ihr Text ist zu lang (12000 Zeichen). Bitte kürzen Sie ihn auf 10000 Zeichen.", long(10_000)),
            (
                "You have included a total of 9 images in your message.  The maximum number that you may include is 4.",
                images(),
            ),
            (
                "The administrator has specified that you can only edit messages for 5 minutes after you have posted.",
                late(),
            ),
            ("This post is a duplicate of a post that you have posted in the last five minutes.", twice()),
            ("Ce message est un doublon d'un message envoyé dans les cinq dernières minutes.", twice()),
            ("Your submission could not be processed because a security token was invalid.", Verdict::StaleToken),
            ("Your submission could not be processed because the token has expired.", Verdict::StaleToken),
            (
                "Your session timed out while you were composing this post and you were logged out.",
                Verdict::SignedOut,
            ),
            ("Sie sind nicht angemeldet.", Verdict::SignedOut),
            ("Invalid Thread specified. If you followed a valid link, please notify the administrator", gone()),
            ("Không có Chủ đề. Nếu bạn theo đúng địa chỉ, xin hãy thông báo cho BQT", gone()),
            ("Bridge, you do not have permission to access this page.", forbidden()),
            ("Bạn không có quyền truy cập trang này.", forbidden()),
            (
                "You have been banned for the following reason: spam",
                Verdict::Banned(
                    "the forum has banned the bridge's account: You have been banned for the following reason: spam".to_owned(),
                ),
            ),
            ("Nur für Gold-Mitglieder", no(RefusalKind::Other, "the forum says: Nur für Gold-Mitglieder")),
        ] {
            assert_eq!(verdict(text), expected, "{text}");
        }
    }

    #[test]
    fn answers_are_told_apart_by_their_shape() {
        let redirect = |text: &str| {
            page(&format!(
                "<div class=\"standard_error\"><form name=\"postvarform\" action=\"showthread.php?t=5\"><div class=\"blockrow \
                 restore\">{text}</div></form></div>"
            ))
        };
        let is = |page: &Page, fits: fn(&Answer) -> bool| assert!(fits(&read(page)), "{:?}", read(page));
        is(&redirect("Danke für Ihren Beitrag."), |a| {
            matches!(a, Answer::Redirected { awaiting: false, .. })
        });
        is(
            &redirect("Thank you for posting! It will not be visible until a moderator has approved it."),
            |a| matches!(a, Answer::Redirected { awaiting: true, .. }),
        );
        is(&redirect("Dieser Beitrag wurde doppelt abgeschickt."), |a| {
            matches!(a, Answer::Refused(Verdict::No(RefusalKind::Duplicate, _)))
        });
        let form = "<form><div class=\"blockbody errorblock\"><div class=\"blockrow error\"><ul><li>Too short: 10</li></ul></div></div>";
        is(&page(form), |a| matches!(a, Answer::Refused(Verdict::No(RefusalKind::TooShort, _))));
        is(&message("Sorry! This thread is closed!"), |a| {
            matches!(a, Answer::Refused(Verdict::No(RefusalKind::Closed, _)))
        });
        let log_in = message("Anything at all <input name=\"vb_login_username\">");
        is(&log_in, |a| matches!(a, Answer::Refused(Verdict::SignedOut)));
        let empty = Page { text: String::new(), ..page("") };
        is(&empty, |a| matches!(a, Answer::Unclear(_)));
        is(&page("<p>anything</p>"), |a| matches!(a, Answer::Unclear(_)));
        let robots = Page { text: "<title>Just a moment...</title>".to_owned(), ..page("") };
        is(&robots, |a| matches!(a, Answer::Refused(Verdict::Closed(_))));
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
