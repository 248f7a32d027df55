//! Origins: what a configured entry means and whether a request's `Origin` matches one.
//!
//! A request's origin is never decoded, lower-cased, IDNA-mapped or URL-parsed: bytes come in and
//! bytes are compared. Patterns, regexes and the host see only what passes the grammar gate.

pub(crate) mod entry;
pub(crate) mod grammar;
pub(crate) mod host;
pub(crate) mod matcher;
pub(crate) mod pattern;
pub(crate) mod public_suffix;
#[cfg(feature = "regex")]
pub(crate) mod regex;
#[cfg(feature = "regex")]
mod states;
