//! What the token or the account lacks, and how an admin of the forum grants it.

use super::api::Api;
use super::wire;
use crate::forum::{Failure, Lack};

/// Below this reputation an account is new to NodeBB, unless the forum is set otherwise.
const NEW_BELOW: i64 = 3;

fn lack(what: impl Into<String>, mend: impl Into<String>) -> Lack {
    Lack { what: what.into(), mend: mend.into() }
}

pub async fn lacks(api: &Api) -> Result<Vec<Lack>, Failure> {
    let Some(identity) = api.identity().await? else { return Ok(Vec::new()) };
    let mut lacks = Vec::new();
    let name = &identity.name;
    let profile: wire::Profile = api.read(&["api", "self"], &[]).await?;
    let config: wire::Config = api.read(&["api", "config"], &[]).await?;
    let recent: wire::Recent = api.read(&["api", "recent"], &[]).await?;
    if !identity.master {
        lacks.push(lack(
            "the token is for one account only, so members can't write as themselves",
            format!(
                "make a token with the user ID 0 at /admin/settings/api, and set forums.api_user to {name}"
            ),
        ));
    }
    if profile.is_staff {
        lacks.push(lack(
            format!("{name} is of the forum's staff, so what only staff may read would be bridged too"),
            "make an ordinary member for the bridge, and a token for it",
        ));
    } else {
        let group = "put it into a group of its own, and name that group at /admin/settings/post";
        if profile.reputation.unwrap_or(0) < NEW_BELOW {
            lacks.push(lack(
                format!(
                    "{name} is new here: one post in two minutes, and edits for an hour, unless it is exempt"
                ),
                format!("{group} among the groups that are exempt from the restrictions of new users"),
            ));
        }
        if config.post_queue {
            lacks.push(lack(
                format!("the forum holds posts of new accounts back for a moderator; {name}'s wait unless it is exempt"),
                format!("{group} among the groups that are exempt from the post queue"),
            ));
        }
    }
    if recent.no_votes {
        lacks.push(lack(
            "the forum has switched its votes off, so posts can't be thanked",
            "switch the reputation system on at /admin/settings/reputation",
        ));
    } else if !profile.is_staff && hides_voters(api, &recent).await? {
        lacks.push(lack(
            "who up-voted a post is shown to moderators only, so thanks are a number without names",
            "set \"Show Upvoters\" to everyone or to members at /admin/settings/reputation",
        ));
    }
    if !config.search {
        lacks.push(lack(
            "the forum has no search",
            "activate nodebb-plugin-dbsearch at /admin/extend/plugins",
        ));
    }
    Ok(lacks)
}

/// Only a topic tells.
async fn hides_voters(api: &Api, recent: &wire::Recent) -> Result<bool, Failure> {
    let Some(topic) = recent.topics.iter().find(|topic| !topic.deleted) else { return Ok(false) };
    match api.read::<wire::Topic>(&["api", "topic", &topic.tid], &[("page", "1")]).await {
        Ok(topic) => Ok(topic.upvote_visibility.as_deref() == Some("privileged")),
        Err(Failure::Gone(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}
