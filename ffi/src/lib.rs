//! The C ABI of crossgate. What a C programmer needs to know stands in the comments here and from
//! there in `include/crossgate.h`; this crate holds no CORS rule.
//!
//! Every exported body is written out (cbindgen expands no macros) and runs in `status::guard`, so
//! that no panic unwinds into C. `unsafe` is confined to what C hands over: each block says which
//! promise of the header it relies on.
#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the contract of every function is its comment in the header"
)]

#[cfg(panic = "abort")]
compile_error!(
    "build crossgate-ffi with panic = \"unwind\": a panic must not take the server's process down"
);

// In this order they stand in the header; the blank lines keep it.

pub mod version;

pub mod status;
mod sync;

pub mod text;

pub mod policy;

pub mod error;

pub mod builder;

pub mod request;

pub mod decision;

pub mod evaluate;

pub mod http1;

pub mod block;

pub mod description;

pub mod websocket;

pub mod apply;

pub mod merge;

pub mod shared;

pub mod shadow;

pub mod counters;

mod growable;
mod header_sets;
#[cfg(no_backtrace)]
mod no_backtrace;
mod slot;
