//! A document as messages. Discord takes 2,000 characters a message and does not say what a character
//! is; UTF-16 units are the most that any reading of it counts, so parts are measured in those.
//!
//! Parts end between blocks where they can, else between lines, sentences or words; never within a
//! link, an emoji or a grapheme. Fences, quotes, spoilers and styles are closed and opened again. The
//! same beginning always gives the same first parts, so that an edit near the end leaves them alone.

use super::Doc;
use super::Inline;
use super::discord::{Line, QuoteLinks, line_text, lines_of, pieces};
use super::runs::Run;

/// The messages that show a document, each of at most `limit` UTF-16 units, with `footer` (Discord
/// Markdown, one line, shorter than half the limit) at the end of the last. At least one, and none blank.
pub fn messages(doc: &Doc, links: &dyn QuoteLinks, footer: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(100);
    let footer = clipped(footer, limit / 2);
    let mut lines = Vec::new();
    for line in lines_of(doc, links) {
        fit(line, limit, &mut lines);
    }
    let mut parts = pack(lines, limit);
    let room = limit - if footer.is_empty() { 0 } else { units(&footer) + 1 };
    // The last part has to leave room for the footer.
    if let Some(last) = parts.pop_if(|last| units(&joined(last)) > room) {
        let mut smaller = Vec::new();
        for line in last {
            fit(line, room, &mut smaller);
        }
        parts.extend(pack(smaller, room));
    }
    // Discord trims what it is sent.
    let mut messages: Vec<String> = parts.iter().map(|part| joined(part).trim().to_owned()).collect();
    messages.retain(|message| !message.is_empty());
    if footer.is_empty() {
        if messages.is_empty() {
            // Discord refuses a message without anything to see.
            messages.push("\u{2800}".to_owned());
        }
        return messages;
    }
    match messages.last_mut() {
        Some(last) => {
            last.push('\n');
            last.push_str(&footer);
        }
        None => messages.push(footer),
    }
    messages
}

/// What the signs of all styles together take, with what keeps them apart.
const STYLES: usize = 24;

/// How long Discord may take a text to be.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn clipped(text: &str, limit: usize) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    let text = text.trim();
    let mut length = 0;
    text.graphemes(true)
        .take_while(|grapheme| {
            length += units(grapheme);
            length <= limit
        })
        .collect()
}

/// The lines of a part as one text, its fences whole.
fn joined(lines: &[Line]) -> String {
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let whole = match line {
            Line::Code { quote, language, text, opens, closes, hidden } => {
                let first = index == 0 || !matches!(lines[index - 1], Line::Code { closes: false, .. });
                let last = index + 1 == lines.len();
                Line::Code {
                    quote: quote.clone(),
                    language: language.clone(),
                    text: text.clone(),
                    opens: *opens || first,
                    closes: *closes || last,
                    hidden: *hidden,
                }
            }
            other => other.clone(),
        };
        out.push_str(&line_text(&whole));
    }
    out
}

/// What a line takes up in a part, at most: with both of its fences if it is code.
fn cost(line: &Line) -> usize {
    match line {
        Line::Code { quote, language, text, .. } => units(text) + 3 * units(quote) + units(language) + 12,
        other => units(&line_text(other)) + 1,
    }
}

/// What it takes up behind another line.
fn cost_behind(line: &Line) -> usize {
    match line {
        Line::Code { quote, text, opens: false, closes: false, .. } => units(quote) + units(text) + 1,
        other => cost(other),
    }
}

/// Parts of at most `limit` units. A part that is more than half full ends at the last gap it has.
fn pack(lines: Vec<Line>, limit: usize) -> Vec<Vec<Line>> {
    // A fence that is cut has to be closed.
    const CLOSING: usize = 8;
    let mut parts = Vec::new();
    let mut part: Vec<Line> = Vec::new();
    let mut used = 0;
    for line in lines {
        let quote = match &line {
            Line::Code { quote, .. } => units(quote),
            _ => 0,
        };
        let adds = if part.is_empty() { cost(&line) } else { cost_behind(&line) };
        let full = |used: usize| used + adds + CLOSING + quote > limit;
        if !part.is_empty() && full(used) {
            let rest = good_end(&part, limit).map_or_else(Vec::new, |end| part.split_off(end));
            parts.push(trimmed(std::mem::replace(&mut part, rest)));
            part.drain(..part.iter().take_while(|line| matches!(line, Line::Gap { .. })).count());
            used = size(&part);
            if !part.is_empty() && full(used) {
                parts.push(trimmed(std::mem::take(&mut part)));
                used = 0;
            }
        }
        if part.is_empty() && matches!(line, Line::Gap { .. }) {
            continue;
        }
        used += if part.is_empty() { cost(&line) } else { cost_behind(&line) };
        part.push(line);
    }
    let part = trimmed(part);
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn size(lines: &[Line]) -> usize {
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| if index == 0 { cost(line) } else { cost_behind(line) })
        .sum()
}

