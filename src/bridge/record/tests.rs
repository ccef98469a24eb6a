use std::collections::HashMap;

use super::*;
use crate::config::{Layout, Replies, Scope};
use crate::discord::{Channel, ChannelKind};
use crate::markup::Doc;
use crate::model::{Author, BoardId, BoardRef, ChannelId, Permissions, Thread, UserId, ViewerThanks};
use crate::store::{Bridge, BridgeId};

fn tie(id: i64, start: Start, baseline: &str) -> Arc<Tie> {
    let bridge = Bridge {
        id: BridgeId(id),
        forum: ForumKey::new("edu"),
        scope: Scope::Board(BoardId::new("3")),
        channel: ChannelId(70),
        layout: Layout::Auto,
        replies: Replies::Everyone,
        thanks: Vec::new(),
        start,
        from_file: true,
        paused: false,
        baseline: Some(PostId::new(baseline)),
        guild: None,
        baseline_at: None,
    };
    let channel = Channel {
        id: ChannelId(70),
        guild: None,
        kind: ChannelKind::Forum,
        name: "staffroom".to_owned(),
        parent: None,
        tags: Vec::new(),
        requires_tag: false,
        archived: false,
        locked: false,
        owner: None,
        last_message: None,
    };
    Arc::new(Tie::new(bridge, channel))
}

fn post(id: u32, number: u32) -> Post {
    Post {
        id: PostId::new(id.to_string()),
        url: format!("https://forum.example/showthread.php?p={id}"),
        number: Some(number),
        title: None,
        posted_at: None,
        posted_text: None,
        edited_at: None,
        author: Author { name: "Ann".to_owned(), ..Author::default() },
        body: Doc::text(format!("words {id}")),
        quotes: Vec::new(),
        mentions: Vec::new(),
        attachments: Vec::new(),
        thanks: Vec::new(),
        thanks_total: None,
        visibility: Visibility::Shown,
        viewer_thanks: ViewerThanks::Unknown,
    }
}

fn page(posts: Vec<Post>) -> ThreadPage {
    ThreadPage {
        thread: Thread {
            title: "Whiteboards".to_owned(),
            board: BoardRef { id: Some(BoardId::new("3")), name: None },
            page: 1,
            pages: 1,
            ..Thread::default()
        },
        permissions: Permissions::default(),
        posts,
    }
}

fn row(post: &Post) -> PostRow {
    PostRow {
        forum: ForumKey::new("edu"),
        post: post.id.clone(),
        thread: ThreadId::new("9"),
        digest: digest(post),
        gone: false,
    }
}

fn known(rows: Vec<PostRow>) -> Known {
    Known {
        posts: rows.into_iter().map(|row| (row.post.clone(), row)).collect(),
        followed: HashMap::new(),
        submissions: HashMap::new(),
        account: None,
        now: 0,
    }
}

fn effects(page: &ThreadPage, ties: &[Arc<Tie>], behind: &[Behind], known: &Known) -> Vec<Effect> {
    let (forum, thread) = (ForumKey::new("edu"), ThreadId::new("9"));
    let reading = Reading {
        forum: &forum,
        thread: &thread,
        page,
        summary: None,
        ties,
        behind,
        marker: "m",
        priority: Priority::Live,
    };
    reading.effects(known).expect("jobs are JSON")
}

/// The keys of the queued jobs, in order, without those that dress a Discord thread.
fn queued(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Enqueue(job) if !job.key.starts_with("dress:") => Some(job.key.as_str()),
            _ => None,
        })
        .collect()
}

fn recorded(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Post(row) => Some(row.post.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn only_posts_after_the_baseline_are_shown() {
    let tie = tie(1, Start::Now, "10");
    let behind = [Behind::new(tie.clone(), None)];
    let effects = effects(&page(vec![post(9, 1), post(11, 2), post(12, 3)]), &[tie], &behind, &known(vec![]));
    assert_eq!(queued(&effects), ["show:1:11", "show:1:12"]);
    assert_eq!(recorded(&effects), ["11", "12"]);
    assert!(effects.iter().any(|effect| matches!(
        effect,
        Effect::Follow(follow) if follow.marker == "m" && follow.last_post == Some(PostId::new("12"))
    )));
}

#[test]
fn newest_brings_over_so_many_of_an_old_thread() {
    let tie = tie(1, Start::Newest(2), "99");
    let unread = Follow {
        bridge: BridgeId(1),
        thread: ThreadId::new("9"),
        marker: String::new(),
        last_post: None,
        last_number: None,
    };
    let behind = [Behind::new(tie.clone(), Some(unread))];
    let effects = effects(&page(vec![post(9, 1), post(11, 2), post(12, 3)]), &[tie], &behind, &known(vec![]));
    assert_eq!(queued(&effects), ["show:1:11", "show:1:12"]);
}

#[test]
fn a_page_before_the_last_leaves_the_thread_unread() {
    let tie = tie(1, Start::All, "99");
    let behind = [Behind { since: Since::Beginning, ..Behind::new(tie.clone(), None) }];
    let mut first = page(vec![post(1, 1)]);
    first.thread.pages = 2;
    let effects = effects(&first, &[tie], &behind, &known(vec![]));
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Follow(follow) if follow.marker.is_empty()))
    );
}

