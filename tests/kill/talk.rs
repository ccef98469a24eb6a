//! A conversation over both sides: a post in parts, edits, removals, thanks, a lock, and a thread that is opened
//! from Discord.

use threadbridge::sandbox::discord::{self, Discord};
use threadbridge::sandbox::forum::{Action, Deletion, Outcome};

use super::{Story, World};

/// A conversation with deaths in it; tells how many were died.
pub async fn conversation(world: World, story: Story) -> usize {
    let (forum, discord, channel) = (world.forum.clone(), world.discord.clone(), world.channel);
    let (ann, bob) = (forum.add_member("Ann"), forum.add_member("Bob"));
    let dora = discord.add_user("Dora");

    let (thread, first) = forum.open_thread(world.board, ann, "Kettle", "Opening words.").expect("a thread");
    let room = world.until("the Discord thread", || discord.threads(channel).pop()).await.id;
    let opening = world.until("the opening", || world.holding(room, "Opening words.")).await;
    let paragraph =
        "The kettle in the staff room trips the breaker whenever the copier warms up. ".repeat(22);
    // Bad luck of another kind, so that something has to be given back and tried again.
    discord.fault(Some("POST"), "/webhooks", discord::Fault::Status(503), 1);
    let long = forum
        .reply(thread, bob, &format!("Long one. {paragraph}\n\n{paragraph}\n\nThe end of it."))
        .expect("a post");
    world.until("the long post", || world.holding(room, "The end of it.")).await;

    let said = discord.say(dora, room, "Unplug the copier.", None).expect("a message");
    let marked = |message: u64, emoji: &str| {
        discord.reactions(message).into_iter().any(|(own, _)| own == emoji).then_some(())
    };
    world.until("the tick", || marked(said, "✅")).await;
    let reply = world.until("the reply", || world.post(thread, "Unplug the copier.")).await;

    discord.react(dora, opening.id, "🙏").expect("a reaction");
    world.until("the thanks", || (forum.thanks(first).len() == 1).then_some(())).await;
    forum.edit(first, "Changed words.").expect("an edit");
    world.until("the edit in Discord", || world.holding(room, "Changed words.")).await;
    discord.edit(dora, said, "Unplug the kettle.").expect("an edit");
    world.until("the edit on the forum", || world.post(thread, "Unplug the kettle.")).await;
    discord.unreact(dora, opening.id, "🙏").expect("no reaction");
    world.until("the withdrawal", || forum.thanks(first).is_empty().then_some(())).await;
    forum.delete(long, Deletion::Hard).expect("a removal");
    world
        .until("the removal in Discord", || {
            world.holding(room, "kettle in the staff").is_none().then_some(())
        })
        .await;
    discord.delete(said).expect("a removal");
    world
        .until("the removal on the forum", || forum.post(reply.id).is_none_or(|p| p.deleted).then_some(()))
        .await;
    // A locked Discord thread is opened to edit, and locked again.
    forum.close(thread).expect("a thread");
    let locked = || discord.channel(room).and_then(|c| c.thread).is_some_and(|t| t.locked).then_some(());
    world.until("the lock", locked).await;
    forum.edit(first, "Changed words, again.").expect("an edit");
    world.until("the last edit in Discord", || world.holding(room, "Changed words, again.")).await;
    world.until("the lock again", locked).await;
    forum.reopen(thread).expect("a thread");
    world.until("the lock to go", || locked().is_none().then_some(())).await;
    forum.rename(thread, "Kettles").expect("a thread");
    let called = || discord.channel(room).is_some_and(|c| c.name == "Kettles").then_some(());
    world.until("the new title", called).await;
    forum.reply(thread, bob, "Closing words.").expect("a post");
    world.until("the closing", || world.holding(room, "Closing words.")).await;

    let mut replies = 1;
    if story == Story::Talk {
        let post = discord.forum_post(dora, channel, "Lamp", "It flickers.", &[]).expect("a post");
        let early = discord.say(dora, post, "And hums.", None).expect("a message");
        let lamp = || forum.threads(world.board).into_iter().find(|thread| thread.title == "Lamp");
        let lamp = world.until("the thread on the forum", lamp).await.id;
        // At once: perhaps before the bridge knows that the forum has it.
        forum.reply(lamp, ann, "Change the bulb.").expect("a post");
        world.until("the tick on the post", || marked(post, "✅")).await;
        world.until("what was said before", || world.post(lamp, "And hums.")).await;
        world.until("its tick", || marked(early, "✅")).await;
        world.until("the answer", || world.holding(post, "Change the bulb.")).await;
        replies += 1;
        let shown: Vec<String> = world.shown(post).into_iter().map(|message| message.content).collect();
        assert_eq!(shown.len(), 1, "killed at {:?}: {shown:?}", world.deaths);
        let lamps = forum.threads(world.board).into_iter().filter(|thread| thread.title == "Lamp").count();
        assert_eq!(lamps, 1, "killed at {:?}: threads on the forum", world.deaths);
        assert_eq!(forum.posts(lamp).len(), 3, "killed at {:?}: {:?}", world.deaths, forum.posts(lamp));
    }

    let deaths = &world.deaths;
    let contents: Vec<String> = world.shown(room).into_iter().map(|message| message.content).collect();
    assert_eq!(contents.len(), 2, "killed at {deaths:?}: {contents:?}");
    assert!(
        contents[0].starts_with("Changed words, again.") && contents[1].starts_with("Closing words."),
        "{contents:?}"
    );
    let rooms = 1 + usize::from(story == Story::Talk);
    assert_eq!(discord.threads(channel).len(), rooms, "killed at {deaths:?}: Discord threads");
    let done = |action: Action| {
        let entries = forum.ledger().into_iter();
        entries.filter(|e| e.action == action && matches!(e.outcome, Outcome::Done)).count()
    };
    assert_eq!(done(Action::Reply), replies, "killed at {deaths:?}: replies on the forum");
    assert_eq!(done(Action::Thank), 1, "killed at {deaths:?}: thanks on the forum");
    let sent = discord
        .ledger()
        .into_iter()
        .filter(|entry| {
            entry.method == "POST" && entry.done && entry.route == "/webhooks/{webhook_id}/{webhook_token}"
        })
        .count();
    let parts = 1 + 1 + 3 + usize::from(story == Story::Talk);
    assert!(sent <= parts, "killed at {deaths:?}: {sent} messages were sent for {parts} parts");
    assert_eq!(told(&discord), 0, "killed at {deaths:?}: somebody was told of a failure that was none");
    world.end().await
}

/// What the bot said in words: nothing failed, so there is nothing to say.
fn told(discord: &Discord) -> usize {
    let entries = discord.ledger().into_iter();
    entries.filter(|e| e.method == "POST" && e.done && e.route == "/channels/{channel_id}/messages").count()
}
