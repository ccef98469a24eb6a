//! Who thanked, who is linked, what happened to a post, and bridges that are made while the process runs.

use threadbridge::config::Start;
use threadbridge::model::{BoardId, GuildId, MemberId, MessageId, PostId, Thanks, ThreadId, UserId};
use threadbridge::store::history::{Happened, What};
use threadbridge::store::links::{Asked, Link, NewCode, Tried, WINDOW};
use threadbridge::store::people::Credit;
use threadbridge::store::{BridgeId, Effect, PostRow, Reaction, StoreError, ThreadRow};

use super::{NewJob, Place, board_bridge, claim, each, edu, enqueue, job, park, post, settle};

const HOUR: u64 = 3_600_000;

/// Nothing follows from a link.
pub fn nothing(_: &Link) -> Result<Vec<Effect>, StoreError> {
    Ok(Vec::new())
}

fn thanks(name: &str, day: Option<&str>) -> Thanks {
    Thanks { name: name.to_owned(), member_id: None, on: day.map(|day| day.parse().unwrap()) }
}

fn credit(id: &str, author: &str, thanks: Vec<Thanks>) -> Effect {
    Effect::Credit(Credit {
        forum: edu(),
        post: post(id),
        author: author.to_owned(),
        member: Some(MemberId::new(author.to_lowercase())),
        thanks,
    })
}

/// A post on a board, in a thread of that board's number.
fn known(id: &str, board: &str) -> [Effect; 2] {
    let thread = ThreadId::new(format!("t{board}"));
    [
        Effect::Thread(ThreadRow {
            forum: edu(),
            thread: thread.clone(),
            board: Some(BoardId::new(board)),
            title: "A".to_owned(),
        }),
        Effect::Post(PostRow { forum: edu(), post: post(id), thread, digest: 1, gone: false }),
    ]
}

