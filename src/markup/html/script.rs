//! Raised and lowered letters, for which Unicode has signs where neither Discord nor plain text has a form.

const RAISED: [(char, char); 17] = [
    ('0', '⁰'),
    ('1', '¹'),
    ('2', '²'),
    ('3', '³'),
    ('4', '⁴'),
    ('5', '⁵'),
    ('6', '⁶'),
    ('7', '⁷'),
    ('8', '⁸'),
    ('9', '⁹'),
    ('+', '⁺'),
    ('-', '⁻'),
    ('=', '⁼'),
    ('(', '⁽'),
    (')', '⁾'),
    ('n', 'ⁿ'),
    ('i', 'ⁱ'),
];
const LOWERED: [(char, char); 15] = [
    ('0', '₀'),
    ('1', '₁'),
    ('2', '₂'),
    ('3', '₃'),
    ('4', '₄'),
    ('5', '₅'),
    ('6', '₆'),
    ('7', '₇'),
    ('8', '₈'),
    ('9', '₉'),
    ('+', '₊'),
    ('-', '₋'),
    ('=', '₌'),
    ('(', '₍'),
    (')', '₎'),
];

/// `m<sup>2</sup>` is m², not m2. `None` where a letter has no such sign.
pub fn raised_or_lowered(text: &str, raised: bool) -> Option<String> {
    const LONGEST: usize = 12;
    let signs = if raised { &RAISED[..] } else { &LOWERED[..] };
    let sign = |c: char| signs.iter().find(|(plain, _)| *plain == c).map(|(_, sign)| *sign);
    if text.is_empty() || text.len() > LONGEST { None } else { text.chars().map(sign).collect() }
}
