//! `/account signin`: a member signs in on the bridge's own page, and the bridge acts in their session.

use std::time::Duration;

use serde_json::json;
use threadbridge::config::{BridgeConfig, Config, ServerConfig, SessionKey};
use threadbridge::sandbox::forum::{Action, Fault, Lasts, NewMember, Outcome};

use crate::openapi::OpenApi;
use crate::replies::free_address;
use crate::world::{World, eventually};

/// Found nowhere but on its way to the forum.
const PASSWORD: &str = "canary: seven grey herons";

fn config(world: &World, key: Option<char>, bridges: Vec<BridgeConfig>) -> Config {
    let mut config = world.config(bridges);
    let listen = free_address();
    let public = format!("http://{listen}/").parse().unwrap();
    config.server = ServerConfig { listen, public_url: Some(public) };
    config.accounts.sign_in = key.map(|key| SessionKey::read(&key.to_string().repeat(64)).unwrap());
    config
}

/// A bridged thread by Ann, and its Discord thread; Cleo is a member with a password of her own.
async fn world() -> (World, u64, u64, u64) {
    let mut world = World::new().await;
    let cleo = NewMember { name: "Cleo".to_owned(), password: PASSWORD.to_owned(), ..NewMember::default() };
    let cleo = world.forum().register(cleo);
    world.start_configured(config(&world, Some('a'), vec![world.threads()])).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    world.quiet().await;
    (world, cleo, thread, room)
}

/// Asks for a page; the whole answer, and the page's address.
async fn ask(world: &World, person: u64) -> (String, String) {
    world.clock.advance(Duration::from_secs(5));
    let asked = world.discord().command(person, world.text_channel, "account signin", &[]).unwrap();
    let answer = asked.answer().await.unwrap();
    assert!(answer.ephemeral());
    let shown = format!("{:?}", answer.message);
    let url = shown.split('"').find(|part| part.contains("/sign-in/")).unwrap_or_default().to_owned();
    (shown, url)
}

struct Browser(reqwest::Client);

impl Browser {
    fn new() -> Self {
        Self(reqwest::Client::builder().no_proxy().cookie_store(true).build().unwrap())
    }

