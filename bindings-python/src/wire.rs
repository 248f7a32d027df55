//! A policy's prepared header sets as ASGI writes them: pairs of bytes, made once and shared by
//! every response.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;
use crossgate::{Decision, HeaderName, Op, Policy, PreparedValue, Reason};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::request::{HeaderLines, Preflight};
use crate::text::Text;

/// A policy with its sets.
pub(crate) struct Compiled {
    pub(crate) policy: Arc<Policy>,
    sets: PyOnceLock<Box<[Set]>>,
    known: [ArcSwapOption<Known>; SLOTS + 1],
    missed: AtomicUsize,
    /// Longer lists of names get one answer, whatever they hold.
    longest: usize,
}

/// Preflights that are remembered, each in the slot of its length: browsers of one site ask the
/// same few all day. The last slot is for names that are too many.
const SLOTS: usize = 8;
/// Of so many that are not remembered one takes its slot (an empty slot is taken at once): two that
/// share a slot, or a flood of new ones, cost a copy that seldom. A few do not displace what is
/// remembered; a flood that lasts takes every slot. Whoever is not remembered is decided anew,
/// which differs in time alone.
const TURN: usize = 16;

/// A preflight of an allowed origin and method, and what was answered: it was allowed, or its names
/// were too many. Nothing else gets here.
struct Known {
    origin: Py<PyBytes>,
    method: Py<PyBytes>,
    names: Names<Py<PyBytes>>,
    reason: Reason,
    message: Py<PyDict>,
    pairs: Py<PyList>,
}

/// What a preflight says of names.
#[derive(Clone, Copy)]
enum Names<T> {
    Absent,
    These(T),
    TooMany,
}

/// No page asks for so many bytes of names.
const MOST_KEPT: usize = 1024;

/// The headers of a set, and which of them hold the request's values.
struct Set {
    /// Never changed; copied into responses.
    pairs: Py<PyList>,
    made: Box<[Made]>,
    start: PyOnceLock<Start>,
}

/// A header whose value is the request's: its place among the pairs, which holds its name until
/// then.
struct Made {
    place: usize,
    name: Py<PyBytes>,
    value: PreparedValue<'static>,
}

/// The beginning of an answer without an application, to be copied: the message without its
/// headers, and those.
struct Start {
    status: u16,
    message: Py<PyDict>,
    pairs: Py<PyList>,
}

/// A decision's headers while it waits for its response: the set, and what of the request stands in
/// it.
pub(crate) struct Filled {
    set: usize,
    origin: Option<Py<PyBytes>>,
    method: Option<Py<PyBytes>>,
    names: Option<Py<PyBytes>>,
}

impl Filled {
    #[cfg(not(Py_LIMITED_API))]
    pub(crate) fn release(self, py: Python<'_>) {
        [self.origin, self.method, self.names]
            .into_iter()
            .flatten()
            .for_each(|value| value.drop_ref(py));
    }

    fn value(&self, value: &PreparedValue<'_>) -> Option<&Py<PyBytes>> {
        match value {
            PreparedValue::Fixed(_) => None,
            PreparedValue::Origin => self.origin.as_ref(),
            PreparedValue::Method => self.method.as_ref(),
            PreparedValue::Names => self.names.as_ref(),
        }
    }
}

impl Compiled {
    pub(crate) fn new(policy: Policy) -> Self {
        let longest = policy.request_headers_limit().unwrap_or(usize::MAX);
        let known = [const { ArcSwapOption::const_empty() }; SLOTS + 1];
        Compiled {
            policy: Arc::new(policy),
            sets: PyOnceLock::new(),
            known,
            missed: AtomicUsize::new(0),
            longest,
        }
    }

    fn sets(&self, py: Python<'_>) -> PyResult<&[Set]> {
        let sets = self.sets.get_or_try_init(py, || {
            self.policy
                .prepared()
                .map(|(headers, _)| Set::new(py, headers))
                .collect::<PyResult<_>>()
        })?;
        Ok(sets)
    }

