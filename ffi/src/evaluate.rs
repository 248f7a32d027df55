//! From request to decision across the border. Nothing here allocates, and nothing in the core that it calls.

use std::ffi::c_char;

use crossgate::{Decision, Field, HeaderName, Kind, Policy, Request, Source, Verdict, VerdictError, WebSocketCheck};

use crate::decision::{
    CROSSGATE_DECISION_KEEP_UPSTREAM, CROSSGATE_DECISION_TEXT_SIZE, HEADER_NAMES, action_number, check_size, crossgate_decision, crossgate_header,
    header_number, kind_number, op_number, reason_number,
};
use crate::policy::{borrow, crossgate_policy};
use crate::request::{Given, crossgate_lines, crossgate_request, verdict};
use crate::status::{
    CROSSGATE_BUFFER_TOO_SMALL, CROSSGATE_INVALID_ARGUMENT, CROSSGATE_NULL_ARGUMENT, CROSSGATE_VERDICT_NOT_ASKED, Outcome, crossgate_status, guard,
};
use crate::text::{copy as copy_text, crossgate_str};

/// The handshake does not pass: answer 403 before the upgrade.
pub const CROSSGATE_WEBSOCKET_DENY: i32 = 0;
/// Go on.
pub const CROSSGATE_WEBSOCKET_ALLOW: i32 = 1;
/// No Origin: not a browser. The host decides.
pub const CROSSGATE_WEBSOCKET_ABSENT: i32 = 2;

/// Decides about a request. Allocates nothing. Every request that was made ready gets a decision, however
/// malformed it is; only a mistake of the host's gives another status, and then the decision is as it was before.
/// scratch is used for preflights of policies whose crossgate_policy_scratch_size() is not 0 and needs that many bytes then
/// (CROSSGATE_BUFFER_TOO_SMALL otherwise); NULL and 0 will do for all else. It must not overlap the request or the
/// decision. Under allow_methods = "*" with credentials, where the method is echoed, one of more than about 180 bytes is not
/// allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_evaluate(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    decision: *mut crossgate_decision,
    scratch: *mut c_char,
    scratch_size: usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's decision.
        unsafe { check_size(decision) }?;
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        let mut request = Request::default();
        given.fill(&mut request)?;
        if scratch.is_null() && scratch_size > 0 {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        let needed = policy.scratch_size();
        if scratch_size < needed && request.kind() == Kind::Preflight {
            return Err(CROSSGATE_BUFFER_TOO_SMALL);
        }
        // One byte stays free for the NUL.
        let scratch = Scratch { data: scratch.cast(), size: scratch_size.min(needed).saturating_sub(1) };
        // SAFETY: the decision is the caller's, of the right size, and nobody else uses it during the call.
        let written = unsafe { evaluate(&policy.policy, &request, given.verdict, scratch, decision) }?;
        if !written {
            // The method that should be echoed has no room: as if it were none.
            request.acrm = Field::one(b"");
            // SAFETY: as above.
            unsafe { evaluate(&policy.policy, &request, given.verdict, scratch, decision) }?;
        }
        Ok(())
    })
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
#[inline]
unsafe fn evaluate(policy: &Policy, request: &Request<'_>, verdict: Option<Verdict>, scratch: Scratch, out: *mut crossgate_decision) -> Outcome<bool> {
    let room: &mut [u8] = if scratch.size == 0 {
        &mut []
    } else {
        // SAFETY: this function's own contract; C's memory may hold anything, and any byte is a valid u8.
        unsafe { std::slice::from_raw_parts_mut(scratch.data, scratch.size) }
    };
    // By reference: a decision that is moved out of its result is copied, which costs more than making it.
    let result = policy.evaluate_into(request, verdict, room);
    let Ok(decision) = &result else { return Err(CROSSGATE_VERDICT_NOT_ASKED) };
    // SAFETY: this function's own contract.
    Ok(unsafe { write(decision, scratch, out) })
}

/// The names of a header as C wants them, at its number.
struct Names {
    name: &'static str,
    lower: &'static str,
}

impl Names {
    const fn of(name: HeaderName) -> Self {
        Names { name: name.as_str(), lower: name.lower() }
    }
}

static NAMES: [Names; 8] = {
    let mut names = [const { Names::of(HeaderName::Vary) }; 8];
    let mut index = 0;
    while index < HEADER_NAMES.len() {
        names[header_number(HEADER_NAMES[index]) as usize] = Names::of(HEADER_NAMES[index]);
        index += 1;
    }
    names
};

