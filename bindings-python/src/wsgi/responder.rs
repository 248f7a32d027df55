//! The class `Responder`: decides about the requests of WSGI environs, and applies the decisions.

use std::sync::Arc;

use crossgate::{Decision, Evaluation, HeaderName, OwnedNeedsVerdict, Verdict};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyList, PyString};

use super::environ;
use crate::api::counters::Counters;
use crate::api::policy::Policy;
use crate::api::source::{Moment, OfPolicy, PolicySource};
use crate::convert::problem::report;
use crate::convert::request::PyRequest;
use crate::convert::response::{Pairs, Store, lower_name, may_be_touched};
use crate::templates::{PendingDecision, Templates};

/// A policy that decides about the requests of WSGI environs.
///
/// policy: a Policy or SharedPolicy. lower: write header names in lower case, else as documents
/// write them. origin_predicate: the application's verdict on an origin, for a policy with
/// `origin_predicate`. counters: count the decisions.
#[pyclass(module = "crossgate._crossgate", frozen)]
pub(crate) struct Responder {
    source: PolicySource<Made>,
    lower: bool,
    /// `http.client.responses`: the reason phrase of each status.
    phrases: Py<PyAny>,
    predicate: Option<Py<PyAny>>,
    counters: Option<Py<Counters>>,
}

/// What a responder makes of a policy.
struct Made(Arc<Templates<PyString>>);

impl OfPolicy for Made {
    fn policy(&self) -> &Arc<crossgate::Policy> {
        self.0.policy()
    }
}

impl Made {
    fn new(py: Python<'_>, policy: Arc<crossgate::Policy>, lower: bool) -> PyResult<Self> {
        let spell = |name: HeaderName| if lower { name.lower() } else { name.as_str() };
        Templates::new(py, policy, spell).map(|templates| Made(Arc::new(templates)))
    }
}

impl Responder {
    fn load(&self, py: Python<'_>) -> PyResult<Moment<'_, Made>> {
        self.source.load(|policy| Made::new(py, policy, self.lower))
    }

    /// What the predicate says about an origin. The engine says what its answer means.
    fn ask(
        &self,
        py: Python<'_>,
        policy: &Arc<crossgate::Policy>,
        origin: &str,
    ) -> PyResult<Option<Verdict>> {
        let Some(predicate) = &self.predicate else {
            return Ok(None);
        };
        let predicate = predicate.bind(py);
        let allowed = match predicate.call1((origin,)) {
            Ok(answer) => match answer.cast::<PyBool>() {
                // What most answer needs no engine.
                Ok(answer) => Some(answer.is_true()),
                Err(_) => {
                    static JUDGED_NOW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                    let judged =
                        JUDGED_NOW.import(py, "crossgate._options.predicate", "judged_now")?;
                    let policy = Policy(Arc::clone(policy));
                    judged.call1((policy, origin, answer))?.extract()?
                }
            },
            Err(error) => {
                report(py, error, predicate)?;
                None
            }
        };
        if let (None, Some(counters)) = (allowed, &self.counters) {
            counters.get().add_predicate_failed();
        }
        Ok(Some(if allowed == Some(true) {
            Verdict::Allow
        } else {
            Verdict::Deny
        }))
    }

    /// Decides about a request. Asks the predicate if the policy needs a verdict.
    pub(crate) fn decide(
        &self,
        py: Python<'_>,
        asked: &PyRequest,
    ) -> PyResult<PendingDecision<PyString>> {
        let moment = self.load(py)?;
        let request = asked.request(py);
        let (decision, verdict) = match moment.made.policy().begin(&request) {
            Evaluation::Decided(decision) => (decision, None),
            Evaluation::NeedsVerdict(open) => {
                let verdict = self.ask(py, moment.made.policy(), open.origin())?;
                (open.resume(verdict), verdict)
            }
        };
        moment.tell(py, &decision, asked, &request, verdict)?;
        Ok(pending(py, &moment, asked, &decision))
    }

    /// Counts a decision. Called once for each request.
    pub(crate) fn count(&self, pending: &PendingDecision<PyString>) {
        if let Some(counters) = &self.counters {
            counters
                .get()
                .add(pending.reason(), pending.hit_regex_step_limit());
        }
    }

    /// The headers of a response without a body.
    pub(crate) fn answer_headers<'py>(
        py: Python<'py>,
        pending: &PendingDecision<PyString>,
        status: u16,
    ) -> PyResult<Bound<'py, PyList>> {
        let list = pending.pairs(py)?;
        // A 204 has no length.
        if status != 204 {
            list.append((pyo3::intern!(py, "Content-Length"), pyo3::intern!(py, "0")))?;
        }
        Ok(list)
    }

    /// The status line, like `204 No Content`.
    pub(crate) fn status_line<'py>(
        &self,
        py: Python<'py>,
        status: u16,
    ) -> PyResult<Bound<'py, PyString>> {
        let phrases = self.phrases.bind(py);
        let phrase = phrases.call_method1(pyo3::intern!(py, "get"), (status, "Status"))?;
        Ok(PyString::new(py, &format!("{status} {phrase}")))
    }

    /// A new list of a response's headers with the decision's set, merged and removed.
    pub(crate) fn apply<'py>(
        &self,
        pending: &PendingDecision<PyString>,
        headers: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = headers.py();
        if !headers.iter().any(|pair| may_be_touched(&pair)) {
            return pending.behind(headers);
        }
        let mut pairs = Pairs::of_wsgi(headers);
        self.count_overwrote(pending.apply(py, &mut pairs));
        pairs.into_list(py, |name, value| {
            (pending.templates().name(py, name), value).into_pyobject(py)
        })
    }

    /// The same in place, in the dict in which Django keeps a response's headers.
    fn write(
        &self,
        pending: &PendingDecision<PyString>,
        store: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let py = store.py();
        if Store(store).may_be_touched() {
            self.count_overwrote(pending.apply(py, &mut Store(store)));
            return Ok(());
        }
        pending.each(py, |name, pair| store.set_item(lower_name(py, name), pair))
    }

    fn count_overwrote(&self, overwrote: bool) {
        if let Some(counters) = self.counters.as_ref().filter(|_| overwrote) {
            counters.get().add_overwrote_upstream();
        }
    }
}

