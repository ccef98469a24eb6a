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

/// Somebody who goes on asking is told so this often; then there is no answer, for answers cost as well.
const TOLD: u32 = 3;

/// Why a person may not ask now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfair {
    /// They are told when they may.
    Wait(Duration),
    /// They have been told.
    Silence,
}

/// When an allowance is whole again, and how often its owner was refused since they were last let through.
struct Allowance {
    whole: Instant,
    refused: u32,
}

/// Counts who asks how often.
pub struct Fair {
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    people: HashMap<UserId, Allowance>,
    guilds: HashMap<GuildId, Allowance>,
    typing: HashMap<UserId, Allowance>,
}

impl Fair {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, books: Mutex::default() }
    }

    /// Whether a person may ask now.
    pub fn ask(&self, user: UserId, guild: Option<GuildId>) -> Result<(), Unfair> {
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
    book: &mut HashMap<K, Allowance>,
    who: K,
    rate: Rate,
    now: Instant,
) -> Result<(), Unfair> {
    if book.len() >= MOST {
        book.retain(|_, allowance| allowance.whole > now);
    }
    let allowance = book.entry(who).or_insert(Allowance { whole: now, refused: 0 });
    let next = allowance.whole.max(now) + rate.every;
    let ahead = next.saturating_duration_since(now);
    let most = rate.every * rate.burst;
    if ahead > most {
        allowance.refused = allowance.refused.saturating_add(1);
        let silent = allowance.refused > TOLD;
        return Err(if silent { Unfair::Silence } else { Unfair::Wait(ahead - most) });
    }
    *allowance = Allowance { whole: next, refused: 0 };
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
        assert_eq!(fair.ask(UserId(1), guild), Err(Unfair::Silence), "they have been told");
        clock.advance(PERSON.every);
        assert!(fair.ask(UserId(1), guild).is_ok());
        assert!(matches!(fair.ask(UserId(1), guild), Err(Unfair::Wait(_))));
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
