//! The class `Gate`: a policy whose header sets are made once as Python's pairs, asked with an
//! environ; and its `Answer`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use crossgate::{Decision, HeaderName, PreparedValue, Reason, ResponseHeaders, Verdict};
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

use crate::counters::Counters;
use crate::environ::Asked;
use crate::policy::Policy;
use crate::problem::report;
use crate::request::verdict;
use crate::response::{Pair, Pairs, Store, is_touched};
use crate::shared::SharedPolicy;
use crate::text::type_name;

/// A policy, ready for environs.
///
/// policy: a Policy or SharedPolicy. lower: header names are written in lower case, else as
/// documents write them. ask: the host's verdict on an origin that a policy with host_origins asks
/// about; only True allows. counters: count the decisions.
#[pyclass(module = "crossgate._crossgate", frozen)]
pub(crate) struct Gate {
    shared: Option<Py<SharedPolicy>>,
    /// Of the policy; of a shared one as it was when last asked.
    sets: ArcSwap<Sets>,
    names: Names,
    lower_names: Names,
    reasons: Py<PyAny>,
    ask: Option<Py<PyAny>>,
    counters: Option<Py<Counters>>,
}

type Names = [Py<PyString>; HeaderName::ALL.len()];

/// A policy and its header sets.
struct Sets {
    policy: Arc<crossgate::Policy>,
    lines: Vec<Vec<Line>>,
}

/// A header of a prepared set.
struct Line {
    name: HeaderName,
    value: Fill,
}

enum Fill {
    /// The pair is the same in every answer.
    Fixed(Py<PyTuple>),
    Origin,
    Method,
    Names,
}

/// What is the request's in an answer.
pub(crate) struct Outcome {
    sets: Arc<Sets>,
    set: usize,
    /// 0: forward.
    pub(crate) status: u16,
    reason: Reason,
    verdict: Option<Verdict>,
    origin: Option<Py<PyString>>,
    method: Option<Py<PyString>>,
    asked_names: Option<Py<PyString>>,
}

impl Sets {
    fn new(py: Python<'_>, policy: Arc<crossgate::Policy>, names: &Names) -> PyResult<Arc<Self>> {
        let lines = policy
            .prepared()
            .map(|(lines, _)| {
                lines
                    .map(|(name, _, value)| {
                        let value = match value {
                            PreparedValue::Fixed(text) => Fill::Fixed(
                                (&names[name as usize], text).into_pyobject(py)?.unbind(),
                            ),
                            PreparedValue::Origin => Fill::Origin,
                            PreparedValue::Method => Fill::Method,
                            PreparedValue::Names => Fill::Names,
                        };
                        Ok(Line { name, value })
                    })
                    .collect()
            })
            .collect::<PyResult<_>>()?;
        Ok(Arc::new(Sets { policy, lines }))
    }

    fn decide<R>(
        &self,
        request: &crossgate::Request<'_>,
        verdict: Option<Verdict>,
        read: impl FnOnce(&Decision<'_>) -> R,
    ) -> R {
        // The only error is a verdict that the policy does not ask for; `outcome` has left that
        // out.
        match self.policy.evaluate_with(request, verdict) {
            Ok(decision) => read(&decision),
            Err(_) => read(&self.policy.evaluate(request)),
        }
    }
}

impl Gate {
    /// The policy as it is now.
    fn now(&self, py: Python<'_>) -> PyResult<Arc<Sets>> {
        let Some(shared) = &self.shared else {
            return Ok(self.sets.load_full());
        };
        let known = self.sets.load_full();
        let policy = &shared.get().load().live.policy;
        if Arc::ptr_eq(&known.policy, policy) {
            return Ok(known);
        }
        let sets = Sets::new(py, policy.clone(), &self.names)?;
        // What Python owns in the old ones goes with them.
        drop(self.sets.swap(sets.clone()));
        Ok(sets)
    }

