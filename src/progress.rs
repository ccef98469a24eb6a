//! How far something long is, told on standard error to whoever waits for it.

use std::cell::Cell;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How far something is: one line that moves, on standard error where that is a terminal, else nothing.
pub struct Bar {
    terminal: bool,
    told: Option<u64>,
}

impl Bar {
    const WIDTH: usize = 40;

    pub fn new() -> Self {
        Self { terminal: stderr().is_terminal(), told: None }
    }

    pub fn show(&mut self, done: u64, of: u64) {
        let percent = (done * 100).checked_div(of).unwrap_or(100).min(100);
        if !self.terminal || self.told.replace(percent) == Some(percent) && done < of {
            return;
        }
        let full = usize::try_from(percent).unwrap_or(0) * Self::WIDTH / 100;
        let end = if done < of { "" } else { "\n" };
        let bar = "█".repeat(full) + &"░".repeat(Self::WIDTH - full);
        let mut error = stderr();
        let _ = write!(error, "\r{bar} {percent:3} %  {done} of {of}{end}").and_then(|()| error.flush());
    }
}

/// What is being looked at, on standard error: one line that changes on a terminal, else a line now and then.
pub struct Line {
    terminal: bool,
    told: Cell<Option<Instant>>,
}

impl Line {
    const NOW_AND_THEN: Duration = Duration::from_secs(10);

    pub fn new() -> Self {
        Self { terminal: stderr().is_terminal(), told: Cell::default() }
    }

    pub fn show(&self, text: &str) {
        let mut error = stderr();
        if self.terminal {
            self.told.set(Some(Instant::now()));
            let _ = write!(error, "\r\x1b[K{text}").and_then(|()| error.flush());
        } else if self.told.get().is_none_or(|told| told.elapsed() >= Self::NOW_AND_THEN) {
            self.told.set(Some(Instant::now()));
            let _ = writeln!(error, "{text}");
        }
    }

    pub fn end(&self) {
        if self.terminal && self.told.get().is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
