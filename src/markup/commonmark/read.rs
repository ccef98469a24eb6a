//! Markdown in, by pulldown-cmark.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

use crate::markup::{Block, Doc, Inline, MAX_DEPTH};

/// Reads CommonMark with GFM's tables and strike-through. HTML is text, and newlines count, as both is on the
/// forums that store Markdown.
pub fn read(text: &str) -> Doc {
    let mut reader = Reader { stack: vec![Open::Root(Vec::new())] };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        reader.event(event);
    }
    while reader.stack.len() > 1 {
        reader.close();
    }
    match reader.stack.pop() {
        Some(Open::Root(blocks)) => Doc { blocks },
        _ => Doc::default(),
    }
}

/// A container that has begun.
enum Open {
    Root(Vec<Block>),
    Paragraph(Vec<Inline>),
    Heading(u8, Vec<Inline>),
    Quote(Vec<Block>),
    Code(Option<String>, String),
    List(Option<u32>, Vec<Vec<Block>>),
    /// An item, and the words of a tight one that stand in no paragraph.
    Item(Vec<Block>, Vec<Inline>),
    Table(Vec<Vec<Vec<Inline>>>),
    Row(Vec<Vec<Inline>>),
    Cell(Vec<Inline>),
    Bold(Vec<Inline>),
    Italic(Vec<Inline>),
    Strike(Vec<Inline>),
    Link(String, Vec<Inline>),
    Image(String, Vec<Inline>),
    /// What lies too deep, or means nothing here: its content belongs to what is around it.
    Through,
}

struct Reader {
    stack: Vec<Open>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(_) => self.close(),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(code) => self.inline(Inline::Code(code.into_string())),
            Event::SoftBreak | Event::HardBreak => self.inline(Inline::Break),
            Event::Rule => self.block(Block::Rule),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text)
            }
            Event::TaskListMarker(done) => self.text(if done { "☑ " } else { "☐ " }),
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        let open = match tag {
            _ if self.stack.len() >= MAX_DEPTH => Open::Through,
            Tag::Paragraph => Open::Paragraph(Vec::new()),
            Tag::HtmlBlock => Open::Paragraph(Vec::new()),
            Tag::Heading { level, .. } => Open::Heading(
                match level {
                    HeadingLevel::H1 => 1,
                    HeadingLevel::H2 => 2,
                    _ => 3,
                },
                Vec::new(),
            ),
            Tag::BlockQuote(_) => Open::Quote(Vec::new()),
            Tag::CodeBlock(kind) => {
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([' ', ',']).next().filter(|name| !name.is_empty())
                    }
                    CodeBlockKind::Indented => None,
                };
                Open::Code(language.map(str::to_lowercase), String::new())
            }
            Tag::List(start) => Open::List(start.map(|n| u32::try_from(n).unwrap_or(1)), Vec::new()),
            Tag::Item => Open::Item(Vec::new(), Vec::new()),
            Tag::Table(_) => Open::Table(Vec::new()),
            Tag::TableHead | Tag::TableRow => Open::Row(Vec::new()),
            Tag::TableCell => Open::Cell(Vec::new()),
            Tag::Emphasis => Open::Italic(Vec::new()),
            Tag::Strong => Open::Bold(Vec::new()),
            Tag::Strikethrough => Open::Strike(Vec::new()),
            Tag::Link { dest_url, .. } if is_web(&dest_url) => Open::Link(dest_url.into_string(), Vec::new()),
            Tag::Image { dest_url, .. } if is_web(&dest_url) => {
                Open::Image(dest_url.into_string(), Vec::new())
            }
            _ => Open::Through,
        };
        self.stack.push(open);
    }

    fn close(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        match open {
            Open::Root(blocks) => self.stack.push(Open::Root(blocks)),
            Open::Paragraph(content) if content.is_empty() => {}
            Open::Paragraph(content) => self.block(Block::Paragraph(without_last_break(content))),
            Open::Heading(level, content) => self.block(Block::Heading { level, content }),
            Open::Quote(content) => {
                self.block(Block::Quote { author: None, post: None, url: None, content });
            }
            Open::Code(language, text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
                self.block(Block::Code { language, text });
            }
            Open::List(start, items) => self.block(Block::List { start, items }),
            Open::Item(mut blocks, words) => {
                if !words.is_empty() {
                    blocks.push(Block::Paragraph(words));
                }
                match self.stack.last_mut() {
                    Some(Open::List(_, items)) => items.push(blocks),
                    _ => blocks.into_iter().for_each(|block| self.block(block)),
                }
            }
            Open::Table(rows) => self.block(Block::Table { header: true, rows }),
            Open::Row(cells) => {
                if let Some(Open::Table(rows)) = self.stack.last_mut() {
                    rows.push(cells);
                }
            }
            Open::Cell(content) => {
                if let Some(Open::Row(cells)) = self.stack.last_mut() {
                    cells.push(content);
                }
            }
            Open::Bold(content) => self.inline(Inline::Bold(content)),
            Open::Italic(content) => self.inline(Inline::Italic(content)),
            Open::Strike(content) => self.inline(Inline::Strike(content)),
            Open::Link(url, content) => self.inline(Inline::Link { url, content }),
            Open::Image(url, content) => {
                let alt = crate::markup::plain::inline(&content);
                self.inline(Inline::Image { url, alt: (!alt.is_empty()).then_some(alt) });
            }
            Open::Through => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(Open::Code(_, code)) = self.stack.last_mut() {
            return code.push_str(text);
        }
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.inline(Inline::Break);
            }
            if !line.is_empty() {
                self.inline(Inline::Text(line.to_owned()));
            }
        }
    }

    /// Puts words into the nearest container that holds words.
    fn inline(&mut self, inline: Inline) {
        for open in self.stack.iter_mut().rev() {
            let content = match open {
                Open::Paragraph(content)
                | Open::Heading(_, content)
                | Open::Cell(content)
                | Open::Bold(content)
                | Open::Italic(content)
                | Open::Strike(content)
                | Open::Link(_, content)
                | Open::Image(_, content)
                | Open::Item(_, content) => content,
                Open::Root(blocks) | Open::Quote(blocks) => {
                    return match blocks.last_mut() {
                        Some(Block::Paragraph(content)) => content.push(inline),
                        _ => blocks.push(Block::Paragraph(vec![inline])),
                    };
                }
                Open::Code(_, text) => {
                    return text.push_str(&crate::markup::plain::inline(std::slice::from_ref(&inline)));
                }
                _ => continue,
            };
            return match (content.last_mut(), inline) {
                (Some(Inline::Text(before)), Inline::Text(more)) => before.push_str(&more),
                (_, inline) => content.push(inline),
            };
        }
    }

    /// Puts a block into the nearest container that holds blocks.
    fn block(&mut self, block: Block) {
        for open in self.stack.iter_mut().rev() {
            match open {
                Open::Root(blocks) | Open::Quote(blocks) => return blocks.push(block),
                Open::Item(blocks, words) => {
                    if !words.is_empty() {
                        blocks.push(Block::Paragraph(std::mem::take(words)));
                    }
                    return blocks.push(block);
                }
                _ => {}
            }
        }
    }
}

fn without_last_break(mut content: Vec<Inline>) -> Vec<Inline> {
    while content.last() == Some(&Inline::Break) {
        content.pop();
    }
    content
}

fn is_web(url: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme))
}
