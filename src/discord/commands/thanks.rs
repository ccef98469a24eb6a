//! `/thanks`, and what a message's menu offers about thanks.

use std::fmt::Write as _;

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, ComponentInteraction, CreateActionRow, CreateAttachment, CreateButton, CreateEmbed,
    CreateEmbedFooter,
};

use super::answer::{self, Door, Place};
use super::asks::{Period, Side, TopView, WhoView};
use super::thread::complete_forum;
use super::{Context, Data, EDGE, Refusal, chart};
use crate::discord::look;
use crate::model::MessageId;

/// So many names of each side fit into one answer.
const NAMES: usize = 40;
/// Rows of the list and of the picture.
const ROWS: usize = 10;

/// Thanks: who gave them, and who has the most.
#[poise::command(slash_command, guild_only, subcommands("who", "top"), subcommand_required)]
pub async fn thanks(_: Context<'_>) -> Result<(), Refusal> {
    Ok(())
}

/// Show who thanked for a post.
#[poise::command(slash_command, guild_only)]
async fn who(
    ctx: Context<'_>,
    #[description = "The post's address or number"]
    #[max_length = 500]
    post: String,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
    #[description = "Show it only to you"] private: Option<bool>,
) -> Result<(), Refusal> {
    answer::command(ctx, private.unwrap_or(false), async move |asker, asked| {
        Ok(who_shown(&asked.thanking.who(asker, &post, forum.as_deref()).await?))
    })
    .await
}

#[derive(Debug, Clone, Copy, poise::ChoiceParameter)]
enum PeriodChoice {
    #[name = "week"]
    Week,
    #[name = "month"]
    Month,
    #[name = "all"]
    All,
}

#[derive(Debug, Clone, Copy, poise::ChoiceParameter)]
enum SideChoice {
    #[name = "forum"]
    Forum,
    #[name = "Discord"]
    Discord,
}

/// Show who was thanked most.
#[poise::command(slash_command, guild_only)]
async fn top(
    ctx: Context<'_>,
    #[description = "The last 7 days, the last 30 days, or ever"] period: Option<PeriodChoice>,
    #[description = "Where the thanks were given"] by: Option<SideChoice>,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
    #[description = "Show it only to you"] private: Option<bool>,
) -> Result<(), Refusal> {
    let period = match period {
        Some(PeriodChoice::Week) => Period::Week,
        Some(PeriodChoice::All) => Period::All,
        Some(PeriodChoice::Month) | None => Period::Month,
    };
    let side = match by {
        Some(SideChoice::Discord) => Side::Discord,
        Some(SideChoice::Forum) | None => Side::Forum,
    };
    answer::command(ctx, private.unwrap_or(false), async move |asker, asked| {
        Ok(top_shown(&asked.thanking.top(asker, forum.as_deref(), period, side).await?))
    })
    .await
}

/// Thank the author of the post that this message shows.
#[poise::command(context_menu_command = "Thank the poster", guild_only)]
pub async fn thank_the_poster(ctx: Context<'_>, message: serenity::Message) -> Result<(), Refusal> {
    let message = MessageId(message.id.get());
    answer::command(ctx, true, async move |asker, asked| {
        let done = asked.thanking.thank(asker, message, true).await?;
        let back = CreateButton::new(format!("unthank|{message}"))
            .label("Take it back")
            .style(ButtonStyle::Secondary);
        Ok(CreateReply::default().content(done).components(vec![CreateActionRow::Buttons(vec![back])]))
    })
    .await
}

/// Show who thanked for the post that this message shows.
#[poise::command(context_menu_command = "Who thanked?", guild_only)]
pub async fn who_thanked(ctx: Context<'_>, message: serenity::Message) -> Result<(), Refusal> {
    let message = MessageId(message.id.get());
    answer::command(ctx, true, async move |asker, asked| {
        Ok(who_shown(&asked.thanking.who_of(asker, message).await?))
    })
    .await
}

