//! The routes that the sandbox has, in the words of Discord's OpenAPI file, each with the rate that
//! people have observed. Discord promises none of these figures.

use super::super::limits::{Rate, rate};
use super::{Answer, Call, applications, channels, guilds, messages, threads, webhooks};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Needs the bot's token.
    Bot,
    /// A token in the path, or nothing at all, is enough.
    Open,
}

pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub auth: Auth,
    /// Interaction callbacks have none.
    pub rate: Option<Rate>,
    pub handler: fn(&mut Call<'_>) -> Answer,
}

const fn bot(
    method: &'static str,
    path: &'static str,
    limit: u32,
    window: f64,
    handler: fn(&mut Call<'_>) -> Answer,
) -> Route {
    Route { method, path, auth: Auth::Bot, rate: Some(rate(limit, window)), handler }
}

const fn open(
    method: &'static str,
    path: &'static str,
    limit: u32,
    window: f64,
    handler: fn(&mut Call<'_>) -> Answer,
) -> Route {
    Route { method, path, auth: Auth::Open, rate: Some(rate(limit, window)), handler }
}

/// Fixed words go before names, so that `@me` is never taken for an id.
pub const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/gateway", auth: Auth::Open, rate: None, handler: applications::gateway },
    bot("GET", "/gateway/bot", 2, 5.0, applications::gateway_bot),
    bot("GET", "/users/@me", 5, 5.0, applications::me),
    bot("GET", "/users/@me/guilds", 5, 5.0, guilds::mine),
    bot("POST", "/users/@me/channels", 5, 5.0, channels::open_dm),
    bot("GET", "/users/{user_id}", 30, 30.0, applications::user),
    bot("GET", "/applications/@me", 5, 5.0, applications::application),
    bot("GET", "/oauth2/applications/@me", 5, 5.0, applications::application),
    bot("GET", "/applications/{application_id}/commands", 10, 10.0, applications::list_commands),
    bot("PUT", "/applications/{application_id}/commands", 5, 20.0, applications::set_commands),
    bot("POST", "/applications/{application_id}/commands", 5, 20.0, applications::create_command),
    bot(
        "DELETE",
        "/applications/{application_id}/commands/{command_id}",
        5,
        20.0,
        applications::delete_command,
    ),
    bot(
        "GET",
        "/applications/{application_id}/guilds/{guild_id}/commands",
        10,
        10.0,
        applications::list_guild_commands,
    ),
    bot(
        "PUT",
        "/applications/{application_id}/guilds/{guild_id}/commands",
        5,
        20.0,
        applications::set_guild_commands,
    ),
    bot(
        "POST",
        "/applications/{application_id}/guilds/{guild_id}/commands",
        5,
        20.0,
        applications::create_guild_command,
    ),
    bot(
        "DELETE",
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        5,
        20.0,
        applications::delete_guild_command,
    ),
    bot("GET", "/guilds/{guild_id}", 5, 5.0, guilds::get),
    bot("GET", "/guilds/{guild_id}/channels", 5, 5.0, guilds::channels),
    bot("POST", "/guilds/{guild_id}/channels", 5, 10.0, guilds::create_channel),
    bot("GET", "/guilds/{guild_id}/threads/active", 5, 5.0, guilds::active_threads),
    bot("GET", "/guilds/{guild_id}/roles", 5, 5.0, guilds::roles),
    bot("GET", "/guilds/{guild_id}/members", 10, 10.0, guilds::members),
    bot("GET", "/guilds/{guild_id}/members/{user_id}", 5, 1.0, guilds::member),
    bot("GET", "/guilds/{guild_id}/webhooks", 5, 5.0, webhooks::of_guild),
    bot("GET", "/channels/{channel_id}", 10, 5.0, channels::get),
    bot("PATCH", "/channels/{channel_id}", 10, 15.0, channels::update),
    bot("DELETE", "/channels/{channel_id}", 10, 15.0, channels::delete),
    bot("POST", "/channels/{channel_id}/typing", 5, 5.0, channels::typing),
    bot("GET", "/channels/{channel_id}/messages", 5, 5.0, messages::list),
    bot("POST", "/channels/{channel_id}/messages", 5, 5.0, messages::create),
    bot("POST", "/channels/{channel_id}/messages/bulk-delete", 1, 1.0, messages::bulk_delete),
    bot("GET", "/channels/{channel_id}/messages/{message_id}", 30, 10.0, messages::get),
    bot("PATCH", "/channels/{channel_id}/messages/{message_id}", 5, 5.0, messages::update),
    bot("DELETE", "/channels/{channel_id}/messages/{message_id}", 5, 1.0, messages::delete),
    bot(
        "POST",
        "/channels/{channel_id}/messages/{message_id}/threads",
        10,
        10.0,
        threads::create_from_message,
    ),
    bot(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions",
        1,
        0.25,
        messages::clear_reactions,
    ),
    bot(
        "GET",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        5,
        5.0,
        messages::reactors,
    ),
    bot(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        1,
        0.25,
        messages::clear_emoji,
    ),
    bot(
        "PUT",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        1,
        0.25,
        messages::react,
    ),
    bot(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        1,
        0.25,
        messages::unreact,
    ),
    bot(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}",
        1,
        0.25,
        messages::unreact_user,
    ),
    bot("GET", "/channels/{channel_id}/pins", 1, 5.0, messages::pins),
    bot("PUT", "/channels/{channel_id}/pins/{message_id}", 5, 5.0, messages::pin),
    bot("DELETE", "/channels/{channel_id}/pins/{message_id}", 5, 5.0, messages::unpin),
    bot("POST", "/channels/{channel_id}/threads", 10, 10.0, threads::create),
    bot("GET", "/channels/{channel_id}/threads/archived/public", 5, 5.0, threads::archived),
    bot("PUT", "/channels/{channel_id}/thread-members/@me", 5, 5.0, threads::join),
    bot("DELETE", "/channels/{channel_id}/thread-members/@me", 5, 5.0, threads::leave),
    bot("GET", "/channels/{channel_id}/webhooks", 10, 10.0, webhooks::of_channel),
    bot("POST", "/channels/{channel_id}/webhooks", 5, 15.0, webhooks::create),
    bot("GET", "/webhooks/{webhook_id}", 5, 5.0, webhooks::get),
    bot("PATCH", "/webhooks/{webhook_id}", 5, 5.0, webhooks::update),
    bot("DELETE", "/webhooks/{webhook_id}", 5, 5.0, webhooks::delete),
    open("GET", "/webhooks/{webhook_id}/{webhook_token}", 5, 5.0, webhooks::get_by_token),
    open("DELETE", "/webhooks/{webhook_id}/{webhook_token}", 5, 5.0, webhooks::delete_by_token),
    open("POST", "/webhooks/{webhook_id}/{webhook_token}", 5, 2.0, webhooks::execute),
    open("GET", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", 5, 5.0, webhooks::get_original),
    open(
        "PATCH",
        "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
        5,
        2.0,
        webhooks::update_original,
    ),
    open(
        "DELETE",
        "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
        5,
        2.0,
        webhooks::delete_original,
    ),
    open(
        "GET",
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        5,
        5.0,
        webhooks::get_message,
    ),
    open(
        "PATCH",
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        5,
        2.0,
        webhooks::update_message,
    ),
    open(
        "DELETE",
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        5,
        2.0,
        webhooks::delete_message,
    ),
    Route {
        method: "POST",
        path: "/interactions/{interaction_id}/{interaction_token}/callback",
        auth: Auth::Open,
        rate: None,
        handler: webhooks::callback,
    },
];
