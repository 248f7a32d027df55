//! Headers in shapes that ASGI does not allow, but that servers write all the same: they unpack
//! whatever has two items, and join whatever has bytes. What they would write must not get past a
//! decision.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMemoryView, PyTuple};

use crate::request::{is_text, pair};

/// A response's header: the pair, its name and its value. The pair is the item itself where its
/// name is bytes or str. `None` for what has not two items.
pub(crate) fn header<'py>(item: &Bound<'py, PyAny>) -> Option<[Bound<'py, PyAny>; 3]> {
    let (name, value) = match pair(item) {
        Some((name, value)) if is_text(&name) => return Some([item.clone(), name, value]),
        Some(parts) => parts,
        None => unpacked(item)?,
    };
    let name = bytes_of(&name).map_or(name, Bound::into_any);
    let made = PyTuple::new(item.py(), [&name, &value]).ok()?.into_any();
    Some([made, name, value])
}

/// The two items of anything; of an iterator, which has them once.
pub(crate) fn unpacked<'py>(
    item: &Bound<'py, PyAny>,
) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    // No more of them than tells that there are too many.
    let items: Vec<_> = item
        .try_iter()
        .ok()?
        .map_while(Result::ok)
        .take(3)
        .collect();
    let [name, value] = <[_; 2]>::try_from(items).ok()?;
    Some((name, value))
}

/// The bytes of what is neither bytes nor str: a buffer, a list of bytes, or an object that says
/// its own. A number would be as many zeros.
pub(crate) fn bytes_of<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyBytes>> {
    let py = value.py();
    let has = |name| value.hasattr(name).unwrap_or(false);
    let may_be = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || has(intern!(py, "__bytes__"))
        || PyMemoryView::from(value).is_ok();
    if !may_be || has(intern!(py, "__index__")) {
        return None;
    }
    py.get_type::<PyBytes>()
        .call1((value,))
        .ok()?
        .cast_into()
        .ok()
}
