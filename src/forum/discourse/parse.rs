//! From Discourse's answers to the model. Text in, model out; nothing is asked and nothing is kept.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::Url;

use super::links;
use super::wire;
use crate::forum::Failure;
use crate::markup::{Block, Doc, Inline, html, plain, references};
use crate::model::{
    Author, Board, BoardId, BoardPage, BoardRef, Found, Member, MemberId, Permissions, Post, PostId,
    SearchPage, SimilarThread, Thanks, Thread, ThreadId, ThreadPage, ThreadSummary, ViewerThanks, Visibility,
};

/// Posts to a page, where a topic does not say.
pub const CHUNK: u32 = 20;
/// How large a picture of a member is asked for, in pixels.
const FACE: &str = "120";

/// An answer as what it must be.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let what = if text.trim_start().starts_with('<') { "a page" } else { "something else" };
        Failure::Unreadable(format!(
            "the forum answers with {what} in place of what its API should say ({error}); is forums.url the address of a Discourse?"
        ))
    })
}

/// Who liked which posts, where that is known.
pub type Likers = HashMap<u64, Vec<Thanks>>;

/// One page of a topic. Which page it is, the reader of the address knows.
pub fn thread_page(
    topic: wire::Topic,
    page: u32,
    likers: &Likers,
    base: &Url,
) -> Result<ThreadPage, Failure> {
    if topic.archetype.as_deref().is_some_and(|archetype| archetype != "regular") {
        return Err(Failure::Gone("that is a private message, which is nobody else's business".to_owned()));
    }
    if topic.deleted_at.is_some() {
        return Err(Failure::Gone("the thread was deleted on the forum".to_owned()));
    }
    let id = ThreadId::new(topic.id.to_string());
    let may_reply = topic.details.as_ref().map(|details| details.can_create_post);
    let pages = pages(&topic);
    let posts: Vec<Post> = topic
        .post_stream
        .posts
        .into_iter()
        .filter(is_speech)
        .map(|found| post(found, likers, base))
        .collect();
    let thread = Thread {
        url: Some(links::topic(base, &topic.slug, topic.id, None).to_string()),
        id: Some(id),
        title: topic.title,
        prefix: None,
        board: BoardRef { id: topic.category_id.map(board_id), name: None },
        closed: Some(topic.closed || topic.archived),
        sticky: Some(topic.pinned || topic.pinned_globally),
        page,
        pages,
        first_result: posts.first().and_then(|post| post.number).map(u64::from),
        last_result: posts.last().and_then(|post| post.number).map(u64::from),
        total_results: Some(topic.posts_count),
        tags: topic.tags.into_iter().map(wire::Tag::name).collect(),
        reply_allowed: may_reply,
        similar: topic
            .suggested_topics
            .into_iter()
            .filter(|topic| topic.visible != Some(false))
            .map(|topic| similar(topic, base))
            .collect(),
        browsing: None,
    };
    let permissions = Permissions { post_replies: may_reply, ..Permissions::default() };
    Ok(ThreadPage { thread, permissions, posts })
}

/// How many pages a topic has for this viewer.
pub fn pages(topic: &wire::Topic) -> u32 {
    let posts = match &topic.post_stream.stream {
        Some(stream) => stream.len() as u64,
        None => topic.highest_post_number.map_or(topic.posts_count, u64::from),
    };
    let pages = posts.div_ceil(u64::from(topic.chunk_size.unwrap_or(CHUNK).max(1)));
    u32::try_from(pages).unwrap_or(u32::MAX).max(1)
}

/// On which page a post is; `None` when the viewer does not see it (any more).
pub fn page_of(topic: &wire::Topic, post: u64, number: u32) -> Option<u32> {
    let chunk = topic.chunk_size.unwrap_or(CHUNK).max(1);
    match &topic.post_stream.stream {
        Some(stream) => {
            let at = stream.iter().position(|id| *id == post)?;
            u32::try_from(at).ok().map(|at| at / chunk + 1)
        }
        None => Some((number.max(1) - 1) / chunk + 1),
    }
}

