//! How close a backlog comes to what Discord's limits allow. The outbox, the store and the pacer work as they
//! do in the bridge, against the sandbox's Discord with its limits and a round trip of 100 ms.
//!
//! `cargo bench --bench pacing --features virtual-time` measures what is decided: in [`frozen`] time, over the real
//! windows, whatever else the machine does. Without the feature time is real, and what the machine has to compute
//! counts; windows are then a quarter of the real ones, but for the bot's own 50 requests a second.
//!
//! The bound, for `n` messages to a channel that takes `L` in `W` seconds and `P` in a minute, one after the
//! other with a round trip `r`: the larger of `(ceil(n/L)-1)W + ((n-1) mod L)r` and `(ceil(n/P)-1)60`; and for
//! all together `N/50 - 1` seconds.

#[cfg(feature = "virtual-time")]
mod frozen;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use threadbridge::bridge::job::{Job, News, ThreadFacts};
use threadbridge::bridge::tie::Tie;
use threadbridge::bridge::{Heart, leases, outbox};
use threadbridge::clock::Clock;
use threadbridge::config::{BridgeConfig, Layout};
use threadbridge::discord::rest::Rest;
use threadbridge::health::Health;
use threadbridge::markup::Doc;
use threadbridge::model::{Author, ChannelId, Post, PostId, ThreadId, ViewerThanks, Visibility};
use threadbridge::sandbox::discord::{self, Discord, Fault, Limits};
use threadbridge::sandbox::forum;
use threadbridge::sandbox::stage::{Folder, Stage};
use threadbridge::store::{self, Effect, Priority};
use tokio_util::sync::CancellationToken;

/// How long Discord's windows are here.
const SCALE: f64 = if cfg!(feature = "virtual-time") { 1.0 } else { 0.25 };
const TRIP: f64 = 0.1;
/// What the sandbox allows: messages of one webhook, of one channel, and of the bot in a second.
const PER_WEBHOOK: (usize, f64) = (5, 2.0);
const PER_CHANNEL: (usize, f64) = (30, 60.0);
const GLOBAL: f64 = 50.0;

struct Bench {
    heart: Arc<Heart>,
    discord: Discord,
    ties: Vec<Arc<Tie>>,
    posts: u64,
}

impl Bench {
    /// Queues so many posts for each channel, as if they were read page by page.
    async fn queue(&mut self, load: &[(usize, usize)], priority: Priority) -> anyhow::Result<()> {
        let now = self.heart.store.now().await?;
        let most = load.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let mut effects = Vec::new();
        for round in 0..most {
            for (channel, _) in load.iter().filter(|(_, count)| *count > round) {
                self.posts += 1;
                let tie = &self.ties[*channel];
                let thread = ThreadId::new(channel.to_string());
                let facts = ThreadFacts {
                    id: thread.clone(),
                    board: None,
                    title: "Backlog".to_owned(),
                    prefix: None,
                    closed: false,
                    sticky: false,
                    tags: Vec::new(),
                };
                let job = Job::Show {
                    bridge: tie.id(),
                    thread: facts,
                    post: Box::new(post(self.posts)),
                    news: News::New,
                };
                effects.push(Effect::Enqueue(job.queued(tie.lane(&thread), priority, now)?));
            }
        }
        self.heart.apply(None, effects).await?;
        Ok(())
    }

    async fn drained(&self) -> anyhow::Result<()> {
        while self.heart.store.counts().await?.waiting > 0 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }

    /// How long the last answer that was waited for took to come, from the moment that the work was queued.
    fn took(&self, began: Timestamp) -> Duration {
        let last = self.discord.ledger().last().map_or(began, |entry| entry.at);
        Duration::try_from(last.duration_since(began)).unwrap_or_default() + Duration::from_secs_f64(TRIP)
    }

    fn refused(&self) -> usize {
        self.discord.ledger().iter().filter(|entry| entry.status == 429).count()
    }

    /// A load on channels that were quiet before: the figures of one row.
    async fn row(&mut self, name: &str, load: Vec<(usize, usize)>) -> anyhow::Result<()> {
        // Let every window end.
        tokio::time::sleep(Duration::from_secs_f64(PER_CHANNEL.1 * SCALE + 1.5)).await;
        let before = self.refused();
        let began = self.heart.clock.now();
        self.queue(&load, Priority::Live).await?;
        self.drained().await?;
        let took = self.took(began).as_secs_f64();
        let bound = bound(load.iter().map(|(_, count)| *count));
        let messages: usize = load.iter().map(|(_, count)| *count).sum();
        println!(
            "{name:>10} {messages:>9} {bound:>8.1} s {took:>8.1} s {:>7.3} {:>6}",
            took / bound,
            self.refused() - before
        );
        Ok(())
    }
}

fn bound(counts: impl Iterator<Item = usize>) -> f64 {
    let windows = |count: usize, limit: usize| (count.div_ceil(limit) - 1) as f64;
    let (mut longest, mut all) = (0.0_f64, 0);
    for count in counts {
        let visible = windows(count, PER_WEBHOOK.0) * PER_WEBHOOK.1 * SCALE
            + ((count - 1) % PER_WEBHOOK.0) as f64 * TRIP;
        let hidden = windows(count, PER_CHANNEL.0) * PER_CHANNEL.1 * SCALE;
        longest = longest.max(visible).max(hidden);
        all += count;
    }
    // The last answer is waited for, too.
    longest.max((all as f64 / GLOBAL).ceil() - 1.0) + TRIP
}

