//! Where the walk over HTML puts what it finds: runs gather into lines, lines into paragraphs, and
//! whitespace collapses as a browser would collapse it.

use crate::markup::runs::{Run, Style, lines, nest};
use crate::markup::{Block, Inline};

/// The blocks of one container, and the line being gathered.
#[derive(Default)]
pub struct Flow {
    pub blocks: Vec<Block>,
    runs: Vec<Run>,
    /// For each run, the heading level that its font size stands for; 0 for ordinary text.
    sizes: Vec<u8>,
}

impl Flow {
    /// Adds text; runs of whitespace become one space.
    pub fn text(&mut self, text: &str, styles: &[Style], size: u8) {
        let mut out = String::with_capacity(text.len());
        let mut space = self.at_line_start() || self.ends_with_space();
        let mut rest = text;
        loop {
            let plain = rest.bytes().position(|byte| !byte.is_ascii_graphic()).unwrap_or(rest.len());
            out.push_str(&rest[..plain]);
            space &= plain == 0;
            let mut chars = rest[plain..].chars();
            let Some(c) = chars.next() else { break };
            rest = chars.as_str();
            match c {
                ' ' | '\t' | '\n' | '\r' | '\u{c}' => {
                    if !space {
                        out.push(' ');
                    }
                    space = true;
                }
                '\u{a0}' => {
                    out.push(' ');
                    space = false;
                }
                // Invisible and without meaning between words; joiners shape letters and emoji and stay.
                '\u{200b}' | '\u{feff}' | '\u{ad}' | '\u{2060}' => {}
                // Orders to turn the writing round reach beyond the post's own words.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
                c if c.is_control() => {}
                c => {
                    out.push(c);
                    space = false;
                }
            }
        }
        if !out.is_empty() {
            self.leaf(Inline::Text(out), styles, size);
        }
    }

    pub fn leaf(&mut self, leaf: Inline, styles: &[Style], size: u8) {
        self.runs.push(Run { styles: styles.to_vec(), leaf });
        self.sizes.push(size);
    }

    /// Takes back an `@` that was the last thing said, for the name that follows it.
    pub fn take_at_sign(&mut self) -> bool {
        let Some(Run { leaf: Inline::Text(text), .. }) = self.runs.last_mut() else { return false };
        let taken = text.ends_with('@');
        if taken {
            text.pop();
            if text.is_empty() {
                self.runs.pop();
                self.sizes.pop();
            }
        }
        taken
    }

    fn at_line_start(&self) -> bool {
        self.runs.last().is_none_or(|run| run.leaf == Inline::Break)
    }

    fn ends_with_space(&self) -> bool {
        matches!(self.runs.last(), Some(Run { leaf: Inline::Text(text), .. }) if text.ends_with(' '))
    }

    /// Begins a line, within the paragraph, if one is being written.
    pub fn line(&mut self) {
        if !self.at_line_start() {
            self.leaf(Inline::Break, &[], 0);
        }
    }

    /// Ends the paragraph; a line alone in large type is a heading, an empty line parts paragraphs.
    pub fn flush(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let sizes = std::mem::take(&mut self.sizes);
        let mut sizes = sizes.into_iter();
        let mut paragraph: Vec<Vec<Run>> = Vec::new();
        for line in lines(std::mem::take(&mut self.runs)) {
            let line_sizes: Vec<u8> = sizes.by_ref().take(line.len()).collect();
            // The break that ended this line.
            sizes.next();
            let level = heading(&line, &line_sizes);
            let line = trimmed(line);
            if line.is_empty() || level > 0 {
                self.paragraph(std::mem::take(&mut paragraph));
            }
            if level > 0 && !line.is_empty() {
                self.blocks.push(Block::Heading { level, content: nest(line) });
            } else if !line.is_empty() {
                paragraph.push(line);
            }
        }
        self.paragraph(paragraph);
    }

    fn paragraph(&mut self, lines: Vec<Vec<Run>>) {
        if lines.is_empty() {
            return;
        }
        let mut runs: Vec<Run> = Vec::new();
        for line in lines {
            if let (Some(before), Some(first)) = (runs.last(), line.first()) {
                // A break inside a style stays inside it.
                let shared = before.styles.iter().zip(&first.styles).take_while(|(a, b)| a == b).count();
                let styles = first.styles[..shared].to_vec();
                runs.push(Run { styles, leaf: Inline::Break });
            }
            runs.extend(line);
        }
        self.blocks.push(Block::Paragraph(nest(runs)));
    }

    pub fn block(&mut self, block: Block) {
        self.flush();
        self.blocks.push(block);
    }

    pub fn finish(mut self) -> Vec<Block> {
        self.flush();
        self.blocks
    }
}

/// The heading level of a line whose visible text is all in large type.
fn heading(line: &[Run], sizes: &[u8]) -> u8 {
    let mut level = 0;
    for (run, size) in line.iter().zip(sizes) {
        let blank = matches!(&run.leaf, Inline::Text(text) if text.trim().is_empty());
        match (blank, *size) {
            (true, _) => {}
            (false, 0) => return 0,
            (false, size) => level = if level == 0 { size } else { level.min(size) },
        }
    }
    level
}

/// Without the spaces at a line's ends.
fn trimmed(mut line: Vec<Run>) -> Vec<Run> {
    while let Some(Run { leaf: Inline::Text(text), .. }) = line.last_mut() {
        text.truncate(text.trim_end().len());
        if !text.is_empty() {
            break;
        }
        line.pop();
    }
    let blank = |run: &Run| matches!(&run.leaf, Inline::Text(text) if text.trim().is_empty());
    let leading = line.iter().take_while(|run| blank(run)).count();
    line.drain(..leading);
    if let Some(Run { leaf: Inline::Text(text), .. }) = line.first_mut() {
        text.drain(..text.len() - text.trim_start().len());
    }
    line
}
