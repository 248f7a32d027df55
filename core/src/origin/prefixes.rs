//! A set of texts that is asked which of them another text begins with, in one walk over that text,
//! however many there are.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// So many lengths are told apart; hosts are shorter.
const LENGTHS: usize = 256;

/// Bit n: a text of n bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lengths([u64; LENGTHS / 64]);

impl Lengths {
    fn insert(&mut self, length: usize) {
        self.0[length / 64 % 4] |= 1 << (length % 64);
    }

    /// The lengths in a range, from the longest.
    pub(crate) fn within(self, range: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
        let has = move |length: &usize| self.0[length / 64 % 4] >> (length % 64) & 1 == 1;
        range.rev().filter(has)
    }
}

/// The texts as a tree of their bytes.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes {
    edges: HashTable<Edge>,
    /// For each place whether a text ends there. 0 is the root.
    ends: Vec<bool>,
    seed: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    from: u32,
    byte: u8,
    to: u32,
}

impl Default for Prefixes {
    fn default() -> Self {
        Prefixes {
            edges: HashTable::new(),
            ends: vec![false],
            seed: RandomState::default(),
        }
    }
}

impl Prefixes {
    /// Takes a text in.
    pub(crate) fn insert(&mut self, text: impl Iterator<Item = u8>) {
        let mut place = 0;
        for byte in text {
            place = self.next(place, byte).unwrap_or_else(|| {
                let to = self.ends.len() as u32;
                self.ends.push(false);
                let Prefixes { edges, seed, .. } = self;
                let hash = |edge: &Edge| seed.hash_one((edge.from, edge.byte));
                let edge = Edge {
                    from: place,
                    byte,
                    to,
                };
                edges.insert_unique(hash(&edge), edge, hash);
                to
            });
        }
        self.ends[place as usize] = true;
    }

    fn next(&self, from: u32, byte: u8) -> Option<u32> {
        #[cfg(test)]
        tests::STEPS.with(|steps| steps.set(steps.get() + 1));
        let is_it = |edge: &Edge| edge.from == from && edge.byte == byte;
        let found = self.edges.find(self.seed.hash_one((from, byte)), is_it);
        found.map(|edge| edge.to)
    }

    /// The lengths of the texts that this one begins with.
    pub(crate) fn of(&self, text: impl Iterator<Item = u8>) -> Lengths {
        let mut lengths = Lengths::default();
        let mut place = 0;
        if self.ends[0] {
            lengths.insert(0);
        }
        for (index, byte) in text.enumerate().take(LENGTHS - 1) {
            let Some(next) = self.next(place, byte) else {
                break;
            };
            place = next;
            if self.ends[place as usize] {
                lengths.insert(index + 1);
            }
        }
        lengths
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// Places that were asked for on the way.
        pub(crate) static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn every_beginning_is_found() {
        let mut prefixes = Prefixes::default();
        for text in ["", "ab", "abc", "b", "abcdef"] {
            prefixes.insert(text.bytes());
        }
        let found = |prefixes: &Prefixes, text: &str| -> Vec<usize> {
            prefixes.of(text.bytes()).within(0..LENGTHS).collect()
        };
        assert_eq!(found(&prefixes, "abcde"), [3, 2, 0]);
        assert_eq!(found(&prefixes, "abcdef"), [6, 3, 2, 0]);
        assert_eq!(found(&prefixes, "x"), [0]);
        assert!(found(&Prefixes::default(), "a").is_empty());
        let long = "a".repeat(300);
        prefixes.insert(long.bytes().take(LENGTHS - 1));
        assert_eq!(found(&prefixes, &long), [LENGTHS - 1, 0]);
    }
}
