//! Which Discord user is which forum member.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Asker, not_here};

/// A code that was sent, or that is to be put where only that member can put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeView {
    pub forum: String,
    pub member: String,
    /// Set where the forum sends no private messages: the code is shown and belongs in the profile.
    pub for_profile: Option<String>,
}

/// A proven tie to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    pub forum: String,
    pub member: String,
    /// The member's page.
    pub url: Option<String>,
    pub since: Option<Timestamp>,
    /// Since when they are signed in as that member, where they are.
    pub signed_in: Option<Timestamp>,
}

#[async_trait]
pub trait Accounts: Send + Sync {
    /// Sends a code to a member, named by name or by their page's address, for this person to bring back.
    async fn ask(
        &self,
        _: Asker,
        _person: &str,
        _member: &str,
        _forum: Option<&str>,
    ) -> Result<CodeView, String> {
        not_here()
    }

    /// A code that was brought back.
    async fn confirm(&self, _: Asker, _person: &str, _forum: &str, _code: &str) -> Result<LinkView, String> {
        not_here()
    }

    /// Looks whether the code is in the member's profile.
    async fn look(&self, _: Asker, _person: &str, _forum: &str, _code: &str) -> Result<LinkView, String> {
        not_here()
    }

    /// What this person is linked to, of the forums that are bridged to this guild.
    async fn links(&self, _: Asker) -> Result<Vec<LinkView>, String> {
        not_here()
    }

    /// The address of a page on which this person can sign in to a forum, once.
    async fn sign_in(&self, _: Asker, _person: &str, _forum: Option<&str>) -> Result<String, String> {
        not_here()
    }

    /// Forgets the session of this person on a forum.
    async fn sign_out(&self, _: Asker, _forum: &str) -> Result<LinkView, String> {
        not_here()
    }

    async fn unlink(&self, _: Asker, _person: &str, _forum: Option<&str>) -> Result<LinkView, String> {
        not_here()
    }
}
