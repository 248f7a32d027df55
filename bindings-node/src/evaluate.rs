//! The way of every request: a raw Node-API function with the policy bound to it as its `data`. A `#[napi]` method
//! costs ten times as much, and `lib/policy.cjs` asks once a request.
//!
//! In: what is asked, the method, the lines of the five request headers. Out: one string that spells the decision
//! (see [`spell`]).

use std::borrow::Cow;
use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::Arc;

use crossgate::{Action, Decision, HeaderName, Kind, Policy, Reason, Request, ResponseHeaders, Source, Verdict};
use napi::bindgen_prelude::{Either, FromNapiValue, ToNapiValue, Unknown};
use napi::sys::{self, napi_callback_info, napi_env, napi_value};
use napi::{Env, Error, Result};
use napi_derive::napi;

/// The request headers in the order of the arguments. Which of them counts for what is the engine's matter.
const REQUEST_HEADERS: [&str; 5] =
    ["origin", "access-control-request-method", "access-control-request-headers", "access-control-request-private-network", "sec-fetch-site"];

const KINDS: [Kind; 3] = [Kind::NotCors, Kind::Actual, Kind::Preflight];
const ACTIONS: [Action; 3] = [Action::Forward, Action::Answer, Action::Reject];
const RESPONSE_HEADERS: [HeaderName; 8] = [
    HeaderName::AllowOrigin,
    HeaderName::AllowCredentials,
    HeaderName::AllowMethods,
    HeaderName::AllowHeaders,
    HeaderName::ExposeHeaders,
    HeaderName::MaxAge,
    HeaderName::AllowPrivateNetwork,
    HeaderName::Vary,
];

/// What the letters of a spelled decision stand for.
#[napi(object, object_from_js = false)]
pub(crate) struct Alphabet {
    pub request_headers: Vec<&'static str>,
    pub kinds: Vec<&'static str>,
    pub reasons: Vec<&'static str>,
    pub actions: Vec<&'static str>,
    pub response_headers: Vec<&'static str>,
}

/// The tables that `lib/policy.cjs` reads decisions with.
#[napi(catch_unwind)]
pub(crate) fn alphabet() -> Alphabet {
    Alphabet {
        request_headers: REQUEST_HEADERS.to_vec(),
        kinds: KINDS.map(Kind::as_str).to_vec(),
        reasons: Reason::ALL.map(Reason::as_str).to_vec(),
        actions: ACTIONS.map(Action::as_str).to_vec(),
        response_headers: RESPONSE_HEADERS.map(HeaderName::lower).to_vec(),
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
    size: i64,
}

/// Makes the function for a policy: `(what, verdict, method, ...lines of the five headers, response?)`. `what` is 0 to
/// evaluate, 1 to apply the decision to `response` (name, value, name, value, …), 2 for the origin that the host is
/// asked about. It keeps the policy alive, and tells the garbage collector how much memory hangs on it.
pub(crate) fn function<'env>(env: &'env Env, policy: Arc<Policy>, size: usize) -> Result<Unknown<'env>> {
    let bound = Box::into_raw(Box::new(Bound { policy, size: i64::try_from(size).unwrap_or(i64::MAX) }));
    let mut function = null_mut();
    // SAFETY: `env` is the current one; `bound` is freed by `release` alone, which runs once, when the function object
    // is gone and cannot be called any more, or right here if that was never arranged.
    unsafe {
        let raw = env.raw();
        let mut status = sys::napi_create_function(raw, c"evaluate".as_ptr(), 8, Some(call), bound.cast(), &mut function);
        if status == sys::Status::napi_ok {
            status = sys::napi_add_finalizer(raw, function, bound.cast(), Some(release), null_mut(), null_mut());
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

const ARGUMENTS: usize = 9;

/// # Safety
/// `env` and `info` are those of a call of a [`function`].
unsafe fn answer(env: napi_env, info: napi_callback_info) -> Result<napi_value> {
    let mut arguments = [null_mut(); ARGUMENTS];
    let mut count = ARGUMENTS;
    let mut data = null_mut();
    // SAFETY: `arguments` has room for `count`; Node fills what is missing with undefined. `data` is the live `Bound`.
    let bound = unsafe {
        check(sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), null_mut(), &mut data))?;
        &*data.cast::<Bound>()
    };
    let [what, verdict_number, method, headers @ .., response] = arguments;
    let mut buffer = [0; 1024];
    let mut room = &mut buffer[..];
    // SAFETY: the values are this call's arguments.
    unsafe {
        let method = text(env, method, &mut room)?.unwrap_or_default();
        let mut lines: [Lines<'_>; REQUEST_HEADERS.len()] = Default::default();
        for (lines, value) in lines.iter_mut().zip(headers) {
            *lines = read_lines(env, value, &mut room)?;
        }
        let mut request = Request::new(&*method);
        for (name, lines) in REQUEST_HEADERS.iter().zip(&lines) {
            lines.as_slice().iter().for_each(|line| request.push(name.as_bytes(), line));
        }
        let what = integer(env, what)?;
        #[cfg(feature = "panic-test")]
        assert!(what != 99, "on purpose");
        if what == 2 {
            return Option::to_napi_value(env, bound.policy.asks_host(&request));
        }
        let verdict = verdict(integer(env, verdict_number)?);
        let decision = bound.policy.evaluate_with(&request, verdict).map_err(|error| Error::from_reason(error.to_string()))?;
        if what == 1 {
            let mut response = Response::new(Vec::from_napi_value(env, response)?);
            decision.apply(&mut response);
            return Vec::to_napi_value(env, response.into_plain());
        }
        let spelled = spell(&decision);
        let mut value = null_mut();
        check(sys::napi_create_string_latin1(env, spelled.as_ptr().cast(), spelled.len() as isize, &mut value))?;
        Ok(value)
    }
}

fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok { Ok(()) } else { Err(Error::from_status(status.into())) }
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
unsafe fn read_lines<'b>(env: napi_env, value: napi_value, room: &mut &'b mut [u8]) -> Result<Lines<'b>> {
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
unsafe fn text<'b>(env: napi_env, value: napi_value, room: &mut &'b mut [u8]) -> Result<Option<Cow<'b, [u8]>>> {
    let mut length = 0;
    // Read as UTF-8, because Node-API's own Latin-1 drops the high bytes: U+0161 would become `a`.
    // SAFETY: at most `room.len()` bytes are written.
    let status = unsafe { sys::napi_get_value_string_utf8(env, value, room.as_mut_ptr().cast(), room.len(), &mut length) };
    if status == sys::Status::napi_string_expected {
        return Ok(None);
    }
    check(status)?;
    // The NUL takes a byte, and a character of up to four is not split: with less left over it may be cut short.
    if length + 4 < room.len() {
        let (bytes, rest) = std::mem::take(room).split_at_mut(length);
        *room = rest;
        return Ok(Some(latin1(bytes)));
    }
    // SAFETY: the length is asked for first, and the buffer is as long, with its NUL.
    let bytes = unsafe {
        check(sys::napi_get_value_string_utf8(env, value, null_mut(), 0, &mut length))?;
        let mut bytes = vec![0; length + 1];
        check(sys::napi_get_value_string_utf8(env, value, bytes.as_mut_ptr().cast(), bytes.len(), &mut length))?;
        bytes.truncate(length);
        bytes
    };
    Ok(Some(Cow::Owned(latin1(&bytes).into_owned())))
}

