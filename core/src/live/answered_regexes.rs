//! The regexes that applications answered, each judged once.
//!
//! One that configuration would refuse must be refused here too, so an answered regex becomes a
//! policy that has nothing else, by the same builder. That takes long compared with a request, so
//! the policies are kept, by all that they depend on. The keys come from the application; one that
//! puts something of the request into a regex lets strangers choose them, so the table is bounded.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use super::sync::{Arc, ArcSwap};
use crate::config::{Document, OptionValue, PolicyBuilder, RegexDialect};
use crate::policy::Policy;
use crate::policy::settings::SafetyException;
use crate::problem::PolicyError;

/// So many are held in each of two generations. When the younger one is full it becomes the older
/// one, and what was in that is forgotten; what is used again comes back into the younger one.
const MOST: usize = 256;

/// A regex, and the rules that it is judged by.
pub(super) struct AnsweredRegex<'a> {
    pub(super) source: &'a str,
    pub(super) flags: &'a str,
    pub(super) dialect: RegexDialect,
    pub(super) credentials: bool,
    pub(super) exceptions: &'a [SafetyException],
}

type Kept = Arc<Result<Policy, PolicyError>>;

#[derive(Clone, Default)]
struct Table {
    young: HashMap<String, Kept, RandomState>,
    old: HashMap<String, Kept, RandomState>,
}

impl Table {
    fn with(&self, key: &str, kept: &Kept) -> Table {
        let mut table = self.clone();
        if table.young.len() >= MOST {
            table.old = std::mem::take(&mut table.young);
        }
        table.young.insert(key.to_owned(), kept.clone());
        table
    }
}

// Read without a lock: a process that is forked in the middle of anything goes on.
static TABLE: LazyLock<ArcSwap<Table>> = LazyLock::new(ArcSwap::default);

/// The policy of a regex, and whether it was made just now.
pub(super) fn policy(regex: &AnsweredRegex<'_>) -> (Kept, bool) {
    kept_in(&TABLE, regex)
}

fn kept_in(table: &ArcSwap<Table>, regex: &AnsweredRegex<'_>) -> (Kept, bool) {
    let key = regex.key();
    let now = table.load();
    if let Some(kept) = now.young.get(&key) {
        return (kept.clone(), false);
    }
    let known = now.old.get(&key).cloned();
    drop(now);
    let first = known.is_none();
    let kept = known.unwrap_or_else(|| Arc::new(regex.build()));
    table.rcu(|table| table.with(&key, &kept));
    (kept, first)
}

impl AnsweredRegex<'_> {
    fn key(&self) -> String {
        let mut key = String::with_capacity(self.source.len() + 48);
        // Neither a flag nor a name of an exception holds a NUL.
        let _ = write!(
            key,
            "{:?}\0{}\0{}\0",
            self.dialect, self.credentials, self.flags
        );
        for exception in self.exceptions {
            key.push_str(exception.as_str());
            key.push('\0');
        }
        key.push('\0');
        key.push_str(self.source);
        key
    }

    fn build(&self) -> Result<Policy, PolicyError> {
        let mut document = Document::new();
        let regex = OptionValue::Regex {
            source: self.source.to_owned(),
            flags: self.flags.to_owned(),
            dialect: self.dialect,
        };
        document.push("allow_origin_regexes", OptionValue::List(vec![regex]));
        PolicyBuilder::from_document(&document)
            .allow_credentials(self.credentials)
            .dangerously_allow(self.exceptions.iter().copied())
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(source: &str) -> AnsweredRegex<'_> {
        AnsweredRegex {
            source,
            flags: "",
            dialect: RegexDialect::Rust,
            credentials: false,
            exceptions: &[],
        }
    }

    #[test]
    fn strangers_who_choose_regexes_fill_a_bounded_table_and_push_out_none_that_is_used() {
        let table = ArcSwap::default();
        assert!(kept_in(&table, &regex("https://used\\.example")).1);
        for n in 0..3 * MOST {
            // Not valid, because nothing is compiled then.
            assert!(kept_in(&table, &regex(&format!("https://({n}"))).1);
            let (young, old) = (table.load().young.len(), table.load().old.len());
            assert!(young <= MOST && old <= MOST, "{young}, {old}");
            if n % 100 == 0 {
                assert!(!kept_in(&table, &regex("https://used\\.example")).1, "{n}");
            }
        }
        assert!(kept_in(&table, &regex("https://(0")).1, "it was forgotten");
    }

    #[test]
    fn everything_that_the_judgement_depends_on_is_in_the_key() {
        let gate = [SafetyException::InsecureOriginsWithCredentials];
        let with = |flags, dialect, credentials, exceptions| {
            AnsweredRegex {
                source: "https://a\\.example",
                flags,
                dialect,
                credentials,
                exceptions,
            }
            .key()
        };
        let keys = [
            with("", RegexDialect::Rust, false, &[]),
            with("i", RegexDialect::Rust, false, &[]),
            with("", RegexDialect::Python, false, &[]),
            with("", RegexDialect::Rust, true, &[]),
            with("", RegexDialect::Rust, true, &gate[..]),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }
}
