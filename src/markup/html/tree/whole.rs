//! Any page, as a browser would understand it: html5ever's tree, node by node.

use scraper::Node;

use super::{Html, Kind, Span, short, signs};

pub fn document(text: &str) -> Html {
    converted(&scraper::Html::parse_document(text))
}

pub fn fragment(text: &str) -> Html {
    converted(&scraper::Html::parse_fragment(text))
}

fn converted(page: &scraper::Html) -> Html {
    let mut html = Html::new(page.tree.values().count());
    // Nodes whose children are being taken, and their own new numbers.
    let mut open = vec![(page.tree.root(), 0)];
    let mut next = page.tree.root().first_child();
    while let Some((parent, id)) = open.last().copied() {
        let Some(node) = next else {
            html.end(id);
            next = parent.next_sibling();
            open.pop();
            continue;
        };
        let new = match node.value() {
            Node::Element(element) => {
                let from = short(html.attributes.len());
                // Those of another vocabulary (`xlink:href`) are not asked for.
                for (name, value) in element.attrs.iter().filter(|(name, _)| name.ns.is_empty()) {
                    let pair = (keep(&mut html, &name.local), keep(&mut html, value));
                    html.attributes.push(pair);
                }
                let attributes = (from, short(html.attributes.len()));
                let all = signs(element.name(), element.attrs());
                let name = keep(&mut html, element.name());
                html.push(id, Kind::Element { name, attributes }, all)
            }
            Node::Text(text) => {
                let text = keep(&mut html, text);
                html.push(id, Kind::Text(text), 0)
            }
            Node::Comment(comment) => {
                let comment = keep(&mut html, comment);
                html.push(id, Kind::Comment(comment), 0)
            }
            _ => html.push(id, Kind::Other, 0),
        };
        next = node.first_child();
        if next.is_some() {
            open.push((node, new));
        } else {
            next = node.next_sibling();
        }
    }
    html
}

fn keep(html: &mut Html, text: &str) -> Span {
    let from = short(html.text.len());
    html.text.push_str(text);
    Span { from, to: short(html.text.len()) }
}
