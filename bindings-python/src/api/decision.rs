//! The class `Decision`.

use std::sync::Arc;

use crossgate::OwnedDecision;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::convert::request::each_pair;
use crate::convert::response::{Pairs, bytes_pair, lower_name, str_pair};
use crate::convert::text::InternedNames;

static KINDS: InternedNames = InternedNames::new();
static REASONS: InternedNames = InternedNames::new();
static ACTIONS: InternedNames = InternedNames::new();

/// The answer to one request.
#[pyclass(module = "crossgate", frozen)]
pub(crate) struct Decision {
    policy: Arc<crossgate::Policy>,
    decision: OwnedDecision,
    /// Whether the request's header names came as bytes.
    bytes: bool,
}

impl Decision {
    /// `bytes`: the request's header names came as bytes.
    pub(crate) fn new(
        policy: Arc<crossgate::Policy>,
        decision: OwnedDecision,
        bytes: bool,
    ) -> Self {
        Decision {
            policy,
            decision,
            bytes,
        }
    }

    pub(crate) fn get(&self) -> crossgate::Decision<'_> {
        self.decision.decision(&self.policy)
    }

    /// Applies the decision to pairs. Whether what is added is bytes, and whether something was
    /// overwritten.
    fn apply_to<'py>(&self, headers: &Bound<'py, PyAny>) -> PyResult<(Pairs<'py>, bool, bool)> {
        let (mut response, mut bytes) = (Pairs::default(), self.bytes);
        each_pair(headers, |index, pair, name, value| {
            if index == 0 {
                bytes = name.is_instance_of::<PyBytes>();
            }
            response.push(pair.clone(), name.clone(), value.clone());
            Ok(())
        })?;
        let overwrote = self.get().apply(&mut response);
        Ok((response, bytes, overwrote))
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

    /// Why the request passed, or the first check that failed, like "origin_not_listed". Checks run
    /// in the order origin, method, headers.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let reason = self.get().reason();
        REASONS.get(py, reason.number(), reason.as_str())
    }

    /// Whether a regex with look-around or back references did not come to an end within its steps, so
    /// that it let nobody in.
    #[getter]
    fn hit_regex_step_limit(&self) -> bool {
        self.get().hit_regex_step_limit()
    }

    /// What the server does: "forward" the request to the handler, "answer" it with `status` and no
    /// body, or "reject" it with 403.
    #[getter]
    fn action<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let action = self.get().action();
        ACTIONS.get(py, action as usize, action.as_str())
    }

    /// Whether a CORS request passed. None if it is not a CORS request, or comes from one of the
    /// server's own origins.
    #[getter]
    fn allowed(&self) -> Option<bool> {
        self.get().allowed()
    }

    /// The status to answer with; None with "forward".
    #[getter]
    fn status(&self) -> Option<u16> {
        self.get().status()
    }

    /// The headers that the response gets, as pairs of lower-case name and value. `apply` puts them
    /// there.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let decision = self.get();
        let pairs = decision
            .headers()
            .map(|header| str_pair(py, header.name, header.value));
        PyTuple::new(py, pairs.collect::<PyResult<Vec<_>>>()?)
    }

    /// The lower-case names of the headers that the response loses if the application or an
    /// upstream set them.
    #[getter]
    fn remove<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let decision = self.get();
        let names = decision.remove().iter().map(|name| lower_name(py, *name));
        PyTuple::new(py, names.collect::<Vec<_>>())
    }

    /// Returns the response's headers with the decision's set, merged and removed.
    ///
    /// headers: (name, value) pairs of str or of bytes, as the application set them. What is added
    /// stands at the end, with lower-case names, and has the type of the first pair; without any
    /// pair it has the type of the request's.
    #[pyo3(signature = (headers, /))]
    fn apply<'py>(&self, headers: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = headers.py();
        let (response, bytes, _) = self.apply_to(headers)?;
        response.into_list(py, |name, value| {
            if bytes {
                bytes_pair(py, name, value)
            } else {
                str_pair(py, name, value)
            }
        })
    }

    /// Whether `apply` replaces or removes a CORS header of these: then two places set them.
    #[pyo3(signature = (headers, /))]
    fn overwrites_upstream(&self, headers: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.apply_to(headers).map(|(_, _, overwrote)| overwrote)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let python = |truth: Option<bool>| {
            truth.map_or("None", |truth| if truth { "True" } else { "False" })
        };
        let decision = self.get();
        let status = decision
            .status()
            .map_or("None".to_owned(), |status| status.to_string());
        let (kind, reason) = (decision.kind(), decision.reason());
        let (action, allowed) = (decision.action(), python(decision.allowed()));
        let headers = self.headers(py)?.repr()?;
        Ok(format!(
            "Decision(kind='{kind}', reason='{reason}', action='{action}', allowed={allowed}, \
                status={status}, headers={headers})"
        ))
    }
}
