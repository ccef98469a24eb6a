//! Buttons that were pressed and forms that were filled in. The first word of an id says what it is for;
//! one that is not ours is left alone.

use poise::serenity_prelude as serenity;
use serenity::{ComponentInteraction, FullEvent, Interaction, MessageFlags, ModalInteraction};

use super::answer::{self, Door, Place};
use super::page::{self, Lead};
use super::{Data, Refusal, account, bridge, open, patience, reply, search, thanks};
use crate::model::{GuildId, UserId};

/// Discord gives a button's or a form's id 100 characters.
pub const ID: usize = 100;

/// Answers a button or a form, if that is what the event is.
pub async fn pressed(
    framework: poise::FrameworkContext<'_, Data, Refusal>,
    event: &FullEvent,
) -> Result<(), Refusal> {
    let FullEvent::InteractionCreate { interaction } = event else { return Ok(()) };
    let (door, guild, user) = match interaction {
        Interaction::Component(press) => (Door::Press(press), press.guild_id, press.user.id),
        Interaction::Modal(form) => (Door::Form(form), form.guild_id, form.user.id),
        _ => return Ok(()),
    };
    let (http, data) = (&framework.serenity_context.http, framework.user_data);
    let guild = guild.map(|id| GuildId(id.get()));
    if let Err(refusal) = patience(&data.fair, UserId(user.get()), guild) {
        if let Some(Refusal(reason)) = refusal {
            answer::refuse(http, door, reason).await;
        }
        return Ok(());
    }
    match interaction {
        Interaction::Component(press) => button(http, data, press).await,
        Interaction::Modal(form) => filled_in(http, data, form).await,
        _ => {}
    }
    Ok(())
}

async fn button(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let id = press.data.custom_id.as_str();
    match id.split('|').next().unwrap_or_default() {
        "thread" => turn(http, data, press).await,
        "code" => account::enter_code(http, press).await,
        "profile" => account::look_at_profile(http, data, press).await,
        "signout" => account::sign_out(http, data, press).await,
        "mirror" => bridge::mirror_here(http, data, press).await,
        "backfill" => bridge::backfill_begins(http, data, press).await,
        "parked" => bridge::unpark(http, data, press).await,
        "search" => search::turn(http, data, press).await,
        "unthank" => thanks::unthank(http, data, press).await,
        _ => {}
    }
}

async fn filled_in(http: &serenity::Http, data: &Data, form: &ModalInteraction) {
    let id = form.data.custom_id.as_str();
    match id.split('|').next().unwrap_or_default() {
        "reply" => reply::filled_in(http, data, form).await,
        "code" => account::filled_in(http, data, form).await,
        "open" => open::filled_in(http, data, form).await,
        _ => {}
    }
}

/// The page turns for whoever asked for it; anyone else gets their own.
async fn turn(http: &serenity::Http, data: &Data, press: &ComponentInteraction) {
    let Some(lead) = Lead::read(&press.data.custom_id) else { return };
    let own = lead.user.0 == press.user.id.get();
    // A page that only one person sees stays so as it turns.
    let private = !own || is_private(press);
    let asker = Door::Press(press).asker(private);
    let place = if own { Place::Same } else { Place::New { private: true } };
    let forums = data.asked.forums.clone();
    let question = async move {
        let view = forums.thread(asker, &lead.thread, Some(&lead.forum), Some(lead.page)).await?;
        Ok(page::thread(&view, lead.slice, asker))
    };
    answer::give(http, Door::Press(press), place, question).await;
}

/// Whether only one person sees the message of this button.
pub fn is_private(press: &ComponentInteraction) -> bool {
    press.message.flags.is_some_and(|flags| flags.contains(MessageFlags::EPHEMERAL))
}

/// What was filled into a field of a form.
pub fn field<'a>(form: &'a ModalInteraction, name: &str) -> &'a str {
    form.data
        .components
        .iter()
        .flat_map(|row| &row.components)
        .find_map(|component| match component {
            serenity::ActionRowComponent::InputText(input) if input.custom_id == name => {
                input.value.as_deref()
            }
            _ => None,
        })
        .unwrap_or_default()
        .trim()
}
