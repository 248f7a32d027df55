//! The patterns of a policy. Lookup cost is flat in their number, and no chosen input makes it
//! slow.

use foldhash::fast::RandomState;
use hashbrown::{HashSet, HashTable};
use std::hash::{BuildHasher, Hash};

use super::exact::LINEAR;
use super::pattern::{Class, HostPattern, Pattern, PortPattern};
use super::prefixes::Prefixes;
use super::serialized::Origin;

/// Patterns. A few are tried one by one; many are found by the parts of the host that each names.
#[derive(Clone, Debug, Default)]
pub(crate) struct PatternSet {
    list: Vec<Pattern>,
    /// Bit i: pattern i is safe with credentials.
    safe: Vec<bool>,
    table: HashTable<u32>,
    seed: RandomState,
    /// Bit n: some `*.base` has a base of n bytes.
    below_lengths: [u64; 4],
    /// What stands in front of placeholders, and what stands behind them, from its end.
    befores: Prefixes,
    afters: Prefixes,
    /// The numbers of those two that belong to one pattern.
    pairs: HashSet<(u32, u32), RandomState>,
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

impl PatternSet {
    /// Takes a pattern in; whether it is safe with credentials.
    pub(crate) fn push(&mut self, pattern: Pattern, safe: bool) {
        match &pattern.host {
            HostPattern::Below(base) => {
                self.below_lengths[base.len() / 64 % 4] |= 1 << (base.len() % 64)
            }
            HostPattern::Placeholder { before, after, .. } => {
                let before = self.befores.insert(before.bytes());
                let after = self.afters.insert(after.bytes().rev());
                self.pairs.insert((before, after));
            }
            HostPattern::Exactly(_) | HostPattern::Any => {}
        }
        self.any_port |= pattern.port == PortPattern::Any;
        self.safe.push(safe);
        self.list.push(pattern);
        let PatternSet {
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

    /// Looks at each byte of the host twice, and asks of each front and each end that have nothing
    /// but a value of one label between them whether a pattern has both. A label has 63 bytes: a
    /// host has 8,064 such pairs at most, if the policy has all of these fronts and ends.
    fn find_placeholder(&self, origin: &Origin<'_>, safe: bool) -> Option<&Pattern> {
        if self.pairs.is_empty() {
            return None;
        }
        let host = origin.host;
        let befores = self.befores.of(host.bytes());
        let afters = self.afters.of(host.bytes().rev());
        afters.within(0..host.len()).find_map(|(length, after)| {
            let (front, end) = host.split_at(host.len() - length);
            // A value is a part of one label.
            let start = front
                .rfind(|byte| !Class::Slug.has(byte as u8))
                .map_or(0, |at| at + 1);
            let mut pairs = befores
                .within(start..front.len())
                .filter(|(_, before)| self.is_pair(*before, after));
            pairs.find_map(|(before, _)| {
                let (before, value) = front.split_at(before);
                let mut fits = Class::ALL
                    .iter()
                    .filter(|(_, class)| value.bytes().all(|b| class.has(b)));
                fits.find_map(|(_, class)| {
                    self.find_key(origin, 2 + *class as u8, before, end, safe)
                })
            })
        })
    }

    #[inline]
    fn is_pair(&self, before: u32, after: u32) -> bool {
        #[cfg(test)]
        super::prefixes::tests::STEPS.with(|steps| steps.set(steps.get() + 1));
        self.pairs.contains(&(before, after))
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

#[cfg(test)]
mod tests {
    use super::super::prefixes::tests::STEPS;
    use super::*;

    /// What stands in front of the value and behind it: no two are alike.
    fn shape(n: usize) -> (String, String) {
        let (front, behind) = (n % 30, n / 30);
        let (label, below) = ("y".repeat(behind % 20 + 1), "z".repeat(behind / 20 + 1));
        (
            format!("p{}-", "x".repeat(front)),
            format!("--{label}.{below}.sites.example"),
        )
    }

    fn set(count: usize) -> PatternSet {
        let mut set = PatternSet::default();
        for n in 0..count {
            let (before, after) = shape(n);
            let host = HostPattern::Placeholder {
                before,
                class: Class::Digits,
                after,
            };
            let pattern = Pattern {
                scheme: "https".to_owned(),
                host,
                port: PortPattern::Exactly(None),
            };
            set.push(pattern, true);
        }
        set
    }

    /// What a look for an origin costs does not grow with the number of shapes.
    #[test]
    fn a_thousand_shapes_cost_no_more_than_a_few() {
        let steps = |set: &PatternSet, host: &str| {
            STEPS.set(0);
            let text = format!("https://{host}");
            let origin = Origin::parse(text.as_bytes()).unwrap();
            (set.matches(&origin, true), STEPS.get())
        };
        let (few, many) = (set(LINEAR + 1), set(1_000));
        for n in [0, 1, 29, 30, 600, 999] {
            let (before, after) = shape(n);
            let host = format!("{before}12{after}");
            assert_eq!(steps(&few, &host).0, n <= LINEAR, "{host}");
            let (found, cost) = steps(&many, &host);
            assert!(found && cost <= 2 * (host.len() + 1), "{host}: {cost}");
            for other in [
                format!("{before}a{after}"),
                format!("{before}{after}"),
                format!("{before}1.2{after}"),
            ] {
                let (found, cost) = steps(&many, &other);
                assert!(!found && cost <= 2 * (other.len() + 1), "{other}: {cost}");
            }
        }
        // Nothing begins or ends like it.
        assert!(steps(&many, "q.example.test").1 <= 2);
    }

    /// A policy that has every front and end of a hostile name, and hardly two that belong
    /// together: the pairs are asked for, a step each, and no more than a name has.
    #[test]
    fn nested_fronts_and_ends_cost_bounded_steps() {
        const MOST: usize = 4 * 63 * 64 / 2;
        let label = "a".repeat(63);
        let host = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        let mut set = PatternSet::default();
        let mut push = |before: &str, class: Class, after: &str| {
            let host = HostPattern::Placeholder {
                before: before.to_owned(),
                class,
                after: after.to_owned(),
            };
            let pattern = Pattern {
                scheme: "https".to_owned(),
                host,
                port: PortPattern::Exactly(None),
            };
            set.push(pattern, true);
        };
        for at in (0..host.len()).filter(|at| host.as_bytes()[*at] == b'a') {
            // Each front with an end that no name has, and the other way round.
            push(&host[..at], Class::Slug, ".example");
            push("b", Class::Slug, &host[at..]);
        }
        // Some that belong together: the value is no number.
        for at in 1..60 {
            push(&host[..at], Class::Digits, &host[at + 1..]);
        }
        let text = format!("https://{host}");
        let origin = Origin::parse(text.as_bytes()).unwrap();
        STEPS.set(0);
        assert!(!set.matches(&origin, true));
        let steps = STEPS.get();
        assert!(steps <= MOST + 2 * (host.len() + 1), "{steps}");
        assert!(steps > MOST / 2, "the name is hostile: {steps}");
        // As the patterns themselves say, one by one.
        let one_by_one = |origin: &Origin<'_>| set.list.iter().any(|p| p.matches(origin));
        assert!(!one_by_one(&origin));
        for at in [1, 30, 59] {
            let mut digit = host.clone();
            digit.replace_range(at..at + 1, "7");
            let text = format!("https://{digit}");
            let origin = Origin::parse(text.as_bytes()).unwrap();
            assert!(set.matches(&origin, true) && one_by_one(&origin), "{at}");
        }
    }
}
