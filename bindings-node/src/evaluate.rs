//! The way of every request: a raw Node-API function with the policy bound to it as its `data`. A
//! `#[napi]` method costs ten times as much, and the package calls this once a request.
//!
//! It takes what is asked, a verdict, the method and the lines of the five request headers. It
//! returns a decision as [`encode`] writes it, or what the other questions say.

use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::Arc;

use crossgate::{Decision, Evaluation, HeaderOp, Policy, Reason, Request, SharedPolicy, binding};
use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, Unknown};
use napi::sys::{self, napi_callback_info, napi_env, napi_value};
use napi::{Env, Error, Result};

use crate::arguments::{Lines, check, integer, read_lines, text, verdict};
use crate::encode::{encode, encode_open, number};
use crate::value;

/// What is asked: the encoded decision under the verdict.
pub(crate) const ENCODE: i32 = 0;
/// What is asked: the decision as a number if it has one, or else encoded; or the open evaluation,
/// encoded, if the application has to judge the origin.
pub(crate) const BEGIN: i32 = 1;
/// What is asked: the origin that the application has to judge, or null.
pub(crate) const NEEDS_VERDICT: i32 = 2;
/// What is asked: what [`applied`] says of a response's headers.
pub(crate) const APPLY: i32 = 3;
/// What is asked: whether the shadow policy decides otherwise.
pub(crate) const DIFFERS: i32 = 4;
/// What is asked: what a log shows of the request, escaped: the name at fault, or null, and the
/// origin, or null. In the place of the verdict stands the number of the decision's reason.
pub(crate) const SHOWN: i32 = 5;

struct Bound {
    policy: Arc<Policy>,
    /// The policy with the shadow beside it, for [`DIFFERS`].
    shadowed: Option<SharedPolicy>,
    /// For each of the policy's header sets, whether it is the same in every decision.
    is_constant: Vec<bool>,
    size: i64,
}

/// Makes the function for a policy: `(what, verdict, method, ...lines of the five headers)`, and
/// for [`APPLY`] the response's headers: name, value, name, value, … It keeps the policy alive, and
/// tells the garbage collector how much memory hangs on it.
pub(crate) fn function<'env>(
    env: &'env Env,
    policy: Arc<Policy>,
    shadow: Option<Arc<Policy>>,
    size: usize,
) -> Result<Unknown<'env>> {
    let is_constant = policy.header_sets().map(|set| set.is_constant()).collect();
    let shadowed = shadow.map(|shadow| {
        let shared = SharedPolicy::new(Arc::clone(&policy));
        shared.set_shadow(Some(shadow));
        shared
    });
    let bound = Box::into_raw(Box::new(Bound {
        policy,
        shadowed,
        is_constant,
        size: i64::try_from(size).unwrap_or(i64::MAX),
    }));
    let mut function = null_mut();
    // SAFETY: `env` is the current one; `bound` is freed by `release` alone, which runs once, when
    // the function object is gone and cannot be called any more, or right here if that was never
    // arranged.
    unsafe {
        let raw = env.raw();
        let mut status = sys::napi_create_function(
            raw,
            c"evaluate".as_ptr(),
            8,
            Some(call),
            bound.cast(),
            &mut function,
        );
        if status == sys::Status::napi_ok {
            status = sys::napi_add_finalizer(
                raw,
                function,
                bound.cast(),
                Some(release),
                null_mut(),
                null_mut(),
            );
        }
        if status != sys::Status::napi_ok {
            drop(Box::from_raw(bound));
            return Err(Error::from_reason("no function for the policy"));
        }
        sys::napi_adjust_external_memory(raw, (*bound).size, &mut 0);
        Ok(Unknown::from_raw_unchecked(raw, function))
    }
}

/// # Safety
/// Called by Node with the `data` of [`function`].
unsafe extern "C" fn release(env: napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: see `function`.
    unsafe {
        let bound = Box::from_raw(data.cast::<Bound>());
        sys::napi_adjust_external_memory(env, -bound.size, &mut 0);
    }
}

/// # Safety
/// Called by Node.
unsafe extern "C" fn call(env: napi_env, info: napi_callback_info) -> napi_value {
    // SAFETY: Node's own arguments are passed on.
    let answer = catch_unwind(AssertUnwindSafe(|| unsafe { answer(env, info) }));
    let message = match answer {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => error.reason.to_string(),
        Err(_) => "crossgate panicked: please report this".to_owned(),
    };
    let message = CString::new(message).unwrap_or_default();
    // SAFETY: both texts end in NUL.
    unsafe { sys::napi_throw_error(env, null_mut(), message.as_ptr()) };
    null_mut()
}

