//! A policy that is swapped while serving.

use std::ffi::c_char;
use std::sync::Arc;

use crossgate::{Decision, HeaderName, Policy, Request};

use crate::decision::{action_number, header_number, reason_number};
use crate::error::crossgate_error;
use crate::evaluate::ECHO_SIZE;
use crate::policy::{Built, build_into, clear, crossgate_policy, documents, reference};
use crate::request::{Given, crossgate_request, empty};
use crate::slot::Slot;
use crate::status::{
    CROSSGATE_NULL_ARGUMENT, CROSSGATE_STRUCT_SIZE, CROSSGATE_VERDICT_NOT_ASKED, Outcome,
    crossgate_status, guard, guard_or,
};
use crate::text::utf8;

/// A place for a policy that can be replaced while other threads serve with it. Safe to use from
/// any number of threads at once: all functions but crossgate_shared_policy_free() take it const.
/// The caller's own. In a process that forks, the child has its own copy of the place; replace
/// there only if no other thread of the parent was inside crossgate_shared_policy_load() at the
/// fork.
pub struct crossgate_shared_policy {
    live: Slot<crossgate_policy>,
    shadow: Slot<crossgate_policy>,
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<crossgate_shared_policy>();
};

/// What the shadow policy would have done otherwise. Set struct_size to sizeof
/// (crossgate_difference) before it is filled.
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

/// # Safety
/// NULL, or a shared policy of this library that is not freed while `'a` lasts.
unsafe fn borrow<'a>(
    shared: *const crossgate_shared_policy,
) -> Outcome<&'a crossgate_shared_policy> {
    // SAFETY: this function's own contract.
    unsafe { shared.as_ref() }.ok_or(CROSSGATE_NULL_ARGUMENT)
}

/// Makes a shared policy that holds a reference of its own to the policy; the caller keeps his. On
/// success *shared is the caller's, until crossgate_shared_policy_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_new(
    policy: *const crossgate_policy,
    shared: *mut *mut crossgate_shared_policy,
) -> crossgate_status {
    guard(|| {
        if shared.is_null() {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe { shared.write(std::ptr::null_mut()) };
        // SAFETY: NULL or a policy of this library to which the caller has a reference.
        let policy = unsafe { reference(policy) }.ok_or(CROSSGATE_NULL_ARGUMENT)?;
        let made = Box::new(crossgate_shared_policy {
            live: Slot::new(Some(policy)),
            shadow: Slot::new(None),
        });
        // SAFETY: not NULL, so the caller's to write.
        unsafe { shared.write(Box::into_raw(made)) };
        Ok(())
    })
}

/// The live policy of this moment, with a reference that the caller gives back with
/// crossgate_policy_free() when the request is done: decisions borrow from it. Never waits,
/// whatever other threads do, and allocates nothing; one who loads for every request pays about as
/// much as for three counters. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_load(
    shared: *const crossgate_shared_policy,
) -> *mut crossgate_policy {
    guard_or(std::ptr::null_mut(), || {
        // SAFETY: NULL or a shared policy of this library that is not freed during the call.
        let shared = unsafe { shared.as_ref() };
        shared
            .and_then(|shared| shared.live.load())
            .map_or(std::ptr::null_mut(), |policy| {
                Arc::into_raw(policy).cast_mut()
            })
    })
}

/// Replaces the live policy, with a reference of its own; the caller keeps his. Who loaded the old
/// one goes on with it until he gives it back. Waits for other threads that are replacing too and,
/// for some instructions, for those that are just loading.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_replace(
    shared: *const crossgate_shared_policy,
    policy: *const crossgate_policy,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a shared policy of this library that is not freed during the call.
        let shared = unsafe { borrow(shared) }?;
        // SAFETY: NULL or a policy of this library to which the caller has a reference.
        let policy = unsafe { reference(policy) }.ok_or(CROSSGATE_NULL_ARGUMENT)?;
        shared.live.swap(Some(policy));
        Ok(())
    })
}

/// Replaces the live policy by what is built; a failure leaves it.
///
/// # Safety
/// `shared` is as for [`borrow`], `error` NULL or writable.
unsafe fn replace(
    shared: *const crossgate_shared_policy,
    error: *mut *mut crossgate_error,
    build: impl FnOnce() -> Outcome<Built>,
) -> Outcome {
    // SAFETY: this function's own contract.
    let shared = unsafe {
        clear(error);
        borrow(shared)
    }?;
    // SAFETY: this function's own contract.
    let policy = unsafe { build_into(error, build) }?;
    shared.live.swap(Some(policy));
    Ok(())
}

/// Replaces the live policy by one built from JSON text. If that fails the old one stays, and the
/// status and *error are those of crossgate_policy_from_json().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_replace_json(
    shared: *const crossgate_shared_policy,
    text: *const c_char,
    text_len: usize,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's text, readable for the call.
        let build = || Ok(documents::from_json(unsafe { utf8(text, text_len) }?));
        // SAFETY: NULL or a shared policy of this library, and the caller's output.
        unsafe { replace(shared, error, build) }
    })
}

