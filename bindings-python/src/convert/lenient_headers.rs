//! Response headers in shapes that the specifications do not allow. Servers write them all the
//! same, because they unpack anything with two items and join anything with bytes. A decision must
//! see every header that a server would write.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMemoryView, PyTuple};

use super::request::{is_text, pair};

/// Reads a response's header: the pair, its name and its value. The pair is the item itself if its
/// name is bytes or str. `None` if the item does not have two items.
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

/// The two items of anything iterable. An iterator is used up by this.
pub(crate) fn unpacked<'py>(
    item: &Bound<'py, PyAny>,
) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    // Three items are enough to see that there are too many.
    let items: Vec<_> = item
        .try_iter()
        .ok()?
        .map_while(Result::ok)
        .take(3)
        .collect();
    let [name, value] = <[_; 2]>::try_from(items).ok()?;
    Some((name, value))
}

/// The bytes of a value that is neither bytes nor str: a buffer, a list of numbers, or an object
/// with `__bytes__`. Not a number, because `bytes(3)` is three zeros.
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