/// Somebody wrote it, and not only for staff: notes of what was done and whispers are left out.
fn is_speech(post: &wire::Post) -> bool {
    matches!(post.post_type, 0..=2)
}

fn post(post: wire::Post, likers: &Likers, base: &Url) -> Post {
    let url = links::topic(base, &post.topic_slug, post.topic_id, Some(post.post_number)).to_string();
    let gone = post.deleted_at.is_some() || post.user_deleted || post.hidden;
    let body = if gone { Doc::default() } else { body(&post.cooked, &url, base) };
    let likes = post.likes();
    Post {
        id: PostId::new(post.id.to_string()),
        number: Some(post.post_number),
        title: None,
        posted_at: moment(post.created_at.as_deref()),
        posted_text: post.created_at.clone(),
        edited_at: moment(post.updated_at.as_deref()).filter(|_| post.version > 1),
        quotes: references::quotes(&body),
        mentions: references::mentions(&body),
        attachments: Vec::new(),
        thanks: likers.get(&post.id).cloned().unwrap_or_default(),
        thanks_total: Some(likes.map_or(0, |likes| likes.count)),
        visibility: if gone { Visibility::Deleted } else { Visibility::Shown },
        viewer_thanks: match likes {
            Some(likes) if likes.acted => ViewerThanks::Given,
            Some(likes) if likes.can_act => ViewerThanks::Possible,
            _ => ViewerThanks::Unknown,
        },
        author: author(&post, base),
        body,
        url,
    }
}

fn body(cooked: &str, url: &str, base: &Url) -> Doc {
    html::read_fragment(cooked, base).unwrap_or_else(|_| {
        let content = vec![Inline::Text("This post can only be read on the forum.".to_owned())];
        Doc { blocks: vec![Block::Paragraph(vec![Inline::Link { url: url.to_owned(), content }])] }
    })
}

fn author(post: &wire::Post, base: &Url) -> Author {
    Author {
        id: post.user_id.map(|id| MemberId::new(id.to_string())),
        name: post.username.clone().unwrap_or_else(|| "deleted member".to_owned()),
        title: post.user_title.clone().filter(|title| !title.is_empty()),
        avatar_url: face(post.avatar_template.as_deref(), base),
        guest: post.username.is_none(),
        ..Author::default()
    }
}

/// Members who liked a post, as thanks.
pub fn thanks(likers: wire::Likers) -> Vec<Thanks> {
    let member = |user: wire::User| Thanks {
        name: user.username,
        member_id: Some(MemberId::new(user.id.to_string())),
        // Discourse tells who, and not when.
        on: None,
    };
    likers.post_action_users.into_iter().map(member).collect()
}

/// A category's own topics; those of the categories inside it belong to those.
pub fn board_page(
    list: wire::TopicList,
    board: &BoardId,
    name: Option<String>,
    page: u32,
    base: &Url,
) -> BoardPage {
    // How many pages there are Discourse does not say; one past the end is empty.
    let pages = match (list.topic_list.more_topics_url.is_some(), list.topic_list.topics.is_empty()) {
        (true, _) => page + 1,
        (false, true) => page.saturating_sub(1).max(1),
        (false, false) => page,
    };
    let names: HashMap<i64, String> = list.users.into_iter().map(|user| (user.id, user.username)).collect();
    let own = |topic: &wire::ListedTopic| {
        topic.category_id.map(board_id).as_ref() == Some(board)
            && topic.archetype.as_deref().is_none_or(|archetype| archetype == "regular")
    };
    BoardPage {
        board: BoardRef { id: Some(board.clone()), name },
        page,
        pages,
        threads: list
            .topic_list
            .topics
            .into_iter()
            .filter(own)
            .map(|topic| ThreadSummary {
                id: ThreadId::new(topic.id.to_string()),
                url: links::topic(base, &topic.slug, topic.id, None).to_string(),
                prefix: None,
                author: topic
                    .posters
                    .first()
                    .and_then(|poster| poster.user_id)
                    .and_then(|id| names.get(&id).cloned()),
                replies: Some(topic.posts_count.saturating_sub(1)),
                last_post_id: None,
                last_post_at: moment(topic.last_posted_at.as_deref().or(topic.created_at.as_deref())),
                last_post_by: topic.last_poster_username,
                sticky: topic.pinned || topic.pinned_globally,
                closed: topic.closed || topic.archived,
                moved: false,
                deleted: topic.visible == Some(false),
                title: topic.title,
            })
            .collect(),
        boards: Vec::new(),
    }
}

