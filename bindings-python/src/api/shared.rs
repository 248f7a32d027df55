//! The class `SharedPolicy`: a policy that is replaced while serving, with a shadow policy.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use crossgate::{Evaluation, Request, Snapshot, Verdict};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString, PyTuple};

use super::decision::Decision;
use super::policy::Policy;
use crate::convert::problem::report;
use crate::convert::request::{PyRequest, verdict};
use crate::convert::text::type_name;

/// Holds the current policy, which can be replaced while serving. Readers never wait. Each sees the
/// old policy or the new one.
///
/// A middleware takes it in place of a Policy. A document or file with errors raises PolicyError
/// and changes nothing.
#[pyclass(module = "crossgate", frozen)]
pub(crate) struct SharedPolicy {
    current: ArcSwap<Current>,
    /// Held by a writer. No Python code runs while it is held.
    writing: Mutex<()>,
}

/// The policies of one moment.
pub(crate) struct Current {
    /// The live policy, and the shadow if there is one.
    policies: Snapshot,
    /// Is there if and only if there is a shadow.
    on_shadow_difference: Option<Arc<Py<PyAny>>>,
}

type Shadow = (Arc<crossgate::Policy>, Arc<Py<PyAny>>);

impl Current {
    fn new(live: Arc<crossgate::Policy>, shadow: Option<Shadow>) -> Arc<Self> {
        let (policy, on_shadow_difference) = shadow.unzip();
        let shared = crossgate::SharedPolicy::new(live);
        shared.set_shadow(policy);
        Arc::new(Current {
            policies: shared.load(),
            on_shadow_difference,
        })
    }

    pub(crate) fn live(&self) -> &Arc<crossgate::Policy> {
        self.policies.policy()
    }

    fn shadow(&self) -> Option<Shadow> {
        self.policies
            .shadow()
            .cloned()
            .zip(self.on_shadow_difference.clone())
    }

    /// Calls the application's function if the shadow policy decides otherwise than the live one
    /// did. An `Exception` of that function is reported as unraisable, because no request may fail
    /// with it.
    pub(crate) fn report_difference(
        &self,
        py: Python<'_>,
        live: &crossgate::Decision<'_>,
        asked: &PyRequest,
        request: &Request<'_>,
        verdict: Option<Verdict>,
    ) -> PyResult<()> {
        let (Some(shadow), Some(function)) = (self.policies.shadow(), &self.on_shadow_difference)
        else {
            return Ok(());
        };
        if self
            .policies
            .compare_shadow(live, request, verdict)
            .is_none()
        {
            return Ok(());
        }
        let decision = match shadow.begin(request) {
            Evaluation::Decided(decision) => decision,
            Evaluation::NeedsVerdict(open) => open.resume(verdict),
        };
        let of = |policy: &Arc<crossgate::Policy>, decision: &crossgate::Decision<'_>| {
            let owned = decision.to_owned_decision();
            Py::new(py, Decision::new(policy.clone(), owned, asked.bytes))
        };
        let difference = ShadowDifference {
            live: of(self.live(), live)?,
            shadow: of(shadow, &decision)?,
        };
        let (method, headers) = asked.texts(py);
        let request = ShadowRequest { method, headers };
        let function = function.bind(py);
        function
            .call1((difference, request))
            .map(drop)
            .or_else(|error| report(py, error, function))
    }
}

impl SharedPolicy {
    pub(crate) fn load(&self) -> Arc<Current> {
        self.current.load_full()
    }

    fn change(&self, change: impl FnOnce(&Current) -> Arc<Current>) {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.current.swap(change(&self.current.load()));
        drop(writing);
        // This may run a finalizer of Python's, so the lock is released before.
        drop(old);
    }

    fn put(&self, live: Policy) {
        self.change(|current| Current::new(live.0, current.shadow()));
    }
}

#[pymethods]
impl SharedPolicy {
    #[new]
    #[pyo3(signature = (policy, /))]
    fn new(policy: &Policy) -> Self {
        SharedPolicy {
            current: ArcSwap::new(Current::new(policy.0.clone(), None)),
            writing: Mutex::new(()),
        }
    }

    /// The live policy.
    #[getter]
    fn policy(&self) -> Policy {
        Policy(self.load().live().clone())
    }

    /// The shadow policy, or None.
    #[getter]
    fn shadow(&self) -> Option<Policy> {
        self.load().policies.shadow().cloned().map(Policy)
    }

    /// Replaces the live policy.
    #[pyo3(signature = (policy, /))]
    fn replace(&self, policy: &Policy) {
        self.put(Policy(policy.0.clone()));
    }

