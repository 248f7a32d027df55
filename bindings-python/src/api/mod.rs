//! The classes of the package, and where a middleware's policy comes from.

pub(crate) mod counters;
pub(crate) mod decision;
pub(crate) mod denials;
pub(crate) mod path_regex;
pub(crate) mod policy;
pub(crate) mod shared;
pub(crate) mod source;
