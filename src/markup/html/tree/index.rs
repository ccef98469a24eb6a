//! Which nodes of a page have which sign, so that who looks for a class need not look at every element.

/// How many signs there are.
const SIGNS: usize = u64::BITS as usize;

/// For each sign its nodes, in the order of the page; the rows lie behind one another in one list.
#[derive(Debug)]
pub struct Index {
    nodes: Vec<u32>,
    /// Where each sign's row ends.
    ends: [u32; SIGNS],
}

impl Index {
    pub fn new(signs: &[u64]) -> Self {
        let mut ends = [0; SIGNS];
        for sign in signs.iter().flat_map(|signs| each(*signs)) {
            ends[sign] += 1;
        }
        let mut places = [0; SIGNS];
        let mut total = 0;
        for (place, end) in places.iter_mut().zip(&mut ends) {
            *place = total as usize;
            total += *end;
            *end = total;
        }
        let mut nodes = vec![0; total as usize];
        for (id, signs) in (0..).zip(signs) {
            for sign in each(*signs) {
                nodes[places[sign]] = id;
                places[sign] += 1;
            }
        }
        Self { nodes, ends }
    }

    /// The nodes in a range that have the rarest of these signs, of which there is at least one.
    pub fn row(&self, signs: u64, from: u32, to: u32) -> &[u32] {
        let rows = each(signs).map(|sign| {
            let begin = sign.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.nodes[begin as usize..self.ends[sign] as usize]
        });
        let row = rows.min_by_key(|row| row.len()).unwrap_or_default();
        let row = &row[row.partition_point(|id| *id < from)..];
        &row[..row.partition_point(|id| *id < to)]
    }
}

/// The places of the bits that are set.
fn each(mut signs: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let sign = signs.trailing_zeros() as usize;
        signs &= signs.wrapping_sub(1);
        (sign < SIGNS).then_some(sign)
    })
}
