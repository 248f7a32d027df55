//! A policy while it serves: swapped, compared with a shadow, counted, traced, reloaded.

pub(crate) mod counters;
pub(crate) mod shadow;
pub(crate) mod shared;
pub(crate) mod swap;
mod sync;
#[cfg(feature = "tracing")]
pub mod trace;
#[cfg(feature = "watch")]
pub(crate) mod watch;
#[cfg(feature = "watch")]
mod watched_paths;