#[tokio::test]
async fn thanks_are_counted_by_board_side_and_time() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = store.sync_bridges(&[board_bridge("12", 1)]).await.unwrap().remove(0).id;
        let mut effects: Vec<Effect> =
            [known("1", "12"), known("2", "13"), known("3", "12")].into_iter().flatten().collect();
        effects.push(credit(
            "1",
            "Ann",
            vec![thanks("Bob", Some("2026-04-30")), thanks("Cleo", Some("2026-01-01")), thanks("Dee", None)],
        ));
        effects.push(credit("2", "Ann", vec![thanks("Bob", Some("2026-05-01"))]));
        effects.push(credit("3", "Bob", vec![thanks("Ann", Some("2026-05-01"))]));
        let reaction = |message, user, id: &str, emoji: &str| {
            Effect::Reaction(Reaction {
                bridge,
                post: post(id),
                message: MessageId(message),
                user: UserId(user),
                emoji: emoji.to_owned(),
            })
        };
        // One person with two emoji thanks once.
        effects.extend([reaction(1, 7, "1", "🙏"), reaction(1, 7, "1", "👍"), reaction(1, 8, "1", "🙏")]);
        store.apply(None, effects).await.unwrap();

        let sum = |tallies: Vec<threadbridge::store::people::Tally>| {
            let mut told: Vec<_> = tallies
                .into_iter()
                .map(|it| format!("{}:{}={}", it.board.unwrap().0, it.author, it.count))
                .collect();
            told.sort();
            told
        };
        let ever = store.thanks_on_forum(&edu(), None).await.unwrap();
        assert_eq!(sum(ever), ["12:Ann=3", "12:Bob=1", "13:Ann=1"]);
        let lately = store.thanks_on_forum(&edu(), Some("2026-04-24")).await.unwrap();
        assert_eq!(sum(lately), ["12:Ann=1", "12:Bob=1", "13:Ann=1"]);
        let now = store.now().await.unwrap();
        assert_eq!(sum(store.thanks_in_discord(&edu(), now - 1000).await.unwrap()), ["12:Ann=2"]);
        assert!(store.thanks_in_discord(&edu(), now + 3_600_000).await.unwrap().is_empty());
        let thankers = store.thankers(&edu(), &post("1")).await.unwrap();
        assert_eq!(thankers.iter().map(|it| it.user.0).collect::<Vec<_>>(), [7, 8]);

        // What the page says now is what counts; a post that is gone counts no more.
        store.apply(None, vec![credit("1", "Anne", vec![thanks("Bob", Some("2026-04-30"))])]).await.unwrap();
        let found = store.credit(&edu(), &post("1")).await.unwrap().unwrap();
        assert_eq!((found.author.as_str(), found.thanks.len()), ("Anne", 1));
        store.apply(None, vec![Effect::PostGone { forum: edu(), post: post("3") }]).await.unwrap();
        let ever = store.thanks_on_forum(&edu(), None).await.unwrap();
        assert_eq!(sum(ever), ["12:Anne=1", "13:Ann=1"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_posts_history_is_bounded_and_forgotten_in_time() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = store.sync_bridges(&[board_bridge("12", 1)]).await.unwrap().remove(0).id;
        let happened = |what, bridge: Option<BridgeId>| {
            Effect::Happened(Happened { forum: edu(), post: post("5"), bridge, what })
        };
        store
            .apply(None, vec![happened(What::Seen, None), happened(What::Queued, Some(bridge))])
            .await
            .unwrap();
        for _ in 0..500 {
            store.apply(None, vec![happened(What::Edited, Some(bridge))]).await.unwrap();
        }
        let told = store.history(&edu(), &post("5")).await.unwrap();
        let told: Vec<_> = told.iter().map(|it| (it.what, it.times)).collect();
        assert_eq!(told, [(What::Seen, 1), (What::Queued, 1), (What::Edited, 500)]);
        assert!(store.history(&edu(), &post("6")).await.unwrap().is_empty());

        let queued = NewJob { lane: format!("d:{}", bridge.0), ..job("x", "show:1:5") };
        enqueue(&*store, [queued]).await;
        let held = claim(&*store).await;
        settle(&*store, &held, park("Discord refused")).await;
        let standing = store.standing("show:1:5").await.unwrap().unwrap();
        assert!(standing.parked && standing.reason.as_deref() == Some("Discord refused"));
        assert_eq!(store.queue(bridge).await.unwrap().waiting, 0, "what is given up does not wait");
        let waiting = NewJob { lane: format!("d:{}:t1", bridge.0), ..job("x", "show:1:6") };
        enqueue(&*store, [waiting, job("d:10", "show:10:6")]).await;
        assert_eq!(store.queue(bridge).await.unwrap().waiting, 1, "and no other bridge's");

        if place.sqlite {
            place.clock.advance(std::time::Duration::from_millis(91 * 24 * HOUR));
            store.apply(Some("anything"), vec![]).await.unwrap();
            assert!(store.history(&edu(), &post("5")).await.unwrap().is_empty());
        }
        store.close().await;
    })
    .await;
}

/// At most 300 bytes for everything that `why` keeps of a mirrored post.
#[tokio::test]
async fn the_history_of_a_post_is_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("size.db");
    let clock = std::sync::Arc::new(threadbridge::clock::SystemClock);
    let store = threadbridge::store::open(&format!("sqlite://{}", path.display()), clock).await.unwrap();
    let bridge = store.sync_bridges(&[board_bridge("12", 1)]).await.unwrap().remove(0).id;
    let size = |path: &std::path::Path| std::fs::metadata(path).unwrap().len();
    store.close().await;
    let before = size(&path);
    let clock = std::sync::Arc::new(threadbridge::clock::SystemClock);
    let store = threadbridge::store::open(&format!("sqlite://{}", path.display()), clock).await.unwrap();
    let posts = 5_000_u64;
    for id in 0..posts / 100 {
        let mut effects = Vec::new();
        for id in id * 100..(id + 1) * 100 {
            let post = PostId::new((4_000_000 + id).to_string());
            for (what, bridge) in [
                (What::Seen, None),
                (What::Queued, Some(bridge)),
                (What::Sent, Some(bridge)),
                (What::Changed, None),
                (What::Edited, Some(bridge)),
            ] {
                effects.push(Effect::Happened(Happened { forum: edu(), post: post.clone(), bridge, what }));
            }
        }
        store.apply(None, effects).await.unwrap();
    }
    store.close().await;
    let bytes = (size(&path) - before) / posts;
    assert!(bytes <= 300, "{bytes} bytes a post");
    println!("{bytes} bytes a post");
}

