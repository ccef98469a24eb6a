//! The bridge between the two sandboxes, in a runtime of its own, which can be torn down in the middle of anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use threadbridge::app;
use threadbridge::clock::{Clock, SystemClock};
use threadbridge::config::Config;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The machine's clock with another time on it.
#[derive(Default)]
pub struct SetClock(pub AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now() + jiff::SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }
}

pub struct Bridge {
    pub config: Config,
    pub clock: Arc<SetClock>,
    pub running: Option<(Runtime, CancellationToken, JoinHandle<anyhow::Result<()>>)>,
}

impl Bridge {
    pub fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (config, clock, stop) = (self.config.clone(), self.clock.clone(), CancellationToken::new());
        let task = runtime.spawn({
            let stop = stop.clone();
            async move { app::run(&config, clock, stop).await }
        });
        self.running = Some((runtime, stop, task));
    }

    /// A bridge that could not open its database, or ended by itself, is started again.
    pub fn keep(&mut self) {
        if self.running.as_ref().is_none_or(|(.., task)| task.is_finished()) {
            self.kill();
            self.start();
        }
    }

    pub fn kill(&mut self) {
        if let Some((runtime, ..)) = self.running.take() {
            runtime.shutdown_background();
        }
    }

    pub async fn stop(&mut self) {
        if let Some((runtime, stop, task)) = self.running.take() {
            stop.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(12), task).await;
            runtime.shutdown_background();
        }
    }
}
