//! Python's regular expressions, as they were written: the engine reads them by Python's rules.

use crossgate::{OptionValue, RegexDialect};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

/// The flags of `re` and their letters.
const FLAGS: [(i64, char); 6] = [
    (0x02, 'i'),
    (0x04, 'L'),
    (0x08, 'm'),
    (0x10, 's'),
    (0x40, 'x'),
    (0x100, 'a'),
];

/// A string that is a regular expression of Python's: in the options of drop-ins, whose peers read
/// them so.
#[pyclass(frozen, module = "crossgate._crossgate")]
pub(crate) struct PythonRegex {
    pattern: String,
    flags: String,
}

#[pymethods]
impl PythonRegex {
    #[new]
    #[pyo3(signature = (pattern, flags = "", /))]
    fn new(pattern: &Bound<'_, PyString>, flags: &str) -> Self {
        PythonRegex {
            pattern: pattern.to_string_lossy().into_owned(),
            flags: flags.to_owned(),
        }
    }

    #[getter]
    fn pattern(&self) -> &str {
        &self.pattern
    }
}

/// A `re.Pattern` of text or a [`PythonRegex`]; `None` for everything else.
pub(crate) fn regex(value: &Bound<'_, PyAny>) -> PyResult<Option<OptionValue>> {
    static PATTERN: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = value.py();
    let (source, flags) = if let Ok(regex) = value.cast::<PythonRegex>() {
        (regex.get().pattern.clone(), regex.get().flags.clone())
    } else if value.is_instance(PATTERN.import(py, "re", "Pattern")?)? {
        let pattern = value.getattr("pattern")?;
        let Ok(text) = pattern.cast::<PyString>() else {
            return Ok(None);
        };
        let bits: i64 = value.getattr("flags")?.extract()?;
        let letters = FLAGS.iter().filter(|(bit, _)| bits & bit != 0);
        (
            text.to_string_lossy().into_owned(),
            letters.map(|(_, letter)| letter).collect(),
        )
    } else {
        return Ok(None);
    };
    Ok(Some(OptionValue::Regex {
        source,
        flags,
        dialect: RegexDialect::Python,
    }))
}
