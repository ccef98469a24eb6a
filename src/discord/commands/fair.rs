//! Fair use: how often a person, and a guild, may ask. A person who asks without end uses up their own
//! allowance, not the guild's, and delays nobody.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::model::{GuildId, UserId};

/// How much may be asked at once, and how soon one more.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: u32,
    every: Duration,
}

/// Commands, buttons and forms.
const PERSON: Rate = Rate { burst: 15, every: Duration::from_secs(2) };
const GUILD: Rate = Rate { burst: 60, every: Duration::from_millis(500) };
/// Suggestions come with every letter that is typed; they are answered from the database.
const TYPING: Rate = Rate { burst: 40, every: Duration::from_millis(150) };
/// So many of each are remembered; those who have their whole allowance again are forgotten.
const MOST: usize = 10_000;

/// Counts who asks how often.
pub struct Fair {
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    people: HashMap<UserId, Instant>,
    guilds: HashMap<GuildId, Instant>,
    typing: HashMap<UserId, Instant>,
}

impl Fair {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, books: Mutex::default() }
    }

    /// Whether a person may ask now; else how long until they may.
    pub fn ask(&self, user: UserId, guild: Option<GuildId>) -> Result<(), Duration> {
        let now = self.clock.monotonic();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut books.people, user, PERSON, now)?;
        match guild {
            Some(guild) => take(&mut books.guilds, guild, GUILD, now),
            None => Ok(()),
        }
    }

    /// Whether a person may have suggestions now.
    pub fn typing(&self, user: UserId) -> bool {
        let now = self.clock.monotonic();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut books.typing, user, TYPING, now).is_ok()
    }
}

/// Keeps for each the moment at which their allowance is whole again; each question moves it on.
fn take<K: Hash + Eq>(
    book: &mut HashMap<K, Instant>,
    who: K,
    rate: Rate,
    now: Instant,
) -> Result<(), Duration> {
    if book.len() >= MOST {
        book.retain(|_, whole| *whole > now);
    }
    let whole = book.entry(who).or_insert(now);
    let next = (*whole).max(now) + rate.every;
    let ahead = next.saturating_duration_since(now);
    let most = rate.every * rate.burst;
    if ahead > most {
        return Err(ahead - most);
    }
    *whole = next;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn fair() -> (Arc<ManualClock>, Fair) {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        (clock.clone(), Fair::new(clock))
    }

    #[test]
    fn a_thousand_questions_of_one_leave_the_others_theirs() {
        let (clock, fair) = fair();
        let guild = Some(GuildId(1));
        let taken = (0..1000).filter(|_| fair.ask(UserId(1), guild).is_ok()).count();
        assert_eq!(taken, 15);
        assert!((2..30).all(|user| fair.ask(UserId(user), guild).is_ok()));
        assert!(fair.ask(UserId(1), guild).is_err());
        clock.advance(PERSON.every);
        assert!(fair.ask(UserId(1), guild).is_ok());
        assert!(fair.ask(UserId(1), guild).is_err());
    }

    #[test]
    fn a_guild_has_its_share_and_no_more() {
        let (_, fair) = fair();
        let asked = |guild: u64| {
            (0..100)
                .filter(|user| fair.ask(UserId(1000 * guild + user), Some(GuildId(guild))).is_ok())
                .count()
        };
        assert_eq!(asked(1), 60);
        assert_eq!(asked(2), 60);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (clock, fair) = fair();
        for user in 0..(MOST as u64 * 2) {
            let _ = fair.ask(UserId(user), None);
            clock.advance(Duration::from_secs(1));
        }
        assert!(fair.books.lock().unwrap().people.len() <= MOST);
    }
}