    /// `origin`: the request's own bytes, which are not copied if they are what the header says.
    pub(crate) fn fill(
        &self,
        py: Python<'_>,
        decision: &Decision<'_>,
        origin: Option<&Text>,
    ) -> PyResult<Filled> {
        let mut filled = Filled {
            set: decision.prepared(),
            origin: None,
            method: None,
            names: None,
        };
        for Made { value, .. } in &self.sets(py)?[filled.set].made {
            let Some((text, _)) = decision.value_of(*value) else {
                continue;
            };
            match (value, origin) {
                (PreparedValue::Origin, Some(Text::Bytes(bytes)))
                    if bytes.as_bytes(py) == text.as_bytes() =>
                {
                    filled.origin = Some(bytes.clone_ref(py))
                }
                (PreparedValue::Origin, _) => {
                    filled.origin = Some(PyBytes::new(py, text.as_bytes()).unbind())
                }
                (PreparedValue::Method, _) => {
                    filled.method = Some(PyBytes::new(py, text.as_bytes()).unbind())
                }
                (PreparedValue::Names, _) => {
                    filled.names = Some(PyBytes::new(py, text.as_bytes()).unbind())
                }
                (PreparedValue::Fixed(_), _) => {}
            }
        }
        Ok(filled)
    }

    /// A new list: the headers behind those of a response that says nothing of CORS and has no
    /// Vary.
    pub(crate) fn behind<'py>(
        &self,
        filled: &Filled,
        theirs: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = theirs.py();
        let set = &self.sets(py)?[filled.set];
        // Two lists make one.
        let list = theirs
            .as_sequence()
            .concat(set.pairs.bind(py).as_sequence())?
            .cast_into::<PyList>()?;
        // Without the interpreter's lock another thread may change theirs meanwhile, but nobody
        // else has this one.
        let from = list.len() - set.pairs.bind(py).len();
        set.put(filled, &list, from)?;
        Ok(list)
    }

    /// What it says of names, and the slot in which it is remembered.
    fn slot<'a>(
        &'a self,
        py: Python<'_>,
        asked: Preflight<'a>,
    ) -> (Names<&'a Py<PyBytes>>, &'a ArcSwapOption<Known>) {
        let length = |value: &Py<PyBytes>| value.as_bytes(py).len();
        let others = length(asked.origin) + length(asked.method);
        match asked.names {
            None => (Names::Absent, &self.known[others % SLOTS]),
            Some(names) if length(names) > self.longest => (Names::TooMany, &self.known[SLOTS]),
            Some(names) => (
                Names::These(names),
                &self.known[(others + length(names)) % SLOTS],
            ),
        }
    }

    /// The first message of the answer to a preflight that is remembered, and its reason.
    #[inline(never)]
    pub(crate) fn again<'py>(
        &self,
        py: Python<'py>,
        lines: &HeaderLines,
    ) -> PyResult<Option<(Reason, Bound<'py, PyDict>)>> {
        let Some(asked) = lines.preflight() else {
            return Ok(None);
        };
        let (names, slot) = self.slot(py, asked);
        let known = slot.load();
        let Some(known) = known.as_deref() else {
            return Ok(None);
        };
        let same = |one: &Py<PyBytes>, other: &Py<PyBytes>| one.as_bytes(py) == other.as_bytes(py);
        let same_names = match (names, &known.names) {
            (Names::These(one), Names::These(other)) => same(one, other),
            (Names::Absent, Names::Absent) | (Names::TooMany, Names::TooMany) => true,
            _ => false,
        };
        if !(same_names && same(asked.origin, &known.origin) && same(asked.method, &known.method)) {
            return Ok(None);
        }
        let (message, pairs) = (known.message.bind(py).copy()?, known.pairs.bind(py));
        message.set_item(intern!(py, "headers"), pairs.get_slice(0, pairs.len()))?;
        Ok(Some((known.reason, message)))
    }

    /// Remembers a preflight for [`Compiled::again`], if it is one to be remembered.
    #[inline(never)]
    pub(crate) fn keep(
        &self,
        py: Python<'_>,
        lines: &HeaderLines,
        decision: (Option<bool>, Reason),
        start: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let Some(asked) = lines.preflight() else {
            return Ok(());
        };
        let (names, slot) = self.slot(py, asked);
        let names = match (names, decision) {
            (Names::Absent, (Some(true), _)) => Names::Absent,
            (Names::These(names), (Some(true), _)) if names.as_bytes(py).len() <= MOST_KEPT => {
                Names::These(names.clone_ref(py))
            }
            // The reason is the first failing check, so origin and method passed.
            (Names::TooMany, (_, Reason::HeaderListTooLong)) => Names::TooMany,
            _ => return Ok(()),
        };
        if !self
            .missed
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(TURN)
            && slot.load().is_some()
        {
            return Ok(());
        }
        let Some(Ok(pairs)) = start
            .get_item(intern!(py, "headers"))?
            .map(Bound::cast_into::<PyList>)
        else {
            return Ok(());
        };
        let (pairs, message) = (
            pairs.get_slice(0, pairs.len()).unbind(),
            start.copy()?.unbind(),
        );
        let [origin, method] = [asked.origin, asked.method].map(|value| value.clone_ref(py));
        drop(slot.swap(Some(Arc::new(Known {
            origin,
            method,
            names,
            reason: decision.1,
            message,
            pairs,
        }))));
        Ok(())
    }

    /// The first message of an answer that has no body.
    pub(crate) fn start<'py>(
        &self,
        py: Python<'py>,
        filled: &Filled,
        status: u16,
    ) -> PyResult<Bound<'py, PyDict>> {
        let set = &self.sets(py)?[filled.set];
        let known = set
            .start
            .get_or_try_init(py, || Start::new(py, set, status))?;
        let made;
        let start = if known.status == status {
            known
        } else {
            // A refused request's, in the set of a refused preflight.
            made = Start::new(py, set, status)?;
            &made
        };
        let pairs = start.pairs.bind(py);
        let pairs = pairs.get_slice(0, pairs.len());
        set.put(filled, &pairs, 0)?;
        let message = start.message.bind(py).copy()?;
        message.set_item(intern!(py, "headers"), pairs)?;
        Ok(message)
    }
}

