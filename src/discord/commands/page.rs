//! What the reading commands show: pure, and within Discord's limits for embeds.
//! <https://docs.discord.com/developers/resources/message#embed-object-embed-limits>

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{CreateActionRow, CreateButton, CreateEmbed, CreateEmbedAuthor, CreateEmbedFooter};

use super::EDGE;
use super::asks::{Asker, LatestView, ThreadView};
use super::press::ID;
use crate::discord::look;
use crate::markup::discord::QuoteLinks;
use crate::model::{Post, PostId, ThreadSummary, UserId, Visibility};

/// Posts a message. Each may fill an embed of [`WORDS`] and its frame, and all embeds of a message
/// share 6,000 characters.
const POSTS: usize = 5;
const WORDS: usize = 900;
const FRAME: usize = 100;
const AUTHOR: usize = 80;

/// Threads a list; an embed's description holds 4,096 characters.
const THREADS: usize = 10;
const ROOM: usize = 4096;

/// Some posts of a forum's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    At(usize),
    Last,
}

/// Where a button leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    pub forum: String,
    pub thread: String,
    pub page: u32,
    pub slice: Slice,
    /// Who gave the command; for anyone else a press opens a page of their own.
    pub user: UserId,
}

impl Lead {
    /// `None` for a button of another kind.
    pub fn read(id: &str) -> Option<Self> {
        let mut parts = id.splitn(7, '|');
        if parts.next()? != "thread" {
            return None;
        }
        let _which = parts.next()?;
        Some(Self {
            page: parts.next()?.parse().ok()?,
            slice: match parts.next()? {
                "last" => Slice::Last,
                at => Slice::At(at.parse().ok()?),
            },
            user: parts.next()?.parse().ok()?,
            forum: parts.next()?.to_owned(),
            thread: parts.next()?.to_owned(),
        })
    }

    fn id(&self, which: &str) -> Option<String> {
        let slice = match self.slice {
            Slice::At(at) => at.to_string(),
            Slice::Last => "last".to_owned(),
        };
        let Self { forum, thread, page, user, .. } = self;
        let id = format!("thread|{which}|{page}|{slice}|{user}|{forum}|{thread}");
        (id.len() <= ID).then_some(id)
    }
}

/// The part of the page that holds this post.
pub fn slice_of(view: &ThreadView) -> Slice {
    let at = view.post.as_ref().and_then(|post| view.page.posts.iter().position(|other| other.id == *post));
    Slice::At(at.map_or(0, |at| at / POSTS))
}

/// A page of a thread: what it is, a few posts, and buttons to the rest.
pub fn thread(view: &ThreadView, slice: Slice, asker: Asker) -> CreateReply {
    let posts = &view.page.posts;
    let slices = posts.len().div_ceil(POSTS).max(1);
    let at = match slice {
        Slice::At(at) => at.min(slices - 1),
        Slice::Last => slices - 1,
    };
    let shown: Vec<&Post> = posts.iter().skip(at * POSTS).take(POSTS).collect();
    let mut reply = CreateReply::default()
        .content(heading(view, &shown))
        .components(rows(view, at, slices, asker))
        .allowed_mentions(serenity::CreateAllowedMentions::new());
    for post in shown {
        reply = reply.embed(embed(post, view.post.as_ref()));
    }
    reply
}

fn heading(view: &ThreadView, shown: &[&Post]) -> String {
    let thread = &view.page.thread;
    let title = look::thread_title(thread.prefix.as_deref(), &thread.title);
    let mut facts = vec![look::plain(&look::clip(&view.forum_name, AUTHOR))];
    facts.extend(thread.board.name.as_deref().map(|name| look::plain(&look::clip(name, AUTHOR))));
    let numbers = (shown.first().and_then(|post| post.number), shown.last().and_then(|post| post.number));
    facts.push(match (numbers, thread.total_results) {
        ((Some(first), Some(last)), Some(total)) => format!("posts {first}–{last} of {total}"),
        ((Some(first), Some(last)), None) => format!("posts {first}–{last}"),
        _ if shown.is_empty() => "no posts".to_owned(),
        _ => format!("{} posts", shown.len()),
    });
    if thread.pages > 1 {
        facts.push(format!("page {} of {}", thread.page, thread.pages));
    }
    if thread.closed == Some(true) {
        facts.push("closed".to_owned());
    }
    format!("### {}\n-# {}", look::link(&title, &view.url), facts.join(" · "))
}

fn embed(post: &Post, wanted: Option<&PostId>) -> CreateEmbed {
    let mut author = CreateEmbedAuthor::new(look::webhook_name(&post.author.name, None));
    if let Some(url) = look::web(&post.url) {
        author = author.url(url);
    }
    if let Some(avatar) = post.author.avatar_url.as_deref().and_then(look::avatar) {
        author = author.icon_url(avatar);
    }
    let mut embed = CreateEmbed::new().author(author).description(words(post)).footer(frame(post));
    if wanted.is_none_or(|wanted| *wanted == post.id) {
        embed = embed.colour(EDGE);
    }
    match post.posted_at.and_then(|at| serenity::Timestamp::from_unix_timestamp(at.as_second()).ok()) {
        Some(at) => embed.timestamp(at),
        None => embed,
    }
}

