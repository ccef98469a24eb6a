//! Nothing spins: whatever Discord or the forum refuses, and however long, few requests a minute are made in vain,
//! while people go on talking on both sides.

use std::time::{Duration, Instant};

use threadbridge::sandbox::discord::{self, VIEW_CHANNEL};
use threadbridge::sandbox::forum::{self, Lasts};

use crate::world::{World, eventually};

const WATCHED: Duration = Duration::from_secs(60);
/// No more in a minute than this, and one.
const MOST: usize = 9;

/// What refuses, for as long as anybody looks.
#[derive(Debug, Clone)]
enum Refusal {
    /// Every request to Discord of this method and place.
    Discord(Option<&'static str>, &'static str, discord::Fault),
    /// The bot may not even see its channels any more.
    Channels,
    /// Every request to the forum.
    Forum(&'static str),
    /// The forum does not know the bridge's password any more, nor the cookies that it had.
    SignIn,
}

const HOOK: &str = "/webhooks/{webhook_id}/{webhook_token}";

fn refusals() -> Vec<Refusal> {
    use Refusal::{Channels, Discord, Forum, SignIn};
    use discord::Fault::{BadGateway, Refuse, Status, TooManyRequests};
    let limited = |scope: &str, retry_after| TooManyRequests { scope: scope.to_owned(), retry_after };
    vec![
        Discord(None, "", Status(401)),
        Discord(None, "", Status(403)),
        Channels,
        Discord(Some("POST"), HOOK, Refuse(10015)),
        Discord(Some("POST"), HOOK, Refuse(50035)),
        Discord(None, "", limited("user", 0.0)),
        Discord(None, "", limited("shared", 0.0)),
        Discord(None, "", limited("global", 0.3)),
        // It says neither how long nor for whom.
        Discord(None, "", Status(429)),
        Discord(None, "", Status(500)),
        Discord(None, "", BadGateway),
        Discord(Some("POST"), HOOK, Status(503)),
        Forum("status 403"),
        Forum("status 503"),
        Forum("status 500"),
        Forum("maintenance"),
        Forum("cloudflare"),
        Forum("login-form"),
        SignIn,
    ]
}

/// A world in which much has been said over two bridges, and what is said next.
struct Talk {
    world: World,
    /// A forum thread and its Discord thread.
    threads: Vec<(u64, u64)>,
}

impl Talk {
    async fn begin() -> Self {
        let mut world = World::new().await;
        let bridges = vec![world.threads(), world.feed()];
        // As often as a configuration may ask a forum.
        let poll = Duration::from_secs(1);
        let config = world.stage.config(&world.folder.database(), poll, bridges).unwrap();
        world.start_configured(config).await;
        let mut threads = Vec::new();
        for title in ["One", "Two", "Three"] {
            let (thread, _) = world.forum().open_thread(world.board, world.ann, title, "Opening.").unwrap();
            let room = world.room(title).await;
            world.message(room, "Opening.").await;
            threads.push((thread, room));
        }
        let said = world.discord().say(world.dora, threads[0].1, "An answer.", None).unwrap();
        world.marked(said, "✅").await;
        Self { world, threads }
    }

    /// People do a little of everything; where the bot can't see them, neither can the test.
    fn go_on(&self, round: usize) {
        let world = &self.world;
        for (thread, room) in &self.threads {
            let post = world.forum().reply(*thread, world.bob, &format!("Post {round}.")).unwrap();
            let _ = world.forum().edit(post, &format!("Post {round}, corrected."));
            let _ = world.discord().say(world.dora, *room, &format!("Answer {round}."), None);
            if let Some(message) = world.find(*room, "Opening.") {
                let _ = match round % 2 {
                    0 => world.discord().react(world.dora, message.id, "🙏").map(drop),
                    _ => world.discord().unreact(world.dora, message.id, "🙏").map(drop),
                };
            }
        }
        let title = format!("Thread {round}");
        world.forum().open_thread(world.board, world.ann, &title, "Another.").unwrap();
    }

    fn refuse(&self, refusal: &Refusal) {
        let world = &self.world;
        match refusal {
            Refusal::Discord(method, place, fault) => {
                world.discord().fault(*method, place, fault.clone(), usize::MAX);
            }
            Refusal::Channels => {
                for channel in [world.forum_channel, world.text_channel] {
                    world.discord().set_overwrite(channel, world.discord().bot(), 0, VIEW_CHANNEL);
                }
            }
            Refusal::Forum(fault) => world.forum().fail(fault.parse().unwrap(), Lasts::UntilCleared),
            Refusal::SignIn => {
                let members = world.forum().members();
                let account = threadbridge::sandbox::stage::ACCOUNT;
                let bridge = members.iter().find(|member| member.name == account).unwrap().id;
                world.forum().change_password(bridge, "another").unwrap();
                world.forum().fail(forum::Fault::SignOut, Lasts::Times(1));
            }
        }
    }

