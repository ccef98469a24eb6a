//! Files that people send with a reply. Discord's own address of a file ends after about a day, so the forum
//! gets one of ours that stays: whoever opens it is sent on to the address that Discord gives today. Nothing
//! is stored, and a file that its author takes away in Discord is gone here too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use super::Heart;
use super::job::SpokenFile;
use crate::discord::DiscordError;
use crate::model::MessageId;
use crate::store::{StoreError, SubmissionState};

/// How long an address from Discord is handed out without asking again. Discord's end after 24 hours.
const FRESH: Duration = Duration::from_secs(3_600);
/// So many addresses are kept, which bounds what readers of a busy thread cost Discord.
const KEPT: usize = 512;

/// The address by which a forum post shows a file.
pub fn lasting(public_url: Option<&Url>, message: MessageId, file: &SpokenFile) -> String {
    let Some(mut url) = public_url.cloned().filter(|_| file.id != 0) else { return file.url.clone() };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["files", &message.to_string(), &file.id.to_string(), &file.name]);
    }
    url.into()
}

/// Why a file can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum NoFile {
    /// Never on the forum by way of us, or taken away in Discord.
    #[error("there is no such file, or it is no longer in Discord")]
    Gone,
    #[error(transparent)]
    Discord(DiscordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Knows where files are today.
pub struct Files {
    heart: Arc<Heart>,
    known: Mutex<HashMap<(MessageId, u64), (String, Instant)>>,
}

impl Files {
    pub fn new(heart: Arc<Heart>) -> Self {
        Self { heart, known: Mutex::default() }
    }

    /// Discord's present address of a file. Only for messages that are meant for the forum: ids that were
    /// guessed open nothing.
    pub async fn address(&self, message: MessageId, file: u64) -> Result<String, NoFile> {
        let now = self.heart.clock.monotonic();
        if let Some(url) = self.remembered(message, file, now) {
            return Ok(url);
        }
        let submission = self.heart.store.submission(message).await?.ok_or(NoFile::Gone)?;
        // One that is still queued may be on the forum already: the answer that says so may be lost.
        if matches!(submission.state, SubmissionState::Refused | SubmissionState::Withdrawn) {
            return Err(NoFile::Gone);
        }
        let read = self.heart.discord.message(submission.channel, message).await.map_err(NoFile::Discord)?;
        let read = read.ok_or(NoFile::Gone)?;
        let found = read.attachments.into_iter().find(|found| found.id == file).ok_or(NoFile::Gone)?;
        self.remember(message, file, &found.url, now);
        Ok(found.url)
    }

    fn remembered(&self, message: MessageId, file: u64, now: Instant) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (url, since) = known.get(&(message, file))?;
        (now.saturating_duration_since(*since) < FRESH).then(|| url.clone())
    }

    fn remember(&self, message: MessageId, file: u64, url: &str, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT
            && let Some(oldest) = known.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| *key)
        {
            known.remove(&oldest);
        }
        known.insert((message, file), (url.to_owned(), now));
    }
}
