//! Problems, and the exceptions that carry them.

use std::hash::{DefaultHasher, Hash, Hasher};

use crossgate::{Code, LoadError, Severity};
use pyo3::exceptions::{PyException, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

pyo3::create_exception!(
    crossgate,
    PolicyError,
    PyValueError,
    "A policy was not built. `problems` holds every finding of one pass, warnings included; the \
        text shows each on a line of its own."
);

/// One finding about a configuration.
#[pyclass(module = "crossgate", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct Problem(crossgate::Problem);

#[pymethods]
impl Problem {
    #[new]
    #[pyo3(signature = (severity, code, path, value, message, hint = None))]
    fn new(
        severity: &str,
        code: &str,
        path: String,
        value: String,
        message: String,
        hint: Option<String>,
    ) -> PyResult<Self> {
        let severity = [Severity::Error, Severity::Warning]
            .into_iter()
            .find(|known| known.as_str() == severity);
        let code = Code::ALL
            .iter()
            .copied()
            .find(|known| known.as_str() == code);
        let (Some(severity), Some(code)) = (severity, code) else {
            return Err(PyValueError::new_err("no such severity or code"));
        };
        Ok(Problem(crossgate::Problem {
            severity,
            code,
            path,
            value,
            message,
            hint,
        }))
    }

    /// "error": the policy is not built; or "warning".
    #[getter]
    fn severity(&self) -> &'static str {
        self.0.severity.as_str()
    }

    /// What it is, like "origin_has_path". Codes never change.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.code.as_str()
    }

    /// Where, like "allow_origins[2]"; empty for the document as a whole.
    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    /// The value found there, escaped and shortened: safe to log.
    #[getter]
    fn value(&self) -> &str {
        &self.0.value
    }

    /// What is wrong and why it matters.
    #[getter]
    fn message(&self) -> &str {
        &self.0.message
    }

    /// The corrected text, where one exists.
    #[getter]
    fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let names = ["severity", "code", "path", "value", "message", "hint"];
        let parts: Vec<_> = names
            .iter()
            .zip(self.parts(py)?.iter())
            .map(|(name, part)| Ok(format!("{name}={}", part.repr()?)))
            .collect::<PyResult<_>>()?;
        Ok(format!("Problem({})", parts.join(", ")))
    }

    fn __hash__(&self) -> u64 {
        let crossgate::Problem {
            severity,
            code,
            path,
            value,
            message,
            hint,
        } = &self.0;
        let mut hasher = DefaultHasher::new();
        (severity, code, path, value, message, hint).hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        Ok((slf.get_type().into_any(), slf.get().parts(slf.py())?))
    }
}

impl Problem {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (
            self.severity(),
            self.code(),
            self.path(),
            self.value(),
            self.message(),
            self.hint(),
        )
            .into_pyobject(py)
    }
}

/// Problems as a tuple.
pub(crate) fn tuple<'py>(
    py: Python<'py>,
    problems: &[crossgate::Problem],
) -> PyResult<Bound<'py, PyTuple>> {
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| Bound::new(py, Problem(problem.clone())))
        .collect::<PyResult<_>>()?;
    PyTuple::new(py, problems)
}

/// The exception for a policy that was not built.
pub(crate) fn policy_error(py: Python<'_>, error: &crossgate::PolicyError) -> PyErr {
    let exception = PolicyError::new_err(error.to_string());
    match tuple(py, error.problems())
        .and_then(|problems| exception.value(py).setattr("problems", problems))
    {
        Ok(()) => exception,
        Err(failed) => failed,
    }
}

/// Reports what a function of the host raised, on which no request depends. Only an `Exception` is
/// such: what ends the process or the request (`SystemExit`, `KeyboardInterrupt`, a server's abort
/// of its worker) is returned.
pub(crate) fn report(py: Python<'_>, error: PyErr, function: &Bound<'_, PyAny>) -> PyResult<()> {
    if !error.is_instance_of::<PyException>(py) {
        return Err(error);
    }
    error.write_unraisable(py, Some(function));
    Ok(())
}

/// The exception for a file that was not loaded; Python makes a FileNotFoundError or
/// PermissionError of it by itself.
pub(crate) fn load_error(py: Python<'_>, filename: Bound<'_, PyAny>, error: &LoadError) -> PyErr {
    let build = |error: &std::io::Error| -> PyResult<PyErr> {
        let (number, text) = match error.raw_os_error() {
            Some(number) => (
                number,
                py.import("os")?
                    .call_method1("strerror", (number,))?
                    .cast_into::<PyString>()?,
            ),
            // The file's ending or its bytes are no policy's.
            None => (
                py.import("errno")?.getattr("EINVAL")?.extract()?,
                PyString::new(py, &error.to_string()),
            ),
        };
        Ok(PyOSError::new_err((
            number,
            text.unbind(),
            filename.unbind(),
        )))
    };
    match error {
        LoadError::Io { error, .. } => build(error).unwrap_or_else(|failed| failed),
        LoadError::Policy(error) => policy_error(py, error),
    }
}