/// The button under a thanks that was given by command.
pub async fn unthank(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let Some(Ok(message)) = press.data.custom_id.strip_prefix("unthank|").map(str::parse::<MessageId>) else {
        return;
    };
    let (door, thanking) = (Door::Press(press), data.asked.thanking.clone());
    let question = async move {
        let done = thanking.thank(door.asker(true), message, false).await?;
        Ok(CreateReply::default().content(done).components(Vec::new()))
    };
    answer::give(http, door, Place::Same, question).await;
}

/// Who thanked for a post, on both sides.
pub fn who_shown(view: &WhoView) -> CreateReply {
    let mut text = String::new();
    let total = view.on_forum_total.max(view.on_forum.len() as u64);
    let _ = writeln!(text, "**On the forum: {total}**");
    for thanks in view.on_forum.iter().take(NAMES) {
        let on = thanks.on.map(|day| format!(" · {day}")).unwrap_or_default();
        let _ = writeln!(text, "{}{on}", look::plain(&look::clip(&thanks.name, 40)));
    }
    let unnamed = total.saturating_sub(view.on_forum.len().min(NAMES) as u64);
    if unnamed > 0 && total > 0 {
        let _ = writeln!(text, "-# and {unnamed} more");
    }
    let _ = writeln!(text, "\n**In Discord: {}**", view.in_discord.len());
    for (user, at) in view.in_discord.iter().take(NAMES) {
        let at = at.map(|at| format!(" · <t:{}:d>", at.as_second())).unwrap_or_default();
        let _ = writeln!(text, "<@{user}>{at}");
    }
    if view.in_discord.len() > NAMES {
        let _ = writeln!(text, "-# and {} more", view.in_discord.len() - NAMES);
    }
    let title = match &view.author {
        Some(author) => format!("Thanks for {}'s post", look::plain(&look::clip(author, 60))),
        None => "Thanks for a post".to_owned(),
    };
    let mut embed = CreateEmbed::new()
        .title(title)
        .description(text.trim_end())
        .footer(CreateEmbedFooter::new(look::clip(&view.forum_name, 200)))
        .colour(EDGE);
    if let Some(url) = look::web(&view.url) {
        embed = embed.url(url);
    }
    CreateReply::default().embed(embed).allowed_mentions(serenity::CreateAllowedMentions::new())
}

/// Those who were thanked most: a list for every script there is, and a picture.
pub fn top_shown(view: &TopView) -> CreateReply {
    let when = match view.period {
        Period::Week => "in the last 7 days",
        Period::Month => "in the last 30 days",
        Period::All => "ever",
    };
    let side = match view.side {
        Side::Forum => "on the forum",
        Side::Discord => "in Discord",
    };
    let title = format!("Most thanked {side} {when}");
    let rows = &view.rows[..view.rows.len().min(ROWS)];
    let mut text = String::new();
    for (place, row) in (1..).zip(rows) {
        let name = look::plain(&look::clip(&row.name, 60));
        let _ = writeln!(text, "{place}. {name} · **{}**", row.thanks);
    }
    if rows.is_empty() {
        text = format!("No thanks were given {side} {when}, as far as the bridge has seen.");
    } else {
        let _ = writeln!(text, "-# {} thanks for {} members", view.total, view.authors);
    }
    let mut embed = CreateEmbed::new()
        .title(title.clone())
        .description(text.trim_end())
        .footer(CreateEmbedFooter::new(look::clip(&view.forum_name, 200)))
        .colour(EDGE);
    let mut reply = CreateReply::default().allowed_mentions(serenity::CreateAllowedMentions::new());
    if let Some(picture) = chart::bars(&title, rows) {
        embed = embed.image("attachment://thanks.png");
        reply = reply.attachment(CreateAttachment::bytes(picture, "thanks.png").description(title));
    }
    reply.embed(embed)
}
