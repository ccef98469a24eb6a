//! A small community to look at: invented people who keep schools' computers running.

use super::Forum;

/// Where the interesting things are.
#[derive(Debug, Clone)]
pub struct Community {
    pub boards: Vec<u64>,
    pub members: Vec<u64>,
    pub threads: Vec<u64>,
}

pub fn seed_community(_forum: &Forum) -> Community {
    Community { boards: Vec::new(), members: Vec::new(), threads: Vec::new() }
}
