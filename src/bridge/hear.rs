//! What one gateway shard hears, for as long as this replica has its lease: events go to [`inbox`], and after
//! a new session [`catchup`] reads what was missed.
//!
//! What is heard in a channel waits until what was missed there is read: it would overtake what was said
//! before it, and move the watermark past it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::discord::Event;
use crate::model::{ChannelId, GuildId};

use super::{Heart, catchup, inbox};

/// How often it is looked whether events that had no place have one now.
const PLACE: Duration = Duration::from_secs(1);

/// How long what can't be read back is left alone, once it was tried a few times.
const AGAIN: Duration = Duration::from_secs(5);

/// Where live events wait while it is read what was missed.
#[derive(Default)]
pub struct Gate(Mutex<State>);

#[derive(Default)]
struct State {
    /// The channels that are read already; `None` while nothing is to be read.
    read: Option<HashSet<ChannelId>>,
    waiting: Vec<Event>,
}

impl Gate {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where nothing passes before it was read what was missed.
    fn closed() -> Self {
        let gate = Self::default();
        gate.close();
        gate
    }

    fn close(&self) {
        self.with(|state| {
            state.read.get_or_insert_default();
        });
    }

    /// Gives the event back unless it has to wait.
    fn pass(&self, event: Event) -> Option<Event> {
        self.with(|state| {
            let read = state.read.as_ref();
            if event.channel().is_none_or(|channel| read.is_none_or(|read| read.contains(&channel))) {
                return Some(event);
            }
            state.waiting.push(event);
            None
        })
    }

    /// Takes out what waits for a channel, or all; when nothing does, the way is free from now on.
    fn open(&self, channel: Option<ChannelId>) -> Vec<Event> {
        self.with(|state| {
            let (due, rest) = std::mem::take(&mut state.waiting)
                .into_iter()
                .partition(|event| channel.is_none() || event.channel() == channel);
            state.waiting = rest;
            let due: Vec<Event> = due;
            if due.is_empty() {
                match (channel, &mut state.read) {
                    (Some(channel), Some(read)) => drop(read.insert(channel)),
                    (None, read) => *read = None,
                    (Some(_), None) => {}
                }
            }
            due
        })
    }
}

impl Gate {
    /// Takes what waits for a channel that was read, or for any.
    pub async fn let_in(&self, heart: &Heart, channel: Option<ChannelId>, stop: &CancellationToken) {
        loop {
            let waiting = self.open(channel);
            if waiting.is_empty() {
                return;
            }
            for event in waiting {
                inbox::surely(heart, &event, stop).await;
            }
        }
    }
}

/// Takes what shard number `shard` of `of` hears until told to stop.
pub async fn run(
    heart: &Heart,
    mut events: mpsc::Receiver<Event>,
    shard: u32,
    of: u32,
    stop: CancellationToken,
) {
    // Nothing passes before the session has begun and it was read what was missed.
    let (gate, missed) = (Gate::closed(), Notify::new());
    let taking = async {
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = stop.cancelled() => return,
            };
            let Some(event) = event else { return };
            if matches!(event, Event::Ready { .. }) {
                gate.close();
                missed.notify_one();
            }
            if let Some(event) = gate.pass(event) {
                inbox::surely(heart, &event, &stop).await;
            }
        }
    };
    let catching_up = async {
        let mut known = heart.ties.known();
        tokio::select! {
            () = missed.notified() => {}
            () = stop.cancelled() => return,
        }
        loop {
            gate.close();
            let ours = |guild| shard_of(guild, of) == shard;
            let mut left = catchup::run(heart, ours, &gate, &stop).await;
            gate.let_in(heart, None, &stop).await;
            loop {
                tokio::select! {
                    () = missed.notified() => break,
                    _ = known.changed() => break,
                    () = tokio::time::sleep(AGAIN), if !left.is_empty() => {}
                    () = stop.cancelled() => return,
                }
                // However long Discord or the database fails: nobody else is going to tell of it.
                left = catchup::again(heart, left, &gate, &stop).await;
            }
        }
    };
    let placing = async {
        while !stop.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(PLACE) => {}
                () = stop.cancelled() => {}
            }
            inbox::place_due(heart).await;
        }
    };
    tokio::join!(taking, catching_up, placing);
}

/// The shard that hears of a guild.
/// <https://docs.discord.com/developers/events/gateway#sharding>
fn shard_of(guild: GuildId, of: u32) -> u32 {
    u32::try_from((guild.0 >> 22) % u64::from(of.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MessageId;

    fn deleted(channel: u64, message: u64) -> Event {
        Event::Deleted { channel: ChannelId(channel), messages: vec![MessageId(message)] }
    }

    #[test]
    fn what_is_heard_waits_for_what_was_missed_in_its_channel() {
        let gate = Gate::default();
        assert_eq!(gate.pass(deleted(1, 1)), Some(deleted(1, 1)), "nothing was missed");
        gate.close();
        assert_eq!(gate.pass(Event::Resumed), Some(Event::Resumed));
        for event in [deleted(1, 1), deleted(2, 2), deleted(1, 3)] {
            assert_eq!(gate.pass(event), None);
        }
        assert_eq!(gate.open(Some(ChannelId(1))), [deleted(1, 1), deleted(1, 3)]);
        assert_eq!(gate.pass(deleted(1, 4)), None, "it comes after those that are being taken");
        assert_eq!(gate.open(Some(ChannelId(1))), [deleted(1, 4)]);
        assert_eq!(gate.open(Some(ChannelId(1))), []);
        assert_eq!(gate.pass(deleted(1, 5)), Some(deleted(1, 5)));
        assert_eq!(gate.pass(deleted(2, 6)), None);
        assert_eq!(gate.open(None), [deleted(2, 2), deleted(2, 6)]);
        assert_eq!(gate.open(None), []);
        assert_eq!(gate.pass(deleted(2, 7)), Some(deleted(2, 7)));
    }

    #[test]
    fn what_is_heard_before_the_session_has_begun_waits_too() {
        let gate = Gate::closed();
        assert_eq!(gate.pass(deleted(1, 12)), None, "what was said before it has not been read");
        assert_eq!(gate.open(Some(ChannelId(1))), [deleted(1, 12)]);
    }

    #[test]
    fn guilds_are_spread_over_shards_as_discord_does() {
        assert_eq!(shard_of(GuildId(197_038_439_483_310_086), 1), 0);
        let shards: HashSet<u32> = (0..64).map(|n| shard_of(GuildId(n << 22), 4)).collect();
        assert_eq!(shards.len(), 4);
    }
}
