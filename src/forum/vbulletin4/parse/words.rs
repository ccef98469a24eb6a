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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand() {
        let words = Words::new("vor|il y a|před|vorgestern");
        for (text, found) in
            [("vor 5 minuten", true), ("5 minut před", true), ("davor", true), ("il y", false), ("", false)]
        {
            assert_eq!(words.any_in(text), found, "{text}");
        }
        let at_three = |text: &str| words.any(text, |at, word| at == 3 && word == "vor");
        assert!(at_three("5, vor") && !at_three("vor 5"));
        assert_eq!(words.at_start("vorgestern", |_| true), Some("vor"), "the first that is listed");
        assert_eq!(words.at_start("vorgestern", str::is_empty), Some("vorgestern"));
        assert_eq!(words.at_start("5 vor", |_| true), None);
    }
}
