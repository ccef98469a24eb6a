//! Tables: Discord has none, so a block of code with aligned columns stands for one.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::markup::runs::{Style, flatten};
use crate::markup::{Inline, plain};

/// What a block of code on a desktop shows without breaking its lines.
const WIDEST: usize = 76;
/// A column that holds more words than fit is never made narrower than this.
const NARROWEST: usize = 10;

/// The rows as aligned text. Cells that are too wide for the whole are broken between words; no word is lost.
pub fn aligned(header: bool, rows: &[Vec<Vec<Inline>>]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter().map(|cell| plain::inline(cell).split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .map(Iterator::collect)
        .collect();
    let widths = widths(&cells);
    let mut text = String::new();
    for (number, row) in cells.iter().enumerate() {
        let wrapped: Vec<Vec<String>> =
            row.iter().zip(&widths).map(|(cell, width)| wrapped(cell, *width)).collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let mut out = String::new();
            for (column, (cell, width)) in wrapped.iter().zip(&widths).enumerate() {
                if column > 0 {
                    out.push_str(" │ ");
                }
                let piece = cell.get(line).map_or("", String::as_str);
                out.push_str(piece);
                out.push_str(&" ".repeat(width.saturating_sub(piece.width())));
            }
            text.push_str(out.trim_end());
            text.push('\n');
        }
        if header && number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            text.push_str(&rule.join("─┼─"));
            text.push('\n');
        }
    }
    text.trim_end().to_owned()
}

/// What a block of code can't show of a table: its links and pictures, each once.
pub fn addresses(rows: &[Vec<Vec<Inline>>]) -> Vec<Vec<Inline>> {
    let mut found: Vec<Vec<Inline>> = Vec::new();
    let mut last: Option<String> = None;
    for run in rows.iter().flatten().flat_map(|cell| flatten(cell)) {
        let linked = run.styles.iter().find_map(|style| match style {
            Style::Link(url) => Some(url.to_string()),
            _ => None,
        });
        match (linked, run.leaf) {
            (Some(url), leaf) if last.as_deref() == Some(url.as_str()) => {
                if let Some([Inline::Link { content, .. }]) = found.last_mut().map(Vec::as_mut_slice) {
                    content.push(leaf);
                }
            }
            (Some(url), leaf) => {
                found.push(vec![Inline::Link { url: url.clone(), content: vec![leaf] }]);
                last = Some(url);
            }
            (None, leaf @ (Inline::Image { .. } | Inline::Video { .. })) => found.push(vec![leaf]),
            (None, _) => last = None,
        }
    }
    found
}

/// Each column as wide as its widest cell, as long as the whole fits; else the widest give way.
fn widths(cells: &[Vec<String>]) -> Vec<usize> {
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for row in cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let room = WIDEST.saturating_sub(3 * columns.saturating_sub(1));
    // The widest that any column may be, so that all fit.
    let fits = |most: usize| widths.iter().map(|width| *width.min(&most)).sum::<usize>() <= room;
    let most = (NARROWEST..=WIDEST).rev().find(|most| fits(*most)).unwrap_or(NARROWEST);
    widths.iter().map(|width| *width.min(&most)).collect()
}

fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in cell.split(' ').filter(|word| !word.is_empty()) {
        let length = word.width();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { break };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        if length <= width {
            line.push_str(word);
            used += length;
            continue;
        }
        for grapheme in word.graphemes(true) {
            let length = grapheme.width();
            if used > 0 && used + length > width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(grapheme);
            }
            used += length;
        }
    }
    lines
}
