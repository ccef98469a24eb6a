//! Where the walk over HTML puts what it finds: runs gather into lines, lines into paragraphs, and
//! whitespace collapses as a browser would collapse it.

use crate::markup::runs::{Run, Style, nest};
use crate::markup::{Block, Inline};

/// The blocks of one container, and the line being gathered.
#[derive(Default)]
pub struct Flow {
    pub blocks: Vec<Block>,
    /// Each with the heading level that its font size stands for; 0 for ordinary text.
    runs: Vec<(Run, u8)>,
}

impl Flow {
    /// Adds text; runs of whitespace become one space.
    pub fn text(&mut self, text: &str, styles: &[Style], size: u8) {
        let mut out = String::with_capacity(text.len());
        let mut space = self.at_line_start() || self.ends_with_space();
        let mut rest = text;
        loop {
            let mut plain = 0;
            for byte in rest.bytes() {
                // Words with single spaces between them stay as they are.
                if !byte.is_ascii_graphic() && (space || byte != b' ') {
                    break;
                }
                space = byte == b' ';
                plain += 1;
            }
            out.push_str(&rest[..plain]);
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
        self.runs.push((Run { styles: styles.to_vec(), leaf }, size));
    }

    /// Takes back an `@` that was the last thing said, for the name that follows it.
    pub fn take_at_sign(&mut self) -> bool {
        let Some((Run { leaf: Inline::Text(text), .. }, _)) = self.runs.last_mut() else { return false };
        let taken = text.ends_with('@');
        if taken {
            text.pop();
            if text.is_empty() {
                self.runs.pop();
            }
        }
        taken
    }

    fn at_line_start(&self) -> bool {
        self.runs.last().is_none_or(|(run, _)| run.leaf == Inline::Break)
    }

    fn ends_with_space(&self) -> bool {
        matches!(self.runs.last(), Some((Run { leaf: Inline::Text(text), .. }, _)) if text.ends_with(' '))
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
        let mut paragraph = Vec::new();
        if !self.runs.iter().any(|(run, _)| run.leaf == Inline::Break) {
            // Most often there is one line.
            let mut line = std::mem::take(&mut self.runs);
            self.end_line(&mut line, &mut paragraph);
            return self.paragraph(&mut paragraph);
        }
        let mut line = Vec::new();
        for run in std::mem::take(&mut self.runs) {
            if run.0.leaf == Inline::Break {
                self.end_line(&mut line, &mut paragraph);
            } else {
                line.push(run);
            }
        }
        self.end_line(&mut line, &mut paragraph);
        self.paragraph(&mut paragraph);
    }

    /// Puts a line into the paragraph, or ends that. Leaves the line empty.
    fn end_line(&mut self, line: &mut Vec<(Run, u8)>, paragraph: &mut Vec<(Run, u8)>) {
        let level = heading(line);
        trim(line);
        if line.is_empty() || level > 0 {
            self.paragraph(paragraph);
        }
        let Some((first, _)) = line.first() else { return };
        if level > 0 {
            let content = nest(line.drain(..).map(|(run, _)| run));
            return self.blocks.push(Block::Heading { level, content });
        }
        if let Some((before, _)) = paragraph.last() {
            // A break inside a style stays inside it.
            let shared = before.styles.iter().zip(&first.styles).take_while(|(a, b)| a == b).count();
            let styles = first.styles[..shared].to_vec();
            paragraph.push((Run { styles, leaf: Inline::Break }, 0));
        }
        if paragraph.is_empty() {
            std::mem::swap(paragraph, line);
        } else {
            paragraph.append(line);
        }
    }

    fn paragraph(&mut self, runs: &mut Vec<(Run, u8)>) {
        if !runs.is_empty() {
            self.blocks.push(Block::Paragraph(nest(runs.drain(..).map(|(run, _)| run))));
        }
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
fn heading(line: &[(Run, u8)]) -> u8 {
    let mut level = 0;
    for (run, size) in line {
        match (is_blank(run), *size) {
            (true, _) => {}
            (false, 0) => return 0,
            (false, size) => level = if level == 0 { size } else { level.min(size) },
        }
    }
    level
}

fn is_blank(run: &Run) -> bool {
    matches!(&run.leaf, Inline::Text(text) if text.trim().is_empty())
}

/// Takes away the spaces at a line's ends.
fn trim(line: &mut Vec<(Run, u8)>) {
    while let Some((Run { leaf: Inline::Text(text), .. }, _)) = line.last_mut() {
        text.truncate(text.trim_end().len());
        if !text.is_empty() {
            break;
        }
        line.pop();
    }
    let leading = line.iter().take_while(|(run, _)| is_blank(run)).count();
    line.drain(..leading);
    if let Some((Run { leaf: Inline::Text(text), .. }, _)) = line.first_mut() {
        text.drain(..text.len() - text.trim_start().len());
    }
}
