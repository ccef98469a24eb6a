//! Both sides compared: each kind of fault made by hand, found, repaired by the bridge that runs, or runs next;
//! and nothing found where nothing is wrong.

use std::process::Command;

use serde_json::json;
use threadbridge::audit;
use threadbridge::bridge::audit::report::{Kind, Report};
use threadbridge::bridge::audit::{Gone, Wish};
use threadbridge::config::{BridgeConfig, Config, Layout, Start};
use threadbridge::sandbox::discord;
use threadbridge::sandbox::forum::{self, Deletion, Face};
use threadbridge::sandbox::stage::ACCOUNT;

use crate::postgres::Database;
use crate::world::{World, eventually};

const LOOK: Wish = Wish { repair: false, gone: None };
const REPAIR: Wish = Wish { repair: true, gone: None };

async fn audited(world: &World, config: &Config, wish: Wish) -> Report {
    audit::run(config, wish, world.stage.clock.clone(), &|_| {}).await.expect("an audit")
}

/// What was found, and what of it was repaired.
fn found(report: &Report) -> Vec<(Kind, bool)> {
    report.findings.iter().map(|finding| (finding.kind, finding.repaired)).collect()
}

/// Audits until nothing is wrong and nothing under way: what was queued takes the running bridge a moment.
async fn clean(world: &World, config: &Config) -> Report {
    let mut last = None;
    for _ in 0..20 {
        let report = audited(world, config, LOOK).await;
        if report.findings.is_empty() && report.seen.under_way == 0 {
            assert!(report.ok());
            return report;
        }
        last = Some(report);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("something stays wrong: {}", last.expect("an audit").text());
}

/// A bridge that runs, with a thread of two posts; its configuration, the thread, its posts and its Discord thread.
struct Told {
    world: World,
    config: Config,
    thread: u64,
    first: u64,
    second: u64,
    room: u64,
}

/// Plays a scenario on a database, and drops it.
async fn play(database: Option<Database>, scenario: impl AsyncFnOnce(&mut Told)) {
    let mut told = told(database.as_ref()).await;
    scenario(&mut told).await;
    if told.world.is_running() {
        told.stop().await;
    }
    if let Some(database) = database {
        database.drop().await;
    }
}

macro_rules! on_both_databases {
    ($($scenario:ident)*) => {
        mod sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::play(None, async |told| super::$scenario(told).await).await;
            }
        )* }
        mod postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                let Some(server) = crate::postgres::server() else { return };
                let database = crate::postgres::Database::create(&server).await;
                super::play(Some(database), async |told| super::$scenario(told).await).await;
            }
        )* }
    };
}

on_both_databases! {
    what_a_moderator_deleted_is_no_fault_and_stays_away
    a_discord_thread_that_a_moderator_deleted_stays_away
    a_message_that_is_gone_for_no_known_reason_is_for_people_to_decide
    a_discord_thread_that_is_gone_for_no_known_reason_can_be_shown_again
    a_message_that_says_something_else_is_set_right
    an_edit_that_was_lost_on_the_way_is_made
    a_post_that_never_came_is_shown
    what_the_forum_no_longer_shows_is_taken_away
    a_thread_that_went_private_is_taken_away
    a_message_of_a_post_that_is_known_to_be_gone_is_taken_away
    a_doubled_message_is_taken_away
    messages_that_the_database_forgot_are_known_again
    a_message_that_names_no_post_is_told_of
    replies_that_are_on_one_side_only_are_found
    a_title_and_a_lock_that_differ_are_set_right
    a_job_that_was_given_up_is_told_of_with_its_reason_and_tried_again
    what_can_not_be_looked_at_is_no_good_news
    the_command_tells_people_and_programs
}

async fn told(database: Option<&Database>) -> Told {
    let mut world = World::new().await;
    if let Some(database) = database {
        world.database = database.url.to_string();
    }
    let bridges = vec![world.threads()];
    let config = world.config(bridges.clone());
    world.start(bridges).await;
    let (thread, first) = world.forum().open_thread(world.board, world.ann, "Keys", "Who has them?").unwrap();
    let second = world.forum().reply(thread, world.bob, "Not me, sorry.").unwrap();
    let room = world.room("Keys").await;
    world.message(room, "Who has them?").await;
    world.message(room, "Not me, sorry.").await;
    clean(&world, &config).await;
    Told { world, config, thread, first, second, room }
}

