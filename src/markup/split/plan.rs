//! Where a document's lines are cut into messages.

use super::pieces::{cost, fence};
use super::{Before, units};
use crate::markup::discord::{Line, join};
use std::cmp::Reverse;

/// How good a way to cut the rest of a document is; less is better. First of all as many messages as can be
/// should stay as they are; then each but the last should leave room for an edit; then there should be few;
/// then they should end where something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Price {
    kept: Reverse<usize>,
    crammed: usize,
    parts: usize,
    rough: usize,
}

/// The best message that begins at a line: where it ends, and the price of it and all that follow.
#[derive(Debug, Clone, Copy)]
struct Step {
    price: Price,
    to: usize,
}

/// The best steps from a range of lines.
struct Layer {
    first: usize,
    steps: Vec<Option<Step>>,
}

impl Layer {
    fn step(&self, from: usize) -> Option<Step> {
        *self.steps.get(from.checked_sub(self.first)?)?
    }
}

/// More messages than this are not compared with those that are there: no edit by a person needs it.
const MOST_COMPARED: usize = 20_000;

/// So many messages before an edit are looked at again: where one of them takes in what is new, more of those
/// behind it may stay.
const NEAR: usize = 3;

pub struct Plan<'a> {
    lines: &'a [Line],
    footer: &'a str,
    limit: usize,
    before: Before<'a>,
    /// What the first `n` lines cost together.
    sums: Vec<usize>,
    compared: usize,
}

impl<'a> Plan<'a> {
    pub fn new(lines: &'a [Line], footer: &'a str, limit: usize, before: Before<'a>) -> Self {
        let mut sums = vec![0];
        sums.extend(lines.iter().scan(0, |sum, line| {
            *sum += cost(line);
            Some(*sum)
        }));
        Self { lines, footer, limit, before, sums, compared: 0 }
    }

    pub fn messages(mut self) -> Vec<String> {
        let mut messages = Vec::new();
        let mut from = 0;
        // An edit leaves what is before it alone, but for what is near to it.
        let mut begins = Vec::new();
        while let Some(to) = self.unchanged(from, messages.len()) {
            begins.push(from);
            messages.push(self.text(from, to));
            from = to;
        }
        if from < self.lines.len() {
            begins.drain(..begins.len().saturating_sub(NEAR));
            from = begins.first().copied().unwrap_or(from);
            messages.truncate(messages.len() - begins.len());
        }
        let layers = self.solve(from, messages.len());
        let mut layer = 0;
        while let Some(step) = layers.get(layer).and_then(|steps| steps.step(from)) {
            messages.push(self.text(from, step.to));
            from = step.to;
            layer = (layer + 1).min(layers.len() - 1);
        }
        messages
    }

    /// The end of the message that begins here and is there already as this part.
    fn unchanged(&mut self, from: usize, part: usize) -> Option<usize> {
        let digest = *self.before.digests.get(part)?;
        self.ends(from).into_iter().find(|to| self.digest(from, *to) == Some(digest))
    }

    /// The best step for each line and each part that is there already and could begin at it, from the part
    /// that is next; the last layer is for all parts that are new.
    fn solve(&mut self, from: usize, part: usize) -> Vec<Layer> {
        let end = self.lines.len();
        let there = self.before.digests.len();
        // A post that fits into one message is one.
        let fits_one = part == 0 && from < end && self.size(0, end) <= self.limit;
        let mut ranges: Vec<_> = std::iter::once(from..from + 1).collect();
        for _ in part..there {
            let last = ranges.last().map_or(from, |range| range.end - 1).min(end.saturating_sub(1));
            let reached = self.ends(last).last().copied().unwrap_or(end);
            ranges.push(from..(reached + 1).min(end));
        }
        if let Some(all) = ranges.last_mut() {
            *all = from..end;
        }
        let mut layers: Vec<Layer> = Vec::new();
        for (depth, range) in ranges.into_iter().enumerate().rev() {
            let digest = self.before.digests.get(part + depth).copied();
            let mut layer = Layer { first: range.start, steps: vec![None; range.len()] };
            for line in range.rev() {
                let ends = if fits_one && line == 0 { vec![end] } else { self.ends(line) };
                let steps = ends.into_iter().filter_map(|to| {
                    let rest = match layers.last() {
                        _ if to == end => None,
                        Some(next) => Some(next.step(to)?),
                        // All new parts are in one layer.
                        None => Some(layer.step(to)?),
                    };
                    let kept = digest.is_some() && self.digest(line, to) == digest;
                    Some(Step { price: self.price(line, to, kept, rest.map(|step| step.price)), to })
                });
                // Of equals, the fuller message.
                let best = steps.min_by(|a, b| a.price.cmp(&b.price).then(b.to.cmp(&a.to)));
                layer.steps[line - layer.first] = best;
            }
            layers.push(layer);
        }
        layers.reverse();
        layers
    }

    fn price(&self, from: usize, to: usize, kept: bool, rest: Option<Price>) -> Price {
        let roomy = rest.is_none() || kept || self.size(from, to) <= self.limit - self.limit / 10;
        let rest = rest.unwrap_or(Price { kept: Reverse(0), crammed: 0, parts: 0, rough: 0 });
        Price {
            kept: Reverse(rest.kept.0 + usize::from(kept)),
            crammed: rest.crammed + usize::from(!roomy),
            parts: rest.parts + 1,
            rough: rest.rough + self.rough(to),
        }
    }

