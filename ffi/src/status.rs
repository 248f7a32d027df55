//! Status codes, and the guard that every exported function runs in.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a call came to: CROSSGATE_OK or the reason why nothing was done. Treat numbers that you do
/// not know as failures; none is ever reused.
pub type crossgate_status = i32;

/// Done.
pub const CROSSGATE_OK: crossgate_status = 0;
/// NULL where an object, an output or text with a length belongs.
pub const CROSSGATE_ERR_NULL_ARGUMENT: crossgate_status = 1;
/// A struct_size that no version has: it was not set. Or a request with a member that is newer than
/// this library and not zero.
pub const CROSSGATE_ERR_STRUCT_SIZE: crossgate_status = 2;
/// A value that means nothing: an unknown verdict or flag, an index or a count out of range.
pub const CROSSGATE_ERR_INVALID_ARGUMENT: crossgate_status = 3;
/// Text that is not UTF-8 where configuration belongs.
pub const CROSSGATE_ERR_NOT_UTF8: crossgate_status = 4;
/// The policy has errors; the crossgate_error names every one.
pub const CROSSGATE_ERR_INVALID_POLICY: crossgate_status = 5;
/// The policy file cannot be read; the crossgate_error says why.
pub const CROSSGATE_ERR_FILE: crossgate_status = 6;
/// A verdict for a policy without origin_predicate, or for a decision that needs none: the wrong
/// policy is asked, or the option was forgotten.
pub const CROSSGATE_ERR_VERDICT_NOT_ASKED: crossgate_status = 7;
/// The buffer is too small: see its length argument, or crossgate_policy_scratch_size().
pub const CROSSGATE_ERR_BUFFER_TOO_SMALL: crossgate_status = 8;
/// This library was built without what the call needs.
pub const CROSSGATE_ERR_FEATURE_MISSING: crossgate_status = 9;
/// A bug in the library. Nothing was written; objects stay usable.
pub const CROSSGATE_ERR_PANIC: crossgate_status = 10;
/// A function of the application's that crossgate_decision_apply() called failed; everything else
/// was done.
pub const CROSSGATE_ERR_CALLBACK: crossgate_status = 11;

pub(crate) type Outcome<T = ()> = Result<T, crossgate_status>;

/// Runs the body of an exported function; a panic becomes `CROSSGATE_ERR_PANIC`. Every object is
/// immutable or the caller's plain memory, so nothing can be left half-changed behind an unwind.
#[inline]
pub(crate) fn guard(body: impl FnOnce() -> Outcome) -> crossgate_status {
    // A status before it comes out of the guard: a `Result` would be taken apart there.
    let body = || match body() {
        Ok(()) => CROSSGATE_OK,
        Err(status) => status,
    };
    guard_or(CROSSGATE_ERR_PANIC, body)
}

/// The same for functions without a status; a panic becomes `fallback`.
#[inline]
pub(crate) fn guard_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    guard_or_else(body, || fallback)
}

/// The same where the fallback has to be made.
#[inline]
pub(crate) fn guard_or_else<T>(body: impl FnOnce() -> T, fallback: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        discard(panic);
        fallback()
    })
}

/// Dropping a panic's payload may panic again; a few bytes lost are the better end.
#[cold]
fn discard(panic: Box<dyn std::any::Any + Send>) {
    std::mem::forget(panic);
}

/// A status in words, for logs. Static; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn crossgate_status_string(status: crossgate_status) -> *const c_char {
    guard_or(c"panic".as_ptr(), || {
        let text: &CStr = match status {
            CROSSGATE_OK => c"ok",
            CROSSGATE_ERR_NULL_ARGUMENT => c"null argument",
            CROSSGATE_ERR_STRUCT_SIZE => {
                c"wrong struct_size, or a member that the library does not know"
            }
            CROSSGATE_ERR_INVALID_ARGUMENT => c"invalid argument",
            CROSSGATE_ERR_NOT_UTF8 => c"text is not UTF-8",
            CROSSGATE_ERR_INVALID_POLICY => c"invalid policy",
            CROSSGATE_ERR_FILE => c"policy file cannot be read",
            CROSSGATE_ERR_VERDICT_NOT_ASKED => c"verdict for a policy without origin_predicate",
            CROSSGATE_ERR_BUFFER_TOO_SMALL => c"buffer too small",
            CROSSGATE_ERR_FEATURE_MISSING => c"feature not compiled in",
            CROSSGATE_ERR_PANIC => c"internal error",
            CROSSGATE_ERR_CALLBACK => c"a function of the application failed",
            _ => c"unknown status",
        };
        text.as_ptr()
    })
}
