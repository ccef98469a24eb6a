//! What NodeBB's refusals mean. Nearly all of them are a 400 with a sentence; it is asked for in English (`lang`), and
//! understood by its phrases. Where none is known the forum's own sentence is passed on.
//! <https://github.com/NodeBB/NodeBB/blob/master/public/language/en-GB/error.json>

use std::time::Duration;

use crate::forum::{Failure, RefusalKind};

/// Another try of the same account is under way.
const SOON: Duration = Duration::from_secs(3);

pub fn verdict(message: &str) -> Failure {
    let lower = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let number = lower.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse::<u64>().ok());
    let told = |number: Option<u64>| number.map_or_else(|| "a few".to_owned(), |number| number.to_string());

    if has(&["post once every", "before making your first post"]) {
        let unit = if has(&["minute"]) { 60 } else { 1 };
        let after = Duration::from_secs(number.unwrap_or(10).saturating_mul(unit).clamp(1, 3_600));
        let who = if has(&["new user", "first post"]) { "new accounts wait" } else { "everybody waits" };
        let reason = format!("on this forum {who} {} seconds between two posts", after.as_secs());
        return Failure::Later { after, reason };
    }
    if has(&["already posting", "already voted for this post", "too many requests"]) {
        let reason = "the forum is still busy with something else from the bridge".to_owned();
        return Failure::Later { after: SOON, reason };
    }
    if has(&["topic locked"]) {
        return Failure::refused(RefusalKind::Closed, "the thread is closed on the forum");
    }
    if has(&["does not exist", "invalid post id", "invalid topic id", "topic-deleted"])
        || lower.trim() == "post deleted"
    {
        return Failure::Gone("the forum has no such thread or post".to_owned());
    }
    let (short, long) = (has(&["enter a longer"]), has(&["enter a shorter"]));
    if short || long {
        let what = if has(&["title"]) { "title" } else { "message" };
        return if short {
            let least = told(number);
            let text = format!("the {what} is too short: the forum wants at least {least} characters");
            Failure::refused(RefusalKind::TooShort, text)
        } else {
            let most = told(number);
            let text = format!("the {what} is too long: the forum takes at most {most} characters");
            Failure::refused(RefusalKind::TooLong, text)
        };
    }
    if has(&["only allowed to edit posts for", "only allowed to delete posts for"]) {
        return Failure::refused(RefusalKind::TooLate, "the forum's time for editing this post is over");
    }
    if has(&["vote on your own post"]) {
        return Failure::refused(RefusalKind::NoPermission, "nobody can thank their own post on this forum");
    }
    if has(&["reputation system is disabled"]) {
        return Failure::refused(RefusalKind::NoPermission, "this forum has switched its votes off");
    }
    if has(&["reputation to post links"]) {
        let text = format!("the account needs a reputation of {} to post links on this forum", told(number));
        return Failure::refused(RefusalKind::NoPermission, text);
    }
    if has(&["reputation to upvote", "only upvote"]) {
        let text = format!("the forum does not let the account thank any more: {}", short_of(message));
        return Failure::refused(RefusalKind::NoPermission, text);
    }
    if has(&["have been muted", "has been banned", "user banned", "enough privileges", "not authorised"]) {
        let text = format!("the forum does not let the account do that: {}", short_of(message));
        return Failure::refused(RefusalKind::NoPermission, text);
    }
    if has(&["duplicate", "already posted"]) {
        return Failure::refused(RefusalKind::Duplicate, "the very same text was posted a moment ago");
    }
    Failure::refused(RefusalKind::Other, format!("the forum says: {}", short_of(message)))
}

fn short_of(message: &str) -> String {
    let message = message.trim();
    if message.is_empty() { "nothing about why".to_owned() } else { message.chars().take(300).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forum::Refusal;

    #[test]
    fn refusals_are_understood() {
        for (message, kind, words) in [
            ("Topic locked", RefusalKind::Closed, "the thread is closed on the forum"),
            (
                "Please enter a longer post. Posts should contain at least 8 character(s).",
                RefusalKind::TooShort,
                "the message is too short: the forum wants at least 8 characters",
            ),
            (
                "Please enter a shorter title. Titles can't be longer than 255 character(s).",
                RefusalKind::TooLong,
                "the title is too long: the forum takes at most 255 characters",
            ),
            (
                "You are only allowed to edit posts for 3600 second(s) after posting",
                RefusalKind::TooLate,
                "the forum's time for editing this post is over",
            ),
            (
                "You cannot vote on your own post",
                RefusalKind::NoPermission,
                "nobody can thank their own post on this forum",
            ),
            (
                "Bitte schreibe einen längeren Beitrag.",
                RefusalKind::Other,
                "the forum says: Bitte schreibe einen längeren Beitrag.",
            ),
        ] {
            let Failure::Refused(Refusal { kind: found, message: said }) = verdict(message) else {
                panic!("{message}")
            };
            assert_eq!((found, said.as_str()), (kind, words), "{message}");
        }
    }

    #[test]
    fn patience_is_no_refusal() {
        for (message, seconds) in [
            ("You can only post once every 10 second(s) - please wait before posting again", 10),
            (
                "As a new user, you can only post once every 2 minute(s) until you have earned 3 reputation - please \
                 wait before posting again",
                120,
            ),
            ("Sorry, you are required to wait 30 second(s) before making your first post", 30),
            ("You are already posting", 3),
        ] {
            let Failure::Later { after, .. } = verdict(message) else { panic!("{message}") };
            assert_eq!(after.as_secs(), seconds, "{message}");
        }
        assert!(matches!(verdict("Post does not exist"), Failure::Gone(_)));
        assert!(matches!(verdict("Post deleted"), Failure::Gone(_)));
    }
}
