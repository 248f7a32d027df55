//! The class `Problem`, and the exceptions that carry problems.

use std::hash::{DefaultHasher, Hash, Hasher};

use crossgate::{LoadError, ProblemCode, Severity};
use pyo3::exceptions::{PyException, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

pyo3::create_exception!(
    crossgate,
    PolicyError,
    PyValueError,
    "A policy was not built. `problems` has every problem of the configuration, warnings \
        included; after 1,000 the rest are counted in `omitted`. The text shows one on each line."
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
        let severity = Severity::ALL
            .iter()
            .find(|known| known.as_str() == severity);
        let code = ProblemCode::ALL.iter().find(|known| known.as_str() == code);
        let (Some(severity), Some(code)) = (severity, code) else {
            return Err(PyValueError::new_err("no such severity or code"));
        };
        Ok(Problem(crossgate::Problem::new(
            *severity, *code, path, value, message, hint,
        )))
    }

    /// "error" (the policy is not built), "warning" or "note".
    #[getter]
    fn severity(&self) -> &'static str {
        self.0.severity.as_str()
    }

    /// The stable code, like "origin_has_path".
    #[getter]
    fn code(&self) -> &'static str {
        self.0.code.as_str()
    }

    /// The place, like "allow_origins[2]". Empty for the document as a whole.
    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    /// The value found there, escaped and shortened, so that it is safe to log.
    #[getter]
    fn value(&self) -> &str {
        &self.0.value
    }

    /// What is wrong and why it matters.
    #[getter]
    fn message(&self) -> &str {
        &self.0.message
    }

    /// The corrected text, or None if there is none.
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
        let problem = &self.0;
        let mut hasher = DefaultHasher::new();
        (problem.severity, problem.code, &problem.path).hash(&mut hasher);
        (&problem.value, &problem.message, &problem.hint).hash(&mut hasher);
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

/// The problem of an option that was written and has no value, or None if it needs none.
#[pyfunction]
#[pyo3(signature = (path, value, /))]
pub(crate) fn unset_option(path: &str, value: &str) -> Option<Problem> {
    crossgate::binding::unset_option(path, value).map(Problem)
}

/// Makes a tuple of problems.
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
    let value = exception.value(py);
    match tuple(py, error.problems())
        .and_then(|problems| value.setattr("problems", problems))
        .and_then(|()| value.setattr("omitted", error.omitted()))
    {
        Ok(()) => exception,
        Err(failed) => failed,
    }
}

/// Reports an exception of the application's function as unraisable, because no request may fail
/// with it. Returns an exception of another class (`SystemExit`, `KeyboardInterrupt`, a server that
/// aborts its worker), which has to end the process or the request.
pub(crate) fn report(py: Python<'_>, error: PyErr, function: &Bound<'_, PyAny>) -> PyResult<()> {
    if !error.is_instance_of::<PyException>(py) {
        return Err(error);
    }
    error.write_unraisable(py, Some(function));
    Ok(())
}

/// The exception for a file that was not loaded. Python turns an OSError with a number into a
/// FileNotFoundError or PermissionError.
pub(crate) fn load_error(py: Python<'_>, filename: Bound<'_, PyAny>, error: &LoadError) -> PyErr {
    let build = |error: &std::io::Error| -> PyResult<PyErr> {
        let (number, text) = match error.raw_os_error() {
            Some(number) => (
                number,
                py.import("os")?
                    .call_method1("strerror", (number,))?
                    .cast_into::<PyString>()?,
            ),
            // The name does not end in .json or .toml, or the bytes are not UTF-8.
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
        other => PyOSError::new_err(other.to_string()),
    }
}
