//! Events about messages that are not written down yet. Discord tells of a reply or a reaction the moment
//! it is made, which may be before we have noted the message that it is about: such events wait here for
//! a moment. After a crash nothing waits; [`super::catchup`] reads what was said instead.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::discord::Event;
use crate::model::{ChannelId, MessageId};

/// More than a busy server sends while one request is under way.
const MOST: usize = 500;
const LONGEST: Duration = Duration::from_secs(120);

/// Another replica may write the message down, or a worker just as we look: it is looked for this long after
/// the event, and then after twice the time, until [`LONGEST`].
const FIRST_LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Unplaced {
    waiting: Mutex<VecDeque<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    /// When it is next looked whether it has its place.
    look: Instant,
    event: Event,
}

impl Unplaced {
    pub fn keep(&self, event: Event, now: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.len() >= MOST
            || waiting.front().is_some_and(|first| now.duration_since(first.since) > LONGEST)
        {
            waiting.pop_front();
        }
        waiting.push_back(Waiting { since: now, look: now + FIRST_LOOK, event });
    }

    /// What it is time to look for: Discord threads, and messages in them.
    pub fn due(&self, now: Instant) -> Vec<(ChannelId, Option<MessageId>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let due = waiting.iter_mut().filter(|waiting| waiting.look <= now);
        due.flat_map(|waiting| {
            waiting.look = now + now.duration_since(waiting.since);
            match &waiting.event {
                Event::Message(said) => vec![(said.channel, said.reply_to), (said.channel, None)],
                Event::Reacted { channel, message, .. } | Event::Unreacted { channel, message, .. } => {
                    vec![(*channel, Some(*message))]
                }
                _ => Vec::new(),
            }
        })
        .collect()
    }

    /// Takes out what is about this message, or was said in this Discord thread.
    pub fn about(&self, channel: ChannelId, message: Option<MessageId>) -> Vec<Event> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (placed, rest) = waiting.drain(..).partition(|waiting: &Waiting| match &waiting.event {
            Event::Message(said) => match message {
                Some(message) => said.reply_to == Some(message),
                None => said.channel == channel,
            },
            Event::Reacted { message: on, .. } | Event::Unreacted { message: on, .. } => Some(*on) == message,
            _ => false,
        });
        *waiting = rest;
        drop(waiting);
        let placed: VecDeque<Waiting> = placed;
        placed.into_iter().map(|waiting| waiting.event).collect()
    }
}
