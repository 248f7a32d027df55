//! The class `Decision`.

use std::sync::Arc;

use crossgate::{HeaderName, KeptDecision, Request, ResponseHeaders, Verdict};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::request::each_pair;
use crate::text::{Names, from_latin1, latin1};
use crate::written::bytes_of;

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
    policy: Arc<crossgate::Policy>,
    kept: KeptDecision,
    /// The request's header names came as bytes.
    bytes: bool,
}

impl Decision {
    /// `bytes`: the request's header names came as bytes.
    pub(crate) fn new(
        policy: Arc<crossgate::Policy>,
        request: &Request<'_>,
        verdict: Option<Verdict>,
        bytes: bool,
    ) -> PyResult<Self> {
        match policy
            .evaluate_with(request, verdict)
            .map(|decision| decision.keep())
        {
            Ok(kept) => Ok(Decision::kept(policy, kept, bytes)),
            Err(error) => Err(PyValueError::new_err(error.to_string())),
        }
    }

    pub(crate) fn kept(policy: Arc<crossgate::Policy>, kept: KeptDecision, bytes: bool) -> Self {
        Decision {
            policy,
            kept,
            bytes,
        }
    }

    pub(crate) fn get(&self) -> crossgate::Decision<'_> {
        self.kept.decision(&self.policy)
    }

    fn apply_to<'py>(&self, headers: &Bound<'py, PyAny>) -> PyResult<(Response<'py>, bool)> {
        let mut response = Response::new(headers.py(), self.bytes);
        each_pair(headers, |index, pair, name, value| {
            if index == 0 {
                response.bytes = name.is_instance_of::<PyBytes>();
            }
            response.push(pair.clone(), name.clone(), value.clone());
            Ok(())
        })?;
        let overwrote = self.get().apply(&mut response);
        Ok((response, overwrote))
    }
}

#[pymethods]
impl Decision {
    /// "preflight", "actual" or "not_cors".
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let kind = self.get().kind();
        KINDS.get(py, kind as usize, kind.as_str())
    }

    /// Why, like "origin_not_listed": the first failing check in the order origin, method, headers.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let reason = self.get().reason();
        REASONS.get(py, reason as usize, reason.as_str())
    }

    /// What the host does: "forward" to the handler, "answer" with the status and no body, or
    /// "reject" with 403.
    #[getter]
    fn action<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let action = self.get().action();
        ACTIONS.get(py, action as usize, action.as_str())
    }

    /// Whether a CORS request passed; None for a request that is not one, or that is the server's
    /// own.
    #[getter]
    fn allowed(&self) -> Option<bool> {
        self.get().allowed()
    }

    /// The status to answer with; None with "forward".
    #[getter]
    fn status(&self) -> Option<u16> {
        self.get().status()
    }

    /// The headers that the response gets: pairs of lower-case name and value. apply() puts them
    /// there.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let decision = self.get();
        let pairs: Vec<_> = decision
            .headers()
            .map(|header| {
                (lower(py, header.name), PyString::new(py, header.value)).into_pyobject(py)
            })
            .collect::<PyResult<_>>()?;
        PyTuple::new(py, pairs)
    }

    /// The headers that the response loses if the application or an upstream set them: lower-case
    /// names.
    #[getter]
    fn remove<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.get().remove().iter().map(|name| lower(py, *name)))
    }

    /// A new list of the response's headers with the decision's set, merged and removed.
    ///
    /// headers: (name, value) pairs of str or of bytes, as the application set them. What is added
    /// is of the same type, lower-case and at the end; with no header at all it is of the
    /// request's.
    #[pyo3(signature = (headers, /))]
    fn apply<'py>(&self, headers: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        self.apply_to(headers)?.0.into_list()
    }

    /// Whether apply replaces or removes something that these headers say about CORS: two places
    /// answer for it.
    #[pyo3(signature = (headers, /))]
    fn overwrites_upstream(&self, headers: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.apply_to(headers)?.1)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let python = |truth: Option<bool>| {
            truth.map_or("None", |truth| if truth { "True" } else { "False" })
        };
        let decision = self.get();
        let status = decision
            .status()
            .map_or("None".to_owned(), |status| status.to_string());
        let (kind, reason, action, allowed) = (
            decision.kind(),
            decision.reason(),
            decision.action(),
            python(decision.allowed()),
        );
        let headers = self.headers(py)?.repr()?;
        Ok(format!(
            "Decision(kind='{kind}', reason='{reason}', action='{action}', allowed={allowed}, \
                status={status}, headers={headers})"
        ))
    }
}

/// A response's headers while a decision is applied to them.
pub(crate) struct Response<'py> {
    py: Python<'py>,
    lines: Vec<Line<'py>>,
    /// What is added is bytes.
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
                Ok(name) => name
                    .as_bytes()
                    .eq_ignore_ascii_case(wanted.lower().as_bytes()),
                Err(_) => name.cast::<PyString>().is_ok_and(|name| {
                    name.to_str()
                        .is_ok_and(|name| name.eq_ignore_ascii_case(wanted.lower()))
                }),
            },
            Line::Ours(name, _) => *name == wanted,
        }
    }

    fn value(&self) -> String {
        match self {
            Line::Theirs(_, _, value) => match value.cast::<PyBytes>() {
                Ok(value) => from_latin1(value.as_bytes()),
                Err(_) => match value.cast::<PyString>() {
                    Ok(value) => value.to_string_lossy().into_owned(),
                    Err(_) => bytes_of(value)
                        .map(|value| from_latin1(value.as_bytes()))
                        .unwrap_or_default(),
                },
            },
            Line::Ours(_, value) => value.clone(),
        }
    }
}

impl ResponseHeaders for Response<'_> {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.lines
            .iter()
            .filter(|line| line.is(name))
            .map(Line::value)
            .collect()
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
    pub(crate) fn new(py: Python<'py>, bytes: bool) -> Self {
        Response {
            py,
            lines: Vec::new(),
            bytes,
        }
    }

    /// Takes a pair as the application gave it, its name and its value.
    pub(crate) fn push(
        &mut self,
        pair: Bound<'py, PyAny>,
        name: Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
    ) {
        self.lines.push(Line::Theirs(pair, name, value));
    }

    pub(crate) fn into_list(self) -> PyResult<Bound<'py, PyList>> {
        let py = self.py;
        let pair = |line| -> PyResult<Bound<'py, PyAny>> {
            Ok(match line {
                Line::Theirs(pair, _, _) => pair,
                Line::Ours(name, value) if self.bytes => (
                    PyBytes::new(py, name.lower().as_bytes()),
                    PyBytes::new(py, &latin1(&value)),
                )
                    .into_pyobject(py)?
                    .into_any(),
                Line::Ours(name, value) => (lower(py, name), PyString::new(py, &value))
                    .into_pyobject(py)?
                    .into_any(),
            })
        };
        PyList::new(
            py,
            self.lines
                .into_iter()
                .map(pair)
                .collect::<PyResult<Vec<_>>>()?,
        )
    }
}
