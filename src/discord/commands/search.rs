//! `/thread search`: posts that hold these words.

use std::fmt::Write as _;

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, ComponentInteraction, CreateActionRow, CreateAllowedMentions, CreateButton, CreateEmbed,
    CreateEmbedFooter,
};

use super::answer::{self, Door, Place};
use super::asks::{SearchView, Wanted};
use super::press::{ID, is_private};
use super::thread::{complete_board, complete_forum};
use super::{Context, Data, EDGE, Refusal};
use crate::discord::look;
use crate::model::{Found, UserId};

/// An embed's description holds 4,096 characters.
const ROOM: usize = 4000;
const SNIPPET: usize = 160;

/// Search the forum's posts.
#[poise::command(slash_command, guild_only)]
pub async fn search(
    ctx: Context<'_>,
    #[description = "Words to look for"]
    #[max_length = 100]
    words: Option<String>,
    #[description = "Only posts by this member"]
    #[max_length = 100]
    author: Option<String>,
    #[description = "Only on this board"]
    #[autocomplete = "complete_board"]
    #[max_length = 100]
    board: Option<String>,
    #[description = "Which page"]
    #[min = 1]
    #[max = 1000]
    page: Option<u32>,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
    #[description = "Show it only to you"] private: Option<bool>,
) -> Result<(), Refusal> {
    let filled = |text: Option<String>| text.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let wanted = Wanted {
        words: filled(words).unwrap_or_default(),
        author: filled(author),
        board: filled(board),
        page: page.unwrap_or(1),
    };
    answer::command(ctx, private.unwrap_or(false), async move |asker, asked| {
        if wanted.words.is_empty() && wanted.author.is_none() {
            return Err(Refusal("Name words or an author to look for.".to_owned()));
        }
        Ok(found(&asked.forums.search(asker, wanted, forum.as_deref()).await?, asker.user))
    })
    .await
}

/// A page of what was found.
pub fn found(view: &SearchView, user: UserId) -> CreateReply {
    let mut text = String::new();
    for hit in &view.found.hits {
        let line = row(hit);
        if look::units(&text) + look::units(&line) > ROOM {
            break;
        }
        text.push_str(&line);
    }
    if text.is_empty() {
        text = "Nothing was found that may be shown here.".to_owned();
    }
    let Wanted { words, author, page, .. } = &view.wanted;
    let mut what = Vec::new();
    what.extend((!words.is_empty()).then(|| format!("\"{}\"", look::clip(words, 80))));
    what.extend(author.as_deref().map(|author| format!("by {}", look::clip(author, 60))));
    let mut facts = vec![look::clip(&view.forum_name, 100)];
    facts.extend(view.found.total.map(|total| format!("{total} found")));
    if view.found.pages > 1 {
        facts.push(format!("page {} of {}", view.found.page.max(1), view.found.pages));
    }
    let embed = CreateEmbed::new()
        .title(look::clip(&look::plain(&format!("Found for {}", what.join(" "))), 250))
        .description(text.trim_end())
        .footer(CreateEmbedFooter::new(facts.join(" · ")))
        .colour(EDGE);
    let lead = |sign: &str, to: Option<u32>| {
        let id = to.and_then(|page| id(view, page, user));
        let dim = id.is_none();
        CreateButton::new(id.unwrap_or_else(|| format!("nowhere|{sign}")))
            .label(sign)
            .style(ButtonStyle::Secondary)
            .disabled(dim)
    };
    let buttons = vec![
        lead("◀", page.checked_sub(1).filter(|page| *page > 0)),
        lead("▶", Some(page + 1).filter(|page| *page <= view.found.pages)),
    ];
    let mut reply = CreateReply::default().embed(embed).allowed_mentions(CreateAllowedMentions::new());
    if view.found.pages > 1 {
        reply = reply.components(vec![CreateActionRow::Buttons(buttons)]);
    }
    reply
}

fn row(hit: &Found) -> String {
    let mut facts = Vec::new();
    facts.extend(hit.author.as_deref().map(|name| format!("by {}", look::plain(&look::clip(name, 40)))));
    facts.extend(hit.board.name.as_deref().map(|name| look::plain(&look::clip(name, 40))));
    facts.extend(hit.at.map(|at| format!("<t:{}:R>", at.as_second())));
    let snippet = hit.snippet.as_deref().map(|text| look::plain(&look::clip(text, SNIPPET)));
    let snippet = snippet.filter(|text| !text.is_empty()).map(|text| format!("{text}\n")).unwrap_or_default();
    let mut line = format!("**{}**\n{snippet}", look::link(&look::clip(&hit.title, 100), &hit.url));
    if !facts.is_empty() {
        let _ = writeln!(line, "-# {}", facts.join(" · "));
    }
    line
}

/// All of the question in the button: it has room for short ones. For a long one there is the option `page`.
fn id(view: &SearchView, page: u32, user: UserId) -> Option<String> {
    let Wanted { words, author, board, .. } = &view.wanted;
    let parts = [author.as_deref(), board.as_deref(), Some(words)].map(Option::unwrap_or_default);
    if parts[..2].iter().any(|part| part.contains('|')) {
        return None;
    }
    let id = format!("search|{page}|{user}|{}|{}", view.forum, parts.join("|"));
    (look::units(&id) <= ID).then_some(id)
}

fn read(id: &str) -> Option<(Wanted, UserId, String)> {
    let mut parts = id.splitn(7, '|').skip(1);
    let page = parts.next()?.parse().ok()?;
    let user = parts.next()?.parse().ok()?;
    let forum = parts.next()?.to_owned();
    let mut filled = || parts.next().map(|part| Some(part.to_owned()).filter(|part| !part.is_empty()));
    let (author, board, words) = (filled()?, filled()?, filled()?);
    Some((Wanted { words: words.unwrap_or_default(), author, board, page }, user, forum))
}

/// The page turns for whoever searched; anyone else gets their own.
pub async fn turn(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let Some((wanted, user, forum)) = read(&press.data.custom_id) else { return };
    let own = user.0 == press.user.id.get();
    let asker = Door::Press(press).asker(!own || is_private(press));
    let place = if own { Place::Same } else { Place::New { private: true } };
    let forums = data.asked.forums.clone();
    let question = async move { Ok(found(&forums.search(asker, wanted, Some(&forum)).await?, asker.user)) };
    answer::give(http, Door::Press(press), place, question).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SearchPage;

    fn view(words: &str, author: Option<&str>) -> SearchView {
        SearchView {
            forum: "edu".into(),
            forum_name: "Edu".into(),
            wanted: Wanted { words: words.into(), author: author.map(Into::into), board: None, page: 1 },
            found: SearchPage { page: 1, pages: 3, total: None, hits: Vec::new() },
        }
    }

    #[test]
    fn a_button_holds_the_whole_question_or_is_none() {
        let asked = view("fibre | hum", Some("Ann"));
        let id = id(&asked, 2, UserId(7)).unwrap();
        let expected = Wanted { page: 2, ..asked.wanted };
        assert_eq!(read(&id), Some((expected, UserId(7), "edu".to_owned())));
        assert_eq!(super::id(&view(&"w".repeat(100), None), 2, UserId(7)), None);
        assert_eq!(super::id(&view("w", Some("a|b")), 2, UserId(7)), None);
        for strange in ["search", "search|x|7|edu|||w", "search|1|7|edu||"] {
            assert_eq!(read(strange), None, "{strange}");
        }
    }
}
