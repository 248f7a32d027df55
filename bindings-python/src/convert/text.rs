//! Text as HTTP sends it. A str stands for its Latin-1 bytes.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};

/// Bytes that belong to a Python object.
pub(crate) enum Text {
    /// A str of ASCII characters only, so its UTF-8 bytes are its Latin-1 bytes.
    Str(Py<PyString>),
    /// A bytes object.
    Bytes(Py<PyBytes>),
}

impl Text {
    /// Reads a str or bytes; `None` for anything else.
    pub(crate) fn read(value: &Bound<'_, PyAny>) -> Option<Text> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Some(Text::Bytes(bytes.clone().unbind()));
        }
        let text = value.cast::<PyString>().ok()?;
        Some(match text.to_str() {
            Ok(utf8) if utf8.is_ascii() => Text::Str(text.clone().unbind()),
            Ok(utf8) => Text::from_bytes(value.py(), &latin1(utf8)),
            // No byte stands for a lone surrogate.
            Err(_) => Text::from_bytes(value.py(), &[NO_BYTE]),
        })
    }

    /// Reads any value. What is neither str nor bytes nor a buffer of them becomes a value that
    /// matches nothing.
    pub(crate) fn read_any(value: &Bound<'_, PyAny>) -> Text {
        Text::read(value)
            .or_else(|| Text::read(&bytes_of(value)?))
            .unwrap_or_else(|| Text::unreadable(value.py()))
    }

    /// A value that matches nothing.
    pub(crate) fn unreadable(py: Python<'_>) -> Text {
        Text::from_bytes(py, &[NO_BYTE])
    }

    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> Text {
        Text::Bytes(PyBytes::new(py, bytes).unbind())
    }

    /// The bytes, which the Python object lends.
    pub(crate) fn as_bytes<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Text::Str(text) => text.bind(py).to_str().unwrap_or_default().as_bytes(),
            Text::Bytes(bytes) => bytes.bind(py).as_bytes(),
        }
    }
}

/// The bytes of a bytearray or memoryview.
pub(crate) fn bytes_of<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let is_buffer = value.is_instance_of::<PyByteArray>() || value.is_instance_of::<PyMemoryView>();
    is_buffer.then(|| value.py().get_type::<PyBytes>().call1((value,)).ok())?
}

/// Whether a value is this ASCII text.
#[inline]
pub(crate) fn is(value: &Bound<'_, PyAny>, text: &str) -> bool {
    value
        .cast::<PyString>()
        .is_ok_and(|value| value.to_str().is_ok_and(|value| value == text))
}

/// Stands for a character above U+00FF, which no byte stands for. No configured value contains this
/// byte, so the text cannot match.
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

/// The name of a value's type, for messages.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(
        |_| "object".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The texts of an enum's variants as interned str, each made once.
pub(crate) struct InternedNames([PyOnceLock<Py<PyString>>; 16]);

impl InternedNames {
    pub(crate) const fn new() -> Self {
        InternedNames([const { PyOnceLock::new() }; 16])
    }

    /// The text of the variant with this number.
    pub(crate) fn get<'py>(
        &self,
        py: Python<'py>,
        number: usize,
        text: &'static str,
    ) -> Bound<'py, PyString> {
        let make = || PyString::intern(py, text).unbind();
        match self.0.get(number) {
            Some(name) => name.get_or_init(py, make).bind(py).clone(),
            None => make().into_bound(py),
        }
    }
}
