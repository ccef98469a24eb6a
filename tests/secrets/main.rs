//! Nothing that is secret is told: the real process runs with everything in its log, over a conversation in which much
//! goes wrong; then every command, and every configuration that can't work. What they all said is searched for each
//! secret, in all its shapes ([`forms`]).

#[path = "../postgres/mod.rs"]
mod postgres;

mod broken;
mod forms;
mod setting;

use serde_json::json;
use threadbridge::sandbox::forum::{Fault, Lasts};

use setting::{Secret, Setting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_a_log_that_holds_everything() {
    conversation("trace", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_the_log_of_a_bridge_on_postgres() {
    conversation("debug", true).await;
}

async fn conversation(level: &'static str, on_postgres: bool) {
    let Some(mut setting) = Setting::start(level, on_postgres).await else { return };
    talk(&setting).await;
    sign_in(&mut setting).await;
    push(&setting).await;
    trouble(&setting).await;
    for path in ["metrics", "readyz", "healthz", "nowhere"] {
        setting.heard(path, &setting.get(path).await);
    }
    // Discord lets the bot in no more.
    setting.stage.discord.reset_token();
    setting.stage.discord.disconnect(false);
    setting.stage.forum.reply(setting.thread, setting.ann, "Is anybody there?").unwrap();
    setting.logged("token").await;
    setting.stop();
    for command in [
        &["check"][..],
        &["check", "--json"],
        &["check", "--offline"],
        &["migrate"],
        &["why", &setting.stage.forum.url()],
        &["audit"],
        &["audit", "--json"],
        &["run"],
    ] {
        setting.run(command);
    }
    setting.nothing_is_told();
    setting.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_cannot_work_is_explained_without_its_secrets() {
    for level in ["trace", "debug"] {
        broken::explained(level);
    }
}

/// Posts, replies and thanks, and a forum that is not as it was.
async fn talk(setting: &Setting) {
    let (forum, discord) = (&setting.stage.forum, &setting.stage.discord);
    let room = setting.room("Question").await;
    let said = discord.say(setting.dora, room, "I have it here.", None).unwrap();
    setting.marked(said, "✅").await;
    discord.react(setting.dora, discord.messages(room)[0].id, "🙏").unwrap();
    for fault in ["sign-out", "stale-tokens", "status 500", "drop-after-commit"] {
        forum.fail(fault.parse::<Fault>().unwrap(), Lasts::Times(1));
        let said = discord.say(setting.dora, room, &format!("In spite of {fault}."), None).unwrap();
        setting.marked(said, "✅").await;
    }
    forum.close(setting.thread).unwrap();
    setting.until("the lock", || discord.channel(room)?.thread.filter(|thread| thread.locked)).await;
    discord.lock_thread(room, false).unwrap();
    let said = discord.say(setting.dora, room, "Once more.", None).unwrap();
    setting.marked(said, "⚠️").await;
    forum.reopen(setting.thread).unwrap();
    for title in ["Talk", "Node"] {
        let said = discord.say(setting.dora, setting.room(title).await, "I have it here.", None).unwrap();
        setting.marked(said, "✅").await;
    }
    setting.logged("can't read the forum").await;
}

/// Forums that no longer let the bridge in, or are not there: each is left alone for long then.
async fn trouble(setting: &Setting) {
    let trouble = [
        (&setting.stage.forum, ["garbage", "cut 200", "maintenance"]),
        (&setting.discourse, ["status 500", "cut 20", "status 403"]),
        (&setting.nodebb, ["garbage", "cut 20", "status 401"]),
    ];
    for (forum, faults) in trouble {
        for fault in faults {
            forum.fail(fault.parse::<Fault>().unwrap(), Lasts::Times(1));
        }
    }
    for (forum, _) in trouble {
        setting.until("the faults", || (forum.faults_left() == 0).then_some(())).await;
    }
}

/// A member signs in on the bridge's own page, first with a password that is another site's.
async fn sign_in(setting: &mut Setting) {
    let discord = setting.stage.discord.clone();
    let edu = [("forum", json!("edu"))];
    for (password, signed_in) in [(Secret::TypedWrong, false), (Secret::Member, true)] {
        let asked = discord.command(setting.dora, setting.text, "account signin", &edu).unwrap();
        let answer = format!("{:?}", asked.answer().await.unwrap().message);
        let url = answer.split('"').find(|part| part.contains("/sign-in/")).expect("a page").to_owned();
        setting.add_secret("the page's address", url.rsplit('/').next().unwrap());
        let browser = reqwest::Client::builder().no_proxy().cookie_store(true).build().unwrap();
        let page = browser.get(&url).send().await.unwrap().text().await.unwrap();
        let token = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [("token", token), ("name", "Cleo"), ("password", password.text())];
        let told = browser.post(&url).form(&fields).send().await.unwrap().text().await.unwrap();
        assert_eq!(told.contains("You are signed in"), signed_in, "{told}");
        setting.heard("the sign-in page", &told);
    }
    let room = setting.room("Question").await;
    let said = discord.say(setting.dora, room, "As myself.", None).unwrap();
    setting.marked(said, "✅").await;
    let told = discord.command(setting.dora, setting.text, "account show", &[]).unwrap();
    setting.heard("/account show", &format!("{:?}", told.answer().await.unwrap()));
    let told = discord.command(setting.dora, setting.text, "thread latest", &edu).unwrap();
    setting.heard("/thread latest", &format!("{:?}", told.answer().await.unwrap()));
}

/// What the forum pushes, signed by it and by somebody else.
async fn push(setting: &Setting) {
    for (secret, status) in [(Secret::Hook, 204), (Secret::TypedWrong, 401)] {
        assert_eq!(setting.deliver(secret).await, status);
    }
}
