//! The arguments of a policy's function, read from JavaScript's values.

use std::borrow::Cow;
use std::ptr::null_mut;

use crossgate::Verdict;
use napi::sys::{self, napi_env, napi_value};
use napi::{Error, Result};

/// 0: none, 1: allow, otherwise deny.
pub(crate) fn verdict(number: i32) -> Option<Verdict> {
    match number {
        0 => None,
        1 => Some(Verdict::Allow),
        _ => Some(Verdict::Deny),
    }
}

pub(crate) fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Error::from_status(status.into()))
    }
}

pub(crate) unsafe fn integer(env: napi_env, value: napi_value) -> Result<i32> {
    let mut number = 0;
    // SAFETY: `value` is an argument of the current call.
    check(unsafe { sys::napi_get_value_int32(env, value, &mut number) })?;
    Ok(number)
}

/// The lines of one header.
#[derive(Default)]
pub(crate) enum Lines<'b> {
    #[default]
    None,
    One([Cow<'b, [u8]>; 1]),
    Many(Vec<Cow<'b, [u8]>>),
}

impl<'b> Lines<'b> {
    pub(crate) fn as_slice(&self) -> &[Cow<'b, [u8]>] {
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
pub(crate) unsafe fn read_lines<'b>(
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
pub(crate) unsafe fn text<'b>(
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
