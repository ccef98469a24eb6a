use serde_json::Value;

use super::asks::{Asker, LatestView, ThreadView};
use super::definitions;
use super::page::{self, Lead, Slice};
use crate::discord::look::units;
use crate::discord::spec;
use crate::markup::Doc;
use crate::model::{
    Author, BoardRef, ChannelId, GuildId, Permissions, Post, Thread, ThreadPage, ThreadSummary, UserId,
    ViewerThanks, Visibility,
};

const USER: UserId = UserId(42);
const ASKER: Asker = Asker {
    guild: Some(GuildId(1)),
    channel: ChannelId(2),
    user: USER,
    private: false,
    may_write: true,
    manages: true,
};

fn post(number: u32, words: &str) -> Post {
    Post {
        id: number.to_string().as_str().into(),
        url: format!("https://forum.example/showthread.php?p={number}"),
        number: Some(number),
        title: None,
        posted_at: None,
        posted_text: Some("Yesterday, 3:05 PM".into()),
        edited_at: None,
        author: Author { name: "n".repeat(300), ..Author::default() },
        body: Doc::text(words),
        quotes: vec![],
        mentions: vec![],
        attachments: vec![],
        thanks: vec![],
        thanks_total: Some(u64::MAX),
        visibility: Visibility::Shown,
        viewer_thanks: ViewerThanks::Unknown,
    }
}

fn view(posts: usize, page: u32, pages: u32, words: &str) -> ThreadView {
    ThreadView {
        forum: "edu".into(),
        forum_name: "f".repeat(500),
        thread: "134567".into(),
        url: "https://forum.example/showthread.php?t=134567".into(),
        page: ThreadPage {
            thread: Thread {
                title: "[t".repeat(200),
                board: BoardRef { id: None, name: Some("*b".repeat(200)) },
                closed: Some(true),
                page,
                pages,
                total_results: Some(u64::MAX),
                ..Thread::default()
            },
            permissions: Permissions::default(),
            posts: (1..=posts as u32).map(|number| post(number, words)).collect(),
        },
        post: None,
        mirrored: false,
    }
}

/// The reply as Discord gets it.
fn sent(reply: poise::CreateReply) -> Value {
    use poise::serenity_prelude::CreateInteractionResponseMessage;
    serde_json::to_value(reply.to_slash_initial_response(CreateInteractionResponseMessage::new())).unwrap()
}

fn buttons(message: &Value) -> Vec<Value> {
    message["components"][0]["components"].as_array().unwrap().clone()
}

fn pressed(message: &Value, which: usize) -> Lead {
    Lead::read(buttons(message)[which]["custom_id"].as_str().unwrap()).unwrap()
}

/// <https://docs.discord.com/developers/resources/message#embed-object-embed-limits>
fn assert_fits(message: &Value) {
    let length = |value: &Value| value.as_str().map_or(0, units);
    assert!(length(&message["content"]) <= 2000);
    assert_eq!(message["allowed_mentions"]["parse"], serde_json::json!([]));
    let embeds = message["embeds"].as_array().unwrap();
    assert!(embeds.len() <= 10);
    let mut sum = 0;
    for embed in embeds {
        let (title, description) = (length(&embed["title"]), length(&embed["description"]));
        let (author, footer) = (length(&embed["author"]["name"]), length(&embed["footer"]["text"]));
        assert!(title <= 256 && description <= 4096 && author <= 256 && footer <= 2048);
        sum += title + description + author + footer;
    }
    assert!(sum <= 6000, "{sum}");
    let answer = serde_json::json!({ "type": 4, "data": message });
    spec::assert_described("post", "/interactions/1/token/callback", &answer);
    let mut ids = std::collections::HashSet::new();
    for row in message["components"].as_array().into_iter().flatten() {
        for button in row["components"].as_array().unwrap() {
            assert!(length(&button["label"]) <= 80 && length(&button["url"]) <= 512);
            if let Some(id) = button["custom_id"].as_str() {
                assert!((1..=100).contains(&units(id)) && ids.insert(id.to_owned()), "{id}");
            }
        }
    }
}

#[test]
fn a_full_page_of_long_posts_fits() {
    let words = "😀 *word* ".repeat(800);
    let view = view(40, 2, 3, &words);
    for slice in [Slice::At(0), Slice::At(3), Slice::Last, Slice::At(99)] {
        let message = sent(page::thread(&view, slice, ASKER));
        assert_fits(&message);
        assert_eq!(message["embeds"].as_array().unwrap().len(), 5);
        assert_eq!(buttons(&message).len(), 5);
    }
}

#[test]
fn the_buttons_walk_through_every_post_and_back() {
    let sizes = [7, 5, 1];
    let (mut page, mut slice, mut seen) = (1, Slice::At(0), 0);
    loop {
        let message = sent(page::thread(&view(sizes[page as usize - 1], page, 3, "w"), slice, ASKER));
        assert_fits(&message);
        seen += message["embeds"].as_array().unwrap().len();
        if buttons(&message)[2]["disabled"] == true {
            break;
        }
        let lead = pressed(&message, 2);
        (page, slice) = (lead.page, lead.slice);
        assert_eq!((lead.user, lead.forum.as_str(), lead.thread.as_str()), (USER, "edu", "134567"));
    }
    assert_eq!(seen, 13);
    let message = sent(page::thread(&view(1, 3, 3, "w"), Slice::Last, ASKER));
    let back = pressed(&message, 1);
    assert_eq!((back.page, back.slice), (2, Slice::Last));
    let first = pressed(&message, 0);
    assert_eq!((first.page, first.slice), (1, Slice::At(0)));
    let start = sent(page::thread(&view(7, 1, 3, "w"), Slice::At(0), ASKER));
    assert_eq!((pressed(&start, 3).page, pressed(&start, 3).slice), (3, Slice::Last));
    assert_eq!(buttons(&start)[0]["disabled"], true);
}

