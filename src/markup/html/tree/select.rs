//! CSS selectors, as far as pages are asked by them: names, ids, classes, attributes, what stands within what, and
//! lists of such. Values of attributes that HTML takes in any case (`rel`) are compared in any case.
//! <https://www.w3.org/TR/selectors-4/>

use memchr::memmem;

use super::index::Mark;
use super::{ElementRef, Html, Node, NodeRef};

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
    /// Which of the steps around says the most.
    frame: Option<usize>,
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
    attributes: Vec<Wanted>,
    /// What an element that fits is found by, and the signs of all of that.
    marks: Vec<Mark>,
    signs: u64,
}

/// An attribute, and what its value is to be.
#[derive(Debug)]
struct Wanted {
    attribute: String,
    test: Test,
    value: String,
    /// Looks for the value.
    finder: memmem::Finder<'static>,
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
        let mut trails = self.any.iter().filter_map(move |path| Trail::new(html, path, from, to));
        // Most often nothing fits, or one of them.
        let (mut first, mut others) = (trails.next(), trails.collect::<Vec<_>>());
        let mut behind = from;
        std::iter::from_fn(move || {
            let nearest = |nearest, trail: &mut Trail<'_, '_>| trail.next(behind, nearest).unwrap_or(nearest);
            let id = first.iter_mut().chain(&mut others).fold(to, nearest);
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
    /// `None` if nothing fits.
    fn new(html: &'a Html, path: &'b Path, from: u32, to: u32) -> Option<Self> {
        let last = html.row(&path.last.marks, from);
        let holds = |row: &[u32]| row.first().is_some_and(|id| *id < to);
        if !holds(last) {
            return None;
        }
        let mut trail = Self { html, path, last, frames: &[], end: to, found: None };
        // Everything looked for is behind the element that it is looked for in.
        let within = NodeRef { html, id: from.saturating_sub(1) };
        if let Some(frame) = path.frame()
            && let frames = html.row(&frame.marks, from)
            && frames.len() < last.len()
            && !frame.fits(within)
            && !within.ancestors().any(|outer| frame.fits(outer))
        {
            if !holds(frames) {
                return None;
            }
            trail.frames = frames;
            trail.end = from;
        }
        Some(trail)
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
    let named = around.iter().enumerate().filter(|(_, (_, step))| !step.marks.contains(&Mark::ELEMENT));
    let frame = named.max_by_key(|(_, (_, step))| (step.id.is_some(), !step.classes.is_empty()));
    let frame = frame.map(|(at, _)| at);
    Some(Path { last, around, frame })
}

fn step(rest: &mut &str) -> Result<Step, Unknown> {
    let whole = *rest;
    let mut step = Step::default();
    if let Some(name) = name(rest) {
        step.mark(Mark::name(&name));
        step.name = Some(name);
    }
    loop {
        let unknown = || Unknown(whole.to_owned());
        if let Some(behind) = rest.strip_prefix('#') {
            *rest = behind;
            let id = name(rest).ok_or_else(unknown)?;
            step.mark(Mark::id(&id));
            step.id = Some(id);
        } else if let Some(behind) = rest.strip_prefix('.') {
            *rest = behind;
            let class = name(rest).ok_or_else(unknown)?;
            step.mark(Mark::class(&class));
            step.classes.push(class);
        } else if let Some(behind) = rest.strip_prefix('[') {
            *rest = behind;
            let attribute = name(rest).ok_or_else(unknown)?.to_ascii_lowercase();
            if attribute == "id" {
                step.mark(Mark::ANY_ID);
            }
            let tests = [("=", Test::Equals), ("^=", Test::Begins), ("$=", Test::Ends), ("*=", Test::Holds)];
            let mut test = (String::new(), Test::Present);
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
                test = (value, *kind);
            }
            *rest = rest.strip_prefix(']').ok_or_else(unknown)?;
            let (value, test) = test;
            let finder = memmem::Finder::new(&value).into_owned();
            step.attributes.push(Wanted { attribute, test, value, finder });
        } else if rest.len() < whole.len() {
            if step.marks.is_empty() {
                step.mark(Mark::ELEMENT);
            }
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
    fn frame(&self) -> Option<&Step> {
        self.around.get(self.frame?).map(|(_, step)| step)
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
    fn mark(&mut self, mark: Mark) {
        self.marks.push(mark);
        self.signs |= mark.sign();
    }

    #[inline]
    fn fits(&self, node: NodeRef<'_>) -> bool {
        node.html.has(node.id, self.signs) && self.describes(node)
    }

    fn describes(&self, node: NodeRef<'_>) -> bool {
        let Node::Element(element) = node.value() else { return false };
        self.name.as_deref().is_none_or(|name| element.name() == name)
            && self.id.as_deref().is_none_or(|id| element.attr("id") == Some(id))
            && self.classes.iter().all(|class| element.classes().any(|own| own == class))
            && self
                .attributes
                .iter()
                .all(|wanted| element.attr(&wanted.attribute).is_some_and(|own| wanted.fits(own)))
    }
}

impl Wanted {
    fn fits(&self, own: &str) -> bool {
        if self.test != Test::Present && ANY_CASE.contains(&self.attribute.as_str()) {
            return self.test.holds(&own.to_ascii_lowercase(), &self.value.to_ascii_lowercase());
        }
        match self.test {
            Test::Holds => !self.value.is_empty() && self.finder.find(own.as_bytes()).is_some(),
            test => test.holds(own, &self.value),
        }
    }
}

impl Test {
    fn holds(self, own: &str, value: &str) -> bool {
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
