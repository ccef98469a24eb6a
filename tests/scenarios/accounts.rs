//! `/account`: proving to be a forum member by a one-time code, and what people may try against it.

use std::time::Duration;

use serde_json::json;
use threadbridge::config::{BridgeConfig, Replies};
use threadbridge::sandbox::discord::Answer;

use crate::openapi::OpenApi;
use crate::world::{World, eventually};

fn shown(answer: &Answer) -> String {
    let message = answer.message.clone().expect("an answer");
    format!("{} {:?}", message.content, message.components)
}

/// A feed where only linked members' words cross.
async fn world() -> World {
    let mut world = World::new().await;
    let feed = BridgeConfig { replies: Replies::Linked, ..world.feed() };
    world.start(vec![feed]).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    world
}

/// Asks to be linked, as soon as the forum takes another private message: one that tells of a link may have
/// gone before.
async fn ask(world: &World, person: u64, member: &str) -> Answer {
    let options = [("member", json!(member))];
    loop {
        world.clock.advance(Duration::from_secs(61));
        let asked = world.discord().command(person, world.text_channel, "account link", &options).unwrap();
        let answer = asked.answer().await.unwrap();
        assert!(answer.ephemeral());
        if !answer.text().contains("try again then") {
            return answer;
        }
    }
}

/// The newest code in a member's inbox on the forum.
fn code(world: &World, member: u64) -> String {
    let mail = world.forum().mail(member).pop().expect("a private message");
    let start = mail.text.find("[B]").expect("a code") + 3;
    mail.text[start..start + 9].to_owned()
}

/// Presses the button and fills the code in.
async fn enter(world: &World, person: u64, from: &Answer, code: &str) -> String {
    world.clock.advance(Duration::from_secs(4));
    enter_at_once(world, person, from, code).await
}

async fn enter_at_once(world: &World, person: u64, from: &Answer, code: &str) -> String {
    let message = from.message.as_ref().expect("a message").id;
    let opened = world.discord().press(person, message, "code|edu", &[]).unwrap();
    opened.first().await.unwrap().modal.expect("a form");
    let sent = world.discord().submit_modal(&opened, &[("code", code)]).unwrap();
    let answer = sent.answer().await.unwrap();
    assert!(answer.ephemeral());
    answer.text().to_owned()
}

