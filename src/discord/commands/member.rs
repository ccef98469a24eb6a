//! `/member show`: what the forum tells of one of its members.

use std::fmt::Write as _;

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{CreateActionRow, CreateAllowedMentions, CreateButton, CreateEmbed, CreateEmbedFooter};

use super::answer;
use super::asks::MemberView;
use super::thread::complete_forum;
use super::{Context, EDGE, Refusal};
use crate::discord::look;

const VALUE: usize = 100;
const FIELDS: usize = 8;

/// The forum's members.
#[poise::command(slash_command, guild_only, subcommands("show"), subcommand_required)]
pub async fn member(_: Context<'_>) -> Result<(), Refusal> {
    Ok(())
}

/// Show what the forum tells of a member.
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Their name on the forum, or their page's address"]
    #[max_length = 200]
    member: String,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
    #[description = "Show it only to you"] private: Option<bool>,
) -> Result<(), Refusal> {
    answer::command(ctx, private.unwrap_or(false), async move |asker, asked| {
        Ok(shown(&asked.forums.member(asker, &member, forum.as_deref()).await?))
    })
    .await
}

/// The facts that the forum states; those that it does not are left out.
pub fn shown(view: &MemberView) -> CreateReply {
    let member = &view.member;
    let mut text = String::new();
    let mut fact = |what: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            let _ =
                writeln!(text, "**{}** {}", look::plain(what), look::plain(&look::clip(value.trim(), VALUE)));
        }
    };
    fact("Title", member.title.clone());
    fact("Joined", member.joined.clone());
    fact("Last active", member.last_active.clone());
    fact("Location", member.location.clone());
    fact("Posts", member.posts.map(|count| count.to_string()));
    fact("Thanks given", member.thanks_given.map(|count| count.to_string()));
    fact(
        "Thanks received",
        match (member.thanks_received, member.posts_thanked) {
            (Some(thanks), Some(posts)) => Some(format!("{thanks} for {posts} posts")),
            (thanks, _) => thanks.map(|count| count.to_string()),
        },
    );
    for (label, value) in member.fields.iter().take(FIELDS) {
        fact(&look::clip(label, 40), Some(value.clone()));
    }
    let mut embed = CreateEmbed::new()
        .title(look::plain(&look::clip(&member.name, 120)))
        .description(text.trim_end())
        .footer(CreateEmbedFooter::new(look::clip(&view.forum_name, 200)))
        .colour(EDGE);
    if let Some(avatar) = member.avatar_url.as_deref().and_then(look::avatar) {
        embed = embed.thumbnail(avatar);
    }
    let mut reply = CreateReply::default().allowed_mentions(CreateAllowedMentions::new());
    if let Some(url) = member.url.as_deref().and_then(look::web) {
        embed = embed.url(url.clone());
        let open = CreateButton::new_link(url).label("Open on forum");
        reply = reply.components(vec![CreateActionRow::Buttons(vec![open])]);
    }
    reply.embed(embed)
}
