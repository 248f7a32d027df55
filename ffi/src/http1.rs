//! Request in, HTTP/1.1 header lines out, for servers that write responses themselves.

use std::ffi::c_char;
use std::mem::ManuallyDrop;

use crossgate::binding::Unlisted;
use crossgate::{BufferTooSmall, Decision, Evaluation, Request, RequestKind, Verdict};

use crate::decision::{check_size, crossgate_decision, is_current, set_origin, settled};
use crate::evaluate::{evaluate_listed, said_without_headers};
use crate::policy::{borrow, crossgate_policy};
use crate::request::{Given, crossgate_request, usual};
use crate::status::{
    CROSSGATE_ERR_BUFFER_TOO_SMALL, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_ERR_PANIC,
    CROSSGATE_ERR_VERDICT_NOT_ASKED, CROSSGATE_OK, Outcome, crossgate_status, guard_or_else,
};
use crate::text::{Buffer, crossgate_str};

/// crossgate_evaluate() and crossgate_decision_write_http1() in one, and cheaper than both. The
/// decision gets no headers (header_count and remove_count are 0), the buffer gets them all;
/// neither scratch nor the bound on the method is needed. It asks no question: without
/// request.verdict an origin that the application decides about is denied, so call
/// crossgate_needs_verdict() first where the policy has origin_predicate. The buffer is filled as
/// with snprintf.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_evaluate_http1(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    decision: *mut crossgate_decision,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    let body = || {
        // SAFETY: each is NULL or the caller's as the header asks for it, unchanged during the
        // call.
        unsafe {
            let out = Http1 {
                buffer: buffer.cast(),
                size: buffer_size,
                length,
                decision,
            };
            let (Some(asked), Some(usual)) = (policy.as_ref(), usual(request)) else {
                return evaluate_unusual(policy, request, out);
            };
            if !is_current(decision) || length.is_null() || buffer.is_null() {
                return evaluate_unusual(policy, request, out);
            }
            match asked.policy.evaluate_listed(&usual) {
                Ok(listed) => match listed.write_http1_at_once(out.room()) {
                    Some(used) => {
                        out.end(used);
                        said_without_headers(&listed).write(decision);
                        (*decision).origin = crossgate_str::ABSENT;
                        CROSSGATE_OK
                    }
                    None => write_listed(listed, out),
                },
                Err(unlisted) => out.settled(evaluate_rest(asked, usual, unlisted, None, out)),
            }
        }
    };
    let out = Http1 {
        buffer: buffer.cast(),
        size: buffer_size,
        length,
        decision,
    };
    // SAFETY: NULL or the caller's decision and outputs.
    unsafe { guard_or_else(body, || out.settled(Err(CROSSGATE_ERR_PANIC))) }
}

/// A decision that takes more than a few copies. It comes by value, so that the short way needs
/// none in memory.
///
/// # Safety
/// As for [`crossgate_evaluate_http1`].
#[inline(never)]
unsafe fn write_listed(listed: Decision<'_>, out: Http1) -> crossgate_status {
    // SAFETY: this function's own contract.
    unsafe { out.settled(out.write(&listed)) }
}

/// A request of another shape, and every mistake of the caller's.
///
/// # Safety
/// As for [`crossgate_evaluate_http1`].
#[inline(never)]
unsafe fn evaluate_unusual(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    out: Http1,
) -> crossgate_status {
    // SAFETY: this function's own contract.
    unsafe { out.settled(evaluate_given(policy, request, out)) }
}

