//! What the commands ask, and what they are told. An error is one plain sentence for the person who asked.
//! Whoever answers shows no more than the asker may see where they may see it.

use std::sync::Arc;

use crate::model::{ChannelId, GuildId, UserId};

mod accounts;
mod bridges;
mod reading;
mod thanking;
mod writing;

pub use accounts::{Accounts, CodeView, LinkView};
pub use bridges::{
    BridgeView, Bridges, Manager, NewBridge, ParkedView, Plan, Progress, Standing, StatusView, StoryView,
};
pub use reading::{Forums, InfoView, LatestView, MemberView, SearchView, ThreadView, Wanted};
pub use thanking::{Period, Side, Thanking, TopRow, TopView, WhoView};
pub use writing::{Answered, OpenForm, ReplyForm, Writing};

/// Who asks, and where the answer is going to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    pub guild: Option<GuildId>,
    pub channel: ChannelId,
    pub user: UserId,
    /// Only the person who asks is going to see the answer.
    pub private: bool,
    /// They may write in this channel.
    pub may_write: bool,
    /// They have Manage Server in this guild.
    pub manages: bool,
}

/// One suggestion while a person types: what they read, and what the command is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub name: String,
    pub value: String,
}

/// Whom the commands ask, by what they are about.
#[derive(Clone)]
pub struct Asked {
    pub forums: Arc<dyn Forums>,
    pub thanking: Arc<dyn Thanking>,
    pub writing: Arc<dyn Writing>,
    pub bridges: Arc<dyn Bridges>,
    pub accounts: Arc<dyn Accounts>,
}

impl Asked {
    /// One who answers everything.
    pub fn all<T: Forums + Thanking + Writing + Bridges + Accounts + 'static>(one: Arc<T>) -> Self {
        Self {
            forums: one.clone(),
            thanking: one.clone(),
            writing: one.clone(),
            bridges: one.clone(),
            accounts: one,
        }
    }
}

/// What is told by one who answers nothing of this kind.
fn not_here<T>() -> Result<T, String> {
    Err("The bridge can't do that here.".to_owned())
}
