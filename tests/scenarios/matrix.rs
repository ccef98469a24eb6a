//! Who may do what: every command there is, for every kind of person; and one person's thousand commands.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use threadbridge::sandbox::discord::Answer;

use crate::world::{World, eventually};

/// What a command asks of whoever gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    /// To be in a guild that a forum is bridged to.
    Reading,
    /// To be allowed to write in the channel as well.
    Writing,
    /// Manage Server.
    Managing,
}

use Needs::{Managing, Reading, Writing};

/// A command, what it needs, and options that fit it.
type Entry<'a> = (&'a str, Needs, Vec<(&'a str, Value)>);

/// Words by which a refusal for want of rights is known.
const REFUSALS: [&str; 6] = [
    "Manage Server",
    "may not write",
    "No such forum is bridged",
    "no such bridge",
    "shows no post",
    "no bridge to this server",
];

fn refused(answer: &Answer) -> bool {
    let text =
        answer.message.as_ref().map(|it| format!("{} {:?}", it.content, it.embeds)).unwrap_or_default();
    answer.modal.is_none() && REFUSALS.iter().any(|words| text.contains(words))
}

/// Every command by its whole name.
fn all(world: &World) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for command in world.discord().commands() {
        let name = command["name"].as_str().unwrap();
        let parts = command["options"].as_array().cloned().unwrap_or_default();
        let parts: Vec<_> = parts.iter().filter(|it| it["type"] == 1).collect();
        if parts.is_empty() {
            names.insert(name.to_owned());
        }
        names.extend(parts.iter().map(|it| format!("{name} {}", it["name"].as_str().unwrap())));
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_is_denied_to_those_who_lack_what_it_needs() {
    let mut world = World::new().await;
    let elsewhere = world.discord().add_guild("Elsewhere");
    let lounge = world.discord().add_text_channel(elsewhere, "lounge");
    let role = world.discord().add_role(elsewhere, "chief", 1 << 3);
    let outsider = world.discord().add_user("Outsider");
    world.discord().give_role(elsewhere, outsider, role);
    let mute = world.discord().add_user("Mute");
    let manager = world.person_with("Manager", 1 << 5 | 1 << 29);
    let everyone = world.dora;
    world.start(vec![world.feed()]).await;
    let feed = world.text_channel;
    world.discord().set_overwrite(feed, mute, 0, 1 << 11);
    let (thread, post) = world.forum().open_thread(world.board, world.ann, "Tip", "Label it.").unwrap();
    let message = world.message(feed, "Label it.").await.id;
    world.quiet().await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    for user in [everyone, mute, outsider] {
        world.discord().grant_command(user, "bridge");
    }

    let (thread, post, board) =
        (json!(thread.to_string()), json!(post.to_string()), json!(world.board.to_string()));
    let some = |name: &'static str, value: &Value| vec![(name, value.clone())];
    let one = json!("1");
    let matrix: Vec<Entry<'_>> = vec![
        ("thread show", Reading, some("thread", &thread)),
        ("thread latest", Reading, vec![]),
        ("thread info", Reading, some("thread", &thread)),
        ("thread search", Reading, some("words", &json!("label"))),
        ("thread new", Writing, some("board", &board)),
        ("member show", Reading, some("member", &json!("Ann"))),
        ("thanks who", Reading, some("post", &post)),
        ("thanks top", Reading, vec![]),
        ("account link", Reading, some("member", &json!("Ann"))),
        ("account signin", Reading, vec![]),
        ("account unlink", Reading, vec![]),
        ("account show", Reading, vec![]),
        ("bridge add", Managing, some("board", &board)),
        ("bridge list", Managing, vec![]),
        ("bridge pause", Managing, some("bridge", &one)),
        ("bridge resume", Managing, some("bridge", &one)),
        ("bridge remove", Managing, some("bridge", &one)),
        ("bridge backfill", Managing, some("bridge", &one)),
        ("bridge status", Managing, vec![]),
        ("bridge why", Managing, some("post", &post)),
        ("Thank the poster", Reading, vec![]),
        ("Who thanked?", Reading, vec![]),
        ("Reply on the forum", Writing, vec![]),
    ];
    let named: BTreeSet<String> = matrix.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(named, all(&world), "a command that is not in the matrix is not allowed to exist");

    let chatter = world.discord().say(outsider, lounge, "Hello", None).unwrap();
    for (who, user, channel, may) in [
        ("outsider", outsider, lounge, None),
        ("mute", mute, feed, Some(Reading)),
        ("everyone", everyone, feed, Some(Writing)),
        ("manager", manager, feed, Some(Managing)),
    ] {
        for (name, needs, options) in &matrix {
            world.clock.advance(Duration::from_secs(65));
            let asked = match name.chars().next() {
                Some(first) if first.is_uppercase() => {
                    let target = if channel == feed { message } else { chatter };
                    world.discord().message_command(user, target, name)
                }
                _ => world.discord().command(user, channel, name, options),
            };
            let answer = asked.unwrap_or_else(|it| panic!("{name}: {it}")).answer().await.unwrap();
            let allowed = may.is_some_and(|may| *needs <= may);
            // Nothing is linked for somebody to show elsewhere: that tells nothing of another guild.
            let harmless = *name == "account show" && answer.text().contains("no forum account");
            assert_eq!(
                !refused(&answer) || harmless,
                allowed || harmless,
                "{who}: {name}: {:?}",
                answer.message
            );
            if !allowed {
                assert!(answer.ephemeral(), "{who}: {name}: a refusal is nobody else's business");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_persons_thousand_commands_delay_nobody() {
    let mut world = World::new().await;
    world.start(vec![world.feed()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Tip", "Label it.").unwrap();
    world.message(world.text_channel, "Label it.").await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let reads = || world.forum().requests().get("GET /showthread.php").copied().unwrap_or(0);
    let before = reads();
    let options = [("thread", json!(thread.to_string()))];
    let ask = |user| world.discord().command(user, world.text_channel, "thread show", &options).unwrap();
    let flood: Vec<_> = (0..1000).map(|_| ask(world.dora)).collect();
    let answer = ask(world.emil).answer().await.expect("an answer in time");
    assert!(format!("{:?}", answer.message.unwrap().embeds).contains("Label it."));
    // A few of the flood were answered, a few were told to wait, and the rest cost the forum nothing.
    let (mut shown, mut told) = (0, 0);
    for asked in &flood {
        if let Ok(answer) = asked.answer().await {
            told += usize::from(answer.text().contains("a lot of questions"));
            shown += usize::from(!answer.ephemeral());
        }
    }
    assert!((1..60).contains(&shown) && (1..60).contains(&told), "{shown} shown, {told} told");
    assert!(reads() - before < 60, "{} reads of the forum", reads() - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_types_much_may_still_ask() {
    let mut world = World::new().await;
    world.start(vec![world.feed()]).await;
    world.forum().open_thread(world.board, world.ann, "Printer of doom", "It eats paper.").unwrap();
    world.message(world.text_channel, "It eats paper.").await;
    world.quiet().await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    for end in 1..=15 {
        let typed = [("thread", json!(&"printer of doom"[..end]))];
        let asked =
            world.discord().autocomplete(world.dora, world.text_channel, "thread show", &typed, "thread");
        assert_eq!(asked.unwrap().first().await.unwrap().choices.len(), 1);
    }
    let asked = world.discord().command(world.dora, world.text_channel, "thread latest", &[]).unwrap();
    assert!(format!("{:?}", asked.answer().await.unwrap().message).contains("Printer of doom"));
}
