//! Decisions counted by reason.

use std::ffi::c_char;

use crossgate::{Counters, Reason};

use crate::decision::{CROSSGATE_DECISION_REGEX_STEP_LIMIT, check_size, crossgate_decision};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, Outcome, crossgate_status, guard,
    guard_or,
};
use crate::text::Buffer;

/// Counts of decisions by reason. Safe to use from any number of threads at once, without locks:
/// all functions but crossgate_counters_free() take it const. The caller's own. A server with
/// several processes has one in each.
pub struct crossgate_counters {
    counters: Counters,
}

/// # Safety
/// NULL, or counters of this library that are not freed while `'a` lasts.
unsafe fn borrow<'a>(counters: *const crossgate_counters) -> Outcome<&'a Counters> {
    // SAFETY: this function's own contract.
    unsafe { counters.as_ref() }
        .map(|counters| &counters.counters)
        .ok_or(CROSSGATE_ERR_NULL_ARGUMENT)
}

fn reason(number: i32) -> Outcome<Reason> {
    usize::try_from(number)
        .ok()
        .and_then(|number| Reason::ALL.get(number))
        .copied()
        .ok_or(CROSSGATE_ERR_INVALID_ARGUMENT)
}

/// Makes counters, all 0. On success *counters is the caller's, until crossgate_counters_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_new(
    counters: *mut *mut crossgate_counters,
) -> crossgate_status {
    guard(|| {
        if counters.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe {
            counters.write(Box::into_raw(Box::new(crossgate_counters {
                counters: Counters::new(),
            })))
        };
        Ok(())
    })
}

/// Counts a decision that crossgate_evaluate() or crossgate_evaluate_http1() filled. Allocates
/// nothing, never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_record(
    counters: *const crossgate_counters,
    decision: *const crossgate_decision,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or counters of this library that are not freed during the call.
        let counters = unsafe { borrow(counters) }?;
        // SAFETY: NULL or the caller's decision.
        unsafe { check_size(decision) }?;
        // SAFETY: of the right size, so the members outside the arrays are initialised.
        let (number, flags) = unsafe { ((*decision).reason, (*decision).flags) };
        counters.add(reason(number)?);
        if flags & CROSSGATE_DECISION_REGEX_STEP_LIMIT != 0 {
            counters.add_regex_step_limit();
        }
        Ok(())
    })
}

/// *count is how many decisions with a CROSSGATE_REASON_... were recorded. A number that is no
/// reason is CROSSGATE_ERR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_get(
    counters: *const crossgate_counters,
    reason_id: i32,
    count: *mut u64,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or counters of this library that are not freed during the call.
        let counters = unsafe { borrow(counters) }?;
        if count.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        let found = counters.get(reason(reason_id)?);
        // SAFETY: not NULL, so the caller's to write.
        unsafe { count.write(found) };
        Ok(())
    })
}

/// Counts a response whose own CORS headers were replaced or removed: call it where
/// crossgate_decision_apply() set *overwrote to 1. Allocates nothing, never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_add_overwrote_upstream(
    counters: *const crossgate_counters,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or counters of this library that are not freed during the call.
        unsafe { borrow(counters) }?.add_overwrote_upstream();
        Ok(())
    })
}

/// *count is how many responses had CORS headers of their own that were replaced or removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_overwrote_upstream(
    counters: *const crossgate_counters,
    count: *mut u64,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or counters of this library that are not freed during the call.
        let counters = unsafe { borrow(counters) }?;
        if count.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe { count.write(counters.overwrote_upstream()) };
        Ok(())
    })
}

/// *count is for how many decisions a regex with look-around or back references ran out of steps
/// (CROSSGATE_DECISION_REGEX_STEP_LIMIT).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_regex_step_limit(
    counters: *const crossgate_counters,
    count: *mut u64,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or counters of this library that are not freed during the call.
        let counters = unsafe { borrow(counters) }?;
        if count.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe { count.write(counters.regex_step_limit()) };
        Ok(())
    })
}

/// Writes all counts as Prometheus text, crossgate_decisions_total{reason="allowed"} and so on;
/// every reason, also those that are 0. The buffer is filled as with snprintf; numbers may grow
/// between two calls, so leave some room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_to_prometheus(
    counters: *const crossgate_counters,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's outputs.
        let mut buffer = unsafe { Buffer::new(buffer, buffer_size, length) }?;
        // SAFETY: NULL or counters of this library that are not freed during the call.
        let counters = unsafe { borrow(counters) }?;
        buffer.put(counters.to_prometheus().as_bytes());
        buffer.finish()
    })
}

/// Frees counters; no other thread may be using them. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_counters_free(counters: *mut crossgate_counters) {
    guard_or((), || {
        if !counters.is_null() {
            // SAFETY: it came from `Box::into_raw` in `crossgate_counters_new`, and the caller
            // gives it up.
            drop(unsafe { Box::from_raw(counters) });
        }
    });
}