impl Set {
    fn new<'p>(
        py: Python<'_>,
        headers: impl Iterator<Item = (HeaderName, Op, PreparedValue<'p>)>,
    ) -> PyResult<Self> {
        let pairs = PyList::empty(py);
        let mut made = Vec::new();
        for (place, (name, _, value)) in headers.enumerate() {
            let name = PyBytes::new(py, name.lower().as_bytes());
            let mut of_request = |value| {
                made.push(Made {
                    place,
                    name: name.clone().unbind(),
                    value,
                })
            };
            match value {
                PreparedValue::Fixed(text) => {
                    pairs.append((&name, PyBytes::new(py, text.as_bytes())))?;
                    continue;
                }
                PreparedValue::Origin => of_request(PreparedValue::Origin),
                PreparedValue::Method => of_request(PreparedValue::Method),
                PreparedValue::Names => of_request(PreparedValue::Names),
            }
            pairs.append(name)?;
        }
        Ok(Set {
            pairs: pairs.unbind(),
            made: made.into(),
            start: PyOnceLock::new(),
        })
    }

    /// Puts the request's values where they belong, in a copy of the pairs that begins at `from`.
    fn put(&self, filled: &Filled, list: &Bound<'_, PyList>, from: usize) -> PyResult<()> {
        // From the end: a header that is left out moves those behind it.
        self.made
            .iter()
            .rev()
            .try_for_each(|Made { place, name, value }| match filled.value(value) {
                Some(value) => list.set_item(from + place, (name, value)),
                None => list.del_item(from + place),
            })
    }
}

impl Start {
    fn new(py: Python<'_>, set: &Set, status: u16) -> PyResult<Self> {
        let message = PyDict::new(py);
        message.set_item(intern!(py, "type"), intern!(py, "http.response.start"))?;
        message.set_item(intern!(py, "status"), status)?;
        message.set_item(intern!(py, "headers"), py.None())?;
        let pairs = set.pairs.bind(py);
        let pairs = pairs.get_slice(0, pairs.len());
        if status != 204 {
            pairs.append((PyBytes::new(py, b"content-length"), PyBytes::new(py, b"0")))?;
        }
        Ok(Start {
            status,
            message: message.unbind(),
            pairs: pairs.unbind(),
        })
    }
}