    /// How many requests were refused until now, and which.
    fn refused(&self, refusal: &Refusal) -> Vec<String> {
        match refusal {
            Refusal::Discord(..) | Refusal::Channels => {
                let ledger = self.world.discord().ledger().into_iter();
                ledger
                    .filter(|entry| entry.status >= 400)
                    .map(|entry| format!("{} {} {} {}", entry.at, entry.status, entry.method, entry.path))
                    .collect()
            }
            Refusal::Forum(_) => {
                let requests = self.world.forum().requests();
                requests.into_iter().flat_map(|(path, count)| vec![path; count as usize]).collect()
            }
            Refusal::SignIn => {
                let ledger = self.world.forum().ledger().into_iter();
                ledger
                    .filter(|entry| matches!(entry.outcome, forum::Outcome::Refused(_)))
                    .map(|entry| format!("{} {:?} {:?}", entry.at, entry.action, entry.outcome))
                    .collect()
            }
        }
    }
}

/// The refused requests of a minute.
async fn minute_of(refusal: Refusal) -> (Refusal, Vec<String>) {
    let talk = Talk::begin().await;
    talk.world.quiet().await;
    talk.world.discord().clear_ledger();
    let before = talk.refused(&refusal).len();
    talk.refuse(&refusal);
    let over = Instant::now() + WATCHED;
    let mut round = 0;
    while Instant::now() < over {
        talk.go_on(round);
        round += 1;
        tokio::time::sleep((WATCHED / 12).min(over.saturating_duration_since(Instant::now()))).await;
    }
    let refused = talk.refused(&refusal);
    let news = match refusal {
        // Counted by path: which of them are new can't be told.
        Refusal::Forum(_) => refused[..refused.len() - before].to_vec(),
        _ => refused[before..].to_vec(),
    };
    (refusal, news)
}

/// The most of them within any minute, as on a slow machine it is a little more that is watched; all where they do
/// not say when they were.
fn in_a_minute(refused: &[String]) -> usize {
    let at = |line: &String| line.split(' ').next().and_then(|first| first.parse::<jiff::Timestamp>().ok());
    let times: Vec<_> = refused.iter().filter_map(at).collect();
    if times.len() < refused.len() {
        return refused.len();
    }
    let within = |first: &jiff::Timestamp| {
        times
            .iter()
            .filter(|time| *time >= first && time.duration_since(*first).unsigned_abs() < WATCHED)
            .count()
    };
    times.iter().map(within).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_requests_a_minute_are_refused_whatever_happens() {
    let mut minutes = tokio::task::JoinSet::new();
    let only = std::env::var("REFUSAL").ok();
    for refusal in refusals() {
        if only.as_ref().is_none_or(|only| format!("{refusal:?}").contains(only)) {
            minutes.spawn(minute_of(refusal));
        }
    }
    let mut spinning = Vec::new();
    while let Some(minute) = minutes.join_next().await {
        let (refusal, refused) = minute.expect("the world stands");
        println!("{refusal:?}: {} refused", refused.len());
        if in_a_minute(&refused) > MOST {
            spinning.push(format!("{refusal:?}: {} refused: {refused:#?}", refused.len()));
        }
        if refused.is_empty() {
            spinning.push(format!("{refusal:?} was never met"));
        }
    }
    assert!(spinning.is_empty(), "{}", spinning.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_a_day_holds_up_its_own_channel_alone() {
    let mut world = World::new().await;
    world.start(vec![world.threads(), world.feed()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Long", "Opening.").unwrap();
    let room = world.room("Long").await;
    world.message(room, "Opening.").await;
    world.message(world.text_channel, "Opening.").await;
    let hook = |channel| {
        let messages = world.discord().messages(channel);
        messages.into_iter().find_map(|message| message.webhook).expect("a webhook")
    };
    let place = format!("/webhooks/{}/", hook(world.text_channel));
    let endless = discord::Fault::TooManyRequests { scope: "user".to_owned(), retry_after: 1e12 };
    world.discord().fault(Some("POST"), &place, endless, 1);
    for number in 0..3 {
        world.forum().reply(thread, world.bob, &format!("Post {number}.")).unwrap();
        world.message(room, &format!("Post {number}.")).await;
    }
    eventually("the limit to be met", || (world.discord().faults_left() == 0).then_some(())).await;
    assert!(world.find(world.text_channel, "Post 0.").is_none(), "Discord had said no");
    // No longer than a day is believed.
    world.clock.advance(Duration::from_secs(24 * 3600 + 60));
    world.message(world.text_channel, "Post 2.").await;
    let shown = world.mirrored(world.text_channel);
    assert_eq!(shown.len(), 4, "{shown:?}");
}
