//! Words that are looked for in a text all at once: most lists are long, and most texts hold none of them.

/// A list of words by their first bytes.
pub struct Words {
    by_first: [Vec<&'static str>; 256],
}

impl Words {
    /// Words that bars part.
    pub fn new(list: &'static str) -> Self {
        let mut by_first = [const { Vec::new() }; 256];
        for word in list.split('|') {
            if let Some(first) = word.bytes().next() {
                by_first[usize::from(first)].push(word);
            }
        }
        Self { by_first }
    }

    /// Whether any of them is in a text.
    pub fn any_in(&self, text: &str) -> bool {
        self.any(text, |_, _| true)
    }

    /// Whether any of them stands in a text at a place that fits it.
    pub fn any(&self, text: &str, fits: impl Fn(usize, &str) -> bool) -> bool {
        text.bytes().enumerate().any(|(at, first)| {
            let words = &self.by_first[usize::from(first)];
            words.iter().any(|word| text.as_bytes()[at..].starts_with(word.as_bytes()) && fits(at, word))
        })
    }

    /// The first of them that a text begins with and that fits what is behind it.
    pub fn at_start(&self, text: &str, fits: impl Fn(&str) -> bool) -> Option<&'static str> {
        let words = &self.by_first[usize::from(*text.as_bytes().first()?)];
        words.iter().copied().find(|word| text.strip_prefix(word).is_some_and(&fits))
    }
}
