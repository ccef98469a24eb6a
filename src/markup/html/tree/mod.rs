//! An HTML page as a tree that is quick to make and quick to search. Two roads lead to it and must give the same
//! tree, node by node: [`plain`] reads pages whose tags say exactly where each element begins and ends, and gives up
//! at the first that doesn't; [`whole`] takes any page the way a browser would, through html5ever. Everything
//! that reads a page stands on the tree and never learns by which road it came.
//!
//! Nodes lie in one list in the order of the page, so that what is within an element is a range of it.

use std::ops::Deref;
use std::sync::OnceLock;

use super::guard::{TooMuch, guard};

mod entities;
mod index;
mod plain;
mod select;
mod tags;
#[cfg(test)]
mod tests;
mod whole;

use index::{Index, Mark};
pub use select::Selector;

/// A page or a piece of one.
pub struct Html {
    /// The page itself, and behind it what had to be decoded.
    text: String,
    nodes: Vec<Data>,
    /// For each element a sign for its name, its id and each of its classes: one that lacks a sign which a selector
    /// asks for needs no closer look.
    signs: Vec<u64>,
    /// The same names, ids and classes and whose they are, for the index.
    marks: Vec<(Mark, u32)>,
    /// Made when somebody first looks for an element.
    index: OnceLock<Index>,
    attributes: Vec<Attribute>,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u32,
    to: u32,
}

impl Span {
    fn len(self) -> usize {
        (self.to - self.from) as usize
    }
}

/// A name in the text, and its first eight bytes as a number: those of most names, so that they are told apart without
/// a look at the text.
#[derive(Debug, Clone, Copy)]
struct Name {
    span: Span,
    key: u64,
}

impl Name {
    fn may_be(self, text: &str, key: u64) -> bool {
        self.key == key && self.span.len() == text.len()
    }
}

#[derive(Debug, Clone, Copy)]
struct Attribute {
    name: Name,
    value: Span,
}

#[derive(Debug, Clone, Copy)]
struct Data {
    parent: u32,
    /// Behind the last node within this one.
    end: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Element {
        name: Span,
        attributes: (u32, u32),
    },
    Text(Span),
    Comment(Span),
    /// The document itself, its type, and what has no meaning to a reader.
    Other,
}

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    Element(Element<'a>),
    Text(&'a str),
    Comment(&'a str),
    Other,
}

impl<'a> Node<'a> {
    pub fn as_text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// An element's name and attributes.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    html: &'a Html,
    name: Span,
    attributes: (u32, u32),
}

/// A node in its tree.
#[derive(Clone, Copy)]
pub struct NodeRef<'a> {
    html: &'a Html,
    id: u32,
}

/// An element in its tree.
#[derive(Clone, Copy)]
pub struct ElementRef<'a> {
    node: NodeRef<'a>,
}

impl Html {
    /// Reads a page, unless it would cost more than linear time.
    pub fn parse_document(text: &str) -> Result<Self, TooMuch> {
        match plain::document(text) {
            Some(page) => Ok(page),
            None => guard(text).map(|()| whole::document(text)),
        }
    }

    /// Reads a piece of a page that stands in its body.
    pub fn parse_fragment(text: &str) -> Result<Self, TooMuch> {
        match plain::fragment(text) {
            Some(piece) => Ok(piece),
            None => guard(text).map(|()| whole::fragment(text)),
        }
    }

    fn new(capacity: usize) -> Self {
        let document = Data { parent: 0, end: 1, kind: Kind::Other };
        let mut nodes = Vec::with_capacity(capacity);
        nodes.push(document);
        let mut signs = Vec::with_capacity(capacity);
        signs.push(0);
        let marks = Vec::with_capacity(capacity * 2);
        let attributes = Vec::with_capacity(capacity);
        Self { text: String::new(), nodes, signs, marks, index: OnceLock::new(), attributes }
    }

