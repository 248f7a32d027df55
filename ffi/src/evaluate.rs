//! From request to decision across the border. Nothing here allocates, and nothing in the core that
//! it calls. A request is translated once and looked up once.

use std::ffi::c_char;
use std::mem::ManuallyDrop;

use crossgate::binding::Unlisted;
use crossgate::{
    Decision, Evaluation, Field, NeedsVerdict, Request, RequestKind, ValueSource, Verdict,
};

use crate::decision::{
    CROSSGATE_DECISION_KEEP_PUBLIC, CROSSGATE_DECISION_KEEP_UPSTREAM,
    CROSSGATE_DECISION_NEEDS_VERDICT, CROSSGATE_DECISION_ORIGIN_LISTED,
    CROSSGATE_DECISION_REGEX_STEP_LIMIT, CROSSGATE_HEADER_ALLOW_ORIGIN, CROSSGATE_SOURCE_DECISION,
    CROSSGATE_SOURCE_POLICY, CROSSGATE_SOURCE_SCRATCH, Room, Said, TEXT_SIZE, action_number,
    check_size, crossgate_decision, crossgate_header, filling, is_current, kind_number,
    reason_number, room, set_origin, settled,
};
use crate::header_sets::{HeaderSet, MAX_HEADERS};
use crate::policy::{borrow, crossgate_policy};
use crate::request::{Given, crossgate_request, usual, verdict};
use crate::status::{
    CROSSGATE_ERR_BUFFER_TOO_SMALL, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_ERR_PANIC,
    CROSSGATE_ERR_VERDICT_NOT_ASKED, CROSSGATE_OK, Outcome, crossgate_status, guard,
};
use crate::text::{copy as copy_text, crossgate_str};

/// Decides about a request. Allocates nothing. Every request that was made ready gets a decision,
/// however malformed it is; only a mistake of the caller's gives another status, and then the
/// decision permits nothing. scratch is used for preflights of policies whose
/// crossgate_policy_scratch_size() is not 0 and needs that many bytes then
/// (CROSSGATE_ERR_BUFFER_TOO_SMALL otherwise); NULL and 0 will do for all else. It must not overlap
/// the request or the decision. Under allow_methods = "*" with credentials, where the method is
/// echoed, one of more than about 180 bytes is not allowed.
///
/// With origin_predicate the application may have to be asked about the origin. Nothing is
/// evaluated again once it has answered:
///
///     status = crossgate_evaluate(policy, &request, &decision, scratch,
///         crossgate_policy_scratch_size(policy));
///     if (status == CROSSGATE_OK && decision.flags & CROSSGATE_DECISION_NEEDS_VERDICT)
///         status = crossgate_decision_resume(&decision, is_a_tenant(decision.origin)
///             ? CROSSGATE_VERDICT_ALLOW : CROSSGATE_VERDICT_DENY);
///     if (status != CROSSGATE_OK)
///         log crossgate_status_string(status): the decision forwards and permits nothing;
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_evaluate(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    decision: *mut crossgate_decision,
    scratch: *mut c_char,
    scratch_size: usize,
) -> crossgate_status {
    let body = || {
        // SAFETY: each is NULL or the caller's as the header asks for it, unchanged during the
        // call.
        unsafe {
            let scratch = Scratch {
                data: scratch.cast(),
                size: scratch_size,
            };
            let (Some(asked), Some(usual)) = (policy.as_ref(), usual(request)) else {
                return evaluate_unusual(policy, request, scratch, decision);
            };
            if !is_current(decision) || !scratch.is_there() {
                return evaluate_unusual(policy, request, scratch, decision);
            }
            // By reference: a decision that is moved out of its result is copied, which costs more
            // than making it.
            match &asked.policy.evaluate_listed(&usual) {
                Ok(listed) => match said_in_line(asked, listed, Scratch::NONE, decision) {
                    Some(said) => {
                        said.write(decision);
                        (*decision).origin = crossgate_str::ABSENT;
                        CROSSGATE_OK
                    }
                    None => settled(decision, Err(CROSSGATE_ERR_PANIC)),
                },
                Err(unlisted) => settled(
                    decision,
                    evaluate_rest(asked, usual, *unlisted, None, scratch, decision),
                ),
            }
        }
    };
    // SAFETY: NULL or the caller's decision.
    unsafe { filling(decision, body) }
}

/// A request of another shape, and every mistake of the caller's.
///
/// # Safety
/// As for [`crossgate_evaluate`].
#[inline(never)]
unsafe fn evaluate_unusual(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    scratch: Scratch,
    decision: *mut crossgate_decision,
) -> crossgate_status {
    // SAFETY: this function's own contract.
    unsafe {
        let outcome =
            check_size(decision).and_then(|()| evaluate_given(policy, request, scratch, decision));
        settled(decision, outcome)
    }
}

