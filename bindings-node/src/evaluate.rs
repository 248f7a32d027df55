//! The way of every request: a raw Node-API function with the policy bound to it as its `data`. A
//! `#[napi]` method costs ten times as much, and `lib/policy.cjs` asks once a request.
//!
//! In: what is asked, the method, the lines of the five request headers. Out: one string that
//! spells the decision (see [`spell`]), or a number for a decision that has no text of its own (see
//! [`number`]), or the decision carried out on a response's headers.

use std::borrow::Cow;
use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::Arc;

use crossgate::{
    Action, Decision, HeaderName, Kind, Op, Policy, PreparedValue, Reason, Request, Source, Verdict,
};
use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, Unknown};
use napi::sys::{self, napi_callback_info, napi_env, napi_value};
use napi::{Env, Error, Result};
use napi_derive::napi;

use crate::value;

/// What is asked of a policy's function: the numbers that [`function`] takes first.
#[napi(object, object_from_js = false)]
pub(crate) struct Questions {
    pub spell: i32,
    pub number: i32,
    pub ask: i32,
    pub apply: i32,
}

/// What the letters of a spelled decision stand for.
#[napi(object, object_from_js = false)]
pub(crate) struct Alphabet {
    pub questions: Questions,
    pub request_headers: Vec<&'static str>,
    pub kinds: Vec<&'static str>,
    pub reasons: Vec<&'static str>,
    pub actions: Vec<&'static str>,
    pub response_headers: Vec<&'static str>,
}

/// The tables that the package asks and reads decisions with.
#[napi(catch_unwind)]
pub(crate) fn alphabet() -> Alphabet {
    Alphabet {
        questions: Questions {
            spell: SPELL,
            number: NUMBER,
            ask: ASK,
            apply: APPLY,
        },
        request_headers: Request::NAMES.to_vec(),
        kinds: Kind::ALL.map(Kind::as_str).to_vec(),
        reasons: Reason::ALL.map(Reason::as_str).to_vec(),
        actions: Action::ALL.map(Action::as_str).to_vec(),
        response_headers: HeaderName::ALL.map(HeaderName::lower).to_vec(),
    }
}

/// 0: none, 1: allow, otherwise deny.
pub(crate) fn verdict(number: i32) -> Option<Verdict> {
    match number {
        0 => None,
        1 => Some(Verdict::Allow),
        _ => Some(Verdict::Deny),
    }
}

struct Bound {
    policy: Arc<Policy>,
    /// For each of the policy's prepared header sets, whether it is the same in every decision.
    fixed: Vec<bool>,
    size: i64,
}

/// What is asked: the spelled decision.
const SPELL: i32 = 0;
/// What is asked: the decision's number if it has one (or else its spelling).
const NUMBER: i32 = 1;
/// What is asked: the origin that the host has to judge.
const ASK: i32 = 2;
/// What is asked: what [`applied`] says of a response's headers.
const APPLY: i32 = 3;

/// Makes the function for a policy: `(what, verdict, method, ...lines of the five headers)`, and
/// for [`APPLY`] the response's headers: name, value, name, value, … It keeps the policy alive, and
/// tells the garbage collector how much memory hangs on it.
pub(crate) fn function<'env>(
    env: &'env Env,
    policy: Arc<Policy>,
    size: usize,
) -> Result<Unknown<'env>> {
    let fixed = policy
        .prepared()
        .map(|(mut headers, _)| {
            headers.all(|(_, _, value)| matches!(value, PreparedValue::Fixed(_)))
        })
        .collect();
    let bound = Box::into_raw(Box::new(Bound {
        policy,
        fixed,
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
        #[cfg(feature = "panic-test")]
        assert!(what != 99, "on purpose");
        if what == ASK {
            return Option::to_napi_value(env, bound.policy.asks_host(&request));
        }
        let verdict = verdict(integer(env, verdict_number)?);
        let decision = bound
            .policy
            .evaluate_with(&request, verdict)
            .map_err(|error| Error::from_reason(error.to_string()))?;
        if what == APPLY {
            let said = value::pairs(Vec::from_napi_value(env, response)?).collect();
            return ToNapiValue::to_napi_value(env, applied(&decision, said));
        }
        let mut value = null_mut();
        if what == NUMBER && bound.fixed[decision.prepared()] {
            check(sys::napi_create_uint32(env, number(&decision), &mut value))?;
            return Ok(value);
        }
        let spelled = spell(&decision);
        check(sys::napi_create_string_latin1(
            env,
            spelled.as_ptr().cast(),
            spelled.len() as isize,
            &mut value,
        ))?;
        Ok(value)
    }
}

/// What a response says after the decision, and what it said of CORS and does not say any more;
/// both flat.
fn applied(decision: &Decision<'_>, said: Vec<(String, String)>) -> Vec<Vec<String>> {
    let mut says = said.clone();
    decision.apply(&mut says);
    let is_merged = |name: &str| {
        decision
            .headers()
            .any(|header| header.op == Op::Merge && name.eq_ignore_ascii_case(header.name.lower()))
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

fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Error::from_status(status.into()))
    }
}

unsafe fn integer(env: napi_env, value: napi_value) -> Result<i32> {
    let mut number = 0;
    // SAFETY: `value` is an argument of the current call.
    check(unsafe { sys::napi_get_value_int32(env, value, &mut number) })?;
    Ok(number)
}

