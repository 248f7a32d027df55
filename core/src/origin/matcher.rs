//! The compiled list of origins. Lookup cost is flat in the number of entries and no chosen input
//! makes it slow.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::grammar::Origin;
use crate::headers::Text;
use crate::tag;

use super::pattern::{HostPattern, Pattern, PortPattern};

/// Up to so many entries a comparison each is faster than a hash.
const LINEAR: usize = 4;

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
    tag: u64,
    text: Text,
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
                tag: tag::of_origin(origin.as_bytes()),
                text: Text::new(origin),
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
        let tag = tag::of_origin(origin);
        for few in &self.few {
            let text = few.text.as_str();
            if few.tag == tag && tag::equal(text.as_bytes(), origin) {
                return Some(text);
            }
        }
        None
    }

    #[inline(never)]
    fn find_in_table(&self, origin: &[u8]) -> Option<&str> {
        let equal =
            |index: &u32| tag::equal(bytes_at(&self.text, &self.spans, *index as usize), origin);
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

/// Patterns. A few are tried one by one; many are found by the parts of the host that each names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    list: Vec<Pattern>,
    /// Bit i: pattern i is safe with credentials.
    safe: Vec<bool>,
    table: HashTable<u32>,
    seed: RandomState,
    /// Bit n: some `*.base` has a base of n bytes.
    below_lengths: [u64; 4],
    /// Lengths of (before, after) that placeholders have.
    placeholder_lengths: Vec<(u8, u8)>,
    any_port: bool,
}

/// The parts of a pattern that its key is made of.
#[derive(Hash, PartialEq, Eq)]
struct Key<'a> {
    scheme: &'a str,
    kind: u8,
    before: &'a str,
    after: &'a str,
    port: PortPattern,
}

impl Pattern {
    fn key(&self) -> Key<'_> {
        let (kind, before, after) = match &self.host {
            HostPattern::Exactly(name) => (0, "", name.as_str()),
            HostPattern::Below(base) => (1, "", base.as_str()),
            HostPattern::Placeholder {
                before,
                class,
                after,
            } => (2 + *class as u8, before.as_str(), after.as_str()),
            HostPattern::Any => (5, "", ""),
        };
        Key {
            scheme: &self.scheme,
            kind,
            before,
            after,
            port: self.port,
        }
    }
}

impl Patterns {
    pub(crate) fn push(&mut self, pattern: Pattern) {
        match &pattern.host {
            HostPattern::Below(base) => {
                self.below_lengths[base.len() / 64 % 4] |= 1 << (base.len() % 64)
            }
            HostPattern::Placeholder { before, after, .. } => {
                let lengths = (before.len() as u8, after.len() as u8);
                if !self.placeholder_lengths.contains(&lengths) {
                    self.placeholder_lengths.push(lengths);
                }
            }
            HostPattern::Exactly(_) | HostPattern::Any => {}
        }
        self.any_port |= pattern.port == PortPattern::Any;
        self.safe.push(pattern.dangers().is_empty());
        self.list.push(pattern);
        let Patterns {
            list, table, seed, ..
        } = self;
        let hash_at = |index: &u32| hash(seed, &list[*index as usize].key());
        let index = list.len() as u32 - 1;
        table.insert_unique(hash_at(&index), index, hash_at);
    }

    pub(crate) fn list(&self) -> &[Pattern] {
        &self.list
    }

    pub(crate) fn contains(&self, pattern: &Pattern) -> bool {
        self.table
            .find(hash(&self.seed, &pattern.key()), |index| {
                self.list[*index as usize] == *pattern
            })
            .is_some()
    }

    /// Whether some pattern matches; with `safe`, some pattern that is safe with credentials.
    #[inline]
    pub(crate) fn matches(&self, origin: &Origin<'_>, safe: bool) -> bool {
        self.find(origin, safe).is_some()
    }

    /// A pattern that matches; with `safe`, one that is safe with credentials.
    pub(crate) fn find(&self, origin: &Origin<'_>, safe: bool) -> Option<&Pattern> {
        if self.list.len() <= LINEAR {
            let mut patterns = self.list.iter().zip(&self.safe);
            return patterns
                .find(|(pattern, pattern_safe)| {
                    (**pattern_safe || !safe) && pattern.matches(origin)
                })
                .map(|(pattern, _)| pattern);
        }
        self.find_key(origin, 0, "", origin.host, safe)
            .or_else(|| self.find_key(origin, 5, "", "", safe))
            .or_else(|| self.find_below(origin, safe))
            .or_else(|| self.find_placeholder(origin, safe))
    }