#[test]
fn a_changed_post_is_shown_anew_wherever_it_is_shown() {
    let ties = [tie(1, Start::Now, "0"), tie(2, Start::Now, "0")];
    let before = post(11, 1);
    let after = Post { body: Doc::text("other words"), ..before.clone() };
    let effects = effects(&page(vec![after]), &ties, &[], &known(vec![row(&before)]));
    assert_eq!(queued(&effects), ["edit:1:11", "edit:2:11"]);
}

#[test]
fn thanks_change_a_post_and_an_authors_new_face_does_not() {
    let before = post(11, 1);
    let mut thanked = before.clone();
    thanked.thanks_total = Some(1);
    assert_ne!(digest(&before), digest(&thanked));
    let mut new_face = before.clone();
    new_face.author.avatar_url = Some("https://forum.example/face.png".to_owned());
    assert_eq!(digest(&before), digest(&new_face));
}

#[test]
fn a_soft_deleted_post_is_withdrawn_and_one_that_comes_back_is_shown_again() {
    let ties = [tie(1, Start::Now, "0")];
    let shown = post(11, 1);
    let deleted = Post { visibility: Visibility::Deleted, ..shown.clone() };
    let gone = effects(&page(vec![deleted]), &ties, &[], &known(vec![row(&shown)]));
    assert_eq!(queued(&gone), ["hide:1:11"]);

    let was_gone = PostRow { gone: true, ..row(&shown) };
    let back = effects(&page(vec![shown]), &ties, &[], &known(vec![was_gone]));
    assert_eq!(queued(&back), ["show:1:11"]);
}

#[test]
fn a_reply_from_discord_is_tied_to_its_message_and_shown_only_elsewhere() {
    let ties = [tie(1, Start::Now, "0"), tie(2, Start::Now, "0")];
    let behind: Vec<_> = ties.iter().map(|tie| Behind::new(tie.clone(), None)).collect();
    let mut echoed = post(11, 1);
    echoed.author.name = "Discord Bridge".to_owned();
    echoed.body.blocks.insert(
        0,
        Block::Paragraph(vec![Inline::Link {
            url: "https://discord.com/channels/1/70/555".to_owned(),
            content: vec![Inline::Text("Discord".to_owned())],
        }]),
    );
    let mut known = known(vec![]);
    known.account = Some(Account { id: None, name: "discord bridge".to_owned() });
    assert_eq!(origin_message(&echoed, known.account.as_ref()), Some(MessageId(555)));
    known.submissions.insert(
        MessageId(555),
        Submission {
            message: MessageId(555),
            bridge: BridgeId(1),
            thread: ThreadId::new("9"),
            channel: ChannelId(71),
            author: UserId(8),
            post: None,
            state: SubmissionState::Queued,
            digest: 0,
        },
    );
    let effects = effects(&page(vec![echoed.clone()]), &ties, &behind, &known);
    assert_eq!(queued(&effects), ["show:2:11"]);
    assert!(effects.iter().any(|effect| matches!(
        effect,
        Effect::Part(part) if part.message == MessageId(555) && part.origin == Origin::Discord
    )));

    let stranger = Account { id: None, name: "Somebody Else".to_owned() };
    assert_eq!(origin_message(&echoed, Some(&stranger)), None, "a link alone proves nothing");
}

#[test]
fn order_is_by_id_and_by_place_where_ids_are_no_numbers() {
    let spot = |id: &str, number, at| Spot {
        post: Some(PostId::new(id)).filter(|id| !id.as_str().is_empty()),
        number,
        at,
    };
    for (post, seen, after) in [
        (spot("10", None, None), spot("9", None, None), true),
        (spot("9", Some(5), Some(50)), spot("10", Some(4), Some(40)), false),
        (spot("https://a/1", Some(5), None), spot("https://b/2", Some(4), None), true),
        (spot("https://a/1", Some(5), Some(39)), spot("10", None, Some(40)), false),
        (spot("", None, Some(41)), spot("10", None, Some(40)), true),
        (spot("", None, Some(40)), spot("10", None, Some(40)), false),
        (spot("1", None, None), Spot::default(), true),
        (spot("", None, None), Spot::default(), true),
        (spot("https://a/1", None, None), spot("https://a/1", None, None), false),
    ] {
        assert_eq!(post.is_after(&seen), after, "{post:?} {seen:?}");
    }
}

#[test]
fn what_appears_within_what_was_followed_is_not_history() {
    let followed =
        |after: Option<&str>, to: &str| Followed { after: after.map(PostId::new), to: PostId::new(to) };
    for (after, to, post, holds) in [
        (Some("10"), "20", "15", true),
        (Some("10"), "20", "10", false),
        (Some("10"), "20", "9", false),
        // Newer ones are news, and read in their order.
        (Some("10"), "20", "21", false),
        (Some(""), "20", "3", true),
        (None, "20", "15", false),
        (Some("10"), "20", "fifteen", false),
    ] {
        assert_eq!(followed(after, to).holds(&PostId::new(post)), holds, "{after:?} {to} {post}");
    }
}
