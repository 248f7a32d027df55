//! A policy while it serves: swapped, compared with a shadow, counted, traced, reloaded.

pub(crate) mod answer;
mod answered_regexes;
pub(crate) mod counters;
#[cfg(feature = "watch")]
mod file_stamp;
#[cfg(feature = "watch")]
mod quiet_file;
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