fn words(post: &Post) -> String {
    match post.visibility {
        Visibility::Shown => {}
        Visibility::Deleted => return "*This post has been deleted.*".to_owned(),
        Visibility::Ignored => return "*This post is hidden.*".to_owned(),
        Visibility::AwaitingApproval => return "*This post waits for a moderator.*".to_owned(),
    }
    let (mut text, more) = look::excerpt(&post.body, &Unlinked, WORDS);
    if text.trim().is_empty() {
        text = "*No words.*".to_owned();
    }
    if more && let Some(url) = look::web(&post.url).filter(|url| look::units(url) <= FRAME) {
        text.push_str(&format!("\n-# [read on](<{url}>)"));
    } else if more {
        text.push_str(" …");
    }
    text
}

fn frame(post: &Post) -> CreateEmbedFooter {
    let mut facts = Vec::new();
    facts.extend(post.number.map(|number| format!("#{number}")));
    let thanks = post.thanks_total.unwrap_or(0).max(post.thanks.len() as u64);
    if thanks > 0 {
        facts.push(format!("{thanks} thanks"));
    }
    match post.attachments.len() {
        0 => {}
        1 => facts.push("1 file".to_owned()),
        files => facts.push(format!("{files} files")),
    }
    if post.posted_at.is_none() {
        facts.extend(post.posted_text.as_deref().map(|text| look::clip(text, 40)));
    }
    CreateEmbedFooter::new(look::clip(&facts.join(" · "), FRAME))
}

fn rows(view: &ThreadView, at: usize, slices: usize, asker: Asker) -> Vec<CreateActionRow> {
    let mut rows = vec![CreateActionRow::Buttons(buttons(view, at, slices, asker.user))];
    let id = format!("mirror|{}|{}", view.forum, view.thread);
    if asker.manages && !view.mirrored && id.len() <= ID {
        let mirror = CreateButton::new(id).label("Mirror here").style(serenity::ButtonStyle::Secondary);
        rows.push(CreateActionRow::Buttons(vec![mirror]));
    }
    rows
}

/// First, previous, next, last, and the forum itself; a button that leads nowhere is dimmed.
fn buttons(view: &ThreadView, at: usize, slices: usize, user: UserId) -> Vec<CreateButton> {
    let (page, pages) = (view.page.thread.page.max(1), view.page.thread.pages.max(1));
    let lead = |page: u32, slice: Slice| Lead {
        forum: view.forum.to_string(),
        thread: view.thread.to_string(),
        page,
        slice,
        user,
    };
    let before = match at {
        0 if page <= 1 => None,
        0 => Some(lead(page - 1, Slice::Last)),
        at => Some(lead(page, Slice::At(at - 1))),
    };
    let after = match at + 1 {
        next if next < slices => Some(lead(page, Slice::At(next))),
        _ if page < pages => Some(lead(page + 1, Slice::At(0))),
        _ => None,
    };
    let first = before.is_some().then(|| lead(1, Slice::At(0)));
    let last = after.is_some().then(|| lead(pages, Slice::Last));
    let mut row: Vec<CreateButton> =
        [("first", "⏮", first), ("back", "◀", before), ("next", "▶", after), ("last", "⏭", last)]
            .into_iter()
            .map(|(which, sign, lead)| {
                let id = lead.and_then(|lead| lead.id(which));
                let dim = id.is_none();
                CreateButton::new(id.unwrap_or_else(|| format!("nowhere|{which}")))
                    .label(sign)
                    .style(serenity::ButtonStyle::Secondary)
                    .disabled(dim)
            })
            .collect();
    if let Some(url) = look::web(&view.url) {
        row.push(CreateButton::new_link(url).label("Open on forum"));
    }
    row
}

/// A list of threads.
pub fn latest(view: &LatestView) -> CreateReply {
    let mut text = String::new();
    for thread in view.threads.iter().take(THREADS) {
        let line = row(thread);
        if look::units(&text) + look::units(&line) > ROOM {
            break;
        }
        text.push_str(&line);
    }
    if text.is_empty() {
        text = "No threads here yet.".to_owned();
    }
    let title = match &view.board {
        Some(board) => format!("Latest in {board}"),
        None => format!("Latest on {}", view.forum_name),
    };
    let mut embed = CreateEmbed::new()
        .title(look::clip(&look::plain(&title), 250))
        .description(text.trim_end())
        .footer(CreateEmbedFooter::new(look::clip(&view.forum_name, 200)))
        .colour(EDGE);
    if let Some(url) = view.url.as_deref().and_then(look::web) {
        embed = embed.url(url);
    }
    CreateReply::default().embed(embed).allowed_mentions(serenity::CreateAllowedMentions::new())
}

fn row(thread: &ThreadSummary) -> String {
    let title = look::thread_title(thread.prefix.as_deref(), &thread.title);
    let mut facts = Vec::new();
    facts.extend(thread.replies.map(|replies| match replies {
        1 => "1 reply".to_owned(),
        replies => format!("{replies} replies"),
    }));
    facts.extend(
        thread.last_post_by.as_deref().map(|name| format!("last by {}", look::plain(&look::clip(name, 40)))),
    );
    facts.extend(thread.last_post_at.map(|at| format!("<t:{}:R>", at.as_second())));
    for (fact, holds) in [("sticky", thread.sticky), ("closed", thread.closed)] {
        facts.extend(holds.then(|| fact.to_owned()));
    }
    let facts = if facts.is_empty() { String::new() } else { format!("-# {}\n", facts.join(" · ")) };
    format!("**{}**\n{facts}", look::link(&title, &thread.url))
}

/// In an answer, quoted posts stay where they are.
struct Unlinked;

impl QuoteLinks for Unlinked {
    fn message_url(&self, _: &PostId) -> Option<String> {
        None
    }
}