    fn find_below(&self, origin: &Origin<'_>, safe: bool) -> Option<&Pattern> {
        let host = origin.host;
        host.bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'.')
            .find_map(|(dot, _)| {
                let base = &host[dot + 1..];
                let known = dot > 0
                    && self.below_lengths[base.len() / 64 % 4] >> (base.len() % 64) & 1 == 1;
                if known {
                    self.find_key(origin, 1, "", base, safe)
                } else {
                    None
                }
            })
    }

    fn find_placeholder(&self, origin: &Origin<'_>, safe: bool) -> Option<&Pattern> {
        let host = origin.host;
        self.placeholder_lengths.iter().find_map(|(before, after)| {
            let (before, after) = (usize::from(*before), usize::from(*after));
            if before + after >= host.len() {
                return None;
            }
            let (before, rest) = host.split_at(before);
            let (value, after) = rest.split_at(rest.len() - after);
            let mut fits = super::pattern::Class::ALL
                .iter()
                .filter(|(_, class)| value.bytes().all(|b| class.has(b)));
            fits.find_map(|(_, class)| self.find_key(origin, 2 + *class as u8, before, after, safe))
        })
    }

    fn find_key(
        &self,
        origin: &Origin<'_>,
        kind: u8,
        before: &str,
        after: &str,
        safe: bool,
    ) -> Option<&Pattern> {
        let with_port = |port| {
            let key = Key {
                scheme: origin.scheme,
                kind,
                before,
                after,
                port,
            };
            let index = self.table.find(hash(&self.seed, &key), |index| {
                (self.safe[*index as usize] || !safe) && self.list[*index as usize].key() == key
            })?;
            Some(&self.list[*index as usize])
        };
        with_port(PortPattern::Exactly(origin.port)).or_else(|| {
            if self.any_port {
                with_port(PortPattern::Any)
            } else {
                None
            }
        })
    }
}

fn hash(seed: &RandomState, key: &Key<'_>) -> u64 {
    seed.hash_one(key)
}

/// The regexes of a policy.
#[cfg(feature = "regex")]
#[derive(Clone, Debug)]
pub(crate) struct PolicyRegexes {
    pub(crate) all: super::regex::Regexes,
    /// Those that are safe with credentials.
    pub(crate) safe: super::regex::Regexes,
}

/// Everything that can match an origin, `null` and the host's verdict aside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    pub(crate) exact: ExactOrigins,
    pub(crate) patterns: Patterns,
    #[cfg(feature = "regex")]
    pub(crate) regexes: Option<PolicyRegexes>,
    /// A regex must not let a plain-http origin in: the policy has credentials and no gate.
    pub(crate) refuse_insecure: bool,
}

impl Matcher {
    /// Whether a pattern or a regex matches.
    pub(crate) fn matches(&self, origin: &Origin<'_>) -> bool {
        self.patterns.matches(origin, false) || self.matches_regex(origin, false)
    }

    /// Whether an entry, a pattern or a regex matches.
    pub(crate) fn finds(&self, origin: &[u8]) -> bool {
        self.exact.find(origin).is_some()
            || Origin::parse(origin).is_some_and(|parsed| self.matches(&parsed))
    }

    /// Whether the origin is allowed by rules that hold with credentials, whatever the policy's own
    /// are.
    pub(crate) fn allows_with_credentials(&self, origin: &[u8]) -> bool {
        let Some(parsed) = Origin::parse(origin) else {
            return false;
        };
        !parsed.is_insecure()
            && (self.exact.find(origin).is_some()
                || self.patterns.matches(&parsed, true)
                || self.matches_regex(&parsed, true))
    }

    #[cfg(feature = "regex")]
    fn matches_regex(&self, origin: &Origin<'_>, safe: bool) -> bool {
        let Some(regexes) = &self.regexes else {
            return false;
        };
        if self.refuse_insecure && origin.is_insecure() {
            return false;
        }
        let set = if safe { &regexes.safe } else { &regexes.all };
        set.is_match(origin.text)
    }

    #[cfg(not(feature = "regex"))]
    fn matches_regex(&self, _origin: &Origin<'_>, _safe: bool) -> bool {
        false
    }
}
