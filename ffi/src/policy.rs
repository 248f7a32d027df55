//! The policy: built from text, shared by reference count.

use std::ffi::c_char;
use std::sync::Arc;

use crossgate::{Policy, PolicyError, Problem};

use crate::error::{Texts, crossgate_error, crossgate_problem, fill};
use crate::header_sets::HeaderSet;
use crate::status::{
    CROSSGATE_ERR_INVALID_POLICY, CROSSGATE_ERR_NULL_ARGUMENT, Outcome, crossgate_status, guard,
    guard_or,
};
use crate::text::{Buffer, utf8};

/// A compiled policy. Immutable: any number of threads may use it at once. Counted: every reference
/// is given back with crossgate_policy_free().
pub struct crossgate_policy {
    pub(crate) policy: Policy,
    pub(crate) header_sets: Box<[HeaderSet]>,
    warnings: Vec<Texts>,
    notes: Vec<Texts>,
    digest: String,
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<crossgate_policy>();
    shared_between_threads::<crossgate_error>();
};

/// # Safety
/// NULL, or a policy of this library that is not freed while `'a` lasts.
#[inline]
pub(crate) unsafe fn borrow<'a>(policy: *const crossgate_policy) -> Outcome<&'a crossgate_policy> {
    // SAFETY: this function's own contract.
    unsafe { policy.as_ref() }.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)
}

pub(crate) type Built = Result<Policy, (crossgate_status, crossgate_error)>;

pub(crate) fn invalid(error: &PolicyError) -> (crossgate_status, crossgate_error) {
    (CROSSGATE_ERR_INVALID_POLICY, crossgate_error::of(error))
}

/// Documents as text.
#[cfg(feature = "config")]
pub(crate) mod documents {
    use crossgate::{LoadError, Policy};

    use super::{Built, invalid};
    use crate::error::crossgate_error;
    use crate::status::{CROSSGATE_ERR_FILE, Outcome};

    pub(crate) fn from_json(text: &str) -> Built {
        Policy::from_json(text).map_err(|error| invalid(&error))
    }

    pub(crate) fn from_toml(text: &str) -> Built {
        Policy::from_toml(text).map_err(|error| invalid(&error))
    }

    pub(crate) fn from_file(path: &str) -> Built {
        Policy::from_file(path).map_err(|error| match error {
            LoadError::Policy(error) => invalid(&error),
            _ => (CROSSGATE_ERR_FILE, crossgate_error::new(&error.to_string())),
        })
    }

    pub(super) fn to_json(policy: &Policy) -> Outcome<String> {
        Ok(policy.document().to_json())
    }
}

/// The same interface without the feature: the header is one for every build.
#[cfg(not(feature = "config"))]
pub(crate) mod documents {
    use crossgate::Policy;

    use super::Built;
    use crate::error::crossgate_error;
    use crate::status::{CROSSGATE_ERR_FEATURE_MISSING, Outcome};

    pub(crate) fn from_json(_: &str) -> Built {
        Err((
            CROSSGATE_ERR_FEATURE_MISSING,
            crossgate_error::new(
                "this library was built without the feature `config`: it reads no documents",
            ),
        ))
    }

    pub(crate) use from_json as from_toml;
    pub(crate) use from_json as from_file;

    pub(super) fn to_json(_: &Policy) -> Outcome<String> {
        Err(CROSSGATE_ERR_FEATURE_MISSING)
    }
}

/// # Safety
/// `error` is NULL or writable.
pub(crate) unsafe fn clear(error: *mut *mut crossgate_error) {
    if !error.is_null() {
        // SAFETY: not NULL, so writable.
        unsafe { error.write(std::ptr::null_mut()) };
    }
}

/// Builds a policy; what is wrong with it goes to C.
///
/// # Safety
/// `error` is NULL or writable.
pub(crate) unsafe fn build_into(
    error: *mut *mut crossgate_error,
    build: impl FnOnce() -> Outcome<Built>,
) -> Outcome<Arc<crossgate_policy>> {
    match build()? {
        Ok(policy) => {
            let texts = |problems: &[Problem]| problems.iter().map(Texts::of).collect();
            Ok(Arc::new(crossgate_policy {
                header_sets: HeaderSet::all(&policy),
                warnings: texts(policy.warnings()),
                notes: texts(policy.notes()),
                digest: format!("{}\0", policy.digest()),
                policy,
            }))
        }
        Err((status, problems)) => {
            if !error.is_null() {
                // SAFETY: not NULL, so writable.
                unsafe { error.write(Box::into_raw(Box::new(problems))) };
            }
            Err(status)
        }
    }
}