/// # Safety
/// As for [`crossgate_evaluate_http1`].
unsafe fn evaluate_given(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    out: Http1,
) -> Outcome {
    // SAFETY: this function's own contract.
    let (policy, given) = unsafe {
        check_size(out.decision)?;
        if out.length.is_null() || (out.buffer.is_null() && out.size > 0) {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        (borrow(policy)?, Given::read(request)?)
    };
    if given.verdict.is_some() && !policy.policy.has_origin_predicate() {
        return Err(CROSSGATE_ERR_VERDICT_NOT_ASKED);
    }
    let request = given.request();
    // SAFETY: this function's own contract.
    unsafe {
        match &evaluate_listed(policy, &request) {
            Ok(listed) => out.write(listed),
            Err(unlisted) => evaluate_rest(policy, request, *unlisted, given.verdict, out),
        }
    }
}

/// What is left of an evaluation after the request's values were looked up.
///
/// # Safety
/// As for [`crossgate_evaluate_http1`].
#[inline(never)]
unsafe fn evaluate_rest(
    policy: &crossgate_policy,
    request: ManuallyDrop<Request<'_>>,
    unlisted: Unlisted<'_>,
    verdict: Option<Verdict>,
    out: Http1,
) -> Outcome {
    let finish = |scratch: &mut [u8]| {
        let evaluation = policy
            .policy
            .evaluate_unlisted(&request, unlisted, Some(scratch));
        let decided = match &evaluation {
            Evaluation::Decided(decided) => decided,
            Evaluation::NeedsVerdict(open) => {
                let [allowed, denied] = open.both();
                if verdict == Some(Verdict::Allow) {
                    allowed
                } else {
                    denied
                }
            }
        };
        // SAFETY: this function's own contract.
        unsafe { out.write(decided) }
    };
    if policy.scratch_size() > 0 && request.kind() == RequestKind::Preflight {
        with_scratch(finish)
    } else {
        finish(&mut [])
    }
}

/// Enough for any echoed list; a policy that needs more gives no list, as `Policy::evaluate_into`
/// says, and a test notices.
pub(crate) const ECHO_SIZE: usize = 5000;

/// Apart, so that others do not pay for the stack.
#[inline(never)]
pub(crate) fn with_scratch(finish: impl FnOnce(&mut [u8]) -> Outcome) -> Outcome {
    finish(&mut [0; ECHO_SIZE])
}

/// Where crossgate_evaluate_http1() puts what it has.
#[derive(Clone, Copy)]
struct Http1 {
    buffer: *mut u8,
    size: usize,
    length: *mut usize,
    decision: *mut crossgate_decision,
}

impl Http1 {
    /// The buffer but for one byte, which stays free for the NUL.
    ///
    /// # Safety
    /// The outputs are writable, the buffer overlaps nothing that the decision borrows, and is NULL
    /// only if its size is 0.
    #[inline(always)]
    unsafe fn room<'b>(&self) -> &'b mut [u8] {
        if self.size < 2 {
            &mut []
        } else {
            // SAFETY: this function's own contract. The memory comes from foreign code, so Rust has
            // to take its bytes as they are; none is read before it is written.
            unsafe {
                std::slice::from_raw_parts_mut(
                    self.buffer,
                    (self.size - 1).min(isize::MAX as usize),
                )
            }
        }
    }

    /// # Safety
    /// As for [`Http1::room`].
    #[inline(never)]
    unsafe fn write(&self, decision: &Decision<'_>) -> Outcome {
        // SAFETY: this function's own contract; what was written is within the buffer.
        unsafe {
            match decision.write_http1(self.room()) {
                Ok(used) if used < self.size => {
                    self.end(used);
                    said_without_headers(decision).write(self.decision);
                    set_origin(self.decision, crossgate_str::ABSENT);
                }
                Ok(needed) | Err(BufferTooSmall { needed, .. }) => {
                    self.length.write(needed);
                    if self.size > 0 {
                        self.buffer.write(0);
                    }
                    return Err(CROSSGATE_ERR_BUFFER_TOO_SMALL);
                }
            }
        }
        Ok(())
    }

    /// # Safety
    /// As for [`Http1::room`]; `used` is below the size of the buffer.
    #[inline(always)]
    unsafe fn end(&self, used: usize) {
        // SAFETY: this function's own contract.
        unsafe {
            self.length.write(used);
            self.buffer.add(used).write(0);
        }
    }

    /// The status. After a failure the decision says nothing, and the buffer is empty; its length
    /// is 0, or what is needed.
    ///
    /// # Safety
    /// The outputs are the caller's.
    unsafe fn settled(&self, outcome: Outcome) -> crossgate_status {
        // SAFETY: this function's own contract.
        unsafe {
            let status = settled(self.decision, outcome);
            if status != CROSSGATE_OK && status != CROSSGATE_ERR_BUFFER_TOO_SMALL {
                // For its effect: the buffer is empty.
                let _ = Buffer::new(self.buffer.cast(), self.size, self.length);
            }
            status
        }
    }
}