/// Every category that the viewer sees, with its slug.
pub fn boards(categories: wire::Categories, base: &Url) -> Vec<(Board, String)> {
    let mut boards = Vec::new();
    let mut left = categories.category_list.categories;
    left.reverse();
    while let Some(mut category) = left.pop() {
        let mut inside = category.subcategory_list.take().unwrap_or_default();
        inside.reverse();
        left.extend(inside);
        let board = Board {
            id: board_id(category.id),
            name: category.name,
            url: Some(links::category(base, &category.slug, category.id).to_string()),
            parent: category.parent_category_id.map(board_id),
        };
        boards.push((board, category.slug));
    }
    boards
}

/// What a search found: posts of topics that are for whoever may read the forum. `board` keeps those of that category
/// alone, for Discourse counts the categories inside it in.
pub fn search_page(
    results: wire::Results,
    page: u32,
    board: Option<&BoardId>,
    named: impl Fn(&BoardId) -> Option<String>,
    base: &Url,
) -> SearchPage {
    let more = results.grouped_search_result.and_then(|it| it.more_full_page_results).unwrap_or(false);
    let topics: HashMap<u64, wire::ListedTopic> =
        results.topics.into_iter().map(|topic| (topic.id, topic)).collect();
    let found = |hit: wire::Hit| {
        let topic = topics.get(&hit.topic_id)?;
        let category = topic.category_id.map(board_id);
        let private = topic.archetype.as_deref().is_some_and(|archetype| archetype != "regular");
        if private || topic.visible == Some(false) || board.is_some() && category.as_ref() != board {
            return None;
        }
        let words = hit.blurb.and_then(|blurb| html::read_fragment(&blurb, base).ok());
        let words = words.map(|doc| plain::text(&doc).split_whitespace().collect::<Vec<_>>().join(" "));
        Some(Found {
            thread: Some(ThreadId::new(hit.topic_id.to_string())),
            post: Some(PostId::new(hit.id.to_string())),
            url: links::topic(base, &topic.slug, topic.id, Some(hit.post_number)).to_string(),
            title: topic.title.clone(),
            author: hit.username,
            board: BoardRef { name: category.as_ref().and_then(&named), id: category },
            at: moment(hit.created_at.as_deref()),
            snippet: words.filter(|words| !words.is_empty()),
            replies: Some(topic.posts_count.saturating_sub(1)),
        })
    };
    let hits = results.posts.into_iter().filter_map(found).collect();
    SearchPage { page, pages: if more { page + 1 } else { page }, total: None, hits }
}

