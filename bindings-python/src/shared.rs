//! The class `SharedPolicy`: a policy that is swapped while serving, with a shadow beside it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use crossgate::{Request, Snapshot, Verdict};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use crate::decision::Decision;
use crate::policy::Policy;
use crate::problem::report;
use crate::request::{Asked, verdict};
use crate::text::type_name;
use crate::wire::Compiled;

/// A policy that is replaced while serving. Whoever reads it never waits, and sees the old policy
/// or the new one.
///
/// A middleware takes it in place of a Policy. A document or file that is wrong raises PolicyError
/// and changes nothing.
#[pyclass(module = "crossgate", frozen)]
pub(crate) struct SharedPolicy {
    current: ArcSwap<Current>,
    /// Writers, one after the other; nothing of Python's runs while it is held.
    writing: Mutex<()>,
}

/// The policies of one moment.
pub(crate) struct Current {
    pub(crate) live: Arc<Compiled>,
    shadow: Option<Shadow>,
}

struct Shadow {
    policy: Arc<Compiled>,
    on_difference: Arc<Py<PyAny>>,
    /// The engine's view of both, which compares them.
    both: Snapshot,
}

impl Current {
    fn new(live: Arc<Compiled>, shadow: Option<(Arc<Compiled>, Arc<Py<PyAny>>)>) -> Arc<Self> {
        let shadow = shadow.map(|(policy, on_difference)| {
            let shared = crossgate::SharedPolicy::new(live.policy.clone());
            shared.set_shadow(Some(policy.policy.clone()));
            Shadow {
                policy,
                on_difference,
                both: shared.load(),
            }
        });
        Arc::new(Current { live, shadow })
    }

    /// Tells the host's callback if the shadow would have decided otherwise. An `Exception` of the
    /// callback is reported as unraisable: no request depends on it.
    pub(crate) fn report_difference(
        &self,
        py: Python<'_>,
        request: &Request<'_>,
        verdict: Option<Verdict>,
        bytes: bool,
    ) -> PyResult<()> {
        let Some(shadow) = &self.shadow else {
            return Ok(());
        };
        let Ok(Some(_)) = shadow.both.shadow_difference(request, verdict) else {
            return Ok(());
        };
        let decide = |policy: &Arc<crossgate::Policy>| {
            let verdict = verdict.filter(|_| policy.has_host_origins());
            policy
                .evaluate_with(request, verdict)
                .ok()
                .map(|decision| Decision::kept(policy.clone(), decision.keep(), bytes))
        };
        let (Some(live), Some(shadowed)) =
            (decide(&self.live.policy), decide(&shadow.policy.policy))
        else {
            return Ok(());
        };
        let on_difference = shadow.on_difference.bind(py);
        on_difference
            .call1((live, shadowed))
            .map(drop)
            .or_else(|error| report(py, error, on_difference))
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
        // What Python owns in it is dropped without the lock.
        drop(old);
    }

    fn put(&self, live: Arc<Compiled>) {
        self.change(|current| {
            Current::new(
                live,
                current
                    .shadow
                    .as_ref()
                    .map(|shadow| (shadow.policy.clone(), shadow.on_difference.clone())),
            )
        });
    }
}

#[pymethods]
impl SharedPolicy {
    #[new]
    #[pyo3(signature = (policy, /))]
    fn new(policy: &Policy) -> Self {
        SharedPolicy {
            current: ArcSwap::new(Current::new(policy.compiled.clone(), None)),
            writing: Mutex::new(()),
        }
    }

    /// The policy as it is now.
    #[getter]
    fn policy(&self) -> Policy {
        Policy {
            compiled: self.load().live.clone(),
        }
    }

    /// The policy that is evaluated beside it, or None.
    #[getter]
    fn shadow(&self) -> Option<Policy> {
        self.load().shadow.as_ref().map(|shadow| Policy {
            compiled: shadow.policy.clone(),
        })
    }

    /// Replaces the policy.
    #[pyo3(signature = (policy, /))]
    fn replace(&self, policy: &Policy) {
        self.put(policy.compiled.clone());
    }

    /// Builds the policy anew from a mapping of options. Raises PolicyError with every problem; the
    /// old one stays then.
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
            // Whatever is no option's name is reported as one that does not exist.
            options.set_item(
                name.cast_into::<PyString>()
                    .or_else(|other| other.into_inner().str())?,
                value,
            )?;
        }
        self.put(Policy::new(py, Some(&options))?.compiled);
        Ok(())
    }

    /// Builds the policy anew from a file, as Policy.from_file does. If that raises, the old one
    /// stays.
    #[pyo3(signature = (path, /))]
    fn replace_file(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let _: PathBuf = path.extract()?;
        self.put(Policy::load_file(py, path)?.compiled);
        Ok(())
    }

    /// Evaluates another policy beside the live one, to see what it would change:
    /// on_difference(live, shadow) is called with both decisions of every request on which they
    /// differ. None ends it.
    #[pyo3(signature = (policy, on_difference = None))]
    fn set_shadow(
        &self,
        policy: Option<&Policy>,
        on_difference: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let shadow = match (policy, on_difference) {
            (None, None) => None,
            (Some(policy), Some(callback)) if callback.is_callable() => {
                Some((policy.compiled.clone(), Arc::new(callback.clone().unbind())))
            }
            _ => {
                return Err(PyTypeError::new_err(
                    "set_shadow takes a policy and a function on_difference(live, shadow), or None",
                ));
            }
        };
        self.change(|current| Current::new(current.live.clone(), shadow));
        Ok(())
    }

    /// Decides about a request as the live policy does, and reports what the shadow would have done
    /// otherwise.
    #[pyo3(signature = (method, headers, verdict = None))]
    fn evaluate(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        verdict: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Decision> {
        let verdict = self::verdict(verdict)?;
        let asked = Asked::read(method, headers)?;
        let current = self.load();
        let decision = Decision::new(
            current.live.policy.clone(),
            &asked.request(py),
            verdict,
            asked.bytes,
        )?;
        current.report_difference(py, &asked.request(py), verdict, asked.bytes)?;
        Ok(decision)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("SharedPolicy({})", self.policy().__repr__(py)?))
    }
}
