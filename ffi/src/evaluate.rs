//! From request to decision across the border. Nothing here allocates, and nothing in the core that
//! it calls.

use std::ffi::c_char;
use std::mem::ManuallyDrop;

use crossgate::{
    Decision, Field, Kind, Policy, Request, Source, Verdict, VerdictError, WebSocketCheck,
};

use crate::decision::{
    CROSSGATE_DECISION_KEEP_UPSTREAM, CROSSGATE_DECISION_TEXT_SIZE, action_number, check_size,
    crossgate_decision, crossgate_header, kind_number, reason_number,
};
use crate::policy::{borrow, crossgate_policy};
use crate::request::{Given, crossgate_lines, crossgate_request, empty, usual, verdict};
use crate::status::{
    CROSSGATE_BUFFER_TOO_SMALL, CROSSGATE_INVALID_ARGUMENT, CROSSGATE_NULL_ARGUMENT,
    CROSSGATE_VERDICT_NOT_ASKED, Outcome, crossgate_status, guard,
};
use crate::text::{copy as copy_text, crossgate_str};

/// The handshake does not pass: answer 403 before the upgrade.
pub const CROSSGATE_WEBSOCKET_DENY: i32 = 0;
/// Go on.
pub const CROSSGATE_WEBSOCKET_ALLOW: i32 = 1;
/// No Origin: not a browser. The host decides.
pub const CROSSGATE_WEBSOCKET_ABSENT: i32 = 2;

/// Decides about a request. Allocates nothing. Every request that was made ready gets a decision,
/// however malformed it is; only a mistake of the host's gives another status, and then the
/// decision is as it was before. scratch is used for preflights of policies whose
/// crossgate_policy_scratch_size() is not 0 and needs that many bytes then
/// (CROSSGATE_BUFFER_TOO_SMALL otherwise); NULL and 0 will do for all else. It must not overlap the
/// request or the decision. Under allow_methods = "*" with credentials, where the method is echoed,
/// one of more than about 180 bytes is not allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_evaluate(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    decision: *mut crossgate_decision,
    scratch: *mut c_char,
    scratch_size: usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: each is NULL or the caller's as the header asks for it, and nobody changes it
        // during the call: so `borrow`, `check_size` and `usual` may look at them, and `write` at a
        // decision whose size was checked. It gets no scratch buffer and needs none: what comes at
        // once echoes no list.
        unsafe {
            if let (Ok(asked), Ok(()), Some(usual)) =
                (borrow(policy), check_size(decision), usual(request))
                && let Some(decided) = asked.policy.evaluate_at_once(&usual)
                && (scratch_size == 0 || !scratch.is_null())
                && write(
                    asked,
                    &decided,
                    Scratch {
                        data: std::ptr::null_mut(),
                        size: 0,
                    },
                    decision,
                )
            {
                return Ok(());
            }
            evaluate_any(policy, request, decision, scratch, scratch_size)
        }
    })
}

/// A preflight, whatever is unusual, and what is wrong.
///
/// # Safety
/// As for [`crossgate_evaluate`].
#[inline(never)]
unsafe fn evaluate_any(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    decision: *mut crossgate_decision,
    scratch: *mut c_char,
    scratch_size: usize,
) -> Outcome {
    // SAFETY: NULL or a policy of this library that is not freed during the call.
    let policy = unsafe { borrow(policy) }?;
    // SAFETY: NULL or the caller's decision.
    unsafe { check_size(decision) }?;
    // SAFETY: NULL or the caller's request, unchanged during the call.
    let given = unsafe { Given::read(request) }?;
    let mut request = empty();
    given.fill(&mut request)?;
    if scratch.is_null() && scratch_size > 0 {
        return Err(CROSSGATE_NULL_ARGUMENT);
    }
    let needed = policy.scratch_size();
    if scratch_size < needed && request.kind() == Kind::Preflight {
        return Err(CROSSGATE_BUFFER_TOO_SMALL);
    }
    // One byte stays free for the NUL.
    let scratch = Scratch {
        data: scratch.cast(),
        size: scratch_size.min(needed).saturating_sub(1),
    };
    // SAFETY: the decision is the caller's, of the right size, and nobody else uses it during the
    // call.
    let written = unsafe { evaluate(policy, &request, given.verdict, scratch, decision) }?;
    if !written {
        // SAFETY: as above.
        unsafe { without_method(policy, request, given.verdict, scratch, decision) }?;
    }
    Ok(())
}

