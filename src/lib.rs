//! threadbridge ties forum threads to Discord. One line a room:
//!
//! The ground is pure: [`model`] names things, [`markup`] turns one dialect of text into another.
//! [`store`], [`forum`] and [`discord`] stand on the ground and never on each other.
//! [`bridge`] stands on those three and is the only room that knows both sides.
//! `main`, [`server`] and [`sandbox`] are the roof. `tests/architecture.rs` keeps it so.

pub mod app;
pub mod audit;
pub mod bridge;
pub mod check;
pub mod clock;
pub mod config;
pub mod discord;
pub mod fence;
pub mod forum;
pub mod health;
pub mod markup;
pub mod model;
pub mod read;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod server;
pub mod store;
pub mod weakness;
pub mod why;
