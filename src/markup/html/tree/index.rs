//! Which nodes of a page have which name, id or class, so that who looks for one need not look at every element.

use super::key;

/// Stands for a name, an id or a class. Different ones may share a mark, so that what has it needs a closer look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(u16);

/// How many marks there are. A page has some 200 names and classes, and an id or two for each post.
const MARKS: usize = 1 << BITS;
const BITS: u32 = 11;

impl Mark {
    /// Every element has this one.
    pub const ELEMENT: Self = Self(0);
    /// That there is an id: pages are asked for what ids begin with.
    pub const ANY_ID: Self = Self(1);

    pub fn name(name: &str) -> Self {
        Self::of(name, 1)
    }

    pub fn id(id: &str) -> Self {
        Self::of(id, 2)
    }

    pub fn class(class: &str) -> Self {
        Self::of(class, 3)
    }

    /// By the first letters, the last ones, and how many there are.
    #[inline]
    fn of(text: &str, kind: u64) -> Self {
        let bytes = text.as_bytes();
        let last = bytes.last_chunk().map_or(0, |last| u64::from(u32::from_be_bytes(*last)));
        let mixed = (key(bytes) ^ last.rotate_left(20) ^ (bytes.len() as u64) << 12 ^ kind)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Not one of the two above.
        Self(((mixed >> (64 - BITS)) as u16).max(2))
    }

    /// One of 64 bits: all marks of an element are seen at a glance, if not as exactly.
    pub fn sign(self) -> u64 {
        1 << (self.0 % 64)
    }
}

/// For each mark its nodes, in the order of the page; the rows lie behind one another in one list.
#[derive(Debug)]
pub struct Index {
    nodes: Vec<u32>,
    /// Where each mark's row ends.
    ends: Vec<u32>,
}

impl Index {
    pub fn new(marks: &[(Mark, u32)]) -> Self {
        // Where each row will end, then where it begins, and while it is filled, how far it is.
        let mut ends = vec![0; MARKS];
        for (Mark(mark), _) in marks {
            ends[usize::from(*mark)] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            let begin = total;
            total += *end;
            *end = begin;
        }
        let mut nodes = vec![0; marks.len()];
        for (Mark(mark), id) in marks {
            let place = &mut ends[usize::from(*mark)];
            nodes[*place as usize] = *id;
            *place += 1;
        }
        Self { nodes, ends }
    }

    /// The nodes from one place on that have the rarest of these marks. A node may be named twice.
    pub fn row(&self, marks: &[Mark], from: u32) -> &[u32] {
        let row = |Mark(mark): &Mark| {
            let mark = usize::from(*mark);
            let begin = mark.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.nodes[begin as usize..self.ends[mark] as usize]
        };
        let Some((first, others)) = marks.split_first() else { return &[] };
        let row = others.iter().map(row).fold(row(first), |a, b| if b.len() < a.len() { b } else { a });
        &row[row.partition_point(|id| *id < from)..]
    }
}
