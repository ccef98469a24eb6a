//! Leases and fences: what one replica at a time may do, and what becomes of one that is late.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use threadbridge::config::Start;
use threadbridge::fence::{Fence, Moment, Proof};
use threadbridge::model::{ChannelId, GuildId, MemberId, MessageId, PostId, ThreadId, UserId};
use threadbridge::store::links::{Asked, NewCode, Tried};
use threadbridge::store::{Effect, Finish, NewJob, PostRow, Ring, Store, StoreError, ThreadRow};

use super::people::nothing;
use super::{LEASE, Place, board_bridge, claim, each, edu, enqueue, job, nothing_due, number, post};

async fn watermark(store: &dyn Store, message: u64) -> Result<bool, StoreError> {
    let (channel, message) = (ChannelId(1), MessageId(message));
    store.apply(None, vec![Effect::Watermark { channel, message }]).await
}

fn fence(place: &Place, proof: Proof) -> Arc<Fence> {
    Fence::new(proof, place.clock.clone(), Moment::now(&*place.clock), Duration::from_secs(3600))
}

#[tokio::test]
async fn a_lease_has_one_holder_and_each_term_a_number() {
    each(async |place: Place| {
        let store = place.open().await;
        assert_eq!(store.take_lease("forum:edu", "a", LEASE).await.unwrap(), Some(1));
        assert_eq!(store.take_lease("forum:edu", "b", LEASE).await.unwrap(), None, "it is held");
        assert_eq!(store.take_lease("forum:edu", "a", LEASE).await.unwrap(), None, "even by oneself");
        assert_eq!(store.renew_leases("a", LEASE).await.unwrap(), [("forum:edu".to_owned(), 1)]);
        assert_eq!(store.renew_leases("b", LEASE).await.unwrap(), []);
        store.release_lease("forum:edu", "b").await.unwrap();
        assert!(store.leases().await.unwrap()[0].is_live(), "what another holds is not one's to give");
        store.release_lease("forum:edu", "a").await.unwrap();
        assert!(!store.leases().await.unwrap()[0].is_live());
        // A term that has run out is over, also for its holder.
        assert_eq!(store.take_lease("forum:edu", "b", 0).await.unwrap(), Some(2));
        assert_eq!(store.renew_leases("b", LEASE).await.unwrap(), []);
        assert_eq!(store.take_lease("forum:edu", "a", LEASE).await.unwrap(), Some(3));
        let lease = &store.leases().await.unwrap()[0];
        assert_eq!((lease.holder.as_str(), lease.epoch, lease.is_live()), ("a", 3, true));
        assert!(lease.left <= LEASE, "{}", lease.left);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_job_is_done_by_whoever_has_its_lease() {
    each(async |place: Place| {
        let store = place.open().await;
        let needs = |lane: &str, lease: &str| NewJob { needs: Some(lease.to_owned()), ..job(lane, lane) };
        enqueue(&*store, [needs("a", "channel:1"), needs("b", "channel:2"), job("c", "c")]).await;
        let claim = async |holder: &str| store.claim(holder, LEASE).await.unwrap().map(|claim| claim.key);
        store.take_lease("channel:1", "one", LEASE).await.unwrap();
        store.take_lease("channel:2", "two", LEASE).await.unwrap();
        assert_eq!(claim("two").await.as_deref(), Some("b"));
        assert_eq!(claim("two").await.as_deref(), Some("c"), "everybody may do this one");
        assert_eq!(claim("two").await, None);
        store.release_lease("channel:1", "one").await.unwrap();
        assert_eq!(claim("one").await, None, "it was given up");
        store.take_lease("channel:1", "two", LEASE).await.unwrap();
        assert_eq!(claim("two").await.as_deref(), Some("a"));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_has_lost_its_lease_writes_nothing() {
    each(async |place: Place| {
        let store = place.open().await;
        let epoch = store.take_lease("gateway", "a", 0).await.unwrap().unwrap();
        let stale = || fence(&place, Proof::Lease { name: "gateway".into(), holder: "a".into(), epoch });
        // Its time is over, but nobody has been there since.
        assert!(stale().within(watermark(&*store, 1)).await.unwrap());
        store.take_lease("gateway", "b", LEASE).await.unwrap().unwrap();
        let lost = stale().within(watermark(&*store, 9)).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
        let lost = stale().within(store.apply(Some("m:1"), vec![Effect::Enqueue(job("x", "x"))])).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
        assert_eq!(store.watermark(ChannelId(1)).await.unwrap(), Some(MessageId(1)));
        assert!(nothing_due(&*store).await);
        assert!(watermark(&*store, 2).await.unwrap(), "others may");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn each_change_of_a_bridge_is_counted_told_and_known_to_whoever_claims() {
    each(async |place: Place| {
        let store = place.open().await;
        let other = if place.sqlite { store.clone() } else { place.open().await };
        let rings: Mutex<Vec<Ring>> = Mutex::default();
        let rung = |what| rings.lock().unwrap().push(what);
        let heard = async |what: Ring, times: usize| {
            let count = || rings.lock().unwrap().iter().filter(|ring| **ring == what).count();
            while !place.sqlite && count() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let changing = async {
            // Whoever listens has begun to once it hears something.
            let begun = heard(Ring::Work, 1);
            tokio::pin!(begun);
            while tokio::time::timeout(Duration::from_millis(50), &mut begun).await.is_err() {
                store.ring(Ring::Work).await.unwrap();
            }
            let (mut before, mut changes) = (store.bridge_changes().await.unwrap(), 0);
            let mut risen = async || {
                let now = store.bridge_changes().await.unwrap();
                assert!(now > before, "it was not counted");
                (before, changes) = (now, changes + 1);
                let told = tokio::time::timeout(Duration::from_secs(60), heard(Ring::Bridges, changes));
                assert!(told.await.is_ok(), "it was not told");
            };
            let bridge = store.add_bridge(&board_bridge("1", 10), GuildId(7)).await.unwrap().unwrap().id;
            risen().await;
            store.set_paused(bridge, true).await.unwrap();
            risen().await;
            store.set_guild(bridge, GuildId(8)).await.unwrap();
            risen().await;
            store.set_backfill(bridge, Start::All).await.unwrap();
            risen().await;
            store.apply(None, vec![Effect::Baseline { bridge, post: post("1"), at: None }]).await.unwrap();
            risen().await;
            store.sync_bridges(&[board_bridge("2", 11)]).await.unwrap();
            risen().await;
            enqueue(&*store, [job("a", "a")]).await;
            let claimed = claim(&*store).await;
            assert_eq!(claimed.bridges, store.bridge_changes().await.unwrap());
            store.settle(&claimed, Vec::new(), Finish::Done).await.unwrap();
            assert!(store.remove_bridge(bridge).await.unwrap());
            risen().await;
        };
        tokio::select! {
            () = other.listen(&rung) => unreachable!(),
            () = changing => {}
        }
        store.close().await;
    })
    .await;
}

fn lost<T>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::LeaseLost)), "it was written: {:?}", outcome.err());
}

#[tokio::test]
async fn a_command_writes_nothing_once_another_hears_discord() {
    each(async |place: Place| {
        let store = place.open().await;
        let (guild, now) = (GuildId(7), store.now().await.unwrap());
        let bridge = store.add_bridge(&board_bridge("1", 10), guild).await.unwrap().expect("a bridge");
        enqueue(&*store, [job("a", "a")]).await;
        let given_up = claim(&*store).await;
        store.settle(&given_up, Vec::new(), super::park("no")).await.unwrap();
        let parked = store.parked().await.unwrap();
        let code = |person: u64, member: &str| NewCode {
            forum: edu(),
            person: UserId(person),
            member: MemberId::new(member),
            name: member.to_owned(),
            code: format!("digest of {member}"),
            expires: now + LEASE,
        };
        assert_eq!(store.note_code(&code(1, "Ann"), now).await.unwrap(), Asked::Noted);
        assert_eq!(store.note_code(&code(2, "Bob"), now).await.unwrap(), Asked::Noted);
        let bob = store.try_code(&edu(), UserId(2), "digest of Bob", now, &nothing).await.unwrap();
        assert!(matches!(bob, Tried::Linked(_)), "{bob:?}");
        let before = store.bridges().await.unwrap();

        let epoch = store.take_lease("gateway", "a", 0).await.unwrap().unwrap();
        store.take_lease("gateway", "b", LEASE).await.unwrap().unwrap();
        let stale = || fence(&place, Proof::Lease { name: "gateway".into(), holder: "a".into(), epoch });
        lost(stale().within(store.add_bridge(&board_bridge("2", 11), guild)).await);
        lost(stale().within(store.set_paused(bridge.id, true)).await);
        lost(stale().within(store.set_guild(bridge.id, GuildId(8))).await);
        lost(stale().within(store.set_backfill(bridge.id, Start::All)).await);
        lost(stale().within(store.remove_bridge(bridge.id)).await);
        for retry in [true, false] {
            lost(stale().within(store.unpark(parked[0].id, retry)).await);
        }
        lost(stale().within(store.note_code(&code(1, "Ann"), now)).await);
        lost(stale().within(store.drop_code(&edu(), UserId(1))).await);
        lost(stale().within(store.try_code(&edu(), UserId(1), "a guess", now, &nothing)).await);
        lost(stale().within(store.unlink(&edu(), UserId(2), now, &nothing)).await);
        lost(stale().within(store.forget_sessions(Some((&edu(), UserId(2))))).await);
        lost(stale().within(store.release()).await);

        assert_eq!(store.bridges().await.unwrap(), before);
        assert_eq!(store.parked().await.unwrap(), parked);
        assert!(store.link(&edu(), UserId(2)).await.unwrap().is_some());
        let ann = store.try_code(&edu(), UserId(1), "digest of Ann", now, &nothing).await.unwrap();
        assert!(matches!(ann, Tried::Linked(_)), "no try was lost: {ann:?}");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_heard_under_any_of_its_names_is_not_heard_again() {
    each(async |place: Place| {
        let store = place.open().await;
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let effects = || vec![Effect::Enqueue(job("p", "look"))];
        assert!(store.apply_unheard(&names(&["id:1", "body:x"]), effects()).await.unwrap());
        assert_eq!(super::drain(&*store).await, ["look"]);
        for again in [["id:1", "body:y"], ["id:2", "body:x"]] {
            assert!(!store.apply_unheard(&names(&again), effects()).await.unwrap());
        }
        assert!(nothing_due(&*store).await);
        // Nothing of what was turned away is remembered.
        assert!(store.apply_unheard(&names(&["id:2", "body:y"]), effects()).await.unwrap());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_has_lost_its_job_writes_nothing() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a")]).await;
        let slow = store.claim("slow", 0).await.unwrap().unwrap();
        let job = || fence(&place, Proof::Job { id: slow.id, fence: slow.fence });
        assert!(job().within(watermark(&*store, 1)).await.unwrap());
        let quick = claim(&*store).await;
        assert_eq!(quick.id, slow.id);
        let lost = job().within(watermark(&*store, 9)).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
        for finish in [Finish::Continue, Finish::Done] {
            let lost = store.settle(&slow, Vec::new(), finish).await;
            assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
        }
        store.settle(&quick, Vec::new(), Finish::Done).await.unwrap();
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn two_replicas_do_each_job_once_and_in_order() {
    each(async |place: Place| {
        if !place.sqlite {
            compete([place.open().await, place.open().await]).await;
        }
    })
    .await;
}

/// Several workers of two replicas put jobs into lanes that others are working through, and do them.
pub async fn compete(stores: [Arc<dyn Store>; 2]) {
    const LANES: usize = 8;
    const EACH: usize = 15;
    let done: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut workers = Vec::new();
    for (number, store) in stores.iter().enumerate() {
        for worker in 0..4 {
            let (store, done) = (store.clone(), done.clone());
            workers.push(tokio::spawn(async move {
                for lane in (0..LANES).filter(|lane| lane % 4 == worker && lane / 4 == number) {
                    for nth in 0..EACH {
                        enqueue(&*store, [job(&lane.to_string(), &format!("{lane}-{nth:02}"))]).await;
                    }
                }
                while done.lock().unwrap().len() < LANES * EACH {
                    let Some(claim) = store.claim("w", LEASE).await.unwrap() else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    done.lock().unwrap().push(claim.key.clone());
                    store.settle(&claim, Vec::new(), Finish::Done).await.unwrap();
                }
            }));
        }
    }
    for worker in workers {
        tokio::time::timeout(Duration::from_secs(120), worker).await.expect("all is done").unwrap();
    }
    let done = done.lock().unwrap().clone();
    for lane in 0..LANES {
        let start = format!("{lane}-");
        let found: Vec<_> = done.iter().filter(|key| key.starts_with(&start)).cloned().collect();
        let expected: Vec<_> = (0..EACH).map(|nth| format!("{lane}-{nth:02}")).collect();
        assert_eq!(found, expected);
    }
    for store in stores {
        store.close().await;
    }
}

#[tokio::test]
async fn words_of_every_kind_come_back_as_they_were() {
    each(async |place: Place| {
        let store = place.open().await;
        let titles = [
            "it's",
            "'; DROP TABLE post; --",
            "back\\slash \\' \\x41",
            "$1 $2 $$ E'x'",
            "a\nb\tc\r",
            "😀 ẞ \u{202e}",
            "\"q\" %_?",
            "",
        ];
        for (number, title) in titles.iter().enumerate() {
            let thread = ThreadId::new(number.to_string());
            let row =
                ThreadRow { forum: edu(), thread: thread.clone(), board: None, title: (*title).to_owned() };
            store.apply(None, vec![Effect::Thread(row.clone())]).await.unwrap();
            assert_eq!(store.thread(&edu(), &thread).await.unwrap(), Some(row));
        }
        for digest in [i64::MIN, -1, 0, i64::MAX] {
            let row =
                PostRow { forum: edu(), post: post("1"), thread: ThreadId::new("1"), digest, gone: false };
            store.apply(None, vec![Effect::Post(row.clone())]).await.unwrap();
            assert_eq!(store.posts(&edu(), &[post("1")]).await.unwrap(), [row]);
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn posts_of_a_thread_are_found_by_the_order_of_their_numbers() {
    each(async |place: Place| {
        let store = place.open().await;
        let thread = ThreadId::new("7");
        let row = |id: &str| PostRow {
            forum: edu(),
            post: post(id),
            thread: thread.clone(),
            digest: 1,
            gone: id == "100",
        };
        let rows = ["8", "9", "10", "11", "99", "100", "101"].map(row);
        store.apply(None, rows.iter().cloned().map(Effect::Post).collect()).await.unwrap();
        let between = async |from: Option<&str>, to: Option<&str>| -> Vec<String> {
            let (from, to) = (from.map(PostId::new), to.map(PostId::new));
            let found = store.posts_between(&edu(), &thread, from.as_ref(), to.as_ref()).await.unwrap();
            found.into_iter().map(|row| row.post.0).collect()
        };
        assert_eq!(between(None, None).await, ["8", "9", "10", "11", "99", "101"]);
        assert_eq!(between(Some("9"), Some("11")).await, ["9", "10", "11"]);
        assert_eq!(between(Some("12"), None).await, ["99", "101"]);
        assert_eq!(between(None, Some("9")).await, ["8", "9"]);
        assert_eq!(store.newest_post(&edu(), &thread).await.unwrap(), Some(post("101")));
        assert_eq!(store.newest_post(&edu(), &ThreadId::new("8")).await.unwrap(), None);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_old_is_thrown_away_and_mirrors_stay() {
    each(async |place: Place| {
        let store = place.open().await;
        store.sync_bridges(&[board_bridge("1", 1)]).await.unwrap();
        store.apply(Some("old"), vec![]).await.unwrap();
        let row =
            PostRow { forum: edu(), post: post("1"), thread: ThreadId::new("1"), digest: 1, gone: false };
        store
            .apply(None, vec![Effect::Post(row.clone()), Effect::Enqueue(job("a", "given up"))])
            .await
            .unwrap();
        let claim = claim(&*store).await;
        store.settle(&claim, Vec::new(), super::park("no")).await.unwrap();
        store.take_lease("replica:gone", "gone", 0).await.unwrap();
        store.close().await;
        // A hundred days pass.
        let days = 100_i64 * 24 * 3_600_000;
        for sql in [
            "UPDATE once SET at = at - $",
            "UPDATE outbox SET run_at = run_at - $",
            "UPDATE lease SET held_until = held_until - $",
        ] {
            place.run(sql.replace('$', &days.to_string())).await;
        }
        let store = place.open().await;
        assert!(store.apply(Some("old"), vec![]).await.unwrap(), "its name is forgotten");
        assert_eq!(store.parked().await.unwrap(), []);
        assert_eq!(store.leases().await.unwrap(), []);
        assert_eq!(store.posts(&edu(), &[post("1")]).await.unwrap(), [row]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn however_much_is_old_it_is_thrown_away_a_little_at_a_time() {
    each(async |place: Place| {
        place.open().await.close().await;
        let many = |rows: u32, into: &str| {
            format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO {into} FROM n"
            )
        };
        place.run(many(2_500, "once (name, at) SELECT 'old:' || CAST(i AS TEXT), i")).await;
        let history = "history (forum, post, bridge, what, first, last, times)
                       SELECT 1, CAST(i AS TEXT), 0, 'seen', 1, CASE WHEN i = 250000 THEN 9000000000000 ELSE 1 END, 1";
        place.run(many(250_000, history)).await;
        let store = place.open().await;
        // The oldest go first.
        assert!(store.apply(Some("old:1"), vec![]).await.unwrap());
        assert!(!store.apply(Some("old:2500"), vec![]).await.unwrap(), "no more than a thousand at once");
        assert!(store.apply(Some("something"), vec![]).await.unwrap());
        assert!(store.apply(Some("old:2500"), vec![]).await.unwrap());
        store.close().await;
        assert_eq!(number(&place, "SELECT COUNT(*) FROM history").await, 1, "what is young stays");
        assert_eq!(number(&place, "SELECT COUNT(*) FROM once").await, 3);
    })
    .await;
}

#[tokio::test]
async fn threads_are_gone_through_from_the_newest_to_the_oldest() {
    each(async |place: Place| {
        let store = place.open().await;
        for id in ["9", "10", "100", "99", "8"] {
            let (thread, title) = (ThreadId::new(id), String::new());
            let row = ThreadRow { forum: edu(), thread, board: None, title };
            store.apply(None, vec![Effect::Thread(row)]).await.unwrap();
        }
        let (mut before, mut found) = (None, Vec::new());
        while let Some(row) = store.thread_before(&edu(), before.as_ref()).await.unwrap() {
            found.push(row.thread.0.clone());
            before = Some(row.thread);
        }
        assert_eq!(found, ["100", "99", "10", "9", "8"]);
        store.close().await;
    })
    .await;
}
