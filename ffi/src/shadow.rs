//! What a shadow policy would have done otherwise.

use crossgate::{Decision, Evaluation, HeaderName, Request, Verdict};

use crate::decision::{
    CROSSGATE_DECISION_KEEP_PUBLIC, CROSSGATE_DECISION_KEEP_UPSTREAM, Said, check_size,
    crossgate_decision, header_number, headers,
};
use crate::evaluate::{evaluate_listed, said_without_headers};
use crate::growable::{Growable, caller_size, init, write_common};
use crate::http1::ECHO_SIZE;
use crate::policy::crossgate_policy;
use crate::request::{Given, crossgate_request};
use crate::shared::{borrow, crossgate_shared_policy};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_ERR_VERDICT_NOT_ASKED,
    Outcome, crossgate_status, guard,
};

/// What the shadow policy would have done otherwise. Made ready by crossgate_difference_init().
#[repr(C)]
pub struct crossgate_difference {
    /// sizeof (crossgate_difference).
    pub struct_size: u32,
    /// 1: the decisions differ; 0: they are the same, or there is no shadow policy.
    pub differs: i32,
    /// CROSSGATE_KIND_...: what the request is.
    pub kind: i32,
    /// A bit set: 1 << CROSSGATE_HEADER_... for each header that only one of them sends, or with
    /// another value.
    pub headers: u32,
    /// The decision of the live policy: CROSSGATE_REASON_...
    pub live_reason: i32,
    /// CROSSGATE_ACTION_...
    pub live_action: i32,
    /// As in crossgate_decision.
    pub live_allowed: i32,
    /// As in crossgate_decision.
    pub live_status: i32,
    /// The decision of the shadow policy, the live one's if there is none: CROSSGATE_REASON_...
    pub shadow_reason: i32,
    /// CROSSGATE_ACTION_...
    pub shadow_action: i32,
    /// As in crossgate_decision.
    pub shadow_allowed: i32,
    /// As in crossgate_decision.
    pub shadow_status: i32,
}

// SAFETY: `repr(C)`, the size first.
unsafe impl Growable for crossgate_difference {
    const LEAST: usize = std::mem::offset_of!(crossgate_difference, shadow_status);
}

/// Makes a difference ready to be filled: struct_size is set, the rest is 0. size is
/// sizeof (crossgate_difference). One difference may be filled again and again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_difference_init(
    difference: *mut crossgate_difference,
    size: usize,
) -> crossgate_status {
    // SAFETY: NULL or the caller's memory, of that size.
    guard(|| unsafe { init(difference, size) })
}

/// The values of a decision's headers, by the numbers of these.
type Values<'d> = [Option<&'d [u8]>; HeaderName::ALL.len()];

/// Asks the live and the shadow policy about a request and fills *difference. Changes nothing,
/// allocates nothing, never waits. The verdict goes to each policy that has origin_predicate; if
/// the live one has none, a verdict is CROSSGATE_ERR_VERDICT_NOT_ASKED as with
/// crossgate_evaluate(). A server that has both decisions already compares them with
/// crossgate_decision_difference().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_compare_shadow(
    shared: *const crossgate_shared_policy,
    request: *const crossgate_request,
    difference: *mut crossgate_difference,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a shared policy of this library that is not freed during the call.
        let shared = unsafe { borrow(shared) }?;
        // SAFETY: NULL or the caller's struct.
        unsafe { caller_size(difference) }?;
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        let request = given.request();
        let live = shared.live.load().ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?;
        let mut rooms = ([0; ECHO_SIZE], [0; ECHO_SIZE]);
        if given.verdict.is_some() && !live.policy.has_origin_predicate() {
            return Err(CROSSGATE_ERR_VERDICT_NOT_ASKED);
        }
        let live = ask(&live, &request, given.verdict, &mut rooms.0);
        let shadow = shared.shadow.load();
        let shadow = match &shadow {
            Some(shadow) => ask(shadow, &request, given.verdict, &mut rooms.1),
            None => live.clone(),
        };
        let found = compare(
            (said_without_headers(&live), values(&live)),
            (said_without_headers(&shadow), values(&shadow)),
        );
        // SAFETY: the caller's struct.
        unsafe { write_common(&found, difference) }
    })
}

/// Compares two decisions about one request, the live policy's and another's, and fills
/// *difference. Changes nothing, allocates nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_decision_difference(
    live: *const crossgate_decision,
    shadow: *const crossgate_decision,
    difference: *mut crossgate_difference,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or the caller's struct, and decisions that this library filled.
        unsafe {
            caller_size(difference)?;
            let found = compare(of_c(live)?, of_c(shadow)?);
            write_common(&found, difference)
        }
    })
}

/// The core's `evaluate_into`, of parts that this library has already. A verdict counts only if it
/// is asked for.
fn ask<'a>(
    policy: &'a crossgate_policy,
    request: &Request<'a>,
    verdict: Option<Verdict>,
    room: &'a mut [u8],
) -> Decision<'a> {
    let unlisted = match evaluate_listed(policy, request) {
        Ok(listed) => return listed,
        Err(unlisted) => unlisted,
    };
    match (policy.policy).evaluate_unlisted(request, unlisted, Some(room)) {
        Evaluation::Decided(decision) => decision,
        Evaluation::NeedsVerdict(open) => open.resume(verdict),
    }
}

fn values<'d>(decision: &'d Decision<'_>) -> Values<'d> {
    let mut values = [None; HeaderName::ALL.len()];
    for header in decision.headers() {
        let number = usize::try_from(header_number(header.name)).ok();
        if let Some(place) = number.and_then(|number| values.get_mut(number)) {
            *place = Some(header.value.as_bytes());
        }
    }
    values
}

/// # Safety
/// NULL, or a decision that this library filled and that stays as it is as long as `'d`.
unsafe fn of_c<'d>(decision: *const crossgate_decision) -> Outcome<(Said, Values<'d>)> {
    // SAFETY: this function's own contract.
    unsafe {
        check_size(decision)?;
        let mut values = [None; HeaderName::ALL.len()];
        for header in headers(decision)? {
            let place = usize::try_from(header.id)
                .ok()
                .and_then(|number| values.get_mut(number))
                .ok_or(CROSSGATE_ERR_INVALID_ARGUMENT)?;
            *place = Some(header.value.bytes()?.unwrap_or_default());
        }
        Ok((Said::read(decision), values))
    }
}

fn compare(live: (Said, Values<'_>), shadow: (Said, Values<'_>)) -> crossgate_difference {
    let ((live, of_live), (shadow, of_shadow)) = (live, shadow);
    let headers = (0..HeaderName::ALL.len())
        .filter(|index| of_live[*index] != of_shadow[*index])
        .fold(0, |set, index| set | 1 << index);
    let settled = |said: &Said| {
        (
            said.reason,
            said.action,
            said.allowed,
            said.status,
            said.flags & (CROSSGATE_DECISION_KEEP_UPSTREAM | CROSSGATE_DECISION_KEEP_PUBLIC),
        )
    };
    crossgate_difference {
        struct_size: size_of::<crossgate_difference>() as u32,
        differs: i32::from(headers != 0 || settled(&live) != settled(&shadow)),
        kind: live.kind,
        headers,
        live_reason: live.reason,
        live_action: live.action,
        live_allowed: live.allowed,
        live_status: live.status,
        shadow_reason: shadow.reason,
        shadow_action: shadow.action,
        shadow_allowed: shadow.allowed,
        shadow_status: shadow.status,
    }
}
