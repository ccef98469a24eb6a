//! What the bot may do in a channel, so that an admin can be told what is missing.
//! <https://docs.discord.com/developers/topics/permissions#permission-overwrites>

use serde_json::Value;

use super::call::Call;
use super::{Rest, parse};
use crate::discord::DiscordError;
use crate::model::ChannelId;

/// A permission that the bridge uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    ViewChannel,
    SendMessages,
    SendMessagesInThreads,
    CreatePublicThreads,
    ManageThreads,
    ManageWebhooks,
    AddReactions,
    ReadMessageHistory,
}

impl Need {
    /// What every bridge needs, whatever its layout.
    pub const ALL: [Self; 8] = [
        Self::ViewChannel,
        Self::SendMessages,
        Self::SendMessagesInThreads,
        Self::CreatePublicThreads,
        Self::ManageThreads,
        Self::ManageWebhooks,
        Self::AddReactions,
        Self::ReadMessageHistory,
    ];

    /// As Discord's settings call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ViewChannel => "View Channel",
            Self::SendMessages => "Send Messages",
            Self::SendMessagesInThreads => "Send Messages in Threads",
            Self::CreatePublicThreads => "Create Public Threads",
            Self::ManageThreads => "Manage Threads",
            Self::ManageWebhooks => "Manage Webhooks",
            Self::AddReactions => "Add Reactions",
            Self::ReadMessageHistory => "Read Message History",
        }
    }

    fn bit(self) -> u64 {
        match self {
            Self::AddReactions => 1 << 6,
            Self::ViewChannel => 1 << 10,
            Self::SendMessages => 1 << 11,
            Self::ReadMessageHistory => 1 << 16,
            Self::ManageWebhooks => 1 << 29,
            Self::ManageThreads => 1 << 34,
            Self::CreatePublicThreads => 1 << 35,
            Self::SendMessagesInThreads => 1 << 38,
        }
    }
}

const ADMINISTRATOR: u64 = 1 << 3;

impl Rest {
    /// Those of these permissions that the bot does not have in this channel.
    pub async fn missing(&self, channel: ChannelId, needs: &[Need]) -> Result<Vec<Need>, DiscordError> {
        let call = Call::get("/channels/{}", channel.0, format!("/channels/{channel}")).needs("View Channel");
        let channel = self.ask(call).await?;
        let Some(guild_id) = parse::id(&channel["guild_id"]) else {
            return Ok(needs.to_vec());
        };
        let me = self.me().await?;
        let guild = self.ask(Call::get("/guilds/{}", guild_id, format!("/guilds/{guild_id}"))).await?;
        let path = format!("/guilds/{guild_id}/members/{}", me.user);
        let member = self.ask(Call::get("/guilds/{}/members/{}", guild_id, path)).await?;
        let granted = granted(&channel, &guild, guild_id, &member, me.user.0);
        Ok(needs.iter().copied().filter(|need| granted & need.bit() == 0).collect())
    }
}

/// Roles add up; then the channel takes and gives: for everyone, for the roles, for the member.
fn granted(channel: &Value, guild: &Value, guild_id: u64, member: &Value, me: u64) -> u64 {
    if parse::id(&guild["owner_id"]) == Some(me) {
        return u64::MAX;
    }
    let mine: Vec<u64> = parse::list(&member["roles"], parse::id);
    let has = |role: u64| role == guild_id || mine.contains(&role);
    let base = parse::list(&guild["roles"], |role| {
        has(parse::id(&role["id"])?).then(|| parse::id(&role["permissions"]))?
    })
    .into_iter()
    .fold(0, |all, role| all | role);
    if base & ADMINISTRATOR != 0 {
        return u64::MAX;
    }
    let overwrites = parse::list(&channel["permission_overwrites"], |overwrite| {
        Some((
            parse::id(&overwrite["id"])?,
            parse::id(&overwrite["allow"]).unwrap_or(0),
            parse::id(&overwrite["deny"]).unwrap_or(0),
        ))
    });
    let apply = |permissions: u64, applies: &dyn Fn(u64) -> bool| {
        let (allow, deny) = overwrites
            .iter()
            .filter(|(id, ..)| applies(*id))
            .fold((0, 0), |(allow, deny), (_, more, less)| (allow | more, deny | less));
        permissions & !deny | allow
    };
    let base = apply(base, &|id| id == guild_id);
    let base = apply(base, &|id| mine.contains(&id));
    apply(base, &|id| id == me)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_channel_overrules_the_roles_and_the_member_both() {
        let guild = json!({ "owner_id": "9", "roles": [
            { "id": "1", "permissions": "1024" },
            { "id": "2", "permissions": "536870912" },
            { "id": "3", "permissions": "8" },
        ]});
        let member = json!({ "roles": ["2"] });
        let channel = json!({ "permission_overwrites": [
            { "id": "1", "type": 0, "allow": "2048", "deny": "1024" },
            { "id": "2", "type": 0, "allow": "1024", "deny": "0" },
            { "id": "7", "type": 1, "allow": "64", "deny": "2048" },
            { "id": "8", "type": 1, "allow": "65536", "deny": "0" },
        ]});
        let granted = granted(&channel, &guild, 1, &member, 7);
        assert_eq!(granted, 1024 | 536_870_912 | 64);
    }

    #[test]
    fn an_administrator_and_the_owner_may_do_everything() {
        let guild = json!({ "owner_id": "9", "roles": [{ "id": "3", "permissions": "8" }] });
        let admin = json!({ "roles": ["3"] });
        assert_eq!(granted(&json!({}), &guild, 1, &admin, 7), u64::MAX);
        assert_eq!(granted(&json!({}), &guild, 1, &json!({ "roles": [] }), 9), u64::MAX);
        assert_eq!(granted(&json!({}), &guild, 1, &json!({ "roles": [] }), 7), 0);
    }
}
