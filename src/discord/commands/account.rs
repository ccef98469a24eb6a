//! `/account`: proving to be a member of the forum. A code is sent to the member by the forum's private
//! message and brought back here by whoever asked for it; only they see any of this.

use poise::CreateReply;
use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, ComponentInteraction, CreateActionRow, CreateButton, CreateInputText,
    CreateInteractionResponse, CreateModal, InputTextStyle, ModalInteraction,
};

use super::answer::{self, Door, Place, sent};
use super::asks::{CodeView, LinkView};
use super::press::field;
use super::thread::complete_forum;
use super::{Context, Data, Refusal};
use crate::discord::look;

/// Your account on the forum.
#[poise::command(
    slash_command,
    guild_only,
    subcommands("link", "signin", "unlink", "show"),
    subcommand_required
)]
pub async fn account(_: Context<'_>) -> Result<(), Refusal> {
    Ok(())
}

/// Prove that you are a member of the forum.
#[poise::command(slash_command, guild_only)]
async fn link(
    ctx: Context<'_>,
    #[description = "Your name on the forum, or your page's address"]
    #[max_length = 200]
    member: String,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
) -> Result<(), Refusal> {
    let Context::Application(application) = ctx else { return Ok(()) };
    let person = Door::Command(application.interaction).name();
    answer::command(ctx, true, async move |asker, asked| {
        Ok(code_sent(&asked.accounts.ask(asker, &person, &member, forum.as_deref()).await?))
    })
    .await
}

/// Sign in to the forum on a page of the bridge's, so that it writes in your name.
#[poise::command(slash_command, guild_only)]
async fn signin(
    ctx: Context<'_>,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
) -> Result<(), Refusal> {
    let Context::Application(application) = ctx else { return Ok(()) };
    let person = Door::Command(application.interaction).name();
    answer::command(ctx, true, async move |asker, asked| {
        Ok(page(&asked.accounts.sign_in(asker, &person, forum.as_deref()).await?))
    })
    .await
}

fn page(url: &str) -> CreateReply {
    let button = CreateButton::new_link(url).label("Sign in");
    let text = "This page is yours alone, for ten minutes and one try: give its address to nobody. Your password goes to \
                the forum and is not kept; what you write and thank here is then yours there. Never type it in Discord.";
    CreateReply::default().content(text).components(vec![CreateActionRow::Buttons(vec![button])])
}

/// Take the tie to your forum account away.
#[poise::command(slash_command, guild_only)]
async fn unlink(
    ctx: Context<'_>,
    #[description = "Which forum"]
    #[autocomplete = "complete_forum"]
    #[max_length = 100]
    forum: Option<String>,
) -> Result<(), Refusal> {
    let Context::Application(application) = ctx else { return Ok(()) };
    let person = Door::Command(application.interaction).name();
    answer::command(ctx, true, async move |asker, asked| {
        let gone = asked.accounts.unlink(asker, &person, forum.as_deref()).await?;
        Ok(CreateReply::default().content(format!("You are no longer linked to {}.", name(&gone))))
    })
    .await
}

/// Show which forum accounts are yours.
#[poise::command(slash_command, guild_only)]
async fn show(ctx: Context<'_>) -> Result<(), Refusal> {
    answer::command(ctx, true, async move |asker, asked| {
        let links = asked.accounts.links(asker).await?;
        let lines: Vec<String> = links
            .iter()
            .map(|link| {
                let since = link.since.map(|at| format!(", since <t:{}:d>", at.as_second()));
                let signed_in = link.signed_in.map(|at| {
                    let at = at.as_second();
                    format!(" You are signed in there since <t:{at}:d>, and write in that name.")
                });
                format!(
                    "You are {}{}.{}",
                    name(link),
                    since.unwrap_or_default(),
                    signed_in.unwrap_or_default()
                )
            })
            .collect();
        let buttons: Vec<_> = links
            .iter()
            .filter(|link| link.signed_in.is_some())
            .take(5)
            .map(|link| {
                let label = look::clip(&format!("Sign out of {}", link.forum), 80);
                CreateButton::new(format!("signout|{}", link.forum))
                    .label(label)
                    .style(ButtonStyle::Secondary)
            })
            .collect();
        let rows =
            Some(CreateActionRow::Buttons(buttons)).filter(|_| links.iter().any(|it| it.signed_in.is_some()));
        let text = match lines.is_empty() {
            true => "You have linked no forum account yet. /account link does it.".to_owned(),
            false => lines.join("\n"),
        };
        let reply = CreateReply::default().content(text).components(rows.into_iter().collect());
        Ok(reply.allowed_mentions(serenity::CreateAllowedMentions::new()))
    })
    .await
}

