//! A decision in words, for logs.

use std::ffi::c_char;

use crossgate::{Action, Reason, RequestKind, binding};

use crate::decision::{CROSSGATE_DECISION_REGEX_STEP_LIMIT, check_size, crossgate_decision};
use crate::policy::{borrow, crossgate_policy};
use crate::request::{Given, crossgate_request};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, Outcome, crossgate_status, guard,
};
use crate::text::Buffer;

/// A buffer of this size holds what crossgate_decision_describe() and
/// crossgate_decision_denied_name() write, with its NUL, whatever the request.
pub const CROSSGATE_DESCRIPTION_SIZE: usize = 2304;

/// Writes the method or header name that a preflight was refused for: "baggage". Empty if
/// something else decided. The decision is one that the policy made about this request; the cost is
/// that of a log line, so ask only about denials that somebody will read. Of the name at most 256
/// bytes are shown, and every byte that no such name has is written as \x0a: a log line that ends
/// in it or has a space behind it cannot be forged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_denied_name(
    decision: *const crossgate_decision,
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's outputs.
        let mut buffer = unsafe { Buffer::new(buffer, buffer_size, length) }?;
        // SAFETY: NULL or the caller's decision.
        let reason = reason(unsafe { said(decision) }?.1)?;
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        if let Some(name) = policy.policy.denied_name(&given.request(), reason) {
            buffer.put(name.as_bytes());
        }
        buffer.finish()
    })
}

/// Writes a decision as one line for a log: "kind=preflight reason=header_not_allowed
/// action=answer denied_name=baggage origin=https://a.example". denied_name and origin are there if
/// the decision and the request have them, and are escaped; " regex_step_limit=true" follows if the
/// decision has CROSSGATE_DECISION_REGEX_STEP_LIMIT. Otherwise as
/// crossgate_decision_denied_name().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_describe(
    decision: *const crossgate_decision,
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's outputs.
        let mut buffer = unsafe { Buffer::new(buffer, buffer_size, length) }?;
        // SAFETY: NULL or the caller's decision.
        let (kind, reason_number, action, flags) = unsafe { said(decision) }?;
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        let line = binding::describe(
            &policy.policy,
            &given.request(),
            of(RequestKind::ALL, kind)?,
            reason(reason_number)?,
            of(Action::ALL, action)?,
        );
        buffer.put(line.as_bytes());
        if flags & CROSSGATE_DECISION_REGEX_STEP_LIMIT != 0 {
            buffer.put(binding::REGEX_STEP_LIMIT.as_bytes());
        }
        buffer.finish()
    })
}

/// The numbers of kind, reason and action, and the flags.
///
/// # Safety
/// `decision` is NULL or a decision that was made ready.
unsafe fn said(decision: *const crossgate_decision) -> Outcome<(i32, i32, i32, u32)> {
    if decision.is_null() {
        return Err(CROSSGATE_ERR_NULL_ARGUMENT);
    }
    // SAFETY: this function's own contract; of a right size, so the members are there.
    unsafe {
        check_size(decision)?;
        Ok((
            (*decision).kind,
            (*decision).reason,
            (*decision).action,
            (*decision).flags,
        ))
    }
}

fn reason(number: i32) -> Outcome<Reason> {
    of(Reason::ALL, number)
}

fn of<T: Copy>(all: &[T], number: i32) -> Outcome<T> {
    usize::try_from(number)
        .ok()
        .and_then(|index| all.get(index))
        .copied()
        .ok_or(CROSSGATE_ERR_INVALID_ARGUMENT)
}
