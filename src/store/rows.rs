//! From rows to what the store speaks of, column by column in the order in which `sql` asks for them, and
//! the words that stand for choices.

use crate::config::{Layout, Replies, Scope, Start};
use crate::model::{BoardId, ChannelId, ForumKey, GuildId, MemberId, MessageId, PostId, ThreadId, UserId};

use super::db::Row;
use super::{
    Bridge, BridgeId, Follow, Origin, Part, PostRow, Reaction, Room, StoreError, Submission, SubmissionState,
    ThreadRow,
};

pub fn scope_text(scope: &Scope) -> String {
    match scope {
        Scope::Board(board) => format!("board:{board}"),
        Scope::Thread(thread) => format!("thread:{thread}"),
    }
}

pub fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::Auto => "auto",
        Layout::Threads => "threads",
        Layout::Feed => "feed",
    }
}

pub fn replies_name(replies: Replies) -> &'static str {
    match replies {
        Replies::Everyone => "everyone",
        Replies::Linked => "linked",
        Replies::Off => "off",
    }
}

pub fn start_text(start: Start) -> String {
    match start {
        Start::Now => "now".to_owned(),
        Start::All => "all".to_owned(),
        Start::Newest(count) => count.to_string(),
    }
}

pub fn bridge(row: &Row) -> Result<Bridge, StoreError> {
    let scope = row.text(2)?;
    Ok(Bridge {
        id: BridgeId(row.int(0)?),
        forum: ForumKey(row.text(1)?),
        scope: match scope.split_once(':') {
            Some(("thread", id)) => Scope::Thread(ThreadId::new(id)),
            Some((_, id)) => Scope::Board(BoardId::new(id)),
            None => Scope::Board(BoardId(scope)),
        },
        channel: ChannelId(row.snowflake(3)?),
        layout: match row.text(4)?.as_str() {
            "threads" => Layout::Threads,
            "feed" => Layout::Feed,
            _ => Layout::Auto,
        },
        replies: match row.text(5)?.as_str() {
            "linked" => Replies::Linked,
            "off" => Replies::Off,
            _ => Replies::Everyone,
        },
        thanks: serde_json::from_str(&row.text(6)?)?,
        start: match row.text(7)?.as_str() {
            "all" => Start::All,
            text => text.parse().map_or(Start::Now, Start::Newest),
        },
        from_file: row.flag(8)?,
        paused: row.flag(9)?,
        baseline: row.maybe_text(10)?.map(PostId),
        baseline_at: row.maybe_int(11)?,
        guild: Some(row.snowflake(12)?).filter(|id| *id != 0).map(GuildId),
    })
}

pub fn follow(row: &Row) -> Result<Follow, StoreError> {
    Ok(Follow {
        bridge: BridgeId(row.int(0)?),
        thread: ThreadId(row.text(1)?),
        marker: row.text(2)?,
        last_post: row.maybe_text(3)?.map(PostId),
        last_number: row.maybe_int(4)?.and_then(|number| u32::try_from(number).ok()),
    })
}

pub fn thread_row(forum: &ForumKey, row: &Row) -> Result<ThreadRow, StoreError> {
    Ok(ThreadRow {
        forum: forum.clone(),
        thread: ThreadId(row.text(0)?),
        board: row.maybe_text(1)?.map(BoardId),
        title: row.text(2)?,
    })
}

pub fn post_row(forum: &ForumKey, row: &Row) -> Result<PostRow, StoreError> {
    Ok(PostRow {
        forum: forum.clone(),
        post: PostId(row.text(0)?),
        thread: ThreadId(row.text(1)?),
        digest: row.int(2)?,
        gone: row.flag(3)?,
    })
}

pub fn part(row: &Row) -> Result<Part, StoreError> {
    Ok(Part {
        bridge: BridgeId(row.int(0)?),
        post: PostId(row.text(1)?),
        part: u32::try_from(row.int(2)?).unwrap_or(0),
        channel: ChannelId(row.snowflake(3)?),
        message: MessageId(row.snowflake(4)?),
        digest: row.int(5)?,
        origin: if row.flag(6)? { Origin::Discord } else { Origin::Forum },
    })
}

pub fn room(row: &Row) -> Result<Room, StoreError> {
    Ok(Room {
        bridge: BridgeId(row.int(0)?),
        thread: ThreadId(row.text(1)?),
        channel: ChannelId(row.snowflake(2)?),
        digest: row.int(3)?,
    })
}

pub fn submission(row: &Row) -> Result<Submission, StoreError> {
    Ok(Submission {
        message: MessageId(row.snowflake(0)?),
        bridge: BridgeId(row.int(1)?),
        thread: ThreadId(row.text(2)?),
        channel: ChannelId(row.snowflake(3)?),
        author: UserId(row.snowflake(4)?),
        post: row.maybe_text(5)?.map(PostId),
        state: state_of(&row.text(6)?),
        digest: row.int(7)?,
        member: row.maybe_text(8)?.map(MemberId),
    })
}

pub fn reaction(row: &Row) -> Result<Reaction, StoreError> {
    Ok(Reaction {
        bridge: BridgeId(row.int(0)?),
        post: PostId(row.text(1)?),
        message: MessageId(row.snowflake(2)?),
        user: UserId(row.snowflake(3)?),
        emoji: row.text(4)?,
    })
}

pub fn state_name(state: SubmissionState) -> &'static str {
    match state {
        SubmissionState::Queued => "queued",
        SubmissionState::Sending => "sending",
        SubmissionState::Posted => "posted",
        SubmissionState::AwaitingApproval => "awaiting",
        SubmissionState::Refused => "refused",
        SubmissionState::Withdrawn => "withdrawn",
    }
}

pub fn state_of(name: &str) -> SubmissionState {
    match name {
        "sending" => SubmissionState::Sending,
        "posted" => SubmissionState::Posted,
        "awaiting" => SubmissionState::AwaitingApproval,
        "refused" => SubmissionState::Refused,
        "withdrawn" => SubmissionState::Withdrawn,
        _ => SubmissionState::Queued,
    }
}
