//! What `pair.rs` stands on; its model test has others.

pub(crate) use std::sync::Arc;

pub(crate) use arc_swap::{ArcSwap, Guard};