fn name(link: &LinkView) -> String {
    let member = look::clip(&link.member, 80);
    let member = match &link.url {
        Some(url) => look::link(&member, url),
        None => look::plain(&member),
    };
    format!("{member} on {}", look::plain(&look::clip(&link.forum, 40)))
}

fn code_sent(code: &CodeView) -> CreateReply {
    let member = look::plain(&look::clip(&code.member, 80));
    let (text, id, label) = match &code.for_profile {
        None => (
            format!(
                "A code is on its way to **{member}** as a private message on the forum. Bring it back here within ten minutes."
            ),
            format!("code|{}", code.forum),
            "Enter the code",
        ),
        Some(shown) => (
            format!(
                "The forum sends no private message to **{member}**. Write this code into any field of your profile there, \
                 within ten minutes, and then let the bridge look: `{shown}`"
            ),
            format!("profile|{}|{shown}", code.forum),
            "Look now",
        ),
    };
    let button = CreateButton::new(id).label(label).style(ButtonStyle::Primary);
    CreateReply::default()
        .content(text)
        .components(vec![CreateActionRow::Buttons(vec![button])])
        .allowed_mentions(serenity::CreateAllowedMentions::new())
}

/// The button that opens the form for the code.
pub async fn enter_code(http: &serenity::Http, press: &ComponentInteraction) {
    let Some(forum) = press.data.custom_id.strip_prefix("code|") else { return };
    let code = CreateInputText::new(InputTextStyle::Short, "The code from the private message", "code")
        .placeholder("ABCD-EFGH")
        .max_length(40);
    let form = CreateModal::new(format!("code|{forum}"), "Your forum account")
        .components(vec![CreateActionRow::InputText(code)]);
    sent(Door::Press(press).respond(http, CreateInteractionResponse::Modal(form)).await);
}

/// The form with the code.
pub async fn filled_in(http: &serenity::Http, data: &Data, form: &ModalInteraction) {
    let Some(forum) = form.data.custom_id.strip_prefix("code|").map(str::to_owned) else { return };
    let (door, accounts, code) =
        (Door::Form(form), data.asked.accounts.clone(), field(form, "code").to_owned());
    let question = async move {
        let link = accounts.confirm(door.asker(true), &door.name(), &forum, &code).await?;
        Ok(linked(&link))
    };
    answer::give(http, door, Place::New { private: true }, question).await;
}

/// The button that lets the bridge look into the profile.
pub async fn look_at_profile(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let mut parts = press.data.custom_id.split('|').skip(1).map(str::to_owned);
    let (Some(forum), Some(code)) = (parts.next(), parts.next()) else { return };
    let (door, accounts) = (Door::Press(press), data.asked.accounts.clone());
    let question = async move {
        let link = accounts.look(door.asker(true), &door.name(), &forum, &code).await?;
        Ok(linked(&link))
    };
    answer::give(http, door, Place::New { private: true }, question).await;
}

/// The button that ends a session.
pub async fn sign_out(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let Some(forum) = press.data.custom_id.strip_prefix("signout|").map(str::to_owned) else { return };
    let (door, accounts) = (Door::Press(press), data.asked.accounts.clone());
    let question = async move {
        let link = accounts.sign_out(door.asker(true), &forum).await?;
        let text =
            format!("You are signed out: the bridge no longer writes as you. You are still {}.", name(&link));
        let reply = CreateReply::default().content(text).components(Vec::new());
        Ok(reply.allowed_mentions(serenity::CreateAllowedMentions::new()))
    };
    answer::give(http, door, Place::Same, question).await;
}

fn linked(link: &LinkView) -> CreateReply {
    let text = format!("You are linked: you are {}. What you write here carries that name.", name(link));
    CreateReply::default().content(text).allowed_mentions(serenity::CreateAllowedMentions::new())
}