    /// Every element that fits, in the order of the page.
    pub fn select<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = ElementRef<'a>> + Clone {
        selector.among(self, 1, short(self.nodes.len()))
    }

    /// The `html` element.
    pub fn root_element(&self) -> ElementRef<'_> {
        let document = NodeRef { html: self, id: 0 };
        let root = document.children().find_map(ElementRef::wrap);
        root.unwrap_or(ElementRef { node: document })
    }

    /// What is written in comments, in the order of the page.
    pub fn comments(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| match node.kind {
            Kind::Comment(text) => Some(self.at(text)),
            _ => None,
        })
    }

    /// The nodes from one place on that may have all of these marks.
    fn row(&self, marks: &[Mark], from: u32) -> &[u32] {
        self.index.get_or_init(|| Index::new(&self.marks)).row(marks, from)
    }

    fn has(&self, id: u32, signs: u64) -> bool {
        self.signs.get(id as usize).is_some_and(|own| own & signs == signs)
    }

    fn at(&self, span: Span) -> &str {
        self.text.get(span.from as usize..span.to as usize).unwrap_or_default()
    }

    /// Puts a node behind all others; it ends where it begins until it is said to hold more.
    fn push(&mut self, parent: u32, kind: Kind) -> u32 {
        let id = short(self.nodes.len());
        self.nodes.push(Data { parent, end: id + 1, kind });
        self.signs.push(0);
        id
    }

    /// Says of the last element what it is found by.
    fn mark(&mut self, mark: Mark) {
        if let Some(signs) = self.signs.last_mut() {
            *signs |= mark.sign();
        }
        self.marks.push((mark, short(self.nodes.len() - 1)));
    }

    /// Says of the last element its name; its id and its classes are said by [`Html::mark_attribute`].
    fn mark_element(&mut self, name: &str) {
        self.mark(Mark::ELEMENT);
        self.mark(Mark::name(name));
    }

    fn mark_attribute(&mut self, name: Name, value: &str) {
        const ID: u64 = key(b"id");
        const CLASS: u64 = key(b"class");
        match name.key {
            ID => {
                self.mark(Mark::ANY_ID);
                self.mark(Mark::id(value));
            }
            CLASS => value.split_ascii_whitespace().for_each(|class| self.mark(Mark::class(class))),
            _ => {}
        }
    }

    fn end(&mut self, id: u32) {
        let end = short(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.end = end;
        }
    }
}

/// Pages are kept far below what this holds.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl<'a> NodeRef<'a> {
    fn data(self) -> &'a Data {
        &self.html.nodes[self.id as usize]
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    #[inline]
    pub fn value(&self) -> Node<'a> {
        match self.data().kind {
            Kind::Element { name, attributes } => {
                Node::Element(Element { html: self.html, name, attributes })
            }
            Kind::Text(text) => Node::Text(self.html.at(text)),
            Kind::Comment(text) => Node::Comment(self.html.at(text)),
            Kind::Other => Node::Other,
        }
    }

    pub fn parent(&self) -> Option<Self> {
        (self.id > 0).then(|| Self { html: self.html, id: self.data().parent })
    }

    pub fn ancestors(&self) -> impl Iterator<Item = Self> + use<'a> {
        std::iter::successors(self.parent(), Self::parent)
    }

    pub fn children(&self) -> impl Iterator<Item = Self> + Clone + use<'a> {
        self.row(self.id + 1, self.data().end)
    }

    pub fn next_siblings(&self) -> impl Iterator<Item = Self> + Clone + use<'a> {
        let end = self.parent().map_or(self.data().end, |parent| parent.data().end);
        self.row(self.data().end, end)
    }

    pub fn next_sibling(&self) -> Option<Self> {
        self.next_siblings().next()
    }

    /// Nodes that stand beside each other from one place to another.
    fn row(&self, from: u32, end: u32) -> impl Iterator<Item = Self> + Clone + use<'a> {
        let html = self.html;
        let first = (from < end).then_some(Self { html, id: from });
        std::iter::successors(first, move |node| {
            let next = node.data().end;
            (next < end).then_some(Self { html, id: next })
        })
    }

    /// The node itself and all within it.
    pub fn descendants(&self) -> impl Iterator<Item = Self> + Clone + use<'a> {
        let html = self.html;
        (self.id..self.data().end).map(move |id| Self { html, id })
    }
}

