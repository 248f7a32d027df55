//! Merging lists of names into those that a response already has.

use std::ffi::c_char;

use crossgate::HeaderName;
use crossgate::binding::merge_bytes;

use crate::apply::merged_name;
use crate::decision::crossgate_header;
use crate::status::{CROSSGATE_ERR_NULL_ARGUMENT, Outcome, crossgate_status, guard};
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
            let buffer = Buffer::new(buffer, buffer_size, length)?;
            merge(
                HeaderName::Vary,
                bytes(existing, existing_len)?,
                bytes(added, added_len)?,
                buffer,
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
        // SAFETY: NULL or a header of a decision, the caller's text and outputs.
        unsafe {
            let buffer = Buffer::new(buffer, buffer_size, length)?;
            let header = header.as_ref().ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?;
            merge(
                merged_name(header.id)?,
                bytes(existing, existing_len)?,
                header.value.bytes()?.unwrap_or_default(),
                buffer,
            )
        }
    })
}

fn merge(name: HeaderName, existing: &[u8], added: &[u8], mut buffer: Buffer) -> Outcome {
    merge_bytes(name, existing, added, |piece| buffer.put(piece));
    buffer.finish()
}
