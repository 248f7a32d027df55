//! A policy from single options, for servers with a configuration language of their own.

use std::ffi::c_char;

use crossgate::{Document, OptionValue, Policy};

use crate::error::crossgate_error;
use crate::policy::{crossgate_policy, give, invalid};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, Outcome, crossgate_status, guard,
    guard_or,
};
use crate::text::utf8;

/// Options on their way to a policy. Mutable: one thread at a time. The caller's own, until
/// crossgate_builder_free().
pub struct crossgate_builder {
    options: Vec<(String, OptionValue)>,
}

/// # Safety
/// `builder` is NULL or a builder of this library that no other thread uses while `'a` lasts;
/// `name` is as for [`utf8`].
unsafe fn arguments<'a>(
    builder: *mut crossgate_builder,
    name: *const c_char,
    name_len: usize,
) -> Outcome<(&'a mut crossgate_builder, &'a str)> {
    // SAFETY: this function's own contract.
    unsafe {
        Ok((
            builder.as_mut().ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?,
            utf8(name, name_len)?,
        ))
    }
}

impl crossgate_builder {
    fn find(&mut self, name: &str) -> Option<&mut OptionValue> {
        self.options
            .iter_mut()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    fn set(&mut self, name: &str, value: OptionValue) {
        match self.find(name) {
            Some(old) => *old = value,
            None => self.options.push((name.to_owned(), value)),
        }
    }
}

/// Makes a builder without options. On success *builder is the caller's, until
/// crossgate_builder_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_new(
    builder: *mut *mut crossgate_builder,
) -> crossgate_status {
    guard(|| {
        if builder.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write.
        unsafe {
            builder.write(Box::into_raw(Box::new(crossgate_builder {
                options: Vec::new(),
            })))
        };
        Ok(())
    })
}

/// Sets an option that is true (1) or false (0), like "allow_credentials"; other numbers are
/// CROSSGATE_ERR_INVALID_ARGUMENT. Names are those of the policy document. A value replaces the one
/// that the option had; names and values are copied. Whether there is such an option and what it
/// may be, crossgate_builder_build() judges for all options at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_set_bool(
    builder: *mut crossgate_builder,
    name: *const c_char,
    name_len: usize,
    value: i32,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a builder of this library that this thread alone uses, and the caller's
        // text.
        let (builder, name) = unsafe { arguments(builder, name, name_len) }?;
        let value = match value {
            0 => false,
            1 => true,
            _ => return Err(CROSSGATE_ERR_INVALID_ARGUMENT),
        };
        builder.set(name, OptionValue::Bool(value));
        Ok(())
    })
}

/// Sets an option that is a number, like "max_age"; otherwise as crossgate_builder_set_bool().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_set_integer(
    builder: *mut crossgate_builder,
    name: *const c_char,
    name_len: usize,
    value: i64,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a builder of this library that this thread alone uses, and the caller's
        // text.
        let (builder, name) = unsafe { arguments(builder, name, name_len) }?;
        builder.set(name, OptionValue::Int(value));
        Ok(())
    })
}

/// Sets an option that is text in UTF-8, like "denied_actual", or "*" for one that is a list;
/// otherwise as crossgate_builder_set_bool().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_set_string(
    builder: *mut crossgate_builder,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a builder of this library that this thread alone uses, and the caller's
        // texts.
        let ((builder, name), value) =
            unsafe { (arguments(builder, name, name_len)?, utf8(value, value_len)?) };
        builder.set(name, value.into());
        Ok(())
    })
}

/// Adds one text in UTF-8 to an option that is a list, like "allow_origins"; the first one starts
/// the list. An option that was set to something else than a list is
/// CROSSGATE_ERR_INVALID_ARGUMENT; otherwise as crossgate_builder_set_bool().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_add(
    builder: *mut crossgate_builder,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a builder of this library that this thread alone uses, and the caller's
        // texts.
        let ((builder, name), value) =
            unsafe { (arguments(builder, name, name_len)?, utf8(value, value_len)?) };
        match builder.find(name) {
            Some(OptionValue::List(list)) => list.push(value.into()),
            Some(_) => return Err(CROSSGATE_ERR_INVALID_ARGUMENT),
            None => builder.set(name, OptionValue::List(vec![value.into()])),
        }
        Ok(())
    })
}

/// Takes an option back, so that it has its default again; one that was never set is CROSSGATE_OK
/// too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_unset(
    builder: *mut crossgate_builder,
    name: *const c_char,
    name_len: usize,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or a builder of this library that this thread alone uses, and the caller's
        // text.
        let (builder, name) = unsafe { arguments(builder, name, name_len) }?;
        builder.options.retain(|(known, _)| known != name);
        Ok(())
    })
}

/// Builds a policy from the options. Every unknown name, wrong type and wrong value is a problem of
/// the *error. On success *policy is the caller's, with one reference; otherwise as
/// crossgate_policy_from_json(). The builder stays as it is, can be changed and built again, and
/// must still be freed. Works in a build without the document formats too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_build(
    builder: *const crossgate_builder,
    policy: *mut *mut crossgate_policy,
    error: *mut *mut crossgate_error,
) -> crossgate_status {
    guard(|| {
        let build = || {
            // SAFETY: NULL or a builder of this library that is not changed during the call.
            let builder = unsafe { builder.as_ref() }.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?;
            let mut document = Document::new();
            for (name, value) in &builder.options {
                document.push(name.as_str(), value.clone());
            }
            Ok(Policy::from_document(&document).map_err(|error| invalid(&error)))
        };
        // SAFETY: the caller's outputs.
        unsafe { give(policy, error, build) }
    })
}

/// Frees a builder; policies that it built stay. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_builder_free(builder: *mut crossgate_builder) {
    guard_or((), || {
        if !builder.is_null() {
            // SAFETY: it came from `Box::into_raw` in `crossgate_builder_new`, and the caller gives
            // it up.
            drop(unsafe { Box::from_raw(builder) });
        }
    });
}