/// Hands a new policy or its error to C.
///
/// # Safety
/// `policy` and `error` are NULL or writable.
pub(crate) unsafe fn give(
    policy: *mut *mut crossgate_policy,
    error: *mut *mut crossgate_error,
    build: impl FnOnce() -> Outcome<Built>,
) -> Outcome {
    // SAFETY: this function's own contract.
    unsafe { clear(error) };
    if policy.is_null() {
        return Err(CROSSGATE_ERR_NULL_ARGUMENT);
    }
    // SAFETY: not NULL, so writable.
    unsafe { policy.write(std::ptr::null_mut()) };
    // SAFETY: this function's own contract.
    let built = unsafe { build_into(error, build) }?;
    // SAFETY: not NULL, so writable. C sees the type as opaque, so that it is not const changes
    // nothing.
    unsafe { policy.write(Arc::into_raw(built).cast_mut()) };
    Ok(())
}

/// Another reference to a policy of C's; `None` for NULL.
///
/// # Safety
/// NULL, or a policy of this library to which the caller has a reference.
pub(crate) unsafe fn reference(policy: *const crossgate_policy) -> Option<Arc<crossgate_policy>> {
    (!policy.is_null()).then(|| {
        // SAFETY: it came from `Arc::into_raw`, and the caller's reference keeps it alive
        // meanwhile.
        unsafe {
            Arc::increment_strong_count(policy);
            Arc::from_raw(policy)
        }
    })
}

/// Builds a policy from JSON text in UTF-8. On success *policy is the caller's, with one reference.
/// On CROSSGATE_ERR_INVALID_POLICY *error is the caller's, with every problem; error may be
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_from_json(
    text: *const c_char,
    text_len: usize,
    policy: *mut *mut crossgate_policy,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's text, readable for the call.
        let build = || Ok(documents::from_json(unsafe { utf8(text, text_len) }?));
        // SAFETY: the caller's outputs.
        unsafe { give(policy, error, build) }
    })
}

/// Builds a policy from TOML text; otherwise as crossgate_policy_from_json().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_from_toml(
    text: *const c_char,
    text_len: usize,
    policy: *mut *mut crossgate_policy,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's text, readable for the call.
        let build = || Ok(documents::from_toml(unsafe { utf8(text, text_len) }?));
        // SAFETY: the caller's outputs.
        unsafe { give(policy, error, build) }
    })
}

/// Builds a policy from a file whose name ends in .json or .toml; otherwise as
/// crossgate_policy_from_json(). A file that cannot be read, has another ending or is not UTF-8 is
/// CROSSGATE_ERR_FILE, with an *error that has a text and no problems.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_from_file(
    path: *const c_char,
    path_len: usize,
    policy: *mut *mut crossgate_policy,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's text, readable for the call.
        let build = || Ok(documents::from_file(unsafe { utf8(path, path_len) }?));
        // SAFETY: the caller's outputs.
        unsafe { give(policy, error, build) }
    })
}

/// Builds a policy from environment variables: with the prefix "CORS" from CORS_ALLOW_ORIGINS,
/// CORS_MAX_AGE and so on, lists split at commas; otherwise as crossgate_policy_from_json(). Reads
/// the environment: no other thread may change it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_from_env(
    prefix: *const c_char,
    prefix_len: usize,
    policy: *mut *mut crossgate_policy,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        let build = || {
            // SAFETY: the caller's text, readable for the call.
            let prefix = unsafe { utf8(prefix, prefix_len) }?;
            Ok(Policy::from_env(prefix).map_err(|error| invalid(&error)))
        };
        // SAFETY: the caller's outputs.
        unsafe { give(policy, error, build) }
    })
}

/// Takes another reference to a policy and returns the policy. NULL gives NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_ref(
    policy: *const crossgate_policy,
) -> *mut crossgate_policy {
    guard_or(std::ptr::null_mut(), || {
        if !policy.is_null() {
            // SAFETY: it came from `Arc::into_raw`, and the caller holds a reference.
            unsafe { Arc::increment_strong_count(policy) };
        }
        policy.cast_mut()
    })
}

