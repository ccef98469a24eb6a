//! What the promise of "exactly once" rests on, and how a test takes one of them away to see that the tests
//! would notice. Ground level: every room may ask here, nothing else may be kept here.
//!
//! In a debug build `THREADBRIDGE_WITHOUT=read-back` (or another name) leaves that protection out. A
//! release build contains none of this: there every protection is in place.

/// A protection that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// After a lost answer Discord's channel is not looked at.
    ReadBack,
    /// After a lost answer the forum's thread is not looked at.
    ReplyReadBack,
    /// The bot's own messages carry nothing by which Discord knows a repeated one.
    Nonce,
    /// Neither a repeated event nor a job that waits already is known again.
    UniqueKeys,
    /// Whoever lost a job may still write its outcome.
    Fencing,
    /// What was said while the bridge was away is not asked for.
    Watermark,
}

impl Weakness {
    /// Every one, for the tests.
    pub const ALL: [Self; 6] =
        [Self::ReadBack, Self::ReplyReadBack, Self::Nonce, Self::UniqueKeys, Self::Fencing, Self::Watermark];

    /// As the environment variable names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadBack => "read-back",
            Self::ReplyReadBack => "reply-read-back",
            Self::Nonce => "nonce",
            Self::UniqueKeys => "unique-keys",
            Self::Fencing => "fencing",
            Self::Watermark => "watermark",
        }
    }

    /// Whether this protection is left out.
    #[cfg(debug_assertions)]
    pub fn is_there(self) -> bool {
        static WITHOUT: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
        WITHOUT.get_or_init(|| std::env::var("THREADBRIDGE_WITHOUT").ok()).as_deref() == Some(self.name())
    }

    /// Whether this protection is left out: never.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub fn is_there(self) -> bool {
        false
    }
}
