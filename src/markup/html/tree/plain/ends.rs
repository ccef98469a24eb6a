//! End tags: what each of them ends, and those that end nothing.

use super::super::Name;
use super::super::tags::{Group, group};
use super::{Open, Place, Reading, space};

impl Reading<'_> {
    /// Reads an end tag, and gives the place behind it.
    pub(super) fn end_tag(&mut self, at: usize) -> Option<usize> {
        if !self.source.as_bytes().get(at)?.is_ascii_alphabetic() {
            return None;
        }
        self.skip_newline = false;
        let (name, at) = self.tag_name(at);
        let bytes = self.source.as_bytes();
        let mut end = at;
        while space(*bytes.get(end)?) {
            end += 1;
        }
        if bytes[end] != b'>' {
            return None;
        }
        let group = group(self.at(name.span));
        if !self.cut_off.is_empty() {
            let own = self.cut_off.iter().rposition(|cut| self.is_same(*cut, name))?;
            self.cut_off.remove(own);
            return Some(end + 1);
        }
        match (self.place, group) {
            (Place::Head, Group::Head) => {
                self.pop();
                self.place = Place::AfterHead;
            }
            (Place::Body, Group::Body | Group::Html) => {
                let body = self
                    .open
                    .iter()
                    .rev()
                    .find(|open| open.group == Group::Body || open.group.hides_paragraphs());
                body.filter(|open| open.group == Group::Body)?;
                self.place = if group == Group::Body { Place::AfterBody } else { Place::AfterHtml };
            }
            (Place::AfterBody, Group::Html) => self.place = Place::AfterHtml,
            (Place::Body, _) => self.end_element(name, group)?,
            _ => return None,
        }
        Some(end + 1)
    }

    /// The end of what nobody began: it says nothing, but for `</p>` and `</br>`, which stand for a whole element.
    fn end_nothing(&mut self, name: Name, group: Group) -> Option<()> {
        let element = group == Group::Paragraph || self.at(name.span) == "br";
        match group {
            Group::Html | Group::Head | Group::Body | Group::Odd => return None,
            // It ends a heading of any size.
            Group::Heading if self.open.iter().any(|open| open.group == group) => return None,
            _ if element && self.frame().is_some_and(|frame| frame != Group::Cell) => return None,
            _ if element => drop(self.element(name, (0, 0))),
            _ => {}
        }
        Some(())
    }

    fn end_element(&mut self, name: Name, group: Group) -> Option<()> {
        if !self.open.iter().rev().any(|open| self.is_same(open.name, name)) {
            return self.end_nothing(name, group);
        }
        let current = self.current()?;
        if current.group.holds_rows() || matches!(group, Group::Table | Group::TableSection | Group::Row) {
            return self.end_in_table(name, group);
        }
        match group {
            Group::Frame
            | Group::Block
            | Group::Preformatted
            | Group::Button
            | Group::Object
            | Group::Heading
            | Group::Form
            | Group::Cell
            | Group::Select => self.end_all_by_themselves(|_| false),
            Group::Item | Group::Definition | Group::Paragraph => {
                while let Some(open) = self.current()
                    && open.group.ends_by_itself()
                    && !self.is_same(open.name, name)
                {
                    self.pop();
                }
            }
            Group::Choices => self.end_all_by_themselves(|open| open.group != Group::Option),
            _ => {}
        }
        if matches!(group, Group::Formatting | Group::Link) {
            return self.end_formatting(name);
        }
        let current = self.current()?;
        if current.group != group || !self.is_same(current.name, name) {
            return None;
        }
        if group == Group::Form {
            self.has_form = false;
        }
        self.pop();
        Some(())
    }

    /// `<font><b></font></b>`
    fn end_formatting(&mut self, name: Name) -> Option<()> {
        // Of more, browsers forget some.
        const MOST: usize = 3;
        let own = self.open.iter().rposition(|open| self.is_same(open.name, name))?;
        let within = &self.open[own + 1..];
        let formatting = |open: &Open| matches!(open.group, Group::Formatting | Group::Link);
        if within.len() > MOST || !within.iter().all(formatting) {
            return None;
        }
        self.cut_off.extend(within.iter().map(|open| open.name));
        while self.open.len() > own {
            self.pop();
        }
        Some(())
    }

    /// The end of a table or of a part of it ends the parts within.
    fn end_in_table(&mut self, name: Name, group: Group) -> Option<()> {
        if !matches!(group, Group::Table | Group::TableSection | Group::Row) {
            return None;
        }
        if !self.current()?.group.holds_rows() {
            self.end_all_by_themselves(|_| false);
            if !self.is_current(Group::Cell) {
                return None;
            }
            self.pop();
        }
        while self.current()?.group != group {
            if !matches!(self.current()?.group, Group::Row | Group::TableSection) {
                return None;
            }
            self.pop();
        }
        let current = self.current()?;
        if !self.is_same(current.name, name) {
            return None;
        }
        self.pop();
        Some(())
    }
}
