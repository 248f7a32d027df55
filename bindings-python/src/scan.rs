//! What of ASGI's scopes and messages is looked at in every request. Of header lists nearly all
//! pairs are of no interest, and cost no more than a look at the name.

use crossgate::HeaderName;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::request::{HeaderLines, is_name, is_text, pair, place, with_name};

/// Takes the lines that the engine reads from a list or tuple of pairs, and passes over whatever is
/// no pair. False if it is neither list nor tuple.
#[inline]
pub(crate) fn take_lines(headers: &Bound<'_, PyAny>, lines: &mut HeaderLines) -> bool {
    each(headers, place, |found| {
        if let Named::Wanted(place, value) = found {
            lines.take(place, value);
        }
    })
}

/// Whether one of a response's headers is one that a decision sets, merges or removes, or may be.
#[inline]
pub(crate) fn any_is_ours(headers: &Bound<'_, PyList>) -> bool {
    let mut found = false;
    each(headers.as_any(), of_decision, |_| found = true);
    found
}

#[inline]
fn of_decision(name: &[u8]) -> Option<()> {
    const LENGTHS: u64 = {
        let (mut bits, mut index) = (0, 0);
        while index < HeaderName::ALL.len() {
            bits |= 1 << HeaderName::ALL[index].lower().len();
            index += 1;
        }
        bits
    };
    let may_be = name.len() < 64 && LENGTHS >> name.len() & 1 == 1;
    (may_be
        && HeaderName::ALL
            .iter()
            .any(|known| is_name(name, known.lower())))
    .then_some(())
}

/// What [`each`] stops at.
enum Named<'a, 'py, W> {
    /// The value of a pair whose name is wanted, and what that says of it.
    Wanted(W, &'a Bound<'py, PyAny>),
    /// No pair, or one whose name is neither bytes nor str.
    Odd,
}

/// Calls `each` for every pair whose name is `wanted`, and for what is odd.
#[inline]
fn each<'py, W>(
    headers: &Bound<'py, PyAny>,
    wanted: impl Fn(&[u8]) -> Option<W> + Copy,
    mut each: impl FnMut(Named<'_, 'py, W>),
) -> bool {
    let look_at =
        |item: &Bound<'py, PyAny>, each: &mut dyn FnMut(Named<'_, 'py, W>)| match pair(item) {
            Some((name, value)) if is_text(&name) => {
                if let Some(wanted) = with_name(&name, wanted) {
                    each(Named::Wanted(wanted, &value));
                }
            }
            _ => each(Named::Odd),
        };
    if let Ok(list) = headers.cast::<PyList>() {
        let mut index = 0;
        while let Some((place, found)) = walk::of_interest(list, index, wanted) {
            match found {
                Found::Wanted(wanted, value) => each(Named::Wanted(wanted, &value)),
                Found::Other(item) => look_at(&item, &mut each),
            }
            index = place + 1;
        }
        return true;
    }
    let Ok(tuple) = headers.cast::<PyTuple>() else {
        return false;
    };
    tuple.iter().for_each(|item| look_at(&item, &mut each));
    true
}

/// What [`walk::of_interest`] stops at.
enum Found<'py, W> {
    /// The value of a pair whose name is wanted, and what that says of it.
    Wanted(W, Bound<'py, PyAny>),
    /// Anything but a pair with a name of bytes.
    Other(Bound<'py, PyAny>),
}

/// The `type` of a scope or message: its first entry, nearly always.
#[inline]
pub(crate) fn type_of<'py>(fields: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let key = intern!(fields.py(), "type");
    match walk::first_if(fields, key) {
        Some(value) => Ok(Some(value)),
        None => fields.get_item(key),
    }
}

