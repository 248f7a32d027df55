//! A configured list of header names.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::text::prefix::{load8, name_prefix};

/// A configured list of names, compared case-insensitively and written as configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderNameSet {
    /// `*` stands in the list.
    pub(crate) any: bool,
    /// The names in their order and case, `*` among them where it stands.
    pub(crate) list: Vec<String>,
    /// The bytes of `list` joined with `, `.
    pub(crate) joined_length: usize,
    longest: usize,
    /// Of each name of a short list.
    prefixes: Vec<u64>,
    /// The names of a short list as browsers send them.
    wire: Vec<WireName>,
    table: HashTable<u32>,
    seed: RandomState,
}

/// A name in lower case, its first eight bytes also as an integer.
#[derive(Clone, Debug)]
struct WireName {
    bytes: Box<[u8]>,
    first: u64,
    mask: u64,
    /// The last eight bytes, of a name that has so many.
    last: u64,
}

impl WireName {
    fn new(name: &str) -> Self {
        let bytes = name.to_ascii_lowercase().into_bytes().into_boxed_slice();
        let mask = if bytes.len() < 8 {
            (1 << (8 * bytes.len())) - 1
        } else {
            u64::MAX
        };
        WireName {
            first: load8(&bytes, 0),
            mask,
            last: load8(&bytes, bytes.len().saturating_sub(8)),
            bytes,
        }
    }

    /// Whether a list starts with the name, and a comma or nothing comes behind it.
    #[inline(always)]
    fn starts(&self, list: &[u8], first: u64) -> bool {
        let length = self.bytes.len();
        (first ^ self.first) & self.mask == 0
            && match length {
                ..8 => length <= list.len(),
                8..=16 => length <= list.len() && load8(list, length - 8) == self.last,
                _ => list.starts_with(&self.bytes),
            }
            && matches!(list.get(length), None | Some(b','))
    }
}

/// Up to so many names a comparison each is faster than a hash.
const LINEAR: usize = 8;

impl HeaderNameSet {
    /// Adds `*`, which is no name.
    pub(crate) fn push_any(&mut self) {
        self.any = true;
        self.prefixes.push(u64::MAX);
        self.list.push("*".into());
    }

    pub(crate) fn push(&mut self, name: &str) {
        self.longest = self.longest.max(name.len());
        self.prefixes.push(name_prefix(name.as_bytes()));
        if self.wire.len() < LINEAR {
            self.wire.push(WireName::new(name));
        }
        self.list.push(name.to_owned());
        let HeaderNameSet {
            list, table, seed, ..
        } = self;
        let index = list.len() as u32 - 1;
        table.insert_unique(hash(seed, name.as_bytes()), index, |index| {
            hash(seed, list[*index as usize].as_bytes())
        });
    }

    /// Whether a line is what browsers send (lower-case names and bare commas, at most `max` names)
    /// and every name is listed. Says no for everything else, which takes the long way.
    #[inline]
    pub(crate) fn are_all_of(&self, line: &[u8], max: usize) -> bool {
        let mut rest = line;
        for _ in 0..max {
            let first = load8(rest, 0);
            let Some(name) = self.wire.iter().find(|name| name.starts(rest, first)) else {
                return false;
            };
            match rest.get(name.bytes.len() + 1..) {
                Some(next) => rest = next,
                None => return true,
            }
        }
        false
    }

    /// Whether a name is listed. The literal `*` is no name.
    #[inline]
    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        if name.len() > self.longest {
            return false;
        }
        if self.list.len() <= LINEAR {
            let prefix = name_prefix(name);
            return self.prefixes.iter().zip(&self.list).any(|(known, listed)| {
                *known == prefix && listed.as_bytes().eq_ignore_ascii_case(name)
            });
        }
        self.table
            .find(hash(&self.seed, name), |index| {
                self.list[*index as usize]
                    .as_bytes()
                    .eq_ignore_ascii_case(name)
            })
            .is_some()
    }
}

/// The hash of a name without its case.
fn hash(seed: &RandomState, name: &[u8]) -> u64 {
    let mut lower = [0u8; 64];
    match lower.get_mut(..name.len()) {
        Some(lower) => {
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            seed.hash_one(&*lower)
        }
        None => seed.hash_one(name.to_ascii_lowercase().as_slice()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_with_few_and_with_many() {
        for count in [3, 40] {
            let texts: Vec<String> = (0..count).map(|n| format!("X-Name-{n}")).collect();
            let mut names = HeaderNameSet::default();
            texts.iter().for_each(|name| names.push(name));
            assert!(names.contains(b"x-name-2") && names.contains(b"X-NAME-0"));
            assert!(
                !names.contains(b"x-name")
                    && !names.contains(b"*")
                    && !names.contains(&[b'x'; 5000])
            );
        }
    }

    #[test]
    fn a_long_name_is_found_too() {
        let long = "X".repeat(200);
        let mut texts: Vec<String> = (0..20).map(|n| format!("X-{n}")).collect();
        texts.push(long.clone());
        let mut names = HeaderNameSet::default();
        texts.iter().for_each(|name| names.push(name));
        assert!(names.contains(long.to_ascii_lowercase().as_bytes()));
    }
}
