//! The real process between a Discord and three forums, all of its secrets canaries, and everything that it says.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use threadbridge::clock::SystemClock;
use threadbridge::sandbox::discord::{self, Limits};
use threadbridge::sandbox::forum::{self, Face, Forum, NewMember};
use threadbridge::sandbox::stage::{ACCOUNT, Folder, Stage};

use crate::forms::{forms, hex};
use crate::postgres::{self, Database};

const PATIENCE: Duration = Duration::from_secs(60);
/// So much of what is around a leak is shown.
const AROUND: usize = 160;

/// What nobody may be told.
#[derive(Debug, Clone, Copy)]
pub enum Secret {
    /// The bridge's own on the forum.
    Password,
    /// One that the forum does not accept.
    WrongPassword,
    /// A member's, typed on the bridge's page.
    Member,
    TypedWrong,
    Hook,
    WrongKey,
    /// Of the server where the database is.
    Database,
}

impl Secret {
    pub const ALL: [Self; 7] = [
        Self::Password,
        Self::WrongPassword,
        Self::Member,
        Self::TypedWrong,
        Self::Hook,
        Self::WrongKey,
        Self::Database,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::Password => "Zoë's cnry1bridge1password & more/+",
            Self::WrongPassword => "Zoë's cnry2wrong2password & more/+",
            Self::Member => "Zoë's cnry3member3password & more/+",
            Self::TypedWrong => "Zoë's cnry4typed4password & more/+",
            Self::Hook => "cnry5hook5secret & more/+",
            Self::WrongKey => "cnry6wrong6key",
            Self::Database => "cnry7database7password",
        }
    }

    pub fn core(self) -> &'static str {
        self.text().split(' ').find(|word| word.starts_with("cnry")).expect("a canary")
    }
}

/// What a member's session is sealed with.
const VAULT: &str = "c0ffee5eedc0ffee5eedc0ffee5eedc0ffee5eedc0ffee5eedc0ffee5eed0123";

pub struct Setting {
    pub stage: Stage,
    pub discourse: Forum,
    pub nodebb: Forum,
    pub thread: u64,
    pub ann: u64,
    pub dora: u64,
    pub text: u64,
    forum_channel: u64,
    folder: Folder,
    database: Option<Database>,
    listen: std::net::SocketAddr,
    level: &'static str,
    child: Child,
    secrets: Vec<(String, Vec<String>)>,
    heard: std::sync::Mutex<Vec<(String, String)>>,
}