/// # Safety
/// As for [`crossgate_evaluate`]; the decision's size is checked.
unsafe fn evaluate_given(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    scratch: Scratch,
    decision: *mut crossgate_decision,
) -> Outcome {
    // SAFETY: this function's own contract.
    let policy = unsafe { borrow(policy) }?;
    if !scratch.is_there() {
        return Err(CROSSGATE_ERR_NULL_ARGUMENT);
    }
    // SAFETY: this function's own contract.
    let given = unsafe { Given::read(request) }?;
    if given.verdict.is_some() && !policy.policy.has_origin_predicate() {
        return Err(CROSSGATE_ERR_VERDICT_NOT_ASKED);
    }
    let request = given.request();
    // SAFETY: this function's own contract.
    unsafe {
        match &evaluate_listed(policy, &request) {
            Ok(listed) if write_decided(policy, listed, Scratch::NONE, decision) => Ok(()),
            Ok(_) => Err(CROSSGATE_ERR_PANIC),
            Err(unlisted) => {
                evaluate_rest(policy, request, *unlisted, given.verdict, scratch, decision)
            }
        }
    }
}

/// The core's function of this name, which is large and always in line; here once, for requests of
/// another shape.
#[inline(never)]
pub(crate) fn evaluate_listed<'a>(
    policy: &'a crossgate_policy,
    request: &Request<'a>,
) -> Result<Decision<'a>, Unlisted<'a>> {
    policy.policy.evaluate_listed(request)
}

/// What is left of an evaluation after the request's values were looked up. The request comes by
/// value, so that the short way needs none in memory.
///
/// # Safety
/// As for [`crossgate_evaluate`].
#[inline(never)]
unsafe fn evaluate_rest(
    policy: &crossgate_policy,
    request: ManuallyDrop<Request<'_>>,
    unlisted: Unlisted<'_>,
    verdict: Option<Verdict>,
    scratch: Scratch,
    decision: *mut crossgate_decision,
) -> Outcome {
    let needed = policy.scratch_size();
    if scratch.size < needed && request.kind() == RequestKind::Preflight {
        return Err(CROSSGATE_ERR_BUFFER_TOO_SMALL);
    }
    // One byte stays free for the NUL.
    let scratch = Scratch {
        size: scratch.size.min(needed).saturating_sub(1),
        ..scratch
    };
    // SAFETY: this function's own contract.
    let evaluation =
        unsafe { (policy.policy).evaluate_unlisted(&request, unlisted, Some(scratch.slice())) };
    // SAFETY: this function's own contract.
    if unsafe { write_evaluation(policy, &evaluation, verdict, scratch, decision) } {
        return Ok(());
    }
    // The method that should be echoed has no room in a decision: as if it were none.
    let request = ManuallyDrop::into_inner(request).with_acrm(Field::one(b""));
    let Err(unlisted) = evaluate_listed(policy, &request) else {
        return Err(CROSSGATE_ERR_PANIC);
    };
    // SAFETY: this function's own contract; the first evaluation is not used any more.
    unsafe {
        let evaluation =
            (policy.policy).evaluate_unlisted(&request, unlisted, Some(scratch.slice()));
        if write_evaluation(policy, &evaluation, verdict, scratch, decision) {
            Ok(())
        } else {
            Err(CROSSGATE_ERR_PANIC)
        }
    }
}

/// The caller's buffer for an echoed list.
#[derive(Clone, Copy)]
struct Scratch {
    data: *mut u8,
    size: usize,
}

impl Scratch {
    const NONE: Scratch = Scratch {
        data: std::ptr::null_mut(),
        size: 0,
    };

    #[inline(always)]
    fn is_there(self) -> bool {
        self.size == 0 || !self.data.is_null()
    }

    /// # Safety
    /// Writable for as long as `'a`, and not used otherwise meanwhile.
    unsafe fn slice<'a>(self) -> &'a mut [u8] {
        if self.size == 0 {
            &mut []
        } else {
            // SAFETY: this function's own contract. The memory comes from foreign code, so Rust has
            // to take its bytes as they are; none is read before it is written.
            unsafe { std::slice::from_raw_parts_mut(self.data, self.size) }
        }
    }
}

