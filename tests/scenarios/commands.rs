//! The slash commands, through real interactions.

use std::time::Duration;

use serde_json::json;
use threadbridge::sandbox::forum::{Fault, Lasts};

use crate::openapi::OpenApi;
use crate::world::{World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_are_shown_and_listed() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Printer of doom", "It eats paper.").unwrap();
    let room = world.room("Printer of doom").await;
    world.message(room, "It eats paper.").await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;

    let shown = |answer: &threadbridge::sandbox::discord::Answer| {
        let message = answer.message.clone().expect("an answer");
        format!("{} {:?} {:?}", message.content, message.embeds, message.components)
    };
    let id = thread.to_string();
    let asked = world.discord().command(world.dora, room, "thread show", &[("thread", json!(id))]).unwrap();
    let answer = asked.answer().await.unwrap();
    assert!(shown(&answer).contains("It eats paper."), "{}", shown(&answer));
    assert!(shown(&answer).contains("Ann"));

    let url = format!("{}showthread.php?t={thread}", world.forum().url());
    let asked = world.discord().command(world.dora, room, "thread show", &[("thread", json!(url))]).unwrap();
    assert!(shown(&asked.answer().await.unwrap()).contains("It eats paper."));

    let asked = world.discord().command(world.dora, room, "thread latest", &[]).unwrap();
    let answer = asked.answer().await.unwrap();
    assert!(shown(&answer).contains("Printer of doom"), "{}", shown(&answer));

    world.forum().reply(thread, world.bob, "Feed it rags.").unwrap();
    world.message(room, "Feed it rags.").await;
    let asked = world.discord().command(world.dora, room, "thread info", &[("thread", json!(id))]).unwrap();
    let answer = asked.answer().await.unwrap();
    for part in ["**Started by** Ann", "**Last post by** Bob", "**Replies** 1", "**Board** Staffroom"] {
        assert!(shown(&answer).contains(part), "{part} in {}", shown(&answer));
    }
    let typed = world.discord().autocomplete(
        world.dora,
        room,
        "thread info",
        &[("thread", json!("printer"))],
        "thread",
    );
    let choices = typed.unwrap().first().await.unwrap().choices;
    assert_eq!(choices.len(), 1);
    assert_eq!(choices[0].0, "Printer of doom");
    let asked = world
        .discord()
        .command(world.dora, room, "thread info", &[("thread", choices[0].1.clone())])
        .unwrap();
    assert!(shown(&asked.answer().await.unwrap()).contains("Printer of doom"));

    let asked =
        world.discord().command(world.dora, room, "thread show", &[("thread", json!("999999"))]).unwrap();
    let answer = asked.answer().await.unwrap();
    assert!(answer.ephemeral(), "what failed is nobody else's business");
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_guests_may_not_read_is_not_shown_elsewhere() {
    let mut world = World::new().await;
    let cellar = world.forum().add_board("Cellar");
    world.forum().hide_board(cellar).unwrap();
    let account = world.forum().members().into_iter().find(|m| m.name == "Discord Bridge").unwrap().id;
    world.forum().let_in(cellar, account).unwrap();
    let (secret, _) = world.forum().open_thread(cellar, world.ann, "Secret", "Behind the boiler.").unwrap();
    let private = world.discord().add_text_channel(world.stage.guild, "private");
    world.start(vec![world.threads(), world.stage.bridge(cellar, private)]).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;

    let ask = |channel| {
        world.discord().command(world.dora, channel, "thread show", &[("thread", json!(secret.to_string()))])
    };
    let elsewhere = ask(world.text_channel).unwrap().answer().await.unwrap();
    let text = format!("{:?}", elsewhere.message);
    assert!(!text.contains("boiler"), "{text}");
    let here = ask(private).unwrap().answer().await.unwrap();
    assert!(format!("{:?}", here.message).contains("boiler"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_in_direct_messages() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let dm = world.discord().add_dm();
    let names = ["thread latest", "account show", "bridge list"];
    for name in names {
        assert!(world.discord().command(world.dora, dm, name, &[]).is_err(), "{name} is not on offer");
    }
    // Clients keep old lists: what comes all the same is told off, in private.
    for name in names {
        world.clock.advance(Duration::from_secs(5));
        world.discord().grant_command(world.dora, name.split(' ').next().unwrap());
        let asked = world.discord().command(world.dora, dm, name, &[]).unwrap();
        let answer = asked.answer().await.unwrap();
        assert!(answer.ephemeral() && answer.text().contains("only works in a server"), "{name}");
    }
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interaction_that_expires_harms_nobody_else() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Printer of doom", "It eats paper.").unwrap();
    let room = world.room("Printer of doom").await;
    world.message(room, "It eats paper.").await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let options = [("thread", json!(thread.to_string()))];
    let show = || world.discord().command(world.dora, room, "thread show", &options).unwrap();
    let slow = || {
        world.forum().fail_at(
            "/showthread.php",
            Fault::SlowDrip(Duration::from_millis(20)),
            Lasts::UntilCleared,
        )
    };

    // The forum is so slow that the answer has to be announced, and by then Discord waits no longer.
    slow();
    let late = show();
    world.clock.advance(Duration::from_secs(4));
    assert!(late.answer().await.is_err());
    // Announced in time; then the token runs out while the forum is read.
    let longer = show();
    assert_eq!(longer.first().await.unwrap().kind, 5);
    world.clock.advance(Duration::from_secs(16 * 60));
    assert!(longer.answer().await.is_err());
    world.forum().heal();
    let asked = show();
    let shown = asked.answer().await.unwrap().message.expect("an answer");
    assert!(format!("{shown:?}").contains("It eats paper."), "{shown:?}");
}
