//! CSS selectors, as far as pages are asked by them: names, ids, classes, attributes, what stands within what, and
//! lists of such. Values of attributes that HTML takes in any case (`rel`) are compared in any case.
//! <https://www.w3.org/TR/selectors-4/>

use super::{ELEMENT, ElementRef, Html, Node, NodeRef, Sign, sign};

/// One or several selectors, any of which may fit.
#[derive(Debug)]
pub struct Selector {
    any: Vec<Path>,
}

/// What an element is to be, and before it, the nearest first, within what.
#[derive(Debug)]
struct Path {
    last: Step,
    around: Vec<(Within, Step)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Parent,
    Ancestor,
}

#[derive(Debug, Default)]
struct Step {
    name: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
    attributes: Vec<(String, Test, String)>,
    /// The signs that an element must have to fit.
    signs: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Present,
    Equals,
    Begins,
    Ends,
    Holds,
}

/// Of the names that HTML lists, those that forums use.
/// <https://html.spec.whatwg.org/multipage/semantics-other.html#case-sensitivity-of-selectors>
const ANY_CASE: [&str; 12] = [
    "charset",
    "checked",
    "dir",
    "disabled",
    "http-equiv",
    "lang",
    "media",
    "method",
    "rel",
    "selected",
    "target",
    "type",
];

/// A selector that was not understood, from where on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no selector that is understood here: {0}")]
pub struct Unknown(String);

impl Selector {
    pub fn parse(text: &str) -> Result<Self, Unknown> {
        let mut rest = text.trim();
        let mut any = Vec::new();
        loop {
            let mut steps: Vec<(Within, Step)> = Vec::new();
            let mut within = Within::Ancestor;
            loop {
                steps.push((within, step(&mut rest)?));
                let gap = rest.len();
                rest = rest.trim_start();
                within = if let Some(behind) = rest.strip_prefix('>') {
                    rest = behind.trim_start();
                    Within::Parent
                } else if rest.is_empty() || rest.starts_with(',') {
                    break;
                } else if rest.len() < gap {
                    Within::Ancestor
                } else {
                    return Err(Unknown(rest.to_owned()));
                };
            }
            any.extend(path(steps));
            match rest.strip_prefix(',') {
                Some(behind) => rest = behind.trim_start(),
                None => return Ok(Self { any }),
            }
        }
    }

    /// The elements in a range of nodes that fit.
    pub(super) fn among<'a, 'b>(
        &'b self,
        html: &'a Html,
        from: u32,
        to: u32,
    ) -> impl Iterator<Item = ElementRef<'a>> + Clone + use<'a, 'b> {
        let mut trails: Vec<_> = self.any.iter().map(|path| Trail::new(html, path, from, to)).collect();
        let mut behind = from;
        std::iter::from_fn(move || {
            let nearest = |nearest, trail: &mut Trail<'_, '_>| trail.next(behind, nearest).unwrap_or(nearest);
            let id = trails.iter_mut().fold(to, nearest);
            behind = id + 1;
            (id < to).then_some(NodeRef { html, id }).and_then(ElementRef::wrap)
        })
    }
}

/// What fits a path, in the order of the page. It is looked for only within the elements that fit the path's frame,
/// which are few, and often none.
#[derive(Clone)]
struct Trail<'a, 'b> {
    html: &'a Html,
    path: &'b Path,
    /// What may fit the last step, and what may fit the frame.
    last: &'a [u32],
    frames: &'a [u32],
    /// The end of the frame that is looked into.
    end: u32,
    found: Option<u32>,
}

impl<'a, 'b> Trail<'a, 'b> {
    fn new(html: &'a Html, path: &'b Path, from: u32, to: u32) -> Self {
        let last = html.row(path.last.signs, from, to);
        let mut trail = Self { html, path, last, frames: &[], end: to, found: None };
        // Everything looked for is behind the element that it is looked for in.
        let within = NodeRef { html, id: from.saturating_sub(1) };
        if let Some(frame) = path.frame().filter(|_| !last.is_empty())
            && let frames = html.row(frame.signs, from, to)
            && frames.len() < last.len()
            && !frame.fits(within)
            && !within.ancestors().any(|outer| frame.fits(outer))
        {
            trail.frames = frames;
            trail.end = from;
        }
        trail
    }

    /// The first that fits from one place on and before another.
    fn next(&mut self, from: u32, before: u32) -> Option<u32> {
        if self.found.is_none_or(|found| found < from) {
            self.found = self.search(from, before);
        }
        self.found.filter(|found| *found < before)
    }

    fn search(&mut self, from: u32, before: u32) -> Option<u32> {
        loop {
            let end = self.end.min(before);
            while let Some((id, rest)) = self.last.split_first().filter(|(id, _)| **id < end) {
                self.last = rest;
                if *id >= from && self.path.fits(NodeRef { html: self.html, id: *id }) {
                    return Some(*id);
                }
            }
            let more = self.last.first().is_some_and(|last| *last < before);
            let (id, rest) = self.frames.split_first().filter(|_| more)?;
            self.frames = rest;
            let node = NodeRef { html: self.html, id: *id };
            // One within the frame before holds nothing new.
            if *id >= self.end && self.path.frame().is_some_and(|frame| frame.fits(node)) {
                self.end = node.data().end;
                self.last = &self.last[self.last.partition_point(|last| last <= id)..];
            }
        }
    }
}

