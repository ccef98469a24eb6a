//! Somebody proves to be a member of the forum while the bridge dies. Whoever is linked has been written to, and
//! whoever is not can ask again.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use super::{PATIENCE, World};

/// Who asked in Discord, for whom on the forum.
struct Pair {
    person: u64,
    member: u64,
}

/// Tells how many deaths were died.
pub async fn proof(world: World) -> usize {
    let mut pairs = Vec::new();
    // Each try is another person's, for codes are few.
    for number in 0..8 {
        let pair = Pair {
            person: world.discord.add_user(&format!("Dora {number}")),
            member: world.forum.add_member(&format!("Ann {number}")),
        };
        let done = link(&world, &pair, number).await;
        pairs.push(pair);
        if done.is_some() {
            break;
        }
    }
    let deaths = world.deaths.clone();
    let mut linked = 0;
    for pair in &pairs {
        let letters = || {
            let mail = world.forum.mail(pair.member).into_iter();
            mail.filter(|letter| letter.title.contains("linked to Discord")).count()
        };
        if !is_linked(&world, pair).await {
            assert_eq!(letters(), 0, "killed at {deaths:?}: told of a link that there is not");
            continue;
        }
        linked += 1;
        world.until("the letter", || (letters() > 0).then_some(())).await;
        // Nobody can ask the forum what it was sent: once more for each time that this was not known.
        let most = 1 + world.died();
        assert!(letters() <= most, "killed at {deaths:?}: {} letters", letters());
    }
    assert!(linked > 0, "killed at {deaths:?}: nobody could be linked");
    all_done(&world).await;
    world.end().await
}

/// Waits until the bridge has nothing left to do: what is seen on the forum may not be written down yet.
async fn all_done(world: &World) {
    let deadline = Instant::now() + PATIENCE;
    let mut database = SqliteConnection::connect(&world.folder.database()).await.expect("a database");
    while sqlx::query("SELECT 1 FROM outbox")
        .fetch_optional(&mut database)
        .await
        .expect("an answer")
        .is_some()
    {
        assert!(Instant::now() < deadline, "killed at {:?}: something is never done", world.deaths);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// Asks for the code, reads it on the forum and brings it back; `None` where the bridge did not answer.
async fn link(world: &World, pair: &Pair, number: u32) -> Option<()> {
    let ready = || (world.discord.sessions().0 > 0 && !world.discord.commands().is_empty()).then_some(());
    world.until("the commands", ready).await;
    let options = [("member", json!(format!("Ann {number}")))];
    let asked = world.discord.command(pair.person, world.channel, "account link", &options).ok()?;
    let asked = answer(asked.answer()).await?;
    if !asked.text().contains("on its way") {
        return None;
    }
    let mail = world.forum.mail(pair.member).pop()?;
    let start = mail.text.find("[B]")? + 3;
    let code = mail.text.get(start..start + 9)?.to_owned();
    let form = world.discord.press(pair.person, asked.message?.id, "code|edu", &[]).ok()?;
    answer(form.first()).await?.modal?;
    let sent = world.discord.submit_modal(&form, &[("code", &code)]).ok()?;
    answer(sent.answer()).await?.text().contains("You are linked").then_some(())
}

/// Nobody looks at a silent bot for long.
async fn answer<T, E>(answer: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(Duration::from_secs(15), answer).await.ok()?.ok()
}

async fn is_linked(world: &World, pair: &Pair) -> bool {
    let mut database = SqliteConnection::connect(&world.folder.database()).await.expect("a database");
    let row = sqlx::query("SELECT 1 FROM account_link WHERE person = $1").bind(pair.person.cast_signed());
    row.fetch_optional(&mut database).await.expect("an answer").is_some()
}