/// Replaces the live policy by one built from TOML text; otherwise as
/// crossgate_shared_policy_replace_json().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_replace_toml(
    shared: *const crossgate_shared_policy,
    text: *const c_char,
    text_len: usize,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's text, readable for the call.
        let build = || Ok(documents::from_toml(unsafe { utf8(text, text_len) }?));
        // SAFETY: NULL or a shared policy of this library, and the caller's output.
        unsafe { replace(shared, error, build) }
    })
}

/// Replaces the live policy by one built from a file, as crossgate_policy_from_file() reads it;
/// otherwise as crossgate_shared_policy_replace_json().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_replace_file(
    shared: *const crossgate_shared_policy,
    path: *const c_char,
    path_len: usize,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's text, readable for the call.
        let build = || Ok(documents::from_file(unsafe { utf8(path, path_len) }?));
        // SAFETY: NULL or a shared policy of this library, and the caller's output.
        unsafe { replace(shared, error, build) }
    })
}

/// Sets the policy that is asked beside the live one, with a reference of its own; NULL takes it
/// away. It decides nothing: crossgate_shared_policy_difference() tells where it would have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_set_shadow(
    shared: *const crossgate_shared_policy,
    shadow: *const crossgate_policy,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a shared policy of this library that is not freed during the call.
        let shared = unsafe { borrow(shared) }?;
        // SAFETY: NULL or a policy of this library to which the caller has a reference.
        shared.shadow.swap(unsafe { reference(shadow) });
        Ok(())
    })
}

/// Asks the live and the shadow policy about a request and fills *difference. Changes nothing,
/// allocates nothing, never waits. The verdict goes to each policy that has host_origins; if the
/// live one has none, a verdict is CROSSGATE_VERDICT_NOT_ASKED as with crossgate_evaluate().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_difference(
    shared: *const crossgate_shared_policy,
    request: *const crossgate_request,
    difference: *mut crossgate_difference,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a shared policy of this library that is not freed during the call.
        let shared = unsafe { borrow(shared) }?;
        if difference.is_null() {
            return Err(CROSSGATE_NULL_ARGUMENT);
        }
        // SAFETY: not NULL; the size is the first member of every version of the struct.
        if unsafe { (*difference).struct_size } as usize != size_of::<crossgate_difference>() {
            return Err(CROSSGATE_STRUCT_SIZE);
        }
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        let mut request = empty();
        given.fill(&mut request)?;
        let live = shared.live.load().ok_or(CROSSGATE_NULL_ARGUMENT)?;
        let mut rooms = ([0; ECHO_SIZE], [0; ECHO_SIZE]);
        let live = live
            .policy
            .evaluate_into(&request, given.verdict, &mut rooms.0)
            .map_err(|_| CROSSGATE_VERDICT_NOT_ASKED)?;
        let shadow = shared.shadow.load();
        let shadow = match &shadow {
            Some(shadow) => ask_shadow(&shadow.policy, &request, &given, &mut rooms.1)?,
            None => live.clone(),
        };
        // SAFETY: not NULL and of this size.
        unsafe { difference.write(compare(&live, &shadow)) };
        Ok(())
    })
}

fn ask_shadow<'a>(
    policy: &'a Policy,
    request: &Request<'a>,
    given: &Given<'_>,
    room: &'a mut [u8],
) -> Outcome<Decision<'a>> {
    let verdict = given.verdict.filter(|_| policy.has_host_origins());
    policy
        .evaluate_into(request, verdict, room)
        .map_err(|_| CROSSGATE_VERDICT_NOT_ASKED)
}

fn compare(live: &Decision<'_>, shadow: &Decision<'_>) -> crossgate_difference {
    let numbers = |decision: &Decision<'_>| {
        (
            reason_number(decision.reason()),
            action_number(decision.action()),
            decision.allowed().map_or(-1, i32::from),
            decision.status().map_or(0, i32::from),
        )
    };
    let (live_reason, live_action, live_allowed, live_status) = numbers(live);
    let (shadow_reason, shadow_action, shadow_allowed, shadow_status) = numbers(shadow);
    let (of_live, of_shadow) = (values(live), values(shadow));
    let headers = (0..HeaderName::ALL.len())
        .filter(|index| of_live[*index] != of_shadow[*index])
        .fold(0, |set, index| set | 1 << index);
    crossgate_difference {
        struct_size: size_of::<crossgate_difference>() as u32,
        differs: i32::from(headers != 0 || numbers(live) != numbers(shadow)),
        kind: crate::decision::kind_number(live.kind()),
        headers,
        live_reason,
        live_action,
        live_allowed,
        live_status,
        shadow_reason,
        shadow_action,
        shadow_allowed,
        shadow_status,
    }
}

/// By the number of the header.
fn values<'d>(decision: &'d Decision<'_>) -> [Option<&'d str>; HeaderName::ALL.len()] {
    let mut values = [None; HeaderName::ALL.len()];
    decision
        .headers()
        .for_each(|header| values[header_number(header.name) as usize] = Some(header.value));
    values
}

/// Frees a shared policy and gives its references back; policies that were loaded stay. No other
/// thread may be using it. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_free(shared: *mut crossgate_shared_policy) {
    guard_or((), || {
        if !shared.is_null() {
            // SAFETY: it came from `Box::into_raw` in `crossgate_shared_policy_new`, and the caller
            // gives it up.
            drop(unsafe { Box::from_raw(shared) });
        }
    });
}