fn post(number: u64) -> Post {
    Post {
        id: PostId::new(number.to_string()),
        url: format!("https://forum.example/showthread.php?p={number}"),
        number: None,
        title: None,
        posted_at: None,
        posted_text: None,
        edited_at: None,
        author: Author { name: "Ann".to_owned(), ..Author::default() },
        body: Doc::text(format!("Words of post {number}.")),
        quotes: Vec::new(),
        mentions: Vec::new(),
        attachments: Vec::new(),
        thanks: Vec::new(),
        thanks_total: None,
        visibility: Visibility::Shown,
        viewer_thanks: ViewerThanks::Unknown,
    }
}

#[cfg(feature = "virtual-time")]
fn main() -> anyhow::Result<()> {
    frozen::run(measure)
}

#[cfg(not(feature = "virtual-time"))]
fn main() -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(measure(Arc::new(threadbridge::clock::SystemClock)))
}

async fn measure(clock: Arc<dyn Clock>) -> anyhow::Result<()> {
    let options = discord::Options { limits: Limits::off(), ..discord::Options::default() };
    let stage = Stage::start(forum::Options::default(), options, clock.clone()).await?;
    let folder = Folder::new()?;
    let store = store::open(&folder.database(), clock.clone()).await?;
    let discord = stage.discord.clone();
    let rest = Rest::new(discord.token().into(), &url::Url::parse(&discord.url())?, clock.clone())?;
    let heart =
        Arc::new(Heart::new(store.clone(), Vec::new(), rest.clone(), clock, Health::default(), None, None));
    let channels: Vec<u64> =
        (0..500).map(|n| discord.add_text_channel(stage.guild, &format!("channel-{n}"))).collect();
    let configs: Vec<BridgeConfig> = channels
        .iter()
        .zip(1..)
        .map(|(channel, board)| BridgeConfig { layout: Layout::Feed, ..stage.bridge(board, *channel) })
        .collect();
    let mut bridges = store.sync_bridges(&configs).await?;
    bridges.sort_by_key(|bridge| bridge.channel);
    let mut ties = Vec::new();
    for (bridge, channel) in bridges.into_iter().zip(&channels) {
        let tie = Arc::new(Tie::new(bridge, rest.channel(ChannelId(*channel)).await?));
        heart.ties.insert(Tie::new(tie.bridge.clone(), tie.channel.clone()));
        rest.webhook(ChannelId(*channel)).await?;
        let lease = leases::of_channel(ChannelId(*channel));
        store
            .take_lease(&lease, heart.leases.holder(), Duration::from_secs(86_400).as_millis() as i64)
            .await?;
        ties.push(tie);
    }
    let stop = CancellationToken::new();
    let working = tokio::spawn(outbox::work(heart.clone(), stop.clone()));
    let mut bench = Bench { heart, discord: discord.clone(), ties, posts: 0 };
    discord.set_limits(Limits::scaled(SCALE));
    discord.fault(None, "", Fault::SlowAnswer(Duration::from_secs_f64(TRIP)), usize::MAX);

    // What no header tells is found out once, and that every channel takes something.
    bench.queue(&[(499, 32)], Priority::Live).await?;
    bench.drained().await?;
    bench.queue(&(0..499).map(|channel| (channel, 1)).collect::<Vec<_>>(), Priority::Live).await?;
    bench.drained().await?;
    println!("found out with {} refused request(s) what no header tells", bench.refused());
    println!("{:>10} {:>9} {:>10} {:>10} {:>7} {:>6}", "load", "messages", "bound", "took", "ratio", "429s");
    bench.row("1x100", vec![(0, 100)]).await?;
    bench.row("10x20", (0..10).map(|channel| (channel, 20)).collect()).await?;
    bench.row("50x20", (0..50).map(|channel| (channel, 20)).collect()).await?;
    bench.row("500x2", (0..500).map(|channel| (channel, 2)).collect()).await?;
    let harmonic: f64 = (1..=50).map(|rank| 1.0 / f64::from(rank)).sum();
    let zipf = |rank: usize| ((1000.0 / harmonic / rank as f64).round() as usize).max(1);
    bench.row("Zipf", (0..50).map(|channel| (channel, zipf(channel + 1))).collect()).await?;
    cold(&mut bench).await?;

    stop.cancel();
    working.await?;
    discord.stop();
    Ok(())
}

/// A thousand posts wait for one channel; how soon does one arrive in another that was quiet?
async fn cold(bench: &mut Bench) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_secs_f64(PER_CHANNEL.1 * SCALE + 1.5)).await;
    bench.queue(&[(0, 1000)], Priority::Live).await?;
    let mut took = Vec::new();
    for channel in 100..200 {
        let at = bench.heart.clock.monotonic();
        bench.queue(&[(channel, 1)], Priority::Live).await?;
        let place = bench.ties[channel].bridge.channel.0;
        let before = bench.discord.messages(place).len();
        while bench.discord.messages(place).len() == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        took.push(bench.heart.clock.monotonic() - at);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    took.sort();
    println!(
        "a quiet channel behind 1000 messages for another: p50 {} ms, p99 {} ms",
        took[took.len() / 2].as_millis(),
        took[took.len() * 99 / 100].as_millis()
    );
    Ok(())
}
