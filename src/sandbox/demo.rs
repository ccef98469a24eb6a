//! `threadbridge demo`: a small community on both sides, the real bridge between them over real HTTP and
//! WebSocket, and one page that shows both. Needs no token, no network and no set-up.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::discord::{self, Limits, Person};
use super::forum::{self, Community, Face, seed_community};
use super::page;
use super::stage::{Folder, Stage};
use crate::app;
use crate::clock::SystemClock;
use crate::config::{BridgeConfig, Layout, Start};

/// How often the demo's bridge looks at the forum: nobody likes to wait.
const POLL: Duration = Duration::from_secs(1);
/// What a step of the transcript may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Manage Server and Manage Webhooks.
const MANAGERS: u64 = 1 << 5 | 1 << 29;

/// Where things are on the demo's stage.
struct Scene {
    stage: Stage,
    community: Community,
    /// A Discord forum channel, and a text channel.
    staffroom: u64,
    noticeboard: u64,
    people: Vec<u64>,
}

/// Runs the demo until told to stop; `headless` plays one round trip as text and ends.
pub async fn run(
    face: Face,
    port: u16,
    open: bool,
    headless: bool,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let scene = set(face).await.context("the sandbox can't start")?;
    let folder = Folder::new().context("the demo needs a temporary folder")?;
    let stage = scene.stage.clone();
    let config = stage.config(&folder.database(), POLL, scene.bridges())?;
    let bridge = {
        let (clock, stop) = (stage.clock.clone(), stop.child_token());
        tokio::spawn(async move { app::run(&config, clock, stop).await })
    };
    let shown = async {
        if headless {
            return transcript(&scene).await;
        }
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.with_context(|| {
            format!("can't show the page on port {port}; choose another with --port (0 takes a free one)")
        })?;
        let address = format!("http://{}/", listener.local_addr()?);
        say(&format!("The demo is at {address}\nPress Ctrl-C to end it."));
        if open {
            open_browser(&address);
        }
        let filled = limits_once_filled(&scene);
        let routes = page::router(Arc::new(stage.clone()));
        let served = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::select! {
            served = served.into_future() => served?,
            never = filled => match never {},
        }
        Ok(())
    };
    let outcome = tokio::select! {
        outcome = shown => outcome,
        () = stop.cancelled() => Ok(()),
    };
    stop.cancel();
    let bridged = bridge.await.context("the bridge broke down")?;
    stage.discord.stop();
    stage.forum.stop().await;
    outcome.and(bridged)
}

