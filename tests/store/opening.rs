//! Opening and opening again: crashes, clocks, locks, schemas, and databases that can't be used.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use threadbridge::clock::{Clock, SystemClock};
use threadbridge::store::{self, NewJob, StoreError};

use super::{LEASE, Place, claim, each, enqueue, job};

#[tokio::test]
async fn after_a_crash_work_goes_on() {
    each(async |place: Place| {
        let store = place.open().await;
        let soon = store.now().await.unwrap() + 5_000;
        let later = NewJob { run_at: soon, ..job("b", "b1") };
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), later]).await;
        let lease = if place.sqlite { LEASE } else { 0 };
        let held = store.claim("w", lease).await.unwrap().unwrap();
        store.close().await;

        if place.sqlite {
            // The clock was a year ahead, and is right now.
            let right = Timestamp::from_millisecond(soon - 365 * 24 * 3_600_000).unwrap();
            place.clock.jump(right);
        }
        let store = place.open().await;
        let again = claim(&*store).await;
        assert_eq!((again.id, again.attempts), (held.id, 1));
        assert!(again.fence > held.fence);
        if place.sqlite {
            assert_eq!(claim(&*store).await.key, "b1", "what waits does not wait for a year");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_clock_of_the_store_never_runs_back() {
    each(async |place: Place| {
        let store = place.open().await;
        let before = store.now().await.unwrap();
        place.clock.jump("2020-01-01T00:00:00Z".parse().unwrap());
        assert!(store.now().await.unwrap() >= before);
        if place.sqlite {
            place.clock.advance(Duration::from_secs(7));
            assert_eq!(store.now().await.unwrap(), before + 7_000);
            // Set back by an hour between two runs.
            store.apply(Some("a"), vec![]).await.unwrap();
            store.close().await;
            place.clock.jump(Timestamp::from_millisecond(before - 3_600_000).unwrap());
            let store = place.open().await;
            assert_eq!(store.now().await.unwrap(), before + 7_000);
            store.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_process_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = store::open(&url, clock.clone()).await.unwrap();
    let error = store::open(&url, clock.clone()).await.err().expect("it is taken").to_string();
    assert!(error.contains("another threadbridge already uses"), "{error}");
    store.close().await;
    store::open(&url, clock).await.expect("it is free again").close().await;
}

#[tokio::test]
async fn another_schema_is_refused_in_plain_words() {
    each(async |place: Place| {
        place.open().await.close().await;
        place.open().await.close().await;
        let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                      SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
        place.run(future.to_owned()).await;
        let error = place.try_open().await.err().expect("it is newer").to_string();
        assert!(error.contains("newer threadbridge"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    std::fs::write(folder.path().join("letter.db"), "Dear reader, this is no database. ".repeat(50)).unwrap();
    // A port that nobody listens on: it was ours a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cases = [
        (at("missing/test.db"), "does not exist; create it"),
        (at("folder.db"), "can't be opened"),
        (at("letter.db"), "is not a SQLite database"),
        ("mysql://x".to_owned(), "must begin with sqlite:// or postgres://"),
        (format!("postgres://me:s3cret@127.0.0.1:{free}/db"), "does not answer"),
    ];
    for (url, expected) in cases {
        let error = store::open(&url, Arc::new(SystemClock)).await.err().expect("it can't be opened");
        let told = format!("{error} {error:?}");
        assert!(matches!(error, StoreError::Unusable(_)), "{told}");
        assert!(told.contains(expected), "{url}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn both_databases_take_the_same_steps() {
    let names = |engine: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}
