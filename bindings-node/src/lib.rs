//! crossgate for Node, as a Node-API module. It converts values and calls the engine; it holds no
//! CORS rule.
//!
//! Three files: `handle.rs` makes policies and looks into them (`#[napi]`, for calls that may take
//! a microsecond); `evaluate.rs` is the way of every request, a raw function per policy; `value.rs`
//! converts options and problems. The JavaScript in `../lib` puts the public API on top, and nobody
//! else calls this module.
//!
//! No panic reaches Node: `#[napi(catch_unwind)]` on every function, `catch_unwind` in the raw one.
//! The feature `panic-test` adds a way to panic in both, for `test/panic.cjs`.
// `#[napi]` registers nothing in a test build, which only linters make.
#![cfg_attr(test, allow(dead_code))]

#[cfg(panic = "abort")]
compile_error!(
    "build crossgate-node with panic = \"unwind\": a panic must become an exception, not the end \
        of the server"
);

mod evaluate;
mod handle;
mod value;
