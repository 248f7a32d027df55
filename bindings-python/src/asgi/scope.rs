//! Reads ASGI scopes and messages: the `type`, and the few header pairs that matter. Any other pair
//! costs no more than a look at its name.

use crossgate::HeaderName;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::cpython::walk::{self, Found};
use crate::convert::request::{HeaderLines, is_name, is_text, pair, place, with_name};
use crate::convert::text::bytes_of;

/// Takes the lines that the engine reads from the headers of a scope, which nearly always are a
/// list of pairs. Anything else is made into such a list, once, and given back: perhaps it can be
/// iterated only once, and the application needs it too. What cannot be read counts as an origin
/// that nothing allows.
#[inline]
pub(crate) fn take_lines<'py>(
    headers: &Bound<'py, PyAny>,
    lines: &mut HeaderLines,
) -> PyResult<Option<Bound<'py, PyList>>> {
    let mut is_odd = false;
    let is_list = each(headers, place, |found| match found {
        Named::Wanted(place, value) => lines.take(place, value),
        Named::Odd => is_odd = true,
    });
    if is_list && !is_odd {
        return Ok(None);
    }
    *lines = HeaderLines::default();
    take_odd_lines(headers, lines)
}

#[cold]
fn take_odd_lines<'py>(
    headers: &Bound<'py, PyAny>,
    lines: &mut HeaderLines,
) -> PyResult<Option<Bound<'py, PyList>>> {
    let py = headers.py();
    let Some((items, is_whole)) = items_of(headers)? else {
        lines.take_unreadable(py);
        return Ok(None);
    };
    if !is_whole {
        lines.take_unreadable(py);
    }
    let list = PyList::empty(py);
    for item in items {
        let (item, pair) = pair_of_any(&item)?;
        match pair {
            Some((name, value)) => {
                if let Some(place) = with_name(&name, place) {
                    lines.take(place, &value);
                }
            }
            None => lines.take_unreadable(py),
        }
        list.append(item)?;
    }
    Ok(Some(list))
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Reads an item of any shape: what the application gets in its place, and the pair, if it is one.
/// The items of a pair are text or buffers of bytes.
fn pair_of_any<'py>(item: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Option<Pair<'py>>)> {
    let as_name = |name: Bound<'py, PyAny>| {
        let name = bytes_of(&name).unwrap_or(name);
        is_text(&name).then_some(name)
    };
    if let Some((name, value)) = pair(item) {
        let pair = as_name(name).map(|name| (name, value));
        return Ok((item.clone(), pair));
    }
    // The items of a text are no name and no value.
    if is_text(item) || bytes_of(item).is_some() {
        return Ok((item.clone(), None));
    }
    let Some((parts, _)) = items_of(item)? else {
        return Ok((item.clone(), None));
    };
    let found = PyTuple::new(item.py(), &parts)?.into_any();
    let pair = match <[_; 2]>::try_from(parts) {
        Ok([name, value]) => as_name(name).map(|name| (name, value)),
        Err(_) => None,
    };
    Ok((found, pair))
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
    items_of(headers)?
        .map(|(items, _)| PyList::new(headers.py(), items))
        .transpose()
}

/// The same, and whether they are all.
fn items_of<'py>(headers: &Bound<'py, PyAny>) -> PyResult<Option<(Vec<Bound<'py, PyAny>>, bool)>> {
    let py = headers.py();
    let is_exception = |error: PyErr| {
        if error.is_instance_of::<PyException>(py) {
            Ok(())
        } else {
            Err(error)
        }
    };
    let iterator = match headers.try_iter() {
        Ok(iterator) => iterator,
        Err(error) => return is_exception(error).map(|()| None),
    };
    let mut items = Vec::new();
    for item in iterator {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return is_exception(error).map(|()| Some((items, false))),
        }
    }
    Ok(Some((items, true)))
}
