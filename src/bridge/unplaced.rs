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

#[derive(Debug, Default)]
pub struct Unplaced {
    waiting: Mutex<VecDeque<(Instant, Event)>>,
}

impl Unplaced {
    pub fn keep(&self, event: Event, now: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.len() >= MOST
            || waiting.front().is_some_and(|(at, _)| now.duration_since(*at) > LONGEST)
        {
            waiting.pop_front();
        }
        waiting.push_back((now, event));
    }

    /// Takes out what is about this message, or was said in this Discord thread.
    pub fn about(&self, channel: ChannelId, message: Option<MessageId>) -> Vec<Event> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (placed, rest) = waiting.drain(..).partition(|(_, event)| match event {
            Event::Message(said) => match message {
                Some(message) => said.reply_to == Some(message),
                None => said.channel == channel,
            },
            Event::Reacted { message: on, .. } | Event::Unreacted { message: on, .. } => Some(*on) == message,
            _ => false,
        });
        *waiting = rest;
        drop(waiting);
        placed.into_iter().map(|(_, event): (Instant, Event)| event).collect()
    }
}
