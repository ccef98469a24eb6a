//! From one database to another and back, through files and directly: nothing is lost, and an import that was
//! interrupted goes on.

use std::path::Path;

use serde_json::Value;
use threadbridge::model::{ChannelId, MemberId, MessageId, ThreadId, UserId};
use threadbridge::store::{
    Effect, Finish, Follow, NewJob, Origin, Part, PostRow, Reaction, Room, Store, Submission,
    SubmissionState, Thanked, ThreadRow, transfer,
};

use super::{Place, board_bridge, claim, each, edu, enqueue, job, park, post};

/// Something in every table, and more posts than one batch takes.
async fn fill(store: &dyn Store) {
    let bridges = [board_bridge("1", 10), board_bridge("2", u64::MAX)];
    let bridge = store.sync_bridges(&bridges).await.unwrap()[1].id;
    let thread = ThreadId::new("7");
    let title = "Quotes ' and \\ and \"these\"\n😀".to_owned();
    let (channel, message) = (ChannelId(99), MessageId(u64::MAX - 1));
    let mut effects = vec![
        Effect::Baseline { bridge, post: post("3"), at: None },
        Effect::Thread(ThreadRow { forum: edu(), thread: thread.clone(), board: None, title }),
        Effect::Follow(Follow {
            bridge,
            thread: thread.clone(),
            marker: String::new(),
            last_post: None,
            last_number: None,
        }),
        Effect::Room(Room { bridge, thread: thread.clone(), channel, digest: -5 }),
        Effect::Submission(Submission {
            message,
            bridge,
            thread: thread.clone(),
            channel,
            author: UserId(5),
            member: Some(MemberId::new("17")),
            post: None,
            state: SubmissionState::Queued,
            digest: i64::MIN,
        }),
        Effect::Reaction(Reaction {
            bridge, post: post("4"), message, user: UserId(6), emoji: "🙏".into()
        }),
        Effect::Thanked(Thanked {
            forum: edu(),
            post: post("4"),
            by: Some((MemberId::new("17"), UserId(6))),
        }),
        Effect::Watermark { channel, message },
    ];
    for number in 0..2_500_u64 {
        let id = post(&number.to_string());
        let row = PostRow {
            forum: edu(),
            post: id.clone(),
            thread: thread.clone(),
            digest: 1,
            gone: number % 7 == 0,
        };
        effects.push(Effect::Post(row));
        effects.push(Effect::Part(Part {
            bridge,
            post: id,
            part: 0,
            channel,
            message: MessageId(1_000_000 + number),
            digest: 2,
            origin: Origin::Forum,
        }));
    }
    store.apply(Some("m:1"), effects).await.unwrap();
    let now = store.now().await.unwrap();
    let job = |lane: &str, key: &str| NewJob { run_at: now, ..job(lane, key) };
    enqueue(store, [job("a", "a1"), job("a", "a2"), job("b", "b1")]).await;
    let given_up = claim(store).await;
    store.settle(&given_up, Vec::new(), park("it's \\ no good")).await.unwrap();
}

/// What a file holds, but for the name of the export; and whether a job was being done.
fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn export(url: &str, folder: &Path, name: &str) -> Vec<Value> {
    let path = folder.join(name);
    transfer::export(url, &path, &mut |_, _| {}).await.unwrap();
    let mut rows = rows(&path);
    // Databases sort text differently.
    rows.sort_by_key(Value::to_string);
    rows
}