/// The lines of one header.
#[derive(Default)]
enum Lines<'b> {
    #[default]
    None,
    One([Cow<'b, [u8]>; 1]),
    Many(Vec<Cow<'b, [u8]>>),
}

impl<'b> Lines<'b> {
    fn as_slice(&self) -> &[Cow<'b, [u8]>] {
        match self {
            Lines::None => &[],
            Lines::One(line) => line,
            Lines::Many(lines) => lines,
        }
    }
}

/// Undefined, a string, or an array of strings.
///
/// # Safety
/// `value` is an argument of the current call.
unsafe fn read_lines<'b>(
    env: napi_env,
    value: napi_value,
    room: &mut &'b mut [u8],
) -> Result<Lines<'b>> {
    let mut kind = 0;
    // SAFETY: as the caller says; elements of an argument live as long as the call.
    unsafe {
        check(sys::napi_typeof(env, value, &mut kind))?;
        if kind == sys::ValueType::napi_undefined {
            return Ok(Lines::None);
        }
        if let Some(line) = text(env, value, room)? {
            return Ok(Lines::One([line]));
        }
        let mut length = 0;
        check(sys::napi_get_array_length(env, value, &mut length))?;
        let mut lines = Vec::new();
        for index in 0..length {
            let mut element = null_mut();
            check(sys::napi_get_element(env, value, index, &mut element))?;
            lines.push(text(env, element, room)?.unwrap_or_default());
        }
        Ok(Lines::Many(lines))
    }
}

/// A string as Latin-1 bytes, in `room` if it fits; `None` if the value is no string.
///
/// # Safety
/// `value` lives as long as the current call.
unsafe fn text<'b>(
    env: napi_env,
    value: napi_value,
    room: &mut &'b mut [u8],
) -> Result<Option<Cow<'b, [u8]>>> {
    let mut length = 0;
    // Read as UTF-8, because Node-API's own Latin-1 drops the high bytes: U+0161 would become `a`.
    // SAFETY: at most `room.len()` bytes are written.
    let status = unsafe {
        sys::napi_get_value_string_utf8(
            env,
            value,
            room.as_mut_ptr().cast(),
            room.len(),
            &mut length,
        )
    };
    if status == sys::Status::napi_string_expected {
        return Ok(None);
    }
    check(status)?;
    // The NUL takes a byte, and a character of up to four is not split: with less left over it may
    // be cut short.
    if length + 4 < room.len() {
        let (bytes, rest) = std::mem::take(room).split_at_mut(length);
        *room = rest;
        return Ok(Some(latin1(bytes)));
    }
    // SAFETY: the length is asked for first, and the buffer is as long, with its NUL.
    let bytes = unsafe {
        check(sys::napi_get_value_string_utf8(
            env,
            value,
            null_mut(),
            0,
            &mut length,
        ))?;
        let mut bytes = vec![0; length + 1];
        check(sys::napi_get_value_string_utf8(
            env,
            value,
            bytes.as_mut_ptr().cast(),
            bytes.len(),
            &mut length,
        ))?;
        bytes.truncate(length);
        bytes
    };
    Ok(Some(Cow::Owned(latin1(&bytes).into_owned())))
}

/// UTF-8 as Latin-1. What Latin-1 cannot say becomes a byte that no origin, method or header name
/// has.
pub(crate) fn latin1(utf8: &[u8]) -> Cow<'_, [u8]> {
    if utf8.is_ascii() {
        return Cow::Borrowed(utf8);
    }
    String::from_utf8_lossy(utf8)
        .chars()
        .map(|c| u8::try_from(c).unwrap_or(0xff))
        .collect()
}

/// The number of a decision whose header values are all the policy's: decisions of one policy with
/// the same number are the same.
fn number(decision: &Decision<'_>) -> u32 {
    let kind = decision.kind() as usize * Action::ALL.len() + decision.action() as usize;
    let number = (decision.prepared() * Reason::ALL.len() + decision.reason() as usize)
        * (Kind::ALL.len() * Action::ALL.len())
        + kind;
    number as u32
}

/// The decision in one string. First the head, a character each: `p` if it is made of the policy's
/// own text alone, so that it may be kept, `o` if only the origin is, `r` otherwise; `k` if it
/// keeps what an upstream said, or `-`; kind; reason; action; allowed (`t`, `f`, `n`); three digits
/// of status, then a letter for each header to remove. Then a line for each header: a letter for
/// its name, a capital if the value is not the policy's own text, and the value. Letters count from
/// `a`.
fn spell(decision: &Decision<'_>) -> String {
    let owned = |header: &crossgate::Header<'_>| header.source == Source::Policy;
    let mut out = String::with_capacity(512);
    out.push(if decision.headers().all(|header| owned(&header)) {
        'p'
    } else if decision
        .headers()
        .all(|header| header.name != HeaderName::AllowOrigin || owned(&header))
    {
        'o'
    } else {
        'r'
    });
    out.push(if decision.keeps_upstream() { 'k' } else { '-' });
    out.push(letter(&Kind::ALL, decision.kind()));
    out.push(letter(&Reason::ALL, decision.reason()));
    out.push(letter(&Action::ALL, decision.action()));
    out.push(match decision.allowed() {
        Some(true) => 't',
        Some(false) => 'f',
        None => 'n',
    });
    let status = decision.status().unwrap_or(0);
    out.extend(
        [status / 100, status / 10, status].map(|number| char::from(b'0' + (number % 10) as u8)),
    );
    out.extend(
        decision
            .remove()
            .iter()
            .map(|name| letter(&HeaderName::ALL, *name)),
    );
    for header in decision.headers() {
        out.push('\n');
        let name = letter(&HeaderName::ALL, header.name);
        out.push(if header.source == Source::Policy {
            name
        } else {
            name.to_ascii_uppercase()
        });
        out.push_str(header.value);
    }
    out
}

fn letter<T: PartialEq>(of: &[T], item: T) -> char {
    let index = of.iter().position(|known| *known == item).unwrap_or(25);
    char::from(b'a' + index as u8)
}