    /// The ends that a message beginning here can have. The gap behind a message goes with it.
    fn ends(&self, from: usize) -> Vec<usize> {
        let gap = |at: usize| self.lines.get(at).is_some_and(Line::is_gap);
        let mut ends = Vec::new();
        for to in from + 1..=self.lines.len() {
            // A fence that is closed may take less than one that is not yet.
            if self.sums[to] - self.sums[from] > self.limit + 64 {
                break;
            }
            if !gap(to) && self.size(from, to) <= self.limit {
                ends.push(to);
            }
        }
        if ends.is_empty() && from < self.lines.len() {
            // Lines are cut so that this can't be.
            ends.push(from + 1);
        }
        ends
    }

    /// The most that a message of these lines takes.
    fn size(&self, from: usize, to: usize) -> usize {
        let gaps = self.lines[from..to].iter().rev().take_while(|line| line.is_gap()).count();
        let end = (to - gaps).max(from);
        let opening = match self.lines.get(from) {
            Some(line @ Line::Code { opens: false, .. }) => fence(line),
            _ => 0,
        };
        let closing = match self.lines[from..end].last() {
            Some(line @ Line::Code { closes: false, .. }) => fence(line),
            _ => 0,
        };
        let footer =
            if to == self.lines.len() && !self.footer.is_empty() { units(self.footer) + 1 } else { 0 };
        self.sums[end] - self.sums[from] + opening + closing + footer
    }

    /// How bad it is to end a message before this line.
    fn rough(&self, to: usize) -> usize {
        let (Some(last), Some(next)) = (self.lines.get(to - 1), self.lines.get(to)) else { return 0 };
        match (last, next) {
            (Line::Text { leads: true, .. }, _) => 12,
            (Line::Gap { .. }, _) => 0,
            (_, next) if next.is_glued() => 6,
            (Line::Code { closes: false, .. }, _) => 4,
            (Line::Text { quote: a, .. }, Line::Text { quote: b, .. }) if a == b => 2,
            _ => 1,
        }
    }

    fn digest(&mut self, from: usize, to: usize) -> Option<i64> {
        self.compared += 1;
        (self.compared <= MOST_COMPARED).then(|| (self.before.digest)(&self.text(from, to)))
    }

    /// A message of the lines `from..to`.
    fn text(&self, from: usize, to: usize) -> String {
        let lines = &self.lines[from..to];
        let shown = lines.iter().take_while(|line| line.is_gap()).count();
        let end = lines.iter().rposition(|line| !line.is_gap()).map_or(shown, |last| last + 1);
        // Discord trims what it is sent.
        let mut text = join(&lines[shown..end]).trim().to_owned();
        if to == self.lines.len() && !self.footer.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(self.footer);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::markup::discord::{NoLinks, lines_of};
    use crate::markup::split::pieces::cut;
    use crate::markup::{Block, Doc, Inline};

    const LIMIT: usize = 100;

    fn lines(paragraphs: &[String]) -> Vec<Line> {
        let block = |text: &String| Block::Paragraph(vec![Inline::Text(text.clone())]);
        let doc = Doc { blocks: paragraphs.iter().map(block).collect() };
        let mut lines = Vec::new();
        for line in lines_of(&doc, &NoLinks, usize::MAX) {
            cut(line, LIMIT / 4, LIMIT - LIMIT / 3 - 1, &mut lines);
        }
        lines
    }

    fn digest(text: &str) -> i64 {
        text.bytes().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(i64::from(byte)))
    }

    /// Of all ways to cut the rest, how many messages the best one leaves as they are.
    fn most_kept(plan: &mut Plan<'_>, from: usize, part: usize) -> usize {
        let end = plan.lines.len();
        if from == end {
            return 0;
        }
        let one = part == 0 && plan.size(0, end) <= plan.limit;
        let ends = if one { vec![end] } else { plan.ends(from) };
        let digest = plan.before.digests.get(part).copied();
        let kept = |plan: &mut Plan<'_>, to| usize::from(digest.is_some() && plan.digest(from, to) == digest);
        ends.into_iter().map(|to| kept(plan, to) + most_kept(plan, to, part + 1)).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_other_way_to_cut_would_change_fewer_messages(
            lengths in prop::collection::vec(1_usize..60, 1..9),
            at in 0_usize..9,
            edit in 0_usize..3,
            more in 1_usize..60,
        ) {
            let text = |n: usize, length: usize| format!("{n} {}", "x".repeat(length));
            let mut paragraphs: Vec<String> = lengths.iter().enumerate().map(|(n, l)| text(n, *l)).collect();
            let old_lines = lines(&paragraphs);
            let old = Plan::new(&old_lines, "", LIMIT, Before::NONE).messages();
            let at = at % paragraphs.len();
            match edit {
                0 => paragraphs.insert(at, text(10, more)),
                1 => paragraphs[at] = text(11, more),
                _ => drop(paragraphs.remove(at)),
            }
            let digests: Vec<i64> = old.iter().map(|part| digest(part)).collect();
            let before = Before { digests: &digests, digest };
            let new_lines = lines(&paragraphs);
            let new = Plan::new(&new_lines, "", LIMIT, before).messages();
            let kept = new.iter().zip(&old).filter(|(new, old)| new == old).count();
            let mut all = Plan::new(&new_lines, "", LIMIT, before);
            let most = most_kept(&mut all, 0, 0);
            // What is left of a post may stay in several messages though it would fit into one.
            prop_assert!(kept >= most, "{kept} of {most}: {old:#?}\n{new:#?}");
        }
    }
}