#[test]
fn the_post_that_was_asked_for_is_on_the_page_shown() {
    let mut view = view(12, 1, 1, "w");
    view.post = Some("8".into());
    assert_eq!(page::slice_of(&view), Slice::At(1));
    let message = sent(page::thread(&view, Slice::At(1), ASKER));
    assert!(message["embeds"][2]["color"].is_number());
    assert!(message["embeds"][0].get("color").is_none_or(Value::is_null));
}

#[test]
fn an_empty_page_is_said_to_be_empty() {
    let message = sent(page::thread(&view(0, 1, 1, ""), Slice::Last, ASKER));
    assert_fits(&message);
    assert!(message["content"].as_str().unwrap().contains("no posts"));
}

#[test]
fn words_that_are_not_for_everyone_are_left_out() {
    let mut view = view(1, 1, 1, "secret");
    view.page.posts[0].visibility = Visibility::Deleted;
    assert!(!sent(page::thread(&view, Slice::At(0), ASKER)).to_string().contains("secret"));
}

#[test]
fn a_strange_button_is_no_lead() {
    for id in [
        "",
        "thread",
        "thread|next|x|0|1|edu|1",
        "thread|next|1|-1|1|edu|1",
        "other|next|1|0|1|edu|1",
        "nowhere|next",
    ] {
        assert_eq!(Lead::read(id), None, "{id}");
    }
    let odd = Lead::read("thread|next|1|last|1|edu|topic/1|2").unwrap();
    assert_eq!(odd.thread, "topic/1|2");
}

#[test]
fn a_list_of_threads_fits() {
    let summary = |n: u32| ThreadSummary {
        id: n.to_string().as_str().into(),
        url: format!("https://forum.example/showthread.php?t={n}&{}", "x".repeat(400)),
        title: "*".repeat(300),
        prefix: Some("[p]".into()),
        author: None,
        replies: Some(1),
        last_post_id: None,
        last_post_at: jiff::Timestamp::from_second(1_700_000_000).ok(),
        last_post_by: Some("@everyone".repeat(30)),
        sticky: true,
        closed: true,
        moved: false,
        deleted: false,
    };
    let mut view = LatestView {
        forum: "edu".into(),
        forum_name: "Edu".into(),
        board: Some("[".repeat(300)),
        url: Some("https://forum.example/".into()),
        threads: (1..50).map(summary).collect(),
    };
    let message = sent(page::latest(&view));
    assert_fits(&message);
    assert!(message["embeds"][0]["description"].as_str().unwrap().contains("<t:1700000000:R>"));
    view.threads.clear();
    assert!(sent(page::latest(&view)).to_string().contains("No threads"));
}

/// <https://docs.discord.com/developers/interactions/application-commands#application-command-object>
#[test]
fn the_definitions_keep_to_discords_limits() {
    fn check(command: &Value, depth: usize) {
        let name = command["name"].as_str().unwrap();
        let description = command["description"].as_str().unwrap();
        assert!(
            (1..=32).contains(&name.len()) && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{name}"
        );
        assert!((1..=100).contains(&description.len()), "{name}: {description}");
        let options = command["options"].as_array().cloned().unwrap_or_default();
        assert!(options.len() <= 25 && depth <= 3);
        let mut optional = false;
        for option in &options {
            let required = option["required"].as_bool().unwrap_or(false);
            assert!(!(required && optional), "{name}: required options come first");
            optional |= !required && option["type"] != 1;
            check(option, depth + 1);
        }
    }
    let definitions = definitions();
    let commands = definitions.as_array().unwrap();
    // None of them works in direct messages, where nobody's guild says what may be seen.
    for command in commands {
        let guild_only = command["dm_permission"] == false || command["contexts"] == serde_json::json!([0]);
        assert!(guild_only, "{}", command["name"]);
    }
    spec::assert_described("put", "/applications/1/commands", &definitions);
    let (menus, slashes): (Vec<_>, Vec<_>) = commands.iter().partition(|command| command["type"] == 3);
    for menu in &menus {
        assert!((1..=32).contains(&units(menu["name"].as_str().unwrap())), "{menu}");
        assert!(menu.get("description").is_none_or(|text| text == ""), "{menu}");
    }
    slashes.iter().for_each(|command| check(command, 1));
    let subcommands = |command: &Value| {
        let options = command["options"].as_array().cloned().unwrap_or_default();
        let names: Vec<_> =
            options.iter().map(|option| option["name"].as_str().unwrap().to_owned()).collect();
        format!("{} {}", command["name"].as_str().unwrap(), names.join("|")).trim().to_owned()
    };
    assert_eq!(
        commands.iter().map(subcommands).collect::<Vec<_>>(),
        [
            "thread show|latest|info|search|new",
            "account link|signin|unlink|show",
            "bridge add|list|pause|resume|remove|backfill|status|why",
            "member show",
            "thanks who|top",
            "Thank the poster",
            "Who thanked?",
            "Reply on the forum",
        ]
    );
}
