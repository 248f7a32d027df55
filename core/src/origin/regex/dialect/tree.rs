//! What a regex of any dialect means, as a tree.

use super::super::program::Bytes;

/// One part of a regex.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// One ASCII byte of a set; and how it was written.
    Set(Bytes, String),
    Start,
    /// The end, or in Python the line break that ends the text.
    LineEnd,
    End,
    /// Whether a word begins or ends here, or the opposite.
    WordBoundary(bool),
    Concat(Vec<Node>),
    Alternation(Vec<Node>),
    /// A group, its number if it captures, and how its parenthesis was written.
    Group(Box<Node>, Option<usize>, String),
    /// A repetition. Whether it is lazy plays no part where the whole text matches or not.
    Repeat(Box<Node>, Count),
    Look {
        ahead: bool,
        negative: bool,
        inner: Box<Node>,
    },
    BackReference(usize),
    /// What it has matched it does not give back.
    Atomic(Box<Node>),
}

/// How often something is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) least: u32,
    pub(super) most: Option<u32>,
    pub(super) lazy: bool,
}

impl Node {
    /// A linear engine cannot run it.
    pub(super) fn needs_backtracking(&self) -> bool {
        match self {
            Node::Look { .. } | Node::BackReference(_) | Node::Atomic(_) => true,
            Node::Set(..) | Node::Start | Node::LineEnd | Node::End | Node::WordBoundary(_) => {
                false
            }
            Node::Concat(parts) | Node::Alternation(parts) => {
                parts.iter().any(Node::needs_backtracking)
            }
            Node::Group(inner, ..) | Node::Repeat(inner, _) => inner.needs_backtracking(),
        }
    }
}

/// The bytes that origins are made of, and every other visible one: what the rest of ASCII does
/// cannot be seen in an origin.
pub(super) const VISIBLE: Bytes = !0 >> 1 & !0 << 0x21;

pub(super) const DIGITS: Bytes = 0x3ff << b'0';
const LOWER: Bytes = 0x3ff_ffff << b'a';
const UPPER: Bytes = 0x3ff_ffff << b'A';
pub(super) const WORD: Bytes = DIGITS | LOWER | UPPER | 1 << b'_';
/// White space of both languages; where they differ no origin has it.
pub(super) const SPACE: Bytes = 0x1f << 9 | 1 << b' ';

/// The set of one character; empty for one that no origin has.
pub(super) fn set_of(character: char) -> Bytes {
    if character.is_ascii() {
        1 << character as u32
    } else {
        0
    }
}

/// The ASCII part of a range of characters.
pub(super) fn range(first: char, last: char) -> Bytes {
    (first as u32..=(last as u32).min(127)).fold(0, |set, byte| set | 1 << byte)
}

/// With the other case of each letter.
pub(super) fn both_cases(set: Bytes) -> Bytes {
    let shift = u32::from(b'a' - b'A');
    set | (set & UPPER) << shift | (set & LOWER) >> shift
}