impl Told {
    async fn audit(&self, wish: Wish) -> Report {
        audited(&self.world, &self.config, wish).await
    }

    async fn finds(&self, wish: Wish, expected: &[(Kind, bool)]) -> Report {
        let report = self.audit(wish).await;
        assert_eq!(found(&report), expected, "{}", report.text());
        assert_eq!(report.ok(), expected.iter().all(|(_, repaired)| *repaired));
        report
    }

    async fn clean(&self) -> Report {
        clean(&self.world, &self.config).await
    }

    async fn start(&mut self) {
        self.world.start(vec![self.world.threads()]).await;
    }

    async fn stop(&mut self) {
        self.world.stop().await.expect("a clean stop");
    }

    /// Changes the database behind everybody's back.
    async fn sql(&self, sql: &str) {
        use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, raw_sql};
        let (sql, url) = (raw_sql(AssertSqlSafe(sql.to_owned())), &self.world.database);
        if url.starts_with("sqlite:") {
            let mut database = SqliteConnection::connect(url).await.expect("a database");
            sql.execute(&mut database).await.expect("it is changed");
        } else {
            let mut database = PgConnection::connect(url).await.expect("a database");
            sql.execute(&mut database).await.expect("it is changed");
        }
    }

    async fn message(&self, words: &str) -> discord::Message {
        self.world.message(self.room, words).await
    }

    fn shown(&self) -> Vec<String> {
        self.world.mirrored(self.room)
    }

    /// Uses the bridge's own webhook, as whoever found its token could.
    async fn webhook(&self, method: reqwest::Method, path: &str, body: serde_json::Value) {
        let world = &self.world;
        let webhook = world.discord().webhooks(world.forum_channel).pop().expect("a webhook");
        let url = format!(
            "{}/api/v10/webhooks/{}/{}{path}?thread_id={}",
            world.discord().url(),
            webhook.id,
            webhook.token,
            self.room
        );
        let http =
            reqwest::Client::builder().user_agent("DiscordBot (https://a.example, 1)").build().unwrap();
        let answer = http.request(method, url).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }
}