    fn name<'py>(&self, py: Python<'py>, name: HeaderName) -> &Bound<'py, PyString> {
        self.names[name as usize].bind(py)
    }

    /// What `ask` says of the origin that the policy asks about.
    fn verdict(&self, py: Python<'_>, sets: &Sets, asked: &Asked) -> PyResult<Option<Verdict>> {
        let Some(ask) = &self.ask else {
            return Ok(None);
        };
        let request = asked.request(py);
        let Some(origin) = sets.policy.asks_host(&request) else {
            return Ok(None);
        };
        let ask = ask.bind(py);
        Ok(Some(match ask.call1((origin,)) {
            Ok(allowed)
                if allowed
                    .cast::<PyBool>()
                    .is_ok_and(|allowed| allowed.is_true()) =>
            {
                Verdict::Allow
            }
            Ok(_) => Verdict::Deny,
            Err(error) => {
                // A host that fails to say allows nothing, and the request goes on.
                report(py, error, ask)?;
                Verdict::Deny
            }
        }))
    }

    /// The host is asked unless the caller brings its verdict, which counts only where the policy
    /// asks for one.
    pub(crate) fn outcome(
        &self,
        py: Python<'_>,
        asked: &Asked,
        verdict: Option<Verdict>,
    ) -> PyResult<Outcome> {
        let sets = self.now(py)?;
        let verdict = match verdict {
            _ if !sets.policy.has_host_origins() => None,
            None => self.verdict(py, &sets, asked)?,
            known => known,
        };
        let request = asked.request(py);
        if let Some(shared) = &self.shared {
            shared
                .get()
                .load()
                .report_difference(py, &request, verdict, false)?;
        }
        Ok(sets.decide(&request, verdict, |decision| {
            let set = decision.prepared();
            let value = |value| {
                decision
                    .value_of(value)
                    .map(|(text, _)| asked.text(py, text).unbind())
            };
            let status = decision.status().unwrap_or(0);
            let mut outcome = Outcome {
                sets: sets.clone(),
                set,
                status,
                reason: decision.reason(),
                verdict,
                origin: None,
                method: None,
                asked_names: None,
            };
            for line in &sets.lines[set] {
                match line.value {
                    Fill::Fixed(_) => {}
                    Fill::Origin => outcome.origin = value(PreparedValue::Origin),
                    Fill::Method => outcome.method = value(PreparedValue::Method),
                    Fill::Names => outcome.asked_names = value(PreparedValue::Names),
                }
            }
            outcome
        }))
    }

    /// Counts a decision; once a request.
    pub(crate) fn count(&self, outcome: &Outcome) {
        if let Some(counters) = &self.counters {
            counters.get().add(outcome.reason);
        }
    }

    /// Applies the outcome to a response that says something of CORS itself, or has a Vary.
    fn merge(
        &self,
        py: Python<'_>,
        asked: &Asked,
        outcome: &Outcome,
        response: &mut impl ResponseHeaders,
    ) {
        let overwrote = outcome
            .sets
            .decide(&asked.request(py), outcome.verdict, |decision| {
                decision.apply(response)
            });
        if let Some(counters) = self.counters.as_ref().filter(|_| overwrote) {
            counters.get().add_overwrote();
        }
    }

    /// Calls `each` with every header of the outcome: its name, and the pair of it.
    fn each_pair<'py>(
        &self,
        py: Python<'py>,
        outcome: &Outcome,
        mut each: impl FnMut(HeaderName, Bound<'py, PyTuple>) -> PyResult<()>,
    ) -> PyResult<()> {
        for line in &outcome.sets.lines[outcome.set] {
            let value = match &line.value {
                Fill::Fixed(pair) => {
                    each(line.name, pair.bind(py).clone())?;
                    continue;
                }
                Fill::Origin => &outcome.origin,
                Fill::Method => &outcome.method,
                Fill::Names => &outcome.asked_names,
            };
            if let Some(value) = value {
                each(
                    line.name,
                    (self.name(py, line.name), value).into_pyobject(py)?,
                )?;
            }
        }
        Ok(())
    }

    /// The headers of an answer without an application: the decision's, and what tells that there
    /// is no body.
    pub(crate) fn answer_headers<'py>(
        &self,
        py: Python<'py>,
        outcome: &Outcome,
    ) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        self.each_pair(py, outcome, |_, pair| list.append(pair))?;
        if outcome.status != 204 {
            list.append((pyo3::intern!(py, "Content-Length"), pyo3::intern!(py, "0")))?;
        }
        Ok(list)
    }

    /// `204 No Content`
    pub(crate) fn status_line<'py>(
        &self,
        py: Python<'py>,
        status: u16,
    ) -> PyResult<Bound<'py, PyString>> {
        let reason = self
            .reasons
            .bind(py)
            .call_method1(pyo3::intern!(py, "get"), (status, "Status"))?;
        Ok(PyString::new(py, &format!("{status} {reason}")))
    }

    /// A new list of a response's headers, with the outcome's set, merged and removed.
    pub(crate) fn apply<'py>(
        &self,
        py: Python<'py>,
        asked: &Asked,
        outcome: &Outcome,
        headers: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        if !headers.iter().any(|pair| is_touched(&pair)) {
            let list = headers.get_slice(0, headers.len());
            self.each_pair(py, outcome, |_, pair| list.append(pair))?;
            return Ok(list);
        }
        let mut pairs = Pairs::new(headers);
        self.merge(py, asked, outcome, &mut pairs);
        let list = PyList::empty(py);
        for pair in pairs.0 {
            match pair {
                Pair::Theirs(pair) => list.append(pair)?,
                Pair::Ours(name, value) => list.append((self.name(py, name), value))?,
            }
        }
        Ok(list)
    }

    fn write(
        &self,
        py: Python<'_>,
        asked: &Asked,
        outcome: &Outcome,
        store: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let lower = |name: HeaderName| self.lower_names[name as usize].bind(py);
        if HeaderName::ALL
            .iter()
            .any(|name| store.contains(lower(*name)).unwrap_or(false))
        {
            self.merge(py, asked, outcome, &mut Store(store));
            return Ok(());
        }
        self.each_pair(py, outcome, |name, pair| store.set_item(lower(name), pair))
    }
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (policy, lower = false, ask = None, counters = None))]
    fn new(
        py: Python<'_>,
        policy: &Bound<'_, PyAny>,
        lower: bool,
        ask: Option<Py<PyAny>>,
        counters: Option<Py<Counters>>,
    ) -> PyResult<Self> {
        let lower_names = HeaderName::ALL.map(|name| PyString::intern(py, name.lower()).unbind());
        let names = HeaderName::ALL.map(|name| {
            PyString::intern(py, if lower { name.lower() } else { name.as_str() }).unbind()
        });
        let shared = policy
            .cast::<SharedPolicy>()
            .ok()
            .map(|shared| shared.clone().unbind());
        let compiled = match (&shared, policy.cast::<Policy>()) {
            (Some(shared), _) => shared.get().load().live.clone(),
            (None, Ok(policy)) => policy.get().compiled.clone(),
            (None, Err(_)) => {
                return Err(PyTypeError::new_err(format!(
                    "policy must be a Policy or a SharedPolicy, not {}",
                    type_name(policy)
                )));
            }
        };
        let sets = ArcSwap::new(Sets::new(py, compiled.policy.clone(), &names)?);
        let reasons = py.import("http.client")?.getattr("responses")?.unbind();
        Ok(Gate {
            shared,
            sets,
            names,
            lower_names,
            reasons,
            ask,
            counters,
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.ask)
    }

    /// Whether two gates decide alike, now and later.
    fn same(&self, other: &Self) -> bool {
        let is = |one: &Option<Py<PyAny>>, other: &Option<Py<PyAny>>| {
            one.as_ref().map(Py::as_ptr) == other.as_ref().map(Py::as_ptr)
        };
        let policies = match (&self.shared, &other.shared) {
            (Some(one), Some(other)) => one.is(other),
            (None, None) => self.sets.load().policy == other.sets.load().policy,
            _ => false,
        };
        policies && is(&self.ask, &other.ask)
    }

    /// The origin that the host is asked about before decide, or None.
    fn asks<'py>(&self, environ: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyString>>> {
        let py = environ.py();
        let asked = Asked::read(environ);
        Ok(self
            .now(py)?
            .policy
            .asks_host(&asked.request(py))
            .map(|origin| PyString::new(py, origin)))
    }

    /// Decides about the request of an environ. Never raises for what stands there.
    #[pyo3(signature = (environ, verdict = None))]
    fn decide(
        slf: &Bound<'_, Self>,
        environ: &Bound<'_, PyDict>,
        verdict: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Answer> {
        let verdict = self::verdict(verdict)?;
        let asked = Asked::read(environ);
        let outcome = slf.get().outcome(slf.py(), &asked, verdict)?;
        slf.get().count(&outcome);
        Ok(Answer {
            gate: slf.clone().unbind(),
            asked,
            outcome,
        })
    }
}

/// What a gate says of one request.
#[pyclass(module = "crossgate._crossgate", frozen)]
pub(crate) struct Answer {
    gate: Py<Gate>,
    asked: Asked,
    outcome: Outcome,
}

#[pymethods]
impl Answer {
    /// The status to answer with before the application; 0: the application runs.
    #[getter]
    fn status(&self) -> u16 {
        self.outcome.status
    }

    /// A new list of a response's headers with the answer's set, merged and removed.
    #[pyo3(signature = (headers, /))]
    fn apply<'py>(&self, headers: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
        self.gate
            .get()
            .apply(headers.py(), &self.asked, &self.outcome, headers)
    }

    /// The same in place, in the dict in which Django keeps a response's headers.
    #[pyo3(signature = (store, /))]
    fn write(&self, store: &Bound<'_, PyDict>) -> PyResult<()> {
        self.gate
            .get()
            .write(store.py(), &self.asked, &self.outcome, store)
    }
}
