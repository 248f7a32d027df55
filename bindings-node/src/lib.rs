//! crossgate for Node, as a Node-API module. It converts values and calls the engine; it holds no
//! CORS rule.
//!
//! `handle.rs` makes policies and looks into them (`#[napi]`, for calls that may take a
//! microsecond). `evaluate.rs` is the way of every request, a raw function per policy:
//! `arguments.rs` reads what it is given, `encode.rs` writes what it returns, and `tables.rs` says
//! what that means. `value.rs` converts options and problems. The JavaScript in `../lib` is the
//! public API; nothing else calls this module.
//!
//! No panic reaches Node: `#[napi(catch_unwind)]` on every function, `catch_unwind` in the raw one.
//! The feature `test-hooks` adds a way to panic in both, and a count of allocated bytes, for
//! `test/hooks.cjs`.
// `#[napi]` registers nothing in a test build, which only linters make.
#![cfg_attr(test, allow(dead_code))]

#[cfg(panic = "abort")]
compile_error!(
    "build crossgate-node with panic = \"unwind\": a panic must become an exception, not the end \
        of the server"
);

mod arguments;
mod encode;
mod evaluate;
mod handle;
#[cfg(feature = "test-hooks")]
mod hooks;
mod tables;
mod value;