    /// Replaces the live policy by one built from a mapping of options. Raises PolicyError with
    /// every problem; then the old policy stays.
    #[pyo3(signature = (document, /))]
    fn replace_document(&self, document: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = document.py();
        if document.cast::<PyMapping>().is_err() {
            return Err(PyTypeError::new_err(format!(
                "a policy document is a mapping of option names to values, not {}",
                type_name(document)
            )));
        }
        let options = PyDict::new(py);
        for item in document.call_method0("items")?.try_iter()? {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
            // A key that is not a str is reported as an unknown option.
            options.set_item(
                name.cast_into::<PyString>()
                    .or_else(|other| other.into_inner().str())?,
                value,
            )?;
        }
        self.put(Policy::new(py, Some(&options))?);
        Ok(())
    }

    /// Replaces the live policy by one built from JSON text. Raises PolicyError with every problem;
    /// then the old policy stays.
    #[pyo3(signature = (text, /))]
    fn replace_json(&self, py: Python<'_>, text: &str) -> PyResult<()> {
        self.put(Policy::build(py, || crossgate::Policy::from_json(text))?);
        Ok(())
    }

    /// Replaces the live policy by one built from TOML text. Raises PolicyError with every problem;
    /// then the old policy stays.
    #[pyo3(signature = (text, /))]
    fn replace_toml(&self, py: Python<'_>, text: &str) -> PyResult<()> {
        self.put(Policy::build(py, || crossgate::Policy::from_toml(text))?);
        Ok(())
    }

    /// Replaces the live policy by one built from a file, as Policy.from_file does. If that raises,
    /// the old policy stays.
    #[pyo3(signature = (path, /))]
    fn replace_file(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put(Policy::load_file(py, path)?);
        Ok(())
    }

    /// Evaluates another policy with every request, to see what it would change.
    ///
    /// on_shadow_difference(difference, request) is called for every request about which the two
    /// policies differ. `difference` has the decisions `live` and `shadow`; `request` has the
    /// method and the headers that decide. None ends it.
    #[pyo3(signature = (policy, on_shadow_difference = None))]
    fn set_shadow(
        &self,
        policy: Option<&Policy>,
        on_shadow_difference: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let shadow = match (policy, on_shadow_difference) {
            (None, None) => None,
            (Some(policy), Some(function)) if function.is_callable() => {
                Some((policy.0.clone(), Arc::new(function.clone().unbind())))
            }
            _ => {
                return Err(PyTypeError::new_err(
                    "set_shadow takes a policy and a function \
                        on_shadow_difference(difference, request), or None",
                ));
            }
        };
        self.change(|current| Current::new(current.live().clone(), shadow));
        Ok(())
    }

    /// Decides about a request as the live policy does, and reports a difference of the shadow
    /// policy.
    #[pyo3(signature = (method, headers, verdict = None))]
    fn evaluate(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        verdict: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Decision> {
        let verdict = self::verdict(verdict)?;
        let asked = PyRequest::read(method, headers)?;
        let current = self.load();
        let request = asked.request(py);
        let decision = current
            .live()
            .evaluate_with(&request, verdict)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        current.report_difference(py, &decision, &asked, &request, verdict)?;
        let owned = decision.to_owned_decision();
        Ok(Decision::new(current.live().clone(), owned, asked.bytes))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("SharedPolicy({})", self.policy().__repr__(py)?))
    }
}

/// What a shadow policy would have decided otherwise.
#[pyclass(module = "crossgate", frozen)]
pub(crate) struct ShadowDifference {
    /// The decision that was acted on.
    #[pyo3(get)]
    live: Py<Decision>,
    /// The decision of the shadow policy.
    #[pyo3(get)]
    shadow: Py<Decision>,
}

#[pymethods]
impl ShadowDifference {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let [live, shadow] = [&self.live, &self.shadow].map(|decision| decision.bind(py).repr());
        Ok(format!(
            "ShadowDifference(live={}, shadow={})",
            live?, shadow?
        ))
    }
}

/// A request about which a shadow policy decides otherwise: what of it decides.
#[pyclass(module = "crossgate", frozen)]
pub(crate) struct ShadowRequest {
    /// The method.
    #[pyo3(get)]
    method: String,
    headers: Vec<(&'static str, String)>,
}

#[pymethods]
impl ShadowRequest {
    /// The lines of the headers that CORS reads, as pairs of lower-case name and value. The values
    /// are the client's: escape them in logs.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.headers.iter().map(|(name, value)| (*name, value)))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (method, headers) = (PyString::new(py, &self.method).repr()?, self.headers(py)?);
        Ok(format!(
            "ShadowRequest(method={method}, headers={})",
            headers.repr()?
        ))
    }
}