impl Setting {
    /// Nothing where there is no Postgres.
    pub async fn start(level: &'static str, on_postgres: bool) -> Option<Self> {
        let folder = Folder::new().unwrap();
        let database = if on_postgres { Some(Database::create(&postgres::server()?).await) } else { None };
        let clock = Arc::new(SystemClock);
        let options = discord::Options { limits: Limits::off(), ..discord::Options::default() };
        let stage = Stage::start(forum::Options::default(), options, clock.clone()).await.unwrap();
        let of = |face| {
            let forum =
                Forum::start(forum::Options { face, ..forum::Options::default() }, clock.clone()).unwrap();
            forum.add_member(ACCOUNT);
            forum
        };
        let (discourse, nodebb) = (of(Face::Discourse), of(Face::Nodebb));
        let member = |name: &str, password: Secret| {
            let password = password.text().to_owned();
            stage.forum.register(NewMember { name: name.to_owned(), password, ..NewMember::default() })
        };
        member("Bridge", Secret::Password);
        member("Cleo", Secret::Member);
        let (ann, dora) = (stage.forum.add_member("Ann"), stage.discord.add_user("Dora"));
        let forum_channel = stage.discord.add_forum_channel(stage.guild, "threads", &[]);
        let text = stage.discord.add_text_channel(stage.guild, "talk");
        let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        // The server lets in whoever asks, so that the password is only another canary.
        let address = |database: &Database| {
            let mut url = database.url.clone();
            if url.password().is_none() {
                url.set_password(Some(Secret::Database.text())).unwrap();
            }
            url.to_string()
        };
        let url = database.as_ref().map_or_else(|| folder.database(), address);
        let mut config = format!(
            "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\n[database]\nurl = \"{url}\"\n\
             [server]\nlisten = \"{listen}\"\npublic_url = \"http://{listen}/\"\n\
             [accounts]\nsign_in = true\nsession_key = \"{VAULT}\"\n",
            stage.discord.token(),
            stage.discord.url(),
        );
        let mut thread = 0;
        for (key, title, forum, rights) in [
            ("edu", "Question", &stage.forum, account(Secret::Password)),
            ("shut", "Nobody", &stage.forum, account(Secret::WrongPassword)),
            (
                "talk",
                "Talk",
                &discourse,
                format!(
                    "engine = \"discourse\"\napi_key = \"{}\"\napi_user = \"{ACCOUNT}\"\nhook_secret = \"{}\"",
                    forum::discourse::API_KEY,
                    Secret::Hook.text()
                ),
            ),
            (
                "deaf",
                "Nothing",
                &discourse,
                format!(
                    "engine = \"discourse\"\napi_key = \"{}\"\napi_user = \"{ACCOUNT}\"",
                    Secret::WrongKey.text()
                ),
            ),
            (
                "node",
                "Node",
                &nodebb,
                format!(
                    "engine = \"nodebb\"\ntoken = \"{}\"\napi_user = \"{ACCOUNT}\"",
                    forum::nodebb::TOKEN
                ),
            ),
        ] {
            let board = forum.add_board(title);
            let member = if key == "edu" { ann } else { forum.add_member(&format!("Ann of {key}")) };
            let (opened, _) = forum.open_thread(board, member, title, "Who has the key?").unwrap();
            if key == "edu" {
                thread = opened;
            }
            config += &format!(
                "[[forums]]\nkey = \"{key}\"\nurl = \"{}\"\npoll_seconds = 1\nmin_request_gap_ms = 0\n{rights}\n\
                 [[bridges]]\nforum = \"{key}\"\nboard = \"{board}\"\nchannel = \"{forum_channel}\"\nstart = \"all\"\n",
                forum.url(),
            );
        }
        std::fs::write(folder.0.join("threadbridge.toml"), config).unwrap();
        let child = spawn(&folder.0, level);
        let mut setting = Self {
            stage,
            discourse,
            nodebb,
            thread,
            ann,
            dora,
            text,
            forum_channel,
            folder,
            database,
            listen,
            level,
            child,
            secrets: Vec::new(),
            heard: std::sync::Mutex::default(),
        };
        for secret in Secret::ALL {
            let forms = forms(secret.text(), secret.core());
            setting.secrets.push((format!("{secret:?}"), forms));
        }
        setting.add_secret("the bot's token", &setting.stage.discord.token());
        setting.add_secret("the API's key", forum::discourse::API_KEY);
        setting.add_secret("the master token", forum::nodebb::TOKEN);
        setting.add_secret("the vault's key", VAULT);
        setting.secrets.push(("a session on the forum".to_owned(), vec!["bb_sessionhash=".to_owned()]));
        Some(setting)
    }

    pub fn add_secret(&mut self, name: &str, secret: &str) {
        self.secrets.push((name.to_owned(), forms(secret, secret)));
    }

    /// What the bridge said to somebody.
    pub fn heard(&self, whom: &str, words: &str) {
        self.heard.lock().unwrap().push((whom.to_owned(), words.to_owned()));
    }

    pub async fn get(&self, path: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{}/{path}", self.listen)).send().await.unwrap();
        format!("{:?} {}", answer.headers().clone(), answer.text().await.unwrap())
    }

