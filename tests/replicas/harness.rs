//! Plays all stories at once, as far as there is room, and tells how each ended. Of libtest's arguments it knows the names:
//! a story is played when its name holds any of them.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A name, and what happens.
pub type Story = (&'static str, fn());

/// Stories, from functions of that name.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {
        [$((
            concat!(module_path!(), "::", stringify!($story)),
            || $crate::harness::tell($story()),
        )),*]
    };
}
pub(crate) use stories;

/// One story, in a runtime of its own.
pub fn tell(story: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().expect("a runtime").block_on(story);
}

pub fn play(stories: &[Story]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let chosen =
        stories.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|part| name.contains(*part)));
    let chosen: Vec<Story> = chosen.copied().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    println!("\nplaying {} of {} stories", chosen.len(), stories.len());
    let began = Instant::now();
    let playing: Vec<_> = chosen
        .into_iter()
        .map(|(name, story)| {
            let play = move || {
                let ended = catch_unwind(story).is_ok();
                println!(
                    "story {name} ... {} after {}",
                    if ended { "ok" } else { "FAILED" },
                    seconds(began.elapsed())
                );
                ended
            };
            // So that what went wrong tells where.
            std::thread::Builder::new().name(name.to_owned()).spawn(play).expect("a thread")
        })
        .collect();
    let count = playing.len();
    let failed =
        playing.into_iter().map(|story| story.join().is_ok_and(|ended| ended)).filter(|ended| !ended).count();
    println!("\nstories: {} passed, {failed} failed, in {}\n", count - failed, seconds(began.elapsed()));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
}