fn pending(
    py: Python<'_>,
    moment: &Moment<'_, Made>,
    asked: &PyRequest,
    decision: &Decision<'_>,
) -> PendingDecision<PyString> {
    PendingDecision::new(py, moment.made.0.clone(), decision, asked.lines.origin())
}

#[pymethods]
impl Responder {
    #[new]
    #[pyo3(signature = (policy, lower = false, origin_predicate = None, counters = None))]
    fn new(
        py: Python<'_>,
        policy: &Bound<'_, PyAny>,
        lower: bool,
        origin_predicate: Option<Py<PyAny>>,
        counters: Option<Py<Counters>>,
    ) -> PyResult<Self> {
        Ok(Responder {
            source: PolicySource::new(policy, |policy| Made::new(py, policy, lower))?,
            lower,
            phrases: py.import("http.client")?.getattr("responses")?.unbind(),
            predicate: origin_predicate,
            counters,
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.predicate)
    }

    /// Whether two responders decide alike, now and later.
    fn is_like(&self, other: &Self) -> bool {
        let is = |one: &Option<Py<PyAny>>, other: &Option<Py<PyAny>>| {
            one.as_ref().map(Py::as_ptr) == other.as_ref().map(Py::as_ptr)
        };
        self.source.is_like(&other.source) && is(&self.predicate, &other.predicate)
    }

    /// Decides about the request of an environ, or says which origin needs a verdict first. Never
    /// raises for a value of the environ.
    fn begin<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let asked = environ::request(environ);
        let moment = this.load(py)?;
        let request = asked.request(py);
        let decision = match moment.made.policy().begin(&request) {
            Evaluation::Decided(decision) => decision,
            Evaluation::NeedsVerdict(open) => {
                let (origin, open) = (open.origin().to_owned(), open.to_owned_needs_verdict());
                drop(request);
                let needs_verdict = NeedsVerdict {
                    responder: slf.clone().unbind(),
                    moment: moment.into_owned(),
                    asked,
                    origin,
                    open,
                };
                return Ok(Bound::new(py, needs_verdict)?.into_any());
            }
        };
        moment.tell(py, &decision, &asked, &request, None)?;
        let outcome = Outcome::new(slf, pending(py, &moment, &asked, &decision));
        Ok(Bound::new(py, outcome)?.into_any())
    }

    /// Decides about the request of an environ. Asks the predicate if the policy needs a verdict.
    /// Never raises for a value of the environ.
    #[pyo3(name = "decide")]
    fn decide_environ(slf: &Bound<'_, Self>, environ: &Bound<'_, PyDict>) -> PyResult<Outcome> {
        let asked = environ::request(environ);
        Ok(Outcome::new(slf, slf.get().decide(slf.py(), &asked)?))
    }
}

/// A request that waits for the application's verdict on its origin.
#[pyclass(module = "crossgate._crossgate", frozen)]
pub(crate) struct NeedsVerdict {
    responder: Py<Responder>,
    moment: Moment<'static, Made>,
    asked: PyRequest,
    origin: String,
    open: OwnedNeedsVerdict,
}

#[pymethods]
impl NeedsVerdict {
    /// The origin in question.
    #[getter]
    fn origin(&self) -> &str {
        &self.origin
    }

    /// The decision with this verdict.
    fn resume(&self, py: Python<'_>, allowed: bool) -> PyResult<Outcome> {
        let verdict = Some(if allowed {
            Verdict::Allow
        } else {
            Verdict::Deny
        });
        let (moment, request) = (&self.moment, self.asked.request(py));
        let owned = self.open.clone().resume(verdict);
        let decision = owned.decision(moment.made.policy());
        moment.tell(py, &decision, &self.asked, &request, verdict)?;
        let pending = pending(py, moment, &self.asked, &decision);
        Ok(Outcome::new(self.responder.bind(py), pending))
    }
}

/// A responder's decision about one request.
#[pyclass(module = "crossgate._crossgate", frozen)]
pub(crate) struct Outcome {
    responder: Py<Responder>,
    pending: PendingDecision<PyString>,
}

impl Outcome {
    /// Counts the decision.
    fn new(responder: &Bound<'_, Responder>, pending: PendingDecision<PyString>) -> Self {
        responder.get().count(&pending);
        Outcome {
            responder: responder.clone().unbind(),
            pending,
        }
    }
}

#[pymethods]
impl Outcome {
    /// The status to answer with before the application runs; 0 if it runs.
    #[getter]
    fn status(&self) -> u16 {
        self.pending.status().unwrap_or(0)
    }

    /// A new list of a response's headers with the decision's set, merged and removed.
    #[pyo3(signature = (headers, /))]
    fn apply<'py>(&self, headers: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
        self.responder.get().apply(&self.pending, headers)
    }

    /// The same in place, in the dict in which Django keeps a response's headers.
    #[pyo3(signature = (store, /))]
    fn write(&self, store: &Bound<'_, PyDict>) -> PyResult<()> {
        self.responder.get().write(&self.pending, store)
    }
}
