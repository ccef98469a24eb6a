//! `threadbridge audit`: both sides compared, beside a bridge that may be running.

use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret;

use crate::bridge::audit::report::{Audited, Report, carries};
use crate::bridge::audit::{self, Wish};
use crate::bridge::{Forum, Heart};
use crate::clock::Clock;
use crate::config::{BridgeConfig, Config};
use crate::discord::rest::Rest;
use crate::health::Health;
use crate::{forum, store};

/// So many requests a second at most: a bridge that runs beside it wants to send, and Discord counts both as one.
const REQUESTS: u32 = 10;

/// Looks at everything, and tells `said` what it is looking at. Only where repairs are wished for can the database
/// be written at all.
pub async fn run(
    config: &Config,
    wish: Wish,
    clock: Arc<dyn Clock>,
    said: &dyn Fn(&str),
) -> anyhow::Result<Report> {
    let url = config.database.url.expose_secret();
    let store = if wish.repair {
        store::open_beside(url, clock.clone()).await?
    } else {
        store::open_to_read(url, clock.clone()).await?
    };
    let mut forums = Vec::new();
    for forum in &config.forums {
        let engine = forum::engine(forum, clock.clone())
            .with_context(|| format!("the forum \"{}\" can't be set up", forum.key))?;
        forums.push(Forum::new(forum.key.clone(), engine, forum.poll));
    }
    let discord = Rest::new(config.discord.token.clone(), &config.discord.api_url, clock.clone())?;
    discord.allow(config.discord.requests_per_second.min(REQUESTS));
    let public_url = config.server.public_url.clone();
    let heart =
        Heart::new(store.clone(), forums, discord.backfill(), clock, Health::default(), public_url, None);
    let report = async {
        let mut report = audit::run(&heart, wish, said).await?;
        let known = store.bridges().await?;
        let is_known = |bridge: &BridgeConfig| {
            known.iter().any(|it| {
                it.forum == bridge.forum && it.scope == bridge.scope && it.channel == bridge.channel
            })
        };
        for bridge in config.bridges.iter().filter(|bridge| !is_known(bridge)) {
            report.bridges.push(Audited {
                id: None,
                forum: bridge.forum.to_string(),
                carries: carries(&bridge.scope),
                channel: bridge.channel,
                skipped: Some("it has never run".to_owned()),
            });
        }
        Ok(report)
    };
    let report = report.await;
    store.close().await;
    report
}
