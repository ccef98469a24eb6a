//! The command line; only wires rooms together.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};
use secrecy::ExposeSecret;
use threadbridge::bridge::audit::{Gone, Wish};
use threadbridge::clock::SystemClock;
use threadbridge::config::{Config, EngineName, unreadable};
use threadbridge::store::{self, StoreError, transfer};
use threadbridge::{app, audit, check, read, why};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

mod progress;

use progress::{Bar, Line};

/// Done; failed; wrong usage or configuration.
const DONE: u8 = 0;
const FAILED: u8 = 1;
const WRONG: u8 = 2;

/// What the log holds unless `THREADBRIDGE_LOG` says otherwise. serenity's warnings quote what people wrote.
const LOG: &str = "warn,serenity=error,threadbridge=info";

/// What it never holds, whatever is wished for: serenity's spans and lines have whole requests and events in them, with
/// the tokens of interactions and with answers that are for one person alone.
fn never_told() -> Targets {
    Targets::new().with_default(LevelFilter::TRACE).with_target("serenity", LevelFilter::ERROR)
}

/// Ties forum threads to Discord.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the bridge until SIGTERM or SIGINT
    Run {
        #[command(flatten)]
        config: ConfigFlag,
    },
    /// Show the bridge at work: a forum and a Discord in a sandbox, on one web page
    #[cfg(feature = "sandbox")]
    Demo {
        /// The forum's software
        #[arg(long, default_value = "vbulletin4")]
        engine: String,
        /// The page's port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Do not open a browser
        #[arg(long)]
        no_open: bool,
        /// No page: print one round trip as text, and end
        #[arg(long)]
        headless: bool,
    },
    /// Look at everything before anything is sent, and say how to mend each fault
    Check {
        #[command(flatten)]
        config: ConfigFlag,
        /// Ask neither Discord nor a forum
        #[arg(long)]
        offline: bool,
        /// One JSON object instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Bring the database's schema up to date, as `run` does by itself
    Migrate {
        #[command(flatten)]
        database: DatabaseFlags,
    },
    /// Write everything that the database holds, secrets among it, into a new file; stop the bridge first
    Export {
        file: PathBuf,
        #[command(flatten)]
        database: DatabaseFlags,
    },
    /// Bring everything into an empty database; an interrupted import goes on where it was
    Import {
        /// A file that `export` made, or the address of a database that no bridge uses
        source: String,
        #[command(flatten)]
        database: DatabaseFlags,
    },
    /// Tell what happened to one post: seen, filtered, queued, sent, edited
    Why {
        /// The post's address on the forum
        post_url: String,
        #[command(flatten)]
        config: ConfigFlag,
    },
    /// Compare both sides, and report what is missing, left over or out of date; the bridge may run meanwhile
    Audit {
        #[command(flatten)]
        config: ConfigFlag,
        /// Queue what mends the faults, for the running bridge or the next run
        #[arg(long)]
        repair: bool,
        /// What a repair does where a message is gone and nobody saw why [default: only reported]
        #[arg(long, value_enum, requires = "repair")]
        gone: Option<WhatOfGone>,
        /// One JSON object instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Read one thread page as the bridge sees it
    Read {
        /// An address, a saved file, or - for standard input
        source: String,
        /// The forum's software
        #[arg(long, default_value = "vbulletin4")]
        engine: String,
        /// The page's own address, for a saved file
        #[arg(long)]
        base_url: Option<String>,
        #[arg(long, value_enum, default_value_t = Format::Markdown)]
        format: Format,
        /// The forum's time zone, for pages that do not state it
        #[arg(long, default_value = "UTC")]
        timezone: String,
    },
}

#[derive(clap::Args)]
struct ConfigFlag {
    /// The configuration file [default: $THREADBRIDGE_CONFIG, ./threadbridge.toml, config/threadbridge.toml]
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(clap::Args)]
struct DatabaseFlags {
    #[command(flatten)]
    config: ConfigFlag,
    /// The database's address, instead of the configuration's database.url
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl DatabaseFlags {
    fn url(self) -> Result<String, ExitCode> {
        match self.database {
            Some(url) => Ok(url),
            None => Ok(load(&self.config)?.database.url.expose_secret().to_owned()),
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum WhatOfGone {
    /// It was deleted on purpose, and stays away
    Keep,
    /// Its post is shown again
    Show,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Markdown,
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let wanted = std::env::var("THREADBRIDGE_LOG").unwrap_or_else(|_| LOG.to_owned());
    let filter: Targets = match wanted.parse() {
        Ok(filter) => filter,
        Err(error) => return fail(WRONG, &format!("THREADBRIDGE_LOG is not like \"{LOG}\": {error}")),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry().with(lines).with(filter).with(never_told()).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &format!("the process can't start its threads: {error}")),
    };
    let code = runtime.block_on(dispatch(cli.command)).unwrap_or_else(|code| code);
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

fn no_engine(name: &str) -> ExitCode {
    fail(WRONG, &format!("there is no engine \"{name}\"; there is: {}", EngineName::list()))
}

/// Does what was asked for, and tells with which code to end: early where it can't be begun.
async fn dispatch(command: Command) -> Result<ExitCode, ExitCode> {
    Ok(match command {
        Command::Run { config } => {
            let config = load(&config)?;
            let stop = CancellationToken::new();
            tokio::spawn(cancel_on_signal(stop.clone()));
            ended(app::run(&config, Arc::new(SystemClock), stop).await)
        }
        #[cfg(feature = "sandbox")]
        Command::Demo { engine, port, no_open, headless } => {
            use threadbridge::sandbox::forum::Face;
            let face = match engine.parse() {
                Ok(EngineName::Vbulletin4) => Face::Vbulletin4,
                Ok(EngineName::Discourse) => Face::Discourse,
                Ok(EngineName::Nodebb) => Face::Nodebb,
                Ok(EngineName::Feed) => {
                    return Err(fail(
                        WRONG,
                        "a feed can't be answered, and the demo is of a conversation; leave --engine out",
                    ));
                }
                Err(()) => return Err(no_engine(&engine)),
            };
            let stop = CancellationToken::new();
            tokio::spawn(cancel_on_signal(stop.clone()));
            ended(threadbridge::sandbox::demo::run(face, port, !no_open, headless, stop).await)
        }
        Command::Check { config, offline, json } => {
            let config = load(&config)?;
            let report = check::run(&config, Arc::new(SystemClock), offline).await;
            let text = if json { report.json() } else { report.text() };
            print(&text);
            ExitCode::from(if report.faults() == 0 { DONE } else { FAILED })
        }
        Command::Migrate { database } => {
            let url = database.url()?;
            moved(
                store::migrate(&url, Arc::new(SystemClock))
                    .await
                    .map(|()| "The schema is up to date.".into()),
            )
        }
        Command::Export { file, database } => {
            let url = database.url()?;
            let mut bar = Bar::new();
            let rows = transfer::export(&url, &file, &mut |done, of| bar.show(done, of)).await;
            moved(rows.map(|rows| format!("Wrote {rows} rows into {}.", file.display())))
        }
        Command::Import { source, database } => {
            let url = database.url()?;
            let mut bar = Bar::new();
            let rows = transfer::import(&source, &url, &mut |done, of| bar.show(done, of)).await;
            moved(rows.map(|rows| format!("Brought over {rows} rows.")))
        }
        Command::Why { post_url, config } => {
            let config = load(&config)?;
            match why::story(&config, &post_url, Arc::new(SystemClock)).await {
                Ok(story) => {
                    print(&story);
                    ExitCode::from(DONE)
                }
                Err(error) => fail(FAILED, &format!("{error:#}")),
            }
        }
        Command::Audit { config, repair, gone, json } => {
            let config = load(&config)?;
            let gone = gone.map(|gone| match gone {
                WhatOfGone::Keep => Gone::Keep,
                WhatOfGone::Show => Gone::Show,
            });
            let line = Line::new();
            let audited =
                audit::run(&config, Wish { repair, gone }, Arc::new(SystemClock), &|text| line.show(text))
                    .await;
            line.end();
            match audited {
                Ok(report) => {
                    print(&if json { report.json() } else { report.text() });
                    ExitCode::from(if report.ok() { DONE } else { FAILED })
                }
                Err(error) => fail(FAILED, &format!("{error:#}")),
            }
        }
        Command::Read { source, engine, base_url, format, timezone } => {
            let engine = engine.parse::<EngineName>().map_err(|()| no_engine(&engine))?;
            let zone = jiff::tz::TimeZone::get(&timezone).map_err(|_| {
                fail(WRONG, &format!("there is no time zone \"{timezone}\"; try one like Europe/London"))
            })?;
            let source = self::source(source).map_err(|message| fail(FAILED, &message))?;
            match read::page(source, engine, base_url.as_deref(), zone, Arc::new(SystemClock)).await {
                Ok(page) => {
                    print(&match format {
                        Format::Markdown => page.markdown(),
                        Format::Json => page.json(),
                    });
                    ExitCode::from(DONE)
                }
                Err(error) => fail(FAILED, &error.to_string()),
            }
        }
    })
}

fn moved(outcome: Result<String, StoreError>) -> ExitCode {
    match outcome {
        Ok(text) => {
            print(&text);
            ExitCode::from(DONE)
        }
        Err(error) => fail(FAILED, &error.to_string()),
    }
}

/// What `read` reads from.
fn source(text: String) -> Result<read::Source, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(read::Source::Url(text));
    }
    let mut bytes = Vec::new();
    let outcome = if text == "-" {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(&text).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    match outcome {
        Ok(_) => Ok(read::Source::Bytes(bytes)),
        Err(error) => Err(unreadable(text.as_ref(), &error)),
    }
}

fn load(flag: &ConfigFlag) -> Result<Config, ExitCode> {
    // A variable that is not text can't be meant for us.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(flag.config.as_deref(), variables).map_err(|errors| fail(WRONG, &errors.to_string()))
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::from(DONE),
        Err(error) => {
            tracing::debug!("{error:?}");
            fail(FAILED, &format!("{error:#}"))
        }
    }
}

/// A closed pipe is not worth a panic.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

fn fail(code: u8, message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(code)
}

async fn cancel_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
    tracing::info!("stopping: what is in flight is finished first");
    stop.cancel();
}