/// A member, with what they did where the forum shows that.
pub fn member(user: wire::Me, deeds: Option<wire::Deeds>, base: &Url) -> Member {
    let day = |at: Option<String>| at.and_then(|at| at.get(..10).map(str::to_owned));
    let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let deeds = deeds.as_ref();
    let mut fields = Vec::new();
    let mut field = |label: &str, value: Option<String>| {
        fields.extend(value.map(|value| (label.to_owned(), value)));
    };
    field("Name", some(user.name).filter(|name| *name != user.username));
    field("Trust level", user.trust_level.map(|level| level.to_string()));
    field("Topics", deeds.and_then(|it| it.topic_count).map(|count| count.to_string()));
    field("Days visited", deeds.and_then(|it| it.days_visited).map(|count| count.to_string()));
    field("Website", some(user.website_name));
    let about = user.bio_excerpt.and_then(|bio| html::read_fragment(&bio, base).ok());
    field("About", some(about.map(|doc| plain::text(&doc).trim().to_owned())));
    Member {
        id: Some(MemberId::new(user.id.to_string())),
        url: Some(links::member(base, &user.username).to_string()),
        title: some(user.title),
        avatar_url: face(user.avatar_template.as_deref(), base),
        joined: day(user.created_at),
        last_active: day(user.last_seen_at),
        location: some(user.location),
        posts: deeds.and_then(|it| it.post_count).or(user.post_count),
        thanks_given: deeds.and_then(|it| it.likes_given),
        thanks_received: deeds.and_then(|it| it.likes_received),
        posts_thanked: None,
        fields,
        name: user.username,
    }
}

fn face(template: Option<&str>, base: &Url) -> Option<String> {
    let template = template.filter(|template| !template.is_empty())?;
    base.join(&template.replace("{size}", FACE)).ok().map(|url| url.to_string())
}

fn similar(topic: wire::ListedTopic, base: &Url) -> SimilarThread {
    SimilarThread {
        id: Some(ThreadId::new(topic.id.to_string())),
        url: links::topic(base, &topic.slug, topic.id, None).to_string(),
        author: None,
        board: None,
        replies: Some(topic.posts_count.saturating_sub(1)),
        last_post_at: moment(topic.last_posted_at.as_deref()),
        title: topic.title,
    }
}

fn board_id(id: u64) -> BoardId {
    BoardId::new(id.to_string())
}

