//! What is remembered: together or not at all, once, and in little room.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use threadbridge::clock::ManualClock;
use threadbridge::config::{BridgeConfig, Layout, Scope, Start};
use threadbridge::model::{BoardId, ChannelId, ForumKey, MemberId, MessageId, ThreadId, UserId};
use threadbridge::store::history::What;
use threadbridge::store::{
    self, BridgeId, Effect, Finish, Follow, Millis, Origin, Part, PostRow, Reaction, Room, Submission,
    SubmissionState, Thanked, ThreadRow,
};

use super::{Place, board_bridge, claim, drain, each, edu, enqueue, job, nothing_due, post, settle};

#[tokio::test]
async fn what_is_written_is_read_back() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = store.sync_bridges(&[board_bridge("12", 100)]).await.unwrap().remove(0).id;
        let thread = ThreadId::new("7");
        let follow = Follow {
            bridge,
            thread: thread.clone(),
            marker: String::new(),
            last_post: Some(post("41")),
            last_number: Some(2),
        };
        let board = Some(BoardId::new("12"));
        let row = ThreadRow { forum: edu(), thread: thread.clone(), board, title: "Привет 50%".into() };
        let known =
            PostRow { forum: edu(), post: post("41"), thread: thread.clone(), digest: -5, gone: false };
        let part = Part {
            bridge,
            post: post("41"),
            part: 1,
            channel: ChannelId(200),
            message: MessageId(1 << 60),
            digest: i64::MIN,
            origin: Origin::Forum,
        };
        let first = Part { part: 0, message: MessageId(5), origin: Origin::Discord, ..part.clone() };
        let room = Room { bridge, thread: thread.clone(), channel: ChannelId(200), digest: 9 };
        let submission = Submission {
            message: MessageId(5),
            bridge,
            thread: thread.clone(),
            channel: ChannelId(200),
            author: UserId(77),
            member: None,
            post: None,
            state: SubmissionState::Queued,
            digest: 3,
        };
        let by_bridge = Thanked { forum: edu(), post: post("41"), by: None };
        let by_member = Thanked { by: Some((MemberId::new("8"), UserId(77))), ..by_bridge.clone() };
        let emoji = "🙏".to_owned();
        let reaction = Reaction { bridge, post: post("41"), message: MessageId(5), user: UserId(1), emoji };
        let effects = vec![
            Effect::Baseline { bridge, post: post("40"), at: Some(1_700_000_000_000) },
            Effect::Follow(follow.clone()),
            Effect::Thread(row.clone()),
            Effect::Post(known.clone()),
            Effect::Part(part.clone()),
            Effect::Part(first.clone()),
            Effect::Room(room.clone()),
            Effect::Submission(submission.clone()),
            Effect::Reaction(reaction.clone()),
            Effect::Reaction(reaction.clone()),
            Effect::Thanked(by_bridge.clone()),
            Effect::Thanked(by_member.clone()),
        ];
        assert!(store.apply(None, effects).await.unwrap());

        let bridges = store.bridges().await.unwrap();
        assert_eq!(bridges[0].baseline, Some(post("40")));
        assert_eq!(bridges[0].baseline_at, Some(1_700_000_000_000));
        let asked = [ThreadId::new("6"), thread.clone()];
        assert_eq!(store.follows(bridge, &asked).await.unwrap(), std::slice::from_ref(&follow));
        assert_eq!(store.unread(bridge, 5).await.unwrap(), std::slice::from_ref(&follow));
        assert_eq!(store.thread(&edu(), &thread).await.unwrap(), Some(row));
        for (words, found) in [("прив", 1), ("ПРИВЕТ", 1), ("50%", 1), ("5_%", 0), ("", 1), ("nothing", 0)]
        {
            assert_eq!(store.threads_like(&edu(), words, 5).await.unwrap().len(), found, "{words}");
        }
        assert_eq!(
            store.posts(&edu(), &[post("1"), post("41")]).await.unwrap(),
            std::slice::from_ref(&known)
        );
        assert_eq!(store.posts(&ForumKey::new("other"), &[post("41")]).await.unwrap(), []);
        assert_eq!(store.thread_posts(&edu(), &thread).await.unwrap(), [known]);
        assert_eq!(store.parts(bridge, &post("41")).await.unwrap(), [first.clone(), part.clone()]);
        assert_eq!(store.part_of_message(part.message).await.unwrap(), Some(part.clone()));
        assert_eq!(store.last_parts(bridge, ChannelId(200), 5).await.unwrap(), [part]);
        assert_eq!(store.room(bridge, &thread).await.unwrap(), Some(room.clone()));
        assert_eq!(store.room_of_channel(ChannelId(200)).await.unwrap(), Some(room.clone()));
        assert_eq!(store.rooms(bridge).await.unwrap(), [room]);
        assert_eq!(store.submission(MessageId(5)).await.unwrap(), Some(submission.clone()));
        let after = async |message| store.submissions(bridge, ChannelId(200), message).await.unwrap();
        assert_eq!(after(MessageId(4)).await, std::slice::from_ref(&submission));
        assert_eq!(after(MessageId(5)).await, []);
        assert_eq!(store.reactions(&edu(), &post("41")).await.unwrap(), std::slice::from_ref(&reaction));
        assert_eq!(store.reactions_on(MessageId(5)).await.unwrap(), [reaction]);
        assert_eq!(store.thanked(&edu(), &post("41")).await.unwrap(), [by_bridge, by_member.clone()]);

        // Whoever edits it says what is to be sent, as long as it is not on its way.
        let resubmit = |digest| vec![Effect::Resubmit { message: MessageId(5), digest }];
        store.apply(None, resubmit(4)).await.unwrap();
        let submission = Submission { digest: 4, ..submission };
        assert_eq!(store.submission(MessageId(5)).await.unwrap(), Some(submission.clone()));
        for state in [SubmissionState::Sending, SubmissionState::Posted] {
            let taken = Submission { state, ..submission.clone() };
            store.apply(None, vec![Effect::Submission(taken.clone())]).await.unwrap();
            store.apply(None, resubmit(6)).await.unwrap();
            assert_eq!(store.submission(MessageId(5)).await.unwrap(), Some(taken));
        }
        let posted = Submission { post: Some(post("42")), state: SubmissionState::Posted, ..submission };
        let effects = vec![
            Effect::Follow(Follow { marker: "m".into(), ..follow }),
            Effect::PostGone { forum: edu(), post: post("41") },
            Effect::Submission(posted.clone()),
            Effect::Unthanked { forum: edu(), post: post("41"), member: None },
            Effect::DropReactions { message: MessageId(5), emoji: Some("👍".into()) },
            Effect::DropParts { bridge, post: post("41"), from: 1 },
        ];
        store.apply(None, effects).await.unwrap();
        assert_eq!(store.unread(bridge, 5).await.unwrap(), []);
        assert_eq!(store.thread_posts(&edu(), &thread).await.unwrap(), []);
        assert!(store.posts(&edu(), &[post("41")]).await.unwrap()[0].gone);
        assert_eq!(store.submission(MessageId(5)).await.unwrap(), Some(posted));
        assert_eq!(store.thanked(&edu(), &post("41")).await.unwrap(), [by_member]);
        assert_eq!(store.reactions_on(MessageId(5)).await.unwrap().len(), 1);
        assert_eq!(store.parts(bridge, &post("41")).await.unwrap(), std::slice::from_ref(&first));

        let effects = vec![
            Effect::DropReactions { message: MessageId(5), emoji: None },
            Effect::DropRoom { bridge, thread: thread.clone() },
        ];
        store.apply(None, effects).await.unwrap();
        assert_eq!(store.reactions_on(MessageId(5)).await.unwrap(), []);
        // It was shown, and stays away.
        let gone = Part { digest: Part::REMOVED, ..first };
        assert_eq!(store.parts(bridge, &post("41")).await.unwrap(), [gone]);
        assert_eq!(store.room(bridge, &thread).await.unwrap(), None);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn effects_take_hold_together_or_not_at_all() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = BridgeId(1);
        let room = |thread: &str| {
            Effect::Room(Room { bridge, thread: ThreadId::new(thread), channel: ChannelId(5), digest: 0 })
        };
        let mark = Effect::Watermark { channel: ChannelId(5), message: MessageId(9) };
        // A Discord thread can't show two forum threads, so the last effect fails.
        let effects = vec![mark.clone(), Effect::Enqueue(job("a", "a1")), room("1"), room("2")];
        assert!(store.apply(Some("event"), effects).await.is_err());
        assert_eq!(store.watermark(ChannelId(5)).await.unwrap(), None);
        assert_eq!(store.room(bridge, &ThreadId::new("1")).await.unwrap(), None);
        assert!(nothing_due(&*store).await);
        assert!(store.apply(Some("event"), vec![mark]).await.unwrap(), "the name was not used up");

        enqueue(&*store, [job("a", "a1")]).await;
        let held = claim(&*store).await;
        assert!(store.settle(&held, vec![room("1"), room("2")], Finish::Done).await.is_err());
        assert_eq!(store.room(bridge, &ThreadId::new("1")).await.unwrap(), None);
        settle(&*store, &held, Finish::Retry { at: 0, reason: "again".into() }).await;
        assert_eq!(claim(&*store).await.key, "a1");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_repeated_event_changes_nothing() {
    each(async |place: Place| {
        let store = place.open().await;
        assert!(store.apply(Some("m:1"), vec![Effect::Enqueue(job("a", "a1"))]).await.unwrap());
        assert!(!store.apply(Some("m:1"), vec![Effect::Enqueue(job("a", "a2"))]).await.unwrap());
        assert_eq!(drain(&*store).await, ["a1"]);
        store.close().await;
        let store = place.open().await;
        assert!(!store.apply(Some("m:1"), vec![]).await.unwrap(), "it is known after a restart");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn old_event_names_are_forgotten_after_a_month() {
    each(async |place: Place| {
        let month: Millis = 31 * 24 * 3_600_000;
        let store = place.open().await;
        let now = store.now().await.unwrap();
        store.apply(Some("old"), vec![]).await.unwrap();
        store.apply(Some("young"), vec![]).await.unwrap();
        store.close().await;
        place.run(format!("UPDATE once SET at = {} WHERE name = 'old'", now - month)).await;
        let store = place.open().await;
        assert!(store.apply(Some("old"), vec![]).await.unwrap());
        assert!(!store.apply(Some("young"), vec![]).await.unwrap());
        if place.sqlite {
            // The same while it runs, without a restart.
            place.clock.advance(Duration::from_millis(month.unsigned_abs()));
            assert!(store.apply(Some("something"), vec![]).await.unwrap());
            assert!(store.apply(Some("young"), vec![]).await.unwrap());
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn watermarks_never_move_back() {
    each(async |place: Place| {
        let store = place.open().await;
        for (set, expected) in [(5, 5), (9, 9), (7, 9)] {
            let mark = Effect::Watermark { channel: ChannelId(1), message: MessageId(set) };
            store.apply(None, vec![mark]).await.unwrap();
            assert_eq!(store.watermark(ChannelId(1)).await.unwrap(), Some(MessageId(expected)));
        }
        assert_eq!(store.watermark(ChannelId(2)).await.unwrap(), None);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_bridge_keeps_its_id_while_it_stays_the_same() {
    each(async |place: Place| {
        let store = place.open().await;
        let first = store.sync_bridges(&[board_bridge("12", 1), board_bridge("13", 2)]).await.unwrap();
        let room =
            Room { bridge: first[0].id, thread: ThreadId::new("7"), channel: ChannelId(50), digest: 0 };
        let other = Room { bridge: first[1].id, channel: ChannelId(51), ..room.clone() };
        store.apply(None, vec![Effect::Room(room.clone()), Effect::Room(other)]).await.unwrap();

        let changed = BridgeConfig { layout: Layout::Feed, start: Start::Newest(5), ..board_bridge("12", 1) };
        let thread = BridgeConfig { scope: Scope::Thread(ThreadId::new("12")), ..board_bridge("", 1) };
        let second = store.sync_bridges(&[thread.clone(), changed]).await.unwrap();
        assert_eq!(second.len(), 2);
        assert_eq!((second[0].id, second[0].layout), (first[0].id, Layout::Feed));
        assert_eq!(second[0].start, Start::Newest(5));
        assert_eq!(second[1].scope, thread.scope);
        assert!(second.iter().all(|bridge| bridge.from_file && !bridge.paused));
        assert!(first.iter().all(|bridge| bridge.id != second[1].id), "an id is not used again");
        assert_eq!(store.room_of_channel(ChannelId(50)).await.unwrap(), Some(room));
        assert_eq!(store.room_of_channel(ChannelId(51)).await.unwrap(), None, "it went with its bridge");
        assert_eq!(store.bridges().await.unwrap(), second);
        store.close().await;
    })
    .await;
}

/// Hobby servers are small, and forums have millions of posts.
#[tokio::test]
async fn a_mirrored_post_takes_at_most_300_bytes() {
    const POSTS: u64 = 4_000;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let place = Place {
        url: format!("sqlite://{}", file.display()),
        clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
        sqlite: true,
    };
    let store = place.open().await;
    let bridge = store.sync_bridges(&[board_bridge("12", 1)]).await.unwrap().remove(0).id;
    store.close().await;
    let empty = std::fs::metadata(&file).unwrap().len();
    let store = place.open().await;
    let mut effects = Vec::new();
    for number in 0..POSTS {
        // A busy board: posts of forty threads come in turn.
        let (id, thread) =
            (post(&(2_345_678 + number).to_string()), ThreadId((134_567 + number % 40).to_string()));
        let digest = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).cast_signed();
        effects.push(Effect::Post(PostRow { forum: edu(), post: id.clone(), thread, digest, gone: false }));
        effects.push(Effect::Part(Part {
            bridge,
            post: id,
            part: 0,
            channel: ChannelId(1_122_334_455_667_788_990 + number % 40),
            message: MessageId(1_122_334_466_667_788_990 + (number << 30)),
            digest: !digest,
            origin: Origin::Forum,
        }));
    }
    store.apply(None, effects).await.unwrap();
    store.close().await;
    let each = (std::fs::metadata(&file).unwrap().len() - empty) / POSTS;
    println!("{each} bytes for each mirrored post");
    assert!(each <= 300, "{each} bytes");
}

#[tokio::test]
async fn what_somebody_deleted_in_discord_is_told_from_what_the_bridge_takes_away() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = store.sync_bridges(&[board_bridge("12", 100)]).await.unwrap().remove(0).id;
        let part = |id: &str, message: u64, digest: i64| Part {
            bridge,
            post: post(id),
            part: 0,
            channel: ChannelId(200),
            message: MessageId(message),
            digest,
            origin: Origin::Forum,
        };
        let row = |id: &str| {
            let thread = ThreadId::new("7");
            Effect::Post(PostRow { forum: edu(), post: post(id), thread, digest: 1, gone: false })
        };
        let own = Part { origin: Origin::Discord, ..part("12", 4, 0) };
        let all = [part("9", 1, 5), part("10", 2, Part::LEAVING), part("11", 3, 5), own];
        let mut effects: Vec<Effect> = all.iter().cloned().map(Effect::Part).collect();
        effects.extend(["9", "10", "11", "12"].map(row));
        let hide = format!("hide:{}:11", bridge.0);
        effects.push(Effect::Enqueue(job("d:1", &hide)));
        effects.extend((1..=5).map(|message| Effect::Removed { message: MessageId(message) }));
        store.apply(None, effects).await.unwrap();
        // The second is on its way out, the third is about to be, the fourth is a person's own.
        let digests: Vec<i64> = store
            .parts_after(ChannelId(200), MessageId(0), 10)
            .await
            .unwrap()
            .iter()
            .map(|part| part.digest)
            .collect();
        assert_eq!(digests, [Part::REMOVED, Part::LEAVING, 5, 0]);
        let told = store.history(&edu(), &post("9")).await.unwrap();
        assert_eq!(
            told.iter().map(|it| (it.bridge, it.what)).collect::<Vec<_>>(),
            [(Some(bridge), What::Removed)]
        );
        assert!(store.history(&edu(), &post("11")).await.unwrap().is_empty());

        let after = store.parts_after(ChannelId(200), MessageId(1), 2).await.unwrap();
        assert_eq!(after.iter().map(|part| part.message.0).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(store.places(bridge).await.unwrap(), [ChannelId(200)]);
        let first =
            async |thread: &str| store.first_shown(bridge, &edu(), &ThreadId::new(thread)).await.unwrap();
        assert_eq!(first("7").await, Some(post("9")), "by number, not by letter");
        assert_eq!(first("8").await, None);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn others_can_look_and_write_beside_whoever_has_the_database() {
    each(async |place: Place| {
        let early =
            store::open_to_read(&place.url, place.clock.clone()).await.err().expect("nothing is there");
        assert!(early.to_string().contains("no bridge has used this database yet"), "{early}");
        let held = place.open().await;
        let beside = store::open_beside(&place.url, place.clock.clone()).await.unwrap();
        enqueue(&*beside, [job("d:1", "show:1:9")]).await;
        assert_eq!(drain(&*held).await, ["show:1:9"]);
        let reader = store::open_to_read(&place.url, place.clock.clone()).await.unwrap();
        assert!(reader.bridges().await.unwrap().is_empty());
        for store in [reader, beside, held] {
            store.close().await;
        }
    })
    .await;
}