async fn show(world: &World, person: u64) -> String {
    let asked = world.discord().command(person, world.text_channel, "account show", &[]).unwrap();
    asked.answer().await.unwrap().text().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_links_writes_and_unlinks() {
    let world = world().await;
    let (thread, _) = world.forum().open_thread(world.board, world.bob, "Tip", "Label both ends.").unwrap();
    let message = world.message(world.text_channel, "Label both ends.").await.id;
    world.quiet().await;
    let said = world.discord().say(world.dora, world.text_channel, "Not linked yet.", Some(message)).unwrap();
    world.marked(said, "⚠️").await;

    let asked = ask(&world, world.dora, "ann").await;
    assert!(asked.text().contains("on its way to **Ann**"), "{}", shown(&asked));
    let mail = world.forum().mail(world.ann).pop().unwrap();
    assert!(mail.text.contains("Dora on Discord") && mail.text.contains("ten minutes"), "{}", mail.text);
    let code = code(&world, world.ann);
    assert!(!shown(&asked).contains(&code), "the code is not shown in Discord");
    // As people copy: small letters, blanks.
    let linked = enter(&world, world.dora, &asked, &format!(" {} ", code.to_lowercase())).await;
    assert!(linked.contains("You are linked") && linked.contains("Ann"), "{linked}");
    assert!(show(&world, world.dora).await.contains("You are [Ann]"), "{}", show(&world, world.dora).await);
    assert!(show(&world, world.emil).await.contains("no forum account"));

    // The member is told as well, once the forum takes another private message.
    eventually("the letter", || {
        world.clock.advance(Duration::from_secs(2));
        (world.forum().mail(world.ann).len() == 2).then_some(())
    })
    .await;
    let told = world.forum().mail(world.ann).pop().unwrap();
    assert!(told.text.contains("linked to Dora"), "{}", told.text);

    let said = world.discord().say(world.dora, world.text_channel, "Linked now.", Some(message)).unwrap();
    let post = world.post(thread, "Linked now.").await;
    world.marked(said, "✅").await;
    let text = world.forum().post(post).unwrap().text;
    let profile = format!("{}member.php?u={}", world.forum().url(), world.ann);
    assert!(text.contains(&profile) && text.contains("Ann"), "{text}");
    assert!(!text.contains("Dora"), "{text}");
    // Others can't take part, and the linked one can't be linked twice.
    assert!(ask(&world, world.dora, "Bob").await.text().contains("linked to Ann already"));
    assert!(ask(&world, world.emil, "Ann").await.text().contains("somebody else"));

    // A member who takes another name is still the one who was linked.
    world.forum().rename_member(world.ann, "Anne-Marie").unwrap();
    world.forum().reply(thread, world.ann, "New name, same me.").unwrap();
    world.message(world.text_channel, "New name, same me.").await;
    assert!(show(&world, world.dora).await.contains("Anne-Marie"));

    let gone = world.discord().command(world.dora, world.text_channel, "account unlink", &[]).unwrap();
    assert!(gone.answer().await.unwrap().text().contains("no longer linked"));
    eventually("the letter", || {
        world.clock.advance(Duration::from_secs(2));
        let last = world.forum().mail(world.ann).pop()?;
        last.text.contains("no longer linked").then_some(())
    })
    .await;
    let said =
        world.discord().say(world.dora, world.text_channel, "A stranger again.", Some(message)).unwrap();
    world.marked(said, "⚠️").await;
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_worth_nothing_in_other_hands_twice_or_late() {
    let world = world().await;
    let doras = ask(&world, world.dora, "Ann").await;
    let for_dora = code(&world, world.ann);
    let emils = ask(&world, world.emil, "Bob").await;
    let for_emil = code(&world, world.bob);
    // Swapped.
    assert!(enter(&world, world.dora, &doras, &for_emil).await.contains("not the code"));
    assert!(enter(&world, world.emil, &emils, &for_dora).await.contains("not the code"));
    // Used twice.
    assert!(enter(&world, world.dora, &doras, &for_dora).await.contains("You are linked"));
    assert!(enter(&world, world.dora, &doras, &for_dora).await.contains("No code waits"));
    // Late.
    world.clock.advance(Duration::from_secs(601));
    assert!(enter(&world, world.emil, &emils, &for_emil).await.contains("older than ten minutes"));
    assert!(show(&world, world.emil).await.contains("no forum account"));
    // An older code is void once there is a newer one.
    let again = ask(&world, world.emil, "Bob").await;
    let first = code(&world, world.bob);
    ask(&world, world.emil, "Bob").await;
    assert!(enter(&world, world.emil, &again, &first).await.contains("not the code"));
    assert!(enter(&world, world.emil, &again, &code(&world, world.bob)).await.contains("You are linked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_tries_lock() {
    let world = world().await;
    let asked = ask(&world, world.dora, "Ann").await;
    let right = code(&world, world.ann);
    for left in (1..5).rev() {
        let told = enter(&world, world.dora, &asked, "AAAA-AAAA").await;
        assert!(told.contains(&format!("{left} tr")), "{told}");
    }
    assert!(enter(&world, world.dora, &asked, "AAAA-AAAA").await.contains("too many tries"));
    assert!(
        enter(&world, world.dora, &asked, &right).await.contains("too many tries"),
        "even with the right one"
    );
    assert!(ask(&world, world.dora, "Ann").await.text().contains("too many tries"));
    let letters = world.forum().mail(world.ann).len();
    // Nobody else is locked out by it, and it ends.
    assert!(ask(&world, world.emil, "Bob").await.text().contains("on its way"));
    world.clock.advance(Duration::from_secs(3600));
    assert!(ask(&world, world.dora, "Ann").await.text().contains("on its way"));
    assert_eq!(world.forum().mail(world.ann).len(), letters + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_race_for_a_member_one_gets_it() {
    let world = world().await;
    let doras = ask(&world, world.dora, "Ann").await;
    let for_dora = code(&world, world.ann);
    let emils = ask(&world, world.emil, "Ann").await;
    let for_emil = code(&world, world.ann);
    let (dora, emil) = tokio::join!(
        enter_at_once(&world, world.dora, &doras, &for_dora),
        enter_at_once(&world, world.emil, &emils, &for_emil)
    );
    let linked = [&dora, &emil].iter().filter(|told| told.contains("You are linked")).count();
    assert_eq!(linked, 1, "{dora} / {emil}");
    assert!(dora.contains("somebody else") || emil.contains("somebody else"), "{dora} / {emil}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_not_flooded_with_codes() {
    let world = world().await;
    for _ in 0..3 {
        assert!(ask(&world, world.dora, "Ann").await.text().contains("on its way"));
    }
    assert!(ask(&world, world.dora, "Ann").await.text().contains("too many"));
    // Two at once: the forum takes one private message a minute, and that does not count.
    world.clock.advance(Duration::from_secs(61));
    ask(&world, world.emil, "Bob").await;
    let options = [("member", json!("Ann"))];
    let frank = world.discord().add_user("Frank");
    let asked = world.discord().command(frank, world.text_channel, "account link", &options).unwrap();
    let told = asked.answer().await.unwrap();
    assert!(told.text().contains("try again then"), "{}", told.text());
    assert_eq!(world.forum().mail(world.ann).len(), 3);
    for (name, words) in [("Nobody at all", "no such member"), ("Discord Bridge", "own account")] {
        let told = ask(&world, frank, name).await;
        assert!(told.text().contains(words), "{}", told.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_private_messages_the_profile_is_the_proof() {
    let world = world().await;
    world.forum().take_mail(world.ann, false).unwrap();
    let asked = ask(&world, world.dora, "Ann").await;
    let text = asked.text().to_owned();
    let code = text.split('`').nth(1).expect("a code").to_owned();
    let button = format!("profile|edu|{code}");
    let look = || async {
        let message = asked.message.as_ref().unwrap().id;
        let pressed = world.discord().press(world.dora, message, &button, &[]).unwrap();
        pressed.answer().await.unwrap().text().to_owned()
    };
    assert!(look().await.contains("not in that profile yet"));
    world.forum().set_location(world.bob, &code).unwrap();
    assert!(look().await.contains("not in that profile yet"), "it must be in that member's");
    world.forum().set_location(world.ann, &format!("Leeds {code}")).unwrap();
    let told = look().await;
    assert!(told.contains("You are linked"), "{told}");
}