impl<'a> Deref for ElementRef<'a> {
    type Target = NodeRef<'a>;

    fn deref(&self) -> &NodeRef<'a> {
        &self.node
    }
}

impl<'a> ElementRef<'a> {
    pub fn wrap(node: NodeRef<'a>) -> Option<Self> {
        matches!(node.data().kind, Kind::Element { .. }).then_some(Self { node })
    }

    #[inline]
    pub fn value(&self) -> Element<'a> {
        match self.node.data().kind {
            Kind::Element { name, attributes } => Element { html: self.node.html, name, attributes },
            // Only a document without any element stands for one.
            _ => Element { html: self.node.html, name: Span { from: 0, to: 0 }, attributes: (0, 0) },
        }
    }

    pub fn child_elements(&self) -> impl Iterator<Item = Self> + use<'a> {
        self.node.children().filter_map(Self::wrap)
    }

    /// The element itself and all within it.
    pub fn descendent_elements(&self) -> impl Iterator<Item = Self> + Clone + use<'a> {
        self.node.descendants().filter_map(Self::wrap)
    }

    /// Whether one of the nearest elements around it, of so many, has this class.
    pub fn is_within(&self, class: &str, nearest: usize) -> bool {
        let sign = Mark::class(class).sign();
        let mut around = self.node.ancestors().filter_map(Self::wrap).take(nearest);
        around.any(|outer| {
            self.node.html.has(outer.id, sign) && outer.value().classes().any(|own| own == class)
        })
    }

    /// All its words, piece by piece.
    pub fn text(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let html = self.node.html;
        let nodes = &html.nodes[self.node.id as usize..self.node.data().end as usize];
        nodes.iter().filter_map(move |node| match node.kind {
            Kind::Text(text) => Some(html.at(text)),
            _ => None,
        })
    }

    /// The elements within this one that fit, in the order of the page.
    pub fn select<'b>(&self, selector: &'b Selector) -> impl Iterator<Item = Self> + Clone + use<'a, 'b> {
        selector.among(self.node.html, self.node.id + 1, self.node.data().end)
    }

    /// This element or the first within it that has an id.
    pub fn with_id(&self, id: &str) -> Option<Self> {
        let html = self.node.html;
        let end = self.node.data().end;
        let row = html.row(&[Mark::id(id)], self.node.id).iter().take_while(|found| **found < end);
        let elements = row.filter_map(|found| Self::wrap(NodeRef { html, id: *found }));
        elements.into_iter().find(|element| element.value().attr("id") == Some(id))
    }
}

impl<'a> Element<'a> {
    #[inline]
    pub fn name(self) -> &'a str {
        self.html.at(self.name)
    }

    fn attributes(self) -> &'a [Attribute] {
        let (from, to) = self.attributes;
        self.html.attributes.get(from as usize..to as usize).unwrap_or_default()
    }

    /// An attribute's value; names are in lower case.
    #[inline]
    pub fn attr(self, name: &str) -> Option<&'a str> {
        let key = key(name.as_bytes());
        let mut like = self.attributes().iter().filter(|attribute| attribute.name.may_be(name, key));
        let own = like.find(|own| name.len() <= KEY || self.html.at(own.name.span) == name)?;
        Some(self.html.at(own.value))
    }

    pub fn classes(self) -> impl Iterator<Item = &'a str> + Clone {
        self.attr("class").unwrap_or_default().split_ascii_whitespace()
    }
}

impl std::fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}", self.name())?;
        for attribute in self.attributes() {
            write!(f, " {}={:?}", self.html.at(attribute.name.span), self.html.at(attribute.value))?;
        }
        f.write_str(">")
    }
}

impl std::fmt::Debug for ElementRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value().fmt(f)
    }
}

/// Of how many bytes a key is made.
const KEY: usize = 8;

/// The first bytes of a name as a number.
const fn key(name: &[u8]) -> u64 {
    if let Some(first) = name.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let (mut key, mut at) = (0, 0);
    while at < name.len() {
        key = (key << 8) | name[at] as u64;
        at += 1;
    }
    key
}