async fn a_healthy_bridge(face: Face) {
    let mut world = World::of(face).await;
    // Older than the bridges: no fault, wherever it is not.
    world.forum().open_thread(world.board, world.ann, "History", "Long ago.").unwrap();
    let all = BridgeConfig { start: Start::Newest(1), layout: Layout::Threads, ..world.feed() };
    let other = world.discord().add_text_channel(world.stage.guild, "other");
    let feed = world.stage.bridge(world.board, other);
    let bridges = vec![world.threads(), all, feed];
    let config = world.config(bridges.clone());
    world.start(bridges).await;

    let (thread, first) =
        world.forum().open_thread(world.board, world.ann, "Keys", "Who has the keys?").unwrap();
    let room = world.room("Keys").await;
    let message = world.message(room, "Who has the keys?").await;
    let paragraph = "A sentence that goes on about keys and the drawers they live in. ".repeat(60);
    let long =
        world.forum().reply(thread, world.bob, &format!("{paragraph}\n\n{paragraph}The end.")).unwrap();
    world.message(room, "The end.").await;
    if face == Face::Vbulletin4 {
        let quote = format!("[QUOTE=Ann;{first}]Who has the keys?[/QUOTE]I have.");
        world.forum().reply(thread, world.bob, &quote).unwrap();
        world.message(room, "I have.").await;
    }
    for number in 1..=25 {
        world.forum().reply(thread, world.ann, &format!("Spare key {number}.")).unwrap();
    }
    let said = world.discord().say(world.dora, room, "Keep one for me.", None).unwrap();
    world.marked(said, "✅").await;
    let unsaid = world.discord().say(world.emil, room, "Never mind me.", None).unwrap();
    world.marked(unsaid, "✅").await;
    world.discord().delete(unsaid).unwrap();
    eventually("the withdrawal", || world.posts_with(thread, "Never mind me.").is_empty().then_some(()))
        .await;
    world.discord().react(world.dora, message.id, "🙏").unwrap();
    eventually("the thanks", || (world.forum().thanks(first).len() == 1).then_some(())).await;
    world.forum().edit(long, "Short after all.").unwrap();
    world.message(room, "Short after all.").await;
    let regretted = world.forum().reply(thread, world.bob, "Please forget this.").unwrap();
    world.message(room, "Please forget this.").await;
    world.forum().delete(regretted, Deletion::Soft).unwrap();
    eventually("the removal", || world.find(room, "Please forget this.").is_none().then_some(())).await;
    world.forum().rename(thread, "Keys and locks").unwrap();
    world.forum().close(thread).unwrap();
    world.room("Keys and locks").await;
    let last = format!("Spare key {}.", 25);
    world.message(other, &last).await;

    let report = clean(&world, &config).await;
    assert!(report.seen.posts >= 28 && report.seen.threads >= 1, "{:?}", report.seen);
    assert!(report.seen.messages >= 3 * 27, "{:?}", report.seen);
    assert_eq!(report.bridges.iter().filter(|bridge| bridge.skipped.is_none()).count(), 3);
    // A repair of what is well changes nothing.
    let before = world.discord().ledger().len();
    assert_eq!(found(&audited(&world, &config, REPAIR).await), []);
    let writes = world.discord().ledger()[before..].iter().filter(|entry| entry.method != "GET").count();
    assert_eq!(writes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_wrong_with_a_healthy_bridge() {
    a_healthy_bridge(Face::Vbulletin4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_wrong_with_a_healthy_bridge_to_discourse() {
    a_healthy_bridge(Face::Discourse).await;
}

async fn what_a_moderator_deleted_is_no_fault_and_stays_away(told: &mut Told) {
    let message = told.message("Not me, sorry.").await;
    told.world.discord().delete(message.id).unwrap();
    eventually("the deletion", || told.world.find(told.room, "Not me, sorry.").is_none().then_some(())).await;
    // The gateway tells the bridge.
    let mut report = told.audit(LOOK).await;
    for _ in 0..50 {
        if report.findings.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        report = told.audit(LOOK).await;
    }
    assert_eq!((found(&report), report.seen.removed), (vec![], 1), "{}", report.text());
    told.finds(Wish { repair: true, gone: Some(Gone::Show) }, &[]).await;
    told.world.forum().edit(told.second, "Not me, really.").unwrap();
    told.world.forum().edit(told.first, "Who has the keys?").unwrap();
    told.message("Who has the keys?").await;
    told.world.quiet().await;
    assert_eq!(told.shown().len(), 1);
    assert_eq!(told.clean().await.seen.removed, 1);
}

async fn a_discord_thread_that_a_moderator_deleted_stays_away(told: &mut Told) {
    told.world.discord().delete_channel(told.room).unwrap();
    let mut report = told.audit(LOOK).await;
    for _ in 0..50 {
        if report.findings.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        report = told.audit(LOOK).await;
    }
    assert_eq!((found(&report), report.seen.removed), (vec![], 2), "{}", report.text());
    told.finds(Wish { repair: true, gone: Some(Gone::Show) }, &[]).await;
    // What is new opens another.
    told.world.forum().reply(told.thread, told.world.ann, "Found them.").unwrap();
    let room = eventually("another thread", || {
        told.world.discord().threads(told.world.forum_channel).into_iter().find(|room| room.id != told.room)
    })
    .await;
    told.world.message(room.id, "Found them.").await;
    assert_eq!(told.world.mirrored(room.id).len(), 1);
    assert_eq!(told.clean().await.seen.removed, 2);
}

async fn a_message_that_is_gone_for_no_known_reason_is_for_people_to_decide(told: &mut Told) {
    let message = told.message("Not me, sorry.").await;
    told.stop().await;
    told.world.discord().delete(message.id).unwrap();
    told.finds(LOOK, &[(Kind::Gone, false)]).await;
    let report = told.finds(REPAIR, &[(Kind::Gone, false)]).await;
    assert!(report.text().contains("--gone keep"), "{}", report.text());
    told.finds(Wish { repair: true, gone: Some(Gone::Keep) }, &[(Kind::Gone, true)]).await;
    assert_eq!(told.clean().await.seen.removed, 1);
    told.start().await;
    told.world.quiet().await;
    assert_eq!(told.shown().len(), 1);

    // The other way round.
    let message = told.message("Who has them?").await;
    told.stop().await;
    told.world.discord().delete(message.id).unwrap();
    told.finds(Wish { repair: true, gone: Some(Gone::Show) }, &[(Kind::Gone, true)]).await;
    told.start().await;
    told.message("Who has them?").await;
    assert_eq!(told.clean().await.seen.removed, 1);
    assert_eq!(told.shown().len(), 1);
}

async fn a_discord_thread_that_is_gone_for_no_known_reason_can_be_shown_again(told: &mut Told) {
    told.stop().await;
    told.world.discord().delete_channel(told.room).unwrap();
    told.finds(REPAIR, &[(Kind::Gone, false)]).await;
    let wish = Wish { repair: true, gone: Some(Gone::Show) };
    let report = told.audit(wish).await;
    assert!(report.ok() && report.findings.iter().all(|it| it.kind == Kind::Gone), "{}", report.text());
    told.start().await;
    let room = told.world.room("Keys").await;
    told.world.message(room, "Not me, sorry.").await;
    assert_eq!(told.world.mirrored(room).len(), 2);
    told.clean().await;
}

async fn a_message_that_says_something_else_is_set_right(told: &mut Told) {
    let message = told.message("Not me, sorry.").await;
    let path = format!("/messages/{}", message.id);
    told.webhook(reqwest::Method::PATCH, &path, json!({ "content": "It was me!" })).await;
    told.finds(LOOK, &[(Kind::Outdated, false)]).await;
    told.finds(REPAIR, &[(Kind::Outdated, true)]).await;
    assert_eq!(told.message("Not me, sorry.").await.id, message.id);
    told.clean().await;
}

async fn an_edit_that_was_lost_on_the_way_is_made(told: &mut Told) {
    told.stop().await;
    told.world.forum().edit(told.second, "Not me, really.").unwrap();
    let report = told.audit(LOOK).await;
    assert_eq!(found(&report), [(Kind::Outdated, false)], "{}", report.text());
    told.finds(REPAIR, &[(Kind::Outdated, true)]).await;
    let report = told.audit(LOOK).await;
    assert_eq!((report.findings.len(), report.seen.under_way), (0, 1), "{}", report.text());
    told.start().await;
    told.message("Not me, really.").await;
    told.clean().await;
}

async fn a_post_that_never_came_is_shown(told: &mut Told) {
    let message = told.message("Not me, sorry.").await;
    told.stop().await;
    told.world.discord().delete(message.id).unwrap();
    let post = told.second;
    told.sql(&format!("DELETE FROM part WHERE post = '{post}'; DELETE FROM history WHERE post = '{post}'"))
        .await;
    told.finds(LOOK, &[(Kind::Missing, false)]).await;
    told.finds(REPAIR, &[(Kind::Missing, true)]).await;
    told.start().await;
    told.message("Not me, sorry.").await;
    told.clean().await;
    // Nothing at all is known of another, and beside it one that the bridge has simply not met yet.
    let message = told.message("Not me, sorry.").await;
    told.stop().await;
    told.world.discord().delete(message.id).unwrap();
    for table in ["part", "history", "post"] {
        told.sql(&format!("DELETE FROM {table} WHERE post = '{post}'")).await;
    }
    told.world.forum().reply(told.thread, told.world.ann, "Found them.").unwrap();
    let report = told.finds(REPAIR, &[(Kind::Missing, true)]).await;
    assert_eq!(report.seen.under_way, 1, "{}", report.text());
    told.start().await;
    told.message("Found them.").await;
    told.message("Not me, sorry.").await;
    told.clean().await;
    assert_eq!(told.shown().len(), 3);
}

async fn what_the_forum_no_longer_shows_is_taken_away(told: &mut Told) {
    told.stop().await;
    told.world.forum().delete(told.second, Deletion::Hard).unwrap();
    told.finds(LOOK, &[(Kind::LeftOver, false)]).await;
    told.finds(REPAIR, &[(Kind::LeftOver, true)]).await;
    told.start().await;
    eventually("the removal", || (told.shown().len() == 1).then_some(())).await;
    told.clean().await;

    // A board that isn't bridged, and that the bridge can read.
    told.stop().await;
    let attic = told.world.forum().add_board("Attic");
    told.world.forum().move_thread(told.thread, attic, false).unwrap();
    told.finds(LOOK, &[(Kind::LeftOver, false)]).await;
    told.finds(REPAIR, &[(Kind::LeftOver, true)]).await;
    told.start().await;
    eventually("the removal", || told.shown().is_empty().then_some(())).await;
    told.clean().await;
}

async fn a_thread_that_went_private_is_taken_away(told: &mut Told) {
    told.stop().await;
    let attic = told.world.forum().add_board("Attic");
    told.world.forum().hide_board(attic).unwrap();
    told.world.forum().move_thread(told.thread, attic, false).unwrap();
    told.finds(LOOK, &[(Kind::LeftOver, false), (Kind::LeftOver, false)]).await;
    told.finds(REPAIR, &[(Kind::LeftOver, true), (Kind::LeftOver, true)]).await;
    told.start().await;
    eventually("the removal", || told.shown().is_empty().then_some(())).await;
    told.clean().await;
}

async fn a_message_of_a_post_that_is_known_to_be_gone_is_taken_away(told: &mut Told) {
    told.stop().await;
    told.world.forum().delete(told.second, Deletion::Soft).unwrap();
    told.sql(&format!("UPDATE post SET gone = 1 WHERE post = '{}'", told.second)).await;
    told.finds(LOOK, &[(Kind::LeftOver, false)]).await;
    told.finds(REPAIR, &[(Kind::LeftOver, true)]).await;
    told.start().await;
    eventually("the removal", || (told.shown().len() == 1).then_some(())).await;
    told.clean().await;
}

async fn a_doubled_message_is_taken_away(told: &mut Told) {
    let message = told.message("Not me, sorry.").await;
    let again = json!({ "content": message.content, "username": message.author_name });
    told.webhook(reqwest::Method::POST, "", again).await;
    assert_eq!(told.shown().len(), 3);
    told.finds(LOOK, &[(Kind::Doubled, false)]).await;
    told.finds(REPAIR, &[(Kind::Doubled, true)]).await;
    eventually("the removal", || (told.shown().len() == 2).then_some(())).await;
    assert_eq!(told.message("Not me, sorry.").await.id, message.id);
    told.clean().await;
}

async fn messages_that_the_database_forgot_are_known_again(told: &mut Told) {
    let before: Vec<u64> =
        told.world.discord().messages(told.room).iter().map(|message| message.id).collect();
    told.stop().await;
    told.sql("DELETE FROM part; DELETE FROM room; DELETE FROM history").await;
    told.finds(LOOK, &[(Kind::Unknown, false), (Kind::Unknown, false)]).await;
    told.finds(REPAIR, &[(Kind::Unknown, true), (Kind::Unknown, true)]).await;
    told.start().await;
    told.world.quiet().await;
    told.clean().await;
    told.world.forum().edit(told.second, "Not me, really.").unwrap();
    told.message("Not me, really.").await;
    let after: Vec<u64> = told.world.discord().messages(told.room).iter().map(|message| message.id).collect();
    assert_eq!(before, after);
    assert_eq!(told.world.discord().threads(told.world.forum_channel).len(), 1);
}

async fn a_message_that_names_no_post_is_told_of(told: &mut Told) {
    let stray = json!({ "content": "Buy my keys!", "username": "Mallory" });
    told.webhook(reqwest::Method::POST, "", stray).await;
    let report = told.finds(REPAIR, &[(Kind::Unknown, false)]).await;
    assert!(report.text().contains("Mallory") && report.text().contains("delete it"), "{}", report.text());
    let message = told.message("Buy my keys!").await;
    told.world.discord().delete(message.id).unwrap();
    told.clean().await;
}

async fn replies_that_are_on_one_side_only_are_found(told: &mut Told) {
    let said = told.world.discord().say(told.world.dora, told.room, "I have them.", None).unwrap();
    told.world.marked(said, "✅").await;
    let unsaid = told.world.discord().say(told.world.emil, told.room, "So have I.", None).unwrap();
    told.world.marked(unsaid, "✅").await;
    told.world.quiet().await;
    told.clean().await;
    told.stop().await;
    let post = told.world.posts_with(told.thread, "I have them.")[0];
    told.world.forum().delete(post, Deletion::Hard).unwrap();
    told.world.discord().delete(unsaid).unwrap();
    told.finds(LOOK, &[(Kind::ReplyLeft, false), (Kind::ReplyGone, false)]).await;
    told.finds(REPAIR, &[(Kind::ReplyLeft, true), (Kind::ReplyGone, true)]).await;
    told.start().await;
    told.world.marked(said, "⚠️").await;
    told.world.message(told.room, "this post was removed from the forum").await;
    let posts = || told.world.posts_with(told.thread, "So have I.");
    eventually("the withdrawal", || posts().is_empty().then_some(())).await;
    told.clean().await;
}

async fn a_title_and_a_lock_that_differ_are_set_right(told: &mut Told) {
    told.world.discord().rename_channel(told.room, "Something else").unwrap();
    told.world.discord().lock_thread(told.room, true).unwrap();
    told.finds(LOOK, &[(Kind::Dress, false)]).await;
    told.finds(REPAIR, &[(Kind::Dress, true)]).await;
    eventually("the title and the lock", || {
        let room = told.world.discord().channel(told.room)?;
        (room.name == "Keys" && !room.thread?.locked).then_some(())
    })
    .await;
    told.clean().await;
}

async fn a_job_that_was_given_up_is_told_of_with_its_reason_and_tried_again(told: &mut Told) {
    told.world.discord().fault(Some("POST"), "/webhooks", discord::Fault::Refuse(50035), 1);
    told.world.forum().reply(told.thread, told.world.ann, "Found them.").unwrap();
    while told.world.parked().await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let report = told.finds(LOOK, &[(Kind::Parked, false)]).await;
    assert!(report.text().contains("50035"), "{}", report.text());
    told.finds(REPAIR, &[(Kind::Parked, true)]).await;
    told.message("Found them.").await;
    told.clean().await;
}

async fn what_can_not_be_looked_at_is_no_good_news(told: &mut Told) {
    told.world.discord().set_bot_permissions(told.world.stage.guild, 0);
    let report = told.audit(LOOK).await;
    assert!(!report.ok() && report.findings.iter().all(|it| it.kind == Kind::Unseen), "{}", report.text());
}

async fn the_command_tells_people_and_programs(told: &mut Told) {
    let world = &told.world;
    let config = world.folder.0.join("audit.toml");
    let text = format!(
        "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\n[database]\nurl = \"{}\"\n\
         [[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\nurl = \"{}\"\nusername = \"{ACCOUNT}\"\npassword = \"{}\"\n\
         poll_seconds = 1\nmin_request_gap_ms = 0\ntimezone = \"Europe/London\"\n\
         [[bridges]]\nforum = \"edu\"\nboard = \"{}\"\nchannel = \"{}\"\n",
        world.discord().token(),
        world.discord().url(),
        world.database,
        world.forum().url(),
        forum::DEFAULT_PASSWORD,
        world.board,
        world.forum_channel,
    );
    std::fs::write(&config, text).unwrap();
    let command = async |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
        command.arg("audit").arg("--config").arg(&config).args(flags);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, said, progress) = command(&[]).await;
    assert_eq!(code, Some(0), "{said}{progress}");
    assert!(said.contains("nothing is wrong") && said.contains("Nothing is missing"), "{said}");
    assert!(!progress.is_empty());

    let message = told.message("Not me, sorry.").await;
    let path = format!("/messages/{}", message.id);
    told.webhook(reqwest::Method::PATCH, &path, json!({ "content": "It was me!" })).await;
    let (code, said, _) = command(&["--json"]).await;
    assert_eq!(code, Some(1), "{said}");
    let report: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&report["ok"], &report["repair"]), (&json!(false), &json!(false)));
    assert_eq!(report["bridges"][0]["carries"], format!("board {}", world.board));
    assert_eq!(report["seen"]["threads"], 1);
    let finding = &report["findings"][0];
    assert_eq!(finding["kind"], "outdated");
    assert_eq!(finding["post"], told.second.to_string());
    assert_eq!(finding["thread"], told.thread.to_string());
    assert_eq!(finding["channel"], told.room.to_string());
    assert_eq!(finding["message"], message.id.to_string());
    assert_eq!(finding["repaired"], false);
    let (code, said, _) = command(&["--repair"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("repaired"), "{said}");
    told.message("Not me, sorry.").await;
    assert_eq!(command(&["--gone", "keep"]).await.0, Some(2), "it goes with --repair alone");
}