/// False if a text of the request does not fit into the decision.
///
/// # Safety
/// `out` is a writable decision of a right size, `scratch` the one that was evaluated with, with
/// another byte behind it.
unsafe fn write_evaluation(
    policy: &crossgate_policy,
    evaluation: &Evaluation<'_>,
    verdict: Option<Verdict>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> bool {
    let decided = match evaluation {
        Evaluation::Decided(decided) => decided,
        Evaluation::NeedsVerdict(open) => {
            let [allowed, denied] = open.both();
            match verdict {
                Some(Verdict::Allow) => allowed,
                Some(Verdict::Deny) => denied,
                // SAFETY: this function's own contract.
                None => return unsafe { write_question(policy, open, scratch, out) },
            }
        }
    };
    // SAFETY: this function's own contract.
    unsafe { write_decided(policy, decided, scratch, out) }
}

/// As [`write_evaluation`]; out of line, for all but the shortest way.
///
/// # Safety
/// As for [`write_evaluation`].
unsafe fn write_decided(
    policy: &crossgate_policy,
    decided: &Decision<'_>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> bool {
    // SAFETY: this function's own contract.
    unsafe {
        let Some(said) = said(policy, decided, scratch, out) else {
            return false;
        };
        said.write(out);
        set_origin(out, crossgate_str::ABSENT);
    }
    true
}

/// A decision that denies and knows what it says if the verdict allows.
///
/// # Safety
/// As for [`write_evaluation`].
unsafe fn write_question(
    policy: &crossgate_policy,
    open: &NeedsVerdict<'_>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> bool {
    let [allowed, denied] = open.both();
    // SAFETY: this function's own contract. A denied origin is not named, so the denied decision
    // leaves the room to the other one.
    unsafe {
        let (Some(mut said_denied), Some(said_allowed)) = (
            said(policy, denied, Scratch::NONE, out),
            said(policy, allowed, scratch, out),
        ) else {
            return false;
        };
        let room = room(out);
        (*room).if_allowed = said_allowed;
        let headers =
            std::slice::from_raw_parts(said_allowed.headers, said_allowed.header_count as usize);
        let named = headers.iter().find(|header| {
            header.id == CROSSGATE_HEADER_ALLOW_ORIGIN && header.source == CROSSGATE_SOURCE_DECISION
        });
        let origin = match named {
            Some(header) => header.value,
            // An insecure origin that no verdict lets in is in no header, so the room is free.
            None => match copy_in(&raw mut (*room).text, 0, open.origin()) {
                Some(copy) => copy,
                None => return false,
            },
        };
        said_denied.flags |= CROSSGATE_DECISION_NEEDS_VERDICT;
        said_denied.write(out);
        set_origin(out, origin);
    }
    true
}

/// Copies a text of the request into a decision, with a NUL behind it; `None` if it does not fit.
///
/// # Safety
/// `text` is writable and no part of the request.
#[inline(always)]
unsafe fn copy_in(text: *mut [u8; TEXT_SIZE], used: usize, value: &str) -> Option<crossgate_str> {
    if value.len() >= TEXT_SIZE - used {
        return None;
    }
    // SAFETY: `used + length + 1` is within the text.
    unsafe {
        let copy = text.cast::<u8>().add(used);
        copy_text(value.as_bytes(), copy);
        copy.add(value.len()).write(0);
        Some(crossgate_str {
            data: copy.cast(),
            len: value.len(),
        })
    }
}

/// As [`said_in_line`].
///
/// # Safety
/// As for [`write_evaluation`]; the decision is one of the policy's.
#[inline(never)]
unsafe fn said(
    policy: &crossgate_policy,
    decision: &Decision<'_>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> Option<Said> {
    // SAFETY: this function's own contract.
    unsafe { said_in_line(policy, decision, scratch, out) }
}

/// What a decision says, for C. What comes from the request is copied into the decision's room;
/// `None` if it does not fit.
///
/// # Safety
/// As for [`write_evaluation`]; the decision is one of the policy's.
#[inline(always)]
unsafe fn said_in_line(
    policy: &crossgate_policy,
    decision: &Decision<'_>,
    scratch: Scratch,
    out: *mut crossgate_decision,
) -> Option<Said> {
    let set = policy.header_sets.get(decision.header_set())?;
    let headers = if set.of_request[0].is_none() {
        set.headers.as_ptr().cast()
    } else {
        // SAFETY: this function's own contract.
        unsafe { copy_headers(set, decision, scratch, room(out)) }?
    };
    Some(Said {
        header_count: set.header_count,
        remove_count: set.remove_count,
        headers,
        remove: set.remove.as_ptr(),
        ..said_without_headers(decision)
    })
}

/// The headers of a set with values of the request, in the decision's room.
///
/// # Safety
/// As for [`write_evaluation`].
#[inline(always)]
unsafe fn copy_headers(
    set: &HeaderSet,
    decision: &Decision<'_>,
    scratch: Scratch,
    room: *mut Room,
) -> Option<*const crossgate_header> {
    const HALF: usize = MAX_HEADERS / 2;
    // SAFETY: the room is writable. It is addressed without a reference: it may be uninitialised.
    let (headers, text) = unsafe {
        (
            (&raw mut (*room).headers).cast::<crossgate_header>(),
            &raw mut (*room).text,
        )
    };
    // SAFETY: each is of the same size as its copy and does not overlap it; what is behind the
    // count is room that is not read. In blocks of fixed size, which takes no call.
    unsafe {
        headers
            .cast::<[crossgate_header; HALF]>()
            .write(set.headers[0]);
        if set.header_count as usize > HALF {
            headers
                .add(HALF)
                .cast::<[crossgate_header; HALF]>()
                .write(set.headers[1]);
        }
    }
    let mut used = 0;
    for (index, of) in set.of_request.iter().map_while(Option::as_ref) {
        let Some((value, source)) = decision.value_of(*of) else {
            continue;
        };
        let (value, source) = match source {
            ValueSource::Policy => (crossgate_str::of(value), CROSSGATE_SOURCE_POLICY),
            ValueSource::Scratch => {
                if scratch.data.is_null() {
                    return None;
                }
                let list = crossgate_str {
                    data: scratch.data.cast(),
                    len: value.len(),
                };
                // SAFETY: the list in the scratch buffer is shorter than that.
                unsafe { scratch.data.add(value.len()).write(0) };
                (list, CROSSGATE_SOURCE_SCRATCH)
            }
            _ => {
                // SAFETY: the text is the decision's own.
                let copy = unsafe { copy_in(text, used, value) }?;
                used += value.len() + 1;
                (copy, CROSSGATE_SOURCE_DECISION)
            }
        };
        // SAFETY: an index of the array, by `HeaderSet::all`.
        unsafe {
            (*headers.add(*index)).value = value;
            (*headers.add(*index)).source = source;
        }
    }
    Some(headers)
}

/// What a decision says beside headers.
#[inline(always)]
pub(crate) fn said_without_headers(decision: &Decision<'_>) -> Said {
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    Said {
        flags: flag(decision.keeps_upstream(), CROSSGATE_DECISION_KEEP_UPSTREAM)
            | flag(decision.keeps_public(), CROSSGATE_DECISION_KEEP_PUBLIC)
            | flag(
                decision.hit_regex_step_limit(),
                CROSSGATE_DECISION_REGEX_STEP_LIMIT,
            )
            | flag(
                decision.origin_is_listed(),
                CROSSGATE_DECISION_ORIGIN_LISTED,
            ),
        kind: kind_number(decision.kind()),
        reason: reason_number(decision.reason()),
        action: action_number(decision.action()),
        allowed: decision.allowed().map_or(-1, i32::from),
        status: decision.status().map_or(0, i32::from),
        depends_on: u32::from(decision.depends_on().bits()),
        header_count: 0,
        remove_count: 0,
        headers: std::ptr::null(),
        remove: std::ptr::null(),
    }
}

/// Goes on with a decision that has CROSSGATE_DECISION_NEEDS_VERDICT: afterwards it is the one for
/// this verdict (CROSSGATE_VERDICT_...; an absent one denies), and the flag is gone. Policy and
/// scratch must still be there, the request need not. A decision without the flag, or one that
/// crossgate_evaluate_http1() made, is CROSSGATE_ERR_VERDICT_NOT_ASKED. Allocates nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_resume(
    decision: *mut crossgate_decision,
    application_verdict: i32,
) -> crossgate_status {
    let body = || {
        let verdict = verdict(application_verdict)?;
        // SAFETY: the caller's decision, of a right size, that `crossgate_evaluate` filled if it
        // has this flag.
        unsafe {
            if (*decision).flags & CROSSGATE_DECISION_NEEDS_VERDICT == 0 {
                return Err(CROSSGATE_ERR_VERDICT_NOT_ASKED);
            }
            (*decision).flags &= !CROSSGATE_DECISION_NEEDS_VERDICT;
            set_origin(decision, crossgate_str::ABSENT);
            if verdict == Some(Verdict::Allow) {
                (*room(decision)).if_allowed.write(decision);
            }
        }
        Ok(())
    };
    // SAFETY: NULL or the caller's decision.
    unsafe {
        filling(decision, || {
            settled(decision, check_size(decision).and_then(|()| body()))
        })
    }
}

/// Only the question, for servers that look the origin up before they evaluate: *origin is the
/// origin that the application is to be asked about, absent (data NULL) if it is not to be asked or
/// the call failed. Put what it finds into request.verdict. The text is the request's, without a
/// NUL. Allocates nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_needs_verdict(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    origin: *mut crossgate_str,
) -> crossgate_status {
    guard(|| {
        if origin.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe { origin.write(crossgate_str::ABSENT) };
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        if let Some(asked) = policy.policy.needs_verdict(&given.request()) {
            // SAFETY: not NULL, so the caller's to write.
            unsafe { origin.write(crossgate_str::of(asked)) };
        }
        Ok(())
    })
}