/// The caller's buffer for an echoed list; `data[size]` is writable too.
#[derive(Clone, Copy)]
struct Scratch {
    data: *mut u8,
    size: usize,
}

/// False if a text of the request does not fit.
///
/// # Safety
/// `scratch` is writable, `out` as well; neither overlaps anything else in use.
#[inline(always)]
unsafe fn evaluate(
    policy: &crossgate_policy,
    request: &Request<'_>,
    verdict: Option<Verdict>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> Outcome<bool> {
    let room: &mut [u8] = if scratch.size == 0 {
        &mut []
    } else {
        // SAFETY: this function's own contract. The memory comes from foreign code, so Rust has to
        // take its bytes as they are; none is read before it is written.
        unsafe { std::slice::from_raw_parts_mut(scratch.data, scratch.size) }
    };
    // By reference: a decision that is moved out of its result is copied, which costs more than
    // making it.
    let result = policy.policy.evaluate_into(request, verdict, room);
    let Ok(decision) = &result else {
        return Err(CROSSGATE_VERDICT_NOT_ASKED);
    };
    // SAFETY: this function's own contract.
    Ok(unsafe { write(policy, decision, scratch, out) })
}

/// The method that should be echoed has no room: as if it were none.
///
/// # Safety
/// As for `evaluate`.
#[cold]
unsafe fn without_method(
    policy: &crossgate_policy,
    mut request: ManuallyDrop<Request<'_>>,
    verdict: Option<Verdict>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> Outcome<bool> {
    request.acrm = Field::one(b"");
    // SAFETY: this function's own contract.
    unsafe { evaluate(policy, &request, verdict, scratch, out) }
}

/// Fills the caller's decision; false if a text of the request does not fit into it.
///
/// # Safety
/// As for `evaluate`; the decision is one of the policy's.
#[inline(always)]
unsafe fn write(
    policy: &crossgate_policy,
    decision: &Decision<'_>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> bool {
    let Some(prepared) = policy.prepared.get(decision.prepared()) else {
        return false;
    };
    // SAFETY: `out` is a writable decision. The arrays are addressed without a reference: they may
    // be uninitialised.
    let (headers, remove, text) = unsafe {
        (
            (&raw mut (*out).headers).cast::<crossgate_header>(),
            (&raw mut (*out).remove).cast::<crossgate_str>(),
            (&raw mut (*out).text).cast::<u8>(),
        )
    };
    let mut used = 0;
    // SAFETY: each is of the same size as its copy and does not overlap it; what is behind the
    // counts is room that nobody reads. In blocks of fixed size, which takes no call.
    unsafe {
        headers
            .cast::<[crossgate_header; 4]>()
            .write(prepared.headers[0]);
        if prepared.header_count > 4 {
            headers
                .add(4)
                .cast::<[crossgate_header; 4]>()
                .write(prepared.headers[1]);
        }
        remove
            .cast::<[crossgate_str; 4]>()
            .write(prepared.remove[0]);
        if prepared.remove_count > 4 {
            remove
                .add(4)
                .cast::<[crossgate_str; 4]>()
                .write(prepared.remove[1]);
        }
    }
    for (index, kind) in prepared.of_request.iter().map_while(Option::as_ref) {
        let Some((value, source)) = decision.value_of(*kind) else {
            continue;
        };
        let value = match source {
            Source::Policy => crossgate_str::of(value),
            Source::Request => {
                let length = value.len();
                if length >= CROSSGATE_DECISION_TEXT_SIZE - used {
                    return false;
                }
                // SAFETY: `used + length + 1` is within the text, which is no part of the request.
                let copy = unsafe {
                    let copy = text.add(used);
                    copy_text(value.as_bytes(), copy);
                    copy.add(length).write(0);
                    copy
                };
                used += length + 1;
                crossgate_str {
                    data: copy.cast(),
                    len: length,
                }
            }
            Source::Scratch if scratch.data.is_null() => return false,
            Source::Scratch => {
                // SAFETY: the list in the scratch buffer is shorter than that (see `Scratch`).
                unsafe { scratch.data.add(value.len()).write(0) };
                crossgate_str {
                    data: scratch.data.cast(),
                    len: value.len(),
                }
            }
        };
        // SAFETY: an index of the array, by `Prepared::all`.
        unsafe { (*headers.add(*index)).value = value };
    }
    // SAFETY: `out` is a writable decision.
    unsafe {
        write_outcome(decision, out);
        (*out).header_count = prepared.header_count;
        (*out).remove_count = prepared.remove_count;
    }
    true
}

/// What a decision says beside headers.
///
/// # Safety
/// `out` is a writable decision.
#[inline]
unsafe fn write_outcome(decision: &Decision<'_>, out: *mut crossgate_decision) {
    // SAFETY: this function's own contract.
    unsafe {
        (*out).flags = if decision.keeps_upstream() {
            CROSSGATE_DECISION_KEEP_UPSTREAM
        } else {
            0
        };
        (*out).kind = kind_number(decision.kind());
        (*out).reason = reason_number(decision.reason());
        (*out).action = action_number(decision.action());
        (*out).allowed = decision.allowed().map_or(-1, i32::from);
        (*out).status = decision.status().map_or(0, i32::from);
    }
}

/// For hosts that write HTTP/1.1 themselves: crossgate_evaluate() and
/// crossgate_decision_write_http1() in one, and cheaper than both. The decision gets no headers
/// (header_count and remove_count are 0), the buffer gets them all; neither scratch nor the bound
/// on the method is needed. If the buffer is too small, the decision is as it was before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_evaluate_http1(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    decision: *mut crossgate_decision,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: each is NULL or the caller's as the header asks for it, and nobody changes it
        // during the call: so `borrow`, `check_size` and `usual` may look at them, and `room` and
        // `finish` write what was found to be there.
        unsafe {
            if let (Ok(asked), Ok(()), Some(usual)) =
                (borrow(policy), check_size(decision), usual(request))
                && !buffer.is_null()
                && !length.is_null()
                && let Some(decided) = asked.policy.evaluate_at_once(&usual)
            {
                let out = Http1 {
                    buffer: buffer.cast(),
                    size: buffer_size,
                    length,
                    decision,
                };
                if let Some(used) = decided.write_http1_at_once(out.room()) {
                    out.finish(&decided, used);
                    return Ok(());
                }
            }
            evaluate_http1_any(policy, request, decision, buffer, buffer_size, length)
        }
    })
}

