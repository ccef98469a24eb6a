//! Smilies: pictures in a post that stand for a mood. Forums name them by the code that members type
//! (`alt`), a title, or the file's name; those that every board has become emoji.

/// The emoji of a smilie, by any of its names; else the code or title itself.
pub fn emoji(alt: &str, title: &str, file: &str) -> Option<String> {
    let stem = file.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
    let found = by_code(alt).or_else(|| by_code(title)).or_else(|| by_name(title)).or_else(|| by_name(stem));
    if let Some(emoji) = found.or_else(|| by_name(alt)) {
        return Some(emoji.to_owned());
    }
    [alt, title].into_iter().map(str::trim).find(|name| !name.is_empty()).map(str::to_owned)
}

fn by_code(code: &str) -> Option<&'static str> {
    let code = code.trim();
    if code.chars().next().is_some_and(|first| !first.is_ascii() && first as u32 > 0x2000) {
        return None;
    }
    Some(match code {
        ":)" | ":-)" | "(:" | ":]" | "=)" => "🙂",
        ";)" | ";-)" => "😉",
        ":D" | ":-D" | ":d" | "=D" => "😃",
        ":(" | ":-(" => "🙁",
        ":p" | ":P" | ":-p" | ":-P" => "😛",
        ":o" | ":O" | ":-o" | ":-O" => "😮",
        "8)" | "8-)" | "B)" | "B-)" => "😎",
        ":'(" | ":'-(" => "😢",
        ":/" | ":-/" | ":\\" => "😕",
        ":|" | ":-|" => "😐",
        ":x" | ":X" | ":-x" => "🤐",
        "<3" => "❤️",
        "^^" | "^_^" => "😊",
        "xD" | "XD" => "😆",
        _ => return None,
    })
}

fn by_name(name: &str) -> Option<&'static str> {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    Some(match name.as_str() {
        "smile" | "smilie" | "happy" => "🙂",
        "wink" => "😉",
        "biggrin" | "grin" | "bigsmile" => "😃",
        "frown" | "sad" | "unhappy" => "🙁",
        "tongue" | "stickouttongue" | "razz" => "😛",
        "eek" | "surprised" | "redface" | "embarrassment" | "embarrassed" | "oops" => "😳",
        "shocked" | "shock" => "😮",
        "cool" => "😎",
        "cry" | "crying" => "😢",
        "mad" | "angry" | "furious" => "😠",
        "confused" | "huh" => "😕",
        "rolleyes" | "rolleyessarcastic" | "roll" => "🙄",
        "lol" | "laugh" | "laughing" | "rofl" => "😂",
        "thumbsup" | "thumbup" | "up" | "yes" => "👍",
        "thumbsdown" | "thumbdown" | "down" => "👎",
        "clap" | "applause" => "👏",
        "heart" | "love" => "❤️",
        "kiss" => "😘",
        "beer" | "cheers" => "🍻",
        "idea" | "lightbulb" => "💡",
        "exclamation" => "❗",
        "question" => "❓",
        "arrow" => "➡️",
        "twisted" | "evil" | "devil" => "😈",
        "sleep" | "sleeping" => "😴",
        "worship" | "bow" | "praying" => "🙏",
        "whistle" | "whistling" => "😗",
        _ => return None,
    })
}
