//! What `/thread info` shows: pure, and within Discord's limits for embeds.

use std::fmt::Write as _;

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{CreateActionRow, CreateButton, CreateEmbed, CreateEmbedFooter};

use super::EDGE;
use super::asks::InfoView;
use crate::discord::look;
use crate::model::{Post, SimilarThread};

const NAME: usize = 80;
const SIMILAR: usize = 5;
const TAGS: usize = 10;

/// The facts of a thread; those that the forum does not state are left out.
pub fn info(view: &InfoView) -> CreateReply {
    let thread = &view.first.page.thread;
    let last_page = view.last.as_ref().unwrap_or(&view.first.page);
    let name = |text: &str| look::plain(&look::clip(text, NAME));
    let mut text = String::new();
    let mut fact = |what: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = writeln!(text, "**{what}** {value}");
        }
    };
    let starter = view.first.page.posts.first().filter(|post| post.number.is_none_or(|number| number <= 1));
    fact("Started by", starter.map(|post| format!("{}{}", name(&post.author.name), when(post))));
    fact(
        "Last post by",
        last_page.posts.last().map(|post| format!("{}{}", name(&post.author.name), when(post))),
    );
    fact("Replies", thread.total_results.map(|total| total.saturating_sub(1).to_string()));
    fact("Board", thread.board.name.as_deref().map(name));
    let tags: Vec<_> = thread.tags.iter().take(TAGS).map(|tag| name(tag)).collect();
    fact("Tags", Some(tags.join(", ")));
    let states = [("closed", thread.closed), ("sticky", thread.sticky)];
    let states: Vec<_> = states.iter().filter(|(_, holds)| *holds == Some(true)).map(|(s, _)| *s).collect();
    fact("State", Some(states.join(", ")));
    let browsing = thread
        .browsing
        .map(|now| format!("{} now ({} members, {} guests)", now.total, now.members, now.guests));
    fact("Reading", browsing);
    if !thread.similar.is_empty() {
        let _ = writeln!(text, "\n**Similar threads**");
        for similar in thread.similar.iter().take(SIMILAR) {
            let _ = writeln!(text, "{}", row(similar));
        }
    }
    let title = look::plain(&look::thread_title(thread.prefix.as_deref(), &thread.title));
    let mut embed = CreateEmbed::new()
        .title(look::clip(&title, 250))
        .description(text.trim_end())
        .footer(CreateEmbedFooter::new(look::clip(&view.first.forum_name, 200)))
        .colour(EDGE);
    let mut reply = CreateReply::default().allowed_mentions(serenity::CreateAllowedMentions::new());
    if let Some(url) = look::web(&view.first.url) {
        embed = embed.url(url.clone());
        let open = CreateButton::new_link(url).label("Open on forum");
        reply = reply.components(vec![CreateActionRow::Buttons(vec![open])]);
    }
    reply.embed(embed)
}

fn when(post: &Post) -> String {
    match (post.posted_at, &post.posted_text) {
        (Some(at), _) => format!(" · <t:{}:f>", at.as_second()),
        (None, Some(text)) => format!(" · {}", look::plain(&look::clip(text, 40))),
        (None, None) => String::new(),
    }
}

fn row(similar: &SimilarThread) -> String {
    let mut facts = Vec::new();
    facts.extend(similar.author.as_deref().map(|name| format!("by {}", look::plain(&look::clip(name, 40)))));
    facts.extend(similar.replies.map(|replies| format!("{replies} replies")));
    let facts = if facts.is_empty() { String::new() } else { format!(" · {}", facts.join(" · ")) };
    format!("{}{facts}", look::link(&look::clip(&similar.title, 100), &similar.url))
}