/// Gives a reference back; the last one frees the policy, and with it everything that was borrowed
/// from it: the values of decisions and the strings of warnings. May run on any thread. NULL does
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_free(policy: *mut crossgate_policy) {
    guard_or((), || {
        if !policy.is_null() {
            // SAFETY: it came from `Arc::into_raw`, and the caller gives its reference up.
            unsafe { Arc::decrement_strong_count(policy.cast_const()) };
        }
    });
}

/// The size of the scratch buffer that crossgate_evaluate() needs for preflights; 0 for most
/// policies (it is not for allow_headers = "*" with credentials) and for NULL. Never changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_scratch_size(policy: *const crossgate_policy) -> usize {
    guard_or(0, || {
        // SAFETY: NULL or a policy of this library that is not freed.
        unsafe { borrow(policy) }.map_or(0, |policy| policy.scratch_size())
    })
}

impl crossgate_policy {
    /// The core's, and a NUL.
    #[inline]
    pub(crate) fn scratch_size(&self) -> usize {
        match self.policy.scratch_size() {
            0 => 0,
            size => size + 1,
        }
    }
}

/// 1 if the policy takes verdicts on origins that nothing in it matches (origin_predicate),
/// otherwise 0; 0 for NULL. Never changes. A server whose configuration names a source of verdicts
/// learns here whether it is ever asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_has_origin_predicate(
    policy: *const crossgate_policy,
) -> i32 {
    guard_or(0, || {
        // SAFETY: NULL or a policy of this library that is not freed.
        unsafe { borrow(policy) }
            .map_or(0, |policy| i32::from(policy.policy.has_origin_predicate()))
    })
}

/// A short name for what the policy says, for logs and metrics: 16 hexadecimal digits. Equal
/// policies have the same, in every process and language of one version of crossgate. No security
/// feature. Lives as long as the policy; never NULL, empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_digest(policy: *const crossgate_policy) -> *const c_char {
    guard_or(c"".as_ptr(), || {
        // SAFETY: NULL or a policy of this library that is not freed.
        unsafe { borrow(policy) }.map_or(c"".as_ptr(), |policy| policy.digest.as_ptr().cast())
    })
}

/// The number of warnings: what is worth a look though the policy is built. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_warning_count(policy: *const crossgate_policy) -> usize {
    guard_or(0, || {
        // SAFETY: NULL or a policy of this library that is not freed.
        unsafe { borrow(policy) }.map_or(0, |policy| policy.warnings.len())
    })
}

/// Fills in one warning; index counts from 0. Its strings live as long as the policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_warning(
    policy: *const crossgate_policy,
    index: usize,
    problem: *mut crossgate_problem,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a policy of this library that is not freed.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's struct.
        unsafe { fill(&policy.warnings, index, problem) }
    })
}

/// The number of notes: what is true of the policy and needs nothing done. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_note_count(policy: *const crossgate_policy) -> usize {
    guard_or(0, || {
        // SAFETY: NULL or a policy of this library that is not freed.
        unsafe { borrow(policy) }.map_or(0, |policy| policy.notes.len())
    })
}

/// Fills in one note; otherwise as crossgate_policy_warning().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_note(
    policy: *const crossgate_policy,
    index: usize,
    problem: *mut crossgate_problem,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a policy of this library that is not freed.
        let policy = unsafe { borrow(policy) }?;
        // SAFETY: NULL or the caller's struct.
        unsafe { fill(&policy.notes, index, problem) }
    })
}

/// How many warnings and notes were counted and cannot be had, because there were more than 1,000.
/// 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_omitted_problems(
    policy: *const crossgate_policy,
) -> usize {
    guard_or(0, || {
        // SAFETY: NULL or a policy of this library that is not freed.
        unsafe { borrow(policy) }.map_or(0, |policy| policy.policy.omitted_problems())
    })
}

/// Writes the canonical document as JSON text: every option, origins as browsers write them. A
/// policy built from it is equal to this one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_policy_document_json(
    policy: *const crossgate_policy,
    buffer: *mut c_char,
    buffer_size: usize,
    length: *mut usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: the caller's outputs.
        let mut buffer = unsafe { Buffer::new(buffer, buffer_size, length) }?;
        // SAFETY: NULL or a policy of this library that is not freed.
        let policy = unsafe { borrow(policy) }?;
        buffer.put(documents::to_json(&policy.policy)?.as_bytes());
        buffer.finish()
    })
}
