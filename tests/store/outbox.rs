//! The queue: order, lanes, leases, replaced words, parked jobs, and many workers at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use threadbridge::model::{ChannelId, MessageId};
use threadbridge::store::{Effect, Finish, NewJob, Priority, StoreError};

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::{LEASE, Place, claim, drain, each, enqueue, job, nothing_due, park, settle};

#[tokio::test]
async fn a_lane_goes_by_seq_then_age_and_live_lanes_go_first() {
    each(async |place: Place| {
        let store = place.open().await;
        let backfill = |key: &str| NewJob { priority: Priority::Backfill, ..job("old", key) };
        let seq = |seq: i64, key: &str| NewJob { seq, run_at: 5, ..job("seq", key) };
        let later = NewJob { run_at: store.now().await.unwrap() + 3_600_000, ..job("later", "later1") };
        let jobs =
            [backfill("old1"), backfill("old2"), seq(30, "s3"), seq(10, "s1"), seq(20, "s2"), job("b", "b1")];
        enqueue(&*store, jobs).await;
        enqueue(&*store, [later]).await;
        assert_eq!(drain(&*store).await, ["b1", "s1", "s2", "s3", "old1", "old2"]);
        assert_eq!(store.counts().await.unwrap().waiting, 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn one_lane_is_in_one_pair_of_hands() {
    each(async |place: Place| {
        let store = place.open().await;
        let seq = |seq: i64, key: &str| NewJob { seq, ..job("a", key) };
        enqueue(&*store, [seq(5, "a5"), seq(6, "a6"), job("b", "b")]).await;
        let first = claim(&*store).await;
        assert_eq!((first.key.as_str(), first.attempts), ("a5", 0));
        // A job that belongs before it arrives while it is being done.
        enqueue(&*store, [seq(1, "a1")]).await;
        assert_eq!(claim(&*store).await.key, "b");
        assert!(nothing_due(&*store).await);
        settle(&*store, &first, Finish::Continue).await;
        assert!(nothing_due(&*store).await);
        settle(&*store, &first, Finish::Done).await;
        assert_eq!(drain(&*store).await, ["a1", "a6"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_job_that_waits_for_another_try_holds_up_its_own_lane_only() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), job("b", "b1")]).await;
        let held = claim(&*store).await;
        let at = store.now().await.unwrap() + 3_600_000;
        settle(&*store, &held, Finish::Retry { at, reason: "flood wait".into() }).await;
        assert_eq!(drain(&*store).await, ["b1"]);
        if place.sqlite {
            place.clock.advance(Duration::from_secs(3601));
            let again = claim(&*store).await;
            assert_eq!((again.key.as_str(), again.attempts), ("a1", 1));
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_lost_the_lease_writes_nothing() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1")]).await;
        let stale = store.claim("slow", 0).await.unwrap().unwrap();
        let fresh = claim(&*store).await;
        assert_eq!((fresh.id, fresh.attempts), (stale.id, 1));
        assert!(fresh.fence > stale.fence);
        let mark = vec![Effect::Watermark { channel: ChannelId(1), message: MessageId(1) }];
        for finish in [Finish::Done, Finish::Continue, park("")] {
            let lost = store.settle(&stale, mark.clone(), finish).await;
            assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
        }
        assert_eq!(store.watermark(ChannelId(1)).await.unwrap(), None);
        store.settle(&fresh, mark, Finish::Done).await.unwrap();
        assert_eq!(store.watermark(ChannelId(1)).await.unwrap(), Some(MessageId(1)));
        let gone = store.settle(&fresh, vec![], Finish::Done).await;
        assert!(matches!(gone, Err(StoreError::LeaseLost)), "a job is done once");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn newer_words_replace_older_ones_in_their_place() {
    each(async |place: Place| {
        let store = place.open().await;
        let again = |words: &str| NewJob { job: json!(words), ..job("a", "a1") };
        enqueue(&*store, [again("one"), job("a", "a2"), again("two")]).await;
        let held = claim(&*store).await;
        assert_eq!((held.key.as_str(), &held.job), ("a1", &json!("two")));
        // While it is being done, it changes: what was done is not all.
        enqueue(&*store, [again("three")]).await;
        assert!(nothing_due(&*store).await);
        settle(&*store, &held, Finish::Done).await;
        let held = claim(&*store).await;
        assert_eq!((held.key.as_str(), &held.job, held.attempts), ("a1", &json!("three"), 0));
        // It can't be done, but newer words might: they are tried.
        enqueue(&*store, [again("four")]).await;
        settle(&*store, &held, park("no")).await;
        assert_eq!(store.parked().await.unwrap(), []);
        assert_eq!(claim(&*store).await.job, json!("four"));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_parked_job_holds_nobody_up_and_can_come_back() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), job("a", "a3")]).await;
        let held = claim(&*store).await;
        settle(&*store, &held, park("closed thread")).await;
        let parked = store.parked().await.unwrap();
        assert_eq!((parked[0].key.as_str(), parked[0].reason.as_str()), ("a1", "closed thread"));
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.waiting, counts.parked), (2, 1));
        let second = claim(&*store).await;
        assert_eq!(second.key, "a2");
        assert!(store.unpark(held.id, true).await.unwrap());
        assert!(!store.unpark(held.id, true).await.unwrap(), "it is not parked any more");
        assert!(nothing_due(&*store).await, "the lane is busy");
        settle(&*store, &second, Finish::Done).await;
        let back = claim(&*store).await;
        assert_eq!((back.key.as_str(), back.attempts), ("a1", 1));
        settle(&*store, &back, park("still closed")).await;
        // News for a parked job wakes it.
        enqueue(&*store, [job("a", "a1")]).await;
        let back = claim(&*store).await;
        assert_eq!(back.key, "a1");
        settle(&*store, &back, park("no")).await;
        assert!(store.unpark(back.id, false).await.unwrap());
        assert_eq!(store.parked().await.unwrap(), []);
        assert_eq!(drain(&*store).await, ["a3"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_job_can_be_taken_back_until_somebody_does_it() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), job("a", "a3")]).await;
        let cancel = |key: &str| vec![Effect::Cancel { key: key.to_owned() }];
        store.apply(None, cancel("a1")).await.unwrap();
        let held = claim(&*store).await;
        assert_eq!(held.key, "a2");
        store.apply(None, cancel("a2")).await.unwrap();
        settle(&*store, &held, Finish::Retry { at: 0, reason: String::new() }).await;
        assert_eq!(claim(&*store).await.key, "a2");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_workers_do_a_thousand_jobs_once_and_in_order() {
    const LANES: usize = 20;
    const JOBS: usize = 1_000;
    each(async |place: Place| {
        let store = place.open().await;
        let done: Arc<Mutex<HashMap<String, Vec<i64>>>> = Arc::default();
        let mut tasks = Vec::new();
        for writer in 0..4 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                // Each lane has one writer, as each watched thread has.
                for number in (0..JOBS).filter(|number| number % 4 == writer) {
                    let lane = format!("lane{}", number % LANES);
                    let job = NewJob { job: json!(number), ..job(&lane, &format!("job{number}")) };
                    store.apply(None, vec![Effect::Enqueue(job)]).await.unwrap();
                }
            }));
        }
        for worker in 0..8 {
            let (store, done) = (store.clone(), done.clone());
            tasks.push(tokio::spawn(async move {
                while done.lock().unwrap().values().map(Vec::len).sum::<usize>() < JOBS {
                    let Some(claim) = store.claim(&format!("w{worker}"), LEASE).await.unwrap() else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    let number = claim.job.as_i64().unwrap();
                    done.lock().unwrap().entry(claim.lane.clone()).or_default().push(number);
                    store.settle(&claim, vec![], Finish::Done).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let done = std::mem::take(&mut *done.lock().unwrap());
        assert_eq!(done.len(), LANES);
        for (lane, numbers) in done {
            assert_eq!(numbers.len(), JOBS / LANES, "{lane}");
            assert!(numbers.is_sorted_by(|a, b| a < b), "{lane} went out of order: {numbers:?}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn jobs_of_a_paused_bridge_hold_nobody_up_and_keep_their_place() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = store.sync_bridges(&[super::board_bridge("12", 100)]).await.unwrap().remove(0).id;
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), job("a", "a3")]).await;
        let hold = || Finish::Hold { bridge, reason: "paused".to_owned() };
        store.set_paused(bridge, true).await.unwrap();
        let first = claim(&*store).await;
        assert_eq!((first.key.as_str(), first.attempts), ("a1", 0));
        settle(&*store, &first, hold()).await;
        let second = claim(&*store).await;
        assert_eq!(second.key, "a2");
        settle(&*store, &second, Finish::Done).await;
        let third = claim(&*store).await;
        settle(&*store, &third, hold()).await;
        place.clock.advance(Duration::from_secs(3_600));
        assert!(nothing_due(&*store).await);
        assert_eq!(store.counts().await.unwrap().waiting, 2);
        assert!(store.parked().await.unwrap().is_empty());
        // New words for one that is held are looked at, and held again.
        enqueue(&*store, [job("a", "a3")]).await;
        let again = claim(&*store).await;
        assert_eq!(again.key, "a3");
        settle(&*store, &again, hold()).await;
        store.set_paused(bridge, false).await.unwrap();
        store.release().await.unwrap();
        assert_eq!(drain(&*store).await, ["a1", "a3"]);
        // One that is to be held just as its bridge is resumed is not: it is looked at again a moment later.
        enqueue(&*store, [job("a", "a4")]).await;
        settle(&*store, &claim(&*store).await, hold()).await;
        while nothing_due(&*store).await {
            place.clock.advance(Duration::from_millis(500));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_given_up_while_they_wait_to_write_leaves_nothing_behind() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1")]).await;
        if place.sqlite {
            let mut other = SqliteConnection::connect(&place.url).await.unwrap();
            other.execute("BEGIN IMMEDIATE").await.unwrap();
            // However far it has come with its beginning.
            for wait in [0, 1, 5, 50, 200] {
                let writing = tokio::spawn({
                    let store = store.clone();
                    async move { store.apply(None, vec![Effect::Enqueue(job("a", "a2"))]).await }
                });
                tokio::time::sleep(Duration::from_millis(wait)).await;
                writing.abort();
                let _ = writing.await;
            }
            other.execute("ROLLBACK").await.unwrap();
        } else {
            for wait in [0, 1, 2, 3, 5] {
                let writing = store.apply(None, vec![Effect::Enqueue(job("b", "b1"))]);
                let _ = tokio::time::timeout(Duration::from_millis(wait), writing).await;
            }
        }
        enqueue(&*store, [job("a", "a3")]).await;
        assert_eq!(drain(&*store).await.last().map(String::as_str), Some("a3"));
        store.close().await;
    })
    .await;
}