/// Turns steps from the outermost to the innermost into a path from the innermost.
fn path(mut steps: Vec<(Within, Step)>) -> Option<Path> {
    let (mut within, last) = steps.pop()?;
    let mut around = Vec::new();
    while let Some((next, step)) = steps.pop() {
        around.push((within, step));
        within = next;
    }
    Some(Path { last, around })
}

fn step(rest: &mut &str) -> Result<Step, Unknown> {
    let whole = *rest;
    let mut step = Step { signs: ELEMENT, ..Step::default() };
    if let Some(name) = name(rest) {
        step.signs |= sign(Sign::Name, &name);
        step.name = Some(name);
    }
    loop {
        let unknown = || Unknown(whole.to_owned());
        if let Some(behind) = rest.strip_prefix('#') {
            *rest = behind;
            let id = name(rest).ok_or_else(unknown)?;
            step.signs |= sign(Sign::Id, &id);
            step.id = Some(id);
        } else if let Some(behind) = rest.strip_prefix('.') {
            *rest = behind;
            let class = name(rest).ok_or_else(unknown)?;
            step.signs |= sign(Sign::Class, &class);
            step.classes.push(class);
        } else if let Some(behind) = rest.strip_prefix('[') {
            *rest = behind;
            let attribute = name(rest).ok_or_else(unknown)?.to_ascii_lowercase();
            if attribute == "id" {
                step.signs |= sign(Sign::AnyId, "");
            }
            let tests = [("=", Test::Equals), ("^=", Test::Begins), ("$=", Test::Ends), ("*=", Test::Holds)];
            let mut test = (Test::Present, String::new());
            if let Some((behind, kind)) =
                tests.iter().find_map(|(sign, kind)| Some((rest.strip_prefix(sign)?, kind)))
            {
                *rest = behind;
                let value = match rest.strip_prefix('"') {
                    Some(quoted) => {
                        let (value, behind) = quoted.split_once('"').ok_or_else(unknown)?;
                        *rest = behind;
                        value.to_owned()
                    }
                    None => name(rest).ok_or_else(unknown)?,
                };
                test = (*kind, value);
            }
            *rest = rest.strip_prefix(']').ok_or_else(unknown)?;
            step.attributes.push((attribute, test.0, test.1));
        } else if rest.len() < whole.len() {
            return Ok(step);
        } else {
            return Err(unknown());
        }
    }
}

/// A name at the beginning; a backslash takes the next sign as it is.
fn name(rest: &mut &str) -> Option<String> {
    let mut name = String::new();
    let mut chars = rest.char_indices();
    let mut end = rest.len();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            c if c.is_alphanumeric() || matches!(c, '-' | '_') => name.push(c),
            _ => {
                end = at;
                break;
            }
        }
    }
    *rest = &rest[end..];
    (!name.is_empty()).then_some(name)
}

impl Path {
    /// The step around the last one that says the most.
    fn frame(&self) -> Option<&Step> {
        let named = self.around.iter().map(|(_, step)| step).filter(|step| step.signs != ELEMENT);
        named.max_by_key(|step| (step.id.is_some(), !step.classes.is_empty()))
    }

    fn fits(&self, node: NodeRef<'_>) -> bool {
        self.last.fits(node) && within(node, &self.around)
    }
}

/// Whether the elements around a node are these, the nearest first.
fn within(node: NodeRef<'_>, steps: &[(Within, Step)]) -> bool {
    let Some(((how, step), rest)) = steps.split_first() else { return true };
    let fits = |outer: &NodeRef<'_>| step.fits(*outer) && within(*outer, rest);
    match how {
        Within::Parent => node.parent().is_some_and(|parent| fits(&parent)),
        Within::Ancestor => node.ancestors().any(|outer| fits(&outer)),
    }
}

impl Step {
    #[inline]
    fn fits(&self, node: NodeRef<'_>) -> bool {
        node.html.has(node.id, self.signs) && self.describes(node)
    }

    fn describes(&self, node: NodeRef<'_>) -> bool {
        let Node::Element(element) = node.value() else { return false };
        self.name.as_deref().is_none_or(|name| element.name() == name)
            && self.id.as_deref().is_none_or(|id| element.attr("id") == Some(id))
            && self.classes.iter().all(|class| element.classes().any(|own| own == class))
            && self.attributes.iter().all(|(name, test, value)| {
                element
                    .attr(name)
                    .is_some_and(|own| test.holds(own, value, ANY_CASE.contains(&name.as_str())))
            })
    }
}

impl Test {
    fn holds(self, own: &str, value: &str, any_case: bool) -> bool {
        if any_case && self != Self::Present {
            return self.holds(&own.to_ascii_lowercase(), &value.to_ascii_lowercase(), false);
        }
        match self {
            Self::Present => true,
            Self::Equals => own == value,
            _ if value.is_empty() => false,
            Self::Begins => own.starts_with(value),
            Self::Ends => own.ends_with(value),
            Self::Holds => own.contains(value),
        }
    }
}