    /// Pushes news that are signed with this secret.
    pub async fn deliver(&self, secret: Secret) -> u16 {
        let body = serde_json::json!({ "post": { "id": 1, "topic_id": 1, "updated_at": self.stage.forum.now().to_string() } })
            .to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.text().as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(format!("http://{}/hooks/talk", self.listen))
            .header("X-Discourse-Event-Id", format!("{secret:?}"))
            .header("X-Discourse-Event-Type", "post")
            .header("X-Discourse-Event", "post_created")
            .header("X-Discourse-Event-Signature", format!("sha256={}", hex(&mac.finalize().into_bytes())))
            .body(body);
        request.send().await.unwrap().status().as_u16()
    }

    pub async fn room(&self, title: &str) -> u64 {
        let threads = || self.stage.discord.threads(self.forum_channel).into_iter();
        self.until(title, || threads().find(|room| room.name == title).map(|room| room.id)).await
    }

    pub async fn marked(&self, message: u64, emoji: &str) {
        let marks = || self.stage.discord.reactions(message).into_iter();
        self.until(emoji, || marks().any(|(own, _)| own == emoji).then_some(())).await;
    }

    pub async fn until<T>(&self, what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = seen() {
                return seen;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn logged(&self, words: &str) {
        self.until(words, || self.log().contains(words).then_some(())).await;
    }

    fn log(&self) -> String {
        let read = |name| std::fs::read(self.folder.0.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("stdout"), read("stderr")].concat()).into_owned()
    }

    /// As a service manager would.
    pub fn stop(&mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap();
    }

    /// One command, to its end.
    pub fn run(&self, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
        command.args(arguments).args(["--config", "threadbridge.toml"]).current_dir(&self.folder.0);
        let done = command.env("THREADBRIDGE_LOG", self.level).output().unwrap();
        self.heard(&format!("{arguments:?}"), &said(&done));
    }

    pub fn nothing_is_told(&mut self) {
        for channel in [self.text, self.forum_channel] {
            for hook in self.stage.discord.webhooks(channel) {
                self.add_secret("a webhook's token", &hook.token);
            }
        }
        for call in self.stage.discord.ledger() {
            let parts: Vec<&str> = call.path.split('/').collect();
            if let ["", "interactions", _, token, "callback"] = parts[..] {
                self.add_secret("an interaction's token", token);
            }
        }
        self.heard("the log", &self.log());
        let snapshot = self.stage.discord.snapshot();
        for (_, forms) in &self.secrets[..Secret::ALL.len()] {
            assert!(!forms.iter().any(|form| snapshot.to_string().contains(form)), "a secret is in Discord");
        }
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        let told: Vec<String> =
            heard.iter().flat_map(|(whom, words)| leaks(&self.secrets, whom, words)).collect();
        assert!(told.is_empty(), "{} leaks:\n{}", told.len(), told.join("\n"));
    }

    pub async fn end(mut self) {
        self.stage.discord.stop();
        if let Some(database) = self.database.take() {
            database.drop().await;
        }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn account(password: Secret) -> String {
    format!(
        "engine = \"vbulletin4\"\nusername = \"Bridge\"\npassword = \"{}\"\ntimezone = \"Europe/London\"",
        password.text()
    )
}

fn spawn(folder: &Path, level: &str) -> Child {
    let file = |name| std::fs::File::create(folder.join(name)).unwrap();
    Command::new(env!("CARGO_BIN_EXE_threadbridge"))
        .args(["run", "--config", "threadbridge.toml"])
        .current_dir(folder)
        .env("THREADBRIDGE_LOG", level)
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .unwrap()
}

pub fn said(done: &std::process::Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

pub fn leaks(secrets: &[(String, Vec<String>)], whom: &str, words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, forms) in secrets {
        for form in forms {
            if let Some(at) = words.find(form.as_str()) {
                let from = words.floor_char_boundary(at.saturating_sub(AROUND));
                let to = words.ceil_char_boundary(at + form.len() + 40);
                found.push(format!("{name} as {form} in {whom}: …{}…", &words[from..to]));
            }
        }
    }
    found
}
