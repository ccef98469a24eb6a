//! What people write: every paragraph with a mark by which it is known on the other side.

/// Somebody's words on one side: a mark by which they are known on the other, and how often they changed.
pub struct Words {
    /// Post or message.
    pub id: u64,
    pub place: Place,
    pub mark: String,
    pub version: u32,
    pub paragraphs: usize,
    /// Was in several messages once: whoever thanked by one that is gone has thanked.
    pub split: bool,
    pub gone: bool,
    /// Went away once, so that its place and its reactions are no longer what they were.
    pub went: bool,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a forum thread, or in the Discord thread that shows it.
    Thread(u64),
    /// In a post of the Discord forum, which opens a thread of this title: as its first words, or after them.
    Opened { room: u64, title: String },
}

impl Words {
    pub fn new(kind: char, number: usize, place: Place) -> Self {
        let mark = format!("{kind}{number}");
        Self { id: 0, place, mark, version: 1, paragraphs: 1, split: false, gone: false, went: false }
    }

    /// Whether a mark in a text is one of these words', of whatever version.
    pub fn marked(&self, mark: &str) -> bool {
        mark.strip_prefix(&self.mark).is_some_and(|rest| rest.starts_with('v'))
    }

    /// Each paragraph with a mark of its own: `p7v2.0;`
    pub fn text(&self) -> String {
        const FILLER: &str = "and so it goes on about switches and the cupboards they live in ";
        let paragraph = |n: usize| {
            let long = if self.paragraphs > 1 { 12 } else { 1 };
            format!("{}v{}.{n}; {}", self.mark, self.version, FILLER.repeat(long).trim())
        };
        (0..self.paragraphs).map(paragraph).collect::<Vec<_>>().join("\n\n")
    }
}

/// The marks in a text: `p7v2.0;`
pub fn marks(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.replace('\\', ""));
    words
        .filter(|word| {
            word.ends_with(';')
                && word.starts_with(['p', 'd'])
                && word[1..].chars().all(|c| c.is_ascii_digit() || ['v', '.', ';'].contains(&c))
        })
        .collect()
}
