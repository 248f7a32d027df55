//! The shared-memory types of `swap.rs`. The model test (`tests/swap.rs`) compiles `swap.rs` with
//! types of the model checker loom in the place of these.

pub(crate) use std::sync::Arc;

pub(crate) use arc_swap::{ArcSwap, Guard};