/// From when everything that was on the forum is shown, Discord keeps its real limits.
async fn limits_once_filled(scene: &Scene) -> std::convert::Infallible {
    let Scene { stage, community, staffroom, .. } = scene;
    let posts = stage.forum.posts(community.long_thread).len();
    loop {
        let shown = stage.discord.threads(*staffroom).into_iter().map(|room| room.messages.len()).max();
        if shown.is_some_and(|shown| shown >= posts) {
            stage.discord.set_limits(Limits::default());
            return std::future::pending().await;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A person who closed the terminal is no reason to fail.
fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

fn open_browser(address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    let _ = std::process::Command::new(program).arg(address).stdout(quiet()).stderr(quiet()).spawn();
}

/// Sets the stage: the community on the forum, people and channels in Discord.
async fn set(face: Face) -> anyhow::Result<Scene> {
    let forum = forum::Options { face, title: "The Server Cupboard".to_owned(), ..forum::Options::default() };
    // What is already on the forum arrives at once; from then on Discord's real limits hold.
    let discord = discord::Options { limits: Limits::off(), ..discord::Options::default() };
    let stage = Stage::start(forum, discord, Arc::new(SystemClock)).await?;
    let community = seed_community(&stage.forum)?;
    let discord = &stage.discord;
    let tags = ["Question", "Guide", "Solved", "News"];
    let staffroom = discord.add_forum_channel(stage.guild, "staffroom", &tags);
    let noticeboard = discord.add_text_channel(stage.guild, "noticeboard");
    let people = ["Ada", "Bram", "Chidi", "Dot"]
        .map(|name| discord.add_person(Person { name: name.to_owned(), ..Person::default() }))
        .to_vec();
    // One of them manages the server, so that /bridge can be tried as well.
    if let Some(first) = people.first() {
        let role = discord.add_role(stage.guild, "managers", MANAGERS);
        discord.give_role(stage.guild, *first, role);
    }
    Ok(Scene { stage, community, staffroom, noticeboard, people })
}

impl Scene {
    /// The first board as a Discord forum, the others as a feed.
    fn bridges(&self) -> Vec<BridgeConfig> {
        let threads =
            |board, channel| BridgeConfig { start: Start::All, ..self.stage.bridge(board, channel) };
        let mut bridges = Vec::new();
        let main = self.stage.forum.thread(self.community.long_thread).map(|thread| thread.board);
        for board in &self.community.boards {
            bridges.push(if Some(*board) == main {
                threads(*board, self.staffroom)
            } else {
                BridgeConfig {
                    layout: Layout::Feed,
                    start: Start::Newest(1),
                    ..self.stage.bridge(*board, self.noticeboard)
                }
            });
        }
        bridges
    }
}

/// One round trip, told as it happens.
async fn transcript(scene: &Scene) -> anyhow::Result<()> {
    let Scene { stage, community, staffroom, people, .. } = scene;
    let (forum, discord) = (&stage.forum, &stage.discord);
    let thread = community.long_thread;
    let title = forum.thread(thread).map(|facts| facts.title).unwrap_or_default();
    let posts = forum.posts(thread).len();
    say(&format!("A forum at {} and a Discord at {}, the bridge between them.", forum.url(), discord.url()));

    let room = wait("the thread to appear in Discord", || {
        let room = discord.threads(*staffroom).into_iter().find(|room| room.name == title)?;
        (discord.messages(room.id).len() >= posts).then_some(room.id)
    })
    .await?;
    discord.set_limits(Limits::default());
    say(&format!("forum -> Discord  the thread \"{title}\" with its {posts} posts"));

    let author = community.members.get(1).copied().unwrap_or(community.staff);
    let text = "Has anybody else seen the new fibre hum? Ours sings.";
    let post = forum.reply(thread, author, text)?;
    let shown = wait("the post to appear in Discord", || {
        let found =
            discord.messages(room).into_iter().find(|message| message.content.contains("fibre hum"))?;
        found.webhook.is_some().then_some(found)
    })
    .await?;
    let mut line = format!("forum -> Discord  {}: ", shown.author_name);
    let _ = write!(line, "{}", shown.content.lines().next().unwrap_or_default());
    say(&line);

    let person = people.first().copied().unwrap_or_default();
    let answer = discord.say(person, room, "Only when it is **cold**. Earth the cabinet.", Some(shown.id))?;
    let reply = wait("the reply to reach the forum", || {
        forum.posts(thread).into_iter().find(|post| post.text.contains("Earth the cabinet"))
    })
    .await?;
    say(&format!("Discord -> forum  {}", reply.text.replace('\n', " / ")));
    wait("the tick", || discord.reactions(answer).iter().any(|(emoji, _)| emoji == "✅").then_some(()))
        .await?;
    say("Discord           ✅ on the reply: the forum has it");

    discord.react(person, shown.id, "🙏")?;
    wait("the thanks", || (!forum.thanks(post).is_empty()).then_some(())).await?;
    wait("the thanks in Discord", || {
        discord.message(shown.id).filter(|message| message.content.contains("1 thanks")).map(drop)
    })
    .await?;
    say("Discord -> forum  🙏 thanks the post, and its last line says so");

    discord.unreact(person, shown.id, "🙏")?;
    wait("the thanks to be withdrawn", || forum.thanks(post).is_empty().then_some(())).await?;
    say("Discord -> forum  🙏 taken back: the thanks are withdrawn");
    Ok(())
}

/// Waits for something to be seen.
async fn wait<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let look = async {
        loop {
            if let Some(seen) = seen() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.with_context(|| format!("waited in vain for {what}"))
}
