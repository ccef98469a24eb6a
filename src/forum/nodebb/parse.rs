//! From NodeBB's answers to the model. Text in, model out; nothing is asked and nothing is kept.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::Url;

use super::links;
use super::wire;
use crate::forum::Failure;
use crate::markup::{Block, Doc, Inline, html, plain, references};
use crate::model::{
    Attachment, Author, Board, BoardId, BoardPage, BoardRef, Found, Member, MemberId, Permissions, Post,
    PostId, SearchPage, SimilarThread, Thanks, Thread, ThreadId, ThreadPage, ThreadSummary, ViewerThanks,
    Visibility,
};

/// How much of a hit's words is shown, in characters.
const SNIPPET: usize = 200;

/// An answer as what it must be.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let what = if text.trim_start().starts_with('<') { "a page" } else { "something else" };
        Failure::Unreadable(format!(
            "the forum answers with {what} in place of what its API should say ({error}); is forums.url the address of a NodeBB?"
        ))
    })
}

/// Who up-voted which posts, where that is known.
pub type Voters = HashMap<String, Vec<Thanks>>;

/// Topics that only some are meant to see: a forum's staff, and who opened them.
fn hidden(topic: &wire::Topic) -> Option<&'static str> {
    if topic.deleted {
        Some("the thread was deleted on the forum")
    } else if topic.scheduled {
        Some("the thread has not appeared on the forum yet")
    } else {
        None
    }
}

/// One page of a topic. Which page it is, the reader of the address knows.
pub fn thread_page(
    topic: wire::Topic,
    page: u32,
    voters: &Voters,
    base: &Url,
) -> Result<ThreadPage, Failure> {
    if let Some(why) = hidden(&topic) {
        return Err(Failure::Gone(why.to_owned()));
    }
    let privileges = &topic.privileges;
    let may_reply = privileges.reply && (!topic.locked || privileges.is_staff);
    let permissions = Permissions {
        post_replies: Some(may_reply),
        edit_posts: Some(privileges.edit),
        ..Permissions::default()
    };
    let pages = pages(&topic);
    let may_vote = privileges.upvote;
    let posts: Vec<Post> =
        topic.posts.into_iter().flatten().map(|found| post(found, may_vote, voters, base)).collect();
    let category = topic.category.map(|category| unescaped(&category.name)).filter(|name| !name.is_empty());
    let thread = Thread {
        url: Some(links::topic(base, &topic.slug, &topic.tid).to_string()),
        title: topic.title_raw.unwrap_or(topic.title),
        id: Some(ThreadId::new(topic.tid)),
        prefix: None,
        board: BoardRef { id: some(topic.cid).map(BoardId::new), name: category },
        closed: Some(topic.locked),
        sticky: Some(topic.pinned),
        page,
        pages,
        first_result: posts.first().and_then(|post| post.number).map(u64::from),
        last_result: posts.last().and_then(|post| post.number).map(u64::from),
        total_results: Some(topic.postcount),
        tags: topic.tags.into_iter().map(|tag| tag.value).collect(),
        reply_allowed: Some(may_reply),
        similar: topic
            .related
            .into_iter()
            .filter(|other| !other.deleted && !other.scheduled)
            .map(|other| similar(other, base))
            .collect(),
        browsing: None,
    };
    Ok(ThreadPage { thread, permissions, posts })
}

/// How many pages a topic has for this viewer.
pub fn pages(topic: &wire::Topic) -> u32 {
    topic.pagination.as_ref().map_or(1, page_count)
}

fn page_count(pagination: &wire::Pagination) -> u32 {
    u32::try_from(pagination.pages).unwrap_or(u32::MAX).max(1)
}

fn post(found: wire::Post, may_vote: bool, voters: &Voters, base: &Url) -> Post {
    let url = links::post(base, &found.pid).to_string();
    let body = if found.deleted { Doc::default() } else { body(&found.content, &url, base) };
    Post {
        number: found.index.map(|index| index + 1),
        title: None,
        posted_at: moment(found.timestamp),
        posted_text: moment(found.timestamp).map(|at| at.to_string()),
        edited_at: moment(found.edited),
        author: author(found.user.as_ref(), &found.uid, base),
        quotes: references::quotes(&body),
        mentions: references::mentions(&body),
        attachments: if found.deleted {
            Vec::new()
        } else {
            found.attachments.into_iter().filter_map(|file| attachment(file, base)).collect()
        },
        thanks: voters.get(&found.pid).cloned().unwrap_or_default(),
        thanks_total: Some(found.upvotes),
        visibility: if found.deleted { Visibility::Deleted } else { Visibility::Shown },
        viewer_thanks: if found.upvoted {
            ViewerThanks::Given
        } else if may_vote && !found.own {
            ViewerThanks::Possible
        } else {
            ViewerThanks::Unknown
        },
        id: PostId::new(found.pid),
        body,
        url,
    }
}

