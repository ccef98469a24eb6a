//! Any page, as a browser would understand it: html5ever's tree, node by node.

use scraper::Node;

use super::{Attribute, Html, Kind, Name, Span, key, short};

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
                    let (span, value) = (keep(&mut html, &name.local), keep(&mut html, value));
                    let name = Name { span, key: key(name.local.as_bytes()) };
                    html.attributes.push(Attribute { name, value });
                }
                let attributes = (from, short(html.attributes.len()));
                let name = keep(&mut html, element.name());
                let new = html.push(id, Kind::Element { name, attributes });
                html.mark_element(element.name());
                for at in attributes.0..attributes.1 {
                    let Attribute { name, value } = html.attributes[at as usize];
                    let value = html.at(value).to_owned();
                    html.mark_attribute(name, &value);
                }
                new
            }
            Node::Text(text) => {
                let text = keep(&mut html, text);
                html.push(id, Kind::Text(text))
            }
            Node::Comment(comment) => {
                let comment = keep(&mut html, comment);
                html.push(id, Kind::Comment(comment))
            }
            _ => html.push(id, Kind::Other),
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
