//! A policy that is swapped while serving.

use std::ffi::c_char;
use std::sync::Arc;

use crate::error::crossgate_error;
use crate::policy::{Built, build_into, clear, crossgate_policy, documents, reference};
use crate::slot::Slot;
use crate::status::{CROSSGATE_ERR_NULL_ARGUMENT, Outcome, crossgate_status, guard, guard_or};
use crate::text::utf8;

/// A place for a policy that can be replaced while other threads serve with it. Safe to use from
/// any number of threads at once: all functions but crossgate_shared_policy_free() take it const.
/// The caller's own. In a process that forks, the child has its own copy of the place; replace
/// there only if no other thread of the parent was inside crossgate_shared_policy_load() at the
/// fork.
pub struct crossgate_shared_policy {
    pub(crate) live: Slot<crossgate_policy>,
    pub(crate) shadow: Slot<crossgate_policy>,
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<crossgate_shared_policy>();
};

/// # Safety
/// NULL, or a shared policy of this library that is not freed while `'a` lasts.
pub(crate) unsafe fn borrow<'a>(
    shared: *const crossgate_shared_policy,
) -> Outcome<&'a crossgate_shared_policy> {
    // SAFETY: this function's own contract.
    unsafe { shared.as_ref() }.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)
}

/// Makes a shared policy that holds a reference of its own to the policy; the caller keeps its own.
/// On success *shared is the caller's, until crossgate_shared_policy_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_new(
    policy: *const crossgate_policy,
    shared: *mut *mut crossgate_shared_policy,
) -> crossgate_status {
    guard(|| {
        if shared.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe { shared.write(std::ptr::null_mut()) };
        // SAFETY: NULL or a policy of this library to which the caller has a reference.
        let policy = unsafe { reference(policy) }.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?;
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

/// Replaces the live policy, with a reference of its own; the caller keeps its own. A thread that
/// loaded the old one goes on with it until it gives it back. Waits for other threads that are
/// replacing too and, for some instructions, for those that are just loading.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_shared_policy_replace(
    shared: *const crossgate_shared_policy,
    policy: *const crossgate_policy,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a shared policy of this library that is not freed during the call.
        let shared = unsafe { borrow(shared) }?;
        // SAFETY: NULL or a policy of this library to which the caller has a reference.
        let policy = unsafe { reference(policy) }.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?;
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
/// away. It decides nothing: crossgate_shared_policy_compare_shadow() tells where it would have.
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
