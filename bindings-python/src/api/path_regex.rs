//! Regexes of the options that select a policy by path.

use crossgate::OptionValue;
use crossgate::binding;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::convert::regex::regex;

/// A `re.Pattern` for paths, run by the engine in linear time.
#[pyclass(frozen, module = "crossgate._crossgate")]
pub(crate) struct PathRegex(binding::PathRegex);

#[pymethods]
impl PathRegex {
    /// Raises ValueError for what has no linear time.
    #[new]
    #[pyo3(signature = (pattern, /))]
    fn new(pattern: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Some(OptionValue::Regex { source, flags, .. }) = regex(pattern)? else {
            return Err(PyTypeError::new_err("a re.Pattern of text is expected"));
        };
        let regex = binding::PathRegex::new(&source, &flags);
        regex.map(PathRegex).map_err(PyValueError::new_err)
    }

    /// Whether it covers a decoded path. None: nobody can say, so that it is denied.
    #[pyo3(signature = (path, /))]
    fn covers(&self, path: &Bound<'_, PyString>) -> Option<bool> {
        // Half a surrogate pair is no text.
        self.0.covers(path.to_str().ok()?)
    }
}
