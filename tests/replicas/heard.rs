//! What reaches one replica and is another's business: what a forum pushes, and commands that a stalled one hears.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use threadbridge::sandbox::forum::Face;
use threadbridge::sandbox::stage::HOOK_SECRET;

use crate::fleet::{Fleet, Setting};
use crate::harness::{Story, stories};
use crate::place;

pub const STORIES: [Story; 2] = stories![
    a_push_reaches_whoever_watches_the_forum_and_is_heard_once_by_all,
    a_command_that_a_stalled_replica_heard_is_not_done_again_when_it_wakes
];

/// Pushes as Discourse does, to this replica; tells the status.
async fn push(fleet: &Fleet, replica: usize, id: &str, body: &str) -> u16 {
    let mut mac = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()).expect("any key will do");
    mac.update(body.as_bytes());
    let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client
        .post(fleet.replicas[replica].hook())
        .header("X-Discourse-Event-Id", id)
        .header("X-Discourse-Event-Type", "post")
        .header("X-Discourse-Event", "post_created")
        .header("X-Discourse-Event-Signature", format!("sha256={digest}"))
        .body(body.to_owned());
    request.send().await.expect("an answer").status().as_u16()
}

async fn a_push_reaches_whoever_watches_the_forum_and_is_heard_once_by_all() {
    let Some((server, _place)) = place(1).await else { return };
    // Without pushes nothing new would be seen for an hour.
    let setting = Setting { face: Face::Discourse, poll: 3600, ..Setting::default() };
    let mut fleet = Fleet::of(&server, setting).await;
    let watching = fleet.holder("forum edu").await;
    let other = 1 - watching;
    fleet.ready_is(other, "the other to stand by", |status, _| status == 200).await;
    let thread = fleet.talks[0].thread;
    for (number, first, second) in [(1, other, watching), (2, watching, other)] {
        let words = format!("News number {number}.");
        let post = fleet.stage.forum.reply(thread, fleet.ann, &words).expect("a post");
        let at = fleet.stage.forum.now().to_string();
        let body = json!({ "post": { "id": post, "topic_id": thread, "updated_at": at } }).to_string();
        let id = format!("delivery-{number}");
        assert_eq!(push(&fleet, first, &id, &body).await, 204);
        let shown = || fleet.shown(&fleet.talks[0]).iter().any(|text| text.starts_with(&words)).then_some(());
        fleet.until(&format!("{words} to cross"), shown).await;
        for replica in [first, second] {
            assert_eq!(push(&fleet, replica, &id, &body).await, 401, "a repetition");
            assert_eq!(push(&fleet, replica, "another", &body).await, 401, "the same under another id");
        }
        let changed = json!({ "post": { "id": post, "topic_id": thread, "updated_at": at, "more": 1 } });
        assert_eq!(push(&fleet, second, &id, &changed.to_string()).await, 401, "another under the same id");
    }
    // Whoever comes new knows what was heard before.
    fleet.replicas[other].kill();
    fleet.replicas[other].start_again();
    fleet.ready_is(other, "the other to be back", |status, _| status == 200).await;
    let at = fleet.stage.forum.now().to_string();
    let body = json!({ "post": { "id": 1, "topic_id": thread, "updated_at": at } }).to_string();
    assert_eq!(push(&fleet, other, "delivery-1", &body).await, 401);
    assert_eq!(push(&fleet, other, "delivery-3", &body).await, 204);
    fleet.end().await;
}

async fn a_command_that_a_stalled_replica_heard_is_not_done_again_when_it_wakes() {
    let Some((server, _place)) = place(1).await else { return };
    let fleet = Fleet::start(&server, 2, 1, threadbridge::sandbox::discord::Limits::off()).await;
    let stalled = fleet.holder("gateway").await;
    fleet.crossing("before").await;
    fleet.replicas[stalled].signal("STOP");
    let room = fleet.talks[0].room;
    // The other hears Discord, and so does the stalled one: its connection is still there.
    let (connected, other) = (|| fleet.stage.discord.sessions().1 >= 2, 1 - stalled);
    fleet.until("the other to connect", || connected().then_some(())).await;
    fleet
        .ready_is(other, "the other to hear", |_, it| {
            it["parts"]["gateway"]["ok"] == true && it["parts"]["gateway"]["elsewhere"] == false
        })
        .await;
    let asked = fleet.stage.discord.command(fleet.dora, room, "account link", &[("member", json!("Ann"))]);
    let told = asked.expect("a command").answer().await.expect("an answer").text().to_owned();
    assert!(told.contains("Ann"), "{told}");
    assert_eq!(fleet.stage.forum.mail(fleet.ann).len(), 1);
    fleet.replicas[stalled].signal("CONT");
    fleet
        .ready_is(stalled, "the stalled one to know", |_, it| it["parts"]["gateway"]["elsewhere"] == true)
        .await;
    fleet.crossing("afterwards").await;
    // What is stale would come late.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(fleet.stage.forum.mail(fleet.ann).len(), 1, "a second code was sent");
    let good = "SELECT COUNT(*) FROM link_code WHERE code <> '' AND asked = 1";
    assert_eq!(fleet.number(good).await, 1, "the first code was made void");
    fleet.end().await;
}
