//! Merging lists of names into those that a response already has.

use std::ffi::c_char;

use crossgate::merge_bytes;

use crate::decision::{CROSSGATE_HEADER_EXPOSE_HEADERS, CROSSGATE_HEADER_VARY, crossgate_header};
use crate::status::{
    CROSSGATE_INVALID_ARGUMENT, CROSSGATE_NULL_ARGUMENT, Outcome, crossgate_status, guard,
};
use crate::text::{Buffer, bytes};

/// Merges names into the Vary that a response has: each once whatever its case, the response's own
/// first; a "*" stays alone. Several existing lines are given joined with ", ". The buffer is
/// filled as with snprintf and must not overlap the inputs; twice the sum of both lengths and 1 is
/// always enough. Allocates nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_vary_merge(
    existing: *const c_char,
    existing_len: usize,
    added: *const c_char,
    added_len: usize,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's texts and outputs.
        unsafe {
            merge(
                bytes(existing, existing_len)?,
                bytes(added, added_len)?,
                true,
                Buffer::new(buffer, buffer_size, length)?,
            )
        }
    })
}

/// Merges a header of a decision whose op is CROSSGATE_OP_MERGE (Vary,
/// Access-Control-Expose-Headers) into what the response has under that name; otherwise as
/// crossgate_vary_merge(). In Access-Control-Expose-Headers a "*" is a name like any other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_header_merge(
    header: *const crossgate_header,
    existing: *const c_char,
    existing_len: usize,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a header that `crossgate_evaluate` wrote.
        let header = unsafe { header.as_ref() }.ok_or(CROSSGATE_NULL_ARGUMENT)?;
        let vary = match header.id {
            CROSSGATE_HEADER_VARY => true,
            CROSSGATE_HEADER_EXPOSE_HEADERS => false,
            _ => return Err(CROSSGATE_INVALID_ARGUMENT),
        };
        // SAFETY: the value that `crossgate_evaluate` wrote, the caller's text and outputs.
        unsafe {
            let added = header.value.bytes()?.unwrap_or_default();
            merge(
                bytes(existing, existing_len)?,
                added,
                vary,
                Buffer::new(buffer, buffer_size, length)?,
            )
        }
    })
}

fn merge(existing: &[u8], added: &[u8], vary: bool, mut buffer: Buffer) -> Outcome {
    merge_bytes(existing, added, vary, |piece| buffer.put(piece));
    buffer.finish()
}