fn moment(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base() -> Url {
        Url::parse("https://talk.example/").expect("an address")
    }

    fn topic(changes: serde_json::Value) -> wire::Topic {
        let post = |id: u64, number: u32, more: serde_json::Value| {
            let mut post = json!({
                "id": id, "post_number": number, "topic_id": 7, "topic_slug": "cables", "username": "ann", "user_id": 4,
                "avatar_template": "/user_avatar/talk.example/ann/{size}/1_2.png", "post_type": 1, "version": 1,
                "created_at": "2026-05-01T11:59:58.123Z", "updated_at": "2026-05-01T12:30:00.000Z",
                "cooked": "<p>Which <strong>colour</strong>?</p>",
            });
            merge(&mut post, more);
            post
        };
        let mut topic = json!({
            "id": 7, "title": "Cables", "slug": "cables", "category_id": 3, "posts_count": 5, "chunk_size": 20,
            "tags": ["copper", { "id": 2, "name": "fibre" }],
            "post_stream": { "stream": [10, 11, 12, 13, 14], "posts": [
                post(10, 1, json!({ "actions_summary": [{ "id": 2, "count": 2, "can_act": true }] })),
                post(11, 2, json!({ "user_deleted": true, "cooked": "<p>(post deleted by author)</p>" })),
                post(12, 3, json!({ "post_type": 3, "action_code": "closed.enabled", "cooked": "" })),
                post(13, 4, json!({ "post_type": 4, "cooked": "<p>Staff only.</p>" })),
                post(14, 6, json!({ "version": 2, "hidden": false })),
            ] },
        });
        merge(&mut topic, changes);
        serde_json::from_value(topic).expect("a topic")
    }

    fn merge(value: &mut serde_json::Value, more: serde_json::Value) {
        if let (Some(value), serde_json::Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
    }

    #[test]
    fn a_topic_is_a_page_of_what_people_wrote() {
        let page = thread_page(topic(json!({ "closed": true })), 1, &Likers::new(), &base()).expect("a page");
        let ids: Vec<&str> = page.posts.iter().map(|post| post.id.as_str()).collect();
        assert_eq!(ids, ["10", "11", "14"], "no notes of what was done, no whispers");
        let first = &page.posts[0];
        assert_eq!(
            (first.number, first.thanks_total, first.viewer_thanks),
            (Some(1), Some(2), ViewerThanks::Possible)
        );
        assert_eq!(first.url, "https://talk.example/t/cables/7/1");
        assert_eq!(
            first.author.avatar_url.as_deref(),
            Some("https://talk.example/user_avatar/talk.example/ann/120/1_2.png")
        );
        assert_eq!(page.posts[1].visibility, Visibility::Deleted);
        assert_eq!(page.posts[1].body, Doc::default());
        assert!(page.posts[0].edited_at.is_none() && page.posts[2].edited_at.is_some());
        assert_eq!(page.thread.tags, ["copper", "fibre"]);
        assert_eq!((page.thread.closed, page.thread.reply_allowed), (Some(true), None));
    }

    #[test]
    fn archived_is_closed_and_what_a_topic_says_of_itself_is_kept() {
        for (changes, closed) in [
            (json!({ "archived": true }), true),
            (json!({ "closed": true, "archived": true }), true),
            (json!({ "visible": false }), false),
        ] {
            let page = thread_page(topic(changes), 1, &Likers::new(), &base()).expect("a page");
            assert_eq!(page.thread.closed, Some(closed));
        }
    }

    #[test]
    fn polls_details_oneboxes_and_uploads_are_words_and_links() {
        let cooked = r#"<div class="poll" data-poll-name="poll"><div class="poll-container"><div class="poll-title">Which?</div>
            <ul><li data-poll-option-id="1">Copper</li><li data-poll-option-id="2">Fibre</li></ul></div>
            <div class="poll-info"><span class="info-number">7</span> voters</div></div>
            <details><summary>Why</summary><p>It is faster.</p></details>
            <aside class="onebox allowlistedgeneric" data-onebox-src="https://news.example/a"><header class="source">news.example</header>
            <article class="onebox-body"><h3><a href="https://news.example/a">Cables cut</a></h3><p>Nobody knows why.</p></article></aside>
            <p><a class="attachment" href="/uploads/short-url/abc.pdf">plan.pdf</a> (12 KB)
            <img src="/uploads/default/original/1X/f00.png" alt="plan" data-base62-sha1="f00"></p>"#;
        let changes =
            json!({ "id": 20, "post_number": 1, "topic_id": 7, "username": "ann", "cooked": cooked });
        let page = topic(json!({ "post_stream": { "stream": [20], "posts": [changes] } }));
        let page = thread_page(page, 1, &Likers::new(), &base()).expect("a page");
        let shown = crate::markup::discord::write(&page.posts[0].body, &crate::markup::discord::NoLinks);
        for words in ["Which?", "Copper", "Fibre", "Why", "It is faster.", "https://news.example/a"] {
            assert!(shown.contains(words), "{words} in {shown}");
        }
        // Of a page that is shown in a box only its address: Discord makes a box of its own.
        assert!(!shown.contains("Nobody knows why"), "{shown}");
        // Addresses of files are whole ones, and never the forum's own short hand.
        assert!(shown.contains("https://talk.example/uploads/short-url/abc.pdf"), "{shown}");
        assert!(shown.contains("https://talk.example/uploads/default/original/1X/f00.png"), "{shown}");
        assert!(!shown.contains("7 voters") && !shown.contains("upload://"), "{shown}");
    }

    #[test]
    fn hits_are_posts_of_topics_that_all_may_read() {
        let results = json!({
            "posts": [
                { "id": 41, "topic_id": 7, "post_number": 2, "username": "ann", "created_at": "2026-05-01T11:59:58.123Z",
                  "blurb": "Salt &amp; <span class=\"search-highlight\">pepper</span>..." },
                { "id": 42, "topic_id": 8, "post_number": 1, "username": "bob" },
                { "id": 43, "topic_id": 9, "post_number": 1, "username": "cat" },
                { "id": 44, "topic_id": 10, "post_number": 1, "username": "dan" },
            ],
            "topics": [
                { "id": 7, "title": "Kitchen", "slug": "kitchen", "category_id": 3, "posts_count": 5 },
                { "id": 8, "title": "Between us", "archetype": "private_message" },
                { "id": 9, "title": "Inside", "category_id": 4, "posts_count": 1 },
            ],
            "grouped_search_result": { "more_full_page_results": true, "error": null },
        });
        let read = || serde_json::from_value::<wire::Results>(results.clone()).expect("results");
        let name = |_: &BoardId| Some("Food".to_owned());
        let all = search_page(read(), 1, None, name, &base());
        assert_eq!(all.hits.iter().map(|hit| hit.title.as_str()).collect::<Vec<_>>(), ["Kitchen", "Inside"]);
        let one = search_page(read(), 2, Some(&BoardId::new("3")), name, &base());
        assert_eq!((one.page, one.pages, one.hits.len()), (2, 3, 1));
        let hit = &one.hits[0];
        assert_eq!(hit.url, "https://talk.example/t/kitchen/7/2");
        assert_eq!(hit.snippet.as_deref(), Some("Salt & pepper..."));
        assert_eq!((hit.author.as_deref(), hit.replies), (Some("ann"), Some(4)));
    }

    #[test]
    fn what_is_nobody_elses_business_is_gone() {
        for changes in
            [json!({ "archetype": "private_message" }), json!({ "deleted_at": "2026-05-02T00:00:00Z" })]
        {
            let outcome = thread_page(topic(changes), 1, &Likers::new(), &base());
            assert!(matches!(outcome, Err(Failure::Gone(_))));
        }
        assert!(matches!(read::<wire::Topic>("<html>"), Err(Failure::Unreadable(_))));
    }

    #[test]
    fn pages_go_by_the_posts_that_the_viewer_sees() {
        let long: Vec<u64> = (100..145).collect();
        let topic = topic(json!({ "post_stream": { "posts": [], "stream": long } }));
        assert_eq!(pages(&topic), 3);
        assert_eq!(page_of(&topic, 119, 999), Some(1));
        assert_eq!(page_of(&topic, 120, 1), Some(2));
        assert_eq!(page_of(&topic, 1, 1), None);
        let huge = self::topic(json!({ "post_stream": { "posts": [] }, "highest_post_number": 41 }));
        assert_eq!((pages(&huge), page_of(&huge, 5, 21)), (3, Some(2)));
    }

    #[test]
    fn walking_a_board_ends() {
        let list = |topics: serde_json::Value, more: Option<&str>| {
            let list = json!({ "topic_list": { "topics": topics, "more_topics_url": more } });
            serde_json::from_value::<wire::TopicList>(list).expect("a list")
        };
        let topics = json!([
            { "id": 7, "title": "Cables", "category_id": 3, "posts_count": 5, "visible": false,
              "last_posted_at": "2026-05-01T11:59:58.123Z" },
            { "id": 8, "title": "Elsewhere", "category_id": 4, "posts_count": 1 },
        ]);
        let board = BoardId::new("3");
        let page = board_page(list(topics.clone(), Some("/c/x/3/l/latest?page=1")), &board, None, 1, &base());
        assert_eq!((page.pages, page.threads.len()), (2, 1), "only the category's own topics");
        assert!(page.threads[0].deleted, "an unlisted topic is for those who were given its address");
        assert_eq!(board_page(list(topics, None), &board, None, 2, &base()).pages, 2);
        assert_eq!(board_page(list(json!([]), None), &board, None, 3, &base()).pages, 2);
    }
}
