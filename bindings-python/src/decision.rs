//! The class `Decision`.

use std::sync::Arc;

use crossgate::{Action, HeaderName, Kind, Reason, ResponseHeaders, Verdict};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::request::{Asked, each_pair};
use crate::text::{Names, from_latin1, latin1};

static KINDS: Names = Names::new();
static REASONS: Names = Names::new();
static ACTIONS: Names = Names::new();
static HEADERS: Names = Names::new();

fn lower(py: Python<'_>, name: HeaderName) -> Bound<'_, PyString> {
    HEADERS.get(py, name as usize, name.lower())
}

/// The answer to one request.
#[pyclass(module = "crossgate", frozen)]
pub(crate) struct Decision {
    // The engine's decision borrows from these two; it is made anew when its headers are asked for. Both are immutable,
    // so it is the same one.
    policy: Arc<crossgate::Policy>,
    asked: Asked,
    verdict: Option<Verdict>,
    kind: Kind,
    reason: Reason,
    action: Action,
    allowed: Option<bool>,
    status: Option<u16>,
}

impl Decision {
    pub(crate) fn new(py: Python<'_>, policy: Arc<crossgate::Policy>, asked: Asked, verdict: Option<Verdict>) -> PyResult<Self> {
        let (kind, reason, action, allowed, status) = {
            let request = asked.request(py);
            let decision = policy.evaluate_with(&request, verdict).map_err(|error| PyValueError::new_err(error.to_string()))?;
            (decision.kind(), decision.reason(), decision.action(), decision.allowed(), decision.status())
        };
        Ok(Decision { policy, asked, verdict, kind, reason, action, allowed, status })
    }

    fn with<R>(&self, py: Python<'_>, read: impl FnOnce(&crossgate::Decision<'_>) -> PyResult<R>) -> PyResult<R> {
        let request = self.asked.request(py);
        let decision = self.policy.evaluate_with(&request, self.verdict).map_err(|error| PyValueError::new_err(error.to_string()))?;
        read(&decision)
    }
}

#[pymethods]
impl Decision {
    /// "preflight", "actual" or "not_cors".
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        KINDS.get(py, self.kind as usize, self.kind.as_str())
    }

    /// Why, like "origin_not_listed": the first failing check in the order origin, method, headers.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        REASONS.get(py, self.reason as usize, self.reason.as_str())
    }

    /// What the host does: "forward" to the handler, "answer" with the status and no body, or "reject" with 403.
    #[getter]
    fn action<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        ACTIONS.get(py, self.action as usize, self.action.as_str())
    }

    /// Whether a CORS request passed; None for a request that is not one, or that is the server's own.
    #[getter]
    fn allowed(&self) -> Option<bool> {
        self.allowed
    }

    /// The status to answer with; None with "forward".
    #[getter]
    fn status(&self) -> Option<u16> {
        self.status
    }

    /// The headers that the response gets: pairs of lower-case name and value. apply() puts them there.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.with(py, |decision| {
            let pairs: Vec<_> =
                decision.headers().map(|header| (lower(py, header.name), PyString::new(py, header.value)).into_pyobject(py)).collect::<PyResult<_>>()?;
            PyTuple::new(py, pairs)
        })
    }

    /// The headers that the response loses if the application or an upstream set them: lower-case names.
    #[getter]
    fn remove<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.with(py, |decision| PyTuple::new(py, decision.remove().iter().map(|name| lower(py, *name))))
    }

    /// A new list of the response's headers with the decision's set, merged and removed.
    ///
    /// headers: (name, value) pairs of str or of bytes, as the application set them. What is added is of the same type,
    /// lower-case and at the end; with no header at all it is of the request's.
    #[pyo3(signature = (headers, /))]
    fn apply<'py>(&self, py: Python<'py>, headers: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let mut response = Response { py, lines: Vec::new(), bytes: self.asked.bytes };
        each_pair(headers, |index, pair, name, value| {
            if index == 0 {
                response.bytes = name.is_instance_of::<PyBytes>();
            }
            response.lines.push(Line::Theirs(pair.clone(), name.clone(), value.clone()));
            Ok(())
        })?;
        self.with(py, |decision| {
            decision.apply(&mut response);
            Ok(())
        })?;
        response.into_list()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let python = |truth: Option<bool>| truth.map_or("None", |truth| if truth { "True" } else { "False" });
        let status = self.status.map_or("None".to_owned(), |status| status.to_string());
        let (kind, reason, action, allowed) = (self.kind, self.reason, self.action, python(self.allowed));
        let headers = self.headers(py)?.repr()?;
        Ok(format!("Decision(kind='{kind}', reason='{reason}', action='{action}', allowed={allowed}, status={status}, headers={headers})"))
    }
}

/// A response's headers while a decision is applied to them.
struct Response<'py> {
    py: Python<'py>,
    lines: Vec<Line<'py>>,
    bytes: bool,
}

enum Line<'py> {
    /// The pair as it came, its name and its value.
    Theirs(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>),
    Ours(HeaderName, String),
}

impl Line<'_> {
    fn is(&self, wanted: HeaderName) -> bool {
        match self {
            Line::Theirs(_, name, _) => match name.cast::<PyBytes>() {
                Ok(name) => name.as_bytes().eq_ignore_ascii_case(wanted.lower().as_bytes()),
                Err(_) => name.cast::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(|name| name.eq_ignore_ascii_case(wanted.lower()))),
            },
            Line::Ours(name, _) => *name == wanted,
        }
    }

    fn value(&self) -> String {
        match self {
            Line::Theirs(_, _, value) => match value.cast::<PyBytes>() {
                Ok(value) => from_latin1(value.as_bytes()),
                Err(_) => value.cast::<PyString>().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default(),
            },
            Line::Ours(_, value) => value.clone(),
        }
    }
}

impl ResponseHeaders for Response<'_> {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.lines.iter().filter(|line| line.is(name)).map(Line::value).collect()
    }

    fn remove(&mut self, name: HeaderName) {
        self.lines.retain(|line| !line.is(name));
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        ResponseHeaders::remove(self, name);
        self.lines.push(Line::Ours(name, value.to_owned()));
    }
}

impl<'py> Response<'py> {
    fn into_list(self) -> PyResult<Bound<'py, PyList>> {
        let py = self.py;
        let pair = |line| -> PyResult<Bound<'py, PyAny>> {
            Ok(match line {
                Line::Theirs(pair, _, _) => pair,
                Line::Ours(name, value) if self.bytes => {
                    (PyBytes::new(py, name.lower().as_bytes()), PyBytes::new(py, &latin1(&value))).into_pyobject(py)?.into_any()
                }
                Line::Ours(name, value) => (lower(py, name), PyString::new(py, &value)).into_pyobject(py)?.into_any(),
            })
        };
        PyList::new(py, self.lines.into_iter().map(pair).collect::<PyResult<Vec<_>>>()?)
    }
}
