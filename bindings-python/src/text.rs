//! Text from the wire: a str stands for its Latin-1 bytes.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};

/// Bytes that Python lends.
pub(crate) enum Text {
    /// ASCII only.
    Str(Py<PyString>),
    Bytes(Py<PyBytes>),
}

impl Text {
    /// `None` for anything but str and bytes.
    pub(crate) fn read(value: &Bound<'_, PyAny>) -> Option<Text> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Some(Text::Bytes(bytes.clone().unbind()));
        }
        let text = value.cast::<PyString>().ok()?;
        Some(match text.to_str() {
            Ok(utf8) if utf8.is_ascii() => Text::Str(text.clone().unbind()),
            Ok(utf8) => Text::made(value.py(), &latin1(utf8)),
            // A lone surrogate has no bytes at all.
            Err(_) => Text::made(value.py(), &[NO_BYTE]),
        })
    }

    /// Anything; what is no text is a value that matches nothing.
    pub(crate) fn any(value: &Bound<'_, PyAny>) -> Text {
        Text::read(value).unwrap_or_else(|| Text::made(value.py(), &[NO_BYTE]))
    }

    pub(crate) fn made(py: Python<'_>, bytes: &[u8]) -> Text {
        Text::Bytes(PyBytes::new(py, bytes).unbind())
    }

    #[cfg(not(Py_LIMITED_API))]
    pub(crate) fn release(self, py: Python<'_>) {
        match self {
            Text::Str(text) => text.drop_ref(py),
            Text::Bytes(bytes) => bytes.drop_ref(py),
        }
    }

    pub(crate) fn as_bytes<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Text::Str(text) => text.bind(py).to_str().unwrap_or_default().as_bytes(),
            Text::Bytes(bytes) => bytes.bind(py).as_bytes(),
        }
    }
}

/// Whether a value is a certain text of ASCII.
#[inline]
pub(crate) fn is(value: &Bound<'_, PyAny>, text: &str) -> bool {
    value
        .cast::<PyString>()
        .is_ok_and(|value| value.to_str().is_ok_and(|value| value == text))
}

/// Stands for a character that no byte stands for. Nothing that CORS allows holds it, so the value
/// cannot match.
const NO_BYTE: u8 = 0xFF;

/// The Latin-1 bytes of a text.
pub(crate) fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).unwrap_or(NO_BYTE))
        .collect()
}

/// The text of Latin-1 bytes.
pub(crate) fn from_latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The type of a value, for messages.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(
        |_| "object".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The texts of an enum, each made once and interned.
pub(crate) struct Names([PyOnceLock<Py<PyString>>; 16]);

impl Names {
    pub(crate) const fn new() -> Self {
        Names([const { PyOnceLock::new() }; 16])
    }

    /// The text of the variant with this index.
    pub(crate) fn get<'py>(
        &self,
        py: Python<'py>,
        index: usize,
        text: &'static str,
    ) -> Bound<'py, PyString> {
        let make = || PyString::intern(py, text).unbind();
        match self.0.get(index) {
            Some(name) => name.get_or_init(py, make).bind(py).clone(),
            None => make().into_bound(py),
        }
    }
}
