//! The languages by whose rules a regex can be written.

/// The language by whose rules a regex was written. The engine reads each by its own rules, so that
/// a regex means here what it means there: the first character of `--` in a Python class is no
/// operator, and `\Z` is the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegexDialect {
    /// The crate `regex`: of policy documents and builders.
    Rust,
    /// Python's `re`, patterns of text.
    Python,
    /// JavaScript's `RegExp`.
    JavaScript,
}
