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
    // The title in words of a smilie whose code means something else elsewhere (`:cool:`).
    let titled = || if title.starts_with(':') { None } else { by_name(title) };
    let codes = names.into_iter().find_map(by_code).or_else(titled);
    let codes = codes.or_else(|| names.into_iter().find_map(by_shortcode));
    let found = codes.or_else(|| by_name(title)).or_else(|| by_name(stem)).or_else(|| by_name(alt));
    if let Some(emoji) = found {
        return Some(emoji.to_owned());
    }
    if let Some(emoji) = by_code_points(stem) {
        return Some(emoji);
    }
    let name = names.into_iter().map(str::trim).find(|name| !name.is_empty())?;
    // A mere word in the sentence would not be taken for a smilie.
    let word = name.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c));
    Some(if word { format!(":{}:", name.replace(' ', "_")) } else { name.to_owned() })
}

/// `:slight_smile:`, as GitHub or Discourse call it, perhaps with the tone of a skin (`:+1:t3:`).
fn by_shortcode(name: &str) -> Option<&'static str> {
    let code = name.trim().strip_prefix(':')?.strip_suffix(':')?;
    let code = code.split_once(":t").map_or(code, |(code, _)| code);
    let known = DISCOURSE.iter().find(|(name, _)| *name == code).map(|(_, emoji)| *emoji);
    known.or_else(|| emojis::get_by_shortcode(code).map(|emoji| emoji.as_str()))
}

/// Names of emoji that Discourse has and GitHub has not.
const DISCOURSE: [(&str, &str); 25] = [
    ("slight_smile", "🙂"),
    ("slight_frown", "🙁"),
    ("frowning2", "☹️"),
    ("grinning_face", "😀"),
    ("upside_down", "🙃"),
    ("hugging", "🤗"),
    ("zipper_mouth", "🤐"),
    ("face_with_raised_eyebrow", "🤨"),
    ("rolling_eyes", "🙄"),
    ("face_with_rolling_eyes", "🙄"),
    ("nerd", "🤓"),
    ("cowboy", "🤠"),
    ("money_mouth", "🤑"),
    ("sick", "🤢"),
    ("clown", "🤡"),
    ("face_with_symbols_over_mouth", "🤬"),
    ("check_mark_button", "✅"),
    ("cross_mark", "❌"),
    ("party_popper", "🎉"),
    ("glowing_star", "🌟"),
    ("red_heart", "❤️"),
    ("folded_hands", "🙏"),
    ("clapping_hands", "👏"),
    ("thumbs_up", "👍"),
    ("thumbs_down", "👎"),
];

/// Files of emoji are named by their characters: `1f642.png`, `1f468-200d-1f469.svg`.
fn by_code_points(stem: &str) -> Option<String> {
    let hex = |part: &str| {
        (4..=6)
            .contains(&part.len())
            .then(|| u32::from_str_radix(part, 16).ok())
            .flatten()
            .and_then(char::from_u32)
    };
    let text: String = stem.split(['-', '_']).map(hex).collect::<Option<_>>()?;
    emojis::get(&text).map(|emoji| emoji.as_str().to_owned())
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
    // `icon_wink.gif`
    Some(match name.strip_prefix("icon").unwrap_or(&name) {
        "smile" | "smilie" | "happy" => "🙂",
        "wink" => "😉",
        "biggrin" | "grin" | "bigsmile" => "😃",
        "frown" | "sad" | "unhappy" => "🙁",
        "tongue" | "stickouttongue" | "razz" => "😛",
        "redface" | "embarrassment" | "embarrassed" | "oops" => "😳",
        "eek" | "surprised" | "shocked" | "shock" => "😮",
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
