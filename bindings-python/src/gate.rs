//! The class `Gate`: a policy whose header sets are made once as Python's pairs, asked with an environ; and its
//! `Answer`.

use crossgate::{Decision, HeaderName, PreparedValue, Verdict};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

use crate::environ::Asked;
use crate::policy::Policy;
use crate::request::verdict;
use crate::response::{Pair, Pairs, Store, is_touched};

/// A policy, ready for environs.
///
/// lower: header names are written in lower case, else as documents write them. ask: the host's verdict on an origin
/// that a policy with host_origins asks about; only True allows.
#[pyclass(module = "crossgate._crossgate", frozen)]
pub(crate) struct Gate {
    policy: Py<Policy>,
    sets: Vec<Vec<Line>>,
    names: [Py<PyString>; HeaderName::ALL.len()],
    lower_names: [Py<PyString>; HeaderName::ALL.len()],
    reasons: Py<PyAny>,
    ask: Option<Py<PyAny>>,
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
    set: usize,
    /// 0: forward.
    pub(crate) status: u16,
    verdict: Option<Verdict>,
    origin: Option<Py<PyString>>,
    method: Option<Py<PyString>>,
    asked_names: Option<Py<PyString>>,
}

impl Gate {
    fn engine(&self) -> &crossgate::Policy {
        self.policy.get().engine()
    }