/// A preflight, whatever is unusual, and what is wrong.
///
/// # Safety
/// As for [`crossgate_evaluate_http1`].
#[inline(never)]
unsafe fn evaluate_http1_any(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    decision: *mut crossgate_decision,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> Outcome {
    // SAFETY: NULL or a policy of this library that is not freed during the call.
    let policy = unsafe { &borrow(policy)?.policy };
    // SAFETY: NULL or the caller's decision.
    unsafe { check_size(decision) }?;
    if length.is_null() || (buffer.is_null() && size > 0) {
        return Err(CROSSGATE_NULL_ARGUMENT);
    }
    // SAFETY: NULL or the caller's request, unchanged during the call.
    let given = unsafe { Given::read(request) }?;
    let mut request = empty();
    given.fill(&mut request)?;
    let out = Http1 {
        buffer: buffer.cast(),
        size,
        length,
        decision,
    };
    let finish = |result: &Result<Decision<'_>, VerdictError>| {
        let Ok(decided) = result else {
            return Err(CROSSGATE_VERDICT_NOT_ASKED);
        };
        // SAFETY: the outputs are the caller's, of the right sizes, and nobody else uses them
        // during the call.
        unsafe { out.write(decided) }
    };
    if policy.scratch_size() > 0 && request.kind() == Kind::Preflight {
        with_scratch(policy, &request, given.verdict, finish)
    } else {
        finish(&policy.evaluate_into(&request, given.verdict, &mut []))
    }
}