    async fn open(&self, url: &str) -> (u16, String) {
        let answer = self.0.get(url).send().await.unwrap();
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn send(&self, url: &str, token: &str, name: &str, password: &str) -> (u16, String) {
        let fields = [("token", token), ("name", name), ("password", password)];
        let answer = self.0.post(url).form(&fields).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Opens the page and fills it in.
    async fn sign_in(&self, url: &str, name: &str, password: &str) -> (u16, String) {
        let (status, page) = self.open(url).await;
        assert_eq!(status, 200, "{page}");
        self.send(url, &token(&page), name, password).await
    }
}

fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a token");
    rest.split_once('"').unwrap().0.to_owned()
}

fn author(world: &World, post: u64) -> String {
    world.forum().post(post).expect("a post").name
}

async fn show(world: &World, person: u64) -> threadbridge::sandbox::discord::Answer {
    world.clock.advance(Duration::from_secs(5));
    let asked = world.discord().command(person, world.text_channel, "account show", &[]).unwrap();
    asked.answer().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_signs_in_and_writes_as_themself_until_they_sign_out() {
    let (mut world, cleo, thread, room) = world().await;
    let (answer, url) = ask(&world, world.dora).await;
    assert!(answer.contains("Never type it in Discord"), "{answer}");
    let browser = Browser::new();
    let (_, page) = browser.open(&url).await;
    assert!(page.contains("<strong>Dora</strong>") && !page.contains("<script"), "{page}");
    let (status, done) = browser.sign_in(&url, "cleo", PASSWORD).await;
    assert!(status == 200 && done.contains("as Cleo"), "{status} {done}");
    let shown = show(&world, world.dora).await;
    assert!(
        shown.text().contains("You are [Cleo]") && shown.text().contains("signed in"),
        "{}",
        shown.text()
    );
    eventually("the letter", || {
        world.clock.advance(Duration::from_secs(2));
        world.forum().mail(cleo).pop().filter(|mail| mail.text.contains("Dora"))
    })
    .await;

    let said = world.discord().say(world.dora, room, "In my **own** name.", None).unwrap();
    world.marked(said, "✅").await;
    let post = world.post(thread, "In my [B]own[/B] name.").await;
    assert_eq!(author(&world, post), "Cleo");
    let text = world.forum().post(post).unwrap().text;
    assert!(text.starts_with("In my") && text.contains(&format!("/{room}/{said}")), "{text}");
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 1, "it does not come back");

    // The answer to the next one is lost, and the bridge starts anew: nothing is doubled.
    world.forum().fail_at("/newreply.php", Fault::DropAfterCommit, Lasts::Times(1));
    let second = world.discord().say(world.dora, room, "And once more.", None).unwrap();
    world.marked(second, "✅").await;
    world.stop().await.unwrap();
    let again = config(&world, Some('a'), vec![world.threads()]);
    world.start_configured(again).await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "And once more.").len(), 1);
    assert_eq!(world.mirrored(room).len(), 1);
    world.discord().edit(world.dora, said, "In my very own name.").unwrap();
    world.post(thread, "In my very own name.").await;
    let first = world.forum().posts(thread)[0].id;
    let message = world.message(room, "Who has the key?").await.id;
    world.discord().react(world.dora, message, "🙏").unwrap();
    eventually("the thanks", || world.forum().thanks(first).pop().filter(|it| it.name == "Cleo")).await;
    world.discord().unreact(world.dora, message, "🙏").unwrap();
    eventually("the withdrawal", || world.forum().thanks(first).is_empty().then_some(())).await;
    world.discord().delete(second).unwrap();
    eventually("the removal", || world.posts_with(thread, "once more").is_empty().then_some(())).await;
    let done = world.forum().ledger().into_iter();
    let own = [Action::Reply, Action::Edit, Action::Delete, Action::Thank, Action::WithdrawThanks];
    for entry in done.filter(|it| own.contains(&it.action) && it.outcome == Outcome::Done) {
        assert_eq!(entry.member, Some(cleo), "{entry:?}");
    }

    // Nothing of the password or the session is in the clear anywhere.
    for file in std::fs::read_dir(&world.folder.0).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("herons") && !text.contains("sessionhash"), "a secret is in the database");
    }
    let said_in_discord = format!("{:?}{:?}", world.discord().messages(room), world.discord().ledger());
    assert!(!said_in_discord.contains("herons"));

    let shown = show(&world, world.dora).await.message.unwrap();
    let pressed = world.discord().press(world.dora, shown.id, "signout|edu", &[]).unwrap();
    assert!(pressed.answer().await.unwrap().text().contains("signed out"));
    let said = world.discord().say(world.dora, room, "By the bridge again.", None).unwrap();
    world.marked(said, "✅").await;
    let post = world.post(thread, "By the bridge again.").await;
    assert_eq!(author(&world, post), "Discord Bridge");
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_good_once_for_ten_minutes_and_for_its_own_form() {
    let (world, cleo, ..) = world().await;
    let browser = Browser::new();
    // Another site's form, or one without its cookie, changes nothing, and the page stays good.
    let (_, url) = ask(&world, world.dora).await;
    let (_, page) = browser.open(&url).await;
    let stranger = Browser::new();
    assert_eq!(stranger.send(&url, &token(&page), "Cleo", PASSWORD).await.0, 403);
    assert_eq!(browser.send(&url, "made up", "Cleo", PASSWORD).await.0, 403);
    assert_eq!(browser.send(&url, "", "Cleo", PASSWORD).await.0, 403);
    // A wrong password spends it.
    let (status, told) = browser.sign_in(&url, "Cleo", "wrong").await;
    assert!(status == 403 && told.contains("does not accept that name or that password"), "{told}");
    assert_eq!(browser.send(&url, &token(&page), "Cleo", PASSWORD).await.0, 403);
    assert_eq!(browser.open(&url).await.0, 404);
    // It is late, or an older one.
    let (_, old) = ask(&world, world.dora).await;
    let (_, new) = ask(&world, world.dora).await;
    assert_eq!(browser.open(&old).await.0, 404);
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(browser.open(&new).await.0, 404);
    assert_eq!(browser.open(&new[..new.len() - 4]).await.0, 404);
    assert!(show(&world, world.dora).await.text().contains("no forum account"));
    // The bridge's own account, and a member who is somebody else's.
    let (_, url) = ask(&world, world.dora).await;
    let (_, told) = browser.sign_in(&url, "Discord Bridge", "correct horse").await;
    assert!(told.contains("own account"), "{told}");
    let (_, url) = ask(&world, world.emil).await;
    assert!(browser.sign_in(&url, "Cleo", PASSWORD).await.1.contains("as Cleo"));
    let (_, url) = ask(&world, world.dora).await;
    assert!(browser.sign_in(&url, "Cleo", PASSWORD).await.1.contains("somebody else"));
    let (told, url) = ask(&world, world.dora).await;
    assert!(url.is_empty() && told.contains("many pages"), "{told}");
    assert!(world.forum().ledger().iter().filter(|it| it.member == Some(cleo)).count() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ties_the_form_to_its_browser_goes_over_no_plain_road_where_the_page_is_safe() {
    for (scheme, secure) in [("https", true), ("http", false)] {
        let mut world = World::new().await;
        let mut config = config(&world, Some('a'), vec![world.threads()]);
        let listen = config.server.listen;
        config.server.public_url = Some(format!("{scheme}://bridge.example/in/").parse().unwrap());
        world.start_configured(config).await;
        eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
        let (_, url) = ask(&world, world.dora).await;
        // What the web server in front of it makes of the address.
        let path = url.strip_prefix(&format!("{scheme}://bridge.example/in/")).unwrap();
        let url = format!("http://{listen}/{path}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.get(&url).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        let rules: Vec<&str> = cookie.split("; ").skip(1).collect();
        assert!(rules.contains(&"HttpOnly") && rules.contains(&"SameSite=Strict"), "{cookie}");
        assert_eq!(rules.contains(&"Secure"), secure, "{cookie}");
        let page = answer.text().await.unwrap();
        let fields = [("token", token(&page).as_str()), ("name", "Ann"), ("password", "correct horse")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept = cookie.split(';').next().unwrap();
        let sent = http.post(&url).header("cookie", kept).form(&fields).send().await.unwrap();
        assert!(sent.text().await.unwrap().contains("as Ann"));
        world.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_is_told_once_and_the_bridge_writes_instead() {
    let (world, cleo, thread, room) = world().await;
    let (_, url) = ask(&world, world.dora).await;
    assert!(Browser::new().sign_in(&url, "Cleo", PASSWORD).await.1.contains("as Cleo"));
    let said = world.discord().say(world.dora, room, "As Cleo.", None).unwrap();
    world.marked(said, "✅").await;
    // With another password all sessions end, and the cookies are worth nothing.
    world.forum().change_password(cleo, "another one").unwrap();
    for words in ["Still me?", "And now?"] {
        let said = world.discord().say(world.dora, room, words, None).unwrap();
        world.marked(said, "✅").await;
        let post = world.post(thread, words).await;
        assert_eq!(author(&world, post), "Discord Bridge");
        assert_eq!(world.posts_with(thread, words).len(), 1);
    }
    let ended = |world: &World| {
        let mail = world.forum().mail(cleo).into_iter();
        mail.filter(|mail| mail.text.contains("no longer knows the session")).count()
    };
    eventually("the letter", || {
        world.clock.advance(Duration::from_secs(2));
        (ended(&world) > 0).then_some(())
    })
    .await;
    world.clock.advance(Duration::from_secs(120));
    world.quiet().await;
    assert_eq!(ended(&world), 1);
    assert!(!show(&world, world.dora).await.text().contains("signed in"));
    // What went out in her name can no longer be changed from here, and she is told why.
    world.discord().edit(world.dora, said, "As nobody.").unwrap();
    let told = world.message(room, "Your edit did not reach the forum").await.content;
    assert!(told.contains("no longer signed in"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_opens_nothing_and_switching_it_off_forgets() {
    let (mut world, ..) = world().await;
    let (_, url) = ask(&world, world.dora).await;
    assert!(Browser::new().sign_in(&url, "Cleo", PASSWORD).await.1.contains("as Cleo"));
    world.stop().await.unwrap();
    let wrong = config(&world, Some('b'), vec![world.threads()]);
    world.start_with(wrong).await;
    let error = world.ended().await.unwrap_err().to_string();
    assert!(error.contains("accounts.session_key is not the key"), "{error}");
    let off = config(&world, None, vec![world.threads()]);
    world.start_configured(off).await;
    assert!(show(&world, world.dora).await.text().contains("You are [Cleo]"));
    let (told, _) = ask(&world, world.dora).await;
    assert!(told.contains("not switched on"), "{told}");
    world.stop().await.unwrap();
    let wrong = config(&world, Some('b'), vec![world.threads()]);
    world.start_configured(wrong).await;
    assert!(!show(&world, world.dora).await.text().contains("signed in"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_signs_in_where_it_is_not_needed() {
    let mut world = World::of(threadbridge::sandbox::forum::Face::Discourse).await;
    let on = config(&world, Some('a'), vec![world.feed()]);
    world.start_configured(on).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let options = [("forum", json!("edu"))];
    let asked = world.discord().command(world.dora, world.text_channel, "account signin", &options).unwrap();
    assert!(asked.answer().await.unwrap().text().contains("/account link is enough"));
}
