//! vBulletin 4 over its own pages.

pub mod parse;