/// Where crossgate_evaluate_http1() puts what it has.
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
    unsafe fn write(&self, decision: &Decision<'_>) -> Outcome {
        // SAFETY: this function's own contract; what was written is within the buffer.
        unsafe {
            match decision.write_http1(self.room()) {
                Ok(used) if used < self.size => self.finish(decision, used),
                Ok(needed) | Err(needed) => {
                    self.length.write(needed);
                    return Err(CROSSGATE_BUFFER_TOO_SMALL);
                }
            }
        }
        Ok(())
    }

    /// # Safety
    /// As for [`Http1::room`]; `used` is below the size of the buffer.
    #[inline(always)]
    unsafe fn finish(&self, decision: &Decision<'_>, used: usize) {
        // SAFETY: this function's own contract.
        unsafe {
            self.length.write(used);
            self.buffer.add(used).write(0);
            write_outcome(decision, self.decision);
            (*self.decision).header_count = 0;
            (*self.decision).remove_count = 0;
        }
    }
}

/// Enough for any echoed list; a policy that needs more gives no list, as `Policy::evaluate_into`
/// says, and a test notices.
pub(crate) const ECHO_SIZE: usize = 5000;

/// Apart, so that others do not pay for the stack.
#[inline(never)]
fn with_scratch(
    policy: &Policy,
    request: &Request<'_>,
    verdict: Option<Verdict>,
    finish: impl FnOnce(&Result<Decision<'_>, VerdictError>) -> Outcome,
) -> Outcome {
    let mut scratch = [0; ECHO_SIZE];
    finish(&policy.evaluate_into(request, verdict, &mut scratch))
}

/// Whether the host has a say: *origin is the origin to look up, for policies with host_origins and
/// a well-formed origin that nothing in the policy matches; otherwise absent (data NULL). Put what
/// the host finds into request.verdict. The text is the request's, without a NUL. Allocates
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_asks_host(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    origin: *mut crossgate_str,
) -> crossgate_status {
    guard(|| {
        if origin.is_null() {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe { origin.write(crossgate_str::ABSENT) };
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        let mut request = empty();
        given.fill(&mut request)?;
        if let Some(asked) = policy.policy.asks_host(&request) {
            // SAFETY: not NULL, so the caller's to write.
            unsafe { origin.write(crossgate_str::of(asked)) };
        }
        Ok(())
    })
}

/// Checks the origin of a WebSocket handshake, which carries cookies and is not subject to CORS:
/// *result is CROSSGATE_WEBSOCKET_... . origin_lines are all Origin lines of the handshake. "*",
/// null and what credentials would not be given never allow, unless is_public is 1: the socket
/// serves everybody alike. verdict is as in a request. *result is CROSSGATE_WEBSOCKET_DENY on
/// failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_check_websocket(
    policy: *const crossgate_policy,
    origin_lines: *const crossgate_str,
    origin_count: usize,
    is_public: i32,
    host_verdict: i32,
    result: *mut i32,
) -> crossgate_status {
    guard(|| {
        if result.is_null() {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write. A host that forgets the status must not let
        // anybody in.
        unsafe { result.write(CROSSGATE_WEBSOCKET_DENY) };
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        let is_public = match is_public {
            0 => false,
            1 => true,
            _ => return Err(CROSSGATE_INVALID_ARGUMENT),
        };
        let mut origin = Field::ABSENT;
        // SAFETY: the caller's lines, readable for the call.
        unsafe {
            crossgate_lines {
                data: origin_lines,
                count: origin_count,
            }
            .push_to(&mut origin)
        }?;
        let check = policy
            .policy
            .check_websocket_with(origin, is_public, verdict(host_verdict)?)
            .map_err(|_| CROSSGATE_VERDICT_NOT_ASKED)?;
        let number = match check {
            WebSocketCheck::Allow => CROSSGATE_WEBSOCKET_ALLOW,
            WebSocketCheck::Deny => CROSSGATE_WEBSOCKET_DENY,
            WebSocketCheck::Absent => CROSSGATE_WEBSOCKET_ABSENT,
        };
        // SAFETY: not NULL, so the caller's to write.
        unsafe { result.write(number) };
        Ok(())
    })
}
