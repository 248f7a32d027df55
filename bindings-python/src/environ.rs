//! Requests as a WSGI environ has them; Django's `request.META` is one too, under ASGI as well.

use crossgate::Request;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::text::Text;

const COUNT: usize = Request::NAMES.len();

/// The environ's keys for [`Request::NAMES`].
fn keys(py: Python<'_>) -> &[Py<PyString>; COUNT] {
    static KEYS: PyOnceLock<[Py<PyString>; COUNT]> = PyOnceLock::new();
    KEYS.get_or_init(py, || {
        Request::NAMES.map(|name| {
            PyString::intern(
                py,
                &format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_")),
            )
            .unbind()
        })
    })
}

/// What was asked. A server joins several lines of one name to one value.
pub(crate) struct Asked {
    method: Text,
    lines: [Option<Text>; COUNT],
}

impl Asked {
    /// Never fails: what cannot be read is a value that matches nothing.
    pub(crate) fn read(environ: &Bound<'_, PyDict>) -> Self {
        let py = environ.py();
        let get = |key: &Bound<'_, PyString>| {
            environ
                .get_item(key)
                .ok()
                .flatten()
                .map(|value| Text::any(&value))
        };
        let method =
            get(pyo3::intern!(py, "REQUEST_METHOD")).unwrap_or_else(|| Text::made(py, b""));
        Asked {
            method,
            lines: keys(py).each_ref().map(|key| get(key.bind(py))),
        }
    }

    pub(crate) fn request<'a>(&'a self, py: Python<'a>) -> Request<'a> {
        let mut request = Request::new(self.method.as_bytes(py));
        for (name, line) in Request::NAMES.iter().zip(&self.lines) {
            if let Some(line) = line {
                request.push(name.as_bytes(), line.as_bytes(py));
            }
        }
        request
    }

    pub(crate) fn is_options(&self, py: Python<'_>) -> bool {
        self.method.as_bytes(py) == b"OPTIONS"
    }

    /// The request's own str for this text, if it has one: nothing is made for an origin that is
    /// echoed.
    pub(crate) fn text<'py>(&self, py: Python<'py>, text: &str) -> Bound<'py, PyString> {
        let known = [Some(&self.method)]
            .into_iter()
            .chain(self.lines.iter().map(Option::as_ref))
            .flatten();
        for line in known {
            if let Text::Str(known) = line
                && line.as_bytes(py) == text.as_bytes()
            {
                return known.bind(py).clone();
            }
        }
        PyString::new(py, text)
    }
}