fn body(content: &str, url: &str, base: &Url) -> Doc {
    html::read_fragment(content, base).unwrap_or_else(|_| {
        let content = vec![Inline::Text("This post can only be read on the forum.".to_owned())];
        Doc { blocks: vec![Block::Paragraph(vec![Inline::Link { url: url.to_owned(), content }])] }
    })
}

fn attachment(file: wire::Attachment, base: &Url) -> Option<Attachment> {
    let url = base.join(&file.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    Some(Attachment {
        name: file.name.filter(|name| !name.is_empty()).unwrap_or_else(|| last.to_owned()),
        image: file.media_type.is_some_and(|kind| kind.starts_with("image/")),
        size: None,
        url: url.to_string(),
    })
}

/// Guests, and members who are gone, have the id 0, and for a name what themes translate.
fn author(user: Option<&wire::User>, uid: &str, base: &Url) -> Author {
    let user = user.cloned().unwrap_or_default();
    let id = some(user.uid).filter(|id| !matches!(id.as_str(), "0" | "-1" | "-2"));
    let name = match user.username.as_str() {
        "[[global:guest]]" | "" if uid == "0" => "Guest".to_owned(),
        "[[global:former-user]]" | "[[global:guest]]" | "" => "deleted member".to_owned(),
        name => unescaped(name),
    };
    Author {
        guest: id.is_none(),
        id: id.map(MemberId::new),
        name,
        title: user.groups.first().map(|group| unescaped(&group.title)).filter(|title| !title.is_empty()),
        avatar_url: face(user.picture.as_deref(), base),
        posts: user.postcount,
        ..Author::default()
    }
}

fn face(picture: Option<&str>, base: &Url) -> Option<String> {
    let picture = picture.filter(|picture| !picture.is_empty())?;
    base.join(picture).ok().map(|url| url.to_string())
}

/// Members who up-voted a post, as thanks. When they did NodeBB does not tell.
pub fn thanks(voters: wire::Voters) -> Vec<Thanks> {
    let member = |user: wire::User| Thanks {
        name: unescaped(&user.username),
        member_id: some(user.uid).map(MemberId::new),
        on: None,
    };
    voters.upvoters.into_iter().map(member).collect()
}

/// The same where only names are shown.
pub fn thanks_by_name(voters: wire::Upvoters) -> Vec<Thanks> {
    let member = |name: String| Thanks { name: unescaped(&name), member_id: None, on: None };
    voters.usernames.into_iter().map(member).collect()
}

/// A category's own topics; what was only cross-posted into it belongs to its own.
pub fn board_page(list: wire::CategoryPage, page: u32, base: &Url) -> BoardPage {
    let own = |topic: &wire::Listed| topic.cid == list.cid;
    BoardPage {
        board: BoardRef { id: Some(BoardId::new(list.cid.clone())), name: some(unescaped(&list.name)) },
        page,
        pages: list.pagination.as_ref().map_or(1, page_count),
        threads: list
            .topics
            .into_iter()
            .flatten()
            .filter(own)
            .map(|topic| ThreadSummary {
                url: links::topic(base, &topic.slug, &topic.tid).to_string(),
                id: ThreadId::new(topic.tid),
                prefix: None,
                author: topic.user.map(|user| unescaped(&user.username)),
                replies: Some(topic.postcount.saturating_sub(1)),
                // Lists can be set to show a topic's first post, or its last that the viewer has not blocked: so the
                // exact time of the last one tells of news.
                last_post_id: None,
                last_post_at: moment(topic.lastposttime),
                last_post_by: topic
                    .teaser
                    .and_then(|teaser| teaser.user)
                    .map(|user| unescaped(&user.username)),
                sticky: topic.pinned,
                closed: topic.locked,
                moved: false,
                deleted: topic.deleted || topic.scheduled,
                title: topic.title_raw.unwrap_or(topic.title),
            })
            .collect(),
        boards: boards(list.children, base),
    }
}

/// Categories that hold topics, those inside others after them.
pub fn boards(categories: Vec<wire::Category>, base: &Url) -> Vec<Board> {
    let mut boards = Vec::new();
    let mut left = categories;
    left.reverse();
    while let Some(mut category) = left.pop() {
        let mut inside = std::mem::take(&mut category.children);
        inside.reverse();
        left.extend(inside);
        // What came by federation and belongs nowhere has a number below 0.
        let real = !category.cid.is_empty() && category.cid != "0" && !category.cid.starts_with('-');
        if !real || category.disabled || !category.link.is_empty() {
            continue;
        }
        boards.push(Board {
            url: Some(links::category(base, &category.slug, &category.cid).to_string()),
            name: unescaped(&category.name),
            parent: some(category.parent).filter(|parent| parent != "0").map(BoardId::new),
            id: BoardId::new(category.cid),
        });
    }
    boards
}

fn similar(topic: wire::Listed, base: &Url) -> SimilarThread {
    SimilarThread {
        url: links::topic(base, &topic.slug, &topic.tid).to_string(),
        id: Some(ThreadId::new(topic.tid)),
        author: topic.user.map(|user| unescaped(&user.username)),
        board: None,
        replies: Some(topic.postcount.saturating_sub(1)),
        last_post_at: moment(topic.lastposttime),
        title: topic.title_raw.unwrap_or(topic.title),
    }
}

pub fn search_page(results: wire::Results, page: u32, base: &Url) -> SearchPage {
    let hits = results.posts.into_iter().filter(|hit| !hit.deleted && !hit.topic.deleted);
    SearchPage {
        page,
        pages: u32::try_from(results.pages).unwrap_or(u32::MAX).max(1),
        total: Some(results.total),
        hits: hits.map(|hit| found(hit, base)).collect(),
    }
}

fn found(hit: wire::Hit, base: &Url) -> Found {
    let url = links::post(base, &hit.pid).to_string();
    let words = plain::text(&body(&hit.content, &url, base));
    Found {
        thread: Some(ThreadId::new(hit.topic.tid)),
        post: Some(PostId::new(hit.pid)),
        title: hit.topic.title_raw.unwrap_or(hit.topic.title),
        author: hit.user.map(|user| unescaped(&user.username)),
        board: hit.category.map_or_else(BoardRef::default, |category| BoardRef {
            id: some(category.cid).map(BoardId::new),
            name: some(unescaped(&category.name)),
        }),
        at: moment(hit.timestamp),
        snippet: some(words.chars().take(SNIPPET).collect()),
        replies: None,
        url,
    }
}

pub fn member(profile: wire::Profile, base: &Url) -> Result<Member, Failure> {
    // Of an id that nobody has NodeBB tells as of a member who is gone.
    if profile.uid == "0" || profile.uid.is_empty() {
        return Err(Failure::Gone("the forum has no such member".to_owned()));
    }
    let day = |moment: Option<String>| moment.and_then(|text| Some(text.split_once('T')?.0.to_owned()));
    let mut fields = Vec::new();
    let named = [("Full name", &profile.fullname), ("Website", &profile.website)];
    fields.extend(
        named.into_iter().filter(|(_, it)| !it.is_empty()).map(|(name, it)| (name.to_owned(), unescaped(it))),
    );
    fields.extend(profile.reputation.map(|number| ("Reputation".to_owned(), number.to_string())));
    Ok(Member {
        name: unescaped(&profile.username),
        url: Some(links::path(base, &["user", &profile.userslug]).to_string())
            .filter(|_| !profile.userslug.is_empty()),
        title: None,
        avatar_url: face(profile.picture.as_deref(), base),
        joined: day(profile.joined),
        last_active: day(profile.last_online),
        location: some(unescaped(&profile.location)),
        posts: profile.postcount,
        id: Some(MemberId::new(profile.uid)),
        fields,
        ..Member::default()
    })
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Names are escaped for pages until 4.14, and as they are afterwards; in neither is an entity meant as one.
pub fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 10] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2F;", "/"),
        ("&#x5C;", "\\"),
        ("&#96;", "`"),
        ("&#44;", ","),
        // The last, or it would make others.
        ("&amp;", "&"),
    ];
    if !text.contains('&') {
        return text.to_owned();
    }
    ENTITIES.iter().fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

