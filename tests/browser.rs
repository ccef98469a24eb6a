//! The demo's page in a real browser, used from the keyboard. Needs Chromium and its driver (Debian:
//! `chromium`, `chromium-driver`); skips with a line where there is none, and fails then under CI.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(40);
/// WebDriver's name for an element in its answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A browser, driven over <https://www.w3.org/TR/webdriver2/>.
struct Browser {
    http: reqwest::Client,
    session: String,
    _driver: Process,
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()
            .map(Process)?;
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        let base = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + PATIENCE;
        while http.get(format!("{base}/status")).send().await.is_err() {
            assert!(Instant::now() < deadline, "chromedriver does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let profile = tempfile::tempdir().expect("a folder");
        let mut args: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1600,1000",
        ]
        .map(str::to_owned)
        .to_vec();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let wish = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": { "args": args } } } });
        let answer: Value =
            http.post(format!("{base}/session")).json(&wish).send().await.ok()?.json().await.ok()?;
        let id = answer["value"]["sessionId"].as_str()?.to_owned();
        Some(Self { http, session: format!("{base}/session/{id}"), _driver: driver, _profile: profile })
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer =
            self.http.post(format!("{}{path}", self.session)).json(&body).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        answer["value"].clone()
    }

    async fn ask(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Types into whatever has the focus.
    async fn keys(&self, text: &str) {
        let focused =
            self.http.get(format!("{}/element/active", self.session)).send().await.expect("an answer");
        let focused: Value = focused.json().await.expect("JSON");
        let id = focused["value"][ELEMENT].as_str().expect("a focused element").to_owned();
        self.post(&format!("/element/{id}/value"), json!({ "text": text })).await;
    }

    async fn until(&self, what: &str, script: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.ask(script).await != json!(true) {
            if Instant::now() > deadline {
                let page =
                    self.ask("return location.href + '\\n' + document.body.innerText.slice(0, 2000)").await;
                panic!("waited in vain for {what}; the page shows: {page}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_both_sides_and_is_used_from_the_keyboard() {
    let Some(browser) = Browser::start().await else {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium and chromedriver");
        println!("skipped: there is no chromium with chromedriver here");
        return;
    };
    let mut demo = Command::new(env!("CARGO_BIN_EXE_threadbridge"))
        .args(["demo", "--port", "0", "--no-open"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the demo starts");
    let mut first = String::new();
    let out = demo.stdout.take().expect("its output");
    let _demo = Process(demo);
    BufReader::new(out).read_line(&mut first).expect("its first line");
    let url =
        first.split_whitespace().find(|word| word.starts_with("http://")).expect("its address").to_owned();

    browser.post("/url", json!({ "url": url })).await;
    let many = "return document.querySelectorAll('.msg').length >= 32 && document.querySelectorAll('.post').length >= 32";
    browser.until("the long thread on both sides", many).await;

    // f: to the forum; Ctrl+Enter posts.
    browser.keys("f").await;
    browser.keys("Has the [b]kettle[/b] been tested?\u{e009}\u{e007}").await;
    let shown = "return [...document.querySelectorAll('.msg')].some(m => m.querySelector('.app') && m.innerText.includes('Has the kettle been tested?') && m.querySelector('strong')?.innerText === 'kettle')";
    browser.until("the forum post in Discord", shown).await;

    // Esc leaves, d: to Discord; Enter sends.
    browser.keys("\u{e000}\u{e00c}").await;
    browser.keys("d").await;
    browser.keys("Yes, **twice**.\u{e007}").await;
    let arrived = "return [...document.querySelectorAll('.post')].some(p => p.innerText.includes('Yes, twice.') && p.innerText.includes('via Discord'))";
    browser.until("the reply on the forum", arrived).await;
    let ticked = "return [...document.querySelectorAll('.msg')].some(m => m.innerText.includes('Yes, twice.') && m.querySelector('.reactions')?.innerText.includes('✅'))";
    browser.until("the tick", ticked).await;

    // A reaction is a button: focus it and press Enter. Taking it back is the same.
    let focus = "const m = [...document.querySelectorAll('.msg')].find(m => m.innerText.includes('Has the kettle been tested?')); m.querySelector('.tools button').focus(); return document.activeElement.dataset.do === 't🙏'";
    browser.until("the thanks button", focus).await;
    browser.keys("\u{e007}").await;
    let post = "[...document.querySelectorAll('.post')].find(p => p.innerText.includes('Has the kettle been tested?'))";
    browser
        .until(
            "the thanks on the forum",
            &format!("return {post}.querySelector('.thanks')?.innerText.includes('Discord Bridge') === true"),
        )
        .await;
    let last_line = "return [...document.querySelectorAll('.msg')].some(m => m.innerText.includes('Has the kettle been tested?') && m.innerText.includes('1 thanks: Discord Bridge'))";
    browser.until("the last line in Discord", last_line).await;
    browser.until("the button again", focus).await;
    browser.keys("\u{e007}").await;
    browser.until("the withdrawal", &format!("return {post}.querySelector('.thanks') === null")).await;

    // /: a command. What can be typed comes from what the bot registered and from its database.
    browser.ask("document.activeElement.blur()").await;
    browser.keys("/").await;
    browser.keys("thread sh").await;
    let offered = "return [...document.querySelectorAll('#suggestions li')].some(it => it.innerText.startsWith('/thread show'))";
    browser.until("the command", offered).await;
    browser.keys("\u{e004}").await;
    let title = browser.ask("return document.getElementById('thread-title').textContent.slice(0, 12)").await;
    browser.keys(title.as_str().expect("a title")).await;
    let found = "return [...document.querySelectorAll('#suggestions li')].some(it => it.innerText.startsWith(document.getElementById('thread-title').textContent))";
    browser.until("the thread among the suggestions", found).await;
    browser.keys("\u{e015}\u{e007}").await;
    browser
        .until(
            "the rest of the options",
            "return document.getElementById('discord-text').value.startsWith('/thread show thread:http')",
        )
        .await;
    browser.keys("\u{e007}").await;
    let page =
        "[...document.querySelectorAll('.msg')].findLast(m => m.innerText.includes('used /thread show'))";
    browser
        .until("a page of the thread", &format!("return {page}?.querySelectorAll('.embed').length === 5"))
        .await;
    let turn = format!(
        "const b = [...{page}.querySelectorAll('button')].find(b => b.innerText === '▶'); b?.focus(); return document.activeElement === b"
    );
    browser.until("the button to the next page", &turn).await;
    browser.keys("\u{e007}").await;
    browser.until("the next page", &format!("return {page}?.innerText.includes('posts 6–10')")).await;

    // The menu of a message, and its form.
    let more = "const m = [...document.querySelectorAll('.msg')].find(m => m.innerText.includes('Has the kettle been tested?')); const b = m.querySelector('[data-do=menu]'); b.focus(); return document.activeElement === b";
    browser.until("the menu's button", more).await;
    browser.keys("\u{e007}").await;
    let entry = "const b = [...document.querySelectorAll('#form button')].find(b => b.innerText === 'Reply on the forum'); b?.focus(); return Boolean(b) && document.activeElement === b";
    browser.until("the menu", entry).await;
    browser.keys("\u{e007}").await;
    let field = "return document.activeElement?.name === 'text' && document.getElementById('form').open";
    browser.until("the form", field).await;
    browser.keys("Tested, **by form**.\u{e004}\u{e004}\u{e004}\u{e007}").await;
    let posted =
        "return [...document.querySelectorAll('.post')].some(p => p.innerText.includes('Tested, by form.'))";
    browser.until("the reply on the forum", posted).await;

    // The chart is a picture.
    browser.ask("document.activeElement.blur()").await;
    browser.keys("/").await;
    browser.keys("thanks top period:all\u{e007}").await;
    browser.until("the chart", "return document.querySelector('.picture')?.naturalWidth > 600").await;
}
