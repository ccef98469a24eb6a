//! `/bridge`: bridges that are made, paused and removed while the process runs, and how they are doing.

use serde_json::{Value, json};
use threadbridge::sandbox::discord::{Answer, Fault};
use threadbridge::sandbox::forum;

use crate::openapi::OpenApi;
use crate::world::{World, eventually};

const MANAGE_SERVER: u64 = 1 << 5;
const MANAGE_WEBHOOKS: u64 = 1 << 29;

/// Everything of an answer that a person can read or press.
fn shown(answer: &Answer) -> String {
    let message = answer.message.clone().expect("an answer");
    format!("{} {:?} {:?}", message.content, message.embeds, message.components)
}

async fn ask(world: &World, user: u64, channel: u64, path: &str, options: &[(&str, Value)]) -> Answer {
    // Nobody asks faster than is fair.
    world.clock.advance(std::time::Duration::from_secs(2));
    let asked = world.discord().command(user, channel, path, options);
    asked.unwrap_or_else(|refused| panic!("{path}: {refused}")).answer().await.unwrap()
}

async fn started(
    bridges: impl FnOnce(&World) -> Vec<threadbridge::config::BridgeConfig>,
) -> (World, u64, u64) {
    let mut world = World::new().await;
    let workshop = world.forum().add_board("Workshop");
    let boss = world.person_with("Boss", MANAGE_SERVER | MANAGE_WEBHOOKS);
    let bridges = bridges(&world);
    world.start(bridges).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    (world, workshop, boss)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_is_made_paused_resumed_and_removed() {
    let (world, workshop, boss) = started(|world| vec![world.threads()]).await;
    let feed = world.text_channel;
    let typed = world.discord().autocomplete(boss, feed, "bridge add", &[("board", json!("work"))], "board");
    let choices = typed.unwrap().first().await.unwrap().choices;
    assert_eq!(choices, [("Workshop".to_owned(), json!(workshop.to_string()))]);
    let made = ask(&world, boss, feed, "bridge add", &[("board", choices[0].1.clone())]).await;
    assert!(made.ephemeral() && made.text().contains(&format!("Workshop → <#{feed}>")), "{}", shown(&made));
    let again = ask(&world, boss, feed, "bridge add", &[("board", choices[0].1.clone())]).await;
    assert!(again.text().contains("already"), "{}", shown(&again));

    world.quiet().await;
    let (thread, _) = world.forum().open_thread(workshop, world.ann, "Lathe", "It hums.").unwrap();
    let message = world.message(feed, "It hums.").await;
    let listed = ask(&world, boss, feed, "bridge list", &[]).await;
    assert!(shown(&listed).contains("from the configuration file") && shown(&listed).contains("Workshop"));

    let typed =
        world.discord().autocomplete(boss, feed, "bridge pause", &[("bridge", json!("work"))], "bridge");
    let id = typed.unwrap().first().await.unwrap().choices[0].1.clone();
    let paused = ask(&world, boss, feed, "bridge pause", &[("bridge", id.clone())]).await;
    assert!(paused.text().starts_with("Paused"), "{}", shown(&paused));
    world.forum().reply(thread, world.bob, "Oil it.").unwrap();
    let said = world.discord().say(world.dora, feed, "How?", Some(message.id)).unwrap();
    world.marked(said, "⚠️").await;
    world.discord().react(world.emil, message.id, "🙏").unwrap();
    world.quiet().await;
    assert!(world.find(feed, "Oil it.").is_none());
    let first = world.forum().posts(thread)[0].id;
    assert!(world.forum().thanks(first).is_empty());

    ask(&world, boss, feed, "bridge resume", &[("bridge", id.clone())]).await;
    world.message(feed, "Oil it.").await;
    eventually("the thanks", || (world.forum().thanks(first).len() == 1).then_some(())).await;
    assert!(world.posts_with(thread, "How?").is_empty(), "it was told that it does not cross");

    let removed = ask(&world, boss, feed, "bridge remove", &[("bridge", id.clone())]).await;
    assert!(removed.text().starts_with("Removed"), "{}", shown(&removed));
    world.forum().reply(thread, world.bob, "Gone deaf.").unwrap();
    world.quiet().await;
    assert!(world.find(feed, "Gone deaf.").is_none());
    let listed = ask(&world, boss, feed, "bridge list", &[]).await;
    assert!(!shown(&listed).contains("Workshop"), "{}", shown(&listed));
    // The file's own bridge stays.
    let from_file = ask(&world, boss, feed, "bridge remove", &[("bridge", json!("1"))]).await;
    assert!(from_file.text().contains("configuration file"), "{}", shown(&from_file));
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_before_a_pause_waits_for_its_end() {
    let (mut world, _, boss) = started(|world| vec![world.feed()]).await;
    let feed = world.text_channel;
    let (thread, post) = world.forum().open_thread(world.board, world.ann, "Lathe", "It hums.").unwrap();
    let message = world.message(feed, "It hums.").await.id;
    let doomed = world.forum().reply(thread, world.bob, "Forget this.").unwrap();
    world.message(feed, "Forget this.").await;
    world.quiet().await;
    // Neither side takes anything for a moment, so that what is said waits.
    world.discord().fault(Some("POST"), "/webhooks", Fault::Status(503), 1_000);
    world.forum().fail_at("/newreply.php", forum::Fault::Status(503, Some(1)), forum::Lasts::UntilCleared);
    world.forum().reply(thread, world.bob, "Oil it.").unwrap();
    let said = world.discord().say(world.dora, feed, "With which oil?", Some(message)).unwrap();
    world.marked(said, "⏳").await;
    let bridge = [("bridge", json!("1"))];
    ask(&world, boss, feed, "bridge pause", &bridge).await;
    world.discord().clear_faults();
    world.forum().heal();
    // What changes on the forum meanwhile is not passed by for good.
    world.forum().edit(post, "It howls.").unwrap();
    world.forum().delete(doomed, forum::Deletion::Hard).unwrap();
    world.clock.advance(std::time::Duration::from_secs(300));
    world.held(2).await;
    assert!(world.find(feed, "Oil it.").is_none() && world.posts_with(thread, "With which oil?").is_empty());
    assert!(world.find(feed, "It howls.").is_none() && world.find(feed, "Forget this.").is_some());
    // A restart changes nothing about it.
    world.stop().await.unwrap();
    let config = world.config(vec![world.feed()]);
    world.start_with(config).await;
    eventually("the gateway", || (world.discord().sessions().0 > 0).then_some(())).await;
    world.held(2).await;
    assert!(world.find(feed, "Oil it.").is_none() && world.posts_with(thread, "With which oil?").is_empty());

    ask(&world, boss, feed, "bridge resume", &bridge).await;
    world.message(feed, "Oil it.").await;
    world.post(thread, "With which oil?").await;
    world.marked(said, "✅").await;
    world.message(feed, "It howls.").await;
    eventually("the withdrawal", || world.find(feed, "Forget this.").is_none().then_some(())).await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "With which oil?").len(), 1);
    assert_eq!(world.mirrored(feed).iter().filter(|words| words.contains("Oil it.")).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_made_in_discord_outlives_a_restart() {
    let (mut world, workshop, boss) = started(|world| vec![world.threads()]).await;
    ask(&world, boss, world.text_channel, "bridge add", &[("board", json!(workshop.to_string()))]).await;
    world.quiet().await;
    world.stop().await.unwrap();
    world.forum().open_thread(workshop, world.ann, "Lathe", "It hums.").unwrap();
    world.start(vec![world.threads()]).await;
    world.message(world.text_channel, "It hums.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_in_that_channel_is_said_before_anything_is_done() {
    let (world, workshop, boss) = started(|world| vec![world.threads()]).await;
    let board = [("board", json!(workshop.to_string()))];
    let bot = world.stage.discord.bot();
    world.discord().set_overwrite(world.text_channel, bot, 0, MANAGE_WEBHOOKS | 1 << 34);
    let refused = ask(&world, boss, world.text_channel, "bridge add", &board).await;
    for part in ["the bot lacks", "Manage Webhooks", "Manage Threads"] {
        assert!(refused.text().contains(part), "{part} in {}", shown(&refused));
    }
    let weak = world.person_with("Weak", MANAGE_SERVER);
    let lacking = ask(&world, weak, world.text_channel, "bridge add", &board).await;
    assert!(lacking.text().contains("you lack Manage Webhooks"), "{}", shown(&lacking));
    let hall = world.discord().add_text_channel(world.stage.guild, "hall");
    world.discord().set_overwrite(hall, bot, 0, 1 << 10);
    let unseen = [("board", json!(workshop.to_string())), ("channel", json!(hall.to_string()))];
    let unseen = ask(&world, boss, world.text_channel, "bridge add", &unseen).await;
    assert!(unseen.text().contains("View Channel"), "{}", shown(&unseen));

    // What only the bridge's account may read is for the configuration file.
    let cellar = world.forum().add_board("Cellar");
    world.forum().hide_board(cellar).unwrap();
    let account = world.forum().members().into_iter().find(|m| m.name == "Discord Bridge").unwrap().id;
    world.forum().let_in(cellar, account).unwrap();
    let open = world.discord().add_text_channel(world.stage.guild, "open");
    let hidden = ask(&world, boss, open, "bridge add", &[("board", json!(cellar.to_string()))]).await;
    assert!(hidden.text().contains("configuration file"), "{}", shown(&hidden));
    let neither = ask(&world, boss, open, "bridge add", &[]).await;
    assert!(neither.text().contains("one of the two"), "{}", shown(&neither));
    let listed = ask(&world, boss, open, "bridge list", &[]).await;
    assert!(!shown(&listed).contains("Workshop") && !shown(&listed).contains("Cellar"), "{}", shown(&listed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_guild_is_seen_or_changed_from_another() {
    let mut world = World::new().await;
    let elsewhere = world.discord().add_guild("Elsewhere");
    let lounge = world.discord().add_text_channel(elsewhere, "lounge");
    let boss = world.person_with("Boss", MANAGE_SERVER | MANAGE_WEBHOOKS);
    let stranger = world.discord().add_user("Stranger");
    let role = world.discord().add_role(elsewhere, "chief", MANAGE_SERVER | MANAGE_WEBHOOKS);
    world.discord().give_role(elsewhere, stranger, role);
    world.start(vec![world.feed()]).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let (thread, post) = world.forum().open_thread(world.board, world.ann, "Tip", "Label it.").unwrap();
    let message = world.message(world.text_channel, "Label it.").await;

    let listed = ask(&world, stranger, lounge, "bridge list", &[]).await;
    assert!(shown(&listed).contains("no bridge to this server"), "{}", shown(&listed));
    let url = format!("{}showthread.php?p={post}", world.forum().url());
    for (path, options) in [
        ("bridge pause", vec![("bridge", json!("1"))]),
        ("bridge remove", vec![("bridge", json!("1"))]),
        ("bridge backfill", vec![("bridge", json!("1"))]),
        ("bridge status", vec![("bridge", json!("1"))]),
        ("bridge why", vec![("post", json!(url))]),
        ("bridge add", vec![("board", json!(world.board.to_string()))]),
        (
            "bridge add",
            vec![
                ("board", json!(world.board.to_string())),
                ("channel", json!(world.text_channel.to_string())),
            ],
        ),
        ("thread show", vec![("thread", json!(thread.to_string()))]),
        ("thanks who", vec![("post", json!(url))]),
        ("thanks top", vec![]),
    ] {
        let answer = ask(&world, stranger, lounge, path, &options).await;
        assert!(answer.ephemeral(), "{path}: {}", shown(&answer));
        assert!(
            answer.text().contains("no such bridge") || answer.text().contains("No such forum"),
            "{path}: {}",
            shown(&answer)
        );
        assert!(!shown(&answer).contains("Label"), "{path}");
    }
    // Buttons say which guild they are pressed in, whatever their id says.
    let status = ask(&world, boss, world.text_channel, "bridge status", &[]).await;
    assert!(shown(&status).contains("Staffroom"), "{}", shown(&status));
    let typed =
        world.discord().autocomplete(stranger, lounge, "bridge pause", &[("bridge", json!(""))], "bridge");
    assert!(typed.unwrap().first().await.unwrap().choices.is_empty());
    // A forum that this guild is invited to may be bridged by its managers.
    world.stop().await.unwrap();
    let mut config = world.config(vec![world.feed()]);
    config.forums[0].guilds = vec![threadbridge::model::GuildId(elsewhere)];
    world.start_with(config).await;
    let made = eventually_asked(&world, stranger, lounge, &[("board", json!(world.board.to_string()))]).await;
    assert!(made.contains("Made"), "{made}");
    world.quiet().await;
    world.forum().reply(thread, world.bob, "Both ends.").unwrap();
    world.message(lounge, "Both ends.").await;
    assert!(world.find(lounge, "Label it.").is_none());
    let listed = ask(&world, boss, world.text_channel, "bridge list", &[]).await;
    assert!(!shown(&listed).contains(&lounge.to_string()), "{}", shown(&listed));
    let _ = message;
}

/// `/bridge add`, as soon as the new process answers.
async fn eventually_asked(world: &World, user: u64, channel: u64, options: &[(&str, Value)]) -> String {
    eventually("the gateway", || (world.discord().sessions().0 > 0).then_some(())).await;
    world.quiet().await;
    shown(&ask(world, user, channel, "bridge add", options).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_posts_are_previewed_and_brought_over() {
    let (world, workshop, boss) = started(|world| vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(workshop, world.ann, "Lathe", "post one").unwrap();
    for text in ["post two", "post three"] {
        world.forum().reply(thread, world.bob, text).unwrap();
    }
    let feed = world.text_channel;
    ask(&world, boss, feed, "bridge add", &[("board", json!(workshop.to_string()))]).await;
    world.quiet().await;
    assert!(world.mirrored(feed).is_empty());
    let plan =
        ask(&world, boss, feed, "bridge backfill", &[("bridge", json!("2")), ("posts", json!(2))]).await;
    assert!(shown(&plan).contains("**2 posts** of 1 threads"), "{}", shown(&plan));
    world.quiet().await;
    assert!(world.mirrored(feed).is_empty(), "a preview changes nothing");
    let press = |id: &'static str, message| world.discord().press(boss, message, id, &[]).unwrap();
    press("backfill|2|2", plan.message.clone().unwrap().id);
    world.message(feed, "post three").await;
    let preview = plan.message.unwrap().id;
    eventually("the last word", || {
        let message = world.discord().message(preview)?;
        message.content.contains("Done").then_some(())
    })
    .await;
    assert_eq!(world.mirrored(feed).len(), 2);
    let all = ask(&world, boss, feed, "bridge backfill", &[("bridge", json!("2"))]).await;
    assert!(shown(&all).contains("**3 posts** of 1 threads"), "{}", shown(&all));
    press("backfill|2|all", all.message.unwrap().id);
    world.message(feed, "post one").await;
    world.quiet().await;
    assert_eq!(world.mirrored(feed).len(), 3, "what is shown already is not shown again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_is_seen_retried_and_discarded() {
    let (world, _, boss) = started(|world| vec![world.feed()]).await;
    let feed = world.text_channel;
    world.discord().fault(Some("POST"), "/webhooks", Fault::Refuse(50006), 2);
    let (thread, post) = world.forum().open_thread(world.board, world.ann, "Tip", "Label it.").unwrap();
    world.forum().reply(thread, world.bob, "In pencil.").unwrap();
    let mut status = ask(&world, boss, feed, "bridge status", &[]).await;
    while !shown(&status).contains("**Given up: 2**") {
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        status = ask(&world, boss, feed, "bridge status", &[]).await;
    }
    assert!(shown(&status).contains("show post") && shown(&status).contains("50006"), "{}", shown(&status));
    let url = format!("{}showthread.php?p={post}", world.forum().url());
    let why = ask(&world, boss, feed, "bridge why", &[("post", json!(url))]).await;
    for part in ["seen on the forum", "queued", "given up"] {
        assert!(shown(&why).contains(part), "{part} in {}", shown(&why));
    }
    let message = status.message.unwrap();
    let ids: Vec<String> = message
        .components
        .iter()
        .flat_map(|row| row["components"].as_array().unwrap().clone())
        .map(|button| button["custom_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 4);
    let pressed = world.discord().press(boss, message.id, &ids[0], &[]).unwrap().answer().await.unwrap();
    assert!(shown(&pressed).contains("tried again"), "{}", shown(&pressed));
    world.message(feed, "Label it.").await;
    let pressed = world.discord().press(boss, message.id, &ids[3], &[]).unwrap().answer().await.unwrap();
    assert!(shown(&pressed).contains("discarded"), "{}", shown(&pressed));
    world.quiet().await;
    assert!(world.find(feed, "In pencil.").is_none());
    let why = ask(&world, boss, feed, "bridge why", &[("post", json!(url))]).await;
    for part in ["sent", "shown by 1 message"] {
        assert!(shown(&why).contains(part), "{part} in {}", shown(&why));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_is_mirrored_from_its_page() {
    let (world, workshop, boss) = started(|world| vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(workshop, world.ann, "Lathe", "It hums.").unwrap();
    let feed = world.text_channel;
    let options = [("thread", json!(thread.to_string()))];
    let page = ask(&world, world.dora, feed, "thread show", &options).await;
    assert!(!shown(&page).contains("Mirror here"), "not for those who may not");
    let page = ask(&world, boss, feed, "thread show", &options).await;
    assert!(shown(&page).contains("Mirror here"), "{}", shown(&page));
    let id = format!("mirror|{}|{thread}", "edu");
    let id = shown(&page).split('"').find(|part| part.starts_with("mirror|")).map_or(id, str::to_owned);
    // Anybody can press what everybody sees.
    let page = page.message.unwrap();
    let refused = world.discord().press(world.dora, page.id, &id, &[]).unwrap().answer().await.unwrap();
    let words = refused.follow_ups.first().cloned().or(refused.message).unwrap();
    assert!(words.content.contains("Manage Server"), "{}", words.content);
    world.discord().press(boss, page.id, &id, &[]).unwrap().answer().await.unwrap();
    world.quiet().await;
    world.forum().reply(thread, world.bob, "Oil it.").unwrap();
    world.message(feed, "Oil it.").await;
    let page = ask(&world, boss, feed, "thread show", &options).await;
    assert!(!shown(&page).contains("Mirror here"), "it is mirrored now");
}

/// Everybody else is told no, for every part of the command, even where the server's settings let them try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_managers_manage() {
    let (world, workshop, _) = started(|world| vec![world.threads()]).await;
    let everyone = world.dora;
    let helper = world.person_with("Helper", 1 << 13 | 1 << 34 | MANAGE_WEBHOOKS);
    let admin = world.person_with("Admin", 1 << 3);
    for user in [everyone, helper] {
        let refused = world.discord().command(user, world.text_channel, "bridge list", &[]);
        assert!(refused.is_err(), "Discord itself asks for Manage Server");
        world.discord().grant_command(user, "bridge");
    }
    let some = |name: &'static str, value: Value| vec![(name, value)];
    let matrix = [
        ("bridge add", some("board", json!(workshop.to_string()))),
        ("bridge list", vec![]),
        ("bridge pause", some("bridge", json!("1"))),
        ("bridge resume", some("bridge", json!("1"))),
        ("bridge remove", some("bridge", json!("1"))),
        ("bridge backfill", some("bridge", json!("1"))),
        ("bridge status", vec![]),
        ("bridge why", some("post", json!("1"))),
    ];
    for (user, allowed) in [(everyone, false), (helper, false), (admin, true)] {
        for (path, options) in &matrix {
            let answer = ask(&world, user, world.text_channel, path, options).await;
            assert!(answer.ephemeral(), "{path}");
            assert_eq!(
                !answer.text().contains("needs the permission Manage Server"),
                allowed,
                "{path}: {}",
                shown(&answer)
            );
        }
    }
    // Every part of the command is in the matrix.
    let parts = world.discord().commands().into_iter().find(|it| it["name"] == "bridge").unwrap();
    assert_eq!(parts["options"].as_array().unwrap().len(), matrix.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_tells_the_same_story_beside_the_running_bridge() {
    let mut world = World::new().await;
    let (_, old) = world.forum().open_thread(world.board, world.ann, "Old", "Ancient words.").unwrap();
    world.start(vec![world.threads()]).await;
    let (thread, post) = world.forum().open_thread(world.board, world.ann, "Tip", "Label it.").unwrap();
    let room = world.room("Tip").await;
    let message = world.message(room, "Label it.").await;
    let said = world.discord().say(world.dora, room, "Both ends.", None).unwrap();
    world.marked(said, "✅").await;
    world.forum().edit(post, "Label it well.").unwrap();
    world.message(room, "Label it well.").await;
    world.quiet().await;
    let reply = world.post(thread, "Both ends.").await;
    let config = world.config(vec![world.threads()]);
    let why = |address: String| {
        let (config, clock) = (&config, world.clock.clone());
        async move { threadbridge::why::story(config, &address, clock).await }
    };
    let url = |post: u64| format!("{}showthread.php?p={post}#post{post}", world.forum().url());
    let story = why(url(post)).await.unwrap();
    for part in [
        "In thread",
        "Tip",
        "seen on the forum",
        "queued",
        "sent",
        "found changed",
        "edited in Discord",
        &message.id.to_string(),
    ] {
        assert!(story.contains(part), "{part} in {story}");
    }
    assert!(why(url(reply)).await.unwrap().contains("came from Discord"));
    assert!(why(url(old)).await.unwrap().contains("older than the bridge"));
    let error = why("https://elsewhere.example/showthread.php?p=1".to_owned()).await.unwrap_err().to_string();
    assert!(error.contains("no address of a configured forum"), "{error}");
    let error =
        why(format!("{}showthread.php?t={thread}", world.forum().url())).await.unwrap_err().to_string();
    assert!(error.contains("names no post"), "{error}");
}
