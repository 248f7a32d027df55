//! Header lists of ASGI, walked: nearly all of their pairs are of no interest, and cost no more than a look at the name.

use crossgate::HeaderName;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::request::{HeaderLines, is_name, pair, place, with_name};

/// Takes the lines that the engine reads from a list or tuple of pairs, and passes over whatever is no pair. False if it
/// is neither list nor tuple.
#[inline]
pub(crate) fn take_lines(headers: &Bound<'_, PyAny>, lines: &mut HeaderLines) -> bool {
    each(headers, place, |place, value| lines.take(place, value))
}

/// Whether one of a response's headers is one that a decision sets, merges or removes.
#[inline]
pub(crate) fn any_is_ours(headers: &Bound<'_, PyList>) -> bool {
    let mut found = false;
    each(headers.as_any(), of_decision, |(), _| found = true);
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
    (may_be && HeaderName::ALL.iter().any(|known| is_name(name, known.lower()))).then_some(())
}

/// Calls `each` for every pair whose name is `wanted`, with what that says of it and the value.
#[inline]
fn each<'py, W>(headers: &Bound<'py, PyAny>, wanted: impl Fn(&[u8]) -> Option<W> + Copy, mut each: impl FnMut(W, &Bound<'py, PyAny>)) -> bool {
    let mut look_at = |item: &Bound<'py, PyAny>| {
        let Some((name, value)) = pair(item) else { return };
        if let Some(found) = with_name(&name, wanted) {
            each(found, &value);
        }
    };
    if let Ok(list) = headers.cast::<PyList>() {
        let mut index = 0;
        while let Some((place, item)) = walk::of_interest(list, index, wanted) {
            look_at(&item);
            index = place + 1;
        }
        return true;
    }
    let Ok(tuple) = headers.cast::<PyTuple>() else { return false };
    tuple.iter().for_each(|item| look_at(&item));
    true
}

/// With the interpreter's lock, and its structures in sight, no reference is counted and no function called for a pair
/// that is passed over.
#[cfg(not(any(Py_LIMITED_API, Py_GIL_DISABLED)))]
#[allow(unsafe_code)]
mod walk {
    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::types::PyList;

    /// From `index` on the first that is anything but a pair whose name is bytes that are not wanted, and its place.
    #[inline]
    pub(super) fn of_interest<'py, W>(
        list: &Bound<'py, PyList>,
        mut index: usize,
        wanted: impl Fn(&[u8]) -> Option<W>,
    ) -> Option<(usize, Bound<'py, PyAny>)> {
        let items = list.as_ptr();
        // SAFETY: a list that the caller holds; its length is below isize::MAX.
        while index < unsafe { ffi::PyList_GET_SIZE(items) } as usize {
            // SAFETY: the index is below the length. This thread holds the interpreter's lock (the token in `Bound`, and
            // this is no build without that lock), and nothing below runs Python's code: neither checks of types nor
            // `wanted`, which is given bytes and nothing else. So nobody changes the list or drops what is in it until
            // this block is left, and no pointer outlives the block.
            let passed_over = unsafe {
                let item = ffi::PyList_GET_ITEM(items, index as ffi::Py_ssize_t);
                ffi::PyTuple_Check(item) != 0 && ffi::PyTuple_GET_SIZE(item) == 2 && {
                    let name = ffi::PyTuple_GET_ITEM(item, 0);
                    ffi::PyBytes_Check(name) != 0 && {
                        let bytes = ffi::PyBytes_AS_STRING(name).cast::<u8>();
                        wanted(std::slice::from_raw_parts(bytes, ffi::Py_SIZE(name) as usize)).is_none()
                    }
                }
            };
            if !passed_over {
                return Some((index, list.get_item(index).ok()?));
            }
            index += 1;
        }
        None
    }
}

#[cfg(any(Py_LIMITED_API, Py_GIL_DISABLED))]
mod walk {
    use pyo3::prelude::*;
    use pyo3::types::{PyBytes, PyList, PyTuple};

    /// From `index` on the first that is anything but a pair whose name is bytes that are not wanted, and its place.
    #[inline]
    pub(super) fn of_interest<'py, W>(
        list: &Bound<'py, PyList>,
        mut index: usize,
        wanted: impl Fn(&[u8]) -> Option<W>,
    ) -> Option<(usize, Bound<'py, PyAny>)> {
        while index < list.len() {
            // Another thread may shorten it meanwhile.
            let Ok(item) = list.get_item(index) else { return None };
            let passed_over = item.cast::<PyTuple>().is_ok_and(|item| {
                item.len() == 2 && item.get_item(0).is_ok_and(|name| name.cast::<PyBytes>().is_ok_and(|name| wanted(name.as_bytes()).is_none()))
            });
            if !passed_over {
                return Some((index, item));
            }
            index += 1;
        }
        None
    }
}
