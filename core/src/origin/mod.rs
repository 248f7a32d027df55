//! Origins: whether a request's `Origin` matches an entry.
//!
//! A request's origin is never decoded, lower-cased, IDNA-mapped or URL-parsed: bytes come in and
//! bytes are compared. Patterns, regexes and the application see only what passes the grammar gate
//! ([`serialized`]).

pub(crate) mod exact;
pub(crate) mod found;
pub(crate) mod host;
pub(crate) mod matcher;
pub(crate) mod pattern;
pub(crate) mod pattern_set;
pub(crate) mod prefixes;
pub(crate) mod public_suffix;
#[cfg(feature = "regex")]
pub(crate) mod regex;
pub(crate) mod regex_dialect;
pub(crate) mod serialized;
#[cfg(feature = "psl")]
mod suffix_table;