/// Under the interpreter's lock no reference is counted for what is passed over.
#[cfg(not(any(Py_GIL_DISABLED, PyPy, GraalPy)))]
#[allow(unsafe_code)]
mod walk {
    use std::ptr;

    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyList, PyString};

    use super::Found;

    #[cfg(not(Py_LIMITED_API))]
    use ffi::{
        Py_SIZE as bytes_size, PyBytes_AS_STRING as bytes_start, PyList_GET_ITEM as list_item,
        PyList_GET_SIZE as list_size, PyTuple_GET_ITEM as tuple_item,
        PyTuple_GET_SIZE as tuple_size,
    };
    /// The stable interface has functions where the structures are not in sight.
    #[cfg(Py_LIMITED_API)]
    use ffi::{
        PyBytes_AsString as bytes_start, PyBytes_Size as bytes_size, PyList_GetItem as list_item,
        PyList_Size as list_size, PyTuple_GetItem as tuple_item, PyTuple_Size as tuple_size,
    };

    /// From `index` on the first that is anything but a pair whose name is bytes that are not
    /// wanted, and its place.
    #[inline]
    pub(super) fn of_interest<'py, W>(
        list: &Bound<'py, PyList>,
        mut index: usize,
        wanted: impl Fn(&[u8]) -> Option<W>,
    ) -> Option<(usize, Found<'py, W>)> {
        let py = list.py();
        let list = list.as_ptr();
        // SAFETY: a list that the caller holds; its length is below isize::MAX.
        while index < unsafe { list_size(list) } as usize {
            // SAFETY: the index is below the length. This thread holds the interpreter's lock (the
            // token `py`, and this is no build without that lock), and nothing below runs Python's
            // code: neither what reads an object of the type that was just checked, nor `wanted`,
            // which is given bytes and nothing else. So nobody changes the list or drops what is in
            // it until this block is left, and what leaves it has a reference of its own.
            unsafe {
                let item = list_item(list, index as ffi::Py_ssize_t);
                let mut bytes = None;
                if ffi::PyTuple_CheckExact(item) != 0 && tuple_size(item) == 2 {
                    let name = tuple_item(item, 0);
                    if ffi::PyBytes_CheckExact(name) != 0 {
                        bytes = Some(std::slice::from_raw_parts(
                            bytes_start(name).cast::<u8>(),
                            bytes_size(name) as usize,
                        ));
                    }
                }
                match bytes.map(&wanted) {
                    Some(None) => {}
                    Some(Some(wanted)) => {
                        return Some((
                            index,
                            Found::Wanted(
                                wanted,
                                Bound::from_borrowed_ptr(py, tuple_item(item, 1)),
                            ),
                        ));
                    }
                    None => return Some((index, Found::Other(Bound::from_borrowed_ptr(py, item)))),
                }
            }
            index += 1;
        }
        None
    }

    /// The value of a dict's first entry, if its key is this very object.
    #[inline]
    pub(super) fn first_if<'py>(
        fields: &Bound<'py, PyDict>,
        key: &Bound<'py, PyString>,
    ) -> Option<Bound<'py, PyAny>> {
        let (mut position, mut first, mut value) = (0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: a dict that the caller holds, whose first key and value are lent while nobody
        // changes it: the lock is held, as above, until the value has a reference of its own.
        unsafe {
            let is_there = ffi::PyDict_Next(
                fields.as_ptr(),
                &raw mut position,
                &raw mut first,
                &raw mut value,
            ) != 0;
            (is_there && first == key.as_ptr())
                .then(|| Bound::from_borrowed_ptr(fields.py(), value))
        }
    }
}

#[cfg(any(Py_GIL_DISABLED, PyPy, GraalPy))]
mod walk {
    use pyo3::prelude::*;
    use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

    use super::Found;

    /// From `index` on the first that is anything but a pair whose name is bytes that are not
    /// wanted, and its place.
    #[inline]
    pub(super) fn of_interest<'py, W>(
        list: &Bound<'py, PyList>,
        mut index: usize,
        wanted: impl Fn(&[u8]) -> Option<W>,
    ) -> Option<(usize, Found<'py, W>)> {
        while index < list.len() {
            // Another thread may shorten it meanwhile.
            let item = list.get_item(index).ok()?;
            let name = item
                .cast::<PyTuple>()
                .ok()
                .filter(|item| item.len() == 2)
                .and_then(|item| item.get_item(0).ok());
            match name
                .as_ref()
                .and_then(|name| name.cast::<PyBytes>().ok())
                .map(|name| wanted(name.as_bytes()))
            {
                Some(None) => {}
                Some(Some(wanted)) => {
                    return Some((index, Found::Wanted(wanted, item.get_item(1).ok()?)));
                }
                None => return Some((index, Found::Other(item))),
            }
            index += 1;
        }
        None
    }

    /// Nothing is quicker here than to look it up.
    pub(super) fn first_if<'py>(
        _: &Bound<'py, PyDict>,
        _: &Bound<'py, PyString>,
    ) -> Option<Bound<'py, PyAny>> {
        None
    }
}