fn code(person: u64, member: &str, digest: &str, now: i64) -> NewCode {
    NewCode {
        forum: edu(),
        person: UserId(person),
        member: MemberId::new(member),
        name: member.to_uppercase(),
        code: digest.to_owned(),
        expires: now + 600_000,
    }
}

#[tokio::test]
async fn a_code_makes_one_link_once() {
    each(async |place: Place| {
        let store = place.open().await;
        let now = store.now().await.unwrap();
        let attempt = |person, digest: &'static str, now| {
            let store = store.clone();
            async move { store.try_code(&edu(), UserId(person), digest, now, &nothing).await.unwrap() }
        };
        assert_eq!(attempt(1, "x", now).await, Tried::None);
        assert_eq!(store.note_code(&code(1, "ann", "right", now), now).await.unwrap(), Asked::Noted);
        assert_eq!(attempt(1, "wrong", now).await, Tried::Wrong { left: 4 });
        assert_eq!(attempt(2, "right", now).await, Tried::None, "in other hands it is nothing");
        assert_eq!(attempt(1, "right", now + 600_000).await, Tried::Expired);
        assert_eq!(store.note_code(&code(1, "ann", "right", now), now).await.unwrap(), Asked::Noted);
        let link = Link {
            forum: edu(),
            person: UserId(1),
            member: MemberId::new("ann"),
            name: "ANN".to_owned(),
            at: now,
        };
        assert_eq!(attempt(1, "right", now).await, Tried::Linked(link.clone()));
        assert_eq!(attempt(1, "right", now).await, Tried::None);
        assert_eq!(
            store.note_code(&code(1, "bob", "x", now), now).await.unwrap(),
            Asked::LinkedTo(link.clone())
        );
        assert_eq!(store.note_code(&code(2, "ann", "x", now), now).await.unwrap(), Asked::Taken);
        assert_eq!(store.links_of(UserId(1)).await.unwrap(), std::slice::from_ref(&link));
        // The name follows the member.
        store
            .apply(
                None,
                vec![Effect::Credit(Credit {
                    forum: edu(),
                    post: post("9"),
                    author: "Anne".to_owned(),
                    member: Some(MemberId::new("ann")),
                    thanks: vec![],
                })],
            )
            .await
            .unwrap();
        assert_eq!(store.link(&edu(), UserId(1)).await.unwrap().unwrap().name, "Anne");
        let letter = |link: &Link| Ok(vec![Effect::Enqueue(job("l:edu", &link.name))]);
        assert!(store.unlink(&edu(), UserId(1), 0, &letter).await.unwrap().is_some());
        assert_eq!(claim(&*store).await.key, "Anne", "told with the act");
        assert!(store.unlink(&edu(), UserId(1), 0, &nothing).await.unwrap().is_none());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn tries_and_codes_run_out_even_side_by_side() {
    each(async |place: Place| {
        let store = place.open().await;
        let now = store.now().await.unwrap();
        store.note_code(&code(1, "ann", "right", now), now).await.unwrap();
        // Forty guesses at once count as forty.
        let guesses = (0..40).map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.try_code(&edu(), UserId(1), &format!("guess {n}"), now, &nothing).await.unwrap()
            })
        });
        let mut wrong = 0;
        for guess in guesses.collect::<Vec<_>>() {
            wrong += u32::from(matches!(guess.await.unwrap(), Tried::Wrong { .. }));
        }
        assert_eq!(wrong, 4);
        assert!(matches!(
            store.try_code(&edu(), UserId(1), "right", now, &nothing).await.unwrap(),
            Tried::Locked { .. }
        ));
        assert!(matches!(
            store.note_code(&code(1, "ann", "x", now), now).await.unwrap(),
            Asked::Locked { .. }
        ));
        assert_eq!(store.note_code(&code(1, "ann", "x", now), now + WINDOW).await.unwrap(), Asked::Noted);

        // Three codes a person; one that could not be sent does not count.
        for n in 0..3 {
            assert_eq!(store.note_code(&code(5, "bob", "x", now), now).await.unwrap(), Asked::Noted, "{n}");
        }
        assert!(matches!(
            store.note_code(&code(5, "bob", "x", now), now).await.unwrap(),
            Asked::Locked { .. }
        ));
        store.drop_code(&edu(), UserId(5)).await.unwrap();
        assert_eq!(store.note_code(&code(5, "bob", "x", now), now).await.unwrap(), Asked::Noted);
        // And no member is bothered by many.
        for person in 6..8 {
            assert_eq!(store.note_code(&code(person, "bob", "x", now), now).await.unwrap(), Asked::Noted);
        }
        assert!(matches!(
            store.note_code(&code(9, "bob", "x", now), now).await.unwrap(),
            Asked::Locked { .. }
        ));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn two_who_race_for_a_member_never_share() {
    each(async |place: Place| {
        let store = place.open().await;
        let now = store.now().await.unwrap();
        for round in 0..10_u64 {
            let member = format!("m{round}");
            for person in [100 + round, 200 + round] {
                store.note_code(&code(person, &member, "c", now), now).await.unwrap();
            }
            let tries = [100 + round, 200 + round].map(|person| {
                let store = store.clone();
                tokio::spawn(async move {
                    store.try_code(&edu(), UserId(person), "c", now, &nothing).await.unwrap()
                })
            });
            let mut outcomes = Vec::new();
            for attempt in tries {
                outcomes.push(attempt.await.unwrap());
            }
            assert_eq!(
                outcomes.iter().filter(|it| matches!(it, Tried::Linked(_))).count(),
                1,
                "{outcomes:?}"
            );
            assert_eq!(outcomes.iter().filter(|it| **it == Tried::Taken).count(), 1, "{outcomes:?}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn bridges_made_at_run_time_stay_and_go_by_themselves() {
    each(async |place: Place| {
        let store = place.open().await;
        store.sync_bridges(&[board_bridge("12", 1)]).await.unwrap();
        let made = store.add_bridge(&board_bridge("13", 2), GuildId(77)).await.unwrap().unwrap();
        assert!(!made.from_file && made.guild == Some(GuildId(77)));
        assert!(store.add_bridge(&board_bridge("13", 2), GuildId(77)).await.unwrap().is_none());
        assert!(store.add_bridge(&board_bridge("12", 1), GuildId(77)).await.unwrap().is_none());
        store.set_paused(made.id, true).await.unwrap();
        let synced = store.sync_bridges(&[board_bridge("12", 1)]).await.unwrap();
        assert_eq!(synced.len(), 2, "a restart keeps it");
        assert!(synced[1].paused);
        let file = synced[0].id;
        store.set_guild(file, GuildId(78)).await.unwrap();
        store
            .apply(None, vec![Effect::Baseline { bridge: made.id, post: post("9"), at: None }])
            .await
            .unwrap();
        store.set_backfill(made.id, Start::Newest(5)).await.unwrap();
        let bridges = store.bridges().await.unwrap();
        assert_eq!(
            (bridges[0].guild, bridges[1].start, bridges[1].baseline.clone()),
            (Some(GuildId(78)), Start::Newest(5), None)
        );
        assert!(!store.remove_bridge(file).await.unwrap(), "the file's can't be removed");
        assert!(store.remove_bridge(made.id).await.unwrap());
        assert_eq!(store.bridges().await.unwrap().len(), 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_database_is_read_beside_the_bridge_that_uses_it() {
    each(async |place: Place| {
        let store = place.open().await;
        store.sync_bridges(&[board_bridge("12", 1)]).await.unwrap();
        let reader = threadbridge::store::open_to_read(&place.url, place.clock.clone()).await.unwrap();
        assert_eq!(reader.bridges().await.unwrap().len(), 1);
        if place.sqlite {
            assert!(reader.apply(Some("x"), vec![]).await.is_err(), "and never written");
        }
        reader.close().await;
        store.close().await;
    })
    .await;
}
