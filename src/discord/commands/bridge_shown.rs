//! What the bridge commands show: pure, and within Discord's limits.

use std::fmt::Write as _;
use std::time::Duration;

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{ButtonStyle, CreateActionRow, CreateAllowedMentions, CreateButton, CreateEmbed};

use super::EDGE;
use super::asks::{BridgeView, Plan, Progress, StatusView, StoryView};
use crate::config::{Layout, Replies, Start};
use crate::discord::look;

/// An embed's description holds 4,096 characters.
const ROOM: usize = 4000;
/// Two buttons each; a message has five rows.
const PARKED: usize = 5;
const REASON: usize = 200;

/// `Edu board 12 → #channel`.
fn name(bridge: &BridgeView) -> String {
    let forum = look::plain(&look::clip(&bridge.forum, 40));
    format!("**{}** {forum} {} → <#{}>", bridge.id, look::plain(&bridge.carries), bridge.channel)
}

fn reply(title: &str, text: &str) -> CreateReply {
    let embed = CreateEmbed::new().title(title).description(look::clip(text.trim_end(), ROOM)).colour(EDGE);
    CreateReply::default().embed(embed).allowed_mentions(CreateAllowedMentions::new())
}

pub fn line(what: &str, bridge: &BridgeView, so: &str) -> CreateReply {
    CreateReply::default()
        .content(format!("{what}: {}. {so}", name(bridge)))
        .allowed_mentions(CreateAllowedMentions::new())
}

pub fn added(bridge: &BridgeView) -> CreateReply {
    line("Made", bridge, "What is posted from now on crosses; /bridge backfill brings over what is older.")
}

pub fn list(bridges: &[BridgeView]) -> CreateReply {
    let mut text = String::new();
    for bridge in bridges {
        let mut facts = Vec::new();
        facts.push(match bridge.layout {
            Layout::Auto => "layout auto",
            Layout::Threads => "threads",
            Layout::Feed => "feed",
        });
        facts.push(match bridge.replies {
            Replies::Everyone => "replies from everyone",
            Replies::Linked => "replies from linked members",
            Replies::Off => "no replies",
        });
        if bridge.from_file {
            facts.push("from the configuration file");
        }
        if bridge.paused {
            facts.push("paused");
        }
        if !bridge.tied {
            facts.push("its channel can't be reached");
        }
        let _ = writeln!(text, "{}\n-# {}", name(bridge), facts.join(" · "));
    }
    if bridges.is_empty() {
        text = "There is no bridge to this server yet. /bridge add makes one.".to_owned();
    }
    reply("Bridges of this server", &text)
}

pub fn plan(plan: &Plan) -> CreateReply {
    let (threads, about) = (plan.threads, if plan.about { "about " } else { "" });
    let depth = match plan.depth {
        Start::Newest(count) => format!("the newest {count} of each thread"),
        Start::All | Start::Now => "all of them".to_owned(),
    };
    let text = format!(
        "{}\nBrings over {about}**{} posts** of {threads} threads ({depth}), in {}.\n\
         -# What is shown already is not shown again. In a Discord thread that is there already, older posts \
         follow the newer ones.",
        name(&plan.bridge),
        plan.posts,
        long(plan.takes),
    );
    let depth = match plan.depth {
        Start::Newest(count) => count.to_string(),
        Start::All | Start::Now => "all".to_owned(),
    };
    let begin = CreateButton::new(format!("backfill|{}|{depth}", plan.bridge.id))
        .label("Bring them over")
        .style(ButtonStyle::Primary);
    CreateReply::default()
        .content(text)
        .components(vec![CreateActionRow::Buttons(vec![begin])])
        .allowed_mentions(CreateAllowedMentions::new())
}

pub fn progress(progress: &Progress) -> String {
    match progress {
        Progress { threads: None, .. } => "Counting the threads …".to_owned(),
        done if done.done() => "Done: everything is brought over.".to_owned(),
        Progress { threads: Some(threads), waiting } => {
            format!("{threads} threads to read, {waiting} messages to send …")
        }
    }
}

pub fn status(view: &StatusView) -> CreateReply {
    let mut text = String::new();
    for standing in &view.bridges {
        let mut facts = vec![match (standing.waiting, standing.lag) {
            (0, _) => "nothing waits".to_owned(),
            (waiting, lag) if lag < Duration::from_secs(2) => format!("{waiting} waiting"),
            (waiting, lag) => format!("{waiting} waiting, the oldest for {}", long(lag)),
        }];
        if standing.threads_unread > 0 {
            facts.push(format!("{} threads to read", standing.threads_unread));
        }
        if standing.bridge.paused {
            facts.push("paused".to_owned());
        }
        let _ = writeln!(text, "{}\n-# {}", name(&standing.bridge), facts.join(" · "));
        for fault in &standing.faults {
            let _ = writeln!(text, "⚠️ {}", look::plain(&look::clip(fault, REASON)));
        }
    }
    if view.bridges.is_empty() {
        text = "There is no bridge to this server yet. /bridge add makes one.".to_owned();
    }
    let mut rows = Vec::new();
    if !view.parked.is_empty() {
        let _ = writeln!(text, "\n**Given up: {}**", view.parked.len());
    }
    for (number, parked) in (1..).zip(view.parked.iter().take(PARKED)) {
        let reason = look::plain(&look::clip(&parked.reason, REASON));
        let _ = writeln!(text, "{number}. {}: {reason}", look::plain(&look::clip(&parked.what, REASON)));
        rows.push(CreateActionRow::Buttons(vec![
            CreateButton::new(format!("parked|{}|retry", parked.id)).label(format!("Retry {number}")),
            CreateButton::new(format!("parked|{}|discard", parked.id))
                .label(format!("Discard {number}"))
                .style(ButtonStyle::Danger),
        ]));
    }
    if view.parked.len() > PARKED {
        let _ = writeln!(text, "-# and {} more", view.parked.len() - PARKED);
    }
    reply("How the bridges are doing", &text).components(rows)
}

pub fn story(view: &StoryView) -> CreateReply {
    let mut text = String::new();
    if let Some(url) = look::web(&view.url) {
        let _ = writeln!(text, "<{url}>");
    }
    for (at, line) in &view.lines {
        let at = at.map(|at| format!("<t:{}:f> ", at.as_second())).unwrap_or_default();
        let _ = writeln!(text, "{at}{line}");
    }
    reply("What happened to this post", &text)
}

/// A length of time as people say it.
fn long(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    match seconds {
        0..=90 => format!("{seconds} s"),
        91..=5400 => format!("{} minutes", seconds.div_ceil(60)),
        5401..=172_800 => format!("{} hours", seconds.div_ceil(3600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}
