//! Styled runs: inline text as a flat list in which every piece knows its styles. Readers build these
//! where tags overlap, and writers cut these where a line or a message ends; [`nest`] and [`flatten`] go
//! between them and the tree.

use std::sync::Arc;

use super::Inline;

/// A style that a piece of text is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    Bold,
    Italic,
    Underline,
    Strike,
    Spoiler,
    /// Shared: thousands of pieces may stand in one link.
    Link(Arc<str>),
}

/// A piece of text and the styles around it, the outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub styles: Vec<Style>,
    pub leaf: Inline,
}

impl Run {
    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        matches!(&self.leaf, Inline::Text(text) | Inline::Code(text) if text.is_empty())
    }
}

/// Builds the tree in which neighbours share as many styles as they can.
pub fn nest(runs: impl IntoIterator<Item = Run>) -> Vec<Inline> {
    let runs = runs.into_iter();
    let mut out = Vec::with_capacity(runs.size_hint().0.min(16));
    let mut open: Vec<(Style, Vec<Inline>)> = Vec::new();
    for run in runs.filter(|run| !run.is_empty()) {
        let shared = open.iter().zip(&run.styles).take_while(|((open, _), style)| open == *style).count();
        close(&mut open, shared, &mut out);
        for style in &run.styles[shared..] {
            open.push((style.clone(), Vec::new()));
        }
        let target = open.last_mut().map_or(&mut out, |(_, content)| content);
        match (target.last_mut(), run.leaf) {
            (Some(Inline::Text(before)), Inline::Text(more)) => before.push_str(&more),
            (_, leaf) => target.push(leaf),
        }
    }
    close(&mut open, 0, &mut out);
    out
}

fn close(open: &mut Vec<(Style, Vec<Inline>)>, keep: usize, out: &mut Vec<Inline>) {
    while open.len() > keep {
        let Some((style, content)) = open.pop() else { return };
        let node = match style {
            Style::Bold => Inline::Bold(content),
            Style::Italic => Inline::Italic(content),
            Style::Underline => Inline::Underline(content),
            Style::Strike => Inline::Strike(content),
            Style::Spoiler => Inline::Spoiler(content),
            Style::Link(url) => Inline::Link { url: url.to_string(), content },
        };
        open.last_mut().map_or(&mut *out, |(_, content)| content).push(node);
    }
}

/// The flat form of a tree. A tree is never deeper than [`super::MAX_DEPTH`].
pub fn flatten(content: &[Inline]) -> Vec<Run> {
    let mut runs = Vec::new();
    walk(content, &mut Vec::new(), &mut |run| runs.push(run));
    runs
}

/// The same, cut into lines at each [`Inline::Break`].
pub fn lines(content: &[Inline]) -> Vec<Vec<Run>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    walk(content, &mut Vec::new(), &mut |run| match run.leaf {
        Inline::Break => lines.push(std::mem::take(&mut line)),
        _ => line.push(run),
    });
    lines.push(line);
    lines
}

fn walk(content: &[Inline], styles: &mut Vec<Style>, take: &mut impl FnMut(Run)) {
    for inline in content {
        let (style, inner) = match inline {
            Inline::Bold(inner) => (Style::Bold, inner),
            Inline::Italic(inner) => (Style::Italic, inner),
            Inline::Underline(inner) => (Style::Underline, inner),
            Inline::Strike(inner) => (Style::Strike, inner),
            Inline::Spoiler(inner) => (Style::Spoiler, inner),
            Inline::Link { url, content } => (Style::Link(url.as_str().into()), content),
            leaf => {
                take(Run { styles: styles.clone(), leaf: leaf.clone() });
                continue;
            }
        };
        // A style within itself says nothing more, and a link within a link can't be shown.
        let known = styles.contains(&style)
            || (matches!(style, Style::Link(_)) && styles.iter().any(|s| matches!(s, Style::Link(_))));
        if known || styles.len() >= super::MAX_DEPTH {
            walk(inner, styles, take);
        } else {
            styles.push(style);
            walk(inner, styles, take);
            styles.pop();
        }
    }
}

/// Moves spaces at the edges of styles out of them: next to a space no Markdown sees a marker.
pub fn without_edges(runs: Vec<Run>) -> Vec<Run> {
    let mut pieces: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        let (styles, text) = match run {
            Run { styles, leaf: Inline::Text(text) } => (styles, text),
            Run { styles, leaf: Inline::Code(text) } if text.trim().is_empty() => (styles, text),
            other => {
                pieces.push(other);
                continue;
            }
        };
        let start = text.len() - text.trim_start().len();
        let end = text.trim_end().len().max(start);
        let parts = [&text[..start], &text[start..end], &text[end..]];
        let filled = parts.into_iter().filter(|part| !part.is_empty());
        pieces.extend(filled.map(|part| Run { styles: styles.clone(), leaf: Inline::Text(part.to_owned()) }));
    }
    let blank = |run: &Run| matches!(&run.leaf, Inline::Text(text) if text.trim().is_empty());
    let mut before: Vec<Style> = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let length = pieces[at..].iter().take_while(|run| blank(run)).count();
        if length > 0 {
            let after = pieces.get(at + length).map_or(&[][..], |run| &run.styles);
            let shared = before.iter().zip(after).take_while(|(a, b)| a == b).count();
            for run in &mut pieces[at..at + length] {
                run.styles = before[..shared].to_vec();
            }
        } else {
            before.clone_from(&pieces[at].styles);
        }
        at += length.max(1);
    }
    pieces
}
