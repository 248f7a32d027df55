//! Requests as a WSGI environ has them. Django's `request.META` has the same keys, under ASGI too.

use crossgate::Request;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::convert::request::{COUNT, HeaderLines, PyRequest};
use crate::convert::text::Text;

/// The keys of an environ for [`Request::NAMES`].
fn keys(py: Python<'_>) -> &[Py<PyString>; COUNT] {
    static KEYS: PyOnceLock<[Py<PyString>; COUNT]> = PyOnceLock::new();
    KEYS.get_or_init(py, || {
        std::array::from_fn(|place| {
            let name = Request::NAMES[place].to_ascii_uppercase();
            PyString::intern(py, &format!("HTTP_{}", name.replace('-', "_"))).unbind()
        })
    })
}

/// Reads the request of an environ, in which the server has joined the lines of one name. Never
/// fails: a value that is not text matches nothing.
pub(crate) fn request(environ: &Bound<'_, PyDict>) -> PyRequest {
    let py = environ.py();
    let get = |key: &Bound<'_, PyString>| {
        let value = environ.get_item(key).ok().flatten();
        value.map(|value| Text::read_any(&value))
    };
    let method = get(pyo3::intern!(py, "REQUEST_METHOD"));
    let mut lines = HeaderLines::default();
    for (place, key) in keys(py).iter().enumerate() {
        if let Some(line) = get(key.bind(py)) {
            lines.push(place, line);
        }
    }
    PyRequest {
        method,
        lines,
        bytes: false,
    }
}