/// The last gap of a part, if what is before it fills more than half.
fn good_end(part: &[Line], limit: usize) -> Option<usize> {
    let end = part.iter().rposition(|line| matches!(line, Line::Gap { .. }))?;
    (size(&part[..end]) * 2 > limit).then_some(end)
}

fn trimmed(mut part: Vec<Line>) -> Vec<Line> {
    while matches!(part.last(), Some(Line::Gap { .. })) {
        part.pop();
    }
    part
}

/// Cuts a line that is too long for any part.
fn fit(line: Line, limit: usize, out: &mut Vec<Line>) {
    // Room for a fence that is cut, and for what the packing holds back.
    let most = limit.saturating_sub(24);
    if cost(&line) <= most {
        return out.push(line);
    }
    match line {
        Line::Text { mark, again, runs } => {
            // A mark that leaves no room for words is no use: deep nesting loses its indent.
            let (mark, again) =
                if units(&mark) * 2 > most { (String::new(), String::new()) } else { (mark, again) };
            let pieces = pieces(&runs, most.saturating_sub(units(&mark) + STYLES));
            let mut rest = &pieces[..];
            let mut mark = mark;
            while !rest.is_empty() {
                let end = longest(rest, &mark, most);
                let (now, later) = rest.split_at(end);
                out.push(Line::Text {
                    mark: std::mem::replace(&mut mark, again.clone()),
                    again: again.clone(),
                    runs: now.to_vec(),
                });
                rest = later;
            }
        }
        Line::Code { quote, language, text, opens, closes, hidden } => {
            let quote = if units(&quote) * 6 > most { String::new() } else { quote };
            let room = most.saturating_sub(3 * units(&quote) + units(&language) + 12).max(20);
            let pieces = chunks(&text, room);
            let last = pieces.len().saturating_sub(1);
            for (index, piece) in pieces.into_iter().enumerate() {
                out.push(Line::Code {
                    quote: quote.clone(),
                    language: language.clone(),
                    text: piece,
                    opens: opens && index == 0,
                    closes: closes && index == last,
                    hidden,
                });
            }
        }
        gap @ Line::Gap { .. } => out.push(gap),
    }
}

/// How many pieces fit: as many as can, but ending a sentence if that is past the middle.
fn longest(pieces: &[Run], mark: &str, most: usize) -> usize {
    let fits = |count: usize| {
        let line = Line::Text { mark: mark.to_owned(), again: String::new(), runs: pieces[..count].to_vec() };
        cost(&line) <= most
    };
    let (mut low, mut high) = (1, pieces.len());
    // Pieces are long enough that no more than this many can fit, which bounds the work.
    high = high.min(most);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    if low == pieces.len() {
        return low;
    }
    let sentence = (low / 2..low).rev().find(|index| {
        matches!(&pieces[*index].leaf, Inline::Text(text) if text.trim_end().ends_with(['.', '!', '?', '…', '。']))
    });
    sentence.map_or(low, |index| index + 1).max(1)
}

fn chunks(text: &str, room: usize) -> Vec<String> {
    use unicode_segmentation::UnicodeSegmentation;
    let mut chunks = vec![String::new()];
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        // A grapheme that no part can hold is cut between its characters.
        let one = [grapheme];
        let many: Option<Vec<&str>> =
            (units(grapheme) > room).then(|| grapheme.split("").filter(|c| !c.is_empty()).collect());
        for piece in many.as_deref().unwrap_or(&one[..]).iter().copied() {
            let length = units(piece);
            if used + length > room {
                chunks.push(String::new());
                used = 0;
            }
            if let Some(chunk) = chunks.last_mut() {
                chunk.push_str(piece);
            }
            used += length;
        }
    }
    chunks
}

#[cfg(test)]
mod tests;