/// Fills the caller's decision; false if a text of the request does not fit into it.
///
/// # Safety
/// As for `evaluate`.
#[inline]
unsafe fn write(decision: &Decision<'_>, scratch: Scratch, out: *mut crossgate_decision) -> bool {
    // SAFETY: `out` is a writable decision. The arrays are addressed without a reference: they may be uninitialised.
    let (headers, remove, text) = unsafe {
        ((&raw mut (*out).headers).cast::<crossgate_header>(), (&raw mut (*out).remove).cast::<crossgate_str>(), (&raw mut (*out).text).cast::<u8>())
    };
    let (mut used, mut count, mut names_length) = (0, 0, None);
    for header in decision.headers() {
        let id = header_number(header.name);
        let names = &NAMES[id as usize];
        let value = match header.source {
            Source::Policy => crossgate_str::of(header.value),
            Source::Request => {
                let length = header.value.len();
                if length >= CROSSGATE_DECISION_TEXT_SIZE - used {
                    return false;
                }
                // SAFETY: `used + length + 1` is within the text, which is no part of the request.
                let copy = unsafe {
                    let copy = text.add(used);
                    copy_text(header.value.as_bytes(), copy);
                    copy.add(length).write(0);
                    copy
                };
                used += length + 1;
                crossgate_str { data: copy.cast(), len: length }
            }
            Source::Scratch => {
                names_length = Some(header.value.len());
                crossgate_str { data: scratch.data.cast(), len: header.value.len() }
            }
        };
        // SAFETY: a decision has at most one header of each of the eight names.
        unsafe {
            headers.add(count).write(crossgate_header {
                name: crossgate_str::of(names.name),
                lower_name: crossgate_str::of(names.lower),
                value,
                op: op_number(header.op),
                id,
            });
        }
        count += 1;
    }
    let removed = decision.remove();
    for (index, name) in removed.iter().enumerate() {
        // SAFETY: at most seven names are removed.
        unsafe { remove.add(index).write(crossgate_str::of(NAMES[header_number(*name) as usize].lower)) };
    }
    // SAFETY: `out` is a writable decision, and the list in the scratch buffer is shorter than that (see `Scratch`).
    unsafe {
        write_outcome(decision, out);
        (*out).header_count = count as u32;
        (*out).remove_count = removed.len() as u32;
        if let Some(length) = names_length {
            scratch.data.add(length).write(0);
        }
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
        (*out).flags = if decision.keeps_upstream() { CROSSGATE_DECISION_KEEP_UPSTREAM } else { 0 };
        (*out).kind = kind_number(decision.kind());
        (*out).reason = reason_number(decision.reason());
        (*out).action = action_number(decision.action());
        (*out).allowed = decision.allowed().map_or(-1, i32::from);
        (*out).status = decision.status().map_or(0, i32::from);
    }
}

/// For hosts that write HTTP/1.1 themselves: crossgate_evaluate() and crossgate_decision_write_http1() in one, and cheaper
/// than both. The decision gets no headers (header_count and remove_count are 0), the buffer gets them all; neither scratch
/// nor the bound on the method is needed. If the buffer is too small, the decision is as it was before.
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
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's decision.
        unsafe { check_size(decision) }?;
        if length.is_null() || (buffer.is_null() && buffer_size > 0) {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        let mut request = Request::default();
        given.fill(&mut request)?;
        let room: &mut [u8] = if buffer_size < 2 {
            &mut []
        } else {
            // SAFETY: the caller's buffer, which overlaps nothing else; one byte stays free for the NUL. It may hold
            // anything, and any byte is a valid u8.
            unsafe { std::slice::from_raw_parts_mut(buffer.cast(), (buffer_size - 1).min(isize::MAX as usize)) }
        };
        let mut finish = |result: &Result<Decision<'_>, VerdictError>| {
            let Ok(decided) = result else { return Err(CROSSGATE_VERDICT_NOT_ASKED) };
            let (used, outcome) = match decided.write_http1(room) {
                Ok(used) if used < buffer_size => (used, Ok(())),
                Ok(needed) | Err(needed) => (needed, Err(CROSSGATE_BUFFER_TOO_SMALL)),
            };
            // SAFETY: not NULL, so the caller's to write; `used` is within the buffer, and the decision is of its size.
            unsafe {
                length.write(used);
                outcome?;
                buffer.add(used).write(0);
                write_outcome(decided, decision);
                (*decision).header_count = 0;
                (*decision).remove_count = 0;
            }
            Ok(())
        };
        if policy.policy.scratch_size() > 0 && request.kind() == Kind::Preflight {
            with_scratch(&policy.policy, &request, given.verdict, finish)
        } else {
            finish(&policy.policy.evaluate_into(&request, given.verdict, &mut []))
        }
    })
}

/// Enough for any echoed list; a policy that needs more gives no list, as `Policy::evaluate_into` says, and a test notices.
const ECHO_SIZE: usize = 5000;

/// Apart, so that others do not pay for the stack.
#[inline(never)]
fn with_scratch(
    policy: &Policy,
    request: &Request<'_>,
    verdict: Option<Verdict>,
    mut finish: impl FnMut(&Result<Decision<'_>, VerdictError>) -> Outcome,
) -> Outcome {
    let mut scratch = [0; ECHO_SIZE];
    finish(&policy.evaluate_into(request, verdict, &mut scratch))
}

/// Whether the host has a say: *origin is the origin to look up, for policies with host_origins and a well-formed origin
/// that nothing in the policy matches; otherwise absent (data NULL). Put what the host finds into request.verdict. The
/// text is the request's, without a NUL. Allocates nothing.
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
        let mut request = Request::default();
        given.fill(&mut request)?;
        if let Some(asked) = policy.policy.asks_host(&request) {
            // SAFETY: not NULL, so the caller's to write.
            unsafe { origin.write(crossgate_str::of(asked)) };
        }
        Ok(())
    })
}

/// Checks the origin of a WebSocket handshake, which carries cookies and is not subject to CORS: *result is
/// CROSSGATE_WEBSOCKET_... . origin_lines are all Origin lines of the handshake. "*", null and what credentials would not
/// be given never allow, unless is_public is 1: the socket serves everybody alike. verdict is as in a request. *result is
/// CROSSGATE_WEBSOCKET_DENY on failure.
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
        // SAFETY: not NULL, so the caller's to write. A host that forgets the status must not let anybody in.
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
        unsafe { crossgate_lines { data: origin_lines, count: origin_count }.push_to(&mut origin) }?;
        let check = policy.policy.check_websocket_with(origin, is_public, verdict(host_verdict)?).map_err(|_| CROSSGATE_VERDICT_NOT_ASKED)?;
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
