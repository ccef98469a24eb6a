//! News that a forum pushes.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use threadbridge::config::ServerConfig;
use threadbridge::sandbox::forum::Face;
use threadbridge::sandbox::stage::HOOK_SECRET;

use crate::replies::free_address;
use crate::world::{World, eventually};

async fn deliver(url: &str, id: &str, secret: &str, body: &str) -> u16 {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(url)
        .header("X-Discourse-Event-Id", id)
        .header("X-Discourse-Event-Type", "post")
        .header("X-Discourse-Event", "post_created")
        .header("X-Discourse-Event-Signature", format!("sha256={digest}"))
        .body(body.to_owned());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_push_wakes_the_watcher_and_nothing_in_it_is_believed() {
    let mut world = World::of(Face::Discourse).await;
    let listen = free_address();
    let mut config = world.config(vec![world.threads()]);
    config.server = ServerConfig { listen, public_url: None };
    config.forums[0].poll = Duration::from_secs(3600);
    world.start_with(config).await;
    eventually("the bridge to take stock", || (world.looks() >= 1).then_some(())).await;
    let hook = format!("http://{listen}/hooks/edu");

    let (thread, post) =
        world.forum().open_thread(world.board, world.ann, "News", "The real words.").unwrap();
    let now = world.forum().now();
    let body = serde_json::json!({ "post": {
        "id": post, "topic_id": thread, "updated_at": now.to_string(), "raw": "Forged words.", "username": "Mallory",
    } })
    .to_string();
    let looks = world.looks();
    assert_eq!(deliver(&hook, "1", "some other secret", &body).await, 401);
    assert_eq!(deliver(&hook.replace("edu", "nowhere"), "1", HOOK_SECRET, &body).await, 404);
    let old = body.replace(&now.to_string(), "2020-01-01T00:00:00Z");
    assert_eq!(deliver(&hook, "2", HOOK_SECRET, &old).await, 401);
    assert_eq!(world.looks(), looks, "what is turned away changes nothing");

    assert_eq!(deliver(&hook, "3", HOOK_SECRET, &body).await, 204);
    let room = world.room("News").await;
    let message = world.message(room, "The real words.").await;
    assert_eq!(message.author_name, "Ann");
    assert!(world.find(room, "Forged").is_none());
    assert_eq!(deliver(&hook, "3", HOOK_SECRET, &body).await, 401, "a repetition");
    assert_eq!(deliver(&hook, "4", HOOK_SECRET, &body).await, 401, "the same under another id");
}
