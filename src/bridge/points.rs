//! The moments at which a crash is most unkind: before and after every step that touches the outside or
//! the database. Named here, in one place, so that the kill tests can go through all of them.
//!
//! In a debug build, `THREADBRIDGE_KILL_AT=name` or `name:3` kills the process (SIGKILL) when it comes
//! there for the first or third time. A release build contains none of this.

macro_rules! points {
    ($($name:ident),* $(,)?) => {
        /// One moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $($name,)*
        }

        impl Point {
            /// Every point, for the tests.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

points!(
    // The database.
    BeforeRecord,
    AfterRecord,
    BeforeReceive,
    AfterReceive,
    AfterClaim,
    BeforeNote,
    AfterNote,
    BeforeSettle,
    AfterSettle,
    BeforeGiveBack,
    AfterGiveBack,
    // Discord.
    BeforeWebhook,
    AfterWebhook,
    BeforeSend,
    AfterSend,
    BeforeOpenPost,
    AfterOpenPost,
    BeforeOpenThread,
    AfterOpenThread,
    BeforeEdit,
    AfterEdit,
    BeforeRemove,
    AfterRemove,
    BeforeDress,
    AfterDress,
    BeforeTitle,
    AfterTitle,
    BeforeUnlock,
    AfterUnlock,
    BeforeLock,
    AfterLock,
    BeforeTell,
    AfterTell,
    // The forum.
    BeforeReply,
    AfterReply,
    BeforeOpening,
    AfterOpening,
    BeforeAmend,
    AfterAmend,
    BeforeRetract,
    AfterRetract,
    BeforeThank,
    AfterThank,
    BeforeWithdraw,
    AfterWithdraw,
    // Linking an account: the code, the tie, and the letter that tells of it.
    BeforeCode,
    AfterCode,
    BeforeLink,
    AfterLink,
    BeforeLetter,
    AfterLetter,
);

impl Point {
    /// As the environment variable names it: `BeforeSend`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// The process is here now.
    #[cfg(debug_assertions)]
    pub fn reached(self) {
        armed::strike(self);
    }

    /// The process is here now.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub fn reached(self) {}
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Point;

    struct Trap {
        name: String,
        left: AtomicU32,
    }

    pub fn strike(point: Point) {
        static TRAP: OnceLock<Option<Trap>> = OnceLock::new();
        let trap = TRAP.get_or_init(|| {
            let text = std::env::var("THREADBRIDGE_KILL_AT").ok()?;
            let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
            Some(Trap { name: name.to_owned(), left: AtomicU32::new(times.parse().ok()?) })
        });
        let Some(trap) = trap else { return };
        if point.name() == trap.name && trap.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let own = std::process::id().to_string();
            let _ = std::process::Command::new("kill").args(["-9", &own]).status();
            std::process::abort();
        }
    }
}
