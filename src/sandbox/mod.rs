//! A forum and a Discord that live on loopback, for the demo and the tests: real protocols, real
//! limits, state in memory. Only loopback addresses are ever bound or spoken to from here.

pub mod demo;
pub mod discord;
pub mod forum;
pub mod page;
pub mod stage;
