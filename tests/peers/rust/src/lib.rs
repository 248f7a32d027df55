//! What the comparisons with other Rust middleware share.
