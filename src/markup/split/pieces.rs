//! Lines that are too long for a good place to cut are taken apart: first between sentences, then between
//! words, and only where a word is longer than a message between graphemes. A link, an emoji, a mention is
//! one piece. Pieces begin anew at each sentence, so that an edit moves only those near to it.

use unicode_segmentation::UnicodeSegmentation;

use super::units;
use crate::markup::discord::{Line, write_runs};
use crate::markup::runs::{Run, Style};
use crate::markup::{Inline, plain};

/// Room for what a line needs besides its words: the end of the line, a backslash, a spoiler's bars.
const AROUND: usize = 8;
/// What the signs of all styles together take, with what keeps them apart.
const STYLES: usize = 24;
/// A sentence that is shorter stays with the next one.
const SHORT: usize = 60;

/// What a line takes up in a message, at most, in UTF-16 units.
pub fn cost(line: &Line) -> usize {
    match line {
        Line::Text { quote, mark, again, runs, jump, .. } => {
            let arrow = jump.as_deref().map_or(0, |url| units(&crate::markup::discord::escape::url(url)) + 9);
            let words = units(&write_runs(runs));
            units(quote) + units(mark).max(units(again)) + words.max(worded(runs)) + arrow + AROUND
        }
        Line::Code { quote, text, opens, closes, .. } => {
            let fences = usize::from(*opens) * fence(line) + usize::from(*closes) * fence(line);
            units(quote) + units(text) + 1 + fences
        }
        Line::Gap { quote, .. } => units(quote) + 1,
    }
}

/// What runs take up where their addresses turn out to be words like others, and escaped: what decides may stand in the
/// piece before or behind. 0 where there is no address.
fn worded(runs: &[Run]) -> usize {
    let addresses = |run: &Run| match &run.leaf {
        Inline::Text(text) => text.matches("://").count(),
        _ => 0,
    };
    let found: usize = runs.iter().map(addresses).sum();
    if found == 0 {
        return 0;
    }
    let word = |run: &Run| match &run.leaf {
        Inline::Text(text) => Run { leaf: Inline::Text(text.replace("://", ":x/")), ..run.clone() },
        _ => run.clone(),
    };
    units(&write_runs(&runs.iter().map(word).collect::<Vec<_>>())) + found
}

/// What one of a code block's fences takes up.
pub fn fence(line: &Line) -> usize {
    match line {
        Line::Code { quote, language, .. } => units(quote) + units(language) + 6,
        _ => 0,
    }
}

/// Takes a line apart if it is longer than `good`, into pieces of about that and of at most `most` units.
pub fn cut(line: Line, good: usize, most: usize, out: &mut Vec<Line>) {
    if cost(&line) <= good {
        return out.push(line);
    }
    match line {
        Line::Text { quote, mark, again, runs, hidden, jump, leads, .. } => {
            // A mark that leaves no room for words is no use: deep nesting loses its form.
            let deep = 2 * (units(&quote) + units(&mark).max(units(&again))) > most;
            let (quote, mark, again) = if deep { Default::default() } else { (quote, mark, again) };
            let room = most - units(&quote) - units(&mark).max(units(&again)) - AROUND;
            let jump = jump.filter(|url| units(url) + STYLES < room / 2);
            let arrow = jump.as_deref().map_or(0, |url| units(url) + STYLES);
            let groups = groups(&runs, good, room.saturating_sub(STYLES + arrow).max(16));
            let last = groups.len().saturating_sub(1);
            for (index, runs) in groups.into_iter().enumerate() {
                out.push(Line::Text {
                    quote: quote.clone(),
                    mark: mark.clone(),
                    again: again.clone(),
                    runs,
                    hidden,
                    jump: jump.clone().filter(|_| index == last),
                    leads: leads && index == last,
                    glued: index > 0,
                });
            }
        }
        Line::Code { quote, language, text, opens, closes, hidden, .. } => {
            let quote = if units(&quote) * 6 > most { String::new() } else { quote };
            let room = most.saturating_sub(3 * units(&quote) + 2 * (units(&language) + 6) + 1).max(16);
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
                    glued: index > 0,
                });
            }
        }
        Line::Gap { hidden, .. } => out.push(Line::Gap { quote: String::new(), hidden }),
    }
}