fn moment(milliseconds: u64) -> Option<Timestamp> {
    let milliseconds = i64::try_from(milliseconds).ok().filter(|it| *it > 0)?;
    Timestamp::from_millisecond(milliseconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base() -> Url {
        Url::parse("https://talk.example/forum/").expect("an address")
    }

    fn listed(tid: u64, more: serde_json::Value) -> serde_json::Value {
        let mut topic = json!({
            "tid": tid, "cid": 2, "title": "A &amp; B", "titleRaw": "A & B", "slug": format!("{tid}/a-b"),
            "postcount": 5, "lastposttime": 1_767_350_100_000_u64, "deleted": 0, "locked": 0, "pinned": 0,
            "scheduled": false, "user": { "uid": 3, "username": "ann" },
            "teaser": { "pid": 9, "user": { "uid": 4, "username": "O&#x27;Bo" } },
        });
        if let (Some(topic), serde_json::Value::Object(more)) = (topic.as_object_mut(), more) {
            topic.extend(more);
        }
        topic
    }

    #[test]
    fn a_category_is_a_list_of_its_own_topics() {
        let list = json!({
            "cid": 2, "name": "Making &amp; Mending", "loggedIn": true, "children": [{ "cid": 8, "name": "Inner" }],
            "topics": [
                listed(7, json!({ "pinned": 1, "locked": true })),
                listed(8, json!({ "deleted": 1, "title": "[[topic:topic-is-deleted]]", "slug": 8, "teaser": null })),
                null,
                listed(9, json!({ "cid": 5 })),
                listed(10, json!({ "titleRaw": null, "title": "A & <b>" })),
            ],
            "pagination": { "currentPage": 1, "pageCount": 3 },
        });
        let page = board_page(read(&list.to_string()).expect("a list"), 1, &base());
        assert_eq!((page.pages, page.board.name.as_deref()), (3, Some("Making & Mending")));
        let ids: Vec<&str> = page.threads.iter().map(|thread| thread.id.as_str()).collect();
        assert_eq!(ids, ["7", "8", "10"], "what was cross-posted belongs to its own category");
        let first = &page.threads[0];
        assert!(first.sticky && first.closed && !first.deleted && page.threads[1].deleted);
        assert_eq!((first.title.as_str(), page.threads[2].title.as_str()), ("A & B", "A & <b>"));
        assert_eq!((first.replies, first.last_post_by.as_deref()), (Some(4), Some("O'Bo")));
        assert_eq!(first.url, "https://talk.example/forum/topic/7/a-b");
        assert!(first.last_post_id.is_none() && first.marker().contains("/@1767350100000/"));
        assert_eq!(page.boards.len(), 1);
    }

    #[test]
    fn only_categories_that_hold_topics_are_boards() {
        let list = json!([
            { "cid": -1, "name": "[[category:uncategorized]]", "slug": "../world" },
            { "cid": 1, "name": "News", "slug": "1/news", "parentCid": 0, "children": [
                { "cid": 3, "name": "Old news", "slug": "3/old", "parentCid": 1 } ] },
            { "cid": 2, "name": "Elsewhere", "link": "https://elsewhere.example/" },
            { "cid": 4, "name": "Closed", "disabled": 1 },
        ]);
        let boards = boards(serde_json::from_value(list).expect("categories"), &base());
        let shown: Vec<_> =
            boards.iter().map(|it| (it.id.as_str(), it.parent.as_ref().map(BoardId::as_str))).collect();
        assert_eq!(shown, [("1", None), ("3", Some("1"))]);
    }

    #[test]
    fn what_is_not_for_everybody_is_gone() {
        for more in [json!({ "deleted": 1 }), json!({ "scheduled": true })] {
            let mut topic = listed(7, more);
            topic["posts"] = json!([]);
            let topic = read(&topic.to_string()).expect("a topic");
            assert!(matches!(thread_page(topic, 1, &Voters::new(), &base()), Err(Failure::Gone(_))));
        }
        assert!(matches!(read::<wire::Topic>("<html>"), Err(Failure::Unreadable(_))));
    }
}
