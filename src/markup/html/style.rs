//! What surrounds an element: the styles that it inherits, and what its own attributes add to them.

use super::tree::ElementRef;

use super::dom::{attr, style_of};
use crate::markup::runs::Style;

/// What surrounds an element.
#[derive(Debug, Clone, Default)]
pub struct Around {
    pub styles: Vec<Style>,
    /// The heading level of the type's size, 0 for ordinary.
    pub size: u8,
    /// How many elements deep, and how many containers of blocks deep.
    pub depth: usize,
    pub blocks: usize,
    /// Within a quote or a spoiler, whose box may be shut at first: what is hidden there is no spoiler more.
    pub quoting: bool,
    /// The colour of the letters.
    ink: String,
}

impl Around {
    pub fn styled(&self, style: Style) -> Self {
        let mut inner = self.clone();
        inner.add(style);
        inner
    }

    /// In a container of blocks, which begins with type of its own size.
    pub fn inside(&self) -> Self {
        Self { blocks: self.blocks + 1, size: 0, ..self.clone() }
    }

    pub fn sized(&self, size: u8) -> Self {
        Self { size, ..self.clone() }
    }

    pub fn quoting(&self) -> Self {
        Self { quoting: true, ..self.clone() }
    }

    pub fn deeper(&self) -> Self {
        Self { depth: self.depth + 1, ..self.clone() }
    }

    pub fn in_link(&self) -> bool {
        self.styles.iter().any(|style| matches!(style, Style::Link(_)))
    }

    fn add(&mut self, style: Style) {
        let second_link = matches!(style, Style::Link(_)) && self.in_link();
        if !second_link && !self.styles.contains(&style) {
            self.styles.push(style);
        }
    }

    /// With what an element's own attributes say of weight, lines, size and colour. Other colours and
    /// fonts mean nothing in a document.
    pub fn within(&self, element: ElementRef<'_>) -> Self {
        let style = style_of(element);
        let mut inner = self.clone();
        if style.is_empty() && element.value().attr("size").is_none() && attr(element, "color").is_empty() {
            return inner;
        }
        let heavy = ["font-weight:bold", "font-weight:700", "font-weight:800", "font-weight:900"];
        if heavy.iter().any(|weight| style.contains(weight)) {
            inner.add(Style::Bold);
        }
        if style.contains("font-style:italic") || style.contains("font-style:oblique") {
            inner.add(Style::Italic);
        }
        if style.contains("underline") {
            inner.add(Style::Underline);
        }
        if style.contains("line-through") {
            inner.add(Style::Strike);
        }
        let level = element.value().attr("size").map_or_else(|| level_of_css(&style), level_of_font);
        if let Some(level) = level {
            inner.size = level;
        }
        if let Some(ink) =
            property(&style, "color").or(Some(attr(element, "color"))).filter(|c| !c.is_empty())
        {
            inner.ink = colour(ink);
        }
        let paper = property(&style, "background-color").or_else(|| property(&style, "background"));
        // Letters of their paper's colour are a spoiler.
        if paper.is_some_and(|paper| !inner.ink.is_empty() && colour(paper) == inner.ink) {
            inner.add(Style::Spoiler);
        }
        inner
    }
}

/// A property's value in a style without spaces.
fn property<'a>(style: &'a str, name: &str) -> Option<&'a str> {
    style.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix(':'))
}

fn colour(value: &str) -> String {
    let value = value.trim().to_ascii_lowercase();
    match value.as_str() {
        "#000" | "#000000" | "rgb(0,0,0)" => "black".to_owned(),
        "#fff" | "#ffffff" | "rgb(255,255,255)" => "white".to_owned(),
        _ => value,
    }
}

/// `<font size>` runs from 1 to 7, or is relative to 3.
fn level_of_font(size: &str) -> Option<u8> {
    let size = size.trim();
    let relative = size.starts_with(['+', '-']);
    let number: i32 = size.parse().ok()?;
    Some(match if relative { number.saturating_add(3) } else { number } {
        7.. => 1,
        6 => 2,
        5 => 3,
        _ => 0,
    })
}

fn level_of_css(style: &str) -> Option<u8> {
    let size = property(style, "font-size")?;
    let number = |unit: &str| size.strip_suffix(unit).and_then(|number| number.parse::<f32>().ok());
    let pixels = number("px")
        .or_else(|| Some(number("pt")? * 4.0 / 3.0))
        .or_else(|| Some(number("rem").or_else(|| number("em"))? * 16.0))
        .or_else(|| Some(number("%")? * 0.16));
    match (pixels, size) {
        (Some(pixels), _) => Some(level_of_pixels(pixels)),
        (None, "xx-large" | "xxx-large") => Some(1),
        (None, "x-large") => Some(2),
        (None, "large") => Some(3),
        _ => None,
    }
}

fn level_of_pixels(pixels: f32) -> u8 {
    match pixels {
        p if p >= 32.0 => 1,
        p if p >= 24.0 => 2,
        p if p >= 18.0 => 3,
        _ => 0,
    }
}