/// UTF-8 as Latin-1. What Latin-1 cannot say becomes a byte that no origin, method or header name has.
pub(crate) fn latin1(utf8: &[u8]) -> Cow<'_, [u8]> {
    if utf8.is_ascii() {
        return Cow::Borrowed(utf8);
    }
    String::from_utf8_lossy(utf8).chars().map(|c| u8::try_from(c).unwrap_or(0xff)).collect()
}

/// The decision in one string. First the head, a character each: whether it is made of the policy's own text alone, so
/// that it may be kept; kind; reason; action; allowed (`t`, `f`, `n`); three digits of status, then a letter for each
/// header to remove. Then a line for each header: a letter for its name, a capital if the value is not the policy's
/// own text, and the value. Letters count from `a`.
fn spell(decision: &Decision<'_>) -> String {
    let own = decision.headers().all(|header| header.source == Source::Policy);
    let mut out = String::with_capacity(512);
    out.push(if own { 'p' } else { 'r' });
    out.push(letter(&KINDS, decision.kind()));
    out.push(letter(&Reason::ALL, decision.reason()));
    out.push(letter(&ACTIONS, decision.action()));
    out.push(match decision.allowed() {
        Some(true) => 't',
        Some(false) => 'f',
        None => 'n',
    });
    let status = decision.status().unwrap_or(0);
    out.extend([status / 100, status / 10, status].map(|number| char::from(b'0' + (number % 10) as u8)));
    out.extend(decision.remove().iter().map(|name| letter(&RESPONSE_HEADERS, *name)));
    for header in decision.headers() {
        out.push('\n');
        let name = letter(&RESPONSE_HEADERS, header.name);
        out.push(if header.source == Source::Policy { name } else { name.to_ascii_uppercase() });
        out.push_str(header.value);
    }
    out
}

fn letter<T: PartialEq>(of: &[T], item: T) -> char {
    let index = of.iter().position(|known| *known == item).unwrap_or(25);
    char::from(b'a' + index as u8)
}

/// A response's headers. Lines that the decision leaves alone are given back by their place, so that values which are
/// no strings survive in JavaScript.
struct Response {
    lines: Vec<Line>,
}

struct Line {
    place: Option<u32>,
    name: String,
    value: String,
}

impl Response {
    fn new(flat: Vec<String>) -> Self {
        let mut flat = flat.into_iter();
        let pairs = std::iter::from_fn(|| Some((flat.next()?, flat.next()?)));
        Response { lines: pairs.zip(0..).map(|((name, value), place)| Line { place: Some(place), name, value }).collect() }
    }

    fn into_plain(self) -> Vec<Either<u32, Vec<String>>> {
        self.lines.into_iter().map(|line| line.place.map_or_else(|| Either::B(vec![line.name, line.value]), Either::A)).collect()
    }
}

impl ResponseHeaders for Response {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.lines.iter().filter(|line| line.name.eq_ignore_ascii_case(name.lower())).map(|line| line.value.clone()).collect()
    }

    fn remove(&mut self, name: HeaderName) {
        self.lines.retain(|line| !line.name.eq_ignore_ascii_case(name.lower()));
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        ResponseHeaders::remove(self, name);
        self.lines.push(Line { place: None, name: name.lower().to_owned(), value: value.to_owned() });
    }
}
