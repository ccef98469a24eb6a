//! Hands on what happens, in the order in which it happens.
//!
//! serenity gives every event to its handlers in a task of its own, and those overtake each other. Only a collector
//! is called by serenity itself, one event after another, and a session can be given one no sooner than its first
//! event is there. So the word that a session has begun is taken from a handler, which adds the collector; whatever
//! happened between the two was missed, and is read back with all that happened before the session.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serenity::all::{Context, Event as Heard, RawEventHandler};
use serenity::gateway::CollectorCallback;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::translate;
use crate::discord::Event;

/// Hears one session after another.
pub(super) struct Ear {
    events: mpsc::Sender<Event>,
    overrun: CancellationToken,
    /// The number of the newest session.
    session: Arc<AtomicU64>,
}

impl Ear {
    /// `overrun` is cancelled when there is no room for an event: after a gap nothing more is handed on.
    pub fn new(events: mpsc::Sender<Event>, overrun: CancellationToken) -> Self {
        Self { events, overrun, session: Arc::default() }
    }
}

#[async_trait]
impl RawEventHandler for Ear {
    async fn raw_event(&self, context: Context, event: Heard) {
        if !matches!(event, Heard::Ready(_)) {
            return;
        }
        let number = self.session.fetch_add(1, Ordering::SeqCst) + 1;
        let line = Arc::new(Line {
            events: self.events.clone(),
            overrun: self.overrun.clone(),
            begun: Mutex::new(translate::event(event)),
        });
        let (session, collecting) = (self.session.clone(), line.clone());
        context.shard.add_collector(CollectorCallback(Box::new(move |event| {
            let newest = session.load(Ordering::SeqCst) == number;
            if newest && let Some(event) = translate::event(event.clone()) {
                collecting.pass(Some(event));
            }
            newest
        })));
        line.pass(None);
    }
}

/// Where the events of one session go.
struct Line {
    events: mpsc::Sender<Event>,
    overrun: CancellationToken,
    /// That the session has begun, until it was said.
    begun: Mutex<Option<Event>>,
}

impl Line {
    /// Nothing is said before the session has begun.
    fn pass(&self, event: Option<Event>) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for event in begun.take().into_iter().chain(event) {
            let full = matches!(self.events.try_send(event), Err(mpsc::error::TrySendError::Full(_)));
            if full || self.overrun.is_cancelled() {
                return self.overrun.cancel();
            }
        }
    }
}
