//! The configuration as an administrator meets it: what is accepted, and what is said about the rest.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use threadbridge::config::{Config, Layout, Replies, Scope, Start};
use threadbridge::model::{BoardId, ChannelId, ThreadId};

const EXAMPLE: &str = include_str!("../config/threadbridge.example.toml");

/// The shortest file that says enough.
const SMALL: &str = r#"[discord]
token = "t0ken"
[[forums]]
key = "edu"
engine = "vbulletin4"
url = "https://forum.example/board"
[[bridges]]
forum = "edu"
board = 12
channel = "100"
"#;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn parse(text: &str) -> Result<Config, String> {
    overlaid(text, &[])
}

fn overlaid(text: &str, pairs: &[(&str, &str)]) -> Result<Config, String> {
    Config::parse(text, Path::new("tb.toml"), variables(pairs)).map_err(|errors| errors.to_string())
}

#[test]
fn a_small_file_is_enough() {
    let config = parse(SMALL).unwrap();
    assert_eq!(config.discord.api_url.as_str(), "https://discord.com/");
    assert_eq!(config.database.url.expose_secret(), "sqlite://threadbridge.db");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8070");
    let forum = &config.forums[0];
    assert_eq!(forum.url.as_str(), "https://forum.example/board/");
    assert!(forum.account.is_none());
    assert_eq!((forum.poll, forum.min_request_gap), (Duration::from_secs(30), Duration::from_secs(1)));
    assert_eq!(forum.timezone.iana_name(), Some("UTC"));
    let bridge = &config.bridges[0];
    assert_eq!(bridge.scope, Scope::Board(BoardId::new("12")));
    assert_eq!((bridge.layout, bridge.replies, bridge.start), (Layout::Auto, Replies::Everyone, Start::Now));
    assert_eq!(bridge.thanks, ["🙏", "👍", "❤️"]);
}

#[test]
fn the_example_is_a_configuration_and_shows_the_defaults() {
    let plain = parse(EXAMPLE).unwrap();
    // With every default written out it says the same.
    let without_default = [
        "token",
        "token_file",
        "password_file",
        "thread",
        "public_url",
        "api_key",
        "api_key_file",
        "api_user",
        "hook_secret",
        "hook_secret_file",
        "session_key",
        "session_key_file",
    ];
    let written: Vec<String> = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ").and_then(|rest| Some((rest, rest.split_once(" = ")?.0))) {
            Some((rest, key)) if !key.contains(' ') && !without_default.contains(&key) => rest.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let written = written.join("\n");
    assert_eq!(format!("{:?}", parse(&written).unwrap()), format!("{plain:?}"));
    let keys = "token api_url url listen key engine username password timezone poll_seconds min_request_gap_ms forum \
                board channel layout replies thanks start";
    for key in keys.split(' ') {
        assert!(written.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key} is not shown");
    }
}

#[test]
fn signing_in_needs_a_key_and_an_address() {
    let with = |accounts: &str, server: &str| {
        parse(&format!("[discord]\ntoken = \"t\"\n[server]\n{server}\n[accounts]\n{accounts}\n"))
    };
    let public = "public_url = \"https://bridge.example/\"";
    let key = format!("session_key = \"{}\"", "0f".repeat(32));
    let config = with(&format!("sign_in = true\n{key}"), public).unwrap();
    assert_eq!(config.accounts.sign_in.as_ref().unwrap().bytes(), &[15; 32]);
    assert!(!format!("{config:?}").contains("0f0f"));
    assert!(with(&key, "").unwrap().accounts.sign_in.is_none(), "off unless it is switched on");
    for (accounts, server, expected) in [
        ("sign_in = true".to_owned(), public, "needs accounts.session_key"),
        (format!("sign_in = true\n{key}"), "", "needs server.public_url"),
        ("sign_in = true\nsession_key = \"short\"".to_owned(), public, "64 hexadecimal digits"),
        ("sign_in = \"yes\"".to_owned(), public, "must be true or false"),
    ] {
        let error = with(&accounts, server).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("short\""), "{error}");
    }
}