    fn name<'py>(&self, py: Python<'py>, name: HeaderName) -> &Bound<'py, PyString> {
        self.names[name as usize].bind(py)
    }

    fn asks_host<'py>(&self, py: Python<'py>, asked: &Asked) -> Option<Bound<'py, PyString>> {
        self.engine().asks_host(&asked.request(py)).map(|origin| PyString::new(py, origin))
    }

    /// What `ask` says of the origin that the policy asks about.
    fn verdict(&self, py: Python<'_>, asked: &Asked) -> Option<Verdict> {
        let ask = self.ask.as_ref()?.bind(py);
        let allowed = ask.call1((self.asks_host(py, asked)?,));
        Some(match allowed {
            Ok(allowed) if allowed.cast::<PyBool>().is_ok_and(|allowed| allowed.is_true()) => Verdict::Allow,
            Ok(_) => Verdict::Deny,
            Err(error) => {
                // A host that fails to say allows nothing, and the request goes on.
                error.write_unraisable(py, Some(ask));
                Verdict::Deny
            }
        })
    }

    /// The host is asked unless the caller brings its verdict, which counts only where the policy asks for one.
    pub(crate) fn outcome(&self, py: Python<'_>, asked: &Asked, verdict: Option<Verdict>) -> Outcome {
        let verdict = if self.engine().has_host_origins() { verdict.or_else(|| self.verdict(py, asked)) } else { None };
        let request = asked.request(py);
        self.with(&request, verdict, |decision| {
            let set = decision.prepared();
            let value = |value| decision.value_of(value).map(|(text, _)| asked.text(py, text).unbind());
            let mut outcome = Outcome { set, status: decision.status().unwrap_or(0), verdict, origin: None, method: None, asked_names: None };
            for line in &self.sets[set] {
                match line.value {
                    Fill::Fixed(_) => {}
                    Fill::Origin => outcome.origin = value(PreparedValue::Origin),
                    Fill::Method => outcome.method = value(PreparedValue::Method),
                    Fill::Names => outcome.asked_names = value(PreparedValue::Names),
                }
            }
            outcome
        })
    }

    fn with<R>(&self, request: &crossgate::Request<'_>, verdict: Option<Verdict>, read: impl FnOnce(&Decision<'_>) -> R) -> R {
        // The only error is a verdict that the policy does not ask for; `outcome` has left that out.
        match self.engine().evaluate_with(request, verdict) {
            Ok(decision) => read(&decision),
            Err(_) => read(&self.engine().evaluate(request)),
        }
    }

    /// Calls `each` with every header of the outcome: its name, and the pair of it.
    fn each_pair<'py>(&self, py: Python<'py>, outcome: &Outcome, mut each: impl FnMut(HeaderName, Bound<'py, PyTuple>) -> PyResult<()>) -> PyResult<()> {
        for line in &self.sets[outcome.set] {
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
                each(line.name, (self.name(py, line.name), value).into_pyobject(py)?)?;
            }
        }
        Ok(())
    }

    /// The headers of an answer without an application: the decision's, and what tells that there is no body.
    pub(crate) fn answer_headers<'py>(&self, py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        self.each_pair(py, outcome, |_, pair| list.append(pair))?;
        if outcome.status != 204 {
            list.append((pyo3::intern!(py, "Content-Length"), pyo3::intern!(py, "0")))?;
        }
        Ok(list)
    }

    /// `204 No Content`
    pub(crate) fn status_line<'py>(&self, py: Python<'py>, status: u16) -> PyResult<Bound<'py, PyString>> {
        let reason = self.reasons.bind(py).call_method1(pyo3::intern!(py, "get"), (status, "Status"))?;
        Ok(PyString::new(py, &format!("{status} {reason}")))
    }

    /// A new list of a response's headers, with the outcome's set, merged and removed.
    pub(crate) fn apply<'py>(&self, py: Python<'py>, asked: &Asked, outcome: &Outcome, headers: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
        if !headers.iter().any(|pair| is_touched(&pair)) {
            let list = headers.get_slice(0, headers.len());
            self.each_pair(py, outcome, |_, pair| list.append(pair))?;
            return Ok(list);
        }
        let mut pairs = Pairs(headers.iter().map(Pair::Theirs).collect());
        self.with(&asked.request(py), outcome.verdict, |decision| decision.apply(&mut pairs));
        let list = PyList::empty(py);
        for pair in pairs.0 {
            match pair {
                Pair::Theirs(pair) => list.append(pair)?,
                Pair::Ours(name, value) => list.append((self.name(py, name), value))?,
            }
        }
        Ok(list)
    }

    fn write(&self, py: Python<'_>, asked: &Asked, outcome: &Outcome, store: &Bound<'_, PyDict>) -> PyResult<()> {
        let lower = |name: HeaderName| self.lower_names[name as usize].bind(py);
        if HeaderName::ALL.iter().any(|name| store.contains(lower(*name)).unwrap_or(false)) {
            self.with(&asked.request(py), outcome.verdict, |decision| decision.apply(&mut Store(store)));
            return Ok(());
        }
        self.each_pair(py, outcome, |name, pair| store.set_item(lower(name), pair))
    }
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (policy, lower = false, ask = None))]
    fn new(py: Python<'_>, policy: &Bound<'_, Policy>, lower: bool, ask: Option<Py<PyAny>>) -> PyResult<Self> {
        let lower_names = HeaderName::ALL.map(|name| PyString::intern(py, name.lower()).unbind());
        let names = HeaderName::ALL.map(|name| PyString::intern(py, if lower { name.lower() } else { name.as_str() }).unbind());
        let sets = policy
            .get()
            .engine()
            .prepared()
            .map(|(lines, _)| {
                lines
                    .map(|(name, _, value)| {
                        let value = match value {
                            PreparedValue::Fixed(text) => Fill::Fixed((&names[name as usize], text).into_pyobject(py)?.unbind()),
                            PreparedValue::Origin => Fill::Origin,
                            PreparedValue::Method => Fill::Method,
                            PreparedValue::Names => Fill::Names,
                        };
                        Ok(Line { name, value })
                    })
                    .collect()
            })
            .collect::<PyResult<_>>()?;
        let reasons = py.import("http.client")?.getattr("responses")?.unbind();
        Ok(Gate { policy: policy.clone().unbind(), sets, names, lower_names, reasons, ask })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.ask)
    }

    /// The policy.
    #[getter]
    fn policy(&self, py: Python<'_>) -> Py<Policy> {
        self.policy.clone_ref(py)
    }

    /// What is asked for the host's verdict.
    #[getter]
    fn ask(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.ask.as_ref().map(|ask| ask.clone_ref(py))
    }

    /// The origin that the host is asked about before decide, or None.
    fn asks(&self, environ: &Bound<'_, PyDict>) -> Option<Py<PyString>> {
        let py = environ.py();
        self.asks_host(py, &Asked::read(environ)).map(Bound::unbind)
    }

    /// Decides about the request of an environ. Never raises for what stands there.
    #[pyo3(signature = (environ, verdict = None))]
    fn decide(slf: &Bound<'_, Self>, environ: &Bound<'_, PyDict>, verdict: Option<&Bound<'_, PyAny>>) -> PyResult<Answer> {
        let verdict = self::verdict(verdict)?;
        let asked = Asked::read(environ);
        let outcome = slf.get().outcome(slf.py(), &asked, verdict);
        Ok(Answer { gate: slf.clone().unbind(), asked, outcome })
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
        self.gate.get().apply(headers.py(), &self.asked, &self.outcome, headers)
    }

    /// The same in place, in the dict in which Django keeps a response's headers.
    #[pyo3(signature = (store, /))]
    fn write(&self, store: &Bound<'_, PyDict>) -> PyResult<()> {
        self.gate.get().write(store.py(), &self.asked, &self.outcome, store)
    }
}
