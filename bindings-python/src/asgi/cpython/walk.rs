//! Walks a list of header pairs, or takes the first entry of a dict, and counts no reference for
//! what it passes over.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

/// What [`next`] stops at.
pub(in crate::asgi) enum Found<'py, W> {
    /// A pair whose name is wanted: what `wanted` said of the name, and the value.
    Wanted(W, Bound<'py, PyAny>),
    /// Anything but a pair with a name of bytes.
    Other(Bound<'py, PyAny>),
}

/// The first item from `index` on that is wanted or is not a pair with a name of bytes, and its
/// place.
#[inline]
pub(in crate::asgi) fn next<'py, W>(
    list: &Bound<'py, PyList>,
    index: usize,
    wanted: impl Fn(&[u8]) -> Option<W>,
) -> Option<(usize, Found<'py, W>)> {
    of_python::next(list, index, wanted)
}

/// The value of a dict's first entry, if its key is this very object.
#[inline]
pub(in crate::asgi) fn first_if<'py>(
    fields: &Bound<'py, PyDict>,
    key: &Bound<'py, PyString>,
) -> Option<Bound<'py, PyAny>> {
    of_python::first_if(fields, key)
}

/// The interpreter's lock keeps other threads from the list while it is walked.
#[cfg(not(any(Py_GIL_DISABLED, PyPy, GraalPy)))]
mod of_python {
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
    /// The stable ABI hides the structures, and has functions instead.
    #[cfg(Py_LIMITED_API)]
    use ffi::{
        PyBytes_AsString as bytes_start, PyBytes_Size as bytes_size, PyList_GetItem as list_item,
        PyList_Size as list_size, PyTuple_GetItem as tuple_item, PyTuple_Size as tuple_size,
    };

    #[inline]
    pub(super) fn next<'py, W>(
        list: &Bound<'py, PyList>,
        mut index: usize,
        wanted: impl Fn(&[u8]) -> Option<W>,
    ) -> Option<(usize, Found<'py, W>)> {
        let py = list.py();
        let list = list.as_ptr();
        // SAFETY: the caller holds the list. Its length is below isize::MAX.
        while index < unsafe { list_size(list) } as usize {
            // SAFETY: the index is below the length. This thread holds the interpreter's lock: it
            // has the token `py`, and builds without that lock do not compile this module. Nothing
            // in this block runs Python code: it reads objects of types that were just checked, and
            // `wanted` is given bytes and nothing else. So the list and what is in it stay as they
            // are until the block is left, and what leaves it has a reference of its own.
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

    #[inline]
    pub(super) fn first_if<'py>(
        fields: &Bound<'py, PyDict>,
        key: &Bound<'py, PyString>,
    ) -> Option<Bound<'py, PyAny>> {
        let (mut position, mut first, mut value) = (0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: the caller holds the dict. Its first key and value are borrowed while it does not
        // change: as above, the lock is held until the value has a reference of its own.
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

/// Other threads may change the list while it is walked, so every item gets a reference.
#[cfg(any(Py_GIL_DISABLED, PyPy, GraalPy))]
mod of_python {
    use pyo3::prelude::*;
    use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

    use super::Found;

    #[inline]
    pub(super) fn next<'py, W>(
        list: &Bound<'py, PyList>,
        mut index: usize,
        wanted: impl Fn(&[u8]) -> Option<W>,
    ) -> Option<(usize, Found<'py, W>)> {
        while index < list.len() {
            // Another thread may have shortened the list meanwhile.
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

    /// Here a look-up is as fast as it gets.
    pub(super) fn first_if<'py>(
        _: &Bound<'py, PyDict>,
        _: &Bound<'py, PyString>,
    ) -> Option<Bound<'py, PyAny>> {
        None
    }
}
