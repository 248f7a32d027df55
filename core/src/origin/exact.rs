//! Exact origins: a table that is asked by bytes. Lookup cost is flat in the number of entries,
//! and no chosen input makes it slow.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

use super::serialized::MAX_ORIGIN;
use crate::text::nul_text::NulText;
use crate::text::prefix::{equal, origin_prefix};

/// Up to so many entries a comparison each is faster than a hash.
pub(crate) const LINEAR: usize = 4;

/// Exact origins in one text, each followed by a NUL so that C can borrow it. About 20 bytes an
/// origin beside its text.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExactOrigins {
    text: String,
    spans: Vec<(u32, u16)>,
    /// The same while there are at most [`LINEAR`].
    few: Vec<Few>,
    table: HashTable<u32>,
    // Seeded by the process: nobody can choose origins that collide.
    seed: RandomState,
}

#[derive(Clone, Debug)]
struct Few {
    prefix: u64,
    text: NulText,
}

impl ExactOrigins {
    pub(crate) fn with_capacity(count: usize) -> Self {
        ExactOrigins {
            spans: Vec::with_capacity(count),
            table: HashTable::with_capacity(if count > LINEAR { count } else { 0 }),
            ..Self::default()
        }
    }

    /// Adds an origin; false if it is there already.
    pub(crate) fn insert(&mut self, origin: &str) -> bool {
        if self.find(origin.as_bytes()).is_some() {
            return false;
        }
        let (Ok(start), Ok(length), Ok(index)) = (
            u32::try_from(self.text.len()),
            u16::try_from(origin.len()),
            u32::try_from(self.spans.len()),
        ) else {
            return false;
        };
        self.text.push_str(origin);
        self.text.push('\0');
        self.spans.push((start, length));
        if self.spans.len() <= LINEAR {
            self.few.push(Few {
                prefix: origin_prefix(origin.as_bytes()),
                text: NulText::new(origin),
            });
        } else {
            self.few = Vec::new();
            let ExactOrigins {
                text,
                spans,
                table,
                seed,
                ..
            } = self;
            let hash_at = |index: &u32| hash_origin(seed, bytes_at(text, spans, *index as usize));
            if table.is_empty() {
                for index in 0..=index {
                    table.insert_unique(hash_at(&index), index, hash_at);
                }
            } else {
                table.insert_unique(hash_at(&index), index, hash_at);
            }
        }
        true
    }

    /// The stored text of an origin with exactly these bytes.
    #[inline(always)]
    pub(crate) fn find(&self, origin: &[u8]) -> Option<&str> {
        if self.spans.len() > LINEAR {
            return self.find_in_table(origin);
        }
        let prefix = origin_prefix(origin);
        for few in &self.few {
            let text = few.text.as_str();
            if few.prefix == prefix && equal(text.as_bytes(), origin) {
                return Some(text);
            }
        }
        None
    }

    #[inline(never)]
    fn find_in_table(&self, origin: &[u8]) -> Option<&str> {
        // Nothing that is longer is an entry, and it is not hashed.
        if origin.len() > MAX_ORIGIN {
            return None;
        }
        let equal = |index: &u32| equal(bytes_at(&self.text, &self.spans, *index as usize), origin);
        let index = self.table.find(hash_origin(&self.seed, origin), equal)?;
        Some(at(&self.text, &self.spans, *index as usize))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.spans.len()).map(|index| at(&self.text, &self.spans, index))
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Gives back what was reserved and not used.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.spans.shrink_to_fit();
    }
}

#[inline]
fn hash_origin(seed: &RandomState, origin: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(origin);
    hasher.finish()
}

#[inline]
fn bytes_at<'a>(text: &'a str, spans: &[(u32, u16)], index: usize) -> &'a [u8] {
    let (start, length) = spans[index];
    &text.as_bytes()[start as usize..start as usize + usize::from(length)]
}

#[inline]
fn at<'a>(text: &'a str, spans: &[(u32, u16)], index: usize) -> &'a str {
    let (start, length) = spans[index];
    &text[start as usize..start as usize + usize::from(length)]
}