const ARGUMENTS: usize = 4 + Request::NAMES.len();

/// # Safety
/// `env` and `info` are those of a call of a [`function`].
unsafe fn answer(env: napi_env, info: napi_callback_info) -> Result<napi_value> {
    let mut arguments = [null_mut(); ARGUMENTS];
    let mut count = ARGUMENTS;
    let mut data = null_mut();
    // SAFETY: `arguments` has room for `count`; Node fills what is missing with undefined. `data`
    // is the live `Bound`.
    let bound = unsafe {
        check(sys::napi_get_cb_info(
            env,
            info,
            &mut count,
            arguments.as_mut_ptr(),
            null_mut(),
            &mut data,
        ))?;
        &*data.cast::<Bound>()
    };
    let [what, verdict_number, method, headers @ .., response] = arguments;
    let mut buffer = [0; 1024];
    let mut room = &mut buffer[..];
    // SAFETY: the values are this call's arguments.
    unsafe {
        let method = text(env, method, &mut room)?.unwrap_or_default();
        let mut lines: [Lines<'_>; Request::NAMES.len()] = Default::default();
        for (lines, value) in lines.iter_mut().zip(headers) {
            *lines = read_lines(env, value, &mut room)?;
        }
        let mut request = Request::new(&*method);
        for (name, lines) in Request::NAMES.iter().zip(&lines) {
            lines
                .as_slice()
                .iter()
                .for_each(|line| request.push(name.as_bytes(), line));
        }
        let what = integer(env, what)?;
        #[cfg(feature = "test-hooks")]
        assert!(what != 99, "on purpose");
        if what == BEGIN {
            return match bound.policy.begin(&request) {
                Evaluation::Decided(decision) if bound.is_constant[decision.header_set()] => {
                    ToNapiValue::to_napi_value(env, number(&decision))
                }
                Evaluation::Decided(decision) => latin1_text(env, &encode(&decision)),
                Evaluation::NeedsVerdict(open) => latin1_text(env, &encode_open(&open)),
            };
        }
        if what == NEEDS_VERDICT {
            return Option::to_napi_value(env, bound.policy.needs_verdict(&request));
        }
        if what == SHOWN {
            let reason = usize::try_from(integer(env, verdict_number)?).unwrap_or(usize::MAX);
            let Some(reason) = Reason::ALL.get(reason) else {
                return Err(Error::from_reason("no reason has this number"));
            };
            let (name, origin) = binding::shown(&bound.policy, &request, *reason);
            return ToNapiValue::to_napi_value(env, vec![name, origin]);
        }
        let verdict = verdict(integer(env, verdict_number)?);
        let refused = |error: crossgate::VerdictError| Error::from_reason(error.to_string());
        if what == DIFFERS {
            let difference = bound
                .shadowed
                .as_ref()
                .map(|shared| shared.load().shadow_difference(&request, verdict));
            let difference = difference.transpose().map_err(refused)?.flatten();
            return ToNapiValue::to_napi_value(env, difference.is_some());
        }
        let decision = bound
            .policy
            .evaluate_with(&request, verdict)
            .map_err(refused)?;
        if what == APPLY {
            let said = value::pairs(Vec::from_napi_value(env, response)?).collect();
            return ToNapiValue::to_napi_value(env, applied(&decision, said));
        }
        latin1_text(env, &encode(&decision))
    }
}

/// A string whose bytes are Latin-1 for JavaScript.
///
/// # Safety
/// `env` is that of the current call.
unsafe fn latin1_text(env: napi_env, text: &str) -> Result<napi_value> {
    let mut value = null_mut();
    // SAFETY: as the caller says.
    check(unsafe {
        sys::napi_create_string_latin1(env, text.as_ptr().cast(), text.len() as isize, &mut value)
    })?;
    Ok(value)
}

/// What a response says after the decision, and what it said of CORS and does not say any more;
/// both flat.
fn applied(decision: &Decision<'_>, said: Vec<(String, String)>) -> Vec<Vec<String>> {
    let mut says = said.clone();
    decision.apply(&mut says);
    let is_merged = |name: &str| {
        decision.headers().any(|header| {
            header.op == HeaderOp::Merge && name.eq_ignore_ascii_case(header.name.lower())
        })
    };
    let overwritten = said
        .into_iter()
        .filter(|line| !says.contains(line) && !is_merged(&line.0))
        .flat_map(<[String; 2]>::from)
        .collect();
    vec![
        says.into_iter().flat_map(<[String; 2]>::from).collect(),
        overwritten,
    ]
}
