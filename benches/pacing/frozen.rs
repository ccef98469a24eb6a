//! Time that stands still while anything works. The program runs as it is, sockets, threads and database, but its
//! clock, tokio's own, moves on by a step only once every thread of the process sleeps: what it takes to compute
//! costs no time, so a figure says what was decided, not how busy the machine was.
//!
//! Whether a thread sleeps is read from Linux: twice, and nothing may have been scheduled in between. How far the
//! step may go is what tokio itself waits for: the time to its next timer, with which it entered the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use threadbridge::clock::Clock;

/// Where it can't be read for how long tokio would wait: as fine as its timers are.
const STEP: Duration = Duration::from_millis(1);

/// Tokio's clock, paused or not.
struct FrozenClock {
    start: Instant,
    began: Timestamp,
}

impl Clock for FrozenClock {
    fn now(&self) -> Timestamp {
        self.began + self.monotonic().saturating_duration_since(self.start)
    }

    fn monotonic(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// Runs this in time of its own, which begins on the first of May 2026.
pub fn run<F>(work: impl FnOnce(Arc<dyn Clock>) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    fastrand::seed(1);
    runtime.block_on(async {
        let start = tokio::time::Instant::now().into_std();
        let clock = Arc::new(FrozenClock { start, began: "2026-05-01T12:00:00Z".parse()? });
        let over = Arc::new(AtomicBool::new(false));
        let (asleep, mut next) = tokio::sync::mpsc::unbounded_channel();
        let (moved, has_moved) = mpsc::channel();
        let waiting = fs::read_link("/proc/thread-self").context("no /proc: this needs Linux")?;
        // While this runs tokio lets time stand, and does not move it by itself.
        let watching = tokio::task::spawn_blocking({
            let over = over.clone();
            move || {
                let me = fs::read_link("/proc/thread-self").context("no /proc: this needs Linux")?;
                let me = me.file_name().map(PathBuf::from).unwrap_or_default();
                while !over.load(Ordering::Relaxed) {
                    if all_asleep(&me)? {
                        asleep.send(to_next_timer(&waiting))?;
                        has_moved.recv()?;
                    } else {
                        std::thread::sleep(Duration::from_micros(200));
                    }
                }
                anyhow::Ok(())
            }
        });
        let moving = async {
            while let Some(step) = next.recv().await {
                tokio::time::advance(step).await;
                if moved.send(()).is_err() {
                    return;
                }
            }
        };
        let outcome = tokio::select! {
            outcome = work(clock) => outcome,
            () = moving => Ok(()),
        };
        over.store(true, Ordering::Relaxed);
        drop(moved);
        // It may have been waiting for the next step.
        drop(watching.await?);
        outcome
    })
}

/// Whether every thread but this one slept at one same moment.
fn all_asleep(me: &Path) -> anyhow::Result<bool> {
    let Some(before) = sleepers(me)? else { return Ok(false) };
    Ok(sleepers(me)?.is_some_and(|after| after == before))
}

/// How often each thread was scheduled so far; `None` while one of them is at work.
fn sleepers(me: &Path) -> anyhow::Result<Option<Vec<(PathBuf, String)>>> {
    let mut times = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        if thread.ends_with(me) {
            continue;
        }
        // One that is gone has nothing more to do.
        let Ok(state) = fs::read_to_string(thread.join("stat")) else { continue };
        if state.rsplit_once(") ").is_none_or(|(_, rest)| !rest.starts_with('S')) {
            return Ok(None);
        }
        let scheduled = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
        times.push((thread, scheduled));
    }
    Ok(Some(times))
}

/// The time for which a thread entered the kernel to wait for events, by its `epoll_wait`.
fn to_next_timer(thread: &Path) -> Duration {
    let call = fs::read_to_string(Path::new("/proc").join(thread).join("syscall")).unwrap_or_default();
    let numbers: Vec<&str> = call.split(' ').collect();
    // Of x86-64 and of arm64.
    let millis = match numbers.as_slice() {
        ["232" | "281" | "22", _, _, _, timeout, ..] => {
            u64::from_str_radix(timeout.trim_start_matches("0x"), 16).ok()
        }
        _ => None,
    };
    // Endless is written as a negative number.
    millis.filter(|millis| (1..=600_000).contains(millis)).map_or(STEP, Duration::from_millis)
}
