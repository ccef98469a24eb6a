//! Smilies: pictures in a post that stand for a mood. Forums name them by the code that members type
//! (`alt`), a title, or the file's name; those that every board has become emoji.

/// The emoji of a smilie, by any of its names; else the code that members type, or its title as one.
pub fn emoji(alt: &str, title: &str, file: &str) -> Option<String> {
    let stem = file.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
    let names = [alt, title];
    // An engine of today gives the emoji itself.
    if let Some(emoji) = names.into_iter().find_map(emojis::get) {
        return Some(emoji.as_str().to_owned());
    }
    let by_shortcode = |name: &str| {
        let code = name.strip_prefix(':')?.strip_suffix(':')?;
        emojis::get_by_shortcode(code).map(|emoji| emoji.as_str())
    };
    let codes = names.into_iter().find_map(by_code).or_else(|| names.into_iter().find_map(by_shortcode));
    let found = codes.or_else(|| by_name(title)).or_else(|| by_name(stem)).or_else(|| by_name(alt));
    if let Some(emoji) = found {
        return Some(emoji.to_owned());
    }
    let name = names.into_iter().map(str::trim).find(|name| !name.is_empty())?;
    // A mere word in the sentence would not be taken for a smilie.
    let word = name.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c));
    Some(if word { format!(":{}:", name.replace(' ', "_")) } else { name.to_owned() })
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