/// Runs in groups that end with a sentence or are about `good` units long; none is longer than `most`.
fn groups(runs: &[Run], good: usize, most: usize) -> Vec<Vec<Run>> {
    let mut groups: Vec<Vec<Run>> = Vec::new();
    let mut group: Vec<Run> = Vec::new();
    let mut used = 0;
    for piece in pieces(runs, most) {
        let same =
            group.last().is_some_and(|last| piece.first().is_some_and(|run| run.styles == last.styles));
        // Markers are counted where styles change; escapes always.
        let adds = if same && piece.len() == 1 {
            units(&write_runs(&[Run { styles: Vec::new(), leaf: piece[0].leaf.clone() }]))
        } else {
            units(&write_runs(&piece)) + 1
        };
        if !group.is_empty() && used + adds > good.min(most) {
            groups.push(std::mem::take(&mut group));
            used = 0;
        }
        used += adds;
        let ends = piece.last().is_some_and(ends_sentence);
        group.extend(piece);
        if ends && used > SHORT {
            groups.push(std::mem::take(&mut group));
            used = 0;
        }
    }
    if !group.is_empty() {
        groups.push(group);
    }
    if groups.is_empty() { vec![Vec::new()] } else { groups }
}

fn ends_sentence(run: &Run) -> bool {
    const ENDS: [char; 8] = ['.', '!', '?', '…', '。', '！', '？', '۔'];
    matches!(&run.leaf, Inline::Text(text) if text.trim_end().ends_with(ENDS) && text.ends_with(' '))
        || matches!(&run.leaf, Inline::Text(text) if text.ends_with(['。', '！', '？']))
}

/// The smallest parts: words with the space behind them, whole links, emoji. What takes more than `most`
/// units by itself loses its form: a link keeps its label, a word is cut between graphemes.
fn pieces(runs: &[Run], most: usize) -> Vec<Vec<Run>> {
    let link = |run: &Run| {
        run.styles.iter().find_map(|style| match style {
            Style::Link(url) => Some(url.clone()),
            _ => None,
        })
    };
    let mut pieces = Vec::new();
    let mut rest = runs;
    while let Some(first) = rest.first() {
        let linked = link(first);
        let whole = linked.is_some() || !matches!(first.leaf, Inline::Text(_) | Inline::Code(_));
        let count = match &linked {
            Some(_) => rest.iter().take_while(|run| link(run) == linked).count(),
            None => 1,
        };
        let (now, later) = rest.split_at(count);
        rest = later;
        if whole && units(&write_runs(now)) <= most {
            pieces.push(now.to_vec());
            continue;
        }
        for run in now {
            let styles: Vec<Style> =
                run.styles.iter().filter(|style| !matches!(style, Style::Link(_))).cloned().collect();
            let code = matches!(run.leaf, Inline::Code(_));
            let text = match &run.leaf {
                Inline::Image { url, .. } | Inline::Video { url, .. } => url.clone(),
                leaf => plain::inline(std::slice::from_ref(leaf)),
            };
            // Escapes may double a word.
            pieces.extend(words(&text, most / 2).map(|word| {
                let leaf = if code { Inline::Code(word.to_owned()) } else { Inline::Text(word.to_owned()) };
                vec![Run { styles: styles.clone(), leaf }]
            }));
        }
    }
    pieces
}

/// Words with the space behind them; one that is longer than `longest` bytes in pieces of graphemes, and
/// a grapheme that is longer in characters. Writing without spaces may be cut behind its full stops.
fn words(text: &str, longest: usize) -> impl Iterator<Item = &str> {
    let longest = longest.max(4);
    let sentences = |word| str::split_inclusive(word, ['。', '！', '？']);
    text.split_inclusive(' ').flat_map(sentences).flat_map(move |word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let address = rest.starts_with("http://") || rest.starts_with("https://");
            if rest.len() <= longest || (address && rest.len() <= 2 * longest - 4) {
                return Some(std::mem::take(&mut rest));
            }
            let end = rest
                .grapheme_indices(true)
                .map(|(at, grapheme)| at + grapheme.len())
                .take_while(|end| *end <= longest)
                .last()
                .unwrap_or_else(|| rest.floor_char_boundary(longest));
            let (piece, left) = rest.split_at(end);
            rest = left;
            Some(piece)
        })
    })
}

/// A line of code in pieces of at most `room` units.
fn chunks(text: &str, room: usize) -> Vec<String> {
    let mut chunks = vec![String::new()];
    let mut used = 0;
    let mut add = |piece: &str| {
        let length = units(piece);
        if used + length > room {
            chunks.push(String::new());
            used = 0;
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push_str(piece);
        }
        used += length;
    };
    for grapheme in text.graphemes(true) {
        if units(grapheme) <= room {
            add(grapheme);
        } else {
            // A grapheme that no part can hold is cut between its characters.
            grapheme.chars().for_each(|c| add(c.encode_utf8(&mut [0; 4])));
        }
    }
    chunks
}
