//! A set of texts that is asked which of them another text begins with, in one walk over that text,
//! however many there are.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// So many lengths are told apart; hosts are shorter.
const LENGTHS: usize = 256;

/// The texts of a set that another text begins with: by their lengths, their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Beginnings {
    /// Bit n: a text of n bytes.
    lengths: [u64; LENGTHS / 64],
    numbers: [u32; LENGTHS],
}

impl Beginnings {
    fn insert(&mut self, length: usize, number: u32) {
        self.lengths[length / 64 % 4] |= 1 << (length % 64);
        self.numbers[length % LENGTHS] = number;
    }

    /// The lengths in a range, from the longest, and the numbers of the texts.
    pub(crate) fn within(
        &self,
        range: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (usize, u32)> + '_ {
        let has = |length: &usize| self.lengths[length / 64 % 4] >> (length % 64) & 1 == 1;
        let lengths = range.rev().filter(has);
        lengths.map(|length| (length, self.numbers[length % LENGTHS]))
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
    /// Takes a text in; its number.
    pub(crate) fn insert(&mut self, text: impl Iterator<Item = u8>) -> u32 {
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
        place
    }

    fn next(&self, from: u32, byte: u8) -> Option<u32> {
        #[cfg(test)]
        tests::STEPS.with(|steps| steps.set(steps.get() + 1));
        let is_it = |edge: &Edge| edge.from == from && edge.byte == byte;
        let found = self.edges.find(self.seed.hash_one((from, byte)), is_it);
        found.map(|edge| edge.to)
    }

    /// The texts that this one begins with.
    pub(crate) fn of(&self, text: impl Iterator<Item = u8>) -> Beginnings {
        let mut found = Beginnings {
            lengths: [0; LENGTHS / 64],
            numbers: [0; LENGTHS],
        };
        let mut place = 0;
        if self.ends[0] {
            found.insert(0, 0);
        }
        for (index, byte) in text.enumerate().take(LENGTHS - 1) {
            let Some(next) = self.next(place, byte) else {
                break;
            };
            place = next;
            if self.ends[place as usize] {
                found.insert(index + 1, place);
            }
        }
        found
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// Places that were asked for on the way, and pairs of a front and an end.
        pub(crate) static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn every_beginning_is_found() {
        let mut prefixes = Prefixes::default();
        for text in ["", "ab", "abc", "b", "abcdef"] {
            prefixes.insert(text.bytes());
        }
        let found = |prefixes: &Prefixes, text: &str| -> Vec<usize> {
            let found = prefixes.of(text.bytes());
            found.within(0..LENGTHS).map(|(length, _)| length).collect()
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