#[test]
fn a_discourse_forum_has_a_key_in_place_of_a_password() {
    let forum = |keys: &str| {
        format!(
            "[discord]\ntoken = \"t\"\n[[forums]]\nkey = \"talk\"\nengine = \"discourse\"\n\
                 url = \"https://talk.example/\"\n{keys}"
        )
    };
    let config =
        parse(&forum("api_key = \"k3y\"\napi_user = \"bridge\"\nhook_secret = \"s3cret\"\n")).unwrap();
    assert_eq!(config.forums[0].api.as_ref().unwrap().user.as_deref(), Some("bridge"));
    assert!(config.forums[0].hook_secret.is_some());
    let shown = format!("{config:?}");
    assert!(!shown.contains("k3y") && !shown.contains("s3cret"), "{shown}");
    for (keys, expected) in [
        ("api_key = \"k\"", "forums.api_user is missing"),
        ("api_user = \"bridge\"", "forums.api_user is set without forums.api_key"),
        ("username = \"bridge\"", "forums.username means nothing to discourse"),
    ] {
        let error = parse(&forum(keys)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_feed_has_an_address_and_nothing_to_sign_in_with() {
    let forum = |keys: &str| {
        format!(
            "[discord]\ntoken = \"t\"\n[[forums]]\nkey = \"blog\"\nengine = \"feed\"\nurl = \"https://blog.example/\"\n\
             {keys}\n[[bridges]]\nforum = \"blog\"\nboard = \"feed.xml\"\nchannel = \"70\"\nreplies = \"off\"\n"
        )
    };
    let config = parse(&forum("")).unwrap();
    assert_eq!(config.forums[0].poll, Duration::from_secs(300));
    assert!(matches!(&config.bridges[0].scope, Scope::Board(board) if board.as_str() == "feed.xml"));
    for key in ["username = \"bridge\"", "api_user = \"bridge\"", "timezone = \"UTC\""] {
        let error = parse(&forum(key)).unwrap_err().to_string();
        assert!(error.contains("means nothing to feed; it has: no keys of its own"), "{error}");
    }
}

#[test]
fn a_nodebb_forum_has_a_token() {
    let forum = |keys: &str| {
        format!(
            "[discord]\ntoken = \"t\"\n[[forums]]\nkey = \"talk\"\nengine = \"nodebb\"\n\
                 url = \"https://talk.example/forum\"\n{keys}"
        )
    };
    let of_one = parse(&forum("token = \"s3cret\"\n")).unwrap();
    assert_eq!(of_one.forums[0].api.as_ref().unwrap().user, None);
    assert!(!format!("{of_one:?}").contains("s3cret"));
    let master = parse(&forum("token = \"s3cret\"\napi_user = 7\n")).unwrap();
    assert_eq!(master.forums[0].api.as_ref().unwrap().user.as_deref(), Some("7"));
    for (keys, expected) in [
        ("api_user = \"bridge\"", "forums.api_user is set without"),
        ("api_key = \"k\"", "forums.api_key means nothing to nodebb"),
        ("token = \"k\"\ntoken_file = \"k\"", "forums.token_file and forums.token exclude each other"),
    ] {
        let error = parse(&forum(keys)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_environment_is_laid_over_the_file() {
    let config = overlaid(
        SMALL,
        &[
            ("THREADBRIDGE__DISCORD__TOKEN", "other"),
            ("THREADBRIDGE__DATABASE__URL", "postgres://me@db/threadbridge"),
            ("THREADBRIDGE__FORUMS__0__POLL_SECONDS", "60"),
            ("THREADBRIDGE__FORUMS__0__USERNAME", "bridge"),
            ("THREADBRIDGE__FORUMS__0__PASSWORD", "s3cret"),
            ("THREADBRIDGE__FORUMS__0__TIMEZONE", "Europe/London"),
            ("THREADBRIDGE__BRIDGES__0__START", "20"),
            ("THREADBRIDGE__BRIDGES__0__THANKS", "🙏, party:12"),
            ("THREADBRIDGE__BRIDGES__1__FORUM", "edu"),
            ("THREADBRIDGE__BRIDGES__1__THREAD", "7"),
            ("THREADBRIDGE__BRIDGES__1__CHANNEL", "200"),
        ],
    )
    .unwrap();
    assert_eq!(config.discord.token.expose_secret(), "other");
    assert_eq!(config.database.url.expose_secret(), "postgres://me@db/threadbridge");
    let forum = &config.forums[0];
    assert_eq!(forum.poll, Duration::from_secs(60));
    assert_eq!(forum.account.as_ref().unwrap().password.expose_secret(), "s3cret");
    assert_eq!(forum.timezone.iana_name(), Some("Europe/London"));
    assert_eq!(config.bridges[0].start, Start::Newest(20));
    assert_eq!(config.bridges[0].thanks, ["🙏", "party:12"]);
    assert_eq!(config.bridges[1].scope, Scope::Thread(ThreadId::new("7")));
    assert_eq!(config.bridges[1].channel, ChannelId(200));
}

#[test]
fn the_environment_alone_is_enough() {
    let config = overlaid(
        "",
        &[
            ("THREADBRIDGE__DISCORD__TOKEN", "t"),
            ("THREADBRIDGE__FORUMS__0__KEY", "edu"),
            ("THREADBRIDGE__FORUMS__0__ENGINE", "vbulletin4"),
            ("THREADBRIDGE__FORUMS__0__URL", "http://127.0.0.1:81"),
            ("THREADBRIDGE__BRIDGES__0__FORUM", "edu"),
            ("THREADBRIDGE__BRIDGES__0__BOARD", "1"),
            ("THREADBRIDGE__BRIDGES__0__CHANNEL", "5"),
            ("THREADBRIDGE__BRIDGES__0__THANKS", ""),
        ],
    )
    .unwrap();
    assert_eq!(config.bridges[0].thanks, Vec::<String>::new());
}

#[test]
fn secrets_can_be_files_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "t0p-s3cret\n").unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    let file = folder.path().join("tb.toml");
    let named = SMALL.replace("token = \"t0ken\"", "token_file = \"token\"");
    let config = Config::parse(&named, &file, []).unwrap();
    assert_eq!(config.discord.token.expose_secret(), "t0p-s3cret");
    assert!(!format!("{config:?}").contains("s3cret"));

    // Whichever way the environment uses wins over whichever way the file uses.
    let config = Config::parse(&named, &file, variables(&[("THREADBRIDGE__DISCORD__TOKEN", "env")])).unwrap();
    assert_eq!(config.discord.token.expose_secret(), "env");
    let by_file = variables(&[("THREADBRIDGE__DISCORD__TOKEN_FILE", "token")]);
    assert_eq!(Config::parse(SMALL, &file, by_file).unwrap().discord.token.expose_secret(), "t0p-s3cret");

    for (line, expected) in [
        ("token_file = \"missing\"", "discord.token_file can't be read: there is no file"),
        ("token_file = \"empty\"", "discord.token_file names an empty file"),
        ("token = \"a\"\ntoken_file = \"token\"", "exclude each other"),
        ("token = 12345", "must be text in quotes, not a whole number"),
    ] {
        let text = SMALL.replace("token = \"t0ken\"", line);
        let told = Config::parse(&text, &file, []).unwrap_err().to_string();
        assert!(told.contains(expected), "{line}: {told}");
        assert!(!told.contains("12345"), "{told}");
    }
}

/// What is said when one line of the small file is another: the file, the line, the key, and what would be right.
#[test]
fn what_is_wrong_is_named_with_its_place() {
    let line = |number: usize| SMALL.lines().nth(number - 1).unwrap();
    for (number, replacement, expected) in [
        (2, "tokn = \"x\"", "tb.toml line 2: \"tokn\" is not a key of [discord]; did you mean token?"),
        (
            2,
            "colour = 1\ntoken = \"x\"",
            "line 2: \"colour\" is not a key of [discord]; [discord] knows: token",
        ),
        (1, "[discrod]", "line 1: \"discrod\" is not a key of the file; did you mean discord?"),
        (2, "", "line 1: discord.token is missing"),
        (2, "token = \"x", "line 2: this is not TOML"),
        (
            2,
            "token = \"x\"\napi_url = \"discord.com\"",
            "line 3: discord.api_url must be an address that begins",
        ),
        (3, "[server]\nlisten = \"8070\"\n[[forums]]", "line 4: server.listen must be an address and a port"),
        (3, "[database]\nurl = \"mysql://x\"\n[[forums]]", "line 4: database.url must begin with sqlite://"),
        (4, "key = \"e du\"", "line 4: forums.key may hold letters"),
        (4, "", "line 3: forums.key is missing"),
        (
            5,
            "engine = \"vb4\"",
            "line 5: forums.engine \"vb4\" is not known; there is: vbulletin4, discourse, nodebb",
        ),
        (6, "url = \"ftp://forum.example\"", "line 6: forums.url must be an address that begins"),
        (6, "url = \"https://me:pw@forum.example\"", "line 6: forums.url must not hold a user name"),
        (6, "", "line 3: forums.url is missing"),
        (
            6,
            "url = \"http://a\"\nusername = \"me\"",
            "line 7: forums.username is set without forums.password",
        ),
        (6, "url = \"http://a\"\npassword = \"pw\"", "forums.password is set without forums.username"),
        (
            6,
            "url = \"http://a\"\ntimezone = \"Mars/Base\"",
            "line 7: forums.timezone \"Mars/Base\" is no time zone",
        ),
        (
            6,
            "url = \"http://a\"\npoll_seconds = 0",
            "line 7: forums.poll_seconds must be a whole number from 1",
        ),
        (6, "url = \"http://a\"\npoll_seconds = 1.5", "line 7: forums.poll_seconds must be a whole number"),
        (
            6,
            "url = \"http://a\"\nmin_request_gap_ms = -1",
            "forums.min_request_gap_ms must be a whole number",
        ),
        (8, "forum = \"ed\"", "line 8: bridges.forum \"ed\" is not the key of a forum; there is: edu"),
        (9, "", "line 7: bridges.board is missing"),
        (9, "board = \"1\"\nthread = \"2\"", "line 9: bridges.board and bridges.thread exclude each other"),
        (10, "channel = \"general\"", "line 10: bridges.channel must be a channel's id"),
        (10, "channel = \"5\"\nlayout = \"thread\"", "line 11: bridges.layout must be one of \"auto\""),
        (10, "channel = \"5\"\nreplies = true", "line 11: bridges.replies must be text in quotes"),
        (10, "channel = \"5\"\nthanks = \"🙏\"", "line 11: bridges.thanks must be a list of emoji"),
        (10, "channel = \"5\"\nthanks = [\"ok\"]", "line 11: bridges.thanks has \"ok\", which is no emoji"),
        (
            10,
            "channel = \"5\"\nstart = \"later\"",
            "line 11: bridges.start must be \"now\", \"all\" or a number",
        ),
        (10, "channel = \"5\"\nstart = -3", "line 11: bridges.start must be"),
    ] {
        let text = SMALL.replacen(line(number), replacement, 1);
        let told = parse(&text).unwrap_err();
        assert!(told.contains(expected), "{replacement}\nsays  {told}\nnot   {expected}");
    }
}

#[test]
fn what_is_there_twice_is_named() {
    let forum = "[[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\nurl = \"https://b.example/\"\n";
    let told = parse(&format!("{SMALL}{forum}")).unwrap_err();
    assert!(told.starts_with("tb.toml line 11: forums.key \"edu\" is the key of an earlier forum"), "{told}");
    let bridge = "[[bridges]]\nforum = \"edu\"\nboard = \"12\"\nchannel = 100\n";
    let told = parse(&format!("{SMALL}{bridge}")).unwrap_err();
    assert!(told.starts_with("tb.toml line 11: [[bridges]] ties the same two"), "{told}");
}

#[test]
fn all_faults_are_told_at_once() {
    let text = "[discord]\ntokn = \"x\"\n[[forums]]\nkey = \"edu\"\nengine = \"phpbb\"\n[[bridges]]\nforum = \"x\"\n";
    let told = parse(text).unwrap_err();
    for part in [
        "tokn",
        "discord.token is missing",
        "phpbb",
        "forums.url",
        "bridges.forum",
        "bridges.board",
        "bridges.channel",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_faulty_variable_is_named() {
    for (name, value, expected) in [
        (
            "THREADBRIDGE__DISCORD__TOKN",
            "x",
            "THREADBRIDGE__DISCORD__TOKN: \"tokn\" is not a key of [discord]",
        ),
        (
            "THREADBRIDGE__FORUMS__0__POLL_SECONDS",
            "soon",
            "POLL_SECONDS: forums.poll_seconds must be a whole number",
        ),
        ("THREADBRIDGE__FORUMS__5__KEY", "x", "THREADBRIDGE__FORUMS__5__KEY: the list has 1 entries"),
        ("THREADBRIDGE__FORUMS__KEY", "x", "THREADBRIDGE__FORUMS__KEY: there is no such key"),
        ("THREADBRIDGE__DISCORD____TOKEN", "x", "a part of the key is missing"),
        ("THREADBRIDGE__DISCORD__TOKEN__X", "x", "there is no such key"),
    ] {
        let told = overlaid(SMALL, &[(name, value)]).unwrap_err();
        assert!(told.starts_with("environment variable ") && told.contains(expected), "{name}: {told}");
    }
}

#[test]
fn the_file_is_found_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (flag, variable) = (folder.path().join("flag.toml"), folder.path().join("variable.toml"));
    std::fs::write(&flag, SMALL.replace("t0ken", "by flag")).unwrap();
    std::fs::write(&variable, SMALL.replace("t0ken", "by variable")).unwrap();
    let environment =
        || variables(&[("THREADBRIDGE_CONFIG", variable.to_str().unwrap()), ("HOME", "/")]).into_iter();
    let token = |config: Config| config.discord.token.expose_secret().to_owned();
    assert_eq!(token(Config::load(Some(&flag), environment()).unwrap()), "by flag");
    assert_eq!(token(Config::load(None, environment()).unwrap()), "by variable");
    let told = Config::load(Some(&folder.path().join("none.toml")), environment()).unwrap_err().to_string();
    assert!(told.contains("none.toml"), "{told}");
}

#[test]
fn the_address_of_a_forum_becomes_its_folder() {
    for (written, expected) in [
        ("https://forum.example", "https://forum.example/"),
        ("https://forum.example/vb/", "https://forum.example/vb/"),
        ("https://forum.example/vb/forum.php?s=1#top", "https://forum.example/vb/"),
        ("https://blog.example/notes/feed.xml", "https://blog.example/notes/"),
    ] {
        let config = parse(&SMALL.replace("https://forum.example/board", written)).unwrap();
        assert_eq!(config.forums[0].url.as_str(), expected);
    }
}