#[tokio::test]
async fn a_database_goes_anywhere_and_comes_back_the_same() {
    each(async |place: Place| {
        let folder = tempfile::tempdir().unwrap();
        let store = place.open().await;
        fill(&*store).await;
        store.close().await;
        let whole = export(&place.url, folder.path(), "whole").await;
        assert!(whole.len() > 5_000);
        let tables: std::collections::BTreeSet<_> = whole.iter().filter_map(|row| row[0].as_str()).collect();
        for table in [
            "bridge",
            "follow",
            "forum",
            "once",
            "outbox",
            "part",
            "post",
            "reaction",
            "room",
            "submission",
            "thanked",
            "thread",
            "watermark",
        ] {
            assert!(tables.contains(table), "{table} is not there");
        }
        let error =
            transfer::export(&place.url, &folder.path().join("whole"), &mut |_, _| {}).await.unwrap_err();
        assert!(error.to_string().contains("is there already"), "{error}");

        // From the file into a database of the other kind, directly from that one to the next, and on.
        let file = folder.path().join("whole").display().to_string();
        let sqlite = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
        let mut source = file.clone();
        let mut targets = vec![sqlite("a.db"), sqlite("b.db")];
        if !place.sqlite {
            let mut url = url::Url::parse(&place.url).unwrap();
            let name = format!("{}_copy", url.path().trim_start_matches('/'));
            place.run(format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await;
            url.set_path(&name);
            targets.insert(1, url.to_string());
        }
        for (number, target) in targets.iter().enumerate() {
            let mut told = (0, 0);
            transfer::import(&source, target, &mut |done, of| told = (done, of)).await.unwrap();
            assert_eq!(told.0, told.1);
            assert_eq!(told.1 as usize + 1, whole.len());
            assert!(
                export(target, folder.path(), &format!("copy{number}")).await == whole,
                "{target} differs"
            );
            let error = transfer::import(&file, target, &mut |_, _| {}).await.unwrap_err();
            assert!(error.to_string().contains("holds something already"), "{error}");
            source = target.clone();
        }
        // Work goes on there, with numbers of its own.
        let store = threadbridge::store::open(&source, place.clock.clone()).await.unwrap();
        enqueue(&*store, [job("new", "new1")]).await;
        assert_eq!(store.parked().await.unwrap().len(), 1);
        let first = claim(&*store).await;
        store.settle(&first, Vec::new(), Finish::Done).await.unwrap();
        store.close().await;
        if let Some(copy) = targets.iter().find(|target| target.starts_with("postgres")) {
            let copy = url::Url::parse(copy).unwrap();
            place.run(format!("DROP DATABASE {} WITH (FORCE)", copy.path().trim_start_matches('/'))).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_import_goes_on_where_it_was() {
    each(async |place: Place| {
        let folder = tempfile::tempdir().unwrap();
        let origin = format!("sqlite://{}", folder.path().join("origin.db").display());
        let store = threadbridge::store::open(&origin, place.clock.clone()).await.unwrap();
        fill(&*store).await;
        store.close().await;
        let whole = export(&origin, folder.path(), "whole").await;
        let file = folder.path().join("whole").display().to_string();
        for source in [file.clone(), origin.clone()] {
            // Killed in the middle, twice.
            for _ in 0..2 {
                let (stop, mut stopped) = tokio::sync::mpsc::unbounded_channel();
                let mut pages = 0;
                let mut tell = |_, _| {
                    pages += 1;
                    if pages > 3 {
                        let _ = stop.send(());
                    }
                };
                tokio::select! {
                    biased;
                    _ = stopped.recv() => {}
                    _ = transfer::import(&source, &place.url, &mut tell) => panic!("it was not interrupted"),
                }
            }
            let error = place.try_open().await.err().expect("it is half full").to_string();
            assert!(error.contains("import into this database has not ended"), "{error}");
            transfer::import(&source, &place.url, &mut |_, _| {}).await.unwrap();
            let name = format!("copy{}", source == origin);
            assert!(export(&place.url, folder.path(), &name).await == whole, "it differs");
            empty(&place).await;
        }
    })
    .await;
}

/// Throws everything away behind the store's back.
async fn empty(place: &Place) {
    for table in [
        "bridge",
        "follow",
        "once",
        "outbox",
        "part",
        "post",
        "reaction",
        "room",
        "submission",
        "thanked",
        "thread",
        "watermark",
        "forum",
    ] {
        place.run(format!("DELETE FROM {table}")).await;
    }
}

#[tokio::test]
async fn what_can_not_be_imported_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let target = format!("sqlite://{}", folder.path().join("target.db").display());
    let origin = format!("sqlite://{}", folder.path().join("origin.db").display());
    let clock = std::sync::Arc::new(threadbridge::clock::SystemClock);
    let store = threadbridge::store::open(&origin, clock).await.unwrap();
    fill(&*store).await;
    let taken = transfer::export(&origin, &folder.path().join("x"), &mut |_, _| {}).await.unwrap_err();
    assert!(taken.to_string().contains("another threadbridge already uses"), "{taken}");
    store.close().await;
    export(&origin, folder.path(), "whole").await;
    let text = std::fs::read_to_string(folder.path().join("whole")).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let cases = [
        (folder.path().join("none").display().to_string(), "No such file"),
        (write("letter", "Dear reader"), "was not made by threadbridge export"),
        (write("cut", &text[..text.len() / 2]), "is damaged or cut off"),
        (write("newer", &text.replacen("\"step\":", "\"step\":9", 1)), "made by a newer threadbridge"),
    ];
    for (number, (source, expected)) in cases.iter().enumerate() {
        let target = target.replace("target", &format!("target{number}"));
        let error = transfer::import(source, &target, &mut |_, _| {}).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
