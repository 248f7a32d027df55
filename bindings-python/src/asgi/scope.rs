//! Reads ASGI scopes and messages: the `type`, and the few header pairs that matter. Any other pair
//! costs no more than a look at its name.

use crossgate::HeaderName;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::cpython::walk::{self, Found};
use crate::convert::request::{HeaderLines, is_name, is_text, pair, place, with_name};

/// Takes the lines that the engine reads from a list or tuple of pairs. Passes over items that are
/// not pairs. False if `headers` is neither list nor tuple.
#[inline]
pub(crate) fn take_lines(headers: &Bound<'_, PyAny>, lines: &mut HeaderLines) -> bool {
    each(headers, place, |found| {
        if let Named::Wanted(place, value) = found {
            lines.take(place, value);
        }
    })
}

/// Whether a decision may set, merge or remove one of a response's headers.
#[inline]
pub(crate) fn may_be_touched(headers: &Bound<'_, PyList>) -> bool {
    let mut found = false;
    each(headers.as_any(), is_touched, |_| found = true);
    found
}

#[inline]
fn is_touched(name: &[u8]) -> Option<()> {
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
    /// A pair whose name is wanted: what `wanted` said of the name, and the value.
    Wanted(W, &'a Bound<'py, PyAny>),
    /// Not a pair, or a pair whose name is neither bytes nor str.
    Odd,
}

/// Calls `each` for every pair whose name is wanted and for every odd item. False if `headers` is
/// neither list nor tuple.
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
        while let Some((place, found)) = walk::next(list, index, wanted) {
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

/// The `type` of a scope or message. It is nearly always the first entry.
#[inline]
pub(crate) fn type_of<'py>(fields: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let key = intern!(fields.py(), "type");
    match walk::first_if(fields, key) {
        Some(value) => Ok(Some(value)),
        None => fields.get_item(key),
    }
}

/// The items of an iterable. If it fails with an `Exception`, those that came before. `None` if
/// `headers` cannot be iterated.
pub(crate) fn list_of<'py>(headers: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyList>>> {
    let py = headers.py();
    let failed = |error: PyErr| {
        if error.is_instance_of::<PyException>(py) {
            Ok(None::<Bound<'_, PyList>>)
        } else {
            Err(error)
        }
    };
    let items = match headers.try_iter() {
        Ok(items) => items,
        Err(error) => return failed(error),
    };
    let list = PyList::empty(py);
    for item in items {
        match item {
            Ok(item) => list.append(item)?,
            Err(error) => {
                failed(error)?;
                break;
            }
        }
    }
    Ok(Some(list))
}
